// The training loop on a step written by hand: linear regression by gradient descent with momentum. What is shown here
// holds for compiled steps, which have the same signature.
#include "runtime/Training.h"
#include "RuntimeTesting.h"
#include "runtime/Arena.h"
#include "runtime/Checkpoint.h"
#include "runtime/Interrupt.h"
#include "runtime/Safetensors.h"

#include <cmath>
#include <csignal>
#include <cstring>
#include <sys/resource.h>
#include <sys/wait.h>

using namespace dlc;
using namespace dlc::testing;

/// What the step does beside its work; a compiled function has no other way to be told.
static struct {
  int64_t interruptAt = 0;         ///< raises SIGINT in this step
  int64_t interruptEvaluation = 0; ///< raises SIGINT in this call of the evaluate function
  int64_t nanAt = 0;
  int64_t poisonAt = 0; ///< in this step the last weight, or the state, becomes `poison`
  enum { Weight, State } poisoned = Weight;
  float poison = 0;
  float validationLoss = 0; ///< if not 0, the evaluate function's
  float rate = 0.05f;
} behaviour;

/// Parameters w[3] (two factors and a constant), state m[3]; inputs x f32[n, 2], label i32[n], step, seed; outputs
/// loss, the largest label as a report, and the learning rate. Labels must be below 3.
template <bool Training>
static int64_t stepOf(int64_t n, float *w, float *m, void *const *inputs, void *const *outputs, dlc_context *context) {
  auto *x = static_cast<const float *>(inputs[0]);
  auto *label = static_cast<const int32_t *>(inputs[1]);
  int64_t step = *static_cast<const int64_t *>(inputs[2]);
  for (int64_t i = 0; i < n; ++i)
    if (label[i] < 0 || label[i] >= 3) {
      context->error_index = i;
      context->error_value = label[i];
      return 1;
    }
  float loss = 0, largest = 0, gradient[3] = {};
  for (int64_t i = 0; i < n; ++i) {
    float residual = w[0] * x[2 * i] + w[1] * x[2 * i + 1] + w[2] - float(label[i]);
    loss += residual * residual / float(n);
    largest = std::max(largest, float(label[i]));
    for (int j = 0; j < 3; ++j)
      gradient[j] += 2 * residual * (j < 2 ? x[2 * i + j] : 1) / float(n);
  }
  if (Training) {
    for (int j = 0; j < 3; ++j) {
      m[j] = 0.9f * m[j] + gradient[j];
      w[j] -= behaviour.rate * m[j];
    }
    if (step == behaviour.interruptAt)
      raise(SIGINT);
    if (step == behaviour.nanAt)
      loss = -NAN;
    if (step == behaviour.poisonAt)
      (behaviour.poisoned == behaviour.State ? m : w)[2] = behaviour.poison;
    *static_cast<float *>(outputs[2]) = behaviour.rate;
  } else if (behaviour.interruptEvaluation > 0 && --behaviour.interruptEvaluation == 0) {
    raise(SIGINT);
  }
  if (!Training && behaviour.validationLoss != 0)
    loss = behaviour.validationLoss;
  *static_cast<float *>(outputs[0]) = loss;
  *static_cast<float *>(outputs[1]) = largest;
  return 0;
}

template <bool Training, int64_t Rows>
static int64_t function(void *params, void *state, void *const *inputs, void *const *outputs, void *,
                        dlc_context *context) {
  return stepOf<Training>(Rows, static_cast<float *>(params), static_cast<float *>(state), inputs, outputs, context);
}

namespace {
class Training : public ::testing::Test {
protected:
  TemporaryFolder folder;
  ThreadPool pool{2};
  TrainingSpec spec;
  Arena params = std::move(*Arena::allocate(64)), state = std::move(*Arena::allocate(64));
  std::string shown;
  std::vector<std::pair<Mode, int64_t>> asked;

  void SetUp() override {
    behaviour = {};
    spec.params = {denseSlot("w", DType::F32, {3}, 0)};
    spec.state = {denseSlot("m.w", DType::F32, {3}, 0)};
    spec.fields = {"x", "label"};
    spec.data = moons(50, 1);
    spec.batch = 16;
    spec.epochs = 3;
    spec.seed = 5;
    spec.reports = {"largest"};
    spec.learningRate = true;
  }
  void TearDown() override { behaviour = {}; }

