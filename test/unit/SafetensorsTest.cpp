// The safetensors format: what is written reads back, and no header is believed.
#include "runtime/Safetensors.h"
#include "RuntimeTesting.h"

using namespace dlc;
using namespace dlc::testing;

/// A file of this header and these bytes of data; `length` overrides the header's length.
static std::string safetensors(const std::string &header, const std::string &data, int64_t length = -1) {
  uint64_t bytes = length < 0 ? header.size() : uint64_t(length);
  return std::string(reinterpret_cast<const char *>(&bytes), 8) + header + data;
}

TEST(Safetensors, WhatIsWrittenReadsBack) {
  TemporaryFolder folder;
  std::string u8 = "abc", f32 = bytesOf(std::vector<float>{1, 2, 3, 4}), i64 = bytesOf(std::vector<int64_t>{-5}), empty;
  std::vector<SafetensorsEntry> tensors = {{"bytes", DType::U8, {3}, u8},
                                           {"w\"eird / näme", DType::F32, {2, 2}, f32},
                                           {"scalar", DType::I64, {}, i64},
                                           {"empty", DType::F64, {0, 3}, empty}};
  ASSERT_TRUE(writeSafetensors(folder / "a", tensors, {{"key", "value"}}));
  auto file = SafetensorsFile::read(folder / "a");
  ASSERT_TRUE(file) << errorOf(file);
  EXPECT_EQ(file->tensors().size(), 4u);
  for (const SafetensorsEntry &tensor : tensors) {
    const SafetensorsTensor *found = file->find(tensor.name);
    ASSERT_NE(found, nullptr) << tensor.name;
    EXPECT_EQ(found->dtype, tensor.dtype);
    EXPECT_EQ(found->shape, tensor.shape);
    EXPECT_EQ(found->bytes, tensor.bytes);
  }
  EXPECT_EQ(file->metadata().at("key"), "value");
  std::string content = contentOf(folder / "a");
  EXPECT_EQ((8 + uint8_t(content[0]) + 256 * uint8_t(content[1])) % 8, 0) << "the data begins aligned";
}

TEST(Safetensors, HalfPrecisionIsWidened) {
  TemporaryFolder folder;
  std::string path = folder.write(
      "h", safetensors(R"({"h":{"dtype":"F16","shape":[2],"data_offsets":[0,4]}})", std::string("\0\x3C\0\xC0", 4)));
  auto file = SafetensorsFile::read(path);
  ASSERT_TRUE(file) << errorOf(file);
  EXPECT_EQ(file->find("h")->dtype, DType::F32);
  EXPECT_EQ(file->find("h")->bytes, bytesOf(std::vector<float>{1, -2}));
}

TEST(Safetensors, LyingAndBrokenFilesAreErrorsWithTheirPlace) {
  TemporaryFolder folder;
  auto errorFor = [&](const std::string &content) {
    std::string path = folder.write("x", content), error = errorOf(SafetensorsFile::read(path));
    return error.substr(std::min(error.size(), path.size() + 2));
  };
  auto tensor = [](const std::string &dtype, const std::string &shape, const std::string &offsets) {
    return "{\"a\":{\"dtype\":\"" + dtype + "\",\"shape\":" + shape + ",\"data_offsets\":" + offsets + "}}";
  };
  EXPECT_EQ(errorFor(""), "is not a safetensors file: it ends within the header's length at byte 0");
  EXPECT_EQ(errorFor("abc"), "is not a safetensors file: it ends within the header's length at byte 3");
  const char *truncated = "follow: the file is truncated or is not a safetensors file at byte 0";
  EXPECT_EQ(errorFor(safetensors("{}", "", 100)),
            std::string("its header should be 100 bytes long, but only 2 ") + truncated);
  EXPECT_EQ(errorFor(safetensors("{}", "", INT64_MAX)),
            std::string("its header should be 9223372036854775807 bytes long, but only 2 ") + truncated);
  EXPECT_EQ(errorFor(safetensors("{\"a\": nonsense}", "")), "the header is not valid JSON at byte 15");
  EXPECT_EQ(errorFor(safetensors("", "")), "the header is not valid JSON at byte 8");
  EXPECT_EQ(errorFor(safetensors("{} {}", "")).substr(0, 28), "the header is not valid JSON");
  EXPECT_EQ(errorFor(safetensors("[1]", "")),
            "the header has a list where a tensor's description is expected at byte 8");
  EXPECT_EQ(errorFor(safetensors(std::string(100000, '['), "")).substr(0, 10), "the header");
  EXPECT_EQ(errorFor(safetensors("{\"a\":3}", "")),
            "tensor `a`: the header has a number where a tensor's description is expected at byte 9");
  EXPECT_EQ(errorFor(safetensors("{\"a\":{\"dtype\":\"F32\"}}", "")),
            "tensor `a`: it lacks a dtype, a shape or data_offsets at byte 9");
  EXPECT_EQ(errorFor(safetensors("{\"a\":{\"dtype\":3}}", "")),
            "tensor `a`: `dtype` is a number, which is not expected there at byte 9");
  EXPECT_EQ(errorFor(safetensors(tensor("F32", "[-1]", "[0,4]"), "abcd")),
            "tensor `a`: `shape` is a negative number, which is not expected there at byte 9");
  EXPECT_EQ(errorFor(safetensors(tensor("F32", "[1]", "[0,4,8]"), "abcd")),
            "tensor `a`: its data_offsets are not two numbers at byte 9");
  EXPECT_EQ(errorFor(safetensors(tensor("I16", "[2]", "[0,4]"), "abcd")),
            "tensor `a`: dtype `I16` is not one of F32, F64, F16, BF16, I32, I64, U8, BOOL at byte 9");
  EXPECT_EQ(errorFor(safetensors(tensor("F32", "[1]", "[0,8]"), "abcd")),
            "tensor `a`: its data_offsets [0, 8] do not lie in the 4 bytes of data at byte 9");
  EXPECT_EQ(errorFor(safetensors(tensor("F32", "[1]", "[4,0]"), "abcd")),
            "tensor `a`: its data_offsets [4, 0] do not lie in the 4 bytes of data at byte 9");
  EXPECT_EQ(errorFor(safetensors(tensor("F32", "[2]", "[0,4]"), "abcd")),
            "tensor `a`: its shape [2] of F32 takes 8 bytes, but its data_offsets hold 4 at byte 9");
  EXPECT_EQ(errorFor(safetensors(tensor("F32", "[4294967296,4294967296]", "[0,0]"), "")),
            "tensor `a`: its shape [4294967296, 4294967296] overflows at byte 9");
  EXPECT_EQ(errorFor(safetensors(tensor("F64", "[2305843009213693952]", "[0,0]"), "")),
            "tensor `a`: its shape [2305843009213693952] overflows at byte 9");
  EXPECT_EQ(errorFor(safetensors(tensor("F32", "[18446744073709551615]", "[0,0]"), "")),
            "tensor `a`: its shape has the size 18446744073709551615, which is too large at byte 9");
  EXPECT_EQ(errorFor(safetensors(tensor("F32", "[1]", "[0,4]"), "abcdefgh")),
            "4 bytes follow the last tensor at byte 66");
}

