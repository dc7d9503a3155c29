// Columns from comma-separated text. The columns go by the header if every field is a column; else the fields take them
// in order, a field of k numbers taking k, and a first line that itself reads as the fields is no header.
#include "runtime/CsvText.h"
#include "runtime/Files.h"
#include "runtime/SourceColumns.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <fmt/format.h>
#include <unordered_map>

namespace dlc {

/// Reads the whole of `text` as a T; a plus sign is allowed, and a float must be finite.
template <class T> static bool parseNumber(std::string_view text, T &value) {
  if (text.size() > 1 && text[0] == '+' && text[1] != '-')
    text.remove_prefix(1);
  auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if constexpr (std::is_floating_point_v<T>) {
    // from_chars refuses what is too small for the type as well as what is too large; the former is zero.
    if (error == std::errc::result_out_of_range)
      value = T(std::strtod(std::string(text).c_str(), nullptr));
    return error != std::errc::invalid_argument && rest == text.data() + text.size() && std::isfinite(value);
  }
  return error == std::errc() && rest == text.data() + text.size();
}

/// Reads a number and stores it.
template <class T> static bool parseInto(std::string_view text, std::byte *out) {
  T value = {};
  bool good = parseNumber(text, value);
  std::memcpy(out, &value, sizeof value);
  return good;
}

/// Reads a number and stores it as `dtype`.
static bool parseCell(std::string_view text, DType dtype, std::byte *out) {
  switch (dtype) {
  case DType::F32:
    return parseInto<float>(text, out);
  case DType::F64:
    return parseInto<double>(text, out);
  case DType::I32:
    return parseInto<int32_t>(text, out);
  case DType::I64:
    return parseInto<int64_t>(text, out);
  case DType::U8:
    return parseInto<uint8_t>(text, out);
  case DType::BF16: {
    float value = 0;
    bool good = parseInto<float>(text, reinterpret_cast<std::byte *>(&value));
    uint16_t rounded = floatToBf16(value);
    std::memcpy(out, &rounded, sizeof rounded);
    return good;
  }
  case DType::Bool:
    break;
  }
  bool yes = text == "true" || text == "True" || text == "1";
  *out = std::byte(yes);
  return yes || text == "false" || text == "False" || text == "0";
}

static bool isMissing(std::string_view text) { return text.empty() || text == "?"; }

namespace {

/// One field while its column is filled.
struct CsvField {
  FieldSpec spec;
  size_t firstColumn = 0;
  size_t columns = 1;
  NewColumn made = {};
  std::vector<std::string> strings = {};
  std::unordered_map<std::string_view, int32_t> numbers = {}; ///< of a category's values, in the order met
  std::vector<std::string_view> values = {};
};

class CsvSource {
public:
  CsvSource(const std::string &path, std::string_view content, const std::vector<FieldSpec> &specs)
      : path(path), text(path, content) {
    for (const FieldSpec &spec : specs)
      fields.push_back({spec, 0, size_t(spec.elements())});
  }
  SourceResult read();

private:
  Result<void> chooseColumns(const std::vector<CsvCell> &first, bool &isHeader);
  Result<bool> chooseByHeader(const std::vector<CsvCell> &header);
  bool readsAsFields(const std::vector<CsvCell> &record) const;
  Result<void> readRow(const std::vector<CsvCell> &record, int64_t row);
  Error cellError(const CsvField &field, const CsvCell &cell, size_t column) const;
  void finishCategory(CsvField &field, int64_t rows);

