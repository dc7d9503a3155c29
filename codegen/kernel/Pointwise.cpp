// Pointwise operations on values in registers. bf16 is computed in f32 and rounded after each operation; integer
// division never traps; floats that do not fit an integer become the nearest one that does.
#include "codegen/kernel/Emitters.h"
#include "codegen/kernel/MathEmitter.h"
#include "codegen/kernel/PointEmitter.h"
#include "ir/Elementary.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace dlc {

Value roundToBf16(OpBuilder &builder, Location loc, Value value) {
  // To nearest, ties to even: add half of the last place kept, less one when the kept part is even. NaN stays NaN.
  Type bits = withElement(value.getType(), builder.getI32Type());
  auto constant = [&](int64_t number) { return intConstant(builder, loc, bits, number); };
  Value raw = arith::BitcastOp::create(builder, loc, bits, value);
  Value odd = arith::AndIOp::create(builder, loc, arith::ShRUIOp::create(builder, loc, raw, constant(16)), constant(1));
  Value half = arith::AddIOp::create(builder, loc, odd, constant(0x7fff));
  Value rounded = arith::AddIOp::create(builder, loc, raw, half);
  Value kept = arith::AndIOp::create(builder, loc, rounded, constant(-65536));
  Value number = arith::BitcastOp::create(builder, loc, value.getType(), kept);
  Value isNan = arith::CmpFOp::create(builder, loc, arith::CmpFPredicate::UNO, value, value);
  Value nan = floatConstant(builder, loc, value.getType(), std::numeric_limits<double>::quiet_NaN());
  return arith::SelectOp::create(builder, loc, isNan, nan, number);
}

Value emitExtremum(OpBuilder &builder, Location loc, Type element, bool greater, Value a, Value b) {
  if (!isa<FloatType>(element)) {
    if (element.isUnsignedInteger() || element.isInteger(1))
      return greater ? Value(arith::MaxUIOp::create(builder, loc, a, b))
                     : Value(arith::MinUIOp::create(builder, loc, a, b));
    return greater ? Value(arith::MaxSIOp::create(builder, loc, a, b))
                   : Value(arith::MinSIOp::create(builder, loc, a, b));
  }
  // `a > b ? a : b` is one instruction; it gives b when either is NaN, so only a NaN in a is left to care for.
  auto predicate = greater ? arith::CmpFPredicate::OGT : arith::CmpFPredicate::OLT;
  Value better = arith::CmpFOp::create(builder, loc, predicate, a, b);
  Value extremum = arith::SelectOp::create(builder, loc, better, a, b);
  Value isNan = arith::CmpFOp::create(builder, loc, arith::CmpFPredicate::UNO, a, a);
  return arith::SelectOp::create(builder, loc, isNan, a, extremum);
}

static Value saturate(OpBuilder &builder, Location loc, Value value, Type to) {
  const char *name = to.isUnsignedInteger() ? "llvm.fptoui.sat" : "llvm.fptosi.sat";
  Type result = withElement(value.getType(), registerType(to));
  return LLVM::CallIntrinsicOp::create(builder, loc, result, builder.getStringAttr(name), value).getResult(0);
}

