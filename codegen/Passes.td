// The passes of codegen/: one record and one file each. Together with upstream's conversions they make the way from the
// planned stage to LLVM's dialect (native/Lowering.h).
#ifndef DLC_CODEGEN_PASSES
#define DLC_CODEGEN_PASSES

include "mlir/Pass/PassBase.td"

def EmitLoops : Pass<"dl-emit-loops", "::mlir::ModuleOp"> {
  let summary = "turns each kernel into a function of loops on vectors, and the planned function into the step that calls them";
  let description = [{
    Kernels that are equal up to their buffers become one function. The step has the signature of `dlc_function`
    (runtime/Abi.h); each kernel's function takes an array of buffer addresses and a range of tasks.
  }];
  let options = [Option<"cpu", "cpu", "std::string", "\"host\"", "the processor to emit for, by LLVM's name">];
}

#endif
