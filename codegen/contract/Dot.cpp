// The dot form: vectors along the summed axis, which both operands read with unit stride; a tile of rows x columns of
// vector sums, joined across their lanes in a fixed tree. Results go to the scratch buffer, and from there, as vectors
// along the columns, through the epilogue.
#include "codegen/contract/Loops.h"
#include "codegen/kernel/LongSum.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace dlc {

void ContractLoops::emitDotPanel(const Index &rowBlock, const Columns &columns) {
  auto [first, last] = rowTilesOf(rowBlock);
  Index origin = startOf(plan.rows, first);
  int64_t count = columns.count(lanes), tile = std::min(plan.columnTile, count);
  forTiles(plan.rows, first, last, [&](int64_t rows, Index row) {
    nest.loop(nest.constant(0), nest.constant(count / tile * tile), tile, {}, [&](Value offset, ValueRange) {
      emitDotTile(rows, row, origin, columns, indexOf(offset, {0, count - tile}), tile);
      return Values{};
    });
    if (int64_t rest = count % tile)
      emitDotTile(rows, row, origin, columns, Index::of(count - rest), rest);
  });
  finishScratch(valueOf(startOf(plan.rows, last) - origin), origin, columns);
}

void ContractLoops::emitDotTile(int64_t rows, const Index &row, const Index &origin, const Columns &columns,
                                const Index &offset, int64_t count) {
  Values sums(rows * count, zeroVector());
  points.anchored([&] { sums = dotFrom(0, rows, row, count, columns.start + offset, std::move(sums)); });
  for (int64_t r = 0; r < rows; ++r) {
    Value joined = joinLanes(Values(ArrayRef(sums).slice(r * count, count)));
    for (int64_t c = 0; c < count; ++c) {
      Value sum = vector::ExtractOp::create(nest.place(joined), nest.loc, joined, c);
      points.store(scratch, scalar, (row + r - origin) * width + offset + c, Point{}, sum);
    }
  }
}

ContractLoops::Values ContractLoops::dotFrom(unsigned level, int64_t rows, const Index &row, int64_t columns,
                                             const Index &column, Values sums) {
  unsigned axis = plan.sums[level];
  int64_t size = plan.shape.axes[axis].size;
  // Long sums are cut at one level: a block of its steps, with all of the inner ones, begins at zero.
  bool cuts = plan.precise && level == plan.blockLevel;
  auto loop = [&](int64_t end, int64_t step, Values &state, LongSums::Step body) {
    LongSums totals(nest, SmallVector<bool>(state.size(), cuts), plan.depth());
    SmallVector<Value> carried =
        totals.loop(nest.constant(0), nest.constant(end), step, plan.depthBlock / step, totals.begin(state), body);
    state = totals.end(carried);
  };
  if (level + 1 < plan.sums.size()) {
    loop(size, 1, sums, [&](Value index, SmallVectorImpl<Value> &state) {
      place[axis] = indexOf(index, {0, size - 1});
      Values next = dotFrom(level + 1, rows, row, columns, column, Values(ArrayRef<Value>(state)));
      state.assign(next.begin(), next.end());
    });
    return sums;
  }

  int64_t ways = plan.ways, tile = rows * columns, stride = ways * lanes, whole = size / stride * stride;
  sums.resize(tile * ways, zeroVector());
  // One vector of the sum, at `offset` lanes after `base`, `live` of them alive.
  auto stepAt = [&](Value base, int64_t offset, int64_t live, MutableArrayRef<Value> all) {
    place[axis] = points.indices.lanes(base, offset, {offset, size - 1});
    Values next = dotStep(rows, row, columns, column, all, points.tailMask(live, lanes));
    llvm::copy(next, all.begin());
  };
  loop(whole, stride, sums, [&](Value index, SmallVectorImpl<Value> &all) {
    for (int64_t way = 0; way < ways; ++way)
      stepAt(index, way * lanes, lanes, MutableArrayRef(all).slice(way * tile, tile));
  });
  for (int64_t offset = whole, way = 0; offset < size; offset += lanes, ++way)
    stepAt({}, offset, std::min(lanes, size - offset), MutableArrayRef(sums).slice(way * tile, tile));
  return joinWays(std::move(sums), tile);
}

ContractLoops::Values ContractLoops::dotStep(int64_t rows, const Index &row, int64_t columns, const Index &column,
                                             ArrayRef<Value> sums, Value mask) {
  bool rightByRow = plan.row && plan.shape.axes[*plan.row].inRhs;
  bool leftByColumn = plan.column && plan.shape.axes[*plan.column].inLhs;
  Values result(sums), right(columns);
  for (int64_t r = 0; r < rows; ++r) {
    setPlace(plan.row, row + r);
    Value left;
    for (int64_t c = 0; c < columns; ++c) {
      setPlace(plan.column, column + c);
      if (r == 0 || rightByRow)
        right[c] = load(rhs, plan.shape.element, rhsAddress(), mask);
      if (c == 0 || leftByColumn)
        left = load(lhs, plan.shape.element, lhsAddress(), mask);
      result[r * columns + c] = fma(left, right[c], sums[r * columns + c]);
    }
  }
  return result;
}

/// Halves are folded until one lane is left, and as many vectors as there are lanes are folded together: the lower half
/// then holds the first vector's sums, the upper half the second's. What is added to what is the same for any number of
/// vectors. Sum i ends in lane i.
Value ContractLoops::joinLanes(Values sums) {
  int64_t count = sums.size();
  sums.resize(llvm::PowerOf2Ceil(count), sums.back());
  // Lane groups of `group` lanes belong to one sum each; folding two vectors halves the groups.
  for (int64_t group = lanes; group > 1; group /= 2) {
    SmallVector<int64_t> low, high;
    int64_t half = group / 2;
    bool pairs = sums.size() > 1;
    for (int64_t source = 0; source < (pairs ? 2 : 1); ++source)
      for (int64_t first = 0; first < lanes; first += group)
        for (int64_t i = 0; i < half; ++i) {
          low.push_back(source * lanes + first + i);
          high.push_back(source * lanes + first + half + i);
        }
    // A single vector keeps its length; its upper half is then idle.
    for (int64_t i = low.size(); i < lanes; ++i) {
      low.push_back(low[i % low.size()]);
      high.push_back(high[i % high.size()]);
    }
    Values folded;
    for (size_t i = 0; i < sums.size(); i += 2) {
      Value a = sums[i], b = pairs ? sums[i + 1] : a;
      Value x = vector::ShuffleOp::create(nest.place({a, b}), nest.loc, a, b, low);
      Value y = vector::ShuffleOp::create(nest.place({a, b}), nest.loc, a, b, high);
      folded.push_back(add(x, y));
    }
    sums = std::move(folded);
  }
  return sums[0];
}

} // namespace dlc
