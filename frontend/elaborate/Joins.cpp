// What two ways through a program come to: after a branch, and at the end of a loop's body.
#include "frontend/elaborate/ControlFlow.h"

namespace dlc {

void AssignmentRecord::note(const ScopeRef &scope, const std::string &name, const Value &before, SourceRange at) {
  if (scope->id.number > born.number) // defined meanwhile
    return;
  for (Change &change : noted)
    if (change.scope == scope && change.name == name) {
      change.at = at;
      return;
    }
  noted.push_back({scope, name, before, {}, at});
}

std::vector<Change> AssignmentRecord::changes() const {
  std::vector<Change> made = noted;
  for (Change &change : made)
    change.after = change.scope->names[change.name].value;
  return made;
}

std::vector<Change> AssignmentRecord::takeBack() {
  std::vector<Change> made = changes();
  for (Change &change : noted)
    change.scope->names[change.name].value = change.before;
  noted.clear();
  return made;
}

void Elaborator::setVariable(const ScopeRef &scope, const std::string &name, Value value, SourceRange at) {
  Value &kept = scope->names[name].value;
  if (record)
    record->note(scope, name, kept, at);
  kept = std::move(value);
}

bool isSameValue(const Value &a, const Value &b) {
  if (a.kind != b.kind)
    return false;
  auto sameElements = [&] {
    return a.elements.size() == b.elements.size() &&
           std::equal(a.elements.begin(), a.elements.end(), b.elements.begin(), isSameValue);
  };
  switch (a.kind) {
  case Value::Tensor:
    return (a.ir && a.ir == b.ir) || (!a.ir && !b.ir && a.host && a.host == b.host);
  case Value::Number:
    return a.isFloat == b.isFloat && a.weak == b.weak && (a.weak || a.dtype == b.dtype) && a.ofSizes == b.ofSizes &&
           (a.isFloat ? a.number == b.number || (std::isnan(a.number) && std::isnan(b.number))
                      : a.integer == b.integer);
  case Value::SizeOf:
    return a.size == b.size;
  case Value::Bool:
    return a.flag == b.flag;
  case Value::String:
    return a.text == b.text;
  case Value::Strings:
    return a.strings == b.strings && a.size == b.size;
  case Value::Tuple:
  case Value::List:
    return a.flag == b.flag && sameElements();
  case Value::Fn:
    return a.function == b.function;
  case Value::Model:
    return a.model == b.model;
  case Value::DTypeName:
    return a.dtype == b.dtype;
  case Value::Optimizer:
    return a.optimizer == b.optimizer;
  case Value::Data:
    return a.data == b.data;
  case Value::Unit:
    return true;
  default:
    return false;
  }
}

/// Whether a value is one number or bool, known or computed.
static bool isScalar(const Value &value) {
  return value.isNumber() || value.kind == Value::Bool || (value.isTensor() && value.shape.empty());
}

/// The dtype in which a known number meets a tensor or number of `dtype`; nothing when it does not fit there.
static std::optional<DType> meet(const Value &number, DType dtype) {
  if (number.kind == Value::Bool)
    return dtype == DType::Bool ? std::optional(dtype) : std::nullopt;
  if (number.kind == Value::SizeOf)
    return dtype != DType::Bool ? std::optional(dtype) : std::nullopt;
  if (!number.weak)
    return number.dtype == dtype ? std::optional(dtype) : std::nullopt;
  bool fits = dtype != DType::Bool && fitsIn(number, dtype) && (!number.isFloat || isFloating(dtype));
  return fits ? std::optional(dtype) : std::nullopt;
}

/// The dtype of a scalar or tensor that stands alone.
static DType ownType(const Value &value) {
  if (value.kind == Value::Bool)
    return DType::Bool;
  return value.isTensor() ? value.dtype
                          : value.dtypeOr(value.kind == Value::Number && value.isFloat ? DType::F32 : DType::I64);
}

static std::optional<DType> joinedType(const Value &a, const Value &b) {
  bool aLiteral = a.kind == Value::SizeOf || (a.kind == Value::Number && a.weak);
  bool bLiteral = b.kind == Value::SizeOf || (b.kind == Value::Number && b.weak);
  if (aLiteral && bLiteral)
    return isFloating(ownType(a)) || isFloating(ownType(b)) ? DType::F32 : DType::I64;
  if (aLiteral)
    return meet(a, ownType(b));
  if (bLiteral)
    return meet(b, ownType(a));
  return ownType(a) == ownType(b) ? std::optional(ownType(a)) : std::nullopt;
}

std::optional<Value> joined(const Elaborator &e, const Value &a, const Value &b, bool broadcastNumbers) {
  if (isSameValue(a, b))
    return a;
  if (a.kind == Value::List && b.isTensor())
    return typeOnly(b);
  if (b.kind == Value::List && a.isTensor())
    return typeOnly(a);
  bool tensors = (isScalar(a) || a.isTensor()) && (isScalar(b) || b.isTensor());
  if (tensors) {
    std::optional<DType> dtype = joinedType(a, b);
    if (!dtype)
      return std::nullopt;
    const Value &shaped = a.isTensor() ? a : b;
    Shape shape = shaped.isTensor() ? shaped.shape : Shape();
    for (const Value *side : {&a, &b}) {
      size_t rank = side->isTensor() ? side->shape.size() : 0;
      if (rank != shape.size() && !(broadcastNumbers && !side->isTensor()))
        return std::nullopt;
      for (size_t i = 0; i < rank; ++i)
        if (!e.sameSize(side->shape[i].size, shape[i].size).value_or(true))
          return std::nullopt;
    }
    Value type = Value::ofTensor(*dtype, shape, {}, a.at);
    type.soft = a.isTensor() && b.isTensor() && a.soft && b.soft;
    type.varies = a.varies || b.varies;
    return type;
  }
  if (a.kind != b.kind)
    return std::nullopt;
  if (a.kind == Value::Tuple || a.kind == Value::List) {
    if (a.elements.size() != b.elements.size())
      return std::nullopt;
    Value type = a;
    for (size_t i = 0; i < a.elements.size(); ++i) {
      std::optional<Value> element = joined(e, a.elements[i], b.elements[i], broadcastNumbers);
      if (!element)
        return std::nullopt;
      type.elements[i] = *element;
    }
    return type;
  }
  if (a.kind == Value::Model && a.model->item == b.model->item && modelsDiffer(*a.model, *b.model).empty())
    return typeOnly(a);
  return std::nullopt;
}

Value asType(Elaborator &e, const Value &value, const Value &type) {
  if (value.poison() || isSameValue(value, type))
    return value;
  if (type.isTensor()) {
    Value made = e.tensorOfList(value, type.dtype);
    if (made.isNumber() && !(made.kind == Value::SizeOf) && !e.settleNumber(made, type.dtype))
      return e.poison(value.at);
    made = e.tensorOf(made, type.dtype);
    return made.isTensor() && made.shape.size() < type.shape.size() ? e.broadcastTo(made, type.shape, value.at) : made;
  }
  Value made = value;
  for (size_t i = 0; i < made.elements.size() && i < type.elements.size(); ++i)
    made.elements[i] = asType(e, made.elements[i], type.elements[i]);
  return made;
}

void appendTensors(const Value &value, std::vector<Value> &tensors) {
  if (value.isTensor())
    tensors.push_back(value);
  else if (value.kind == Value::Model)
    for (const ParamSlotRef &slot : parametersOf(*value.model))
      tensors.push_back(slot->value);
  else
    for (const Value &element : value.elements)
      appendTensors(element, tensors);
}

Value withTensors(const Value &value, const std::vector<Value> &tensors, size_t &next) {
  if (value.isTensor())
    return tensors[next++];
  Value made = value;
  if (value.kind == Value::Model) {
    size_t count = parametersOf(*value.model).size();
    made.model = withValues(*value.model, {tensors.begin() + next, tensors.begin() + next + count});
    next += count;
    return made;
  }
  for (Value &element : made.elements)
    element = withTensors(element, tensors, next);
  return made;
}

Value typeOnly(const Value &value) {
  std::vector<Value> tensors;
  appendTensors(value, tensors);
  for (Value &tensor : tensors) {
    tensor.ir = {};
    tensor.host = nullptr;
    tensor.lazy = nullptr;
  }
  size_t next = 0;
  return withTensors(value, tensors, next);
}

} // namespace dlc
