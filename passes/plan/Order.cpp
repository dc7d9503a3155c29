// The order of each block.
//
// 1. A kernel comes after those whose results it reads, and after the checks of what it reads: it may rely on them.
// 2. For each value that replaces an argument: if what writes it reads the argument at the same element only, and the
//    other readers can all come before, they do, and it is written in place. In a function the checks and the loops come
//    before too. A loop's result lies where its initial value lay, so that this value's kernel is the writer; a branch
//    writes in place what both of its sides do.
// 3. Of what is ready, that which adds least to the live memory comes first, then the program's order.

#include "passes/plan/Order.h"
#include "ir/KernelRole.h"
#include "passes/fuse/Graph.h"

#include "llvm/ADT/BitVector.h"
#include "llvm/ADT/SetVector.h"

#include <set>

using namespace mlir;

namespace dlc {

bool BlockOrder::isInPlace(Value result) const {
  return llvm::any_of(updates, [&](const PlanUpdate &update) { return update.result == result && update.inPlace; });
}

SmallVector<PlanUpdate> carriedBy(Operation *loop) {
  SmallVector<PlanUpdate> updates;
  auto add = [&](ValueRange next, Block::BlockArgListType arguments) {
    for (auto [result, argument] : llvm::zip_equal(next, arguments))
      updates.push_back({result, argument});
  };
  if (auto scan = dyn_cast<dl::ScanOp>(loop))
    add(scan.nextCarried(), scan.carriedArgs());
  if (auto whileLoop = dyn_cast<dl::WhileOp>(loop)) {
    Block &body = whileLoop.getBody().front();
    add(body.getTerminator()->getOperands(), body.getArguments().take_front(whileLoop.getInits().size()));
  }
  return updates;
}

Value initOf(Value value) {
  auto result = dyn_cast<OpResult>(value);
  if (!result)
    return Value();
  unsigned number = result.getResultNumber();
  if (auto scan = dyn_cast<dl::ScanOp>(result.getOwner()))
    return number < scan.getInits().size() ? scan.getInits()[number] : Value();
  if (auto loop = dyn_cast<dl::WhileOp>(result.getOwner()))
    return loop.getInits()[number];
  auto kernel = dyn_cast<dl::KernelOp>(result.getOwner());
  Operation *first = kernel ? &kernel.getBody().front().front() : nullptr;
  if (!first || !dl::kernelRole(first).writesOver)
    return Value();
  Value init = kernel.getIns()[cast<BlockArgument>(first->getOperand(0)).getArgNumber()];
  return init.getDefiningOp() && init.hasOneUse() && init.getType() == value.getType() ? init : Value();
}

bool staysInPlace(OpResult result, const PlanOrder &order) {
  if (isa<dl::KernelOp>(result.getOwner()))
    return true;
  PlanUpdate next = carriedBy(result.getOwner())[result.getResultNumber()];
  return next.result == next.argument || order.find(next.argument.getOwner())->second.isInPlace(next.result);
}

namespace {

/// Whether the kernel computes its results from `argument` element by element, so that a result may lie on it.
bool readsSameElement(dl::KernelOp kernel, Value argument) {
  SmallVector<Value> pending;
  for (OpOperand &operand : kernel->getOpOperands())
    if (operand.get() == argument)
      pending.push_back(kernel->getRegion(0).getArgument(operand.getOperandNumber()));
  llvm::DenseSet<Operation *> seen;
  while (!pending.empty())
    for (Operation *user : pending.pop_back_val().getUsers()) {
      if (isa<dl::YieldOp>(user) || !seen.insert(user).second)
        continue;
      if (!user->hasTrait<dl::Pointwise>())
        return false;
      pending.append(user->result_begin(), user->result_end());
    }
  return true;
}

bool holds(Operation *op, llvm::function_ref<bool(Operation *)> what) {
  return op->walk([&](Operation *inner) { return what(inner) ? WalkResult::interrupt() : WalkResult::advance(); })
      .wasInterrupted();
}
bool holdsLoop(Operation *op) {
  return holds(op, [](Operation *inner) { return isa<dl::ScanOp, dl::WhileOp>(inner); });
}

class Scheduler {
public:
  /// `isEntry`: the function's own block, whose arguments keep their values until nothing can fail any more.
  Scheduler(Block &block, ArrayRef<PlanUpdate> candidates, bool inPlace, bool isEntry, PlanOrder &order)
      : block(block), updates(candidates), inPlace(inPlace), isEntry(isEntry), order(order) {
    for (Operation &op : block.without_terminator()) {
      number[&op] = ops.size();
      ops.push_back(&op);
    }
    before.resize(ops.size());
    for (Value value : block.getTerminator()->getOperands())
      atEnd.insert(value);
    for (auto [index, op] : llvm::enumerate(ops))
      for (Value operand : distinctOperands(op)) {
        ++readers[operand];
        if (Operation *producer = operand.getDefiningOp())
          before[index].insert(number[producer]);
      }
  }

