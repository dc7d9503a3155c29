// The emitter of one map kernel, in two files: Emitter.cpp has its tasks and cells, Phases.cpp what happens
// in a cell. Only they include this.
#pragma once

#include "codegen/KernelEmitter.h"
#include "codegen/kernel/Accumulator.h"
#include "codegen/kernel/PointEmitter.h"
#include "codegen/map/Plan.h"
#include <optional>

namespace dlc {

/// A vector of columns of a cell whose lanes run along parallel axes; for rows, a single one without lanes.
struct Column {
  std::optional<Index> lane;
  mlir::Value mask;
};

/// A value that stays on the stack from one phase to the later ones.
struct Stashed {
  mlir::Value tensor, buffer;
  unsigned firstPhase;
};

class MapReduceEmitter {
public:
  MapReduceEmitter(KernelFunction function, const MapPlan &plan)
      : function(function), plan(plan),
        points(function.builder, function.kernel.getLoc(), function.target, function.kernel, function.buffers),
        nest(points.nest) {}

  KernelInfo emit();

private:
  // Indices of the space from those of the groups.
  Point inSpace(const Index &row, const Index &loop, const Index &lane, mlir::Value mask);
  Point inRow(const Index &row, const Column &column);

  // Tasks and cells.
  void emitRows(int64_t tasks, int64_t rowsPerTask, llvm::function_ref<void(const Index &row)> body);
  int64_t emitRowCells();
  int64_t emitColumnCells();
  /// `cell` counts rows, those of all parts where sums are cut.
  void emitCell(const Index &cell, llvm::ArrayRef<Column> columns);

  // Phases.
  void planStash(unsigned columns);
  void emitPhase(unsigned phase, const Index &row, llvm::ArrayRef<Column> columns);
  using Step = llvm::function_ref<void(unsigned copy, const Index &loop, const Column &lane,
                                       llvm::SmallVectorImpl<mlir::Value> &state)>;
  /// The steps of the reduced axes that the open part has: [low, high), and whether it is the last part, which has what is left
  /// over behind the whole steps too (null where nothing is cut).
  struct Piece {
    mlir::Value low, high, isLast;
  };
  Piece pieceOf(llvm::ArrayRef<int64_t> axes, int64_t end, int64_t step);
  void forReduced(llvm::SmallVectorImpl<mlir::Value> &state, llvm::ArrayRef<bool> isSum, int64_t copies, Step step);
  void emitStep(unsigned phase, const Point &point, unsigned column, const Index &loop, const Column &lane,
                llvm::MutableArrayRef<mlir::Value> state);
  Index stashAddress(const Index &loop, const Column &lane, unsigned column);
  mlir::Value indexFor(const Accumulator &accumulator, const Point &point, mlir::Operation *op);
  llvm::SmallVector<Accumulator> accumulatorsOf(unsigned phase);

  /// How many tasks to make of `units` equal pieces of work: enough for threads, none shorter than a few microseconds.
  int64_t unitsPerTask(int64_t units) const;
  bool usesTasks() const { return plan.nanoseconds > 2 * taskNanoseconds; }

  static constexpr double taskNanoseconds = 3000;
  static constexpr int64_t stashBytes = 32 * 1024;

  KernelFunction function;
  const MapPlan &plan;
  PointEmitter points;
  LoopNest &nest;
  /// Independent accumulators along the reduced axes in each phase, and column vectors of a cell.
  llvm::SmallVector<unsigned> copiesOf;
  unsigned width = 1;
  llvm::SmallVector<Stashed> stash;
  /// The part of the reduced axes that the open cell joins.
  Index part = Index::of(0);
};

} // namespace dlc
