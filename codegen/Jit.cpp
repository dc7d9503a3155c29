// A planned function becomes one or two objects, each lowered by a thread of its own, and a step; the objects are linked
// into a library of their own inside the process, so that functions of different modules may have the same names.
#include "codegen/Jit.h"
#include "codegen/Lowering.h"
#include "llvm/ExecutionEngine/Orc/LLJIT.h"
#include "llvm/ExecutionEngine/Orc/ExecutionUtils.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/MemoryBuffer.h"
#include <atomic>
#include <thread>

using namespace mlir;

namespace dlc {

/// Fewer kernels than this are not worth a second thread.
static constexpr size_t kernelsForTwoThreads = 4;

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
/// A part of a module on its way to an object: some kernels' loops, then code.
struct Part {
  OwningOpRef<ModuleOp> loops;
  std::vector<unsigned> kernels;
  std::unique_ptr<llvm::MemoryBuffer> object;
  std::string problem;

  explicit Part(Location loc) : loops(ModuleOp::create(loc)) {}
  LogicalResult emit(KernelTable &table, const Target &target) {
    OpBuilder builder = OpBuilder::atBlockEnd(loops->getBody());
    return emitKernels(builder, table, kernels, target);
  }
  void compile(const Target &target) {
    llvm::LLVMContext context;
    auto module = lowerToLlvm(*loops, target, context);
    if (!module) {
      problem = llvm::toString(module.takeError());
      return;
    }
    if (auto code = generateCode(**module, target, CodeKind::Object))
      object = std::move(*code);
    else
      problem = llvm::toString(code.takeError());
  }
};
} // namespace

/// Runs `work` on each part, the first on this thread.
static void forEachPart(std::vector<Part> &parts, llvm::function_ref<void(Part &)> work) {
  std::vector<std::thread> threads;
  for (size_t i = 1; i < parts.size(); ++i)
    threads.emplace_back([&, i] { work(parts[i]); });
  work(parts[0]);
  for (std::thread &thread : threads)
    thread.join();
}

llvm::Expected<dlc_function> Jit::add(ModuleOp planned, llvm::StringRef name) {
  auto function = planned.lookupSymbol<func::FuncOp>(name);
  if (!function || function.isExternal())
    return llvm::createStringError("the module has no function `" + name + "`");
  prepareContext(*planned.getContext());
  KernelTable table(function);
  bool split = table.entries.size() >= kernelsForTwoThreads && std::thread::hardware_concurrency() > 1;
  std::vector<Part> parts;
  for (int i = 0; i < (split ? 2 : 1); ++i)
    parts.emplace_back(planned.getLoc());
  for (unsigned i = 0; i < table.entries.size(); ++i)
    parts[i % parts.size()].kernels.push_back(i);

  // Loops first: the step needs to know every kernel's tasks.
  llvm::Error error = runReporting(*planned.getContext(), [&] {
    std::atomic<bool> failing{false};
    forEachPart(parts, [&](Part &part) {
      if (failed(part.emit(table, target)))
        failing = true;
    });
    if (failing)
      return failure();
    OpBuilder builder = OpBuilder::atBlockEnd(parts[0].loops->getBody());
    return emitStep(builder, function, table, name);
  });
  if (error)
    return std::move(error);
  forEachPart(parts, [&](Part &part) { part.compile(target); });

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
  auto address = jit.lookup(*library, name);
  if (!address)
    return address.takeError();
  return address->toPtr<dlc_function>();
}

} // namespace dlc
