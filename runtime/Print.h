// Tensors as text, in NumPy's manner: aligned columns, four significant digits, one notation for the whole tensor, and
// only the edges of a tensor of more than 1000 elements.
#pragma once

#include "runtime/DType.h"

#include <limits>
#include <span>
#include <string>

namespace dlc {

/// A dense row-major tensor as text, without a final newline. Scalars are plain numbers (`48.0`, `true`, `-3`).
std::string formatTensor(DType dtype, std::span<const int64_t> shape, const void *data);

/// `value` as it is to be written: a NaN without its sign, which means nothing and would show as `-nan`.
template <class T> T withoutNanSign(T value) { return value != value ? std::numeric_limits<T>::quiet_NaN() : value; }

} // namespace dlc
