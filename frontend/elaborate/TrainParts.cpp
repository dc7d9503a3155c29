// Parts of the model that is trained, as settings name them: what is frozen, and what each optimizer is for.
#include "frontend/elaborate/ActiveCalls.h"
#include "frontend/elaborate/Layers.h"
#include "frontend/elaborate/TrainElaborator.h"

#include "llvm/ADT/StringExtras.h"

#include <algorithm>

namespace dlc {

using namespace ast;

/// The whole number that an expression writes, as text; "" when it writes none.
static std::string placeOf(const Expr &expr) {
  if (expr.kind == ExprKind::Unary && static_cast<const UnaryExpr &>(expr).op == UnaryOp::Neg) {
    std::string place = placeOf(*static_cast<const UnaryExpr &>(expr).operand);
    return place.empty() ? "" : "-" + place;
  }
  bool whole = expr.kind == ExprKind::Number && !static_cast<const NumberExpr &>(expr).isFloat;
  return whole ? std::to_string(static_cast<const NumberExpr &>(expr).integer) : "";
}

/// What an index writes: `1`, `-1`, or for a slice `:2`.
static std::string placesOf(const IndexEntry &entry) {
  if (!entry.slice)
    return placeOf(*entry.value);
  std::string begin = entry.begin ? placeOf(*entry.begin) : "", end = entry.end ? placeOf(*entry.end) : "";
  bool known = !entry.step && (!entry.begin || !begin.empty()) && (!entry.end || !end.empty());
  return known ? begin + ":" + end : "";
}

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
    std::string places = index.entries.size() == 1 ? placesOf(index.entries[0]) : "";
    return base.empty() || places.empty() ? "" : base + "." + places;
  }
  return "";
}

/// Whether `path` is the path `part` or lies within it.
static bool liesWithin(const std::string &path, const std::string &part) {
  return path == part || path.starts_with(part + ".");
}

/// The layers that a number (`1`, `-1`) or a slice (`:2`, `1:-1`) names, of `count`; none when it names no such.
static std::vector<size_t> layerNumbers(llvm::StringRef places, int64_t count) {
  auto place = [&](llvm::StringRef text, int64_t absent) -> int64_t {
    int64_t number = absent;
    if (!text.empty() && text.getAsInteger(10, number))
      return -1;
    return number < 0 ? number + count : number;
  };
  auto [first, last] = places.split(':');
  int64_t begin = place(first, 0), end = places.contains(':') ? place(last, count) : begin + 1;
  std::vector<size_t> layers;
  for (int64_t i = begin; begin >= 0 && end <= count && i < end; ++i)
    layers.push_back(size_t(i));
  return layers;
}

/// Adds the paths of what `part` names within a layer whose own path is `path`; slices and numbers from the end are
/// counted out.
static void addParts(const Value &layer, llvm::StringRef part, const std::string &path,
                     std::vector<std::string> &found) {
  auto [first, rest] = part.split('.');
  if (part.empty()) {
    found.push_back(path);
    return;
  }
  auto within = [&](const Value &inner, llvm::StringRef name) {
    addParts(inner, rest, (path.empty() ? "" : path + ".") + name.str(), found);
  };
  std::vector<Value> layers = holdsLayers(layer) ? layersIn(layer) : std::vector<Value>();
  if (!layers.empty()) {
    for (size_t i : layerNumbers(first, int64_t(layers.size())))
      within(layers[i], std::to_string(i));
  } else if (layer.kind == Value::Model) {
    if (const ModelInstance::Entry *entry = layer.model->find(first); entry && entry->layer)
      within(*entry->layer, first);
    else if (entry && rest.empty())
      within(Value(), first);
  }
}

/// A path as the program writes it, of a model that is called `name`: `body[0].weight`, `m[0]`.
static std::string written(llvm::StringRef path, const std::string &name) {
  std::string text;
  for (llvm::StringRef part : llvm::split(path, '.'))
    if (isdigit(uint8_t(part[0])))
      text += (text.empty() ? name : "") + "[" + part.str() + "]";
    else
      text += (text.empty() ? "" : ".") + part.str();
  return text;
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

static std::set<std::string> allPaths(const TrainPlan &plan) {
  std::set<std::string> paths;
  for (const ParamSlotRef &slot : plan.params)
    paths.insert(slot->path);
  return paths;
}

/// All that may be named: every part, and the name of every member.
static std::vector<std::string> partNames(const TrainPlan &plan) {
  std::set<std::string> names;
  for (const ParamSlotRef &slot : plan.params)
    for (size_t begin = 0, dot = 0; dot != std::string::npos; begin = dot + 1) {
      dot = slot->path.find('.', begin);
      names.insert(slot->path.substr(0, dot));
      if (!isdigit(uint8_t(slot->path[begin])))
        names.insert(slot->path.substr(begin, dot == std::string::npos ? dot : dot - begin));
    }
  return {names.begin(), names.end()};
}

std::optional<std::set<std::string>> TrainElaborator::pathsOfPart(const std::string &key, const std::string &part,
                                                                  SourceRange at) {
  if (part.empty()) {
    e.error(Diag::BadSetting, at, key, "`" + e.shortText(at) + "`", "a part of the model")
        .help(fmt::format("for example `{0}: body`, `{0}: [body[0], bias]`", key));
    return std::nullopt;
  }
  // The model may be called by its name, as elsewhere: `net.body`, `m[0]`.
  const std::string own = part.starts_with(name + ".") ? part.substr(name.size() + 1) : part == name ? "" : part;
  std::vector<std::string> parts;
  addParts(model, own, "", parts);
  std::set<std::string> paths = pathsIn(part);
  if (paths.empty())
    for (const std::string &one : parts.empty() ? std::vector<std::string>{own} : parts)
      paths.merge(one.empty() ? allPaths(plan) : pathsIn(one));
  if (!paths.empty())
    return paths;
  if (!parts.empty()) {
    e.error(Diag::BadSetting, at, key, "`" + written(parts[0], name) + "`, which has no parameters",
            "a part of the model that has some");
    return std::nullopt;
  }
  std::vector<std::string> names = partNames(plan);
  auto report = e.error(Diag::UnknownMember, at, "model `" + model.model->name + "`", written(own, name));
  std::string near = nearest(own, names);
  for (std::string &one : names)
    one = written(one, name);
  report.help(near.empty() ? "what it has is " + listed(names) : "did you mean `" + written(near, name) + "`?");
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
      lines.push_back(
          "  " +
          (k == groups.size() ? "frozen" : std::string(e.sources.text(groups[k].optimizer.at)) + groups[k].suffix) +
          ": " + lists[k]);
  return lines;
}

} // namespace dlc
