// The epilogue at a point, and the function around it.
#include "codegen/contract/Epilogue.h"
#include "codegen/kernel/Emitters.h"
#include "ir/Elementary.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace dlc {

/// Operations behind one tile from which on they are a function.
static constexpr int64_t inlineLimit = 320;
/// Bytes of the result from which on what an epilogue reads is asked for before the sum is taken, and of a cache line.
static constexpr int64_t prefetchedBytes = 512 << 10, lineBytes = 64;

static bool isCostly(Operation &op) { return dl::isElementary(&op) || isa<dl::PowOp, dl::Atan2Op, dl::RandomOp>(op); }

bool needsEpilogueFunction(dl::KernelOp kernel, const ContractPlan &plan, const Target &target) {
  if (plan.form == ContractPlan::Dot || plan.blocked)
    return true;
  int64_t size = kernel->getNumOperands();
  for (Operation &op : kernel.getBody().front()) {
    size += isCostly(op) ? 30 : 1;
    // LLVM keeps constants in registers across the inner loop.
    auto constant = dyn_cast<dl::ConstantOp>(op);
    if (constant && !target.avx512 && !matchPattern(constant.getValue(), m_AnyZeroFloat()))
      return true;
  }
  return size * plan.rows.biggest() * plan.columns.biggest() > inlineLimit;
}

Index ContractEpilogue::lanesOf(const ContractColumns &columns, int64_t vector) {
  int64_t lanes = plan.lanes, offset = vector * lanes, size = plan.sizeOf(plan.column);
  if (columns.start.isConstant()) {
    offset += columns.start.constant;
    return points.indices.lanes({}, offset, {offset, std::min(offset + lanes, size) - 1});
  }
  Range range = points.indices.range(columns.start);
  int64_t high = std::min(range.high + offset + lanes, size) - 1;
  return points.indices.lanes(points.materialize(columns.start, 1), offset, {range.low + offset, high});
}

Value ContractEpilogue::maskOf(const ContractColumns &columns, int64_t vector) {
  return points.tailMask(columns.live(vector, plan.lanes), plan.lanes);
}

/// Where in the result the axes of the plan stand at `place`.
SmallVector<Index> ContractEpilogue::resultAt(ArrayRef<Index> place) {
  SmallVector<ContractAxis> axes;
  SmallVector<Index> indices;
  for (auto [axis, index] : llvm::zip_equal(plan.shape.axes, place))
    if (axis.inResult)
      axes.push_back(axis), indices.push_back(index);
  return resultIndices(axes, indices, cast<RankedTensorType>(op.getResult().getType()).getRank(), points.indices);
}

void ContractEpilogue::finish(SmallVector<Index> place, const Index &row, const ContractColumns &columns,
                              int64_t vector, Value sum) {
  if (plan.row)
    place[*plan.row] = row;
  if (plan.column)
    place[*plan.column] = lanesOf(columns, vector);
  LoopNest &nest = points.nest;
  Point point;
  point.indices = resultAt(place);
  point.lanes = plan.lanes;
  point.mask = maskOf(columns, vector);
  if (plan.shape.element.isBF16())
    sum = roundToBf16(nest.place(sum), nest.loc, sum);
  if (!plan.column)
    sum = vector::ExtractOp::create(nest.place(sum), nest.loc, sum, 0);
  points.bind(op.getResult(), point, sum);
  points.storeAll(point);
}

void ContractEpilogue::prefetch(SmallVector<Index> place, int64_t rows, const Index &row,
                                const ContractColumns &columns, ArrayRef<Value> buffers) {
  auto kernel = op->getParentOfType<dl::KernelOp>();
  ValueRange yields = kernel.getBody().front().getTerminator()->getOperands();
  int64_t elementBytes = plan.shape.element.getIntOrFloatBitWidth() / 8, perLine = lineBytes / elementBytes;
  // What lies side by side as the result does; a bias is in the cache.
  auto isLarge = [&](BlockArgument argument) {
    return argument && cast<RankedTensorType>(argument.getType()).getNumElements() == plan.shape.resultSize();
  };
  if (plan.shape.resultSize() * elementBytes < prefetchedBytes ||
      llvm::none_of(op->getBlock()->getArguments(), isLarge))
    return;
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t c = 0; c < columns.count(plan.lanes); c += perLine) {
      if (plan.row)
        place[*plan.row] = row + r;
      place[*plan.column] = columns.start + c;
      Point point;
      point.indices = resultAt(place);
      llvm::SmallDenseSet<unsigned> seen;
      for (Value tensor : yields)
        forEachAccess(kernel, tensor, point, points.indices, llvm::IsaPred<dl::ContractOp>,
                      [&](Value buffer, const Index &address) {
                        auto argument = dyn_cast_or_null<BlockArgument>(buffer);
                        if (isLarge(argument) && seen.insert(argument.getArgNumber()).second)
                          points.prefetch(buffers[argument.getArgNumber()],
                                          cast<RankedTensorType>(argument.getType()).getElementType(), address);
                      });
    }
}

