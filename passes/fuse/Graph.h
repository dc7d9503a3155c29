// The graph that fusion works on: the operations of a block that compute, and the clusters that they are merged into.
// Each cluster becomes one dl.kernel.
//
// What moves or makes elements, or converts them cheaply, belongs to no cluster: it is repeated in each kernel that
// reads it ("absorbed"), unless something needs it in memory or repeating it would cost more than reading it back.
#pragma once

#include "ir/Dialect.h"

#include "llvm/ADT/DenseSet.h"
#include <optional>
#include <set>

namespace dlc {

/// How an operation sees a value that it depends on.
enum class View {
  direct, ///< at the same element
  row,    ///< broadcast along `axes`: once a row, when the row's kernel computes it too
  moved,  ///< at another element: the value must be in memory
  whole,  ///< any element, as the operand of a product, gather, ...: in memory
};

/// One dependence of a node.
struct NodeInput {
  /// A block argument or the result of a node.
  mlir::Value source;
  /// The node that computes it, or -1.
  int node;
  View view;
  /// Of a row view: where the axes of `source` lie in the node's operand.
  llvm::SmallVector<int64_t, 4> axes;
};

/// An operation that computes.
struct FuseNode {
  mlir::Operation *op;
  llvm::SmallVector<NodeInput> inputs;
  /// Nodes that depend on it, in order, without repetition.
  llvm::SmallVector<unsigned> users;
  /// Nodes that come before it though it reads nothing of theirs: prints, and what may fail, keep their order.
  llvm::SmallVector<unsigned> follows;
  /// Its value is in memory whatever is merged (a result of the function, an operand of a product).
  bool inMemory = false;
  unsigned cluster = 0;
  /// Clusters that read its value compute it again.
  bool recomputed = false;

  /// Of an operation that stands in a kernel: its one result.
  mlir::Value value() const { return op->getResult(0); }
  /// A loop or a branch: its own cluster, with any number of results, all of them in memory.
  bool holdsKernels() const;
};

/// Operations that share a loop nest over the space `shape`, of which `reduced` axes are reduced (none: elementwise).
struct Cluster {
  dl::KernelKind kind;
  llvm::SmallVector<int64_t> shape, reduced;
  /// In the block's order; empty once merged into another cluster.
  llvm::SmallVector<unsigned> nodes;
  /// Never merged: checks, scatters, the scalar arithmetic.
  bool sealed = false;
  /// The arithmetic on scalar arguments that is computed once.
  bool scalars = false;
  unsigned version = 0;
  /// Its place in an order in which every cluster comes after what it depends on.
  unsigned rank = 0;
};

/// A set of clusters that costs nothing to empty.
class ClusterSet {
public:
  /// Empties it, for clusters below `count`.
  void clear(size_t count) {
    marks.resize(count, 0);
    members.clear();
    ++now;
  }
  bool contains(unsigned cluster) const { return marks[cluster] == now; }
  bool insert(unsigned cluster) {
    if (contains(cluster))
      return false;
    marks[cluster] = now;
    members.push_back(cluster);
    return true;
  }
  llvm::ArrayRef<unsigned> list() const { return members; }

private:
  std::vector<uint64_t> marks;
  uint64_t now = 1;
  llvm::SmallVector<unsigned> members;
};

/// Bytes of a tensor's elements, without padding.
int64_t bytesOf(mlir::Value value);
/// Whether `op` is a movement, or makes elements from indices alone (constants, random numbers).
bool isMovement(mlir::Operation *op);

class FuseGraph {
public:
  /// Looks at the operations of `block`, a function's body or that of a loop or branch; each node is a cluster, but scalar
  /// arithmetic on arguments, which is one.
  explicit FuseGraph(mlir::Block &block);

  /// Merges clusters while a pair saves memory traffic, the one that saves most first.
  void mergeClusters();
  /// Lets clusters compute again what is cheaper so than written and read back.
  void recomputeCheap();

  /// The clusters in an order of execution. Fewer than there are when some depend on each other in a circle, which merging
  /// never brings about.
  llvm::SmallVector<unsigned> order() const;
  /// How many clusters hold something.
  size_t size() const;
  const Cluster &cluster(unsigned index) const { return clusters[index]; }
  const FuseNode &node(unsigned index) const { return nodes[index]; }
  /// The node that computes `value`, or -1 when it is an argument or absorbed.
  int nodeOf(mlir::Value value) const;
  /// The nodes of a cluster that others, or the function's results, read.
  llvm::SmallVector<unsigned> outputs(unsigned cluster) const;

private:
  /// What a cluster reads of others and of arguments, but as a whole.
  struct Reads {
    llvm::DenseSet<mlir::Value> values;
    int64_t bytes = 0;
  };
  struct Saving {
    int64_t bytes = 0;
    /// Whether one of the clusters feeds the other.
    bool connected = false;
  };

  void findNodes(mlir::Block &block);
  /// What was looked at already: values, how they are seen, along which axes.
  using InputSet = std::set<std::tuple<void *, View, std::vector<int64_t>>>;
  void addInputs(FuseNode &node, InputSet &seen, mlir::Value value, View view, llvm::ArrayRef<int64_t> axes);
  void orderEffects();
  void makeClusters();
  void sealScalars();

  bool mergedSpace(const Cluster &a, const Cluster &b, Cluster &merged) const;
  bool edgesAllow(const Cluster &merged) const;
  void reach(llvm::ArrayRef<unsigned> group, bool forward, ClusterSet &seen, const ClusterSet *within = nullptr,
             size_t limit = SIZE_MAX) const;
  void mark(llvm::ArrayRef<unsigned> group) const;
  std::pair<unsigned, unsigned> span(llvm::ArrayRef<unsigned> group) const;
  void moveTo(unsigned cluster, unsigned rank);
  void rankAnew(llvm::ArrayRef<unsigned> group, unsigned cluster);
  llvm::SmallVector<unsigned> closure(unsigned a, unsigned b) const;
  bool merge(llvm::ArrayRef<unsigned> group, Cluster &merged) const;
  unsigned countOperands(llvm::ArrayRef<unsigned> group) const;
  bool sharesProducer(const Cluster &a, const Cluster &b) const;
  Reads readsOf(unsigned cluster) const;
  Saving saving(unsigned a, const Reads &readsOfA, unsigned b) const;
  bool isSeparated(llvm::ArrayRef<unsigned> group) const;
  std::optional<llvm::SmallVector<unsigned>> readersOutside(unsigned index) const;
  llvm::SmallVector<NodeInput> sourcesOf(unsigned index) const;
  int64_t savingOfRecomputing(unsigned index, llvm::ArrayRef<unsigned> outside) const;
  void recompute(unsigned index, llvm::ArrayRef<unsigned> outside);
  llvm::SmallVector<unsigned> neighbours(unsigned cluster) const;

  std::vector<FuseNode> nodes;
  std::vector<Cluster> clusters;
  /// The clusters by rank.
  std::vector<unsigned> ranked;
  /// Of the group that is looked at: its members, what comes before and after it. Each is filled thousands of times.
  mutable ClusterSet inGroup, before, after;
  llvm::DenseMap<mlir::Operation *, unsigned> nodeIndex;
  /// The nodes that read a value other than as a whole.
  llvm::DenseMap<mlir::Value, llvm::SmallVector<unsigned>> readers;
};

} // namespace dlc
