// Conditions that a function sets its arguments: require, same_shape.
#include "frontend/Builtins.h"

namespace dlc {

/// Refuses, while compiling, a call whose arguments do not satisfy a condition. What is not known then is not checked.
static Value require(Elaborator &e, CallSite &site) {
  const Value &condition = site[0];
  if (condition.poison())
    return e.poison(site.at);
  bool isComputed = condition.isTensor() && condition.shape.empty() && condition.dtype == DType::Bool;
  if (condition.kind != Value::Bool && !isComputed) {
    e.error(Diag::ConditionType, condition.at, describe(condition)).help("compare with something: `x != 0`");
    return e.poison(site.at);
  }
  if (site[1].kind != Value::String) {
    e.error(Diag::WrongType, site[1].at, "argument 2 of `require`", describe(site[1]), "words in quotes")
        .help("for example `require(p >= 0, \"`p` must not be negative\")`");
    return e.poison(site.at);
  }
  if (isComputed || condition.flag)
    return Value::unit(site.at);
  e.error(Diag::Requirement, site.at, site[1].text);
  return e.poison(site.at);
}

/// Refuses operands of different shapes, for functions that pair elements and must not broadcast. A plain number stands
/// for a tensor of it.
static Value sameShape(Elaborator &e, CallSite &site) {
  if (site[0].isNumber() || site[1].isNumber())
    return Value::unit(site.at);
  Value x = tensorArgument(e, site, 0), y = tensorArgument(e, site, 1);
  if (x.poison() || y.poison())
    return e.poison(site.at);
  bool fits = x.shape.size() == y.shape.size();
  for (size_t a = 0; fits && a < x.shape.size(); ++a)
    fits = e.sameSize(x.shape[a].size, y.shape[a].size).value_or(true);
  if (fits)
    return Value::unit(site.at);
  auto report = e.error(Diag::ShapeMismatch, site.at, str(x.shape), str(y.shape), site[2].text);
  e.noteIs(report, x);
  e.noteIs(report, y);
  report.help("a loss takes two tensors of one shape; `broadcast_to`, `reshape` or `squeeze` makes them so");
  return e.poison(site.at);
}

void addCheckBuiltins(BuiltinTable &table) {
  table.add("require", {"condition", "words"}, require);
  table.add("same_shape", {"x", "y", "what"}, sameShape);
}

} // namespace dlc
