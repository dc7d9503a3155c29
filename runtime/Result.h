// A value or an error, as the runtime's functions return it. No exception crosses the folder's edge: what libraries
// throw is caught inside and comes out as an Error.
//
// Errors read like `FILE: gzip stream ends early at byte 1234` or "FILE:12:3: `abc` is not a number (column `y`)".
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <variant>

namespace dlc {

/// What went wrong, and where. Messages are lower case without a full stop; code and names are in backticks.
struct Error {
  std::string message;
  std::string file;    ///< empty when no file is concerned
  int64_t line = 0;    ///< from 1; 0 when unknown
  int64_t column = 0;  ///< from 1, in bytes; 0 when unknown
  int64_t offset = -1; ///< in bytes, appended as ` at byte N`; -1 when unknown

  /// An error about the machine or the program, without a file.
  static Error plain(std::string message) { return {std::move(message), {}, 0, 0, -1}; }
  /// An error about a file, with the byte where it was found unless `offset` is -1.
  static Error inFile(std::string file, std::string message, int64_t offset = -1) {
    return {std::move(message), std::move(file), 0, 0, offset};
  }
  /// An error about a place in a text file.
  static Error atLine(std::string file, int64_t line, int64_t column, std::string message) {
    return {std::move(message), std::move(file), line, column, -1};
  }

  /// The whole line, without a newline.
  std::string str() const {
    std::string text = file;
    if (line > 0)
      text += ":" + std::to_string(line) + ":" + std::to_string(column);
    text += (text.empty() ? "" : ": ") + message;
    if (offset >= 0)
      text += " at byte " + std::to_string(offset);
    return text;
  }
};

/// A T or an Error. Test it, then use `*result` or `result.error()`; using the wrong one is undefined.
template <class T> class [[nodiscard]] Result {
public:
  Result(T value) : content(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : content(std::in_place_index<1>, std::move(error)) {}

  explicit operator bool() const { return content.index() == 0; }
  T &operator*() { return *std::get_if<0>(&content); }
  const T &operator*() const { return *std::get_if<0>(&content); }
  T *operator->() { return std::get_if<0>(&content); }
  const T *operator->() const { return std::get_if<0>(&content); }
  const Error &error() const { return *std::get_if<1>(&content); }

private:
  std::variant<T, Error> content;
};

/// Success or an Error.
template <> class [[nodiscard]] Result<void> {
public:
  Result() = default;
  Result(Error error) : content(std::in_place_index<1>, std::move(error)) {}

  explicit operator bool() const { return content.index() == 0; }
  const Error &error() const { return *std::get_if<1>(&content); }

private:
  std::variant<std::monostate, Error> content;
};

} // namespace dlc
