// Unicode's categories and forms are utf8proc's.
#include "runtime/Words.h"

#include "runtime/Files.h"
#include "runtime/Utf8.h"

#include <algorithm>
#include <cstdlib>
#include <fmt/format.h>
#include <utf8proc.h>

namespace dlc {

static int32_t codeOf(std::string_view letter) { return int32_t(decodeUtf8(letter).code); }

Result<std::string> readText(const std::string &path) {
  Result<std::string> content = readFile(path);
  if (!content)
    return content;
  std::string text;
  text.reserve(content->size());
  int64_t line = 1;
  size_t at = content->starts_with("\xEF\xBB\xBF") ? 3 : 0, lineBegin = 0;
  while (at < content->size()) {
    std::string_view rest = std::string_view(*content).substr(at);
    size_t length = decodeUtf8(rest).length;
    if (length == 0 || rest[0] == '\0')
      return Error::atLine(
          path, line, int64_t(at - lineBegin) + 1,
          length == 0 ? fmt::format("byte {:#04x} (at {} of the file) is not UTF-8 text", (unsigned char)rest[0], at)
                      : "is not text: a zero byte stands here");
    if (rest[0] == '\n') {
      ++line;
      lineBegin = at + 1;
    }
    if (!rest.starts_with("\r\n"))
      text += rest.substr(0, length);
    at += length;
  }
  if (text.empty())
    return Error::inFile(path, "is empty");
  return text;
}

std::vector<std::string_view> linesOf(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    size_t end = std::min(text.find('\n'), text.size());
    lines.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

std::vector<std::string_view> lettersOf(std::string_view text) {
  std::vector<std::string_view> letters;
  while (!text.empty()) {
    size_t length = decodeUtf8(text).length;
    if (length > 0)
      letters.push_back(text.substr(0, length));
    text.remove_prefix(std::max<size_t>(length, 1));
  }
  return letters;
}

static bool isBlank(int32_t code) {
  switch (utf8proc_category(code)) {
  case UTF8PROC_CATEGORY_ZS:
  case UTF8PROC_CATEGORY_ZL:
  case UTF8PROC_CATEGORY_ZP:
  case UTF8PROC_CATEGORY_CC:
  case UTF8PROC_CATEGORY_CF:
    return true;
  default:
    return false;
  }
}

static bool isPartOfWord(int32_t code) {
  utf8proc_category_t category = utf8proc_category(code);
  return category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_NO; // letters, marks, numbers
}

std::string shownLetter(std::string_view letter) {
  int32_t code = codeOf(letter);
  utf8proc_category_t category = utf8proc_category(code);
  bool seen = code == ' ' || (category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_SO &&
                              category != UTF8PROC_CATEGORY_MN);
  return seen ? fmt::format("`{}`", letter) : fmt::format("U+{:04X}", uint32_t(code));
}

/// The text in a normal form.
static std::string normal(std::string_view text, utf8proc_option_t form) {
  utf8proc_uint8_t *made = nullptr;
  utf8proc_ssize_t length =
      utf8proc_map(reinterpret_cast<const utf8proc_uint8_t *>(text.data()), utf8proc_ssize_t(text.size()), &made,
                   utf8proc_option_t(UTF8PROC_STABLE | form));
  std::string result = length < 0 ? "" : std::string(reinterpret_cast<char *>(made), size_t(length));
  std::free(made);
  return result;
}

std::string withoutMarks(std::string_view text) {
  std::string kept, apart = normal(text, UTF8PROC_DECOMPOSE);
  for (std::string_view letter : lettersOf(apart))
    if (utf8proc_category(codeOf(letter)) != UTF8PROC_CATEGORY_MN)
      kept += letter;
  return normal(kept, UTF8PROC_COMPOSE);
}

std::string_view stripped(std::string_view text) {
  std::vector<std::string_view> letters = lettersOf(text);
  auto blank = [](std::string_view letter) { return isBlank(codeOf(letter)); };
  auto begin = std::find_if_not(letters.begin(), letters.end(), blank);
  if (begin == letters.end())
    return {};
  auto last = std::find_if_not(letters.rbegin(), letters.rend(), blank);
  return {begin->data(), size_t(last->data() + last->size() - begin->data())};
}

std::vector<std::string> wordsOf(std::string_view text) {
  std::vector<std::string> words;
  std::string word;
  auto end = [&] {
    if (!word.empty())
      words.push_back(std::move(word));
    word.clear();
  };
  std::string composed = normal(text, UTF8PROC_COMPOSE);
  std::vector<std::string_view> letters = lettersOf(composed);
  for (size_t i = 0; i < letters.size(); ++i) {
    int32_t code = codeOf(letters[i]);
    bool inside = !word.empty() && i + 1 < letters.size() && (code == '\'' || code == 0x2019) &&
                  isPartOfWord(codeOf(letters[i + 1]));
    if (inside || isPartOfWord(code)) {
      word += encodeUtf8(char32_t(utf8proc_tolower(code)));
      continue;
    }
    end();
    if (!isBlank(code))
      words.emplace_back(letters[i]);
  }
  end();
  return words;
}

} // namespace dlc
