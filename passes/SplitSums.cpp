// Cuts long sums into parts (stage fused).
//
// 1. A map kernel whose reductions join many elements to few yields dl.reduce_parts instead: a chunk of one reduced axis is a
//    part. What it yields of the whole space stays in it.
// 2. A product of few elements over a long sum gets a batch axis of parts, the summed axis cut by a view. What is left over
//    where the axis has no fitting divisor is a product of its own.
// 3. A scatter of many updates to few slices adds to a table with slices of each part.
// 4. A kernel behind it joins the parts in their order, and computes what was computed of the sums.
//
// A kernel with several phases (softmax) is not cut: fusion has not made one of a long space with few rows.

#include "ir/Builders.h"
#include "passes/Passes.h"
#include "passes/WindowLayouts.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/IRMapping.h"
#include "llvm/ADT/SetVector.h"
#include <numeric>

using namespace mlir;

namespace dlc {
#define GEN_PASS_DEF_SPLITSUMS
#include "passes/Passes.h.inc"

namespace {

using dl::shapeOf;

/// Elements that a part of a reduction has at least, and multiplications that a part of a product has.
constexpr int64_t partElements = 1 << 15, partProducts = 1 << 19, partTerms = 1024;
/// A part of a scatter has so many times as many updates as there are slices, and so many at least.
constexpr int64_t partUpdates = 4, leastUpdates = 64;
/// Parts at most, together with the tasks that there are already.
constexpr int64_t mostParts = 64, mostProductParts = 16;
/// Columns that one task takes; chunks are a whole number of vectors, however many are summed side by side.
constexpr int64_t taskColumns = 64, chunkUnit = 64;
/// Terms of a sum from which on a task has so many rows (codegen/contract/Plan.cpp).
constexpr int64_t longTerms = 8192, longTaskRows = 256;

int64_t numElements(ArrayRef<int64_t> shape) {
  int64_t count = 1;
  for (int64_t size : shape)
    count *= size;
  return count;
}

/// Which axis is cut, and into chunks of how many elements.
struct Cut {
  int64_t axis, chunk;
};

/// The cut of a reduction of `axes` of the space `shape`; nothing where it is short or has tasks enough.
std::optional<Cut> cutOf(ArrayRef<int64_t> shape, ArrayRef<int64_t> axes) {
  int64_t rows = numElements(dl::withoutAxes(shape, axes)), elements = numElements(shape);
  // Where an axis between reduced ones stays (channels), it may well be innermost in memory.
  bool alongRows = !axes.empty() && axes.front() + axes.size() == shape.size();
  int64_t tasks = std::max<int64_t>(1, alongRows ? rows : llvm::divideCeil(rows, taskColumns));
  int64_t parts = std::min(elements / partElements, mostParts / tasks);
  if (parts < 4 || axes.empty())
    return std::nullopt;
  // Of the axes that give most parts the outermost: it keeps each part in one piece. A chunk is a whole number of vectors. The
  // reduced axes behind it count, unless the axis itself may be innermost in memory: the batch, the channels or the last.
  Cut cut{-1, 0};
  int64_t most = 1, last = static_cast<int64_t>(shape.size()) - 1;
  for (int64_t axis : axes) {
    bool mayBeInnermost = axis <= 1 || axis == last;
    int64_t inner = 1;
    for (int64_t next = axis + 1; !mayBeInnermost && llvm::is_contained(axes, next); ++next)
      inner *= shape[next];
    int64_t unit = chunkUnit / std::gcd(chunkUnit, inner);
    int64_t fitting = std::clamp<int64_t>(shape[axis] / unit, 1, parts);
    int64_t chunk = llvm::alignTo(llvm::divideCeil(shape[axis], fitting), unit);
    int64_t count = llvm::divideCeil(shape[axis], chunk);
    if (count > most)
      cut = {axis, chunk}, most = count;
  }
  return most > 1 ? std::optional(cut) : std::nullopt;
}

/// Collects the body of a kernel from operations of another one's.
class Body {
public:
  Body(dl::KernelOp from) : from(from), builder(from.getContext()) { builder.setInsertionPointToEnd(&block); }

