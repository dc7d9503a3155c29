// Functions with a rule of their own (`derivative`): the function and its rule become two func.func, joined by dl.call.
#include "frontend/elaborate/ActiveCalls.h"
#include "frontend/elaborate/ControlFlow.h"

#include "ir/Dialect.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

#include <algorithm>

namespace dlc {

using namespace ast;

static std::string counted(size_t parameters) {
  return fmt::format("{} {}", parameters, parameters == 1 ? "parameter" : "parameters");
}

namespace {

/// A call of a function with a rule, its arguments ready.
class RuleCall {
public:
  RuleCall(Elaborator &e, const Function &function, const std::vector<Value> &arguments, std::string key,
           CallSite &site)
      : e(e), function(function), rule(*function.derivative), arguments(arguments), key(std::move(key)), site(site) {}

  /// Only checks.
  Value check();
  /// Adds the call, and what it calls unless that is there already.
  Value build(const std::string &types);

private:
  Value body(const std::vector<Value> &inputs);
  std::vector<Value> cotangents(const std::vector<Value> &inputs, const Value &result, const Value &cotangent);
  bool setCotangent(const AssignStmt &assignment, const std::vector<Value> &inputs, const ScopeRef &scope,
                    std::vector<Value> &cotangents);
  Value fitting(Value value, const Value &input, const Parameter &parameter, SourceRange at);
  std::vector<Value> argumentsIn(CalledFrame &frame, std::vector<Value> inputs);
  std::optional<Value> buildFunctions(const std::string &symbol, std::vector<mlir::Value> &captured);

