// exp, log and what is made of them, in f32; the C library's functions for f64.
#include "codegen/kernel/MathEmitter.h"
#include "codegen/kernel/Arithmetic.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include <limits>

using namespace mlir;

namespace dlc {

/// ln 2 as the sum of two f32.
static constexpr double ln2High = 0x1.62e43p-1, ln2Low = -0x1.05c61p-29;

Value MathEmitter::library(StringRef name, ValueRange operands) {
  declare(name, operands.size());
  return callLanes(name, operands);
}

void MathEmitter::declare(StringRef name, unsigned operands) {
  auto module = builder.getInsertionBlock()->getParentOp()->getParentOfType<ModuleOp>();
  if (module.lookupSymbol(name))
    return;
  OpBuilder outside = OpBuilder::atBlockBegin(module.getBody());
  Type scalar = builder.getF64Type();
  LLVM::LLVMFuncOp::create(outside, loc, name,
                           LLVM::LLVMFunctionType::get(scalar, SmallVector<Type>(operands, scalar)));
}

Value MathEmitter::callLanes(StringRef name, ValueRange operands) {
  Type scalar = builder.getF64Type();
  auto call = [&](OpBuilder &at, ValueRange arguments) {
    return LLVM::CallOp::create(at, loc, scalar, name, arguments).getResult();
  };
  auto type = dyn_cast<VectorType>(operands[0].getType());
  if (!type)
    return call(builder, operands);
  Value low = arith::ConstantIndexOp::create(builder, loc, 0), step = arith::ConstantIndexOp::create(builder, loc, 1);
  Value high = arith::ConstantIndexOp::create(builder, loc, type.getNumElements());
  auto body = [&](OpBuilder &inner, Location, Value lane, ValueRange carried) {
    SmallVector<Value> arguments;
    for (Value operand : operands)
      arguments.push_back(vector::ExtractOp::create(inner, loc, operand, OpFoldResult(lane)));
    Value result = vector::InsertOp::create(inner, loc, call(inner, arguments), carried[0], OpFoldResult(lane));
    scf::YieldOp::create(inner, loc, result);
  };
  return scf::ForOp::create(builder, loc, low, high, step, operands[0], body).getResult(0);
}

namespace {
/// x = n ln 2 + r with n whole and |r| <= ln 2 / 2: n as an i32, and e^r - 1.
struct Reduced {
  Value n, expm1;
};
} // namespace

/// Adding 1.5 * 2^23 rounds to a whole number, which then stands in the low bits.
static Reduced reduceExp(const Arithmetic &a, Value x) {
  constexpr double magic = 0x1.8p23;
  Value shifted = a.fma(1.4426950408889634, x, a.real(x, magic));
  Value n = a.sub(shifted, a.real(x, magic));
  Value r = a.fma(-ln2High, n, x);
  r = a.fma(-ln2Low, n, r);
  // (e^r - 1 - r) / r^2 on |r| <= 0.35, relative to e^r: error 3.3e-9.
  Value q = a.polynomial(
      r, {0.4999999403953552, 0.16666515171527863, 0.04166845232248306, 0.00836941134184599, 0.0013813372934237123});
  return {a.addi(a.bitsOf(shifted), -0x4b400000), a.fma(a.mul(r, r), q, r)};
}

/// 2^n for -127 < n < 128.
static Value powerOfTwo(const Arithmetic &a, Value n, Type type) {
  return a.fromBits(a.shiftLeft(a.addi(n, 127), 23), type);
}

/// e^x * 2^shift, rounded once.
static Value scaledExp(const Arithmetic &a, Value x, int64_t shift) {
  // Below half of the least number the result is 0, without a multiplication that underflows: some processors take
  // hundreds of cycles for one, and a softmax has many of what is masked.
  Value vanishes = a.less(x, -104), zero = a.real(x, 0);
  Value bounded = a.select(vanishes, zero, x);
  bounded = a.select(a.greater(bounded, 90), a.real(x, 90), bounded);
  Reduced reduced = reduceExp(a, bounded);
  // Two factors, so that what overflows or becomes subnormal is rounded once, at the end.
  Value half = a.shiftSigned(reduced.n, 1), rest = a.subi(shift ? a.addi(reduced.n, shift) : reduced.n, half);
  Value scaled = a.mul(a.add(reduced.expm1, a.real(x, 1)), powerOfTwo(a, half, x.getType()));
  return a.select(vanishes, zero, a.mul(scaled, powerOfTwo(a, rest, x.getType())));
}

Value MathEmitter::exp(Value x) { return isF64(x) ? library("exp", x) : scaledExp(Arithmetic{builder, loc}, x, 0); }

/// e^x - 1 = 2 (h (e^r - 1) + (h - 1/2)) with h = 2^(n-1), which is finite wherever the result is.
Value MathEmitter::expm1(Value x) {
  if (isF64(x))
    return library("expm1", x);
  Arithmetic a{builder, loc};
  Reduced reduced = reduceExp(a, a.clamp(x, -25.0, 89.0));
  Value half = powerOfTwo(a, a.addi(reduced.n, -1), x.getType());
  Value result = a.fma(half, reduced.expm1, a.sub(half, a.real(x, 0.5)));
  return a.withSignOf(a.add(result, result), x);
}

/// (log(1 + f) - f + f^2 / 2) / f^3 for sqrt(1/2) <= 1 + f < sqrt(2): error 8e-10.
static Value logTail(const Arithmetic &a, Value f) {
  return a.polynomial(f, {0.3333331346511841, -0.25000008940696716, 0.20002160966396332, -0.16668091714382172,
                          0.14218652248382568, -0.12403131276369095, 0.11892913281917572, -0.11693838238716125,
                          0.06758201122283936});
}

/// log(1 + f) for f as logTail takes it, plus exponent * ln 2.
static Value logOf(const Arithmetic &a, Value f, Value exponent) {
  Value square = a.mul(f, f);
  Value tail = a.mul(a.mul(square, f), logTail(a, f));
  tail = a.fma(ln2Low, exponent, tail);
  tail = a.fma(-0.5, square, tail);
  return a.fma(ln2High, exponent, a.add(f, tail));
}

namespace {
/// A base b of logarithms: 1 / ln b and the logarithm of 2, each as the sum of two f32.
struct Base {
  double scale, scaleLow, two, twoLow;
};
} // namespace

/// The same to another base.
static Value logOf(const Arithmetic &a, Value f, Value exponent, const Base &base) {
  Value tail = a.mul(a.mul(f, f), a.fma(f, logTail(a, f), a.real(f, -0.5)));
  Value low = a.fma(base.scale, tail, a.mul(f, a.real(f, base.scaleLow)));
  low = a.fma(base.twoLow, exponent, low);
  return a.fma(base.two, exponent, a.fma(base.scale, f, low));
}

namespace {
/// x = 2^exponent * mantissa with the mantissa in [sqrt(1/2), sqrt(2)), of a positive normal number.
struct Parts {
  Value exponent, mantissa;
};
} // namespace

static Parts partsOf(const Arithmetic &a, Value x) {
  Value bits = a.bitsOf(x);
  Value exponent = a.shiftSigned(a.addi(bits, -0x3f3504f3), 23);
  return {exponent, a.fromBits(a.subi(bits, a.shiftLeft(exponent, 23)), x.getType())};
}

/// A logarithm made of those of the parts of x.
static Value logarithm(const Arithmetic &a, Value x, function_ref<Value(Value f, Value exponent)> ofParts) {
  Value isTiny = a.less(x, std::numeric_limits<float>::min());
  Value normal = a.select(isTiny, a.mul(x, a.real(x, 0x1p23)), x);
  Parts parts = partsOf(a, normal);
  Value exponent = a.toFloat(parts.exponent, x.getType());
  exponent = a.select(isTiny, a.sub(exponent, a.real(x, 23)), exponent);
  Value result = ofParts(a.sub(parts.mantissa, a.real(x, 1)), exponent);
  Value atEdge = a.select(a.equal(x, 0), a.real(x, -infinity), a.real(x, nan));
  result = a.select(a.greater(x, 0), result, atEdge);
  return a.select(a.equal(x, infinity), x, result);
}

Value MathEmitter::log(Value x) {
  if (isF64(x))
    return library("log", x);
  Arithmetic a{builder, loc};
  return logarithm(a, x, [&](Value f, Value exponent) { return logOf(a, f, exponent); });
}

Value MathEmitter::log2(Value x) {
  if (isF64(x))
    return library("log2", x);
  Arithmetic a{builder, loc};
  const Base two{0x1.715476p0, 0x1.4ae0cp-26, 1, 0};
  return logarithm(a, x, [&](Value f, Value exponent) { return logOf(a, f, exponent, two); });
}

Value MathEmitter::log10(Value x) {
  if (isF64(x))
    return library("log10", x);
  Arithmetic a{builder, loc};
  // The first part of log10(2) has 11 bits, so that its product with an exponent is exact.
  const Base ten{0x1.bcb7b2p-2, -0x1.5b235ep-27, 0x1.344p-2, 0x1.3509f8p-18};
  return logarithm(a, x, [&](Value f, Value exponent) { return logOf(a, f, exponent, ten); });
}

/// log(u) for u = 1 + x rounded, with what the rounding lost added to the mantissa: near zero the mantissa less 1 is x.
Value MathEmitter::log1p(Value x) {
  if (isF64(x))
    return library("log1p", x);
  Arithmetic a{builder, loc};
  Value one = a.real(x, 1), u = a.add(x, one);
  Value rest = a.sub(u, one);
  Value lost = a.add(a.sub(one, a.sub(u, rest)), a.sub(x, rest));
  Parts parts = partsOf(a, u);
  // Nothing is lost that counts where 2^-exponent would be subnormal.
  Value bounded = arith::MinSIOp::create(builder, loc, parts.exponent, a.integer(parts.exponent, 126));
  Value scale = powerOfTwo(a, a.subi(a.integer(bounded, 0), bounded), x.getType());
  Value f = a.fma(lost, scale, a.sub(parts.mantissa, one));
  Value result = logOf(a, f, a.toFloat(parts.exponent, x.getType()));
  Value atEdge = a.select(a.equal(x, -1), a.real(x, -infinity), a.real(x, nan));
  result = a.select(a.greater(x, -1), result, atEdge);
  result = a.select(a.equal(x, infinity), x, result);
  return a.withSignOf(result, x);
}

/// With t = e^(-2|x|) - 1 in (-1, 0]: tanh |x| = -t / (t + 2).
Value MathEmitter::tanh(Value x) {
  if (isF64(x))
    return library("tanh", x);
  Arithmetic a{builder, loc};
  Value t = expm1(a.mul(a.abs(x), a.real(x, -2)));
  return a.withSignOf(a.div(t, a.add(t, a.real(x, 2))), x);
}

/// With h = e^|x| / 2, which is finite wherever the result is: h - 1 / (4 h); near zero a polynomial.
Value MathEmitter::sinh(Value x) {
  if (isF64(x))
    return library("sinh", x);
  Arithmetic a{builder, loc};
  Value square = a.mul(x, x), h = scaledExp(a, a.abs(x), -1);
  // (sinh x / x - 1) / x^2 in x^2, on [0, 1]: error 3.2e-10.
  Value q =
      a.polynomial(square, {0.1666666716337204, 0.008333311416208744, 0.00019842635083477944, 2.7839255380968098e-06});
  Value small = a.fma(a.mul(square, x), q, x);
  Value large = a.withSignOf(a.sub(h, a.div(a.real(x, 0.25), h)), x);
  return a.select(a.greater(a.abs(x), 1), large, small);
}

Value MathEmitter::cosh(Value x) {
  if (isF64(x))
    return library("cosh", x);
  Arithmetic a{builder, loc};
  Value h = scaledExp(a, a.abs(x), -1);
  return a.add(h, a.div(a.real(x, 0.25), h));
}

Value MathEmitter::erf(Value x) {
  if (isF64(x))
    return library("erf", x);
  Arithmetic a{builder, loc};
  // erf(x) / x as a polynomial in x^2 on |x| <= 1: error 1.2e-9.
  Value small = a.mul(
      x, a.polynomial(a.mul(x, x), {1.1283791065216064, -0.3761262595653534, 0.1128358542919159, -0.026853812858462334,
                                    0.005188327748328447, -0.0008010194287635386, 7.853864372009411e-05}));
  // log(1 - erf(x)) on [1, 4], beyond which erf is 1: error of erf 2e-11.
  Value magnitude = a.abs(x);
  magnitude = a.select(a.greater(magnitude, 4), a.real(x, 4), magnitude);
  Value exponent = a.polynomial(magnitude, {0.00018846822786144912, -1.1295802593231201, -0.633216381072998,
                                            -0.10842210054397583, 0.025210339576005936, -0.0042052846401929855,
                                            0.00044147262815386057, -2.1697611373383552e-05});
  Value large = a.withSignOf(a.sub(a.real(x, 1), exp(exponent)), x);
  return a.select(a.less(magnitude, 1), small, large);
}

/// With e = e^-|x|, which never overflows: 1 / (1 + e), or e / (1 + e) for negative x.
Value MathEmitter::logistic(Value x) {
  Arithmetic a{builder, loc};
  Value e = exp(a.neg(a.abs(x)));
  Value numerator = a.select(a.less(x, 0), e, a.real(x, 1));
  return a.div(numerator, a.add(e, a.real(x, 1)));
}

namespace {
/// log2 and 2^z in f64, to 1e-12 relative: what a power in f32 needs, since |y log2 x| may be 150 when it counts.
struct DoublePower {
  const Arithmetic &a;

