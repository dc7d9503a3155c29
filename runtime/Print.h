// Tensors as text, in NumPy's manner: aligned columns, six significant digits or all that there are, one notation for the
// whole tensor, and only the edges of a tensor of more than 1000 elements.
#pragma once

#include "runtime/Abi.h"
#include "runtime/TensorSlot.h"

#include <functional>
#include <limits>
#include <span>
#include <string>
#include <string_view>

namespace dlc {

/// How many significant digits of floats are shown.
struct Digits {
  static constexpr int all = 0; ///< as many as tell a number from all others of its type
  int count = 6;
};

/// A dense row-major tensor as text, without a final newline. Scalars are plain numbers (`48.0`, `true`, `-3`).
std::string formatTensor(DType dtype, std::span<const int64_t> shape, const void *data, Digits digits = {});

/// What a `print` shows, as one line: texts side by side, those of several lines below the one before.
std::string joinPrinted(std::span<const std::string> texts);

/// A line that a compiled function prints: values, each as pieces of text with a tensor between two of them.
struct PrintedLine {
  std::vector<std::vector<std::string>> values;
  std::vector<TensorSlot> tensors; ///< in memory; their blocks are given with the call

  std::string text(void *const *blocks, Digits digits) const;
};

/// Prints what a compiled function prints, while it lives, in calls with this context.
class Printer {
public:
  using Write = std::function<void(std::string_view line)>; ///< without a newline at its end
  Printer(dlc_context &context, const std::vector<PrintedLine> &lines, const Write &write, Digits digits = {});
  Printer(const Printer &) = delete;

private:
  const std::vector<PrintedLine> &lines;
  const Write &write;
  Digits digits;
};

/// `value` as it is to be written: a NaN without its sign, which means nothing and would show as `-nan`.
template <class T> T withoutNanSign(T value) { return value != value ? std::numeric_limits<T>::quiet_NaN() : value; }

} // namespace dlc
