// Layouts in numbers: strides and sizes of what a #dl.layout describes, and how one compilation hands its layouts to
// another.
#pragma once

#include "ir/Dialect.h"

#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/StringMap.h"

namespace dlc {

/// The distance in elements between neighbours along each axis of `type` (row-major and dense without a layout).
llvm::SmallVector<int64_t> stridesOf(mlir::RankedTensorType type);
/// The elements from the first to the last of `type`, padding of rows included.
int64_t extentOf(mlir::RankedTensorType type);
/// The layout of `type`, spelled out when it has none; null below rank 2, where there is nothing to choose.
dl::LayoutAttr layoutOf(mlir::RankedTensorType type);

/// The types of the parameters and the state of a planned module, by name, with the layouts chosen.
llvm::StringMap<mlir::RankedTensorType> slotTypes(mlir::ModuleOp planned);
/// Asks for the layouts of `types` for the parameters and the state of the same names of `graph` (in any stage before
/// layouts are chosen), so that both functions can share the blocks. Names and shapes that do not match are left alone.
void requestLayouts(mlir::ModuleOp graph, const llvm::StringMap<mlir::RankedTensorType> &types);

} // namespace dlc
