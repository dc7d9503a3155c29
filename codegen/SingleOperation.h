// What the emitters of kernels that hold one operation share.
#pragma once

#include "codegen/KernelEmitter.h"
#include "codegen/kernel/Arithmetic.h"
#include "codegen/kernel/PointEmitter.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

namespace dlc {

inline mlir::RankedTensorType typeOf(mlir::Value tensor) {
  return mlir::cast<mlir::RankedTensorType>(tensor.getType());
}

/// The one operation of a kernel's body, of the type that its kind asks for, with operands that are block arguments.
template <class Op> llvm::FailureOr<Op> onlyOperation(dl::KernelOp kernel) {
  mlir::Block &body = kernel.getBody().front();
  auto isArgument = [](mlir::Value value) { return llvm::isa<mlir::BlockArgument>(value); };
  auto op = llvm::dyn_cast<Op>(body.front());
  mlir::Operation *next = body.front().getNextNode();
  if (next && llvm::isa<dl::ScratchOp>(next))
    next = next->getNextNode();
  if (!op || !llvm::all_of(op->getOperands(), isArgument) || next != body.getTerminator())
    return kernel.emitOpError("of kind `") << stringifyKernelKind(kernel.getKind()) << "` must hold one `"
                                           << Op::getOperationName() << "` of block arguments";
  return op;
}

/// Arithmetic in the innermost scope, where each operation goes whatever its operands are.
struct Innermost {
  LoopNest &nest;

  using Value = mlir::Value;
  Arithmetic here() const { return {nest.here(), nest.loc}; }
  Value addi(Value a, Value b) const { return here().addi(a, b); }
  Value addi(Value a, int64_t b) const { return here().addi(a, b); }
  Value subi(Value a, Value b) const { return here().subi(a, b); }
  Value muli(Value a, Value b) const { return here().muli(a, b); }
  Value divi(Value a, Value b) const { return mlir::arith::DivUIOp::create(nest.here(), nest.loc, a, b); }
  Value least(Value a, Value b) const { return mlir::arith::MinSIOp::create(nest.here(), nest.loc, a, b); }
  Value less(Value a, Value b) const { return compare(mlir::arith::CmpIPredicate::slt, a, b); }
  Value compare(mlir::arith::CmpIPredicate predicate, Value a, Value b) const {
    return mlir::arith::CmpIOp::create(nest.here(), nest.loc, predicate, a, b);
  }
  Value equals(Value a, int64_t b) const { return here().equals(a, b); }
  Value both(Value a, Value b) const { return here().both(a, b); }
  Value either(Value a, Value b) const { return here().either(a, b); }
  Value invert(Value a) const { return here().invert(a); }
  Value select(Value condition, Value a, Value b) const { return here().select(condition, a, b); }
  /// An element of an array, at `address`.
  Value load(mlir::Type type, Value address) const {
    return mlir::LLVM::LoadOp::create(nest.here(), nest.loc, type, address);
  }
  void store(Value value, Value address) const { mlir::LLVM::StoreOp::create(nest.here(), nest.loc, value, address); }
  Value element(Value array, mlir::Type type, Value index) const {
    return mlir::LLVM::GEPOp::create(nest.here(), nest.loc, array.getType(), type, array, mlir::ValueRange{index},
                                     mlir::LLVM::GEPNoWrapFlags::inbounds);
  }
};

/// The vectors along an axis of a task: full ones in a loop, the last one under a mask.
struct LaneLoop {
  PointEmitter &points;
  int64_t extent, lanes;

  void run(llvm::function_ref<void(const Index &lane, mlir::Value mask)> body) {
    LoopNest &nest = points.nest;
    int64_t full = extent - extent % lanes;
    nest.loop(nest.constant(0), nest.constant(full), lanes, {},
              [&](mlir::Value at, mlir::ValueRange) -> llvm::SmallVector<mlir::Value> {
                body(points.indices.lanes(full == lanes ? mlir::Value() : at, 0, {0, extent - 1}), {});
                return {};
              });
    if (full < extent)
      body(points.indices.lanes({}, full, {full, extent - 1}), points.tailMask(extent - full, lanes));
  }
};

/// The rows of a tensor along one axis: the other axes and their sizes. With lanes, the innermost axis is none of them.
struct Rows {
  Rows(llvm::ArrayRef<int64_t> shape, int64_t axis, int64_t except = -1) : rank(shape.size()) {
    for (int64_t i = 0; i < rank; ++i)
      if (i != axis && i != except)
        axes.push_back(i), sizes.push_back(shape[i]);
  }
  int64_t count() const { return mlir::ShapedType::getNumElements(sizes); }
  /// A point in a row, at index 0 of what is no axis of the rows.
  Point point(PointEmitter &points, const Index &row, int64_t lanes = 1, mlir::Value mask = {}) const {
    Point point{llvm::SmallVector<Index>(rank, Index::of(0)), lanes, mask};
    for (auto [axis, index] : llvm::zip_equal(axes, points.indices.delinearize(row, sizes)))
      point.indices[axis] = index;
    return point;
  }

  int64_t rank;
  llvm::SmallVector<int64_t> axes, sizes;
};

} // namespace dlc
