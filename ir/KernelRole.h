// What an operation is to kernels, in one table: fusion, the verifier of dl.kernel and the planner ask it here. An operation
// that is a kernel of its own has a line in the table, a KernelKind, and an emitter (codegen/KernelEmitter.cpp).
#pragma once

#include "ir/Dialect.h"

namespace dlc::dl {

/// How an operation reads an operand.
enum class OperandUse {
  point,    ///< at the element that it computes, or at one found from that alone (movements)
  anywhere, ///< at any element, computed where it is read
  viewed, ///< at any element of a value in memory, seen through reshapes, transpositions, reversals and windows, and by
          ///< products in part
  memory, ///< at any element of a value in memory
};

struct KernelRole {
  KernelKind kind = KernelKind::map;
  /// The kernel holds the operation, of block arguments, and nothing else.
  bool isAlone = false;
  /// The kernel's function may return a status: the step then ends.
  bool mayFail = false;
  /// The result is the first operand but for some elements: written over it, the others are not touched.
  bool writesOver = false;
  /// Nothing but scalars goes in, but its value depends on memory: it is no scalar arithmetic.
  bool isLookup = false;
  /// The uses of the first operands; the last one stands for all others.
  OperandUse uses[2] = {OperandUse::point, OperandUse::point};

  OperandUse use(unsigned operand) const { return uses[operand == 0 ? 0 : 1]; }
};

/// The role of an operation that stands in kernels.
KernelRole kernelRole(mlir::Operation *op);

/// The memory that a kernel of `op` alone works in; null when it needs none.
mlir::RankedTensorType scratchType(mlir::Operation *op);
/// In how many tasks the rows along `axis` are sorted; each has a part of the scratch memory of its own.
int64_t sortTasks(llvm::ArrayRef<int64_t> shape, int64_t axis);

/// Whether a print is, or stands in, `op`.
bool holdsPrint(mlir::Operation *op);
/// Whether a kernel that may fail is, or stands in, `op`.
bool holdsCheck(mlir::Operation *op);

/// Whether a loop or a branch: its regions hold kernels, and its operands and results are in memory.
bool holdsKernels(mlir::Operation *op);

} // namespace dlc::dl
