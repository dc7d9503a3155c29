// `dlc run FILE`: checks, compiles and runs a program. Without a file, and after one at a terminal, the prompt.
#include "tools/Commands.h"
#include "tools/Prompt.h"
#include "tools/Session.h"

#include <cstdio>
#include <unistd.h>

namespace dlc {

std::optional<Digits> digitsOf(const std::string &text) {
  if (text == "all")
    return Digits{Digits::all};
  constexpr int most = 17;
  if (text.empty() || text.size() > 2 || text.find_first_not_of("0123456789") != std::string::npos)
    return std::nullopt;
  int count = std::stoi(text);
  return count >= 1 && count <= most ? std::optional(Digits{count}) : std::nullopt;
}

namespace {
struct RunArguments {
  std::string file;
  std::vector<std::string> settings, disabled, questions;
  std::string digits = "6";
  SessionOptions options;
  int64_t seed = 0;
  bool noCache = false;
};
} // namespace

static int run(RunArguments &arguments, bool seedGiven) {
  SessionOptions &options = arguments.options;
  options.programFile = arguments.file;
  options.disabled.insert(arguments.disabled.begin(), arguments.disabled.end());
  options.cache = !arguments.noCache;
  options.colour = colourOfErrors();
  if (seedGiven)
    options.seed = arguments.seed;
  for (const std::string &setting : arguments.settings) {
    Override override;
    if (!splitAssignment(setting, override.name, override.value)) {
      std::fprintf(stderr, "error: --set takes name=value, not `%s`\n", setting.c_str());
      return 2;
    }
    options.overrides.push_back(override);
  }
  if (!options.emitOf.empty() && (options.emit.empty() || arguments.file.empty())) {
    std::fputs("error: --of says of what in a file `--emit` prints a stage: give both\n", stderr);
    return 2;
  }
  bool timePasses = options.timePasses;
  bool emitting = !options.emit.empty();
  Result<std::unique_ptr<Session>> made = Session::create(std::move(options));
  if (!made) {
    std::fprintf(stderr, "error: %s\n", made.error().str().c_str());
    return 1;
  }
  Session &session = **made;
  session.digits = *digitsOf(arguments.digits);
  bool terminal = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
  if (!arguments.file.empty()) {
    session.runFile(arguments.file);
    std::fflush(stdout);
    std::fputs(session.diagnostics.render(colourOfErrors()).c_str(), stderr);
    if (timePasses)
      std::fputs(session.compiler->times.table().c_str(), stderr);
    int code = session.exitCode();
    for (size_t i = 0; i < arguments.questions.size() && code == 0 && !emitting; ++i) {
      session.runInput(arguments.questions[i]);
      std::fflush(stdout);
      std::fputs(session.diagnostics.render(colourOfErrors()).c_str(), stderr);
      code = session.exitCode();
    }
    if (code != 0 || !terminal || emitting || !arguments.questions.empty())
      return code;
    session.diagnostics.clear();
  }
  return runPrompt(session, terminal, arguments.file);
}

Action addRunCommand(CLI::App &app) {
  CLI::App *command = app.add_subcommand(
      "run", "run a program, then a prompt with its names in scope; without a file, the prompt alone");
  auto arguments = std::make_shared<RunArguments>();
  command->add_option("file", arguments->file, "the program (.dl)");
  command
      ->add_option(
          "--set", arguments->settings,
          "NAME=VALUE: a setting of `train` (`epochs=3`, `net.epochs=3` of one of several), an argument of its "
          "optimizer (`lr=1e-4`), a top-level `let`, or a default of the trained model (repeatable)")
      ->allow_extra_args(false);
  command
      ->add_option("--threads", arguments->options.threads,
                   "threads to compute with, and to decode pictures with (all that this process may use)")
      ->check(CLI::Range(1, 1024));
  command->add_option("--data", arguments->options.dataFolder,
                      "a folder where data is looked up, after the program's own");
  command->add_option("--ask", arguments->questions, "print what this expression is after the program; may be repeated")
      ->allow_extra_args(false);
  CLI::Option *seed = command->add_option("--seed", arguments->seed, "seed of every training, instead of the program's")
                          ->check([](const std::string &text) {
                            return text.starts_with("-") ? "a seed is a whole number, not negative" : "";
                          });
  command
      ->add_option("--emit", arguments->options.emit,
                   "print this stage of the first computation instead of running: graph, gradient, fused, planned, "
                   "loops, llvm, asm")
      ->check(CLI::IsMember(Compiler::stages()));
  command->add_option("--of", arguments->options.emitOf,
                      "what `--emit` prints: the computation of the statement that defines this name, or of this line; "
                      "what stands before it is run");
  command->add_option("--digits", arguments->digits, "significant digits of numbers that are printed (6), or `all`")
      ->envname("DLC_DIGITS")
      ->check([](const std::string &text) { return digitsOf(text) ? "" : "`all`, or a number from 1 to 17"; });
  command->add_option("--cpu", arguments->options.cpu,
                      "generate code for this processor (LLVM's names; `host` is this one)");
  addDisableOption(*command, arguments->disabled);
  command->add_flag("--no-cache", arguments->noCache, "compile everything anew, and keep nothing for the next time");
  command->add_flag("--quiet", arguments->options.quiet, "of what a training shows while it runs, only the last line");
  command->add_flag("--time", arguments->options.times, "say after each epoch where its time went");
  command->add_flag("--time-passes", arguments->options.timePasses, "say where the compile time went");
  return [arguments, seed] { return run(*arguments, seed->count() > 0); };
}

} // namespace dlc
