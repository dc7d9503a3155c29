// Calls: binding arguments to parameters, instances of functions, recursion.
#include "frontend/elaborate/ActiveCalls.h"
#include "frontend/elaborate/Foreign.h"
#include "frontend/syntax/ForeignNames.h"

namespace dlc {

using namespace ast;

static void appendKey(const Value &value, std::string &key) {
  key += typeString(value);
  switch (value.kind) {
  case Value::Number:
    key += value.isFloat ? fmt::format("={}", value.number) : fmt::format("={}", value.integer);
    break;
  case Value::SizeOf:
    key += "=" + value.size.str();
    break;
  case Value::Bool:
    key += value.flag ? "=t" : "=f";
    break;
  case Value::String:
    key += fmt::format("={}:{}", value.text.size(), value.text);
    break;
  case Value::Fn:
    key += fmt::format("={}", value.function->id.number);
    break;
  case Value::Model:
    key += fmt::format("={}", value.model->id.number);
    break;
  case Value::Tuple:
  case Value::List:
    key += "(";
    for (const Value &element : value.elements)
      appendKey(element, key);
    key += ")";
    break;
  default:
    break;
  }
  key += ";";
}

std::string keyOf(const std::vector<Value> &arguments) {
  std::string key;
  for (const Value &value : arguments)
    appendKey(value, key);
  return key;
}

bool inLibrary(const SourceManager &sources, SourceRange at) {
  return at.valid() && sources.name(at.file).starts_with("std/");
}

SourceRange Elaborator::userPlace(SourceRange at) const {
  if (piped.stage.valid() && at == piped.argument)
    at = piped.stage;
  if (!inLibrary(sources, at))
    return at;
  for (size_t i = callSites.size(); i > 0; --i)
    if (callSites[i - 1].valid() && !inLibrary(sources, callSites[i - 1]))
      return callSites[i - 1];
  return at;
}

void Elaborator::noteCall(DiagnosticEngine::Builder &report, SourceRange at) const {
  for (const SizeFact &fact : assumed)
    report.note(fmt::format("in the case that `{}` is {}{}", fact.difference.str(), fact.holds ? "" : "not ",
                            fact.less ? "less than 0" : "0"));
  if (piped.stage.valid() && at == piped.argument)
    at = piped.stage;
  size_t outer = callSites.size();
  if (inLibrary(sources, at)) { // what is shown is a call of the user's; the one around it is noted
    while (outer > 0 && !(callSites[outer - 1].valid() && !inLibrary(sources, callSites[outer - 1])))
      --outer;
    at = outer > 0 ? callSites[--outer] : SourceRange();
  }
  if (outer == 0 || !at.valid())
    return;
  SourceRange call = callSites[outer - 1];
  bool around = call.file == at.file && call.begin <= at.begin && at.end <= call.end;
  if (call.valid() && !inLibrary(sources, call) && !around)
    report.note(call, "in this call");
}

std::string Elaborator::shortText(SourceRange at, std::string_view otherwise) const {
  std::string_view text = at.valid() && !inLibrary(sources, at) ? sources.text(at) : "";
  return std::string(text.empty() || text.size() > 40 || text.find('\n') != text.npos ? otherwise : text);
}

/// Whether a value is `grad` or `value_and_grad`.
static bool isGradient(const Value &callee) {
  return callee.kind == Value::Fn && callee.function->builtin && callee.function->builtin->name.ends_with("grad");
}

/// Whether an argument names parts of the model, not values, if it is an optimizer that the call gives.
static bool namesParts(const Value &callee, std::string_view argument) {
  if ((argument != "only" && argument != "no_decay") || callee.kind != Value::Fn)
    return false;
  bool makes = callee.function->kind == Function::OptimizerConstructor || callee.function->kind == Function::User;
  return makes && !llvm::is_contained(parameterNames(callee), argument);
}

/// Adds what an optimizer is for to its settings; reports what it does not take.
static Value withParts(Elaborator &e, Value optimizer, const std::vector<CallSite::Argument> &parts,
                       const CallSite &site) {
  for (const CallSite::Argument &argument : parts) {
    if (optimizer.poison())
      return optimizer;
    bool takes = optimizer.kind == Value::Optimizer &&
                 (argument.name == "only" || optimizer.optimizer->arguments.count("weight_decay"));
    if (!takes) {
      e.error(Diag::UnknownArgument, argument.nameAt, site.callee, argument.name);
      return e.poison(site.at);
    }
    optimizer.optimizer->arguments[argument.name] = argument.value;
  }
  return optimizer;
}

Value Elaborator::wrtArgument(const Expr &expr, const ScopeRef &scope) {
  // A parameter's bare name means that parameter, whatever the word means here.
  if (expr.kind == ExprKind::Name) {
    std::string_view name = static_cast<const NameExpr &>(expr).name;
    Binding *binding = scope->find(name);
    if (binding && binding->value.kind == Value::String)
      return expression(expr, scope);
    return Value::ofString(std::string(name), expr.range);
  }
  if (expr.kind != ExprKind::List && expr.kind != ExprKind::Tuple)
    return expression(expr, scope);
  std::vector<Value> names;
  for (const Expr *element : expr.kind == ExprKind::List ? static_cast<const ListExpr &>(expr).elements
                                                         : static_cast<const TupleExpr &>(expr).elements) {
    names.push_back(wrtArgument(*element, scope));
    if (names.back().poison())
      return poison(expr.range);
  }
  return Value::ofList(std::move(names), expr.range);
}

/// Whether a tensor is a part of a value that has not been computed.
static bool lacksValue(const Value &value) {
  return (value.isTensor() && !value.ir && !value.host && !value.lazy) ||
         std::any_of(value.elements.begin(), value.elements.end(), lacksValue);
}

Value argumentValue(Elaborator &e, const Expr &expr, const ScopeRef &scope) {
  Value value = e.expression(expr, scope);
  return e.atTopLevel() && lacksValue(value) ? e.asStatement(expr.range, [&] { return e.expression(expr, scope); })
                                             : value;
}

/// What a callee is called where it is called: the last name of `m.block.forward`.
static std::string shortName(const Expr &callee) {
  if (callee.kind == ExprKind::Name)
    return std::string(static_cast<const NameExpr &>(callee).name);
  if (callee.kind == ExprKind::Field)
    return std::string(static_cast<const FieldExpr &>(callee).name);
  return "";
}

Value Elaborator::call(const CallExpr &expr, const ScopeRef &scope) {
  if (std::optional<Value> meant = foreignMade(*this, expr, scope))
    return *meant;
  bool isLibrary =
      expr.callee->kind == ExprKind::Name && library->find(static_cast<const NameExpr &>(*expr.callee).name);
  auto fields =
      isLibrary ? std::exchange(textFields, {}) : textFields; // what is called is the function, no field of texts
  Value callee = expression(*expr.callee, scope);
  textFields = std::move(fields);
  bool atOnce =
      callee.kind == Value::Fn && callee.function->kind == Function::Native && callee.function->builtin->atOnce;
  if (atOnce && emitting() && executor && scope == statementScope && !insideFunction()) {
    NoFrame outside(graph);
    return call(expr, scope);
  }
  CallSite site;
  site.at = expr.range;
  site.calleeAt = expr.callee->range;
  site.callee = std::string(sources.text(expr.callee->range));
  std::vector<CallSite::Argument> parts;
  bool failed = callee.poison(), named = false;
  for (const Argument &argument : expr.arguments) {
    if (!argument.name.empty())
      named = true;
    else if (named) {
      error(Diag::PositionalAfterNamed, argument.value->range).help("write its name, or put it before them");
      failed = true;
    }
    bool names = namesParts(callee, argument.name);
    Value value = argument.name == "wrt" && isGradient(callee) ? wrtArgument(*argument.value, scope)
                  : names ? Value::ofList(namedParts(*argument.value), argument.value->range)
                          : argumentValue(*this, *argument.value, scope);
    failed |= value.poison();
    if (!argument.name.empty())
      for (const CallSite::Argument &earlier : site.arguments)
        if (earlier.name == argument.name) {
          std::string name(argument.name);
          error(Diag::ArgumentTwice, argument.nameRange, name).note(earlier.nameAt, "first given here");
          failed = true;
        }
    (names ? parts : site.arguments).push_back({std::string(argument.name), std::move(value), argument.nameRange});
  }
  if (failed)
    return poison(expr.range);
  if (&expr == optimizerFor.call) {
    unsigned before = diagnostics.failureCount();
    optimizerFor.call = nullptr;
    overrideArguments(callee, site);
    if (diagnostics.failureCount() != before)
      return poison(expr.range);
  }
  InDrawPlace place(*this, draws.next(shortName(*expr.callee)));
  Value result = withParts(*this, apply(callee, site), parts, site);
  result.at = expr.range;
  return result;
}

Value Elaborator::apply(const Value &callee, std::vector<Value> arguments, SourceRange at) {
  CallSite site;
  site.at = site.calleeAt = at;
  site.callee = callee.kind == Value::Fn && !callee.function->name.empty() ? callee.function->name
                                                                           : shortText(callee.at, "the function");
  for (Value &argument : arguments)
    site.arguments.push_back({"", std::move(argument), {}});
  return apply(callee, site);
}

/// How a function is called: `f(x, label, ignore: ..)`; "" when its parameters have no names.
static std::string usage(const std::string &callee, const std::vector<std::string> &names,
                         const std::vector<bool> &optional, std::optional<size_t> restAt) {
  if (callee.size() > 40 || callee.find("=>") != std::string::npos)
    return "";
  std::string text;
  for (size_t i = 0; i < names.size(); ++i) {
    if (names[i].find(' ') != std::string::npos)
      return "";
    text += (text.empty() ? "" : ", ") + names[i] + (restAt && *restAt == i ? ", .." : optional[i] ? ": .." : "");
  }
  return callee + "(" + text + ")";
}

/// Of a tuple for several parameters: `beta1: .., beta2: ..`.
static std::string severalArguments(const std::string &all) {
  std::string names = all;
  for (size_t comma = names.find(", "); comma != std::string::npos; comma = names.find(", ", comma + 6))
    names.replace(comma, 2, ": .., ");
  return "write `" + all + "` each by itself: `" + names + ": ..`";
}

/// `MaxPool2d` of `max_pool2d`: the layer of the library that has a function's name; "" where there is none.
static std::string layerOf(Elaborator &e, std::string_view function) {
  std::string name;
  bool begins = true;
  for (char c : function) {
    if (c != '_')
      name += begins ? char(std::toupper(static_cast<unsigned char>(c))) : c;
    begins = c == '_';
  }
  Binding *found = e.library->find(name);
  bool isLayer = found && found->value.kind == Value::Fn && found->value.function->kind == Function::Constructor;
  return isLayer ? name : "";
}

/// Puts arguments in the order of `names`; reports what is missing, unknown, extra or given twice.
/// `optional[i]` may be left out. Gives false when an error was reported.
static bool bindArguments(Elaborator &e, CallSite &site, const std::vector<std::string> &names,
                          const std::vector<bool> &optional, std::optional<size_t> restAt) {
  site.bound.assign(names.size(), std::nullopt);
  site.rest.clear();
  size_t next = 0, positional = 0;
  bool good = true;
  std::string call = usage(site.callee, names, optional, restAt);
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
      std::string foreign = foreignArgument(argument.name, names);
      std::string near = foreign.empty() ? nearest(argument.name, names) : foreign;
      if (size_t comma = near.find(", "); comma != std::string::npos)
        report.help(severalArguments(near));
      else if (!near.empty())
        report.meant(near);
      if (!call.empty())
        report.help("it is called `" + call + "`");
      found = std::find(names.begin(), names.end(), foreign);
      if (e.executor || found == names.end()) {
        good = false;
        continue;
      }
      report.mended();
      argument.name = *found;
    }
    size_t i = found - names.begin();
    if (site.bound[i]) {
      e.error(Diag::ArgumentTwice, argument.nameAt, argument.name)
          .note(site.bound[i]->at, "already given here, by position");
      good = false;
      continue;
    }
    site.bound[i] = argument.value;
  }
  if (positional > names.size() && !restAt) {
    std::string takes = names.empty()       ? "no arguments"
                        : names.size() == 1 ? "1 argument"
                                            : fmt::format("{} arguments", names.size());
    SourceRange first;
    size_t seen = 0;
    for (const CallSite::Argument &argument : site.arguments)
      if (argument.name.empty() && seen++ == names.size())
        first = argument.value.at;
    auto report = e.error(Diag::ExtraArgument, first, site.callee, takes, positional);
    if (!call.empty() && !names.empty())
      report.help("it is called `" + call + "`");
    good = false;
  }
  // What a misspelt name was meant for is not missing too.
  for (size_t i = 0; good && i < names.size(); ++i)
    if (!site.bound[i] && !optional[i] && !(restAt && *restAt == i)) {
      auto report = e.error(Diag::MissingArgument, site.at, site.callee, names[i]);
      // `relu()`, as modules are made elsewhere.
      bool isLayer = site.arguments.empty() && i == 0 && e.library->find(site.callee) &&
                     std::count(optional.begin(), optional.end(), false) == 1;
      if (isLayer)
        report.help("a function is a layer as it stands: `" + site.callee + "`", site.callee);
      else if (std::string layer = layerOf(e, site.callee); !layer.empty())
        report.help("the layer is `" + layer + "`", site.calleeAt, layer);
      if (!call.empty())
        report.help("it is called `" + call + "`");
      return false;
    }
  return good;
}

