// Puts the bodies of functions in the place of their calls, also inside regions.
//
// 1. Functions are visited callees first, so that each body is inlined into its callers complete.
// 2. A call of a function with `dl.derivative` stays unless `all` is set: its rule is its adjoint.
// 3. With `all`, private functions are deleted afterwards; nothing refers to them any more.
//
// Operations keep their own place and add the place of the call, under the callee's name, so that an error can name
// both.

#include "ir/Dialect.h"
#include "passes/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/IRMapping.h"

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
      if (all || !callee->hasAttr("dl.derivative"))
        inlineCall(call, callee);
    }
    states[function] = State::done;
    return success();
  }

  void inlineCall(dl::CallOp call, func::FuncOp callee) {
    OpBuilder builder(call);
    IRMapping mapping;
    mapping.map(callee.getArguments(), call.getOperands());
    Location callLoc = NameLoc::get(builder.getStringAttr(callee.getName()), call.getLoc());
    Block &body = callee.getBody().front();
    for (Operation &op : body.without_terminator()) {
      Operation *clone = builder.clone(op, mapping);
      clone->walk([&](Operation *inner) { inner->setLoc(CallSiteLoc::get(inner->getLoc(), callLoc)); });
    }
    for (auto [result, value] : llvm::zip_equal(call.getResults(), body.getTerminator()->getOperands()))
      result.replaceAllUsesWith(mapping.lookupOrDefault(value));
    call.erase();
  }
};

} // namespace
} // namespace dlc
