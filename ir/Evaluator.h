#pragma once
#include "ir/Dialect.h"
#include "mlir/IR/BuiltinAttributes.h"
namespace dlc::dl {
inline llvm::FailureOr<mlir::DenseElementsAttr> evaluate(mlir::Operation *, llvm::ArrayRef<mlir::DenseElementsAttr>) { return mlir::failure(); }
} // namespace dlc::dl
