// Pooling: reductions of windows. Sizes and counts are PyTorch's.
#include "frontend/builtins/Windows.h"

#include "ir/Dialect.h"

#include <limits>

namespace dlc {

/// Windows that may pass the end of the padded axis: one more where something would be left over, if it begins in front of
/// the padding behind.
static void roundUp(WindowAxis &window, const Size &size) {
  Size padded = size + window.low + window.high, reach = window.reach();
  if (!padded.isConstant() || !reach.isConstant() || !window.step.isConstant() || !window.low.isConstant())
    return;
  int64_t step = window.step.constant(), rest = padded.constant() - reach.constant();
  int64_t positions = (rest + step - 1) / step + 1;
  if ((positions - 1) * step >= size.constant() + window.low.constant())
    --positions;
  window.high = window.high + Size(std::max<int64_t>(0, (positions - 1) * step - rest));
}

/// Windows of the arguments from `first` on: kernel, stride (as wide as the kernel when left out), padding.
static std::optional<std::vector<WindowAxis>> poolWindows(Elaborator &e, CallSite &site, size_t spatial,
                                                          size_t dilationAt) {
  auto kernel = countsArgument(e, site, 1, spatial, 1, 1, "kernel");
  auto stride = !kernel || site.has(2) ? countsArgument(e, site, 2, spatial, 1, 1, "stride") : kernel;
  auto padding = countsArgument(e, site, 3, spatial, 0, 0, "padding");
  std::optional<std::vector<Size>> dilation = std::vector<Size>(spatial, Size(1));
  if (dilationAt)
    dilation = countsArgument(e, site, dilationAt, spatial, 1, 1, "dilation");
  if (!kernel || !stride || !padding || !dilation)
    return std::nullopt;
  std::vector<WindowAxis> windows;
  for (size_t i = 0; i < spatial; ++i) {
    const Size &taps = (*kernel)[i], &margin = (*padding)[i];
    if (taps.isConstant() && margin.isConstant() && 2 * margin.constant() > taps.constant()) {
      e.error(Diag::BadArgument, site[3].at,
              fmt::format("the padding of `{}` is {}, expected at most {}, half of the kernel {}", site.callee,
                          margin.str(), taps.constant() / 2, taps.str()))
          .help("wider padding would make windows of nothing but padding");
      return std::nullopt;
    }
    windows.push_back({int64_t(i) + 2, taps, (*stride)[i], (*dilation)[i], margin, margin});
  }
  return windows;
}

static std::vector<int64_t> tapAxes(size_t spatial) {
  std::vector<int64_t> axes;
  for (size_t i = 0; i < spatial; ++i)
    axes.push_back(int64_t(spatial + 2 + i));
  return axes;
}

/// max_pool(x, kernel, stride, padding, dilation, ceil_mode).
static Value maxPool(Elaborator &e, CallSite &site, size_t spatial) {
  Value x = spatialArgument(e, site, spatial);
  auto windows = x.poison() ? std::nullopt : poolWindows(e, site, spatial, 4);
  std::optional<bool> ceil = windows ? boolArgument(e, site, 5, false) : std::nullopt;
  if (!ceil || !windowsFit(e, site, x, *windows, /*pools=*/true))
    return e.poison(site.at);
  if (*ceil)
    for (WindowAxis &window : *windows)
      roundUp(window, x.shape[window.axis].size);
  constexpr double least = -std::numeric_limits<double>::infinity();
  Value padded = padWith(e, x, widthsOf(spatial + 2, *windows), least, site.at);
  if (padded.poison())
    return padded;
  return e.reduceOp("max", windowsOf(e, padded, *windows, site.at), tapAxes(spatial), site.at);
}

/// How many elements the window at each position has: those of the padded axis, or of the axis alone.
static std::vector<double> countsAlong(const WindowAxis &window, int64_t size, int64_t padding, bool withPadding) {
  std::vector<double> counts;
  int64_t positions = window.positions(Size(size)).constant();
  for (int64_t p = 0; p < positions; ++p) {
    int64_t begin = p * window.step.constant() - window.low.constant(), end = begin + window.taps.constant();
    int64_t low = withPadding ? begin : std::max<int64_t>(begin, 0), high = withPadding ? size + padding : size;
    counts.push_back(double(std::min(end, high) - low));
  }
  return counts;
}

/// avg_pool(x, kernel, stride, padding, ceil_mode, count_include_pad).
static Value avgPool(Elaborator &e, CallSite &site, size_t spatial) {
  Value x = spatialArgument(e, site, spatial);
  auto windows = x.poison() ? std::nullopt : poolWindows(e, site, spatial, 0);
  std::optional<bool> ceil = windows ? boolArgument(e, site, 4, false) : std::nullopt;
  std::optional<bool> withPadding = ceil ? boolArgument(e, site, 5, true) : std::nullopt;
  if (!withPadding || !windowsFit(e, site, x, *windows, /*pools=*/true))
    return e.poison(site.at);
  std::vector<int64_t> padding;
  for (WindowAxis &window : *windows) {
    padding.push_back(window.high.isConstant() ? window.high.constant() : 0);
    if (*ceil)
      roundUp(window, x.shape[window.axis].size);
  }
  Value padded = padWithZeros(e, x, widthsOf(spatial + 2, *windows), site.at);
  if (padded.poison())
    return padded;
  Value sum = e.reduceOp("sum", windowsOf(e, padded, *windows, site.at), tapAxes(spatial), site.at);
  // A number where all windows of an axis have equally many elements, else a row of numbers along it.
  double number = 1;
  std::optional<Value> rows;
  for (size_t i = 0; e.graph.building() && i < spatial; ++i) {
    const WindowAxis &window = (*windows)[i];
    std::vector<double> counts = {double(window.taps.constant())};
    if (*ceil || !*withPadding)
      counts = countsAlong(window, x.shape[window.axis].size.constant(), padding[i], *withPadding);
    if (std::adjacent_find(counts.begin(), counts.end(), std::not_equal_to<>()) == counts.end()) {
      number *= counts.empty() ? 1 : counts.front();
      continue;
    }
    Shape along(sum.shape.size(), Dim{Size(1), site.at});
    along[window.axis] = sum.shape[window.axis];
    Value row = constantOf(e, [&] { return counts; }, x.dtype, along, site.at);
    if (row.poison())
      return row;
    row = e.broadcastTo(row, sum.shape, site.at);
    rows = rows ? e.binaryOp("mul", *rows, row, site.at) : row;
  }
  Value count = e.constant(number, x.dtype, sum.shape, site.at);
  if (rows)
    count = number == 1 ? *rows : e.binaryOp("mul", *rows, count, site.at);
  return e.binaryOp("div", sum, count, site.at);
}

/// Where the i-th of `parts` windows that cover an axis begins and ends.
static std::pair<int64_t, int64_t> adaptedWindow(int64_t i, int64_t length, int64_t parts) {
  __int128 begin = __int128(i) * length / parts, end = ((__int128(i) + 1) * length + parts - 1) / parts;
  return {int64_t(begin), int64_t(end)};
}

/// Many windows at once: their elements gathered from a table of places, the shorter ones filled up.
static Value adaptByTable(Elaborator &e, const Value &x, int64_t axis, const Size &parts, const char *kind,
                          SourceRange at) {
  int64_t length = x.shape[axis].size.constant(), number = parts.constant();
  const int64_t longest = std::min(length, (length - 1) / number + 2);
  auto table = [&](auto entry) {
    return [&, entry] {
      std::vector<double> entries;
      for (int64_t i = 0; i < number; ++i)
        for (int64_t tap = 0; tap < longest; ++tap)
          entries.push_back(entry(i, tap));
      return entries;
    };
  };
  auto window = [&](int64_t i) { return adaptedWindow(i, length, number); };
  auto place = [&](int64_t i, int64_t tap) { return double(std::min(window(i).first + tap, length - 1)); };
  auto within = [&](int64_t i, int64_t tap) { return double(window(i).first + tap < window(i).second); };
  Dim positions{parts, at}, taps{Size(longest), at};
  Value places = constantOf(e, table(place), DType::I64, {positions, taps}, at);
  if (places.poison())
    return places;
  Shape shape = x.shape;
  shape[axis] = positions;
  shape.insert(shape.begin() + axis + 1, taps);
  Value gathered = Value::ofTensor(x.dtype, shape, {}, at);
  gathered.varies = x.varies;
  if (mlir::Value operand = e.ir(x))
    gathered.ir =
        dl::GatherOp::create(e.graph.here(), e.location(at), e.irType(x.dtype, shape), operand, e.ir(places), axis);
  // Axes behind the table's are of size 1, so that it fits.
  auto behind = [&](const Value &v) {
    Shape widened = v.shape;
    widened.insert(widened.end(), x.shape.size() - size_t(axis) - 1, Dim{Size(1), at});
    return e.reshape(v, widened, at);
  };
  bool isSum = std::string_view(kind) == "sum";
  Value mask = e.broadcastTo(behind(constantOf(e, table(within), DType::Bool, {positions, taps}, at)), shape, at);
  Value filler = e.constant(isSum ? 0 : -std::numeric_limits<double>::infinity(), x.dtype, shape, at);
  Value joined = e.reduceOp(kind, e.selectOp(mask, gathered, filler, at), {axis + 1}, at);
  if (!isSum)
    return joined;
  auto counts = [&] {
    std::vector<double> counts;
    for (int64_t i = 0; i < number; ++i)
      counts.push_back(double(window(i).second - window(i).first));
    return counts;
  };
  Value count = behind(constantOf(e, counts, x.dtype, {positions}, at));
  return e.binaryOp("div", joined, e.broadcastTo(count, joined.shape, at), at);
}

/// Along an axis, `parts` windows that cover it: the i-th from floor(i size / parts) to ceil((i + 1) size / parts).
static Value adaptAlong(Elaborator &e, const Value &x, int64_t axis, const Size &parts, const char *kind,
                        SourceRange at) {
  const Size &size = x.shape[axis].size;
  Shape shape = x.shape;
  shape[axis] = {parts, at};
  Value result = Value::ofTensor(x.dtype, shape, {}, at);
  result.varies = x.varies;
  if (!size.isConstant() || !parts.isConstant() || !e.graph.building())
    return result;
  auto join = [&](const Value &windows, int64_t over, int64_t count) {
    Value joined = e.reduceOp(kind, windows, {over}, at);
    return std::string_view(kind) == "sum"
               ? e.binaryOp("div", joined, e.constant(double(count), x.dtype, joined.shape, at), at)
               : joined;
  };
  int64_t length = size.constant(), number = parts.constant();
  if (length % number == 0) {
    Shape split = x.shape;
    split[axis] = {parts, at};
    split.insert(split.begin() + axis + 1, Dim{Size(length / number), at});
    return join(e.reshape(x, split, at), axis + 1, length / number);
  }
  if (number > 8)
    return adaptByTable(e, x, axis, parts, kind, at);
  llvm::SmallVector<mlir::Value> pieces;
  Shape one = x.shape;
  one[axis] = {Size(1), at};
  for (int64_t i = 0; i < number; ++i) {
    auto [begin, end] = adaptedWindow(i, length, number);
    Value piece = join(sliceAlong(e, x, axis, begin, Size(end - begin), at), axis, end - begin);
    pieces.push_back(e.ir(e.reshape(piece, one, at)));
  }
  if (pieces.front())
    result.ir = dl::ConcatOp::create(e.graph.here(), e.location(at), e.irType(x.dtype, shape), pieces, axis);
  return result;
}

/// adaptive_pool(x, size): a number, or one for each axis.
static Value adaptivePool(Elaborator &e, CallSite &site, size_t spatial, const char *kind) {
  Value x = spatialArgument(e, site, spatial);
  auto size = x.poison() ? std::nullopt : countsArgument(e, site, 1, spatial, 1, 1, "size");
  if (!size)
    return e.poison(site.at);
  for (size_t i = 0; i < spatial; ++i) {
    if (x.shape[i + 2].size.isConstant() && x.shape[i + 2].size.constant() == 0) {
      e.error(Diag::WindowSize, site.at, 1, 0);
      return e.poison(site.at);
    }
    Shape shape = x.shape;
    shape[i + 2] = {(*size)[i], site.at};
    if (tooLarge(e, shape, site.at))
      return e.poison(site.at);
    x = adaptAlong(e, x, int64_t(i) + 2, (*size)[i], kind, site.at);
    if (x.poison())
      return x;
  }
  return x;
}

void addPoolingBuiltins(BuiltinTable &table) {
  for (size_t spatial : {1, 2, 3}) {
    table.add(fmt::format("max_pool{}d", spatial),
              [spatial](Elaborator &e, CallSite &site) { return maxPool(e, site, spatial); });
    table.add(fmt::format("avg_pool{}d", spatial),
              [spatial](Elaborator &e, CallSite &site) { return avgPool(e, site, spatial); });
    table.add(fmt::format("adaptive_avg_pool{}d", spatial),
              [spatial](Elaborator &e, CallSite &site) { return adaptivePool(e, site, spatial, "sum"); });
    table.add(fmt::format("adaptive_max_pool{}d", spatial),
              [spatial](Elaborator &e, CallSite &site) { return adaptivePool(e, site, spatial, "max"); });
  }
}

} // namespace dlc
