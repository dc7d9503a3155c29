// Definitions checked by themselves: functions, models, optimizers and rules, with names for the sizes of their parameters.
#include "frontend/elaborate/ActiveCalls.h"
#include "frontend/elaborate/ControlFlow.h"

#include <algorithm>

namespace dlc {

using namespace ast;

/// While a definition is checked by itself nothing is built, and the loops around its use are not around it.
class CheckingGuard {
public:
  /// `assumptions`: whether what is assumed of sizes is also of this definition's, as for the functions of a model.
  explicit CheckingGuard(Elaborator &e, bool assumptions = false)
      : e(e), nothing(e.graph), checking(std::exchange(e.checkingOnly, true)), loop(std::exchange(e.loop, nullptr)),
        assumed(assumptions ? e.assumed : std::exchange(e.assumed, {})), splitting(std::exchange(e.splitting, false)),
        splitMembers(std::exchange(e.splitMembers, false)), record(e), draws(e.draws) {}
  ~CheckingGuard() {
    record.takeBack();
    e.checkingOnly = checking;
    e.loop = loop;
    e.draws = std::move(draws);
    e.assumed = std::move(assumed);
    e.splitting = splitting;
    e.splitMembers = splitMembers;
  }

private:
  Elaborator &e;
  NoFrame nothing;
  bool checking;
  LoopContext *loop;
  SizeFacts assumed;
  bool splitting, splitMembers;
  AssignmentRecord record; ///< of buffers that it assigns
  DrawPlace draws;
};

const NameExpr *freshSizeName(const Expr &size, const ScopeRef &scope) {
  if (size.kind != ExprKind::Name)
    return nullptr;
  auto &name = static_cast<const NameExpr &>(size);
  for (Scope *level = scope.get(); level; level = level->parent.get()) {
    if (auto found = level->names.find(name.name); found != level->names.end()) {
      Value::Kind kind = found->second.value.kind;
      return kind == Value::SizeOf || kind == Value::Number || kind == Value::Poison ? nullptr : &name;
    }
  }
  return &name;
}

Value Elaborator::symbolic(const TypeExpr &type, const ScopeRef &scope, SourceRange at, const std::string &what) {
  switch (type.kind) {
  case TypeKind::Tuple: {
    std::vector<Value> elements;
    for (const TypeExpr *element : type.elements)
      elements.push_back(symbolic(*element, scope, at, what));
    for (const Value &element : elements)
      if (element.poison())
        return poison(at);
    return Value::ofTuple(std::move(elements), at);
  }
  case TypeKind::Function: {
    auto function = std::make_shared<Function>();
    function->kind = Function::Opaque;
    function->type = &type;
    function->scope = scope;
    function->name = what;
    // The names of sizes in a function's type are those of the function around it.
    std::vector<const TypeExpr *> types(type.elements.begin(), type.elements.end());
    if (type.result)
      types.push_back(type.result);
    for (const TypeExpr *inner : types)
      if (symbolic(*inner, scope, at, what).poison())
        return poison(at);
    return Value::ofFunction(function, at);
  }
  case TypeKind::Named:
    if (type.name == "dim")
      return Value::ofSize(Size::named(what, type.range), at);
    if (type.name == "str")
      return Value::ofString("", at);
    if (std::optional<DType> dtype = dtypeNamed(type.name))
      return Value::ofTensor(*dtype, {}, {}, at);
    if (Binding *binding = scope->find(type.name))
      if (binding->value.kind == Value::Fn && binding->value.function->kind == Function::Constructor) {
        const ModelItem *item = binding->value.function->modelItem;
        CallSite site;
        site.at = site.calleeAt = at;
        site.callee = std::string(type.name);
        for (const Parameter &parameter : item->parameters)
          if (!parameter.defaultValue && parameter.type) {
            Value argument = symbolic(*parameter.type, scope, at, std::string(parameter.name));
            if (argument.kind == Value::SizeOf) // nothing in the function's type says it
              argument.size = Size::ofData(std::string(parameter.name), parameter.range);
            site.arguments.push_back({"", argument, {}});
          }
        return apply(binding->value, site);
      }
    break;
  case TypeKind::Tensor: {
    std::optional<DType> dtype = dtypeNamed(type.name);
    if (!dtype)
      break;
    Shape shape;
    if (type.ellipsis)
      shape.push_back({Size::named("...", type.range), type.range});
    for (const Expr *entry : type.sizes) {
      if (const NameExpr *fresh = freshSizeName(*entry, scope)) {
        Size made = Size::named(std::string(fresh->name), fresh->range);
        if (fresh->name != "_")
          scope->names[std::string(fresh->name)] = {Value::ofSize(made, fresh->range), false, fresh->range};
        shape.push_back({made, entry->range});
        continue;
      }
      Value declared = expression(*entry, scope);
      std::optional<Size> known = size(declared, "the size of an axis");
      if (!known)
        return poison(at);
      if (known->isConstant() && known->constant() < 0) {
        error(Diag::NegativeSize, declared.at.valid() ? declared.at : entry->range, known->constant());
        return poison(at);
      }
      // The user's own text says more than that of std: the argument that gave the size.
      shape.push_back({*known, inLibrary(sources, entry->range) && declared.at.valid() ? declared.at : entry->range});
    }
    return Value::ofTensor(*dtype, std::move(shape), {}, at);
  }
  }
  unknownType(type);
  return poison(at);
}

void Elaborator::distinctNames(const std::vector<Parameter> &parameters) {
  for (size_t i = 0; i < parameters.size(); ++i)
    for (size_t j = 0; j < i && parameters[i].name != "_"; ++j)
      if (parameters[i].name == parameters[j].name) {
        std::string name(parameters[i].name);
        error(Diag::DefinedTwice, parameters[i].range, name).note(parameters[j].range, "first defined here");
        break;
      }
}

void Elaborator::checkFunction(const FnItem &item, const ScopeRef &scope, const std::shared_ptr<ModelInstance> &self) {
  // With names for the sizes of its parameters. What has no type may be anything, silently: it is checked at each use.
  auto inner = std::make_shared<Scope>();
  inner->parent = scope;
  inner->functionStart = true;
  inner->self = self;
  CheckingGuard checking(*this, self != nullptr);
  unsigned before = diagnostics.failureCount();
  distinctNames(item.parameters);
  std::string signature = "fn " + std::string(item.name) + "(";
  bool typed = true;
  for (size_t i = 0; i < item.parameters.size(); ++i) {
    const Parameter &parameter = item.parameters[i];
    signature += (i ? ", " : "") + std::string(parameter.name);
    Value value = poison(parameter.range), given = value;
    if (parameter.defaultValue)
      given = expression(*parameter.defaultValue, inner);
    if (parameter.type) {
      value = symbolic(*parameter.type, inner, parameter.range, std::string(parameter.name));
      signature += ": " + std::string(sources.text(parameter.type->range));
      if (!given.poison())
        matchType(*parameter.type, given, inner, fmt::format("the default of `{}`", parameter.name), true,
                  parameter.type->range);
    }
    typed &= parameter.type != nullptr;
    if (parameter.name != "_")
      inner->names[std::string(parameter.name)] = {value, false, parameter.range};
  }
  Value result = poison(item.range);
  if (diagnostics.failureCount() == before) {
    std::string prefix = self ? self->name + "." : "";
    ActiveGuard guard(*this, &item, "");
    result = block(*item.body, inner);
    if (!result.poison() && item.result)
      matchType(*item.result, result, inner, "the result of `" + prefix + std::string(item.name) + "`", true,
                item.result->range);
  }
  signature += ")";
  if (item.result)
    signature += " -> " + std::string(sources.text(item.result->range));
  else if (typed)
    signature += " -> " + typeString(result);
  inferred.push_back(
      {self ? self->name + "." + std::string(item.name) : std::string(item.name), (self ? "  " : "") + signature});
}

void Elaborator::checkModel(const ModelItem &item) {
  // With names for its sizes. Members under a condition of sizes are checked the one way and the other.
  constexpr unsigned maxWays = 32;
  auto scope = std::make_shared<Scope>();
  scope->parent = file;
  CheckingGuard checking(*this);
  unsigned before = diagnostics.failureCount();
  std::string itemName(item.name), signature = "model " + itemName + "(";
  distinctNames(item.parameters);
  for (size_t i = 0; i < item.parameters.size(); ++i) {
    const Parameter &parameter = item.parameters[i];
    std::string name(parameter.name);
    signature += (i ? ", " : "") + name;
    Value value;
    if (parameter.type) {
      value = symbolic(*parameter.type, scope, parameter.range, name);
      signature += ": " + std::string(sources.text(parameter.type->range));
      // Settings that only decide members (`bias: bool = true`) are checked as their default has it.
      if (parameter.defaultValue && value.kind != Value::SizeOf)
        value = expression(*parameter.defaultValue, scope);
    } else if (parameter.defaultValue) {
      value = expression(*parameter.defaultValue, scope);
    } else {
      value = poison(parameter.range); // it may be anything
    }
    scope->names[name] = {value, false, parameter.range};
  }
  inferred.push_back({itemName, signature + ")"});
  size_t first = inferred.size();
  for (unsigned way = 0; way < maxWays && diagnostics.failureCount() == before; ++way) {
    checkMembers(item, std::make_shared<Scope>(*scope));
    // What this way has in common with those before it is listed once.
    for (size_t i = first; i < inferred.size(); ++i)
      inferred.erase(std::remove(inferred.begin() + ptrdiff_t(i) + 1, inferred.end(), inferred[i]), inferred.end());
    while (!assumed.empty() && !assumed.back().holds)
      assumed.pop_back();
    if (assumed.empty())
      return;
    assumed.back().holds = false;
  }
}

/// The members, then each function, in the way that `assumed` says; it grows by the conditions met.
void Elaborator::checkMembers(const ModelItem &item, const ScopeRef &scope) {
  unsigned before = diagnostics.failureCount();
  auto model = std::make_shared<ModelInstance>();
  model->item = &item;
  model->name = std::string(item.name);
  model->at = item.range;
  model->scope = scope;
  {
    ActiveGuard guard(*this, &item, "");
    bool saved = std::exchange(splitMembers, true);
    members(item.members, *model, scope);
    splitMembers = saved;
  }
  nameParameters(*model);
  for (const ModelInstance::Entry &entry : model->entries) {
    if (entry.param)
      inferred.push_back({model->name, (entry.param->trained ? "  param " : "  buffer ") + entry.name + ": " +
                                           typeString(entry.param->value)});
    else
      inferred.push_back({model->name, "  layer " + entry.name + ": " + typeString(*entry.layer)});
  }
  if (diagnostics.failureCount() == before)
    for (auto &[name, fn] : model->functions) {
      checked.erase(fn); // each way by itself
      ensureChecked(*fn, scope, model);
    }
}

void Elaborator::checkOptimizer(const OptimizerItem &item) {
  CheckingGuard checking(*this);
  distinctNames(item.parameters);
  distinctNames(item.states);
  distinctNames(item.updateParameters);
  if (item.updateParameters.size() != 3) {
    error(Diag::BadSetting, item.nameRange, "update",
          fmt::format("a function of {} parameters", item.updateParameters.size()), "`update(p, g, step)`");
    return;
  }
  auto scope = std::make_shared<Scope>();
  scope->parent = file;
  scope->functionStart = true;
  auto define = [&](const Parameter &parameter, const Value &value, bool isVar) {
    scope->names[std::string(parameter.name)] = {value, isVar, parameter.range};
  };
  for (const Parameter &parameter : item.parameters)
    define(parameter,
           parameter.defaultValue ? expression(*parameter.defaultValue, scope) : Value::ofNumber(0.5, parameter.range),
           false);
  Value p = Value::ofTensor(DType::F32, {{Size::named("n", item.nameRange), {}}}, {}, item.nameRange);
  for (const Parameter &state : item.states) {
    if (state.defaultValue)
      expression(*state.defaultValue, scope);
    define(state, p, true);
  }
  // p, g, step; a step is an f64 scalar that takes the dtype of what it meets.
  Value step = Value::ofTensor(DType::F64, {}, {}, item.nameRange);
  step.soft = true;
  for (size_t i = 0; i < item.updateParameters.size(); ++i)
    define(item.updateParameters[i], i < 2 ? p : step, false);
  for (const Stmt *stmt : item.update->statements)
    statement(*stmt, scope);
}

void Elaborator::checkRule(const Function &function) {
  const FnItem &item = *function.item;
  auto scope = std::make_shared<Scope>();
  scope->parent = function.scope;
  CheckingGuard checking(*this);
  std::vector<Value> arguments;
  for (const Parameter &parameter : item.parameters) {
    // Without types the rule is checked where the function is used.
    Value value = parameter.type ? symbolic(*parameter.type, scope, parameter.range, std::string(parameter.name))
                                 : poison(parameter.range);
    if (value.poison())
      return;
    arguments.push_back(std::move(value));
  }
  CallSite site;
  site.at = site.calleeAt = item.nameRange;
  site.callee = std::string(item.name);
  ActiveGuard guard(*this, &item, "");
  callWithRule(function, arguments, site);
}

/// Checks a definition of the user's once, when it is first needed; `check` reports.
template <class Item> bool Elaborator::checkedOnce(const Item &item, const std::function<void()> &check) {
  if (!checkItems || inLibrary(sources, item.range))
    return true;
  auto [found, isNew] = checked.try_emplace(&item, Checked::InProgress);
  if (!isNew)
    return found->second != Checked::Bad;
  unsigned before = diagnostics.failureCount();
  check();
  bool good = diagnostics.failureCount() == before;
  checked[&item] = good ? Checked::Good : Checked::Bad;
  return good;
}

bool Elaborator::ensureChecked(const FnItem &item, const ScopeRef &scope, const std::shared_ptr<ModelInstance> &self) {
  return checkedOnce(item, [&] { checkFunction(item, scope, self); });
}

bool Elaborator::ensureRuleChecked(const Function &function) {
  return !function.derivative || checkedOnce(*function.derivative, [&] { checkRule(function); });
}

bool Elaborator::ensureChecked(const ModelItem &item) {
  return checkedOnce(item, [&] { checkModel(item); });
}

bool Elaborator::ensureChecked(const OptimizerItem &item) {
  return checkedOnce(item, [&] { checkOptimizer(item); });
}

} // namespace dlc
