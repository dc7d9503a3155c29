// Puts every operation of a function into a dl.kernel.
//
// 1. Loops, branches and calls are refused: kernels hold straight-line code.
// 2. Index checks become kernels of their own; what they checked is used directly. Barriers of differentiation go.
// 3. FuseGraph finds the operations that compute and merges them into clusters.
// 4. Each cluster becomes a kernel, in an order of execution; absorbed operations are repeated in it.
// 5. A result of the function that no kernel writes (an argument, a value returned twice) is written by a copying
//    kernel.

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

/// Collects the body of one kernel.
class KernelBody {
public:
  /// `known` maps values of the function to what stands for them now: results of kernels made before.
  KernelBody(Location loc, const IRMapping &known) : known(known), builder(loc.getContext()) {
    builder.setInsertionPointToEnd(&block);
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

struct FuseKernels : impl::FuseKernelsBase<FuseKernels> {
  using FuseKernelsBase::FuseKernelsBase;

  void runOnOperation() override {
    for (func::FuncOp function : getOperation().getOps<func::FuncOp>())
      if (!function.isExternal() && failed(fuse(function)))
        return signalPassFailure();
  }

private:
  static LogicalResult refuse(Operation &op) {
    if (isa<dl::ScanOp, dl::WhileOp>(op))
      return op.emitError() << "not supported yet: a loop in compiled code";
    if (isa<dl::IfOp>(op))
      return op.emitError() << "not supported yet: a branch on a computed value in compiled code";
    if (isa<dl::KernelOp>(op))
      return op.emitOpError() << "stands in a function that is to be fused: it is fused already";
    if (op.getNumRegions() > 0 || isa<dl::CallOp>(op))
      return op.emitOpError() << "cannot stand in a kernel: gradients and calls are expanded before";
    return success();
  }

  LogicalResult fuse(func::FuncOp function) {
    Block &block = function.getBody().front();
    for (Operation &op : block.without_terminator())
      if (failed(refuse(op)))
        return failure();
    for (Operation &op : llvm::make_early_inc_range(block)) {
      if (isa<dl::StopGradientOp, dl::CheckIndexOp>(op))
        op.getResult(0).replaceAllUsesWith(op.getOperand(0));
      if (isa<dl::StopGradientOp>(op))
        op.erase();
    }

    for (Operation &op : llvm::make_early_inc_range(llvm::reverse(block)))
      if (isOpTriviallyDead(&op))
        op.erase();

    FuseGraph graph(block);
    if (merge)
      graph.mergeClusters();
    KernelNames names(function, graph);
    IRMapping known;
    Operation *end = block.getTerminator();
    SmallVector<Operation *> before;
    for (Operation &op : block.without_terminator())
      before.push_back(&op);
    OpBuilder builder(end);
    SmallVector<unsigned> order = graph.order();
    if (order.size() != graph.size())
      return function.emitError("kernels were fused that depend on each other in a circle");
    for (unsigned cluster : order)
      makeKernel(builder, graph, cluster, names, known);
    writeResults(builder, function, names, known);
    for (Operation *op : llvm::reverse(before))
      op->erase();
    return success();
  }

  static void makeKernel(OpBuilder &builder, const FuseGraph &graph, unsigned cluster, KernelNames &names,
                         IRMapping &known) {
    SmallVector<Location> places;
    for (unsigned index : graph.cluster(cluster).nodes)
      places.push_back(graph.node(index).op->getLoc());
    Location loc = builder.getFusedLoc(places);
    KernelBody body(loc, known);
    auto isInside = [&](Operation *op) {
      int node = graph.nodeOf(op->getResult(0));
      return node < 0 || graph.node(node).cluster == cluster;
    };
    for (unsigned index : graph.cluster(cluster).nodes)
      body.require(graph.node(index).value(), isInside);
    SmallVector<Value> outputs;
    for (unsigned index : graph.outputs(cluster))
      llvm::append_range(outputs, graph.node(index).op->getResults());
    if (RankedTensorType scratch = dl::scratchType(graph.node(graph.cluster(cluster).nodes.front()).op))
      body.addScratch(scratch);
    auto kernel = body.finish(builder, loc, names.name(cluster), graph.cluster(cluster).kind, outputs);
    for (auto [value, result] : llvm::zip(outputs, kernel.getValues()))
      known.map(value, result);
  }

  /// Each result of the function but an argument's own unchanged value is a kernel's result of its own.
  static void writeResults(OpBuilder &builder, func::FuncOp function, KernelNames &names, const IRMapping &known) {
    Operation *end = function.getBody().front().getTerminator();
    llvm::DenseSet<Value> written;
    for (OpOperand &operand : end->getOpOperands()) {
      Value value = known.lookupOrDefault(operand.get());
      auto updates = function.getResultAttrOfType<IntegerAttr>(operand.getOperandNumber(), "dl.updates");
      auto argument = dyn_cast<BlockArgument>(value);
      bool unchanged = argument && updates && updates.getInt() == argument.getArgNumber();
      if (!unchanged && (argument || !written.insert(value).second)) {
        KernelBody body(end->getLoc(), known);
        body.require(value, [](Operation *) { return false; });
        value = body.finish(builder, value.getLoc(), names.copy(), dl::KernelKind::map, value).getResult(0);
      }
      operand.set(value);
    }
  }
};

} // namespace
} // namespace dlc
