// The prompt's loop: line editing, inputs of several lines, commands that begin with a colon.
#include "tools/Prompt.h"

#include "frontend/Parser.h"
#include "tools/Commands.h"

#include "llvm/LineEditor/LineEditor.h"

#include <algorithm>
#include <cstdio>
#include <iostream>

namespace dlc {

static const char *helpText = "expressions are evaluated and shown; `let`, `fn`, `model`, `data`, `train` define\n"
                              "  :type e      the type of an expression\n"
                              "  :names       what was defined, with types\n"
                              "  :load FILE   run a program here\n"
                              "  :help        this\n"
                              "  :quit        leave (also Ctrl-D)\n";

/// Completes the word before the cursor from the names in scope.
static std::vector<llvm::LineEditor::Completion> complete(const Session &session, llvm::StringRef buffer, size_t position) {
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

/// A line that begins with a colon. False when it ends the session.
static bool command(Session &session, const std::string &line) {
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
    session.runFile(rest);
  } else if (word == ":type" && !rest.empty()) {
    ast::AstContext tree;
    ast::Program program = parse(session.sources, session.sources.add("input", rest), tree, session.diagnostics, ParseMode::prompt);
    if (session.diagnostics.errorCount() == 0)
      if (std::string type = session.elaborator->typeOf(program); !type.empty())
        session.output(type + "\n");
  } else {
    std::vector<std::string> known = {":help", ":names", ":load", ":type", ":quit"};
    std::string near = nearest(word, known);
    session.output("unknown command `" + word + "`" + (near.empty() ? "; `:help` lists them\n" : "; did you mean `" + near + "`?\n"));
  }
  return true;
}

int runPrompt(Session &session, bool terminal) {
  std::unique_ptr<llvm::LineEditor> editor;
  if (terminal) {
    session.output("dlc: expressions and definitions; :help, :quit\n");
    editor = std::make_unique<llvm::LineEditor>("dlc", llvm::LineEditor::getDefaultHistoryPath("dlc"));
    editor->setListCompleter([&](llvm::StringRef buffer, size_t position) { return complete(session, buffer, position); });
  }
  auto readLine = [&](const char *prompt) -> std::optional<std::string> {
    if (editor) {
      editor->setPrompt(prompt);
      return editor->readLine();
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
      if (!command(session, input.substr(input.find_first_not_of(" \t"))))
        break;
      showDiagnostics(session);
      continue;
    }
    while (isIncomplete(input)) {
      std::optional<std::string> more = readLine(". ");
      if (!more)
        break;
      input += "\n" + *more;
    }
    session.runInput(input);
    showDiagnostics(session);
    session.resume();
  }
  return 0;
}

} // namespace dlc