  OpBuilder &at() { return builder; }
  Value lookup(Value value) const { return mapping.lookup(value); }
  /// An operand of the new kernel, as its body sees it.
  Value addOperand(Value operand) {
    auto type = cast<RankedTensorType>(operand.getType());
    ins.push_back(operand);
    return block.addArgument(RankedTensorType::get(type.getShape(), type.getElementType()), operand.getLoc());
  }
  void map(Value old, Value value) { mapping.map(old, value); }
  /// The value of the old body, computed here from operands and what was mapped before.
  Value require(Value value) {
    if (Value known = mapping.lookupOrNull(value))
      return known;
    if (auto argument = dyn_cast<BlockArgument>(value)) {
      map(value, addOperand(from.getIns()[argument.getArgNumber()]));
      return mapping.lookup(value);
    }
    for (Value operand : value.getDefiningOp()->getOperands())
      require(operand);
    builder.clone(*value.getDefiningOp(), mapping);
    return mapping.lookup(value);
  }
  /// The kernel before the old one.
  dl::KernelOp finish(StringRef name, dl::KernelKind kind, ValueRange yields) {
    dl::YieldOp::create(builder, from.getLoc(), yields);
    OpBuilder before(from);
    auto kernel = dl::KernelOp::create(before, from.getLoc(), yields.getTypes(), before.getStringAttr(name),
                                       dl::KernelKindAttr::get(from.getContext(), kind), ins, ValueRange());
    Block &body = kernel.getBody().emplaceBlock();
    for (BlockArgument argument : block.getArguments())
      argument.replaceAllUsesWith(body.addArgument(argument.getType(), argument.getLoc()));
    body.getOperations().splice(body.end(), block.getOperations());
    return kernel;
  }

private:
  dl::KernelOp from;
  Block block;
  OpBuilder builder;
  IRMapping mapping;
  SmallVector<Value> ins;
};

/// Joins `parts` along their first axis in the type of `like`.
Value joinParts(Body &body, dl::ReduceKind kind, Value parts, Value like) {
  Value joined = dl::ReduceOp::create(body.at(), like.getLoc(), kind, parts, ArrayRef<int64_t>{0});
  if (joined.getType() != like.getType())
    joined = dl::CastOp::create(body.at(), like.getLoc(), like.getType(), joined);
  return joined;
}

class Splitter {
public:
  explicit Splitter(dl::KernelOp kernel)
      : kernel(kernel), yields(kernel.getBody().front().getTerminator()->getOperands()) {}

  void run() {
    if (kernel.getKind() == dl::KernelKind::map)
      splitReductions();
    else if (kernel.getKind() == dl::KernelKind::contract)
      splitProduct();
    else if (kernel.getKind() == dl::KernelKind::scatter)
      splitScatter();
  }

private:
  std::string named(StringRef suffix) { return (kernel.getName() + suffix).str(); }
  SmallVector<dl::ReduceOp> plainReductions();
  void splitReductions();
  void splitProduct();
  void splitScatter();
  /// Makes the last kernel, in the old one's place: `joined` of its results come from `body`, which knows the sums.
  void finish(Body &body, ArrayRef<unsigned> joined) {
    SmallVector<Value> results;
    for (unsigned number : joined)
      results.push_back(body.require(yields[number]));
    dl::KernelOp last = body.finish(kernel.getName(), dl::KernelKind::map, results);
    for (auto [number, result] : llvm::zip_equal(joined, last.getValues()))
      kernel.getResult(number).replaceAllUsesWith(result);
    kernel.erase();
  }

