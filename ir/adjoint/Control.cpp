// Adjoint rules of branches, calls and unbounded loops (that of dl.scan is in Scan.cpp).
#include "ir/Builders.h"
#include "ir/ReverseSweep.h"
#include "ir/adjoint/Regions.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

using namespace mlir;

namespace dlc::dl {

/// One branch of the adjoint: from the inputs and the cotangents to the inputs' cotangents, by running the primal
/// branch again and sweeping over it. `places` are the results that have a cotangent, `wanted` the inputs that want
/// theirs.
static LogicalResult buildBranch(Location loc, Region &primal, ArrayRef<unsigned> places, ArrayRef<unsigned> wanted,
                                 TypeRange cotangentTypes, Region &branch) {
  Block &from = primal.front(), &block = branch.emplaceBlock();
  OpBuilder builder = OpBuilder::atBlockEnd(&block);
  SmallVector<Value> inputs = addArguments(block, from.getArgumentTypes(), loc);
  SmallVector<Value> cotangents = addArguments(block, cotangentTypes, loc);
  IRMapping mapping;
  mapping.map(from.getArguments(), inputs);
  cloneBody(builder, from, mapping);
  SmallVector<Value> outputs, targets;
  for (unsigned place : places)
    outputs.push_back(mapping.lookup(from.getTerminator()->getOperand(place)));
  for (unsigned i : wanted)
    targets.push_back(inputs[i]);
  FailureOr<SmallVector<Value>> adjoints = reverseSweep(builder, outputs, cotangents, targets);
  if (failed(adjoints))
    return failure();
  YieldOp::create(builder, loc, orZeros(builder, loc, *adjoints, ValueRange(targets).getTypes()));
  return success();
}

/// An if by the same condition over the inputs and the cotangents.
LogicalResult IfOp::adjoint(AdjointContext &context) {
  SmallVector<unsigned> places, wanted;
  SmallVector<Value> cotangents;
  SmallVector<Type> types;
  for (unsigned i = 0; i < getNumResults(); ++i)
    if (Value cotangent = context.cotangent(i)) {
      places.push_back(i);
      cotangents.push_back(cotangent);
    }
  for (auto [i, input] : llvm::enumerate(getInputs()))
    if (context.wants(i + 1)) {
      wanted.push_back(i);
      types.push_back(input.getType());
    }
  SmallVector<Value> inputs(getInputs());
  llvm::append_range(inputs, cotangents);
  auto branches = IfOp::create(context.builder, context.loc(), types, getCondition(), inputs);
  TypeRange cotangentTypes = ValueRange(cotangents).getTypes();
  if (failed(buildBranch(context.loc(), getThenRegion(), places, wanted, cotangentTypes, branches.getThenRegion())) ||
      failed(buildBranch(context.loc(), getElseRegion(), places, wanted, cotangentTypes, branches.getElseRegion())))
    return failure();
  for (auto [i, result] : llvm::zip_equal(wanted, branches.getResults()))
    context.set(i + 1, result);
  return success();
}

LogicalResult WhileOp::adjoint(AdjointContext &) { return emitError() << "no gradient: `while` (bound it by a `for`)"; }

static thread_local Operation *calleesOf = nullptr;

CalleesOf::CalleesOf(Operation *module) : outer(std::exchange(calleesOf, module)) {}
CalleesOf::~CalleesOf() { calleesOf = outer; }

/// The function that a symbol names, also for an operation that stands in no module yet.
static func::FuncOp calleeOf(Operation *op, FlatSymbolRefAttr symbol) {
  if (auto found = SymbolTable::lookupNearestSymbolFrom<func::FuncOp>(op, symbol))
    return found;
  return calleesOf ? dyn_cast_or_null<func::FuncOp>(SymbolTable::lookupSymbolIn(calleesOf, symbol)) : func::FuncOp();
}

/// The callee's own rule, from primals, results and cotangents to the operands' cotangents. Its body stands in the
/// place of a call, so that it can be differentiated again.
LogicalResult CallOp::adjoint(AdjointContext &context) {
  auto callee = calleeOf(*this, getCalleeAttr());
  auto name = callee ? callee->getAttrOfType<FlatSymbolRefAttr>("dl.derivative") : FlatSymbolRefAttr();
  if (!name)
    return emitError() << "no gradient: `" << getCallee()
                       << "` (expected its body in the place of the call or `dl.derivative`)";
  SmallVector<Value> cotangents;
  for (unsigned i = 0; i < getNumResults(); ++i)
    cotangents.push_back(context.cotangent(i));
  SmallVector<Value> operands(getOperands());
  llvm::append_range(operands, getResults());
  llvm::append_range(operands, orZeros(context.builder, context.loc(), cotangents, getResultTypes()));
  auto rule = calleeOf(*this, name);
  auto expected = FunctionType::get(getContext(), ValueRange(operands).getTypes(), getOperandTypes());
  if (!rule || rule.isExternal() || rule.getFunctionType() != expected)
    return emitError() << "the rule `" << name.getValue() << "` of `" << getCallee() << "` "
                       << (rule && !rule.isExternal() ? "has another type" : "is no function with a body")
                       << ", expected " << expected;
  if (rule.walk([](GradOp) { return WalkResult::interrupt(); }).wasInterrupted())
    return emitError() << "no gradient: `" << getCallee() << "` (its rule `" << name.getValue()
                       << "` takes a gradient that needs the rule)";
  SmallVector<Value> results = inlineBody(context.builder, rule, operands, context.loc());
  for (unsigned i = 0; i < getNumOperands(); ++i)
    if (context.wants(i))
      context.set(i, results[i]);
  return success();
}

} // namespace dlc::dl
