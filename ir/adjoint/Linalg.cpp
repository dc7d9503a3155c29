// Adjoint rules of linear algebra, in the notation of M. Giles, "An extended collection of matrix derivative results for
// forward and reverse mode algorithmic differentiation" (2008), where nothing else is said. A' is the transpose of A, dX the
// cotangent of X.
#include "ir/Builders.h"

using namespace mlir;

namespace dlc::dl {
namespace {

/// Matrices of a batch in formulas.
class Matrices {
public:
  Matrices(AdjointContext &context, LinalgOp op)
      : at(context), builder(context.builder), loc(context.loc()), rank(shapeOf(op.getOperands()[0]).size()) {}

  Value transposed(Value a) {
    SmallVector<int64_t> permutation = llvm::to_vector(llvm::seq<int64_t>(0, rank));
    std::swap(permutation[rank - 1], permutation[rank - 2]);
    return TransposeOp::create(builder, loc, a, permutation);
  }
  /// a b, with letters for the axes of the batch.
  Value product(Value a, Value b) {
    std::string lead;
    for (int64_t i = 0; i < rank - 2; ++i)
      lead += char('A' + i);
    return ContractOp::create(builder, loc, lead + "ij," + lead + "jk->" + lead + "ik", a, b);
  }
  Value solve(Value a, Value b) { return LinalgOp::create(builder, loc, LinalgKind::solve, {a, b}).getResult(0); }
  Value triangular(Value a, Value b, bool lower, bool unit = false) {
    return LinalgOp::create(builder, loc, LinalgKind::triangular, {a, b}, lower, unit).getResult(0);
  }
  /// a with `fill` where `predicate` of row and column does not hold.
  Value where(ComparePredicate predicate, Value a, double fill = 0) {
    auto indices = withElement(a.getType(), builder.getI64Type());
    Value row = IotaOp::create(builder, loc, indices, rank - 2),
          column = IotaOp::create(builder, loc, indices, rank - 1);
    return at.select(at.compare(predicate, row, column), a, at.like(a, fill));
  }
  /// The matrix with half of its diagonal and nothing above it.
  Value lowerHalf(Value a) {
    return at.sub(where(ComparePredicate::ge, a), scaled(where(ComparePredicate::eq, a), 0.5));
  }
  Value scaled(Value a, double factor) { return at.scale(a, factor); }
  /// Entry j of a vector in column j (or, `asRows`, row j) of matrices shaped like `a`.
  Value spread(Value vector, Value a, bool asRows = false) {
    SmallVector<int64_t> axes = llvm::to_vector(llvm::seq<int64_t>(0, rank - 2));
    axes.push_back(asRows ? rank - 2 : rank - 1);
    return BroadcastOp::create(builder, loc, vector, shapeOf(a), axes);
  }
  /// The vector on the diagonal of matrices shaped like `a`.
  Value diagonal(Value vector, Value a) { return where(ComparePredicate::eq, spread(vector, a)); }
  /// values[j] - values[i] at row i and column j; one on the diagonal.
  Value gaps(Value values, Value like) {
    Value gap = at.sub(spread(values, like), spread(values, like, /*asRows=*/true));
    return where(ComparePredicate::ne, gap, 1);
  }
  /// Some columns.
  Value columns(Value a, int64_t first, int64_t count) {
    SmallVector<int64_t> starts(rank, 0), sizes(shapeOf(a)), steps(rank, 1);
    starts.back() = first;
    sizes.back() = count;
    return SliceOp::create(builder, loc, a, starts, sizes, steps);
  }
  int64_t rowsOf(Value a) { return shapeOf(a)[rank - 2]; }
  int64_t columnsOf(Value a) { return shapeOf(a)[rank - 1]; }

