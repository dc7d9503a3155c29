// Adjoint rules of gather and scatter_add: each is the other's.
#include "ir/Builders.h"

using namespace mlir;

namespace dlc::dl {

LogicalResult GatherOp::adjoint(AdjointContext &context) {
  // In bf16 a slice that is asked for often would stop growing: 256 + 1 is 256.
  OpBuilder &builder = context.builder;
  auto type = cast<RankedTensorType>(getOperand().getType());
  bool isNarrow = type.getElementType().isBF16();
  Type wide = isNarrow ? builder.getF32Type() : type.getElementType();
  Value updates = context.cotangent();
  if (isNarrow)
    updates = CastOp::create(builder, context.loc(), updates, wide);
  Value zero = splat(builder, context.loc(), type.clone(wide), 0);
  Value sum = ScatterAddOp::create(builder, context.loc(), zero.getType(), zero, getIndices(), updates, getAxis());
  context.set(0, isNarrow ? CastOp::create(builder, context.loc(), sum, type.getElementType()) : sum);
  return success();
}

LogicalResult ScatterAddOp::adjoint(AdjointContext &context) {
  context.set(0, context.cotangent());
  if (context.wants(2))
    context.set(
        2, GatherOp::create(context.builder, context.loc(), context.cotangent(), getIndices(), int64_t(getAxis())));
  return success();
}

} // namespace dlc::dl
