// The other sources, npy, safetensors, cifar10 and the made-up ones, and the table of sources itself.
#include "RuntimeTesting.h"
#include "runtime/Safetensors.h"

#include <cmath>

using namespace dlc;
using namespace dlc::testing;

using Opened = Result<std::shared_ptr<const Dataset>>;

TEST(Sources, UnknownKindsAreErrors) {
  EXPECT_EQ(errorOf(openSource("cvs", {}, {field("x", DType::F32)}, {})),
            "there is no data source `cvs`; did you mean `csv`?");
  EXPECT_EQ(errorOf(openSource("text_folders", {}, {field("x", DType::F32)}, {})),
            "there is no data source `text_folders`; did you mean `text_folder`?");
}

TEST(Sources, FieldsMustMakeSense) {
  EXPECT_EQ(errorOf(openSource("csv", {{"x"}, {}}, {}, {})), "a data set needs at least one field");
  EXPECT_EQ(errorOf(openSource("csv", {{"x"}, {}}, {field("a", DType::F32), field("a", DType::F32)}, {})),
            "field `a` is declared twice");
  EXPECT_EQ(errorOf(openSource("csv", {{"x"}, {}}, {field("a", DType::F32, {0})}, {})),
            "field `a` cannot have the shape [0]");
  FieldSpec words = text("a");
  words.shape = {3};
  EXPECT_EQ(errorOf(openSource("csv", {{"x"}, {}}, {words}, {})), "field `a` is a str, which has no shape");
  EXPECT_EQ(errorOf(openSource("csv", {{}, {}}, {text("a")}, {})), "`csv` needs a file name");
}

/// A .npy file of version 1.
static std::string npy(const std::string &dictionary, const std::string &numbers) {
  std::string header = dictionary + "\n";
  return std::string("\x93NUMPY\x01\x00", 8) + char(header.size()) + '\0' + header + numbers;
}

static Opened openNpy(const TemporaryFolder &folder, const std::string &content, const FieldSpec &spec) {
  folder.write("x.npy", content);
  return openSource("npy", {{"x.npy"}, {}}, {spec}, folder.paths());
}

TEST(Npy, ReadsArraysOfEveryOrder) {
  TemporaryFolder folder;
  std::string numbers = bytesOf(std::vector<float>{1, 2, 3, 4, 5, 6});
  auto rows = openNpy(folder, npy("{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2), }", numbers),
                      field("x", DType::F32, {2}));
  ASSERT_TRUE(rows) << errorOf(rows);
  EXPECT_EQ((*rows)->size(), 3);
  EXPECT_EQ((*rows)->column("x")->as<float>()[3], 4);
  auto columns = openNpy(folder, npy("{'descr': '<f4', 'fortran_order': True, 'shape': (3, 2), }", numbers),
                         field("x", DType::F64, {2}));
  ASSERT_TRUE(columns) << errorOf(columns);
  EXPECT_EQ((*columns)->column("x")->as<double>()[1], 4);
  auto big = openNpy(
      folder, npy("{'descr': '>i4', 'fortran_order': False, 'shape': (2,), }", std::string("\0\0\0\1\0\0\1\0", 8)),
      field("x", DType::I32));
  ASSERT_TRUE(big) << errorOf(big);
  EXPECT_EQ((*big)->column("x")->as<int32_t>()[1], 256);
  auto half = openNpy(folder, npy("{'descr': '<f2', 'fortran_order': False, 'shape': (1,), }", "\x01\x3C"),
                      field("x", DType::F32));
  ASSERT_TRUE(half) << errorOf(half);
  EXPECT_NEAR((*half)->column("x")->as<float>()[0], 1, 0.01);
}

TEST(Npy, OneFileForEachFieldByName) {
  TemporaryFolder folder;
  folder.write("a.npy", npy("{'descr': '|u1', 'fortran_order': False, 'shape': (2,), }", "ab"));
  folder.write("b.npy", npy("{'descr': '|b1', 'fortran_order': False, 'shape': (3,), }", std::string("\0\1\0", 3)));
  EXPECT_EQ(errorOf(openSource("npy", {{}, {{"a", "a.npy"}, {"b", "b.npy"}}},
                               {field("a", DType::U8), field("b", DType::Bool)}, folder.paths())),
            folder / "b.npy" + ": `b` has 3 examples, but `a` (" + folder / "a.npy" + ") has 2");
}

