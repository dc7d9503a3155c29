// What a training run checks before its first step, and the files that it keeps: FILE, FILE.best, FILE.ema and FILE.resume.
// Internal to runtime.
#pragma once

#include "runtime/Checkpoint.h"
#include "runtime/Training.h"

#include <set>

namespace dlc {

/// Whether a spec makes sense and fits its data: lengths, batch, fields and their types in both data sets, the metric
/// of stop_after, places to write to.
Result<void> checkSpec(const TrainingSpec &spec);

/// The metric that decides what is best: that of stop_after, else the loss, of the validation if there is one.
StopAfter bestMetricOf(const TrainingSpec &spec);

/// The files of one run.
class RunFiles {
public:
  RunFiles(const TrainingSpec &spec, void *params, void *state) : spec(spec), params(params), state(state) {}

  /// Where to begin: fills both blocks from the file to resume from, if the spec names one. A run that differs in what
  /// decides the numbers (seed, batch size within an epoch) is an error.
  Result<RunPosition> begin();
  /// That no parameter became NaN or infinite, nor the optimizer's state; else what did, of which kind. What was infinite
  /// when the run began (a mask that is a buffer) may stay so.
  Result<void> checkFinite() const;
  /// Writes FILE.best, if the run saves: the averages, if there are any.
  Result<void> saveBest() const;
  /// Writes FILE.resume, FILE.ema if there are averages, and then FILE, if the run saves; each of them even where another
  /// could not be written.
  Result<void> save(const RunPosition &position) const;

  /// Keeps the parameters in memory (the averages, if there are any), and puts them back. Of what an earlier run judged
  /// best FILE.best is read, if there is one.
  void keepBest();
  Result<void> restoreBest() const;

private:
  Result<RunPosition> resume() const;
  std::map<std::string, std::string> metadata() const;
  StandIns averages() const;

  const TrainingSpec &spec;
  void *params, *state;
  std::vector<std::vector<std::byte>> best; ///< of each parameter, dense
  std::set<const TensorSlot *> infinite;    ///< from the beginning
};

} // namespace dlc
