// What the families of simplification share: the registration of their patterns, and how they look at values.
#pragma once

#include "ir/Builders.h"

#include "mlir/IR/PatternMatch.h"
#include <optional>

namespace dlc {

using dl::broadcastTo, dl::elementOf, dl::reshapeTo, dl::shapeOf, dl::splat;

// Each adds the patterns of one family (Elementwise.cpp, ...) to `patterns`.
void addElementwisePatterns(mlir::RewritePatternSet &patterns);
void addComparisonPatterns(mlir::RewritePatternSet &patterns);
void addShapePatterns(mlir::RewritePatternSet &patterns);
/// Windows, what overlapping windows sum to, and padding.
void addWindowPatterns(mlir::RewritePatternSet &patterns);
void addIndexingPatterns(mlir::RewritePatternSet &patterns);
void addReductionPatterns(mlir::RewritePatternSet &patterns);
/// `oneHot` lets a product with a one-hot operand become a gather.
void addProductPatterns(mlir::RewritePatternSet &patterns, bool oneHot);
/// Products with rows of tables.
void addTablePatterns(mlir::RewritePatternSet &patterns);
/// Slices, and sums of padded parts.
void addPartPatterns(mlir::RewritePatternSet &patterns);
/// Loops and branches. `differentiated`: nothing is going to be differentiated any more.
void addControlPatterns(mlir::RewritePatternSet &patterns, bool differentiated);
/// Operations on constants, computed by the reference evaluator.
void addConstantPatterns(mlir::RewritePatternSet &patterns);
/// stop_gradient is its operand: only where no dl.grad is left.
void addStopGradientPatterns(mlir::RewritePatternSet &patterns);

inline mlir::RankedTensorType tensorType(mlir::Value value) {
  return llvm::cast<mlir::RankedTensorType>(value.getType());
}

/// The number that every element of `value` is, when `value` is a splat constant that a double holds exactly; i1 is 0
/// or 1.
std::optional<double> splatOf(mlir::Value value);
/// Whether the float element type `type` holds `number` as a finite normal number (or zero), perhaps rounded.
bool fitsFloat(mlir::Type type, double number);

/// The positions of the axes whose size is not 1.
llvm::SmallVector<int64_t> largeAxes(llvm::ArrayRef<int64_t> shape);
/// Whether a reshape between the shapes only adds or removes axes of size 1.
bool sameUpToUnitAxes(llvm::ArrayRef<int64_t> from, llvm::ArrayRef<int64_t> to);
/// `value` with its axes in the order of `permutation`; itself for the identity.
mlir::Value transposeBy(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value value,
                        llvm::ArrayRef<int64_t> permutation);

/// A pointwise operation without side effects: its value at an element depends on the operands' there alone.
inline bool isPurePointwise(mlir::Operation *op) {
  return op->hasTrait<dl::Pointwise>() && mlir::isPure(op) && op->getNumResults() == 1 && op->getNumOperands() > 0;
}
/// `op` again on `operands`, whose common shape the result takes.
mlir::Value rebuildPointwise(mlir::OpBuilder &builder, mlir::Operation *op, llvm::ArrayRef<mlir::Value> operands);

} // namespace dlc
