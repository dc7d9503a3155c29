// The pull: from a tensor at a point to its operands at theirs, with everything emitted so far remembered.
#include "codegen/kernel/PointEmitter.h"
#include "codegen/kernel/Emitters.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace dlc {

LogicalResult verifyPointwise(dl::KernelOp kernel) {
  for (Operation &op : kernel.getBody().front()) {
    if (op.hasTrait<dl::Movement>() || isa<dl::GatherOp, dl::DynamicSliceOp, dl::RandomOp, dl::YieldOp>(op))
      continue;
    if (op.hasTrait<dl::Pointwise>() && !isa<dl::CheckIndexOp, dl::CheckOp>(op))
      continue;
    if (dl::isReduction(&op) || isa<dl::ContractOp>(op))
      continue;
    return op.emitOpError("cannot be part of a kernel of kind `") << stringifyKernelKind(kernel.getKind()) << "`";
  }
  return success();
}

PointEmitter::PointEmitter(OpBuilder &builder, Location loc, const Target &target, dl::KernelOp kernel,
                           ArrayRef<Value> buffers)
    : nest(builder, loc), target(target), kernel(kernel), buffers(buffers) {}

static std::vector<int64_t> keyOf(Value tensor, const Point &point) {
  std::vector<int64_t> key{reinterpret_cast<int64_t>(tensor.getAsOpaquePointer()), point.lanes,
                           reinterpret_cast<int64_t>(point.mask.getAsOpaquePointer())};
  for (const Index &index : point.indices)
    index.appendKey(key);
  return key;
}

Value PointEmitter::recall(const std::vector<int64_t> &key) {
  auto known = memo.find(key);
  return known != memo.end() && nest.isOpen(known->second.depth, known->second.serial) ? known->second.value : Value();
}

void PointEmitter::remember(std::vector<int64_t> key, Value value) {
  unsigned depth = nest.depthOf(value);
  memo[std::move(key)] = {value, depth, nest.serial(depth)};
}

void PointEmitter::bind(Value tensor, const Point &point, Value value) {
  remember(keyOf(tensor, point.at(point.indices)), value);
}

Value PointEmitter::at(Value tensor, const Point &given) {
  Point point = given.at(given.indices);
  std::vector<int64_t> key = keyOf(tensor, point);
  if (Value known = recall(key))
    return known;
  Value value = emit(tensor, point);
  remember(std::move(key), value);
  return value;
}

Value PointEmitter::emit(Value tensor, const Point &point) {
  auto type = cast<RankedTensorType>(tensor.getType());
  if (auto argument = dyn_cast<BlockArgument>(tensor)) {
    Value buffer = kernel.getIns()[argument.getArgNumber()];
    return emitLoad(buffers[argument.getArgNumber()], type.getElementType(), addressOf(buffer, point.indices), point,
                    /*fixed=*/true);
  }
  Operation *op = tensor.getDefiningOp();
  if (auto constant = dyn_cast<dl::ConstantOp>(op))
    return emitConstant(constant, point);
  if (auto iota = dyn_cast<dl::IotaOp>(op)) {
    Value index = materialize(point.indices[iota.getAxis()], point.lanes);
    return convertElements(nest.place(index), nest.loc, index, getElementTypeOrSelf(index.getType()),
                           type.getElementType());
  }
  if (auto gather = dyn_cast<dl::GatherOp>(op))
    return emitGather(gather, point);
  if (auto slice = dyn_cast<dl::DynamicSliceOp>(op))
    return at(slice.getOperand(), point.at(movedBy(slice.getStarts(), slice.getAxes(), slice.getOperand(),
                                                   slice.getResult(), point.indices)));
  if (auto random = dyn_cast<dl::RandomOp>(op))
    return emitRandom(*this, random, point);
  if (op->hasTrait<dl::Movement>())
    return emitSources(op, sourcesOf(op, point.indices, indices), point);

  SmallVector<Value> operands;
  bool varies = false;
  for (Value operand : op->getOperands()) {
    operands.push_back(at(operand, point));
    varies |= isa<VectorType>(operands.back().getType());
  }
  if (varies)
    for (Value &operand : operands)
      operand = splat(operand, point.lanes);
  return emitPointwise(nest.place(operands), op, operands);
}

