// UTF-8 and the little of Unicode that the lexer and the rendering of messages need.
//
// Letters are decided by a short table of scripts, not by the full database: what is outside it is an error with a
// clear message, never a wrong reading.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace dlc {

/// A decoded code point and the number of bytes that it took. `length` is 0 where the bytes are not UTF-8.
struct CodePoint {
  char32_t code = 0;
  unsigned length = 0;
};

/// Decodes the code point at byte `at`, which must lie inside `text`. Overlong forms, surrogates and code points above
/// U+10FFFF are refused.
CodePoint decodeUtf8(std::string_view text, size_t at);

/// The UTF-8 bytes of a code point; empty for one that has none (a surrogate, or above U+10FFFF).
std::string encodeUtf8(char32_t code);

/// Whether a code point above U+007F may stand in a name: Latin, Greek, Cyrillic, kana, CJK and Hangul letters.
bool isUnicodeLetter(char32_t code);

/// Columns that a terminal gives the code point: 0 for combining marks, 2 for CJK, else 1.
unsigned displayWidth(char32_t code);

/// Whether showing the code point as it is would be invisible or would disturb the text around it (controls, marks of
/// direction, zero-width characters).
bool isUnprintable(char32_t code);

/// The text with every unprintable code point, tab, newline and stray byte as an escape (`\x1b`, `\u{202e}`).
std::string escapeUnprintable(std::string_view text);

} // namespace dlc
