// Calls: binding arguments to parameters, matching declared types, instances of functions, recursion.
#include "frontend/Elaborator.h"

#include "ir/Dialect.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace dlc {

using namespace ast;

static constexpr size_t maxInstances = 256;

/// Keeps a call on the list of active ones while it is elaborated.
class ActiveGuard {
public:
  ActiveGuard(Elaborator &elaborator, const void *what, std::string key, SourceRange at = {}) : elaborator(elaborator) {
    elaborator.active.push_back({what, std::move(key)});
    elaborator.callSites.push_back(at);
  }
  ~ActiveGuard() {
    elaborator.active.pop_back();
    elaborator.callSites.pop_back();
  }
  /// 0: fine; 1: the same call is under way; 2: too many of this function.
  static int check(const Elaborator &elaborator, const void *what, const std::string &key) {
    size_t same = 0;
    for (const Elaborator::Active &call : elaborator.active)
      if (call.what == what) {
        if (call.key == key)
          return 1;
        ++same;
      }
    return same >= maxInstances ? 2 : 0;
  }

private:
  Elaborator &elaborator;
};

/// What makes an instance of a function: types, and the values known at compile time.
static std::string keyOf(const std::vector<Value> &arguments) {
  std::string key;
  for (const Value &value : arguments) {
    key += typeString(value) + ";";
    if (value.kind == Value::Number)
      key += fmt::format("{};", value.number);
    else if (value.kind == Value::SizeOf)
      key += value.size.str() + ";";
    else if (value.kind == Value::Bool)
      key += value.flag ? "t;" : "f;";
    else if (value.kind == Value::Fn)
      key += fmt::format("{};", static_cast<const void *>(value.function.get()));
  }
  return key;
}

static bool inLibrary(const SourceManager &sources, SourceRange at) {
  return at.valid() && sources.name(at.file).starts_with("std/");
}

SourceRange Elaborator::userPlace(SourceRange at) const {
  if (!inLibrary(sources, at))
    return at;
  for (size_t i = callSites.size(); i > 0; --i)
    if (callSites[i - 1].valid() && !inLibrary(sources, callSites[i - 1]))
      return callSites[i - 1];
  return at;
}

Value Elaborator::call(const CallExpr &expr, const ScopeRef &scope) {
  Value callee = expression(*expr.callee, scope);
  CallSite site;
  site.at = expr.range;
  site.calleeAt = expr.callee->range;
  site.callee = std::string(sources.text(expr.callee->range));
  bool failed = callee.poison(), named = false;
  std::string savedPath = path;
  path += "/" + std::to_string(expr.range.begin);
  for (const Argument &argument : expr.arguments) {
    if (!argument.name.empty())
      named = true;
    else if (named) {
      error(Diag::PositionalAfterNamed, argument.value->range).help("positional arguments come first");
      failed = true;
    }
    Value value = expression(*argument.value, scope);
    failed |= value.poison();
    if (!argument.name.empty())
      for (const CallSite::Argument &earlier : site.arguments)
        if (earlier.name == argument.name) {
          std::string name(argument.name);
          error(Diag::ArgumentTwice, argument.nameRange, name).note(earlier.nameAt, "first given here");
          failed = true;
        }
    site.arguments.push_back({std::string(argument.name), std::move(value), argument.nameRange});
  }
  Value result = failed ? poison(expr.range) : apply(callee, site);
  path = savedPath;
  result.at = expr.range;
  return result;
}

Value Elaborator::apply(const Value &callee, std::vector<Value> arguments, SourceRange at) {
  CallSite site;
  site.at = site.calleeAt = at;
  site.callee = callee.kind == Value::Fn && !callee.function->name.empty() ? callee.function->name : "the function";
  for (Value &argument : arguments)
    site.arguments.push_back({"", std::move(argument), {}});
  return apply(callee, site);
}

