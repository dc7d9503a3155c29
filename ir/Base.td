// The dialect `dl` and the classes that its operations derive from: a family's file then needs one line an operation.
#ifndef DLC_IR_BASE
#define DLC_IR_BASE

include "mlir/IR/OpBase.td"
include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"
include "mlir/IR/BuiltinAttributes.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/ControlFlowInterfaces.td"
include "ir/Interfaces.td"

def Dl_Dialect : Dialect {
  let name = "dl";
  let cppNamespace = "::dlc::dl";
  let summary = "tensor programs by value: what a model says, its gradients, its kernels";
  let description = [{
    Operations are few and general, and come in families (one .td file each). Every tensor is ranked and of static
    shape; a scalar is a tensor of rank 0. Element types: f32 f64 bf16 i32 i64 ui8 i1. A function's result with the
    attribute `dl.updates = 2 : i64` is the new value of argument 2.
  }];
  let hasConstantMaterializer = 1;
  let useDefaultAttributePrinterParser = 1;
  let hasRegionResultAttrVerify = 1;
}

def Dl_Tensor : StaticShapeTensorOf<[F32, F64, BF16, I<32>, I<64>, UI8, I1]>;
def Dl_FloatTensor : StaticShapeTensorOf<[F32, F64, BF16]>;
def Dl_IntTensor : StaticShapeTensorOf<[I<32>, I<64>, UI8]>;
def Dl_NumberTensor : StaticShapeTensorOf<[F32, F64, BF16, I<32>, I<64>, UI8]>;
def Dl_BoolTensor : StaticShapeTensorOf<[I1]>;
def Dl_IndexScalar : 0DTensorOf<[I<64>]>;
def Dl_BoolScalar : 0DTensorOf<[I1]>;

/// An operation without a gradient: the sweep stops here.
def NonDifferentiable : NativeOpTrait<"NonDifferentiable"> {
  let cppNamespace = "::dlc::dl";
}
/// Element i of the result is a function of elements i of the operands: what a kernel computes point by point.
def Pointwise : NativeOpTrait<"Pointwise"> {
  let cppNamespace = "::dlc::dl";
}
/// The operation moves or makes elements without arithmetic (broadcast, slice, ...): element i of the result is an
/// element of an operand found from i alone, or a function of i.
def Movement : NativeOpTrait<"Movement"> {
  let cppNamespace = "::dlc::dl";
}

class Dl_Op<string mnemonic, list<Trait> traits = []> : Op<Dl_Dialect, mnemonic, traits>;

/// A pure operation with an adjoint rule (ir/adjoint/).
class Dl_DiffOp<string mnemonic, list<Trait> traits = []>
    : Dl_Op<mnemonic, !listconcat([Pure, DeclareOpInterfaceMethods<AdjointOpInterface>], traits)>;

#endif
