// Small made-up data sets for lessons: points of the plane (`x`) and the curve that each belongs to (`label`).
#include "runtime/Files.h"
#include "runtime/Philox.h"
#include "runtime/SourceColumns.h"

#include <cmath>
#include <fmt/format.h>
#include <numbers>

namespace dlc {

namespace {
struct Points {
  std::vector<float> x;       ///< [n, 2]
  std::vector<int32_t> label; ///< [n]
};
} // namespace

/// The arguments n, noise and seed, which all of them have.
struct Settings {
  int64_t n;
  double noise;
  uint64_t seed;
};

static Result<Settings> readSettings(ArgumentReader &arguments, double noise) {
  Result<double> n = arguments.number("n", 1000, 1, true), spread = arguments.number("noise", noise, 0, false),
                 seed = arguments.number("seed", 0, 0, true);
  for (const Result<double> *value : {&n, &spread, &seed})
    if (!*value)
      return value->error();
  if (*n > 1e9)
    return Error::plain(fmt::format("argument `n` is {}, but at most 1e9 examples can be made", *n));
  return Settings{int64_t(*n), *spread, uint64_t(*seed)};
}

/// Moves the points by normal noise and hands over the fields that are declared.
static SourceResult finishPoints(Points &points, const Settings &settings, const std::vector<FieldSpec> &fields) {
  constexpr uint64_t path = 0x73796E7468657469; // "syntheti": keeps the stream apart from others
  PhiloxStream stream = philoxStream(settings.seed, 0, path);
  for (size_t i = 0; i < points.x.size(); ++i)
    points.x[i] += float(settings.noise * double(philoxNormal(stream, i)));
  std::vector<FileArray> arrays;
  for (const FieldSpec &field : fields)
    if (field.name == "x")
      arrays.push_back({"", DType::F32, {settings.n, 2}, points.x.data()});
    else if (field.name == "label")
      arrays.push_back({"", DType::I32, {settings.n}, points.label.data()});
    else
      return Error::plain(fmt::format("this source has the fields `x` and `label`, but no `{}`", field.name));
  return openArrays(fields, arrays);
}

/// Arms of a spiral around the origin, one a class, each turning by 4 radians on its way to radius 1.
SourceResult openSpiral(ArgumentReader &arguments, const std::vector<FieldSpec> &fields, const SearchPaths &) {
  Result<Settings> settings = readSettings(arguments, 0.02);
  Result<double> classes = arguments.number("classes", 2, 1, true);
  if (!settings || !classes)
    return !settings ? settings.error() : classes.error();
  if (Result<void> ok = arguments.finish(); !ok)
    return ok.error();
  Points points;
  int64_t arms = int64_t(*classes), longest = (settings->n + arms - 1) / arms;
  for (int64_t i = 0; i < settings->n; ++i) {
    double radius = double(i / arms + 1) / double(longest);
    double angle = 4 * radius + 2 * std::numbers::pi * double(i % arms) / double(arms);
    points.x.push_back(float(radius * std::sin(angle)));
    points.x.push_back(float(radius * std::cos(angle)));
    points.label.push_back(int32_t(i % arms));
  }
  return finishPoints(points, *settings, fields);
}

/// Two half circles of radius 1 that reach into each other, as scikit-learn's make_moons.
SourceResult openMoons(ArgumentReader &arguments, const std::vector<FieldSpec> &fields, const SearchPaths &) {
  Result<Settings> settings = readSettings(arguments, 0.1);
  if (!settings)
    return settings.error();
  if (Result<void> ok = arguments.finish(); !ok)
    return ok.error();
  Points points;
  int64_t longest = std::max<int64_t>((settings->n + 1) / 2 - 1, 1);
  for (int64_t i = 0; i < settings->n; ++i) {
    double angle = std::numbers::pi * double(i / 2) / double(longest);
    bool lower = i % 2 != 0;
    points.x.push_back(float(lower ? 1 - std::cos(angle) : std::cos(angle)));
    points.x.push_back(float(lower ? 0.5 - std::sin(angle) : std::sin(angle)));
    points.label.push_back(lower);
  }
  return finishPoints(points, *settings, fields);
}

} // namespace dlc
