// The declarations of codegen's passes, as Passes.td generates them, and their registration for dlc-opt.
#pragma once

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"
#include <string>

namespace dlc {

#define GEN_PASS_DECL
#include "codegen/Passes.h.inc"

/// Registers `dl-emit-loops` and the pipeline `dl-lower-to-llvm`.
void registerCodegenPasses();

} // namespace dlc
