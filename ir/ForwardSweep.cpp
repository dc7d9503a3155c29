// The forward sweep (ForwardSweep.h).
//
// 1. A plain operation: its adjoint rule is linear in the cotangents, and the adjoint of that, at the tangents, is the forward
//    derivative. So each operation has one rule for both ways.
// 2. A branch or a loop becomes one whose regions take and give tangents beside the values. A loop carries the tangents of
//    what comes to depend on something that has one.
#include "ir/ForwardSweep.h"

#include "ir/Builders.h"
#include "ir/ReverseSweep.h"
#include "ir/adjoint/Regions.h"

using namespace mlir;

namespace dlc::dl {

namespace {

/// The values of a list that have tangents, by their places.
struct Active {
  SmallVector<unsigned> places;
  SmallVector<Value> tangents;

  void add(unsigned place, Value tangent) {
    places.push_back(place);
    tangents.push_back(tangent);
  }
};

/// A region with tangents beside some of its arguments.
class SweptRegion {
public:
  SweptRegion(Region &from, Location loc) : loc(loc) {
    IRMapping mapping;
    from.cloneInto(&region, mapping);
  }
  Block &block() { return region.front(); }
  Operation *end() { return block().getTerminator(); }

  /// Makes tangents of the arguments `first` + places, as arguments behind the `count` ones from `first` on. Lists are given
  /// from the last one to the first.
  void addTangents(unsigned first, unsigned count, const Active &active) {
    for (auto [i, place] : llvm::enumerate(active.places)) {
      Value argument = block().getArgument(first + place);
      tangents[argument] = block().insertArgument(first + count + i, argument.getType(), loc);
    }
  }
  LogicalResult sweep() { return forwardSweep(block(), tangents); }
  Value tangentOf(unsigned yielded) { return tangents.lookup(end()->getOperand(yielded)); }
  /// The tangent of a yielded value, perhaps zero.
  Value tangentOrZero(unsigned yielded) {
    OpBuilder at(end());
    Value tangent = tangentOf(yielded);
    return tangent ? tangent : splat(at, loc, end()->getOperand(yielded).getType(), 0);
  }

  Region region;

private:
  Location loc;
  Tangents tangents;
};

class ForwardSweep {
public:
  explicit ForwardSweep(Tangents &tangents) : tangents(tangents) {}

  LogicalResult sweep(Operation &op) {
    if (llvm::none_of(op.getOperands(), [&](Value operand) { return tangents.contains(operand); }))
      return success();
    if (auto branch = dyn_cast<IfOp>(op))
      return sweepBranch(branch);
    if (auto scan = dyn_cast<ScanOp>(op))
      return sweepScan(scan);
    if (auto loop = dyn_cast<WhileOp>(op))
      return sweepWhile(loop);
    bool gives = llvm::any_of(op.getResultTypes(), isFloat);
    return op.hasTrait<NonDifferentiable>() || !gives ? success() : sweepPlain(op);
  }

private:
  LogicalResult sweepPlain(Operation &op) {
    auto rule = dyn_cast<AdjointOpInterface>(op);
    if (!rule)
      return op.emitError() << "no gradient: `" << op.getName().getStringRef() << "`";
    // The rule stands in a block of its own, with cotangents that nothing is known of.
    Block block;
    SmallVector<Value> cotangents, active;
    for (Value result : op.getResults()) {
      cotangents.push_back(isFloat(result.getType()) ? Value(block.addArgument(result.getType(), op.getLoc()))
                                                     : Value());
      if (cotangents.back())
        active.push_back(cotangents.back());
    }
    SmallVector<bool> wanted =
        llvm::map_to_vector(op.getOperands(), [&](Value operand) { return tangents.contains(operand); });
    OpBuilder builder(op.getContext());
    builder.setInsertionPointToEnd(&block);
    AdjointContext context(builder, &op, cotangents, wanted);
    if (failed(rule.adjoint(context)))
      return failure();
    SmallVector<Value> outputs, seeds;
    for (auto [i, operand] : llvm::enumerate(op.getOperands()))
      if (Value output = context.operandCotangent(i); output && wanted[i]) {
        outputs.push_back(output);
        seeds.push_back(tangents.lookup(operand));
      }
    FailureOr<SmallVector<Value>> results = reverseSweep(builder, outputs, seeds, active);
    if (failed(results))
      return failure();
    OpBuilder at(op.getContext());
    at.setInsertionPointAfter(&op);
    for (auto [argument, result] : llvm::zip_equal(active, *results)) {
      Value primal = op.getResult(llvm::find(cotangents, argument) - cotangents.begin());
      if (result)
        tangents[primal] = result;
    }
    // What does not depend on a cotangent at all may still stand there.
    for (Value argument : active)
      if (!argument.use_empty())
        argument.replaceAllUsesWith(splat(at, op.getLoc(), argument.getType(), 0));
    op.getBlock()->getOperations().splice(at.getInsertionPoint(), block.getOperations());
    return success();
  }

