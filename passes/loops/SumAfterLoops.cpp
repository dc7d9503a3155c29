// What a loop only sums or only stacks is computed after it, for all iterations at once.
//
// 1. A carried value to which each iteration adds a product (a weight's gradient), and which nothing else reads: the operands
//    are stacked, those that are slices are already, and one product sums over the iterations too.
// 2. The same with a sum over axes (a bias' gradient) of what is stacked anyway.
// 3. A product with an invariant that is only stacked, and whose other operand is stacked anyway or is no larger.
// An operand that only moves slices (a concatenation of them) is made after the loop too.
// New stacks take `mostBytes` at most. A loop that breaks keeps all: slices go on behind the break.

#include "ir/Builders.h"
#include "passes/Passes.h"
#include "passes/loops/Batcher.h"

using namespace mlir;

namespace dlc {
#define GEN_PASS_DEF_SUMAFTERLOOPS
#include "passes/Passes.h.inc"

namespace {

constexpr int64_t mostBytes = int64_t(1) << 28;

/// What is computed after the loop in place of a carried value or a stack.
struct Term {
  bool isStack;
  unsigned number;
  /// A dl.contract or a dl.reduce of the body.
  Operation *op;
  /// For each operand: a stack of the new loop by number, or a value that is there.
  struct Source {
    std::optional<unsigned> stack;
    Value value;
    bool varies = true;
  };
  SmallVector<Source, 2> sources;
};

class Summer {
public:
  explicit Summer(dl::ScanOp scan) : edit(scan), before(scan), batcher(edit, before), length(scan.getLength()) {}

  void run() {
    for (unsigned i = 0; i < edit.inits.size(); ++i)
      if (auto product = addend<dl::ContractOp>(i))
        addTerm({false, i, product, {}}, /*mayStack=*/true);
    for (unsigned i = 0; i < edit.stackCount(); ++i)
      if (auto product = edit.element(i).getDefiningOp<dl::ContractOp>(); product && product.getResult().hasOneUse())
        addTerm({true, i, product, {}}, /*mayStack=*/false);
    for (unsigned i = 0; i < edit.inits.size(); ++i)
      if (auto reduce = addend<dl::ReduceOp>(i); reduce && reduce.getKind() == dl::ReduceKind::sum)
        addTerm({false, i, reduce, {}}, /*mayStack=*/false);
    if (terms.empty())
      return;
    rewrite();
  }

private:
  /// What each iteration adds to a carried value that nothing else reads, if an `Op` makes it for this alone.
  template <class Op> Op addend(unsigned carried) {
    BlockArgument argument = edit.carriedArg(carried);
    auto sum = edit.next(carried).getDefiningOp<dl::AddOp>();
    if (!sum || !sum.getResult().hasOneUse() || !argument.hasOneUse())
      return Op();
    Value other = sum.getLhs() == argument ? sum.getRhs() : sum.getRhs() == argument ? sum.getLhs() : Value();
    auto op = other ? other.getDefiningOp<Op>() : Op();
    return op && op->getResult(0).hasOneUse() ? op : Op();
  }

  /// Takes a term on if its operands can be had after the loop: as slices, stacks, or new stacks where these pay.
  void addTerm(Term term, bool mayStack) {
    SmallVector<Value> fresh;
    bool anyVaries = false;
    for (Value operand : term.op->getOperands()) {
      Term::Source source = sourceOf(operand);
      if (!source.varies && !term.isStack)
        return;
      if (source.varies && !source.stack && !source.value) {
        int64_t own = cast<RankedTensorType>(operand.getType()).getNumElements();
        int64_t made = cast<RankedTensorType>(term.op->getResult(0).getType()).getNumElements();
        bool pays = mayStack || (term.isStack && own <= made);
        int64_t bytes = own * length * 8;
        if (!pays || bytes > mostBytes - stackedBytes || llvm::is_contained(fresh, operand))
          return;
        fresh.push_back(operand);
      }
      anyVaries |= source.varies;
      term.sources.push_back(source);
    }
    if (!anyVaries)
      return;
    for (auto [operand, source] : llvm::zip_equal(term.op->getOperands(), term.sources))
      if (source.varies && !source.stack && !source.value) {
        source.stack = edit.stackCount();
        stackedBytes += cast<RankedTensorType>(operand.getType()).getNumElements() * length * 8;
        edit.addStack(operand);
      }
    terms.push_back(term);
  }

