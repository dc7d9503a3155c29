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

/// What both kinds of reductions ask: a kind that fits the elements, axes that the operand has.
template <class Op> static LogicalResult verifyJoin(Op op) {
  Type element = elementOf(op.getOperand());
  bool logical = op.getKind() == ReduceKind::all || op.getKind() == ReduceKind::any;
  if (logical != element.isInteger(1))
    return op.emitOpError() << "`" << stringifyReduceKind(op.getKind()) << "` joins " << (logical ? "`i1`" : "numbers")
                            << ", found elements of " << element;
  return verifyAxes(op, op.getAxes(), shapeOf(op.getOperand()).size());
}

LogicalResult ReduceOp::verify() {
  if (failed(verifyJoin(*this)))
    return failure();
  return verifyResult(*this, withoutAxes(shapeOf(getOperand()), getAxes()), elementOf(getOperand()),
                      "the operand without the reduced axes");
}

/// The type of the parts: one more axis in front; sums of bf16 keep their digits until the parts are joined.
static RankedTensorType partsType(Value operand, ArrayRef<int64_t> axes, int64_t chunk, int64_t axis) {
  SmallVector<int64_t> shape = {int64_t(llvm::divideCeil(shapeOf(operand)[axis], chunk))};
  llvm::append_range(shape, withoutAxes(shapeOf(operand), axes));
  Type element = elementOf(operand);
  return RankedTensorType::get(shape, element.isBF16() ? Float32Type::get(element.getContext()) : element);
}

void ReducePartsOp::build(OpBuilder &builder, OperationState &state, ReduceKind kind, Value operand,
                          ArrayRef<int64_t> axes, int64_t chunk, int64_t axis) {
  build(builder, state, partsType(operand, axes, chunk, axis), kind, operand, axes, chunk, axis);
}

LogicalResult ReducePartsOp::verify() {
  if (failed(verifyJoin(*this)))
    return failure();
  int64_t axis = getAxis(), chunk = getChunk();
  if (!llvm::is_contained(getAxes(), axis))
    return emitOpError() << "cuts axis " << axis << ", expected one of the reduced axes " << listText(getAxes());
  if (chunk < 1)
    return emitOpError() << "has chunks of " << chunk << " elements, expected at least 1";
  auto expected = partsType(getOperand(), getAxes(), chunk, axis);
  return verifyResult(*this, expected.getShape(), expected.getElementType(),
                      "the number of parts and the operand without the reduced axes");
}

bool isReduction(Operation *op) { return isa<ReduceOp, ReducePartsOp, ArgReduceOp>(op); }

SmallVector<int64_t> reducedAxes(Operation *op) {
  if (auto reduce = dyn_cast<ReduceOp>(op))
    return SmallVector<int64_t>(reduce.getAxes());
  if (auto parts = dyn_cast<ReducePartsOp>(op))
    return SmallVector<int64_t>(parts.getAxes());
  return {static_cast<int64_t>(cast<ArgReduceOp>(op).getAxis())};
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

LogicalResult CumulativeOp::verify() {
  if (getKind() == CumulativeKind::logsumexp && !isFloat(getType()))
    return emitOpError() << "`logsumexp` joins floats, found elements of " << elementOf(getOperand());
  return verifyAxis(*this, getAxis(), shapeOf(getOperand()).size());
}

LogicalResult RecurrenceOp::verify() { return verifyAxis(*this, getAxis(), shapeOf(getTerm()).size()); }

} // namespace dlc::dl
