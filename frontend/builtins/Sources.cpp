// Data sources, and the vocabularies of saved models.
#include "frontend/builtins/Builtins.h"

namespace dlc {

static void addSource(BuiltinTable &table, const char *name) {
  std::string kind = name;
  table.add(name, [kind](Elaborator &e, CallSite &site) {
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
      bool tensor = kind == "tensors"; // without a name it is refused behind this
      bool good =
          tensor ? value.isTensor() || value.kind == Value::List || argument.name.empty()
          : file ? value.kind == Value::String
                 : value.isNumber() || value.kind == Value::Bool || value.kind == Value::List ||
                       ((argument.name == "missing" || argument.name == "separator") && value.kind == Value::String);
      if (!good) {
        std::string what = argument.name.empty() ? fmt::format("an argument of `{}`", site.callee)
                                                 : fmt::format("argument `{}` of `{}`", argument.name, site.callee);
        e.error(Diag::WrongType, value.at, what, describe(value),
                tensor ? "a tensor"
                : file ? "a file name in quotes"
                       : "a number or a list of numbers");
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

/// The vocabularies of a saved model, as members of a data set without rows.
static Value vocabulary(Elaborator &e, CallSite &site) {
  if (site[0].poison())
    return e.poison(site.at);
  if (site[0].kind != Value::String || site[0].text.empty()) {
    e.error(Diag::WrongType, site[0].at, "argument 1 of `vocabulary`", describe(site[0]), "a file name in quotes");
    return e.poison(site.at);
  }
  // What a file will hold nobody knows while checking: nothing is said of what is made of it.
  std::shared_ptr<DataInfo> info = e.executor ? e.executor->vocabulary(site[0].text, site.at) : nullptr;
  if (!info)
    return e.poison(site.at);
  Value result = Value::unit(site.at);
  result.kind = Value::Data;
  result.data = info;
  return result;
}

void addSourceBuiltins(BuiltinTable &table) {
  addSource(table, "csv");
  addSource(table, "idx"); // a file for each field
  addSource(table, "npy");
  addSource(table, "safetensors");
  addSource(table, "cifar10");
  addSource(table, "image_folder");
  addSource(table, "text");
  addSource(table, "text_folder");
  addSource(table, "sentence_pairs");
  addSource(table, "spiral");
  addSource(table, "moons");
  addSource(table, "tensors"); // a tensor for each field
  table.add("vocabulary", vocabulary);
}

} // namespace dlc
