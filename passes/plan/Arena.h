// Where in one block of memory buffers lie whose lifetimes are known.
#pragma once

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include <cstdint>

namespace dlc {

/// Buffers begin at multiples of this many bytes: a cache line, and the widest vector.
constexpr int64_t bufferAlignment = 64;

/// A buffer and the steps, from 0, at which it holds something: `first` to `last`, both included.
struct ArenaBuffer {
  int64_t bytes;
  unsigned first, last;
  /// Set by packArena.
  int64_t offset = 0;
};

/// Sets the offsets so that buffers that live at the same step do not overlap (without `reuse`: no two do) and returns
/// the size of the block. The largest buffers are placed first, each into the tightest gap.
int64_t packArena(llvm::MutableArrayRef<ArenaBuffer> buffers, bool reuse);

} // namespace dlc
