// A file is a header, the names of the needed functions, each ending with a null, and the object. The header has a checksum of
// all that follows it: files are renamed into their places when they are whole, but disks fill up and machines stop.
#include "codegen/native/ObjectCache.h"
#include "codegen/native/Linker.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Config/llvm-config.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/xxhash.h"
#include <cstdlib>
#include <cstring>

using llvm::StringRef;

namespace dlc {

namespace {
struct Header {
  char magic[8];
  uint64_t checksum; ///< of what follows, from `tasks` on
  int64_t tasks;
  double nanoseconds;
  uint64_t namesBytes;
  uint64_t objectBytes;
};
} // namespace

static constexpr char magic[8] = {'d', 'l', 'c', 'o', 'b', 'j', '1', '\n'};
static constexpr size_t checkedFrom = offsetof(Header, tasks);

std::string ObjectCache::standardFolder() {
  // As the XDG base directory specification has it, a path that is not absolute does not count.
  if (const char *base = std::getenv("XDG_CACHE_HOME"); base && base[0] == '/')
    return std::string(base) + "/dlc";
  if (const char *home = std::getenv("HOME"); home && home[0] == '/')
    return std::string(home) + "/.cache/dlc";
  return "";
}

ObjectCache::ObjectCache(std::string folder, uint64_t limit) : folder(std::move(folder)), limit(limit) {}

ObjectCache::~ObjectCache() {
  if (hasGrown)
    trim();
}

/// Which dlc this is: one that was built anew may make other code of the same kernel.
static const std::string &buildName() {
  static const std::string name = [] {
    std::string text = LLVM_VERSION_STRING;
    llvm::sys::fs::file_status status;
    if (!llvm::sys::fs::status("/proc/self/exe", status))
      text += " " + std::to_string(status.getSize()) + " " +
              std::to_string(status.getLastModificationTime().time_since_epoch().count());
    return text;
  }();
  return name;
}

std::string ObjectCache::keyOf(StringRef text, const Target &target) const {
  std::string all = (buildName() + "\n" + target.cpu + "\n" + target.features + "\n" +
                     std::to_string(target.vectorBytes) + "\n" + text)
                        .str();
  llvm::XXH128_hash_t hash =
      llvm::xxh3_128bits(llvm::ArrayRef(reinterpret_cast<const uint8_t *>(all.data()), all.size()));
  return llvm::utohexstr(hash.high64, /*LowerCase=*/true, 16) + llvm::utohexstr(hash.low64, /*LowerCase=*/true, 16);
}

std::string ObjectCache::pathOf(StringRef key) const { return folder + "/" + key.str() + ".o"; }

std::optional<ObjectCache::Entry> ObjectCache::find(StringRef key) const {
  if (folder.empty())
    return std::nullopt;
  auto file = llvm::MemoryBuffer::getFile(pathOf(key), /*IsText=*/false, /*RequiresNullTerminator=*/false);
  if (!file)
    return std::nullopt;
  StringRef bytes = (*file)->getBuffer();
  Header header;
  if (bytes.size() < sizeof(header))
    return std::nullopt;
  std::memcpy(&header, bytes.data(), sizeof(header));
  uint64_t left = bytes.size() - sizeof(header);
  if (std::memcmp(header.magic, magic, sizeof(magic)) != 0 || header.namesBytes > left ||
      header.objectBytes != left - header.namesBytes ||
      llvm::xxh3_64bits(bytes.drop_front(checkedFrom)) != header.checksum)
    return std::nullopt;
  Entry entry;
  entry.info = {header.tasks, header.nanoseconds};
  llvm::SmallVector<StringRef> names;
  bytes.substr(sizeof(header), header.namesBytes).split(names, '\0', -1, /*KeepEmpty=*/false);
  for (StringRef name : names)
    entry.needs.push_back(name.str());
  // An object is read where it is aligned.
  entry.object = llvm::MemoryBuffer::getMemBufferCopy(bytes.take_back(header.objectBytes), key);
  return entry;
}

void ObjectCache::store(StringRef key, const KernelInfo &info, llvm::ArrayRef<std::string> needs, StringRef object) {
  if (folder.empty() || llvm::sys::fs::create_directories(folder))
    return;
  std::string names;
  for (const std::string &name : needs)
    names += name + '\0';
  Header header = {{}, 0, info.tasks, info.nanoseconds, names.size(), object.size()};
  std::memcpy(header.magic, magic, sizeof(magic));
  std::string bytes(reinterpret_cast<const char *>(&header), sizeof(header));
  bytes += names;
  bytes += object;
  uint64_t checksum = llvm::xxh3_64bits(StringRef(bytes).drop_front(checkedFrom));
  std::memcpy(bytes.data() + offsetof(Header, checksum), &checksum, sizeof(checksum));
  llvm::consumeError(writeFile(pathOf(key), bytes));
  hasGrown = true;
}

/// Removes the oldest files until a quarter of the limit is free, so that not every process has something to remove.
void ObjectCache::trim() const {
  struct File {
    std::string path;
    uint64_t bytes;
    llvm::sys::TimePoint<> time;
  };
  std::vector<File> files;
  uint64_t total = 0;
  std::error_code problem;
  for (llvm::sys::fs::directory_iterator at(folder, problem), end; !problem && at != end; at.increment(problem))
    if (auto status = at->status(); status && status->type() == llvm::sys::fs::file_type::regular_file) {
      files.push_back({at->path(), status->getSize(), status->getLastModificationTime()});
      total += status->getSize();
    }
  if (total <= limit)
    return;
  llvm::sort(files, [](const File &a, const File &b) { return a.time < b.time; });
  for (const File &file : files) {
    if (total <= limit / 4 * 3)
      return;
    if (!llvm::sys::fs::remove(file.path))
      total -= file.bytes;
  }
}

} // namespace dlc
