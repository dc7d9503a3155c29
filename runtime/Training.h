// The training loop: batches in, compiled steps, metrics, validation, early stop, checkpoints, resume, logs and
// progress. It knows nothing of how steps are compiled: it asks a provider for the function of each batch size when it
// first needs it.
//
// A run that was stopped, by Ctrl-C or after some epochs, and resumed from FILE.resume does the same steps and gives
// the same bits as one that was not.
#pragma once

#include "runtime/Abi.h"
#include "runtime/Dataset.h"
#include "runtime/Print.h"
#include "runtime/Progress.h"
#include "runtime/TensorSlot.h"
#include "runtime/ThreadPool.h"

#include <map>
#include <optional>

namespace dlc {

/// What a check of compiled code means, for its error.
struct CheckText {
  std::string what;              ///< what was checked, usually a field: `label`
  int64_t minimum = 0;           ///< the least allowed value
  int64_t limit = 0;             ///< one more than the greatest allowed value
  int64_t elementsPerSample = 1; ///< of the checked tensor; 0 when its elements do not belong to samples
  std::string expected =
      {}; ///< what a value must be, in words, if that is no range; the whole message without a `what`
  std::vector<int64_t> loopLines = {}; ///< of the loops around it, the innermost first; 0 where one has none
  bool isFloat = false;                ///< the value that is reported is the bits of a double
  std::string failure = {};            ///< not of values but of a matrix: what it is, `is singular`
  int64_t matrices = 1;                ///< how many there are in the batch
};

/// A compiled step and what it needs.
struct CompiledFunction {
  dlc_function function = nullptr;
  size_t arenaBytes = 0;
  std::vector<CheckText> checks = {};   ///< check id i is checks[i - 1]
  std::vector<PrintedLine> prints = {}; ///< likewise
  /// Tensors that it takes as inputs behind those of every call.
  std::vector<std::shared_ptr<void>> captured = {};
  /// Keeps the code of `function` alive.
  std::shared_ptr<void> code = {};
};

/// A train function updates parameters and state; an evaluate function reads the parameters alone. All take as inputs
/// the batch fields in order (each [batch, shape...]), then `step` (i64, from 1) and `seed` (i64), then what is captured. A train function
/// gives the loss, the reports and, if the spec says so, the learning rate; an evaluate function the loss and the
/// reports. All are f32 scalars, means over the batch.
/// With `accumulate` two take the place of the train function: one adds the gradients of a batch to their sums (its `step`
/// counts batches) and gives what an evaluate function gives; one, without a batch but with the number of examples (i64) as
/// last input of its own, updates from the sums and gives the learning rate.
enum class Mode { Train, Evaluate, Accumulate, Update };

/// Gives the function for a batch size (0 to update), compiling it if need be. Called from the training thread.
using FunctionProvider = std::function<Result<CompiledFunction>(Mode mode, int64_t batch)>;

/// `stop_after: 2 epochs without better val.loss`.
struct StopAfter {
  int64_t count = 1;
  bool inSteps = false;            ///< `count` is of steps, else of epochs
  std::string metric = "val.loss"; ///< `loss`, a report, or one of these of the validation set, `val.NAME`
  bool higherIsBetter = false;
};

struct TrainingSpec {
  std::string label;                       ///< what the lines that it prints begin with; empty: nothing
  std::vector<TensorSlot> params;          ///< parameters and buffers
  std::vector<TensorSlot> state;           ///< of the optimizer, and behind it the averages
  std::vector<size_t> averaged;            ///< the parameters that have one: an evaluate function reads these too
  std::shared_ptr<const Dataset> data;     ///< may be null with `steps`
  std::shared_ptr<const Dataset> validate; ///< may be null; needs the same fields
  std::vector<std::string> fields;         ///< of a batch, in the order of the compiled inputs
  int64_t batch = 1;
  int64_t accumulate = 1; ///< batches in a step; at the end of an epoch there may be fewer
  int64_t epochs = 0;     ///< either this
  int64_t steps = 0;      ///< or this is positive
  int64_t every = 0;      ///< with `steps`: validates and saves after so many; 0: validates at the end, saves ten times
  bool shuffle = true;
  std::shared_ptr<const std::vector<double>> weights; ///< BatchSpec::weights
  bool times = false;                                 ///< says after each period where its time went
  Digits digits;                                      ///< of what the functions print
  uint64_t seed = 0;
  std::vector<std::string> reports; ///< names of the outputs after the loss
  bool learningRate = false;        ///< the train function's last output is the learning rate
  std::optional<StopAfter> stopAfter;
  /// FILE: last weights; FILE.best and FILE.resume beside it, with averages FILE.ema. Empty: nothing is saved
  std::string save;
  std::string resume;    ///< FILE or FILE.resume of an earlier run. Empty: starts anew
  std::string logFolder; ///< steps.csv and TensorBoard events. Empty: none
  bool allowNan = false;
  std::map<std::string, std::string> metadata; ///< kept in FILE
};

/// The metrics of an epoch (with `steps`: of a period), averaged by examples.
struct EpochMetrics {
  int64_t epoch = 0; ///< from 1; with `steps` the last step of the period
  int64_t step = 0;  ///< the last step of the period
  double loss = 0;
  std::vector<double> reports;
  bool validated = false;
  double validationLoss = 0;
  std::vector<double> validationReports;
  double seconds = 0;     ///< of training, without validation
  double waitSeconds = 0; ///< of these, for batches
  double validationSeconds = 0, fileSeconds = 0;
};

/// What was measured in each step.
struct TrainingLog {
  std::vector<int64_t> steps;
  std::vector<std::vector<float>> metrics; ///< the loss, then each report
  std::vector<float> learningRates;        ///< NaN where it is not known
};

struct TrainingResult {
  TrainingLog log;                   ///< steps of this run
  std::vector<EpochMetrics> history; ///< periods that this run finished
  int64_t steps = 0;                 ///< done by this run
  double samplesPerSecond = 0;       ///< of training
  double firstStepSeconds = 0;       ///< from the call to the end of the first step
  bool interrupted = false;          ///< by Ctrl-C; the caller should exit with 130
  bool stoppedEarly = false;         ///< by stop_after
  std::optional<Error> saveError;    ///< of a file that the spec asks for and that the last period could not write
};

/// Trains in place: `params` and `state` are the blocks (64-byte aligned) that the slots lie in, initialised by the
/// caller; they hold the last weights afterwards. Errors: a spec that does not fit its data, a failed check (data set,
/// row, value and range), a loss, parameter or state that is not finite (the step), files that cannot be read or written,
/// whatever the provider says.
Result<TrainingResult> train(const TrainingSpec &spec, const FunctionProvider &provider, void *params, void *state,
                             ThreadPool &pool, const OutputSink &output);

/// The loss and reports of `data` under the parameters, averaged by examples.
Result<std::vector<double>> evaluate(const TrainingSpec &spec, const std::shared_ptr<const Dataset> &data,
                                     const FunctionProvider &provider, void *params, void *state, ThreadPool &pool);

/// The error of a failed check: "sample 17 of `digits`: `label` is 11, but must be from 0 to 9"; in a loop with the iteration,
/// from 0: "element 2, iteration 5 of the loop at line 4: ..". `rowIndices` (or null) are the batch's rows in the data set.
Error checkError(const CompiledFunction &function, int64_t check, const dlc_context &context,
                 const std::string &dataName, const int64_t *rowIndices, int64_t rows);

} // namespace dlc
