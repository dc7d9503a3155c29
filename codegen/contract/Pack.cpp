// Panels of the right operand: row p of a panel holds step p of the sum, for the panel's columns side by side. Where the
// operand has unit stride along the summed axis, square blocks are transposed in registers.
#include "codegen/contract/Loops.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace dlc {

Index ContractLoops::panelRow() const {
  if (!plan.packAll)
    return plan.sums.empty() ? Index::of(0) : place[plan.sums.back()] - depthOrigin;
  Index row = Index::of(0);
  for (unsigned axis : plan.sums)
    row = row * plan.shape.axes[axis].size + place[axis];
  return row;
}

void ContractLoops::packPanel(const Columns &columns) {
  packFrom(plan.packAll || plan.sums.empty() ? 0 : plan.sums.size() - 1, columns);
}

void ContractLoops::packFrom(unsigned level, const Columns &columns) {
  auto copyRow = [&] {
    for (int64_t v = 0; v < columns.vectors; ++v) {
      setPlace(plan.column, epilogue.lanesOf(columns, v));
      Value value = load(rhs, plan.shape.element, rhsAddress(), epilogue.maskOf(columns, v));
      Index inPanel = points.indices.lanes({}, v * lanes, {v * lanes, v * lanes + lanes - 1});
      storeVector(panel, panelRow() * width + inPanel, points.splat(value, lanes));
    }
  };
  if (level == plan.sums.size())
    return copyRow();
  unsigned axis = plan.sums[level];
  bool last = level + 1 == plan.sums.size();
  if (last && plan.shape.axes[axis].rhsStride == 1 && plan.shape.axes[*plan.column].rhsStride != 1)
    return packTransposed(columns);
  int64_t size = plan.shape.axes[axis].size;
  bool block = last && depthLow && !plan.packAll;
  nest.loop(block ? depthLow : nest.constant(0), block ? depthHigh : nest.constant(size), 1, {},
            [&](Value index, ValueRange) {
              place[axis] = indexOf(index, {0, size - 1});
              packFrom(level + 1, columns);
              return Values{};
            });
}

/// Whole blocks in loops, and what is left over at the right and at the bottom once more each. A block of the sum begins at
/// a multiple of the lanes, so that only the very last has steps left over.
void ContractLoops::packTransposed(const Columns &columns) {
  int64_t size = plan.innerDepth(), left = size % lanes;
  bool block = depthLow && !plan.packAll;
  auto packVector = [&](const Index &vector, int64_t live) {
    Value low = block ? depthLow : nest.constant(0);
    Value wholeEnd = block ? least(depthHigh, size - left) : nest.constant(size - left);
    nest.loop(low, wholeEnd, lanes, {}, [&](Value depth, ValueRange) {
      packBlock(columns, vector, live, indexOf(depth, {0, size - lanes}), lanes);
      return Values{};
    });
    if (!left)
      return;
    auto packRest = [&] { return packBlock(columns, vector, live, Index::of(size - left), left), Values{}; };
    if (!block) {
      packRest();
      return;
    }
    nest.branch(isLastBlock(), {}, packRest, [] { return Values{}; });
  };
  int64_t whole = columns.lastLive == lanes ? columns.vectors : columns.vectors - 1;
  nest.loop(nest.constant(0), nest.constant(whole), 1, {}, [&](Value vector, ValueRange) {
    packVector(indexOf(vector, {0, whole - 1}), lanes);
    return Values{};
  });
  if (whole != columns.vectors)
    packVector(Index::of(whole), columns.lastLive);
}

/// Swaps the halves of every pair of groups of `distance` lanes between rows `distance` apart; doing so for every power of
/// two below the number of rows transposes them.
static void exchange(LoopNest &nest, MutableArrayRef<Value> rows, int64_t distance) {
  int64_t lanes = rows.size();
  SmallVector<int64_t> low, high;
  for (int64_t i = 0; i < lanes; ++i) {
    bool second = i & distance;
    low.push_back(second ? lanes + i - distance : i);
    high.push_back(second ? lanes + i : i + distance);
  }
  for (int64_t i = 0; i < lanes; ++i) {
    if (i & distance)
      continue;
    Value a = rows[i], b = rows[i + distance];
    rows[i] = vector::ShuffleOp::create(nest.here(), nest.loc, a, b, low);
    rows[i + distance] = vector::ShuffleOp::create(nest.here(), nest.loc, a, b, high);
  }
}

void ContractLoops::packBlock(const Columns &columns, const Index &vector, int64_t liveColumns, const Index &depth,
                              int64_t liveDepth) {
  unsigned axis = plan.sums.back();
  Value base = depth.isConstant() ? Value() : valueOf(depth);
  int64_t offset = depth.isConstant() ? depth.constant : 0;
  Range depths = points.indices.range(depth);
  Values rows;
  for (int64_t i = 0; i < lanes; ++i) {
    setPlace(plan.column, columns.start + vector * lanes + i);
    place[axis] = points.indices.lanes(base, offset, {depths.low, depths.high + liveDepth - 1});
    rows.push_back(i < liveColumns ? load(rhs, plan.shape.element, rhsAddress(), points.tailMask(liveDepth, lanes))
                                   : zeroVector());
  }
  for (int64_t distance = lanes / 2; distance >= 1; distance /= 2)
    exchange(nest, rows, distance);
  Index inPanel = points.indices.lanes({}, 0, {0, lanes - 1}) + vector * lanes;
  for (int64_t i = 0; i < liveDepth; ++i) {
    place[axis] = depth + i;
    storeVector(panel, panelRow() * width + inPanel, rows[i]);
  }
}

} // namespace dlc
