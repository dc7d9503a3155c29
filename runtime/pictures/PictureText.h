// A picture as text, for a terminal.
#pragma once

#include "runtime/pictures/Picture.h"

namespace dlc {

/// Lines of at most `columns` columns, the drawing itself `rows` high (bars, grids and images are as high as they must be).
/// With `utf8` in braille, blocks and lines, else in ASCII.
std::string pictureText(const Picture &picture, int columns, int rows, bool utf8);

/// The course of some numbers in one line, `▁▃▇`: the last `width` of them. "" when none is finite.
std::string sparkline(const std::vector<double> &values, int width);

/// How many columns a text takes: a letter each (of UTF-8).
int columnsOf(std::string_view text);
/// The text cut or filled with blanks to `width` columns; with `right` the blanks stand before it.
std::string fitted(std::string_view text, int width, bool right = false);

/// Without the blanks at its end.
std::string withoutTrailingBlanks(std::string line);

//===-- The parts, each in a file of its own --------------------------------------------------------------------------===//

std::string curvesText(const Picture &picture, int columns, int rows, bool utf8);
std::string barsText(const Picture &picture, int columns, bool utf8);
std::string gridText(const Picture &picture, int columns);
std::string tilesText(const Picture &picture, int columns);

} // namespace dlc
