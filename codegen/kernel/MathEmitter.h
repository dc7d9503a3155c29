// Elementary functions as vector code: f32 by polynomials on the native vector (or a scalar), at most 4 ulp from the
// true value over the whole range, with IEEE results at zeros, infinities and NaN. f64 goes to the C library, lane by
// lane. Coefficients are minimax fits of our own; each function says what it fits and over what interval.
#pragma once

#include "mlir/IR/Builders.h"

namespace dlc {

class MathEmitter {
public:
  /// Emits at the builder's insertion point.
  MathEmitter(mlir::OpBuilder &builder, mlir::Location loc) : builder(builder), loc(loc) {}

#define ELEMENTARY(Op, mnemonic, name, value, cost) mlir::Value mnemonic(mlir::Value x);
#include "ir/ElementaryFunctions.def"
  mlir::Value atan2(mlir::Value y, mlir::Value x);
  mlir::Value pow(mlir::Value x, mlir::Value y);
  /// What ir/FloatDivision.h computes, in f64 for every type and rounded once.
  mlir::Value floorRemainder(mlir::Value x, mlir::Value y);
  mlir::Value floorQuotient(mlir::Value x, mlir::Value y);

private:
  enum class Ratio { sine, cosine, tangent };
  mlir::Value trigonometric(mlir::Value x, Ratio ratio);
  /// fmod of two magnitudes with their rounded quotient, in f64.
  mlir::Value magnitudeRest(mlir::Value x, mlir::Value y, mlir::Value quotient);
  /// Calls a function of the C library on f64 lanes: declares it in the module, then calls it lane by lane. Inside a
  /// region that is still being built, the module is out of reach, and the declaration must come first.
  mlir::Value library(llvm::StringRef name, mlir::ValueRange operands);
  void declare(llvm::StringRef name, unsigned operands);
  mlir::Value callLanes(llvm::StringRef name, mlir::ValueRange operands);

  mlir::OpBuilder &builder;
  mlir::Location loc;
};

} // namespace dlc
