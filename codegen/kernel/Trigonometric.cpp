// sin and cos in f32: the argument less n * pi/2 in three parts, exact to |x| = 1e5; greater ones, which are rare, go
// through f64 and the C library, lane by lane.
#include "codegen/kernel/Arithmetic.h"
#include "codegen/kernel/MathEmitter.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace dlc {

Value MathEmitter::trigonometric(Value x, bool cosine) {
  StringRef name = cosine ? "cos" : "sin";
  if (getElementTypeOrSelf(x.getType()).isF64())
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
  Value quadrant = a.bitsOf(shifted);
  if (cosine)
    quadrant = a.addi(quadrant, 1);
  Value result = a.select(a.equals(a.andi(quadrant, 1), 0), sine, cosineOf);
  Value sign = a.shiftLeft(a.andi(quadrant, 2), 30);
  result = a.fromBits(a.xori(a.bitsOf(result), sign), x.getType());
  if (!cosine) // the sums above make +0 of -0
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

Value MathEmitter::sin(Value x) { return trigonometric(x, false); }
Value MathEmitter::cos(Value x) { return trigonometric(x, true); }

} // namespace dlc
