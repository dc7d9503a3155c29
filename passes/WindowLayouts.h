// The order of axes around products of windows (convolutions): which tensors have their channels innermost.
#pragma once

#include "ir/Dialect.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/DenseMap.h"
#include <optional>

namespace dlc {

/// For each axis of `to`, the axis of `from` (the first of several) that a reshape makes it of. Nothing where the reshape cuts
/// or joins other than whole axes.
std::optional<llvm::SmallVector<int64_t>> axesThroughReshape(llvm::ArrayRef<int64_t> from, llvm::ArrayRef<int64_t> to);

/// For the results of kernels that gain from it, the axis that is to be innermost; all others keep the program's order.
/// `isFree` says whether the order of a value's axes may be chosen.
llvm::DenseMap<mlir::Value, int64_t> innermostAxes(mlir::func::FuncOp function,
                                                   llvm::function_ref<bool(mlir::Value)> isFree);

/// The order of axes that a product of windows wants of the kernel's argument `weights`, which does not slide: taps
/// outermost, the axis that vectors run along innermost. Nothing where there is no such product.
std::optional<llvm::SmallVector<int64_t>> orderOfWeights(dl::KernelOp kernel, mlir::BlockArgument weights);

} // namespace dlc
