// The lexer's class, shared by Lexer.cpp and LexerLiterals.cpp; everyone else includes Lexer.h.
#pragma once

#include "frontend/syntax/Lexer.h"

namespace dlc {

inline bool isDigit(char c) { return c >= '0' && c <= '9'; }
inline bool isSpace(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
inline bool isHexDigit(char c) { return isDigit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f'); }
inline unsigned hexValue(char c) { return unsigned(isDigit(c) ? c - '0' : (c | 0x20) - 'a' + 10); }
/// Also `_`.
inline bool isAsciiLetter(char c) { return ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '_'; }

class Lexer {
public:
  Lexer(const SourceManager &sources, uint32_t file, DiagnosticEngine &diagnostics)
      : text(sources.text(file)), file(file), diagnostics(diagnostics) {}

  TokenStream run();

private:
  char peek(size_t ahead = 0) const { return at + ahead < text.size() ? text[at + ahead] : '\0'; }
  bool sees(std::string_view what) const { return text.substr(at, what.size()) == what; }
  size_t endOfLine(size_t from) const { return std::min(text.find('\n', from), text.size()); }
  SourceRange range(size_t begin, size_t end) const { return {file, uint32_t(begin), uint32_t(end)}; }

  template <class... Args> DiagnosticEngine::Builder error(Diag kind, size_t begin, size_t end, const Args &...args) {
    ++errors;
    reported = true;
    return diagnostics.report(kind, range(begin, end), args...);
  }

  void push(TokenKind kind, size_t begin, size_t end);

  /// Reports the first byte that shows that this is no text, or not in UTF-8. Nothing of such a file is lexed.
  bool isText();
  /// Consumes at least one character, and leaves at most one token.
  void next();
  void comment();
  /// The digits of a comment `// 2` right behind an operand, with nothing else in it: in Python it divides. Else "".
  std::string_view divisorIn(size_t begin) const;
  void word();
  void operatorSign();
  /// Reports a run of the same bad character once.
  void badCharacters();

  // LexerLiterals.cpp
  bool startsNumber() const;
  /// `1`, `1_000`, `0.5`, `1e-3`. What goes wrong is reported once, and the whole word skipped.
  void number();
  void string();
  /// At a `\` in a string: reports what is no escape, and consumes the backslash and what belongs to it.
  void escape();
  /// A string in the quotes of another language: reported, then lexed as a string.
  void foreignString(const char *what, std::string_view open, std::string_view close);

  std::string_view text;
  uint32_t file;
  DiagnosticEngine &diagnostics;
  TokenStream stream;
  size_t at = 0;
  unsigned errors = 0;
  bool lineStart = true;
  bool reported = false; ///< an error was reported since the last token
};

} // namespace dlc
