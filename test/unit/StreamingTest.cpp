// Data that is read as it is needed: what does not fit the memory comes in the same order on any number of threads, on no
// more than were asked for, and never as a whole.
#include "RuntimeTesting.h"
#include "runtime/Batches.h"
#include "runtime/RowCache.h"

#include <mutex>
#include <set>
#include <thread>

using namespace dlc;
using namespace dlc::testing;

namespace {
/// Row r is r, some after a while; which threads read it.
struct Slow : RowReader {
  mutable std::mutex mutex;
  mutable std::set<std::thread::id> threads;
  mutable int64_t made = 0;
  Result<void> read(int64_t row, std::byte *out) const override {
    if (row % 7 == 0)
      std::this_thread::sleep_for(std::chrono::microseconds(50));
    *reinterpret_cast<int32_t *>(out) = int32_t(row);
    std::lock_guard lock(mutex);
    threads.insert(std::this_thread::get_id());
    ++made;
    return {};
  }
};

struct Stream {
  std::vector<int32_t> rows;
  size_t threads;
  int64_t made;
};
} // namespace

/// Three epochs of 100 rows that are read as they are needed.
static Stream streamed(int threads, uint64_t seed, size_t limit) {
  auto reader = std::make_shared<Slow>();
  Column column{field("x", DType::I32)};
  column.reader = cached(reader, 100, 4, limit);
  auto data = std::make_shared<Dataset>("rows", 100, std::vector<Column>{column});
  data->threads = threads;
  auto stream = Batches::open({data, {"x"}, 8, true, seed, 0, 0, 3});
  EXPECT_TRUE(stream);
  Stream made;
  while (const Batch *batch = *(*stream)->next())
    for (int64_t i = 0; i < batch->rows; ++i)
      made.rows.push_back(static_cast<const int32_t *>(batch->inputs[0])[i]);
  made.threads = reader->threads.size();
  made.made = reader->made;
  return made;
}

TEST(Streaming, TheOrderDependsOnTheSeedAlone) {
  Stream one = streamed(1, 5, 0);
  EXPECT_EQ(one.rows.size(), 300u);
  EXPECT_EQ(one.made, 300) << "nothing was kept";
  EXPECT_EQ(one.threads, 1u);
  for (int threads : {2, 3, 8}) {
    Stream more = streamed(threads, 5, 0);
    EXPECT_EQ(more.rows, one.rows) << threads;
    EXPECT_LE(more.threads, size_t(threads));
  }
  Stream kept = streamed(2, 5, 400);
  EXPECT_EQ(kept.rows, one.rows);
  EXPECT_LT(kept.made, 150); // now and then two threads read one
  EXPECT_NE(streamed(1, 6, 0).rows, one.rows);
}

TEST(Streaming, WhatDoesNotFitIsNeverReadAsAWhole) {
  auto reader = std::make_shared<Slow>();
  Column column{field("x", DType::I32, {1 << 20})};
  column.reader = reader;
  int64_t rows = int64_t(availableMemory() / 4 / 4 >> 20) + 2;
  Dataset data("photos", rows, {column});
  std::string error = errorOf(data.dense("x"));
  EXPECT_TRUE(error.starts_with("all of `photos.x` is ")) << error;
  EXPECT_TRUE(error.ends_with(" GB, more than a quarter of the memory that is free; a training reads it in batches"))
      << error;
  EXPECT_EQ(reader->made, 0);
  EXPECT_EQ(errorOf(Dataset("photos", int64_t(1) << 60, {column}).dense("x")),
            "field `x` of 1152921504606846976 examples does not fit the memory");
  column.spec.shape = {};
  auto few = Dataset("photos", 3, {column}).slice(1, 3).dense("x");
  ASSERT_TRUE(few) << errorOf(few);
  EXPECT_EQ(few->as<int32_t>()[1], 2);
}

TEST(Streaming, ThreadsAreThoseThatTheSourceWasOpenedWith) {
  TemporaryFolder folder;
  folder.write("a.csv", "x\n1\n");
  SourceArguments arguments{{"a.csv"}, {}};
  arguments.threads = 3;
  auto data = openSource("csv", arguments, {field("x", DType::I32)}, folder.paths());
  ASSERT_TRUE(data) << errorOf(data);
  EXPECT_EQ((*data)->threads, 3);
  EXPECT_EQ((*data)->slice(0, 1).threads, 3);
}
