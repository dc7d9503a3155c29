// Models and optimizers: making instances, their members, calling them.
#include "frontend/elaborate/ActiveCalls.h"
#include "frontend/elaborate/Texts.h"

#include "llvm/Support/SaveAndRestore.h"

#include <algorithm>
#include <cmath>

namespace dlc {

using namespace ast;

/// Binds the arguments of a model or optimizer to its parameters in `scope`. Gives false when an error was reported.
static bool bindSettings(Elaborator &e, const std::vector<Parameter> &parameters, CallSite &site, const ScopeRef &scope,
                         const ModelItem *item = nullptr) {
  // A Builtin made on the spot gives the same messages as any other call.
  Builtin signature;
  signature.name = site.callee;
  for (const Parameter &parameter : parameters)
    signature.parameters.push_back({std::string(parameter.name), parameter.defaultValue != nullptr});
  bool good = true;
  signature.apply = [&](Elaborator &elaborator, CallSite &bound) {
    for (size_t i = 0; i < parameters.size() && good; ++i) {
      Value value = bound.bound[i] ? *bound.bound[i] : argumentValue(elaborator, *parameters[i].defaultValue, scope);
      if (item && item == elaborator.overrideModel && parameters[i].defaultValue)
        elaborator.applyOverride(std::string(parameters[i].name), value);
      if (value.kind == Value::List && parameters[i].type && elaborator.atTopLevel())
        value = elaborator.asStatement(value.at, [&] {
          std::string what = fmt::format("argument `{}` of `{}`", parameters[i].name, bound.callee);
          const TypeExpr &type = *parameters[i].type;
          return elaborator.matchType(type, value, scope, what, true, type.range) ? value : elaborator.poison(value.at);
        });
      good = !value.poison() && elaborator.bindParameter(parameters[i], value, scope, bound.callee);
    }
    return Value::unit(bound.at);
  };
  auto function = std::make_shared<Function>();
  function->kind = Function::Native;
  function->builtin = &signature;
  return !e.apply(Value::ofFunction(function, site.at), site).poison() && good;
}

/// Warns of models among the arguments that are no layers: they are called, and never trained with the rest.
static void checkArguments(Elaborator &e, const ModelItem &item, const ModelInstance &model) {
  if (!e.checkItems) // it was said when the file was checked
    return;
  std::vector<ParamSlotRef> own = parametersOf(model);
  for (const Parameter &parameter : item.parameters) {
    auto bound = model.scope->names.find(std::string(parameter.name));
    if (bound == model.scope->names.end() || bound->second.value.kind != Value::Model || isGroup(bound->second.value))
      continue;
    std::vector<ParamSlotRef> parts = parametersOf(*bound->second.value.model);
    auto isOwn = [&](const ParamSlotRef &slot) { return std::find(own.begin(), own.end(), slot) != own.end(); };
    auto isLost = [&](const ParamSlotRef &slot) { return slot->trained && !isOwn(slot); };
    if (std::any_of(parts.begin(), parts.end(), isLost)) {
      std::string name(parameter.name);
      e.error(Diag::NotALayerOf, parameter.range, name, item.name)
          .help(fmt::format("write `layer {} = {}`; a setting `freeze: {}` of the training leaves it as it is", name,
                            name, name));
    }
  }
}

/// Whether a chain hands a tensor on to what makes a model: `x |> Linear(3, 4)`. Reports it.
static bool isHandedTensor(Elaborator &e, const ModelItem &item, const CallSite &site) {
  if (!e.piped.stage.valid() || !(e.piped.stage == site.at) || site.arguments.empty() ||
      !site.arguments[0].value.isTensor())
    return false;
  const TypeExpr *type = item.parameters.empty() ? nullptr : item.parameters[0].type;
  if (!item.parameters.empty() && !(type && type->kind == TypeKind::Named && type->name == "dim"))
    return false;
  std::string name(item.name), made = e.shortText(site.at, name + "(..)");
  made += made == name ? "()" : "";
  e.error(Diag::BadArgument, site.at, "`" + name + "` makes a model, and `|>` hands a tensor to it")
      .help("make the model first, `let layer = " + made + "`, then `x |> layer`; or at once, `" + made + "(x)`");
  return true;
}

Value Elaborator::construct(const Function &constructor, CallSite &site) {
  const ModelItem &item = *constructor.modelItem;
  if (isHandedTensor(*this, item, site))
    return poison(site.at);
  for (const Active &call : active)
    if (call.what == &item && active.size() > 64) {
      std::string name(item.name);
      error(Diag::Recursive, site.at, name, "holds")
          .note(item.nameRange, "`" + name + "` is defined here")
          .help("a list of layers may be as long as a size: `[Block(d) for _ in 0..depth]`");
      return poison(site.at);
    }
  if (!ensureChecked(item))
    return poison(site.at);
  auto model = std::make_shared<ModelInstance>();
  model->item = &item;
  model->name = std::string(item.name);
  model->at = site.at;
  model->scope = std::make_shared<Scope>();
  model->scope->parent = constructor.scope;
  if (!bindSettings(*this, item.parameters, site, model->scope, &item))
    return poison(site.at);
  ActiveGuard guard(*this, &item, "", site.at);
  unsigned before = diagnostics.failureCount();
  members(item.members, *model, model->scope);
  if (diagnostics.failureCount() != before || model->undecided)
    return poison(site.at);
  checkArguments(*this, item, *model);
  nameParameters(*model); // as part of the outermost model that was made of them
  Value value = Value::unit(site.at);
  value.kind = Value::Model;
  value.model = model;
  return value;
}

bool Elaborator::isLayer(const Value &value, const std::string &name) {
  bool unmade = value.kind == Value::Fn && value.function->kind == Function::Constructor;
  if (!unmade && (value.kind == Value::Model ||
                  (value.kind == Value::Fn && value.function->kind != Function::OptimizerConstructor)))
    return true;
  // A list of layers, or of lists of them.
  if (value.kind == Value::List && !value.elements.empty() && !isLiteral(value))
    return std::all_of(value.elements.begin(), value.elements.end(),
                       [&](const Value &element) { return isLayer(element, name); });
  auto report = error(Diag::NotALayer, value.at, name, describe(value));
  if (unmade)
    report.help("make one: `" + value.function->name + "(..)`");
  return false;
}

/// Whether a value is known while compiling: no tensor is a part of it, and no model.
static bool isKnown(const Value &value) {
  return !value.isTensor() && value.kind != Value::Model &&
         std::all_of(value.elements.begin(), value.elements.end(), isKnown);
}

/// The value of a member; where it is a condition of sizes that have only names, as it is in the way that is checked.
static Value memberValue(Elaborator &e, const Member &member, const ScopeRef &scope) {
  llvm::SaveAndRestore splits(e.splitting, e.splitMembers);
  Value value = e.expression(*member.value, scope);
  if (!value.ofSizes || !e.splitting)
    return value;
  // Not one of sizes alone: some number that follows from them.
  Size &stands = e.memberConditions.try_emplace(&member, Size::named("condition", member.range)).first->second;
  return e.compareSizes(BinaryOp::Eq, stands, Size(0), value.at);
}

void Elaborator::members(const std::vector<Member *> &list, ModelInstance &model, const ScopeRef &scope) {
  for (const Member *member : list) {
    std::string name(member->name);
    if (member->kind != MemberKind::If && (model.find(name) || model.functions.count(name))) {
      const ModelInstance::Entry *earlier = model.find(name);
      error(Diag::DefinedTwice, member->nameRange, name)
          .note(earlier ? earlier->at : model.functions[name]->nameRange, "first defined here");
      continue;
    }
    switch (member->kind) {
    case MemberKind::If:
      if (std::optional<bool> holds = memberCondition(*member, model, scope))
        members(*holds ? member->thenMembers : member->elseMembers, model, scope);
      break;
    case MemberKind::Fn:
      model.functions[name] = member->fn;
      break;
    case MemberKind::Let: {
      Value value = memberValue(*this, *member, scope);
      if (value.ofSizes) { // what comes of it is left to the instances
        model.undecided = true;
        value = poison(value.at);
      } else if (!value.poison() && !isKnown(value)) {
        error(Diag::NotConstant, member->value->range, fmt::format("`{}` of the model", name))
            .help("a `buffer` keeps a tensor, a `layer` is a model");
        value = poison(value.at);
      }
      if (auto earlier = scope->names.find(name); earlier != scope->names.end())
        error(Diag::DefinedTwice, member->nameRange, name).note(earlier->second.at, "first defined here");
      scope->names[name] = {value, false, member->nameRange};
      break;
    }
    case MemberKind::Layer: {
      Value layer = expression(*member->value, scope);
      if (layer.kind == Value::List) {
        for (const Value &element : layer.elements)
          if (!isLayer(element, name))
            layer = poison(layer.at);
      } else if (!layer.poison() && !isLayer(layer, name)) {
        layer = poison(layer.at);
      }
      if (layer.poison()) { // known, so that its uses are not errors too
        scope->names[name] = {layer, false, member->nameRange};
        break;
      }
      model.entries.push_back({name, nullptr, std::make_shared<Value>(layer), member->range});
      // Layers are in scope for the defaults and conditions that follow.
      scope->names[name] = {layer, false, member->nameRange};
      break;
    }
    case MemberKind::Param:
    case MemberKind::Buffer:
      stored(*member, model, scope);
      break;
    }
  }
}

std::optional<bool> Elaborator::memberCondition(const Member &member, ModelInstance &model, const ScopeRef &scope) {
  Value condition = memberValue(*this, member, scope);
  if (condition.kind == Value::Bool)
    return condition.flag;
  model.undecided |= condition.ofSizes;
  if (!condition.ofSizes && !condition.poison())
    error(Diag::NotConstant, condition.at, "a condition around members")
        .help("a model's settings decide it: `bias: bool = true`");
  return std::nullopt;
}

void Elaborator::stored(const Member &member, ModelInstance &model, const ScopeRef &scope) {
  std::string name(member.name);
  for (const Expr *size : member.type->sizes)
    if (const NameExpr *fresh = freshSizeName(*size, scope))
      error(Diag::UnknownName, size->range, fresh->name)
          .help("sizes are numbers, and the model's parameters: `model " + model.name + "(" + std::string(fresh->name) +
                ": dim)`");
  auto slot = std::make_shared<ParamSlot>();
  slot->trained = member.kind == MemberKind::Param;
  slot->value = symbolic(*member.type, scope, member.nameRange, name);
  slot->type = member.type;
  slot->initialiser = member.value;
  slot->scope = scope;
  slot->at = member.range;
  slot->path = name;
  // A parameter of the model that has its name is what its initial value means.
  if (auto parameter = scope->names.extract(name); !parameter.empty()) {
    slot->scope = std::make_shared<Scope>();
    slot->scope->parent = scope;
    slot->scope->names.insert(std::move(parameter));
  }
  if (!slot->value.poison() && (!slot->value.isTensor() || (slot->trained && !isFloating(slot->value.dtype)))) {
    auto report = error(Diag::WrongType, member.type->range, (slot->trained ? "param `" : "buffer `") + name + "`",
                        describe(slot->value), slot->trained ? "a tensor of floating-point numbers" : "a tensor");
    if (slot->value.isTensor())
      report.help("a `buffer` keeps what is not trained");
    slot->value = poison(member.range);
  }
  Value initial = slot->value;
  if (!initial.poison()) {
    // For training it is computed when that starts: here nothing of it runs.
    llvm::SaveAndRestore checks(checkingOnly, checkingOnly || atTopLevel());
    initial = initialValue(*slot);
  }
  if (initial.poison()) { // known, so that its uses are not errors too
    scope->names[name] = {slot->value, false, member.nameRange};
    return;
  }
  // A model that is made where code runs has its first values at once; for training they are drawn when it starts.
  slot->value.ir = initial.ir;
  model.entries.push_back({name, slot, nullptr, member.range});
}

Value Elaborator::initialValue(const ParamSlot &slot) {
  const Value &declared = slot.value;
  const Shape *savedShape = std::exchange(initialiserShape, &declared.shape);
  Value initial = expression(*slot.initialiser, slot.scope);
  initialiserShape = savedShape;
  initial = tensorOfList(initial, declared.dtype);
  if (initial.poison())
    return initial;
  SourceRange at = initial.at;
  if (initial.isNumber() && declared.dtype != DType::Bool) {
    if (!settleNumber(initial, declared.dtype, slot.type->range))
      return poison(at);
    initial = tensorOf(initial);
  } else if (initial.kind == Value::Bool) {
    initial = tensorOf(initial);
  }
  // What is drawn is f32; it becomes a float of another width, and integers widen. All else needs a cast.
  bool fits = initial.isTensor() && initial.shape.size() <= declared.shape.size() &&
              (initial.dtype == declared.dtype || (isFloating(declared.dtype) && initial.dtype != DType::Bool) ||
               (isIntegral(initial.dtype) && isIntegral(declared.dtype)));
  if (fits && !initial.shape.empty()) {
    fits = initial.shape.size() == declared.shape.size();
    for (size_t i = 0; fits && i < initial.shape.size(); ++i)
      fits = sameSize(initial.shape[i].size, declared.shape[i].size).value_or(true);
  }
  if (fits)
    return broadcastTo(cast(initial, declared.dtype, at), declared.shape, slot.at);
  std::string name = slot.path.substr(slot.path.rfind('.') + 1);
  error(Diag::InitialiserShape, slot.initialiser->range, name, describe(initial), describe(declared))
      .note(slot.type->range, "declared here");
  return poison(at);
}

Value Elaborator::callModel(const Value &model, CallSite &site) {
  InsideModel inside(*this, *model.model);
  if (called)
    called->push_back(model.model);
  if (executor && !called && model.model->vocabularies)
    for (const CallSite::Argument &argument : site.arguments)
      if (const Value &given = argument.value;
          hasClasses(given) && given.data->handle &&
          !executor->understands(*model.model, *given.data, {given.text}, given.at))
        return poison(site.at);
  if (model.effect) { // it is watched (inputsOfModel)
    std::vector<Value> given;
    for (const CallSite::Argument &argument : site.arguments)
      given.push_back(argument.value);
    model.effect(given);
  }
  if (!model.model->item && model.model->name == "Sequential") {
    if (site.arguments.size() != 1 || !site.arguments[0].name.empty()) {
      error(Diag::ExtraArgument, site.at, site.callee, "1 argument without a name", site.arguments.size());
      return poison(site.at);
    }
    Value value = site.arguments[0].value;
    const std::string place = draws.path;
    InsideCall inside(*this, site.at);
    for (const ModelInstance::Entry &entry : model.model->entries) {
      CallSite step;
      step.arguments.push_back({"", value, {}});
      step.at = entry.at.valid() && !inLibrary(sources, entry.at) ? entry.at : site.at; // the layer that does not fit
      step.calleeAt = entry.at;
      step.callee = std::string(sources.text(entry.at));
      InDrawPlace layer(*this, place + "/" + entry.name);
      value = apply(*entry.layer, step);
      if (value.poison())
        break;
    }
    value.at = site.at;
    return value;
  }
  auto found = model.model->functions.find("forward");
  if (found == model.model->functions.end()) {
    error(Diag::NoForward, site.calleeAt, model.model->name)
        .note(model.model->item ? model.model->item->nameRange : model.model->at,
              "`" + model.model->name + "` is defined here")
        .help("define `fn forward(x: ..) { .. }`, or call a member: `" + site.callee + ".f(..)`");
    return poison(site.at);
  }
  Function function;
  function.kind = Function::User;
  function.name = model.model->name + ".forward";
  function.item = found->second;
  function.scope = model.model->scope;
  function.self = model.model;
  return callUser(function, site);
}

bool Elaborator::checkRate(const Value &rate, SourceRange at) {
  std::string found;
  if (rate.isNumber() && !(rate.kind == Value::SizeOf && !rate.size.isConstant())) {
    double number = rate.asDouble();
    if (std::isfinite(number) && number >= 0)
      return true;
    found = std::isnan(number) ? "not a number" : fmt::format("{}", number);
  } else if (rate.kind == Value::Fn || rate.kind == Value::SizeOf ||
             (rate.isTensor() && rate.shape.empty() && rate.dtype != DType::Bool)) {
    return true;
  } else {
    found = describe(rate);
  }
  error(Diag::BadSetting, at, "lr", found, "a number that is not negative, or a schedule")
      .help("for example `lr: 1e-3`, or `lr: cosine(1e-3, total: 2000)`");
  return false;
}

Value Elaborator::constructOptimizer(const Function &constructor, CallSite &site) {
  const OptimizerItem &item = *constructor.optimizerItem;
  if (!ensureChecked(item))
    return poison(site.at);
  auto optimizer = std::make_shared<OptimizerInstance>();
  optimizer->item = &item;
  optimizer->at = site.at;
  optimizer->scope = std::make_shared<Scope>();
  optimizer->scope->parent = constructor.scope;
  // Every optimizer takes clip_norm and clip_value.
  CallSite own = site;
  own.arguments.clear();
  for (CallSite::Argument &argument : site.arguments) {
    if (argument.name == "clip_norm" || argument.name == "clip_value") {
      if (argument.value.kind == Value::Number && argument.value.number == 0)
        continue; // none
      if (!argument.value.isNumber() || !(argument.value.asDouble() > 0)) {
        error(Diag::BadSetting, argument.value.at, argument.name,
              argument.value.isNumber() ? fmt::format("{}", argument.value.asDouble()) : describe(argument.value),
              "a positive number");
        return poison(site.at);
      }
      (argument.name == "clip_norm" ? optimizer->clipNorm : optimizer->clipValue) = argument.value;
    } else {
      own.arguments.push_back(argument);
    }
  }
  if (!bindSettings(*this, item.parameters, own, optimizer->scope))
    return poison(site.at);
  for (const Parameter &parameter : item.parameters) {
    Binding &binding = optimizer->scope->names[std::string(parameter.name)];
    if (binding.value.isNumber() && !binding.value.at.valid())
      binding.value.at = site.at;
    optimizer->arguments[std::string(parameter.name)] = binding.value;
  }
  // The learning rate is what people get wrong: a number that is none, or negative.
  if (auto lr = optimizer->arguments.find("lr"); lr != optimizer->arguments.end())
    if (!checkRate(lr->second, lr->second.at))
      return poison(site.at);
  Value value = Value::unit(site.at);
  value.kind = Value::Optimizer;
  value.optimizer = optimizer;
  return value;
}

} // namespace dlc
