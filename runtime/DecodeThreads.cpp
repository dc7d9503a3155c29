// Tasks are begun in order, so that all below a failed one have begun when it fails, and their failures count before it.
#include "runtime/DecodeThreads.h"

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <new>
#include <system_error>
#include <thread>
#include <vector>

namespace dlc {

struct DecodeThreads::Implementation {
  std::vector<std::thread> helpers;
  std::mutex mutex;
  std::condition_variable changed;
  const std::function<Result<void>(int64_t)> *task = nullptr;
  int64_t tasks = 0;
  std::atomic<int64_t> next{0};
  uint64_t call = 0;  ///< of run(), counted
  size_t working = 0; ///< helpers that are in the call under way
  bool ending = false;
  std::optional<Failure> failure;

  void takeTasks();
  void help();
};

/// What a task needs and does not get is its failure: no exception leaves a thread.
static Result<void> attempt(const std::function<Result<void>(int64_t)> &task, int64_t i) {
  try {
    return task(i);
  } catch (const std::bad_alloc &) {
    return Error::plain("there is no memory to read an example");
  }
}

void DecodeThreads::Implementation::takeTasks() {
  for (int64_t i = next++; i < tasks; i = next++)
    if (Result<void> ok = attempt(*task, i); !ok) {
      std::lock_guard lock(mutex);
      if (!failure || i < failure->task)
        failure = Failure{i, ok.error()};
      next = tasks;
    }
}

void DecodeThreads::Implementation::help() {
  std::unique_lock lock(mutex);
  for (uint64_t seen = 0;;) {
    changed.wait(lock, [&] { return ending || call != seen; });
    if (ending)
      return;
    seen = call;
    if (task == nullptr) // the others were faster
      continue;
    ++working;
    lock.unlock();
    takeTasks();
    lock.lock();
    --working;
    changed.notify_all();
  }
}

DecodeThreads::DecodeThreads(int threads) : impl(std::make_unique<Implementation>()) {
  try {
    for (int i = 1; i < threads; ++i)
      impl->helpers.emplace_back([impl = impl.get()] { impl->help(); });
  } catch (const std::system_error &) {
    // There are no more: those that there are do the work.
  }
}

DecodeThreads::~DecodeThreads() {
  {
    std::lock_guard lock(impl->mutex);
    impl->ending = true;
  }
  impl->changed.notify_all();
  for (std::thread &helper : impl->helpers)
    helper.join();
}

std::optional<DecodeThreads::Failure> DecodeThreads::run(int64_t tasks,
                                                         const std::function<Result<void>(int64_t)> &task) {
  {
    std::lock_guard lock(impl->mutex);
    impl->task = &task;
    impl->tasks = tasks;
    impl->next = 0;
    impl->failure.reset();
    ++impl->call;
  }
  if (tasks > 1)
    impl->changed.notify_all();
  impl->takeTasks();
  std::unique_lock lock(impl->mutex);
  impl->changed.wait(lock, [&] { return impl->working == 0; });
  impl->task = nullptr;
  return std::move(impl->failure);
}

} // namespace dlc
