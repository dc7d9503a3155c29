// What does not depend on the iteration is computed once, before the loop.
//
// An operation goes when all that it reads are invariants, constants or what went before it. Movements and constants alone
// do not: they are free inside, and outside they would fill memory. A loop of no iterations computes it in vain, which
// nothing can tell: only operations without effects go.

#include "passes/Passes.h"
#include "passes/loops/ScanEditor.h"

#include "mlir/IR/IRMapping.h"

using namespace mlir;

namespace dlc {
#define GEN_PASS_DEF_HOISTINVARIANTS
#include "passes/Passes.h.inc"

namespace {

bool isFree(Operation *op) { return op->hasTrait<dl::Movement>(); }

class Hoister {
public:
  explicit Hoister(dl::ScanOp scan) : edit(scan) {
    for (auto [number, value] : llvm::enumerate(edit.invariants))
      outside.map(edit.invariantArg(number), value);
  }

  void run() {
    llvm::SmallPtrSet<Operation *, 16> fixed;
    llvm::DenseSet<Value> still;
    for (auto [number, value] : llvm::enumerate(edit.invariants))
      still.insert(edit.invariantArg(number));
    SmallVector<Operation *> moving;
    for (Operation &op : edit.body.without_terminator()) {
      bool stays = !isMemoryEffectFree(&op) || op.getNumResults() != 1 ||
                   !llvm::all_of(op.getOperands(), [&](Value operand) { return still.contains(operand); });
      if (stays)
        continue;
      still.insert(op.getResult(0));
      moving.push_back(&op);
    }
    // What is read by something that stays, and is worth the memory.
    SmallVector<Operation *> roots;
    llvm::SmallPtrSet<Operation *, 16> isMoving(moving.begin(), moving.end());
    for (Operation *op : moving) {
      bool readHere = llvm::any_of(op->getUsers(), [&](Operation *user) {
        return !isMoving.contains(user) || (isFree(user) && isReadByStaying(user, isMoving));
      });
      if (!isFree(op) && readHere)
        roots.push_back(op);
    }
    if (roots.empty())
      return;
    OpBuilder before(edit.scan);
    for (Operation *op : roots)
      edit.replace(op->getResult(0), edit.addInvariant(clone(before, op->getResult(0))));
    edit.eraseDead();
    edit.finish();
  }

private:
  static bool isReadByStaying(Operation *op, const llvm::SmallPtrSetImpl<Operation *> &moving) {
    return llvm::any_of(op->getUsers(), [&](Operation *user) {
      return !moving.contains(user) || (isFree(user) && isReadByStaying(user, moving));
    });
  }

  Value clone(OpBuilder &before, Value value) {
    if (Value known = outside.lookupOrNull(value))
      return known;
    if (auto argument = dyn_cast<BlockArgument>(value)) // an invariant that was added here
      return edit.invariants[argument.getArgNumber() - 1 - edit.inits.size() - edit.slices.size()];
    for (Value operand : value.getDefiningOp()->getOperands())
      clone(before, operand);
    for (Value operand : value.getDefiningOp()->getOperands())
      if (!outside.contains(operand))
        outside.map(operand, clone(before, operand));
    before.clone(*value.getDefiningOp(), outside);
    return outside.lookup(value);
  }

  ScanEditor edit;
  IRMapping outside;
};

struct HoistInvariants : impl::HoistInvariantsBase<HoistInvariants> {
  void runOnOperation() override {
    SmallVector<dl::ScanOp> scans;
    // Inner loops first: what leaves them may leave the outer one too.
    getOperation().walk([&](dl::ScanOp scan) { scans.push_back(scan); });
    for (dl::ScanOp scan : scans)
      Hoister(scan).run();
  }
};

} // namespace
} // namespace dlc