  dl::KernelOp kernel;
  ValueRange yields;
};

/// The kernel's reductions, where all are joins that need no other's result and nothing of the space's shape needs one.
SmallVector<dl::ReduceOp> Splitter::plainReductions() {
  SmallVector<dl::ReduceOp> reductions;
  llvm::DenseSet<Value> behind;
  for (Operation &op : kernel.getBody().front().without_terminator()) {
    bool depends = llvm::any_of(op.getOperands(), [&](Value operand) { return behind.contains(operand); });
    auto reduce = dyn_cast<dl::ReduceOp>(op);
    if (dl::isReduction(&op) && (!reduce || depends))
      return {};
    if (reduce)
      reductions.push_back(reduce);
    if (reduce || depends)
      behind.insert(op.getResults().begin(), op.getResults().end());
  }
  for (Value yielded : yields)
    if (!reductions.empty() && behind.contains(yielded) && shapeOf(yielded) == shapeOf(reductions.front().getOperand()))
      return {};
  return reductions;
}

void Splitter::splitReductions() {
  SmallVector<dl::ReduceOp> reductions = plainReductions();
  if (reductions.empty())
    return;
  ArrayRef<int64_t> space = shapeOf(reductions.front().getOperand()), axes = reductions.front().getAxes();
  std::optional<Cut> cut = cutOf(space, axes);
  if (!cut)
    return;
  Body first(kernel);
  SmallVector<Value> firstYields;
  for (dl::ReduceOp reduce : reductions) {
    Value operand = first.require(reduce.getOperand());
    firstYields.push_back(
        dl::ReducePartsOp::create(first.at(), reduce.getLoc(), reduce.getKind(), operand, axes, cut->chunk, cut->axis));
  }
  SmallVector<unsigned> whole, joined;
  for (auto [number, value] : llvm::enumerate(yields))
    (shapeOf(value) == space ? whole : joined).push_back(number);
  for (unsigned number : whole)
    firstYields.push_back(first.require(yields[number]));
  dl::KernelOp parts = first.finish(named("_parts"), dl::KernelKind::map, firstYields);
  for (auto [place, number] : llvm::enumerate(whole))
    kernel.getResult(number).replaceAllUsesWith(parts.getResult(reductions.size() + place));
  Body last(kernel);
  for (auto [number, reduce] : llvm::enumerate(reductions))
    last.map(reduce.getResult(),
             joinParts(last, reduce.getKind(), last.addOperand(parts.getResult(number)), reduce.getResult()));
  finish(last, joined);
}

/// Whether an axis of `value` can be cut by a view: it is an argument, perhaps reshaped, then perhaps transposed or slid over
/// by windows.
bool isCuttable(Value value) {
  while (Operation *op = value.getDefiningOp()) {
    if (!isa<dl::TransposeOp, dl::WindowOp, dl::ReverseOp>(op))
      break;
    value = op->getOperand(0);
  }
  if (auto reshape = value.getDefiningOp<dl::ReshapeOp>())
    value = reshape.getOperand();
  return isa<BlockArgument>(value);
}

/// How many parts of equal size, between half of `most` and `most`, an axis has; 0: it has no such divisor.
int64_t equalParts(int64_t size, int64_t most) {
  for (int64_t parts = most; parts * 2 > most; --parts)
    if (size % parts == 0)
      return parts;
  return 0;
}

void Splitter::splitProduct() {
  auto product = *kernel.getBody().front().getOps<dl::ContractOp>().begin();
  std::string lhs = product.lhsLetters().str(), rhs = product.rhsLetters().str();
  StringRef result = product.resultLetters();
  if (dl::elementOf(product.getLhs()).isBF16() || !isCuttable(product.getLhs()) || !isCuttable(product.getRhs()))
    return;
  char letter = 0;
  int64_t size = 0, terms = 1, elements = numElements(shapeOf(product.getResult()));
  // What vectors run along stays whole.
  char whole = batchOfVectors(kernel);
  for (auto [axis, name] : llvm::enumerate(lhs))
    if (!result.contains(name)) {
      int64_t length = shapeOf(product.getLhs())[axis];
      terms *= length;
      if (length > size && name != whole)
        letter = name, size = length;
    }
  // A long sum is read once for each task: few tasks with many rows, and parts of the sum beside them.
  int64_t taskElements = terms >= longTerms ? taskColumns * longTaskRows : taskColumns * taskColumns / 2;
  int64_t tasks = std::max<int64_t>(1, elements / taskElements);
  int64_t most = std::min({mostProductParts / tasks, elements * terms / partProducts, terms / partTerms,
                           size / std::max<int64_t>(1, chunkUnit * size / terms)});
  if (elements == 0 || most < 2)
    return;
  int64_t parts = equalParts(size, most);
  if (!parts)
    parts = most;
  int64_t chunk = size / parts;

  char fresh = 'A';
  while ((lhs + rhs).find(fresh) != std::string::npos)
    ++fresh;
  // `count` elements of the summed axis of an operand from `from` on; in parts, with their letter in front of it.
  auto view = [&](Body &body, Value operand, StringRef letters, int64_t from, int64_t count, bool inParts) {
    Value value = body.require(operand);
    size_t axis = letters.find(letter);
    SmallVector<int64_t> sizes(shapeOf(value)), starts(sizes.size(), 0), steps(sizes.size(), 1);
    sizes[axis] = count, starts[axis] = from;
    if (count != size)
      value = dl::SliceOp::create(body.at(), product.getLoc(), value, starts, sizes, steps);
    if (!inParts)
      return value;
    sizes[axis] = chunk;
    sizes.insert(sizes.begin() + axis, parts);
    return dl::reshapeTo(body.at(), product.getLoc(), value, sizes);
  };
  auto multiply = [&](StringRef suffix, int64_t from, int64_t count, bool inParts) {
    Body body(kernel);
    Value a = view(body, product.getLhs(), lhs, from, count, inParts);
    Value b = view(body, product.getRhs(), rhs, from, count, inParts);
    auto cut = [&](std::string letters) { return inParts ? letters.insert(letters.find(letter), 1, fresh) : letters; };
    std::string equation = cut(lhs) + "," + cut(rhs) + "->" + (inParts ? std::string(1, fresh) : "") + result.str();
    Value sums = dl::ContractOp::create(body.at(), product.getLoc(), equation, a, b);
    return body.finish(named(suffix), dl::KernelKind::contract, sums).getResult(0);
  };
  Value sums = multiply("_parts", 0, parts * chunk, true);
  Value rest = parts * chunk == size ? Value() : multiply("_rest", parts * chunk, size - parts * chunk, false);
  Body last(kernel);
  Value joined = joinParts(last, dl::ReduceKind::sum, last.addOperand(sums), product.getResult());
  if (rest)
    joined = dl::AddOp::create(last.at(), product.getLoc(), joined, last.addOperand(rest));
  last.map(product.getResult(), joined);
  finish(last, llvm::to_vector(llvm::seq<unsigned>(0, yields.size())));
}

void Splitter::splitScatter() {
  auto scatter = *kernel.getBody().front().getOps<dl::ScatterAddOp>().begin();
  Value table = scatter.getOperand(), indices = scatter.getIndices();
  int64_t axis = scatter.getAxis(), slices = shapeOf(table)[axis], updates = numElements(shapeOf(indices));
  int64_t chunk = std::max(leastUpdates, partUpdates * slices), parts = llvm::divideCeil(updates, chunk);
  if (!isa<FloatType>(dl::elementOf(table)) || parts < 4 || numElements(shapeOf(table)) == 0)
    return;
  Location loc = scatter.getLoc();
  auto dense = [](Value like, ArrayRef<int64_t> shape, Type element = {}) {
    return RankedTensorType::get(shape, element ? element : dl::elementOf(like));
  };
  // An update goes to the slice of its index among those of its part.
  Body places(kernel);
  Type i64 = places.at().getI64Type();
  auto flat = dense(indices, {updates}, i64);
  Value number = dl::IotaOp::create(places.at(), loc, flat, 0);
  dl::Arithmetic at(places.at(), loc);
  Value part = at.div(number, dl::splat(places.at(), loc, flat, double(chunk)));
  Value first = dl::reshapeTo(places.at(), loc, at.mul(part, dl::splat(places.at(), loc, flat, double(slices))),
                              shapeOf(indices));
  Value given = places.require(indices);
  if (!dl::elementOf(given).isInteger(64))
    given = dl::CastOp::create(places.at(), loc, dense(given, shapeOf(given), i64), given);
  Value moved = places.finish(named("_places"), dl::KernelKind::map, at.add(given, first)).getResult(0);

  SmallVector<int64_t> wide(shapeOf(table)), cut(wide);
  wide[axis] *= parts;
  cut.insert(cut.begin() + axis, parts);
  Body zeros(kernel);
  Value zero = zeros.finish(named("_zeros"), dl::KernelKind::map, dl::splat(zeros.at(), loc, dense(table, wide), 0))
                   .getResult(0);
  Body body(kernel);
  Value into = body.addOperand(zero), where = body.addOperand(moved), what = body.require(scatter.getUpdates());
  Value added = dl::ScatterAddOp::create(body.at(), loc, into.getType(), into, where, what, axis);
  Value sums = body.finish(named("_parts"), dl::KernelKind::scatter, added).getResult(0);

  Body last(kernel);
  Value all = dl::reshapeTo(last.at(), loc, last.addOperand(sums), cut);
  Value joined = dl::ReduceOp::create(last.at(), loc, dl::ReduceKind::sum, all, axis);
  last.map(scatter.getResult(), dl::AddOp::create(last.at(), loc, last.require(table), joined));
  finish(last, 0u);
}

struct SplitSums : impl::SplitSumsBase<SplitSums> {
  void runOnOperation() override {
    for (func::FuncOp function : getOperation().getOps<func::FuncOp>())
      function.walk([](dl::KernelOp kernel) { Splitter(kernel).run(); });
  }
};

} // namespace
} // namespace dlc
