// Which clusters may share a loop nest, and the greedy merging; what it saves is in Saving.cpp.
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
#include "ir/KernelRole.h"
#include "passes/fuse/Graph.h"

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
/// When a path from one cluster to another is looked for, so many are visited at most: what is farther apart than the
/// parts of a large network is not merged, and the time does not grow with the square of their number.
constexpr size_t maxVisited = 1024;
/// A space of this many elements whose rows are fewer than `minRows` would run on one thread if it were read twice.
constexpr int64_t largeSpace = 16384, minRows = 8;

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
  bool serial = ShapedType::getNumElements(merged.shape) > largeSpace && ShapedType::getNumElements(rows) < minRows;
  llvm::DenseSet<unsigned> inside(merged.nodes.begin(), merged.nodes.end());
  for (unsigned index : merged.nodes) {
    // An epilogue has no gathers.
    if (merged.kind == dl::KernelKind::contract && dl::kernelRole(nodes[index].op).isLookup)
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

/// Sets `seen` to the clusters that depend on the group (or, not `forward`, that it depends on) and rank within its span:
/// nothing else can lie on a path within it. The group's own, which are marked, are not counted, nor those outside of
/// `within`, if it is given.
/// Stops once there are more than `limit`.
void FuseGraph::reach(ArrayRef<unsigned> group, bool forward, ClusterSet &seen, const ClusterSet *within,
                      size_t limit) const {
  auto [first, last] = span(group);
  seen.clear(clusters.size());
  SmallVector<unsigned> pending(group);
  auto visit = [&, first = first, last = last](unsigned node) {
    unsigned cluster = nodes[node].cluster, rank = clusters[cluster].rank;
    bool between = forward ? rank <= last : rank >= first;
    if (between && !inGroup.contains(cluster) && (!within || within->contains(cluster)) && seen.insert(cluster))
      pending.push_back(cluster);
  };
  while (!pending.empty() && seen.list().size() < limit)
    for (unsigned index : clusters[pending.pop_back_val()].nodes) {
      if (forward) {
        llvm::for_each(nodes[index].users, visit);
        continue;
      }
      for (const NodeInput &input : nodes[index].inputs)
        if (input.node >= 0)
          visit(input.node);
      llvm::for_each(nodes[index].follows, visit);
    }
}

/// Marks the group's members.
void FuseGraph::mark(ArrayRef<unsigned> group) const {
  inGroup.clear(clusters.size());
  for (unsigned cluster : group)
    inGroup.insert(cluster);
}

/// The clusters `a` and `b`, and those through which one depends on the other; nothing when it takes too long to tell.
SmallVector<unsigned> FuseGraph::closure(unsigned a, unsigned b) const {
  SmallVector<unsigned> group = {a, b};
  mark(group);
  reach(group, true, after, nullptr, maxVisited);
  if (after.list().size() >= maxVisited)
    return {};
  if (after.list().empty())
    return group;
  reach(group, false, before, &after);
  llvm::append_range(group, before.list());
  llvm::sort(group);
  return group;
}

/// Gives a cluster a rank, and the one that had it its own.
void FuseGraph::moveTo(unsigned cluster, unsigned rank) {
  unsigned other = ranked[rank];
  std::swap(ranked[clusters[cluster].rank], ranked[rank]);
  std::swap(clusters[cluster].rank, clusters[other].rank);
}

/// Ranks `cluster`, which is about to be the whole group. Where nothing between the first and the last of the group comes
/// after it, or nothing before it, it takes the last one's, or the first one's, rank. Else the clusters are ranked anew within
/// the group's span: what it depends on comes first, then the group, then the others, all in the order that they had (the
/// repair step of Pearce and Kelly, "A dynamic topological sort algorithm for directed acyclic graphs", 2007).
void FuseGraph::rankAnew(ArrayRef<unsigned> group, unsigned cluster) {
  auto [first, last] = span(group);
  mark(group);
  reach(group, true, after);
  if (after.list().empty())
    return moveTo(cluster, last);
  reach(group, false, before);
  if (before.list().empty())
    return moveTo(cluster, first);
  SmallVector<unsigned> parts[3];
  for (unsigned rank = first; rank <= last; ++rank) {
    unsigned each = ranked[rank];
    parts[inGroup.contains(each) ? 1 : before.contains(each) ? 0 : 2].push_back(each);
  }
  unsigned rank = first;
  for (unsigned each : llvm::concat<unsigned>(parts[0], parts[1], parts[2])) {
    ranked[rank] = each;
    clusters[each].rank = rank++;
  }
}

/// How many buffers the group reads and writes as one, but those that are read as a whole.
unsigned FuseGraph::countOperands(ArrayRef<unsigned> group) const {
  auto isInside = [&](unsigned node) { return llvm::is_contained(group, nodes[node].cluster); };
  llvm::DenseSet<Value> reads;
  unsigned writes = 0;
  for (unsigned cluster : group)
    for (unsigned index : clusters[cluster].nodes) {
      for (const NodeInput &input : nodes[index].inputs)
        if (input.view != View::whole && (input.node < 0 || !isInside(input.node)))
          reads.insert(input.source);
      writes += nodes[index].inMemory || !llvm::all_of(nodes[index].users, isInside);
    }
  return reads.size() + writes;
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
  return merged.nodes.size() <= maxNodes && countOperands(group) <= maxOperands && edgesAllow(merged);
}

/// Whether a member sees another's value at another element: then no cluster ever holds both.
bool FuseGraph::isSeparated(ArrayRef<unsigned> group) const {
  for (unsigned cluster : group)
    for (unsigned index : clusters[cluster].nodes)
      for (const NodeInput &input : nodes[index].inputs)
        if (input.node >= 0 && (input.view == View::moved || input.view == View::whole) &&
            llvm::is_contained(group, nodes[input.node].cluster))
          return true;
  return false;
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
  // A cluster that grows is rated again and again with those from which it stays apart.
  llvm::DenseSet<std::pair<unsigned, unsigned>> separated;
  auto rate = [&](unsigned one, ArrayRef<unsigned> others) {
    Reads reads = readsOf(one);
    for (unsigned other : others) {
      auto [a, b] = std::minmax(one, other);
      Cluster merged{};
      if (separated.contains({a, b}) || !mergedSpace(clusters[a], clusters[b], merged))
        continue;
      if (int64_t bytes = saving(one, reads, other).bytes)
        queue.push({bytes, a, b, clusters[a].version, clusters[b].version});
    }
  };
  for (unsigned a = 0; a < clusters.size(); ++a)
    if (!clusters[a].nodes.empty() && !clusters[a].sealed) {
      SmallVector<unsigned> later = neighbours(a);
      llvm::erase_if(later, [&](unsigned b) { return b < a; });
      rate(a, later);
    }
  while (!queue.empty()) {
    Pair pair = queue.top();
    queue.pop();
    Cluster &a = clusters[pair.a], &b = clusters[pair.b], merged{};
    if (a.nodes.empty() || b.nodes.empty() || a.version != pair.versionA || b.version != pair.versionB)
      continue;
    // What forbids the two forbids any group with them.
    unsigned both[] = {pair.a, pair.b};
    bool isApart = isSeparated(both);
    SmallVector<unsigned> group = isApart ? SmallVector<unsigned>() : closure(pair.a, pair.b);
    if (isApart || isSeparated(group)) {
      separated.insert({pair.a, pair.b});
      continue;
    }
    if (group.empty() || group.size() > maxGroup || !merge(group, merged))
      continue;
    ++merged.version;
    rankAnew(group, pair.a);
    merged.rank = a.rank;
    for (unsigned member : group) {
      for (unsigned index : clusters[member].nodes)
        nodes[index].cluster = pair.a;
      clusters[member].nodes.clear();
      ++clusters[member].version;
    }
    a = std::move(merged);
    rate(pair.a, neighbours(pair.a));
  }
}

} // namespace dlc