Value convertElements(OpBuilder &builder, Location loc, Value value, Type from, Type to) {
  if (from == to)
    return value;
  Type result = withElement(value.getType(), registerType(to)), type = value.getType();
  if (to.isInteger(1)) {
    if (isa<FloatType>(from))
      return arith::CmpFOp::create(builder, loc, arith::CmpFPredicate::UNE, value,
                                   floatConstant(builder, loc, type, 0));
    return arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::ne, value, intConstant(builder, loc, type, 0));
  }
  bool isUnsigned = from.isUnsignedInteger() || from.isInteger(1);
  if (isa<FloatType>(from) && isa<FloatType>(to)) {
    Value converted = value;
    unsigned width = getElementTypeOrSelf(type).getIntOrFloatBitWidth();
    unsigned wanted = registerType(to).getIntOrFloatBitWidth();
    if (width < wanted)
      converted = arith::ExtFOp::create(builder, loc, result, value);
    else if (width > wanted)
      converted = arith::TruncFOp::create(builder, loc, result, value);
    return to.isBF16() ? roundToBf16(builder, loc, converted) : converted;
  }
  if (isa<FloatType>(from))
    return saturate(builder, loc, value, to);
  if (isa<FloatType>(to)) {
    // Small unsigned numbers go through i32, for which processors have a conversion of vectors.
    Type wide = withElement(type, builder.getI32Type());
    if (isUnsigned)
      value = arith::ExtUIOp::create(builder, loc, wide, value);
    Value converted = arith::SIToFPOp::create(builder, loc, result, value);
    return to.isBF16() ? roundToBf16(builder, loc, converted) : converted;
  }
  unsigned width = getElementTypeOrSelf(type).getIntOrFloatBitWidth(), wanted = to.getIntOrFloatBitWidth();
  if (width == wanted)
    return value;
  if (width > wanted)
    return arith::TruncIOp::create(builder, loc, result, value);
  return isUnsigned ? Value(arith::ExtUIOp::create(builder, loc, result, value))
                    : Value(arith::ExtSIOp::create(builder, loc, result, value));
}

namespace {
/// One operation's emission: the builder, the tensors' element type, the operands.
struct Pointwise {
  OpBuilder &builder;
  Location loc;
  Type element;
  ArrayRef<Value> in;

  Type type() const { return in[0].getType(); }
  bool isFloat() const { return isa<FloatType>(element); }
  bool isUnsigned() const { return element.isUnsignedInteger() || element.isInteger(1); }
  Value zero() const { return constant(0); }
  Value constant(double value) const {
    return isFloat() ? floatConstant(builder, loc, type(), value)
                     : intConstant(builder, loc, type(), static_cast<int64_t>(value));
  }
  template <class Op> Value binary(Value a, Value b) { return Op::create(builder, loc, a, b); }
  template <class Op> Value contracted(Value a, Value b) {
    return Op::create(builder, loc, a, b, arith::FastMathFlags::contract);
  }
  Value select(Value condition, Value a, Value b) { return arith::SelectOp::create(builder, loc, condition, a, b); }
  Value compare(dl::ComparePredicate predicate, Value a, Value b);
  Value sign();
  Value divide(bool remainder);
  Value integerPower();
  Value extremum(bool greater) { return emitExtremum(builder, loc, element, greater, in[0], in[1]); }
};
} // namespace

Value Pointwise::compare(dl::ComparePredicate predicate, Value a, Value b) {
  using P = dl::ComparePredicate;
  if (isFloat()) {
    using F = arith::CmpFPredicate;
    F f = predicate == P::eq   ? F::OEQ
          : predicate == P::ne ? F::UNE
          : predicate == P::lt ? F::OLT
          : predicate == P::le ? F::OLE
          : predicate == P::gt ? F::OGT
                               : F::OGE;
    return arith::CmpFOp::create(builder, loc, f, a, b);
  }
  using I = arith::CmpIPredicate;
  I i = predicate == P::eq   ? I::eq
        : predicate == P::ne ? I::ne
        : predicate == P::lt ? (isUnsigned() ? I::ult : I::slt)
        : predicate == P::le ? (isUnsigned() ? I::ule : I::sle)
        : predicate == P::gt ? (isUnsigned() ? I::ugt : I::sgt)
                             : (isUnsigned() ? I::uge : I::sge);
  return arith::CmpIOp::create(builder, loc, i, a, b);
}

/// -1, 0 or 1; zeros and NaN as they are.
Value Pointwise::sign() {
  Value positive = compare(dl::ComparePredicate::gt, in[0], zero());
  Value rest = in[0];
  if (!isUnsigned())
    rest = select(compare(dl::ComparePredicate::lt, in[0], zero()), constant(-1), in[0]);
  return select(positive, constant(1), rest);
}

