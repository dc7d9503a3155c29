// Replaces every dl.grad by its body and the reverse sweep.
//
// 1. Gradients are taken from the inside out: an inner one is plain operations when the outer one's sweep meets it.
// 2. The sweep runs inside the region, where the inputs are block arguments: what the region captures, even an input's
//    own value, is a constant to it.
// 3. Then the region's operations move in front of the dl.grad, and its results are the values and cotangents.

#include "ir/Dialect.h"
#include "ir/ReverseSweep.h"
#include "passes/Passes.h"

using namespace mlir;

namespace dlc {
#define GEN_PASS_DEF_EXPANDGRAD
#include "passes/Passes.h.inc"

namespace {

struct ExpandGrad : impl::ExpandGradBase<ExpandGrad> {
  using ExpandGradBase::ExpandGradBase;

  void runOnOperation() override {
    SmallVector<dl::GradOp> grads;
    getOperation().walk([&](dl::GradOp grad) { grads.push_back(grad); });
    for (dl::GradOp grad : grads)
      if (failed(expand(grad)))
        return signalPassFailure();
  }

private:
  static LogicalResult expand(dl::GradOp grad) {
    Block &body = grad->getRegion(0).front();
    Operation *yield = body.getTerminator();
    OpBuilder builder(yield);
    SmallVector<Value> outputs(yield->getOperands().drop_back(grad.getAux()));
    SmallVector<Value> inputs(body.args_begin(), body.args_end());
    FailureOr<SmallVector<Value>> cotangents =
        dl::reverseSweep(builder, outputs, SmallVector<Value>(grad.getCotangents()), inputs);
    if (failed(cotangents))
      return failure();
    // The sweep may have replaced what is yielded; and block arguments among the results become the inputs below.
    SmallVector<Value> results(yield->getOperands());
    for (auto [input, cotangent] : llvm::zip_equal(inputs, *cotangents))
      results.push_back(cotangent ? cotangent : zeroOf(builder, grad.getLoc(), input));
    yield->setOperands(results);
    for (auto [argument, input] : llvm::zip_equal(inputs, grad.getInputs()))
      argument.replaceAllUsesWith(input);
    results.assign(yield->operand_begin(), yield->operand_end());
    yield->erase();
    grad->getBlock()->getOperations().splice(grad->getIterator(), body.getOperations());
    grad->replaceAllUsesWith(results);
    grad->erase();
    return success();
  }

  static Value zeroOf(OpBuilder &builder, Location loc, Value value) {
    return dl::ConstantOp::create(builder, loc, cast<RankedTensorType>(value.getType()), 0.0);
  }
};

} // namespace
} // namespace dlc
