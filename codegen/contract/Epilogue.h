// What happens to finished sums of a product: the kernel's pointwise operations and the stores, for a vector of columns at
// a time. In place, right behind the inner loop, where the epilogue is short; otherwise as a function of its own that reads
// sums from memory: it is then compiled once for all tiles and takes no registers from the inner loop.
#pragma once

#include "codegen/KernelEmitter.h"
#include "codegen/contract/Plan.h"
#include "codegen/kernel/PointEmitter.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace dlc {

/// Some vectors of columns: the first element, and how many lanes of the last vector are alive.
struct ContractColumns {
  Index start;
  int64_t vectors, lastLive;
  int64_t live(int64_t vector, int64_t lanes) const { return vector + 1 == vectors ? lastLive : lanes; }
  /// Elements in all.
  int64_t count(int64_t lanes) const { return (vectors - 1) * lanes + lastLive; }
};

class ContractEpilogue {
public:
  ContractEpilogue(PointEmitter &points, const ContractPlan &plan, dl::ContractOp op)
      : points(points), plan(plan), op(op) {}

  /// The lanes of a vector of `columns` as an index along the column axis, and the mask of those alive (null: all).
  Index lanesOf(const ContractColumns &columns, int64_t vector);
  mlir::Value maskOf(const ContractColumns &columns, int64_t vector);
  /// Emits the epilogue of `sum`, the elements of vector `vector` of `columns` in row `row`, at `place` along the other axes.
  void finish(llvm::SmallVector<Index> place, const Index &row, const ContractColumns &columns, int64_t vector,
              mlir::Value sum);
  /// Asks for the cache lines of the tensors as large as the result that the epilogue of `rows` rows of `columns` reads.
  void prefetch(llvm::SmallVector<Index> place, int64_t rows, const Index &row, const ContractColumns &columns,
                llvm::ArrayRef<mlir::Value> buffers);

private:
  llvm::SmallVector<Index> resultAt(llvm::ArrayRef<Index> place);
  PointEmitter &points;
  const ContractPlan &plan;
  dl::ContractOp op;
};

/// Whether the epilogue is too long to stand behind each tile, or would take registers that the inner loop needs.
bool needsEpilogueFunction(dl::KernelOp kernel, const ContractPlan &plan, const Target &target);

/// Emits, before the kernel's function, `NAME.epilogue(args, sums, row, rows, column, columns, outer...)`: the epilogue of a
/// block of sums whose rows lie `width` elements apart. `outer` are the indices along plan.outer.
mlir::func::FuncOp emitEpilogueFunction(KernelFunction &function, const ContractPlan &plan, int64_t width);

} // namespace dlc
