// Kernels of kind map: tasks, rows and cells around the phases of a MapPlan.
//
//   for each task, row (and block of columns):                 a cell
//     for each phase:
//       for the reduced axes:  accumulate; the output phase stores outputs of the space's shape
//       join the accumulators; their results are known to the later phases
//     store outputs of the reduced shape
//
// What is costly and needed by several phases is kept on the stack between them. The order of additions depends on shapes
// and the vector width alone.
#include "codegen/Accumulator.h"
#include "codegen/Emitters.h"
#include "codegen/KernelEmitter.h"
#include "codegen/MapPlan.h"
#include "codegen/PointEmitter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/Support/MathExtras.h"
#include <cmath>

using namespace mlir;

namespace dlc {

namespace {

/// A vector of columns of a cell whose lanes run along parallel axes; for rows, a single one without lanes.
struct Column {
  std::optional<Index> lane;
  Value mask;
};

/// A value that stays on the stack from one phase to the later ones.
struct Stashed {
  Value tensor, buffer;
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
  Point inSpace(const Index &row, const Index &loop, const Index &lane, Value mask);
  Point inRow(const Index &row, const Column &column);

  // Tasks and cells.
  void emitRows(int64_t tasks, int64_t rowsPerTask, llvm::function_ref<void(const Index &row)> body);
  int64_t emitRowCells();
  int64_t emitColumnCells();
  void emitCell(const Index &row, ArrayRef<Column> columns);

  // Phases.
  void planStash(unsigned columns);
  void emitPhase(unsigned phase, const Index &row, ArrayRef<Column> columns);
  using Step = llvm::function_ref<void(unsigned copy, const Index &loop, const Column &lane, SmallVectorImpl<Value> &state)>;
  void forReduced(SmallVectorImpl<Value> &state, Step step);
  void emitStep(unsigned phase, const Point &point, unsigned column, const Index &loop, const Column &lane,
                MutableArrayRef<Value> state);
  Index stashAddress(const Index &loop, const Column &lane, unsigned column);
  Value indexFor(const Accumulator &accumulator, const Point &point, Operation *op);
  SmallVector<Accumulator> accumulatorsOf(unsigned phase);

  /// How many tasks to make of `units` equal pieces of work: enough for threads, none shorter than a few microseconds.
  int64_t unitsPerTask(int64_t units) const;
  bool usesTasks() const { return plan.nanoseconds > 2 * taskNanoseconds; }

  static constexpr double taskNanoseconds = 3000;
  static constexpr int64_t stashBytes = 32 * 1024;

  KernelFunction function;
  const MapPlan &plan;
  PointEmitter points;
  LoopNest &nest;
  /// Independent accumulators along the reduced axes, and column vectors of a cell.
  unsigned copies = 1, width = 1;
  SmallVector<Stashed> stash;
  unsigned columnsNow = 1;
};

} // namespace

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
  // Reduced axes are dropped, whatever their indices.
  Point point{{}, plan.lanes, column.mask};
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

/// Rows in tasks of `rowsPerTask`.
void MapReduceEmitter::emitRows(int64_t tasks, int64_t rowsPerTask, llvm::function_ref<void(const Index &row)> body) {
  Value low = nest.constant(0), high = nest.constant(plan.rows);
  if (tasks > 1) {
    OpBuilder &builder = nest.here();
    Value each = nest.constant(rowsPerTask);
    nest.here();
    low = arith::MulIOp::create(builder, nest.loc, function.begin, each);
    Value end = arith::MulIOp::create(builder, nest.loc, function.end, each);
    high = arith::MinSIOp::create(builder, nest.loc, end, high);
  }
  nest.loop(low, high, 1, {}, [&](Value row, ValueRange) -> SmallVector<Value> {
    body(plan.rows == 1 ? Index::of(0) : points.indices.variable(row, {0, plan.rows - 1}));
    return {};
  });
}

int64_t MapReduceEmitter::emitRowCells() {
  int64_t vectors = plan.extent / plan.lanes;
  // Rows of a few vectors stay in registers, without a loop; in longer ones independent accumulators hide the latency of
  // cheap steps.
  bool cheap = plan.stepCost <= 10;
  if (plan.loops == 1 && vectors <= (cheap ? 4 : 2))
    copies = std::max<int64_t>(1, vectors);
  else
    copies = cheap ? 4 : plan.stepCost <= 25 ? 2 : 1;
  copies = std::min<int64_t>(copies, std::max<int64_t>(1, vectors));
  int64_t perTask = unitsPerTask(plan.rows), tasks = llvm::divideCeil(plan.rows, perTask);
  planStash(1);
  emitRows(tasks, perTask, [&](const Index &row) { emitCell(row, {Column{}}); });
  return tasks;
}

int64_t MapReduceEmitter::emitColumnCells() {
  int64_t vectors = llvm::divideCeil(plan.extent, plan.lanes);
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
    int64_t perTask = unitsPerTask(plan.rows), tasks = llvm::divideCeil(plan.rows, perTask);
    emitRows(tasks, perTask, [&](const Index &row) { emitCell(row, {Column{}}); });
    return tasks;
  }

