// How each movement finds the place of an element in its operands.
#include "codegen/kernel/Point.h"
#include "ir/Dialect.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace dlc {

bool Point::varies() const {
  return llvm::any_of(indices, [](const Index &index) { return index.varies(); });
}

Point Point::at(ArrayRef<Index> other) const {
  Point point{SmallVector<Index>(other), lanes, mask};
  if (!point.varies())
    point.lanes = 1, point.mask = {};
  return point;
}

static ArrayRef<int64_t> shapeOf(Value value) { return cast<RankedTensorType>(value.getType()).getShape(); }

/// Groups of axes with equal products are rewritten each on its own, so that axes which the reshape does not touch keep
/// their indices as they are.
static SmallVector<Index> throughReshape(ArrayRef<int64_t> from, ArrayRef<int64_t> to, ArrayRef<Index> indices,
                                         IndexContext &context) {
  SmallVector<Index> result;
  size_t i = 0, j = 0;
  if (llvm::is_contained(from, 0))
    return SmallVector<Index>(from.size(), Index::of(0));
  while (i < from.size()) {
    size_t firstFrom = i, firstTo = j;
    int64_t fromSize = from[i++], toSize = j < to.size() ? to[j++] : 1;
    while (fromSize != toSize)
      if (fromSize < toSize)
        fromSize *= from[i++];
      else
        toSize *= to[j++];
    Index linear = context.linearize(indices.slice(firstTo, j - firstTo), to.slice(firstTo, j - firstTo));
    result.append(context.delinearize(linear, from.slice(firstFrom, i - firstFrom)));
  }
  return result;
}

/// Adds `low <= index < high` unless the range decides it; returns false when it never holds.
static bool require(SmallVectorImpl<Condition> &conditions, const Index &index, int64_t low, int64_t high,
                    const IndexContext &context) {
  Range range = context.range(index);
  if (range.low >= low && range.high < high)
    return true;
  if (range.high < low || range.low >= high)
    return false;
  conditions.push_back({index, low, high});
  return true;
}

static SmallVector<Source> throughPad(dl::PadOp op, ArrayRef<Index> indices, IndexContext &context) {
  Source source{0, {}, {}};
  for (auto [axis, size] : llvm::enumerate(shapeOf(op.getOperand()))) {
    int64_t spacing = op.getInterior()[axis] + 1;
    Index relative = indices[axis] + -op.getLow()[axis];
    if (size == 0 || !require(source.conditions, relative, 0, (size - 1) * spacing + 1, context))
      return {};
    if (spacing > 1 && !require(source.conditions, context.mod(relative, spacing), 0, 1, context))
      return {};
    source.indices.push_back(context.floorDiv(relative, spacing));
  }
  return {source};
}

static SmallVector<Source> throughConcat(dl::ConcatOp op, ArrayRef<Index> indices, IndexContext &context) {
  SmallVector<Source> sources;
  int64_t axis = op.getAxis(), start = 0;
  for (auto [number, operand] : llvm::enumerate(op.getOperands())) {
    int64_t size = shapeOf(operand)[axis];
    Source source{static_cast<unsigned>(number), SmallVector<Index>(indices), {}};
    source.indices[axis] = indices[axis] + -start;
    start += size;
    if (size == 0 || !require(source.conditions, source.indices[axis], 0, size, context))
      continue;
    bool certain = source.conditions.empty();
    sources.push_back(std::move(source));
    if (certain)
      break;
  }
  return sources;
}

static SmallVector<Index> throughWindow(dl::WindowOp op, ArrayRef<Index> indices) {
  size_t rank = shapeOf(op.getOperand()).size();
  SmallVector<Index> moved(indices.take_front(rank));
  for (auto [number, axis] : llvm::enumerate(op.getAxes()))
    moved[axis] = indices[axis] * op.getSteps()[number] + indices[rank + number] * op.getSpreads()[number];
  return moved;
}

static SmallVector<Source> throughTaps(dl::TapsOp op, ArrayRef<Index> indices, IndexContext &context) {
  ArrayRef<int64_t> windows = shapeOf(op.getOperand());
  size_t rank = windows.size() - op.getAxes().size();
  Source source{0, SmallVector<Index>(indices), {}};
  for (auto [number, axis] : llvm::enumerate(op.getAxes())) {
    int64_t step = op.getSteps()[number];
    Index first = indices[axis] - indices[rank + number] * op.getSpreads()[number];
    if (windows[axis] == 0 || !require(source.conditions, first, 0, (windows[axis] - 1) * step + 1, context))
      return {};
    if (step > 1 && !require(source.conditions, context.mod(first, step), 0, 1, context))
      return {};
    source.indices[axis] = context.floorDiv(first, step);
  }
  return {source};
}

SmallVector<Source> sourcesOf(Operation *operation, ArrayRef<Index> indices, IndexContext &context) {
  SmallVector<Index> moved(indices);
  auto always = [&](SmallVector<Index> from) { return SmallVector<Source>{Source{0, std::move(from), {}}}; };
  return llvm::TypeSwitch<Operation *, SmallVector<Source>>(operation)
      .Case([&](dl::ReshapeOp op) {
        return always(throughReshape(shapeOf(op.getOperand()), shapeOf(op.getResult()), indices, context));
      })
      .Case([&](dl::TransposeOp op) {
        for (auto [axis, from] : llvm::enumerate(op.getPermutation()))
          moved[from] = indices[axis];
        return always(moved);
      })
      .Case([&](dl::BroadcastOp op) {
        moved.clear();
        for (int64_t axis : op.getAxes())
          moved.push_back(indices[axis]);
        return always(moved);
      })
      .Case([&](dl::SliceOp op) {
        for (auto [axis, start, step] : llvm::enumerate(op.getStarts(), op.getSteps()))
          moved[axis] = indices[axis] * step + start;
        return always(moved);
      })
      .Case([&](dl::ReverseOp op) {
        for (int64_t axis : op.getAxes())
          moved[axis] = Index::of(shapeOf(op.getResult())[axis] - 1) - indices[axis];
        return always(moved);
      })
      .Case([&](dl::WindowOp op) { return always(throughWindow(op, indices)); })
      .Case([&](dl::TapsOp op) { return throughTaps(op, indices, context); })
      .Case([&](dl::PadOp op) { return throughPad(op, indices, context); })
      .Case([&](dl::ConcatOp op) { return throughConcat(op, indices, context); });
}

} // namespace dlc
