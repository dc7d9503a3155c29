// Tensors as the text of a .csv, the bytes of a .npy, or a .safetensors.
#include "runtime/WriteTable.h"

#include "runtime/Files.h"
#include "runtime/Safetensors.h"

#include <cmath>
#include <cstring>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace dlc {

/// A number as a cell: the shortest text that reads back to it.
static std::string cell(const TableColumn &column, int64_t i) {
  auto floating = [](auto value) {
    return std::isfinite(value) ? fmt::format("{}", value) : std::isnan(value) ? "nan" : value < 0 ? "-inf" : "inf";
  };
  double value = elementAsDouble(column.dtype, column.data, i);
  switch (column.dtype) {
  case DType::F32:
  case DType::BF16:
    return floating(float(value));
  case DType::F64:
    return floating(value);
  case DType::I64: { // a double does not hold them all
    int64_t whole;
    std::memcpy(&whole, column.data + size_t(i) * sizeof(whole), sizeof(whole));
    return std::to_string(whole);
  }
  default:
    return fmt::format("{:.0f}", value);
  }
}

/// Text as a cell of RFC 4180.
static std::string quoted(const std::string &text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos)
    return text;
  std::string made = "\"";
  for (char c : text)
    made += c == '"' ? std::string("\"\"") : std::string(1, c);
  return made + "\"";
}

static int64_t rowsOf(const TableColumn &column) {
  return column.strings ? int64_t(column.strings->size()) : column.shape.empty() ? 1 : column.shape[0];
}

static Result<void> writeCsv(const std::string &path, const std::vector<TableColumn> &columns) {
  std::string text;
  int64_t rows = rowsOf(columns[0]);
  for (const TableColumn &column : columns) {
    if (column.name.empty())
      return Error::plain("a column of a .csv has a name: `write(\"file.csv\", id: a, guess: b)`");
    if (rowsOf(column) != rows)
      return Error::plain(
          fmt::format("column `{}` has {} rows, `{}` has {}", column.name, rowsOf(column), columns[0].name, rows));
    int64_t width =
        column.strings || column.shape.size() < 2 ? 1 : elementCount(std::span(column.shape).subspan(1)).value_or(0);
    for (int64_t i = 0; i < width; ++i)
      text += (text.empty() ? "" : ",") +
              quoted(column.shape.size() < 2 || column.strings ? column.name : fmt::format("{}.{}", column.name, i));
  }
  text += "\n";
  for (int64_t row = 0; row < rows; ++row) {
    std::string line;
    for (const TableColumn &column : columns) {
      int64_t width =
          column.strings || column.shape.size() < 2 ? 1 : elementCount(std::span(column.shape).subspan(1)).value_or(0);
      for (int64_t i = 0; i < width; ++i) {
        if (&column != &columns[0] || i > 0)
          line += ",";
        line += column.strings ? quoted((*column.strings)[size_t(row)]) : cell(column, row * width + i);
      }
    }
    text += line + "\n";
  }
  return writeFileAtomically(path, {text});
}

static Result<void> writeNpy(const std::string &path, const std::vector<TableColumn> &columns) {
  const TableColumn &column = columns[0];
  if (columns.size() != 1)
    return Error::plain(fmt::format("a .npy has one tensor, found {}; a .safetensors has several", columns.size()));
  if (column.strings || column.dtype == DType::BF16)
    return Error::plain(fmt::format("a .npy has no {}; a .{} has", column.strings ? "text" : "bf16",
                                    column.strings ? "csv" : "safetensors"));
  const char *type = column.dtype == DType::F32   ? "<f4"
                     : column.dtype == DType::F64 ? "<f8"
                     : column.dtype == DType::I32 ? "<i4"
                     : column.dtype == DType::I64 ? "<i8"
                     : column.dtype == DType::U8  ? "|u1"
                                                  : "|b1";
  std::string header = fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': ({}{}), }}", type,
                                   fmt::join(column.shape, ", "), column.shape.size() == 1 ? "," : "");
  // The data begins at a multiple of 64.
  header.append(63 - (header.size() + 10) % 64, ' ').push_back('\n');
  std::string start = "\x93NUMPY";
  start += {'\x01', '\x00', char(header.size() % 256), char(header.size() / 256)};
  size_t bytes = size_t(elementCount(column.shape).value_or(0)) * sizeOf(column.dtype);
  return writeFileAtomically(path,
                             {start, header, std::string_view(reinterpret_cast<const char *>(column.data), bytes)});
}

static Result<void> writeTensors(const std::string &path, const std::vector<TableColumn> &columns) {
  std::vector<SafetensorsEntry> entries;
  for (const TableColumn &column : columns) {
    if (column.name.empty() || column.strings)
      return Error::plain(column.strings
                              ? "a .safetensors has no text; a .csv has"
                              : "a tensor of a .safetensors has a name: `write(\"file.safetensors\", x: a)`");
    size_t bytes = size_t(elementCount(column.shape).value_or(0)) * sizeOf(column.dtype);
    entries.push_back({column.name, column.dtype, column.shape,
                       std::string_view(reinterpret_cast<const char *>(column.data), bytes)});
  }
  return writeSafetensors(path, entries, {});
}

Result<void> writeTable(const std::string &path, const std::vector<TableColumn> &columns) {
  if (columns.empty())
    return Error::plain("there is nothing to write");
  if (path.ends_with(".csv"))
    return writeCsv(path, columns);
  if (path.ends_with(".npy"))
    return writeNpy(path, columns);
  if (path.ends_with(".safetensors"))
    return writeTensors(path, columns);
  return Error::plain("`" + path + "` is no kind of file that is written: .csv, .npy or .safetensors");
}

} // namespace dlc
