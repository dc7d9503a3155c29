// Puts the bodies of functions in the place of their calls, also inside regions.
//
// 1. Functions are visited callees first, so that each body is inlined into its callers complete.
// 2. A call of a function with `dl.derivative` stays unless `all` is set: its rule is its adjoint.
// 3. With `all`, private functions are deleted afterwards; nothing refers to them any more.

#include "ir/Builders.h"
#include "passes/Passes.h"

using namespace mlir;

namespace dlc {
#define GEN_PASS_DEF_INLINECALLS
#include "passes/Passes.h.inc"

namespace {

struct InlineCalls : impl::InlineCallsBase<InlineCalls> {
  using InlineCallsBase::InlineCallsBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    SymbolTable symbols(module);
    for (func::FuncOp function : module.getOps<func::FuncOp>())
      if (failed(inlineInto(function, symbols)))
        return signalPassFailure();
    if (!all)
      return;
    for (func::FuncOp function : llvm::make_early_inc_range(module.getOps<func::FuncOp>()))
      if (function.isPrivate())
        function.erase();
  }

private:
  enum class State { untouched, open, done };
  llvm::DenseMap<Operation *, State> states;

  /// Inlines the calls of `function`, having done so in its callees.
  LogicalResult inlineInto(func::FuncOp function, SymbolTable &symbols) {
    if (states.lookup(function) == State::done)
      return success();
    states[function] = State::open;
    SmallVector<dl::CallOp> calls;
    function.walk([&](dl::CallOp call) { calls.push_back(call); });
    for (dl::CallOp call : calls) {
      auto callee = symbols.lookup<func::FuncOp>(call.getCallee());
      if (!callee || callee.isExternal())
        return call.emitOpError() << "calls `" << call.getCallee() << "`, which has no body";
      if (states.lookup(callee) == State::open)
        return call.emitOpError() << "calls `" << call.getCallee() << "` within itself: recursion cannot be inlined";
      if (failed(inlineInto(callee, symbols)))
        return failure();
      if (!all && callee->hasAttr("dl.derivative"))
        continue;
      OpBuilder builder(call);
      call->replaceAllUsesWith(dl::inlineBody(builder, callee, call.getOperands(), call.getLoc()));
      call.erase();
    }
    states[function] = State::done;
    return success();
  }
};

} // namespace
} // namespace dlc
