// What the verifiers of several families share. Messages say what was found, then what was expected, with both values.
#pragma once

#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Operation.h"
#include <string>

namespace dlc::dl {

/// `[64, 10]`: how shapes and axes stand in messages.
std::string listText(llvm::ArrayRef<int64_t> list);

/// Fails unless 0 <= axis < rank.
llvm::LogicalResult verifyAxis(mlir::Operation *op, int64_t axis, int64_t rank);
/// Fails unless the axes increase and each is in [0, rank).
llvm::LogicalResult verifyAxes(mlir::Operation *op, llvm::ArrayRef<int64_t> axes, int64_t rank);
/// Fails unless the attribute `name` has one entry for each of `rank` axes.
llvm::LogicalResult verifyLength(mlir::Operation *op, llvm::StringRef name, llvm::ArrayRef<int64_t> list, int64_t rank);
/// Fails unless the first result is a tensor of this shape and element type; `reason` says where these come from.
llvm::LogicalResult verifyResult(mlir::Operation *op, llvm::ArrayRef<int64_t> shape, mlir::Type element,
                                 llvm::StringRef reason);
/// Fails unless operand and first result have one element type.
llvm::LogicalResult verifySameElement(mlir::Operation *op, mlir::Value operand);

} // namespace dlc::dl
