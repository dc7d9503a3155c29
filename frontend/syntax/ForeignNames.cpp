// Looks names up in ForeignNames.def.
#include "frontend/syntax/ForeignNames.h"

#include <algorithm>
#include <utility>

namespace dlc {

using Pair = std::pair<const char *, const char *>;

static constexpr Pair names[] = {
#define DLC_FOREIGN_NAME(Name, What) {Name, What},
#include "frontend/syntax/ForeignNames.def"
};
static constexpr Pair arguments[] = {
#define DLC_FOREIGN_ARGUMENT(Name, Parameter) {Name, Parameter},
#include "frontend/syntax/ForeignNames.def"
};
static constexpr Pair settings[] = {
#define DLC_FOREIGN_SETTING(Name, What) {Name, What},
#include "frontend/syntax/ForeignNames.def"
};
static constexpr const char *modules[] = {
#define DLC_FOREIGN_MODULE(Name) Name,
#include "frontend/syntax/ForeignNames.def"
};

template <size_t N> static std::string helpIn(const Pair (&table)[N], std::string_view name) {
  for (const auto &[known, what] : table)
    if (known == name)
      return (what[0] == '`' ? "write " : "") + std::string(what);
  return "";
}

std::string foreignName(std::string_view name) { return helpIn(names, name); }
std::string foreignSetting(std::string_view name) { return helpIn(settings, name); }

std::string foreignArgument(std::string_view name, const std::vector<std::string> &parameters) {
  for (const auto &[known, parameter] : arguments)
    if (known == name && std::find(parameters.begin(), parameters.end(), parameter) != parameters.end())
      return parameter;
  return "";
}

bool isForeignModule(std::string_view name) {
  return std::find(std::begin(modules), std::end(modules), name) != std::end(modules);
}

} // namespace dlc