  /// Those of `values` that have tangents.
  Active activeOf(ValueRange values) const {
    Active active;
    for (auto [i, value] : llvm::enumerate(values))
      if (Value tangent = tangents.lookup(value))
        active.add(i, tangent);
    return active;
  }

  LogicalResult sweepBranch(IfOp op) {
    OpBuilder builder(op);
    Active inputs = activeOf(op.getInputs());
    SweptRegion ways[] = {{op.getThenRegion(), op.getLoc()}, {op.getElseRegion(), op.getLoc()}};
    for (SweptRegion &way : ways) {
      way.addTangents(0, op.getInputs().size(), inputs);
      if (failed(way.sweep()))
        return failure();
    }
    SmallVector<unsigned> given;
    for (unsigned i = 0; i < op.getNumResults(); ++i)
      if (ways[0].tangentOf(i) || ways[1].tangentOf(i))
        given.push_back(i);
    SmallVector<Type> types(op.getResultTypes());
    for (unsigned i : given)
      types.push_back(op.getResult(i).getType());
    SmallVector<Value> operands(op.getInputs());
    llvm::append_range(operands, inputs.tangents);
    auto made = IfOp::create(builder, op.getLoc(), types, op.getCondition(), operands);
    for (auto [way, region] : {std::pair(&ways[0], &made.getThenRegion()), {&ways[1], &made.getElseRegion()}}) {
      SmallVector<Value> yielded(way->end()->getOperands());
      for (unsigned i : given)
        yielded.push_back(way->tangentOrZero(i));
      way->end()->setOperands(yielded);
      region->takeBody(way->region);
    }
    for (auto [i, place] : llvm::enumerate(given))
      tangents[made.getResult(place)] = made.getResult(op.getNumResults() + i);
    replace(op, made);
    return success();
  }

  /// The carried values that have tangents in the end, with those that they begin with.
  template <class Next>
  Active carriedOf(OpBuilder &builder, Operation *op, Block &block, ValueRange inits, ValueRange arguments, Next next,
                   ArrayRef<Value> sources) const {
    SmallVector<bool> active = llvm::map_to_vector(inits, [&](Value init) { return tangents.contains(init); });
    for (bool changed = true; changed;) {
      changed = false;
      SmallVector<Value> from(sources);
      for (auto [isActive, argument] : llvm::zip_equal(active, arguments))
        if (isActive)
          from.push_back(argument);
      llvm::DenseSet<Value> values = activeValues(block, nullptr, from);
      for (unsigned i = 0; i < inits.size(); ++i)
        if (!active[i] && values.contains(next[i]))
          active[i] = changed = true;
    }
    Active carried;
    for (auto [i, init] : llvm::enumerate(inits))
      if (active[i]) {
        Value tangent = tangents.lookup(init);
        carried.add(i, tangent ? tangent : splat(builder, op->getLoc(), init.getType(), 0));
      }
    return carried;
  }

  static void append(SmallVector<Value> &sources, ValueRange arguments, const Active &active) {
    for (unsigned place : active.places)
      sources.push_back(arguments[place]);
  }

