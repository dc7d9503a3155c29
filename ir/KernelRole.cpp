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
      .Case<CumulativeOp, RecurrenceOp>([](auto) { return alone(KernelKind::cumulative); })
      .Case<ArgsortOp>([](auto) { return alone(KernelKind::sort); })
      .Case<LinalgOp>([](LinalgOp linalg) { return alone(KernelKind::linalg, !linalg.failure().empty()); })
      .Default([](Operation *) { return KernelRole{}; });
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
