// Data sources, and what is read: split, load.
#include "frontend/builtins/Builtins.h"

namespace dlc {

static void addSource(BuiltinTable &table, const char *name, std::vector<std::string> parameters) {
  std::string kind = name;
  table.add(name, parameters, [kind](Elaborator &e, CallSite &site) {
    auto source = std::make_shared<SourceInfo>();
    source->kind = kind;
    source->at = site.at;
    for (CallSite::Argument &argument : site.arguments) {
      const Value &value = argument.value;
      // What has no name is a file; of the named ones few are.
      bool file = argument.name.empty()
                      ? kind != "spiral" && kind != "moons"
                      : kind == "idx" || kind == "npy" || argument.name == "file" || argument.name == "files" ||
                            argument.name == "folder" || argument.name == "alphabet";
      bool good = file ? value.kind == Value::String
                       : value.isNumber() || value.kind == Value::Bool || value.kind == Value::List;
      if (!good) {
        std::string what = argument.name.empty() ? fmt::format("an argument of `{}`", site.callee)
                                                 : fmt::format("argument `{}` of `{}`", argument.name, site.callee);
        e.error(Diag::WrongType, value.at, what, describe(value),
                file ? "a file name in quotes" : "a number or a list of numbers");
        return e.poison(site.at);
      }
      source->arguments.push_back({argument.name, value});
    }
    Value result = Value::unit(site.at);
    result.kind = Value::Source;
    result.source = source;
    return result;
  });
}

/// Parts a data source into rows to train on and the rest; a tensor along an axis.
static Value split(Elaborator &e, CallSite &site) {
  if (site[0].kind != Value::Source && site[0].kind != Value::Data) {
    if (site.has(1))
      return splitTensor(e, site);
    e.error(Diag::MissingArgument, site.at, site.callee, "size")
        .help("`split(x, 2)` makes parts of 2 along the first axis");
    return e.poison(site.at);
  }
  if (site[0].kind == Value::Data) {
    e.error(Diag::WrongType, site[0].at, "argument 1 of `split`", describe(site[0]), "a data source")
        .help("`data d: {..} = csv(..) |> split(train: 0.9)`");
    return e.poison(site.at);
  }
  size_t share = site.has(3) ? 3 : 1;
  if (!site.has(share)) {
    e.error(Diag::MissingArgument, site.at, site.callee, "train");
    return e.poison(site.at);
  }
  std::optional<double> train = numberArgument(e, site, share, 0.9), seed = numberArgument(e, site, 4, 0);
  std::optional<bool> shuffle = boolArgument(e, site, 5, true);
  if (!train || !seed || !shuffle)
    return e.poison(site.at);
  if (!(*train > 0 && *train < 1)) {
    e.error(Diag::BadArgument, site[share].at, fmt::format("`train` is {}, expected a share between 0 and 1", *train));
    return e.poison(site.at);
  }
  Value result = site[0];
  result.source = std::make_shared<SourceInfo>(*site[0].source);
  result.source->splitTrain = *train;
  result.source->splitSeed = int64_t(*seed);
  result.source->splitShuffle = *shuffle;
  return result;
}

/// A model with the values of a checkpoint; with `partial`, those that fit by name and shape.
static Value load(Elaborator &e, CallSite &site) {
  if (site[0].poison() || site[1].poison())
    return e.poison(site.at);
  if (site[0].kind != Value::Model) {
    auto report = e.error(Diag::WrongType, site[0].at, "argument 1 of `load`", describe(site[0]), "a model");
    if (site[0].kind == Value::Fn && site[0].function->kind == Function::Constructor)
      report.help("make one: `" + site[0].function->name + "(..)`");
    return e.poison(site.at);
  }
  if (site[1].kind != Value::String || site[1].text.empty()) {
    e.error(Diag::WrongType, site[1].at, "argument 2 of `load`", describe(site[1]), "a file name in quotes");
    return e.poison(site.at);
  }
  std::optional<bool> partial = boolArgument(e, site, 2, false);
  if (!partial)
    return e.poison(site.at);
  std::vector<ParamSlotRef> slots = parametersOf(*site[0].model);
  std::vector<Value> values;
  for (const ParamSlotRef &slot : slots)
    values.push_back(slot->value);
  if (e.mode() != Elaborator::Mode::Check && e.executor) {
    std::vector<HostBufferRef> loaded;
    if (!e.executor->load(site[1].text, *partial, slots, loaded, site.at))
      return e.poison(site.at);
    for (size_t i = 0; i < slots.size(); ++i)
      if (loaded[i]) {
        values[i].ir = {};
        values[i].host = loaded[i];
      }
  }
  Value result = site[0];
  result.model = withValues(*site[0].model, values);
  result.at = site.at;
  return result;
}

void addSourceBuiltins(BuiltinTable &table) {
  addSource(table, "csv", {"file"});
  addSource(table, "idx", {"*"}); // a file for each field
  addSource(table, "npy", {"*"});
  addSource(table, "safetensors", {"file"});
  addSource(table, "cifar10", {"files"});
  addSource(table, "image_folder", {"folder", "resize?"});
  addSource(table, "text", {"file", "window?"});
  addSource(table, "text_folder", {"files", "length?", "alphabet?"});
  addSource(table, "sentence_pairs", {"file", "lengths?", "vocab?"});
  addSource(table, "spiral", {"n?", "noise?", "seed?", "classes?"});
  addSource(table, "moons", {"n?", "noise?", "seed?"});
  table.add("split", {"x", "size?", "axis?", "train?", "seed?", "shuffle?"}, split);
  table.add("load", {"model", "file", "partial?"}, load);
}

} // namespace dlc
