// What the rewrites of loops share: a scan whose lists of values change.
#pragma once

#include "ir/Dialect.h"

namespace dlc {

/// Takes a dl.scan apart, lets its lists grow and shrink, and puts it together again. The body stays where it is until then;
/// its arguments and yields are kept in step.
class ScanEditor {
public:
  explicit ScanEditor(dl::ScanOp scan);

  dl::ScanOp scan;
  mlir::Block &body;
  llvm::SmallVector<mlir::Value> inits, slices, invariants;

  /// The argument of the body that a value outside is in each iteration.
  mlir::Value addInvariant(mlir::Value outside);
  /// The argument of the body that is an entry of a stack outside.
  mlir::Value addSlice(mlir::Value stack);
  /// `value` stands for `old` everywhere in the body.
  void replace(mlir::Value old, mlir::Value value);
  /// Yields `element` as the entry of a further stack, the last one.
  void addStack(mlir::Value element);

  mlir::BlockArgument carriedArg(unsigned i) { return body.getArgument(1 + i); }
  mlir::BlockArgument sliceArg(unsigned i) { return body.getArgument(1 + inits.size() + i); }
  mlir::BlockArgument invariantArg(unsigned i) { return body.getArgument(1 + inits.size() + slices.size() + i); }
  mlir::Value next(unsigned i) { return yields[flags + i]; }
  unsigned stackCount() const { return yields.size() - flags - inits.size(); }
  mlir::Value element(unsigned i) { return yields[flags + inits.size() + i]; }

  /// The old results of the carried values and the stacks; null for what was added.
  mlir::Value result(unsigned i) { return results[i]; }
  mlir::Value stackResult(unsigned i) { return results[inits.size() + i]; }

  /// Their results have no use any more, and their arguments none but for each other.
  void dropCarried(llvm::ArrayRef<unsigned> dead);
  void dropSlice(unsigned i);
  void dropInvariant(unsigned i);
  void dropStack(unsigned i);
  /// Erases what the body computes for nobody.
  void eraseDead();

  /// The new scan in front of the old one, whose results it replaces but for those of dropped carried values: the old scan
  /// stays for these until `eraseOld`. The body is the new one's.
  dl::ScanOp build();
  void eraseOld() { scan.erase(); }
  void finish() {
    build();
    eraseOld();
  }

private:
  void setYields();
  unsigned flags;
  llvm::SmallVector<mlir::Value> yields;
  /// The old results that are still wanted, in the order of the new ones; null for new ones.
  llvm::SmallVector<mlir::Value> results;
};

/// The type of a stack of `length` such elements.
mlir::RankedTensorType stackType(mlir::Value element, int64_t length);

} // namespace dlc
