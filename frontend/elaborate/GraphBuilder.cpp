// Frames and operations of the graph under construction.
#include "frontend/elaborate/GraphBuilder.h"

#include "ir/Dialect.h"

#include "mlir/IR/BuiltinAttributes.h"

namespace dlc {

//===-- Frames ------------------------------------------------------------------------------------------------------===//

GraphFrame::GraphFrame(GraphBuilder &graph, mlir::Block *block, bool isolated)
    : graph(graph), outer(graph.current), body(block), isolated(isolated) {
  graph.current = this;
}

GraphFrame::~GraphFrame() {
  if (graph.current == this)
    graph.current = outer;
}

mlir::Value GraphFrame::use(mlir::Value value) {
  if (value.getParentBlock() == body || !outer || !outer->body)
    return value;
  mlir::Value outside = outer->use(value);
  if (!isolated)
    return outside;
  auto [found, isNew] = captured.try_emplace(outside);
  if (isNew)
    found->second = body->addArgument(outside.getType(), outside.getLoc());
  return found->second;
}

void GraphFrame::captureAs(llvm::ArrayRef<mlir::Value> values, unsigned first) {
  for (auto [i, value] : llvm::enumerate(values)) {
    mlir::Value argument = body->insertArgument(first + unsigned(i), value.getType(), value.getLoc());
    if (auto found = captured.find(value); found != captured.end())
      found->second.replaceAllUsesWith(argument);
  }
  body->eraseArguments(body->getNumArguments() - captured.size(), captured.size());
  captured.clear();
}

/// An empty function @name at the end of a module.
static mlir::func::FuncOp addFunction(mlir::ModuleOp module, llvm::StringRef name, mlir::Location loc) {
  auto builder = mlir::OpBuilder::atBlockEnd(module.getBody());
  auto function = mlir::func::FuncOp::create(builder, loc, name, builder.getFunctionType({}, {}));
  function.addEntryBlock();
  return function;
}

/// Returns `results`; the function's type follows from its arguments and them.
static void endFunction(mlir::func::FuncOp function, llvm::ArrayRef<mlir::Value> results, mlir::Location loc) {
  mlir::Block &entry = function.getBody().front();
  auto builder = mlir::OpBuilder::atBlockEnd(&entry);
  mlir::func::ReturnOp::create(builder, loc, results);
  function.setType(builder.getFunctionType(entry.getArgumentTypes(), mlir::ValueRange(results).getTypes()));
}

FunctionFrame::FunctionFrame(GraphBuilder &graph, llvm::StringRef name, mlir::Location loc, HostTensors hostTensors)
    : GraphFrame(graph, nullptr, true), hostTensors(hostTensors), module(mlir::ModuleOp::create(loc)),
      outerFunction(graph.currentFunction) {
  made = addFunction(*module, name, loc);
  body = &made.getBody().front();
  graph.currentFunction = this;
}

FunctionFrame::~FunctionFrame() { graph.currentFunction = outerFunction; }

mlir::OwningOpRef<mlir::ModuleOp> FunctionFrame::finish(llvm::ArrayRef<mlir::Value> results) {
  endFunction(made, results, made.getLoc());
  return std::move(module);
}

CalledFrame::CalledFrame(GraphBuilder &graph, llvm::StringRef name, mlir::Location loc)
    : GraphFrame(graph, nullptr, true) {
  made = addFunction(graph.function()->function()->getParentOfType<mlir::ModuleOp>(), name, loc);
  made.setPrivate();
  body = &made.getBody().front();
}

void CalledFrame::finish(llvm::ArrayRef<mlir::Value> results, mlir::Location loc) { endFunction(made, results, loc); }

void CalledFrame::updateType() {
  mlir::Block &entry = made.getBody().front();
  made.setType(
      mlir::FunctionType::get(made.getContext(), entry.getArgumentTypes(), entry.getTerminator()->getOperandTypes()));
}

RegionFrame::~RegionFrame() {
  if (owned)
    owned->dropAllReferences();
}

void RegionFrame::yield(llvm::ArrayRef<mlir::Value> results, mlir::Location loc) {
  dl::YieldOp::create(graph.here(), loc, results);
}

void GraphFrame::reopen() {
  assert(graph.current == outer);
  graph.current = this;
}

void GraphFrame::close() {
  assert(graph.current == this);
  graph.current = outer;
}

void RegionFrame::moveTo(mlir::Region &region) { region.push_back(owned.release()); }

NoFrame::NoFrame(GraphBuilder &graph)
    : GraphFrame(graph, nullptr, true), suspended(std::exchange(graph.currentFunction, nullptr)) {}

NoFrame::~NoFrame() { graph.currentFunction = suspended; }

//===-- Operations --------------------------------------------------------------------------------------------------===//

mlir::OpBuilder &GraphBuilder::here() {
  builder.setInsertionPointToEnd(current->body);
  return builder;
}

static mlir::Value hostConstant(mlir::OpBuilder &builder, const HostBuffer &host, mlir::RankedTensorType type,
                                mlir::Location loc) {
  const char *bytes = static_cast<const char *>(host.data.get());
  size_t count = size_t(type.getNumElements());
  mlir::DenseElementsAttr value;
  if (type.getElementType().isInteger(1)) {
    llvm::SmallVector<bool> flags(bytes, bytes + count);
    value = mlir::DenseElementsAttr::get(type, flags);
  } else {
    value = mlir::DenseElementsAttr::getFromRawBuffer(type, {bytes, count * (type.getElementTypeBitWidth() / 8)});
  }
  return dl::ConstantOp::create(builder, loc, type, value);
}

mlir::Value GraphBuilder::hostTensor(const HostBufferRef &host, mlir::RankedTensorType type, mlir::Location loc) {
  FunctionFrame &function = *currentFunction;
  auto [found, isNew] = function.hostValues.try_emplace(host.get());
  if (isNew) {
    if (function.hostTensors == FunctionFrame::Inputs) {
      found->second = function.addArgument(type, loc);
    } else {
      // At the function's beginning, so that every region sees it.
      builder.setInsertionPointToStart(function.body);
      found->second = hostConstant(builder, *host, type, loc);
    }
    function.inputs.push_back(host);
  }
  return use(found->second);
}

mlir::Value GraphBuilder::create(mlir::Location loc, std::string_view op, mlir::Type type, mlir::ValueRange operands,
                                 llvm::ArrayRef<mlir::NamedAttribute> attributes) {
  mlir::OperationState state(loc, "dl." + std::string(op));
  state.addOperands(operands);
  state.addTypes(type);
  state.addAttributes(attributes);
  return here().create(state)->getResult(0);
}

static mlir::Value splatOf(GraphBuilder &graph, mlir::Location loc, mlir::RankedTensorType type,
                           mlir::Attribute element) {
  mlir::Attribute value = mlir::DenseElementsAttr::get(type, llvm::ArrayRef<mlir::Attribute>(element));
  return graph.create(loc, "constant", type, {}, graph.attributes().getNamedAttr("value", value));
}

mlir::Value GraphBuilder::splat(mlir::Location loc, mlir::RankedTensorType type, double number) {
  return splatOf(*this, loc, type, builder.getFloatAttr(type.getElementType(), number));
}

mlir::Value GraphBuilder::splat(mlir::Location loc, mlir::RankedTensorType type, int64_t number) {
  llvm::APInt bits(type.getElementTypeBitWidth(), uint64_t(number), false, /*implicitTrunc=*/true);
  return splatOf(*this, loc, type, mlir::IntegerAttr::get(type.getElementType(), bits));
}

mlir::Value GraphBuilder::zeros(mlir::Location loc, mlir::RankedTensorType type) {
  return splatOf(*this, loc, type, builder.getZeroAttr(type.getElementType()));
}

mlir::Value GraphBuilder::broadcast(mlir::Location loc, mlir::Value operand, mlir::RankedTensorType type) {
  if (operand.getType() == type)
    return operand;
  // Axes of size 1 that grow are taken away first; the others map to the axis that they align with.
  auto source = mlir::cast<mlir::RankedTensorType>(operand.getType());
  llvm::SmallVector<int64_t> kept, axes;
  int64_t offset = type.getRank() - source.getRank();
  for (int64_t i = 0; i < source.getRank(); ++i)
    if (source.getDimSize(i) == type.getDimSize(i + offset)) {
      kept.push_back(source.getDimSize(i));
      axes.push_back(i + offset);
    }
  auto squeezed = mlir::RankedTensorType::get(kept, source.getElementType());
  if (squeezed != source)
    operand = create(loc, "reshape", squeezed, operand);
  return create(loc, "broadcast", type, operand, integers("axes", axes));
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

mlir::Value GraphBuilder::contract(mlir::Location loc, llvm::StringRef equation, mlir::Value lhs, mlir::Value rhs,
                                   mlir::RankedTensorType type) {
  auto [operands, result] = equation.split("->");
  auto [first, second] = operands.split(',');
  std::string left = first.str(), right = second.str();
  mlir::Value a = throughTranspose(lhs, left), b = throughTranspose(rhs, right);
  std::string direct = left + "," + right + "->" + result.str();
  return create(loc, "contract", type, {a, b}, builder.getNamedAttr("equation", builder.getStringAttr(direct)));
}

/// A hash of a place that stays the same from run to run (FNV-1a).
static int64_t placeHash(const std::string &place) {
  uint64_t hash = 1469598103934665603ull;
  for (unsigned char c : place)
    hash = (hash ^ c) * 1099511628211ull;
  return int64_t(hash & 0x7fffffffffffffffull);
}

mlir::Value GraphBuilder::random(mlir::Location loc, std::string_view distribution, const std::string &place,
                                 int64_t seed, mlir::ValueRange loops, mlir::RankedTensorType type) {
  FunctionFrame &function = *currentFunction;
  auto scalar = mlir::RankedTensorType::get({}, builder.getI64Type());
  auto constant = [&](int64_t number) -> mlir::Value {
    builder.setInsertionPointToStart(function.body);
    return dl::ConstantOp::create(builder, loc, scalar, mlir::DenseElementsAttr::get(scalar, number));
  };
  if (!function.seed)
    function.seed = constant(seed);
  if (!function.step)
    function.step = constant(0);
  llvm::SmallVector<mlir::Value> operands = {use(function.seed), use(function.step)};
  operands.append(loops.begin(), loops.end());
  auto kind =
      dl::DistributionAttr::get(builder.getContext(), *dl::symbolizeDistribution(llvm::StringRef(distribution)));
  return create(loc, "random", type, operands,
                {builder.getNamedAttr("distribution", kind),
                 builder.getNamedAttr("path", builder.getI64IntegerAttr(placeHash(place)))});
}

} // namespace dlc
