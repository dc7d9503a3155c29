// Names for kernels that say what they do: after the parameters that they use and the operations that they do.
#pragma once

#include "passes/fuse/Graph.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/StringMap.h"
#include <string>

namespace dlc {

/// Gives each cluster of a function's body a name; asked in the order of execution.
class KernelNames {
public:
  KernelNames(mlir::func::FuncOp function, const FuseGraph &graph);

  /// A name for `cluster` that no other kernel has: letters, digits and underscores.
  std::string name(unsigned cluster);
  /// The same for a kernel that only copies.
  std::string copy() { return unique("copy"); }

private:
  std::string updateName(unsigned cluster);
  std::string productName(unsigned cluster);
  std::string mapName(unsigned cluster);
  std::string unique(std::string stem);

  mlir::func::FuncOp function;
  const FuseGraph &graph;
  llvm::StringMap<unsigned> taken;
  /// Parameters whose product was named: a later one is backward.
  llvm::StringMap<unsigned> products;
};

} // namespace dlc
