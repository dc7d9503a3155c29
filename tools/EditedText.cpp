// Edits of a text, and the history of inputs.
#include "tools/LineEditor.h"

#include "runtime/Files.h"

#include <algorithm>
#include <cstdio>

namespace dlc {

void EditedText::set(std::string text) {
  bytes = std::move(text);
  at = bytes.size();
}

void EditedText::insert(std::string_view text) {
  bytes.insert(at, text);
  at += text.size();
}

size_t EditedText::previous(size_t from) const {
  while (from > 0 && continuesCharacter(bytes[--from]))
    ;
  return from;
}

size_t EditedText::next(size_t from) const {
  if (from < bytes.size())
    ++from;
  while (from < bytes.size() && continuesCharacter(bytes[from]))
    ++from;
  return from;
}

size_t EditedText::beginOfLine(size_t from) const {
  size_t newline = from == 0 ? std::string::npos : bytes.rfind('\n', from - 1);
  return newline == std::string::npos ? 0 : newline + 1;
}

size_t EditedText::endOfLine(size_t from) const { return std::min(bytes.find('\n', from), bytes.size()); }

void EditedText::left() { at = previous(at); }
void EditedText::right() { at = next(at); }
void EditedText::lineBegin() { at = beginOfLine(at); }
void EditedText::lineEnd() { at = endOfLine(at); }

void EditedText::wordLeft() {
  while (at > 0 && !isOfWord(bytes[at - 1]))
    --at;
  while (at > 0 && isOfWord(bytes[at - 1]))
    --at;
}

void EditedText::wordRight() {
  while (at < bytes.size() && !isOfWord(bytes[at]))
    ++at;
  while (at < bytes.size() && isOfWord(bytes[at]))
    ++at;
}

bool EditedText::up() {
  size_t begin = beginOfLine(at);
  if (begin == 0)
    return false;
  size_t column = at - begin, above = beginOfLine(begin - 1);
  at = std::min(above + column, begin - 1);
  while (at > above && continuesCharacter(bytes[at]))
    --at;
  return true;
}

bool EditedText::down() {
  size_t end = endOfLine(at);
  if (end == bytes.size())
    return false;
  size_t column = at - beginOfLine(at), below = end + 1;
  at = std::min(below + column, endOfLine(below));
  while (at > below && at < bytes.size() && continuesCharacter(bytes[at]))
    --at;
  return true;
}

void EditedText::eraseLeft() {
  size_t from = previous(at);
  bytes.erase(from, at - from);
  at = from;
}

void EditedText::eraseRight() { bytes.erase(at, next(at) - at); }

void EditedText::cut(size_t from, size_t to) {
  if (from == to)
    return;
  kept = bytes.substr(from, to - from);
  bytes.erase(from, to - from);
  at = from;
}

void EditedText::cutLineEnd() { cut(at, endOfLine(at)); }
void EditedText::cutLineBegin() { cut(beginOfLine(at), at); }

void EditedText::cutWordLeft() {
  size_t to = at;
  wordLeft();
  cut(at, to);
}

//===-- History ----------------------------------------------------------------------------------------------------------===//

constexpr size_t historyLength = 1000;

/// An input as a line of the file.
static std::string escaped(const std::string &input) {
  std::string line;
  for (char c : input)
    line += c == '\n' ? "\\n" : c == '\\' ? "\\\\" : std::string(1, c);
  return line + "\n";
}

InputHistory::InputHistory(std::string file) : path(std::move(file)) {
  constexpr size_t longest = size_t(16) << 20;
  Result<std::string> text = readFile(path, longest);
  if (!text)
    return;
  std::string input;
  for (size_t i = 0; i < text->size(); ++i) {
    char c = (*text)[i];
    if (c == '\n') {
      if (!input.empty())
        all.push_back(std::move(input));
      input.clear();
    } else if (c == '\\' && i + 1 < text->size()) {
      c = (*text)[++i];
      input += c == 'n' ? '\n' : c;
    } else {
      input += c;
    }
  }
  if (all.size() > 2 * historyLength) {
    all.erase(all.begin(), all.end() - historyLength);
    std::string shorter;
    for (const std::string &one : all)
      shorter += escaped(one);
    (void)writeFileAtomically(path, {shorter});
  }
}

void InputHistory::add(const std::string &input) {
  if (input.find_first_not_of(" \t\n") == std::string::npos || (!all.empty() && all.back() == input))
    return;
  all.push_back(input);
  if (std::FILE *file = path.empty() ? nullptr : std::fopen(path.c_str(), "a")) {
    std::fputs(escaped(input).c_str(), file);
    std::fclose(file);
  }
}

} // namespace dlc
