// The little of Unicode that the lexer and the rendering of messages need; utf8proc has the tables.
#pragma once

#include "runtime/Utf8.h"

namespace dlc {

/// Whether a code point above U+007F may stand in a name: the letters of all scripts.
bool isUnicodeLetter(char32_t code);

/// Columns that a terminal gives the code point: 0 for combining marks, 2 for CJK, else 1.
unsigned displayWidth(char32_t code);

/// Whether showing the code point as it is would be invisible or would disturb the text around it (controls, marks of
/// direction, blanks other than ` `, what no font has).
bool isUnprintable(char32_t code);

/// The text with every unprintable code point, tab, newline and stray byte as an escape (`\x1b`, `\u{202e}`).
std::string escapeUnprintable(std::string_view text);

} // namespace dlc
