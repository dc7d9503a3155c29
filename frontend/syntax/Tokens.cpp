// What is known of tokens once all are there: how they are spelled, which brackets are partners, where statements end.
#include "frontend/syntax/Lexer.h"
#include "frontend/syntax/Unicode.h"

namespace dlc {

const char *spelling(TokenKind kind) {
  static constexpr const char *spellings[] = {"end of the file",
                                              "a number",
                                              "a number",
                                              "a string",
                                              "a name", // literals and words
                                              "let",
                                              "fn",
                                              "for",
                                              "while",
                                              "break",
                                              "if",
                                              "else",
                                              "true",
                                              "false", // reserved words
                                              "(",
                                              ")",
                                              "[",
                                              "]",
                                              "{",
                                              "}", // brackets
                                              ",",
                                              ":",
                                              ";",
                                              ".",
                                              "..",
                                              "...",
                                              "->",
                                              "=>",
                                              "=",
                                              ":=",
                                              "+=",
                                              "-=",
                                              "*=",
                                              "/=",
                                              "%=",
                                              "@=",
                                              "**=", // punctuation
                                              "+",
                                              "-",
                                              "*",
                                              "/",
                                              "%",
                                              "@",
                                              "**",
                                              "==",
                                              "!=",
                                              "<",
                                              "<=",
                                              ">",
                                              ">=",
                                              "&&",
                                              "||",
                                              "!",
                                              "|>"}; // operators
  static_assert(std::size(spellings) == size_t(TokenKind::Pipe) + 1);
  return spellings[size_t(kind)];
}

bool isInfixOnly(TokenKind kind) {
  switch (kind) {
  case TokenKind::Dot:
  case TokenKind::DotDot:
  case TokenKind::Arrow:
  case TokenKind::FatArrow:
    return true;
  default:
    return kind >= TokenKind::Assign && kind <= TokenKind::Pipe && kind != TokenKind::Minus && kind != TokenKind::Bang;
  }
}

bool expectsMore(TokenKind kind) {
  return isInfixOnly(kind) || kind == TokenKind::Minus || kind == TokenKind::Bang || kind == TokenKind::Comma;
}

namespace {
/// Pairs each closing bracket with the last open one of its kind. Round and square brackets that are still open at a
/// `}` stay without a partner, as does a closing bracket with no open one of its kind since the last open `{`. Each
/// bracket is pushed and popped once; the search for a partner is bounded by counts of what is open.
void matchBrackets(TokenStream &stream) {
  std::vector<uint32_t> open;
  std::vector<Token> &tokens = stream.tokens;
  // Open `(` and `[` since each open `{`; braces as a count.
  struct Since {
    unsigned parens = 0, brackets = 0;
  };
  std::vector<Since> since(1);
  auto count = [&](TokenKind opener) -> unsigned & {
    return opener == TokenKind::LParen ? since.back().parens : since.back().brackets;
  };
  for (uint32_t i = 0; i < tokens.size(); ++i) {
    TokenKind kind = tokens[i].kind;
    if (isOpener(kind)) {
      open.push_back(i);
      if (kind == TokenKind::LBrace)
        since.emplace_back();
      else
        ++count(kind);
    } else if (isCloser(kind)) {
      TokenKind opener = TokenKind(unsigned(kind) - 1);
      if (opener == TokenKind::LBrace ? since.size() == 1 : count(opener) == 0)
        continue;
      while (tokens[open.back()].kind != opener) {
        --count(tokens[open.back()].kind);
        open.pop_back();
      }
      tokens[i].partner = open.back();
      tokens[open.back()].partner = i;
      open.pop_back();
      if (opener == TokenKind::LBrace)
        since.pop_back();
      else
        --count(opener);
    }
  }
  stream.openBraceAtEnd = since.size() > 1;
}

/// A bracket around the token at hand.
struct Around {
  bool hides;      ///< line ends in it mean nothing
  bool closed;     ///< it has a partner
  unsigned indent; ///< that of its line
};

/// Sets `newline` where a line begins, outside round and square brackets, unless the line before goes on. A bracket
/// that is never closed hides line ends only while lines are indented deeper than its own: the error is then where the
/// missing one was surely meant.
void markNewlines(TokenStream &stream, std::string_view text) {
  std::vector<Around> around;
  TokenKind before = TokenKind::End;
  unsigned indent = 0;
  for (Token &token : stream.tokens) {
    if (token.lineStart) {
      size_t begin = token.begin;
      while (begin > 0 && text[begin - 1] != '\n')
        --begin;
      indent = token.begin - unsigned(begin);
    }
    bool ended = false;
    while (token.lineStart && !around.empty() && !around.back().closed &&
           (indent <= around.back().indent || token.kind == TokenKind::KwLet)) {
      around.pop_back();
      ended = true;
    }
    bool hidden = !around.empty() && around.back().hides;
    bool goesOn = isInfixOnly(token.kind) || expectsMore(before);
    token.newline = token.kind == TokenKind::End || (token.lineStart && !hidden && (ended || !goesOn));
    if (isOpener(token.kind))
      around.push_back({token.kind != TokenKind::LBrace, token.partner != Token::none, indent});
    if (isCloser(token.kind) && token.partner != Token::none) {
      while (!around.empty() && !around.back().closed)
        around.pop_back();
      if (!around.empty())
        around.pop_back();
    }
    before = token.kind;
  }
}
} // namespace

void finishTokens(TokenStream &stream, std::string_view text) {
  matchBrackets(stream);
  markNewlines(stream, text);
}

std::string unescape(std::string_view quoted) {
  std::string value;
  // The last byte is the closing quote, unless the string was reported as unterminated.
  size_t end = quoted.size() > 1 && quoted.back() == quoted.front() ? quoted.size() - 1 : quoted.size();
  for (size_t i = 1; i < end; ++i) {
    if (quoted[i] != '\\' || i + 1 >= end) {
      value += quoted[i];
      continue;
    }
    switch (char c = quoted[++i]) {
    case 'n':
      value += '\n';
      break;
    case 't':
      value += '\t';
      break;
    case 'r':
      value += '\r';
      break;
    case '0':
      value += '\0';
      break;
    case 'u': {
      char32_t code = 0;
      for (i += 2; i < end && quoted[i] != '}'; ++i)
        code = code * 16 + char32_t(quoted[i] <= '9' ? quoted[i] - '0' : (quoted[i] | 0x20) - 'a' + 10);
      value += encodeUtf8(code);
      break;
    }
    default: // `\\`, `\"`
      value += c;
    }
  }
  return value;
}

} // namespace dlc
