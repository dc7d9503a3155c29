// In which order kernels run, and which of them may write a new value over the old one.
#pragma once

#include "ir/Dialect.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace dlc {

/// A kernel's result that replaces an argument's value.
struct PlanUpdate {
  mlir::OpResult result;
  mlir::BlockArgument argument;
  /// Written over the old value; else into a buffer of its own, and copied when every kernel has run.
  bool inPlace;
};

struct PlanOrder {
  llvm::SmallVector<dl::KernelOp> kernels;
  llvm::SmallVector<PlanUpdate> updates;
};

/// Orders the kernels of a function in stage fused: checks first; readers of an old value before the kernel that writes
/// over it; else what frees most memory first. Nothing is written over an argument before every check has run.
/// `inPlace` false writes nothing over an old value. Fails, with an error, when kernels wait for each other in a circle.
llvm::FailureOr<PlanOrder> planOrder(mlir::func::FuncOp function, bool inPlace);

} // namespace dlc
