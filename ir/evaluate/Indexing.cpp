// gather, scatter_add and argsort in the reference evaluator. An index out of range is an error, never a wild read.
#include "ir/evaluate/OpEvaluation.h"

#include <cmath>
#include <numeric>

using namespace mlir;

namespace dlc::dl {

/// Calls `visit` with the place in [a.., n, b..] and the row-major place in [a.., I.., b..] that each index joins;
/// returns what is wrong with the first index out of range.
static std::string forEachPair(ArrayRef<int64_t> shape, const HostTensor &indices, int64_t axis,
                               llvm::function_ref<void(int64_t, int64_t)> visit) {
  int64_t size = shape[axis], inner = ShapedType::getNumElements(shape.drop_front(axis + 1)), count = indices.size();
  for (auto [i, index] : llvm::enumerate(indices.ints))
    if (index < 0 || index >= size)
      return ("index " + Twine(index) + " (element " + Twine(i) + ") is out of range, expected 0 to " + Twine(size - 1))
          .str();
  for (int64_t outer = 0, outers = ShapedType::getNumElements(shape.take_front(axis)); outer < outers; ++outer)
    for (int64_t i = 0; i < count; ++i)
      for (int64_t j = 0; j < inner; ++j)
        visit((outer * size + indices.ints[i]) * inner + j, (outer * count + i) * inner + j);
  return {};
}

/// NaN after every number.
template <class T> static bool isBefore(T a, T b) {
  if constexpr (std::is_same_v<T, double>)
    if (std::isnan(a) || std::isnan(b))
      return !std::isnan(a) && std::isnan(b);
  return a < b;
}

template <class T>
static void argsort(ArgsortOp op, const HostTensor &in, const std::vector<T> &from, HostTensor &out) {
  int64_t count = in.shape[op.getAxis()], stride = stridesOf(in.shape)[op.getAxis()];
  for (int64_t start = 0, size = in.size(); start < size; ++start) {
    if (start / stride % count != 0)
      continue;
    std::vector<int64_t> places(count);
    std::iota(places.begin(), places.end(), 0);
    llvm::sort(places, [&](int64_t a, int64_t b) {
      T x = from[start + stride * a], y = from[start + stride * b];
      if (isBefore(x, y) || isBefore(y, x))
        return op.getDescending() ? isBefore(y, x) : isBefore(x, y);
      return a < b;
    });
    for (int64_t i = 0; i < count; ++i)
      out.ints[start + stride * i] = places[i];
  }
}

/// Calls `visit` with the row-major places in the whole and in the part of each element of a part at `starts` along
/// `axes`; returns what is wrong with the first start out of range.
static std::string forEachOfPart(ArrayRef<int64_t> shape, ArrayRef<int64_t> sizes, ArrayRef<const HostTensor *> starts,
                                 ArrayRef<int64_t> axes, llvm::function_ref<void(int64_t, int64_t)> visit) {
  SmallVector<int64_t> from(shape.size(), 0);
  for (auto [start, axis] : llvm::zip_equal(starts, axes)) {
    from[axis] = start->ints[0];
    if (from[axis] < 0 || from[axis] + sizes[axis] > shape[axis])
      return ("start " + Twine(from[axis]) + " along axis " + Twine(axis) + " is out of range, expected 0 to " +
              Twine(shape[axis] - sizes[axis]))
          .str();
  }
  int64_t number = 0;
  forEachIndex(sizes, [&](ArrayRef<int64_t> index) {
    SmallVector<int64_t> place(index);
    for (auto [at, start] : llvm::zip_equal(place, from))
      at += start;
    visit(placeOf(place, stridesOf(shape)), number++);
  });
  return {};
}

bool OpEvaluation::indexing() {
  auto add = [&](int64_t whole, const HostTensor &from, int64_t part) {
    if (out.isFloat())
      out.floats[whole] += from.floats[part];
    else
      out.ints[whole] = wrapTo(out.element, int64_t(uint64_t(out.ints[whole]) + uint64_t(from.ints[part])));
  };
  if (auto slice = dyn_cast<DynamicSliceOp>(op)) {
    error = forEachOfPart(in[0]->shape, out.shape, in.drop_front(1), slice.getAxes(),
                          [&](int64_t whole, int64_t part) { copyElement(*in[0], whole, out, part); });
  } else if (auto update = dyn_cast<DynamicUpdateOp>(op)) {
    out = *in[0];
    error =
        forEachOfPart(out.shape, in[1]->shape, in.drop_front(2), update.getAxes(), [&](int64_t whole, int64_t part) {
          update.getAdd() ? add(whole, *in[1], part) : copyElement(*in[1], part, out, whole);
        });
  } else if (auto gather = dyn_cast<GatherOp>(op)) {
    error = forEachPair(in[0]->shape, *in[1], gather.getAxis(),
                        [&](int64_t whole, int64_t part) { copyElement(*in[0], whole, out, part); });
  } else if (auto scatter = dyn_cast<ScatterAddOp>(op)) {
    out = *in[0];
    error = forEachPair(out.shape, *in[1], scatter.getAxis(),
                        [&](int64_t whole, int64_t part) { add(whole, *in[2], part); });
  } else if (auto sort = dyn_cast<ArgsortOp>(op)) {
    if (in[0]->isFloat())
      argsort(sort, *in[0], in[0]->floats, out);
    else
      argsort(sort, *in[0], in[0]->ints, out);
  } else {
    return false;
  }
  return true;
}

} // namespace dlc::dl
