// A function of a program as a module of its own, for `dlc compile`.
#include "frontend/elaborate/Elaborator.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace dlc {

using namespace ast;

Elaborator::EntryModule Elaborator::entry(const std::string &entry, const std::map<std::string, int64_t> &sizes) {
  EntryModule made;
  SourceRange nowhere;
  std::string modelName = entry.substr(0, entry.find('.'));
  std::string functionName = entry.find('.') == std::string::npos ? "" : entry.substr(entry.find('.') + 1);
  Binding *binding = file->find(modelName);
  auto missing = [&](const std::string &what, const std::vector<std::string> &candidates) {
    auto report = error(Diag::UnknownName, nowhere, what);
    if (std::string near = nearest(what, candidates); !near.empty())
      report.help("did you mean `" + near + "`?");
    return std::move(made);
  };
  std::vector<std::string> definedNames;
  for (auto &[name, other] : file->names)
    definedNames.push_back(name);
  if (!binding)
    return missing(modelName, definedNames);
  Value callee = binding->value;
  if (callee.poison())
    return made;
  Value model = callee;
  FunctionFrame frame(
      graph, functionName.empty() || functionName == "forward" ? modelName : modelName + "_" + functionName,
      location(nowhere), FunctionFrame::Constants);
  auto drop = [&] { return std::move(made); };
  std::vector<std::string> roles, names;
  if (callee.kind == Value::Fn && callee.function->kind == Function::Constructor) {
    CallSite site;
    site.callee = modelName;
    site.at = site.calleeAt = callee.function->modelItem->nameRange;
    for (const Parameter &parameter : callee.function->modelItem->parameters)
      if (auto given = sizes.find(std::string(parameter.name)); given != sizes.end())
        site.arguments.push_back({given->first, Value::ofInteger(given->second, parameter.range), parameter.range});
    overrideModel = callee.function->modelItem;
    model = apply(callee, site);
    overrideModel = nullptr;
    if (model.poison())
      return drop();
  }
  if (model.kind == Value::Model) {
    nameParameters(*model.model);
    made.params = parametersOf(*model.model);
    std::vector<Value> values;
    for (const ParamSlotRef &slot : made.params) {
      Value value = slot->value;
      value.host = nullptr;
      value.ir = frame.addArgument(irType(value.dtype, value.shape), location(slot->at));
      values.push_back(value);
      roles.push_back("param");
      names.push_back(slot->path);
    }
    model.model = withValues(*model.model, values);
    callee = memberOfModel(model.model, functionName.empty() ? "forward" : functionName, nowhere);
    if (callee.poison() || callee.kind != Value::Fn) {
      std::vector<std::string> functions;
      for (auto &[name, fn] : model.model->functions)
        functions.push_back(name);
      return missing(functionName.empty() ? "forward" : functionName, functions);
    }
  }
  if (callee.kind != Value::Fn || callee.function->kind != Function::User) {
    error(Diag::NotCallable, nowhere, "`" + entry + "`").help("an entry is a function or `Model.forward`");
    return drop();
  }
  // The arguments: their declared types, with the sizes given.
  auto scope = std::make_shared<Scope>();
  scope->parent = callee.function->scope;
  scope->self = callee.function->self;
  for (auto &[name, size] : sizes)
    scope->names[name] = {Value::ofSize(Size(size), nowhere), false, nowhere};
  std::vector<Value> arguments;
  for (const Parameter &parameter : callee.function->item->parameters) {
    if (!parameter.type) {
      error(Diag::MissingArgument, parameter.range, entry, std::string(parameter.name) + ": type")
          .help("an entry's parameters need types");
      return drop();
    }
    Value value = symbolic(*parameter.type, scope, parameter.range, std::string(parameter.name));
    if (value.poison())
      return drop();
    if (!value.isTensor()) {
      error(Diag::NotSupported, parameter.range,
            "an entry whose parameter `" + std::string(parameter.name) + "` is " + describe(value));
      return drop();
    }
    for (const Dim &dim : value.shape)
      if (!dim.size.isConstant()) {
        error(Diag::NotConstant, dim.origin.valid() ? dim.origin : parameter.range, "size `" + dim.size.str() + "`")
            .help("give it: `--size " + dim.size.str() + "=1`");
        return drop();
      }
    value.ir = frame.addArgument(irType(value.dtype, value.shape), location(parameter.range));
    roles.push_back("input");
    names.push_back(std::string(parameter.name));
    made.inputs.push_back(std::string(parameter.name));
    arguments.push_back(value);
  }
  Value result = apply(callee, arguments, nowhere);
  if (result.poison())
    return drop();
  std::vector<Value> outputs = result.kind == Value::Tuple ? result.elements : std::vector<Value>{result};
  std::vector<mlir::Value> results;
  for (size_t i = 0; i < outputs.size(); ++i) {
    Value value = tensorOf(outputs[i]);
    if (!value.isTensor()) {
      error(Diag::NotSupported, callee.function->item->nameRange, "an entry whose result is " + describe(outputs[i]));
      return drop();
    }
    results.push_back(ir(value));
    made.outputs.push_back(outputs.size() == 1 ? "result" : fmt::format("result{}", i));
  }
  auto function = frame.function();
  made.module = frame.finish(results);
  mlir::OpBuilder attributes(&context);
  for (size_t i = 0; i < roles.size(); ++i) {
    function.setArgAttr(unsigned(i), "dl.role", attributes.getStringAttr(roles[i]));
    function.setArgAttr(unsigned(i), "dl.name", attributes.getStringAttr(names[i]));
  }
  for (size_t i = 0; i < made.outputs.size(); ++i)
    function.setResultAttr(unsigned(i), "dl.name", attributes.getStringAttr(made.outputs[i]));
  return made;
}

} // namespace dlc
