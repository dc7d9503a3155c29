// Comma-separated text: which column is which field, quotes and line ends, categories, and errors with line and column.
#include "RuntimeTesting.h"

#include <random>

using namespace dlc;
using namespace dlc::testing;

static const std::string repair =
    "\n`missing: 0`, `missing: \"mean\"` or `missing: \"skip\"` of `csv` says what becomes of it";

namespace {
class Csv : public ::testing::Test {
protected:
  TemporaryFolder folder;

  Result<std::shared_ptr<const Dataset>> open(const std::string &content, std::vector<FieldSpec> fields) {
    folder.write("x.csv", content);
    return openSource("csv", {{"x.csv"}, {}}, fields, folder.paths());
  }
  std::string errorFor(const std::string &content, std::vector<FieldSpec> fields) {
    std::string error = errorOf(open(content, std::move(fields))), path = folder / "x.csv";
    return error.starts_with(path) ? error.substr(path.size() + 1) : error;
  }
};

template <class T> std::vector<T> valuesOf(const Dataset &data, const std::string &name) {
  const Column *column = data.column(name);
  return {column->as<T>(), column->as<T>() + data.size() * column->spec.elements()};
}
} // namespace

TEST_F(Csv, ColumnsGoByTheHeaderIfEveryFieldIsOne) {
  auto data = open("a,b,c\n1,2,3\n4,5,6\n", {field("c", DType::F32), field("a", DType::I32)});
  ASSERT_TRUE(data) << errorOf(data);
  EXPECT_EQ(valuesOf<float>(**data, "c"), (std::vector<float>{3, 6}));
  EXPECT_EQ(valuesOf<int32_t>(**data, "a"), (std::vector<int32_t>{1, 4}));
}

TEST_F(Csv, AFieldOfSeveralNumbersTakesColumnsFromItsName) {
  auto data = open("y,x,x2\n1,2,3\n", {field("x", DType::F32, {2}), field("y", DType::F32)});
  ASSERT_TRUE(data) << errorOf(data);
  EXPECT_EQ(valuesOf<float>(**data, "x"), (std::vector<float>{2, 3}));
  EXPECT_EQ(errorFor("x,y\n1,2\n", {field("x", DType::F32, {2}), field("y", DType::F32)}),
            "1:3: field `x` takes 2 columns, but `y` stands among them");
  EXPECT_EQ(errorFor("y,x\n1,2\n", {field("x", DType::F32, {2}), field("y", DType::F32)}),
            "1:3: field `x` takes 2 columns, but only 1 begin here");
}

TEST_F(Csv, OtherwiseTheFieldsFillTheColumnsInOrder) {
  auto data = open("x0,x1,y\n1,2,3\n4,5,6\n", {field("x", DType::F32, {2}), field("y", DType::F32, {1})});
  ASSERT_TRUE(data) << errorOf(data);
  EXPECT_EQ(valuesOf<float>(**data, "x"), (std::vector<float>{1, 2, 4, 5}));
  EXPECT_EQ(valuesOf<float>(**data, "y"), (std::vector<float>{3, 6}));
}

TEST_F(Csv, AMisspeltColumnIsAnError) {
  std::string content = "width,height,kind\n1,2,a\n";
  EXPECT_EQ(errorFor(content, {field("width", DType::F32), field("hieght", DType::F32), text("kind")}),
            "1:1: there is no column `hieght`; did you mean `height`?");
  EXPECT_EQ(errorFor(content, {field("depth", DType::F32), text("kind")}),
            "1:1: there is no column `depth`; the columns are `width`, `height`, `kind`");
  // A field of several numbers has no column of its name, but the others must stand where it leaves them.
  EXPECT_EQ(errorFor(content, {field("x", DType::F32, {2}), field("width", DType::F32)}),
            "1:1: there is no column `x`; the columns are `width`, `height`, `kind`");
  EXPECT_EQ(errorFor(content, {field("x", DType::F32, {2}), text("kind")}), "");
}

