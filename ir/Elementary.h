// The elementary functions of ElementaryFunctions.def, and the classes of those that few files name.
#pragma once

#include "ir/Dialect.h"

#define GET_OP_CLASSES
#include "ir/Elementary.h.inc"

namespace dlc::dl {

/// Whether `op` is one of ElementaryFunctions.def: as dear as a dozen multiplications, or more.
bool isElementary(mlir::Operation *op);

} // namespace dlc::dl
