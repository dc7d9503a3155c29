// The adjoints of a contraction are contractions: each operand's letters from the result's cotangent and the other
// operand.
#include "ir/Builders.h"

using namespace mlir;

namespace dlc::dl {

/// For z[r] = sum x[p] * y[q]: dx[p] = sum dz[r] * y[q], dy[q] = sum dz[r] * x[p]. Every letter of p is in r or q, and
/// a letter of r or q that is not in p is in both, so these are contractions by the same rules.
LogicalResult ContractOp::adjoint(AdjointContext &context) {
  std::string lhs = lhsLetters().str(), rhs = rhsLetters().str(), result = resultLetters().str();
  auto contract = [&](const std::string &equation, Value other) {
    return ContractOp::create(context.builder, context.loc(), equation, context.cotangent(), other);
  };
  if (context.wants(0))
    context.set(0, contract(result + "," + rhs + "->" + lhs, getRhs()));
  if (context.wants(1))
    context.set(1, contract(result + "," + lhs + "->" + rhs, getLhs()));
  return success();
}

} // namespace dlc::dl
