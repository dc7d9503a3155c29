// PNG files, through zlib alone.
#pragma once

#include "runtime/pictures/Picture.h"

namespace dlc {

/// The bytes of a PNG file, 8 bits a channel (1 grey, 3 colours).
std::string pngBytes(const Tile &image);

std::string base64(std::string_view bytes);

} // namespace dlc
