// Loops, branches and windows: what the planned stage and compiled code compute is what the plain graph means, with every
// optimisation, each switched off in turn, and all off; compiled code on one to three threads, to the bit.
#include "test/unit/ControlPrograms.h"
#include "test/unit/ProgramHarness.h"
#include "test/unit/WindowPrograms.h"

#include <gtest/gtest.h>

namespace dlc {
namespace {

class ControlTest : public testing::TestWithParam<test::ControlProgram>, protected test::ProgramHarness {
protected:
  void SetUp() override { load(GetParam().text); }
};

TEST_P(ControlTest, EveryOptimisationOn) { expectPlanned({}); }

TEST_P(ControlTest, EachOptimisationOff) {
  for (llvm::StringRef name : optimizationNames()) {
    SCOPED_TRACE(name.str());
    expectPlanned({name.str()});
  }
}

TEST_P(ControlTest, EveryOptimisationOff) { expectPlanned(everyOptimisation()); }

TEST_P(ControlTest, CompiledCodeAgreesOnAnyNumberOfThreads) { expectCompiled({Target::host()}); }

INSTANTIATE_TEST_SUITE_P(Windows, ControlTest, testing::ValuesIn(test::windowPrograms(32, 1)),
                         [](const auto &info) { return info.param.name; });
INSTANTIATE_TEST_SUITE_P(Programs, ControlTest, testing::ValuesIn(test::controlPrograms()),
                         [](const auto &info) { return info.param.name; });

} // namespace
} // namespace dlc
