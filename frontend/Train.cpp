// `train` blocks: their settings, the training step, the evaluation and the initial values, each as a module.
#include "frontend/Elaborator.h"

#include "ir/Dialect.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

#include <cmath>

namespace dlc {

using namespace ast;

static const std::vector<std::string> settingNames = {
    "optimizer", "batch", "epochs",  "steps", "validate", "stop_after", "save",      "resume",
    "init",      "seed",  "shuffle", "every", "log",      "accumulate", "allow_nan"};

namespace {

/// One elaboration of a train block: shared by its check and by the functions made of it.
class TrainElaborator : public std::enable_shared_from_this<TrainElaborator> {
public:
  TrainElaborator(Elaborator &e, const TrainItem &item) : e(e), item(item), name(item.name) {}

  /// Checks everything; with an executor also fills `plan`. False when an error was reported.
  bool check();
  mlir::OwningOpRef<mlir::ModuleOp> function(bool step, int64_t batch);
  mlir::OwningOpRef<mlir::ModuleOp> initial();

  Value model;
  TrainPlan plan;

private:
  struct Body {
    Value loss;
    std::vector<Value> reports;
  };
  /// The block's lets, `minimize` and reports for one batch; nothing when an error was reported.
  std::optional<Body> body(const Value &model, const std::vector<std::pair<std::string, Value>> &fields, bool training);
  bool settings();
  const TrainEntry *setting(const char *key) const;
  Value settingValue(const char *key);
  bool number(const char *key, int64_t &into, int64_t least);
  bool flag(const char *key, bool &into);
  bool text(const char *key, std::string &into);
  bool stopAfter();
  Value scalar(Value value, const std::string &what);
  std::vector<std::pair<std::string, Value>> fields(const Size &batch);
  bool update(const Body &body, const std::vector<Value> &gradients, const std::vector<Value> &params,
              std::vector<std::vector<Value>> states, const Value &step, std::vector<mlir::Value> &results, Value &rate);
  std::vector<Value> clip(std::vector<Value> gradients);

