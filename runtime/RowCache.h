// Rows that are made once: what fits in memory is kept, what does not is made anew each time.
#pragma once

#include "runtime/Dataset.h"

namespace dlc {

/// A reader that keeps what it has read, if `rows` of `rowBytes` fit in `limit` bytes; else the reader itself.
std::shared_ptr<const RowReader> cached(std::shared_ptr<const RowReader> reader, int64_t rows, size_t rowBytes,
                                        size_t limit);

/// Bytes of memory that this process may take now: what the machine has left and what its control groups allow.
size_t availableMemory();

} // namespace dlc
