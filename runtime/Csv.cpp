// Columns from comma-separated text. The columns go by the header if every field is a column; else the fields take them
// in order, a field of k numbers taking k, and a first line that itself reads as the fields is no header. What is missing
// is an error unless `missing` says what becomes of it. Numbers have a point, whatever the separator.
#include "runtime/CsvText.h"
#include "runtime/Files.h"
#include "runtime/SourceColumns.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <fmt/format.h>
#include <unordered_map>
#include <unordered_set>

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

/// Whether there is no number: also what pandas, NumPy, R and databases write then.
static bool isMissingNumber(std::string_view text) {
  static const std::unordered_set<std::string_view> words = {"NA",   "N/A",  "#N/A", "NaN",  "nan",
                                                             "NULL", "null", "None", "none", "-nan"};
  bool isDigit = !text.empty() && text[0] >= '0' && text[0] <= '9';
  return !isDigit && (isMissing(text) || words.contains(text));
}

namespace {

/// What becomes of a cell without a value where a number or a text is expected.
struct Missing {
  enum Kind { Refused, Skipped, Number, Mean } kind = Refused;
  double number = 0;
};

/// One field while its column is filled.
struct CsvField {
  FieldSpec spec;
  size_t firstColumn = 0;
  size_t columns = 1;
  NewColumn made = {};
  std::vector<std::string> strings = {};
  std::unordered_map<std::string_view, int32_t> numbers = {}; ///< of a category's values, in the order met
  std::vector<std::string_view> values = {};
  std::vector<int64_t> holes = {}; ///< elements that are missing and become the mean of their column

  bool lacks(std::string_view cell) const {
    return spec.kind == FieldSpec::Kind::Number ? isMissingNumber(cell) : isMissing(cell);
  }
};

class CsvSource {
public:
  CsvSource(const std::string &path, std::string_view content, const std::vector<FieldSpec> &specs, Missing missing,
            char separator)
      : path(path), text(path, content, separator), separator(separator), missing(missing) {
    for (const FieldSpec &spec : specs)
      fields.push_back({spec, 0, size_t(spec.elements())});
  }
  SourceResult read();

private:
  Result<void> chooseColumns(const std::vector<CsvCell> &first, bool &isHeader);
  Result<bool> chooseByHeader(const std::vector<CsvCell> &header);
  bool readsAsFields(const std::vector<CsvCell> &record) const;
  Result<void> readRow(const std::vector<CsvCell> &record, int64_t row);
  bool hasHole(const std::vector<CsvCell> &record) const;
  Result<void> fillHole(CsvField &field, const CsvCell &cell, size_t column, int64_t element);
  Result<void> fillWithMeans(CsvField &field, int64_t rows);
  Error unknownColumn(const std::vector<CsvCell> &header, const CsvField &field) const;
  std::string otherCount(const std::vector<CsvCell> &header) const;
  std::string otherSeparator(const std::vector<CsvCell> &header) const;
  Error cellError(const CsvField &field, const CsvCell &cell, size_t column) const;
  void finishCategory(CsvField &field, int64_t rows);

  std::string path;
  CsvText text;
  char separator;
  Missing missing;
  std::vector<CsvField> fields;
  std::vector<std::string> columnNames; ///< of the header; empty without one
  size_t width = 0;                     ///< columns of each row
};

} // namespace

/// A column's name as a field may have it: what no name can hold is `_`; letters of other scripts stay.
static std::string asFieldName(std::string_view column) {
  std::string name(column);
  for (char &c : name)
    if (!std::isalnum(static_cast<unsigned char>(c)) && (c & 0x80) == 0)
      c = '_';
  return name;
}

Error CsvSource::unknownColumn(const std::vector<CsvCell> &header, const CsvField &field) const {
  std::vector<std::string> names;
  std::string all;
  for (const CsvCell &cell : header) {
    names.push_back(asFieldName(cell.text));
    all += fmt::format("{}`{}`", all.empty() ? "" : ", ", cell.text);
  }
  std::string nearest = nearestName(field.spec.name, names);
  return text.errorAt(header[0].begin, fmt::format("there is no column `{}`{}", field.spec.name,
                                                   nearest.empty() ? "; the columns are " + all
                                                                   : fmt::format("; did you mean `{}`?", nearest)));
}

