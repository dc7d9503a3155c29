// Kernels, layouts and buffers: the edges of a kernel, what each kind of kernel may hold, buffers inside their blocks.
#include "ir/KernelRole.h"
#include "ir/Verify.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace dlc::dl {

LogicalResult LayoutAttr::verify(function_ref<InFlightDiagnostic()> emitError, ArrayRef<int64_t> order, int64_t row) {
  if (order.empty())
    return emitError() << "layout orders no axes, expected at least one";
  SmallVector<int64_t> sorted(order);
  llvm::sort(sorted);
  if (sorted != llvm::to_vector(llvm::seq<int64_t>(0, order.size())))
    return emitError() << "layout has the order " << listText(order) << ", expected each of the " << order.size()
                       << " axes once";
  if (row < 0)
    return emitError() << "layout has rows of " << row << " elements, expected at least 0";
  return success();
}

LogicalResult LayoutAttr::verifyEncoding(ArrayRef<int64_t> shape, Type,
                                         function_ref<InFlightDiagnostic()> emitError) const {
  if (getOrder().size() != shape.size())
    return emitError() << "layout orders " << getOrder().size() << " axes, expected " << shape.size()
                       << ", the tensor's rank";
  int64_t innermost = shape[getOrder().back()];
  if (getRow() < innermost)
    return emitError() << "layout has rows of " << getRow() << " elements, expected at least " << innermost
                       << ", the size of the innermost axis " << getOrder().back();
  return success();
}

/// The tensor without layout that a kernel's body sees of a tensor or memref; null for anything else.
static RankedTensorType bodyType(Type edge) {
  auto shaped = dyn_cast<ShapedType>(edge);
  if (!shaped || !isa<RankedTensorType, MemRefType>(edge) || !shaped.hasStaticShape())
    return {};
  return RankedTensorType::get(shaped.getShape(), shaped.getElementType());
}

/// Fails unless there is one body value for each edge, of the edge's shape and element type.
static LogicalResult verifyEdge(KernelOp op, StringRef what, TypeRange body, StringRef edgeName, TypeRange edge) {
  if (body.size() != edge.size())
    return op.emitOpError() << "has " << body.size() << " " << what << ", expected " << edge.size()
                            << ", one for each of its " << edgeName;
  for (auto [i, type] : llvm::enumerate(body)) {
    RankedTensorType expected = bodyType(edge[i]);
    if (!expected)
      return op.emitOpError() << "has " << edge[i] << " as number " << i << " of its " << edgeName
                              << ", expected a tensor or memref of static shape";
    if (type != expected)
      return op.emitOpError() << "has " << type << " as number " << i << " of the " << what << ", expected " << expected
                              << ", what " << edge[i] << " holds";
  }
  return success();
}

/// Stage fused: tensors to tensors. Stage planned: memrefs to memrefs.
static LogicalResult verifyStageOf(KernelOp op) {
  auto isMemref = [](Type type) { return isa<MemRefType>(type); };
  TypeRange ins = op.getIns().getTypes(), outs = op.getOuts().getTypes();
  bool planned = !outs.empty() || (op.getNumResults() == 0 && llvm::any_of(ins, isMemref));
  if (!planned && llvm::none_of(ins, isMemref))
    return success();
  if (planned && op.getNumResults() == 0 && llvm::all_of(ins, isMemref) && llvm::all_of(outs, isMemref))
    return success();
  return op.emitOpError()
         << "mixes stages, expected tensors with results and no outs, or memrefs with outs and no results";
}

/// The body must hold one operation whose role this kind is, of block arguments, and the scratch memory that it needs.
static LogicalResult verifyAlone(KernelOp op) {
  Block &block = op.getBody().front();
  Operation &inner = block.front(), *next = inner.getNextNode(), *end = block.getTerminator();
  KernelRole role = kernelRole(&inner);
  bool isArguments = llvm::all_of(inner.getOperands(), [](Value value) { return isa<BlockArgument>(value); });
  bool isOf = role.isAlone && role.kind == op.getKind() && isArguments;
  RankedTensorType scratch = isOf ? scratchType(&inner) : RankedTensorType();
  if (scratch && isa<ScratchOp>(next)) {
    ValueRange yielded = end->getOperands();
    Value memory = next->getResult(0);
    if (memory.getType() != scratch || yielded.empty() || yielded.back() != memory)
      return op.emitOpError() << "works in " << memory.getType() << ", expected " << scratch
                              << ", the last value that it yields";
    next = next->getNextNode();
  } else if (scratch) {
    return op.emitOpError() << "of kind `" << stringifyKernelKind(op.getKind())
                            << "` expected a `dl.scratch` behind its operation";
  }
  if (isOf && next == end)
    return success();
  return op.emitOpError() << "of kind `" << stringifyKernelKind(op.getKind())
                          << "` expected the one operation of that kind, of block arguments, and nothing else";
}

/// Fails for an operation that no kernel of this kind holds.
static LogicalResult rejects(KernelOp op, Operation &inner) {
  return op.emitOpError() << "of kind `" << stringifyKernelKind(op.getKind()) << "` cannot hold `"
                          << inner.getName().getStringRef() << "`";
}