  Elaborator &e;
  const Function &function;
  const DerivativeItem &rule;
  const std::vector<Value> &arguments;
  std::string key;
  CallSite &site;
};

} // namespace

/// The function's own value.
Value RuleCall::body(const std::vector<Value> &inputs) {
  auto scope = std::make_shared<Scope>();
  scope->parent = function.scope;
  scope->functionStart = true;
  for (size_t i = 0; i < inputs.size(); ++i)
    if (!e.bindParameter(function.item->parameters[i], inputs[i], scope, site.callee))
      return e.poison(site.at);
  ActiveGuard guard(e, function.item, key, site.at);
  AssignmentRecord record(e);
  Value result = e.block(*function.item->body, scope);
  for (const Change &change : record.takeBack())
    e.error(Diag::NotAssignable, change.at, change.name, "`" + function.name + "` has a rule for its derivative")
        .help("return the new value");
  if (const TypeExpr *type = function.item->result; type && !result.poison())
    if (!e.matchType(*type, result, scope, "the result of `" + site.callee + "`", true, type->range))
      return e.poison(site.at);
  return result;
}

/// A cotangent as one for `input`; poison when it is none.
Value RuleCall::fitting(Value value, const Value &input, const Parameter &parameter, SourceRange at) {
  if (value.poison() || !input.isTensor())
    return value;
  if (value.isNumber())
    value = e.tensorOf(value, input.dtype);
  bool same = value.isTensor() && value.dtype == input.dtype && value.shape.size() == input.shape.size();
  for (size_t axis = 0; same && axis < value.shape.size(); ++axis)
    same = e.sameSize(value.shape[axis].size, input.shape[axis].size).value_or(true);
  if (value.poison() || same)
    return value;
  if (value.isTensor() && value.dtype == input.dtype && value.shape.empty())
    return e.broadcastTo(value, input.shape, value.at);
  std::string name(rule.name);
  e.error(Diag::DerivativeRule, at, name,
          fmt::format("the cotangent is {}, expected {}", describe(value), describe(input)))
      .note(parameter.range, fmt::format("`{}` is {}", parameter.name, describe(input)));
  return e.poison(value.at);
}

/// `da = ..`: whether an assignment is that of a parameter's cotangent, or an error.
bool RuleCall::setCotangent(const AssignStmt &assignment, const std::vector<Value> &inputs, const ScopeRef &scope,
                            std::vector<Value> &cotangents) {
  if (assignment.target->kind != ExprKind::Name)
    return false;
  std::string target(static_cast<const NameExpr *>(assignment.target)->name);
  bool known = false;
  for (size_t i = 0; i < rule.parameters.size(); ++i)
    if (target == "d" + std::string(rule.parameters[i].name)) {
      cotangents[i] =
          fitting(e.expression(*assignment.value, scope), inputs[i], rule.parameters[i], assignment.target->range);
      known = true;
    }
  if (known || scope->names.count(target))
    return known;
  std::string name(rule.name);
  auto report = e.error(Diag::DerivativeRule, assignment.target->range, name,
                        fmt::format("`{}` is the cotangent of no parameter", target));
  std::vector<std::string> wanted;
  for (const Parameter &parameter : rule.parameters)
    wanted.push_back("d" + std::string(parameter.name));
  report.help("what it sets is " + listed(wanted));
  return true;
}

/// What the rule sets, a cotangent for each parameter.
std::vector<Value> RuleCall::cotangents(const std::vector<Value> &inputs, const Value &result, const Value &cotangent) {
  auto scope = std::make_shared<Scope>();
  scope->parent = function.scope;
  scope->functionStart = true;
  for (size_t i = 0; i < rule.parameters.size(); ++i)
    scope->names[std::string(rule.parameters[i].name)] = {inputs[i], false, rule.parameters[i].range};
  scope->names[std::string(rule.result)] = {result, false, rule.nameRange};
  scope->names[std::string(rule.cotangent)] = {cotangent, false, rule.nameRange};
  std::vector<Value> made(inputs.size(), Value::unit(rule.range));
  unsigned before = e.diagnostics.failureCount();
  for (const Stmt *stmt : rule.body->statements)
    if (stmt->kind != StmtKind::Assign || !setCotangent(static_cast<const AssignStmt &>(*stmt), inputs, scope, made))
      e.statement(*stmt, scope);
  for (size_t i = 0; i < made.size(); ++i)
    if (made[i].kind == Value::Unit) {
      std::string name(rule.name);
      if (e.diagnostics.failureCount() == before)
        e.error(Diag::DerivativeRule, rule.nameRange, name, fmt::format("`d{}` is not set", rule.parameters[i].name));
      made[i] = e.poison(rule.range);
    }
  return made;
}

Value RuleCall::check() {
  // What the function does within is not derived: the rule says how.
  auto outside = std::exchange(e.differentiated, {});
  Value result = body(arguments);
  result.varies = llvm::any_of(arguments, [](const Value &argument) { return argument.varies; });
  e.differentiated = std::move(outside);
  // A rule may call its own function: that call is only the function.
  if (!result.poison() && result.isTensor() && !ActiveGuard::check(e, &rule, key)) {
    ActiveGuard guard(e, &rule, key, site.at);
    for (const Value &value : cotangents(arguments, result, result))
      if (value.poison())
        return e.poison(site.at);
  }
  return result;
}

/// The inputs, their tensors as arguments of the function.
std::vector<Value> RuleCall::argumentsIn(CalledFrame &frame, std::vector<Value> inputs) {
  for (Value &input : inputs)
    if (input.isTensor())
      input.ir = frame.addArgument(e.irType(input.dtype, input.shape), e.location(input.at));
  return inputs;
}

static void appendCaptures(const GraphFrame &frame, std::vector<mlir::Value> &captured) {
  for (const auto &[outside, argument] : frame.captures())
    if (!llvm::is_contained(captured, outside))
      captured.push_back(outside);
}

/// The function and its rule beside the one being built. Tensors from outside, which lambdas bring along, are operands
/// behind the arguments; the rule says nothing of them, so their cotangents are zero.
std::optional<Value> RuleCall::buildFunctions(const std::string &symbol, std::vector<mlir::Value> &captured) {
  mlir::Location loc = e.location(function.item->range);
  CalledFrame primal(e.graph, symbol, loc);
  std::vector<Value> inputs = argumentsIn(primal, arguments);
  unsigned tensors = primal.block()->getNumArguments();
  Value result = body(inputs);
  if (!result.isTensor()) {
    if (!result.poison())
      e.error(Diag::DerivativeRule, rule.nameRange, std::string(rule.name),
              "the function's value is " + describe(result) + ", expected a tensor");
    return std::nullopt;
  }
  primal.finish(e.ir(result), loc);
  primal.close();
  appendCaptures(primal, captured);

  CalledFrame adjoint(e.graph, symbol + "_adjoint", loc);
  std::vector<Value> primals = arguments;
  primals.insert(primals.end(), 2, result);
  primals = argumentsIn(adjoint, primals);
  Value cotangent = primals.back(), value = primals[primals.size() - 2];
  primals.resize(arguments.size());
  std::vector<Value> made = cotangents(primals, value, cotangent);
  std::vector<mlir::Value> results;
  for (size_t i = 0; i < made.size(); ++i) {
    if (made[i].poison())
      return std::nullopt;
    if (primals[i].isTensor())
      results.push_back(e.ir(e.tensorOf(made[i])));
  }
  appendCaptures(adjoint, captured);
  for (mlir::Value outside : captured)
    results.push_back(e.graph.zeros(loc, mlir::cast<mlir::RankedTensorType>(outside.getType())));
  adjoint.captureAs(captured, tensors);
  adjoint.finish(results, loc);
  adjoint.close();
  primal.captureAs(captured, tensors);
  primal.updateType();
  primal.function()->setAttr("dl.derivative", mlir::FlatSymbolRefAttr::get(&e.context, symbol + "_adjoint"));
  return result;
}

Value RuleCall::build(const std::string &types) {
  auto module = e.graph.function()->function()->getParentOfType<mlir::ModuleOp>();
  // One pair for each set of types, and one for each call that brings tensors along.
  FunctionFrame::CalledFunctions &known = e.graph.function()->called;
  std::vector<mlir::Value> captured;
  Value result;
  std::string symbol;
  auto found = known.find(function.name + types);
  if (found != known.end()) {
    symbol = found->second.symbol;
    result = found->second.result;
  } else {
    symbol = function.name + "_rule";
    for (unsigned count = 2; module.lookupSymbol(symbol); ++count)
      symbol = fmt::format("{}_rule{}", function.name, count);
    std::optional<Value> made = buildFunctions(symbol, captured);
    if (!made)
      return e.poison(site.at);
    result = *made;
    if (captured.empty())
      known[function.name + types] = {symbol, result};
  }
  std::vector<mlir::Value> operands;
  for (const Value &argument : arguments)
    if (argument.isTensor())
      operands.push_back(e.ir(argument));
  operands.insert(operands.end(), captured.begin(), captured.end());
  auto callee = module.lookupSymbol<mlir::func::FuncOp>(symbol);
  auto called =
      dl::CallOp::create(e.graph.here(), e.location(site.at), callee.getFunctionType().getResults(), symbol, operands);
  result.ir = called.getResult(0);
  result.at = site.at;
  return result;
}

/// The rule of a function with a `derivative`: the function becomes a func.func of its own, called by dl.call, and the
/// rule another one, which dl.call's adjoint calls. Nothing when no argument is a tensor: there is nothing to derive by.
std::optional<Value> Elaborator::callWithRule(const Function &function, std::vector<Value> arguments, CallSite &site) {
  // Lists, and numbers where a tensor is declared, are tensors here. What else is known while compiling (sizes, numbers
  // without a type, functions) is the same in the function and its rule, and has no cotangent.
  for (size_t i = 0; i < arguments.size(); ++i) {
    const Parameter &parameter = function.item->parameters[i];
    arguments[i] = tensorOfList(arguments[i]);
    if (arguments[i].isNumber() && parameter.type)
      if (std::optional<DType> dtype = dtypeNamed(parameter.type->name))
        arguments[i] = tensorOf(arguments[i], dtype);
    if (arguments[i].poison())
      return poison(site.at);
  }
  if (std::none_of(arguments.begin(), arguments.end(), [](const Value &argument) { return argument.isTensor(); }))
    return std::nullopt;
  const std::string types = keyOf(arguments);
  std::string key = types;
  if (!mayCall(function, key, site))
    return poison(site.at);
  const DerivativeItem &rule = *function.derivative;
  if (rule.parameters.size() != function.item->parameters.size()) {
    std::string name(rule.name);
    error(Diag::DerivativeRule, rule.nameRange, name,
          fmt::format("it has {}, the function {}", counted(rule.parameters.size()), function.item->parameters.size()));
    return poison(site.at);
  }
  RuleCall call(*this, function, arguments, std::move(key), site);
  return emitting() ? call.build(types) : call.check();
}

} // namespace dlc
