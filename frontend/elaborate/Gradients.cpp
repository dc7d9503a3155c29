// grad, value_and_grad, vjp and jvp: functions of functions. They are the operations dl.grad and dl.jvp.
#include "frontend/elaborate/ControlFlow.h"

#include "ir/Dialect.h"

#include "llvm/Support/SaveAndRestore.h"

#include <algorithm>

namespace dlc {

using namespace ast;

static Value withLeaves(const Value &value, const std::vector<Value> &leaves) {
  size_t next = 0;
  return withLeaves(value, leaves, next);
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
    unsigned before = diagnostics.failureCount();
    if (matchLeaves(result, *cotangent, seeds))
      return true;
    if (diagnostics.failureCount() == before) {
      auto report = error(Diag::ArgumentShape, cotangent->at, "the cotangent", describe(*cotangent),
                          describe(result) + ", as the function's value");
      noteOrigins(report, result);
    }
    return false;
  };
  Pulled pulled;
  std::vector<Value> results, seeds;
  if (!emitting()) {
    // Within what is derived the gradients may depend on that too, also by what the function captures.
    std::vector<Value> outer;
    if (!differentiated.empty()) {
      InDrawPlace again(*this, draws);
      AssignmentRecord record(*this);
      appendTensors(apply(function, arguments, at), outer);
      record.takeBack();
      if (cotangent)
        appendTensors(*cotangent, outer);
    }
    bool varies = llvm::any_of(outer, [](const Value &tensor) { return tensor.varies; });
    std::vector<Value> varied = arguments;
    size_t next = 0;
    for (Value &leaf : leaves)
      leaf.varies = true;
    for (size_t i : wrt)
      varied[i] = withLeaves(arguments[i], leaves, next);
    differentiated.push_back(at);
    pulled.result = apply(function, varied, at);
    differentiated.pop_back();
    if (!fitsGradient(pulled.result, cotangent, at))
      return std::nullopt;
    leavesOf(pulled.result, results);
    if (!seedsOf(pulled.result, seeds))
      return std::nullopt;
    for (size_t i : wrt) {
      Value gradient = arguments[i];
      gradient.at = at;
      std::vector<Value> tensors;
      leavesOf(gradient, tensors);
      for (Value &tensor : tensors)
        tensor.varies = varies;
      gradient = withLeaves(gradient, tensors);
      pulled.gradients.push_back(gradient);
    }
    return pulled;
  }
  // The function's body becomes the region of a dl.grad.
  RegionFrame region(graph, RegionFrame::Transparent);
  std::vector<mlir::Value> inputs;
  std::vector<Value> inside = leaves;
  for (Value &leaf : inside) {
    inputs.push_back(ir(leaf));
    leaf.ir = region.addArgument(inputs.back().getType(), location(at));
    leaf.host = nullptr;
    leaf.lazy = nullptr;
  }
  std::vector<Value> insideArguments = arguments;
  size_t next = 0;
  for (size_t i : wrt)
    insideArguments[i] = withLeaves(arguments[i], inside, next);
  std::vector<Change> changes;
  Value result;
  {
    AssignmentRecord record(*this);
    result = apply(function, insideArguments, at);
    changes = record.takeBack();
  }
  bool good = fitsGradient(result, cotangent, at);
  std::vector<mlir::Value> yielded, seedValues;
  std::vector<Value> assigned;
  if (good) {
    leavesOf(result, results);
    for (const Change &change : changes)
      appendTensors(change.after, assigned);
    for (const std::vector<Value> *values : {&results, &assigned})
      for (const Value &value : *values)
        yielded.push_back(ir(value));
    region.yield(yielded, location(at));
  }
  region.close();
  if (!good || !seedsOf(result, seeds))
    return std::nullopt;
  for (const Value &seed : seeds)
    seedValues.push_back(ir(seed));
  std::vector<mlir::Type> types;
  for (const std::vector<mlir::Value> &values : {yielded, inputs})
    for (mlir::Value value : values)
      types.push_back(value.getType());
  auto made = dl::GradOp::create(graph.here(), location(at), types, inputs, seedValues, int64_t(assigned.size()));
  region.moveTo(made.getBody());
  // What the function assigned (buffers) leaves the region beside its value.
  for (size_t i = 0; i < assigned.size(); ++i)
    assigned[i].ir = made.getResult(unsigned(results.size() + i));
  size_t nextAssigned = 0;
  for (const Change &change : changes)
    setVariable(change.scope, change.name, withTensors(change.after, assigned, nextAssigned), change.at);
  for (size_t i = 0; i < results.size(); ++i)
    results[i].ir = made.getResult(unsigned(i));
  pulled.result = withLeaves(result, results);
  std::vector<Value> gradients;
  for (size_t i = 0; i < leaves.size(); ++i)
    gradients.push_back(
        Value::ofTensor(leaves[i].dtype, leaves[i].shape, made.getResult(unsigned(yielded.size() + i)), at));
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
  std::vector<Value> leaves, tangents, results;
  if (!leavesOf(leaf, leaves)) {
    error(Diag::GradientOf, given.at, "floating-point numbers", "argument 2", describe(given));
    return poison(at);
  }
  x = leaf;
  unsigned before = diagnostics.failureCount();
  if (!matchLeaves(x, tangent, tangents)) {
    if (diagnostics.failureCount() == before)
      error(Diag::ArgumentShape, tangent.at, "the tangent", describe(tangent), describe(x) + ", as the argument");
    return poison(at);
  }
  const Value dx = withLeaves(x, tangents);
  if (!emitting()) {
    Value y = apply(function, {x}, at);
    if (!fitsGradient(y, &dx, at) || !leavesOf(y, results))
      return poison(at);
    std::vector<Value> derivatives = results;
    for (Value &derivative : derivatives)
      derivative.varies |= llvm::any_of(tangents, [](const Value &value) { return value.varies; });
    return Value::ofTuple({y, withLeaves(y, derivatives)}, at);
  }
  // The function's body becomes the region of a dl.jvp.
  RegionFrame region(graph, RegionFrame::Transparent);
  std::vector<mlir::Value> inputs, seeds, yielded;
  std::vector<Value> inside = leaves;
  for (Value &leaf : inside) {
    inputs.push_back(ir(leaf));
    leaf = typeOnly(leaf);
    leaf.ir = region.addArgument(inputs.back().getType(), location(at));
  }
  AssignmentRecord record(*this);
  Value y = apply(function, {withLeaves(x, inside)}, at);
  if (std::vector<Change> changes = record.takeBack(); !changes.empty()) {
    error(Diag::NotSupported, changes.front().at, "a function that assigns to a buffer under `jvp`");
    y = poison(at);
  }
  bool good = fitsGradient(y, &dx, at) && leavesOf(y, results);
  if (good) {
    for (const Value &result : results)
      yielded.push_back(ir(result));
    region.yield(yielded, location(at));
  }
  region.close();
  if (!good)
    return poison(at);
  for (const Value &leaf : tangents)
    seeds.push_back(ir(leaf));
  std::vector<mlir::Type> types;
  for (int k = 0; k < 2; ++k)
    for (mlir::Value value : yielded)
      types.push_back(value.getType());
  auto made = dl::JvpOp::create(graph.here(), location(at), types, inputs, seeds);
  region.moveTo(made.getBody());
  std::vector<Value> derivatives = results;
  for (size_t i = 0; i < results.size(); ++i) {
    results[i].ir = made.getResult(unsigned(i));
    derivatives[i].ir = made.getResult(unsigned(results.size() + i));
  }
  return Value::ofTuple({withLeaves(y, results), withLeaves(y, derivatives)}, at);
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
  if (callee.kind != Value::Fn)
    return names;
  const Function &function = *callee.function;
  if (function.kind == Function::User)
    add(function.item->parameters);
  else if (function.kind == Function::Lambda)
    add(function.lambda->parameters);
  else if (function.kind == Function::Constructor)
    add(function.modelItem->parameters);
  else if (function.kind == Function::OptimizerConstructor) {
    add(function.optimizerItem->parameters);
    names.insert(names.end(), {"clip_norm", "clip_value"});
  } else if (function.kind == Function::Gradient)
    return parameterNames(*function.base);
  else if (function.kind == Function::Native)
    for (const Builtin::Parameter &parameter : function.builtin->parameters)
      names.push_back(parameter.name);
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
    InDrawPlace again(*this, function.draws);
    llvm::SaveAndRestore printed(quiet, true);
    AssignmentRecord record(*this); // the value has made the assignments
    std::optional<Pulled> pulled = pull(*function.base, function.arguments, wrt, &cotangent, site.at);
    record.takeBack();
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
        report.meant(near);
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
