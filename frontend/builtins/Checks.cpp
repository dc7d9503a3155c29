// Conditions that a function sets its arguments: require, same_shape, floats; and type_as.
#include "frontend/builtins/Builtins.h"

#include "ir/Dialect.h"

namespace dlc {

/// Refuses a call whose arguments do not satisfy a condition: while compiling, or where it is computed when the code runs.
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
  if (isComputed && e.emitting() && !e.quiet) {
    mlir::Value holds = e.ir(condition), shown = e.ir(e.cast(condition, DType::U8, site.at));
    dl::CheckOp::create(e.graph.here(), e.location(e.userPlace(site.at)), shown.getType(), shown, holds, "",
                        site[1].text);
  }
  if (isComputed || condition.flag)
    return Value::unit(site.at);
  e.error(Diag::Requirement, site.at, site[1].text);
  return e.poison(site.at);
}

/// The call that makes of x a tensor of y's shape by taking one axis of size 1 away, if there is one.
static std::optional<std::string> withoutOnes(Elaborator &e, const Value &x, const Value &y) {
  if (x.shape.size() != y.shape.size() + 1)
    return std::nullopt;
  for (size_t axis = x.shape.size(); axis-- > 0;) {
    Shape rest = x.shape;
    rest.erase(rest.begin() + axis);
    bool fits = x.shape[axis].size == Size(1);
    for (size_t i = 0; fits && i < rest.size(); ++i)
      fits = rest[i].size == y.shape[i].size;
    if (fits) {
      std::string before;
      for (size_t i = 0; i < axis; ++i)
        before += ":, ";
      return fmt::format("{}[{}0]", e.shortText(x.at), before);
    }
  }
  return std::nullopt;
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
  if (std::optional<std::string> repair = withoutOnes(e, x, y); repair || (repair = withoutOnes(e, y, x)))
    report.help(fmt::format("`{}` does not broadcast; take the axis of size 1 away: `{}`", site[2].text, *repair));
  else
    report.help(fmt::format("`{}` takes two tensors of one shape; `broadcast_to`, `reshape` or `squeeze` makes them so",
                            site[2].text));
  return e.poison(site.at);
}

/// Literals as literals with a point, in lists too; all else as it is.
static Value pointed(const Value &value) {
  Value result = value;
  if (value.kind == Value::List || value.kind == Value::Tuple) {
    for (Value &element : result.elements)
      element = pointed(element);
  } else if (isLiteral(value) && (value.kind == Value::Number || value.size.isConstant())) {
    result = Value::ofNumber(value.asDouble(), value.at);
  }
  return result;
}

/// The argument of a function (`what`) that is of floating-point numbers: literals become so, integers are refused.
static Value floats(Elaborator &e, CallSite &site) {
  if (isLiteral(site[0]))
    return pointed(site[0]);
  Value x = tensorArgument(e, site, 0);
  if (x.poison() || isFloating(x.dtype))
    return x;
  e.error(Diag::WrongType, x.at, fmt::format("the argument of `{}`", site[1].text), describe(x),
          "floating-point numbers")
      .help(site.has(2) ? site[2].text : fmt::format("write the conversion: `f32({})`", e.shortText(x.at)));
  return e.poison(site.at);
}

/// The first argument in the element type of the second.
static Value typeAs(Elaborator &e, CallSite &site) {
  Value x = tensorArgument(e, site, 0), like = tensorArgument(e, site, 1);
  return x.poison() || like.poison() ? e.poison(site.at) : e.cast(x, like.dtype, site.at);
}

void addCheckBuiltins(BuiltinTable &table) {
  table.add("is_floating_point", [](Elaborator &e, CallSite &site) {
    Value x = isLiteral(site[0]) && hasFraction(site[0]) ? site[0] : tensorArgument(e, site, 0);
    return x.poison() ? x : Value::ofBool(!x.isTensor() || isFloating(x.dtype), site.at);
  });
  table.add("is_function", [](Elaborator &e, CallSite &site) {
    return site[0].poison() ? site[0] : Value::ofBool(site[0].kind == Value::Fn, site.at);
  });
  table.add("require", require);
  table.add("same_shape", sameShape);
  table.add("floats", floats);
  table.add("type_as", typeAs);
}

} // namespace dlc
