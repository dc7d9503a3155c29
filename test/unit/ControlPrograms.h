// Programs with loops and branches, as text of stage graph, for ControlTest.
#pragma once

#include <ostream>
#include <string>
#include <vector>

namespace dlc::test {

struct ControlProgram {
  std::string name, text;
  friend void PrintTo(const ControlProgram &program, std::ostream *out) { *out << program.name; }
};

std::vector<ControlProgram> controlPrograms();

} // namespace dlc::test
