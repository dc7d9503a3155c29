// What only the last iteration needs is computed behind the loop.
//
// A carried value that the body does not read is what the last iteration makes of it: the scores after the last letter. Where
// that takes a product that nothing else needs, the last iteration stands behind the loop as operations of its own, and the
// other iterations do without. Loops that stack, that break, or whose iterations have effects (a check that fails names the
// iteration) stay as they are.

#include "ir/Builders.h"
#include "passes/Passes.h"
#include "passes/loops/ScanEditor.h"

#include "mlir/IR/IRMapping.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;

namespace dlc {
#define GEN_PASS_DEF_PEELLAST
#include "passes/Passes.h.inc"

namespace {

using dl::shapeOf;

/// Adds to `needed` the operations of the body that `value` is computed by.
void collect(Value value, llvm::SetVector<Operation *> &needed) {
  Operation *op = value.getDefiningOp();
  if (op && needed.insert(op))
    for (Value operand : op->getOperands())
      collect(operand, needed);
}

/// The carried values that the body does not read, whose products only they need.
SmallVector<unsigned> readAtEnd(dl::ScanOp scan) {
  SmallVector<unsigned> found;
  llvm::SetVector<Operation *> others;
  for (auto [i, argument] : llvm::enumerate(scan.carriedArgs()))
    if (argument.use_empty() && !scan.carriedResults()[i].use_empty())
      found.push_back(i);
    else
      collect(scan.nextCarried()[i], others);
  auto isDear = [&](unsigned i) {
    llvm::SetVector<Operation *> own;
    collect(scan.nextCarried()[i], own);
    return llvm::any_of(own, [&](Operation *op) { return isa<dl::ContractOp>(op) && !others.contains(op); });
  };
  return llvm::any_of(found, isDear) ? found : SmallVector<unsigned>();
}

/// Backward, the iterations that are left would have other indices.
bool isPeelable(dl::ScanOp scan) {
  bool isSame = !scan.getReverse() || scan.indexArg().use_empty();
  return isSame && !scan.getBreaks() && int64_t(scan.getLength()) >= 2 && scan.stackedResults().empty() &&
         llvm::all_of(scan.block(), [](Operation &op) { return op.getNumRegions() == 0 && isMemoryEffectFree(&op); });
}

/// The scan without its last iteration, and the values of that one.
class Peeler {
public:
  explicit Peeler(dl::ScanOp scan)
      : scan(scan), builder(scan), loc(scan.getLoc()), rest(int64_t(scan.getLength()) - 1) {}

  void run(ArrayRef<unsigned> atEnd) {
    dl::ScanOp loop = shorten();
    IRMapping mapping;
    int64_t last = scan.getReverse() ? 0 : rest;
    mapping.map(scan.indexArg(), dl::splat(builder, loc, scan.indexArg().getType(), last));
    mapping.map(scan.carriedArgs(), loop.carriedResults());
    mapping.map(scan.invariantArgs(), scan.getInvariants());
    for (auto [argument, stack] : llvm::zip_equal(scan.sliceArgs(), scan.getSlices()))
      mapping.map(argument, dl::reshapeTo(builder, loc, entries(stack, last, 1), shapeOf(argument)));
    for (Operation &op : scan.block().without_terminator())
      builder.clone(op, mapping);
    for (auto [result, next] : llvm::zip_equal(scan.carriedResults(), scan.nextCarried()))
      result.replaceAllUsesWith(mapping.lookupOrDefault(next));
    scan.erase();
    ScanEditor edit(loop);
    edit.dropCarried(atEnd);
    dropUnread(edit);
    edit.finish();
  }

private:
  /// What only the last iteration reads.
  static void dropUnread(ScanEditor &edit) {
    for (unsigned i = edit.invariants.size(); i-- > 0;)
      if (edit.invariantArg(i).use_empty())
        edit.dropInvariant(i);
    for (unsigned i = edit.slices.size(); i-- > 0;)
      if (edit.sliceArg(i).use_empty())
        edit.dropSlice(i);
  }

  dl::ScanOp shorten() {
    int64_t first = scan.getReverse() ? 1 : 0;
    SmallVector<Value> slices;
    for (Value stack : scan.getSlices())
      slices.push_back(entries(stack, first, rest));
    auto loop =
        dl::ScanOp::create(builder, loc, scan.getResultTypes(), builder.getI64IntegerAttr(rest), scan.getInits(),
                           slices, scan.getInvariants(), scan.getReverseAttr(), scan.getBreaksAttr());
    IRMapping mapping;
    scan.getBody().cloneInto(&loop.getBody(), mapping);
    return loop;
  }

  /// `count` entries of a stack.
  Value entries(Value stack, int64_t first, int64_t count) {
    SmallVector<int64_t> starts(shapeOf(stack).size(), 0), sizes(shapeOf(stack)), steps(sizes.size(), 1);
    starts[0] = first, sizes[0] = count;
    return dl::SliceOp::create(builder, loc, stack, starts, sizes, steps);
  }

  dl::ScanOp scan;
  OpBuilder builder;
  Location loc;
  int64_t rest;
};

struct PeelLast : impl::PeelLastBase<PeelLast> {
  void runOnOperation() override {
    SmallVector<dl::ScanOp> scans;
    getOperation().walk([&](dl::ScanOp scan) { scans.push_back(scan); });
    for (dl::ScanOp scan : scans)
      if (isPeelable(scan))
        if (SmallVector<unsigned> atEnd = readAtEnd(scan); !atEnd.empty())
          Peeler(scan).run(atEnd);
  }
};

} // namespace
} // namespace dlc
