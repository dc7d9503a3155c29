// A product as axes with strides: what is left of a kernel's dl.contract once its equation, the views of its operands
// (reshapes, transpositions, slices, reversals and windows of block arguments) and the layouts of its buffers are put together. Letters are split
// where a view needs it and merged where they follow one another in every buffer; axes of size 1 are gone.
#pragma once

#include "codegen/kernel/Point.h"
#include "ir/Dialect.h"

namespace dlc {

/// An axis of the iteration space. It is a batch axis, a free axis of one operand, or (not in the result) a summed one.
struct ContractAxis {
  int64_t size = 1;
  bool inLhs = false, inRhs = false, inResult = false;
  /// Distances in elements between neighbours along the axis; 0 where the operand does not have it.
  int64_t lhsStride = 0, rhsStride = 0;
  /// The same for each of the kernel's outputs.
  llvm::SmallVector<int64_t, 2> outStrides;
  /// The result's axes that it stands for, outermost first: the index along `axis` is the sum of the parts' own indices times
  /// their weights.
  struct Part {
    unsigned axis;
    int64_t size, weight;
  };
  llvm::SmallVector<Part, 2> parts;
  /// Axes that are counted through as one, outermost first, where they are no run of the left operand: lhsStride means nothing.
  struct Digit {
    int64_t size, lhsStride;
  };
  llvm::SmallVector<Digit, 3> digits = {};
};

struct ContractShape {
  /// Free and batch axes in the result's order, then summed axes in the left operand's.
  llvm::SmallVector<ContractAxis> axes;
  /// The positions of the operands among the kernel's ins.
  unsigned lhs = 0, rhs = 0;
  /// Where in their buffers the views begin, in elements.
  int64_t lhsOffset = 0, rhsOffset = 0;
  /// The element type in memory (f32, f64, bf16).
  mlir::Type element;

  /// Exchanges the operands.
  void swapOperands();
  /// Makes one axis of all free axes of the left operand: its rows are then as many as there are, whatever the size of each
  /// axis. False where it has fewer than two.
  bool joinRows();
  /// Multiplications in all, and elements of the result.
  int64_t products() const;
  int64_t resultSize() const;
};

/// The kernel's only dl.contract.
dl::ContractOp contractOf(dl::KernelOp kernel);

/// Nothing where a view cannot be written with strides (a reshape across padded rows) or an operand is empty: the product is
/// then computed element by element. `kernel` is planned.
std::optional<ContractShape> analyzeContract(dl::KernelOp kernel);

/// The indices of a result's element from those along `axes` (only axes in the result count).
llvm::SmallVector<Index> resultIndices(llvm::ArrayRef<ContractAxis> axes, llvm::ArrayRef<Index> indices, unsigned rank,
                                       IndexContext &context);

} // namespace dlc
