// CIFAR-10's binary batches: records of 3073 bytes, a label and 32 x 32 pixels of red, green and blue, row by row.
#include "runtime/Files.h"
#include "runtime/SourceColumns.h"

#include <fmt/format.h>

namespace dlc {

static constexpr size_t pixels = 3 * 32 * 32, recordBytes = 1 + pixels;

/// Appends the records of one file.
static Result<void> readRecords(const std::string &path, std::string &images, std::string &labels) {
  Result<std::string> content = readFile(path);
  if (!content)
    return content.error();
  if (content->empty() || content->size() % recordBytes != 0)
    return Error::inFile(
        path, fmt::format("holds {} bytes, but CIFAR-10's records are {} bytes each", content->size(), recordBytes));
  for (size_t at = 0; at < content->size(); at += recordBytes) {
    if (uint8_t((*content)[at]) > 9)
      return Error::inFile(path, fmt::format("label {} is not one of CIFAR-10's ten", uint8_t((*content)[at])),
                           int64_t(at));
    labels += (*content)[at];
    images.append(*content, at + 1, pixels);
  }
  return {};
}

SourceResult openCifar10(ArgumentReader &arguments, const std::vector<FieldSpec> &fields, const SearchPaths &paths) {
  for (const FieldSpec &field : fields)
    if (field.name != "image" && field.name != "label") {
      std::string nearest = nearestName(field.name, {"image", "label"});
      return Error::plain(fmt::format("`cifar10` has the fields `image` and `label`, but no `{}`{}", field.name,
                                      nearest.empty() ? "" : fmt::format("; did you mean `{}`?", nearest)));
    }
  Result<std::string> pattern = arguments.text("");
  if (!pattern)
    return pattern.error();
  if (Result<void> ok = arguments.finish(); !ok)
    return ok.error();
  Result<std::vector<std::string>> files = paths.findAll(*pattern);
  if (!files)
    return files.error();
  std::string images, labels;
  for (const std::string &file : *files)
    if (Result<void> ok = readRecords(file, images, labels); !ok)
      return ok.error();
  int64_t rows = int64_t(labels.size());
  std::vector<FileArray> arrays;
  for (const FieldSpec &field : fields)
    if (field.name == "image")
      arrays.push_back({files->front(), DType::U8, {rows, 3, 32, 32}, images.data()});
    else
      arrays.push_back({files->front(), DType::U8, {rows}, labels.data()});
  return openArrays(fields, arrays);
}

} // namespace dlc
