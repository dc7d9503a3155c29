// Which values share a place, and how long each place in the arena holds something.
#pragma once

#include "passes/plan/Arena.h"
#include "passes/plan/Order.h"

#include "llvm/ADT/SetVector.h"

namespace dlc {

/// Where a value lies.
struct Home {
  enum Kind {
    arena,    ///< in a buffer of the arena, by its number
    argument, ///< in an argument of the function: a slot, an input
    output,   ///< in an output, by its number
    derived,  ///< what a loop makes anew in each iteration: an entry of a stack, one of two buffers that alternate
  };
  Kind kind;
  unsigned number = 0;
  mlir::Value value = {};
  /// Of a derived home: the homes whose memory it is in.
  llvm::SmallVector<unsigned, 2> within = {};
  /// How many loops were around where it was made.
  unsigned depth = 0;
};

/// A carried value that has two buffers, which change places with each iteration.
struct Alternating {
  mlir::Value init, argument, next, result;
  /// The home of the second buffer.
  unsigned spare;
};

/// The homes of a function's values. Steps are numbered as they run, the begin and the end of loops and branches among them.
class Homes {
public:
  Homes(mlir::func::FuncOp function, const PlanOrder &order);

  unsigned of(mlir::Value value) const { return homeOf.lookup(value); }
  const Home &home(unsigned number) const { return homes[number]; }
  /// The value whose type says how the memory of `value` is laid out.
  mlir::Value typedBy(mlir::Value value) const;
  llvm::ArrayRef<Alternating> alternating(mlir::Operation *loop) const;

  llvm::SmallVector<ArenaBuffer> buffers;

private:
  /// Where values must lie that are not made yet.
  using Wanted = llvm::DenseMap<mlir::Value, unsigned>;

  unsigned add(Home home);
  unsigned addArena(mlir::Value value);
  unsigned addDerived(llvm::ArrayRef<unsigned> within);
  /// `value` lies where `other` does.
  void join(mlir::Value value, mlir::Value other);
  void touch(unsigned home);
  void assign(mlir::Block &block, Wanted wanted);
  void assignResults(mlir::ValueRange results, const Wanted &wanted);
  void assignBranch(dl::IfOp branch, const Wanted &wanted);
  void assignScan(dl::ScanOp scan, const Wanted &wanted);
  void assignWhile(dl::WhileOp loop, const Wanted &wanted);
  void assignCarried(mlir::Operation *loop, mlir::ValueRange inits, const Wanted &wanted, Wanted &inside);
  void enterLoop() { used.emplace_back(); }
  void leaveLoop();

  const PlanOrder &order;
  llvm::SmallVector<Home> homes;
  llvm::DenseMap<mlir::Value, unsigned> homeOf;
  llvm::DenseMap<mlir::Value, mlir::Value> typedAs;
  llvm::DenseMap<mlir::Operation *, llvm::SmallVector<Alternating>> alternatingOf;
  unsigned step = 0;
  /// For each loop under way, the homes from outside that it uses: they live to its end.
  llvm::SmallVector<llvm::SetVector<unsigned>> used;
};

/// The buffer of a tensor in bytes, padding of rows included.
int64_t bufferBytes(mlir::RankedTensorType type);

} // namespace dlc
