// Random programs in the language: each is checked, run, and compared with what it means (RandomMeaning.h). More of them, from
// another seed on: DLC_RANDOM_PROGRAMS=5000 DLC_RANDOM_SEED=100000 dlc-unit --gtest_filter='RandomPrograms.*'
#include "RandomGenerator.h"
#include "RandomRunner.h"
#include "RandomWriter.h"
#include "frontend/parser/Parser.h"
#include "frontend/syntax/AstPrinter.h"

#include "llvm/Support/PrettyStackTrace.h"
#include "llvm/Support/Signals.h"
#include <cmath>
#include <gtest/gtest.h>

namespace dlc::random {
namespace {

int64_t setting(const char *name, int64_t otherwise) {
  const char *text = std::getenv(name);
  return text ? std::atoll(text) : otherwise;
}

std::string show(const Tensor &tensor) {
  std::string text = typeText(tensor) + " {";
  for (Number value : tensor.values)
    text += fmt::format(" {:.9g}", double(value));
  return text + " }";
}

/// What a program means, and how far its values may be off.
struct Expected {
  std::vector<Tensor> values, spread;
};

std::optional<Expected> expectedOf(const Program &program) {
  Expected expected;
  for (unsigned number : {0, 1, 2, 3}) {
    auto values = evaluate(program, program.functions.back(), program.inputs, {number, true});
    if (!values)
      return std::nullopt;
    if (number == 0) {
      expected.values = expected.spread = *values;
      for (Tensor &tensor : expected.spread)
        tensor.values.assign(tensor.values.size(), 0);
      continue;
    }
    for (size_t i = 0; i < values->size(); ++i)
      for (size_t j = 0; j < (*values)[i].values.size(); ++j) {
        Number &spread = expected.spread[i].values[j];
        spread = std::max(spread, std::abs((*values)[i].values[j] - expected.values[i].values[j]));
      }
  }
  return expected;
}

/// "" or what is wrong with a result.
std::string difference(const Tensor &got, const Tensor &expected, const Tensor &spread, uint64_t &compared) {
  std::string both = "got " + show(got) + "\n expected " + show(expected);
  if (got.dtype != expected.dtype || got.shape != expected.shape)
    return both;
  for (size_t i = 0; i < got.values.size(); ++i) {
    Number value = expected.values[i], off = std::abs(got.values[i] - value), unit = epsilon(expected.dtype);
    if (unit == 0 ? spread.values[i] > 0 : !(spread.values[i] < 0.1L * (1 + std::abs(value))))
      continue; // rounding may decide it
    ++compared;
    if (unit == 0 ? off != 0 : !(off <= 8 * spread.values[i] + 4 * unit * std::abs(value) + 1e-30L))
      return both + fmt::format("\n element {}: off by {:.3g}, tolerance {:.3g}", i, double(off),
                                double(8 * spread.values[i] + 4 * unit * std::abs(value)));
  }
  return "";
}

class RandomPrograms : public testing::Test {
protected:
  static void SetUpTestSuite() { llvm::EnablePrettyStackTrace(); }

  /// "" or what went wrong with a program in one of its spellings.
  std::string problem(const Program &program, uint64_t spelling, Engine engine = Engine::compiled) {
    std::string text = write(program, spelling);
    llvm::PrettyStackTraceString trace(text.c_str());
    std::optional<Expected> expected = expectedOf(program);
    if (!expected)
      return "";
    Outcome outcome = runner.run(text, program.inputs, engine);
    if (outcome.exitCode != 0)
      return fmt::format("exit code {}{}\n{}\n{}", outcome.exitCode, outcome.checked ? ", though it checks" : "",
                         outcome.messages, text);
    for (size_t i = 0; i < expected->values.size(); ++i) {
      auto result = outcome.results.find("r" + std::to_string(i));
      if (result == outcome.results.end())
        return fmt::format("r{} has no value\n{}", i, text);
      std::string wrong = difference(result->second, expected->values[i], expected->spread[i], compared);
      if (!wrong.empty())
        return fmt::format("r{}: {}\n{}{}", i, wrong, writeInputs(program), text);
    }
    return printedAgain(outcome, text);
  }

  /// What is printed must parse to what prints the same.
  std::string printedAgain(const Outcome &outcome, const std::string &text) {
    if (outcome.printed.empty())
      return "";
    SourceManager sources;
    DiagnosticEngine diagnostics(sources);
    ast::AstContext tree;
    ast::Program again = parse(sources, sources.add("printed", outcome.printed), tree, diagnostics);
    if (diagnostics.errorCount() || print(again) != outcome.printed)
      return "printed as\n" + outcome.printed + diagnostics.render() + "\nfrom\n" + text;
    return "";
  }

  /// The problem with as few nodes as still show one.
  std::string smallest(const Program &program, uint64_t spelling, const std::string &whole) {
    Program part = program;
    Function &main = part.functions.back();
    for (unsigned node = main.parameters; node < main.nodes.size(); ++node) {
      main.results = {node};
      for (uint64_t other = spelling; other < spelling + 6; ++other)
        if (std::string found = problem(part, other); !found.empty())
          return found + (problem(part, other, Engine::evaluator).empty() ? "(the evaluator agrees with the meaning)"
                                                                          : "(the evaluator disagrees too)");
    }
    return whole;
  }

