// An endless stream of batches of a data set, prepared in another thread while the step runs. Rows of each field are
// gathered into contiguous buffers aligned to 64 bytes; the last batch of an epoch may be smaller; each epoch has its
// own order, which (seed, epoch) decides. Two chunks of batches take turns: one is consumed while the other is filled,
// and a chunk holds as many batches as make a handover between threads cheap against them.
#pragma once

#include "runtime/Dataset.h"

#include <memory>
#include <string>
#include <vector>

namespace dlc {

/// What to deliver.
struct BatchSpec {
  std::shared_ptr<const Dataset> data;
  std::vector<std::string> fields; ///< in the order of `Batch::inputs`
  int64_t batch = 1;
  bool shuffle = true;
  uint64_t seed = 0;
  int64_t epoch = 0;      ///< the first epoch, from 0
  int64_t batchIndex = 0; ///< the first batch of that epoch, from 0 (to resume in the middle)
  int64_t endEpoch = -1;  ///< ends before this epoch; -1 for never
};

/// One batch; valid until the next call of next().
struct Batch {
  int64_t epoch = 0;
  int64_t index = 0; ///< in the epoch, from 0
  int64_t rows = 0;  ///< examples in it
  bool lastOfEpoch = false;
  const int64_t *rowIndices = nullptr; ///< the examples' rows in the data set
  void *const *inputs = nullptr;       ///< one dense [rows, shape...] tensor for each field
};

class Batches {
public:
  /// Checks the fields (unknown ones and strings are errors) and starts preparing.
  static Result<std::unique_ptr<Batches>> open(const BatchSpec &spec);
  ~Batches();

  /// Batches of one epoch: ceil(rows / batch).
  int64_t batchesPerEpoch() const;
  /// The next batch, or null after the last epoch. Waits for it when it is not ready. A row that cannot be read is an
  /// error in place of its batch; nothing comes after it.
  Result<const Batch *> next();

private:
  struct Implementation;
  explicit Batches(std::unique_ptr<Implementation> implementation);
  std::unique_ptr<Implementation> impl;
};

} // namespace dlc
