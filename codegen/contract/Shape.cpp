// Views as lists of strided pieces: each axis of a tensor is a row of pieces, outermost first, whose indices count through
// it like digits. A transposition moves rows, a reshape joins and cuts pieces.
#include "codegen/contract/Shape.h"
#include "mlir/IR/BuiltinTypes.h"

using namespace mlir;

namespace dlc {

namespace {
struct Piece {
  int64_t size, stride;
};
using Pieces = SmallVector<Piece, 2>;
} // namespace

static SmallVector<int64_t> stridesOf(Type type) {
  auto [strides, offset] = cast<MemRefType>(type).getStridesAndOffset();
  return strides;
}

/// Cuts the row of all pieces anew at the sizes `to`; false where a cut does not fall between pieces or inside one.
static bool throughReshape(SmallVectorImpl<Pieces> &axes, ArrayRef<int64_t> to) {
  Pieces row;
  for (Pieces &axis : axes)
    for (Piece piece : axis)
      if (!row.empty() && row.back().stride == piece.stride * piece.size)
        row.back() = {row.back().size * piece.size, piece.stride};
      else
        row.push_back(piece);
  axes.assign(to.size(), {});
  for (size_t axis = to.size(); axis-- > 0;)
    for (int64_t left = to[axis]; left > 1;) {
      Piece &last = row.back();
      if (left % last.size == 0) {
        axes[axis].insert(axes[axis].begin(), last);
        left /= last.size;
        row.pop_back();
        continue;
      }
      if (last.size % left != 0)
        return false;
      axes[axis].insert(axes[axis].begin(), Piece{left, last.stride});
      last = {last.size / left, last.stride * left};
      left = 1;
    }
  return true;
}

/// Positions and taps are steps along the same axis; false where that axis is no single piece.
static bool throughWindow(dl::WindowOp window, SmallVectorImpl<Pieces> &axes) {
  ArrayRef<int64_t> shape = window.getType().getShape();
  size_t rank = axes.size();
  axes.resize(shape.size());
  for (auto [number, axis] : llvm::enumerate(window.getAxes())) {
    if (axes[axis].size() > 1)
      return false;
    int64_t stride = axes[axis].empty() ? 0 : axes[axis][0].stride;
    axes[axis].clear();
    if (shape[axis] != 1)
      axes[axis].push_back({shape[axis], stride * window.getSteps()[number]});
    if (int64_t taps = shape[rank + number]; taps != 1)
      axes[rank + number].push_back({taps, stride * window.getSpreads()[number]});
  }
  return true;
}

/// The pieces of each axis of an operand, the block argument that it views, and where in it the view begins.
static std::optional<SmallVector<Pieces>> viewOf(dl::KernelOp kernel, Value operand, unsigned &argument,
                                                 int64_t &offset) {
  auto shape = cast<RankedTensorType>(operand.getType()).getShape();
  if (auto block = dyn_cast<BlockArgument>(operand)) {
    argument = block.getArgNumber();
    SmallVector<Pieces> axes(shape.size());
    for (auto [axis, size, stride] : llvm::zip_equal(axes, shape, stridesOf(kernel.getIns()[argument].getType())))
      if (size != 1)
        axis.push_back({size, stride});
    return axes;
  }
  Operation *op = operand.getDefiningOp();
  if (!isa<dl::ReshapeOp, dl::TransposeOp, dl::SliceOp, dl::WindowOp, dl::ReverseOp>(op))
    return std::nullopt;
  auto axes = viewOf(kernel, op->getOperand(0), argument, offset);
  if (!axes)
    return std::nullopt;
  if (auto slice = dyn_cast<dl::SliceOp>(op)) {
    for (auto [axis, low, step, size] : llvm::zip_equal(*axes, slice.getStarts(), slice.getSteps(), shape)) {
      if (axis.size() > 1)
        return std::nullopt;
      int64_t stride = axis.empty() ? 0 : axis[0].stride;
      offset += low * stride;
      axis.clear();
      if (size != 1)
        axis.push_back({size, stride * step});
    }
    return axes;
  }
  if (auto window = dyn_cast<dl::WindowOp>(op))
    return throughWindow(window, *axes) ? axes : std::nullopt;
  if (auto reverse = dyn_cast<dl::ReverseOp>(op)) {
    for (int64_t axis : reverse.getAxes())
      for (Piece &piece : (*axes)[axis]) {
        offset += (piece.size - 1) * piece.stride;
        piece.stride = -piece.stride;
      }
    return axes;
  }
  if (auto transpose = dyn_cast<dl::TransposeOp>(op)) {
    SmallVector<Pieces> moved;
    for (int64_t from : transpose.getPermutation())
      moved.push_back((*axes)[from]);
    return moved;
  }
  if (!throughReshape(*axes, shape))
    return std::nullopt;
  return axes;
}

/// Cuts the pieces of a letter in two operands so that both have the same sizes.
static bool align(Pieces &a, Pieces &b) {
  Pieces alignedA, alignedB;
  while (!a.empty()) {
    Piece &lastA = a.back(), &lastB = b.back();
    int64_t size = std::min(lastA.size, lastB.size);
    if (lastA.size % size != 0 || lastB.size % size != 0)
      return false;
    alignedA.insert(alignedA.begin(), {size, lastA.stride});
    alignedB.insert(alignedB.begin(), {size, lastB.stride});
    for (Pieces *pieces : {&a, &b}) {
      Piece &last = pieces->back();
      last = {last.size / size, last.stride * size};
      if (last.size == 1)
        pieces->pop_back();
    }
  }
  a = alignedA, b = alignedB;
  return true;
}

/// Whether `inner` follows `outer` in every buffer: together they are one axis.
static bool areOne(const ContractAxis &outer, const ContractAxis &inner) {
  if (outer.inLhs != inner.inLhs || outer.inRhs != inner.inRhs || outer.inResult != inner.inResult)
    return false;
  if (outer.lhsStride != inner.lhsStride * inner.size || outer.rhsStride != inner.rhsStride * inner.size)
    return false;
  return llvm::all_of(llvm::zip_equal(outer.outStrides, inner.outStrides),
                      [&](auto pair) { return std::get<0>(pair) == std::get<1>(pair) * inner.size; });
}

static void mergeAxes(SmallVectorImpl<ContractAxis> &axes) {
  for (bool changed = true; changed;) {
    changed = false;
    for (size_t i = 0; i < axes.size(); ++i)
      for (size_t j = 0; j < axes.size(); ++j) {
        if (i == j || !areOne(axes[i], axes[j]))
          continue;
        ContractAxis merged = axes[j];
        merged.size *= axes[i].size;
        merged.parts = axes[i].parts;
        llvm::append_range(merged.parts, axes[j].parts);
        axes[i] = std::move(merged);
        axes.erase(axes.begin() + j);
        changed = true;
        i = j = 0;
      }
  }
}

dl::ContractOp contractOf(dl::KernelOp kernel) { return *kernel.getBody().front().getOps<dl::ContractOp>().begin(); }

std::optional<ContractShape> analyzeContract(dl::KernelOp kernel) {
  dl::ContractOp op = contractOf(kernel);
  ContractShape shape;
  shape.element = cast<RankedTensorType>(op.getLhs().getType()).getElementType();
  for (Value operand : op->getOperands())
    if (cast<RankedTensorType>(operand.getType()).getNumElements() == 0)
      return std::nullopt;
  auto lhs = viewOf(kernel, op.getLhs(), shape.lhs, shape.lhsOffset);
  auto rhs = viewOf(kernel, op.getRhs(), shape.rhs, shape.rhsOffset);
  if (!lhs || !rhs)
    return std::nullopt;
  SmallVector<SmallVector<int64_t>> outs;
  for (Value out : kernel.getOuts())
    outs.push_back(stridesOf(out.getType()));

  StringRef left = op.lhsLetters(), right = op.rhsLetters(), result = op.resultLetters();
  auto addLetter = [&](char letter) {
    size_t l = left.find(letter), r = right.find(letter), o = result.find(letter);
    constexpr size_t none = StringRef::npos;
    Pieces a = l == none ? (*rhs)[r] : (*lhs)[l], b = r == none ? a : (*rhs)[r];
    if (!align(a, b))
      return false;
    int64_t weight = 1;
    for (const Piece &piece : a)
      weight *= piece.size;
    for (auto [pieceA, pieceB] : llvm::zip_equal(a, b)) {
      weight /= pieceA.size;
      ContractAxis axis;
      axis.size = pieceA.size;
      axis.inLhs = l != none, axis.inRhs = r != none, axis.inResult = o != none;
      axis.lhsStride = l == none ? 0 : pieceA.stride;
      axis.rhsStride = r == none ? 0 : pieceB.stride;
      for (auto &strides : outs)
        axis.outStrides.push_back(o == none ? 0 : strides[o] * weight);
      if (o != none)
        axis.parts.push_back({static_cast<unsigned>(o), pieceA.size, weight});
      shape.axes.push_back(std::move(axis));
    }
    return true;
  };
  for (char letter : result)
    if (!addLetter(letter))
      return std::nullopt;
  for (char letter : left)
    if (!result.contains(letter) && !addLetter(letter))
      return std::nullopt;
  mergeAxes(shape.axes);
  return shape;
}

void ContractShape::swapOperands() {
  std::swap(lhs, rhs);
  std::swap(lhsOffset, rhsOffset);
  for (ContractAxis &axis : axes) {
    std::swap(axis.inLhs, axis.inRhs);
    std::swap(axis.lhsStride, axis.rhsStride);
  }
}

bool ContractShape::joinRows() {
  ContractAxis joined;
  joined.inLhs = joined.inResult = true;
  SmallVector<ContractAxis> others;
  for (ContractAxis &axis : axes) {
    if (!axis.inResult || !axis.inLhs || axis.inRhs) {
      others.push_back(axis);
      continue;
    }
    joined.size *= axis.size;
    joined.digits.push_back({axis.size, axis.lhsStride});
    llvm::append_range(joined.parts, axis.parts);
    joined.outStrides.assign(axis.outStrides.size(), 0);
  }
  if (joined.digits.size() < 2)
    return false;
  axes = std::move(others);
  axes.insert(axes.begin(), std::move(joined));
  return true;
}

int64_t ContractShape::products() const {
  int64_t count = 1;
  for (const ContractAxis &axis : axes)
    count *= axis.size;
  return count;
}

int64_t ContractShape::resultSize() const {
  int64_t count = 1;
  for (const ContractAxis &axis : axes)
    count *= axis.inResult ? axis.size : 1;
  return count;
}

SmallVector<Index> resultIndices(ArrayRef<ContractAxis> axes, ArrayRef<Index> indices, unsigned rank,
                                 IndexContext &context) {
  SmallVector<Index> result(rank, Index::of(0));
  for (auto [axis, index] : llvm::zip_equal(axes, indices)) {
    SmallVector<int64_t> sizes;
    for (const ContractAxis::Part &part : axis.parts)
      sizes.push_back(part.size);
    for (auto [part, digit] : llvm::zip_equal(axis.parts, context.delinearize(index, sizes)))
      result[part.axis] = result[part.axis] + digit * part.weight;
  }
  return result;
}

} // namespace dlc
