// A training as the executor gets it: what its block says, and its functions, made on demand.
#pragma once

#include "frontend/elaborate/Value.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

namespace dlc {

/// What a `train` block says, checked and with its sizes known. The functions are made on demand (TrainFunctions).
struct TrainPlan {
  std::string name;
  bool isOneOfSeveral = false;        ///< the program has other trainings: what is printed begins with the name
  std::shared_ptr<DataInfo> data;     ///< null without `on`
  std::shared_ptr<DataInfo> validate; ///< or null
  std::vector<ParamSlotRef> params;   ///< in the order of the blocks
  std::vector<size_t> learned;        ///< which of them the optimizer updates: no buffer, and nothing frozen
  std::vector<std::string> states;    ///< of the optimizer: `m`, `v`
  std::vector<double> stateInitial;
  /// With `accumulate` the last states are these: sums of gradients within a step, which no file keeps.
  static constexpr const char *sumName = "gradient sum";       // no name of a user's
  static constexpr const char *averageName = "moving average"; // runtime/Checkpoint.h knows it too
  std::optional<double> ema; ///< the decay of the averages that are kept of the weights
  std::vector<size_t>
      averaged; ///< of which: what is learned, and buffers that a step may assign; the states before the sums
  std::vector<std::string> reports;
  int64_t batch = 1, epochs = 0, steps = 0, seed = 0, every = 0, accumulate = 1;
  bool shuffle = true, everyEpochs = true;
  /// `epochs: 0`: the model is what `init` or `resume` gives.
  bool makesNoStep() const { return epochs == 0 && steps == 0; }
  HostBufferRef sampleBy;          ///< weights of the rows, by which they are drawn; null: each comes once an epoch
  std::optional<int64_t> patience; ///< stop_after
  bool patienceEpochs = true;
  std::string patienceMetric;
  bool patienceLower = true;
  std::string save, resume, init, log;
  bool initPartial = false; ///< `init` takes what fits
  SourceRange initAt;
  bool allowNan = false;
  SourceRange at;
};

/// What a training measured: columns of one number for each step, and for each validation.
struct TrainHistory {
  std::vector<std::pair<std::string, HostBufferRef>> steps, validations;
  std::shared_ptr<const void> vocabularies; ///< of its data, for the model (ModelInstance::vocabularies)
};

/// A function of a training in a module of its own (stage graph); empty when an error was reported.
struct TrainModule {
  mlir::OwningOpRef<mlir::ModuleOp> module;
  /// What it uses of what the file has computed: its inputs behind its own, in order.
  std::vector<HostBufferRef> captured;
};

/// The functions of a training, made on demand.
struct TrainFunctions {
  /// The step for `batch` examples.
  std::function<TrainModule(int64_t batch)> step;
  /// With `accumulate`, in its place: adds the gradients of `batch` examples, weighted by their number, to their sums; and
  /// updates from the sums, which it sets to zero.
  std::function<TrainModule(int64_t batch)> accumulate;
  std::function<TrainModule()> update;
  /// Loss and reports of `batch` examples, nothing updated.
  std::function<TrainModule(int64_t batch)> evaluate;
  /// The initial values of the parameters, as results in the order of TrainPlan::params.
  std::function<TrainModule()> initial;
};

} // namespace dlc
