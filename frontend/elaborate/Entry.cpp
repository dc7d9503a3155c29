// A function of a program as a module of its own, for `dlc compile`.
//
// Parameters are arguments: those of the entry's own model, and those of the models of the file that it calls. Models of
// which nothing is used in the end lose theirs again.
#include "frontend/elaborate/TrainElaborator.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/BitVector.h"
#include "llvm/Support/SaveAndRestore.h"

namespace dlc {

using namespace ast;

namespace {

/// A model whose tensors are arguments of the entry: `count` of them from `first` on.
struct PassedModel {
  std::string name; ///< as the program calls it
  unsigned first, count;
};

class EntryElaborator {
public:
  EntryElaborator(Elaborator &e, const std::string &entry, const std::map<std::string, int64_t> &sizes)
      : e(e), entry(entry), sizes(sizes), modelName(entry.substr(0, entry.find('.'))),
        functionName(entry.find('.') == std::string::npos ? "" : entry.substr(entry.find('.') + 1)) {}

  Elaborator::EntryModule module();

private:
  bool unknown(const std::string &what, const std::vector<std::string> &candidates);
  bool findCallee();
  bool inputs();
  std::optional<Value> declaredInput(const Parameter &parameter, const ScopeRef &scope);
  std::optional<std::vector<Value>> outputs();
  Value passed(FunctionFrame &frame, const Value &value, const std::string &name);
  void addArgument(FunctionFrame &frame, Value &value, const std::string &role, const std::string &name,
                   SourceRange at);
  void dropUnused(mlir::func::FuncOp function, std::vector<std::string> &models);

