// Scopes are blocks with the place where the next operation goes: before the loop that is open in it, else at its end.
#include "codegen/kernel/LoopNest.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;

namespace dlc {

LoopNest::LoopNest(OpBuilder &builder, Location loc) : builder(builder), loc(loc) {
  scopes.push_back({builder.getInsertionBlock(), builder.getInsertionPoint(), false, serials++});
  depths[builder.getInsertionBlock()] = 0;
}

unsigned LoopNest::depthOf(ValueRange operands) const {
  unsigned depth = 0;
  for (Value operand : operands)
    for (Block *block = operand.getParentBlock(); block;) {
      auto known = depths.find(block);
      if (known != depths.end()) {
        depth = std::max(depth, known->second);
        break;
      }
      Operation *parent = block->getParentOp();
      block = parent ? parent->getBlock() : nullptr;
    }
  for (unsigned i = scopes.size(); i-- > depth + 1;)
    if (scopes[i].branch)
      return i;
  return depth;
}

OpBuilder &LoopNest::place(ValueRange operands) {
  Scope &scope = scopes[depthOf(operands)];
  builder.setInsertionPoint(scope.block, scope.position);
  return builder;
}

OpBuilder &LoopNest::here() {
  builder.setInsertionPoint(scopes.back().block, scopes.back().position);
  return builder;
}

void LoopNest::enter(Block *block, bool branch) {
  if (!block->empty() && block->back().hasTrait<OpTrait::IsTerminator>())
    block->back().erase();
  depths[block] = scopes.size();
  scopes.push_back({block, block->end(), branch, serials++});
  here();
}

void LoopNest::leave(ValueRange results) {
  here();
  scf::YieldOp::create(builder, loc, results);
  depths.erase(scopes.back().block);
  scopes.pop_back();
}

static std::optional<int64_t> constantOf(Value value) {
  IntegerAttr attribute;
  if (matchPattern(value, m_Constant(&attribute)))
    return attribute.getInt();
  return std::nullopt;
}

SmallVector<Value> LoopNest::loop(Value low, Value high, int64_t step, ValueRange inits, Body body) {
  auto first = constantOf(low), end = constantOf(high);
  if (first && end) {
    if (*end <= *first)
      return SmallVector<Value>(inits);
    if (*end <= *first + step)
      return body(low, inits);
  }
  Value stepValue = constant(step);
  auto loop = scf::ForOp::create(here(), loc, low, high, stepValue, inits);
  Block::iterator after = scopes.back().position;
  scopes.back().position = Block::iterator(loop);
  enter(loop.getBody(), false);
  SmallVector<Value> next = body(loop.getInductionVar(), loop.getRegionIterArgs());
  leave(next);
  scopes.back().position = after;
  here();
  return SmallVector<Value>(loop.getResults());
}

SmallVector<Value> LoopNest::branch(Value condition, TypeRange types, Side onTrue, Side onFalse) {
  bool withElse = !types.empty();
  auto branch = scf::IfOp::create(here(), loc, types, condition, /*addThenBlock=*/true, /*addElseBlock=*/withElse);
  Block::iterator after = scopes.back().position;
  scopes.back().position = Block::iterator(branch);
  enter(branch.thenBlock(), true);
  leave(onTrue());
  if (withElse) {
    enter(branch.elseBlock(), true);
    leave(onFalse());
  }
  scopes.back().position = after;
  here();
  return SmallVector<Value>(branch.getResults());
}

void LoopNest::pinned(llvm::function_ref<void()> body) {
  size_t scope = scopes.size() - 1;
  bool before = scopes[scope].branch;
  scopes[scope].branch = true;
  body();
  scopes[scope].branch = before;
}

Value LoopNest::constant(int64_t value) {
  Value &known = constants[value];
  if (!known) {
    builder.setInsertionPoint(scopes.front().block, scopes.front().position);
    known = arith::ConstantIntOp::create(builder, loc, value, 64);
  }
  return known;
}

} // namespace dlc
