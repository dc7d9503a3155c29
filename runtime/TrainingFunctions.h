// Calls of compiled functions: one function for each mode and batch size, asked for when first needed, with their
// arena, the outputs, and the errors of their checks. Internal to runtime.
#pragma once

#include "runtime/Arena.h"
#include "runtime/Batches.h"
#include "runtime/Training.h"

namespace dlc {

class TrainingFunctions {
public:
  TrainingFunctions(const TrainingSpec &spec, const FunctionProvider &provider, void *params, void *state,
                    ThreadPool &pool);

  /// Calls the function of `mode` on a batch (null when there is no data) of `data`. The outputs stay valid until the
  /// next call: the loss, the reports and, of a train function, the learning rate; none when it was asked to stop, and has
  /// changed nothing. Errors: of the provider, of a check, of memory.
  Result<std::span<const float>> run(Mode mode, const Batch *batch, const Dataset *data, int64_t step);
  /// Calls the function that updates from the sums of the gradients of `examples`. Gives the learning rate, if there is one.
  Result<std::optional<float>> update(int64_t step, int64_t examples);

  /// Where the functions print.
  Printer::Write print = [](std::string_view) {};
  /// When what it points to becomes nonzero, a call may end early.
  volatile int32_t *stop = nullptr;

private:
  Result<const CompiledFunction *> functionFor(Mode mode, int64_t rows);
  /// Calls a function with what stands in `inputs`, and behind it the scalars and what is captured. Gives its status.
  int64_t call(const CompiledFunction &function, int64_t step, std::optional<int64_t> examples, dlc_context &context);

  const TrainingSpec &spec;
  const FunctionProvider &provider;
  void *params, *state;
  ThreadPool &pool;
  std::map<std::pair<Mode, int64_t>, CompiledFunction> functions;
  const CompiledFunction *last = nullptr; ///< of the call before, which is nearly always the one needed
  std::pair<Mode, int64_t> lastKey;
  Arena arena;
  Arena scalars; ///< step, seed, examples and the outputs, each in 64 bytes of its own
  std::vector<void *> inputs, outputs;
  std::vector<float> values;
};

/// Means over examples, in f64 and in the order of the batches.
struct MetricSums {
  std::vector<double> sums; ///< of the loss and the reports
  int64_t examples = 0;

  void add(std::span<const float> means, int64_t rows);
  std::vector<double> means() const;
};

/// The loss and reports of a data set, averaged by examples; nothing when Ctrl-C came before the last batch.
Result<std::optional<std::vector<double>>> evaluateWith(TrainingFunctions &functions, const TrainingSpec &spec,
                                                        const std::shared_ptr<const Dataset> &data, int64_t step);

} // namespace dlc
