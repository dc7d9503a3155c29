// Kind cumulative: what runs along an axis, one element carried to the next.
#include "codegen/SingleOperation.h"
#include "codegen/kernel/Arithmetic.h"
#include "codegen/kernel/MathEmitter.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace dlc {

namespace {
/// One step of an operation along an axis, in the type that is carried (scalars or vectors).
class Step {
public:
  Step(Operation *op, PointEmitter &points, Type element) : op(op), points(points), element(element) {}

  /// The operand that the first result is.
  Value start() const { return op->getOperands().back(); }

  Value next(Value before, const Point &point, llvm::function_ref<Value(Value, const Point &)> load) {
    Value x = load(start(), point);
    if (auto recurrence = dyn_cast<dl::RecurrenceOp>(op)) {
      Value factor = load(recurrence.getFactor(), point);
      Arithmetic a{points.nest.here(), points.nest.loc};
      return a.add(a.mul(factor, before), x);
    }
    OpBuilder &builder = points.nest.here();
    Location loc = points.nest.loc;
    bool isFloat = isa<FloatType>(element);
    switch (cast<dl::CumulativeOp>(op).getKind()) {
    case dl::CumulativeKind::sum:
      return isFloat ? Value(arith::AddFOp::create(builder, loc, before, x))
                     : Value(arith::AddIOp::create(builder, loc, before, x));
    case dl::CumulativeKind::prod:
      return isFloat ? Value(arith::MulFOp::create(builder, loc, before, x))
                     : Value(arith::MulIOp::create(builder, loc, before, x));
    case dl::CumulativeKind::max:
    case dl::CumulativeKind::min: {
      bool greater = cast<dl::CumulativeOp>(op).getKind() == dl::CumulativeKind::max;
      Type carried = isFloat ? getElementTypeOrSelf(x.getType()) : element;
      return emitExtremum(builder, loc, carried, greater, before, x);
    }
    case dl::CumulativeKind::logsumexp:
      return logAddExp(before, x);
    }
    return x;
  }

private:
  /// log(e^a + e^b): the greater one plus what the other adds; infinities are left as they are.
  Value logAddExp(Value a, Value b) {
    OpBuilder &builder = points.nest.here();
    Arithmetic at{builder, points.nest.loc};
    Type type = getElementTypeOrSelf(a.getType());
    Value greater = emitExtremum(builder, points.nest.loc, type, true, a, b);
    Value distance = at.neg(at.abs(at.sub(a, b)));
    Value infinite = at.equal(at.abs(greater), std::numeric_limits<double>::infinity());
    MathEmitter math(builder, points.nest.loc);
    Value added = math.log1p(math.exp(distance));
    return at.select(infinite, greater, at.add(greater, added));
  }

  Operation *op;
  PointEmitter &points;
  Type element;
};
} // namespace

/// Lanes run along the innermost axis unless the steps do. Floats are carried in f64: the error of what runs along an axis
/// grows with its length.
FailureOr<KernelInfo> emitCumulative(KernelFunction function) {
  Operation *op = &function.kernel.getBody().front().front();
  if (isa<dl::RecurrenceOp>(op) ? failed(onlyOperation<dl::RecurrenceOp>(function.kernel))
                                : failed(onlyOperation<dl::CumulativeOp>(function.kernel)))
    return failure();
  bool reverse = op->hasAttr("reverse");
  int64_t axis = op->getAttrOfType<IntegerAttr>("axis").getInt();
  PointEmitter points(function.builder, function.kernel.getLoc(), function.target, function.kernel, function.buffers);
  LoopNest &nest = points.nest;
  RankedTensorType type = typeOf(op->getResult(0));
  ArrayRef<int64_t> shape = type.getShape();
  Type element = type.getElementType();
  if (type.getNumElements() == 0)
    return KernelInfo{1, 0};
  int64_t inner = static_cast<int64_t>(shape.size()) - 1, length = shape[axis];
  bool hasLanes = inner != axis && shape[inner] > 1;
  int64_t lanes = hasLanes ? function.target.vectorBytes / (element.getIntOrFloatBitWidth() == 64 ? 8 : 4) : 1;
  int64_t extent = hasLanes ? shape[inner] : 1;
  Rows rows(shape, axis, hasLanes ? inner : -1);

  Type scalar = registerType(element);
  auto wide = [&](Type type) { return hasLanes ? Type(VectorType::get(lanes, type)) : type; };
  bool widens = scalar.isF32();
  Type carried = wide(widens ? Type(function.builder.getF64Type()) : scalar);
  auto load = [&](Value tensor, const Point &point) {
    Value value = points.at(tensor, point);
    if (hasLanes)
      value = points.splat(value, lanes);
    return widens ? Value(arith::ExtFOp::create(nest.here(), nest.loc, carried, value)) : value;
  };
  auto store = [&](const Point &point, Value value) {
    if (widens)
      value = arith::TruncFOp::create(nest.here(), nest.loc, wide(scalar), value);
    points.store(0, point, element.isBF16() ? roundToBf16(nest.here(), nest.loc, value) : value);
  };
  Step step(op, points, element);
  auto run = [&](const Index &row, const Index &lane, Value mask) {
    auto place = [&](const Index &number) {
      Point point = rows.point(points, row, lanes, mask);
      point.indices[axis] = reverse ? Index::of(length - 1) - number : number;
      if (hasLanes)
        point.indices[inner] = lane;
      return point;
    };
    Point first = place(Index::of(0));
    Value begin = load(step.start(), first);
    store(first, begin);
    nest.loop(nest.constant(1), nest.constant(length), 1, begin, [&](Value at, ValueRange before) {
      Point point = place(length == 2 ? Index::of(1) : points.indices.variable(at, {1, length - 1}));
      Value next = step.next(before[0], point, load);
      store(point, next);
      return SmallVector<Value>{next};
    });
  };
  int64_t tasks = rows.count();
  nest.loop(function.begin, function.end, 1, {}, [&](Value task, ValueRange) -> SmallVector<Value> {
    Index row = tasks == 1 ? Index::of(0) : points.indices.variable(task, {0, tasks - 1});
    if (!hasLanes)
      run(row, Index::of(0), {});
    else
      LaneLoop{points, extent, lanes}.run([&](const Index &lane, Value mask) { run(row, lane, mask); });
    return {};
  });
  nest.here();
  double perRow = double(length) * (hasLanes ? llvm::divideCeil(extent, lanes) : 1);
  return KernelInfo{tasks, 10 + tasks * perRow * 1.2};
}

} // namespace dlc
