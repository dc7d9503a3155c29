// What may stand at the cursor of an input at the prompt.
#pragma once

#include "tools/LineEditor.h"
#include "tools/Session.h"

namespace dlc {

/// The prompt's commands, with what they take and do, as `:help` lists them.
struct PromptCommand {
  const char *name, *argument, *help;
};
const std::vector<PromptCommand> &promptCommands();

/// By what stands before the cursor: commands behind a colon, files in a string or behind `:load`, members and columns behind a
/// dot, arguments in a call, settings and columns in a training, else names in scope and words of the language.
Completions completionsAt(Session &session, const std::string &text, size_t cursor);

} // namespace dlc
