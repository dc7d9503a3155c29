// Letters and words by Unicode, vocabularies, and the sources of texts: numbers, and errors with their place.
#include "RuntimeTesting.h"
#include "runtime/Words.h"

using namespace dlc;
using namespace dlc::testing;

namespace {
using Words = std::vector<std::string>;
using Numbers = std::vector<int64_t>;

class Texts : public ::testing::Test {
protected:
  TemporaryFolder folder;
  std::vector<FieldSpec> pair = {field("src", DType::I32, {4}), field("dst", DType::I64, {5})};

  Result<std::shared_ptr<const Dataset>> open(const std::string &kind, const std::string &file,
                                              std::vector<FieldSpec> fields,
                                              std::map<std::string, SourceValue> named = {}) {
    return openSource(kind, {{file}, named}, fields, folder.paths());
  }
  std::string errorFor(const std::string &kind, const std::string &content, std::vector<FieldSpec> fields,
                       std::map<std::string, SourceValue> named = {}) {
    folder.write("x.txt", content);
    std::string error = errorOf(open(kind, "x.txt", std::move(fields), named)), path = folder / "x.txt";
    return error.starts_with(path) ? error.substr(path.size() + 1) : error;
  }
};

template <class T> std::vector<T> row(const Dataset &data, const std::string &name, int64_t i) {
  const Column *column = data.column(name);
  std::vector<T> values(size_t(column->spec.elements()));
  EXPECT_TRUE(column->read(data.row(i), reinterpret_cast<std::byte *>(values.data())));
  return values;
}
} // namespace

// As Python's unicodedata has it.
TEST_F(Texts, MarksAreTakenOff) {
  EXPECT_EQ(withoutMarks("Ślusàrski"), "Slusarski");
  EXPECT_EQ(withoutMarks("e\u0301ł ß 한"),
            "eł ß 한"); // a mark of its own, letters that have none, syllables stay whole
  EXPECT_EQ(withoutMarks("a\xff"
                         "b"),
            ""); // is checked before
  EXPECT_EQ(stripped("\u202f a\u00a0b \u3000"), "a\u00a0b");
  EXPECT_EQ(stripped(" \t"), "");
}

TEST_F(Texts, WordsAndSigns) {
  EXPECT_EQ(wordsOf("J'ai vu l’ÉTÉ\u202f!"), (Words{"j'ai", "vu", "l’été", "!"}));
  EXPECT_EQ(wordsOf("'go' 3.5km -- e\u0301a"), (Words{"'", "go", "'", "3", ".", "5km", "-", "-", "éa"}));
  EXPECT_EQ(wordsOf(" \u200b\t"), Words{});
}

TEST_F(Texts, ClassesAreNumbered) {
  Vocabulary kinds(Vocabulary::Kind::Classes, {"blue", "green", "red"});
  EXPECT_EQ(*kinds.encode("green"), Numbers{1});
  EXPECT_EQ(errorOf(kinds.encode("gren")), "`gren` is none of the 3 classes; did you mean `green`?\n"
                                           "they are `blue`, `green`, `red`");
  EXPECT_EQ(*kinds.decode(Numbers{2, 0}), "red, blue");
  EXPECT_EQ(errorOf(kinds.decode(Numbers{3})), "3 stands for nothing in a vocabulary of 3");
}

TEST_F(Texts, AVocabularyIsWrittenAndRead) {
  Vocabulary words(Vocabulary::Kind::Words, {"", "<start>", "<end>", "<unknown>", "a\"é", "b"}, {DType::I64, 7, true});
  Result<std::shared_ptr<const Vocabulary>> read = Vocabulary::read(words.json());
  ASSERT_TRUE(read);
  EXPECT_EQ((*read)->entries(), words.entries());
  EXPECT_EQ((*read)->kind(), words.kind());
  EXPECT_EQ((*read)->form(), words.form());
  EXPECT_EQ(words.difference(**read, "a", "b"), "");
  EXPECT_EQ((*Vocabulary::read("[\"x\", \"y\"]"))->size(), 2); // classes alone
  for (const char *bad : {"", "{}", "[]", "[1]", "{\"kind\":\"words\",\"entries\":[\"\"]}", "[\"a\",\"a\"]",
                          "{\"kind\":\"tunes\",\"entries\":[\"a\"]}", "{\"kind\":1,\"entries\":[\"a\"]}",
                          "{\"kind\":\"letters\",\"entries\":[\"a\"],\"length\":-1}",
                          "{\"kind\":\"letters\",\"entries\":[\"a\"],\"dtype\":\"f32\"}"})
    EXPECT_EQ(errorOf(Vocabulary::read(bad)), "is no vocabulary that was saved with a model") << bad;
}