  Value log2(Value x) {
    Value bits = a.bitsOf(x);
    Value exponent = a.shiftSigned(a.addi(bits, -0x3fe6a09e667f3bcd), 52);
    Value mantissa = a.fromBits(a.subi(bits, a.shiftLeft(exponent, 52)), x.getType());
    Value s = a.div(a.sub(mantissa, a.real(x, 1)), a.add(mantissa, a.real(x, 1)));
    Value square = a.mul(s, s);
    // (2 atanh(s) - 2 s) / s^3, in s^2: error 3e-14.
    Value q = a.polynomial(
        square, {0.6666666667589323, 0.399999955866849, 0.2857211324787372, 0.22176003783733148, 0.19587001533382656});
    Value natural = a.fma(a.mul(square, s), q, a.add(s, s));
    // The exponent is small: its 32 low bits convert in one instruction everywhere.
    auto narrow = withElement(exponent.getType(), a.builder.getI32Type());
    Value small = arith::TruncIOp::create(a.builder, a.loc, narrow, exponent);
    return a.fma(1.4426950408889634, natural, a.toFloat(small, x.getType()));
  }
  Value exp2(Value z) {
    constexpr double magic = 0x1.8p52;
    Value shifted = a.add(z, a.real(z, magic));
    Value r = a.sub(z, a.sub(shifted, a.real(z, magic)));
    // 2^r on |r| <= 1/2: error 8e-13.
    Value p = a.polynomial(r, {0.99999999999976, 0.6931471805464072, 0.24022650698904224, 0.055504109397772644,
                               0.00961812853946396, 0.0013333451639221537, 0.0001540385303687554,
                               1.5309851130792373e-05, 1.3175778701736056e-06});
    Value scale = a.fromBits(a.shiftLeft(a.addi(a.bitsOf(shifted), 1023), 52), z.getType());
    return a.mul(p, scale);
  }
};
} // namespace

/// |x|^y = 2^(y log2 |x|) in f64, then the special cases of C's pow.
Value MathEmitter::pow(Value x, Value y) {
  if (isF64(x))
    return library("pow", {x, y});
  Arithmetic a{builder, loc};
  DoublePower power{a};
  Value magnitude = a.abs(x), wide = a.extend(magnitude, builder.getF64Type());
  Value log = power.log2(wide);
  log = a.select(a.equal(wide, 0), a.real(wide, -infinity), log);
  log = a.select(a.equal(wide, infinity), wide, log);
  log = a.select(a.compare(arith::CmpFPredicate::UNO, wide, wide), wide, log);
  Value z = a.clamp(a.mul(a.extend(y, builder.getF64Type()), log), -200, 200);
  Value result = a.truncate(power.exp2(z), getElementTypeOrSelf(x.getType()));
  // exp2's rounding by addition turns NaN into a number of the right kind only through r; say it outright.
  result = a.select(a.compare(arith::CmpFPredicate::UNO, z, z), a.real(x, nan), result);

  Value isWhole = a.compare(arith::CmpFPredicate::OEQ, a.floor(y), y);
  Value halved = a.mul(y, a.real(y, 0.5));
  Value isOdd = a.both(isWhole, a.compare(arith::CmpFPredicate::UNE, a.floor(halved), halved));
  Value signBit = a.withSignOf(a.real(x, 1), x);
  Value isNegative = a.less(signBit, 0);
  result = a.select(a.both(isNegative, isOdd), a.neg(result), result);
  Value finiteBelowZero = a.both(a.less(x, 0), a.greater(x, -infinity));
  result = a.select(a.both(finiteBelowZero, a.invert(isWhole)), a.real(x, nan), result);
  Value isOne = a.either(a.equal(x, 1), a.equal(y, 0));
  Value minusOneToInfinity = a.both(a.equal(x, -1), a.equal(a.abs(y), infinity));
  return a.select(a.either(isOne, minusOneToInfinity), a.real(x, 1), result);
}

} // namespace dlc
