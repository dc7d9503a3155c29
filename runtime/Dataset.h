// A data set: named columns in their declared dtype and shape, and an order of their rows. Columns are immutable and
// shared; what cuts and orders them makes new orders only.
#pragma once

#include "runtime/Arena.h"
#include "runtime/DType.h"
#include "runtime/Result.h"
#include "runtime/Vocabulary.h"

#include <map>
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

/// Rows that are made when they are asked for. Any thread may call; what comes out depends on the row alone.
class RowReader {
public:
  virtual ~RowReader() = default;
  /// Writes row `row`, in the dtype and shape that the column's spec says.
  virtual Result<void> read(int64_t row, std::byte *out) const = 0;
};

/// One field of all rows. Numbers stand in memory or come from a reader; a str has `strings`.
struct Column {
  FieldSpec spec;
  std::shared_ptr<const Arena> storage = {};                    ///< keeps `data` alive
  const std::byte *data = nullptr;                              ///< row r begins at data + r * stride
  size_t stride = 0;                                            ///< bytes from row to row; rows may overlap
  std::shared_ptr<const RowReader> reader = {};                 ///< in place of `data`
  std::shared_ptr<const std::vector<std::string>> strings = {}; ///< one a row
  std::shared_ptr<const Vocabulary> vocabulary = {};            ///< what its numbers stand for, if for something

  /// Copies row `row` of numbers.
  Result<void> read(int64_t row, std::byte *out) const;
  /// The numbers as T, row-major; T must have the dtype's size, and rows must lie one behind the other.
  template <class T> const T *as() const { return reinterpret_cast<const T *>(data); }
};

/// What the numbers of columns stand for, by field.
using Vocabularies = std::map<std::string, std::shared_ptr<const Vocabulary>>;

class Dataset {
public:
  /// Columns of `rows` rows each; `name` is for messages.
  Dataset(std::string name, int64_t rows, std::vector<Column> columns);

  /// What the person should know about the source, each a line: files that were passed over, lines that were cut.
  std::vector<std::string> notes;
  int threads = 0; ///< that read rows; 0: as many as this process may use

  /// The number of examples.
  int64_t size() const { return rows; }
  const std::string &name() const { return label; }
  void setName(std::string name) { label = std::move(name); }
  /// Where example `i` stands in the columns.
  int64_t row(int64_t i) const { return order ? (*order)[size_t(first + i)] : first + i; }
  const std::vector<Column> &columns() const { return all; }
  /// The column of that name, or null. Its rows are those of the source: example `i` is `row(i)`.
  const Column *column(std::string_view name) const;
  /// The column of the examples, one behind the other; copies only what does not lie so.
  Result<Column> dense(std::string_view name) const;
  /// The vocabularies of those columns that have one.
  Vocabularies vocabularies() const;
  /// The number of entries of a field's vocabulary (`ratings.classes.user`), or -1.
  int64_t classes(std::string_view field) const;

  /// Examples begin..end. Nothing is copied.
  Dataset slice(int64_t begin, int64_t end) const;
  /// These examples, in this order. No column is copied.
  Dataset choose(std::vector<int64_t> examples) const;

private:
  std::string label;
  int64_t first = 0, rows;
  std::shared_ptr<const std::vector<int64_t>> order; ///< rows of the columns; null for 0, 1, ..
  std::vector<Column> all;
};

/// 0..n in an order that depends on n, `seed` and `stream` alone: Fisher-Yates with Philox. Streams of one seed
/// (epochs) are independent.
std::vector<int64_t> permutation(int64_t n, uint64_t seed, uint64_t stream = 0);

/// n of the places of `sums`, the rising sums of weights: each place as likely as its weight, in an order that depends on
/// the sums, n, `seed` and `stream` alone.
std::vector<int64_t> weightedDraw(const std::vector<double> &sums, int64_t n, uint64_t seed, uint64_t stream);

} // namespace dlc
