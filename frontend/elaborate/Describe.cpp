// Signatures and documentation of values, their members and parameters.
#include "frontend/elaborate/Describe.h"

#include "frontend/elaborate/Printing.h"
#include "frontend/elaborate/Texts.h"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <functional>

namespace dlc {

static std::string parametersText(const Elaborator &e, const std::vector<ast::Parameter> &parameters) {
  std::vector<std::string> texts;
  for (const ast::Parameter &parameter : parameters) {
    std::string text(parameter.name);
    if (parameter.type)
      text += ": " + std::string(e.sources.text(parameter.type->range));
    if (parameter.defaultValue)
      text += " = " + std::string(e.sources.text(parameter.defaultValue->range));
    texts.push_back(std::move(text));
  }
  return fmt::format("({})", fmt::join(texts, ", "));
}

static Description describedFunction(const Elaborator &e, const Value &value) {
  const Function &function = *value.function;
  switch (function.kind) {
  case Function::User: {
    const ast::FnItem &item = *function.item;
    std::string result =
        item.result ? " -> " + std::string(e.sources.text(item.result->range)) : e.inferredResult(function.name);
    return {"fn " + function.name + parametersText(e, item.parameters) + result, std::string(item.doc)};
  }
  case Function::Constructor:
    return {"model " + function.name + parametersText(e, function.modelItem->parameters),
            std::string(function.modelItem->doc)};
  case Function::OptimizerConstructor: {
    std::string parameters = parametersText(e, function.optimizerItem->parameters); // and what every optimizer takes
    parameters.insert(parameters.size() - 1,
                      parameters == "()" ? "clip_norm = 0, clip_value = 0" : ", clip_norm = 0, clip_value = 0");
    return {"optimizer " + function.name + parameters, std::string(function.optimizerItem->doc)};
  }
  case Function::Native:
    if (const ast::FnItem *declaration = function.builtin->declaration)
      return {"fn " + function.name + parametersText(e, declaration->parameters), std::string(declaration->doc)};
    return {fmt::format("fn {}({})", function.name, fmt::join(parameterNames(value), ", ")), ""};
  case Function::Lambda:
    return {"fn " + parametersText(e, function.lambda->parameters), ""};
  default:
    return {typeString(value), ""};
  }
}

/// The type of the tensor that a list of numbers is, `i64[2, 3]`; nothing for another list.
static std::optional<std::string> listType(const Value &list) {
  std::vector<size_t> sizes;
  const Value *inner = &list;
  for (; inner->kind == Value::List && !inner->flag && !inner->elements.empty(); inner = &inner->elements[0])
    sizes.push_back(inner->elements.size());
  bool isFloat = false, good = !sizes.empty();
  std::function<void(const Value &, size_t)> visit = [&](const Value &value, size_t depth) {
    if (depth == sizes.size()) {
      good &= value.kind == Value::Number && value.weak;
      isFloat |= value.isFloat;
    } else if (value.kind != Value::List || value.elements.size() != sizes[depth]) {
      good = false;
    } else {
      for (const Value &element : value.elements)
        visit(element, depth + 1);
    }
  };
  visit(list, 0);
  if (!good)
    return std::nullopt;
  return fmt::format("{}[{}]", isFloat ? "f32" : "i64", fmt::join(sizes, ", "));
}

Description descriptionOf(const Elaborator &e, const Value &value) {
  switch (value.kind) {
  case Value::Fn:
    return describedFunction(e, value);
  case Value::Model:
    if (isGroup(value) || !value.model->item)
      return {typeString(value), ""};
    return {"a model " + typeString(value), std::string(value.model->item->doc)};
  case Value::Data:
    return {"data " + textOf(value, typeString), ""};
  case Value::List:
    return {listType(value).value_or(typeString(value)), ""};
  default:
    return {typeString(value), ""};
  }
}

std::vector<std::string> memberNames(const Value &value) {
  std::vector<std::string> names;
  switch (value.kind) {
  case Value::Model:
    for (const ModelInstance::Entry &entry : value.model->entries)
      names.push_back(entry.name);
    for (const auto &[name, item] : value.model->functions)
      names.push_back(name);
    if (value.model->trained)
      names.push_back("history");
    if (value.model->item)
      for (const ast::Parameter &parameter : value.model->item->parameters)
        if (std::find(names.begin(), names.end(), parameter.name) == names.end())
          names.push_back(std::string(parameter.name));
    break;
  case Value::Data: {
    const DataInfo &data = *value.data;
    bool named = false, categories = false;
    for (const DataInfo::Field &field : data.fields) {
      if (data.source)
        names.push_back(field.name);
      categories |= meaningOf(data, field) == Meaning::Classes;
      named |= meaningOf(data, field) != Meaning::Numbers;
    }
    if (data.source)
      names.push_back("rows");
    if (data.cut)
      for (const std::string &part : data.cut->parts())
        names.push_back(part);
    for (const char *sizes : {"vocab", "classes"})
      if (vocabularySizes(value, sizes, value.at))
        names.push_back(sizes);
    if (named)
      names.insert(names.end(), {"encode", "decode"});
    if (categories)
      names.push_back("names");
    break;
  }
  case Value::Tensor:
    names = {"shape", "dtype"};
    break;
  case Value::List:
    if (!value.flag)
      names = {"shape", "dtype"};
    break;
  default:
    break;
  }
  return names;
}

std::optional<Value> valueAt(Elaborator &e, const std::string &path) {
  size_t dot = path.find('.');
  std::string first = path.substr(0, dot);
  Binding *binding = e.file->find(first);
  if (!binding || binding->value.poison())
    return std::nullopt;
  Value value = binding->value;
  while (dot != std::string::npos) {
    size_t next = path.find('.', dot + 1);
    std::string name = path.substr(dot + 1, next == std::string::npos ? next : next - dot - 1);
    std::vector<std::string> members = memberNames(value);
    bool digits = !name.empty() && name.size() < 9 && name.find_first_not_of("0123456789") == std::string::npos;
    if (digits && (value.kind == Value::List || value.kind == Value::Tuple)) {
      if (std::stoul(name) >= value.elements.size())
        return std::nullopt;
    } else if (std::find(members.begin(), members.end(), name) == members.end()) {
      return std::nullopt;
    }
    unsigned before = e.diagnostics.failureCount();
    value = e.member(value, name, {}, {});
    if (value.poison() || e.diagnostics.failureCount() != before)
      return std::nullopt;
    dot = next;
  }
  return value;
}

} // namespace dlc
