// Names of PyTorch, NumPy and Keras, and what is written here in their place (ForeignNames.def).
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace dlc {

/// The help for a foreign name of a function, layer or member: "write `reshape(x, [n, m])`"; "" for others.
std::string foreignName(std::string_view name);
/// What takes the same arguments here: `concat` for `cat`; "" for others.
std::string sameName(std::string_view name);
/// What stands here for a call of it without arguments: `relu` for `ReLU()`; "" for others.
std::string madeName(std::string_view name);
/// The parameter, among those of a callee, that an argument's foreign name means; of a tuple of several, these with commas
/// between; "" for none.
std::string foreignArgument(std::string_view name, const std::vector<std::string> &parameters);
/// The help for a foreign setting of a training; "" for others.
std::string foreignSetting(std::string_view name);
/// The setting here that takes the same value: `batch` for `batch_size`; "" for others.
std::string sameSetting(std::string_view name);
/// Whether names are taken from it there: `torch`, `np`.
bool isForeignModule(std::string_view name);

} // namespace dlc
