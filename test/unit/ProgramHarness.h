// A program of stage graph, as text, run in each way there is: by the reference evaluator, on the planned machine, compiled.
// Shared by the tests of whole programs.
#pragma once

#include "codegen/Target.h"
#include "ir/evaluate/Evaluator.h"
#include "passes/Pipeline.h"

#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OwningOpRef.h"

namespace dlc::test {

using HostTensors = llvm::SmallVector<dl::HostTensor>;

class ProgramHarness {
public:
  ProgramHarness();

  /// Takes a program and computes what its only function gives for `arguments`, by the evaluator on the plain gradient.
  /// Fails the test where that cannot be; so do the rest.
  void load(const std::string &program);

  mlir::OwningOpRef<mlir::ModuleOp> lower(PipelineStop stage, std::set<std::string> disabled = {});
  static std::set<std::string> everyOptimisation();

  mlir::func::FuncOp function() const { return *graph.get().getOps<mlir::func::FuncOp>().begin(); }
  /// The name of a result: its own, or that of the argument that it updates.
  llvm::StringRef nameOf(unsigned result) const;

  /// Numbers in [-1, 1) of so many bits, flags, integers from 0 to 2.
  HostTensors numbers(unsigned bits) const;
  /// The results by the plain gradient.
  HostTensors evaluated(llvm::ArrayRef<dl::HostTensor> arguments) const;

  void expectPlanned(const std::set<std::string> &disabled);
  /// The same values for each target, and the same bits on one to three threads.
  void expectCompiled(llvm::ArrayRef<Target> targets);

  HostTensors arguments, expected;

private:
  void expectOn(const Target &target, mlir::ModuleOp planned);
  void expectClose(unsigned result, const dl::HostTensor &got, double tolerance) const;

  std::string text;
  mlir::MLIRContext context;
  mlir::OwningOpRef<mlir::ModuleOp> graph, plain;
};

} // namespace dlc::test
