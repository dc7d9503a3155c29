// The prompt's loop: inputs of several lines, commands that begin with a colon.
#include "tools/Prompt.h"

#include "frontend/elaborate/Describe.h"
#include "frontend/parser/Parser.h"
#include "runtime/Files.h"
#include "runtime/Words.h"
#include "tools/Commands.h"
#include "tools/Completion.h"
#include "tools/LineEditor.h"

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <poll.h>
#include <unistd.h>

namespace dlc {

const std::vector<PromptCommand> &promptCommands() {
  static const std::vector<PromptCommand> commands = {
      {":help", "[name]", "this, or what a name is: its parameters and documentation"},
      {":type", "e", "the type of an expression"},
      {":names", "", "what was defined, with types"},
      {":digits", "n", "how many significant digits are shown (6), or `all`"},
      {":ir", "e [stage]", "the compiler's graph of an expression, or a later stage of it"},
      {":asm", "e", "its machine code"},
      {":time", "e", "how long it takes: the median of several runs"},
      {":load", "FILE", "run a program here"},
      {":reload", "", "run it again"},
      {":save", "FILE", "write what was typed so far and was right"},
      {":quit", "", "leave (also Ctrl-D)"}};
  return commands;
}

static std::string helpText() {
  std::string text = "expressions are evaluated and shown; `let`, `fn`, `model`, `data`, `train` define\n";
  for (const PromptCommand &command : promptCommands())
    text += fmt::format("  {:<15}{}\n", std::string(command.name) + " " + command.argument, command.help);
  return text + "Tab completes, Up brings back earlier inputs, Ctrl-C ends a line or what runs\n";
}

static std::string trimmed(const std::string &text) { return std::string(stripped(text)); }

/// The command that a line is, with its colon; "" for another line.
static std::string commandOf(const std::string &line) {
  std::string text = trimmed(line);
  return text.starts_with(":") ? text.substr(0, text.find(' ')) : "";
}

static bool isKnownCommand(const std::string &word) {
  return word == ":q" ||
         std::ranges::any_of(promptCommands(), [&](const PromptCommand &known) { return word == known.name; });
}

namespace {
/// Inputs of a file or a pipe, or of a terminal that only shows lines. A line that may go on in the next one waits for it, a
/// moment when there is none yet.
class PlainInputs {
public:
  explicit PlainInputs(bool prompts) : prompts(prompts) {}

  /// The next input: as many lines as belong together, or a command; nothing at the end.
  std::optional<std::string> read() {
    std::string input = std::exchange(begun, "");
    for (bool incomplete = true;; incomplete = isIncomplete(input)) {
      // Empty lines and comments may stand before what goes on.
      size_t skipped = 0;
      while (peek(skipped, incomplete, !input.empty()) && !incomplete && isEmpty(lines[skipped]))
        ++skipped;
      bool more = skipped < lines.size();
      if (input.empty() && !more)
        return std::nullopt;
      if (more && incomplete && !input.empty() && isKnownCommand(commandOf(lines[0]))) {
        begun = std::move(input); // goes on behind the command
        return take();
      }
      if (!more || !(incomplete || goesOn(lines[skipped])))
        return input;
      bool first = input.empty();
      for (size_t i = 0; i <= skipped; ++i)
        input += (first ? "" : "\n") + take();
      if (first && (trimmed(input).empty() || !commandOf(input).empty()))
        return input;
    }
  }

private:
  static bool isEmpty(const std::string &line) {
    std::string text = trimmed(line);
    return text.empty() || (text.starts_with("//") && !text.starts_with("///"));
  }
  std::string take() {
    std::string text = std::move(lines.front());
    lines.pop_front();
    return text;
  }

  /// Whether there is a line `ahead` of the next one; without `wait`, comes soon.
  bool peek(size_t ahead, bool wait, bool continues) {
    constexpr int soon = 100; // milliseconds
    if (lines.size() <= ahead && wait && prompts) {
      std::fputs(continues ? ". " : "> ", stdout);
      std::fflush(stdout);
    }
    while (lines.size() <= ahead && !ended) {
      struct pollfd ready = {STDIN_FILENO, POLLIN, 0};
      if (!wait && poll(&ready, 1, prompts ? 0 : soon) == 0)
        return false;
      char block[65536];
      ssize_t count = ::read(STDIN_FILENO, block, sizeof block);
      if (count < 0 && errno == EINTR)
        continue;
      ended = count <= 0;
      rest.append(block, size_t(std::max<ssize_t>(count, 0)));
      size_t begin = 0;
      for (size_t end; (end = rest.find('\n', begin)) != std::string::npos; begin = end + 1)
        lines.push_back(rest.substr(begin, end - begin));
      rest.erase(0, begin);
      if (ended && !rest.empty())
        lines.push_back(std::exchange(rest, ""));
    }
    return lines.size() > ahead;
  }

  bool prompts;
  std::deque<std::string> lines;
  std::string rest, begun;
  bool ended = false;
};

class Prompt {
public:
  Prompt(Session &session, std::string file) : session(session), loaded(std::move(file)) { session.goesOn = true; }

