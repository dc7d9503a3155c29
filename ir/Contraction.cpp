// dl.contract: the equation's terms, the inferred type, the einsum rules.
#include "ir/Dialect.h"
#include "ir/Verify.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;

namespace dlc::dl {

namespace {
struct Terms {
  StringRef lhs, rhs, result;
};
} // namespace

/// `nk,mk->nm` as its three terms.
static Terms split(StringRef equation) {
  auto [operands, result] = equation.split("->");
  auto [lhs, rhs] = operands.split(',');
  return {lhs, rhs, result};
}

StringRef ContractOp::lhsLetters() { return split(getEquation()).lhs; }
StringRef ContractOp::rhsLetters() { return split(getEquation()).rhs; }
StringRef ContractOp::resultLetters() { return split(getEquation()).result; }

/// The size of the axis that `letter` names in an operand that has it.
static int64_t sizeOf(char letter, const Terms &terms, ArrayRef<int64_t> lhs, ArrayRef<int64_t> rhs) {
  size_t place = terms.lhs.find(letter);
  return place != StringRef::npos ? lhs[place] : rhs[terms.rhs.find(letter)];
}

void ContractOp::build(OpBuilder &builder, OperationState &state, StringRef equation, Value lhs, Value rhs) {
  Terms terms = split(equation);
  SmallVector<int64_t> shape;
  for (char letter : terms.result)
    shape.push_back(sizeOf(letter, terms, shapeOf(lhs), shapeOf(rhs)));
  build(builder, state, RankedTensorType::get(shape, elementOf(lhs)), equation, lhs, rhs);
}

/// Letters only, none twice, one for each axis.
static LogicalResult verifyTerm(ContractOp op, StringRef name, StringRef term, ArrayRef<int64_t> shape) {
  for (auto [i, letter] : llvm::enumerate(term)) {
    if (!llvm::isAlpha(letter))
      return op.emitOpError() << "equation `" << op.getEquation() << "` has `" << StringRef(&letter, 1)
                              << "`, expected letters as in `nk,mk->nm`";
    if (term.find(letter) != i)
      return op.emitOpError() << "letter `" << StringRef(&letter, 1) << "` stands twice in `" << term
                              << "`, expected at most once in a term";
  }
  if (term.size() != shape.size())
    return op.emitOpError() << "term `" << term << "` names " << term.size() << " axes, expected " << shape.size()
                            << ", the rank of the " << name << " of shape " << listText(shape);
  return success();
}

LogicalResult ContractOp::verify() {
  StringRef equation = getEquation();
  Terms terms = split(equation);
  if (equation.count("->") != 1 || equation.count(',') != 1 || terms.result.contains(','))
    return emitOpError() << "equation is `" << equation << "`, expected two terms and a result as in `nk,mk->nm`";
  ArrayRef<int64_t> lhs = shapeOf(getLhs()), rhs = shapeOf(getRhs()), result = shapeOf(getResult());
  if (failed(verifyTerm(*this, "left operand", terms.lhs, lhs)) ||
      failed(verifyTerm(*this, "right operand", terms.rhs, rhs)) ||
      failed(verifyTerm(*this, "result", terms.result, result)))
    return failure();
  Type element = elementOf(getLhs());
  if (elementOf(getRhs()) != element)
    return emitOpError() << "operands have elements of " << element << " and " << elementOf(getRhs())
                         << ", expected one element type";
  for (char letter : terms.lhs.str() + terms.rhs.str())
    if (!terms.result.contains(letter) && !(terms.lhs.contains(letter) && terms.rhs.contains(letter)))
      return emitOpError() << "letter `" << StringRef(&letter, 1) << "` of `" << equation
                           << "` stands in one operand alone, expected it in the result (or reduced before)";
  for (auto [place, letter] : llvm::enumerate(terms.lhs))
    if (size_t other = terms.rhs.find(letter); other != StringRef::npos && lhs[place] != rhs[other])
      return emitOpError() << "letter `" << StringRef(&letter, 1) << "` is " << lhs[place]
                           << " in the left operand and " << rhs[other] << " in the right one, expected one size";
  SmallVector<int64_t> shape;
  for (char letter : terms.result) {
    if (!terms.lhs.contains(letter) && !terms.rhs.contains(letter))
      return emitOpError() << "letter `" << StringRef(&letter, 1) << "` of the result stands in no operand of `"
                           << equation << "`";
    shape.push_back(sizeOf(letter, terms, lhs, rhs));
  }
  return verifyResult(*this, shape, element, "the sizes that the equation's letters have in the operands");
}

} // namespace dlc::dl
