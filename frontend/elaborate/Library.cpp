// The library: std as text, and the builtins that it declares.
#include "frontend/elaborate/Library.h"

#include "frontend/builtins/Builtins.h"
#include "frontend/parser/Parser.h"

#include <map>

namespace dlc {

using namespace ast;

/// Whether a default is a value; others are there to be read.
static bool isLiteral(const Expr &expr) {
  if (expr.kind == ExprKind::Unary)
    return isLiteral(*static_cast<const UnaryExpr &>(expr).operand);
  return expr.kind == ExprKind::Number || expr.kind == ExprKind::String || expr.kind == ExprKind::Bool;
}

/// Gives a builtin the parameters of its declaration.
static void bind(Builtin &builtin, const FnItem &declaration) {
  builtin.declaration = &declaration;
  for (const Parameter &parameter : declaration.parameters) {
    const Expr *value = parameter.defaultValue;
    if (parameter.name != "..")
      builtin.parameters.push_back(
          {std::string(parameter.name), value != nullptr, false, value && isLiteral(*value) ? value : nullptr});
    else if (builtin.parameters.empty())
      builtin.anyNames = true;
    else
      builtin.parameters.back().takesRest = true;
  }
}

std::string bindDeclarations(const std::vector<std::unique_ptr<Builtin>> &builtins,
                             const std::vector<const FnItem *> &declarations) {
  std::map<std::string_view, Builtin *> unbound;
  for (const std::unique_ptr<Builtin> &builtin : builtins)
    if (!unbound.emplace(builtin->name, builtin.get()).second)
      return fmt::format("the builtin `{}` is defined twice", builtin->name);
  for (const FnItem *declaration : declarations) {
    auto found = unbound.find(declaration->name);
    if (found == unbound.end())
      return fmt::format("std declares the builtin `{}`, which is not there or declared twice", declaration->name);
    bind(*found->second, *declaration);
    unbound.erase(found);
  }
  if (!unbound.empty())
    return fmt::format("std does not declare the builtin `{}`", unbound.begin()->first);
  return "";
}

void Elaborator::loadLibrary() {
  BuiltinTable table(builtins);
  addElementwiseBuiltins(table);
  addReductionBuiltins(table);
  addCheckBuiltins(table);
  addShapeBuiltins(table);
  addMovementBuiltins(table);
  addOrderBuiltins(table);
  addLinalgBuiltins(table);
  addProductBuiltins(table);
  addConvolutionBuiltins(table);
  addPoolingBuiltins(table);
  addResizeBuiltins(table);
  addMakerBuiltins(table);
  addRandomBuiltins(table);
  addGradientBuiltins(table);
  addRowBuiltins(table);
  addRunBuiltins(table);
  addSourceBuiltins(table);
  addShowBuiltins(table);
  library->names["ascii_letters"] = {
      Value::ofString("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ .,;'", {}), false, {}};
  std::vector<const FnItem *> declarations;
  for (const LibraryFile &source : libraryFiles()) {
    uint32_t id = sources.add(std::string("std/") + source.name, source.text);
    Program program = parse(sources, id, *libraryTree, diagnostics, ParseMode::library);
    declare(program, library);
    for (const Stmt *stmt : program.statements)
      if (stmt->kind == StmtKind::Item)
        if (auto *item = static_cast<const ItemStmt *>(stmt)->item; item->kind == ItemKind::Fn)
          if (auto *function = static_cast<const FnItem *>(item); !function->body)
            declarations.push_back(function);
  }
  if (std::string wrong = bindDeclarations(builtins, declarations); !wrong.empty())
    llvm::report_fatal_error(llvm::StringRef(wrong));
  for (const std::unique_ptr<Builtin> &builtin : builtins) {
    auto function = std::make_shared<Function>();
    function->kind = Function::Native;
    function->name = builtin->name;
    function->builtin = builtin.get();
    // A function of std with a builtin's name stands before it.
    library->names.try_emplace(builtin->name, Binding{Value::ofFunction(function, {}), false, {}});
  }
}

} // namespace dlc
