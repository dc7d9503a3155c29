// The arena: no two buffers that live together overlap, and what is dead gives its place to the next.
#include "passes/plan/Arena.h"

#include <gtest/gtest.h>

namespace dlc {
namespace {

void expectApart(llvm::ArrayRef<ArenaBuffer> buffers, int64_t total) {
  for (const ArenaBuffer &a : buffers) {
    EXPECT_EQ(a.offset % bufferAlignment, 0);
    EXPECT_LE(a.offset + a.bytes, total);
    for (const ArenaBuffer &b : buffers) {
      bool together = a.first <= b.last && b.first <= a.last;
      bool overlap = a.offset < b.offset + b.bytes && b.offset < a.offset + a.bytes;
      EXPECT_FALSE(&a != &b && together && overlap);
    }
  }
}

TEST(PlanArena, DeadBuffersGiveTheirPlace) {
  ArenaBuffer buffers[] = {{1024, 0, 1}, {1024, 1, 2}, {1024, 2, 3}};
  EXPECT_EQ(packArena(buffers, true), 2048);
  expectApart(buffers, 2048);
  EXPECT_EQ(buffers[0].offset, buffers[2].offset);
}

TEST(PlanArena, WithoutReuseNothingIsShared) {
  ArenaBuffer buffers[] = {{1024, 0, 1}, {1024, 1, 2}, {1024, 2, 3}};
  EXPECT_EQ(packArena(buffers, false), 3072);
}

TEST(PlanArena, TheTightestGapIsTaken) {
  // Two gaps remain between buffers that live throughout: one of 256 bytes, one of 128.
  ArenaBuffer buffers[] = {{4096, 0, 9}, {256, 0, 0}, {2048, 0, 9}, {128, 0, 0}, {1024, 0, 9}, {100, 5, 5}};
  int64_t total = packArena(buffers, true);
  expectApart(buffers, total);
  EXPECT_EQ(total, 4096 + 2048 + 1024 + 256 + 128);
}

TEST(PlanArena, ManyBuffersOfOddSizes) {
  std::vector<ArenaBuffer> buffers;
  unsigned state = 1;
  for (unsigned i = 0; i < 300; ++i) {
    state = state * 1664525u + 1013904223u;
    unsigned first = state >> 8 & 127;
    buffers.push_back({state >> 16 & 4095, first, first + (state >> 4 & 15)});
  }
  expectApart(buffers, packArena(buffers, true));
}

TEST(PlanArena, EmptyBuffers) {
  ArenaBuffer buffers[] = {{0, 0, 1}, {0, 0, 1}};
  EXPECT_EQ(packArena(buffers, true), 0);
  EXPECT_EQ(packArena({}, true), 0);
}

} // namespace
} // namespace dlc
