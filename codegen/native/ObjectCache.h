// Objects of kernels on disk, so that a program whose kernels were compiled once starts without compiling them.
#pragma once

#include "codegen/KernelEmitter.h"
#include "llvm/Support/MemoryBuffer.h"
#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace dlc {

/// A folder of files, one for each kernel, target and build of dlc. What is damaged counts as missing, and what cannot be
/// written is not kept: nothing here is ever an error. Processes may share the folder, and threads an ObjectCache.
class ObjectCache {
public:
  /// `$XDG_CACHE_HOME/dlc`, or `~/.cache/dlc`; empty where neither is set.
  static std::string standardFolder();
  /// When the files are larger than `limit` together, the oldest go. Without a folder, nothing is kept or found.
  explicit ObjectCache(std::string folder, uint64_t limit = uint64_t(256) << 20);
  ~ObjectCache();

  explicit operator bool() const { return !folder.empty(); }
  /// The name under which the code of `text` for a target is kept: 32 hexadecimal digits.
  std::string keyOf(llvm::StringRef text, const Target &target) const;

  struct Entry {
    KernelInfo info;
    /// Functions that the code calls, which are kept under their own names' keys.
    std::vector<std::string> needs;
    std::unique_ptr<llvm::MemoryBuffer> object;
  };
  std::optional<Entry> find(llvm::StringRef key) const;
  void store(llvm::StringRef key, const KernelInfo &info, llvm::ArrayRef<std::string> needs, llvm::StringRef object);

private:
  std::string pathOf(llvm::StringRef key) const;
  void trim() const;

  std::string folder;
  uint64_t limit;
  std::atomic<bool> hasGrown{false};
};

} // namespace dlc