  ProgramRunner runner;
  uint64_t compared = 0;
};

TEST_F(RandomPrograms, MeanTheSameInEverySpelling) {
  uint64_t first = setting("DLC_RANDOM_SEED", 0), count = setting("DLC_RANDOM_PROGRAMS", 150);
  unsigned failures = 0, most = unsigned(setting("DLC_RANDOM_FAILURES", 3));
  for (uint64_t seed = first; seed < first + count && failures < most; ++seed) {
    Program program = generate(seed);
    for (uint64_t spelling : {2 * seed, 2 * seed + 1})
      if (std::string wrong = problem(program, spelling); !wrong.empty()) {
        ++failures;
        ADD_FAILURE() << "seed " << seed << ", spelling " << spelling << "\n" << smallest(program, spelling, wrong);
        break;
      }
  }
  EXPECT_GT(compared, 5 * count);
}

TEST_F(RandomPrograms, HaveEachKindOfOperation) {
  std::map<std::string, unsigned> made;
  for (uint64_t seed = 0; seed < 150; ++seed)
    for (const Function &function : generate(seed).functions)
      for (const Node &node : function.nodes)
        ++made[node.op];
  for (const char *op : {"grad",
                         "call",
                         "where",
                         "@",
                         "take",
                         "sort",
                         "argsort",
                         "cummax",
                         "cummin",
                         "pick",
                         "part",
                         "set",
                         "add_at",
                         "branch",
                         "fold",
                         "stack_of",
                         "conv",
                         "conv_transpose",
                         "max_pool",
                         "avg_pool",
                         "adaptive_max_pool",
                         "adaptive_avg_pool",
                         "pad_with"})
    EXPECT_GE(made[op], 5) << op;
}

/// A text cut into words, numbers, runs of spaces and single characters.
std::vector<std::string> piecesOf(const std::string &text) {
  std::vector<std::string> pieces;
  auto kind = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_' ? 1 : c == ' ' ? 2 : 0; };
  for (char c : text)
    if (!pieces.empty() && kind(c) && kind(c) == kind(pieces.back().back()))
      pieces.back() += c;
    else
      pieces.push_back(std::string(1, c));
  return pieces;
}

/// A text with one slip: a piece lost, doubled, exchanged with another, or replaced by one of the same kind.
std::string broken(const std::string &text, Random &random) {
  std::vector<std::string> pieces = piecesOf(text);
  unsigned at = random.below(unsigned(pieces.size())), other = random.below(unsigned(pieces.size()));
  while (pieces[at][0] == ' ' || pieces[at] == "\n")
    at = random.below(unsigned(pieces.size()));
  switch (random.below(5)) {
  case 0:
    pieces[at].clear();
    break;
  case 1:
    pieces[at] += " " + pieces[at];
    break;
  case 2:
    std::swap(pieces[at], pieces[other]);
    break;
  case 3:
    pieces[at] = random.of({"f32",    "f64",    "bf16", "i32",   "i64", "u8",   "bool",  "true", "x",
                            "[]",     "()",     "1",    "0",     "-1",  "7",    "sum",   "let",  "fn",
                            "[1, 2]", "(1, 2)", "_",    "\"s\"", "inf", "1e39", "shape", "if",   "relu"});
    break;
  default:
    while (std::isalnum(static_cast<unsigned char>(pieces[other][0])) !=
           std::isalnum(static_cast<unsigned char>(pieces[at][0])))
      other = random.below(unsigned(pieces.size()));
    pieces[at] = pieces[other];
  }
  std::string result;
  for (const std::string &piece : pieces)
    result += piece;
  return result;
}

TEST_F(RandomPrograms, BrokenOnesAreDiagnosed) {
  uint64_t first = setting("DLC_RANDOM_SEED", 0), count = setting("DLC_RANDOM_PROGRAMS", 150);
  unsigned failures = 0, most = unsigned(setting("DLC_RANDOM_FAILURES", 3)), refused = 0;
  for (uint64_t seed = first; seed < first + count && failures < most; ++seed) {
    Program program = generate(seed);
    Random random(seed);
    std::string whole = write(program, seed);
    if (whole.find("while ") != std::string::npos)
      continue; // broken, it may never end
    for (unsigned round = 0; round < 8; ++round) {
      std::string text = broken(whole, random);
      llvm::PrettyStackTraceString trace(text.c_str());
      Outcome outcome = runner.run(text, program.inputs);
      refused += outcome.exitCode == 1;
      std::string wrong = printedAgain(outcome, text);
      // What checks may fail later only for its data.
      bool late =
          outcome.checked && outcome.exitCode != 0 && outcome.messages.find("must be from") == std::string::npos;
      if (outcome.exitCode == 4 || late || !wrong.empty()) {
        ++failures;
        ADD_FAILURE() << "seed " << seed << ", exit code " << outcome.exitCode << (late ? ", though it checks" : "")
                      << "\n"
                      << wrong << outcome.messages << "\n"
                      << writeInputs(program) << text;
      }
    }
  }
  EXPECT_GT(refused, count);
}

} // namespace
} // namespace dlc::random
