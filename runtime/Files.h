// Whole files: read (with gzip streams undone) and written so that a reader sees the old content or the new, never a
// part.
#pragma once

#include "runtime/Result.h"

#include <string>
#include <string_view>
#include <vector>

namespace dlc {

/// The content of a file. A name that ends in `.gz` must hold a gzip stream (of one or several members), which is
/// inflated; errors name the byte of the file where the stream is wrong or ends. A device (which may have no end) and a
/// file of more than `longest` bytes are errors.
Result<std::string> readFile(const std::string &path, size_t longest = std::string::npos);

/// The inflated content of a gzip stream; `path` is for errors.
Result<std::string> inflateGzip(const std::string &path, std::string_view stream);

/// Replaces `path` by the concatenation of `parts`: writes PATH.tmp.PID beside it, fsyncs, renames and fsyncs the
/// folder. After a failure the old file is whole and the temporary one gone.
Result<void> writeFileAtomically(const std::string &path, const std::vector<std::string_view> &parts);

/// Whether writeFileAtomically could write there: the folder exists and can be written to, and `path` is no folder.
Result<void> checkWritable(const std::string &path);

/// The nearest of `candidates` to a misspelt name, or an empty string when none is near.
std::string nearestName(std::string_view name, const std::vector<std::string> &candidates);

} // namespace dlc
