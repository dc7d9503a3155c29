// The pass from the planned stage to loops, and the registration of codegen's passes.
#include "codegen/Passes.h"
#include "codegen/native/Lowering.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Pass/PassRegistry.h"

using namespace mlir;

namespace dlc {

#define GEN_PASS_DEF_EMITLOOPS
#include "codegen/Passes.h.inc"

LogicalResult emitLoops(ModuleOp module, const Target &target) {
  for (func::FuncOp planned : llvm::make_early_inc_range(module.getOps<func::FuncOp>())) {
    if (planned.isExternal() || planned.isPrivate())
      continue;
    // What the kernels declare of the C library must not find the function itself.
    planned.setName(stepSymbol(planned.getName()));
    KernelTable table(planned);
    OpBuilder builder(planned);
    for (KernelTable::Entry &entry : table.entries) {
      if (failed(emitKernelOf(builder, entry, target)))
        return failure();
      auto kernel = module.lookupSymbol<func::FuncOp>(entry.name);
      kernel.setPrivate();
      kernel->setAttr("llvm.linkage", LLVM::LinkageAttr::get(module.getContext(), LLVM::Linkage::Internal));
    }
    if (failed(emitStep(builder, planned, table, planned.getName())))
      return failure();
    planned.erase();
  }
  return success();
}

namespace {
struct EmitLoops : impl::EmitLoopsBase<EmitLoops> {
  using EmitLoopsBase::EmitLoopsBase;

  void getDependentDialects(DialectRegistry &registry) const override {
    registry.insert<arith::ArithDialect, cf::ControlFlowDialect, func::FuncDialect, LLVM::LLVMDialect,
                    math::MathDialect, scf::SCFDialect, vector::VectorDialect>();
  }

  void runOnOperation() override {
    llvm::Expected<Target> target = Target::named(cpu);
    if (!target) {
      getOperation().emitError(llvm::toString(target.takeError()));
      return signalPassFailure();
    }
    if (failed(emitLoops(getOperation(), *target)))
      signalPassFailure();
  }
};
} // namespace

void registerCodegenPasses() {
  registerPass([] { return createEmitLoops(); });
  PassPipelineRegistration<>("dl-lower-to-llvm", "from loops to the LLVM dialect", buildLowerToLlvm);
}

} // namespace dlc
