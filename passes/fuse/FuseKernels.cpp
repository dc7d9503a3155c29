// Puts every operation of a function into a dl.kernel.
//
// 1. Index checks become kernels of their own; what they checked is used directly. Barriers of differentiation go.
// 2. Block by block: FuseGraph finds the operations that compute and merges them into clusters. A loop or a branch is a
//    cluster of its own, and its blocks are fused by themselves.
// 3. Each cluster becomes a kernel, in an order of execution; absorbed operations are repeated in it.
// 4. What a block ends with, and what a loop or an update begins with, is the result of a kernel (or of a loop, or a branch) of its own:
//    one that is needed twice is yielded twice, an argument is written by a copying kernel. Flags may be anything, and
//    a carried value may stay what it is.

#include "ir/KernelRole.h"
#include "passes/Passes.h"
#include "passes/fuse/Graph.h"
#include "passes/fuse/KernelNames.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;

namespace dlc {
#define GEN_PASS_DEF_FUSEKERNELS
#include "passes/Passes.h.inc"

namespace {

/// `type` without a layout: what kernel bodies work on.
RankedTensorType plain(Type type) {
  auto tensor = cast<RankedTensorType>(type);
  return RankedTensorType::get(tensor.getShape(), tensor.getElementType());
}

/// A kernel writes a value so many times at most for what the block ends with; the others are copied. (A hundred biases
/// begin with the same zeros, and LLVM's time grows with the square of the stores in a block.)
constexpr unsigned maxEnds = 8;

/// Collects the body of one kernel.
class KernelBody {
public:
  /// `known` maps values of the function to what stands for them now: results of kernels made before.
  KernelBody(Location loc, const IRMapping &known) : known(known), builder(loc.getContext()) {
    builder.setInsertionPointToEnd(&block);
  }

  /// What stands for `value` here, in place of what is known of it.
  void use(Value value, Value now) {
    ins.push_back(now);
    mapping.map(value, block.addArgument(plain(value.getType()), value.getLoc()));
  }

  /// Makes `value` available: its operation is repeated if `isInside` accepts it, else it becomes an operand.
  void require(Value value, llvm::function_ref<bool(Operation *)> isInside) {
    if (mapping.contains(value))
      return;
    Operation *op = value.getDefiningOp();
    if (!op || !isInside(op)) {
      ins.push_back(known.lookupOrDefault(value));
      mapping.map(value, block.addArgument(plain(value.getType()), value.getLoc()));
      return;
    }
    for (Value operand : op->getOperands())
      require(operand, isInside);
    builder.clone(*op, mapping);
  }

  /// Repeats an operation that gives nothing.
  void add(Operation *op) {
    for (Value operand : op->getOperands())
      require(operand, [](Operation *) { return false; });
    builder.clone(*op, mapping);
  }

  /// The kernel at `at`, which yields `yields`.
  dl::KernelOp finish(OpBuilder &at, Location loc, StringRef name, dl::KernelKind kind, ArrayRef<Value> yields) {
    SmallVector<Value> inner;
    SmallVector<Type> types;
    for (Value value : yields) {
      inner.push_back(mapping.lookup(value));
      types.push_back(plain(value.getType()));
    }
    if (scratch) {
      inner.push_back(scratch);
      types.push_back(scratch.getType());
    }
    dl::YieldOp::create(builder, loc, inner);
    auto kernel = dl::KernelOp::create(at, loc, types, name, kind, ins, ValueRange());
    Block &body = kernel->getRegion(0).emplaceBlock();
    for (BlockArgument argument : block.getArguments())
      argument.replaceAllUsesWith(body.addArgument(argument.getType(), argument.getLoc()));
    body.getOperations().splice(body.end(), block.getOperations());
    return kernel;
  }

  /// Memory to work in, as a last result that nothing reads.
  void addScratch(RankedTensorType type) { scratch = dl::ScratchOp::create(builder, builder.getUnknownLoc(), type); }

private:
  const IRMapping &known;
  Value scratch;
  Block block;
  OpBuilder builder;
  IRMapping mapping;
  SmallVector<Value> ins;
};

/// Makes the kernels of a block from its clusters.
class BlockFuser {
public:
  BlockFuser(Block &block, func::FuncOp function, const FuseGraph &graph, KernelNames &names, OpBuilder &builder)
      : function(function), graph(graph), names(names), builder(builder) {
    for (Operation &op : block)
      for (OpOperand &operand : op.getOpOperands())
        if (needsItsOwn(operand))
          ++(op.hasTrait<OpTrait::IsTerminator>() ? ends : begins)[operand.get()];
  }

  /// Loops and branches, in the order in which they were made.
  SmallVector<Operation *> made;

