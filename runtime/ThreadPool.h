// Fork-join over a range of tasks with persistent workers: [0, tasks) is cut in as many equal contiguous ranges as
// there are threads; the caller works too. Workers spin a few tens of microseconds for the next call and then sleep, so
// that a fork-join in a hot loop costs well under a microsecond. A range that its worker has not begun is taken over by
// the caller. Nothing is allocated and no lock is taken in a call. There is one pool a process, owned by whoever owns
// the run.
#pragma once

#include "runtime/Abi.h"

#include <atomic>
#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

namespace dlc {

class ThreadPool {
public:
  using Body = void (*)(void *args, int64_t begin, int64_t end);

  /// A pool of `threads` (at least 1), of which the caller is one; of fewer if the system gives no more.
  explicit ThreadPool(int threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool &) = delete;
  ThreadPool &operator=(const ThreadPool &) = delete;

  int threads() const { return int(workers.size()) + 1; }

  /// Runs `body` over [0, tasks) and returns when all is done. Runs inline when the pool has one thread, when called
  /// from inside a body, or while another thread uses the pool.
  void parallel(Body body, void *args, int64_t tasks);

  /// A context for compiled code that runs on this pool, with no error set and no stop flag.
  dlc_context context();

private:
  struct alignas(128) Slot {
    std::atomic<uint32_t> ticket{0};   ///< generation + state
    std::atomic<uint32_t> sleeping{0}; ///< 1 while the worker waits in the kernel
    int64_t begin = 0, end = 0;
    Body body = nullptr;
    void *args = nullptr;
  };

  void work(Slot &slot);
  /// Waits until the ticket was open and gives it as it is then, or 0 when the pool ends.
  uint32_t waitForTicket(Slot &slot);
  void waitForEnd(Slot &slot);

  std::unique_ptr<Slot[]> slots; ///< one for each worker
  std::vector<std::thread> workers;
  uint32_t generation = 0;  ///< of calls, in steps of 4; the low bits of a ticket are its state
  int spinMicroseconds = 0; ///< before a worker sleeps
  std::atomic<bool> busy{false};
  std::atomic<bool> callerWaits{false};
  std::atomic<bool> ending{false};
};

} // namespace dlc