  static std::shared_ptr<const Dataset> moons(double n, double seed) {
    return *openSource("moons", {{}, {{"n", n}, {"seed", seed}}},
                       {field("x", DType::F32, {2}), field("label", DType::I32)}, {});
  }

  Result<CompiledFunction> provide(Mode mode, int64_t batch) {
    asked.emplace_back(mode, batch);
    bool training = mode == Mode::Train;
    CompiledFunction compiled;
    if (batch == 16)
      compiled.function = training ? function<true, 16> : function<false, 16>;
    else if (batch == 2) // 50 = 3 * 16 + 2
      compiled.function = training ? function<true, 2> : function<false, 2>;
    else if (batch == 4) // 20 = 16 + 4
      compiled.function = training ? function<true, 4> : function<false, 4>;
    else
      return Error::plain("no step of " + std::to_string(batch));
    compiled.arenaBytes = 1000;
    compiled.checks = {{"label", 0, 3, 1}};
    return compiled;
  }

  Result<TrainingResult> run() {
    OutputSink sink;
    sink.write = [this](std::string_view text) { shown += text; };
    return train(
        spec, [this](Mode mode, int64_t batch) { return provide(mode, batch); }, params.data(), state.data(), pool,
        sink);
  }
  /// Forgets the weights.
  void reset() {
    std::memset(params.data(), 0, 64);
    std::memset(state.data(), 0, 64);
    shown.clear();
  }
  std::string weights() const { return std::string(reinterpret_cast<const char *>(params.data()), 12); }
};

/// The metrics of periods, without their times.
std::vector<double> metricsOf(const TrainingResult &result) {
  std::vector<double> all;
  for (const EpochMetrics &metrics : result.history) {
    all.push_back(metrics.loss);
    all.insert(all.end(), metrics.reports.begin(), metrics.reports.end());
    all.push_back(metrics.validationLoss);
  }
  return all;
}
} // namespace

TEST_F(Training, LearnsAndTellsAboutEachEpoch) {
  spec.validate = moons(20, 2);
  auto result = run();
  ASSERT_TRUE(result) << errorOf(result);
  ASSERT_EQ(result->history.size(), 3u);
  EXPECT_LT(result->history[2].loss, result->history[0].loss);
  EXPECT_EQ(result->history[0].reports[0], 1.0);
  EXPECT_TRUE(result->history[0].validated);
  EXPECT_EQ(result->steps, 12);
  EXPECT_FALSE(result->interrupted || result->stoppedEarly);
  EXPECT_EQ(std::count(shown.begin(), shown.end(), '\n'), 3);
  EXPECT_TRUE(shown.starts_with("epoch 1/3  loss ")) << shown;
  EXPECT_NE(shown.find("  val.largest 1.0000  "), std::string::npos) << shown;
}

TEST_F(Training, AsksForEachFunctionOnceAndWhenNeeded) {
  spec.validate = moons(20, 2);
  ASSERT_TRUE(run());
  EXPECT_EQ(asked, (std::vector<std::pair<Mode, int64_t>>{
                       {Mode::Train, 16}, {Mode::Train, 2}, {Mode::Evaluate, 16}, {Mode::Evaluate, 4}}));
}

TEST_F(Training, MetricsAreAveragedByExamples) {
  spec.validate = moons(20, 2);
  behaviour.rate = 0; // the weights stay 0: the loss is the mean of label^2
  auto result = run();
  ASSERT_TRUE(result) << errorOf(result);
  EXPECT_NEAR(result->history[0].loss, 0.5, 1e-6);
  EXPECT_NEAR(result->history[0].validationLoss, 0.5, 1e-6);
  auto means = evaluate(
      spec, spec.data, [this](Mode mode, int64_t batch) { return provide(mode, batch); }, params.data(), state.data(),
      pool);
  ASSERT_TRUE(means) << errorOf(means);
  EXPECT_NEAR((*means)[0], 0.5, 1e-6);
}

