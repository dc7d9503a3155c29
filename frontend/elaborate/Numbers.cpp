// Numbers known while compiling. A literal has no type yet: it is exact, and takes the type that its place asks for. A
// number of a type is one of its values, always: each operation rounds or wraps as the compiled one does, so that it makes
// no difference whether a value was known or computed. All that gives a number its type is here.
#include "frontend/elaborate/ActiveCalls.h"

#include "ir/FloatDivision.h"
#include "ir/evaluate/OpEvaluation.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace dlc {

using namespace ast;

bool isComparison(BinaryOp op) {
  return op == BinaryOp::Eq || op == BinaryOp::Ne || op == BinaryOp::Lt || op == BinaryOp::Le || op == BinaryOp::Gt ||
         op == BinaryOp::Ge;
}

bool fitsIn(const Value &number, DType dtype) {
  if (number.kind == Value::SizeOf && !number.size.isConstant())
    return true;
  double value = number.asDouble();
  bool whole = number.kind == Value::SizeOf || !number.isFloat || value == std::floor(value);
  switch (dtype) {
  case DType::U8:
    return whole && value >= 0 && value <= 255;
  case DType::I32:
    return whole && value >= -2147483648.0 && value <= 2147483647.0;
  case DType::I64:
    return number.kind == Value::SizeOf || !number.isFloat ||
           (whole && value >= -9223372036854775808.0 && value < 9223372036854775808.0);
  case DType::Bool:
    return false;
  default:
    return true;
  }
}

Value Elaborator::numberOf(const Value &value) const {
  if (value.kind != Value::SizeOf)
    return value;
  if (value.size.isConstant())
    return Value::ofInteger(value.size.constant(), value.at);
  Value unknown = Value::ofInteger(1, value.at);
  unknown.ofSizes = true;
  return unknown;
}

Value Elaborator::convertNumber(const Value &given, DType dtype, SourceRange at) {
  const Value number = numberOf(given);
  if (dtype == DType::Bool)
    return Value::ofBool(number.isFloat ? number.number != 0 : number.integer != 0, at);
  Value result;
  mlir::Type type = irElement(dtype);
  if (isFloating(dtype)) {
    result = Value::ofNumber(dl::roundTo(type, number.number), at);
  } else if (number.isFloat) { // the nearest that there is; NaN is 0
    auto [low, high] = dtype == DType::U8    ? std::pair(0.0, 255.0)
                       : dtype == DType::I32 ? std::pair(-2147483648.0, 2147483647.0)
                                             : std::pair(-9223372036854775808.0, 9223372036854774784.0);
    double inside = std::isnan(number.number) ? 0 : std::clamp(number.number, low, high);
    bool beyond = number.number > high && dtype == DType::I64;
    result = Value::ofInteger(beyond ? std::numeric_limits<int64_t>::max() : int64_t(inside), at);
  } else {
    result = Value::ofInteger(dl::wrapTo(type, number.integer), at);
  }
  result.weak = false;
  result.dtype = dtype;
  result.ofSizes = number.ofSizes;
  return result;
}

bool Elaborator::settleNumber(Value &number, DType dtype, SourceRange owner) {
  bool isLiteral = number.weak;
  if (isLiteral && !fitsIn(number, dtype)) {
    const Value shown = numberOf(number);
    auto report =
        error(Diag::DoesNotFit, number.at,
              shown.isFloat ? fmt::format("{}", shown.number) : fmt::format("{}", shown.integer), nameOf(dtype));
    if (owner.valid() && !inLibrary(sources, owner))
      report.note(owner, "declared here");
    report.help(shown.isFloat && shown.number != std::floor(shown.number)
                    ? "`floor(..)` and `round(..)` make whole numbers"
                : dtype == DType::U8  ? "u8 holds 0 to 255"
                : dtype == DType::I32 ? "i32 holds -2147483648 to 2147483647"
                : dtype == DType::I64 ? "i64 holds 19 digits"
                                      : "compare with something: `x != 0`");
    return false;
  }
  if (isLiteral || (isIntegral(number.dtype) && isIntegral(dtype)))
    number = convertNumber(number, dtype, number.at);
  return true;
}

Value Elaborator::mapNumber(const Value &given, SourceRange at, double (*ofFloat)(double),
                            int64_t (*ofInteger)(int64_t)) {
  const Value number = numberOf(given);
  Value result = number.isFloat || !ofInteger ? Value::ofNumber(ofFloat(number.number), at)
                                              : Value::ofInteger(ofInteger(number.integer), at);
  if (!number.weak)
    result = convertNumber(result, number.dtype, at);
  result.ofSizes = number.ofSizes;
  return result;
}

