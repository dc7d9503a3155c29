// Comma-separated text, cut into records and cells as RFC 4180 says: quotes, doubled quotes and line breaks within
// them, LF or CRLF. Cells may be separated by another character. Blank lines are passed over, blanks around an unquoted cell dropped. Internal to runtime.
#pragma once

#include "runtime/Result.h"

#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace dlc {

/// One cell of a record.
struct CsvCell {
  std::string_view text; ///< unquoted
  const char *begin;     ///< where it stands in the file, for errors
};

class CsvText {
public:
  /// `content` must outlive the reader and all cells.
  CsvText(std::string file, std::string_view content, char separator = ',');

  /// The next record, or nothing at the end.
  Result<bool> next(std::vector<CsvCell> &record);
  /// An error at a place in the file (line and column are counted only now).
  Error errorAt(const char *place, std::string message) const;
  /// A bound of the number of records that are left.
  int64_t recordsLeftAtMost() const;

private:
  Result<CsvCell> quotedCell();
  bool isBlank(char c) const { return (c == ' ' || c == '\t') && c != separator; }

  std::string file;
  std::string_view content;
  const char *position;
  const char *end;
  char separator;
  std::deque<std::string> unescaped; ///< cells with doubled quotes; a deque never moves them
};

} // namespace dlc