TEST_F(Training, ARunThatIsResumedAfterSomeEpochsGivesTheSameBits) {
  spec.validate = moons(20, 2);
  auto whole = run();
  ASSERT_TRUE(whole) << errorOf(whole);
  std::string expected = weights();
  reset();
  spec.epochs = 2;
  spec.save = folder / "w.safetensors";
  auto first = run();
  ASSERT_TRUE(first) << errorOf(first);
  reset();
  spec.epochs = 3;
  spec.resume = spec.save;
  auto second = run();
  ASSERT_TRUE(second) << errorOf(second);
  EXPECT_EQ(weights(), expected);
  std::vector<double> metrics = metricsOf(*first), rest = metricsOf(*second);
  metrics.insert(metrics.end(), rest.begin(), rest.end());
  EXPECT_EQ(metrics, metricsOf(*whole));
}

TEST_F(Training, CtrlCFinishesTheStepSavesAndSaysHowToResume) {
  spec.logFolder = folder / "whole";
  auto whole = run();
  ASSERT_TRUE(whole) << errorOf(whole);
  std::string expected = weights();
  for (int64_t at = 1; at <= 11; ++at) { // in every place of an epoch
    reset();
    spec.resume = "";
    spec.save = folder / "w.safetensors";
    spec.logFolder = folder / ("log" + std::to_string(at));
    behaviour.interruptAt = at;
    auto first = run();
    ASSERT_TRUE(first) << errorOf(first);
    EXPECT_TRUE(first->interrupted);
    EXPECT_EQ(first->steps, at);
    EXPECT_NE(shown.find("interrupted after step " + std::to_string(at) + " (epoch "), std::string::npos) << shown;
    EXPECT_NE(shown.find("; saved `" + spec.save + "`. To go on, run again with --set resume=" + spec.save + "\n"),
              std::string::npos);
    reset();
    behaviour.interruptAt = 0;
    spec.resume = spec.save + ".resume";
    auto second = run();
    ASSERT_TRUE(second) << errorOf(second);
    EXPECT_EQ(second->steps, 12 - at);
    EXPECT_EQ(weights(), expected) << "interrupted at " << at;
    EXPECT_EQ(second->history.back().loss, whole->history.back().loss);
    EXPECT_EQ(contentOf(spec.logFolder + "/steps.csv"), contentOf(folder / "whole/steps.csv"));
  }
}

TEST_F(Training, CtrlCStopsTheValidationAndTheResumedRunDoesItAgain) {
  spec.validate = moons(50, 2); // four batches
  auto whole = run();
  ASSERT_TRUE(whole) << errorOf(whole);
  std::string expected = weights();
  for (int64_t at : {1, 3, 5, 9, 11}) { // of the first, the second and the last validation
    reset();
    spec.resume = "";
    spec.save = folder / "w.safetensors";
    behaviour.interruptEvaluation = at;
    auto first = run();
    ASSERT_TRUE(first) << errorOf(first);
    EXPECT_TRUE(first->interrupted);
    EXPECT_EQ(first->steps, 4 * ((at + 3) / 4));
    EXPECT_EQ(first->history.size(), size_t((at - 1) / 4));
    reset();
    spec.resume = spec.save;
    auto second = run();
    ASSERT_TRUE(second) << errorOf(second);
    EXPECT_EQ(weights(), expected) << "interrupted at " << at;
    std::vector<double> metrics = metricsOf(*first), rest = metricsOf(*second);
    metrics.insert(metrics.end(), rest.begin(), rest.end());
    EXPECT_EQ(metrics, metricsOf(*whole));
  }
}

TEST_F(Training, CtrlCWithoutSaveSaysThatNothingIsKept) {
  behaviour.interruptAt = 5;
  auto result = run();
  ASSERT_TRUE(result);
  EXPECT_TRUE(result->interrupted);
  EXPECT_TRUE(shown.ends_with("interrupted after step 5 (epoch 2); nothing was saved, for there is no `save`\n"))
      << shown;
}

TEST(Interrupt, ASecondOneEndsTheProcessAtOnce) {
  pid_t child = fork();
  if (child == 0) {
    InterruptScope scope;
    raise(SIGINT);
    if (!scope.requested() || *scope.flag() == 0)
      _exit(1);
    close(STDERR_FILENO);
    raise(SIGINT);
    _exit(2);
  }
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 130);
}