  void make(unsigned cluster) {
    Operation *op = graph.node(graph.cluster(cluster).nodes.front()).op;
    if (!dl::holdsKernels(op))
      return makeKernel(cluster);
    SmallVector<Value> operands;
    for (OpOperand &operand : op->getOpOperands())
      operands.push_back(needsItsOwn(operand) ? own(operand) : known.lookupOrDefault(operand.get()));
    Operation *clone = op->cloneWithoutRegions();
    for (auto [from, to] : llvm::zip_equal(op->getRegions(), clone->getRegions()))
      to.takeBody(from);
    clone->setOperands(operands);
    builder.insert(clone);
    made.push_back(clone);
    for (auto [value, result] : llvm::zip_equal(op->getResults(), clone->getResults()))
      addResults(value, result);
  }

  /// Gives the terminator its values.
  void finish(Operation *end) {
    for (OpOperand &operand : end->getOpOperands())
      operand.set(needsItsOwn(operand) ? own(operand) : known.lookupOrDefault(operand.get()));
  }

private:
  /// Whether the value of an operand must be the result of a kernel, loop or branch and of no other use like this: it has a
  /// buffer that is decided here, or is written over.
  bool needsItsOwn(OpOperand &operand) {
    Operation *op = operand.getOwner();
    unsigned number = operand.getOperandNumber();
    auto argument = dyn_cast<BlockArgument>(operand.get());
    if (number == 0 && dl::kernelRole(op).writesOver)
      return true;
    // A carried value that is never written needs nothing.
    auto changes = [&](ValueRange next, Block::BlockArgListType arguments) {
      return next[number] != arguments[number];
    };
    if (auto scan = dyn_cast<dl::ScanOp>(op))
      return number < scan.getInits().size() && changes(scan.nextCarried(), scan.carriedArgs());
    if (auto loop = dyn_cast<dl::WhileOp>(op)) {
      Block &body = loop.getBody().front();
      return number < loop.getInits().size() && changes(body.getTerminator()->getOperands(), body.getArguments());
    }
    if (!op->hasTrait<OpTrait::IsTerminator>())
      return false;
    if (isa<func::ReturnOp>(op)) {
      auto updates = function.getResultAttrOfType<IntegerAttr>(number, "dl.updates");
      return !(argument && updates && updates.getInt() == argument.getArgNumber());
    }
    if (auto scan = dyn_cast<dl::ScanOp>(op->getParentOp())) {
      unsigned first = scan.getBreaks(), carried = scan.getInits().size();
      if (number < first)
        return false;
      return number - first >= carried || operand.get() != scan.carriedArgs()[number - first];
    }
    if (auto loop = dyn_cast<dl::WhileOp>(op->getParentOp()))
      return op->getBlock() == &loop.getBody().front() && operand.get() != op->getBlock()->getArgument(number);
    return true;
  }

  void makeKernel(unsigned cluster) {
    SmallVector<Location> places;
    for (unsigned index : graph.cluster(cluster).nodes)
      places.push_back(graph.node(index).op->getLoc());
    Location loc = builder.getFusedLoc(places);
    KernelBody body(loc, known);
    auto isInside = [&](Operation *op) {
      int node = graph.nodeOf(op->getResult(0));
      return node < 0 || graph.node(node).cluster == cluster || graph.node(node).recomputed;
    };
    Operation *first = graph.node(graph.cluster(cluster).nodes.front()).op;
    dl::KernelRole role = dl::kernelRole(first);
    if (role.writesOver)
      body.use(first->getOperand(0), own(first->getOpOperand(0)));
    if (first->getNumResults() == 0)
      body.add(first);
    else
      for (unsigned index : graph.cluster(cluster).nodes)
        body.require(graph.node(index).value(), isInside);
    SmallVector<Value> outputs;
    for (unsigned index : graph.outputs(cluster)) {
      Value value = graph.node(index).value();
      if (role.isAlone)
        llvm::append_range(outputs, graph.node(index).op->getResults());
      else
        outputs.append(begins.lookup(value) + std::clamp<unsigned>(ends.lookup(value), isRead(index), maxEnds), value);
    }
    if (RankedTensorType scratch = dl::scratchType(graph.node(graph.cluster(cluster).nodes.front()).op))
      body.addScratch(scratch);
    auto kernel = body.finish(builder, loc, names.name(graph, cluster), graph.cluster(cluster).kind, outputs);
    for (size_t i = 0, count; i < outputs.size(); i += count) {
      count = llvm::count(outputs, outputs[i]);
      addResults(outputs[i], kernel.getValues().slice(i, count));
    }
  }

  /// Whether something reads a node's value that leaves it as it is, and is no end of the block.
  bool isRead(unsigned index) {
    const FuseNode &node = graph.node(index);
    // A flag that the block ends with.
    for (OpOperand &use : node.value().getUses())
      if (use.getOwner()->hasTrait<OpTrait::IsTerminator>() && !needsItsOwn(use))
        return true;
    return llvm::any_of(node.users, [&](unsigned user) {
      const FuseNode &reader = graph.node(user);
      if (!reader.holdsKernels() && !dl::kernelRole(reader.op).writesOver)
        return reader.cluster != node.cluster;
      return llvm::any_of(reader.op->getOpOperands(),
                          [&](OpOperand &operand) { return operand.get() == node.value() && !needsItsOwn(operand); });
    });
  }

