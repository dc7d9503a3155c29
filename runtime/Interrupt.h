// Ctrl-C while something runs: the first asks politely, a second ends the process at once with exit code 130.
#pragma once

#include <csignal>
#include <cstdint>

namespace dlc {

/// Catches SIGINT while it lives; the handler that was there before comes back afterwards. Scopes may nest; all see the
/// request.
class InterruptScope {
public:
  InterruptScope();
  ~InterruptScope();
  InterruptScope(const InterruptScope &) = delete;
  InterruptScope &operator=(const InterruptScope &) = delete;

  /// Whether SIGINT came since the outermost scope began.
  bool requested() const { return *flag() != 0; }
  /// The flag itself, for dlc_context::stop.
  volatile int32_t *flag() const;

private:
  struct sigaction previous;
};

} // namespace dlc
