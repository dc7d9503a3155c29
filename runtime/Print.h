// Tensors as text, in NumPy's manner: aligned columns, four significant digits, one notation for the whole tensor, and
// only the edges of a tensor of more than 1000 elements.
#pragma once

#include "runtime/DType.h"

#include <cmath>
#include <span>
#include <string>

namespace dlc {

/// The same number; of NaN the one that prints as `nan`, whatever the sign it came with.
inline double withoutNanSign(double value) { return std::isnan(value) ? std::fabs(value) : value; }

/// A dense row-major tensor as text, without a final newline. Scalars are plain numbers (`48.0`, `true`, `-3`).
std::string formatTensor(DType dtype, std::span<const int64_t> shape, const void *data);

} // namespace dlc
