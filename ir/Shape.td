// Operations that make, move or view elements.
include "ir/Base.td"

def ConstantOp : Dl_Op<"constant", [Pure, ConstantLike, Movement, NonDifferentiable, AllTypesMatch<["value", "result"]>]> {
  let summary = "a constant tensor; most are splats";
  let arguments = (ins ElementsAttr:$value);
  let results = (outs Dl_Tensor:$result);
  let assemblyFormat = "attr-dict $value";
  let builders = [OpBuilder<(ins "::mlir::RankedTensorType":$type, "double":$splat)>];
  let hasFolder = 1;
  let hasVerifier = 1;
}
def IotaOp : Dl_Op<"iota", [Pure, Movement, NonDifferentiable]> {
  let summary = "each element is its index along an axis";
  let description = "Example: `%i = dl.iota 1 : tensor<64x10xi64>`";
  let arguments = (ins I64Attr:$axis);
  let results = (outs Dl_NumberTensor:$result);
  let assemblyFormat = "$axis attr-dict `:` type($result)";
  let hasVerifier = 1;
}
def ReshapeOp : Dl_DiffOp<"reshape", [Movement]> {
  let summary = "the same elements in row-major order under another shape";
  let arguments = (ins Dl_Tensor:$operand);
  let results = (outs Dl_Tensor:$result);
  let assemblyFormat = "$operand attr-dict `:` type($operand) `->` type($result)";
  let hasFolder = 1;
  let hasVerifier = 1;
}
def TransposeOp : Dl_DiffOp<"transpose", [Movement]> {
  let summary = "axis i of the result is axis permutation[i] of the operand";
  let arguments = (ins Dl_Tensor:$operand, DenseI64ArrayAttr:$permutation);
  let results = (outs Dl_Tensor:$result);
  let assemblyFormat = "$operand `by` $permutation attr-dict `:` type($operand) `->` type($result)";
  let hasFolder = 1;
  let hasVerifier = 1;
}
def BroadcastOp : Dl_DiffOp<"broadcast", [Movement]> {
  let summary = "axis i of the operand becomes axis axes[i] of the result; along the others it is repeated";
  let description = [{
    `axes` increases; sizes of mapped axes are equal (an axis of size 1 that grows is reshaped away first).
    Example: `%b1 = dl.broadcast %b to [1] : tensor<128xf32> -> tensor<64x128xf32>`
  }];
  let arguments = (ins Dl_Tensor:$operand, DenseI64ArrayAttr:$axes);
  let results = (outs Dl_Tensor:$result);
  let assemblyFormat = "$operand `to` $axes attr-dict `:` type($operand) `->` type($result)";
  let hasFolder = 1;
  let hasVerifier = 1;
}
def SliceOp : Dl_DiffOp<"slice", [Movement]> {
  let summary = "elements start, start + step, ... of each axis; sizes come from the result; steps are positive";
  let arguments = (ins Dl_Tensor:$operand, DenseI64ArrayAttr:$starts, DenseI64ArrayAttr:$steps);
  let results = (outs Dl_Tensor:$result);
  let assemblyFormat = "$operand `from` $starts `step` $steps attr-dict `:` type($operand) `->` type($result)";
  let hasFolder = 1;
  let hasVerifier = 1;
}
def PadOp : Dl_DiffOp<"pad", [Movement]> {
  let summary = "zeros around and between the elements: `low` in front, `interior` between neighbours, the rest behind";
  let arguments = (ins Dl_Tensor:$operand, DenseI64ArrayAttr:$low, DenseI64ArrayAttr:$interior);
  let results = (outs Dl_Tensor:$result);
  let assemblyFormat = "$operand `low` $low `interior` $interior attr-dict `:` type($operand) `->` type($result)";
  let hasVerifier = 1;
}
def ReverseOp : Dl_DiffOp<"reverse", [Movement, SameOperandsAndResultType]> {
  let summary = "the order of elements along axes turned round";
  let arguments = (ins Dl_Tensor:$operand, DenseI64ArrayAttr:$axes);
  let results = (outs Dl_Tensor:$result);
  let assemblyFormat = "$operand `along` $axes attr-dict `:` type($result)";
  let hasVerifier = 1;
}
def ConcatOp : Dl_DiffOp<"concat", [Movement]> {
  let summary = "tensors behind one another along an axis";
  let arguments = (ins Variadic<Dl_Tensor>:$operands, I64Attr:$axis);
  let results = (outs Dl_Tensor:$result);
  let assemblyFormat = "$operands `along` $axis attr-dict `:` type($operands) `->` type($result)";
  let hasVerifier = 1;
}