TEST(Npy, BadFilesAreErrors) {
  TemporaryFolder folder;
  FieldSpec x = field("x", DType::F32);
  auto errorFor = [&](const std::string &content) {
    return errorOf(openNpy(folder, content, x)).substr((folder / "x.npy").size());
  };
  EXPECT_EQ(errorFor("PK"), ": is not a .npy file: it does not begin with `\\x93NUMPY` at byte 0");
  EXPECT_EQ(errorFor("\x93NUMPY\x09"), ": is a .npy file of version 9, but 1 to 3 are known at byte 6");
  EXPECT_EQ(errorFor(std::string("\x93NUMPY\x01\x00\xFF\x00{", 11)), ": the .npy header ends early at byte 11");
  EXPECT_EQ(errorFor(npy("{'descr': '<f4', 'shape': (1,), }", "abcd")), ": the .npy header cannot be read at byte 10");
  EXPECT_EQ(errorFor(npy("{'descr': '<c8', 'fortran_order': False, 'shape': (1,), }", "abcdefgh")),
            ": its numbers are `<c8`, but f2, f4, f8, i4, i8, u1 and b1 can be read");
  EXPECT_EQ(errorFor(npy("{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }", "abcd")),
            ": its header promises [2] of <f4, but 4 bytes follow it");
  EXPECT_EQ(errorFor(npy("{'descr': '<f4', 'fortran_order': False, 'shape': (), }", "abcd")),
            ": `x` is a scalar, but its first axis should count the examples");
  EXPECT_EQ(
      errorFor(npy("{'descr': '<f8', 'fortran_order': False, 'shape': (2,), }", bytesOf(std::vector<double>{1, 1e39}))),
      ": `x` is 1e+39 in example 1, which f32 cannot hold (the file's type is f64)");
}

TEST(Npy, NumPysDefaultTypeIsRounded) {
  TemporaryFolder folder;
  std::string content = npy("{'descr': '<f8', 'fortran_order': False, 'shape': (4,), }",
                            bytesOf(std::vector<double>{0.1, 1e-60, -INFINITY, NAN}));
  auto single = openNpy(folder, content, field("x", DType::F32)),
       half = openNpy(folder, content, field("x", DType::BF16));
  ASSERT_TRUE(single && half) << errorOf(single) << errorOf(half);
  const float *x = (*single)->column("x")->as<float>();
  EXPECT_EQ(x[0], 0.1f);
  EXPECT_EQ(x[1], 0);
  EXPECT_EQ(x[2], -INFINITY);
  EXPECT_TRUE(std::isnan(x[3]));
  EXPECT_EQ((*half)->column("x")->as<uint16_t>()[0], floatToBf16(0.1f));
  EXPECT_EQ(errorOf(openNpy(folder, content, field("x", DType::I32))).substr((folder / "x.npy").size()),
            ": `x` is 0.1 in example 0, which i32 cannot hold exactly (the file's type is f64)");
}

TEST(SafetensorsSource, EachExampleIsARowOfEachTensor) {
  TemporaryFolder folder;
  std::vector<float> x = {1, 2, 3, 4, 5, 6};
  std::vector<int64_t> y = {7, 8, 9};
  std::string xs = bytesOf(x), ys = bytesOf(y);
  ASSERT_TRUE(
      writeSafetensors(folder / "b.safetensors", {{"x", DType::F32, {3, 2}, xs}, {"y", DType::I64, {3}, ys}}, {}));
  SourceArguments file{{"b.safetensors"}, {}};
  Opened data = openSource("safetensors", file, {field("y", DType::I64), field("x", DType::F32, {2})}, folder.paths());
  ASSERT_TRUE(data) << errorOf(data);
  EXPECT_EQ((*data)->size(), 3);
  EXPECT_EQ((*data)->column("x")->as<float>()[5], 6);
  EXPECT_EQ(errorOf(openSource("safetensors", file, {field("images", DType::F32)}, folder.paths())),
            folder / "b.safetensors" + ": has no tensor `images`");
  EXPECT_EQ(errorOf(openSource("safetensors", file, {field("x", DType::F32, {3})}, folder.paths())),
            folder / "b.safetensors" + ": an example of `x` is f32[2] in the file, but f32[3] is declared");
}

