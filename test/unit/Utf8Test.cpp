// What is UTF-8, and what messages and names make of its code points.
#include "frontend/syntax/Unicode.h"

#include <gtest/gtest.h>

using namespace dlc;

TEST(Utf8, EachCodePointThereAndBack) {
  for (char32_t code = 0; code <= 0x10FFFF; ++code) {
    std::string bytes = encodeUtf8(code);
    bool surrogate = code >= 0xD800 && code <= 0xDFFF;
    ASSERT_EQ(bytes.empty(), surrogate) << std::hex << uint32_t(code);
    if (surrogate)
      continue;
    CodePoint point = decodeUtf8(bytes);
    ASSERT_EQ(point.code, code);
    ASSERT_EQ(point.length, bytes.size());
    ASSERT_FALSE(isUtf8(bytes.substr(1)) && bytes.size() > 1);
    ASSERT_TRUE(bytes.size() == 1 || !isUtf8(bytes.substr(0, bytes.size() - 1)));
  }
  EXPECT_EQ(encodeUtf8(0x110000), "");
  EXPECT_EQ(encodeUtf8(0xFFFFFFFF), "");
}

TEST(Utf8, OtherBytesAreNone) {
  for (const char *bad :
       {"\x80", "\xC0\xAF", "\xC1\xBF", "\xE0\x9F\xBF", "\xED\xA0\x80", "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80",
        "\xF5\x80\x80\x80", "\xFF", "\xC3", "\xE2\x82", "\xF0\x9F\x98", "\xC3("}) {
    EXPECT_EQ(decodeUtf8(bad).length, 0u) << bad;
    EXPECT_FALSE(isUtf8(std::string("a") + bad)) << bad;
  }
  EXPECT_TRUE(isUtf8(""));
  EXPECT_EQ(decodeUtf8("", 0).length, 0u);
  EXPECT_EQ(decodeUtf8(std::string_view("a\0b", 3), 1).length, 1u);
}

TEST(Unicode, LettersOfAllScripts) {
  for (char32_t letter : {U'é', U'θ', U'ж', U'ع', U'ש', U'अ', U'字', U'か', U'한', U'ǅ', U'ª'})
    EXPECT_TRUE(isUnicodeLetter(letter)) << uint32_t(letter);
  for (char32_t other : {U'a', U'×', U'÷', U'“', U'\u00a0', U'\u0301', U'²', U'😀', U'\ue000', char32_t(0xD800)})
    EXPECT_FALSE(isUnicodeLetter(other)) << uint32_t(other);
}

TEST(Unicode, WhatIsNotSeenIsEscaped) {
  EXPECT_EQ(escapeUnprintable("a é字😀×"), "a é字😀×");
  EXPECT_EQ(escapeUnprintable("\u00a0\u3000\u200b\u202e\ufeff\u00ad\ue000\u2028\x7f\n\xff"),
            "\\u{a0}\\u{3000}\\u{200b}\\u{202e}\\u{feff}\\u{ad}\\u{e000}\\u{2028}\\x7f\\x0a\\xff");
}

TEST(Unicode, WidthsOfATerminal) {
  EXPECT_EQ(displayWidth(U'a'), 1u);
  EXPECT_EQ(displayWidth(U'é'), 1u);
  EXPECT_EQ(displayWidth(U'\u0301'), 0u);
  EXPECT_EQ(displayWidth(U'字'), 2u);
  EXPECT_EQ(displayWidth(U'한'), 2u);
  EXPECT_EQ(displayWidth(U'😀'), 2u);
}
