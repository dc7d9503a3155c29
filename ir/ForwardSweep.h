// The forward sweep over a block: tangents from inputs to what is computed from them, beside the values. Nothing is saved,
// so that loops without a bound have it too. Griewank and Walther, "Evaluating Derivatives" (2nd ed.), chapter 3.
#pragma once

#include "mlir/IR/Builders.h"
#include "llvm/ADT/DenseMap.h"

namespace dlc::dl {

/// Tangents of values; what has none is constant.
using Tangents = llvm::DenseMap<mlir::Value, mlir::Value>;

/// Adds to `tangents` those of all that the block computes. Loops and branches are replaced by such that compute both. Fails,
/// with an error on the operation, where one has no derivative.
llvm::LogicalResult forwardSweep(mlir::Block &block, Tangents &tangents);

} // namespace dlc::dl
