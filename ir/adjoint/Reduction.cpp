// Adjoint rules of reductions. Products and extrema over several axes work on these axes made one, the last.
#include "ir/Builders.h"

#include <limits>

using namespace mlir;

namespace dlc::dl {

namespace {
/// The operand of a reduction with its reduced axes as one, and the way back. Several axes are moved behind the others
/// and joined; one stays where it is. There is at least one.
class JoinedAxes {
public:
  JoinedAxes(AdjointContext &context, ReduceOp op)
      : operand(op.getOperand()), builder(context.builder), loc(context.loc()), shape(shapeOf(operand)) {
    ArrayRef<int64_t> axes = op.getAxes();
    if (axes.size() == 1) {
      axis = axes.front();
      return;
    }
    permutation = otherAxes(shape.size(), axes);
    axis = permutation.size();
    llvm::append_range(permutation, axes);
    operand = TransposeOp::create(builder, loc, operand, permutation);
    permuted = SmallVector<int64_t>(shapeOf(operand));
    SmallVector<int64_t> joined(ArrayRef<int64_t>(permuted).take_front(axis));
    joined.push_back(ShapedType::getNumElements(ArrayRef<int64_t>(permuted).drop_front(axis)));
    operand = reshapeTo(builder, loc, operand, joined);
  }

  /// A value of the reduction's shape, repeated along the joined axis.
  Value spread(Value value) {
    return BroadcastOp::create(builder, loc, value, shapeOf(operand), otherAxes(shapeOf(operand).size(), axis));
  }
  /// A value of the joined shape in the operand's own.
  Value back(Value value) {
    if (permutation.empty())
      return value;
    return TransposeOp::create(builder, loc, reshapeTo(builder, loc, value, permuted), inverted(permutation));
  }

