// What the rows of ForeignNames.def write checks as it stands, and so does what a repair makes of the foreign name.
#include "frontend/elaborate/Elaborator.h"
#include "frontend/parser/Parser.h"

#include "mlir/IR/MLIRContext.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>

namespace dlc {
namespace {

struct Row {
  const char *name, *what;
};
const Row names[] = {
#define DLC_FOREIGN_NAME(Name, What) {Name, What},
#include "frontend/syntax/ForeignNames.def"
};
const Row same[] = {
#define DLC_FOREIGN_SAME(Name, Here, What) {Name, Here},
#include "frontend/syntax/ForeignNames.def"
};
const Row made[] = {
#define DLC_FOREIGN_MADE(Name, Here, What) {Name, Here},
#include "frontend/syntax/ForeignNames.def"
};
const Row settings[] = {
#define DLC_FOREIGN_SETTING(Name, What) {Name, What},
#include "frontend/syntax/ForeignNames.def"
};
const Row sameSettings[] = {
#define DLC_FOREIGN_SAME_SETTING(Name, Here, What) {Name, Here},
#include "frontend/syntax/ForeignNames.def"
};

/// A program that was checked, as `dlc check` does.
struct Checked {
  std::string text;
  SourceManager sources;
  DiagnosticEngine diagnostics{sources};
  mlir::MLIRContext context{mlir::MLIRContext::Threading::DISABLED};
  Elaborator checker{sources, diagnostics, context, nullptr};
  ast::AstContext tree;

  explicit Checked(std::string given) : text(std::move(given)) {
    ast::Program program = parse(sources, sources.add("test.dl", text), tree, diagnostics);
    if (diagnostics.failureCount() == 0)
      checker.program(program);
  }

