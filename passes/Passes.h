// The passes' declarations, as Passes.td generates them, and their registration for dlc-opt.
#pragma once

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

namespace dlc {

#define GEN_PASS_DECL
#include "passes/Passes.h.inc"

/// Registers every pass and the pipelines `dl-to-gradient`, `dl-to-fused` and `dl-to-planned` (options: `disable=a,b`).
void registerPasses();

} // namespace dlc
