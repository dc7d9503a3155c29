// The lexer's numbers and strings, with what goes wrong in them.
#include "frontend/syntax/LexerImpl.h"
#include "frontend/syntax/Unicode.h"

#include <algorithm>

namespace dlc {

bool Lexer::startsNumber() const {
  if (isDigit(peek()))
    return true;
  // `.5` is a number that lacks its zero, but not in `pair.5`, a field that cannot be.
  if (peek() != '.' || !isDigit(peek(1)))
    return false;
  char before = at > 0 ? text[at - 1] : ' ';
  return !isAsciiLetter(before) && !isDigit(before) && before != ')' && before != ']';
}

void Lexer::number() {
  size_t begin = at;
  bool isFloat = false, badUnderscore = false;
  std::string expected, help, repair;
  auto spelled = [&] { return text.substr(begin, at - begin); };
  auto digits = [&] {
    for (size_t first = at; isDigit(peek()) || peek() == '_'; ++at)
      badUnderscore |= peek() == '_' && (at == first || text[at - 1] == '_' || !isDigit(peek(1)));
  };
  digits();
  size_t wholeEnd = at;
  if (peek() == '.' && isDigit(peek(1))) {
    isFloat = true;
    ++at;
    digits();
  } else if (peek() == '.' && peek(1) != '.' && ((peek(1) | 0x20) == 'e' || !isAsciiLetter(peek(1)))) {
    expected = "a digit after the point";
    repair = fmt::format("{}.0", spelled());
    help = "write `" + repair + "`";
    ++at;
  }
  if ((peek() | 0x20) == 'e') {
    size_t digit = peek(1) == '+' || peek(1) == '-' ? 2 : 1;
    if (isDigit(peek(digit))) {
      isFloat = true;
      at += digit;
      digits();
    } else if (expected.empty() && !isAsciiLetter(peek(1))) {
      at += digit;
      expected = "the digits of the exponent";
    }
  }
  if (wholeEnd == begin) {
    expected = "a digit before the point";
    repair = fmt::format("0{}", spelled());
    help = "write `" + repair + "`";
  }
  std::string_view value = spelled();
  while (isAsciiLetter(peek()) || isDigit(peek()))
    ++at;
  std::string_view suffix = spelled().substr(value.size());
  if (badUnderscore) {
    expected = "a digit on both sides of `_`";
  } else if (!suffix.empty() && expected.empty()) {
    expected = "a decimal number";
    if (value != "0") {
      repair = fmt::format("{} * {}", value, suffix);
      help = "a product is written `" + repair + "`; a name begins with a letter";
    }
  }
  if (!expected.empty()) {
    auto report = error(Diag::BadNumber, begin, at, spelled(), expected);
    // Of a number without digits on one side of its point the repair is the whole, unless an exponent or letters follow.
    bool isProduct = !suffix.empty() && repair.ends_with(suffix);
    if (isProduct)
      report.help(help, repair);
    else if (suffix.empty() && repair.size() == value.size() + 1)
      report.help(help, repair).mended();
    else if (!help.empty())
      report.help(help);
  }
  push(isFloat ? TokenKind::Float : TokenKind::Integer, begin, at);
}

void Lexer::escape() {
  size_t begin = at;
  at += 2;
  switch (text[begin + 1]) {
  case 'n':
  case 't':
  case 'r':
  case '0':
  case '\\':
  case '"':
    return;
  case 'u': {
    size_t digit = at + 1;
    while (digit < text.size() && isHexDigit(text[digit]))
      ++digit;
    if (peek() == '{' && digit > at + 1 && digit <= at + 7 && digit < text.size() && text[digit] == '}') {
      char32_t code = 0;
      for (char c : text.substr(at + 1, digit - at - 1))
        code = code * 16 + hexValue(c);
      at = digit + 1;
      if (encodeUtf8(code).empty())
        error(Diag::BadEscape, begin, at, text.substr(begin, at - begin)).help("no character has this number");
      return;
    }
    error(Diag::BadEscape, begin, at, "\\u").help("write `\\u{1F600}`, with one to six hexadecimal digits");
    return;
  }
  default:
    unsigned length = std::max(1u, decodeUtf8(text, begin + 1).length);
    at = begin + 1 + length;
    error(Diag::BadEscape, begin, at, text.substr(begin, at - begin))
        .help("write `\\\\` for a backslash; the escapes are `\\n \\t \\r \\0 \\\\ \\\"` and `\\u{1F600}`");
  }
}

void Lexer::string() {
  size_t begin = at++;
  size_t end = endOfLine(at);
  if (end > at && text[end - 1] == '\r')
    --end;
  while (at < end && text[at] != '"') {
    if (text[at] == '\\' && at + 1 < end)
      escape();
    else
      ++at;
  }
  if (at < end) {
    ++at;
  } else {
    at = end;
    error(Diag::UnterminatedString, begin, end).help("close it with `\"`; a line break inside is written `\\n`");
  }
  push(TokenKind::String, begin, at);
}

void Lexer::foreignString(const char *what, std::string_view open, std::string_view close) {
  size_t begin = at;
  bool triple = open.size() == 3 && open == close;
  size_t limit = triple ? text.size() : endOfLine(at);
  size_t end = text.substr(0, limit).find(close, begin + open.size());
  if (end == std::string_view::npos) {
    if (!triple)
      return badCharacters();
    end = text.size(); // one error for all that the quotes swallow
  }
  at = std::min(end + close.size(), text.size());
  auto report = error(Diag::ForeignString, begin, at, what);
  std::string_view inside = text.substr(begin + open.size(), end - begin - open.size());
  if (triple)
    report.help("documentation is written `///` above what it describes; a line break in a string is `\\n`");
  else if (inside.size() <= 40 && inside.find_first_of("\"\\") == std::string_view::npos)
    report.help(fmt::format("write `\"{}\"`", inside), fmt::format("\"{}\"", inside)).mended();
  push(TokenKind::String, begin, at);
}

} // namespace dlc
