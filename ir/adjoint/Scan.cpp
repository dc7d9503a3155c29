// The adjoint of dl.scan is a dl.scan in the other direction.
//
// 1. The forward scan is put a second time beside the first, with the carried values at the start of each iteration as
//    extra stacks, what is dearer to compute again than to read back (and, with `breaks`, a live flag: true for the
//    iterations that ran); the first one's uses go to it.
// 2. The adjoint scan carries the cotangents of the carried values and sums those of the invariants. Its slices are the
//    forward scan's slices, the saved stacks and the cotangents of the stacked results. Its body runs one iteration
//    again, reading what was saved, and sweeps over it; it stacks the cotangents of the slices.
// 3. With `breaks`, the body is a dl.if by the live flag: iterations that did not run hand the cotangents on.
// 4. Saved stacks that the body does not use are left out.
#include "ir/Builders.h"
#include "ir/Elementary.h"
#include "ir/ReverseSweep.h"
#include "ir/adjoint/Regions.h"

using namespace mlir;

namespace dlc::dl {

namespace {

/// The places, in their lists, of what takes part; the others get no cotangent.
struct Parts {
  SmallVector<unsigned> carried, slices, invariants, stacked;
};

template <class Range> SmallVector<Value> pick(Range &&values, ArrayRef<unsigned> places) {
  return llvm::map_to_vector(places, [&](unsigned place) -> Value { return values[place]; });
}

void append(SmallVectorImpl<Value> &list, ValueRange values) { llvm::append_range(list, values); }

/// What an element of the result costs, about, in multiplications.
int64_t costOfElement(Operation &op) {
  int64_t made = std::max<int64_t>(1, cast<RankedTensorType>(op.getResult(0).getType()).getNumElements());
  if (auto product = dyn_cast<ContractOp>(op)) {
    int64_t summed = 1;
    for (auto [letter, size] : llvm::zip_equal(product.lhsLetters(), shapeOf(product.getLhs())))
      if (!product.resultLetters().contains(letter))
        summed *= size;
    return summed;
  }
  if (auto reduce = dyn_cast<ReduceOp>(op))
    return cast<RankedTensorType>(reduce.getOperand().getType()).getNumElements() / made;
  if (isElementary(&op) || isa<PowOp, Atan2Op, RandomOp, ArgsortOp, LinalgOp>(op))
    return 16;
  return 1;
}

/// To write an element of a stack and to read it back costs about as much as these multiplications.
constexpr int64_t costOfSaving = 8;

class ScanAdjoint {
public:
  ScanAdjoint(ScanOp op, AdjointContext &context)
      : op(op), context(context), builder(context.builder), loc(context.loc()) {}

  LogicalResult build() {
    findParts();
    findDear();
    ScanOp forward = buildForward();
    ResultRange saved = forward.getResults().drop_front(op.getNumResults());

    SmallVector<Value> cotangents;
    for (unsigned i : parts.carried)
      cotangents.push_back(context.cotangent(i));
    SmallVector<Value> inits =
        orZeros(builder, loc, cotangents, ValueRange(pick(op.getInits(), parts.carried)).getTypes());
    for (unsigned i : parts.invariants)
      inits.push_back(splat(builder, loc, op.getInvariants()[i].getType(), 0));
    SmallVector<Value> slices(op.getSlices());
    append(slices, saved);
    for (unsigned i : parts.stacked)
      slices.push_back(context.cotangent(op.getInits().size() + i));
    SmallVector<Value> invariants(op.getInvariants());

    // The body stands in a region of its own until it is known which slices and invariants it needs.
    Region region;
    Block &block = region.emplaceBlock();
    if (failed(fillBody(block, inits, slices, invariants)))
      return failure();
    dropUnused(block, 1 + inits.size(), slices, invariants);
    createScan(region, inits, slices, invariants);
    return success();
  }

private:
  /// Which values take part: carried ones that depend on a wanted operand, perhaps by way of other iterations.
  void findParts() {
    unsigned numCarried = op.getInits().size(), numSlices = op.getSlices().size();
    SmallVector<bool> carried =
        llvm::map_to_vector(llvm::seq(numCarried), [&](unsigned i) { return context.wants(i); });
    for (unsigned i = 0; i < numSlices; ++i)
      if (context.wants(numCarried + i))
        parts.slices.push_back(i);
    for (unsigned i = 0; i < op.getInvariants().size(); ++i)
      if (context.wants(numCarried + numSlices + i))
        parts.invariants.push_back(i);
    llvm::DenseSet<Value> active;
    for (bool changed = true; changed;) {
      changed = false;
      SmallVector<Value> sources = pick(op.sliceArgs(), parts.slices);
      append(sources, pick(op.invariantArgs(), parts.invariants));
      for (unsigned i = 0; i < numCarried; ++i)
        if (carried[i])
          sources.push_back(op.carriedArgs()[i]);
      active = activeValues(op.block(), nullptr, sources);
      for (unsigned i = 0; i < numCarried; ++i)
        if (!carried[i] && active.contains(op.nextCarried()[i]))
          carried[i] = changed = true;
    }
    for (unsigned i = 0; i < numCarried; ++i)
      if (carried[i])
        parts.carried.push_back(i);
    for (unsigned i = 0; i < op.stackedElements().size(); ++i)
      if (context.cotangent(numCarried + i) && active.contains(op.stackedElements()[i]))
        parts.stacked.push_back(i);
  }