  Elaborator &e;
  const TrainItem &item;
  std::string name;
  Value optimizer;
};

} // namespace

const TrainEntry *TrainElaborator::setting(const char *key) const {
  for (const TrainEntry &entry : item.entries)
    if (entry.kind == TrainEntry::Setting && entry.name == key)
      return &entry;
  return nullptr;
}

Value TrainElaborator::settingValue(const char *key) {
  Value value = Value::unit(item.nameRange);
  if (const TrainEntry *entry = setting(key)) {
    value = e.expression(*entry->value, e.file);
    value.at = entry->value->range;
  }
  e.applyOverride(key, value);
  e.applyOverride(name + "." + key, value);
  return value;
}

bool TrainElaborator::number(const char *key, int64_t &into, int64_t least) {
  Value value = settingValue(key);
  if (value.kind == Value::Unit)
    return true;
  if (value.poison())
    return false;
  bool whole = value.kind == Value::SizeOf || (value.kind == Value::Number && value.number == std::floor(value.number) && std::abs(value.number) < 9e15);
  std::string expected = least == 0 ? "a whole number, not negative" : "a positive whole number";
  if (!whole) {
    e.error(Diag::BadSetting, value.at, key, value.kind == Value::Number ? fmt::format("{}", value.number) : typeString(value), expected);
    return false;
  }
  if (value.kind == Value::SizeOf && !value.size.isConstant())
    return true;
  into = int64_t(value.asDouble());
  if (into < least) {
    e.error(Diag::BadSetting, value.at, key, fmt::format("{}", into), expected);
    return false;
  }
  return true;
}

bool TrainElaborator::flag(const char *key, bool &into) {
  Value value = settingValue(key);
  if (value.kind == Value::Unit)
    return true;
  if (value.kind != Value::Bool) {
    if (!value.poison())
      e.error(Diag::BadSetting, value.at, key, typeString(value), "true or false");
    return false;
  }
  into = value.flag;
  return true;
}

bool TrainElaborator::text(const char *key, std::string &into) {
  Value value = settingValue(key);
  if (value.kind == Value::Unit)
    return true;
  if (value.kind != Value::String || value.text.empty()) {
    if (!value.poison())
      e.error(Diag::BadSetting, value.at, key, value.kind == Value::String ? "empty" : typeString(value), "a file name in quotes");
    return false;
  }
  into = value.text;
  return true;
}

bool TrainElaborator::stopAfter() {
  Value value = settingValue("stop_after");
  if (value.kind == Value::Unit)
    return true;
  if (value.poison())
    return false;
  if (value.kind != Value::Duration || value.text.empty()) {
    e.error(Diag::BadSetting, value.at, "stop_after", value.kind == Value::Duration ? "a length of time" : typeString(value),
            "`N epochs without better METRIC`")
        .help("for example `stop_after: 2 epochs without better val.loss`");
    return false;
  }
  plan.patience = value.integer;
  plan.patienceEpochs = value.flag;
  plan.patienceMetric = value.text;
  std::string metric = value.text.starts_with("val.") ? value.text.substr(4) : value.text;
  auto found = std::find(plan.reports.begin(), plan.reports.end(), metric);
  if (metric != "loss" && found == plan.reports.end()) {
    auto report = e.error(Diag::UnknownName, value.at, value.text);
    std::vector<std::string> known = plan.reports;
    known.push_back("loss");
    std::string near = nearest(metric, known);
    report.help("metrics are `loss` and what `report` names" + (near.empty() ? "" : "; did you mean `" + near + "`?"));
    return false;
  }
  if (value.text.starts_with("val.") && !plan.validate && !setting("validate")) {
    e.error(Diag::MissingSetting, value.at, name, "validate").help("`" + value.text + "` is that of the validation set");
    return false;
  }
  plan.patienceLower = metric == "loss" || !value.weak;
  return true;
}

/// Whether every size of a shape is a number.
static bool sizesKnown(const Shape &shape) {
  for (const Dim &dim : shape)
    if (!dim.size.isConstant())
      return false;
  return true;
}

bool TrainElaborator::settings() {
  bool good = true;
  for (const TrainEntry &entry : item.entries) {
    if (entry.kind != TrainEntry::Setting)
      continue;
    std::string key(entry.name);
    if (std::find(settingNames.begin(), settingNames.end(), key) == settingNames.end()) {
      auto report = e.error(Diag::UnknownSetting, entry.nameRange, key);
      if (std::string near = nearest(key, settingNames); !near.empty())
        report.help("did you mean `" + near + "`?");
      good = false;
    }
    if (setting(key.c_str()) != &entry) {
      e.error(Diag::SettingTwice, entry.nameRange, key).note(setting(key.c_str())->nameRange, "first given here");
      good = false;
    }
  }
  good &= number("batch", plan.batch, 1);
  good &= number("epochs", plan.epochs, 1);
  good &= number("steps", plan.steps, 1);
  good &= number("seed", plan.seed, 0);
  good &= number("accumulate", plan.accumulate, 1);
  good &= flag("shuffle", plan.shuffle);
  good &= flag("allow_nan", plan.allowNan);
  good &= text("save", plan.save);
  good &= text("resume", plan.resume);
  good &= text("init", plan.init);
  good &= text("log", plan.log);
  if (plan.accumulate > 1) {
    e.error(Diag::NotSupported, setting("accumulate") ? setting("accumulate")->range : item.nameRange, "`accumulate`");
    good = false;
  }
  if (Value every = settingValue("every"); every.kind == Value::Duration || (every.kind == Value::Number && !every.isFloat)) {
    plan.every = every.integer;
    plan.everyEpochs = every.kind == Value::Duration && every.flag;
  } else if (every.kind != Value::Unit) {
    if (!every.poison())
      e.error(Diag::BadSetting, every.at, "every", typeString(every), "a length of time").help("for example `every: 100 steps`");
    good = false;
  }
  if (Value validate = settingValue("validate"); validate.kind == Value::Data) {
    plan.validate = validate.data;
  } else if (validate.kind != Value::Unit) {
    if (!validate.poison())
      e.error(Diag::BadSetting, validate.at, "validate", typeString(validate), "a data set");
    good = false;
  }
  good &= stopAfter();
  if (plan.validate && plan.data)
    for (const DataInfo::Field &field : plan.data->fields) {
      const DataInfo::Field *other = nullptr;
      for (const DataInfo::Field &candidate : plan.validate->fields)
        if (candidate.name == field.name)
          other = &candidate;
      if (!other || other->dtype != field.dtype || other->shape.size() != field.shape.size() ||
          (sizesKnown(field.shape) && sizesKnown(other->shape) && str(other->shape) != str(field.shape))) {
        e.error(Diag::BadSetting, setting("validate") ? setting("validate")->range : item.nameRange, "validate",
                "a data set without `" + field.name + ": " + typeString(Value::ofTensor(field.dtype, field.shape, {}, {})) + "`",
                "one with the fields of `" + plan.data->name + "`")
            .note(field.at, "the field is declared here");
        good = false;
        break;
      }
    }
  if (plan.epochs == 0 && plan.steps == 0) {
    e.error(Diag::MissingSetting, item.nameRange, name, "epochs").help("`epochs: 10`, or `steps: 1000`");
    good = false;
  }
  if (!plan.data && plan.steps == 0 && plan.epochs != 0) {
    e.error(Diag::MissingSetting, item.nameRange, name, "steps").help("without data there are no epochs");
    good = false;
  }
  // What an epoch is, for lengths of time in the optimizer's settings.
  e.stepsPerEpoch = 1;
  if (e.executor && plan.data && plan.data->rows.isConstant())
    e.stepsPerEpoch = std::max<int64_t>(1, (plan.data->rows.constant() + plan.batch - 1) / plan.batch);
  optimizer = settingValue("optimizer");
  e.stepsPerEpoch.reset();
  if (optimizer.kind == Value::Unit) {
    e.error(Diag::MissingSetting, item.nameRange, name, "optimizer").help("for example `optimizer: adam(lr: 1e-3)`");
    return false;
  }
  if (optimizer.kind != Value::Optimizer) {
    if (!optimizer.poison()) {
      auto report = e.error(Diag::BadSetting, optimizer.at, "optimizer", typeString(optimizer), "an optimizer");
      if (optimizer.kind == Value::Fn)
        report.help("call it: `optimizer: adam(lr: 1e-3)`");
    }
    return false;
  }
  for (const Parameter &state : optimizer.optimizer->item->states) {
    plan.states.push_back(std::string(state.name));
    Value initialValue = state.defaultValue ? e.expression(*state.defaultValue, optimizer.optimizer->scope) : Value::ofInteger(0, state.range);
    if (!initialValue.isNumber()) {
      if (!initialValue.poison())
        e.error(Diag::WrongType, initialValue.at, fmt::format("the initial value of state `{}`", state.name), typeString(initialValue), "a number");
      return false;
    }
    plan.stateInitial.push_back(initialValue.asDouble());
  }
  return good;
}

std::vector<std::pair<std::string, Value>> TrainElaborator::fields(const Size &batch) {
  std::vector<std::pair<std::string, Value>> made;
  if (!plan.data)
    return made;
  for (const DataInfo::Field &field : plan.data->fields) {
    if (field.isString)
      continue;
    Shape shape = {{batch, item.nameRange}};
    shape.insert(shape.end(), field.shape.begin(), field.shape.end());
    made.push_back({field.name, Value::ofTensor(field.dtype, std::move(shape), {}, field.at)});
  }
  return made;
}

Value TrainElaborator::scalar(Value value, const std::string &what) {
  if (value.poison())
    return value;
  if (value.isNumber() || value.kind == Value::Bool)
    value = e.tensorOf(value, DType::F32);
  if (!value.isTensor() || !value.shape.empty()) {
    auto report = e.error(Diag::NotScalar, value.at, what, typeString(value));
    if (value.isTensor())
      report.help("`mean(..)` makes one number of many");
    return e.poison(value.at);
  }
  return e.cast(value, DType::F32, value.at);
}

std::optional<TrainElaborator::Body> TrainElaborator::body(const Value &trained,
                                                           const std::vector<std::pair<std::string, Value>> &inputs,
                                                           bool training) {
  auto scope = std::make_shared<Scope>();
  scope->parent = e.file;
  for (auto &[field, value] : inputs)
    scope->names[field] = {value, false, value.at};
  scope->names[name] = {trained, false, item.nameRange};
  bool saved = std::exchange(e.training, training);
  std::string savedPath = std::exchange(e.path, name);
  unsigned savedCounter = std::exchange(e.randomCounter, 0);
  unsigned before = e.diagnostics.errorCount();
  Body result;
  const TrainEntry *minimized = nullptr;
  for (const TrainEntry &entry : item.entries) {
    if (entry.kind == TrainEntry::Statement) {
      e.statement(*entry.statement, scope);
    } else if (entry.kind == TrainEntry::Minimize) {
      if (minimized)
        e.error(Diag::TwoOptimizers, entry.range, name).note(minimized->range, "first here").help("add the two losses");
      minimized = &entry;
      result.loss = scalar(e.expression(*entry.value, scope), "what is minimized");
    } else if (entry.kind == TrainEntry::Report) {
      result.reports.push_back(scalar(e.expression(*entry.value, scope), fmt::format("report `{}`", entry.name)));
    }
  }
  if (!minimized)
    e.error(Diag::NothingToMinimize, item.nameRange, name).help("write `minimize loss`, where loss is a scalar of the batch");
  e.training = saved;
  e.path = savedPath;
  e.randomCounter = savedCounter;
  if (e.diagnostics.errorCount() != before)
    return std::nullopt;
  return result;
}

bool TrainElaborator::check() {
  plan.name = name;
  plan.at = item.range;
  unsigned before = e.diagnostics.errorCount();
  Value data = item.data ? e.expression(*item.data, e.file) : Value::unit(item.range);
  if (data.kind == Value::Data) {
    plan.data = data.data;
  } else if (data.kind != Value::Unit && !data.poison()) {
    e.error(Diag::WrongType, data.at, "what `" + name + "` is trained on", typeString(data), "a data set");
  }
  const ModelItem *savedModel = e.overrideModel;
  if (item.model->kind == ExprKind::Call) {
    Value callee = e.expression(*static_cast<const CallExpr *>(item.model)->callee, e.file);
    if (callee.kind == Value::Fn && callee.function->kind == Function::Constructor)
      e.overrideModel = callee.function->modelItem;
  }
  std::string savedPath = std::exchange(e.path, name);
  model = e.expression(*item.model, e.file);
  e.path = savedPath;
  e.overrideModel = savedModel;
  if (model.poison() || data.poison())
    return false;
  if (model.kind != Value::Model || parametersOf(*model.model).empty()) {
    auto report = e.error(Diag::NothingToTrain, model.at, name, model.kind == Value::Model ? "a model without parameters" : typeString(model));
    if (model.kind == Value::Fn && model.function->kind == Function::Constructor)
      report.help("make one: `" + std::string(e.sources.text(model.at)) + "(..)`");
    return false;
  }
  nameParameters(*model.model);
  plan.params = parametersOf(*model.model);
  for (const TrainEntry &entry : item.entries)
    if (entry.kind == TrainEntry::Report) {
      std::string report(entry.name);
      if (std::find(plan.reports.begin(), plan.reports.end(), report) != plan.reports.end() || report == "loss")
        e.error(Diag::DefinedTwice, entry.nameRange, report);
      plan.reports.push_back(report);
    }
  bool good = settings();
  // The block itself, checked with a name for the batch size.
  auto savedBuilder = std::move(e.builder);
  auto *savedFrame = std::exchange(e.frame, nullptr);
  bool savedChecking = std::exchange(e.checkingOnly, true);
  Size batch = e.executor ? Size(plan.batch) : Size::named("batch", item.nameRange);
  std::optional<Body> checked = body(model, fields(batch), true);
  if (checked && good) {
    std::vector<Value> params, gradients;
    std::vector<std::vector<Value>> states;
    for (const ParamSlotRef &slot : plan.params) {
      params.push_back(slot->value);
      states.push_back(std::vector<Value>(plan.states.size(), slot->value));
    }
    Value step = Value::ofTensor(DType::F64, {}, {}, item.nameRange);
    step.soft = true;
    std::vector<mlir::Value> results;
    Value rate;
    good = update(*checked, params, params, states, step, results, rate);
  }
  e.checkingOnly = savedChecking;
  e.frame = savedFrame;
  e.builder = std::move(savedBuilder);
  return good && checked && e.diagnostics.errorCount() == before;
}

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
    total = e.binaryOp("add", total, e.cast(e.reduceOp("sum", e.binaryOp("mul", g, g, at), axes, at), DType::F32, at), at);
  }
  Value norm = e.binaryOp("add", e.unaryOp("sqrt", total, at), e.constant(1e-6, DType::F32, {}, at), at);
  Value factor = e.binaryOp("div", e.constant(instance.clipNorm.asDouble(), DType::F32, {}, at), norm, at);
  factor = e.binaryOp("min", factor, e.constant(1, DType::F32, {}, at), at);
  for (Value &g : gradients)
    g = e.binaryOp("mul", g, e.broadcastTo(e.cast(factor, g.dtype, at), g.shape, at), at);
  return gradients;
}

