// Adjoint rules of the elementwise operations. dy is the cotangent of the result y; only floats are wanted.
#include "ir/Builders.h"
#include "ir/Elementary.h"

using namespace mlir;

namespace dlc::dl {

// --- One operand: set dx when it is wanted, which it is, or the sweep would not ask.

LogicalResult NegOp::adjoint(AdjointContext &context) {
  context.set(0, Arithmetic(context).neg(context.cotangent()));
  return success();
}

/// dy * sign(x).
LogicalResult AbsOp::adjoint(AdjointContext &context) {
  Arithmetic at(context);
  context.set(0, at.mul(context.cotangent(), at.make<SignOp>(getOperand())));
  return success();
}

// Piecewise constant: zero.
LogicalResult SignOp::adjoint(AdjointContext &) { return success(); }
LogicalResult FloorOp::adjoint(AdjointContext &) { return success(); }
LogicalResult CeilOp::adjoint(AdjointContext &) { return success(); }
LogicalResult RoundOp::adjoint(AdjointContext &) { return success(); }
LogicalResult TruncOp::adjoint(AdjointContext &) { return success(); }

/// dy * y.
LogicalResult ExpOp::adjoint(AdjointContext &context) {
  context.set(0, Arithmetic(context).mul(context.cotangent(), getResult()));
  return success();
}

/// dy * (y + 1).
LogicalResult Expm1Op::adjoint(AdjointContext &context) {
  Arithmetic at(context);
  context.set(0, at.mul(context.cotangent(), at.add(getResult(), at.like(getResult(), 1))));
  return success();
}

/// dy / x.
LogicalResult LogOp::adjoint(AdjointContext &context) {
  context.set(0, Arithmetic(context).div(context.cotangent(), getOperand()));
  return success();
}

/// dy / (1 + x).
LogicalResult Log1pOp::adjoint(AdjointContext &context) {
  Arithmetic at(context);
  context.set(0, at.div(context.cotangent(), at.add(getOperand(), at.like(getOperand(), 1))));
  return success();
}

/// dy / (x ln 2).
LogicalResult Log2Op::adjoint(AdjointContext &context) {
  Arithmetic at(context);
  context.set(0, at.div(context.cotangent(), at.scale(getOperand(), 0.6931471805599453)));
  return success();
}

/// dy / (x ln 10).
LogicalResult Log10Op::adjoint(AdjointContext &context) {
  Arithmetic at(context);
  context.set(0, at.div(context.cotangent(), at.scale(getOperand(), 2.302585092994046)));
  return success();
}

/// dy / 2 / y.
LogicalResult SqrtOp::adjoint(AdjointContext &context) {
  Arithmetic at(context);
  context.set(0, at.div(at.scale(context.cotangent(), 0.5), getResult()));
  return success();
}

/// -dy / 2 * y^3.
LogicalResult RsqrtOp::adjoint(AdjointContext &context) {
  Arithmetic at(context);
  Value cube = at.mul(at.mul(getResult(), getResult()), getResult());
  context.set(0, at.mul(at.scale(context.cotangent(), -0.5), cube));
  return success();
}

/// dy * cos(x).
LogicalResult SinOp::adjoint(AdjointContext &context) {
  Arithmetic at(context);
  context.set(0, at.mul(context.cotangent(), at.make<CosOp>(getOperand())));
  return success();
}

/// -dy * sin(x).
LogicalResult CosOp::adjoint(AdjointContext &context) {
  Arithmetic at(context);
  context.set(0, at.neg(at.mul(context.cotangent(), at.make<SinOp>(getOperand()))));
  return success();
}

/// dy * (1 + y^2).
LogicalResult TanOp::adjoint(AdjointContext &context) {
  Arithmetic at(context);
  Value slope = at.add(at.like(getResult(), 1), at.mul(getResult(), getResult()));
  context.set(0, at.mul(context.cotangent(), slope));
  return success();
}

/// 1 / sqrt(1 - x^2), the difference as a product, in which nothing cancels.
static Value slopeOfAsin(Arithmetic &at, Value x) {
  Value one = at.like(x, 1);
  return at.make<RsqrtOp>(at.mul(at.sub(one, x), at.add(one, x)));
}

/// dy / sqrt(1 - x^2).
LogicalResult AsinOp::adjoint(AdjointContext &context) {
  Arithmetic at(context);
  context.set(0, at.mul(context.cotangent(), slopeOfAsin(at, getOperand())));
  return success();
}

/// -dy / sqrt(1 - x^2).
LogicalResult AcosOp::adjoint(AdjointContext &context) {
  Arithmetic at(context);
  context.set(0, at.neg(at.mul(context.cotangent(), slopeOfAsin(at, getOperand()))));
  return success();
}

/// dy / (1 + x^2).
LogicalResult AtanOp::adjoint(AdjointContext &context) {
  Arithmetic at(context);
  Value square = at.mul(getOperand(), getOperand());
  context.set(0, at.div(context.cotangent(), at.add(at.like(square, 1), square)));
  return success();
}

/// dy * cosh(x).
LogicalResult SinhOp::adjoint(AdjointContext &context) {
  Arithmetic at(context);
  context.set(0, at.mul(context.cotangent(), at.make<CoshOp>(getOperand())));
  return success();
}

/// dy * sinh(x).
LogicalResult CoshOp::adjoint(AdjointContext &context) {
  Arithmetic at(context);
  context.set(0, at.mul(context.cotangent(), at.make<SinhOp>(getOperand())));
  return success();
}

/// dy * (1 - y^2).
LogicalResult TanhOp::adjoint(AdjointContext &context) {
  Arithmetic at(context);
  Value slope = at.sub(at.like(getResult(), 1), at.mul(getResult(), getResult()));
  context.set(0, at.mul(context.cotangent(), slope));
  return success();
}

/// dy * 2 / sqrt(pi) * e^(-x^2).
LogicalResult ErfOp::adjoint(AdjointContext &context) {
  Arithmetic at(context);
  Value bell = at.make<ExpOp>(at.neg(at.mul(getOperand(), getOperand())));
  context.set(0, at.mul(context.cotangent(), at.scale(bell, 1.1283791670955126)));
  return success();
}

/// dy * y * (1 - y).
LogicalResult LogisticOp::adjoint(AdjointContext &context) {
  Arithmetic at(context);
  Value slope = at.mul(getResult(), at.sub(at.like(getResult(), 1), getResult()));
  context.set(0, at.mul(context.cotangent(), slope));
  return success();
}

/// dy where x > 0.
LogicalResult ReluOp::adjoint(AdjointContext &context) {
  Arithmetic at(context);
  Value zero = at.like(getOperand(), 0);
  context.set(0, at.select(at.compare(ComparePredicate::gt, getOperand(), zero), context.cotangent(), zero));
  return success();
}

/// dy in the operand's width.
LogicalResult CastOp::adjoint(AdjointContext &context) {
  context.set(0, CastOp::create(context.builder, context.loc(), context.cotangent(), elementOf(getOperand())));
  return success();
}

// --- Two operands.

LogicalResult AddOp::adjoint(AdjointContext &context) {
  context.set(0, context.cotangent());
  context.set(1, context.cotangent());
  return success();
}

LogicalResult SubOp::adjoint(AdjointContext &context) {
  context.set(0, context.cotangent());
  if (context.wants(1))
    context.set(1, Arithmetic(context).neg(context.cotangent()));
  return success();
}

LogicalResult MulOp::adjoint(AdjointContext &context) {
  Arithmetic at(context);
  if (context.wants(0))
    context.set(0, at.mul(context.cotangent(), getRhs()));
  if (context.wants(1))
    context.set(1, at.mul(context.cotangent(), getLhs()));
  return success();
}

/// dz / y; -dz * z / y.
LogicalResult DivOp::adjoint(AdjointContext &context) {
  Arithmetic at(context);
  Value quotient = at.div(context.cotangent(), getRhs());
  context.set(0, quotient);
  if (context.wants(1))
    context.set(1, at.neg(at.mul(quotient, getResult())));
  return success();
}

/// dz; -dz * floor(x / y).
LogicalResult RemOp::adjoint(AdjointContext &context) {
  Arithmetic at(context);
  context.set(0, context.cotangent());
  if (context.wants(1))
    context.set(1, at.neg(at.mul(context.cotangent(), at.make<FloorDivOp>(getLhs(), getRhs()))));
  return success();
}

// Piecewise constant: zero.
LogicalResult FloorDivOp::adjoint(AdjointContext &) { return success(); }

/// dz * y * x^(y - 1), zero where both are; dz * z * log(x), zero where x is and y is not negative.
LogicalResult PowOp::adjoint(AdjointContext &context) {
  Arithmetic at(context);
  Value zero = at.like(getResult(), 0), one = at.like(getResult(), 1);
  Value isZero = at.compare(ComparePredicate::eq, getLhs(), zero);
  if (context.wants(0)) {
    // 0 * 0^-1 is 0. Elsewhere the base stays where the exponent is 0: there d/dy of y * x^(y - 1) is 1 / x.
    Value both = at.make<AndOp>(isZero, at.compare(ComparePredicate::eq, getRhs(), zero));
    Value power = at.make<PowOp>(at.select(both, one, getLhs()), at.sub(getRhs(), one));
    context.set(0, at.mul(context.cotangent(), at.mul(getRhs(), power)));
  }
  if (context.wants(1)) {
    // Both factors are replaced, so that the derivatives of this are zero too.
    Value flat = at.make<AndOp>(isZero, at.compare(ComparePredicate::ge, getRhs(), zero));
    Value power = at.select(flat, zero, getResult()), base = at.select(flat, one, getLhs());
    context.set(1, at.mul(context.cotangent(), at.mul(power, at.make<LogOp>(base))));
  }
  return success();
}

/// dz * x / (x^2 + y^2); -dz * y / (x^2 + y^2); at the origin zero. Of lhs y and rhs x.
LogicalResult Atan2Op::adjoint(AdjointContext &context) {
  Arithmetic at(context);
  Value y = getLhs(), x = getRhs();
  Value square = at.add(at.mul(x, x), at.mul(y, y)), zero = at.like(x, 0);
  Value isOrigin = at.compare(ComparePredicate::eq, square, zero);
  Value share = at.div(at.select(isOrigin, zero, context.cotangent()), at.select(isOrigin, at.like(x, 1), square));
  if (context.wants(0))
    context.set(0, at.mul(share, x));
  if (context.wants(1))
    context.set(1, at.neg(at.mul(share, y)));
  return success();
}

/// To each operand: dz where it is strictly the extremum, half of it at ties.
static void adjointOfExtremum(AdjointContext &context, ComparePredicate strictly, Value lhs, Value rhs) {
  Arithmetic at(context);
  Value zero = at.like(lhs, 0);
  Value shared = at.select(at.compare(ComparePredicate::eq, lhs, rhs), at.scale(context.cotangent(), 0.5), zero);
  if (context.wants(0))
    context.set(0, at.select(at.compare(strictly, lhs, rhs), context.cotangent(), shared));
  if (context.wants(1))
    context.set(1, at.select(at.compare(strictly, rhs, lhs), context.cotangent(), shared));
}

LogicalResult MaxOp::adjoint(AdjointContext &context) {
  adjointOfExtremum(context, ComparePredicate::gt, getLhs(), getRhs());
  return success();
}

LogicalResult MinOp::adjoint(AdjointContext &context) {
  adjointOfExtremum(context, ComparePredicate::lt, getLhs(), getRhs());
  return success();
}

// --- Three operands.

LogicalResult SelectOp::adjoint(AdjointContext &context) {
  Arithmetic at(context);
  Value zero = at.like(getResult(), 0);
  if (context.wants(1))
    context.set(1, at.select(getCondition(), context.cotangent(), zero));
  if (context.wants(2))
    context.set(2, at.select(getCondition(), zero, context.cotangent()));
  return success();
}

LogicalResult CheckOp::adjoint(AdjointContext &context) {
  context.set(0, context.cotangent());
  return success();
}

} // namespace dlc::dl
