// dl.linalg in the reference evaluator: the algorithms of textbooks, which are not LAPACK's. Signs of vectors may differ.
#include "ir/evaluate/OpEvaluation.h"

#include <cmath>
#include <numeric>

using namespace mlir;

namespace dlc::dl {
namespace {

/// A matrix of a batch, by rows.
struct Matrix {
  int64_t rows, columns;
  std::vector<double> values;

  Matrix(int64_t rows, int64_t columns) : rows(rows), columns(columns), values(rows * columns) {}
  double &operator()(int64_t i, int64_t j) { return values[i * columns + j]; }
  double operator()(int64_t i, int64_t j) const { return values[i * columns + j]; }

  static Matrix identity(int64_t size) {
    Matrix result(size, size);
    for (int64_t i = 0; i < size; ++i)
      result(i, i) = 1;
    return result;
  }
};

Matrix product(const Matrix &a, const Matrix &b) {
  Matrix result(a.rows, b.columns);
  for (int64_t i = 0; i < a.rows; ++i)
    for (int64_t j = 0; j < b.columns; ++j)
      for (int64_t k = 0; k < a.columns; ++k)
        result(i, j) += a(i, k) * b(k, j);
  return result;
}

Matrix transposed(const Matrix &a) {
  Matrix result(a.columns, a.rows);
  for (int64_t i = 0; i < a.rows; ++i)
    for (int64_t j = 0; j < a.columns; ++j)
      result(j, i) = a(i, j);
  return result;
}

/// Gaussian elimination with exchanged rows; l and u in the place of a. Returns the rows exchanged.
std::vector<int64_t> eliminate(Matrix &a) {
  std::vector<int64_t> pivots;
  for (int64_t k = 0; k < std::min(a.rows, a.columns); ++k) {
    int64_t best = k;
    for (int64_t i = k; i < a.rows; ++i)
      if (std::fabs(a(i, k)) > std::fabs(a(best, k)))
        best = i;
    pivots.push_back(best);
    for (int64_t j = 0; j < a.columns; ++j)
      std::swap(a(k, j), a(best, j));
    if (a(k, k) == 0)
      continue;
    for (int64_t i = k + 1; i < a.rows; ++i) {
      a(i, k) /= a(k, k);
      for (int64_t j = k + 1; j < a.columns; ++j)
        a(i, j) -= a(i, k) * a(k, j);
    }
  }
  return pivots;
}

/// x of a x = b, in the place of b; false where the diagonal has a zero.
bool substitute(const Matrix &a, Matrix &b, bool lower, bool unit) {
  for (int64_t step = 0; step < a.rows; ++step) {
    int64_t i = lower ? step : a.rows - 1 - step;
    if (!unit && a(i, i) == 0)
      return false;
    for (int64_t j = 0; j < b.columns; ++j) {
      for (int64_t k = lower ? 0 : i + 1; k < (lower ? i : a.rows); ++k)
        b(i, j) -= a(i, k) * b(k, j);
      if (!unit)
        b(i, j) /= a(i, i);
    }
  }
  return true;
}

bool solve(Matrix a, Matrix &b) {
  std::vector<int64_t> pivots = eliminate(a);
  for (int64_t k = 0; k < a.rows; ++k)
    for (int64_t j = 0; j < b.columns; ++j)
      std::swap(b(k, j), b(pivots[k], j));
  return substitute(a, b, true, true) && substitute(a, b, false, false);
}

bool cholesky(Matrix &a) {
  for (int64_t j = 0; j < a.columns; ++j) {
    for (int64_t k = 0; k < j; ++k)
      a(j, j) -= a(j, k) * a(j, k);
    if (!(a(j, j) > 0))
      return false;
    a(j, j) = std::sqrt(a(j, j));
    for (int64_t i = j + 1; i < a.rows; ++i) {
      for (int64_t k = 0; k < j; ++k)
        a(i, j) -= a(i, k) * a(j, k);
      a(i, j) /= a(j, j);
      a(j, i) = 0;
    }
  }
  return true;
}

/// Householder's reflections: a becomes r, the result is the square q, q r = a.
Matrix reflect(Matrix &a) {
  Matrix q = Matrix::identity(a.rows);
  for (int64_t k = 0; k < std::min(a.rows - 1, a.columns); ++k) {
    double norm = 0, rest = 0;
    for (int64_t i = k; i < a.rows; ++i)
      norm += a(i, k) * a(i, k), rest += i > k ? a(i, k) * a(i, k) : 0;
    if (rest == 0)
      continue;
    std::vector<double> v(a.rows);
    for (int64_t i = k; i < a.rows; ++i)
      v[i] = a(i, k);
    v[k] += a(k, k) < 0 ? -std::sqrt(norm) : std::sqrt(norm);
    double square = std::inner_product(v.begin(), v.end(), v.begin(), 0.0);
    for (int64_t j = 0; j < a.columns; ++j) {
      double dot = 0;
      for (int64_t i = k; i < a.rows; ++i)
        dot += v[i] * a(i, j);
      for (int64_t i = k; i < a.rows; ++i)
        a(i, j) -= 2 * dot / square * v[i];
    }
    for (int64_t j = 0; j < a.rows; ++j) {
      double dot = 0;
      for (int64_t i = k; i < a.rows; ++i)
        dot += v[i] * q(j, i);
      for (int64_t i = k; i < a.rows; ++i)
        q(j, i) -= 2 * dot / square * v[i];
    }
  }
  return q;
}

/// The columns of `vectors`, and `values`, in an order of the values.
void arrange(std::vector<double> &values, SmallVector<Matrix *> vectors, bool descending) {
  std::vector<int64_t> order(values.size());
  std::iota(order.begin(), order.end(), 0);
  llvm::sort(order, [&](int64_t a, int64_t b) {
    return std::pair(descending ? -values[a] : values[a], a) < std::pair(descending ? -values[b] : values[b], b);
  });
  std::vector<double> sorted;
  for (int64_t place : order)
    sorted.push_back(values[place]);
  values = sorted;
  for (Matrix *matrix : vectors) {
    Matrix old = *matrix;
    for (int64_t i = 0; i < old.rows; ++i)
      for (size_t j = 0; j < order.size(); ++j)
        (*matrix)(i, j) = old(i, order[j]);
  }
}

/// Jacobi's rotations of a symmetric matrix until it is diagonal.
std::vector<double> eigenSymmetric(Matrix a, Matrix &vectors) {
  int64_t n = a.rows;
  for (int64_t i = 0; i < n; ++i)
    for (int64_t j = i + 1; j < n; ++j)
      a(i, j) = a(j, i);
  vectors = Matrix::identity(n);
  for (int sweep = 0; sweep < 60; ++sweep)
    for (int64_t p = 0; p < n; ++p)
      for (int64_t q = p + 1; q < n; ++q) {
        if (a(p, q) == 0)
          continue;
        double angle = 0.5 * std::atan2(2 * a(p, q), a(q, q) - a(p, p)), c = std::cos(angle), s = std::sin(angle);
        Matrix rotation = Matrix::identity(n);
        rotation(p, p) = rotation(q, q) = c;
        rotation(p, q) = s;
        rotation(q, p) = -s;
        a = product(transposed(rotation), product(a, rotation));
        a(p, q) = a(q, p) = 0;
        vectors = product(vectors, rotation);
      }
  std::vector<double> values;
  for (int64_t i = 0; i < n; ++i)
    values.push_back(a(i, i));
  arrange(values, {&vectors}, false);
  return values;
}

/// One-sided Jacobi rotations: the columns of a become orthogonal, u times the singular values. a is not wide.
std::vector<double> singular(Matrix a, Matrix &u, Matrix &v) {
  int64_t n = a.columns;
  v = Matrix::identity(n);
  for (int sweep = 0; sweep < 60; ++sweep)
    for (int64_t p = 0; p < n; ++p)
      for (int64_t q = p + 1; q < n; ++q) {
        double pp = 0, qq = 0, pq = 0;
        for (int64_t i = 0; i < a.rows; ++i)
          pp += a(i, p) * a(i, p), qq += a(i, q) * a(i, q), pq += a(i, p) * a(i, q);
        if (std::fabs(pq) <= 1e-17 * std::sqrt(pp * qq))
          continue;
        double angle = 0.5 * std::atan2(2 * pq, qq - pp), c = std::cos(angle), s = std::sin(angle);
        for (Matrix *matrix : {&a, &v})
          for (int64_t i = 0; i < matrix->rows; ++i) {
            double x = (*matrix)(i, p), y = (*matrix)(i, q);
            (*matrix)(i, p) = c * x - s * y;
            (*matrix)(i, q) = s * x + c * y;
          }
      }
  std::vector<double> values;
  for (int64_t j = 0; j < n; ++j) {
    double square = 0;
    for (int64_t i = 0; i < a.rows; ++i)
      square += a(i, j) * a(i, j);
    values.push_back(std::sqrt(square));
    for (int64_t i = 0; i < a.rows; ++i)
      a(i, j) = values[j] > 0 ? a(i, j) / values[j] : 0;
  }
  u = a;
  arrange(values, {&u, &v}, true);
  return values;
}

/// The QR algorithm with shifts, then each vector by inverse iteration; false where eigenvalues are complex.
bool eigen(const Matrix &given, std::vector<double> &values, Matrix &vectors) {
  int64_t n = given.rows;
  Matrix a = given;
  double size = 0;
  for (double value : given.values)
    size = std::max(size, std::fabs(value));
  int64_t last = n - 1;
  for (int step = 0; last > 0 && step < 10000; ++step) {
    double below = 0;
    for (int64_t j = 0; j < last; ++j)
      below = std::max(below, std::fabs(a(last, j)));
    if (below <= 1e-15 * size) {
      --last;
      continue;
    }
    Matrix block(last + 1, last + 1);
    double shift = a(last, last);
    for (int64_t i = 0; i <= last; ++i)
      for (int64_t j = 0; j <= last; ++j)
        block(i, j) = a(i, j) - (i == j ? shift : 0);
    Matrix q = reflect(block);
    block = product(block, q);
    for (int64_t i = 0; i <= last; ++i)
      for (int64_t j = 0; j <= last; ++j)
        a(i, j) = block(i, j) + (i == j ? shift : 0);
  }
  if (last > 0)
    return false;
  values.clear();
  vectors = Matrix(n, n);
  for (int64_t k = 0; k < n; ++k) {
    values.push_back(a(k, k));
    Matrix shifted = given, x(n, 1);
    for (int64_t i = 0; i < n; ++i) {
      shifted(i, i) -= values[k] * (1 + 1e-13) + 1e-300;
      x(i, 0) = 1 + 0.1 * double(i);
    }
    for (int repeat = 0; repeat < 4; ++repeat) {
      if (!solve(shifted, x))
        return false;
      double norm = std::sqrt(std::inner_product(x.values.begin(), x.values.end(), x.values.begin(), 0.0));
      for (double &value : x.values)
        value /= norm;
    }
    for (int64_t i = 0; i < n; ++i)
      vectors(i, k) = x(i, 0);
  }
  return true;
}

/// The first `columns` columns.
Matrix leading(const Matrix &a, int64_t rows, int64_t columns) {
  Matrix result(rows, columns);
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < columns; ++j)
      result(i, j) = a(i, j);
  return result;
}

/// The results for one matrix, each row-major; none where it has none.
SmallVector<std::vector<double>> factor(LinalgOp op, Matrix a, std::optional<Matrix> b) {
  int64_t k = std::min(a.rows, a.columns);
  Matrix first(0, 0), second(0, 0);
  switch (op.getKind()) {
  case LinalgKind::solve:
    if (!solve(a, *b))
      return {};
    return {b->values};
  case LinalgKind::triangular:
    if (!substitute(a, *b, op.getLower(), op.getUnit()))
      return {};
    return {b->values};
  case LinalgKind::cholesky:
    if (!cholesky(a))
      return {};
    return {a.values};
  case LinalgKind::lu: {
    std::vector<int64_t> pivots = eliminate(a);
    return {a.values, std::vector<double>(pivots.begin(), pivots.end())};
  }
  case LinalgKind::det: {
    std::vector<int64_t> pivots = eliminate(a);
    double product = 1;
    for (int64_t i = 0; i < k; ++i)
      product *= pivots[i] == i ? a(i, i) : -a(i, i);
    return {{product + 0.0}};
  }
  case LinalgKind::qr: {
    Matrix q = reflect(a);
    return {leading(q, a.rows, k).values, leading(a, k, a.columns).values};
  }
  case LinalgKind::eigh: {
    std::vector<double> values = eigenSymmetric(a, first);
    return {values, first.values};
  }
  case LinalgKind::eig: {
    std::vector<double> values;
    if (!eigen(a, values, first))
      return {};
    return {values, first.values};
  }
  case LinalgKind::svd: {
    bool wide = a.columns > a.rows;
    std::vector<double> values = singular(wide ? transposed(a) : a, first, second);
    if (wide)
      std::swap(first, second);
    return {first.values, values, transposed(second).values};
  }
  }
  return {};
}

Matrix matrixOf(const HostTensor &tensor, int64_t number) {
  Matrix result(tensor.shape[tensor.shape.size() - 2], tensor.shape.back());
  int64_t size = result.rows * result.columns;
  std::copy_n(tensor.floats.begin() + number * size, size, result.values.begin());
  return result;
}

} // namespace

SmallVector<HostTensor> evaluateLinalg(LinalgOp op, ArrayRef<const HostTensor *> in, std::string &error) {
  SmallVector<HostTensor> results;
  for (Value value : op->getResults())
    results.push_back(HostTensor::zeros(cast<RankedTensorType>(value.getType())));
  int64_t batch = op.batch();
  for (int64_t number = 0; number < batch; ++number) {
    std::optional<Matrix> right;
    if (in.size() > 1)
      right = matrixOf(*in[1], number);
    SmallVector<std::vector<double>> parts = factor(op, matrixOf(*in[0], number), right);
    if (parts.empty()) {
      error = ("matrix " + Twine(number) + " " + op.failure()).str();
      return results;
    }
    for (auto [result, part] : llvm::zip_equal(results, parts))
      for (auto [i, value] : llvm::enumerate(part)) {
        if (result.isFloat())
          result.floats[number * part.size() + i] = value;
        else
          result.ints[number * part.size() + i] = int64_t(value);
      }
  }
  return results;
}

} // namespace dlc::dl
