// Integers in another width.
#pragma once

#include "frontend/elaborate/Elaborator.h"

namespace dlc {

/// An integer tensor of any shape in another integer dtype. Where a number does not fit, the run ends with an error that
/// names it.
Value inWidth(Elaborator &e, Value value, DType dtype);

} // namespace dlc