/// Integer quotients rounded down, or the remainders with the divisor's sign; 0 for a divisor of 0.
Value Pointwise::divide(bool remainder) {
  Value isZero = compare(dl::ComparePredicate::eq, in[1], zero());
  Value divisor = select(isZero, constant(1), in[1]);
  if (isUnsigned()) {
    Value result = remainder ? binary<arith::RemUIOp>(in[0], divisor) : binary<arith::DivUIOp>(in[0], divisor);
    return select(isZero, zero(), result);
  }
  // The least integer by -1 traps: by -1 the quotient is the negation, which wraps.
  Value isMinusOne = compare(dl::ComparePredicate::eq, divisor, constant(-1));
  Value safe = select(isMinusOne, constant(1), divisor);
  Value quotient = binary<arith::DivSIOp>(in[0], safe);
  Value rest = binary<arith::SubIOp>(in[0], binary<arith::MulIOp>(quotient, safe));
  Value inexact = compare(dl::ComparePredicate::ne, rest, zero());
  Value opposite = compare(dl::ComparePredicate::lt, binary<arith::XOrIOp>(rest, safe), zero());
  Value adjust = binary<arith::AndIOp>(inexact, opposite);
  if (remainder) {
    Value fixed = select(adjust, binary<arith::AddIOp>(rest, safe), rest);
    return select(binary<arith::OrIOp>(isZero, isMinusOne), zero(), fixed);
  }
  Value floored = select(adjust, binary<arith::SubIOp>(quotient, constant(1)), quotient);
  Value negated = select(isMinusOne, binary<arith::SubIOp>(zero(), in[0]), floored);
  return select(isZero, zero(), negated);
}

/// x^y by squaring, over the bits of y; a negative y gives 1 / x^-y rounded toward zero, and 0 when x is 0.
Value Pointwise::integerPower() {
  Value one = constant(1);
  Value base = in[0], exponent = in[1], negative;
  if (!isUnsigned()) {
    negative = compare(dl::ComparePredicate::lt, exponent, zero());
    exponent = select(negative, binary<arith::SubIOp>(zero(), exponent), exponent);
  }
  unsigned bits = registerType(element).getIntOrFloatBitWidth();
  Value low = arith::ConstantIntOp::create(builder, loc, 0, 64),
        step = arith::ConstantIntOp::create(builder, loc, 1, 64);
  Value high = arith::ConstantIntOp::create(builder, loc, bits, 64);
  auto body = [&](OpBuilder &inner, Location, Value, ValueRange carried) {
    Pointwise at{inner, loc, element, in};
    Value odd = at.compare(dl::ComparePredicate::ne, at.binary<arith::AndIOp>(carried[2], one), at.zero());
    Value power = at.select(odd, at.binary<arith::MulIOp>(carried[0], carried[1]), carried[0]);
    Value squared = at.binary<arith::MulIOp>(carried[1], carried[1]);
    Value rest = at.binary<arith::ShRUIOp>(carried[2], one);
    scf::YieldOp::create(inner, loc, ValueRange{power, squared, rest});
  };
  Value power = scf::ForOp::create(builder, loc, low, high, step, ValueRange{one, base, exponent}, body).getResult(0);
  if (!negative)
    return power;
  // 1 / p is p when p is 1 or -1, else 0.
  Value unit = binary<arith::OrIOp>(compare(dl::ComparePredicate::eq, base, one),
                                    compare(dl::ComparePredicate::eq, base, constant(-1)));
  return select(negative, select(unit, power, zero()), power);
}

