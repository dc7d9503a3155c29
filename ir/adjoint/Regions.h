// What the adjoint rules of operations with regions share: running a region's operations again and sweeping over them.
#pragma once

#include "ir/Dialect.h"
#include "mlir/IR/IRMapping.h"

namespace dlc::dl {

/// Puts copies of the operations of `block`, without its terminator, at the builder; `mapping` holds what stands for
/// the block's arguments and then the copies' results. Checks and prints are left out: the forward pass has
/// checked and printed.
void cloneBody(mlir::OpBuilder &builder, mlir::Block &block, mlir::IRMapping &mapping);

/// Replaces every check under `op` by its operand, and erases every print.
void dropEffects(mlir::Operation *op);

/// Erases the operations of `block` that nothing uses and that have no effect.
void eraseDead(mlir::Block &block);

/// Appends arguments of these types to the block.
llvm::SmallVector<mlir::Value> addArguments(mlir::Block &block, mlir::TypeRange types, mlir::Location loc);

/// The values, with zeros (of the matching type) for the null ones.
llvm::SmallVector<mlir::Value> orZeros(mlir::OpBuilder &builder, mlir::Location loc, llvm::ArrayRef<mlir::Value> values,
                                       mlir::TypeRange types);

} // namespace dlc::dl
