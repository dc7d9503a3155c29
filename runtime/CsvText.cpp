// The records of comma-separated text.
#include "runtime/CsvText.h"

#include <algorithm>
#include <cstring>
#include <fmt/format.h>

namespace dlc {

CsvText::CsvText(std::string file, std::string_view content, char separator)
    : file(std::move(file)), content(content), position(content.data()), end(content.data() + content.size()),
      separator(separator) {
  if (content.starts_with("\xEF\xBB\xBF")) // a byte order mark
    position += 3;
}

Error CsvText::errorAt(const char *place, std::string message) const {
  std::string_view before(content.data(), size_t(place - content.data()));
  size_t lineBreak = before.rfind('\n');
  size_t column = lineBreak == std::string_view::npos ? before.size() : before.size() - lineBreak - 1;
  return Error::atLine(file, 1 + std::count(before.begin(), before.end(), '\n'), int64_t(column) + 1,
                       std::move(message));
}

int64_t CsvText::recordsLeftAtMost() const { return std::count(position, end, '\n') + 1; }

/// A line ends at LF, at CR LF, or with the file.
static bool atLineEnd(const char *p, const char *end) {
  return p == end || *p == '\n' || (*p == '\r' && (p + 1 == end || p[1] == '\n'));
}

Result<CsvCell> CsvText::quotedCell() {
  const char *begin = position++, *piece = position;
  std::string *joined = nullptr;
  while (true) {
    const char *quote = static_cast<const char *>(std::memchr(position, '"', size_t(end - position)));
    if (quote == nullptr)
      return errorAt(begin, "the quote that begins here is never closed");
    position = quote + 1;
    if (position == end || *position != '"')
      break;
    if (joined == nullptr)
      joined = &unescaped.emplace_back();
    joined->append(piece, position);
    piece = ++position;
  }
  std::string_view last(piece, size_t(position - 1 - piece));
  if (joined != nullptr)
    joined->append(last);
  while (position != end && isBlank(*position))
    ++position;
  if (!atLineEnd(position, end) && *position != separator)
    return errorAt(position, fmt::format("{} or the end of the line is expected after a closing quote",
                                         separator == ','    ? "a comma"
                                         : separator == '\t' ? "a tab"
                                                             : fmt::format("`{}`", separator)));
  return CsvCell{joined != nullptr ? std::string_view(*joined) : last, begin};
}

Result<bool> CsvText::next(std::vector<CsvCell> &record) {
  record.clear();
  while (true) { // blank lines
    const char *p = position;
    while (p != end && isBlank(*p))
      ++p;
    if (p == end)
      return false;
    if (!atLineEnd(p, end))
      break;
    position = p + (*p == '\r' && p + 1 != end ? 2 : 1);
  }
  while (true) {
    while (position != end && isBlank(*position))
      ++position;
    if (position != end && *position == '"') {
      Result<CsvCell> cell = quotedCell();
      if (!cell)
        return cell.error();
      record.push_back(*cell);
    } else {
      const char *begin = position;
      while (!(position == end || *position == separator || *position == '\n' || *position == '\r') ||
             (position != end && *position == '\r' && !atLineEnd(position, end)))
        ++position;
      const char *last = position;
      while (last != begin && isBlank(last[-1]))
        --last;
      record.push_back({std::string_view(begin, size_t(last - begin)), begin});
    }
    if (atLineEnd(position, end))
      break;
    ++position; // the separator
  }
  if (position != end && *position == '\r')
    ++position;
  if (position != end)
    ++position;
  return true;
}

} // namespace dlc