  /// The text with the first repair of each message.
  std::string repaired() const {
    std::vector<Repair> repairs;
    for (const Diagnostic &diagnostic : diagnostics.all())
      for (const Diagnostic::Note &note : diagnostic.notes)
        if (note.repair) {
          repairs.push_back(*note.repair);
          break;
        }
    std::sort(repairs.begin(), repairs.end(), [](auto &a, auto &b) { return a.at.begin > b.at.begin; });
    std::string better = text;
    for (const Repair &repair : repairs)
      better.replace(repair.at.begin, repair.at.end - repair.at.begin, repair.text);
    return better;
  }
};

/// All of a program's mistakes are mended, and what the repairs make of it is right.
void expectRepaired(const std::string &text, size_t mistakes) {
  Checked wrong(text);
  EXPECT_EQ(wrong.diagnostics.all().size(), mistakes) << wrong.diagnostics.render();
  EXPECT_EQ(wrong.diagnostics.failureCount(), 0u) << wrong.diagnostics.render();
  Checked right(wrong.repaired());
  EXPECT_TRUE(right.diagnostics.all().empty()) << right.diagnostics.render();
}

TEST(Repairs, NamesWithTheSameArgumentsAreReplaced) {
  std::string text;
  for (const Row &row : same)
    for (std::string module : {"", "torch.", "nn.functional."})
      text += "let f" + std::string(row.name) + std::to_string(text.size()) + " = " + module + row.name + "\n";
  expectRepaired(text, 3 * std::size(same));
}

TEST(Repairs, WhatIsMadeByACallIsReplacedWithIt) {
  std::string text;
  for (const Row &row : made)
    for (std::string module : {"", "nn."})
      text += "let f" + std::string(row.name) + std::to_string(text.size()) + " = " + module + row.name + "()\n";
  expectRepaired(text, 2 * std::size(made));
}

TEST(Repairs, SettingsOfTheSameValueAreReplaced) {
  const std::map<std::string, std::string> values = {{"validate", "d"}, {"save", "\"m.safetensors\""}};
  std::string text = "data d: { x: f32[2], label: i32 } = moons(n: 10)\n";
  for (const Row &row : sameSettings) {
    std::string here = row.what, m = std::string("m") + row.name;
    auto value = values.find(here);
    text += "train " + m + " = Linear(2, 2) on d {\n  minimize cross_entropy(" + m +
            "(x), label)\n  optimizer: sgd(lr: 0.1)\n" + (here == "epochs" || here == "steps" ? "" : "  epochs: 1\n") +
            "  " + row.name + ": " + (value == values.end() ? "1" : value->second) + "\n}\n";
  }
  expectRepaired(text, std::size(sameSettings));
}

/// What a help writes, as a program of its own: an expression, a definition, a member or a setting; `x` and `k` stand for
/// what it takes.
std::string programOf(const std::string &code, const std::string &x, const std::string &k) {
  const std::string names =
      "let x = " + x + "\nlet k = " + k +
      "\nlet y = x\nlet q = x\nlet v = x\nlet p = x\nlet a = x\nlet b = x\nlet xs = x\nlet ys = x\n"
      "let i = [[0, 1], [1, 0]]\nlet mask = [true, false]\nlet scores = uniform([2, 3])\n"
      "let shares = softmax(scores)\nlet log_shares = log_softmax(scores)\nlet label = [0, 1]\n"
      "let guess = scores\nlet truth = scores\nlet variance = scores\nlet anchor = scores\n"
      "let positive = scores\nlet negative = scores\nlet image = uniform([1, 4, 4])\n"
      "let classes = 3\nlet heads = 2\nlet n = 2\nlet m = 3\nlet d = 4\nlet channels = 4\n";
  auto begins = [&](const char *word) { return code.starts_with(word); };
  if (begins("data d: { x: f32[n] }"))
    return "let n = 3\nlet x = uniform([2, 3])\n" + code + "\n";
  if (begins("data "))
    return code + "\n";
  if (begins("param ") || begins("buffer ") || begins("layer "))
    return "model Block(d: dim) {\n  layer a = Linear(d, d)\n  fn forward(x: f32[n, d]) { a(x) }\n}\n"
           "model M(n: dim = 2, d: dim = 2) {\n  " +
           code + "\n  fn forward(x: f32[k]) { x }\n}\n";
  size_t word = 0;
  while (word < code.size() && (std::isalnum(uint8_t(code[word])) || code[word] == '_'))
    ++word;
  bool isSetting = code.substr(word).starts_with(": ") || begins("minimize ") || begins("report ");
  if (isSetting || begins("split("))
    return "data d: { x: f32[2], label: i32 } = moons(n: 10) |> split(train: 0.9)\n"
           "train m = Sequential(Linear(2, 4), relu, Linear(4, 2)) on d.train {\n" +
           std::string(begins("minimize ") ? "" : "  minimize cross_entropy(m(x), label)\n") +
           (begins("optimizer") || begins("lr: ") ? "" : "  optimizer: adam(lr: 1e-3)\n") +
           (begins("epochs") || begins("steps") ? "" : "  epochs: 1\n") +
           (begins("stop_after") ? "  validate: d.rest\n" : "") + "  " +
           (begins("lr: ")     ? "optimizer: sgd(" + code + ")"
            : begins("split(") ? "validate: d.rest"
                               : code) +
           "\n}\n";
  bool isStatement = begins("print(") || begins("show(") || begins("histogram(") || begins("write(") || begins("save(");
  return names + (isStatement ? "" : "let made = ") + code + "\n";
}

/// What is said of a help's code with the operands that suit it best; "" when it is right.
std::string saidOf(const std::string &code) {
  std::string first;
  for (const char *x : {"uniform([2, 3])", "uniform([3, 3])", "uniform([2, 3, 4])", "[true, false]", "[3, 4]"})
    for (const char *k : {"2", "x"}) {
      Checked program(programOf(code, x, k));
      if (program.diagnostics.errorCount() == 0)
        return "";
      if (first.empty())
        first = program.diagnostics.render();
    }
  return first;
}

TEST(Repairs, WhatIsWrittenChecks) {
  // What shows a form alone, or takes names of sizes where numbers are meant.
  const std::set<std::string> forms = {"Linear(in, out)",  "Conv2d(in, out, 3)", "Conv1d(in, out, 3)",
                                       "Lstm(in, hidden)", "Gru(in, hidden)",    "Rnn(in, hidden)"};
  for (const auto &table : {std::vector<Row>(std::begin(names), std::end(names)),
                            std::vector<Row>(std::begin(settings), std::end(settings))})
    for (const Row &row : table) {
      std::string what = row.what, code = what.substr(1, what.find('`', 1) - 1);
      bool isForm = forms.count(code) || code.find("..") != std::string::npos ||
                    code.find("m.safetensors\")") != std::string::npos;
      bool skips =
          what[0] != '`' || code.starts_with("train ") || code.starts_with("let ") || code.starts_with("random");
      if (skips || (isForm && code != "0..n"))
        continue;
      EXPECT_EQ(saidOf(code), "") << row.name << ": " << code;
    }
}

} // namespace
} // namespace dlc
