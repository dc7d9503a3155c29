// Sums, products, extrema and their indices. Indices are i32 where the axis allows it.
#include "codegen/kernel/Accumulator.h"
#include "codegen/kernel/Arithmetic.h"
#include "codegen/kernel/PointEmitter.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include <limits>
#include <numeric>

using namespace mlir;

namespace dlc {

static dl::ReduceKind kindOf(Operation *op) {
  if (auto argument = dyn_cast<dl::ArgReduceOp>(op))
    return argument.getKind();
  if (auto parts = dyn_cast<dl::ReducePartsOp>(op))
    return parts.getKind();
  return cast<dl::ReduceOp>(op).getKind();
}

Accumulator::Accumulator(Operation *op, LoopNest &nest, int64_t lanes)
    : op(op), nest(&nest), lanes(lanes), isArgument(isa<dl::ArgReduceOp>(op)), kind(kindOf(op)),
      element(cast<RankedTensorType>(op->getOperand(0).getType()).getElementType()) {}

static Type shaped(Type scalar, int64_t lanes) { return lanes == 1 ? scalar : VectorType::get(lanes, scalar); }

Type Accumulator::indexType() const {
  auto type = cast<RankedTensorType>(op->getOperand(0).getType());
  int64_t size = type.getDimSize(cast<dl::ArgReduceOp>(op).getAxis());
  bool narrow = lanes > 1 && size < (int64_t(1) << 30);
  return shaped(IntegerType::get(op->getContext(), narrow ? 32 : 64), lanes);
}

Value Accumulator::neutral() const {
  OpBuilder &builder = nest->place({});
  Type scalar = registerType(element), type = shaped(scalar, lanes);
  bool isMax = kind == dl::ReduceKind::max;
  switch (kind) {
  case dl::ReduceKind::max:
  case dl::ReduceKind::min: {
    if (isa<FloatType>(scalar)) {
      double infinity = std::numeric_limits<double>::infinity();
      return floatConstant(builder, nest->loc, type, isMax ? -infinity : infinity);
    }
    unsigned width = scalar.getIntOrFloatBitWidth();
    bool isUnsigned = element.isUnsignedInteger();
    APInt bound = isMax ? (isUnsigned ? APInt::getMinValue(width) : APInt::getSignedMinValue(width))
                        : (isUnsigned ? APInt::getMaxValue(width) : APInt::getSignedMaxValue(width));
    return arith::ConstantOp::create(builder, nest->loc, splatAttr(type, IntegerAttr::get(scalar, bound)));
  }
  default: {
    double value = kind == dl::ReduceKind::prod || kind == dl::ReduceKind::all ? 1 : 0;
    return isa<FloatType>(scalar) ? floatConstant(builder, nest->loc, type, value)
                                  : intConstant(builder, nest->loc, type, static_cast<int64_t>(value));
  }
  }
}

SmallVector<Value> Accumulator::start(Value first) const {
  SmallVector<Value> state{neutral()};
  if (isArgument)
    state.push_back(first);
  return state;
}

Value Accumulator::combine(OpBuilder &builder, Value a, Value b) const {
  Location loc = op->getLoc();
  bool isFloat = isa<FloatType>(element);
  switch (kind) {
  case dl::ReduceKind::sum:
    return isFloat ? Value(arith::AddFOp::create(builder, loc, a, b, arith::FastMathFlags::contract))
                   : Value(arith::AddIOp::create(builder, loc, a, b));
  case dl::ReduceKind::prod:
    return isFloat ? Value(arith::MulFOp::create(builder, loc, a, b))
                   : Value(arith::MulIOp::create(builder, loc, a, b));
  case dl::ReduceKind::max:
  case dl::ReduceKind::min:
    return emitExtremum(builder, loc, element, kind == dl::ReduceKind::max, b, a);
  case dl::ReduceKind::all:
    return arith::AndIOp::create(builder, loc, a, b);
  case dl::ReduceKind::any:
    return arith::OrIOp::create(builder, loc, a, b);
  }
  llvm_unreachable("a kind of reduction");
}

SmallVector<Value> Accumulator::add(ValueRange state, Value value, Value index, Value mask) const {
  if (mask) {
    Value none = neutral();
    value = arith::SelectOp::create(nest->place({mask, value, none}), nest->loc, mask, value, none);
  }
  if (!isArgument)
    return {combine(nest->place({state[0], value}), state[0], value)};
  // Elements come in rising order within a lane: only a strictly better one takes over, and the first NaN for good.
  Arithmetic a{nest->place({state[0], state[1], value, index}), op->getLoc()};
  bool isMax = kind == dl::ReduceKind::max;
  Value better;
  if (isa<FloatType>(element)) {
    better = a.compare(isMax ? arith::CmpFPredicate::UGT : arith::CmpFPredicate::ULT, value, state[0]);
    better = a.both(better, a.compare(arith::CmpFPredicate::ORD, state[0], state[0]));
  } else {
    using P = arith::CmpIPredicate;
    bool isUnsigned = element.isUnsignedInteger();
    P predicate = isMax ? (isUnsigned ? P::ugt : P::sgt) : (isUnsigned ? P::ult : P::slt);
    better = arith::CmpIOp::create(a.builder, a.loc, predicate, value, state[0]);
  }
  return {a.select(better, value, state[0]), a.select(better, index, state[1])};
}

SmallVector<Value> Accumulator::join(ValueRange a, ValueRange b) const {
  SmallVector<Value> all(a);
  all.append(b.begin(), b.end());
  OpBuilder &builder = nest->place(all);
  if (!isArgument)
    return {combine(builder, a[0], b[0])};
  // b wins if it is better, or as good and earlier.
  Arithmetic at{builder, op->getLoc()};
  bool isMax = kind == dl::ReduceKind::max;
  Value better, equal;
  if (isa<FloatType>(element)) {
    Value nanA = at.compare(arith::CmpFPredicate::UNO, a[0], a[0]),
          nanB = at.compare(arith::CmpFPredicate::UNO, b[0], b[0]);
    better = at.compare(isMax ? arith::CmpFPredicate::UGT : arith::CmpFPredicate::ULT, b[0], a[0]);
    better = at.both(better, at.invert(nanA));
    equal = at.either(at.compare(arith::CmpFPredicate::OEQ, a[0], b[0]), at.both(nanA, nanB));
  } else {
    using P = arith::CmpIPredicate;
    bool isUnsigned = element.isUnsignedInteger();
    P predicate = isMax ? (isUnsigned ? P::ugt : P::sgt) : (isUnsigned ? P::ult : P::slt);
    better = arith::CmpIOp::create(builder, at.loc, predicate, b[0], a[0]);
    equal = arith::CmpIOp::create(builder, at.loc, P::eq, a[0], b[0]);
  }
  Value earlier = arith::CmpIOp::create(builder, at.loc, arith::CmpIPredicate::slt, b[1], a[1]);
  Value wins = at.either(better, at.both(equal, earlier));
  return {at.select(wins, b[0], a[0]), at.select(wins, b[1], a[1])};
}

SmallVector<Value> Accumulator::joinLanes(ValueRange given) const {
  SmallVector<Value> state(given);
  Location loc = op->getLoc();
  auto type = dyn_cast<VectorType>(state[0].getType());
  if (!type)
    return state;
  if (type.getElementType().isInteger(1)) {
    auto combining = kind == dl::ReduceKind::all ? vector::CombiningKind::AND : vector::CombiningKind::OR;
    return {vector::ReductionOp::create(nest->place(state), loc, combining, state[0])};
  }
  // Extrema of floats: one tree for the numbers, and one beside it that joins the bits of a NaN where there is one.
  bool isExtremum =
      !isArgument && isa<FloatType>(element) && (kind == dl::ReduceKind::max || kind == dl::ReduceKind::min);
  if (isExtremum) {
    Arithmetic a{nest->place(state), loc};
    Value isNan = a.compare(arith::CmpFPredicate::UNO, state[0], state[0]);
    Value nan = a.bitsOf(a.real(state[0], std::numeric_limits<double>::quiet_NaN()));
    state.push_back(a.select(isNan, nan, a.integer(nan, 0)));
  }
  auto joinHalves = [&](ValueRange lower, ValueRange upper) -> SmallVector<Value> {
    if (!isExtremum)
      return join(lower, upper);
    Arithmetic a{nest->place({lower[0], upper[0], lower[1], upper[1]}), loc};
    auto better = kind == dl::ReduceKind::max ? arith::CmpFPredicate::OGT : arith::CmpFPredicate::OLT;
    return {a.select(a.compare(better, lower[0], upper[0]), lower[0], upper[0]), a.either(lower[1], upper[1])};
  };
  for (int64_t half = type.getNumElements() / 2; half > 0; half /= 2) {
    SmallVector<int64_t> low(half), high(half);
    std::iota(low.begin(), low.end(), 0);
    std::iota(high.begin(), high.end(), half);
    SmallVector<Value> lower, upper;
    for (Value part : state) {
      OpBuilder &builder = nest->place(part);
      lower.push_back(vector::ShuffleOp::create(builder, loc, part, part, low));
      upper.push_back(vector::ShuffleOp::create(builder, loc, part, part, high));
    }
    state = joinHalves(lower, upper);
  }
  for (Value &part : state)
    part = vector::ExtractOp::create(nest->place(part), loc, part, ArrayRef<int64_t>{0});
  if (isExtremum) {
    Arithmetic a{nest->place(state), loc};
    return {a.fromBits(a.either(a.bitsOf(state[0]), state[1]), state[0].getType())};
  }
  return state;
}

Value Accumulator::result(ValueRange state) const {
  OpBuilder &builder = nest->place(state);
  if (!isArgument)
    return isa<dl::ReduceOp>(op) && element.isBF16() ? roundToBf16(builder, op->getLoc(), state[0]) : state[0];
  Type to = cast<RankedTensorType>(op->getResult(0).getType()).getElementType();
  Type from = getElementTypeOrSelf(state[1].getType());
  return convertElements(builder, op->getLoc(), state[1], from, to);
}

} // namespace dlc
