// Every diagnostic of the parser: the text that provokes it, and `line:col: message` of all that is reported for it.
#include "frontend/parser/Parser.h"

#include <gtest/gtest.h>

#include <algorithm>

using namespace dlc;

namespace {

struct Case {
  const char *name;
  const char *text;
  Diag kind; ///< of the first
  const char *expected;
};

class ParserError : public testing::TestWithParam<Case> {};

TEST_P(ParserError, IsReportedAtItsPlace) {
  SourceManager sources;
  DiagnosticEngine diagnostics(sources);
  ast::AstContext context;
  parse(sources, sources.add("t.dl", GetParam().text), context, diagnostics);
  std::vector<const Diagnostic *> ordered;
  for (const Diagnostic &diagnostic : diagnostics.all())
    ordered.push_back(&diagnostic);
  std::sort(ordered.begin(), ordered.end(),
            [](const Diagnostic *a, const Diagnostic *b) { return a->at.begin < b->at.begin; });
  std::string shown;
  for (const Diagnostic *diagnostic : ordered) {
    LineColumn place = sources.lineColumn(diagnostic->at.file, diagnostic->at.begin);
    shown += fmt::format("{}{}:{}: {}", shown.empty() ? "" : "\n", place.line, place.column, diagnostic->text);
  }
  EXPECT_EQ(shown, GetParam().expected);
  ASSERT_FALSE(ordered.empty());
  EXPECT_STREQ(nameOf(ordered[0]->kind), nameOf(GetParam().kind));
}

const Case cases[] = {
    {"OperandMissing", "let x = 1 + * 2", Diag::ExpectedExpression, "1:13: found `*`, expected an expression"},
    {"ValueMissing", "let x =\nlet y = 2", Diag::ExpectedExpression,
     "1:8: found the end of the line, expected an expression"},
    {"EmptyIndex", "x[]", Diag::ExpectedExpression, "1:3: found `]`, expected an index"},
    {"ArgumentMissing", "f(a,,b)", Diag::ExpectedExpression, "1:5: found `,`, expected an expression"},
    {"SliceOfDots", "x[..3]", Diag::ExpectedExpression, "1:3: found `..`, expected an index"},
    {"SizeIsColon", "fn f(x: f32[:, 3]) {}", Diag::ExpectedExpression, "1:13: found `:`, expected a size"},
    {"ConditionMissing", "if { a }", Diag::ExpectedExpression, "1:4: found `{`, expected a condition"},
    {"SourceMissing", "for i in { a }", Diag::ExpectedExpression, "1:10: found `{`, expected what to loop over"},
    {"IncrementSign", "x++", Diag::ExpectedExpression, "1:3: found `+`, expected an expression"},
    {"PrefixPlus", "let x = +1", Diag::ExpectedExpression, "1:9: found `+`, expected an expression"},
    {"AnonymousFn", "let f = fn", Diag::ExpectedExpression, "1:9: found `fn`, expected an expression"},
    {"SettingWithoutValue", "train t = m {\n  batch:\n  epochs: 5\n}", Diag::ExpectedExpression,
     "2:9: found the end of the line, expected the value of the setting"},
    {"LetNumber", "let 3 = x", Diag::ExpectedPattern,
     "1:5: found `3`, expected a name or a tuple of names in parentheses"},
    {"LetNothing", "let = 3", Diag::ExpectedPattern,
     "1:5: found `=`, expected a name or a tuple of names in parentheses"},
    {"FnWithoutName", "fn (x) { x }", Diag::ExpectedName, "1:4: found `(`, expected the name of the function"},
    {"FieldNumber", "pair.0", Diag::ExpectedName, "1:6: found `0`, expected the name of a member"},
    {"ParameterNumber", "fn f(3) {}", Diag::ExpectedName, "1:6: found `3`, expected the name of a parameter"},
    {"MetricMissing", "train t = m {\n  stop_after: 2 epochs without better 3\n}", Diag::ExpectedName,
     "2:39: found `3`, expected a metric, as `val.loss`"},
    {"ReservedName", "let for = 3", Diag::ReservedWord, "1:5: found the keyword `for`, expected a name"},
    {"ReservedParameter", "fn f(let) {}", Diag::ReservedWord,
     "1:6: found the keyword `let`, expected the name of a parameter"},
    {"DefaultAsType", "fn f(x: 3) {}", Diag::ExpectedType, "1:9: found `3`, expected a type"},
    {"TypeMissing", "let x: = 3", Diag::ExpectedType, "1:8: found `=`, expected a type"},
    {"ListType", "fn f(x: [n, 3]) {}", Diag::ExpectedType, "1:9: found `[`, expected a type"},
    {"LetWithoutValue", "let x", Diag::ExpectedToken, "1:6: found the end of the file, expected `=` and a value"},
    {"ForWithoutIn", "for i of xs {}", Diag::ExpectedToken, "1:7: found `of`, expected `in`"},
    {"ComprehensionWithoutIn", "[a for a of xs]", Diag::ExpectedToken, "1:10: found `of`, expected `in`"},
    {"BodyMissing", "fn f(x)\nf(1)", Diag::ExpectedToken,
     "1:8: found the end of the line, expected `{` and the body of the function"},
    {"BodyAfterEquals", "fn f(x) = x * x", Diag::ExpectedToken,
     "1:9: found `=`, expected `{` and the body of the function"},
    {"BodyAfterThen", "if a then b", Diag::ExpectedToken, "1:6: found `then`, expected `{` and the body of `if`"},
    {"ParametersMissing", "fn f { 1 }", Diag::ExpectedToken, "1:6: found `{`, expected `(` and the parameters"},
    {"TypeBeforeName", "fn f(f32 x) {}", Diag::ExpectedToken, "1:10: found `x`, expected `,` or `)`"},
    {"CommaMissing", "f(a b)", Diag::ExpectedToken, "1:5: found `b`, expected `,` or `)`"},
    {"GeneratorArgument", "sum(x for x in xs)", Diag::ExpectedToken, "1:7: found `for`, expected `,` or `)`"},
    {"FnTypeWithoutResult", "fn f(g: fn(f32)) {}", Diag::ExpectedToken,
     "1:16: found `)`, expected `->` and the type of the result"},
    {"ParamWithoutType", "model M {\n  param w = 1\n}", Diag::ExpectedToken,
     "2:11: found `=`, expected `:` and a type"},
    {"ParamWithoutValue", "model M {\n  param w: f32[3]\n}", Diag::ExpectedToken,
     "2:18: found the end of the line, expected `=` and an initial value"},
    {"LayerWithColon", "model M {\n  layer l: relu\n}", Diag::ExpectedToken,
     "2:10: found `:`, expected `=` and a model"},
    {"DataWithoutFields", "data d = csv(\"a\")", Diag::ExpectedToken,
     "1:8: found `=`, expected `:` and the fields of an example"},
    {"DataWithoutSource", "data d: { x: f32 }", Diag::ExpectedToken,
     "1:19: found the end of the file, expected `=` and a source"},
    {"FieldWithoutType", "data d: { x } = f()", Diag::ExpectedToken,
     "1:13: found `}`, expected `:` and the type of the field"},
    {"TrainWithoutModel", "train t on d {}", Diag::ExpectedToken, "1:9: found `on`, expected `=` and a model"},
    {"TrainWithoutBlock", "train t = m\n", Diag::ExpectedToken,
     "1:12: found the end of the file, expected `on` and a data set, or `{`"},
    {"ReportWithoutName", "train t = m {\n  report mean(x)\n}", Diag::ExpectedToken,
     "2:14: found `(`, expected `=` and a value"},
    {"StopWithoutBetter", "train t = m {\n  stop_after: 2 epochs without val.loss\n}", Diag::ExpectedToken,
     "2:32: found `val`, expected `better` and a metric"},
    {"DerivativeWithoutResult", "derivative f(a) {}", Diag::ExpectedToken,
     "1:17: found `{`, expected `->` and a name for the result"},
    {"DerivativeWithoutCotangent", "derivative f(a) -> y {}", Diag::ExpectedToken,
     "1:22: found `{`, expected `with` and a name for the cotangent of the result"},
    {"StateWithoutValue", "optimizer o() {\n  state m\n  update(p, g, step) { p }\n}", Diag::ExpectedToken,
     "2:10: found the end of the line, expected `=` and an initial value"},
    {"ElseAlone", "else { 1 }", Diag::ExpectedStatement, "1:1: found `else`, expected a statement"},
    {"TwoExpressions", "a b", Diag::ExpectedStatementEnd, "1:3: found `b`, expected the end of the statement"},
    {"PrintWithoutParentheses", "print \"a\"", Diag::ExpectedStatementEnd,
     "1:7: found a string, expected the end of the statement"},
    {"PythonChoice", "let x = a if b else c", Diag::ExpectedStatementEnd,
     "1:11: found `if`, expected the end of the statement"},
    {"ProductWithoutSign", "let x = 2 y", Diag::ExpectedStatementEnd,
     "1:11: found `y`, expected the end of the statement"},
    {"ChainedAssignment", "a = b = c", Diag::ExpectedStatementEnd, "1:7: found `=`, expected the end of the statement"},
    {"BlockIsNotCalled", "if a { f } (x)", Diag::ExpectedStatementEnd,
     "1:12: found `(`, expected the end of the statement"},
    {"MemberWithoutKeyword", "model M {\n  fc1 = Linear(2, 3)\n}", Diag::ExpectedMember,
     "2:3: found `fc1`, expected `param`, `buffer`, `layer`, `let`, `fn` or `if`"},
    {"MemberVar", "model M {\n  var a = 3\n}", Diag::ExpectedMember,
     "2:3: found `var`, expected `param`, `buffer`, `layer`, `let`, `fn` or `if`"},
    {"OptimizerMember", "optimizer o() {\n  step(p) { p }\n  update(p, g, step) { p }\n}", Diag::ExpectedMember,
     "2:3: found `step`, expected `state` or `update`"},
    {"DerivativeStatement", "derivative f(a) -> y with dy {\n  da = dy\n  print(a)\n}", Diag::ExpectedMember,
     "3:3: found `print`, expected `let` or an assignment to a cotangent"},
    {"UnclosedParenthesis", "let x = f(a, b\nlet y = 1", Diag::UnclosedBracket,
     "1:15: found the end of the line, expected `)`"},
    {"UnclosedOverLines", "let x = f(\n  a,\n  b\nlet y = 1", Diag::UnclosedBracket,
     "3:4: found the end of the line, expected `)`"},
    {"UnclosedAtEnd", "fn f(x) {\n  x", Diag::UnclosedBracket, "2:4: found the end of the file, expected `}`"},
    {"WrongBracket", "f(a]\n", Diag::UnclosedBracket, "1:4: found `]`, expected `)`"},
    {"MissingBraceBeforeDefinition", "model M {\n  fn f(x) {\n    x\n}\ntrain t = M() {\n}", Diag::UnclosedBracket,
     "4:2: found the end of the line, expected `}`"},
    {"StrayBrace", "fn f() { 1 }\n}\nlet = 2", Diag::StrayBracket,
     "2:1: `}` closes nothing\n"
     "3:5: found `=`, expected a name or a tuple of names in parentheses"},
    {"StrayParenthesis", "f(a))", Diag::StrayBracket, "1:5: `)` closes nothing"},
    {"SemicolonAtEnd", "let x = 1;\nlet y = 2", Diag::Semicolon, "1:10: found `;`, expected the end of the line"},
    {"SemicolonBetween", "a; b", Diag::Semicolon, "1:2: found `;`, expected the end of the line"},
    {"And", "if a and b {}", Diag::ForeignOperator, "1:6: `and` is no operator of the language"},
    {"Not", "let x = not a or b", Diag::ForeignOperator,
     "1:9: `not` is no operator of the language\n"
     "1:15: `or` is no operator of the language"},
    {"Def", "def f(x) { x }", Diag::ForeignKeyword, "1:1: `def` is no keyword of the language"},
    {"PythonDef", "def f(x):\n    if x:\n        return x\n    return 1\nlet = 2", Diag::ForeignKeyword,
     "1:1: `def` is no keyword of the language\n"
     "5:5: found `=`, expected a name or a tuple of names in parentheses"},
    {"Class", "class Net(Module):\n    def f(self):\n        pass\nlet = 2", Diag::ForeignKeyword,
     "1:1: `class` is no keyword of the language\n"
     "4:5: found `=`, expected a name or a tuple of names in parentheses"},
    {"Elif", "if a { 1 } elif b { 2 } else { 3 }", Diag::ForeignKeyword, "1:12: `elif` is no keyword of the language"},
    {"ElifAlone", "elif b { 2 }", Diag::ForeignKeyword, "1:1: `elif` is no keyword of the language"},
    {"LambdaKeyword", "map(lambda x, y: x + y, xs)", Diag::ForeignKeyword,
     "1:5: `lambda` is no keyword of the language"},
    {"LetMut", "let mut x = 1", Diag::ForeignKeyword, "1:5: `mut` is no keyword of the language"},
    {"Return", "fn f(x) { return x }", Diag::ReturnStatement, "1:11: found `return`, expected a value alone"},
    {"ReturnAlone", "fn f(x) {\n  return\n}", Diag::ReturnStatement, "2:3: found `return`, expected a value alone"},
    {"Import", "import torch.nn as nn\nlet = 2", Diag::ImportStatement,
     "1:1: `import` is no statement of the language\n"
     "2:5: found `=`, expected a name or a tuple of names in parentheses"},
    {"From", "from torch import nn", Diag::ImportStatement, "1:1: `from` is no statement of the language"},
    {"SelfField", "let x = self.fc1(x)", Diag::SelfReference, "1:9: found `self`, expected the member's name alone"},
    {"SelfParameter", "fn f(self, x) { x }", Diag::SelfReference, "1:6: found `self`, expected the parameters alone"},
    {"True", "f(True, False)", Diag::CapitalBool,
     "1:3: found `True`, expected `true`\n"
     "1:9: found `False`, expected `false`"},
    {"AssignInIf", "if a = 1 { b }", Diag::AssignInCondition, "1:6: found `=` in a condition, expected `==`"},
    {"AssignInWhile", "while a = 1 { b }", Diag::AssignInCondition, "1:9: found `=` in a condition, expected `==`"},
    {"Walrus", "x := 1", Diag::ColonAssign, "1:3: found `:=`, expected `=`"},
    {"LetWalrus", "let x := 1", Diag::ColonAssign, "1:7: found `:=`, expected `=`"},
    {"PythonFor", "for i in xs:\n    print(i)\nlet = 2", Diag::ColonBlock,
     "1:12: found `:`, expected `{`\n"
     "3:5: found `=`, expected a name or a tuple of names in parentheses"},
    {"PythonIf", "if a:\n    b\nelse:\n    c\nlet = 2", Diag::ColonBlock,
     "1:5: found `:`, expected `{`\n"
     "5:5: found `=`, expected a name or a tuple of names in parentheses"},
    {"NamedByEquals", "f(x, axis = 1)", Diag::NamedArgumentEquals,
     "1:11: found `=` after the name of an argument, expected `:`"},
    {"LambdaArrow", "map(x -> x + 1)", Diag::WrongArrow, "1:7: found `->`, expected `=>`"},
    {"ResultColon", "fn f(x): f32 { x }", Diag::WrongArrow, "1:8: found `:`, expected `->`"},
    {"ResultFatArrow", "fn f(x) => f32 { x }", Diag::WrongArrow, "1:9: found `=>`, expected `->`"},
    {"TypeArrow", "fn f(g: fn(f32) => f32) {}", Diag::WrongArrow, "1:17: found `=>`, expected `->`"},
    {"TypedWithoutLet", "x: f32 = 1", Diag::MissingLet, "1:1: found `x`, expected `let` before the name"},
    {"Const", "const x = 1", Diag::MissingLet, "1:1: found `const`, expected `let` before the name"},
    {"TypeFirst", "f32 x = 1", Diag::MissingLet, "1:1: found `f32`, expected `let` before the name"},
    {"ChainedComparison", "if a < b < c {}", Diag::ChainedOperator, "1:10: `<` cannot follow `<` without parentheses"},
    {"ChainedRange", "for i in 0..10..2 {}", Diag::ChainedOperator,
     "1:15: `..` cannot follow `..` without parentheses"},
    {"LambdaInOperation", "xs |> x => x + 1", Diag::LambdaNeedsParentheses,
     "1:7: a lambda inside an operation needs parentheses"},
    {"PipeIntoSum", "x |> f + 1", Diag::BadPipeTarget,
     "1:6: found an operation after `|>`, expected a function or a call"},
    {"PipeIntoNumber", "x |> 3", Diag::BadPipeTarget, "1:6: found a literal after `|>`, expected a function or a call"},
    {"AssignToCall", "f(x) = 3", Diag::BadAssignTarget, "1:1: cannot assign to a call"},
    {"AssignToSum", "a + b = 3", Diag::BadAssignTarget, "1:1: cannot assign to an operation"},
    {"AssignToLiteralInTuple", "(a, 1) = b", Diag::BadAssignTarget, "1:1: cannot assign to this tuple"},
    {"EllipsisTwice", "x[..., 0, ...]", Diag::BadEllipsis, "1:11: `...` may stand once in an index"},
    {"EllipsisLast", "fn f(x: f32[n, ...]) {}", Diag::BadEllipsis, "1:16: `...` must stand first among the sizes"},
    {"EmptyShape", "fn f(x: f32[]) {}", Diag::EmptyShape, "1:9: `f32[]` has no sizes"},
    {"FnInFn", "fn f() {\n  fn g() { 1 }\n  g()\n}", Diag::NestedDefinition, "2:3: `fn` cannot stand inside a block"},
    {"ModelInIf", "if a {\n  model M {}\n}", Diag::NestedDefinition, "2:3: `model` cannot stand inside a block"},
    {"MinimizeOutside", "minimize loss", Diag::MisplacedStatement, "1:1: `minimize` belongs in a `train` block"},
    {"SettingOutside", "batch: 64", Diag::MisplacedStatement, "1:1: `batch:` belongs in a `train` block"},
    {"LayerInFn", "fn f() {\n  layer x = relu\n}", Diag::MisplacedStatement, "2:3: `layer` belongs in a model"},
    {"NoUpdate", "optimizer o(lr) { state m = 0 }", Diag::OptimizerUpdate, "1:11: optimizer `o` has no `update`"},
    {"TwoUpdates", "optimizer o() {\n  update(p, g, step) { p }\n  update(p, g, step) { p }\n}", Diag::OptimizerUpdate,
     "3:3: optimizer `o` has a second `update`"},
    {"IntegerTooLarge", "let x = 9223372036854775808", Diag::NumberTooLarge,
     "1:9: `9223372036854775808` does not fit in i64"},
    {"FloatTooLarge", "let x = 1e400", Diag::NumberTooLarge, "1:9: `1e400` does not fit in f64"},
    {"LeastIntegerToAPower", "-9223372036854775808 ** 2", Diag::NumberTooLarge,
     "1:2: `9223372036854775808` does not fit in i64"},
    {"SeveralInOneGo", "let = 1\nfn f(x) {\n  let y = (x\n  y z\n}\nif a and b { return 1 }\nlet ok = 1\nf(x = 2)",
     Diag::ExpectedPattern,
     "1:5: found `=`, expected a name or a tuple of names in parentheses\n"
     "3:13: found the end of the line, expected `)`\n"
     "4:5: found `z`, expected the end of the statement\n"
     "6:6: `and` is no operator of the language\n"
     "6:14: found `return`, expected a value alone\n"
     "8:5: found `=` after the name of an argument, expected `:`"},
    {"NoCascadeAfterABadCharacter", "let x = a ? b : c\nlet = 2", Diag::BadCharacter,
     "1:11: unexpected character `?`\n"
     "2:5: found `=`, expected a name or a tuple of names in parentheses"},
};
INSTANTIATE_TEST_SUITE_P(Cases, ParserError, testing::ValuesIn(cases),
                         [](const auto &info) { return info.param.name; });

/// The whole message, with notes and helps.
std::string rendered(const char *text) {
  SourceManager sources;
  DiagnosticEngine diagnostics(sources);
  ast::AstContext context;
  parse(sources, sources.add("t.dl", text), context, diagnostics);
  return diagnostics.render();
}

TEST(ParserHelp, AMissingBraceIsSoughtByIndentation) {
  EXPECT_EQ(rendered("model M {\n  fn f(x) {\n    x\n}\ntrain t = M() {}\n"),
            "t.dl:4:2: error: found the end of the line, expected `}` [unclosed-bracket]\n"
            "    4 | }\n"
            "      |  ^\n"
            "t.dl:1:9: note: to close this `{`\n"
            "    1 | model M {\n"
            "      |         ^\n"
            "t.dl:2:11: note: perhaps this one lacks its `}`: what closes it is indented less\n"
            "    2 |   fn f(x) {\n"
            "      |           ^\n");
}

TEST(ParserHelp, AChainOfComparisonsIsWrittenOut) {
  EXPECT_EQ(rendered("0 <= x[i] < 3"),
            "t.dl:1:11: error: `<` cannot follow `<=` without parentheses [chained-operator]\n"
            "    1 | 0 <= x[i] < 3\n"
            "      |           ^\n"
            "help: write `0 <= x[i] && x[i] < 3`\n");
}

TEST(ParserHelp, AForeignWordIsTranslated) {
  EXPECT_EQ(rendered("def f(x) { x }"), "t.dl:1:1: error: `def` is no keyword of the language [foreign-keyword]\n"
                                        "    1 | def f(x) { x }\n"
                                        "      | ^~~\n"
                                        "help: a function is written `fn f(...) { ... }`\n");
}

} // namespace
