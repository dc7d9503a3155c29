// What a loop's body computes of slices and invariants alone is computed for all iterations at once, before the loop: the
// products of an input with weights are one product of T times as many rows.
//
// 0. A product with a concatenation along its sum, of which a part can go and another cannot, is a sum of two products.
// 1. A product that needs no carried value and not the index goes, with all that it needs.
// 2. What is computed of it elementwise and otherwise needs only the like goes too, as long as nothing else reads what is in
//    between: it becomes the product's epilogue.
// 3. The loop gets a slice of the result. Each operation is that of the body with one axis more in front.
// A loop that breaks keeps its products: it may need few of them.

#include "ir/Builders.h"
#include "passes/Passes.h"
#include "passes/loops/Batcher.h"

#include "llvm/ADT/SetVector.h"

using namespace mlir;

namespace dlc {
#define GEN_PASS_DEF_BATCHLOOPS
#include "passes/Passes.h.inc"

namespace {

using dl::shapeOf;

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

/// The sum of the products of the parts of a concatenation, if it is one and only some parts can go; else null.
Value splitProduct(dl::ContractOp product, unsigned side, Batcher &batcher) {
  auto concat = product->getOperand(side).getDefiningOp<dl::ConcatOp>();
  StringRef own = side == 0 ? product.lhsLetters() : product.rhsLetters(),
            others = side == 0 ? product.rhsLetters() : product.lhsLetters();
  if (!concat || product.resultLetters().contains(own[concat.getAxis()]))
    return Value();
  auto canGo = [&](Value part) { return batcher.isPossible(part) && batcher.varies(part); };
  if (llvm::none_of(concat.getOperands(), canGo) || llvm::all_of(concat.getOperands(), canGo))
    return Value();
  Value other = product->getOperand(1 - side), sum;
  size_t axis = others.find(own[concat.getAxis()]);
  if (axis == StringRef::npos)
    return Value();
  OpBuilder builder(product);
  Location loc = product.getLoc();
  SmallVector<int64_t> starts(shapeOf(other).size(), 0), steps(starts.size(), 1);
  for (Value part : concat.getOperands()) {
    SmallVector<int64_t> sizes(shapeOf(other));
    sizes[axis] = shapeOf(part)[concat.getAxis()];
    Value piece = dl::SliceOp::create(builder, loc, other, starts, sizes, steps);
    starts[axis] += sizes[axis];
    Value term =
        dl::ContractOp::create(builder, loc, product.getEquation(), side == 0 ? part : piece, side == 0 ? piece : part);
    sum = sum ? dl::AddOp::create(builder, loc, sum, term).getResult() : term;
  }
  return sum;
}

void batch(dl::ScanOp scan) {
  if (scan.getBreaks() || int64_t(scan.getLength()) < 2)
    return;
  ScanEditor edit(scan);
  OpBuilder before(scan);
  Batcher batcher(edit, before);
  for (auto product : llvm::make_early_inc_range(edit.body.getOps<dl::ContractOp>()))
    for (unsigned side : {0, 1})
      if (Value sum = splitProduct(product, side, batcher)) {
        edit.replace(product, sum);
        product.erase();
        break;
      }
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
