// Declared types against values: what fits, what the names of sizes stand for, and functions checked by themselves.
#include "frontend/ActiveCalls.h"

namespace dlc {

using namespace ast;

bool Elaborator::bindParameter(const Parameter &parameter, Value argument, const ScopeRef &scope, const std::string &callee) {
  if (parameter.type &&
      !matchType(*parameter.type, argument, scope, fmt::format("argument `{}` of `{}`", parameter.name, callee), true,
                 parameter.type->range))
    return false;
  if (parameter.name != "_")
    scope->names[std::string(parameter.name)] = {argument, false, parameter.range};
  return true;
}

/// Whether a declared size is a bare name that nothing defines yet: then the argument gives it its size.
static const NameExpr *freshName(const Expr &size, const ScopeRef &scope) {
  if (size.kind != ExprKind::Name)
    return nullptr;
  auto &name = static_cast<const NameExpr &>(size);
  for (Scope *level = scope.get(); level; level = level->parent.get()) {
    if (auto found = level->names.find(name.name); found != level->names.end()) {
      Value::Kind kind = found->second.value.kind;
      return kind == Value::SizeOf || kind == Value::Number || kind == Value::Poison ? nullptr : &name;
    }
  }
  return &name;
}

bool Elaborator::matchType(const TypeExpr &type, Value &value, const ScopeRef &scope, const std::string &what, bool bindNames,
                           SourceRange owner) {
  if (value.poison())
    return false;
  auto wrong = [&](const std::string &expected) {
    auto report = error(Diag::WrongType, value.at, what, typeString(value), expected);
    report.note(owner, "declared here");
    return false;
  };
  std::string spelled = type.range.valid() ? std::string(sources.text(type.range)) : std::string(type.name);
  switch (type.kind) {
  case TypeKind::Tuple: {
    if (value.kind != Value::Tuple || value.elements.size() != type.elements.size())
      return wrong("`" + spelled + "`");
    for (size_t i = 0; i < type.elements.size(); ++i)
      if (!matchType(*type.elements[i], value.elements[i], scope, fmt::format("element {} of {}", i + 1, what), bindNames,
                     type.elements[i]->range))
        return false;
    return true;
  }
  case TypeKind::Function:
    if (value.kind != Value::Fn && value.kind != Value::Model)
      return wrong("a function `" + spelled + "`");
    return true;
  case TypeKind::Named:
    if (type.name == "dim") {
      if (value.kind == Value::SizeOf)
        return true;
      if (value.kind == Value::Number && !value.isFloat) {
        if (value.integer < 0) {
          error(Diag::NegativeSize, value.at, value.integer).note(owner, "declared here");
          return false;
        }
        value = Value::ofSize(Size(value.integer), value.at);
        return true;
      }
      return wrong("a size (`dim`)");
    }
    if (type.name == "str")
      return value.kind == Value::String ? true : wrong("a string");
    if (!dtypeNamed(type.name)) {
      Binding *binding = scope->find(type.name);
      if (binding && binding->value.kind == Value::Fn && binding->value.function->kind == Function::Constructor) {
        if (value.kind == Value::Model && value.model->item == binding->value.function->modelItem)
          return true;
        return wrong("a model `" + std::string(type.name) + "`");
      }
      std::string name(type.name);
      auto report = error(Diag::UnknownType, type.range, name);
      if (std::string near = nearest(name, {"f32", "f64", "bf16", "i32", "i64", "u8", "bool", "dim", "str"}); !near.empty())
        report.help("did you mean `" + near + "`?");
      return false;
    }
    break;
  case TypeKind::Tensor:
    break;
  }
  // A scalar or a tensor of a dtype.
  std::optional<DType> dtype = dtypeNamed(type.name);
  if (!dtype) {
    std::string name(type.name);
    auto report = error(Diag::UnknownType, type.range, name);
    if (std::string near = nearest(name, {"f32", "f64", "bf16", "i32", "i64", "u8", "bool"}); !near.empty())
      report.help("did you mean `" + near + "`?");
    return false;
  }
  bool floating = *dtype == DType::F32 || *dtype == DType::F64 || *dtype == DType::BF16;
  bool scalar = type.kind == TypeKind::Named || (type.sizes.empty() && !type.ellipsis);
  if (value.kind == Value::List) {
    Value named = Value::unit(value.at);
    named.kind = Value::DTypeName;
    named.dtype = *dtype;
    value = apply(library->find("tensor")->value, {value, named}, value.at);
    if (value.poison())
      return false;
  }
  if (value.isNumber() && (scalar || type.ellipsis)) {
    if (value.kind == Value::Number && value.isFloat && !floating && value.number != double(int64_t(value.number)))
      return wrong("`" + spelled + "`");
    if (*dtype == DType::Bool)
      return wrong("`bool`");
    if (value.kind == Value::SizeOf && !value.size.isConstant()) {
      value = Value::ofTensor(*dtype, {}, {}, value.at);
      return true;
    }
    double number = value.asDouble();
    auto outside = [&](double low, double high) { return number < low || number > high; };
    if ((*dtype == DType::U8 && outside(0, 255)) || (*dtype == DType::I32 && outside(-2147483648.0, 2147483647.0))) {
      error(Diag::DoesNotFit, value.at, fmt::format("{}", number), spelled).note(owner, "declared here");
      return false;
    }
    Value number2 = floating ? Value::ofNumber(number, value.at)
                             : Value::ofInteger(value.kind == Value::SizeOf ? value.size.constant()
                                                : value.isFloat             ? int64_t(value.number)
                                                                            : value.integer,
                                                value.at);
    number2.weak = false;
    number2.dtype = *dtype;
    value = number2;
    return true;
  }
  if (value.kind == Value::Bool && *dtype == DType::Bool && scalar)
    return true;
  if (value.isNumber() || value.kind == Value::Bool)
    value = tensorOf(value, value.isNumber() ? dtype : std::nullopt);
  if (!value.isTensor())
    return wrong("`" + spelled + "`");
  if (value.soft && floating)
    value = cast(value, *dtype, value.at);
  if (value.dtype != *dtype) {
    auto isInt = [](DType d) { return d == DType::I32 || d == DType::I64 || d == DType::U8; };
    if (isInt(value.dtype) && isInt(*dtype)) {
      value = cast(value, *dtype, value.at);
    } else {
      auto report = error(Diag::WrongType, value.at, what, typeString(value), "`" + spelled + "`");
      report.note(owner, "declared here");
      if (value.dtype != DType::Bool || floating)
        report.help(fmt::format("write the conversion: `{}({})`", type.name,
                                value.at.valid() && sources.text(value.at).size() <= 40 ? sources.text(value.at) : "x"));
      return false;
    }
  }
  size_t declared = scalar && type.kind == TypeKind::Named ? 0 : type.sizes.size();
  size_t rank = value.shape.size();
  if (type.ellipsis ? rank < declared : rank != declared) {
    auto report = error(Diag::ArgumentShape, value.at, what, "`" + typeString(value) + "`", "`" + spelled + "`");
    report.note(owner, "declared here");
    if (rank + 1 == declared && bindNames)
      report.help("a leading axis is missing? `expand_dims(x, axis: 0)` adds one");
    return false;
  }
  size_t offset = rank - declared;
  // Bare fresh names first, so that `f32[2 * n, n]` may be written in any order.
  for (int pass = 0; pass < 2; ++pass)
    for (size_t i = 0; i < declared; ++i) {
      const NameExpr *fresh = bindNames ? freshName(*type.sizes[i], scope) : nullptr;
      if (pass == 0) {
        if (fresh && fresh->name == "_")
          continue;
        if (fresh)
          scope->names[std::string(fresh->name)] = {Value::ofSize(value.shape[i + offset].size, fresh->range), false, fresh->range};
        continue;
      }
      if (type.sizes[i]->kind == ExprKind::Name && static_cast<const NameExpr *>(type.sizes[i])->name == "_")
        continue;
      Value declaredSize = expression(*type.sizes[i], scope);
      std::optional<Size> expected = size(declaredSize, "the size of an axis");
      if (!expected)
        return false;
      const Dim &actual = value.shape[i + offset];
      if (!sameSize(actual.size, *expected).value_or(true)) {
        std::string expectedShape = std::string(type.name) + "[" + (type.ellipsis ? "..., " : "");
        for (size_t j = 0; j < declared; ++j) {
          Value entry = expression(*type.sizes[j], scope);
          expectedShape += (j ? ", " : "") + (entry.kind == Value::SizeOf ? entry.size.str() : std::string(sources.text(type.sizes[j]->range)));
        }
        expectedShape += "]";
        auto report = error(Diag::ArgumentShape, value.at, what, "`" + typeString(value) + "`", "`" + expectedShape + "`");
        std::string text(sources.text(type.sizes[i]->range));
        report.note(type.sizes[i]->range, text == expected->str() ? fmt::format("axis {} is declared as `{}`", i + offset, text)
                                                                   : fmt::format("axis {} is declared as `{}`, which is {} here", i + offset, text, expected->str()));
        if (type.sizes[i]->kind == ExprKind::Name)
          if (Binding *binding = scope->find(static_cast<const NameExpr *>(type.sizes[i])->name); binding && binding->at.valid() && !(binding->at == type.sizes[i]->range))
            report.note(binding->at, fmt::format("`{}` got its size here", text));
        if (actual.origin.valid())
          report.note(actual.origin, fmt::format("`{}` comes from here", actual.size.str()));
        if (rank == 2 && declared == 2 && i == 0) {
          Value other = expression(*type.sizes[1], scope);
          if (other.kind == Value::SizeOf && sameSize(value.shape[0].size, other.size).value_or(false))
            report.help("transpose it?");
        }
        return false;
      }
      // What is declared is known better than what data decides.
      value.shape[i + offset] = {actual.size.isFlexible() ? *expected : actual.size, type.sizes[i]->range};
    }
  return true;
}

Value Elaborator::symbolic(const TypeExpr &type, const ScopeRef &scope, SourceRange at, const std::string &what) {
  switch (type.kind) {
  case TypeKind::Tuple: {
    std::vector<Value> elements;
    for (const TypeExpr *element : type.elements)
      elements.push_back(symbolic(*element, scope, at, what));
    for (const Value &element : elements)
      if (element.poison())
        return poison(at);
    return Value::ofTuple(std::move(elements), at);
  }
  case TypeKind::Function: {
    auto function = std::make_shared<Function>();
    function->kind = Function::Opaque;
    function->type = &type;
    function->scope = scope;
    function->name = what;
    // The names of sizes in a function's type are those of the function around it.
    std::vector<const TypeExpr *> types(type.elements.begin(), type.elements.end());
    if (type.result)
      types.push_back(type.result);
    for (const TypeExpr *inner : types)
      if (symbolic(*inner, scope, at, what).poison())
        return poison(at);
    return Value::ofFunction(function, at);
  }
  case TypeKind::Named:
    if (type.name == "dim")
      return Value::ofSize(Size::named(what, type.range), at);
    if (type.name == "str")
      return Value::ofString("", at);
    if (std::optional<DType> dtype = dtypeNamed(type.name))
      return Value::ofTensor(*dtype, {}, {}, at);
    if (Binding *binding = scope->find(type.name))
      if (binding->value.kind == Value::Fn && binding->value.function->kind == Function::Constructor) {
        const ModelItem *item = binding->value.function->modelItem;
        CallSite site;
        site.at = site.calleeAt = at;
        site.callee = std::string(type.name);
        for (const Parameter &parameter : item->parameters)
          if (!parameter.defaultValue && parameter.type)
            site.arguments.push_back({"", symbolic(*parameter.type, scope, at, std::string(parameter.name)), {}});
        return apply(binding->value, site);
      }
    break;
  case TypeKind::Tensor: {
    std::optional<DType> dtype = dtypeNamed(type.name);
    if (!dtype)
      break;
    Shape shape;
    if (type.ellipsis)
      shape.push_back({Size::named("...", type.range), type.range});
    for (const Expr *entry : type.sizes) {
      if (const NameExpr *fresh = freshName(*entry, scope)) {
        Size made = Size::named(std::string(fresh->name), fresh->range);
        if (fresh->name != "_")
          scope->names[std::string(fresh->name)] = {Value::ofSize(made, fresh->range), false, fresh->range};
        shape.push_back({made, entry->range});
        continue;
      }
      std::optional<Size> known = size(expression(*entry, scope), "the size of an axis");
      if (!known)
        return poison(at);
      shape.push_back({*known, entry->range});
    }
    return Value::ofTensor(*dtype, std::move(shape), {}, at);
  }
  }
  std::string name(type.name);
  std::vector<std::string> known = {"f32", "f64", "bf16", "i32", "i64", "u8", "bool", "dim", "str"};
  auto report = error(Diag::UnknownType, type.range, name);
  if (std::string near = nearest(name, known); !near.empty())
    report.help("did you mean `" + near + "`?");
  return poison(at);
}

void Elaborator::checkFunction(const FnItem &item, const ScopeRef &scope, const std::shared_ptr<ModelInstance> &self) {
  // A function whose parameters all have types is checked once, with names for its sizes; others where they are used.
  for (const Parameter &parameter : item.parameters)
    if (!parameter.type)
      return;
  auto inner = std::make_shared<Scope>();
  inner->parent = scope;
  inner->functionStart = true;
  inner->self = self;
  auto savedBuilder = std::move(builder);
  bool savedChecking = std::exchange(checkingOnly, true);
  unsigned before = diagnostics.errorCount();
  std::string signature = "fn " + std::string(item.name) + "(";
  for (size_t i = 0; i < item.parameters.size(); ++i) {
    const Parameter &parameter = item.parameters[i];
    Value value = symbolic(*parameter.type, inner, parameter.range, std::string(parameter.name));
    signature += (i ? ", " : "") + std::string(parameter.name) + ": " + std::string(sources.text(parameter.type->range));
    if (parameter.name != "_")
      inner->names[std::string(parameter.name)] = {value, false, parameter.range};
    if (parameter.defaultValue) {
      Value given = expression(*parameter.defaultValue, inner);
      if (!given.poison())
        matchType(*parameter.type, given, inner, fmt::format("the default of `{}`", parameter.name), true, parameter.type->range);
    }
  }
  Value result = poison(item.range);
  if (diagnostics.errorCount() == before) {
    std::string prefix = self ? self->name + "." : "";
    ActiveGuard guard(*this, &item, "");
    result = block(*item.body, inner);
    if (!result.poison() && item.result)
      matchType(*item.result, result, inner, "the result of `" + prefix + std::string(item.name) + "`", true, item.result->range);
  }
  builder = std::move(savedBuilder);
  checkingOnly = savedChecking;
  signature += ") -> " + (item.result ? std::string(sources.text(item.result->range)) : typeString(result));
  inferred.push_back({self ? self->name + "." + std::string(item.name) : std::string(item.name),
                      (self ? "  " : "") + signature});
}

} // namespace dlc
