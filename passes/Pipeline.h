// The whole way from the graph to the planned stage, as one pass pipeline.
#pragma once

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/PassManager.h"
#include <functional>
#include <set>
#include <string>

namespace dlc {

/// Where a pipeline stops. `gradient` is simplified unless that is disabled.
enum class PipelineStop { graph, gradient, fused, planned };

/// Told the name of a part of the work and the milliseconds that it took.
using TimeSink = std::function<void(llvm::StringRef part, double milliseconds)>;

struct PipelineOptions {
  /// Optimisations switched off, by the names of optimizationNames(). Results then differ by rounding at most.
  std::set<std::string> disabled;
  PipelineStop stopAfter = PipelineStop::planned;
  /// Told of each pass; may be empty.
  TimeSink onTime;
};

/// The names that `disabled` may hold.
llvm::ArrayRef<llvm::StringRef> optimizationNames();

/// Appends the passes to `manager`, which must be anchored on builtin.module.
void buildPipeline(mlir::OpPassManager &manager, const PipelineOptions &options);

/// Runs the pipeline on `module`. Errors go to the context's diagnostics; what dlc cannot compile yet is an error that
/// begins with `not supported yet: `.
llvm::LogicalResult runPipeline(mlir::ModuleOp module, const PipelineOptions &options);

/// A planned module as a table for people: the blocks with their slots, the buffers of the arena with offset and
/// lifetime, the kernels in order, the peak. Empty when the module is not planned.
std::string planTable(mlir::ModuleOp module);

} // namespace dlc
