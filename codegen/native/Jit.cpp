// A planned function becomes an object or some, one of them with the step; they are linked into a library of their own
// inside the process, so that functions of different modules may have the same names. MLIR's context is used by one thread
// at a time; LLVM's work, most of the time, is done for all objects side by side.
#include "codegen/native/Jit.h"
#include "codegen/native/Lowering.h"
#include "codegen/native/ObjectFile.h"
#include "llvm/ExecutionEngine/Orc/ExecutionUtils.h"
#include "llvm/ExecutionEngine/Orc/LLJIT.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/DynamicLibrary.h"
#include "llvm/Support/MemoryBuffer.h"
#include <atomic>
#include <chrono>
#include <system_error>
#include <thread>

using namespace mlir;

namespace dlc {

/// Fewer kernels than this are not worth a thread of their own.
static constexpr size_t kernelsForThread = 2;

struct Jit::Engine {
  std::unique_ptr<llvm::orc::LLJIT> jit;
  std::atomic<unsigned> libraries{0};
};

Jit::Jit(Target target, std::unique_ptr<Engine> engine) : target(std::move(target)), engine(std::move(engine)) {}
Jit::~Jit() = default;

llvm::Expected<std::unique_ptr<Jit>> Jit::create(Target target) {
  if (!target.canRun())
    return llvm::createStringError("this machine cannot run code for the processor `" + target.cpu + "`");
  auto machine = createTargetMachine(target);
  if (!machine)
    return machine.takeError();
  llvm::orc::JITTargetMachineBuilder builder((*machine)->getTargetTriple());
  auto made = llvm::orc::LLJITBuilder()
                  .setJITTargetMachineBuilder(std::move(builder))
                  .setPlatformSetUp(llvm::orc::setUpInactivePlatform)
                  .create();
  if (!made)
    return made.takeError();
  auto engine = std::make_unique<Engine>();
  engine->jit = std::move(*made);
  return std::unique_ptr<Jit>(new Jit(std::move(target), std::move(engine)));
}

namespace {
/// A part of a module on its way to an object: some kernels' loops, LLVM IR in a context of its own, code.
struct Part {
  OwningOpRef<ModuleOp> loops;
  /// Operations of its loops: what its code costs to make.
  size_t operations = 0;
  llvm::LLVMContext context;
  std::unique_ptr<llvm::Module> module;
  std::unique_ptr<llvm::MemoryBuffer> object;
  std::string problem;

  /// Needs nothing of MLIR, so that parts can do it side by side.
  void generate(const Target &target) {
    if (llvm::Error error = optimizeLightly(*module, target)) {
      problem = llvm::toString(std::move(error));
      return;
    }
    if (auto code = generateCode(*module, target, CodeKind::Object))
      object = std::move(*code);
    else
      problem = llvm::toString(code.takeError());
  }
};
} // namespace

namespace {
/// Tells the time between one call of `ended` and the next.
class Stopwatch {
public:
  explicit Stopwatch(const TimeSink &sink) : sink(sink) {}
  void ended(llvm::StringRef part) {
    auto now = std::chrono::steady_clock::now();
    if (sink)
      sink(part, std::chrono::duration<double, std::milli>(now - begin).count());
    begin = now;
  }

private:
  const TimeSink &sink;
  std::chrono::steady_clock::time_point begin = std::chrono::steady_clock::now();
};
} // namespace

/// LAPACK is loaded when something calls it first: most programs do not.
static llvm::Error loadLapack() {
  static constexpr char library[] = "liblapacke.so.3";
  std::string problem;
  if (!llvm::sys::DynamicLibrary::LoadLibraryPermanently(library, &problem))
    return llvm::Error::success();
  return llvm::createStringError("linear algebra needs the library `" + StringRef(library) + "`: " + problem);
}

llvm::Expected<dlc_function> Jit::add(ModuleOp planned, llvm::StringRef name, const TimeSink &onTime) {
  Stopwatch watch(onTime);
  auto function = planned.lookupSymbol<func::FuncOp>(name);
  if (!function || function.isExternal())
    return llvm::createStringError("the module has no function `" + name + "`");
  if (callsLapack(function))
    if (llvm::Error error = loadLapack())
      return std::move(error);
  prepareContext(*planned.getContext());
  KernelTable table(function);
  size_t count = std::min<size_t>(table.entries.size() / kernelsForThread, std::thread::hardware_concurrency());
  std::vector<Part> parts(std::max<size_t>(count, 1));
  for (Part &part : parts)
    part.loops = ModuleOp::create(planned.getLoc());
  llvm::Error error = runReporting(*planned.getContext(), [&] {
    for (KernelTable::Entry &entry : table.entries) {
      Part &part = *llvm::min_element(parts, [](auto &a, auto &b) { return a.operations < b.operations; });
      OpBuilder builder = OpBuilder::atBlockEnd(part.loops->getBody());
      if (failed(emitKernelOf(builder, entry, target)))
        return failure();
      part.loops->getBody()->back().walk([&](Operation *) { ++part.operations; });
    }
    // The step needs to know every kernel's tasks.
    OpBuilder builder = OpBuilder::atBlockEnd(parts[0].loops->getBody());
    return emitStep(builder, function, table, stepSymbol(name));
  });
  if (error)
    return std::move(error);
  watch.ended("kernels to loops");
  for (Part &part : parts) {
    auto module = translateToLlvm(*part.loops, part.context);
    if (!module)
      return module.takeError();
    part.module = std::move(*module);
  }
  watch.ended("loops to LLVM");
  std::vector<std::thread> threads;
  size_t begun = 1;
  try {
    for (; begun < parts.size(); ++begun)
      threads.emplace_back([&part = parts[begun], this] { part.generate(target); });
  } catch (const std::system_error &) {
    // The system gives no more threads: this one does what is left.
  }
  parts[0].generate(target);
  for (; begun < parts.size(); ++begun)
    parts[begun].generate(target);
  for (std::thread &thread : threads)
    thread.join();
  watch.ended("LLVM to machine code");

  llvm::orc::LLJIT &jit = *engine->jit;
  auto library = jit.createJITDylib("dlc" + std::to_string(engine->libraries++));
  if (!library)
    return library.takeError();
  library->addToLinkOrder(*jit.getProcessSymbolsJITDylib());
  for (Part &part : parts) {
    if (!part.object)
      return llvm::createStringError(part.problem);
    if (llvm::Error problem = jit.addObjectFile(*library, std::move(part.object)))
      return std::move(problem);
  }
  auto address = jit.lookup(*library, stepSymbol(name));
  if (!address)
    return address.takeError();
  watch.ended("linking");
  return address->toPtr<dlc_function>();
}

} // namespace dlc
