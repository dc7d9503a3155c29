// Names and conversions of element types.
#include "runtime/DType.h"

#include <array>
#include <cmath>
#include <limits>
#include <type_traits>
#include <utility>

namespace dlc {

static constexpr std::array<std::pair<const char *, size_t>, 7> table = {
    {{"f32", 4}, {"f64", 8}, {"bf16", 2}, {"i32", 4}, {"i64", 8}, {"u8", 1}, {"bool", 1}}};

const char *nameOf(DType dtype) { return table[size_t(dtype)].first; }
size_t sizeOf(DType dtype) { return table[size_t(dtype)].second; }

std::optional<DType> dtypeNamed(std::string_view name) {
  for (size_t i = 0; i < table.size(); ++i)
    if (name == table[i].first)
      return DType(i);
  return std::nullopt;
}

std::string shapeName(std::span<const int64_t> shape) {
  std::string text = "[";
  for (size_t i = 0; i < shape.size(); ++i)
    text += (i == 0 ? "" : ", ") + std::to_string(shape[i]);
  return text + "]";
}

std::string typeName(DType dtype, std::span<const int64_t> shape) {
  return shape.empty() ? nameOf(dtype) : nameOf(dtype) + shapeName(shape);
}

std::optional<int64_t> elementCount(std::span<const int64_t> shape) {
  int64_t count = 1;
  for (int64_t size : shape)
    if (size < 0 || __builtin_mul_overflow(count, size, &count))
      return std::nullopt;
  return count;
}

uint16_t floatToBf16(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  if (std::isnan(value))
    return uint16_t(bits >> 16 | 0x40);
  return uint16_t((bits + 0x7FFF + (bits >> 16 & 1)) >> 16);
}

float halfToFloat(uint16_t bits) {
  int exponent = bits >> 10 & 31, mantissa = bits & 1023;
  float magnitude = exponent == 31  ? (mantissa != 0 ? std::numeric_limits<float>::quiet_NaN() : INFINITY)
                    : exponent == 0 ? std::ldexp(float(mantissa), -24)
                                    : std::ldexp(float(mantissa + 1024), exponent - 25);
  return std::copysign(magnitude, bits & 0x8000 ? -1.0f : 1.0f);
}

namespace {

/// How an element is stored, and the type in which its value is exact.
template <DType> struct Storage;
template <> struct Storage<DType::F32> {
  using Stored = float;
  using Wide = double;
};
template <> struct Storage<DType::F64> {
  using Stored = double;
  using Wide = double;
};
template <> struct Storage<DType::BF16> {
  using Stored = uint16_t;
  using Wide = double;
};
template <> struct Storage<DType::I32> {
  using Stored = int32_t;
  using Wide = int64_t;
};
template <> struct Storage<DType::I64> {
  using Stored = int64_t;
  using Wide = int64_t;
};
template <> struct Storage<DType::U8> {
  using Stored = uint8_t;
  using Wide = int64_t;
};
template <> struct Storage<DType::Bool> {
  using Stored = uint8_t;
  using Wide = int64_t;
};

template <DType D> typename Storage<D>::Wide load(const void *data, int64_t index) {
  typename Storage<D>::Stored stored;
  std::memcpy(&stored, static_cast<const char *>(data) + index * int64_t(sizeof stored), sizeof stored);
  if constexpr (D == DType::BF16)
    return bf16ToFloat(stored);
  else if constexpr (D == DType::Bool)
    return stored != 0;
  else
    return stored;
}

/// The stored form of a value, if it is exact.
template <DType D, class Wide> bool store(Wide value, typename Storage<D>::Stored &stored) {
  if constexpr (std::is_same_v<typename Storage<D>::Wide, double>) {
    double wide = double(value);
    if constexpr (std::is_same_v<Wide, int64_t>)
      if (std::fabs(wide) > 0x1p62 || int64_t(wide) != value)
        return false;
    double back;
    if constexpr (D == DType::BF16) {
      stored = floatToBf16(float(wide));
      back = bf16ToFloat(stored);
    } else {
      stored = typename Storage<D>::Stored(wide);
      back = double(stored);
    }
    return back == wide || std::isnan(wide);
  } else {
    if constexpr (std::is_same_v<Wide, double>)
      if (!(std::fabs(value) < 0x1p63) || value != std::trunc(value))
        return false;
    int64_t whole = int64_t(value);
    stored = typename Storage<D>::Stored(whole);
    return D == DType::Bool ? whole == 0 || whole == 1 : int64_t(stored) == whole;
  }
}

template <DType From, DType To> int64_t convertAll(const void *source, void *target, int64_t count) {
  using Stored = typename Storage<To>::Stored;
  for (int64_t i = 0; i < count; ++i) {
    Stored stored;
    if (!store<To>(load<From>(source, i), stored))
      return i;
    std::memcpy(static_cast<char *>(target) + i * int64_t(sizeof stored), &stored, sizeof stored);
  }
  return -1;
}

/// Calls `f` with the dtype as a constant.
template <class F> auto withDType(DType dtype, F f) {
  switch (dtype) {
  case DType::F32:
    return f(std::integral_constant<DType, DType::F32>{});
  case DType::F64:
    return f(std::integral_constant<DType, DType::F64>{});
  case DType::BF16:
    return f(std::integral_constant<DType, DType::BF16>{});
  case DType::I32:
    return f(std::integral_constant<DType, DType::I32>{});
  case DType::I64:
    return f(std::integral_constant<DType, DType::I64>{});
  case DType::U8:
    return f(std::integral_constant<DType, DType::U8>{});
  case DType::Bool:
    break;
  }
  return f(std::integral_constant<DType, DType::Bool>{});
}

} // namespace

double elementAsDouble(DType dtype, const void *data, int64_t index) {
  return withDType(dtype, [&](auto d) { return double(load<decltype(d)::value>(data, index)); });
}

void setElement(DType dtype, void *data, int64_t index, double value) {
  withDType(dtype, [&](auto d) {
    using Stored = typename Storage<decltype(d)::value>::Stored;
    Stored stored;
    if constexpr (d == DType::BF16)
      stored = floatToBf16(float(value));
    else if constexpr (d == DType::Bool)
      stored = value != 0;
    else if constexpr (std::is_integral_v<Stored>)
      // Converting a float out of range is undefined: clamp. The largest i64 is no double.
      stored = std::isnan(value)                                     ? Stored(0)
               : value >= double(std::numeric_limits<Stored>::max()) ? std::numeric_limits<Stored>::max()
               : value <= double(std::numeric_limits<Stored>::min()) ? std::numeric_limits<Stored>::min()
                                                                     : Stored(value);
    else
      stored = Stored(value);
    std::memcpy(static_cast<char *>(data) + index * int64_t(sizeof stored), &stored, sizeof stored);
  });
}

int64_t convertExactly(DType from, const void *source, DType to, void *target, int64_t count) {
  if (from == to) {
    std::memcpy(target, source, size_t(count) * sizeOf(from));
    return -1;
  }
  return withDType(from, [&](auto f) {
    return withDType(to,
                     [&](auto t) { return convertAll<decltype(f)::value, decltype(t)::value>(source, target, count); });
  });
}

int64_t roundFloats(DType from, const void *source, DType to, void *target, int64_t count) {
  for (int64_t i = 0; i < count; ++i) {
    double value = elementAsDouble(from, source, i);
    setElement(to, target, i, value);
    if (std::isfinite(value) && !std::isfinite(elementAsDouble(to, target, i)))
      return i;
  }
  return -1;
}

} // namespace dlc
