// The tile form: rows x vectors of sums in registers; each step of the summed axis loads the right operand's vectors once
// and each row's element of the left one once. Long sums are cut into blocks, with partial sums in the scratch buffer.
#include "codegen/contract/Loops.h"
#include "codegen/kernel/LongSum.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;

namespace dlc {

/// Steps of a sum during which what the epilogue reads comes from memory; a longer sum takes so long that it counts little.
static constexpr int64_t leastPrefetched = 64, mostPrefetched = 512;

void ContractLoops::emitTilePanel(const Index &rowBlock, const Columns &columns) {
  auto [first, last] = rowTilesOf(rowBlock);
  if (plan.blocked)
    return emitBlockedPanel(first, last, columns);
  forTiles(plan.rows, first, last, [&](int64_t rows, Index row) {
    if (plan.column && plan.depth() >= leastPrefetched && plan.depth() <= mostPrefetched)
      epilogue.prefetch(place, rows, row, columns, function.buffers);
    Values sums = accumulate(rows, row, columns, Values(rows * columns.vectors, zeroVector()));
    nest.pinned([&] { finishTile(rows, row, columns, sums); });
  });
}

void ContractLoops::finishTile(int64_t rows, const Index &row, const Columns &columns, ArrayRef<Value> sums) {
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t v = 0; v < columns.vectors; ++v) {
      Value sum = sums[r * columns.vectors + v];
      if (epilogueFunction)
        storeVector(scratch, points.indices.lanes({}, r * width + v * lanes, {0, width * rows}), sum);
      else
        epilogue.finish(place, row + r, columns, v, sum);
    }
  if (epilogueFunction)
    finishScratch(nest.constant(rows), row, columns);
}

/// Sums of the task's rows live in the scratch buffer: zero, then a pass over the rows for each block, then the epilogue.
void ContractLoops::emitBlockedPanel(Value first, Value last, const Columns &columns) {
  Index origin = startOf(plan.rows, first);
  Value count = valueOf(startOf(plan.rows, last) - origin);
  auto scratchAt = [&](const Index &row, int64_t vector) {
    return (row - origin) * width +
           points.indices.lanes({}, vector * lanes, {vector * lanes, vector * lanes + lanes - 1});
  };
  auto forRows = [&](llvm::function_ref<void(const Index &)> body) {
    nest.loop(nest.constant(0), count, 1, {}, [&](Value row, ValueRange) {
      for (int64_t v = 0; v < columns.vectors; ++v)
        body(scratchAt(origin + indexOf(row, {0, plan.sizeOf(plan.row) - 1}), v));
      return Values{};
    });
  };
  forRows([&](const Index &place) {
    storeVector(scratch, place, zeroVector());
    if (plan.precise)
      storeVector(scratch, place + lostFrom, zeroVector());
  });
  auto pass = [&] {
    if (plan.pack && !plan.packAll)
      packPanel(columns);
    forTiles(plan.rows, first, last, [&](int64_t rows, Index row) { addBlock(rows, row, columns, scratchAt); });
  };
  std::function<void(unsigned)> blocksFrom = [&](unsigned level) {
    int64_t size = plan.shape.axes[plan.sums[level]].size;
    if (level < plan.blockLevel) {
      nest.loop(nest.constant(0), nest.constant(size), 1, {}, [&](Value index, ValueRange) {
        place[plan.sums[level]] = indexOf(index, {0, size - 1});
        blocksFrom(level + 1);
        return Values{};
      });
      return;
    }
    nest.loop(nest.constant(0), nest.constant(size), plan.depthBlock, {}, [&](Value low, ValueRange) {
      depthOrigin = indexOf(low, {0, size - 1});
      depthLow = low;
      depthHigh = least(valueOf(depthOrigin + plan.depthBlock), size);
      pass();
      depthLow = depthHigh = {};
      return Values{};
    });
  };
  blocksFrom(0);
  if (plan.precise)
    forRows([&](const Index &place) {
      RunningTotal total{load(scratch, scalar, place), load(scratch, scalar, place + lostFrom)};
      storeVector(scratch, place, finish(nest, total));
    });
  finishScratch(count, origin, columns);
}

void ContractLoops::addBlock(int64_t rows, const Index &row, const Columns &columns,
                             llvm::function_ref<Index(const Index &row, int64_t vector)> scratchAt) {
  auto forVectors = [&](llvm::function_ref<void(const Index &place, int64_t number)> body) {
    for (int64_t r = 0; r < rows; ++r)
      for (int64_t v = 0; v < columns.vectors; ++v)
        body(scratchAt(row + r, v), r * columns.vectors + v);
  };
  Values sums(rows * columns.vectors, zeroVector());
  if (!plan.precise)
    forVectors([&](const Index &place, int64_t number) { sums[number] = load(scratch, scalar, place); });
  sums = accumulate(rows, row, columns, sums);
  forVectors([&](const Index &place, int64_t number) {
    if (!plan.precise)
      return storeVector(scratch, place, sums[number]);
    RunningTotal before{load(scratch, scalar, place), load(scratch, scalar, place + lostFrom)};
    RunningTotal total = addTo(nest, before, sums[number]);
    storeVector(scratch, place, total.sum);
    storeVector(scratch, place + lostFrom, total.lost);
  });
}

