// Tokens: their kinds, the newline rules, literals, and the lexer's diagnostics with their places.
#include "frontend/syntax/Lexer.h"

#include <gtest/gtest.h>

using namespace dlc;

namespace {

struct Lexed {
  SourceManager sources;
  DiagnosticEngine diagnostics{sources};
  TokenStream stream;
  explicit Lexed(std::string text) { stream = lex(sources, sources.add("t.dl", std::move(text)), diagnostics); }

  /// The tokens' texts, with `;` where a statement ends before one.
  std::string statements() const {
    std::string shown;
    for (const Token &token : stream.tokens) {
      if (token.kind == TokenKind::End)
        break;
      if (!shown.empty())
        shown += token.newline ? " ; " : " ";
      shown += sources.text(0).substr(token.begin, token.end - token.begin);
    }
    return shown;
  }
  /// `line:col: message` of each diagnostic.
  std::string errors() const {
    std::string shown;
    for (const Diagnostic &diagnostic : diagnostics.all()) {
      LineColumn place = sources.lineColumn(diagnostic.at.file, diagnostic.at.begin);
      shown += fmt::format("{}{}:{}: {}", shown.empty() ? "" : "\n", place.line, place.column, diagnostic.text);
    }
    return shown;
  }
};

TEST(Lexer, ANewlineEndsAStatement) { EXPECT_EQ(Lexed("a\nb").statements(), "a ; b"); }

TEST(Lexer, ALineThatEndsWithAnOperatorGoesOn) {
  EXPECT_EQ(Lexed("a +\nb").statements(), "a + b");
  EXPECT_EQ(Lexed("let x =\n1").statements(), "let x = 1");
  EXPECT_EQ(Lexed("x =>\nx").statements(), "x => x");
}

TEST(Lexer, AnInfixOperatorContinuesTheLineBefore) {
  EXPECT_EQ(Lexed("x\n  |> f\n  |> g").statements(), "x |> f |> g");
  EXPECT_EQ(Lexed("data d\n  = csv").statements(), "data d = csv");
  EXPECT_EQ(Lexed("a\n+ b\n.c").statements(), "a + b . c");
}

TEST(Lexer, BracketsMinusAndNotStartStatements) {
  EXPECT_EQ(Lexed("a\n(b)\n[c]\n-d\n!e").statements(), "a ; ( b ) ; [ c ] ; - d ; ! e");
  EXPECT_EQ(Lexed("a\n!= b").statements(), "a != b");
}

TEST(Lexer, LineEndsInsideRoundAndSquareBracketsMeanNothing) {
  EXPECT_EQ(Lexed("f(a,\n-b\n)\n[c\n]").statements(), "f ( a , - b ) ; [ c ]");
  EXPECT_EQ(Lexed("f(x => {\na\nb\n},\nc)").statements(), "f ( x => { ; a ; b ; } , c )");
}

TEST(Lexer, AnUnclosedBracketHidesOnlyDeeperLines) {
  EXPECT_EQ(Lexed("f(\n  a,\n  b\nc").statements(), "f ( a , b ; c");
  EXPECT_EQ(Lexed("f(a,\nc").statements(), "f ( a , ; c");
}

TEST(Lexer, CarriageReturnsAreSpaces) { EXPECT_EQ(Lexed("a\r\nb +\r\nc").statements(), "a ; b + c"); }

TEST(Lexer, ByteOrderMarkIsSkipped) { EXPECT_EQ(Lexed("\xEF\xBB\xBFlet x").statements(), "let x"); }

TEST(Lexer, RangesOfNumbersAreNotFloats) {
  Lexed lexed("0..50 1.5..2 x.y");
  EXPECT_EQ(lexed.statements(), "0 .. 50 1.5 .. 2 x . y");
  EXPECT_EQ(lexed.stream.tokens[0].kind, TokenKind::Integer);
  EXPECT_EQ(lexed.stream.tokens[3].kind, TokenKind::Float);
}

TEST(Lexer, LongestOperatorsWin) {
  EXPECT_EQ(Lexed("a**=b|>c..d...e=>f->g:=h").statements(), "a **= b |> c .. d ... e => f -> g := h");
}

TEST(Lexer, CommentsEndWithTheirLine) { EXPECT_EQ(Lexed("a // b\n//// c\nd").statements(), "a ; d"); }

TEST(Lexer, DocumentationIsKept) {
  Lexed lexed("a\n/// one\n///two\n//// none\nfn f");
  ASSERT_EQ(lexed.stream.docs.size(), 2u);
  EXPECT_EQ(lexed.stream.docs[0].token, 1u);
  EXPECT_EQ(lexed.sources.text({0, lexed.stream.docs[0].begin, lexed.stream.docs[0].end}), "one");
  EXPECT_EQ(lexed.sources.text({0, lexed.stream.docs[1].begin, lexed.stream.docs[1].end}), "two");
}

TEST(Lexer, LettersOfOtherScriptsMayStandInNames) {
  Lexed lexed("let \u03b8_1 = \u0441\u043b\u043e\u0432\u043e");
  EXPECT_EQ(lexed.errors(), "");
  EXPECT_EQ(lexed.stream.tokens.size(), 5u);
}

TEST(Lexer, BracketsKnowTheirPartners) {
  Lexed lexed("( [ ) }");
  EXPECT_EQ(lexed.stream.tokens[0].partner, 2u);
  EXPECT_EQ(lexed.stream.tokens[1].partner, Token::none);
  EXPECT_EQ(lexed.stream.tokens[3].partner, Token::none);
}

TEST(Lexer, EscapesInStrings) {
  EXPECT_EQ(unescape(R"("a\n\t\r\\\"b")"), "a\n\t\r\\\"b");
  EXPECT_EQ(unescape(R"("\0")"), std::string(1, '\0'));
  EXPECT_EQ(unescape(R"("\u{1F600}\u{e9}")"), "\U0001F600\u00e9");
}

struct Case {
  const char *name;
  std::string text;
  Diag kind;
  std::string expected; ///< `line:col: message`, all of them
};

class LexerError : public testing::TestWithParam<Case> {};

TEST_P(LexerError, IsReportedAtItsPlace) {
  Lexed lexed(GetParam().text);
  EXPECT_EQ(lexed.errors(), GetParam().expected);
  ASSERT_FALSE(lexed.diagnostics.all().empty());
  EXPECT_EQ(lexed.diagnostics.all()[0].kind, GetParam().kind);
}

const Case cases[] = {
    {"NulByte", std::string("let x\n\0 $", 9), Diag::NotText, "2:1: found byte 0x00 at offset 6, expected text"},
    {"ControlBytes", "\x01\x02\x03\x04\x05\x06\x07", Diag::NotText, "1:1: found byte 0x01 at offset 0, expected text"},
    {"Latin1", "let x = 1 // caf\xE9 \xE8", Diag::InvalidUtf8, "1:17: found byte 0xe9, which is not UTF-8"},
    {"Overlong", "\xC0\x80", Diag::InvalidUtf8, "1:1: found byte 0xc0, which is not UTF-8"},
    {"Surrogate", "\xED\xA0\x80", Diag::InvalidUtf8, "1:1: found byte 0xed, which is not UTF-8"},
    {"Utf16", "\xFF\xFEl", Diag::InvalidUtf8, "1:1: found byte 0xff, which is not UTF-8"},
    {"BadCharacter", "let x = $1", Diag::BadCharacter, "1:9: unexpected character `$`"},
    {"ManyOfOneCharacter", "$$$$", Diag::BadCharacter, "1:1: unexpected character `$`"},
    {"NoBreakSpace", "a\u00a0+ b", Diag::BadCharacter, "1:2: unexpected character U+00A0"},
    {"Escape", "\x1b[1m", Diag::BadCharacter,
     "1:1: unexpected character U+001B\n1:3: found `1m`, expected a decimal number"},
    {"LoneQuote", "don't", Diag::BadCharacter, "1:4: unexpected character `'`"},
    {"HashComment", "x\n# y", Diag::ForeignComment, "2:1: `#` begins no comment"},
    {"BlockComment", "a /* $\n $ */ b", Diag::ForeignComment, "1:3: `/*` begins no comment"},
    {"UnclosedBlockComment", "a /* $", Diag::ForeignComment, "1:3: `/*` begins no comment"},
    {"Power", "x ^ 2", Diag::ForeignOperator, "1:3: `^` is no operator of the language"},
    {"BitAnd", "a & b", Diag::ForeignOperator, "1:3: `&` is no operator of the language"},
    {"TripleEquals", "a === b", Diag::ForeignOperator, "1:3: `===` is no operator of the language"},
    {"Times", "a \u00d7 b", Diag::ForeignOperator, "1:3: `\u00d7` is no operator of the language"},
    {"Minus", "a \u2212 b", Diag::ForeignOperator, "1:3: `\u2212` is no operator of the language"},
    {"UnterminatedString", "f(\"abc)\nx", Diag::UnterminatedString, "1:3: this string does not end on its line"},
    {"SingleQuotes", "x = 'abc'", Diag::ForeignString, "1:5: found a string in single quotes, expected double quotes"},
    {"CurlyQuotes", "\u201cabc\u201d", Diag::ForeignString,
     "1:1: found a string in curly quotes, expected double quotes"},
    {"TripleQuotes", "\"\"\"a\nb\"\"\"", Diag::ForeignString,
     "1:1: found a string in triple quotes, expected double quotes"},
    {"BadEscape", R"("a\qb")", Diag::BadEscape, "1:3: unknown escape `\\q` in a string"},
    {"BadCodePoint", R"("\u{D800}")", Diag::BadEscape, "1:2: unknown escape `\\u{D800}` in a string"},
    {"BadUnicodeEscape", R"("\u12")", Diag::BadEscape, "1:2: unknown escape `\\u` in a string"},
    {"PointWithoutDigits", "x = 1.", Diag::BadNumber, "1:5: found `1.`, expected a digit after the point"},
    {"PointFirst", "x = .5", Diag::BadNumber, "1:5: found `.5`, expected a digit before the point"},
    {"EmptyExponent", "1e+", Diag::BadNumber, "1:1: found `1e+`, expected the digits of the exponent"},
    {"Hexadecimal", "0x1F", Diag::BadNumber, "1:1: found `0x1F`, expected a decimal number"},
    {"Suffix", "2x", Diag::BadNumber, "1:1: found `2x`, expected a decimal number"},
    {"Underscores", "1__0", Diag::BadNumber, "1:1: found `1__0`, expected a digit on both sides of `_`"},
    {"UnderscoreLast", "1_", Diag::BadNumber, "1:1: found `1_`, expected a digit on both sides of `_`"},
};
INSTANTIATE_TEST_SUITE_P(Cases, LexerError, testing::ValuesIn(cases), [](const auto &info) { return info.param.name; });

TEST(Lexer, GivesUpAfterManyErrors) {
  std::string text;
  for (int i = 0; i < 1000; ++i)
    text += "$ ? ";
  Lexed lexed(text);
  EXPECT_EQ(lexed.diagnostics.errorCount(), 101u);
  EXPECT_EQ(lexed.diagnostics.all().back().kind, Diag::TooManyErrors);
  EXPECT_EQ(lexed.stream.tokens.size(), 1u);
}

} // namespace