bool TrainElaborator::update(const Body &, const std::vector<Value> &given, const std::vector<Value> &params,
                             std::vector<std::vector<Value>> states, const Value &step, std::vector<mlir::Value> &results,
                             Value &rate) {
  OptimizerInstance &instance = *optimizer.optimizer;
  const OptimizerItem &definition = *instance.item;
  std::vector<Value> gradients = clip(given);
  // Schedules become scalars of this step.
  auto settings = std::make_shared<Scope>();
  settings->parent = instance.scope;
  for (auto &[key, value] : instance.arguments)
    if (value.kind == Value::Fn) {
      Value now = e.apply(value, {step}, value.at);
      if (now.poison())
        return false;
      if (now.isTensor())
        now.soft = now.dtype == DType::F64 && now.shape.empty();
      settings->names[key] = {now, false, value.at};
    }
  if (Binding *lr = settings->find("lr"))
    rate = lr->value;
  if (definition.updateParameters.size() != 3) {
    e.error(Diag::BadSetting, definition.nameRange, "update", fmt::format("a function of {} parameters", definition.updateParameters.size()),
            "`update(p, g, step)`");
    return false;
  }
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
      scope->names[std::string(definition.updateParameters[k].name)] = {*given3[k], false, definition.updateParameters[k].range};
    for (size_t s = 0; s < plan.states.size(); ++s)
      scope->names[plan.states[s]] = {states[i][s], true, definition.states[s].range};
    // The block's scope must outlive it, to read the states that it assigned.
    Value next = Value::unit(definition.range);
    for (const Stmt *stmt : definition.update->statements)
      next = e.statement(*stmt, scope);
    auto fits = [&](Value &value, const std::string &what) {
      if (value.poison())
        return false;
      if (value.isNumber())
        value = e.constant(value.asDouble(), params[i].dtype, params[i].shape, value.at);
      if (value.isTensor() && value.shape.empty() && !params[i].shape.empty())
        value = e.broadcastTo(e.cast(value, params[i].dtype, value.at), params[i].shape, value.at);
      if (!value.isTensor() || value.dtype != params[i].dtype || str(value.shape) != str(params[i].shape)) {
        e.error(Diag::WrongType, value.at, what, typeString(value), "`" + typeString(params[i]) + "`")
            .note(definition.nameRange, fmt::format("in the update of `{}` for `{}`", definition.name, plan.params[i]->path));
        return false;
      }
      return true;
    };
    if (!fits(next, "the new value of a parameter"))
      return false;
    results.push_back(e.ir(next));
    for (size_t s = 0; s < plan.states.size(); ++s) {
      Value state = scope->names[plan.states[s]].value;
      if (!fits(state, "state `" + plan.states[s] + "`"))
        return false;
      results.push_back(e.ir(state));
    }
  }
  return true;
}

