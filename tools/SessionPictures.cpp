// Pictures of a program: computed values become a Picture, which goes to a file or, as text, where `print` goes.
#include "tools/Session.h"

#include "runtime/Progress.h"
#include "runtime/pictures/DrawPicture.h"
#include "runtime/pictures/PictureText.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <limits>
#include <map>
#include <unistd.h>

namespace dlc {

namespace {
/// A computed tensor as numbers; empty shape: there is none.
struct Numbers {
  std::vector<int64_t> shape;
  std::vector<double> values;
  DType dtype = DType::F64;

  int64_t rows() const { return shape.empty() ? 1 : shape[0]; }
  int64_t columns() const { return rows() ? int64_t(values.size()) / rows() : 0; }
  /// Column `j` of rows of numbers.
  std::vector<double> column(int64_t j) const {
    std::vector<double> result;
    for (int64_t i = 0; i < rows(); ++i)
      result.push_back(values[size_t(i * columns() + j)]);
    return result;
  }
};

/// The arguments of a picture by their names.
class Arguments {
public:
  explicit Arguments(const std::vector<std::pair<std::string, Value>> &list) {
    for (auto &[name, value] : list)
      byName[name] = &value;
  }
  const Value *find(const std::string &name) const {
    auto found = byName.find(name);
    return found == byName.end() ? nullptr : found->second;
  }
  std::string text(const std::string &name) const {
    const Value *value = find(name);
    return value ? value->text : "";
  }
  int64_t number(const std::string &name, int64_t absent) const {
    const Value *value = find(name);
    return value ? int64_t(value->asDouble()) : absent;
  }
  bool flag(const std::string &name, bool absent) const {
    const Value *value = find(name);
    return value ? value->flag : absent;
  }

private:
  std::map<std::string, const Value *> byName;
};
} // namespace

/// At most `most` rows of it.
static Numbers numbersOf(const Value &value, int64_t most = std::numeric_limits<int64_t>::max()) {
  Numbers result;
  HostBufferRef host = value.values();
  if (!host)
    return result;
  result.shape = host->shape;
  if (!result.shape.empty())
    result.shape[0] = std::min(result.shape[0], most);
  result.dtype = host->dtype;
  size_t count = 1;
  for (int64_t size : result.shape)
    count *= size_t(size);
  result.values.resize(count);
  for (size_t i = 0; i < count; ++i)
    result.values[i] = elementAsDouble(host->dtype, host->data.get(), int64_t(i));
  return result;
}

/// Names of a column or a list of strings; numbers as text.
static std::vector<std::string> namesOf(const Value *value) {
  std::vector<std::string> names;
  if (!value)
    return names;
  if (value->kind == Value::Strings)
    return value->strings ? *value->strings : names;
  if (!value->isTensor()) {
    for (const Value &element : value->elements)
      names.push_back(element.text);
    return names;
  }
  Numbers numbers = numbersOf(*value);
  for (double number : numbers.values)
    names.push_back(fmt::format("{:.6g}", number));
  return names;
}

/// The columns of [n], [n, k] or a list of [n].
static std::vector<std::vector<double>> columnsOf(const Value &value) {
  std::vector<std::vector<double>> columns;
  if (value.kind == Value::List) {
    for (const Value &element : value.elements)
      columns.push_back(numbersOf(element).values);
    return columns;
  }
  Numbers numbers = numbersOf(value);
  if (numbers.shape.size() > 2 || numbers.rows() == 0)
    return {numbers.values};
  for (int64_t j = 0; j < numbers.columns(); ++j)
    columns.push_back(numbers.column(j));
  return columns;
}

static void nameSeries(Picture &picture, const std::vector<std::string> &names) {
  for (size_t i = 0; i < picture.series.size() && i < names.size(); ++i)
    picture.series[i].name = names[i];
}

static void setLog(Picture &picture, const Arguments &arguments) {
  std::string log = arguments.text("log");
  picture.logX = log.find('x') != std::string::npos;
  picture.logY = log.find('y') != std::string::npos;
}

//===-- Kinds -----------------------------------------------------------------------------------------------------------===//

/// Points whose colours say which of several they are: a series each, in the order in which they are met (of numbers, in
/// their own).
static void partedBy(Picture &picture, const Series &points, const std::vector<std::string> &names, bool sorted) {
  const size_t lines = picture.series.size(); // that are there before them
  std::map<std::string, size_t> places;
  for (size_t i = 0; i < points.x.size() && i < names.size(); ++i) {
    auto [found, isNew] = places.try_emplace(names[i], picture.series.size());
    if (isNew) {
      Series &series = picture.series.emplace_back();
      series.kind = Series::Kind::Points;
      series.name = names[i];
    }
    picture.series[found->second].x.push_back(points.x[i]);
    picture.series[found->second].y.push_back(points.y[i]);
  }
  const size_t most = lines + 20; // that a legend has room for, and eyes tell apart
  if (sorted)
    std::sort(picture.series.begin() + ptrdiff_t(lines), picture.series.end(),
              [](const Series &a, const Series &b) { return std::atof(a.name.c_str()) < std::atof(b.name.c_str()); });
  if (picture.series.size() <= most)
    return;
  Series &rest = picture.series[most - 1];
  rest.name = fmt::format("{} others", picture.series.size() - most + 1);
  for (size_t i = most; i < picture.series.size(); ++i) {
    rest.x.insert(rest.x.end(), picture.series[i].x.begin(), picture.series[i].x.end());
    rest.y.insert(rest.y.end(), picture.series[i].y.begin(), picture.series[i].y.end());
  }
  picture.series.resize(most);
}

/// The points of a tensor [n, 2], or of a pair of x and y.
static Series pointsOf(const Value &value) {
  Series points;
  points.kind = Series::Kind::Points;
  if (value.kind == Value::Tuple) {
    points.x = numbersOf(value.elements[0]).values;
    points.y = numbersOf(value.elements[1]).values;
    return points;
  }
  Numbers both = numbersOf(value);
  points.x = both.rows() ? both.column(0) : std::vector<double>();
  points.y = both.rows() ? both.column(1) : std::vector<double>();
  return points;
}

/// Points in the colours of a scale, or in several series.
static void addPoints(Picture &picture, Series points, const Value *colour) {
  bool isScale = colour && colour->isTensor() && isFloating(colour->dtype);
  if (colour && !isScale)
    return partedBy(picture, points, namesOf(colour), colour->isTensor());
  if (isScale)
    points.scale = numbersOf(*colour).values;
  picture.series.push_back(std::move(points));
}

static Picture plotOf(const Arguments &arguments) {
  Picture picture;
  const Value *y = arguments.find("y"), *x = arguments.find("x");
  std::vector<double> places;
  if (y)
    places = numbersOf(*x).values;
  Numbers band;
  if (const Value *value = arguments.find("band"))
    band = numbersOf(*value);
  std::vector<std::vector<double>> columns = columnsOf(y ? *y : *x);
  for (size_t j = 0; j < columns.size(); ++j) {
    Series series;
    series.y = std::move(columns[j]);
    series.x = places;
    if (!y)
      for (size_t i = 0; i < series.y.size(); ++i)
        series.x.push_back(double(i));
    for (size_t i = 0; i < series.y.size() && !band.shape.empty(); ++i) {
      double half = band.values[i * columns.size() + j];
      series.low.push_back(series.y[i] - half);
      series.high.push_back(series.y[i] + half);
    }
    picture.series.push_back(std::move(series));
  }
  if (const Value *points = arguments.find("points"))
    addPoints(picture, pointsOf(*points), arguments.find("color"));
  nameSeries(picture, namesOf(arguments.find("names")));
  setLog(picture, arguments);
  return picture;
}

static Picture scatterOf(const Arguments &arguments) {
  Picture picture;
  const Value *y = arguments.find("y"), &first = *arguments.find("points");
  addPoints(picture, pointsOf(y ? Value::ofTuple({first, *y}, first.at) : first), arguments.find("color"));
  setLog(picture, arguments);
  return picture;
}

static Picture histogramPictureOf(const Arguments &arguments) {
  Picture picture;
  const Value &x = *arguments.find("x");
  // Columns that have names are several; else all numbers are one kind.
  bool several = x.kind == Value::List || arguments.find("names");
  std::vector<std::vector<double>> columns =
      several ? columnsOf(x) : std::vector<std::vector<double>>(1, numbersOf(x).values);
  Extent extent;
  for (const std::vector<double> &column : columns)
    for (double value : column)
      if (std::isfinite(value))
        extent.include(value);
  for (const std::vector<double> &column : columns)
    picture.series.push_back(histogramOf(column, extent, int(arguments.number("bins", 30))));
  nameSeries(picture, namesOf(arguments.find("names")));
  picture.yLabel = "count";
  return picture;
}

static Picture barOf(const Arguments &arguments) {
  Picture picture;
  picture.names = namesOf(arguments.find("names"));
  std::vector<std::vector<double>> columns = columnsOf(*arguments.find("heights"));
  for (size_t j = 0; j < columns.size(); ++j) {
    Series series;
    series.kind = Series::Kind::Bars;
    series.width = 0.8 / double(columns.size());
    for (size_t i = 0; i < columns[j].size(); ++i)
      series.x.push_back(double(i) + series.width * (double(j) + 0.5) - 0.4);
    series.y = std::move(columns[j]);
    picture.series.push_back(std::move(series));
  }
  nameSeries(picture, namesOf(arguments.find("series")));
  return picture;
}

using Notes = std::vector<std::string>; ///< what is to be said of a picture: `shows .. as black`

/// Bytes of pixels: u8 as they are, floats of 0..1 times 255, all else from its least to its greatest.
static std::vector<unsigned char> pixelsOf(const Numbers &image, std::string &scaled) {
  Extent extent;
  for (double value : image.values)
    if (std::isfinite(value))
      extent.include(value);
  bool bytes = image.dtype == DType::U8, shares = !bytes && (extent.empty() || (extent.low >= 0 && extent.high <= 1));
  if (bytes)
    extent = {0, 255};
  else if (shares)
    extent = {0, 1};
  else
    scaled = fmt::format("from {:.4g} (black) to {:.4g} (white)", extent.low, extent.high);
  double length = extent.high > extent.low ? extent.high - extent.low : 1;
  std::vector<unsigned char> pixels;
  for (double value : image.values)
    pixels.push_back(std::isfinite(value) ? (unsigned char)(std::lround((value - extent.low) / length * 255)) : 0);
  return pixels;
}

static Picture showOf(const Arguments &arguments, Notes &notes) {
  Picture picture;
  constexpr int64_t most = 400; // images; more would be none that anyone looks at
  const Value &value = *arguments.find("image");
  size_t rank = value.shape.size();
  bool several = rank == 4 || (rank == 3 && value.shape[0].size != Size(1) && value.shape[0].size != Size(3));
  Numbers image = numbersOf(value, several ? most : std::numeric_limits<int64_t>::max());
  std::vector<std::string> labels = namesOf(arguments.find("labels"));
  std::vector<int64_t> shape = image.shape;
  if (shape.size() == 2)
    shape.insert(shape.begin(), {1, 1});
  else if (shape.size() == 3) // an image with channels, or several without
    shape.insert(shape[0] == 1 || shape[0] == 3 ? shape.begin() : shape.begin() + 1, 1);
  std::string scaled;
  std::vector<unsigned char> pixels = pixelsOf(image, scaled);
  picture.title = scaled;
  if (auto lost = std::count_if(image.values.begin(), image.values.end(), [](double v) { return !std::isfinite(v); }))
    notes.push_back(fmt::format("shows {} as black", lost == 1 ? "1 number that is not finite"
                                                               : fmt::format("{} numbers that are not finite", lost)));
  int64_t all = value.shape[0].size.isConstant() ? value.shape[0].size.constant() : 0;
  if (several && all > most)
    picture.title = fmt::format("the first {} of {}{}{}", most, all, scaled.empty() ? "" : ", ", scaled);
  size_t channels = size_t(shape[1]), area = size_t(shape[2] * shape[3]);
  for (size_t i = 0; i < size_t(shape[0]) && area > 0; ++i) {
    Tile tile;
    tile.height = shape[2];
    tile.width = shape[3];
    tile.channels = shape[1];
    tile.label = i < labels.size() ? labels[i] : "";
    for (size_t pixel = 0; pixel < area; ++pixel) // planes become pixels
      for (size_t c = 0; c < channels; ++c)
        tile.pixels.push_back(pixels[(i * channels + c) * area + pixel]);
    picture.tiles.push_back(std::move(tile));
  }
  picture.tileColumns = arguments.number("columns", 0);
  return picture;
}

static Picture gridOf(Grid grid) {
  Picture picture;
  picture.grid = std::move(grid);
  picture.width = 640;
  picture.height = 560;
  return picture;
}

static Picture heatmapOf(const Arguments &arguments) {
  Numbers numbers = numbersOf(*arguments.find("m"));
  Grid grid;
  grid.rows = numbers.shape.size() == 1 ? 1 : numbers.rows();
  grid.columns = grid.rows ? int64_t(numbers.values.size()) / grid.rows : 0;
  grid.values = std::move(numbers.values);
  grid.written = arguments.flag("values", grid.rows <= 12 && grid.columns <= 12);
  std::vector<std::string> names = namesOf(arguments.find("names"));
  grid.rowNames = namesOf(arguments.find("row_names"));
  if (int64_t(names.size()) == grid.columns)
    grid.columnNames = names;
  if (int64_t(names.size()) == grid.rows && !arguments.find("row_names"))
    grid.rowNames = names;
  return gridOf(std::move(grid));
}

/// Rows are what the labels say, columns what was guessed.
static Picture confusionOf(const Arguments &arguments, Notes &notes) {
  Numbers guess = numbersOf(*arguments.find("guess")), label = numbersOf(*arguments.find("label"));
  std::vector<std::string> names = namesOf(arguments.find("names"));
  int64_t rows = int64_t(label.values.size()), classes = int64_t(names.size());
  std::vector<int64_t> guessed;
  for (int64_t i = 0; i < rows; ++i) {
    if (guess.shape.size() == 1) {
      guessed.push_back(int64_t(guess.values[size_t(i)]));
      continue;
    }
    auto begin = guess.values.begin() + i * guess.columns();
    guessed.push_back(std::max_element(begin, begin + guess.columns()) - begin);
  }
  if (guess.shape.size() == 2)
    classes = std::max(classes, guess.columns());
  for (int64_t i = 0; i < rows; ++i)
    classes = std::max({classes, guessed[size_t(i)] + 1, int64_t(label.values[size_t(i)]) + 1});
  constexpr int64_t most = 1000;
  classes = std::min(classes, most);
  Grid grid;
  grid.rows = grid.columns = classes;
  grid.values.resize(size_t(classes * classes));
  grid.written = classes <= 20;
  int64_t leftOut = 0;
  for (int64_t i = 0; i < rows; ++i) {
    int64_t row = int64_t(label.values[size_t(i)]), column = guessed[size_t(i)];
    if (row >= 0 && column >= 0 && row < classes && column < classes)
      ++grid.values[size_t(row * classes + column)];
    else
      ++leftOut;
  }
  if (leftOut)
    notes.push_back(fmt::format("is drawn without {} whose guess or label is no class from 0 to {}",
                                leftOut == 1 ? "1 example" : fmt::format("{} examples", leftOut), classes - 1));
  if (!names.empty() && int64_t(names.size()) < classes)
    notes.push_back(fmt::format("has {} classes for {} {}: the others have their numbers", classes, names.size(),
                                names.size() == 1 ? "name" : "names"));
  for (int64_t i = int64_t(names.size()); i < classes && !names.empty(); ++i)
    names.push_back(std::to_string(i));
  grid.rowNames = grid.columnNames = names;
  Picture picture = gridOf(std::move(grid));
  picture.xLabel = "guess";
  picture.yLabel = "label";
  return picture;
}

static Picture pictureOf(const std::string &kind, const Arguments &arguments, Notes &notes) {
  Picture picture = kind == "plot"        ? plotOf(arguments)
                    : kind == "scatter"   ? scatterOf(arguments)
                    : kind == "histogram" ? histogramPictureOf(arguments)
                    : kind == "bar"       ? barOf(arguments)
                    : kind == "show"      ? showOf(arguments, notes)
                    : kind == "heatmap"   ? heatmapOf(arguments)
                                          : confusionOf(arguments, notes);
  if (arguments.find("title")) // what was to be said of the scale stands behind it
    picture.title = arguments.text("title") + (picture.title.empty() ? "" : " (" + picture.title + ")");
  for (auto [name, label] : {std::pair("x_label", &picture.xLabel), std::pair("y_label", &picture.yLabel)})
    if (arguments.find(name))
      *label = arguments.text(name);
  picture.width = int(arguments.number("width", picture.width));
  picture.height = int(arguments.number("height", picture.height));
  return picture;
}

//===-- Showing -------------------------------------------------------------------------------------------------------===//

void Session::show(const std::string &kind, const std::vector<std::pair<std::string, Value>> &list, SourceRange at) {
  Arguments arguments(list);
  Notes notes;
  Picture picture = pictureOf(kind, arguments, notes);
  int64_t leftOut = leaveOutUndrawable(picture);
  std::string file = arguments.text("save"), what = file.empty() ? "this picture" : "`" + file + "`";
  auto note = [&](const std::string &text) { diagnostics.report(Diag::PictureProblem, at, text); };
  if (isEmpty(picture))
    return note(fmt::format("{} is not drawn: {}", what,
                            leftOut ? "none of its numbers has a place on the axes" : "there is nothing to draw"));
  for (const std::string &text : notes)
    note(what + " " + text);
  if (leftOut)
    note(fmt::format("{} is drawn without {} {} that {} no place on the axes (not finite{})", what, leftOut,
                     leftOut == 1 ? "number" : "numbers", leftOut == 1 ? "has" : "have",
                     picture.logX || picture.logY ? ", or not positive" : ""));
  if (file.empty()) {
    OutputSink sink = OutputSink::ofDescriptor(STDOUT_FILENO);
    int columns = sink.terminal ? std::max(sink.width() - 1, 20) : 80;
    return output(pictureText(picture, columns, 20, showsUtf8(sink.terminal)));
  }
  if (withoutGnuplot && picture.tiles.empty())
    return;
  Result<bool> drawn = drawPicture(picture, file);
  if (!drawn)
    return note(fmt::format("`{}` is not drawn: {}", file, drawn.error().str()));
  if (!*drawn && !std::exchange(withoutGnuplot, true))
    note(fmt::format("pictures need gnuplot (Debian: gnuplot-nox): `{}` is not drawn, nor any later one", file));
}

} // namespace dlc
