// The phases of a cell: accumulators over the reduced axes, what is kept on the stack between phases, outputs.
#include "codegen/kernel/Emitters.h"
#include "codegen/kernel/LongSum.h"
#include "codegen/map/Emitter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace dlc {

void MapReduceEmitter::emitCell(const Index &cell, ArrayRef<Column> columns) {
  part = plan.cut ? points.indices.floorDiv(cell, plan.rows) : Index::of(0);
  Index row = plan.cut ? points.indices.mod(cell, plan.rows) : cell;
  for (unsigned phase = 0; phase < plan.phaseCount(); ++phase)
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
  unsigned perCopy = perColumn * columns.size(), copies = copiesOf[phase];

  SmallVector<Value> state;
  SmallVector<bool> isSum;
  for (unsigned copy = 0; copy < copies; ++copy)
    for (unsigned column = 0; column < columns.size(); ++column)
      for (auto [number, accumulator] : llvm::enumerate(accumulators)) {
        // The index that this copy would see first: nothing is better than an element equal to the neutral one.
        Value first;
        if (accumulator.hasIndex()) {
          Index index = plan.rowwise ? points.indices.lanes({}, copy * plan.lanes, {0, plan.extent + copy * plan.lanes})
                                     : Index::of(copy);
          Point point =
              inSpace(Index::of(0), plan.rowwise ? Index::of(0) : index, plan.rowwise ? index : Index::of(0), {});
          first = indexFor(accumulator, point, plan.phases[phase][number]);
        }
        state.append(accumulator.start(first));
        isSum.append(accumulator.size(), accumulator.isFloatSum());
      }

  forReduced(state, isSum, copies,
             [&](unsigned copy, const Index &loop, const Column &lane, SmallVectorImpl<Value> &all) {
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

/// Of the group `axes`, whose whole steps of `step` end at `end`. Chunks are whole steps.
MapReduceEmitter::Piece MapReduceEmitter::pieceOf(ArrayRef<int64_t> axes, int64_t end, int64_t step) {
  if (!plan.cut || axes.empty() || axes.front() != plan.cut->axis)
    return {nest.constant(0), nest.constant(end), {}};
  int64_t length = plan.cut->chunk;
  for (int64_t size : plan.sizesOf(axes.drop_front()))
    length *= size;
  assert(length % step == 0 && "a chunk is a whole number of steps");
  Value low = points.materialize(part * length, 1), limit = nest.constant(end);
  Value high = points.materialize(part * length + length, 1);
  high = arith::MinSIOp::create(nest.place({high, limit}), nest.loc, high, limit);
  Value number = points.materialize(part, 1), last = nest.constant(plan.parts() - 1);
  Value isLast = arith::CmpIOp::create(nest.place({number, last}), nest.loc, arith::CmpIPredicate::eq, number, last);
  return {low, high, isLast};
}

/// Runs `step` over the reduced axes: copies of it in a loop, what is left without one, the last lanes under a mask.
/// `isSum` says which values of the state are sums of floats.
void MapReduceEmitter::forReduced(SmallVectorImpl<Value> &state, ArrayRef<bool> isSum, int64_t copies, Step step) {
  if (plan.loops == 0)
    return;
  int64_t lanes = plan.lanes, stride = plan.rowwise ? copies * lanes : copies;
  int64_t span = plan.rowwise ? plan.extent : plan.loops, whole = span - span % stride;
  Piece piece = pieceOf(plan.rowwise ? plan.laneAxes : plan.loopAxes, whole, stride);
  int64_t outer = plan.rowwise ? plan.loops : 1;
  int64_t perPart = plan.cut ? llvm::divideCeil(span * outer, plan.parts()) : span * outer;
  LongSums sums(nest, isSum, perPart / stride);

  // What is left behind the whole steps belongs to the last part.
  auto rest = [&](const Index &loop, SmallVectorImpl<Value> &next) {
    if (whole == span)
      return;
    auto emit = [&] {
      SmallVector<Value> last(next.begin(), next.end());
      if (!plan.rowwise)
        for (int64_t at = whole; at < span; ++at)
          step(at - whole, Index::of(at), {}, last);
      else
        for (int64_t at = whole, copy = 0; at < span; at += lanes, ++copy) {
          int64_t live = std::min(lanes, span - at);
          step(copy % copies, loop, {points.indices.lanes({}, at, {at, at + live - 1}), points.tailMask(live, lanes)},
               last);
        }
      return last;
    };
    if (!piece.isLast) {
      next = emit();
      return;
    }
    SmallVector<Value> before(next.begin(), next.end());
    next = nest.branch(piece.isLast, ValueRange(before).getTypes(), emit, [&] { return before; });
  };

  if (!plan.rowwise) {
    SmallVector<Value> carried =
        sums.loop(piece.low, piece.high, copies, blockAdditions, sums.begin(state),
                  [&](Value first, SmallVectorImpl<Value> &next) {
                    Index loop = whole == copies ? Index::of(0) : points.indices.variable(first, {0, whole - copies});
                    for (unsigned copy = 0; copy < copies; ++copy)
                      step(copy, loop + copy, {}, next);
                  });
    state = sums.end(carried);
    return rest(Index::of(0), state);
  }

  auto vectors = [&](const Index &loop, Value first, SmallVectorImpl<Value> &next) {
    Value base = whole == stride && !piece.isLast ? Value() : first;
    for (unsigned copy = 0; copy < copies; ++copy)
      step(copy, loop, {points.indices.lanes(base, copy * lanes, {0, plan.extent - 1}), {}}, next);
  };
  auto indexOf = [&](Value index) {
    return plan.loops == 1 ? Index::of(0) : points.indices.variable(index, {0, plan.loops - 1});
  };
  Piece loops = pieceOf(plan.loopAxes, plan.loops, 1);
  int64_t additions = perPart / stride / std::max<int64_t>(1, loops.isLast ? plan.cut->chunk : outer);
  if (sums.isLong() && additions >= blockAdditions) {
    // Each row is long enough to be cut into blocks by itself.
    SmallVector<Value> carried =
        nest.loop(loops.low, loops.high, 1, sums.begin(state), [&](Value outer, ValueRange values) {
          Index loop = indexOf(outer);
          SmallVector<Value> next =
              sums.loop(piece.low, piece.high, stride, blockAdditions, values,
                        [&](Value first, SmallVectorImpl<Value> &inner) { vectors(loop, first, inner); });
          if (whole == span)
            return next;
          return sums.block(next, [&](SmallVectorImpl<Value> &inner) { rest(loop, inner); });
        });
    state = sums.end(carried);
    return;
  }
  int64_t rows = std::max<int64_t>(1, blockAdditions / std::max<int64_t>(1, additions));
  SmallVector<Value> carried =
      sums.loop(loops.low, loops.high, 1, rows, sums.begin(state), [&](Value outer, SmallVectorImpl<Value> &next) {
        Index loop = indexOf(outer);
        next = nest.loop(piece.low, piece.high, stride, next, [&](Value first, ValueRange values) {
          SmallVector<Value> inner(values);
          vectors(loop, first, inner);
          return inner;
        });
        rest(loop, next);
      });
  state = sums.end(carried);
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

void MapReduceEmitter::emitStep(unsigned phase, const Point &point, unsigned column, const Index &loop,
                                const Column &lane, MutableArrayRef<Value> state) {
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
  bool isStraight =
      llvm::all_of(copiesOf, [&](int64_t copies) { return steps < 2 * copies; }) && (!plan.rowwise || plan.loops == 1);
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
  for (unsigned phase = 0; phase < plan.phaseCount(); ++phase) {
    SmallVector<Value> work = plan.rootsOf(phase, function.kernel);
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
    Value buffer =
        LLVM::AllocaOp::create(builder, nest.loc, LLVM::LLVMPointerType::get(builder.getContext()), memory, count,
                               /*alignment=*/64);
    stash.push_back({tensor, buffer, computed[tensor]});
  }
}

} // namespace dlc