static Value emitFloat(Pointwise &p, MathEmitter &math, Operation *op) {
  Value x = p.in[0];
  return llvm::TypeSwitch<Operation *, Value>(op)
#define ELEMENTARY(Op, mnemonic, name, value, cost) .Case([&](dl::Op) { return math.mnemonic(x); })
#include "ir/ElementaryFunctions.def"
      .Case([&](dl::NegOp) { return arith::NegFOp::create(p.builder, p.loc, x); })
      .Case([&](dl::AbsOp) { return math::AbsFOp::create(p.builder, p.loc, x); })
      .Case([&](dl::SqrtOp) { return math::SqrtOp::create(p.builder, p.loc, x); })
      .Case([&](dl::RsqrtOp) {
        return arith::DivFOp::create(p.builder, p.loc, p.constant(1), math::SqrtOp::create(p.builder, p.loc, x));
      })
      .Case([&](dl::FloorOp) { return math::FloorOp::create(p.builder, p.loc, x); })
      .Case([&](dl::CeilOp) { return math::CeilOp::create(p.builder, p.loc, x); })
      .Case([&](dl::RoundOp) { return math::RoundEvenOp::create(p.builder, p.loc, x); })
      .Case([&](dl::TruncOp) { return math::TruncOp::create(p.builder, p.loc, x); })
      // NaN compares false and stays.
      .Case([&](dl::ReluOp) { return p.select(p.compare(dl::ComparePredicate::lt, x, p.zero()), p.zero(), x); })
      .Case([&](dl::AddOp) { return p.contracted<arith::AddFOp>(x, p.in[1]); })
      .Case([&](dl::SubOp) { return p.contracted<arith::SubFOp>(x, p.in[1]); })
      .Case([&](dl::MulOp) { return p.contracted<arith::MulFOp>(x, p.in[1]); })
      .Case([&](dl::DivOp) { return p.binary<arith::DivFOp>(x, p.in[1]); })
      .Case([&](dl::RemOp) { return math.floorRemainder(x, p.in[1]); })
      .Case([&](dl::FloorDivOp) { return math.floorQuotient(x, p.in[1]); })
      .Case([&](dl::Atan2Op) { return math.atan2(x, p.in[1]); })
      .Case([&](dl::PowOp) { return math.pow(x, p.in[1]); });
}

static Value emitInteger(Pointwise &p, Operation *op) {
  Value x = p.in[0];
  auto negated = [&] { return p.binary<arith::SubIOp>(p.zero(), x); };
  auto positivePart = [&](Value otherwise) {
    return p.isUnsigned() ? x : p.select(p.compare(dl::ComparePredicate::lt, x, p.zero()), otherwise, x);
  };
  return llvm::TypeSwitch<Operation *, Value>(op)
      .Case([&](dl::NegOp) { return negated(); })
      .Case([&](dl::AbsOp) { return positivePart(negated()); })
      .Case([&](dl::ReluOp) { return positivePart(p.zero()); })
      .Case([&](dl::AddOp) { return p.binary<arith::AddIOp>(x, p.in[1]); })
      .Case([&](dl::SubOp) { return p.binary<arith::SubIOp>(x, p.in[1]); })
      .Case([&](dl::MulOp) { return p.binary<arith::MulIOp>(x, p.in[1]); })
      .Case([&](dl::DivOp) { return p.divide(false); })
      .Case([&](dl::RemOp) { return p.divide(true); })
      .Case([&](dl::PowOp) { return p.integerPower(); });
}

Value emitPointwise(OpBuilder &builder, Operation *op, ArrayRef<Value> operands) {
  Location loc = op->getLoc();
  Type element = cast<RankedTensorType>(op->getOperand(0).getType()).getElementType();
  Type result = cast<RankedTensorType>(op->getResult(0).getType()).getElementType();
  Pointwise p{builder, loc, element, operands};
  MathEmitter math(builder, loc);
  if (isa<dl::StopGradientOp>(op))
    return operands[0];
  if (isa<dl::CastOp>(op))
    return convertElements(builder, loc, operands[0], element, result);
  if (isa<dl::SelectOp>(op))
    return p.select(operands[0], operands[1], operands[2]);
  if (auto compare = dyn_cast<dl::CompareOp>(op))
    return p.compare(compare.getPredicate(), operands[0], operands[1]);
  if (isa<dl::AndOp>(op))
    return p.binary<arith::AndIOp>(operands[0], operands[1]);
  if (isa<dl::OrOp>(op))
    return p.binary<arith::OrIOp>(operands[0], operands[1]);
  if (isa<dl::NotOp>(op))
    return p.binary<arith::XOrIOp>(operands[0], intConstant(builder, loc, operands[0].getType(), 1));
  if (isa<dl::SignOp>(op))
    return p.sign();
  if (isa<dl::MaxOp, dl::MinOp>(op))
    return p.extremum(isa<dl::MaxOp>(op));
  if (!p.isFloat())
    return emitInteger(p, op);
  Value value = emitFloat(p, math, op);
  return element.isBF16() ? roundToBf16(builder, loc, value) : value;
}

} // namespace dlc
