// What makes and moves elements in the reference evaluator, with random numbers.
#include "ir/evaluate/OpEvaluation.h"
#include "runtime/Philox.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace dlc::dl {

/// Each element of `out`, at a row-major index, from the element of `in` at the place that `source` says.
static void moveFrom(const HostTensor &in, HostTensor &out, llvm::function_ref<int64_t(ArrayRef<int64_t>)> source) {
  int64_t place = 0;
  forEachIndex(out.shape, [&](ArrayRef<int64_t> index) { copyElement(in, source(index), out, place++); });
}

static void transpose(TransposeOp op, const HostTensor &in, HostTensor &out) {
  SmallVector<int64_t> strides = stridesOf(in.shape), permuted;
  for (int64_t axis : op.getPermutation())
    permuted.push_back(strides[axis]);
  moveFrom(in, out, [&](ArrayRef<int64_t> index) { return placeOf(index, permuted); });
}

static void broadcast(BroadcastOp op, const HostTensor &in, HostTensor &out) {
  SmallVector<int64_t> strides = stridesOf(in.shape), spread(out.shape.size(), 0);
  for (auto [axis, target] : llvm::enumerate(op.getAxes()))
    spread[target] = strides[axis];
  moveFrom(in, out, [&](ArrayRef<int64_t> index) { return placeOf(index, spread); });
}

static void slice(SliceOp op, const HostTensor &in, HostTensor &out) {
  SmallVector<int64_t> strides = stridesOf(in.shape);
  moveFrom(in, out, [&](ArrayRef<int64_t> index) {
    int64_t place = 0;
    for (size_t axis = 0; axis < index.size(); ++axis)
      place += (op.getStarts()[axis] + index[axis] * op.getSteps()[axis]) * strides[axis];
    return place;
  });
}

static void pad(PadOp op, const HostTensor &in, HostTensor &out) {
  SmallVector<int64_t> strides = stridesOf(out.shape);
  int64_t from = 0;
  forEachIndex(in.shape, [&](ArrayRef<int64_t> index) {
    int64_t place = 0;
    for (size_t axis = 0; axis < index.size(); ++axis)
      place += (op.getLow()[axis] + index[axis] * (op.getInterior()[axis] + 1)) * strides[axis];
    copyElement(in, from++, out, place);
  });
}

static void reverse(ReverseOp op, const HostTensor &in, HostTensor &out) {
  SmallVector<int64_t> strides = stridesOf(in.shape);
  moveFrom(in, out, [&](ArrayRef<int64_t> index) {
    int64_t place = 0;
    for (size_t axis = 0; axis < index.size(); ++axis) {
      bool turned = llvm::is_contained(op.getAxes(), int64_t(axis));
      place += (turned ? in.shape[axis] - 1 - index[axis] : index[axis]) * strides[axis];
    }
    return place;
  });
}

static void concat(ConcatOp op, ArrayRef<const HostTensor *> in, HostTensor &out) {
  SmallVector<int64_t> strides = stridesOf(out.shape);
  int64_t start = 0, axis = op.getAxis();
  for (const HostTensor *operand : in) {
    int64_t from = 0;
    forEachIndex(operand->shape, [&](ArrayRef<int64_t> index) {
      copyElement(*operand, from++, out, placeOf(index, strides) + start * strides[axis]);
    });
    start += operand->shape[axis];
  }
}

/// Where tap t of window p lies, for an index of windows along `op`'s axes; the strides are those of what they slide on.
template <class Op> static int64_t placeOfTap(Op op, ArrayRef<int64_t> window, ArrayRef<int64_t> strides) {
  size_t rank = strides.size();
  int64_t place = placeOf(window.take_front(rank), strides);
  for (auto [number, axis] : llvm::enumerate(op.getAxes()))
    place +=
        (window[axis] * (op.getSteps()[number] - 1) + window[rank + number] * op.getSpreads()[number]) * strides[axis];
  return place;
}

static void window(WindowOp op, const HostTensor &in, HostTensor &out) {
  SmallVector<int64_t> strides = stridesOf(in.shape);
  moveFrom(in, out, [&](ArrayRef<int64_t> index) { return placeOfTap(op, index, strides); });
}

static void overlapAdd(OverlapAddOp op, const HostTensor &in, HostTensor &out) {
  SmallVector<int64_t> strides = stridesOf(out.shape);
  int64_t from = 0;
  forEachIndex(in.shape,
               [&](ArrayRef<int64_t> index) { out.floats[placeOfTap(op, index, strides)] += in.floats[from++]; });
}

static void taps(TapsOp op, const HostTensor &in, HostTensor &out) {
  size_t rank = out.shape.size() - op.getAxes().size();
  SmallVector<int64_t> strides = stridesOf(out.shape), places(ArrayRef(strides).take_front(rank));
  int64_t from = 0;
  forEachIndex(in.shape, [&](ArrayRef<int64_t> index) {
    int64_t tap = placeOf(index.drop_front(rank), ArrayRef(strides).drop_front(rank));
    copyElement(in, from++, out, placeOfTap(op, index, places) + tap);
  });
}

static void iota(IotaOp op, HostTensor &out) {
  int64_t place = 0, axis = op.getAxis();
  forEachIndex(out.shape, [&](ArrayRef<int64_t> index) {
    if (out.isFloat())
      out.floats[place++] = index[axis];
    else
      out.ints[place++] = wrapTo(out.element, index[axis]);
  });
}

bool OpEvaluation::shape() {
  return llvm::TypeSwitch<Operation *, bool>(op)
      .Case([&](ConstantOp constant) { return out = toHost(cast<DenseElementsAttr>(constant.getValue())), true; })
      .Case([&](ScratchOp) { return true; })
      .Case([&](IotaOp indices) { return iota(indices, out), true; })
      .Case([&](ReshapeOp) { return out.floats = in[0]->floats, out.ints = in[0]->ints, true; })
      .Case([&](TransposeOp movement) { return transpose(movement, *in[0], out), true; })
      .Case([&](BroadcastOp movement) { return broadcast(movement, *in[0], out), true; })
      .Case([&](SliceOp movement) { return slice(movement, *in[0], out), true; })
      .Case([&](PadOp movement) { return pad(movement, *in[0], out), true; })
      .Case([&](WindowOp movement) { return window(movement, *in[0], out), true; })
      .Case([&](OverlapAddOp sum) { return overlapAdd(sum, *in[0], out), true; })
      .Case([&](TapsOp movement) { return taps(movement, *in[0], out), true; })
      .Case([&](ReverseOp movement) { return reverse(movement, *in[0], out), true; })
      .Case([&](ConcatOp movement) { return concat(movement, in, out), true; })
      .Default(false);
}

bool OpEvaluation::random() {
  auto draw = dyn_cast<RandomOp>(op);
  if (!draw)
    return false;
  PhiloxStream stream = philoxStream(in[0]->ints[0], in[1]->ints[0], draw.getPath());
  for (const HostTensor *index : in.drop_front(2))
    stream.key = mix64(stream.key ^ uint64_t(index->ints[0]));
  bool uniform = draw.getDistribution() == Distribution::uniform;
  for (size_t i = 0; i < out.floats.size(); ++i)
    out.floats[i] = uniform ? philoxUniform(stream, i) : philoxNormal(stream, i);
  return true;
}

} // namespace dlc::dl
