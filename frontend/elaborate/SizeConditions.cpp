// Conditions of sizes that have only names, while a definition is checked by itself: what is assumed decides them, or both
// sides are checked.
#include "frontend/elaborate/Elaborator.h"

#include <algorithm>
#include <limits>

namespace dlc {

using namespace ast;

std::optional<bool> Elaborator::decided(bool less, const Size &difference) const {
  if (difference.isConstant())
    return less ? difference.constant() < 0 : difference.constant() == 0;
  // The facts about a difference that is this one, or its negative, up to a number.
  int64_t low = std::numeric_limits<int64_t>::min(), high = std::numeric_limits<int64_t>::max();
  bool notZero = false;
  for (const SizeFact &fact : assumed) {
    Size with = difference - fact.difference, against = difference + fact.difference;
    if (!with.isConstant() && !against.isConstant())
      continue;
    bool same = with.isConstant();
    int64_t shift = (same ? with : against).constant();
    if (!fact.less && !fact.holds)
      notZero |= shift == 0;
    else if (!fact.less)
      low = high = shift;
    else if (fact.holds == same) // below `shift`, or not above it
      high = std::min(high, fact.holds ? shift - 1 : shift);
    else
      low = std::max(low, fact.holds ? shift + 1 : shift);
  }
  if (less)
    return high < 0 ? std::optional(true) : low >= 0 ? std::optional(false) : std::nullopt;
  if (low == 0 && high == 0)
    return true;
  return notZero || low > 0 || high < 0 ? std::optional(false) : std::nullopt;
}

Value Elaborator::compareSizes(BinaryOp op, const Size &a, const Size &b, SourceRange at) {
  // All six are `difference == 0` or `difference < 0`, or the opposite of one.
  bool less = op != BinaryOp::Eq && op != BinaryOp::Ne;
  bool swapped = op == BinaryOp::Gt || op == BinaryOp::Le;
  bool opposite = op == BinaryOp::Ne || op == BinaryOp::Ge || op == BinaryOp::Le;
  Size difference = swapped ? b - a : a - b;
  std::optional<bool> known = decided(less, difference);
  if (!known && splitting) {
    assumed.push_back({less, difference, true});
    known = true;
  }
  if (known)
    return Value::ofBool(*known != opposite, at);
  Value undecided = Value::ofTensor(DType::Bool, {}, {}, at);
  undecided.ofSizes = true;
  undecided.whenTrue = std::make_shared<SizeFacts>(SizeFacts{{less, difference, !opposite}});
  undecided.whenFalse = std::make_shared<SizeFacts>(SizeFacts{{less, difference, opposite}});
  return undecided;
}

} // namespace dlc
