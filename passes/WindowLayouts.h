// The order of axes around products of windows (convolutions): which tensors have their channels or the batch innermost.
#pragma once

#include "ir/Dialect.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/DenseMap.h"
#include <optional>

namespace dlc {

/// For each axis of `to`, the axis of `from` (the first of several) that a reshape makes it of. Nothing where the reshape cuts
/// or joins other than whole axes.
std::optional<llvm::SmallVector<int64_t>> axesThroughReshape(llvm::ArrayRef<int64_t> from, llvm::ArrayRef<int64_t> to);

/// The letter of the batch along which a product of windows runs its vectors; 0 where it does not.
char batchOfVectors(dl::KernelOp kernel);

/// Gives the products of windows that run their vectors along a batch copies of the function's arguments that they slide on:
/// what a caller hands over has the program's order.
void copyTurnedArguments(mlir::func::FuncOp function);

/// For the results of kernels that gain from it, the axis that is to be innermost; all others keep the program's order.
/// `isFree` says whether an axis of a value may be moved there.
llvm::DenseMap<mlir::Value, int64_t> innermostAxes(mlir::func::FuncOp function,
                                                   llvm::function_ref<bool(mlir::Value, int64_t axis)> isFree);

/// The order of axes that a product of windows wants of the kernel's argument `weights`, which does not slide: taps
/// outermost, the axis that vectors run along innermost. Nothing where there is no such product.
std::optional<llvm::SmallVector<int64_t>> orderOfWeights(dl::KernelOp kernel, mlir::BlockArgument weights);

} // namespace dlc