static bool isPointOrMovement(Operation &op) {
  return (op.hasTrait<Pointwise>() || op.hasTrait<Movement>()) && !isa<CheckIndexOp, CheckOp>(op);
}

static LogicalResult verifyMap(KernelOp op) {
  Operation *first = nullptr;
  auto cutOf = [](Operation *inner) -> std::optional<std::pair<int64_t, int64_t>> {
    auto parts = dyn_cast<ReducePartsOp>(inner);
    return parts ? std::optional(std::pair<int64_t, int64_t>(parts.getAxis(), parts.getChunk())) : std::nullopt;
  };
  for (Operation &inner : op.getBody().front().without_terminator()) {
    if (isReduction(&inner)) {
      if (first &&
          (reducedAxes(&inner) != reducedAxes(first) || shapeOf(inner.getOperand(0)) != shapeOf(first->getOperand(0))))
        return op.emitOpError() << "reduces axes " << listText(reducedAxes(&inner)) << " of "
                                << listText(shapeOf(inner.getOperand(0))) << " and axes "
                                << listText(reducedAxes(first)) << " of " << listText(shapeOf(first->getOperand(0)))
                                << ", expected the same axes of one space";
      if (first && cutOf(&inner) != cutOf(first))
        return op.emitOpError() << "joins in other parts than another reduction of its body, expected the same";
      first = first ? first : &inner;
    } else if (!isPointOrMovement(inner) && !isa<GatherOp, DynamicSliceOp, RandomOp>(inner)) {
      return rejects(op, inner);
    }
  }
  return success();
}

static LogicalResult verifyContract(KernelOp op) {
  int64_t count = 0;
  for (Operation &inner : op.getBody().front().without_terminator()) {
    if (isa<ContractOp>(inner))
      ++count;
    else if (!isPointOrMovement(inner) && !isa<RandomOp>(inner))
      return rejects(op, inner);
  }
  if (count != 1)
    return op.emitOpError() << "of kind `contract` holds " << count << " `dl.contract`, expected exactly one";
  return success();
}

static LogicalResult verifyKind(KernelOp op) {
  switch (op.getKind()) {
  case KernelKind::map:
    return verifyMap(op);
  case KernelKind::contract:
    return verifyContract(op);
  default:
    return verifyAlone(op);
  }
}

LogicalResult KernelOp::verify() {
  Block &block = getBody().front();
  auto yield = dyn_cast<YieldOp>(block.getTerminator());
  if (!yield)
    return emitOpError() << "has a body that ends with `" << block.getTerminator()->getName().getStringRef()
                         << "`, expected `dl.yield`";
  if (failed(verifyStageOf(*this)) ||
      failed(verifyEdge(*this, "block arguments", block.getArgumentTypes(), "ins", getIns().getTypes())))
    return failure();
  bool planned = getNumResults() == 0;
  TypeRange written = planned ? TypeRange(getOuts().getTypes()) : TypeRange(getResultTypes());
  if (failed(verifyEdge(*this, "yielded values", yield.getOperandTypes(), planned ? "outs" : "results", written)))
    return failure();
  return verifyKind(*this);
}

/// The number of bytes from a buffer's first element to behind its last one, saturated; strides are in elements.
static uint64_t extentInBytes(MemRefType type, ArrayRef<int64_t> strides, uint64_t elementBytes) {
  uint64_t last = 0;
  for (auto [size, stride] : llvm::zip_equal(type.getShape(), strides)) {
    if (size == 0)
      return 0;
    last = llvm::SaturatingMultiplyAdd<uint64_t>(size - 1, stride, last);
  }
  return llvm::SaturatingMultiply<uint64_t>(llvm::SaturatingAdd<uint64_t>(last, 1), elementBytes);
}

LogicalResult BufferOp::verify() {
  auto block = cast<MemRefType>(getBlock().getType()), type = cast<MemRefType>(getType());
  if (block.getRank() != 1 || !block.getElementType().isInteger(8) || !block.hasStaticShape())
    return emitOpError() << "block is " << block << ", expected bytes of known number as `memref<4096xi8>`";
  SmallVector<int64_t> strides;
  int64_t start = 0;
  bool known = type.hasStaticShape() && succeeded(type.getStridesAndOffset(strides, start)) && start == 0 &&
               llvm::none_of(strides, [](int64_t stride) { return ShapedType::isDynamic(stride) || stride < 0; });
  if (!known || !type.getElementType().isIntOrFloat())
    return emitOpError() << "result is " << type << ", expected numbers of static shape, strides and offset 0";
  int64_t offset = getOffset(), room = block.getDimSize(0);
  int64_t elementBytes = llvm::divideCeil(type.getElementTypeBitWidth(), 8);
  uint64_t bytes = extentInBytes(type, strides, elementBytes);
  if (offset < 0 || offset % elementBytes != 0)
    return emitOpError() << "offset is " << offset << ", expected a multiple of " << elementBytes
                         << ", the bytes of an element";
  if (offset > room || bytes > uint64_t(room - offset))
    return emitOpError() << "buffer of " << bytes << " bytes at " << offset << " passes the end of its block of "
                         << room << " bytes";
  return success();
}

} // namespace dlc::dl
