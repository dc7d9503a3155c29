// What the numbers of a column stand for: the classes of a category, the letters of a text, the words of sentences.
#pragma once

#include "runtime/DType.h"
#include "runtime/Result.h"

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace dlc {

class Vocabulary {
public:
  enum class Kind { Classes, Letters, Words };
  /// How a text becomes a row of the column.
  struct Form {
    DType dtype = DType::I32;
    int64_t length = 0; ///< numbers of a row; 0: as many as the text has letters
    bool start = false; ///< words follow the mark of the start
    bool operator==(const Form &) const = default;
  };
  /// The first entries of words are marks.
  enum Mark { Padding, Start, End, Unknown, Marks };

  /// Entries must differ. Letters in rows of a length, and words, begin with "", the padding.
  Vocabulary(Kind kind, std::vector<std::string> entries, Form form);
  Vocabulary(Kind kind, std::vector<std::string> entries) : Vocabulary(kind, std::move(entries), Form{}) {}
  Vocabulary(const Vocabulary &) = delete; // numbers point into entries

  Kind kind() const { return meaning; }
  const Form &form() const { return shape; }
  /// Number n stands for entry n.
  const std::vector<std::string> &entries() const { return all; }
  int64_t size() const { return int64_t(all.size()); }
  /// The number of an entry, or -1.
  int64_t find(std::string_view entry) const;

  /// The numbers of a text as a row has them: the class of that name; letters, padded in front where rows have a length,
  /// there without marks and without what is no letter of it; words behind the start, before the end and padding. What a
  /// row cannot hold loses its end, and `lost`, if given, becomes true. An error names what is not in it.
  Result<std::vector<int64_t>> encode(std::string_view text, bool *lost = nullptr) const;
  /// The text of numbers: names of classes by commas, letters one behind the other, words by blanks as far as the end.
  /// Padding and start have no text. An error names the number that stands for nothing.
  Result<std::string> decode(std::span<const int64_t> numbers) const;

  std::string json() const;
  /// What `json` wrote, or the list of classes alone.
  static Result<std::shared_ptr<const Vocabulary>> read(std::string_view json);
  /// Whether each number of the other stands for the same here.
  bool agrees(const Vocabulary &other) const;
  /// How another differs, in words: both sizes and the first entries that differ; "" if it does not.
  std::string difference(const Vocabulary &other, const std::string &here, const std::string &there) const;

private:
  Kind meaning;
  std::vector<std::string> all;
  Form shape;
  std::unordered_map<std::string_view, int64_t> numbers;
};

} // namespace dlc
