// The line editor of the prompt: an input of one or several lines, edited as a whole, with a history.
//
// `EditedText` is what is typed and the cursor in it, and knows no terminal. `LineEditor` reads keys from a terminal and draws.
// It is our own, for of Debian's libraries libedit knows neither inputs of several lines nor marks of what is pasted, and
// readline's licence would become that of dlc.
#pragma once

#include <cctype>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dlc {

/// Whether a byte is a letter, a digit or `_`; bytes beyond ASCII are letters.
inline bool isOfWord(char c) { return isalnum(static_cast<unsigned char>(c)) || c == '_' || (c & 0x80); }
/// Whether a byte of UTF-8 goes on with a character.
inline bool continuesCharacter(char c) { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; }

/// UTF-8 text with a cursor between two characters of it.
class EditedText {
public:
  const std::string &text() const { return bytes; }
  size_t cursor() const { return at; }
  void set(std::string text);
  void insert(std::string_view text);

  void left();
  void right();
  void wordLeft();
  void wordRight();
  void lineBegin();
  void lineEnd();
  /// To the line above or below, as far right as before; false when there is none.
  bool up();
  bool down();
  void end() { at = bytes.size(); }

  void eraseLeft();
  void eraseRight();
  /// To the end or the beginning of the line, or the word before the cursor; they are kept for `paste`.
  void cutLineEnd();
  void cutLineBegin();
  void cutWordLeft();
  void paste() { insert(std::string(kept)); }

  bool onLastLine() const { return bytes.find('\n', at) == std::string::npos; }

private:
  size_t previous(size_t from) const;
  size_t next(size_t from) const;
  size_t beginOfLine(size_t from) const;
  size_t endOfLine(size_t from) const;
  void cut(size_t from, size_t to);

  std::string bytes, kept;
  size_t at = 0;
};

/// The inputs typed before, oldest first, in a file of one line each (a new line in an input is written `\n`).
class InputHistory {
public:
  /// Reads the file; one that is not there is empty.
  explicit InputHistory(std::string path);
  const std::vector<std::string> &inputs() const { return all; }
  /// Adds an input, to the file too, unless it is the last one again. A file that cannot be written is left alone.
  void add(const std::string &input);

private:
  std::string path;
  std::vector<std::string> all;
};

/// What may stand at the cursor.
struct Completions {
  size_t begin = 0;                 ///< where what is completed begins, in bytes
  std::vector<std::string> choices; ///< each in place of the text from there to the cursor, sorted
};

class LineEditor {
public:
  LineEditor(int in, int out, std::string historyPath);

  /// Whether an input goes on in the next line, as Enter asks; and whether a line goes on what stands above it.
  std::function<bool(const std::string &)> isIncomplete = [](const std::string &) { return false; };
  std::function<bool(std::string_view line)> goesOn = [](std::string_view) { return false; };
  std::function<Completions(const std::string &text, size_t cursor)> complete;

  /// An input that begins as `begin`; empty after Ctrl-C; nothing after Ctrl-D in an empty one or when the terminal is gone.
  /// What was pasted at once is one input.
  std::optional<std::string> read(const std::string &begin = "");

private:
  struct Key {
    enum Kind {
      Text,
      Enter,
      NewLine,
      Pasted,
      Tab,
      Backspace,
      Delete,
      Left,
      Right,
      WordLeft,
      WordRight,
      Up,
      Down,
      Home,
      End,
      CutEnd,
      CutBegin,
      CutWord,
      Yank,
      Clear,
      Cancel,
      Eof,
      Suspend,
      Closed,
      None
    } kind = None;
    std::string text = {};
  };
  int byte(int milliseconds = -1);
  Key key();
  Key escape();
  Key pasted();
  /// Does what a key says. False when reading ends.
  bool press(const Key &key);
  bool enter();
  void recall(int direction);
  void tab();
  void suspend();
  void draw(bool last = false);
  void write(std::string_view text);

  int in, out;
  InputHistory history;
  std::string ahead; ///< bytes read and not used
  size_t used = 0;
  EditedText edited;
  std::string draft; ///< what was typed before the history was asked
  size_t recalled = 0;
  size_t cursorRow = 0; ///< on the screen, below the first row of the input
  std::optional<std::string> result;
};

} // namespace dlc
