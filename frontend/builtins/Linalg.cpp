// Linear algebra of matrices in the last two axes: what LAPACK does. The rest is in std/linalg.dl.
#include "frontend/builtins/Builtins.h"

#include "ir/Dialect.h"

namespace dlc {

/// Argument `i` as matrices of floats, square if asked; poison when it is none.
static Value matrixArgument(Elaborator &e, CallSite &site, size_t i, bool square, const std::string &callee) {
  Value x = floatArgument(e, site, i);
  if (x.poison())
    return x;
  size_t rank = x.shape.size();
  if (rank < 2) {
    e.error(Diag::RankMismatch, x.at, describe(x), rank, "at least 2");
    return e.poison(x.at);
  }
  if (!square || e.sameSize(x.shape[rank - 1].size, x.shape[rank - 2].size).value_or(true))
    return x;
  auto report =
      e.error(Diag::WrongType, x.at, fmt::format("argument {} of `{}`", i + 1, callee), describe(x), "square matrices");
  e.noteOrigins(report, x);
  return e.poison(x.at);
}

/// What LAPACK computes with: bf16 as f32.
static Value widened(Elaborator &e, const Value &x) { return x.dtype == DType::BF16 ? e.cast(x, DType::F32, x.at) : x; }

/// The results of a kind, of these shapes, in the element type of `like`.
static std::vector<Value> results(Elaborator &e, dl::LinalgKind kind, const std::vector<Value> &operands,
                                  const std::vector<Shape> &shapes, DType dtype, SourceRange at, bool lower = false,
                                  bool unit = false) {
  std::vector<Value> values;
  DType wide = operands[0].dtype;
  for (const Shape &shape : shapes)
    values.push_back(Value::ofTensor(wide, shape, {}, at));
  for (Value &value : values)
    value.varies = llvm::any_of(operands, [](const Value &operand) { return operand.varies; });
  if (kind == dl::LinalgKind::lu)
    values[1].dtype = DType::I32, values[1].varies = false;
  if (e.emitting()) {
    std::vector<mlir::Value> in;
    for (const Value &operand : operands)
      in.push_back(e.ir(operand));
    auto op = dl::LinalgOp::create(e.graph.here(), e.location(at), kind, in, lower, unit);
    for (size_t i = 0; i < values.size(); ++i)
      values[i].ir = op.getResult(i);
  }
  for (Value &value : values)
    if (isFloating(value.dtype))
      value = e.cast(value, dtype, at);
  return values;
}

/// A factorization: its results' shapes are made of `m`, `n` and `k`, the lesser of them, behind the batch's axes.
static void addFactors(BuiltinTable &table, const char *name, dl::LinalgKind kind, std::vector<std::string> forms) {
  table.add(name, [=](Elaborator &e, CallSite &site) {
    bool square = kind == dl::LinalgKind::cholesky || kind == dl::LinalgKind::eigh || kind == dl::LinalgKind::eig ||
                  kind == dl::LinalgKind::det;
    Value x = matrixArgument(e, site, 0, square, site.callee);
    if (x.poison())
      return e.poison(site.at);
    size_t rank = x.shape.size();
    const Dim &m = x.shape[rank - 2], &n = x.shape[rank - 1];
    Size gap = m.size - n.size;
    // Of two names neither is known to be the lesser.
    Dim k = square || gap == Size(0) ? n
            : gap.isConstant() ? (gap.constant() < 0 ? m : n)
                               : Dim{Size::ofData("min(" + m.size.str() + ", " + n.size.str() + ")", site.at), site.at};
    std::vector<Shape> shapes;
    for (const std::string &form : forms) {
      Shape shape(x.shape.begin(), x.shape.end() - 2);
      for (char size : form)
        shape.push_back(size == 'm' ? m : size == 'n' ? n : k);
      shapes.push_back(shape);
    }
    std::vector<Value> values = results(e, kind, {widened(e, x)}, shapes, x.dtype, site.at);
    return values.size() == 1 ? values[0] : Value::ofTuple(std::move(values), site.at);
  });
}

/// x of a x = b. b holds vectors where it has one axis, or the shape of a without the last one; else matrices, and the axes of
/// the batches broadcast.
static Value solve(Elaborator &e, CallSite &site, dl::LinalgKind kind, bool lower, bool unit) {
  Value a = matrixArgument(e, site, 0, true, site.callee), b = floatArgument(e, site, 1);
  if (a.poison() || b.poison() || !e.unifyDTypes(a, b, site.callee.c_str(), site.at))
    return e.poison(site.at);
  size_t rank = a.shape.size();
  bool isVector = b.shape.size() == 1;
  if (!isVector && b.shape.size() + 1 == rank) {
    isVector = true;
    for (size_t i = 0; isVector && i < b.shape.size(); ++i)
      isVector = e.sameSize(a.shape[i].size, b.shape[i].size).value_or(true);
  }
  Value right = b;
  if (isVector) {
    right.shape.push_back({Size(1), site.at});
    right = e.reshape(b, right.shape, b.at);
  }
  if (b.shape.empty() || !e.sameSize(a.shape.back().size, right.shape[right.shape.size() - 2].size).value_or(true)) {
    auto report = e.error(Diag::ShapeMismatch, site.at, str(a.shape), str(b.shape), site.callee);
    e.noteOrigins(report, a);
    e.noteOrigins(report, b);
    report.help("the right side has as many rows as the matrix");
    return e.poison(site.at);
  }
  auto lead = [&](const Value &value) {
    return Value::ofTensor(value.dtype, Shape(value.shape.begin(), value.shape.end() - 2), {}, value.at);
  };
  std::optional<Shape> batch = e.broadcastShapes(lead(a), lead(right), site.callee.c_str(), site.at);
  if (!batch)
    return e.poison(site.at);
  DType dtype = a.dtype;
  std::vector<Value> operands = {widened(e, a), widened(e, right)};
  for (Value &operand : operands) {
    Shape shape = *batch;
    shape.insert(shape.end(), operand.shape.end() - 2, operand.shape.end());
    operand = e.broadcastTo(operand, shape, operand.at);
  }
  Value x = results(e, kind, operands, {operands[1].shape}, dtype, site.at, lower, unit)[0];
  if (!isVector)
    return x;
  Shape shape(x.shape.begin(), x.shape.end() - 1);
  return e.reshape(x, shape, site.at);
}

void addLinalgBuiltins(BuiltinTable &table) {
  addFactors(table, "cholesky", dl::LinalgKind::cholesky, {"nn"});
  addFactors(table, "lu_factor", dl::LinalgKind::lu, {"mn", "k"});
  addFactors(table, "det", dl::LinalgKind::det, {""});
  addFactors(table, "qr", dl::LinalgKind::qr, {"mk", "kn"});
  addFactors(table, "eigh", dl::LinalgKind::eigh, {"n", "nn"});
  addFactors(table, "eig", dl::LinalgKind::eig, {"n", "nn"});
  addFactors(table, "svd", dl::LinalgKind::svd, {"mk", "k", "kn"});
  table.add("solve", [](Elaborator &e, CallSite &site) { return solve(e, site, dl::LinalgKind::solve, false, false); });
  table.add("solve_triangular", [](Elaborator &e, CallSite &site) {
    std::optional<bool> lower = boolArgument(e, site, 2, false), unit = boolArgument(e, site, 3, false);
    return lower && unit ? solve(e, site, dl::LinalgKind::triangular, *lower, *unit) : e.poison(site.at);
  });
  // The argument of a function (`what`) of square matrices.
  table.add("square_matrices",
            [](Elaborator &e, CallSite &site) { return matrixArgument(e, site, 0, true, site[1].text); });
  // The distance from 1 to the next number of a tensor's element type.
  table.add("epsilon_of", [](Elaborator &e, CallSite &site) {
    Value x = floatArgument(e, site, 0);
    if (x.poison())
      return x;
    return Value::ofNumber(x.dtype == DType::F64 ? 0x1p-52 : x.dtype == DType::F32 ? 0x1p-23 : 0x1p-7, site.at);
  });
}

} // namespace dlc
