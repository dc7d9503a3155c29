// One block of memory for all rows, of which the part never written costs nothing, and what became of each.
#include "runtime/RowCache.h"

#include "runtime/AvailableThreads.h"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <sstream>

namespace dlc {

namespace {
class RowCache : public RowReader {
public:
  RowCache(std::shared_ptr<const RowReader> reader, Arena memory, int64_t rows, size_t rowBytes)
      : reader(std::move(reader)), memory(std::move(memory)), rowBytes(rowBytes),
        states(std::make_unique<std::atomic<State>[]>(size_t(rows))) {}

  Result<void> read(int64_t row, std::byte *out) const override {
    std::byte *kept = memory.data() + size_t(row) * rowBytes;
    std::atomic<State> &state = states[size_t(row)];
    if (state.load(std::memory_order_acquire) == State::Kept) {
      std::memcpy(out, kept, rowBytes);
      return {};
    }
    if (Result<void> ok = reader->read(row, out); !ok)
      return ok;
    if (State expected = State::Unknown; state.compare_exchange_strong(expected, State::Writing)) {
      std::memcpy(kept, out, rowBytes);
      state.store(State::Kept, std::memory_order_release);
    }
    return {};
  }

private:
  enum class State : uint8_t { Unknown, Writing, Kept };
  std::shared_ptr<const RowReader> reader;
  mutable Arena memory;
  size_t rowBytes;
  std::unique_ptr<std::atomic<State>[]> states;
};
} // namespace

std::shared_ptr<const RowReader> cached(std::shared_ptr<const RowReader> reader, int64_t rows, size_t rowBytes,
                                        size_t limit) {
  size_t bytes = 0;
  if (__builtin_mul_overflow(size_t(rows), rowBytes, &bytes) || bytes > limit)
    return reader;
  Result<Arena> memory = Arena::allocate(bytes);
  if (!memory)
    return reader;
  return std::make_shared<RowCache>(std::move(reader), std::move(*memory), rows, rowBytes);
}

/// The number in a file, or `otherwise` ("max", or no such file).
static size_t numberIn(const std::string &file, size_t otherwise) {
  size_t number = 0;
  std::ifstream stream(file);
  return stream >> number ? number : otherwise;
}

size_t availableMemory() {
  constexpr size_t none = std::numeric_limits<size_t>::max();
  size_t available = none;
  std::ifstream machine("/proc/meminfo");
  for (std::string line; std::getline(machine, line);)
    if (line.starts_with("MemAvailable:"))
      available = size_t(std::strtoull(line.c_str() + 13, nullptr, 10)) * 1024;
  std::ifstream file("/proc/self/cgroup");
  std::stringstream text;
  text << file.rdbuf();
  for (const std::string &folder : cgroupFolders(text.str(), "/sys/fs/cgroup", "memory"))
    for (auto [limit, used] :
         {std::pair("/memory.max", "/memory.current"), std::pair("/memory.limit_in_bytes", "/memory.usage_in_bytes")})
      if (size_t most = numberIn(folder + limit, none), now = numberIn(folder + used, 0); most != none)
        available = std::min(available, most - std::min(most, now));
  return available;
}

} // namespace dlc
