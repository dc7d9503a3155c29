// The function that transposes a square block of an operand into a panel.
#pragma once

#include "codegen/KernelEmitter.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace dlc {

/// The function `(from: !llvm.ptr, stride: i64, to: !llvm.ptr, width: i64)` of the module that `function` is emitted into:
/// row i of the block, of as many elements as `vector` has lanes, is `stride * i` elements behind `from`; column i of it goes
/// `width * i` elements behind `to`. One that is not `whole` takes besides, as i64, how many rows there are, the others being
/// zeros, and how many columns, more of which are neither read nor written. `element` is what `from` points to, `to` is of
/// `vector`'s elements.
mlir::func::FuncOp blockTransposer(KernelFunction &function, mlir::VectorType vector, mlir::Type element, bool whole);

} // namespace dlc
