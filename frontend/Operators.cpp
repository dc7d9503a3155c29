// Elaborates operators: dtypes that may meet, NumPy's broadcasting, matrix products, powers.
#include "frontend/Elaborator.h"

#include <cmath>

namespace dlc {

using namespace ast;

std::optional<bool> Elaborator::sameSize(const Size &a, const Size &b) const {
  if (a == b)
    return true;
  if (a.isConstant() && b.isConstant())
    return false;
  if (a.isFlexible() || b.isFlexible())
    return std::nullopt;
  return false;
}

void Elaborator::noteOrigins(DiagnosticEngine::Builder &builder, const Value &value, std::optional<size_t> axis) {
  for (size_t i = 0; i < value.shape.size(); ++i)
    if ((!axis || *axis == i) && value.shape[i].origin.valid())
      builder.note(value.shape[i].origin, "`" + value.shape[i].size.str() + "` comes from here");
}

static bool isFloatType(DType dtype) { return dtype == DType::F32 || dtype == DType::F64 || dtype == DType::BF16; }
static bool isIntType(DType dtype) { return dtype == DType::I32 || dtype == DType::I64 || dtype == DType::U8; }

static int rankOfInt(DType dtype) { return dtype == DType::U8 ? 0 : dtype == DType::I32 ? 1 : 2; }

bool Elaborator::unifyDTypes(Value &lhs, Value &rhs, const char *what, SourceRange at, bool comparison) {
  auto weakNumber = [](const Value &v) { return (v.kind == Value::Number && v.weak) || v.kind == Value::SizeOf; };
  auto literal = [&](Value &number, const Value &tensor) {
    if (number.kind == Value::Number && number.isFloat && !isFloatType(tensor.dtype)) {
      // A fraction beside integers: compare exactly where that is what is meant, else ask for a cast.
      
      error(Diag::TypeMix, at, what, typeString(lhs), typeString(rhs))
          .note(number.at, "this literal is a floating-point number")
          .help("convert the integers first: `f32(x)`");
      return false;
    }
    if (tensor.dtype == DType::U8 && number.isNumber() && (number.asDouble() < 0 || number.asDouble() > 255) &&
        (number.kind != Value::SizeOf || number.size.isConstant())) {
      if (comparison) { // compared exactly, in i64
        number = tensorOf(number, DType::I64);
        return true;
      }
      error(Diag::DoesNotFit, number.at, fmt::format("{}", number.asDouble()), "u8")
          .help("convert the integers first: `i32(x)`");
      return false;
    }
    number = tensorOf(number, tensor.dtype);
    number.soft = tensor.soft;
    return true;
  };
  if (weakNumber(lhs) && rhs.isTensor()) {
    if (!literal(lhs, rhs))
      return false;
  } else if (weakNumber(rhs) && lhs.isTensor()) {
    if (!literal(rhs, lhs))
      return false;
  }
  if (!lhs.isTensor())
    lhs = tensorOf(lhs);
  if (!rhs.isTensor())
    rhs = tensorOf(rhs);
  if (lhs.poison() || rhs.poison())
    return false;
  if (lhs.soft != rhs.soft) {
    Value &soft = lhs.soft ? lhs : rhs;
    const Value &hard = lhs.soft ? rhs : lhs;
    if (isFloatType(hard.dtype)) {
      soft = cast(soft, hard.dtype, soft.at);
      soft.soft = false;
    }
  }
  if (lhs.dtype == rhs.dtype)
    return true;
  if (isIntType(lhs.dtype) && isIntType(rhs.dtype)) {
    DType wide = rankOfInt(lhs.dtype) > rankOfInt(rhs.dtype) ? lhs.dtype : rhs.dtype;
    lhs = cast(lhs, wide, lhs.at);
    rhs = cast(rhs, wide, rhs.at);
    return true;
  }
  auto report = error(Diag::TypeMix, at, what, typeString(lhs), typeString(rhs));
  DType to = isFloatType(lhs.dtype) && !isFloatType(rhs.dtype) ? lhs.dtype : isFloatType(rhs.dtype) ? rhs.dtype : lhs.dtype;
  bool castLeft = to == rhs.dtype;
  report.note(lhs.at, "this is " + typeString(lhs)).note(rhs.at, "this is " + typeString(rhs));
  std::string_view operand = castLeft ? (lhs.at.valid() ? sources.text(lhs.at) : "x") : (rhs.at.valid() ? sources.text(rhs.at) : "x");
  if (operand.size() <= 40)
    report.help(fmt::format("write the conversion: `{}({})`", nameOf(to), operand));
  return false;
}

std::optional<Shape> Elaborator::broadcastShapes(const Value &lhs, const Value &rhs, const char *what, SourceRange at) {
  const Value &longer = lhs.shape.size() >= rhs.shape.size() ? lhs : rhs;
  const Value &shorter = &longer == &lhs ? rhs : lhs;
  Shape shape = longer.shape;
  size_t offset = longer.shape.size() - shorter.shape.size();
  for (size_t i = 0; i < shorter.shape.size(); ++i) {
    const Dim &a = longer.shape[i + offset];
    const Dim &b = shorter.shape[i];
    auto one = [](const Dim &dim) { return dim.size.isConstant() && dim.size.constant() == 1; };
    if (one(a)) {
      shape[i + offset] = b;
    } else if (!one(b) && !sameSize(a.size, b.size).value_or(true)) {
      auto report = error(Diag::ShapeMismatch, at, str(lhs.shape), str(rhs.shape), what);
      report.note(lhs.at, "this is " + typeString(lhs)).note(rhs.at, "this is " + typeString(rhs));
      noteOrigins(report, longer, i + offset);
      noteOrigins(report, shorter, i);
      // The likely repair: the other axis order, or an axis of size 1.
      if (lhs.shape.size() == 2 && rhs.shape.size() == 2 && lhs.shape[0].size == rhs.shape[1].size &&
          lhs.shape[1].size == rhs.shape[0].size)
        report.help("transpose the second operand?");
      else if (shorter.shape.size() == 1 && longer.shape.size() == 2 && shorter.shape[0].size == longer.shape[0].size)
        report.help("shapes are aligned at the last axis; `expand_dims(.., axis: 1)` makes a column of it");
      return std::nullopt;
    } else if (a.size.isFlexible() && !b.size.isFlexible()) {
      shape[i + offset] = b;
    }
  }
  return shape;
}

Value Elaborator::unary(UnaryOp op, Value operand, SourceRange at) {
  if (operand.poison())
    return poison(at);
  if (op == UnaryOp::Not) {
    if (operand.kind == Value::Bool)
      return Value::ofBool(!operand.flag, at);
    if (operand.isTensor() && operand.dtype == DType::Bool)
      return unaryOp("not", operand, at);
    error(Diag::WrongType, operand.at, "the operand of `!`", typeString(operand), "bool");
    return poison(at);
  }
  switch (operand.kind) {
  case Value::Number: {
    Value value = operand;
    value.at = at;
    value.number = -value.number;
    value.integer = int64_t(0 - uint64_t(value.integer));
    return value;
  }
  case Value::SizeOf:
    return Value::ofSize(Size(0) - operand.size, at);
  case Value::Tensor:
    if (operand.dtype == DType::Bool)
      break;
    return unaryOp("neg", operand, at);
  case Value::Model:
    return modelArithmetic(BinaryOp::Mul, Value::ofNumber(-1, at), operand, at);
  default:
    break;
  }
  auto report = error(Diag::WrongType, operand.at, "the operand of `-`", typeString(operand), "a number");
  if (operand.isTensor())
    report.help("`!x` negates a bool");
  return poison(at);
}

static bool isComparison(BinaryOp op) {
  return op == BinaryOp::Eq || op == BinaryOp::Ne || op == BinaryOp::Lt || op == BinaryOp::Le || op == BinaryOp::Gt ||
         op == BinaryOp::Ge;
}

static const char *predicate(BinaryOp op) {
  switch (op) {
  case BinaryOp::Eq:
    return "eq";
  case BinaryOp::Ne:
    return "ne";
  case BinaryOp::Lt:
    return "lt";
  case BinaryOp::Le:
    return "le";
  case BinaryOp::Gt:
    return "gt";
  default:
    return "ge";
  }
}

static bool compare(BinaryOp op, double a, double b) {
  switch (op) {
  case BinaryOp::Eq:
    return a == b;
  case BinaryOp::Ne:
    return a != b;
  case BinaryOp::Lt:
    return a < b;
  case BinaryOp::Le:
    return a <= b;
  case BinaryOp::Gt:
    return a > b;
  default:
    return a >= b;
  }
}

/// Arithmetic of two numbers known at compile time; nothing when an integer result does not fit or does not exist.
static std::optional<Value> fold(BinaryOp op, const Value &lhs, const Value &rhs, SourceRange at) {
  bool integers = !lhs.isFloat && !rhs.isFloat;
  if (integers) {
    int64_t result = 0;
    switch (op) {
    case BinaryOp::Add:
      if (__builtin_add_overflow(lhs.integer, rhs.integer, &result))
        return std::nullopt;
      return Value::ofInteger(result, at);
    case BinaryOp::Sub:
      if (__builtin_sub_overflow(lhs.integer, rhs.integer, &result))
        return std::nullopt;
      return Value::ofInteger(result, at);
    case BinaryOp::Mul:
      if (__builtin_mul_overflow(lhs.integer, rhs.integer, &result))
        return std::nullopt;
      return Value::ofInteger(result, at);
    case BinaryOp::Div:
      if (rhs.integer == 0)
        return std::nullopt;
      if (rhs.integer != -1 && lhs.integer % rhs.integer == 0)
        return Value::ofInteger(lhs.integer / rhs.integer, at);
      return Value::ofNumber(lhs.number / rhs.number, at);
    case BinaryOp::Rem:
      if (rhs.integer == 0 || rhs.integer == -1)
        return rhs.integer == 0 ? std::nullopt : std::optional(Value::ofInteger(0, at));
      result = lhs.integer % rhs.integer;
      return Value::ofInteger(result != 0 && (result < 0) != (rhs.integer < 0) ? result + rhs.integer : result, at);
    case BinaryOp::Pow: {
      if (rhs.integer < 0)
        return Value::ofNumber(std::pow(lhs.number, rhs.number), at);
      result = 1;
      for (int64_t i = 0; i < rhs.integer; ++i) {
        if (__builtin_mul_overflow(result, lhs.integer, &result))
          return std::nullopt;
        if (result == 0 || (result == 1 && lhs.integer == 1))
          break;
        if (result == -1 && lhs.integer == -1 && i > 1) {
          result = rhs.integer % 2 ? -1 : 1;
          break;
        }
      }
      return Value::ofInteger(result, at);
    }
    default:
      return std::nullopt;
    }
  }
  double a = lhs.number, b = rhs.number;
  switch (op) {
  case BinaryOp::Add:
    return Value::ofNumber(a + b, at);
  case BinaryOp::Sub:
    return Value::ofNumber(a - b, at);
  case BinaryOp::Mul:
    return Value::ofNumber(a * b, at);
  case BinaryOp::Div:
    return Value::ofNumber(a / b, at);
  case BinaryOp::Rem:
    return Value::ofNumber(a - b * std::floor(a / b), at);
  case BinaryOp::Pow:
    return Value::ofNumber(std::pow(a, b), at);
  default:
    return std::nullopt;
  }
}

Value Elaborator::binary(BinaryOp op, Value lhs, Value rhs, SourceRange at) {
  if (lhs.poison() || rhs.poison())
    return poison(at);
  const char *symbol = spelling(op);
  if (op == BinaryOp::Range) {
    Value range = Value::ofTuple({lhs, rhs}, at);
    range.kind = Value::Range;
    return range;
  }
  if (op == BinaryOp::And || op == BinaryOp::Or) {
    if (lhs.kind == Value::Bool && rhs.kind == Value::Bool)
      return Value::ofBool(op == BinaryOp::And ? lhs.flag && rhs.flag : lhs.flag || rhs.flag, at);
    // A constant side that decides, decides (so that a condition may guard another).
    if (lhs.kind == Value::Bool && lhs.flag == (op == BinaryOp::Or))
      return Value::ofBool(lhs.flag, at);
    for (Value *side : {&lhs, &rhs}) {
      if (side->kind == Value::Bool)
        *side = tensorOf(*side);
      if (!side->isTensor() || side->dtype != DType::Bool) {
        error(Diag::WrongType, side->at, fmt::format("an operand of `{}`", symbol), typeString(*side), "bool")
            .help("compare with something: `x != 0`");
        return poison(at);
      }
    }
    std::optional<Shape> shape = broadcastShapes(lhs, rhs, symbol, at);
    if (!shape)
      return poison(at);
    return binaryOp(op == BinaryOp::And ? "and" : "or", broadcastTo(lhs, *shape, lhs.at), broadcastTo(rhs, *shape, rhs.at), at);
  }
  // Lists of numbers beside tensors are tensors.
  for (Value *side : {&lhs, &rhs})
    if (side->kind == Value::List && (lhs.isTensor() || rhs.isTensor() || lhs.kind == rhs.kind)) {
      const Value &other = side == &lhs ? rhs : lhs;
      CallSite site;
      site.arguments.push_back({"", *side, {}});
      if (other.isTensor()) {
        Value dtype = Value::unit(at);
        dtype.kind = Value::DTypeName;
        dtype.dtype = other.dtype;
        site.arguments.push_back({"", dtype, {}});
      }
      site.at = site.calleeAt = side->at;
      site.callee = "tensor";
      *side = apply(library->find("tensor")->value, site);
      if (side->poison())
        return poison(at);
    }
  // Everything known: numbers and sizes.
  if (lhs.isNumber() && rhs.isNumber()) {
    bool sizes = lhs.kind == Value::SizeOf || rhs.kind == Value::SizeOf;
    bool symbolicSize = (lhs.kind == Value::SizeOf && !lhs.size.isConstant()) || (rhs.kind == Value::SizeOf && !rhs.size.isConstant());
    auto wholeNumber = [](const Value &v) { return v.kind == Value::SizeOf || !v.isFloat; };
    if (sizes && wholeNumber(lhs) && wholeNumber(rhs)) {
      Size a = lhs.kind == Value::SizeOf ? lhs.size : Size(lhs.integer);
      Size b = rhs.kind == Value::SizeOf ? rhs.size : Size(rhs.integer);
      switch (op) {
      case BinaryOp::Add:
        return Value::ofSize(a + b, at);
      case BinaryOp::Sub:
        return Value::ofSize(a - b, at);
      case BinaryOp::Mul:
        return Value::ofSize(a * b, at);
      case BinaryOp::Div:
        if (a.isConstant() && b.isConstant()) {
          if (b.constant() == 0 || a.constant() % b.constant() != 0) {
            auto report = error(Diag::NotDivisible, at, b.str(), a.str());
            report.note(lhs.at, fmt::format("`{}` is {}", sources.text(lhs.at), a.str()))
                .note(rhs.at, fmt::format("`{}` is {}", sources.text(rhs.at), b.str()))
                .help("`div(a, b)` rounds down; `f32(a) / b` divides as a number");
            return poison(at);
          }
          return Value::ofSize(Size(a.constant() / b.constant()), at);
        }
        return Value::ofSize(Size::quotient(a, b), at);
      default:
        break;
      }
    }
    if (isComparison(op)) {
      if (!symbolicSize)
        return Value::ofBool(compare(op, lhs.asDouble(), rhs.asDouble()), at);
      if (lhs.kind == Value::SizeOf && rhs.kind == Value::SizeOf && lhs.size == rhs.size)
        return Value::ofBool(compare(op, 0, 0), at);
      Value unknown = Value::ofTensor(DType::Bool, {}, {}, at); // decided in each instance
      return unknown;
    }
    if (symbolicSize) // a number that the instance knows
      return Value::ofNumber(1, at);
    auto asNumber = [&](Value v) {
      return v.kind == Value::SizeOf ? Value::ofInteger(v.size.constant(), v.at) : v;
    };
    Value a = asNumber(lhs), b = asNumber(rhs);
    if (!a.weak || !b.weak) {
      DType dtype = !a.weak ? a.dtype : b.dtype;
      if (!a.weak && !b.weak && a.dtype != b.dtype) {
        error(Diag::TypeMix, at, symbol, typeString(a), typeString(b));
        return poison(at);
      }
      if (op == BinaryOp::Div && isIntType(dtype)) {
        error(Diag::IntegerDivision, at, typeString(a), typeString(b)).help("`div(a, b)` rounds down; `f32(a) / b` divides");
        return poison(at);
      }
      if (std::optional<Value> result = fold(op, a, b, at)) {
        result->weak = false;
        result->dtype = dtype;
        return *result;
      }
    } else if (std::optional<Value> result = fold(op, a, b, at)) {
      return *result;
    }
    if (op == BinaryOp::MatMul) {
      error(Diag::WrongType, lhs.at, "an operand of `@`", "a number", "a tensor").help("`*` multiplies numbers");
      return poison(at);
    }
    auto report = error(Diag::DoesNotFit, at, fmt::format("`{}`", sources.text(at)), "i64");
    report.note(rhs.at, fmt::format("the operands are {} and {}", a.integer, b.integer));
    return poison(at);
  }
  if ((lhs.kind == Value::Bool && rhs.kind == Value::Bool) && (op == BinaryOp::Eq || op == BinaryOp::Ne))
    return Value::ofBool((lhs.flag == rhs.flag) == (op == BinaryOp::Eq), at);
  if (lhs.kind == Value::String && rhs.kind == Value::String) {
    if (op == BinaryOp::Eq || op == BinaryOp::Ne)
      return Value::ofBool((lhs.text == rhs.text) == (op == BinaryOp::Eq), at);
    if (op == BinaryOp::Add)
      return Value::ofString(lhs.text + rhs.text, at);
  }
  if (lhs.kind == Value::Model || rhs.kind == Value::Model)
    return modelArithmetic(op, lhs, rhs, at);
  for (const Value *side : {&lhs, &rhs})
    if (!side->isTensor() && !side->isNumber() && side->kind != Value::Bool) {
      auto report = error(Diag::WrongType, side->at, fmt::format("an operand of `{}`", symbol), typeString(*side), "a number or a tensor");
      if (side->kind == Value::Fn)
        report.help("call it: `" + std::string(sources.text(side->at)) + "(..)`");
      return poison(at);
    }
  if (op == BinaryOp::MatMul)
    return matmul(lhs, rhs, at);
  if (op == BinaryOp::Pow)
    return power(lhs, rhs, at);

  if (!unifyDTypes(lhs, rhs, symbol, at, isComparison(op)))
    return poison(at);
  if (lhs.dtype == DType::Bool && !isComparison(op)) {
    error(Diag::TypeMix, at, symbol, typeString(lhs), typeString(rhs)).help("convert first: `f32(x)`, or use `&&` and `||`");
    return poison(at);
  }
  if (op == BinaryOp::Div && isIntType(lhs.dtype)) {
    error(Diag::IntegerDivision, at, typeString(lhs), typeString(rhs))
        .help("`div(a, b)` rounds down; `f32(a) / f32(b)` divides");
    return poison(at);
  }
  if (lhs.dtype == DType::Bool && op != BinaryOp::Eq && op != BinaryOp::Ne) {
    error(Diag::TypeMix, at, symbol, typeString(lhs), typeString(rhs)).help("bools compare with `==` and `!=` only");
    return poison(at);
  }
  std::optional<Shape> shape = broadcastShapes(lhs, rhs, symbol, at);
  if (!shape)
    return poison(at);
  bool soft = lhs.soft && rhs.soft;
  Value a = broadcastTo(lhs, *shape, lhs.at), b = broadcastTo(rhs, *shape, rhs.at);
  a.soft = b.soft = soft;
  if (isComparison(op))
    return compareOp(predicate(op), a, b, at);
  switch (op) {
  case BinaryOp::Add:
    return binaryOp("add", a, b, at);
  case BinaryOp::Sub:
    return binaryOp("sub", a, b, at);
  case BinaryOp::Mul:
    return binaryOp("mul", a, b, at);
  case BinaryOp::Div:
    return binaryOp("div", a, b, at);
  default:
    return binaryOp("rem", a, b, at);
  }
}

Value Elaborator::power(const Value &base, const Value &exponent, SourceRange at) {
  // A small whole exponent is repeated multiplication, exact in sign and cheap in its gradient.
  bool whole = exponent.kind == Value::Number && !exponent.isFloat;
  if (whole && base.isTensor() && base.dtype != DType::Bool && std::abs(exponent.integer) <= 64) {
    int64_t n = std::abs(exponent.integer);
    if (exponent.integer < 0 && isIntType(base.dtype)) {
      error(Diag::TypeMix, at, "**", typeString(base), typeString(exponent)).help("convert the integers first: `f32(x)`");
      return poison(at);
    }
    Value result = n == 0 ? constant(1, base.dtype, base.shape, at) : poison(at);
    result.soft = base.soft;
    Value square = base;
    for (; n > 0; n >>= 1) {
      if (n & 1)
        result = result.poison() ? square : binaryOp("mul", result, square, at);
      if (n > 1)
        square = binaryOp("mul", square, square, at);
    }
    if (exponent.integer < 0) {
      Value one = constant(1, base.dtype, base.shape, at);
      one.soft = base.soft;
      result = binaryOp("div", one, result, at);
    }
    result.at = at;
    return result;
  }
  Value lhs = base, rhs = exponent;
  if (!unifyDTypes(lhs, rhs, "**", at))
    return poison(at);
  if (!isFloatType(lhs.dtype)) {
    error(Diag::TypeMix, at, "**", typeString(lhs), typeString(rhs)).help("convert the integers first: `f32(x)`");
    return poison(at);
  }
  std::optional<Shape> shape = broadcastShapes(lhs, rhs, "**", at);
  if (!shape)
    return poison(at);
  bool soft = lhs.soft && rhs.soft;
  Value a = broadcastTo(lhs, *shape, lhs.at), b = broadcastTo(rhs, *shape, rhs.at);
  a.soft = b.soft = soft;
  return binaryOp("pow", a, b, at);
}

Value Elaborator::matmul(const Value &left, const Value &right, SourceRange at) {
  Value lhs = left, rhs = right;
  for (Value *side : {&lhs, &rhs})
    if (!side->isTensor() || side->shape.empty()) {
      error(Diag::WrongType, side->at, "an operand of `@`", typeString(*side), "a tensor with axes").help("`*` multiplies by a scalar");
      return poison(at);
    }
  if (!unifyDTypes(lhs, rhs, "@", at))
    return poison(at);
  if (!isFloatType(lhs.dtype)) {
    error(Diag::TypeMix, at, "@", typeString(lhs), typeString(rhs)).help("convert first: `f32(x) @ ..`");
    return poison(at);
  }
  size_t a = lhs.shape.size(), b = rhs.shape.size();
  const Dim &columns = lhs.shape[a - 1];
  const Dim &rows = b == 1 ? rhs.shape[0] : rhs.shape[b - 2];
  if (!sameSize(columns.size, rows.size).value_or(true)) {
    auto report = error(Diag::MatmulShape, at, str(lhs.shape), str(rhs.shape), columns.size.str(), rows.size.str());
    report.note(lhs.at, "this is " + typeString(lhs)).note(rhs.at, "this is " + typeString(rhs));
    noteOrigins(report, lhs, a - 1);
    noteOrigins(report, rhs, b == 1 ? 0 : b - 2);
    if (b >= 2 && sameSize(columns.size, rhs.shape[b - 1].size).value_or(false))
      report.help("transpose the second operand?");
    else if (a >= 2 && sameSize(lhs.shape[a - 2].size, rows.size).value_or(false))
      report.help("transpose the first operand?");
    else if (b == 2 && a == 2 && sameSize(rhs.shape[1].size, lhs.shape[0].size).value_or(false))
      report.help("swap the operands?");
    return poison(at);
  }
  // Letters: k is summed, m and n are free, a..h are batch axes aligned from the right. Batch axes of size 1 are dropped.
  size_t batchLhs = a > 2 ? a - 2 : 0, batchRhs = b > 2 ? b - 2 : 0;
  size_t batch = std::max(batchLhs, batchRhs);
  if (batch > 8) {
    error(Diag::NotSupported, at, "`@` of more than ten axes");
    return poison(at);
  }
  std::string lhsLetters, rhsLetters, resultLetters;
  Shape lhsShape, rhsShape, resultShape, fullShape;
  for (size_t i = 0; i < batch; ++i) {
    char letter = char('a' + i);
    const Dim *x = i + batchLhs >= batch ? &lhs.shape[i + batchLhs - batch] : nullptr;
    const Dim *y = i + batchRhs >= batch ? &rhs.shape[i + batchRhs - batch] : nullptr;
    auto one = [](const Dim *dim) { return dim->size.isConstant() && dim->size.constant() == 1; };
    if (x && y && !one(x) && !one(y) && !sameSize(x->size, y->size).value_or(true)) {
      auto report = error(Diag::ShapeMismatch, at, str(lhs.shape), str(rhs.shape), "@");
      report.note(lhs.at, "this is " + typeString(lhs)).note(rhs.at, "this is " + typeString(rhs));
      report.help("the axes before the last two are batch axes: they must be equal or 1");
      return poison(at);
    }
    bool useX = x && (!one(x) || !y), useY = y && (!one(y) || !x);
    if (x && y && one(x) && one(y))
      useX = useY = true;
    if (useX) {
      lhsLetters += letter;
      lhsShape.push_back(*x);
    }
    if (useY) {
      rhsLetters += letter;
      rhsShape.push_back(*y);
    }
    resultLetters += letter;
    resultShape.push_back(useX ? *x : *y);
  }
  if (a > 1) {
    lhsLetters += 'm';
    lhsShape.push_back(lhs.shape[a - 2]);
    resultLetters += 'm';
    resultShape.push_back(lhs.shape[a - 2]);
  }
  lhsLetters += 'k';
  lhsShape.push_back(columns);
  rhsLetters += 'k';
  rhsShape.push_back(rows);
  if (b > 1) {
    rhsLetters += 'n';
    rhsShape.push_back(rhs.shape[b - 1]);
    resultLetters += 'n';
    resultShape.push_back(rhs.shape[b - 1]);
  }
  lhs = reshape(lhs, lhsShape, lhs.at);
  rhs = reshape(rhs, rhsShape, rhs.at);
  return contractOp(lhsLetters + "," + rhsLetters + "->" + resultLetters, lhs, rhs, resultShape, at);
}

Value Elaborator::modelArithmetic(BinaryOp op, const Value &lhs, const Value &rhs, SourceRange at) {
  bool sum = op == BinaryOp::Add || op == BinaryOp::Sub;
  bool both = lhs.kind == Value::Model && rhs.kind == Value::Model;
  const Value &scale = lhs.kind == Value::Model ? rhs : lhs;
  bool scaling = !both && (op == BinaryOp::Mul || (op == BinaryOp::Div && lhs.kind == Value::Model)) &&
                 (scale.isNumber() || (scale.isTensor() && scale.shape.empty()));
  if (!(sum && both) && !scaling) {
    error(Diag::TypeMix, at, spelling(op), typeString(lhs), typeString(rhs))
        .help("models of one shape add and subtract, and are scaled by a number");
    return poison(at);
  }
  const Value &model = lhs.kind == Value::Model ? lhs : rhs;
  std::vector<ParamSlotRef> a = parametersOf(*model.model), b;
  if (both) {
    b = parametersOf(*rhs.model);
    if (a.size() != b.size()) {
      error(Diag::TypeMix, at, spelling(op), typeString(lhs), typeString(rhs))
          .help(fmt::format("they have {} and {} parameters", a.size(), b.size()));
      return poison(at);
    }
  }
  std::vector<Value> values;
  for (size_t i = 0; i < a.size(); ++i) {
    Value x = lhs.kind == Value::Model ? a[i]->value : lhs;
    Value y = both ? b[i]->value : lhs.kind == Value::Model ? rhs : a[i]->value;
    values.push_back(binary(op, x, y, at));
    if (values.back().poison())
      return poison(at);
  }
  Value result = model;
  result.at = at;
  result.model = withValues(*model.model, values);
  return result;
}

} // namespace dlc
