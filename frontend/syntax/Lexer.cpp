// Characters to tokens. Signs and habits of other languages (`#`, `and`-like operators, curly quotes) are reported with
// what is written here instead, and lexed as that, so that one slip gives one error.
#include "frontend/syntax/LexerImpl.h"
#include "frontend/syntax/Unicode.h"

#include <algorithm>

namespace dlc {

namespace {

constexpr unsigned errorLimit = 100;

struct Spelled {
  const char *text;
  TokenKind kind;
};
/// Longest first.
constexpr Spelled punctuation[] = {
    {"...", TokenKind::Ellipsis},   {"**=", TokenKind::PowerAssign},  {"..", TokenKind::DotDot},
    {"->", TokenKind::Arrow},       {"=>", TokenKind::FatArrow},      {":=", TokenKind::ColonAssign},
    {"+=", TokenKind::PlusAssign},  {"-=", TokenKind::MinusAssign},   {"*=", TokenKind::StarAssign},
    {"/=", TokenKind::SlashAssign}, {"%=", TokenKind::PercentAssign}, {"@=", TokenKind::AtAssign},
    {"**", TokenKind::Power},       {"==", TokenKind::EqualEqual},    {"!=", TokenKind::BangEqual},
    {"<=", TokenKind::LessEqual},   {">=", TokenKind::GreaterEqual},  {"&&", TokenKind::AndAnd},
    {"||", TokenKind::OrOr},        {"|>", TokenKind::Pipe},          {"(", TokenKind::LParen},
    {")", TokenKind::RParen},       {"[", TokenKind::LBracket},       {"]", TokenKind::RBracket},
    {"{", TokenKind::LBrace},       {"}", TokenKind::RBrace},         {",", TokenKind::Comma},
    {":", TokenKind::Colon},        {";", TokenKind::Semicolon},      {".", TokenKind::Dot},
    {"=", TokenKind::Assign},       {"+", TokenKind::Plus},           {"-", TokenKind::Minus},
    {"*", TokenKind::Star},         {"/", TokenKind::Slash},          {"%", TokenKind::Percent},
    {"@", TokenKind::At},           {"<", TokenKind::Less},           {">", TokenKind::Greater},
    {"!", TokenKind::Bang},
};

/// Operators of other languages, longest first: what to write instead, and as what to go on.
struct Foreign {
  const char *text;
  const char *help;
  TokenKind kind;
  const char *repair; ///< "" where it is not certain what is meant
};
constexpr Foreign foreignOperators[] = {
    {"===", "write `==`", TokenKind::EqualEqual, "=="},
    {"!==", "write `!=`", TokenKind::BangEqual, "!="},
    {"<>", "write `!=`", TokenKind::BangEqual, "!="},
    {"&", "write `&&`, which works element by element on tensors", TokenKind::AndAnd, "&&"},
    {"|", "write `||`, which works element by element on tensors, or `|>` to pipe", TokenKind::OrOr, "||"},
    {"^", "a power is written `**`", TokenKind::Power, ""},
    {"~", "write `!`, which works element by element on tensors", TokenKind::Bang, "!"},
    {"\u00d7", "write `*`", TokenKind::Star, "*"},
    {"\u00b7", "write `*`", TokenKind::Star, "*"},
    {"\u00f7", "write `/`", TokenKind::Slash, "/"},
    {"\u2212", "write `-`", TokenKind::Minus, "-"},
    {"\u2013", "write `-`", TokenKind::Minus, "-"},
    {"\u2014", "write `-`", TokenKind::Minus, "-"},
    {"\u2264", "write `<=`", TokenKind::LessEqual, "<="},
    {"\u2265", "write `>=`", TokenKind::GreaterEqual, ">="},
    {"\u2260", "write `!=`", TokenKind::BangEqual, "!="},
    {"\u2192", "write `->`, or `=>` in a lambda", TokenKind::Arrow, ""},
    {"\u2026", "write `...`, or `..` in a range", TokenKind::Ellipsis, ""},
};

struct Reserved {
  std::string_view text;
  TokenKind kind;
};
constexpr Reserved reservedWords[] = {
    {"let", TokenKind::KwLet},     {"fn", TokenKind::KwFn},       {"for", TokenKind::KwFor},
    {"while", TokenKind::KwWhile}, {"break", TokenKind::KwBreak}, {"if", TokenKind::KwIf},
    {"else", TokenKind::KwElse},   {"true", TokenKind::KwTrue},   {"false", TokenKind::KwFalse}};

} // namespace

TokenStream Lexer::run() {
  if (sees("\xEF\xBB\xBF")) // a byte order mark
    at = 3;
  if (isText())
    while (at < text.size() && errors < errorLimit)
      next();
  if (errors >= errorLimit) {
    error(Diag::TooManyErrors, at, at);
    stream.tokens.clear();
    stream.docs.clear();
  }
  lineStart = true;
  push(TokenKind::End, at, at);
  finishTokens(stream, text);
  return std::move(stream);
}

void Lexer::push(TokenKind kind, size_t begin, size_t end) {
  Token token;
  token.kind = kind;
  token.lineStart = lineStart;
  token.reported = reported;
  token.begin = uint32_t(begin);
  token.end = uint32_t(end);
  stream.tokens.push_back(token);
  lineStart = reported = false;
}

bool Lexer::isText() {
  auto notUtf8 = [&](size_t where, const char *help) {
    error(Diag::InvalidUtf8, where, where + 1, fmt::format("0x{:02x}", (unsigned char)text[where])).help(help);
    return false;
  };
  auto notText = [&](size_t where) {
    error(Diag::NotText, where, where + 1, fmt::format("0x{:02x}", (unsigned char)text[where]), where)
        .help("this looks like a binary file; a program is text in UTF-8");
    return false;
  };
  if (sees("\xFF\xFE") || sees("\xFE\xFF"))
    return notUtf8(0, "this looks like UTF-16; save the file as UTF-8");
  if (size_t zero = text.find('\0'); zero != std::string_view::npos)
    return notText(zero);
  size_t controls = 0, firstControl = 0;
  for (size_t i = at; i < text.size();) {
    unsigned char c = (unsigned char)text[i];
    CodePoint point = c < 0x80 ? CodePoint{c, 1} : decodeUtf8(text, i);
    if (point.length == 0)
      return notUtf8(i, "save the file as UTF-8");
    if (c < 0x20 && !isSpace(char(c)) && controls++ == 0)
      firstControl = i;
    i += point.length;
  }
  // A stray control byte is a bad character; many of them are no text.
  return controls <= 4 + text.size() / 32 || notText(firstControl);
}

void Lexer::next() {
  char c = peek();
  if (isSpace(c)) {
    lineStart |= c == '\n';
    ++at;
  } else if (sees("//") || c == '#' || sees("/*")) {
    comment();
  } else if (isAsciiLetter(c) || ((unsigned char)c >= 0x80 && isUnicodeLetter(decodeUtf8(text, at).code))) {
    word();
  } else if (startsNumber()) {
    number();
  } else if (sees("\"\"\"")) {
    foreignString("triple", "\"\"\"", "\"\"\"");
  } else if (c == '"') {
    string();
  } else if (c == '\'') {
    foreignString("single", "'", "'");
  } else if (sees("\u201c")) {
    foreignString("curly", "\u201c", "\u201d");
  } else if (sees("\u2018")) {
    foreignString("curly", "\u2018", "\u2019");
  } else {
    operatorSign();
  }
}

void Lexer::comment() {
  size_t begin = at;
  at = endOfLine(at);
  if (text[begin] == '#') {
    error(Diag::ForeignComment, begin, begin + 1, "#").help("a comment begins with `//`", "//").mended();
    reported = false; // nothing is missing in the line
  } else if (text[begin + 1] == '*') {
    error(Diag::ForeignComment, begin, begin + 2, "/*").help("a comment begins with `//` and ends with its line");
    reported = false;
    size_t close = text.find("*/", begin + 2);
    at = close == std::string_view::npos ? text.size() : close + 2;
    lineStart |= text.substr(begin, at - begin).find('\n') != std::string_view::npos;
  } else if (std::string_view divisor = divisorIn(begin); !divisor.empty()) {
    const Token &before = stream.tokens.back();
    size_t count = stream.tokens.size();
    bool isMember = count > 1 && stream.tokens[count - 2].kind == TokenKind::Dot;
    bool isWord = (before.isWord() && !isMember) || before.kind == TokenKind::Integer;
    diagnostics.report(Diag::CommentNotDivision, range(begin, at), divisor)
        .help(fmt::format("whole numbers are divided by `div({}, {})`, which rounds down",
                          isWord ? text.substr(before.begin, before.end - before.begin) : "n", divisor));
  } else if (text.substr(begin, 3) == "///" && text.substr(begin, 4) != "////") {
    size_t from = begin + 3;
    if (from < at && text[from] == ' ')
      ++from;
    size_t to = at > from && text[at - 1] == '\r' ? at - 1 : at;
    stream.docs.push_back({uint32_t(stream.tokens.size()), uint32_t(from), uint32_t(to)});
  }
}

std::string_view Lexer::divisorIn(size_t begin) const {
  if (lineStart || stream.tokens.empty())
    return {};
  const Token &before = stream.tokens.back();
  bool isOperand =
      before.kind <= TokenKind::Word || before.kind == TokenKind::RParen || before.kind == TokenKind::RBracket;
  if (!isOperand || begin > before.end + 1)
    return {};
  size_t first = std::min(text.find_first_not_of(" \t", begin + 2), at), last = first;
  while (last < at && isDigit(text[last]))
    ++last;
  bool isAlone = text.substr(last, at - last).find_first_not_of(" \t\r") == std::string_view::npos;
  return isAlone ? text.substr(first, last - first) : std::string_view();
}

void Lexer::word() {
  size_t begin = at;
  while (at < text.size()) {
    if (isAsciiLetter(text[at]) || isDigit(text[at])) {
      ++at;
      continue;
    }
    if ((unsigned char)text[at] < 0x80)
      break;
    CodePoint point = decodeUtf8(text, at);
    if (!isUnicodeLetter(point.code))
      break;
    at += point.length;
  }
  std::string_view spelled = text.substr(begin, at - begin);
  auto reserved = std::find_if(std::begin(reservedWords), std::end(reservedWords),
                               [&](const Reserved &word) { return word.text == spelled; });
  push(reserved == std::end(reservedWords) ? TokenKind::Word : reserved->kind, begin, at);
}

void Lexer::operatorSign() {
  for (const Foreign &foreign : foreignOperators)
    if (sees(foreign.text) && !sees("&&") && !sees("||") && !sees("|>")) {
      size_t begin = at;
      at += std::string_view(foreign.text).size();
      auto report = error(Diag::ForeignOperator, begin, at, foreign.text);
      if (*foreign.repair)
        report.help(foreign.help, foreign.repair).mended();
      else
        report.help(foreign.help);
      push(foreign.kind, begin, at);
      return;
    }
  for (const Spelled &sign : punctuation)
    if (sees(sign.text)) {
      size_t begin = at;
      at += std::string_view(sign.text).size();
      push(sign.kind, begin, at);
      return;
    }
  badCharacters();
}

void Lexer::badCharacters() {
  size_t begin = at;
  CodePoint point = decodeUtf8(text, at);
  while (at < text.size() && decodeUtf8(text, at).code == point.code)
    at += point.length;
  std::string name = isUnprintable(point.code) ? fmt::format("U+{:04X}", uint32_t(point.code))
                                               : fmt::format("`{}`", text.substr(begin, point.length));
  auto report = error(Diag::BadCharacter, begin, at, name);
  if (point.code == 0xA0)
    report.help("this is a no-break space; write a plain one");
  else if (point.code == '?')
    report.help("a choice is written `if c { a } else { b }`");
  else if (point.code == '\'')
    report.help("a string stands in double quotes");
  else if (point.code == '\\')
    report.help("a line that ends with an operator, or inside brackets, goes on by itself");
}

TokenStream lex(const SourceManager &sources, uint32_t file, DiagnosticEngine &diagnostics) {
  return Lexer(sources, file, diagnostics).run();
}

} // namespace dlc
