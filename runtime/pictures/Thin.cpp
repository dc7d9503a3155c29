// Thinning: by columns where a line goes to the right, by places elsewhere.
#include "runtime/pictures/Thin.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace dlc {

namespace {
/// Which of `count` places of an axis a value falls in.
struct Places {
  Places(Extent extent, int count, bool logarithmic) : count(count), logarithmic(logarithmic) {
    low = logarithmic ? std::log10(extent.low) : extent.low;
    high = logarithmic ? std::log10(extent.high) : extent.high;
  }
  int64_t operator()(double value) const {
    double at = ((logarithmic ? std::log10(value) : value) / 2 - low / 2) / (high / 2 - low / 2);
    return at >= 0 ? std::min<int64_t>(int64_t(at * count), count - 1) : 0; // 0 also where all is in one place
  }
  int count;
  bool logarithmic;
  double low, high;
};
} // namespace

/// The points of a series at some places, in order.
static Series chosen(const Series &series, const std::vector<size_t> &points) {
  Series result = series;
  auto take = [&](const std::vector<double> &from, std::vector<double> &to) {
    if (from.empty())
      return;
    to.clear();
    for (size_t i : points)
      to.push_back(from[i]);
  };
  take(series.x, result.x);
  take(series.y, result.y);
  take(series.low, result.low);
  take(series.high, result.high);
  take(series.scale, result.scale);
  return result;
}

static bool goesRight(const Series &series) {
  double last = -std::numeric_limits<double>::infinity();
  for (double x : series.x) {
    if (x < last)
      return false;
    if (!std::isnan(x))
      last = x;
  }
  return true;
}

static Series byColumns(const Series &series, const Places &column) {
  std::vector<size_t> points;
  Series result = series;
  for (size_t begin = 0, end; begin < series.x.size(); begin = end) {
    end = begin + 1;
    if (std::isnan(series.x[begin])) { // a gap, however long, is one
      while (end < series.x.size() && std::isnan(series.x[end]))
        ++end;
      points.push_back(begin);
      continue;
    }
    int64_t place = column(series.x[begin]);
    size_t least = begin, greatest = begin;
    Extent band;
    for (size_t i = begin; i < series.x.size() && !std::isnan(series.x[i]) && column(series.x[i]) == place; ++i) {
      least = series.y[i] < series.y[least] ? i : least;
      greatest = series.y[i] > series.y[greatest] ? i : greatest;
      if (!series.low.empty()) {
        band.include(series.low[i]);
        band.include(series.high[i]);
      }
      end = i + 1;
    }
    std::vector<size_t> kept = {begin, least, greatest, end - 1};
    std::sort(kept.begin(), kept.end());
    kept.erase(std::unique(kept.begin(), kept.end()), kept.end());
    for (size_t i : kept) {
      if (!band.empty() && kept.size() < end - begin) {
        result.low[i] = band.low;
        result.high[i] = band.high;
      }
      points.push_back(i);
    }
  }
  return chosen(result, points);
}

/// One a place; of a line only what repeats the place of the point before it goes.
static Series byPlaces(const Series &series, const Places &column, const Places &row) {
  std::vector<size_t> points;
  std::vector<bool> taken(size_t(column.count) * size_t(row.count));
  size_t before = taken.size();
  for (size_t i = 0; i < series.x.size(); ++i) {
    if (std::isnan(series.x[i])) {
      points.push_back(i);
      before = taken.size();
      continue;
    }
    size_t place = size_t(row(series.y[i])) * size_t(column.count) + size_t(column(series.x[i]));
    bool isNew = series.kind == Series::Kind::Line ? place != before : !taken[place];
    if (isNew)
      points.push_back(i);
    taken[place] = true;
    before = place;
  }
  return chosen(series, points);
}

static Grid smaller(const Grid &grid, int columns, int rows) {
  Grid result = grid;
  result.columns = std::min<int64_t>(grid.columns, columns);
  result.rows = std::min<int64_t>(grid.rows, rows);
  std::vector<double> sums(size_t(result.rows * result.columns)), counts(sums.size());
  for (int64_t i = 0; i < grid.rows; ++i)
    for (int64_t j = 0; j < grid.columns; ++j) {
      double value = grid.values[size_t(i * grid.columns + j)];
      size_t place = size_t(i * result.rows / grid.rows * result.columns + j * result.columns / grid.columns);
      if (!std::isnan(value)) {
        sums[place] += value;
        ++counts[place];
      }
    }
  for (size_t i = 0; i < sums.size(); ++i)
    sums[i] = counts[i] ? sums[i] / counts[i] : std::numeric_limits<double>::quiet_NaN();
  result.values = std::move(sums);
  if (result.rows < grid.rows)
    result.rowNames.clear();
  if (result.columns < grid.columns)
    result.columnNames.clear();
  result.rowHeight = grid.rowHeight * double(grid.rows) / double(result.rows);
  result.columnWidth = grid.columnWidth * double(grid.columns) / double(result.columns);
  result.written &= result.rows == grid.rows && result.columns == grid.columns;
  return result;
}

Picture thinned(Picture picture, int columns, int rows) {
  Places column(extentOfX(picture), columns, picture.logX), row(extentOfY(picture), rows, picture.logY);
  for (Series &series : picture.series) {
    if (series.kind == Series::Kind::Bars || series.x.size() <= size_t(columns))
      continue;
    series = series.kind == Series::Kind::Line && goesRight(series) ? byColumns(series, column)
                                                                    : byPlaces(series, column, row);
  }
  if (picture.grid && (picture.grid->columns > columns || picture.grid->rows > rows))
    picture.grid = smaller(*picture.grid, columns, rows);
  return picture;
}

} // namespace dlc
