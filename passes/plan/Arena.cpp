// Packs the arena: greedy by size, best fit (Pisarchyk and Lee, Efficient Memory Management for Deep Neural Net
// Inference, 2020).

#include "passes/plan/Arena.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"
#include <limits>

namespace dlc {

int64_t packArena(llvm::MutableArrayRef<ArenaBuffer> buffers, bool reuse) {
  llvm::SmallVector<ArenaBuffer *> bySize, placed;
  for (ArenaBuffer &buffer : buffers)
    bySize.push_back(&buffer);
  // Equal sizes stay in the order given: the pointers lie in one array.
  llvm::sort(bySize, [](const ArenaBuffer *a, const ArenaBuffer *b) {
    return a->bytes != b->bytes ? a->bytes > b->bytes : a < b;
  });
  int64_t total = 0;
  for (ArenaBuffer *buffer : bySize) {
    // `placed` is in the order of offsets: walk the gaps between those that live at the same time.
    int64_t end = 0, best = -1, bestGap = std::numeric_limits<int64_t>::max();
    for (const ArenaBuffer *other : placed) {
      if (reuse && (other->last < buffer->first || buffer->last < other->first))
        continue;
      int64_t gap = other->offset - end;
      if (gap >= buffer->bytes && gap < bestGap) {
        best = end;
        bestGap = gap;
      }
      end = std::max<int64_t>(end, llvm::alignTo(other->offset + other->bytes, bufferAlignment));
    }
    buffer->offset = best >= 0 ? best : end;
    total = std::max<int64_t>(total, llvm::alignTo(buffer->offset + buffer->bytes, bufferAlignment));
    auto later = [](const ArenaBuffer *a, const ArenaBuffer *b) { return a->offset < b->offset; };
    placed.insert(llvm::upper_bound(placed, buffer, later), buffer);
  }
  return total;
}

} // namespace dlc
