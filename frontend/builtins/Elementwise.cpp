// Elementwise builtins, and the helpers that read arguments.
#include "frontend/builtins/Builtins.h"

#include "ir/FloatDivision.h"

#include <cmath>

namespace dlc {

Value tensorArgument(Elaborator &e, CallSite &site, size_t i, std::optional<DType> dtype) {
  Value value = e.tensorOfList(site[i], dtype);
  if (value.isNumber())
    value = e.tensorOf(value, dtype);
  else if (value.kind == Value::Bool)
    value = e.tensorOf(value);
  if (value.poison() || value.isTensor())
    return value;
  auto report = e.error(Diag::WrongType, value.at, fmt::format("argument {} of `{}`", i + 1, site.callee),
                        describe(value), "a tensor");
  if (value.kind == Value::Fn)
    report.help("call it: `" + std::string(e.sources.text(value.at)) + "(..)`");
  return e.poison(value.at);
}

Value floatArgument(Elaborator &e, CallSite &site, size_t i) {
  Value value = tensorArgument(e, site, i, isLiteral(site[i]) ? std::optional(DType::F32) : std::nullopt);
  if (value.poison() || isFloating(value.dtype))
    return value;
  e.error(Diag::WrongType, value.at, fmt::format("argument {} of `{}`", i + 1, site.callee), describe(value),
          "floating-point numbers")
      .help(fmt::format("write the conversion: `f32({})`", e.shortText(value.at)));
  return e.poison(value.at);
}

/// What is given as an axis of `max` or `min` is perhaps meant as a second operand.
static std::string operandMeant(Elaborator &e, const CallSite &site) {
  if ((site.callee != "max" && site.callee != "min") || !site.has(1))
    return "";
  return fmt::format("`{}imum({}, {})` takes the {} of two", site.callee, e.shortText(site[0].at),
                     e.shortText(site[1].at, "y"), site.callee == "max" ? "greater" : "lesser");
}

static std::optional<int64_t> normalAxis(Elaborator &e, const CallSite &site, const Value &entry, const Value &tensor) {
  if (entry.kind == Value::Number && entry.isFloat) {
    auto report = e.error(Diag::WrongType, entry.at, "an axis", describe(entry), "a whole number");
    if (std::string meant = operandMeant(e, site); !meant.empty())
      report.help(meant);
    return std::nullopt;
  }
  std::optional<int64_t> axis = e.integerConstant(entry, "an axis");
  if (!axis)
    return std::nullopt;
  int64_t rank = int64_t(tensor.shape.size());
  if (*axis < -rank || *axis >= rank) {
    auto report = e.error(Diag::AxisRange, entry.at, *axis, describe(tensor), rank, rank == 1 ? "axis" : "axes");
    if (std::string meant = operandMeant(e, site); rank == 0 && !meant.empty())
      report.help(meant);
    if (rank > 0)
      report.help(rank == 1 ? "its axis is 0, or -1"
                            : fmt::format("axes count from 0 to {}, or from the end from -1 to -{}", rank - 1, rank));
    return std::nullopt;
  }
  return *axis < 0 ? *axis + rank : *axis;
}

std::optional<std::vector<int64_t>> axesArgument(Elaborator &e, CallSite &site, size_t i, const Value &tensor) {
  std::optional<std::vector<int64_t>> axes = permutationArgument(e, site, i, tensor);
  if (axes)
    std::sort(axes->begin(), axes->end());
  return axes;
}

std::optional<std::vector<int64_t>> permutationArgument(Elaborator &e, CallSite &site, size_t i, const Value &tensor) {
  std::vector<int64_t> axes;
  if (!site.has(i)) {
    for (size_t a = 0; a < tensor.shape.size(); ++a)
      axes.push_back(int64_t(a));
    return axes;
  }
  std::vector<Value> entries = {site[i]};
  if (site[i].kind == Value::List || site[i].kind == Value::Tuple)
    entries = site[i].elements;
  for (const Value &entry : entries) {
    std::optional<int64_t> axis = normalAxis(e, site, entry, tensor);
    if (!axis)
      return std::nullopt;
    if (std::find(axes.begin(), axes.end(), *axis) != axes.end()) {
      e.error(Diag::AxisTwice, entry.at, *axis);
      return std::nullopt;
    }
    axes.push_back(*axis);
  }
  return axes;
}

std::optional<int64_t> axisArgument(Elaborator &e, CallSite &site, size_t i, const Value &tensor, int64_t absent) {
  if (site.has(i))
    return normalAxis(e, site, site[i], tensor);
  return normalAxis(e, site, Value::ofInteger(absent, site.at), tensor);
}

std::optional<Shape> shapeArgument(Elaborator &e, CallSite &site, size_t i, bool open) {
  std::vector<Value> entries = {site[i]};
  if (site[i].kind == Value::List || site[i].kind == Value::Tuple)
    entries = site[i].elements;
  Shape shape;
  for (const Value &entry : entries) {
    std::optional<Size> size = e.size(entry, "the size of an axis");
    if (!size)
      return std::nullopt;
    if (size->isConstant() && size->constant() < (open ? -1 : 0)) {
      e.error(Diag::NegativeSize, entry.at, size->constant());
      return std::nullopt;
    }
    shape.push_back({*size, entry.at});
  }
  double count = 1;
  for (const Dim &dim : shape)
    count *= dim.size.isConstant() && dim.size.constant() > 0 ? double(dim.size.constant()) : 1;
  if (count > maxElements) {
    e.error(Diag::TooLarge, site[i].at, "a tensor of shape `" + str(shape) + "`");
    return std::nullopt;
  }
  return shape;
}

std::optional<Size> lengthArgument(Elaborator &e, CallSite &site, size_t i, const char *what) {
  std::optional<Size> size = e.size(site[i], what);
  if (!size || !size->isConstant())
    return size;
  if (size->constant() < 0)
    e.error(Diag::NegativeSize, site[i].at, size->constant());
  else if (double(size->constant()) > maxElements)
    e.error(Diag::TooLarge, site[i].at, fmt::format("a tensor of {} elements", size->constant()));
  else
    return size;
  return std::nullopt;
}

std::optional<std::vector<int64_t>> numbersArgument(Elaborator &e, CallSite &site, size_t i, size_t count,
                                                    int64_t absent) {
  if (!site.has(i))
    return std::vector<int64_t>(count, absent);
  const Value &value = site[i];
  if (value.kind == Value::List || value.kind == Value::Tuple) {
    if (value.elements.size() != count) {
      e.error(Diag::BadArgument, value.at, fmt::format("{} numbers for {} axes", value.elements.size(), count))
          .help("one number stands for all axes");
      return std::nullopt;
    }
    std::vector<int64_t> numbers;
    for (const Value &element : value.elements) {
      std::optional<int64_t> number = e.integerConstant(element, "an element");
      if (!number)
        return std::nullopt;
      numbers.push_back(*number);
    }
    return numbers;
  }
  std::optional<int64_t> number = e.integerConstant(value, "the argument");
  if (!number)
    return std::nullopt;
  return std::vector<int64_t>(count, *number);
}

std::optional<bool> boolArgument(Elaborator &e, CallSite &site, size_t i, bool absent) {
  if (!site.has(i))
    return absent;
  if (site[i].kind == Value::Bool)
    return site[i].flag;
  e.error(Diag::WrongType, site[i].at, fmt::format("argument {} of `{}`", i + 1, site.callee), describe(site[i]),
          "true or false");
  return std::nullopt;
}

std::optional<double> numberArgument(Elaborator &e, CallSite &site, size_t i, double absent) {
  if (!site.has(i))
    return absent;
  if (site[i].kind == Value::Number || (site[i].kind == Value::SizeOf && site[i].size.isConstant()))
    return site[i].asDouble();
  if (site[i].kind == Value::SizeOf)
    return 1.0;
  e.error(Diag::NotConstant, site[i].at, fmt::format("argument {} of `{}`", i + 1, site.callee));
  return std::nullopt;
}

/// A function of one floating-point tensor; of a number known at compile time, computed at once.
static void addUnary(BuiltinTable &table, const char *name, const char *op, double (*fold)(double)) {
  std::string opName = op;
  table.add(name, [opName, fold](Elaborator &e, CallSite &site) {
    if (site[0].isNumber() && isFloating(site[0].dtypeOr(DType::F32)))
      return e.mapNumber(site[0], site.at, fold);
    Value operand = floatArgument(e, site, 0);
    return operand.poison() ? operand : e.unaryOp(opName, operand, site.at);
  });
}

/// abs and sign keep integers.
static void addSigned(BuiltinTable &table, const char *name, double (*fold)(double), int64_t (*whole)(int64_t)) {
  std::string op = name;
  table.add(name, [op, fold, whole](Elaborator &e, CallSite &site) {
    if (site[0].isNumber())
      return e.mapNumber(site[0], site.at, fold, whole);
    Value operand = tensorArgument(e, site, 0);
    if (operand.poison())
      return operand;
    if (operand.dtype == DType::Bool) {
      e.error(Diag::WrongType, operand.at, fmt::format("argument 1 of `{}`", site.callee), describe(operand),
              "numbers");
      return e.poison(site.at);
    }
    return e.unaryOp(op, operand, site.at);
  });
}

/// Arguments `first` and `second` in one type: a bracket list takes that of a tensor or typed number beside it. What is known
/// stays a number.
static bool unifyArguments(Elaborator &e, CallSite &site, size_t first, size_t second, Value &lhs, Value &rhs) {
  lhs = site[first], rhs = site[second];
  for (auto [side, other, place] : {std::tuple(&lhs, &rhs, first), std::tuple(&rhs, &lhs, second)}) {
    bool isTyped = other->isTensor() || (other->kind == Value::Number && !other->weak);
    if (!side->isNumber())
      *side = tensorArgument(e, site, place,
                             isTyped               ? std::optional(other->dtype)
                             : hasFraction(*other) ? std::optional(DType::F32)
                                                   : std::nullopt);
    if (side->poison())
      return false;
  }
  if (lhs.isNumber() && rhs.isNumber()) {
    lhs = e.numberOf(lhs), rhs = e.numberOf(rhs);
    return (lhs.weak && rhs.weak) || e.unifyDTypes(lhs, rhs, site.callee.c_str(), site.at);
  }
  return e.unifyDTypes(lhs, rhs, site.callee.c_str(), site.at);
}

/// A function of the elements of two tensors, broadcast.
static Value ofElements(Elaborator &e, CallSite &site, const char *op, const Value &lhs, const Value &rhs) {
  std::optional<Shape> shape = e.broadcastShapes(lhs, rhs, site.callee.c_str(), site.at);
  if (!shape)
    return e.poison(site.at);
  Value a = e.broadcastTo(lhs, *shape, lhs.at), b = e.broadcastTo(rhs, *shape, rhs.at);
  a.soft = b.soft = lhs.soft && rhs.soft;
  if (a.dtype == DType::Bool) {
    e.error(Diag::TypeMix, site.at, site.callee, describe(lhs), describe(rhs));
    return e.poison(site.at);
  }
  return e.binaryOp(op, a, b, site.at);
}

/// `xor`: of bools, whether one is true and the other not.
static Value eitherOr(Elaborator &e, CallSite &site) {
  Value x = tensorArgument(e, site, 0), y = tensorArgument(e, site, 1);
  if (x.poison() || y.poison())
    return e.poison(site.at);
  for (const Value *side : {&x, &y})
    if (side->dtype != DType::Bool) {
      e.error(Diag::WrongType, side->at, "an argument of `xor`", describe(*side), "bools")
          .help("compare with something: `x != 0`");
      return e.poison(site.at);
    }
  if (site[0].kind == Value::Bool && site[1].kind == Value::Bool)
    return Value::ofBool(site[0].flag != site[1].flag, site.at);
  std::optional<Shape> shape = e.broadcastShapes(x, y, site.callee.c_str(), site.at);
  if (!shape)
    return e.poison(site.at);
  return e.compareOp("ne", e.broadcastTo(x, *shape, x.at), e.broadcastTo(y, *shape, y.at), site.at);
}

/// `atan2`: of two tensors, or of a tensor and a number.
static Value angle(Elaborator &e, CallSite &site) {
  Value y, x;
  if (!unifyArguments(e, site, 0, 1, y, x))
    return e.poison(site.at);
  if (y.isNumber() && x.isNumber() && (y.isFloat || y.weak) && (x.isFloat || x.weak)) {
    Value result = Value::ofNumber(std::atan2(y.asDouble(), x.asDouble()), site.at);
    result.ofSizes = y.ofSizes || x.ofSizes;
    return y.weak && x.weak ? result : e.convertNumber(result, y.dtype, site.at);
  }
  for (const Value *side : {&y, &x})
    if (!isFloating(side->dtype)) {
      e.error(Diag::WrongType, side->at, "an argument of `atan2`", describe(*side), "floating-point numbers")
          .help(fmt::format("write the conversion: `f32({})`", e.shortText(side->at)));
      return e.poison(site.at);
    }
  return ofElements(e, site, "atan2", y, x);
}

/// `maximum` or `minimum`.
static Value twoOperands(Elaborator &e, CallSite &site, const char *op, bool greater) {
  Value a, b;
  if (!unifyArguments(e, site, 0, 1, a, b))
    return e.poison(site.at);
  if (!a.isNumber() || !b.isNumber())
    return ofElements(e, site, op, a, b);
  bool floats = a.isFloat || b.isFloat;
  bool less = floats ? a.number < b.number : a.integer < b.integer;
  bool more = floats ? a.number > b.number : a.integer > b.integer;
  Value result = (floats && std::isnan(a.number)) || (greater ? more : less) ? a : b;
  if (floats && !result.isFloat)
    result = Value::ofNumber(result.number, site.at);
  result.ofSizes = a.ofSizes || b.ofSizes;
  result.at = site.at;
  return result;
}

/// `div`: the quotient, rounded down. Of sizes and literals it is a size.
static Value quotient(Elaborator &e, CallSite &site) {
  const Value &x = site[0], &y = site[1];
  auto isSize = [](const Value &v) {
    return v.kind == Value::SizeOf || (v.kind == Value::Number && !v.isFloat && v.weak);
  };
  if (isSize(x) && isSize(y)) {
    std::optional<Size> a = e.size(x, "the dividend"), b = e.size(y, "the divisor");
    if (!a || !b)
      return e.poison(site.at);
    if (b->isConstant() && b->constant() == 0) {
      e.error(Diag::DivisionByZero, site.at, fmt::format("div({}, 0)", a->str()));
      return e.poison(site.at);
    }
    return Value::ofSize(Size::floorDiv(*a, *b), site.at);
  }
  Value a, b;
  if (!unifyArguments(e, site, 0, 1, a, b) || e.dividesByZero(a, y, "div({}, {})", site.at))
    return e.poison(site.at);
  if (!a.isNumber() || !b.isNumber())
    return ofElements(e, site, isFloating(a.isNumber() ? b.dtype : a.dtype) ? "floor_div" : "div", a, b);
  bool floats = a.isFloat || b.isFloat, typed = !a.weak || !b.weak;
  auto whole = [](int64_t p, int64_t q) {
    return q == -1 ? int64_t(0 - uint64_t(p)) : p / q - (p % q != 0 && (p < 0) != (q < 0));
  };
  Value result = floats ? Value::ofNumber(floorQuotient(a.number, b.number), site.at)
                        : Value::ofInteger(whole(a.integer, b.integer), site.at);
  if (typed)
    result = e.convertNumber(result, a.dtype, site.at);
  result.ofSizes = a.ofSizes || b.ofSizes;
  return result;
}

/// `where`. Of two numbers, too, it is a tensor: which of them may not be known.
static Value choice(Elaborator &e, CallSite &site) {
  Value condition = tensorArgument(e, site, 0), onTrue, onFalse;
  if (condition.poison())
    return e.poison(site.at);
  if (condition.dtype != DType::Bool) {
    e.error(Diag::ConditionType, condition.at, describe(condition)).help("compare with something: `x != 0`");
    return e.poison(site.at);
  }
  if (!unifyArguments(e, site, 1, 2, onTrue, onFalse))
    return e.poison(site.at);
  if (onTrue.isNumber() && onFalse.isNumber()) {
    DType dtype = !onTrue.weak || !onFalse.weak       ? onTrue.dtype
                  : onTrue.isFloat || onFalse.isFloat ? DType::F32
                                                      : DType::I64;
    for (Value *side : {&onTrue, &onFalse})
      *side = e.tensorOf(e.convertNumber(*side, dtype, side->at), dtype);
  }
  std::optional<Shape> shape = e.broadcastShapes(onTrue, onFalse, "where", site.at);
  if (!shape)
    return e.poison(site.at);
  Value both = Value::ofTensor(onTrue.dtype, *shape, {}, onTrue.at);
  shape = e.broadcastShapes(condition, both, "where", site.at);
  if (!shape)
    return e.poison(site.at);
  return e.selectOp(e.broadcastTo(condition, *shape, condition.at), e.broadcastTo(onTrue, *shape, onTrue.at),
                    e.broadcastTo(onFalse, *shape, onFalse.at), site.at);
}

void addElementwiseBuiltins(BuiltinTable &table) {
#define ELEMENTARY(Op, mnemonic, name, value, cost)                                                                    \
  addUnary(table, name, #mnemonic, [](double x) -> double { return value; });
#include "ir/ElementaryFunctions.def"
  addUnary(table, "sqrt", "sqrt", std::sqrt);
  addUnary(table, "rsqrt", "rsqrt", [](double x) { return 1 / std::sqrt(x); });
  addUnary(table, "floor", "floor", std::floor);
  addUnary(table, "ceil", "ceil", std::ceil);
  addUnary(table, "round", "round", std::nearbyint);
  addUnary(table, "trunc", "trunc", std::trunc);
  table.add("xor", eitherOr);
  table.add("atan2", angle);
  addSigned(
      table, "abs", [](double x) { return std::abs(x); },
      [](int64_t x) { return x < 0 ? int64_t(0 - uint64_t(x)) : x; });
  addSigned(
      table, "sign", [](double x) { return x > 0   ? 1.0
                                           : x < 0 ? -1.0
                                                   : x; },
      [](int64_t x) { return int64_t(x > 0) - int64_t(x < 0); });
  addSigned(table, "relu", [](double x) { return x < 0 ? 0.0 : x; }, [](int64_t x) { return x > 0 ? x : int64_t(0); });
  table.add("maximum", [](Elaborator &e, CallSite &site) { return twoOperands(e, site, "max", true); });
  table.add("minimum", [](Elaborator &e, CallSite &site) { return twoOperands(e, site, "min", false); });
  table.add("stop_gradient", [](Elaborator &e, CallSite &site) {
    if (std::vector<Value> leaves; site[0].kind == Value::Model || site[0].kind == Value::Tuple) {
      Value whole = site[0];
      if (!e.leavesOf(whole, leaves)) {
        e.error(Diag::WrongType, site[0].at, "argument 1 of `stop_gradient`", describe(site[0]), "tensors or a model");
        return e.poison(site.at);
      }
      for (Value &leaf : leaves) {
        leaf = e.unaryOp("stop_gradient", leaf, site.at);
        leaf.varies = false;
      }
      size_t next = 0;
      whole = withLeaves(whole, leaves, next);
      whole.at = site.at;
      return whole;
    }
    Value x = tensorArgument(e, site, 0);
    if (x.poison())
      return x;
    Value stopped = e.unaryOp("stop_gradient", x, site.at);
    stopped.varies = false;
    return stopped;
  });
  table.add("div", quotient);
  // For functions that pair their arguments' elements and reduce: so that a sum counts what broadcasting repeats.
  table.add("broadcast_tensors", [](Elaborator &e, CallSite &site) {
    Value x, y;
    if (!unifyArguments(e, site, 0, 1, x, y))
      return e.poison(site.at);
    if (x.isNumber() && y.isNumber()) {
      std::optional<DType> dtype = hasFraction(x) || hasFraction(y) ? std::optional(DType::F32) : std::nullopt;
      x = e.tensorOf(x, dtype), y = e.tensorOf(y, dtype);
    }
    std::optional<Shape> shape = e.broadcastShapes(x, y, site.callee.c_str(), site.at);
    if (!shape)
      return e.poison(site.at);
    return Value::ofTuple({e.broadcastTo(x, *shape, x.at), e.broadcastTo(y, *shape, y.at)}, site.at);
  });
  table.add("where", choice);
}

} // namespace dlc
