// What dlc says about a program: errors, warnings, notes and likely repairs.
//
// Every message has a kind, registered with its wording in Diagnostics.def and covered by a negative test. A diagnostic
// is one line of text and one caret range, followed by notes (which may have ranges of their own) and helps ("did you
// mean
// ..."). Wording: lower case, no full stop, code in backticks; what was found, then what was expected.
#pragma once

#include "frontend/syntax/Source.h"

#include <fmt/format.h>

#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace dlc {

/// The kinds of diagnostics, one for each line of Diagnostics.def.
enum class Diag {
#define DLC_DIAG(Kind, Severity, Text) Kind,
#include "frontend/syntax/Diagnostics.def"
};

enum class Severity { Error, Warning, Unsupported, Bug };

/// The registered severity, wording (an fmt format string) and name (`unknown-name`) of a kind.
Severity severityOf(Diag kind);
const char *textOf(Diag kind);
const char *nameOf(Diag kind);

/// What an editor may do: put `text` in the place of `at`.
struct Repair {
  SourceRange at;
  std::string text;
};

/// One message with what belongs to it.
struct Diagnostic {
  struct Note {
    SourceRange at; ///< may be nowhere
    std::string text;
    bool help = false; ///< a likely repair, printed as `help:`
    std::optional<Repair> repair = {};
  };
  Diag kind;
  SourceRange at;
  std::string text;
  std::vector<Note> notes;
  bool mended = false; ///< what was meant was taken in its place
};

/// Collects diagnostics; each (kind, range, text) is kept once. Printing is in the order of the source.
class DiagnosticEngine {
public:
  explicit DiagnosticEngine(const SourceManager &sources) : sources(sources) {}

  /// Adds notes and helps to the diagnostic just reported. Cheap to drop.
  class Builder {
  public:
    explicit Builder(Diagnostic *diagnostic) : diagnostic(diagnostic) {}
    Builder &note(SourceRange at, std::string text);
    Builder &note(std::string text) { return note({}, std::move(text)); }
    Builder &help(std::string text);
    /// A help that an editor can apply: `repair` instead of what the message's range, or `at`, covers.
    Builder &help(std::string text, std::string repair);
    Builder &help(std::string text, SourceRange at, std::string repair);
    /// The name that is likely meant by that at the message's range.
    Builder &meant(const std::string &name) { return help("did you mean `" + name + "`?", name); }

    /// It is as if what was meant had been written: nothing is missing, and what follows is checked with it.
    Builder &mended();

  private:
    Diagnostic *diagnostic; ///< null when the message was a repetition
  };

  /// Reports `kind` at `at`; `args` fill the registered wording.
  template <class... Args> Builder report(Diag kind, SourceRange at, const Args &...args) {
    return add(kind, at, fmt::vformat(textOf(kind), fmt::make_format_args(args...)));
  }

  /// Errors, "not supported yet" and bugs so far (warnings do not count).
  unsigned errorCount() const { return errors; }
  /// Those of them that were not mended, so that something is missing.
  unsigned failureCount() const;
  /// Says that something was left out without a message of its own, near one that was mended.
  void leftOut() { ++silent; }
  /// 0 when only warnings were reported; else 1 (the user's mistake), 3 (not supported yet) or 4 (bug in dlc), the
  /// first of these that occurred.
  int exitCode() const;
  const std::vector<Diagnostic> &all() const { return diagnostics; }
  void clear();

  /// The messages as text: `file:line:column: error: text`, the source line, carets, notes and helps. Tabs and
  /// unprintable bytes are shown safely. At most `limit` errors, then how many more there are.
  std::string render(bool color = false, unsigned limit = 20) const;

private:
  Builder add(Diag kind, SourceRange at, std::string text);

  const SourceManager &sources;
  std::vector<Diagnostic> diagnostics;
  std::set<std::tuple<Diag, uint32_t, uint32_t, uint32_t, std::string>> seen; ///< kind, range and text of each
  unsigned errors = 0;
  unsigned silent = 0; ///< what was left out without a message
};

/// The candidate nearest to `name` by edit distance, when it is near enough to be a likely slip; else "".
std::string nearest(std::string_view name, const std::vector<std::string> &candidates);

} // namespace dlc
