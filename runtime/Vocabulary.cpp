// Texts to numbers and back.
#include "runtime/Vocabulary.h"

#include "runtime/Files.h"
#include "runtime/Words.h"

#include <algorithm>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace dlc {

static constexpr std::string_view kindNames[] = {"classes", "letters", "words"};

Vocabulary::Vocabulary(Kind kind, std::vector<std::string> entries, Form form)
    : meaning(kind), all(std::move(entries)), shape(form) {
  for (const std::string &entry : all)
    if (!entry.empty() || meaning == Kind::Classes) // a missing value may be a class
      numbers.emplace(entry, int64_t(&entry - all.data()));
}

int64_t Vocabulary::find(std::string_view entry) const {
  auto found = numbers.find(entry);
  return found == numbers.end() ? -1 : found->second;
}

static std::string quoted(const std::string &entry) { return entry.empty() ? "the padding" : "`" + entry + "`"; }

Result<std::vector<int64_t>> Vocabulary::encode(std::string_view text, bool *lost) const {
  std::vector<int64_t> result;
  auto cut = [&](int64_t room) {
    if (int64_t(result.size()) > room && lost)
      *lost = true;
    result.resize(size_t(std::min(room, int64_t(result.size()))));
  };
  if (meaning == Kind::Classes) {
    int64_t number = find(text);
    if (number >= 0)
      return std::vector<int64_t>{number};
    std::string near = nearestName(text, all), some;
    constexpr size_t shown = 10;
    for (size_t i = 0; i < std::min(all.size(), shown); ++i)
      some += (i ? ", `" : "`") + all[i] + "`";
    return Error::plain(fmt::format("`{}` is none of the {} classes{}\nthey are {}{}", text, size(),
                                    near.empty() ? "" : "; did you mean `" + near + "`?", some,
                                    all.size() > shown ? ", .." : ""));
  }
  if (meaning == Kind::Words) {
    for (const std::string &word : wordsOf(text)) {
      int64_t number = find(word);
      result.push_back(number >= 0 ? number : int64_t(Unknown));
    }
    if (shape.start)
      result.insert(result.begin(), Start);
    result.push_back(End);
    if (shape.length > 0) {
      cut(shape.length);
      result.resize(size_t(shape.length), Padding);
    }
    return result;
  }
  if (shape.length > 0) {
    std::string plain = withoutMarks(stripped(text));
    for (std::string_view letter : lettersOf(plain))
      if (int64_t number = find(letter); number >= 0)
        result.push_back(number);
    cut(shape.length);
    result.insert(result.begin(), size_t(shape.length) - result.size(), 0);
    return result;
  }
  for (std::string_view letter : lettersOf(text)) {
    result.push_back(find(letter));
    if (result.back() < 0)
      return Error::plain(fmt::format("{}, letter {} of the text, is none of the vocabulary's {}", shownLetter(letter),
                                      result.size(), size()));
  }
  return result;
}

Result<std::string> Vocabulary::decode(std::span<const int64_t> row) const {
  std::string text;
  for (int64_t number : row) {
    if (number < 0 || number >= size())
      return Error::plain(fmt::format("{} stands for nothing in a vocabulary of {}", number, size()));
    if (meaning == Kind::Words && number == End)
      break;
    if (meaning == Kind::Words && (number == Padding || number == Start))
      continue;
    if (meaning != Kind::Letters && !text.empty())
      text += meaning == Kind::Classes ? ", " : " ";
    text += all[size_t(number)];
  }
  return text;
}

std::string Vocabulary::json() const {
  nlohmann::json made = {{"kind", kindNames[size_t(meaning)]}, {"entries", all}, {"dtype", nameOf(shape.dtype)}};
  if (shape.length > 0)
    made["length"] = shape.length;
  if (shape.start)
    made["start"] = true;
  return made.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

Result<std::shared_ptr<const Vocabulary>> Vocabulary::read(std::string_view text) {
  constexpr int64_t longest = int64_t(1) << 24;
  nlohmann::json read = nlohmann::json::parse(text, nullptr, false);
  const nlohmann::json &list = read.is_object() && read.contains("entries") ? read["entries"] : read;
  const nlohmann::json named = read.is_object() ? read.value("kind", nlohmann::json()) : nlohmann::json(kindNames[0]);
  auto kind = std::find(std::begin(kindNames), std::end(kindNames), named.is_string() ? named.get<std::string>() : "");
  bool good = list.is_array() && kind != std::end(kindNames);
  std::vector<std::string> entries;
  if (good)
    for (const nlohmann::json &entry : list) {
      good = good && entry.is_string();
      if (good)
        entries.push_back(entry.get<std::string>());
    }
  Form form;
  if (good && read.is_object()) {
    const nlohmann::json length = read.value("length", nlohmann::json(0)),
                         start = read.value("start", nlohmann::json(false)),
                         dtype = read.value("dtype", nlohmann::json("i32"));
    good = length.is_number_integer() && start.is_boolean() && dtype.is_string();
    std::optional<DType> type;
    for (DType one : {DType::I32, DType::I64, DType::U8})
      if (good && dtype.get_ref<const std::string &>() == nameOf(one))
        type = one;
    good = good && type && length.get<int64_t>() >= 0 && length.get<int64_t>() <= longest;
    if (good)
      form = {*type, length.get<int64_t>(), start.get<bool>()};
  }
  Kind meaning = Kind(kind - std::begin(kindNames));
  good = good && !entries.empty() && (meaning != Kind::Words || entries.size() >= Marks);
  auto made = good ? std::make_shared<const Vocabulary>(meaning, std::move(entries), form) : nullptr;
  size_t nameless = good ? size_t(std::count(made->all.begin(), made->all.end(), "")) : 0;
  if (!good || (meaning == Kind::Classes ? made->numbers.size() : made->numbers.size() + nameless) != made->all.size())
    return Error::plain("is no vocabulary that was saved with a model");
  return made;
}

bool Vocabulary::agrees(const Vocabulary &other) const {
  return meaning == other.meaning && other.size() <= size() &&
         std::equal(other.all.begin(), other.all.end(), all.begin());
}

std::string Vocabulary::difference(const Vocabulary &other, const std::string &here, const std::string &there) const {
  if (meaning == other.meaning && all == other.all)
    return "";
  auto named = [](const Vocabulary &one) { return fmt::format("{} {}", one.size(), kindNames[size_t(one.meaning)]); };
  auto [mine, its] = std::mismatch(all.begin(), all.end(), other.all.begin(), other.all.end());
  auto entry = [](const Vocabulary &one, auto at) { return at == one.all.end() ? "nothing" : quoted(*at); };
  return fmt::format("{} has {}, {} has {}; the first that differ: {} is {} and {}", here, named(*this), there,
                     named(other), mine - all.begin(), entry(*this, mine), entry(other, its));
}

} // namespace dlc
