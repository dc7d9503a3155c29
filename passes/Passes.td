// The passes: one record here, one file and one test of the same stem. Pipeline.cpp says in which order they
// run and why.
#ifndef DLC_PASSES_PASSES
#define DLC_PASSES_PASSES

include "mlir/Pass/PassBase.td"

def InlineCalls : Pass<"dl-inline-calls", "::mlir::ModuleOp"> {
  let summary = "puts the bodies of functions in the place of their calls";
  let description = [{
    Before differentiation only callees without a rule of their own (`dl.derivative`) are inlined; a call of a function
    with a rule stays, for its rule is the adjoint. With `all`, every call is inlined and private functions are deleted.
    Calls do not recurse (the frontend refuses it); a chain of more than 4096 nested calls is an error.
  }];
  let options = [Option<"all", "all", "bool", "false", "inline callees with a derivative rule too, then delete private functions">];
}

def PeelLast : Pass<"dl-peel-last", "::mlir::ModuleOp"> {
  let summary = "what only the last iteration of a loop needs is computed behind it";
  let description = [{
    A loop that carries a value which it does not read, the scores of each letter, and takes a product for it: the last iteration
    stands behind the loop, and the others leave the product out. Before gradients are expanded, so that they do the same.
  }];
}

def ReluAfterExtrema : Pass<"dl-relu-after-extrema", "::mlir::ModuleOp"> {
  let summary = "max(relu(x)) becomes relu(max(x)), and min(relu(x)) relu(min(x))";
  let description = [{
    Through windows, reshapes and transpositions, where nothing else reads them. Before gradients are expanded: theirs is a mask
    of the extrema then, not of all elements.
  }];
}

def ExpandGrad : Pass<"dl-expand-grad", "::mlir::ModuleOp"> {
  let summary = "replaces every dl.grad by its body and the reverse sweep";
  let description = [{
    From the inside out, so that a gradient of a gradient finds plain operations. The sweep (ir/ReverseSweep.h) names no
    operation: each carries its adjoint rule. Gradients inside the regions of loops and branches are expanded in place.
  }];
}

def FoldEmpty : Pass<"dl-fold-empty", "::mlir::ModuleOp"> {
  let summary = "values without elements are constants, and what is computed from them";
  let description = [{
    A tensor with an axis of size 0 is legal everywhere. Its elements need no computation; a join over it is the neutral
    element, a product over it 0. What remains is the same for every kernel: it has no elements to write.
  }];
}

def Simplify : Pass<"dl-simplify", "::mlir::ModuleOp"> {
  let summary = "algebra: identities, constants, movements, products that need not be done";
  let description = [{
    Greedy rewriting by the patterns of the files of simplify/, one a family, with the dialect's folders. An identity is
    used where it is exact, up to these: x + 0 is x also for x = -0.0; a power-of-two divisor becomes a factor; sums are
    taken in another order; constant factors are joined, and leave sums when they are at least 1 in magnitude. These change
    the rounding alone: what is finite stays finite, what is not zero does not become zero. So does the gradient of a softmax,
    which is made of its result alone. Three exchanges promise less:
    where a product sums over an axis along which one operand is repeated, the other operand is summed first, and that sum
    must not overflow; and a sum over rows of a small table takes those that nobody asks for times 0 (simplify/Tables.cpp); and windows
    of products that are added up are a product of windows of zeros too (simplify/Windows.cpp).
    Once no dl.grad is left, dl.stop_gradient goes too.
  }];
  let options = [
    Option<"foldConstants", "fold-constants", "bool", "true", "compute operations on constants of at most 4096 elements">,
    Option<"oneHotProducts", "one-hot-products", "bool", "true", "a product with a one-hot operand becomes a gather; one with gathered rows takes each row once">];
}

def ShrinkLoops : Pass<"dl-shrink-loops", "::mlir::ModuleOp"> {
  let summary = "loops carry, stack and take only what is read";
  let description = [{
    Carried values that never change are invariants; those that only they themselves need go, and so do stacks, slices and
    invariants that nothing reads. An entry of an invariant at the loop's index is a slice.
  }];
}

