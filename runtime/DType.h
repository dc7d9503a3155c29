// The element types of the language: names, sizes, conversions. Storage is little endian; a bool is one byte, 0 or 1;
// bf16 is the upper half of an f32.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace dlc {

enum class DType : uint8_t { F32, F64, BF16, I32, I64, U8, Bool };

/// `f32`, as the language writes it.
const char *nameOf(DType dtype);
/// The dtype of that name, or nothing.
std::optional<DType> dtypeNamed(std::string_view name);
/// Bytes of one element.
size_t sizeOf(DType dtype);
inline bool isFloat(DType dtype) { return dtype == DType::F32 || dtype == DType::F64 || dtype == DType::BF16; }

/// `f32[3, 4]`; just `f32` for a scalar.
std::string typeName(DType dtype, std::span<const int64_t> shape);
/// `[3, 4]`.
std::string shapeName(std::span<const int64_t> shape);
/// The product of the sizes, 1 for a scalar, or nothing when it does not fit an int64_t or a size is negative.
std::optional<int64_t> elementCount(std::span<const int64_t> shape);

inline float bf16ToFloat(uint16_t bits) {
  uint32_t wide = uint32_t(bits) << 16;
  float value;
  std::memcpy(&value, &wide, sizeof value);
  return value;
}
/// Rounds to nearest, ties to even; NaN stays NaN.
uint16_t floatToBf16(float value);
/// IEEE half precision, which files hold and the language does not have.
float halfToFloat(uint16_t bits);

/// Element `index` of a dense array, exact except for i64 beyond 2^53.
double elementAsDouble(DType dtype, const void *data, int64_t index);

/// Sets element `index` of a dense array to `value`, rounded to the dtype (towards zero for integers).
void setElement(DType dtype, void *data, int64_t index, double value);

/// Copies `count` elements and changes their dtype, which must keep every value: 255 of u8 becomes 255.0 of f32, but
/// 0.1 of f64 does not become an f32. Gives the index of the first element that the target cannot hold, or -1.
int64_t convertExactly(DType from, const void *source, DType to, void *target, int64_t count);
/// Converts floats to another float type, each rounded to the nearest. The index of the first finite one that `to` cannot
/// hold, or -1; elements behind it are not written.
int64_t roundFloats(DType from, const void *source, DType to, void *target, int64_t count);

} // namespace dlc
