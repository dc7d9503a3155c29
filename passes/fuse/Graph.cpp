// Finds the operations that compute, how they see each other's values, and the clusters to begin with. What a merge
// needs is in Merge.cpp, what it saves in Saving.cpp.

#include "passes/fuse/Graph.h"
#include "ir/KernelRole.h"

#include "mlir/IR/Block.h"
#include <map>

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

/// Whether neighbours stay neighbours.
bool isPart(Operation *op) {
  auto slice = dyn_cast_or_null<dl::SliceOp>(op);
  return slice && llvm::all_of(slice.getSteps(), [](int64_t step) { return step == 1; });
}

/// The value that must be in memory for a product or gather to read `operand`, which it does through reshapes,
/// transpositions, reversals and windows. A product reads a part of a value too, through transpositions: its elements have strides.
Value memoryRoot(Operation *reader, Value operand) {
  Value root = operand;
  while (isa_and_nonnull<dl::TransposeOp, dl::WindowOp>(root.getDefiningOp()))
    root = root.getDefiningOp()->getOperand(0);
  if (isa<dl::ContractOp>(reader) && isPart(root.getDefiningOp()))
    if (Value whole = root.getDefiningOp()->getOperand(0); !whole.getDefiningOp() || !isMovement(whole.getDefiningOp()))
      return whole;
  while (isa_and_nonnull<dl::ReshapeOp, dl::TransposeOp, dl::ReverseOp, dl::WindowOp>(operand.getDefiningOp()))
    operand = operand.getDefiningOp()->getOperand(0);
  return operand;
}

/// The values that something needs in memory, block arguments apart.
llvm::DenseSet<Value> valuesInMemory(Block &block) {
  llvm::DenseSet<Value> result;
  for (Operation &op : block) {
    bool needsAll = dl::holdsKernels(&op) || op.hasTrait<OpTrait::IsTerminator>();
    dl::KernelRole role = dl::kernelRole(&op);
    for (OpOperand &operand : op.getOpOperands()) {
      dl::OperandUse use = needsAll ? dl::OperandUse::memory : role.use(operand.getOperandNumber());
      if (use == dl::OperandUse::memory)
        result.insert(operand.get());
      else if (use == dl::OperandUse::viewed)
        result.insert(memoryRoot(&op, operand.get()));
    }
    if (dl::holdsKernels(&op) || op.getNumResults() > 1)
      result.insert(op.result_begin(), op.result_end());
  }
  return result;
}

/// Finds the operations that are repeated in the kernels that read them.
///
/// A kernel emits an absorbed value once for each place at which it needs it. Something that reads a value at several
/// places (a concatenation of its parts) repeats all that the value is made of, and a chain of such doubles the code with
/// each link. So what has several readers is kept in memory when an element of it takes more than `maxPoints` loads and
/// operations.
class Absorption {
public:
  Absorption(Block &block, const llvm::DenseSet<Value> &inMemory) : inMemory(inMemory) {
    for (Operation &op : block) {
      if (op.getNumResults() != 1)
        continue;
      Value value = op.getResult(0);
      if (!inMemory.contains(value) && mayAbsorb(op)) {
        Points all = pointsThrough(op);
        if (value.hasOneUse() || all.size() <= maxPoints) {
          absorbed.insert(&op);
          points[value] = std::move(all);
        }
      }
      if (isAvailable(op))
        available.insert(value);
    }
  }

  llvm::DenseSet<Operation *> absorbed;

private:
  /// What is emitted for an element: values, each at a place that is numbered by the movements that lead there.
  using Points = std::set<std::pair<void *, unsigned>>;
  static constexpr size_t maxPoints = 8;
  /// Beyond this nothing is counted.
  static constexpr size_t manyPoints = 64;

  bool mayAbsorb(Operation &op) const {
    bool cheap = isCheap(&op) && !shapeOf(op.getResult(0)).empty() &&
                 llvm::all_of(op.getOperands(), [&](Value operand) { return isReadable(operand); });
    return isMovement(&op) || cheap;
  }

  /// Whether a kernel other than the one that computes `value` can read it without a new buffer.
  bool isReadable(Value value) const { return !value.getDefiningOp() || available.contains(value); }
  bool isAvailable(Operation &op) const {
    if (inMemory.contains(op.getResult(0)))
      return true;
    bool through = isMovement(&op) && op.getNumOperands() == 1;
    return absorbed.contains(&op) && (!through || isReadable(op.getOperand(0)));
  }

  /// The points of an element of an absorbed operation.
  Points pointsThrough(Operation &op) {
    bool moves = isMovement(&op);
    Points all;
    // Movements by arithmetic on indices alone, and numbers, take nothing themselves.
    if (!isa<dl::ReshapeOp, dl::TransposeOp, dl::BroadcastOp, dl::SliceOp, dl::ReverseOp, dl::WindowOp, dl::ConstantOp>(
            op))
      all.insert({&op, 0});
    for (OpOperand &operand : op.getOpOperands()) {
      auto known = points.find(operand.get());
      Points leaf = {{operand.get().getAsOpaquePointer(), 0}};
      for (auto [value, place] : known == points.end() ? leaf : known->second) {
        if (all.size() >= manyPoints)
          return all;
        all.insert({value, moves ? placeThrough(operand, place) : place});
      }
    }
    return all;
  }

