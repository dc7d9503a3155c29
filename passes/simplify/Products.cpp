// Contractions: movements of operands and results become letters of the equation, and products that need not be done
// are not: by a one-hot matrix (a gather), by something repeated (a smaller product, or a sum), without a sum (a
// pointwise product).

#include "passes/simplify/Patterns.h"

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

/// Gathered rows come in the order in which the result, or the other operand, has their axes: then axes that are summed, or
/// that are rows, follow one another in memory and are one. The places are moved, not the rows.
LogicalResult orderGathered(dl::ContractOp op, PatternRewriter &rewriter) {
  for (unsigned side : {0u, 1u}) {
    auto gather = op->getOperand(side).getDefiningOp<dl::GatherOp>();
    if (!gather)
      continue;
    Terms terms(op);
    std::string &letters = terms.operand(side);
    size_t first = gather.getAxis(), count = shapeOf(gather.getIndices()).size();
    StringRef places = StringRef(letters).substr(first, count), result = op.resultLetters();
    auto areIn = [&](StringRef term) {
      return llvm::all_of(places, [&](char letter) { return term.contains(letter); });
    };
    StringRef other = side == 0 ? op.rhsLetters() : op.lhsLetters();
    StringRef wanted = areIn(result) ? result : other;
    if (!areIn(wanted))
      continue;
    SmallVector<int64_t> order = llvm::to_vector(llvm::seq<int64_t>(count));
    llvm::sort(order, [&](int64_t a, int64_t b) { return wanted.find(places[a]) < wanted.find(places[b]); });
    if (llvm::is_sorted(order))
      continue;
    std::string ordered;
    for (int64_t place : order)
      ordered += places[place];
    letters.replace(first, count, ordered);
    Value moved = dl::TransposeOp::create(rewriter, op.getLoc(), gather.getIndices(), order);
    Value rows = dl::GatherOp::create(rewriter, op.getLoc(), gather.getOperand(), moved, first);
    rewriter.modifyOpInPlace(op, [&] {
      op->setOperand(side, rows);
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

/// Where the letters of `part` stand in `whole`; nothing if one is not there.
std::optional<SmallVector<int64_t>> placesIn(StringRef whole, StringRef part) {
  SmallVector<int64_t> places;
  for (char letter : part) {
    if (!has(whole, letter))
      return std::nullopt;
    places.push_back(whole.find(letter));
  }
  return places;
}

/// The product of an operand that is `source`, with letters `kept`, along all others: a sum of the other operand's
/// elements, each times the one of `source` that belongs to it. The factor stays inside the sum, which might overflow
/// without it; null if `source` has letters of its own, by which the elements would become more.
Value sumOfScaled(OpBuilder &builder, dl::ContractOp op, unsigned side, Value source, StringRef kept) {
  Terms terms(op);
  std::string letters = terms.operand(1 - side), left;
  auto places = placesIn(letters, kept);
  if (!places)
    return Value();
  Location loc = op.getLoc();
  Value other = op->getOperand(1 - side);
  Value factor = broadcastTo(builder, loc, source, shapeOf(other), *places);
  SmallVector<int64_t> summed;
  for (auto [axis, letter] : llvm::enumerate(letters)) {
    if (has(terms.result, letter))
      left += letter;
    else
      summed.push_back(axis);
  }
  Value scaled = dl::MulOp::create(builder, loc, other, factor);
  Value sum = dl::ReduceOp::create(builder, loc, dl::ReduceKind::sum, scaled, summed);
  // In the result's order, and repeated along what only the result has.
  std::string inOrder;
  for (char letter : terms.result)
    if (has(left, letter))
      inOrder += letter;
  Value turned = transposeBy(builder, loc, sum, *placesIn(left, inOrder));
  return broadcastTo(builder, loc, turned, op.getType().getShape(), *placesIn(terms.result, inOrder));
}

/// An operand that is repeated along an axis loses the letter; where the result had it, that is repeated instead, and
/// where the other operand is summed along it, the product is a sum of that one's elements.
LogicalResult foldBroadcastOperand(dl::ContractOp op, PatternRewriter &rewriter) {
  for (unsigned side : {0u, 1u}) {
    Value operand = op->getOperand(side), source;
    SmallVector<int64_t> axes;
    if (auto broadcast = operand.getDefiningOp<dl::BroadcastOp>()) {
      source = broadcast.getOperand();
      axes.append(broadcast.getAxes().begin(), broadcast.getAxes().end());
    } else if (auto number = splatOf(operand); number && !shapeOf(operand).empty()) {
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
    // What is summed along the repeated axes; an axis of size 1 is no sum and just goes.
    Value other = op->getOperand(1 - side);
    std::string &otherLetters = terms.operand(1 - side), otherKept;
    SmallVector<int64_t> otherShape;
    bool sums = false;
    for (auto [axis, letter] : llvm::enumerate(otherLetters)) {
      if (has(before, letter) && !has(kept, letter) && !has(terms.result, letter)) {
        sums |= shapeOf(other)[axis] != 1;
        continue;
      }
      otherKept += letter;
      otherShape.push_back(shapeOf(other)[axis]);
    }
    if (sums) {
      Value sum = sumOfScaled(rewriter, op, side, source, kept);
      if (!sum)
        continue;
      rewriter.replaceOp(op, sum);
      return success();
    }

    // Letters of the result that neither operand has any more: the result is repeated along them.
    terms.operand(side) = kept;
    otherLetters = otherKept;
    other = reshapeTo(rewriter, op.getLoc(), other, otherShape);
    std::string all = terms.result;
    terms.result.clear();
    for (char letter : all)
      if (has(terms.lhs, letter) || has(terms.rhs, letter))
        terms.result += letter;
    Value lhs = side == 0 ? source : other, rhs = side == 0 ? other : source;
    Value product = contract(rewriter, op.getLoc(), terms, lhs, rhs);
    rewriter.replaceOp(
        op, broadcastTo(rewriter, op.getLoc(), product, op.getType().getShape(), *placesIn(all, terms.result)));
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

/// Whether `type` holds each integer from 0 to `limit` - 1.
bool holdsUpTo(Type type, int64_t limit) {
  if (auto toFloat = dyn_cast<FloatType>(type))
    return limit - 1 <= int64_t(1) << toFloat.getFPMantissaWidth();
  unsigned bits = type.getIntOrFloatBitWidth() - (type.isUnsignedInteger() || type.isInteger(1) ? 0 : 1);
  return bits >= 63 || limit <= int64_t(1) << bits;
}

/// The indices of `value` = one_hot(indices) of which `classAxis` is the axis of the classes, if they were checked to
/// be below its size and no class is taken for another on the way; else null.
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
    int64_t classes = shapeOf(value)[classAxis];
    Value indices = broadcast.getOperand(), root = indices;
    bool exact = holdsUpTo(elementOf(indices), classes);
    while (auto inner = root.getDefiningOp<dl::CastOp>()) {
      exact &= holdsUpTo(elementOf(root), classes);
      root = inner.getOperand();
    }
    auto check = root.getDefiningOp<dl::CheckIndexOp>();
    if (exact && check && check.getLow() == 0 && static_cast<int64_t>(check.getLimit()) <= classes)
      return isa<IntegerType>(elementOf(indices)) ? indices : check.getResult();
  }
  return Value();
}

/// A row times 1 and all others times 0 is the row, unless there is an infinity or NaN in another: the one place where
/// 0 * x is taken for 0 (docs/language.md says so).
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
  patterns.add(orderGathered);
  patterns.add(foldTransposedResult);
  patterns.add(foldBroadcastOperand);
  patterns.add(unsummedProduct);
  if (oneHot)
    patterns.add(gatherOneHot);
}

} // namespace dlc
