// What training shows while it runs: at a terminal one live line, rewritten in place at most 20 times a second; piped,
// nothing but one plain line at the end of each epoch (or of each period, when a run is measured in steps). Of many short
// periods not all have their line.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace dlc {

/// Where text goes. Tests capture it.
struct OutputSink {
  std::function<void(std::string_view)> write;
  bool terminal = false;
  bool utf8 = false;                              ///< whether it shows more than ASCII
  bool quiet = false;                             ///< of what a training shows while it runs, only the last line
  std::function<int()> width = [] { return 80; }; ///< columns, asked before each line, for a window may change

  /// Standard error or output by its descriptor; a terminal when it is one (and TERM is not `dumb`).
  static OutputSink ofDescriptor(int descriptor);
};

/// Whether what reads the text shows more than ASCII: a file does, a terminal says so by its locale.
bool showsUtf8(bool terminal);

/// Metrics to show: (`loss`, 0.1234), (`accuracy`, 0.971), (`val.loss`, ...).
using NamedValues = std::vector<std::pair<std::string, double>>;

/// `0.1234`, or `97.1 %` for `accuracy` (or a name that ends so), `acc` and `error_rate`.
std::string formatMetric(std::string_view name, double value);

/// What the live line says.
struct LiveState {
  int64_t count = 0;         ///< of the epoch or step under way, from 1
  int64_t done = 0, all = 0; ///< steps of the bar
  NamedValues metrics;
  double examplesPerSecond = -1, secondsLeft = -1; ///< left out when negative
};

/// `2.14 s`, `12.5 s`; less than 10 ms as `0.8 ms`, `0.05 ms`.
std::string formatSeconds(double seconds);

class Progress {
public:
  /// A run of `epochs` periods (`word` is `epoch` or `step`) as counted by the caller; starts the clock.
  Progress(const OutputSink &sink, std::string word, int64_t total);
  ~Progress();

  /// Shows the live line: a bar, the metrics, the course of the loss, the last validation, as far as the window has room.
  /// Does nothing when piped or when it was shown less than 50 ms ago.
  void update(const LiveState &state);
  /// Whether update would show something now; cheap, to be asked every step.
  bool due() const;

  /// Replaces the live line by a lasting one: `epoch 2/5  loss 0.1234  accuracy 97.1 %  val.loss 0.0987  2.1 s`. Not shown
  /// are, but for the last one, periods that end too soon after a line: at a terminal within 50 ms, more the longer the run
  /// lasts, one second at most; piped, of more than 100 periods, within one second unless their number is a round one
  /// (of 1000 periods 10, 20, ..).
  void finishPeriod(int64_t count, const NamedValues &metrics, double seconds);
  /// Shows the last period's line if it was not yet.
  void finish();
  /// A lasting line of its own.
  void note(std::string_view text);

private:
  void clearLine();
  void writePending();
  bool tooSoon(int64_t count, std::chrono::steady_clock::time_point now) const;

  OutputSink sink;
  std::string word;
  int64_t total;
  bool shown = false; ///< a live line stands on the terminal
  std::chrono::steady_clock::time_point began, lastShown, lastPeriod;
  std::string pending;        ///< the lasting line that was not shown yet
  std::vector<double> losses; ///< that the live line had, the last ones
  NamedValues validation;     ///< the last period's
};

} // namespace dlc
