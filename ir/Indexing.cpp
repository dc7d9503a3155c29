// Places from data: inferred types, verifiers and folds.
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

/// A part of `whole` at starts along `axes`.
static LogicalResult verifyPart(Operation *op, Value whole, Value part, ValueRange starts, ArrayRef<int64_t> axes,
                                StringRef name) {
  ArrayRef<int64_t> shape = shapeOf(whole), sizes = shapeOf(part);
  if (failed(verifyAxes(op, axes, shape.size())))
    return failure();
  if (starts.size() != axes.size())
    return op->emitOpError() << "has " << starts.size() << " starts, expected one for each of " << axes.size()
                             << " axes";
  if (sizes.size() != shape.size())
    return op->emitOpError() << name << " has rank " << sizes.size() << ", expected " << shape.size()
                             << ", the operand's";
  for (auto [axis, size] : llvm::enumerate(sizes)) {
    bool isMoved = llvm::is_contained(axes, axis);
    if (isMoved ? size > shape[axis] : size != shape[axis])
      return op->emitOpError() << name << " has size " << size << " along axis " << axis << ", expected "
                               << (isMoved ? "at most " : "") << shape[axis];
  }
  if (elementOf(whole) != elementOf(part))
    return op->emitOpError() << name << " has elements of " << elementOf(part) << ", expected " << elementOf(whole);
  return success();
}

LogicalResult DynamicSliceOp::verify() {
  return verifyPart(*this, getOperand(), getResult(), getStarts(), getAxes(), "result");
}

LogicalResult DynamicUpdateOp::verify() {
  if (getAdd() && elementOf(getOperand()).isInteger(1))
    return emitOpError() << "adds bools, expected numbers";
  return verifyPart(*this, getOperand(), getUpdate(), getStarts(), getAxes(), "update");
}

/// A part as large as the whole can only be the whole.
OpFoldResult DynamicSliceOp::fold(FoldAdaptor) { return getType() == getOperand().getType() ? getOperand() : Value(); }
OpFoldResult DynamicUpdateOp::fold(FoldAdaptor) {
  return !getAdd() && getUpdate().getType() == getType() ? getUpdate() : Value();
}

} // namespace dlc::dl
