// What the files of codegen/ share about single values: types in registers, constants, pointwise operations, random
// numbers. Values are scalars or 1-D vectors; every function takes both.
#pragma once

#include "codegen/kernel/Index.h"
#include "codegen/kernel/Point.h"
#include "ir/Dialect.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/TypeUtilities.h"

namespace dlc {

class PointEmitter;

/// `type` (scalar or vector) with another element type.
mlir::Type withElement(mlir::Type type, mlir::Type element);
/// An attribute of `type` with every element `element`.
mlir::TypedAttr splatAttr(mlir::Type type, mlir::TypedAttr element);
/// A float or integer constant of `type` (scalar or vector).
mlir::Value floatConstant(mlir::OpBuilder &builder, mlir::Location loc, mlir::Type type, double value);
mlir::Value intConstant(mlir::OpBuilder &builder, mlir::Location loc, mlir::Type type, int64_t value);

/// A pointwise operation on its operands' values, all scalars or all vectors of one length.
mlir::Value emitPointwise(mlir::OpBuilder &builder, mlir::Operation *op, llvm::ArrayRef<mlir::Value> operands);
/// dl.cast on one value: `from` and `to` are the tensors' element types.
mlir::Value convertElements(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value value, mlir::Type from,
                            mlir::Type to);
/// The greater (or lesser) of two values of an element type; NaN when either is.
mlir::Value emitExtremum(mlir::OpBuilder &builder, mlir::Location loc, mlir::Type element, bool greater, mlir::Value a,
                         mlir::Value b);
/// An f32 rounded to the nearest value that bf16 can represent, as an f32.
mlir::Value roundToBf16(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value value);

/// dl.random at a point: Philox4x32-10 (runtime/Philox.h).
mlir::Value emitRandom(PointEmitter &emitter, dl::RandomOp op, const Point &point);

/// The strides and the offset of a planned buffer; false when they are not static. A buffer without elements has zeros,
/// whatever MLIR says of it.
bool staticStrides(mlir::MemRefType type, llvm::SmallVectorImpl<int64_t> &strides, int64_t &offset);
/// The address, in elements, of an element of a memref.
Index addressIn(mlir::Type memref, llvm::ArrayRef<Index> point);

} // namespace dlc
