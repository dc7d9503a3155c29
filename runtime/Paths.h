// Where data files are: beside the program, then in --data DIR, $DLC_DATA, and /usr/share/datasets.
#pragma once

#include "runtime/Result.h"

#include <string>
#include <vector>

namespace dlc {

/// The folders to look in, in order.
struct SearchPaths {
  std::vector<std::string> folders;

  /// The standard order. `programFile` and `dataFolder` (--data) may be empty.
  static SearchPaths standard(const std::string &programFile, const std::string &dataFolder);

  /// The file meant by `path`; an absolute path is looked up as it is. `x` is also found as `x.gz`, and the other way
  /// round. The error lists where it was looked for; a folder is an error.
  Result<std::string> find(const std::string &path) const;

  /// The folder meant by `path`, looked up in the same order.
  Result<std::string> findFolder(const std::string &path) const;

  /// The same for a pattern (`data_batch_*.bin`): all files that match in the first folder where any does, sorted. A
  /// path without `*`, `?` and `[` gives its one file.
  Result<std::vector<std::string>> findAll(const std::string &pattern) const;
};

} // namespace dlc
