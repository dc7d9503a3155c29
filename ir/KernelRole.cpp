// The table of operations that differ from the pointwise ones (KernelRole.h).
#include "ir/KernelRole.h"

using namespace mlir;

namespace dlc::dl {

bool holdsKernels(Operation *op) { return isa<ScanOp, IfOp, WhileOp>(op); }

KernelRole kernelRole(Operation *op) {
  using enum OperandUse;
  auto alone = [](KernelKind kind) {
    KernelRole role{kind};
    role.isAlone = true;
    role.uses[0] = role.uses[1] = memory;
    return role;
  };
  KernelRole role;
  if (isa<ContractOp>(op)) {
    role.kind = KernelKind::contract;
    role.uses[0] = role.uses[1] = viewed;
  } else if (isa<GatherOp, DynamicSliceOp>(op)) {
    role.isLookup = true;
    role.uses[0] = viewed, role.uses[1] = anywhere;
  } else if (isa<CheckIndexOp>(op)) {
    role = alone(KernelKind::check);
    role.mayFail = true;
  } else if (isa<CumulativeOp>(op)) {
    role = alone(KernelKind::cumulative);
  } else if (isa<ScatterAddOp, DynamicUpdateOp>(op)) {
    role = alone(isa<ScatterAddOp>(op) ? KernelKind::scatter : KernelKind::update);
    role.writesOver = true;
  }
  return role;
}

} // namespace dlc::dl
