// Loops and branches on buffers (stage planned): what flags, carried buffers and entries of stacks must be.
#include "ir/Dialect.h"

using namespace mlir;

namespace dlc::dl {

/// The memory of one entry: the strides without the first. Of what has no elements any strides will do.
static MemRefType entryOf(MemRefType stack) {
  ArrayRef<int64_t> shape = stack.getShape().drop_front();
  SmallVector<int64_t> strides = stack.getStridesAndOffset().first;
  bool isEmpty = llvm::is_contained(shape, 0), isDense = !isEmpty;
  int64_t expected = 1;
  for (size_t axis = shape.size(); axis-- > 0;) {
    isDense &= strides[axis + 1] == expected;
    expected *= shape[axis];
  }
  if (isDense)
    return MemRefType::get(shape, stack.getElementType());
  SmallVector<int64_t> inner(shape.size(), 1);
  if (!isEmpty)
    inner.assign(strides.begin() + 1, strides.end());
  return MemRefType::get(shape, stack.getElementType(), StridedLayoutAttr::get(stack.getContext(), 0, inner));
}

void EntryOp::build(OpBuilder &builder, OperationState &state, Value stack, Value index) {
  build(builder, state, entryOf(cast<MemRefType>(stack.getType())), stack, index);
}

LogicalResult EntryOp::verify() {
  auto stack = cast<MemRefType>(getStack().getType());
  SmallVector<int64_t> strides;
  int64_t offset = 0;
  if (stack.getRank() == 0 || !stack.hasStaticShape() || failed(stack.getStridesAndOffset(strides, offset)))
    return emitOpError() << "stack is " << stack << ", expected a leading axis and static strides";
  if (getType() != entryOf(stack))
    return emitOpError() << "result is " << getType() << ", expected " << entryOf(stack) << ", an entry of the stack";
  return success();
}

/// Fails unless `flag` is one bool in memory.
static LogicalResult verifyFlag(Operation *op, Value flag) {
  auto type = cast<MemRefType>(flag.getType());
  if (type.getRank() == 0 && type.getElementType().isInteger(1))
    return success();
  return op->emitOpError() << "flag is " << type << ", expected `memref<i1>`";
}

LogicalResult LoopOp::verify() {
  if (getLength() && int64_t(*getLength()) < 0)
    return emitOpError() << "runs " << int64_t(*getLength()) << " times, expected at least 0";
  if (getReverse() && !getLength())
    return emitOpError() << "counts down from no length";
  if (Value cell = getCell(); cell && cell.getType() != MemRefType::get({}, Builder(getContext()).getI64Type()))
    return emitOpError() << "cell is " << cell.getType() << ", expected `memref<i64>`";
  SmallVector<Type> types(block().getArgumentTypes());
  if (types.empty() || !types.front().isInteger(64) ||
      !llvm::equal(ArrayRef<Type>(types).drop_front(), getCarried().getTypes()) ||
      !llvm::equal(getResultTypes(), getCarried().getTypes()))
    return emitOpError() << "has the arguments " << TypeRange(types) << " and the results " << getResultTypes()
                         << ", expected an i64 and what it carries: " << getCarried().getTypes();
  return success();
}

LogicalResult NextOp::verify() {
  auto loop = cast<LoopOp>((*this)->getParentOp());
  if (!llvm::equal(getCarried().getTypes(), loop.getCarried().getTypes()))
    return emitOpError() << "hands on " << getCarried().getTypes()
                         << ", expected what the loop carries: " << loop.getCarried().getTypes();
  return getUntil() ? verifyFlag(*this, getUntil()) : success();
}

LogicalResult ExitOp::verify() { return verifyFlag(*this, getCondition()); }
LogicalResult BranchOp::verify() { return verifyFlag(*this, getCondition()); }

} // namespace dlc::dl