TEST(Interrupt, TheHandlerBeforeComesBack) {
  signal(SIGINT, SIG_IGN);
  {
    InterruptScope outer, inner;
    raise(SIGINT);
    EXPECT_TRUE(outer.requested() && inner.requested());
  }
  EXPECT_EQ(signal(SIGINT, SIG_DFL), SIG_IGN);
  EXPECT_FALSE(InterruptScope().requested());
}

TEST_F(Training, ALossThatIsNotFiniteStopsAtItsStep) {
  behaviour.nanAt = 6;
  EXPECT_EQ(errorOf(run()),
            "the loss became nan at step 6 (epoch 2); a smaller learning rate or `clip_norm` may help, and "
            "`allow_nan: true` goes on regardless");
  spec.allowNan = true;
  auto result = run();
  ASSERT_TRUE(result);
  EXPECT_TRUE(std::isnan(result->history[1].loss));
}

static const std::string advice =
    "; a smaller learning rate or `clip_norm` may help, and `allow_nan: true` goes on regardless";

TEST_F(Training, WhatIsNotFiniteIsNeverSaved) {
  spec.save = folder.write("w", "old");
  for (float poison : {-NAN, INFINITY, -INFINITY})
    for (int64_t epoch : {1, 3}) { // in the last step of an epoch, of which the loss was still finite
      reset();
      folder.write("w", "old");
      behaviour.poison = poison;
      behaviour.poisonAt = 4 * epoch;
      spec.epochs = int(epoch);
      std::string what = std::isnan(poison) ? "nan" : poison > 0 ? "inf" : "-inf";
      EXPECT_EQ(errorOf(run()), "`w` became " + what + " by step " + std::to_string(4 * epoch) + " (epoch " +
                                    std::to_string(epoch) + ")" + advice);
      if (epoch == 1) {
        EXPECT_EQ(contentOf(folder / "w"), "old");
        EXPECT_EQ(folder.files(), std::vector<std::string>{"w"});
      } else { // the epochs before were saved
        EXPECT_EQ(loadResume(folder / "w.resume", {spec.params, params.data()}, {spec.state, state.data()})->epoch, 2);
        EXPECT_FALSE(findNotFinite(spec.params[0], params.data()));
      }
      for (const std::string &file : folder.files())
        std::filesystem::remove(folder / file);
    }
}

TEST_F(Training, TheOptimizersStateIsLookedAtToo) {
  spec.save = folder / "w";
  behaviour.poison = INFINITY;
  behaviour.poisoned = behaviour.State;
  behaviour.poisonAt = 4;
  EXPECT_EQ(errorOf(run()), "the optimizer's `m.w` became inf by step 4 (epoch 1)" + advice);
  EXPECT_TRUE(folder.files().empty());
}

TEST_F(Training, AValidationLossThatIsNotFiniteEndsTheRun) {
  spec.validate = moons(20, 2);
  spec.save = folder / "w";
  behaviour.validationLoss = -NAN;
  EXPECT_EQ(errorOf(run()), "the validation loss became nan after step 4 (epoch 1)" + advice);
  EXPECT_TRUE(folder.files().empty());
  EXPECT_EQ(shown, "");
}

TEST_F(Training, WhoAllowsNanGoesOnButSavesNothing) {
  spec.save = folder / "w";
  spec.allowNan = true;
  behaviour.poison = NAN;
  behaviour.poisonAt = 8;
  EXPECT_EQ(errorOf(run()), "`w` became nan by step 12 (epoch 3): it is not saved");
  EXPECT_NE(shown.find("warning: `w` became nan by step 8 (epoch 2): it is not saved\n"), std::string::npos) << shown;
  EXPECT_NE(shown.find("epoch 3/3  loss nan"), std::string::npos) << shown;
  EXPECT_EQ(SafetensorsFile::read(folder / "w.resume")->metadata().at("epoch"), "1");
}

