// The live line and the lasting lines.
#include "runtime/Progress.h"

#include "runtime/Print.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace dlc {

using Clock = std::chrono::steady_clock;
static constexpr auto interval = std::chrono::milliseconds(50);

OutputSink OutputSink::ofDescriptor(int descriptor) {
  OutputSink sink;
  sink.write = [descriptor](std::string_view text) {
    while (!text.empty()) {
      ssize_t written = ::write(descriptor, text.data(), text.size());
      if (written <= 0)
        return; // nobody reads it any more; training goes on
      text.remove_prefix(size_t(written));
    }
  };
  const char *term = std::getenv("TERM");
  sink.terminal = isatty(descriptor) == 1 && (term == nullptr || std::string_view(term) != "dumb");
  sink.width = [descriptor] {
    struct winsize size = {};
    return ioctl(descriptor, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? int(size.ws_col) : 80;
  };
  return sink;
}

/// Whether a metric is a share by its name: `accuracy`, `val.accuracy`, `acc`, `error_rate`. Other names (`top`) may mean
/// anything.
static bool isShare(std::string_view name) {
  std::string_view last = name.substr(name.rfind('.') + 1);
  return last.ends_with("accuracy") || last == "acc" || last == "error_rate";
}

std::string formatMetric(std::string_view name, double value) {
  value = withoutNanSign(value);
  if (isShare(name) && std::isfinite(value))
    return fmt::format("{:.1f} %", 100 * value);
  if (!std::isfinite(value) || value == 0 || (std::fabs(value) >= 1e-3 && std::fabs(value) < 1e6)) {
    // Four decimals, or more where the first digits come later.
    int decimals =
        value != 0 && std::isfinite(value) ? std::max(4, 3 - int(std::floor(std::log10(std::fabs(value))))) : 4;
    return fmt::format("{:.{}f}", withoutNanSign(value), decimals);
  }
  return fmt::format("{:.3e}", value);
}

static std::string formatMetrics(const NamedValues &metrics) {
  std::string text;
  for (const auto &[name, value] : metrics)
    text += fmt::format("  {} {}", name, formatMetric(name, value));
  return text;
}

/// 152000 as `152,000`.
static std::string grouped(double number) {
  std::string digits = fmt::format("{:.0f}", number);
  for (ptrdiff_t at = ptrdiff_t(digits.size()) - 3; at > 0; at -= 3)
    digits.insert(size_t(at), ",");
  return digits;
}

/// `0:03`, `12:34` or `1:02:03`.
static std::string clockTime(double seconds) {
  int64_t whole = int64_t(std::ceil(std::min(seconds, 1e9)));
  if (whole >= 3600)
    return fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
  return fmt::format("{}:{:02}", whole / 60, whole % 60);
}

Progress::Progress(const OutputSink &sink, std::string word, int64_t total)
    : sink(sink), word(std::move(word)), total(total), lastShown(Clock::now() - interval) {}

Progress::~Progress() { clearLine(); }

bool Progress::due() const { return sink.terminal && Clock::now() - lastShown >= interval; }

void Progress::clearLine() {
  if (std::exchange(shown, false))
    sink.write("\r\x1b[K");
}

void Progress::update(int64_t count, int64_t done, int64_t all, const NamedValues &metrics, double examplesPerSecond,
                      double secondsLeft) {
  if (!due())
    return;
  std::string head = fmt::format("{} {}/{} ", word, count, total), tail = formatMetrics(metrics);
  if (examplesPerSecond >= 0)
    tail += fmt::format("  {} samples/s", grouped(examplesPerSecond));
  if (secondsLeft >= 0)
    tail += fmt::format("  {} left", clockTime(secondsLeft));
  // The last column stays free: writing to it makes some terminals begin a new line.
  int64_t room = sink.width() - 1 - int64_t(head.size() + tail.size()) - 2, bar = std::min<int64_t>(room, 30);
  std::string line = head;
  if (bar >= 5) {
    int64_t filled = all > 0 ? std::clamp<int64_t>(bar * done / all, 0, bar) : 0;
    line += "[" + std::string(size_t(filled), '=') + (filled < bar ? ">" : "");
    line += std::string(size_t(std::max<int64_t>(bar - filled - 1, 0)), ' ') + "]";
  }
  line += tail;
  line.resize(std::min(line.size(), size_t(std::max(sink.width() - 1, 1))));
  sink.write("\r" + line + "\x1b[K");
  shown = true;
  lastShown = Clock::now();
}

void Progress::finishPeriod(int64_t count, const NamedValues &metrics, double seconds) {
  clearLine();
  sink.write(fmt::format("{} {}/{}{}  {:.{}f} s\n", word, count, total, formatMetrics(metrics), seconds,
                         seconds < 10 ? 2 : 1));
}

void Progress::note(std::string_view text) {
  clearLine();
  sink.write(fmt::format("{}\n", text));
}

} // namespace dlc
