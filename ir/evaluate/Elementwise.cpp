// The elementwise operations of the reference evaluator: one function of scalars each.
#include "ir/Elementary.h"
#include "ir/FloatDivision.h"
#include "ir/evaluate/OpEvaluation.h"

#include "llvm/ADT/TypeSwitch.h"
#include <cmath>
#include <limits>

using namespace mlir;

namespace dlc::dl {

// --- Integers: two's complement, wrapped to their width by the caller.

static int64_t floorDiv(int64_t x, int64_t y) {
  if (y == 0)
    return 0;
  if (y == -1)
    return int64_t(-uint64_t(x));
  int64_t quotient = x / y;
  return x % y != 0 && (x < 0) != (y < 0) ? quotient - 1 : quotient;
}

static int64_t floorRem(int64_t x, int64_t y) {
  return y == 0 ? 0 : int64_t(uint64_t(x) - uint64_t(y) * uint64_t(floorDiv(x, y)));
}

static int64_t power(int64_t x, int64_t y) {
  if (y < 0)
    return x == 1 ? 1 : x == -1 ? (y % 2 ? -1 : 1) : 0;
  uint64_t result = 1, square = x;
  for (; y > 0; y >>= 1, square *= square)
    if (y & 1)
      result *= square;
  return result;
}

using IntUnary = int64_t (*)(int64_t);
using IntBinary = int64_t (*)(int64_t, int64_t);

static IntUnary intUnary(Operation *op) {
  return llvm::TypeSwitch<Operation *, IntUnary>(op)
      .Case<NegOp>([](auto) { return [](int64_t x) { return int64_t(-uint64_t(x)); }; })
      .Case<AbsOp>([](auto) { return [](int64_t x) { return x < 0 ? int64_t(-uint64_t(x)) : x; }; })
      .Case<SignOp>([](auto) { return [](int64_t x) { return int64_t(x > 0) - int64_t(x < 0); }; })
      .Case<ReluOp>([](auto) { return [](int64_t x) { return x > 0 ? x : int64_t(0); }; })
      .Case<NotOp>([](auto) { return [](int64_t x) { return int64_t(!x); }; })
      .Case<StopGradientOp>([](auto) { return [](int64_t x) { return x; }; })
      .Default(IntUnary());
}

static IntBinary intBinary(Operation *op) {
  return llvm::TypeSwitch<Operation *, IntBinary>(op)
      .Case<AddOp>([](auto) { return [](int64_t x, int64_t y) { return int64_t(uint64_t(x) + uint64_t(y)); }; })
      .Case<SubOp>([](auto) { return [](int64_t x, int64_t y) { return int64_t(uint64_t(x) - uint64_t(y)); }; })
      .Case<MulOp>([](auto) { return [](int64_t x, int64_t y) { return int64_t(uint64_t(x) * uint64_t(y)); }; })
      .Case<DivOp>([](auto) { return floorDiv; })
      .Case<RemOp>([](auto) { return floorRem; })
      .Case<PowOp>([](auto) { return power; })
      .Case<MaxOp>([](auto) { return [](int64_t x, int64_t y) { return x > y ? x : y; }; })
      .Case<MinOp>([](auto) { return [](int64_t x, int64_t y) { return x < y ? x : y; }; })
      .Case<AndOp>([](auto) { return [](int64_t x, int64_t y) { return x & y; }; })
      .Case<OrOp>([](auto) { return [](int64_t x, int64_t y) { return x | y; }; })
      .Default(IntBinary());
}

// --- Floats, in f64.

using FloatUnary = double (*)(double);
using FloatBinary = double (*)(double, double);

static FloatUnary floatUnary(Operation *op) {
  return llvm::TypeSwitch<Operation *, FloatUnary>(op)
#define ELEMENTARY(Op, mnemonic, name, value, cost)                                                                    \
  .Case<Op>([](auto) { return [](double x) -> double { return value; }; })
#include "ir/ElementaryFunctions.def"
      .Case<NegOp>([](auto) { return [](double x) { return -x; }; })
      .Case<AbsOp>([](auto) { return [](double x) { return std::fabs(x); }; })
      .Case<SignOp>([](auto) { return [](double x) {
                                 return x > 0 ? 1.0 : x < 0 ? -1.0 : x;
                               }; })
      .Case<SqrtOp>([](auto) { return [](double x) { return std::sqrt(x); }; })
      .Case<RsqrtOp>([](auto) { return [](double x) { return 1 / std::sqrt(x); }; })
      .Case<ReluOp>([](auto) { return [](double x) { return x < 0 ? 0.0 : x; }; })
      .Case<FloorOp>([](auto) { return [](double x) { return std::floor(x); }; })
      .Case<CeilOp>([](auto) { return [](double x) { return std::ceil(x); }; })
      .Case<RoundOp>([](auto) { return [](double x) { return std::nearbyint(x); }; })
      .Case<TruncOp>([](auto) { return [](double x) { return std::trunc(x); }; })
      .Case<StopGradientOp>([](auto) { return [](double x) { return x; }; })
      .Default(FloatUnary());
}

static FloatBinary floatBinary(Operation *op) {
  return llvm::TypeSwitch<Operation *, FloatBinary>(op)
      .Case<AddOp>([](auto) { return [](double x, double y) { return x + y; }; })
      .Case<SubOp>([](auto) { return [](double x, double y) { return x - y; }; })
      .Case<MulOp>([](auto) { return [](double x, double y) { return x * y; }; })
      .Case<DivOp>([](auto) { return [](double x, double y) { return x / y; }; })
      .Case<RemOp>([](auto) { return floorRemainder; })
      .Case<FloorDivOp>([](auto) { return floorQuotient; })
      .Case<PowOp>([](auto) { return [](double x, double y) { return std::pow(x, y); }; })
      .Case<Atan2Op>([](auto) { return [](double y, double x) { return std::atan2(y, x); }; })
      .Case<MaxOp>([](auto) { return [](double x, double y) { return std::isnan(x) || x > y ? x : y; }; })
      .Case<MinOp>([](auto) { return [](double x, double y) { return std::isnan(x) || x < y ? x : y; }; })
      .Default(FloatBinary());
}

// --- Comparisons and conversions.

template <class T> static bool compare(ComparePredicate predicate, T x, T y) {
  switch (predicate) {
  case ComparePredicate::eq:
    return x == y;
  case ComparePredicate::ne:
    return x != y;
  case ComparePredicate::lt:
    return x < y;
  case ComparePredicate::le:
    return x <= y;
  case ComparePredicate::gt:
    return x > y;
  case ComparePredicate::ge:
    return x >= y;
  }
  return false;
}

/// To i1, whether it is not zero (NaN is not). Else toward zero, the nearest value that the type has; NaN is 0.
static int64_t truncateTo(Type type, double value) {
  if (type.isInteger(1))
    return value != 0;
  if (std::isnan(value))
    return 0;
  if (type.isInteger(8))
    return int64_t(std::min(std::max(value, 0.0), 255.0));
  if (type.isInteger(32))
    return int64_t(std::min(std::max(value, -2147483648.0), 2147483647.0));
  if (value >= 9223372036854775808.0)
    return std::numeric_limits<int64_t>::max();
  return value < -9223372036854775808.0 ? std::numeric_limits<int64_t>::min() : int64_t(value);
}

static void cast(const HostTensor &from, HostTensor &to) {
  for (int64_t i = 0, size = to.size(); i < size; ++i) {
    if (to.isFloat())
      to.floats[i] = from.isFloat() ? from.floats[i] : double(from.ints[i]);
    else if (from.isFloat())
      to.ints[i] = truncateTo(to.element, from.floats[i]);
    else
      to.ints[i] = to.element.isInteger(1) ? from.ints[i] != 0 : wrapTo(to.element, from.ints[i]);
  }
}

// --- The loops.

static void evaluateCompare(CompareOp op, const HostTensor &lhs, const HostTensor &rhs, HostTensor &out) {
  for (int64_t i = 0, size = out.size(); i < size; ++i)
    out.ints[i] = lhs.isFloat() ? compare(op.getPredicate(), lhs.floats[i], rhs.floats[i])
                                : compare(op.getPredicate(), lhs.ints[i], rhs.ints[i]);
}

static std::string checkIndices(CheckIndexOp op, const HostTensor &in) {
  int64_t low = op.getLow(), limit = op.getLimit();
  for (auto [i, value] : llvm::enumerate(in.ints))
    if (value < low || value >= limit)
      return ("`" + op.getWhat() + "` " + Twine(value) + " (element " + Twine(i) + ") is out of range, expected " +
              Twine(low) + " to " + Twine(limit - 1))
          .str();
  return {};
}

bool OpEvaluation::elementwise() {
  if (auto comparison = dyn_cast<CompareOp>(op)) {
    evaluateCompare(comparison, *in[0], *in[1], out);
  } else if (isa<CastOp>(op)) {
    cast(*in[0], out);
  } else if (isa<SelectOp>(op)) {
    for (int64_t i = 0, size = out.size(); i < size; ++i)
      copyElement(*in[in[0]->ints[i] ? 1 : 2], i, out, i);
  } else if (auto check = dyn_cast<CheckIndexOp>(op)) {
    error = checkIndices(check, *in[0]);
    out = *in[0];
  } else if (auto check = dyn_cast<CheckOp>(op)) {
    out = *in[0];
    for (auto [i, holds] : llvm::enumerate(in[1]->ints))
      if (!holds && error.empty())
        error = ("`" + check.getWhat() + "` (element " + Twine(i) + ") is not " + check.getExpected()).str();
  } else if (FloatUnary unary = floatUnary(op); unary && out.isFloat()) {
    llvm::transform(in[0]->floats, out.floats.begin(), unary);
  } else if (FloatBinary binary = floatBinary(op); binary && out.isFloat()) {
    for (size_t i = 0; i < out.floats.size(); ++i)
      out.floats[i] = binary(in[0]->floats[i], in[1]->floats[i]);
  } else if (IntUnary unary = intUnary(op)) {
    for (size_t i = 0; i < out.ints.size(); ++i)
      out.ints[i] = wrapTo(out.element, unary(in[0]->ints[i]));
  } else if (IntBinary binary = intBinary(op)) {
    for (size_t i = 0; i < out.ints.size(); ++i)
      out.ints[i] = wrapTo(out.element, binary(in[0]->ints[i], in[1]->ints[i]));
  } else {
    return false;
  }
  return true;
}

} // namespace dlc::dl
