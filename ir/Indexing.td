// Operations whose places come from data. Indices are in range: where they come from outside, dl.check_index stands
// before.
include "ir/Base.td"

def GatherOp : Dl_DiffOp<"gather"> {
  let summary = "slices of the operand along an axis, chosen by integer indices";
  let description = [{
    With operand [a.., n, b..], `axis` the place of n, and indices of shape I, the result is [a.., I.., b..]:
    result[a.., i.., b..] = operand[a.., indices[i..], b..].
    Example: `%e = dl.gather %table at %i along 0 : tensor<9x4xf32>, tensor<6xi64> -> tensor<6x4xf32>`
  }];
  let arguments = (ins Dl_Tensor:$operand, Dl_IntTensor:$indices, I64Attr:$axis);
  let results = (outs Dl_Tensor:$result);
  let assemblyFormat = [{
    $operand `at` $indices `along` $axis attr-dict `:` type($operand) `,` type($indices) `->` type($result)
  }];
  let builders = [OpBuilder<(ins "::mlir::Value":$operand, "::mlir::Value":$indices, "int64_t":$axis)>];
  let hasVerifier = 1;
}
def ScatterAddOp : Dl_DiffOp<"scatter_add", [AllTypesMatch<["operand", "result"]>]> {
  let summary = "the adjoint of gather: each update added to the slice that its index names, in order";
  let description = [{
    operand [a.., n, b..], updates [a.., I.., b..], result as operand:
    result[a.., k, b..] = operand[a.., k, b..] + sum over i with indices[i..] = k of updates[a.., i.., b..].
    Repeated indices add up, in index order.
    Example: `%t = dl.scatter_add %z at %i with %u along 0 : tensor<9x4xf32>, tensor<6xi64>, tensor<6x4xf32>`
  }];
  let arguments = (ins Dl_NumberTensor:$operand, Dl_IntTensor:$indices, Dl_NumberTensor:$updates, I64Attr:$axis);
  let results = (outs Dl_NumberTensor:$result);
  let assemblyFormat = [{
    $operand `at` $indices `with` $updates `along` $axis attr-dict
    `:` type($operand) `,` type($indices) `,` type($updates)
  }];
  let hasVerifier = 1;
}
def ArgsortOp : Dl_Op<"argsort", [Pure, NonDifferentiable]> {
  let summary = "the places (i64) of the elements along an axis in increasing order, or `descending`";
  let description = [{
    Equal elements stay in their order, both ways. NaN counts as the greatest of all.
    Example: `%i = dl.argsort %x along 1 : tensor<64x10xf32> -> tensor<64x10xi64>`
  }];
  let arguments = (ins Dl_NumberTensor:$operand, I64Attr:$axis, UnitAttr:$descending);
  let results = (outs Dl_IntTensor:$result);
  let assemblyFormat = [{
    (`descending` $descending^)? $operand `along` $axis attr-dict `:` type($operand) `->` type($result)
  }];
  let builders = [OpBuilder<(ins "::mlir::Value":$operand, "int64_t":$axis, "bool":$descending)>];
  let hasFolder = 1;
  let hasVerifier = 1;
}
def DynamicSliceOp : Dl_DiffOp<"dynamic_slice"> {
  let summary = "the part of a tensor that begins at computed places";
  let description = [{
    A start (i64 scalar) for each of `axes`, which increase; along the others the result is as large as the operand.
    result[i] = operand[i + starts]. The part lies within the operand.
    Example: `%y = dl.dynamic_slice %x at (%i) along [0] : tensor<9x4xf32>, tensor<i64> -> tensor<2x4xf32>`
  }];
  let arguments = (ins Dl_Tensor:$operand, Variadic<Dl_IndexScalar>:$starts, DenseI64ArrayAttr:$axes);
  let results = (outs Dl_Tensor:$result);
  let assemblyFormat = [{
    $operand `at` `(` $starts `)` `along` $axes attr-dict `:` type($operand) `,` type($starts) `->` type($result)
  }];
  let hasFolder = 1;
  let hasVerifier = 1;
}
def DynamicUpdateOp : Dl_DiffOp<"dynamic_update", [AllTypesMatch<["operand", "result"]>]> {
  let summary = "the operand with a part that begins at computed places replaced; `add`: with the update added to it";
  let description = [{
    The adjoint of dl.dynamic_slice is an update that adds to zeros.
    Example: `%y = dl.dynamic_update add %x with %u at (%i) along [0] : tensor<9x4xf32>, tensor<2x4xf32>, tensor<i64>`
  }];
  let arguments = (ins UnitAttr:$add, Dl_Tensor:$operand, Dl_Tensor:$update, Variadic<Dl_IndexScalar>:$starts,
                       DenseI64ArrayAttr:$axes);
  let results = (outs Dl_Tensor:$result);
  let assemblyFormat = [{
    (`add` $add^)? $operand `with` $update `at` `(` $starts `)` `along` $axes attr-dict
    `:` type($operand) `,` type($update) `,` type($starts)
  }];
  let hasFolder = 1;
  let hasVerifier = 1;
}
