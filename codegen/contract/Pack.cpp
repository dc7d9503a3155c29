// Panels of the right operand: row p of a panel holds step p of the sum, for the panel's columns side by side. Where the
// operand has unit stride along the summed axis, square blocks are transposed (Transpose.cpp).
#include "codegen/contract/Loops.h"
#include "codegen/contract/Transpose.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;

namespace dlc {

Index ContractLoops::panelRow() const {
  Index row = Index::of(0);
  for (unsigned level = plan.packAll ? 0 : plan.blockLevel; level < plan.sums.size(); ++level) {
    unsigned axis = plan.sums[level];
    bool isBlock = !plan.packAll && level == plan.blockLevel;
    row = row * plan.shape.axes[axis].size + (isBlock ? place[axis] - depthOrigin : place[axis]);
  }
  return row;
}

void ContractLoops::packPanel(const Columns &columns) { packFrom(plan.packAll ? 0 : plan.blockLevel, columns); }

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
  bool block = depthLow && !plan.packAll && level == plan.blockLevel;
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
  bool block = depthLow && !plan.packAll && plan.blockLevel + 1 == plan.sums.size();
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

void ContractLoops::packBlock(const Columns &columns, const Index &vector, int64_t liveColumns, const Index &depth,
                              int64_t liveDepth) {
  setPlace(plan.column, columns.start + vector * lanes);
  place[plan.sums.back()] = depth;
  Value from = points.pointer(rhs, plan.shape.element, rhsAddress());
  Value to = points.pointer(panel, scalar, panelRow() * width + vector * lanes);
  Values arguments{from, nest.constant(plan.shape.axes[*plan.column].rhsStride), to, nest.constant(width)};
  bool whole = liveColumns == lanes && liveDepth == lanes;
  if (!whole)
    arguments.append({nest.constant(liveColumns), nest.constant(liveDepth)});
  func::CallOp::create(nest.here(), nest.loc, blockTransposer(function, this->vector, plan.shape.element, whole),
                       arguments);
}

} // namespace dlc
