// What a loop's body computes of slices and invariants alone is computed for all iterations at once, before the loop: the
// products of an input with weights are one product of T times as many rows.
//
// 1. A product that needs no carried value and not the index goes, with all that it needs.
// 2. What is computed of it elementwise and otherwise needs only the like goes too, as long as nothing else reads what is in
//    between: it becomes the product's epilogue.
// 3. The loop gets a slice of the result. Each operation is that of the body with one axis more in front.
// A loop that breaks keeps its products: it may need few of them.

#include "ir/Builders.h"
#include "passes/Passes.h"
#include "passes/loops/ScanEditor.h"

#include "mlir/IR/IRMapping.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;

namespace dlc {
#define GEN_PASS_DEF_BATCHLOOPS
#include "passes/Passes.h.inc"

namespace {

using dl::shapeOf;

/// Computes values of a body for all iterations.
class Batcher {
public:
  Batcher(ScanEditor &edit, OpBuilder &builder) : builder(builder), length(edit.scan.getLength()) {
    for (auto [number, value] : llvm::enumerate(edit.slices))
      batched[edit.sliceArg(number)] = value;
    for (auto [number, value] : llvm::enumerate(edit.invariants))
      same[edit.invariantArg(number)] = value;
  }

  /// Whether `value` can be computed for all iterations.
  bool isPossible(Value value) {
    auto [entry, fresh] = possible.try_emplace(value, false);
    if (!fresh)
      return entry->second;
    bool can = batched.contains(value) || same.contains(value);
    if (Operation *op = value.getDefiningOp())
      can = isKnown(op) && llvm::all_of(op->getOperands(), [&](Value operand) { return isPossible(operand); });
    return possible[value] = can;
  }
  /// Whether it depends on a slice.
  bool varies(Value value) {
    if (batched.contains(value))
      return true;
    Operation *op = value.getDefiningOp();
    return op && llvm::any_of(op->getOperands(), [&](Value operand) { return varies(operand); });
  }

  /// The value of all iterations, stacked.
  Value all(Value value) {
    if (Value known = batched.lookup(value))
      return known;
    Operation *op = value.getDefiningOp();
    return batched[value] = make(op);
  }

private:
  /// Operations that this file knows to do with an axis more.
  static bool isKnown(Operation *op) {
    if (auto product = dyn_cast<dl::ContractOp>(op))
      return true;
    return (op->hasTrait<dl::Pointwise>() && isPure(op)) ||
           isa<dl::ConstantOp, dl::BroadcastOp, dl::ReshapeOp, dl::TransposeOp, dl::ReduceOp>(op);
  }

  /// The value of a body that is the same in all iterations.
  Value once(Value value) {
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

  SmallVector<int64_t> larger(Value value) const {
    SmallVector<int64_t> shape{length};
    llvm::append_range(shape, shapeOf(value));
    return shape;
  }

  /// Repeated for each iteration when it is the same in all.
  Value spread(Value value) {
    if (varies(value))
      return all(value);
    SmallVector<int64_t> axes = llvm::to_vector(llvm::seq<int64_t>(1, shapeOf(value).size() + 1));
    return dl::broadcastTo(builder, value.getLoc(), once(value), larger(value), axes);
  }

  Value make(Operation *op) {
    Location loc = op->getLoc();
    if (auto product = dyn_cast<dl::ContractOp>(op))
      return makeProduct(product);
    Value operand = op->getOperand(0);
    if (auto broadcast = dyn_cast<dl::BroadcastOp>(op))
      return dl::BroadcastOp::create(builder, loc, all(operand), larger(op->getResult(0)),
                                     shifted(broadcast.getAxes(), true));
    if (isa<dl::ReshapeOp>(op))
      return dl::reshapeTo(builder, loc, all(operand), larger(op->getResult(0)));
    if (auto transpose = dyn_cast<dl::TransposeOp>(op))
      return dl::TransposeOp::create(builder, loc, all(operand), shifted(transpose.getPermutation(), true));
    if (auto reduce = dyn_cast<dl::ReduceOp>(op))
      return dl::ReduceOp::create(builder, loc, reduce.getKind(), all(operand), shifted(reduce.getAxes(), false));
    OperationState state(loc, op->getName());
    for (Value each : op->getOperands())
      state.addOperands(spread(each));
    state.addTypes(stackType(op->getResult(0), length));
    state.propertiesAttr = op->getPropertiesAsAttribute();
    return builder.create(state)->getResult(0);
  }

  /// The new axis is a batch axis where both operands vary, else one more row of the one that does.
  Value makeProduct(dl::ContractOp product) {
    std::string lhs = product.lhsLetters().str(), rhs = product.rhsLetters().str();
    char fresh = 'A';
    while ((lhs + rhs).find(fresh) != std::string::npos)
      ++fresh;
    bool left = varies(product.getLhs()), right = varies(product.getRhs());
    std::string letter(1, fresh), equation = (left ? letter : "") + lhs + "," + (right ? letter : "") + rhs + "->" +
                                             letter + product.resultLetters().str();
    return dl::ContractOp::create(builder, product.getLoc(), equation, left ? all(product.getLhs()) : once(product.getLhs()),
                                  right ? all(product.getRhs()) : once(product.getRhs()));
  }

  OpBuilder &builder;
  int64_t length;
  llvm::DenseMap<Value, Value> batched, same;
  llvm::DenseMap<Value, bool> possible;
};

/// The last of the elementwise operations on `value` that need nothing that varies but what can go.
Value withEpilogue(Value value, Batcher &batcher) {
  while (value.hasOneUse()) {
    Operation *user = *value.getUsers().begin();
    if (!user->hasTrait<dl::Pointwise>() || user->getNumResults() != 1 || !batcher.isPossible(user->getResult(0)))
      break;
    value = user->getResult(0);
  }
  return value;
}

void batch(dl::ScanOp scan) {
  if (scan.getBreaks() || int64_t(scan.getLength()) < 2)
    return;
  ScanEditor edit(scan);
  OpBuilder before(scan);
  Batcher batcher(edit, before);
  llvm::SetVector<Value> roots;
  for (auto product : edit.body.getOps<dl::ContractOp>())
    if (batcher.isPossible(product.getResult()) && batcher.varies(product.getResult()))
      roots.insert(withEpilogue(product.getResult(), batcher));
  if (roots.empty())
    return;
  SmallVector<Value> stacks;
  for (Value root : roots)
    stacks.push_back(batcher.all(root));
  for (auto [root, stack] : llvm::zip_equal(roots, stacks))
    edit.replace(root, edit.addSlice(stack));
  edit.eraseDead();
  edit.finish();
}

struct BatchLoops : impl::BatchLoopsBase<BatchLoops> {
  void runOnOperation() override {
    SmallVector<dl::ScanOp> scans;
    getOperation().walk([&](dl::ScanOp scan) { scans.push_back(scan); });
    for (dl::ScanOp scan : scans)
      batch(scan);
  }
};

} // namespace
} // namespace dlc
