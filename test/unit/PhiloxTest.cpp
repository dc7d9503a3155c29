// Philox against Random123's published vectors, and the distributions made of it.
#include "runtime/Philox.h"
#include "RuntimeTesting.h"

#include <cmath>

using namespace dlc;

TEST(Philox, KnownAnswersOfRandom123) {
  using Words = std::array<uint32_t, 4>;
  EXPECT_EQ(philox4x32({0, 0, 0, 0}, {0, 0}), (Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(philox4x32({~0u, ~0u, ~0u, ~0u}, {~0u, ~0u}), (Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(Philox, ElementsShareBlocksInGroupsOf64) {
  // The documented layout: sixteen blocks side by side, one word after the other.
  PhiloxStream stream = philoxStream(1, 2, 3, {4});
  for (uint64_t i : {0, 15, 16, 63, 64, 1000})
    EXPECT_EQ(philoxUniform(stream, i),
              float(philoxBlock(stream, i / 64 * 16 + i % 16)[i / 16 % 4] >> 8) / 16777216.0f);
}

TEST(Philox, StreamsDifferInSeedStepPathAndIndices) {
  std::vector<PhiloxStream> streams = {
      philoxStream(1, 1, 1),      philoxStream(2, 1, 1),      philoxStream(1, 2, 1),        philoxStream(1, 1, 2),
      philoxStream(1, 1, 1, {0}), philoxStream(1, 1, 1, {1}), philoxStream(1, 1, 1, {0, 0})};
  for (size_t i = 0; i < streams.size(); ++i)
    for (size_t j = 0; j < i; ++j)
      EXPECT_NE(philoxBlock(streams[i], 0), philoxBlock(streams[j], 0)) << i << " and " << j;
}

TEST(Philox, UniformFillsItsRange) {
  std::vector<float> values(100000);
  fillUniform(values.data(), int64_t(values.size()), -2, 4, philoxStream(7, 0, 0));
  double sum = 0, squares = 0;
  for (float value : values) {
    ASSERT_GE(value, -2.0f);
    ASSERT_LT(value, 4.0f);
    sum += value;
    squares += (value - 1) * (value - 1);
  }
  EXPECT_NEAR(sum / 1e5, 1, 0.02);
  EXPECT_NEAR(squares / 1e5, 3, 0.05); // 6 * 6 / 12
}

TEST(Philox, NormalHasItsMomentsAndIndependentPairs) {
  std::vector<float> values(100000);
  fillNormal(values.data(), int64_t(values.size()), 0, 1, philoxStream(7, 1, 0));
  double sum = 0, squares = 0, fourth = 0, pairs = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    double v = values[i];
    ASSERT_TRUE(std::isfinite(v));
    sum += v;
    squares += v * v;
    fourth += v * v * v * v;
    if (i % 32 < 16) // the cosine and the sine of one pair of words
      pairs += v * values[i + 16 < values.size() ? i + 16 : i];
  }
  EXPECT_NEAR(sum / 1e5, 0, 0.02);
  EXPECT_NEAR(squares / 1e5, 1, 0.02);
  EXPECT_NEAR(fourth / 1e5, 3, 0.15);
  EXPECT_NEAR(pairs / 5e4, 0, 0.02);
}