TEST_F(Csv, WhatIsMissingIsANumberTheMeanOrNoRow) {
  std::string content = "x,n,s\n1,2,a\n?,4,\n4,,b\n";
  std::vector<FieldSpec> fields = {field("x", DType::F32), field("n", DType::U8), text("s")};
  auto with = [&](SourceValue missing) {
    folder.write("x.csv", content);
    return openSource("csv", {{"x.csv"}, {{"missing", missing}}}, fields, folder.paths());
  };
  auto mean = with("mean"), number = with(9.0), skip = with("skip");
  ASSERT_TRUE(mean && number && skip) << errorOf(mean) << errorOf(number) << errorOf(skip);
  EXPECT_EQ(valuesOf<float>(**mean, "x"), (std::vector<float>{1, 2.5, 4}));
  EXPECT_EQ(valuesOf<uint8_t>(**mean, "n"), (std::vector<uint8_t>{2, 4, 3}));
  EXPECT_EQ(*(*mean)->column("s")->strings, (std::vector<std::string>{"a", "", "b"}));
  EXPECT_EQ(valuesOf<uint8_t>(**number, "n"), (std::vector<uint8_t>{2, 4, 9}));
  EXPECT_EQ((*skip)->size(), 1);
  EXPECT_EQ((*skip)->notes.size(), 1u);
  EXPECT_TRUE(errorOf(with(300.0)).ends_with("a value is missing (field `n`), and `missing: 300` does not fit u8"));
  EXPECT_EQ(errorOf(with("none")), "argument `missing` of `csv` is not a number, \"mean\" or \"skip\"");
  EXPECT_EQ(errorOf(with(true)), "argument `missing` of `csv` is not a number, \"mean\" or \"skip\"");
  content = "x,n,s\n?,2,a\n,4,b\n";
  EXPECT_TRUE(errorOf(with("mean")).ends_with("every value of field `x` is missing: there is no mean"));
  EXPECT_TRUE(errorOf(with("skip")).ends_with("holds no row in which nothing is missing"));
}

TEST_F(Csv, DatesAreToldApart) {
  auto errorOfCell = [&](const std::string &cell) { return errorFor("x\n" + cell + "\n", {field("x", DType::F32)}); };
  for (const char *date :
       {"1999-12-31", "31.12.1999", "12/31/99 10:00", "10:30", "1999-12-31T10:00:00Z", "2020-01-01 10:00:00.123"})
    EXPECT_EQ(errorOfCell(date), std::string("2:1: `") + date +
                                     "` is a date or a time (column `x`)\nsplit it into columns of "
                                     "numbers, or declare the field `str` or `category`");
  for (const char *other : {"1.234.567", "abc", "1-", "1/2", "12-31-x", "10 20"})
    EXPECT_EQ(errorOfCell(other), std::string("2:1: `") + other + "` is not a number (column `x`)");
}

TEST_F(Csv, AFirstLineThatReadsAsTheFieldsIsNoHeader) {
  auto data = open("1,2,3\n4,5,6", {field("x", DType::U8, {2}), field("y", DType::U8)});
  ASSERT_TRUE(data) << errorOf(data);
  EXPECT_EQ((*data)->size(), 2);
  EXPECT_EQ(errorFor("1,?,3\n4,5,6", {field("x", DType::U8, {2}), field("y", DType::U8)}),
            "1:3: a value is missing (field `x`); only a category may miss values" + repair);
}

TEST_F(Csv, WordsQuotesAndLineEnds) {
  auto data = open("\xEF\xBB\xBFname,n\r\n\"Smith, \"\"J\"\"\", 1 \r\n\r\n  two\nwords,2\r\n\"over\ntwo\",+3\r\n" +
                       std::string(),
                   {text("name"), field("n", DType::I32)});
  EXPECT_EQ(errorOf(data), folder / "x.csv" + ":4:3: this row has 1 columns, but the header has 2");
  data = open("\xEF\xBB\xBFname,n\r\n\"Smith, \"\"J\"\"\", 1 \r\n\r\n  two words,2\r\n\"over\ntwo\",+3\r\n",
              {text("name"), field("n", DType::I32)});
  ASSERT_TRUE(data) << errorOf(data);
  EXPECT_EQ(*(*data)->column("name")->strings, (std::vector<std::string>{"Smith, \"J\"", "two words", "over\ntwo"}));
  EXPECT_EQ(valuesOf<int32_t>(**data, "n"), (std::vector<int32_t>{1, 2, 3}));
}

