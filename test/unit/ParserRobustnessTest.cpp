// The parser on what nobody should write: bounded nesting and height, large files in linear time, and programs mutated
// at random, which must never crash it and, where they still parse, reprint to themselves.
#include "frontend/parser/Parser.h"
#include "frontend/syntax/AstPrinter.h"

#include <gtest/gtest.h>

#include <chrono>
#include <random>

using namespace dlc;

namespace {

struct Parsed {
  SourceManager sources;
  DiagnosticEngine diagnostics{sources};
  ast::AstContext context;
  ast::Program program;
  explicit Parsed(std::string text) {
    program = parse(sources, sources.add("t.dl", std::move(text)), context, diagnostics);
  }
  unsigned count(Diag kind) const {
    unsigned number = 0;
    for (const Diagnostic &diagnostic : diagnostics.all())
      number += diagnostic.kind == kind;
    return number;
  }
};

std::string repeat(std::string_view text, size_t times) {
  std::string result;
  for (size_t i = 0; i < times; ++i)
    result += text;
  return result;
}

TEST(Limits, NestingIsBoundedWithOneError) {
  const std::string deep[] = {
      repeat("(", 10000),
      repeat("[", 10000),
      repeat("{", 10000),
      "let x = " + repeat("(", 10000) + "1" + repeat(")", 10000),
      repeat("f(", 10000),
      repeat("x[", 10000),
      repeat("-", 10000) + "1",
      repeat("2 ** ", 10000) + "1",
      repeat("a => ", 10000) + "1",
      repeat("if a { ", 10000) + repeat("}", 10000),
      "if a {}" + repeat(" else if a {}", 10000),
      repeat("for i in x { ", 10000),
      "model M { " + repeat("if a { ", 10000),
      "fn f(x: " + repeat("(", 10000),
      "fn f(x: " + repeat("fn(", 10000),
      "let " + repeat("(", 10000),
  };
  for (const std::string &text : deep) {
    Parsed parsed(text + "\nlet y = 1");
    EXPECT_EQ(parsed.count(Diag::NestingTooDeep), 1u) << text.substr(0, 40);
    EXPECT_EQ(parsed.diagnostics.errorCount(), 1u) << text.substr(0, 40) << parsed.diagnostics.render();
  }
}

TEST(Limits, NestingBelowTheBoundParses) {
  EXPECT_EQ(Parsed(repeat("(", 190) + "1" + repeat(")", 190)).diagnostics.render(), "");
  EXPECT_EQ(Parsed(repeat("if a { ", 190) + repeat("}", 190)).diagnostics.render(), "");
}

TEST(Limits, HeightIsBoundedWithOneError) {
  const std::string high[] = {
      "x" + repeat(" + 1", 10000),     "x" + repeat(" |> f", 10000),
      "x" + repeat("\n  |> f", 10000), "x" + repeat("()", 10000),
      "x" + repeat("[0]", 10000),      "x" + repeat(".a", 10000),
      "x" + repeat(" && y", 10000),    repeat("(", 50) + "x" + repeat(repeat(" * 2", 100) + ")", 50),
  };
  for (const std::string &text : high) {
    Parsed parsed(text + "\nlet y = 1");
    EXPECT_EQ(parsed.count(Diag::ChainTooLong), 1u) << text.substr(0, 40);
    EXPECT_EQ(parsed.diagnostics.errorCount(), 1u) << text.substr(0, 40);
    EXPECT_EQ(parsed.program.statements.size(), 1u) << text.substr(0, 40);
  }
}

TEST(Limits, HeightBelowTheBoundParsesAndPrints) {
  Parsed parsed("x" + repeat(" + 1", 1990));
  EXPECT_EQ(parsed.diagnostics.render(), "");
  EXPECT_EQ(print(parsed.program), "x" + repeat(" + 1", 1990) + "\n");
}

TEST(Limits, TheParserGivesUpAfterManyErrors) {
  Parsed parsed(repeat("let = 1\n", 1000));
  EXPECT_EQ(parsed.count(Diag::TooManyErrors), 1u);
  EXPECT_EQ(parsed.diagnostics.errorCount(), 101u);
}

TEST(Limits, LargeFilesTakeLinearTime) {
  const std::string large[] = {
      repeat("fn f(x: f32[n]) -> f32 { sum(x ** 2) }\n", 50'000),
      "let x = [" + repeat("1.5 * y, ", 200'000) + "]\n",
      repeat("(", 2'000'000),
      repeat("([{", 300'000) + repeat(")", 300'000),
      repeat("let x = (\n", 200'000),
      repeat("fn f() {\n", 200'000),
      std::string(5'000'000, '\t') + "let = 3",
      "\"" + std::string(5'000'000, 'a'),
  };
  auto begin = std::chrono::steady_clock::now();
  for (const std::string &text : large)
    Parsed(text).diagnostics.render();
  // About a second on a slow machine; anything quadratic takes hours.
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(60));
}

const char *const program = R"DL(/// Docs.
model M(in: dim, k: f32 = 1e-3) {
  layer fc = Sequential(Linear(in, 2 * in), relu, [B(in) for _ in 0..3])
  param w: f32[in, 4] = normal(std: 0.02)
  if k > 0 { buffer b: f32[in] = 0 } else { layer z = relu }
  fn forward(x: f32[..., in], g: fn(f32[n]) -> f32) -> (f32[n], i64) {
    var (a, b) = (x[i, 1:3, :, -1], -x ** 2)
    for (u, v) in zip(a, 0..n) {
      if u < v && !done { break } else { a += u @ v }
    }
    let h = x |> fc |> reshape([n, -1]) |> (y => y % 3)
    while a != b { (a, b) = (b, a - 1) }
    (h, { let c = "x"
      c })
  }
}
data d: { x: f32[3], y: category } = csv("a\n\"b.csv") |> split(train: 0.9)
derivative f(a, b) -> y with dy { da = dy * b, db = dy * a }
optimizer o(lr) {
  state m = 0, v = 0
  update(p, g, step) { p - lr * g }
}
train t = M(d.n) on d.train {
  minimize mean((t(x) - y) ** 2)
  report acc = mean(argmax(x, axis: -1) == y)
  lr: step_decay(0.1, every: 30 epochs)
  stop_after: 2 epochs without better val.acc, lower: true
}
)DL";

/// Pieces that mutations put in.
const char *const pieces[] = {
    "(",      ")",      "[",        "]",        "{",      "}",     ",",     ":",     ";",
    ".",      "..",     "...",      "=",        "==",     "=>",    "->",    "|>",    ":=",
    "+=",     "-",      "!",        "**",       "\n",     "\n\n",  "\"",    "'",     "//",
    "/*",     "#",      "\\",       "let",      "var",    "fn",    "if",    "else",  "for",
    "in",     "while",  "break",    "model",    "data",   "train", "layer", "param", "state",
    "update", "epochs", "minimize", "report",   "on",     "and",   "not",   "def",   "class",
    "return", "self",   "lambda",   "elif",     "import", "1",     "1.",    "1e",    "9223372036854775808",
    "x",      "_",      "\xff",     "\xc3\xa9", "$",      "\t",    "?"};

TEST(Mutations, NeverCrashTheParser) {
  ASSERT_EQ(Parsed(program).diagnostics.render(), "");
  std::mt19937 random(20240229); // the same mutations every time
  auto below = [&](size_t limit) { return size_t(random() % limit); };
  auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(1500);
  unsigned parsedWhole = 0;
  for (unsigned round = 0; round < 4000 && std::chrono::steady_clock::now() < end; ++round) {
    std::string text = program;
    for (size_t change = 0, changes = 1 + below(6); change < changes; ++change) {
      size_t at = below(text.size() + 1), length = std::min(below(12), text.size() - at);
      switch (below(5)) {
      case 0:
        text.erase(at, length);
        break;
      case 1:
        text.insert(at, text.substr(below(text.size()), below(40)));
        break;
      case 2:
        text.resize(at);
        break;
      case 3:
        text.replace(at, length, pieces[below(std::size(pieces))]);
        break;
      default:
        text.insert(at, std::string(" ") + pieces[below(std::size(pieces))] + " ");
      }
      if (text.empty())
        text = "x";
    }
    Parsed parsed(text);
    std::string messages = parsed.diagnostics.render(round % 2);
    isIncomplete(text);
    std::string printed = print(parsed.program);
    if (parsed.diagnostics.errorCount())
      continue;
    ++parsedWhole;
    Parsed again(printed);
    ASSERT_EQ(again.diagnostics.render(), "") << text << "\nprinted as\n" << printed;
    ASSERT_EQ(print(again.program), printed) << text;
  }
  EXPECT_GT(parsedWhole, 0u);
}

TEST(Mutations, NoPrefixOfAProgramCrashesTheParser) {
  std::string text = program;
  for (size_t length = 0; length <= text.size(); ++length) {
    Parsed parsed(text.substr(0, length));
    parsed.diagnostics.render();
    isIncomplete(std::string_view(text).substr(0, length));
  }
}

} // namespace