  // Whole rows are tasks when there are many; else each row is cut into chunks of cells.
  int64_t chunkCells = std::max<int64_t>(1, full / cell), chunks = 1;
  if (usesTasks() && plan.rows < 16) {
    chunkCells = std::max<int64_t>(1, llvm::divideCeil(unitsPerTask(plan.rows * std::max<int64_t>(1, full / cell)), 1));
    chunkCells = std::min(chunkCells, std::max<int64_t>(1, full / cell));
    chunks = std::max<int64_t>(1, llvm::divideCeil(full / cell, chunkCells));
  }
  if (chunks == 1) {
    int64_t perTask = unitsPerTask(plan.rows), tasks = llvm::divideCeil(plan.rows, perTask);
    emitRows(tasks, perTask, [&](const Index &row) {
      cells(row, nest.constant(0), nest.constant(full));
      if (rest)
        restCell(row);
    });
    return tasks;
  }
  nest.loop(function.begin, function.end, 1, {}, [&](Value task, ValueRange) -> SmallVector<Value> {
    Index all = points.indices.variable(task, {0, plan.rows * chunks - 1});
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
      nest.branch(isLast, {}, [&]() -> SmallVector<Value> {
        restCell(row);
        return {};
      }, nullptr);
    }
    return {};
  });
  return plan.rows * chunks;
}

void MapReduceEmitter::emitCell(const Index &row, ArrayRef<Column> columns) {
  columnsNow = columns.size();
  unsigned phases = plan.phases.size() + (plan.outputPhase == static_cast<int64_t>(plan.phases.size()) ? 1 : 0);
  for (unsigned phase = 0; phase < phases; ++phase)
    emitPhase(phase, row, columns);

  // Values first: an output may lie on an input.
  ValueRange yields = function.kernel.getBody().front().getTerminator()->getOperands();
  for (const Column &column : columns) {
    Point point = inRow(row, column);
    SmallVector<Value> values;
    for (unsigned out : plan.reducedOutputs)
      values.push_back(points.at(yields[out], point));
    for (auto [out, value] : llvm::zip_equal(plan.reducedOutputs, values))
      points.store(out, point, value);
  }
}

SmallVector<Accumulator> MapReduceEmitter::accumulatorsOf(unsigned phase) {
  SmallVector<Accumulator> accumulators;
  if (phase < plan.phases.size())
    for (Operation *op : plan.phases[phase])
      accumulators.emplace_back(op, nest, plan.lanes);
  return accumulators;
}

