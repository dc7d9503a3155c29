// The heart of all kernels: emits the value of any tensor of a dl.kernel body at a point. It pulls: a pointwise
// operation asks for its operands at the same point, a movement rewrites the point, a block argument loads. A value is
// a native vector where it differs from lane to lane, else a scalar. Each (tensor, point) is emitted once while its
// scope is open.
//
// Elements in registers: f32 f64 i32 i64 i1 as they are, ui8 as i8, bf16 as an f32 that bf16 can represent.
// In memory: i1 is a byte, bf16 an i16.
#pragma once

#include "codegen/Target.h"
#include "codegen/kernel/LoopNest.h"
#include "codegen/kernel/Point.h"
#include "ir/Dialect.h"

namespace dlc {

/// The type of a scalar of a tensor's element type in a register, and in memory.
mlir::Type registerType(mlir::Type element);
mlir::Type memoryType(mlir::Type element);

/// Rejects, with an error, bodies that PointEmitter cannot emit. `dl.contract`, reductions and the like count as
/// emitted elsewhere (see PointEmitter::bind).
llvm::LogicalResult verifyPointwise(dl::KernelOp kernel);

/// Loads the buffers' addresses from the array that a kernel's function gets: one `!llvm.ptr` for each of `ins`, then
/// `outs`.
llvm::SmallVector<mlir::Value> loadBuffers(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value args,
                                           unsigned count);

class PointEmitter {
public:
  /// `kernel` is in the planned stage; `buffers` are `!llvm.ptr`, one for each of its ins, then its outs, and that of its
  /// numbers if it has any. The builder's
  /// insertion point becomes the outermost scope; emit further loops with `nest`.
  PointEmitter(mlir::OpBuilder &builder, mlir::Location loc, const Target &target, dl::KernelOp kernel,
               llvm::ArrayRef<mlir::Value> buffers);

  LoopNest nest;
  IndexContext indices;
  const Target &target;
  /// Where runs of random numbers are drawn, for each operation that draws.
  llvm::DenseMap<mlir::Operation *, mlir::Value> randomStates;

  /// Says what `tensor` is at `point`: a contract's accumulator, a reduction's result of this row. Known as long as the
  /// scope of `value` is open. Scalars where the point does not vary.
  void bind(mlir::Value tensor, const Point &point, mlir::Value value);
  /// The value of a tensor of the body at a point.
  mlir::Value at(mlir::Value tensor, const Point &point);
  /// The point of `whole` at which a point of `part` lies, which begins at `starts` along `axes`.
  llvm::SmallVector<Index> movedBy(mlir::ValueRange starts, llvm::ArrayRef<int64_t> axes, mlir::Value whole,
                                   mlir::Value part, llvm::ArrayRef<Index> point);
  /// The path of random numbers, which is handed to the kernel's function.
  mlir::Value pathOf(dl::RandomOp op);
  /// Stores `value` (scalar or vector, in its register type) as the element `point` of the kernel's `out`-th output.
  void store(unsigned out, const Point &point, mlir::Value value);
  /// All yielded tensors at `point`, computed first, then stored (outputs may lie on inputs).
  void storeAll(const Point &point);

  /// Any memory; `address` counts elements of `element`. Loads stay in the innermost loop: the memory may change.
  mlir::Value load(mlir::Value buffer, mlir::Type element, const Index &address, const Point &lanes);
  void store(mlir::Value buffer, mlir::Type element, const Index &address, const Point &lanes, mlir::Value value);
  /// The elements at a vector of offsets; zeros where `mask` is off.
  mlir::Value gather(mlir::Value buffer, mlir::Type element, mlir::Value offsets, mlir::Value mask);
  /// The pointer to an element, at an address that does not vary.
  mlir::Value pointer(mlir::Value buffer, mlir::Type element, const Index &address);
  /// Asks for the cache line of an element.
  void prefetch(mlir::Value buffer, mlir::Type element, const Index &address);

  /// While `body` runs, what addresses have in common is what changes in the scopes that it opens: each has a pointer that
  /// is known outside of them, and all share one offset.
  void anchored(llvm::function_ref<void()> body);

  /// An index as an i64, or as a vector of i32 or i64 where it varies.
  mlir::Value materialize(const Index &index, int64_t lanes);
  /// A vector of `lanes` copies of a scalar; a vector is returned as it is.
  mlir::Value splat(mlir::Value scalar, int64_t lanes);
  /// A mask of the first `live` of `lanes` lanes; null when all live.
  mlir::Value tailMask(int64_t live, int64_t lanes);

private:
  mlir::Value emit(mlir::Value tensor, const Point &point);
  /// A load; a `fixed` one, of memory that does not change meanwhile, moves out of loops.
  mlir::Value emitLoad(mlir::Value buffer, mlir::Type element, const Index &address, const Point &lanes, bool fixed);
  mlir::Value emitMovement(mlir::Operation *op, const Point &point);
  mlir::Value emitSources(mlir::Operation *op, llvm::ArrayRef<Source> sources, const Point &point);
  mlir::Value emitConstant(dl::ConstantOp op, const Point &point);
  mlir::Value emitGather(dl::GatherOp op, const Point &point);
  mlir::Value emitCondition(const Condition &condition, int64_t lanes);
  mlir::Value emitQuotient(const Atom &atom, int64_t lanes, mlir::Type type);
  mlir::Value materializeAtom(const Atom &atom, int64_t lanes, mlir::Type type);
  Index addressOf(mlir::Value memref, llvm::ArrayRef<Index> point);
  mlir::Value pointerTo(mlir::Value buffer, mlir::Type memory, const Index &address);
  mlir::Value behind(mlir::Value pointer, mlir::Type memory, const Index &distance);

  dl::KernelOp kernel;
  llvm::SmallVector<mlir::Value> buffers;
  struct Known {
    mlir::Value value;
    unsigned depth, serial;
  };
  mlir::Value recall(const std::vector<int64_t> &key);
  void remember(std::vector<int64_t> key, mlir::Value value);
  std::map<std::vector<int64_t>, Known> memo;
  std::optional<unsigned> anchor;
};

/// What the kernel reads for `tensor` at a point, without emitting anything: calls `visit` with each buffer (a block
/// argument of the body, or a constant's result) and the address in elements, and with null and the index for each
/// condition that differs from lane to lane. Stops at operations that `isLeaf` accepts.
void forEachAccess(dl::KernelOp kernel, mlir::Value tensor, const Point &point, IndexContext &indices,
                   llvm::function_ref<bool(mlir::Operation *)> isLeaf,
                   llvm::function_ref<void(mlir::Value, const Index &)> visit);

} // namespace dlc