  /// Values of the body that are saved: dear ones that differ from one iteration to another.
  void findDear() {
    llvm::DenseSet<Value> varying;
    for (BlockArgument argument : op.block().getArguments().drop_back(op.getInvariants().size()))
      varying.insert(argument);
    for (Operation &inner : op.block().without_terminator()) {
      if (llvm::none_of(inner.getOperands(), [&](Value operand) { return varying.contains(operand); }))
        continue;
      varying.insert(inner.result_begin(), inner.result_end());
      if (inner.getNumRegions() == 0 && inner.getNumResults() > 0 && costOfElement(inner) > costOfSaving)
        append(dear, inner.getResults());
    }
  }

  /// The forward scan with the carried values, the dear ones (and the live flag) as further stacks.
  ScanOp buildForward() {
    OpBuilder at(op);
    SmallVector<Value> saved(op.carriedArgs().begin(), op.carriedArgs().end());
    append(saved, dear);
    SmallVector<Type> types(op.getResultTypes());
    auto addStack = [&](Type element) {
      auto tensor = cast<RankedTensorType>(element);
      SmallVector<int64_t> shape{int64_t(op.getLength())};
      llvm::append_range(shape, tensor.getShape());
      types.push_back(RankedTensorType::get(shape, tensor.getElementType()));
    };
    for (Value value : saved)
      addStack(value.getType());
    auto flag = RankedTensorType::get({}, builder.getI1Type());
    if (op.getBreaks())
      addStack(flag);
    auto forward = ScanOp::create(at, loc, types, op.getLengthAttr(), op.getInits(), op.getSlices(), op.getInvariants(),
                                  op.getReverseAttr(), op.getBreaksAttr());
    IRMapping mapping;
    op.getBody().cloneInto(&forward.getBody(), mapping);
    Operation *yield = forward.block().getTerminator();
    at.setInsertionPoint(yield);
    SmallVector<Value> yields(yield->getOperands());
    append(yields, llvm::map_to_vector(saved, [&](Value value) { return mapping.lookup(value); }));
    if (op.getBreaks())
      yields.push_back(splat(at, loc, flag, 1));
    yield->setOperands(yields);
    // The first one is dead from here on; without its checks and prints that can be seen.
    op->replaceAllUsesWith(forward.getResults().take_front(op.getNumResults()));
    dropEffects(op);
    return forward;
  }

  /// The body: its arguments, one iteration again, the sweep, the yield.
  LogicalResult fillBody(Block &block, ValueRange inits, ValueRange slices, ValueRange invariants) {
    block.addArgument(op.indexArg().getType(), loc);
    addArguments(block, inits.getTypes(), loc);
    for (Value slice : slices)
      block.addArgument(RankedTensorType::get(shapeOf(slice).drop_front(), elementOf(slice)), loc);
    addArguments(block, invariants.getTypes(), loc);
    OpBuilder at(op.getContext());
    at.setInsertionPointToEnd(&block);
    SmallVector<Value> arguments(block.getArguments().begin(), block.getArguments().end());
    if (!op.getBreaks())
      return fillIteration(block, at);

    SmallVector<Type> types(inits.getTypes());
    llvm::append_range(types, ValueRange(pick(op.sliceArgs(), parts.slices)).getTypes());
    Value live = arguments[1 + inits.size() + op.getSlices().size() + op.getInits().size() + dear.size()];
    auto branches = IfOp::create(at, loc, types, live, arguments);
    Block &ran = branches.getThenRegion().emplaceBlock(), &skipped = branches.getElseRegion().emplaceBlock();
    addArguments(ran, ValueRange(arguments).getTypes(), loc);
    addArguments(skipped, ValueRange(arguments).getTypes(), loc);
    YieldOp::create(at, loc, branches.getResults());
    at.setInsertionPointToEnd(&skipped);
    SmallVector<Value> handedOn(skipped.getArguments().slice(1, inits.size()));
    for (Type type : ArrayRef<Type>(types).drop_front(inits.size()))
      handedOn.push_back(splat(at, loc, type, 0));
    YieldOp::create(at, loc, handedOn);
    at.setInsertionPointToEnd(&ran);
    return fillIteration(ran, at);
  }

