// The table of operations that differ from the pointwise ones (KernelRole.h).
#include "ir/KernelRole.h"

using namespace mlir;

namespace dlc::dl {

bool holdsKernels(Operation *op) { return isa<ScanOp, IfOp, WhileOp>(op); }

static bool holds(Operation *op, llvm::function_ref<bool(Operation *)> what) {
  return op->walk([&](Operation *inner) { return what(inner) ? WalkResult::interrupt() : WalkResult::advance(); })
      .wasInterrupted();
}
bool holdsPrint(Operation *op) { return holds(op, llvm::IsaPred<PrintOp>); }
bool holdsCheck(Operation *op) {
  return holds(op, [](Operation *inner) { return kernelRole(inner).mayFail; });
}

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
  } else if (isa<CheckIndexOp, CheckOp>(op)) {
    role = alone(KernelKind::check);
    role.mayFail = true;
  } else if (isa<PrintOp>(op)) {
    role = alone(KernelKind::print);
  } else if (isa<CumulativeOp, RecurrenceOp>(op)) {
    role = alone(KernelKind::cumulative);
  } else if (isa<ArgsortOp>(op)) {
    role = alone(KernelKind::sort);
  } else if (auto linalg = dyn_cast<LinalgOp>(op)) {
    role = alone(KernelKind::linalg);
    role.mayFail = !linalg.failure().empty();
  } else if (isa<ScatterAddOp, DynamicUpdateOp>(op)) {
    role = alone(isa<ScatterAddOp>(op) ? KernelKind::scatter : KernelKind::update);
    role.writesOver = true;
  }
  return role;
}

int64_t sortTasks(ArrayRef<int64_t> shape, int64_t axis) {
  constexpr int64_t mostTasks = 16, smallTask = 1 << 10;
  int64_t elements = ShapedType::getNumElements(shape), rows = elements / std::max<int64_t>(shape[axis], 1);
  return std::clamp<int64_t>(elements / smallTask, 1, std::clamp<int64_t>(rows, 1, mostTasks));
}

RankedTensorType scratchType(Operation *op) {
  auto of = [&](int64_t count, Type element) { return RankedTensorType::get(count, element); };
  Builder builder(op->getContext());
  if (auto sort = dyn_cast<ArgsortOp>(op)) {
    // Keys and places, before and after a merge.
    ArrayRef<int64_t> shape = shapeOf(sort.getOperand());
    int64_t axis = sort.getAxis();
    return of(4 * sortTasks(shape, axis) * shape[axis], builder.getI64Type());
  }
  if (auto linalg = dyn_cast<LinalgOp>(op))
    return of(linalg.workspace().total, builder.getF64Type());
  return {};
}

} // namespace dlc::dl
