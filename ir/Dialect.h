// The dialect `dl` in C++: operations, enums, attributes, traits, and what adjoint rules work with.
#pragma once

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/IR/TensorEncoding.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

namespace dlc::dl {

/// An operation without a gradient: the sweep stops here.
template <class Op> struct NonDifferentiable : mlir::OpTrait::TraitBase<Op, NonDifferentiable> {};
/// Element i of the result is a function of elements i of the operands.
template <class Op> struct Pointwise : mlir::OpTrait::TraitBase<Op, Pointwise> {};
/// Element i of the result is an element of an operand found from i alone, or a function of i.
template <class Op> struct Movement : mlir::OpTrait::TraitBase<Op, Movement> {};

/// The plain type with the shape of `tensor` (a RankedTensorType) and another element type.
mlir::RankedTensorType withElement(mlir::Type tensor, mlir::Type element);
/// The static shape of a value of ranked tensor type.
llvm::ArrayRef<int64_t> shapeOf(mlir::Value tensor);
/// The element type of a value of tensor type.
mlir::Type elementOf(mlir::Value tensor);

/// Whether every value of the element type `from` is a value of `to`.
bool isExactCast(mlir::Type from, mlir::Type to);

/// What an adjoint rule sees: the cotangents of the operation's results, and which operands want theirs.
class AdjointContext {
public:
  AdjointContext(mlir::OpBuilder &builder, mlir::Operation *op, llvm::ArrayRef<mlir::Value> cotangents,
                 llvm::ArrayRef<bool> wanted)
      : builder(builder), op(op), cotangents(cotangents), wanted(wanted), operandCotangents(wanted.size()) {}

  mlir::OpBuilder &builder;
  /// The place that new operations take: that of the primal operation.
  mlir::Location loc() const { return op->getLoc(); }
  /// The cotangent of result `i`; null when it is zero.
  mlir::Value cotangent(unsigned i = 0) const { return cotangents[i]; }
  /// Whether anything depends on the cotangent of operand `i`.
  bool wants(unsigned i) const { return wanted[i]; }
  /// Sets the cotangent of operand `i` (of the operand's type). Operands not set have none (zero).
  void set(unsigned i, mlir::Value value) { operandCotangents[i] = value; }
  mlir::Value operandCotangent(unsigned i) const { return operandCotangents[i]; }

private:
  mlir::Operation *op;
  llvm::ArrayRef<mlir::Value> cotangents;
  llvm::ArrayRef<bool> wanted;
  llvm::SmallVector<mlir::Value> operandCotangents;
};

/// The memory that LAPACK works in for one matrix, in f64: where each array begins.
struct LinalgWorkspace {
  /// The matrices, column after column: the operands, and what is made of them.
  int64_t first = 0, second = 0, third = 0;
  /// A vector of results, or two; pivots or scalars of reflections.
  int64_t vector = 0, other = 0;
  /// What the routine asks for, and how much it is.
  int64_t work = 0, workSize = 0;
  int64_t total = 0;
};

} // namespace dlc::dl

#include "ir/Dialect.h.inc"
#include "ir/Enums.h.inc"
#include "ir/Interfaces.h.inc"

#define GET_ATTRDEF_CLASSES
#include "ir/Attributes.h.inc"

#define GET_OP_CLASSES
#include "ir/Ops.h.inc"

namespace dlc::dl {

/// Whether `op` joins elements along axes: a dl.reduce, dl.reduce_parts or dl.arg_reduce; and those axes.
bool isReduction(mlir::Operation *op);
llvm::SmallVector<int64_t> reducedAxes(mlir::Operation *op);

} // namespace dlc::dl
