// Reductions: inferred types, folders, verifiers.
#include "ir/Builders.h"
#include "ir/Verify.h"

using namespace mlir;

namespace dlc::dl {

void ReduceOp::build(OpBuilder &builder, OperationState &state, ReduceKind kind, Value operand,
                     ArrayRef<int64_t> axes) {
  auto type = RankedTensorType::get(withoutAxes(shapeOf(operand), axes), elementOf(operand));
  build(builder, state, type, kind, operand, axes);
}

OpFoldResult ReduceOp::fold(FoldAdaptor) {
  return getAxes().empty() && getOperand().getType() == getType() ? OpFoldResult(getOperand()) : OpFoldResult();
}

LogicalResult ReduceOp::verify() {
  Type element = elementOf(getOperand());
  bool logical = getKind() == ReduceKind::all || getKind() == ReduceKind::any;
  if (logical != element.isInteger(1))
    return emitOpError() << "`" << stringifyReduceKind(getKind()) << "` joins " << (logical ? "`i1`" : "numbers")
                         << ", found elements of " << element;
  if (failed(verifyAxes(*this, getAxes(), shapeOf(getOperand()).size())))
    return failure();
  return verifyResult(*this, withoutAxes(shapeOf(getOperand()), getAxes()), element,
                      "the operand without the reduced axes");
}

void ArgReduceOp::build(OpBuilder &builder, OperationState &state, ReduceKind kind, Value operand, int64_t axis) {
  auto type = RankedTensorType::get(withoutAxes(shapeOf(operand), axis), builder.getI64Type());
  build(builder, state, type, kind, operand, axis);
}

LogicalResult ArgReduceOp::verify() {
  if (getKind() != ReduceKind::max && getKind() != ReduceKind::min)
    return emitOpError() << "kind is `" << stringifyReduceKind(getKind()) << "`, expected `max` or `min`";
  ArrayRef<int64_t> shape = shapeOf(getOperand());
  int64_t axis = getAxis();
  if (failed(verifyAxis(*this, axis, shape.size())))
    return failure();
  if (shape[axis] == 0)
    return emitOpError() << "axis " << axis
                         << " of the operand has size 0, expected at least one element to choose from";
  return verifyResult(*this, withoutAxes(shape, axis), IntegerType::get(getContext(), 64),
                      "the operand without the axis");
}

LogicalResult CumulativeOp::verify() { return verifyAxis(*this, getAxis(), shapeOf(getOperand()).size()); }

} // namespace dlc::dl
