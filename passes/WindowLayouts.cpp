// A product of windows runs its vectors along the output channels, a free axis of the operand that does not slide, where they
// fill a vector; else along the last axis of space. So its result has that axis innermost. What it slides on has the axis in
// front of those that slide innermost, its channels: for them and the taps beside them are then one run of memory.
// Elementwise kernels and reductions of windows work in any order, but all tensors of a kernel in the same: groups of tensors
// choose together, by the arithmetic of the products.

#include "passes/WindowLayouts.h"

#include "llvm/ADT/EquivalenceClasses.h"
#include "llvm/ADT/MapVector.h"

using namespace mlir;

namespace dlc {

namespace {
using dl::shapeOf;

/// Fewer channels than this do not fill a vector.
constexpr int64_t fullVector = 16;

/// An operand of a product as its kernel's argument: the axis of it that each letter is; -1 for taps.
struct Operand {
  BlockArgument argument;
  SmallVector<int64_t> axes;
  /// The axes along which windows slide.
  SmallVector<int64_t> slid;
};

std::optional<Operand> operandOf(Value value) {
  Operand operand;
  operand.axes = llvm::to_vector(llvm::seq<int64_t>(shapeOf(value).size()));
  while (Operation *op = value.getDefiningOp()) {
    if (auto window = dyn_cast<dl::WindowOp>(op)) {
      int64_t rank = shapeOf(window.getOperand()).size();
      for (int64_t &axis : operand.axes)
        axis = axis >= rank ? -1 : axis;
      operand.slid.assign(window.getAxes().begin(), window.getAxes().end());
    } else if (auto transpose = dyn_cast<dl::TransposeOp>(op)) {
      for (auto *axes : {&operand.axes, &operand.slid})
        for (int64_t &axis : *axes)
          axis = axis < 0 ? axis : transpose.getPermutation()[axis];
    } else if (auto reshape = dyn_cast<dl::ReshapeOp>(op)) {
      auto from = axesThroughReshape(shapeOf(reshape.getOperand()), shapeOf(reshape.getResult()));
      if (!from)
        return std::nullopt;
      for (auto *axes : {&operand.axes, &operand.slid})
        for (int64_t &axis : *axes)
          axis = axis < 0 ? axis : (*from)[axis];
    } else if (!isa<dl::ReverseOp, dl::SliceOp>(op)) {
      return std::nullopt;
    }
    value = op->getOperand(0);
  }
  operand.argument = dyn_cast<BlockArgument>(value);
  return operand.argument ? std::optional(operand) : std::nullopt;
}

/// A product of which one operand slides.
struct WindowProduct {
  dl::ContractOp op;
  Operand slid, still;
  StringRef slidLetters, stillLetters;
  double work = 2;
  /// The letter that vectors run along; 0: a position.
  char column = 0;
};

std::optional<WindowProduct> windowProductOf(dl::KernelOp kernel) {
  if (kernel.getKind() != dl::KernelKind::contract)
    return std::nullopt;
  WindowProduct product;
  product.op = *kernel.getBody().front().getOps<dl::ContractOp>().begin();
  auto lhs = operandOf(product.op.getLhs()), rhs = operandOf(product.op.getRhs());
  if (!lhs || !rhs || lhs->slid.empty() == rhs->slid.empty())
    return std::nullopt;
  bool isLeft = !lhs->slid.empty();
  product.slid = isLeft ? *lhs : *rhs, product.still = isLeft ? *rhs : *lhs;
  product.slidLetters = isLeft ? product.op.lhsLetters() : product.op.rhsLetters();
  product.stillLetters = isLeft ? product.op.rhsLetters() : product.op.lhsLetters();
  std::map<char, int64_t> sizes;
  for (auto [letters, operand] : {std::pair(product.op.lhsLetters(), product.op.getLhs()),
                                  std::pair(product.op.rhsLetters(), product.op.getRhs())})
    for (auto [letter, size] : llvm::zip_equal(letters, shapeOf(operand)))
      sizes[letter] = size;
  for (auto [letter, size] : sizes)
    product.work *= double(size);
  int64_t widest = fullVector - 1;
  for (char letter : product.op.resultLetters())
    if (!product.slidLetters.contains(letter) && sizes[letter] > widest)
      widest = sizes[letter], product.column = letter;
  return product;
}

/// What a group of tensors wants innermost, by the arithmetic of the products that want it; -1: the program's order.
using Wishes = std::map<int64_t, double>;

class Chooser {
public:
  Chooser(func::FuncOp function, llvm::function_ref<bool(Value)> isFree) : isFree(isFree) {
    function.walk([&](dl::KernelOp kernel) {
      std::optional<WindowProduct> product = windowProductOf(kernel);
      if (product)
        addWishes(kernel, *product);
      if (kernel.getNumResults() > 0 && (product || kernel.getKind() == dl::KernelKind::map))
        join(kernel, product.has_value());
    });
  }

