// The settings of a `train` block: each read once, checked, and put into the plan.
#include "frontend/elaborate/ActiveCalls.h"
#include "frontend/elaborate/Describe.h"
#include "frontend/elaborate/TrainElaborator.h"
#include "frontend/syntax/ForeignNames.h"

#include <algorithm>
#include <cmath>

namespace dlc {

using namespace ast;

const std::vector<TrainSetting> &trainSettings() {
  static const std::vector<TrainSetting> settings = {
#define DLC_TRAIN_SETTING(Name, Example, Help) {#Name, Example, Help},
#include "frontend/elaborate/TrainSettings.def"
  };
  return settings;
}

const std::vector<std::string> &trainSettingNames() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all;
    for (const TrainSetting &setting : trainSettings())
      all.push_back(setting.name);
    return all;
  }();
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
    value = e.expression(*entry->value, scope);
    value.at = entry->value->range;
  }
  e.applyOverride(key, value);
  e.applyOverride(name + "." + key, value);
  return value;
}

bool TrainElaborator::overridden(const char *key) const {
  return std::any_of(e.overrides.begin(), e.overrides.end(), [&](const Override &override) {
    return override.name == key || override.name == name + "." + key;
  });
}

bool TrainElaborator::bad(const char *key, const Value &value, const std::string &found, const std::string &expected,
                          const std::string &help) {
  auto report = e.error(Diag::BadSetting, value.at, key, found, expected);
  if (overridden(key))
    report.note(fmt::format("it was given on the command line, by `--set {}=..`", key));
  if (!help.empty())
    report.help(help);
  return false;
}

bool TrainElaborator::number(const char *key, int64_t &into, int64_t least) {
  Value value = settingValue(key);
  if (value.kind == Value::Unit)
    return true;
  if (value.poison())
    return false;
  bool whole =
      value.kind == Value::SizeOf ||
      (value.kind == Value::Number && value.number == std::floor(value.number) && std::abs(value.number) < 9e15);
  std::string expected = least == 0 ? "a whole number, not negative" : "a positive whole number";
  if (!whole)
    return bad(key, value, value.kind == Value::Number ? fmt::format("{}", value.number) : describe(value), expected,
               value.kind == Value::Duration ? fmt::format("write `{}: {}`", key, value.integer) : "");
  if (value.kind == Value::SizeOf && !value.size.isConstant())
    return true;
  into = int64_t(value.asDouble());
  return into >= least || bad(key, value, fmt::format("{}", into), expected);
}

bool TrainElaborator::flag(const char *key, bool &into) {
  Value value = settingValue(key);
  if (value.kind == Value::Unit)
    return true;
  if (value.kind != Value::Bool)
    return !value.poison() && bad(key, value, describe(value), "true or false");
  into = value.flag;
  return true;
}

bool TrainElaborator::text(const char *key, std::string &into) {
  Value value = settingValue(key);
  if (value.kind == Value::Unit)
    return true;
  if (value.kind != Value::String || value.text.empty())
    return !value.poison() &&
           bad(key, value, value.kind == Value::String ? "empty" : describe(value), "a file name in quotes");
  into = value.text;
  return true;
}

/// Whether a name says that less is better.
static bool soundsLower(std::string_view name) {
  for (std::string_view rest = name; !rest.empty();) {
    std::string_view word = rest.substr(0, rest.find('_'));
    rest.remove_prefix(std::min(rest.size(), word.size() + 1));
    for (const char *known : {"loss", "error", "mae", "mse", "rmse", "perplexity"})
      if (word == known)
        return true;
  }
  return false;
}

static bool isDifference(const Expr &expr) {
  return expr.kind == ExprKind::Binary && static_cast<const BinaryExpr &>(expr).op == BinaryOp::Sub;
}

