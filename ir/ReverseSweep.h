// The reverse sweep over a block: cotangents from outputs to inputs by the operations' adjoint rules. It names no
// operation. Griewank and Walther, "Evaluating Derivatives" (2nd ed.), chapter 3.
#pragma once

#include "mlir/IR/Builders.h"
#include "llvm/ADT/DenseSet.h"

namespace dlc::dl {

/// The module whose functions are called, while it lives: a sweep works on regions that stand in no module yet.
class CalleesOf {
public:
  explicit CalleesOf(mlir::Operation *module);
  ~CalleesOf();
  CalleesOf(const CalleesOf &) = delete;

private:
  mlir::Operation *outer;
};

/// The values of `block` that depend on `inputs` (themselves included) and can carry a gradient: floats, not behind an
/// operation without one. `end` is the first operation that is not looked at; null means the whole block.
llvm::DenseSet<mlir::Value> activeValues(mlir::Block &block, mlir::Operation *end, llvm::ArrayRef<mlir::Value> inputs);

/// The cotangents of `inputs`, null for those that get none, given those of `outputs` (null is zero). The primal
/// operations are those of the builder's block before its insertion point, where the adjoint's are put. Only operations
/// on a path from an input to an output are visited; values from outside the block are constants. Fails, with an error
/// on the operation, where one of these has no gradient.
///
/// A rule may replace the uses of a primal result by an equal value that was saved more of: whoever keeps outputs
/// across the sweep should read them again (from the yield) after it.
llvm::FailureOr<llvm::SmallVector<mlir::Value>> reverseSweep(mlir::OpBuilder &builder,
                                                             llvm::ArrayRef<mlir::Value> outputs,
                                                             llvm::ArrayRef<mlir::Value> cotangents,
                                                             llvm::ArrayRef<mlir::Value> inputs);

} // namespace dlc::dl
