// Folders of pictures: which is of which class, and what stands there that should not. Rows made by threads and kept.
#include "RuntimeTesting.h"
#include "runtime/Batches.h"
#include "runtime/DecodeThreads.h"
#include "runtime/RowCache.h"

#include <png.h>

using namespace dlc;
using namespace dlc::testing;

using Opened = Result<std::shared_ptr<const Dataset>>;

/// A grey PNG of height x width, all of one value.
static std::string grey(int height, int width, uint8_t value) {
  png_image image = {};
  image.version = PNG_IMAGE_VERSION;
  image.width = png_uint_32(width);
  image.height = png_uint_32(height);
  image.format = PNG_FORMAT_GRAY;
  std::vector<uint8_t> pixels(size_t(height * width), value);
  png_alloc_size_t size = 0;
  png_image_write_to_memory(&image, nullptr, &size, 0, pixels.data(), 0, nullptr);
  std::string bytes(size, '\0');
  png_image_write_to_memory(&image, bytes.data(), &size, 0, pixels.data(), 0, nullptr);
  return bytes;
}

namespace {
class ImageFolder : public ::testing::Test {
protected:
  Opened open(std::vector<FieldSpec> fields = {field("image", DType::U8, {1, 2, 3}), field("label", DType::I32)},
              std::map<std::string, SourceValue> named = {{"resize", std::vector<double>{2, 3}}}) {
    return openSource("image_folder", {{"photos"}, std::move(named)}, fields, folder.paths());
  }
  /// The error of opening, without the folder's name.
  std::string problem() {
    std::string text = errorOf(open());
    for (size_t at; (at = text.find(folder.path + "/")) != std::string::npos;)
      text.erase(at, folder.path.size() + 1);
    return text;
  }
  TemporaryFolder folder;
};
} // namespace

TEST_F(ImageFolder, ASubfolderIsAClass) {
  folder.write("photos/dog/b.PNG", grey(2, 3, 20));
  folder.write("photos/dog/deep/er/a.png", grey(9, 9, 10));
  folder.write("photos/cat/z.png", grey(1, 1, 30));
  folder.write("photos/cat/.hidden.png", "");
  folder.write("photos/cat/notes.txt", "");
  folder.write("photos/README", "");
  folder.write("photos/e.png", "");
  auto data = open({field("image", DType::U8, {1, 2, 3}), category("kind"), text("path")});
  ASSERT_TRUE(data) << errorOf(data);
  EXPECT_EQ((*data)->size(), 3);
  auto images = (*data)->dense("image");
  ASSERT_TRUE(images) << errorOf(images);
  EXPECT_EQ(std::vector<uint8_t>(images->as<uint8_t>(), images->as<uint8_t>() + 18),
            (std::vector<uint8_t>{30, 30, 30, 30, 30, 30, 20, 20, 20, 20, 20, 20, 10, 10, 10, 10, 10, 10}));
  EXPECT_EQ((*data)->column("kind")->vocabulary->entries(), (std::vector<std::string>{"cat", "dog"}));
  EXPECT_EQ((*data)->column("kind")->as<int32_t>()[2], 1);
  EXPECT_EQ((*(*data)->column("path")->strings)[2], "dog/deep/er/a.png");
  EXPECT_EQ((*data)->notes,
            (std::vector<std::string>{"a picture beside the classes (a class is a folder) is passed over in `" +
                                          (folder / "photos") + "`: `e.png`",
                                      "2 files that are no pictures by their names are passed over in `" +
                                          (folder / "photos") + "`: `README`, .."}));
}

TEST_F(ImageFolder, OneClassIsSaidAndFieldsMayBeOfOtherTypes) {
  folder.write("photos/cat/z.png", grey(2, 3, 200));
  auto data = open({field("label", DType::F32), field("image", DType::BF16, {2, 3})}, {});
  ASSERT_TRUE(data) << errorOf(data);
  EXPECT_EQ((*data)->notes.size(), 1u);
  auto images = (*data)->dense("image");
  EXPECT_EQ(bf16ToFloat(images->as<uint16_t>()[5]), 200);
}

