// Unicode's categories, as utf8proc has them.
#include "frontend/syntax/Unicode.h"

#include <fmt/format.h>
#include <utf8proc.h>

namespace dlc {

static utf8proc_category_t categoryOf(char32_t code) { return utf8proc_category(utf8proc_int32_t(code)); }

bool isUnicodeLetter(char32_t code) {
  utf8proc_category_t category = categoryOf(code);
  return code > 0x7F && category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_LO;
}

unsigned displayWidth(char32_t code) { return unsigned(utf8proc_charwidth(utf8proc_int32_t(code))); }

bool isUnprintable(char32_t code) {
  utf8proc_category_t category = categoryOf(code);
  bool blank = category >= UTF8PROC_CATEGORY_ZS && category <= UTF8PROC_CATEGORY_ZP;
  bool other = category >= UTF8PROC_CATEGORY_CC || category == UTF8PROC_CATEGORY_CN;
  return (blank && code != ' ') || other || utf8proc_get_property(utf8proc_int32_t(code))->ignorable;
}

std::string escapeUnprintable(std::string_view text) {
  std::string shown;
  for (size_t at = 0; at < text.size();) {
    CodePoint point = decodeUtf8(text, at);
    if (point.length == 0)
      shown += fmt::format("\\x{:02x}", (unsigned char)text[at]);
    else if (isUnprintable(point.code))
      shown += point.code < 0x80 ? fmt::format("\\x{:02x}", uint32_t(point.code))
                                 : fmt::format("\\u{{{:x}}}", uint32_t(point.code));
    else
      shown += text.substr(at, point.length);
    at += point.length ? point.length : 1;
  }
  return shown;
}

} // namespace dlc
