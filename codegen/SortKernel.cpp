// Kind sort: each row is sorted by merging, from runs of one element on, as pairs of a key and a place. Keys are integers in
// the order of the elements, so that one comparison serves every type.
//
// The scratch memory of a task: keys and places, of n each, twice: a merge reads one half and writes the other.
#include "codegen/SingleOperation.h"
#include "codegen/kernel/Arithmetic.h"
#include "ir/KernelRole.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace dlc {

namespace {
/// Where the pairs of a task lie.
struct Pairs {
  Innermost at;
  Value scratch;
  int64_t count;

  Type i64() const { return at.nest.builder.getI64Type(); }
  Value place(Value index) const { return at.element(scratch, i64(), index); }
  Value load(Value index) const { return at.load(i64(), place(index)); }
  void store(Value index, Value value) const { at.store(value, place(index)); }
};
} // namespace

/// An i64 that is less where the element is: NaN is the greatest, -0 and 0 are one.
static Value keyOf(const Arithmetic &a, Value x, Type element) {
  OpBuilder &builder = a.builder;
  Type i64 = builder.getI64Type(), f64 = builder.getF64Type();
  if (!isa<FloatType>(element))
    return convertElements(builder, a.loc, x, element, i64);
  if (x.getType() != f64)
    x = arith::ExtFOp::create(builder, a.loc, f64, x);
  Value isNan = a.compare(Arithmetic::Compare::UNO, x, x);
  Value bits = a.bitsOf(a.add(x, a.real(x, 0)));
  // Negative numbers: the greater the magnitude the less.
  Value flipped = arith::AndIOp::create(builder, a.loc, a.shiftSigned(bits, 63),
                                        a.integer(bits, std::numeric_limits<int64_t>::max()));
  bits = arith::XOrIOp::create(builder, a.loc, bits, flipped);
  return a.select(isNan, a.integer(bits, std::numeric_limits<int64_t>::max()), bits);
}

/// Merges runs of `width` pairs at `from` to runs of twice that at `to`: keys at an offset, places behind them.
static void mergeRuns(const Pairs &pairs, Value width, Value from, Value to) {
  const Innermost &at = pairs.at;
  LoopNest &nest = at.nest;
  Value count = nest.constant(pairs.count), last = nest.constant(pairs.count - 1);
  Value twice = at.addi(width, width);
  Value runs = at.divi(at.addi(at.addi(count, twice), -1), twice);
  nest.loop(nest.constant(0), runs, 1, {}, [&](Value run, ValueRange) -> SmallVector<Value> {
    Value low = at.muli(run, twice), middle = at.least(at.addi(low, width), count);
    Value high = at.least(at.addi(low, twice), count);
    nest.loop(low, high, 1, {low, middle}, [&](Value out, ValueRange state) -> SmallVector<Value> {
      Value left = state[0], right = state[1];
      Value leftKey = pairs.load(at.addi(from, at.least(left, last)));
      Value rightKey = pairs.load(at.addi(from, at.least(right, last)));
      // The left one while there is one and the right one is not less: equal elements stay in order.
      Value rightLess = at.both(at.less(right, high), at.less(rightKey, leftKey));
      Value takesLeft = at.both(at.less(left, middle), at.invert(rightLess));
      Value source = at.addi(from, at.select(takesLeft, left, right)), target = at.addi(to, out);
      pairs.store(target, at.select(takesLeft, leftKey, rightKey));
      pairs.store(at.addi(target, count), pairs.load(at.addi(source, count)));
      Value taken = arith::ExtUIOp::create(nest.here(), nest.loc, pairs.i64(), takesLeft);
      return {at.addi(left, taken), at.subi(at.addi(right, 1), taken)};
    });
    return {};
  });
}

FailureOr<KernelInfo> emitSort(KernelFunction function) {
  FailureOr<dl::ArgsortOp> found = onlyOperation<dl::ArgsortOp>(function.kernel);
  if (failed(found))
    return failure();
  dl::ArgsortOp op = *found;
  PointEmitter points(function.builder, function.kernel.getLoc(), function.target, function.kernel, function.buffers);
  LoopNest &nest = points.nest;
  RankedTensorType type = typeOf(op.getOperand());
  ArrayRef<int64_t> shape = type.getShape();
  int64_t axis = op.getAxis(), count = shape[axis], tasks = dl::sortTasks(shape, axis);
  if (type.getNumElements() == 0)
    return KernelInfo{1, 0};
  Rows rows(shape, axis);
  unsigned merges = llvm::Log2_64_Ceil(count);
  Innermost at{nest};

  auto sortRow = [&](const Pairs &pairs, Value number) {
    Index row = rows.count() == 1 ? Index::of(0) : points.indices.variable(number, {0, rows.count() - 1});
    auto placeOf = [&](Value index) {
      Point point = rows.point(points, row);
      point.indices[axis] = count == 1 ? Index::of(0) : points.indices.variable(index, {0, count - 1});
      return point;
    };
    Value zero = nest.constant(0), all = nest.constant(count), behind = nest.constant(2 * count);
    nest.loop(zero, all, 1, {}, [&](Value i, ValueRange) -> SmallVector<Value> {
      Value x = points.at(op.getOperand(), placeOf(i));
      Value key = keyOf(at.here(), x, type.getElementType());
      if (op.getDescending()) {
        Arithmetic a = at.here();
        key = a.xori(key, a.integer(key, -1));
      }
      pairs.store(i, key);
      pairs.store(at.addi(i, all), i);
      return {};
    });
    SmallVector<Value> inits = {nest.constant(1), zero, behind};
    nest.loop(zero, nest.constant(merges), 1, inits, [&](Value, ValueRange state) -> SmallVector<Value> {
      mergeRuns(pairs, state[0], state[1], state[2]);
      return {at.addi(state[0], state[0]), state[2], state[1]};
    });
    Value sorted = nest.constant((merges % 2 ? 2 * count : 0) + count);
    nest.loop(zero, all, 1, {}, [&](Value i, ValueRange) -> SmallVector<Value> {
      points.store(0, placeOf(i), pairs.load(at.addi(i, sorted)));
      return {};
    });
  };
  Value room = nest.constant(4 * count), rowCount = nest.constant(rows.count()), taskCount = nest.constant(tasks);
  nest.loop(function.begin, function.end, 1, {}, [&](Value task, ValueRange) -> SmallVector<Value> {
    Pairs pairs{at, function.buffers[function.kernel->getNumOperands() - 1], count};
    pairs.scratch = pairs.place(at.muli(task, room));
    // Rows are dealt out in pieces of nearly one length.
    auto bound = [&](Value number) { return at.divi(at.muli(number, rowCount), taskCount); };
    Value begin = bound(task), end = bound(at.addi(task, 1));
    nest.loop(begin, end, 1, {}, [&](Value number, ValueRange) -> SmallVector<Value> {
      sortRow(pairs, number);
      return {};
    });
    return {};
  });
  nest.here();
  return KernelInfo{tasks, 20 + double(type.getNumElements()) * (4 + 2.5 * merges)};
}

} // namespace dlc