template <class T> static bool compare(BinaryOp op, T a, T b) {
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

/// base ** exponent of whole numbers, exponent >= 0, wrapped; says whether it had to.
static bool powerOverflows(int64_t base, int64_t exponent, int64_t &result) {
  bool overflow = false, squareOverflow = false;
  result = 1;
  for (int64_t square = base; exponent > 0; exponent >>= 1) {
    if (exponent & 1)
      overflow |= __builtin_mul_overflow(result, square, &result) || (squareOverflow && result != 0);
    squareOverflow |= __builtin_mul_overflow(square, square, &square);
  }
  return overflow;
}

/// Arithmetic of whole numbers; those with a type wrap. Nothing when a literal's result does not fit or does not exist.
static std::optional<Value> foldIntegers(BinaryOp op, const Value &lhs, const Value &rhs, SourceRange at) {
  int64_t a = lhs.integer, b = rhs.integer, result = 0;
  bool overflow = false;
  switch (op) {
  case BinaryOp::Add:
    overflow = __builtin_add_overflow(a, b, &result);
    break;
  case BinaryOp::Sub:
    overflow = __builtin_sub_overflow(a, b, &result);
    break;
  case BinaryOp::Mul:
    overflow = __builtin_mul_overflow(a, b, &result);
    break;
  case BinaryOp::Div:
    if (b == 0)
      return std::nullopt;
    if (b == -1 || a % b != 0)
      return Value::ofNumber(double(a) / double(b), at);
    result = a / b;
    break;
  case BinaryOp::Rem:
    if (b == 0)
      return std::nullopt;
    result = b == -1 ? 0 : a % b;
    if (result != 0 && (result < 0) != (b < 0))
      result += b;
    break;
  case BinaryOp::Pow:
    if (b < 0)
      return Value::ofNumber(std::pow(double(a), double(b)), at);
    overflow = powerOverflows(a, b, result);
    break;
  default:
    return std::nullopt;
  }
  if (overflow && lhs.weak)
    return std::nullopt;
  return Value::ofInteger(result, at);
}

static std::optional<Value> foldFloats(BinaryOp op, double a, double b, SourceRange at) {
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
    return Value::ofNumber(floorRemainder(a, b), at);
  case BinaryOp::Pow:
    return Value::ofNumber(std::pow(a, b), at);
  default:
    return std::nullopt;
  }
}

/// Arithmetic of sizes and whole numbers is a size; nothing when it is none (a power, a comparison).
std::optional<Value> Elaborator::binaryOfSizes(BinaryOp op, const Value &lhs, const Value &rhs, SourceRange at) {
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
  case BinaryOp::Rem:
    if (b.isConstant() && b.constant() == 0) {
      error(Diag::DivisionByZero, at, fmt::format("{} {} 0", a.str(), spelling(op)));
      return poison(at);
    }
    if (op == BinaryOp::Rem)
      return Value::ofSize(a - b * Size::floorDiv(a, b), at);
    if (!a.isConstant() || !b.isConstant())
      return Value::ofSize(Size::quotient(a, b), at);
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
  default:
    return std::nullopt;
  }
}

Value Elaborator::binaryOfNumbers(BinaryOp op, const Value &lhs, const Value &rhs, SourceRange at) {
  const char *symbol = spelling(op);
  // A number of type i64 beside a size that has only a name counts as a size too.
  auto symbolic = [](const Value &v) { return v.kind == Value::SizeOf && !v.size.isConstant(); };
  bool named = symbolic(lhs) || symbolic(rhs);
  auto whole = [&](const Value &v) {
    return v.kind == Value::SizeOf || (!v.isFloat && !v.ofSizes && (v.weak || (named && v.dtype == DType::I64)));
  };
  if ((lhs.kind == Value::SizeOf || rhs.kind == Value::SizeOf) && whole(lhs) && whole(rhs)) {
    if (std::optional<Value> size = binaryOfSizes(op, lhs, rhs, at))
      return *size;
    if (isComparison(op))
      return compareSizes(op, lhs.kind == Value::SizeOf ? lhs.size : Size(lhs.integer),
                          rhs.kind == Value::SizeOf ? rhs.size : Size(rhs.integer), at);
  }
  if (op == BinaryOp::MatMul) {
    error(Diag::WrongType, lhs.at, "an operand of `@`", "a number", "a tensor").help("`*` multiplies numbers");
    return poison(at);
  }
  Value a = numberOf(lhs), b = numberOf(rhs);
  bool typed = !a.weak || !b.weak, unknown = a.ofSizes || b.ofSizes;
  if (op == BinaryOp::Pow && !a.weak && !b.isFloat && std::abs(b.number) <= 64)
    return power(a, b, at);
  if (typed && !unifyDTypes(a, b, symbol, at, isComparison(op)))
    return poison(at);
  if (isComparison(op)) {
    if (unknown) {
      Value undecided = Value::ofTensor(DType::Bool, {}, {}, at);
      undecided.ofSizes = true;
      return undecided;
    }
    bool floats = a.isFloat || b.isFloat;
    return Value::ofBool(floats ? compare(op, a.number, b.number) : compare(op, a.integer, b.integer), at);
  }
  if (typed && isIntegral(a.dtype)) {
    if (op == BinaryOp::Div)
      return integerDivision(lhs, rhs, at);
    if (op == BinaryOp::Pow && b.integer < 0) {
      error(Diag::TypeMix, at, symbol, describe(lhs), describe(rhs))
          .help(fmt::format("convert the integers first: `f32({})`", shortText(lhs.at)));
      return poison(at);
    }
  }
  bool integers = !a.isFloat && !b.isFloat;
  std::optional<Value> result = integers ? foldIntegers(op, a, b, at) : foldFloats(op, a.number, b.number, at);
  if (!result && unknown)
    result = Value::ofInteger(1, at);
  if (result) {
    if (typed)
      *result = convertNumber(*result, a.dtype, at);
    result->ofSizes = unknown;
    return *result;
  }
  std::string text = fmt::format("{} {} {}", a.integer, symbol, b.integer);
  if ((op == BinaryOp::Div || op == BinaryOp::Rem) && b.integer == 0)
    error(Diag::DivisionByZero, at, text);
  else
    error(Diag::DoesNotFit, at, fmt::format("`{}`", text), "i64")
        .help("write one of them as a floating-point number: `1.0`");
  return poison(at);
}

} // namespace dlc