  int atTerminal();
  int plain(bool prompts);

private:
  /// Does an input; false when it ends the session.
  bool input(const std::string &text);
  bool command(const std::string &line);
  std::string commandMeant(const std::string &line);
  void help(const std::string &name);
  void type(const std::string &text);
  void showStage(std::string text);
  void showTime(const std::string &text);
  void digits(const std::string &text);
  void save(const std::string &path);
  void fail(const std::string &text) {
    session.output(text + "\n");
    note(1);
  }
  void note(int code) { firstError = firstError ? firstError : code; }
  /// Shows and forgets what was reported.
  void finish();

  Session &session;
  std::string loaded; ///< the file of the last `:load`, or of the command line
  std::string typed;  ///< the inputs without errors
  int firstError = 0;
};
} // namespace

void Prompt::finish() {
  std::fflush(stdout);
  std::fputs(session.diagnostics.render(colourOfErrors()).c_str(), stderr);
  if (int code = session.exitCode(); code != 130) // Ctrl-C ends no more than what ran
    note(code);
  session.diagnostics.clear();
  session.resume();
}

//===-- Commands --------------------------------------------------------------------------------------------------------===//

/// Documentation, indented.
static std::string indented(const std::string &text) {
  std::string result = "  ";
  for (char c : text)
    result += c == '\n' ? "\n  " : std::string(1, c);
  return result;
}

/// How a `train` is written, and its settings.
static std::string trainText() {
  std::string text =
      "train NAME = MODEL on DATA { minimize LOSS .. }\n"
      "  in it: `let`s over the fields of a batch, `minimize loss`, `report name = value`, and settings:\n";
  for (const TrainSetting &setting : trainSettings())
    text += fmt::format("  {:<47}{}\n", fmt::format("{}: {}", setting.name, setting.example), setting.help);
  return text;
}

void Prompt::help(const std::string &name) {
  if (name.empty())
    return session.output(helpText());
  for (const PromptCommand &command : promptCommands())
    if (name == command.name || ":" + name == command.name)
      if (!valueAt(*session.elaborator, name))
        return session.output(fmt::format("{} {}  {}\n", command.name, command.argument, command.help));
  if (std::optional<Value> value = valueAt(*session.elaborator, name)) {
    Description description = descriptionOf(*session.elaborator, *value);
    session.output(description.signature + "\n" + (description.doc.empty() ? "" : indented(description.doc) + "\n"));
    return;
  }
  if (name == "train")
    return session.output(trainText());
  for (const TrainSetting &setting : trainSettings())
    if (name == setting.name)
      return session.output(fmt::format("{}: {}\n  a setting of `train`: {}\n", name, setting.example, setting.help));
  std::string near = nearest(name, session.elaborator->namesInScope());
  fail("`" + name + "` is no name here" +
       (near.empty() ? "; `:help` lists the commands" : "; did you mean `" + near + "`?"));
}

void Prompt::type(const std::string &text) {
  if (std::optional<Value> value = valueAt(*session.elaborator, trimmed(text)))
    return session.output(descriptionOf(*session.elaborator, *value).signature + "\n");
  if (std::optional<ast::Program> program = session.expression(text)) {
    if (std::string type = session.elaborator->typeOf(*program); !type.empty())
      session.output(type + "\n");
  } else {
    note(1);
  }
}

/// `f(x) planned` is an expression and a stage; the stage is `graph` when none is given.
void Prompt::showStage(std::string text) {
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

void Prompt::showTime(const std::string &text) {
  unsigned before = session.diagnostics.errorCount();
  if (std::optional<double> seconds = session.time(text))
    session.output(*seconds < 1e-3 ? fmt::format("{:.2f} us\n", *seconds * 1e6)
                                   : fmt::format("{:.3f} ms\n", *seconds * 1e3));
  else if (session.diagnostics.errorCount() == before && session.exitCode() == 0)
    session.output("nothing is computed here\n");
}

void Prompt::digits(const std::string &text) {
  if (std::optional<Digits> digits = digitsOf(trimmed(text)))
    session.digits = *digits;
  else
    fail("`:digits` takes a number from 1 to 17, or `all`");
}

void Prompt::save(const std::string &path) {
  if (Result<void> written = writeFileAtomically(path, {typed}); written)
    session.output("wrote " + path + "\n");
  else
    fail(written.error().str());
}

bool Prompt::command(const std::string &line) {
  std::string word = commandOf(line), rest = trimmed(trimmed(line).substr(word.size()));
  if (word == ":quit" || word == ":q")
    return false;
  if (word == ":help") {
    help(rest);
  } else if (word == ":names") {
    session.output(session.elaborator->signatures());
  } else if (word == ":load" && !rest.empty()) {
    loaded = rest;
    session.runFile(rest);
  } else if (word == ":reload") {
    if (loaded.empty())
      fail("no file was loaded yet: `:load FILE`");
    else
      session.runFile(loaded);
  } else if (word == ":save" && !rest.empty()) {
    save(rest);
  } else if (word == ":ir" && !rest.empty()) {
    showStage(rest);
  } else if (word == ":asm" && !rest.empty()) {
    session.show(rest, "asm");
  } else if (word == ":time" && !rest.empty()) {
    showTime(rest);
  } else if (word == ":type" && !rest.empty()) {
    type(rest);
  } else if (word == ":digits" && !rest.empty()) {
    digits(rest);
  } else if (isKnownCommand(word)) {
    fail("`" + word + "` needs something behind it; `:help` says what");
  } else {
    std::vector<std::string> known;
    for (const PromptCommand &one : promptCommands())
      known.push_back(one.name);
    std::string near = nearest(word, known);
    fail("unknown command `" + word + "`" + (near.empty() ? "; `:help` lists them" : "; did you mean `" + near + "`?"));
  }
  return true;
}

/// The command that a line is or, in words of other prompts, means (`quit()`, `help(adam)`, `?adam`); "" for another line.
std::string Prompt::commandMeant(const std::string &line) {
  if (!commandOf(line).empty())
    return line;
  std::string text = trimmed(line);
  if (text.starts_with("?") || text.ends_with("?")) {
    std::string name = trimmed(text.starts_with("?") ? text.substr(1) : text.substr(0, text.size() - 1));
    bool isName = std::ranges::all_of(name, [](unsigned char c) { return std::isalnum(c) || c == '_' || c == '.'; });
    return isName ? ":help " + name : "";
  }
  size_t end = std::min(text.find_first_of(" ("), text.size());
  std::string word = text.substr(0, end), rest = trimmed(text.substr(end));
  if ((word != "exit" && word != "quit" && word != "help") || session.elaborator->lookup(word))
    return "";
  if (rest.starts_with("(") && rest.ends_with(")"))
    rest = rest.substr(1, rest.size() - 2);
  if (rest.find_first_of("=(:") != std::string::npos)
    return "";
  return word == "help" ? ":help " + rest : rest.empty() ? ":quit" : "";
}

bool Prompt::input(const std::string &text) {
  bool goesOn = true;
  std::string meant = text.find('\n') == std::string::npos ? commandMeant(text) : "";
  if (!meant.empty()) {
    goesOn = command(meant);
  } else {
    session.runInput(text);
    if (session.exitCode() == 0)
      typed += text + "\n";
  }
  finish();
  return goesOn;
}

//===-- The loops -------------------------------------------------------------------------------------------------------===//

int Prompt::plain(bool prompts) {
  PlainInputs inputs(prompts);
  while (std::optional<std::string> text = inputs.read())
    if (!trimmed(*text).empty() && !input(*text))
      break;
  return firstError;
}

/// What was typed or pasted at once: a program, or parts of one between commands.
static std::vector<std::string> partsOf(const std::string &text) {
  std::vector<std::string> parts(1);
  for (size_t begin = 0; begin <= text.size();) {
    size_t end = std::min(text.find('\n', begin), text.size());
    std::string line = text.substr(begin, end - begin);
    bool isCommand = isKnownCommand(commandOf(line));
    if (isCommand)
      parts.insert(parts.end(), {line, ""});
    else
      parts.back() += (parts.back().empty() ? "" : "\n") + line;
    begin = end + 1;
  }
  return parts;
}

int Prompt::atTerminal() {
  session.output("dlc: expressions and definitions; :help, :quit\n");
  const char *home = std::getenv("HOME");
  LineEditor editor(STDIN_FILENO, STDOUT_FILENO, home ? std::string(home) + "/.dlc_history" : "");
  editor.isIncomplete = [](const std::string &text) {
    // A command in a continuation is one.
    size_t line = text.rfind('\n');
    return !isKnownCommand(commandOf(line == std::string::npos ? text : text.substr(line + 1))) && isIncomplete(text);
  };
  editor.goesOn = goesOn;
  editor.complete = [&](const std::string &text, size_t cursor) { return completionsAt(session, text, cursor); };
  std::string begun; // an input that a command interrupted
  for (;;) {
    // Nothing runs: Ctrl-C is a key, and from elsewhere it would end the session and what was defined.
    auto before = std::signal(SIGINT, SIG_IGN);
    std::optional<std::string> text = editor.read(std::exchange(begun, ""));
    std::signal(SIGINT, before);
    if (!text)
      return 0;
    // A command in an input that is not finished; the input goes on behind it.
    size_t line = text->rfind('\n');
    if (line != std::string::npos && isKnownCommand(commandOf(text->substr(line))) &&
        isIncomplete(text->substr(0, line))) {
      if (!input(trimmed(text->substr(line))))
        return 0;
      begun = text->substr(0, line + 1);
      continue;
    }
    for (const std::string &part : partsOf(*text))
      if (!trimmed(part).empty() && !input(part))
        return 0;
  }
}

int runPrompt(Session &session, bool terminal, const std::string &file) {
  Prompt prompt(session, file);
  const char *term = std::getenv("TERM");
  bool draws = terminal && !(term && std::string(term) == "dumb");
  return draws ? prompt.atTerminal() : prompt.plain(terminal);
}

} // namespace dlc
