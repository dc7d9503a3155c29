// What operations promise beyond MLIR's own interfaces.
#ifndef DLC_IR_INTERFACES
#define DLC_IR_INTERFACES

include "mlir/IR/OpBase.td"

def AdjointOpInterface : OpInterface<"AdjointOpInterface"> {
  let cppNamespace = "::dlc::dl";
  let description = [{
    The adjoint (vector-Jacobian) rule of an operation: from the cotangents of its results to those of its operands.
    Rules are built from operations of the graph stage, so they can be differentiated again.
  }];
  let methods = [
    InterfaceMethod<"Adds the cotangents of the wanted operands to `context`; fails, with an error on the operation, "
                    "when it has no gradient.",
                    "::llvm::LogicalResult", "adjoint", (ins "::dlc::dl::AdjointContext &":$context)>
  ];
}

#endif
