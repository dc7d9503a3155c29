// Text to tokens: the whole file at once, each bracket with its partner, each token with what the newline rules say.
//
// The newline rules of the language are decided here, so that the parser sees them as one flag: `newline` is set on a
// token before which a statement ends. Never reports more than a hundred errors, and exactly one for what is not text.
#pragma once

#include "frontend/syntax/Diagnostic.h"
#include "frontend/syntax/Source.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace dlc {

enum class TokenKind : uint8_t {
  End, ///< always the last token
  Integer,
  Float,
  String, ///< with its quotes
  Word,   ///< a name or a contextual keyword
  // Words that are never names (except after `.` and before the `:` of an argument).
  KwLet,
  KwFn,
  KwFor,
  KwWhile,
  KwBreak,
  KwIf,
  KwElse,
  KwTrue,
  KwFalse,
  // Brackets.
  LParen,
  RParen,
  LBracket,
  RBracket,
  LBrace,
  RBrace,
  // Punctuation and operators.
  Comma,
  Colon,
  Semicolon,
  Dot,
  DotDot,
  Ellipsis,
  Arrow,    ///< `->`
  FatArrow, ///< `=>`
  Assign,
  ColonAssign, ///< `:=`, only for its error
  PlusAssign,
  MinusAssign,
  StarAssign,
  SlashAssign,
  PercentAssign,
  AtAssign,
  PowerAssign,
  Plus,
  Minus,
  Star,
  Slash,
  Percent,
  At,
  Power,
  EqualEqual,
  BangEqual,
  Less,
  LessEqual,
  Greater,
  GreaterEqual,
  AndAnd,
  OrOr,
  Bang,
  Pipe, ///< `|>`
};

/// Bytes [begin, end) of the file.
struct Token {
  static constexpr uint32_t none = UINT32_MAX;

  TokenKind kind = TokenKind::End;
  bool newline = false;   ///< a statement ends before this token
  bool lineStart = false; ///< the first token of its line
  bool reported = false;  ///< an error was reported at this token or just before it
  uint32_t begin = 0;
  uint32_t end = 0;
  uint32_t partner = none; ///< of a bracket: the index of the bracket that it matches, or `none`

  /// Whether it is spelled as a word: a name, a contextual keyword or a reserved word.
  bool isWord() const { return kind >= TokenKind::Word && kind <= TokenKind::KwFalse; }
};

/// A line `/// text` before token `token`; the range is that of the text behind the slashes and one space.
struct DocLine {
  uint32_t token;
  uint32_t begin, end;
};

struct TokenStream {
  std::vector<Token> tokens;   ///< ends with an End
  std::vector<DocLine> docs;   ///< in order
  bool openBraceAtEnd = false; ///< the file ends inside a `{`
};

/// Splits a file into tokens. Errors are reported; the stream is then still usable, and errors that would only repeat
/// them can be told by Token::reported. A file that is not text gives one error and an empty stream.
TokenStream lex(const SourceManager &sources, uint32_t file, DiagnosticEngine &diagnostics);

/// What lex() does at its end: pairs the brackets and applies the newline rules.
void finishTokens(TokenStream &stream, std::string_view text);

inline bool isOpener(TokenKind kind) {
  return kind == TokenKind::LParen || kind == TokenKind::LBracket || kind == TokenKind::LBrace;
}
inline bool isCloser(TokenKind kind) {
  return kind == TokenKind::RParen || kind == TokenKind::RBracket || kind == TokenKind::RBrace;
}

/// Whether an operator of this kind can only stand between two operands, so that a line may begin with it.
bool isInfixOnly(TokenKind kind);
/// Whether a line that ends with this kind goes on in the next one.
bool expectsMore(TokenKind kind);

/// How messages call a kind of token: its spelling, or "a name".
const char *spelling(TokenKind kind);

/// The value of a String token's text. Escapes: `\n \t \r \0 \\ \"` and `\u{1F600}`; others were reported and stay.
std::string unescape(std::string_view quoted);

} // namespace dlc
