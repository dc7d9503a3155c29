// Tensors written to files: what stands in them, and what does not fit.
#include "runtime/WriteTable.h"
#include "RuntimeTesting.h"
#include "runtime/Safetensors.h"

#include <cmath>
#include <limits>

using namespace dlc;
using namespace dlc::testing;

template <class T> static TableColumn column(std::string name, DType dtype, std::vector<int64_t> shape, const T &data) {
  return {std::move(name), dtype, std::move(shape), reinterpret_cast<const std::byte *>(data.data()), nullptr};
}

TEST(WriteTable, ACsvReadsBackToTheSameBits) {
  TemporaryFolder folder;
  std::vector<float> numbers = {0.1f, -1.0f / 3, std::numeric_limits<float>::quiet_NaN(), -INFINITY};
  std::vector<int64_t> ids = {1, -2};
  std::vector<std::string> words = {"a \"b\", c", "plain"};
  std::vector<uint8_t> flags = {1, 0};
  TableColumn text{"word, of"};
  text.strings = &words;
  ASSERT_TRUE(
      writeTable(folder / "a.csv", {column("id", DType::I64, {2}, ids), column("x", DType::F32, {2, 2}, numbers), text,
                                    column("flag", DType::Bool, {2}, flags)}));
  EXPECT_EQ(contentOf(folder / "a.csv"), "id,x.0,x.1,\"word, of\",flag\n1,0.1,-0.33333334,\"a \"\"b\"\", c\",1\n"
                                         "-2,nan,-inf,plain,0\n");
}

TEST(WriteTable, ANpyIsNumPys) {
  TemporaryFolder folder;
  std::vector<int32_t> numbers = {1, 2, 3};
  ASSERT_TRUE(writeTable(folder / "a.npy", {column("", DType::I32, {3}, numbers)}));
  std::string content = contentOf(folder / "a.npy");
  EXPECT_EQ(content.substr(0, 8), std::string("\x93NUMPY\x01\x00", 8));
  EXPECT_NE(content.find("{'descr': '<i4', 'fortran_order': False, 'shape': (3,), }"), std::string::npos);
  EXPECT_EQ((content.size() - 12) % 64, 0u);
  EXPECT_EQ(content.substr(content.size() - 12), std::string("\1\0\0\0\2\0\0\0\3\0\0\0", 12));
}

TEST(WriteTable, SafetensorsKeepNamesAndShapes) {
  TemporaryFolder folder;
  std::vector<uint8_t> bytes = {1, 2};
  std::vector<double> numbers = {0.5};
  ASSERT_TRUE(
      writeTable(folder / "a.safetensors", {column("b", DType::U8, {2}, bytes), column("x", DType::F64, {}, numbers)}));
  auto file = SafetensorsFile::read(folder / "a.safetensors");
  ASSERT_TRUE(file) << errorOf(file);
}

TEST(WriteTable, WhatDoesNotFit) {
  TemporaryFolder folder;
  std::vector<float> numbers = {1, 2};
  TableColumn two = column("x", DType::F32, {2}, numbers), one = column("y", DType::F32, {1}, numbers);
  EXPECT_EQ(errorOf(writeTable(folder / "a.csv", {two, one})), "column `y` has 1 rows, `x` has 2");
  EXPECT_EQ(errorOf(writeTable(folder / "a.csv", {column("", DType::F32, {2}, numbers)})),
            "a column of a .csv has a name: `write(\"file.csv\", id: a, guess: b)`");
  EXPECT_EQ(errorOf(writeTable(folder / "a.npy", {two, one})),
            "a .npy has one tensor, found 2; a .safetensors has several");
  EXPECT_EQ(errorOf(writeTable(folder / "a.npy", {column("x", DType::BF16, {2}, numbers)})),
            "a .npy has no bf16; a .safetensors has");
  EXPECT_EQ(errorOf(writeTable("a.txt", {two})),
            "`a.txt` is no kind of file that is written: .csv, .npy or .safetensors");
  EXPECT_EQ(errorOf(writeTable("a.csv", {})), "there is nothing to write");
}
