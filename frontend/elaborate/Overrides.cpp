// `--set name=value`: what the name may mean, and the value in place of the one written.
#include "frontend/elaborate/TrainElaborator.h"

#include <algorithm>

namespace dlc {

using namespace ast;

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
      const char *expected = value.kind == Value::Bool              ? "true or false"
                             : value.kind == Value::String          ? "text"
                             : value.isNumber() || value.isTensor() ? "a number"
                                                                    : nullptr;
      error(Diag::UnknownOverride, {}, name,
            expected ? fmt::format("found `{}`, expected {}", text, expected)
                     : fmt::format("{} cannot be given on the command line", describe(value)));
      return false;
    }
    // The number given takes the type of the one in whose place it stands.
    bool typed = value.isTensor() || (value.kind == Value::Number && !value.weak);
    if (made.isNumber() && typed && !settleNumber(made, value.dtype))
      return false;
    if (made.isNumber() && !typed && value.kind == Value::Number && value.isFloat && !made.isFloat)
      made = Value::ofNumber(made.number, made.at);
    value = made;
    return true;
  }
  return false;
}

/// The trainings of a program, those in loops too.
static void findTrains(llvm::ArrayRef<Stmt *> statements, std::vector<const TrainItem *> &trains) {
  for (const Stmt *stmt : statements)
    if (stmt->kind == StmtKind::For)
      findTrains(static_cast<const ForStmt *>(stmt)->body->statements, trains);
    else if (stmt->kind == StmtKind::Item && static_cast<const ItemStmt *>(stmt)->item->kind == ItemKind::Train)
      trains.push_back(static_cast<const TrainItem *>(static_cast<const ItemStmt *>(stmt)->item));
}

/// Whether a training's length is 0, as the file or the command line says.
static bool makesNoStep(const TrainItem &train, const std::vector<Override> &overrides) {
  bool zero = false;
  for (std::string key : {"epochs", "steps"}) {
    for (const Override &override : overrides)
      if (override.name == key || override.name == std::string(train.name) + "." + key)
        return override.value == "0";
    for (const TrainEntry &entry : train.entries)
      if (entry.kind == TrainEntry::Setting && entry.name == key && entry.value->kind == ExprKind::Number) {
        auto &number = static_cast<const NumberExpr &>(*entry.value);
        zero |= !number.isFloat && number.integer == 0;
      }
  }
  return zero;
}

/// The parameters of the optimizer that a training names; none where it names none.
static std::vector<std::string> optimizerArguments(Elaborator &e, const TrainItem &train) {
  std::vector<std::string> names;
  for (const TrainEntry &entry : train.entries) {
    if (entry.kind != TrainEntry::Setting || entry.name != "optimizer" || entry.value->kind != ExprKind::Call)
      continue;
    const Expr &callee = *static_cast<const CallExpr *>(entry.value)->callee;
    if (callee.kind == ExprKind::Name)
      if (Binding *binding = e.file->find(static_cast<const NameExpr &>(callee).name);
          binding && binding->value.kind == Value::Fn)
        names = parameterNames(binding->value);
  }
  return names;
}

/// What is left of `optimizer.lr` or `critic.optimizer.lr` when it names an argument of that training's optimizer.
static std::optional<std::string> optimizerArgument(std::string name, std::string_view training) {
  if (name.starts_with(std::string(training) + "."))
    name.erase(0, training.size() + 1);
  if (name.starts_with("optimizer."))
    return name.substr(std::string_view("optimizer.").size());
  return name.find('.') == std::string::npos ? std::optional(name) : std::nullopt;
}

