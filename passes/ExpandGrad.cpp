// Replaces every dl.grad by its body and the reverse sweep, every dl.jvp by its body and the forward sweep.
//
// 1. The rules (`dl.derivative`) of the functions that a function calls come first: a sweep puts their bodies in.
// 2. Gradients are taken from the inside out: an inner one is plain operations when the outer one's sweep meets it.
// 3. The sweep runs inside the region, where the inputs are block arguments: what the region captures, even an input's
//    own value, is a constant to it.
// 4. Then the region's operations move in front of the dl.grad, and its results are the values and cotangents.

#include "ir/Dialect.h"
#include "ir/ForwardSweep.h"
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
    SmallVector<Operation *> derivatives;
    function.walk([&](Operation *op) {
      if (isa<dl::GradOp, dl::JvpOp>(op))
        derivatives.push_back(op);
    });
    for (Operation *op : derivatives)
      if (failed(isa<dl::GradOp>(op) ? expand(cast<dl::GradOp>(op)) : expand(cast<dl::JvpOp>(op))))
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
    inlineBody(grad, body);
    return success();
  }

  /// The same forwards.
  static LogicalResult expand(dl::JvpOp jvp) {
    Block &body = jvp->getRegion(0).front();
    dl::Tangents tangents;
    for (auto [argument, tangent] : llvm::zip_equal(body.getArguments(), jvp.getTangents()))
      tangents[argument] = tangent;
    if (failed(dl::forwardSweep(body, tangents)))
      return failure();
    Operation *yield = body.getTerminator();
    OpBuilder builder(yield);
    SmallVector<Value> results(yield->getOperands());
    for (Value value : yield->getOperands()) {
      Value tangent = tangents.lookup(value);
      results.push_back(tangent ? tangent : zeroOf(builder, jvp.getLoc(), value));
    }
    yield->setOperands(results);
    for (auto [argument, input] : llvm::zip_equal(body.getArguments(), jvp.getInputs()))
      argument.replaceAllUsesWith(input);
    inlineBody(jvp, body);
    return success();
  }

  /// Puts what is in the region of `op`, and no argument of which is used any more, in its place.
  static void inlineBody(Operation *op, Block &body) {
    Operation *yield = body.getTerminator();
    SmallVector<Value> results(yield->getOperands());
    yield->erase();
    op->getBlock()->getOperations().splice(op->getIterator(), body.getOperations());
    op->replaceAllUsesWith(results);
    op->erase();
  }

  static Value zeroOf(OpBuilder &builder, Location loc, Value value) {
    return dl::ConstantOp::create(builder, loc, cast<RankedTensorType>(value.getType()), 0.0);
  }
};

} // namespace
} // namespace dlc
