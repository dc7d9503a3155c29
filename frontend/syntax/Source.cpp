// Texts and the starts of their lines. Lines are found by binary search in a table made when the text is added.
#include "frontend/syntax/Source.h"

#include <algorithm>
#include <cassert>

namespace dlc {

uint32_t SourceManager::add(std::string name, std::string text) {
  assert(text.size() < UINT32_MAX && "offsets are 32 bits");
  std::vector<uint32_t> lineStarts = {0};
  for (size_t at = text.find('\n'); at != std::string::npos; at = text.find('\n', at + 1))
    lineStarts.push_back(uint32_t(at + 1));
  bool isTaken = std::any_of(files.begin(), files.end(), [&](const File &file) { return file.name == name; });
  std::string uniqueName = isTaken ? name + "#" + std::to_string(files.size()) : name;
  files.push_back({std::move(name), std::move(uniqueName), std::move(text), std::move(lineStarts)});
  return uint32_t(files.size() - 1);
}

LineColumn SourceManager::lineColumn(uint32_t file, uint32_t offset) const {
  const std::vector<uint32_t> &starts = files[file].lineStarts;
  auto after = std::upper_bound(starts.begin(), starts.end(), offset);
  return {unsigned(after - starts.begin()), offset - *(after - 1) + 1};
}

std::string_view SourceManager::line(uint32_t file, unsigned line) const {
  const File &f = files[file];
  if (line == 0 || line > f.lineStarts.size())
    return {};
  size_t begin = f.lineStarts[line - 1];
  size_t end = line < f.lineStarts.size() ? f.lineStarts[line] - 1 : f.text.size();
  if (end > begin && f.text[end - 1] == '\r')
    --end;
  return std::string_view(f.text).substr(begin, end - begin);
}

} // namespace dlc
