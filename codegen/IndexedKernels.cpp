// The small families: checks of indices and scattered additions.
#include "codegen/SingleOperation.h"
#include "codegen/kernel/Accumulator.h"
#include "codegen/kernel/Arithmetic.h"
#include "codegen/kernel/PointEmitter.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace dlc {

static unsigned argumentNumber(Value value) { return cast<BlockArgument>(value).getArgNumber(); }

/// Whether each index lies outside [low, limit): one unsigned comparison, in i64, of its distance from low.
static Value isBad(const Arithmetic &a, Value index, Type element, int64_t low, int64_t limit) {
  Value wide = convertElements(a.builder, a.loc, index, element, a.builder.getI64Type());
  if (low != 0)
    wide = a.addi(wide, -low);
  return arith::CmpIOp::create(a.builder, a.loc, arith::CmpIPredicate::uge, wide, a.integer(wide, limit - low));
}

/// All elements are looked at in vectors; only when one is bad, a second loop finds the first.
FailureOr<KernelInfo> emitCheck(KernelFunction function, Value &status) {
  Operation *check = &function.kernel.getBody().front().front();
  auto index = dyn_cast<dl::CheckIndexOp>(check);
  if (index ? failed(onlyOperation<dl::CheckIndexOp>(function.kernel))
            : failed(onlyOperation<dl::CheckOp>(function.kernel)))
    return failure();
  Value checked = check->getOperand(0);
  RankedTensorType type = typeOf(checked);
  PointEmitter points(function.builder, function.kernel.getLoc(), function.target, function.kernel, function.buffers);
  LoopNest &nest = points.nest;
  int64_t count = type.getNumElements(), lanes = function.target.vectorBytes / 4;
  auto badAt = [&](const Index &flat, int64_t width, Value mask) {
    Point point{points.indices.delinearize(flat, type.getShape()), width, mask};
    Value value = points.at(check->getOperand(index ? 0 : 1), point);
    Arithmetic a{nest.place(value), nest.loc};
    return index ? isBad(a, value, type.getElementType(), index.getLow(), index.getLimit()) : a.invert(value);
  };
  Type flags = VectorType::get(lanes, function.builder.getI1Type());
  Value any = intConstant(nest.place({}), nest.loc, flags, 0);
  auto either = [&](Value a, Value b) -> Value { return arith::OrIOp::create(nest.place({a, b}), nest.loc, a, b); };
  int64_t full = count - count % lanes;
  if (full)
    any = nest.loop(nest.constant(0), nest.constant(full), lanes, any, [&](Value at, ValueRange state) {
      Value base = full == lanes ? Value() : at;
      return SmallVector<Value>{
          either(state[0], points.splat(badAt(points.indices.lanes(base, 0, {0, count - 1}), lanes, {}), lanes))};
    })[0];
  if (full < count) {
    Value mask = points.tailMask(count - full, lanes);
    Value bad = points.splat(badAt(points.indices.lanes({}, full, {full, count - 1}), lanes, mask), lanes);
    bad = arith::AndIOp::create(nest.place({bad, mask}), nest.loc, bad, mask);
    any = either(any, bad);
  }
  Value found1 = vector::ReductionOp::create(nest.place(any), nest.loc, vector::CombiningKind::OR, any);
  Type i64 = function.builder.getI64Type();
  auto search = [&]() -> SmallVector<Value> {
    Value none = nest.constant(0);
    SmallVector<Value> first =
        nest.loop(none, nest.constant(count), 1, {none, none}, [&](Value at, ValueRange state) -> SmallVector<Value> {
          Index flat = count == 1 ? Index::of(0) : points.indices.variable(at, {0, count - 1});
          Value bad = badAt(flat, 1, {});
          Value value = points.at(checked, {points.indices.delinearize(flat, type.getShape()), 1, {}});
          Arithmetic a{nest.here(), nest.loc};
          bool isFloat = isa<FloatType>(type.getElementType());
          Type wide = isFloat ? Type(function.builder.getF64Type()) : i64;
          value = convertElements(a.builder, a.loc, value, type.getElementType(), wide);
          value = isFloat ? a.bitsOf(value) : value;
          Value isFirst = a.both(bad, a.equals(state[0], 0));
          return {a.select(isFirst, a.addi(at, 1), state[0]), a.select(isFirst, value, state[1])};
        });
    LLVM::StoreOp::create(nest.here(), nest.loc, first[1], function.failureValue, 8);
    return {first[0]};
  };
  status = nest.branch(found1, i64, search, [&]() -> SmallVector<Value> { return {nest.constant(0)}; })[0];
  nest.here();
  double bytes = double(count) * std::max(1u, type.getElementTypeBitWidth() / 8);
  return KernelInfo{1, 10 + bytes / 10};
}

