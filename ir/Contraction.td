// Products: any einsum of two operands. Its adjoints are contractions again.
include "ir/Base.td"

def ContractOp : Dl_DiffOp<"contract"> {
  let summary = "a sum of products over the axes that the result does not have";
  let description = [{
    `"nk,mk->nm"`: result[n, m] = sum over k of lhs[n, k] * rhs[m, k]. One letter (a-z, A-Z) an axis. Letters in both
    operands and the result are batch axes, in both operands but not the result are summed, in one operand and the
    result are free. Each letter occurs at most once in a term; a letter of the result occurs in an operand; a letter of
    one operand alone is in the result (else reduce it first). Operands are both f32, both f64 or both bf16; sums of
    bf16 are kept in f32.
    Example: `%a = dl.contract "nk,mk->nm" %x, %w : tensor<64x784xf32>, tensor<128x784xf32> -> tensor<64x128xf32>`
  }];
  let arguments = (ins StrAttr:$equation, Dl_FloatTensor:$lhs, Dl_FloatTensor:$rhs);
  let results = (outs Dl_FloatTensor:$result);
  let assemblyFormat = "$equation $lhs `,` $rhs attr-dict `:` type($lhs) `,` type($rhs) `->` type($result)";
  let builders = [
    // Infers the result's type; the equation must fit the operands.
    OpBuilder<(ins "::llvm::StringRef":$equation, "::mlir::Value":$lhs, "::mlir::Value":$rhs)>];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// The letters of the three terms; empty where the equation is malformed.
    ::llvm::StringRef lhsLetters();
    ::llvm::StringRef rhsLetters();
    ::llvm::StringRef resultLetters();
  }];
}
