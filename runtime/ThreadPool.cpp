// Each worker has a slot in a cache line of its own. The caller fills it and opens its ticket; whoever changes the
// ticket from open to another state, the worker or the caller, does the range. The worker writes the last state when it
// has done it.
//
// Sleeping follows Dekker: a worker says that it sleeps and then looks at its ticket again; the caller opens the ticket
// and then looks whether the worker sleeps. Both orders are sequentially consistent, so one of them sees the other. The
// same holds for a caller that waits for the end.
#include "runtime/ThreadPool.h"

#include "runtime/AvailableThreads.h"

#include <algorithm>
#include <chrono>
#include <climits>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <system_error>
#include <unistd.h>

namespace dlc {

enum TicketState : uint32_t { Open = 1, Taken = 2, Done = 3 };

static uint32_t stateOf(uint32_t ticket) { return ticket & 3; }

static void futexWait(std::atomic<uint32_t> &word, uint32_t expected) {
  syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, expected, nullptr, nullptr, 0);
}

static void futexWake(std::atomic<uint32_t> &word) {
  syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, INT_MAX, nullptr, nullptr, 0);
}

static void relax() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#endif
}

/// Spins until `ready()` or for about so many microseconds; whether it became ready. The clock is looked at now and
/// then only.
template <class Ready> static bool spin(int microseconds, Ready ready) {
  if (ready())
    return true;
  if (microseconds == 0)
    return false;
  auto deadline = std::chrono::steady_clock::now() + std::chrono::microseconds(microseconds);
  do {
    for (int i = 0; i < 64; ++i) {
      if (ready())
        return true;
      relax();
    }
  } while (std::chrono::steady_clock::now() < deadline);
  return ready();
}

/// True in a worker, and in a caller while it works: what is called there runs inline.
static thread_local bool insideBody = false;

ThreadPool::ThreadPool(int threads) : slots(new Slot[size_t(std::max(threads, 1) - 1)]) {
  // Spinning threads that share a CPU only keep each other from working.
  spinMicroseconds = threads <= availableThreads() ? 40 : 0;
  try {
    for (int i = 0; i + 1 < threads; ++i)
      workers.emplace_back([this, i] { work(slots[size_t(i)]); });
  } catch (const std::system_error &) {
    // The system gives no more threads: those that there are do the work, with the same results.
  }
}

ThreadPool::~ThreadPool() {
  ending.store(true);
  for (size_t i = 0; i < workers.size(); ++i) {
    slots[i].sleeping.store(0);
    futexWake(slots[i].sleeping);
  }
  for (std::thread &worker : workers)
    worker.join();
}

void ThreadPool::work(Slot &slot) {
  insideBody = true;
  while (uint32_t ticket = waitForTicket(slot)) {
    // Between seeing the ticket open and now, the caller may have taken it.
    if (stateOf(ticket) != Open || !slot.ticket.compare_exchange_strong(ticket, ticket - Open + Taken))
      continue;
    slot.body(slot.args, slot.begin, slot.end);
    slot.ticket.store(ticket - Open + Done);
    if (callerWaits.load())
      futexWake(slot.ticket);
  }
}

uint32_t ThreadPool::waitForTicket(Slot &slot) {
  auto ready = [&] {
    return stateOf(slot.ticket.load(std::memory_order_acquire)) == Open || ending.load(std::memory_order_relaxed);
  };
  while (!spin(spinMicroseconds, ready)) {
    slot.sleeping.store(1);
    if (stateOf(slot.ticket.load()) != Open && !ending.load())
      futexWait(slot.sleeping, 1);
    slot.sleeping.store(0);
  }
  return ending.load() ? 0 : slot.ticket.load(std::memory_order_acquire);
}

void ThreadPool::waitForEnd(Slot &slot) {
  // The caller has nothing else to do: it spins longer than a worker before it pays for a wake-up.
  auto ready = [&] { return stateOf(slot.ticket.load(std::memory_order_acquire)) == Done; };
  if (spin(10 * spinMicroseconds, ready))
    return;
  callerWaits.store(true);
  for (uint32_t ticket; stateOf(ticket = slot.ticket.load()) != Done;)
    futexWait(slot.ticket, ticket);
  callerWaits.store(false);
}

void ThreadPool::parallel(Body body, void *args, int64_t tasks) {
  if (tasks <= 0)
    return;
  if (workers.empty() || tasks == 1 || insideBody || busy.exchange(true, std::memory_order_acquire)) {
    body(args, 0, tasks);
    return;
  }
  int64_t ranges = std::min<int64_t>(threads(), tasks);
  // Written so that tasks * ranges cannot overflow: the first tasks % ranges ranges have one more.
  auto beginOf = [&](int64_t range) { return tasks / ranges * range + std::min(range, tasks % ranges); };
  generation = (generation + 4) & ~3u;
  for (int64_t i = 1; i < ranges; ++i) {
    Slot &slot = slots[size_t(i - 1)];
    slot.begin = beginOf(i);
    slot.end = beginOf(i + 1);
    slot.body = body;
    slot.args = args;
    slot.ticket.store(generation + Open);
    if (slot.sleeping.load() != 0) {
      slot.sleeping.store(0);
      futexWake(slot.sleeping);
    }
  }
  insideBody = true;
  body(args, 0, beginOf(1));
  for (int64_t i = 1; i < ranges; ++i) {
    Slot &slot = slots[size_t(i - 1)];
    uint32_t open = generation + Open;
    if (slot.ticket.compare_exchange_strong(open, generation + Done))
      body(args, slot.begin, slot.end);
    else
      waitForEnd(slot);
  }
  insideBody = false;
  busy.store(false, std::memory_order_release);
}

static void parallelOnPool(dlc_context *context, ThreadPool::Body body, void *args, int64_t tasks) {
  static_cast<ThreadPool *>(context->pool)->parallel(body, args, tasks);
}

dlc_context ThreadPool::context() {
  dlc_context context = {};
  context.parallel = parallelOnPool;
  context.pool = this;
  return context;
}

} // namespace dlc
