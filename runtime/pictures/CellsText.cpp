// Grids of numbers and images as text: numbers in columns where they fit, else from light to dark.
#include "runtime/pictures/PictureText.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <string_view>

namespace dlc {

static constexpr std::string_view ramp = " .:-=+*#%@"; // from nothing to most ink

static char ink(double share) {
  return ramp[size_t(std::clamp(int(share * double(ramp.size())), 0, int(ramp.size()) - 1))];
}

using Names = std::vector<std::string>;

/// The first `count` names; numbers where there are none.
static Names namesOf(const Names &names, int64_t count) {
  Names all;
  for (int64_t i = 0; i < count; ++i)
    all.push_back(size_t(i) < names.size() ? names[size_t(i)] : std::to_string(i));
  return all;
}

static int widest(const Names &names) {
  int width = 0;
  for (const std::string &name : names)
    width = std::max(width, columnsOf(name));
  return width;
}

/// A table: names above and at the left, a number a cell. Too wide ones give "".
static std::string table(const Grid &grid, int columns, const Names &rowNames, const Names &columnNames) {
  bool whole = std::all_of(grid.values.begin(), grid.values.end(),
                           [](double v) { return std::isnan(v) || (v == std::floor(v) && std::fabs(v) < 1e9); });
  auto text = [&](double value) {
    return std::isnan(value) ? "-" : whole ? fmt::format("{:.0f}", value) : fmt::format("{:.3g}", value);
  };
  const int left = widest(rowNames);
  std::vector<int> widths;
  int total = left;
  for (int64_t j = 0; j < grid.columns; ++j) {
    int width = columnsOf(columnNames[size_t(j)]);
    for (int64_t i = 0; i < grid.rows; ++i)
      width = std::max(width, columnsOf(text(grid.values[size_t(i * grid.columns + j)])));
    widths.push_back(width);
    total += width + 2;
    if (total > columns)
      return "";
  }
  std::string result(size_t(left), ' ');
  for (int64_t j = 0; j < grid.columns; ++j)
    result += "  " + fitted(columnNames[size_t(j)], widths[size_t(j)], true);
  result += "\n";
  for (int64_t i = 0; i < grid.rows; ++i) {
    result += fitted(rowNames[size_t(i)], left, true);
    for (int64_t j = 0; j < grid.columns; ++j)
      result += "  " + fitted(text(grid.values[size_t(i * grid.columns + j)]), widths[size_t(j)], true);
    result += "\n";
  }
  return result;
}

/// The table with its names; where these are too wide, columns that are called as the rows have their numbers, and others are
/// cut. "" where the numbers alone are too wide.
static std::string table(const Grid &grid, int columns) {
  Names rows = namesOf(grid.rowNames, grid.rows), above = namesOf(grid.columnNames, grid.columns);
  if (std::string whole = table(grid, columns, rows, above); !whole.empty())
    return whole;
  const int most = std::max(columns / 4, 8); // letters of a row's name
  auto cut = [](std::string &name, int width) { name = withoutTrailingBlanks(fitted(name, width)); };
  if (rows == above) {
    above = namesOf({}, grid.columns);
    for (size_t i = 0; i < rows.size() && !grid.rowNames.empty(); ++i) {
      cut(rows[i], most - columnsOf(above[i]) - 1);
      rows[i] += " " + above[i];
    }
    return table(grid, columns, rows, above);
  }
  for (std::string &name : rows)
    cut(name, most);
  for (int width = widest(above) - 1; width >= 3; --width) {
    for (std::string &name : above)
      cut(name, width);
    if (std::string made = table(grid, columns, rows, above); !made.empty())
      return made;
  }
  return "";
}

std::string gridText(const Picture &picture, int columns) {
  const Grid &grid = *picture.grid;
  std::string text;
  if (!picture.yLabel.empty() || !picture.xLabel.empty())
    text += fmt::format("rows: {}, columns: {}\n", picture.yLabel.empty() ? "-" : printable(picture.yLabel),
                        picture.xLabel.empty() ? "-" : printable(picture.xLabel));
  if (grid.rows <= 40)
    if (std::string numbers = table(grid, columns); !numbers.empty())
      return text + numbers;
  // Two letters a cell make it about square; a wide grid has one.
  Extent extent;
  for (double value : grid.values)
    extent.include(value);
  int letters = grid.columns * 2 <= columns ? 2 : 1;
  int64_t across = std::min<int64_t>(grid.columns, columns / letters);
  double shrunk = double(across) / double(grid.columns);
  int64_t down = std::clamp<int64_t>(std::lround(double(grid.rows) * shrunk * letters / 2), 1, 60);
  for (int64_t i = 0; i < down; ++i) {
    std::string line;
    for (int64_t j = 0; j < across; ++j) {
      double value = grid.values[size_t(i * grid.rows / down * grid.columns + j * grid.columns / across)];
      double share = extent.high > extent.low ? (value - extent.low) / (extent.high - extent.low) : 0.5;
      line += std::string(size_t(letters), std::isnan(value) ? ' ' : ink(share));
    }
    text += withoutTrailingBlanks(line) + "\n";
  }
  return text + fmt::format("from {:.4g} (blank) to {:.4g} (@)\n", extent.empty() ? 0 : extent.low,
                            extent.empty() ? 0 : extent.high);
}

/// How bright a pixel is, from 0 to 1.
static double brightness(const Tile &tile, int64_t y, int64_t x) {
  const unsigned char *pixel = &tile.pixels[size_t((y * tile.width + x) * tile.channels)];
  return (tile.channels < 3 ? pixel[0] : 0.299 * pixel[0] + 0.587 * pixel[1] + 0.114 * pixel[2]) / 255;
}

/// An image in lines of `width` letters: bright is much ink, as a terminal is dark. A letter is twice as high as wide.
static std::vector<std::string> lettersOf(const Tile &tile, int width) {
  int64_t across = std::min<int64_t>(tile.width, width);
  int64_t down = std::max<int64_t>(1, std::lround(double(across) * double(tile.height) / double(tile.width) / 2));
  std::vector<std::string> lines;
  for (int64_t i = 0; i < down; ++i) {
    std::string line;
    for (int64_t j = 0; j < across; ++j) {
      double sum = 0;
      int64_t count = 0;
      for (int64_t y = i * tile.height / down; y < std::max((i + 1) * tile.height / down, i * tile.height / down + 1);
           ++y)
        for (int64_t x = j * tile.width / across; x < (j + 1) * tile.width / across; ++x, ++count)
          sum += brightness(tile, y, x);
      line += ink(count ? sum / double(count) : 0);
    }
    lines.push_back(line);
  }
  return lines;
}

std::string tilesText(const Picture &picture, int columns) {
  constexpr int gap = 2, narrow = 12; // letters
  int64_t count = int64_t(picture.tiles.size());
  int64_t widest = 1;
  for (const Tile &tile : picture.tiles)
    widest = std::max({widest, std::min<int64_t>(tile.width, columns), std::min<int64_t>(columnsOf(tile.label), 24)});
  int64_t across =
      picture.tileColumns > 0 ? picture.tileColumns : std::max<int64_t>((columns + gap) / (widest + gap), 1);
  across = std::clamp<int64_t>(std::min(across, count), 1, std::max((columns + gap) / (narrow + gap), 1));
  int width = int(std::min<int64_t>(widest, (columns + gap) / across - gap));
  std::string text;
  for (int64_t begin = 0; begin < count; begin += across) {
    std::vector<std::string> lines;
    int64_t end = std::min(begin + across, count);
    bool labels = false;
    for (int64_t i = begin; i < end; ++i)
      labels |= !picture.tiles[size_t(i)].label.empty();
    if (labels)
      lines.emplace_back();
    for (int64_t i = begin; i < end; ++i) {
      const Tile &tile = picture.tiles[size_t(i)];
      std::vector<std::string> drawn = lettersOf(tile, width);
      if (labels)
        drawn.insert(drawn.begin(), tile.label);
      lines.resize(std::max(lines.size(), drawn.size()));
      for (size_t line = 0; line < lines.size(); ++line) {
        int64_t before = (i - begin) * (width + gap);
        lines[line] = fitted(lines[line], int(before)) + fitted(line < drawn.size() ? drawn[line] : "", width);
      }
    }
    for (const std::string &line : lines)
      text += withoutTrailingBlanks(line) + "\n";
    if (end < count)
      text += "\n";
  }
  return text;
}

} // namespace dlc