/// Puts arguments in the order of `names`; reports what is missing, unknown, extra or given twice.
/// `optional[i]` may be left out. Gives false when an error was reported.
static bool bindArguments(Elaborator &e, CallSite &site, const std::vector<std::string> &names,
                          const std::vector<bool> &optional, std::optional<size_t> restAt) {
  site.bound.assign(names.size(), std::nullopt);
  site.rest.clear();
  size_t next = 0, positional = 0;
  bool good = true;
  for (CallSite::Argument &argument : site.arguments) {
    if (argument.name.empty()) {
      ++positional;
      if (restAt && next >= *restAt) {
        site.rest.push_back(argument.value);
        continue;
      }
      if (next >= names.size())
        continue;
      site.bound[next++] = argument.value;
      continue;
    }
    auto found = std::find(names.begin(), names.end(), argument.name);
    if (found == names.end() || (restAt && size_t(found - names.begin()) == *restAt)) {
      auto report = e.error(Diag::UnknownArgument, argument.nameAt, site.callee, argument.name);
      if (std::string near = nearest(argument.name, names); !near.empty())
        report.help("did you mean `" + near + "`?");
      else if (!names.empty()) {
        std::string all;
        for (const std::string &name : names)
          all += (all.empty() ? "`" : ", `") + name + "`";
        report.help("its parameters are " + all);
      }
      good = false;
      continue;
    }
    size_t i = found - names.begin();
    if (site.bound[i]) {
      e.error(Diag::ArgumentTwice, argument.nameAt, argument.name).note(site.bound[i]->at, "already given here, by position");
      good = false;
      continue;
    }
    site.bound[i] = argument.value;
  }
  if (positional > names.size() && !restAt) {
    std::string takes = names.empty()       ? "no arguments"
                        : names.size() == 1 ? "1 argument"
                                            : fmt::format("{} arguments", names.size());
    e.error(Diag::ExtraArgument, site.arguments[names.size()].value.at, site.callee, takes, positional);
    good = false;
  }
  for (size_t i = 0; i < names.size(); ++i)
    if (!site.bound[i] && !optional[i] && !(restAt && *restAt == i)) {
      e.error(Diag::MissingArgument, site.at, site.callee, names[i]);
      good = false;
    }
  return good;
}