TEST_F(Texts, DifferencesNameBothSizesAndTheFirstEntries) {
  Vocabulary a(Vocabulary::Kind::Letters, {"a", "b", "c"}), b(Vocabulary::Kind::Letters, {"a", "x"});
  EXPECT_EQ(a.difference(b, "the file", "the data"),
            "the file has 3 letters, the data has 2 letters; the first that differ: 1 is `b` and `x`");
}

TEST_F(Texts, EachPlaceOfATextIsAnExample) {
  folder.write("x.txt", "\xEF\xBB\xBF"
                        "héb\r\nhé");
  auto data = open("text", "x.txt", {field("t", DType::I32, {3})});
  ASSERT_TRUE(data) << errorOf(data);
  EXPECT_EQ((*data)->size(), 4);
  EXPECT_EQ((*data)->column("t")->vocabulary->entries(), (Words{"\n", "b", "h", "é"}));
  EXPECT_EQ(row<int32_t>(**data, "t", 0), (std::vector<int32_t>{2, 3, 1}));
  EXPECT_EQ(row<int32_t>(**data, "t", 3), (std::vector<int32_t>{0, 2, 3}));
  EXPECT_EQ(*(*data)->column("t")->vocabulary->encode("bh"), (Numbers{1, 2}));
  EXPECT_EQ(errorOf((*data)->column("t")->vocabulary->encode("b\u2028")),
            "U+2028, letter 2 of the text, is none of the vocabulary's 4");
}

TEST_F(Texts, TextThatIsNone) {
  std::vector<FieldSpec> one = {field("t", DType::I32, {3})};
  EXPECT_EQ(errorFor("text", "ab\ncd\xC3(e", one), "2:3: byte 0xc3 (at 5 of the file) is not UTF-8 text");
  EXPECT_EQ(errorFor("text", std::string("ab\0c", 4), one), "1:3: is not text: a zero byte stands here");
  EXPECT_EQ(errorFor("text", "", one), " is empty");
  EXPECT_EQ(errorFor("text", "\r\n", one), " has 1 letters, fewer than one window of 3");
  EXPECT_EQ(errorFor("text", "abcd", one, {{"window", 4.0}}), "`window` is 4, but `t` is declared i32[3]");
  EXPECT_EQ(errorFor("text", "abcd", {field("t", DType::F32, {3})}),
            "field `t` is f32, but holds numbers from 0 to 3; declare it i32");
  EXPECT_EQ(errorFor("text", "abcd", {field("t", DType::I32)}),
            "`text` gives one field of numbers, `t: i32[n]`, n letters from each place on");
}

TEST_F(Texts, ALineIsAnExampleAndAFileAClass) {
  folder.write("b.txt", "Zoë\n\n  Ab-a \n");
  folder.write("a.txt", "abcdefg");
  std::vector<FieldSpec> fields = {field("letters", DType::U8, {4}), field("kind", DType::U8)};
  auto data = open("text_folder", "*.txt", fields, {{"length", 4.0}, {"alphabet", std::string("abcdeoZA")}});
  ASSERT_TRUE(data) << errorOf(data);
  EXPECT_EQ((*data)->size(), 3);
  EXPECT_EQ((*data)->column("kind")->vocabulary->entries(), (Words{"a", "b"}));
  EXPECT_EQ(row<uint8_t>(**data, "letters", 0), (std::vector<uint8_t>{1, 2, 3, 4})); // loses its end
  EXPECT_EQ(row<uint8_t>(**data, "letters", 1), (std::vector<uint8_t>{0, 7, 6, 5})); // padding in front, no accent
  EXPECT_EQ(row<uint8_t>(**data, "letters", 2), (std::vector<uint8_t>{0, 8, 2, 1})); // what is no letter is left out
  EXPECT_EQ(row<uint8_t>(**data, "kind", 2), std::vector<uint8_t>{1});
  EXPECT_EQ((*data)->notes, Words{"1 of 3 lines are longer than 4 and lose their end"});
  EXPECT_EQ(*(*data)->column("letters")->vocabulary->decode(Numbers{0, 7, 6, 5}), "Zoe");
  // Without an alphabet the letters are those met, and the class may be left out.
  data = open("text_folder", "b.txt", {field("letters", DType::I32, {4})});
  EXPECT_EQ((*data)->column("letters")->vocabulary->entries(), (Words{"", "-", "A", "Z", "a", "b", "e", "o"}));
}

