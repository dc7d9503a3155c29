// The way from the planned stage to machine code, in three parts that can be looked at: loops (MLIR: scf, vector, arith,
// LLVM pointers), llvm (the LLVM dialect, then LLVM IR after a few light passes), and code.
#pragma once

#include "codegen/StepEmitter.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/raw_ostream.h"
#include <memory>

namespace llvm {
class LLVMContext;
class MemoryBuffer;
class Module;
class TargetMachine;
} // namespace llvm
namespace mlir {
class DialectRegistry;
} // namespace mlir

namespace dlc {

/// Adds what the stages loops and llvm need: their dialects, conversions and translations. The functions below load them
/// into a module's context by themselves.
void registerCodegenDialects(mlir::DialectRegistry &registry);

/// Loads those dialects into a context.
void prepareContext(mlir::MLIRContext &context);
/// Runs `work` with the errors that it reports on the context turned into an error's text.
llvm::Error runReporting(mlir::MLIRContext &context, llvm::function_ref<llvm::LogicalResult()> work);

/// The passes from loops to the LLVM dialect (`--dl-lower-to-llvm`).
void buildLowerToLlvm(mlir::OpPassManager &manager);

/// The entry function of a planned module; an error when there is none or several.
llvm::Expected<mlir::func::FuncOp> plannedEntry(mlir::ModuleOp module);

/// Planned -> loops, in place: each public function is replaced by its step, with its kernels as private functions.
/// Errors go to the context's diagnostics.
llvm::LogicalResult emitLoops(mlir::ModuleOp module, const Target &target);

/// Loops -> LLVM IR, for one module after the other: the conversions' patterns are made once.
class ToLlvm {
public:
  explicit ToLlvm(mlir::MLIRContext &context);
  /// Consumes the loops; errors carry what was reported.
  llvm::Expected<std::unique_ptr<llvm::Module>> translate(mlir::ModuleOp loops, llvm::LLVMContext &context);

private:
  mlir::PassManager manager;
};
/// The same for a single module.
llvm::Expected<std::unique_ptr<llvm::Module>> translateToLlvm(mlir::ModuleOp loops, llvm::LLVMContext &context);
/// The same, and the light passes.
llvm::Expected<std::unique_ptr<llvm::Module>> lowerToLlvm(mlir::ModuleOp loops, const Target &target,
                                                          llvm::LLVMContext &context);

/// LLVM's code generator for a target (position-independent code).
llvm::Expected<std::unique_ptr<llvm::TargetMachine>> createTargetMachine(const Target &target);

/// The passes that LLVM IR gets (early-cse, licm, our own for pointers; more of them added time but no speed), and its
/// functions' attributes.
llvm::Error optimizeLightly(llvm::Module &module, const Target &target);
void optimizeLightly(llvm::Module &module, const Target &target, llvm::TargetMachine &machine);

/// An object file in memory, or the text of its assembly.
enum class CodeKind { Object, Assembly };
llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>> generateCode(llvm::Module &module, const Target &target,
                                                                 CodeKind kind);
llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>> generateCode(llvm::Module &module, llvm::TargetMachine &machine,
                                                                 CodeKind kind);

/// The same for one module after the other: the code generator's hundred and fifty passes are made once.
class CodeGenerator {
public:
  static llvm::Expected<std::unique_ptr<CodeGenerator>> create(llvm::TargetMachine &machine, CodeKind kind);
  std::unique_ptr<llvm::MemoryBuffer> generate(llvm::Module &module);

private:
  CodeGenerator() : stream(bytes) {}
  llvm::SmallVector<char, 0> bytes;
  llvm::raw_svector_ostream stream;
  llvm::legacy::PassManager passes;
};

/// Prints a planned module at a later stage: "loops", "llvm" or "asm". The module is left as it was.
llvm::Error printLowered(mlir::ModuleOp planned, const Target &target, llvm::StringRef stage,
                         llvm::raw_ostream &stream);

} // namespace dlc
