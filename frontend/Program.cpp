// Programs: the library, definitions, statements in order, settings from the command line, entries for `dlc compile`.
#include "frontend/Builtins.h"
#include "frontend/Library.h"
#include "frontend/Parser.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

#include <algorithm>

namespace dlc {

using namespace ast;

Elaborator::Elaborator(SourceManager &sources, DiagnosticEngine &diagnostics, mlir::MLIRContext &context, Executor *executor)
    : sources(sources), diagnostics(diagnostics), context(context), executor(executor),
      library(std::make_shared<Scope>()), file(std::make_shared<Scope>()), libraryTree(std::make_unique<AstContext>()) {
  file->parent = library;
  file->functionStart = true;
  loadLibrary();
}

Elaborator::~Elaborator() = default;

void Elaborator::loadLibrary() {
  BuiltinTable table(builtins);
  addElementwiseBuiltins(table);
  addReductionBuiltins(table);
  addShapeBuiltins(table);
  addProductBuiltins(table);
  addSpatialBuiltins(table);
  addMakerBuiltins(table);
  addGradientBuiltins(table);
  addDataBuiltins(table);
  for (const std::unique_ptr<Builtin> &builtin : builtins) {
    auto function = std::make_shared<Function>();
    function->kind = Function::Native;
    function->name = builtin->name;
    function->builtin = builtin.get();
    library->names[builtin->name] = {Value::ofFunction(function, {}), false, {}};
  }
  library->names["ascii_letters"] = {Value::ofString("ascii_letters", {}), false, {}};
  for (const LibraryFile &source : libraryFiles()) {
    uint32_t id = sources.add(std::string("std/") + source.name, source.text);
    declare(parse(sources, id, *libraryTree, diagnostics), library);
  }
}

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
    if (auto earlier = scope->names.find(name); earlier != scope->names.end() && earlier->second.at.valid() && earlier->second.at.file == item.nameRange.file) {
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
    if (found == scope->names.end() || found->second.value.kind != Value::Fn || found->second.value.function->kind != Function::User)
      error(Diag::DerivativeRule, rule.nameRange, name, "there is no function of this name in the file");
    else
      found->second.value.function->derivative = &rule;
  }
}

bool Elaborator::ensureChecked(const FnItem &item, const ScopeRef &scope, const std::shared_ptr<ModelInstance> &self) {
  bool ofLibrary = item.range.valid() && sources.name(item.range.file).starts_with("std/");
  if (!checkItems || ofLibrary)
    return true;
  auto [found, isNew] = checked.try_emplace(&item, Checked::InProgress);
  if (!isNew)
    return found->second != Checked::Bad;
  unsigned before = diagnostics.errorCount();
  FunctionFrame *savedFrame = std::exchange(frame, nullptr);
  checkFunction(item, scope, self);
  frame = savedFrame;
  bool good = diagnostics.errorCount() == before;
  checked[&item] = good ? Checked::Good : Checked::Bad;
  return good;
}