/// The state of a phase is laid out [copy][column][reduction]; row cells have one column.
void MapReduceEmitter::emitPhase(unsigned phase, const Index &row, ArrayRef<Column> columns) {
  SmallVector<Accumulator> accumulators = accumulatorsOf(phase);
  unsigned perColumn = 0;
  for (const Accumulator &accumulator : accumulators)
    perColumn += accumulator.size();
  unsigned perCopy = perColumn * columns.size();

  SmallVector<Value> state;
  for (unsigned copy = 0; copy < copies; ++copy)
    for (unsigned column = 0; column < columns.size(); ++column)
      for (auto [number, accumulator] : llvm::enumerate(accumulators)) {
        // The index that this copy would see first: nothing is better than an element equal to the neutral one.
        Value first;
        if (accumulator.hasIndex()) {
          Index index = plan.rowwise ? points.indices.lanes({}, copy * plan.lanes, {0, plan.extent + copy * plan.lanes})
                                     : Index::of(copy);
          Point point = inSpace(Index::of(0), plan.rowwise ? Index::of(0) : index, plan.rowwise ? index : Index::of(0), {});
          first = indexFor(accumulator, point, plan.phases[phase][number]);
        }
        state.append(accumulator.start(first));
      }

  forReduced(state, [&](unsigned copy, const Index &loop, const Column &lane, SmallVectorImpl<Value> &all) {
    SmallVector<Point> places;
    for (auto [number, column] : llvm::enumerate(columns)) {
      const Column &along = plan.rowwise ? lane : column;
      Point point = inSpace(row, loop, along.lane.value_or(Index::of(0)), along.mask);
      unsigned first = copy * perCopy + number * perColumn;
      emitStep(phase, point, number, loop, lane, MutableArrayRef<Value>(all).slice(first, perColumn));
    }
  });

  for (auto [number, column] : llvm::enumerate(columns)) {
    unsigned at = number * perColumn;
    Point point = inRow(row, column);
    for (auto [index, accumulator] : llvm::enumerate(accumulators)) {
      SmallVector<SmallVector<Value>> parts;
      for (unsigned copy = 0; copy < copies; ++copy)
        parts.push_back(llvm::to_vector(ArrayRef<Value>(state).slice(copy * perCopy + at, accumulator.size())));
      while (parts.size() > 1) {
        SmallVector<SmallVector<Value>> joined;
        for (size_t i = 0; i + 1 < parts.size(); i += 2)
          joined.push_back(accumulator.join(parts[i], parts[i + 1]));
        if (parts.size() % 2)
          joined.push_back(parts.back());
        parts = std::move(joined);
      }
      SmallVector<Value> whole = plan.rowwise ? accumulator.joinLanes(parts[0]) : parts[0];
      points.bind(plan.phases[phase][index]->getResult(0), point, accumulator.result(whole));
      at += accumulator.size();
    }
  }
}

/// Runs `step` over the reduced axes: copies of it in a loop, what is left without one, the last lanes under a mask.
void MapReduceEmitter::forReduced(SmallVectorImpl<Value> &state, Step step) {
  if (plan.loops == 0)
    return;
  auto carried = [&](ValueRange values, llvm::function_ref<void(SmallVectorImpl<Value> &)> body) {
    SmallVector<Value> next(values);
    body(next);
    return next;
  };
  if (!plan.rowwise) {
    int64_t whole = plan.loops - plan.loops % copies;
    state = nest.loop(nest.constant(0), nest.constant(whole), copies, state, [&](Value first, ValueRange values) {
      return carried(values, [&](SmallVectorImpl<Value> &next) {
        Index loop = whole == copies ? Index::of(0) : points.indices.variable(first, {0, whole - copies});
        for (unsigned copy = 0; copy < copies; ++copy)
          step(copy, loop + copy, {}, next);
      });
    });
    for (int64_t at = whole; at < plan.loops; ++at)
      step(at - whole, Index::of(at), {}, state);
    return;
  }
  state = nest.loop(nest.constant(0), nest.constant(plan.loops), 1, state, [&](Value outer, ValueRange values) {
    Index loop = plan.loops == 1 ? Index::of(0) : points.indices.variable(outer, {0, plan.loops - 1});
    return carried(values, [&](SmallVectorImpl<Value> &next) {
      int64_t lanes = plan.lanes, block = copies * lanes;
      int64_t whole = plan.extent - plan.extent % block;
      next = nest.loop(nest.constant(0), nest.constant(whole), block, next, [&](Value first, ValueRange values) {
        return carried(values, [&](SmallVectorImpl<Value> &inner) {
          Value base = whole == block ? Value() : first;
          for (unsigned copy = 0; copy < copies; ++copy)
            step(copy, loop, {points.indices.lanes(base, copy * lanes, {0, plan.extent - 1}), {}}, inner);
        });
      });
      for (int64_t at = whole, copy = 0; at < plan.extent; at += lanes, ++copy) {
        int64_t live = std::min(lanes, plan.extent - at);
        Column lane{points.indices.lanes({}, at, {at, at + live - 1}), points.tailMask(live, lanes)};
        step(copy % copies, loop, lane, next);
      }
    });
  });
}

