// Elementwise operations: builders, folders and what ODS does not verify.
#include "ir/Elementary.h"

using namespace mlir;

namespace dlc::dl {

bool isElementary(Operation *op) {
#define ELEMENTARY(Op, mnemonic, name, value, cost)                                                                    \
  if (isa<Op>(op))                                                                                                     \
    return true;
#include "ir/ElementaryFunctions.def"
  return false;
}

void CompareOp::build(OpBuilder &builder, OperationState &state, ComparePredicate predicate, Value lhs, Value rhs) {
  build(builder, state, withElement(lhs.getType(), builder.getI1Type()), predicate, lhs, rhs);
}

void CastOp::build(OpBuilder &builder, OperationState &state, Value operand, Type elementType) {
  build(builder, state, withElement(operand.getType(), elementType), operand);
}

bool isExactCast(Type from, Type to) {
  if (from == to || from.isInteger(1))
    return true;
  if (auto toFloat = dyn_cast<FloatType>(to)) {
    if (auto fromFloat = dyn_cast<FloatType>(from))
      return toFloat.getWidth() > fromFloat.getWidth();
    return from.getIntOrFloatBitWidth() <= toFloat.getFPMantissaWidth();
  }
  return isa<IntegerType>(from) && !to.isInteger(1) && to.getIntOrFloatBitWidth() > from.getIntOrFloatBitWidth();
}

OpFoldResult CastOp::fold(FoldAdaptor) {
  if (getOperand().getType() == getType())
    return getOperand();
  auto inner = getOperand().getDefiningOp<CastOp>();
  if (inner && inner.getOperand().getType() == getType() &&
      isExactCast(elementOf(inner.getOperand()), elementOf(inner.getResult())))
    return inner.getOperand();
  return {};
}

LogicalResult CheckIndexOp::verify() {
  int64_t limit = getLimit();
  if (limit < 0)
    return emitOpError() << "limit is " << limit << ", expected a count of at least 0";
  if (int64_t low = getLow(); low > 0)
    return emitOpError() << "low is " << low << ", expected 0 or a place from the end";
  return success();
}

} // namespace dlc::dl
