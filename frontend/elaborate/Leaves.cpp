// The floating-point tensors that a value consists of: what is derived, by what, and along what.
#include "frontend/elaborate/Elaborator.h"

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

Value withLeaves(const Value &value, const std::vector<Value> &leaves, size_t &next) {
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
  result.varies = x.varies;
  if (mlir::Value operand = e.ir(x)) {
    std::vector<int64_t> starts(x.shape.size(), 0), steps(x.shape.size(), 1);
    starts[0] = i;
    result.ir = dl::SliceOp::create(e.graph.here(), e.location(at), e.irType(x.dtype, sliced), operand, starts, steps);
  }
  return e.reshape(result, row, at);
}

bool Elaborator::matchLeaves(const Value &like, Value given, std::vector<Value> &leaves) {
  switch (like.kind) {
  case Value::Tensor: {
    given = tensorOfList(given, like.dtype);
    if (given.isNumber())
      given = tensorOf(given, given.dtypeOr(like.dtype));
    bool isOne = given.isTensor() && given.shape.empty(); // one number stands for all
    if (!given.isTensor() || given.dtype != like.dtype || (!isOne && given.shape.size() != like.shape.size()))
      return false;
    for (size_t i = 0; i < given.shape.size(); ++i)
      if (!sameSize(given.shape[i].size, like.shape[i].size).value_or(true))
        return false;
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

} // namespace dlc
