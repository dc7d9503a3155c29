// Rules of branches and `while`: what does not change leaves them, what nobody needs goes, constants stand inside. Of scans
// that is in passes/loops.
#include "passes/simplify/Patterns.h"

#include "llvm/ADT/BitVector.h"

using namespace mlir;

namespace dlc {
namespace {

//===-- An operation again, with some of its operands and results --------------------------------------------------===//

SmallVector<Value> kept(ValueRange values, const llvm::BitVector &keep) {
  SmallVector<Value> result;
  for (auto [i, value] : llvm::enumerate(values))
    if (keep[i])
      result.push_back(value);
  return result;
}

/// Replaces `op`'s results that are kept by those of `made`, in order. The others have no uses.
void replaceResults(PatternRewriter &rewriter, Operation *op, Operation *made, const llvm::BitVector &keep) {
  unsigned next = 0;
  for (OpResult result : op->getResults())
    if (keep[result.getResultNumber()])
      rewriter.replaceAllUsesWith(result, made->getResult(next++));
  rewriter.eraseOp(op);
}

SmallVector<Type> keptTypes(Operation *op, const llvm::BitVector &keep) {
  SmallVector<Type> types;
  for (OpResult result : op->getResults())
    if (keep[result.getResultNumber()])
      types.push_back(result.getType());
  return types;
}

/// Erases the arguments of a block that are not kept, from number `first` on; they have no uses.
void eraseArguments(Block &block, unsigned first, const llvm::BitVector &keep) {
  llvm::BitVector erased(block.getNumArguments());
  for (unsigned i = 0; i < keep.size(); ++i)
    if (!keep[i])
      erased.set(first + i);
  block.eraseArguments(erased);
}

/// Erases the terminator's operands that are not kept, from number `first` on.
void eraseYields(PatternRewriter &rewriter, Block &block, unsigned first, const llvm::BitVector &keep) {
  Operation *yield = block.getTerminator();
  llvm::BitVector erased(yield->getNumOperands());
  for (unsigned i = 0; i < keep.size(); ++i)
    if (!keep[i])
      erased.set(first + i);
  rewriter.modifyOpInPlace(yield, [&] { yield->eraseOperands(erased); });
}

void rebuild(PatternRewriter &rewriter, dl::IfOp op, const llvm::BitVector &inputs, const llvm::BitVector &results) {
  auto made =
      dl::IfOp::create(rewriter, op.getLoc(), keptTypes(op, results), op.getCondition(), kept(op.getInputs(), inputs));
  for (auto [from, to] : llvm::zip_equal(op->getRegions(), made->getRegions())) {
    eraseArguments(from.front(), 0, inputs);
    eraseYields(rewriter, from.front(), 0, results);
    to.takeBody(from);
  }
  replaceResults(rewriter, op, made, results);
}

void rebuild(PatternRewriter &rewriter, dl::WhileOp op, const llvm::BitVector &carried,
             const llvm::BitVector &invariants) {
  for (Region &region : op->getRegions()) {
    eraseArguments(region.front(), carried.size(), invariants);
    eraseArguments(region.front(), 0, carried);
  }
  eraseYields(rewriter, op.getBody().front(), 0, carried);
  auto made = dl::WhileOp::create(rewriter, op.getLoc(), keptTypes(op, carried), kept(op.getInits(), carried),
                                  kept(op.getInvariants(), invariants));
  for (auto [from, to] : llvm::zip_equal(op->getRegions(), made->getRegions()))
    to.takeBody(from);
  replaceResults(rewriter, op, made, carried);
}

//===-- What comes from outside ------------------------------------------------------------------------------------===//

/// The operands that a region sees unchanged in each turn, and the number of the first argument that stands for them.
std::pair<OperandRange, unsigned> outsideOperands(Operation *op) {
  if (auto branch = dyn_cast<dl::IfOp>(op))
    return {branch.getInputs(), 0};
  if (auto scan = dyn_cast<dl::ScanOp>(op))
    return {scan.getInvariants(), 1 + scan.getInits().size() + scan.getSlices().size()};
  auto loop = cast<dl::WhileOp>(op);
  return {loop.getInvariants(), loop.getInits().size()};
}

/// Constants and the like stand inside, where the rules see them; an operand that is given twice is given once.
template <class Op> LogicalResult simplifyOutside(Op op, PatternRewriter &rewriter) {
  auto [operands, first] = outsideOperands(op);
  bool changed = false;
  llvm::DenseMap<Value, unsigned> seen;
  for (auto [i, operand] : llvm::enumerate(operands)) {
    unsigned number = first + i, same = seen.try_emplace(operand, number).first->second;
    Operation *maker = operand.getDefiningOp();
    bool inside = maker && maker->getNumOperands() == 0 && maker->getNumResults() == 1 && isPure(maker);
    for (Region &region : op->getRegions()) {
      BlockArgument argument = region.getArgument(number);
      if (argument.use_empty() || (!inside && same == number))
        continue;
      changed = true;
      if (!inside) {
        rewriter.replaceAllUsesWith(argument, region.getArgument(same));
        continue;
      }
      OpBuilder::InsertionGuard guard(rewriter);
      rewriter.setInsertionPointToStart(&region.front());
      rewriter.replaceAllUsesWith(argument, rewriter.clone(*maker)->getResult(0));
    }
  }
  return success(changed);
}

/// Which arguments, from number `first` on, something in one of the regions uses.
llvm::BitVector usedArguments(Operation *op, unsigned first, unsigned count) {
  llvm::BitVector used(count);
  for (Region &region : op->getRegions())
    for (unsigned i = 0; i < count; ++i)
      if (!region.getArgument(first + i).use_empty())
        used.set(i);
  return used;
}

//===-- Branches ----------------------------------------------------------------------------------------------------===//

/// The values that a region yields, its operations put before `op` with `values` for its arguments.
SmallVector<Value> inlineRegion(PatternRewriter &rewriter, Operation *op, Region &region, ValueRange values) {
  Block &block = region.front();
  SmallVector<Value> yielded(block.getTerminator()->getOperands());
  for (auto [argument, value] : llvm::zip_equal(block.getArguments(), values)) {
    std::replace(yielded.begin(), yielded.end(), Value(argument), value);
    rewriter.replaceAllUsesWith(argument, value);
  }
  rewriter.eraseOp(block.getTerminator());
  rewriter.inlineBlockBefore(&block, op, values);
  return yielded;
}

/// A known condition: the branch taken stands in the operation's place.
LogicalResult knownBranch(dl::IfOp op, PatternRewriter &rewriter) {
  std::optional<double> condition = splatOf(op.getCondition());
  if (!condition)
    return failure();
  Region &region = *condition != 0 ? op.getThenRegion() : op.getElseRegion();
  rewriter.replaceOp(op, inlineRegion(rewriter, op, region, op.getInputs()));
  return success();
}

/// A result that both branches yield alike: an input, or a constant; or one that is the condition.
LogicalResult equalYields(dl::IfOp op, PatternRewriter &rewriter) {
  Block &yes = op.getThenRegion().front(), &no = op.getElseRegion().front();
  for (OpResult result : op.getResults()) {
    if (result.use_empty())
      continue;
    unsigned i = result.getResultNumber();
    Value onTrue = yes.getTerminator()->getOperand(i), onFalse = no.getTerminator()->getOperand(i);
    auto first = dyn_cast<BlockArgument>(onTrue), second = dyn_cast<BlockArgument>(onFalse);
    Value same;
    if (first && second && first.getArgNumber() == second.getArgNumber() && first.getOwner() == &yes &&
        second.getOwner() == &no)
      same = op.getInputs()[first.getArgNumber()];
    auto a = onTrue.getDefiningOp<dl::ConstantOp>(), b = onFalse.getDefiningOp<dl::ConstantOp>();
    if (a && b && a.getValue() == b.getValue()) {
      same = rewriter.clone(*a)->getResult(0);
    } else if (a && b && result.getType() == op.getCondition().getType()) {
      // Both known and different: the condition or its opposite.
      same = *splatOf(onTrue) != 0 ? op.getCondition()
                                   : dl::NotOp::create(rewriter, op.getLoc(), op.getCondition()).getResult();
    }
    if (!same)
      continue;
    rewriter.replaceAllUsesWith(result, same);
    return success();
  }
  return failure();
}

LogicalResult dropFromBranch(dl::IfOp op, PatternRewriter &rewriter) {
  llvm::BitVector inputs = usedArguments(op, 0, op.getInputs().size()), results(op.getNumResults());
  for (OpResult result : op.getResults())
    if (!result.use_empty())
      results.set(result.getResultNumber());
  if (inputs.all() && results.all())
    return failure();
  if (results.none() && op->getNumResults() > 0 && isMemoryEffectFree(op)) {
    rewriter.eraseOp(op);
    return success();
  }
  rebuild(rewriter, op, inputs, results);
  return success();
}

/// Whether a branch costs less than choosing between two: a few operations on few elements, with no effect.
bool isSmall(Region &region) {
  unsigned count = 0;
  int64_t elements = 0;
  for (Operation &op : region.front().without_terminator()) {
    bool simple = isPure(&op) && op.getNumRegions() == 0 && op.getNumResults() == 1 &&
                  (op.hasTrait<dl::Pointwise>() || op.hasTrait<dl::Movement>());
    if (!simple || ++count > 16)
      return false;
    elements += tensorType(op.getResult(0)).getNumElements();
  }
  return elements <= 256;
}

/// Small branches without effect are both computed, and the results chosen. Only where nothing is differentiated any more:
/// a gradient does not flow through the way that is not taken.
LogicalResult chooseResults(dl::IfOp op, PatternRewriter &rewriter) {
  if (!isSmall(op.getThenRegion()) || !isSmall(op.getElseRegion()))
    return failure();
  auto isFew = [](Type type) { return cast<RankedTensorType>(type).getNumElements() <= 64; };
  if (!llvm::all_of(op->getResultTypes(), isFew))
    return failure();
  Location loc = op.getLoc();
  Value condition = op.getCondition();
  SmallVector<Value> onTrue = inlineRegion(rewriter, op, op.getThenRegion(), op.getInputs());
  SmallVector<Value> onFalse = inlineRegion(rewriter, op, op.getElseRegion(), op.getInputs());
  SmallVector<Value> chosen;
  rewriter.setInsertionPoint(op);
  for (auto [a, b] : llvm::zip_equal(onTrue, onFalse)) {
    Value mask = broadcastTo(rewriter, loc, condition, shapeOf(a), {});
    chosen.push_back(dl::SelectOp::create(rewriter, loc, a.getType(), mask, a, b));
  }
  rewriter.replaceOp(op, chosen);
  return success();
}

//===-- Loops -------------------------------------------------------------------------------------------------------===//

/// Whether a carried value is the same in each turn: the body yields it as it came, or it begins and goes on as one constant.
bool isUnchanged(Value init, BlockArgument argument, Value next) {
  if (next == argument)
    return true;
  auto before = init.getDefiningOp<dl::ConstantOp>(), after = next.getDefiningOp<dl::ConstantOp>();
  return before && after && before.getValue() == after.getValue();
}

/// The carried values that matter: those whose results, or what depends on them in the loop, somebody needs.
llvm::BitVector liveCarried(dl::WhileOp op) {
  Block &condition = op.getCondition().front(), &body = op.getBody().front();
  ValueRange next = body.getTerminator()->getOperands();
  llvm::BitVector live(next.size());
  llvm::DenseSet<Value> seen;
  SmallVector<Value> pending;
  auto mark = [&](unsigned i) {
    if (!live.test(i)) {
      live.set(i);
      pending.push_back(next[i]);
    }
  };
  for (unsigned i = 0; i < next.size(); ++i)
    if (!op.getResult(i).use_empty() || !condition.getArgument(i).use_empty())
      mark(i);
  for (Operation &inside : body.without_terminator())
    if (!isMemoryEffectFree(&inside))
      pending.append(inside.operand_begin(), inside.operand_end());
  while (!pending.empty()) {
    Value value = pending.pop_back_val();
    if (!seen.insert(value).second)
      continue;
    if (Operation *maker = value.getDefiningOp())
      pending.append(maker->operand_begin(), maker->operand_end());
    else if (unsigned number = cast<BlockArgument>(value).getArgNumber(); number < next.size())
      mark(number);
  }
  return live;
}

/// What reads an argument that goes is dead, and reads zeros until it is erased.
void replaceByZero(PatternRewriter &rewriter, BlockArgument argument) {
  if (argument.use_empty())
    return;
  OpBuilder::InsertionGuard guard(rewriter);
  rewriter.setInsertionPointToStart(argument.getOwner());
  rewriter.replaceAllUsesWith(argument, dl::splat(rewriter, argument.getLoc(), argument.getType(), 0));
}

/// Whether nothing reads a carried value, but that it may be yielded as it came.
bool isUnread(BlockArgument argument, Value next, Value result) {
  bool own = next == argument ? argument.hasOneUse() : argument.use_empty();
  return own && result.use_empty();
}

/// A scan of no turns is its beginning, one of one turn its body.
LogicalResult shortScan(dl::ScanOp op, PatternRewriter &rewriter) {
  int64_t length = op.getLength();
  if (length > 1)
    return failure();
  Location loc = op.getLoc();
  SmallVector<Value> results;
  if (length == 0) {
    llvm::append_range(results, op.getInits());
    for (Value stack : op.stackedResults())
      results.push_back(dl::splat(rewriter, loc, stack.getType(), 0));
    rewriter.replaceOp(op, results);
    return success();
  }
  SmallVector<Value> values = {dl::splat(rewriter, loc, op.indexArg().getType(), 0)};
  llvm::append_range(values, op.getInits());
  for (Value slice : op.getSlices())
    values.push_back(reshapeTo(rewriter, loc, slice, shapeOf(slice).drop_front()));
  llvm::append_range(values, op.getInvariants());
  bool breaks = op.getBreaks();
  unsigned carried = op.getInits().size();
  SmallVector<Type> types(op->getResultTypes());
  SmallVector<Value> yielded = inlineRegion(rewriter, op, op.getBody(), values);
  rewriter.setInsertionPoint(op);
  for (auto [i, value] : llvm::enumerate(ArrayRef(yielded).drop_front(breaks)))
    results.push_back(i < carried ? value
                                  : reshapeTo(rewriter, loc, value, cast<RankedTensorType>(types[i]).getShape()));
  rewriter.replaceOp(op, results);
  return success();
}

LogicalResult unchangedInWhile(dl::WhileOp op, PatternRewriter &rewriter) {
  Block &condition = op.getCondition().front(), &body = op.getBody().front();
  for (auto [i, init] : llvm::enumerate(op.getInits())) {
    BlockArgument argument = body.getArgument(i);
    Value next = body.getTerminator()->getOperand(i);
    bool unread = condition.getArgument(i).use_empty() && isUnread(argument, next, op.getResult(i));
    if (unread || !isUnchanged(init, argument, next))
      continue;
    for (Block *block : {&condition, &body}) {
      Value invariant = block->addArgument(init.getType(), init.getLoc());
      rewriter.replaceUsesWithIf(block->getArgument(i), invariant, [&](OpOperand &use) {
        return use.getOwner() != body.getTerminator() || use.getOperandNumber() != i;
      });
    }
    rewriter.modifyOpInPlace(op, [&] { op.getInvariantsMutable().append(init); });
    rewriter.replaceAllUsesWith(op.getResult(i), init);
    return success();
  }
  return failure();
}

LogicalResult dropFromWhile(dl::WhileOp op, PatternRewriter &rewriter) {
  unsigned carried = op.getInits().size();
  Block &body = op.getBody().front();
  llvm::BitVector live = liveCarried(op);
  llvm::BitVector invariants = usedArguments(op, carried, op.getInvariants().size());
  if (live.all() && invariants.all())
    return failure();
  for (unsigned i = 0; i < carried; ++i)
    if (!live[i])
      replaceByZero(rewriter, body.getArgument(i));
  rebuild(rewriter, op, live, invariants);
  return success();
}

} // namespace

void addControlPatterns(RewritePatternSet &patterns, bool differentiated) {
  patterns.add(simplifyOutside<dl::IfOp>);
  patterns.add(simplifyOutside<dl::ScanOp>);
  patterns.add(simplifyOutside<dl::WhileOp>);
  patterns.add(knownBranch);
  patterns.add(equalYields);
  patterns.add(dropFromBranch);
  patterns.add(shortScan);
  patterns.add(unchangedInWhile);
  patterns.add(dropFromWhile);
  if (differentiated)
    patterns.add(chooseResults);
}

} // namespace dlc
