// The optimizer in a training's functions: clipped gradients, settings of this step, and its update of each parameter.
#include "frontend/elaborate/ActiveCalls.h"
#include "frontend/elaborate/TrainElaborator.h"

#include <algorithm>

namespace dlc {

using namespace ast;

std::vector<Value> TrainElaborator::clip(std::vector<Value> gradients) {
  bool byNorm = false;
  for (size_t i = 0; i < gradients.size(); ++i) {
    const OptimizerInstance &instance = groups[groupOf[i]].optimizer;
    Value &g = gradients[i];
    byNorm |= !instance.clipNorm.poison();
    if (instance.clipValue.poison())
      continue;
    Value limit = e.constant(instance.clipValue.asDouble(), g.dtype, g.shape, g.at);
    g = e.binaryOp("max", e.binaryOp("min", g, limit, g.at), e.unaryOp("neg", limit, g.at), g.at);
  }
  if (!byNorm)
    return gradients;
  // min(1, clip_norm / (norm + 1e-6)), the norm over all parameters together, as in PyTorch.
  SourceRange at = groups[0].optimizer.at;
  Value total = e.constant(0, DType::F32, {}, at);
  for (const Value &g : gradients) {
    std::vector<int64_t> axes;
    for (size_t i = 0; i < g.shape.size(); ++i)
      axes.push_back(int64_t(i));
    total =
        e.binaryOp("add", total, e.cast(e.reduceOp("sum", e.binaryOp("mul", g, g, at), axes, at), DType::F32, at), at);
  }
  Value norm = e.binaryOp("add", e.unaryOp("sqrt", total, at), e.constant(1e-6, DType::F32, {}, at), at);
  std::vector<Value> factors(groups.size());
  for (size_t i = 0; i < gradients.size(); ++i) {
    const OptimizerInstance &instance = groups[groupOf[i]].optimizer;
    if (instance.clipNorm.poison())
      continue;
    Value &factor = factors[groupOf[i]], &g = gradients[i];
    if (factor.poison()) {
      factor = e.binaryOp("div", e.constant(instance.clipNorm.asDouble(), DType::F32, {}, at), norm, at);
      factor = e.binaryOp("min", factor, e.constant(1, DType::F32, {}, at), at);
    }
    g = e.binaryOp("mul", g, e.broadcastTo(e.cast(factor, g.dtype, at), g.shape, at), at);
  }
  return gradients;
}

ScopeRef TrainElaborator::settingsAt(const OptimizerInstance &instance, const Value &step) {
  auto settings = std::make_shared<Scope>();
  settings->parent = instance.scope;
  for (auto &[key, value] : instance.arguments) {
    if (value.kind != Value::Fn)
      continue;
    Value now = e.apply(value, {step}, value.at);
    if (now.poison())
      return nullptr;
    if (key == "lr" && !e.checkRate(now, now.at.valid() ? now.at : value.at))
      return nullptr;
    if (!now.isNumber() && !(now.isTensor() && now.shape.empty())) {
      e.error(Diag::BadSetting, value.at, key, "a function that gives " + describe(now),
              "a function of the step that gives a number");
      return nullptr;
    }
    if (now.isTensor())
      now.soft = now.dtype == DType::F64;
    settings->names[key] = {now, false, value.at};
  }
  return settings;
}

bool TrainElaborator::update(const std::vector<Value> &given, const std::vector<Value> &learned,
                             std::vector<std::vector<Value>> states, const Value &step,
                             std::vector<mlir::Value> &results, Value &rate) {
  std::vector<Value> gradients = clip(given);
  std::vector<ScopeRef> settings;
  for (const Group &group : groups) {
    // What goes wrong inside an optimizer of std is shown where the user names it.
    InsideCall inside(e, group.optimizer.at);
    settings.push_back(settingsAt(group.optimizer, step));
    if (!settings.back())
      return false;
  }
  if (Binding *lr = settings[0]->find("lr"))
    rate = lr->value;
  for (size_t i = 0; i < learned.size(); ++i) {
    const Value &p = learned[i];
    const Group &group = groups[groupOf[i]];
    const OptimizerItem &definition = *group.optimizer.item;
    InsideCall inside(e, group.optimizer.at);
    auto scope = std::make_shared<Scope>();
    scope->parent = settings[groupOf[i]];
    const Value *given3[] = {&p, &gradients[i], &step};
    for (int k = 0; k < 3; ++k)
      scope->names[std::string(definition.updateParameters[k].name)] = {*given3[k], false,
                                                                        definition.updateParameters[k].range};
    // Those of other optimizers stay as they are.
    for (const Parameter &state : definition.states) {
      size_t s = size_t(std::find(plan.states.begin(), plan.states.end(), state.name) - plan.states.begin());
      scope->names[plan.states[s]] = {states[i][s], true, state.range};
    }
    // The block's scope must outlive it, to read the states that it assigned.
    Value next = Value::unit(definition.range);
    for (const Stmt *stmt : definition.update->statements)
      next = e.statement(*stmt, scope);
    auto fits = [&](Value &value, const std::string &what, bool isState) {
      if (value.poison())
        return false;
      if (value.isNumber() && isState)
        value = e.constant(value.asDouble(), p.dtype, p.shape, value.at);
      if (value.isTensor() && value.shape.empty() && !p.shape.empty() && isState)
        value = e.broadcastTo(e.cast(value, p.dtype, value.at), p.shape, value.at);
      if (!value.isTensor() || value.dtype != p.dtype || str(value.shape) != str(p.shape)) {
        if (value.kind == Value::Unit)
          value.at = definition.update->range;
        e.error(Diag::WrongType, value.at, what, describe(value), describe(p))
            .note(definition.nameRange,
                  fmt::format("in the update of `{}` for `{}`", definition.name, plan.params[plan.learned[i]]->path));
        return false;
      }
      return true;
    };
    if (!fits(next, "the new value of a parameter", false))
      return false;
    results.push_back(e.ir(next));
    for (size_t s = 0; s < plan.states.size(); ++s) {
      auto kept = scope->names.find(plan.states[s]);
      Value state = kept != scope->names.end() ? kept->second.value : states[i][s];
      if (!fits(state, "state `" + plan.states[s] + "`", true))
        return false;
      results.push_back(e.ir(state));
    }
  }
  return true;
}

} // namespace dlc
