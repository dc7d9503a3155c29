// What is said of names of PyTorch, NumPy and Keras (ForeignNames.def), and what stands for them in the rest of the check.
#include "frontend/elaborate/Foreign.h"

#include "frontend/syntax/ForeignNames.h"

namespace dlc {

using namespace ast;

/// The name that members are taken of: `torch` of `torch.nn.functional.relu`; null when it is no name.
static const NameExpr *rootOf(const Expr &expr) {
  const Expr *base = &expr;
  while (base->kind == ExprKind::Field)
    base = static_cast<const FieldExpr *>(base)->base;
  return base->kind == ExprKind::Name ? static_cast<const NameExpr *>(base) : nullptr;
}

/// The library's `here` in the place of what was written: while checking, the rest is checked with it.
static Value meant(Elaborator &e, DiagnosticEngine::Builder &report, const std::string &here, SourceRange at) {
  if (e.executor)
    return e.poison(at);
  Value value = Value::unit(at);
  if (std::optional<DType> dtype = e.dtypeNamed(here)) {
    value.kind = Value::DTypeName;
    value.dtype = *dtype;
  } else if (Binding *binding = e.library->find(here)) {
    value = binding->value;
    value.at = at;
  } else {
    return e.poison(at);
  }
  report.mended();
  return value;
}

std::optional<Value> foreignValue(Elaborator &e, DiagnosticEngine::Builder &report, std::string_view name,
                                  SourceRange at) {
  std::string help = foreignName(name);
  if (help.empty())
    return std::nullopt;
  std::string here = sameName(name);
  if (here.empty())
    here = madeName(name);
  if (here.empty()) {
    report.help(help);
    return e.poison(at);
  }
  report.help(help, here);
  return meant(e, report, here, at);
}

std::optional<Value> foreignField(Elaborator &e, const FieldExpr &field, const ScopeRef &scope) {
  const NameExpr *root = rootOf(field);
  if (!root || scope->find(root->name))
    return std::nullopt;
  std::string text(e.sources.text(field.range)), last(field.name);
  for (const char *ending : {"csv", "npy", "npz", "safetensors", "png", "svg", "jpg", "txt", "gz", "pt", "pth", "h5"})
    if (last == ending) {
      std::string quoted = "\"" + text + "\"";
      e.error(Diag::UnknownName, field.range, text).help("a file name stands in quotes: `" + quoted + "`", quoted);
      return e.poison(field.range);
    }
  if (!isForeignModule(root->name))
    return std::nullopt;
  auto report = e.error(Diag::UnknownName, field.range, text);
  if (last == "load") {
    report.help(root->name == "torch" ? "weights are read by `load(Net(..), \"file.safetensors\")`"
                                      : "a file of numbers is `data d: { x: f32[n] } = npy(\"file.npy\")`");
    return e.poison(field.range);
  }
  if (std::optional<Value> value = foreignValue(e, report, last, field.range))
    return value;
  if (e.library->find(last)) {
    report.help("names of the library stand alone: `" + last + "`", last);
    return meant(e, report, last, field.range);
  }
  report.help("nothing is imported: names of the library stand alone, as in `zeros([n])`, `Linear(n, m)`");
  return e.poison(field.range);
}

/// Whether an index is `None` or `np.newaxis`.
static bool isNewAxis(const IndexEntry &entry, const ScopeRef &scope) {
  if (entry.slice || !entry.value)
    return false;
  const NameExpr *root = rootOf(*entry.value);
  if (!root || scope->find(root->name))
    return false;
  std::string_view last =
      entry.value->kind == ExprKind::Field ? static_cast<const FieldExpr &>(*entry.value).name : root->name;
  return last == "None" || last == "newaxis";
}

std::optional<Value> foreignIndex(Elaborator &e, const Value &base, const IndexExpr &expr, const ScopeRef &scope) {
  size_t axis = 0, count = 0;
  bool isWhole = true; // all other axes
  for (size_t i = 0; i < expr.entries.size(); ++i) {
    const IndexEntry &entry = expr.entries[i];
    bool isNew = isNewAxis(entry, scope);
    axis = isNew ? i : axis;
    count += isNew;
    isWhole &= isNew || (entry.slice && !entry.begin && !entry.end && !entry.step);
  }
  if (count == 0)
    return std::nullopt;
  const IndexEntry &entry = expr.entries[axis];
  auto report = e.error(Diag::UnknownName, entry.range, std::string(e.sources.text(entry.range)));
  std::string operand(e.sources.text(expr.base->range));
  bool isExact = count == 1 && isWhole && base.isTensor() && expr.entries.size() <= base.shape.size() + 1;
  if (!isExact) {
    report.help("a new axis is made by `expand_dims(x, axis: k)`");
    return e.poison(expr.range);
  }
  std::string written = fmt::format("expand_dims({}, axis: {})", operand, axis);
  report.help("a new axis is made by `" + written + "`", expr.range, written);
  if (e.executor)
    return e.poison(expr.range);
  report.mended();
  return e.apply(e.library->find("expand_dims")->value, {base, Value::ofInteger(int64_t(axis), entry.range)},
                 expr.range);
}

std::optional<Value> foreignMade(Elaborator &e, const CallExpr &call, const ScopeRef &scope) {
  const Expr &callee = *call.callee;
  const NameExpr *root = rootOf(callee);
  if (!root || scope->find(root->name) || (callee.kind == ExprKind::Field && !isForeignModule(root->name)))
    return std::nullopt;
  std::string_view last = callee.kind == ExprKind::Field ? static_cast<const FieldExpr &>(callee).name : root->name;
  std::string here = madeName(last);
  if (here.empty())
    return std::nullopt;
  auto report = e.error(Diag::UnknownName, callee.range, std::string(e.sources.text(callee.range)));
  if (!call.arguments.empty()) { // its settings are arguments of each call here
    report.help(foreignName(last));
    return e.poison(call.range);
  }
  report.help(foreignName(last), call.range, here);
  return meant(e, report, here, call.range);
}

} // namespace dlc
