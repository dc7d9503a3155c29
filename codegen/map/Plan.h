// How a map kernel becomes a nest: what the space is, which reductions belong to which phase, which axes run along the
// lanes. A cell is what one step of the parallel loops does: a row with all of its reduced elements (lanes along
// reduced axes), or a few vectors of columns (lanes along parallel axes; without reductions, simply a few vectors).
#pragma once

#include "codegen/Target.h"
#include "ir/Dialect.h"
#include "llvm/Support/MathExtras.h"
#include <optional>

namespace dlc {

struct MapPlan {
  /// The space S; without reductions, the outputs' shape.
  llvm::SmallVector<int64_t> shape;
  llvm::SmallVector<bool> reduced;
  /// The reductions join parts of the space: chunks of one reduced axis, which is the outermost of its group below.
  struct Cut {
    int64_t axis, chunk;
  };
  std::optional<Cut> cut;
  /// Each phase is one loop over the reduced axes that computes reductions; a phase needs results of earlier ones only.
  llvm::SmallVector<llvm::SmallVector<mlir::Operation *>> phases;
  /// Outputs of shape S are written in the last phase, or in one more after it. Without such outputs: no phase.
  llvm::SmallVector<unsigned> spaceOutputs, reducedOutputs;
  int64_t outputPhase = -1;
  /// Instructions, roughly, of a vector step of each phase (with the output phase, when it is one more), without what
  /// earlier phases compute.
  llvm::SmallVector<double> phaseCosts;

  /// Axes of size 1 belong to no group. Each group is flattened, outermost axis first.
  llvm::SmallVector<int64_t> laneAxes, rowAxes, loopAxes;
  int64_t extent = 1, rows = 1, loops = 1;
  /// Whether the lanes run along reduced axes.
  bool rowwise = false;
  /// Lanes of a vector; 1 when there is no lane axis.
  int64_t lanes = 1;
  /// Instructions, roughly, of a vector step along the lanes, and of what is computed once a cell vector.
  double stepCost = 0, cellCost = 0;
  /// Of the whole kernel.
  double nanoseconds = 0;
  /// Bytes of distinct memory that it touches.
  int64_t bytes = 0;

  int64_t parts() const { return cut ? llvm::divideCeil(shape[cut->axis], cut->chunk) : 1; }
  /// Rows of all parts.
  int64_t cells() const { return parts() * rows; }
  bool isReduction() const { return !phases.empty(); }
  /// Loops over the reduced axes: the reductions', and one more when outputs wait for the last of them.
  unsigned phaseCount() const { return phases.size() + (outputPhase == static_cast<int64_t>(phases.size()) ? 1 : 0); }
  /// The tensors of the space's shape that a phase needs: operands of its reductions, and outputs.
  llvm::SmallVector<mlir::Value> rootsOf(unsigned phase, dl::KernelOp kernel) const;
  /// The reduced space has no elements: results are the neutral elements.
  bool isEmptyReduction() const;
  bool isEmpty() const;
  /// In words: along which axes the lanes, rows and loops run.
  std::string describe() const;
  llvm::SmallVector<int64_t> sizesOf(llvm::ArrayRef<int64_t> axes) const;
};

/// Fails, with an error on the kernel, when the body is not what a map kernel may hold.
llvm::FailureOr<MapPlan> planMap(dl::KernelOp kernel, const Target &target);

/// Instructions, roughly, that an operation takes on a vector.
double operationCost(mlir::Operation *op);

} // namespace dlc
