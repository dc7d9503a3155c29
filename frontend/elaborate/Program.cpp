// Programs: definitions, statements in order, questions about what was defined.
#include "frontend/elaborate/ControlFlow.h"
#include "frontend/elaborate/Describe.h"
#include "frontend/elaborate/Library.h"
#include "frontend/elaborate/Texts.h"
#include "frontend/parser/Parser.h"

#include "mlir/Interfaces/SideEffectInterfaces.h"

namespace dlc {

using namespace ast;

Elaborator::Elaborator(SourceManager &sources, DiagnosticEngine &diagnostics, mlir::MLIRContext &context,
                       Executor *executor)
    : sources(sources), diagnostics(diagnostics), context(context), executor(executor), graph(context),
      library(std::make_shared<Scope>()), file(std::make_shared<Scope>()), libraryTree(std::make_unique<AstContext>()) {
  file->parent = library;
  file->functionStart = true;
  loadLibrary();
}

Elaborator::~Elaborator() = default;

void Elaborator::declare(const Program &program, const ScopeRef &scope) {
  for (const Stmt *stmt : program.statements) {
    if (stmt->kind != StmtKind::Item)
      continue;
    const Item &item = *static_cast<const ItemStmt *>(stmt)->item;
    std::string name(item.name);
    auto function = std::make_shared<Function>();
    function->name = name;
    function->scope = scope;
    switch (item.kind) {
    case ItemKind::Fn:
      if (!static_cast<const FnItem &>(item).body) // a builtin's
        continue;
      function->kind = Function::User;
      function->item = static_cast<const FnItem *>(&item);
      break;
    case ItemKind::Model:
      function->kind = Function::Constructor;
      function->modelItem = static_cast<const ModelItem *>(&item);
      break;
    case ItemKind::Optimizer:
      function->kind = Function::OptimizerConstructor;
      function->optimizerItem = static_cast<const OptimizerItem *>(&item);
      break;
    default:
      continue;
    }
    if (auto earlier = scope->names.find(name);
        earlier != scope->names.end() && earlier->second.at.valid() && earlier->second.at.file == item.nameRange.file) {
      error(Diag::DefinedTwice, item.nameRange, name).note(earlier->second.at, "first defined here");
      continue;
    }
    scope->names[name] = {Value::ofFunction(function, item.nameRange), false, item.nameRange};
  }
  for (const Stmt *stmt : program.statements) {
    if (stmt->kind != StmtKind::Item || static_cast<const ItemStmt *>(stmt)->item->kind != ItemKind::Derivative)
      continue;
    auto &rule = static_cast<const DerivativeItem &>(*static_cast<const ItemStmt *>(stmt)->item);
    auto found = scope->names.find(rule.name);
    std::string name(rule.name);
    if (found == scope->names.end() || found->second.value.kind != Value::Fn ||
        found->second.value.function->kind != Function::User) {
      std::vector<std::string> functions;
      for (auto &[known, binding] : scope->names)
        if (binding.value.kind == Value::Fn && binding.value.function->kind == Function::User)
          functions.push_back(known);
      auto report = error(Diag::DerivativeRule, rule.nameRange, name, "there is no function of this name in the file");
      if (std::string near = nearest(name, functions); !near.empty())
        report.meant(near);
    } else if (const DerivativeItem *&given = found->second.value.function->derivative;
               given && given->range.file == rule.range.file) {
      error(Diag::DerivativeRule, rule.nameRange, name, "it has a rule already")
          .note(given->nameRange, "the first stands here");
    } else {
      given = &rule;
      distinctNames(rule.parameters);
    }
  }
}

/// The name that a top-level statement defines; "" for none or several.
static std::string_view definedName(const Stmt &stmt, SourceRange &at) {
  if (stmt.kind == StmtKind::Let) {
    auto &let = static_cast<const LetStmt &>(stmt);
    at = let.pattern->range;
    return let.pattern->kind == ExprKind::Name ? static_cast<const NameExpr *>(let.pattern)->name : "";
  }
  if (stmt.kind == StmtKind::Item) {
    const Item &item = *static_cast<const ItemStmt &>(stmt).item;
    at = item.nameRange;
    return item.kind == ItemKind::Data || item.kind == ItemKind::Train ? item.name : "";
  }
  return "";
}

/// What names, rules and signatures meant before a program, with an executor: what comes to nothing in it leaves them as they
/// were.
struct Elaborator::Before {
  Elaborator &e;
  const Program &program;
  std::map<std::string, Binding, std::less<>> names;
  size_t listed;
  std::map<std::shared_ptr<Function>, const DerivativeItem *> rules;