  std::string path;
  CsvText text;
  std::vector<CsvField> fields;
  std::vector<std::string> columnNames; ///< of the header; empty without one
  size_t width = 0;                     ///< columns of each row
};

} // namespace

/// Whether every field is a column of this header; then where each begins.
Result<bool> CsvSource::chooseByHeader(const std::vector<CsvCell> &header) {
  for (CsvField &field : fields) {
    auto found =
        std::find_if(header.begin(), header.end(), [&](const CsvCell &c) { return c.text == field.spec.name; });
    if (found == header.end())
      return false;
    field.firstColumn = size_t(found - header.begin());
  }
  for (const CsvField &field : fields) {
    if (field.firstColumn + field.columns > header.size())
      return text.errorAt(header[field.firstColumn].begin,
                          fmt::format("field `{}` takes {} columns, but only {} begin here", field.spec.name,
                                      field.columns, header.size() - field.firstColumn));
    for (const CsvField &other : fields)
      if (other.firstColumn > field.firstColumn && other.firstColumn < field.firstColumn + field.columns)
        return text.errorAt(header[other.firstColumn].begin,
                            fmt::format("field `{}` takes {} columns, but `{}` stands among them", field.spec.name,
                                        field.columns, other.spec.name));
  }
  return true;
}

bool CsvSource::readsAsFields(const std::vector<CsvCell> &record) const {
  std::byte scratch[8];
  for (const CsvField &field : fields)
    for (size_t i = 0; i < field.columns && field.spec.kind == FieldSpec::Kind::Number; ++i) {
      std::string_view cell = record[field.firstColumn + i].text;
      // A missing value does not make a header of a row; the row's own error is better.
      if (!isMissing(cell) && !parseCell(cell, field.spec.dtype, scratch))
        return false;
    }
  return true;
}

Result<void> CsvSource::chooseColumns(const std::vector<CsvCell> &first, bool &isHeader) {
  width = first.size();
  Result<bool> byHeader = chooseByHeader(first);
  if (!byHeader)
    return byHeader.error();
  isHeader = *byHeader;
  if (!isHeader) {
    size_t needed = 0;
    for (CsvField &field : fields) {
      field.firstColumn = needed;
      needed += field.columns;
    }
    if (needed != width) {
      std::string missing;
      for (const CsvField &field : fields)
        if (std::none_of(first.begin(), first.end(), [&](const CsvCell &c) { return c.text == field.spec.name; }))
          missing += fmt::format("{}`{}`", missing.empty() ? "" : ", ", field.spec.name);
      return text.errorAt(first[0].begin,
                          fmt::format("the fields take {} columns, but there are {}; nor are the fields columns of "
                                      "a header here (not found: {})",
                                      needed, width, missing));
    }
    isHeader = !readsAsFields(first);
  }
  if (isHeader)
    for (const CsvCell &cell : first)
      columnNames.emplace_back(cell.text);
  return {};
}

Error CsvSource::cellError(const CsvField &field, const CsvCell &cell, size_t column) const {
  std::string where = columnNames.empty() ? fmt::format("field `{}`", field.spec.name)
                                          : fmt::format("column `{}`", columnNames[column]);
  if (isMissing(cell.text))
    return text.errorAt(cell.begin, fmt::format("a value is missing ({}); only a category may miss values", where));
  std::string shown(cell.text.substr(0, 40));
  if (field.spec.dtype == DType::Bool)
    return text.errorAt(cell.begin, fmt::format("`{}` is not a bool ({})", shown, where));
  double value = 0;
  auto [rest, status] = std::from_chars(cell.text.data(), cell.text.data() + cell.text.size(), value);
  bool number = rest == cell.text.data() + cell.text.size() && std::isfinite(value);
  if (!number)
    return text.errorAt(cell.begin, fmt::format("`{}` is not a number ({})", shown, where));
  bool digits = cell.text.find_first_not_of("-0123456789") == std::string_view::npos;
  return text.errorAt(cell.begin,
                      fmt::format("`{}` {} {} ({})", shown,
                                  isFloat(field.spec.dtype) || digits ? "does not fit" : "is not a whole number, as is",
                                  nameOf(field.spec.dtype), where));
}

Result<void> CsvSource::readRow(const std::vector<CsvCell> &record, int64_t row) {
  if (record.size() != width)
    return text.errorAt(record[0].begin, fmt::format("this row has {} columns, but {} has {}", record.size(),
                                                     columnNames.empty() ? "the first" : "the header", width));
  for (CsvField &field : fields) {
    const CsvCell &cell = record[field.firstColumn];
    switch (field.spec.kind) {
    case FieldSpec::Kind::Number: {
      size_t size = sizeOf(field.spec.dtype);
      std::byte *out = field.made.data + size_t(row) * field.spec.rowBytes();
      for (size_t i = 0; i < field.columns; ++i)
        if (const CsvCell &one = (&cell)[i]; !parseCell(one.text, field.spec.dtype, out + i * size))
          return cellError(field, one, field.firstColumn + i);
      break;
    }
    case FieldSpec::Kind::Category: {
      auto [found, added] = field.numbers.try_emplace(cell.text, int32_t(field.values.size()));
      if (added)
        field.values.push_back(cell.text);
      reinterpret_cast<int32_t *>(field.made.data)[row] = found->second;
      break;
    }
    case FieldSpec::Kind::String:
      if (isMissing(cell.text))
        return cellError(field, cell, field.firstColumn);
      field.strings.emplace_back(cell.text);
      break;
    }
  }
  return {};
}

/// Renumbers the values in their order: by number if all that are not missing are numbers (equal numbers are one
/// value), else by their bytes; a missing value comes first.
void CsvSource::finishCategory(CsvField &field, int64_t rows) {
  struct Value {
    bool present;
    double number;
    std::string_view text;
    int32_t met;
  };
  std::vector<Value> values;
  bool numeric = true;
  for (std::string_view one : field.values) {
    Value value{!isMissing(one), 0, one, int32_t(values.size())};
    numeric &= !value.present || parseNumber(one, value.number);
    values.push_back(value);
  }
  auto before = [&](const Value &a, const Value &b) {
    if (a.present != b.present)
      return b.present;
    return numeric && a.present ? a.number < b.number : a.text < b.text;
  };
  std::sort(values.begin(), values.end(), [&](const Value &a, const Value &b) {
    return before(a, b) || (!before(b, a) && a.met < b.met); // of equal numbers, the first spelling met is kept
  });
  std::vector<int32_t> renumbered(values.size());
  std::vector<std::string> names;
  for (size_t i = 0; i < values.size(); ++i) {
    if (i == 0 || before(values[i - 1], values[i]))
      names.emplace_back(values[i].text);
    renumbered[size_t(values[i].met)] = int32_t(names.size()) - 1;
  }
  auto *numbers = reinterpret_cast<int32_t *>(field.made.data);
  for (int64_t row = 0; row < rows; ++row)
    numbers[row] = renumbered[size_t(numbers[row])];
  field.made.column.vocabulary = std::make_shared<const Vocabulary>(Vocabulary::Kind::Classes, std::move(names));
}

SourceResult CsvSource::read() {
  std::vector<CsvCell> record;
  Result<bool> more = text.next(record);
  if (!more)
    return more.error();
  if (!*more)
    return Error::inFile(path, "holds no rows");
  bool isHeader = false;
  if (Result<void> ok = chooseColumns(record, isHeader); !ok)
    return ok.error();
  // Memory that is never touched costs nothing, so a bound of the rows is enough while reading.
  int64_t bound = text.recordsLeftAtMost() + 1, rows = 0;
  for (CsvField &field : fields) {
    Result<NewColumn> made = newColumn(field.spec, bound);
    if (!made)
      return made.error();
    field.made = std::move(*made);
  }
  if (isHeader)
    more = text.next(record);
  for (; more && *more; more = text.next(record), ++rows)
    if (Result<void> ok = readRow(record, rows); !ok)
      return ok.error();
  if (!more)
    return more.error();
  if (rows == 0)
    return Error::inFile(path, "holds a header, but no rows");
  OpenedSource opened{rows, {}, {}};
  for (CsvField &field : fields) {
    if (field.spec.kind == FieldSpec::Kind::Category)
      finishCategory(field, rows);
    if (field.spec.kind == FieldSpec::Kind::String)
      field.made.column.strings = std::make_shared<const std::vector<std::string>>(std::move(field.strings));
    opened.columns.push_back(std::move(field.made.column));
  }
  return opened;
}

SourceResult openCsv(ArgumentReader &arguments, const std::vector<FieldSpec> &fields, const SearchPaths &paths) {
  Result<std::string> path = arguments.onlyFile(paths);
  if (!path)
    return path.error();
  Result<std::string> content = readFile(*path);
  if (!content)
    return content.error();
  if (size_t zero = content->find('\0'); zero != std::string::npos)
    return Error::inFile(*path, "is not text: a zero byte stands", int64_t(zero));
  return CsvSource(*path, *content, fields).read();
}

} // namespace dlc
