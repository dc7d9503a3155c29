// The prompt's loop: line editing, inputs of several lines, commands that begin with a colon.
#include "tools/Prompt.h"

#include "frontend/parser/Parser.h"
#include "runtime/Files.h"
#include "tools/Commands.h"

#include "llvm/LineEditor/LineEditor.h"

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <iostream>

namespace dlc {

static const char *helpText = "expressions are evaluated and shown; `let`, `fn`, `model`, `data`, `train` define\n"
                              "  :type e        the type of an expression\n"
                              "  :names         what was defined, with types\n"
                              "  :ir e [stage]  the compiler's graph of an expression, or a later stage of it\n"
                              "  :asm e         its machine code\n"
                              "  :time e        how long it takes: the median of several runs\n"
                              "  :load FILE     run a program here\n"
                              "  :reload        run it again\n"
                              "  :save FILE     write what was typed so far and was right\n"
                              "  :help          this\n"
                              "  :quit          leave (also Ctrl-D)\n";

/// Completes the word before the cursor from the names in scope.
static std::vector<llvm::LineEditor::Completion> complete(const Session &session, llvm::StringRef buffer,
                                                          size_t position) {
  size_t begin = position;
  while (begin > 0 && (isalnum(static_cast<unsigned char>(buffer[begin - 1])) || buffer[begin - 1] == '_'))
    --begin;
  std::string word = buffer.substr(begin, position - begin).str();
  std::vector<llvm::LineEditor::Completion> found;
  if (word.empty())
    return found;
  std::vector<std::string> names = session.elaborator->namesInScope();
  for (const char *keyword : {"let", "var", "fn", "model", "data", "train", "optimizer", "if", "else", "for", "while"})
    names.push_back(keyword);
  std::sort(names.begin(), names.end());
  for (const std::string &name : names)
    if (llvm::StringRef(name).starts_with(word) && name.size() > word.size())
      found.push_back({name.substr(word.size()), name});
  return found;
}

static void showDiagnostics(Session &session) {
  std::fflush(stdout);
  std::fputs(session.diagnostics.render(colourOfErrors()).c_str(), stderr);
  session.diagnostics.clear();
}

namespace {
/// What the commands remember.
struct PromptState {
  std::string loaded; ///< the file of the last `:load`, or of the command line
  std::string typed;  ///< the inputs without errors
};
} // namespace

/// `f(x) planned` is an expression and a stage; the stage is `graph` when none is given.
static void showStage(Session &session, std::string text) {
  std::string stage = "graph";
  if (size_t space = text.rfind(' '); space != std::string::npos)
    for (const std::string &known : Compiler::stages())
      if (text.substr(space + 1) == known) {
        stage = known;
        text.resize(space);
        break;
      }
  session.show(text, stage);
}

static void showTime(Session &session, const std::string &text) {
  unsigned before = session.diagnostics.errorCount();
  if (std::optional<double> seconds = session.time(text))
    session.output(*seconds < 1e-3 ? fmt::format("{:.2f} us\n", *seconds * 1e6)
                                   : fmt::format("{:.3f} ms\n", *seconds * 1e3));
  else if (session.diagnostics.errorCount() == before && session.exitCode() == 0)
    session.output("nothing is computed here\n");
}

static void save(Session &session, const PromptState &state, const std::string &path) {
  Result<void> written = writeFileAtomically(path, {state.typed});
  session.output(written ? "wrote " + path + "\n" : written.error().str() + "\n");
}

/// A line that begins with a colon. False when it ends the session.
static bool command(Session &session, PromptState &state, const std::string &line) {
  size_t space = line.find(' ');
  std::string word = line.substr(0, space);
  std::string rest = space == std::string::npos ? "" : line.substr(space + 1);
  if (word == ":quit" || word == ":q")
    return false;
  if (word == ":help") {
    session.output(helpText);
  } else if (word == ":names") {
    session.output(session.elaborator->signatures());
  } else if (word == ":load" && !rest.empty()) {
    state.loaded = rest;
    session.runFile(rest);
  } else if (word == ":reload") {
    if (state.loaded.empty())
      session.output("no file was loaded yet: `:load FILE`\n");
    else
      session.runFile(state.loaded);
  } else if (word == ":save" && !rest.empty()) {
    save(session, state, rest);
  } else if (word == ":ir" && !rest.empty()) {
    showStage(session, rest);
  } else if (word == ":asm" && !rest.empty()) {
    session.show(rest, "asm");
  } else if (word == ":time" && !rest.empty()) {
    showTime(session, rest);
  } else if (word == ":type" && !rest.empty()) {
    if (std::optional<ast::Program> program = session.expression(rest))
      if (std::string type = session.elaborator->typeOf(*program); !type.empty())
        session.output(type + "\n");
  } else {
    std::vector<std::string> known = {":help", ":names", ":load", ":reload", ":save",
                                      ":type", ":ir",    ":asm",  ":time",   ":quit"};
    if (std::find(known.begin(), known.end(), word) != known.end()) {
      session.output("`" + word + "` needs something behind it; `:help` says what\n");
      return true;
    }
    std::string near = nearest(word, known);
    session.output("unknown command `" + word + "`" +
                   (near.empty() ? "; `:help` lists them\n" : "; did you mean `" + near + "`?\n"));
  }
  return true;
}

int runPrompt(Session &session, bool terminal, const std::string &file) {
  PromptState state;
  state.loaded = file;
  std::unique_ptr<llvm::LineEditor> editor;
  if (terminal) {
    session.output("dlc: expressions and definitions; :help, :quit\n");
    editor = std::make_unique<llvm::LineEditor>("dlc", llvm::LineEditor::getDefaultHistoryPath("dlc"));
    editor->setListCompleter(
        [&](llvm::StringRef buffer, size_t position) { return complete(session, buffer, position); });
  }
  auto readLine = [&](const char *prompt) -> std::optional<std::string> {
    if (editor) {
      editor->setPrompt(prompt);
      // Nothing runs: Ctrl-C would end the session and what was defined.
      auto before = std::signal(SIGINT, SIG_IGN);
      std::optional<std::string> edited = editor->readLine();
      std::signal(SIGINT, before);
      return edited;
    }
    std::string line;
    if (!std::getline(std::cin, line))
      return std::nullopt;
    return line;
  };
  while (std::optional<std::string> line = readLine("> ")) {
    std::string input = *line;
    if (input.find_first_not_of(" \t\r") == std::string::npos)
      continue;
    if (input[input.find_first_not_of(" \t")] == ':') {
      bool goesOn = command(session, state, input.substr(input.find_first_not_of(" \t")));
      showDiagnostics(session);
      session.resume();
      if (!goesOn)
        break;
      continue;
    }
    while (isIncomplete(input)) {
      std::optional<std::string> more = readLine(". ");
      if (!more)
        break;
      input += "\n" + *more;
    }
    session.runInput(input);
    if (session.exitCode() == 0)
      state.typed += input + "\n";
    showDiagnostics(session);
    session.resume();
  }
  return 0;
}

} // namespace dlc
