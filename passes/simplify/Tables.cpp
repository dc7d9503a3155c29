// Products with rows of a table that has fewer rows than are asked for, as the embedding of characters: each row is multiplied
// once, not once for each time that it is asked for.
//
// - The product of gathered rows is rows of the table's product.
// - What is added into a table row by row, and is a product, is the product of what is added up row by row.
// - A product that sums over the gathered rows is one over the table's, with what belongs to each row added up before.
//
// The last two give rows that nobody asks for a part of 0 in a sum, which an infinity or NaN would make NaN
// (docs/language.md says so).

#include "passes/simplify/Patterns.h"

#include "ir/Builders.h"

using namespace mlir;

namespace dlc {
namespace {

/// How many times the rows of a table must be asked for on average, and the products of one element that are saved each time, so
/// that moving rows costs less than multiplying them.
constexpr int64_t timesAsked = 2, fewestProducts = 16;

/// The letters of an equation, and sizes by letter.
struct Equation {
  std::string operands[2], result;
  dl::ContractOp op;

  explicit Equation(dl::ContractOp op)
      : operands{op.lhsLetters().str(), op.rhsLetters().str()}, result(op.resultLetters().str()), op(op) {}
  std::string str() { return operands[0] + "," + operands[1] + "->" + result; }

  char fresh() {
    char letter = 'A';
    while (op.getEquation().contains(letter))
      ++letter;
    return letter;
  }
  /// The product of the sizes of the letters that only operand `side` has.
  int64_t ownSize(unsigned side) {
    int64_t size = 1;
    for (auto [letter, extent] : llvm::zip_equal(operands[side], shapeOf(op->getOperand(side))))
      if (operands[1 - side].find(letter) == std::string::npos)
        size *= extent;
    return size;
  }
};

/// `letters` with `letter` where the first of `places` is, and without these.
std::string merged(StringRef letters, StringRef places, char letter) {
  std::string result;
  bool isFirst = true;
  for (char each : letters) {
    if (!places.contains(each))
      result += each;
    else if (std::exchange(isFirst, false))
      result += letter;
  }
  return result;
}

bool areIn(StringRef places, StringRef letters) {
  return llvm::all_of(places, [&](char letter) { return letters.contains(letter); });
}
bool areApart(StringRef places, StringRef letters) {
  return llvm::none_of(places, [&](char letter) { return letters.contains(letter); });
}

bool pays(Value indices, int64_t rows) { return tensorType(indices).getNumElements() >= timesAsked * rows; }

/// contract(E[i], W) = contract(E, W)[i], where the rows' letters are no sum's and the other operand does not have them.
LogicalResult multiplyTable(dl::ContractOp op, PatternRewriter &rewriter) {
  for (unsigned side : {0u, 1u}) {
    auto gather = op->getOperand(side).getDefiningOp<dl::GatherOp>();
    if (!gather)
      continue;
    Equation equation(op);
    int64_t axis = gather.getAxis(), rows = shapeOf(gather.getOperand())[axis];
    std::string places = equation.operands[side].substr(axis, shapeOf(gather.getIndices()).size());
    if (places.empty() || !areIn(places, equation.result) || !areApart(places, equation.operands[1 - side]) ||
        !pays(gather.getIndices(), rows))
      continue;
    char row = equation.fresh();
    equation.operands[side] = merged(equation.operands[side], places, row);
    std::string wanted = std::exchange(equation.result, merged(equation.result, places, row));
    Value operands[2] = {op.getLhs(), op.getRhs()};
    operands[side] = gather.getOperand();
    Value table = dl::ContractOp::create(rewriter, op.getLoc(), equation.str(), operands[0], operands[1]);
    size_t at = equation.result.find(row);
    Value taken = dl::GatherOp::create(rewriter, op.getLoc(), table, gather.getIndices(), at);
    std::string letters = equation.result.substr(0, at) + places + equation.result.substr(at + 1);
    SmallVector<int64_t> permutation;
    for (char letter : wanted)
      permutation.push_back(letters.find(letter));
    rewriter.replaceOp(op, transposeBy(rewriter, op.getLoc(), taken, permutation));
    return success();
  }
  return failure();
}

/// `value`, whose axes are `letters`, added up row by row: at the letters `places` it has what belongs to `indices`, and the
/// result has the rows instead. Null where those axes do not lie side by side.
Value addRows(OpBuilder &builder, Location loc, Value value, StringRef letters, StringRef places, Value indices,
              int64_t rows) {
  SmallVector<int64_t> order, at;
  for (auto [axis, letter] : llvm::enumerate(letters))
    if (size_t place = places.find(letter); place != StringRef::npos) {
      order.push_back(place);
      at.push_back(axis);
    }
  if (at.size() != places.size() || at.empty() || at.back() - at.front() + 1 != int64_t(at.size()))
    return Value();
  SmallVector<int64_t> shape(shapeOf(value).take_front(at.front()));
  shape.push_back(rows);
  llvm::append_range(shape, shapeOf(value).drop_front(at.back() + 1));
  auto type = tensorType(value).clone(shape);
  Value zero = splat(builder, loc, type, 0), ordered = transposeBy(builder, loc, indices, order);
  return dl::ScatterAddOp::create(builder, loc, type, zero, ordered, value, at.front());
}

/// Whether sums of the type may be taken in parts: those of bf16 are rounded each time.
bool isWide(Value value) { return !elementOf(value).isBF16(); }

/// The product of which a row each is added to a table.
LogicalResult addBeforeProduct(dl::ScatterAddOp op, PatternRewriter &rewriter) {
  auto product = op.getUpdates().getDefiningOp<dl::ContractOp>();
  int64_t rows = shapeOf(op.getOperand())[op.getAxis()];
  if (!product || !product.getResult().hasOneUse() || !isWide(product) || !pays(op.getIndices(), rows))
    return failure();
  Equation equation(product);
  std::string places = equation.result.substr(op.getAxis(), shapeOf(op.getIndices()).size());
  for (unsigned side : {0u, 1u}) {
    if (!areIn(places, equation.operands[side]) || !areApart(places, equation.operands[1 - side]) ||
        equation.ownSize(1 - side) < fewestProducts)
      continue;
    Value operands[2] = {product.getLhs(), product.getRhs()};
    operands[side] =
        addRows(rewriter, op.getLoc(), operands[side], equation.operands[side], places, op.getIndices(), rows);
    if (!operands[side])
      continue;
    char row = equation.fresh();
    equation.operands[side] = merged(equation.operands[side], places, row);
    equation.result = merged(equation.result, places, row);
    Value sum = dl::ContractOp::create(rewriter, product.getLoc(), equation.str(), operands[0], operands[1]);
    if (splatOf(op.getOperand()) != 0.0)
      sum = dl::AddOp::create(rewriter, op.getLoc(), op.getOperand(), sum);
    rewriter.replaceOp(op, sum);
    return success();
  }
  return failure();
}

/// The sum over gathered rows.
LogicalResult sumOverTable(dl::ContractOp op, PatternRewriter &rewriter) {
  for (unsigned side : {0u, 1u}) {
    auto gather = op->getOperand(side).getDefiningOp<dl::GatherOp>();
    if (!gather || !isWide(gather))
      continue;
    Equation equation(op);
    int64_t axis = gather.getAxis(), rows = shapeOf(gather.getOperand())[axis];
    std::string places = equation.operands[side].substr(axis, shapeOf(gather.getIndices()).size());
    if (!areIn(places, equation.operands[1 - side]) || !areApart(places, equation.result) ||
        !pays(gather.getIndices(), rows) || equation.ownSize(side) < fewestProducts)
      continue;
    Value operands[2] = {op.getLhs(), op.getRhs()};
    operands[side] = gather.getOperand();
    operands[1 - side] = addRows(rewriter, op.getLoc(), operands[1 - side], equation.operands[1 - side], places,
                                 gather.getIndices(), rows);
    if (!operands[1 - side])
      continue;
    char row = equation.fresh();
    for (std::string &letters : equation.operands)
      letters = merged(letters, places, row);
    rewriter.replaceOp(op, dl::ContractOp::create(rewriter, op.getLoc(), equation.str(), operands[0], operands[1]));
    return success();
  }
  return failure();
}

} // namespace

void addTablePatterns(RewritePatternSet &patterns) {
  patterns.add(multiplyTable);
  patterns.add(addBeforeProduct);
  patterns.add(sumOverTable);
}

} // namespace dlc
