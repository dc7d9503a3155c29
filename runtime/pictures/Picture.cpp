// What is asked of a picture before it is drawn.
#include "runtime/pictures/Picture.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <limits>

namespace dlc {

int64_t leaveOutUndrawable(Picture &picture) {
  constexpr double gap = std::numeric_limits<double>::quiet_NaN();
  auto drawable = [](double value, bool logarithmic) { return std::isfinite(value) && (!logarithmic || value > 0); };
  int64_t count = 0;
  for (Series &series : picture.series) {
    size_t kept = 0;
    for (size_t i = 0; i < series.x.size(); ++i) {
      bool good = drawable(series.x[i], picture.logX) && drawable(series.y[i], picture.logY) &&
                  (series.scale.empty() || std::isfinite(series.scale[i]));
      if (good && !series.low.empty()) { // a band that cannot be drawn here leaves its line
        if (!drawable(series.low[i], picture.logY) || !drawable(series.high[i], picture.logY))
          series.low[i] = series.high[i] = gap, ++count;
      }
      count += !good;
      if (!good && series.kind != Series::Kind::Line)
        continue;
      auto keep = [&](std::vector<double> &values) {
        if (!values.empty())
          values[kept] = good ? values[i] : gap;
      };
      for (std::vector<double> *values : {&series.x, &series.y, &series.low, &series.high, &series.scale})
        keep(*values);
      ++kept;
    }
    for (std::vector<double> *values : {&series.x, &series.y, &series.low, &series.high, &series.scale})
      if (!values->empty())
        values->resize(kept);
  }
  if (picture.grid)
    for (double &value : picture.grid->values)
      if (!std::isfinite(value)) {
        value = gap;
        ++count;
      }
  return count;
}

/// How many bytes a character of UTF-8 at the beginning of a text has; 0 when it is none.
static size_t characterLength(std::string_view text) {
  unsigned char first = (unsigned char)(text[0]);
  size_t length = first < 0x80                    ? 1
                  : first >= 0xc2 && first < 0xe0 ? 2
                  : first >= 0xe0 && first < 0xf0 ? 3
                  : first >= 0xf0 && first < 0xf5 ? 4
                                                  : 0;
  if (length > text.size())
    return 0;
  for (size_t i = 1; i < length; ++i)
    if ((text[i] & 0xc0) != 0x80)
      return 0;
  unsigned char second = length > 1 ? (unsigned char)(text[1]) : 0;
  bool outside = (first == 0xe0 && second < 0xa0) || (first == 0xed && second >= 0xa0) || // overlong, a surrogate
                 (first == 0xf0 && second < 0x90) || (first == 0xf4 && second >= 0x90);
  return outside ? 0 : length;
}

std::string printable(std::string_view text) {
  std::string result;
  while (!text.empty()) {
    size_t length = characterLength(text);
    if (length == 0)
      result += '?';
    else if (length == 1 && ((unsigned char)text[0] < ' ' || text[0] == '\x7f'))
      result += ' ';
    else
      result += text.substr(0, length);
    text.remove_prefix(std::max<size_t>(length, 1));
  }
  return result;
}

bool isEmpty(const Picture &picture) {
  auto nothing = [](const std::vector<double> &values) {
    return std::all_of(values.begin(), values.end(), [](double value) { return std::isnan(value); });
  };
  return std::all_of(picture.series.begin(), picture.series.end(), [&](const Series &s) { return nothing(s.y); }) &&
         (!picture.grid || nothing(picture.grid->values)) &&
         std::all_of(picture.tiles.begin(), picture.tiles.end(), [](const Tile &tile) { return tile.pixels.empty(); });
}

Extent extentOfX(const Picture &picture) {
  Extent extent;
  for (const Series &series : picture.series)
    for (double x : series.x) {
      double half = series.kind == Series::Kind::Bars ? series.width / 2 : 0;
      extent.include(x - half);
      extent.include(x + half);
    }
  return extent;
}

Extent extentOfY(const Picture &picture) {
  Extent extent;
  for (const Series &series : picture.series) {
    for (const std::vector<double> *values : {&series.y, &series.low, &series.high})
      for (double y : *values)
        extent.include(y);
    if (series.kind == Series::Kind::Bars && !picture.logY)
      extent.include(0);
  }
  return extent;
}

bool isWhole(const Picture &picture, std::vector<double> Series::*axis) {
  return std::all_of(picture.series.begin(), picture.series.end(), [&](const Series &series) {
    return std::all_of((series.*axis).begin(), (series.*axis).end(),
                       [](double value) { return std::isnan(value) || value == std::floor(value); });
  });
}

std::vector<double> ticks(Extent extent, int most, bool logarithmic, bool whole) {
  std::vector<double> found;
  if (extent.empty() || most < 1)
    return found;
  if (logarithmic) {
    double first = std::ceil(std::log10(extent.low) - 1e-9), last = std::floor(std::log10(extent.high) + 1e-9);
    double step = std::max(1.0, std::ceil((last - first + 1) / most));
    for (double power = first; power <= last; power += step)
      found.push_back(std::pow(10, power));
    if (found.size() >= 2 || most < 2)
      return found;
    return ticks(extent, most, false, whole); // less than a decade
  }
  double length = extent.high - extent.low;
  if (!(length > 0) || !std::isfinite(length))
    return {extent.low};
  double power = std::pow(10, std::floor(std::log10(length / most)));
  if (whole)
    power = std::max(power, 0.1);
  for (double factor : {1.0, 2.0, 5.0, 10.0, 20.0, 50.0}) {
    double step = power * factor;
    double first = std::ceil(extent.low / step - 1e-9), last = std::floor(extent.high / step + 1e-9);
    if (last - first + 1 > most || (whole && step < 1))
      continue;
    for (int k = 0; k < int(last - first + 1); ++k) { // beyond 2^53 not all whole numbers are there
      double i = first + k, tick = i == 0 ? 0.0 : i * step;
      if (found.empty() || tick > found.back())
        found.push_back(tick);
    }
    break;
  }
  return found;
}

std::vector<std::string> tickTexts(const std::vector<double> &ticks, bool logarithmic) {
  std::vector<std::string> texts;
  double greatest = 0, step = std::numeric_limits<double>::infinity();
  for (size_t i = 0; i < ticks.size(); ++i) {
    greatest = std::max(greatest, std::fabs(ticks[i]));
    if (i)
      step = std::min(step, ticks[i] - ticks[i - 1]);
  }
  if (!std::isfinite(step))
    step = greatest > 0 ? std::pow(10, std::floor(std::log10(greatest)) - 2) : 1; // one tick: three digits
  int decimals = step > 0 ? std::max(0, -int(std::floor(std::log10(step) + 1e-9))) : 0;
  bool plain = !logarithmic && greatest < 1e7 && decimals <= 6;
  for (double tick : ticks) {
    std::string text = plain ? fmt::format("{:.{}f}", tick, decimals) : fmt::format("{:.4g}", tick);
    texts.push_back(text);
  }
  return texts;
}

Series histogramOf(const std::vector<double> &values, Extent extent, int bins) {
  Series series;
  series.kind = Series::Kind::Bars;
  if (extent.empty())
    return series;
  if (extent.high == extent.low) {
    double half = extent.low == 0 ? 0.5 : std::max(0.5, std::fabs(extent.low) * 1e-3);
    extent = {extent.low - half, extent.high + half};
  }
  series.width = extent.high / bins - extent.low / bins;
  for (int i = 0; i < bins; ++i) {
    series.x.push_back(extent.low + (i + 0.5) * series.width);
    series.y.push_back(0);
  }
  for (double value : values)
    if (std::isfinite(value)) {
      double place = (value - extent.low) / series.width;
      ++series.y[size_t(std::clamp(place, 0.0, double(bins - 1)))];
    }
  return series;
}

} // namespace dlc