std::optional<bool> TrainElaborator::lowerIsBetter(const Expr &expr, unsigned depth) const {
  if (depth > 20)
    return std::nullopt;
  auto inside = [&](const Expr &part) { return lowerIsBetter(part, depth + 1); };
  if (expr.kind == ExprKind::Name) {
    std::string_view name = static_cast<const NameExpr &>(expr).name;
    for (const TrainEntry &entry : item.entries)
      if (entry.kind == TrainEntry::Statement && entry.statement->kind == StmtKind::Let) {
        const auto &let = *static_cast<const LetStmt *>(entry.statement);
        if (let.pattern->kind == ExprKind::Name && static_cast<const NameExpr *>(let.pattern)->name == name)
          return inside(*let.value);
      }
    return std::nullopt;
  }
  if (expr.kind == ExprKind::Binary) {
    const auto &binary = static_cast<const BinaryExpr &>(expr);
    bool ofNumber = binary.lhs->kind == ExprKind::Number, byNumber = binary.rhs->kind == ExprKind::Number;
    std::optional<bool> part = ofNumber ? inside(*binary.rhs) : byNumber ? inside(*binary.lhs) : std::nullopt;
    switch (binary.op) {
    case BinaryOp::Eq: // a share of right answers, or of mistakes
      return false;
    case BinaryOp::Ne:
      return true;
    case BinaryOp::Sub: // `1 - accuracy`
      return ofNumber && part ? std::optional(!*part) : part;
    case BinaryOp::Pow:
      return byNumber && isDifference(*binary.lhs) ? std::optional(true) : std::nullopt;
    case BinaryOp::Add:
      if (!ofNumber && !byNumber)
        part = inside(*binary.lhs) == inside(*binary.rhs) ? inside(*binary.lhs) : std::nullopt;
      return part;
    case BinaryOp::Mul:
      return part;
    case BinaryOp::Div:
      return byNumber ? part : std::nullopt;
    default:
      return std::nullopt;
    }
  }
  if (expr.kind != ExprKind::Call || static_cast<const CallExpr &>(expr).callee->kind != ExprKind::Name)
    return std::nullopt;
  const auto &call = static_cast<const CallExpr &>(expr);
  std::string_view name = static_cast<const NameExpr *>(call.callee)->name;
  const Binding *callee = scope->find(name);
  if (!callee || callee->value.kind != Value::Fn)
    return std::nullopt;
  if (soundsLower(name))
    return true;
  const Function &function = *callee->value.function;
  std::string_view file = function.kind == Function::User ? e.sources.name(function.item->nameRange.file) : "";
  if (file == "std/losses.dl" || file == "std/metrics.dl")
    return file == "std/losses.dl";
  bool isOfProgram = callee->at.valid() && !inLibrary(e.sources, callee->at);
  if (isOfProgram || call.arguments.empty())
    return std::nullopt;
  if (name == "abs" || name == "square")
    return isDifference(*call.arguments[0].value) ? std::optional(true) : std::nullopt;
  for (const char *keeps : {"mean", "sum", "median", "sqrt", "exp", "log", "f32", "f64"})
    if (name == keeps)
      return inside(*call.arguments[0].value);
  return std::nullopt;
}

bool TrainElaborator::isLowerBetter(const std::string &report) const {
  for (const TrainEntry &entry : item.entries)
    if (entry.kind == TrainEntry::Report && entry.name == report)
      return soundsLower(report) || lowerIsBetter(*entry.value).value_or(false);
  return false;
}

bool TrainElaborator::stopAfter() {
  Value value = settingValue("stop_after");
  if (value.kind == Value::Unit)
    return true;
  if (value.poison())
    return false;
  if (value.kind != Value::Duration || value.text.empty())
    return bad("stop_after", value, value.kind == Value::Duration ? "only a length of time" : describe(value),
               "also what is to get better", "for example `stop_after: 2 epochs without better val.loss`");
  if (value.integer < 1)
    return bad("stop_after", value, fmt::format("{} {}", value.integer, value.flag ? "epochs" : "steps"),
               "a positive number of them");
  plan.patience = value.integer;
  plan.patienceEpochs = value.flag;
  plan.patienceMetric = value.text;
  SourceRange at = value.at;
  if (const TrainEntry *entry = setting("stop_after"); entry->value->kind == ExprKind::Duration)
    at = static_cast<const DurationExpr *>(entry->value)->metricRange;
  std::string metric = value.text.starts_with("val.") ? value.text.substr(4) : value.text;
  std::vector<std::string> known = plan.reports;
  known.push_back("loss");
  if (std::find(known.begin(), known.end(), metric) == known.end()) {
    auto report = e.error(Diag::UnknownName, at, value.text);
    std::string near = nearest(metric, known);
    if (near.empty())
      report.help("what is measured is " + listed(known) + ", and `val.` of each");
    else
      report.meant(value.text.substr(0, value.text.size() - metric.size()) + near);
    return false;
  }
  if (value.text.starts_with("val.") && !given("validate")) {
    e.error(Diag::MissingSetting, at, name, "validate")
        .help("`" + value.text + "` is that of the validation set: `validate: data`");
    return false;
  }
  plan.patienceLower = value.isFloat ? !value.weak : metric == "loss" || isLowerBetter(metric);
  return true;
}

