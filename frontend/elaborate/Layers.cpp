// Layers in a row, by their numbers: those of a `Sequential` or of a list.
#include "frontend/elaborate/Layers.h"

#include <algorithm>

namespace dlc {

using namespace ast;

bool holdsLayers(const Value &value) {
  if (value.kind == Value::Model)
    return !value.model->item && value.model->name == "Sequential";
  auto isLayer = [](const Value &element) {
    return element.kind == Value::Model || element.kind == Value::Fn || holdsLayers(element);
  };
  return value.kind == Value::List && std::any_of(value.elements.begin(), value.elements.end(), isLayer);
}

std::vector<Value> layersIn(const Value &value) {
  if (!holdsLayers(value) || value.kind == Value::List)
    return value.elements;
  std::vector<Value> layers;
  for (const ModelInstance::Entry &entry : value.model->entries)
    layers.push_back(*entry.layer);
  return layers;
}

/// The layers of a `Sequential` from one place to another, as a `Sequential`. Its parameters are named as in one that
/// was made of these layers alone.
static Value sequentialOf(const Value &whole, int64_t begin, int64_t end) {
  ModelInstance part = *whole.model;
  part.trained = nullptr;
  part.entries.assign(whole.model->entries.begin() + begin, whole.model->entries.begin() + end);
  for (size_t i = 0; i < part.entries.size(); ++i)
    part.entries[i].name = std::to_string(i);
  std::vector<Value> values;
  for (const ParamSlotRef &slot : parametersOf(part))
    values.push_back(slot->value);
  Value made = whole;
  made.model = withValues(part, values);
  nameParameters(*made.model);
  return made;
}

Value layersAt(Elaborator &e, const Value &base, const IndexExpr &expr, const ScopeRef &scope) {
  const IndexEntry &entry = expr.entries[0];
  if (expr.entries.size() != 1) {
    e.error(Diag::WrongType, expr.range, "the index of layers in a row", std::to_string(expr.entries.size()),
            "one number or slice");
    return e.poison(expr.range);
  }
  std::vector<Value> layers = layersIn(base);
  int64_t n = int64_t(layers.size());
  // Checked with names, one layer may stand for all of a list.
  bool unknown = base.kind == Value::List ? base.flag : base.model->undecided;
  auto place = [&](const Expr *part, int64_t absent) -> std::optional<int64_t> {
    if (!part)
      return absent;
    Value at = e.expression(*part, scope);
    if (at.isTensor() && at.shape.empty() && isIntegral(at.dtype)) {
      e.error(Diag::NotConstant, at.at, "the number of a layer")
          .help("`for layer in layers { .. }` runs over all of them");
      return std::nullopt;
    }
    std::optional<int64_t> i = e.integerConstant(at, "the number of a layer");
    return i && *i < 0 ? *i + n : i;
  };
  auto outOfRange = [&] {
    return e.error(Diag::BadArgument, entry.range,
                   fmt::format("`{}` is out of range: `{}` has {} {}", e.shortText(entry.range),
                               e.shortText(expr.base->range), n, n == 1 ? "layer" : "layers"));
  };
  if (!entry.slice) {
    std::optional<int64_t> i = place(entry.value, 0);
    if (!i)
      return e.poison(expr.range);
    if (!unknown && (*i < 0 || *i >= n)) {
      auto report = outOfRange();
      if (n > 0)
        report.help(fmt::format("they count from 0 to {}, or from the end from -1 to -{}", n - 1, n));
      return e.poison(expr.range);
    }
    Value layer = layers[unknown ? 0 : size_t(*i)];
    layer.at = expr.range;
    return layer;
  }
  std::optional<int64_t> begin = place(entry.begin, 0), end = place(entry.end, n), step = place(entry.step, 1);
  if (!begin || !end || !step)
    return e.poison(expr.range);
  Value part = base;
  part.at = expr.range;
  if (unknown)
    return part;
  if (entry.step && *step != 1) {
    e.error(Diag::BadArgument, entry.step->range, "a slice of layers has no step, only a begin and an end");
    return e.poison(expr.range);
  }
  if (*begin < 0 || *end > n || *begin >= *end) {
    outOfRange().help(*begin == *end  ? "at least one layer is taken"
                      : *begin > *end ? "it ends before it begins"
                                      : "slices never clamp");
    return e.poison(expr.range);
  }
  if (base.kind == Value::Model)
    part = sequentialOf(base, *begin, *end);
  else
    part.elements.assign(base.elements.begin() + *begin, base.elements.begin() + *end);
  part.at = expr.range;
  return part;
}

} // namespace dlc
