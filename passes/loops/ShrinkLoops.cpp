// Loops carry and stack only what is read.
//
// 1. A carried value that the body hands on unchanged is an invariant.
// 2. A carried value is live when its last value is read, or something live in the body reads it; the others go, with what
//    only they need. So do stacks that nobody reads, and slices and invariants that the body does not.
// 3. A stack of a slice's entries is what the slice is of.
// 4. An entry of an invariant at the loop's own index is a slice.

#include "ir/Builders.h"
#include "passes/Passes.h"
#include "passes/loops/ScanEditor.h"

using namespace mlir;

namespace dlc {
#define GEN_PASS_DEF_SHRINKLOOPS
#include "passes/Passes.h.inc"

namespace {

class Shrinker {
public:
  explicit Shrinker(dl::ScanOp scan) : edit(scan) {}

  void run() {
    bool changed = carryNothingUnchanged();
    changed |= sliceInvariants();
    passSlicesOn();
    edit.eraseDead();
    changed |= dropDead();
    changed |= dropUnread();
    if (changed)
      edit.finish();
  }

private:
  bool carryNothingUnchanged() {
    bool changed = false;
    for (unsigned i = edit.inits.size(); i-- > 0;) {
      BlockArgument argument = edit.carriedArg(i);
      if (edit.next(i) != argument)
        continue;
      edit.replace(argument, edit.addInvariant(edit.inits[i]));
      edit.result(i).replaceAllUsesWith(edit.inits[i]);
      edit.dropCarried(i);
      changed = true;
    }
    return changed;
  }

  /// dl.dynamic_slice of one entry, or dl.gather of it, of an invariant at the index.
  bool sliceInvariants() {
    bool changed = false;
    int64_t length = edit.scan.getLength();
    for (Operation &op : llvm::make_early_inc_range(edit.body)) {
      auto slice = dyn_cast<dl::DynamicSliceOp>(op);
      if (!slice || slice.getAxes() != ArrayRef<int64_t>{0} || slice.getStarts()[0] != edit.body.getArgument(0) ||
          slice.getType().getDimSize(0) != 1 || dl::shapeOf(slice.getOperand())[0] != length)
        continue;
      auto argument = dyn_cast<BlockArgument>(slice.getOperand());
      unsigned first = 1 + edit.inits.size() + edit.slices.size();
      if (!argument || argument.getOwner() != &edit.body || argument.getArgNumber() < first)
        continue;
      Value entry = edit.addSlice(edit.invariants[argument.getArgNumber() - first]);
      OpBuilder builder(slice);
      Value whole = dl::reshapeTo(builder, slice.getLoc(), entry, slice.getType().getShape());
      edit.replace(slice, whole);
      slice.erase();
      changed = true;
    }
    return changed;
  }

  /// The stacks go with those that nobody reads. Behind a break, they are zero and slices are not.
  void passSlicesOn() {
    if (edit.scan.getBreaks())
      return;
    for (unsigned i = 0; i < edit.stackCount(); ++i)
      for (unsigned slice = 0; slice < edit.slices.size(); ++slice)
        if (edit.element(i) == edit.sliceArg(slice) && edit.stackResult(i))
          edit.stackResult(i).replaceAllUsesWith(edit.slices[slice]);
  }

  bool dropDead() {
    llvm::DenseSet<Value> live;
    SmallVector<Value> pending;
    auto need = [&](Value value) {
      if (live.insert(value).second)
        pending.push_back(value);
    };
    for (Operation &op : edit.body.without_terminator())
      if (!isMemoryEffectFree(&op) && !isOpTriviallyDead(&op))
        llvm::for_each(op.getOperands(), need);
    if (edit.scan.getBreaks())
      need(edit.body.getTerminator()->getOperand(0));
    for (unsigned i = 0; i < edit.inits.size(); ++i)
      if (!edit.result(i).use_empty())
        need(edit.next(i));
    for (unsigned i = 0; i < edit.stackCount(); ++i)
      if (!edit.stackResult(i).use_empty())
        need(edit.element(i));
    while (!pending.empty()) {
      Value value = pending.pop_back_val();
      if (Operation *op = value.getDefiningOp())
        llvm::for_each(op->getOperands(), need);
      else if (unsigned number = cast<BlockArgument>(value).getArgNumber(); number > 0 && number <= edit.inits.size())
        need(edit.next(number - 1));
    }
    bool changed = false;
    for (unsigned i = edit.stackCount(); i-- > 0;)
      if (edit.stackResult(i).use_empty()) {
        edit.dropStack(i);
        changed = true;
      }
    SmallVector<unsigned> dead;
    for (unsigned i = 0; i < edit.inits.size(); ++i)
      if (!live.contains(edit.carriedArg(i)) && edit.result(i).use_empty())
        dead.push_back(i);
    edit.dropCarried(dead);
    return changed || !dead.empty();
  }

  bool dropUnread() {
    edit.eraseDead();
    bool changed = false;
    for (unsigned i = edit.invariants.size(); i-- > 0;)
      if (edit.invariantArg(i).use_empty()) {
        edit.dropInvariant(i);
        changed = true;
      }
    for (unsigned i = edit.slices.size(); i-- > 0;)
      if (edit.sliceArg(i).use_empty()) {
        edit.dropSlice(i);
        changed = true;
      }
    return changed;
  }

  ScanEditor edit;
};

struct ShrinkLoops : impl::ShrinkLoopsBase<ShrinkLoops> {
  void runOnOperation() override {
    for (Region &region : getOperation()->getRegions())
      shrinkIn(region);
  }

private:
  /// Outer loops first: with what nobody reads of one, loops inside it go.
  static void shrinkIn(Region &region) {
    for (Block &block : region) {
      SmallVector<dl::ScanOp> scans(block.getOps<dl::ScanOp>());
      // What a later loop no longer reads an earlier one need not give.
      for (dl::ScanOp scan : llvm::reverse(scans))
        if (!isOpTriviallyDead(scan))
          Shrinker(scan).run();
      for (Operation &op : block)
        for (Region &inner : op.getRegions())
          shrinkIn(inner);
    }
  }
};

} // namespace
} // namespace dlc
