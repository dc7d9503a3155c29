// grad, value_and_grad, vjp and jvp: functions of functions. All are the operation dl.grad; forward mode is reverse mode twice.
#include "frontend/Elaborator.h"

#include "ir/Dialect.h"

#include <algorithm>

namespace dlc {

using namespace ast;

bool Elaborator::leavesOf(Value &value, std::vector<Value> &leaves) {
  switch (value.kind) {
  case Value::Number:
  case Value::SizeOf:
    value = tensorOf(value, value.dtypeOr(DType::F32));
    [[fallthrough]];
  case Value::Tensor:
    leaves.push_back(value);
    return isFloating(value.dtype);
  case Value::Tuple:
  case Value::List:
    for (Value &element : value.elements)
      if (!leavesOf(element, leaves))
        return false;
    return true;
  case Value::Model:
    for (const ParamSlotRef &slot : trainedOf(*value.model))
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
    std::vector<Value> own(leaves.begin() + next, leaves.begin() + next + trainedOf(*value.model).size());
    next += own.size();
    copy.model = withTrained(*value.model, own);
    return copy;
  }
  for (Value &element : copy.elements)
    element = withLeaves(element, leaves, next);
  return copy;
}

static Value withLeaves(const Value &value, const std::vector<Value> &leaves) {
  size_t next = 0;
  return withLeaves(value, leaves, next);
}

/// The declared type of a function's parameter, or null.
static const TypeExpr *declaredType(const Value &callee, size_t i) {
  const std::vector<Parameter> *parameters = nullptr;
  if (callee.kind == Value::Model) {
    if (auto forward = callee.model->functions.find("forward"); forward != callee.model->functions.end())
      parameters = &forward->second->parameters;
  } else if (callee.function->kind == Function::User) {
    parameters = &callee.function->item->parameters;
  } else if (callee.function->kind == Function::Gradient) {
    return declaredType(*callee.function->base, i);
  }
  return parameters && i < parameters->size() ? (*parameters)[i].type : nullptr;
}

/// The dtype of the first tensor or typed number of a value.
static std::optional<DType> dtypeWithin(const Value &value) {
  if (value.isTensor() || (value.kind == Value::Number && !value.weak))
    return value.dtype;
  for (const Value &element : value.elements)
    if (std::optional<DType> dtype = dtypeWithin(element))
      return dtype;
  return std::nullopt;
}

static Value differentiable(Elaborator &e, const Value &value, const TypeExpr *type, DType literals) {
  if (type && type->kind != TypeKind::Tuple && type->kind != TypeKind::Function)
    if (std::optional<DType> dtype = e.dtypeNamed(type->name))
      literals = *dtype;
  if (value.isNumber())
    return e.tensorOf(value, value.dtypeOr(literals));
  if (value.kind != Value::List && value.kind != Value::Tuple)
    return value;
  // A list is a tensor where one is declared, and where it holds nothing but numbers, as many in each row.
  bool asked = type && type->kind == TypeKind::Tensor;
  if (value.kind == Value::List && (asked || (isLiteral(value) && isRegular(value))))
    return e.tensorOfList(value, literals);
  Value made = value;
  literals = dtypeWithin(value).value_or(literals);
  bool tuple = type && type->kind == TypeKind::Tuple && type->elements.size() == value.elements.size();
  for (size_t i = 0; i < made.elements.size(); ++i) {
    made.elements[i] = differentiable(e, made.elements[i], tuple ? type->elements[i] : nullptr, literals);
    if (made.elements[i].poison())
      return made.elements[i];
  }
  return made;
}

Value Elaborator::differentiableArgument(const Value &function, size_t i, const Value &argument) {
  return differentiable(*this, argument, declaredType(function, i), DType::F32);
}

/// Row `i` of a tensor.
static Value rowOf(Elaborator &e, const Value &x, int64_t i, SourceRange at) {
  Shape row(x.shape.begin() + 1, x.shape.end()), sliced = x.shape;
  sliced[0].size = Size(1);
  Value result = Value::ofTensor(x.dtype, sliced, {}, at);
  if (mlir::Value operand = e.ir(x)) {
    std::vector<int64_t> starts(x.shape.size(), 0), steps(x.shape.size(), 1);
    starts[0] = i;
    result.ir = dl::SliceOp::create(*e.builder, e.location(at), e.irType(x.dtype, sliced), operand, starts, steps);
  }
  return e.reshape(result, row, at);
}

bool Elaborator::matchLeaves(const Value &like, Value given, std::vector<Value> &leaves) {
  switch (like.kind) {
  case Value::Tensor: {
    given = tensorOfList(given, like.dtype);
    if (given.isNumber())
      given = tensorOf(given, given.dtypeOr(like.dtype));
    if (!given.isTensor() || given.dtype != like.dtype || given.shape.size() > like.shape.size())
      return false;
    size_t offset = like.shape.size() - given.shape.size();
    for (size_t i = 0; i < given.shape.size(); ++i) {
      const Size &size = given.shape[i].size;
      if (!(size.isConstant() && size.constant() == 1) &&
          !sameSize(size, like.shape[i + offset].size).value_or(true))
        return false;
    }
    leaves.push_back(broadcastTo(given, like.shape, given.at));
    return true;
  }
  case Value::Tuple:
  case Value::List: {
    int64_t count = int64_t(like.elements.size());
    bool rows = given.isTensor() && !given.shape.empty() && given.shape[0].size == Size(count);
    if (!rows && given.elements.size() != like.elements.size())
      return false;
    for (int64_t i = 0; i < count; ++i)
      if (!matchLeaves(like.elements[i], rows ? rowOf(*this, given, i, given.at) : given.elements[i], leaves))
        return false;
    return true;
  }
  case Value::Model:
    if (given.kind != Value::Model || !modelsDiffer(*like.model, *given.model).empty())
      return false;
    return leavesOf(given, leaves);
  default:
    return false;
  }
}

bool Elaborator::fitsGradient(const Value &result, const Value *cotangent, SourceRange at) {
  if (result.poison())
    return false;
  Value value = result;
  std::vector<Value> leaves;
  bool scalar = result.isNumber() || (result.isTensor() && result.shape.empty());
  bool floating = (result.kind != Value::SizeOf || !cotangent) && leavesOf(value, leaves) && !leaves.empty();
  if (floating && (cotangent || scalar))
    return true;
  auto report = error(Diag::GradientOf, at, cotangent ? "a floating-point tensor" : "a floating-point scalar",
                      "the function's value", describe(result));
  if (floating)
    report.help("a gradient is that of a scalar: `sum(..)` or `mean(..)` makes one, `vjp` takes a cotangent");
  return false;
}

std::optional<Elaborator::Pulled> Elaborator::pull(const Value &function, const std::vector<Value> &given,
                                                   const std::vector<size_t> &wrt, const Value *cotangent,
                                                   SourceRange at) {
  std::vector<Value> arguments = given;
  std::vector<Value> leaves;
  for (size_t i : wrt) {
    arguments[i] = differentiableArgument(function, i, arguments[i]);
    if (arguments[i].poison())
      return std::nullopt;
    if (!leavesOf(arguments[i], leaves)) {
      auto report = error(Diag::GradientOf, arguments[i].at, "floating-point numbers",
                          fmt::format("argument {}", i + 1), describe(given[i]));
      if (given[i].isTensor())
        report.help(fmt::format("write the conversion: `f32({})`", shortText(given[i].at)));
      return std::nullopt;
    }
  }
  // The cotangents of the results, one by one.
  auto seedsOf = [&](const Value &result, std::vector<Value> &seeds) {
    if (!cotangent) {
      seeds.push_back(constant(1, result.dtype, {}, at));
      return true;
    }
    unsigned before = diagnostics.errorCount();
    if (matchLeaves(result, *cotangent, seeds))
      return true;
    if (diagnostics.errorCount() == before) {
      auto report = error(Diag::ArgumentShape, cotangent->at, "the cotangent", describe(*cotangent),
                          describe(result) + ", as the function's value");
      noteOrigins(report, result);
    }
    return false;
  };
  Pulled pulled;
  std::vector<Value> results, seeds;
  if (!emitting()) {
    pulled.result = apply(function, arguments, at);
    if (!fitsGradient(pulled.result, cotangent, at))
      return std::nullopt;
    leavesOf(pulled.result, results);
    if (!seedsOf(pulled.result, seeds))
      return std::nullopt;
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
  bool good = fitsGradient(result, cotangent, at);
  std::vector<mlir::Value> yielded, seedValues;
  if (good) {
    leavesOf(result, results);
    for (const Value &leaf : results)
      yielded.push_back(ir(leaf));
    dl::YieldOp::create(*builder, location(at), yielded);
  }
  builder->restoreInsertionPoint(outer);
  if (!good || !seedsOf(result, seeds)) {
    body->dropAllReferences();
    return std::nullopt;
  }
  for (const Value &seed : seeds)
    seedValues.push_back(ir(seed));
  std::vector<mlir::Type> types;
  for (const std::vector<mlir::Value> &values : {yielded, inputs})
    for (mlir::Value value : values)
      types.push_back(value.getType());
  auto made = dl::GradOp::create(*builder, location(at), types, inputs, seedValues, 0);
  made.getBody().push_back(body.release());
  for (size_t i = 0; i < results.size(); ++i)
    results[i].ir = made.getResult(unsigned(i));
  pulled.result = withLeaves(result, results);
  std::vector<Value> gradients;
  for (size_t i = 0; i < leaves.size(); ++i)
    gradients.push_back(
        Value::ofTensor(leaves[i].dtype, leaves[i].shape, made.getResult(unsigned(results.size() + i)), at));
  next = 0;
  for (size_t i : wrt)
    pulled.gradients.push_back(withLeaves(arguments[i], gradients, next));
  return pulled;
}

Value Elaborator::push(const Value &function, const Value &given, const Value &tangent, SourceRange at) {
  Value x = differentiableArgument(function, 0, given);
  if (x.poison())
    return x;
  Value leaf = x;
  std::vector<Value> leaves, tangents, results, zeros;
  if (!leavesOf(leaf, leaves)) {
    error(Diag::GradientOf, given.at, "floating-point numbers", "argument 2", describe(given));
    return poison(at);
  }
  x = leaf;
  unsigned before = diagnostics.errorCount();
  if (!matchLeaves(x, tangent, tangents)) {
    if (diagnostics.errorCount() == before)
      error(Diag::ArgumentShape, tangent.at, "the tangent", describe(tangent), describe(x) + ", as the argument");
    return poison(at);
  }
  Value dx = withLeaves(x, tangents);
  Value y = apply(function, {x}, at);
  if (!fitsGradient(y, &dx, at))
    return poison(at);
  leavesOf(y, results);
  for (const Value &result : results)
    zeros.push_back(constant(0, result.dtype, result.shape, at));
  // The pullback is linear in its cotangent; its own pullback, at dx, is the forward derivative.
  auto linear = std::make_shared<Builtin>(
      Builtin{"pullback", {"cotangent"}, [function, x](Elaborator &inner, CallSite &site) {
                Value cotangent = site[0];
                std::optional<Pulled> pulled = inner.pull(function, {x}, {0}, &cotangent, site.at);
                return pulled ? pulled->gradients[0] : inner.poison(site.at);
              }});
  auto pullback = std::make_shared<Function>();
  pullback->kind = Function::Native;
  pullback->name = "pullback";
  pullback->builtin = linear.get();
  std::optional<Pulled> pushed = pull(Value::ofFunction(pullback, at), {withLeaves(y, zeros)}, {0}, &dx, at);
  return pushed ? Value::ofTuple({y, pushed->gradients[0]}, at) : poison(at);
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
    if (!hasGradient(cotangent)) {
      if (!cotangent.poison())
        error(Diag::WrongType, cotangent.at, "the cotangent", describe(cotangent), "floating-point numbers");
      return poison(site.at);
    }
    std::vector<size_t> wrt;
    for (size_t i = 0; i < function.arguments.size(); ++i)
      wrt.push_back(i);
    std::optional<Pulled> pulled = pull(*function.base, function.arguments, wrt, &cotangent, site.at);
    if (!pulled)
      return poison(site.at);
    return pulled->gradients.size() == 1 ? pulled->gradients[0] : Value::ofTuple(pulled->gradients, site.at);
  }
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
