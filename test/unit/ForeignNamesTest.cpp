// Every name of ForeignNames.def gets its help, and what the help writes is there.
#include "frontend/syntax/ForeignNames.h"

#include "frontend/elaborate/Elaborator.h"
#include "frontend/parser/Parser.h"

#include "mlir/IR/MLIRContext.h"

#include <gtest/gtest.h>

namespace dlc {
namespace {

struct Row {
  const char *name, *what;
};
const Row names[] = {
#define DLC_FOREIGN_NAME(Name, What) {Name, What},
#include "frontend/syntax/ForeignNames.def"
};
const Row arguments[] = {
#define DLC_FOREIGN_ARGUMENT(Name, Parameter) {Name, Parameter},
#include "frontend/syntax/ForeignNames.def"
};
const Row settings[] = {
#define DLC_FOREIGN_SETTING(Name, What) {Name, What},
#include "frontend/syntax/ForeignNames.def"
};
const char *const modules[] = {
#define DLC_FOREIGN_MODULE(Name) Name,
#include "frontend/syntax/ForeignNames.def"
};

/// A program that was checked.
struct Checked {
  SourceManager sources;
  DiagnosticEngine diagnostics{sources};
  mlir::MLIRContext context{mlir::MLIRContext::Threading::DISABLED};
  Elaborator checker{sources, diagnostics, context, nullptr};
  ast::AstContext tree;

  explicit Checked(const std::string &text) {
    checker.program(parse(sources, sources.add("test.dl", text), tree, diagnostics));
  }
  std::string rendered() const { return diagnostics.render(); }
};

bool isWord(char c) { return std::isalnum(uint8_t(c)) || c == '_'; }

/// The names that are called in the code of a help.
std::vector<std::string> calledIn(const std::string &what) {
  std::vector<std::string> called;
  bool isCode = false, isText = false;
  for (size_t i = 0, begin = 0; i < what.size(); ++i) {
    isCode ^= what[i] == '`';
    isText = isCode && (isText != (what[i] == '"'));
    if (!isWord(what[i]))
      begin = i + 1;
    if (isCode && !isText && i + 1 < what.size() && what[i + 1] == '(' && isWord(what[i]))
      called.push_back(what.substr(begin, i + 1 - begin));
  }
  return called;
}

/// Each line of a program has one mistake: its notes must hold what the table says.
template <size_t N> void expectHelps(const std::string &text, const Row (&table)[N]) {
  Checked made(text);
  ASSERT_EQ(made.diagnostics.all().size(), N) << made.rendered();
  for (size_t i = 0; i < N; ++i) {
    std::string notes;
    for (const auto &note : made.diagnostics.all()[i].notes)
      notes += note.text + "\n";
    EXPECT_NE(notes.find(table[i].what), std::string::npos) << table[i].name << "\n" << notes;
  }
}

TEST(ForeignNames, NamesGetTheirHelp) {
  std::string text;
  for (const Row &row : names)
    text += "print(" + std::string(row.name) + ")\n";
  expectHelps(text, names);
}

TEST(ForeignNames, MembersGetTheirHelp) {
  std::string text = "let x = ones([2])\n";
  for (const Row &row : names)
    text += "print(x." + std::string(row.name) + ")\n";
  expectHelps(text, names);
}

TEST(ForeignNames, WhatIsWrittenIsThere) {
  // Names of the reader's own.
  const std::set<std::string> own = {"Net", "Block", "f", "m", "minimize", "scale"};
  Checked library("let nothing = 0\n");
  for (const auto &table : {std::vector<Row>(std::begin(names), std::end(names)),
                            std::vector<Row>(std::begin(settings), std::end(settings))})
    for (const Row &row : table)
      for (const std::string &called : calledIn(row.what))
        EXPECT_TRUE(own.count(called) || library.checker.dtypeNamed(called) ||
                    library.checker.library->names.count(called))
            << called << " in the help for " << row.name;
}

/// `beta1 = 1, beta2 = 1`.
std::string withDefaults(std::string parameters) {
  for (size_t comma = parameters.find(", "); comma != std::string::npos; comma = parameters.find(", ", comma + 6))
    parameters.replace(comma, 2, " = 1, ");
  return parameters + " = 1";
}

TEST(ForeignNames, ArgumentsGetTheirHelp) {
  std::string text;
  for (size_t i = 0; i < std::size(arguments); ++i)
    text += "fn f" + std::to_string(i) + "(" + withDefaults(arguments[i].what) + ") { 2 }\nprint(f" +
            std::to_string(i) + "(" + arguments[i].name + ": 1))\n";
  expectHelps(text, arguments);
}

TEST(ForeignNames, SettingsGetTheirHelp) {
  std::string text = "data d: { x: f32[2], label: i32 } = moons(n: 10)\n";
  for (size_t i = 0; i < std::size(settings); ++i) {
    std::string m = "m" + std::to_string(i);
    text += "train " + m + " = Linear(2, 2) on d {\n  minimize cross_entropy(" + m +
            "(x), label)\n  optimizer: sgd(lr: 0.1)\n  epochs: 1\n  " + settings[i].name + ": 1\n}\n";
  }
  expectHelps(text, settings);
}

TEST(ForeignNames, ModulesAreLeftOut) {
  for (const char *module : modules) {
    EXPECT_NE(Checked("let y = " + std::string(module) + ".relu(1.0)\n").rendered().find("stand alone: `relu`"),
              std::string::npos);
    EXPECT_NE(Checked("let y = " + std::string(module) + ".some.unsqueeze(1.0)\n").rendered().find("expand_dims(x, 0)"),
              std::string::npos);
    EXPECT_NE(Checked("let y = " + std::string(module) + ".zork\n").rendered().find("nothing is imported"),
              std::string::npos);
  }
}

} // namespace
} // namespace dlc
