// steps.csv back into numbers.
#include "runtime/RunLog.h"

#include "runtime/CsvText.h"
#include "runtime/Files.h"

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fmt/format.h>
#include <limits>

namespace dlc {

Result<RunLog> readRunLog(const std::string &given) {
  std::error_code failed;
  std::string path = std::filesystem::is_directory(given, failed) ? given + "/steps.csv" : given;
  Result<std::string> content = readFile(path);
  if (!content)
    return content.error();
  // A line without its end is still being written.
  CsvText lines(path, std::string_view(*content).substr(0, content->rfind('\n') + 1));
  RunLog log;
  std::vector<std::string> header;
  std::vector<CsvCell> cells;
  while (true) {
    Result<bool> more = lines.next(cells);
    if (!more)
      return more.error();
    if (!*more)
      break;
    if (header.empty()) {
      for (const CsvCell &cell : cells)
        header.emplace_back(cell.text);
      if (header[0] != "step" || header.size() < 2)
        return lines.errorAt(cells[0].begin, "is no log of steps: its first line is `step,loss,lr,..`");
      log.names.assign(header.begin() + 1, header.end());
      for (const std::string &name : log.names)
        log.columns[name]; // also where there is no step yet
      continue;
    }
    if (cells.size() != header.size())
      return lines.errorAt(cells[0].begin, fmt::format("{} cells for {} columns", cells.size(), header.size()));
    for (size_t i = 0; i < cells.size(); ++i) {
      std::string text(cells[i].text);
      char *rest = nullptr;
      double value = text.empty() ? std::numeric_limits<double>::quiet_NaN() : std::strtod(text.c_str(), &rest);
      if (!text.empty() && *rest)
        return lines.errorAt(cells[i].begin,
                             fmt::format("`{}` is not a number (column `{}`)", text.substr(0, 40), header[i]));
      (i == 0 ? log.steps : log.columns[header[i]]).push_back(value);
    }
  }
  if (header.empty())
    return Error::inFile(path, "is empty: the run has made no step yet");
  return log;
}

} // namespace dlc
