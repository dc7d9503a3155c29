// Replaces every dl.grad by its body and the reverse sweep.
//
// 1. The rules (`dl.derivative`) of the functions that a function calls come first: a sweep puts their bodies in.
// 2. Gradients are taken from the inside out: an inner one is plain operations when the outer one's sweep meets it.
// 3. The sweep runs inside the region, where the inputs are block arguments: what the region captures, even an input's
//    own value, is a constant to it.
// 4. Then the region's operations move in front of the dl.grad, and its results are the values and cotangents.

#include "ir/Dialect.h"
#include "ir/ReverseSweep.h"
#include "passes/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

using namespace mlir;

namespace dlc {
#define GEN_PASS_DEF_EXPANDGRAD
#include "passes/Passes.h.inc"

namespace {

struct ExpandGrad : impl::ExpandGradBase<ExpandGrad> {
  using ExpandGradBase::ExpandGradBase;

  void runOnOperation() override {
    SymbolTable symbols(getOperation());
    dl::CalleesOf callees(getOperation());
    llvm::DenseSet<Operation *> visited;
    for (func::FuncOp function : getOperation().getOps<func::FuncOp>())
      if (failed(expandIn(function, symbols, visited)))
        return signalPassFailure();
  }

private:
  static LogicalResult expandIn(func::FuncOp function, SymbolTable &symbols, llvm::DenseSet<Operation *> &visited) {
    if (!visited.insert(function).second)
      return success();
    SmallVector<func::FuncOp> rules;
    function.walk([&](dl::CallOp call) {
      auto callee = symbols.lookup<func::FuncOp>(call.getCallee());
      auto name = callee ? callee->getAttrOfType<FlatSymbolRefAttr>("dl.derivative") : FlatSymbolRefAttr();
      if (auto rule = name ? symbols.lookup<func::FuncOp>(name.getValue()) : func::FuncOp())
        rules.push_back(rule);
    });
    for (func::FuncOp rule : rules)
      if (failed(expandIn(rule, symbols, visited)))
        return failure();
    SmallVector<dl::GradOp> grads;
    function.walk([&](dl::GradOp grad) { grads.push_back(grad); });
    for (dl::GradOp grad : grads)
      if (failed(expand(grad)))
        return failure();
    return success();
  }

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
