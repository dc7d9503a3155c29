// Counter-based random numbers: Philox4x32-10 of Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1,
// 2, 3" (SC 2011). Header only. Each number is a function of its key and its index alone, so that the order of
// computation and the number of threads do not matter, and the backward pass can draw the forward pass's numbers again.
// The compiler emits exactly these formulas, which are:
//
//   mix64(z)    = splitmix64's step: z += 0x9E3779B97F4A7C15; z = (z ^ z>>30) * 0xBF58476D1CE4E5B9;
//                 z = (z ^ z>>27) * 0x94D049BB133111EB; z ^ z>>31           (64 bits, wrapping, logical shifts)
//   key         = mix64(seed); key = mix64(key ^ path); key = mix64(key ^ index) for each loop index, outermost first
//   words(b)    = Philox4x32-10 of the counter (b, b>>32, step, step>>32) under the key (key, key>>32), low halves each
//   element i   lives in block b = (i / 64) * 16 + i % 16, word w = (i / 16) % 4: sixteen blocks side by side in vector
//               lanes give four stores of sixteen consecutive elements
//   uniform(i)  = (words(b)[w] >> 8) * 2^-24, an f32 in [0, 1)
//   normal(i)   = Box-Muller of the pair p = w & ~1, in f64, rounded to f32 at the end: u = (words(b)[p] + 1) * 2^-32,
//                 v = words(b)[p + 1] * 2^-32, r = sqrt(-2 ln u); r cos(2 pi v) for even w, r sin(2 pi v) for odd w, where
//                 whole quarters of a turn are taken off v first, which is exact
#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <initializer_list>

namespace dlc {

/// The stream that an element is drawn from: key and step.
struct PhiloxStream {
  uint64_t key = 0;
  uint64_t step = 0;
};

inline uint64_t mix64(uint64_t z) {
  z += 0x9E3779B97F4A7C15u;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

/// The stream of a place in the program: `path` is the hash of its call path, `indices` those of the loops around it.
inline PhiloxStream philoxStream(uint64_t seed, uint64_t step, uint64_t path,
                                 std::initializer_list<uint64_t> indices = {}) {
  uint64_t key = mix64(mix64(seed) ^ path);
  for (uint64_t index : indices)
    key = mix64(key ^ index);
  return {key, step};
}

/// Ten rounds of Philox4x32.
inline std::array<uint32_t, 4> philox4x32(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    uint64_t a = uint64_t(0xD2511F53u) * counter[0];
    uint64_t b = uint64_t(0xCD9E8D57u) * counter[2];
    counter = {uint32_t(b >> 32) ^ counter[1] ^ key[0], uint32_t(b), uint32_t(a >> 32) ^ counter[3] ^ key[1],
               uint32_t(a)};
    key[0] += 0x9E3779B9u;
    key[1] += 0xBB67AE85u;
  }
  return counter;
}

/// The four words of a block of the stream.
inline std::array<uint32_t, 4> philoxBlock(PhiloxStream stream, uint64_t block) {
  return philox4x32({uint32_t(block), uint32_t(block >> 32), uint32_t(stream.step), uint32_t(stream.step >> 32)},
                    {uint32_t(stream.key), uint32_t(stream.key >> 32)});
}

/// The block and word of element i.
inline uint64_t philoxBlockOf(uint64_t i) { return i / 64 * 16 + i % 16; }
inline unsigned philoxWordOf(uint64_t i) { return i / 16 % 4; }

/// Element i, in [0, 1).
inline float philoxUniform(PhiloxStream stream, uint64_t i) {
  return float(philoxBlock(stream, philoxBlockOf(i))[philoxWordOf(i)] >> 8) * 0x1p-24f;
}

/// Element i, from the standard normal distribution.
inline float philoxNormal(PhiloxStream stream, uint64_t i) {
  std::array<uint32_t, 4> words = philoxBlock(stream, philoxBlockOf(i));
  unsigned word = philoxWordOf(i), pair = word & ~1u;
  double u = (double(words[pair]) + 1.0) * 0x1p-32, radius = std::sqrt(-2.0 * std::log(u));
  uint32_t quarters = (words[pair + 1] + (uint32_t(1) << 29)) >> 30;
  double angle = double(int32_t(words[pair + 1] - (quarters << 30))) * (6.283185307179586 * 0x1p-32);
  double cosine = std::cos(angle), sine = std::sin(angle);
  double across[] = {cosine, -sine, -cosine, sine}, up[] = {sine, cosine, -sine, -cosine};
  return float(radius * (word % 2 == 0 ? across : up)[quarters]);
}

/// Elements 0..n: lo + (hi - lo) * uniform, computed in f64 and rounded.
inline void fillUniform(float *out, int64_t n, double lo, double hi, PhiloxStream stream) {
  for (int64_t i = 0; i < n; ++i)
    out[i] = float(lo + (hi - lo) * double(philoxUniform(stream, uint64_t(i))));
}

/// Elements 0..n: mean + deviation * normal, computed in f64 and rounded.
inline void fillNormal(float *out, int64_t n, double mean, double deviation, PhiloxStream stream) {
  for (int64_t i = 0; i < n; ++i)
    out[i] = float(mean + deviation * double(philoxNormal(stream, uint64_t(i))));
}

} // namespace dlc
