// sin, cos and tan in f32: the argument less n * pi/2 in three parts, exact to |x| = 1e5; greater ones, which are rare, go
// through f64 and the C library, lane by lane.
#include "codegen/kernel/Arithmetic.h"
#include "codegen/kernel/MathEmitter.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace dlc {

Value MathEmitter::trigonometric(Value x, Ratio ratio) {
  StringRef name = ratio == Ratio::sine ? "sin" : ratio == Ratio::cosine ? "cos" : "tan";
  if (isF64(x))
    return library(name, x);
  Arithmetic a{builder, loc};
  constexpr double magic = 0x1.8p23;
  Value shifted = a.fma(0.6366197723675814, x, a.real(x, magic));
  Value n = a.sub(shifted, a.real(x, magic));
  // pi / 2 as the sum of three f32.
  Value r = a.fma(-1.5707963705062866, n, x);
  r = a.fma(4.371138828673793e-08, n, r);
  r = a.fma(1.7151245100058819e-15, n, r);
  Value square = a.mul(r, r);
  // (sin r / r - 1) / r^2 and (cos r - 1 + r^2 / 2) / r^4 in r^2, on |r| <= pi / 4: errors 4e-9 and 1e-10.
  Value s = a.polynomial(square, {-0.16666655242443085, 0.008332177996635437, -0.00019517235341481864});
  Value sine = a.mul(r, a.fma(square, s, a.real(x, 1)));
  Value c = a.polynomial(square, {0.04166664555668831, -0.0013887366512790322, 2.4438380933133885e-05});
  Value cosineOf = a.fma(a.mul(square, square), c, a.fma(-0.5, square, a.real(x, 1)));

  // The quadrant: odd ones take the other function, and two of four are negative.
  Value quadrant = a.bitsOf(shifted), result;
  if (ratio == Ratio::cosine)
    quadrant = a.addi(quadrant, 1);
  Value isEven = a.equals(a.andi(quadrant, 1), 0);
  if (ratio == Ratio::tangent) {
    Value above = a.select(isEven, sine, a.neg(cosineOf)), below = a.select(isEven, cosineOf, sine);
    result = a.div(above, below);
  } else {
    Value sign = a.shiftLeft(a.andi(quadrant, 2), 30);
    result = a.fromBits(a.xori(a.bitsOf(a.select(isEven, sine, cosineOf)), sign), x.getType());
  }
  if (ratio != Ratio::cosine) // the sums above make +0 of -0
    result = a.select(a.equal(x, 0), x, result);

  Value isLarge = a.greater(a.abs(x), 1e5);
  Value anyLarge = isLarge;
  if (isa<VectorType>(x.getType()))
    anyLarge = vector::ReductionOp::create(builder, loc, vector::CombiningKind::OR, isLarge);
  declare(name, 1);
  auto slow = [&](OpBuilder &inner, Location) {
    MathEmitter math(inner, loc);
    Arithmetic at{inner, loc};
    Value exact = at.truncate(math.callLanes(name, at.extend(x, inner.getF64Type())), inner.getF32Type());
    scf::YieldOp::create(inner, loc, at.select(isLarge, exact, result));
  };
  auto fast = [&](OpBuilder &inner, Location) { scf::YieldOp::create(inner, loc, result); };
  return scf::IfOp::create(builder, loc, anyLarge, slow, fast).getResult(0);
}

Value MathEmitter::sin(Value x) { return trigonometric(x, Ratio::sine); }
Value MathEmitter::cos(Value x) { return trigonometric(x, Ratio::cosine); }
Value MathEmitter::tan(Value x) { return trigonometric(x, Ratio::tangent); }

/// atan(t) for 0 <= t <= 1.
static Value angleOf(const Arithmetic &a, Value t) {
  Value square = a.mul(t, t);
  // (atan t / t - 1) / t^2 in t^2, on [0, 1]: error 2.4e-9.
  Value q = a.polynomial(square, {-0.33333301544189453, 0.1999862790107727, -0.1426512598991394, 0.10956933349370956,
                                  -0.08417543023824692, 0.05820125713944435, -0.03142214193940163, 0.011046255007386208,
                                  -0.0018231159774586558});
  return a.fma(a.mul(square, t), q, t);
}

