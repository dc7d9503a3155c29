// From a planned dl.kernel to a function of loops: `func.func @name(%args: !llvm.ptr, %begin: i64, %end: i64) -> i64`.
// `args` is an array of buffer pointers, ins then outs; the function does tasks [begin, end) of KernelInfo::tasks.
// Tasks are independent, and how they are split never changes a bit. The result is 0, or from a kernel that may fail (a
// check) 1 + the row-major index of the first bad element, whose value it has stored, an i64, at one more address behind
// those of the buffers. Before that one, if the kernel has numbers (kernelNumbers), is the address of these.
#pragma once

#include "codegen/Target.h"
#include "ir/Dialect.h"
#include <string>

namespace dlc {

struct KernelInfo {
  /// 0 where there is nothing to do: the kernel need not be called.
  int64_t tasks = 1;
  /// An estimate of the time that all tasks take on one core.
  double nanoseconds = 0;
  /// What was decided, in words: stands at the function as attribute `dl.plan` (`--emit loops`).
  std::string plan = {};
};

/// Emits the function at the builder's insertion point (inside a module) and says how much work it is. Errors are
/// reported on the kernel.
llvm::FailureOr<KernelInfo> emitKernel(mlir::OpBuilder &builder, dl::KernelOp kernel, const Target &target,
                                       llvm::StringRef functionName);

/// What distinguishes kernels of one function beside their buffers, and is handed to it: the paths of random numbers.
llvm::SmallVector<int64_t> kernelNumbers(dl::KernelOp kernel);

/// Equal keys: the kernels, of one context, can share one function. What counts is the body with the operands' types,
/// without names, places and numbers.
std::string kernelKey(dl::KernelOp kernel);
/// The same as text, which means the same elsewhere.
std::string kernelText(dl::KernelOp kernel);

/// The families, each with the function's body builder; `emitKernel` chooses among them.
struct KernelFunction {
  mlir::OpBuilder &builder;
  dl::KernelOp kernel;
  const Target &target;
  /// One `!llvm.ptr` for each of ins, then outs, and that of the kernel's numbers, if it has any; the i64 bounds of the tasks.
  llvm::ArrayRef<mlir::Value> buffers;
  mlir::Value begin, end;
  /// Where a kernel that may fail stores the value that is wrong, an i64.
  mlir::Value failureValue;
};
llvm::FailureOr<KernelInfo> emitMapReduce(KernelFunction function);
llvm::FailureOr<KernelInfo> emitScatter(KernelFunction function);
llvm::FailureOr<KernelInfo> emitCumulative(KernelFunction function);
llvm::FailureOr<KernelInfo> emitSort(KernelFunction function);
llvm::FailureOr<KernelInfo> emitUpdate(KernelFunction function);
/// `status` receives what the function returns.
llvm::FailureOr<KernelInfo> emitLinalg(KernelFunction function, mlir::Value &status);
llvm::FailureOr<KernelInfo> emitCheck(KernelFunction function, mlir::Value &status);

} // namespace dlc
