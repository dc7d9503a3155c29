// Running a region's operations again (Regions.h).
#include "ir/adjoint/Regions.h"

#include "ir/Builders.h"

using namespace mlir;

namespace dlc::dl {

void dropEffects(Operation *op) {
  op->walk([&](Operation *inner) {
    if (inner == op || !isa<CheckIndexOp, CheckOp, PrintOp>(inner))
      return;
    if (!isa<PrintOp>(inner))
      inner->getResult(0).replaceAllUsesWith(inner->getOperand(0));
    inner->erase();
  });
}

void cloneBody(OpBuilder &builder, Block &block, IRMapping &mapping) {
  for (Operation &op : block.without_terminator()) {
    if (isa<CheckIndexOp, CheckOp>(op))
      mapping.map(op.getResult(0), mapping.lookupOrDefault(op.getOperand(0)));
    else if (!isa<PrintOp>(op))
      dropEffects(builder.clone(op, mapping));
  }
}

void eraseDead(Block &block) {
  for (Operation &op : llvm::make_early_inc_range(llvm::reverse(block)))
    if (isOpTriviallyDead(&op))
      op.erase();
}

SmallVector<Value> addArguments(Block &block, TypeRange types, Location loc) {
  SmallVector<Value> arguments;
  for (Type type : types)
    arguments.push_back(block.addArgument(type, loc));
  return arguments;
}

SmallVector<Value> orZeros(OpBuilder &builder, Location loc, ArrayRef<Value> values, TypeRange types) {
  SmallVector<Value> filled;
  for (auto [value, type] : llvm::zip_equal(values, types))
    filled.push_back(value ? value : splat(builder, loc, type, 0));
  return filled;
}

} // namespace dlc::dl