  /// The results that stand for `value`: first those that loops and updates write over, then those that the block ends
  /// with, the first of which others read too. A single one is for all, and copied for those that want more.
  void addResults(Value value, ValueRange results) {
    unsigned first = results.size() > 1 ? begins.lookup(value) : 0;
    bool forAll = results.size() == 1 && begins.lookup(value) > 0 && !value.hasOneUse();
    known.map(value, results[std::min<size_t>(first, results.size() - 1)]);
    if (results.size() == 1) {
      (begins.lookup(value) > 0 && !forAll ? unusedBegins : unusedEnds)[value].assign(results.begin(), results.end());
      return;
    }
    ValueRange begin = results.take_front(first), end = results.drop_front(first);
    unusedBegins[value].assign(begin.begin(), begin.end());
    unusedEnds[value].assign(end.begin(), end.end());
  }

  /// What stands for a use's value, for it alone.
  Value own(OpOperand &use) {
    Value value = use.get();
    bool isEnd = use.getOwner()->hasTrait<OpTrait::IsTerminator>();
    SmallVector<Value, 1> &results = (isEnd ? unusedEnds : unusedBegins)[value];
    if (!results.empty()) {
      Value result = results.front();
      results.erase(results.begin());
      return result;
    }
    KernelBody body(use.getOwner()->getLoc(), known);
    body.require(value, [](Operation *) { return false; });
    return body.finish(builder, value.getLoc(), names.copy(), dl::KernelKind::map, value).getResult(0);
  }

  func::FuncOp function;
  const FuseGraph &graph;
  KernelNames &names;
  OpBuilder &builder;
  IRMapping known;
  /// How many loops and updates begin with a value, and how many times the block ends with it; the results that none of them has yet.
  llvm::DenseMap<Value, unsigned> begins, ends;
  llvm::DenseMap<Value, SmallVector<Value, 1>> unusedBegins, unusedEnds;
};

struct FuseKernels : impl::FuseKernelsBase<FuseKernels> {
  using FuseKernelsBase::FuseKernelsBase;

  void runOnOperation() override {
    for (func::FuncOp function : getOperation().getOps<func::FuncOp>())
      if (!function.isExternal() && failed(fuse(function)))
        return signalPassFailure();
  }

private:
  LogicalResult fuse(func::FuncOp function) {
    WalkResult refused = function.walk([](Operation *op) {
      if (isa<dl::KernelOp>(op))
        return op->emitOpError() << "stands in a function that is to be fused: it is fused already",
               WalkResult::interrupt();
      if (isa<dl::GradOp, dl::JvpOp, dl::CallOp>(op))
        return op->emitOpError() << "cannot stand in a kernel: gradients and calls are expanded before",
               WalkResult::interrupt();
      if (isa<dl::StopGradientOp, dl::CheckIndexOp, dl::CheckOp>(op))
        op->getResult(0).replaceAllUsesWith(op->getOperand(0));
      if (isa<dl::StopGradientOp>(op))
        op->erase();
      else
        forwardUnchanged(op);
      return WalkResult::advance();
    });
    if (refused.wasInterrupted())
      return failure();
    KernelNames names(function);
    return fuseBlock(function.getBody().front(), function, names);
  }

  /// What a loop carries unchanged is what it began with.
  static void forwardUnchanged(Operation *op) {
    auto forward = [&](ValueRange next, ValueRange arguments, ValueRange inits) {
      for (auto [value, argument, init, result] : llvm::zip(next, arguments, inits, op->getResults()))
        if (value == argument)
          result.replaceAllUsesWith(init);
    };
    if (auto scan = dyn_cast<dl::ScanOp>(op))
      forward(scan.nextCarried(), SmallVector<Value>(scan.carriedArgs()), scan.getInits());
    if (auto loop = dyn_cast<dl::WhileOp>(op)) {
      Block &body = loop.getBody().front();
      forward(body.getTerminator()->getOperands(), SmallVector<Value>(body.getArguments()), loop.getInits());
    }
  }

  LogicalResult fuseBlock(Block &block, func::FuncOp function, KernelNames &names) {
    for (Operation &op : llvm::make_early_inc_range(llvm::reverse(block)))
      if (isOpTriviallyDead(&op))
        op.erase();

    FuseGraph graph(block);
    if (merge) {
      graph.mergeClusters();
      graph.recomputeCheap();
    }
    Operation *end = block.getTerminator();
    SmallVector<Operation *> before;
    for (Operation &op : block.without_terminator())
      before.push_back(&op);
    SmallVector<unsigned> order = graph.order();
    if (order.size() != graph.size())
      return function.emitError("kernels were fused that depend on each other in a circle");
    OpBuilder builder(end);
    BlockFuser fuser(block, function, graph, names, builder);
    for (unsigned cluster : order)
      fuser.make(cluster);
    fuser.finish(end);
    for (Operation *op : llvm::reverse(before))
      op->erase();
    for (Operation *op : fuser.made)
      for (Region &region : op->getRegions())
        if (failed(fuseBlock(region.front(), function, names)))
          return failure();
    return success();
  }
};

} // namespace
} // namespace dlc
