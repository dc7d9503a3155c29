// Columns, their cuts and orders.
#include "runtime/Dataset.h"

#include "runtime/Philox.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <numeric>

namespace dlc {

int64_t FieldSpec::elements() const { return elementCount(shape).value_or(0); }

size_t FieldSpec::rowBytes() const { return kind == Kind::String ? 0 : size_t(elements()) * sizeOf(dtype); }

Dataset::Dataset(std::string name, int64_t rows, std::vector<Column> columns)
    : label(std::move(name)), rows(rows), all(std::move(columns)) {}

const Column *Dataset::column(std::string_view name) const {
  for (const Column &column : all)
    if (column.spec.name == name)
      return &column;
  return nullptr;
}

int64_t Dataset::classes(std::string_view field) const {
  const Column *found = column(field);
  return found != nullptr && found->categories ? int64_t(found->categories->size()) : -1;
}

Dataset Dataset::slice(int64_t begin, int64_t end) const {
  std::vector<Column> columns = all;
  for (Column &column : columns)
    if (column.strings)
      column.strings = std::make_shared<const std::vector<std::string>>(column.strings->begin() + begin,
                                                                        column.strings->begin() + end);
    else
      column.data += size_t(begin) * column.spec.rowBytes();
  return Dataset(label, end - begin, std::move(columns));
}

Result<Dataset> Dataset::gather(const std::vector<int64_t> &order) const {
  std::vector<Column> columns = all;
  for (Column &column : columns) {
    if (column.strings) {
      std::vector<std::string> strings;
      for (int64_t row : order)
        strings.push_back((*column.strings)[size_t(row)]);
      column.strings = std::make_shared<const std::vector<std::string>>(std::move(strings));
      continue;
    }
    size_t bytes = column.spec.rowBytes();
    Result<Arena> memory = Arena::allocate(order.size() * bytes);
    if (!memory)
      return memory.error();
    for (size_t i = 0; i < order.size(); ++i)
      std::memcpy(memory->data() + i * bytes, column.data + size_t(order[i]) * bytes, bytes);
    column.storage = std::make_shared<const Arena>(std::move(*memory));
    column.data = column.storage->data();
  }
  return Dataset(label, int64_t(order.size()), std::move(columns));
}

Result<Dataset::Split> Dataset::split(double train, uint64_t seed, bool shuffle) const {
  if (!(train > 0 && train < 1))
    return Error::plain(fmt::format("`train: {}` of a split is not between 0 and 1", train));
  int64_t first = std::llround(double(rows) * train);
  if (first <= 0 || first >= rows)
    return Error::plain(fmt::format("a split of {} examples at {} leaves one part empty", rows, train));
  Split parts;
  if (shuffle) {
    std::vector<int64_t> order = permutation(rows, seed);
    Result<Dataset> begin = gather({order.begin(), order.begin() + first});
    Result<Dataset> end = begin ? gather({order.begin() + first, order.end()}) : begin.error();
    if (!end)
      return end.error();
    parts.train = std::make_shared<Dataset>(std::move(*begin));
    parts.rest = std::make_shared<Dataset>(std::move(*end));
  } else {
    parts.train = std::make_shared<Dataset>(slice(0, first));
    parts.rest = std::make_shared<Dataset>(slice(first, rows));
  }
  return parts;
}

std::vector<int64_t> permutation(int64_t n, uint64_t seed, uint64_t stream) {
  constexpr uint64_t path = 0x7065726D75746521; // "permute!": keeps the stream apart from the program's own
  PhiloxStream numbers = philoxStream(seed, stream, path);
  std::vector<int64_t> order(size_t(std::max<int64_t>(n, 0)));
  std::iota(order.begin(), order.end(), int64_t(0));
  std::array<uint32_t, 4> words = {};
  for (int64_t i = n - 1, draw = 0; i > 0; --i, ++draw) {
    if (draw % 2 == 0)
      words = philoxBlock(numbers, uint64_t(draw / 2));
    uint64_t random = uint64_t(words[size_t(draw % 2 * 2 + 1)]) << 32 | words[size_t(draw % 2 * 2)];
    // The upper half of the product is uniform in [0, i], but for a bias below n / 2^64.
    int64_t j = int64_t((unsigned __int128)(random)*uint64_t(i + 1) >> 64);
    std::swap(order[size_t(i)], order[size_t(j)]);
  }
  return order;
}

} // namespace dlc
