// Kernels (stage "fused") and the buffers that they work on (stage "planned").
include "ir/Base.td"
include "mlir/IR/TensorEncoding.td"

def Dl_KernelKind : I32EnumAttr<"KernelKind", "which emitter makes the loop nest", [
    I32EnumAttrCase<"map", 0>, I32EnumAttrCase<"contract", 1>, I32EnumAttrCase<"check", 2>,
    I32EnumAttrCase<"scatter", 3>, I32EnumAttrCase<"cumulative", 4>, I32EnumAttrCase<"update", 5>,
    I32EnumAttrCase<"sort", 6>, I32EnumAttrCase<"linalg", 7>, I32EnumAttrCase<"print", 8>]> {
  let cppNamespace = "::dlc::dl";
  let genSpecializedAttr = 0;
}
def Dl_KernelKindAttr : EnumAttr<Dl_Dialect, Dl_KernelKind, "kernel_kind"> {
  let assemblyFormat = "`` $value";
}

def Dl_LayoutAttr : AttrDef<Dl_Dialect, "Layout", [DeclareAttrInterfaceMethods<VerifiableTensorEncoding>]> {
  let summary = "the physical order of a tensor's axes and the padding of its rows";
  let description = [{
    `order` lists the logical axes from the outermost in memory to the innermost; `row` is the distance, in elements,
    between neighbours along the second innermost axis in memory (at least the size of the innermost axis; the outer
    ones follow densely). It is an encoding of tensor types at the edges of kernels: `tensor<128x784xf32,
    #dl.layout<order = [1, 0], row = 144>>`. A tensor without it is row-major and dense.
  }];
  let mnemonic = "layout";
  let parameters = (ins ArrayRefParameter<"int64_t">:$order, "int64_t":$row);
  let assemblyFormat = "`<` `order` `=` `[` $order `]` `,` `row` `=` $row `>`";
  let genVerifyDecl = 1;
}

def KernelOp : Dl_Op<"kernel", [IsolatedFromAbove, AttrSizedOperandSegments, SingleBlock]> {
  let summary = "one loop nest: operations on tensors by value that are computed together";
  let description = [{
    Stage fused: `ins` are tensors, `outs` is empty, and the results are tensors (their types may carry a layout). Stage
    planned: `ins` and `outs` are memrefs and there are no results. The body always works on tensors without layouts: a
    block argument for each of `ins`; it yields one tensor for each result or each of `outs`. An output may share its
    buffer with an input that the body reads at the same element only.

    What a body may hold, by kind:
    - map: Pointwise and Movement operations, dl.gather, dl.dynamic_slice, dl.random, and reductions (dl.reduce, dl.arg_reduce) that all
      reduce the same axes of the same space S; every other tensor is of shape S, of S without the reduced axes, or is
      seen through movements. Every yielded tensor has shape S or S without the reduced axes (without reductions: one
      common shape). Or all reductions are dl.reduce_parts with the same parts, whose results are yielded as they are.
    - contract: exactly one dl.contract, whose operands are block arguments (perhaps through dl.reshape,
      dl.transpose or dl.slice), and Pointwise and Movement operations on its result, of the result's shape; every yielded tensor
      has that shape.
    - check: one dl.check_index or dl.check of block arguments; yields nothing.
    - scatter: one dl.scatter_add of block arguments.
    - cumulative: one dl.cumulative or dl.recurrence of block arguments.
    - sort: one dl.argsort of a block argument, and a dl.scratch.
    - linalg: one dl.linalg of block arguments, and a dl.scratch.
    - update: one dl.dynamic_update of block arguments.
    - print: one dl.print of block arguments; yields nothing. It is no code of its own: the step calls its caller.
    A scatter or an update whose output lies on its first operand touches only what changes.
    Example: `%y = dl.kernel "relu" map ins(%x : tensor<4xf32>) outs() { ^bb0(%u: tensor<4xf32>): %v = dl.relu %u :
    tensor<4xf32> dl.yield %v : tensor<4xf32> } -> tensor<4xf32>`
  }];
  let arguments = (ins StrAttr:$name, Dl_KernelKindAttr:$kind, Variadic<AnyType>:$ins, Variadic<AnyType>:$outs);
  let results = (outs Variadic<Dl_Tensor>:$values);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    $name $kind `ins` `(` ($ins^ `:` type($ins))? `)` `outs` `(` ($outs^ `:` type($outs))? `)`
    attr-dict-with-keyword $body (`->` type($values)^)?
  }];
  let hasVerifier = 1;
}

def ScratchOp : Dl_Op<"scratch", [Pure, NonDifferentiable]> {
  let summary = "memory that a kernel works in, as the last value that it yields";
  let description = [{
    It has no meaning outside of the kernel, and no reader: what needs it is said by dl::scratchType.
    Example: `%s = dl.scratch : tensor<4096xi64>`
  }];
  let results = (outs Dl_Tensor:$result);
  let assemblyFormat = "attr-dict `:` type($result)";
}

