// Curves and points as text: one series in braille dots, several with a letter each; axes with numbers; a legend.
#include "runtime/pictures/PictureText.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <string_view>

namespace dlc {

static constexpr std::string_view marks = "*+ox#@%&=~";

namespace {
/// A grid of dots, some to a character; what is drawn last stands above.
class Canvas {
public:
  Canvas(int columns, int rows, bool braille)
      : columns(columns), rows(rows), across(braille ? 2 : 1), down(braille ? 4 : 1), dots(size_t(columns * rows)),
        letters(size_t(columns * rows), ' ') {}
  int width() const { return columns * across; }
  int height() const { return rows * down; }

  /// A dot; row 0 is at the top.
  void dot(int64_t x, int64_t y, char letter) {
    static constexpr unsigned bits[4][2] = {{0x01, 0x08}, {0x02, 0x10}, {0x04, 0x20}, {0x40, 0x80}};
    if (x < 0 || y < 0 || x >= width() || y >= height())
      return;
    size_t cell = size_t(y / down * columns + x / across);
    dots[cell] |= across == 2 ? bits[y % 4][x % 2] : 1;
    letters[cell] = letter;
  }
  void line(double x0, double y0, double x1, double y1, char letter) {
    int64_t steps = int64_t(std::ceil(std::max(std::fabs(x1 - x0), std::fabs(y1 - y0))));
    for (int64_t i = 0; i <= steps; ++i) {
      double share = steps ? double(i) / double(steps) : 0;
      dot(std::lround(x0 + share * (x1 - x0)), std::lround(y0 + share * (y1 - y0)), letter);
    }
  }
  void shade(int64_t x, int64_t y) { // of a band: below all else
    if (x >= 0 && y >= 0 && x < width() && y < height())
      if (char &letter = letters[size_t(y / down * columns + x / across)]; letter == ' ')
        letter = ':';
  }
  std::string row(int r, bool utf8) const {
    std::string text;
    for (int c = 0; c < columns; ++c) {
      size_t cell = size_t(r * columns + c);
      if (across == 2 && dots[cell]) {
        unsigned code = 0x2800 + dots[cell];
        text += {char(0xe0 | code >> 12), char(0x80 | (code >> 6 & 0x3f)), char(0x80 | (code & 0x3f))};
      } else if (letters[cell] == ':' && utf8) {
        text += "░";
      } else {
        text += letters[cell];
      }
    }
    return text;
  }

private:
  int columns, rows, across, down;
  std::vector<unsigned> dots;
  std::string letters;
};

/// From a number of an axis to a place on the canvas.
struct Axis {
  Axis(Extent extent, int places, bool logarithmic) : logarithmic(logarithmic), places(places) {
    low = at(extent.low);
    high = at(extent.high);
    if (high == low) { // one number: in the middle
      double half = low == 0 ? 1 : std::fabs(low) / 2;
      low -= half;
      high += half;
    }
  }
  double at(double value) const { return logarithmic ? std::log10(value) : value; }
  double operator()(double value) const { return (at(value) / 2 - low / 2) / (high / 2 - low / 2) * (places - 1); }
  bool logarithmic;
  int places;
  double low, high;
};
} // namespace

static void drawSeries(Canvas &canvas, const Series &series, const Axis &x, const Axis &y, char letter) {
  auto down = [&](double value) { return canvas.height() - 1 - y(value); };
  if (!series.low.empty())
    for (size_t i = 0; i < series.x.size(); ++i)
      if (!std::isnan(series.low[i]) && !std::isnan(series.x[i]))
        for (int64_t row = std::lround(down(series.high[i])); row <= std::lround(down(series.low[i])); ++row)
          canvas.shade(std::lround(x(series.x[i])), row);
  for (size_t i = 0; i < series.x.size(); ++i) {
    if (std::isnan(series.x[i]))
      continue;
    bool joined = series.kind != Series::Kind::Points && i > 0 && !std::isnan(series.x[i - 1]);
    size_t from = joined ? i - 1 : i;
    canvas.line(x(series.x[from]), down(series.y[from]), x(series.x[i]), down(series.y[i]), letter);
  }
}

/// The numbers below the drawing, each under its place where there is room.
static std::string numbersBelow(const Extent &extent, const Axis &axis, bool whole, int columns) {
  std::string line(size_t(columns), ' ');
  std::vector<double> marked = ticks(extent, std::max(columns / 12, 2), axis.logarithmic, whole);
  std::vector<std::string> texts = tickTexts(marked, axis.logarithmic);
  int free = 0;
  for (size_t i = 0; i < marked.size(); ++i) {
    int length = int(texts[i].size());
    int begin = std::clamp(int(std::lround(axis(marked[i]))) - length / 2, 0, std::max(columns - length, 0));
    if (begin < free || begin + length > columns)
      continue;
    line.replace(size_t(begin), size_t(length), texts[i]);
    free = begin + length + 1;
  }
  return withoutTrailingBlanks(std::move(line));
}

/// The names with their letters, in as many lines as they need.
static std::string legend(const Picture &picture, int margin, int width) {
  std::string text, line;
  auto finish = [&] {
    if (!line.empty())
      text += std::string(size_t(margin), ' ') + line + "\n";
    line.clear();
  };
  for (size_t i = 0; i < picture.series.size(); ++i) {
    if (picture.series[i].name.empty())
      continue;
    std::string entry = picture.series.size() > 1 ? std::string(1, marks[i % marks.size()]) + " " : "";
    entry += picture.series[i].name;
    entry = fitted(entry, std::min(columnsOf(entry), width));
    if (!line.empty() && columnsOf(line) + 3 + columnsOf(entry) > width)
      finish();
    line += (line.empty() ? "" : "   ") + entry;
  }
  finish();
  return text;
}

std::string curvesText(const Picture &picture, int columns, int rows, bool utf8) {
  Extent acrossExtent = extentOfX(picture), upExtent = extentOfY(picture);
  std::vector<double> marked = ticks(upExtent, std::max(rows / 3, 2), picture.logY, isWhole(picture, &Series::y));
  std::vector<std::string> texts = tickTexts(marked, picture.logY);
  int margin = 0;
  for (const std::string &text : texts)
    margin = std::max(margin, columnsOf(text));
  int width = std::max(columns - margin - 2, 10);
  bool several = picture.series.size() > 1;
  Canvas canvas(width, rows, utf8 && !several);
  Axis x(acrossExtent, canvas.width(), picture.logX), y(upExtent, canvas.height(), picture.logY);
  for (size_t i = 0; i < picture.series.size(); ++i)
    drawSeries(canvas, picture.series[i], x, y, marks[i % marks.size()]);
  std::vector<std::string> beside(size_t(rows), std::string(size_t(margin), ' ') + (utf8 ? " │" : " |"));
  Axis places(upExtent, rows, picture.logY);
  for (size_t i = 0; i < marked.size(); ++i)
    beside[size_t(std::clamp<int64_t>(rows - 1 - std::lround(places(marked[i])), 0, rows - 1))] =
        fitted(texts[i], margin, true) + (utf8 ? " ┤" : " +");
  std::string text =
      picture.yLabel.empty() ? "" : fitted(picture.yLabel, std::min(columns, columnsOf(picture.yLabel))) + "\n";
  for (int r = 0; r < rows; ++r)
    text += withoutTrailingBlanks(beside[size_t(r)] + canvas.row(r, utf8)) + "\n";
  text += std::string(size_t(margin), ' ') + (utf8 ? " └" : " +");
  for (int c = 0; c < width; ++c)
    text += utf8 ? "─" : "-";
  text += "\n" + std::string(size_t(margin + 2), ' ') +
          numbersBelow(acrossExtent, Axis(acrossExtent, width, picture.logX), isWhole(picture, &Series::x), width) +
          "\n";
  if (!picture.xLabel.empty()) {
    int length = std::min(columnsOf(picture.xLabel), width);
    text += std::string(size_t(margin + 2 + (width - length) / 2), ' ') + fitted(picture.xLabel, length) + "\n";
  }
  return text + legend(picture, margin + 2, width);
}

} // namespace dlc
