// Adjoint rules of the movements: each is undone by another.
#include "ir/Builders.h"

using namespace mlir;

namespace dlc::dl {

LogicalResult ReshapeOp::adjoint(AdjointContext &context) {
  context.set(0, reshapeTo(context.builder, context.loc(), context.cotangent(), shapeOf(getOperand())));
  return success();
}

LogicalResult TransposeOp::adjoint(AdjointContext &context) {
  context.set(0, TransposeOp::create(context.builder, context.loc(), context.cotangent(), inverted(getPermutation())));
  return success();
}

/// The sum over the axes along which elements were repeated.
LogicalResult BroadcastOp::adjoint(AdjointContext &context) {
  SmallVector<int64_t> repeated = otherAxes(shapeOf(getResult()).size(), getAxes());
  context.set(0, sumTo(context.builder, context.loc(), context.cotangent(), repeated));
  return success();
}

/// Zeros around and between: a pad.
LogicalResult SliceOp::adjoint(AdjointContext &context) {
  if (getType().getNumElements() == 0)
    return success();
  SmallVector<int64_t> interior = llvm::map_to_vector(getSteps(), [](int64_t step) { return step - 1; });
  context.set(0, PadOp::create(context.builder, context.loc(), getOperand().getType(), context.cotangent(), getStarts(),
                               interior));
  return success();
}

/// The elements without the zeros: a slice.
LogicalResult PadOp::adjoint(AdjointContext &context) {
  if (getOperand().getType().getNumElements() == 0)
    return success();
  SmallVector<int64_t> steps = llvm::map_to_vector(getInterior(), [](int64_t interior) { return interior + 1; });
  context.set(
      0, SliceOp::create(context.builder, context.loc(), getOperand().getType(), context.cotangent(), getLow(), steps));
  return success();
}

LogicalResult ReverseOp::adjoint(AdjointContext &context) {
  context.set(0, ReverseOp::create(context.builder, context.loc(), getType(), context.cotangent(), getAxes()));
  return success();
}

/// To each operand its slice.
LogicalResult ConcatOp::adjoint(AdjointContext &context) {
  SmallVector<int64_t> starts(shapeOf(getResult()).size(), 0), steps(starts.size(), 1);
  for (auto [i, operand] : llvm::enumerate(getOperands())) {
    if (context.wants(i))
      context.set(
          i, SliceOp::create(context.builder, context.loc(), operand.getType(), context.cotangent(), starts, steps));
    starts[getAxis()] += shapeOf(operand)[getAxis()];
  }
  return success();
}

/// Windows back where they came from.
LogicalResult WindowOp::adjoint(AdjointContext &context) {
  if (getType().getNumElements() != 0)
    context.set(0, OverlapAddOp::create(context.builder, context.loc(), getOperand().getType(), context.cotangent(),
                                        getAxes(), getSteps(), getSpreads()));
  return success();
}

/// And the other way round.
LogicalResult OverlapAddOp::adjoint(AdjointContext &context) {
  if (getOperand().getType().getNumElements() != 0)
    context.set(0, WindowOp::create(context.builder, context.loc(), getOperand().getType(), context.cotangent(),
                                    getAxes(), getSteps(), getSpreads()));
  return success();
}

} // namespace dlc::dl
