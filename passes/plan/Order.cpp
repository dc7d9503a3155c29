// The order of kernels.
//
// 1. A kernel comes after those whose results it reads, and after the checks of what it reads: it may rely on them.
// 2. For each result that replaces an argument: if its kernel reads the argument at the same element only, and the
//    other readers and the checks can all come before it, they do, and it writes in place.
// 3. Of the kernels that are ready, the one that adds least to the live memory comes first, then the program's order.

#include "passes/plan/Order.h"
#include "ir/KernelRole.h"
#include "passes/fuse/Graph.h"

#include "llvm/ADT/SetVector.h"

using namespace mlir;

namespace dlc {
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

class Scheduler {
public:
  Scheduler(func::FuncOp function, bool inPlace) : function(function) {
    for (auto kernel : function.getBody().front().getOps<dl::KernelOp>()) {
      number[kernel] = kernels.size();
      kernels.push_back(kernel);
    }
    before.resize(kernels.size());
    for (auto [index, kernel] : llvm::enumerate(kernels))
      for (Value operand : distinctOperands(kernel)) {
        ++readers[operand];
        if (auto producer = operand.getDefiningOp<dl::KernelOp>())
          before[index].insert(number[producer]);
      }
    waitForChecks();
    findUpdates(inPlace);
  }

  FailureOr<PlanOrder> run() {
    PlanOrder order;
    order.updates = updates;
    std::vector<SmallVector<unsigned>> after(kernels.size());
    std::vector<unsigned> waiting(kernels.size());
    SmallVector<unsigned> ready;
    for (unsigned index = 0; index < kernels.size(); ++index) {
      waiting[index] = before[index].size();
      for (unsigned other : before[index])
        after[other].push_back(index);
      if (waiting[index] == 0)
        ready.push_back(index);
    }
    while (!ready.empty()) {
      // What running a kernel frees depends on what has run: costs are taken anew.
      auto cost = [&](unsigned index) { return std::pair(growth(index), index); };
      auto best = llvm::min_element(ready, [&](unsigned a, unsigned b) { return cost(a) < cost(b); });
      unsigned index = *best;
      *best = ready.back();
      ready.pop_back();
      order.kernels.push_back(kernels[index]);
      for (Value operand : distinctOperands(kernels[index]))
        --readers[operand];
      for (unsigned next : after[index])
        if (--waiting[next] == 0)
          ready.push_back(next);
    }
    if (order.kernels.size() < kernels.size())
      return function.emitError() << "kernels of `" << function.getName() << "` wait for each other in a circle";
    return order;
  }

private:
  /// A check reads one value and nothing waits for its result: whatever reads that value comes after it.
  void waitForChecks() {
    for (auto [index, kernel] : llvm::enumerate(kernels)) {
      if (!dl::kernelRole(&kernel.getBody().front().front()).mayFail)
        continue;
      checks.push_back(index);
      if (kernel.getKind() != dl::KernelKind::check)
        continue;
      for (Value operand : distinctOperands(kernel))
        for (Operation *user : operand.getUsers())
          if (auto reader = dyn_cast<dl::KernelOp>(user); reader && reader.getKind() != dl::KernelKind::check)
            before[number[reader]].insert(index);
    }
  }

  void findUpdates(bool inPlace) {
    Operation *end = function.getBody().front().getTerminator();
    for (OpOperand &operand : end->getOpOperands()) {
      auto updates = function.getResultAttrOfType<IntegerAttr>(operand.getOperandNumber(), "dl.updates");
      auto result = dyn_cast<OpResult>(operand.get());
      if (!updates || !result)
        continue;
      BlockArgument argument = function.getArgument(updates.getInt());
      bool possible = inPlace && mayWriteOver(argument, number.lookup(result.getOwner()));
      this->updates.push_back({result, argument, possible});
    }
  }

  /// Puts the readers of `argument` and the checks before the kernel `writer`, if no order forbids it.
  bool mayWriteOver(BlockArgument argument, unsigned writer) {
    if (!readsSameElement(kernels[writer], argument))
      return false;
    llvm::DenseSet<unsigned> first;
    for (Operation *reader : argument.getUsers())
      if (auto kernel = dyn_cast<dl::KernelOp>(reader); kernel && number[kernel] != writer)
        first.insert(number[kernel]);
    first.insert(checks.begin(), checks.end());
    if (comesBefore(writer, first))
      return false;
    before[writer].insert(first.begin(), first.end());
    return true;
  }

  /// Whether `first` must run before one of `others`.
  bool comesBefore(unsigned first, const llvm::DenseSet<unsigned> &others) const {
    llvm::DenseSet<unsigned> seen = others;
    SmallVector<unsigned> pending(others.begin(), others.end());
    while (!pending.empty()) {
      unsigned index = pending.pop_back_val();
      if (index == first)
        return true;
      for (unsigned previous : before[index])
        if (seen.insert(previous).second)
          pending.push_back(previous);
    }
    return false;
  }

  static llvm::SmallSetVector<Value, 8> distinctOperands(dl::KernelOp kernel) {
    return {kernel->operand_begin(), kernel->operand_end()};
  }

  /// The bytes that the live memory grows by when a kernel runs: its results, less what only it still reads.
  int64_t growth(unsigned index) const {
    int64_t bytes = 0;
    for (OpResult result : kernels[index]->getResults())
      if (!isExternal(result))
        bytes += bytesOf(result);
    for (Value operand : distinctOperands(kernels[index]))
      if (operand.getDefiningOp() && !isExternal(operand) && readers.lookup(operand) == 1)
        bytes -= bytesOf(operand);
    return bytes;
  }

  /// Whether `value` lies outside the arena: the function returns it.
  static bool isExternal(Value value) {
    return llvm::any_of(value.getUsers(), [](Operation *user) { return isa<func::ReturnOp>(user); });
  }

  func::FuncOp function;
  SmallVector<dl::KernelOp> kernels;
  llvm::DenseMap<Operation *, unsigned> number;
  std::vector<llvm::DenseSet<unsigned>> before;
  SmallVector<unsigned> checks;
  /// How many kernels still have to read a value.
  llvm::DenseMap<Value, unsigned> readers;
  SmallVector<PlanUpdate> updates;
};

} // namespace

FailureOr<PlanOrder> planOrder(func::FuncOp function, bool inPlace) { return Scheduler(function, inPlace).run(); }

} // namespace dlc
