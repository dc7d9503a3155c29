// In which order kernels, loops and branches run, in each block, and which values are written over others.
#pragma once

#include "ir/Dialect.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace dlc {

/// A value of a block that takes the place of an argument of the block when the block ends.
struct PlanUpdate {
  mlir::Value result;
  mlir::BlockArgument argument;
  /// Written over the old value; else into a buffer of its own.
  bool inPlace = false;
};

/// The order of a block's kernels, loops and branches, and its updates.
struct BlockOrder {
  llvm::SmallVector<mlir::Operation *> ops;
  llvm::SmallVector<PlanUpdate> updates;

  /// Whether `result` is written over the argument that it updates.
  bool isInPlace(mlir::Value result) const;
};

/// Of a function and of all regions of its loops and branches.
using PlanOrder = llvm::DenseMap<mlir::Block *, BlockOrder>;

/// Orders the blocks of a function in stage fused: checks first; readers of an old value before what writes over it; else
/// what frees most memory first. Nothing is written over an argument of the function before every check and every loop has
/// run: what fails or stops has changed nothing. What the iteration of a loop carries is written over what it began with
/// where that goes. `inPlace` false writes nothing over an old value. Fails, with an error, when kernels wait for each
/// other in a circle.
llvm::FailureOr<PlanOrder> planOrder(mlir::func::FuncOp function, bool inPlace);

/// A value of a loop's block at an iteration's end and the argument that is that value in the next one. The flag that ends
/// the loop and the entries of stacks are none.
llvm::SmallVector<PlanUpdate> carriedBy(mlir::Operation *loop);
/// The value over which a result is written: what a loop begins with, or an update. Null for any other result, and where
/// the value is needed still.
mlir::Value initOf(mlir::Value result);
/// Whether such a result lies where its value began: not so when a carried value alternates between two buffers.
bool staysInPlace(mlir::OpResult result, const PlanOrder &order);

} // namespace dlc
