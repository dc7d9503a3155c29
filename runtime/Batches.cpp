// Two chunks and one thread. The thread fills a chunk, hands it over, and fills the other while the first is consumed.
// It alone orders the examples; rows that have a reader are then read by several threads. Where the system gives no
// thread, the consumer fills the chunks itself.
#include "runtime/Batches.h"

#include "runtime/AvailableThreads.h"
#include "runtime/DecodeThreads.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <condition_variable>
#include <fmt/format.h>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>

namespace dlc {

static constexpr size_t chunkBytes = size_t(512) << 10; ///< about what a chunk holds, if a batch is smaller
static constexpr size_t chunkBatches = 1024;            ///< the most batches in one

static size_t roundUp(size_t bytes) { return (bytes + 63) / 64 * 64; }

namespace {
/// A row that a reader writes into a batch of the chunk.
struct RowTask {
  const RowReader *reader;
  int64_t row;
  std::byte *out;
  size_t slot; ///< of the batch
};

struct Chunk {
  Arena memory;
  std::vector<Batch> batches;      ///< those that are filled
  std::vector<void *> inputs;      ///< of all batches, field by field
  std::vector<int64_t> rowIndices; ///< of all batches
  std::optional<Error> error;      ///< in place of the batch after them
  bool full = false;               ///< belongs to the consumer
};
} // namespace

struct Batches::Implementation {
  BatchSpec spec;
  std::vector<const Column *> columns;
  std::vector<size_t> fieldOffsets; ///< of each field in the memory of a batch
  size_t batchBytes = 0;            ///< of one batch, all fields
  int64_t perEpoch = 0;

  // The producer's.
  int64_t epoch = 0, index = 0;
  std::vector<double> sums; ///< of the weights up to each example
  std::vector<int64_t> order;
  int64_t orderEpoch = -1;

  // The consumer's.
  size_t current = 0, position = 0;
  bool started = false;

  Chunk chunks[2];
  std::mutex mutex;
  std::condition_variable changed;
  std::atomic<bool> stopping{false};
  std::vector<RowTask> tasks;           ///< of the chunk that is filled
  std::optional<DecodeThreads> readers; ///< if a field has a reader
  std::thread thread;

