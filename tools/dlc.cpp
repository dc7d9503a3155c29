// dlc, the command line: reads the command and runs it.
#include "tools/Commands.h"

#include "passes/Pipeline.h"

#include <cstdio>
#include <set>
#include <unistd.h>

namespace dlc {

bool colourOfErrors() { return isatty(STDERR_FILENO) && !std::getenv("NO_COLOR"); }

void addDisableOption(CLI::App &command, std::vector<std::string> &disabled) {
  std::set<std::string> names;
  for (llvm::StringRef name : optimizationNames())
    names.insert(name.str());
  command.add_option("--disable", disabled, "switch an optimisation off (repeatable)")
      ->check(CLI::IsMember(names))
      ->allow_extra_args(false);
}

bool splitAssignment(const std::string &text, std::string &name, std::string &value) {
  size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0)
    return false;
  name = text.substr(0, equals);
  value = text.substr(equals + 1);
  return true;
}

} // namespace dlc

int main(int argc, char **argv) {
  CLI::App app("dlc: a deep-learning compiler. Write a model as mathematics; check, compile and train it on this CPU.",
               "dlc");
  app.require_subcommand(1);
  app.footer("`dlc COMMAND --help` says more. `dlc run` alone is a prompt to explore in.");
  std::vector<std::pair<CLI::App *, dlc::Action>> commands;
  for (auto add : {dlc::addRunCommand, dlc::addCheckCommand, dlc::addCompileCommand, dlc::addPlotCommand,
                   dlc::addVersionCommand}) {
    dlc::Action action = add(app);
    commands.push_back({app.get_subcommands({}).back(), std::move(action)});
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError &error) {
    int code = app.exit(error);
    return code == 0 ? 0 : 2;
  }
  for (auto &[command, action] : commands)
    if (command->parsed())
      return action();
  return 2;
}
