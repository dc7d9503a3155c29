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

std::string gnuplotQuoted(std::string_view text) {
  std::string quoted = "'";
  for (char c : text) {
    if (c == '\'')
      quoted += '\'';
    quoted += (unsigned char)c < ' ' || c == '\x7f' ? ' ' : c;
  }
  return quoted + "'";
}

/// The text of a tick: a format, where `%` means something.
static std::string tickText(const std::string &text) {
  std::string escaped;
  for (char c : text)
    escaped += c == '%' ? std::string("%%") : std::string(1, c);
  return gnuplotQuoted(escaped);
}

/// `('a' 0, 'b' 1)`.
static std::string tickList(const std::vector<std::string> &names) {
  std::string list;
  for (size_t i = 0; i < names.size(); ++i)
    list += fmt::format("{}{} {}", i ? ", " : "", tickText(names[i]), i);
  return "(" + list + ")";
}

/// At most `most` of the names, evenly: more would stand on each other.
static std::string someTicks(const std::vector<std::string> &names, size_t most) {
  size_t step = (names.size() + most - 1) / std::max<size_t>(most, 1);
  if (step <= 1)
    return tickList(names);
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

/// `set xtics` for names: turned where they are too long to stand side by side.
static std::string namesBelow(const std::vector<std::string> &names, int width) {
  constexpr size_t letter = 8, turned = 18; // pixels
  size_t room = size_t(width) * 8 / 10;
  bool fits = names.size() * (longest(names) + 2) * letter <= room;
  return fmt::format("set xtics {}{} nomirror\n", fits ? "" : "rotate by -40 left ",
                     someTicks(names, fits ? names.size() : std::max<size_t>(room / turned, 1)));
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
    if (series.x.size() == 1) // a line of one point would not be seen
      return fmt::format("$d{} using 1:2 with points pt 7 ps 0.8 {} {}", i, colour, title);
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

static std::string axes(const Picture &picture) {
  std::string text = "set border 3 lc rgb '#444444'\nset tics nomirror out\nset grid lc rgb '#dddddd' lt 1 lw 0.7\n";
  if (picture.logX)
    text += "set logscale x\nset format x '%g'\n";
  if (picture.logY)
    text += "set logscale y\nset format y '%g'\n";
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
            namesBelow(picture.names, picture.width) + "set grid noxtics ytics\n";
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
    text += dataBlock(i, picture.series[i]);
    drawn +=
        (drawn.empty() ? "" : ", ") + plotted(i, picture.series[i], picture.series.size() > 1 && picture.names.empty());
  }
  return text + "plot " + drawn + "\n";
}

//===-- Grids -------------------------------------------------------------------------------------------------------------===//

static std::string cells(const Grid &grid) {
  std::string text = "$d0 << EOD\n";
  for (int64_t i = 0; i < grid.rows; ++i) {
    for (int64_t j = 0; j < grid.columns; ++j) {
      double value = grid.values[size_t(i * grid.columns + j)], x = (double(j) + 0.5) * grid.columnWidth - 0.5,
             y = (double(i) + 0.5) * grid.rowHeight - 0.5;
      if (!std::isnan(value))
        text += fmt::format("{:.9g} {:.9g} {:.9g}\n", x, y, value);
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

static std::string heatmap(const Picture &picture) {
  const Grid &grid = *picture.grid;
  Extent extent;
  bool whole = true;
  for (double value : grid.values) {
    extent.include(value);
    whole &= std::isnan(value) || (value == std::floor(value) && std::fabs(value) < 1e15);
  }
  double width = double(grid.columns) * grid.columnWidth, height = double(grid.rows) * grid.rowHeight;
  std::string text = fmt::format("set border 0\nset key off\nset tics scale 0\nset xrange [-0.5:{:.9g}]\nset yrange "
                                 "[{:.9g}:-0.5]\n",
                                 width - 0.5, height - 0.5);
  if (width <= 3 * height && height <= 3 * width)
    text += "set size ratio -1\n"; // square cells
  text += palette;
  if (extent.high > extent.low)
    text += fmt::format("set cbrange [{:.9g}:{:.9g}]\n", extent.low, extent.high);
  text += grid.columnNames.empty() ? "set xtics " + wholeTicks(width) + "\n"
                                   : namesBelow(grid.columnNames, std::min(picture.width, picture.height));
  text += "set ytics " +
          (grid.rowNames.empty() ? wholeTicks(height) : someTicks(grid.rowNames, size_t(picture.height) / 16)) + "\n";
  text += cells(grid);
  std::string half = fmt::format("{:.9g}", grid.columnWidth / 2),
              halfHeight = fmt::format("{:.9g}", grid.rowHeight / 2);
  // Boxes have fine lines between them, which many small ones had better not have; an image has two rows at least.
  bool boxes = grid.rows < 2 || grid.columns < 2 || grid.rows * grid.columns <= 900;
  text +=
      boxes ? fmt::format("plot $d0 using 1:2:($1-{0}):($1+{0}):($2-{1}):($2+{1}):3 with boxxyerror fs solid noborder "
                          "fc palette",
                          half, halfHeight)
            : std::string("plot $d0 using 1:2:3 with image");
  if (grid.written) { // white where the cell is dark
    double middle = extent.low + 0.55 * (extent.high - extent.low);
    const char *format = whole ? "%.0f" : "%.3g";
    for (bool dark : {true, false})
      text += fmt::format(", $d0 using 1:2:($3 {} {:.9g} ? sprintf('{}', $3) : '') with labels tc rgb '{}'",
                          dark ? "<" : ">=", middle, format, dark ? "white" : "black");
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
  text += picture.grid ? heatmap(picture) : curves(picture);
  return text + "unset output\n";
}

} // namespace dlc
