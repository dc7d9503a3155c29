// Convolutions and pooling as programs for ControlTest and WindowTest.
#pragma once

#include "test/unit/ControlPrograms.h"

namespace dlc::test {

/// The first `count` of a sequence of random forms with their gradients, in programs of `each` of them. A form of number N has
/// the arguments `xN`, `wN`, `bN` as it needs them and `cN`, the cotangent of its result `yN`; then come the results `dxN`, ..
std::vector<ControlProgram> windowPrograms(unsigned count, unsigned each);

} // namespace dlc::test
