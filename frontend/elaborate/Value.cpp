// Making, printing and walking the values of elaboration.
#include "frontend/elaborate/Value.h"

#include <atomic>

#include <fmt/format.h>

namespace dlc {

Identity::Identity() {
  static std::atomic<uint64_t> made = 0;
  number = ++made;
}

std::string str(const Shape &shape) {
  std::string text = "[";
  for (size_t i = 0; i < shape.size(); ++i)
    text += (i ? ", " : "") + shape[i].size.str();
  return text + "]";
}

Size elementCount(const Shape &shape) {
  Size count(1);
  for (const Dim &dim : shape)
    count = count * dim.size;
  return count;
}

static Value make(Value::Kind kind, SourceRange at) {
  Value value;
  value.kind = kind;
  value.at = at;
  return value;
}

Value Value::ofTensor(DType dtype, Shape shape, mlir::Value ir, SourceRange at) {
  Value value = make(Tensor, at);
  value.dtype = dtype;
  value.shape = std::move(shape);
  value.ir = ir;
  if (value.shape.empty() && isIntegral(dtype))
    value.origin = Identity().number;
  return value;
}

Value Value::ofNumber(double number, SourceRange at) {
  Value value = make(Number, at);
  value.isFloat = true;
  value.number = number;
  return value;
}

Value Value::ofInteger(int64_t integer, SourceRange at) {
  Value value = make(Number, at);
  value.integer = integer;
  value.number = double(integer);
  return value;
}

Value Value::ofSize(dlc::Size size, SourceRange at) {
  Value value = make(SizeOf, at);
  value.size = std::move(size);
  return value;
}

Value Value::ofBool(bool flag, SourceRange at) {
  Value value = make(Bool, at);
  value.flag = flag;
  return value;
}

Value Value::ofString(std::string text, SourceRange at) {
  Value value = make(String, at);
  value.text = std::move(text);
  return value;
}

Value Value::ofStrings(std::shared_ptr<const std::vector<std::string>> strings, Size size, SourceRange at) {
  Value value = make(Strings, at);
  value.strings = std::move(strings);
  value.size = std::move(size);
  return value;
}

Value Value::ofTuple(std::vector<Value> elements, SourceRange at) {
  Value value = make(Tuple, at);
  value.elements = std::move(elements);
  return value;
}

Value Value::ofList(std::vector<Value> elements, SourceRange at) {
  Value value = make(List, at);
  value.elements = std::move(elements);
  return value;
}

Value Value::ofFunction(std::shared_ptr<Function> function, SourceRange at) {
  Value value = make(Fn, at);
  value.function = std::move(function);
  return value;
}

Value Value::unit(SourceRange at) { return make(Unit, at); }

static std::string join(const std::vector<Value> &values) {
  std::string text;
  for (size_t i = 0; i < values.size(); ++i)
    text += (i ? ", " : "") + typeString(values[i]);
  return text;
}

std::string typeString(const Value &value) {
  switch (value.kind) {
  case Value::Poison:
    return "?";
  case Value::Unit:
    return "()";
  case Value::Tensor:
    return std::string(nameOf(value.dtype)) + (value.shape.empty() ? "" : str(value.shape));
  case Value::Number:
    return value.weak ? (value.isFloat ? "f32" : "i64") : std::string(nameOf(value.dtype));
  case Value::SizeOf:
    return "dim";
  case Value::Bool:
    return "bool";
  case Value::String:
    return "str";
  case Value::Strings:
    return "str[" + value.size.str() + "]";
  case Value::Tuple:
    return "(" + join(value.elements) + ")";
  case Value::List:
    return "[" + join(value.elements) + "]";
  case Value::Fn:
    return value.function->name.empty() ? "a function" : "fn " + value.function->name;
  case Value::Model:
    return value.model->name;
  case Value::DTypeName:
    return "a type";
  case Value::Data:
    return "a data set";
  case Value::Source:
    return "a data source";
  case Value::Optimizer:
    return "an optimizer";
  case Value::Duration:
    return value.flag ? "epochs" : "steps";
  case Value::Range:
    return "a range";
  case Value::Zip:
    return "several zipped";
  case Value::All:
    return "`_`";
  }
  return "?";
}

std::string describe(const Value &value) {
  auto quoted = [](const std::string &text) {
    return "`" + (text.size() > 160 ? text.substr(0, 160) + " .." : text) + "`";
  };
  auto decimal = [](double number) { // with its point, so that it is no integer
    std::string text = fmt::format("{}", number);
    return text.find_first_of(".en") == std::string::npos ? text + ".0" : text;
  };
  switch (value.kind) {
  case Value::Unit:
    return "nothing";
  case Value::Number:
    return !value.weak     ? quoted(typeString(value))
           : value.isFloat ? "the number " + decimal(value.number)
                           : fmt::format("the number {}", value.integer);
  case Value::SizeOf:
    return "the size " + (value.size.isConstant() ? value.size.str() : quoted(value.size.str()));
  case Value::String:
    return "a string";
  case Value::List:
    return value.elements.empty()       ? "an empty list"
           : value.elements.size() <= 4 ? "the list " + quoted(typeString(value))
                                        : fmt::format("a list of {}", value.elements.size());
  case Value::Fn:
    if (value.function->kind == Function::Constructor)
      return "the model " + quoted(value.function->name) + ", not made";
    if (value.function->kind == Function::OptimizerConstructor)
      return "the optimizer " + quoted(value.function->name) + ", not made";
    return value.function->name.empty() || value.function->name.find(' ') != std::string::npos
               ? "a function"
               : "the function " + quoted(value.function->name);
  case Value::Model:
    return "a model " + quoted(value.model->name);
  case Value::Duration:
    return fmt::format("`{} {}`", value.integer, value.flag ? "epochs" : "steps");
  case Value::Strings:
  case Value::Tensor:
  case Value::Bool:
  case Value::Tuple:
    return quoted(typeString(value));
  default:
    return typeString(value);
  }
}

Binding *Scope::find(std::string_view name) {
  for (Scope *scope = this; scope; scope = scope->parent.get())
    if (auto found = scope->names.find(name); found != scope->names.end())
      return &found->second;
  return nullptr;
}

const ModelInstance::Entry *ModelInstance::find(std::string_view name) const {
  for (const Entry &entry : entries)
    if (entry.name == name)
      return &entry;
  return nullptr;
}

static void collect(const Value &layer, std::vector<ParamSlotRef> &params) {
  if (layer.kind == Value::Model)
    for (const ModelInstance::Entry &entry : layer.model->entries) {
      if (entry.param)
        params.push_back(entry.param);
      else
        collect(*entry.layer, params);
    }
  else if (layer.kind == Value::List || layer.kind == Value::Tuple)
    for (const Value &element : layer.elements)
      collect(element, params);
}

std::vector<ParamSlotRef> parametersOf(const ModelInstance &model) {
  std::vector<ParamSlotRef> params;
  for (const ModelInstance::Entry &entry : model.entries) {
    if (entry.param)
      params.push_back(entry.param);
    else
      collect(*entry.layer, params);
  }
  return params;
}

std::vector<ParamSlotRef> trainedOf(const ModelInstance &model) {
  std::vector<ParamSlotRef> params = parametersOf(model);
  std::erase_if(params, [](const ParamSlotRef &slot) { return !slot->trained; });
  return params;
}

static ModelRef replace(const ModelInstance &model, const std::vector<Value> &values, size_t &next);

static Value replace(const Value &layer, const std::vector<Value> &values, size_t &next) {
  Value copy = layer;
  if (layer.kind == Value::Model)
    copy.model = replace(*layer.model, values, next);
  else if (layer.kind == Value::List || layer.kind == Value::Tuple)
    for (Value &element : copy.elements)
      element = replace(element, values, next);
  return copy;
}

static ModelRef replace(const ModelInstance &model, const std::vector<Value> &values, size_t &next) {
  auto copy = std::make_shared<ModelInstance>(model);
  for (ModelInstance::Entry &entry : copy->entries) {
    if (entry.param) {
      entry.param = std::make_shared<ParamSlot>(*entry.param);
      entry.param->value = values[next++];
    } else {
      entry.layer = std::make_shared<Value>(replace(*entry.layer, values, next));
    }
  }
  return copy;
}

ModelRef withValues(const ModelInstance &model, const std::vector<Value> &values) {
  size_t next = 0;
  return replace(model, values, next);
}

ModelRef withTrained(const ModelInstance &model, const std::vector<Value> &values) {
  std::vector<Value> all;
  size_t next = 0;
  for (const ParamSlotRef &slot : parametersOf(model))
    all.push_back(slot->trained ? values[next++] : slot->value);
  return withValues(model, all);
}

/// What a model appends to its parameters' names, which then stand among those of the model around it; null when it has no
/// `suffix` among its settings.
static const std::string *suffixOf(const ModelInstance &model) {
  if (!model.scope)
    return nullptr;
  auto found = model.scope->names.find("suffix");
  bool given = found != model.scope->names.end() && found->second.value.kind == Value::String;
  return given && !found->second.value.text.empty() ? &found->second.value.text : nullptr;
}

/// Calls `visit(slot, path)` for every parameter of a layer, depth first. `path` is the layer's own, `around` that of the
/// model around it, each with a dot behind it unless it is empty.
template <class Visit>
static void visitParameters(const Value &layer, const std::string &path, const std::string &around, Visit visit) {
  if (layer.kind == Value::Model) {
    const std::string *suffix = suffixOf(*layer.model);
    const std::string &own = suffix ? around : path;
    for (const ModelInstance::Entry &entry : layer.model->entries)
      if (entry.param)
        visit(*entry.param, own + entry.name + (suffix ? *suffix : ""));
      else
        visitParameters(*entry.layer, own + entry.name + ".", own, visit);
  } else if (layer.kind == Value::List || layer.kind == Value::Tuple) {
    for (size_t i = 0; i < layer.elements.size(); ++i)
      visitParameters(layer.elements[i], fmt::format("{}{}.", path, i), around, visit);
  }
}

static Value modelValue(const ModelInstance &model) {
  Value value;
  value.kind = Value::Model;
  value.model = std::make_shared<ModelInstance>(model);
  return value;
}

void nameParameters(ModelInstance &model, const std::string &prefix) {
  visitParameters(modelValue(model), prefix, prefix,
                  [](ParamSlot &slot, std::string path) { slot.path = std::move(path); });
}

std::string modelsDiffer(const ModelInstance &a, const ModelInstance &b) {
  std::vector<ParamSlotRef> slots[2] = {trainedOf(a), trainedOf(b)};
  std::vector<std::string> paths[2];
  for (int i : {0, 1}) {
    visitParameters(modelValue(i ? b : a), "", "", [&](ParamSlot &slot, std::string path) {
      if (slot.trained)
        paths[i].push_back(std::move(path));
    });
  }
  for (size_t i = 0; i < std::min(paths[0].size(), paths[1].size()); ++i) {
    if (paths[0][i] != paths[1][i])
      return fmt::format("the one has `{}` where the other has `{}`", paths[0][i], paths[1][i]);
    std::string types[2] = {typeString(slots[0][i]->value), typeString(slots[1][i]->value)};
    if (types[0] != types[1])
      return fmt::format("`{}` is `{}` and `{}`", paths[0][i], types[0], types[1]);
  }
  if (paths[0].size() == paths[1].size())
    return "";
  bool more = paths[0].size() > paths[1].size();
  return fmt::format("only the {} has `{}`", more ? "first" : "second",
                     paths[more ? 0 : 1][paths[more ? 1 : 0].size()]);
}

} // namespace dlc
