// What is done with the rows of a data set: it is cut into parts, or its rows are put into another order. The frontend
// says it, the runtime does it (RowParts.h).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace dlc {

struct RowStep {
  enum Kind {
    Split,   ///< `train`, `validate` and the rest
    Fold,    ///< the rest is part `index` of `k`, `train` all others
    Shuffle, ///< one part: all rows
    Choose,  ///< one part: `rows`
  } kind = Split;
  double train = 0, validate = 0; ///< shares; `validate` may be 0
  uint64_t seed = 0;
  bool shuffle = true;
  int64_t k = 0, index = 0;
  std::shared_ptr<const std::vector<int64_t>> rows = {};

  bool isCut() const { return kind == Split || kind == Fold; }
  /// The names of its parts.
  std::vector<std::string> parts() const {
    if (!isCut())
      return {};
    return validate > 0 ? std::vector<std::string>{"train", "validate", "rest"}
                        : std::vector<std::string>{"train", "rest"};
  }
};

} // namespace dlc
