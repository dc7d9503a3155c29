// Letters and words of UTF-8 text, by the tables of Unicode.
#pragma once

#include "runtime/Result.h"

#include <string>
#include <string_view>
#include <vector>

namespace dlc {

/// A whole text file: UTF-8 (an error has the byte and the line of what is not), each end of a line as one `\n`, without
/// a byte order mark. An empty file and a zero byte are errors.
Result<std::string> readText(const std::string &path);
/// Its lines; the last may end without `\n`.
std::vector<std::string_view> linesOf(std::string_view text);
std::vector<std::string_view> linesOf(std::string &&text) = delete; // they would point into what is gone

// What follows takes UTF-8; what is none of it is left out.

/// The code points, each as its UTF-8 bytes.
std::vector<std::string_view> lettersOf(std::string_view text);
std::vector<std::string_view> lettersOf(std::string &&text) = delete;
/// How a message shows a letter: in backticks, by its number where it would not be seen.
std::string shownLetter(std::string_view letter);
/// Without accents and other marks, as Python's `unicodedata.normalize("NFD", ..)` without category `Mn` gives it.
std::string withoutMarks(std::string_view text);
/// Without blanks at both ends.
std::string_view stripped(std::string_view text);
/// In lower case: words (letters, digits, marks, apostrophes inside) and all other characters but blanks, one by one.
std::vector<std::string> wordsOf(std::string_view text);

} // namespace dlc