ContractLoops::Values ContractLoops::accumulate(int64_t rows, const Index &row, const Columns &columns, Values sums) {
  // Within a block the outer summed axes have their places already.
  points.anchored(
      [&] { sums = accumulateFrom(plan.blocked ? plan.blockLevel : 0, rows, row, columns, std::move(sums)); });
  return sums;
}

ContractLoops::Values ContractLoops::accumulateFrom(unsigned level, int64_t rows, const Index &row,
                                                    const Columns &columns, Values sums) {
  if (level == plan.sums.size())
    return step(rows, row, columns, sums);
  if (level + 1 == plan.sums.size())
    return innermost(rows, row, columns, std::move(sums));
  int64_t size = plan.shape.axes[plan.sums[level]].size;
  bool block = depthLow && level == plan.blockLevel;
  return nest.loop(block ? depthLow : nest.constant(0), block ? depthHigh : nest.constant(size), 1, sums,
                   [&](Value index, ValueRange carried) {
                     place[plan.sums[level]] = indexOf(index, {0, size - 1});
                     return accumulateFrom(level + 1, rows, row, columns, Values(carried));
                   });
}

/// The loop that takes the time. With `ways` > 1 every ways-th step goes to its own sums, which are joined in pairs. A block
/// begins at a multiple of the ways, so that only the very last has steps left over.
ContractLoops::Values ContractLoops::innermost(int64_t rows, const Index &row, const Columns &columns, Values sums) {
  unsigned axis = plan.sums.back();
  int64_t size = plan.shape.axes[axis].size, ways = plan.ways, tile = rows * columns.vectors;
  int64_t whole = size / ways * ways;
  sums.resize(tile * ways, zeroVector());
  auto steps = [&](const Index &from, int64_t count, Values all) {
    for (int64_t way = 0; way < count; ++way) {
      if (plan.ahead) {
        place[axis] = from + (way + plan.ahead);
        askAhead(row);
      }
      place[axis] = from + way;
      Values next = step(rows, row, columns, ArrayRef(all).slice(way * tile, tile));
      llvm::copy(next, all.begin() + way * tile);
    }
    return all;
  };
  bool block = depthLow && plan.blockLevel + 1 == plan.sums.size();
  Value low = block ? depthLow : nest.constant(0);
  Value high = !block ? nest.constant(whole) : whole == size ? depthHigh : least(depthHigh, whole);
  sums = nest.loop(low, high, ways, sums, [&](Value index, ValueRange carried) {
    return steps(indexOf(index, {0, size - 1}), ways, Values(carried));
  });
  if (whole != size) {
    auto rest = [&] { return steps(Index::of(whole), size - whole, sums); };
    sums = block ? nest.branch(isLastBlock(), ValueRange(sums).getTypes(), rest, [&] { return sums; }) : rest();
  }
  return joinWays(std::move(sums), tile);
}

/// A tile's rows lie side by side: one line, or two, of which the second was the next tile's first. Behind the operand's end
/// nothing is read, and nothing happens.
void ContractLoops::askAhead(const Index &row) {
  setPlace(plan.row, row);
  Value offset = valueOf(lhsAddress());
  OpBuilder &builder = nest.here();
  Value address = LLVM::GEPOp::create(builder, nest.loc, lhs.getType(), plan.shape.element, lhs, ValueRange{offset});
  // To read, for all caches, data.
  LLVM::Prefetch::create(builder, nest.loc, address, 0, 3, 1);
}

ContractLoops::Values ContractLoops::joinWays(Values sums, int64_t tile) {
  for (int64_t count = plan.ways * tile / 2; count >= tile; count /= 2)
    for (int64_t i = 0; i < count; ++i)
      sums[i] = add(sums[i], sums[i + count]);
  sums.resize(tile);
  return sums;
}

ContractLoops::Values ContractLoops::step(int64_t rows, const Index &row, const Columns &columns,
                                          ArrayRef<Value> sums) {
  auto has = [&](std::optional<unsigned> axis, bool ContractAxis::*in) { return axis && plan.shape.axes[*axis].*in; };
  bool rightByRow = has(plan.row, &ContractAxis::inRhs), leftByColumn = has(plan.column, &ContractAxis::inLhs);
  Values result(sums), right(columns.vectors), left(columns.vectors);
  for (int64_t r = 0; r < rows; ++r) {
    setPlace(plan.row, row + r);
    for (int64_t v = 0; v < columns.vectors; ++v) {
      setPlace(plan.column, epilogue.lanesOf(columns, v));
      Value mask = epilogue.maskOf(columns, v);
      if (r == 0 || rightByRow) {
        Index inPanel = points.indices.lanes({}, v * lanes, {v * lanes, v * lanes + lanes - 1});
        right[v] = plan.pack ? load(panel, scalar, panelRow() * width + inPanel)
                             : load(rhs, plan.shape.element, rhsAddress(), mask);
      }
    }
    for (int64_t v = 0; v < columns.vectors; ++v) {
      if (v == 0 || leftByColumn) {
        setPlace(plan.column, epilogue.lanesOf(columns, v));
        left[v] = points.splat(load(lhs, plan.shape.element, lhsAddress(), epilogue.maskOf(columns, v)), lanes);
      } else {
        left[v] = left[0];
      }
      int64_t i = r * columns.vectors + v;
      result[i] = fma(left[v], points.splat(right[v], lanes), sums[i]);
    }
  }
  return result;
}

} // namespace dlc