/// What is to be said where the fields take another number of columns than there are, and one of them takes several; else "".
std::string CsvSource::otherCount(const std::vector<CsvCell> &header) const {
  size_t needed = 0;
  const CsvField *several = nullptr;
  for (const CsvField &field : fields) {
    needed += field.columns;
    several = field.columns > 1 && several == nullptr ? &field : several;
  }
  if (several == nullptr || needed == header.size())
    return "";
  std::string said = fmt::format("the fields take {} columns (`{}` {} of them), but there are {}", needed,
                                 several->spec.name, several->columns, header.size());
  if (several->columns + header.size() > needed && several->spec.shape.size() == 1)
    said += fmt::format("\nwith `{}: {}[{}]` they take all", several->spec.name, nameOf(several->spec.dtype),
                        several->columns + header.size() - needed);
  return said;
}

/// Of a line that is one cell in which another separator stands: how that is said; else "".
std::string CsvSource::otherSeparator(const std::vector<CsvCell> &header) const {
  for (char other : {';', '\t', ','})
    if (header.size() == 1 && other != separator && header[0].text.find(other) != std::string_view::npos)
      return fmt::format("\nits columns are separated by {}: `csv(.., separator: \"{}\")`",
                         other == '\t' ? "tabs" : fmt::format("`{}`", other),
                         other == '\t' ? "\\t" : std::string(1, other));
  return "";
}

/// The column that a field begins with: of its name, or `x.0` for a field x of several, as `write` calls them.
static std::vector<CsvCell>::const_iterator columnOf(const std::vector<CsvCell> &header, const CsvField &field) {
  const std::string &name = field.spec.name;
  auto found = std::find_if(header.begin(), header.end(), [&](const CsvCell &c) { return c.text == name; });
  if (found == header.end() && field.columns > 1)
    found = std::find_if(header.begin(), header.end(), [&](const CsvCell &c) { return c.text == name + ".0"; });
  if (found == header.end())
    found = std::find_if(header.begin(), header.end(), [&](const CsvCell &c) { return asFieldName(c.text) == name; });
  return found;
}

/// Whether every field is a column of this header; then where each begins. If some are and one is not, it is misspelt; but
/// the columns of a field of several may have names of their own, if all fields stand in the order of the columns.
Result<bool> CsvSource::chooseByHeader(const std::vector<CsvCell> &header) {
  const CsvField *unknown = nullptr;
  size_t known = 0, position = 0;
  bool inOrder = true;
  for (CsvField &field : fields) {
    auto found = columnOf(header, field);
    if (found == header.end()) {
      unknown = unknown != nullptr ? unknown : &field;
      inOrder &= field.columns > 1;
    } else {
      field.firstColumn = size_t(found - header.begin());
      inOrder &= field.firstColumn == position;
      ++known;
    }
    position += field.columns;
  }
  if (unknown != nullptr && known > 0 && !inOrder) {
    std::string count = unknown->columns > 1 ? otherCount(header) : "";
    return count.empty() ? unknownColumn(header, *unknown) : text.errorAt(header[0].begin, count);
  }
  if (unknown != nullptr)
    return false;
  for (const CsvField &field : fields) {
    for (size_t i = field.firstColumn + field.columns; i < header.size(); ++i)
      if (header[i].text == header[field.firstColumn].text)
        return text.errorAt(
            header[i].begin,
            fmt::format("two columns are called `{}`, number {} and number {}: which is meant?\ngive one "
                        "of them another name in the file",
                        header[i].text, field.firstColumn + 1, i + 1));
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
      if (!isMissingNumber(cell) && !parseCell(cell, field.spec.dtype, scratch))
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
                          fmt::format("the fields take {} columns, but there {} {}; nor are the fields columns of "
                                      "a header here (not found: {}){}",
                                      needed, width == 1 ? "is" : "are", width, missing, otherSeparator(first)));
    }
    isHeader = !readsAsFields(first);
  }
  if (isHeader)
    for (const CsvCell &cell : first)
      columnNames.emplace_back(cell.text);
  return {};
}

/// Whether a text reads as a date or a time: `1999-12-31`, `31.12.1999`, `12/31/99 10:00`, `10:00:30`.
static bool isDate(std::string_view text) {
  size_t groups = 0, separators = 0;
  for (size_t i = 0; i < text.size();) {
    size_t begin = i;
    while (i < text.size() && text[i] >= '0' && text[i] <= '9')
      ++i;
    ++groups;
    if (size_t digits = i - begin; digits == 0 || (groups < 7 && digits != 1 && digits != 2 && digits != 4))
      return false;
    if (i == text.size())
      break;
    separators += text[i] != '.' || groups > 1;
    if (std::string_view("-/.:T ").find(text[i++]) == std::string_view::npos)
      return groups >= 6 && text.substr(i - 1) == "Z";
  }
  return groups >= 2 && separators > 0 && (groups > 2 || text.find(':') != std::string_view::npos);
}

