// grad, value_and_grad, vjp and jvp: functions of functions. All are the operation dl.grad; forward mode is reverse mode twice.
#include "frontend/Elaborator.h"

#include "ir/Dialect.h"

#include <algorithm>

namespace dlc {

using namespace ast;

/// The floating-point tensors of a value, in order.
static bool leavesOf(Elaborator &e, Value &value, std::vector<Value> &leaves) {
  switch (value.kind) {
  case Value::Number:
  case Value::SizeOf:
    value = e.tensorOf(value, value.kind == Value::Number && !value.weak ? value.dtype : DType::F32);
    leaves.push_back(value);
    return isFloating(value.dtype);
  case Value::Tensor:
    leaves.push_back(value);
    return isFloating(value.dtype);
  case Value::Tuple:
  case Value::List:
    for (Value &element : value.elements)
      if (!leavesOf(e, element, leaves))
        return false;
    return true;
  case Value::Model:
    for (const ParamSlotRef &slot : parametersOf(*value.model))
      leaves.push_back(slot->value);
    return true;
  default:
    return false;
  }
}

bool hasGradient(const Value &value) {
  if (value.kind == Value::Tuple || value.kind == Value::List)
    return std::all_of(value.elements.begin(), value.elements.end(), hasGradient);
  return value.isNumber() || value.kind == Value::Model || (value.isTensor() && isFloating(value.dtype));
}

/// The same value with its leaves replaced, in order.
static Value withLeaves(const Value &value, const std::vector<Value> &leaves, size_t &next) {
  Value copy = value;
  if (value.kind == Value::Tensor)
    return leaves[next++];
  if (value.kind == Value::Model) {
    std::vector<Value> own(leaves.begin() + next, leaves.begin() + next + parametersOf(*value.model).size());
    next += own.size();
    copy.model = withValues(*value.model, own);
    return copy;
  }
  for (Value &element : copy.elements)
    element = withLeaves(element, leaves, next);
  return copy;
}

std::optional<Elaborator::Pulled> Elaborator::pull(const Value &function, const std::vector<Value> &given,
                                                   const std::vector<size_t> &wrt, const Value *cotangent,
                                                   SourceRange at) {
  std::vector<Value> arguments = given;
  std::vector<Value> leaves;
  for (size_t i : wrt)
    if (!leavesOf(*this, arguments[i], leaves)) {
      auto report = error(Diag::GradientOf, arguments[i].at, "floating-point numbers",
                          fmt::format("argument {}", i + 1), describe(given[i]));
      if (given[i].isTensor())
        report.help(fmt::format("write the conversion: `f32({})`", shortText(given[i].at)));
      return std::nullopt;
    }
  auto checkResult = [&](const Value &result) {
    if (result.poison())
      return false;
    bool scalar = result.isTensor() && result.shape.empty();
    if (!result.isTensor() || !isFloating(result.dtype) || (!cotangent && !scalar)) {
      auto report = error(Diag::GradientOf, at, cotangent ? "a floating-point tensor" : "a floating-point scalar",
                          "the function's value", describe(result));
      if (result.isTensor() && !scalar && isFloating(result.dtype))
        report.help("a gradient is that of a scalar: `sum(..)` or `mean(..)` makes one, `vjp` takes a cotangent");
      return false;
    }
    return true;
  };
  Pulled pulled;
  if (!emitting()) {
    pulled.result = apply(function, arguments, at);
    if (pulled.result.isNumber())
      pulled.result = tensorOf(pulled.result, DType::F32);
    if (!checkResult(pulled.result))
      return std::nullopt;
    if (cotangent) {
      bool fits = cotangent->dtype == pulled.result.dtype && cotangent->shape.size() <= pulled.result.shape.size();
      for (size_t i = 0; fits && i < cotangent->shape.size(); ++i)
        fits = sameSize(cotangent->shape[i].size,
                        pulled.result.shape[pulled.result.shape.size() - cotangent->shape.size() + i].size)
                   .value_or(true);
      if (!fits) {
        auto report = error(Diag::ArgumentShape, cotangent->at, "the cotangent", describe(*cotangent),
                            describe(pulled.result) + ", as the function's value");
        noteOrigins(report, pulled.result);
        return std::nullopt;
      }
    }
    for (size_t i : wrt) {
      Value gradient = arguments[i];
      gradient.at = at;
      pulled.gradients.push_back(gradient);
    }
    return pulled;
  }
  // The function's body becomes the region of a dl.grad.
  auto body = std::make_unique<mlir::Block>();
  std::vector<mlir::Value> inputs;
  std::vector<Value> inside = leaves;
  for (Value &leaf : inside) {
    inputs.push_back(ir(leaf));
    leaf.ir = body->addArgument(inputs.back().getType(), location(at));
    leaf.host = nullptr;
    leaf.lazy = nullptr;
  }
  mlir::OpBuilder::InsertPoint outer = builder->saveInsertionPoint();
  builder->setInsertionPointToEnd(body.get());
  std::vector<Value> insideArguments = arguments;
  size_t next = 0;
  for (size_t i : wrt)
    insideArguments[i] = withLeaves(arguments[i], inside, next);
  Value result = apply(function, insideArguments, at);
  if (result.isNumber())
    result = tensorOf(result, DType::F32);
  if (!checkResult(result)) {
    builder->restoreInsertionPoint(outer);
    body->dropAllReferences();
    return std::nullopt;
  }
  mlir::Value resultIr = ir(result);
  dl::YieldOp::create(*builder, location(at), resultIr);
  builder->restoreInsertionPoint(outer);
  Value seed = cotangent ? broadcastTo(*cotangent, result.shape, at) : constant(1, result.dtype, {}, at);
  std::vector<mlir::Type> types = {resultIr.getType()};
  for (mlir::Value input : inputs)
    types.push_back(input.getType());
  auto made = dl::GradOp::create(*builder, location(at), types, inputs, mlir::ValueRange{ir(seed)}, 0);
  made.getBody().push_back(body.release());
  pulled.result = result;
  pulled.result.ir = made.getResult(0);
  std::vector<Value> gradients = leaves;
  for (size_t i = 0; i < leaves.size(); ++i)
    gradients[i] = Value::ofTensor(leaves[i].dtype, leaves[i].shape, made.getResult(i + 1), at);
  next = 0;
  for (size_t i : wrt)
    pulled.gradients.push_back(withLeaves(arguments[i], gradients, next));
  return pulled;
}

std::vector<std::string> parameterNames(const Value &callee) {
  std::vector<std::string> names;
  auto add = [&](const std::vector<Parameter> &parameters) {
    for (const Parameter &parameter : parameters)
      names.push_back(std::string(parameter.name));
  };
  if (callee.kind == Value::Model) {
    if (auto forward = callee.model->functions.find("forward"); forward != callee.model->functions.end())
      add(forward->second->parameters);
    return names;
  }
  const Function &function = *callee.function;
  if (function.kind == Function::User)
    add(function.item->parameters);
  else if (function.kind == Function::Lambda)
    add(function.lambda->parameters);
  else if (function.kind == Function::Gradient)
    return parameterNames(*function.base);
  else if (function.kind == Function::Native)
    for (const std::string &parameter : function.builtin->parameters)
      names.push_back(parameter.substr(0, parameter.find_first_of("?.")));
  return names;
}

Value Elaborator::gradient(const Function &function, CallSite &site) {
  if (function.kind == Function::Pullback) {
    if (site.arguments.size() != 1) {
      error(Diag::ExtraArgument, site.at, site.callee, "1 argument", site.arguments.size());
      return poison(site.at);
    }
    Value cotangent = site.arguments[0].value;
    cotangent = tensorOfList(cotangent);
    if (!cotangent.poison() && !cotangent.isTensor() && !cotangent.isNumber()) {
      error(Diag::WrongType, cotangent.at, "the cotangent", describe(cotangent), "a tensor");
      return poison(site.at);
    }
    cotangent = cotangent.isTensor() ? cotangent : tensorOf(cotangent, DType::F32);
    if (cotangent.poison())
      return poison(site.at);
    std::vector<size_t> wrt;
    for (size_t i = 0; i < function.arguments.size(); ++i)
      wrt.push_back(i);
    std::optional<Pulled> pulled = pull(*function.base, function.arguments, wrt, &cotangent, site.at);
    if (!pulled)
      return poison(site.at);
    return pulled->gradients.size() == 1 ? pulled->gradients[0] : Value::ofTuple(pulled->gradients, site.at);
  }
  for (CallSite::Argument &argument : site.arguments)
    argument.value = tensorOfList(argument.value);
  // grad(f)(a, b): arguments by position, or by f's names in any order.
  std::vector<std::string> names = parameterNames(*function.base);
  std::vector<Value> arguments;
  std::map<size_t, Value> named;
  for (CallSite::Argument &argument : site.arguments) {
    if (argument.name.empty()) {
      arguments.push_back(argument.value);
      continue;
    }
    auto found = std::find(names.begin(), names.end(), argument.name);
    if (found == names.end()) {
      auto report = error(Diag::UnknownArgument, argument.nameAt, site.callee, argument.name);
      if (std::string near = nearest(argument.name, names); !near.empty())
        report.help("did you mean `" + near + "`?");
      else if (!names.empty())
        report.help("its parameters are " + listed(names));
      return poison(site.at);
    }
    if (size_t(found - names.begin()) < arguments.size()) {
      error(Diag::ArgumentTwice, argument.nameAt, argument.name)
          .note(arguments[found - names.begin()].at, "already given here, by position");
      return poison(site.at);
    }
    named[found - names.begin()] = argument.value;
  }
  for (auto &[place, value] : named) {
    if (place != arguments.size()) {
      error(Diag::MissingArgument, site.at, site.callee, names[arguments.size()]);
      return poison(site.at);
    }
    arguments.push_back(value);
  }
  std::vector<size_t> wrt;
  for (const std::string &name : function.wrt) // checked when grad(..) was made
    wrt.push_back(std::find(names.begin(), names.end(), name) - names.begin());
  if (wrt.empty())
    wrt.push_back(0);
  for (size_t i : wrt)
    if (i >= arguments.size()) {
      error(Diag::MissingArgument, site.at, site.callee, i < names.size() ? names[i] : std::to_string(i + 1));
      return poison(site.at);
    }
  std::optional<Pulled> pulled = pull(*function.base, arguments, wrt, nullptr, site.at);
  if (!pulled)
    return poison(site.at);
  Value gradients = function.tupleResult ? Value::ofTuple(pulled->gradients, site.at) : pulled->gradients[0];
  if (function.withValue)
    return Value::ofTuple({pulled->result, gradients}, site.at);
  return gradients;
}

} // namespace dlc
