// IDX, the format of MNIST: a big-endian magic number (0, 0, type, rank), one size an axis, then the numbers, big
// endian.
#include "runtime/Files.h"
#include "runtime/SourceColumns.h"

#include <algorithm>
#include <fmt/format.h>

namespace dlc {

namespace {
/// An IDX file in memory, its numbers in the machine's order; i8 and i16 widened to i32.
struct IdxFile {
  std::string content;
  DType dtype;
  std::vector<int64_t> shape;
  size_t begin = 0; ///< of the numbers in `content`
};
struct IdxType {
  uint8_t code;
  const char *name;
  size_t size;
  DType dtype;
};
} // namespace

static constexpr IdxType types[] = {{0x08, "u8", 1, DType::U8},   {0x09, "i8", 1, DType::I32},
                                    {0x0B, "i16", 2, DType::I32}, {0x0C, "i32", 4, DType::I32},
                                    {0x0D, "f32", 4, DType::F32}, {0x0E, "f64", 8, DType::F64}};

/// Turns big-endian numbers around in place, or widens the short ones into new memory.
static void toMachineOrder(IdxFile &file, const IdxType &type) {
  char *numbers = file.content.data() + file.begin;
  size_t count = (file.content.size() - file.begin) / type.size;
  if (type.dtype == DType::I32 && type.size < 4) {
    std::string wide(count * 4, '\0');
    for (size_t i = 0; i < count; ++i) {
      int32_t value = type.size == 1 ? int8_t(numbers[i])
                                     : int16_t(uint16_t(uint8_t(numbers[2 * i])) << 8 | uint8_t(numbers[2 * i + 1]));
      std::memcpy(wide.data() + i * 4, &value, 4);
    }
    file.content = std::move(wide);
    file.begin = 0;
  } else if (type.size > 1) {
    for (size_t i = 0; i < count; ++i)
      std::reverse(numbers + i * type.size, numbers + (i + 1) * type.size);
  }
}

static Result<IdxFile> readIdx(const std::string &path) {
  Result<std::string> content = readFile(path);
  if (!content)
    return content.error();
  IdxFile file{std::move(*content), DType::U8, {}};
  auto byte = [&](size_t at) { return uint8_t(file.content[at]); };
  if (file.content.size() < 4)
    return Error::inFile(
        path, fmt::format("is not an IDX file: it ends within the magic number, after {} bytes", file.content.size()));
  const IdxType *type =
      std::find_if(std::begin(types), std::end(types), [&](const IdxType &t) { return t.code == byte(2); });
  size_t rank = byte(3);
  if (byte(0) != 0 || byte(1) != 0 || type == std::end(types) || rank == 0)
    return Error::inFile(
        path,
        fmt::format("is not an IDX file: its magic number is {:02x}{:02x}{:02x}{:02x}, but 0000, a type (08 to 0e) "
                    "and a number of axes are expected",
                    byte(0), byte(1), byte(2), byte(3)),
        0);
  file.begin = 4 + 4 * rank;
  if (file.content.size() < file.begin)
    return Error::inFile(path, fmt::format("the header of {} axes ends early", rank), int64_t(file.content.size()));
  for (size_t axis = 0; axis < rank; ++axis) {
    size_t at = 4 + 4 * axis;
    file.shape.push_back(int64_t(byte(at)) << 24 | byte(at + 1) << 16 | byte(at + 2) << 8 | byte(at + 3));
  }
  std::optional<int64_t> count = elementCount(file.shape);
  size_t held = file.content.size() - file.begin;
  if (!count || size_t(*count) > held / type->size || size_t(*count) * type->size != held)
    return Error::inFile(path, fmt::format("its header promises {}{}, {} numbers, but {} bytes follow it", type->name,
                                           shapeName(file.shape), count ? std::to_string(*count) : "too many", held));
  file.dtype = type->dtype;
  toMachineOrder(file, *type);
  return file;
}

SourceResult openIdx(ArgumentReader &arguments, const std::vector<FieldSpec> &fields, const SearchPaths &paths) {
  Result<std::vector<std::string>> names = arguments.filesOfFields(fields, paths);
  if (!names)
    return names.error();
  std::vector<IdxFile> files;
  std::vector<FileArray> arrays;
  files.reserve(fields.size());
  for (const std::string &name : *names) {
    Result<IdxFile> file = readIdx(name);
    if (!file)
      return file.error();
    files.push_back(std::move(*file));
    arrays.push_back({name, files.back().dtype, files.back().shape, files.back().content.data() + files.back().begin});
  }
  return openArrays(fields, arrays);
}

} // namespace dlc
