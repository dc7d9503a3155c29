// The functions of a training as modules: the step, the evaluation and the initial values.
#include "frontend/elaborate/ActiveCalls.h"
#include "frontend/elaborate/TrainElaborator.h"

#include "ir/Dialect.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace dlc {

using namespace ast;

std::vector<Value> TrainElaborator::clip(std::vector<Value> gradients) {
  OptimizerInstance &instance = *optimizer.optimizer;
  if (!instance.clipValue.poison())
    for (Value &g : gradients) {
      Value limit = e.constant(instance.clipValue.asDouble(), g.dtype, g.shape, g.at);
      g = e.binaryOp("max", e.binaryOp("min", g, limit, g.at), e.unaryOp("neg", limit, g.at), g.at);
    }
  if (instance.clipNorm.poison())
    return gradients;
  // min(1, clip_norm / (norm + 1e-6)), the norm over all parameters together, as in PyTorch.
  SourceRange at = instance.at;
  Value total = e.constant(0, DType::F32, {}, at);
  for (const Value &g : gradients) {
    std::vector<int64_t> axes;
    for (size_t i = 0; i < g.shape.size(); ++i)
      axes.push_back(int64_t(i));
    total =
        e.binaryOp("add", total, e.cast(e.reduceOp("sum", e.binaryOp("mul", g, g, at), axes, at), DType::F32, at), at);
  }
  Value norm = e.binaryOp("add", e.unaryOp("sqrt", total, at), e.constant(1e-6, DType::F32, {}, at), at);
  Value factor = e.binaryOp("div", e.constant(instance.clipNorm.asDouble(), DType::F32, {}, at), norm, at);
  factor = e.binaryOp("min", factor, e.constant(1, DType::F32, {}, at), at);
  for (Value &g : gradients)
    g = e.binaryOp("mul", g, e.broadcastTo(e.cast(factor, g.dtype, at), g.shape, at), at);
  return gradients;
}

