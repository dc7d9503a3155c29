// One aligned, zeroed block of memory: an arena of a compiled step, a block of parameters, a column of a data set.
#pragma once

#include "runtime/Result.h"

#include <cstddef>

namespace dlc {

/// Owns the block. It begins at a multiple of 64 bytes, from 2 MiB on at a multiple of 2 MiB (and asks for huge pages),
/// and is zero at first.
class Arena {
public:
  Arena() = default;
  Arena(Arena &&other) noexcept;
  Arena &operator=(Arena &&other) noexcept;
  ~Arena();

  /// A block of at least `bytes` (0 is allowed); an error says how many could not be had.
  static Result<Arena> allocate(size_t bytes);

  std::byte *data() { return block; }
  const std::byte *data() const { return block; }
  size_t size() const { return bytes; }

private:
  std::byte *block = nullptr;
  size_t bytes = 0;
  size_t mapped = 0; ///< bytes to unmap; 0 when the block came from the heap
};

} // namespace dlc
