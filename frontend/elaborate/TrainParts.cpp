// Parts of the model that is trained, as settings name them: what is frozen.
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
  if (!paths.empty())
    return paths;
  auto report = e.error(Diag::UnknownMember, at, "model `" + model.model->name + "`", part);
  if (std::string near = nearest(part, partNames(plan)); !near.empty())
    report.help("did you mean `" + near + "`?");
  else
    report.help("what it has is " + listed(partNames(plan)));
  return std::nullopt;
}

std::optional<std::set<std::string>> TrainElaborator::pathsNamed(const std::string &key, const Expr &expr) {
  std::vector<const Expr *> parts = {&expr};
  if (expr.kind == ExprKind::List) {
    auto &elements = static_cast<const ListExpr &>(expr).elements;
    parts.assign(elements.begin(), elements.end());
  } else if (expr.kind == ExprKind::Tuple) {
    auto &elements = static_cast<const TupleExpr &>(expr).elements;
    parts.assign(elements.begin(), elements.end());
  }
  std::set<std::string> all;
  for (const Expr *part : parts) {
    std::optional<std::set<std::string>> paths = pathsOfPart(key, pathOf(*part), part->range);
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
    paths = entry ? pathsNamed("freeze", *entry->value) : std::set<std::string>();
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

std::vector<std::string> TrainElaborator::partsText() const {
  std::string list;
  for (const ParamSlotRef &slot : plan.params)
    if (slot->trained && frozen.count(slot->path))
      list += (list.empty() ? "" : ", ") + slot->path;
  return list.empty() ? std::vector<std::string>() : std::vector<std::string>{"  frozen: " + list};
}

} // namespace dlc
