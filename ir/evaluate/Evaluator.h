// The reference evaluator: every operation by its plainest loop, floats in f64, integers in their own type. It is the
// oracle of every optimised pipeline and of the gradients, and it folds small constants. It is not made to be fast.
#pragma once

#include "ir/Dialect.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinAttributes.h"
#include <functional>
#include <vector>

namespace dlc::dl {

/// A tensor on the host, row-major. Floats of every width are in `floats`; integers and bools (0, 1) in `ints`.
struct HostTensor {
  mlir::Type element;
  llvm::SmallVector<int64_t> shape;
  std::vector<double> floats;
  std::vector<int64_t> ints;

  bool isFloat() const { return llvm::isa<mlir::FloatType>(element); }
  int64_t size() const;
  mlir::RankedTensorType type() const { return mlir::RankedTensorType::get(shape, element); }
  /// A tensor of zeros; a layout of the type is left out.
  static HostTensor zeros(mlir::RankedTensorType type);
};

struct EvaluateOptions {
  /// Round every float result to its element type; otherwise f64 throughout.
  bool roundToType = false;
  /// What a dl.print does with its tensors; nothing when empty.
  std::function<void(PrintOp, llvm::ArrayRef<const HostTensor *>)> print = {};
};

/// The results of a function of the stages graph, gradient (no dl.grad) and fused (on tensors; layouts do not matter
/// here). Errors go to the context's diagnostics: what cannot be evaluated, arguments of other types than the
/// function's, a dl.check_index that fails.
llvm::FailureOr<llvm::SmallVector<HostTensor>>
evaluate(mlir::func::FuncOp function, llvm::ArrayRef<HostTensor> arguments, const EvaluateOptions &options = {});

/// The result of one operation with one result and no region, given its operands. Fails, with the reason in `error` (if
/// given) and no diagnostic, where it has no value: an index out of range, an operation without a loop here.
llvm::FailureOr<HostTensor> evaluateOp(mlir::Operation *op, llvm::ArrayRef<HostTensor> operands,
                                       const EvaluateOptions &options = {}, std::string *error = nullptr);

/// The same on constants, the result rounded to its type.
llvm::FailureOr<mlir::DenseElementsAttr> evaluate(mlir::Operation *op,
                                                  llvm::ArrayRef<mlir::DenseElementsAttr> operands);

/// Between constants and host tensors; floats are rounded to the element type on the way to a constant.
HostTensor toHost(mlir::DenseElementsAttr constant);
mlir::DenseElementsAttr toConstant(const HostTensor &tensor);

} // namespace dlc::dl
