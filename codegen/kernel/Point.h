// A place in a tensor, for one element or a vector of them, and how movements (reshape, slice, ...) rewrite it.
#pragma once

#include "codegen/kernel/Index.h"
#include "mlir/IR/Operation.h"

namespace dlc {

/// One index an axis of the tensor; where an index varies the point stands for `lanes` elements, of which those under
/// `mask` (a vector of i1; null: all) are alive. What dead lanes compute is never seen, and they read no memory.
struct Point {
  llvm::SmallVector<Index> indices;
  int64_t lanes = 1;
  mlir::Value mask;

  bool varies() const;
  /// The same lanes at other indices; a point that does not vary loses its lanes and mask.
  Point at(llvm::ArrayRef<Index> other) const;
};

/// low <= index < high.
struct Condition {
  Index index;
  int64_t low, high;
};

/// Where an element of a movement's result comes from: an operand's element, under conditions.
struct Source {
  unsigned operand;
  llvm::SmallVector<Index> indices;
  /// Only those that the ranges do not decide.
  llvm::SmallVector<Condition> conditions;
};

/// The sources of element `indices` of a movement (not a constant or an iota). At most one of them holds; when none
/// does the element is zero (dl.pad).
llvm::SmallVector<Source> sourcesOf(mlir::Operation *op, llvm::ArrayRef<Index> indices, IndexContext &context);

} // namespace dlc
