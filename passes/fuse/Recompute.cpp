// What is cheaper to compute again than to write and read back.
//
// A cluster that another one reads from writes what is read. Where that is a few additions and multiplications away from
// what is in memory in any case (the input of a gelu, from which half of it and its square follow; the rows of a layer
// norm, from their means), its readers compute it again, like what is absorbed. A value may need others to be written in its
// place: those of a row, which are few.

#include "passes/fuse/Graph.h"

#include "ir/KernelRole.h"

using namespace mlir;

namespace dlc {

/// More buffers than this and the addresses no longer fit into registers.
static constexpr size_t maxReads = 24;

/// An instruction or two an element.
static bool isCheap(Operation *op) {
  return isa<dl::AddOp, dl::SubOp, dl::MulOp, dl::NegOp, dl::AbsOp, dl::ReluOp, dl::SelectOp, dl::CompareOp, dl::NotOp,
             dl::AndOp, dl::OrOp, dl::CastOp>(op);
}

/// Whether each of the node's inputs is seen at the same element, or once a row.
static bool seesItsElement(const FuseNode &node) {
  return llvm::all_of(node.inputs,
                      [](const NodeInput &input) { return input.view == View::direct || input.view == View::row; });
}

/// The users of `index` in other clusters, if all of them can compute it.
std::optional<SmallVector<unsigned>> FuseGraph::readersOutside(unsigned index) const {
  const FuseNode &node = nodes[index];
  SmallVector<unsigned> outside;
  for (unsigned user : node.users) {
    const Cluster &cluster = clusters[nodes[user].cluster];
    if (nodes[user].cluster == node.cluster)
      continue;
    // Behind a product everything has its shape.
    if (cluster.sealed || (cluster.kind != dl::KernelKind::map && cluster.shape != ArrayRef(dl::shapeOf(node.value()))))
      return std::nullopt;
    for (const NodeInput &input : nodes[user].inputs)
      if (input.node == static_cast<int>(index) && input.view != View::direct && input.view != View::row)
        return std::nullopt;
    outside.push_back(user);
  }
  return outside;
}

/// What a reader sees that computes the node again.
SmallVector<NodeInput> FuseGraph::sourcesOf(unsigned index) const {
  SmallVector<NodeInput> sources;
  for (const NodeInput &input : nodes[index].inputs) {
    SmallVector<NodeInput> all = {input};
    if (input.node >= 0 && nodes[input.node].recomputed)
      all = sourcesOf(input.node);
    for (NodeInput &source : all) {
      if (input.view == View::row && source.source != input.source)
        source.view = View::row, source.axes = input.axes;
      if (llvm::none_of(sources, [&](const NodeInput &other) { return other.source == source.source; }))
        sources.push_back(std::move(source));
    }
  }
  return sources;
}

/// Bytes that are not written or read when the readers compute the node again.
int64_t FuseGraph::savingOfRecomputing(unsigned index, ArrayRef<unsigned> outside) const {
  int64_t bytes = bytesOf(nodes[index].value()), saved = bytes;
  SmallVector<NodeInput> sources = sourcesOf(index);
  for (const NodeInput &input : sources) {
    if (input.node < 0)
      continue;
    const FuseNode &source = nodes[input.node];
    bool written = source.inMemory ||
                   llvm::any_of(source.users, [&](unsigned user) { return nodes[user].cluster != source.cluster; });
    if (!written)
      saved -= bytesOf(input.source);
  }
  llvm::SmallDenseSet<unsigned> readers;
  for (unsigned user : outside)
    readers.insert(nodes[user].cluster);
  for (unsigned reader : readers) {
    Reads reads = readsOf(reader);
    saved += bytes;
    size_t count = reads.values.size();
    for (const NodeInput &input : sources) {
      bool own = input.node >= 0 && nodes[input.node].cluster == reader;
      if (own || reads.values.contains(input.source))
        continue;
      // An argument is perhaps written over by then.
      if (input.node < 0)
        return 0;
      saved -= bytesOf(input.source), ++count;
    }
    if (count > maxReads)
      return 0;
  }
  return saved;
}

void FuseGraph::recomputeCheap() {
  // In the block's order: what a value is made of is settled before it.
  for (unsigned index = 0; index < nodes.size(); ++index) {
    FuseNode &node = nodes[index];
    const Cluster &own = clusters[node.cluster];
    if (node.inMemory || node.holdsKernels() || own.sealed || !isCheap(node.op) || dl::shapeOf(node.value()).empty() ||
        !seesItsElement(node))
      continue;
    std::optional<SmallVector<unsigned>> outside = readersOutside(index);
    // A small tensor is not worth the instructions.
    if (outside && !outside->empty() && savingOfRecomputing(index, *outside) * 2 >= bytesOf(node.value()))
      recompute(index, *outside);
  }
  for (unsigned index = nodes.size(); index-- > 0;)
    if (nodes[index].recomputed && nodes[index].users.empty()) {
      llvm::erase(clusters[nodes[index].cluster].nodes, index);
      for (const NodeInput &input : nodes[index].inputs)
        if (input.node >= 0)
          llvm::erase(nodes[input.node].users, index);
    }
}

/// The nodes `outside` see what `index` sees instead of it.
void FuseGraph::recompute(unsigned index, ArrayRef<unsigned> outside) {
  FuseNode &node = nodes[index];
  node.recomputed = true;
  for (unsigned user : outside) {
    SmallVector<NodeInput> inputs;
    for (const NodeInput &input : nodes[user].inputs) {
      if (input.node != static_cast<int>(index)) {
        inputs.push_back(input);
        continue;
      }
      for (NodeInput source : sourcesOf(index)) {
        if (input.view == View::row)
          source.view = View::row, source.axes = input.axes;
        inputs.push_back(source);
        if (source.node >= 0 && !llvm::is_contained(nodes[source.node].users, user)) {
          SmallVector<unsigned> &users = nodes[source.node].users;
          users.insert(llvm::lower_bound(users, user), user);
        }
      }
    }
    nodes[user].inputs = std::move(inputs);
    llvm::erase(node.users, user);
  }
}

} // namespace dlc