ScopeRef TrainElaborator::settingsAt(const Value &step) {
  OptimizerInstance &instance = *optimizer.optimizer;
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

bool TrainElaborator::update(const std::vector<Value> &given, const std::vector<Value> &params,
                             std::vector<std::vector<Value>> states, const Value &step,
                             std::vector<mlir::Value> &results, Value &rate) {
  OptimizerInstance &instance = *optimizer.optimizer;
  const OptimizerItem &definition = *instance.item;
  std::vector<Value> gradients = clip(given);
  // What goes wrong inside an optimizer of std is shown where the user names it.
  InsideCall inside(e, instance.at);
  ScopeRef settings = settingsAt(step);
  if (!settings)
    return false;
  if (Binding *lr = settings->find("lr"))
    rate = lr->value;
  for (size_t i = 0; i < params.size(); ++i) {
    if (!plan.params[i]->trained) {
      results.push_back(e.ir(params[i]));
      for (const Value &state : states[i])
        results.push_back(e.ir(state));
      continue;
    }
    auto scope = std::make_shared<Scope>();
    scope->parent = settings;
    const Value *given3[] = {&params[i], &gradients[i], &step};
    for (int k = 0; k < 3; ++k)
      scope->names[std::string(definition.updateParameters[k].name)] = {*given3[k], false,
                                                                        definition.updateParameters[k].range};
    for (size_t s = 0; s < plan.states.size(); ++s)
      scope->names[plan.states[s]] = {states[i][s], true, definition.states[s].range};
    // The block's scope must outlive it, to read the states that it assigned.
    Value next = Value::unit(definition.range);
    for (const Stmt *stmt : definition.update->statements)
      next = e.statement(*stmt, scope);
    auto fits = [&](Value &value, const std::string &what, bool isState) {
      if (value.poison())
        return false;
      if (value.isNumber() && isState)
        value = e.constant(value.asDouble(), params[i].dtype, params[i].shape, value.at);
      if (value.isTensor() && value.shape.empty() && !params[i].shape.empty() && isState)
        value = e.broadcastTo(e.cast(value, params[i].dtype, value.at), params[i].shape, value.at);
      if (!value.isTensor() || value.dtype != params[i].dtype || str(value.shape) != str(params[i].shape)) {
        if (value.kind == Value::Unit)
          value.at = definition.update->range;
        e.error(Diag::WrongType, value.at, what, describe(value), describe(params[i]))
            .note(definition.nameRange,
                  fmt::format("in the update of `{}` for `{}`", definition.name, plan.params[i]->path));
        return false;
      }
      return true;
    };
    if (!fits(next, "the new value of a parameter", false))
      return false;
    results.push_back(e.ir(next));
    for (size_t s = 0; s < plan.states.size(); ++s) {
      Value state = scope->names[plan.states[s]].value;
      if (!fits(state, "state `" + plan.states[s] + "`", true))
        return false;
      results.push_back(e.ir(state));
    }
  }
  return true;
}

TrainModule TrainElaborator::function(bool isStep, int64_t batch) {
  FunctionFrame frame(e.graph, isStep ? "step" : "evaluate", e.location(item.range), FunctionFrame::Inputs);
  mlir::func::FuncOp function = frame.function();
  struct Role {
    const char *role;
    std::string name;
  };
  std::vector<Role> roles;
  auto argument = [&](const char *role, const std::string &argumentName, DType dtype, const Shape &shape,
                      SourceRange at) {
    mlir::Value made = frame.addArgument(e.irType(dtype, shape), e.location(at));
    roles.push_back({role, argumentName});
    return Value::ofTensor(dtype, shape, made, at);
  };
  std::vector<Value> params;
  std::vector<std::vector<Value>> states;
  for (const ParamSlotRef &slot : plan.params)
    params.push_back(argument("param", slot->path, slot->value.dtype, slot->value.shape, slot->at));
  if (isStep) {
    states.resize(plan.params.size());
    for (size_t s = 0; s < plan.states.size(); ++s)
      for (size_t i = 0; i < plan.params.size(); ++i)
        states[i].push_back(argument("state", plan.states[s] + "." + plan.params[i]->path, params[i].dtype,
                                     params[i].shape, plan.params[i]->at));
  }
  std::vector<std::pair<std::string, Value>> inputs = fields(Size(batch));
  for (auto &[field, value] : inputs)
    value = argument("input", field, value.dtype, value.shape, value.at);
  Value steps = argument("input", "step", DType::I64, {}, item.nameRange);
  frame.step = steps.ir;
  frame.seed = argument("input", "seed", DType::I64, {}, item.nameRange).ir;

  std::vector<mlir::Value> results;
  std::vector<std::string> outputs;
  Value rate;
  std::optional<Body> made;
  bool good = true;
  mlir::Location loc = e.location(item.range);
  if (isStep) {
    // The block is the region of a dl.grad over the trained parameters; the reports ride along.
    RegionFrame region(e.graph, RegionFrame::Transparent);
    std::vector<Value> inside = params;
    std::vector<mlir::Value> wanted;
    for (size_t i = 0; i < params.size(); ++i)
      if (plan.params[i]->trained) {
        wanted.push_back(params[i].ir);
        inside[i].ir = region.addArgument(params[i].ir.getType(), e.location(plan.params[i]->at));
      }
    Value trained = model;
    trained.model = withValues(*model.model, inside);
    made = body(trained, inputs, true);
    std::vector<mlir::Value> yielded;
    if (made) {
      yielded.push_back(e.ir(made->loss));
      for (const Value &report : made->reports)
        yielded.push_back(e.ir(report));
      region.yield(yielded, loc);
    }
    region.close();
    if (made) {
      std::vector<mlir::Type> types;
      for (mlir::Value value : yielded)
        types.push_back(value.getType());
      for (mlir::Value value : wanted)
        types.push_back(value.getType());
      Value one = e.constant(1, DType::F32, {}, item.range);
      auto grad =
          dl::GradOp::create(e.graph.here(), loc, types, wanted, mlir::ValueRange{one.ir}, int64_t(yielded.size()) - 1);
      region.moveTo(grad.getBody());
      size_t next = 0;
      for (size_t i = 0; i < yielded.size(); ++i)
        results.push_back(grad.getResult(next++));
      std::vector<Value> gradients = params;
      for (size_t i = 0; i < params.size(); ++i)
        if (plan.params[i]->trained)
          gradients[i].ir = grad.getResult(next++);
      Value step = e.cast(steps, DType::F64, item.nameRange);
      step.soft = true;
      std::vector<mlir::Value> updated;
      good = update(gradients, params, states, step, updated, rate);
      if (good && (rate.isNumber() || rate.isTensor())) {
        Value shown = e.tensorOf(rate, DType::F32);
        shown = e.cast(shown, DType::F32, item.range);
        results.push_back(shown.ir);
      }
      results.insert(results.end(), updated.begin(), updated.end());
    }
  } else {
    Value trained = model;
    trained.model = withValues(*model.model, params);
    made = body(trained, inputs, false);
    if (made) {
      results.push_back(e.ir(made->loss));
      for (const Value &report : made->reports)
        results.push_back(e.ir(report));
    }
  }
  if (!made || !good)
    return {};
  TrainModule whole{frame.finish(results), frame.inputs};
  for (size_t i = 0; i < frame.inputs.size(); ++i)
    roles.push_back({"input", fmt::format("captured{}", i)});
  mlir::OpBuilder attributes(&e.context);
  auto annotate = [&](bool isArgument, unsigned i, const char *key, mlir::Attribute value) {
    if (isArgument)
      function.setArgAttr(i, key, value);
    else
      function.setResultAttr(i, key, value);
  };
  for (size_t i = 0; i < roles.size(); ++i) {
    annotate(true, unsigned(i), "dl.role", attributes.getStringAttr(roles[i].role));
    annotate(true, unsigned(i), "dl.name", attributes.getStringAttr(roles[i].name));
  }
  unsigned next = 0;
  annotate(false, next++, "dl.name", attributes.getStringAttr("loss"));
  for (const std::string &report : plan.reports)
    annotate(false, next++, "dl.name", attributes.getStringAttr(report));
  if (isStep) {
    if (rate.isNumber() || rate.isTensor())
      annotate(false, next++, "dl.name", attributes.getStringAttr("learning rate"));
    // Results come parameter by parameter, its states behind it; arguments state by state.
    for (size_t i = 0; i < plan.params.size(); ++i) {
      annotate(false, next++, "dl.updates", attributes.getI64IntegerAttr(int64_t(i)));
      for (size_t s = 0; s < plan.states.size(); ++s)
        annotate(false, next++, "dl.updates", attributes.getI64IntegerAttr(int64_t((s + 1) * plan.params.size() + i)));
    }
  }
  return whole;
}

TrainModule TrainElaborator::initial() {
  FunctionFrame frame(e.graph, "initial", e.location(item.range), FunctionFrame::Inputs);
  frame.seed = e.constant(plan.seed, DType::I64, {}, item.range).ir;
  std::vector<mlir::Value> results;
  unsigned before = e.diagnostics.errorCount();
  for (const ParamSlotRef &slot : plan.params) {
    InDrawPlace place(e, name + "." + slot->path);
    // A model that was used or trained before goes on from where it is.
    Value value = slot->value.host ? slot->value : e.initialValue(*slot);
    if (value.poison())
      break;
    results.push_back(e.ir(value));
  }
  if (e.diagnostics.errorCount() != before)
    return {};
  return {frame.finish(results), frame.inputs};
}

} // namespace dlc
