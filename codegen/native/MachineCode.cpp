// LLVM's side: the target machine, the light passes, and the code generator.
#include "codegen/native/CarriedPointers.h"
#include "codegen/native/Lowering.h"
#include "llvm/IR/Module.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/SmallVectorMemoryBuffer.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/Transforms/Scalar/EarlyCSE.h"
#include "llvm/Transforms/Scalar/LICM.h"

extern "C" {
void LLVMInitializeX86TargetInfo();
void LLVMInitializeX86Target();
void LLVMInitializeX86TargetMC();
void LLVMInitializeX86AsmPrinter();
}

using namespace llvm;

namespace dlc {

/// Loop strength reduction takes half of the time for a tile of many rows; CarriedPointersPass does what it would. It has no
/// switch but that of the command line.
static void switchOffStrengthReduction() {
  auto &options = cl::getRegisteredOptions();
  if (auto found = options.find("disable-lsr"); found != options.end())
    found->second->addOccurrence(0, "disable-lsr", "true");
}

/// Only the one target: registering all of them costs milliseconds at each start.
static void initializeTarget() {
  static const bool done = [] {
    LLVMInitializeX86TargetInfo();
    LLVMInitializeX86Target();
    LLVMInitializeX86TargetMC();
    LLVMInitializeX86AsmPrinter();
    switchOffStrengthReduction();
    return true;
  }();
  (void)done;
}

Expected<std::unique_ptr<TargetMachine>> createTargetMachine(const Target &target) {
  initializeTarget();
  Triple triple(sys::getProcessTriple());
  std::string problem;
  const llvm::Target *found = TargetRegistry::lookupTarget(triple, problem);
  if (!found || !triple.isX86_64())
    return createStringError("this machine is not x86-64: " + triple.str());
  TargetOptions options;
  options.AllowFPOpFusion = FPOpFusion::Standard;
  options.FunctionSections = true;
  return std::unique_ptr<TargetMachine>(found->createTargetMachine(
      triple, target.cpu, target.features, options, Reloc::PIC_, CodeModel::Small, CodeGenOptLevel::Default));
}

void optimizeLightly(Module &module, const Target &target, TargetMachine &machine) {
  module.setTargetTriple(machine.getTargetTriple());
  module.setDataLayout(machine.createDataLayout());
  for (Function &function : module) {
    // Native vectors are used as they are emitted, whatever width LLVM would prefer.
    function.addFnAttr("prefer-vector-width", std::to_string(target.vectorBytes * 8));
    function.addFnAttr(Attribute::NoUnwind);
  }
  LoopAnalysisManager loops;
  FunctionAnalysisManager functions;
  CGSCCAnalysisManager cycles;
  ModuleAnalysisManager modules;
  PassBuilder builder(&machine);
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(cycles);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, cycles, modules);
  FunctionPassManager passes;
  passes.addPass(EarlyCSEPass(/*UseMemorySSA=*/false));
  passes.addPass(createFunctionToLoopPassAdaptor(LICMPass(LICMOptions()), /*UseMemorySSA=*/true));
  passes.addPass(CarriedPointersPass());
  ModulePassManager manager;
  manager.addPass(createModuleToFunctionPassAdaptor(std::move(passes)));
  manager.run(module, modules);
}

Error optimizeLightly(Module &module, const Target &target) {
  auto machine = createTargetMachine(target);
  if (!machine)
    return machine.takeError();
  optimizeLightly(module, target, **machine);
  return Error::success();
}

Expected<std::unique_ptr<MemoryBuffer>> generateCode(Module &module, const Target &target, CodeKind kind) {
  auto machine = createTargetMachine(target);
  if (!machine)
    return machine.takeError();
  return generateCode(module, **machine, kind);
}

Expected<std::unique_ptr<MemoryBuffer>> generateCode(Module &module, TargetMachine &machine, CodeKind kind) {
  auto generator = CodeGenerator::create(machine, kind);
  if (!generator)
    return generator.takeError();
  return (*generator)->generate(module);
}

Expected<std::unique_ptr<CodeGenerator>> CodeGenerator::create(TargetMachine &machine, CodeKind kind) {
  std::unique_ptr<CodeGenerator> made(new CodeGenerator);
  auto type = kind == CodeKind::Object ? CodeGenFileType::ObjectFile : CodeGenFileType::AssemblyFile;
  if (machine.addPassesToEmitFile(made->passes, made->stream, nullptr, type))
    return createStringError("LLVM cannot write this kind of file for " + machine.getTargetCPU());
  return made;
}

std::unique_ptr<MemoryBuffer> CodeGenerator::generate(Module &module) {
  passes.run(module);
  SmallVector<char, 0> made;
  made.append(bytes.begin(), bytes.end());
  bytes.clear();
  return std::make_unique<SmallVectorMemoryBuffer>(std::move(made), "dlc", /*RequiresNullTerminator=*/false);
}

} // namespace dlc
