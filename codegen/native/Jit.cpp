// A planned function becomes an object for each distinct kernel, one for each function that kernels share, and one with the
// step. They are linked into a library of their own inside the process, so that functions of different modules may have the
// same names. Whether an object comes from the cache or is made anew changes nothing: it depends on its kernel alone.
#include "codegen/native/Jit.h"
#include "codegen/native/CodeQueue.h"
#include "codegen/native/Lowering.h"
#include "codegen/native/ObjectCache.h"
#include "codegen/native/ObjectFile.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/ExecutionEngine/Orc/ExecutionUtils.h"
#include "llvm/ExecutionEngine/Orc/LLJIT.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/DynamicLibrary.h"
#include "llvm/Support/MemoryBuffer.h"
#include <atomic>
#include <chrono>
#include <deque>
#include <map>
#include <mutex>

using namespace mlir;

namespace dlc {

struct Jit::Engine {
  explicit Engine(std::string cache) : cache(std::move(cache)) {}

  std::unique_ptr<llvm::orc::LLJIT> jit;
  std::atomic<unsigned> libraries{0};
  ObjectCache cache;
  /// Objects of functions that many modules call, by name.
  std::mutex mutex;
  std::map<std::string, std::unique_ptr<llvm::MemoryBuffer>> shared;
};

Jit::Jit(Target target, std::shared_ptr<Engine> engine) : target(std::move(target)), engine(std::move(engine)) {}
Jit::~Jit() = default;

llvm::Expected<std::unique_ptr<Jit>> Jit::create(Target target, std::string cache) {
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
  auto engine = std::make_shared<Engine>(std::move(cache));
  engine->jit = std::move(*made);
  return std::unique_ptr<Jit>(new Jit(std::move(target), std::move(engine)));
}

/// LAPACK is loaded when something calls it first: most programs do not.
static llvm::Error loadLapack() {
  static constexpr char library[] = "liblapacke.so.3";
  std::string problem;
  if (!llvm::sys::DynamicLibrary::LoadLibraryPermanently(library, &problem))
    return llvm::Error::success();
  return llvm::createStringError("linear algebra needs the library `" + StringRef(library) + "`: " + problem);
}

/// Adds the milliseconds that `work` takes to `total`.
template <class Work> static auto timed(double &total, Work work) {
  auto begin = std::chrono::steady_clock::now();
  auto result = work();
  total += std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count();
  return result;
}

/// The work on one module.
class Jit::Compilation {
public:
  Compilation(const Target &target, Engine &engine, MLIRContext &context, Location loc)
      : target(target), engine(engine), loc(loc), toLlvm(context), queue(target) {}

  /// Until all parts are LLVM IR; their code is under way.
  llvm::Error emit(func::FuncOp function, StringRef name);
  /// Makes a library of their code.
  llvm::Error link(llvm::orc::JITDylib &library);
  llvm::Expected<llvm::orc::ExecutorAddr> lookUp(llvm::orc::JITDylib &library, StringRef symbol) {
    return timed(linkTime, [&] { return engine.jit->lookup(library, symbol); });
  }
  void report(const TimeSink &sink) const;

private:
  /// A kernel, the step, or a function that they share.
  struct Part : CodePart {
    std::string name;
    std::string key; ///< under which the object is kept; empty: it is not
    KernelInfo info;
    std::vector<std::string> needs;
    bool isShared = false;
  };