TEST(Safetensors, OverlapsGapsAndEqualNamesAreErrors) {
  TemporaryFolder folder;
  auto errorFor = [&](const std::string &a, const std::string &b, const std::string &second = "b") {
    std::string header = "{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":" + a + "},\"" + second +
                         "\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":" + b + "}}";
    std::string path = folder.write("x", safetensors(header, "abcdefgh")), error = errorOf(SafetensorsFile::read(path));
    return error.substr(std::min(error.size(), path.size() + 2));
  };
  EXPECT_EQ(errorFor("[0,4]", "[4,8]"), "");
  EXPECT_EQ(errorFor("[4,8]", "[0,4]"), "");
  EXPECT_EQ(errorFor("[0,4]", "[2,6]"),
            "tensor `b`: its data begin at 2, but the tensors before it end at 4: they overlap at byte 61");
  EXPECT_EQ(errorFor("[0,4]", "[0,4]").substr(10),
            ": its data begin at 0, but the tensors before it end at 4: they overlap at byte 61");
  EXPECT_EQ(errorFor("[0,4]", "[5,9]"),
            "tensor `b`: its data_offsets [5, 9] do not lie in the 8 bytes of data at byte 61");
  EXPECT_EQ(errorFor("[4,8]", "[4,8]").substr(10),
            ": its data begin at 4, but the tensors before it end at 0: they leave a gap at byte 9");
  EXPECT_EQ(errorFor("[0,4]", "[4,8]", "a"), "tensor `a`: its name stands twice in the header at byte 9");
}

TEST(Safetensors, EqualNamesAreNotWritten) {
  TemporaryFolder folder;
  EXPECT_EQ(errorOf(writeSafetensors(folder / "x", {{"a", DType::U8, {1}, "x"}, {"a", DType::U8, {1}, "y"}}, {})),
            folder / "x" + ": two tensors are named `a`");
  EXPECT_TRUE(folder.files().empty());
}

TEST(Safetensors, EveryTruncationIsAnError) {
  TemporaryFolder folder;
  std::string f32 = bytesOf(std::vector<float>{1, 2, 3, 4});
  ASSERT_TRUE(writeSafetensors(folder / "a", {{"w", DType::F32, {4}, f32}}, {{"format", "pt"}}));
  std::string whole = contentOf(folder / "a");
  for (size_t length = 0; length < whole.size(); ++length)
    EXPECT_FALSE(SafetensorsFile::read(folder.write("b", whole.substr(0, length)))) << length;
}

TEST(Safetensors, RandomDamageNeverCrashes) {
  TemporaryFolder folder;
  std::string f32 = bytesOf(std::vector<float>{1, 2, 3, 4});
  ASSERT_TRUE(writeSafetensors(folder / "a", {{"w", DType::F32, {4}, f32}, {"b", DType::F32, {2, 2}, f32}},
                               {{"format", "pt"}}));
  std::string whole = contentOf(folder / "a");
  uint64_t random = 1;
  for (int round = 0; round < 300; ++round) {
    std::string damaged = whole;
    for (int i = 0; i < 1 + round % 3; ++i) {
      random = random * 6364136223846793005u + 1442695040888963407u;
      damaged[(random >> 33) % damaged.size()] = char(random >> 24);
    }
    auto file = SafetensorsFile::read(folder.write("b", damaged));
    if (!file)
      continue;
    for (const SafetensorsTensor &tensor : file->tensors())
      EXPECT_EQ(tensor.bytes.size(), size_t(*elementCount(tensor.shape)) * sizeOf(tensor.dtype));
  }
}
