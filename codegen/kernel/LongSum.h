// Sums of many floats. Added one after the other, each addition rounds what all before have made; after millions of them the
// sum is off by percents. Here a long loop is cut into blocks: each is summed from zero, and added to a total whose rounding
// errors are kept beside it. The error then is that of one block, however long the sum.
#pragma once

#include "codegen/kernel/LoopNest.h"

namespace dlc {

/// Additions to one accumulator up to which plain addition is good enough; the additions of a block of a longer sum.
inline constexpr int64_t plainAdditions = 64, blockAdditions = 32;

/// A running total of floats: what was added so far is sum + lost, but for rounding of `lost`.
struct RunningTotal {
  mlir::Value sum, lost;
};

/// total + value, without rounding error where nothing overflows: the error of the addition goes to `lost` (the algorithm
/// TwoSum of Knuth, The Art of Computer Programming 2, section 4.2.2). Values are scalars or vectors of floats.
RunningTotal addTo(LoopNest &nest, RunningTotal total, mlir::Value value);

/// The total as one number. A sum that is infinite or not a number has no error to speak of.
mlir::Value finish(LoopNest &nest, RunningTotal total);

/// The state of a loop some of whose values are sums of floats.
class LongSums {
public:
  /// `isSum` says which values of the state are sums of floats; `additions` how many the whole loop adds to each. Up to
  /// `plainAdditions` of them (and without sums) the state is carried as it is.
  LongSums(LoopNest &nest, llvm::ArrayRef<bool> isSum, int64_t additions);

  bool isLong() const { return !sums.empty(); }
  /// What a loop carries: the state, and the errors of its sums.
  llvm::SmallVector<mlir::Value> begin(mlir::ValueRange state) const;
  llvm::SmallVector<mlir::Value> end(mlir::ValueRange carried) const;

  using Body = llvm::function_ref<void(llvm::SmallVectorImpl<mlir::Value> &state)>;
  /// One block: `body` sees sums that begin at zero, and the other values as they are.
  llvm::SmallVector<mlir::Value> block(mlir::ValueRange carried, Body body) const;

  /// nest.loop in blocks of `steps` steps, for bodies that add once to each sum.
  using Step = llvm::function_ref<void(mlir::Value index, llvm::SmallVectorImpl<mlir::Value> &state)>;
  llvm::SmallVector<mlir::Value> loop(mlir::Value low, mlir::Value high, int64_t step, int64_t steps,
                                      mlir::ValueRange carried, Step body) const;

private:
  LoopNest &nest;
  size_t size;
  /// Positions of the sums in the state.
  llvm::SmallVector<unsigned> sums;
};

} // namespace dlc
