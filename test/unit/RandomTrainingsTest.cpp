// Random small trainings: what `train` makes of a model is what the same steps make of it that are written out, with `grad` and
// arithmetic of models. The batch is the whole data set, so that the order of the examples does not matter.
#include "RandomGenerator.h"
#include "RandomRunner.h"

#include "llvm/Support/PrettyStackTrace.h"
#include <cmath>
#include <gtest/gtest.h>

namespace dlc::random {
namespace {

struct Training {
  std::string text;
  std::vector<std::string> members; ///< of the model
};

/// An optimizer of the library, and its step written out for `p`, with the gradient `g` and what it keeps.
struct Optimizer {
  const char *call, *before, *step;
};
const std::vector<Optimizer> optimizers = {
    {"sgd(lr: 0.125)", "", "p = p - 0.125 * g"},
    {"sgd(lr: 0.25, momentum: 0.5)", "var v = 0 * before\n", "v = 0.5 * v + g\n  p = p - 0.25 * v"},
};

Training training(uint64_t seed) {
  Random random(seed);
  std::string rows = std::to_string(8 + random.below(20)), width = std::to_string(1 + random.below(4)),
              epochs = std::to_string(1 + random.below(3));
  auto number = [&] { return random.of({"0.5", "-0.25", "0.125", "0.75", "1"}); };
  bool hidden = random.oneIn(2), scaled = random.oneIn(2);
  const Optimizer &optimizer = random.of(optimizers);
  Training made;
  made.members = {"w", "b"};
  std::string activation = random.of({"tanh", "sigmoid", "softplus", "relu", "gelu", "silu"});
  made.text = "data points: { x: f32[2], label: i32 } = moons(n: " + rows +
              ", noise: 0.1, seed: " + std::to_string(random.below(5)) + ")\n";
  made.text += "model M(k: dim = " + width + ") {\n";
  made.text += "  param w: f32[" + std::string(hidden ? "2, k" : "2") + "] = " + number() +
               "\n  param b: f32 = " + number() + "\n";
  if (scaled) {
    made.members.push_back("s");
    made.text += "  param s: f32[2] = " + std::string(number()) + "\n";
  }
  std::string x = scaled ? "(x * s)" : "x";
  made.text += "  fn forward(x: f32[n, 2]) -> f32[n] { " + activation + "(" +
               (hidden ? "mean(tanh(" + x + " @ w), axis: 1)" : x + " @ w") + ") + b }\n}\n";
  made.text += "fn loss(m: M, x, label) { " +
               std::string(random.of({"bce_with_logits(m(x), f32(label))", "mse(m(x), f32(label))",
                                      "mean(huber(m(x), f32(label)))", "mean((m(x) - 1) ** 2) + 0.1 * sum(m.w ** 2)",
                                      "mean(where(label == 1, softplus(-m(x)), square(m(x))))"})) +
               " }\n";
  made.text += "let before = M()\nvar p = before\n" + std::string(optimizer.before) + "for i in 0.." + epochs +
               " {\n  let g = grad(m => loss(m, points.x, points.label))(p)\n  " + optimizer.step + "\n}\n";
  made.text += "train trained = M() on points {\n  minimize loss(trained, x, label)\n  optimizer: " +
               std::string(optimizer.call) + "\n  batch: " + rows + "\n  epochs: " + epochs + "\n}\n";
  unsigned i = 0;
  for (const std::string &member : made.members)
    made.text += "let r" + std::to_string(i++) + " = max(abs(trained." + member + " - p." + member + "))\n";
  return made;
}

TEST(RandomTrainings, StepAsWrittenOut) {
  llvm::EnablePrettyStackTrace();
  const char *first = std::getenv("DLC_RANDOM_SEED"), *count = std::getenv("DLC_RANDOM_TRAININGS");
  uint64_t begin = first ? std::strtoull(first, nullptr, 10) : 0,
           end = begin + (count ? std::strtoull(count, nullptr, 10) : 8);
  ProgramRunner runner;
  for (uint64_t seed = begin; seed < end && !testing::Test::HasFailure(); ++seed) {
    Training made = training(seed);
    llvm::PrettyStackTraceString trace(made.text.c_str());
    Outcome outcome = runner.run(made.text, {});
    ASSERT_EQ(outcome.exitCode, 0) << "seed " << seed << "\n" << outcome.messages << made.text;
    ASSERT_EQ(outcome.results.size(), made.members.size()) << made.text;
    for (auto &[name, difference] : outcome.results)
      EXPECT_LT(std::abs(difference.values[0]), 1e-5) << "seed " << seed << ", " << name << "\n" << made.text;
  }
}

} // namespace
} // namespace dlc::random