/// Whether every size of a shape is a number.
static bool sizesKnown(const Shape &shape) {
  for (const Dim &dim : shape)
    if (!dim.size.isConstant())
      return false;
  return true;
}

std::string TrainElaborator::optimizerWith(const std::string &argument) const {
  if (argument == "clip_norm" || argument == "clip_value")
    return "adam";
  for (const char *known : {"adam", "sgd", "rmsprop"}) {
    std::vector<std::string> parameters;
    const Value &callee = e.library->find(known)->value;
    for (const Parameter &parameter : callee.function->kind == Function::User
                                          ? callee.function->item->parameters
                                          : callee.function->optimizerItem->parameters)
      if (parameter.name == argument)
        return known;
  }
  return "";
}

bool TrainElaborator::unknownSettings() {
  bool good = true;
  for (const TrainEntry &entry : item.entries) {
    // `lr = 0.1` is a habit of other languages.
    if (entry.kind == TrainEntry::Statement && entry.statement->kind == StmtKind::Assign) {
      const Expr &target = *static_cast<const AssignStmt *>(entry.statement)->target;
      std::string key(target.kind == ExprKind::Name ? static_cast<const NameExpr &>(target).name : "");
      bool isSetting =
          std::find(trainSettingNames().begin(), trainSettingNames().end(), key) != trainSettingNames().end();
      std::string optimizerName = optimizerWith(key);
      if (!isSetting && optimizerName.empty())
        continue;
      auto report = e.error(Diag::UnknownName, target.range, key);
      const Expr &value = *static_cast<const AssignStmt *>(entry.statement)->value;
      if (isSetting)
        report.help("a setting is written with a colon: `" + key + ": ..`",
                    {target.range.file, target.range.end, value.range.begin}, ": ");
      else
        report.help("it is an argument of the optimizer: `optimizer: " + optimizerName + "(" + key + ": ..)`");
      if (isSetting && !e.executor)
        report.mended();
      good = false;
    }
    if (entry.kind != TrainEntry::Setting)
      continue;
    std::string key(entry.name);
    if (const TrainEntry *first = setting(key.c_str()); first != &entry) {
      e.error(Diag::SettingTwice, entry.nameRange, key).note(first->nameRange, "first given here");
      good = false;
    }
    if (std::find(trainSettingNames().begin(), trainSettingNames().end(), key) != trainSettingNames().end())
      continue;
    auto report = e.error(Diag::UnknownSetting, entry.nameRange, key);
    good = false;
    std::string likely = nearest(key, trainSettingNames());
    for (const std::string &known : trainSettingNames())
      if (likely.empty() && key.size() > 3 && (key.starts_with(known) || known.starts_with(key)))
        likely = known;
    std::string here = foreignSetting(key), same = sameSetting(key);
    if (!same.empty() && !setting(same.c_str()))
      report.help(here, same);
    else if (!here.empty())
      report.help(here);
    if (!same.empty() && !e.executor)
      report.mended();
    if (!here.empty())
      continue;
    if (std::string optimizerName = optimizerWith(key); !optimizerName.empty())
      report.help("it is an argument of the optimizer: `optimizer: " + optimizerName + "(" + key + ": ..)`");
    else if (!likely.empty())
      report.meant(likely);
    else
      report.help(fmt::format("settings are {}", fmt::join(trainSettingNames(), ", ")));
  }
  return good;
}

