// The loop of a run. A period is an epoch, or with `steps` the steps between two validations; at its end come, in this
// order, validation, the decision what is best, the lasting line, the files, and the decision to stop.
#include "runtime/Training.h"

#include "runtime/Interrupt.h"
#include "runtime/Print.h"
#include "runtime/RunFiles.h"
#include "runtime/StepLog.h"
#include "runtime/TrainingFunctions.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <fmt/format.h>
#include <limits>
#include <utility>

namespace dlc {

using Clock = std::chrono::steady_clock;

static double secondsSince(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

namespace {

class TrainingRun {
public:
  TrainingRun(const TrainingSpec &spec, const FunctionProvider &provider, void *params, void *state, ThreadPool &pool,
              const OutputSink &output)
      : spec(spec), functions(spec, provider, params, state, pool), files(spec, params, state),
        best(bestMetricOf(spec)),
        progress(output, (spec.label.empty() ? "" : spec.label + " ") + (spec.epochs > 0 ? "epoch" : "step"),
                 spec.epochs > 0 ? spec.epochs : spec.steps) {}

  Result<TrainingResult> run();

private:
  Result<void> begin();
  bool finished() const { return spec.epochs > 0 ? at.epoch >= spec.epochs : at.step >= spec.steps; }
  /// Whether all steps of a period are done and its end (validation, files) is still to come.
  bool periodEnded() const;
  /// What a step gave; no examples when it was stopped and has changed nothing.
  struct StepOutcome {
    std::vector<float> means; ///< of the loss and the reports
    std::optional<float> learningRate;
    int64_t examples = 0;
    bool endsEpoch = false;
  };
  Result<const Batch *> nextBatch();
  Result<StepOutcome> stepOfOne();
  Result<StepOutcome> stepOfSeveral();
  Result<void> step();
  std::string place() const;
  void say(const std::string &text) { progress.note(spec.label.empty() ? text : spec.label + ": " + text); }
  Error notFinite(const std::string &what, const std::string &cause = "") const;
  void findCause(float loss, const Batch *batch);
  void log(const StepOutcome &outcome);
  void showProgress();
  void flushLog();
  Result<void> endPeriod(bool &stop);
  Result<bool> validate(EpochMetrics &metrics);
  NamedValues named(const EpochMetrics &metrics) const;
  bool judge(const EpochMetrics &metrics);
  void sayTimes(const EpochMetrics &metrics);
  void saveFiles(bool isBest);
  void endInterrupted();

  const TrainingSpec &spec;
  TrainingFunctions functions;
  RunFiles files;
  StopAfter best; ///< the metric that decides
  Progress progress;
  std::unique_ptr<Batches> batches;
  std::optional<StepLog> stepLog;
  RunPosition at;
  MetricSums sums;
  TrainingResult result;
  std::string cause;              ///< why the loss of the step under way is not finite, where the batch says it
  std::optional<Error> saveError; ///< of the last attempt to save
  bool isFinite = true;           ///< what was to be saved then
  int64_t saves = 0, failedSaves = 0;
  bool saved = false; ///< this run has written its files
  Clock::time_point started = Clock::now();
  Clock::time_point periodStarted; ///< moved back by what an interrupted run had already spent
  double trainSeconds = 0;         ///< of steps after the first, in finished periods
  Clock::time_point trainStarted;  ///< of the steps after the first in the period under way
  double waitSeconds = 0;          ///< for batches, in the period under way
  int64_t examples = 0;            ///< in steps after the first
};

} // namespace

Result<void> TrainingRun::begin() {
  if (Result<void> ok = checkSpec(spec); !ok)
    return ok;
  Result<RunPosition> position = files.begin();
  if (!position)
    return position.error();
  at = *position;
  if (spec.data && at.rows > 0 && at.rows != spec.data->size())
    say(fmt::format("warning: `{}` was written by a run on {} examples, but `{}` has {}", spec.resume, at.rows,
                    spec.data->name(), spec.data->size()));
  at.rows = spec.data ? spec.data->size() : 0;
  result.log.metrics.resize(1 + spec.reports.size());
  sums.sums = at.sums;
  sums.examples = at.sumExamples;
  if (!spec.logFolder.empty()) {
    Result<StepLog> opened = StepLog::open(spec.logFolder, spec.reports, at.step, spec.validate != nullptr);
    if (!opened)
      return opened.error();
    stepLog.emplace(std::move(*opened));
  }
  if (!spec.data || finished())
    return {};
  BatchSpec stream{
      spec.data, spec.fields, spec.batch, spec.shuffle, spec.seed, at.epoch, at.stepInEpoch * spec.accumulate, -1};
  if (spec.epochs > 0)
    stream.endEpoch = spec.epochs;
  stream.weights = spec.weights;
  Result<std::unique_ptr<Batches>> opened = Batches::open(stream);
  if (!opened)
    return opened.error();
  batches = std::move(*opened);
  return {};
}

/// The last step that was done: `step 7 (epoch 2)`.
std::string TrainingRun::place() const {
  std::string epoch = spec.data ? fmt::format(" (epoch {})", at.stepInEpoch == 0 ? at.epoch : at.epoch + 1) : "";
  return fmt::format("step {}{}", at.step, epoch);
}

/// The error of what became NaN or infinite.
Error TrainingRun::notFinite(const std::string &what, const std::string &cause) const {
  std::string advice = cause.empty() ? "; a smaller learning rate or `clip_norm` may help" : cause;
  return Error::plain(fmt::format("{} {}{}, and `allow_nan: true` goes on regardless", what, place(), advice));
}

/// A loss may be NaN because the batch is. One of the first step has met no learning rate.
void TrainingRun::findCause(float loss, const Batch *batch) {
  if (std::isfinite(loss) || !cause.empty())
    return;
  for (size_t i = 0; batch != nullptr && i < spec.fields.size(); ++i) {
    const Column *column = spec.data->column(spec.fields[i]);
    std::vector<int64_t> shape = {batch->rows};
    shape.insert(shape.end(), column->spec.shape.begin(), column->spec.shape.end());
    TensorSlot slot = denseSlot(spec.fields[i], column->spec.dtype, std::move(shape), 0);
    if (std::optional<double> value = findNotFinite(slot, batch->inputs[i])) {
      cause = fmt::format(": `{}` of the batch has the value {}", slot.name, withoutNanSign(*value));
      return;
    }
  }
  if (at.step == 0)
    cause =
        ", before anything was learnt: look for a logarithm or a root of numbers below 0, a division by 0, or initial "
        "values and data that are very large";
}

void TrainingRun::log(const StepOutcome &outcome) {
  float learningRate = outcome.learningRate.value_or(std::numeric_limits<float>::quiet_NaN());
  result.log.steps.push_back(at.step);
  result.log.learningRates.push_back(learningRate);
  for (size_t i = 0; i < outcome.means.size(); ++i)
    result.log.metrics[i].push_back(outcome.means[i]);
  if (stepLog)
    stepLog->step(at.step, outcome.means[0], learningRate, std::span(outcome.means).subspan(1));
}

bool TrainingRun::periodEnded() const {
  int64_t every = spec.every > 0 ? spec.every : (spec.steps + 9) / 10;
  return sums.examples > 0 && (spec.epochs > 0 ? at.stepInEpoch == 0 : at.step % every == 0 || finished());
}

/// The batch of the next step; null without data.
Result<const Batch *> TrainingRun::nextBatch() {
  if (!batches)
    return nullptr;
  Clock::time_point began = Clock::now();
  Result<const Batch *> batch = batches->next();
  waitSeconds += secondsSince(began);
  return batch;
}

Result<TrainingRun::StepOutcome> TrainingRun::stepOfOne() {
  StepOutcome outcome;
  Result<const Batch *> next = nextBatch();
  if (!next)
    return next.error();
  const Batch *batch = *next;
  Result<std::span<const float>> outputs = functions.run(Mode::Train, batch, spec.data.get(), at.step + 1);
  if (!outputs)
    return outputs.error();
  if (outputs->empty())
    return outcome;
  findCause(outputs->front(), batch);
  outcome.means.assign(outputs->begin(), outputs->begin() + 1 + ptrdiff_t(spec.reports.size()));
  if (spec.learningRate)
    outcome.learningRate = outputs->back();
  outcome.examples = batch != nullptr ? batch->rows : spec.batch;
  outcome.endsEpoch = batch != nullptr && batch->lastOfEpoch;
  return outcome;
}

/// Once its first batch is done a step is not stopped: what it changes (sums, buffers) it changes as a whole.
Result<TrainingRun::StepOutcome> TrainingRun::stepOfSeveral() {
  StepOutcome outcome;
  MetricSums gathered;
  volatile int32_t *stop = functions.stop;
  for (int64_t i = 0; i < spec.accumulate && !outcome.endsEpoch; ++i) {
    Result<const Batch *> next = nextBatch();
    if (!next) {
      functions.stop = stop;
      return next.error();
    }
    const Batch *batch = *next;
    Result<std::span<const float>> outputs =
        functions.run(Mode::Accumulate, batch, spec.data.get(), at.step * spec.accumulate + i + 1);
    functions.stop = nullptr;
    if (!outputs || outputs->empty()) {
      functions.stop = stop;
      return outputs ? Result<StepOutcome>(outcome) : outputs.error();
    }
    findCause(outputs->front(), batch);
    gathered.add(*outputs, batch != nullptr ? batch->rows : spec.batch);
    outcome.endsEpoch = batch != nullptr && batch->lastOfEpoch;
  }
  functions.stop = stop;
  Result<std::optional<float>> rate = functions.update(at.step + 1, gathered.examples);
  if (!rate)
    return rate.error();
  outcome.learningRate = *rate;
  outcome.examples = gathered.examples;
  for (double mean : gathered.means())
    outcome.means.push_back(float(mean));
  return outcome;
}

Result<void> TrainingRun::step() {
  Result<StepOutcome> outcome = spec.accumulate > 1 ? stepOfSeveral() : stepOfOne();
  if (!outcome)
    return outcome.error();
  if (outcome->examples == 0) // stopped in the middle: the step was not done
    return {};
  int64_t rows = outcome->examples;
  ++at.step;
  ++at.stepInEpoch;
  if (outcome->endsEpoch) {
    ++at.epoch;
    at.stepInEpoch = 0;
  }
  if (float loss = outcome->means.front(); !spec.allowNan && !std::isfinite(loss))
    return notFinite(fmt::format("the loss became {} at", withoutNanSign(loss)), cause);
  sums.add(outcome->means, rows);
  log(*outcome);
  if (result.steps++ == 0) {
    // The first step may have waited for its compilation; rates are of the steps after it.
    result.firstStepSeconds = secondsSince(started);
    trainStarted = Clock::now();
  } else {
    examples += rows;
  }
  return {};
}

void TrainingRun::showProgress() {
  if (sums.examples == 0 || !progress.due()) // none where the period's first step was stopped in the middle
    return;
  double spent = trainSeconds + secondsSince(trainStarted);
  double rate = examples > 0 ? double(examples) / spent : -1;
  int64_t perEpoch = batches ? (batches->batchesPerEpoch() + spec.accumulate - 1) / spec.accumulate : 0;
  double all = spec.epochs > 0 ? double(spec.epochs) * double(perEpoch) : double(spec.steps);
  double left = result.steps > 1 ? spent / double(result.steps - 1) * (all - double(at.step)) : -1;
  EpochMetrics metrics;
  std::vector<double> means = sums.means();
  metrics.loss = means[0];
  metrics.reports.assign(means.begin() + 1, means.end());
  if (spec.epochs > 0)
    progress.update({at.epoch + 1, at.stepInEpoch, perEpoch, named(metrics), rate, left});
  else
    progress.update({at.step, at.step, spec.steps, named(metrics), rate, left});
}

/// False when Ctrl-C came before its end.
Result<bool> TrainingRun::validate(EpochMetrics &metrics) {
  if (!spec.validate || (spec.steps > 0 && spec.every == 0 && !finished()))
    return true;
  Result<std::optional<std::vector<double>>> outcome = evaluateWith(functions, spec, spec.validate, at.step);
  if (!outcome)
    return outcome.error();
  if (!*outcome)
    return false;
  const std::vector<double> &means = **outcome;
  metrics.validated = true;
  metrics.validationLoss = means[0];
  metrics.validationReports.assign(means.begin() + 1, means.end());
  return true;
}

NamedValues TrainingRun::named(const EpochMetrics &metrics) const {
  NamedValues values = {{"loss", metrics.loss}};
  for (size_t i = 0; i < metrics.reports.size(); ++i)
    values.emplace_back(spec.reports[i], metrics.reports[i]);
  if (metrics.validated)
    values.emplace_back("val.loss", metrics.validationLoss);
  for (size_t i = 0; i < metrics.validationReports.size(); ++i)
    values.emplace_back("val." + spec.reports[i], metrics.validationReports[i]);
  return values;
}

/// Whether these metrics are the best so far; keeps them then. Metrics that lack the deciding one, or in which it is not
/// finite, are not.
bool TrainingRun::judge(const EpochMetrics &metrics) {
  NamedValues values = named(metrics);
  auto found =
      std::find_if(values.begin(), values.end(), [&](const auto &value) { return value.first == best.metric; });
  if (found == values.end() || !std::isfinite(found->second))
    return false;
  if (at.hasBest && !(best.higherIsBetter ? found->second > at.best : found->second < at.best))
    return false;
  at.hasBest = true;
  at.best = found->second;
  at.bestAt = best.inSteps ? at.step : at.epoch;
  return true;
}

/// `  4.31 s: steps 95.2 %, waiting for data 1.3 %, validation 3.1 %, files 0.4 %`.
void TrainingRun::sayTimes(const EpochMetrics &metrics) {
  double all = std::max(metrics.seconds + metrics.validationSeconds + metrics.fileSeconds, 1e-9);
  std::string text = fmt::format("  {:.3g} s: steps {:.1f} %, waiting for data {:.1f} %", all,
                                 100 * (metrics.seconds - metrics.waitSeconds) / all, 100 * metrics.waitSeconds / all);
  if (metrics.validated)
    text += fmt::format(", validation {:.1f} %", 100 * metrics.validationSeconds / all);
  if (!spec.save.empty())
    text += fmt::format(", files {:.1f} %", 100 * metrics.fileSeconds / all);
  progress.note(text);
}

/// A failure to save is told at once (of several the first one), but does not throw away the training: the next period tries
/// again. What is not finite is never saved.
void TrainingRun::saveFiles(bool isBest) {
  saveError.reset();
  isFinite = true;
  if (spec.save.empty())
    return;
  Result<void> ok = files.checkFinite();
  if (ok) {
    Result<void> kept = isBest ? files.saveBest() : Result<void>();
    ok = files.save(at);
    ok = kept ? ok : kept;
  } else {
    isFinite = false;
    ok = Error::plain(fmt::format("{} by {}: it is not saved", ok.error().message, place()));
  }
  saved |= bool(ok);
  ++saves;
  if (!ok) {
    saveError = ok.error();
    if (failedSaves++ == 0)
      progress.note("warning: " + ok.error().str());
  }
}

/// A full disk ends the log, not the training.
void TrainingRun::flushLog() {
  if (!stepLog)
    return;
  if (Result<void> ok = stepLog->flush(); !ok) {
    progress.note("warning: " + ok.error().str() + "; the run has no log from here on");
    stepLog.reset();
  }
}

Result<void> TrainingRun::endPeriod(bool &stop) {
  EpochMetrics metrics;
  metrics.epoch = spec.epochs > 0 ? at.epoch : at.step;
  metrics.step = at.step;
  metrics.seconds = secondsSince(periodStarted);
  metrics.waitSeconds = std::exchange(waitSeconds, 0);
  double steps = secondsSince(trainStarted);
  std::vector<double> means = sums.means();
  metrics.loss = means[0];
  metrics.reports.assign(means.begin() + 1, means.end());
  if (Result<void> ok = spec.allowNan ? Result<void>() : files.checkFinite(); !ok)
    return notFinite(ok.error().message + " by");
  Clock::time_point validationBegan = Clock::now();
  Result<bool> whole = validate(metrics);
  metrics.validationSeconds = secondsSince(validationBegan);
  if (!whole)
    return whole.error();
  if (!spec.allowNan && metrics.validated && !std::isfinite(metrics.validationLoss))
    return notFinite(fmt::format("the validation loss became {} after", withoutNanSign(metrics.validationLoss)));
  if (!*whole)
    return {}; // the period stays at its end: a run that goes on validates first
  trainSeconds += steps;
  sums = {};
  at.sums.clear();
  at.sumExamples = 0;
  at.seconds = 0;
  bool isBest = judge(metrics);
  if (isBest && spec.stopAfter)
    files.keepBest();
  int64_t now = best.inSteps ? at.step : at.epoch;
  stop = spec.stopAfter && now - at.bestAt >= best.count;
  progress.finishPeriod(metrics.epoch, named(metrics), metrics.seconds);
  if (stepLog) {
    NamedValues values = named(metrics);
    values.erase(values.begin(), values.begin() + 1 + ptrdiff_t(spec.reports.size()));
    if (metrics.validated)
      stepLog->validation(at.step, values);
    flushLog();
  }
  Clock::time_point filesBegan = Clock::now();
  saveFiles(isBest);
  metrics.fileSeconds = secondsSince(filesBegan);
  if (spec.times)
    sayTimes(metrics);
  result.history.push_back(std::move(metrics));
  periodStarted = trainStarted = Clock::now();
  return {};
}

/// After Ctrl-C: keeps what is needed to go on and says how.
void TrainingRun::endInterrupted() {
  result.interrupted = true;
  if (sums.examples > 0) { // within a period or before its validation: its files are not written yet
    trainSeconds += secondsSince(trainStarted);
    at.sums = sums.sums;
    at.sumExamples = sums.examples;
    at.seconds = secondsSince(periodStarted);
    saveFiles(false);
  }
  std::string text = "interrupted after " + place();
  if (spec.save.empty())
    text += "; nothing was saved, for there is no `save`";
  else if (!saved && !saveError)
    text += "; nothing was saved, for no step was finished";
  else if (!saveError)
    text += fmt::format("; saved `{0}`. To go on, run again with --set resume={0}", spec.save);
  say(text);
}

Result<TrainingResult> TrainingRun::run() {
  InterruptScope interrupt;
  functions.stop = interrupt.flag();
  functions.print = [&](std::string_view line) { progress.note(line); };
  if (Result<void> ok = begin(); !ok)
    return ok.error();
  periodStarted = trainStarted =
      Clock::now() - std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(at.seconds));
  if (finished() && !periodEnded())
    say(fmt::format("nothing to do: `{}` was written at the end of the run", spec.resume));
  while ((!finished() || periodEnded()) && !result.stoppedEarly && !result.interrupted) {
    Result<void> ok = periodEnded() ? Result<void>() : step();
    if (ok && periodEnded())
      ok = endPeriod(result.stoppedEarly);
    else if (ok)
      showProgress();
    if (!ok) {
      if (stepLog)
        (void)stepLog->flush(); // the error at hand matters more
      return ok.error();
    }
    if (interrupt.requested())
      endInterrupted();
  }
  flushLog();
  progress.finish();
  if (saveError && !isFinite)
    return *saveError;
  if (failedSaves > 1)
    say(fmt::format("warning: {} of {} times not all files of `{}` could be written", failedSaves, saves, spec.save));
  result.saveError = saveError;
  if (spec.stopAfter && at.hasBest && !result.interrupted)
    if (Result<void> ok = files.restoreBest(); !ok)
      return ok.error();
  const char *unit = best.inSteps ? "step" : "epoch";
  std::string saved = spec.save.empty() ? "" : fmt::format("; `{0}.best` has it, `{0}` the last", spec.save);
  if (spec.stopAfter && at.hasBest && !result.interrupted && !result.stoppedEarly &&
      at.bestAt != (best.inSteps ? at.step : at.epoch))
    say(fmt::format("the model is that after {} {}, of the {} {}: {}{}", unit, at.bestAt,
                    best.higherIsBetter ? "highest" : "lowest", best.metric, formatMetric(best.metric, at.best),
                    saved));
  if (result.stoppedEarly) {
    std::string kept = at.hasBest
                           ? fmt::format("best {} after {} {}", formatMetric(best.metric, at.best), unit, at.bestAt)
                           : "it never was a finite number";
    say(fmt::format("stopped: {} {} without {} {} ({}){}", best.count, best.inSteps ? "steps" : "epochs",
                    best.higherIsBetter ? "higher" : "lower", best.metric, kept, at.hasBest ? saved : ""));
  }
  result.samplesPerSecond = trainSeconds > 0 ? double(examples) / trainSeconds : 0;
  return std::move(result);
}

Result<TrainingResult> train(const TrainingSpec &spec, const FunctionProvider &provider, void *params, void *state,
                             ThreadPool &pool, const OutputSink &output) {
  return TrainingRun(spec, provider, params, state, pool, output).run();
}

} // namespace dlc
