// Finds the operations that compute, how they see each other's values, and the clusters to begin with. What a merge
// needs and saves is in FuseMerge.cpp.

#include "passes/FuseGraph.h"

#include "mlir/IR/Block.h"

using namespace mlir;

namespace dlc {

using dl::shapeOf;

int64_t bytesOf(Value value) {
  auto type = cast<RankedTensorType>(value.getType());
  return type.getNumElements() * llvm::divideCeil(type.getElementTypeBitWidth(), 8);
}

bool isMovement(Operation *op) { return op->hasTrait<dl::Movement>() || isa<dl::RandomOp>(op); }

namespace {

/// What is cheaper to compute again than to keep: a conversion or a mask.
bool isCheap(Operation *op) { return isa<dl::CastOp, dl::CompareOp, dl::NotOp, dl::AndOp, dl::OrOp>(op); }

/// The value that must be in memory for a product or gather to read `operand`, which it does through reshapes and
/// transpositions.
Value memoryRoot(Value operand) {
  while (Operation *op = operand.getDefiningOp()) {
    if (!isa<dl::ReshapeOp, dl::TransposeOp>(op))
      break;
    operand = op->getOperand(0);
  }
  return operand;
}

/// The values that something needs in memory, block arguments apart.
llvm::DenseSet<Value> valuesInMemory(Block &block) {
  llvm::DenseSet<Value> result;
  for (Operation &op : block) {
    if (isa<dl::ScatterAddOp, dl::CumulativeOp, dl::CheckIndexOp>(op) || op.hasTrait<OpTrait::IsTerminator>())
      result.insert(op.operand_begin(), op.operand_end());
    if (isa<dl::ContractOp>(op))
      for (Value operand : op.getOperands())
        result.insert(memoryRoot(operand));
    if (isa<dl::GatherOp>(op))
      result.insert(memoryRoot(op.getOperand(0)));
  }
  return result;
}

/// The operations that are repeated in the kernels that read them.
llvm::DenseSet<Operation *> absorbedOps(Block &block, const llvm::DenseSet<Value> &inMemory) {
  llvm::DenseSet<Operation *> absorbed;
  // Whether a kernel other than the one that computes `value` can read it without a new buffer.
  auto isAvailable = [&](Value value) {
    Operation *op = value.getDefiningOp();
    while (op && !inMemory.contains(op->getResult(0)) && isMovement(op) && op->getNumOperands() == 1)
      op = op->getOperand(0).getDefiningOp();
    return !op || absorbed.contains(op) || inMemory.contains(op->getResult(0));
  };
  for (Operation &op : block) {
    if (op.getNumResults() != 1 || inMemory.contains(op.getResult(0)))
      continue;
    bool cheap = isCheap(&op) && !shapeOf(op.getResult(0)).empty() && llvm::all_of(op.getOperands(), isAvailable);
    if (isMovement(&op) || cheap)
      absorbed.insert(&op);
  }
  return absorbed;
}

} // namespace

FuseGraph::FuseGraph(Block &block) {
  findNodes(block);
  makeClusters();
  sealScalars();
}

int FuseGraph::nodeOf(Value value) const {
  Operation *op = value.getDefiningOp();
  auto entry = op ? nodeIndex.find(op) : nodeIndex.end();
  return entry == nodeIndex.end() ? -1 : static_cast<int>(entry->second);
}

void FuseGraph::findNodes(Block &block) {
  llvm::DenseSet<Value> inMemory = valuesInMemory(block);
  llvm::DenseSet<Operation *> absorbed = absorbedOps(block, inMemory);
  for (Operation &op : block.without_terminator()) {
    if (absorbed.contains(&op))
      continue;
    FuseNode node{&op, {}, {}, inMemory.contains(op.getResult(0)), 0};
    for (auto [index, operand] : llvm::enumerate(op.getOperands())) {
      if (isa<dl::ContractOp, dl::GatherOp, dl::ScatterAddOp, dl::CumulativeOp, dl::CheckIndexOp>(op))
        addInputs(node, operand, View::whole, {});
      else if (auto broadcast = dyn_cast<dl::BroadcastOp>(op))
        addInputs(node, operand, View::row, broadcast.getAxes());
      else
        addInputs(node, operand, isMovement(&op) ? View::moved : View::direct, {});
    }
    nodeIndex[&op] = nodes.size();
    nodes.push_back(std::move(node));
  }
  for (auto [index, node] : llvm::enumerate(nodes))
    for (const NodeInput &input : node.inputs) {
      if (input.view != View::whole && !llvm::is_contained(readers[input.source], index))
        readers[input.source].push_back(index);
      if (input.node >= 0 && !llvm::is_contained(nodes[input.node].users, index))
        nodes[input.node].users.push_back(index);
    }
}

void FuseGraph::addInputs(FuseNode &node, Value value, View view, ArrayRef<int64_t> axes) {
  Operation *op = value.getDefiningOp();
  int source = nodeOf(value);
  if (!op || source >= 0) {
    auto same = [&](const NodeInput &input) {
      return input.source == value && input.view == view && ArrayRef(input.axes) == axes;
    };
    if (llvm::none_of(node.inputs, same))
      node.inputs.push_back({value, source, view, SmallVector<int64_t, 4>(axes)});
    return;
  }
  if (!isMovement(op)) {
    for (Value operand : op->getOperands())
      addInputs(node, operand, view, axes);
    return;
  }
  auto broadcast = dyn_cast<dl::BroadcastOp>(op);
  if (broadcast && view == View::direct)
    return addInputs(node, broadcast.getOperand(), View::row, broadcast.getAxes());
  for (Value operand : op->getOperands())
    addInputs(node, operand, view == View::whole ? view : View::moved, {});
}

void FuseGraph::makeClusters() {
  for (auto [index, node] : llvm::enumerate(nodes)) {
    Cluster cluster{dl::KernelKind::map, {}, {}, {static_cast<unsigned>(index)}};
    cluster.shape.assign(shapeOf(node.value()).begin(), shapeOf(node.value()).end());
    if (isa<dl::ContractOp>(node.op)) {
      cluster.kind = dl::KernelKind::contract;
    } else if (auto reduce = dyn_cast<dl::ReduceOp>(node.op)) {
      cluster.shape.assign(shapeOf(reduce.getOperand()).begin(), shapeOf(reduce.getOperand()).end());
      cluster.reduced.assign(reduce.getAxes().begin(), reduce.getAxes().end());
    } else if (auto reduce = dyn_cast<dl::ArgReduceOp>(node.op)) {
      cluster.shape.assign(shapeOf(reduce.getOperand()).begin(), shapeOf(reduce.getOperand()).end());
      cluster.reduced = {static_cast<int64_t>(reduce.getAxis())};
    } else if (isa<dl::CheckIndexOp>(node.op)) {
      cluster.kind = dl::KernelKind::check;
    } else if (isa<dl::ScatterAddOp>(node.op)) {
      cluster.kind = dl::KernelKind::scatter;
    } else if (isa<dl::CumulativeOp>(node.op)) {
      cluster.kind = dl::KernelKind::cumulative;
    }
    cluster.sealed = cluster.kind != dl::KernelKind::map && cluster.kind != dl::KernelKind::contract;
    node.cluster = index;
    cluster.rank = index;
    ranked.push_back(index);
    clusters.push_back(std::move(cluster));
  }
}

/// Rank-0 arithmetic on arguments alone (learning rates, beta ** step) is one cluster, whatever reads it.
void FuseGraph::sealScalars() {
  int first = -1;
  for (auto [index, node] : llvm::enumerate(nodes)) {
    bool scalar = shapeOf(node.value()).empty() && clusters[index].kind == dl::KernelKind::map &&
                  clusters[index].reduced.empty() && !isa<dl::GatherOp>(node.op);
    for (const NodeInput &input : node.inputs)
      scalar &= shapeOf(input.source).empty() && (input.node < 0 || clusters[nodes[input.node].cluster].scalars);
    if (!scalar)
      continue;
    if (first < 0) {
      first = index;
      clusters[first].sealed = clusters[first].scalars = true;
      continue;
    }
    clusters[first].nodes.push_back(index);
    clusters[index].nodes.clear();
    node.cluster = first;
  }
}

SmallVector<unsigned> FuseGraph::outputs(unsigned cluster) const {
  SmallVector<unsigned> result;
  for (unsigned index : clusters[cluster].nodes) {
    const FuseNode &node = nodes[index];
    auto outside = [&](unsigned user) { return nodes[user].cluster != cluster; };
    if (clusters[cluster].kind != dl::KernelKind::check && (node.inMemory || llvm::any_of(node.users, outside)))
      result.push_back(index);
  }
  return result;
}

size_t FuseGraph::size() const {
  return llvm::count_if(clusters, [](const Cluster &cluster) { return !cluster.nodes.empty(); });
}

SmallVector<unsigned> FuseGraph::order() const {
  // Kahn's algorithm; of the clusters that are ready, the one that begins first in the block.
  std::vector<llvm::DenseSet<unsigned>> successors(clusters.size());
  std::vector<unsigned> waiting(clusters.size());
  for (const FuseNode &node : nodes)
    for (unsigned user : node.users) {
      unsigned next = nodes[user].cluster;
      if (next != node.cluster && successors[node.cluster].insert(next).second)
        ++waiting[next];
    }
  auto later = [&](unsigned a, unsigned b) { return clusters[a].nodes.front() > clusters[b].nodes.front(); };
  std::vector<unsigned> ready;
  for (unsigned index = 0; index < clusters.size(); ++index)
    if (!clusters[index].nodes.empty() && waiting[index] == 0)
      ready.push_back(index);
  std::make_heap(ready.begin(), ready.end(), later);
  SmallVector<unsigned> result;
  while (!ready.empty()) {
    std::pop_heap(ready.begin(), ready.end(), later);
    unsigned index = ready.back();
    ready.pop_back();
    result.push_back(index);
    for (unsigned next : successors[index])
      if (--waiting[next] == 0) {
        ready.push_back(next);
        std::push_heap(ready.begin(), ready.end(), later);
      }
  }
  return result;
}

} // namespace dlc
