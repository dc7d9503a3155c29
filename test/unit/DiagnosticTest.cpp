// How diagnostics are collected, ordered and shown; where lines begin; which names are near.
#include "frontend/syntax/Diagnostic.h"

#include <gtest/gtest.h>

using namespace dlc;

namespace {

struct Shown {
  SourceManager sources;
  DiagnosticEngine diagnostics{sources};
  explicit Shown(std::string text) { sources.add("t.dl", std::move(text)); }
  DiagnosticEngine::Builder report(uint32_t begin, uint32_t end, std::string what = "x") {
    return diagnostics.report(Diag::BadCharacter, {0, begin, end}, what);
  }
};

TEST(Diagnostic, KindsHaveNamesAndSeverities) {
  EXPECT_STREQ(nameOf(Diag::BadCharacter), "bad-character");
  EXPECT_STREQ(nameOf(Diag::InvalidUtf8), "invalid-utf8");
  EXPECT_EQ(severityOf(Diag::BadCharacter), Severity::Error);
  EXPECT_STREQ(textOf(Diag::ColonAssign), "found `:=`, expected `=`");
}

TEST(Diagnostic, ShowsTheLineAndCaretsUnderTheRange) {
  Shown shown("let a = 1\nlet bcd = $$$ + 2\n");
  shown.report(20, 23, "`$`");
  EXPECT_EQ(shown.diagnostics.render(), "t.dl:2:11: error: unexpected character `$` [bad-character]\n"
                                        "    2 | let bcd = $$$ + 2\n"
                                        "      |           ^~~\n");
}

TEST(Diagnostic, NotesHaveTheirOwnLinesAndHelpsHaveNone) {
  Shown shown("f(a\ng\n");
  shown.report(3, 3).note({0, 1, 2}, "to close this").note("no place").help("write `)`");
  EXPECT_EQ(shown.diagnostics.render(), "t.dl:1:4: error: unexpected character x [bad-character]\n"
                                        "    1 | f(a\n"
                                        "      |    ^\n"
                                        "t.dl:1:2: note: to close this\n"
                                        "    1 | f(a\n"
                                        "      |  ^\n"
                                        "note: no place\n"
                                        "help: write `)`\n");
}

TEST(Diagnostic, TabsBecomeSpacesAndStayAligned) {
  Shown shown("\tx\ty");
  shown.report(3, 4);
  EXPECT_EQ(shown.diagnostics.render(), "t.dl:1:4: error: unexpected character x [bad-character]\n"
                                        "    1 |     x   y\n"
                                        "      |         ^\n");
}

TEST(Diagnostic, UnprintableBytesAreEscaped) {
  Shown shown("a\x1b[31m\xff\u202e y");
  shown.report(10, 11, "\x1b[0m");
  EXPECT_EQ(shown.diagnostics.render(), "t.dl:1:11: error: unexpected character \\x1b[0m [bad-character]\n"
                                        "    1 | a\\x1b[31m\\xff\\u{202e} y\n"
                                        "      |                      ^\n");
}

TEST(Diagnostic, WideAndCombiningLettersKeepTheCaretsInPlace) {
  Shown shown("\u6f22e\u0301\u03b8 x");
  shown.report(9, 10);
  EXPECT_EQ(shown.diagnostics.render(), "t.dl:1:10: error: unexpected character x [bad-character]\n"
                                        "    1 | \u6f22e\u0301\u03b8 x\n"
                                        "      |      ^\n");
}

TEST(Diagnostic, ARangeOfSeveralLinesIsMarkedInItsFirst) {
  Shown shown("ab(\r\ncd)\r\n");
  shown.report(1, 8);
  EXPECT_EQ(shown.diagnostics.render(), "t.dl:1:2: error: unexpected character x [bad-character]\n"
                                        "    1 | ab(\n"
                                        "      |  ^~\n");
}

TEST(Diagnostic, VeryLongLinesAreWindowed) {
  Shown shown(std::string(5'000'000, 'a') + "!" + std::string(5'000'000, 'b'));
  shown.report(5'000'000, 5'000'001);
  std::string text = shown.diagnostics.render();
  EXPECT_LT(text.size(), 600u);
  EXPECT_NE(text.find("| ... aaa"), std::string::npos);
  EXPECT_NE(text.find("a!b"), std::string::npos);
  EXPECT_NE(text.find("bbb ...\n"), std::string::npos);
  size_t line = text.find("    1 | ") + 8, carets = text.find("      | ") + 8;
  EXPECT_EQ(text.find('!', line) - line, text.find('^', carets) - carets);
}

TEST(Diagnostic, ColorsOnlyWhenAsked) {
  Shown shown("x");
  shown.report(0, 1).help("h");
  EXPECT_EQ(shown.diagnostics.render().find('\033'), std::string::npos);
  EXPECT_NE(shown.diagnostics.render(/*color=*/true).find("\033[1;31merror\033[0m"), std::string::npos);
}

TEST(Diagnostic, PrintedInTheOrderOfTheSource) {
  Shown shown("a b");
  shown.report(2, 3, "second");
  shown.report(0, 1, "first");
  std::string text = shown.diagnostics.render();
  EXPECT_LT(text.find("first"), text.find("second"));
}

TEST(Diagnostic, RepetitionsAreKeptOnce) {
  Shown shown("a b");
  shown.report(0, 1).note("kept");
  shown.report(0, 1).note("dropped");
  shown.report(0, 1, "y");
  EXPECT_EQ(shown.diagnostics.errorCount(), 2u);
  EXPECT_EQ(shown.diagnostics.all()[0].notes.size(), 1u);
  shown.diagnostics.clear();
  EXPECT_EQ(shown.diagnostics.errorCount(), 0u);
  shown.report(0, 1);
  EXPECT_EQ(shown.diagnostics.errorCount(), 1u);
}

TEST(Diagnostic, BeyondTheLimitOnlyTheNumberIsShown) {
  Shown shown(std::string(30, 'x'));
  for (unsigned i = 0; i < 30; ++i)
    shown.report(i, i + 1, "c" + std::to_string(i));
  std::string text = shown.diagnostics.render(false, 28);
  EXPECT_NE(text.find("c27 "), std::string::npos);
  EXPECT_EQ(text.find("c28 "), std::string::npos);
  EXPECT_TRUE(text.ends_with("2 more errors\n")) << text;
  EXPECT_TRUE(shown.diagnostics.render(false, 29).ends_with("1 more error\n"));
}

TEST(Diagnostic, APlaceMayBeMissing) {
  Shown shown("x");
  shown.diagnostics.report(Diag::BadCharacter, {}, "x");
  EXPECT_EQ(shown.diagnostics.render(), "error: unexpected character x [bad-character]\n");
}

TEST(Diagnostic, ExitCodes) {
  Shown shown("x");
  EXPECT_EQ(shown.diagnostics.exitCode(), 0);
  shown.diagnostics.report(Diag::NotSupported, {0, 0, 1}, "x");
  EXPECT_EQ(shown.diagnostics.exitCode(), 3);
  shown.report(0, 1);
  EXPECT_EQ(shown.diagnostics.exitCode(), 3);
  shown.diagnostics.clear();
  shown.diagnostics.report(Diag::Internal, {0, 0, 1}, "x");
  EXPECT_EQ(shown.diagnostics.exitCode(), 4);
}

TEST(Source, LinesAndColumnsCountFromOne) {
  SourceManager sources;
  uint32_t file = sources.add("t.dl", "ab\r\n\ncd");
  EXPECT_EQ(sources.lineColumn(file, 0).line, 1u);
  EXPECT_EQ(sources.lineColumn(file, 5).line, 3u);
  EXPECT_EQ(sources.lineColumn(file, 6).column, 2u);
  EXPECT_EQ(sources.line(file, 1), "ab");
  EXPECT_EQ(sources.line(file, 2), "");
  EXPECT_EQ(sources.line(file, 3), "cd");
  EXPECT_EQ(sources.line(file, 4), "");
}

TEST(Nearest, FindsLikelySlips) {
  std::vector<std::string> names = {"hidden", "relu", "x", "cross_entropy", "LayerNorm"};
  EXPECT_EQ(nearest("hiden", names), "hidden");
  EXPECT_EQ(nearest("rleu", names), "relu");
  EXPECT_EQ(nearest("Layernorm", names), "LayerNorm");
  EXPECT_EQ(nearest("crossentropy", names), "cross_entropy");
  EXPECT_EQ(nearest("X", names), "x");
}

TEST(Nearest, ButNotEverything) {
  std::vector<std::string> names = {"hidden", "relu", "x"};
  EXPECT_EQ(nearest("y", names), "");
  EXPECT_EQ(nearest("softmax", names), "");
  EXPECT_EQ(nearest("hidden", {"hidden"}), "");
  EXPECT_EQ(nearest(std::string(100'000, 'a'), names), "");
}

} // namespace
