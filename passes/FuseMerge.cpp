// Which clusters may share a loop nest, what that saves, and the greedy merging.
//
// 1. Every pair of clusters that are connected or read a value in common is rated by the bytes that need not be written
//    or read when they are one.
// 2. The best pair that may be merged is merged, with what lies on a path from one to the other, and the neighbours of
//    the outcome are rated again.
// 3. Until no pair is left. The order of equal pairs is that of the block, so the outcome depends on the graph alone.
//
// A pair may be merged when the kinds fit (map with map of one space, or of the rows of one; a product with what is
// elementwise on its result) and no value between them is seen at another element; the same holds for what lies on a
// path between them.

#include "ir/Builders.h"
#include "passes/FuseGraph.h"

#include <queue>

using namespace mlir;

namespace dlc {
namespace {

/// More buffers than this and the addresses no longer fit into registers.
constexpr unsigned maxOperands = 40;
/// Longer bodies cost compile time and registers and save no more traffic.
constexpr unsigned maxNodes = 256;
/// So many clusters are merged at once at most.
constexpr unsigned maxGroup = 16;
/// A space of this many elements whose rows are fewer than `minRows` would run on one thread if it were read twice.
constexpr int64_t largeSpace = 16384, minRows = 8;
/// Spaces up to this size are merged to save the call when their operands come from one kernel.
constexpr int64_t smallSpace = 4096;

int64_t numElements(ArrayRef<int64_t> shape) {
  int64_t count = 1;
  for (int64_t size : shape)
    count *= size;
  return count;
}

} // namespace

bool FuseGraph::mergedSpace(const Cluster &a, const Cluster &b, Cluster &merged) const {
  if (a.sealed || b.sealed)
    return false;
  bool plain = b.kind == dl::KernelKind::map && b.reduced.empty();
  const Cluster &main = a.kind == dl::KernelKind::contract || plain ? a : b;
  const Cluster &other = &main == &a ? b : a;
  merged.kind = main.kind;
  merged.shape = main.shape;
  merged.reduced = main.reduced;
  if (other.kind == dl::KernelKind::contract)
    return false;
  if (!other.reduced.empty())
    return main.kind == dl::KernelKind::map && main.shape == other.shape && main.reduced == other.reduced;
  return other.shape == main.shape ||
         (!main.reduced.empty() && other.shape == dl::withoutAxes(main.shape, main.reduced));
}

/// Whether the nodes of `merged` see each other's values at the same element or once a row.
bool FuseGraph::edgesAllow(const Cluster &merged) const {
  SmallVector<int64_t, 4> rows = dl::withoutAxes(merged.shape, merged.reduced), kept;
  for (int64_t axis = 0; axis < static_cast<int64_t>(merged.shape.size()); ++axis)
    if (!llvm::is_contained(merged.reduced, axis))
      kept.push_back(axis);
  bool serial = numElements(merged.shape) > largeSpace && numElements(rows) < minRows;
  llvm::DenseSet<unsigned> inside(merged.nodes.begin(), merged.nodes.end());
  for (unsigned index : merged.nodes) {
    // An epilogue has no gathers.
    if (merged.kind == dl::KernelKind::contract && isa<dl::GatherOp>(nodes[index].op))
      return false;
    for (const NodeInput &input : nodes[index].inputs) {
      if (input.node < 0 || !inside.contains(input.node) || input.view == View::direct)
        continue;
      if (input.view != View::row || merged.reduced.empty() || serial || input.axes != kept ||
          cast<RankedTensorType>(input.source.getType()).getShape() != ArrayRef<int64_t>(rows))
        return false;
    }
  }
  return true;
}

/// The first and the last rank of the group.
std::pair<unsigned, unsigned> FuseGraph::span(ArrayRef<unsigned> group) const {
  auto [first, last] = std::pair(clusters[group.front()].rank, clusters[group.front()].rank);
  for (unsigned cluster : group) {
    first = std::min(first, clusters[cluster].rank);
    last = std::max(last, clusters[cluster].rank);
  }
  return {first, last};
}

/// Adds to `seen` the clusters that depend on the group (or, not `forward`, that it depends on) and rank within its span:
/// nothing else can lie on a path within it. The group's own are not counted.
void FuseGraph::reach(ArrayRef<unsigned> group, bool forward, llvm::DenseSet<unsigned> &seen) const {
  auto [first, last] = span(group);
  SmallVector<unsigned> pending(group);
  auto visit = [&, first = first, last = last](unsigned node) {
    unsigned cluster = nodes[node].cluster, rank = clusters[cluster].rank;
    bool between = forward ? rank <= last : rank >= first;
    if (between && !llvm::is_contained(group, cluster) && seen.insert(cluster).second)
      pending.push_back(cluster);
  };
  while (!pending.empty())
    for (unsigned index : clusters[pending.pop_back_val()].nodes) {
      if (forward)
        llvm::for_each(nodes[index].users, visit);
      else
        for (const NodeInput &input : nodes[index].inputs)
          if (input.node >= 0)
            visit(input.node);
    }
}

/// The clusters `a` and `b`, and those through which one depends on the other.
SmallVector<unsigned> FuseGraph::closure(unsigned a, unsigned b) const {
  SmallVector<unsigned> group = {a, b};
  llvm::DenseSet<unsigned> after, before;
  reach(group, true, after);
  reach(group, false, before);
  for (unsigned cluster : after)
    if (before.contains(cluster))
      group.push_back(cluster);
  llvm::sort(group);
  return group;
}

/// Ranks the clusters anew within the span of a group that is about to be one: what it depends on comes first, then the
/// group, then the others, all in the order that they had (the repair step of Pearce and Kelly, "A dynamic topological sort
/// algorithm for directed acyclic graphs", 2007).
void FuseGraph::rankAnew(ArrayRef<unsigned> group) {
  auto [first, last] = span(group);
  llvm::DenseSet<unsigned> before;
  reach(group, false, before);
  SmallVector<unsigned> parts[3];
  for (unsigned rank = first; rank <= last; ++rank) {
    unsigned cluster = ranked[rank];
    parts[llvm::is_contained(group, cluster) ? 1 : before.contains(cluster) ? 0 : 2].push_back(cluster);
  }
  unsigned rank = first;
  for (unsigned cluster : llvm::concat<unsigned>(parts[0], parts[1], parts[2])) {
    ranked[rank] = cluster;
    clusters[cluster].rank = rank++;
  }
}

/// Makes one cluster of the group, if its members may share a loop nest.
bool FuseGraph::merge(ArrayRef<unsigned> group, Cluster &merged) const {
  // The member that fixes the space comes first: a product, a reduction, else any.
  SmallVector<unsigned> members(group);
  auto isPlain = [&](unsigned cluster) {
    return clusters[cluster].kind == dl::KernelKind::map && clusters[cluster].reduced.empty();
  };
  llvm::sort(members, [&](unsigned x, unsigned y) { return std::pair(isPlain(x), x) < std::pair(isPlain(y), y); });
  merged = clusters[members.front()];
  for (unsigned member : ArrayRef(members).drop_front()) {
    Cluster both = merged;
    if (!mergedSpace(merged, clusters[member], both))
      return false;
    llvm::append_range(both.nodes, clusters[member].nodes);
    both.version = std::max(merged.version, clusters[member].version);
    merged = std::move(both);
  }
  llvm::sort(merged.nodes);
  return merged.nodes.size() <= maxNodes && edgesAllow(merged);
}

/// Whether both read something, in whatever way, that one other cluster computes.
bool FuseGraph::sharesProducer(const Cluster &a, const Cluster &b) const {
  llvm::DenseSet<unsigned> producers;
  for (unsigned index : a.nodes)
    for (const NodeInput &input : nodes[index].inputs)
      if (input.node >= 0)
        producers.insert(nodes[input.node].cluster);
  for (unsigned index : b.nodes)
    for (const NodeInput &input : nodes[index].inputs)
      if (input.node >= 0 && producers.contains(nodes[input.node].cluster) &&
          !clusters[nodes[input.node].cluster].scalars)
        return true;
  return false;
}

FuseGraph::Saving FuseGraph::saving(unsigned a, unsigned b) const {
  Saving saving;
  llvm::DenseSet<Value> reads[2];
  int64_t readBytes[2] = {0, 0};
  unsigned operands = 0;
  for (auto [side, cluster, other] : {std::tuple(0, a, b), std::tuple(1, b, a)}) {
    for (unsigned index : clusters[cluster].nodes)
      for (const NodeInput &input : nodes[index].inputs) {
        int from = input.node < 0 ? -1 : static_cast<int>(nodes[input.node].cluster);
        if (from == static_cast<int>(cluster) || input.view == View::whole || !reads[side].insert(input.source).second)
          continue;
        if (from == static_cast<int>(other)) {
          saving.connected = true;
          saving.bytes += bytesOf(input.source);
        } else {
          readBytes[side] += bytesOf(input.source);
          ++operands;
        }
      }
    for (unsigned index : outputs(cluster)) {
      const FuseNode &node = nodes[index];
      auto outside = [&](unsigned user) { return nodes[user].cluster != a && nodes[user].cluster != b; };
      if (node.inMemory || llvm::any_of(node.users, outside))
        ++operands;
      else
        saving.bytes += bytesOf(node.value());
    }
  }
  int64_t shared = 0;
  for (Value value : reads[0])
    if (reads[1].contains(value)) {
      shared += bytesOf(value);
      --operands;
    }
  // Two clusters side by side are merged for a good part of what they read; a scalar in common is no reason.
  if (saving.connected || (shared > 0 && shared * 4 >= std::min(readBytes[0], readBytes[1])))
    saving.bytes += shared;
  const Cluster &first = clusters[a], &second = clusters[b];
  if (saving.bytes == 0 && first.shape == second.shape && first.reduced == second.reduced &&
      numElements(first.shape) <= smallSpace && sharesProducer(first, second))
    saving.bytes = 1;
  // What is connected saves the call, even where the tensors are empty.
  if (saving.connected)
    saving.bytes = std::max<int64_t>(saving.bytes, 1);
  if (operands > maxOperands)
    saving.bytes = 0;
  return saving;
}

SmallVector<unsigned> FuseGraph::neighbours(unsigned cluster) const {
  SmallVector<unsigned> result;
  auto add = [&](unsigned index) {
    if (index != cluster && !clusters[index].sealed)
      result.push_back(index);
  };
  auto addReaders = [&](Value value) {
    auto entry = readers.find(value);
    if (entry == readers.end())
      return;
    // A value that everything reads (a learning rate) is no reason to look at every pair.
    constexpr size_t few = 16;
    if (entry->second.size() <= few)
      for (unsigned index : entry->second)
        add(nodes[index].cluster);
  };
  for (unsigned index : clusters[cluster].nodes) {
    for (unsigned user : nodes[index].users)
      add(nodes[user].cluster);
    for (const NodeInput &input : nodes[index].inputs) {
      if (input.node >= 0) {
        const FuseNode &producer = nodes[input.node];
        add(producer.cluster);
        if (!clusters[producer.cluster].scalars)
          for (unsigned sibling : clusters[producer.cluster].nodes)
            for (unsigned user : nodes[sibling].users)
              add(nodes[user].cluster);
      }
      if (input.view != View::whole)
        addReaders(input.source);
    }
  }
  llvm::sort(result);
  result.erase(llvm::unique(result), result.end());
  return result;
}

void FuseGraph::mergeClusters() {
  struct Pair {
    int64_t bytes;
    unsigned a, b, versionA, versionB;
    bool operator<(const Pair &other) const {
      return std::tuple(bytes, other.a, other.b) < std::tuple(other.bytes, a, b);
    }
  };
  std::priority_queue<Pair> queue;
  auto rate = [&](unsigned a, unsigned b) {
    if (a > b)
      std::swap(a, b);
    Cluster merged{};
    if (!mergedSpace(clusters[a], clusters[b], merged))
      return;
    if (int64_t bytes = saving(a, b).bytes)
      queue.push({bytes, a, b, clusters[a].version, clusters[b].version});
  };
  for (unsigned a = 0; a < clusters.size(); ++a)
    if (!clusters[a].nodes.empty() && !clusters[a].sealed)
      for (unsigned b : neighbours(a))
        if (a < b)
          rate(a, b);
  while (!queue.empty()) {
    Pair pair = queue.top();
    queue.pop();
    Cluster &a = clusters[pair.a], &b = clusters[pair.b], merged{};
    if (a.nodes.empty() || b.nodes.empty() || a.version != pair.versionA || b.version != pair.versionB)
      continue;
    SmallVector<unsigned> group = closure(pair.a, pair.b);
    if (group.size() > maxGroup || !merge(group, merged))
      continue;
    ++merged.version;
    rankAnew(group);
    merged.rank = a.rank;
    for (unsigned member : group) {
      for (unsigned index : clusters[member].nodes)
        nodes[index].cluster = pair.a;
      clusters[member].nodes.clear();
      ++clusters[member].version;
    }
    a = std::move(merged);
    for (unsigned neighbour : neighbours(pair.a))
      rate(pair.a, neighbour);
  }
}

} // namespace dlc
