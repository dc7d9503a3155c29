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
static constexpr Pair same[] = {
#define DLC_FOREIGN_SAME(Name, Here, What) {Name, Here},
#include "frontend/syntax/ForeignNames.def"
};
static constexpr Pair made[] = {
#define DLC_FOREIGN_MADE(Name, Here, What) {Name, Here},
#include "frontend/syntax/ForeignNames.def"
};
static constexpr Pair sameSettings[] = {
#define DLC_FOREIGN_SAME_SETTING(Name, Here, What) {Name, Here},
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

template <size_t N> static std::string lookedUp(const Pair (&table)[N], std::string_view name) {
  for (const auto &[known, what] : table)
    if (known == name)
      return what;
  return "";
}

static std::string asHelp(const std::string &what) { return (what.starts_with("`") ? "write " : "") + what; }

std::string foreignName(std::string_view name) { return asHelp(lookedUp(names, name)); }
std::string foreignSetting(std::string_view name) { return asHelp(lookedUp(settings, name)); }
std::string sameName(std::string_view name) { return lookedUp(same, name); }
std::string madeName(std::string_view name) { return lookedUp(made, name); }
std::string sameSetting(std::string_view name) { return lookedUp(sameSettings, name); }

/// Whether each of `wanted` ("beta1, beta2") is there.
static bool hasAll(const std::vector<std::string> &parameters, std::string_view wanted) {
  size_t end = std::min(wanted.find(", "), wanted.size());
  return std::find(parameters.begin(), parameters.end(), wanted.substr(0, end)) != parameters.end() &&
         (end == wanted.size() || hasAll(parameters, wanted.substr(end + 2)));
}

std::string foreignArgument(std::string_view name, const std::vector<std::string> &parameters) {
  for (const auto &[known, parameter] : arguments)
    if (known == name && hasAll(parameters, parameter))
      return parameter;
  return "";
}

bool isForeignModule(std::string_view name) {
  return std::find(std::begin(modules), std::end(modules), name) != std::end(modules);
}

} // namespace dlc
