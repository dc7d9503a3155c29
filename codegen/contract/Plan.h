// How a product will be computed: which axes are vectors, which are the tile's rows, what is packed, how large tiles,
// blocks and tasks are. Everything follows from the shape and the target alone. Costs are estimated in cycles of one core.
//
// Two forms of the inner loop:
// - tile: vectors along a result axis (the column axis) of the right operand, elements of the left one broadcast; a tile of
//   rows x vectors stays in registers. A right operand without unit stride there is packed, a panel of columns at a time.
// - dot: vectors along a summed axis that both operands read with unit stride; a tile of sums, joined across lanes at the end.
#pragma once

#include "codegen/Target.h"
#include "codegen/contract/Shape.h"
#include "llvm/Support/MathExtras.h"
#include <optional>

namespace dlc {

/// `total` things in as few parts of at most `most` as possible, of sizes `small` and `small + 1`; the greater come first.
struct Split {
  int64_t parts = 1, small = 1, bigCount = 0;
  static Split evenly(int64_t total, int64_t most);
  int64_t biggest() const { return small + (bigCount ? 1 : 0); }
  /// Where part `i` begins.
  int64_t start(int64_t i) const { return i * small + std::min(i, bigCount); }
};

struct ContractPlan {
  enum Form { Tile, Dot };
  Form form = Tile;
  /// Operands exchanged, if need be, so that the column axis is the right one's.
  ContractShape shape;
  /// Positions in shape.axes; none: there is no such axis (its size is 1).
  std::optional<unsigned> row, column;
  /// The other axes of the result, and the summed ones, outermost first. The last summed one is the innermost loop.
  llvm::SmallVector<unsigned> outer, sums;
  /// Elements of a vector.
  int64_t lanes = 1;
  /// Rows in tiles; columns in panels, counted in vectors. A task computes one panel of some row tiles.
  Split rows, columns;
  int64_t rowTilesPerTask = 1;
  /// Dot: columns of a tile. (Form tile: a tile is as wide as its panel.)
  int64_t columnTile = 1;
  /// Sums kept side by side for one element, where a tile alone is too small to hide the latency of the adder.
  int64_t ways = 1;
  /// The right operand is copied into panels; `packAll`: a panel holds the whole sum and serves all tasks of its column,
  /// else a panel is packed again for each block of the sum.
  bool pack = false, packAll = false;
  /// Whether sums are kept in memory between blocks, and what a block is: so many steps of one summed axis (a position in
  /// `sums`), with all of the inner ones.
  bool blocked = false;
  unsigned blockLevel = 0;
  int64_t depthBlock = 1;
  /// Long sums: each block begins at zero, and totals are kept with their rounding errors (codegen/kernel/LongSum.h).
  bool precise = false;
  /// Tile: so many steps ahead the left operand's elements are asked for; 0 where they follow one another, which the processor
  /// sees by itself.
  int64_t ahead = 0;
  double cycles = 0;

  int64_t sizeOf(std::optional<unsigned> axis) const { return axis ? shape.axes[*axis].size : 1; }
  /// The length of the whole sum, and of its innermost axis.
  int64_t depth() const;
  int64_t innerDepth() const { return sums.empty() ? 1 : shape.axes[sums.back()].size; }
  int64_t rowBlocks() const { return llvm::divideCeil(rows.parts, rowTilesPerTask); }
  /// The steps of a block, with all of the inner axes.
  int64_t blockSteps() const;
  int64_t outerSize() const;
  /// In words: the form, tile and panel, the order of loops.
  std::string describe() const;
  int64_t tasks() const { return outerSize() * rowBlocks() * columns.parts; }
};

ContractPlan planContract(const ContractShape &shape, const Target &target);

} // namespace dlc
