// From a planned function to its kernels' functions and the step: the function with the ABI of runtime/Abi.h that runs the
// kernels in order, each on its tasks, alone or through the caller's threads. Kernels that are equal up to their buffers
// are emitted once; the step holds a table of them (StepTable.h).
#pragma once

#include "codegen/KernelEmitter.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/DenseMap.h"
#include <vector>

namespace dlc {

/// The distinct kernels of a planned function.
struct KernelTable {
  struct Entry {
    dl::KernelOp kernel;
    /// The function's name: that of the planned function, a dot, and the kernel's own (made unique).
    std::string name;
    KernelInfo info;
  };
  std::vector<Entry> entries;
  /// The entry of each kernel operation.
  llvm::DenseMap<mlir::Operation *, unsigned> entryOf;

  explicit KernelTable(mlir::func::FuncOp planned);
};

/// The symbol of the step of an entry: its name, unless compiled code calls a function of the C library by it, perhaps
/// only in the end (`pow`, `fma`, `memcpy`).
std::string stepSymbol(llvm::StringRef entry);

/// Emits the function of an entry at the builder's insertion point and fills in its info.
llvm::LogicalResult emitKernelOf(mlir::OpBuilder &builder, KernelTable::Entry &entry, const Target &target);

/// Emits `func.func @name(%params, %state, %inputs, %outputs, %arena, %context: !llvm.ptr) -> i64`. Kernels are called by
/// name; those that the module lacks are declared.
llvm::LogicalResult emitStep(mlir::OpBuilder &builder, mlir::func::FuncOp planned, const KernelTable &table,
                             llvm::StringRef name);

} // namespace dlc