  Before(Elaborator &e, const Program &program)
      : e(e), program(program), names(e.file->names), listed(e.inferred.size()) {
    for (const Stmt *stmt : program.statements)
      if (const Function *function = ruled(*stmt))
        rules[e.file->names.find(itemOf(*stmt)->name)->second.value.function] = function->derivative;
  }

  /// Takes back what was interrupted, could not be computed, or was wrong.
  void restore() {
    std::vector<std::string> nothing;
    for (const auto &[name, binding] : e.file->names)
      if (binding.value.poison())
        nothing.push_back(name);
    for (const std::string &name : nothing)
      restore(name);
    for (const Stmt *stmt : program.statements) {
      const Item *item = itemOf(*stmt);
      auto state = e.checked.find(item);
      if (!item || state == e.checked.end() || state->second != Checked::Bad)
        continue;
      if (Function *function = ruled(*stmt)) {
        auto rule = rules.find(e.file->names.find(item->name)->second.value.function);
        function->derivative = rule == rules.end() ? nullptr : rule->second;
      } else if (item->kind != ItemKind::Derivative) {
        std::string name(item->name);
        restore(name);
        auto isOf = [&](const auto &entry) { return entry.first == name || entry.first.starts_with(name + "."); };
        e.inferred.erase(std::remove_if(e.inferred.begin() + ptrdiff_t(listed), e.inferred.end(), isOf),
                         e.inferred.end());
      }
    }
  }

private:
  static const Item *itemOf(const Stmt &stmt) {
    return stmt.kind == StmtKind::Item ? static_cast<const ItemStmt &>(stmt).item : nullptr;
  }
  /// The function that a `derivative` gives a rule; null when it is none, or there is no such function.
  Function *ruled(const Stmt &stmt) const {
    const Item *item = itemOf(stmt);
    auto found = item && item->kind == ItemKind::Derivative ? e.file->names.find(item->name) : e.file->names.end();
    return found != e.file->names.end() && found->second.value.kind == Value::Fn ? found->second.value.function.get()
                                                                                 : nullptr;
  }
  void restore(const std::string &name) {
    if (auto binding = names.find(name); binding != names.end())
      e.file->names[name] = binding->second;
    else
      e.file->names.erase(name);
  }
};

void Elaborator::program(const Program &program, bool show) {
  // At the prompt, what was wrong may have become right.
  std::erase_if(checked, [](const auto &entry) { return entry.second == Checked::Bad; });
  for (const Stmt *stmt : program.statements) {
    SourceRange at;
    std::string_view name = definedName(*stmt, at);
    if (!name.empty() && !file->names.count(name))
      pending.try_emplace(std::string(name), at);
  }
  std::optional<Before> before;
  if (executor)
    before.emplace(*this, program);
  declare(program, file);
  if (!show) // an input at the prompt is no whole program
    checkOverrides(program);
  for (const Stmt *stmt : program.statements) {
    unsigned errors = diagnostics.failureCount();
    SourceRange at;
    std::string_view defined = definedName(*stmt, at);
    const auto names = show ? file->names : decltype(file->names)();
    if (stmt->kind == StmtKind::Item) {
      const Item &item = *static_cast<const ItemStmt *>(stmt)->item;
      if (item.kind == ItemKind::Data || item.kind == ItemKind::Train)
        if (auto earlier = file->names.find(item.name);
            earlier != file->names.end() && earlier->second.at.file == item.nameRange.file && !show) {
          std::string name(item.name);
          auto report = error(Diag::DefinedTwice, item.nameRange, name);
          report.note(earlier->second.at, "first defined here");
          if (const Value &first = earlier->second.value; item.kind == ItemKind::Train)
            report.help(
                first.kind == Value::Model && earlier->second.isVar
                    ? fmt::format("a training defines a name: `train next = {0} .. {{ .. }}`, then `{0} = next`", name)
                : first.kind == Value::Model
                    ? fmt::format("the trained model needs a name of its own: `train next = {} ..`", name)
                : first.kind == Value::Fn && first.function->kind == Function::Constructor
                    ? fmt::format("the model that is trained needs a name of its own: `train net = {}(..) ..`", name)
                    : "the trained model needs a name of its own");
          continue;
        }
      if (item.kind == ItemKind::Data)
        dataItem(static_cast<const DataItem &>(item), file);
      else if (item.kind == ItemKind::Train)
        trainItem(static_cast<const TrainItem &>(item), file);
    } else {
      Value value = statement(*stmt, file);
      bool shown = show && stmt->kind == StmtKind::Expr && !value.poison() && value.kind != Value::Unit;
      if (shown && executor)
        executor->print({value});
    }
    if (auto found = pending.find(defined); found != pending.end())
      pending.erase(found);
    // A mistake at the prompt changes nothing.
    if (show && diagnostics.failureCount() != errors)
      file->names = names;
    // With an executor the statements after a failed one would run on nothing.
    if (executor && (diagnostics.failureCount() != errors || executor->stopped())) {
      pending.clear();
      before->restore();
      return;
    }
  }
  pending.clear();
  // What no statement used is checked all the same.
  for (const Stmt *stmt : program.statements)
    if (stmt->kind == StmtKind::Item) {
      const Item &item = *static_cast<const ItemStmt *>(stmt)->item;
      if (item.kind == ItemKind::Fn || item.kind == ItemKind::Derivative) {
        if (item.kind == ItemKind::Derivative || ensureChecked(static_cast<const FnItem &>(item), file, nullptr))
          if (auto found = file->names.find(item.name);
              found != file->names.end() && found->second.value.kind == Value::Fn &&
              (item.kind == ItemKind::Fn || found->second.at.file != item.nameRange.file)) // a rule of its own input
            ensureRuleChecked(*found->second.value.function);
      } else if (item.kind == ItemKind::Model) {
        ensureChecked(static_cast<const ModelItem &>(item));
      } else if (item.kind == ItemKind::Optimizer) {
        ensureChecked(static_cast<const OptimizerItem &>(item));
      }
    }
  if (before)
    before->restore();
}

//===-- Statements that run -----------------------------------------------------------------------------------------===//

void Elaborator::collectLeaves(Value &value, std::vector<Value *> &leaves, std::set<const void *> &seen) {
  switch (value.kind) {
  case Value::Tensor:
    if (value.ir && seen.insert(&value).second)
      leaves.push_back(&value);
    return;
  case Value::Model:
    if (!seen.insert(value.model.get()).second)
      return;
    for (ModelInstance::Entry &entry : value.model->entries)
      collectLeaves(entry.param ? entry.param->value : *entry.layer, leaves, seen);
    if (value.model->scope) // the arguments that it was made with
      for (auto &[name, binding] : value.model->scope->names)
        collectLeaves(binding.value, leaves, seen);
    return;
  case Value::Fn: {
    Function &function = *value.function;
    if (!seen.insert(&function).second)
      return;
    for (Value &argument : function.arguments)
      collectLeaves(argument, leaves, seen);
    if (function.base)
      collectLeaves(*function.base, leaves, seen);
    for (Scope *scope = function.scope.get(); scope && scope != file.get() && scope != library.get();
         scope = scope->parent.get())
      if (seen.insert(scope).second)
        for (auto &[name, binding] : scope->names)
          collectLeaves(binding.value, leaves, seen);
    return;
  }
  default:
    for (Value &element : value.elements)
      collectLeaves(element, leaves, seen);
  }
}

Value Elaborator::topLevel(const Expr &expr, const ScopeRef &scope, bool asked) {
  // The condition runs, then the statements of its branch, one by one.
  if (atTopLevel() && expr.kind == ExprKind::If)
    return conditional(static_cast<const IfExpr &>(expr), scope);
  if (atTopLevel() || (mode() == Mode::Check && !insideFunction()))
    statementUnderWay = expr.range;
  if (atTopLevel())
    statementScope = scope;
  return asStatement(expr.range, [&] {
    Value value = expression(expr, scope);
    return asked ? value : settled(std::move(value));
  });
}

Value Elaborator::asStatement(SourceRange at, const std::function<Value()> &work) {
  if (!atTopLevel())
    return work();
  FunctionFrame frame(graph, "main", location(at), FunctionFrame::Inputs);
  AssignmentRecord assigned(*this);
  unsigned before = diagnostics.failureCount();
  Value value = work();
  std::vector<Value *> leaves;
  std::set<const void *> seen;
  if (diagnostics.failureCount() == before) {
    collectLeaves(value, leaves, seen);
    for (const Change &change : assigned.changes())
      collectLeaves(change.scope->names[change.name].value, leaves, seen);
  }
  std::vector<mlir::Value> results;
  for (Value *leaf : leaves)
    results.push_back(leaf->ir);
  bool good = diagnostics.failureCount() == before && !value.poison();
  bool hasEffects = llvm::any_of(*frame.block(), [](mlir::Operation &op) { return !mlir::isMemoryEffectFree(&op); });
  if (good && (!leaves.empty() || hasEffects)) {
    mlir::OwningOpRef<mlir::ModuleOp> module = frame.finish(results);
    std::vector<HostBufferRef> outputs;
    good = executor->run(*module, frame.inputs, outputs, at);
    for (size_t i = 0; good && i < leaves.size(); ++i) {
      leaves[i]->ir = {};
      leaves[i]->lazy = nullptr;
      leaves[i]->host = outputs[i];
    }
  }
  if (good) {
    good = settleTexts(*this, value);
    for (const Change &change : assigned.changes())
      good = good && settleTexts(*this, change.scope->names[change.name].value);
  }
  if (!good) {
    if (diagnostics.failureCount() == before && !executor->stopped())
      error(Diag::Internal, at, "this statement was not done");
    assigned.takeBack();
    return poison(at);
  }
  if (value.effect) {
    std::exchange(value.effect, nullptr)(value.elements);
    value.elements.clear();
  }
  return value;
}

std::optional<bool> Elaborator::truth(const Value &value) {
  if (value.kind == Value::Bool)
    return value.flag;
  if (value.isTensor() && value.host && value.dtype == DType::Bool && value.shape.empty())
    return *static_cast<const unsigned char *>(value.host->data.get()) != 0;
  return std::nullopt;
}

//===-- Questions about what was defined ------------------------------------------------------------------------------===//

std::string Elaborator::inferredResult(const std::string &function) const {
  auto found =
      std::find_if(inferred.rbegin(), inferred.rend(), [&](const auto &entry) { return entry.first == function; });
  size_t arrow = found == inferred.rend() ? std::string::npos : found->second.rfind(") -> ");
  return arrow == std::string::npos ? "" : found->second.substr(arrow + 1);
}

std::string Elaborator::signatures() const {
  // Of what was defined again, the last; a definition is a line and those indented below it.
  std::map<std::string_view, size_t> last;
  for (size_t i = 0; i < inferred.size(); ++i)
    if (!inferred[i].second.starts_with(" "))
      last[inferred[i].first] = i;
  std::string text;
  bool listed = true;
  for (size_t i = 0; i < inferred.size(); ++i) {
    if (!inferred[i].second.starts_with(" "))
      listed = last[inferred[i].first] == i;
    if (listed)
      text += inferred[i].second + "\n";
  }
  return text;
}

std::vector<std::string> Elaborator::namesInScope() const {
  // Those that only the library itself uses stand behind the first paragraph of their list.
  static const std::set<std::string> internal = [] {
    std::string text = internalNames(), word;
    std::set<std::string> names;
    for (char c : text.substr(text.find("\n\n")))
      if (c == ' ' || c == '\n')
        names.insert(std::exchange(word, ""));
      else
        word += c;
    return names;
  }();
  std::set<std::string> names;
  for (const auto &[name, binding] : library->names)
    if (!internal.count(name))
      names.insert(name);
  for (const auto &[name, binding] : file->names)
    if (!binding.value.poison())
      names.insert(name);
  return {names.begin(), names.end()};
}

void Elaborator::asking(const std::function<void()> &work) {
  auto names = file->names;
  auto savedDraws = draws;
  size_t listed = inferred.size();
  work();
  file->names = std::move(names);
  draws = std::move(savedDraws);
  inferred.resize(listed);
}

std::string Elaborator::typeOf(const Program &program) {
  Value value;
  asking([&] {
    auto savedExecutor = std::exchange(executor, nullptr);
    for (const Stmt *stmt : program.statements)
      value = statement(*stmt, file);
    executor = savedExecutor;
  });
  return value.poison() ? "" : descriptionOf(*this, value).signature;
}

void Elaborator::define(const std::string &name, Value value) { file->names[name] = {std::move(value), false, {}}; }

const Value *Elaborator::lookup(const std::string &name) const {
  auto found = file->names.find(name);
  return found == file->names.end() ? nullptr : &found->second.value;
}

} // namespace dlc
