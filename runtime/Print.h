// Tensors as text, in NumPy's manner: aligned columns, four significant digits, one notation for the whole tensor, and
// only the edges of a tensor of more than 1000 elements.
#pragma once

#include "runtime/DType.h"

#include <span>
#include <string>

namespace dlc {

/// A dense row-major tensor as text, without a final newline. Scalars are plain numbers (`48.0`, `true`, `-3`).
std::string formatTensor(DType dtype, std::span<const int64_t> shape, const void *data);

} // namespace dlc
