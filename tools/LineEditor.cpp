// Keys to edits, and the drawing: after each key all rows are written anew, in one piece.
#include "tools/LineEditor.h"

#include "runtime/Files.h"
#include "runtime/pictures/PictureText.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

namespace dlc {

namespace {
/// While it lives, keys come one by one, unechoed, and pasted text is marked as such.
class RawTerminal {
public:
  RawTerminal(int in, int out) : in(in), out(out), good(tcgetattr(in, &before) == 0) {
    if (!good)
      return;
    struct termios raw = before;
    raw.c_iflag &= tcflag_t(~(ICRNL | INLCR | IXON));
    raw.c_lflag &= tcflag_t(~(ICANON | ECHO | IEXTEN | ISIG));
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    tcsetattr(in, TCSADRAIN, &raw);
    mark("\x1b[?2004h");
  }
  ~RawTerminal() {
    if (!good)
      return;
    mark("\x1b[?2004l");
    tcsetattr(in, TCSADRAIN, &before);
  }
  RawTerminal(const RawTerminal &) = delete;

private:
  void mark(std::string_view text) const { [[maybe_unused]] ssize_t ignored = ::write(out, text.data(), text.size()); }

  int in, out;
  struct termios before = {};
  bool good;
};

/// Rows of the screen that a text takes, each as wide as the window at most, and where the cursor stands.
struct Rows {
  std::vector<std::string> rows;
  size_t cursorRow = 0;
  int cursorColumn = 0;
};
} // namespace

static size_t characterLength(std::string_view text, size_t at) {
  size_t end = at + 1;
  while (end < text.size() && continuesCharacter(text[end]))
    ++end;
  return end - at;
}

static Rows rowsOf(const std::string &text, size_t cursor, int width) {
  Rows made;
  std::string row = "> ";
  int column = 2;
  auto finish = [&](const char *begin, int used) {
    made.rows.push_back(std::move(row));
    row = begin;
    column = used;
  };
  for (size_t at = 0; at <= text.size();) {
    size_t length = at < text.size() ? characterLength(text, at) : 1;
    std::string shown = at == text.size() || text[at] == '\n'         ? ""
                        : text[at] == '\t'                            ? "  "
                        : static_cast<unsigned char>(text[at]) < 0x20 ? "?"
                                                                      : text.substr(at, length);
    int columns = columnsOf(shown);
    if (column + std::max(columns, 1) > width)
      finish("", 0);
    if (at == cursor) {
      made.cursorRow = made.rows.size();
      made.cursorColumn = column;
    }
    row += shown;
    column += columns;
    if (at < text.size() && text[at] == '\n')
      finish(". ", 2);
    at += length;
  }
  made.rows.push_back(std::move(row));
  return made;
}

LineEditor::LineEditor(int in, int out, std::string historyPath) : in(in), out(out), history(std::move(historyPath)) {}

void LineEditor::write(std::string_view text) {
  while (!text.empty()) {
    ssize_t written = ::write(out, text.data(), text.size());
    if (written <= 0)
      return;
    text.remove_prefix(size_t(written));
  }
}

void LineEditor::draw(bool last) {
  struct winsize size = {};
  bool known = ioctl(out, TIOCGWINSZ, &size) == 0;
  int width = known && size.ws_col > 4 ? size.ws_col : 80;
  size_t height = known && size.ws_row > 1 ? size.ws_row : 24;
  Rows rows = rowsOf(edited.text(), last ? edited.text().size() : edited.cursor(), width);
  // Of more rows than the window has, those around the cursor.
  size_t first = 0;
  if (!last && rows.rows.size() > height) {
    first = std::min(rows.cursorRow >= height ? rows.cursorRow - height + 1 : 0, rows.rows.size() - height);
    rows.rows.resize(std::min(rows.rows.size(), first + height));
  }
  std::string frame = cursorRow ? "\x1b[" + std::to_string(cursorRow) + "A" : "";
  frame += "\r\x1b[J";
  for (size_t i = first; i < rows.rows.size(); ++i)
    frame += (i > first ? "\r\n" : "") + rows.rows[i];
  size_t below = rows.rows.size() - 1 - rows.cursorRow;
  if (below)
    frame += "\x1b[" + std::to_string(below) + "A";
  frame += "\r";
  if (rows.cursorColumn)
    frame += "\x1b[" + std::to_string(rows.cursorColumn) + "C";
  cursorRow = rows.cursorRow - first;
  write(frame);
}

//===-- Keys ------------------------------------------------------------------------------------------------------------===//

/// The next byte; -1 when the terminal is gone, or none came in time.
int LineEditor::byte(int milliseconds) {
  if (used == ahead.size()) {
    if (milliseconds >= 0) {
      struct pollfd ready = {in, POLLIN, 0};
      if (poll(&ready, 1, milliseconds) <= 0)
        return -1;
    }
    char block[4096];
    ssize_t count;
    do
      count = ::read(in, block, sizeof block);
    while (count < 0 && errno == EINTR);
    if (count <= 0)
      return -1;
    ahead.assign(block, size_t(count));
    used = 0;
  }
  return static_cast<unsigned char>(ahead[used++]);
}

LineEditor::Key LineEditor::pasted() {
  constexpr std::string_view end = "\x1b[201~";
  std::string text;
  for (int next; !text.ends_with(end) && (next = byte()) >= 0;)
    text += char(next);
  if (text.ends_with(end))
    text.resize(text.size() - end.size());
  std::string plain;
  for (size_t i = 0; i < text.size(); ++i)
    if (text[i] == '\r')
      plain += i + 1 < text.size() && text[i + 1] == '\n' ? "" : "\n";
    else
      plain += text[i];
  while (plain.ends_with('\n'))
    plain.pop_back();
  return {Key::Pasted, plain};
}

LineEditor::Key LineEditor::escape() {
  constexpr int together = 50; // milliseconds: bytes of one key come at once
  int next = byte(together);
  switch (next) {
  case '\r':
  case '\n':
    return {Key::NewLine};
  case 'b':
    return {Key::WordLeft};
  case 'f':
    return {Key::WordRight};
  case 0x7f:
    return {Key::CutWord};
  case '[':
  case 'O':
    break;
  default:
    return {};
  }
  std::string numbers;
  int final = byte(together);
  for (; final >= 0 && (final < 0x40 || final > 0x7e); final = byte(together))
    numbers += char(final);
  bool word = numbers.ends_with(";5") || numbers.ends_with(";3");
  switch (final) {
  case 'A':
    return {Key::Up};
  case 'B':
    return {Key::Down};
  case 'C':
    return {word ? Key::WordRight : Key::Right};
  case 'D':
    return {word ? Key::WordLeft : Key::Left};
  case 'H':
    return {Key::Home};
  case 'F':
    return {Key::End};
  case '~':
    return numbers == "200"                   ? pasted()
           : numbers == "1" || numbers == "7" ? Key{Key::Home}
           : numbers == "4" || numbers == "8" ? Key{Key::End}
           : numbers == "3"                   ? Key{Key::Delete}
                                              : Key{};
  default:
    return {};
  }
}

LineEditor::Key LineEditor::key() {
  int next = byte();
  switch (next) {
  case -1:
    return {Key::Closed};
  case 0x01:
    return {Key::Home};
  case 0x02:
    return {Key::Left};
  case 0x03:
    return {Key::Cancel};
  case 0x04:
    return {Key::Eof};
  case 0x05:
    return {Key::End};
  case 0x06:
    return {Key::Right};
  case 0x08:
  case 0x7f:
    return {Key::Backspace};
  case '\t':
    return {Key::Tab};
  case '\n':
  case '\r':
    return {Key::Enter};
  case 0x0b:
    return {Key::CutEnd};
  case 0x0c:
    return {Key::Clear};
  case 0x0e:
    return {Key::Down};
  case 0x10:
    return {Key::Up};
  case 0x15:
    return {Key::CutBegin};
  case 0x17:
    return {Key::CutWord};
  case 0x19:
    return {Key::Yank};
  case 0x1a:
    return {Key::Suspend};
  case 0x1b:
    return escape();
  default:
    break;
  }
  if (next < 0x20)
    return {};
  Key typed = {Key::Text, std::string(1, char(next))};
  for (int more = next >= 0xf0 ? 3 : next >= 0xe0 ? 2 : next >= 0xc0 ? 1 : 0; more > 0; --more)
    if (int following = byte(); following >= 0)
      typed.text += char(following);
  return typed;
}

//===-- What keys do ------------------------------------------------------------------------------------------------------===//

std::optional<std::string> LineEditor::read(const std::string &begin) {
  RawTerminal raw(in, out);
  edited.set(begin);
  draft.clear();
  recalled = history.inputs().size();
  cursorRow = 0;
  result.reset();
  draw();
  for (Key pressed = key(); press(pressed); pressed = key())
    if (used == ahead.size()) // of what came at once, only the end is drawn
      draw();
  return result;
}

bool LineEditor::press(const Key &key) {
  switch (key.kind) {
  case Key::Text:
  case Key::Pasted:
    edited.insert(key.text);
    break;
  case Key::Enter:
    return enter();
  case Key::NewLine:
    edited.insert("\n");
    break;
  case Key::Tab:
    tab();
    break;
  case Key::Backspace:
    edited.eraseLeft();
    break;
  case Key::Eof:
    if (edited.text().empty()) {
      write("\r\n");
      return false;
    }
    [[fallthrough]];
  case Key::Delete:
    edited.eraseRight();
    break;
  case Key::Left:
    edited.left();
    break;
  case Key::Right:
    edited.right();
    break;
  case Key::WordLeft:
    edited.wordLeft();
    break;
  case Key::WordRight:
    edited.wordRight();
    break;
  case Key::Up:
    if (!edited.up())
      recall(-1);
    break;
  case Key::Down:
    if (!edited.down())
      recall(1);
    break;
  case Key::Home:
    edited.lineBegin();
    break;
  case Key::End:
    edited.lineEnd();
    break;
  case Key::CutEnd:
    edited.cutLineEnd();
    break;
  case Key::CutBegin:
    edited.cutLineBegin();
    break;
  case Key::CutWord:
    edited.cutWordLeft();
    break;
  case Key::Yank:
    edited.paste();
    break;
  case Key::Clear:
    write("\x1b[H\x1b[2J");
    cursorRow = 0;
    break;
  case Key::Cancel:
    draw(true);
    write("^C\r\n");
    result = "";
    return false;
  case Key::Suspend:
    suspend();
    break;
  case Key::Closed:
    return false;
  case Key::None:
    break;
  }
  return true;
}

bool LineEditor::enter() {
  // A terminal that does not mark what is pasted: the next line, which is there already, may go on with this one.
  std::string_view following = std::string_view(ahead).substr(used);
  size_t lineEnd = following.find_first_of("\r\n");
  bool goesOnBelow = lineEnd != std::string_view::npos && goesOn(following.substr(0, lineEnd));
  if (!edited.onLastLine() || goesOnBelow || isIncomplete(edited.text())) {
    edited.insert("\n");
    return true;
  }
  draw(true);
  write("\r\n");
  history.add(edited.text());
  result = edited.text();
  return false;
}

void LineEditor::recall(int direction) {
  const std::vector<std::string> &inputs = history.inputs();
  if (direction < 0 ? recalled == 0 : recalled == inputs.size())
    return;
  if (recalled == inputs.size())
    draft = edited.text();
  recalled += size_t(direction);
  edited.set(recalled == inputs.size() ? draft : inputs[recalled]);
}

void LineEditor::tab() {
  Completions found = complete ? complete(edited.text(), edited.cursor()) : Completions();
  if (found.choices.empty()) {
    size_t line = edited.text().rfind('\n', edited.cursor() ? edited.cursor() - 1 : 0);
    size_t begin = edited.cursor() == 0 || line == std::string::npos ? 0 : line + 1;
    if (edited.text().substr(begin, edited.cursor() - begin).find_first_not_of(' ') == std::string::npos)
      edited.insert("  ");
    return;
  }
  std::string common = found.choices[0];
  for (const std::string &choice : found.choices)
    common.resize(
        size_t(std::mismatch(common.begin(), common.end(), choice.begin(), choice.end()).first - common.begin()));
  while (!common.empty() && common.size() < found.choices[0].size() &&
         continuesCharacter(found.choices[0][common.size()]))
    common.pop_back();
  size_t typed = edited.cursor() - found.begin;
  if (found.choices.size() == 1 || common.size() > typed) {
    while (edited.cursor() > found.begin)
      edited.eraseLeft();
    edited.insert(common);
    return;
  }
  // All of them, in columns, below the input.
  constexpr size_t most = 200;
  size_t widest = 0, count = std::min(found.choices.size(), most);
  for (size_t i = 0; i < count; ++i)
    widest = std::max(widest, size_t(columnsOf(found.choices[i])));
  struct winsize size = {};
  int width = ioctl(out, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
  size_t columns = std::max<size_t>(1, (size_t(width) + 1) / (widest + 2)), rows = (count + columns - 1) / columns;
  std::string list;
  for (size_t row = 0; row < rows; ++row) {
    for (size_t i = row; i < count; i += rows)
      list += i + rows < count ? fitted(found.choices[i], int(widest) + 2) : found.choices[i];
    list += "\r\n";
  }
  if (found.choices.size() > most)
    list += "and " + std::to_string(found.choices.size() - most) + " more\r\n";
  draw(true);
  write("\r\n" + list);
  cursorRow = 0;
}

void LineEditor::suspend() {
  struct termios raw = {};
  bool known = tcgetattr(in, &raw) == 0;
  write("\r\n\x1b[?2004l");
  struct termios cooked = raw;
  cooked.c_iflag |= ICRNL | IXON;
  cooked.c_lflag |= ICANON | ECHO | IEXTEN | ISIG;
  if (known)
    tcsetattr(in, TCSADRAIN, &cooked);
  std::raise(SIGTSTP);
  if (known)
    tcsetattr(in, TCSADRAIN, &raw);
  write("\x1b[?2004h");
  cursorRow = 0;
}

} // namespace dlc
