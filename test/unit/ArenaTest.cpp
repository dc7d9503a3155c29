// Aligned, zeroed blocks of any size.
#include "runtime/Arena.h"
#include "RuntimeTesting.h"

using namespace dlc;
using namespace dlc::testing;

TEST(Arena, IsAlignedAndZero) {
  for (size_t bytes :
       {size_t(0), size_t(1), size_t(100), size_t(4096), (size_t(2) << 20) - 1, size_t(2) << 20, size_t(5000001)}) {
    Result<Arena> arena = Arena::allocate(bytes);
    ASSERT_TRUE(arena) << errorOf(arena);
    size_t alignment = bytes >= size_t(2) << 20 ? size_t(2) << 20 : 64;
    EXPECT_EQ(reinterpret_cast<uintptr_t>(arena->data()) % alignment, 0u) << bytes;
    EXPECT_EQ(arena->size(), bytes);
    for (size_t i = 0; i < bytes; i += 997)
      ASSERT_EQ(arena->data()[i], std::byte(0));
    if (bytes > 0)
      arena->data()[bytes - 1] = std::byte(1); // its last byte is ours
  }
}

TEST(Arena, MovesWithoutCopying) {
  Arena first = std::move(*Arena::allocate(1000));
  std::byte *data = first.data();
  Arena second = std::move(first);
  EXPECT_EQ(second.data(), data);
  EXPECT_EQ(first.data(), nullptr);
}

TEST(Arena, MoreThanThereIsIsAnError) {
  std::string error = errorOf(Arena::allocate(size_t(1) << 60));
  EXPECT_TRUE(error.starts_with("needs 1073741824.0 GiB of memory, of which ")) << error;
  EXPECT_NE(errorOf(Arena::allocate(~size_t(0))), "");
}
