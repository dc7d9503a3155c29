// Where a tensor lives inside a block of parameters or optimizer state, and how to bring it in and out as a dense
// row-major tensor. The physical order of its axes and the padding between rows are the compiler's; they are strides
// here.
#pragma once

#include "runtime/DType.h"

#include <optional>
#include <string>
#include <vector>

namespace dlc {

/// A tensor in a block. Padding belongs to nobody: packing leaves it as it is (zero).
struct TensorSlot {
  std::string name; ///< `fc1.weight`; optimizer state is `STATE.PARAM`
  DType dtype = DType::F32;
  std::vector<int64_t> shape;   ///< logical, as the program and checkpoints see it
  size_t byteOffset = 0;        ///< in its block, a multiple of 64
  std::vector<int64_t> strides; ///< in elements, one for each logical axis; may be transposed or padded

  /// Elements of the logical tensor.
  int64_t elements() const;
  size_t denseBytes() const { return size_t(elements()) * sizeOf(dtype); }
  /// Whether it lies as a dense row-major tensor would.
  bool isDense() const;
};

/// A dense slot at `byteOffset`.
TensorSlot denseSlot(std::string name, DType dtype, std::vector<int64_t> shape, size_t byteOffset);

/// Writes a dense row-major tensor into the slot of a block.
void packTensor(const TensorSlot &slot, const void *dense, void *block);
/// Sets every element of the slot of a block, rounded to the slot's dtype.
void fillTensor(const TensorSlot &slot, double value, void *block);
/// The first element of the slot of a block that is NaN, else the first that is infinite, if there is one.
std::optional<double> findNotFinite(const TensorSlot &slot, const void *block);
/// Reads the slot of a block into a dense row-major tensor.
void unpackTensor(const TensorSlot &slot, const void *block, void *dense);

} // namespace dlc