TEST_F(Training, CtrlCDoesNotSaveNanEither) {
  spec.save = folder / "w";
  behaviour.poison = NAN;
  behaviour.poisonAt = behaviour.interruptAt = 6;
  EXPECT_EQ(errorOf(run()), "`w` became nan by step 6 (epoch 2): it is not saved");
  EXPECT_TRUE(shown.ends_with("interrupted after step 6 (epoch 2)\n")) << shown;
  EXPECT_EQ(SafetensorsFile::read(folder / "w.resume")->metadata().at("step"), "4");
}

TEST_F(Training, WhatWasInfiniteFromTheBeginningMayStaySo) {
  auto keep = [](void *, void *, void *const *, void *const *outputs, void *, dlc_context *) -> int64_t {
    *static_cast<float *>(outputs[0]) = 1;
    return 0;
  };
  TrainingSpec own;
  own.params = {denseSlot("mask", DType::F32, {3}, 0)};
  own.steps = 1;
  own.save = folder / "w";
  reinterpret_cast<float *>(params.data())[1] = -INFINITY;
  OutputSink sink{[](std::string_view) {}};
  auto result = train(
      own, [&](Mode, int64_t) -> Result<CompiledFunction> { return CompiledFunction{keep, 0, {}}; }, params.data(),
      state.data(), pool, sink);
  EXPECT_TRUE(result) << errorOf(result);
}

TEST(TensorSlot, FindsWhatIsNotFinite) {
  float block[8] = {1, 2, 3, INFINITY, 4, 5, 6, NAN}; // the last column is padding
  TensorSlot slot{"w", DType::F32, {2, 3}, 0, {4, 1}};
  EXPECT_FALSE(findNotFinite(slot, block));
  block[5] = INFINITY;
  EXPECT_EQ(findNotFinite(slot, block), INFINITY);
  block[6] = NAN;
  EXPECT_TRUE(std::isnan(*findNotFinite(slot, block)));
  uint16_t halves[2] = {0x3f80, 0xff80};
  EXPECT_EQ(findNotFinite(denseSlot("b", DType::BF16, {2}, 0), halves), -INFINITY);
  double doubles[2] = {1e308, -INFINITY};
  EXPECT_EQ(findNotFinite(denseSlot("d", DType::F64, {2}, 0), doubles), -INFINITY);
  int32_t numbers[1] = {0x7f800000};
  EXPECT_FALSE(findNotFinite(denseSlot("i", DType::I32, {1}, 0), numbers));
  EXPECT_FALSE(findNotFinite(denseSlot("none", DType::F32, {0, 2}, 0), nullptr));
}

TEST_F(Training, AFailedCheckNamesTheRowOfTheDataSet) {
  std::string csv = "x0,x1,label\n";
  for (int i = 0; i < 50; ++i)
    csv += "0.5,0.5," + std::to_string(i == 37 ? 11 : i % 3) + "\n";
  folder.write("x.csv", csv);
  auto data =
      *openSource("csv", {{"x.csv"}, {}}, {field("x", DType::F32, {2}), field("label", DType::I32)}, folder.paths());
  spec.data = data;
  EXPECT_EQ(errorOf(run()), "sample 37 of `csv`: `label` is 11, but must be from 0 to 2");
  spec.data = moons(50, 1);
  spec.validate = data;
  EXPECT_EQ(errorOf(run()), "sample 37 of `csv`: `label` is 11, but must be from 0 to 2");
}

TEST_F(Training, StopsEarlyAndKeepsTheBest) {
  spec.validate = moons(20, 2);
  spec.epochs = 50;
  behaviour.rate = 0.002f; // slow enough to fall in each epoch
  spec.save = folder / "w";
  spec.stopAfter =
      StopAfter{2, false, "val.loss", true}; // "better" is higher here, and it falls: the first is the best
  auto result = run();
  ASSERT_TRUE(result) << errorOf(result);
  EXPECT_TRUE(result->stoppedEarly);
  EXPECT_EQ(result->history.size(), 3u);
  EXPECT_NE(shown.find("stopped: 2 epochs without higher val.loss (best "), std::string::npos) << shown;
  // The value is the best, FILE the last.
  EXPECT_EQ(SafetensorsFile::read(folder / "w.best")->find("w")->bytes, weights());
  EXPECT_NE(SafetensorsFile::read(folder / "w")->find("w")->bytes, weights());
  reset();
  spec.epochs = 1;
  spec.stopAfter.reset();
  spec.save = "";
  ASSERT_TRUE(run());
  EXPECT_EQ(SafetensorsFile::read(folder / "w.best")->find("w")->bytes, weights())
      << "the best is that of the first epoch";
}

