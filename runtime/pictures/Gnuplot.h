// Runs gnuplot, without a shell and without a person's settings.
#pragma once

#include "runtime/Result.h"

#include <chrono>

namespace dlc {

/// Gives gnuplot a script. False when there is no gnuplot on the path; an error when it fails or takes longer than `limit`.
Result<bool> runGnuplot(const std::string &script, std::chrono::milliseconds limit = std::chrono::seconds(60));

} // namespace dlc
