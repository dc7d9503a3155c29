// Writes tensors to a file, whose suffix says how: .csv, .npy or .safetensors.
#pragma once

#include "runtime/DType.h"
#include "runtime/Result.h"

#include <string>
#include <vector>

namespace dlc {

struct TableColumn {
  std::string name; ///< may be empty for .npy
  DType dtype = DType::F32;
  std::vector<int64_t> shape = {};
  const std::byte *data = nullptr;                   ///< dense row-major
  const std::vector<std::string> *strings = nullptr; ///< in place of numbers
};

/// Writes the file atomically. A .csv has a line for each row; columns have as many rows each, and one of more axes becomes
/// NAME.0, NAME.1, ..; floats are printed so that they read back to the same bits, text is quoted as RFC 4180 says. A .npy
/// has one tensor. Errors: what does not fit the kind of file, and what cannot be written.
Result<void> writeTable(const std::string &path, const std::vector<TableColumn> &columns);

} // namespace dlc
