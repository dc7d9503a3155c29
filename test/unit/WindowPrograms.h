// Convolutions and pooling as programs for ControlTest.
#pragma once

#include "test/unit/ControlPrograms.h"

namespace dlc::test {

/// The first `count` of a sequence of random programs.
std::vector<ControlProgram> windowPrograms(unsigned count);

} // namespace dlc::test
