// A machine that runs a planned function on plain memory: each kernel's body by the reference evaluator, on whatever
// lies in its buffers at that step. A wrong order, or buffers that overlap while both live, give wrong numbers.
#pragma once

#include "ir/evaluate/Evaluator.h"

#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/StringMap.h"

namespace dlc {

/// Runs the function of a planned module. `values` holds parameters and state by name, which the run replaces, and the
/// inputs by name; the outputs are added. Memory that nothing wrote reads as NaN (integers: a large number).
llvm::LogicalResult runPlanned(mlir::ModuleOp planned, llvm::StringMap<dl::HostTensor> &values);

} // namespace dlc
