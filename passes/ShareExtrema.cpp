// Extrema and their gradients (stage gradient), in the forms that need the least memory.
//
// 1. The place of an extremum, which its gradient needs, is found beside the extremum: where the place is taken of axes made
//    one, so is the extremum, and fusion sees one space. The gradient then reads places, a byte each, and not the operand.
// 2. What is elementwise on values repeated along axes (the cotangent, where the place is) and is then moved to the
//    operand's own shape is moved first: movements of repeated values are arithmetic on indices, and the gradient joins
//    whatever is elementwise behind it.

#include "ir/Builders.h"
#include "passes/Passes.h"

using namespace mlir;

namespace dlc {
#define GEN_PASS_DEF_SHAREEXTREMA
#include "passes/Passes.h.inc"

namespace {
using dl::shapeOf;

/// A longer tree is not repeated.
constexpr size_t maxTree = 16;

/// The reduction whose place `arg` is, of axes that it takes one by one.
dl::ReduceOp extremumOf(dl::ArgReduceOp arg, Value &source) {
  auto reshape = arg.getOperand().getDefiningOp<dl::ReshapeOp>();
  if (!reshape)
    return {};
  ArrayRef<int64_t> apart = shapeOf(reshape.getOperand()), joined = shapeOf(arg.getOperand());
  size_t axis = arg.getAxis();
  if (joined.size() != axis + 1 || apart.size() <= axis || apart.take_front(axis) != joined.take_front(axis))
    return {};
  SmallVector<int64_t> order = llvm::to_vector(llvm::seq<int64_t>(0, apart.size()));
  source = reshape.getOperand();
  if (auto transpose = source.getDefiningOp<dl::TransposeOp>()) {
    order.assign(transpose.getPermutation().begin(), transpose.getPermutation().end());
    source = transpose.getOperand();
  }
  SmallVector<int64_t> reduced(ArrayRef(order).drop_front(axis));
  if (!llvm::is_sorted(ArrayRef(order).take_front(axis)))
    return {};
  llvm::sort(reduced);
  for (Operation *user : source.getUsers())
    if (auto reduce = dyn_cast<dl::ReduceOp>(user); reduce && reduce->getBlock() == arg->getBlock() &&
                                                    reduce.getKind() == arg.getKind() &&
                                                    reduce.getAxes() == ArrayRef(reduced))
      return reduce;
  return {};
}

void takeTogether(dl::ArgReduceOp arg) {
  Value source;
  dl::ReduceOp reduce = extremumOf(arg, source);
  if (!reduce)
    return;
  OpBuilder builder(reduce);
  Value joined = arg.getOperand();
  if (reduce->isBeforeInBlock(arg)) {
    Value from = joined.getDefiningOp<dl::ReshapeOp>().getOperand();
    if (from != source)
      from = dl::TransposeOp::create(builder, arg.getLoc(), source,
                                     from.getDefiningOp<dl::TransposeOp>().getPermutation());
    joined = dl::reshapeTo(builder, arg.getLoc(), from, shapeOf(joined));
    arg.setOperand(joined);
  }
  Value extremum =
      dl::ReduceOp::create(builder, reduce.getLoc(), reduce.getKind(), joined, static_cast<int64_t>(arg.getAxis()));
  reduce.replaceAllUsesWith(extremum);
  reduce.erase();
}

unsigned bitsOf(Value value) { return dl::elementOf(value).getIntOrFloatBitWidth(); }

bool isMove(Operation *op) { return isa_and_nonnull<dl::ReshapeOp, dl::TransposeOp>(op); }

/// A tree of elementwise operations on repeated values, which is moved by reshapes and transpositions.
class MovedTree {
public:
  explicit MovedTree(Operation *last) {
    Value value = last->getResult(0);
    for (; isMove(value.getDefiningOp()); value = value.getDefiningOp()->getOperand(0))
      moves.push_back(value.getDefiningOp());
    root = value;
  }