Error CsvSource::cellError(const CsvField &field, const CsvCell &cell, size_t column) const {
  std::string where = columnNames.empty() ? fmt::format("field `{}`", field.spec.name)
                                          : fmt::format("column `{}`", columnNames[column]);
  if (isMissingNumber(cell.text))
    return text.errorAt(cell.begin,
                        fmt::format("a value is missing ({}); only a category may miss values\n`missing: 0`, `missing: "
                                    "\"mean\"` or `missing: \"skip\"` of `csv` says what becomes of it",
                                    where));
  std::string shown(cell.text.substr(0, 40));
  if (field.spec.dtype == DType::Bool)
    return text.errorAt(cell.begin, fmt::format("`{}` is not a bool ({})", shown, where));
  double value = 0;
  auto [rest, status] = std::from_chars(cell.text.data(), cell.text.data() + cell.text.size(), value);
  bool number = rest == cell.text.data() + cell.text.size() && std::isfinite(value);
  if (!number && isDate(cell.text))
    return text.errorAt(cell.begin, fmt::format("`{}` is a date or a time ({})\nsplit it into columns of numbers, or "
                                                "declare the field `str` or `category`",
                                                shown, where));
  size_t comma = shown.find(',');
  if (std::string point = shown; !number && separator != ',' && comma != std::string::npos && cell.text.size() <= 40) {
    point[comma] = '.';
    if (parseNumber(std::string_view(point), value))
      return text.errorAt(cell.begin,
                          fmt::format("`{}` has a decimal comma, expected a point: `{}` ({})", shown, point, where));
  }
  if (!number)
    return text.errorAt(cell.begin, fmt::format("`{}` is not a number ({})", shown, where));
  bool digits = cell.text.find_first_not_of("-0123456789") == std::string_view::npos;
  return text.errorAt(cell.begin,
                      fmt::format("`{}` {} {} ({})", shown,
                                  isFloat(field.spec.dtype) || digits ? "does not fit" : "is not a whole number, as is",
                                  nameOf(field.spec.dtype), where));
}

/// Whether a cell is missing, a category's too.
bool CsvSource::hasHole(const std::vector<CsvCell> &record) const {
  for (const CsvField &field : fields)
    for (size_t i = 0; i < field.columns; ++i)
      if (field.firstColumn + i < record.size() && field.lacks(record[field.firstColumn + i].text))
        return true;
  return false;
}

/// Element `element` of a field of numbers, which is missing.
Result<void> CsvSource::fillHole(CsvField &field, const CsvCell &cell, size_t column, int64_t element) {
  std::byte *out = field.made.data + size_t(element) * sizeOf(field.spec.dtype);
  if (missing.kind == Missing::Mean) {
    field.holes.push_back(element);
    return {};
  }
  if (missing.kind != Missing::Number)
    return cellError(field, cell, column);
  if (convertExactly(DType::F64, &missing.number, field.spec.dtype, out, 1) >= 0) {
    if (!isFloat(field.spec.dtype))
      return text.errorAt(cell.begin, fmt::format("a value is missing (field `{}`), and `missing: {}` does not fit {}",
                                                  field.spec.name, missing.number, nameOf(field.spec.dtype)));
    setElement(field.spec.dtype, out, 0, missing.number);
  }
  return {};
}