TEST_F(ImageFolder, FieldsThatAreNoPicture) {
  folder.write("photos/cat/z.png", grey(2, 3, 200));
  EXPECT_EQ(errorOf(open({field("label", DType::I32)}, {})),
            "`image_folder` needs a field for the picture, as in `image: u8[3, 224, 224]`");
  EXPECT_EQ(
      errorOf(open({field("image", DType::U8, {2, 3, 4})}, {})),
      "field `image` is u8[2, 3, 4], but a picture is [channels, height, width] of numbers with 1 channel (grey), 3 "
      "(red, green, blue) or 4 (and opacity), or [height, width]");
  EXPECT_EQ(errorOf(open({field("a", DType::U8, {3, 4}), field("b", DType::U8, {3, 4})}, {})),
            "`image_folder` gives a picture, its class and its path (a str): `a` and `b` are both its picture");
  EXPECT_EQ(
      errorOf(open({field("image", DType::U8, {3, 4, 5})}, {{"resize", std::vector<double>{5, 4}}})),
      "`resize: [5, 4]` does not give what is declared: `image` is u8[3, 4, 5], so `resize: [4, 5]` (height, width) is "
      "expected");
  EXPECT_EQ(
      errorOf(open({field("image", DType::U8, {3, 4, 5})}, {{"resize", 5.0}})),
      "`resize: 5` does not give what is declared: `image` is u8[3, 4, 5], so `resize: [4, 5]` (height, width) is "
      "expected");
}

TEST_F(ImageFolder, FoldersThatAreNotAsTheyShouldBe) {
  EXPECT_TRUE(problem().starts_with("photos: no such folder; looked in")) << problem();
  std::filesystem::create_directories(folder / "photos");
  EXPECT_EQ(problem(), "photos: holds no folders; a folder a class, with its pictures in it, is expected");
  std::filesystem::create_directories(folder / "photos/cat");
  EXPECT_EQ(problem(), "photos/cat: is the folder of a class, but there are no pictures in it");
  folder.write("photos/cat/z.png", grey(2, 3, 200));
  EXPECT_EQ(problem(), "");
  folder.write("photos/y.jpg", "");
  EXPECT_EQ(problem(), ""); // beside the classes
  folder.write("photos/c\xe4t/z.png", grey(2, 3, 200));
  EXPECT_EQ(problem(), "photos: a class has a name that is not UTF-8: `c\\xe4t`");
  std::filesystem::remove_all(folder / "photos/c\xe4t");
  folder.write("photos/cat/b\xe4r.png", grey(2, 3, 200));
  EXPECT_EQ(problem(), ""); // names of pictures may be any bytes
  folder.write("photos/cat/a.png", "GIF89a");
  EXPECT_EQ(problem(), "photos/cat/a.png: is a GIF; only PNG and JPEG are read");
  EXPECT_EQ(
      errorOf(openSource("image_folder", {{"photos/cat/a.png"}, {}}, {field("x", DType::U8, {2, 3})}, folder.paths())),
      folder / "photos/cat/a.png" + ": is a file, but a folder is expected");
}

TEST_F(ImageFolder, LinksThatLeadOut) {
  folder.write("elsewhere/cat/z.png", grey(2, 3, 200));
  std::filesystem::create_directories(folder / "photos/cat");
  std::filesystem::create_symlink("../../elsewhere/cat/z.png", folder / "photos/cat/z.png");
  EXPECT_EQ(problem(), "photos/cat/z.png: is a link that leads out of `photos`");
  std::filesystem::remove(folder / "photos/cat/z.png");
  folder.write("photos/cat/z.png", grey(2, 3, 200));
  std::filesystem::create_symlink("../elsewhere/cat", folder / "photos/tiger");
  EXPECT_EQ(problem(), "photos/tiger: is a link that leads out of `photos`");
  std::filesystem::remove(folder / "photos/tiger");
  std::filesystem::create_symlink("..", folder / "photos/cat/again");
  EXPECT_EQ(problem(), "photos/cat/again: is a link to a folder that it is in");
  std::filesystem::remove(folder / "photos/cat/again");
  std::filesystem::create_symlink("z.png", folder / "photos/cat/y.png");
  EXPECT_EQ(problem(), "");
  std::filesystem::create_symlink("nothing", folder / "photos/cat/x.png");
  EXPECT_EQ(problem(), "photos/cat/x.png: is a link that leads nowhere");
  std::filesystem::remove(folder / "photos/cat/x.png");
  // The folder that is given may be a link itself.
  std::filesystem::rename(folder / "photos", folder / "real");
  std::filesystem::create_symlink("real", folder / "photos");
  EXPECT_EQ(problem(), "");
}

