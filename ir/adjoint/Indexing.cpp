// Adjoint rules of gather and scatter_add, of slices and updates at computed places: each is the other's.
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

LogicalResult DynamicSliceOp::adjoint(AdjointContext &context) {
  Value zero = splat(context.builder, context.loc(), getOperand().getType(), 0);
  context.set(0, DynamicUpdateOp::create(context.builder, context.loc(), zero.getType(), true, zero,
                                         context.cotangent(), getStarts(), getAxes()));
  return success();
}

/// What was replaced has no part in the result; what was added to has.
LogicalResult DynamicUpdateOp::adjoint(AdjointContext &context) {
  Value cotangent = context.cotangent();
  if (context.wants(0)) {
    Value rest = cotangent;
    if (!getAdd()) {
      Value zero = splat(context.builder, context.loc(), getUpdate().getType(), 0);
      rest = DynamicUpdateOp::create(context.builder, context.loc(), getType(), false, cotangent, zero, getStarts(),
                                     getAxes());
    }
    context.set(0, rest);
  }
  if (context.wants(1))
    context.set(1, DynamicSliceOp::create(context.builder, context.loc(), getUpdate().getType(), cotangent, getStarts(),
                                          getAxes()));
  return success();
}

} // namespace dlc::dl
