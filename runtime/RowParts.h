// Parts of data sets, as a RowStep says them.
#pragma once

#include "runtime/Dataset.h"
#include "runtime/RowStep.h"

namespace dlc {

/// The rows of `data` that a step gives, or its part `part` of those (`train`, `validate`, `rest`). What a seed decides is
/// the same whatever part is asked for. An error where a part would be empty.
Result<Dataset> rowsOf(const Dataset &data, const RowStep &step, const std::string &part);

} // namespace dlc
