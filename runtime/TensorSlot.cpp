// Copies between dense tensors and slots, and what is not finite in them.
#include "runtime/TensorSlot.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <type_traits>

namespace dlc {

int64_t TensorSlot::elements() const { return elementCount(shape).value_or(0); }

bool TensorSlot::isDense() const { return strides == denseSlot({}, dtype, shape, 0).strides; }

TensorSlot denseSlot(std::string name, DType dtype, std::vector<int64_t> shape, size_t byteOffset) {
  TensorSlot slot{std::move(name), dtype, std::move(shape), byteOffset, {}};
  slot.strides.assign(slot.shape.size(), 1);
  for (size_t axis = slot.shape.size(); axis-- > 1;)
    slot.strides[axis - 1] = slot.strides[axis] * slot.shape[axis];
  return slot;
}

/// Calls `copy(dense offset, slot offset, bytes)` for runs along the last axis: whole rows where it is contiguous, else
/// elements.
template <class Copy> static void forEachRun(const TensorSlot &slot, Copy copy) {
  size_t size = sizeOf(slot.dtype), rank = slot.shape.size();
  int64_t count = slot.elements();
  if (count == 0)
    return;
  bool wholeRows = rank > 0 && (slot.strides.back() == 1 || slot.shape.back() == 1);
  int64_t run = wholeRows ? slot.shape.back() : 1;
  size_t outer = wholeRows ? rank - 1 : rank;
  std::vector<int64_t> index(outer, 0);
  int64_t place = 0;
  for (int64_t dense = 0; dense < count; dense += run) {
    copy(size_t(dense) * size, slot.byteOffset + size_t(place) * size, size_t(run) * size);
    for (size_t axis = outer; axis-- > 0;) {
      place += slot.strides[axis];
      if (++index[axis] < slot.shape[axis])
        break;
      place -= slot.strides[axis] * slot.shape[axis];
      index[axis] = 0;
    }
  }
}

/// Calls `copy(dense element, slot element)` for each element, along the longest axis innermost: the last may be a window's,
/// of three.
template <class Copy> static void forEachElement(const TensorSlot &slot, Copy copy) {
  if (slot.elements() == 0)
    return;
  struct Axis {
    int64_t size, dense, place;
  };
  std::vector<Axis> axes;
  std::vector<int64_t> strides = denseSlot({}, slot.dtype, slot.shape, 0).strides;
  for (size_t axis = 0; axis < slot.shape.size(); ++axis)
    axes.push_back({slot.shape[axis], strides[axis], slot.strides[axis]});
  std::ranges::sort(axes, {}, &Axis::size);
  auto visit = [&](auto &self, size_t level, int64_t dense, int64_t place) -> void {
    const Axis &axis = axes[level];
    for (int64_t i = 0; i < axis.size; ++i, dense += axis.dense, place += axis.place)
      if (level + 1 == axes.size())
        copy(dense, place);
      else
        self(self, level + 1, dense, place);
  };
  visit(visit, 0, 0, 0);
}

/// Calls `copy` with a place in the dense tensor, one in the block, and a size in bytes: rows where they are contiguous.
template <class Copy> static void copyTensor(const TensorSlot &slot, Copy copy) {
  if (slot.shape.empty() || slot.strides.back() == 1 || slot.shape.back() == 1)
    return forEachRun(slot, copy);
  auto elements = [&](auto size) {
    forEachElement(slot, [&](int64_t dense, int64_t place) {
      copy(size_t(dense) * size, slot.byteOffset + size_t(place) * size, size);
    });
  };
  switch (sizeOf(slot.dtype)) {
  case 1:
    return elements(std::integral_constant<size_t, 1>());
  case 2:
    return elements(std::integral_constant<size_t, 2>());
  case 4:
    return elements(std::integral_constant<size_t, 4>());
  default:
    return elements(std::integral_constant<size_t, 8>());
  }
}

void packTensor(const TensorSlot &slot, const void *dense, void *block) {
  copyTensor(slot, [&](size_t from, size_t to, auto bytes) {
    std::memcpy(static_cast<char *>(block) + to, static_cast<const char *>(dense) + from, bytes);
  });
}

void fillTensor(const TensorSlot &slot, double value, void *block) {
  size_t size = sizeOf(slot.dtype);
  forEachRun(slot, [&](size_t, size_t to, size_t bytes) {
    for (size_t i = 0; i < bytes / size; ++i)
      setElement(slot.dtype, static_cast<char *>(block) + to, int64_t(i), value);
  });
}

void unpackTensor(const TensorSlot &slot, const void *block, void *dense) {
  copyTensor(slot, [&](size_t to, size_t from, auto bytes) {
    std::memcpy(static_cast<char *>(dense) + to, static_cast<const char *>(block) + from, bytes);
  });
}

/// Whether an exponent of `count` adjacent floats has all bits set: one is NaN or infinite.
template <class Bits> static bool anyNotFinite(const char *data, size_t count, Bits exponent) {
  bool found = false;
  for (size_t i = 0; i < count; ++i) {
    Bits bits;
    std::memcpy(&bits, data + i * sizeof bits, sizeof bits);
    found |= (bits & exponent) == exponent;
  }
  return found;
}

std::optional<double> findNotFinite(const TensorSlot &slot, const void *block) {
  if (!isFloat(slot.dtype) || slot.elements() == 0)
    return std::nullopt;
  // All of the slot's memory at once, with its padding; only if there is something are the elements looked at.
  size_t span = 1, size = sizeOf(slot.dtype);
  for (size_t axis = 0; axis < slot.shape.size(); ++axis)
    span += size_t(slot.shape[axis] - 1) * size_t(slot.strides[axis]);
  const char *data = static_cast<const char *>(block) + slot.byteOffset;
  bool any = slot.dtype == DType::F32   ? anyNotFinite<uint32_t>(data, span, 0x7f800000)
             : slot.dtype == DType::F64 ? anyNotFinite<uint64_t>(data, span, 0x7ff0000000000000)
                                        : anyNotFinite<uint16_t>(data, span, 0x7f80);
  std::optional<double> first;
  if (any)
    forEachRun(slot, [&](size_t, size_t from, size_t bytes) {
      for (size_t i = 0; i < bytes / size; ++i) {
        double value = elementAsDouble(slot.dtype, static_cast<const char *>(block) + from, int64_t(i));
        if (!std::isfinite(value) && (!first || (std::isnan(value) && !std::isnan(*first))))
          first = value;
      }
    });
  return first;
}

} // namespace dlc