  Value operand;
  /// The place of the joined axis.
  int64_t axis;

private:
  OpBuilder &builder;
  Location loc;
  ArrayRef<int64_t> shape;
  SmallVector<int64_t> permutation, permuted;
};
} // namespace

/// dy at the first extremum, zero elsewhere.
static Value adjointOfExtremum(AdjointContext &context, ReduceOp op) {
  JoinedAxes joined(context, op);
  OpBuilder &builder = context.builder;
  Location loc = context.loc();
  Arithmetic at(context);
  Value first = ArgReduceOp::create(builder, loc, op.getKind(), joined.operand, joined.axis);
  // Gradients keep the place, in a byte where it fits. It is compared as i32, whose vectors have as many lanes as those of f32.
  int64_t size = shapeOf(joined.operand)[joined.axis];
  Type index = builder.getI64Type(), kept = index;
  if (size <= std::numeric_limits<int32_t>::max())
    index = kept = builder.getI32Type();
  if (size <= 256)
    kept = IntegerType::get(builder.getContext(), 8, IntegerType::Unsigned);
  auto as = [&](Value value, Type type) -> Value {
    return elementOf(value) == type
               ? value
               : CastOp::create(builder, loc, withElement(value.getType(), type), value).getResult();
  };
  Value place = IotaOp::create(builder, loc, withElement(joined.operand.getType(), index), joined.axis);
  Value isFirst = at.compare(ComparePredicate::eq, place, as(joined.spread(as(first, kept)), index));
  return joined.back(at.select(isFirst, joined.spread(context.cotangent()), at.like(joined.operand, 0)));
}

/// `value` moved by `distance` along `axis` (negative: to the front), `fill` where it came from.
static Value shifted(AdjointContext &context, Value value, int64_t axis, int64_t distance, double fill = 1) {
  SmallVector<int64_t> sizes(shapeOf(value)), starts(sizes.size(), 0), steps(sizes.size(), 1);
  int64_t gap = std::abs(distance);
  sizes[axis] -= gap;
  if (distance < 0)
    starts[axis] = gap;
  Value kept = SliceOp::create(context.builder, context.loc(), value, starts, sizes, steps);
  sizes[axis] = gap;
  Value filled = splat(context.builder, context.loc(), RankedTensorType::get(sizes, elementOf(value)), fill);
  SmallVector<Value, 2> parts{filled, kept};
  if (distance < 0)
    std::swap(parts[0], parts[1]);
  return ConcatOp::create(context.builder, context.loc(), ValueRange(parts), axis);
}

/// At i, the product of all elements before i (after i, for direction -1): doubling steps, Hillis and Steele,
/// "Data parallel algorithms" (1986).
static Value productOfOthers(AdjointContext &context, Value value, int64_t axis, int64_t direction) {
  int64_t count = shapeOf(value)[axis];
  Value product = shifted(context, value, axis, direction);
  for (int64_t step = 1; step < count; step *= 2)
    product = Arithmetic(context).mul(product, shifted(context, product, axis, direction * step));
  return product;
}

/// dy times the product of the other elements, without a division: right with any number of zeros, to any order.
static Value adjointOfProduct(AdjointContext &context, ReduceOp op) {
  JoinedAxes joined(context, op);
  Arithmetic at(context);
  Value before = productOfOthers(context, joined.operand, joined.axis, 1);
  Value after = productOfOthers(context, joined.operand, joined.axis, -1);
  return joined.back(at.mul(joined.spread(context.cotangent()), at.mul(before, after)));
}

LogicalResult ReduceOp::adjoint(AdjointContext &context) {
  ArrayRef<int64_t> shape = shapeOf(getOperand());
  if (getOperand().getType().getNumElements() == 0)
    return success();
  if (getAxes().empty())
    context.set(0, context.cotangent());
  else if (getKind() == ReduceKind::sum)
    context.set(
        0, broadcastTo(context.builder, context.loc(), context.cotangent(), shape, otherAxes(shape.size(), getAxes())));
  else if (getKind() == ReduceKind::prod)
    context.set(0, adjointOfProduct(context, *this));
  else
    context.set(0, adjointOfExtremum(context, *this));
  return success();
}

/// The adjoints of what runs along an axis run back along it: at i, dy[i] plus `factor` of the step to the next element
/// times what was found there.
static Value runBack(AdjointContext &context, Value factor, int64_t axis, bool reverse) {
  Value toNext = shifted(context, factor, axis, reverse ? 1 : -1);
  return RecurrenceOp::create(context.builder, context.loc(), toNext.getType(), toNext, context.cotangent(), axis,
                              !reverse);
}

/// exp(a - b) for an a not above b; 0 where a is -inf, whatever b.
static Value expDifference(Arithmetic &at, Value a, Value b) {
  Value nothing = at.compare(ComparePredicate::eq, a, at.like(a, -std::numeric_limits<double>::infinity()));
  Value zero = at.like(a, 0), difference = at.sub(at.select(nothing, zero, a), at.select(nothing, zero, b));
  return at.select(nothing, zero, at.make<ExpOp>(difference));
}

LogicalResult CumulativeOp::adjoint(AdjointContext &context) {
  Value x = getOperand(), y = getResult();
  int64_t axis = getAxis();
  bool reverse = getReverse();
  if (getOperand().getType().getNumElements() == 0)
    return success();
  Arithmetic at(context);
  switch (getKind()) {
  case CumulativeKind::sum:
    context.set(0, CumulativeOp::create(context.builder, context.loc(), getType(), CumulativeKind::sum,
                                        context.cotangent(), axis, !reverse));
    break;
  case CumulativeKind::prod:
    // The product of the elements before, times the products of dy with those behind: no division.
    context.set(0, at.mul(shifted(context, y, axis, reverse ? -1 : 1), runBack(context, x, axis, reverse)));
    break;
  case CumulativeKind::max:
  case CumulativeKind::min: {
    Value isNew = OrOp::create(context.builder, context.loc(), at.compare(ComparePredicate::eq, x, y),
                               at.compare(ComparePredicate::ne, x, x));
    Value zero = at.like(x, 0), kept = at.select(isNew, zero, at.like(x, 1));
    context.set(0, at.select(isNew, runBack(context, kept, axis, reverse), zero));
    break;
  }
  case CumulativeKind::logsumexp: {
    // From one running sum to the next the weights of all terms shrink by the same factor.
    Value next = shifted(context, y, axis, reverse ? 1 : -1);
    Value shrink = expDifference(at, y, next);
    Value back =
        RecurrenceOp::create(context.builder, context.loc(), getType(), shrink, context.cotangent(), axis, !reverse);
    context.set(0, at.mul(expDifference(at, x, y), back));
    break;
  }
  }
  return success();
}

LogicalResult RecurrenceOp::adjoint(AdjointContext &context) {
  if (getType().getNumElements() == 0)
    return success();
  Value back = runBack(context, getFactor(), getAxis(), getReverse());
  context.set(1, back);
  if (context.wants(0))
    context.set(0, Arithmetic(context).mul(back, shifted(context, getResult(), getAxis(), getReverse() ? -1 : 1, 0)));
  return success();
}

} // namespace dlc::dl