/// A chain of choices among the sources; zero when none holds. Conditions that do not vary become branches, so that
/// only one side is computed; the others mask the lanes.
Value PointEmitter::emitSources(Operation *op, ArrayRef<Source> sources, const Point &point) {
  auto element = cast<RankedTensorType>(op->getResult(0).getType()).getElementType();
  Type scalar = registerType(element);
  if (sources.empty()) {
    OpBuilder &builder = nest.place({});
    return arith::ConstantOp::create(builder, nest.loc, builder.getZeroAttr(scalar));
  }
  const Source &source = sources.front();
  Value uniform, varying;
  for (const Condition &condition : source.conditions) {
    Value holds = emitCondition(condition, point.lanes);
    Value &all = isa<VectorType>(holds.getType()) ? varying : uniform;
    all = all ? arith::AndIOp::create(nest.place({all, holds}), nest.loc, all, holds) : holds;
  }
  bool last = isa<dl::ConcatOp>(op) && sources.size() == 1;
  auto otherwise = [&] { return emitSources(op, sources.drop_front(), point); };
  auto taken = [&]() -> Value {
    if (!varying)
      return at(op->getOperand(source.operand), point.at(source.indices));
    Point inner = point;
    inner.mask = point.mask
                     ? Value(arith::AndIOp::create(nest.place({point.mask, varying}), nest.loc, point.mask, varying))
                     : varying;
    Value value = splat(at(op->getOperand(source.operand), inner.at(source.indices)), point.lanes);
    if (last)
      return value;
    Value other = splat(otherwise(), point.lanes);
    return arith::SelectOp::create(nest.place({varying, value, other}), nest.loc, varying, value, other);
  };
  if (!uniform || last)
    return taken();
  Type type = point.varies() ? VectorType::get(point.lanes, scalar) : scalar;
  auto shaped = [&](Value value) -> SmallVector<Value> { return {point.varies() ? splat(value, point.lanes) : value}; };
  return nest.branch(uniform, type, [&] { return shaped(taken()); }, [&] { return shaped(otherwise()); })[0];
}

Value PointEmitter::emitCondition(const Condition &condition, int64_t lanes) {
  std::vector<int64_t> key{-1, lanes, condition.low, condition.high};
  condition.index.appendKey(key);
  if (Value known = recall(key))
    return known;
  // low <= i < high is one unsigned comparison of i - low.
  Value relative = materialize(condition.index + -condition.low, lanes);
  OpBuilder &builder = nest.place(relative);
  auto extent = builder.getIntegerAttr(getElementTypeOrSelf(relative.getType()), condition.high - condition.low);
  Value bound = arith::ConstantOp::create(builder, nest.loc, splatAttr(relative.getType(), extent));
  Value holds = arith::CmpIOp::create(builder, nest.loc, arith::CmpIPredicate::ult, relative, bound);
  remember(std::move(key), holds);
  return holds;
}

Value PointEmitter::emitGather(dl::GatherOp op, const Point &point) {
  auto operandShape = cast<RankedTensorType>(op.getOperand().getType()).getShape();
  auto indicesType = cast<RankedTensorType>(op.getIndices().getType());
  size_t axis = op.getAxis(), rank = indicesType.getRank();
  ArrayRef<Index> all(point.indices);
  Value index = at(op.getIndices(), point.at(all.slice(axis, rank)));
  bool varies = isa<VectorType>(index.getType());
  bool isUnsigned = indicesType.getElementType().isUnsignedInteger();
  unsigned width = getElementTypeOrSelf(index.getType()).getIntOrFloatBitWidth(), wanted = varies ? 32 : 64;
  if (width < wanted) {
    OpBuilder &builder = nest.place(index);
    Type wide = withElement(index.getType(), builder.getIntegerType(wanted));
    index = isUnsigned ? Value(arith::ExtUIOp::create(builder, nest.loc, wide, index))
                       : Value(arith::ExtSIOp::create(builder, nest.loc, wide, index));
  }
  SmallVector<Index> moved(all.take_front(axis));
  moved.push_back(indices.variable(index, {0, operandShape[axis] - 1}, varies));
  moved.append(all.drop_front(axis + rank).begin(), all.end());
  return at(op.getOperand(), point.at(moved));
}

