// UTF-8, for all folders; utf8proc has the tables.
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

/// Decodes the code point at byte `at`; nothing stands behind the end. Overlong forms, surrogates and code points above
/// U+10FFFF are refused.
CodePoint decodeUtf8(std::string_view text, size_t at = 0);

/// The UTF-8 bytes of a code point; empty for one that has none (a surrogate, or above U+10FFFF).
std::string encodeUtf8(char32_t code);

/// Whether all of a text is UTF-8.
bool isUtf8(std::string_view text);

} // namespace dlc
