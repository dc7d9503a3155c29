// Compiles planned modules in the process, on all threads.
#pragma once

#include "codegen/Target.h"
#include "mlir/IR/BuiltinOps.h"
#include "passes/Pipeline.h"
#include "runtime/Abi.h"
#include "llvm/Support/Error.h"
#include <memory>

namespace dlc {

/// A function in the process.
struct JitFunction {
  dlc_function function = nullptr;
  /// Keeps the code alive, which is freed with the last of these.
  std::shared_ptr<void> code;
  operator dlc_function() const { return function; }
};

class Jit {
public:
  /// Fails when the target cannot run on this machine. Objects of kernels are kept in, and taken from, the folder `cache`
  /// (ObjectCache.h), if one is named.
  static llvm::Expected<std::unique_ptr<Jit>> create(Target target, std::string cache = "");
  ~Jit();
  Jit(const Jit &) = delete;
  Jit &operator=(const Jit &) = delete;

  /// Compiles function `name` of a planned module, which is not changed. May be called from several threads at once with
  /// modules of different contexts.
  /// `onTime`, if there is one, is told the time that each part of the work took.
  llvm::Expected<JitFunction> add(mlir::ModuleOp planned, llvm::StringRef name, const TimeSink &onTime = {});

private:
  struct Engine;
  class Compilation;
  Jit(Target target, std::shared_ptr<Engine> engine);
  Target target;
  std::shared_ptr<Engine> engine;
};

} // namespace dlc
