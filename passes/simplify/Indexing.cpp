// Parts at computed places: known starts, updates of zeros that are added to something, rows in another order.

#include "passes/simplify/Patterns.h"

#include "ir/Builders.h"

using namespace mlir;

namespace dlc {
namespace {

/// Where all starts are known the part is a slice.
LogicalResult sliceAtKnownStarts(dl::DynamicSliceOp op, PatternRewriter &rewriter) {
  ArrayRef<int64_t> shape = dl::shapeOf(op.getOperand()), sizes = op.getType().getShape();
  SmallVector<int64_t> starts(shape.size(), 0), steps(shape.size(), 1);
  for (auto [start, axis] : llvm::zip_equal(op.getStarts(), op.getAxes())) {
    std::optional<double> known = splatOf(start);
    // What lies outside is a mistake of the program, which a check finds.
    if (!known || *known < 0 || *known > double(shape[axis] - sizes[axis]))
      return failure();
    starts[axis] = int64_t(*known);
  }
  rewriter.replaceOpWithNewOp<dl::SliceOp>(op, op.getOperand(), starts, sizes, steps);
  return success();
}

/// c + (0 with u added to a part) is c with u added to the part: the sums of cotangents in loops, each a part.
LogicalResult addPart(dl::AddOp op, PatternRewriter &rewriter) {
  for (auto [whole, part] : {std::pair(op.getLhs(), op.getRhs()), {op.getRhs(), op.getLhs()}}) {
    auto update = part.getDefiningOp<dl::DynamicUpdateOp>();
    if (!update || !update.getResult().hasOneUse() || splatOf(update.getOperand()) != 0.0)
      continue;
    rewriter.replaceOpWithNewOp<dl::DynamicUpdateOp>(op, op.getType(), /*add=*/true, whole, update.getUpdate(),
                                                     update.getStarts(), update.getAxes());
    return success();
  }
  return failure();
}

/// Rows of a table in another order of places are the rows at the places in that order.
LogicalResult transposeIndices(dl::TransposeOp op, PatternRewriter &rewriter) {
  auto gather = op.getOperand().getDefiningOp<dl::GatherOp>();
  if (!gather || !gather.getResult().hasOneUse())
    return failure();
  int64_t first = gather.getAxis(), count = dl::shapeOf(gather.getIndices()).size();
  SmallVector<int64_t> order;
  for (auto [axis, from] : llvm::enumerate(op.getPermutation())) {
    bool isIndex = int64_t(axis) >= first && int64_t(axis) < first + count;
    if (isIndex ? from < first || from >= first + count : from != int64_t(axis))
      return failure();
    if (isIndex)
      order.push_back(from - first);
  }
  Value places = dl::TransposeOp::create(rewriter, op.getLoc(), gather.getIndices(), order);
  rewriter.replaceOpWithNewOp<dl::GatherOp>(op, gather.getOperand(), places, first);
  return success();
}

} // namespace

void addIndexingPatterns(RewritePatternSet &patterns) {
  patterns.add(sliceAtKnownStarts);
  patterns.add(addPart);
  patterns.add(transposeIndices);
}

} // namespace dlc
