// Operations that make, move or view elements.
include "ir/Base.td"

def ConstantOp : Dl_Op<"constant", [
    Pure, ConstantLike, Movement, NonDifferentiable, AllTypesMatch<["value", "result"]>]> {
  let summary = "a constant tensor; most are splats";
  let description = "Example: `%c = dl.constant dense<1.0> : tensor<64x10xf32>`";
  let arguments = (ins ElementsAttr:$value);
  let results = (outs Dl_Tensor:$result);
  let assemblyFormat = "attr-dict $value";
  let builders = [
    // Every element is `splat`, converted to the element type (rounded; truncated for integers; != 0 for i1).
    OpBuilder<(ins "::mlir::RankedTensorType":$type, "double":$splat)>];
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
  let description = "Example: `%y = dl.reshape %x : tensor<64x28x28xf32> -> tensor<64x784xf32>`";
  let arguments = (ins Dl_Tensor:$operand);
  let results = (outs Dl_Tensor:$result);
  let assemblyFormat = "$operand attr-dict `:` type($operand) `->` type($result)";
  let builders = [OpBuilder<(ins "::mlir::Value":$operand, "::llvm::ArrayRef<int64_t>":$shape)>];
  let hasFolder = 1;
  let hasVerifier = 1;
}
def TransposeOp : Dl_DiffOp<"transpose", [Movement]> {
  let summary = "axis i of the result is axis permutation[i] of the operand";
  let description = "Example: `%y = dl.transpose %x by [1, 0] : tensor<64x10xf32> -> tensor<10x64xf32>`";
  let arguments = (ins Dl_Tensor:$operand, DenseI64ArrayAttr:$permutation);
  let results = (outs Dl_Tensor:$result);
  let assemblyFormat = "$operand `by` $permutation attr-dict `:` type($operand) `->` type($result)";
  let builders = [OpBuilder<(ins "::mlir::Value":$operand, "::llvm::ArrayRef<int64_t>":$permutation)>];
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
  let builders = [
    OpBuilder<(ins "::mlir::Value":$operand, "::llvm::ArrayRef<int64_t>":$shape, "::llvm::ArrayRef<int64_t>":$axes)>];
  let hasFolder = 1;
  let hasVerifier = 1;
}
def SliceOp : Dl_DiffOp<"slice", [Movement]> {
  let summary = "elements start, start + step, ... of each axis; sizes come from the result; steps are positive";
  let description = [{
    result[i] = operand[starts + i * steps].
    Example: `%y = dl.slice %x from [0, 2] step [1, 3] : tensor<64x10xf32> -> tensor<64x3xf32>` (columns 2, 5, 8)
  }];
  let arguments = (ins Dl_Tensor:$operand, DenseI64ArrayAttr:$starts, DenseI64ArrayAttr:$steps);
  let results = (outs Dl_Tensor:$result);
  let assemblyFormat = "$operand `from` $starts `step` $steps attr-dict `:` type($operand) `->` type($result)";
  let builders = [
    OpBuilder<(ins "::mlir::Value":$operand, "::llvm::ArrayRef<int64_t>":$starts, "::llvm::ArrayRef<int64_t>":$sizes,
                   "::llvm::ArrayRef<int64_t>":$steps)>];
  let hasFolder = 1;
  let hasVerifier = 1;
}
def PadOp : Dl_DiffOp<"pad", [Movement]> {
  let summary = "zeros around and between the elements: `low` in front, `interior` between neighbours, the rest behind";
  let description = [{
    result[low + i * (interior + 1)] = operand[i], zero (false) elsewhere; nothing is negative.
    Example: `%y = dl.pad %x low [0, 2] interior [0, 1] : tensor<64x3xf32> -> tensor<64x10xf32>` (columns 2, 4, 6)
  }];
  let arguments = (ins Dl_Tensor:$operand, DenseI64ArrayAttr:$low, DenseI64ArrayAttr:$interior);
  let results = (outs Dl_Tensor:$result);
  let assemblyFormat = "$operand `low` $low `interior` $interior attr-dict `:` type($operand) `->` type($result)";
  let builders = [
    OpBuilder<(ins "::mlir::Value":$operand, "::llvm::ArrayRef<int64_t>":$low, "::llvm::ArrayRef<int64_t>":$high,
                   "::llvm::ArrayRef<int64_t>":$interior)>];
  let hasFolder = 1;
  let hasVerifier = 1;
}
def ReverseOp : Dl_DiffOp<"reverse", [Movement, SameOperandsAndResultType]> {
  let summary = "the order of elements along axes turned round";
  let description = "Example: `%y = dl.reverse %x along [1] : tensor<64x10xf32>`";
  let arguments = (ins Dl_Tensor:$operand, DenseI64ArrayAttr:$axes);
  let results = (outs Dl_Tensor:$result);
  let assemblyFormat = "$operand `along` $axes attr-dict `:` type($result)";
  let hasFolder = 1;
  let hasVerifier = 1;
}
def ConcatOp : Dl_DiffOp<"concat", [Movement]> {
  let summary = "tensors behind one another along an axis";
  let description = [{
    Example: `%z = dl.concat %x, %y along 1 : tensor<64x10xf32>, tensor<64x3xf32> -> tensor<64x13xf32>`
  }];
  let arguments = (ins Variadic<Dl_Tensor>:$operands, I64Attr:$axis);
  let results = (outs Dl_Tensor:$result);
  let assemblyFormat = "$operands `along` $axis attr-dict `:` type($operands) `->` type($result)";
  let builders = [OpBuilder<(ins "::mlir::ValueRange":$operands, "int64_t":$axis)>];
  let hasFolder = 1;
  let hasVerifier = 1;
}
def WindowOp : Dl_DiffOp<"window", [Movement]> {
  let summary = "the windows that slide along axes: their positions in place of an axis, their taps as new last axes";
  let description = [{
    result[.., p, .., t] = operand[.., p * step + t * spread, ..]; sizes come from the result. Each axis of `axes`, which
    increase, has a step from one window to the next, and a distance from one tap to the next. A convolution is a dl.contract
    of windows and a kernel, pooling a dl.reduce over taps; padding is a dl.pad before.
    Example: `%y = dl.window %x along [2] step [2] spread [1] : tensor<8x3x9xf32> -> tensor<8x3x4x3xf32>` (of 3, every 2nd)
  }];
  let arguments = (ins Dl_Tensor:$operand, DenseI64ArrayAttr:$axes, DenseI64ArrayAttr:$steps, DenseI64ArrayAttr:$spreads);
  let results = (outs Dl_Tensor:$result);
  let assemblyFormat = [{
    $operand `along` $axes `step` $steps `spread` $spreads attr-dict `:` type($operand) `->` type($result)
  }];
  let builders = [
    // Windows of `taps`, as many as there are.
    OpBuilder<(ins "::mlir::Value":$operand, "::llvm::ArrayRef<int64_t>":$axes, "::llvm::ArrayRef<int64_t>":$taps,
                   "::llvm::ArrayRef<int64_t>":$steps, "::llvm::ArrayRef<int64_t>":$spreads)>];
  let hasFolder = 1;
  let hasVerifier = 1;
}
def OverlapAddOp : Dl_DiffOp<"overlap_add"> {
  let summary = "windows put where they came from, and added up where they overlap: the adjoint of dl.window";
  let description = [{
    result[.., i, ..] = sum of operand[.., p, .., t] over all p * step + t * spread = i; zero where there is none. The last
    axes of the operand are the taps of `axes`. Kernels know it as a sum of dl.taps.
    Example: `%x = dl.overlap_add %y along [2] step [2] spread [1] : tensor<8x3x4x3xf32> -> tensor<8x3x9xf32>`
  }];
  let arguments = (ins Dl_FloatTensor:$operand, DenseI64ArrayAttr:$axes, DenseI64ArrayAttr:$steps,
                       DenseI64ArrayAttr:$spreads);
  let results = (outs Dl_FloatTensor:$result);
  let assemblyFormat = [{
    $operand `along` $axes `step` $steps `spread` $spreads attr-dict `:` type($operand) `->` type($result)
  }];
  let builders = [
    // Along each axis of `axes` the result has the size of `extents`.
    OpBuilder<(ins "::mlir::Value":$operand, "::llvm::ArrayRef<int64_t>":$axes, "::llvm::ArrayRef<int64_t>":$extents,
                   "::llvm::ArrayRef<int64_t>":$steps, "::llvm::ArrayRef<int64_t>":$spreads)>];
  let hasFolder = 1;
  let hasVerifier = 1;
}
def TapsOp : Dl_Op<"taps", [Pure, Movement, NonDifferentiable]> {
  let summary = "for each place of an axis and each tap, what the window has there whose tap lies at that place";
  let description = [{
    result[.., i, .., t] = operand[.., (i - t * spread) / step, .., t] where that is a position, else zero. Made of
    dl.overlap_add once nothing is differentiated any more.
    Example: `%z = dl.taps %y along [2] step [2] spread [1] : tensor<8x3x4x3xf32> -> tensor<8x3x9x3xf32>`
  }];
  let arguments = (ins Dl_Tensor:$operand, DenseI64ArrayAttr:$axes, DenseI64ArrayAttr:$steps, DenseI64ArrayAttr:$spreads);
  let results = (outs Dl_Tensor:$result);
  let assemblyFormat = [{
    $operand `along` $axes `step` $steps `spread` $spreads attr-dict `:` type($operand) `->` type($result)
  }];
  let hasVerifier = 1;
}
