// Stages and passes from planned to code. MLIR's conversions run as one, LLVM's passes are the few that made a difference:
// the emitters leave nothing for a vectoriser or an inliner to do.
#include "codegen/native/Lowering.h"
#include "mlir/Conversion/ArithToLLVM/ArithToLLVM.h"
#include "mlir/Conversion/ControlFlowToLLVM/ControlFlowToLLVM.h"
#include "mlir/Conversion/ConvertToLLVM/ToLLVMPass.h"
#include "mlir/Conversion/FuncToLLVM/ConvertFuncToLLVM.h"
#include "mlir/Conversion/MathToLLVM/MathToLLVM.h"
#include "mlir/Conversion/ReconcileUnrealizedCasts/ReconcileUnrealizedCasts.h"
#include "mlir/Conversion/SCFToControlFlow/SCFToControlFlow.h"
#include "mlir/Conversion/VectorToLLVM/ConvertVectorToLLVM.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlow.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;

namespace dlc {

void registerCodegenDialects(DialectRegistry &registry) {
  registry.insert<arith::ArithDialect, cf::ControlFlowDialect, func::FuncDialect, LLVM::LLVMDialect, math::MathDialect,
                  scf::SCFDialect, vector::VectorDialect>();
  arith::registerConvertArithToLLVMInterface(registry);
  cf::registerConvertControlFlowToLLVMInterface(registry);
  registerConvertFuncToLLVMInterface(registry);
  registerConvertMathToLLVMInterface(registry);
  vector::registerConvertVectorToLLVMInterface(registry);
  registerBuiltinDialectTranslation(registry);
  registerLLVMDialectTranslation(registry);
}

void prepareContext(MLIRContext &context) {
  DialectRegistry registry;
  registerCodegenDialects(registry);
  context.appendDialectRegistry(registry);
  context.loadAllAvailableDialects();
}

void buildLowerToLlvm(OpPassManager &manager) {
  manager.addPass(createSCFToControlFlowPass());
  manager.addPass(createConvertToLLVMPass());
  manager.addPass(createReconcileUnrealizedCastsPass());
}

llvm::Expected<func::FuncOp> plannedEntry(ModuleOp module) {
  func::FuncOp entry;
  for (func::FuncOp function : module.getOps<func::FuncOp>()) {
    if (function.isExternal() || function.isPrivate())
      continue;
    if (entry)
      return llvm::createStringError("the module has two entry functions: `" + entry.getName() + "` and `" +
                                     function.getName() + "`");
    entry = function;
  }
  if (!entry)
    return llvm::createStringError("the module has no entry function");
  return entry;
}

llvm::Error runReporting(MLIRContext &context, llvm::function_ref<LogicalResult()> work) {
  std::string text;
  ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) {
    if (diagnostic.getSeverity() != DiagnosticSeverity::Error)
      return failure();
    text += (text.empty() ? "" : "\n") + diagnostic.str();
    return success();
  });
  if (succeeded(work()))
    return llvm::Error::success();
  return llvm::createStringError(text.empty() ? "code generation failed without saying why" : text);
}

static MLIRContext &prepared(MLIRContext &context) { return prepareContext(context), context; }

ToLlvm::ToLlvm(MLIRContext &context) : manager(&prepared(context)) {
  // What these passes leave is looked at once more when it is translated.
  manager.enableVerifier(false);
  buildLowerToLlvm(manager);
}

llvm::Expected<std::unique_ptr<llvm::Module>> ToLlvm::translate(ModuleOp loops, llvm::LLVMContext &context) {
  std::unique_ptr<llvm::Module> module;
  llvm::Error error = runReporting(*loops.getContext(), [&] {
    if (failed(manager.run(loops)))
      return failure();
    module = translateModuleToLLVMIR(loops, context, "dlc");
    return success(module != nullptr);
  });
  if (error)
    return std::move(error);
  return module;
}

llvm::Expected<std::unique_ptr<llvm::Module>> translateToLlvm(ModuleOp loops, llvm::LLVMContext &context) {
  return ToLlvm(*loops.getContext()).translate(loops, context);
}

llvm::Expected<std::unique_ptr<llvm::Module>> lowerToLlvm(ModuleOp loops, const Target &target,
                                                          llvm::LLVMContext &context) {
  auto module = translateToLlvm(loops, context);
  if (module)
    if (llvm::Error failed = optimizeLightly(**module, target))
      return std::move(failed);
  return module;
}

llvm::Error printLowered(ModuleOp planned, const Target &target, StringRef stage, llvm::raw_ostream &stream) {
  OwningOpRef<ModuleOp> loops(planned.clone());
  prepareContext(*planned.getContext());
  if (llvm::Error error = runReporting(*planned.getContext(), [&] { return emitLoops(*loops, target); }))
    return error;
  if (stage == "loops") {
    loops->print(stream);
    stream << '\n';
    return llvm::Error::success();
  }
  llvm::LLVMContext context;
  auto module = lowerToLlvm(*loops, target, context);
  if (!module)
    return module.takeError();
  if (stage == "llvm") {
    (*module)->print(stream, nullptr);
    return llvm::Error::success();
  }
  if (stage != "asm")
    return llvm::createStringError("there is no stage `" + stage +
                                   "` behind the planned one; there are loops, llvm and asm");
  auto text = generateCode(**module, target, CodeKind::Assembly);
  if (!text)
    return text.takeError();
  stream << (*text)->getBuffer();
  return llvm::Error::success();
}

} // namespace dlc
