// Windows: those that do not overlap are reshapes, those of one tap are slices, and overlapping sums of products are
// products of windows. So the gradient of a convolution with respect to its input is a convolution of the cotangent, padded,
// with the kernel turned round, as the textbooks have it (Dumoulin and Visin, "A guide to convolution arithmetic for deep
// learning", 2016); nothing here knows of convolutions as such.

#include "passes/simplify/Patterns.h"

using namespace mlir;

namespace dlc {
namespace {

/// The attributes of windows, to be changed and put into another operation.
struct Windows {
  SmallVector<int64_t> axes, steps, spreads;

  template <class Op> explicit Windows(Op op) : axes(op.getAxes()), steps(op.getSteps()), spreads(op.getSpreads()) {}
  /// Without number `number`; axes behind the `from`-th move by one.
  Windows without(size_t number, int64_t from) const {
    Windows rest = *this;
    for (auto *list : {&rest.axes, &rest.steps, &rest.spreads})
      list->erase(list->begin() + number);
    for (int64_t &axis : rest.axes)
      axis += axis > from;
    return rest;
  }
};

/// The number of an axis whose windows do not overlap and have no gaps inside; nothing if there is none.
template <class Op> std::optional<size_t> disjointAxis(Op op, ArrayRef<int64_t> windows) {
  size_t rank = windows.size() - op.getAxes().size();
  for (size_t number = 0; number < op.getAxes().size(); ++number) {
    int64_t taps = windows[rank + number];
    if (taps == 1 || (op.getSpreads()[number] == 1 && op.getSteps()[number] == taps))
      return number;
  }
  return std::nullopt;
}

/// The axes of windows when the taps of one axis, which were behind its positions, go to their place among the others: at
/// `place`.
SmallVector<int64_t> tapsToPlace(int64_t rank, int64_t axis, int64_t place) {
  SmallVector<int64_t> order;
  for (int64_t i = 0; i < rank; ++i)
    if (i != axis + 1)
      order.push_back(i);
  order.insert(order.begin() + place, axis + 1);
  return order;
}

LogicalResult windowsSideBySide(dl::WindowOp op, PatternRewriter &rewriter) {
  ArrayRef<int64_t> windows = shapeOf(op.getResult());
  std::optional<size_t> number = disjointAxis(op, windows);
  if (!number || op.getType().getNumElements() == 0)
    return failure();
  Location loc = op.getLoc();
  size_t rank = shapeOf(op.getOperand()).size();
  int64_t axis = op.getAxes()[*number], positions = windows[axis], taps = windows[rank + *number];
  SmallVector<int64_t> sizes(shapeOf(op.getOperand())), starts(rank, 0), steps(rank, 1);
  sizes[axis] = positions * taps;
  steps[axis] = taps == 1 ? op.getSteps()[*number] : 1;
  Value kept = dl::SliceOp::create(rewriter, loc, op.getOperand(), starts, sizes, steps);
  SmallVector<int64_t> cut(sizes);
  cut[axis] = positions;
  cut.insert(cut.begin() + axis + 1, taps);
  Value apart = reshapeTo(rewriter, loc, kept, cut);
  Windows rest = Windows(op).without(*number, axis);
  // Along the other axes there are as many windows as before, which may be fewer than there is room for.
  SmallVector<int64_t> slidShape(windows);
  slidShape.erase(slidShape.begin() + rank + *number);
  slidShape.insert(slidShape.begin() + axis + 1, taps);
  Value slid =
      dl::WindowOp::create(rewriter, loc, op.getType().clone(slidShape), apart, rest.axes, rest.steps, rest.spreads);
  SmallVector<int64_t> order = tapsToPlace(windows.size(), axis, rank + *number);
  rewriter.replaceOp(op, transposeBy(rewriter, loc, slid, order));
  return success();
}

LogicalResult addSideBySide(dl::OverlapAddOp op, PatternRewriter &rewriter) {
  ArrayRef<int64_t> windows = shapeOf(op.getOperand());
  std::optional<size_t> number = disjointAxis(op, windows);
  if (!number || tensorType(op.getOperand()).getNumElements() == 0)
    return failure();
  Location loc = op.getLoc();
  ArrayRef<int64_t> result = shapeOf(op.getResult());
  int64_t rank = result.size(), axis = op.getAxes()[*number], positions = windows[axis], taps = windows[rank + *number];
  Value apart =
      transposeBy(rewriter, loc, op.getOperand(), dl::inverted(tapsToPlace(windows.size(), axis, rank + *number)));
  Windows rest = Windows(op).without(*number, axis);
  SmallVector<int64_t> extents;
  for (int64_t other : rest.axes)
    extents.push_back(result[other - (other > axis)]);
  Value added = dl::OverlapAddOp::create(rewriter, loc, apart, rest.axes, extents, rest.steps, rest.spreads);
  SmallVector<int64_t> joined(result), low(rank, 0), interior(rank, 0);
  joined[axis] = positions * taps;
  interior[axis] = taps == 1 ? op.getSteps()[*number] - 1 : 0;
  Value together = reshapeTo(rewriter, loc, added, joined);
  rewriter.replaceOpWithNewOp<dl::PadOp>(op, op.getType(), together, low, interior);
  return success();
}

/// Windows that overlap and are `step` > 1 apart, added up: a tap is a * step + r, and position p with it belongs to i =
/// (p + a) * step + r. For each r the taps a of neighbouring windows are added; r is an axis of the product behind that of
/// the positions, and the places i are both axes read as one. Nothing but the taps that fill up the last a is multiplied by zero.
LogicalResult phasesOfSteps(dl::OverlapAddOp op, PatternRewriter &rewriter) {
  auto product = op.getOperand().getDefiningOp<dl::ContractOp>();
  if (!product || !product->hasOneUse())
    return failure();
  ArrayRef<int64_t> windows = shapeOf(op.getOperand()), result = shapeOf(op.getResult());
  size_t rank = result.size();
  std::string letters = product.resultLetters().str(),
              terms[2] = {product.lhsLetters().str(), product.rhsLetters().str()};
  std::string taps = letters.substr(rank);
  unsigned side = StringRef(terms[0]).contains(taps[0]) ? 0 : 1;
  StringRef other = terms[1 - side];
  auto overlaps = [&](size_t number) {
    return op.getSteps()[number] > 1 && op.getSpreads()[number] == 1 && windows[rank + number] > op.getSteps()[number];
  };
  bool any = false;
  for (size_t number = 0; number < taps.size(); ++number) {
    any |= overlaps(number);
    // Both operands have what is a batch.
    if (!StringRef(terms[side]).contains(taps[number]) || other.contains(taps[number]) ||
        StringRef(terms[side]).contains(letters[op.getAxes()[number]]))
      return failure();
  }
  if (!any)
    return failure();

  Location loc = op.getLoc();
  Value weights = product->getOperand(side);
  std::string weightLetters = terms[side], places = letters.substr(0, rank);
  SmallVector<int64_t> steps(op.getSteps()), joined(result);
  char fresh = 'A';
  for (size_t number = 0; number < taps.size(); ++number) {
    if (!overlaps(number))
      continue;
    while ((weightLetters + letters + terms[1 - side]).find(fresh) != std::string::npos)
      ++fresh;
    int64_t axis = op.getAxes()[number], step = steps[number], count = windows[rank + number],
            groups = llvm::divideCeil(count, step);
    size_t at = weightLetters.find(taps[number]);
    SmallVector<int64_t> none(weightLetters.size(), 0), high(none), cut(shapeOf(weights));
    high[at] = groups * step - count;
    if (high[at])
      weights = dl::PadOp::create(rewriter, loc, weights, none, high, none);
    cut[at] = groups;
    cut.insert(cut.begin() + at + 1, step);
    weights = reshapeTo(rewriter, loc, weights, cut);
    weightLetters.insert(at + 1, 1, fresh);
    places.insert(places.find(letters[axis]) + 1, 1, fresh);
    steps[number] = 1;
    joined[axis] = (windows[axis] + groups - 1) * step;
  }
  std::string equation[2];
  equation[side] = weightLetters, equation[1 - side] = other.str();
  Value operands[2];
  operands[side] = weights, operands[1 - side] = product->getOperand(1 - side);
  Value sums = dl::ContractOp::create(rewriter, loc, equation[0] + "," + equation[1] + "->" + places + taps,
                                      operands[0], operands[1]);
  SmallVector<int64_t> axes, extents;
  for (size_t number = 0; number < taps.size(); ++number) {
    int64_t axis = op.getAxes()[number];
    axes.push_back(places.find(letters[axis]));
    extents.push_back(overlaps(number) ? joined[axis] / op.getSteps()[number] : result[axis]);
  }
  Value added = dl::OverlapAddOp::create(rewriter, loc, sums, axes, extents, steps, op.getSpreads());
  added = reshapeTo(rewriter, loc, added, joined);
  // Places behind the last window are zero, and there may be fewer than the last taps reach.
  SmallVector<int64_t> none(rank, 0), high(rank, 0), ones(rank, 1), kept(joined);
  for (size_t axis = 0; axis < rank; ++axis) {
    high[axis] = std::max<int64_t>(0, result[axis] - joined[axis]);
    kept[axis] = std::min(result[axis], joined[axis]);
  }
  if (kept != joined)
    added = dl::SliceOp::create(rewriter, loc, added, none, kept, ones);
  if (ArrayRef<int64_t>(kept) != result)
    added = dl::PadOp::create(rewriter, loc, added, none, high, none);
  rewriter.replaceOp(op, added);
  return success();
}

/// sum over the windows at i of sum over m of A[p, m] B[t, m] is a product of windows of A, padded by all taps but one and
/// spaced by the steps, with B turned round along its taps: at i, tap t belongs to position (i - t * spread) / step. Windows
/// that overlap and are apart go the way of phasesOfSteps, which multiplies by fewer zeros.
LogicalResult overlapAddOfProduct(dl::OverlapAddOp op, PatternRewriter &rewriter) {
  if (succeeded(phasesOfSteps(op, rewriter)))
    return success();
  auto product = op.getOperand().getDefiningOp<dl::ContractOp>();
  if (!product || !product->hasOneUse())
    return failure();
  ArrayRef<int64_t> windows = shapeOf(op.getOperand()), result = shapeOf(op.getResult());
  size_t rank = result.size(), count = op.getAxes().size();
  std::string letters = product.resultLetters().str();
  std::string positions, taps = letters.substr(rank);
  for (int64_t axis : op.getAxes())
    positions += letters[axis];
  std::string terms[2] = {product.lhsLetters().str(), product.rhsLetters().str()};
  for (unsigned side : {0u, 1u}) {
    StringRef slid = terms[side], kernel = terms[1 - side];
    auto isIn = [](StringRef term) { return [term](char letter) { return term.contains(letter); }; };
    if (!llvm::all_of(positions, isIn(slid)) || !llvm::all_of(taps, isIn(kernel)) ||
        llvm::any_of(positions, isIn(kernel)) || llvm::any_of(taps, isIn(slid)))
      continue;
    Location loc = op.getLoc();
    Value source = product->getOperand(side), weights = product->getOperand(1 - side);
    size_t sourceRank = slid.size();
    SmallVector<int64_t> low(sourceRank, 0), high(sourceRank, 0), interior(sourceRank, 0);
    SmallVector<std::pair<int64_t, size_t>> slidAxes;
    SmallVector<int64_t> turned;
    for (size_t number = 0; number < count; ++number) {
      int64_t axis = op.getAxes()[number], step = op.getSteps()[number], spread = op.getSpreads()[number];
      int64_t reach = (windows[rank + number] - 1) * spread, place = slid.find(positions[number]);
      low[place] = reach, interior[place] = step - 1;
      high[place] = result[axis] - ((windows[axis] - 1) * step + 1);
      slidAxes.push_back({place, number});
      turned.push_back(kernel.find(taps[number]));
    }
    llvm::sort(slidAxes), llvm::sort(turned);
    SmallVector<int64_t> axes, sizes, ones(count, 1), spreads;
    std::string slidLetters = slid.str();
    for (auto [place, number] : slidAxes) {
      axes.push_back(place);
      sizes.push_back(windows[rank + number]);
      spreads.push_back(op.getSpreads()[number]);
      slidLetters += taps[number];
    }
    Value padded = dl::PadOp::create(rewriter, loc, source, low, high, interior);
    Value slidWindows = dl::WindowOp::create(rewriter, loc, padded, axes, sizes, ones, spreads);
    Value turnedRound = dl::ReverseOp::create(rewriter, loc, weights.getType(), weights, turned);
    std::string out = letters.substr(0, rank);
    Value operands[2] = {side == 0 ? slidWindows : turnedRound, side == 0 ? turnedRound : slidWindows};
    std::string equation =
        (side == 0 ? slidLetters + "," + kernel.str() : kernel.str() + "," + slidLetters) + "->" + out;
    rewriter.replaceOpWithNewOp<dl::ContractOp>(op, equation, operands[0], operands[1]);
    return success();
  }
  return failure();
}

/// Neighbouring windows are the windows of a part.
LogicalResult sliceOfWindows(dl::SliceOp op, PatternRewriter &rewriter) {
  auto window = op.getOperand().getDefiningOp<dl::WindowOp>();
  if (!window || op.getType().getNumElements() == 0)
    return failure();
  ArrayRef<int64_t> shape = shapeOf(op.getResult()), whole = shapeOf(op.getOperand());
  size_t rank = shapeOf(window.getOperand()).size();
  SmallVector<int64_t> starts(op.getStarts().take_front(rank)), sizes(shape.take_front(rank)),
      steps(op.getSteps().take_front(rank)), windowSteps(window.getSteps());
  for (size_t axis = rank; axis < shape.size(); ++axis)
    if (shape[axis] != whole[axis])
      return failure();
  for (auto [number, axis] : llvm::enumerate(window.getAxes())) {
    starts[axis] *= window.getSteps()[number];
    windowSteps[number] *= steps[axis];
    steps[axis] = 1;
    sizes[axis] =
        (shape[axis] - 1) * windowSteps[number] + (shape[rank + number] - 1) * window.getSpreads()[number] + 1;
  }
  Value part = dl::SliceOp::create(rewriter, op.getLoc(), window.getOperand(), starts, sizes, steps);
  rewriter.replaceOpWithNewOp<dl::WindowOp>(op, op.getType(), part, window.getAxes(), windowSteps, window.getSpreads());
  return success();
}

/// A part of what was padded is padded less, or is a part of what was padded.
LogicalResult sliceOfPad(dl::SliceOp op, PatternRewriter &rewriter) {
  auto pad = op.getOperand().getDefiningOp<dl::PadOp>();
  if (!pad || op.getType().getNumElements() == 0)
    return failure();
  ArrayRef<int64_t> shape = shapeOf(op.getResult()), inner = shapeOf(pad.getOperand());
  SmallVector<int64_t> starts(shape.size(), 0), sizes(inner), steps(shape.size(), 1), low(pad.getLow());
  for (size_t axis = 0; axis < shape.size(); ++axis) {
    if (op.getSteps()[axis] != 1)
      return failure();
    int64_t spacing = pad.getInterior()[axis] + 1, begin = op.getStarts()[axis], end = begin + shape[axis];
    int64_t first = std::max<int64_t>(0, llvm::divideCeilSigned(begin - low[axis], spacing));
    int64_t last = std::min(inner[axis] - 1, llvm::divideFloorSigned(end - 1 - low[axis], spacing));
    if (last < first) {
      rewriter.replaceOp(op, splat(rewriter, op.getLoc(), op.getType(), 0));
      return success();
    }
    starts[axis] = first, sizes[axis] = last - first + 1;
    low[axis] += first * spacing - begin;
  }
  Value part = dl::SliceOp::create(rewriter, op.getLoc(), pad.getOperand(), starts, sizes, steps);
  rewriter.replaceOpWithNewOp<dl::PadOp>(op, op.getType(), part, low, pad.getInterior());
  return success();
}

/// Padding of what was padded is one padding.
LogicalResult padOfPad(dl::PadOp op, PatternRewriter &rewriter) {
  auto inner = op.getOperand().getDefiningOp<dl::PadOp>();
  if (!inner || llvm::any_of(op.getInterior(), [](int64_t interior) { return interior != 0; }))
    return failure();
  SmallVector<int64_t> low;
  for (auto [outer, before] : llvm::zip_equal(op.getLow(), inner.getLow()))
    low.push_back(outer + before);
  rewriter.replaceOpWithNewOp<dl::PadOp>(op, op.getType(), inner.getOperand(), low, inner.getInterior());
  return success();
}

} // namespace

void addWindowPatterns(RewritePatternSet &patterns) {
  patterns.add(windowsSideBySide);
  patterns.add(addSideBySide);
  patterns.add(overlapAddOfProduct);
  patterns.add(sliceOfWindows);
  patterns.add(sliceOfPad);
  patterns.add(padOfPad);
}

} // namespace dlc
