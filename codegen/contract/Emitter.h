// Kernels of kind `contract`: any einsum of two operands with its epilogue. ContractShape finds the axes, ContractPlan
// gives them roles and sizes, ContractLoops emits.
#pragma once

#include "codegen/KernelEmitter.h"

namespace dlc {

/// Emits the body of a product's function at the builder's insertion point. Bits depend on shape and target alone.
llvm::FailureOr<KernelInfo> emitContract(KernelFunction function);

} // namespace dlc
