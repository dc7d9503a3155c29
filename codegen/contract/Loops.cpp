// The loop over tasks, the ranges of tiles inside one, and what happens to finished sums. A task is a block of rows and a
// panel of columns at one place of the outer axes.
#include "codegen/contract/Loops.h"
#include "codegen/kernel/Emitters.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;

namespace dlc {

ContractLoops::ContractLoops(KernelFunction &function, ContractPlan plan)
    : function(function), plan(std::move(plan)), points(function.builder, contractOf(function.kernel).getLoc(),
                                                        function.target, function.kernel, function.buffers),
      nest(points.nest), op(contractOf(function.kernel)), lanes(this->plan.lanes), epilogue(points, this->plan, op) {
  Builder &builder = function.builder;
  const ContractShape &shape = this->plan.shape;
  scalar = shape.element.isF64() ? builder.getF64Type() : builder.getF32Type();
  vector = VectorType::get(lanes, scalar);
  lhs = function.buffers[shape.lhs], rhs = function.buffers[shape.rhs];
  place.assign(shape.axes.size(), Index::of(0));
  width = this->plan.columns.biggest() * lanes;
  if (needsEpilogueFunction(function.kernel, this->plan, function.target))
    epilogueFunction = emitEpilogueFunction(function, this->plan, width);
}

void ContractLoops::emit() {
  int64_t rows = plan.rows.biggest() * (plan.form == ContractPlan::Dot || plan.blocked ? plan.rowTilesPerTask : 1);
  // Where totals have errors beside them, these lie behind all sums.
  lostFrom = rows * width;
  if (epilogueFunction)
    scratch = allocate(plan.precise && plan.form == ContractPlan::Tile ? 2 * lostFrom : lostFrom);
  if (plan.pack)
    panel = allocate((plan.packAll ? plan.depth() : plan.blockSteps()) * width);
  SmallVector<Value> carried;
  if (plan.packAll)
    carried.push_back(nest.constant(-1));
  nest.loop(function.begin, function.end, 1, carried, [&](Value task, ValueRange last) {
    Value lastPanel = last.empty() ? Value() : last[0];
    emitTask(task, lastPanel);
    return last.empty() ? SmallVector<Value>{} : SmallVector<Value>{lastPanel};
  });
}

/// Tasks of one panel follow one another where it is packed for all of them, at all places of outer axes that it does not
/// have; otherwise tasks of the same rows do, which then stay in the second cache.
void ContractLoops::emitTask(Value task, Value &lastPanel) {
  SmallVector<unsigned> before, behind;
  for (unsigned axis : plan.outer)
    (plan.packAll && !plan.shape.axes[axis].inRhs ? behind : before).push_back(axis);
  SmallVector<int64_t> sizes;
  auto addSizes = [&](ArrayRef<unsigned> axes) {
    for (unsigned axis : axes)
      sizes.push_back(plan.shape.axes[axis].size);
  };
  addSizes(before);
  sizes.push_back(plan.packAll ? plan.columns.parts : plan.rowBlocks());
  addSizes(behind);
  sizes.push_back(plan.packAll ? plan.rowBlocks() : plan.columns.parts);
  Index index = points.indices.variable(task, {0, plan.tasks() - 1});
  SmallVector<Index> digits = points.indices.delinearize(index, sizes);
  for (auto [axis, digit] : llvm::zip(before, digits))
    place[axis] = digit;
  for (auto [axis, digit] : llvm::zip(behind, ArrayRef(digits).drop_front(before.size() + 1)))
    place[axis] = digit;
  Index slow = digits[before.size()], fast = digits.back();
  Index rowBlock = plan.packAll ? fast : slow, columnPanel = plan.packAll ? slow : fast;
  if (plan.form == ContractPlan::Dot)
    return forPanel(columnPanel, [&](const Columns &columns) { emitDotPanel(rowBlock, columns); });
  if (plan.packAll) {
    // The panel's number: that of the task without its block of rows and what else the panel is the same for.
    int64_t tasksOfPanel = plan.rowBlocks();
    for (unsigned axis : behind)
      tasksOfPanel *= plan.shape.axes[axis].size;
    Value number = valueOf(points.indices.floorDiv(index, tasksOfPanel));
    Value packed = lastPanel;
    lastPanel = number;
    forPanel(columnPanel, [&](const Columns &columns) {
      Value fresh = arith::CmpIOp::create(nest.here(), nest.loc, arith::CmpIPredicate::ne, number, packed);
      nest.branch(
          fresh, {},
          [&] {
            packPanel(columns);
            return Values{};
          },
          [] { return Values{}; });
      emitTilePanel(rowBlock, columns);
    });
    return;
  }
  forPanel(columnPanel, [&](const Columns &columns) { emitTilePanel(rowBlock, columns); });
}

static std::optional<int64_t> constantOf(Value value) {
  IntegerAttr attribute;
  if (matchPattern(value, m_Constant(&attribute)))
    return attribute.getInt();
  return std::nullopt;
}

Index ContractLoops::indexOf(Value value, Range range) {
  auto known = constantOf(value);
  return known ? Index::of(*known) : points.indices.variable(value, range);
}

Value ContractLoops::least(Value a, int64_t b) {
  if (auto known = constantOf(a))
    return nest.constant(std::min(*known, b));
  Value other = nest.constant(b);
  return arith::MinSIOp::create(nest.place({a, other}), nest.loc, a, other);
}

Value ContractLoops::isLastBlock() {
  Value end = nest.constant(plan.shape.axes[plan.sums[plan.blockLevel]].size);
  return arith::CmpIOp::create(nest.place({depthHigh, end}), nest.loc, arith::CmpIPredicate::eq, depthHigh, end);
}

Value ContractLoops::greatest(Value a, int64_t b) {
  if (auto known = constantOf(a))
    return nest.constant(std::max(*known, b));
  Value other = nest.constant(b);
  return arith::MaxSIOp::create(nest.place({a, other}), nest.loc, a, other);
}

void ContractLoops::forTiles(const Split &split, Value first, Value last,
                             llvm::function_ref<void(int64_t, Index)> body) {
  auto range = [&](Value low, Value high, Range tiles, int64_t size, int64_t offset) {
    nest.loop(low, high, 1, {}, [&](Value tile, ValueRange) {
      body(size, indexOf(tile, tiles) * size + offset);
      return Values{};
    });
  };
  if (split.bigCount)
    range(first, least(last, split.bigCount), {0, split.bigCount - 1}, split.small + 1, 0);
  range(greatest(first, split.bigCount), last, {split.bigCount, split.parts - 1}, split.small, split.bigCount);
}

std::pair<Value, Value> ContractLoops::rowTilesOf(const Index &rowBlock) {
  Value first = valueOf(rowBlock * plan.rowTilesPerTask);
  if (plan.rowBlocks() == 1)
    return {first, nest.constant(plan.rows.parts)};
  return {first, least(valueOf(rowBlock * plan.rowTilesPerTask + plan.rowTilesPerTask), plan.rows.parts)};
}

Index ContractLoops::startOf(const Split &split, Value tile) {
  Index start = indexOf(tile, {0, split.parts}) * split.small;
  return split.bigCount ? start + indexOf(least(tile, split.bigCount), {0, split.bigCount}) : start;
}

void ContractLoops::forPanel(const Index &panelIndex, llvm::function_ref<void(const Columns &)> body) {
  const Split &split = plan.columns;
  int64_t tail = plan.sizeOf(plan.column) % lanes, last = split.parts - 1;
  struct Kind {
    int64_t first, count, vectors, lastLive;
  };
  SmallVector<Kind> kinds;
  if (split.bigCount)
    kinds.push_back({0, split.bigCount, split.small + 1, lanes});
  if (split.parts > split.bigCount)
    kinds.push_back({split.bigCount, split.parts - split.bigCount, split.small, lanes});
  if (tail) {
    int64_t vectors = kinds.back().vectors;
    if (--kinds.back().count == 0)
      kinds.pop_back();
    kinds.push_back({last, 1, vectors, tail});
  }
  auto emitKind = [&](const Kind &kind) {
    Index first = Index::of(split.start(kind.first) * lanes);
    Index start = kind.count == 1 ? first : (panelIndex + -kind.first) * (kind.vectors * lanes) + first;
    body({start, kind.vectors, kind.lastLive});
  };
  if (kinds.size() == 1)
    return emitKind(kinds[0]);
  for (const Kind &kind : kinds) {
    // first <= panel < first + count, as one comparison.
    Value distance = valueOf(panelIndex + -kind.first), count = nest.constant(kind.count);
    OpBuilder &builder = nest.place({distance, count});
    Value within = arith::CmpIOp::create(builder, nest.loc, arith::CmpIPredicate::ult, distance, count);
    nest.branch(within, {}, [&] { return emitKind(kind), Values{}; }, [] { return Values{}; });
  }
}

void ContractLoops::finishScratch(Value count, const Index &row, const Columns &columns) {
  // The array of buffers is the first argument of the kernel's function.
  Value args = cast<BlockArgument>(function.begin).getOwner()->getArgument(0);
  Values arguments{args, scratch, valueOf(row), count, valueOf(columns.start), nest.constant(columns.count(lanes))};
  for (unsigned axis : plan.outer)
    arguments.push_back(valueOf(place[axis]));
  func::CallOp::create(nest.here(), nest.loc, epilogueFunction, arguments);
}

Index ContractLoops::lhsAddress() {
  Index address = Index::of(plan.shape.lhsOffset);
  for (auto [axis, index] : llvm::zip_equal(plan.shape.axes, place)) {
    if (axis.inLhs && axis.digits.empty())
      address = address + index * axis.lhsStride;
    SmallVector<int64_t> sizes;
    for (const ContractAxis::Digit &digit : axis.digits)
      sizes.push_back(digit.size);
    for (auto [digit, part] : llvm::zip(axis.digits, points.indices.delinearize(index, sizes)))
      address = address + part * digit.lhsStride;
  }
  return address;
}

Index ContractLoops::rhsAddress() const {
  Index address = Index::of(plan.shape.rhsOffset);
  for (auto [axis, index] : llvm::zip_equal(plan.shape.axes, place))
    if (axis.inRhs)
      address = address + index * axis.rhsStride;
  return address;
}

Value ContractLoops::load(Value buffer, Type element, const Index &address, Value mask) {
  Point point;
  point.lanes = address.varies() ? lanes : 1;
  point.mask = address.varies() ? mask : Value();
  return points.load(buffer, element, address, point);
}

void ContractLoops::storeVector(Value buffer, const Index &address, Value value) {
  Point point;
  point.lanes = lanes;
  points.store(buffer, scalar, address, point, value);
}

Value ContractLoops::allocate(int64_t elements) {
  Value count = nest.constant(elements);
  OpBuilder &builder = nest.place(count);
  auto pointer = LLVM::LLVMPointerType::get(builder.getContext());
  return LLVM::AllocaOp::create(builder, nest.loc, pointer, scalar, count, 64);
}

Value ContractLoops::zeroVector() { return floatConstant(nest.place({}), nest.loc, vector, 0); }

Value ContractLoops::fma(Value a, Value b, Value sum) {
  return vector::FMAOp::create(nest.place({a, b, sum}), nest.loc, a, b, sum);
}

Value ContractLoops::add(Value a, Value b) { return arith::AddFOp::create(nest.place({a, b}), nest.loc, a, b); }

} // namespace dlc
