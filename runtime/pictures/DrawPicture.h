// Pictures to files.
#pragma once

#include "runtime/Result.h"
#include "runtime/pictures/Picture.h"

namespace dlc {

/// Whether a file's name says that it is a picture of a kind that is drawn: `.svg` or `.png`.
bool isPictureName(std::string_view file);

/// Draws to a file; what stood there is replaced when the picture is whole. What has no place was left out
/// (leaveOutUndrawable), and something is to be drawn. False when gnuplot is needed and not there.
Result<bool> drawPicture(const Picture &picture, const std::string &file);

} // namespace dlc
