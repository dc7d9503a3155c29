// Folders of the movements: those that move nothing, chains of one kind, splats.
#include "ir/Dialect.h"

using namespace mlir;

namespace dlc::dl {

/// The splat `constant` as a constant of `type`; null when it is no splat.
static DenseElementsAttr resplat(Attribute constant, RankedTensorType type) {
  auto splat = dyn_cast_or_null<SplatElementsAttr>(constant);
  return splat && splat.getElementType() == type.getElementType() ? splat.resizeSplat(type) : DenseElementsAttr();
}

/// The operand when the operation is the identity, else the splat moved, else nothing.
static OpFoldResult foldMovement(bool identity, Value operand, Value result, Attribute constant) {
  if (identity && operand.getType() == result.getType())
    return operand;
  if (DenseElementsAttr splat = resplat(constant, cast<RankedTensorType>(result.getType())))
    return splat;
  return {};
}

static bool allEqual(ArrayRef<int64_t> list, int64_t value) {
  return llvm::all_of(list, [&](int64_t entry) { return entry == value; });
}

OpFoldResult ConstantOp::fold(FoldAdaptor) { return getValue(); }

OpFoldResult ReshapeOp::fold(FoldAdaptor adaptor) {
  if (OpFoldResult folded = foldMovement(true, getOperand(), getResult(), adaptor.getOperand()))
    return folded;
  if (auto constant = dyn_cast_or_null<DenseElementsAttr>(adaptor.getOperand()))
    return constant.reshape(getType());
  if (auto inner = getOperand().getDefiningOp<ReshapeOp>()) {
    getOperandMutable().assign(inner.getOperand());
    return getResult();
  }
  return {};
}

OpFoldResult TransposeOp::fold(FoldAdaptor adaptor) {
  bool identity = llvm::is_sorted(getPermutation());
  if (OpFoldResult folded = foldMovement(identity, getOperand(), getResult(), adaptor.getOperand()))
    return folded;
  auto inner = getOperand().getDefiningOp<TransposeOp>();
  if (!inner)
    return {};
  SmallVector<int64_t> permutation;
  for (int64_t axis : getPermutation())
    permutation.push_back(inner.getPermutation()[axis]);
  setPermutation(permutation);
  getOperandMutable().assign(inner.getOperand());
  return getResult();
}

OpFoldResult BroadcastOp::fold(FoldAdaptor adaptor) {
  if (OpFoldResult folded = foldMovement(true, getOperand(), getResult(), adaptor.getOperand()))
    return folded;
  auto inner = getOperand().getDefiningOp<BroadcastOp>();
  if (!inner)
    return {};
  SmallVector<int64_t> axes;
  for (int64_t axis : inner.getAxes())
    axes.push_back(getAxes()[axis]);
  setAxes(axes);
  getOperandMutable().assign(inner.getOperand());
  return getResult();
}

OpFoldResult SliceOp::fold(FoldAdaptor adaptor) {
  bool identity = allEqual(getStarts(), 0) && allEqual(getSteps(), 1);
  return foldMovement(identity, getOperand(), getResult(), adaptor.getOperand());
}

OpFoldResult PadOp::fold(FoldAdaptor adaptor) {
  // Equal types leave no room for padding; a splat of zeros stays one.
  if (getOperand().getType() == getType())
    return getOperand();
  auto splat = dyn_cast_or_null<SplatElementsAttr>(adaptor.getOperand());
  if (splat && splat.getSplatValue<Attribute>() == Builder(getContext()).getZeroAttr(getType().getElementType()))
    return splat.resizeSplat(getType());
  return {};
}

OpFoldResult ReverseOp::fold(FoldAdaptor adaptor) {
  bool identity = llvm::all_of(getAxes(), [&](int64_t axis) { return getType().getDimSize(axis) <= 1; });
  return foldMovement(identity, getOperand(), getResult(), adaptor.getOperand());
}

OpFoldResult ConcatOp::fold(FoldAdaptor) {
  return getOperands().size() == 1 ? OpFoldResult(getOperands().front()) : OpFoldResult();
}

OpFoldResult WindowOp::fold(FoldAdaptor adaptor) {
  return foldMovement(getAxes().empty(), getOperand(), getResult(), adaptor.getOperand());
}

OpFoldResult OverlapAddOp::fold(FoldAdaptor) { return getAxes().empty() ? OpFoldResult(getOperand()) : OpFoldResult(); }

} // namespace dlc::dl
