// Chooses the order of axes and the padding of rows of what lies between kernels (stage fused).
//
// 1. A parameter that products read takes the order that gives most of them, by their arithmetic, unit stride along the
//    axis that their result's rows run along; at a tie the program's order stays. A parameter that carries a layout, or
//    asks for one by the attribute `dl.layout`, keeps it.
// 2. State of a parameter ("m.fc1.weight") takes the parameter's layout, and so does a result that updates either.
// 3. Rows of 1 KiB or a multiple are padded by 16 elements: their cache lines would collide. Rows of parameters are
//    filled up to a multiple of 16 elements where that adds an eighth at most.
// 4. Around products of windows (convolutions) results have their channels, or a large batch, innermost, weights their taps
//    outermost; arguments of the function that would have to be turned for that are copied: see WindowLayouts.cpp.
// Inputs and outputs of the function stay as the caller knows them, what loops carry is dense, and so is what a product
// reads through a reshape that joins axes (but for a leading axis that it leaves alone), and a stack whose entries are not
// each written by a kernel.

#include "passes/Layouts.h"
#include "passes/Passes.h"
#include "passes/WindowLayouts.h"

#include "ir/KernelRole.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

using namespace mlir;

namespace dlc {
#define GEN_PASS_DEF_CHOOSELAYOUTS
#include "passes/Passes.h.inc"

namespace {

constexpr int64_t rowPadding = 16;
constexpr int64_t collidingBytes = 1024;

int64_t elementBytes(RankedTensorType type) { return llvm::divideCeil(type.getElementTypeBitWidth(), 8); }

/// `size` elements in a row, and what to add so that rows do not collide.
int64_t paddedRow(int64_t size, int64_t bytes) {
  bool collides = size > 0 && size * bytes % collidingBytes == 0;
  return collides ? size + rowPadding : size;
}

RankedTensorType withLayout(RankedTensorType type, dl::LayoutAttr layout) {
  bool dense = llvm::equal(layout.getOrder(), llvm::seq<int64_t>(0, type.getRank())) &&
               layout.getRow() == type.getShape().back();
  return RankedTensorType::get(type.getShape(), type.getElementType(), dense ? dl::LayoutAttr() : layout);
}

/// The arithmetic that wants each axis of a matrix innermost.
struct Wishes {
  double axis[2] = {0, 0};
};

struct ChooseLayouts : impl::ChooseLayoutsBase<ChooseLayouts> {
  using ChooseLayoutsBase::ChooseLayoutsBase;

  void runOnOperation() override {
    for (func::FuncOp function : getOperation().getOps<func::FuncOp>())
      if (!function.isExternal())
        choose(function);
  }

private:
  static StringRef text(func::FuncOp function, unsigned argument, StringRef key) {
    auto value = function.getArgAttrOfType<StringAttr>(argument, key);
    return value ? value.getValue() : StringRef();
  }

  static void choose(func::FuncOp function) {
    llvm::StringMap<dl::LayoutAttr> parameters;
    for (StringRef role : {"param", "state"})
      for (BlockArgument argument : function.getArguments())
        if (text(function, argument.getArgNumber(), "dl.role") == role)
          chooseArgument(function, argument, role == "param", parameters);
    Operation *end = function.getBody().front().getTerminator();
    auto isFree = [](Value value) {
      return !cast<RankedTensorType>(value.getType()).getEncoding() && llvm::all_of(value.getUses(), mayBePadded);
    };
    copyTurnedArguments(function);
    llvm::DenseMap<Value, int64_t> innermost = innermostAxes(function, [&](Value value, int64_t axis) {
      Joined joined = joinedForProduct(value);
      return isFree(value) && (joined == Joined::none || (joined == Joined::others && axis == 0));
    });
    function.walk([&](dl::KernelOp kernel) {
      for (Value value : kernel.getValues())
        if (auto axis = innermost.find(value); axis != innermost.end())
          order(value, axis->second);
        else if (isFree(value))
          padRows(value);
    });
    function.walk([&](dl::ScanOp scan) {
      for (auto [element, stack] : llvm::zip_equal(scan.stackedElements(), scan.stackedResults()))
        if (!scan.getBreaks() && llvm::all_of(stack.getUses(), mayBePadded) && isWrittenInPlace(element))
          padRows(stack);
    });
    for (OpOperand &operand : end->getOpOperands())
      if (auto updates = function.getResultAttrOfType<IntegerAttr>(operand.getOperandNumber(), "dl.updates"))
        operand.get().setType(function.getArgument(updates.getInt()).getType());
    alignWrittenOver(function);
    SmallVector<Type> argumentTypes(function.getBody().front().getArgumentTypes());
    function.setType(FunctionType::get(function.getContext(), argumentTypes, end->getOperandTypes()));
  }

