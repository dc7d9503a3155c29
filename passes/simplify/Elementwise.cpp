// Identities of arithmetic, logic and casts. Floats: only what is exact (x + 0 is not x, but 0, for -0.0), or what joins
// two constant factors that both raise or both lower: (x * a) * b = x * (a * b) rounds once less, and overflows or
// vanishes where the left side does. Never x * 0 or x - x, which NaN and infinity refute.

#include "passes/simplify/Patterns.h"

#include <cmath>

using namespace mlir;

namespace dlc {
namespace {

bool isSplat(Value value, double number) {
  auto splat = splatOf(value);
  return splat && *splat == number;
}

LogicalResult replace(PatternRewriter &rewriter, Operation *op, Value value) {
  rewriter.replaceOp(op, value);
  return success();
}

bool isFloat(Value value) { return isa<FloatType>(tensorType(value).getElementType()); }

/// The factor of `value` = x * constant; sets `x`.
std::optional<double> constantFactor(Value value, Value &x) {
  auto mul = value.getDefiningOp<dl::MulOp>();
  if (!mul || !isFloat(value))
    return std::nullopt;
  for (int side : {0, 1})
    if (auto factor = splatOf(mul->getOperand(1 - side))) {
      x = mul->getOperand(side);
      return factor;
    }
  return std::nullopt;
}

/// Whether x * a * b may be x * (a * b): with one factor above 1 and one below, the first may take x out of the range
/// from which the second brings it back.
bool mayJoin(Type element, double a, double b) {
  bool raise = std::abs(a) >= 1 && std::abs(b) >= 1, lower = std::abs(a) <= 1 && std::abs(b) <= 1;
  return (raise || lower) && fitsFloat(element, a * b);
}

/// Whether adding `value` (or subtracting it) changes nothing: it is -0.0 (0.0), for -0.0 + 0.0 is 0.0, or the integer
/// 0.
bool isNeutral(Value value, bool subtracted) {
  auto splat = splatOf(value);
  return splat && *splat == 0 && (!isFloat(value) || std::signbit(*splat) != subtracted);
}

LogicalResult simplifyAdd(dl::AddOp op, PatternRewriter &rewriter) {
  for (int side : {0, 1}) {
    Value x = op->getOperand(side), y = op->getOperand(1 - side);
    if (isNeutral(y, false))
      return replace(rewriter, op, x);
    if (auto neg = y.getDefiningOp<dl::NegOp>()) {
      rewriter.replaceOpWithNewOp<dl::SubOp>(op, op.getType(), x, neg.getOperand());
      return success();
    }
  }
  return failure();
}

LogicalResult simplifySub(dl::SubOp op, PatternRewriter &rewriter) {
  if (isNeutral(op.getRhs(), true))
    return replace(rewriter, op, op.getLhs());
  if (auto neg = op.getRhs().getDefiningOp<dl::NegOp>()) {
    rewriter.replaceOpWithNewOp<dl::AddOp>(op, op.getType(), op.getLhs(), neg.getOperand());
    return success();
  }
  if (op.getLhs() == op.getRhs() && !isFloat(op.getLhs()))
    return replace(rewriter, op, splat(rewriter, op.getLoc(), op.getType(), 0));
  return failure();
}

LogicalResult simplifyMul(dl::MulOp op, PatternRewriter &rewriter) {
  for (int side : {0, 1}) {
    Value x = op->getOperand(side), y = op->getOperand(1 - side);
    auto factor = splatOf(y);
    if (!factor)
      continue;
    if (*factor == 1)
      return replace(rewriter, op, x);
    if (*factor == 0 && !isFloat(x))
      return replace(rewriter, op, y);
    if (*factor == -1) {
      rewriter.replaceOpWithNewOp<dl::NegOp>(op, op.getType(), x);
      return success();
    }
    Type element = tensorType(x).getElementType();
    if (auto neg = x.getDefiningOp<dl::NegOp>(); neg && isFloat(x)) {
      Value negated = splat(rewriter, op.getLoc(), op.getType(), -*factor);
      rewriter.replaceOpWithNewOp<dl::MulOp>(op, op.getType(), neg.getOperand(), negated);
      return success();
    }
    Value inner;
    if (auto first = constantFactor(x, inner); first && mayJoin(element, *first, *factor)) {
      Value product = splat(rewriter, op.getLoc(), op.getType(), *first * *factor);
      rewriter.replaceOpWithNewOp<dl::MulOp>(op, op.getType(), inner, product);
      return success();
    }
  }
  auto left = op.getLhs().getDefiningOp<dl::NegOp>(), right = op.getRhs().getDefiningOp<dl::NegOp>();
  if (!left || !right)
    return failure();
  rewriter.replaceOpWithNewOp<dl::MulOp>(op, op.getType(), left.getOperand(), right.getOperand());
  return success();
}

LogicalResult simplifyDiv(dl::DivOp op, PatternRewriter &rewriter) {
  auto divisor = splatOf(op.getRhs());
  if (!divisor)
    return failure();
  if (*divisor == 1)
    return replace(rewriter, op, op.getLhs());
  int exponent = 0;
  Type element = tensorType(op.getLhs()).getElementType();
  // The reciprocal of a power of two is exact; in f32 it may be too small to be normal.
  if (!isFloat(op.getLhs()) || std::abs(std::frexp(*divisor, &exponent)) != 0.5 || !fitsFloat(element, 1 / *divisor))
    return failure();
  Value factor = splat(rewriter, op.getLoc(), op.getType(), 1 / *divisor);
  rewriter.replaceOpWithNewOp<dl::MulOp>(op, op.getType(), op.getLhs(), factor);
  return success();
}

LogicalResult simplifyPow(dl::PowOp op, PatternRewriter &rewriter) {
  Value x = op.getLhs();
  if (isSplat(op.getRhs(), 1))
    return replace(rewriter, op, x);
  if (isSplat(op.getRhs(), 2)) {
    rewriter.replaceOpWithNewOp<dl::MulOp>(op, op.getType(), x, x);
    return success();
  }
  if (!isSplat(op.getRhs(), -1) || !isFloat(x))
    return failure();
  rewriter.replaceOpWithNewOp<dl::DivOp>(op, op.getType(), splat(rewriter, op.getLoc(), op.getType(), 1), x);
  return success();
}

LogicalResult simplifyNeg(dl::NegOp op, PatternRewriter &rewriter) {
  if (auto inner = op.getOperand().getDefiningOp<dl::NegOp>())
    return replace(rewriter, op, inner.getOperand());
  if (auto sub = op.getOperand().getDefiningOp<dl::SubOp>(); sub && !isFloat(op.getOperand())) {
    rewriter.replaceOpWithNewOp<dl::SubOp>(op, op.getType(), sub.getRhs(), sub.getLhs());
    return success();
  }
  Value x;
  auto factor = constantFactor(op.getOperand(), x);
  if (!factor)
    return failure();
  Value negated = splat(rewriter, op.getLoc(), op.getType(), -*factor);
  rewriter.replaceOpWithNewOp<dl::MulOp>(op, op.getType(), x, negated);
  return success();
}

/// An unsigned integer is its own absolute value, a wrapped negation too.
LogicalResult simplifyAbs(dl::AbsOp op, PatternRewriter &rewriter) {
  if (tensorType(op).getElementType().isUnsignedInteger() || op.getOperand().getDefiningOp<dl::AbsOp>())
    return replace(rewriter, op, op.getOperand());
  auto neg = op.getOperand().getDefiningOp<dl::NegOp>();
  if (!neg)
    return failure();
  rewriter.replaceOpWithNewOp<dl::AbsOp>(op, op.getType(), neg.getOperand());
  return success();
}

/// f(f(x)) = f(x), for relu and rounding.
template <class Op> LogicalResult simplifyIdempotent(Op op, PatternRewriter &rewriter) {
  if (!op.getOperand().template getDefiningOp<Op>())
    return failure();
  return replace(rewriter, op, op.getOperand());
}

/// x op x = x.
template <class Op> LogicalResult simplifySameOperands(Op op, PatternRewriter &rewriter) {
  return op.getLhs() == op.getRhs() ? replace(rewriter, op, op.getLhs()) : failure();
}

/// Logic with a constant: `neutral` leaves the other operand, the opposite decides.
template <class Op, bool neutral> LogicalResult simplifyLogic(Op op, PatternRewriter &rewriter) {
  for (int side : {0, 1}) {
    auto constant = splatOf(op->getOperand(1 - side));
    if (constant)
      return replace(rewriter, op, op->getOperand((*constant != 0) == neutral ? side : 1 - side));
  }
  return failure();
}

LogicalResult simplifyNot(dl::NotOp op, PatternRewriter &rewriter) {
  auto inner = op.getOperand().getDefiningOp<dl::NotOp>();
  return inner ? replace(rewriter, op, inner.getOperand()) : failure();
}

LogicalResult simplifySelect(dl::SelectOp op, PatternRewriter &rewriter) {
  if (auto constant = splatOf(op.getCondition()))
    return replace(rewriter, op, *constant != 0 ? op.getOnTrue() : op.getOnFalse());
  if (op.getOnTrue() == op.getOnFalse())
    return replace(rewriter, op, op.getOnTrue());
  auto inverse = op.getCondition().getDefiningOp<dl::NotOp>();
  if (!inverse)
    return failure();
  rewriter.replaceOpWithNewOp<dl::SelectOp>(op, op.getType(), inverse.getOperand(), op.getOnFalse(), op.getOnTrue());
  return success();
}

/// A cast of an exact cast is one cast, of the same values. But a float out of an integer type's range saturates where
/// an integer wraps: an integer stays a float in between unless the result holds it.
LogicalResult simplifyCast(dl::CastOp op, PatternRewriter &rewriter) {
  auto inner = op.getOperand().getDefiningOp<dl::CastOp>();
  if (!inner)
    return failure();
  Type from = elementOf(inner.getOperand()), between = elementOf(inner), to = elementOf(op);
  bool wraps = isa<IntegerType>(from) && isa<IntegerType>(to) && !to.isInteger(1) && !dl::isExactCast(from, to);
  if (!dl::isExactCast(from, between) || (wraps && isa<FloatType>(between)))
    return failure();
  rewriter.replaceOpWithNewOp<dl::CastOp>(op, op.getType(), inner.getOperand());
  return success();
}

LogicalResult dropStopGradient(dl::StopGradientOp op, PatternRewriter &rewriter) {
  return replace(rewriter, op, op.getOperand());
}

} // namespace

void addElementwisePatterns(RewritePatternSet &patterns) {
  patterns.add(simplifyAdd);
  patterns.add(simplifySub);
  patterns.add(simplifyMul);
  patterns.add(simplifyDiv);
  patterns.add(simplifyPow);
  patterns.add(simplifyNeg);
  patterns.add(simplifyAbs);
  patterns.add(simplifyIdempotent<dl::ReluOp>);
  patterns.add(simplifyIdempotent<dl::FloorOp>);
  patterns.add(simplifyIdempotent<dl::CeilOp>);
  patterns.add(simplifyIdempotent<dl::RoundOp>);
  patterns.add(simplifySameOperands<dl::MaxOp>);
  patterns.add(simplifySameOperands<dl::MinOp>);
  patterns.add(simplifySameOperands<dl::AndOp>);
  patterns.add(simplifySameOperands<dl::OrOp>);
  patterns.add(simplifyLogic<dl::AndOp, true>);
  patterns.add(simplifyLogic<dl::OrOp, false>);
  patterns.add(simplifyNot);
  patterns.add(simplifySelect);
  patterns.add(simplifyCast);
}

void addStopGradientPatterns(RewritePatternSet &patterns) { patterns.add(dropStopGradient); }

} // namespace dlc
