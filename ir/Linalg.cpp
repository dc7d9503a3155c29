// dl.linalg: inferred types, the verifier, the memory that LAPACK works in.
#include "ir/Dialect.h"
#include "ir/Verify.h"

using namespace mlir;

namespace dlc::dl {

static int64_t sizeFromEnd(Value tensor, size_t back) {
  ArrayRef<int64_t> shape = shapeOf(tensor);
  return shape[shape.size() - back];
}

int64_t LinalgOp::rows() { return sizeFromEnd(getOperands()[0], 2); }
int64_t LinalgOp::columns() { return sizeFromEnd(getOperands()[0], 1); }
int64_t LinalgOp::batch() { return ShapedType::getNumElements(shapeOf(getOperands()[0]).drop_back(2)); }

/// The results' types; the operands are matrices as the kind wants them.
static SmallVector<Type> inferTypes(LinalgKind kind, ValueRange operands) {
  ArrayRef<int64_t> shape = shapeOf(operands[0]), lead = shape.drop_back(2);
  Type element = elementOf(operands[0]);
  int64_t m = sizeFromEnd(operands[0], 2), n = sizeFromEnd(operands[0], 1), k = std::min(m, n);
  auto of = [&](std::initializer_list<int64_t> sizes, Type type = {}) {
    SmallVector<int64_t> all(lead);
    all.append(sizes.begin(), sizes.end());
    return RankedTensorType::get(all, type ? type : element);
  };
  switch (kind) {
  case LinalgKind::solve:
  case LinalgKind::triangular:
    return {operands[1].getType()};
  case LinalgKind::cholesky:
    return {operands[0].getType()};
  case LinalgKind::lu:
    return {operands[0].getType(), of({k}, IntegerType::get(element.getContext(), 32))};
  case LinalgKind::det:
    return {of({})};
  case LinalgKind::qr:
    return {of({m, k}), of({k, n})};
  case LinalgKind::eigh:
  case LinalgKind::eig:
    return {of({n}), of({n, n})};
  case LinalgKind::svd:
    return {of({m, k}), of({k}), of({k, n})};
  }
  return {};
}

void LinalgOp::build(OpBuilder &builder, OperationState &state, LinalgKind kind, ValueRange operands, bool lower,
                     bool unit) {
  build(builder, state, inferTypes(kind, operands), kind, operands, lower, unit);
}

LogicalResult LinalgOp::verify() {
  LinalgKind kind = getKind();
  bool solves = kind == LinalgKind::solve || kind == LinalgKind::triangular;
  StringRef name = stringifyLinalgKind(kind);
  if (getOperands().size() != (solves ? 2u : 1u))
    return emitOpError() << "`" << name << "` has " << getOperands().size() << " operands, expected "
                         << (solves ? 2 : 1);
  Value matrix = getOperands()[0];
  for (Value operand : getOperands()) {
    auto type = cast<RankedTensorType>(operand.getType());
    if (type.getRank() < 2)
      return emitOpError() << "operand is " << type << ", expected matrices: at least 2 axes";
    if (type.getElementType() != elementOf(matrix) || type.getShape().drop_back(2) != shapeOf(matrix).drop_back(2))
      return emitOpError() << "operands are " << matrix.getType() << " and " << type
                           << ", expected one element type and equal leading axes";
  }
  if (kind != LinalgKind::lu && kind != LinalgKind::qr && kind != LinalgKind::svd && rows() != columns())
    return emitOpError() << "`" << name << "` of " << matrix.getType() << ", expected square matrices";
  if (solves && sizeFromEnd(getOperands()[1], 2) != rows())
    return emitOpError() << "operands are " << matrix.getType() << " and " << getOperands()[1].getType()
                         << ", expected as many rows";
  if ((getLower() || getUnit()) && kind != LinalgKind::triangular)
    return emitOpError() << "`" << name << "` is `lower` or `unit`, which `triangular` alone can be";
  SmallVector<Type> expected = inferTypes(kind, getOperands());
  if (getResultTypes() != TypeRange(expected))
    return emitOpError() << "results are " << getResultTypes() << ", expected " << TypeRange(expected);
  return success();
}

StringRef LinalgOp::failure() {
  switch (getKind()) {
  case LinalgKind::solve:
  case LinalgKind::triangular:
    return "is singular";
  case LinalgKind::cholesky:
    return "is not positive definite";
  case LinalgKind::eigh:
    return "has eigenvalues that were not found";
  case LinalgKind::eig:
    return "has a complex eigenvalue, or eigenvalues that were not found";
  case LinalgKind::svd:
    return "has singular values that were not found";
  case LinalgKind::lu:
  case LinalgKind::det:
  case LinalgKind::qr:
    return "";
  }
  return "";
}

LinalgWorkspace LinalgOp::workspace() {
  int64_t m = rows(), n = columns(), k = std::min(m, n);
  int64_t right = getOperands().size() > 1 ? sizeFromEnd(getOperands()[1], 1) : 0;
  // LAPACK's blocks are at most 64 columns wide; less memory than for these only makes it slower.
  constexpr int64_t block = 34;
  LinalgWorkspace space;
  auto take = [&](int64_t count) {
    int64_t begin = space.total;
    space.total += count;
    return begin;
  };
  space.first = take(m * n);
  switch (getKind()) {
  case LinalgKind::solve:
  case LinalgKind::triangular:
    space.second = take(n * right);
    space.vector = take(n);
    break;
  case LinalgKind::cholesky:
    break;
  case LinalgKind::lu:
  case LinalgKind::det:
    space.vector = take(k);
    break;
  case LinalgKind::qr:
    space.vector = take(k);
    space.workSize = block * n;
    break;
  case LinalgKind::eigh:
    space.vector = take(n);
    space.workSize = block * n;
    break;
  case LinalgKind::eig:
    space.second = take(n * n);
    space.vector = take(n);
    space.other = take(n);
    space.workSize = block * n;
    break;
  case LinalgKind::svd:
    space.second = take(m * k);
    space.third = take(k * n);
    space.vector = take(k);
    space.workSize = block * (m + n);
    break;
  }
  space.work = take(space.workSize);
  return space;
}

} // namespace dlc::dl
