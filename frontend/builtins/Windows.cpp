// Windows and padding as operations of the graph.
#include "frontend/builtins/Windows.h"

#include "ir/Dialect.h"

#include <cmath>

namespace dlc {

static bool isNothing(const Widths &widths) {
  return std::all_of(widths.begin(), widths.end(),
                     [](auto &width) { return width.first == Size(0) && width.second == Size(0); });
}

static Shape paddedShape(const Value &x, const Widths &widths, SourceRange at) {
  Shape shape = x.shape;
  for (size_t i = 0; i < shape.size(); ++i)
    if (Size both = widths[i].first + widths[i].second; !(both == Size(0)))
      shape[i] = {shape[i].size + both, at};
  return shape;
}

Value padWithZeros(Elaborator &e, const Value &x, const Widths &widths, SourceRange at) {
  if (isNothing(widths))
    return x;
  Shape shape = paddedShape(x, widths, at);
  if (tooLarge(e, shape, at))
    return e.poison(at);
  Value result = Value::ofTensor(x.dtype, shape, {}, at);
  result.varies = x.varies;
  llvm::SmallVector<int64_t> low, interior(shape.size(), 0);
  for (auto &width : widths)
    low.push_back(width.first.constant());
  if (mlir::Value operand = e.ir(x))
    result.ir = dl::PadOp::create(e.graph.here(), e.location(at), e.irType(x.dtype, shape), operand, low, interior);
  return result;
}

Value padWith(Elaborator &e, const Value &x, const Widths &widths, double fill, SourceRange at) {
  if (isNothing(widths))
    return x;
  // What was padded with false takes the value.
  Value padded = padWithZeros(e, x, widths, at);
  if (padded.poison())
    return padded;
  Value inside = padWithZeros(e, e.constant(1, DType::Bool, x.shape, at), widths, at);
  return e.selectOp(inside, padded, e.constant(fill, x.dtype, padded.shape, at), at);
}

std::optional<PadMode> padModeArgument(Elaborator &e, CallSite &site, size_t i) {
  static const std::pair<const char *, PadMode> modes[] = {
      {"reflect", PadMode::Reflect}, {"replicate", PadMode::Replicate}, {"circular", PadMode::Circular}};
  if (site[i].kind == Value::String)
    for (auto &[name, mode] : modes)
      if (site[i].text == name)
        return mode;
  if (!site[i].poison())
    e.error(Diag::BadArgument, site[i].at,
            fmt::format("the mode of padding is {}, expected \"zeros\", \"reflect\", \"replicate\" or \"circular\"",
                        site[i].kind == Value::String ? "\"" + site[i].text + "\"" : describe(site[i])));
  return std::nullopt;
}

static Value reversed(Elaborator &e, const Value &x, int64_t axis, SourceRange at) {
  Value result = Value::ofTensor(x.dtype, x.shape, {}, at);
  result.varies = x.varies;
  if (mlir::Value operand = e.ir(x))
    result.ir = dl::ReverseOp::create(e.graph.here(), e.location(at), operand.getType(), operand,
                                      llvm::ArrayRef<int64_t>(axis));
  return result;
}

/// What stands in front of (or behind) an axis of x: `width` elements.
static Value margin(Elaborator &e, const Value &x, int64_t axis, const Size &width, bool behind, PadMode mode,
                    SourceRange at) {
  const Size &size = x.shape[axis].size;
  // Only an instance slices, and there sizes are numbers.
  auto part = [&](const Size &start, const Size &count) {
    return sliceAlong(e, x, axis, start.isConstant() ? start.constant() : 0, count, at);
  };
  switch (mode) {
  case PadMode::Circular:
    return part(behind ? Size(0) : size - width, width);
  case PadMode::Reflect:
    return reversed(e, part(behind ? size - Size(1) - width : Size(1), width), axis, at);
  case PadMode::Replicate: {
    Shape shape = x.shape;
    shape[axis] = {width, at};
    return e.broadcastTo(part(behind ? size - Size(1) : Size(0), Size(1)), shape, at);
  }
  }
  return x;
}

Value padByMode(Elaborator &e, const Value &x, const Widths &widths, PadMode mode, SourceRange at) {
  if (tooLarge(e, paddedShape(x, widths, at), at))
    return e.poison(at);
  Value result = x;
  for (size_t axis = 0; axis < widths.size(); ++axis) {
    const auto &[before, behind] = widths[axis];
    auto wide = [](const Size &width) { return width.isConstant() ? width.constant() : 0; };
    const Size &size = x.shape[axis].size;
    int64_t most = !size.isConstant()          ? INT64_MAX
                   : mode == PadMode::Reflect  ? size.constant() - 1
                   : mode == PadMode::Circular ? size.constant()
                   : size.constant() > 0       ? INT64_MAX
                                               : 0;
    if (std::max(wide(before), wide(behind)) > most) {
      auto report = e.error(Diag::BadArgument, at,
                            fmt::format("padding of {} {} axis {} of {}, which has {} to take",
                                        std::max(wide(before), wide(behind)),
                                        mode == PadMode::Reflect ? "by reflection of" : "from", axis, describe(x),
                                        std::max<int64_t>(most, 0)));
      e.noteOrigins(report, x, axis);
      return e.poison(at);
    }
    if (before + behind == Size(0))
      continue;
    std::vector<Value> parts;
    if (!(before == Size(0)))
      parts.push_back(margin(e, result, int64_t(axis), before, false, mode, at));
    parts.push_back(result);
    if (!(behind == Size(0)))
      parts.push_back(margin(e, result, int64_t(axis), behind, true, mode, at));
    Shape shape = result.shape;
    shape[axis] = {size + before + behind, at};
    llvm::SmallVector<mlir::Value> operands;
    for (const Value &part : parts)
      operands.push_back(e.ir(part));
    result = Value::ofTensor(x.dtype, shape, {}, at);
    result.varies = x.varies;
    if (operands.front())
      result.ir =
          dl::ConcatOp::create(e.graph.here(), e.location(at), e.irType(x.dtype, shape), operands, int64_t(axis));
  }
  return result;
}

Widths widthsOf(size_t rank, const std::vector<WindowAxis> &axes) {
  Widths widths(rank);
  for (const WindowAxis &window : axes)
    widths[window.axis] = {window.low, window.high};
  return widths;
}

namespace {
/// The attributes of dl.window and dl.overlap_add.
struct WindowAttributes {
  explicit WindowAttributes(const std::vector<WindowAxis> &windows) {
    for (const WindowAxis &window : windows) {
      axes.push_back(window.axis);
      steps.push_back(window.step.constant());
      spreads.push_back(window.spread.constant());
    }
  }
  llvm::SmallVector<int64_t> axes, steps, spreads;
};
} // namespace

Value windowsOf(Elaborator &e, const Value &x, const std::vector<WindowAxis> &axes, SourceRange at) {
  Shape shape = x.shape;
  for (WindowAxis window : axes) {
    window.low = window.high = Size(0);
    shape[window.axis] = {window.positions(shape[window.axis].size), at};
    shape.push_back({window.taps, at});
  }
  Value result = Value::ofTensor(x.dtype, shape, {}, at);
  result.varies = x.varies;
  WindowAttributes attributes(axes);
  if (mlir::Value operand = e.ir(x))
    result.ir = dl::WindowOp::create(e.graph.here(), e.location(at), e.irType(x.dtype, shape), operand, attributes.axes,
                                     attributes.steps, attributes.spreads);
  return result;
}

Value overlapAdd(Elaborator &e, const Value &windows, const std::vector<WindowAxis> &axes,
                 const std::vector<Size> &extents, SourceRange at) {
  Shape shape(windows.shape.begin(), windows.shape.end() - axes.size());
  for (size_t i = 0; i < axes.size(); ++i)
    shape[axes[i].axis] = {extents[i], at};
  Value result = Value::ofTensor(windows.dtype, shape, {}, at);
  result.varies = windows.varies;
  WindowAttributes attributes(axes);
  if (mlir::Value operand = e.ir(windows))
    result.ir = dl::OverlapAddOp::create(e.graph.here(), e.location(at), e.irType(windows.dtype, shape), operand,
                                         attributes.axes, attributes.steps, attributes.spreads);
  return result;
}

Value withoutPadding(Elaborator &e, const Value &x, const std::vector<WindowAxis> &axes, const std::vector<Size> &sizes,
                     SourceRange at) {
  Value result = x;
  for (size_t i = 0; i < axes.size(); ++i)
    result = sliceAlong(e, result, axes[i].axis, axes[i].low.isConstant() ? axes[i].low.constant() : 0, sizes[i], at);
  return result;
}

bool windowsFit(Elaborator &e, CallSite &site, const Value &x, const std::vector<WindowAxis> &axes, bool pools) {
  for (const WindowAxis &window : axes) {
    const Size &size = x.shape[window.axis].size;
    Size positions = window.positions(size), margins = window.low + window.high, padded = size + margins;
    if (!positions.isConstant() || positions.constant() >= 1)
      continue;
    std::string reach = window.spread == Size(1) ? window.taps.str()
                                                 : fmt::format("{} ({} spread by {})", window.reach().str(),
                                                               window.taps.str(), window.spread.str());
    std::string room = margins == Size(0)
                           ? size.str()
                           : fmt::format("{} ({} and padding of {})", padded.str(), size.str(), margins.str());
    auto report = e.error(Diag::WindowSize, site.at, reach, room);
    e.noteIs(report, x);
    e.noteOrigins(report, x, size_t(window.axis));
    if (window.reach().isConstant() && padded.isConstant() && margins.isConstant() && window.spread.isConstant()) {
      int64_t padding = (margins.constant() + window.reach().constant() - padded.constant() + 1) / 2;
      int64_t kernel = padded.constant() < 1 ? 0 : (padded.constant() - 1) / window.spread.constant() + 1;
      std::string pad = fmt::format("a padding of {}", padding), narrow = fmt::format("a kernel of at most {}", kernel);
      if (pools && padding > window.taps.constant() / 2)
        report.help(narrow + " would fit");
      else
        report.help(pad + " would make room" + (kernel > 0 ? ", or " + narrow : ""));
    }
    return false;
  }
  return true;
}

bool tooLarge(Elaborator &e, const Shape &shape, SourceRange at) {
  double count = 1;
  for (const Dim &dim : shape)
    count *= dim.size.isConstant() ? double(dim.size.constant()) : 1;
  if (count <= maxElements)
    return false;
  e.error(Diag::TooLarge, at, "a tensor of shape `" + str(shape) + "`");
  return true;
}

std::optional<Size> countOf(Elaborator &e, const Value &value, const std::string &what, int64_t least) {
  // A whole number that was computed as a float is one too.
  bool whole = value.kind == Value::Number && (!value.isFloat || value.number == std::floor(value.number));
  if (!whole && value.kind != Value::SizeOf) {
    if (!value.poison())
      e.error(Diag::WrongType, value.at, what, describe(value), "a whole number");
    return std::nullopt;
  }
  if (whole && value.isFloat && std::abs(value.number) > maxElements) {
    e.error(Diag::TooLarge, value.at, what);
    return std::nullopt;
  }
  Size count = value.kind == Value::SizeOf ? value.size : Size(value.isFloat ? int64_t(value.number) : value.integer);
  if (!count.isConstant() || (count.constant() >= least && double(count.constant()) <= maxElements))
    return count;
  if (count.constant() < least)
    e.error(Diag::BadArgument, value.at, fmt::format("{} is {}, expected at least {}", what, count.str(), least));
  else
    e.error(Diag::TooLarge, value.at, fmt::format("{} of {}", what, count.str()));
  return std::nullopt;
}

std::optional<std::vector<Size>> countsArgument(Elaborator &e, CallSite &site, size_t i, size_t count, int64_t absent,
                                                int64_t least, const char *what) {
  if (!site.has(i))
    return std::vector<Size>(count, Size(absent));
  std::string name = fmt::format("the {} of `{}`", what, site.callee);
  bool isList = site[i].kind == Value::List || site[i].kind == Value::Tuple;
  if (isList && site[i].elements.size() != count) {
    e.error(Diag::BadArgument, site[i].at,
            fmt::format("{} has {} numbers, expected {}", name, site[i].elements.size(), count))
        .help("one number stands for all axes");
    return std::nullopt;
  }
  std::vector<Size> counts;
  for (const Value &element : isList ? site[i].elements : std::vector<Value>(count, site[i])) {
    std::optional<Size> number = countOf(e, element, name, least);
    if (!number)
      return std::nullopt;
    counts.push_back(*number);
  }
  return counts;
}

Value spatialArgument(Elaborator &e, CallSite &site, size_t spatial) {
  Value x = floatArgument(e, site, 0);
  if (x.poison() || x.shape.size() == spatial + 2)
    return x;
  auto report = e.error(Diag::RankMismatch, x.at, "the input " + describe(x), x.shape.size(),
                        fmt::format("{} (batch, channels, then space)", spatial + 2));
  if (x.shape.size() == spatial + 1)
    report.help("`expand_dims(x, axis: 0)` makes a batch of one, `expand_dims(x, axis: 1)` one channel");
  if (x.shape.size() == spatial)
    report.help("`x |> expand_dims(axis: 0) |> expand_dims(axis: 0)` makes a batch of one with one channel");
  return e.poison(site.at);
}

Value constantOf(Elaborator &e, llvm::function_ref<std::vector<double>()> numbers, DType dtype, Shape shape,
                 SourceRange at) {
  constexpr int64_t most = int64_t(1) << 26;
  Size count = elementCount(shape);
  if (count.isConstant() && count.constant() > most) {
    e.error(Diag::TooLarge, at, "a table of weights or places of shape `" + str(shape) + "`");
    return e.poison(at);
  }
  Value result = Value::ofTensor(DType::F64, shape, {}, at);
  if (e.graph.building()) {
    mlir::RankedTensorType type = e.irType(DType::F64, shape);
    result.ir = dl::ConstantOp::create(
        e.graph.here(), e.location(at),
        llvm::cast<mlir::ElementsAttr>(mlir::DenseElementsAttr::get(type, llvm::ArrayRef<double>(numbers()))));
  }
  return e.cast(result, dtype, at);
}

} // namespace dlc
