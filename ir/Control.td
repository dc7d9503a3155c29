// Functions, loops, branches and derivatives. Regions see nothing but their arguments (except dl.grad, which may
// capture), so that the adjoint of each is a rule like any other.
include "ir/Base.td"
include "mlir/IR/SymbolInterfaces.td"

/// What holds regions is as pure as what they hold: one with a dl.check_index inside stays.
class Dl_RegionOp<string mnemonic, list<Trait> traits = []>
    : Dl_Op<mnemonic, !listconcat([RecursivelySpeculatable, RecursiveMemoryEffects], traits)>;

def YieldOp : Dl_Op<"yield", [
    Pure, Terminator, ReturnLike, ParentOneOf<["GradOp", "JvpOp", "IfOp", "ScanOp", "WhileOp", "KernelOp"]>]> {
  let summary = "the values of a region";
  let description = "Example: `dl.yield %a, %b : tensor<f32>, tensor<4xf32>`";
  let arguments = (ins Variadic<AnyType>:$operands);
  let assemblyFormat = "($operands^ `:` type($operands))? attr-dict";
  let builders = [OpBuilder<(ins), [{ build($_builder, $_state, ::mlir::ValueRange()); }]>];
}
def PrintOp : Dl_Op<"print", [NonDifferentiable]> {
  let summary = "prints a line: values, each as pieces of text with a tensor between two of them";
  let description = [{
    Not pure: a print stays, runs as often as what it stands in, and after the prints before it. What runs again only to be
    differentiated is without its prints.
    Example: `dl.print [["x ="], ["", ""]] (%x) : tensor<3xf32>`
  }];
  let arguments = (ins ArrayAttr:$values, Variadic<Dl_Tensor>:$tensors);
  let assemblyFormat = "$values (`(` $tensors^ `)` `:` type($tensors))? attr-dict";
  let hasVerifier = 1;
}
def CallOp : Dl_Op<"call", [
    DeclareOpInterfaceMethods<SymbolUserOpInterface>, DeclareOpInterfaceMethods<AdjointOpInterface>]> {
  let summary = "calls a func.func of the module";
  let description = [{
    A function that carries `dl.derivative = @rule` has its own adjoint: the rule takes the primal operands, the results
    and the cotangents of the results, and returns the cotangent of every operand. Other callees are inlined before
    differentiation. After the gradient stage every call is inlined.
    Example: `%y = dl.call @f(%x) : (tensor<4xf32>) -> tensor<f32>`
  }];
  let arguments = (ins FlatSymbolRefAttr:$callee, Variadic<AnyType>:$operands);
  let results = (outs Variadic<AnyType>);
  let assemblyFormat = "$callee `(` $operands `)` attr-dict `:` functional-type($operands, results)";
}
def GradOp : Dl_RegionOp<"grad", [AttrSizedOperandSegments, SingleBlock]> {
  let summary = "a function's values and the cotangents of its inputs";
  let description = [{
    The region is a function of `inputs` (its block arguments) and yields n values. Results: those n values, then for
    each input the vector-Jacobian product with the `cotangents` of the first values (one for each yielded value, except
    the last `aux` ones, which are not differentiated). The region may use values from outside; they are constants to
    it. Nested operations are expanded from the inside out, so any order of derivative works.
    Example: `%y, %dx = dl.grad (%x), (%one) aux 0 { ^bb0(%u: tensor<f32>): ... dl.yield %v : tensor<f32> } : ...`
  }];
  let arguments = (ins Variadic<Dl_Tensor>:$inputs, Variadic<Dl_Tensor>:$cotangents,
                       DefaultValuedAttr<I64Attr, "0">:$aux);
  let results = (outs Variadic<Dl_Tensor>);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    `(` $inputs `)` `,` `(` $cotangents `)` `aux` $aux attr-dict-with-keyword $body
    `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// The yielded values, aux ones included.
    ::mlir::ValueRange yielded() { return getBody().front().getTerminator()->getOperands(); }
    ::mlir::ResultRange values() { return getResults().take_front(yielded().size()); }
    ::mlir::ResultRange inputCotangents() { return getResults().take_back(getInputs().size()); }
  }];
}
def JvpOp : Dl_RegionOp<"jvp", [AttrSizedOperandSegments, SingleBlock]> {
  let summary = "a function's values and their derivatives along tangents of its inputs";
  let description = [{
    The region is as that of dl.grad. Results: its n values, then a tangent of each. Nothing is saved, so that dl.while has
    a derivative too.
    Example: `%y, %dy = dl.jvp (%x), (%dx) { ^bb0(%u: tensor<f32>): ... dl.yield %v : tensor<f32> } : ...`
  }];
  let arguments = (ins Variadic<Dl_Tensor>:$inputs, Variadic<Dl_Tensor>:$tangents);
  let results = (outs Variadic<Dl_Tensor>);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    `(` $inputs `)` `,` `(` $tangents `)` attr-dict-with-keyword $body `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}
