// What parses, and as what: each case gives a text and its canonical reprint, in which precedence shows as parentheses.
#include "frontend/parser/Parser.h"
#include "frontend/syntax/AstPrinter.h"

#include <gtest/gtest.h>

using namespace dlc;

namespace {

struct Parsed {
  SourceManager sources;
  DiagnosticEngine diagnostics{sources};
  ast::AstContext context;
  ast::Program program;
  explicit Parsed(std::string text, ParseMode mode = ParseMode::file) {
    program = parse(sources, sources.add("t.dl", std::move(text)), context, diagnostics, mode);
  }
};

/// The reprint, or the diagnostics. Checks that the reprint parses to itself.
std::string reprint(const std::string &text) {
  Parsed parsed(text);
  if (parsed.diagnostics.errorCount())
    return parsed.diagnostics.render();
  std::string printed = print(parsed.program);
  Parsed again(printed);
  EXPECT_EQ(again.diagnostics.render(), "") << printed;
  EXPECT_EQ(print(again.program), printed);
  return printed;
}

/// Every operation in parentheses.
std::string grouped(const ast::Expr *expr) {
  if (expr->kind == ast::ExprKind::Binary) {
    auto *binary = static_cast<const ast::BinaryExpr *>(expr);
    return "(" + grouped(binary->lhs) + " " + spelling(binary->op) + " " + grouped(binary->rhs) + ")";
  }
  if (expr->kind == ast::ExprKind::Unary) {
    auto *unary = static_cast<const ast::UnaryExpr *>(expr);
    return std::string("(") + spelling(unary->op) + grouped(unary->operand) + ")";
  }
  return print(*expr);
}
std::string grouping(const std::string &text) {
  Parsed parsed(text);
  if (parsed.diagnostics.errorCount() || parsed.program.statements.size() != 1)
    return parsed.diagnostics.render();
  return grouped(static_cast<ast::ExprStmt *>(parsed.program.statements[0])->expr);
}

TEST(Parser, PrecedenceOfOperators) {
  EXPECT_EQ(grouping("a + b * c - d / e"), "((a + (b * c)) - (d / e))");
  EXPECT_EQ(grouping("a @ b % c"), "((a @ b) % c)");
  EXPECT_EQ(grouping("t..t + n"), "(t .. (t + n))");
  EXPECT_EQ(grouping("a < b + 1 && c == d || !e"), "(((a < (b + 1)) && (c == d)) || (!e))");
  EXPECT_EQ(grouping("0..n == r"), "((0 .. n) == r)");
}

TEST(Parser, PowersBindTighterThanTheirPrefix) {
  EXPECT_EQ(grouping("-x ** 2"), "(-(x ** 2))");
  EXPECT_EQ(grouping("x ** -1"), "(x ** (-1))");
  EXPECT_EQ(grouping("a ** b ** c"), "(a ** (b ** c))");
  EXPECT_EQ(grouping("2 ** -x ** 2 * y"), "((2 ** (-(x ** 2))) * y)");
  EXPECT_EQ(grouping("!a == -b"), "((!a) == (-b))");
}

TEST(Parser, PipesAreCalls) {
  Parsed parsed("x / 2 |> f |> g(a, k: b)");
  auto *call = static_cast<ast::CallExpr *>(static_cast<ast::ExprStmt *>(parsed.program.statements[0])->expr);
  ASSERT_EQ(call->kind, ast::ExprKind::Call);
  EXPECT_TRUE(call->piped);
  ASSERT_EQ(call->arguments.size(), 3u);
  EXPECT_EQ(print(*call->callee), "g");
  EXPECT_EQ(print(*call->arguments[0].value), "x / 2 |> f");
  EXPECT_EQ(call->arguments[2].name, "k");
}

TEST(Parser, APipeIntoAParenthesisedCallCallsItsResult) {
  EXPECT_EQ(reprint("x |> (f(a))"), "x |> (f(a))\n");
  EXPECT_EQ(reprint("x |> f() |> 0() |> [f]()"), "x |> f |> 0() |> [f]()\n");
  EXPECT_EQ(reprint("x |> f(a)(b)"), "x |> f(a)(b)\n");
  EXPECT_EQ(reprint("x |> (y => y) |> (m + n) |> blocks[0] |> a.b"), "x |> (y => y) |> (m + n) |> blocks[0] |> a.b\n");
}

TEST(Parser, OnlyNeededParenthesesAreReprinted) {
  EXPECT_EQ(reprint("((a) + (b * c)) * (-x) ** (2)"), "(a + b * c) * (-x) ** 2\n");
  EXPECT_EQ(reprint("(a - b) - (c - d)"), "a - b - (c - d)\n");
  EXPECT_EQ(reprint("(a < b) == (c..d)"), "(a < b) == c..d\n");
  EXPECT_EQ(reprint("(x |> f) + (y => y)(1)"), "(x |> f) + (y => y)(1)\n");
}

TEST(Parser, Literals) {
  EXPECT_EQ(reprint("[1_000, 1e-3, 0.5, 2.0, 1e300, 9223372036854775807, -9223372036854775808]"),
            "[1000, 0.001, 0.5, 2.0, 1e+300, 9223372036854775807, -9223372036854775808]\n");
  EXPECT_EQ(reprint(R"(["a\n\t\"\\\0", "\u{1b}é"])"), "[\"a\\n\\t\\\"\\\\\\0\", \"\\u{1b}é\"]\n");
  EXPECT_EQ(reprint("(true, false, (), (x,), (x))"), "(true, false, (), (x,), x)\n");
  EXPECT_EQ(reprint("1e-400"), "0.0\n");
}

TEST(Parser, IndicesAndSlices) {
  EXPECT_EQ(reprint("x[i, 1:3, :, -1][0:5:2][::2][:t][-2:, :-1]"), "x[i, 1:3, :, -1][0:5:2][::2][:t][-2:, :-1]\n");
}

TEST(Parser, LambdasAndComprehensions) {
  EXPECT_EQ(reprint("grad(x => x ** 4)(2.0)"), "grad(x => x ** 4)(2.0)\n");
  EXPECT_EQ(reprint("(a, b) => a + b"), "(a, b) => a + b\n");
  EXPECT_EQ(reprint("f((x: f32[n]) => () => _ => 1, k: 2)"), "f((x: f32[n]) => () => _ => 1, k: 2)\n");
  EXPECT_EQ(reprint("[Block(d) for _ in 0..n]"), "[Block(d) for _ in 0..n]\n");
  EXPECT_EQ(reprint("[a * b for (a, b) in pairs]"), "[a * b for (a, b) in pairs]\n");
}

TEST(Parser, BlocksAndChoicesAreValues) {
  EXPECT_EQ(reprint("let x = if a { 1 } else if b { 2 } else { 3 }"),
            "let x = if a { 1 } else if b { 2 } else { 3 }\n");
  EXPECT_EQ(reprint("let x = { let y = 1\n y }"), "let x = {\n  let y = 1\n  y\n}\n");
  EXPECT_EQ(reprint("if a { b }\nelse { c }\n(d)"), "if a { b } else { c }\nd\n");
  EXPECT_EQ(reprint("if a { 1 } else { 2 } + 3"), "if a { 1 } else { 2 } + 3\n");
}

TEST(Parser, Statements) {
  EXPECT_EQ(reprint("var (a, (b, _)): (f32, (f32, i64)) = f()"), "var (a, (b, _)): (f32, (f32, i64)) = f()\n");
  EXPECT_EQ(reprint("(a, b) = (b, a)\nx[i] += 1\nm.n **= 2\n(a, b) -= d"),
            "(a, b) = (b, a)\nx[i] += 1\nm.n **= 2\n(a, b) -= d\n");
  EXPECT_EQ(reprint("for (i, x) in xs { if x > 1 { break } }"), "for (i, x) in xs { if x > 1 { break } }\n");
  EXPECT_EQ(reprint("while a < b { a += 1\n b -= 1 }"), "while a < b {\n  a += 1\n  b -= 1\n}\n");
}

TEST(Parser, NewlinesSeparateStatements) {
  EXPECT_EQ(reprint("a\n-b\n[c]\n(d)"), "a\n-b\n[c]\nd\n");
  EXPECT_EQ(reprint("a\n  + b\n  |> f\n  .c"), "a + b |> f.c\n");
  EXPECT_EQ(reprint("f(a,\n-b\n)\n[c]"), "f(a, -b)\n[c]\n");
}

TEST(Parser, KeywordsAreContextual) {
  EXPECT_EQ(reprint("let in = train + data\nstate = model(report)[param]\nmodel.layer(train: 1, if: 2).for"),
            "let in = train + data\nstate = model(report)[param]\nmodel.layer(train: 1, if: 2).for\n");
  EXPECT_EQ(reprint("var(x, axis: -1)\nvar (a, b) = c\nfor in in in { on }\nwith\nminimize\nreport = 1"),
            "var(x, axis: -1)\nvar (a, b) = c\nfor in in in { on }\nwith\nminimize\nreport = 1\n");
}

TEST(Parser, Functions) {
  EXPECT_EQ(reprint("/// Doc.\n///\n/// More.\nfn f(x: f32[..., in], g: fn(f32[n], i64) -> f32, _, k = 2 * n)\n"
                    "  -> (f32[div(h, 2)], f32[...]) { x }"),
            "/// Doc.\n///\n/// More.\n"
            "fn f(x: f32[..., in], g: fn(f32[n], i64) -> f32, _, k = 2 * n) -> (f32[div(h, 2)], f32[...]) { x }\n");
  EXPECT_EQ(reprint("fn f() {}"), "fn f() {}\n");
}

TEST(Parser, Models) {
  EXPECT_EQ(reprint("model M(in: dim, bias: bool = true) {\n/// Doc.\nparam w: f32[in] = normal(std: 0.1)\n"
                    "if bias { param b: f32[in] = 0 } else if in > 2 { buffer c: i64 = 0 } else { layer l = relu }\n"
                    "fn forward(x) { x }\n}"),
            "model M(in: dim, bias: bool = true) {\n  /// Doc.\n  param w: f32[in] = normal(std: 0.1)\n\n"
            "  if bias {\n    param b: f32[in] = 0\n  } else if in > 2 {\n    buffer c: i64 = 0\n  } else {\n"
            "    layer l = relu\n  }\n\n  fn forward(x) { x }\n}\n");
}

TEST(Parser, Derivatives) {
  EXPECT_EQ(reprint("derivative f(a, b) -> y with dy { let s = exp(a)\nda = s * dy, db = dy }"),
            "derivative f(a, b) -> y with dy {\n  let s = exp(a)\n  da = s * dy\n  db = dy\n}\n");
}

TEST(Parser, Optimizers) {
  EXPECT_EQ(
      reprint("optimizer o(lr, b = 0.9) {\n state m = 0, v = 0\n update(p, g, step) {\n m = b * m\n p - lr * m\n}\n}"),
      "optimizer o(lr, b = 0.9) {\n  state m = 0, v = 0\n  update(p, g, step) {\n    m = b * m\n"
      "    p - lr * m\n  }\n}\n");
}

TEST(Parser, DataSets) {
  EXPECT_EQ(reprint("data d: { x: f32[28, 28], y: category }\n  = csv(\"a.csv\")\n  |> split(train: 0.9)"),
            "data d: { x: f32[28, 28], y: category } = csv(\"a.csv\") |> split(train: 0.9)\n");
  EXPECT_EQ(reprint("data d: {\n  x: f32\n  y: u8,\n} = f()"), "data d: { x: f32, y: u8 } = f()\n");
}

TEST(Parser, Training) {
  EXPECT_EQ(
      reprint("train m = Mlp() on d.train {\n let s = m(x)\n minimize -s + 1\n minimize (s) * 2\n report   acc = s\n"
              " batch: 64\n every: 2 * k steps\n lr: step_decay(0.1, every: 30 epochs)\n"
              " stop_after: 2 epochs without better val.err, lower: true\n train: 1\n}"),
      "train m = Mlp() on d.train {\n  let s = m(x)\n  minimize -s + 1\n  minimize s * 2\n  report acc = s\n"
      "  batch: 64\n  every: 2 * k steps\n  lr: step_decay(0.1, every: 30 epochs)\n"
      "  stop_after: 2 epochs without better val.err, lower: true\n  train: 1\n}\n");
  EXPECT_EQ(reprint("train m = a |> b {\n}"), "train m = a |> b {}\n");
}

TEST(Parser, WhatIsPrintedNeverReadsAsSomethingElse) {
  EXPECT_EQ(reprint("(minimize) - 3\n(return)(x)\n(k epochs)\n({ a } + 1)"),
            "(minimize - 3)\n(return(x))\n(k epochs)\n{ a } + 1\n");
  EXPECT_EQ(reprint("if ({ a }) { b }\nwhile ({ a }) {}"), "if ({ a }) { b }\nwhile ({ a }) {}\n");
  EXPECT_EQ(reprint("(1).x + (if a { f } else { g })(1)"), "(1).x + (if a { f } else { g })(1)\n");
  EXPECT_EQ(reprint("((x => x) |> f, (a epochs) epochs)"), "((x => x) |> f, (a epochs) epochs)\n");
}

TEST(Parser, AnEmptyFileIsAProgram) {
  EXPECT_EQ(reprint(""), "");
  EXPECT_EQ(reprint("\n// nothing\r\n"), "");
}

TEST(Parser, RangesCoverWhatWasWritten) {
  Parsed parsed("let y = (a + b) * f(c)[0]");
  auto *let = static_cast<ast::LetStmt *>(parsed.program.statements[0]);
  EXPECT_EQ(parsed.sources.text(let->range), "let y = (a + b) * f(c)[0]");
  EXPECT_EQ(parsed.sources.text(let->value->range), "(a + b) * f(c)[0]");
  auto *product = static_cast<ast::BinaryExpr *>(let->value);
  EXPECT_EQ(parsed.sources.text(product->opRange), "*");
  EXPECT_EQ(parsed.sources.text(product->rhs->range), "f(c)[0]");
}

TEST(Prompt, KnowsWhatIsIncomplete) {
  for (const char *text : {"f(", "let x = [1,\n 2", "fn f(x) {", "a +", "let x =", "x |>", "x =>", "if a { b } else",
                           "/// doc", "f(x)\n/// doc", "a,", "-", "model M {\n  layer l = f(\n"})
    EXPECT_TRUE(isIncomplete(text)) << text;
}

TEST(Prompt, AndWhatIsNot) {
  for (const char *text : {"", "x", "f(x)", "fn f(x) { x }", "f(]", "f)", "{ ( }", "\"abc", "let",
                           "for i in range(3):", "// note", "f(x) // +", "a $ ("})
    EXPECT_FALSE(isIncomplete(text)) << text;
}

TEST(Prompt, MessagesSpeakOfTheInput) {
  Parsed parsed("let x", ParseMode::prompt);
  ASSERT_EQ(parsed.diagnostics.errorCount(), 1u);
  EXPECT_EQ(parsed.diagnostics.all()[0].text, "found the end of the input, expected `=` and a value");
}

} // namespace
