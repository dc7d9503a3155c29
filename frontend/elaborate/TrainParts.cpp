// Parts of the model that is trained, as settings name them: what is frozen, and what each optimizer is for.
#include "frontend/elaborate/ActiveCalls.h"
#include "frontend/elaborate/TrainElaborator.h"

#include <algorithm>

namespace dlc {

using namespace ast;

/// The path that an expression writes: `body`, `body.0.weight`, `blocks[1]`, `"body"`; "" when it writes none.
static std::string pathOf(const Expr &expr) {
  if (expr.kind == ExprKind::Name)
    return std::string(static_cast<const NameExpr &>(expr).name);
  if (expr.kind == ExprKind::String)
    return std::string(static_cast<const StringExpr &>(expr).value);
  if (expr.kind == ExprKind::Field) {
    auto &field = static_cast<const FieldExpr &>(expr);
    std::string base = pathOf(*field.base);
    return base.empty() ? "" : base + "." + std::string(field.name);
  }
  if (expr.kind == ExprKind::Index) {
    auto &index = static_cast<const IndexExpr &>(expr);
    std::string base = pathOf(*index.base);
    const Expr *place = index.entries.size() == 1 ? index.entries[0].value : nullptr;
    bool whole = place && place->kind == ExprKind::Number && !static_cast<const NumberExpr *>(place)->isFloat;
    return base.empty() || !whole ? "" : fmt::format("{}.{}", base, static_cast<const NumberExpr *>(place)->integer);
  }
  return "";
}

/// Whether `path` is the path `part` or lies within it.
static bool liesWithin(const std::string &path, const std::string &part) {
  return path == part || path.starts_with(part + ".");
}

std::set<std::string> TrainElaborator::pathsIn(const std::string &part) const {
  std::set<std::string> found;
  for (const ParamSlotRef &slot : plan.params)
    if (liesWithin(slot->path, part))
      found.insert(slot->path);
  if (!found.empty())
    return found;
  // No part of the model itself: members of that name, wherever they are.
  for (const ParamSlotRef &slot : plan.params)
    if (("." + slot->path + ".").find("." + part + ".") != std::string::npos)
      found.insert(slot->path);
  return found;
}

/// All that may be named: every part, and the name of every member.
static std::vector<std::string> partNames(const TrainPlan &plan) {
  std::set<std::string> names;
  for (const ParamSlotRef &slot : plan.params)
    for (size_t begin = 0, dot = 0; dot != std::string::npos; begin = dot + 1) {
      dot = slot->path.find('.', begin);
      names.insert(slot->path.substr(0, dot));
      names.insert(slot->path.substr(begin, dot == std::string::npos ? dot : dot - begin));
    }
  std::erase_if(names, [](const std::string &name) { return isdigit(uint8_t(name[0])); });
  return {names.begin(), names.end()};
}

std::optional<std::set<std::string>> TrainElaborator::pathsOfPart(const std::string &key, const std::string &part,
                                                                  SourceRange at) {
  if (part.empty()) {
    e.error(Diag::BadSetting, at, key, "`" + e.shortText(at) + "`", "a part of the model")
        .help(fmt::format("for example `{0}: body`, `{0}: [body[0], bias]`", key));
    return std::nullopt;
  }
  std::set<std::string> paths = pathsIn(part);
  // `m[0]` of `train m = Sequential(..)`, whose parts have no names of their own.
  if (paths.empty() && part.starts_with(name + "."))
    paths = pathsIn(part.substr(name.size() + 1));
  if (!paths.empty())
    return paths;
  auto report = e.error(Diag::UnknownMember, at, "model `" + model.model->name + "`", part);
  if (std::string near = nearest(part, partNames(plan)); !near.empty())
    report.help("did you mean `" + near + "`?");
  else
    report.help("what it has is " + listed(partNames(plan)));
  return std::nullopt;
}

std::vector<Value> namedParts(const Expr &expr) {
  std::vector<Expr *> list = {const_cast<Expr *>(&expr)};
  if (expr.kind == ExprKind::List)
    list = static_cast<const ListExpr &>(expr).elements;
  else if (expr.kind == ExprKind::Tuple)
    list = static_cast<const TupleExpr &>(expr).elements;
  std::vector<Value> parts;
  for (const Expr *part : list)
    parts.push_back(Value::ofString(pathOf(*part), part->range));
  return parts;
}

std::optional<std::set<std::string>> TrainElaborator::pathsNamed(const std::string &key,
                                                                 const std::vector<Value> &parts) {
  std::set<std::string> all;
  for (const Value &part : parts) {
    std::optional<std::set<std::string>> paths = pathsOfPart(key, part.text, part.at);
    if (!paths)
      return std::nullopt;
    all.insert(paths->begin(), paths->end());
  }
  return all;
}

/// What the optimizer updates: the parameters that are not frozen.
bool TrainElaborator::freezing() {
  const TrainEntry *entry = setting("freeze");
  SourceRange at = entry ? entry->value->range : item.nameRange;
  std::optional<std::set<std::string>> paths;
  // On the command line one part is named.
  if (Value part = Value::ofString("", at); e.applyOverride("freeze", part) || e.applyOverride(name + ".freeze", part))
    paths = pathsOfPart("freeze", part.text, at);
  else
    paths = pathsNamed("freeze", entry ? namedParts(*entry->value) : std::vector<Value>());
  if (!paths)
    return false;
  frozen = std::move(*paths);
  for (size_t i = 0; i < plan.params.size(); ++i)
    if (plan.params[i]->trained && !frozen.count(plan.params[i]->path))
      plan.learned.push_back(i);
  if (!plan.learned.empty())
    return true;
  e.error(Diag::NothingToTrain, at, name, "a model whose parameters are all frozen");
  return false;
}

/// Whether a layer has parameters to train, all of them frozen.
bool TrainElaborator::isFrozen(const ModelInstance &layer) const {
  std::vector<ParamSlotRef> slots = trainedOf(layer);
  return !slots.empty() &&
         std::all_of(slots.begin(), slots.end(), [&](const ParamSlotRef &slot) { return frozen.count(slot->path); });
}

void TrainElaborator::markTrained(ModelInstance &part) {
  part.trains = true;
  auto mark = [&](auto &self, const Value &layer) -> void {
    if (layer.kind == Value::Model && !isFrozen(*layer.model))
      markTrained(*layer.model);
    for (const Value &element : layer.elements)
      self(self, element);
  };
  for (const ModelInstance::Entry &entry : part.entries) {
    if (entry.layer)
      mark(mark, *entry.layer);
    else if (!entry.param->trained && !frozen.count(entry.param->path)) {
      auto next = std::make_shared<Scope>();
      next->names[entry.param->path] = {entry.param->value, true, entry.param->at};
      entry.param->next = next;
    }
  }
}

/// The same optimizer without decay.
static OptimizerInstance withoutDecay(const OptimizerInstance &optimizer) {
  OptimizerInstance copy = optimizer;
  copy.scope = std::make_shared<Scope>(*optimizer.scope);
  copy.scope->names["weight_decay"].value = copy.arguments["weight_decay"] = Value::ofNumber(0, optimizer.at);
  copy.arguments.erase("no_decay");
  return copy;
}

/// Gives each learned parameter its optimizer: the first that names it, else the one that names nothing.
bool TrainElaborator::assignGroups(const std::vector<Value> &optimizers) {
  groupOf.assign(plan.learned.size(), optimizers.size());
  size_t rest = optimizers.size();
  for (size_t k = 0; k < optimizers.size(); ++k) {
    groups.push_back({*optimizers[k].optimizer, ""});
    auto only = groups[k].optimizer.arguments.find("only");
    if (only == groups[k].optimizer.arguments.end()) {
      if (rest < k) {
        e.error(Diag::BadSetting, optimizers[k].at, "optimizer", "a second one for all that is left", "one")
            .note(optimizers[rest].at, "the first")
            .help("`only: [body, bias]` says what an optimizer is for");
        return false;
      }
      rest = k;
      continue;
    }
    std::optional<std::set<std::string>> paths = pathsNamed("only", only->second.elements);
    if (!paths)
      return false;
    for (size_t i = 0; i < groupOf.size(); ++i)
      if (groupOf[i] == optimizers.size() && paths->count(plan.params[plan.learned[i]]->path))
        groupOf[i] = k;
  }
  for (size_t i = 0; i < groupOf.size(); ++i) {
    if (groupOf[i] == optimizers.size())
      groupOf[i] = rest;
    if (groupOf[i] == optimizers.size()) {
      e.error(Diag::BadSetting, optimizers[0].at, "optimizer", "none for `" + plan.params[plan.learned[i]]->path + "`",
              "one for every parameter")
          .help("one without `only` is for the rest; `freeze` leaves a part as it is");
      return false;
    }
  }
  for (size_t k = 0; k < optimizers.size(); ++k) {
    auto without = groups[k].optimizer.arguments.find("no_decay");
    if (without == groups[k].optimizer.arguments.end())
      continue;
    std::optional<std::set<std::string>> paths = pathsNamed("no_decay", without->second.elements);
    if (!paths)
      return false;
    for (size_t i = 0; i < groupOf.size(); ++i)
      if (groupOf[i] == k && paths->count(plan.params[plan.learned[i]]->path))
        groupOf[i] = groups.size();
    groups.push_back({withoutDecay(groups[k].optimizer), ", without decay"});
  }
  return true;
}

std::vector<std::string> TrainElaborator::partsText() const {
  std::vector<std::string> lists(groups.size() + 1), lines;
  auto add = [&](size_t group, size_t param) {
    lists[group] += (lists[group].empty() ? "" : ", ") + plan.params[param]->path;
  };
  for (size_t i = 0; groups.size() > 1 && i < groupOf.size(); ++i)
    add(groupOf[i], plan.learned[i]);
  for (size_t i = 0; i < plan.params.size(); ++i)
    if (plan.params[i]->trained && frozen.count(plan.params[i]->path))
      add(groups.size(), i);
  for (size_t k = 0; k < lists.size(); ++k)
    if (!lists[k].empty())
      lines.push_back("  " +
                      (k == groups.size() ? "frozen"
                                          : std::string(e.sources.text(groups[k].optimizer.at)) + groups[k].suffix) +
                      ": " + lists[k]);
  return lines;
}

} // namespace dlc
