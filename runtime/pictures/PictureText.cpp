// Which text a picture becomes; bars, sparklines and what all share. Curves are in CurvesText.cpp, cells in CellsText.cpp.
#include "runtime/pictures/PictureText.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

namespace dlc {

int columnsOf(std::string_view text) {
  return int(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xc0) != 0x80; }));
}

std::string fitted(std::string_view given, int width, bool right) {
  std::string result, text = printable(given);
  int columns = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    bool begins = (text[i] & 0xc0) != 0x80;
    if (begins && columns == width)
      break;
    columns += begins;
    result += text[i];
  }
  std::string blanks(size_t(std::max(width - columns, 0)), ' ');
  return right ? blanks + result : result + blanks;
}

std::string withoutTrailingBlanks(std::string line) {
  line.erase(line.find_last_not_of(' ') + 1);
  return line;
}

static std::string centred(const std::string &text, int columns) {
  int length = std::min(columnsOf(text), columns);
  return std::string(size_t((columns - length) / 2), ' ') + withoutTrailingBlanks(fitted(text, length)) + "\n";
}

std::string sparkline(const std::vector<double> &values, int width) {
  static constexpr const char *blocks[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  size_t begin = values.size() > size_t(std::max(width, 0)) ? values.size() - size_t(std::max(width, 0)) : 0;
  Extent extent;
  for (size_t i = begin; i < values.size(); ++i)
    if (std::isfinite(values[i]))
      extent.include(values[i]);
  std::string text;
  for (size_t i = begin; i < values.size() && !extent.empty(); ++i) {
    double height = extent.high > extent.low ? (values[i] - extent.low) / (extent.high - extent.low) : 0.5;
    text += std::isfinite(values[i]) ? blocks[std::clamp(int(height * 8), 0, 7)] : " ";
  }
  return text;
}

/// A bar of some length, in eighths of a column.
static std::string bar(double length, bool utf8) {
  static constexpr const char *eighths[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
  std::string text;
  int64_t parts = std::max<int64_t>(int64_t(std::lround(length * 8)), 0);
  if (!utf8)
    return std::string(size_t(std::lround(length)), '#');
  for (int64_t i = 0; i < parts / 8; ++i)
    text += "█";
  return text + eighths[parts % 8];
}

std::string barsText(const Picture &picture, int columns, bool utf8) {
  // A line a bar; several series one after the other at each place.
  size_t places = 0;
  double least = 0, greatest = 0;
  for (const Series &series : picture.series) {
    places = std::max(places, series.x.size());
    for (double y : series.y) {
      least = std::min(least, y);
      greatest = std::max(greatest, y);
    }
  }
  bool several = picture.series.size() > 1;
  std::vector<std::string> labels, numbers;
  std::vector<double> heights;
  for (size_t i = 0; i < places; ++i)
    for (const Series &series : picture.series) {
      if (i >= series.x.size())
        continue;
      std::string place = i < picture.names.size() ? picture.names[i] : fmt::format("{:.4g}", series.x[i]);
      if (several)
        place += series.name.empty() ? "" : " " + series.name;
      labels.push_back(place);
      numbers.push_back(fmt::format("{:.6g}", series.y[i]));
      heights.push_back(series.y[i]);
    }
  int label = 0, number = 0;
  for (size_t i = 0; i < labels.size(); ++i) {
    label = std::max(label, columnsOf(labels[i]));
    number = std::max(number, columnsOf(numbers[i]));
  }
  label = std::min(label, std::max(columns / 3, 4));
  int room = std::max(columns - label - number - 3, 5);
  double scale = greatest > least ? room / (greatest - least) : 0, zero = std::round(-least * scale);
  std::string text;
  for (size_t i = 0; i < labels.size(); ++i) {
    double length = std::fabs(heights[i]) * scale;
    std::string drawn = heights[i] >= 0 ? std::string(size_t(zero), ' ') + bar(length, utf8)
                                        : std::string(size_t(std::max(zero - std::round(length), 0.0)), ' ') +
                                              bar(std::round(length), utf8);
    text += withoutTrailingBlanks(fitted(labels[i], label, true) + (utf8 ? " │" : " |") + fitted(drawn, room) + " " +
                                  numbers[i]) +
            "\n";
  }
  return text;
}

std::string pictureText(const Picture &picture, int columns, int rows, bool utf8) {
  std::string text = picture.title.empty() ? "" : centred(picture.title, columns);
  if (picture.grid)
    return text + gridText(picture, columns);
  if (!picture.tiles.empty())
    return text + tilesText(picture, columns);
  bool bars = !picture.series.empty() && picture.series[0].kind == Series::Kind::Bars;
  if (bars && (picture.series.size() == 1 || !picture.names.empty())) { // several histograms are curves
    if (!picture.yLabel.empty())
      text += fitted(picture.yLabel, std::min(columns, columnsOf(picture.yLabel))) + "\n";
    return text + barsText(picture, columns, utf8);
  }
  return text + curvesText(picture, columns, rows, utf8);
}

} // namespace dlc
