// What there is to say of a value: for a person who asks at the prompt, and for completion. Nothing is elaborated.
#pragma once

#include "frontend/elaborate/Elaborator.h"

namespace dlc {

/// How something is called and what it is for.
struct Description {
  std::string signature; ///< `fn huber(x, y, delta = 1.0)`; for what is not called, its type
  std::string doc;       ///< its `///` lines; "" without
};

/// What a value is: of functions, models, optimizers and builtins the parameters with types and defaults, of data sets the
/// columns, of lists of numbers the tensor that they are.
Description descriptionOf(const Elaborator &e, const Value &value);
/// What may stand behind its dot.
std::vector<std::string> memberNames(const Value &value);
/// The value of a name, or of members of one (`net.fc1.weight`); nothing when there is none, and nothing is reported.
std::optional<Value> valueAt(Elaborator &e, const std::string &path);
/// The names of all settings of a `train`.
const std::vector<std::string> &trainSettingNames();
/// The same with an example of a value and what each does.
struct TrainSetting {
  const char *name, *example, *help;
};
const std::vector<TrainSetting> &trainSettings();

} // namespace dlc
