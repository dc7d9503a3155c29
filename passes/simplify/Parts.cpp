// Parts of tensors: what is computed and then cut is cut and then computed, and what is put together of parts by adding is
// put together.
//
// A slice rises above what computes an element from elements at the same place, and above products, as long as nothing else
// needs the whole. It ends at what lies in memory, of which kernels read a part as they read the whole.

#include "passes/simplify/Patterns.h"

using namespace mlir;

namespace dlc {
namespace {

/// Where a slice begins, how large it is and how it steps, along some axes; whole along the others.
struct Cut {
  SmallVector<int64_t> starts, sizes, steps;

  explicit Cut(ArrayRef<int64_t> shape) : starts(shape.size(), 0), sizes(shape), steps(shape.size(), 1) {}
  void along(int64_t axis, dl::SliceOp slice, int64_t from) {
    starts[axis] = slice.getStarts()[from];
    sizes[axis] = slice.getType().getDimSize(from);
    steps[axis] = slice.getSteps()[from];
  }
  Value of(OpBuilder &builder, Location loc, Value value) const {
    bool isWhole = sizes == shapeOf(value);
    return isWhole ? value : dl::SliceOp::create(builder, loc, value, starts, sizes, steps).getResult();
  }
};

/// What makes the operand of a slice for it alone; null where something else needs the whole, or the slice is empty.
Operation *cutAlone(dl::SliceOp slice) {
  Operation *op = slice.getOperand().getDefiningOp();
  return op && op->hasOneUse() && slice.getType().getNumElements() > 0 ? op : nullptr;
}

LogicalResult slicePointwise(dl::SliceOp slice, PatternRewriter &rewriter) {
  Operation *op = cutAlone(slice);
  if (!op || !isPurePointwise(op))
    return failure();
  SmallVector<Value> operands;
  for (Value operand : op->getOperands())
    operands.push_back(dl::SliceOp::create(rewriter, slice.getLoc(), operand, slice.getStarts(),
                                           slice.getType().getShape(), slice.getSteps()));
  rewriter.replaceOp(slice, rebuildPointwise(rewriter, op, operands));
  return success();
}

/// Of what is repeated, and of what is moved, the slice is as large as before: others may need the whole too.
LogicalResult sliceBroadcast(dl::SliceOp slice, PatternRewriter &rewriter) {
  auto broadcast = slice.getOperand().getDefiningOp<dl::BroadcastOp>();
  if (!broadcast || slice.getType().getNumElements() == 0)
    return failure();
  Cut cut(shapeOf(broadcast.getOperand()));
  for (auto [axis, place] : llvm::enumerate(broadcast.getAxes()))
    cut.along(axis, slice, place);
  Value part = cut.of(rewriter, slice.getLoc(), broadcast.getOperand());
  rewriter.replaceOpWithNewOp<dl::BroadcastOp>(slice, slice.getType(), part, broadcast.getAxes());
  return success();
}

LogicalResult sliceTranspose(dl::SliceOp slice, PatternRewriter &rewriter) {
  auto transpose = slice.getOperand().getDefiningOp<dl::TransposeOp>();
  if (!transpose || slice.getType().getNumElements() == 0)
    return failure();
  Cut cut(shapeOf(transpose.getOperand()));
  for (auto [place, axis] : llvm::enumerate(transpose.getPermutation()))
    cut.along(axis, slice, place);
  Value part = cut.of(rewriter, slice.getLoc(), transpose.getOperand());
  rewriter.replaceOpWithNewOp<dl::TransposeOp>(slice, slice.getType(), part, transpose.getPermutation());
  return success();
}

/// A slice that lies in one part of a concatenation is one of that part.
LogicalResult sliceConcat(dl::SliceOp slice, PatternRewriter &rewriter) {
  auto concat = slice.getOperand().getDefiningOp<dl::ConcatOp>();
  if (!concat || slice.getType().getNumElements() == 0)
    return failure();
  int64_t axis = concat.getAxis(), first = slice.getStarts()[axis];
  int64_t last = first + (slice.getType().getDimSize(axis) - 1) * slice.getSteps()[axis], before = 0;
  for (Value part : concat.getOperands()) {
    int64_t size = shapeOf(part)[axis];
    if (first >= before && last < before + size) {
      SmallVector<int64_t> starts(slice.getStarts());
      starts[axis] -= before;
      rewriter.replaceOp(slice, dl::SliceOp::create(rewriter, slice.getLoc(), part, starts, slice.getType().getShape(),
                                                    slice.getSteps()));
      return success();
    }
    before += size;
  }
  return failure();
}

/// A part of a product is a product of parts.
LogicalResult sliceProduct(dl::SliceOp slice, PatternRewriter &rewriter) {
  auto product = dyn_cast_or_null<dl::ContractOp>(cutAlone(slice));
  if (!product)
    return failure();
  Value parts[2];
  for (unsigned side : {0u, 1u}) {
    Value operand = product->getOperand(side);
    Cut cut(shapeOf(operand));
    for (auto [axis, letter] : llvm::enumerate(side == 0 ? product.lhsLetters() : product.rhsLetters()))
      if (size_t place = product.resultLetters().find(letter); place != StringRef::npos)
        cut.along(axis, slice, place);
    parts[side] = cut.of(rewriter, slice.getLoc(), operand);
  }
  rewriter.replaceOp(slice,
                     dl::ContractOp::create(rewriter, product.getLoc(), product.getEquation(), parts[0], parts[1]));
  return success();
}

/// A product with a concatenation along an axis of its result, which is much smaller, is the concatenation of products: the
/// parts are read where they lie. Where the concatenation is read elsewhere too it is there anyway.
LogicalResult splitConcatenated(dl::ContractOp op, PatternRewriter &rewriter) {
  for (unsigned side : {0u, 1u}) {
    auto concat = op->getOperand(side).getDefiningOp<dl::ConcatOp>();
    if (!concat || !concat->hasOneUse() || concat.getType().getNumElements() < 2 * op.getType().getNumElements())
      continue;
    char letter = (side == 0 ? op.lhsLetters() : op.rhsLetters())[concat.getAxis()];
    StringRef others = side == 0 ? op.rhsLetters() : op.lhsLetters();
    size_t place = op.resultLetters().find(letter);
    if (place == StringRef::npos || others.contains(letter))
      continue;
    SmallVector<Value> products;
    for (Value part : concat.getOperands()) {
      Value operands[2] = {op.getLhs(), op.getRhs()};
      operands[side] = part;
      products.push_back(dl::ContractOp::create(rewriter, op.getLoc(), op.getEquation(), operands[0], operands[1]));
    }
    rewriter.replaceOpWithNewOp<dl::ConcatOp>(op, op.getType(), products, place);
    return success();
  }
  return failure();
}

//===-- Sums of padded parts ----------------------------------------------------------------------------------------===//

/// Zeros with `value` in them, from `low` on along `axis`.
struct Part {
  Value value;
  int64_t axis, low;
  int64_t end() const { return low + shapeOf(value)[axis]; }
};

std::optional<Part> partOf(Value value) {
  auto pad = value.getDefiningOp<dl::PadOp>();
  if (!pad || !pad->hasOneUse() || llvm::any_of(pad.getInterior(), [](int64_t n) { return n != 0; }))
    return std::nullopt;
  std::optional<Part> part;
  for (auto [axis, low] : llvm::enumerate(pad.getLow())) {
    int64_t size = shapeOf(pad.getOperand())[axis], whole = pad.getType().getDimSize(axis);
    if (size == whole && low == 0)
      continue;
    if (part || low < 0 || low + size > whole)
      return std::nullopt;
    part = Part{pad.getOperand(), int64_t(axis), low};
  }
  return part;
}

/// The terms of a sum, of which the parts along one axis go to `parts`.
void collectTerms(Value sum, SmallVectorImpl<Part> &parts, SmallVectorImpl<Value> &others) {
  for (Value term : sum.getDefiningOp()->getOperands()) {
    if (term.getDefiningOp<dl::AddOp>() && term.hasOneUse())
      collectTerms(term, parts, others);
    else if (std::optional<Part> part = partOf(term); part && (parts.empty() || parts[0].axis == part->axis))
      parts.push_back(*part);
    else
      others.push_back(term);
  }
}

/// The sum of parts that lie apart and fill an axis is their concatenation: the cotangent of what was cut.
LogicalResult joinParts(dl::AddOp op, PatternRewriter &rewriter) {
  if (op->hasOneUse() && isa<dl::AddOp>(*op->getUsers().begin()))
    return failure(); // the whole sum is looked at from its end
  SmallVector<Part> parts;
  SmallVector<Value> others;
  collectTerms(op, parts, others);
  if (parts.size() < 2)
    return failure();
  llvm::sort(parts, [](const Part &a, const Part &b) { return a.low < b.low; });
  int64_t end = 0, axis = parts[0].axis;
  for (const Part &part : parts)
    if (part.low == end)
      end = part.end();
    else
      return failure();
  if (end != op.getType().getDimSize(axis))
    return failure();
  SmallVector<Value> values;
  for (const Part &part : parts)
    values.push_back(part.value);
  Value sum = dl::ConcatOp::create(rewriter, op.getLoc(), op.getType(), values, axis);
  for (Value other : others)
    sum = dl::AddOp::create(rewriter, op.getLoc(), other, sum);
  rewriter.replaceOp(op, sum);
  return success();
}

} // namespace

void addPartPatterns(RewritePatternSet &patterns) {
  patterns.add(slicePointwise);
  patterns.add(sliceBroadcast);
  patterns.add(sliceTranspose);
  patterns.add(sliceConcat);
  patterns.add(sliceProduct);
  patterns.add(splitConcatenated);
  patterns.add(joinParts);
}

} // namespace dlc