def BufferOp : Dl_Op<"buffer", [Pure]> {
  let summary = "a buffer inside a block: its byte offset and its strides";
  let description = [{
    The strides are those of the memref's layout.
    Example: `%x = dl.buffer %arena at 4096 : memref<269312xi8> -> memref<64x784xf32>`
  }];
  let arguments = (ins AnyMemRef:$block, I64Attr:$offset);
  let results = (outs AnyMemRef:$result);
  let assemblyFormat = "$block `at` $offset attr-dict `:` type($block) `->` type($result)";
  let hasVerifier = 1;
}

// Loops and branches of stage "planned": not isolated, their blocks use the buffers around them.

def EntryOp : Dl_Op<"entry", [Pure]> {
  let summary = "the entry of a stack that a loop is at: the same memory, without the leading axis";
  let description = [{
    Example: `%x = dl.entry %xs[%i] : memref<28x64x28xf32> -> memref<64x28xf32>`
  }];
  let arguments = (ins AnyMemRef:$stack, I64:$index);
  let results = (outs AnyMemRef:$result);
  let assemblyFormat = "$stack `[` $index `]` attr-dict `:` type($stack) `->` type($result)";
  let builders = [OpBuilder<(ins "::mlir::Value":$stack, "::mlir::Value":$index)>];
  let hasVerifier = 1;
}
def LoopOp : Dl_Op<"loop", [SingleBlock, AttrSizedOperandSegments]> {
  let summary = "runs its block again and again";
  let description = [{
    The block's arguments: the index (i64, 0 .. length - 1, counted down when `reverse`), then a memref for each of
    `carried`, which in the first iteration are those and then what dl.next hands on. Without a `length` the loop ends only
    by dl.exit or dl.next. `cell`, if there is one, holds the index for kernels to read. Results: what the next iteration
    would have got.
    Example: `%r:2 = dl.loop times 28 carried(%a, %b) : memref<4xf32>, memref<4xf32> { ^bb0(%i: i64, %x: memref<4xf32>, %y:
    memref<4xf32>): ... dl.next(%y, %x : memref<4xf32>, memref<4xf32>) } -> memref<4xf32>, memref<4xf32>`
  }];
  let arguments = (ins OptionalAttr<I64Attr>:$length, UnitAttr:$reverse, Optional<AnyMemRef>:$cell,
                       Variadic<AnyMemRef>:$carried);
  let results = (outs Variadic<AnyMemRef>:$last);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    (`times` $length^)? (`reverse` $reverse^)? (`cell` $cell^ `:` type($cell))? (`carried` `(` $carried^ `)` `:` type($carried))?
    attr-dict-with-keyword $body (`->` type($last)^)?
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    ::mlir::Block &block() { return getBody().front(); }
    ::mlir::BlockArgument index() { return block().getArgument(0); }
    ::mlir::Block::BlockArgListType carriedArgs() { return block().getArguments().drop_front(); }
  }];
}
def NextOp : Dl_Op<"next", [Terminator, HasParent<"LoopOp">, AttrSizedOperandSegments]> {
  let summary = "ends an iteration: what the next one works on; `until`: the loop ends when the flag is true";
  let description = "Example: `dl.next(%y, %x : memref<4xf32>, memref<4xf32>) until %done : memref<i1>`";
  let arguments = (ins Variadic<AnyMemRef>:$carried, Optional<AnyMemRef>:$until);
  let assemblyFormat = [{
    (`(` $carried^ `:` type($carried) `)`)? (`until` $until^ `:` type($until))? attr-dict
  }];
  let hasVerifier = 1;
}
def ExitOp : Dl_Op<"exit", [HasParent<"LoopOp">]> {
  let summary = "the loop ends here, with what this iteration began with, unless the flag is true";
  let description = "Example: `dl.exit unless %more : memref<i1>`";
  let arguments = (ins AnyMemRef:$condition);
  let assemblyFormat = "`unless` $condition attr-dict `:` type($condition)";
  let hasVerifier = 1;
}
def BranchOp : Dl_Op<"branch", [SingleBlock, NoTerminator]> {
  let summary = "runs one of two blocks, by a flag in memory";
  let description = "Example: `dl.branch %c : memref<i1> { dl.kernel .. } else { dl.kernel .. }`";
  let arguments = (ins AnyMemRef:$condition);
  let regions = (region SizedRegion<1>:$thenRegion, SizedRegion<1>:$elseRegion);
  let assemblyFormat = "$condition `:` type($condition) attr-dict-with-keyword $thenRegion `else` $elseRegion";
  let hasVerifier = 1;
}
