// The registered kinds, and the engine that collects messages. How they are shown is in DiagnosticRender.cpp.
#include "frontend/syntax/Diagnostic.h"

#include <algorithm>
#include <cctype>

namespace dlc {

namespace {
/// `UnknownName` as `unknown-name`, made by the compiler.
struct KebabName {
  char text[48] = {};
  constexpr explicit KebabName(const char *camel) {
    size_t length = 0;
    for (const char *c = camel; *c; ++c) {
      bool upper = *c >= 'A' && *c <= 'Z';
      if (upper && c != camel)
        text[length++] = '-';
      text[length++] = upper ? char(*c - 'A' + 'a') : *c;
    }
  }
};

struct Registered {
  KebabName name;
  Severity severity;
  const char *text;
};

constexpr Registered registered[] = {
#define DLC_DIAG(Kind, Level, Text) {KebabName(#Kind), Severity::Level, Text},
#include "frontend/syntax/Diagnostics.def"
};
} // namespace

Severity severityOf(Diag kind) { return registered[size_t(kind)].severity; }
const char *textOf(Diag kind) { return registered[size_t(kind)].text; }
const char *nameOf(Diag kind) { return registered[size_t(kind)].name.text; }

DiagnosticEngine::Builder &DiagnosticEngine::Builder::note(SourceRange at, std::string text) {
  if (diagnostic)
    diagnostic->notes.push_back({at, std::move(text), /*help=*/false});
  return *this;
}

DiagnosticEngine::Builder &DiagnosticEngine::Builder::help(std::string text) {
  if (diagnostic)
    diagnostic->notes.push_back({{}, std::move(text), /*help=*/true});
  return *this;
}

DiagnosticEngine::Builder &DiagnosticEngine::Builder::help(std::string text, std::string repair) {
  return help(std::move(text), diagnostic ? diagnostic->at : SourceRange(), std::move(repair));
}

DiagnosticEngine::Builder &DiagnosticEngine::Builder::help(std::string text, SourceRange at, std::string repair) {
  if (diagnostic)
    diagnostic->notes.push_back({{}, std::move(text), /*help=*/true, Repair{at, std::move(repair)}});
  return *this;
}

DiagnosticEngine::Builder &DiagnosticEngine::Builder::mended() {
  if (diagnostic)
    diagnostic->mended = true;
  return *this;
}

DiagnosticEngine::Builder DiagnosticEngine::add(Diag kind, SourceRange at, std::string text) {
  if (!seen.emplace(kind, at.file, at.begin, at.end, text).second)
    return Builder(nullptr);
  if (severityOf(kind) != Severity::Warning)
    ++errors;
  diagnostics.push_back({kind, at, std::move(text), {}});
  return Builder(&diagnostics.back());
}

unsigned DiagnosticEngine::failureCount() const {
  return silent + unsigned(std::count_if(diagnostics.begin(), diagnostics.end(), [](const Diagnostic &diagnostic) {
           return severityOf(diagnostic.kind) != Severity::Warning && !diagnostic.mended;
         }));
}

int DiagnosticEngine::exitCode() const {
  for (const Diagnostic &diagnostic : diagnostics)
    switch (severityOf(diagnostic.kind)) {
    case Severity::Error:
      return 1;
    case Severity::Unsupported:
      return 3;
    case Severity::Bug:
      return 4;
    case Severity::Warning:
      break;
    }
  return 0;
}

void DiagnosticEngine::clear() {
  diagnostics.clear();
  seen.clear();
  errors = silent = 0;
}

namespace {
/// Insertions, deletions, substitutions and exchanges of neighbours that turn `a` into `b` (optimal string alignment).
unsigned editDistance(std::string_view a, std::string_view b) {
  std::vector<unsigned> before, above, row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j)
    row[j] = unsigned(j);
  for (size_t i = 1; i <= a.size(); ++i) {
    before = std::move(above);
    above = row;
    row[0] = unsigned(i);
    for (size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + (a[i - 1] != b[j - 1])});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        row[j] = std::min(row[j], before[j - 2] + 1);
    }
  }
  return row[b.size()];
}

std::string lower(std::string_view text) {
  std::string result(text);
  for (char &c : result)
    c = char(std::tolower((unsigned char)c));
  return result;
}
} // namespace

std::string nearest(std::string_view name, const std::vector<std::string> &candidates) {
  // A third of the letters may be wrong; of one or two letters none, or every short name would be like every other.
  constexpr size_t longestCompared = 100;
  if (name.size() > longestCompared)
    return {};
  unsigned allowed = name.size() <= 2 ? 0 : unsigned(name.size() + 1) / 3;
  const std::string wanted = lower(name);
  const std::string *best = nullptr;
  // The beginning of a name is nearer than a slip: `Lin` means `Linear`, not `lion`. The shortest such name is meant.
  constexpr size_t leastBeginning = 3;
  for (const std::string &candidate : candidates)
    if (name.size() >= leastBeginning && candidate.size() > name.size() && candidate.starts_with(name))
      if (!best || candidate.size() < best->size())
        best = &candidate;
  if (best)
    return *best;
  unsigned bestDistance = allowed + 1;
  for (const std::string &candidate : candidates) {
    if (candidate == name || candidate.size() > name.size() + allowed)
      continue;
    unsigned distance = editDistance(wanted, lower(candidate));
    if (distance < bestDistance) {
      best = &candidate;
      bestDistance = distance;
    }
  }
  return best ? *best : std::string();
}

} // namespace dlc
