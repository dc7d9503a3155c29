// A product of windows runs its vectors along the output channels, a free axis of the operand that does not slide, where they
// fill a vector; along the batch where they do not and it is large; else along the last axis of space. So its result has that
// axis innermost. What it slides on has the axis in front of those that slide innermost, its channels: for them and the taps
// beside them are then one run of memory; or the batch, if the vectors run along it. An argument of the function that is
// to be turned so is copied first.
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
/// A batch of so many fills the vectors of a tile, and better than fewer channels than `fewChannels` do.
constexpr int64_t fullBatch = 64, fewChannels = 32;

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
  /// The letter of channels that vectors run along; 0: the batch, or a position.
  char column = 0;
  /// The letter of a batch that is large; 0: there is none.
  char batch = 0;
  bool runsAlongBatch() const { return batch && !column; }
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
  // The leading axis, if it is a batch: no window slides along it, and both operands have it or the result does.
  for (auto [letter, axis] : llvm::zip_equal(product.slidLetters, product.slid.axes))
    if (axis == 0 && !llvm::is_contained(product.slid.slid, 0) && sizes[letter] >= fullBatch &&
        product.stillLetters.contains(letter) != product.op.resultLetters().contains(letter))
      product.batch = letter;
  int64_t widest = (product.batch ? fewChannels : fullVector) - 1;
  for (char letter : product.op.resultLetters())
    if (!product.slidLetters.contains(letter) && sizes[letter] > widest)
      widest = sizes[letter], product.column = letter;
  return product;
}

/// What a group of tensors wants innermost, by the arithmetic of the products that want it; -1: the program's order.
using Wishes = std::map<int64_t, double>;

class Chooser {
public:
  Chooser(func::FuncOp function, llvm::function_ref<bool(Value, int64_t)> isFree) : isFree(isFree) {
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
      if (most != wanted.end() && most->first >= 0 && (most->first < sharedAxes || wishes.contains(value)) &&
          isFree(value, most->first))
        result[value] = most->first;
    }
    return result;
  }

private:
  bool isChosen(Value value) const {
    return value.getDefiningOp<dl::KernelOp>() && shapeOf(value).size() >= 3 && isFree(value, 0);
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
    char lanes = product.column ? product.column : product.batch;
    auto placeOf = [](char letter, StringRef letters) { return letter ? int64_t(letters.find(letter)) : int64_t(-1); };
    for (Value value : kernel.getResults())
      if (shapeOf(value).size() == result.size())
        wish(value, placeOf(lanes, result), product.work);
    int64_t channels = *llvm::min_element(product.slid.slid) - 1;
    wish(valueOf(product.slid), product.runsAlongBatch() ? 0 : product.column ? channels : -1, product.work);
    // A gradient of weights: what does not slide is the cotangent.
    if (int64_t place = placeOf(lanes, product.stillLetters); place >= 0)
      wish(valueOf(product.still), product.still.axes[place], product.work);
  }

  /// The axes, batch and channels, that tensors of one kernel have in common whatever windows or reshapes make of the others.
  static constexpr int64_t sharedAxes = 2;

  /// Tensors of a kernel choose together; a product's operands for themselves.
  void join(dl::KernelOp kernel, bool isProduct) {
    SmallVector<Value> values(kernel.getIns());
    llvm::append_range(values, kernel.getResults());
    // A reduction has the axes of what it reads.
    Value whole = kernel.getResult(0), first;
    for (Value value : isProduct ? ArrayRef<Value>() : ArrayRef(values))
      if (shapeOf(value).size() > shapeOf(whole).size())
        whole = value;
    if (shapeOf(whole).size() < sharedAxes)
      return;
    for (Value value : values) {
      if (!isChosen(value) || (isProduct && shapeOf(value) != shapeOf(whole)) ||
          shapeOf(value).take_front(sharedAxes) != shapeOf(whole).take_front(sharedAxes))
        continue;
      groups.insert(value);
      if (first)
        groups.unionSets(first, value);
      first = value;
    }
  }

  llvm::function_ref<bool(Value, int64_t)> isFree;
  llvm::EquivalenceClasses<Value> groups;
  llvm::MapVector<Value, Wishes> wishes;
};

/// A kernel that copies the function's argument `value`.
Value copyOf(Value value, func::FuncOp function) {
  OpBuilder builder(function.getContext());
  builder.setInsertionPointToStart(&function.getBody().front());
  auto name = function.getArgAttrOfType<StringAttr>(cast<BlockArgument>(value).getArgNumber(), "dl.name");
  auto kernel = dl::KernelOp::create(builder, value.getLoc(), value.getType(),
                                     builder.getStringAttr((name ? name.getValue() : "argument") + Twine("_turned")),
                                     dl::KernelKind::map, value, ValueRange());
  Block &body = kernel.getBody().emplaceBlock();
  builder.setInsertionPointToStart(&body);
  dl::YieldOp::create(builder, value.getLoc(), Value(body.addArgument(value.getType(), value.getLoc())));
  return kernel.getResult(0);
}
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

void copyTurnedArguments(func::FuncOp function) {
  llvm::DenseMap<Value, Value> copies;
  for (dl::KernelOp kernel : llvm::to_vector(function.getBody().front().getOps<dl::KernelOp>())) {
    std::optional<WindowProduct> product = windowProductOf(kernel);
    if (!product || !product->runsAlongBatch())
      continue;
    OpOperand &operand = kernel->getOpOperand(product->slid.argument.getArgNumber());
    Value value = operand.get();
    if (!isa<BlockArgument>(value) || cast<RankedTensorType>(value.getType()).getEncoding())
      continue;
    Value &copy = copies[value];
    if (!copy)
      copy = copyOf(value, function);
    operand.set(copy);
  }
}

char batchOfVectors(dl::KernelOp kernel) {
  std::optional<WindowProduct> product = windowProductOf(kernel);
  return product && product->runsAlongBatch() ? product->batch : 0;
}

llvm::DenseMap<Value, int64_t> innermostAxes(func::FuncOp function, llvm::function_ref<bool(Value, int64_t)> isFree) {
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
  // An axis that is cut has several letters: the outermost decides.
  SmallVector<int64_t> order;
  for (auto [rank, axis] : axes)
    if (!llvm::is_contained(order, axis))
      order.push_back(axis);
  return order.size() == shapeOf(weights).size() ? std::optional(order) : std::nullopt;
}

} // namespace dlc
