// Comparisons and index checks: on narrower integers, and on values that are kept anyway.

#include "passes/simplify/Patterns.h"

#include <limits>

using namespace mlir;

namespace dlc {

namespace {

/// x > 0 is relu(x) > 0, which is kept anyway for what follows the relu, as x is not.
LogicalResult simplifyMask(dl::CompareOp op, PatternRewriter &rewriter) {
  bool positive = op.getPredicate() == dl::ComparePredicate::gt && splatOf(op.getRhs()) == 0.0;
  if (!positive || op.getLhs().getDefiningOp<dl::ReluOp>())
    return failure();
  for (Operation *user : op.getLhs().getUsers()) {
    if (!isa<dl::ReluOp>(user) || user->getBlock() != op->getBlock() || !user->isBeforeInBlock(op))
      continue;
    rewriter.modifyOpInPlace(op, [&] { op.getLhsMutable().assign(user->getResult(0)); });
    return success();
  }
  return failure();
}

/// Whether the elements of the i64 tensor `value` are known to fit i32: indices, converted narrower integers,
/// constants.
bool isNarrow(Value value) {
  using Limits = std::numeric_limits<int32_t>;
  if (auto number = splatOf(value))
    return *number >= Limits::min() && *number <= Limits::max();
  if (auto iota = value.getDefiningOp<dl::IotaOp>())
    return shapeOf(value)[iota.getAxis()] <= Limits::max();
  if (auto cast = value.getDefiningOp<dl::CastOp>())
    return dl::isExactCast(tensorType(cast.getOperand()).getElementType(), IntegerType::get(value.getContext(), 32));
  auto broadcast = value.getDefiningOp<dl::BroadcastOp>();
  return broadcast && isNarrow(broadcast.getOperand());
}

/// A value that is narrow, as i32.
Value narrowed(OpBuilder &builder, Value value) {
  Location loc = value.getLoc();
  RankedTensorType type = tensorType(value).clone(builder.getI32Type());
  if (auto number = splatOf(value))
    return splat(builder, loc, type, *number);
  if (auto iota = value.getDefiningOp<dl::IotaOp>())
    return dl::IotaOp::create(builder, loc, type, iota.getAxis());
  if (auto cast = value.getDefiningOp<dl::CastOp>())
    return dl::CastOp::create(builder, loc, cast.getOperand(), builder.getI32Type());
  auto broadcast = value.getDefiningOp<dl::BroadcastOp>();
  return broadcastTo(builder, loc, narrowed(builder, broadcast.getOperand()), type.getShape(), broadcast.getAxes());
}

/// A vector holds twice as many i32 as i64.
LogicalResult narrowComparison(dl::CompareOp op, PatternRewriter &rewriter) {
  bool wide = tensorType(op.getLhs()).getElementType().isInteger(64);
  if (!wide || !isNarrow(op.getLhs()) || !isNarrow(op.getRhs()))
    return failure();
  Value lhs = narrowed(rewriter, op.getLhs()), rhs = narrowed(rewriter, op.getRhs());
  rewriter.replaceOpWithNewOp<dl::CompareOp>(op, op.getPredicate(), lhs, rhs);
  return success();
}

/// A check of widened or reshaped indices is a check of the indices themselves: no copy has to be made for it.
LogicalResult simplifyCheck(dl::CheckIndexOp op, PatternRewriter &rewriter) {
  Operation *source = op.getOperand().getDefiningOp();
  if (!source || !isa<dl::CastOp, dl::ReshapeOp>(source))
    return failure();
  Value inner = source->getOperand(0);
  Type from = tensorType(inner).getElementType();
  if (from.isInteger(1) || !isa<IntegerType>(from) || !dl::isExactCast(from, tensorType(op).getElementType()))
    return failure();
  Value checked =
      dl::CheckIndexOp::create(rewriter, op.getLoc(), inner.getType(), inner, op.getLimit(), op.getWhat(), op.getLow());
  if (isa<dl::CastOp>(source))
    rewriter.replaceOpWithNewOp<dl::CastOp>(op, op.getType(), checked);
  else
    rewriter.replaceOpWithNewOp<dl::ReshapeOp>(op, op.getType(), checked);
  return success();
}

} // namespace

void addComparisonPatterns(RewritePatternSet &patterns) {
  patterns.add(simplifyMask);
  patterns.add(narrowComparison);
  patterns.add(simplifyCheck);
}

} // namespace dlc
