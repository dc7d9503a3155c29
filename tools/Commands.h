// The commands of dlc: each adds its options to the command line and gives what to do, in a file of its own.
#pragma once

#include "runtime/Print.h"

#include <CLI/CLI.hpp>

#include <functional>
#include <optional>
#include <string>

namespace dlc {

/// Runs after the command line was read; the result is the exit code (architecture.md: 0 fine, 1 the user's mistake, 2 bad
/// usage, 3 not supported yet, 4 a bug in dlc, 130 interrupted).
using Action = std::function<int()>;

/// `dlc run [FILE]`: a program, or the prompt.
Action addRunCommand(CLI::App &app);
/// `dlc check FILE`.
Action addCheckCommand(CLI::App &app);
/// `dlc compile FILE --entry NAME`.
Action addCompileCommand(CLI::App &app);
/// `dlc plot DIRS`: curves of runs.
Action addPlotCommand(CLI::App &app);
/// `dlc version`.
Action addVersionCommand(CLI::App &app);

/// Adds `--disable NAME`, which takes the names of optimisations alone.
void addDisableOption(CLI::App &command, std::vector<std::string> &disabled);
/// Whether standard error wants colour.
bool colourOfErrors();
/// A number of significant digits, 1 to 17, or `all`.
std::optional<Digits> digitsOf(const std::string &text);
/// "name=value" taken apart; false when there is no `=` or no name.
bool splitAssignment(const std::string &text, std::string &name, std::string &value);

} // namespace dlc
