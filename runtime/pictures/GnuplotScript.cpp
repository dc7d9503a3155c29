// Scripts for gnuplot: settings, data as blocks of numbers, one `plot`.
#include "runtime/pictures/GnuplotScript.h"

#include "runtime/pictures/PictureText.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <fmt/format.h>

namespace dlc {

static constexpr std::array<const char *, 7> colours = {"#0072B2", "#D55E00", "#009E73", "#CC79A7",
                                                        "#E69F00", "#56B4E9", "#000000"};
// Shapes of points: filled circle, triangle, square, diamond, triangle upside down; then the open ones.
static constexpr std::array<int, 10> shapes = {7, 9, 5, 13, 11, 6, 8, 4, 12, 10};
// From dark to bright, evenly for every eye (viridis).
static constexpr const char *palette =
    "set palette defined (0 '#440154', 1 '#46327e', 2 '#365c8d', 3 '#277f8e', 4 '#1fa187', 5 '#4ac16d', 6 '#a0da39', "
    "7 '#fde725')\n";

std::string seriesColour(size_t i) { return colours[i % colours.size()]; }

// In double quotes: a single quote that is doubled to stand within single ones does not do so at their beginning.
std::string gnuplotQuoted(std::string_view text) {
  std::string quoted = "\"";
  for (char c : printable(text)) {
    if (c == '"' || c == '\\')
      quoted += '\\';
    quoted += c == '`' ? "\\140" : c == '@' ? "\\100" : std::string(1, c); // these are replaced before all else
  }
  return quoted + "\"";
}

/// The text of a tick: a format, where `%` means something.
static std::string tickText(const std::string &text) {
  std::string escaped;
  for (char c : text)
    escaped += c == '%' ? std::string("%%") : std::string(1, c);
  return gnuplotQuoted(escaped);
}

/// `('a' 0, 'b' 1)`: at most `most` of the names, evenly, for more would stand on each other.
static std::string someTicks(const std::vector<std::string> &names, size_t most) {
  size_t step = std::max<size_t>((names.size() + most - 1) / std::max<size_t>(most, 1), 1);
  std::string list;
  for (size_t i = 0; i < names.size(); i += step)
    list += fmt::format("{}{} {}", i ? ", " : "", tickText(names[i]), i);
  return "(" + list + ")";
}

static size_t longest(const std::vector<std::string> &names) {
  size_t most = 0;
  for (const std::string &name : names)
    most = std::max(most, size_t(columnsOf(name)));
  return most;
}

static constexpr size_t letterWidth = 8, turnedWidth = 18; // pixels of a name's letter; of a name that is turned

/// Names as long as there is room for beside or below what is drawn.
static std::vector<std::string> shortened(std::vector<std::string> names) {
  constexpr int most = 24; // letters
  for (std::string &name : names)
    if (columnsOf(name) > most)
      name = fitted(name, most - 1) + "…";
  return names;
}

/// Whether names can stand side by side.
static bool fitBelow(const std::vector<std::string> &names, int width) {
  return names.size() * (longest(names) + 2) * letterWidth <= size_t(width) * 8 / 10;
}

/// `set xtics` for names: turned where they are too long to stand side by side.
static std::string namesBelow(const std::vector<std::string> &names, int width) {
  bool fits = fitBelow(names, width);
  size_t most = std::max<size_t>(size_t(width) * 8 / 10 / turnedWidth, 1);
  return fmt::format("set xtics {}{} nomirror\n", fits ? "" : "rotate by 40 right ",
                     someTicks(names, fits ? names.size() : most));
}

//===-- Curves, points, bars ------------------------------------------------------------------------------------------===//

/// The data of a series: x, y, then the ends of its band or its colour. Empty lines are gaps.
static std::string dataBlock(size_t number, const Series &series) {
  std::string text = fmt::format("$d{} << EOD\n", number);
  for (size_t i = 0; i < series.x.size(); ++i) {
    if (std::isnan(series.x[i])) {
      text += "\n";
      continue;
    }
    text += fmt::format("{:.9g} {:.9g}", series.x[i], series.y[i]);
    if (!series.low.empty())
      text += std::isnan(series.low[i]) ? " NaN NaN" : fmt::format(" {:.9g} {:.9g}", series.low[i], series.high[i]);
    if (!series.scale.empty())
      text += fmt::format(" {:.9g}", series.scale[i]);
    text += "\n";
  }
  return text + "EOD\n";
}

/// The points of a line that have a gap on both sides, as a block `$pNUMBER`: a line alone would not show them.
static std::string lonePoints(size_t number, const Series &series) {
  std::string text;
  auto gap = [&](size_t i) { return i >= series.x.size() || std::isnan(series.x[i]); };
  for (size_t i = 0; i < series.x.size() && series.kind == Series::Kind::Line; ++i)
    if (!gap(i) && (i == 0 || gap(i - 1)) && gap(i + 1))
      text += fmt::format("{:.9g} {:.9g}\n", series.x[i], series.y[i]);
  return text.empty() ? "" : fmt::format("$p{} << EOD\n{}EOD\n", number, text);
}

static bool isDrawn(const Series &series) {
  return std::any_of(series.y.begin(), series.y.end(), [](double y) { return !std::isnan(y); });
}

/// What `plot` says of a series.
static std::string plotted(size_t i, const Series &series, bool several) {
  std::string colour = "lc rgb '" + seriesColour(i) + "'";
  constexpr size_t longestName = 30; // more would leave no room for what is drawn
  std::string name =
      columnsOf(series.name) > int(longestName) ? fitted(series.name, longestName - 1) + "…" : series.name;
  std::string title = name.empty() ? "notitle" : "title " + gnuplotQuoted(name), text;
  switch (series.kind) {
  case Series::Kind::Line:
    if (!series.low.empty())
      text =
          fmt::format("$d{} using 1:3:4 with filledcurves fs transparent solid 0.25 noborder {} notitle, ", i, colour);
    return text +
           fmt::format("$d{} using 1:2 with lines lw 2 dt {} {} {}", i, 1 + i / colours.size() % 4, colour, title);
  case Series::Kind::Points: {
    double size = series.x.size() > 2000 ? 0.3 : series.x.size() > 300 ? 0.5 : 0.8;
    if (!series.scale.empty())
      return fmt::format("$d{} using 1:2:3 with points pt 7 ps {} lc palette notitle", i, size);
    return fmt::format("$d{} using 1:2 with points pt {} ps {} {} {}", i, shapes[i % shapes.size()], size, colour,
                       title);
  }
  case Series::Kind::Bars:
    return fmt::format("$d{} using 1:2:({:.9g}) with boxes {} fs {} border {} {}", i, series.width, colour,
                       several ? "transparent solid 0.45" : "solid 0.8", colour, title);
  }
  return text;
}

/// Few whole numbers are marked one by one, where gnuplot would have halves between them.
static std::string wholeAxis(const Picture &picture, std::vector<double> Series::*axis, const char *name) {
  constexpr double few = 10;
  Extent extent = axis == &Series::x ? extentOfX(picture) : extentOfY(picture);
  bool marked = isWhole(picture, axis) && !extent.empty() && extent.high - extent.low <= few;
  return marked ? fmt::format("set {} 1\n", name) : "";
}

static std::string axes(const Picture &picture) {
  std::string text = "set border 3 lc rgb '#444444'\nset tics nomirror out\nset grid lc rgb '#dddddd' lt 1 lw 0.7\n";
  if (picture.logX)
    text += "set logscale x\nset format x '%g'\n";
  else
    text += wholeAxis(picture, &Series::x, "xtics");
  if (picture.logY)
    text += "set logscale y\nset format y '%g'\n";
  else
    text += wholeAxis(picture, &Series::y, "ytics");
  bool bars = false, lines = false, scale = false;
  size_t named = 0;
  for (const Series &series : picture.series) {
    bars |= series.kind == Series::Kind::Bars;
    lines |= series.kind == Series::Kind::Line;
    scale |= !series.scale.empty();
    named += !series.name.empty() && series.scale.empty();
  }
  if (bars && !picture.logY)
    text += "set yrange [*<0:0<*]\n";
  if (bars && !picture.names.empty())
    text += fmt::format("set xrange [-0.6:{}]\n", double(picture.names.size()) - 0.4) +
            namesBelow(shortened(picture.names), picture.width) + "set grid noxtics ytics\n";
  else if (bars || lines)
    text += "set autoscale xfix\n"; // from side to side
  else
    text += "set autoscale fix\nset offsets graph 0.03, graph 0.03, graph 0.03, graph 0.03\n"; // no point is cut
  if (named == 0)
    text += "set key off\n";
  else // beside what is drawn, never on it
    text += "set key rmargin top vertical Left reverse\n";
  if (scale)
    text += palette;
  else if (named == 0)
    text += "set rmargin 4\n"; // half of the last number
  return text;
}

static std::string curves(const Picture &picture) {
  std::string text = axes(picture), drawn;
  for (size_t i = 0; i < picture.series.size(); ++i) {
    if (!isDrawn(picture.series[i]))
      continue;
    std::string lone = lonePoints(i, picture.series[i]);
    text += dataBlock(i, picture.series[i]) + lone;
    if (!lone.empty())
      drawn += fmt::format("{}$p{} using 1:2 with points pt 7 ps 0.5 lc rgb '{}' notitle", drawn.empty() ? "" : ", ", i,
                           seriesColour(i));
    drawn +=
        (drawn.empty() ? "" : ", ") + plotted(i, picture.series[i], picture.series.size() > 1 && picture.names.empty());
  }
  return text + "plot " + drawn + "\n";
}

//===-- Grids -------------------------------------------------------------------------------------------------------------===//

/// A cell's number with so many digits, or as many decimals as the greatest has where this is shorter: 0.000 beside 0.99, not
/// 4.63e-05.
static std::string cellText(double value, double greatest, int digits, bool whole) {
  if (whole)
    return fmt::format("{:.0f}", value);
  int decimals = greatest > 0 ? std::clamp(digits - int(std::ceil(std::log10(greatest))), 0, 20) : 0;
  std::string text = fmt::format("{:.{}g}", value, digits), fixed = fmt::format("{:.{}f}", value, decimals);
  return fixed.size() < text.size() ? fixed : text;
}

namespace {
/// What is written into the cells, in letters of `size` pixels; nothing where there is no room.
struct CellTexts {
  std::vector<std::string> texts;
  int size = 0;
};
} // namespace

/// The most digits and the greatest letters with which the numbers fit into cells of so many pixels.
static CellTexts cellTexts(const Grid &grid, double width, double height) {
  bool whole = true;
  double greatest = 0;
  for (double value : grid.values)
    if (!std::isnan(value)) {
      whole &= value == std::floor(value) && std::fabs(value) < 1e15;
      greatest = std::max(greatest, std::fabs(value));
    }
  for (int digits = 3; digits >= (whole ? 3 : 1); --digits) {
    CellTexts result;
    for (double value : grid.values)
      result.texts.push_back(std::isnan(value) ? "" : cellText(value, greatest, digits, whole));
    for (int size : {14, 11, 9}) {
      result.size = size;
      if (double(longest(result.texts)) * size * 0.65 <= width - 2 && size * 1.2 <= height)
        return result;
    }
  }
  return {};
}

/// x, y and the number of each cell, and its text if there is one.
static std::string cells(const Grid &grid, const std::vector<std::string> &texts) {
  std::string text = "$d0 << EOD\n";
  for (int64_t i = 0; i < grid.rows; ++i) {
    for (int64_t j = 0; j < grid.columns; ++j) {
      double value = grid.values[size_t(i * grid.columns + j)], x = (double(j) + 0.5) * grid.columnWidth - 0.5,
             y = (double(i) + 0.5) * grid.rowHeight - 0.5;
      if (!std::isnan(value))
        text += fmt::format("{:.9g} {:.9g} {:.9g}{}\n", x, y, value,
                            texts.empty() ? "" : " " + texts[size_t(i * grid.columns + j)]);
    }
  }
  return text + "EOD\n";
}

/// Numbers of some cells: `(0, 5, 10)`.
static std::string wholeTicks(double cells) {
  std::string list;
  for (double tick : ticks({0, cells - 1}, cells <= 16 ? 16 : 10, false))
    if (tick == std::floor(tick))
      list += fmt::format("{}{:.0f}", list.empty() ? "" : ", ", tick);
  return "(" + list + ")";
}

/// `points` are those of a pixel, by which fonts are measured.
static std::string heatmap(const Picture &picture, double points) {
  const Grid &grid = *picture.grid;
  Extent extent;
  for (double value : grid.values)
    extent.include(value);
  double width = double(grid.columns) * grid.columnWidth, height = double(grid.rows) * grid.rowHeight;
  std::string text = fmt::format("set border 0\nset key off\nset tics scale 0\nset xrange [-0.5:{:.9g}]\nset yrange "
                                 "[{:.9g}:-0.5]\n",
                                 width - 0.5, height - 0.5);
  std::vector<std::string> below = shortened(grid.columnNames), beside = shortened(grid.rowNames);
  int room = std::min(picture.width, picture.height);
  double cellWidth = picture.width * 0.8 / double(grid.columns), cellHeight = picture.height * 0.8 / double(grid.rows);
  if (width <= 3 * height && height <= 3 * width) { // square cells, with margins of our own: gnuplot's leave too little
    double left = double(std::max<size_t>(longest(beside), 4) * letterWidth) + (picture.yLabel.empty() ? 10 : 55);
    double bottom = fitBelow(below, room) ? 30 : double(longest(below) * letterWidth) * 0.65 + 20; // the sine of 40°
    double top = picture.title.empty() ? 15 : 40, right = 80;
    bottom += picture.xLabel.empty() ? 0 : 40;
    left = std::min(left, picture.width * 0.5), right = std::min(right, picture.width * 0.3);
    bottom = std::min(bottom, picture.height * 0.5), top = std::min(top, picture.height * 0.3);
    double unit = std::min((picture.width - left - right) / width, (picture.height - top - bottom) / height);
    cellWidth = unit * grid.columnWidth, cellHeight = unit * grid.rowHeight;
    text +=
        fmt::format("set size ratio {:.6g}\nset lmargin screen {:.4f}\nset rmargin screen {:.4f}\nset bmargin screen "
                    "{:.4f}\nset tmargin screen {:.4f}\n",
                    height / width, left / picture.width, 1 - right / picture.width, bottom / picture.height,
                    1 - top / picture.height);
  }
  text += palette;
  if (extent.high > extent.low)
    text += fmt::format("set cbrange [{:.9g}:{:.9g}]\n", extent.low, extent.high);
  text += below.empty() ? "set xtics " + wholeTicks(width) + "\n" : namesBelow(below, room);
  text += "set ytics " + (beside.empty() ? wholeTicks(height) : someTicks(beside, size_t(picture.height) / 16)) + "\n";
  CellTexts written = grid.written ? cellTexts(grid, cellWidth, cellHeight) : CellTexts();
  text += cells(grid, written.texts);
  std::string half = fmt::format("{:.9g}", grid.columnWidth / 2),
              halfHeight = fmt::format("{:.9g}", grid.rowHeight / 2);
  // Boxes have fine lines between them, which many small ones had better not have; an image has two rows at least.
  bool boxes = grid.rows < 2 || grid.columns < 2 || grid.rows * grid.columns <= 900;
  text +=
      boxes ? fmt::format("plot $d0 using 1:2:($1-{0}):($1+{0}):($2-{1}):($2+{1}):3 with boxxyerror fs solid noborder "
                          "fc palette",
                          half, halfHeight)
            : std::string("plot $d0 using 1:2:3 with image");
  if (!written.texts.empty()) { // white where the cell is dark
    double middle = extent.low + 0.55 * (extent.high - extent.low);
    for (bool dark : {true, false})
      text += fmt::format(", $d0 using 1:2:($3 {} {:.9g} ? strcol(4) : '') with labels font ',{:.2g}' tc rgb '{}'",
                          dark ? "<" : ">=", middle, written.size * points, dark ? "white" : "black");
  }
  return text + "\n";
}

std::string gnuplotHead(const Picture &picture, const std::string &kind, const std::string &output) {
  std::string text = "set encoding utf8\n";
  text += fmt::format("set terminal {} noenhanced size {},{} font 'sans-serif,{}' background rgb '#ffffff'\n",
                      kind == "png" ? "pngcairo" : "svg", picture.width, picture.height, kind == "png" ? 11 : 14);
  // A name that begins with `|` or `~` means something else.
  return text + "set output " + gnuplotQuoted(output.starts_with("/") ? output : "./" + output) + "\n";
}

std::string gnuplotScript(const Picture &picture, const std::string &kind, const std::string &output) {
  std::string text = gnuplotHead(picture, kind, output);
  if (!picture.title.empty())
    text += "set title " + gnuplotQuoted(picture.title) + "\n";
  if (!picture.xLabel.empty())
    text += "set xlabel " + gnuplotQuoted(picture.xLabel) + "\n";
  if (!picture.yLabel.empty())
    text += "set ylabel " + gnuplotQuoted(picture.yLabel) + "\n";
  text += picture.grid ? heatmap(picture, kind == "png" ? 0.75 : 1) : curves(picture);
  return text + "unset output\n";
}

} // namespace dlc
