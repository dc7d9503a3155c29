// Reductions over axes. The result lacks the reduced axes (keepdims is a reshape after).
include "ir/Base.td"

def Dl_ReduceKind : I32EnumAttr<"ReduceKind", "how elements are joined", [
    I32EnumAttrCase<"sum", 0>, I32EnumAttrCase<"prod", 1>, I32EnumAttrCase<"max", 2>,
    I32EnumAttrCase<"min", 3>, I32EnumAttrCase<"all", 4>, I32EnumAttrCase<"any", 5>]> {
  let cppNamespace = "::dlc::dl";
  let genSpecializedAttr = 0;
}
def Dl_ReduceKindAttr : EnumAttr<Dl_Dialect, Dl_ReduceKind, "reduce_kind"> {
  let assemblyFormat = "`` $value";
}

def ReduceOp : Dl_DiffOp<"reduce"> {
  let summary = "joins the elements along axes";
  let description = [{
    result[i] = join over j of operand[i, j]: sum, prod, max, min of numbers; all, any of i1. `axes` increases. The
    gradient of max and min goes to the first extremum. An empty reduction gives the neutral element (the least number
    for max). NaN wins in max and min.
    Example: `%s = dl.reduce sum %x over [1] : tensor<64x10xf32> -> tensor<64xf32>`
  }];
  let arguments = (ins Dl_ReduceKindAttr:$kind, Dl_Tensor:$operand, DenseI64ArrayAttr:$axes);
  let results = (outs Dl_Tensor:$result);
  let assemblyFormat = "$kind $operand `over` $axes attr-dict `:` type($operand) `->` type($result)";
  let builders = [
    OpBuilder<(ins "::dlc::dl::ReduceKind":$kind, "::mlir::Value":$operand, "::llvm::ArrayRef<int64_t>":$axes)>];
  let hasFolder = 1;
  let hasVerifier = 1;
}
def ReducePartsOp : Dl_Op<"reduce_parts", [Pure, NonDifferentiable]> {
  let summary = "joins the elements along axes in parts, each of which is a piece of one axis";
  let description = [{
    result[p, i] = join over the j of operand[i, j] whose index along `axis`, one of `axes`, is in [p * chunk, (p + 1) *
    chunk); the last part may be shorter. Parts of bf16 are f32. Made of long dl.reduce in kernels, so that parts are tasks.
    Example: `%s = dl.reduce_parts sum %x over [0] in chunks 4096 of 0 : tensor<10000x8xf32> -> tensor<3x8xf32>`
  }];
  let arguments = (ins Dl_ReduceKindAttr:$kind, Dl_Tensor:$operand, DenseI64ArrayAttr:$axes, I64Attr:$chunk, I64Attr:$axis);
  let results = (outs Dl_Tensor:$result);
  let assemblyFormat = [{
    $kind $operand `over` $axes `in` `chunks` $chunk `of` $axis attr-dict `:` type($operand) `->` type($result)
  }];
  let builders = [OpBuilder<(ins "::dlc::dl::ReduceKind":$kind, "::mlir::Value":$operand, "::llvm::ArrayRef<int64_t>":$axes,
                                 "int64_t":$chunk, "int64_t":$axis)>];
  let hasVerifier = 1;
}
def ArgReduceOp : Dl_Op<"arg_reduce", [Pure, NonDifferentiable]> {
  let summary = "the index (i64) of the first greatest (kind max) or least (kind min) element along an axis";
  let description = [{
    The first NaN counts as the extremum, as in dl.reduce.
    Example: `%i = dl.arg_reduce max %x along 1 : tensor<64x10xf32> -> tensor<64xi64>`
  }];
  let arguments = (ins Dl_ReduceKindAttr:$kind, Dl_NumberTensor:$operand, I64Attr:$axis);
  let results = (outs Dl_IntTensor:$result);
  let assemblyFormat = "$kind $operand `along` $axis attr-dict `:` type($operand) `->` type($result)";
  let builders = [OpBuilder<(ins "::dlc::dl::ReduceKind":$kind, "::mlir::Value":$operand, "int64_t":$axis)>];
  let hasVerifier = 1;
}
def Dl_CumulativeKind : I32EnumAttr<"CumulativeKind", "how elements are joined as they come", [
    I32EnumAttrCase<"sum", 0>, I32EnumAttrCase<"prod", 1>, I32EnumAttrCase<"max", 2>, I32EnumAttrCase<"min", 3>,
    I32EnumAttrCase<"logsumexp", 4>]> {
  let cppNamespace = "::dlc::dl";
  let genSpecializedAttr = 0;
}
def Dl_CumulativeKindAttr : EnumAttr<Dl_Dialect, Dl_CumulativeKind, "cumulative_kind"> {
  let assemblyFormat = "`` $value";
}
def CumulativeOp : Dl_DiffOp<"cumulative", [SameOperandsAndResultType]> {
  let summary = "what joins the elements up to each along an axis; `reverse` runs from the end";
  let description = [{
    result[i] = join over j <= i of operand[j] (reverse: j >= i): sum, prod, max, min; logsumexp, of floats, is the
    logarithm of the sum of their exponentials, without overflow. NaN wins in max and min. The gradient of max and min
    goes to the last of equal extrema so far, as in PyTorch.
    Example: `%c = dl.cumulative sum %x along 1 : tensor<64x10xf32>`
  }];
  let arguments = (ins Dl_CumulativeKindAttr:$kind, Dl_NumberTensor:$operand, I64Attr:$axis, UnitAttr:$reverse);
  let results = (outs Dl_NumberTensor:$result);
  let assemblyFormat = "$kind (`reverse` $reverse^)? $operand `along` $axis attr-dict `:` type($result)";
  let hasVerifier = 1;
}
def RecurrenceOp : Dl_DiffOp<"recurrence", [SameOperandsAndResultType]> {
  let summary = "a linear recurrence along an axis; `reverse` runs from the end";
  let description = [{
    result[i] = factor[i] * result[i - 1] + term[i], and the first result is the first term (reverse: from the last one,
    with i + 1). It is what the adjoints of running products, extrema and itself are made of.
    Example: `%r = dl.recurrence %a, %b along 1 : tensor<64x10xf32>`
  }];
  let arguments = (ins Dl_FloatTensor:$factor, Dl_FloatTensor:$term, I64Attr:$axis, UnitAttr:$reverse);
  let results = (outs Dl_FloatTensor:$result);
  let assemblyFormat = "(`reverse` $reverse^)? $factor `,` $term `along` $axis attr-dict `:` type($result)";
  let hasVerifier = 1;
}