TEST_F(Training, InStepsItValidatesEverySoMany) {
  spec.validate = moons(20, 2);
  spec.epochs = 0;
  spec.steps = 10;
  spec.every = 4;
  auto result = run();
  ASSERT_TRUE(result) << errorOf(result);
  ASSERT_EQ(result->history.size(), 3u); // after 4, 8 and 10
  EXPECT_EQ(result->history[1].epoch, 8);
  EXPECT_TRUE(result->history[2].validated);
  EXPECT_EQ(result->steps, 10);
  spec.every = 0;
  result = run();
  ASSERT_TRUE(result) << errorOf(result);
  EXPECT_FALSE(result->history.front().validated);
  EXPECT_TRUE(result->history.back().validated);
}

TEST_F(Training, MayHaveNoData) {
  auto countSteps = [](void *params, void *, void *const *inputs, void *const *outputs, void *,
                       dlc_context *) -> int64_t {
    *static_cast<float *>(params) += 1;
    *static_cast<float *>(outputs[0]) =
        float(*static_cast<const int64_t *>(inputs[0])); // step; there are no fields before it
    return 0;
  };
  TrainingSpec own;
  own.params = spec.params;
  own.steps = 30;
  OutputSink sink{[](std::string_view) {}};
  auto result = train(
      own, [&](Mode, int64_t) -> Result<CompiledFunction> { return CompiledFunction{countSteps, 0, {}}; },
      params.data(), state.data(), pool, sink);
  ASSERT_TRUE(result) << errorOf(result);
  EXPECT_EQ(*reinterpret_cast<float *>(params.data()), 30);
  EXPECT_EQ(result->history.back().loss, 29); // of the last period of three steps: 28, 29, 30
}

TEST_F(Training, SettingsThatMakeNoSenseAreErrors) {
  TrainingSpec good = spec;
  auto errorWith = [&](auto change) {
    spec = good;
    change(spec);
    return errorOf(run());
  };
  EXPECT_EQ(errorWith([](TrainingSpec &s) { s.batch = 0; }), "`batch` is 0, but must be at least 1");
  EXPECT_EQ(errorWith([](TrainingSpec &s) {
              s.data = std::make_shared<Dataset>("none", 0, std::vector<Column>()), s.batch = 0;
            }),
            "the data set `none` has no examples");
  EXPECT_EQ(errorWith([](TrainingSpec &s) { s.epochs = 0; }), "`epochs` is 0, but must be at least 1");
  EXPECT_EQ(errorWith([](TrainingSpec &s) { s.epochs = -2; }), "`epochs` is -2, but must be at least 1");
  EXPECT_EQ(errorWith([](TrainingSpec &s) { s.epochs = 0, s.steps = -1; }), "`steps` is -1, but must be at least 1");
  EXPECT_EQ(errorWith([](TrainingSpec &s) { s.steps = 5; }), "both `epochs` and `steps` are given");
  EXPECT_EQ(errorWith([](TrainingSpec &s) { s.every = 5; }),
            "`every` needs `steps`; with `epochs` the validation follows each epoch");
  EXPECT_EQ(errorWith([](TrainingSpec &s) { s.data = nullptr; }),
            "a training without data is measured in `steps` and has no fields and no `validate`");
  EXPECT_EQ(errorWith([](TrainingSpec &s) { s.fields.push_back("y"); }),
            "the data set `moons` has no field `y` that can be part of a batch");
  EXPECT_EQ(errorWith([](TrainingSpec &s) { s.stopAfter = StopAfter{}; }),
            "`stop_after` waits for `val.loss`, but there is no `validate` data set");
  EXPECT_EQ(errorWith([](TrainingSpec &s) { s.stopAfter = StopAfter{2, false, "largets", false}; }),
            "`stop_after` waits for `largets`, which is neither the loss nor reported; did you mean `largest`?");
  EXPECT_EQ(errorWith([](TrainingSpec &s) { s.stopAfter = StopAfter{0, false, "loss", false}; }),
            "`stop_after` is 0 epochs, but must be at least 1");
  EXPECT_EQ(errorWith([](TrainingSpec &s) { s.save = "/no/such/folder/w"; }),
            "/no/such/folder/w: cannot write it: No such file or directory");
  EXPECT_EQ(errorWith([](TrainingSpec &s) { s.batch = 17; }), "no step of 17") << "the provider's error";
  EXPECT_EQ(errorWith([](TrainingSpec &s) {
              s.validate = *openSource("moons", {}, {field("x", DType::F64, {2}), field("label", DType::I32)}, {});
            }),
            "field `x` is f32[2] in `moons`, but f64[2] in `moons`, which is to validate");
}

