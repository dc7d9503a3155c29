// Operations of a body with one axis more (Batcher.h).
#include "passes/loops/Batcher.h"
#include "ir/Builders.h"

#include "mlir/IR/IRMapping.h"

using namespace mlir;

namespace dlc {

using dl::shapeOf;

Batcher::Batcher(ScanEditor &edit, OpBuilder &builder) : builder(builder), length(edit.scan.getLength()) {
  for (auto [number, value] : llvm::enumerate(edit.slices))
    batched[edit.sliceArg(number)] = value;
  for (auto [number, value] : llvm::enumerate(edit.invariants))
    same[edit.invariantArg(number)] = value;
}

/// Operations that this file knows to do with an axis more.
static bool isKnown(Operation *op) {
  return (op->hasTrait<dl::Pointwise>() && isPure(op)) ||
         isa<dl::ContractOp, dl::ConstantOp, dl::BroadcastOp, dl::ReshapeOp, dl::TransposeOp, dl::SliceOp, dl::ConcatOp,
             dl::ReduceOp>(op);
}

bool Batcher::isPossible(Value value) {
  auto [entry, fresh] = possible.try_emplace(value, false);
  if (!fresh)
    return entry->second;
  bool can = batched.contains(value) || same.contains(value);
  if (Operation *op = value.getDefiningOp())
    can = isKnown(op) && llvm::all_of(op->getOperands(), [&](Value operand) { return isPossible(operand); });
  return possible[value] = can;
}

bool Batcher::varies(Value value) {
  if (batched.contains(value))
    return true;
  Operation *op = value.getDefiningOp();
  return op && llvm::any_of(op->getOperands(), [&](Value operand) { return varies(operand); });
}

Value Batcher::all(Value value) {
  if (Value known = batched.lookup(value))
    return known;
  return batched[value] = make(value.getDefiningOp());
}

/// The value of a body that is the same in all iterations.
Value Batcher::once(Value value) {
  if (Value known = same.lookup(value))
    return known;
  Operation *op = value.getDefiningOp();
  IRMapping mapping;
  for (Value operand : op->getOperands())
    mapping.map(operand, once(operand));
  return same[value] = builder.clone(*op, mapping)->getResult(0);
}

static SmallVector<int64_t> shifted(ArrayRef<int64_t> axes, bool withFirst) {
  SmallVector<int64_t> result;
  if (withFirst)
    result.push_back(0);
  for (int64_t axis : axes)
    result.push_back(axis + 1);
  return result;
}

SmallVector<int64_t> Batcher::larger(Value value) const {
  SmallVector<int64_t> shape{length};
  llvm::append_range(shape, shapeOf(value));
  return shape;
}

/// Repeated for each iteration when it is the same in all.
Value Batcher::spread(Value value) {
  if (varies(value))
    return all(value);
  SmallVector<int64_t> axes = llvm::to_vector(llvm::seq<int64_t>(1, shapeOf(value).size() + 1));
  return dl::broadcastTo(builder, value.getLoc(), once(value), larger(value), axes);
}

Value Batcher::make(Operation *op) {
  Location loc = op->getLoc();
  if (auto product = dyn_cast<dl::ContractOp>(op))
    return makeProduct(product);
  if (auto reduce = dyn_cast<dl::ReduceOp>(op))
    return dl::ReduceOp::create(builder, loc, reduce.getKind(), all(op->getOperand(0)),
                                shifted(reduce.getAxes(), false));
  if (op->hasTrait<dl::Movement>())
    return makeMovement(op);
  OperationState state(loc, op->getName());
  for (Value each : op->getOperands())
    state.addOperands(spread(each));
  state.addTypes(stackType(op->getResult(0), length));
  state.propertiesAttr = op->getPropertiesAsAttribute();
  return builder.create(state)->getResult(0);
}

Value Batcher::makeMovement(Operation *op) {
  Location loc = op->getLoc();
  if (auto concat = dyn_cast<dl::ConcatOp>(op)) {
    SmallVector<Value> parts;
    for (Value part : concat.getOperands())
      parts.push_back(spread(part));
    return dl::ConcatOp::create(builder, loc, parts, concat.getAxis() + 1);
  }
  Value operand = all(op->getOperand(0));
  if (auto broadcast = dyn_cast<dl::BroadcastOp>(op))
    return dl::BroadcastOp::create(builder, loc, operand, larger(broadcast), shifted(broadcast.getAxes(), true));
  if (auto reshape = dyn_cast<dl::ReshapeOp>(op))
    return dl::reshapeTo(builder, loc, operand, larger(reshape));
  if (auto transpose = dyn_cast<dl::TransposeOp>(op))
    return dl::TransposeOp::create(builder, loc, operand, shifted(transpose.getPermutation(), true));
  auto slice = cast<dl::SliceOp>(op);
  SmallVector<int64_t> starts{0}, steps{1};
  llvm::append_range(starts, slice.getStarts());
  llvm::append_range(steps, slice.getSteps());
  return dl::SliceOp::create(builder, loc, operand, starts, larger(slice), steps);
}

/// The new axis is a batch axis where both operands vary, else one more row of the one that does.
Value Batcher::makeProduct(dl::ContractOp product) {
  std::string lhs = product.lhsLetters().str(), rhs = product.rhsLetters().str();
  char fresh = 'A';
  while ((lhs + rhs).find(fresh) != std::string::npos)
    ++fresh;
  bool left = varies(product.getLhs()), right = varies(product.getRhs());
  std::string letter(1, fresh), equation = (left ? letter : "") + lhs + "," + (right ? letter : "") + rhs + "->" +
                                           letter + product.resultLetters().str();
  return dl::ContractOp::create(builder, product.getLoc(), equation,
                                left ? all(product.getLhs()) : once(product.getLhs()),
                                right ? all(product.getRhs()) : once(product.getRhs()));
}

} // namespace dlc
