// IDX files as MNIST has them, and every way in which one can be wrong.
#include "RuntimeTesting.h"

using namespace dlc;
using namespace dlc::testing;

/// A big-endian number of 32 bits.
static std::string be(uint32_t value) {
  return {char(value >> 24), char(value >> 16 & 255), char(value >> 8 & 255), char(value & 255)};
}

static std::string idx(char type, const std::vector<uint32_t> &shape, const std::string &numbers) {
  std::string file{0, 0, type, char(shape.size())};
  for (uint32_t size : shape)
    file += be(size);
  return file + numbers;
}

namespace {
class Idx : public ::testing::Test {
protected:
  TemporaryFolder folder;

  Result<std::shared_ptr<const Dataset>> open(std::vector<FieldSpec> fields, std::map<std::string, SourceValue> files) {
    return openSource("idx", {{}, std::move(files)}, fields, folder.paths());
  }
  /// The error of opening `x.idx` with this content as a column of `spec`, without the file's name.
  std::string errorFor(const std::string &content, const FieldSpec &spec) {
    std::string path = folder.write("x.idx", content), error = errorOf(open({spec}, {{spec.name, "x.idx"}}));
    return error.substr(0, path.size() + 2) == path + ": " ? error.substr(path.size() + 2) : error;
  }
};
} // namespace

TEST_F(Idx, ReadsImagesAndLabels) {
  folder.write("images.gz", gzip(idx(8, {3, 2, 2}, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, char(255)})));
  folder.write("labels", idx(8, {3}, {5, 0, 4}));
  auto data = open({field("image", DType::U8, {2, 2}), field("label", DType::I64)},
                   {{"image", "images.gz"}, {"label", "labels"}});
  ASSERT_TRUE(data) << errorOf(data);
  EXPECT_EQ((*data)->size(), 3);
  EXPECT_EQ((*data)->column("image")->as<uint8_t>()[11], 255);
  EXPECT_EQ((*data)->column("label")->as<int64_t>()[2], 4); // u8 in the file, i64 as declared
  EXPECT_EQ((*data)->column("nothing"), nullptr);
}

TEST_F(Idx, ReadsEveryTypeOfNumber) {
  auto one = [&](char type, const std::string &numbers, DType dtype) {
    folder.write("x", idx(type, {2}, numbers));
    auto data = open({field("x", dtype)}, {{"x", "x"}});
    EXPECT_TRUE(data) << errorOf(data);
    const Column *column = (*data)->column("x");
    return std::pair(elementAsDouble(dtype, column->data, 0), elementAsDouble(dtype, column->data, 1));
  };
  EXPECT_EQ(one(0x09, {char(-3), 4}, DType::I32), std::pair(-3.0, 4.0));
  EXPECT_EQ(one(0x0B, {char(0xFF), char(0xFE), 1, 0}, DType::I32), std::pair(-2.0, 256.0));
  EXPECT_EQ(one(0x0C, be(7) + be(uint32_t(-7)), DType::I32), std::pair(7.0, -7.0));
  EXPECT_EQ(one(0x0D, be(0x3F800000) + be(0xC0000000), DType::F32), std::pair(1.0, -2.0));
  EXPECT_EQ(one(0x0E, be(0x3FF00000) + be(0) + be(0x40080000) + be(0), DType::F64), std::pair(1.0, 3.0));
}

TEST_F(Idx, ABadHeaderIsAnError) {
  FieldSpec x = field("x", DType::U8);
  EXPECT_EQ(errorFor("", x), "is not an IDX file: it ends within the magic number, after 0 bytes");
  EXPECT_EQ(errorFor("\x1f\x8b\x08\x01 packed", x),
            "is not an IDX file: its magic number is 1f8b0801, but 0000, a type (08 to 0e) and "
            "a number of axes are expected at byte 0");
  EXPECT_EQ(errorFor(idx(7, {1}, "a"), x).substr(0, 61),
            "is not an IDX file: its magic number is 00000701, but 0000, a");
  EXPECT_EQ(errorFor({0, 0, 8, 3, 0, 0}, x), "the header of 3 axes ends early at byte 6");
}

