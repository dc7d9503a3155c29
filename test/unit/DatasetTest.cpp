// Data sets in memory: cuts, orders and splits.
#include "RuntimeTesting.h"

using namespace dlc;
using namespace dlc::testing;

/// Rows 0..n with `id` (i32), `pair` (u8[2]), `kind` (category) and `word` (str).
static std::shared_ptr<const Dataset> numbered(int n) {
  TemporaryFolder folder;
  std::string csv = "id,a,b,kind,word\n";
  for (int i = 0; i < n; ++i)
    csv += std::to_string(i) + "," + std::to_string(i % 256) + ",7," + (i % 2 ? "odd" : "even") + ",w" +
           std::to_string(i) + "\n";
  folder.write("x.csv", csv);
  auto data = openSource("csv", {{"x.csv"}, {}},
                         {field("id", DType::I32), field("pair", DType::U8, {2}), category("kind"), text("word")},
                         folder.paths());
  EXPECT_TRUE(data) << errorOf(data);
  return *data;
}

TEST(Dataset, SlicesShareMemoryAndKeepCategories) {
  auto data = numbered(10);
  Dataset part = data->slice(4, 7);
  EXPECT_EQ(part.size(), 3);
  EXPECT_EQ(part.dense("id")->as<int32_t>(), data->column("id")->as<int32_t>() + 4);
  EXPECT_EQ(part.dense("pair")->as<uint8_t>()[2], 5);
  EXPECT_EQ((*part.dense("word")->strings)[0], "w4");
  EXPECT_EQ(part.classes("kind"), 2);
  EXPECT_EQ(part.slice(1, 3).row(1), 6);
}

TEST(Dataset, ChosenExamplesMayComeAgainAndBeChosenAgain) {
  auto data = numbered(10);
  Dataset part = data->slice(2, 10).choose({7, 0, 0, 3}).choose({3, 1, 0});
  EXPECT_EQ(part.size(), 3);
  for (auto [i, id] : {std::pair(0, 5), {1, 2}, {2, 9}}) {
    EXPECT_EQ(part.row(i), id);
    EXPECT_EQ(part.dense("id")->as<int32_t>()[i], id);
    EXPECT_EQ((*part.dense("word")->strings)[size_t(i)], "w" + std::to_string(id));
  }
  EXPECT_EQ(part.slice(1, 2).dense("id")->as<int32_t>()[0], 2);
}

namespace {
/// Row r is r twice; row 3 cannot be read.
struct Doubled : RowReader {
  Result<void> read(int64_t row, std::byte *out) const override {
    if (row == 3)
      return Error::inFile("3.txt", "is torn");
    int32_t pair[] = {int32_t(row), int32_t(row)};
    std::memcpy(out, pair, sizeof pair);
    return {};
  }
};
} // namespace

TEST(Dataset, RowsMayOverlapOrBeMadeWhenAskedFor) {
  auto storage = std::make_shared<Arena>(std::move(*Arena::allocate(24)));
  for (int32_t i = 0; i < 6; ++i)
    reinterpret_cast<int32_t *>(storage->data())[i] = 10 * i;
  Column windows{field("window", DType::I32, {3}), storage, storage->data(), 4};
  Column made{field("made", DType::I32, {2})};
  made.reader = std::make_shared<Doubled>();
  Dataset data("both", 4, {windows, made}), part = data.slice(1, 3);
  auto values = [](const Result<Column> &column, int n) {
    return std::vector<int32_t>(column->as<int32_t>(), column->as<int32_t>() + n);
  };
  EXPECT_EQ(values(part.dense("window"), 6), (std::vector<int32_t>{10, 20, 30, 20, 30, 40}));
  EXPECT_EQ(values(part.dense("made"), 4), (std::vector<int32_t>{1, 1, 2, 2}));
  EXPECT_EQ(errorOf(data.dense("made")), "3.txt: is torn");
}

TEST(Dataset, SplitsKeepEveryExampleOnce) {
  auto data = numbered(10);
  auto parts = data->split(0.7, 3, true);
  ASSERT_TRUE(parts) << errorOf(parts);
  EXPECT_EQ(parts->train->size(), 7);
  EXPECT_EQ(parts->rest->size(), 3);
  std::vector<int32_t> ids;
  for (const auto &part : {parts->train, parts->rest})
    for (int64_t i = 0; i < part->size(); ++i) {
      int32_t id = part->dense("id")->as<int32_t>()[i];
      ids.push_back(id);
      EXPECT_EQ(part->dense("pair")->as<uint8_t>()[2 * i], id); // rows stay together
      EXPECT_EQ((*part->dense("word")->strings)[size_t(i)], "w" + std::to_string(id));
      EXPECT_EQ(part->column("kind")->vocabulary->entries()[size_t(part->dense("kind")->as<int32_t>()[i])],
                id % 2 ? "odd" : "even");
    }
  EXPECT_FALSE(std::is_sorted(ids.begin(), ids.end()));
  std::sort(ids.begin(), ids.end());
  EXPECT_EQ(ids, (std::vector<int32_t>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}));
}

TEST(Dataset, ASplitWithoutShuffleIsTheFirstPartAndTheRest) {
  auto parts = numbered(10)->split(0.9, 1, false);
  ASSERT_TRUE(parts) << errorOf(parts);
  EXPECT_EQ(parts->train->dense("id")->as<int32_t>()[8], 8);
  EXPECT_EQ(parts->rest->dense("id")->as<int32_t>()[0], 9);
}

TEST(Dataset, ASplitThatLeavesNothingIsAnError) {
  auto data = numbered(10);
  EXPECT_EQ(errorOf(data->split(1.5, 1, true)), "`train: 1.5` of a split is not between 0 and 1");
  EXPECT_EQ(errorOf(data->split(0, 1, true)), "`train: 0` of a split is not between 0 and 1");
  EXPECT_EQ(errorOf(data->split(0.99, 1, true)), "a split of 10 examples at 0.99 leaves one part empty");
}

TEST(Permutation, DependsOnLengthSeedAndStreamAlone) {
  std::vector<int64_t> order = permutation(1000, 5, 0);
  EXPECT_EQ(order, permutation(1000, 5, 0));
  EXPECT_NE(order, permutation(1000, 6, 0));
  EXPECT_NE(order, permutation(1000, 5, 1));
  std::sort(order.begin(), order.end());
  for (int64_t i = 0; i < 1000; ++i)
    ASSERT_EQ(order[size_t(i)], i);
  EXPECT_TRUE(permutation(0, 1).empty());
  EXPECT_EQ(permutation(1, 1), std::vector<int64_t>{0});
}

TEST(Permutation, EveryOrderIsAsLikely) {
  std::map<std::vector<int64_t>, int> counts;
  for (uint64_t seed = 0; seed < 6000; ++seed)
    counts[permutation(3, seed)]++;
  EXPECT_EQ(counts.size(), 6u);
  for (const auto &[order, count] : counts)
    EXPECT_NEAR(count, 1000, 150);
}