  /// Where an operand is after the loop; with neither stack nor value when it is not yet.
  Term::Source sourceOf(Value operand) {
    if (auto argument = dyn_cast<BlockArgument>(operand)) {
      unsigned number = argument.getArgNumber(), slice = 1 + edit.inits.size(), invariant = slice + edit.slices.size();
      if (number >= invariant)
        return {std::nullopt, edit.invariants[number - invariant], false};
      if (number >= slice)
        return {std::nullopt, edit.slices[number - slice], true};
    }
    for (unsigned i = 0; i < edit.stackCount(); ++i)
      if (edit.element(i) == operand)
        return {i, Value(), true};
    if (isMoved(operand) && batcher.isPossible(operand) && batcher.varies(operand))
      return {std::nullopt, batcher.all(operand), true};
    return {};
  }

  /// Whether nothing is computed on the way to arguments.
  static bool isMoved(Value value) {
    Operation *op = value.getDefiningOp();
    return !op || (op->hasTrait<dl::Movement>() && llvm::all_of(op->getOperands(), isMoved));
  }

  void rewrite() {
    // Stacks are dropped below: numbers are those of what is left.
    SmallVector<unsigned> dead, gone;
    SmallVector<Value> inits, results;
    SmallVector<Operation *> copies;
    for (Term &term : terms) {
      (term.isStack ? gone : dead).push_back(term.number);
      inits.push_back(term.isStack ? Value() : edit.inits[term.number]);
      results.push_back(term.isStack ? edit.stackResult(term.number) : edit.result(term.number));
      copies.push_back(term.op);
    }
    SmallVector<OwningOpRef<Operation *>> ops;
    for (Operation *op : copies)
      ops.push_back(op->clone());
    llvm::sort(gone);
    for (unsigned i : llvm::reverse(gone))
      edit.dropStack(i);
    llvm::sort(dead);
    edit.dropCarried(dead);
    dl::ScanOp scan = edit.build();
    auto stackAt = [&](unsigned number) -> Value {
      unsigned left = number - llvm::count_if(gone, [&](unsigned other) { return other < number; });
      return scan.stackedResults()[left];
    };
    for (auto [term, op, init, result] : llvm::zip_equal(terms, ops, inits, results)) {
      SmallVector<Value> operands;
      for (Term::Source &source : term.sources)
        operands.push_back(source.stack ? stackAt(*source.stack) : source.value);
      Value all = compute(before, term, *op, operands);
      if (init)
        all = dl::AddOp::create(before, op->getLoc(), init, all);
      result.replaceAllUsesWith(all);
    }
    edit.eraseOld();
  }

  Value compute(OpBuilder &builder, const Term &term, Operation *op, ArrayRef<Value> operands) {
    if (auto reduce = dyn_cast<dl::ReduceOp>(op)) {
      SmallVector<int64_t> axes{0};
      for (int64_t axis : reduce.getAxes())
        axes.push_back(axis + 1);
      return dl::ReduceOp::create(builder, op->getLoc(), dl::ReduceKind::sum, operands[0], axes);
    }
    auto product = cast<dl::ContractOp>(op);
    std::string lhs = product.lhsLetters().str(), rhs = product.rhsLetters().str();
    char fresh = 'A';
    while ((lhs + rhs).find(fresh) != std::string::npos)
      ++fresh;
    auto with = [&](bool varies) { return varies ? std::string(1, fresh) : std::string(); };
    std::string equation = with(term.sources[0].varies) + lhs + "," + with(term.sources[1].varies) + rhs + "->" +
                           with(term.isStack) + product.resultLetters().str();
    return dl::ContractOp::create(builder, op->getLoc(), equation, operands[0], operands[1]);
  }

  ScanEditor edit;
  OpBuilder before;
  Batcher batcher;
  int64_t length, stackedBytes = 0;
  SmallVector<Term> terms;
};

struct SumAfterLoops : impl::SumAfterLoopsBase<SumAfterLoops> {
  void runOnOperation() override {
    SmallVector<dl::ScanOp> scans;
    getOperation().walk([&](dl::ScanOp scan) { scans.push_back(scan); });
    for (dl::ScanOp scan : scans)
      if (!scan.getBreaks() && int64_t(scan.getLength()) > 1)
        Summer(scan).run();
  }
};

} // namespace
} // namespace dlc
