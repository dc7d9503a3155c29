// dlc-opt: reads a module of any stage, runs passes or verifies a stage, and prints it, as mlir-opt does.
#include "codegen/Passes.h"
#include "codegen/native/Lowering.h"
#include "ir/Dialect.h"
#include "ir/Stages.h"
#include "passes/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlow.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Pass/Pass.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include "mlir/Transforms/Passes.h"

namespace {

/// `--dl-verify-stage=stage=NAME`: fails where the module has what its stage does not.
struct VerifyStage : mlir::PassWrapper<VerifyStage, mlir::OperationPass<mlir::ModuleOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(VerifyStage)

  VerifyStage() = default;
  VerifyStage(const VerifyStage &other) : PassWrapper(other) { copyOptionValuesFrom(&other); }

  llvm::StringRef getArgument() const override { return "dl-verify-stage"; }
  llvm::StringRef getDescription() const override { return "verifies that a module holds only what its stage may"; }

  void runOnOperation() override {
    std::optional<dlc::dl::Stage> stage = dlc::dl::stageNamed(name);
    if (!stage) {
      getOperation().emitError() << "there is no stage `" << name
                                 << "`, expected graph, gradient, fused, planned, loops or llvm";
      return signalPassFailure();
    }
    if (failed(dlc::dl::verifyStage(getOperation(), *stage)))
      signalPassFailure();
    markAllAnalysesPreserved();
  }

  Option<std::string> name{*this, "stage", llvm::cl::desc("graph, gradient, fused, planned, loops or llvm")};
};

} // namespace

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  registry.insert<dlc::dl::DlDialect, mlir::arith::ArithDialect, mlir::cf::ControlFlowDialect, mlir::func::FuncDialect,
                  mlir::LLVM::LLVMDialect, mlir::math::MathDialect, mlir::memref::MemRefDialect, mlir::scf::SCFDialect,
                  mlir::vector::VectorDialect>();
  dlc::registerCodegenDialects(registry);
  mlir::registerCanonicalizerPass();
  mlir::registerCSEPass();
  mlir::registerSymbolDCEPass();
  mlir::PassRegistration<VerifyStage>();
  dlc::registerPasses();
  dlc::registerCodegenPasses();
  return mlir::asMainReturnCode(mlir::MlirOptMain(argc, argv, "dlc's IR, one pass at a time\n", registry));
}