  LogicalResult run() {
    for (Operation *op : ops)
      if (failed(orderInside(op)))
        return failure();
    waitForChecks();
    orderEffects();
    for (PlanUpdate &update : updates) {
      auto result = dyn_cast<OpResult>(update.result);
      update.inPlace =
          inPlace && result && result.getOwner()->getBlock() == &block && mayWriteOver(result, update.argument);
    }
    return schedule();
  }

private:
  LogicalResult schedule() {
    BlockOrder done;
    done.updates = updates;
    std::vector<SmallVector<unsigned>> after(ops.size());
    std::vector<unsigned> waiting(ops.size());
    // By what they add to the live memory.
    std::set<std::pair<int64_t, unsigned>> ready;
    std::vector<std::optional<int64_t>> cost(ops.size());
    auto addReady = [&](unsigned index) {
      cost[index] = growth(index);
      ready.insert({*cost[index], index});
    };
    for (unsigned index = 0; index < ops.size(); ++index) {
      waiting[index] = before[index].size();
      for (unsigned other : before[index])
        after[other].push_back(index);
      if (waiting[index] == 0)
        addReady(index);
    }
    while (!ready.empty()) {
      unsigned index = ready.begin()->second;
      ready.erase(ready.begin());
      cost[index] = std::nullopt;
      done.ops.push_back(ops[index]);
      // The last reader of a value frees it.
      for (Value operand : distinctOperands(ops[index]))
        if (--readers[operand] == 1)
          for (Operation *user : operand.getUsers())
            if (auto last = number.find(user); last != number.end() && cost[last->second]) {
              ready.erase({*cost[last->second], last->second});
              addReady(last->second);
            }
      for (unsigned next : after[index])
        if (--waiting[next] == 0)
          addReady(next);
    }
    if (done.ops.size() < ops.size())
      return block.getParentOp()->emitError() << "kernels wait for each other in a circle";
    order[&block] = std::move(done);
    return success();
  }

  /// Orders the blocks of a loop or a branch.
  LogicalResult orderInside(Operation *op) {
    auto orderBlock = [&](Region &region, ArrayRef<PlanUpdate> candidates) {
      return Scheduler(region.front(), candidates, inPlace, false, order).run();
    };
    if (auto branch = dyn_cast<dl::IfOp>(op)) {
      for (Region *side : {&branch.getThenRegion(), &branch.getElseRegion()}) {
        SmallVector<PlanUpdate> candidates;
        Operation *yield = side->front().getTerminator();
        for (auto [input, result] : throughBranch(branch))
          candidates.push_back({yield->getOperand(result), side->getArgument(input)});
        if (failed(orderBlock(*side, candidates)))
          return failure();
      }
      return success();
    }
    if (auto loop = dyn_cast<dl::WhileOp>(op))
      if (failed(orderBlock(loop.getCondition(), {})))
        return failure();
    for (Region &region : op->getRegions())
      if (dl::holdsKernels(op) && !order.contains(&region.front()) && failed(orderBlock(region, carriedBy(op))))
        return failure();
    return success();
  }

  /// The inputs and results of a branch of which a result is to take the place of an input.
  SmallVector<std::pair<unsigned, unsigned>> throughBranch(dl::IfOp branch) const {
    SmallVector<std::pair<unsigned, unsigned>> pairs;
    for (const PlanUpdate &update : updates)
      for (auto [number, input] : llvm::enumerate(branch.getInputs()))
        if (input == update.argument && update.result.getDefiningOp() == branch)
          pairs.push_back({number, cast<OpResult>(update.result).getResultNumber()});
    return pairs;
  }

  /// A check reads one value and nothing waits for its result: whatever reads that value comes after it.
  void waitForChecks() {
    for (auto [index, op] : llvm::enumerate(ops)) {
      auto kernel = dyn_cast<dl::KernelOp>(op);
      if (isEntry && !kernel && (dl::holdsCheck(op) || holdsLoop(op)))
        first.push_back(index);
      if (!kernel || !dl::kernelRole(&kernel.getBody().front().front()).mayFail)
        continue;
      first.push_back(index);
      // Nothing relies on any other than a check of indices, and what it checks may be computed from its operands.
      if (!isa<dl::CheckIndexOp>(kernel.getBody().front().front()))
        continue;
      for (Value operand : distinctOperands(op))
        for (Operation *user : operand.getUsers())
          if (auto reader = dyn_cast<dl::KernelOp>(user);
              user != op && number.contains(user) && !(reader && isEffect(reader)))
            before[number[user]].insert(index);
    }
  }
  /// What relies on nothing that is checked.
  static bool isEffect(dl::KernelOp kernel) {
    return kernel.getKind() == dl::KernelKind::check || kernel.getKind() == dl::KernelKind::print;
  }

