// UTF-8 by the table of the Unicode standard (3-7, well-formed byte sequences), and a few ranges of code points.
#include "frontend/syntax/Unicode.h"

#include <fmt/format.h>

namespace dlc {

CodePoint decodeUtf8(std::string_view text, size_t at) {
  auto byte = [&](size_t i) -> unsigned { return at + i < text.size() ? (unsigned char)text[at + i] : 0; };
  auto tail = [&](size_t i) { return (byte(i) & 0xC0) == 0x80; };
  unsigned first = byte(0);
  if (first < 0x80)
    return {first, 1};
  if (first >= 0xC2 && first <= 0xDF && tail(1))
    return {(first & 0x1F) << 6 | (byte(1) & 0x3F), 2};
  if (first >= 0xE0 && first <= 0xEF && tail(1) && tail(2)) {
    char32_t code = (first & 0x0F) << 12 | (byte(1) & 0x3F) << 6 | (byte(2) & 0x3F);
    if (code >= 0x800 && (code < 0xD800 || code > 0xDFFF))
      return {code, 3};
  }
  if (first >= 0xF0 && first <= 0xF4 && tail(1) && tail(2) && tail(3)) {
    char32_t code = (first & 0x07) << 18 | (byte(1) & 0x3F) << 12 | (byte(2) & 0x3F) << 6 | (byte(3) & 0x3F);
    if (code >= 0x10000 && code <= 0x10FFFF)
      return {code, 4};
  }
  return {};
}

std::string encodeUtf8(char32_t code) {
  if (code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF))
    return {};
  if (code < 0x80)
    return {char(code)};
  if (code < 0x800)
    return {char(0xC0 | code >> 6), char(0x80 | (code & 0x3F))};
  if (code < 0x10000)
    return {char(0xE0 | code >> 12), char(0x80 | (code >> 6 & 0x3F)), char(0x80 | (code & 0x3F))};
  return {char(0xF0 | code >> 18), char(0x80 | (code >> 12 & 0x3F)), char(0x80 | (code >> 6 & 0x3F)),
          char(0x80 | (code & 0x3F))};
}

namespace {
struct Interval {
  char32_t first, last;
};
template <size_t n> bool inside(const Interval (&intervals)[n], char32_t code) {
  for (Interval interval : intervals)
    if (code >= interval.first && code <= interval.last)
      return true;
  return false;
}
} // namespace

bool isUnicodeLetter(char32_t code) {
  static constexpr Interval letters[] = {
      {0xAA, 0xAA},   {0xB5, 0xB5},     {0xBA, 0xBA},     {0xC0, 0xD6},     {0xD8, 0xF6},     {0xF8, 0x24F},
      {0x370, 0x373}, {0x376, 0x377},   {0x37B, 0x37D},   {0x386, 0x386},   {0x388, 0x3FF},   {0x400, 0x481},
      {0x48A, 0x52F}, {0x1E00, 0x1FBC}, {0x3041, 0x3096}, {0x30A1, 0x30FA}, {0x4E00, 0x9FFF}, {0xAC00, 0xD7A3}};
  return inside(letters, code);
}

unsigned displayWidth(char32_t code) {
  static constexpr Interval combining[] = {{0x300, 0x36F}, {0x483, 0x489}, {0x1AB0, 0x1AFF}, {0x20D0, 0x20FF}};
  static constexpr Interval wide[] = {{0x1100, 0x115F}, {0x2E80, 0xA4CF}, {0xAC00, 0xD7A3},   {0xF900, 0xFAFF},
                                      {0xFE30, 0xFE6F}, {0xFF01, 0xFF60}, {0x1F300, 0x1FAFF}, {0x20000, 0x3FFFD}};
  return inside(combining, code) ? 0 : inside(wide, code) ? 2 : 1;
}

bool isUnprintable(char32_t code) {
  static constexpr Interval unprintable[] = {{0, 0x1F},        {0x7F, 0xA0},     {0xAD, 0xAD},     {0x61C, 0x61C},
                                             {0x200B, 0x200F}, {0x2028, 0x202F}, {0x205F, 0x206F}, {0xFE00, 0xFE0F},
                                             {0xE000, 0xF8FF}, {0xFEFF, 0xFEFF}, {0xFFF0, 0xFFFF}, {0xE0000, 0x10FFFF}};
  return inside(unprintable, code);
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
