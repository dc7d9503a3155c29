// A step that looks at the clock before and after each of its kernels, for dlc-bench. Its code is the usual one, but that
// where it would run a piece of its table (codegen/StepTable.h) it calls a function here, which lets the records of the
// piece run one by one: kernels see the data and the caches that they see in a step.
#pragma once

#include "codegen/StepTable.h"
#include "codegen/native/Lowering.h"
#include "runtime/ThreadPool.h"

#include "llvm/ExecutionEngine/Orc/ExecutionUtils.h"
#include "llvm/ExecutionEngine/Orc/LLJIT.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/MemoryBuffer.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

namespace dlc {

class TimedStep {
public:
  /// A kernel, with all that are equal to it, in one step: the median over the steps.
  struct Kernel {
    std::string name;
    double microseconds = 0; ///< of all calls together
    int64_t calls = 0;
  };

  static llvm::Expected<std::unique_ptr<TimedStep>> create(mlir::ModuleOp planned, const Target &target);

  /// Lets `call` run a step: a function of the buffers that the planned one takes, and its context.
  template <class Call> void run(ThreadPool &pool, Call call) {
    for (size_t i = 0; i < names.size(); ++i)
      calls[i] = 0, microseconds[i].push_back(0);
    Context context{pool.context(), this};
    call(function, context);
  }

  /// Those that take longest first.
  std::vector<Kernel> kernels() const;

private:
  using Runner = int64_t(void *const *functions, const int64_t *begin, const int64_t *end, void *bases, void *args,
                         dlc_context *context);
  struct Context : dlc_context {
    TimedStep *step;
  };
  static int64_t timed(void *const *functions, const int64_t *begin, const int64_t *end, void *bases, void *args,
                       dlc_context *context);
  llvm::Error link(std::unique_ptr<llvm::MemoryBuffer> object, llvm::StringRef runnerName, llvm::StringRef stepName);

  std::unique_ptr<llvm::orc::LLJIT> jit;
  Runner *runner = nullptr;
  dlc_function function = nullptr;
  std::vector<std::string> names;                ///< of the kernels, by number
  std::vector<int64_t> calls;                    ///< of each, in the last step
  std::vector<std::vector<double>> microseconds; ///< of each, in each step
};

inline int64_t TimedStep::timed(void *const *functions, const int64_t *begin, const int64_t *end, void *bases,
                                void *args, dlc_context *context) {
  TimedStep &step = *static_cast<Context *>(context)->step;
  int64_t status = 0;
  for (const int64_t *record = begin, *next; record != end && status == 0; record = next) {
    next = record + 3 + (record[1] & 0xffff); // its function, how many operands, tasks; then the operands
    auto from = std::chrono::steady_clock::now();
    status = step.runner(functions, record, next, bases, args, context);
    std::chrono::duration<double, std::micro> took = std::chrono::steady_clock::now() - from;
    step.microseconds[size_t(record[0])].back() += took.count();
    ++step.calls[size_t(record[0])];
  }
  return status;
}

inline llvm::Expected<std::unique_ptr<TimedStep>> TimedStep::create(mlir::ModuleOp planned, const Target &target) {
  llvm::Expected<mlir::func::FuncOp> entry = plannedEntry(planned);
  if (!entry)
    return entry.takeError();
  auto made = std::make_unique<TimedStep>();
  for (const KernelTable::Entry &kernel : KernelTable(*entry).entries)
    made->names.push_back(kernel.name.substr(entry->getName().size() + 1));
  made->calls.resize(made->names.size());
  made->microseconds.resize(made->names.size());

  mlir::OwningOpRef<mlir::ModuleOp> loops(planned.clone());
  prepareContext(*planned.getContext());
  if (llvm::Error error = runReporting(*planned.getContext(), [&] { return emitLoops(*loops, target); }))
    return std::move(error);
  mlir::OpBuilder builder(planned.getContext());
  std::string runnerName = stepRunner(builder, *loops).getName().str();
  llvm::LLVMContext context;
  auto module = translateToLlvm(*loops, context);
  if (!module)
    return module.takeError();
  llvm::Function *runner = (*module)->getFunction(runnerName);
  runner->replaceAllUsesWith(
      llvm::Function::Create(runner->getFunctionType(), llvm::GlobalValue::ExternalLinkage, "dlc.timed", **module));
  runner->setLinkage(llvm::GlobalValue::ExternalLinkage);
  if (llvm::Error error = optimizeLightly(**module, target))
    return std::move(error);
  auto object = generateCode(**module, target, CodeKind::Object);
  if (!object)
    return object.takeError();
  if (llvm::Error error = made->link(std::move(*object), runnerName, stepSymbol(entry->getName())))
    return std::move(error);
  return made;
}

inline llvm::Error TimedStep::link(std::unique_ptr<llvm::MemoryBuffer> object, llvm::StringRef runnerName,
                                   llvm::StringRef stepName) {
  auto created = llvm::orc::LLJITBuilder().setPlatformSetUp(llvm::orc::setUpInactivePlatform).create();
  if (!created)
    return created.takeError();
  jit = std::move(*created);
  llvm::orc::SymbolMap own = {
      {jit->mangleAndIntern("dlc.timed"), {llvm::orc::ExecutorAddr::fromPtr(&timed), llvm::JITSymbolFlags::Exported}}};
  if (llvm::Error error = jit->getMainJITDylib().define(llvm::orc::absoluteSymbols(std::move(own))))
    return error;
  if (llvm::Error error = jit->addObjectFile(std::move(object)))
    return error;
  auto runnerAt = jit->lookup(runnerName);
  if (!runnerAt)
    return runnerAt.takeError();
  auto stepAt = jit->lookup(stepName);
  if (!stepAt)
    return stepAt.takeError();
  runner = runnerAt->toPtr<Runner *>();
  function = stepAt->toPtr<dlc_function>();
  return llvm::Error::success();
}

inline std::vector<TimedStep::Kernel> TimedStep::kernels() const {
  std::vector<Kernel> all;
  for (size_t i = 0; i < names.size(); ++i) {
    std::vector<double> times = microseconds[i];
    auto middle = times.begin() + ptrdiff_t(times.size() / 2);
    std::nth_element(times.begin(), middle, times.end());
    all.push_back({names[i], times.empty() ? 0 : *middle, calls[i]});
  }
  std::ranges::sort(all, std::greater(), &Kernel::microseconds);
  return all;
}

} // namespace dlc