  bool isWorthwhile() {
    return root.hasOneUse() && root.getDefiningOp() && root.getDefiningOp()->hasTrait<dl::Pointwise>() &&
           isRepeated(root) && repeats && root.getDefiningOp()->getBlock() == moves.front()->getBlock();
  }

  /// The tree where its last movement is.
  Value moved() {
    OpBuilder builder(moves.front());
    return moved(builder, root);
  }

private:
  bool isRepeated(Value value) {
    Operation *op = value.getDefiningOp();
    if (!op || ++size > maxTree)
      return false;
    if (auto broadcast = dyn_cast<dl::BroadcastOp>(op)) {
      repeats |= !shapeOf(broadcast.getOperand()).empty();
      return true;
    }
    if (auto constant = dyn_cast<dl::ConstantOp>(op))
      return constant.getValue().isSplat();
    if (isa<dl::IotaOp>(op))
      return true;
    return op->hasTrait<dl::Pointwise>() && op->getNumResults() == 1 && value.hasOneUse() &&
           llvm::all_of(op->getOperands(), [&](Value operand) { return isRepeated(operand); });
  }

  Value moved(OpBuilder &builder, Value value) {
    Operation *op = value.getDefiningOp();
    if (auto constant = dyn_cast<dl::ConstantOp>(op)) {
      auto type = RankedTensorType::get(shapeOf(moves.front()->getResult(0)), dl::elementOf(value));
      return dl::ConstantOp::create(builder, op->getLoc(),
                                    cast<DenseElementsAttr>(constant.getValue()).resizeSplat(type));
    }
    // What was narrower before it was repeated is read as that.
    if (auto broadcast = dyn_cast<dl::BroadcastOp>(op))
      if (auto cast = broadcast.getOperand().getDefiningOp<dl::CastOp>();
          cast && bitsOf(cast.getOperand()) < bitsOf(value)) {
        Value narrow =
            dl::BroadcastOp::create(builder, op->getLoc(), cast.getOperand(), shapeOf(value), broadcast.getAxes());
        Type wide = RankedTensorType::get(shapeOf(moves.front()->getResult(0)), dl::elementOf(value));
        return dl::CastOp::create(builder, op->getLoc(), wide, moved(builder, narrow));
      }
    if (isa<dl::BroadcastOp, dl::IotaOp>(op)) {
      for (Operation *move : llvm::reverse(moves))
        if (auto transpose = dyn_cast<dl::TransposeOp>(move))
          value = dl::TransposeOp::create(builder, op->getLoc(), value, transpose.getPermutation());
        else
          value = dl::reshapeTo(builder, op->getLoc(), value, shapeOf(move->getResult(0)));
      return value;
    }
    IRMapping mapping;
    for (Value operand : op->getOperands())
      mapping.map(operand, moved(builder, operand));
    Value result = builder.clone(*op, mapping)->getResult(0);
    result.setType(RankedTensorType::get(shapeOf(moves.front()->getResult(0)), dl::elementOf(value)));
    return result;
  }

  /// From the last one to the first.
  SmallVector<Operation *> moves;
  Value root;
  size_t size = 0;
  bool repeats = false;
};

struct ShareExtrema : impl::ShareExtremaBase<ShareExtrema> {
  using ShareExtremaBase::ShareExtremaBase;

  void runOnOperation() override {
    SmallVector<dl::ArgReduceOp> places;
    getOperation().walk([&](dl::ArgReduceOp arg) { places.push_back(arg); });
    llvm::for_each(places, takeTogether);
    SmallVector<Operation *> lasts;
    getOperation().walk([&](Operation *op) {
      if (isMove(op) && llvm::any_of(op->getUsers(), [](Operation *user) { return !isMove(user); }))
        lasts.push_back(op);
    });
    for (Operation *last : lasts)
      if (MovedTree tree(last); tree.isWorthwhile())
        last->getResult(0).replaceAllUsesWith(tree.moved());
  }
};

} // namespace
} // namespace dlc
