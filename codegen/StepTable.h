// A step's kernels as a table, and the function that runs a piece of it: code whose size does not depend on how many
// kernels there are. Both are part of what is exported: a library needs nothing of dlc.
#pragma once

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"

namespace dlc {

/// Where a buffer lies: an entry of the step's array of addresses, and bytes behind it.
struct StepPlace {
  unsigned base = 0;
  int64_t offset = 0;
};

/// What the runner does around a kernel, as bits.
enum StepFlag : int64_t {
  stepParallel = 1, ///< its tasks go through the context's threads, if there is a context
  stepMayFail = 2,  ///< a status is described in the context and ends the step
  stepPolls = 4,    ///< the step ends before it when the context asks for that
};

/// Records of words: the function's number; how many operands, flags, the id of a failure; tasks; a word for each operand.
class StepTable {
public:
  void add(unsigned function, int64_t tasks, int64_t flags, int64_t id, llvm::ArrayRef<StepPlace> operands);
  /// The number of words so far: where the next record begins.
  int64_t size() const { return int64_t(words.size()); }
  /// Of any record.
  unsigned mostOperands() const { return most; }
  llvm::ArrayRef<int64_t> content() const { return words; }

private:
  llvm::SmallVector<int64_t> words;
  unsigned most = 0;
};

/// The function that runs the records in [begin, end):
///   (functions, begin, end, bases, args, context: !llvm.ptr) -> i64
/// `functions` are those of kernels, by number, `bases` addresses, `args` has room for the most operands and one more. Returns
/// 0, the id of what failed (described in the context), or -1 when the context asked to stop. A kernel that may fail gets
/// one more address: where its failure's value goes. Emitted into the module at the builder when it lacks it.
mlir::func::FuncOp stepRunner(mlir::OpBuilder &builder, mlir::ModuleOp module);

/// The function that notes in the context, if there is one, the iteration of a loop in which something failed:
///   (context: !llvm.ptr, index: i64) -> ()
mlir::func::FuncOp iterationNoter(mlir::OpBuilder &builder, mlir::ModuleOp module);

} // namespace dlc
