// Numbers are first made to texts of one notation, then laid out axis by axis.
#include "runtime/Print.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <functional>
#include <vector>

namespace dlc {

static constexpr int fewestDecimals = 4;       ///< that a tensor of numbers below 1000 is not cut below
static constexpr int64_t summariseFrom = 1000; ///< more elements than these are summarised
static constexpr int64_t edge = 3;             ///< elements shown at each end of an axis then

namespace {
/// How the floats of one tensor are written.
struct Notation {
  bool scientific = false;
  int decimals = 0;
};

/// Lays out one tensor.
class Layout {
public:
  Layout(DType dtype, std::span<const int64_t> shape, const void *data, Digits digits);
  std::string text() const { return textOf(0, 0); }

private:
  std::string textOf(size_t axis, int64_t base) const;
  void forEachShown(size_t axis, int64_t base, const std::function<void(int64_t)> &visit) const;
  std::string elementText(int64_t index) const;

  DType dtype;
  std::span<const int64_t> shape;
  const void *data;
  std::vector<int64_t> strides;
  bool summarised = false;
  Notation notation;
  size_t width = 0;
};
} // namespace

/// A finite number as d.ddd times a power of ten.
struct Decimal {
  int digits;   ///< without final zeros, at least 1
  int exponent; ///< of ten
  int decimals() const { return std::max(0, digits - 1 - exponent); }
};

static Decimal decimalOf(double value, DType dtype, Digits wanted) {
  std::string text; // d.ddde+xx
  if (wanted.count != Digits::all) {
    text = fmt::format("{:.{}e}", std::fabs(value), wanted.count - 1);
  } else {
    // The shortest that is read as the same number.
    constexpr int most = 17;
    for (int count = 1; count <= most; ++count) {
      text = fmt::format("{:.{}e}", std::fabs(value), count - 1);
      double read = std::strtod(text.c_str(), nullptr);
      if (dtype == DType::F64 ? read == std::fabs(value) : float(read) == float(std::fabs(value)))
        break;
    }
  }
  size_t e = text.find('e'), digits = e > 1 ? e - 1 : 1;
  while (digits > 1 && text[digits] == '0')
    --digits;
  return {int(digits), std::atoi(text.c_str() + e + 1)};
}

/// NumPy's choice: scientific when the largest value is huge, the smallest tiny, or they lie far apart.
static Notation notationOf(const std::vector<double> &values, DType dtype, Digits digits) {
  double largest = 0, smallest = INFINITY;
  int decimals = 0, count = 1;
  for (double value : values)
    if (std::isfinite(value) && value != 0) {
      largest = std::max(largest, std::fabs(value));
      smallest = std::min(smallest, std::fabs(value));
      Decimal decimal = decimalOf(value, dtype, digits);
      decimals = std::max(decimals, decimal.decimals());
      count = std::max(count, decimal.digits);
    }
  if (largest == 0)
    return {};
  bool whole = std::ranges::all_of(values, [](double v) { return !std::isfinite(v) || v == std::trunc(v); });
  if (largest >= 1e8 || smallest < 1e-4 || (!whole && largest / smallest > 1000))
    return {true, count - 1};
  if (digits.count == Digits::all)
    return {false, decimals};
  // As many as the largest needs for its digits.
  int most = std::max(std::min(fewestDecimals, digits.count), digits.count - 1 - int(std::floor(std::log10(largest))));
  return {false, std::min(decimals, most)};
}

Layout::Layout(DType dtype, std::span<const int64_t> shape, const void *data, Digits digits)
    : dtype(dtype), shape(shape), data(data), strides(shape.size(), 1) {
  for (size_t axis = shape.size(); axis-- > 1;)
    strides[axis - 1] = strides[axis] * shape[axis];
  summarised = elementCount(shape).value_or(0) > summariseFrom;
  if (isFloat(dtype)) {
    std::vector<double> values;
    forEachShown(0, 0, [&](int64_t index) { values.push_back(elementAsDouble(dtype, data, index)); });
    notation = notationOf(values, dtype, digits);
  }
  forEachShown(0, 0, [&](int64_t index) { width = std::max(width, elementText(index).size()); });
}

void Layout::forEachShown(size_t axis, int64_t base, const std::function<void(int64_t)> &visit) const {
  if (axis == shape.size())
    return visit(base);
  bool cut = summarised && shape[axis] > 2 * edge;
  for (int64_t i = 0; i < shape[axis]; ++i) {
    if (cut && i == edge)
      i = shape[axis] - edge;
    forEachShown(axis + 1, base + i * strides[axis], visit);
  }
}

std::string Layout::elementText(int64_t index) const {
  switch (dtype) {
  case DType::Bool:
    return elementAsDouble(dtype, data, index) != 0 ? "true" : "false";
  case DType::I32:
  case DType::I64:
  case DType::U8: {
    int64_t value = 0; // through i64, for f64 does not hold all of them
    convertExactly(dtype, static_cast<const char *>(data) + size_t(index) * sizeOf(dtype), DType::I64, &value, 1);
    return std::to_string(value);
  }
  default:
    break;
  }
  double value = elementAsDouble(dtype, data, index);
  if (!std::isfinite(value))
    return std::isnan(value) ? "nan" : value > 0 ? "inf" : "-inf";
  if (notation.scientific)
    return fmt::format("{:.{}e}", value, notation.decimals);
  return fmt::format("{:.{}f}{}", value, notation.decimals, notation.decimals == 0 ? "." : "");
}

std::string Layout::textOf(size_t axis, int64_t base) const {
  if (axis == shape.size())
    return fmt::format("{:>{}}", elementText(base), width);
  bool inner = axis + 1 == shape.size();
  // Rows stand below each other, matrices with an empty line between.
  std::string separator = inner ? ", " : "," + std::string(shape.size() - 1 - axis, '\n') + std::string(axis + 1, ' ');
  bool cut = summarised && shape[axis] > 2 * edge;
  std::string text = "[";
  for (int64_t i = 0; i < shape[axis]; ++i) {
    if (i > 0)
      text += separator;
    if (cut && i == edge) {
      text += "..." + separator;
      i = shape[axis] - edge;
    }
    text += textOf(axis + 1, base + i * strides[axis]);
  }
  return text + "]";
}

/// A float alone: at least one decimal, so that it reads as a float.
static std::string scalarText(double value, DType dtype, Digits digits) {
  if (!std::isfinite(value))
    return std::isnan(value) ? "nan" : value > 0 ? "inf" : "-inf";
  if (value == 0)
    return fmt::format("{:.1f}", value);
  Decimal decimal = decimalOf(value, dtype, digits);
  if (std::fabs(value) >= 1e8 || std::fabs(value) < 1e-4)
    return fmt::format("{:.{}e}", value, decimal.digits - 1);
  return fmt::format("{:.{}f}", value, std::max(1, decimal.decimals()));
}

std::string formatTensor(DType dtype, std::span<const int64_t> shape, const void *data, Digits digits) {
  if (shape.empty() && isFloat(dtype))
    return scalarText(elementAsDouble(dtype, data, 0), dtype, digits);
  return Layout(dtype, shape, data, digits).text();
}

std::string joinPrinted(std::span<const std::string> texts) {
  std::string line;
  for (const std::string &text : texts) {
    bool block = text.find('\n') != std::string::npos;
    line += (line.empty() ? "" : block ? "\n" : " ") + text;
  }
  return line;
}

std::string PrintedLine::text(void *const *blocks, Digits digits) const {
  std::vector<std::string> texts;
  size_t next = 0;
  for (const std::vector<std::string> &pieces : values) {
    std::string &text = texts.emplace_back(pieces[0]);
    for (size_t i = 1; i < pieces.size(); ++i, ++next) {
      std::vector<std::byte> dense(tensors[next].denseBytes());
      unpackTensor(tensors[next], blocks[next], dense.data());
      text += formatTensor(tensors[next].dtype, tensors[next].shape, dense.data(), digits) + pieces[i];
    }
  }
  return joinPrinted(texts);
}

Printer::Printer(dlc_context &context, const std::vector<PrintedLine> &lines, const Write &write, Digits digits)
    : lines(lines), write(write), digits(digits) {
  context.printer = this;
  context.print = [](dlc_context *context, int64_t id, void *const *tensors) {
    auto *printer = static_cast<Printer *>(context->printer);
    printer->write(printer->lines[size_t(id - 1)].text(tensors, printer->digits));
  };
}

} // namespace dlc