  LogicalResult sweepScan(ScanOp op) {
    OpBuilder builder(op);
    unsigned numCarried = op.getInits().size(), numSlices = op.getSlices().size(), flag = op.getBreaks();
    Active slices = activeOf(op.getSlices()), invariants = activeOf(op.getInvariants());
    SmallVector<Value> sources, carriedArguments(op.carriedArgs());
    append(sources, SmallVector<Value>(op.sliceArgs()), slices);
    append(sources, SmallVector<Value>(op.invariantArgs()), invariants);
    Active carried = carriedOf(builder, op, op.block(), op.getInits(), carriedArguments, op.nextCarried(), sources);
    SweptRegion body(op.getBody(), op.getLoc());
    body.addTangents(1 + numCarried + numSlices, op.getInvariants().size(), invariants);
    body.addTangents(1 + numCarried, numSlices, slices);
    body.addTangents(1, numCarried, carried);
    if (failed(body.sweep()))
      return failure();
    Active stacks;
    for (unsigned i = 0; i < op.stackedResults().size(); ++i)
      if (Value tangent = body.tangentOf(flag + numCarried + i))
        stacks.add(i, tangent);
    SmallVector<Value> yielded(body.end()->getOperands());
    for (auto [i, place] : llvm::enumerate(carried.places))
      yielded.insert(yielded.begin() + flag + numCarried + i, body.tangentOrZero(flag + place));
    llvm::append_range(yielded, stacks.tangents);
    SmallVector<Type> types(op.carriedResults().getTypes());
    llvm::append_range(types, ValueRange(carried.tangents).getTypes());
    llvm::append_range(types, op.stackedResults().getTypes());
    for (unsigned place : stacks.places)
      types.push_back(op.stackedResults()[place].getType());
    body.end()->setOperands(yielded);
    auto with = [](ValueRange values, const Active &active) {
      SmallVector<Value> all(values);
      llvm::append_range(all, active.tangents);
      return all;
    };
    auto made = ScanOp::create(builder, op.getLoc(), types, op.getLengthAttr(), with(op.getInits(), carried),
                               with(op.getSlices(), slices), with(op.getInvariants(), invariants), op.getReverseAttr(),
                               op.getBreaksAttr());
    made.getBody().takeBody(body.region);
    for (auto [i, place] : llvm::enumerate(carried.places))
      tangents[made.getResult(place)] = made.getResult(numCarried + i);
    ResultRange stacked = made.stackedResults();
    for (auto [i, place] : llvm::enumerate(stacks.places))
      tangents[stacked[place]] = stacked[op.stackedResults().size() + i];
    SmallVector<Value> results(made.getResults().take_front(numCarried));
    llvm::append_range(results, stacked.take_front(op.stackedResults().size()));
    op->replaceAllUsesWith(results);
    op->erase();
    return success();
  }

  LogicalResult sweepWhile(WhileOp op) {
    OpBuilder builder(op);
    Block &from = op.getBody().front();
    unsigned numCarried = op.getInits().size(), numInvariants = op.getInvariants().size();
    SmallVector<Value> arguments(from.getArguments());
    Active invariants = activeOf(op.getInvariants());
    SmallVector<Value> sources;
    append(sources, ArrayRef(arguments).drop_front(numCarried), invariants);
    Active carried = carriedOf(builder, op, from, op.getInits(), ArrayRef(arguments).take_front(numCarried),
                               from.getTerminator()->getOperands(), sources);
    SweptRegion test(op.getCondition(), op.getLoc()), body(op.getBody(), op.getLoc());
    for (SweptRegion *region : {&test, &body}) {
      region->addTangents(numCarried, numInvariants, invariants);
      region->addTangents(0, numCarried, carried);
    }
    if (failed(body.sweep()))
      return failure();
    SmallVector<Value> yielded(body.end()->getOperands()), inits(op.getInits()), constants(op.getInvariants());
    for (unsigned place : carried.places)
      yielded.push_back(body.tangentOrZero(place));
    body.end()->setOperands(yielded);
    llvm::append_range(inits, carried.tangents);
    llvm::append_range(constants, invariants.tangents);
    auto made = WhileOp::create(builder, op.getLoc(), ValueRange(inits).getTypes(), inits, constants);
    made.getCondition().takeBody(test.region);
    made.getBody().takeBody(body.region);
    for (auto [i, place] : llvm::enumerate(carried.places))
      tangents[made.getResult(place)] = made.getResult(numCarried + i);
    replace(op, made);
    return success();
  }

  /// The first results of `made` are those of `op`.
  static void replace(Operation *op, Operation *made) {
    op->replaceAllUsesWith(made->getResults().take_front(op->getNumResults()));
    op->erase();
  }

  Tangents &tangents;
};

} // namespace

LogicalResult forwardSweep(Block &block, Tangents &tangents) {
  ForwardSweep forward(tangents);
  SmallVector<Operation *> primal;
  for (Operation &op : block.without_terminator())
    primal.push_back(&op);
  for (Operation *op : primal)
    if (failed(forward.sweep(*op)))
      return failure();
  return success();
}

} // namespace dlc::dl