  static void chooseArgument(func::FuncOp function, BlockArgument argument, bool isParameter,
                             llvm::StringMap<dl::LayoutAttr> &parameters) {
    unsigned index = argument.getArgNumber();
    auto type = cast<RankedTensorType>(argument.getType());
    StringRef name = text(function, index, "dl.name");
    auto asked = function.getArgAttrOfType<dl::LayoutAttr>(index, "dl.layout");
    function.removeArgAttr(index, "dl.layout");
    if (asked && !type.getEncoding())
      argument.setType(withLayout(type, asked));
    else if (!type.getEncoding() && isParameter && type.getRank() == 2 && !isReshapedForProduct(argument))
      argument.setType(withLayout(type, parameterLayout(argument)));
    else if (auto order = isParameter && !type.getEncoding() ? weightOrder(function, argument) : std::nullopt)
      argument.setType(
          withLayout(type, dl::LayoutAttr::get(type.getContext(), *order, type.getDimSize(order->back()))));
    else if (!type.getEncoding() && !isParameter)
      // "m.fc1.weight" belongs to "fc1.weight".
      if (dl::LayoutAttr layout = parameters.lookup(name.split('.').second);
          layout && static_cast<int64_t>(layout.getOrder().size()) == type.getRank() &&
          layout.getRow() >= type.getDimSize(layout.getOrder().back()))
        argument.setType(withLayout(type, layout));
    if (isParameter)
      if (dl::LayoutAttr layout = layoutOf(cast<RankedTensorType>(argument.getType())))
        parameters[name] = layout;
  }

  /// The operand of a kernel whose result that is written over, if it can be; else null.
  static Value writtenOver(dl::KernelOp kernel) {
    Operation &first = kernel.getBody().front().front();
    if (!dl::kernelRole(&first).writesOver)
      return Value();
    Value init = kernel.getIns()[cast<BlockArgument>(first.getOperand(0)).getArgNumber()];
    return init.getDefiningOp<dl::KernelOp>() && init.hasOneUse() ? init : Value();
  }

  /// What is written over has the layout of what it becomes.
  static void alignWrittenOver(func::FuncOp function) {
    SmallVector<dl::KernelOp> kernels;
    function.walk([&](dl::KernelOp kernel) { kernels.push_back(kernel); });
    for (dl::KernelOp kernel : llvm::reverse(kernels))
      if (Value init = writtenOver(kernel))
        init.setType(kernel.getResult(0).getType());
  }

  /// Whether a use takes what it reads in any layout: not so what a block ends with, and what a loop begins with.
  static bool mayBePadded(OpOperand &use) {
    Operation *op = use.getOwner();
    if (auto scan = dyn_cast<dl::ScanOp>(op))
      return use.getOperandNumber() >= scan.getInits().size();
    if (auto loop = dyn_cast<dl::WhileOp>(op))
      return use.getOperandNumber() >= loop.getInits().size();
    return !op->hasTrait<OpTrait::IsTerminator>();
  }

  /// Whether a kernel of the loop's body writes the entries of a stack, and what reads them takes them in any layout.
  static bool isWrittenInPlace(Value element) {
    auto kernel = element.getDefiningOp<dl::KernelOp>();
    return kernel && !writtenOver(kernel) && !isReshapedForProduct(element) &&
           llvm::all_of(element.getUsers(), [](Operation *user) { return isa<dl::KernelOp, dl::YieldOp>(user); });
  }

  /// Calls `visit` with each kernel that reads `value`, in loops and branches too, and the argument that it is there.
  static void forEachReader(Value value, llvm::function_ref<void(dl::KernelOp, BlockArgument)> visit) {
    for (OpOperand &use : value.getUses()) {
      Operation *op = use.getOwner();
      unsigned number = use.getOperandNumber();
      if (auto kernel = dyn_cast<dl::KernelOp>(op))
        visit(kernel, kernel->getRegion(0).getArgument(number));
      else if (auto branch = dyn_cast<dl::IfOp>(op); branch && number > 0)
        for (Region &side : op->getRegions())
          forEachReader(side.getArgument(number - 1), visit);
      else if (auto scan = dyn_cast<dl::ScanOp>(op); scan && number >= scan.getInits().size() + scan.getSlices().size())
        forEachReader(scan.block().getArgument(number + 1), visit);
      else if (auto loop = dyn_cast<dl::WhileOp>(op); loop && number >= loop.getInits().size())
        for (Region &region : op->getRegions())
          forEachReader(region.getArgument(number), visit);
    }
  }

  /// Whether products read a value through reshapes that join axes: in another order than the program's these would be no run
  /// of memory. `others`: all but the leading axis, which may lie anywhere.
  enum class Joined { none, others, all };
  static Joined joinedForProduct(Value value) {
    Joined joined = Joined::none;
    forEachReader(value, [&](dl::KernelOp kernel, BlockArgument inner) {
      if (kernel.getKind() != dl::KernelKind::contract)
        return;
      for (Operation *user : inner.getUsers())
        if (auto reshape = dyn_cast<dl::ReshapeOp>(user)) {
          ArrayRef<int64_t> from = dl::shapeOf(reshape.getOperand()), to = dl::shapeOf(reshape.getResult());
          if (largeAxes(reshape.getOperand()) > largeAxes(reshape.getResult()) || !axesThroughReshape(from, to))
            joined = std::max(joined, !to.empty() && from[0] == to[0] ? Joined::others : Joined::all);
        }
    });
    return joined;
  }

