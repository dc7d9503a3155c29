// Reading whole files, replacing whole files.
#include "runtime/Files.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>
#include <mutex>
#include <numeric>
#include <set>
#include <sys/stat.h>
#include <unistd.h>

namespace dlc {

static Error systemError(const std::string &path, const char *doing) {
  return Error::inFile(path, fmt::format("cannot {}: {}", doing, std::strerror(errno)));
}

namespace {
/// Closes a descriptor at the end of a scope.
struct Descriptor {
  int number;
  ~Descriptor() {
    if (number >= 0)
      ::close(number);
  }
};
} // namespace

static Result<std::string> readWhole(const std::string &path, size_t longest) {
  Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  struct stat status;
  if (file.number < 0 || ::fstat(file.number, &status) != 0)
    return systemError(path, "open it");
  if (S_ISDIR(status.st_mode))
    return Error::inFile(path, "is a folder, but a file is expected");
  if (!S_ISREG(status.st_mode) && !S_ISFIFO(status.st_mode))
    return Error::inFile(path, "is neither a file nor a pipe");
  std::string content;
  size_t length = 0;
  // A pipe has no size: read until nothing comes.
  for (content.resize(std::min(size_t(std::max<int64_t>(status.st_size, 0)), longest) + 1);;
       content.resize(content.size() * 2)) {
    while (length < content.size()) {
      ssize_t got = ::read(file.number, content.data() + length, content.size() - length);
      if (got < 0 && errno == EINTR)
        continue;
      if (got < 0)
        return systemError(path, "read it");
      if (got == 0) {
        content.resize(length);
        return path.ends_with(".gz") ? inflateGzip(path, content) : Result<std::string>(std::move(content));
      }
      length += size_t(got);
      if (length > longest)
        return Error::inFile(path, fmt::format("is longer than {} MiB", longest >> 20));
    }
  }
}

Result<std::string> readFile(const std::string &path, size_t longest) {
  try {
    return readWhole(path, longest);
  } catch (const std::exception &) { // bad_alloc or length_error, of the string
    return Error::inFile(path, "does not fit the memory");
  }
}

static Result<void> writeAll(int file, const std::string &path, const std::vector<std::string_view> &parts) {
  for (std::string_view part : parts)
    while (!part.empty()) {
      ssize_t written = ::write(file, part.data(), std::min(part.size(), size_t(1) << 30));
      if (written < 0 && errno == EINTR)
        continue;
      if (written <= 0)
        return systemError(path, "write it");
      part.remove_prefix(size_t(written));
    }
  if (::fsync(file) != 0)
    return systemError(path, "write it");
  return {};
}

static std::string folderOf(const std::string &path) {
  std::string folder = std::filesystem::path(path).parent_path().string();
  return folder.empty() ? "." : folder;
}

static std::string temporaryBeside(const std::string &path) { return fmt::format("{}.tmp.{}", path, ::getpid()); }

/// Removes what processes left that were killed while they wrote this file: looked for once, since a training writes it often.
static void removeLeftovers(const std::string &path) {
  static std::set<std::string> looked;
  static std::mutex mutex;
  if (std::lock_guard guard(mutex); !looked.insert(path).second)
    return;
  const std::string prefix = std::filesystem::path(path).filename().string() + ".tmp.";
  std::error_code failed;
  for (std::filesystem::directory_iterator at(folderOf(path), failed), end; !failed && at != end;
       at.increment(failed)) {
    const std::string name = at->path().filename().string(), digits = name.substr(std::min(prefix.size(), name.size()));
    bool isTemporary = name.starts_with(prefix) && !digits.empty() && digits.size() < 10 &&
                       digits.find_first_not_of("0123456789") == std::string::npos;
    if (isTemporary && ::kill(std::stoi(digits), 0) != 0 && errno == ESRCH)
      ::unlink(at->path().c_str());
  }
}

/// Renaming over a device or a pipe would destroy it.
static Result<void> checkReplaceable(const std::string &path) {
  struct stat status;
  if (::stat(path.c_str(), &status) == 0 && !S_ISREG(status.st_mode))
    return Error::inFile(path, S_ISDIR(status.st_mode) ? "is a folder, but a file is to be written"
                                                       : "cannot write it: it is not a regular file");
  return {};
}

Result<void> writeFileAtomically(const std::string &path, const std::vector<std::string_view> &parts) {
  if (Result<void> ok = checkReplaceable(path); !ok)
    return ok;
  removeLeftovers(path);
  std::string temporary = temporaryBeside(path);
  {
    Descriptor file{::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666)};
    if (file.number < 0)
      return systemError(path, "write it");
    if (Result<void> ok = writeAll(file.number, path, parts); !ok) {
      ::unlink(temporary.c_str());
      return ok;
    }
  }
  if (::rename(temporary.c_str(), path.c_str()) != 0) {
    Error error = systemError(path, "replace it");
    ::unlink(temporary.c_str());
    return error;
  }
  // Some file systems cannot sync a folder (EINVAL); the file itself is safe by now.
  Descriptor folder{::open(folderOf(path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (folder.number >= 0 && ::fsync(folder.number) != 0 && errno != EINVAL)
    return systemError(path, "write its folder");
  return {};
}

Result<void> checkWritable(const std::string &path) {
  if (Result<void> ok = checkReplaceable(path); !ok)
    return ok;
  removeLeftovers(path);
  std::string temporary = temporaryBeside(path);
  Descriptor file{::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666)};
  if (file.number < 0)
    return systemError(path, "write it");
  ::unlink(temporary.c_str());
  return {};
}

/// Slips between two words: letters added, left out, replaced, or neighbours swapped (optimal string alignment).
static size_t editDistance(std::string_view a, std::string_view b) {
  std::vector<size_t> before, last(b.size() + 1), row(b.size() + 1);
  std::iota(last.begin(), last.end(), size_t(0));
  for (size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1), last[j] + 1, row[j - 1] + 1});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        row[j] = std::min(row[j], before[j - 2] + 1);
    }
    before = std::exchange(last, row);
  }
  return last[b.size()];
}

std::string nearestName(std::string_view name, const std::vector<std::string> &candidates) {
  std::string nearest;
  // Two slips, more in long names, one in very short ones.
  size_t least = 1 + (name.size() > 3 ? std::max<size_t>(2, name.size() / 3) : name.size() > 1 ? 1 : 0);
  for (const std::string &candidate : candidates) {
    // Names of very different lengths are never near; do not compute it.
    if (std::max(candidate.size(), name.size()) - std::min(candidate.size(), name.size()) >= least)
      continue;
    if (size_t distance = editDistance(name, candidate); distance < least) {
      least = distance;
      nearest = candidate;
    }
  }
  return nearest;
}

} // namespace dlc
