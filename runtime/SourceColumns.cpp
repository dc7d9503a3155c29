// Arguments in, columns out: the parts that all sources need.
#include "runtime/SourceColumns.h"

#include "runtime/Files.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

namespace dlc {

Result<NewColumn> newColumn(const FieldSpec &field, int64_t rows) {
  size_t bytes = 0;
  if (__builtin_mul_overflow(size_t(rows), field.rowBytes(), &bytes))
    return Error::plain(fmt::format("field `{}` of {} examples does not fit the memory", field.name, rows));
  Result<Arena> memory = Arena::allocate(bytes);
  if (!memory)
    return memory.error();
  auto storage = std::make_shared<Arena>(std::move(*memory));
  return NewColumn{{field, storage, storage->data(), field.rowBytes()}, storage->data()};
}

/// Numbers the distinct values of whole numbers, in rising order.
static Result<Column> categoryOf(const FieldSpec &field, const FileArray &array) {
  int64_t rows = array.shape[0];
  std::vector<int64_t> values(size_t(rows), 0);
  if (int64_t bad = convertExactly(array.dtype, array.data, DType::I64, values.data(), rows); bad >= 0)
    return Error::inFile(array.file, fmt::format("`{}` is {} in example {}, but a category needs whole numbers",
                                                 field.name, elementAsDouble(array.dtype, array.data, bad), bad));
  std::vector<int64_t> distinct = values;
  std::sort(distinct.begin(), distinct.end());
  distinct.erase(std::unique(distinct.begin(), distinct.end()), distinct.end());
  Result<NewColumn> made = newColumn(field, rows);
  if (!made)
    return made.error();
  auto *numbers = reinterpret_cast<int32_t *>(made->data);
  for (size_t i = 0; i < values.size(); ++i)
    numbers[i] = int32_t(std::lower_bound(distinct.begin(), distinct.end(), values[i]) - distinct.begin());
  std::vector<std::string> names;
  for (int64_t value : distinct)
    names.push_back(std::to_string(value));
  made->column.vocabulary = std::make_shared<const Vocabulary>(Vocabulary::Kind::Classes, std::move(names));
  return std::move(made->column);
}

Result<Column> columnOf(const FieldSpec &field, const FileArray &array) {
  if (field.kind == FieldSpec::Kind::String)
    return Error::inFile(array.file, fmt::format("field `{}` is declared str, but the file holds numbers ({})",
                                                 field.name, nameOf(array.dtype)));
  if (array.shape.empty())
    return Error::inFile(array.file,
                         fmt::format("`{}` is a scalar, but its first axis should count the examples", field.name));
  std::span<const int64_t> example = std::span(array.shape).subspan(1);
  if (!std::ranges::equal(example, field.shape))
    return Error::inFile(array.file, fmt::format("an example of `{}` is {} in the {}, but {} is declared", field.name,
                                                 typeName(array.dtype, example), array.file.empty() ? "source" : "file",
                                                 typeName(field.dtype, field.shape)));
  if (field.kind == FieldSpec::Kind::Category)
    return categoryOf(field, array);
  int64_t rows = array.shape[0];
  Result<NewColumn> made = newColumn(field, rows);
  if (!made)
    return made.error();
  int64_t count = rows * field.elements();
  bool narrower = isFloat(field.dtype) && isFloat(array.dtype) && sizeOf(field.dtype) < sizeOf(array.dtype);
  int64_t bad = narrower ? roundFloats(array.dtype, array.data, field.dtype, made->data, count)
                         : convertExactly(array.dtype, array.data, field.dtype, made->data, count);
  if (bad >= 0)
    return Error::inFile(array.file,
                         fmt::format("`{}` is {} in example {}, which {} cannot hold{} (the file's type is {})",
                                     field.name, elementAsDouble(array.dtype, array.data, bad),
                                     bad / std::max<int64_t>(field.elements(), 1), nameOf(field.dtype),
                                     narrower ? "" : " exactly", nameOf(array.dtype)));
  return std::move(made->column);
}

SourceResult openArrays(const std::vector<FieldSpec> &fields, const std::vector<FileArray> &arrays) {
  OpenedSource opened;
  for (size_t i = 0; i < fields.size(); ++i) {
    Result<Column> column = columnOf(fields[i], arrays[i]);
    if (!column)
      return column.error();
    int64_t rows = arrays[i].shape[0];
    if (i == 0)
      opened.rows = rows;
    if (rows != opened.rows)
      return Error::inFile(arrays[i].file, fmt::format("`{}` has {} examples, but `{}` ({}) has {}", fields[i].name,
                                                       rows, fields[0].name, arrays[0].file, opened.rows));
    opened.columns.push_back(std::move(*column));
  }
  return opened;
}

ArgumentReader::ArgumentReader(std::string kind, const SourceArguments &arguments)
    : kind(std::move(kind)), arguments(arguments) {}

Result<std::string> ArgumentReader::text(const std::string &name) {
  const SourceValue *value = nullptr;
  if (name.empty()) {
    positionsAsked = 1;
    if (arguments.positional.empty())
      return Error::plain(fmt::format("`{}` needs a file name", kind));
    value = &arguments.positional[0];
  } else {
    asked.insert(name);
    auto found = arguments.named.find(name);
    if (found == arguments.named.end())
      return Error::plain(fmt::format("`{}` needs the argument `{}`, a file name", kind, name));
    value = &found->second;
  }
  if (const std::string *text = std::get_if<std::string>(value))
    return *text;
  return Error::plain(name.empty() ? fmt::format("the first argument of `{}` is not a file name", kind)
                                   : fmt::format("argument `{}` of `{}` is not a file name", name, kind));
}

Result<double> ArgumentReader::number(const std::string &name, double byDefault, double least, bool whole) {
  asked.insert(name);
  auto found = arguments.named.find(name);
  if (found == arguments.named.end())
    return byDefault;
  const double *number = std::get_if<double>(&found->second);
  if (number == nullptr || !std::isfinite(*number) || (whole && *number != std::trunc(*number)))
    return Error::plain(fmt::format("argument `{}` of `{}` is not a {}number", name, kind, whole ? "whole " : ""));
  if (*number < least)
    return Error::plain(
        fmt::format("argument `{}` of `{}` is {}, but must be at least {}", name, kind, *number, least));
  return *number;
}

const SourceValue *ArgumentReader::value(const std::string &name) {
  asked.insert(name);
  auto found = arguments.named.find(name);
  return found == arguments.named.end() ? nullptr : &found->second;
}

Result<std::optional<std::vector<double>>> ArgumentReader::numbers(const std::string &name) {
  const SourceValue *given = value(name);
  if (given == nullptr)
    return std::optional<std::vector<double>>();
  if (const auto *list = std::get_if<std::vector<double>>(given))
    return std::optional(*list);
  return Error::plain(fmt::format("argument `{}` of `{}` is not a list of numbers", name, kind));
}

Result<std::vector<std::string>> ArgumentReader::filesOfFields(const std::vector<FieldSpec> &fields,
                                                               const SearchPaths &paths) {
  std::vector<std::string> files;
  for (const FieldSpec &field : fields) {
    Result<std::string> name = text(field.name);
    if (!name)
      return name.error();
    files.push_back(std::move(*name));
  }
  if (Result<void> ok = finish(); !ok)
    return ok.error();
  for (std::string &file : files) {
    Result<std::string> path = paths.find(file);
    if (!path)
      return path.error();
    file = std::move(*path);
  }
  return files;
}

Result<std::string> ArgumentReader::onlyFile(const SearchPaths &paths) {
  Result<std::string> name = text("");
  if (!name)
    return name;
  if (Result<void> ok = finish(); !ok)
    return ok.error();
  return paths.find(*name);
}

Result<void> ArgumentReader::finish() const {
  for (const auto &[name, value] : arguments.named)
    if (!asked.contains(name)) {
      std::string nearest = nearestName(name, {asked.begin(), asked.end()});
      return Error::plain(fmt::format("`{}` has no argument `{}`{}", kind, name,
                                      nearest.empty() ? "" : fmt::format("; did you mean `{}`?", nearest)));
    }
  if (arguments.positional.size() > positionsAsked)
    return Error::plain(fmt::format("`{}` takes {} arguments without a name, but {} are given", kind,
                                    positionsAsked == 0 ? "no" : "1", arguments.positional.size()));
  return {};
}

} // namespace dlc