func::FuncOp emitEpilogueFunction(KernelFunction &function, const ContractPlan &plan, int64_t width) {
  OpBuilder &builder = function.builder;
  OpBuilder::InsertionGuard guard(builder);
  auto parent = function.begin.getParentBlock()->getParentOp();
  builder.setInsertionPoint(parent);
  Type pointer = LLVM::LLVMPointerType::get(builder.getContext()), i64 = builder.getI64Type();
  SmallVector<Type> types{pointer, pointer};
  types.append(4 + plan.outer.size(), i64);
  dl::ContractOp op = contractOf(function.kernel);
  std::string name = (cast<func::FuncOp>(parent).getName() + ".epilogue").str();
  auto epilogue = func::FuncOp::create(builder, op.getLoc(), name, builder.getFunctionType(types, {}));
  epilogue.setPrivate();
  epilogue->setAttr("llvm.linkage", LLVM::LinkageAttr::get(builder.getContext(), LLVM::Linkage::Internal));
  Block *entry = epilogue.addEntryBlock();
  builder.setInsertionPointToStart(entry);
  SmallVector<Value> buffers = loadBuffers(builder, op.getLoc(), entry->getArgument(0), function.buffers.size());
  func::ReturnOp::create(builder, op.getLoc());
  builder.setInsertionPoint(&entry->back());

  PointEmitter points(builder, op.getLoc(), function.target, function.kernel, buffers);
  LoopNest &nest = points.nest;
  ContractEpilogue at(points, plan, op);
  int64_t lanes = plan.lanes, height = plan.sizeOf(plan.row), size = plan.sizeOf(plan.column);
  Value sums = entry->getArgument(1), rows = entry->getArgument(3), live = entry->getArgument(5);
  Index row = points.indices.variable(entry->getArgument(2), {0, height - 1});
  Index column = points.indices.variable(entry->getArgument(4), {0, size - 1});
  SmallVector<Index> place(plan.shape.axes.size(), Index::of(0));
  for (auto [i, axis] : llvm::enumerate(plan.outer))
    place[axis] = points.indices.variable(entry->getArgument(6 + i), {0, plan.shape.axes[axis].size - 1});
  Type sumType = plan.shape.element.isF64() ? builder.getF64Type() : builder.getF32Type();

  nest.loop(nest.constant(0), rows, 1, {}, [&](Value step, ValueRange) {
    Index index = points.indices.variable(step, {0, height - 1});
    auto finishAt = [&](const Index &offset, Index lanesHere, int64_t alive) {
      Point all;
      all.lanes = lanes;
      Value sum = points.load(sums, sumType, index * width + lanesHere, all);
      at.finish(place, row + index, {column + offset, 1, alive}, 0, sum);
    };
    if (size >= lanes) {
      Value whole =
          points.materialize(points.indices.floorDiv(points.indices.variable(live, {1, width}), lanes) * lanes, 1);
      nest.loop(nest.constant(0), whole, lanes, {}, [&](Value offset, ValueRange) {
        finishAt(points.indices.variable(offset, {0, width - lanes}), points.indices.lanes(offset, 0, {0, width - 1}),
                 lanes);
        return SmallVector<Value>{};
      });
    }
    if (int64_t tail = size % lanes) {
      // The partial vector is the result's last.
      Index rest = points.indices.variable(live, {1, width}) + -tail;
      Index inTail = points.indices.mod(rest, lanes);
      Value zero = nest.constant(0), remainder = points.materialize(inTail, 1);
      Value isTail =
          arith::CmpIOp::create(nest.place({remainder, zero}), nest.loc, arith::CmpIPredicate::eq, remainder, zero);
      nest.branch(
          isTail, {},
          [&] {
            Value offset = points.materialize(rest, 1);
            finishAt(points.indices.variable(offset, {0, width - 1}), points.indices.lanes(offset, 0, {0, width - 1}),
                     tail);
            return SmallVector<Value>{};
          },
          [] { return SmallVector<Value>{}; });
    }
    return SmallVector<Value>{};
  });
  return epilogue;
}

} // namespace dlc
