// Reductions of what is constant, repeated, moved, negated or already reduced, and the gradient of a softmax. Sums may be
// taken in another order than the program's. A factor stays inside a sum: outside, it would save the elements from an
// overflow, or the sum would overflow without it.

#include "passes/simplify/Patterns.h"

using namespace mlir;

namespace dlc {
namespace {

using dl::ReduceKind;

/// Over no axes or axes of size 1, each element is its own result.
LogicalResult reduceUnitAxes(dl::ReduceOp op, PatternRewriter &rewriter) {
  ArrayRef<int64_t> shape = shapeOf(op.getOperand());
  if (!llvm::all_of(op.getAxes(), [&](int64_t axis) { return shape[axis] == 1; }))
    return failure();
  rewriter.replaceOp(op, reshapeTo(rewriter, op.getLoc(), op.getOperand(), shapeOf(op.getResult())));
  return success();
}

/// Axes along which the operand repeats need no reduction, only a factor for a sum.
LogicalResult reduceBroadcast(dl::ReduceOp op, PatternRewriter &rewriter) {
  auto broadcast = op.getOperand().getDefiningOp<dl::BroadcastOp>();
  auto number = splatOf(op.getOperand());
  if ((!broadcast && !number) || op.getKind() == ReduceKind::prod)
    return failure();
  ArrayRef<int64_t> present = broadcast ? broadcast.getAxes() : ArrayRef<int64_t>();
  // The axes that go are those reduced but not in the source; an empty one would leave nothing to repeat.
  ArrayRef<int64_t> shape = shapeOf(op.getOperand());
  SmallVector<int64_t> inner, keptShape, keptAxes;
  double repeats = 1;
  for (auto [axis, size] : llvm::enumerate(shape)) {
    bool reduced = llvm::is_contained(op.getAxes(), axis);
    auto place = llvm::find(present, axis);
    if (place != present.end() && reduced)
      inner.push_back(place - present.begin());
    else if (reduced)
      repeats *= size;
    if (reduced)
      continue;
    if (place != present.end())
      keptAxes.push_back(keptShape.size());
    keptShape.push_back(size);
  }
  Type element = tensorType(op.getOperand()).getElementType();
  if (inner.size() == op.getAxes().size() || repeats == 0)
    return failure();
  if (op.getKind() == ReduceKind::sum && isa<FloatType>(element) && !fitsFloat(element, repeats))
    return failure();
  RankedTensorType scalar = tensorType(op.getOperand()).clone(ArrayRef<int64_t>());
  Value small = broadcast ? broadcast.getOperand() : splat(rewriter, op.getLoc(), scalar, *number);
  if (!inner.empty())
    small = dl::ReduceOp::create(rewriter, op.getLoc(), op.getKind(), small, inner);
  if (op.getKind() == ReduceKind::sum && repeats != 1) {
    Value factor = splat(rewriter, op.getLoc(), tensorType(small), repeats);
    small = dl::MulOp::create(rewriter, op.getLoc(), small.getType(), small, factor);
  }
  rewriter.replaceOp(op, broadcastTo(rewriter, op.getLoc(), small, keptShape, keptAxes));
  return success();
}

/// Reductions of one kind in succession are one, but sums and products of floats: in another order they may leave the
/// range.
LogicalResult reduceReduced(dl::ReduceOp op, PatternRewriter &rewriter) {
  auto inner = op.getOperand().getDefiningOp<dl::ReduceOp>();
  bool rounds = isa<FloatType>(elementOf(op.getOperand())) &&
                (op.getKind() == ReduceKind::sum || op.getKind() == ReduceKind::prod);
  if (!inner || inner.getKind() != op.getKind() || !inner->hasOneUse() || rounds)
    return failure();
  SmallVector<int64_t> axes(inner.getAxes());
  int64_t place = 0;
  for (int64_t axis = 0; axis < static_cast<int64_t>(shapeOf(inner.getOperand()).size()); ++axis)
    if (!llvm::is_contained(inner.getAxes(), axis) && llvm::is_contained(op.getAxes(), place++))
      axes.push_back(axis);
  llvm::sort(axes);
  rewriter.replaceOpWithNewOp<dl::ReduceOp>(op, op.getType(), op.getKind(), inner.getOperand(), axes);
  return success();
}

/// A reduction of a transposed or reshaped tensor is one of the tensor itself.
LogicalResult reduceMoved(dl::ReduceOp op, PatternRewriter &rewriter) {
  Location loc = op.getLoc();
  if (auto transpose = op.getOperand().getDefiningOp<dl::TransposeOp>()) {
    SmallVector<int64_t> axes, kept;
    for (auto [axis, from] : llvm::enumerate(transpose.getPermutation()))
      (llvm::is_contained(op.getAxes(), axis) ? axes : kept).push_back(from);
    llvm::sort(axes);
    SmallVector<int64_t> sorted = kept, permutation;
    llvm::sort(sorted);
    for (int64_t axis : kept)
      permutation.push_back(llvm::find(sorted, axis) - sorted.begin());
    Value reduced = dl::ReduceOp::create(rewriter, loc, op.getKind(), transpose.getOperand(), axes);
    rewriter.replaceOp(op, transposeBy(rewriter, loc, reduced, permutation));
    return success();
  }
  auto reshape = op.getOperand().getDefiningOp<dl::ReshapeOp>();
  if (!reshape)
    return failure();
  ArrayRef<int64_t> from = shapeOf(reshape.getOperand()), to = shapeOf(op.getOperand());
  SmallVector<int64_t> axes;
  if (op.getAxes().size() == to.size()) {
    llvm::append_range(axes, llvm::seq<int64_t>(0, from.size()));
  } else if (sameUpToUnitAxes(from, to)) {
    SmallVector<int64_t> fromLarge = largeAxes(from), toLarge = largeAxes(to);
    for (auto [source, target] : llvm::zip_equal(fromLarge, toLarge))
      if (llvm::is_contained(op.getAxes(), target))
        axes.push_back(source);
  } else {
    return failure();
  }
  Value reduced = reshape.getOperand();
  if (!axes.empty())
    reduced = dl::ReduceOp::create(rewriter, loc, op.getKind(), reduced, axes);
  rewriter.replaceOp(op, reshapeTo(rewriter, loc, reduced, shapeOf(op.getResult())));
  return success();
}

/// sum(-x) = -sum(x)
LogicalResult reduceNegated(dl::ReduceOp op, PatternRewriter &rewriter) {
  auto neg = op.getOperand().getDefiningOp<dl::NegOp>();
  if (op.getKind() != ReduceKind::sum || !neg || !neg->hasOneUse())
    return failure();
  Value sum = dl::ReduceOp::create(rewriter, op.getLoc(), op.getKind(), neg.getOperand(), op.getAxes());
  rewriter.replaceOpWithNewOp<dl::NegOp>(op, op.getType(), sum);
  return success();
}

/// The one of an operation's two operands that is the result of an `Op` that fits, and the other one.
template <class Op> std::pair<Op, Value> operandOf(Operation *op, llvm::function_ref<bool(Op)> fits) {
  for (int side : {0, 1})
    if (auto found = op->getOperand(side).getDefiningOp<Op>(); found && fits(found))
      return {found, op->getOperand(1 - side)};
  return {};
}

/// The gradient of y = e / s with e = exp(x) and s = sum(e), a softmax: (g / s - sum(g / s * y)) * e is (g - sum(g * y)) * y,
/// which needs neither e nor s.
LogicalResult softmaxGradient(dl::MulOp op, PatternRewriter &rewriter) {
  auto [e, difference] = operandOf<dl::ExpOp>(op, [](dl::ExpOp) { return true; });
  auto add = e ? difference.getDefiningOp<dl::AddOp>() : dl::AddOp();
  if (!add)
    return failure();
  auto sumOf = [](Value value) { return value ? value.getDefiningOp<dl::ReduceOp>() : dl::ReduceOp(); };
  Value exponential = e;
  auto isShare = [&](dl::DivOp div) {
    auto broadcast = div.getRhs().getDefiningOp<dl::BroadcastOp>();
    dl::ReduceOp sum = sumOf(broadcast ? broadcast.getOperand() : Value());
    return sum && sum.getKind() == ReduceKind::sum && sum.getOperand() == exponential;
  };
  auto [quotient, repeated] = operandOf<dl::DivOp>(add, isShare);
  auto broadcast = quotient ? repeated.getDefiningOp<dl::BroadcastOp>() : dl::BroadcastOp();
  auto neg = broadcast ? broadcast.getOperand().getDefiningOp<dl::NegOp>() : dl::NegOp();
  dl::ReduceOp sum = sumOf(neg ? neg.getOperand() : Value());
  auto product = sum ? sum.getOperand().getDefiningOp<dl::MulOp>() : dl::MulOp();
  if (!product || sum.getKind() != ReduceKind::sum)
    return failure();
  auto total = quotient.getRhs().getDefiningOp<dl::BroadcastOp>();
  Value divisor = total, part = quotient;
  auto [y, other] = operandOf<dl::DivOp>(
      product, [&](dl::DivOp div) { return div.getLhs() == exponential && div.getRhs() == divisor; });
  if (!y || other != part || total.getAxes() != broadcast.getAxes() ||
      sumOf(total.getOperand()).getAxes() != sum.getAxes())
    return failure();
  Location loc = op.getLoc();
  Type type = op.getType();
  Value g = quotient.getLhs(), weighted = dl::MulOp::create(rewriter, loc, type, g, y);
  Value mean = dl::ReduceOp::create(rewriter, loc, ReduceKind::sum, weighted, sum.getAxes());
  Value spread = dl::BroadcastOp::create(rewriter, loc, type, mean, broadcast.getAxes());
  rewriter.replaceOpWithNewOp<dl::MulOp>(op, type, dl::SubOp::create(rewriter, loc, type, g, spread), y);
  return success();
}

/// The only index along an axis of size 1 is 0.
LogicalResult argReduceUnitAxis(dl::ArgReduceOp op, PatternRewriter &rewriter) {
  if (shapeOf(op.getOperand())[op.getAxis()] != 1)
    return failure();
  rewriter.replaceOp(op, splat(rewriter, op.getLoc(), tensorType(op.getResult()), 0));
  return success();
}

} // namespace

void addReductionPatterns(RewritePatternSet &patterns) {
  patterns.add(reduceUnitAxes);
  patterns.add(reduceBroadcast);
  patterns.add(reduceReduced);
  patterns.add(reduceMoved);
  patterns.add(reduceNegated);
  patterns.add(softmaxGradient);
  patterns.add(argReduceUnitAxis);
}

} // namespace dlc
