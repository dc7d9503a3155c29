// What merging two clusters saves, and which pairs are worth a look: those of which one feeds the other, or which read
// a value, or the results of one cluster, in common.

#include "passes/fuse/Graph.h"

using namespace mlir;

namespace dlc {

/// Spaces up to this size are merged to save the call when their operands come from one kernel.
static constexpr int64_t smallSpace = 4096;

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

FuseGraph::Reads FuseGraph::readsOf(unsigned cluster) const {
  Reads reads;
  for (unsigned index : clusters[cluster].nodes)
    for (const NodeInput &input : nodes[index].inputs) {
      bool own = input.node >= 0 && nodes[input.node].cluster == cluster;
      if (!own && input.view != View::whole && reads.values.insert(input.source).second)
        reads.bytes += bytesOf(input.source);
    }
  return reads;
}

/// Looks at the nodes of `b` alone: `a` may be large and is rated with many.
FuseGraph::Saving FuseGraph::saving(unsigned a, const Reads &readsOfA, unsigned b) const {
  Saving saving;
  Reads readsOfB = readsOf(b);
  int64_t fromA = 0, fromB = 0, shared = 0;
  for (Value value : readsOfB.values) {
    int node = nodeOf(value);
    if (node >= 0 && nodes[node].cluster == a)
      fromA += bytesOf(value);
    else if (readsOfA.values.contains(value))
      shared += bytesOf(value);
    saving.connected |= node >= 0 && nodes[node].cluster == a;
  }
  // Values that nobody else needs are not written: those of `a` that `b` reads, and those of `b`.
  llvm::DenseSet<unsigned> outputs;
  for (unsigned index : clusters[b].nodes) {
    if (readsOfA.values.contains(nodes[index].value())) {
      fromB += bytesOf(nodes[index].value());
      saving.connected = true;
    }
    for (const NodeInput &input : nodes[index].inputs)
      if (input.node >= 0 && nodes[input.node].cluster == a)
        outputs.insert(input.node);
    if (llvm::any_of(nodes[index].users, [&](unsigned user) { return nodes[user].cluster != b; }))
      outputs.insert(index);
  }
  saving.bytes = fromA + fromB;
  auto isInside = [&](unsigned user) { return nodes[user].cluster == a || nodes[user].cluster == b; };
  for (unsigned index : outputs)
    if (!nodes[index].inMemory && llvm::all_of(nodes[index].users, isInside))
      saving.bytes += bytesOf(nodes[index].value());
  // Two clusters side by side are merged for a good part of what they read; a scalar in common is no reason.
  if (saving.connected || (shared > 0 && shared * 4 >= std::min(readsOfA.bytes - fromB, readsOfB.bytes - fromA)))
    saving.bytes += shared;
  const Cluster &first = clusters[a], &second = clusters[b];
  if (saving.bytes == 0 && first.shape == second.shape && first.reduced == second.reduced &&
      ShapedType::getNumElements(first.shape) <= smallSpace && sharesProducer(first, second))
    saving.bytes = 1;
  // What is connected saves the call, even where the tensors are empty.
  if (saving.connected)
    saving.bytes = std::max<int64_t>(saving.bytes, 1);
  return saving;
}

SmallVector<unsigned> FuseGraph::neighbours(unsigned cluster) const {
  SmallVector<unsigned> result;
  auto add = [&](unsigned index) {
    if (index != cluster && !clusters[index].sealed)
      result.push_back(index);
  };
  // A value that everything reads (a learning rate, a mask) is no reason to look at every pair.
  auto addReaders = [&](Value value) {
    constexpr size_t few = 16;
    auto entry = readers.find(value);
    if (entry != readers.end() && entry->second.size() <= few)
      for (unsigned index : entry->second)
        add(nodes[index].cluster);
  };
  auto addUsers = [&](const FuseNode &producer) {
    constexpr size_t many = 64;
    if (producer.users.size() <= many)
      for (unsigned user : producer.users)
        add(nodes[user].cluster);
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
            addUsers(nodes[sibling]);
      }
      if (input.view != View::whole)
        addReaders(input.source);
    }
  }
  llvm::sort(result);
  result.erase(llvm::unique(result), result.end());
  return result;
}

} // namespace dlc
