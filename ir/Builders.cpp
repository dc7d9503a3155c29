// Short ways to build operations of the graph stage (Builders.h).
#include "ir/Builders.h"

#include "mlir/IR/IRMapping.h"

using namespace mlir;

namespace dlc::dl {

Value splat(OpBuilder &builder, Location loc, Type type, double value) {
  return ConstantOp::create(builder, loc, cast<RankedTensorType>(type), value);
}

Value broadcastTo(OpBuilder &builder, Location loc, Value value, ArrayRef<int64_t> shape, ArrayRef<int64_t> axes) {
  return shapeOf(value) == shape ? value : BroadcastOp::create(builder, loc, value, shape, axes).getResult();
}

Value sumTo(OpBuilder &builder, Location loc, Value value, ArrayRef<int64_t> axes) {
  return axes.empty() ? value : ReduceOp::create(builder, loc, ReduceKind::sum, value, axes).getResult();
}

Value scale(OpBuilder &builder, Location loc, Value value, double factor) {
  return MulOp::create(builder, loc, value, splat(builder, loc, value.getType(), factor));
}

Value reshapeTo(OpBuilder &builder, Location loc, Value value, ArrayRef<int64_t> shape) {
  return shapeOf(value) == shape ? value : ReshapeOp::create(builder, loc, value, shape).getResult();
}

SmallVector<Value> inlineBody(OpBuilder &builder, func::FuncOp callee, ValueRange operands, Location call) {
  IRMapping mapping;
  mapping.map(callee.getArguments(), operands);
  Location place = NameLoc::get(builder.getStringAttr(callee.getName()), call);
  Block &body = callee.getBody().front();
  for (Operation &op : body.without_terminator()) {
    Operation *copy = builder.clone(op, mapping);
    copy->walk([&](Operation *inner) { inner->setLoc(CallSiteLoc::get(inner->getLoc(), place)); });
  }
  return llvm::map_to_vector(body.getTerminator()->getOperands(),
                             [&](Value result) { return mapping.lookupOrDefault(result); });
}

SmallVector<int64_t> otherAxes(int64_t rank, ArrayRef<int64_t> axes) {
  SmallVector<int64_t> others;
  for (int64_t axis = 0; axis < rank; ++axis)
    if (!llvm::is_contained(axes, axis))
      others.push_back(axis);
  return others;
}

SmallVector<int64_t> withoutAxes(ArrayRef<int64_t> shape, ArrayRef<int64_t> axes) {
  return llvm::map_to_vector(otherAxes(shape.size(), axes), [&](int64_t axis) { return shape[axis]; });
}

SmallVector<int64_t> inverted(ArrayRef<int64_t> permutation) {
  SmallVector<int64_t> inverse(permutation.size());
  for (auto [to, from] : llvm::enumerate(permutation))
    inverse[from] = to;
  return inverse;
}

bool isFloat(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  return tensor && isa<FloatType>(tensor.getElementType());
}

Value Arithmetic::add(Value lhs, Value rhs) { return make<AddOp>(lhs, rhs); }
Value Arithmetic::sub(Value lhs, Value rhs) { return make<SubOp>(lhs, rhs); }
Value Arithmetic::mul(Value lhs, Value rhs) { return make<MulOp>(lhs, rhs); }
Value Arithmetic::div(Value lhs, Value rhs) { return make<DivOp>(lhs, rhs); }
Value Arithmetic::neg(Value operand) { return make<NegOp>(operand); }
Value Arithmetic::scale(Value operand, double factor) { return dl::scale(builder, loc, operand, factor); }
Value Arithmetic::like(Value value, double element) { return splat(builder, loc, value.getType(), element); }

Value Arithmetic::compare(ComparePredicate predicate, Value lhs, Value rhs) {
  return CompareOp::create(builder, loc, predicate, lhs, rhs);
}

Value Arithmetic::select(Value condition, Value onTrue, Value onFalse) {
  return SelectOp::create(builder, loc, condition, onTrue, onFalse);
}

} // namespace dlc::dl