/// Where a call is in a chain: of `x |> f(a)` the part behind what is handed on.
static SourceRange placeOfCall(const CallSite &site) {
  SourceRange place = site.at;
  if (site.calleeAt.valid() && site.calleeAt.file == place.file && site.calleeAt.begin > place.begin &&
      site.calleeAt.end <= place.end)
    place.begin = site.calleeAt.begin;
  return place;
}

Value Elaborator::apply(const Value &callee, CallSite &site) {
  SourceRange whole = std::exchange(site.at, placeOfCall(site));
  auto outer = piped;
  if (!inLibrary(sources, site.at))
    piped = {};
  if (SourceRange first = site.arguments.empty() ? SourceRange() : site.arguments[0].value.at;
      first.file == site.at.file && (first.end <= site.at.begin || site.at.end <= first.begin))
    piped = {first, site.at};
  Value result = applyHere(callee, site);
  piped = outer;
  if (result.at == site.at)
    result.at = whole;
  site.at = whole;
  return result;
}

Value Elaborator::applyHere(const Value &callee, CallSite &site) {
  switch (callee.kind) {
  case Value::Poison:
    return poison(site.at);
  case Value::Model:
    return callModel(callee, site);
  case Value::DTypeName: {
    if (site.arguments.size() != 1) {
      error(Diag::ExtraArgument, site.at, site.callee, "1 argument", site.arguments.size())
          .help("`" + site.callee + "(x)` converts, `zeros([n], " + site.callee + ")` makes");
      return poison(site.at);
    }
    Value value = site.arguments[0].value;
    if (value.isNumber() && !(value.kind == Value::SizeOf && !value.size.isConstant()))
      return convertNumber(value, callee.dtype, site.at);
    if (value.kind == Value::List)
      value = apply(library->find("tensor")->value, {value, callee}, value.at);
    value = tensorOf(value);
    if (!value.isTensor()) {
      if (!value.poison() || site.arguments[0].value.kind != Value::Poison)
        error(Diag::WrongType, site.arguments[0].value.at, fmt::format("the argument of `{}`", site.callee),
              describe(site.arguments[0].value), "a number or a tensor");
      return poison(site.at);
    }
    Value result = cast(value, callee.dtype, site.at);
    result.soft = false;
    return result;
  }
  case Value::Fn:
    break;
  default: {
    auto report = error(Diag::NotCallable, site.calleeAt, describe(callee));
    if (site.arguments.empty() && callee.kind != Value::Unit)
      report.help(fmt::format("it is a value: write `{}` without parentheses", shortText(site.calleeAt)));
    else if (callee.isTensor() || callee.isNumber())
      report.help("`*` multiplies, `[ ]` takes an element");
    return poison(site.at);
  }
  }
  const Function &function = *callee.function;
  switch (function.kind) {
  case Function::User:
  case Function::Lambda:
    return callUser(function, site);
  case Function::Native: {
    const Builtin &builtin = *function.builtin;
    if (builtin.anyNames)
      return builtin.apply(*this, site);
    std::vector<std::string> names;
    std::vector<bool> optional;
    std::optional<size_t> restAt;
    for (const Builtin::Parameter &parameter : builtin.parameters) {
      if (parameter.takesRest)
        restAt = names.size();
      optional.push_back(parameter.optional);
      names.push_back(parameter.name);
    }
    if (!bindArguments(*this, site, names, optional, restAt))
      return poison(site.at);
    for (size_t i = 0; i < names.size(); ++i)
      if (const Expr *absent = builtin.parameters[i].value; absent && !site.bound[i]) {
        site.bound[i] = expression(*absent, library);
        site.bound[i]->at = site.at;
      }
    return builtin.apply(*this, site);
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

/// What stands for a function's body, in the list of calls under way.
static const void *bodyOf(const Function &function) {
  return function.kind == Function::Lambda ? static_cast<const void *>(function.lambda) : function.item;
}

bool Elaborator::mayCall(const Function &function, std::string &key, const CallSite &site) {
  // A function with another closure or of another model is another function.
  key += fmt::format("{},{}",
                     static_cast<const void *>(function.kind == Function::Lambda ? function.scope.get() : nullptr),
                     static_cast<const void *>(function.self.get()));
  if (active.empty()) {
    callCount = 0;
    exhausted = false;
    failed.clear();
  }
  if (ActiveGuard::mayEnd(*this, bodyOf(function)))
    return false;
  // What failed once is not tried again; and a call that makes calls without number ends.
  const void *what = bodyOf(function);
  if (exhausted || failed.count({what, key}))
    return false;
  if (++callCount > maxCalls) {
    exhausted = true;
    error(Diag::TooManyCalls, !callSites.empty() && callSites.front().valid() ? callSites.front() : site.at, maxCalls)
        .help("a loop over a range or a tensor is compiled once, recursion and comprehensions are not");
    return false;
  }
  int trouble = ActiveGuard::check(*this, what, key);
  if (trouble == 0)
    return true;
  exhausted = trouble == 2;
  std::string name = function.name.empty() ? shortText(function.lambda->range) : function.name;
  auto report = error(Diag::Recursive, site.at, name, "calls");
  if (function.item)
    report.note(function.item->nameRange, "`" + name + "` is defined here");
  report.help(
      trouble == 1
          ? "a function may call itself with other sizes or numbers, until an `if` ends it; a loop is `for` or `while`"
          : fmt::format("stopped after {} instances of it with different sizes or numbers", maxInstances));
  return false;
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
  if (function.kind == Function::User &&
      !(ensureChecked(*function.item, function.scope, function.self) && ensureRuleChecked(function)))
    return poison(site.at);

  std::optional<InsideModel> inside;
  if (function.self)
    inside.emplace(*this, *function.self);
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
      if (std::optional<Value> result = callWithRule(function, arguments, site))
        return *result;

  std::string key = keyOf(arguments);
  if (!mayCall(function, key, site))
    return poison(site.at);
  const void *what = bodyOf(function);
  ActiveGuard guard(*this, what, key, site.at);
  LoopContext *savedLoop = std::exchange(loop, nullptr);
  Value result = function.kind == Function::Lambda ? expression(*function.lambda->body, scope)
                                                   : block(*function.item->body, scope);
  loop = savedLoop;
  if (result.poison()) {
    failed.insert({what, std::move(key)});
    return poison(site.at);
  }
  if (function.item && function.item->result) {
    if (!matchType(*function.item->result, result, scope, "the result of `" + site.callee + "`", true,
                   function.item->result->range))
      return poison(site.at);
  }
  result.at = site.at;
  return result;
}

} // namespace dlc
