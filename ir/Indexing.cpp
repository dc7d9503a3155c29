// dl.gather and dl.scatter_add: inferred types and verifiers.
#include "ir/Dialect.h"
#include "ir/Verify.h"

using namespace mlir;

namespace dlc::dl {

/// [a.., I.., b..] of [a.., n, b..] and I.
static SmallVector<int64_t> gatheredShape(ArrayRef<int64_t> operand, ArrayRef<int64_t> indices, int64_t axis) {
  SmallVector<int64_t> shape(operand.take_front(axis));
  llvm::append_range(shape, indices);
  llvm::append_range(shape, operand.drop_front(axis + 1));
  return shape;
}

void GatherOp::build(OpBuilder &builder, OperationState &state, Value operand, Value indices, int64_t axis) {
  SmallVector<int64_t> shape = gatheredShape(shapeOf(operand), shapeOf(indices), axis);
  build(builder, state, RankedTensorType::get(shape, elementOf(operand)), operand, indices, axis);
}

LogicalResult GatherOp::verify() {
  ArrayRef<int64_t> operand = shapeOf(getOperand()), indices = shapeOf(getIndices());
  int64_t axis = getAxis();
  if (failed(verifyAxis(*this, axis, operand.size())))
    return failure();
  return verifyResult(*this, gatheredShape(operand, indices, axis), elementOf(getOperand()),
                      "the operand with the indices' axes in the place of the axis");
}

LogicalResult ScatterAddOp::verify() {
  ArrayRef<int64_t> operand = shapeOf(getOperand()), indices = shapeOf(getIndices());
  int64_t axis = getAxis();
  if (failed(verifyAxis(*this, axis, operand.size())))
    return failure();
  auto expected = RankedTensorType::get(gatheredShape(operand, indices, axis), elementOf(getOperand()));
  if (getUpdates().getType() != expected)
    return emitOpError() << "updates are " << getUpdates().getType() << ", expected " << expected
                         << ": the operand with the indices' axes in the place of the axis";
  return success();
}

} // namespace dlc::dl