/// What is missing of an angle to a multiple of pi, which is the sum of the two f32 `high` and `low`.
static Value missing(const Arithmetic &a, double high, double low, Value angle) {
  return a.sub(a.real(angle, high), a.sub(angle, a.real(angle, low)));
}
static constexpr double pi = 0x1.921fb6p1, piLow = -0x1.777a5cp-24;

Value MathEmitter::atan(Value x) {
  if (isF64(x))
    return library("atan", x);
  Arithmetic a{builder, loc};
  Value magnitude = a.abs(x), isSteep = a.greater(magnitude, 1);
  Value t = a.div(a.select(isSteep, a.real(x, 1), magnitude), a.select(isSteep, magnitude, a.real(x, 1)));
  Value angle = angleOf(a, t);
  return a.withSignOf(a.select(isSteep, missing(a, pi / 2, piLow / 2, angle), angle), x);
}

Value MathEmitter::atan2(Value y, Value x) {
  if (isF64(x))
    return library("atan2", {y, x});
  Arithmetic a{builder, loc};
  Value right = a.abs(x), up = a.abs(y), isSteep = a.compare(Arithmetic::Compare::OGT, up, right);
  Value above = a.select(isSteep, right, up), below = a.select(isSteep, up, right);
  // Of two zeros and of two infinities the ratio is not their quotient.
  Value t = a.select(a.equal(below, 0), above, a.div(above, below));
  t = a.select(a.equal(above, infinity), a.real(x, 1), t);
  Value angle = angleOf(a, t);
  angle = a.select(isSteep, missing(a, pi / 2, piLow / 2, angle), angle);
  Value isLeft = a.less(a.withSignOf(a.real(x, 1), x), 0);
  angle = a.withSignOf(a.select(isLeft, missing(a, pi, piLow, angle), angle), y);
  Value isNan = a.compare(Arithmetic::Compare::UNO, x, y);
  return a.select(isNan, a.real(x, nan), angle);
}

namespace {
/// asin(s) for s = |x| up to 1/2, beyond it for s = sqrt((1 - |x|) / 2): half of what is missing to a right angle.
struct ArcSine {
  Value isLarge, angle;
};
} // namespace

static ArcSine arcSineOf(const Arithmetic &a, Value x) {
  Value magnitude = a.abs(x), isLarge = a.greater(magnitude, 0.5);
  Value half = a.mul(a.sub(a.real(x, 1), magnitude), a.real(x, 0.5));
  Value square = a.select(isLarge, half, a.mul(x, x)), s = a.select(isLarge, a.sqrt(half), magnitude);
  // (asin s / s - 1) / s^2 in s^2, on [0, 1/2]: error 5e-9.
  Value q = a.polynomial(
      square, {0.16666753590106964, 0.07495252043008804, 0.0454760417342186, 0.02415209263563156, 0.04221179708838463});
  return {isLarge, a.fma(a.mul(square, s), q, s)};
}

Value MathEmitter::asin(Value x) {
  if (isF64(x))
    return library("asin", x);
  Arithmetic a{builder, loc};
  auto [isLarge, angle] = arcSineOf(a, x);
  Value large = missing(a, pi / 2, piLow / 2, a.add(angle, angle));
  return a.withSignOf(a.select(isLarge, large, angle), x);
}

Value MathEmitter::acos(Value x) {
  if (isF64(x))
    return library("acos", x);
  Arithmetic a{builder, loc};
  auto [isLarge, angle] = arcSineOf(a, x);
  Value isNegative = a.less(x, 0), twice = a.add(angle, angle);
  Value large = a.select(isNegative, missing(a, pi, piLow, twice), twice);
  return a.select(isLarge, large, missing(a, pi / 2, piLow / 2, a.withSignOf(angle, x)));
}

} // namespace dlc