  llvm::Error emitKernel(KernelTable::Entry &entry, size_t number);
  llvm::Error emitPart(Part &part, llvm::function_ref<LogicalResult(OpBuilder &)> emit);
  llvm::Error lower(Part &part, ModuleOp loops);
  llvm::Error takeShared(Part &part, ModuleOp loops);
  bool findShared(const std::string &name);
  void keep(const Part &part);
  const Target &target;
  Engine &engine;
  Location loc;
  ToLlvm toLlvm;
  std::deque<Part> parts;
  llvm::StringSet<> shared;
  llvm::StringMap<KernelInfo> known;
  double loopsTime = 0, llvmTime = 0, codeTime = 0, linkTime = 0;
  /// Behind the parts: its threads end before they do.
  CodeQueue queue;
};

llvm::Error Jit::Compilation::emit(func::FuncOp function, StringRef name) {
  KernelTable table(function);
  for (auto [number, entry] : llvm::enumerate(table.entries))
    if (llvm::Error error = emitKernel(entry, number))
      return error;
  // The step needs to know every kernel's tasks.
  Part &step = parts.emplace_back();
  return emitPart(step, [&](OpBuilder &builder) { return emitStep(builder, function, table, stepSymbol(name)); });
}

/// A kernel has a name that does not depend on the program, so that its object fits into another.
llvm::Error Jit::Compilation::emitKernel(KernelTable::Entry &entry, size_t number) {
  std::string key;
  if (engine.cache)
    key = timed(loopsTime, [&] { return engine.cache.keyOf(kernelText(entry.kernel), target); });
  entry.name = "kernel." + (key.empty() ? std::to_string(number) : key);
  if (auto same = known.find(entry.name); same != known.end()) {
    entry.info = same->second;
    return llvm::Error::success();
  }
  Part &part = parts.emplace_back();
  part.name = entry.name;
  part.key = key;
  auto found = key.empty() ? std::nullopt : engine.cache.find(key);
  if (found && llvm::all_of(found->needs, [&](const std::string &name) { return findShared(name); })) {
    entry.info = found->info;
    part.object = std::move(found->object);
    part.key.clear();
  } else if (llvm::Error error = emitPart(part, [&](OpBuilder &builder) {
               LogicalResult made = emitKernelOf(builder, entry, target);
               part.info = entry.info;
               return made;
             })) {
    return error;
  }
  known[entry.name] = entry.info;
  return llvm::Error::success();
}

llvm::Error Jit::Compilation::emitPart(Part &part, llvm::function_ref<LogicalResult(OpBuilder &)> emit) {
  OwningOpRef<ModuleOp> loops(ModuleOp::create(loc));
  llvm::Error error = timed(loopsTime, [&] {
    return runReporting(*loc.getContext(), [&] {
      OpBuilder builder = OpBuilder::atBlockEnd(loops->getBody());
      return emit(builder);
    });
  });
  if (error)
    return error;
  if (llvm::Error failed = takeShared(part, *loops))
    return failed;
  return lower(part, *loops);
}

llvm::Error Jit::Compilation::lower(Part &part, ModuleOp loops) {
  part.context = std::make_unique<llvm::LLVMContext>();
  auto module = timed(llvmTime, [&] { return toLlvm.translate(loops, *part.context); });
  if (!module)
    return module.takeError();
  part.module = std::move(*module);
  queue.add(part);
  return llvm::Error::success();
}

/// Leaves of each shared function a declaration; the first part that needs one makes a part of it.
llvm::Error Jit::Compilation::takeShared(Part &part, ModuleOp loops) {
  for (func::FuncOp function : loops.getOps<func::FuncOp>()) {
    std::string name = function.getName().str();
    if (!StringRef(name).starts_with("dlc.") || function.isExternal())
      continue;
    part.needs.push_back(name);
    function->removeAttr("llvm.linkage");
    if (!findShared(name)) {
      OwningOpRef<ModuleOp> own(ModuleOp::create(loc));
      func::FuncOp clone = function.clone();
      clone.setPublic();
      own->push_back(clone);
      // What it calls of the C library.
      for (auto library : loops.getOps<LLVM::LLVMFuncOp>())
        own->push_back(library.clone());
      Part &made = parts.emplace_back();
      made.name = name;
      made.isShared = true;
      if (engine.cache)
        made.key = engine.cache.keyOf(name, target);
      shared.insert(name);
      if (llvm::Error error = lower(made, *own))
        return error;
    }
    function.eraseBody();
    function.setPrivate();
  }
  return llvm::Error::success();
}

/// Whether the object of a shared function is at hand, which then belongs to the parts.
bool Jit::Compilation::findShared(const std::string &name) {
  if (shared.contains(name))
    return true;
  std::unique_ptr<llvm::MemoryBuffer> object;
  {
    std::lock_guard<std::mutex> lock(engine.mutex);
    if (auto found = engine.shared.find(name); found != engine.shared.end())
      object = llvm::MemoryBuffer::getMemBufferCopy(found->second->getBuffer(), name);
  }
  if (!object && engine.cache)
    if (auto found = engine.cache.find(engine.cache.keyOf(name, target)))
      object = std::move(found->object);
  if (!object)
    return false;
  Part &part = parts.emplace_back();
  part.name = name;
  part.isShared = true;
  part.object = std::move(object);
  shared.insert(name);
  return true;
}

llvm::Error Jit::Compilation::link(llvm::orc::JITDylib &library) {
  timed(codeTime, [&] { return queue.finish(), true; });
  for (Part &part : parts) {
    if (!part.object)
      return llvm::createStringError(part.problem);
    keep(part);
    if (llvm::Error problem =
            timed(linkTime, [&] { return engine.jit->addObjectFile(library, std::move(part.object)); }))
      return problem;
  }
  return llvm::Error::success();
}

/// Keeps an object that was made for the next module, or process, that needs it.
void Jit::Compilation::keep(const Part &part) {
  if (!part.key.empty())
    engine.cache.store(part.key, part.info, part.needs, part.object->getBuffer());
  if (!part.isShared)
    return;
  std::lock_guard<std::mutex> lock(engine.mutex);
  auto &kept = engine.shared[part.name];
  if (!kept)
    kept = llvm::MemoryBuffer::getMemBufferCopy(part.object->getBuffer(), part.name);
}

/// The code is made while kernels are emitted: its time is what this thread waits and helps in the end.
void Jit::Compilation::report(const TimeSink &sink) const {
  if (!sink)
    return;
  sink("kernels to loops", loopsTime);
  sink("loops to LLVM", llvmTime);
  sink("LLVM to machine code", codeTime);
  sink("linking", linkTime);
}

llvm::Expected<JitFunction> Jit::add(ModuleOp planned, llvm::StringRef name, const TimeSink &onTime) {
  auto function = planned.lookupSymbol<func::FuncOp>(name);
  if (!function || function.isExternal())
    return llvm::createStringError("the module has no function `" + name + "`");
  if (callsLapack(function))
    if (llvm::Error error = loadLapack())
      return std::move(error);
  Compilation compilation(target, *engine, *planned.getContext(), planned.getLoc());
  if (llvm::Error error = compilation.emit(function, name))
    return std::move(error);
  llvm::orc::LLJIT &jit = *engine->jit;
  auto library = jit.createJITDylib("dlc" + std::to_string(engine->libraries++));
  if (!library)
    return library.takeError();
  JitFunction made;
  made.code = std::shared_ptr<void>(&*library, [engine = engine](void *code) {
    llvm::consumeError(engine->jit->getExecutionSession().removeJITDylib(*static_cast<llvm::orc::JITDylib *>(code)));
  });
  library->addToLinkOrder(*jit.getProcessSymbolsJITDylib());
  if (llvm::Error error = compilation.link(*library))
    return std::move(error);
  auto address = compilation.lookUp(*library, stepSymbol(name));
  if (!address)
    return address.takeError();
  compilation.report(onTime);
  made.function = address->toPtr<dlc_function>();
  return made;
}

} // namespace dlc