Value PointEmitter::pathOf(dl::RandomOp op) {
  std::vector<int64_t> key = keyOf(op.getResult(), Point());
  if (Value known = recall(key))
    return known;
  int32_t number = 0;
  for (auto random : kernel.getBody().front().getOps<dl::RandomOp>()) {
    if (random == op)
      break;
    ++number;
  }
  Value numbers = buffers[kernel->getNumOperands()];
  OpBuilder &builder = nest.place(numbers);
  Type i64 = builder.getI64Type();
  Value place = LLVM::GEPOp::create(builder, nest.loc, numbers.getType(), i64, numbers, ArrayRef<LLVM::GEPArg>{number},
                                    LLVM::GEPNoWrapFlags::inbounds);
  Value path = LLVM::LoadOp::create(nest.place(place), nest.loc, i64, place, 8);
  remember(std::move(key), path);
  return path;
}

SmallVector<Index> PointEmitter::movedBy(ValueRange starts, ArrayRef<int64_t> axes, Value whole, Value part,
                                         ArrayRef<Index> point) {
  SmallVector<Index> moved(point);
  auto shape = cast<RankedTensorType>(whole.getType()).getShape(),
       sizes = cast<RankedTensorType>(part.getType()).getShape();
  for (auto [start, axis] : llvm::zip_equal(starts, axes)) {
    int64_t most = shape[axis] - sizes[axis];
    if (most > 0)
      moved[axis] = moved[axis] + indices.variable(at(start, Point()), {0, most});
  }
  return moved;
}

void PointEmitter::storeAll(const Point &point) {
  SmallVector<Value> values;
  for (Value yielded : kernel.getBody().front().getTerminator()->getOperands())
    values.push_back(at(yielded, point));
  for (auto [out, value] : llvm::enumerate(values))
    store(out, point, value);
}

void forEachAccess(dl::KernelOp kernel, Value tensor, const Point &point, IndexContext &indices,
                   llvm::function_ref<bool(Operation *)> isLeaf, llvm::function_ref<void(Value, const Index &)> visit) {
  std::map<std::vector<int64_t>, Index> loaded;
  auto walk = [&](auto &self, Value tensor, const Point &point) -> void {
    if (!loaded.insert({keyOf(tensor, point), {}}).second)
      return;
    if (auto argument = dyn_cast<BlockArgument>(tensor))
      return visit(tensor, addressIn(kernel.getIns()[argument.getArgNumber()].getType(), point.indices));
    Operation *op = tensor.getDefiningOp();
    if (isLeaf(op) || isa<dl::IotaOp, dl::RandomOp>(op))
      return;
    if (auto constant = dyn_cast<dl::ConstantOp>(op)) {
      if (!constant.getValue().isSplat())
        visit(tensor, indices.linearize(point.indices, cast<RankedTensorType>(tensor.getType()).getShape()));
      return;
    }
    if (auto gather = dyn_cast<dl::GatherOp>(op)) {
      size_t axis = gather.getAxis(), rank = cast<RankedTensorType>(gather.getIndices().getType()).getRank();
      ArrayRef<Index> all(point.indices);
      Point place = point.at(all.slice(axis, rank));
      self(self, gather.getIndices(), place);
      Index &index = loaded[keyOf(gather.getResult(), place)];
      int64_t size = cast<RankedTensorType>(gather.getOperand().getType()).getDimSize(axis);
      if (index.terms.empty())
        index = indices.variable({}, {0, std::max<int64_t>(size - 1, 1)}, place.varies());
      SmallVector<Index> moved(all.take_front(axis));
      moved.push_back(index);
      moved.append(all.drop_front(axis + rank).begin(), all.end());
      return self(self, gather.getOperand(), point.at(moved));
    }
    if (auto slice = dyn_cast<dl::DynamicSliceOp>(op)) {
      SmallVector<Index> moved(point.indices);
      auto shape = cast<RankedTensorType>(slice.getOperand().getType()).getShape();
      for (auto [value, axis] : llvm::zip_equal(slice.getStarts(), slice.getAxes())) {
        self(self, value, Point());
        Index &start = loaded[keyOf(value, Point())];
        if (start.terms.empty())
          start = indices.variable({}, {0, std::max<int64_t>(shape[axis] - 1, 1)});
        moved[axis] = moved[axis] + start;
      }
      return self(self, slice.getOperand(), point.at(moved));
    }
    if (op->hasTrait<dl::Movement>()) {
      for (const Source &source : sourcesOf(op, point.indices, indices)) {
        for (const Condition &condition : source.conditions)
          if (condition.index.varies())
            visit({}, condition.index);
        self(self, op->getOperand(source.operand), point.at(source.indices));
      }
      return;
    }
    for (Value operand : op->getOperands())
      self(self, operand, point);
  };
  walk(walk, tensor, point.at(point.indices));
}

} // namespace dlc
