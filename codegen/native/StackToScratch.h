// Kernels keep panels and partial sums on the stack: up to half a MiB, which a thread of dlc has. A library is called on
// stacks of any size: there they move to the memory that the caller gives.
#pragma once

#include <cstdint>

namespace llvm {
class Function;
class GlobalVariable;
class Module;
} // namespace llvm

namespace dlc {

struct MovedStack {
  /// Where the functions look for their memory, aligned to 64 bytes; of each thread its own. Null where nothing was moved.
  llvm::GlobalVariable *address = nullptr;
  int64_t bytes = 0;
};

/// Moves the large arrays on the stack of all functions that `entry` calls, one after the other, into one region, in which
/// each function's lie behind those of its callers.
MovedStack moveStackToScratch(llvm::Module &module, const llvm::Function &entry);

} // namespace dlc
