// Homes are given from the outside in: a loop's or branch's results decide where what its blocks end with lies.
//
// 1. What a block ends with has a wanted home: an output, a slot that is updated in place, a loop's buffer, an entry of a
//    stack. A loop's wanted result is wanted of its initial value too: both are one buffer.
// 2. Any other value gets a buffer of the arena, from the step that makes it to the last that reads it; what a loop uses
//    from outside lives to the loop's end.
// 3. A carried value that cannot be written over what it began with gets a second buffer, and the two alternate.

#include "passes/plan/Homes.h"
#include "ir/KernelRole.h"
#include "passes/Layouts.h"

using namespace mlir;

namespace dlc {

int64_t bufferBytes(RankedTensorType type) {
  return extentOf(type) * llvm::divideCeil(type.getElementTypeBitWidth(), 8);
}

Homes::Homes(func::FuncOp function, const PlanOrder &order) : order(order) {
  Block &block = function.getBody().front();
  for (BlockArgument argument : function.getArguments())
    homeOf[argument] = add({Home::argument, argument.getArgNumber(), argument});
  Wanted wanted;
  const BlockOrder &top = order.find(&block)->second;
  for (const PlanUpdate &update : top.updates)
    if (update.inPlace)
      wanted[update.result] = of(update.argument);
  unsigned outputs = 0;
  for (OpOperand &operand : block.getTerminator()->getOpOperands())
    if (!function.getResultAttr(operand.getOperandNumber(), "dl.updates"))
      wanted[operand.get()] = add({Home::output, outputs++, operand.get()});
  assign(block, wanted);
  // A copy into a slot runs after everything.
  ++step;
  for (const PlanUpdate &update : top.updates)
    touch(of(update.result));
}

Value Homes::typedBy(Value value) const {
  for (auto found = typedAs.find(value); found != typedAs.end(); found = typedAs.find(value))
    value = found->second;
  return value;
}

ArrayRef<Alternating> Homes::alternating(Operation *loop) const {
  auto found = alternatingOf.find(loop);
  return found == alternatingOf.end() ? ArrayRef<Alternating>() : ArrayRef<Alternating>(found->second);
}

unsigned Homes::add(Home home) {
  home.depth = used.size();
  homes.push_back(std::move(home));
  return homes.size() - 1;
}

unsigned Homes::addArena(Value value) {
  buffers.push_back({bufferBytes(cast<RankedTensorType>(value.getType())), step, step});
  return add({Home::arena, static_cast<unsigned>(buffers.size() - 1)});
}

unsigned Homes::addDerived(ArrayRef<unsigned> within) {
  return add({Home::derived, 0, Value(), SmallVector<unsigned, 2>(within)});
}

void Homes::join(Value value, Value other) {
  homeOf[value] = of(other);
  typedAs[value] = typedBy(other);
}

void Homes::touch(unsigned number) {
  const Home &home = homes[number];
  for (unsigned other : home.within)
    touch(other);
  if (home.kind != Home::arena)
    return;
  buffers[home.number].last = std::max(buffers[home.number].last, step);
  if (home.depth < used.size())
    used[home.depth].insert(number);
}

void Homes::leaveLoop() {
  llvm::SetVector<unsigned> outside = used.pop_back_val();
  for (unsigned home : outside)
    touch(home);
}

void Homes::assign(Block &block, Wanted wanted) {
  ArrayRef<Operation *> ops = order.find(&block)->second.ops;
  for (Operation *op : llvm::reverse(ops))
    for (OpResult result : op->getResults())
      if (Value init = initOf(result); init && wanted.contains(result) && staysInPlace(result, order))
        wanted.try_emplace(init, wanted[result]);
  for (Operation *op : ops) {
    ++step;
    for (Value operand : op->getOperands())
      touch(of(operand));
    if (auto branch = dyn_cast<dl::IfOp>(op))
      assignBranch(branch, wanted);
    else if (auto scan = dyn_cast<dl::ScanOp>(op))
      assignScan(scan, wanted);
    else if (auto loop = dyn_cast<dl::WhileOp>(op))
      assignWhile(loop, wanted);
    else
      assignResults(op->getResults(), wanted);
  }
}

/// Of what writes its results now, if only from now on.
void Homes::assignResults(ValueRange results, const Wanted &wanted) {
  for (Value result : results) {
    auto entry = wanted.find(result);
    if (Value init = initOf(result); init && isa<dl::KernelOp>(result.getDefiningOp())) {
      join(result, init);
      touch(of(result));
      continue;
    }
    homeOf[result] = entry == wanted.end() ? addArena(result) : entry->second;
    touch(of(result));
  }
}

void Homes::assignBranch(dl::IfOp branch, const Wanted &wanted) {
  assignResults(branch.getResults(), wanted);
  for (Region *side : {&branch.getThenRegion(), &branch.getElseRegion()}) {
    for (auto [argument, input] : llvm::zip_equal(side->getArguments(), branch.getInputs()))
      join(argument, input);
    Wanted inside;
    for (auto [yielded, result] : llvm::zip_equal(side->front().getTerminator()->getOperands(), branch.getResults()))
      inside[yielded] = of(result);
    assign(side->front(), std::move(inside));
  }
  ++step;
  for (Value result : branch.getResults())
    touch(of(result));
}

/// The initial values' buffers become those of the carried values.
void Homes::assignCarried(Operation *loop, ValueRange inits, const Wanted &wanted, Wanted &inside) {
  for (auto [number, next] : llvm::enumerate(carriedBy(loop))) {
    Value init = inits[number], result = loop->getResult(number);
    auto entry = wanted.find(result);
    if (staysInPlace(cast<OpResult>(result), order)) {
      join(next.argument, init);
      join(result, init);
      if (next.result != next.argument)
        inside[next.result] = of(init);
      continue;
    }
    unsigned spare = addArena(typedBy(init)), both[] = {of(init), spare};
    homeOf[next.argument] = addDerived(both);
    typedAs[next.argument] = typedBy(init);
    inside[next.result] = addDerived(both);
    homeOf[result] = entry == wanted.end() ? addDerived(both) : entry->second;
    alternatingOf[loop].push_back({init, next.argument, next.result, result, spare});
  }
}

void Homes::assignScan(dl::ScanOp scan, const Wanted &wanted) {
  Wanted inside;
  assignCarried(scan, scan.getInits(), wanted, inside);
  assignResults(scan.stackedResults(), wanted);
  if (!scan.indexArg().use_empty())
    homeOf[scan.indexArg()] = addArena(scan.indexArg());
  enterLoop();
  for (auto [argument, invariant] : llvm::zip_equal(scan.invariantArgs(), scan.getInvariants()))
    join(argument, invariant);
  for (auto [argument, stack] : llvm::zip_equal(scan.sliceArgs(), scan.getSlices()))
    homeOf[argument] = addDerived(of(stack));
  for (auto [element, stack] : llvm::zip_equal(scan.stackedElements(), scan.stackedResults()))
    inside[element] = addDerived(of(stack));
  assign(scan.block(), std::move(inside));
  ++step;
  if (scan.getBreaks())
    touch(of(scan.yielded().front()));
  if (!scan.indexArg().use_empty())
    touch(of(scan.indexArg()));
  for (Value result : scan.getResults())
    touch(of(result));
  for (const Alternating &pair : alternating(scan))
    touch(of(pair.argument));
  leaveLoop();
}

void Homes::assignWhile(dl::WhileOp loop, const Wanted &wanted) {
  Wanted inside;
  assignCarried(loop, loop.getInits(), wanted, inside);
  enterLoop();
  Block &condition = loop.getCondition().front(), &body = loop.getBody().front();
  size_t carried = loop.getInits().size();
  for (auto [number, argument] : llvm::enumerate(body.getArguments()))
    if (number >= carried)
      join(argument, loop.getInvariants()[number - carried]);
  for (auto [argument, other] : llvm::zip_equal(condition.getArguments(), body.getArguments()))
    join(argument, other);
  assign(condition, Wanted());
  ++step;
  touch(of(condition.getTerminator()->getOperand(0)));
  assign(body, std::move(inside));
  ++step;
  for (Value result : loop.getResults())
    touch(of(result));
  for (const Alternating &pair : alternating(loop))
    touch(of(pair.argument));
  leaveLoop();
}

} // namespace dlc