  static int64_t largeAxes(Value value) {
    return llvm::count_if(dl::shapeOf(value), [](int64_t size) { return size != 1; });
  }

  /// Gives `value` the order with `axis` innermost.
  static void order(Value value, int64_t axis) {
    auto type = cast<RankedTensorType>(value.getType());
    SmallVector<int64_t> axes;
    for (int64_t other = 0; other < type.getRank(); ++other)
      if (other != axis)
        axes.push_back(other);
    axes.push_back(axis);
    int64_t row = type.getDimSize(axis);
    value.setType(withLayout(type, dl::LayoutAttr::get(type.getContext(), axes, row)));
  }

  /// Whether a product reads `value` through a reshape, which padding would break.
  static bool isReshapedForProduct(Value value) {
    bool isReshaped = false;
    forEachReader(value, [&](dl::KernelOp kernel, BlockArgument inner) {
      if (kernel.getKind() == dl::KernelKind::contract)
        isReshaped |= llvm::any_of(inner.getUsers(), llvm::IsaPred<dl::ReshapeOp>);
    });
    return isReshaped;
  }

  /// The order of axes that the first product of windows wants of a parameter: the forward one.
  static std::optional<SmallVector<int64_t>> weightOrder(func::FuncOp function, BlockArgument argument) {
    std::optional<SmallVector<int64_t>> order;
    if (dl::shapeOf(argument).size() > 2)
      function.walk([&](dl::KernelOp kernel) {
        for (auto [number, in] : llvm::enumerate(kernel.getIns()))
          if (in == argument && !order)
            order = orderOfWeights(kernel, kernel.getBody().getArgument(number));
      });
    return order;
  }

  static dl::LayoutAttr parameterLayout(BlockArgument argument) {
    Wishes wishes;
    forEachReader(argument, [&](dl::KernelOp, BlockArgument matrix) { addWishes(matrix, wishes); });
    auto type = cast<RankedTensorType>(argument.getType());
    bool turned = wishes.axis[0] > wishes.axis[1];
    int64_t size = type.getDimSize(turned ? 0 : 1), rows = type.getDimSize(turned ? 1 : 0);
    int64_t filled = llvm::alignTo(size, rowPadding);
    if (size == 0 || rows <= 1 || (filled - size) * 8 > size)
      filled = size;
    SmallVector<int64_t> order = turned ? SmallVector<int64_t>{1, 0} : SmallVector<int64_t>{0, 1};
    int64_t row = rows > 1 ? paddedRow(filled, elementBytes(type)) : filled;
    return dl::LayoutAttr::get(type.getContext(), order, row);
  }

  /// A product vectorises along the innermost axis of its result: an operand that has this axis wants it innermost, also
  /// where it is a part of the matrix.
  static void addWishes(Value matrix, Wishes &wishes) {
    for (OpOperand &use : matrix.getUses()) {
      if (auto part = dyn_cast<dl::SliceOp>(use.getOwner()))
        addWishes(part, wishes);
      auto product = dyn_cast<dl::ContractOp>(use.getOwner());
      if (!product || product.resultLetters().empty())
        continue;
      llvm::StringMap<int64_t> sizes;
      for (auto [letters, operand] :
           {std::pair(product.lhsLetters(), product.getLhs()), std::pair(product.rhsLetters(), product.getRhs())})
        for (auto [axis, letter] : llvm::enumerate(letters))
          sizes[StringRef(&letter, 1)] = cast<RankedTensorType>(operand.getType()).getDimSize(axis);
      double work = 2;
      for (const auto &entry : sizes)
        work *= entry.second;
      StringRef letters = use.getOperandNumber() == 0 ? product.lhsLetters() : product.rhsLetters();
      size_t place = letters.find(product.resultLetters().back());
      if (place != StringRef::npos)
        wishes.axis[place] += work;
    }
  }

  static void padRows(Value value) {
    auto type = cast<RankedTensorType>(value.getType());
    if (type.getRank() < 2 || type.getEncoding() || isReshapedForProduct(value))
      return;
    int64_t size = type.getShape().back(), row = paddedRow(size, elementBytes(type));
    if (row == size || size == 0 || type.getNumElements() == size)
      return;
    SmallVector<int64_t> order = llvm::to_vector(llvm::seq<int64_t>(0, type.getRank()));
    value.setType(withLayout(type, dl::LayoutAttr::get(type.getContext(), order, row)));
  }
};

} // namespace
} // namespace dlc
