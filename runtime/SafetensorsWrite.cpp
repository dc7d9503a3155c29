// Writes safetensors, and reads them as a data source: each example is one row of each tensor.
#include "runtime/Files.h"
#include "runtime/Safetensors.h"
#include "runtime/SourceColumns.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace dlc {

/// The format's name of a dtype.
static const char *fileTypeOf(DType dtype) {
  switch (dtype) {
  case DType::F32:
    return "F32";
  case DType::F64:
    return "F64";
  case DType::BF16:
    return "BF16";
  case DType::I32:
    return "I32";
  case DType::I64:
    return "I64";
  case DType::U8:
    return "U8";
  case DType::Bool:
    break;
  }
  return "BOOL";
}

Result<void> writeSafetensors(const std::string &path, const std::vector<SafetensorsEntry> &tensors,
                              const std::map<std::string, std::string> &metadata) {
  // Wider elements first: then every tensor begins at a multiple of its element size, and no gap is needed (or
  // allowed).
  std::vector<const SafetensorsEntry *> order;
  for (size_t size : {8, 4, 2, 1})
    for (const SafetensorsEntry &tensor : tensors)
      if (sizeOf(tensor.dtype) == size)
        order.push_back(&tensor);
  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  if (!metadata.empty())
    header["__metadata__"] = metadata;
  std::vector<std::string_view> parts = {""};
  uint64_t offset = 0;
  for (const SafetensorsEntry *tensor : order) {
    if (header.contains(tensor->name))
      return Error::inFile(path, fmt::format("two tensors are named `{}`", tensor->name));
    header[tensor->name] = {{"dtype", fileTypeOf(tensor->dtype)},
                            {"shape", tensor->shape},
                            {"data_offsets", {offset, offset + tensor->bytes.size()}}};
    offset += tensor->bytes.size();
    parts.push_back(tensor->bytes);
  }
  std::string text = header.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
  text.resize((text.size() + 7) / 8 * 8, ' ');
  std::string prefix;
  for (size_t i = 0; i < 8; ++i)
    prefix += char(uint64_t(text.size()) >> (8 * i) & 255);
  prefix += text;
  parts[0] = prefix;
  return writeFileAtomically(path, parts);
}

SourceResult openSafetensors(ArgumentReader &arguments, const std::vector<FieldSpec> &fields,
                             const SearchPaths &paths) {
  Result<std::string> path = arguments.onlyFile(paths);
  if (!path)
    return path.error();
  Result<SafetensorsFile> file = SafetensorsFile::read(*path);
  if (!file)
    return file.error();
  std::vector<std::string> names;
  for (const SafetensorsTensor &tensor : file->tensors())
    names.push_back(tensor.name);
  std::vector<FileArray> arrays;
  for (const FieldSpec &field : fields) {
    const SafetensorsTensor *tensor = file->find(field.name);
    if (tensor == nullptr) {
      std::string nearest = nearestName(field.name, names);
      return Error::inFile(*path, fmt::format("has no tensor `{}`{}", field.name,
                                              nearest.empty() ? "" : fmt::format("; did you mean `{}`?", nearest)));
    }
    arrays.push_back({*path, tensor->dtype, tensor->shape, tensor->bytes.data()});
  }
  return openArrays(fields, arrays);
}

} // namespace dlc
