// The stream of batches: all examples once an epoch, a new order each, and the same stream from any place on.
#include "runtime/Batches.h"
#include "RuntimeTesting.h"

using namespace dlc;
using namespace dlc::testing;

static std::shared_ptr<const Dataset> moons(int n) {
  auto data =
      openSource("moons", {{}, {{"n", double(n)}}}, {field("x", DType::F32, {2}), field("label", DType::I64)}, {});
  EXPECT_TRUE(data) << errorOf(data);
  return *data;
}

namespace {
/// What one batch held.
struct Seen {
  int64_t epoch, index;
  bool last;
  std::vector<int64_t> rows;
  bool operator==(const Seen &) const = default;
};
} // namespace

/// Up to `most` batches, with their contents checked against the data set.
static std::vector<Seen> take(const BatchSpec &spec, size_t most) {
  auto stream = Batches::open(spec);
  EXPECT_TRUE(stream) << errorOf(stream);
  std::vector<Seen> all;
  while (all.size() < most) {
    Result<const Batch *> next = (*stream)->next();
    EXPECT_TRUE(next) << errorOf(next);
    if (!next || *next == nullptr)
      break;
    const Batch *batch = *next;
    all.push_back(
        {batch->epoch, batch->index, batch->lastOfEpoch, {batch->rowIndices, batch->rowIndices + batch->rows}});
    for (int64_t i = 0; i < batch->rows; ++i) {
      int64_t row = batch->rowIndices[i];
      EXPECT_EQ(static_cast<const int64_t *>(batch->inputs[0])[i], spec.data->column("label")->as<int64_t>()[row]);
      EXPECT_EQ(static_cast<const float *>(batch->inputs[1])[2 * i + 1],
                spec.data->column("x")->as<float>()[2 * row + 1]);
    }
    for (size_t field = 0; field < 2; ++field)
      EXPECT_EQ(reinterpret_cast<uintptr_t>(batch->inputs[field]) % 64, 0u);
  }
  return all;
}

static BatchSpec specOf(int n, int64_t batch) { return {moons(n), {"label", "x"}, batch, true, 7, 0, 0, -1}; }

TEST(Batches, EpochsMayBeMoreThanCanBeCounted) {
  BatchSpec spec{moons(10), {"label", "x"}, 1, true, 1, 0, 0, -1};
  std::vector<Seen> endless = take(spec, 25);
  spec.endEpoch = std::numeric_limits<int64_t>::max();
  EXPECT_EQ(take(spec, 25), endless);
}

TEST(Batches, ComeWithoutAThreadOfTheirOwnToo) {
  BatchSpec spec = specOf(103, 10);
  spec.endEpoch = 300; // several chunks
  std::vector<Seen> all = take(spec, 10000);
  EXPECT_EQ(all.size(), 3300u);
  NoMoreThreads scope;
  EXPECT_EQ(take(spec, 10000), all);
}

TEST(Batches, EveryExampleOnceAnEpochInANewOrder) {
  BatchSpec spec = specOf(103, 10);
  spec.endEpoch = 3;
  std::vector<Seen> all = take(spec, 1000);
  ASSERT_EQ(all.size(), 33u);
  std::vector<std::vector<int64_t>> epochs(3);
  for (const Seen &batch : all) {
    EXPECT_EQ(batch.rows.size(), batch.last ? 3u : 10u); // the last partial batch is used
    epochs[size_t(batch.epoch)].insert(epochs[size_t(batch.epoch)].end(), batch.rows.begin(), batch.rows.end());
  }
  EXPECT_NE(epochs[0], epochs[1]);
  for (std::vector<int64_t> &rows : epochs) {
    std::sort(rows.begin(), rows.end());
    ASSERT_EQ(rows.size(), 103u);
    for (int64_t i = 0; i < 103; ++i)
      EXPECT_EQ(rows[size_t(i)], i);
  }
}

TEST(Batches, WithoutShuffleTheOrderIsTheFiles) {
  BatchSpec spec = specOf(5, 2);
  spec.shuffle = false;
  std::vector<Seen> all = take(spec, 4);
  EXPECT_EQ(all[1].rows, (std::vector<int64_t>{2, 3}));
  EXPECT_EQ(all[2].rows, (std::vector<int64_t>{4}));
  EXPECT_EQ(all[3], (Seen{1, 0, false, {0, 1}}));
}

TEST(Batches, TheStreamIsTheSameFromAnyPlaceOn) {
  BatchSpec spec = specOf(50, 8);
  std::vector<Seen> all = take(spec, 30);
  spec.epoch = 1;
  spec.batchIndex = 3;
  std::vector<Seen> later = take(spec, 10);
  EXPECT_EQ(later, std::vector<Seen>(all.begin() + 10, all.begin() + 20));
}

