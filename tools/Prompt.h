// The prompt: definitions, statements and expressions, one input after another. An error ends nothing.
#pragma once

#include "tools/Session.h"

namespace dlc {

/// Reads inputs until the end of input or `:quit`. At a terminal with line editing, history and completion; piped, plain lines.
/// `file` is what was run before, for `:reload`. The result is the exit code: piped, that of the first error; else 0.
int runPrompt(Session &session, bool terminal, const std::string &file = "");

} // namespace dlc
