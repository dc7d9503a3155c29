// Values without elements (an axis has size 0) are constants, and so is what is computed from them.
//
// It takes the stage gradient and leaves it. What holds after: an operation outside of regions reads a value without
// elements only if its own result has none, so that no kernel has to know of empty loops; those that are left write
// nothing at all and are not run.

#include "ir/Builders.h"
#include "ir/evaluate/Evaluator.h"
#include "passes/Passes.h"

using namespace mlir;

namespace dlc {
#define GEN_PASS_DEF_FOLDEMPTY
#include "passes/Passes.h.inc"

namespace {

bool isEmpty(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  return type && type.getNumElements() == 0;
}

/// What `op` of a single result computes, if it or an operand of it has no elements; else null.
Value folded(OpBuilder &builder, Operation *op) {
  Value result = op->getResult(0);
  Location loc = op->getLoc();
  if (isEmpty(result))
    return dl::splat(builder, loc, result.getType(), 0);
  if (llvm::none_of(op->getOperands(), isEmpty))
    return Value();
  if (auto concat = dyn_cast<dl::ConcatOp>(op)) {
    SmallVector<Value> parts(llvm::make_filter_range(op->getOperands(), [](Value part) { return !isEmpty(part); }));
    return dl::ConcatOp::create(builder, loc, parts, concat.getAxis());
  }
  if (isa<dl::ScatterAddOp, dl::DynamicUpdateOp>(op))
    return op->getOperand(0);
  // The neutral element of the join.
  if (auto reduce = dyn_cast<dl::ReduceOp>(op)) {
    auto type = cast<RankedTensorType>(reduce.getOperand().getType());
    auto nothing = DenseElementsAttr::get(type, Builder(op->getContext()).getZeroAttr(type.getElementType()));
    FailureOr<DenseElementsAttr> neutral = dl::evaluate(op, nothing);
    if (failed(neutral))
      return Value();
    auto all = DenseElementsAttr::get(cast<ShapedType>(result.getType()), *neutral->value_begin<Attribute>());
    return dl::ConstantOp::create(builder, loc, result.getType(), all);
  }
  // The sum of no products; padding around nothing; rows of a table without any, of which a check forbids each.
  return dl::splat(builder, loc, result.getType(), 0);
}

struct FoldEmpty : impl::FoldEmptyBase<FoldEmpty> {
  using FoldEmptyBase::FoldEmptyBase;

  void runOnOperation() override {
    getOperation().walk([](Operation *op) {
      // Of matrices without elements every factor is without; their determinant is a product of nothing.
      if (isa<dl::LinalgOp>(op) && isEmpty(op->getOperand(0))) {
        OpBuilder builder(op);
        SmallVector<Value> values = llvm::map_to_vector(
            op->getResults(), [&](Value result) { return dl::splat(builder, op->getLoc(), result.getType(), 1); });
        op->replaceAllUsesWith(values);
        op->erase();
        return;
      }
      bool simple = op->getNumResults() == 1 && op->getNumRegions() == 0 && op->getNumOperands() > 0;
      if (!simple || !(isPure(op) || isa<dl::CheckIndexOp, dl::CheckOp>(op)))
        return;
      OpBuilder builder(op);
      if (Value value = folded(builder, op)) {
        op->replaceAllUsesWith(ValueRange(value));
        op->erase();
      }
    });
  }
};

} // namespace
} // namespace dlc
