// `dlc check FILE`: names, types and sizes only; data is never opened. What is said can be had as JSON, and repaired.
#include "tools/Commands.h"
#include "tools/Session.h"

#include "frontend/parser/Parser.h"
#include "runtime/Files.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdio>

namespace dlc {

namespace {
struct CheckArguments {
  std::vector<std::string> files;
  bool types = false, json = false, fix = false;
};

/// One program and what is said of it.
struct Checked {
  SourceManager sources;
  DiagnosticEngine diagnostics{sources};
  mlir::MLIRContext context{mlir::MLIRContext::Threading::DISABLED};
  Elaborator checker{sources, diagnostics, context, nullptr};
  ast::AstContext tree;
  uint32_t own; ///< the program's text; others are the library's

  Checked(const std::string &file, std::string text) : own(sources.add(file, std::move(text))) {
    ast::Program program = parse(sources, own, tree, diagnostics);
    if (diagnostics.errorCount() == 0 && program.statements.empty())
      diagnostics.report(Diag::RunProblem, {}, file + ": the program is empty");
    if (diagnostics.failureCount() == 0)
      checker.program(program);
  }
  /// The text with all repairs done that do not touch each other, and how many these are.
  std::pair<std::string, int> repaired() const;
  nlohmann::ordered_json json() const;
  nlohmann::ordered_json place(SourceRange at) const;
};
} // namespace

std::pair<std::string, int> Checked::repaired() const {
  std::vector<Repair> repairs;
  for (const Diagnostic &diagnostic : diagnostics.all())
    for (const Diagnostic::Note &note : diagnostic.notes)
      if (note.repair && note.repair->at.file == own) {
        repairs.push_back(*note.repair);
        break; // one of a message
      }
  std::sort(repairs.begin(), repairs.end(), [](auto &a, auto &b) { return a.at.begin > b.at.begin; });
  std::string text(sources.text(own));
  int count = 0;
  size_t last = text.size();
  for (auto &[at, repair] : repairs)
    if (at.end <= last) {
      text.replace(at.begin, at.end - at.begin, repair);
      last = at.begin;
      ++count;
    }
  return {std::move(text), count};
}

nlohmann::ordered_json Checked::place(SourceRange at) const {
  nlohmann::ordered_json result = nlohmann::ordered_json::object();
  if (!at.valid())
    return result;
  LineColumn begin = sources.lineColumn(at.file, at.begin), end = sources.lineColumn(at.file, at.end);
  result["file"] = sources.name(at.file);
  result["line"] = begin.line;
  result["column"] = begin.column;
  result["endLine"] = end.line;
  result["endColumn"] = end.column;
  return result;
}

/// A list of messages: `severity`, `kind`, `message`, a place (`file`, `line` and `column` from 1 in bytes, `endLine`,
/// `endColumn` behind the last), `notes` with places of their own, `helps`, of which a `repair` is what to put there, or
/// in a place of its own.
nlohmann::ordered_json Checked::json() const {
  const char *const severities[] = {"error", "warning", "unsupported", "bug"};
  nlohmann::ordered_json all = nlohmann::ordered_json::array();
  for (const Diagnostic &diagnostic : diagnostics.all()) {
    nlohmann::ordered_json one = {{"severity", severities[size_t(severityOf(diagnostic.kind))]},
                                  {"kind", nameOf(diagnostic.kind)},
                                  {"message", diagnostic.text}};
    one.update(place(diagnostic.at));
    one["notes"] = one["helps"] = nlohmann::ordered_json::array();
    for (const Diagnostic::Note &note : diagnostic.notes) {
      nlohmann::ordered_json said = {{"message", note.text}};
      said.update(place(note.at));
      if (note.repair)
        said["repair"] = note.repair->text;
      if (note.repair && !(note.repair->at == diagnostic.at))
        said.update(place(note.repair->at));
      one[note.help ? "helps" : "notes"].push_back(std::move(said));
    }
    all.push_back(std::move(one));
  }
  return all;
}

/// Does the repairs of a file, and those that they bring to light.
static Result<std::string> repair(const std::string &file, std::string text) {
  int total = 0;
  unsigned left = 0;
  for (int round = 0; round < 20; ++round) {
    Checked checked(file, text);
    left = checked.diagnostics.errorCount();
    auto [better, count] = checked.repaired();
    if (count == 0)
      break;
    total += count;
    text = std::move(better);
  }
  if (total > 0)
    if (Result<void> written = writeFileAtomically(file, {text}); !written)
      return written.error();
  std::string said = fmt::format("{}: {} repair{}", file, total, total == 1 ? "" : "s");
  if (left > 0)
    said += fmt::format(", {} error{} left", left, left == 1 ? "" : "s");
  std::puts(said.c_str());
  return text;
}

static int check(const CheckArguments &arguments) {
  int worst = 0;
  nlohmann::ordered_json messages = nlohmann::ordered_json::array();
  for (const std::string &file : arguments.files) {
    Result<std::string> text = readProgram(file);
    if (text && arguments.fix)
      text = repair(file, std::move(*text));
    if (!text) {
      std::fprintf(stderr, "error: %s\n", text.error().str().c_str());
      worst = worst ? worst : 1;
      continue;
    }
    Checked checked(file, std::move(*text));
    if (arguments.types && arguments.files.size() > 1)
      std::printf("%s%s:\n", &file == &arguments.files.front() ? "" : "\n", file.c_str());
    if (arguments.types)
      std::fputs(checked.checker.signatures().c_str(), stdout);
    std::fflush(stdout);
    if (arguments.json)
      for (auto &message : checked.json())
        messages.push_back(std::move(message));
    else
      std::fputs(checked.diagnostics.render(colourOfErrors()).c_str(), stderr);
    worst = worst ? worst : checked.diagnostics.exitCode();
  }
  if (arguments.json)
    std::puts(messages.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace).c_str());
  return worst;
}

Action addCheckCommand(CLI::App &app) {
  CLI::App *command =
      app.add_subcommand("check", "check names, types and sizes of programs, without opening their data");
  auto arguments = std::make_shared<CheckArguments>();
  command->add_option("files", arguments->files, "programs (.dl)")->required();
  auto *types = command->add_flag("--types", arguments->types, "print the signatures that were inferred");
  auto *json = command->add_flag("--json", arguments->json, "print the messages as JSON, for editors");
  auto *fix = command->add_flag("--fix", arguments->fix, "do the repairs that are certain enough, in the files");
  json->excludes(types, fix);
  return [arguments] { return check(*arguments); };
}

} // namespace dlc