  void produce();
  void fill(Chunk &chunk);
  void fillBatch(Chunk &chunk, size_t slot);
  void readRows(Chunk &chunk);
  const int64_t *rowsOf(int64_t first);
};

/// The order of the epoch under way, from example `first` on.
const int64_t *Batches::Implementation::rowsOf(int64_t first) {
  if (orderEpoch != epoch) {
    if (spec.weights)
      order = weightedDraw(sums, spec.data->size(), spec.seed, uint64_t(epoch));
    else if (spec.shuffle)
      order = permutation(spec.data->size(), spec.seed, uint64_t(epoch));
    else if (order.empty())
      for (int64_t row = 0; row < spec.data->size(); ++row)
        order.push_back(row);
    orderEpoch = epoch;
  }
  return order.data() + first;
}

void Batches::Implementation::fillBatch(Chunk &chunk, size_t slot) {
  int64_t first = index * spec.batch, rows = std::min(spec.batch, spec.data->size() - first);
  const int64_t *order = rowsOf(first);
  int64_t *indices = chunk.rowIndices.data() + slot * size_t(spec.batch);
  std::copy(order, order + rows, indices);
  void **inputs = chunk.inputs.data() + slot * columns.size();
  for (size_t field = 0; field < columns.size(); ++field) {
    size_t bytes = columns[field]->spec.rowBytes();
    auto *out = static_cast<std::byte *>(inputs[field]);
    const Column &column = *columns[field];
    for (int64_t i = 0; i < rows; ++i, out += bytes)
      if (int64_t row = spec.data->row(indices[i]); column.reader)
        tasks.push_back({column.reader.get(), row, out, slot});
      else
        std::memcpy(out, column.data + size_t(row) * column.stride, bytes);
  }
  chunk.batches.push_back({epoch, index, rows, index + 1 == perEpoch, indices, inputs});
  if (++index == perEpoch) {
    index = 0;
    ++epoch;
  }
}

/// Does the tasks. The batch of a row that cannot be read, and those after it, are taken back.
void Batches::Implementation::readRows(Chunk &chunk) {
  if (tasks.empty())
    return;
  auto failure = readers->run(int64_t(tasks.size()), [&](int64_t i) {
    const RowTask &task = tasks[size_t(i)];
    return stopping ? Result<void>() : task.reader->read(task.row, task.out);
  });
  if (failure) {
    chunk.error = std::move(failure->error);
    chunk.batches.resize(tasks[size_t(failure->task)].slot);
  }
}

void Batches::Implementation::fill(Chunk &chunk) {
  chunk.batches.clear();
  size_t capacity = chunk.rowIndices.size() / size_t(spec.batch);
  tasks.clear();
  while (chunk.batches.size() < capacity && (spec.endEpoch < 0 || epoch < spec.endEpoch))
    fillBatch(chunk, chunk.batches.size());
  readRows(chunk);
}

void Batches::Implementation::produce() {
  for (size_t next = 0;; next ^= 1) {
    Chunk &chunk = chunks[next];
    {
      std::unique_lock lock(mutex);
      changed.wait(lock, [&] { return stopping || !chunk.full; });
      if (stopping)
        return;
    }
    fill(chunk);
    bool end = chunk.batches.empty() || chunk.error;
    {
      std::lock_guard lock(mutex);
      chunk.full = true;
    }
    changed.notify_all();
    if (end)
      return;
  }
}

static Result<const Column *> batchColumn(const Dataset &data, const std::string &name) {
  const Column *column = data.column(name);
  if (column == nullptr)
    return Error::plain(fmt::format("the data set `{}` has no field `{}`", data.name(), name));
  if (column->spec.kind == FieldSpec::Kind::String)
    return Error::plain(fmt::format("field `{}` of `{}` is a str, which cannot be part of a batch", name, data.name()));
  return column;
}

/// The sums of the weights up to each example.
static Result<std::vector<double>> sumsOf(const std::vector<double> &weights, const Dataset &data) {
  if (int64_t(weights.size()) != data.size())
    return Error::plain(
        fmt::format("`sample_by` has {} weights, but `{}` has {} examples", weights.size(), data.name(), data.size()));
  std::vector<double> sums;
  double sum = 0;
  for (double weight : weights) {
    if (!(weight >= 0 && std::isfinite(weight)))
      return Error::plain(fmt::format("the weight of sample {} of `{}` is {}, but must be finite and not negative",
                                      sums.size(), data.name(), weight));
    sums.push_back(sum += weight);
  }
  if (!(sum > 0))
    return Error::plain(fmt::format("all weights of `{}` are zero: no example can be drawn", data.name()));
  return sums;
}

Result<std::unique_ptr<Batches>> Batches::open(const BatchSpec &spec) {
  auto impl = std::make_unique<Implementation>();
  impl->spec = spec;
  int64_t rows = spec.data->size();
  if (spec.batch <= 0)
    return Error::plain(fmt::format("a batch of {} examples is not possible", spec.batch));
  if (rows <= 0)
    return Error::plain(fmt::format("the data set `{}` has no examples", spec.data->name()));
  impl->spec.batch = std::min(spec.batch, rows); // memory for a whole batch that never comes is not needed
  impl->perEpoch = (rows + impl->spec.batch - 1) / impl->spec.batch;
  impl->epoch = spec.epoch;
  impl->index = spec.batchIndex;
  if (spec.batchIndex < 0 || spec.batchIndex >= impl->perEpoch)
    return Error::plain(fmt::format("batch {} is not one of the {} of an epoch of `{}`", spec.batchIndex,
                                    impl->perEpoch, spec.data->name()));
  if (spec.weights) {
    Result<std::vector<double>> sums = sumsOf(*spec.weights, *spec.data);
    if (!sums)
      return sums.error();
    impl->sums = std::move(*sums);
  }
  for (const std::string &name : spec.fields) {
    Result<const Column *> column = batchColumn(*spec.data, name);
    if (!column)
      return column.error();
    impl->columns.push_back(*column);
    impl->fieldOffsets.push_back(impl->batchBytes);
    size_t bytes = size_t(impl->spec.batch) * (*column)->spec.rowBytes();
    impl->batchBytes += roundUp(bytes);
    if ((*column)->reader && !impl->readers)
      impl->readers.emplace(threadsOr(spec.data->threads));
  }
  size_t capacity =
      std::clamp<size_t>(chunkBytes / std::max<size_t>(impl->batchBytes, 64), impl->readers ? 2 : 1, chunkBatches);
  if (spec.endEpoch >= 0) { // not more than will ever come; without overflow, for epochs may be very many
    int64_t epochs = std::clamp<int64_t>(spec.endEpoch - spec.epoch, 1, int64_t(chunkBatches));
    capacity = std::min(capacity, size_t(epochs * impl->perEpoch));
  }
  for (Chunk &chunk : impl->chunks) {
    Result<Arena> memory = Arena::allocate(capacity * impl->batchBytes);
    if (!memory)
      return memory.error();
    chunk.memory = std::move(*memory);
    chunk.rowIndices.resize(capacity * size_t(impl->spec.batch));
    chunk.batches.reserve(capacity);
    for (size_t slot = 0; slot < capacity; ++slot)
      for (size_t offset : impl->fieldOffsets)
        chunk.inputs.push_back(chunk.memory.data() + slot * impl->batchBytes + offset);
  }
  try {
    impl->thread = std::thread([impl = impl.get()] { impl->produce(); });
  } catch (const std::system_error &) {
    // There is none: next() fills the chunks.
  }
  return std::unique_ptr<Batches>(new Batches(std::move(impl)));
}

Batches::Batches(std::unique_ptr<Implementation> implementation) : impl(std::move(implementation)) {}

Batches::~Batches() {
  {
    std::lock_guard lock(impl->mutex);
    impl->stopping = true;
  }
  impl->changed.notify_all();
  if (impl->thread.joinable())
    impl->thread.join();
}

int64_t Batches::batchesPerEpoch() const { return impl->perEpoch; }

Result<const Batch *> Batches::next() {
  Implementation &i = *impl;
  if (i.started) {
    Chunk &chunk = i.chunks[i.current];
    if (i.position < chunk.batches.size())
      return &chunk.batches[i.position++];
    if (chunk.error)
      return *chunk.error;
    if (chunk.batches.empty())
      return nullptr;
  }
  {
    std::unique_lock lock(i.mutex);
    if (i.started) {
      i.chunks[i.current].full = false; // give it back
      i.changed.notify_all();
      i.current ^= 1;
    }
    if (i.thread.joinable())
      i.changed.wait(lock, [&] { return i.chunks[i.current].full; });
    else
      i.fill(i.chunks[i.current]);
  }
  i.started = true;
  i.position = 0;
  return next();
}

} // namespace dlc
