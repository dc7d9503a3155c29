// Threads that make rows: they take tasks one by one, for a picture may take a hundred times as long as another. Apart
// from the ThreadPool of the step, beside which they work.
#pragma once

#include "runtime/Result.h"

#include <functional>
#include <memory>
#include <optional>

namespace dlc {

class DecodeThreads {
public:
  /// `threads` in all, of which the caller of run() is one; fewer if the system gives no more.
  explicit DecodeThreads(int threads);
  ~DecodeThreads();

  struct Failure {
    int64_t task;
    Error error;
  };
  /// Runs task(0) to task(tasks - 1), each once, on all threads, and waits. After a failure no further tasks are begun;
  /// the failure given is that of the least task, which is the same on any number of threads.
  std::optional<Failure> run(int64_t tasks, const std::function<Result<void>(int64_t)> &task);

private:
  struct Implementation;
  std::unique_ptr<Implementation> impl;
};

} // namespace dlc
