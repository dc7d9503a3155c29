// Runs programs: opens their data, compiles and runs their statements, trains their models. Behind `dlc run` and the prompt.
#pragma once

#include "frontend/elaborate/Elaborator.h"
#include "frontend/elaborate/TrainPlan.h"
#include "runtime/Checkpoint.h"
#include "runtime/Dataset.h"
#include "runtime/Interrupt.h"
#include "runtime/Paths.h"
#include "runtime/Print.h"
#include "runtime/ThreadPool.h"
#include "tools/Compiler.h"

#include <map>
#include <memory>

namespace dlc {

struct SessionOptions {
  std::string programFile; ///< data is looked up beside it
  std::string dataFolder;
  int threads = 0; ///< 0: as many as this process may use
  std::optional<int64_t> seed;
  std::string cpu = "host";
  std::string emit;   ///< a stage to print instead of running
  std::string emitOf; ///< of what statement: the name that it defines, or its line; "" for the first that computes
  bool timePasses = false;
  bool colour = false; ///< in what is said of data while the program runs
  bool quiet = false;  ///< a training shows its last line alone
  bool times = false;  ///< of each epoch: in steps, waiting for data, ..
  bool cache = false;  ///< keep compiled kernels in the user's folder
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
  /// Where data is looked up.
  const SearchPaths &dataPaths() const { return paths; }
  /// 0, 1, 3, 4 as the diagnostics say, or 130 after Ctrl-C.
  int exitCode() const;
  /// After Ctrl-C at the prompt: the session goes on.
  void resume() { interrupted = emitted = false; }
  /// Runs the computations of `text`, an expression, once and then again; gives the median of the seconds that all of them
  /// take together, without compiling. Nothing after an error or when nothing was computed.
  std::optional<double> time(const std::string &text);
  /// The expression that `text` is; nothing after an error was reported.
  std::optional<ast::Program> expression(const std::string &text);
  /// Prints `stage` of the first computation of `text`, an expression, instead of running it.
  void show(const std::string &text, const std::string &stage);

  bool open(DataInfo &data) override;
  HostBufferRef column(const DataInfo &data, const std::string &field) override;
  bool run(mlir::ModuleOp module, const std::vector<HostBufferRef> &inputs, std::vector<HostBufferRef> &outputs,
           SourceRange at) override;
  bool load(const std::string &file, bool partial, const ModelInstance &model, std::vector<HostBufferRef> &values,
            std::shared_ptr<const void> &vocabularies, SourceRange at) override;
  bool understands(const ModelInstance &model, const DataInfo &data, const std::vector<std::string> &fields,
                   SourceRange at) override;
  HostBufferRef encode(const DataInfo &data, const std::string &field, const std::string &text,
                       SourceRange at) override;
  std::optional<std::string> decode(const DataInfo &data, const std::string &field, const HostBuffer &numbers,
                                    SourceRange at) override;
  std::shared_ptr<DataInfo> vocabulary(const std::string &file, SourceRange at) override;
  bool train(const TrainPlan &plan, const TrainFunctions &functions, std::vector<HostBufferRef> &params,
             TrainHistory &history) override;
  bool stopped() const override { return interrupted || emitted || (running && running->requested()); }
  void print(const std::vector<Value> &values) override;
  std::shared_ptr<const std::vector<std::string>> strings(const DataInfo &data, const std::string &field,
                                                          bool classes) override;
  void show(const std::string &kind, const std::vector<std::pair<std::string, Value>> &arguments,
            SourceRange at) override;
  bool choose(const DataInfo &data, const RowStep &step, const std::string &name, DataInfo &part,
              SourceRange at) override;
  bool mapBatches(const DataInfo &data, const std::vector<std::string> &fields, int64_t batch,
                  const std::function<TrainModule(int64_t)> &function, BatchFold fold,
                  std::vector<HostBufferRef> &results, SourceRange at) override;
  bool save(const std::string &file, const ModelInstance &model, SourceRange at) override;
  bool write(const std::string &file, const std::vector<std::pair<std::string, Value>> &columns,
             SourceRange at) override;