Value MapReduceEmitter::indexFor(const Accumulator &accumulator, const Point &point, Operation *op) {
  Value index = points.materialize(point.indices[cast<dl::ArgReduceOp>(op).getAxis()], point.lanes);
  Type wanted = accumulator.indexType();
  Type scalar = getElementTypeOrSelf(wanted), type = withElement(index.getType(), scalar);
  unsigned have = getElementTypeOrSelf(index.getType()).getIntOrFloatBitWidth(), want = scalar.getIntOrFloatBitWidth();
  OpBuilder &builder = nest.place(index);
  if (have > want)
    index = arith::TruncIOp::create(builder, nest.loc, type, index);
  else if (have < want)
    index = arith::ExtUIOp::create(builder, nest.loc, type, index);
  return isa<VectorType>(wanted) ? points.splat(index, plan.lanes) : index;
}

void MapReduceEmitter::emitStep(unsigned phase, const Point &point, unsigned column, const Index &loop, const Column &lane,
                                MutableArrayRef<Value> state) {
  auto elementOf = [](Value tensor) { return cast<RankedTensorType>(tensor.getType()).getElementType(); };
  Point stashPoint{{}, plan.lanes, {}};
  Index address;
  if (!stash.empty())
    address = stashAddress(loop, lane, column);
  for (const Stashed &kept : stash)
    if (kept.firstPhase < phase)
      points.bind(kept.tensor, point, points.load(kept.buffer, elementOf(kept.tensor), address, stashPoint));

  // Values first, then stores: outputs may lie on inputs.
  unsigned at = 0;
  for (auto [number, accumulator] : llvm::enumerate(accumulatorsOf(phase))) {
    Operation *op = plan.phases[phase][number];
    Value value = points.at(op->getOperand(0), point);
    if (plan.lanes > 1)
      value = points.splat(value, plan.lanes);
    Value index = accumulator.hasIndex() ? indexFor(accumulator, point, op) : Value();
    // Dead columns are never seen; dead lanes of a row would be joined.
    Value mask = plan.rowwise ? point.mask : Value();
    SmallVector<Value> next = accumulator.add(state.slice(at, accumulator.size()), value, index, mask);
    llvm::copy(next, state.begin() + at);
    at += accumulator.size();
  }
  ValueRange yields = function.kernel.getBody().front().getTerminator()->getOperands();
  SmallVector<Value> outputs;
  if (plan.outputPhase == static_cast<int64_t>(phase))
    for (unsigned out : plan.spaceOutputs)
      outputs.push_back(points.at(yields[out], point));
  for (const Stashed &kept : stash)
    if (kept.firstPhase == phase)
      points.store(kept.buffer, elementOf(kept.tensor), address, stashPoint,
                   points.splat(points.at(kept.tensor, point), plan.lanes));
  if (!outputs.empty())
    for (auto [out, value] : llvm::zip_equal(plan.spaceOutputs, outputs))
      points.store(out, point, value);
}