TEST(Cifar10, ReadsTheRecordsOfAllFiles) {
  TemporaryFolder folder;
  auto record = [](char label, char pixel) { return std::string(1, label) + std::string(3072, pixel); };
  folder.write("data_batch_1.bin", record(3, 'a') + record(9, 'b'));
  folder.write("data_batch_2.bin", record(0, 'c'));
  SourceArguments files{{"data_batch_*.bin"}, {}};
  std::vector<FieldSpec> fields = {field("image", DType::U8, {3, 32, 32}), field("label", DType::U8)};
  Opened data = openSource("cifar10", files, fields, folder.paths());
  ASSERT_TRUE(data) << errorOf(data);
  EXPECT_EQ((*data)->size(), 3);
  EXPECT_EQ((*data)->column("label")->as<uint8_t>()[1], 9);
  EXPECT_EQ((*data)->column("image")->as<uint8_t>()[2 * 3072], 'c');
  EXPECT_EQ(errorOf(openSource("cifar10", files, {field("images", DType::U8)}, folder.paths())),
            "`cifar10` has the fields `image` and `label`, but no `images`; did you mean `image`?");
  std::string path = folder.write("data_batch_2.bin", record(0, 'c') + "x");
  EXPECT_EQ(errorOf(openSource("cifar10", files, fields, folder.paths())),
            path + ": holds 3074 bytes, but CIFAR-10's records are 3073 bytes each");
  folder.write("data_batch_2.bin", record(0, 'c') + record(10, 'd'));
  EXPECT_EQ(errorOf(openSource("cifar10", files, fields, folder.paths())),
            path + ": label 10 is not one of CIFAR-10's ten at byte 3073");
}

TEST(Synthetic, MoonsAndSpiralsFollowTheirSeed) {
  std::vector<FieldSpec> fields = {field("x", DType::F32, {2}), field("label", DType::I32)};
  for (const char *kind : {"moons", "spiral"}) {
    auto make = [&](double seed) {
      Opened data = openSource(kind, {{}, {{"n", 101.0}, {"noise", 0.1}, {"seed", seed}}}, fields, {});
      EXPECT_TRUE(data) << errorOf(data);
      return *data;
    };
    auto one = make(1), same = make(1), other = make(2);
    EXPECT_EQ(one->size(), 101);
    std::string bytes(reinterpret_cast<const char *>(one->column("x")->data), 101 * 8);
    EXPECT_EQ(bytes, std::string(reinterpret_cast<const char *>(same->column("x")->data), 101 * 8));
    EXPECT_NE(bytes, std::string(reinterpret_cast<const char *>(other->column("x")->data), 101 * 8));
    EXPECT_EQ(one->column("label")->as<int32_t>()[1], 1);
  }
  Opened exact = openSource("moons", {{}, {{"n", 100.0}, {"noise", 0.0}}}, fields, {});
  for (int64_t i = 0; i < 100; ++i) {
    const float *x = (*exact)->column("x")->as<float>() + 2 * i;
    EXPECT_NEAR(i % 2 == 0 ? std::hypot(x[0], x[1]) : std::hypot(x[0] - 1, x[1] - 0.5), 1, 1e-5);
  }
}

TEST(Synthetic, BadArgumentsAreErrors) {
  std::vector<FieldSpec> fields = {field("x", DType::F32, {2})};
  auto errorFor = [&](std::map<std::string, SourceValue> named) {
    return errorOf(openSource("moons", {{}, named}, fields, {}));
  };
  EXPECT_EQ(errorFor({{"n", 0.0}}), "argument `n` of `moons` is 0, but must be at least 1");
  EXPECT_EQ(errorFor({{"n", 2.5}}), "argument `n` of `moons` is not a whole number");
  EXPECT_EQ(errorFor({{"noise", "much"}}), "argument `noise` of `moons` is not a number");
  EXPECT_EQ(errorFor({{"sed", 1.0}}), "`moons` has no argument `sed`; did you mean `seed`?");
  EXPECT_EQ(errorOf(openSource("spiral", {}, {field("y", DType::F32)}, {})),
            "this source has the fields `x` and `label`, but no `y`");
  EXPECT_EQ(errorOf(openSource("spiral", {}, {field("x", DType::F32, {3})}, {})),
            "an example of `x` is f32[2] in the source, but f32[3] is declared");
}
