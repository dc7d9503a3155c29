// What a loop over blocks carries: the state, then for each of its sums the error so far.
#include "codegen/kernel/LongSum.h"
#include "codegen/kernel/Emitters.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include <limits>

using namespace mlir;

namespace dlc {

RunningTotal addTo(LoopNest &nest, RunningTotal total, Value value) {
  auto add = [&](Value a, Value b) -> Value { return arith::AddFOp::create(nest.place({a, b}), nest.loc, a, b); };
  auto sub = [&](Value a, Value b) -> Value { return arith::SubFOp::create(nest.place({a, b}), nest.loc, a, b); };
  Value sum = add(total.sum, value);
  Value added = sub(sum, total.sum);
  Value error = add(sub(total.sum, sub(sum, added)), sub(value, added));
  return {sum, add(total.lost, error)};
}

Value finish(LoopNest &nest, RunningTotal total) {
  Value corrected = arith::AddFOp::create(nest.place({total.sum, total.lost}), nest.loc, total.sum, total.lost);
  // Of infinities the error is inf - inf: ordered with itself only where it is a number.
  Value known = arith::CmpFOp::create(nest.place(corrected), nest.loc, arith::CmpFPredicate::ORD, corrected, corrected);
  return arith::SelectOp::create(nest.place({known, corrected, total.sum}), nest.loc, known, corrected, total.sum);
}

LongSums::LongSums(LoopNest &nest, ArrayRef<bool> isSum, int64_t additions) : nest(nest), size(isSum.size()) {
  if (additions > plainAdditions)
    for (auto [position, sum] : llvm::enumerate(isSum))
      if (sum)
        sums.push_back(position);
}

static Value zeroLike(LoopNest &nest, Value value) {
  return floatConstant(nest.place({}), nest.loc, value.getType(), 0);
}

SmallVector<Value> LongSums::begin(ValueRange state) const {
  SmallVector<Value> carried(state);
  for (unsigned position : sums)
    carried.push_back(zeroLike(nest, state[position]));
  return carried;
}

SmallVector<Value> LongSums::end(ValueRange carried) const {
  SmallVector<Value> state(carried.take_front(size));
  for (auto [number, position] : llvm::enumerate(sums))
    state[position] = finish(nest, {carried[position], carried[size + number]});
  return state;
}

SmallVector<Value> LongSums::block(ValueRange carried, Body body) const {
  SmallVector<Value> state(carried.take_front(size));
  for (unsigned position : sums)
    state[position] = zeroLike(nest, state[position]);
  body(state);
  SmallVector<Value> next(state);
  next.append(carried.begin() + size, carried.end());
  for (auto [number, position] : llvm::enumerate(sums)) {
    RunningTotal total = addTo(nest, {carried[position], carried[size + number]}, state[position]);
    next[position] = total.sum;
    next[size + number] = total.lost;
  }
  return next;
}

SmallVector<Value> LongSums::loop(Value low, Value high, int64_t step, int64_t steps, ValueRange carried,
                                  Step body) const {
  auto plain = [&](Value from, Value to, ValueRange state) {
    return nest.loop(from, to, step, state, [&](Value index, ValueRange values) {
      SmallVector<Value> next(values);
      body(index, next);
      return next;
    });
  };
  if (!isLong())
    return plain(low, high, carried);
  return nest.loop(low, high, step * steps, carried, [&](Value first, ValueRange values) {
    Value length = nest.constant(step * steps);
    Value end = arith::AddIOp::create(nest.place({first, length}), nest.loc, first, length);
    end = arith::MinSIOp::create(nest.place({end, high}), nest.loc, end, high);
    return block(values, [&](SmallVectorImpl<Value> &state) { state = plain(first, end, state); });
  });
}

} // namespace dlc