def IfOp : Dl_RegionOp<"if", [IsolatedFromAbove, SingleBlock, DeclareOpInterfaceMethods<AdjointOpInterface>]> {
  let summary = "one of two regions, by a scalar condition";
  let description = [{
    Both regions take `inputs` as block arguments and yield the results' types.
    Example: `%y = dl.if %c, (%x) { ^bb0(%u: tensor<f32>): dl.yield %u : tensor<f32> } else { ... } : (tensor<i1>,
    tensor<f32>) -> tensor<f32>`
  }];
  let arguments = (ins Dl_BoolScalar:$condition, Variadic<Dl_Tensor>:$inputs);
  let results = (outs Variadic<Dl_Tensor>);
  let regions = (region SizedRegion<1>:$thenRegion, SizedRegion<1>:$elseRegion);
  let assemblyFormat = [{
    $condition `,` `(` $inputs `)` attr-dict-with-keyword $thenRegion `else` $elseRegion
    `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}
def ScanOp : Dl_RegionOp<"scan", [IsolatedFromAbove, AttrSizedOperandSegments, SingleBlock,
                                  DeclareOpInterfaceMethods<AdjointOpInterface>]> {
  let summary = "a bounded loop: carried values, sliced inputs, stacked outputs";
  let description = [{
    Runs `length` times. Block arguments: the index (tensor<i64>, 0 .. length-1; counted down when `reverse`), the
    carried values, element [index] of each sliced input (leading axis `length`), the invariants. The body yields the
    next carried values, then the stacked outputs' elements (stored at [index]); with `breaks`, first a tensor<i1>: true
    stops the loop after this iteration (its values count; later stacked elements are zero). Results: the last carried
    values, the stacks.
    Example: `%s = dl.scan 3 carry(%z) slices(%xs) invariants() { ^bb0(%i: tensor<i64>, %c: tensor<f32>, %x:
    tensor<f32>): %n = dl.add %c, %x : tensor<f32> dl.yield %n : tensor<f32> } : (tensor<f32>, tensor<3xf32>) ->
    tensor<f32>`
  }];
  let arguments = (ins I64Attr:$length, Variadic<Dl_Tensor>:$inits, Variadic<Dl_Tensor>:$slices,
                       Variadic<Dl_Tensor>:$invariants, UnitAttr:$reverse, UnitAttr:$breaks);
  let results = (outs Variadic<Dl_Tensor>);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    $length (`reverse` $reverse^)? (`breaks` $breaks^)? `carry` `(` $inits `)` `slices` `(` $slices `)`
    `invariants` `(` $invariants `)` attr-dict-with-keyword $body `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    ::mlir::Block &block() { return getBody().front(); }
    /// The block's arguments by role.
    ::mlir::BlockArgument indexArg() { return block().getArgument(0); }
    ::mlir::Block::BlockArgListType carriedArgs() { return block().getArguments().slice(1, getInits().size()); }
    ::mlir::Block::BlockArgListType sliceArgs() {
      return block().getArguments().slice(1 + getInits().size(), getSlices().size());
    }
    ::mlir::Block::BlockArgListType invariantArgs() { return block().getArguments().take_back(getInvariants().size()); }
    /// The yielded values by role; the first, with `breaks`, is neither.
    ::mlir::ValueRange yielded() { return block().getTerminator()->getOperands(); }
    ::mlir::ValueRange nextCarried() { return yielded().drop_front(getBreaks()).take_front(getInits().size()); }
    ::mlir::ValueRange stackedElements() { return yielded().drop_front(getBreaks() + getInits().size()); }
    /// The results by role.
    ::mlir::ResultRange carriedResults() { return getResults().take_front(getInits().size()); }
    ::mlir::ResultRange stackedResults() { return getResults().drop_front(getInits().size()); }
  }];
}
def WhileOp : Dl_RegionOp<"while", [IsolatedFromAbove, AttrSizedOperandSegments, SingleBlock,
                                    DeclareOpInterfaceMethods<AdjointOpInterface>]> {
  let summary = "an unbounded loop; it has no reverse gradient";
  let description = [{
    Both regions take the carried values, then the invariants. `condition` yields a tensor<i1>, `body` the next carried
    values.
    Example: `%n = dl.while carry(%x) invariants(%limit) { ... dl.yield %more : tensor<i1> } do { ... dl.yield %y :
    tensor<f32> } : (tensor<f32>, tensor<f32>) -> tensor<f32>`
  }];
  let arguments = (ins Variadic<Dl_Tensor>:$inits, Variadic<Dl_Tensor>:$invariants);
  let results = (outs Variadic<Dl_Tensor>);
  let regions = (region SizedRegion<1>:$condition, SizedRegion<1>:$body);
  let assemblyFormat = [{
    `carry` `(` $inits `)` `invariants` `(` $invariants `)` attr-dict-with-keyword $condition `do` $body
    `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}
