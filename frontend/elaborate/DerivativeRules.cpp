// Functions with a rule of their own (`derivative`): the function and its rule become two func.func, joined by dl.call.
#include "frontend/elaborate/ActiveCalls.h"

#include "ir/Dialect.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

#include <algorithm>

namespace dlc {

using namespace ast;

static std::string counted(size_t parameters) {
  return fmt::format("{} {}", parameters, parameters == 1 ? "parameter" : "parameters");
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
  const DerivativeItem &rule = *function.derivative;
  const std::string types = keyOf(arguments);
  std::string key = types;
  if (!mayCall(function, key, site))
    return poison(site.at);
  auto bodyOf = [&](const std::vector<Value> &inputs) {
    auto scope = std::make_shared<Scope>();
    scope->parent = function.scope;
    scope->functionStart = true;
    for (size_t i = 0; i < inputs.size(); ++i)
      if (!bindParameter(function.item->parameters[i], inputs[i], scope, site.callee))
        return poison(site.at);
    ActiveGuard guard(*this, function.item, key, site.at);
    Value result = block(*function.item->body, scope);
    if (const TypeExpr *type = function.item->result; type && !result.poison())
      if (!matchType(*type, result, scope, "the result of `" + site.callee + "`", true, type->range))
        return poison(site.at);
    return result;
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
    unsigned before = diagnostics.errorCount();
    for (const Stmt *stmt : rule.body->statements) {
      if (stmt->kind == StmtKind::Assign) {
        auto &assignment = static_cast<const AssignStmt &>(*stmt);
        bool known = false;
        if (assignment.target->kind == ExprKind::Name)
          for (size_t i = 0; i < rule.parameters.size(); ++i)
            if (static_cast<const NameExpr *>(assignment.target)->name == "d" + std::string(rule.parameters[i].name)) {
              Value value = expression(*assignment.value, scope);
              if (!value.poison() && inputs[i].isTensor()) {
                if (value.isNumber())
                  value = tensorOf(value, inputs[i].dtype);
                bool same =
                    value.isTensor() && value.dtype == inputs[i].dtype && value.shape.size() == inputs[i].shape.size();
                for (size_t axis = 0; same && axis < value.shape.size(); ++axis)
                  same = sameSize(value.shape[axis].size, inputs[i].shape[axis].size).value_or(true);
                if (!value.poison() && !same) {
                  if (value.isTensor() && value.dtype == inputs[i].dtype && value.shape.empty())
                    value = broadcastTo(value, inputs[i].shape, value.at);
                  else {
                    std::string name(rule.name);
                    error(Diag::DerivativeRule, assignment.target->range, name,
                          fmt::format("the cotangent is {}, expected {}", describe(value), describe(inputs[i])))
                        .note(rule.parameters[i].range,
                              fmt::format("`{}` is {}", rule.parameters[i].name, describe(inputs[i])));
                    value = poison(value.at);
                  }
                }
              }
              cotangents[i] = value;
              known = true;
            }
        if (known)
          continue;
        if (assignment.target->kind == ExprKind::Name &&
            !scope->names.count(static_cast<const NameExpr *>(assignment.target)->name)) {
          std::string name(rule.name), target(static_cast<const NameExpr *>(assignment.target)->name);
          auto report = error(Diag::DerivativeRule, assignment.target->range, name,
                              fmt::format("`{}` is the cotangent of no parameter", target));
          std::vector<std::string> wanted;
          for (const Parameter &parameter : rule.parameters)
            wanted.push_back("d" + std::string(parameter.name));
          report.help("what it sets is " + listed(wanted));
          continue;
        }
      }
      statement(*stmt, scope);
    }
    for (size_t i = 0; i < cotangents.size(); ++i)
      if (cotangents[i].kind == Value::Unit) {
        std::string name(rule.name);
        if (diagnostics.errorCount() == before)
          error(Diag::DerivativeRule, rule.nameRange, name, fmt::format("`d{}` is not set", rule.parameters[i].name));
        cotangents[i] = poison(rule.range);
      }
    return cotangents;
  };
  if (rule.parameters.size() != function.item->parameters.size()) {
    std::string name(rule.name);
    error(Diag::DerivativeRule, rule.nameRange, name,
          fmt::format("it has {}, the function {}", counted(rule.parameters.size()), function.item->parameters.size()));
    return poison(site.at);
  }
  if (!emitting()) {
    Value result = bodyOf(arguments);
    // A rule may call its own function: that call is only the function.
    if (!result.poison() && result.isTensor() && !ActiveGuard::check(*this, &rule, key)) {
      ActiveGuard guard(*this, &rule, key, site.at);
      Value cotangent = result;
      for (const Value &value : ruleOf(arguments, result, cotangent))
        if (value.poison())
          return poison(site.at);
    }
    return result;
  }
  // Two functions beside the one being built; one pair for each set of types.
  auto module = frame->function->getParentOfType<mlir::ModuleOp>();
  std::string symbol = function.name + "_" + std::to_string(std::hash<std::string>()(types) % 1000000007);
  auto buildFunction = [&](const std::string &name, const std::vector<Value> &types,
                           const std::function<std::vector<Value>(const std::vector<Value> &)> &body) {
    auto savedBuilder = std::move(builder);
    FunctionFrame *savedFrame = frame;
    FunctionFrame inner;
    builder = std::make_unique<mlir::OpBuilder>(&context);
    builder->setInsertionPointToEnd(module.getBody());
    auto made =
        mlir::func::FuncOp::create(*builder, location(function.item->range), name, builder->getFunctionType({}, {}));
    made.setPrivate();
    mlir::Block *entry = made.addEntryBlock();
    builder->setInsertionPointToEnd(entry);
    inner.function = made;
    inner.entry = entry;
    frame = &inner;
    std::vector<Value> inputs = types;
    for (Value &input : inputs)
      if (input.isTensor())
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
    auto [primal, results] = buildFunction(
        symbol, arguments, [&](const std::vector<Value> &inputs) { return std::vector<Value>{bodyOf(inputs)}; });
    if (!results[0].poison() && !results[0].isTensor())
      error(Diag::DerivativeRule, rule.nameRange, std::string(rule.name),
            "the function's value is " + describe(results[0]) + ", expected a tensor");
    if (!results[0].isTensor())
      return poison(site.at);
    std::vector<Value> types = arguments;
    types.push_back(results[0]);
    types.push_back(results[0]);
    auto [adjoint, cotangents] = buildFunction(symbol + "_adjoint", types, [&](const std::vector<Value> &inputs) {
      std::vector<Value> primals(inputs.begin(), inputs.end() - 2);
      std::vector<Value> cotangents = ruleOf(primals, inputs[inputs.size() - 2], inputs.back());
      for (size_t i = primals.size(); i-- > 0;)
        if (!primals[i].isTensor() && !cotangents[i].poison())
          cotangents.erase(cotangents.begin() + int64_t(i));
      return cotangents;
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
    DType dtype = DType::F32;
    for (DType candidate : {DType::F32, DType::F64, DType::BF16, DType::I32, DType::I64, DType::U8, DType::Bool})
      if (irElement(candidate) == type.getElementType())
        dtype = candidate;
    result = Value::ofTensor(dtype, shape, {}, site.at);
  }
  std::vector<mlir::Value> operands;
  for (const Value &argument : arguments)
    if (argument.isTensor())
      operands.push_back(ir(argument));
  auto called =
      dl::CallOp::create(*builder, location(site.at), existing.getFunctionType().getResults(), symbol, operands);
  result.ir = called.getResult(0);
  result.at = site.at;
  return result;
}

} // namespace dlc
