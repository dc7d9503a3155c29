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

void Elaborator::checkOverrides(const Program &program) {
  const std::vector<std::string> &settings = trainSettingNames();
  std::vector<const TrainItem *> trains;
  std::vector<std::string> lets, defaults;
  findTrains(program.statements, trains);
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
    if (meanings == 0) {
      std::vector<std::string> all = lets;
      all.insert(all.end(), defaults.begin(), defaults.end());
      if (!trains.empty())
        all.insert(all.end(), settings.begin(), settings.end());
      auto report = error(Diag::UnknownOverride, {}, override.name,
                          "no setting, `let` or default of the trained model has this name");
      if (std::string near = nearest(override.name, all); !near.empty())
        report.help("did you mean `" + near + "`?");
    } else if (meanings > 1 || (setting && trains.size() > 1)) {
      auto report = error(Diag::UnknownOverride, {}, override.name, "this name is ambiguous");
      if (setting)
        report.help(fmt::format("`--set {}.{}=..` means the setting of that `train`", trains[0]->name, override.name));
    }
  }
}

} // namespace dlc