Value Elaborator::apply(const Value &callee, CallSite &site) {
  switch (callee.kind) {
  case Value::Poison:
    return poison(site.at);
  case Value::Model:
    return callModel(callee, site);
  case Value::DTypeName: {
    if (site.arguments.size() != 1) {
      error(Diag::ExtraArgument, site.at, site.callee, "1 argument", site.arguments.size());
      return poison(site.at);
    }
    Value value = site.arguments[0].value;
    if (value.kind == Value::SizeOf && value.size.isConstant())
      value = Value::ofInteger(value.size.constant(), value.at);
    if (value.kind == Value::Number) {
      bool toFloat = callee.dtype == DType::F32 || callee.dtype == DType::F64 || callee.dtype == DType::BF16;
      Value number = toFloat ? Value::ofNumber(value.number, site.at) : Value::ofInteger(int64_t(value.number), site.at);
      number.weak = false;
      number.dtype = callee.dtype;
      return number;
    }
    if (value.kind == Value::List)
      value = apply(library->find("tensor")->value, {value}, value.at);
    value = tensorOf(value);
    if (!value.isTensor()) {
      if (!value.poison() || site.arguments[0].value.kind != Value::Poison)
        error(Diag::WrongType, site.arguments[0].value.at, fmt::format("the argument of `{}`", site.callee),
              typeString(site.arguments[0].value), "a number or a tensor");
      return poison(site.at);
    }
    Value result = cast(value, callee.dtype, site.at);
    result.soft = false;
    return result;
  }
  case Value::Fn:
    break;
  default: {
    auto report = error(Diag::NotCallable, site.calleeAt, typeString(callee));
    if (callee.isTensor())
      report.help("`x[i]` takes an element; `x * (..)` multiplies");
    return poison(site.at);
  }
  }
  const Function &function = *callee.function;
  switch (function.kind) {
  case Function::User:
  case Function::Lambda:
    return callUser(function, site);
  case Function::Native: {
    if (function.builtin->parameters == std::vector<std::string>{"*"}) // arguments of any name
      return function.builtin->apply(*this, site);
    std::vector<std::string> names;
    std::vector<bool> optional;
    std::optional<size_t> restAt;
    for (const std::string &parameter : function.builtin->parameters) {
      bool opt = parameter.ends_with("?"), rest = parameter.ends_with("...");
      if (rest)
        restAt = names.size();
      optional.push_back(opt);
      names.push_back(parameter.substr(0, parameter.size() - (opt ? 1 : rest ? 3 : 0)));
    }
    if (!bindArguments(*this, site, names, optional, restAt))
      return poison(site.at);
    Value result = function.builtin->apply(*this, site);
    return result;
  }
  case Function::Constructor:
    return construct(function, site);
  case Function::OptimizerConstructor:
    return constructOptimizer(function, site);
  case Function::Gradient:
  case Function::Pullback:
    return gradient(function, site);
  case Function::Opaque: {
    std::vector<std::string> names;
    for (size_t i = 0; i < function.type->elements.size(); ++i)
      names.push_back(fmt::format("argument {}", i + 1));
    if (!bindArguments(*this, site, names, std::vector<bool>(names.size(), false), std::nullopt))
      return poison(site.at);
    for (size_t i = 0; i < names.size(); ++i)
      if (!matchType(*function.type->elements[i], *site.bound[i], function.scope,
                     fmt::format("argument {} of `{}`", i + 1, site.callee), false, function.type->range))
        return poison(site.at);
    if (!function.type->result)
      return Value::unit(site.at);
    return symbolic(*function.type->result, function.scope, site.at, "the result of `" + site.callee + "`");
  }
  }
  return poison(site.at);
}

Value Elaborator::callUser(const Function &function, CallSite &site) {
  const std::vector<Parameter> &parameters =
      function.kind == Function::Lambda ? function.lambda->parameters : function.item->parameters;
  std::vector<std::string> names;
  std::vector<bool> optional;
  for (const Parameter &parameter : parameters) {
    names.push_back(std::string(parameter.name));
    optional.push_back(parameter.defaultValue != nullptr);
  }
  if (!bindArguments(*this, site, names, optional, std::nullopt))
    return poison(site.at);
  if (function.kind == Function::User && !ensureChecked(*function.item, function.scope, function.self))
    return poison(site.at);

  auto scope = std::make_shared<Scope>();
  scope->parent = function.scope;
  scope->functionStart = function.kind != Function::Lambda;
  scope->self = function.self;
  std::vector<Value> arguments;
  for (size_t i = 0; i < parameters.size(); ++i) {
    Value argument = site.bound[i] ? *site.bound[i] : expression(*parameters[i].defaultValue, scope);
    if (argument.poison())
      return poison(site.at);
    if (!bindParameter(parameters[i], argument, scope, site.callee))
      return poison(site.at);
    arguments.push_back(scope->names[std::string(parameters[i].name)].value);
    if (arguments.back().poison())
      arguments.back() = argument;
  }
  if (function.derivative && !function.name.empty())
    if (emitting() || !executor || checkingOnly)
      if (Value result = callWithRule(function, arguments, site); result.kind != Value::All)
        return result;

  const void *what = function.kind == Function::Lambda ? static_cast<const void *>(function.lambda) : function.item;
  std::string key = keyOf(arguments);
  if (int trouble = ActiveGuard::check(*this, what, key)) {
    std::string name = function.name.empty() ? "the function" : function.name;
    auto report = error(Diag::Recursive, site.at, name);
    if (function.item)
      report.note(function.item->nameRange, "`" + name + "` is defined here");
    report.help(trouble == 1 ? "functions may call themselves only with ever other sizes; a loop is `for` or `while`"
                             : "stopped after 256 instances with different sizes");
    return poison(site.at);
  }
  ActiveGuard guard(*this, what, std::move(key), site.at);
  Value result = function.kind == Function::Lambda ? expression(*function.lambda->body, scope)
                                                   : block(*function.item->body, scope);
  if (result.poison())
    return poison(site.at);
  if (function.item && function.item->result) {
    if (!matchType(*function.item->result, result, scope, "the result of `" + site.callee + "`", true,
                   function.item->result->range))
      return poison(site.at);
  }
  result.at = site.at;
  return result;
}

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

