// Declared types against values: what fits, what the names of sizes stand for, and functions checked by themselves.
#include "frontend/elaborate/ActiveCalls.h"
#include "frontend/elaborate/Widths.h"

#include <algorithm>
#include <cmath>

namespace dlc {

using namespace ast;

bool Elaborator::bindParameter(const Parameter &parameter, Value argument, const ScopeRef &scope,
                               const std::string &callee) {
  if (parameter.type &&
      !matchType(*parameter.type, argument, scope, fmt::format("argument `{}` of `{}`", parameter.name, callee), true,
                 parameter.type->range))
    return false;
  if (parameter.name != "_")
    scope->names[std::string(parameter.name)] = {argument, false, parameter.range};
  return true;
}

namespace {
/// One declared type against one value. Each step gives false when it has reported an error.
struct TypeMatch {
  Elaborator &e;
  const TypeExpr &type;
  Value &value;
  const ScopeRef &scope;
  const std::string &what; ///< for messages: `argument x of f`
  bool bindNames;          ///< whether names that nothing defines become the sizes that they meet
  SourceRange owner;       ///< where the type is declared

  std::string spelled() const {
    return "`" + (type.range.valid() ? std::string(e.sources.text(type.range)) : std::string(type.name)) + "`";
  }
  bool wrong(const std::string &expected, const std::string &help = "") const;
  bool tuple();
  bool function();
  bool size();
  bool named();
  bool number(DType dtype);
  bool convert(DType dtype);
  bool differs(DType dtype) const;
  bool shape();
  bool axis(size_t i, size_t offset);
  size_t missingAxis() const;
  bool axisDiffers(size_t i, size_t offset, const Value &declared, const Size &expected) const;
};
} // namespace

bool TypeMatch::wrong(const std::string &expected, const std::string &help) const {
  auto report = e.error(Diag::WrongType, value.at, what, describe(value), expected);
  if (!inLibrary(e.sources, owner))
    report.note(owner, "declared here");
  if (!help.empty())
    report.help(help);
  return false;
}

bool TypeMatch::tuple() {
  if (value.kind != Value::Tuple || value.elements.size() != type.elements.size())
    return wrong(spelled());
  for (size_t i = 0; i < type.elements.size(); ++i)
    if (!e.matchType(*type.elements[i], value.elements[i], scope, fmt::format("element {} of {}", i + 1, what),
                     bindNames, type.elements[i]->range))
      return false;
  return true;
}

bool TypeMatch::function() {
  if (value.kind == Value::Model)
    return true;
  if (value.kind != Value::Fn)
    return wrong("a function " + spelled());
  if (value.function->kind != Function::User && value.function->kind != Function::Lambda)
    return true;
  const std::vector<Parameter> &parameters =
      value.function->kind == Function::User ? value.function->item->parameters : value.function->lambda->parameters;
  size_t needed =
      std::count_if(parameters.begin(), parameters.end(), [](const Parameter &p) { return !p.defaultValue; });
  if (type.elements.size() >= needed && type.elements.size() <= parameters.size())
    return true;
  auto report = e.error(
      Diag::WrongType, value.at, what,
      fmt::format("a function of {} {}", parameters.size(), parameters.size() == 1 ? "parameter" : "parameters"),
      spelled());
  if (!inLibrary(e.sources, owner))
    report.note(owner, "declared here");
  return false;
}

bool TypeMatch::size() {
  if (value.kind == Value::SizeOf) {
    if (!value.size.isConstant() || value.size.constant() >= 0)
      return true;
  } else if (value.kind != Value::Number || value.isFloat) {
    return wrong("a size (`dim`)", value.isTensor() ? "a size must be known when the program is compiled" : "");
  }
  int64_t size = value.kind == Value::SizeOf ? value.size.constant() : value.integer;
  if (size < 0) {
    auto report = e.error(Diag::NegativeSize, value.at, size);
    if (!inLibrary(e.sources, owner))
      report.note(owner, "declared here");
    return false;
  }
  value = Value::ofSize(Size(size), value.at);
  return true;
}

/// A named type that is no dtype: `dim`, `str`, a model.
bool TypeMatch::named() {
  if (type.name == "dim")
    return size();
  if (type.name == "str")
    return value.kind == Value::String || wrong("a string");
  Binding *binding = scope->find(type.name);
  if (!binding || binding->value.kind != Value::Fn || binding->value.function->kind != Function::Constructor) {
    e.unknownType(type);
    return false;
  }
  if (value.kind == Value::Model && value.model->item == binding->value.function->modelItem)
    return true;
  std::string name(type.name);
  bool unmade = value.kind == Value::Fn && value.function->modelItem == binding->value.function->modelItem;
  return wrong("a model `" + name + "`", unmade ? "make one: `" + name + "(..)`" : "");
}

/// A number known at compile time becomes one of the dtype, if it fits.
bool TypeMatch::number(DType dtype) {
  bool fraction = value.kind == Value::Number && value.isFloat && value.number != std::floor(value.number);
  if (value.weak && ((fraction && !isFloating(dtype)) || dtype == DType::Bool))
    return wrong(spelled(), dtype == DType::Bool ? "compare with something: `x != 0`"
                                                 : "`floor(..)` and `round(..)` make whole numbers");
  if (value.kind == Value::SizeOf && !value.size.isConstant()) {
    value = Value::ofTensor(dtype, {}, {}, value.at);
    return true;
  }
  return e.settleNumber(value, dtype, owner) && (value.dtype == dtype || differs(dtype));
}

bool TypeMatch::differs(DType dtype) const {
  return wrong(spelled(), dtype == DType::Bool
                              ? "compare with something: `x != 0`"
                              : fmt::format("write the conversion: `{}({})`", type.name, e.shortText(value.at)));
}

/// Integers convert to another width, if they fit; all else needs a cast.
bool TypeMatch::convert(DType dtype) {
  if (value.soft && isFloating(dtype))
    value = e.cast(value, dtype, value.at);
  if (value.dtype == dtype)
    return true;
  if (isIntegral(value.dtype) && isIntegral(dtype)) {
    value = inWidth(e, value, dtype);
    return true;
  }
  return differs(dtype);
}

bool TypeMatch::axisDiffers(size_t i, size_t offset, const Value &declared, const Size &expected) const {
  const Dim &actual = value.shape[i + offset];
  std::string shape = std::string(type.name) + "[" + (type.ellipsis ? "..., " : "");
  for (size_t j = 0; j < type.sizes.size(); ++j) {
    Value entry = e.expression(*type.sizes[j], scope);
    shape += (j ? ", " : "") +
             (entry.kind == Value::SizeOf ? entry.size.str() : std::string(e.sources.text(type.sizes[j]->range)));
  }
  auto report = e.error(Diag::ArgumentShape, value.at, what, describe(value), "`" + shape + "]`");
  std::string text(e.sources.text(type.sizes[i]->range));
  if (inLibrary(e.sources, type.sizes[i]->range)) {
    if (declared.at.valid() && !inLibrary(e.sources, declared.at))
      report.note(declared.at, fmt::format("`{}` is {} from here", text, expected.str()));
  } else {
    std::string here = text == expected.str() ? "" : fmt::format(", which is {} here", expected.str());
    report.note(type.sizes[i]->range, fmt::format("axis {} is declared as `{}`{}", i + offset, text, here));
    Binding *binding = type.sizes[i]->kind == ExprKind::Name ? scope->find(text) : nullptr;
    if (binding && binding->at.valid() && !(binding->at == type.sizes[i]->range))
      report.note(binding->at, fmt::format("`{}` got its size here", text));
  }
  Value one = value;
  e.noteOrigins(report, one, i + offset);
  if (value.shape.size() == 2 && type.sizes.size() == 2 && i == 0) {
    Value other = e.expression(*type.sizes[1], scope);
    if (other.kind == Value::SizeOf && e.sameSize(actual.size, other.size).value_or(false))
      report.help("transpose it?");
  } else if (i + offset > 0 && type.ellipsis &&
             e.sameSize(elementCount(Shape(value.shape.begin() + 1, value.shape.end())), expected).value_or(false)) {
    report.help("`flatten` makes one axis of all but the first");
  } else if (type.ellipsis && i + 1 == type.sizes.size() && expected == Size(1)) {
    report.help(fmt::format("each number a row of one: `expand_dims({}, axis: {})`", e.shortText(value.at),
                            value.shape.size()));
  }
  return false;
}

bool TypeMatch::axis(size_t i, size_t offset) {
  const Expr &entry = *type.sizes[i];
  if (entry.kind == ExprKind::Name && static_cast<const NameExpr &>(entry).name == "_")
    return true;
  Value declared = e.expression(entry, scope);
  std::optional<Size> expected = e.size(declared, "the size of an axis");
  if (!expected)
    return false;
  Dim &actual = value.shape[i + offset];
  if (!e.sameSize(actual.size, *expected).value_or(true))
    return axisDiffers(i, offset, declared, *expected);
  // What is declared is known better than what data decides; and the user's own text says more than that of std.
  SourceRange origin =
      inLibrary(e.sources, entry.range) ? actual.origin.valid() ? actual.origin : declared.at : entry.range;
  actual = {actual.size.isFlexible() ? *expected : actual.size, origin};
  return true;
}

/// Which of the declared axes a value lacks: one of size 1 beside which all others fit, else the first.
size_t TypeMatch::missingAxis() const {
  std::vector<std::optional<Size>> sizes; // those of names that get their size here are not known
  for (const Expr *entry : type.sizes) {
    Value size = freshSizeName(*entry, scope) ? Value() : e.expression(*entry, scope);
    sizes.push_back(size.poison() ? std::nullopt : e.size(size, "the size of an axis"));
  }
  for (size_t missing = 0; missing < sizes.size(); ++missing) {
    bool fits = sizes[missing] && *sizes[missing] == Size(1);
    for (size_t i = 0; fits && i < value.shape.size(); ++i)
      if (const std::optional<Size> &size = sizes[i + (i >= missing)]; size)
        fits = e.sameSize(*size, value.shape[i].size).value_or(true);
    if (fits)
      return missing;
  }
  return 0;
}

bool TypeMatch::shape() {
  size_t declared = type.kind == TypeKind::Named ? 0 : type.sizes.size();
  size_t rank = value.shape.size();
  if (type.ellipsis ? rank < declared : rank != declared) {
    auto report = e.error(Diag::ArgumentShape, value.at, what, describe(value), spelled());
    if (!inLibrary(e.sources, owner))
      report.note(owner, "declared here");
    e.noteOrigins(report, value);
    if (rank + 1 == declared && bindNames && rank > 0)
      report.help(fmt::format("{} axis is missing? `expand_dims({}, axis: {})` adds one",
                              missingAxis() ? "an" : "a leading", e.shortText(value.at), missingAxis()));
    else if (declared == 0)
      report.help(value.dtype == DType::Bool ? "`any(..)` or `all(..)` makes one bool of many"
                                             : "`sum(..)` or `mean(..)` makes one number of many");
    return false;
  }
  size_t offset = rank - declared;
  // Bare fresh names first, so that `f32[2 * n, n]` may be written in any order.
  for (size_t i = 0; bindNames && i < declared; ++i)
    if (const NameExpr *fresh = freshSizeName(*type.sizes[i], scope); fresh && fresh->name != "_")
      scope->names[std::string(fresh->name)] = {Value::ofSize(value.shape[i + offset].size, fresh->range), false,
                                                fresh->range};
  for (size_t i = 0; i < declared; ++i)
    if (!axis(i, offset))
      return false;
  return true;
}

bool Elaborator::matchType(const TypeExpr &type, Value &value, const ScopeRef &scope, const std::string &what,
                           bool bindNames, SourceRange owner) {
  if (value.poison())
    return false;
  TypeMatch match{*this, type, value, scope, what, bindNames, owner};
  if (type.kind == TypeKind::Tuple)
    return match.tuple();
  if (type.kind == TypeKind::Function)
    return match.function();
  std::optional<DType> dtype = dtypeNamed(type.name);
  if (!dtype && type.kind == TypeKind::Named)
    return match.named();
  if (!dtype) {
    unknownType(type);
    return false;
  }
  // A scalar or a tensor of a dtype.
  bool scalar = type.kind == TypeKind::Named || (type.sizes.empty() && !type.ellipsis);
  if (value.kind == Value::List) {
    value = tensorOfList(value, dtype);
    if (value.poison())
      return false;
  }
  if (value.isNumber() && (scalar || type.ellipsis))
    return match.number(*dtype);
  if (value.kind == Value::Bool && *dtype == DType::Bool && scalar)
    return true;
  if (value.kind == Value::Unit)
    return match.wrong(match.spelled(), "an `if` without `else`, an assignment and a loop have no value");
  Value given = value;
  if (value.isNumber() || value.kind == Value::Bool)
    value = tensorOf(value, isLiteral(value) && fitsIn(value, *dtype) ? dtype : std::nullopt);
  if (!value.isTensor()) {
    value = given;
    return match.wrong(match.spelled());
  }
  return match.convert(*dtype) && match.shape();
}

void Elaborator::unknownType(const TypeExpr &type) {
  // What other languages call them.
  static const std::map<std::string, std::string, std::less<>> foreign = {
      {"float", "f32"},        {"float32", "f32"},     {"double", "f64"}, {"float64", "f64"},  {"bfloat16", "bf16"},
      {"half", "bf16"},        {"int", "i64"},         {"int32", "i32"},  {"int64", "i64"},    {"long", "i64"},
      {"uint8", "u8"},         {"byte", "u8"},         {"string", "str"}, {"boolean", "bool"}, {"usize", "dim"},
      {"Tensor", "f32[n, m]"}, {"tensor", "f32[n, m]"}};
  std::string name(type.name);
  SourceRange at = type.range;
  at.end = std::min<uint32_t>(at.end, at.begin + uint32_t(name.size()));
  auto report = error(Diag::UnknownType, at, name);
  if (auto found = foreign.find(name); found != foreign.end()) {
    report.help("write `" + found->second + "`");
    return;
  }
  std::vector<std::string> known = {"f32", "f64", "bf16", "i32", "i64", "u8", "bool", "dim", "str"};
  for (auto &[defined, binding] : file->names)
    if (binding.value.kind == Value::Fn && binding.value.function->kind == Function::Constructor)
      known.push_back(defined);
  if (std::string near = nearest(name, known); !near.empty())
    report.meant(near);
  else
    report.help("types are f32, f64, bf16, i32, i64, u8, bool, dim, str, models, tuples and functions");
}

} // namespace dlc
