// The table of operations that differ from the pointwise ones (KernelRole.h).
#include "ir/KernelRole.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace dlc::dl {

bool holdsKernels(Operation *op) { return isa<ScanOp, IfOp, WhileOp>(op); }

static KernelRole alone(KernelKind kind, bool mayFail = false) {
  return {kind, true, mayFail, false, {OperandUse::memory, OperandUse::memory}};
}

KernelRole kernelRole(Operation *op) {
  using enum OperandUse;
  return llvm::TypeSwitch<Operation *, KernelRole>(op)
      .Case<ContractOp>([](auto) { return KernelRole{KernelKind::contract, false, false, false, {viewed, viewed}}; })
      .Case<GatherOp>([](auto) { return KernelRole{KernelKind::map, false, false, true, {viewed, anywhere}}; })
      .Case<CheckIndexOp>([](auto) { return alone(KernelKind::check, /*mayFail=*/true); })
      .Case<ScatterAddOp>([](auto) { return alone(KernelKind::scatter); })
      .Case<CumulativeOp>([](auto) { return alone(KernelKind::cumulative); })
      .Default([](Operation *) { return KernelRole{}; });
}

} // namespace dlc::dl