  /// One iteration again and the sweep over it, in a block with the adjoint body's arguments: the index; the cotangents
  /// of the carried values and the invariants' sums; slices, saved carried values, saved dear ones, the live flag,
  /// stacked cotangents; invariants.
  LogicalResult fillIteration(Block &block, OpBuilder &at) {
    ArrayRef<BlockArgument> rest = block.getArguments();
    auto take = [&](size_t count) {
      SmallVector<Value> taken(rest.take_front(count));
      rest = rest.drop_front(count);
      return taken;
    };
    SmallVector<Value> index = take(1), carriedAdj = take(parts.carried.size()), sums = take(parts.invariants.size()),
                       slices = take(op.getSlices().size()), carried = take(op.getInits().size()),
                       saved = take(dear.size());
    take(op.getBreaks() ? 1 : 0);
    SmallVector<Value> cotangents = carriedAdj, invariants;
    append(cotangents, take(parts.stacked.size()));
    invariants = take(op.getInvariants().size());

    IRMapping mapping;
    mapping.map(op.indexArg(), index.front());
    mapping.map(op.carriedArgs(), carried);
    mapping.map(op.sliceArgs(), slices);
    mapping.map(op.invariantArgs(), invariants);
    cloneBody(at, op.block(), mapping);
    SmallVector<Value> outputs = pick(op.nextCarried(), parts.carried), inputs = pick(carried, parts.carried);
    append(outputs, pick(op.stackedElements(), parts.stacked));
    for (Value &output : outputs)
      output = mapping.lookup(output);
    append(inputs, pick(invariants, parts.invariants));
    append(inputs, pick(slices, parts.slices));
    FailureOr<SmallVector<Value>> adjoints = reverseSweep(at, outputs, cotangents, inputs);
    if (failed(adjoints))
      return failure();
    for (auto [value, stacked] : llvm::zip_equal(dear, saved))
      mapping.lookup(value).replaceAllUsesWith(stacked);
    for (Value &adjoint : *adjoints)
      if (adjoint)
        if (auto place = llvm::find_if(dear, [&](Value value) { return mapping.lookup(value) == adjoint; });
            place != dear.end())
          adjoint = saved[place - dear.begin()];
    SmallVector<Value> yields = orZeros(at, loc, *adjoints, ValueRange(inputs).getTypes());
    for (auto [i, sum] : llvm::enumerate(sums))
      yields[parts.carried.size() + i] = Arithmetic(at, loc).add(sum, yields[parts.carried.size() + i]);
    YieldOp::create(at, loc, yields);
    return success();
  }

  /// Takes out of the lists, and of the block from argument `first` on, what the body does not use.
  static void dropUnused(Block &block, unsigned first, SmallVector<Value> &slices, SmallVector<Value> &invariants) {
    eraseDead(block);
    auto drop = [&](SmallVector<Value> &list, unsigned start) {
      for (unsigned i = list.size(); i-- > 0;)
        if (block.getArgument(start + i).use_empty()) {
          block.eraseArgument(start + i);
          list.erase(list.begin() + i);
        }
    };
    drop(invariants, first + slices.size());
    drop(slices, first);
  }

  void createScan(Region &region, ValueRange inits, ValueRange slices, ValueRange invariants) {
    SmallVector<Type> types(inits.getTypes());
    for (unsigned i : parts.slices)
      types.push_back(op.getSlices()[i].getType());
    UnitAttr reverse = op.getReverse() ? UnitAttr() : builder.getUnitAttr();
    auto scan = ScanOp::create(builder, loc, types, op.getLengthAttr(), inits, slices, invariants, reverse, UnitAttr());
    scan.getBody().takeBody(region);
    unsigned result = 0, numCarried = op.getInits().size(), numSlices = op.getSlices().size();
    for (unsigned i : parts.carried)
      context.set(i, scan.getResult(result++));
    for (unsigned i : parts.invariants)
      context.set(numCarried + numSlices + i, scan.getResult(result++));
    for (unsigned i : parts.slices)
      context.set(numCarried + i, scan.getResult(result++));
  }

  ScanOp op;
  AdjointContext &context;
  OpBuilder &builder;
  Location loc;
  Parts parts;
  SmallVector<Value> dear;
};

} // namespace

LogicalResult ScanOp::adjoint(AdjointContext &context) { return ScanAdjoint(*this, context).build(); }

} // namespace dlc::dl
