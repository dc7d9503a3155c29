// Compiles one planned kernel, given as text, runs it on random data, and compares it with what the reference evaluator
// gives for its body. Shared by the tests of the kernel emitters.
#pragma once

#include "codegen/KernelEmitter.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/ExecutionEngine/Orc/LLJIT.h"
#include <memory>
#include <string>
#include <vector>

namespace dlc::test {

using KernelFn = int64_t (*)(void *const *buffers, int64_t begin, int64_t end);

/// The tensors of a kernel in f64, row-major.
using Tensor = std::vector<double>;

/// What the reference evaluator gives for each yielded tensor of the kernel's body, in f64 throughout.
std::vector<Tensor> evaluateBody(dl::KernelOp kernel, const std::vector<Tensor> &ins);

class CompiledKernel {
public:
  /// `text` holds one func.func with memref arguments and one dl.kernel on them. Null, with the error printed, on
  /// failure.
  static std::unique_ptr<CompiledKernel> make(llvm::StringRef text, const Target &target);
  ~CompiledKernel();

  dl::KernelOp kernel;
  KernelInfo info;
  KernelFn function = nullptr;
  /// The loops stage as text.
  std::string loops;
  double compileMilliseconds = 0;

private:
  CompiledKernel();
  std::unique_ptr<mlir::MLIRContext> context;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  std::unique_ptr<llvm::orc::LLJIT> jit;
};

/// Buffers of a kernel: one for each distinct operand, padding filled with a pattern that nobody may change.
class Buffers {
public:
  /// `low`, `high`: the range of random elements (integers: of [0, high)).
  Buffers(dl::KernelOp kernel, double low, double high, unsigned seed);
  /// Those of the operands, then those of the kernel's numbers, then where a kernel that may fail stores the wrong value.
  std::vector<void *> pointers() const;
  int64_t failureValue() const { return failure; }
  /// Logical elements of an operand (ins, then outs).
  Tensor read(unsigned operand) const;
  void write(unsigned operand, const Tensor &values);
  /// All bytes of all buffers.
  std::vector<std::vector<char>> bytes() const { return storage; }
  void restore(const std::vector<std::vector<char>> &saved);
  /// Whether the padding of an operand is untouched.
  bool paddingIntact(unsigned operand) const;

private:
  mlir::MemRefType typeOf(unsigned operand) const;
  dl::KernelOp kernel;
  std::vector<unsigned> bufferOf;
  std::vector<std::vector<char>> storage;
  llvm::SmallVector<int64_t> numbers;
  int64_t failure = 0;
};

struct Check {
  double low = -2, high = 2;
  double relative = 4e-6, absolute = 2e-6;
};

/// Compiles for each vector width that the machine has, runs as a whole and task by task, and compares.
void checkKernel(const std::string &text, Check check = {});

/// The targets that this machine can run: x86-64-v3 and, when it is wider, the host.
std::vector<Target> testTargets();

/// Nanoseconds of a call, the least of several batches.
double timeKernel(const CompiledKernel &kernel, Buffers &buffers);

} // namespace dlc::test
