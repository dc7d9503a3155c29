// Machine code is made by other threads while this one emits the next kernels, MLIR's context being for one thread alone.
#pragma once

#include "codegen/Target.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/MemoryBuffer.h"
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace llvm {
class TargetMachine;
}

namespace dlc {

class CodeGenerator;

/// LLVM IR on its way to an object.
struct CodePart {
  std::unique_ptr<llvm::LLVMContext> context;
  std::unique_ptr<llvm::Module> module; ///< null once there is code
  std::unique_ptr<llvm::MemoryBuffer> object;
  std::string problem;       ///< why there is none
  unsigned instructions = 0; ///< what it costs
};

class CodeQueue {
public:
  explicit CodeQueue(const Target &target) : target(target) {}
  ~CodeQueue() { finish(); }

  /// Begins with a part, which must live until `finish`. Of those that wait, the largest is next.
  void add(CodePart &part);
  /// Returns when all parts have been dealt with, and helps until then.
  void finish();

private:
  void work(bool waits);
  /// What a thread makes code with, from its first part on.
  struct Maker {
    std::unique_ptr<llvm::TargetMachine> machine;
    std::unique_ptr<CodeGenerator> generator;
    llvm::Error begin(const Target &target);
  };
  void generate(CodePart &part, Maker &maker);

  const Target &target;
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<CodePart *> pending;
  bool isComplete = false;
  std::vector<std::thread> threads;
};

} // namespace dlc
