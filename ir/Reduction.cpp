// Reductions: inferred types, folders, verifiers.
#include "ir/Dialect.h"
#include "ir/Verify.h"

using namespace mlir;

namespace dlc::dl {

/// `shape` without `axes`.
static SmallVector<int64_t> without(ArrayRef<int64_t> shape, ArrayRef<int64_t> axes) {
  SmallVector<int64_t> rest;
  for (auto [axis, size] : llvm::enumerate(shape))
    if (!llvm::is_contained(axes, int64_t(axis)))
      rest.push_back(size);
  return rest;
}

void ReduceOp::build(OpBuilder &builder, OperationState &state, ReduceKind kind, Value operand,
                     ArrayRef<int64_t> axes) {
  auto type = RankedTensorType::get(without(shapeOf(operand), axes), elementOf(operand));
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
  return verifyResult(*this, without(shapeOf(getOperand()), getAxes()), element,
                      "the operand without the reduced axes");
}

void ArgReduceOp::build(OpBuilder &builder, OperationState &state, ReduceKind kind, Value operand, int64_t axis) {
  auto type = RankedTensorType::get(without(shapeOf(operand), axis), builder.getI64Type());
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
  return verifyResult(*this, without(shape, axis), IntegerType::get(getContext(), 64), "the operand without the axis");
}

LogicalResult CumulativeOp::verify() { return verifyAxis(*this, getAxis(), shapeOf(getOperand()).size()); }

} // namespace dlc::dl