/// How long it trains, and how often it validates.
bool TrainElaborator::lengths() {
  bool good = number("epochs", plan.epochs, 0);
  good &= number("steps", plan.steps, 0);
  for (const char *key : {"epochs", "steps"})
    if (good && given(key) && (key[0] == 'e' ? plan.epochs : plan.steps) == 0 && !given("init") && !given("resume"))
      good = bad(key, settingValue(key), "0", "a positive whole number",
                 "with `init: \"FILE\"` 0 trains nothing and takes the model from the file");
  // On the command line one takes the other's place.
  if (given("epochs") && given("steps") && good) {
    if (overridden("steps") != overridden("epochs")) {
      (overridden("steps") ? plan.epochs : plan.steps) = 0;
    } else {
      e.error(Diag::BadSetting, setting("steps") ? setting("steps")->nameRange : item.nameRange, "steps",
              "given beside `epochs`", "one of the two");
      return false;
    }
  }
  if (!given("epochs") && !given("steps")) {
    e.error(Diag::MissingSetting, item.nameRange, name, plan.data ? "epochs" : "steps")
        .help(plan.data ? "`epochs: 10`, or `steps: 1000`" : "without data there are no epochs: `steps: 1000`");
    good = false;
  } else if (!plan.data && !given("steps")) {
    e.error(Diag::MissingSetting, item.nameRange, name, "steps")
        .help("without data there are no epochs: `steps: 1000`");
    good = false;
  }
  Value every = settingValue("every");
  if (every.kind == Value::Unit || every.poison())
    return good && !every.poison();
  if (every.kind != Value::Duration && !(every.kind == Value::Number && !every.isFloat))
    return bad("every", every, describe(every), "a length of time", "for example `every: 100 steps`");
  if (every.integer < 1)
    return bad("every", every, fmt::format("{}", every.integer), "a positive length of time",
               "for example `every: 100 steps`");
  plan.every = every.integer;
  plan.everyEpochs = every.kind == Value::Duration && every.flag;
  return good;
}

/// The validation set: it has the fields of the training set.
bool TrainElaborator::validation() {
  Value validate = settingValue("validate");
  if (validate.kind == Value::Unit || validate.poison())
    return !validate.poison();
  if (validate.kind != Value::Data)
    return bad("validate", validate, describe(validate), "a data set",
               validate.isNumber() ? "`csv(..) |> split(train: 0.9)` gives the data `.train` and `.rest`" : "");
  if (!e.isChosen(validate) || (!e.opensLate && !e.opened(*validate.data)))
    return false;
  plan.validate = validate.data;
  return hasFields(validate, "`validate`");
}

bool TrainElaborator::hasFields(const Value &data, const std::string &what) const {
  if (!plan.data)
    return true;
  auto typeOf = [](const DataInfo::Field &field) {
    return "`" + field.name + ": " +
           (field.isString   ? "str"
            : field.category ? "category"
                             : typeString(Value::ofTensor(field.dtype, field.shape, {}, {}))) +
           "`";
  };
  for (const DataInfo::Field &field : plan.data->fields) {
    const DataInfo::Field *other = nullptr;
    for (const DataInfo::Field &candidate : data.data->fields)
      if (candidate.name == field.name)
        other = &candidate;
    bool same = other && other->dtype == field.dtype && other->shape.size() == field.shape.size() &&
                !(sizesKnown(field.shape) && sizesKnown(other->shape) && str(other->shape) != str(field.shape));
    if (same)
      continue;
    auto report = e.error(Diag::WrongType, data.at, what,
                          other ? "a data set with " + typeOf(*other) : "a data set without `" + field.name + "`",
                          typeOf(field) + " as in `" + plan.data->name + "`");
    report.note(field.at, "declared here");
    if (other)
      report.note(other->at, "and here");
    return false;
  }
  return true;
}

