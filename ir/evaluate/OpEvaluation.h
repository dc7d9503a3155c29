// One operation of the reference evaluator at work: its operands, its result, and a loop for each family.
#pragma once

#include "ir/Dialect.h"
#include "ir/evaluate/Evaluator.h"

namespace dlc::dl {

/// Computes one operation. Each family's method says whether the operation is one of its own; `error` is not empty when
/// that has no value.
class OpEvaluation {
public:
  OpEvaluation(mlir::Operation *op, llvm::ArrayRef<const HostTensor *> in)
      : op(op), in(in), out(HostTensor::zeros(llvm::cast<mlir::RankedTensorType>(op->getResult(0).getType()))) {}

  bool elementwise();
  bool contraction();
  bool reduction();
  bool shape();
  bool indexing();
  bool random();

  mlir::Operation *op;
  llvm::ArrayRef<const HostTensor *> in;
  HostTensor out;
  std::string error;
};

/// The results of dl.linalg; `error` says what has none.
llvm::SmallVector<HostTensor> evaluateLinalg(LinalgOp op, llvm::ArrayRef<const HostTensor *> in, std::string &error);

/// The distance in elements between neighbours along each axis of a dense row-major tensor.
llvm::SmallVector<int64_t> stridesOf(llvm::ArrayRef<int64_t> shape);

/// Calls `visit` with every index of the shape in row-major order.
void forEachIndex(llvm::ArrayRef<int64_t> shape, llvm::function_ref<void(llvm::ArrayRef<int64_t>)> visit);

/// The element's place, given as an index and strides (of as many axes).
int64_t placeOf(llvm::ArrayRef<int64_t> index, llvm::ArrayRef<int64_t> strides);

/// `value` in the width of the integer type, wrapped: i32 and i64 signed, ui8 in 0..255, i1 its lowest bit.
int64_t wrapTo(mlir::Type type, int64_t value);

/// `value` rounded to the float type.
double roundTo(mlir::Type type, double value);

/// Copies element `from` of `source` to element `to` of `target`, of the same element type.
void copyElement(const HostTensor &source, int64_t from, HostTensor &target, int64_t to);

/// Calls `visit` with the tensor's elements: its doubles or its integers.
template <class Visit> void visitElements(HostTensor &tensor, Visit visit) {
  if (tensor.isFloat())
    visit(tensor.floats);
  else
    visit(tensor.ints);
}

} // namespace dlc::dl
