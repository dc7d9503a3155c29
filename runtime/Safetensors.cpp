// Reads safetensors. The JSON header is read event by event, for a document tree would silently keep one of two equal
// names.
#include "runtime/Safetensors.h"

#include "runtime/Files.h"

#include <algorithm>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

namespace dlc {

namespace {

/// A tensor as the header describes it.
struct Described {
  std::string name, dtype;
  std::vector<int64_t> shape;
  std::vector<uint64_t> offsets;
  bool hasDtype = false, hasShape = false, hasOffsets = false;
};

/// Receives the events of the header: an object of objects, `dtype` a string, `shape` and `data_offsets` lists of whole
/// numbers,
/// `__metadata__` an object of strings. Stops with a message at anything else.
class HeaderReader final : public nlohmann::json_sax<nlohmann::json> {
public:
  std::vector<Described> tensors;
  std::map<std::string, std::string> metadata;
  std::string problem;
  std::string problemName;  ///< of the tensor at fault, to find its place
  size_t problemOffset = 0; ///< in the header; of syntax errors

  bool null() override { return unexpected("null"); }
  bool boolean(bool) override { return unexpected("a bool"); }
  bool number_float(double, const std::string &) override { return unexpected("a fraction"); }
  bool number_integer(int64_t) override { return unexpected("a negative number"); }
  bool binary(binary_t &) override { return unexpected("binary data"); }

  bool number_unsigned(uint64_t value) override {
    if (depth != 3)
      return unexpected("a number");
    if (current == "data_offsets")
      tensors.back().offsets.push_back(value);
    else if (value > uint64_t(INT64_MAX))
      return fail(fmt::format("its shape has the size {}, which is too large", value));
    else
      tensors.back().shape.push_back(int64_t(value));
    return true;
  }

  bool string(std::string &value) override {
    if (depth == 2 && inMetadata)
      return metadata.emplace(current, value).second || fail(fmt::format("`{}` stands twice in its metadata", current));
    if (depth != 2 || current != "dtype")
      return unexpected("a string");
    tensors.back().dtype = value;
    return once(tensors.back().hasDtype);
  }

  bool start_object(size_t) override {
    if (depth > 1)
      return unexpected("an object");
    ++depth;
    return true;
  }

  bool key(std::string &name) override {
    current = name;
    if (depth != 1)
      return true;
    problemName = name;
    inMetadata = name == "__metadata__";
    if (!names.insert(name).second)
      return fail("its name stands twice in the header");
    if (!inMetadata)
      tensors.emplace_back().name = name;
    return true;
  }

  bool end_object() override {
    --depth;
    if (depth != 1 || inMetadata)
      return true;
    const Described &tensor = tensors.back();
    return (tensor.hasDtype && tensor.hasShape && tensor.hasOffsets) ||
           fail("it lacks a dtype, a shape or data_offsets");
  }

  bool start_array(size_t) override {
    if (depth != 2 || inMetadata || (current != "shape" && current != "data_offsets"))
      return unexpected("a list");
    ++depth;
    return once(current == "shape" ? tensors.back().hasShape : tensors.back().hasOffsets);
  }

  bool end_array() override {
    --depth;
    return current != "data_offsets" || tensors.back().offsets.size() == 2 ||
           fail("its data_offsets are not two numbers");
  }

  bool parse_error(size_t position, const std::string &, const nlohmann::detail::exception &) override {
    problem = "the header is not valid JSON";
    problemName.clear();
    problemOffset = position == 0 ? 0 : position - 1;
    return false;
  }

private:
  bool fail(std::string text) {
    problem = std::move(text);
    return false;
  }
  bool once(bool &seen) { return !std::exchange(seen, true) || fail(fmt::format("its `{}` stands twice", current)); }
  bool unexpected(const char *what) {
    return fail(depth < 2 ? fmt::format("the header has {} where a tensor's description is expected", what)
                          : fmt::format("`{}` is {}, which is not expected there", current, what));
  }

  int depth = 0; ///< 1 in the header, 2 in a tensor, 3 in a list
  bool inMetadata = false;
  std::string current; ///< the last key
  std::set<std::string> names;
};

struct FileType {
  const char *name;
  size_t size;
  DType dtype;
};

} // namespace

static constexpr FileType fileTypes[] = {{"F32", 4, DType::F32},   {"F64", 8, DType::F64}, {"BF16", 2, DType::BF16},
                                         {"I32", 4, DType::I32},   {"I64", 8, DType::I64}, {"U8", 1, DType::U8},
                                         {"BOOL", 1, DType::Bool}, {"F16", 2, DType::F32}};

/// Checks the described tensors against the file and makes the list of them.
class SafetensorsParser {
public:
  explicit SafetensorsParser(SafetensorsFile &file) : file(file), content(file.storage[0]) {}
  Result<void> parse();

private:
  Result<void> addTensor(const Described &tensor, uint64_t &covered);
  std::string_view widened(std::string_view halves);
  Error at(const std::string &name, std::string message) const;

