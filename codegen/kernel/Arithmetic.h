// A short notation for arithmetic on values, scalar or vector alike, for files that spell out formulas.
#pragma once

#include "codegen/kernel/Emitters.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include <limits>

namespace dlc {

inline constexpr double infinity = std::numeric_limits<double>::infinity();
inline constexpr double nan = std::numeric_limits<double>::quiet_NaN();

inline bool isF64(mlir::Value x) { return mlir::getElementTypeOrSelf(x.getType()).isF64(); }

struct Arithmetic {
  mlir::OpBuilder &builder;
  mlir::Location loc;

  using Value = mlir::Value;
  using Type = mlir::Type;

  Value real(Value like, double value) const { return floatConstant(builder, loc, like.getType(), value); }
  Value integer(Value like, int64_t value) const { return intConstant(builder, loc, like.getType(), value); }

  Value add(Value a, Value b) const { return mlir::arith::AddFOp::create(builder, loc, a, b); }
  Value sub(Value a, Value b) const { return mlir::arith::SubFOp::create(builder, loc, a, b); }
  Value mul(Value a, Value b) const { return mlir::arith::MulFOp::create(builder, loc, a, b); }
  Value div(Value a, Value b) const { return mlir::arith::DivFOp::create(builder, loc, a, b); }
  Value neg(Value a) const { return mlir::arith::NegFOp::create(builder, loc, a); }
  Value abs(Value a) const { return mlir::math::AbsFOp::create(builder, loc, a); }
  Value sqrt(Value a) const { return mlir::math::SqrtOp::create(builder, loc, a); }
  Value floor(Value a) const { return mlir::math::FloorOp::create(builder, loc, a); }
  Value fma(Value a, Value b, Value c) const { return mlir::math::FmaOp::create(builder, loc, a, b, c); }
  Value fma(double a, Value b, Value c) const { return fma(real(b, a), b, c); }
  Value withSignOf(Value magnitude, Value sign) const {
    return mlir::math::CopySignOp::create(builder, loc, magnitude, sign);
  }
  /// The sum of coefficients[i] * x^i.
  Value polynomial(Value x, llvm::ArrayRef<double> coefficients) const {
    Value sum = real(x, coefficients.back());
    for (double coefficient : llvm::reverse(coefficients.drop_back()))
      sum = fma(sum, x, real(x, coefficient));
    return sum;
  }

  using Compare = mlir::arith::CmpFPredicate;
  Value compare(Compare predicate, Value a, Value b) const {
    return mlir::arith::CmpFOp::create(builder, loc, predicate, a, b);
  }
  Value compare(Compare predicate, Value a, double b) const { return compare(predicate, a, real(a, b)); }
  Value less(Value a, double b) const { return compare(Compare::OLT, a, b); }
  Value greater(Value a, double b) const { return compare(Compare::OGT, a, b); }
  Value equal(Value a, double b) const { return compare(Compare::OEQ, a, b); }
  Value select(Value condition, Value a, Value b) const {
    return mlir::arith::SelectOp::create(builder, loc, condition, a, b);
  }
  /// x between two bounds; NaN stays.
  Value clamp(Value x, double low, double high) const {
    Value raised = select(less(x, low), real(x, low), x);
    return select(greater(raised, high), real(x, high), raised);
  }

  Value addi(Value a, Value b) const { return mlir::arith::AddIOp::create(builder, loc, a, b); }
  Value subi(Value a, Value b) const { return mlir::arith::SubIOp::create(builder, loc, a, b); }
  Value muli(Value a, Value b) const { return mlir::arith::MulIOp::create(builder, loc, a, b); }
  Value addi(Value a, int64_t b) const { return addi(a, integer(a, b)); }
  Value andi(Value a, int64_t b) const { return mlir::arith::AndIOp::create(builder, loc, a, integer(a, b)); }
  Value both(Value a, Value b) const { return mlir::arith::AndIOp::create(builder, loc, a, b); }
  Value either(Value a, Value b) const { return mlir::arith::OrIOp::create(builder, loc, a, b); }
  Value xori(Value a, Value b) const { return mlir::arith::XOrIOp::create(builder, loc, a, b); }
  Value invert(Value a) const { return xori(a, integer(a, 1)); }
  Value shiftLeft(Value a, int64_t by) const { return mlir::arith::ShLIOp::create(builder, loc, a, integer(a, by)); }
  Value shiftRight(Value a, int64_t by) const { return mlir::arith::ShRUIOp::create(builder, loc, a, integer(a, by)); }
  Value shiftSigned(Value a, int64_t by) const { return mlir::arith::ShRSIOp::create(builder, loc, a, integer(a, by)); }
  Value equals(Value a, int64_t b) const {
    return mlir::arith::CmpIOp::create(builder, loc, mlir::arith::CmpIPredicate::eq, a, integer(a, b));
  }

  Value bitsOf(Value x) const {
    unsigned width = mlir::getElementTypeOrSelf(x.getType()).getIntOrFloatBitWidth();
    Type type = withElement(x.getType(), builder.getIntegerType(width));
    return mlir::arith::BitcastOp::create(builder, loc, type, x);
  }
  Value fromBits(Value bits, Type type) const { return mlir::arith::BitcastOp::create(builder, loc, type, bits); }
  Value toFloat(Value integer, Type type) const { return mlir::arith::SIToFPOp::create(builder, loc, type, integer); }
  Value extend(Value x, Type element) const {
    return mlir::arith::ExtFOp::create(builder, loc, withElement(x.getType(), element), x);
  }
  Value truncate(Value x, Type element) const {
    return mlir::arith::TruncFOp::create(builder, loc, withElement(x.getType(), element), x);
  }
};

} // namespace dlc
