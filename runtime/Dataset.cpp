// Columns, their cuts and orders.
#include "runtime/Dataset.h"

#include "runtime/AvailableThreads.h"
#include "runtime/DecodeThreads.h"
#include "runtime/Philox.h"
#include "runtime/RowCache.h"

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

Vocabularies Dataset::vocabularies() const {
  Vocabularies made;
  for (const Column &column : all)
    if (column.vocabulary)
      made[column.spec.name] = column.vocabulary;
  return made;
}

int64_t Dataset::classes(std::string_view field) const {
  const Column *found = column(field);
  return found != nullptr && found->vocabulary ? found->vocabulary->size() : -1;
}

Result<void> Column::read(int64_t row, std::byte *out) const {
  if (reader)
    return reader->read(row, out);
  std::memcpy(out, data + size_t(row) * stride, spec.rowBytes());
  return {};
}

Result<Column> Dataset::dense(std::string_view name) const {
  Column made = *column(name);
  if (made.strings && (order || first != 0 || size_t(rows) != made.strings->size())) {
    std::vector<std::string> strings;
    for (int64_t i = 0; i < rows; ++i)
      strings.push_back((*made.strings)[size_t(row(i))]);
    made.strings = std::make_shared<const std::vector<std::string>>(std::move(strings));
  }
  size_t bytes = made.spec.rowBytes(), all = 0;
  if (made.strings || (!order && !made.reader && made.stride == bytes)) {
    made.data += size_t(first) * made.stride;
    return made;
  }
  if (__builtin_mul_overflow(size_t(rows), bytes, &all))
    return Error::plain(fmt::format("field `{}` of {} examples does not fit the memory", name, rows));
  if (made.reader && all > availableMemory() / 4)
    return Error::plain(
        fmt::format("all of `{}.{}` is {:.3g} GB, more than a quarter of the memory that is free; a training "
                    "reads it in batches",
                    label, name, double(all) * 1e-9));
  Result<Arena> memory = Arena::allocate(all);
  if (!memory)
    return memory.error();
  DecodeThreads readers(made.reader ? threadsOr(threads) : 1);
  if (auto failure =
          readers.run(rows, [&](int64_t i) { return made.read(row(i), memory->data() + size_t(i) * bytes); }))
    return failure->error;
  made.storage = std::make_shared<const Arena>(std::move(*memory));
  made.data = made.storage->data();
  made.stride = bytes;
  made.reader = nullptr;
  return made;
}

Dataset Dataset::slice(int64_t begin, int64_t end) const {
  Dataset part = *this;
  part.first += begin;
  part.rows = end - begin;
  return part;
}

Dataset Dataset::choose(std::vector<int64_t> examples) const {
  Dataset part = *this;
  part.first = 0;
  part.rows = int64_t(examples.size());
  for (int64_t &example : examples)
    example = row(example);
  part.order = std::make_shared<const std::vector<int64_t>>(std::move(examples));
  return part;
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

std::vector<int64_t> weightedDraw(const std::vector<double> &sums, int64_t n, uint64_t seed, uint64_t stream) {
  constexpr uint64_t path = 0x7765696768746564; // "weighted"
  PhiloxStream numbers = philoxStream(seed, stream, path);
  // No place behind the last with a weight, whatever is rounded.
  auto last = std::lower_bound(sums.begin(), sums.end(), sums.back());
  std::vector<int64_t> places;
  places.reserve(size_t(n));
  for (int64_t i = 0; i < n; ++i) {
    std::array<uint32_t, 4> words = philoxBlock(numbers, uint64_t(i));
    double uniform = double((uint64_t(words[1]) << 32 | words[0]) >> 11) * 0x1p-53;
    places.push_back(std::upper_bound(sums.begin(), last, uniform * sums.back()) - sums.begin());
  }
  return places;
}

} // namespace dlc
