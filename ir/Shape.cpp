// Operations that make and move elements: builders and verifiers (folders are in ShapeFolds.cpp).
#include "ir/Dialect.h"
#include "ir/Verify.h"
#include <cmath>
#include <limits>

using namespace mlir;

namespace dlc::dl {

/// `value` as an element of the type: rounded to floats, != 0 for i1, toward zero for integers: the nearest i64, of which
/// narrower types keep the low bits.
static TypedAttr elementAttr(Type type, double value) {
  if (isa<FloatType>(type))
    return FloatAttr::get(type, value);
  if (type.isInteger(1))
    return IntegerAttr::get(type, value != 0);
  constexpr double limit = 9223372036854775808.0;
  int64_t truncated = std::isnan(value) ? 0
                      : value >= limit  ? std::numeric_limits<int64_t>::max()
                      : value <= -limit ? std::numeric_limits<int64_t>::min()
                                        : int64_t(value);
  return IntegerAttr::get(type,
                          APInt(type.getIntOrFloatBitWidth(), truncated, /*isSigned=*/true, /*implicitTrunc=*/true));
}

void ConstantOp::build(OpBuilder &builder, OperationState &state, RankedTensorType type, double splat) {
  auto plain = RankedTensorType::get(type.getShape(), type.getElementType());
  Attribute element = elementAttr(type.getElementType(), splat);
  build(builder, state, cast<ElementsAttr>(DenseElementsAttr::get(plain, element)));
}

LogicalResult ConstantOp::verify() {
  if (isa<DenseElementsAttr>(getValue()))
    return success();
  return emitOpError() << "value is kept elsewhere, expected `dense<...>`";
}

LogicalResult IotaOp::verify() { return verifyAxis(*this, getAxis(), shapeOf(getResult()).size()); }

void ReshapeOp::build(OpBuilder &builder, OperationState &state, Value operand, ArrayRef<int64_t> shape) {
  build(builder, state, RankedTensorType::get(shape, elementOf(operand)), operand);
}

LogicalResult ReshapeOp::verify() {
  if (failed(verifySameElement(*this, getOperand())))
    return failure();
  int64_t found = getType().getNumElements(), expected = getOperand().getType().getNumElements();
  if (found == expected)
    return success();
  return emitOpError() << "result of shape " << listText(shapeOf(getResult())) << " has " << found
                       << " elements, expected " << expected << " as the operand of shape "
                       << listText(shapeOf(getOperand()));
}

/// Axis i of the result is axis permutation[i].
static SmallVector<int64_t> permuted(ArrayRef<int64_t> shape, ArrayRef<int64_t> permutation) {
  return llvm::to_vector(llvm::map_range(permutation, [&](int64_t axis) { return shape[axis]; }));
}

void TransposeOp::build(OpBuilder &builder, OperationState &state, Value operand, ArrayRef<int64_t> permutation) {
  auto type = RankedTensorType::get(permuted(shapeOf(operand), permutation), elementOf(operand));
  build(builder, state, type, operand, permutation);
}

LogicalResult TransposeOp::verify() {
  ArrayRef<int64_t> shape = shapeOf(getOperand());
  SmallVector<int64_t> sorted(getPermutation());
  llvm::sort(sorted);
  if (sorted != llvm::to_vector(llvm::seq<int64_t>(0, shape.size())))
    return emitOpError() << "permutation is " << listText(getPermutation()) << ", expected each of the " << shape.size()
                         << " axes once";
  return verifyResult(*this, permuted(shape, getPermutation()), elementOf(getOperand()),
                      "the operand's axes, permuted");
}

void BroadcastOp::build(OpBuilder &builder, OperationState &state, Value operand, ArrayRef<int64_t> shape,
                        ArrayRef<int64_t> axes) {
  build(builder, state, RankedTensorType::get(shape, elementOf(operand)), operand, axes);
}

LogicalResult BroadcastOp::verify() {
  ArrayRef<int64_t> operand = shapeOf(getOperand()), result = shapeOf(getResult());
  if (failed(verifySameElement(*this, getOperand())) || failed(verifyLength(*this, "to", getAxes(), operand.size())) ||
      failed(verifyAxes(*this, getAxes(), result.size())))
    return failure();
  for (auto [axis, target] : llvm::enumerate(getAxes()))
    if (operand[axis] != result[target])
      return emitOpError() << "axis " << axis << " of the operand has size " << operand[axis] << ", expected "
                           << result[target] << ", the size of the result's axis " << target;
  return success();
}

void SliceOp::build(OpBuilder &builder, OperationState &state, Value operand, ArrayRef<int64_t> starts,
                    ArrayRef<int64_t> sizes, ArrayRef<int64_t> steps) {
  build(builder, state, RankedTensorType::get(sizes, elementOf(operand)), operand, starts, steps);
}

LogicalResult SliceOp::verify() {
  ArrayRef<int64_t> operand = shapeOf(getOperand()), result = shapeOf(getResult());
  if (failed(verifySameElement(*this, getOperand())) ||
      failed(verifyLength(*this, "from", getStarts(), operand.size())) ||
      failed(verifyLength(*this, "step", getSteps(), operand.size())))
    return failure();
  if (result.size() != operand.size())
    return emitOpError() << "result has rank " << result.size() << ", expected " << operand.size() << ", the operand's";
  for (auto [axis, size] : llvm::enumerate(operand)) {
    int64_t start = getStarts()[axis], step = getSteps()[axis], count = result[axis];
    if (step < 1)
      return emitOpError() << "step of axis " << axis << " is " << step << ", expected at least 1";
    if (start < 0 || start > size)
      return emitOpError() << "start of axis " << axis << " is " << start << ", expected 0 to " << size;
    if (count > 0 && (size - 1 - start < 0 || (size - 1 - start) / step < count - 1))
      return emitOpError() << count << " elements from " << start << " by steps of " << step << " pass the end of axis "
                           << axis << " of size " << size;
  }
  return success();
}

void PadOp::build(OpBuilder &builder, OperationState &state, Value operand, ArrayRef<int64_t> low,
                  ArrayRef<int64_t> high, ArrayRef<int64_t> interior) {
  SmallVector<int64_t> shape;
  for (auto [axis, size] : llvm::enumerate(shapeOf(operand)))
    shape.push_back(low[axis] + size + std::max<int64_t>(size - 1, 0) * interior[axis] + high[axis]);
  build(builder, state, RankedTensorType::get(shape, elementOf(operand)), operand, low, interior);
}

LogicalResult PadOp::verify() {
  ArrayRef<int64_t> operand = shapeOf(getOperand()), result = shapeOf(getResult());
  if (failed(verifySameElement(*this, getOperand())) || failed(verifyLength(*this, "low", getLow(), operand.size())) ||
      failed(verifyLength(*this, "interior", getInterior(), operand.size())))
    return failure();
  if (result.size() != operand.size())
    return emitOpError() << "result has rank " << result.size() << ", expected " << operand.size() << ", the operand's";
  for (auto [axis, size] : llvm::enumerate(operand)) {
    int64_t low = getLow()[axis], interior = getInterior()[axis];
    if (low < 0 || interior < 0)
      return emitOpError() << "axis " << axis << " is padded by " << low << " in front and " << interior
                           << " between neighbours, expected nothing negative (slice before instead)";
    // In doubles: the attributes may be as great as they like.
    double least = double(low) + double(size) + double(std::max<int64_t>(size - 1, 0)) * double(interior);
    if (double(result[axis]) < least)
      return emitOpError() << "axis " << axis << " of the result has size " << result[axis] << ", expected at least "
                           << int64_t(std::min(least, 9e18));
  }
  return success();
}

LogicalResult ReverseOp::verify() { return verifyAxes(*this, getAxes(), shapeOf(getOperand()).size()); }

/// The first operand's shape with the axis as long as all together.
static SmallVector<int64_t> joinedShape(ValueRange operands, int64_t axis) {
  SmallVector<int64_t> shape(shapeOf(operands.front()));
  for (Value operand : operands.drop_front())
    shape[axis] += shapeOf(operand)[axis];
  return shape;
}

void ConcatOp::build(OpBuilder &builder, OperationState &state, ValueRange operands, int64_t axis) {
  auto type = RankedTensorType::get(joinedShape(operands, axis), elementOf(operands.front()));
  build(builder, state, type, operands, axis);
}

LogicalResult ConcatOp::verify() {
  if (getOperands().empty())
    return emitOpError() << "has no operands, expected at least one";
  Value first = getOperands().front();
  int64_t axis = getAxis();
  if (failed(verifyAxis(*this, axis, shapeOf(first).size())))
    return failure();
  for (auto [i, operand] : llvm::enumerate(getOperands())) {
    SmallVector<int64_t> shape(shapeOf(operand));
    if (shape.size() == shapeOf(first).size())
      shape[axis] = shapeOf(first)[axis];
    if (ArrayRef<int64_t>(shape) != shapeOf(first) || elementOf(operand) != elementOf(first))
      return emitOpError() << "operand " << i << " is " << operand.getType() << ", expected " << first.getType()
                           << " up to the size of axis " << axis << ", as operand 0";
  }
  return verifyResult(*this, joinedShape(getOperands(), axis), elementOf(first), "the operands behind one another");
}

/// The shape of windows along `axes` of `shape`: positions in the axes' places, then the taps.
static SmallVector<int64_t> windowsOf(ArrayRef<int64_t> shape, ArrayRef<int64_t> axes, ArrayRef<int64_t> taps,
                                      ArrayRef<int64_t> steps, ArrayRef<int64_t> spreads) {
  SmallVector<int64_t> windows(shape);
  for (auto [axis, count, step, spread] : llvm::zip_equal(axes, taps, steps, spreads)) {
    int64_t room = shape[axis] - (count - 1) * spread - 1;
    windows[axis] = room < 0 ? 0 : room / step + 1;
  }
  llvm::append_range(windows, taps);
  return windows;
}

void WindowOp::build(OpBuilder &builder, OperationState &state, Value operand, ArrayRef<int64_t> axes,
                     ArrayRef<int64_t> taps, ArrayRef<int64_t> steps, ArrayRef<int64_t> spreads) {
  auto type = RankedTensorType::get(windowsOf(shapeOf(operand), axes, taps, steps, spreads), elementOf(operand));
  build(builder, state, type, operand, axes, steps, spreads);
}

void OverlapAddOp::build(OpBuilder &builder, OperationState &state, Value operand, ArrayRef<int64_t> axes,
                         ArrayRef<int64_t> extents, ArrayRef<int64_t> steps, ArrayRef<int64_t> spreads) {
  SmallVector<int64_t> shape(shapeOf(operand).drop_back(axes.size()));
  for (auto [axis, extent] : llvm::zip_equal(axes, extents))
    shape[axis] = extent;
  build(builder, state, RankedTensorType::get(shape, elementOf(operand)), operand, axes, steps, spreads);
}

/// Fails unless `windows` holds windows along the axes of a tensor of `shape`.
template <class Op> static LogicalResult verifyWindows(Op op, ArrayRef<int64_t> shape, ArrayRef<int64_t> windows) {
  ArrayRef<int64_t> axes = op.getAxes();
  size_t rank = shape.size();
  if (failed(verifyAxes(op, axes, rank)) || failed(verifyLength(op, "step", op.getSteps(), axes.size())) ||
      failed(verifyLength(op, "spread", op.getSpreads(), axes.size())))
    return failure();
  if (windows.size() != rank + axes.size())
    return op.emitOpError() << "has windows of rank " << windows.size() << ", expected " << rank + axes.size()
                            << ": the axes of " << listText(shape) << " and one of taps for each of " << axes.size();
  for (size_t axis = 0; axis < rank; ++axis)
    if (!llvm::is_contained(axes, int64_t(axis)) && windows[axis] != shape[axis])
      return op.emitOpError() << "axis " << axis << " of the windows has size " << windows[axis] << ", expected "
                              << shape[axis] << ": nothing slides along it";
  for (auto [number, axis] : llvm::enumerate(axes)) {
    int64_t step = op.getSteps()[number], spread = op.getSpreads()[number];
    int64_t positions = windows[axis], taps = windows[rank + number];
    if (step < 1 || spread < 1)
      return op.emitOpError() << "axis " << axis << " has step " << step << " and spread " << spread
                              << ", expected at least 1";
    // In doubles: the attributes may be as great as they like.
    double last = double(positions - 1) * double(step) + double(taps - 1) * double(spread);
    if (positions > 0 && taps > 0 && last >= double(shape[axis]))
      return op.emitOpError() << positions << " windows of " << taps << " by steps of " << step << " and " << spread
                              << " pass the end of axis " << axis << " of size " << shape[axis];
  }
  return success();
}

LogicalResult WindowOp::verify() {
  if (failed(verifySameElement(*this, getOperand())))
    return failure();
  return verifyWindows(*this, shapeOf(getOperand()), shapeOf(getResult()));
}

LogicalResult OverlapAddOp::verify() {
  if (failed(verifySameElement(*this, getOperand())))
    return failure();
  return verifyWindows(*this, shapeOf(getResult()), shapeOf(getOperand()));
}

LogicalResult TapsOp::verify() {
  if (failed(verifySameElement(*this, getOperand())))
    return failure();
  ArrayRef<int64_t> windows = shapeOf(getOperand()), places = shapeOf(getResult());
  size_t count = getAxes().size();
  if (places.size() != windows.size() || windows.size() < count || places.take_back(count) != windows.take_back(count))
    return emitOpError() << "result has shape " << listText(places) << ", expected the taps of " << listText(windows);
  return verifyWindows(*this, places.drop_back(count), windows);
}

} // namespace dlc::dl
