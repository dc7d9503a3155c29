// Pointers that move with a loop.
#pragma once

#include "llvm/IR/PassManager.h"

namespace dlc {

/// In innermost loops, a pointer that is some base plus a multiple of the loop's counter becomes a variable of the loop, one
/// addition in each turn; where several bases share an offset, the offset does, and they stay base and index.
/// What loop strength reduction would find, in a thousandth of its time: emitters have split addresses already (see
/// PointEmitter).
class CarriedPointersPass : public llvm::PassInfoMixin<CarriedPointersPass> {
public:
  llvm::PreservedAnalyses run(llvm::Function &function, llvm::FunctionAnalysisManager &analyses);
};

} // namespace dlc
