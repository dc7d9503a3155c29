// A picture as commands of gnuplot (5.4 and later). Strings are quoted so that a title cannot be a command.
#pragma once

#include "runtime/pictures/Picture.h"

namespace dlc {

/// Draws curves or a grid to `output`, a path, in the format of `kind`: `svg` or `png`. Images are TileSheet's.
std::string gnuplotScript(const Picture &picture, const std::string &kind, const std::string &output);

/// The commands before all others: where to draw, how large, in which letters.
std::string gnuplotHead(const Picture &picture, const std::string &kind, const std::string &output);

/// A string of gnuplot: in single quotes, quotes doubled, control characters as blanks.
std::string gnuplotQuoted(std::string_view text);

/// Colours that people of any sight tell apart (Okabe and Ito), as `#0072B2`; they come round again.
std::string seriesColour(size_t i);

} // namespace dlc
