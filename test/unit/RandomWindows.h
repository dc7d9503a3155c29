// Numbers of the operations on windows: convolutions, transposed ones, pooling, padding by elements. RandomWindows.cpp has what
// they mean, RandomWindowTexts.cpp how they are added and written.
#pragma once

#include "RandomMeaning.h"

namespace dlc::random {

enum PadKind { Zeros, Reflect, Replicate, Circular, Same };
inline constexpr const char *padNames[] = {"zeros", "reflect", "replicate", "circular"};

/// What `Node::numbers` of a window's operation says: two numbers of all axes, then four of each.
///   conv: groups, PadKind; stride, padding before, behind, dilation (the kernel is the weight's).
///   conv_transpose: groups; stride, padding, output padding, dilation.
///   max_pool, avg_pool: ceil_mode, count_include_pad; kernel, stride, padding, dilation.
///   adaptive_avg_pool, adaptive_max_pool: the size of the result.
///   pad_with: axis, before, behind, PadKind.
struct Numbers {
  explicit Numbers(const Sizes &numbers) : first(numbers[0]), second(numbers[1]) {
    for (size_t i = 2; i < numbers.size(); i += 4)
      axes.push_back(Sizes(numbers.begin() + i, numbers.begin() + i + 4));
  }
  Sizes each(unsigned which) const {
    Sizes result;
    for (const Sizes &axis : axes)
      result.push_back(axis[which]);
    return result;
  }
  int64_t first, second;
  std::vector<Sizes> axes;
};

inline Sizes chained(Sizes a, const Sizes &b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

} // namespace dlc::random
