// Damaged files of the sources that read folders and texts, and of saved models: an error or data, and never harm. How many of
// each: DLC_RANDOM_FILES (./dev test-files).
#include "RuntimeTesting.h"
#include "runtime/Checkpoint.h"
#include "runtime/Safetensors.h"

#include <png.h>

using namespace dlc;
using namespace dlc::testing;

namespace {
/// A source that reads `file`, whole.
struct Whole {
  const char *kind;
  std::string argument, file, content;
  std::vector<FieldSpec> fields;
  std::map<std::string, SourceValue> named = {};
};
} // namespace

static std::string picture(int height, int width) {
  png_image image = {};
  image.version = PNG_IMAGE_VERSION;
  image.width = png_uint_32(width);
  image.height = png_uint_32(height);
  image.format = PNG_FORMAT_RGB;
  std::vector<uint8_t> pixels(size_t(height * width * 3));
  for (size_t i = 0; i < pixels.size(); ++i)
    pixels[i] = uint8_t(i * i);
  png_alloc_size_t size = 0;
  png_image_write_to_memory(&image, nullptr, &size, 0, pixels.data(), 0, nullptr);
  std::string bytes(size, '\0');
  png_image_write_to_memory(&image, bytes.data(), &size, 0, pixels.data(), 0, nullptr);
  return bytes;
}

static std::vector<Whole> wholeFiles() {
  using List = std::vector<double>;
  return {
      {"text", "t.txt", "t.txt", "\xEF\xBB\xBFTo be, or n\xC3\xB6t to be:\r\nthat is\n", {field("t", DType::I32, {5})}},
      {"text_folder",
       "names/*.txt",
       "names/a.txt",
       "Zo\xC3\xAB\n\n  Ab-a \nO'Neill\n",
       {field("letters", DType::U8, {6}), category("kind")}},
      {"text_folder",
       "names/*.txt",
       "names/a.txt",
       "Zo\xC3\xAB\n\n  Ab-a \nO'Neill\n",
       {field("letters", DType::U8, {6})},
       {{"alphabet", std::string("abcdefgh")}}},
      {"sentence_pairs",
       "p.tsv",
       "p.tsv",
       "Go on.\tVa, va !\r\n\nI see.\tJe vois.\tfrom\nNo\tNon\n",
       {field("src", DType::I32, {4}), field("dst", DType::I32, {5})},
       {{"vocab", 8.0}}},
      {"image_folder",
       "photos",
       "photos/cat/a.png",
       picture(9, 7),
       {field("x", DType::U8, {3, 9, 7}), category("kind")}},
      {"image_folder",
       "photos",
       "photos/cat/a.png",
       picture(9, 7),
       {field("x", DType::U8, {1, 3, 5}), text("path")},
       {{"resize", List{3, 5}}}},
  };
}

TEST(Folders, DamagedFilesDoNoHarm) {
  std::mt19937 random(5);
  std::vector<Whole> files = wholeFiles();
  for (const Whole &file : files) {
    TemporaryFolder folder;
    SourceArguments arguments{{file.argument}, file.named};
    folder.write("photos/dog/b.png", picture(9, 7));
    folder.write("names/b.txt", "Abe\n");
    folder.write(file.file, file.content);
    auto whole = openSource(file.kind, arguments, file.fields, folder.paths());
    EXPECT_TRUE(whole) << file.kind << errorOf(whole);
    for (int i = 0; i < damagedFiles(); ++i) {
      folder.write(file.file, damaged(file.content, files[random() % files.size()].content, random));
      auto data = openSource(file.kind, arguments, file.fields, folder.paths());
      if (!data) {
        EXPECT_NE(errorOf(data), "");
        continue;
      }
      for (const Column &column : (*data)->columns()) {
        auto rows = (*data)->dense(column.spec.name);
        if (!rows) // a picture is decoded when it is asked for
          EXPECT_NE(errorOf(rows), "");
        else if (const Vocabulary *vocabulary = rows->vocabulary.get(); vocabulary && column.spec.dtype == DType::I32)
          for (int64_t row = 0; row < (*data)->size(); ++row) {
            std::vector<int64_t> numbers;
            for (int64_t k = 0; k < column.spec.elements(); ++k)
              numbers.push_back(reinterpret_cast<const int32_t *>(rows->data + size_t(row) * rows->stride)[k]);
            EXPECT_TRUE(vocabulary->decode(numbers));
          }
      }
    }
  }
}

/// A run's parameters, state and vocabularies, and what there is to load them into.
TEST(SavedModels, DamagedFilesDoNoHarm) {
  TemporaryFolder folder;
  std::mt19937 random(6);
  std::vector<float> values(12, 0.5f);
  std::vector<TensorSlot> params = {denseSlot("fc.weight", DType::F32, {2, 3}, 0)},
                          state = {denseSlot("m.fc.weight", DType::F32, {2, 3}, 0)};
  Vocabulary words(Vocabulary::Kind::Words, {"", "<start>", "<end>", "<unknown>", "go", "n\xC3\xA4"},
                   {DType::I32, 7, true});
  std::map<std::string, std::string> metadata = {{"vocabulary.src", words.json()}, {"classes.kind", "[\"a\", \"b\"]"}};
  RunPosition position;
  position.step = 4;
  position.sums = {1.5, 2};
  ASSERT_TRUE(saveCheckpoint(folder / "net", {params, values.data()}, metadata));
  ASSERT_TRUE(saveResume(folder / "net.resume", {params, values.data()}, {state, values.data()}, position, metadata));
  std::string net = contentOf(folder / "net"), resume = contentOf(folder / "net.resume");
  ASSERT_EQ(readVocabularies(folder / "net")->size(), 2u);
  for (int i = 0; i < damagedFiles(); ++i) {
    std::string path = folder.write("d", damaged(i % 2 ? net : resume, i % 3 ? net : resume, random));
    std::vector<float> into(12);
    if (auto read = readVocabularies(path)) {
      for (auto &[name, vocabulary] : *read)
        EXPECT_TRUE(vocabulary->decode(std::vector<int64_t>{vocabulary->size() - 1}));
      (void)checkVocabularies(path, *read, "the model");
    }
    (void)loadCheckpoint(path, {params, into.data()});
    (void)loadPartial(path, {params, into.data()});
    if (auto at = loadResume(path, {params, into.data()}, {state, into.data() + 6}))
      EXPECT_GE(at->step, 0);
  }
}

TEST(Vocabularies, DamagedFilesDoNoHarm) {
  std::mt19937 random(7);
  Vocabulary words(Vocabulary::Kind::Words, {"", "<start>", "<end>", "<unknown>", "go", "n\xC3\xA4"},
                   {DType::I64, 7, true}),
      letters(Vocabulary::Kind::Letters, {"", "a", "\xC3\xA4"}, {DType::U8, 5});
  for (int i = 0; i < damagedFiles(); ++i)
    if (auto read = Vocabulary::read(damaged(words.json(), letters.json(), random))) {
      EXPECT_GT((*read)->size(), 0);
      (void)(*read)->encode("go a\xC3\xA4");
      (void)(*read)->difference(words, "a", "b");
      auto again = Vocabulary::read((*read)->json());
      EXPECT_TRUE(again) << (*read)->json();
    }
}