void Elaborator::overrideArguments(const Value &callee, CallSite &site) {
  std::vector<std::string> names = callee.kind == Value::Fn ? parameterNames(callee) : std::vector<std::string>();
  for (const Override &override : overrides) {
    std::optional<std::string> argument = optimizerArgument(override.name, optimizerFor.training);
    auto parameter = argument ? std::find(names.begin(), names.end(), *argument) : names.end();
    // A name by itself may be that of something else, which was asked first.
    if (parameter == names.end() || (override.used && override.name == *argument))
      continue;
    Value made = Value::unit(site.at);
    CallSite::Argument *given = nullptr;
    size_t position = 0;
    for (CallSite::Argument &candidate : site.arguments) {
      bool positional = candidate.name.empty();
      if (positional ? position == size_t(parameter - names.begin()) : candidate.name == *argument)
        given = &candidate;
      position += positional;
    }
    if (given)
      made = given->value;
    if (made.kind == Value::Fn) {
      error(Diag::UnknownOverride, {}, override.name, "it is a schedule, which is no number")
          .help("give the number in it a name, `let rate = 1e-3`, and set that: `--set rate=..`");
      return;
    }
    if (!applyOverride(override.name, made))
      return;
    if (given)
      given->value = made;
    else
      site.arguments.push_back({*argument, made, site.at});
  }
}

void Elaborator::checkOverrides(const Program &program) {
  const std::vector<std::string> &settings = trainSettingNames();
  std::vector<const TrainItem *> trains;
  std::vector<std::string> lets, defaults;
  findTrains(program.statements, trains);
  severalTrainings = trains.size() > 1;
  opensLate = !trains.empty() && std::all_of(trains.begin(), trains.end(),
                                             [&](const TrainItem *train) { return makesNoStep(*train, overrides); });
  for (const Stmt *stmt : program.statements)
    if (stmt->kind == StmtKind::Let)
      if (const Expr &pattern = *static_cast<const LetStmt *>(stmt)->pattern; pattern.kind == ExprKind::Name)
        lets.push_back(std::string(static_cast<const NameExpr &>(pattern).name));
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
    if (override.used) // a size of data (dlc compile)
      continue;
    size_t dot = override.name.find('.');
    if (dot != std::string::npos && has(settings, override.name.substr(dot + 1)) &&
        std::any_of(trains.begin(), trains.end(),
                    [&](const TrainItem *train) { return train->name == override.name.substr(0, dot); }))
      continue;
    bool setting = has(settings, override.name) && !trains.empty();
    int meanings = int(setting) + int(has(lets, override.name)) + int(has(defaults, override.name));
    // An argument of an optimizer, where the name means nothing else.
    std::vector<std::string> optimizers, arguments;
    for (const TrainItem *train : trains) {
      std::vector<std::string> names = optimizerArguments(*this, *train);
      if (std::optional<std::string> argument = optimizerArgument(override.name, train->name);
          argument && has(names, *argument))
        optimizers.push_back(std::string(train->name) + ".optimizer." + *argument);
      arguments.insert(arguments.end(), names.begin(), names.end());
    }
    if (meanings == 0 && optimizers.size() == 1)
      continue;
    if (meanings == 0 && optimizers.size() > 1) {
      error(Diag::UnknownOverride, {}, override.name, "several optimizers take it")
          .help(fmt::format("`--set {}=..` means that of one `train`", optimizers[0]));
    } else if (meanings == 0) {
      std::vector<std::string> all = lets;
      all.insert(all.end(), defaults.begin(), defaults.end());
      if (!trains.empty())
        all.insert(all.end(), settings.begin(), settings.end());
      for (const std::string &argument : arguments)
        if (!has(all, argument))
          all.push_back(argument);
      auto report = error(Diag::UnknownOverride, {}, override.name,
                          "no setting, argument of the optimizer, `let` or default of the trained model has this name");
      std::string last = override.name.substr(override.name.rfind('.') + 1);
      if (std::string near = has(all, last) ? last : nearest(last, all); !near.empty())
        report.meant(near);
      else if (!all.empty())
        report.help(fmt::format("what can be set is {}", fmt::join(all, ", ")));
    } else if (meanings > 1 || (setting && trains.size() > 1)) {
      auto report = error(Diag::UnknownOverride, {}, override.name, "this name is ambiguous");
      if (setting)
        report.help(fmt::format("`--set {}.{}=..` means the setting of that `train`", trains[0]->name, override.name));
    }
  }
}

} // namespace dlc
