// Data files of every source that were cut off, flipped and spliced: an error or data, and never harm. DLC_RANDOM_FILES says
// how many of each (./dev test-files: 10,000).
#include "RuntimeTesting.h"

using namespace dlc;
using namespace dlc::testing;

namespace {
/// A file of a source, whole.
struct Whole {
  const char *kind;
  std::string file, content;
  std::vector<FieldSpec> fields;
};
} // namespace

static std::vector<Whole> wholeFiles() {
  std::string npy = "{'descr': '<f8', 'fortran_order': False, 'shape': (3, 2), }";
  npy.resize(117, ' ');
  npy += '\n';
  std::string header = R"({"x":{"dtype":"F32","shape":[3,2],"data_offsets":[0,24]}})";
  std::string cifar(2 * 3073, 'c');
  cifar[0] = cifar[3073] = 7;
  std::string idx("\0\0\x8\2\0\0\0\3\0\0\0\2", 12);
  std::vector<FieldSpec> pair = {field("x", DType::F32, {2})};
  return {
      {"csv",
       "t.csv",
       "x,y,kind,s\n1,2,a,\"q \"\"r\"\"\"\n3,4.5,?,w\n-1e3,.5,b,\"two\nlines\"\n",
       {field("x", DType::F32), field("y", DType::F64), category("kind"), text("s")}},
      {"npy", "t.npy", std::string("\x93NUMPY\1\0\x76\0", 10) + npy + std::string(48, '\7'), pair},
      {"idx", "t.idx", idx + "abcdef", pair},
      {"idx", "t.idx.gz", gzip(idx + "abcdef"), pair},
      {"safetensors", "t.safetensors",
       std::string(1, char(header.size())) + std::string(7, '\0') + header + std::string(24, '\3'), pair},
      {"cifar10", "t.bin", cifar, {field("image", DType::U8, {3, 32, 32}), field("label", DType::I32)}},
  };
}

TEST(SourceFiles, DamagedFilesDoNoHarm) {
  TemporaryFolder folder;
  std::mt19937 random(3);
  std::vector<Whole> files = wholeFiles();
  for (const Whole &file : files) {
    SourceArguments arguments;
    if (std::string(file.kind) == "idx")
      arguments.named["x"] = file.file;
    else
      arguments.positional = {file.file};
    folder.write(file.file, file.content);
    auto whole = openSource(file.kind, arguments, file.fields, folder.paths());
    EXPECT_TRUE(whole) << file.kind << errorOf(whole);
    for (int i = 0; i < damagedFiles(); ++i) {
      std::string bytes = damaged(file.content, files[random() % files.size()].content, random);
      folder.write(file.file, bytes);
      auto data = openSource(file.kind, arguments, file.fields, folder.paths());
      if (!data)
        EXPECT_NE(errorOf(data), "");
      else
        for (const Column &column : (*data)->columns())
          EXPECT_TRUE((*data)->dense(column.spec.name));
    }
  }
}
