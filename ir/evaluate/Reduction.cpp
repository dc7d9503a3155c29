// Contractions and reductions of the reference evaluator, sums in the order of the elements.
#include "ir/evaluate/OpEvaluation.h"

#include <cmath>
#include <limits>

using namespace mlir;

namespace dlc::dl {

/// The stride that each letter has in a term (0 if it is not there).
static SmallVector<int64_t> letterStrides(StringRef letters, StringRef term, ArrayRef<int64_t> shape) {
  SmallVector<int64_t> strides = stridesOf(shape), result;
  for (char letter : letters) {
    size_t axis = term.find(letter);
    result.push_back(axis == StringRef::npos ? 0 : strides[axis]);
  }
  return result;
}

bool OpEvaluation::contraction() {
  auto contract = dyn_cast<ContractOp>(op);
  if (!contract)
    return false;
  StringRef lhs = contract.lhsLetters(), rhs = contract.rhsLetters();
  std::string letters = contract.resultLetters().str();
  SmallVector<int64_t> sizes(out.shape);
  for (auto [axis, letter] : llvm::enumerate(lhs))
    if (letters.find(letter) == std::string::npos) {
      letters += letter;
      sizes.push_back(in[0]->shape[axis]);
    }
  SmallVector<int64_t> lhsStrides = letterStrides(letters, lhs, in[0]->shape);
  SmallVector<int64_t> rhsStrides = letterStrides(letters, rhs, in[1]->shape);
  SmallVector<int64_t> outStrides = letterStrides(letters, contract.resultLetters(), out.shape);
  forEachIndex(sizes, [&](ArrayRef<int64_t> index) {
    out.floats[placeOf(index, outStrides)] +=
        in[0]->floats[placeOf(index, lhsStrides)] * in[1]->floats[placeOf(index, rhsStrides)];
  });
  return true;
}

/// The value that joins without effect.
template <class T> static T neutral(ReduceKind kind, Type element) {
  constexpr bool isFloat = std::is_same_v<T, double>;
  switch (kind) {
  case ReduceKind::sum:
  case ReduceKind::any:
    return 0;
  case ReduceKind::prod:
  case ReduceKind::all:
    return 1;
  case ReduceKind::max:
    if constexpr (isFloat)
      return -std::numeric_limits<double>::infinity();
    return element.isInteger(8)    ? 0
           : element.isInteger(32) ? std::numeric_limits<int32_t>::min()
                                   : std::numeric_limits<T>::min();
  case ReduceKind::min:
    if constexpr (isFloat)
      return std::numeric_limits<double>::infinity();
    return element.isInteger(8)    ? 255
           : element.isInteger(32) ? std::numeric_limits<int32_t>::max()
                                   : std::numeric_limits<T>::max();
  }
  return 0;
}

/// Whether `value` is a better extremum than `best`: NaN is the best of all.
template <class T> static bool beats(ReduceKind kind, T value, T best) {
  if constexpr (std::is_same_v<T, double>)
    if (std::isnan(value) || std::isnan(best))
      return std::isnan(value) && !std::isnan(best);
  return kind == ReduceKind::max ? value > best : value < best;
}

static double wrapTo(Type, double value) { return value; }

template <class T> static T join(ReduceKind kind, T sum, T value) {
  switch (kind) {
  case ReduceKind::sum:
    return sum + value;
  case ReduceKind::prod:
    return sum * value;
  case ReduceKind::max:
  case ReduceKind::min:
    return beats(kind, value, sum) ? value : sum;
  case ReduceKind::all:
    return sum != 0 && value != 0;
  case ReduceKind::any:
    return sum != 0 || value != 0;
  }
  return sum;
}

/// Integers are joined as unsigned ones, so that they wrap.
static int64_t joinElements(ReduceKind kind, int64_t sum, int64_t value) {
  if (kind == ReduceKind::sum || kind == ReduceKind::prod)
    return int64_t(join<uint64_t>(kind, sum, value));
  return join<int64_t>(kind, sum, value);
}
static double joinElements(ReduceKind kind, double sum, double value) { return join<double>(kind, sum, value); }

/// The strides in the result of the operand's axes: 0 along reduced ones.
static SmallVector<int64_t> keptStrides(ArrayRef<int64_t> shape, ArrayRef<int64_t> axes, ArrayRef<int64_t> result) {
  SmallVector<int64_t> strides = stridesOf(result), kept;
  size_t next = 0;
  for (size_t axis = 0; axis < shape.size(); ++axis)
    kept.push_back(llvm::is_contained(axes, int64_t(axis)) ? 0 : strides[next++]);
  return kept;
}

template <class T>
static void reduce(ReduceOp op, const HostTensor &operand, const std::vector<T> &from, HostTensor &out,
                   std::vector<T> &to) {
  std::fill(to.begin(), to.end(), neutral<T>(op.getKind(), out.element));
  SmallVector<int64_t> strides = keptStrides(operand.shape, op.getAxes(), out.shape);
  size_t place = 0;
  forEachIndex(operand.shape, [&](ArrayRef<int64_t> index) {
    T &sum = to[placeOf(index, strides)];
    sum = wrapTo(out.element, joinElements(op.getKind(), sum, from[place++]));
  });
}

template <class T>
static void reduceParts(ReducePartsOp op, const HostTensor &operand, const std::vector<T> &from, HostTensor &out,
                        std::vector<T> &to) {
  std::fill(to.begin(), to.end(), neutral<T>(op.getKind(), out.element));
  SmallVector<int64_t> strides = keptStrides(operand.shape, op.getAxes(), ArrayRef<int64_t>(out.shape).drop_front());
  int64_t partStride = stridesOf(out.shape)[0];
  size_t place = 0;
  forEachIndex(operand.shape, [&](ArrayRef<int64_t> index) {
    int64_t part = index[op.getAxis()] / static_cast<int64_t>(op.getChunk());
    T &sum = to[placeOf(index, strides) + part * partStride];
    sum = wrapTo(out.element, joinElements(op.getKind(), sum, from[place++]));
  });
}

template <class T>
static void argReduce(ArgReduceOp op, const HostTensor &operand, const std::vector<T> &from, HostTensor &out) {
  int64_t axis = op.getAxis();
  SmallVector<int64_t> strides = keptStrides(operand.shape, axis, out.shape);
  std::vector<T> best(out.size());
  size_t place = 0;
  forEachIndex(operand.shape, [&](ArrayRef<int64_t> index) {
    T value = from[place++];
    int64_t target = placeOf(index, strides);
    if (index[axis] > 0 && !beats(op.getKind(), value, best[target]))
      return;
    best[target] = value;
    out.ints[target] = index[axis];
  });
}

/// log(e^a + e^b), without overflow.
static double logAddExp(double a, double b) {
  double greater = std::fmax(a, b), lesser = std::fmin(a, b);
  if (std::isnan(a) || std::isnan(b) || std::isinf(greater))
    return std::isnan(a) || std::isnan(b) ? a + b : greater;
  return greater + std::log1p(std::exp(lesser - greater));
}
static int64_t logAddExp(int64_t, int64_t b) { return b; }

template <class T> static T joinNext(CumulativeKind kind, T sum, T value) {
  switch (kind) {
  case CumulativeKind::sum:
    return joinElements(ReduceKind::sum, sum, value);
  case CumulativeKind::prod:
    return joinElements(ReduceKind::prod, sum, value);
  case CumulativeKind::max:
    return joinElements(ReduceKind::max, sum, value);
  case CumulativeKind::min:
    return joinElements(ReduceKind::min, sum, value);
  case CumulativeKind::logsumexp:
    return logAddExp(sum, value);
  }
  return value;
}

/// Calls `visit` with the place of each element along an axis and that of the one before it (-1 for the first).
static void forEachStep(ArrayRef<int64_t> shape, int64_t axis, bool reverse,
                        llvm::function_ref<void(int64_t, int64_t)> visit) {
  int64_t count = shape[axis], stride = stridesOf(shape)[axis], size = ShapedType::getNumElements(shape);
  for (int64_t start = 0; start < size; ++start) {
    if (start / stride % count != 0)
      continue;
    int64_t previous = -1;
    for (int64_t step = 0; step < count; ++step) {
      int64_t place = start + stride * (reverse ? count - 1 - step : step);
      visit(place, previous);
      previous = place;
    }
  }
}

template <class T> static void cumulate(CumulativeOp op, HostTensor &out, std::vector<T> &elements) {
  forEachStep(out.shape, op.getAxis(), op.getReverse(), [&](int64_t place, int64_t previous) {
    if (previous >= 0)
      elements[place] = wrapTo(out.element, joinNext(op.getKind(), elements[previous], elements[place]));
  });
}

static void recur(RecurrenceOp op, const HostTensor &factor, HostTensor &out) {
  forEachStep(out.shape, op.getAxis(), op.getReverse(), [&](int64_t place, int64_t previous) {
    if (previous >= 0)
      out.floats[place] += factor.floats[place] * out.floats[previous];
  });
}

bool OpEvaluation::reduction() {
  if (auto reduction = dyn_cast<ReduceOp>(op)) {
    if (out.isFloat())
      reduce(reduction, *in[0], in[0]->floats, out, out.floats);
    else
      reduce(reduction, *in[0], in[0]->ints, out, out.ints);
  } else if (auto parts = dyn_cast<ReducePartsOp>(op)) {
    if (out.isFloat())
      reduceParts(parts, *in[0], in[0]->floats, out, out.floats);
    else
      reduceParts(parts, *in[0], in[0]->ints, out, out.ints);
  } else if (auto extremum = dyn_cast<ArgReduceOp>(op)) {
    if (in[0]->isFloat())
      argReduce(extremum, *in[0], in[0]->floats, out);
    else
      argReduce(extremum, *in[0], in[0]->ints, out);
  } else if (auto cumulative = dyn_cast<CumulativeOp>(op)) {
    out = *in[0];
    visitElements(out, [&](auto &elements) { cumulate(cumulative, out, elements); });
  } else if (auto recurrence = dyn_cast<RecurrenceOp>(op)) {
    out = *in[1];
    recur(recurrence, *in[0], out);
  } else {
    return false;
  }
  return true;
}

} // namespace dlc::dl
