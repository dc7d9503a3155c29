// dl.gather, dl.scatter_add and dl.argsort: inferred types, verifiers, folds.
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

void ArgsortOp::build(OpBuilder &builder, OperationState &state, Value operand, int64_t axis, bool descending) {
  auto type = RankedTensorType::get(shapeOf(operand), builder.getI64Type());
  build(builder, state, type, operand, axis, descending);
}

/// One element along the axis is at place 0.
OpFoldResult ArgsortOp::fold(FoldAdaptor) {
  auto type = cast<RankedTensorType>(getType());
  if (type.getDimSize(getAxis()) > 1)
    return {};
  return DenseElementsAttr::get(type, Builder(getContext()).getZeroAttr(type.getElementType()));
}

LogicalResult ArgsortOp::verify() {
  ArrayRef<int64_t> shape = shapeOf(getOperand());
  if (failed(verifyAxis(*this, getAxis(), shape.size())))
    return failure();
  return verifyResult(*this, shape, IntegerType::get(getContext(), 64), "a place for each element");
}

} // namespace dlc::dl
