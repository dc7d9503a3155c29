// Splits, folds and orders as rows of a data set.
#include "runtime/RowParts.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <numeric>

namespace dlc {

/// Where the parts of a step begin and end, and how it is called.
static Result<std::vector<int64_t>> boundsOf(const RowStep &step, int64_t rows) {
  std::string text;
  std::vector<int64_t> bounds;
  if (step.kind == RowStep::Fold) {
    text = fmt::format("{} folds of {} examples leave one", step.k, rows);
    bounds = {0, rows * step.index / step.k, rows * (step.index + 1) / step.k, rows};
    if (step.k > rows)
      return Error::plain(text + " empty");
    return bounds;
  }
  int64_t first = std::llround(double(rows) * step.train);
  bounds = {0, first};
  if (step.validate > 0)
    bounds.push_back(std::llround(double(rows) * (step.train + step.validate)));
  bounds.push_back(rows);
  text = step.validate > 0
             ? fmt::format("a split of {} examples at {} and {}", rows, step.train, step.train + step.validate)
             : fmt::format("a split of {} examples at {}", rows, step.train);
  for (size_t i = 0; i + 1 < bounds.size(); ++i)
    if (bounds[i] >= bounds[i + 1])
      return Error::plain(text + " leaves one part empty");
  return bounds;
}

Result<Dataset> rowsOf(const Dataset &data, const RowStep &step, const std::string &part) {
  if (step.kind == RowStep::Choose)
    return data.choose(*step.rows);
  std::vector<int64_t> order;
  if (step.shuffle) {
    order = permutation(data.size(), step.seed);
  } else {
    order.resize(size_t(data.size()));
    std::iota(order.begin(), order.end(), int64_t(0));
  }
  if (step.kind == RowStep::Shuffle)
    return data.choose(order);
  Result<std::vector<int64_t>> bounds = boundsOf(step, data.size());
  if (!bounds)
    return bounds.error();
  auto at = [&](size_t i) { return order.begin() + (*bounds)[i]; };
  std::vector<int64_t> rows;
  if (step.kind == RowStep::Fold && part == "train") {
    rows.assign(at(0), at(1));
    rows.insert(rows.end(), at(2), at(3));
    if (rows.empty())
      return Error::plain("one fold leaves nothing to train on");
  } else {
    std::vector<std::string> names = step.parts();
    size_t i = step.kind == RowStep::Fold ? 1 : size_t(std::find(names.begin(), names.end(), part) - names.begin());
    if (!step.shuffle) {
      Dataset made = data.slice((*bounds)[i], (*bounds)[i + 1]);
      made.setName(data.name() + "." + part);
      return made;
    }
    rows.assign(at(i), at(i + 1));
  }
  Dataset made = data.choose(std::move(rows));
  made.setName(data.name() + "." + part);
  return made;
}

} // namespace dlc