/// Row cells keep [loop][lane]; column cells [loop][column][lane].
Index MapReduceEmitter::stashAddress(const Index &loop, const Column &lane, unsigned column) {
  if (plan.rowwise)
    return loop * static_cast<int64_t>(llvm::alignTo(plan.extent, plan.lanes)) + *lane.lane;
  return loop * (width * plan.lanes) + points.indices.lanes({}, column * plan.lanes, {0, int64_t(width) * plan.lanes});
}

/// Finds values of the space's shape that are costly and used by several phases, and gives them room on the stack.
void MapReduceEmitter::planStash(unsigned columns) {
  int64_t steps = plan.rowwise ? plan.extent / plan.lanes : plan.loops;
  bool isStraight = steps < 2 * copies && (!plan.rowwise || plan.loops == 1);
  if (isStraight || plan.lanes == 1)
    return; // everything stays in registers
  Block &body = function.kernel.getBody().front();
  auto isSpace = [&](Value value) {
    return value.getDefiningOp() && cast<RankedTensorType>(value.getType()).getShape() == ArrayRef(plan.shape) &&
           !isa<dl::ConstantOp, dl::IotaOp>(value.getDefiningOp());
  };
  llvm::DenseMap<Value, double> costs;
  for (Operation &op : body.without_terminator()) {
    double cost = isSpace(op.getResult(0)) ? operationCost(&op) : 0;
    if (isSpace(op.getResult(0)))
      for (Value operand : op.getOperands())
        cost += costs.lookup(operand);
    costs[op.getResult(0)] = cost;
  }
  llvm::DenseMap<Value, unsigned> computed;
  llvm::SetVector<Value> kept;
  unsigned phases = plan.phases.size() + (plan.outputPhase == static_cast<int64_t>(plan.phases.size()) ? 1 : 0);
  for (unsigned phase = 0; phase < phases; ++phase) {
    SmallVector<Value> work;
    if (phase < plan.phases.size())
      for (Operation *op : plan.phases[phase])
        work.push_back(op->getOperand(0));
    if (plan.outputPhase == static_cast<int64_t>(phase))
      for (unsigned out : plan.spaceOutputs)
        work.push_back(body.getTerminator()->getOperand(out));
    llvm::DenseSet<Value> seen;
    while (!work.empty()) {
      Value value = work.pop_back_val();
      if (!isSpace(value) || !seen.insert(value).second)
        continue;
      auto known = computed.find(value);
      if (known != computed.end() && known->second < phase && costs[value] >= 5) {
        kept.insert(value);
        continue;
      }
      computed.try_emplace(value, phase);
      if (value.getDefiningOp()->hasTrait<dl::Pointwise>())
        work.append(value.getDefiningOp()->operand_begin(), value.getDefiningOp()->operand_end());
    }
  }
  int64_t elements = plan.loops * (plan.rowwise ? llvm::alignTo(plan.extent, plan.lanes) : columns * plan.lanes);
  int64_t used = 0;
  for (Value tensor : kept) {
    Type memory = memoryType(cast<RankedTensorType>(tensor.getType()).getElementType());
    int64_t bytes = elements * (memory.getIntOrFloatBitWidth() / 8);
    if (used + bytes > stashBytes)
      continue;
    used += bytes;
    Value count = nest.constant(elements);
    OpBuilder &builder = nest.place({});
    Value buffer = LLVM::AllocaOp::create(builder, nest.loc, LLVM::LLVMPointerType::get(builder.getContext()), memory, count,
                                          /*alignment=*/64);
    stash.push_back({tensor, buffer, computed[tensor]});
  }
}

KernelInfo MapReduceEmitter::emit() {
  KernelInfo info;
  info.nanoseconds = plan.nanoseconds;
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