  Elaborator &e;
  const std::string &entry;
  const std::map<std::string, int64_t> &sizes;
  const std::string modelName, functionName;
  Value callee; ///< a function, or a `Sequential`
  Value model;  ///< whose function it is; or poison
  std::vector<Value> arguments;
  std::vector<std::string> argumentNames;
  std::vector<PassedModel> models;
  std::map<const ModelInstance *, ModelRef> passedBefore; ///< by other names
  std::vector<std::string> roles, names;                  ///< of the function's arguments
};

} // namespace

bool EntryElaborator::unknown(const std::string &what, const std::vector<std::string> &candidates) {
  auto report = e.error(Diag::UnknownName, {}, what);
  if (std::string near = nearest(what, candidates); !near.empty())
    report.meant(near);
  return false;
}

/// Finds what the entry names; a model that is not made yet is made with its defaults and the sizes given.
bool EntryElaborator::findCallee() {
  Binding *binding = e.file->find(modelName);
  if (!binding) {
    std::vector<std::string> defined;
    for (auto &[name, other] : e.file->names)
      defined.push_back(name);
    return unknown(modelName, defined);
  }
  callee = binding->value;
  if (callee.kind == Value::Fn && callee.function->kind == Function::Constructor) {
    const ModelItem &item = *callee.function->modelItem;
    CallSite site;
    site.callee = modelName;
    site.at = site.calleeAt = item.nameRange;
    for (const Parameter &parameter : item.parameters)
      if (auto given = sizes.find(std::string(parameter.name)); given != sizes.end())
        site.arguments.push_back({given->first, Value::ofInteger(given->second, parameter.range), parameter.range});
    // Its values are given: what they begin with is not computed.
    NoFrame nothing(e.graph);
    llvm::SaveAndRestore checks(e.checkingOnly, true);
    llvm::SaveAndRestore overridden(e.overrideModel, &item);
    callee = e.apply(callee, site);
  }
  if (callee.kind == Value::Model)
    model = callee;
  return !callee.poison();
}

void EntryElaborator::addArgument(FunctionFrame &frame, Value &value, const std::string &role, const std::string &name,
                                  SourceRange at) {
  value.host = nullptr;
  value.ir = frame.addArgument(e.irType(value.dtype, value.shape), e.location(at));
  roles.push_back(role);
  names.push_back(name);
}

/// A value with the tensors of the models in it as arguments.
Value EntryElaborator::passed(FunctionFrame &frame, const Value &value, const std::string &name) {
  Value copy = value;
  if (value.kind == Value::List || value.kind == Value::Tuple)
    for (size_t i = 0; i < copy.elements.size(); ++i)
      copy.elements[i] = passed(frame, value.elements[i], fmt::format("{}.{}", name, i));
  if (value.kind != Value::Model)
    return copy;
  if (auto known = passedBefore.find(value.model.get()); known != passedBefore.end()) {
    copy.model = known->second;
    return copy;
  }
  std::vector<Value> values;
  for (const ParamSlotRef &slot : parametersOf(*value.model)) {
    values.push_back(slot->value);
    for (const Dim &dim : slot->value.shape)
      if (!dim.size.isConstant()) // only data says; an error where it is used
        return copy;
  }
  copy.model = withValues(*value.model, values);
  nameParameters(*copy.model);
  passedBefore[value.model.get()] = copy.model;
  models.push_back({name, unsigned(roles.size()), unsigned(values.size())});
  for (const ParamSlotRef &slot : parametersOf(*copy.model))
    addArgument(frame, slot->value, "param", slot->path, slot->at);
  return copy;
}

std::optional<Value> EntryElaborator::declaredInput(const Parameter &parameter, const ScopeRef &scope) {
  Value value = e.symbolic(*parameter.type, scope, parameter.range, std::string(parameter.name));
  if (value.poison())
    return std::nullopt;
  if (!value.isTensor()) {
    e.error(Diag::NotSupported, parameter.range,
            "an entry whose parameter `" + std::string(parameter.name) + "` is " + describe(value));
    return std::nullopt;
  }
  for (const Dim &dim : value.shape)
    if (!dim.size.isConstant()) {
      e.error(Diag::NotConstant, dim.origin.valid() ? dim.origin : parameter.range, "size `" + dim.size.str() + "`")
          .help("give it: `--size " + dim.size.str() + "=1`");
      return std::nullopt;
    }
  return value;
}

/// The types of the arguments: as declared with the sizes given, else as the training of the model called it.
bool EntryElaborator::inputs() {
  const std::vector<Parameter> *parameters = callee.kind == Value::Fn ? &callee.function->item->parameters : nullptr;
  bool declared = parameters && std::all_of(parameters->begin(), parameters->end(),
                                            [](const Parameter &parameter) { return parameter.type != nullptr; });
  const TrainElaborator *train = nullptr;
  if (model.kind == Value::Model && model.model->trained && (functionName.empty() || functionName == "forward"))
    train = model.model->trained->train.get();
  if (!declared && train) {
    auto batch = sizes.find("batch");
    if (batch == sizes.end()) {
      e.error(Diag::NotConstant, train->plan.at, "size `batch`")
          .help("how many examples a call takes: `--size batch=1`");
      return false;
    }
    std::optional<std::vector<Value>> types = train->inputsOfModel(Size(batch->second));
    for (const Value &type : types.value_or(std::vector<Value>()))
      if (!type.isTensor()) {
        e.error(Diag::NotSupported, type.at, "an entry whose argument is " + describe(type));
        return false;
      }
    arguments = types.value_or(std::vector<Value>());
    for (size_t i = 0; i < arguments.size(); ++i)
      argumentNames.push_back(parameters && i < parameters->size() ? std::string((*parameters)[i].name)
                              : arguments.size() == 1              ? "x"
                                                                   : fmt::format("x{}", i));
    return types.has_value();
  }
  if (!parameters) {
    e.error(Diag::NotCallable, {}, "`" + entry + "`")
        .help("it says no type of its input; a function does: `fn predict(x: f32[n, 2]) { " + modelName + "(x) }`");
    return false;
  }
  auto scope = std::make_shared<Scope>();
  scope->parent = callee.function->scope;
  scope->self = callee.function->self;
  for (auto &[name, size] : sizes)
    scope->names[name] = {Value::ofSize(Size(size), {}), false, {}};
  for (const Parameter &parameter : *parameters) {
    if (!parameter.type) {
      e.error(Diag::MissingArgument, parameter.range, entry, std::string(parameter.name) + ": type")
          .help("an entry's parameters need types");
      return false;
    }
    std::optional<Value> value = declaredInput(parameter, scope);
    if (!value)
      return false;
    arguments.push_back(*value);
    argumentNames.push_back(std::string(parameter.name));
  }
  return true;
}

std::optional<std::vector<Value>> EntryElaborator::outputs() {
  Value result = e.apply(callee, arguments, {});
  if (result.poison())
    return std::nullopt;
  std::vector<Value> values = result.kind == Value::Tuple ? result.elements : std::vector<Value>{result};
  for (Value &value : values) {
    Value given = value;
    value = e.tensorOf(given);
    if (value.isTensor())
      continue;
    e.error(Diag::NotSupported, callee.kind == Value::Fn ? callee.function->item->nameRange : callee.at,
            "an entry whose result is " + describe(given));
    return std::nullopt;
  }
  return values;
}

/// Takes the arguments of models away of which nothing is used; of several that stay, names begin with the model's.
void EntryElaborator::dropUnused(mlir::func::FuncOp function, std::vector<std::string> &used) {
  llvm::BitVector unused(function.getNumArguments());
  for (const PassedModel &passed : models) {
    auto own = function.getArguments().slice(passed.first, passed.count);
    if (passed.name == modelName || llvm::any_of(own, [](mlir::Value value) { return !value.use_empty(); }))
      used.push_back(passed.name);
    else
      unused.set(passed.first, passed.first + passed.count);
  }
  for (const PassedModel &passed : models)
    for (unsigned i = passed.first; used.size() > 1 && i < passed.first + passed.count; ++i)
      names[i] = passed.name + "." + names[i];
  for (int i = unused.find_last(); i >= 0; i = unused.find_prev(unsigned(i))) {
    roles.erase(roles.begin() + i);
    names.erase(names.begin() + i);
  }
  (void)function.eraseArguments(unused);
}

Elaborator::EntryModule EntryElaborator::module() {
  Elaborator::EntryModule made;
  if (!findCallee())
    return made;
  FunctionFrame frame(e.graph,
                      functionName.empty() || functionName == "forward" ? modelName : modelName + "_" + functionName,
                      e.location({}), FunctionFrame::Constants);
  if (model.kind == Value::Model)
    model = passed(frame, model, modelName);
  if (model.kind == Value::Model)
    for (const ParamSlotRef &slot : parametersOf(*model.model))
      for (const Dim &dim : slot->value.shape)
        if (!dim.size.isConstant()) {
          (void)e.ir(slot->value); // says what is not known
          return made;
        }
  llvm::SaveAndRestore kept(e.file->names);
  // A model of several names is called as its training is, and lists hold what is known by then.
  auto rank = [](const std::string &name, const Value &value) {
    bool own = value.kind == Value::Model && value.model->trained && value.model->trained->train->plan.name == name;
    return own ? 0 : value.kind == Value::Model ? 1 : 2;
  };
  for (int turn = 0; turn < 3; ++turn)
    for (auto &[name, binding] : e.file->names)
      if (binding.value.kind == Value::Model && name == modelName)
        binding.value = model;
      else if (rank(name, binding.value) == turn)
        binding.value = passed(frame, binding.value, name);
  if (model.kind == Value::Model) {
    const std::string function = functionName.empty() ? "forward" : functionName;
    bool itself = functionName.empty() && !model.model->functions.count(function) && model.model->name == "Sequential";
    callee = itself ? model : e.memberOfModel(model.model, function, {});
    if (!itself && callee.kind != Value::Fn) {
      std::vector<std::string> functions;
      for (auto &[name, fn] : model.model->functions)
        functions.push_back(name);
      unknown(function, functions);
      return made;
    }
  }
  if (callee.kind != Value::Model && (callee.kind != Value::Fn || callee.function->kind != Function::User)) {
    e.error(Diag::NotCallable, {}, "`" + entry + "`")
        .help("an entry is a function, `Model.forward` or a trained model");
    return made;
  }
  if (!inputs())
    return made;
  for (size_t i = 0; i < arguments.size(); ++i) {
    SourceRange at = arguments[i].at;
    addArgument(frame, arguments[i], "input", argumentNames[i], at);
  }
  std::optional<std::vector<Value>> values = outputs();
  if (!values)
    return made;
  std::vector<mlir::Value> results;
  for (const Value &value : *values)
    results.push_back(e.ir(value));
  mlir::func::FuncOp function = frame.function();
  made.module = frame.finish(results);
  dropUnused(function, made.models);
  mlir::OpBuilder attributes(&e.context);
  for (unsigned i = 0; i < roles.size(); ++i) {
    function.setArgAttr(i, "dl.role", attributes.getStringAttr(roles[i]));
    function.setArgAttr(i, "dl.name", attributes.getStringAttr(names[i]));
  }
  for (unsigned i = 0; i < results.size(); ++i)
    function.setResultAttr(i, "dl.name",
                           attributes.getStringAttr(results.size() == 1 ? "result" : fmt::format("result{}", i)));
  return made;
}

Elaborator::EntryModule Elaborator::entry(const std::string &entry, const std::map<std::string, int64_t> &sizes) {
  return EntryElaborator(*this, entry, sizes).module();
}

} // namespace dlc
