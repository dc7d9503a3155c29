// Compiles planned modules in the process. Large modules are compiled on all threads.
#pragma once

#include "codegen/Target.h"
#include "mlir/IR/BuiltinOps.h"
#include "passes/Pipeline.h"
#include "runtime/Abi.h"
#include "llvm/Support/Error.h"
#include <memory>

namespace dlc {

class Jit {
public:
  /// Fails when the target cannot run on this machine.
  static llvm::Expected<std::unique_ptr<Jit>> create(Target target);
  ~Jit();
  Jit(const Jit &) = delete;
  Jit &operator=(const Jit &) = delete;

  /// Compiles function `name` of a planned module, which is not changed; the code lives as long as the Jit. May be called
  /// from several threads at once with modules of different contexts.
  /// `onTime`, if there is one, is told the time that each part of the work took.
  llvm::Expected<dlc_function> add(mlir::ModuleOp planned, llvm::StringRef name, const TimeSink &onTime = {});

private:
  struct Engine;
  explicit Jit(Target target, std::unique_ptr<Engine> engine);
  Target target;
  std::unique_ptr<Engine> engine;
};

} // namespace dlc
