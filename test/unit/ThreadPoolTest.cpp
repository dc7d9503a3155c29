// Fork-join: every task once, in contiguous ranges, whatever the number of threads; and how many threads there are.
#include "runtime/ThreadPool.h"
#include "RuntimeTesting.h"
#include "runtime/AvailableThreads.h"

#include <atomic>
#include <chrono>
#include <mutex>
#include <sched.h>

using namespace dlc;
using namespace dlc::testing;

namespace {
/// Counts how often each task ran and in which ranges.
struct Record {
  std::vector<std::atomic<int>> counts;
  std::mutex mutex;
  std::vector<std::pair<int64_t, int64_t>> ranges;
  explicit Record(int64_t tasks) : counts(size_t(tasks)) {}

  static void body(void *args, int64_t begin, int64_t end) {
    auto *record = static_cast<Record *>(args);
    for (int64_t i = begin; i < end; ++i)
      record->counts[size_t(i)]++;
    std::lock_guard lock(record->mutex);
    record->ranges.emplace_back(begin, end);
  }
  bool eachOnce() const {
    for (const auto &count : counts)
      if (count != 1)
        return false;
    return true;
  }
};
} // namespace

TEST(ThreadPool, RunsEveryTaskOnce) {
  for (int threads : {1, 2, 3, 7}) {
    ThreadPool pool(threads);
    for (int64_t tasks : {0, 1, 2, 3, 6, 7, 8, 1000})
      for (int repeat = 0; repeat < 50; ++repeat) {
        Record record(tasks);
        pool.parallel(Record::body, &record, tasks);
        ASSERT_TRUE(record.eachOnce()) << threads << " threads, " << tasks << " tasks";
      }
  }
}

TEST(ThreadPool, WorksWithTheThreadsThatItGets) {
  NoMoreThreads scope;
  ThreadPool pool(3);
  EXPECT_EQ(pool.threads(), 1);
  Record record(7);
  pool.parallel(Record::body, &record, 7);
  EXPECT_TRUE(record.eachOnce());
}

TEST(ThreadPool, CutsEqualContiguousRanges) {
  ThreadPool pool(3);
  Record record(11);
  pool.parallel(Record::body, &record, 11);
  std::sort(record.ranges.begin(), record.ranges.end());
  EXPECT_EQ(record.ranges, (std::vector<std::pair<int64_t, int64_t>>{{0, 4}, {4, 8}, {8, 11}}));
}

TEST(ThreadPool, WorkersWakeFromSleep) {
  ThreadPool pool(2);
  for (int i = 0; i < 20; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2)); // far longer than they spin
    Record record(64);
    pool.parallel(Record::body, &record, 64);
    ASSERT_TRUE(record.eachOnce());
  }
}

TEST(ThreadPool, WaitsForALongRange) {
  ThreadPool pool(2);
  std::atomic<int> done{0};
  auto body = [](void *args, int64_t begin, int64_t) {
    if (begin > 0) // longer than the caller spins
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    static_cast<std::atomic<int> *>(args)->fetch_add(1);
  };
  for (int i = 0; i < 10; ++i) {
    done = 0;
    pool.parallel(body, &done, 2);
    ASSERT_EQ(done, 2);
  }
}

TEST(ThreadPool, ANestedCallRunsInline) {
  ThreadPool pool(3);
  struct Nested {
    ThreadPool &pool;
    std::atomic<int> sum{0};
    std::atomic<bool> inlined{true};
  } nested{pool};
  auto outer = [](void *args, int64_t begin, int64_t end) {
    auto *nested = static_cast<Nested *>(args);
    for (int64_t i = begin; i < end; ++i) {
      Record record(10);
      nested->pool.parallel(Record::body, &record, 10);
      nested->inlined = nested->inlined && record.ranges.size() == 1;
      nested->sum += record.eachOnce();
    }
  };
  pool.parallel(outer, &nested, 9);
  EXPECT_EQ(nested.sum, 9);
  EXPECT_TRUE(nested.inlined);
}

TEST(ThreadPool, SeveralThreadsMayCallIt) {
  ThreadPool pool(2);
  std::atomic<int> good{0};
  std::vector<std::thread> callers;
  for (int t = 0; t < 3; ++t)
    callers.emplace_back([&] {
      for (int i = 0; i < 300; ++i) {
        Record record(20);
        pool.parallel(Record::body, &record, 20);
        good += record.eachOnce();
      }
    });
  for (std::thread &caller : callers)
    caller.join();
  EXPECT_EQ(good, 900);
}

TEST(ThreadPool, TheContextOfCompiledCodeRunsOnIt) {
  ThreadPool pool(2);
  dlc_context context = pool.context();
  Record record(100);
  context.parallel(&context, Record::body, &record, 100);
  EXPECT_TRUE(record.eachOnce());
  EXPECT_EQ(record.ranges.size(), 2u);
  EXPECT_EQ(context.stop, nullptr);
}

TEST(ThreadPool, EachThreadHasItsRangeAgainAndAgain) {
  ThreadPool pool(2);
  // Each range waits until both have begun: the caller cannot take the worker's. How long that takes, `dlc-bench
  // --fork-join` says.
  std::atomic<int> begun{0};
  auto meet = [](void *args, int64_t, int64_t) {
    auto *begun = static_cast<std::atomic<int> *>(args);
    int target = begun->fetch_add(1) / 2 * 2 + 2;
    while (begun->load() < target)
      std::this_thread::yield();
  };
  for (int i = 0; i < 200; ++i)
    pool.parallel(meet, &begun, 2);
  EXPECT_EQ(begun.load(), 400);
}

TEST(AvailableThreads, StaysWithinTheAffinityMask) {
  cpu_set_t before, one;
  ASSERT_EQ(sched_getaffinity(0, sizeof before, &before), 0);
  CPU_ZERO(&one);
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu)
    if (CPU_ISSET(cpu, &before)) {
      CPU_SET(cpu, &one);
      break;
    }
  ASSERT_EQ(sched_setaffinity(0, sizeof one, &one), 0);
  EXPECT_EQ(availableThreads(), 1);
  sched_setaffinity(0, sizeof before, &before);
  EXPECT_LE(availableThreads(), CPU_COUNT(&before));
}

TEST(AvailableThreads, ReadsTheQuotaOfCgroupV2AndItsAncestors) {
  TemporaryFolder root;
  root.write("a/b/cpu.max", "max 100000\n");
  root.write("a/cpu.max", "250000 100000\n");
  EXPECT_EQ(cgroupCpuLimit("0::/a/b\n", root.path), 3); // 2.5 CPUs
  EXPECT_EQ(cgroupCpuLimit("0::/\n", root.path), 0);
  EXPECT_EQ(cgroupCpuLimit("0::/not/there\n", root.path), 0);
}

TEST(AvailableThreads, ReadsTheQuotaOfCgroupV1) {
  TemporaryFolder root;
  root.write("cpu,cpuacct/box/cpu.cfs_quota_us", "50000\n");
  root.write("cpu,cpuacct/box/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(cgroupCpuLimit("4:memory:/x\n3:cpu,cpuacct:/box\n0::/\n", root.path), 1); // half a CPU
  root.write("cpu,cpuacct/box/cpu.cfs_quota_us", "-1\n");
  EXPECT_EQ(cgroupCpuLimit("3:cpu,cpuacct:/box\n", root.path), 0);
}
