// Well-formed byte sequences of the Unicode standard (table 3-7).
#include "runtime/Utf8.h"

#include <utf8proc.h>

namespace dlc {

CodePoint decodeUtf8(std::string_view text, size_t at) {
  if (at >= text.size())
    return {};
  if ((unsigned char)text[at] < 0x80)
    return {char32_t(text[at]), 1};
  utf8proc_int32_t code = 0;
  utf8proc_ssize_t length = utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t *>(text.data()) + at,
                                             utf8proc_ssize_t(text.size() - at), &code);
  return length > 0 ? CodePoint{char32_t(code), unsigned(length)} : CodePoint{};
}

std::string encodeUtf8(char32_t code) {
  if (!utf8proc_codepoint_valid(utf8proc_int32_t(code)))
    return {};
  utf8proc_uint8_t bytes[4];
  return {reinterpret_cast<const char *>(bytes), size_t(utf8proc_encode_char(utf8proc_int32_t(code), bytes))};
}

bool isUtf8(std::string_view text) {
  for (size_t at = 0; at < text.size();) {
    unsigned length = decodeUtf8(text, at).length;
    if (length == 0)
      return false;
    at += length;
  }
  return true;
}

} // namespace dlc
