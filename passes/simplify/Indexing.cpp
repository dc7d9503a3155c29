// Parts at computed places: known starts, updates of zeros that are added to something, rows in another order, and places that a
// loop's index keeps within bounds.

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

/// The least and the greatest value that a whole number may have.
struct Interval {
  int64_t least, greatest;
};

/// What is known of every element of a tensor of whole numbers: from the length of a loop, from checks, from arithmetic.
std::optional<Interval> intervalOf(Value value, unsigned depth = 0) {
  constexpr int64_t far = int64_t(1) << 40; // sums of such do not overflow
  if (depth > 8 || !isa<IntegerType>(tensorType(value).getElementType()))
    return std::nullopt;
  if (auto argument = dyn_cast<BlockArgument>(value)) {
    auto scan = dyn_cast<dl::ScanOp>(argument.getOwner()->getParentOp());
    bool isIndex = scan && argument.getArgNumber() == 0 && scan.getLength() > 0 && int64_t(scan.getLength()) < far;
    return isIndex ? std::optional(Interval{0, int64_t(scan.getLength()) - 1}) : std::nullopt;
  }
  if (std::optional<double> known = splatOf(value))
    return std::abs(*known) < double(far) ? std::optional(Interval{int64_t(*known), int64_t(*known)}) : std::nullopt;
  Operation *op = value.getDefiningOp();
  auto of = [&](unsigned i) { return intervalOf(op->getOperand(i), depth + 1); };
  if (auto check = dyn_cast<dl::CheckIndexOp>(op))
    return Interval{int64_t(check.getLow()), int64_t(check.getLimit()) - 1};
  if (isa<dl::AddOp, dl::SubOp>(op) && tensorType(value).getElementType().isSignlessInteger(64)) {
    std::optional<Interval> a = of(0), b = of(1);
    if (!a || !b)
      return std::nullopt;
    Interval sum = isa<dl::AddOp>(op) ? Interval{a->least + b->least, a->greatest + b->greatest}
                                      : Interval{a->least - b->greatest, a->greatest - b->least};
    return sum.least > -far && sum.greatest < far ? std::optional(sum) : std::nullopt;
  }
  if (isa<dl::SelectOp>(op)) {
    std::optional<Interval> a = of(1), b = of(2);
    return a && b ? std::optional(Interval{std::min(a->least, b->least), std::max(a->greatest, b->greatest)})
                  : std::nullopt;
  }
  return std::nullopt;
}

/// An index that cannot be out of range needs no check.
LogicalResult dropCheck(dl::CheckIndexOp op, PatternRewriter &rewriter) {
  std::optional<Interval> interval = intervalOf(op.getOperand());
  if (!interval || interval->least < int64_t(op.getLow()) || interval->greatest >= int64_t(op.getLimit()))
    return failure();
  rewriter.replaceOp(op, op.getOperand());
  return success();
}

/// Whether an index is below 0 (it then counts from the end) is often known.
LogicalResult knownComparison(dl::CompareOp op, PatternRewriter &rewriter) {
  if (op.getPredicate() != dl::ComparePredicate::lt)
    return failure();
  std::optional<Interval> a = intervalOf(op.getLhs()), b = intervalOf(op.getRhs());
  if (!a || !b || (a->greatest >= b->least && a->least < b->greatest))
    return failure();
  rewriter.replaceOp(op, dl::splat(rewriter, op.getLoc(), op.getType(), a->greatest < b->least));
  return success();
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
  patterns.add(dropCheck);
  patterns.add(knownComparison);
  patterns.add(transposeIndices);
}

} // namespace dlc