  /// The place that is reached through a movement's operand and then as `place` says.
  unsigned placeThrough(OpOperand &operand, unsigned place) {
    return places.try_emplace({&operand, place}, places.size() + 1).first->second;
  }

  const llvm::DenseSet<Value> &inMemory;
  llvm::DenseSet<Value> available;
  llvm::DenseMap<Value, Points> points;
  std::map<std::pair<OpOperand *, unsigned>, unsigned> places;
};

} // namespace

FuseGraph::FuseGraph(Block &block) {
  findNodes(block);
  orderEffects();
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
  llvm::DenseSet<Operation *> absorbed = Absorption(block, inMemory).absorbed;
  for (Operation &op : block.without_terminator()) {
    if (absorbed.contains(&op))
      continue;
    FuseNode node{&op, {}, {}, {}, op.getNumResults() > 0 && inMemory.contains(op.getResult(0)), 0};
    InputSet seen;
    dl::KernelRole role = dl::kernelRole(&op);
    for (auto [index, operand] : llvm::enumerate(op.getOperands())) {
      if (dl::holdsKernels(&op) || role.use(index) != dl::OperandUse::point)
        addInputs(node, seen, operand, View::whole, {});
      else if (auto broadcast = dyn_cast<dl::BroadcastOp>(op))
        addInputs(node, seen, operand, View::row, broadcast.getAxes());
      else
        addInputs(node, seen, operand, isMovement(&op) ? View::moved : View::direct, {});
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

/// Where something is printed, prints and checks run in the order of the program. Checks alone need none.
void FuseGraph::orderEffects() {
  auto prints = [](const FuseNode &node) { return dl::holdsPrint(node.op); };
  if (llvm::none_of(nodes, prints))
    return;
  int last = -1;
  for (auto [index, node] : llvm::enumerate(nodes)) {
    if (!prints(node) && !dl::holdsCheck(node.op))
      continue;
    if (last >= 0) {
      node.follows.push_back(last);
      if (!llvm::is_contained(nodes[last].users, index))
        nodes[last].users.push_back(index);
    }
    last = index;
  }
}

void FuseGraph::addInputs(FuseNode &node, InputSet &seen, Value value, View view, ArrayRef<int64_t> axes) {
  if (!seen.insert({value.getAsOpaquePointer(), view, axes.vec()}).second)
    return;
  Operation *op = value.getDefiningOp();
  int source = nodeOf(value);
  if (!op || source >= 0) {
    node.inputs.push_back({value, source, view, SmallVector<int64_t, 4>(axes)});
    return;
  }
  if (!isMovement(op)) {
    for (Value operand : op->getOperands())
      addInputs(node, seen, operand, view, axes);
    return;
  }
  auto broadcast = dyn_cast<dl::BroadcastOp>(op);
  if (broadcast && view == View::direct)
    return addInputs(node, seen, broadcast.getOperand(), View::row, broadcast.getAxes());
  for (Value operand : op->getOperands())
    addInputs(node, seen, operand, view == View::whole ? view : View::moved, {});
}

void FuseGraph::makeClusters() {
  for (auto [index, node] : llvm::enumerate(nodes)) {
    dl::KernelRole role = dl::kernelRole(node.op);
    Cluster cluster{role.kind, {}, {}, {static_cast<unsigned>(index)}};
    cluster.sealed = role.isAlone || node.holdsKernels();
    if (!cluster.sealed) {
      Value space = dl::isReduction(node.op) ? node.op->getOperand(0) : node.value();
      cluster.shape.assign(shapeOf(space).begin(), shapeOf(space).end());
      if (dl::isReduction(node.op))
        cluster.reduced = dl::reducedAxes(node.op);
    }
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
    if (clusters[index].sealed)
      continue;
    bool scalar = shapeOf(node.value()).empty() && clusters[index].kind == dl::KernelKind::map &&
                  clusters[index].reduced.empty() && !dl::kernelRole(node.op).isLookup;
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

bool FuseNode::holdsKernels() const { return dl::holdsKernels(op); }

SmallVector<unsigned> FuseGraph::outputs(unsigned cluster) const {
  SmallVector<unsigned> result;
  for (unsigned index : clusters[cluster].nodes) {
    const FuseNode &node = nodes[index];
    auto outside = [&](unsigned user) { return nodes[user].cluster != cluster; };
    bool gives = clusters[cluster].kind != dl::KernelKind::check && node.op->getNumResults() > 0;
    if (gives && (node.inMemory || llvm::any_of(node.users, outside)))
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
