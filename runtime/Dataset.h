// A data set in memory: named columns, each one contiguous [rows, shape...] array in its declared dtype. Columns are
// immutable and shared, so that data sets are cheap to copy and to cut.
#pragma once

#include "runtime/Arena.h"
#include "runtime/DType.h"
#include "runtime/Result.h"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace dlc {

/// What one field of an example looks like, as the program declares it.
struct FieldSpec {
  enum class Kind {
    Number,   ///< dtype and shape
    Category, ///< an i32 that numbers the distinct values met; no shape
    String,   ///< text, for printing and colours; no shape, and never part of a batch
  };
  std::string name;
  DType dtype = DType::F32; ///< I32 for a category
  std::vector<int64_t> shape;
  Kind kind = Kind::Number;

  /// Elements of one example.
  int64_t elements() const;
  /// Bytes of one example; 0 for a string.
  size_t rowBytes() const;
};

/// One field of all examples.
struct Column {
  FieldSpec spec;
  std::shared_ptr<const Arena> storage;                       ///< keeps `data` alive; null for strings
  const std::byte *data = nullptr;                            ///< row r begins at data + r * spec.rowBytes()
  std::shared_ptr<const std::vector<std::string>> strings;    ///< of a string field: one a row
  std::shared_ptr<const std::vector<std::string>> categories; ///< of a category: its values, in order of their numbers

  /// The numbers as T, row-major; T must have the dtype's size.
  template <class T> const T *as() const { return reinterpret_cast<const T *>(data); }
};

class Dataset {
public:
  /// Columns of `rows` rows each; `name` is for messages.
  Dataset(std::string name, int64_t rows, std::vector<Column> columns);

  /// The number of examples.
  int64_t size() const { return rows; }
  const std::string &name() const { return label; }
  void setName(std::string name) { label = std::move(name); }
  const std::vector<Column> &columns() const { return all; }
  /// The column of that name, or null.
  const Column *column(std::string_view name) const;
  /// The number of distinct values of a category field (`ratings.classes.user`), or -1.
  int64_t classes(std::string_view field) const;

  /// Examples begin..end; shares the columns' memory (a column of strings is copied).
  Dataset slice(int64_t begin, int64_t end) const;
  /// The examples of these rows, in this order (copied).
  Result<Dataset> gather(const std::vector<int64_t> &rows) const;

  struct Split;
  /// The first `train` (a fraction between 0 and 1) of the examples and the rest, in an order that `seed` decides, or
  /// as they stand unless `shuffle`. Categories are kept. Both parts must have at least one example.
  Result<Split> split(double train, uint64_t seed, bool shuffle) const;

private:
  std::string label;
  int64_t rows;
  std::vector<Column> all;
};

struct Dataset::Split {
  std::shared_ptr<const Dataset> train, rest;
};

/// 0..n in an order that depends on n, `seed` and `stream` alone: Fisher-Yates with Philox. Streams of one seed
/// (epochs) are independent.
std::vector<int64_t> permutation(int64_t n, uint64_t seed, uint64_t stream = 0);

} // namespace dlc
