// The reverse sweep (ReverseSweep.h).
//
// 1. Forward: which values depend on an input.
// 2. Backward over the operations: one whose result has a cotangent and depends on an input applies its rule; what
//    several uses contribute to a value is added in the order in which the sweep meets them.
#include "ir/ReverseSweep.h"

#include "ir/Builders.h"

using namespace mlir;

namespace dlc::dl {

llvm::DenseSet<Value> activeValues(Block &block, Operation *end, ArrayRef<Value> inputs) {
  llvm::DenseSet<Value> active;
  for (Value input : inputs)
    if (isFloat(input.getType()))
      active.insert(input);
  for (Operation &op : block) {
    if (&op == end)
      break;
    if (op.hasTrait<NonDifferentiable>() ||
        llvm::none_of(op.getOperands(), [&](Value operand) { return active.contains(operand); }))
      continue;
    for (Value result : op.getResults())
      if (isFloat(result.getType()))
        active.insert(result);
  }
  return active;
}

namespace {
/// The cotangents known so far.
class Cotangents {
public:
  Value of(Value value) const { return known.lookup(value); }
  void add(OpBuilder &builder, Location loc, Value value, Value contribution) {
    Value &sum = known[value];
    sum = sum ? AddOp::create(builder, loc, sum, contribution).getResult() : contribution;
  }

private:
  llvm::DenseMap<Value, Value> known;
};
} // namespace

/// Applies the rule of `op` and adds what it says.
static LogicalResult visit(OpBuilder &builder, Operation &op, const llvm::DenseSet<Value> &active,
                           Cotangents &cotangents) {
  SmallVector<Value> results =
      llvm::map_to_vector(op.getResults(), [&](Value result) { return cotangents.of(result); });
  SmallVector<bool> wanted =
      llvm::map_to_vector(op.getOperands(), [&](Value operand) { return active.contains(operand); });
  if (llvm::none_of(results, [](Value cotangent) { return bool(cotangent); }) || !llvm::is_contained(wanted, true))
    return success();
  auto rule = dyn_cast<AdjointOpInterface>(op);
  if (!rule)
    return op.emitError() << "no gradient: `" << op.getName().getStringRef() << "`";
  AdjointContext context(builder, &op, results, wanted);
  if (failed(rule.adjoint(context)))
    return failure();
  for (auto [i, operand] : llvm::enumerate(op.getOperands()))
    if (Value contribution = context.operandCotangent(i); contribution && wanted[i])
      cotangents.add(builder, op.getLoc(), operand, contribution);
  return success();
}

FailureOr<SmallVector<Value>> reverseSweep(OpBuilder &builder, ArrayRef<Value> outputs, ArrayRef<Value> cotangents,
                                           ArrayRef<Value> inputs) {
  Block &block = *builder.getInsertionBlock();
  Operation *end = builder.getInsertionPoint() == block.end() ? nullptr : &*builder.getInsertionPoint();
  llvm::DenseSet<Value> active = activeValues(block, end, inputs);
  Cotangents known;
  for (auto [output, cotangent] : llvm::zip_equal(outputs, cotangents))
    if (cotangent && active.contains(output))
      known.add(builder, cotangent.getLoc(), output, cotangent);

  // The operations before the adjoint's own, which are put behind them.
  SmallVector<Operation *> primal;
  for (Operation &op : block) {
    if (&op == end)
      break;
    primal.push_back(&op);
  }
  for (Operation *op : llvm::reverse(primal))
    if (llvm::any_of(op->getResults(), [&](Value result) { return active.contains(result); }) &&
        failed(visit(builder, *op, active, known)))
      return failure();
  return llvm::map_to_vector(inputs, [&](Value input) { return known.of(input); });
}

} // namespace dlc::dl
