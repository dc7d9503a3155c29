// Models and optimizers: making instances, their members, calling them.
#include "frontend/Elaborator.h"

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
    signature.parameters.push_back(std::string(parameter.name) + (parameter.defaultValue ? "?" : ""));
  bool good = true;
  signature.apply = [&](Elaborator &elaborator, CallSite &bound) {
    for (size_t i = 0; i < parameters.size() && good; ++i) {
      Value value = bound.bound[i] ? *bound.bound[i] : elaborator.expression(*parameters[i].defaultValue, scope);
      if (item && item == elaborator.overrideModel && parameters[i].defaultValue)
        elaborator.applyOverride(std::string(parameters[i].name), value);
      good = !value.poison() && elaborator.bindParameter(parameters[i], value, scope, bound.callee);
    }
    return Value::unit(bound.at);
  };
  auto function = std::make_shared<Function>();
  function->kind = Function::Native;
  function->builtin = &signature;
  return !e.apply(Value::ofFunction(function, site.at), site).poison() && good;
}

Value Elaborator::construct(const Function &constructor, CallSite &site) {
  const ModelItem &item = *constructor.modelItem;
  for (const Active &call : active)
    if (call.what == &item && active.size() > 64) {
      std::string name(item.name);
      error(Diag::Recursive, site.at, name).note(item.nameRange, "`" + name + "` is defined here").help("a model cannot hold itself");
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
  active.push_back({&item, ""});
  unsigned before = diagnostics.errorCount();
  members(item.members, *model, model->scope);
  active.pop_back();
  if (diagnostics.errorCount() != before)
    return poison(site.at);
  Value value = Value::unit(site.at);
  value.kind = Value::Model;
  value.model = model;
  return value;
}

void Elaborator::members(const std::vector<Member *> &list, ModelInstance &model, const ScopeRef &scope) {
  for (const Member *member : list) {
    std::string name(member->name);
    if (member->kind != MemberKind::If && (model.find(name) || model.functions.count(name))) {
      error(Diag::DefinedTwice, member->nameRange, name);
      continue;
    }
    switch (member->kind) {
    case MemberKind::If: {
      Value condition = expression(*member->value, scope);
      if (condition.poison())
        break;
      if (condition.kind != Value::Bool) {
        error(Diag::NotConstant, condition.at, "a condition around members");
        break;
      }
      members(condition.flag ? member->thenMembers : member->elseMembers, model, scope);
      break;
    }
    case MemberKind::Fn:
      model.functions[name] = member->fn;
      break;
    case MemberKind::Layer: {
      Value layer = expression(*member->value, scope);
      if (layer.poison())
        break;
      bool good = layer.kind == Value::Model || layer.kind == Value::Fn || layer.kind == Value::List;
      if (layer.kind == Value::List)
        for (const Value &element : layer.elements)
          good &= element.kind == Value::Model || element.kind == Value::Fn;
      if (!good) {
        error(Diag::NotALayer, layer.at, name, typeString(layer));
        break;
      }
      model.entries.push_back({name, nullptr, std::make_shared<Value>(layer), member->range});
      // Layers are in scope for the defaults and conditions that follow.
      scope->names[name] = {layer, false, member->nameRange};
      break;
    }
    case MemberKind::Param:
    case MemberKind::Buffer: {
      if (!member->type) {
        error(Diag::MissingArgument, member->nameRange, "param " + name, "type");
        break;
      }
      auto slot = std::make_shared<ParamSlot>();
      slot->trained = member->kind == MemberKind::Param;
      slot->value = symbolic(*member->type, scope, member->nameRange, name);
      slot->initialiser = member->value;
      slot->scope = scope;
      slot->at = member->range;
      slot->path = name;
      if (slot->value.poison())
        break;
      if (!slot->value.isTensor()) {
        error(Diag::WrongType, member->type->range, "param `" + name + "`", typeString(slot->value), "a tensor");
        break;
      }
      if (member->value) {
        // The initialiser is checked here; its numbers are drawn when training starts.
        auto savedBuilder = std::move(builder);
        const Shape *savedShape = initialiserShape;
        initialiserShape = &slot->value.shape;
        Value initial = expression(*member->value, scope);
        initialiserShape = savedShape;
        builder = std::move(savedBuilder);
        if (initial.poison())
          break;
        if (initial.isNumber())
          initial = tensorOf(initial, slot->value.dtype);
        bool fits = initial.isTensor() && initial.shape.size() <= slot->value.shape.size();
        if (fits && !initial.shape.empty()) {
          fits = initial.shape.size() == slot->value.shape.size();
          for (size_t i = 0; fits && i < initial.shape.size(); ++i)
            fits = sameSize(initial.shape[i].size, slot->value.shape[i].size).value_or(true);
        }
        if (!fits) {
          error(Diag::InitialiserShape, member->value->range, name, typeString(initial), typeString(slot->value))
              .note(member->type->range, "declared here");
          break;
        }
      }
      model.entries.push_back({name, slot, nullptr, member->range});
      break;
    }
    }
  }
}

Value Elaborator::callModel(const Value &model, CallSite &site) {
  if (!model.model->item && model.model->name == "Sequential") {
    if (site.arguments.size() != 1 || !site.arguments[0].name.empty()) {
      error(Diag::ExtraArgument, site.at, site.callee, "1 argument", site.arguments.size());
      return poison(site.at);
    }
    Value value = site.arguments[0].value;
    std::string saved = path;
    for (const ModelInstance::Entry &entry : model.model->entries) {
      CallSite step;
      step.arguments.push_back({"", value, {}});
      step.at = site.at;
      step.calleeAt = entry.at;
      step.callee = std::string(sources.text(entry.at));
      path = saved + "/" + entry.name;
      value = apply(*entry.layer, step);
      if (value.poison())
        break;
    }
    path = saved;
    value.at = site.at;
    return value;
  }
  auto found = model.model->functions.find("forward");
  if (found == model.model->functions.end()) {
    error(Diag::NoForward, site.calleeAt, model.model->name)
        .note(model.model->item ? model.model->item->nameRange : model.model->at, "`" + model.model->name + "` is defined here")
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

void Elaborator::checkModel(const ModelItem &item) {
  // With names for its sizes: the members, then each function.
  auto scope = std::make_shared<Scope>();
  scope->parent = file;
  auto savedBuilder = std::move(builder);
  bool savedChecking = std::exchange(checkingOnly, true);
  unsigned before = diagnostics.errorCount();
  auto model = std::make_shared<ModelInstance>();
  model->item = &item;
  model->name = std::string(item.name);
  model->at = item.range;
  model->scope = scope;
  std::string signature = "model " + model->name + "(";
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
      value = Value::ofNumber(0.5, parameter.range);
    }
    scope->names[name] = {value, false, parameter.range};
  }
  inferred.push_back({model->name, signature + ")"});
  active.push_back({&item, ""});
  members(item.members, *model, scope);
  active.pop_back();
  nameParameters(*model);
  for (const ModelInstance::Entry &entry : model->entries) {
    if (entry.param)
      inferred.push_back({model->name, (entry.param->trained ? "  param " : "  buffer ") + entry.name + ": " + typeString(entry.param->value)});
    else
      inferred.push_back({model->name, "  layer " + entry.name + ": " + typeString(*entry.layer)});
  }
  if (diagnostics.errorCount() == before)
    for (auto &[name, fn] : model->functions)
      ensureChecked(*fn, scope, model);
  builder = std::move(savedBuilder);
  checkingOnly = savedChecking;
}

Value Elaborator::constructOptimizer(const Function &constructor, CallSite &site) {
  const OptimizerItem &item = *constructor.optimizerItem;
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
              argument.value.isNumber() ? fmt::format("{}", argument.value.asDouble()) : typeString(argument.value),
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
  if (auto lr = optimizer->arguments.find("lr"); lr != optimizer->arguments.end() && lr->second.isNumber()) {
    double rate = lr->second.asDouble();
    if (!(rate >= 0) || std::isinf(rate)) {
      error(Diag::BadSetting, lr->second.at, "lr", fmt::format("{}", rate), "a number that is not negative");
      return poison(site.at);
    }
  }
  Value value = Value::unit(site.at);
  value.kind = Value::Optimizer;
  value.optimizer = optimizer;
  return value;
}

} // namespace dlc
