// What a loop runs over: the rows of a tensor, a range, or several of these at once.
#pragma once

#include "frontend/elaborate/Elaborator.h"

namespace dlc {

struct LoopSource {
  Value value;                       ///< a range, a tensor, or several zipped
  std::optional<Size> begin, length; ///< a range's begin, how many turns; unless the bounds of a range are computed
  std::vector<LoopSource> parts;     ///< of what is zipped

  /// Whether all of it are numbers that are known.
  bool isKnownRange() const {
    return value.kind == Value::Range && begin && begin->isConstant() && length->isConstant();
  }
  /// The tensors whose rows it gives, in order.
  std::vector<Value> tensors() const;
  /// The item of a turn: rows, and numbers counted from the begin of a range.
  Value item(Elaborator &e, const Value &index, llvm::ArrayRef<Value> rows) const;
  /// The items of a range of known numbers.
  std::vector<Value> knownItems() const;
};

/// What `source` gives to a loop; nothing when an error was reported. `what`: `what a loop runs over`.
std::optional<LoopSource> loopSource(Elaborator &e, const Value &source, const char *what);

} // namespace dlc