  llvm::DenseMap<Value, int64_t> innermost() const {
    llvm::DenseMap<Value, Wishes> ofGroups;
    for (auto &[value, wanted] : wishes)
      for (auto [axis, work] : wanted)
        ofGroups[groups.getLeaderValue(value)][axis] += work;
    llvm::DenseMap<Value, int64_t> result;
    for (const auto &entry : groups) {
      Value value = entry->getData();
      const Wishes &wanted = ofGroups[groups.getLeaderValue(value)];
      auto most = std::max_element(wanted.begin(), wanted.end(), [](auto &a, auto &b) { return a.second < b.second; });
      // Tensors of other ranks have the leading axes in common alone.
      if (most != wanted.end() && most->first >= 0 && (most->first < sharedAxes || wishes.contains(value)))
        result[value] = most->first;
    }
    return result;
  }

private:
  bool isChosen(Value value) const {
    return value.getDefiningOp<dl::KernelOp>() && shapeOf(value).size() >= 3 && isFree(value);
  }

  void wish(Value value, int64_t axis, double work) {
    if (!isChosen(value))
      return;
    groups.insert(value);
    wishes[value][axis] += work;
  }

  void addWishes(dl::KernelOp kernel, WindowProduct &product) {
    StringRef result = product.op.resultLetters();
    auto valueOf = [&](const Operand &operand) { return kernel.getIns()[operand.argument.getArgNumber()]; };
    int64_t column = product.column ? int64_t(result.find(product.column)) : -1;
    for (Value value : kernel.getResults())
      if (shapeOf(value).size() == result.size())
        wish(value, column, product.work);
    int64_t channels = *llvm::min_element(product.slid.slid) - 1;
    wish(valueOf(product.slid), product.column ? channels : -1, product.work);
    // A gradient of weights: what does not slide is the cotangent.
    if (size_t place = product.column ? product.stillLetters.find(product.column) : StringRef::npos;
        place != StringRef::npos)
      wish(valueOf(product.still), product.still.axes[place], product.work);
  }

  /// The axes, batch and channels, that tensors of one kernel have in common whatever windows or reshapes make of the others.
  static constexpr int64_t sharedAxes = 2;

  /// Tensors of a kernel choose together; a product's operands for themselves.
  void join(dl::KernelOp kernel, bool isProduct) {
    Value result = kernel.getResult(0), first;
    if (shapeOf(result).size() < sharedAxes)
      return;
    for (Value value : llvm::concat<Value>(llvm::to_vector(kernel.getIns()), llvm::to_vector(kernel.getResults()))) {
      if (!isChosen(value) || (isProduct && shapeOf(value) != shapeOf(result)) ||
          shapeOf(value).take_front(sharedAxes) != shapeOf(result).take_front(sharedAxes))
        continue;
      groups.insert(value);
      if (first)
        groups.unionSets(first, value);
      first = value;
    }
  }

  llvm::function_ref<bool(Value)> isFree;
  llvm::EquivalenceClasses<Value> groups;
  llvm::MapVector<Value, Wishes> wishes;
};
} // namespace

std::optional<SmallVector<int64_t>> axesThroughReshape(ArrayRef<int64_t> from, ArrayRef<int64_t> to) {
  SmallVector<int64_t> axes;
  size_t i = 0;
  while (axes.size() < to.size()) {
    size_t first = i, begin = axes.size();
    int64_t a = i < from.size() ? from[i++] : 1, b = to[begin];
    axes.push_back(std::min(first, from.size() - 1));
    while (a != b) {
      if (a < b ? i == from.size() : axes.size() == to.size())
        return std::nullopt;
      if (a < b)
        a *= from[i++];
      else
        b *= to[axes.size()], axes.push_back(first);
    }
    if (i - first > 1 && axes.size() - begin > 1)
      return std::nullopt;
  }
  return axes;
}

llvm::DenseMap<Value, int64_t> innermostAxes(func::FuncOp function, llvm::function_ref<bool(Value)> isFree) {
  return Chooser(function, isFree).innermost();
}

std::optional<SmallVector<int64_t>> orderOfWeights(dl::KernelOp kernel, BlockArgument weights) {
  std::optional<WindowProduct> product = windowProductOf(kernel);
  if (!product || product->still.argument != weights || !product->column)
    return std::nullopt;
  // Taps are what the windows have, sums what both have else.
  auto rankOf = [&](char letter) {
    size_t place = product->slidLetters.find(letter);
    return letter == product->column ? 3 : place == StringRef::npos ? 1 : product->slid.axes[place] < 0 ? 0 : 2;
  };
  SmallVector<std::pair<int, int64_t>> axes;
  for (auto [letter, axis] : llvm::zip_equal(product->stillLetters, product->still.axes))
    axes.push_back({rankOf(letter), axis});
  llvm::sort(axes);
  return llvm::map_to_vector(axes, [](auto &axis) { return axis.second; });
}

} // namespace dlc
