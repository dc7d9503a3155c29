// Runs programs: opens their data, compiles and runs their statements, trains their models. Behind `dlc run` and the prompt.
#pragma once

#include "frontend/Elaborator.h"
#include "runtime/Dataset.h"
#include "runtime/Paths.h"
#include "runtime/ThreadPool.h"
#include "tools/Compiler.h"

#include <future>

namespace dlc {

struct SessionOptions {
  std::string programFile; ///< data is looked up beside it
  std::string dataFolder;
  int threads = 0;         ///< 0: as many as this process may use
  std::optional<int64_t> seed;
  std::string cpu = "host";
  std::string emit;        ///< a stage to print instead of running
  bool timePasses = false;
  std::set<std::string> disabled;
  std::vector<Override> overrides;
};

/// Loads the dialects that dlc needs into a context.
void loadDialects(mlir::MLIRContext &context);

class Session : public Executor {
public:
  /// Fails when the machine or the options do not allow it.
  static Result<std::unique_ptr<Session>> create(SessionOptions options);
  ~Session() override;

  /// Checks a file, then runs it. Diagnostics are in `diagnostics`, which the caller prints.
  void runFile(const std::string &path);
  /// One input at the prompt, with what came before in scope.
  void runInput(const std::string &text);
  /// 0, 1, 3, 4 as the diagnostics say, or 130 after Ctrl-C.
  int exitCode() const;
  /// After Ctrl-C at the prompt: the session goes on.
  void resume() { interrupted = emitted = false; }

  bool open(DataInfo &data) override;
  HostBufferRef column(const DataInfo &data, const std::string &field) override;
  bool run(mlir::ModuleOp module, const std::vector<HostBufferRef> &inputs, std::vector<HostBufferRef> &outputs,
           SourceRange at) override;
  bool train(const TrainPlan &plan, const TrainFunctions &functions, std::vector<HostBufferRef> &params) override;
  bool stopped() const override { return interrupted || emitted; }
  void print(const std::vector<Value> &values) override;

  SourceManager sources;
  DiagnosticEngine diagnostics;
  mlir::MLIRContext context;
  std::unique_ptr<Elaborator> elaborator;
  std::unique_ptr<Compiler> compiler;
  std::unique_ptr<ThreadPool> pool;
  /// When set, a `train` is handed to it instead of being trained (benchmarks).
  std::function<void(const TrainPlan &, const TrainFunctions &)> onTrain;
  bool quiet = false; ///< no progress lines
  std::function<void(const std::string &)> output; ///< where print goes; standard output at first

private:
  explicit Session(SessionOptions options);
  bool initialise(const TrainPlan &plan, const TrainFunctions &functions, const Compiled &step, void *params, void *state);

  SessionOptions options;
  SearchPaths paths;
  ast::AstContext tree;
  bool interrupted = false, emitted = false;
};

/// A value as `print` shows it.
std::string formatValue(const Value &value);
/// The whole text of a program; an Error when it cannot be read (missing, a folder).
Result<std::string> readProgram(const std::string &path);

} // namespace dlc