TEST_F(ImageFolder, WithoutResizeAllAreOfOneSize) {
  folder.write("photos/cat/a.png", grey(2, 3, 1));
  folder.write("photos/cat/b.png", grey(3, 2, 1));
  EXPECT_EQ(errorOf(open({field("image", DType::U8, {2, 3})}, {})),
            folder / "photos/cat/b.png" + ": is 3 x 2 pixels (height x width), but 2 x 3 are declared\n"
                                          "`resize: [2, 3]` makes all pictures this size");
}

TEST_F(ImageFolder, APictureThatChangesOrVanishesIsTheErrorOfItsBatch) {
  for (const char *name : {"a", "b", "c", "d"})
    folder.write(std::string("photos/cat/") + name + ".png", grey(2, 3, 1));
  auto data = open();
  ASSERT_TRUE(data) << errorOf(data);
  folder.write("photos/cat/c.png", grey(20, 30, 1));
  std::filesystem::remove(folder / "photos/cat/d.png");
  auto stream = Batches::open({*data, {"image", "label"}, 1, false, 0, 0, 0, 1});
  ASSERT_TRUE(stream) << errorOf(stream);
  for (int i = 0; i < 2; ++i) {
    auto batch = (*stream)->next();
    EXPECT_TRUE(batch) << errorOf(batch);
  }
  EXPECT_EQ(errorOf((*stream)->next()), folder / "photos/cat/c.png" + ": changed since the program began");
  std::filesystem::remove(folder / "photos/cat/c.png");
  EXPECT_EQ(errorOf((*data)->dense("image")), folder / "photos/cat/c.png" + ": is gone since the program began");
}

namespace {
/// Counts how often rows are made.
struct Counting : RowReader {
  mutable std::atomic<int> made{0};
  Result<void> read(int64_t row, std::byte *out) const override {
    ++made;
    *reinterpret_cast<int32_t *>(out) = int32_t(7 * row);
    return {};
  }
};
} // namespace

TEST(RowCache, MakesARowOnceIfAllFit) {
  auto reader = std::make_shared<Counting>();
  auto kept = cached(reader, 10, 4, 40);
  int32_t value = 0;
  for (int i = 0; i < 30; ++i) {
    EXPECT_TRUE(kept->read(i % 10, reinterpret_cast<std::byte *>(&value)));
    EXPECT_EQ(value, 7 * (i % 10));
  }
  EXPECT_EQ(reader->made, 10);
  EXPECT_EQ(cached(reader, 10, 4, 39), reader);
  EXPECT_EQ(cached(reader, int64_t(1) << 62, 4, ~size_t(0)), reader);
  EXPECT_GT(availableMemory(), size_t(1) << 20);
}

TEST(RowCache, BatchesAreTheSameWhetherRowsAreKeptOrNot) {
  auto reader = std::make_shared<Counting>();
  Column column{field("x", DType::I32)};
  for (bool keep : {true, false}) {
    column.reader = keep ? cached(reader, 1000, 4, 1 << 20) : reader;
    auto data = std::make_shared<Dataset>("rows", 1000, std::vector<Column>{column});
    auto stream = Batches::open({data, {"x"}, 7, true, 3, 0, 0, 3});
    while (const Batch *batch = *(*stream)->next())
      for (int64_t i = 0; i < batch->rows; ++i)
        ASSERT_EQ(static_cast<const int32_t *>(batch->inputs[0])[i], 7 * batch->rowIndices[i]);
  }
  EXPECT_EQ(reader->made, 4000);
}

TEST(DecodeThreads, EveryTaskOnceAndTheLeastFailure) {
  for (int threads : {1, 2, 4}) {
    DecodeThreads pool(threads);
    for (int64_t tasks : {0, 1, 5, 1000}) {
      std::vector<std::atomic<int>> done(size_t(tasks) + 1);
      EXPECT_FALSE(pool.run(tasks, [&](int64_t i) {
        ++done[size_t(i)];
        return Result<void>();
      }));
      for (int64_t i = 0; i < tasks; ++i)
        EXPECT_EQ(done[size_t(i)], 1);
    }
    for (int round = 0; round < 50; ++round) {
      auto failure = pool.run(
          100, [&](int64_t i) { return i % 10 == 7 ? Error::plain("task " + std::to_string(i)) : Result<void>(); });
      ASSERT_TRUE(failure);
      EXPECT_EQ(failure->task, 7);
      EXPECT_EQ(failure->error.str(), "task 7");
    }
  }
  NoMoreThreads scope;
  DecodeThreads alone(4);
  EXPECT_TRUE(alone.run(3, [](int64_t i) { return i == 2 ? Error::plain("two") : Result<void>(); }));
}