/// `ema: 0.999`.
bool TrainElaborator::averaging() {
  Value value = settingValue("ema");
  if (value.kind == Value::Unit || value.poison())
    return !value.poison();
  if (!value.isNumber() || !(value.asDouble() > 0 && value.asDouble() < 1))
    return bad("ema", value, value.isNumber() ? fmt::format("{}", value.asDouble()) : describe(value),
               "a number between 0 and 1", "for example `ema: 0.999`: the share of the average that a step keeps");
  plan.ema = value.asDouble();
  return true;
}

/// `init: "file"`, or `init: load("file", partial: true)`, which has the model from where it stands.
bool TrainElaborator::initialFile() {
  const TrainEntry *entry = setting("init");
  plan.initAt = entry ? entry->value->range : item.range;
  if (Value file = Value::ofString("", plan.initAt);
      e.applyOverride("init", file) || e.applyOverride(name + ".init", file)) {
    plan.init = file.text;
    return true;
  }
  if (!entry || entry->value->kind != ExprKind::Call)
    return text("init", plan.init);
  const auto &call = *static_cast<const CallExpr *>(entry->value);
  bool good = call.callee->kind == ExprKind::Name && static_cast<const NameExpr *>(call.callee)->name == "load";
  for (const Argument &argument : call.arguments) {
    Value value = e.expression(*argument.value, scope);
    if (value.poison())
      return false;
    if (argument.name == "partial" && value.kind == Value::Bool)
      plan.initPartial = value.flag;
    else if ((argument.name.empty() || argument.name == "file") && value.kind == Value::String && plan.init.empty())
      plan.init = value.text;
    else
      good = false;
  }
  if (good && !plan.init.empty())
    return true;
  return bad("init", Value::unit(entry->value->range), "`" + e.shortText(entry->value->range) + "`",
             "a file name in quotes, or `load(\"file\", partial: true)`",
             "the model is the one behind `train`: write `init: \"" + (plan.init.empty() ? "FILE" : plan.init) + "\"`");
}

/// `sample_by: weights`: how often a row comes beside the others.
bool TrainElaborator::sampling() {
  Value weights = settingValue("sample_by");
  if (weights.kind == Value::List)
    weights = e.asStatement(weights.at, [&, given = weights] { return e.tensorOfList(given, DType::F32); });
  if (weights.kind == Value::Unit || weights.poison())
    return !weights.poison();
  std::string expected = plan.data ? "a tensor of floats, a weight for each row of `" + plan.data->name + "`"
                                   : "data to draw from: `train .. on data`";
  if (!plan.data || !weights.isTensor() || !isFloating(weights.dtype) || weights.shape.size() != 1)
    return bad("sample_by", weights, describe(weights), expected);
  const Size &count = weights.shape[0].size, &rows = plan.data->rows;
  if (count.isConstant() && rows.isConstant() && count.constant() != rows.constant())
    return bad("sample_by", weights, fmt::format("a tensor of {} weights", count.constant()),
               fmt::format("one for each of the {} rows of `{}`", rows.constant(), plan.data->name));
  if (!plan.shuffle)
    return bad("sample_by", weights, "given beside `shuffle: false`", "one of the two");
  plan.sampleBy = weights.values();
  if (!plan.sampleBy && e.executor && !e.checkingOnly)
    return bad("sample_by", weights, "not computed yet", "the name of a tensor",
               "compute it before: `let weights = ..`");
  return true;
}

/// A step of more batches than there are.
bool TrainElaborator::accumulateFits() {
  if (!e.executor || !plan.data || !plan.data->rows.isConstant() || plan.data->rows.constant() == 0)
    return true;
  int64_t rows = plan.data->rows.constant(), batch = std::min(plan.batch, rows);
  if (int64_t batches = (rows + batch - 1) / batch; plan.accumulate > batches)
    return bad("accumulate", settingValue("accumulate"), fmt::format("{}", plan.accumulate),
               fmt::format("at most {}: the data set `{}` has {} of {}", batches, plan.data->name,
                           batches == 1 ? "one batch" : fmt::format("{} batches", batches), batch));
  return true;
}