TEST_F(Csv, BadNumbersNameTheirPlace) {
  std::vector<FieldSpec> fields = {field("x", DType::F32), field("y", DType::I32)};
  EXPECT_EQ(errorFor("x,y\n1,2\n3,abc\n", fields), "3:3: `abc` is not a number (column `y`)");
  EXPECT_EQ(errorFor("x,y\n1,2\n3,4.5\n", fields), "3:3: `4.5` is not a whole number, as is i32 (column `y`)");
  EXPECT_EQ(errorFor("x,y\n1,3000000000\n", fields), "2:3: `3000000000` does not fit i32 (column `y`)");
  EXPECT_EQ(errorFor("x,y\n1e39,3\n", fields), "2:1: `1e39` does not fit f32 (column `x`)");
  EXPECT_EQ(errorFor("x,y\ninf,3\n", fields), "2:1: `inf` is not a number (column `x`)");
  EXPECT_EQ(errorFor("x,y\n,3\n", fields),
            "2:1: a value is missing (column `x`); only a category may miss values" + repair);
  EXPECT_EQ(errorFor("1,2\n\"\n\n\",4", fields), "2:1: `\n\n` is not a number (field `x`)");
  EXPECT_EQ(errorFor("x\n2\n", {field("x", DType::Bool)}), "2:1: `2` is not a bool (column `x`)");
  EXPECT_EQ(errorFor("x\n256\n", {field("x", DType::U8)}), "2:1: `256` does not fit u8 (column `x`)");
  EXPECT_EQ(errorFor("s,x\n?,2\n", {text("s"), field("x", DType::U8)}),
            "2:1: a value is missing (column `s`); only a category may miss values" + repair);
}

TEST_F(Csv, TinyNumbersRoundToWhatTheTypeHolds) {
  auto data = open("x\n1e-60\n1e-40\n-0\n", {field("x", DType::F32)});
  ASSERT_TRUE(data) << errorOf(data);
  EXPECT_EQ(valuesOf<float>(**data, "x"), (std::vector<float>{0, 1e-40f, 0}));
}

TEST_F(Csv, RowsOfTheWrongWidthNameTheirLine) {
  std::vector<FieldSpec> fields = {field("x", DType::F32, {2}), field("y", DType::F32)};
  EXPECT_EQ(errorFor("1,2,3\n4,5\n", fields), "2:1: this row has 2 columns, but the first has 3");
  EXPECT_EQ(errorFor("a,b,c\n1,2,3\n4,5,6,7\n", fields), "3:1: this row has 4 columns, but the header has 3");
  EXPECT_EQ(errorFor("a,b\n4,5\n", fields),
            "1:1: the fields take 3 columns, but there are 2; nor are the fields columns of a header "
            "here (not found: `x`, `y`)");
}

TEST_F(Csv, BrokenTextIsAnError) {
  std::vector<FieldSpec> fields = {field("x", DType::F32), text("s")};
  EXPECT_EQ(errorFor("", fields), " holds no rows");
  EXPECT_EQ(errorFor("\n \n", fields), " holds no rows");
  EXPECT_EQ(errorFor("x,s\n", fields), " holds a header, but no rows");
  EXPECT_EQ(errorFor("x,s\n1,\"abc\n2,d\n", fields), "2:3: the quote that begins here is never closed");
  EXPECT_EQ(errorFor("x,s\n1,\"abc\"d\n", fields),
            "2:8: a comma or the end of the line is expected after a closing quote");
  EXPECT_EQ(errorFor(std::string("x,s\n1,\0\n", 8), fields), " is not text: a zero byte stands at byte 6");
}

TEST_F(Csv, CategoriesOfNumbersAreSortedByNumber) {
  auto data = open("user,rating\n10,1\n9,2\n10,3\n?,4\n010,5\n", {category("user"), field("rating", DType::F32)});
  ASSERT_TRUE(data) << errorOf(data);
  EXPECT_EQ((*data)->column("user")->vocabulary->entries(), (std::vector<std::string>{"?", "9", "10"}));
  EXPECT_EQ(valuesOf<int32_t>(**data, "user"), (std::vector<int32_t>{2, 1, 2, 0, 2}));
  EXPECT_EQ((*data)->classes("user"), 3);
  EXPECT_EQ((*data)->classes("rating"), -1);
}

TEST_F(Csv, CategoriesOfWordsAreSortedByWord) {
  auto data = open("kind\nred\nblue\nred\n10\n", {category("kind")});
  ASSERT_TRUE(data) << errorOf(data);
  EXPECT_EQ((*data)->column("kind")->vocabulary->entries(), (std::vector<std::string>{"10", "blue", "red"}));
  EXPECT_EQ(valuesOf<int32_t>(**data, "kind"), (std::vector<int32_t>{2, 1, 2, 0}));
}

TEST_F(Csv, ReadsTwentyMegabytes) {
  std::mt19937 random(1);
  std::string content = "a,b,c,d\n";
  while (content.size() < 20000000) {
    for (int i = 0; i < 3; ++i)
      content += std::to_string(double(random()) / 1e7) + ",";
    content += std::to_string(random() % 5000) + "\n";
  }
  std::vector<FieldSpec> fields = {field("a", DType::F32), field("b", DType::F32), field("c", DType::F32),
                                   category("d")};
  auto data = open(content, fields);
  ASSERT_TRUE(data) << errorOf(data);
  EXPECT_EQ((*data)->classes("d"), 5000);
}
