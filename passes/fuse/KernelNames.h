// Names for kernels that say what they do: after the parameters that they use and the operations that they do.
#pragma once

#include "passes/fuse/Graph.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/StringMap.h"
#include <string>

namespace dlc {

/// Gives each cluster of a function's blocks a name; asked in the order of execution.
class KernelNames {
public:
  explicit KernelNames(mlir::func::FuncOp function) : function(function) {}

  /// A name for `cluster` that no other kernel has: letters, digits and underscores.
  std::string name(const FuseGraph &graph, unsigned cluster);
  /// The same for a kernel that only copies.
  std::string copy() { return unique("copy"); }

private:
  std::string updateName(const FuseGraph &graph, unsigned cluster);
  std::string productName(const FuseGraph &graph, unsigned cluster);
  std::string mapName(const FuseGraph &graph, unsigned cluster);
  std::string unique(std::string stem);

  mlir::func::FuncOp function;
  llvm::StringMap<unsigned> taken;
  /// Parameters whose product was named: a later one is backward.
  llvm::StringMap<unsigned> products;
};

} // namespace dlc
