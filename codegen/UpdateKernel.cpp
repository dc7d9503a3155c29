// Kind update: a part of a tensor replaced or added to, at computed places.
#include "codegen/KernelEmitter.h"
#include "codegen/kernel/Arithmetic.h"
#include "codegen/kernel/PointEmitter.h"

using namespace mlir;

namespace dlc {

static ArrayRef<int64_t> shapeOf(Value tensor) { return cast<RankedTensorType>(tensor.getType()).getShape(); }

namespace {
/// Loops over a tensor: rows, and along each the innermost axis in vectors.
struct Rows {
  PointEmitter &points;
  ArrayRef<int64_t> shape;
  int64_t lanes;

  ArrayRef<int64_t> outer() const { return lanes > 1 ? shape.drop_back() : shape; }
  int64_t count() const { return ShapedType::getNumElements(outer()); }

  /// Of rows [begin, end).
  void run(Value begin, Value end, llvm::function_ref<void(const Point &)> body) {
    LoopNest &nest = points.nest;
    nest.loop(begin, end, 1, {}, [&](Value at, ValueRange) -> SmallVector<Value> {
      Index row = count() == 1 ? Index::of(0) : points.indices.variable(at, {0, count() - 1});
      SmallVector<Index> indices = points.indices.delinearize(row, outer());
      if (lanes == 1) {
        body(Point{indices, 1, {}});
        return {};
      }
      auto vector = [&](const Index &lane, Value mask) {
        Point point{indices, lanes, mask};
        point.indices.push_back(lane);
        body(point);
      };
      int64_t extent = shape.back(), full = extent - extent % lanes;
      nest.loop(nest.constant(0), nest.constant(full), lanes, {}, [&](Value from, ValueRange) -> SmallVector<Value> {
        vector(points.indices.lanes(full == lanes ? Value() : from, 0, {0, extent - 1}), {});
        return {};
      });
      if (full < extent)
        vector(points.indices.lanes({}, full, {full, extent - 1}), points.tailMask(extent - full, lanes));
      return {};
    });
  }
};
} // namespace

/// A task is a row of the update. Where the output lies elsewhere than the operand, all of that is copied first, and there is
/// one task.
FailureOr<KernelInfo> emitUpdate(KernelFunction function) {
  dl::KernelOp kernel = function.kernel;
  auto op = cast<dl::DynamicUpdateOp>(kernel.getBody().front().front());
  PointEmitter points(function.builder, kernel.getLoc(), function.target, kernel, function.buffers);
  LoopNest &nest = points.nest;
  Type element = cast<RankedTensorType>(op.getType()).getElementType();
  auto lanesOf = [&](ArrayRef<int64_t> shape) -> int64_t {
    if (shape.empty() || shape.back() == 1)
      return 1;
    bool isByte = memoryType(element).isInteger(8);
    return function.target.lanes(isByte ? Type(function.builder.getF32Type()) : registerType(element));
  };
  unsigned whole = cast<BlockArgument>(op.getOperand()).getArgNumber();
  bool inPlace = kernel.getIns()[whole] == kernel.getOuts()[0];
  Value outBuffer = function.buffers[kernel.getIns().size()];
  Type outType = kernel.getOuts()[0].getType();
  Value begin = function.begin, end = function.end;
  if (!inPlace) {
    Rows all{points, shapeOf(op.getOperand()), lanesOf(shapeOf(op.getOperand()))};
    all.run(nest.constant(0), nest.constant(all.count()),
            [&](const Point &point) { points.store(0, point, points.at(op.getOperand(), point)); });
    begin = nest.constant(0);
  }
  ArrayRef<int64_t> sizes = shapeOf(op.getUpdate());
  Rows part{points, sizes, lanesOf(sizes)};
  if (!inPlace)
    end = nest.constant(part.count());
  if (ShapedType::getNumElements(sizes) > 0)
    part.run(begin, end, [&](const Point &point) {
      Point target = point;
      target.indices = points.movedBy(op.getStarts(), op.getAxes(), op.getOperand(), op.getUpdate(), point.indices);
      Value value = points.at(op.getUpdate(), point);
      if (op.getAdd()) {
        Value old = points.load(outBuffer, element, addressIn(outType, target.indices), target);
        OpBuilder &builder = nest.here();
        if (point.varies())
          value = points.splat(value, point.lanes);
        value = isa<FloatType>(element) ? Value(arith::AddFOp::create(builder, nest.loc, old, value))
                                        : Value(arith::AddIOp::create(builder, nest.loc, old, value));
        if (element.isBF16())
          value = roundToBf16(builder, nest.loc, value);
      }
      points.store(0, target, value);
    });
  nest.here();
  int64_t moved =
      ShapedType::getNumElements(sizes) + (inPlace ? 0 : ShapedType::getNumElements(shapeOf(op.getOperand())));
  return KernelInfo{inPlace ? part.count() : 1, 10 + double(moved) * 0.3};
}

} // namespace dlc