def HoistInvariants : Pass<"dl-hoist-invariants", "::mlir::ModuleOp"> {
  let summary = "what does not depend on the iteration leaves the loop";
  let description = [{
    Arithmetic, products and the like of invariants alone. Movements alone stay: they are free inside.
  }];
}

def BatchLoops : Pass<"dl-batch-loops", "::mlir::ModuleOp"> {
  let summary = "products of slices and invariants leave the loop as one product for all iterations";
  let description = [{
    With what they need, and what is computed elementwise of them alone: the input half of a recurrent layer's gates becomes one
    product of T times as many rows, of which the loop takes slices.
  }];
}

def SumAfterLoops : Pass<"dl-sum-after-loops", "::mlir::ModuleOp"> {
  let summary = "what a loop only sums or only stacks is computed after it, for all iterations at once";
  let description = [{
    A carried sum of products, a weight's gradient, becomes one product over stacked operands; a carried sum over axes of what is
    stacked one sum; a product with an invariant that is only stacked one product.
  }];
}

def PackWeights : Pass<"dl-pack-weights", "::mlir::ModuleOp"> {
  let summary = "loops get matrices that they multiply with in panels, made once";
  let description = [{
    Where the product is worth it. Of what the loop does nothing else changes.
  }];
}

def SumTaps : Pass<"dl-sum-taps", "::mlir::ModuleOp"> {
  let summary = "overlapping windows are added up by sums over taps";
  let description = [{
    What simplification left of dl.overlap_add (gradients of pooling, `fold`) becomes a dl.reduce of a movement, dl.taps.
  }];
}

def ShareExtrema : Pass<"dl-share-extrema", "::mlir::ModuleOp"> {
  let summary = "extrema and their places are found together, and gradients read places";
  let description = [{
    A dl.reduce and a dl.arg_reduce over the same elements read one operand, whose reduced axes are joined to one. Elementwise
    operations on broadcast values that are reshaped or transposed afterwards are computed in the final shape.
  }];
}

def FuseKernels : Pass<"dl-fuse-kernels", "::mlir::ModuleOp"> {
  let summary = "puts every operation into a dl.kernel, one loop nest each";
  let description = [{
    Operations that compute start as kernels of their own; kernels that may share a loop nest are merged, the pair that saves
    the most memory traffic first, until no pair saves any (fuse/Graph.h has the rules). What moves, makes or converts
    elements cheaply is repeated in each kernel that reads it. Rank-0 arithmetic on arguments alone is one kernel.
  }];
  let options = [Option<"merge", "merge", "bool", "true", "merge kernels; otherwise each operation is one">];
}

def SplitSums : Pass<"dl-split-sums", "::mlir::ModuleOp"> {
  let summary = "long sums to few elements become sums of parts, so that parts are tasks";
  let description = [{
    A kernel that joins many elements to few (the sum of a tensor, a bias gradient over a long batch) becomes one that joins
    parts, and one that joins the parts and does what is done with the result. A product of few elements over a long sum
    becomes a product for each part of the sum, which is a batch axis of it, and a sum. A scatter of many updates to few slices
    becomes one to slices of each part. How many parts there are follows from
    the shapes alone.
  }];
}

def ChooseLayouts : Pass<"dl-choose-layouts", "::mlir::ModuleOp"> {
  let summary = "chooses the order of axes and the padding of rows of what lies between kernels";
  let description = [{
    A parameter takes the order that gives most of its products (by their arithmetic) unit stride; its optimizer state
    follows it. Rows whose length is a multiple of 1 KiB are padded by 16 elements, rows of parameters up to a multiple of
    16 where that costs little. An argument that already carries a layout keeps it.
  }];
}

def PlanBuffers : Pass<"dl-plan-buffers", "::mlir::ModuleOp"> {
  let summary = "gives every value a buffer and every kernel its place in the order";
  let description = [{
    Checks run first; then kernels in an order that keeps the peak of the arena low and lets readers of old values stand
    before the kernel that replaces them in place (else the old value is copied). Buffers in the arena start at multiples of
    64 bytes and share space when their lifetimes are apart.
  }];
  let options = [
    Option<"reuse", "reuse", "bool", "true", "let buffers whose lifetimes are apart share space">,
    Option<"inPlace", "in-place", "bool", "true", "let kernels write new values over the old ones; otherwise each is copied at the end">];
}

#endif
