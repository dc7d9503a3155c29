// Short ways to build operations of the graph stage: for adjoint rules and passes.
#pragma once

#include "ir/Dialect.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace dlc::dl {

/// A constant of `type`, every element `value` (rounded to the element type).
mlir::Value splat(mlir::OpBuilder &builder, mlir::Location loc, mlir::Type type, double value);
/// `value` with its axis i as axis axes[i] of `shape`; itself when that is its shape.
mlir::Value broadcastTo(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value value, llvm::ArrayRef<int64_t> shape,
                        llvm::ArrayRef<int64_t> axes);
/// The sum over `axes`; itself when there are none.
mlir::Value sumTo(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value value, llvm::ArrayRef<int64_t> axes);
/// Every element times `factor`.
mlir::Value scale(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value value, double factor);
/// `value` under another shape of as many elements; itself when that is its shape.
mlir::Value reshapeTo(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value value, llvm::ArrayRef<int64_t> shape);

/// Puts copies of the operations of `callee` at the builder and returns its results on `operands`. Each copy keeps its
/// own place and adds that of the call, under the callee's name, so that an error can name both.
llvm::SmallVector<mlir::Value> inlineBody(mlir::OpBuilder &builder, mlir::func::FuncOp callee,
                                          mlir::ValueRange operands, mlir::Location call);

/// The axes of [0, rank) that are not among `axes`, increasing.
llvm::SmallVector<int64_t> otherAxes(int64_t rank, llvm::ArrayRef<int64_t> axes);
/// `shape` without `axes`.
llvm::SmallVector<int64_t> withoutAxes(llvm::ArrayRef<int64_t> shape, llvm::ArrayRef<int64_t> axes);
/// The permutation that undoes `permutation`.
llvm::SmallVector<int64_t> inverted(llvm::ArrayRef<int64_t> permutation);
/// Whether the type is a tensor of floats: what has a cotangent.
bool isFloat(mlir::Type type);

/// Arithmetic at one place of the program: `at.mul(dy, at.exp(x))`.
class Arithmetic {
public:
  Arithmetic(mlir::OpBuilder &builder, mlir::Location loc) : builder(builder), loc(loc) {}
  explicit Arithmetic(AdjointContext &context) : Arithmetic(context.builder, context.loc()) {}

  /// An elementwise operation whose result has the first operand's type.
  template <class Op> mlir::Value make(mlir::Value operand) { return Op::create(builder, loc, operand); }
  template <class Op> mlir::Value make(mlir::Value lhs, mlir::Value rhs) { return Op::create(builder, loc, lhs, rhs); }

  mlir::Value add(mlir::Value lhs, mlir::Value rhs);
  mlir::Value sub(mlir::Value lhs, mlir::Value rhs);
  mlir::Value mul(mlir::Value lhs, mlir::Value rhs);
  mlir::Value div(mlir::Value lhs, mlir::Value rhs);
  mlir::Value neg(mlir::Value operand);
  mlir::Value scale(mlir::Value operand, double factor);
  /// A constant like `value`.
  mlir::Value like(mlir::Value value, double element);
  mlir::Value compare(ComparePredicate predicate, mlir::Value lhs, mlir::Value rhs);
  mlir::Value select(mlir::Value condition, mlir::Value onTrue, mlir::Value onFalse);

private:
  mlir::OpBuilder &builder;
  mlir::Location loc;
};

} // namespace dlc::dl