  SafetensorsFile &file;
  std::string_view content;
  uint64_t dataBegin = 0;
};

/// An error of a tensor, at the byte where its name stands in the header.
Error SafetensorsParser::at(const std::string &name, std::string message) const {
  std::string quoted = nlohmann::json(name).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  size_t place = content.substr(0, dataBegin).find(quoted, 8);
  return Error::inFile(file.file, fmt::format("tensor `{}`: {}", name, message),
                       place == std::string_view::npos ? 8 : int64_t(place));
}

/// Half precision as f32, in memory that the file keeps.
std::string_view SafetensorsParser::widened(std::string_view halves) {
  std::string wide(halves.size() * 2, '\0');
  for (size_t i = 0; i < halves.size() / 2; ++i) {
    uint16_t half;
    std::memcpy(&half, halves.data() + 2 * i, 2);
    float value = halfToFloat(half);
    std::memcpy(wide.data() + 4 * i, &value, 4);
  }
  return file.storage.emplace_back(std::move(wide));
}

Result<void> SafetensorsParser::addTensor(const Described &tensor, uint64_t &covered) {
  const FileType *type = std::find_if(std::begin(fileTypes), std::end(fileTypes),
                                      [&](const FileType &t) { return tensor.dtype == t.name; });
  if (type == std::end(fileTypes))
    return at(tensor.name,
              fmt::format("dtype `{}` is not one of F32, F64, F16, BF16, I32, I64, U8, BOOL", tensor.dtype));
  uint64_t begin = tensor.offsets[0], end = tensor.offsets[1], held = content.size() - dataBegin;
  std::optional<int64_t> count = elementCount(tensor.shape);
  uint64_t bytes = 0;
  if (!count || __builtin_mul_overflow(uint64_t(*count), type->size, &bytes))
    return at(tensor.name, fmt::format("its shape {} overflows", shapeName(tensor.shape)));
  if (begin > end || end > held)
    return at(tensor.name,
              fmt::format("its data_offsets [{}, {}] do not lie in the {} bytes of data", begin, end, held));
  if (end - begin != bytes)
    return at(tensor.name, fmt::format("its shape {} of {} takes {} bytes, but its data_offsets hold {}",
                                       shapeName(tensor.shape), tensor.dtype, bytes, end - begin));
  if (begin != covered)
    return at(tensor.name, fmt::format("its data begin at {}, but the tensors before it end at {}: they {}", begin,
                                       covered, begin < covered ? "overlap" : "leave a gap"));
  covered = end;
  std::string_view data = content.substr(dataBegin + begin, bytes);
  file.all.push_back({tensor.name, type->dtype, tensor.shape, tensor.dtype == "F16" ? widened(data) : data});
  return {};
}

Result<void> SafetensorsParser::parse() {
  if (content.size() < 8)
    return Error::inFile(file.file, "is not a safetensors file: it ends within the header's length",
                         int64_t(content.size()));
  uint64_t length = 0;
  for (size_t i = 8; i-- > 0;)
    length = length << 8 | uint8_t(content[i]);
  if (length > content.size() - 8)
    return Error::inFile(
        file.file,
        fmt::format("its header should be {} bytes long, but only {} follow: the file is truncated or is not a "
                    "safetensors file",
                    length, content.size() - 8),
        0);
  dataBegin = 8 + length;
  HeaderReader reader;
  if (!nlohmann::json::sax_parse(content.begin() + 8, content.begin() + ptrdiff_t(dataBegin), &reader)) {
    if (reader.problemName.empty())
      return Error::inFile(file.file, reader.problem, int64_t(8 + reader.problemOffset));
    return at(reader.problemName, reader.problem);
  }
  file.meta = std::move(reader.metadata);
  auto before = [](const Described &a, const Described &b) { return a.offsets < b.offsets; };
  std::sort(reader.tensors.begin(), reader.tensors.end(), before);
  file.storage.reserve(1 + reader.tensors.size());
  uint64_t covered = 0;
  for (const Described &tensor : reader.tensors)
    if (Result<void> ok = addTensor(tensor, covered); !ok)
      return ok;
  if (covered != content.size() - dataBegin)
    return Error::inFile(file.file,
                         fmt::format("{} bytes follow the last tensor", content.size() - dataBegin - covered),
                         int64_t(dataBegin + covered));
  return {};
}

Result<SafetensorsFile> SafetensorsFile::read(const std::string &path) {
  Result<std::string> content = readFile(path);
  if (!content)
    return content.error();
  SafetensorsFile file;
  file.file = path;
  file.storage.push_back(std::move(*content));
  if (Result<void> ok = SafetensorsParser(file).parse(); !ok)
    return ok.error();
  return file;
}

Result<std::map<std::string, std::string>> safetensorsMetadata(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  std::error_code failed;
  uint64_t length = 0, size = std::filesystem::file_size(path, failed);
  if (!failed && file.read(reinterpret_cast<char *>(&length), 8) && length <= size) {
    std::string header(length, '\0');
    HeaderReader reader;
    if (file.read(header.data(), std::streamsize(length)) && nlohmann::json::sax_parse(header, &reader))
      return std::move(reader.metadata);
  }
  Result<SafetensorsFile> whole = SafetensorsFile::read(path); // it says what is wrong
  return whole ? Result<std::map<std::string, std::string>>(whole->metadata()) : whole.error();
}

const SafetensorsTensor *SafetensorsFile::find(std::string_view name) const {
  for (const SafetensorsTensor &tensor : all)
    if (tensor.name == name)
      return &tensor;
  return nullptr;
}

} // namespace dlc
