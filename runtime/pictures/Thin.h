// Fewer points, with the same look: a million of them in a file of some hundred kilobytes.
#pragma once

#include "runtime/pictures/Picture.h"

namespace dlc {

/// Thins a picture for `columns` by `rows` places. A line whose x do not fall keeps of each column the first, the last, the
/// least and the greatest point, and of a band its extremes; any other line and all points keep one a place (of a line: of
/// those one after the other). A grid has the means of what falls into a place.
Picture thinned(Picture picture, int columns, int rows);

} // namespace dlc
