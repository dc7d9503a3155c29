// steps.csv back into numbers.
#include "runtime/RunLog.h"

#include "runtime/Files.h"

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fmt/format.h>
#include <limits>

namespace dlc {

/// The cells of a line.
static std::vector<std::string> cellsOf(std::string_view line) {
  std::vector<std::string> cells;
  if (line.ends_with('\r'))
    line.remove_suffix(1);
  for (size_t begin = 0;; ++begin) {
    size_t end = std::min(line.find(',', begin), line.size());
    cells.emplace_back(line.substr(begin, end - begin));
    begin = end;
    if (end == line.size())
      return cells;
  }
}

Result<RunLog> readRunLog(const std::string &given) {
  std::error_code failed;
  std::string path = std::filesystem::is_directory(given, failed) ? given + "/steps.csv" : given;
  Result<std::string> content = readFile(path);
  if (!content)
    return content.error();
  RunLog log;
  std::vector<std::string> header;
  int64_t number = 0;
  for (size_t begin = 0, end; (end = content->find('\n', begin)) != std::string::npos; begin = end + 1) {
    std::vector<std::string> cells = cellsOf(std::string_view(*content).substr(begin, end - begin));
    ++number;
    if (number == 1) {
      header = cells;
      if (header[0] != "step" || header.size() < 2)
        return Error::atLine(path, 1, 1, "is no log of steps: its first line is `step,loss,lr,..`");
      log.names.assign(header.begin() + 1, header.end());
      continue;
    }
    if (cells.size() != header.size())
      return Error::atLine(path, number, 1, fmt::format("{} cells for {} columns", cells.size(), header.size()));
    for (size_t i = 0; i < cells.size(); ++i) {
      char *rest = nullptr;
      double value = cells[i].empty() ? std::numeric_limits<double>::quiet_NaN() : std::strtod(cells[i].c_str(), &rest);
      if (!cells[i].empty() && *rest)
        return Error::atLine(path, number, 1,
                             fmt::format("`{}` is not a number (column `{}`)", cells[i].substr(0, 40), header[i]));
      (i == 0 ? log.steps : log.columns[header[i]]).push_back(value);
    }
  }
  if (header.empty())
    return Error::inFile(path, "is empty: the run has made no step yet");
  return log;
}

} // namespace dlc
