// Diagnostics as text for a person:
//
//     mlp.dl:7:12: error: `and` is no operator of the language [foreign-operator]
//        7 |   if a > 0 and b > 0 {
//          |            ^~~
//     help: write `&&`
//
// Everything shown is safe for a terminal: tabs become spaces, unprintable bytes escapes; a very long line is shown as
// a window around the carets.
#include "frontend/syntax/Diagnostic.h"
#include "frontend/syntax/Unicode.h"

#include <algorithm>

namespace dlc {

namespace {

constexpr unsigned tabWidth = 4;
/// Lines wider than this are windowed.
constexpr unsigned widestLine = 140;

constexpr const char *boldText = "\033[1m", *redText = "\033[1;31m", *yellowText = "\033[1;33m",
                     *cyanText = "\033[1;36m", *greenText = "\033[1;32m", *plainText = "\033[0m";

/// A piece of a shown line: one code point, as printed, and its width.
struct Cell {
  std::string text;
  unsigned width;
  bool marked; ///< carets stand under it
};

/// The part of a line that is shown.
struct Excerpt {
  std::vector<Cell> cells;
  bool cutFront = false, cutBack = false;
};

/// The code points of `line`, those of bytes [begin, end) marked. Of an endless line only what is near `begin` is read.
Excerpt readLine(std::string_view line, size_t begin, size_t end) {
  Excerpt excerpt;
  constexpr size_t reach = 4 * widestLine; // bytes: what fits on either side, even of four-byte code points
  size_t first = begin > reach ? begin - reach : 0;
  while (first > 0 && ((unsigned char)line[first] & 0xC0) == 0x80)
    --first;
  size_t last = std::min(line.size(), begin + 2 * reach);
  unsigned column = 0;
  for (size_t at = first; at < last;) {
    CodePoint point = decodeUtf8(line, at);
    unsigned length = point.length ? point.length : 1;
    Cell cell{std::string(line.substr(at, length)), 1, at >= begin && at < end};
    if (line[at] == '\t') {
      cell.width = tabWidth - column % tabWidth;
      cell.text = std::string(cell.width, ' ');
    } else if (point.length == 0 || isUnprintable(point.code)) {
      cell.text = escapeUnprintable(cell.text);
      cell.width = unsigned(cell.text.size());
    } else {
      cell.width = displayWidth(point.code);
    }
    column += cell.width;
    excerpt.cells.push_back(std::move(cell));
    at += length;
  }
  excerpt.cutFront = first > 0;
  excerpt.cutBack = last < line.size();
  return excerpt;
}

/// Narrows a line that is too wide to what fits around its first marked cell, a third of it before that.
void narrow(Excerpt &excerpt) {
  std::vector<Cell> &cells = excerpt.cells;
  unsigned width = 0;
  for (const Cell &cell : cells)
    width += cell.width;
  if (width <= widestLine)
    return;
  auto marked = std::find_if(cells.begin(), cells.end(), [](const Cell &cell) { return cell.marked; });
  size_t first = marked - cells.begin(), last = first;
  unsigned used = 0;
  while (first > 0 && used + cells[first - 1].width <= widestLine / 3)
    used += cells[--first].width;
  while (last < cells.size() && used + cells[last].width <= widestLine)
    used += cells[last++].width;
  excerpt.cutFront |= first > 0;
  excerpt.cutBack |= last < cells.size();
  cells.erase(cells.begin() + last, cells.end());
  cells.erase(cells.begin(), cells.begin() + first);
}

class Renderer {
public:
  Renderer(const SourceManager &sources, bool color) : sources(sources), color(color) {}

  std::string text;

  void diagnostic(const Diagnostic &diagnostic) {
    static constexpr const char *labels[] = {"error", "warning", "error", "error"};
    Severity severity = severityOf(diagnostic.kind);
    const char *labelColor = severity == Severity::Warning ? yellowText : redText;
    place(diagnostic.at);
    text += fmt::format("{}: {} [{}]\n", paint(labelColor, labels[size_t(severity)]),
                        paint(boldText, escapeUnprintable(diagnostic.text)), nameOf(diagnostic.kind));
    showSource(diagnostic.at, labelColor);
    for (const Diagnostic::Note &note : diagnostic.notes) {
      place(note.at);
      text += fmt::format("{}: {}\n", note.help ? paint(greenText, "help") : paint(cyanText, "note"),
                          escapeUnprintable(note.text));
      showSource(note.at, cyanText);
    }
  }

private:
  std::string paint(const char *code, std::string_view what) const {
    return color ? fmt::format("{}{}{}", code, what, plainText) : std::string(what);
  }

  void place(SourceRange at) {
    if (!at.valid())
      return;
    LineColumn begin = sources.lineColumn(at.file, at.begin);
    text +=
        paint(boldText, fmt::format("{}:{}:{}: ", escapeUnprintable(sources.name(at.file)), begin.line, begin.column));
  }

  /// The source line of a range with carets under it. Of a range of several lines the first is shown.
  void showSource(SourceRange at, const char *caretColor) {
    if (!at.valid())
      return;
    LineColumn begin = sources.lineColumn(at.file, at.begin);
    std::string_view line = sources.line(at.file, begin.line);
    size_t from = std::min<size_t>(begin.column - 1, line.size());
    // An empty range is shown by one caret: under what follows it, or behind the line.
    size_t to = std::min<size_t>(line.size(), from + std::max<size_t>(at.end - at.begin, 1));
    Excerpt excerpt = readLine(line, from, to);
    narrow(excerpt);

    std::string shown, carets;
    if (excerpt.cutFront)
      shown = "... ", carets = "    ";
    bool drawn = false;
    for (const Cell &cell : excerpt.cells) {
      shown += cell.text;
      if (cell.marked && cell.width > 0) {
        carets += drawn ? "~" : "^";
        carets += std::string(cell.width - 1, '~');
        drawn = true;
      } else if (!drawn) {
        carets += std::string(cell.width, ' ');
      }
    }
    if (!drawn)
      carets += "^";
    if (excerpt.cutBack)
      shown += " ...";
    while (!shown.empty() && shown.back() == ' ')
      shown.pop_back();
    std::string number = fmt::format("{:5}", begin.line);
    text +=
        fmt::format("{} | {}\n{} | {}\n", number, shown, std::string(number.size(), ' '), paint(caretColor, carets));
  }

  const SourceManager &sources;
  bool color;
};

} // namespace

std::string DiagnosticEngine::render(bool color, unsigned limit) const {
  std::vector<const Diagnostic *> ordered;
  for (const Diagnostic &diagnostic : diagnostics)
    ordered.push_back(&diagnostic);
  // Messages about one place stay in the order of reporting, which is that of their addresses.
  std::sort(ordered.begin(), ordered.end(), [](const Diagnostic *a, const Diagnostic *b) {
    return std::make_tuple(a->at.file, a->at.begin, a) < std::make_tuple(b->at.file, b->at.begin, b);
  });

  Renderer renderer(sources, color);
  unsigned shownErrors = 0;
  for (const Diagnostic *diagnostic : ordered) {
    bool isError = severityOf(diagnostic->kind) != Severity::Warning;
    if (isError && shownErrors == limit) {
      renderer.text += fmt::format("{} more error{}\n", errors - shownErrors, errors - shownErrors == 1 ? "" : "s");
      break;
    }
    shownErrors += isError;
    renderer.diagnostic(*diagnostic);
  }
  return renderer.text;
}

} // namespace dlc
