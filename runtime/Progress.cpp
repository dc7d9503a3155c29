// The live line and the lasting lines.
#include "runtime/Progress.h"

#include "runtime/Print.h"
#include "runtime/pictures/PictureText.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace dlc {

using Clock = std::chrono::steady_clock;
static constexpr auto interval = std::chrono::milliseconds(50);
static constexpr auto longestInterval = std::chrono::seconds(1); ///< of lasting lines

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
  sink.utf8 = showsUtf8(sink.terminal);
  sink.width = [descriptor] {
    struct winsize size = {};
    return ioctl(descriptor, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? int(size.ws_col) : 80;
  };
  return sink;
}

bool showsUtf8(bool terminal) {
  if (!terminal)
    return true;
  for (const char *name : {"LC_ALL", "LC_CTYPE", "LANG"})
    if (const char *value = std::getenv(name); value && *value) {
      std::string_view locale = value;
      return locale.find("UTF-8") != locale.npos || locale.find("utf8") != locale.npos;
    }
  return false;
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

std::string formatSeconds(double seconds) {
  if (seconds < 0.01)
    return fmt::format("{:.{}f} ms", seconds * 1e3, seconds < 1e-4 ? 2 : 1);
  return fmt::format("{:.{}f} s", seconds, seconds < 10 ? 2 : 1);
}

Progress::Progress(const OutputSink &sink, std::string word, int64_t total)
    : sink(sink), word(std::move(word)), total(total), began(Clock::now()), lastShown(began - interval),
      lastPeriod(began - longestInterval) {}

Progress::~Progress() { finish(); }

void Progress::finish() {
  clearLine();
  writePending();
}

bool Progress::due() const { return sink.terminal && !sink.quiet && Clock::now() - lastShown >= interval; }

void Progress::clearLine() {
  if (std::exchange(shown, false))
    sink.write("\r\x1b[K");
}

void Progress::writePending() {
  if (!pending.empty())
    sink.write(std::exchange(pending, ""));
}

void Progress::update(const LiveState &state) {
  if (!due())
    return;
  constexpr size_t most = 64;
  constexpr int longestBar = 30, shortestBar = 5, shortestCourse = 8, longestCourse = 24;
  if (!state.metrics.empty() && state.metrics[0].first == "loss")
    losses.push_back(state.metrics[0].second);
  if (losses.size() > most)
    losses.erase(losses.begin());
  std::string head = fmt::format("{} {}/{} ", word, state.count, total), metrics = formatMetrics(state.metrics),
              last = formatMetrics(validation), tail;
  if (state.examplesPerSecond >= 0)
    tail += fmt::format("  {} samples/s", grouped(state.examplesPerSecond));
  if (state.secondsLeft >= 0)
    tail += fmt::format("  {} left", clockTime(state.secondsLeft));
  // The last column stays free: writing to it makes some terminals begin a new line.
  int columns = std::max(sink.width() - 1, 1);
  int room = columns - int(head.size() + metrics.size() + tail.size());
  if (int(last.size()) + 2 + shortestBar > room) // it stands in a line above
    last.clear();
  room -= int(last.size()) + 2; // brackets
  std::string course;
  if (sink.utf8 && room >= shortestBar + 2 + shortestCourse) {
    int width = std::clamp(room / 2 - 2, shortestCourse, longestCourse);
    course = "  " + fitted(losses.size() > 1 ? sparkline(losses, width) : "", width);
    room -= 2 + width;
  }
  std::string line = head;
  if (int64_t bar = std::min(room, longestBar); bar >= shortestBar) {
    int64_t filled = state.all > 0 ? std::clamp<int64_t>(bar * state.done / state.all, 0, bar) : 0;
    line += "[" + std::string(size_t(filled), '=') + (filled < bar ? ">" : "");
    line += std::string(size_t(std::max<int64_t>(bar - filled - 1, 0)), ' ') + "]";
  }
  line += metrics + course + last + tail;
  sink.write("\r" + fitted(line, std::min(columnsOf(line), columns)) + "\x1b[K");
  shown = true;
  lastShown = Clock::now();
}

void Progress::finishPeriod(int64_t count, const NamedValues &metrics, double seconds) {
  clearLine();
  validation.clear();
  for (const auto &metric : metrics)
    if (metric.first.starts_with("val."))
      validation.push_back(metric);
  pending = fmt::format("{} {}/{}{}  {}\n", word, count, total, formatMetrics(metrics), formatSeconds(seconds));
  Clock::time_point now = Clock::now();
  if (sink.quiet || (count != total && tooSoon(count, now)))
    return;
  lastPeriod = now;
  writePending();
}

bool Progress::tooSoon(int64_t count, Clock::time_point now) const {
  constexpr int64_t lines = 100;
  Clock::duration gap = now - lastPeriod;
  if (sink.terminal)
    return gap < std::clamp<Clock::duration>((now - began) / lines, interval, longestInterval);
  int64_t apart = 1;
  while (apart * lines < total)
    apart *= 10;
  return count % apart != 0 && gap < longestInterval;
}

void Progress::note(std::string_view text) {
  clearLine();
  if (!sink.quiet)
    writePending();
  sink.write(fmt::format("{}\n", text));
}

} // namespace dlc
