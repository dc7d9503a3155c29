// Linear algebra, of matrices in the last two axes, by LAPACK.
include "ir/Base.td"

def Dl_LinalgKind : I32EnumAttr<"LinalgKind", "what is computed of matrices", [
    I32EnumAttrCase<"solve", 0>, I32EnumAttrCase<"triangular", 1>, I32EnumAttrCase<"cholesky", 2>,
    I32EnumAttrCase<"lu", 3>, I32EnumAttrCase<"qr", 4>, I32EnumAttrCase<"eigh", 5>, I32EnumAttrCase<"eig", 6>,
    I32EnumAttrCase<"svd", 7>, I32EnumAttrCase<"det", 8>]> {
  let cppNamespace = "::dlc::dl";
  let genSpecializedAttr = 0;
}
def Dl_LinalgKindAttr : EnumAttr<Dl_Dialect, Dl_LinalgKind, "linalg_kind"> {
  let assemblyFormat = "`` $value";
}

def LinalgOp : Dl_Op<"linalg", [NoMemoryEffect, DeclareOpInterfaceMethods<AdjointOpInterface>]> {
  let summary = "solves and factors each matrix of a batch";
  let description = [{
    Operands are f32 or f64, of shape [.., m, n] with equal leading axes; f32 is computed in f64 and rounded once. By kind:
    - solve(a, b): x of a x = b; a is [.., n, n], b [.., n, k]. Fails where a is singular.
    - triangular(a, b): the same where a is triangular: `lower` or upper, the other side not read; `unit`: ones on the
      diagonal, which is not read either. Fails where the diagonal has a zero.
    - cholesky(a): the lower triangular l of a = l transpose(l). Reads the lower side; fails where a is not positive
      definite.
    - lu(a): l (below the diagonal, ones on it) and u in one matrix of a's shape, and the row (i32, from 0) that was
      exchanged with each of the min(m, n) rows. It has no gradient.
    - det(a): the determinants, [..].
    - qr(a): q [.., m, k] with orthonormal columns and the upper triangular r [.., k, n], k = min(m, n).
    - eigh(a): the eigenvalues [.., n] of a symmetric matrix, increasing, and its eigenvectors as columns. Reads the lower
      side.
    - eig(a): the eigenvalues [.., n] and eigenvectors, columns of norm 1. Fails where an eigenvalue is complex.
    - svd(a): u [.., m, k], the singular values [.., k], decreasing, and the transpose of v [.., k, n].
    A failure is one of the function's checks (dl.check_index): the element is the matrix's number in the batch. It may
    not be computed where the program does not; what is not used need not be.
    Example: `%w, %v = dl.linalg eigh(%x) : (tensor<4x4xf64>) -> (tensor<4xf64>, tensor<4x4xf64>)`
  }];
  let arguments = (ins Dl_LinalgKindAttr:$kind, Variadic<StaticShapeTensorOf<[F32, F64]>>:$operands, UnitAttr:$lower,
                       UnitAttr:$unit);
  let results = (outs Variadic<StaticShapeTensorOf<[F32, F64, I<32>]>>:$values);
  let assemblyFormat = [{
    $kind `(` $operands `)` (`lower` $lower^)? (`unit` $unit^)? attr-dict `:` functional-type($operands, $values)
  }];
  let builders = [
    // Infers the results' types.
    OpBuilder<(ins "::dlc::dl::LinalgKind":$kind, "::mlir::ValueRange":$operands, CArg<"bool", "false">:$lower,
                   CArg<"bool", "false">:$unit)>];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// What is wrong with a matrix that it fails for, as words behind "the matrix"; empty where it cannot fail.
    ::llvm::StringRef failure();
    /// Of the first operand's matrices: how many, and their sizes.
    int64_t batch();
    int64_t rows();
    int64_t columns();
    ::dlc::dl::LinalgWorkspace workspace();
  }];
}
