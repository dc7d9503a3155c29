// Order: places of sorted elements, searching what is sorted, quantiles, and what runs along an axis.
#include "frontend/builtins/Builtins.h"

#include "ir/Dialect.h"

#include <bit>

namespace dlc {

static Value argsort(Elaborator &e, CallSite &site) {
  Value x = tensorArgument(e, site, 0);
  std::optional<int64_t> axis = x.poison() ? std::nullopt : axisArgument(e, site, 1, x, -1);
  std::optional<bool> descending = boolArgument(e, site, 2, false);
  if (!axis || !descending)
    return e.poison(site.at);
  if (x.dtype == DType::Bool)
    x = e.cast(x, DType::I32, x.at);
  Value result = Value::ofTensor(DType::I64, x.shape, {}, site.at);
  if (mlir::Value operand = e.ir(x))
    result.ir = dl::ArgsortOp::create(e.graph.here(), e.location(site.at), operand, *axis, *descending);
  return result;
}

/// Whether `a` comes before `b` in a sorted row, where NaN is the last; with `orEqual`, also where they are equal.
static Value isBefore(Elaborator &e, const Value &a, const Value &b, bool orEqual, SourceRange at) {
  Value less = e.compareOp(orEqual ? "le" : "lt", a, b, at);
  if (!isFloating(a.dtype))
    return less;
  Value isLast = e.compareOp("ne", b, b, at);
  if (!orEqual)
    isLast = e.binaryOp("and", isLast, e.compareOp("eq", a, a, at), at);
  return e.binaryOp("or", less, isLast, at);
}

/// The place at which each value would keep a sorted row sorted: before equal elements, or (`right`) behind them. A binary
/// search, in as many steps for all values at once as a row's length has binary digits.
static Value searchSorted(Elaborator &e, CallSite &site) {
  Value row = tensorArgument(e, site, 0), x = tensorArgument(e, site, 1);
  std::optional<bool> right = boolArgument(e, site, 2, false);
  if (row.poison() || x.poison() || !right)
    return e.poison(site.at);
  if (!e.unifyDTypes(row, x, "searchsorted", site.at, /*comparison=*/true))
    return e.poison(site.at);
  bool fits = !row.shape.empty() && (row.shape.size() == 1 || row.shape.size() == x.shape.size());
  for (size_t i = 0; fits && row.shape.size() > 1 && i + 1 < row.shape.size(); ++i)
    fits = e.sameSize(row.shape[i].size, x.shape[i].size).value_or(true);
  if (!fits) {
    auto report = e.error(Diag::ShapeMismatch, site.at, str(row.shape), str(x.shape), "searchsorted");
    e.noteIs(report, row);
    e.noteIs(report, x);
    report.help("one sorted row, or a row for each row of the values");
    return e.poison(site.at);
  }
  Value result = Value::ofTensor(DType::I64, x.shape, {}, site.at);
  if (!e.emitting())
    return result;
  if (row.dtype == DType::Bool) {
    row = e.cast(row, DType::I32, row.at);
    x = e.cast(x, DType::I32, x.at);
  }
  int64_t count = row.shape.back().size.constant();
  auto all = [&](int64_t number) { return e.constant(number, DType::I64, x.shape, site.at); };
  auto join = [&](const char *op, const Value &a, const Value &b) { return e.binaryOp(op, a, b, site.at); };
  Value flat = e.reshape(row, {{elementCount(row.shape), site.at}}, site.at), begin = all(0);
  if (row.shape.size() > 1) { // where each value's row begins
    int64_t stride = count;
    for (size_t i = row.shape.size() - 1; i-- > 0; stride *= row.shape[i].size.constant())
      begin = join("add", begin, join("mul", e.iotaOp(DType::I64, x.shape, int64_t(i), site.at), all(stride)));
  }
  Value place = all(0);
  for (int64_t step = int64_t(std::bit_floor(uint64_t(count))); step > 0; step /= 2) {
    Value next = join("add", place, all(step)),
          last = join("add", begin, join("sub", join("min", next, all(count)), all(1)));
    Value element = e.gatherRows(flat, last, site.at);
    Value goes = join("and", e.compareOp("le", next, all(count), site.at), isBefore(e, element, x, *right, site.at));
    place = e.selectOp(goes, next, place, site.at);
  }
  place.at = site.at;
  return place;
}

/// The value below which a share q of the elements lies, between two of them in proportion (NumPy's and PyTorch's rule).
static Value quantile(Elaborator &e, CallSite &site) {
  Value x = floatArgument(e, site, 0), q = site[1];
  if (x.poison() || q.poison())
    return e.poison(site.at);
  q = q.isNumber() ? Value::ofNumber(q.asDouble(), q.at) : e.tensorOfList(q, DType::F64);
  if (q.isNumber() && !(q.number >= 0 && q.number <= 1)) {
    e.error(Diag::BadArgument, site[1].at, fmt::format("`q` is {}, expected a share from 0 to 1", q.number));
    return e.poison(site.at);
  }
  q = e.tensorOf(q, DType::F64);
  if (!q.isTensor() || !isFloating(q.dtype) || q.shape.size() > 1) {
    if (!q.poison())
      e.error(Diag::WrongType, site[1].at, "argument 2 of `quantile`", describe(site[1]),
              "a share, or a list of shares");
    return e.poison(site.at);
  }
  std::optional<bool> keep = boolArgument(e, site, 3, false);
  std::optional<std::vector<int64_t>> axes = axesArgument(e, site, 2, x);
  if (!axes || !keep)
    return e.poison(site.at);
  // The axes first, as one; the shares' axis, if there is one, takes its place.
  std::vector<int64_t> order = *axes;
  Shape joined = {{Size(1), site.at}}, wide = q.shape;
  for (int64_t axis = 0; axis < int64_t(x.shape.size()); ++axis)
    if (std::find(axes->begin(), axes->end(), axis) != axes->end()) {
      joined[0].size = joined[0].size * x.shape[axis].size;
      wide.push_back({Size(1), site.at});
    } else {
      order.push_back(axis);
      joined.push_back(x.shape[axis]);
      wide.push_back(x.shape[axis]);
    }
  if (joined[0].size == Size(0)) {
    e.error(Diag::BadArgument, x.at, fmt::format("`{}` of no elements", site.callee));
    return e.poison(site.at);
  }
  Value sorted = e.reshape(e.transpose(x, order, site.at), joined, site.at);
  sorted = e.apply(e.library->find("sort")->value, {sorted, Value::ofInteger(0, site.at)}, site.at);
  Shape kept(sorted.shape.begin() + 1, sorted.shape.end()), shape = q.shape;
  shape.insert(shape.end(), kept.begin(), kept.end());
  Value result = Value::ofTensor(x.dtype, shape, {}, site.at);
  result.varies = x.varies;
  if (e.emitting()) {
    int64_t count = sorted.shape[0].size.constant();
    auto share = [&](double value) { return e.constant(value, DType::F64, q.shape, site.at); };
    Value at = e.binaryOp(
        "mul", e.binaryOp("min", e.binaryOp("max", e.cast(q, DType::F64, q.at), share(0), site.at), share(1), site.at),
        share(double(count - 1)), site.at);
    Value low = e.unaryOp("floor", at, site.at);
    Value high = e.binaryOp("min", e.binaryOp("add", low, share(1), site.at), share(double(count - 1)), site.at);
    Shape standing = q.shape;
    standing.insert(standing.end(), kept.size(), {Size(1), site.at});
    Value weight = e.broadcastTo(
        e.reshape(e.cast(e.binaryOp("sub", at, low, site.at), x.dtype, site.at), standing, site.at), shape, site.at);
    Value a = e.gatherRows(sorted, e.cast(low, DType::I64, site.at), site.at);
    Value b = e.gatherRows(sorted, e.cast(high, DType::I64, site.at), site.at);
    // Between infinities no proportion is taken.
    auto all = [&](double value) { return e.constant(value, x.dtype, shape, site.at); };
    Value gap = e.binaryOp("sub", b, a, site.at), zero = all(0);
    Value finite =
        e.compareOp("lt", e.unaryOp("abs", gap, site.at), all(std::numeric_limits<double>::infinity()), site.at);
    Value between =
        e.binaryOp("add", a, e.binaryOp("mul", weight, e.selectOp(finite, gap, zero, site.at), site.at), site.at);
    Value beyond = e.selectOp(e.compareOp("eq", weight, zero, site.at), a, e.binaryOp("add", a, b, site.at), site.at);
    result = e.selectOp(finite, between, beyond, site.at);
    // NaN, which is sorted last, makes the quantile NaN.
    Value last = e.gatherRows(sorted, e.constant(count - 1, DType::I64, q.shape, site.at), site.at);
    result = e.selectOp(e.compareOp("ne", last, last, site.at), last, result, site.at);
  }
  result.at = site.at;
  if (*keep)
    result = e.reshape(result, wide, site.at);
  return result;
}

/// `name(x, axis)`: each element joined with those before it.
static void addCumulative(BuiltinTable &table, const char *name, dl::CumulativeKind kind) {
  table.add(name, [kind](Elaborator &e, CallSite &site) {
    bool floats = kind == dl::CumulativeKind::logsumexp;
    Value x = floats ? floatArgument(e, site, 0) : tensorArgument(e, site, 0);
    if (x.poison())
      return x;
    std::optional<int64_t> axis = axisArgument(e, site, 1, x, 0);
    if (!axis)
      return e.poison(site.at);
    if (!isFloating(x.dtype) && (kind == dl::CumulativeKind::sum || kind == dl::CumulativeKind::prod))
      x = e.cast(x, DType::I64, x.at);
    if (x.dtype == DType::Bool)
      x = e.cast(x, DType::I32, x.at);
    Value result = Value::ofTensor(x.dtype, x.shape, {}, site.at);
    result.varies = x.varies;
    if (mlir::Value operand = e.ir(x))
      result.ir = dl::CumulativeOp::create(e.graph.here(), e.location(site.at), operand.getType(), kind, operand, *axis,
                                           /*reverse=*/false);
    return result;
  });
}

void addOrderBuiltins(BuiltinTable &table) {
  table.add("argsort", argsort);
  table.add("searchsorted", searchSorted);
  table.add("quantile", quantile);
  addCumulative(table, "cumsum", dl::CumulativeKind::sum);
  addCumulative(table, "cumprod", dl::CumulativeKind::prod);
  addCumulative(table, "logcumsumexp", dl::CumulativeKind::logsumexp);
  // The extrema so far, without their places: for cummax and cummin.
  addCumulative(table, "running_max", dl::CumulativeKind::max);
  addCumulative(table, "running_min", dl::CumulativeKind::min);
}

} // namespace dlc
