// Reductions: sum, mean, max, ..., argmax.
#include "frontend/builtins/Builtins.h"

#include "ir/Dialect.h"

#include <limits>

namespace dlc {

/// The reduced tensor, with the axes kept as size 1 when asked.
static Value keepAxes(Elaborator &e, const Value &reduced, const Value &whole, const std::vector<int64_t> &axes,
                      bool keep, SourceRange at) {
  if (!keep)
    return reduced;
  Shape shape = whole.shape;
  for (int64_t axis : axes)
    shape[axis] = {Size(1), at};
  return e.reshape(reduced, shape, at);
}

/// The number of elements that a reduction joins, as f64.
static double countOf(const Value &value, const std::vector<int64_t> &axes) {
  double count = 1;
  for (int64_t axis : axes)
    count *= value.shape[axis].size.isConstant() ? double(value.shape[axis].size.constant()) : 1.0;
  return count;
}

static Value sumOf(Elaborator &e, const Value &x, const std::vector<int64_t> &axes, SourceRange at) {
  return e.reduceOp("sum", x, axes, at);
}

static Value scaled(Elaborator &e, const Value &x, double factor, SourceRange at) {
  return e.binaryOp("mul", x, e.constant(factor, x.dtype, x.shape, at), at);
}

/// bf16 in f32: what is made of a sum is rounded once, from it.
static Value exactly(Elaborator &e, const Value &x) { return x.dtype == DType::BF16 ? e.cast(x, DType::F32, x.at) : x; }

/// Integers and bools in i64, so that no sum or product of bytes overflows.
static Value widened(Elaborator &e, const Value &x) { return isFloating(x.dtype) ? x : e.cast(x, DType::I64, x.at); }

/// The reduced extremum and a number that takes part in it, which may be all that there is.
static Value withInitial(Elaborator &e, const std::string &op, const Value &reduced, Value initial, SourceRange at) {
  bool isNeutral = isFloating(reduced.dtype) && initial.kind == Value::Number &&
                   initial.number == (op == "max" ? -1 : 1) * std::numeric_limits<double>::infinity();
  Value value = reduced;
  if (isNeutral)
    return value;
  if (!initial.isNumber() && !(initial.isTensor() && initial.shape.empty())) {
    e.error(Diag::WrongType, initial.at, "`initial`", describe(initial), "a number");
    return e.poison(at);
  }
  if (!e.unifyDTypes(value, initial, op.c_str(), at))
    return e.poison(at);
  return e.binaryOp(op, value, e.broadcastTo(initial, value.shape, at), at);
}

/// `name(x, axis, keepdims)` as one reduction; max and min with `initial`, as NumPy has it.
static void addReduce(BuiltinTable &table, const char *name, const char *kind, bool bools) {
  std::string op = kind;
  bool isExtremum = op == "max" || op == "min";
  table.add(name, [op, bools, isExtremum](Elaborator &e, CallSite &site) {
    Value x = tensorArgument(e, site, 0);
    if (x.poison())
      return x;
    std::optional<std::vector<int64_t>> axes = axesArgument(e, site, 1, x);
    std::optional<bool> keep = boolArgument(e, site, 2, false);
    if (!axes || !keep)
      return e.poison(site.at);
    if (bools != (x.dtype == DType::Bool)) {
      if (!bools && op == "sum") {
        x = e.cast(x, DType::F32, x.at); // bools are counted in f32
      } else if (bools || op != "prod") {
        e.error(Diag::WrongType, x.at, fmt::format("argument 1 of `{}`", site.callee), describe(x),
                bools ? "bools" : "numbers");
        return e.poison(site.at);
      }
    }
    if (op == "sum" || op == "prod")
      x = widened(e, x);
    bool hasInitial = isExtremum && site.has(3);
    if (isExtremum && !hasInitial && !axes->empty() && countOf(x, *axes) == 0) {
      e.error(Diag::BadArgument, x.at, fmt::format("`{}` of no elements", site.callee))
          .help("`initial: ..` is a value for it");
      return e.poison(site.at);
    }
    Value reduced = e.reduceOp(op, x, *axes, site.at);
    if (hasInitial)
      reduced = withInitial(e, op, reduced, site[3], site.at);
    return reduced.poison() ? reduced : keepAxes(e, reduced, x, *axes, *keep, site.at);
  });
}

static void addMoments(BuiltinTable &table) {
  table.add("mean", [](Elaborator &e, CallSite &site) {
    Value x = tensorArgument(e, site, 0, isLiteral(site[0]) ? std::optional(DType::F32) : std::nullopt);
    if (x.poison())
      return x;
    std::optional<std::vector<int64_t>> axes = axesArgument(e, site, 1, x);
    std::optional<bool> keep = boolArgument(e, site, 2, false);
    if (!axes || !keep)
      return e.poison(site.at);
    if (!isFloating(x.dtype)) {
      if (x.dtype != DType::Bool) {
        e.error(Diag::WrongType, x.at, "argument 1 of `mean`", describe(x), "floating-point numbers or bools")
            .help(fmt::format("write the conversion: `f32({})`", e.shortText(x.at)));
        return e.poison(site.at);
      }
      x = e.cast(x, DType::F32, x.at);
    }
    Value mean = scaled(e, sumOf(e, exactly(e, x), *axes, site.at), 1 / countOf(x, *axes), site.at);
    return keepAxes(e, e.cast(mean, x.dtype, site.at), x, *axes, *keep, site.at);
  });
  for (bool root : {false, true})
    table.add(root ? "std" : "var", [root](Elaborator &e, CallSite &site) {
      Value given = floatArgument(e, site, 0);
      if (given.poison())
        return given;
      Value x = exactly(e, given);
      std::optional<std::vector<int64_t>> axes = axesArgument(e, site, 1, x);
      std::optional<bool> keep = boolArgument(e, site, 2, false), unbiased = boolArgument(e, site, 3, false);
      if (!axes || !keep || !unbiased)
        return e.poison(site.at);
      double count = countOf(x, *axes);
      Value mean = keepAxes(e, scaled(e, sumOf(e, x, *axes, site.at), 1 / count, site.at), x, *axes, true, site.at);
      Value centred = e.binaryOp("sub", x, e.broadcastTo(mean, x.shape, site.at), site.at);
      Value squares = sumOf(e, e.binaryOp("mul", centred, centred, site.at), *axes, site.at);
      Value result = scaled(e, squares, 1 / (*unbiased ? count - 1 : count), site.at);
      if (root)
        result = e.apply(e.library->find("root")->value, {result}, site.at);
      return keepAxes(e, e.cast(result, given.dtype, site.at), x, *axes, *keep, site.at);
    });
}

void addReductionBuiltins(BuiltinTable &table) {
  addReduce(table, "sum", "sum", false);
  addReduce(table, "prod", "prod", false);
  addReduce(table, "max", "max", false);
  addReduce(table, "min", "min", false);
  addReduce(table, "all", "all", true);
  addReduce(table, "any", "any", true);
  addMoments(table);
  for (const char *kind : {"max", "min"}) {
    std::string op = kind;
    table.add("arg" + op, [op](Elaborator &e, CallSite &site) {
      Value x = tensorArgument(e, site, 0);
      if (x.poison())
        return x;
      std::optional<bool> keep = boolArgument(e, site, 2, false);
      if (!keep)
        return e.poison(site.at);
      if (!site.has(1)) // of the whole tensor, flat
        x = e.reshape(x, {{elementCount(x.shape), site.at}}, site.at);
      std::optional<int64_t> axis = axisArgument(e, site, 1, x, 0);
      if (!axis)
        return e.poison(site.at);
      if (countOf(x, {*axis}) == 0) {
        e.error(Diag::BadArgument, x.at, fmt::format("`{}` of no elements", site.callee));
        return e.poison(site.at);
      }
      if (x.dtype == DType::Bool)
        x = e.cast(x, DType::I32, x.at);
      Shape shape = x.shape;
      shape.erase(shape.begin() + *axis);
      Value result = Value::ofTensor(DType::I64, shape, {}, site.at);
      if (mlir::Value operand = e.ir(x))
        result.ir = dl::ArgReduceOp::create(e.graph.here(), e.location(site.at), e.irType(DType::I64, shape),
                                            op == "max" ? dl::ReduceKind::max : dl::ReduceKind::min, operand, *axis);
      return keepAxes(e, result, x, {*axis}, *keep && site.has(1), site.at);
    });
  }
}

} // namespace dlc
