// Source text and places in it.
//
// A SourceManager owns the text of every file (and of every line typed at the prompt). A SourceRange is a half-open
// interval of byte offsets in one of them. Nothing here reports errors: see Diagnostic.h.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace dlc {

/// Bytes [begin, end) of file `file`. The default range is "nowhere".
struct SourceRange {
  uint32_t file = UINT32_MAX;
  uint32_t begin = 0;
  uint32_t end = 0;

  bool valid() const { return file != UINT32_MAX; }
  /// The smallest range that covers this one and `other` (of the same file).
  SourceRange to(SourceRange other) const {
    if (!valid())
      return other;
    if (!other.valid() || other.file != file)
      return *this;
    return {file, begin < other.begin ? begin : other.begin, end > other.end ? end : other.end};
  }
  bool operator==(const SourceRange &) const = default;
};

/// Line and column of a byte, both from 1; the column counts bytes.
struct LineColumn {
  unsigned line = 0;
  unsigned column = 0;
};

/// Owns the text of all files. Ids are indices in the order of adding; texts are never removed, so ranges stay valid.
class SourceManager {
public:
  /// Adds a text under the name that messages show. Returns its id.
  uint32_t add(std::string name, std::string text);

  /// How many files there are.
  uint32_t count() const { return uint32_t(files.size()); }
  std::string_view name(uint32_t file) const { return files[file].name; }
  /// The same, but for texts that share a name (inputs at the prompt): what tells them apart is added.
  const std::string &uniqueName(uint32_t file) const { return files[file].uniqueName; }
  std::string_view text(uint32_t file) const { return files[file].text; }
  std::string_view text(SourceRange range) const {
    return std::string_view(files[range.file].text).substr(range.begin, range.end - range.begin);
  }
  LineColumn lineColumn(uint32_t file, uint32_t offset) const;
  /// The text of line `line` (from 1), without its newline.
  std::string_view line(uint32_t file, unsigned line) const;

private:
  struct File {
    std::string name, uniqueName;
    std::string text;
    std::vector<uint32_t> lineStarts;
  };
  std::deque<File> files; ///< never moved: views of their texts stay valid
};

} // namespace dlc
