// `%` and `div` of floats in vector code: the same bits as ir/FloatDivision.h, from an exact fmod.
#include "codegen/kernel/Arithmetic.h"
#include "codegen/kernel/MathEmitter.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace dlc {

namespace {
/// fmod and what the results are made of, in f64.
struct Division {
  Value x, y;
  /// x / y, rounded.
  Value quotient;
  /// fmod(x, y), of x's sign.
  Value rest;
  /// Whether the rest is on the other side of 0 than y.
  Value opposite;
};
} // namespace

/// Whether any lane is true.
static Value anyOf(const Arithmetic &a, Value flags) {
  if (!isa<VectorType>(flags.getType()))
    return flags;
  return vector::ReductionOp::create(a.builder, a.loc, vector::CombiningKind::OR, flags);
}

/// |x| - |y| * floor(|x| / |y|) is exact in one fused operation below 2^53: the quotient is off by one at most, and what
/// that leaves is put right exactly. Where any quotient is greater, the C library does all lanes.
Value MathEmitter::magnitudeRest(Value x, Value y, Value quotient) {
  Arithmetic a{builder, loc};
  Value whole = a.floor(quotient);
  Value rest = a.fma(a.neg(whole), y, x);
  rest = a.select(a.less(rest, 0), a.add(rest, y), rest);
  // Also where y is infinite.
  rest = a.select(a.equal(whole, 0), x, rest);
  declare("fmod", 2);
  Value isFar = anyOf(a, a.compare(Arithmetic::Compare::OGE, quotient, 0x1p53));
  auto slow = [&](OpBuilder &inner, Location) {
    Value all = MathEmitter(inner, loc).callLanes("fmod", {x, y});
    scf::YieldOp::create(inner, loc, all);
  };
  auto fast = [&](OpBuilder &inner, Location) { scf::YieldOp::create(inner, loc, rest); };
  return scf::IfOp::create(builder, loc, isFar, slow, fast).getResult(0);
}

static Value toF64(const Arithmetic &a, Value x) {
  Type wide = a.builder.getF64Type();
  return getElementTypeOrSelf(x.getType()) == wide ? x : a.extend(x, wide);
}
static Value fromF64(const Arithmetic &a, Value result, Type type) {
  return result.getType() == type ? result : a.truncate(result, getElementTypeOrSelf(type));
}

static Value isBelowZero(const Arithmetic &a, Value x) { return a.less(a.withSignOf(a.real(x, 1), x), 0); }

/// Steps: the quotient, the rest's magnitude, its sign, on which side it is.
static Division divide(const Arithmetic &a, Value x, Value y, llvm::function_ref<Value(Value, Value, Value)> rest) {
  Division d{toF64(a, x), toF64(a, y), {}, {}, {}};
  d.quotient = a.div(d.x, d.y);
  d.rest = a.withSignOf(rest(a.abs(d.x), a.abs(d.y), a.abs(d.quotient)), d.x);
  Value differ = a.xori(isBelowZero(a, d.x), isBelowZero(a, d.y));
  d.opposite = a.both(differ, a.compare(Arithmetic::Compare::ONE, d.rest, 0));
  return d;
}

Value MathEmitter::floorRemainder(Value x, Value y) {
  Arithmetic a{builder, loc};
  Division d = divide(a, x, y, [&](Value u, Value v, Value q) { return magnitudeRest(u, v, q); });
  Value result = a.select(d.opposite, a.add(d.rest, d.y), d.rest);
  result = a.select(a.equal(d.rest, 0), a.withSignOf(a.real(result, 0), d.y), result);
  return fromF64(a, result, x.getType());
}

Value MathEmitter::floorQuotient(Value x, Value y) {
  Arithmetic a{builder, loc};
  Division d = divide(a, x, y, [&](Value u, Value v, Value q) { return magnitudeRest(u, v, q); });
  Value quotient = a.div(a.sub(d.x, d.rest), d.y);
  quotient = a.select(d.opposite, a.sub(quotient, a.real(quotient, 1)), quotient);
  Value whole = a.floor(quotient);
  whole = a.select(a.greater(a.sub(quotient, whole), 0.5), a.add(whole, a.real(whole, 1)), whole);
  whole = a.select(a.equal(quotient, 0), a.withSignOf(a.real(whole, 0), d.quotient), whole);
  return fromF64(a, a.select(a.equal(d.y, 0), d.quotient, whole), x.getType());
}

} // namespace dlc
