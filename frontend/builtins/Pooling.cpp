// Pooling: reductions of windows. Sizes and counts are PyTorch's.
#include "frontend/builtins/Windows.h"

#include "ir/Dialect.h"

#include <limits>

namespace dlc {

/// Windows that may pass the end of the padded axis: one more where something would be left over, if it begins in front of
/// the padding behind.
static void roundUp(WindowAxis &window, const Size &size) {
  if (!size.isConstant() || !window.taps.isConstant())
    return;
  int64_t padded = size.constant() + window.low + window.high, rest = padded - window.reach().constant();
  int64_t positions = (rest + window.step - 1) / window.step + 1;
  if ((positions - 1) * window.step >= size.constant() + window.low)
    --positions;
  window.high += std::max<int64_t>(0, (positions - 1) * window.step + window.reach().constant() - padded);
}

/// Windows of the arguments from `first` on: kernel, stride (as wide as the kernel when left out), padding.
static std::optional<std::vector<WindowAxis>> poolWindows(Elaborator &e, CallSite &site, size_t spatial, size_t dilationAt) {
  auto kernel = countsArgument(e, site, 1, spatial, 1, 1, "kernel");
  auto stride = !kernel || site.has(2) ? countsArgument(e, site, 2, spatial, 1, 1, "stride") : kernel;
  auto padding = countsArgument(e, site, 3, spatial, 0, 0, "padding");
  std::optional<std::vector<int64_t>> dilation = std::vector<int64_t>(spatial, 1);
  if (dilationAt)
    dilation = countsArgument(e, site, dilationAt, spatial, 1, 1, "dilation");
  if (!kernel || !stride || !padding || !dilation)
    return std::nullopt;
  std::vector<WindowAxis> windows;
  for (size_t i = 0; i < spatial; ++i) {
    if (2 * (*padding)[i] > (*kernel)[i]) {
      e.error(Diag::BadArgument, site[3].at,
              fmt::format("the padding of `{}` is {}, expected at most {}, half of the kernel {}", site.callee,
                          (*padding)[i], (*kernel)[i] / 2, (*kernel)[i]))
          .help("wider padding would make windows of nothing but padding");
      return std::nullopt;
    }
    windows.push_back({int64_t(i) + 2, Size((*kernel)[i]), (*stride)[i], (*dilation)[i], (*padding)[i], (*padding)[i]});
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
  if (!ceil || !windowsFit(e, site, x, *windows))
    return e.poison(site.at);
  if (*ceil)
    for (WindowAxis &window : *windows)
      roundUp(window, x.shape[window.axis].size);
  constexpr double least = -std::numeric_limits<double>::infinity();
  Value padded = padWith(e, x, widthsOf(spatial + 2, *windows), least, site.at);
  return e.reduceOp("max", windowsOf(e, padded, *windows, site.at), tapAxes(spatial), site.at);
}

/// How many elements the window at each position has: those of the padded axis, or of the axis alone.
static std::vector<double> countsAlong(const WindowAxis &window, int64_t size, int64_t padding, bool withPadding) {
  std::vector<double> counts;
  int64_t positions = window.positions(Size(size)).constant();
  for (int64_t p = 0; p < positions; ++p) {
    int64_t begin = p * window.step - window.low, end = begin + window.taps.constant();
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
  if (!withPadding || !windowsFit(e, site, x, *windows))
    return e.poison(site.at);
  std::vector<double> counts = {1};
  Shape places(2, Dim{Size(1), site.at});
  bool known = true;
  for (WindowAxis &window : *windows) {
    const Size &size = x.shape[window.axis].size;
    int64_t padding = window.high;
    if (*ceil)
      roundUp(window, size);
    places.push_back({window.positions(size), site.at});
    known &= size.isConstant();
    std::vector<double> joined;
    for (double before : counts)
      for (double count : known ? countsAlong(window, size.constant(), padding, *withPadding) : std::vector<double>{1})
        joined.push_back(before * count);
    counts = std::move(joined);
  }
  Value taps = windowsOf(e, padWithZeros(e, x, widthsOf(spatial + 2, *windows), site.at), *windows, site.at);
  Value sum = e.reduceOp("sum", taps, tapAxes(spatial), site.at);
  bool uniform = std::adjacent_find(counts.begin(), counts.end(), std::not_equal_to<>()) == counts.end();
  Value count = uniform || !known ? e.constant(counts.front(), x.dtype, sum.shape, site.at)
                                  : e.broadcastTo(constantOf(e, counts, x.dtype, places, site.at), sum.shape, site.at);
  return e.binaryOp("div", sum, count, site.at);
}

/// Along an axis, `parts` windows that cover it: the i-th from floor(i size / parts) to ceil((i + 1) size / parts).
static Value adaptAlong(Elaborator &e, const Value &x, int64_t axis, const Size &parts, const char *kind, SourceRange at) {
  const Size &size = x.shape[axis].size;
  Shape shape = x.shape;
  shape[axis] = {parts, at};
  if (!size.isConstant() || !parts.isConstant())
    return Value::ofTensor(x.dtype, shape, {}, at);
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
  llvm::SmallVector<mlir::Value> pieces;
  Shape one = x.shape;
  one[axis] = {Size(1), at};
  for (int64_t i = 0; i < number; ++i) {
    int64_t begin = i * length / number, end = ((i + 1) * length + number - 1) / number;
    Value piece = join(sliceAlong(e, x, axis, begin, Size(end - begin), at), axis, end - begin);
    pieces.push_back(e.ir(e.reshape(piece, one, at)));
  }
  Value result = Value::ofTensor(x.dtype, shape, {}, at);
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
    x = adaptAlong(e, x, int64_t(i) + 2, Size((*size)[i]), kind, site.at);
  }
  return x;
}

void addPoolingBuiltins(BuiltinTable &table) {
  for (size_t spatial : {1, 2, 3}) {
    table.add(fmt::format("max_pool{}d", spatial), {"x", "kernel", "stride?", "padding?", "dilation?", "ceil_mode?"},
              [spatial](Elaborator &e, CallSite &site) { return maxPool(e, site, spatial); });
    table.add(fmt::format("avg_pool{}d", spatial), {"x", "kernel", "stride?", "padding?", "ceil_mode?", "count_include_pad?"},
              [spatial](Elaborator &e, CallSite &site) { return avgPool(e, site, spatial); });
    table.add(fmt::format("adaptive_avg_pool{}d", spatial), {"x", "size"},
              [spatial](Elaborator &e, CallSite &site) { return adaptivePool(e, site, spatial, "sum"); });
    table.add(fmt::format("adaptive_max_pool{}d", spatial), {"x", "size"},
              [spatial](Elaborator &e, CallSite &site) { return adaptivePool(e, site, spatial, "max"); });
  }
}

} // namespace dlc
