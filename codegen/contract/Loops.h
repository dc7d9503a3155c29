// The loops of a product, shared by the files of this folder: where the emission stands along each axis, loads of operands,
// the loop over tasks, tiles, and the epilogue. The forms of the inner loop (ContractTile, ContractDot) and the packing of
// panels (ContractPack) are member functions with files of their own.
#pragma once

#include "codegen/contract/Epilogue.h"

namespace dlc {

class ContractLoops {
public:
  ContractLoops(KernelFunction &function, ContractPlan plan);
  /// Emits the loop over tasks at the builder's insertion point.
  void emit();

private:
  using Columns = ContractColumns;
  using Values = llvm::SmallVector<mlir::Value>;

  // Loops (Loops.cpp).
  void emitTask(mlir::Value task, mlir::Value &lastPanel);
  /// Calls `body` for the tiles [first, last) of a split, once for each of the (at most two) sizes.
  void forTiles(const Split &split, mlir::Value first, mlir::Value last,
                llvm::function_ref<void(int64_t size, Index start)> body);
  /// Calls `body` for the panel of columns `panel`, once for each kind of panel (of different widths; with a partial vector).
  void forPanel(const Index &panel, llvm::function_ref<void(const Columns &)> body);
  /// The row tiles of a task: the first, and one behind the last. The first row of a tile.
  std::pair<mlir::Value, mlir::Value> rowTilesOf(const Index &rowBlock);
  Index startOf(const Split &split, mlir::Value tile);
  /// A value as an index: a constant one as such.
  Index indexOf(mlir::Value value, Range range);
  /// min(a, b) and max(a, b), constants where both are.
  mlir::Value least(mlir::Value a, int64_t b);
  mlir::Value greatest(mlir::Value a, int64_t b);
  mlir::Value valueOf(const Index &index) { return points.materialize(index, 1); }

  /// Whether the open block ends where its axis does.
  mlir::Value isLastBlock();

  /// Calls the epilogue's function for the first `count` rows of sums in the scratch buffer, which belong to rows `row` and
  /// following.
  void finishScratch(mlir::Value count, const Index &row, const Columns &columns);

  // The tile form (Tile.cpp).
  void emitTilePanel(const Index &rowBlock, const Columns &columns);
  void emitBlockedPanel(mlir::Value first, mlir::Value last, const Columns &columns);
  /// Adds the products of the open block to the sums of a tile in the scratch buffer; `scratchAt` says where a row's vector lies
  /// there. Totals of long sums have their errors `lostFrom` elements behind them.
  void addBlock(int64_t rows, const Index &row, const Columns &columns,
                llvm::function_ref<Index(const Index &row, int64_t vector)> scratchAt);
  /// Adds the products of the steps of the open and remaining summed axes to `sums` (rows x vectors).
  Values accumulate(int64_t rows, const Index &row, const Columns &columns, Values sums);
  Values accumulateFrom(unsigned level, int64_t rows, const Index &row, const Columns &columns, Values sums);
  Values innermost(int64_t rows, const Index &row, const Columns &columns, Values sums);
  Values step(int64_t rows, const Index &row, const Columns &columns, llvm::ArrayRef<mlir::Value> sums);
  /// Asks for the left operand's elements of a tile, plan.ahead steps of the innermost axis after the open one.
  void askAhead(const Index &row);
  /// Adds up the sums that were kept side by side: plan.ways times `tile` of them.
  Values joinWays(Values sums, int64_t tile);
  void finishTile(int64_t rows, const Index &row, const Columns &columns, llvm::ArrayRef<mlir::Value> sums);

  // Panels (Pack.cpp).
  void packPanel(const Columns &columns);
  void packFrom(unsigned level, const Columns &columns);
  void packTransposed(const Columns &columns);
  void packBlock(const Columns &columns, const Index &vector, int64_t liveColumns, const Index &depth,
                 int64_t liveDepth);
  /// The row of the panel for the open indices of the summed axes.
  Index panelRow() const;

  // The dot form (Dot.cpp).
  void emitDotPanel(const Index &rowBlock, const Columns &columns);
  /// The sums of `rows` x `count` elements, the columns from `offset` in the panel on, into the scratch buffer, whose first
  /// row is `origin`.
  void emitDotTile(int64_t rows, const Index &row, const Index &origin, const Columns &columns, const Index &offset,
                   int64_t count);
  Values dotFrom(unsigned level, int64_t rows, const Index &row, int64_t columns, const Index &column, Values sums);
  Values dotStep(int64_t rows, const Index &row, int64_t columns, const Index &column, llvm::ArrayRef<mlir::Value> sums,
                 mlir::Value mask);
  /// Joins each vector's lanes; the sum of vector i is lane i of the result.
  mlir::Value joinLanes(Values sums);

  // Memory.
  Index lhsAddress();
  Index rhsAddress() const;
  mlir::Value load(mlir::Value buffer, mlir::Type element, const Index &address, mlir::Value mask = {});
  void storeVector(mlir::Value buffer, const Index &address, mlir::Value value);
  mlir::Value allocate(int64_t elements);
  mlir::Value zeroVector();
  mlir::Value fma(mlir::Value a, mlir::Value b, mlir::Value sum);
  mlir::Value add(mlir::Value a, mlir::Value b);
  void setPlace(std::optional<unsigned> axis, const Index &index) {
    if (axis)
      place[*axis] = index;
  }

  KernelFunction &function;
  ContractPlan plan;
  PointEmitter points;
  LoopNest &nest;
  dl::ContractOp op;
  int64_t lanes;
  /// The type of a sum, and a vector of them.
  mlir::Type scalar;
  mlir::VectorType vector;
  mlir::Value lhs, rhs;
  /// The index along each axis of plan.shape, as far as loops are open.
  llvm::SmallVector<Index> place;
  /// Bounds of the summed axis plan.blockLevel while a block of it is open.
  mlir::Value depthLow, depthHigh;
  Index depthOrigin;
  /// Where panels and partial sums are, and the distance of their rows in elements.
  mlir::Value panel, scratch;
  int64_t width = 0, lostFrom = 0;
  ContractEpilogue epilogue;
  /// Set where the epilogue is a function.
  mlir::func::FuncOp epilogueFunction;
};

} // namespace dlc
