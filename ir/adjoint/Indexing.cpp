// Adjoint rules of gather and scatter_add: each is the other's.
#include "ir/Builders.h"

using namespace mlir;

namespace dlc::dl {

LogicalResult GatherOp::adjoint(AdjointContext &context) {
  Value zero = splat(context.builder, context.loc(), getOperand().getType(), 0);
  context.set(0, ScatterAddOp::create(context.builder, context.loc(), zero.getType(), zero, getIndices(),
                                      context.cotangent(), getAxis()));
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