  Arithmetic at;
  OpBuilder &builder;
  Location loc;
  int64_t rank;
};

/// The sum of two cotangents, each of which may be absent.
Value sum(Matrices &m, Value a, Value b) { return a && b ? m.at.add(a, b) : a ? a : b; }

/// x of a x = b: db = inverse(a') dx, da = -db x'.
void adjointOfSolve(AdjointContext &context, LinalgOp op) {
  Matrices m(context, op);
  Value a = m.transposed(op.getOperands()[0]), x = op.getResult(0), dx = context.cotangent();
  bool triangular = op.getKind() == LinalgKind::triangular, lower = op.getLower();
  Value db = triangular ? m.triangular(a, dx, !lower, op.getUnit()) : m.solve(a, dx);
  context.set(1, db);
  if (!context.wants(0))
    return;
  Value da = m.scaled(m.product(db, m.transposed(x)), -1);
  using Predicate = ComparePredicate;
  if (triangular)
    da = m.where(op.getUnit() ? (lower ? Predicate::gt : Predicate::lt) : (lower ? Predicate::ge : Predicate::le), da);
  context.set(0, da);
}

/// The determinant times the transposed inverse, both of a matrix that is moved a little where it is singular: its factors
/// then are exact for a matrix so near. In f64.
void adjointOfDeterminant(AdjointContext &context, LinalgOp op) {
  Matrices m(context, op);
  OpBuilder &builder = context.builder;
  Value x = op.getOperands()[0];
  Type own = elementOf(x), f64 = builder.getF64Type();
  if (own != f64)
    x = CastOp::create(builder, context.loc(), x, f64);
  auto determinant = [&](Value a) { return LinalgOp::create(builder, context.loc(), LinalgKind::det, a).getResult(0); };
  SmallVector<int64_t> lead = llvm::to_vector(llvm::seq<int64_t>(0, m.rank - 2));
  auto wide = [&](Value a) -> Value { return BroadcastOp::create(builder, context.loc(), a, shapeOf(x), lead); };
  Value det = determinant(x), size = ReduceOp::create(builder, context.loc(), ReduceKind::max, m.at.make<AbsOp>(x),
                                                      ArrayRef<int64_t>{m.rank - 2, m.rank - 1});
  auto orOne = [&](Value a) {
    return m.at.select(m.at.compare(ComparePredicate::eq, a, m.at.like(a, 0)), m.at.like(a, 1), a);
  };
  Value step = m.at.select(m.at.compare(ComparePredicate::eq, det, m.at.like(det, 0)), m.at.scale(orOne(size), 1e-14),
                           m.at.like(det, 0));
  Value y = m.at.add(x, StopGradientOp::create(builder, context.loc(), m.where(ComparePredicate::eq, wide(step))));
  Value unit = m.where(ComparePredicate::eq, m.at.like(y, 1));
  Value cofactors = m.at.mul(wide(determinant(y)), m.transposed(m.solve(y, unit)));
  if (own != f64)
    cofactors = CastOp::create(builder, context.loc(), cofactors, own);
  context.set(0, m.at.mul(wide(context.cotangent()), cofactors));
}

/// I. Murray, "Differentiation of the Cholesky decomposition" (2016): inverse(l') P inverse(l) made symmetric, P the lower
/// half of l' dl.
void adjointOfCholesky(AdjointContext &context, LinalgOp op) {
  Matrices m(context, op);
  Value l = op.getResult(0), upper = m.transposed(l);
  Value p = m.lowerHalf(m.product(upper, m.where(ComparePredicate::ge, context.cotangent())));
  Value left = m.triangular(upper, p, /*lower=*/false);
  Value both = m.transposed(m.triangular(upper, m.transposed(left), /*lower=*/false));
  context.set(0, m.scaled(m.at.add(both, m.transposed(both)), 0.5));
}

/// S. Walter et al., "Algorithmic differentiation of linear algebra functions" (2012), for a matrix that is not wide:
/// (dq + q S) inverse(r'), S the symmetric matrix with the lower side of r dr' - dq' q.
Value adjointOfTallQr(Matrices &m, Value q, Value r, Value dq, Value dr) {
  Value inner;
  if (dr)
    inner = m.product(r, m.transposed(m.where(ComparePredicate::le, dr)));
  if (dq)
    inner = sum(m, inner, m.scaled(m.product(m.transposed(dq), q), -1));
  Value strict = m.where(ComparePredicate::gt, inner);
  Value symmetric = m.at.add(m.where(ComparePredicate::ge, inner), m.transposed(strict));
  Value right = sum(m, m.product(q, symmetric), dq);
  return m.transposed(m.triangular(r, m.transposed(right), /*lower=*/false));
}

/// A wide matrix is [x, y] with the square x = q u and y = q v: y takes q dv, x what is left with dq + y dv'.
void adjointOfQr(AdjointContext &context, LinalgOp op) {
  Matrices m(context, op);
  Value a = op.getOperands()[0], q = op.getResult(0), r = op.getResult(1);
  Value dq = context.cotangent(0), dr = context.cotangent(1);
  int64_t rows = m.rowsOf(a), rest = m.columnsOf(a) - rows;
  if (rest <= 0)
    return context.set(0, adjointOfTallQr(m, q, r, dq, dr));
  Value dv;
  if (dr) {
    dv = m.columns(dr, rows, rest);
    dq = sum(m, dq, m.product(m.columns(a, rows, rest), m.transposed(dv)));
    dr = m.columns(dr, 0, rows);
  }
  Value dx = adjointOfTallQr(m, q, m.columns(r, 0, rows), dq, dr);
  Value y = m.columns(a, rows, rest);
  Value dy = dv ? m.product(q, dv) : m.at.like(y, 0);
  context.set(0, ConcatOp::create(m.builder, m.loc, ValueRange{dx, dy}, m.rank - 1));
}

/// v (diagonal(dw) + (v' dv) / E) v', with E the differences of the eigenvalues.
void adjointOfSymmetric(AdjointContext &context, LinalgOp op) {
  Matrices m(context, op);
  Value w = op.getResult(0), v = op.getResult(1), dw = context.cotangent(0), dv = context.cotangent(1);
  Value inner;
  if (dv)
    inner = m.where(ComparePredicate::ne, m.at.div(m.product(m.transposed(v), dv), m.gaps(w, v)));
  if (dw)
    inner = sum(m, inner, m.diagonal(dw, v));
  context.set(0, m.product(m.product(v, inner), m.transposed(v)));
}

/// inverse(v') (diagonal(dw) + (v' dv - v' v D) / E) v', with D the diagonal of v' dv: the columns of v have norm 1.
void adjointOfGeneral(AdjointContext &context, LinalgOp op) {
  Matrices m(context, op);
  Value w = op.getResult(0), v = op.getResult(1), dw = context.cotangent(0), dv = context.cotangent(1);
  Value across = m.transposed(v), inner;
  if (dv) {
    Value along = m.product(across, dv);
    Value kept = m.product(m.product(across, v), m.where(ComparePredicate::eq, along));
    inner = m.where(ComparePredicate::ne, m.at.div(m.at.sub(along, kept), m.gaps(w, v)));
  }
  if (dw)
    inner = sum(m, inner, m.diagonal(dw, v));
  context.set(0, m.solve(across, m.product(inner, across)));
}

/// J. Townsend, "Differentiating the singular value decomposition" (2016).
void adjointOfSingular(AdjointContext &context, LinalgOp op) {
  Matrices m(context, op);
  Value u = op.getResult(0), s = op.getResult(1), vt = op.getResult(2), v = m.transposed(vt);
  Value du = context.cotangent(0), ds = context.cotangent(1), dvt = context.cotangent(2);
  int64_t k = m.columnsOf(u);
  Value middle, square = m.product(m.transposed(u), u);
  auto skew = [&](Value left, Value right) {
    Value both = m.product(m.transposed(left), right);
    return m.at.sub(both, m.transposed(both));
  };
  Value squares = m.at.mul(s, s);
  if (du)
    middle = m.at.mul(m.at.div(skew(u, du), m.gaps(squares, square)), m.spread(s, square));
  if (dvt)
    middle = sum(m, middle,
                 m.at.mul(m.spread(s, square, true), m.at.div(skew(v, m.transposed(dvt)), m.gaps(squares, square))));
  if (ds)
    middle = sum(m, middle, m.diagonal(ds, square));
  Value left = m.product(u, middle);
  // What of du lies outside of u's columns, and of dv outside of v's.
  if (du && m.rowsOf(u) > k) {
    Value outside = m.at.sub(du, m.product(u, m.product(m.transposed(u), du)));
    left = m.at.add(left, m.at.div(outside, m.spread(s, du)));
  }
  Value da = m.product(left, vt);
  if (dvt && m.columnsOf(vt) > k) {
    Value outside = m.at.sub(dvt, m.product(m.product(dvt, v), vt));
    da = m.at.add(da, m.product(u, m.at.div(outside, m.spread(s, dvt, true))));
  }
  context.set(0, da);
}

} // namespace

LogicalResult LinalgOp::adjoint(AdjointContext &context) {
  if (llvm::is_contained(shapeOf(getOperands()[0]), 0) || llvm::is_contained(shapeOf(getOperands().back()), 0))
    return success();
  switch (getKind()) {
  case LinalgKind::solve:
  case LinalgKind::triangular:
    adjointOfSolve(context, *this);
    break;
  case LinalgKind::cholesky:
    adjointOfCholesky(context, *this);
    break;
  case LinalgKind::lu:
    return emitError() << "no gradient: `lu`";
  case LinalgKind::det:
    adjointOfDeterminant(context, *this);
    break;
  case LinalgKind::qr:
    adjointOfQr(context, *this);
    break;
  case LinalgKind::eigh:
    adjointOfSymmetric(context, *this);
    break;
  case LinalgKind::eig:
    adjointOfGeneral(context, *this);
    break;
  case LinalgKind::svd:
    adjointOfSingular(context, *this);
    break;
  }
  return success();
}

} // namespace dlc::dl