TEST(Batches, ManyChunksKeepTheirOrder) {
  // Batches of some 100 KiB: a chunk holds a few only.
  BatchSpec spec = specOf(30000, 6000);
  spec.endEpoch = 8;
  std::vector<Seen> all = take(spec, 1000);
  ASSERT_EQ(all.size(), 40u);
  for (size_t i = 0; i < all.size(); ++i)
    EXPECT_EQ(all[i].epoch * 5 + all[i].index, int64_t(i));
}

TEST(Batches, ABatchLargerThanTheDataIsAllOfThem) {
  std::vector<Seen> all = take(specOf(5, 100), 2);
  EXPECT_EQ(all[0].rows.size(), 5u);
  EXPECT_TRUE(all[0].last);
  EXPECT_EQ(all[1].epoch, 1);
}

TEST(Batches, MayBeDroppedAtAnyTime) {
  for (size_t count : {0, 1, 70})
    take(specOf(200, 3), count);
}

TEST(Batches, ARowThatCannotBeReadIsAnErrorInPlaceOfItsBatch) {
  struct Torn : RowReader {
    Result<void> read(int64_t row, std::byte *out) const override {
      *reinterpret_cast<int32_t *>(out) = int32_t(row);
      return row == 5 ? Error::inFile("5.txt", "is torn") : Result<void>();
    }
  };
  Column column{field("x", DType::I32)};
  column.reader = std::make_shared<Torn>();
  BatchSpec spec{std::make_shared<Dataset>("torn", 9, std::vector<Column>{column}), {"x"}, 2, false, 0, 0, 0, -1};
  auto stream = Batches::open(spec);
  for (int32_t first : {0, 2}) {
    Result<const Batch *> batch = (*stream)->next();
    ASSERT_TRUE(batch) << errorOf(batch);
    EXPECT_EQ(static_cast<const int32_t *>((*batch)->inputs[0])[1], first + 1);
  }
  for (int i = 0; i < 2; ++i)
    EXPECT_EQ(errorOf((*stream)->next()), "5.txt: is torn");
}

TEST(Batches, WhatCannotBeDeliveredIsAnError) {
  BatchSpec spec = specOf(5, 2);
  spec.fields = {"labels"};
  EXPECT_EQ(errorOf(Batches::open(spec)), "the data set `moons` has no field `labels`");
  spec = specOf(5, 0);
  EXPECT_EQ(errorOf(Batches::open(spec)), "a batch of 0 examples is not possible");
  spec = specOf(5, 2);
  spec.batchIndex = 3;
  EXPECT_EQ(errorOf(Batches::open(spec)), "batch 3 is not one of the 3 of an epoch of `moons`");
}

TEST(Batches, DrawnByWeightsEachAsOftenAsItsWeightSays) {
  BatchSpec spec = specOf(100, 10);
  auto weights = std::make_shared<std::vector<double>>(100, 0);
  (*weights)[3] = 1;
  (*weights)[98] = 3;
  spec.weights = weights;
  spec.endEpoch = 100;
  std::vector<Seen> all = take(spec, 100000);
  ASSERT_EQ(all.size(), 1000u); // as many examples an epoch as there are
  std::map<int64_t, int> counts;
  for (const Seen &batch : all)
    for (int64_t row : batch.rows)
      ++counts[row];
  EXPECT_EQ(counts.size(), 2u);
  EXPECT_NEAR(counts[3], 2500, 200);
  EXPECT_NE(all[0].rows, all[10].rows);
  spec.epoch = 1;
  spec.batchIndex = 3;
  EXPECT_EQ(take(spec, 10), std::vector<Seen>(all.begin() + 13, all.begin() + 23));
}

TEST(Batches, WeightsThatNothingCanBeDrawnBy) {
  BatchSpec spec = specOf(3, 1);
  auto problem = [&](std::vector<double> weights) {
    spec.weights = std::make_shared<std::vector<double>>(std::move(weights));
    return errorOf(Batches::open(spec));
  };
  EXPECT_EQ(problem({1, 2}), "`sample_by` has 2 weights, but `moons` has 3 examples");
  EXPECT_EQ(problem({1, -2, 1}), "the weight of sample 1 of `moons` is -2, but must be finite and not negative");
  EXPECT_EQ(problem({1, 2, NAN}), "the weight of sample 2 of `moons` is nan, but must be finite and not negative");
  EXPECT_EQ(problem({0, 0, 0}), "all weights of `moons` are zero: no example can be drawn");
}