TEST_F(Texts, FoldersOfTextThatDoNotFit) {
  std::vector<FieldSpec> fields = {field("l", DType::I32, {4}), field("kind", DType::I32)};
  EXPECT_EQ(errorFor("text_folder", " \n", fields), " has no line with letters");
  EXPECT_EQ(errorFor("text_folder", "a", fields, {{"length", 5.0}}), "`length` is 5, but `l` is declared i32[4]");
  EXPECT_EQ(errorFor("text_folder", "a", fields, {{"alphabet", std::string("aba")}}), "`alphabet` has `a` twice");
  EXPECT_EQ(errorFor("text_folder", "a", fields, {{"alphabet", std::string("")}}), "`alphabet` has no letters");
  EXPECT_EQ(errorFor("text_folder", "a", {field("l", DType::I32, {4}), text("kind")}),
            "field `kind` is the class of a line: a number, or `category`");
  EXPECT_EQ(
      errorFor("text_folder", "a", {field("l", DType::I32)}),
      "`text_folder` gives the letters of a line, `letters: u8[20]`, and perhaps its class, `language: category`");
}

TEST_F(Texts, PairsOfSentences) {
  folder.write("p.tsv", "Go on.\tVa, va !\tfrom\r\n\nGo!\tVa plus loin encore\n");
  auto data = open("sentence_pairs", "p.tsv", pair, {{"lengths", std::vector<double>{4, 5}}, {"vocab", 6.0}});
  ASSERT_TRUE(data) << errorOf(data);
  EXPECT_EQ((*data)->size(), 2);
  EXPECT_EQ((*data)->column("src")->vocabulary->entries(), (Words{"", "<start>", "<end>", "<unknown>", "go", "!"}));
  EXPECT_EQ((*data)->column("dst")->vocabulary->entries(), (Words{"", "<start>", "<end>", "<unknown>", "va", "!"}));
  EXPECT_EQ(row<int32_t>(**data, "src", 0), (std::vector<int32_t>{4, 3, 3, 2}));
  EXPECT_EQ(row<int64_t>(**data, "dst", 0), (std::vector<int64_t>{1, 4, 3, 4, 5})); // loses its end
  EXPECT_EQ(row<int32_t>(**data, "src", 1), (std::vector<int32_t>{4, 5, 2, 0}));
  EXPECT_EQ((*data)->notes, (Words{"2 of 2 sentences of `dst` are longer than 5 with their marks and lose their end"}));
  EXPECT_EQ(*(*data)->column("dst")->vocabulary->decode(Numbers{1, 4, 5, 2, 4, 0}), "va !");
}

TEST_F(Texts, LinesThatAreNoPairs) {
  EXPECT_EQ(errorFor("sentence_pairs", "a\tb\nc d\n", pair), "2:4: found one sentence, expected a tab and a second");
  EXPECT_EQ(errorFor("sentence_pairs", "a\t \n", pair), "1:3: a sentence is empty");
  EXPECT_EQ(errorFor("sentence_pairs", "\n \n", pair), " has no lines with sentences");
  EXPECT_EQ(errorFor("sentence_pairs", "a\tb", pair, {{"lengths", std::vector<double>{4, 6}}}),
            "`lengths` says 6, but `dst` is declared i64[5]");
  EXPECT_EQ(errorFor("sentence_pairs", "a\tb", pair, {{"lengths", 4.0}}),
            "argument `lengths` of `sentence_pairs` is not a list of numbers");
  EXPECT_EQ(errorFor("sentence_pairs", "a\tb", pair, {{"vocab", 4.0}}),
            "argument `vocab` of `sentence_pairs` is 4, but must be at least 5");
  EXPECT_EQ(errorFor("sentence_pairs", "a\tb", {pair[0]}),
            "`sentence_pairs` gives two fields, the words of each sentence: `src: i32[12], dst: i32[14]`");
}
