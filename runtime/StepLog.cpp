// steps.csv and the events, side by side.
#include "runtime/StepLog.h"

#include "runtime/Files.h"
#include "runtime/Print.h"

#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fmt/format.h>
#include <unistd.h>

namespace dlc {

/// Bytes of the header and the whole lines up to `step`.
static size_t lengthUpTo(std::string_view content, int64_t step) {
  size_t at = content.find('\n') + 1; // behind the header
  while (true) {
    size_t end = content.find('\n', at);
    int64_t number = 0;
    if (end == std::string_view::npos ||
        std::from_chars(content.data() + at, content.data() + end, number).ec != std::errc() || number > step)
      return at;
    at = end + 1;
  }
}

Result<void> StepLog::openCsv(const std::string &header, int64_t fromStep) {
  size_t kept = 0;
  if (fromStep > 0 && ::access(path.c_str(), F_OK) == 0) {
    Result<std::string> content = readFile(path);
    if (!content)
      return content.error();
    std::string_view found = std::string_view(*content).substr(0, content->find('\n'));
    if (!content->empty() && (found.size() == content->size() || found != header))
      return Error::inFile(
          path, fmt::format("its columns are `{}`, but the resumed run's are `{}`", found.substr(0, 200), header));
    kept = content->empty() ? 0 : lengthUpTo(*content, fromStep);
  }
  csv.reset(std::fopen(path.c_str(), kept > 0 ? "ab" : "wb"));
  if (!csv || (kept > 0 && ::ftruncate(fileno(csv.get()), off_t(kept)) != 0))
    return Error::inFile(path, fmt::format("cannot write it: {}", std::strerror(errno)));
  if (kept == 0)
    std::fprintf(csv.get(), "%s\n", header.c_str());
  return {};
}

Result<StepLog> StepLog::open(const std::string &folder, const std::vector<std::string> &reports, int64_t fromStep,
                              bool validates) {
  std::error_code failed;
  std::filesystem::create_directories(folder, failed);
  if (failed)
    return Error::inFile(folder, "cannot make this folder: " + failed.message());
  StepLog log;
  log.path = folder + "/steps.csv";
  log.reports = reports;
  log.validates = validates;
  std::string header = "step,loss,lr";
  for (const std::string &report : reports)
    header += "," + report;
  if (validates) {
    header += ",val.loss";
    for (const std::string &report : reports)
      header += ",val." + report;
  }
  if (Result<void> ok = log.openCsv(header, fromStep); !ok)
    return ok.error();
  Result<EventLog> events = EventLog::open(folder, fromStep);
  if (!events)
    return events.error();
  log.events = std::move(*events);
  return log;
}

void StepLog::step(int64_t step, float loss, float learningRate, std::span<const float> values) {
  endLine();
  line = fmt::format("{},{:.9g},", step, withoutNanSign(loss));
  NamedValues scalars = {{"loss", loss}};
  if (!std::isnan(learningRate)) {
    line += fmt::format("{:.9g}", learningRate);
    scalars.emplace_back("lr", learningRate);
  }
  for (size_t i = 0; i < values.size(); ++i) {
    line += fmt::format(",{:.9g}", withoutNanSign(values[i]));
    scalars.emplace_back(reports[i], values[i]);
  }
  events.add(step, scalars);
}

void StepLog::validation(int64_t step, const NamedValues &metrics) {
  events.add(step, metrics);
  if (!validates || line.empty())
    return;
  for (const auto &[name, value] : metrics)
    line += fmt::format(",{:.9g}", withoutNanSign(value));
  line += '\n';
}

/// Writes the line of the last step, whose cells of a validation may be empty.
void StepLog::endLine() {
  if (!line.empty() && !line.ends_with('\n'))
    line += std::string(validates ? reports.size() + 1 : 0, ',') + '\n';
  std::fwrite(line.data(), 1, line.size(), csv.get()); // errors stay with the file until flush
  line.clear();
}

Result<void> StepLog::flush() {
  endLine();
  errno = 0;
  if (std::fflush(csv.get()) != 0 || std::ferror(csv.get()) != 0)
    return Error::inFile(path, fmt::format("cannot write it: {}", std::strerror(errno)));
  return events.flush();
}

} // namespace dlc
