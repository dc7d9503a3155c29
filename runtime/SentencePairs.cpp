// sentence_pairs("file.tsv", lengths: [n, m], vocab: k): a line is two sentences with a tab between them.
#include "runtime/NumberWriter.h"
#include "runtime/Words.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <unordered_map>

namespace dlc {

/// One sentence of each line.
using Sentences = std::vector<std::string>;

static Result<std::array<Sentences, 2>> readPairs(const std::string &path) {
  Result<std::string> text = readText(path);
  if (!text)
    return text.error();
  std::array<Sentences, 2> pairs;
  int64_t number = 0;
  for (std::string_view line : linesOf(*text)) {
    ++number;
    if (stripped(line).empty())
      continue;
    size_t tab = line.find('\t');
    if (tab == std::string_view::npos)
      return Error::atLine(path, number, int64_t(line.size()) + 1, "found one sentence, expected a tab and a second");
    std::string_view second = line.substr(tab + 1);
    second = second.substr(0, second.find('\t')); // what follows says where a pair is from
    for (const auto &[sentence, column] : {std::pair(line.substr(0, tab), size_t(1)), std::pair(second, tab + 2)})
      if (stripped(sentence).empty())
        return Error::atLine(path, number, int64_t(column), "a sentence is empty");
    pairs[0].emplace_back(line.substr(0, tab));
    pairs[1].emplace_back(second);
  }
  if (pairs[0].empty())
    return Error::inFile(path, "has no lines with sentences");
  return pairs;
}

/// The marks, then words by falling frequency, at most `most` in all; of two as frequent the one of lesser bytes first.
static std::vector<std::string> wordsByFrequency(const Sentences &sentences, int64_t most) {
  std::unordered_map<std::string, int64_t> counts;
  for (const std::string &sentence : sentences)
    for (std::string &word : wordsOf(sentence))
      ++counts[std::move(word)];
  std::vector<std::pair<std::string, int64_t>> words(counts.begin(), counts.end());
  std::sort(words.begin(), words.end(), [](const auto &a, const auto &b) {
    return a.second != b.second ? a.second > b.second : a.first < b.first;
  });
  std::vector<std::string> entries = {"", "<start>", "<end>", "<unknown>"}; // no words: their signs stand alone
  for (auto &[word, count] : words)
    if (int64_t(entries.size()) < most)
      entries.push_back(word);
  return entries;
}

/// Checks that the fields are two rows of words, of these lengths where they are given.
static Result<void> checkFields(ArgumentReader &arguments, const std::vector<FieldSpec> &fields) {
  bool good = fields.size() == 2;
  for (const FieldSpec &field : fields)
    good = good && field.kind == FieldSpec::Kind::Number && field.shape.size() == 1;
  if (!good)
    return Error::plain("`sentence_pairs` gives two fields, the words of each sentence: `src: i32[12], dst: i32[14]`");
  Result<std::optional<std::vector<double>>> lengths = arguments.numbers("lengths");
  if (!lengths)
    return lengths.error();
  if (*lengths) {
    if ((*lengths)->size() != 2)
      return Error::plain(fmt::format("`lengths` has {} numbers, expected 2", (*lengths)->size()));
    for (size_t i = 0; i < 2; ++i)
      if ((**lengths)[i] != double(fields[i].shape[0]))
        return Error::plain(fmt::format("`lengths` says {}, but `{}` is declared {}", (**lengths)[i], fields[i].name,
                                        typeName(fields[i].dtype, fields[i].shape)));
  }
  return {};
}

SourceResult openSentencePairs(ArgumentReader &arguments, const std::vector<FieldSpec> &fields,
                               const SearchPaths &paths) {
  Result<std::string> name = arguments.text("");
  if (!name)
    return name.error();
  if (Result<void> ok = checkFields(arguments, fields); !ok)
    return ok.error();
  Result<double> most = arguments.number("vocab", double(int64_t(1) << 31), Vocabulary::Marks + 1, true);
  if (!most)
    return most.error();
  if (Result<void> ok = arguments.finish(); !ok)
    return ok.error();
  Result<std::string> path = paths.find(*name);
  if (!path)
    return path.error();
  Result<std::array<Sentences, 2>> pairs = readPairs(*path);
  if (!pairs)
    return pairs.error();
  OpenedSource opened{int64_t((*pairs)[0].size()), {}};
  for (size_t side = 0; side < 2; ++side) {
    const FieldSpec &field = fields[side];
    int64_t length = field.shape[0];
    auto vocabulary =
        std::make_shared<const Vocabulary>(Vocabulary::Kind::Words, wordsByFrequency((*pairs)[side], int64_t(*most)),
                                           Vocabulary::Form{field.dtype, length, side == 1});
    Result<EncodedTexts> words = encodeTexts(field, vocabulary, (*pairs)[side]);
    if (!words)
      return words.error();
    opened.columns.push_back(std::move(words->column));
    if (words->cut)
      opened.notes.push_back(
          fmt::format("{} of {} sentences of `{}` are longer than {} with their marks and lose their end", words->cut,
                      opened.rows, field.name, length));
  }
  return opened;
}

} // namespace dlc
