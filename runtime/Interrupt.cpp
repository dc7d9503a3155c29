// A signal handler has no argument that could carry state, so its flag is global: the one exception in the runtime.
#include "runtime/Interrupt.h"

#include <unistd.h>

namespace dlc {

static volatile int32_t interrupted = 0;
static int scopes = 0; ///< how many are open; scopes belong to one thread

static_assert(sizeof(sig_atomic_t) == sizeof(int32_t), "a signal handler may write an int32_t");

static void onInterrupt(int) {
  if (interrupted != 0) {
    // Not exit(): nothing of the process may run any more, and checkpoints are whole at any time.
    [[maybe_unused]] ssize_t ignored = write(STDERR_FILENO, "\n", 1);
    _exit(130);
  }
  interrupted = 1;
}

InterruptScope::InterruptScope() {
  if (scopes++ == 0)
    interrupted = 0;
  struct sigaction action = {};
  action.sa_handler = onInterrupt;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, &previous);
}

InterruptScope::~InterruptScope() {
  sigaction(SIGINT, &previous, nullptr);
  --scopes;
}

volatile int32_t *InterruptScope::flag() const { return &interrupted; }

} // namespace dlc
