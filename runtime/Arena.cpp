// Small blocks come from the heap; from 2 MiB on they are mapped, aligned to huge pages.
#include "runtime/Arena.h"

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <fmt/format.h>
#include <fstream>
#include <limits>
#include <optional>
#include <string>
#include <sys/mman.h>
#include <utility>

namespace dlc {

static constexpr size_t hugePage = size_t(2) << 20;

Arena::Arena(Arena &&other) noexcept { *this = std::move(other); }

Arena &Arena::operator=(Arena &&other) noexcept {
  std::swap(block, other.block);
  std::swap(bytes, other.bytes);
  std::swap(mapped, other.mapped);
  return *this;
}

Arena::~Arena() {
  if (mapped != 0)
    munmap(block, mapped);
  else
    std::free(block);
}

/// Maps `bytes` (a multiple of the page) at a multiple of 2 MiB by mapping more and giving the ends back; null when
/// there is none.
static void *mapAligned(size_t bytes) {
  void *wide = mmap(nullptr, bytes + hugePage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (wide == MAP_FAILED)
    return nullptr;
  std::byte *begin = static_cast<std::byte *>(wide);
  size_t before = (hugePage - reinterpret_cast<uintptr_t>(wide) % hugePage) % hugePage;
  if (before != 0)
    munmap(begin, before);
  if (before != hugePage)
    munmap(begin + before + bytes, hugePage - before);
  madvise(begin + before, bytes, MADV_HUGEPAGE); // a wish: without it the pages are just smaller
  return begin + before;
}

/// What the system says is available without swapping; none when it does not say.
static std::optional<size_t> availableBytes() {
  std::ifstream file("/proc/meminfo");
  std::string key, unit;
  for (size_t kibibytes = 0; file >> key >> kibibytes; std::getline(file, unit))
    if (key == "MemAvailable:")
      return kibibytes * 1024;
  return std::nullopt;
}

static std::string inGibibytes(size_t bytes) { return fmt::format("{:.1f} GiB", double(bytes) / double(1 << 30)); }

Result<Arena> Arena::allocate(size_t bytes) {
  Arena arena;
  arena.bytes = bytes;
  // The system promises more than it has, and ends the process when it cannot keep that.
  constexpr size_t worthAsking = size_t(1) << 28;
  if (bytes >= worthAsking)
    if (std::optional<size_t> available = availableBytes(); available && bytes > *available)
      return Error::plain(
          fmt::format("needs {} of memory, of which {} are available", inGibibytes(bytes), inGibibytes(*available)));
  if (bytes < hugePage) {
    size_t rounded = bytes == 0 ? 64 : (bytes + 63) / 64 * 64;
    arena.block = static_cast<std::byte *>(std::aligned_alloc(64, rounded));
    if (arena.block != nullptr)
      std::memset(arena.block, 0, rounded);
  } else if (bytes < std::numeric_limits<size_t>::max() / 4) {
    arena.mapped = (bytes + 4095) / 4096 * 4096;
    arena.block = static_cast<std::byte *>(mapAligned(arena.mapped));
  }
  if (arena.block == nullptr) {
    arena.mapped = 0;
    return Error::plain("cannot get " + std::to_string(bytes) + " bytes of memory");
  }
  return arena;
}

} // namespace dlc