bool Elaborator::ensureChecked(const ModelItem &item) {
  bool ofLibrary = item.range.valid() && sources.name(item.range.file).starts_with("std/");
  if (!checkItems || ofLibrary)
    return true;
  auto [found, isNew] = checked.try_emplace(&item, Checked::InProgress);
  if (!isNew)
    return found->second != Checked::Bad;
  unsigned before = diagnostics.errorCount();
  FunctionFrame *savedFrame = std::exchange(frame, nullptr);
  checkModel(item);
  frame = savedFrame;
  bool good = diagnostics.errorCount() == before;
  checked[&item] = good ? Checked::Good : Checked::Bad;
  return good;
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

void Elaborator::program(const Program &program, bool show) {
  for (const Stmt *stmt : program.statements) {
    SourceRange at;
    std::string_view name = definedName(*stmt, at);
    if (!name.empty() && !file->names.count(name))
      pending.try_emplace(std::string(name), at);
  }
  declare(program, file);
  checkOverrides(program);
  for (const Stmt *stmt : program.statements) {
    unsigned before = diagnostics.errorCount();
    SourceRange at;
    std::string_view defined = definedName(*stmt, at);
    if (stmt->kind == StmtKind::Item) {
      const Item &item = *static_cast<const ItemStmt *>(stmt)->item;
      if (item.kind == ItemKind::Data || item.kind == ItemKind::Train)
        if (auto earlier = file->names.find(item.name); earlier != file->names.end() && earlier->second.at.file == item.nameRange.file && !show) {
          std::string name(item.name);
          error(Diag::DefinedTwice, item.nameRange, name).note(earlier->second.at, "first defined here");
          continue;
        }
      if (item.kind == ItemKind::Data)
        dataItem(static_cast<const DataItem &>(item));
      else if (item.kind == ItemKind::Train)
        trainItem(static_cast<const TrainItem &>(item));
    } else {
      Value value = statement(*stmt, file);
      bool shown = show && stmt->kind == StmtKind::Expr && !value.poison() && value.kind != Value::Unit;
      if (shown && executor)
        executor->print({value});
    }
    if (auto found = pending.find(defined); found != pending.end())
      pending.erase(found);
    // With an executor the statements after a failed one would run on nothing.
    if (executor && (diagnostics.errorCount() != before || executor->stopped()))
      return;
  }
  pending.clear();
  // What no statement used is checked all the same.
  for (const Stmt *stmt : program.statements)
    if (stmt->kind == StmtKind::Item) {
      const Item &item = *static_cast<const ItemStmt *>(stmt)->item;
      if (item.kind == ItemKind::Fn)
        ensureChecked(static_cast<const FnItem &>(item), file, nullptr);
      else if (item.kind == ItemKind::Model)
        ensureChecked(static_cast<const ModelItem &>(item));
    }
}

//===-- Statements that run -----------------------------------------------------------------------------------------===//

void Elaborator::collectLeaves(Value &value, std::vector<Value *> &leaves, std::set<const void *> &seen) {
  switch (value.kind) {
  case Value::Tensor:
    if (value.ir)
      leaves.push_back(&value);
    return;
  case Value::Model:
    for (const ParamSlotRef &slot : parametersOf(*value.model))
      collectLeaves(slot->value, leaves, seen);
    return;
  case Value::Fn: {
    Function &function = *value.function;
    if (!seen.insert(&function).second)
      return;
    for (Value &argument : function.arguments)
      collectLeaves(argument, leaves, seen);
    if (function.base)
      collectLeaves(*function.base, leaves, seen);
    for (Scope *scope = function.scope.get(); scope && scope != file.get() && scope != library.get(); scope = scope->parent.get())
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

Value Elaborator::topLevel(const Expr &expr, const ScopeRef &scope) {
  if (!atTopLevel())
    return expression(expr, scope);
  auto made = begin("main", expr.range);
  unsigned before = diagnostics.errorCount();
  Value value = expression(expr, scope);
  std::vector<Value *> leaves;
  std::set<const void *> seen;
  if (diagnostics.errorCount() == before)
    collectLeaves(value, leaves, seen);
  std::vector<mlir::Value> results;
  for (Value *leaf : leaves)
    results.push_back(leaf->ir);
  bool good = diagnostics.errorCount() == before && !value.poison();
  if (good && !leaves.empty()) {
    mlir::OwningOpRef<mlir::ModuleOp> module = finish(*made, results);
    frame = nullptr;
    builder = nullptr;
    std::vector<HostBufferRef> outputs;
    good = executor->run(*module, made->inputs, outputs, expr.range);
    for (size_t i = 0; good && i < leaves.size(); ++i) {
      leaves[i]->ir = {};
      leaves[i]->lazy = nullptr;
      leaves[i]->host = outputs[i];
    }
  }
  frame = nullptr;
  builder = nullptr;
  if (!good)
    return poison(expr.range);
  if (value.kind == Value::Unit && value.text == "print") {
    executor->print(value.elements);
    value.elements.clear();
    value.text.clear();
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

//===-- --set ---------------------------------------------------------------------------------------------------------===//

bool Elaborator::applyOverride(const std::string &name, Value &value) {
  for (Override &override : overrides) {
    if (override.name != name)
      continue;
    override.used = true;
    const std::string &text = override.value;
    char *end = nullptr;
    double number = std::strtod(text.c_str(), &end);
    Value made;
    if (text == "true" || text == "false")
      made = Value::ofBool(text == "true", value.at);
    else if (!text.empty() && *end == 0 && text.find_first_of(".eEnN") == std::string::npos)
      made = Value::ofInteger(std::strtoll(text.c_str(), nullptr, 10), value.at);
    else if (!text.empty() && *end == 0)
      made = Value::ofNumber(number, value.at);
    else
      made = Value::ofString(text, value.at);
    bool fits = value.kind == Value::Unit || value.poison() || made.kind == value.kind ||
                (made.isNumber() && (value.isNumber() || (value.isTensor() && value.shape.empty())));
    if (!fits) {
      error(Diag::UnknownOverride, {}, name, fmt::format("the value `{}` is {}, expected {}", text, typeString(made), typeString(value)));
      return false;
    }
    value = made;
    return true;
  }
  return false;
}

void Elaborator::checkOverrides(const Program &program) {
  static const std::vector<std::string> settings = {"batch", "epochs", "steps", "validate", "stop_after", "save", "resume", "init",
                                                    "seed", "shuffle", "every", "log", "accumulate", "allow_nan", "optimizer"};
  std::vector<const TrainItem *> trains;
  std::vector<std::string> lets, defaults;
  for (const Stmt *stmt : program.statements) {
    SourceRange at;
    if (stmt->kind == StmtKind::Let)
      lets.push_back(std::string(definedName(*stmt, at)));
    if (stmt->kind == StmtKind::Item && static_cast<const ItemStmt *>(stmt)->item->kind == ItemKind::Train)
      trains.push_back(static_cast<const TrainItem *>(static_cast<const ItemStmt *>(stmt)->item));
  }
  for (const TrainItem *train : trains)
    if (train->model->kind == ExprKind::Call)
      if (auto *callee = static_cast<const CallExpr *>(train->model)->callee; callee->kind == ExprKind::Name)
        if (Binding *binding = file->find(static_cast<const NameExpr *>(callee)->name);
            binding && binding->value.kind == Value::Fn && binding->value.function->kind == Function::Constructor)
          for (const Parameter &parameter : binding->value.function->modelItem->parameters)
            if (parameter.defaultValue)
              defaults.push_back(std::string(parameter.name));
  auto has = [](const std::vector<std::string> &names, const std::string &name) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  for (const Override &override : overrides) {
    size_t dot = override.name.find('.');
    if (dot != std::string::npos && has(settings, override.name.substr(dot + 1)) &&
        std::any_of(trains.begin(), trains.end(), [&](const TrainItem *train) { return train->name == override.name.substr(0, dot); }))
      continue;
    bool setting = has(settings, override.name) && !trains.empty();
    int meanings = int(setting) + int(has(lets, override.name)) + int(has(defaults, override.name));
    if (meanings == 0) {
      std::vector<std::string> all = lets;
      all.insert(all.end(), defaults.begin(), defaults.end());
      if (!trains.empty())
        all.insert(all.end(), settings.begin(), settings.end());
      auto report = error(Diag::UnknownOverride, {}, override.name, "no setting, `let` or default of the trained model has this name");
      if (std::string near = nearest(override.name, all); !near.empty())
        report.help("did you mean `" + near + "`?");
    } else if (meanings > 1 || (setting && trains.size() > 1)) {
      auto report = error(Diag::UnknownOverride, {}, override.name, "this name is ambiguous");
      if (setting)
        report.help(fmt::format("`--set {}.{}=..` means the setting of that `train`", trains[0]->name, override.name));
    }
  }
}

//===-- Questions about what was defined ------------------------------------------------------------------------------===//

std::string Elaborator::signatures() const {
  std::string text;
  for (auto &[name, signature] : inferred)
    text += signature + "\n";
  return text;
}

std::vector<std::string> Elaborator::namesInScope() const {
  std::vector<std::string> names;
  for (const ScopeRef &scope : {file, library})
    for (auto &[name, binding] : scope->names)
      names.push_back(name);
  return names;
}

std::string Elaborator::typeOf(const Program &program) {
  auto savedExecutor = std::exchange(executor, nullptr);
  Value value;
  for (const Stmt *stmt : program.statements)
    value = statement(*stmt, file);
  executor = savedExecutor;
  return value.poison() ? "" : typeString(value);
}

void Elaborator::define(const std::string &name, Value value) { file->names[name] = {std::move(value), false, {}}; }

const Value *Elaborator::lookup(const std::string &name) const {
  auto found = file->names.find(name);
  return found == file->names.end() ? nullptr : &found->second.value;
}

Elaborator::EntryModule Elaborator::entry(const std::string &entry, const std::map<std::string, int64_t> &sizes) {
  EntryModule made;
  SourceRange nowhere;
  std::string modelName = entry.substr(0, entry.find('.'));
  std::string functionName = entry.find('.') == std::string::npos ? "" : entry.substr(entry.find('.') + 1);
  Binding *binding = file->find(modelName);
  auto missing = [&](const std::string &what, const std::vector<std::string> &candidates) {
    auto report = error(Diag::UnknownName, nowhere, what);
    if (std::string near = nearest(what, candidates); !near.empty())
      report.help("did you mean `" + near + "`?");
    return std::move(made);
  };
  std::vector<std::string> definedNames;
  for (auto &[name, other] : file->names)
    definedNames.push_back(name);
  if (!binding)
    return missing(modelName, definedNames);
  Value callee = binding->value;
  if (callee.poison())
    return made;
  Value model = callee;
  auto frameHolder = begin(functionName.empty() || functionName == "forward" ? modelName : modelName + "_" + functionName, nowhere);
  auto drop = [&] {
    frame = nullptr;
    builder = nullptr;
    return std::move(made);
  };
  std::vector<std::string> roles, names;
  if (callee.kind == Value::Fn && callee.function->kind == Function::Constructor) {
    CallSite site;
    site.callee = modelName;
    site.at = site.calleeAt = callee.function->modelItem->nameRange;
    for (const Parameter &parameter : callee.function->modelItem->parameters)
      if (auto given = sizes.find(std::string(parameter.name)); given != sizes.end())
        site.arguments.push_back({given->first, Value::ofInteger(given->second, parameter.range), parameter.range});
    overrideModel = callee.function->modelItem;
    model = apply(callee, site);
    overrideModel = nullptr;
    if (model.poison())
      return drop();
  }
  if (model.kind == Value::Model) {
    nameParameters(*model.model);
    made.params = parametersOf(*model.model);
    std::vector<Value> values;
    for (const ParamSlotRef &slot : made.params) {
      Value value = slot->value;
      value.host = nullptr;
      value.ir = frame->entry->addArgument(irType(value.dtype, value.shape), location(slot->at));
      values.push_back(value);
      roles.push_back("param");
      names.push_back(slot->path);
    }
    model.model = withValues(*model.model, values);
    callee = memberOfModel(model.model, functionName.empty() ? "forward" : functionName, nowhere);
    if (callee.poison() || callee.kind != Value::Fn) {
      std::vector<std::string> functions;
      for (auto &[name, fn] : model.model->functions)
        functions.push_back(name);
      frame = nullptr;
      builder = nullptr;
      return missing(functionName.empty() ? "forward" : functionName, functions);
    }
  }
  if (callee.kind != Value::Fn || callee.function->kind != Function::User) {
    error(Diag::NotCallable, nowhere, "`" + entry + "`").help("an entry is a function or `Model.forward`");
    return drop();
  }
  // The arguments: their declared types, with the sizes given.
  auto scope = std::make_shared<Scope>();
  scope->parent = callee.function->scope;
  scope->self = callee.function->self;
  for (auto &[name, size] : sizes)
    scope->names[name] = {Value::ofSize(Size(size), nowhere), false, nowhere};
  std::vector<Value> arguments;
  for (const Parameter &parameter : callee.function->item->parameters) {
    if (!parameter.type) {
      error(Diag::MissingArgument, parameter.range, entry, std::string(parameter.name) + ": type").help("an entry's parameters need types");
      return drop();
    }
    Value value = symbolic(*parameter.type, scope, parameter.range, std::string(parameter.name));
    if (value.poison())
      return drop();
    if (!value.isTensor()) {
      error(Diag::NotSupported, parameter.range, "an entry whose parameter `" + std::string(parameter.name) + "` is " + typeString(value));
      return drop();
    }
    for (const Dim &dim : value.shape)
      if (!dim.size.isConstant()) {
        error(Diag::NotConstant, dim.origin.valid() ? dim.origin : parameter.range, "size `" + dim.size.str() + "`").help("give it: `--size " + dim.size.str() + "=1`");
        return drop();
      }
    value.ir = frame->entry->addArgument(irType(value.dtype, value.shape), location(parameter.range));
    roles.push_back("input");
    names.push_back(std::string(parameter.name));
    made.inputs.push_back(std::string(parameter.name));
    arguments.push_back(value);
  }
  Value result = apply(callee, arguments, callee.function->item->nameRange);
  if (result.poison())
    return drop();
  std::vector<Value> outputs = result.kind == Value::Tuple ? result.elements : std::vector<Value>{result};
  std::vector<mlir::Value> results;
  for (size_t i = 0; i < outputs.size(); ++i) {
    Value value = tensorOf(outputs[i]);
    if (!value.isTensor()) {
      error(Diag::NotSupported, callee.function->item->nameRange, "an entry whose result is " + typeString(outputs[i]));
      return drop();
    }
    results.push_back(ir(value));
    made.outputs.push_back(outputs.size() == 1 ? "result" : fmt::format("result{}", i));
  }
  auto function = mlir::cast<mlir::func::FuncOp>(frameHolder->function);
  made.module = finish(*frameHolder, results);
  mlir::OpBuilder attributes(&context);
  for (size_t i = 0; i < roles.size(); ++i) {
    function.setArgAttr(unsigned(i), "dl.role", attributes.getStringAttr(roles[i]));
    function.setArgAttr(unsigned(i), "dl.name", attributes.getStringAttr(names[i]));
  }
  for (size_t i = 0; i < made.outputs.size(); ++i)
    function.setResultAttr(unsigned(i), "dl.name", attributes.getStringAttr(made.outputs[i]));
  frame = nullptr;
  builder = nullptr;
  return made;
}

} // namespace dlc
