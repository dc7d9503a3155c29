// Elaborates operators: of what is known at compile time, and of tensors.
#include "frontend/ActiveCalls.h"

#include <cmath>

namespace dlc {

using namespace ast;

Value Elaborator::unary(UnaryOp op, Value operand, SourceRange at) {
  operand = tensorOfList(std::move(operand));
  if (operand.poison())
    return poison(at);
  if (op == UnaryOp::Not) {
    if (operand.kind == Value::Bool)
      return Value::ofBool(!operand.flag, at);
    if (operand.isTensor() && operand.dtype == DType::Bool) {
      Value result = unaryOp("not", operand, at);
      result.ofSizes = operand.ofSizes;
      return result;
    }
    error(Diag::WrongType, operand.at, "the operand of `!`", describe(operand), "bool")
        .help("compare with something: `x == 0`");
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
  auto report = error(Diag::WrongType, operand.at, "the operand of `-`", describe(operand), "a number");
  if (operand.isTensor())
    report.help("`!x` negates a bool");
  return poison(at);
}

/// The longest string that a program may make.
static constexpr size_t maxText = size_t(1) << 20;

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

/// The error of `/` on integers.
Value Elaborator::integerDivision(const Value &lhs, const Value &rhs, SourceRange at) {
  error(Diag::IntegerDivision, at, describe(lhs), describe(rhs))
      .help(fmt::format("`div({0}, {1})` rounds down, `f32({0}) / {2}` divides", shortText(lhs.at),
                        shortText(rhs.at) == "x" && rhs.kind != Value::Number ? "y" : shortText(rhs.at),
                        rhs.kind == Value::Number && rhs.weak ? shortText(rhs.at) : "f32(" + shortText(rhs.at) + ")"));
  return poison(at);
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
    lhs = tensorOfList(std::move(lhs)), rhs = tensorOfList(std::move(rhs));
    // A constant side that decides, decides (so that a condition may guard another), but for many: their shape remains.
    bool one = !rhs.isTensor() || rhs.shape.empty();
    if (lhs.kind == Value::Bool && lhs.flag == (op == BinaryOp::Or) && one)
      return Value::ofBool(lhs.flag, at);
    bool ofSizes = (lhs.ofSizes || lhs.kind == Value::Bool) && (rhs.ofSizes || rhs.kind == Value::Bool);
    for (Value *side : {&lhs, &rhs}) {
      if (side->kind == Value::Bool)
        *side = tensorOf(*side);
      if (!side->isTensor() || side->dtype != DType::Bool) {
        error(Diag::WrongType, side->at, fmt::format("an operand of `{}`", symbol), describe(*side), "bool")
            .help("compare with something: `x != 0`");
        return poison(at);
      }
    }
    std::optional<Shape> shape = broadcastShapes(lhs, rhs, symbol, at);
    if (!shape)
      return poison(at);
    Value both = binaryOp(op == BinaryOp::And ? "and" : "or", broadcastTo(lhs, *shape, lhs.at),
                          broadcastTo(rhs, *shape, rhs.at), at);
    both.ofSizes = ofSizes;
    return both;
  }
  const Value given = rhs;
  // Lists of numbers beside tensors are tensors.
  for (Value *side : {&lhs, &rhs})
    if (side->kind == Value::List &&
        (lhs.isTensor() || rhs.isTensor() || lhs.isNumber() || rhs.isNumber() || lhs.kind == rhs.kind)) {
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
    bool symbolicSize =
        (lhs.kind == Value::SizeOf && !lhs.size.isConstant()) || (rhs.kind == Value::SizeOf && !rhs.size.isConstant());
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
          if (b.constant() == 0) {
            error(Diag::DivisionByZero, at, fmt::format("{} / 0", a.str()));
            return poison(at);
          }
          if (a.constant() % b.constant() != 0) {
            auto report = error(Diag::NotDivisible, at, b.str(), a.str());
            for (const Value *side : {&lhs, &rhs})
              if (std::string text = shortText(side->at), is = (side == &lhs ? a : b).str();
                  !inLibrary(sources, side->at) && text != is)
                report.note(side->at, fmt::format("`{}` is {}", text, is));
            report.help("`div(a, b)` rounds down; `f32(a) / b` divides as a number");
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
      Value unknown = Value::ofTensor(DType::Bool, {}, {}, at);
      unknown.ofSizes = true;
      return unknown;
    }
    if (symbolicSize) // a number that the instance knows
      return Value::ofNumber(1, at);
    auto asNumber = [&](Value v) { return v.kind == Value::SizeOf ? Value::ofInteger(v.size.constant(), v.at) : v; };
    Value a = asNumber(lhs), b = asNumber(rhs);
    if (!a.weak || !b.weak) {
      DType dtype = !a.weak ? a.dtype : b.dtype;
      if (!a.weak && !b.weak && a.dtype != b.dtype) {
        error(Diag::TypeMix, at, symbol, describe(a), describe(b));
        return poison(at);
      }
      if (op == BinaryOp::Div && isIntegral(dtype))
        return integerDivision(a, b, at);
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
    std::string text = fmt::format("{} {} {}", a.integer, symbol, b.integer);
    if ((op == BinaryOp::Div || op == BinaryOp::Rem) && b.integer == 0)
      error(Diag::DivisionByZero, at, text);
    else
      error(Diag::DoesNotFit, at, fmt::format("`{}`", text), "i64")
          .help("write one of them as a floating-point number: `1.0`");
    return poison(at);
  }
  if ((lhs.kind == Value::Bool && rhs.kind == Value::Bool) && (op == BinaryOp::Eq || op == BinaryOp::Ne))
    return Value::ofBool((lhs.flag == rhs.flag) == (op == BinaryOp::Eq), at);
  if (lhs.kind == Value::String && rhs.kind == Value::String) {
    if (op == BinaryOp::Eq || op == BinaryOp::Ne)
      return Value::ofBool((lhs.text == rhs.text) == (op == BinaryOp::Eq), at);
    if (op == BinaryOp::Add && lhs.text.size() + rhs.text.size() > maxText) {
      error(Diag::TooLarge, at, "this string");
      return poison(at);
    }
    if (op == BinaryOp::Add)
      return Value::ofString(lhs.text + rhs.text, at);
  }
  if (lhs.kind == Value::Model || rhs.kind == Value::Model)
    return modelArithmetic(op, lhs, rhs, at);
  for (const Value *side : {&lhs, &rhs})
    if (!side->isTensor() && !side->isNumber() && side->kind != Value::Bool) {
      auto report = error(Diag::WrongType, side->at, fmt::format("an operand of `{}`", symbol), describe(*side),
                          "a number or a tensor");
      if (side->kind == Value::Fn)
        report.help("call it: `" + std::string(sources.text(side->at)) + "(..)`");
      return poison(at);
    }
  if (op == BinaryOp::MatMul)
    return matmul(lhs, rhs, at);
  if (op == BinaryOp::Pow)
    return power(lhs, rhs, at);

  const Value left = lhs, right = rhs; // as written, for messages
  for (const Value *side : {&lhs, &rhs})
    if ((side->kind == Value::Bool || (side->isTensor() && side->dtype == DType::Bool)) && !isComparison(op)) {
      error(Diag::TypeMix, at, symbol, describe(lhs), describe(rhs))
          .help(fmt::format("convert first: `f32({})`, or use `&&` and `||`", shortText(side->at)));
      return poison(at);
    }
  if (!unifyDTypes(lhs, rhs, symbol, at, isComparison(op)))
    return poison(at);
  if (op == BinaryOp::Div && isIntegral(lhs.dtype))
    return integerDivision(left, right, at);
  if (op == BinaryOp::Rem && isIntegral(lhs.dtype) && given.kind == Value::Number && given.integer == 0) {
    error(Diag::DivisionByZero, at, fmt::format("{} % 0", typeString(lhs)));
    return poison(at);
  }
  if (lhs.dtype == DType::Bool && op != BinaryOp::Eq && op != BinaryOp::Ne) {
    error(Diag::TypeMix, at, symbol, describe(lhs), describe(rhs)).help("bools compare with `==` and `!=` only");
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

} // namespace dlc
