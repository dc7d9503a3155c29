// The maximum (or minimum) of relu(x) is relu of that of x, and their gradients agree (stage graph, before gradients are
// taken).
//
// relu keeps the order of its operand's elements, and what it makes equal has no gradient. After the extremum there are
// fewer elements, and no mask of all of them is kept for the gradient.

#include "ir/Builders.h"
#include "passes/Passes.h"

using namespace mlir;

namespace dlc {
#define GEN_PASS_DEF_RELUAFTEREXTREMA
#include "passes/Passes.h.inc"

namespace {

void moveBehind(dl::ReduceOp reduce) {
  if (reduce.getKind() != dl::ReduceKind::max && reduce.getKind() != dl::ReduceKind::min)
    return;
  Value value = reduce.getOperand();
  while (value.hasOneUse() && isa_and_nonnull<dl::WindowOp, dl::ReshapeOp, dl::TransposeOp>(value.getDefiningOp()))
    value = value.getDefiningOp()->getOperand(0);
  auto relu = value.getDefiningOp<dl::ReluOp>();
  if (!relu || !relu->hasOneUse() || reduce.getAxes().empty() ||
      ShapedType::getNumElements(dl::shapeOf(reduce.getOperand())) == 0)
    return;
  relu.replaceAllUsesWith(relu.getOperand());
  OpBuilder builder(reduce->getContext());
  builder.setInsertionPointAfter(reduce);
  Operation *after = dl::ReluOp::create(builder, relu.getLoc(), reduce.getResult());
  reduce.getResult().replaceAllUsesExcept(after->getResult(0), after);
  relu.erase();
}

struct ReluAfterExtrema : impl::ReluAfterExtremaBase<ReluAfterExtrema> {
  using ReluAfterExtremaBase::ReluAfterExtremaBase;

  void runOnOperation() override { getOperation().walk(moveBehind); }
};

} // namespace
} // namespace dlc
