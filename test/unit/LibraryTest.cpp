// Builtins and their declarations in std.
#include "frontend/elaborate/Library.h"
#include "frontend/elaborate/Elaborator.h"
#include "frontend/parser/Parser.h"
#include "frontend/syntax/AstPrinter.h"

#include <gtest/gtest.h>

using namespace dlc;

namespace {

struct Declared {
  SourceManager sources;
  DiagnosticEngine diagnostics{sources};
  ast::AstContext context;
  ast::Program program;
  std::vector<const ast::FnItem *> declarations;
  explicit Declared(std::string text, ParseMode mode = ParseMode::library) {
    program = parse(sources, sources.add("t.dl", std::move(text)), context, diagnostics, mode);
    for (const ast::Stmt *stmt : program.statements)
      if (stmt->kind == ast::StmtKind::Item)
        declarations.push_back(static_cast<const ast::FnItem *>(static_cast<const ast::ItemStmt *>(stmt)->item));
  }
};

std::vector<std::unique_ptr<Builtin>> builtinsOf(const std::vector<std::string> &names) {
  std::vector<std::unique_ptr<Builtin>> builtins;
  for (const std::string &name : names)
    builtins.push_back(std::make_unique<Builtin>(Builtin{name, nullptr}));
  return builtins;
}

/// Its parameters: `?` may be left out, `=` has a value then, `..` takes the rest.
std::string spelled(const Builtin &builtin) {
  std::string text = builtin.anyNames ? "any" : "";
  for (const Builtin::Parameter &parameter : builtin.parameters)
    text += (text.empty() ? "" : " ") + parameter.name +
            (parameter.value      ? "="
             : parameter.optional ? "?"
                                  : "") +
            (parameter.takesRest ? ".." : "");
  return text;
}

const char *text = "/// The sum.\n"
                   "builtin fn sum(x, axis = .., keepdims = false)\n"
                   "\n"
                   "builtin fn vjp(f, xs, ..)\n"
                   "builtin fn write(..)\n";

TEST(Library, DeclarationsGiveBuiltinsTheirParameters) {
  Declared declared(text);
  EXPECT_EQ(declared.diagnostics.render(), "");
  auto builtins = builtinsOf({"vjp", "write", "sum"});
  EXPECT_EQ(bindDeclarations(builtins, declared.declarations), "");
  EXPECT_EQ(spelled(*builtins[0]), "f xs..");
  EXPECT_EQ(spelled(*builtins[1]), "any");
  EXPECT_EQ(spelled(*builtins[2]), "x axis? keepdims=");
  EXPECT_EQ(declared.declarations[0]->doc, "The sum.");
}

TEST(Library, DeclarationsPrintAsTheyStand) { EXPECT_EQ(ast::print(Declared(text).program), text); }

TEST(Library, ADeclarationAndItsBuiltinNeedEachOther) {
  Declared declared(text);
  EXPECT_EQ(bindDeclarations(builtinsOf({"vjp", "sum"}), declared.declarations),
            "std declares the builtin `write`, which is not there or declared twice");
  EXPECT_EQ(bindDeclarations(builtinsOf({"vjp", "sum", "write", "exp"}), declared.declarations),
            "std does not declare the builtin `exp`");
  EXPECT_EQ(bindDeclarations(builtinsOf({"vjp", "vjp"}), declared.declarations), "the builtin `vjp` is defined twice");
}

TEST(Library, ProgramsDeclareNoBuiltins) {
  EXPECT_NE(Declared("builtin fn f(x)\n", ParseMode::file).diagnostics.errorCount(), 0u);
  EXPECT_NE(Declared("fn f(x, axis = ..) { x }\n", ParseMode::file).diagnostics.errorCount(), 0u);
}

} // namespace
