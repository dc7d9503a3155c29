// Values of a loop's body, computed for all iterations at once.
#pragma once

#include "passes/loops/ScanEditor.h"

namespace dlc {

/// Computes at a builder before the loop what the body computes of slices and invariants alone, each operation with one axis
/// more in front: that of the iterations.
class Batcher {
public:
  Batcher(ScanEditor &edit, mlir::OpBuilder &builder);

  /// Whether `value` can be computed for all iterations.
  bool isPossible(mlir::Value value);
  /// Whether it depends on a slice.
  bool varies(mlir::Value value);
  /// The value of all iterations, stacked; it varies and is possible.
  mlir::Value all(mlir::Value value);

private:
  mlir::Value once(mlir::Value value);
  mlir::Value spread(mlir::Value value);
  mlir::Value make(mlir::Operation *op);
  mlir::Value makeMovement(mlir::Operation *op);
  mlir::Value makeProduct(dl::ContractOp product);
  llvm::SmallVector<int64_t> larger(mlir::Value value) const;

  mlir::OpBuilder &builder;
  int64_t length;
  llvm::DenseMap<mlir::Value, mlir::Value> batched, same;
  llvm::DenseMap<mlir::Value, bool> possible;
};

} // namespace dlc
