// Trained models over whole data sets, and files of models and tensors: evaluate, predict, load, save, write.
#include "frontend/builtins/Builtins.h"
#include "frontend/elaborate/Texts.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

#include <cmath>

namespace dlc {

/// Whether a call stands at top level; reports it when not.
static bool isAtTopLevel(Elaborator &e, const CallSite &site, const char *what) {
  if (!e.insideFunction() && !e.insideLoop())
    return true;
  if (e.turnsAsked && !e.insideFunction())
    return *e.turnsAsked = true; // the turns of the loop at top level run one by one then
  e.error(Diag::BadArgument, site.calleeAt,
          fmt::format("`{}` {}, which is done at top level, not in a {}", site.callee, what,
                      e.insideFunction() ? "function" : "compiled loop"));
  return false;
}

static bool isFunction(const Value &value) {
  return (value.kind == Value::Fn && value.function->kind != Function::Constructor) || value.kind == Value::Model;
}

/// Whether argument `i` is a data set; reports it when not.
static bool isData(Elaborator &e, const CallSite &site, size_t i) {
  if (site[i].kind == Value::Data)
    return true;
  if (!site[i].poison())
    e.error(Diag::WrongType, site[i].at, fmt::format("argument {} of `{}`", i + 1, site.callee), describe(site[i]),
            "a data set");
  return false;
}

/// How many examples a function takes at a time; 256 where it is not said.
static std::optional<int64_t> batchArgument(Elaborator &e, CallSite &site, size_t i) {
  std::optional<double> batch = numberArgument(e, site, i, 256);
  if (!batch || (*batch >= 1 && *batch == std::floor(*batch) && *batch < 9e15))
    return batch ? std::optional(int64_t(*batch)) : std::nullopt;
  e.error(Diag::BadArgument, site[i].at, fmt::format("`batch` is {}, expected a positive whole number", *batch));
  return std::nullopt;
}

static Value evaluate(Elaborator &e, CallSite &site) {
  std::optional<int64_t> batch = batchArgument(e, site, 2);
  if (!batch || !isAtTopLevel(e, site, "runs over a data set"))
    return e.poison(site.at);
  if (site[0].kind == Value::Model) {
    std::optional<int64_t> given = site.has(2) ? batch : std::nullopt; // else as it was trained
    return isData(e, site, 1) ? e.evaluation(site[0], site[1], given, site.at) : e.poison(site.at);
  }
  if (!isData(e, site, 0))
    return e.poison(site.at);
  if (!isFunction(site[1])) {
    e.error(Diag::WrongType, site[1].at, "argument 2 of `evaluate`", describe(site[1]), "a function of fields")
        .help("`evaluate(model, data)`, or `evaluate(data, (x, y) => mse(model(x), y))`");
    return e.poison(site.at);
  }
  return e.overBatches(site[1], site[0], BatchFold::Mean, *batch, site.at);
}

static Value predict(Elaborator &e, CallSite &site) {
  std::optional<int64_t> batch = batchArgument(e, site, 2);
  if (!batch || !isAtTopLevel(e, site, "runs over a data set"))
    return e.poison(site.at);
  // In either order, as `evaluate`.
  size_t function = isFunction(site[0]) ? 0 : 1;
  if (!isData(e, site, 1 - function))
    return e.poison(site.at);
  if (!isFunction(site[function])) {
    e.error(Diag::WrongType, site[function].at, "argument 2 of `predict`", describe(site[function]),
            "a function of fields")
        .help("`predict(data, x => model(x))`");
    return e.poison(site.at);
  }
  return e.overBatches(site[function], site[1 - function], BatchFold::Join, *batch, site.at);
}

/// Argument 1 as a model, and argument 2 as the name of a file; reports what does not fit.
static bool isModelAndFile(Elaborator &e, const CallSite &site) {
  if (site[0].poison() || site[1].poison())
    return false;
  if (site[0].kind != Value::Model || isGroup(site[0])) {
    auto report =
        e.error(Diag::WrongType, site[0].at, "argument 1 of `" + site.callee + "`", describe(site[0]), "a model");
    if (site[0].kind == Value::Fn && site[0].function->kind == Function::Constructor)
      report.help("make one: `" + site[0].function->name + "(..)`");
    return false;
  }
  if (site[1].kind == Value::String && !site[1].text.empty())
    return true;
  e.error(Diag::WrongType, site[1].at, "argument 2 of `" + site.callee + "`", describe(site[1]),
          "a file name in quotes");
  return false;
}

/// A model whose parameters have their names in a file: of a part of another, those that it has alone.
static ModelRef asInFile(const ModelInstance &model) {
  std::vector<Value> values;
  for (const ParamSlotRef &slot : parametersOf(model))
    values.push_back(slot->value);
  ModelRef named = withValues(model, values);
  nameParameters(*named);
  return named;
}

/// A model with the values of a checkpoint; with `partial`, those that fit by name and shape.
static Value load(Elaborator &e, CallSite &site) {
  std::optional<bool> partial = boolArgument(e, site, 2, false);
  if (!isModelAndFile(e, site) || !partial)
    return e.poison(site.at);
  if (e.mode() == Elaborator::Mode::Build && !e.executor) {
    e.error(Diag::NotSupported, site.calleeAt, "`load` in a function that is compiled to a file")
        .help("load it at top level, `let net = load(..)`, and give its values by `--weights`");
    return e.poison(site.at);
  }
  std::vector<ParamSlotRef> slots = parametersOf(*site[0].model);
  std::vector<Value> values;
  for (const ParamSlotRef &slot : slots)
    values.push_back(slot->value);
  std::shared_ptr<const void> vocabularies;
  if (e.mode() != Elaborator::Mode::Check && e.executor) {
    std::vector<HostBufferRef> loaded;
    if (!e.executor->load(site[1].text, *partial, *asInFile(*site[0].model), loaded, vocabularies, site.at))
      return e.poison(site.at);
    for (size_t i = 0; i < slots.size(); ++i)
      if (loaded[i]) {
        values[i].ir = {};
        values[i].host = loaded[i];
      }
  }
  Value result = site[0];
  result.model = withValues(*site[0].model, values);
  result.model->vocabularies = vocabularies;
  result.at = site.at;
  return result;
}

/// What a statement at top level does with `values` once they are computed.
static Value effect(Elaborator &e, const CallSite &site, std::vector<Value> values,
                    std::function<void(const std::vector<Value> &)> work) {
  if (!e.isStatement(site.at)) {
    if (e.askForTurns(site.at))
      return Value::unit(site.at);
    e.error(Diag::TopLevelOnly, site.calleeAt, site.callee,
            e.insideFunction() ? "in a function"
            : e.insideLoop()   ? "in a compiled loop"
                               : "within an expression");
    return e.poison(site.at);
  }
  Value result = Value::unit(site.at);
  result.elements = std::move(values);
  result.effect = std::move(work);
  return result;
}

static Value save(Elaborator &e, CallSite &site) {
  if (!isModelAndFile(e, site))
    return e.poison(site.at);
  return effect(e, site, {site[0]}, [&e, file = site[1].text, at = site.at](const std::vector<Value> &values) {
    e.executor->save(file, *asInFile(*values[0].model), at);
  });
}

/// What an argument without a name is called in a file: as the variable or member that it is, else `x`.
static std::string nameOf(Elaborator &e, const Value &value) {
  llvm::StringRef text = e.sources.text(value.at);
  bool names = !text.empty() && llvm::isAlpha(text[0]) &&
               llvm::all_of(text, [](char c) { return llvm::isAlnum(c) || c == '_' || c == '.'; });
  return names ? text.substr(text.rfind('.') + 1).str() : "x";
}

/// The texts of rows of numbers, as a column; nothing when an error was reported.
static std::optional<Value> decodedRows(Elaborator &e, const Value &late, const Value &numbers) {
  const HostBufferRef host = numbers.values();
  if (!host)
    return std::nullopt;
  const Value &piece = late.elements[0];
  HostBuffer row = *host;
  row.shape.erase(row.shape.begin(), row.shape.begin() + !row.shape.empty());
  const int64_t rows = host->shape.empty() ? 1 : host->shape[0];
  row.bytes = host->bytes / size_t(std::max<int64_t>(rows, 1));
  auto texts = std::make_shared<std::vector<std::string>>();
  for (int64_t i = 0; i < rows; ++i) {
    row.data = std::shared_ptr<void>(host->data, static_cast<std::byte *>(host->data.get()) + size_t(i) * row.bytes);
    std::optional<std::string> text = textOfPiece(e, piece, row, late.at);
    if (!text)
      return std::nullopt;
    texts->push_back(*text);
  }
  return Value::ofStrings(texts, Size(rows), late.at);
}

/// A column of classes by their words.
static std::optional<Value> namedRows(const std::vector<std::string> &words, const Value &classes) {
  const HostBufferRef host = classes.values();
  if (!host)
    return std::nullopt;
  auto texts = std::make_shared<std::vector<std::string>>();
  for (int64_t i = 0; i < host->shape[0]; ++i) {
    auto number = int64_t(elementAsDouble(host->dtype, host->data.get(), i));
    texts->push_back(number >= 0 && number < int64_t(words.size()) ? words[size_t(number)] : std::to_string(number));
  }
  return Value::ofStrings(texts, Size(host->shape[0]), classes.at);
}

static Value write(Elaborator &e, CallSite &site) {
  if (site.arguments.empty() || !site.arguments[0].name.empty() || site.arguments[0].value.kind != Value::String) {
    e.error(Diag::MissingArgument, site.at, site.callee, "file")
        .help("`write(\"file.csv\", id: a, guess: b)`; it writes .csv, .npy and .safetensors");
    return e.poison(site.at);
  }
  const std::string file = site.arguments[0].value.text;
  bool npy = file.ends_with(".npy"), csv = file.ends_with(".csv");
  if (!npy && !csv && !file.ends_with(".safetensors")) {
    e.error(Diag::BadArgument, site.arguments[0].value.at,
            fmt::format("`{}` is no kind of file that is written: .csv, .npy or .safetensors", file));
    return e.poison(site.at);
  }
  std::vector<std::string> names;
  std::vector<Value> values;
  std::map<size_t, Value> decoded;                                           // columns of texts that only running knows
  std::map<size_t, std::shared_ptr<const std::vector<std::string>>> classes; // what columns of a .csv stand for
  for (CallSite::Argument &argument : llvm::MutableArrayRef(site.arguments).drop_front()) {
    std::string name = argument.name.empty() ? nameOf(e, argument.value) : argument.name;
    if (!npy && std::find(names.begin(), names.end(), name) != names.end()) {
      e.error(Diag::BadArgument, argument.value.at, fmt::format("`write` has two columns `{}`", name))
          .help("name them: `write(\"file.csv\", id: a, guess: b)`");
      return e.poison(site.at);
    }
    if (csv && isLate(argument.value) && argument.value.elements.size() == 1) {
      decoded[values.size()] = argument.value;
      argument.value = argument.value.elements[0].elements[0];
    }
    if (csv && argument.value.kind == Value::List && isTexts(argument.value)) {
      auto texts = std::make_shared<std::vector<std::string>>();
      for (const Value &text : argument.value.elements)
        texts->push_back(text.text);
      argument.value = Value::ofStrings(texts, Size(int64_t(texts->size())), argument.value.at);
    }
    Value given = argument.value.kind == Value::Strings ? argument.value : e.tensorOfList(argument.value);
    if (given.poison())
      return e.poison(site.at);
    Value value = given.kind == Value::Strings ? given : e.tensorOf(given);
    if (!value.isTensor() && !(csv && value.kind == Value::Strings)) {
      auto report = e.error(Diag::WrongType, argument.value.at, "what is written", describe(given), "a tensor");
      if (given.kind == Value::Model)
        report.help(
            fmt::format("a model is saved by `save({}, \"file.safetensors\")`", e.shortText(argument.value.at)));
      return e.poison(site.at);
    }
    if (csv && value.isTensor() && value.strings && value.shape.size() == 1)
      classes[values.size()] = value.strings;
    names.push_back(name);
    values.push_back(std::move(value));
  }
  if (values.empty() || (npy && values.size() != 1)) {
    e.error(Diag::BadArgument, site.at,
            values.empty() ? "`write` has nothing to write"
                           : fmt::format("a .npy has one tensor, found {}; a .safetensors has several", values.size()));
    return e.poison(site.at);
  }
  auto rows = [](const Value &column) { return column.isTensor() ? column.shape[0].size : column.size; };
  for (const Value &value : values) {
    bool scalar = value.isTensor() && value.shape.empty();
    if (!csv || (!scalar && e.sameSize(rows(value), rows(values[0])).value_or(true)))
      continue;
    e.error(Diag::WrongType, value.at, "a column of a .csv", describe(value),
            scalar ? "a row for each line" : "as many rows as `" + names[0] + "` has, " + rows(values[0]).str());
    return e.poison(site.at);
  }
  return effect(e, site, std::move(values),
                [&e, file, names, decoded, classes, at = site.at](const std::vector<Value> &computed) {
                  std::vector<std::pair<std::string, Value>> columns;
                  for (size_t i = 0; i < names.size(); ++i) {
                    auto late = decoded.find(i);
                    auto words = classes.find(i);
                    std::optional<Value> texts = late != decoded.end()    ? decodedRows(e, late->second, computed[i])
                                                 : words != classes.end() ? namedRows(*words->second, computed[i])
                                                                          : computed[i];
                    if (!texts)
                      return;
                    columns.push_back({names[i], *texts});
                  }
                  e.executor->write(file, columns, at);
                });
}

void addRunBuiltins(BuiltinTable &table) {
  table.add("evaluate", evaluate).atOnce = true;
  table.add("predict", predict).atOnce = true;
  table.add("load", load);
  table.add("save", save);
  table.add("write", write);
}

} // namespace dlc
