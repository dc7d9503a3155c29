// The running state of one reduction: a value, or a value and an index, in a vector or a scalar.
#pragma once

#include "codegen/kernel/LoopNest.h"
#include "ir/Dialect.h"

namespace dlc {

class Accumulator {
public:
  /// `op` is a dl.reduce or dl.arg_reduce; `lanes` is 1 for scalars.
  Accumulator(mlir::Operation *op, LoopNest &nest, int64_t lanes);

  /// How many values the state has: 1, or 2 with an index.
  unsigned size() const { return isArgument ? 2 : 1; }
  /// The state before any element: the neutral element, and `first`, an index that the accumulator would see first.
  llvm::SmallVector<mlir::Value> start(mlir::Value first) const;
  /// One more element (of the state's type), under a mask if there is one.
  llvm::SmallVector<mlir::Value> add(mlir::ValueRange state, mlir::Value element, mlir::Value index,
                                     mlir::Value mask) const;
  llvm::SmallVector<mlir::Value> join(mlir::ValueRange a, mlir::ValueRange b) const;
  /// The lanes joined to a scalar, halving them again and again.
  llvm::SmallVector<mlir::Value> joinLanes(mlir::ValueRange state) const;
  /// What the operation yields: the value rounded to its type (parts of bf16 are f32), or the index.
  mlir::Value result(mlir::ValueRange state) const;

  bool hasIndex() const { return isArgument; }
  bool isFloatSum() const { return kind == dl::ReduceKind::sum && llvm::isa<mlir::FloatType>(element); }
  /// The type of indices in the state.
  mlir::Type indexType() const;

private:
  mlir::Value combine(mlir::OpBuilder &builder, mlir::Value a, mlir::Value b) const;
  mlir::Value neutral() const;

  mlir::Operation *op;
  LoopNest *nest;
  int64_t lanes;
  bool isArgument;
  dl::ReduceKind kind;
  mlir::Type element;
};

} // namespace dlc
