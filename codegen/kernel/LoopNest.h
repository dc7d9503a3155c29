// The loops around the place where code is emitted. An operation goes into the outermost loop body in which its
// operands are known: what does not depend on an inner loop is computed before it.
#pragma once

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Builders.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include <map>

namespace dlc {

class LoopNest {
public:
  /// The builder's insertion point becomes the outermost scope.
  LoopNest(mlir::OpBuilder &builder, mlir::Location loc);

  mlir::OpBuilder &builder;
  mlir::Location loc;

  /// Moves the builder to where an operation of these operands belongs (never out of a branch), and returns it.
  mlir::OpBuilder &place(mlir::ValueRange operands);
  /// Moves the builder to the innermost scope.
  mlir::OpBuilder &here();
  /// The scope in which `place` would put an operation of these operands; 0 is the outermost.
  unsigned depthOf(mlir::ValueRange operands) const;
  unsigned depth() const { return scopes.size() - 1; }
  /// A number that no other scope has: what was emitted in a scope is known only while it is open.
  unsigned serial(unsigned depth) const { return scopes[depth].serial; }
  bool isOpen(unsigned depth, unsigned serial) const { return depth < scopes.size() && scopes[depth].serial == serial; }

  /// for i in [low, high) by step, carrying values: `body` gets i and the values and returns the next ones. Bounds are
  /// i64. Returns the last values. A loop known to run at most once is emitted without a loop when `low` and `high` are
  /// constants.
  using Body = llvm::function_ref<llvm::SmallVector<mlir::Value>(mlir::Value, mlir::ValueRange)>;
  llvm::SmallVector<mlir::Value> loop(mlir::Value low, mlir::Value high, int64_t step, mlir::ValueRange inits,
                                      Body body);
  /// A branch on a scalar i1; both sides give values of the types. Nothing is moved out of a side; without types the
  /// false side is not emitted.
  using Side = llvm::function_ref<llvm::SmallVector<mlir::Value>()>;
  llvm::SmallVector<mlir::Value> branch(mlir::Value condition, mlir::TypeRange types, Side onTrue, Side onFalse);

  /// While `body` runs nothing is placed outside the innermost scope: what it computes does not take registers from a
  /// loop that stands before it there.
  void pinned(llvm::function_ref<void()> body);
  /// An i64, emitted once, in the outermost scope.
  mlir::Value constant(int64_t value);

private:
  struct Scope {
    mlir::Block *block;
    mlir::Block::iterator position;
    bool branch;
    unsigned serial;
  };
  void enter(mlir::Block *block, bool branch);
  void leave(mlir::ValueRange results);

  llvm::SmallVector<Scope> scopes;
  llvm::DenseMap<mlir::Block *, unsigned> depths;
  std::map<int64_t, mlir::Value> constants;
  unsigned serials = 0;
};

} // namespace dlc
