// A planned function becomes one or two objects, made side by side, and a step; the objects are linked
// into a library of their own inside the process, so that functions of different modules may have the same names.
#include "codegen/Jit.h"
#include "codegen/Lowering.h"
#include "mlir/IR/Threading.h"
#include "llvm/ExecutionEngine/Orc/LLJIT.h"
#include "llvm/ExecutionEngine/Orc/ExecutionUtils.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/MemoryBuffer.h"
#include <atomic>

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
  ModuleOp loops;
  std::vector<unsigned> kernels;
  std::unique_ptr<llvm::MemoryBuffer> object;
  std::string problem;

  void generate(const Target &target) {
    llvm::LLVMContext context;
    auto module = translateToLlvm(loops, target, context);
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

llvm::Expected<dlc_function> Jit::add(ModuleOp planned, llvm::StringRef name) {
  auto function = planned.lookupSymbol<func::FuncOp>(name);
  if (!function || function.isExternal())
    return llvm::createStringError("the module has no function `" + name + "`");
  MLIRContext &context = *planned.getContext();
  prepareContext(context);
  KernelTable table(function);
  bool split = table.entries.size() >= kernelsForTwoThreads && context.isMultithreadingEnabled() && context.getNumThreads() > 1;
  OwningOpRef<ModuleOp> whole = ModuleOp::create(planned.getLoc());
  std::vector<Part> parts(split ? 2 : 1);
  for (Part &part : parts)
    whole->push_back(part.loops = ModuleOp::create(planned.getLoc()));
  for (unsigned i = 0; i < table.entries.size(); ++i)
    parts[i % parts.size()].kernels.push_back(i);

  // What works on the one context at once goes through MLIR's own parallel loops: the context locks its tables only there.
  llvm::Error error = runReporting(context, [&] {
    auto emit = [&](Part &part) {
      OpBuilder builder = OpBuilder::atBlockEnd(part.loops.getBody());
      return emitKernels(builder, table, part.kernels, target);
    };
    if (failed(failableParallelForEach(&context, parts, emit)))
      return failure();
    // The step needs to know every kernel's tasks.
    OpBuilder builder = OpBuilder::atBlockEnd(parts[0].loops.getBody());
    if (failed(emitStep(builder, function, table, name)))
      return failure();
    return convertPartsToLlvm(*whole);
  });
  if (error)
    return std::move(error);
  parallelForEach(&context, parts, [&](Part &part) { part.generate(target); });

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
