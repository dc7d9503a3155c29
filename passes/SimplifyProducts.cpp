// Contractions: movements of operands and results become letters of the equation, and products that need not be done
// are not: by a one-hot matrix (a gather), by something repeated (a smaller product), without a sum (a pointwise
// product).

#include "passes/SimplifyPatterns.h"

#include "llvm/ADT/StringExtras.h"
#include <cmath>

using namespace mlir;

namespace dlc {
namespace {

/// The three terms of an equation.
struct Terms {
  std::string lhs, rhs, result;

  explicit Terms(dl::ContractOp op)
      : lhs(op.lhsLetters().str()), rhs(op.rhsLetters().str()), result(op.resultLetters().str()) {}
  std::string str() const { return lhs + "," + rhs + "->" + result; }
  std::string &operand(unsigned side) { return side == 0 ? lhs : rhs; }
};

bool has(StringRef letters, char letter) { return letters.contains(letter); }

Value contract(OpBuilder &builder, Location loc, const Terms &terms, Value lhs, Value rhs) {
  return dl::ContractOp::create(builder, loc, terms.str(), lhs, rhs);
}

LogicalResult foldTransposedOperand(dl::ContractOp op, PatternRewriter &rewriter) {
  for (unsigned side : {0u, 1u}) {
    auto transpose = op->getOperand(side).getDefiningOp<dl::TransposeOp>();
    if (!transpose)
      continue;
    Terms terms(op);
    std::string letters = terms.operand(side);
    for (auto [axis, from] : llvm::enumerate(transpose.getPermutation()))
      terms.operand(side)[from] = letters[axis];
    rewriter.modifyOpInPlace(op, [&] {
      op->setOperand(side, transpose.getOperand());
      op.setEquation(terms.str());
    });
    return success();
  }
  return failure();
}

LogicalResult foldTransposedResult(dl::TransposeOp op, PatternRewriter &rewriter) {
  auto product = op.getOperand().getDefiningOp<dl::ContractOp>();
  if (!product || !product->hasOneUse())
    return failure();
  Terms terms(product);
  std::string letters;
  for (int64_t axis : op.getPermutation())
    letters += terms.result[axis];
  terms.result = letters;
  rewriter.replaceOp(op, contract(rewriter, product.getLoc(), terms, product.getLhs(), product.getRhs()));
  return success();
}

/// An operand that is repeated along an axis loses the letter; where the result or the other operand had it, that is
/// repeated or summed instead.
LogicalResult foldBroadcastOperand(dl::ContractOp op, PatternRewriter &rewriter) {
  for (unsigned side : {0u, 1u}) {
    Value operand = op->getOperand(side), source;
    auto number = splatOf(operand);
    SmallVector<int64_t> axes;
    if (auto broadcast = operand.getDefiningOp<dl::BroadcastOp>()) {
      source = broadcast.getOperand();
      axes.append(broadcast.getAxes().begin(), broadcast.getAxes().end());
    } else if (number && !shapeOf(operand).empty()) {
      source = splat(rewriter, op.getLoc(), tensorType(operand).clone(ArrayRef<int64_t>()), *number);
    } else {
      continue;
    }
    if (tensorType(source) == tensorType(operand))
      continue;
    Terms terms(op);
    std::string before = terms.operand(side), kept;
    for (int64_t axis : axes)
      kept += before[axis];
    terms.operand(side) = kept;

    // Letters that were summed against the repeated axis: the sum of the other operand alone.
    Value other = op->getOperand(1 - side);
    std::string &otherLetters = terms.operand(1 - side);
    SmallVector<int64_t> summed;
    std::string otherKept;
    for (auto [axis, letter] : llvm::enumerate(otherLetters)) {
      if (has(before, letter) && !has(kept, letter) && !has(terms.result, letter))
        summed.push_back(axis);
      else
        otherKept += letter;
    }
    if (!summed.empty()) {
      // A factor below 1 goes into the sum, which could overflow without it.
      if (number && std::abs(*number) < 1 && isa<FloatType>(elementOf(other))) {
        other = dl::MulOp::create(rewriter, op.getLoc(), other, splat(rewriter, op.getLoc(), other.getType(), *number));
        source = splat(rewriter, op.getLoc(), source.getType(), 1);
      }
      other = dl::ReduceOp::create(rewriter, op.getLoc(), dl::ReduceKind::sum, other, summed);
    }
    otherLetters = otherKept;

    // Letters of the result that neither operand has any more: the result is repeated along them.
    std::string resultKept;
    SmallVector<int64_t> places;
    for (auto [axis, letter] : llvm::enumerate(terms.result)) {
      if (!has(kept, letter) && !has(otherKept, letter))
        continue;
      resultKept += letter;
      places.push_back(axis);
    }
    terms.result = resultKept;
    Value lhs = side == 0 ? source : other, rhs = side == 0 ? other : source;
    Value product = contract(rewriter, op.getLoc(), terms, lhs, rhs);
    rewriter.replaceOp(op, broadcastTo(rewriter, op.getLoc(), product, op.getType().getShape(), places));
    return success();
  }
  return failure();
}

/// A product without a sum is pointwise.
LogicalResult unsummedProduct(dl::ContractOp op, PatternRewriter &rewriter) {
  Terms terms(op);
  for (char letter : terms.lhs + terms.rhs)
    if (!has(terms.result, letter))
      return failure();
  Value factors[2];
  for (unsigned side : {0u, 1u}) {
    std::string letters = terms.operand(side);
    SmallVector<int64_t> permutation, axes;
    for (auto [axis, letter] : llvm::enumerate(terms.result)) {
      size_t place = letters.find(letter);
      if (place == std::string::npos)
        continue;
      permutation.push_back(place);
      axes.push_back(axis);
    }
    Value turned = transposeBy(rewriter, op.getLoc(), op->getOperand(side), permutation);
    factors[side] = broadcastTo(rewriter, op.getLoc(), turned, op.getType().getShape(), axes);
  }
  rewriter.replaceOpWithNewOp<dl::MulOp>(op, op.getType(), factors[0], factors[1]);
  return success();
}

/// An argument scaled by |c| >= 1 is scaled after the product: an epilogue costs nothing, a copy of the argument does.
/// (A smaller factor may be what keeps the product from overflow.)
LogicalResult sinkScale(dl::ContractOp op, PatternRewriter &rewriter) {
  for (unsigned side : {0u, 1u}) {
    auto mul = op->getOperand(side).getDefiningOp<dl::MulOp>();
    if (!mul || !mul->hasOneUse())
      continue;
    for (unsigned part : {0u, 1u}) {
      auto factor = splatOf(mul->getOperand(1 - part));
      Value scaled = mul->getOperand(part), root = scaled;
      while (Operation *source = root.getDefiningOp()) {
        if (!isa<dl::ReshapeOp, dl::TransposeOp>(source))
          break;
        root = source->getOperand(0);
      }
      if (!factor || !(std::abs(*factor) >= 1) || !isa<BlockArgument>(root))
        continue;
      Value operands[2] = {op.getLhs(), op.getRhs()};
      operands[side] = scaled;
      Value product = contract(rewriter, op.getLoc(), Terms(op), operands[0], operands[1]);
      rewriter.replaceOpWithNewOp<dl::MulOp>(op, op.getType(), product,
                                             splat(rewriter, mul.getLoc(), op.getType(), *factor));
      return success();
    }
  }
  return failure();
}

/// The indices of `value` = one_hot(indices) of which `classAxis` is the axis of the classes, if they were checked to
/// be below its size; else null.
Value oneHotIndices(Value value, int64_t &classAxis) {
  auto cast = value.getDefiningOp<dl::CastOp>();
  auto compare = cast ? cast.getOperand().getDefiningOp<dl::CompareOp>() : dl::CompareOp();
  if (!compare || compare.getPredicate() != dl::ComparePredicate::eq)
    return Value();
  for (int side : {0, 1}) {
    auto iota = compare->getOperand(side).getDefiningOp<dl::IotaOp>();
    auto broadcast = compare->getOperand(1 - side).getDefiningOp<dl::BroadcastOp>();
    if (!iota || !broadcast || broadcast.getAxes().size() + 1 != shapeOf(value).size() ||
        llvm::is_contained(broadcast.getAxes(), static_cast<int64_t>(iota.getAxis())))
      continue;
    classAxis = iota.getAxis();
    Value indices = broadcast.getOperand(), root = indices;
    while (auto inner = root.getDefiningOp<dl::CastOp>())
      root = inner.getOperand();
    auto check = root.getDefiningOp<dl::CheckIndexOp>();
    if (check && check.getLow() == 0 && static_cast<int64_t>(check.getLimit()) <= shapeOf(value)[classAxis])
      return isa<IntegerType>(tensorType(indices).getElementType()) ? indices : check.getResult();
  }
  return Value();
}

LogicalResult gatherOneHot(dl::ContractOp op, PatternRewriter &rewriter) {
  for (unsigned side : {0u, 1u}) {
    int64_t classAxis = 0;
    Value indices = oneHotIndices(op->getOperand(side), classAxis);
    if (!indices)
      continue;
    Terms terms(op);
    std::string hot = terms.operand(side), table = terms.operand(1 - side);
    char classes = hot[classAxis];
    hot.erase(classAxis, 1);
    // The classes are summed; every other letter belongs to one operand alone.
    bool fits = has(table, classes) && !has(terms.result, classes);
    for (char letter : hot)
      fits &= has(terms.result, letter) && !has(table, letter);
    if (!fits)
      continue;
    int64_t axis = table.find(classes);
    std::string gathered = table.substr(0, axis) + hot + table.substr(axis + 1);
    Value rows = dl::GatherOp::create(rewriter, op.getLoc(), op->getOperand(1 - side), indices, axis);
    SmallVector<int64_t> permutation;
    for (char letter : terms.result)
      permutation.push_back(gathered.find(letter));
    rewriter.replaceOp(op, transposeBy(rewriter, op.getLoc(), rows, permutation));
    return success();
  }
  return failure();
}

} // namespace

void addProductPatterns(RewritePatternSet &patterns, bool oneHot) {
  patterns.add(foldTransposedOperand);
  patterns.add(foldTransposedResult);
  patterns.add(foldBroadcastOperand);
  patterns.add(unsummedProduct);
  patterns.add(sinkScale);
  if (oneHot)
    patterns.add(gatherOneHot);
}

} // namespace dlc
