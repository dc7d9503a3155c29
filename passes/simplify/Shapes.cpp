// Movements, beyond the dialect's folders (identities, chains, splats): arithmetic happens before a value is repeated
// or moved, and axes of size 1 go.
//
// Reshapes and transpositions sink below pointwise operations, toward the products and reductions that can absorb them;
// broadcasts sink too, so that what is the same along an axis is computed once. A reshape that only adds axes of size 1
// is written as a broadcast, so that both have one form.

#include "passes/simplify/Patterns.h"

#include "llvm/ADT/SmallBitVector.h"

using namespace mlir;

namespace dlc {
namespace {

/// What is taken at computed places of a splat is a splat.
template <class Op> LogicalResult takeFromSplat(Op op, PatternRewriter &rewriter) {
  auto constant = op.getOperand().template getDefiningOp<dl::ConstantOp>();
  auto elements = constant ? dyn_cast<DenseElementsAttr>(constant.getValue()) : DenseElementsAttr();
  if (!elements || !elements.isSplat())
    return failure();
  rewriter.replaceOpWithNewOp<dl::ConstantOp>(op, op.getType(), elements.resizeSplat(op.getType()));
  return success();
}

/// Where each axis of `from` lies in `to`, when `to` only adds axes of size 1.
std::optional<SmallVector<int64_t>> addedUnitAxes(ArrayRef<int64_t> from, ArrayRef<int64_t> to) {
  SmallVector<int64_t> axes;
  for (auto [axis, size] : llvm::enumerate(to)) {
    if (axes.size() < from.size() && from[axes.size()] == size)
      axes.push_back(axis);
    else if (size != 1)
      return std::nullopt;
  }
  if (axes.size() != from.size() || from.size() == to.size())
    return std::nullopt;
  return axes;
}

LogicalResult simplifyReshape(dl::ReshapeOp op, PatternRewriter &rewriter) {
  Value source = op.getOperand();
  if (auto axes = addedUnitAxes(shapeOf(source), op.getType().getShape())) {
    rewriter.replaceOpWithNewOp<dl::BroadcastOp>(op, op.getType(), source, *axes);
    return success();
  }
  // Axes of size 1 that come or go beside a broadcast: repeat what has no such axes to the shape asked for.
  auto broadcast = source.getDefiningOp<dl::BroadcastOp>();
  ArrayRef<int64_t> shape = op.getType().getShape();
  if (!broadcast || !sameUpToUnitAxes(shapeOf(source), shape))
    return failure();
  SmallVector<int64_t> from = largeAxes(shapeOf(source)), to = largeAxes(shape), kept, axes;
  for (auto [axis, place] : llvm::enumerate(broadcast.getAxes())) {
    int64_t size = shapeOf(broadcast.getOperand())[axis];
    if (size == 1)
      continue;
    kept.push_back(size);
    axes.push_back(to[llvm::find(from, place) - from.begin()]);
  }
  Value squeezed = reshapeTo(rewriter, op.getLoc(), broadcast.getOperand(), kept);
  rewriter.replaceOpWithNewOp<dl::BroadcastOp>(op, op.getType(), squeezed, axes);
  return success();
}

LogicalResult simplifyTranspose(dl::TransposeOp op, PatternRewriter &rewriter) {
  ArrayRef<int64_t> permutation = op.getPermutation();
  Value source = op.getOperand();
  SmallVector<int64_t> moved;
  for (int64_t axis : permutation)
    if (shapeOf(source)[axis] != 1)
      moved.push_back(axis);
  if (llvm::is_sorted(moved)) {
    rewriter.replaceOp(op, reshapeTo(rewriter, op.getLoc(), source, op.getType().getShape()));
    return success();
  }
  auto broadcast = source.getDefiningOp<dl::BroadcastOp>();
  if (!broadcast)
    return failure();
  // The operand's axes in the order in which they come out.
  SmallVector<int64_t> order, axes;
  for (auto [place, axis] : llvm::enumerate(permutation)) {
    auto found = llvm::find(broadcast.getAxes(), axis);
    if (found == broadcast.getAxes().end())
      continue;
    order.push_back(found - broadcast.getAxes().begin());
    axes.push_back(place);
  }
  Value turned = transposeBy(rewriter, op.getLoc(), broadcast.getOperand(), order);
  rewriter.replaceOpWithNewOp<dl::BroadcastOp>(op, op.getType(), turned, axes);
  return success();
}

LogicalResult simplifyReverse(dl::ReverseOp op, PatternRewriter &rewriter) {
  auto inner = op.getOperand().getDefiningOp<dl::ReverseOp>();
  if (!inner || inner.getAxes() != op.getAxes())
    return failure();
  rewriter.replaceOp(op, inner.getOperand());
  return success();
}

LogicalResult simplifySlice(dl::SliceOp op, PatternRewriter &rewriter) {
  auto inner = op.getOperand().getDefiningOp<dl::SliceOp>();
  if (!inner)
    return failure();
  SmallVector<int64_t> starts, steps;
  for (auto [size, start, step, innerStart, innerStep] :
       llvm::zip_equal(shapeOf(op.getResult()), op.getStarts(), op.getSteps(), inner.getStarts(), inner.getSteps())) {
    // Where nothing is taken, the start may lie behind the end of the inner slice, and so anywhere in its operand.
    starts.push_back(size == 0 ? 0 : innerStart + start * innerStep);
    steps.push_back(size == 0 ? 1 : step * innerStep);
  }
  rewriter.replaceOpWithNewOp<dl::SliceOp>(op, op.getType(), inner.getOperand(), starts, steps);
  return success();
}

/// Base of the two patterns that look at every pure pointwise operation.
struct PointwisePattern : RewritePattern {
  PointwisePattern(MLIRContext *context) : RewritePattern(MatchAnyOpTypeTag(), 1, context) {}
};

/// f(move(x), move(y), splat) = move(f(x, y, splat)), when all moves are one reshape or transposition.
struct SinkMovement : PointwisePattern {
  using PointwisePattern::PointwisePattern;