/// Puts the mean of its column, of what is there, into each hole; of whole numbers the nearest.
Result<void> CsvSource::fillWithMeans(CsvField &field, int64_t rows) {
  if (field.holes.empty())
    return {};
  int64_t width = int64_t(field.columns);
  std::vector<double> sums(field.columns);
  std::vector<int64_t> counts(field.columns, rows);
  std::vector<bool> isHole(size_t(rows * width));
  for (int64_t element : field.holes) {
    isHole[size_t(element)] = true;
    --counts[size_t(element % width)];
  }
  for (int64_t i = 0; i < rows * width; ++i)
    if (!isHole[size_t(i)])
      sums[size_t(i % width)] += elementAsDouble(field.spec.dtype, field.made.data, i);
  for (int64_t element : field.holes) {
    size_t column = size_t(element % width);
    if (counts[column] == 0)
      return Error::inFile(path,
                           fmt::format("every value of field `{}` is missing: there is no mean", field.spec.name));
    double mean = sums[column] / double(counts[column]);
    setElement(field.spec.dtype, field.made.data, element, isFloat(field.spec.dtype) ? mean : std::nearbyint(mean));
  }
  return {};
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
      for (size_t i = 0; i < field.columns; ++i) {
        const CsvCell &one = (&cell)[i];
        if (field.lacks(one.text)) {
          if (Result<void> ok = fillHole(field, one, field.firstColumn + i, row * int64_t(field.columns) + int64_t(i));
              !ok)
            return ok;
        } else if (!parseCell(one.text, field.spec.dtype, out + i * size)) {
          return cellError(field, one, field.firstColumn + i);
        }
      }
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
      if (field.lacks(cell.text) && missing.kind == Missing::Refused)
        return cellError(field, cell, field.firstColumn);
      field.strings.emplace_back(field.lacks(cell.text) ? "" : cell.text);
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
  int64_t skipped = 0;
  for (; more && *more; more = text.next(record)) {
    if (missing.kind == Missing::Skipped && record.size() == width && hasHole(record)) {
      ++skipped;
      continue;
    }
    if (Result<void> ok = readRow(record, rows++); !ok)
      return ok.error();
  }
  if (!more)
    return more.error();
  if (rows == 0)
    return Error::inFile(path,
                         skipped > 0 ? "holds no row in which nothing is missing" : "holds a header, but no rows");
  OpenedSource opened{rows, {}, {}};
  if (skipped > 0)
    opened.notes.push_back(fmt::format("{} of {} rows of `{}` {} left out, for something is missing in {}", skipped,
                                       rows + skipped, path, skipped == 1 ? "is" : "are",
                                       skipped == 1 ? "it" : "them"));
  for (CsvField &field : fields) {
    if (size_t count = field.holes.size())
      opened.notes.push_back(fmt::format("{} of {} numbers of `{}` in `{}` {} missing: the mean stands there", count,
                                         rows * int64_t(field.columns), field.spec.name, path,
                                         count == 1 ? "is" : "are"));
    if (Result<void> ok = fillWithMeans(field, rows); !ok)
      return ok.error();
    if (field.spec.kind == FieldSpec::Kind::Category)
      finishCategory(field, rows);
    if (field.spec.kind == FieldSpec::Kind::String)
      field.made.column.strings = std::make_shared<const std::vector<std::string>>(std::move(field.strings));
    opened.columns.push_back(std::move(field.made.column));
  }
  return opened;
}

static Result<Missing> readMissing(ArgumentReader &arguments) {
  const SourceValue *value = arguments.value("missing");
  if (value == nullptr)
    return Missing{};
  if (const double *number = std::get_if<double>(value))
    return Missing{Missing::Number, *number};
  const std::string *word = std::get_if<std::string>(value);
  if (word != nullptr && (*word == "mean" || *word == "skip"))
    return Missing{*word == "mean" ? Missing::Mean : Missing::Skipped, 0};
  return Error::plain("argument `missing` of `csv` is not a number, \"mean\" or \"skip\"");
}

/// What separates the cells, if it is said.
static Result<std::optional<char>> readSeparator(ArgumentReader &arguments) {
  const SourceValue *value = arguments.value("separator");
  if (value == nullptr)
    return std::optional<char>();
  const std::string *word = std::get_if<std::string>(value);
  if (word != nullptr && word->size() == 1 && std::string_view(",;\t|").find(word->front()) != std::string_view::npos)
    return std::optional(word->front());
  return Error::plain("argument `separator` of `csv` is not \",\", \";\", \"\\t\" or \"|\"");
}

/// In a file whose name ends in .tsv a tab.
static char usualSeparator(const std::string &path) {
  return path.ends_with(".tsv") || path.ends_with(".tsv.gz") ? '\t' : ',';
}

SourceResult openCsv(ArgumentReader &arguments, const std::vector<FieldSpec> &fields, const SearchPaths &paths) {
  Result<Missing> missing = readMissing(arguments);
  if (!missing)
    return missing.error();
  Result<std::optional<char>> separator = readSeparator(arguments);
  if (!separator)
    return separator.error();
  Result<std::string> path = arguments.onlyFile(paths);
  if (!path)
    return path.error();
  Result<std::string> content = readFile(*path);
  if (!content)
    return content.error();
  if (size_t zero = content->find('\0'); zero != std::string::npos)
    return Error::inFile(*path, "is not text: a zero byte stands", int64_t(zero));
  return CsvSource(*path, *content, fields, *missing, separator->value_or(usualSeparator(*path))).read();
}

} // namespace dlc