  /// Prints run in the program's order; and so do checks between them, unless what is printed relies on the check.
  void orderEffects() {
    if (llvm::none_of(ops, dl::holdsPrint))
      return;
    std::optional<unsigned> lastPrint, lastCheck;
    for (auto [index, op] : llvm::enumerate(ops)) {
      bool prints = dl::holdsPrint(op), checks = dl::holdsCheck(op);
      if (!prints && !checks)
        continue;
      for (std::optional<unsigned> last : {lastPrint, prints ? lastCheck : std::nullopt})
        if (last && !comesBefore(index, {*last}))
          before[index].insert(*last);
      if (prints)
        lastPrint = index;
      if (checks)
        lastCheck = index;
    }
  }

  /// What writes a value's buffer first, and reads `argument` there, if anything, at the element that it writes; null when
  /// there is no such operation.
  Operation *writerOf(Value value, BlockArgument argument) {
    Operation *op = value.getDefiningOp();
    if (!op || op->getBlock() != &block)
      return nullptr;
    Value init = initOf(value);
    if (auto kernel = dyn_cast<dl::KernelOp>(op); kernel && !init)
      return readsSameElement(kernel, argument) ? op : nullptr;
    if (auto branch = dyn_cast<dl::IfOp>(op)) {
      unsigned result = cast<OpResult>(value).getResultNumber();
      if (llvm::count(branch.getInputs(), argument) > 1)
        return nullptr;
      for (Region *side : {&branch.getThenRegion(), &branch.getElseRegion()})
        if (llvm::is_contained(branch.getInputs(), argument) &&
            !order[&side->front()].isInPlace(side->front().getTerminator()->getOperand(result)))
          return nullptr;
      return op;
    }
    if (!init || llvm::is_contained(op->getOperands(), argument))
      return nullptr;
    return staysInPlace(cast<OpResult>(value), order) ? writerOf(init, argument) : nullptr;
  }

  /// Puts the readers of `argument`, and what must not fail later, before what writes `result`, if no order forbids it.
  bool mayWriteOver(OpResult result, BlockArgument argument) {
    Operation *op = writerOf(result, argument);
    if (!op)
      return false;
    unsigned writer = number[op];
    llvm::DenseSet<unsigned> others;
    for (Operation *reader : argument.getUsers())
      if (auto entry = number.find(reader); entry != number.end() && entry->second != writer)
        others.insert(entry->second);
    if (isEntry)
      others.insert(first.begin(), first.end());
    if (comesBefore(writer, others))
      return false;
    before[writer].insert(others.begin(), others.end());
    return true;
  }

  /// Whether `first` must run before one of `others`.
  bool comesBefore(unsigned first, const llvm::DenseSet<unsigned> &others) const {
    llvm::BitVector seen(ops.size());
    SmallVector<unsigned> pending(others.begin(), others.end());
    for (unsigned index : others)
      seen.set(index);
    while (!pending.empty()) {
      unsigned index = pending.pop_back_val();
      if (index == first)
        return true;
      for (unsigned previous : before[index])
        if (!seen.test(previous)) {
          seen.set(previous);
          pending.push_back(previous);
        }
    }
    return false;
  }

  static llvm::SmallSetVector<Value, 8> distinctOperands(Operation *op) {
    return {op->operand_begin(), op->operand_end()};
  }

  /// The bytes that the live memory grows by when something runs: its results, less what only it still reads.
  int64_t growth(unsigned index) const {
    int64_t bytes = 0;
    for (OpResult result : ops[index]->getResults())
      if (!isExternal(result))
        bytes += bytesOf(result);
    for (Value operand : distinctOperands(ops[index]))
      if (operand.getDefiningOp() && !isExternal(operand) && readers.lookup(operand) == 1)
        bytes -= bytesOf(operand);
    return bytes;
  }

  /// Whether `value` lies outside the arena, or in a buffer that lives anyway: the block ends with it.
  bool isExternal(Value value) const { return atEnd.contains(value); }

  Block &block;
  SmallVector<PlanUpdate> updates;
  bool inPlace, isEntry;
  PlanOrder &order;
  SmallVector<Operation *> ops;
  llvm::DenseMap<Operation *, unsigned> number;
  std::vector<llvm::SmallSetVector<unsigned, 8>> before;
  /// What comes before anything is written over an argument of the function.
  SmallVector<unsigned> first;
  /// How many kernels still have to read a value.
  llvm::DenseMap<Value, unsigned> readers;
  /// What the block ends with.
  llvm::DenseSet<Value> atEnd;
};

} // namespace

FailureOr<PlanOrder> planOrder(func::FuncOp function, bool inPlace) {
  SmallVector<PlanUpdate> updates;
  Operation *end = function.getBody().front().getTerminator();
  for (OpOperand &operand : end->getOpOperands()) {
    auto number = function.getResultAttrOfType<IntegerAttr>(operand.getOperandNumber(), "dl.updates");
    if (number && isa<OpResult>(operand.get()))
      updates.push_back({operand.get(), function.getArgument(number.getInt())});
  }
  PlanOrder order;
  if (failed(Scheduler(function.getBody().front(), updates, inPlace, true, order).run()))
    return failure();
  return order;
}

} // namespace dlc
