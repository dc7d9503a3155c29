// Kernels of kind map: tasks, rows and cells around the phases of a MapPlan.
//
//   for each task, row (and block of columns):                 a cell
//     for each phase:
//       for the reduced axes:  accumulate; the output phase stores outputs of the space's shape
//       join the accumulators; their results are known to the later phases
//     store outputs of the reduced shape
//
// What is costly and needed by several phases is kept on the stack between them. The order of additions depends on
// shapes and the vector width alone.
#include "codegen/map/Emitter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/Support/MathExtras.h"
#include <cmath>

using namespace mlir;

namespace dlc {

Point MapReduceEmitter::inSpace(const Index &row, const Index &loop, const Index &lane, Value mask) {
  Point point{SmallVector<Index>(plan.shape.size(), Index::of(0)), plan.lanes, mask};
  auto spread = [&](const Index &flat, ArrayRef<int64_t> axes) {
    for (auto [axis, index] : llvm::zip_equal(axes, points.indices.delinearize(flat, plan.sizesOf(axes))))
      point.indices[axis] = index;
  };
  spread(row, plan.rowAxes);
  spread(loop, plan.loopAxes);
  spread(lane, plan.laneAxes);
  return point;
}

Point MapReduceEmitter::inRow(const Index &row, const Column &column) {
  // Reduced axes are dropped, whatever their indices; parts come first.
  Point point{{}, plan.lanes, column.mask};
  if (plan.cut)
    point.indices.push_back(part);
  SmallVector<Index> all(plan.shape.size(), Index::of(0));
  auto spread = [&](const Index &flat, ArrayRef<int64_t> axes) {
    for (auto [axis, index] : llvm::zip_equal(axes, points.indices.delinearize(flat, plan.sizesOf(axes))))
      all[axis] = index;
  };
  spread(row, plan.rowAxes);
  if (column.lane)
    spread(*column.lane, plan.laneAxes);
  for (auto [index, isReduced] : llvm::zip_equal(all, plan.reduced))
    if (!isReduced)
      point.indices.push_back(index);
  return point;
}

int64_t MapReduceEmitter::unitsPerTask(int64_t units) const {
  if (!usesTasks() || units <= 1)
    return units;
  double tasks = std::min(64.0, plan.nanoseconds / taskNanoseconds);
  return std::max<int64_t>(1, static_cast<int64_t>(std::ceil(units / tasks)));
}

/// Rows (of all parts) in tasks of `rowsPerTask`.
void MapReduceEmitter::emitRows(int64_t tasks, int64_t rowsPerTask, llvm::function_ref<void(const Index &row)> body) {
  int64_t rows = plan.cells();
  Value low = nest.constant(0), high = nest.constant(rows);
  if (tasks > 1) {
    OpBuilder &builder = nest.here();
    Value each = nest.constant(rowsPerTask);
    nest.here();
    low = arith::MulIOp::create(builder, nest.loc, function.begin, each);
    Value end = arith::MulIOp::create(builder, nest.loc, function.end, each);
    high = arith::MinSIOp::create(builder, nest.loc, end, high);
  }
  nest.loop(low, high, 1, {}, [&](Value row, ValueRange) -> SmallVector<Value> {
    body(rows == 1 ? Index::of(0) : points.indices.variable(row, {0, rows - 1}));
    return {};
  });
}

int64_t MapReduceEmitter::emitRowCells() {
  int64_t vectors = plan.extent / plan.lanes;
  // Rows of a few vectors stay in registers, without a loop; in longer ones independent accumulators hide the latency
  // of cheap steps.
  bool isShort = plan.loops == 1 && vectors <= (plan.stepCost <= 10 ? 4 : 2);
  for (double cost : plan.phaseCosts) {
    int64_t copies = isShort ? vectors : cost <= 6 ? 4 : cost <= 20 ? 2 : 1;
    copiesOf.push_back(std::clamp<int64_t>(copies, 1, std::max<int64_t>(1, vectors)));
  }
  int64_t perTask = unitsPerTask(plan.cells()), tasks = llvm::divideCeil(plan.cells(), perTask);
  planStash(1);
  emitRows(tasks, perTask, [&](const Index &row) { emitCell(row, {Column{}}); });
  return tasks;
}

int64_t MapReduceEmitter::emitColumnCells() {
  int64_t vectors = llvm::divideCeil(plan.extent, plan.lanes);
  int64_t copies = 1;
  if (plan.isReduction()) {
    width = plan.stepCost <= 12 ? 4 : plan.stepCost <= 30 ? 2 : 1;
    width = std::min<int64_t>(width, vectors);
    copies = std::clamp<int64_t>(std::min<int64_t>(4 / width, plan.loops), 1, 4);
    if (plan.loops <= (plan.stepCost <= 10 ? 8 : 4) && plan.loops > 0)
      copies = plan.loops;
  } else {
    width = plan.stepCost <= 6 ? 4 : plan.stepCost <= 16 ? 2 : 1;
    width = std::min<int64_t>(width, vectors);
  }
  copiesOf.assign(plan.phaseCount(), copies);
  planStash(width);

  int64_t cell = width * plan.lanes, full = plan.extent - plan.extent % cell;
  int64_t rest = plan.extent - full;
  auto fullCell = [&](const Index &row, Value first) {
    SmallVector<Column> columns;
    bool single = full == cell;
    for (unsigned i = 0; i < width; ++i)
      columns.push_back({points.indices.lanes(single ? Value() : first, i * plan.lanes, {0, plan.extent - 1}), {}});
    emitCell(row, columns);
  };
  auto restCell = [&](const Index &row) {
    SmallVector<Column> columns;
    for (int64_t at = full; at < plan.extent; at += plan.lanes) {
      int64_t live = std::min(plan.lanes, plan.extent - at);
      columns.push_back({points.indices.lanes({}, at, {at, at + live - 1}), points.tailMask(live, plan.lanes)});
    }
    emitCell(row, columns);
  };
  auto cells = [&](const Index &row, Value low, Value high) {
    nest.loop(low, high, cell, {}, [&](Value first, ValueRange) -> SmallVector<Value> {
      fullCell(row, first);
      return {};
    });
  };
  if (plan.lanes == 1) {
    int64_t perTask = unitsPerTask(plan.cells()), tasks = llvm::divideCeil(plan.cells(), perTask);
    emitRows(tasks, perTask, [&](const Index &row) { emitCell(row, {Column{}}); });
    return tasks;
  }

  // Whole rows are tasks when there are many; else each row is cut into chunks of cells.
  int64_t chunkCells = std::max<int64_t>(1, full / cell), chunks = 1;
  if (usesTasks() && plan.cells() < 16) {
    chunkCells = std::max<int64_t>(1, unitsPerTask(plan.cells() * std::max<int64_t>(1, full / cell)));
    chunkCells = std::min(chunkCells, std::max<int64_t>(1, full / cell));
    chunks = std::max<int64_t>(1, llvm::divideCeil(full / cell, chunkCells));
  }
  if (chunks == 1) {
    int64_t perTask = unitsPerTask(plan.cells()), tasks = llvm::divideCeil(plan.cells(), perTask);
    emitRows(tasks, perTask, [&](const Index &row) {
      cells(row, nest.constant(0), nest.constant(full));
      if (rest)
        restCell(row);
    });
    return tasks;
  }
  nest.loop(function.begin, function.end, 1, {}, [&](Value task, ValueRange) -> SmallVector<Value> {
    Index all = points.indices.variable(task, {0, plan.cells() * chunks - 1});
    Index row = points.indices.floorDiv(all, chunks), chunk = points.indices.mod(all, chunks);
    Value low = points.materialize(chunk * (chunkCells * cell), 1);
    Value each = nest.constant(chunkCells * cell), limit = nest.constant(full);
    OpBuilder &builder = nest.place({low});
    Value high = arith::AddIOp::create(builder, nest.loc, low, each);
    high = arith::MinSIOp::create(builder, nest.loc, high, limit);
    cells(row, low, high);
    if (rest) {
      Value number = points.materialize(chunk, 1), last = nest.constant(chunks - 1);
      Value isLast = arith::CmpIOp::create(nest.here(), nest.loc, arith::CmpIPredicate::eq, number, last);
      nest.branch(
          isLast, {},
          [&]() -> SmallVector<Value> {
            restCell(row);
            return {};
          },
          nullptr);
    }
    return {};
  });
  return plan.cells() * chunks;
}

KernelInfo MapReduceEmitter::emit() {
  KernelInfo info;
  info.nanoseconds = plan.nanoseconds;
  info.plan = plan.describe();
  if (!plan.isEmpty())
    info.tasks = plan.rowwise ? emitRowCells() : emitColumnCells();
  nest.here();
  return info;
}

FailureOr<KernelInfo> emitMapReduce(KernelFunction function) {
  if (failed(verifyPointwise(function.kernel)))
    return failure();
  FailureOr<MapPlan> plan = planMap(function.kernel, function.target);
  if (failed(plan))
    return failure();
  return MapReduceEmitter(function, *plan).emit();
}

} // namespace dlc
