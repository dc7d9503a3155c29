// What is drawn, no matter how: curves, points and bars on two axes, a grid of numbers, or images side by side.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dlc {

struct Series {
  enum class Kind { Line, Points, Bars };
  Kind kind = Kind::Line;
  std::string name; ///< in the legend; empty: not in it
  std::vector<double> x, y;
  std::vector<double> low, high; ///< a band around a line; empty: none
  std::vector<double> scale;     ///< of points: what their colours show; empty: they have the series' colour
  double width = 1;              ///< of a bar, in units of x
};

/// Numbers in cells, row-major, the first row at the top.
struct Grid {
  int64_t rows = 0, columns = 0;
  std::vector<double> values;
  std::vector<std::string> rowNames, columnNames; ///< empty: the cells are numbered
  bool written = false;                           ///< the numbers stand in the cells
  double rowHeight = 1, columnWidth = 1;          ///< of a cell, in units of the axes: more than 1 after thinning
};

/// An image: rows of pixels, bytes for its channels (1 grey, 3 red green blue) side by side.
struct Tile {
  int64_t height = 0, width = 0, channels = 1;
  std::vector<unsigned char> pixels;
  std::string label;
};

struct Picture {
  std::string title, xLabel, yLabel;
  std::vector<Series> series;
  std::vector<std::string> names; ///< of the places 0, 1, .. of x (bars); empty: x has numbers
  bool logX = false, logY = false;
  std::optional<Grid> grid;
  std::vector<Tile> tiles;
  int64_t tileColumns = 0;       ///< images in a row; 0: about a square of them
  int width = 800, height = 500; ///< of a file, in pixels
};

/// Makes gaps of what has no place: points that are not finite, or not positive where an axis is logarithmic. Gives their
/// number. A gap of a line is a point whose x and y are NaN; of points and bars nothing is left.
int64_t leaveOutUndrawable(Picture &picture);

/// A text that can be shown: control characters become blanks, bytes that are no UTF-8 question marks.
std::string printable(std::string_view text);

/// Whether there is nothing to draw.
bool isEmpty(const Picture &picture);

/// From the least to the greatest; `low > high` when there was nothing.
struct Extent {
  double low = 1, high = 0;
  bool empty() const { return low > high; }
  void include(double value) {
    if (value != value)
      return;
    bool first = empty();
    low = first || value < low ? value : low;
    high = first || value > high ? value : high;
  }
};
/// What the axes must show: points, bands, bars with their width and with zero.
Extent extentOfX(const Picture &picture);
Extent extentOfY(const Picture &picture);

/// The numbers to write at an axis: round ones, at most `most` of them, within the extent; powers of ten where it is
/// logarithmic, whole ones where only these are wanted.
std::vector<double> ticks(Extent extent, int most, bool logarithmic, bool whole = false);
/// Whether an axis shows whole numbers alone, between which there is nothing to say.
bool isWhole(const Picture &picture, std::vector<double> Series::*axis);
/// Ticks as text, all with the same number of decimals.
std::vector<std::string> tickTexts(const std::vector<double> &ticks, bool logarithmic);

/// Counts of values in `bins` parts of one width, the last including its end. The extent is that of the finite values; of
/// values that are all the same it is one around them.
Series histogramOf(const std::vector<double> &values, Extent extent, int bins);

} // namespace dlc
