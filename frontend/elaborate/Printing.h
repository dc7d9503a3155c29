// What `print` shows of values, and prints in compiled code.
#pragma once

#include "frontend/elaborate/Elaborator.h"

namespace dlc {

/// A value as `print` shows it; `tensorText` gives the text of each tensor that it holds.
std::string textOf(const Value &value, llvm::function_ref<std::string(const Value &)> tensorText);
/// Whether a text that only running knows is in a value.
bool holdsLate(const Value &value);
/// Builds the operation that prints a line of values when the code runs.
void emitPrint(Elaborator &e, const std::vector<Value> &values, SourceRange at);

} // namespace dlc
