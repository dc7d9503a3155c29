// Building operations of the graph stage. Every function gives the type of its result, and in an instance the operation.
#include "frontend/elaborate/Elaborator.h"

#include "ir/Dialect.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinAttributes.h"

#include <algorithm>

namespace dlc {

mlir::Location Elaborator::location(SourceRange at) const {
  if (!at.valid())
    return mlir::UnknownLoc::get(&context);
  LineColumn place = sources.lineColumn(at.file, at.begin);
  return mlir::FileLineColLoc::get(&context, std::string(sources.name(at.file)), place.line, place.column);
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

/// Creates `dl.<op>` with one result.
static mlir::Value create(mlir::OpBuilder &builder, mlir::Location loc, std::string_view op, mlir::Type type,
                          mlir::ValueRange operands, llvm::ArrayRef<mlir::NamedAttribute> attributes = {}) {
  mlir::OperationState state(loc, "dl." + std::string(op));
  state.addOperands(operands);
  state.addTypes(type);
  state.addAttributes(attributes);
  return builder.create(state)->getResult(0);
}

mlir::Value Elaborator::ir(const Value &value) {
  if (!emitting() || value.kind != Value::Tensor)
    return {};
  if (value.ir)
    return value.ir;
  HostBufferRef host = value.host ? value.host : value.lazy ? value.lazy() : nullptr;
  if (!host) {
    // `compile` runs nothing, so what a statement of the file computes is not known.
    if (executor)
      error(Diag::Internal, value.at, "a tensor without a value");
    else
      error(Diag::NotConstant, value.at, "`" + shortText(value.at) + "`")
          .help("make it an argument of the function, or a `param` of its model");
    return constant(0, value.dtype, value.shape, value.at).ir;
  }
  auto [found, isNew] = frame->hostValues.try_emplace(host.get());
  if (!isNew)
    return found->second;
  mlir::RankedTensorType type = irType(value.dtype, value.shape);
  if (frame->isStatement)
    found->second = frame->entry->addArgument(type, location(value.at));
  else
    found->second = hostConstant(*host, type, location(value.at));
  frame->inputs.push_back(host);
  return found->second;
}

mlir::Value Elaborator::hostConstant(const HostBuffer &host, mlir::RankedTensorType type, mlir::Location loc) {
  const char *bytes = static_cast<const char *>(host.data.get());
  size_t count = size_t(type.getNumElements());
  mlir::DenseElementsAttr value;
  if (type.getElementType().isInteger(1)) {
    llvm::SmallVector<bool> flags(bytes, bytes + count);
    value = mlir::DenseElementsAttr::get(type, flags);
  } else {
    value = mlir::DenseElementsAttr::getFromRawBuffer(type, {bytes, count * (type.getElementTypeBitWidth() / 8)});
  }
  // At the function's beginning, so that regions see it too.
  mlir::OpBuilder::InsertionGuard guard(*builder);
  builder->setInsertionPointToStart(frame->entry);
  return create(*builder, loc, "constant", type, {}, builder->getNamedAttr("value", value));
}

static mlir::NamedAttribute integers(mlir::OpBuilder &builder, const char *name, llvm::ArrayRef<int64_t> values) {
  return builder.getNamedAttr(name, builder.getDenseI64ArrayAttr(values));
}

static mlir::Value splat(mlir::OpBuilder &builder, mlir::Location loc, mlir::RankedTensorType type,
                         mlir::Attribute element) {
  mlir::Attribute value = mlir::DenseElementsAttr::get(type, llvm::ArrayRef<mlir::Attribute>(element));
  return create(builder, loc, "constant", type, {}, builder.getNamedAttr("value", value));
}

Value Elaborator::constant(double number, DType dtype, Shape shape, SourceRange at) {
  if (!isFloating(dtype))
    return constant(convertNumber(Value::ofNumber(number, at), DType::I64, at).integer, dtype, std::move(shape), at);
  mlir::Value result;
  if (emitting()) {
    mlir::RankedTensorType type = irType(dtype, shape);
    result = splat(*builder, location(at), type, builder->getFloatAttr(type.getElementType(), number));
  }
  return Value::ofTensor(dtype, std::move(shape), result, at);
}

Value Elaborator::constant(int64_t number, DType dtype, Shape shape, SourceRange at) {
  if (isFloating(dtype))
    return constant(double(number), dtype, std::move(shape), at);
  mlir::Value result;
  if (emitting()) {
    mlir::RankedTensorType type = irType(dtype, shape);
    llvm::APInt bits(type.getElementTypeBitWidth(), uint64_t(number), false, /*implicitTrunc=*/true);
    result = splat(*builder, location(at), type, mlir::IntegerAttr::get(type.getElementType(), bits));
  }
  return Value::ofTensor(dtype, std::move(shape), result, at);
}

Value Elaborator::cast(const Value &value, DType dtype, SourceRange at) {
  if (value.dtype == dtype && !value.soft)
    return value;
  Value result = Value::ofTensor(dtype, value.shape, {}, at);
  if (mlir::Value operand = ir(value))
    result.ir =
        value.dtype == dtype ? operand : create(*builder, location(at), "cast", irType(dtype, value.shape), operand);
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
  result.soft = value.soft;
  if (mlir::Value operand = ir(value)) {
    mlir::RankedTensorType type = irType(value.dtype, result.shape);
    result.ir = operand.getType() == type ? operand : create(*builder, location(at), "reshape", type, operand);
  }
  return result;
}

Value Elaborator::transpose(const Value &value, const std::vector<int64_t> &permutation, SourceRange at) {
  Shape shape;
  for (int64_t axis : permutation)
    shape.push_back(value.shape[axis]);
  Value result = Value::ofTensor(value.dtype, std::move(shape), {}, at);
  if (mlir::Value operand = ir(value))
    result.ir = create(*builder, location(at), "transpose", irType(value.dtype, result.shape), operand,
                       integers(*builder, "permutation", permutation));
  return result;
}

Value Elaborator::broadcastTo(const Value &value, const Shape &shape, SourceRange at) {
  Value result = Value::ofTensor(value.dtype, shape, {}, at);
  mlir::Value operand = ir(value);
  if (!operand)
    return result;
  mlir::RankedTensorType target = irType(value.dtype, shape);
  if (operand.getType() == target) {
    result.ir = operand;
    return result;
  }
  // Axes of size 1 that grow are taken away first; the others map to the axis that they align with.
  auto source = mlir::cast<mlir::RankedTensorType>(operand.getType());
  llvm::SmallVector<int64_t> kept, axes;
  int64_t offset = target.getRank() - source.getRank();
  for (int64_t i = 0; i < source.getRank(); ++i)
    if (source.getDimSize(i) == target.getDimSize(i + offset)) {
      kept.push_back(source.getDimSize(i));
      axes.push_back(i + offset);
    }
  auto squeezed = mlir::RankedTensorType::get(kept, source.getElementType());
  if (squeezed != source)
    operand = create(*builder, location(at), "reshape", squeezed, operand);
  result.ir = create(*builder, location(at), "broadcast", target, operand, integers(*builder, "axes", axes));
  return result;
}

Value Elaborator::unaryOp(std::string_view op, const Value &value, SourceRange at) {
  Value result = Value::ofTensor(value.dtype, value.shape, {}, at);
  result.soft = value.soft;
  if (mlir::Value operand = ir(value))
    result.ir = create(*builder, location(at), op, operand.getType(), operand);
  return result;
}

Value Elaborator::binaryOp(std::string_view op, const Value &lhs, const Value &rhs, SourceRange at) {
  Value result = Value::ofTensor(lhs.dtype, lhs.shape, {}, at);
  result.soft = lhs.soft && rhs.soft;
  if (mlir::Value a = ir(lhs))
    result.ir = create(*builder, location(at), op, a.getType(), {a, ir(rhs)});
  return result;
}

Value Elaborator::compareOp(std::string_view predicate, const Value &lhs, const Value &rhs, SourceRange at) {
  Value result = Value::ofTensor(DType::Bool, lhs.shape, {}, at);
  if (mlir::Value a = ir(lhs)) {
    auto kind = dl::ComparePredicateAttr::get(&context, *dl::symbolizeComparePredicate(llvm::StringRef(predicate)));
    result.ir = create(*builder, location(at), "compare", irType(DType::Bool, lhs.shape), {a, ir(rhs)},
                       builder->getNamedAttr("predicate", kind));
  }
  return result;
}

Value Elaborator::selectOp(const Value &condition, const Value &onTrue, const Value &onFalse, SourceRange at) {
  Value result = Value::ofTensor(onTrue.dtype, onTrue.shape, {}, at);
  if (mlir::Value c = ir(condition))
    result.ir =
        create(*builder, location(at), "select", irType(onTrue.dtype, onTrue.shape), {c, ir(onTrue), ir(onFalse)});
  return result;
}

Value Elaborator::reduceOp(std::string_view kind, const Value &value, const std::vector<int64_t> &axes,
                           SourceRange at) {
  Shape shape;
  for (size_t i = 0; i < value.shape.size(); ++i)
    if (std::find(axes.begin(), axes.end(), int64_t(i)) == axes.end())
      shape.push_back(value.shape[i]);
  Value result = Value::ofTensor(value.dtype, std::move(shape), {}, at);
  if (mlir::Value operand = ir(value)) {
    auto attribute = dl::ReduceKindAttr::get(&context, *dl::symbolizeReduceKind(llvm::StringRef(kind)));
    result.ir = axes.empty() ? operand
                             : create(*builder, location(at), "reduce", irType(value.dtype, result.shape), operand,
                                      {builder->getNamedAttr("kind", attribute), integers(*builder, "axes", axes)});
  }
  return result;
}

/// Looks through a transposition: its operand, with the letters of the operand's axes.
static mlir::Value throughTranspose(mlir::Value operand, std::string &letters) {
  auto transpose = operand.getDefiningOp<dl::TransposeOp>();
  if (!transpose)
    return operand;
  std::string inside(letters.size(), ' ');
  for (size_t i = 0; i < letters.size(); ++i)
    inside[size_t(transpose.getPermutation()[i])] = letters[i];
  letters = inside;
  return throughTranspose(transpose.getOperand(), letters);
}

Value Elaborator::contractOp(const std::string &equation, const Value &lhs, const Value &rhs, Shape shape,
                             SourceRange at) {
  Value result = Value::ofTensor(lhs.dtype, std::move(shape), {}, at);
  mlir::Value a = ir(lhs);
  if (!a)
    return result;
  // `x @ transpose(w)` is one product: a transposition is another order of letters.
  size_t comma = equation.find(','), arrow = equation.find("->");
  std::string left = equation.substr(0, comma), right = equation.substr(comma + 1, arrow - comma - 1);
  a = throughTranspose(a, left);
  mlir::Value b = throughTranspose(ir(rhs), right);
  std::string direct = left + "," + right + equation.substr(arrow);
  result.ir = create(*builder, location(at), "contract", irType(lhs.dtype, result.shape), {a, b},
                     builder->getNamedAttr("equation", builder->getStringAttr(direct)));
  return result;
}

Value Elaborator::iotaOp(DType dtype, Shape shape, int64_t axis, SourceRange at) {
  Value result = Value::ofTensor(dtype, std::move(shape), {}, at);
  if (emitting())
    result.ir = create(*builder, location(at), "iota", irType(dtype, result.shape), {},
                       builder->getNamedAttr("axis", builder->getI64IntegerAttr(axis)));
  return result;
}

Value Elaborator::checkIndex(const Value &value, const Size &limit, const std::string &what, SourceRange at,
                             bool fromEnd) {
  Value result = Value::ofTensor(value.dtype, value.shape, {}, at);
  mlir::Value operand = ir(value);
  if (!operand)
    return result;
  int64_t size = limit.constant();
  fromEnd &= value.dtype != DType::U8;
  result.ir = create(*builder, location(at), "check_index", operand.getType(), operand,
                     {builder->getNamedAttr("limit", builder->getI64IntegerAttr(size)),
                      builder->getNamedAttr("what", builder->getStringAttr(what)),
                      builder->getNamedAttr("low", builder->getI64IntegerAttr(fromEnd ? -size : 0))});
  if (!fromEnd)
    return result;
  if (size > std::numeric_limits<int32_t>::max())
    result = cast(result, DType::I64, at);
  auto all = [&](int64_t number) { return constant(number, result.dtype, result.shape, at); };
  return selectOp(compareOp("lt", result, all(0), at), binaryOp("add", result, all(size), at), result, at);
}

/// A hash of the call path that stays the same from run to run (FNV-1a).
static int64_t pathHash(const std::string &path) {
  uint64_t hash = 1469598103934665603ull;
  for (unsigned char c : path)
    hash = (hash ^ c) * 1099511628211ull;
  return int64_t(hash & 0x7fffffffffffffffull);
}

Value Elaborator::randomOp(std::string_view distribution, Shape shape, SourceRange at) {
  Value result = Value::ofTensor(DType::F32, std::move(shape), {}, at);
  std::string place = path + "#" + std::to_string(randomCounter++);
  if (!emitting())
    return result;
  if (!frame->seed.isTensor() || !frame->seed.ir)
    frame->seed = constant(seedOverride.value_or(0), DType::I64, {}, at);
  if (!frame->step.isTensor() || !frame->step.ir)
    frame->step = constant(0, DType::I64, {}, at);
  auto kind = dl::DistributionAttr::get(&context, *dl::symbolizeDistribution(llvm::StringRef(distribution)));
  result.ir =
      create(*builder, location(at), "random", irType(DType::F32, result.shape), {frame->seed.ir, frame->step.ir},
             {builder->getNamedAttr("distribution", kind),
              builder->getNamedAttr("path", builder->getI64IntegerAttr(pathHash(place)))});
  return result;
}

std::unique_ptr<Elaborator::FunctionFrame> Elaborator::begin(const std::string &name, SourceRange at) {
  auto made = std::make_unique<FunctionFrame>();
  mlir::Location loc = location(at);
  made->module = mlir::ModuleOp::create(loc);
  builder = std::make_unique<mlir::OpBuilder>(&context);
  builder->setInsertionPointToEnd(made->module->getBody());
  auto function = mlir::func::FuncOp::create(*builder, loc, name, builder->getFunctionType({}, {}));
  made->function = function;
  made->entry = function.addEntryBlock();
  builder->setInsertionPointToEnd(made->entry);
  frame = made.get();
  return made;
}

mlir::OwningOpRef<mlir::ModuleOp> Elaborator::finish(FunctionFrame &finished, const std::vector<mlir::Value> &results) {
  mlir::func::ReturnOp::create(*builder, finished.function->getLoc(), results);
  auto function = mlir::cast<mlir::func::FuncOp>(finished.function);
  llvm::SmallVector<mlir::Type> inputs(finished.entry->getArgumentTypes()), outputs;
  for (mlir::Value result : results)
    outputs.push_back(result.getType());
  function.setType(mlir::FunctionType::get(&context, inputs, outputs));
  return std::move(finished.module);
}

} // namespace dlc
