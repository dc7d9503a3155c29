// What the numbers of a column stand for: the classes of a category, the letters of a text, the words of sentences.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace dlc {

class Vocabulary {
public:
  enum class Kind { Classes, Letters, Words };

  Vocabulary(Kind kind, std::vector<std::string> entries) : meaning(kind), all(std::move(entries)) {}

  Kind kind() const { return meaning; }
  /// Number n stands for entry n.
  const std::vector<std::string> &entries() const { return all; }
  int64_t size() const { return int64_t(all.size()); }

private:
  Kind meaning;
  std::vector<std::string> all;
};

} // namespace dlc
