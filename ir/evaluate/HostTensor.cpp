// Host tensors: making them, indices, widths, and constants to and fro.
#include "ir/evaluate/OpEvaluation.h"

using namespace mlir;

namespace dlc::dl {

int64_t HostTensor::size() const { return ShapedType::getNumElements(shape); }

HostTensor HostTensor::zeros(RankedTensorType type) {
  HostTensor tensor{type.getElementType(), SmallVector<int64_t>(type.getShape()), {}, {}};
  visitElements(tensor, [&](auto &elements) { elements.resize(type.getNumElements()); });
  return tensor;
}

SmallVector<int64_t> stridesOf(ArrayRef<int64_t> shape) {
  SmallVector<int64_t> strides(shape.size());
  int64_t stride = 1;
  for (size_t axis = shape.size(); axis-- > 0;) {
    strides[axis] = stride;
    stride *= shape[axis];
  }
  return strides;
}

void forEachIndex(ArrayRef<int64_t> shape, llvm::function_ref<void(ArrayRef<int64_t>)> visit) {
  SmallVector<int64_t> index(shape.size(), 0);
  for (int64_t left = ShapedType::getNumElements(shape); left > 0; --left) {
    visit(index);
    for (size_t axis = shape.size(); axis-- > 0;) {
      if (++index[axis] < shape[axis])
        break;
      index[axis] = 0;
    }
  }
}

int64_t placeOf(ArrayRef<int64_t> index, ArrayRef<int64_t> strides) {
  int64_t place = 0;
  for (auto [i, stride] : llvm::zip_equal(index, strides))
    place += i * stride;
  return place;
}

int64_t wrapTo(Type type, int64_t value) {
  if (type.isInteger(32))
    return int32_t(value);
  if (type.isInteger(8))
    return uint8_t(value);
  return type.isInteger(1) ? value & 1 : value;
}

double roundTo(Type type, double value) {
  if (type.isF32())
    return float(value);
  if (!type.isBF16())
    return value;
  APFloat rounded(value);
  bool losesInfo;
  rounded.convert(APFloat::BFloat(), APFloat::rmNearestTiesToEven, &losesInfo);
  return rounded.convertToDouble();
}

void copyElement(const HostTensor &source, int64_t from, HostTensor &target, int64_t to) {
  if (source.isFloat())
    target.floats[to] = source.floats[from];
  else
    target.ints[to] = source.ints[from];
}

HostTensor toHost(DenseElementsAttr constant) {
  HostTensor tensor = HostTensor::zeros(cast<RankedTensorType>(constant.getType()));
  if (tensor.isFloat()) {
    for (auto [place, value] : llvm::enumerate(constant.getValues<APFloat>()))
      tensor.floats[place] = value.convertToDouble();
    return tensor;
  }
  bool isSigned = !tensor.element.isUnsignedInteger() && !tensor.element.isInteger(1);
  for (auto [place, value] : llvm::enumerate(constant.getValues<APInt>()))
    tensor.ints[place] = isSigned ? value.getSExtValue() : int64_t(value.getZExtValue());
  return tensor;
}

DenseElementsAttr toConstant(const HostTensor &tensor) {
  if (tensor.isFloat()) {
    std::vector<APFloat> values;
    for (double value : tensor.floats) {
      APFloat rounded(value);
      bool losesInfo;
      rounded.convert(cast<FloatType>(tensor.element).getFloatSemantics(), APFloat::rmNearestTiesToEven, &losesInfo);
      values.push_back(rounded);
    }
    return DenseElementsAttr::get(tensor.type(), ArrayRef<APFloat>(values));
  }
  std::vector<APInt> values;
  for (int64_t value : tensor.ints)
    values.emplace_back(tensor.element.getIntOrFloatBitWidth(), value, /*isSigned=*/true, /*implicitTrunc=*/true);
  return DenseElementsAttr::get(tensor.type(), ArrayRef<APInt>(values));
}

} // namespace dlc::dl
