// Elaborates statements: let and var, assignment. Loops are in Loops.cpp.
#include "frontend/elaborate/ActiveCalls.h"
#include "frontend/elaborate/ControlFlow.h"

namespace dlc {

using namespace ast;

Value Elaborator::statement(const Stmt &stmt, const ScopeRef &scope) {
  switch (stmt.kind) {
  case StmtKind::Let: {
    auto &let = static_cast<const LetStmt &>(stmt);
    Value value = topLevel(*let.value, scope, let.type != nullptr);
    if (scope == file && let.pattern->kind == ExprKind::Name)
      applyOverride(std::string(static_cast<const NameExpr *>(let.pattern)->name), value);
    if (let.type && !value.poison())
      value = asStatement(let.range, [&] {
        return matchType(*let.type, value, scope, "the value", true, let.type->range) ? value : poison(let.range);
      });
    if (value.kind == Value::Unit) {
      auto report = error(Diag::NoValue, let.value->range, "`" + shortText(let.value->range) + "`");
      if (let.value->kind == ExprKind::If)
        report.help("an `if` gives a value when both branches end with one");
      value = poison(let.range);
    }
    bindPattern(*let.pattern, value, scope, let.isVar);
    if (scope == file && let.pattern->kind == ExprKind::Name && !value.poison())
      inferred.push_back({std::string(static_cast<const NameExpr *>(let.pattern)->name),
                          std::string(let.isVar ? "var " : "let ") +
                              std::string(static_cast<const NameExpr *>(let.pattern)->name) + ": " +
                              typeString(value)});
    return Value::unit(stmt.range);
  }
  case StmtKind::Assign:
    assign(static_cast<const AssignStmt &>(stmt), scope);
    return Value::unit(stmt.range);
  case StmtKind::For:
    forLoop(static_cast<const ForStmt &>(stmt), scope);
    return Value::unit(stmt.range);
  case StmtKind::While:
    whileLoop(static_cast<const WhileStmt &>(stmt), scope);
    return Value::unit(stmt.range);
  case StmtKind::Break:
  case StmtKind::Continue:
    endTurn(stmt);
    return Value::unit(stmt.range);
  case StmtKind::Expr: {
    auto &expr = *static_cast<const ExprStmt &>(stmt).expr;
    return topLevel(expr, scope);
  }
  case StmtKind::Item: { // in a loop at top level
    const Item &item = *static_cast<const ItemStmt &>(stmt).item;
    if (item.kind == ItemKind::Data)
      dataItem(static_cast<const DataItem &>(item), scope);
    else if (item.kind == ItemKind::Train)
      trainItem(static_cast<const TrainItem &>(item), scope);
    return Value::unit(stmt.range);
  }
  }
  return Value::unit(stmt.range);
}

void Elaborator::endTurn(const Stmt &stmt) {
  bool leaves = stmt.kind == StmtKind::Break;
  if (loop) {
    const char *flag = leaves ? LoopContext::leftName : LoopContext::skippedName;
    setVariable(loop->scope, flag, Value::ofBool(true, stmt.range), stmt.range);
    return;
  }
  error(Diag::BreakOutside, stmt.range, leaves ? "break" : "continue",
        inElement ? "in an element of a comprehension" : "outside of a loop")
      .help(inElement ? "a comprehension has an element for each turn; a `for` may end, or skip, its turns"
                      : "the value of a function is its last expression; `if` skips the rest");
}

void Elaborator::patternCount(SourceRange at, size_t names, const Value &value) {
  auto report = error(Diag::PatternCount, at, fmt::format("{} {}", names, names == 1 ? "name" : "names"),
                      value.kind != Value::Tuple ? describe(value) : fmt::format("{} values", value.elements.size()));
  noteIs(report, value);
  if (value.kind == Value::Tuple && value.elements.size() > names)
    report.help("`_` stands for what is ignored");
  else if (loop && value.kind != Value::Tuple && names == 2 && !(value.isTensor() && !value.shape.empty()))
    report.help("`for i, x in enumerate(xs)` gives each with its number");
  else if (std::string_view text = value.at.valid() ? sources.text(value.at) : ""; text.starts_with("grad("))
    report.help("`grad(f)` is the gradient by the first parameter alone; by several it is a tuple: "
                "`grad(f, wrt: [a, b])`");
  else if (value.isTensor() && !value.shape.empty())
    report.help("rows are taken by `x[0]`, `x[1]`, or by `for row in x`");
}

void Elaborator::bindPattern(const Expr &pattern, const Value &value, const ScopeRef &scope, bool isVar) {
  if (pattern.kind == ExprKind::Name) {
    auto &name = static_cast<const NameExpr &>(pattern);
    if (name.name != "_")
      scope->names[std::string(name.name)] = {value, isVar, pattern.range};
    return;
  }
  if (pattern.kind != ExprKind::Tuple) {
    error(Diag::NotAssignable, pattern.range, sources.text(pattern.range), "it is not a name");
    return;
  }
  auto &tuple = static_cast<const TupleExpr &>(pattern);
  bool fits = value.kind == Value::Tuple && value.elements.size() == tuple.elements.size();
  if (!fits && !value.poison())
    patternCount(pattern.range, tuple.elements.size(), value);
  for (size_t i = 0; i < tuple.elements.size(); ++i)
    for (size_t j = 0; j < i; ++j)
      if (sources.text(tuple.elements[i]->range) == sources.text(tuple.elements[j]->range) &&
          sources.text(tuple.elements[i]->range) != "_") {
        error(Diag::DefinedTwice, tuple.elements[i]->range, sources.text(tuple.elements[i]->range))
            .note(tuple.elements[j]->range, "first defined here");
        break;
      }
  for (size_t i = 0; i < tuple.elements.size(); ++i)
    bindPattern(*tuple.elements[i], fits ? value.elements[i] : poison(pattern.range), scope, isVar);
}

/// Whether an assignment is to a member of a model: a name that a model's function finds there, or one behind a dot.
static bool namesMember(const Expr &target, const ScopeRef &scope) {
  switch (target.kind) {
  case ExprKind::Name:
    for (ScopeRef level = scope; level; level = level->parent) {
      std::string_view name = static_cast<const NameExpr &>(target).name;
      if (level->names.count(name))
        return false;
      if (level->self && level->self->find(name))
        return true;
    }
    return false;
  case ExprKind::Field:
    return true;
  case ExprKind::Index:
    return namesMember(*static_cast<const IndexExpr &>(target).base, scope);
  case ExprKind::Tuple:
    return llvm::any_of(static_cast<const TupleExpr &>(target).elements,
                        [&](const Expr *element) { return namesMember(*element, scope); });
  default:
    return false;
  }
}

void Elaborator::assign(const AssignStmt &stmt, const ScopeRef &scope) {
  bool saved = std::exchange(readsNextBuffers, readsNextBuffers || namesMember(*stmt.target, scope));
  Value value = topLevel(*stmt.value, scope, true);
  if (!value.poison() || !atTopLevel()) // else a variable of the prompt stays what it was
    asStatement(stmt.range, [&] {
      assignValue(stmt, value, scope);
      return Value::unit(stmt.range);
    });
  readsNextBuffers = saved;
}

void Elaborator::assignValue(const AssignStmt &stmt, Value value, const ScopeRef &scope) {
  if (stmt.compound) {
    Value old = expression(*stmt.target, scope);
    if (old.kind == Value::Tuple && value.kind == Value::Tuple && old.elements.size() == value.elements.size()) {
      for (size_t i = 0; i < old.elements.size(); ++i)
        value.elements[i] = binary(stmt.op, old.elements[i], value.elements[i], stmt.range);
    } else if (old.kind == Value::Tuple && !value.poison()) {
      patternCount(stmt.target->range, old.elements.size(), value);
      return;
    } else {
      value = binary(stmt.op, old, value, stmt.range);
    }
  }
  assignTo(*stmt.target, value, scope);
}

/// An assignment to a member of a model: in a training step a buffer takes the value when the step is done, elsewhere it
/// keeps its own; to anything but a buffer it is an error. False when there is no such member.
bool Elaborator::assignMember(ModelInstance &model, const std::string &name, Value value, SourceRange at) {
  const ModelInstance::Entry *entry = model.find(name);
  if (!entry) {
    auto function = model.functions.find(name);
    if (function != model.functions.end())
      error(Diag::NotAssignable, at, name, "it is a function of the model")
          .note(function->second->nameRange, "defined here");
    return function != model.functions.end();
  }
  if (!entry->param || entry->param->trained) {
    auto report = error(Diag::NotAssignable, at, name,
                        entry->param ? "it is a `param`, which only training changes" : "it is a layer of the model");
    report.note(entry->at, "defined here");
    if (!entry->param)
      report.help(
          "another head: make the model with it, and `load(Net(..), \"FILE\", partial: true)` takes what fits from a "
          "saved one; `freeze:` leaves parts as they are");
    else
      report.help("a `buffer` may be assigned");
    return true;
  }
  if (value.poison())
    return true;
  const Value &kept = entry->param->value;
  value = tensorOfList(value, kept.dtype);
  if (value.poison() || (value.isNumber() && kept.dtype != DType::Bool && !settleNumber(value, kept.dtype)))
    return true;
  if (value.isNumber() || value.kind == Value::Bool) // as its initial value, it stands for a tensor
    value = broadcastTo(tensorOf(value), kept.shape, value.at);
  bool same = value.isTensor() && value.dtype == kept.dtype && value.shape.size() == kept.shape.size();
  for (size_t i = 0; same && i < value.shape.size(); ++i)
    same = sameSize(value.shape[i].size, kept.shape[i].size).value_or(true);
  if (!same) {
    error(Diag::WrongType, value.at, "the new value of buffer `" + name + "`", describe(value), describe(kept))
        .note(entry->at, "defined here");
    return true;
  }
  if (!entry->param->next)
    return true;
  // A buffer has no part in gradients, wherever its new value came from.
  if (emitting() && isFloating(value.dtype))
    value = unaryOp("stop_gradient", value, at);
  value.varies = false;
  setVariable(entry->param->next, entry->param->next->names.begin()->first, value, at);
  return true;
}

/// Whether a scope is of a function's body, in a file.
static bool insideFunction(ScopeRef scope, const ScopeRef &file) {
  while (scope && scope != file && !scope->functionStart)
    scope = scope->parent;
  return scope != file;
}

void Elaborator::assignTo(const Expr &target, const Value &value, const ScopeRef &scope) {
  switch (target.kind) {
  case ExprKind::Name: {
    std::string name(static_cast<const NameExpr &>(target).name);
    if (name == "_")
      return;
    bool crossed = false;
    for (ScopeRef level = scope; level; level = level->parent) {
      auto found = level->names.find(name);
      if (found == level->names.end()) {
        if (level->self && assignMember(*level->self, name, value, target.range))
          return;
        crossed |= level->functionStart;
        continue;
      }
      Binding &binding = found->second;
      if (!binding.isVar) {
        auto report = error(Diag::NotAssignable, target.range, name, "it is not a `var`");
        if (binding.at.valid() && !inLibrary(sources, binding.at))
          report.note(binding.at, "defined here");
        bool definition = binding.value.kind == Value::Fn && binding.value.function->kind != Function::Lambda;
        if (!definition)
          report.help(crossed ? "return the new value, or take it as an argument"
                              : "define it by `var`: `var " + name + " = ..`");
        return;
      }
      if (crossed) {
        error(Diag::NotAssignable, target.range, name, "it belongs to the code around the function")
            .note(binding.at, "defined here")
            .help("return the new value, or take it as an argument");
        return;
      }
      Value made = value;
      if (made.kind == Value::List)
        made = binding.value.isTensor() ? tensorOfList(made, binding.value.dtype) : settled(made);
      if (made.poison() && !value.poison())
        return;
      // A literal takes the type that the variable has.
      bool typed = binding.value.isTensor() || (binding.value.kind == Value::Number && !binding.value.weak);
      if (made.isNumber() && typed && binding.value.dtype != DType::Bool) {
        if (!settleNumber(made, binding.value.dtype))
          return;
        if (binding.value.isTensor())
          made = tensorOf(made);
      }
      setVariable(level, name, std::move(made), target.range);
      return;
    }
    auto report = error(Diag::UnknownName, target.range, name);
    report.help("`let " + name + " = ..` defines a name, `var " + name + " = ..` one that may be assigned again");
    return;
  }
  case ExprKind::Tuple: {
    auto &tuple = static_cast<const TupleExpr &>(target);
    if (value.kind != Value::Tuple || value.elements.size() != tuple.elements.size()) {
      if (!value.poison())
        patternCount(target.range, tuple.elements.size(), value);
      return;
    }
    for (size_t i = 0; i < tuple.elements.size(); ++i)
      assignTo(*tuple.elements[i], value.elements[i], scope);
    return;
  }
  case ExprKind::Index: {
    auto &indexed = static_cast<const IndexExpr &>(target);
    Value base = expression(*indexed.base, scope);
    if (base.kind == Value::Tuple) {
      error(Diag::NotAssignable, target.range, shortText(target.range), "it is an element of a tuple")
          .help(fmt::format("give all of it anew, `{0} = (..)`, or take it apart: `var (a, b) = {0}`",
                            shortText(indexed.base->range)));
      return;
    }
    Value updated = indexAssign(tensorOfList(base), indexed, value, scope);
    if (!updated.poison())
      assignTo(*indexed.base, updated, scope);
    return;
  }
  case ExprKind::Field: {
    auto &field = static_cast<const FieldExpr &>(target);
    Value base = expression(*field.base, scope);
    if (base.poison())
      return;
    std::string name(field.name);
    const ModelInstance::Entry *entry = base.kind == Value::Model ? base.model->find(name) : nullptr;
    if (entry && entry->param && !entry->param->trained && !entry->param->next && !dlc::insideFunction(scope, file)) {
      error(Diag::NotAssignable, field.nameRange, name, "a `buffer` changes in the step of a training alone")
          .note(entry->at, "defined here")
          .help("assign it in a function of the model");
      return;
    }
    if (base.kind == Value::Model && assignMember(*base.model, name, value, field.nameRange))
      return;
    if (!member(base, field.name, target.range, field.nameRange).poison())
      error(Diag::NotAssignable, field.nameRange, name, "it is not a `buffer` of a model");
    return;
  }
  default:
    error(Diag::NotAssignable, target.range, sources.text(target.range), "it is not a name");
  }
}

} // namespace dlc
