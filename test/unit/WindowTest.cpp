// Convolutions, transposed ones and pooling of random shapes, with their gradients: compiled code for each vector width
// against the evaluator, and the evaluator's gradients against differences.
#include "test/unit/KernelHarness.h"
#include "test/unit/ProgramHarness.h"
#include "test/unit/WindowPrograms.h"

#include <cmath>
#include <gtest/gtest.h>
#include <random>

namespace dlc {
namespace {

using dl::HostTensor;

class WindowTest : public testing::TestWithParam<test::ControlProgram>, protected test::ProgramHarness {
protected:
  void SetUp() override { load(GetParam().text); }

  std::optional<unsigned> resultOf(const std::string &name) const {
    for (unsigned result = 0; result < expected.size(); ++result)
      if (nameOf(result) == name)
        return result;
    return std::nullopt;
  }
};

double dot(const HostTensor &a, const HostTensor &b) {
  double sum = 0;
  for (auto [x, y] : llvm::zip_equal(a.floats, b.floats))
    sum += x * y;
  return sum;
}

TEST_P(WindowTest, CompiledCodeAgrees) { expectCompiled(test::testTargets()); }

/// Along a random direction of each argument. Its own result is `y<number>`, of which the cotangent is `c<number>`, the
/// gradient of `x<number>` is `dx<number>`.
TEST_P(WindowTest, GradientsAreDifferences) {
  std::mt19937 random;
  std::uniform_real_distribution<> distribution(-1, 1);
  // Of so many bits that no two elements of a window are equal, or so near that a step would change their order.
  const test::HostTensors point = numbers(24);
  const test::HostTensors gradients = evaluated(point);
  ASSERT_EQ(gradients.size(), expected.size());
  constexpr double step = 0x1p-27;
  std::vector<std::string> names;
  for (unsigned i = 0; i < point.size(); ++i)
    names.push_back(function().getArgAttrOfType<mlir::StringAttr>(i, "dl.name").str());
  // Programs do not share arguments, so one argument of each of them moves at a time.
  for (char kind : {'x', 'w', 'b'}) {
    test::HostTensors above = point, below = point, direction = point;
    for (unsigned i = 0; i < point.size(); ++i)
      for (size_t j = 0; names[i][0] == kind && j < point[i].floats.size(); ++j) {
        double toward = direction[i].floats[j] = distribution(random);
        above[i].floats[j] += step * toward;
        below[i].floats[j] -= step * toward;
      }
    const test::HostTensors high = evaluated(above), low = evaluated(below);
    for (unsigned i = 0; i < point.size(); ++i) {
      std::optional<unsigned> gradient = resultOf("d" + names[i]);
      if (names[i][0] != kind || !gradient)
        continue;
      std::string number = names[i].substr(1);
      unsigned y = *resultOf("y" + number), cotangent = unsigned(llvm::find(names, "c" + number) - names.begin());
      HostTensor moved = high[y];
      for (size_t j = 0; j < moved.floats.size(); ++j)
        moved.floats[j] -= low[y].floats[j];
      double expected = dot(moved, point[cotangent]) / (2 * step);
      double found = dot(gradients[*gradient], direction[i]);
      EXPECT_NEAR(found, expected, 1e-6 * (1 + std::abs(expected))) << names[i] << " of\n" << GetParam().text;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Forms, WindowTest, testing::ValuesIn(test::windowPrograms(300, 12)),
                         [](const auto &info) { return info.param.name; });

} // namespace
} // namespace dlc