/// How many vectors side by side a task takes: neighbours in memory, as long as there are tasks enough.
static int64_t vectorsPerTask(int64_t rows, int64_t vectors, int64_t rest) {
  constexpr int64_t most = 8, enoughTasks = 8;
  int64_t count = rest == 0 ? most : 1;
  while (count > 1 && (vectors % count != 0 || rows * vectors / count < enoughTasks))
    count /= 2;
  return count;
}

/// A task is a slice of the axes before `axis` and a part of those behind it: copied first, then the updates one by
/// one.
FailureOr<KernelInfo> emitScatter(KernelFunction function) {
  auto found = onlyOperation<dl::ScatterAddOp>(function.kernel);
  if (failed(found))
    return failure();
  dl::ScatterAddOp op = *found;
  dl::KernelOp kernel = function.kernel;
  PointEmitter points(function.builder, kernel.getLoc(), function.target, kernel, function.buffers);
  LoopNest &nest = points.nest;
  RankedTensorType type = typeOf(op.getOperand()), indicesType = typeOf(op.getIndices());
  ArrayRef<int64_t> shape = type.getShape();
  size_t axis = op.getAxis();
  ArrayRef<int64_t> before = shape.take_front(axis), behind = shape.drop_front(axis + 1);
  int64_t rows = ShapedType::getNumElements(before), extent = ShapedType::getNumElements(behind);
  int64_t updates = indicesType.getNumElements(), size = shape[axis];
  Type element = type.getElementType();
  double nanoseconds = 20 + double(type.getNumElements() + rows * updates * extent) * 0.3;
  if (type.getNumElements() == 0)
    return KernelInfo{1, 0};

  bool hasLanes = extent > 1;
  int64_t lanes = hasLanes
                      ? function.target.lanes(memoryType(element).isInteger(8) ? Type(function.builder.getF32Type())
                                                                               : registerType(element))
                      : 1;
  Value outBuffer = function.buffers[kernel.getIns().size()];
  Type outType = kernel.getOuts()[0].getType();
  bool inPlace = kernel.getIns()[argumentNumber(op.getOperand())] == kernel.getOuts()[0];
  auto place = [&](const Index &row, const Index &middle, const Index &lane, Value mask) {
    Point point{points.indices.delinearize(row, before), lanes, mask};
    point.indices.push_back(middle);
    point.indices.append(points.indices.delinearize(lane, behind));
    return point;
  };
  // The vector of an update some time before it is added: the rows of one task lie apart, and no processor guesses the next.
  constexpr int64_t updatesAhead = 8;
  auto askAhead = [&](const Index &row, const Index &number, const Index &start) {
    SmallVector<Index> indices = points.indices.delinearize(row, before);
    indices.append(points.indices.delinearize(number + updatesAhead, indicesType.getShape()));
    indices.append(points.indices.delinearize(start, behind));
    unsigned argument = argumentNumber(op.getUpdates());
    Value offset = points.materialize(addressIn(kernel.getIns()[argument].getType(), indices), 1);
    Value buffer = function.buffers[argument];
    OpBuilder &builder = nest.here();
    Value address =
        LLVM::GEPOp::create(builder, nest.loc, buffer.getType(), memoryType(element), buffer, ValueRange{offset});
    LLVM::Prefetch::create(builder, nest.loc, address, 0, 3, 1); // to read, for all caches, data
  };
  // `starts`: where the vectors begin that are asked for ahead.
  auto slice = [&](const Index &row, ArrayRef<Index> vectors, ArrayRef<Index> starts, Value mask) {
    if (!inPlace)
      nest.loop(nest.constant(0), nest.constant(size), 1, {}, [&](Value at, ValueRange) -> SmallVector<Value> {
        Index middle = size == 1 ? Index::of(0) : points.indices.variable(at, {0, size - 1});
        for (const Index &lane : vectors) {
          Point point = place(row, middle, lane, mask);
          points.store(0, point, points.at(op.getOperand(), point));
        }
        return {};
      });
    nest.loop(nest.constant(0), nest.constant(updates), 1, {}, [&](Value at, ValueRange) -> SmallVector<Value> {
      Index number = updates == 1 ? Index::of(0) : points.indices.variable(at, {0, updates - 1});
      SmallVector<Index> chosen = points.indices.delinearize(number, indicesType.getShape());
      Value index = points.at(op.getIndices(), Point{chosen, 1, {}});
      index =
          convertElements(nest.place(index), nest.loc, index, indicesType.getElementType(), nest.builder.getI64Type());
      Index middle = points.indices.variable(index, {0, size - 1});
      for (const Index &start : starts)
        askAhead(row, number, start);
      for (const Index &lane : vectors) {
        Point target = place(row, middle, lane, mask);
        Point source = target;
        source.indices.erase(source.indices.begin() + axis);
        source.indices.insert(source.indices.begin() + axis, chosen.begin(), chosen.end());
        Value update = points.at(op.getUpdates(), source);
        Value old = points.load(outBuffer, element, addressIn(outType, target.indices), target);
        bool isFloat = isa<FloatType>(element);
        OpBuilder &builder = nest.here();
        Value sum = isFloat ? Value(arith::AddFOp::create(builder, nest.loc, old, update))
                            : Value(arith::AddIOp::create(builder, nest.loc, old, update));
        if (element.isBF16())
          sum = roundToBf16(builder, nest.loc, sum);
        points.store(0, target, sum);
      }
      return {};
    });
  };

  int64_t whole = extent / lanes, rest = hasLanes ? extent % lanes : 0, all = llvm::divideCeil(extent, lanes);
  int64_t group = vectorsPerTask(rows, all, rest), vectors = all / group, tasks = rows * vectors;
  nest.loop(function.begin, function.end, 1, {}, [&](Value task, ValueRange) -> SmallVector<Value> {
    Index number = tasks == 1 ? Index::of(0) : points.indices.variable(task, {0, tasks - 1});
    Index row = points.indices.floorDiv(number, vectors), part = points.indices.mod(number, vectors);
    if (!hasLanes) {
      slice(row, Index::of(0), {}, {});
      return {};
    }
    auto full = [&]() -> SmallVector<Value> {
      Value base = vectors == 1 ? Value() : points.materialize(part * (group * lanes), 1);
      SmallVector<Index> side, starts;
      for (int64_t i = 0; i < group; ++i) {
        side.push_back(points.indices.lanes(base, i * lanes, {i * lanes, extent - 1}));
        starts.push_back(part * (group * lanes) + i * lanes);
      }
      slice(row, side, tasks > rows ? starts : SmallVector<Index>(), {});
      return {};
    };
    auto ragged = [&]() -> SmallVector<Value> {
      slice(row, points.indices.lanes({}, whole * lanes, {whole * lanes, extent - 1}), {},
            points.tailMask(rest, lanes));
      return {};
    };
    if (rest == 0 || whole == 0) {
      rest == 0 ? full() : ragged();
      return {};
    }
    Value which = points.materialize(part, 1), last = nest.constant(whole);
    auto is = [&](arith::CmpIPredicate predicate) {
      return arith::CmpIOp::create(nest.here(), nest.loc, predicate, which, last);
    };
    nest.branch(is(arith::CmpIPredicate::ne), {}, full, nullptr);
    nest.branch(is(arith::CmpIPredicate::eq), {}, ragged, nullptr);
    return {};
  });
  nest.here();
  return KernelInfo{tasks, nanoseconds};
}

} // namespace dlc