TEST_F(Training, AResumedRunMustBeTheSame) {
  spec.save = folder / "w";
  behaviour.interruptAt = 6;
  ASSERT_TRUE(run());
  behaviour.interruptAt = 0;
  spec.resume = spec.save;
  std::string file = folder / "w.resume";
  spec.seed = 6;
  EXPECT_EQ(errorOf(run()), file + ": was written by a run with seed 5, but this one has seed 6");
  spec.seed = 5;
  spec.batch = 4;
  EXPECT_EQ(errorOf(run()), file + ": was written within an epoch of batches of 16, but this run's are of 4");
  spec.batch = 16;
  spec.resume = folder / "none";
  EXPECT_EQ(errorOf(run()), folder / "none.resume" + ": cannot open it: No such file or directory");
  spec.resume = spec.save;
  ASSERT_TRUE(run());
  EXPECT_EQ(shown.find("was written by a run on"), std::string::npos) << shown;
  std::shared_ptr<const Dataset> whole = spec.data;
  spec.data = moons(49, 2);
  ASSERT_TRUE(run());
  EXPECT_NE(shown.find("warning: `" + spec.save + "` was written by a run on 50 examples, but `moons` has 49\n"),
            std::string::npos)
      << shown;
  spec.data = whole;
  ASSERT_TRUE(run());
  EXPECT_NE(shown.find("nothing to do: `" + spec.save + "` was written at the end of the run"), std::string::npos)
      << shown;
}

TEST_F(Training, AFullDiskKeepsTheOldCheckpointAndIsSaidOnceAndAtTheEnd) {
  spec.save = folder.write("w", "old");
  pid_t child = fork();
  if (child == 0) { // a limit of file sizes stands for a full disk
    signal(SIGXFSZ, SIG_IGN);
    struct rlimit limit = {64, 64};
    setrlimit(RLIMIT_FSIZE, &limit);
    ThreadPool own(1); // the parent's threads are not here
    OutputSink sink{[this](std::string_view text) { shown += text; }};
    auto result = train(
        spec, [this](Mode mode, int64_t batch) { return provide(mode, batch); }, params.data(), state.data(), own,
        sink);
    bool warned =
        shown.find("warning: " + spec.save + ".best: cannot write it: File too large\nepoch 2/3") != std::string::npos;
    bool counted = shown.ends_with("warning: 3 of 3 times not all files of `" + spec.save + "` could be written\n");
    bool isError =
        result && result->saveError && result->saveError->str().ends_with(": cannot write it: File too large");
    _exit(warned && counted && isError ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  EXPECT_EQ(contentOf(folder / "w"), "old");
  EXPECT_EQ(folder.files(), std::vector<std::string>{"w"});
}

TEST_F(Training, CategoriesAreKeptWithTheModel) {
  std::string csv = "x0,x1,label,kind\n";
  for (int i = 0; i < 50; ++i)
    csv += "0.5,0.5,1," + std::string(i % 2 ? "odd" : "even") + "\n";
  folder.write("x.csv", csv);
  spec.data = *openSource("csv", {{"x.csv"}, {}},
                          {field("x", DType::F32, {2}), field("label", DType::I32), category("kind")}, folder.paths());
  spec.save = folder / "w";
  ASSERT_TRUE(run());
  EXPECT_EQ(SafetensorsFile::read(folder / "w")->metadata().at("vocabulary.kind"),
            "{\"dtype\":\"i32\",\"entries\":[\"even\",\"odd\"],\"kind\":\"classes\"}");
}