mlir::OwningOpRef<mlir::ModuleOp> TrainElaborator::function(bool isStep, int64_t batch) {
  auto savedBuilder = std::move(e.builder);
  auto *savedFrame = e.frame;
  auto restore = [&] {
    e.builder = std::move(savedBuilder);
    e.frame = savedFrame;
  };
  auto frame = e.begin(isStep ? "step" : "evaluate", item.range);
  auto function = mlir::cast<mlir::func::FuncOp>(frame->function);
  struct Role {
    const char *role;
    std::string name;
  };
  std::vector<Role> roles;
  auto argument = [&](const char *role, const std::string &argumentName, DType dtype, const Shape &shape, SourceRange at) {
    mlir::Value made = frame->entry->addArgument(e.irType(dtype, shape), e.location(at));
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
        states[i].push_back(argument("state", plan.states[s] + "." + plan.params[i]->path, params[i].dtype, params[i].shape, plan.params[i]->at));
  }
  std::vector<std::pair<std::string, Value>> inputs = fields(Size(batch));
  for (auto &[field, value] : inputs)
    value = argument("input", field, value.dtype, value.shape, value.at);
  frame->step = argument("input", "step", DType::I64, {}, item.nameRange);
  frame->seed = argument("input", "seed", DType::I64, {}, item.nameRange);

  std::vector<mlir::Value> results;
  std::vector<std::string> outputs;
  Value rate;
  std::optional<Body> made;
  bool good = true;
  mlir::Location loc = e.location(item.range);
  if (isStep) {
    // The block is the region of a dl.grad over the trained parameters; the reports ride along.
    auto block = std::make_unique<mlir::Block>();
    std::vector<Value> inside = params;
    std::vector<mlir::Value> wanted;
    for (size_t i = 0; i < params.size(); ++i)
      if (plan.params[i]->trained) {
        wanted.push_back(params[i].ir);
        inside[i].ir = block->addArgument(params[i].ir.getType(), e.location(plan.params[i]->at));
      }
    mlir::OpBuilder::InsertPoint outer = e.builder->saveInsertionPoint();
    e.builder->setInsertionPointToEnd(block.get());
    Value trained = model;
    trained.model = withValues(*model.model, inside);
    made = body(trained, inputs, true);
    std::vector<mlir::Value> yielded;
    if (made) {
      yielded.push_back(e.ir(made->loss));
      for (const Value &report : made->reports)
        yielded.push_back(e.ir(report));
      dl::YieldOp::create(*e.builder, loc, yielded);
    }
    e.builder->restoreInsertionPoint(outer);
    if (made) {
      std::vector<mlir::Type> types;
      for (mlir::Value value : yielded)
        types.push_back(value.getType());
      for (mlir::Value value : wanted)
        types.push_back(value.getType());
      Value one = e.constant(1, DType::F32, {}, item.range);
      auto grad = dl::GradOp::create(*e.builder, loc, types, wanted, mlir::ValueRange{one.ir}, int64_t(yielded.size()) - 1);
      grad.getBody().push_back(block.release());
      size_t next = 0;
      for (size_t i = 0; i < yielded.size(); ++i)
        results.push_back(grad.getResult(next++));
      std::vector<Value> gradients = params;
      for (size_t i = 0; i < params.size(); ++i)
        if (plan.params[i]->trained)
          gradients[i].ir = grad.getResult(next++);
      Value step = e.cast(frame->step, DType::F64, item.nameRange);
      step.soft = true;
      std::vector<mlir::Value> updated;
      good = update(*made, gradients, params, states, step, updated, rate);
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
  if (!made || !good) {
    frame->module = nullptr;
    restore();
    return nullptr;
  }
  mlir::OwningOpRef<mlir::ModuleOp> module = e.finish(*frame, results);
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
  restore();
  return module;
}

mlir::OwningOpRef<mlir::ModuleOp> TrainElaborator::initial() {
  auto savedBuilder = std::move(e.builder);
  auto *savedFrame = e.frame;
  auto frame = e.begin("initial", item.range);
  frame->seed = e.constant(double(plan.seed), DType::I64, {}, item.range);
  frame->step = e.constant(0, DType::I64, {}, item.range);
  std::vector<mlir::Value> results;
  unsigned before = e.diagnostics.errorCount();
  for (const ParamSlotRef &slot : plan.params) {
    std::string savedPath = std::exchange(e.path, name + "." + slot->path);
    unsigned savedCounter = std::exchange(e.randomCounter, 0);
    e.initialiserShape = &slot->value.shape;
    Value value = slot->initialiser ? e.expression(*slot->initialiser, slot->scope) : Value::ofInteger(0, slot->at);
    e.initialiserShape = nullptr;
    e.path = savedPath;
    e.randomCounter = savedCounter;
    if (value.poison())
      break;
    value = e.tensorOf(value, slot->value.dtype);
    results.push_back(e.broadcastTo(value, slot->value.shape, slot->at).ir);
  }
  mlir::OwningOpRef<mlir::ModuleOp> module;
  if (e.diagnostics.errorCount() == before)
    module = e.finish(*frame, results);
  e.builder = std::move(savedBuilder);
  e.frame = savedFrame;
  return module;
}

void Elaborator::trainItem(const TrainItem &item) {
  std::string name(item.name);
  auto train = std::make_shared<TrainElaborator>(*this, item);
  Value result = poison(item.nameRange);
  if (train->check()) {
    result = train->model;
    inferred.push_back({name, "train " + name + ": " + typeString(result)});
    if (executor) {
      TrainFunctions functions;
      functions.step = [train](int64_t batch) { return train->function(true, batch); };
      functions.evaluate = [train](int64_t batch) { return train->function(false, batch); };
      functions.initial = [train] { return train->initial(); };
      std::vector<HostBufferRef> params;
      if (executor->train(train->plan, functions, params)) {
        std::vector<Value> values;
        for (size_t i = 0; i < params.size(); ++i) {
          Value value = train->plan.params[i]->value;
          value.host = params[i];
          values.push_back(value);
        }
        result.model = withValues(*train->model.model, values);
      } else {
        result = poison(item.nameRange);
      }
    }
  }
  result.at = item.nameRange;
  file->names[name] = {result, false, item.nameRange};
}

} // namespace dlc
