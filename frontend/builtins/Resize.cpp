// Pictures of another size: a product with a matrix of weights along each axis. Weights are those of PyTorch's
// `interpolate`, which with antialiasing are Pillow's.
#include "frontend/builtins/Windows.h"

#include "ir/Dialect.h"

#include <cmath>

namespace dlc {

namespace {
enum class Interpolation { Nearest, Bilinear, Bicubic };

/// From an axis of `from` elements to one of `to`.
struct AxisScale {
  int64_t from, to;
  bool alignCorners;

  /// The distance of output elements on the input.
  double scale() const {
    if (alignCorners)
      return to > 1 ? double(from - 1) / double(to - 1) : 0;
    return double(from) / double(to);
  }
};
} // namespace

/// The cubic convolution kernel with parameter `a` (Keys, "Cubic convolution interpolation for digital image processing", 1981).
static double cubic(double x, double a) {
  x = std::abs(x);
  if (x <= 1)
    return ((a + 2) * x - (a + 3)) * x * x + 1;
  return x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a : 0;
}

/// Weights of the window that grows with the scale, normalised.
static void antialiased(std::vector<double> &row, const AxisScale &axis, int64_t i, Interpolation kind) {
  double scale = axis.scale(), stretch = std::max(scale, 1.0),
         support = (kind == Interpolation::Bilinear ? 1 : 2) * stretch;
  double centre = scale * (double(i) + 0.5), total = 0;
  int64_t begin = std::max<int64_t>(int64_t(centre - support + 0.5), 0);
  int64_t end = std::min<int64_t>(int64_t(centre + support + 0.5), axis.from);
  for (int64_t j = begin; j < end; ++j) {
    double x = (double(j) - centre + 0.5) / stretch;
    row[j] = kind == Interpolation::Bilinear ? std::max(0.0, 1 - std::abs(x)) : cubic(x, -0.5);
    total += row[j];
  }
  for (double &weight : row)
    weight = total != 0 ? weight / total : 0;
}

/// Weights of the two or four neighbours.
static void interpolated(std::vector<double> &row, const AxisScale &axis, int64_t i, Interpolation kind) {
  double scale = axis.scale(), place = axis.alignCorners ? scale * double(i) : scale * (double(i) + 0.5) - 0.5;
  auto add = [&](int64_t j, double weight) { row[std::clamp<int64_t>(j, 0, axis.from - 1)] += weight; };
  if (kind == Interpolation::Bilinear)
    place = std::max(place, 0.0);
  double first = std::floor(place), part = place - first;
  if (kind == Interpolation::Bilinear) {
    add(int64_t(first), 1 - part);
    add(int64_t(first) + 1, part);
    return;
  }
  for (int64_t k = -1; k <= 2; ++k)
    add(int64_t(first) + k, cubic(part - double(k), -0.75));
}

/// The matrix [to, from] of weights.
static std::vector<double> weightsOf(const AxisScale &axis, Interpolation kind, bool antialias) {
  std::vector<double> matrix;
  for (int64_t i = 0; i < axis.to; ++i) {
    std::vector<double> row(axis.from, 0);
    if (antialias)
      antialiased(row, axis, i, kind);
    else
      interpolated(row, axis, i, kind);
    matrix.insert(matrix.end(), row.begin(), row.end());
  }
  return matrix;
}

/// Rows of x along an axis, each the one below its place.
static Value nearest(Elaborator &e, const Value &x, int64_t axis, const AxisScale &scale, Shape shape, SourceRange at) {
  if (scale.to % scale.from == 0) {
    // Each several times.
    Shape split = x.shape, repeated = x.shape;
    split.insert(split.begin() + axis + 1, Dim{Size(1), at});
    repeated.insert(repeated.begin() + axis + 1, Dim{Size(scale.to / scale.from), at});
    return e.reshape(e.broadcastTo(e.reshape(x, split, at), repeated, at), shape, at);
  }
  auto places = [&] {
    std::vector<double> places;
    for (int64_t i = 0; i < scale.to; ++i)
      places.push_back(double(std::min(int64_t(float(i) * float(scale.scale())), scale.from - 1)));
    return places;
  };
  Value indices = constantOf(e, places, DType::I64, {{Size(scale.to), at}}, at);
  if (indices.poison())
    return indices;
  Value result = Value::ofTensor(x.dtype, shape, {}, at);
  result.varies = x.varies;
  if (mlir::Value operand = e.ir(x))
    result.ir =
        dl::GatherOp::create(e.graph.here(), e.location(at), e.irType(x.dtype, shape), operand, e.ir(indices), axis);
  return result;
}

static std::optional<Interpolation> interpolationArgument(Elaborator &e, CallSite &site, size_t i) {
  if (!site.has(i))
    return Interpolation::Bilinear;
  static const std::pair<const char *, Interpolation> kinds[] = {{"nearest", Interpolation::Nearest},
                                                                 {"bilinear", Interpolation::Bilinear},
                                                                 {"linear", Interpolation::Bilinear},
                                                                 {"bicubic", Interpolation::Bicubic}};
  if (site[i].kind == Value::String)
    for (auto &[name, kind] : kinds)
      if (site[i].text == name)
        return kind;
  if (!site[i].poison())
    e.error(Diag::BadArgument, site[i].at,
            fmt::format("the mode of `{}` is {}, expected \"nearest\", \"bilinear\" or \"bicubic\"", site.callee,
                        site[i].kind == Value::String ? "\"" + site[i].text + "\"" : describe(site[i])));
  return std::nullopt;
}

/// resize(x, size, mode, antialias, align_corners): the last axes of x, as many as `size` has numbers.
static Value resize(Elaborator &e, CallSite &site) {
  Value x = floatArgument(e, site, 0);
  std::optional<Shape> size = x.poison() ? std::nullopt : shapeArgument(e, site, 1);
  auto kind = size ? interpolationArgument(e, site, 2) : std::nullopt;
  std::optional<bool> antialias = kind ? boolArgument(e, site, 3, true) : std::nullopt;
  std::optional<bool> alignCorners = antialias ? boolArgument(e, site, 4, false) : std::nullopt;
  if (!alignCorners)
    return e.poison(site.at);
  if (size->size() > x.shape.size()) {
    e.error(Diag::RankMismatch, x.at, describe(x), x.shape.size(), fmt::format("at least {}", size->size()));
    return e.poison(site.at);
  }
  for (size_t i = 0; i < size->size(); ++i) {
    int64_t axis = int64_t(x.shape.size() - size->size() + i);
    const Size &from = x.shape[axis].size, &to = (*size)[i].size;
    Shape shape = x.shape;
    shape[axis] = (*size)[i];
    if (!from.isConstant() || !to.isConstant()) {
      Value resized = Value::ofTensor(x.dtype, shape, {}, site.at);
      resized.varies = x.varies;
      x = resized;
      continue;
    }
    if (from.constant() < 1 || to.constant() < 1) {
      e.error(Diag::BadArgument, site.at,
              fmt::format("`{}` from a size of {} to {}, expected at least 1", site.callee, from.str(), to.str()));
      return e.poison(site.at);
    }
    if (from.constant() == to.constant())
      continue;
    if (tooLarge(e, shape, site.at))
      return e.poison(site.at);
    AxisScale scale{from.constant(), to.constant(), *alignCorners};
    if (*kind == Interpolation::Nearest) {
      x = nearest(e, x, axis, scale, shape, site.at);
      if (x.poison())
        return x;
      continue;
    }
    auto weights = [&] { return weightsOf(scale, *kind, *antialias); };
    Value matrix = constantOf(e, weights, x.dtype, {(*size)[i], x.shape[axis]}, site.at);
    if (matrix.poison())
      return matrix;
    std::string letters = std::string("abcdefghijklmnop").substr(0, x.shape.size()), result = letters;
    result[axis] = 'z';
    x = e.contractOp(letters + ",z" + letters[axis] + "->" + result, x, matrix, shape, site.at);
  }
  return x;
}

void addResizeBuiltins(BuiltinTable &table) { table.add("resize", resize); }

} // namespace dlc