  SourceManager sources;
  DiagnosticEngine diagnostics;
  mlir::MLIRContext context;
  std::unique_ptr<Elaborator> elaborator;
  std::unique_ptr<Compiler> compiler;
  std::unique_ptr<ThreadPool> pool;
  /// When set, a `train` is handed to it instead of being trained (benchmarks).
  std::function<void(const TrainPlan &, const TrainFunctions &)> onTrain;
  bool quiet = false;  ///< no progress lines
  bool goesOn = false; ///< a prompt follows: what is trained so far when Ctrl-C comes is of use
  Digits digits;       ///< of numbers that are printed
  std::function<void(const std::string &)> output; ///< where print goes; standard output at first

private:
  explicit Session(SessionOptions options);
  /// Elaborates a program or an input; Ctrl-C anywhere in it ends it.
  void elaborate(const ast::Program &program, bool show);
  /// The same for an expression of which something is asked: nothing stays defined or assigned.
  void ask(const ast::Program &program);
  /// The code of a module's function on dense buffers, and the types of its results; null after an error was reported, or
  /// when nothing is to be run.
  std::shared_ptr<const Compiled> prepare(mlir::ModuleOp module, std::vector<mlir::RankedTensorType> &types,
                                          SourceRange at);
  /// Says something of data or weights at once, before what may take hours.
  void warn(SourceRange at, const std::string &text, const std::string &help = "") const;
  /// Whether an expression made a data set of rows of another, and what it is called in messages: that expression then.
  bool isMadeOfRows(const DataInfo &info) const { return !sources.text(info.at).starts_with("data "); }
  std::string shownName(const DataInfo &info) const;
  /// Whether a stage of what is computed here is printed instead.
  bool emits(SourceRange at) const;
  /// The batch that a function is called with, for errors.
  struct BatchRows {
    std::string data = {};
    const int64_t *rows = nullptr;
    int64_t count = 0;
  };
  bool call(const Compiled &compiled, std::vector<void *> inputs, std::vector<void *> outputs, SourceRange at,
            const BatchRows &batch);
  bool call(const Compiled &compiled, std::vector<void *> inputs, std::vector<void *> outputs, SourceRange at) {
    return call(compiled, std::move(inputs), std::move(outputs), at, BatchRows());
  }
  /// `run`, into the buffers of `outputs`; null ones are allocated.
  bool runInto(mlir::ModuleOp module, const std::vector<HostBufferRef> &inputs, std::vector<HostBufferRef> &outputs,
               SourceRange at);
  /// Fills a block from a checkpoint, or what fits of it; says what was left. Gives which slots are filled.
  std::optional<std::vector<bool>> fill(const std::string &file, bool partial, const SlotBlock &block, SourceRange at,
                                        const std::string &partially);
  /// What is wrong with a file whose vocabularies are not those of the model, or of open data with fields of these names.
  Result<void> checkLoaded(const std::string &file, const Vocabularies &saved, const Vocabularies *model) const;
  /// `load` of these parameters, of a model with these vocabularies (null: none).
  bool loadSlots(const std::string &name, bool partial, const std::vector<ParamSlotRef> &params,
                 const Vocabularies *own, std::vector<HostBufferRef> &values, std::shared_ptr<const void> &vocabularies,
                 SourceRange at);
  /// The model of a training that makes no step: what its file has.
  bool takeSaved(const TrainPlan &plan, const TrainFunctions &functions, std::vector<HostBufferRef> &trained,
                 TrainHistory &history);
  void warnOfOverwriting(const TrainPlan &plan);
  bool initialise(const TrainPlan &plan, const TrainFunctions &functions, const Compiled &step, void *params,
                  void *state);

  SessionOptions options;
  SearchPaths paths;
  SourceRange emitAt;                                                ///< the statement that `emitOf` means
  std::map<std::string, std::shared_ptr<const Compiled>> statements; ///< what ran before, by the text of its graph
  std::vector<std::weak_ptr<const Dataset>> opened;
  std::vector<std::pair<SourceRange, Error>> unsaved; ///< by trainings of the program under way: reported at its end
  std::map<std::string, SourceRange> writtenBy;       ///< files that trainings save, and folders of their logs
  ast::AstContext tree;
  bool interrupted = false, emitted = false;
  bool withoutGnuplot = false;                       ///< it was looked for and not found, and this was said
  const InterruptScope *running = nullptr;           ///< that of the program or input under way
  std::vector<std::vector<double>> *times = nullptr; ///< while timing: of each computation, the seconds of its runs
};

/// What a model's ModelInstance::vocabularies are here; null where it has none.
const Vocabularies *vocabulariesOf(const ModelInstance &model);
/// The opened data set of a `data`, or a part of it.
std::shared_ptr<const Dataset> datasetOf(const DataInfo &info);
/// A dense buffer for a tensor type.
Result<HostBufferRef> allocateTensor(mlir::RankedTensorType type);
/// A value as `print` shows it.
std::string formatValue(const Value &value, Digits digits = {});
/// The whole text of a program; an Error when it cannot be read (missing, a folder, beyond any program's size).
Result<std::string> readProgram(const std::string &path);
/// The exit code of what was reported: a wrong `--set` is the command line's mistake, not the program's.
int exitCodeOf(const DiagnosticEngine &diagnostics);
/// Reports an error of the runtime; its further lines become notes.
DiagnosticEngine::Builder reportError(DiagnosticEngine &diagnostics, Diag kind, SourceRange at, const Error &error);

} // namespace dlc
