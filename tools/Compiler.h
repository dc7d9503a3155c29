// From a module of the graph stage to a function that can be called: the pipeline, the JIT, and what the function needs.
#pragma once

#include "codegen/native/Jit.h"
#include "frontend/syntax/Diagnostic.h"
#include "passes/Layouts.h"
#include "passes/Pipeline.h"
#include "runtime/TensorSlot.h"
#include "runtime/Training.h"

#include <map>
#include <memory>

namespace dlc {

/// The runtime's name for an element type of the IR.
DType dtypeOf(mlir::Type element);

/// The place that a location names, in the sources; nowhere when it names none.
SourceRange placeOf(mlir::Location location, const SourceManager &sources);

/// A compiled entry function.
struct Compiled {
  CompiledFunction function;               ///< with its arena size and its checks
  std::vector<mlir::Location> checkPlaces; ///< of each of its checks
  size_t paramBytes = 0, stateBytes = 0;
  std::vector<TensorSlot> params, state; ///< in the order of the arguments
  std::vector<std::string> inputs, outputs;
  llvm::StringMap<mlir::RankedTensorType> slotTypes; ///< of both, with the layouts that were chosen
};

/// Milliseconds spent, by pass and by part of code generation, for `--time-passes`.
struct PhaseTimes {
  std::vector<std::pair<std::string, double>> phases;
  void add(const std::string &phase, double milliseconds);
  std::string table() const;
};

class Compiler {
public:
  Compiler(mlir::MLIRContext &context, SourceManager &sources, DiagnosticEngine &diagnostics, Target target,
           std::set<std::string> disabled);
  ~Compiler();

  /// Compiles the module's entry; consumes the module. Null after an error was reported.
  std::unique_ptr<Compiled> compile(mlir::OwningOpRef<mlir::ModuleOp> module);
  /// Brings a module to `stage` (graph, gradient, fused, planned, loops, llvm, asm) and prints it. Nothing after an error.
  std::optional<std::string> emit(mlir::OwningOpRef<mlir::ModuleOp> module, const std::string &stage);
  /// Runs the pipeline up to `stop`, errors becoming diagnostics.
  bool lower(mlir::ModuleOp module, PipelineStop stop);
  /// What a planned module's entry needs: all of Compiled but the code.
  static std::unique_ptr<Compiled> describe(mlir::ModuleOp planned);
  static const std::vector<std::string> &stages();

  const Target &target() const { return chosen; }
  PhaseTimes times;
  /// The folder where objects of kernels are kept; none at first.
  std::string cache;

private:
  mlir::MLIRContext &context;
  SourceManager &sources;
  DiagnosticEngine &diagnostics;
  Target chosen;
  std::set<std::string> disabled;
  std::unique_ptr<Jit> jit;
};

} // namespace dlc
