// NumPy's .npy files, versions 1 to 3: a magic number, a header that is a Python dictionary, then the array.
#include "runtime/Files.h"
#include "runtime/SourceColumns.h"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>

namespace dlc {

namespace {
/// A file in memory, its numbers dense, row-major and in the machine's order.
struct NpyFile {
  std::string content;
  DType dtype = DType::F32;
  std::vector<int64_t> shape;
  size_t begin = 0; ///< of the numbers
};
struct NpyHeader {
  std::string descr;
  bool fortranOrder = false;
  std::vector<int64_t> shape;
};
} // namespace

/// What stands behind `'key':` in the dictionary, without blanks before it; empty when the key is not there.
static std::string_view valueOf(std::string_view dictionary, std::string_view key) {
  for (char quote : {'\'', '"'}) {
    std::string quoted = fmt::format("{0}{1}{0}", quote, key);
    size_t at = dictionary.find(quoted);
    if (at == std::string_view::npos)
      continue;
    at = dictionary.find_first_not_of(" \t", at + quoted.size());
    if (at == std::string_view::npos || dictionary[at] != ':')
      continue;
    at = dictionary.find_first_not_of(" \t", at + 1);
    return at == std::string_view::npos ? std::string_view() : dictionary.substr(at);
  }
  return {};
}

/// Reads `(3, 4)`, `(3,)` or `()`.
static bool parseShape(std::string_view text, std::vector<int64_t> &shape) {
  size_t close = text.find(')');
  if (text.empty() || text[0] != '(' || close == std::string_view::npos)
    return false;
  const char *p = text.data() + 1, *end = text.data() + close;
  while (true) {
    while (p != end && (*p == ' ' || *p == ','))
      ++p;
    if (p == end)
      return true;
    int64_t size = 0;
    auto [rest, error] = std::from_chars(p, end, size);
    if (error != std::errc() || size < 0)
      return false;
    shape.push_back(size);
    p = rest;
  }
}

static bool parseHeader(std::string_view dictionary, NpyHeader &header) {
  std::string_view descr = valueOf(dictionary, "descr"), order = valueOf(dictionary, "fortran_order");
  if (descr.empty() || (descr[0] != '\'' && descr[0] != '"'))
    return false;
  size_t close = descr.find(descr[0], 1);
  if (close == std::string_view::npos)
    return false;
  header.descr = descr.substr(1, close - 1);
  header.fortranOrder = order.starts_with("True");
  return (header.fortranOrder || order.starts_with("False")) && parseShape(valueOf(dictionary, "shape"), header.shape);
}

namespace {
struct NpyType {
  const char *code;
  size_t size;
  DType dtype;
};
} // namespace

static constexpr NpyType types[] = {{"f4", 4, DType::F32}, {"f8", 8, DType::F64}, {"f2", 2, DType::F32},
                                    {"i4", 4, DType::I32}, {"i8", 8, DType::I64}, {"u1", 1, DType::U8},
                                    {"b1", 1, DType::Bool}};

/// Moves the first axis' elements of a column-major array to row-major order.
static std::string rowMajor(std::string_view columnMajor, const std::vector<int64_t> &shape, size_t size) {
  std::string dense(columnMajor.size(), '\0');
  std::vector<int64_t> index(shape.size(), 0);
  for (size_t out = 0; out + size <= dense.size(); out += size) {
    int64_t from = 0;
    for (size_t axis = shape.size(); axis-- > 0;)
      from = from * shape[axis] + index[axis];
    std::memcpy(dense.data() + out, columnMajor.data() + size_t(from) * size, size);
    for (size_t axis = shape.size(); axis-- > 0 && ++index[axis] == shape[axis];)
      index[axis] = 0;
  }
  return dense;
}

/// Brings the numbers behind the header to the machine's order and to a dtype of the language.
static void normalise(NpyFile &file, const NpyHeader &header, const NpyType &type) {
  if (header.descr[0] == '>')
    for (size_t at = file.begin; at + type.size <= file.content.size(); at += type.size)
      std::reverse(file.content.data() + at, file.content.data() + at + type.size);
  if (header.fortranOrder) {
    file.content = rowMajor(std::string_view(file.content).substr(file.begin), file.shape, type.size);
    file.begin = 0;
  }
  if (header.descr.ends_with("f2")) {
    std::string wide;
    for (size_t at = file.begin; at + 2 <= file.content.size(); at += 2) {
      uint16_t half;
      std::memcpy(&half, file.content.data() + at, 2);
      float value = halfToFloat(half);
      wide.append(reinterpret_cast<const char *>(&value), sizeof value);
    }
    file.content = std::move(wide);
    file.begin = 0;
  }
}

static Result<NpyFile> readNpy(const std::string &path) {
  Result<std::string> content = readFile(path);
  if (!content)
    return content.error();
  NpyFile file;
  file.content = std::move(*content);
  std::string_view bytes = file.content;
  if (!bytes.starts_with("\x93NUMPY"))
    return Error::inFile(path, "is not a .npy file: it does not begin with `\\x93NUMPY`", 0);
  size_t version = bytes.size() > 6 ? uint8_t(bytes[6]) : 1, lengthBytes = version >= 2 ? 4 : 2;
  if (version < 1 || version > 3)
    return Error::inFile(path, fmt::format("is a .npy file of version {}, but 1 to 3 are known", version), 6);
  size_t length = 0;
  for (size_t i = lengthBytes; bytes.size() >= 8 + lengthBytes && i-- > 0;)
    length = length << 8 | uint8_t(bytes[8 + i]);
  file.begin = 8 + lengthBytes + length;
  if (bytes.size() < 8 + lengthBytes || bytes.size() < file.begin)
    return Error::inFile(path, "the .npy header ends early", int64_t(bytes.size()));
  NpyHeader header;
  if (!parseHeader(bytes.substr(8 + lengthBytes, length), header))
    return Error::inFile(path, "the .npy header cannot be read", int64_t(8 + lengthBytes));
  const NpyType *type = std::find_if(std::begin(types), std::end(types), [&](const NpyType &t) {
    return header.descr.size() == 3 && header.descr.substr(1) == t.code &&
           std::string_view("<>|=").find(header.descr[0]) != std::string_view::npos;
  });
  if (type == std::end(types))
    return Error::inFile(
        path, fmt::format("its numbers are `{}`, but f2, f4, f8, i4, i8, u1 and b1 can be read", header.descr));
  std::optional<int64_t> count = elementCount(header.shape);
  size_t held = bytes.size() - file.begin;
  if (!count || size_t(*count) > held / type->size || size_t(*count) * type->size != held)
    return Error::inFile(path, fmt::format("its header promises {} of {}, but {} bytes follow it",
                                           shapeName(header.shape), header.descr, held));
  file.dtype = type->dtype;
  file.shape = header.shape;
  normalise(file, header, *type);
  return file;
}

SourceResult openNpy(ArgumentReader &arguments, const std::vector<FieldSpec> &fields, const SearchPaths &paths) {
  std::vector<std::string> names;
  if (arguments.positional() > 0 && fields.size() == 1) {
    Result<std::string> name = arguments.onlyFile(paths);
    if (!name)
      return name.error();
    names = {*name};
  } else {
    Result<std::vector<std::string>> found = arguments.filesOfFields(fields, paths);
    if (!found)
      return found.error();
    names = *found;
  }
  std::vector<NpyFile> files;
  std::vector<FileArray> arrays;
  files.reserve(names.size());
  for (const std::string &name : names) {
    Result<NpyFile> file = readNpy(name);
    if (!file)
      return file.error();
    files.push_back(std::move(*file));
    arrays.push_back({name, files.back().dtype, files.back().shape, files.back().content.data() + files.back().begin});
  }
  return openArrays(fields, arrays);
}

} // namespace dlc
