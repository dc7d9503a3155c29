// Pictures of another size, as Pillow and torchvision make them: bilinear, with antialiasing.
#pragma once

#include "runtime/pictures/Picture8.h"

namespace dlc {

/// `picture` as height x width, the bytes of Pillow's `resize((width, height), BILINEAR)`: a pixel is the mean of those
/// that fall under a triangle, which is as wide as the picture shrinks; weights have 22 bits; columns first, rounded to
/// 8 bits, then rows. Colours of 4 channels are weighed by their opacity.
Picture8 resizePicture(Picture8 picture, int64_t height, int64_t width);

} // namespace dlc
