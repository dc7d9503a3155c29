// Indices of tensors as linear forms over loop variables, lanes and quotients. They are rewritten through movements
// (slice, reshape, ...) before any code is emitted, so that an address that is linear in memory is found to be so: a
// remainder is written as `e - d * (e / d)`, which cancels when a reshape is undone by the next one or by the strides.
#pragma once

#include "mlir/IR/Value.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/SmallVector.h"
#include <cstdint>
#include <deque>
#include <map>
#include <tuple>
#include <vector>

namespace dlc {

/// Inclusive bounds of a quantity, over all iterations and live lanes.
struct Range {
  int64_t low = 0, high = 0;
};

struct Atom;

/// constant + sum of coefficient * atom; terms are ordered by the atoms' ids, without zero coefficients. Equal forms
/// within one IndexContext have equal keys.
struct Index {
  int64_t constant = 0;
  llvm::SmallVector<std::pair<const Atom *, int64_t>, 2> terms = {};

  static Index of(int64_t constant) { return Index{constant, {}}; }
  bool isConstant() const { return terms.empty(); }
  /// Whether it differs from lane to lane.
  bool varies() const;
  /// The coefficient of `atom` (0 when absent).
  int64_t coefficient(const Atom *atom) const;
  /// Appends what identifies the form.
  void appendKey(std::vector<int64_t> &key) const;
};

Index operator+(const Index &a, const Index &b);
Index operator-(const Index &a, const Index &b);
Index operator*(const Index &a, int64_t factor);
inline Index operator+(const Index &a, int64_t b) { return a + Index::of(b); }

/// A quantity that indices are made of.
struct Atom {
  enum Kind {
    Variable, ///< an i64 value; a vector of integers when it varies (indices loaded by a gather)
    Lanes,    ///< lane i has `value` + offset + i (a null value counts as 0)
    Quotient, ///< floor(inner / divisor), of an inner that is not negative in live lanes
  };
  Kind kind;
  unsigned id = 0;
  mlir::Value value = {};
  int64_t offset = 0;
  Index inner = {};
  int64_t divisor = 1;
  bool varies = false;
  Range range = {};
};

/// Owns the atoms of one kernel, and does the arithmetic that needs ranges.
class IndexContext {
public:
  /// A value with known bounds. The same value gives the same atom; a null value a new one (for planning).
  Index variable(mlir::Value value, Range range, bool varies = false);
  /// The index along the lane axis: lane i is at `base` + offset + i. The range counts live lanes only.
  Index lanes(mlir::Value base, int64_t offset, Range range);
  Index floorDiv(const Index &index, int64_t divisor);
  Index mod(const Index &index, int64_t divisor);
  /// Row-major: the index of an element of a tensor of shape `sizes` from its indices, and back.
  Index linearize(llvm::ArrayRef<Index> indices, llvm::ArrayRef<int64_t> sizes);
  llvm::SmallVector<Index> delinearize(const Index &index, llvm::ArrayRef<int64_t> sizes);
  Range range(const Index &index) const;

private:
  const Atom *make(Atom atom);

  std::deque<Atom> atoms;
  llvm::DenseMap<mlir::Value, const Atom *> variables;
  std::map<std::tuple<void *, int64_t, int64_t>, const Atom *> laneAtoms;
  std::map<std::vector<int64_t>, const Atom *> quotients;
};

/// How an index runs over the lanes.
struct Access {
  enum { Uniform, Strided, Scattered } kind;
  /// Of lane 0, for uniform and strided ones.
  Index base;
  int64_t stride = 0;
};

Access accessOf(const Index &index, IndexContext &indices);

} // namespace dlc
