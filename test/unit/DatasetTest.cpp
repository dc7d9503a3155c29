// Data sets in memory: cuts, orders and splits.
#include "RuntimeTesting.h"
#include "runtime/RowParts.h"

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

/// The parts of a step, in order.
static std::vector<Dataset> partsOf(const Dataset &data, const RowStep &step) {
  std::vector<Dataset> parts;
  for (const std::string &name : step.isCut() ? step.parts() : std::vector<std::string>{""}) {
    Result<Dataset> part = rowsOf(data, step, name);
    EXPECT_TRUE(part) << errorOf(part);
    if (part)
      parts.push_back(*part);
  }
  return parts;
}

static RowStep splitAt(double train, double validate, bool shuffle) {
  RowStep step{RowStep::Split};
  step.train = train;
  step.validate = validate;
  step.seed = 3;
  step.shuffle = shuffle;
  return step;
}

static RowStep foldOf(int64_t k, int64_t index) {
  RowStep step{RowStep::Fold};
  step.k = k;
  step.index = index;
  return step;
}

static std::vector<int32_t> idsOf(const Dataset &part) {
  Result<Column> ids = part.dense("id");
  return {ids->as<int32_t>(), ids->as<int32_t>() + part.size()};
}

TEST(RowParts, EveryExampleIsInOnePart) {
  auto data = numbered(10);
  RowStep shuffled{RowStep::Shuffle};
  for (const RowStep &step : {splitAt(0.7, 0, true), splitAt(0.5, 0.2, true), splitAt(0.5, 0.2, false), foldOf(3, 0),
                              foldOf(3, 2), foldOf(10, 4), shuffled}) {
    std::vector<int32_t> ids;
    for (const Dataset &part : partsOf(*data, step)) {
      std::vector<int32_t> own = idsOf(part);
      for (int64_t i = 0; i < part.size(); ++i) {
        int32_t id = own[size_t(i)];
        EXPECT_EQ(part.dense("pair")->as<uint8_t>()[2 * i], id); // rows stay together
        EXPECT_EQ((*part.dense("word")->strings)[size_t(i)], "w" + std::to_string(id));
        EXPECT_EQ(part.column("kind")->vocabulary->entries()[size_t(part.dense("kind")->as<int32_t>()[i])],
                  id % 2 ? "odd" : "even");
      }
      ids.insert(ids.end(), own.begin(), own.end());
    }
    EXPECT_EQ(std::is_sorted(ids.begin(), ids.end()), !step.shuffle);
    std::sort(ids.begin(), ids.end());
    EXPECT_EQ(ids, (std::vector<int32_t>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}));
  }
}

TEST(RowParts, SizesAndNames) {
  auto data = numbered(10);
  std::vector<Dataset> parts = partsOf(*data, splitAt(0.5, 0.2, false));
  ASSERT_EQ(parts.size(), 3u);
  EXPECT_EQ(idsOf(parts[0]), (std::vector<int32_t>{0, 1, 2, 3, 4}));
  EXPECT_EQ(idsOf(parts[1]), (std::vector<int32_t>{5, 6}));
  EXPECT_EQ(idsOf(parts[2]), (std::vector<int32_t>{7, 8, 9}));
  EXPECT_EQ(parts[1].name(), data->name() + ".validate");
  // A part of a part is one of its rows.
  Result<Dataset> inner = rowsOf(parts[2], splitAt(0.5, 0, false), "rest");
  EXPECT_EQ(idsOf(*inner), (std::vector<int32_t>{9}));
}

TEST(RowParts, FoldsTogetherAreAllRows) {
  auto data = numbered(10);
  std::vector<int32_t> ids;
  for (int64_t i = 0; i < 3; ++i) {
    std::vector<Dataset> parts = partsOf(*data, foldOf(3, i));
    EXPECT_EQ(parts[0].size() + parts[1].size(), 10);
    std::vector<int32_t> rest = idsOf(parts[1]);
    ids.insert(ids.end(), rest.begin(), rest.end());
  }
  std::sort(ids.begin(), ids.end());
  EXPECT_EQ(ids, (std::vector<int32_t>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}));
}

TEST(RowParts, AnEmptyPartIsAnError) {
  auto data = numbered(10);
  EXPECT_EQ(errorOf(rowsOf(*data, splitAt(0.99, 0, true), "train")),
            "a split of 10 examples at 0.99 leaves one part empty");
  EXPECT_EQ(errorOf(rowsOf(*data, splitAt(0.9, 0.01, true), "rest")),
            "a split of 10 examples at 0.9 and 0.91 leaves one part empty");
  EXPECT_EQ(errorOf(rowsOf(*data, foldOf(11, 0), "rest")), "11 folds of 10 examples leave one empty");
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
