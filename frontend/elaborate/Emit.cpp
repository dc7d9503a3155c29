// Building operations of the graph stage. Every function gives the type of its result, and in an instance the operation.
#include "frontend/elaborate/Elaborator.h"

#include "ir/Dialect.h"

#include <algorithm>

namespace dlc {

mlir::Location Elaborator::location(SourceRange at) const {
  if (!at.valid())
    return mlir::UnknownLoc::get(&context);
  LineColumn place = sources.lineColumn(at.file, at.begin);
  LineColumn end = sources.lineColumn(at.file, at.end);
  auto file = mlir::StringAttr::get(&context, sources.uniqueName(at.file));
  return mlir::FileLineColRange::get(file, place.line, place.column, end.line, end.column);
}

mlir::Type Elaborator::irElement(DType dtype) const {
  switch (dtype) {
  case DType::F32:
    return mlir::Float32Type::get(&context);
  case DType::F64:
    return mlir::Float64Type::get(&context);
  case DType::BF16:
    return mlir::BFloat16Type::get(&context);
  case DType::I32:
    return mlir::IntegerType::get(&context, 32);
  case DType::I64:
    return mlir::IntegerType::get(&context, 64);
  case DType::U8:
    return mlir::IntegerType::get(&context, 8, mlir::IntegerType::Unsigned);
  case DType::Bool:
    return mlir::IntegerType::get(&context, 1);
  }
  return {};
}

mlir::RankedTensorType Elaborator::irType(DType dtype, const Shape &shape) const {
  llvm::SmallVector<int64_t> sizes;
  for (const Dim &dim : shape)
    sizes.push_back(dim.size.constant());
  return mlir::RankedTensorType::get(sizes, irElement(dtype));
}

mlir::Value Elaborator::ir(const Value &value) {
  if (!emitting() || value.kind != Value::Tensor)
    return {};
  if (value.ir)
    return graph.use(value.ir);
  HostBufferRef host = value.values();
  if (!host && value.lazy)
    return constant(0, value.dtype, value.shape, value.at).ir; // what could not be read was reported
  if (!host) {
    // `compile` runs nothing, so what a statement of the file computes is not known.
    auto open =
        std::find_if(value.shape.begin(), value.shape.end(), [](const Dim &dim) { return !dim.size.isConstant(); });
    if (executor)
      error(Diag::Internal, value.at, "a tensor without a value");
    else if (open != value.shape.end()) // only data decides it: said once, wherever it is used
      error(Diag::NotConstant, {}, "size `" + open->size.str() + "`")
          .help("give it: `--size " + open->size.str() +
                "=N`; of words, `--weights FILE` knows it where the model was saved with them");
    else if (std::none_of(diagnostics.all().begin(), diagnostics.all().end(), [](const Diagnostic &one) {
               return one.kind == Diag::NotConstant && !one.at.valid(); // of the same model
             }))
      error(Diag::NotConstant, value.at, "`" + shortText(value.at) + "`")
          .help("make it an argument of the function, or a `param` of its model");
    return constant(0, value.dtype, value.shape, value.at).ir;
  }
  return graph.hostTensor(host, irType(value.dtype, value.shape), location(value.at));
}

Value Elaborator::constant(double number, DType dtype, Shape shape, SourceRange at) {
  if (!isFloating(dtype))
    return constant(convertNumber(Value::ofNumber(number, at), DType::I64, at).integer, dtype, std::move(shape), at);
  mlir::Value result;
  if (emitting())
    result = graph.splat(location(at), irType(dtype, shape), number);
  return Value::ofTensor(dtype, std::move(shape), result, at);
}

Value Elaborator::constant(int64_t number, DType dtype, Shape shape, SourceRange at) {
  if (isFloating(dtype))
    return constant(double(number), dtype, std::move(shape), at);
  mlir::Value result;
  if (emitting())
    result = graph.splat(location(at), irType(dtype, shape), number);
  return Value::ofTensor(dtype, std::move(shape), result, at);
}

Value Elaborator::cast(const Value &value, DType dtype, SourceRange at) {
  if (value.dtype == dtype && !value.soft)
    return value;
  Value result = Value::ofTensor(dtype, value.shape, {}, at);
  result.varies = value.varies && isFloating(dtype);
  if (mlir::Value operand = ir(value))
    result.ir =
        value.dtype == dtype ? operand : graph.create(location(at), "cast", irType(dtype, value.shape), operand);
  return result;
}

Value Elaborator::tensorOf(const Value &value, std::optional<DType> dtype) {
  switch (value.kind) {
  case Value::Tensor:
    return dtype && *dtype != value.dtype ? cast(value, *dtype, value.at) : value;
  case Value::Number: {
    DType own = value.dtypeOr(value.isFloat ? DType::F32 : DType::I64);
    return value.isFloat ? constant(value.number, dtype.value_or(own), {}, value.at)
                         : constant(value.integer, dtype.value_or(own), {}, value.at);
  }
  case Value::SizeOf:
    return constant(value.size.isConstant() ? value.size.constant() : 0, dtype.value_or(DType::I64), {}, value.at);
  case Value::Bool:
    return constant(value.flag, dtype.value_or(DType::Bool), {}, value.at);
  default:
    return poison(value.at);
  }
}

Value Elaborator::reshape(const Value &value, Shape shape, SourceRange at) {
  Value result = Value::ofTensor(value.dtype, std::move(shape), {}, at);
  result.varies = value.varies;
  result.soft = value.soft;
  if (mlir::Value operand = ir(value)) {
    mlir::RankedTensorType type = irType(value.dtype, result.shape);
    result.ir = operand.getType() == type ? operand : graph.create(location(at), "reshape", type, operand);
  }
  return result;
}

Value Elaborator::transpose(const Value &value, const std::vector<int64_t> &permutation, SourceRange at) {
  Shape shape;
  for (int64_t axis : permutation)
    shape.push_back(value.shape[axis]);
  Value result = Value::ofTensor(value.dtype, std::move(shape), {}, at);
  result.varies = value.varies;
  if (mlir::Value operand = ir(value))
    result.ir = graph.create(location(at), "transpose", irType(value.dtype, result.shape), operand,
                             graph.integers("permutation", permutation));
  return result;
}

Value Elaborator::broadcastTo(const Value &value, const Shape &shape, SourceRange at) {
  Value result = Value::ofTensor(value.dtype, shape, {}, at);
  result.varies = value.varies;
  mlir::Value operand = ir(value);
  if (!operand)
    return result;
  result.ir = graph.broadcast(location(at), operand, irType(value.dtype, shape));
  return result;
}

Value Elaborator::unaryOp(std::string_view op, const Value &value, SourceRange at) {
  Value result = Value::ofTensor(value.dtype, value.shape, {}, at);
  result.varies = value.varies;
  result.soft = value.soft;
  if (mlir::Value operand = ir(value))
    result.ir = graph.create(location(at), op, operand.getType(), operand);
  return result;
}

Value Elaborator::binaryOp(std::string_view op, const Value &lhs, const Value &rhs, SourceRange at) {
  Value result = Value::ofTensor(lhs.dtype, lhs.shape, {}, at);
  result.soft = lhs.soft && rhs.soft;
  result.varies = lhs.varies || rhs.varies;
  if (mlir::Value a = ir(lhs))
    result.ir = graph.create(location(at), op, a.getType(), {a, ir(rhs)});
  return result;
}

Value Elaborator::compareOp(std::string_view predicate, const Value &lhs, const Value &rhs, SourceRange at) {
  Value result = Value::ofTensor(DType::Bool, lhs.shape, {}, at);
  if (mlir::Value a = ir(lhs)) {
    auto kind = dl::ComparePredicateAttr::get(&context, *dl::symbolizeComparePredicate(llvm::StringRef(predicate)));
    result.ir = graph.create(location(at), "compare", irType(DType::Bool, lhs.shape), {a, ir(rhs)},
                             graph.attributes().getNamedAttr("predicate", kind));
  }
  return result;
}

Value Elaborator::selectOp(const Value &condition, const Value &onTrue, const Value &onFalse, SourceRange at) {
  Value result = Value::ofTensor(onTrue.dtype, onTrue.shape, {}, at);
  result.varies = onTrue.varies || onFalse.varies;
  if (mlir::Value c = ir(condition))
    result.ir = graph.create(location(at), "select", irType(onTrue.dtype, onTrue.shape), {c, ir(onTrue), ir(onFalse)});
  return result;
}

Value Elaborator::reduceOp(std::string_view kind, const Value &value, const std::vector<int64_t> &axes,
                           SourceRange at) {
  Shape shape;
  for (size_t i = 0; i < value.shape.size(); ++i)
    if (std::find(axes.begin(), axes.end(), int64_t(i)) == axes.end())
      shape.push_back(value.shape[i]);
  Value result = Value::ofTensor(value.dtype, std::move(shape), {}, at);
  result.varies = value.varies;
  if (mlir::Value operand = ir(value)) {
    auto attribute = dl::ReduceKindAttr::get(&context, *dl::symbolizeReduceKind(llvm::StringRef(kind)));
    result.ir = axes.empty()
                    ? operand
                    : graph.create(location(at), "reduce", irType(value.dtype, result.shape), operand,
                                   {graph.attributes().getNamedAttr("kind", attribute), graph.integers("axes", axes)});
  }
  return result;
}

Value Elaborator::contractOp(const std::string &equation, const Value &lhs, const Value &rhs, Shape shape,
                             SourceRange at) {
  Value result = Value::ofTensor(lhs.dtype, std::move(shape), {}, at);
  result.varies = lhs.varies || rhs.varies;
  if (mlir::Value a = ir(lhs))
    result.ir = graph.contract(location(at), equation, a, ir(rhs), irType(lhs.dtype, result.shape));
  return result;
}

Value Elaborator::iotaOp(DType dtype, Shape shape, int64_t axis, SourceRange at) {
  Value result = Value::ofTensor(dtype, std::move(shape), {}, at);
  if (emitting())
    result.ir = graph.create(location(at), "iota", irType(dtype, result.shape), {},
                             graph.attributes().getNamedAttr("axis", graph.attributes().getI64IntegerAttr(axis)));
  return result;
}

Value Elaborator::checkIndex(const Value &value, const Size &limit, const std::string &what, SourceRange at,
                             bool fromEnd) {
  Value result = Value::ofTensor(value.dtype, value.shape, {}, at);
  result.varies = value.varies;
  mlir::Value operand = ir(value);
  if (!operand)
    return result;
  int64_t size = limit.constant();
  fromEnd &= value.dtype != DType::U8;
  result.ir =
      graph.create(location(userPlace(at)), "check_index", operand.getType(), operand,
                   {graph.attributes().getNamedAttr("limit", graph.attributes().getI64IntegerAttr(size)),
                    graph.attributes().getNamedAttr("what", graph.attributes().getStringAttr(what)),
                    graph.attributes().getNamedAttr("low", graph.attributes().getI64IntegerAttr(fromEnd ? -size : 0))});
  if (!fromEnd)
    return result;
  if (size > std::numeric_limits<int32_t>::max())
    result = cast(result, DType::I64, at);
  auto all = [&](int64_t number) { return constant(number, result.dtype, result.shape, at); };
  return selectOp(compareOp("lt", result, all(0), at), binaryOp("add", result, all(size), at), result, at);
}

Value Elaborator::randomOp(std::string_view distribution, Shape shape, SourceRange at) {
  Value result = Value::ofTensor(DType::F32, std::move(shape), {}, at);
  std::string place = draws.next("random");
  ++randomDraws;
  if (!emitting())
    return result;
  std::vector<mlir::Value> loops;
  for (mlir::Value index : loopIndices)
    loops.push_back(graph.use(index));
  result.ir = graph.random(location(at), distribution, place, seedOverride.value_or(0), loops,
                           irType(DType::F32, result.shape));
  return result;
}

} // namespace dlc
