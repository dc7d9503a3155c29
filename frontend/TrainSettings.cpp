// The settings of a `train` block: each read once, checked, and put into the plan.
#include "frontend/TrainElaborator.h"

#include <cmath>

namespace dlc {

using namespace ast;

const std::vector<std::string> &trainSettingNames() {
  static const std::vector<std::string> names = {
    "optimizer", "batch", "epochs",  "steps", "validate", "stop_after", "save",      "resume",
    "init",      "seed",  "shuffle", "every", "log",      "accumulate", "allow_nan"};
  return names;
}

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
    if (std::find(trainSettingNames().begin(), trainSettingNames().end(), key) == trainSettingNames().end()) {
      auto report = e.error(Diag::UnknownSetting, entry.nameRange, key);
      if (std::string near = nearest(key, trainSettingNames()); !near.empty())
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

} // namespace dlc