  LogicalResult matchAndRewrite(Operation *op, PatternRewriter &rewriter) const override {
    if (!isPurePointwise(op))
      return failure();
    Operation *movement = nullptr;
    for (Value operand : op->getOperands()) {
      Operation *source = operand.getDefiningOp();
      if (source && isa<dl::ReshapeOp, dl::TransposeOp>(source)) {
        if (movement && !sameMovement(movement, source))
          return failure();
        movement = source;
      } else if (!splatOf(operand) && !scalarBroadcast(operand)) {
        return failure();
      }
    }
    if (!movement)
      return failure();
    ArrayRef<int64_t> shape = shapeOf(movement->getOperand(0));
    SmallVector<Value> operands;
    for (Value operand : op->getOperands()) {
      if (auto number = splatOf(operand))
        operands.push_back(splat(rewriter, op->getLoc(), tensorType(operand).clone(shape), *number));
      else if (Value scalar = scalarBroadcast(operand))
        operands.push_back(broadcastTo(rewriter, op->getLoc(), scalar, shape, {}));
      else
        operands.push_back(operand.getDefiningOp()->getOperand(0));
    }
    Value moved = rebuildPointwise(rewriter, op, operands);
    OperationState state(movement->getLoc(), movement->getName());
    state.addOperands(moved);
    state.addTypes(op->getResultTypes());
    state.propertiesAttr = movement->getPropertiesAsAttribute();
    rewriter.replaceOp(op, rewriter.create(state));
    return success();
  }

private:
  static bool sameMovement(Operation *a, Operation *b) {
    return a->getName() == b->getName() && shapeOf(a->getOperand(0)) == shapeOf(b->getOperand(0)) &&
           a->getPropertiesAsAttribute() == b->getPropertiesAsAttribute();
  }
  static Value scalarBroadcast(Value value) {
    auto broadcast = value.getDefiningOp<dl::BroadcastOp>();
    return broadcast && shapeOf(broadcast.getOperand()).empty() ? broadcast.getOperand() : Value();
  }
};

/// f(broadcast(x), broadcast(y), splat) = broadcast(f(x, y, splat)) on the axes that any of them has.
struct SinkBroadcast : PointwisePattern {
  using PointwisePattern::PointwisePattern;

  LogicalResult matchAndRewrite(Operation *op, PatternRewriter &rewriter) const override {
    if (!isPurePointwise(op))
      return failure();
    ArrayRef<int64_t> shape = shapeOf(op->getResult(0));
    llvm::SmallBitVector used(shape.size());
    bool any = false;
    for (Value operand : op->getOperands()) {
      if (auto broadcast = operand.getDefiningOp<dl::BroadcastOp>()) {
        any = true;
        for (int64_t axis : broadcast.getAxes())
          used.set(axis);
      } else if (!splatOf(operand)) {
        return failure();
      }
    }
    if (!any || used.all())
      return failure();
    SmallVector<int64_t> axes, sizes, place(shape.size());
    for (int axis : used.set_bits()) {
      place[axis] = axes.size();
      axes.push_back(axis);
      sizes.push_back(shape[axis]);
    }
    SmallVector<Value> operands;
    for (Value operand : op->getOperands()) {
      if (auto number = splatOf(operand)) {
        operands.push_back(splat(rewriter, op->getLoc(), tensorType(operand).clone(sizes), *number));
        continue;
      }
      auto broadcast = operand.getDefiningOp<dl::BroadcastOp>();
      SmallVector<int64_t> to;
      for (int64_t axis : broadcast.getAxes())
        to.push_back(place[axis]);
      operands.push_back(broadcastTo(rewriter, op->getLoc(), broadcast.getOperand(), sizes, to));
    }
    Value small = rebuildPointwise(rewriter, op, operands);
    rewriter.replaceOpWithNewOp<dl::BroadcastOp>(op, op->getResult(0).getType(), small, axes);
    return success();
  }
};

} // namespace

void addShapePatterns(RewritePatternSet &patterns) {
  patterns.add(takeFromSplat<dl::GatherOp>);
  patterns.add(takeFromSplat<dl::DynamicSliceOp>);
  patterns.add(simplifyReshape);
  patterns.add(simplifyTranspose);
  patterns.add(simplifyReverse);
  patterns.add(simplifySlice);
  patterns.add<SinkMovement, SinkBroadcast>(patterns.getContext());
}

} // namespace dlc