/// The answer "this call has arguments that a rule does not speak of": the function is elaborated as any other.
static Value notApplicable(SourceRange at) {
  Value value = Value::unit(at);
  value.kind = Value::All;
  return value;
}

/// The rule of a function with a `derivative`: the function becomes a func.func of its own, called by dl.call, and the
/// rule another one, which dl.call's adjoint calls.
Value Elaborator::callWithRule(const Function &function, const std::vector<Value> &arguments, CallSite &site) {
  for (const Value &argument : arguments)
    if (!argument.isTensor())
      return notApplicable(site.at);
  const DerivativeItem &rule = *function.derivative;
  auto bodyOf = [&](const std::vector<Value> &inputs) {
    auto scope = std::make_shared<Scope>();
    scope->parent = function.scope;
    scope->functionStart = true;
    for (size_t i = 0; i < inputs.size(); ++i)
      if (!bindParameter(function.item->parameters[i], inputs[i], scope, site.callee))
        return poison(site.at);
    return block(*function.item->body, scope);
  };
  auto ruleOf = [&](const std::vector<Value> &inputs, const Value &result, const Value &cotangent) {
    auto scope = std::make_shared<Scope>();
    scope->parent = function.scope;
    scope->functionStart = true;
    for (size_t i = 0; i < rule.parameters.size(); ++i)
      scope->names[std::string(rule.parameters[i].name)] = {inputs[i], false, rule.parameters[i].range};
    scope->names[std::string(rule.result)] = {result, false, rule.nameRange};
    scope->names[std::string(rule.cotangent)] = {cotangent, false, rule.nameRange};
    std::vector<Value> cotangents(inputs.size(), Value::unit(rule.range));
    for (const Stmt *stmt : rule.body->statements) {
      if (stmt->kind == StmtKind::Assign) {
        auto &assignment = static_cast<const AssignStmt &>(*stmt);
        bool known = false;
        if (assignment.target->kind == ExprKind::Name)
          for (size_t i = 0; i < rule.parameters.size(); ++i)
            if (static_cast<const NameExpr *>(assignment.target)->name == "d" + std::string(rule.parameters[i].name)) {
              Value value = expression(*assignment.value, scope);
              if (!value.poison()) {
                value = tensorOf(value, inputs[i].dtype);
                if (!value.poison() && str(value.shape) != str(inputs[i].shape)) {
                  if (value.shape.empty())
                    value = broadcastTo(value, inputs[i].shape, value.at);
                  else {
                    std::string name(rule.name);
                    error(Diag::DerivativeRule, assignment.target->range, name,
                          fmt::format("the cotangent is {}, expected {}", typeString(value), typeString(inputs[i])));
                    value = poison(value.at);
                  }
                }
              }
              cotangents[i] = value;
              known = true;
            }
        if (known)
          continue;
      }
      statement(*stmt, scope);
    }
    for (size_t i = 0; i < cotangents.size(); ++i)
      if (cotangents[i].kind == Value::Unit) {
        std::string name(rule.name);
        error(Diag::DerivativeRule, rule.nameRange, name, fmt::format("`d{}` is not set", rule.parameters[i].name));
        cotangents[i] = poison(rule.range);
      }
    return cotangents;
  };
  if (rule.parameters.size() != function.item->parameters.size()) {
    std::string name(rule.name);
    error(Diag::DerivativeRule, rule.nameRange, name,
          fmt::format("it names {} parameters, the function has {}", rule.parameters.size(), function.item->parameters.size()));
    return poison(site.at);
  }
  if (!emitting()) {
    Value result = bodyOf(arguments);
    if (!result.poison() && result.isTensor()) {
      Value cotangent = result;
      for (const Value &value : ruleOf(arguments, result, cotangent))
        if (value.poison())
          return poison(site.at);
    }
    return result;
  }
  // Two functions beside the one being built; one pair for each set of types.
  mlir::ModuleOp module = *frame->module;
  std::string symbol = function.name + "_" + std::to_string(std::hash<std::string>()(keyOf(arguments)) % 1000000007);
  auto buildFunction = [&](const std::string &name, const std::vector<Value> &types,
                           const std::function<std::vector<Value>(const std::vector<Value> &)> &body) {
    auto savedBuilder = std::move(builder);
    FunctionFrame *savedFrame = frame;
    FunctionFrame inner;
    builder = std::make_unique<mlir::OpBuilder>(&context);
    builder->setInsertionPointToEnd(module.getBody());
    auto made = mlir::func::FuncOp::create(*builder, location(function.item->range), name, builder->getFunctionType({}, {}));
    made.setPrivate();
    mlir::Block *entry = made.addEntryBlock();
    builder->setInsertionPointToEnd(entry);
    inner.function = made;
    inner.entry = entry;
    frame = &inner;
    std::vector<Value> inputs = types;
    for (Value &input : inputs)
      input.ir = entry->addArgument(irType(input.dtype, input.shape), location(input.at));
    std::vector<Value> results = body(inputs);
    std::vector<mlir::Value> values;
    for (Value &result : results)
      if (result.isTensor())
        values.push_back(ir(result));
    mlir::func::ReturnOp::create(*builder, location(function.item->range), values);
    llvm::SmallVector<mlir::Type> outputs;
    for (mlir::Value value : values)
      outputs.push_back(value.getType());
    made.setType(mlir::FunctionType::get(&context, entry->getArgumentTypes(), outputs));
    builder = std::move(savedBuilder);
    frame = savedFrame;
    return std::pair(made, results);
  };
  auto existing = module.lookupSymbol<mlir::func::FuncOp>(symbol);
  Value result;
  if (!existing) {
    auto [primal, results] = buildFunction(symbol, arguments, [&](const std::vector<Value> &inputs) {
      return std::vector<Value>{bodyOf(inputs)};
    });
    if (results[0].poison() || !results[0].isTensor())
      return poison(site.at);
    std::vector<Value> types = arguments;
    types.push_back(results[0]);
    types.push_back(results[0]);
    auto [adjoint, cotangents] = buildFunction(symbol + "_adjoint", types, [&](const std::vector<Value> &inputs) {
      std::vector<Value> primals(inputs.begin(), inputs.end() - 2);
      return ruleOf(primals, inputs[inputs.size() - 2], inputs.back());
    });
    for (const Value &value : cotangents)
      if (value.poison())
        return poison(site.at);
    primal->setAttr("dl.derivative", mlir::FlatSymbolRefAttr::get(&context, symbol + "_adjoint"));
    existing = primal;
    result = results[0];
  } else {
    auto type = mlir::cast<mlir::RankedTensorType>(existing.getFunctionType().getResult(0));
    Shape shape;
    for (int64_t size : type.getShape())
      shape.push_back({Size(size), {}});
    result = Value::ofTensor(arguments[0].dtype, shape, {}, site.at);
  }
  std::vector<mlir::Value> operands;
  for (const Value &argument : arguments)
    operands.push_back(ir(argument));
  auto called = dl::CallOp::create(*builder, location(site.at), existing.getFunctionType().getResults(), symbol, operands);
  result.ir = called.getResult(0);
  result.at = site.at;
  return result;
}

} // namespace dlc
