// Counter-based random numbers (Philox4x32-10, runtime/Philox.h): a function of the key and the element's index alone.
include "ir/Base.td"

def Dl_Distribution : I32EnumAttr<"Distribution", "what is drawn", [
    I32EnumAttrCase<"uniform", 0>, I32EnumAttrCase<"normal", 1>]> {
  let cppNamespace = "::dlc::dl";
  let genSpecializedAttr = 0;
}
def Dl_DistributionAttr : EnumAttr<Dl_Dialect, Dl_Distribution, "distribution"> {
  let assemblyFormat = "`` $value";
}

def RandomOp : Dl_Op<"random", [Pure, NonDifferentiable]> {
  let summary = "uniform in [0, 1) or standard normal numbers";
  let description = [{
    The key: `seed` and `step` (scalars i64), the place in the program (`path`, a hash of the call path), the indices of
    the loops around it, outermost first. Element i (row-major) is a function of key and i alone.
    Example: `%u = dl.random uniform seed %s step %t path 17 indices () : tensor<i64>, tensor<i64> -> tensor<64x10xf32>`
  }];
  let arguments = (ins Dl_DistributionAttr:$distribution, Dl_IndexScalar:$seed, Dl_IndexScalar:$step, I64Attr:$path,
                       Variadic<Dl_IndexScalar>:$indices);
  let results = (outs StaticShapeTensorOf<[F32]>:$result);
  let assemblyFormat = [{
    $distribution `seed` $seed `step` $step `path` $path `indices` `(` ($indices^ `:` type($indices))? `)` attr-dict
    `:` type($seed) `,` type($step) `->` type($result)
  }];
}
