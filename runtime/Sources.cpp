// The table of sources, and what holds for each of them.
#include "runtime/Sources.h"

#include "runtime/Files.h"
#include "runtime/SourceColumns.h"

#include <array>
#include <fmt/format.h>
#include <new>

namespace dlc {

namespace {
struct SourceKind {
  const char *name;
  SourceResult (*open)(ArgumentReader &, const std::vector<FieldSpec> &, const SearchPaths &);
};
} // namespace

static constexpr std::array<SourceKind, 11> kinds = {{{"idx", openIdx},
                                                      {"csv", openCsv},
                                                      {"npy", openNpy},
                                                      {"safetensors", openSafetensors},
                                                      {"cifar10", openCifar10},
                                                      {"spiral", openSpiral},
                                                      {"moons", openMoons},
                                                      {"image_folder", openImageFolder},
                                                      {"text", openText},
                                                      {"text_folder", openTextFolder},
                                                      {"sentence_pairs", openSentencePairs}}};

static Error unknownKind(const std::string &kind) {
  std::vector<std::string> names;
  for (const SourceKind &known : kinds)
    names.push_back(known.name);
  std::string nearest = nearestName(kind, names);
  return Error::plain(nearest.empty() ? fmt::format("there is no data source `{}`", kind)
                                      : fmt::format("there is no data source `{}`; did you mean `{}`?", kind, nearest));
}

/// What no source could deliver.
static Result<void> checkFields(const std::vector<FieldSpec> &fields) {
  if (fields.empty())
    return Error::plain("a data set needs at least one field");
  std::set<std::string> names;
  for (const FieldSpec &field : fields) {
    if (!names.insert(field.name).second)
      return Error::plain(fmt::format("field `{}` is declared twice", field.name));
    if (field.kind != FieldSpec::Kind::Number && !field.shape.empty())
      return Error::plain(fmt::format("field `{}` is {}, which has no shape", field.name,
                                      field.kind == FieldSpec::Kind::String ? "a str" : "a category"));
    if (field.kind == FieldSpec::Kind::Category && field.dtype != DType::I32)
      return Error::plain(fmt::format("field `{}` is a category, whose type is i32", field.name));
    std::optional<int64_t> count = elementCount(field.shape);
    if (!count || *count <= 0 || *count > int64_t(1) << 40)
      return Error::plain(fmt::format("field `{}` cannot have the shape {}", field.name, shapeName(field.shape)));
  }
  return {};
}

Result<std::shared_ptr<const Dataset>> openSource(const std::string &kind, const SourceArguments &arguments,
                                                  const std::vector<FieldSpec> &fields, const SearchPaths &paths) {
  const SourceKind *source = nullptr;
  for (const SourceKind &known : kinds)
    if (kind == known.name)
      source = &known;
  if (source == nullptr)
    return unknownKind(kind);
  if (Result<void> ok = checkFields(fields); !ok)
    return ok.error();
  try {
    ArgumentReader reader(kind, arguments);
    SourceResult opened = source->open(reader, fields, paths);
    if (!opened)
      return opened.error();
    auto data = std::make_shared<Dataset>(kind, opened->rows, std::move(opened->columns));
    data->notes = std::move(opened->notes);
    data->threads = arguments.threads;
    return std::shared_ptr<const Dataset>(std::move(data));
  } catch (const std::bad_alloc &) {
    return Error::plain(fmt::format("the data of `{}` does not fit the memory", kind));
  }
}

} // namespace dlc