bool TrainElaborator::optimizerSetting() {
  // What an epoch is, for lengths of time in the optimizer's settings.
  e.stepsPerEpoch = 1;
  if (e.executor && plan.data && plan.data->rows.isConstant())
    e.stepsPerEpoch = std::max<int64_t>(
        1, llvm::divideCeil(llvm::divideCeil(plan.data->rows.constant(), plan.batch), plan.accumulate));
  std::vector<Value> optimizers;
  const TrainEntry *entry = setting("optimizer");
  if (entry && entry->value->kind == ExprKind::List && !overridden("optimizer")) {
    for (const Expr *element : static_cast<const ListExpr *>(entry->value)->elements) {
      optimizers.push_back(e.expression(*element, scope));
      optimizers.back().at = element->range;
    }
  } else {
    e.optimizerFor = {entry ? entry->value : nullptr, name};
    if (Value one = settingValue("optimizer"); one.kind != Value::Unit)
      optimizers.push_back(one);
    e.optimizerFor = {};
  }
  e.stepsPerEpoch.reset();
  if (optimizers.empty()) {
    e.error(Diag::MissingSetting, item.nameRange, name, "optimizer").help("for example `optimizer: adam(lr: 1e-3)`");
    return false;
  }
  for (const Value &optimizer : optimizers)
    if (!checkOptimizer(optimizer) || !addStates(*optimizer.optimizer))
      return false;
  return assignGroups(optimizers);
}

bool TrainElaborator::checkOptimizer(const Value &optimizer) {
  if (optimizer.kind != Value::Optimizer)
    return !optimizer.poison() &&
           bad("optimizer", optimizer, describe(optimizer), "an optimizer",
               optimizer.kind == Value::Fn       ? "call it: `optimizer: " + e.shortText(optimizer.at) + "(lr: 1e-3)`"
               : optimizer.kind == Value::String ? "write `optimizer: " + optimizer.text + "(lr: 1e-3)`"
                                                 : "for example `optimizer: adam(lr: 1e-3)`");
  optimizer.optimizer->at = optimizer.at;
  return true;
}

/// The states of an optimizer, beside those of others; what two call alike is one.
bool TrainElaborator::addStates(const OptimizerInstance &optimizer) {
  for (const Parameter &state : optimizer.item->states) {
    Value initialValue =
        state.defaultValue ? e.expression(*state.defaultValue, optimizer.scope) : Value::ofInteger(0, state.range);
    if (!initialValue.isNumber()) {
      if (!initialValue.poison())
        e.error(Diag::WrongType, initialValue.at, fmt::format("the initial value of state `{}`", state.name),
                describe(initialValue), "a number");
      return false;
    }
    auto known = std::find(plan.states.begin(), plan.states.end(), state.name);
    if (known == plan.states.end()) {
      plan.states.push_back(std::string(state.name));
      plan.stateInitial.push_back(initialValue.asDouble());
    } else if (plan.stateInitial[size_t(known - plan.states.begin())] != initialValue.asDouble()) {
      e.error(Diag::BadSetting, optimizer.at, "optimizer",
              "one whose state `" + std::string(state.name) + "` begins otherwise",
              "the initial value that another's has");
      return false;
    }
  }
  return true;
}

bool TrainElaborator::settings() {
  bool known = unknownSettings(), good = known || !e.executor; // what is not mended is counted
  plan.batch = plan.data ? 32 : 1;
  good &= number("batch", plan.batch, 1);
  good &= number("seed", plan.seed, 0);
  plan.seed = e.seedOverride.value_or(plan.seed);
  good &= number("accumulate", plan.accumulate, 1);
  good &= flag("shuffle", plan.shuffle);
  good &= sampling();
  good &= flag("allow_nan", plan.allowNan);
  good &= text("save", plan.save);
  good &= text("resume", plan.resume);
  good &= initialFile();
  good &= averaging();
  good &= text("log", plan.log);
  // A misspelt name is not a missing one too.
  if (known || given("epochs") || given("steps"))
    good &= lengths();
  good &= validation();
  good &= stopAfter();
  if (known || given("optimizer"))
    good &= optimizerSetting();
  return good && accumulateFits();
}

} // namespace dlc
