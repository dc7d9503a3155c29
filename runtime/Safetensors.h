// The safetensors format: eight bytes of header length, a JSON header, then the tensors' bytes without a gap. Reading
// believes nothing: every length, offset, shape and name is checked against the file before it is used. Writing is
// atomic (Files.h).
#pragma once

#include "runtime/DType.h"
#include "runtime/Result.h"

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace dlc {

/// A tensor of a file that was read. F16 was widened to F32.
struct SafetensorsTensor {
  std::string name;
  DType dtype;
  std::vector<int64_t> shape;
  std::string_view bytes; ///< dense row-major, little endian; not aligned
};

/// A file in memory.
class SafetensorsFile {
public:
  /// Reads and checks the whole file; an error names the file and the byte.
  static Result<SafetensorsFile> read(const std::string &path);

  const std::string &path() const { return file; }
  /// In the order of their bytes.
  const std::vector<SafetensorsTensor> &tensors() const { return all; }
  /// The tensor of that name, or null.
  const SafetensorsTensor *find(std::string_view name) const;
  const std::map<std::string, std::string> &metadata() const { return meta; }

private:
  friend class SafetensorsParser;
  std::string file;
  std::vector<std::string> storage; ///< the file's content, then the widened tensors; never moved inside
  std::vector<SafetensorsTensor> all;
  std::map<std::string, std::string> meta;
};

/// The metadata of a file, of which the tensors are not read.
Result<std::map<std::string, std::string>> safetensorsMetadata(const std::string &path);

/// A tensor to write; `bytes` is dense row-major.
struct SafetensorsEntry {
  std::string name;
  DType dtype;
  std::vector<int64_t> shape;
  std::string_view bytes;
};

/// Writes a file atomically: the old file is whole until the new one is. Tensors are stored in the order given, each at
/// a multiple of its element size (larger elements should come first); names must be distinct.
Result<void> writeSafetensors(const std::string &path, const std::vector<SafetensorsEntry> &tensors,
                              const std::map<std::string, std::string> &metadata);

} // namespace dlc