TEST_F(Idx, ALengthThatDoesNotMatchItsHeaderIsAnError) {
  FieldSpec x = field("x", DType::U8, {2});
  EXPECT_EQ(errorFor(idx(8, {3, 2}, "abcde"), x), "its header promises u8[3, 2], 6 numbers, but 5 bytes follow it");
  EXPECT_EQ(errorFor(idx(8, {3, 2}, "abcdefg"), x), "its header promises u8[3, 2], 6 numbers, but 7 bytes follow it");
  EXPECT_EQ(errorFor(idx(13, {3, 2}, "abcdef"), x), "its header promises f32[3, 2], 6 numbers, but 6 bytes follow it");
  std::string huge = errorFor(idx(8, {~0u, ~0u, ~0u}, "a"), x);
  EXPECT_NE(huge.find("too many numbers, but 1 bytes follow it"), std::string::npos) << huge;
}

TEST_F(Idx, ImagesAndLabelsOfDifferentCountsNameBothFiles) {
  std::string images = folder.write("images", idx(8, {2, 1}, "ab")),
              labels = folder.write("labels", idx(8, {3}, "abc"));
  EXPECT_EQ(errorOf(open({field("image", DType::U8, {1}), field("label", DType::U8)},
                         {{"image", "images"}, {"label", "labels"}})),
            labels + ": `label` has 3 examples, but `image` (" + images + ") has 2");
}

TEST_F(Idx, AShapeOrTypeThatDoesNotFitIsAnError) {
  std::string image = idx(8, {2, 2, 2}, {1, 2, 3, 4, 5, 6, 7, 8});
  EXPECT_EQ(errorFor(image, field("image", DType::U8, {28, 28})),
            "an example of `image` is u8[2, 2] in the file, but u8[28, 28] is declared");
  EXPECT_EQ(errorFor(image, field("image", DType::Bool, {2, 2})),
            "`image` is 2 in example 0, which bool cannot hold exactly (the file's type is u8)");
  EXPECT_EQ(errorFor(image, text("image")), "field `image` is declared str, but the file holds numbers (u8)");
}

TEST_F(Idx, ACategoryNumbersTheValuesMet) {
  folder.write("labels", idx(8, {4}, {7, 3, 7, 9}));
  auto data = open({category("label")}, {{"label", "labels"}});
  ASSERT_TRUE(data) << errorOf(data);
  EXPECT_EQ((*data)->classes("label"), 3);
  EXPECT_EQ((*data)->column("label")->as<int32_t>()[3], 2);
  EXPECT_EQ((*data)->column("label")->vocabulary->entries(), (std::vector<std::string>{"3", "7", "9"}));
}

TEST_F(Idx, ArgumentsAreTheFields) {
  folder.write("labels", idx(8, {1}, "a"));
  EXPECT_EQ(errorOf(open({field("label", DType::U8)}, {})), "`idx` needs the argument `label`, a file name");
  EXPECT_EQ(errorOf(open({field("label", DType::U8)}, {{"label", "labels"}, {"lable", "labels"}})),
            "`idx` has no argument `lable`; did you mean `label`?");
  EXPECT_EQ(errorOf(open({field("label", DType::U8)}, {{"label", 3.0}})),
            "argument `label` of `idx` is not a file name");
  EXPECT_EQ(
      errorOf(openSource("idx", {{"labels"}, {{"label", "labels"}}}, {field("label", DType::U8)}, folder.paths())),
      "`idx` takes no arguments without a name, but 1 are given");
  EXPECT_NE(errorOf(open({field("label", DType::U8)}, {{"label", "missing"}})).find("missing: no such file; looked in"),
            std::string::npos);
}
