// Data sets: what `data` declares, and what their members are.
#include "frontend/elaborate/Describe.h"
#include "frontend/elaborate/Texts.h"

#include <algorithm>

namespace dlc {

using namespace ast;

/// Lists of numbers that a data set is made of become tensors of their fields' types.
static void listsAsTensors(Elaborator &e, DataInfo &info) {
  for (auto &[name, value] : info.source->arguments)
    for (const DataInfo::Field &field : info.fields)
      if (field.name == name && value.kind == Value::List)
        value = e.asStatement(value.at, [&, given = value] { return e.tensorOfList(given, field.dtype); });
}

void Elaborator::dataItem(const DataItem &item, const ScopeRef &scope) {
  auto info = std::make_shared<DataInfo>();
  info->name = std::string(item.name);
  info->at = item.range;
  bool good = true;
  for (const Parameter &field : item.fields) {
    DataInfo::Field made;
    made.name = std::string(field.name);
    made.at = field.range;
    for (const DataInfo::Field &earlier : info->fields)
      if (earlier.name == made.name) {
        error(Diag::DefinedTwice, field.range, made.name).note(earlier.at, "first defined here");
        good = false;
      }
    if (field.type && field.type->kind == TypeKind::Named && field.type->name == "category") {
      made.category = true;
      made.dtype = DType::I32;
    } else if (field.type && field.type->kind == TypeKind::Named && field.type->name == "str") {
      made.isString = true;
    } else if (field.type) {
      Value value = symbolic(*field.type, scope, field.range, made.name);
      if (value.poison()) {
        good = false;
        continue;
      }
      if (!value.isTensor()) {
        error(Diag::WrongType, field.type->range, "field `" + made.name + "`", describe(value),
              "a scalar, a tensor, `category` or `str`");
        good = false;
        continue;
      }
      made.dtype = value.dtype;
      made.shape = value.shape;
      for (const Dim &dim : made.shape)
        if (!dim.size.isConstant() && !dim.size.isFlexible()) {
          auto report = error(Diag::NotConstant, dim.origin, "`" + dim.size.str() + "`");
          report.help("what one example looks like is a number, or a `let` defined above");
          good = false;
        }
    } else {
      error(Diag::MissingArgument, field.range, "field " + made.name, "type");
      good = false;
      continue;
    }
    info->fields.push_back(std::move(made));
  }
  Value source = item.source ? expression(*item.source, scope) : poison(item.range);
  std::string name(item.name);
  if (!source.poison() && source.kind != Value::Source) {
    auto report = error(Diag::NotASource, source.at, name, describe(source));
    if (source.kind == Value::String)
      report.help("say how it is read: `csv(" + shortText(source.at) + ")`");
    else if (source.kind == Value::Data)
      report.help("it is one already: `let " + name + " = " + shortText(source.at) + "`");
    else
      report.help("sources are idx, csv, npy, safetensors, cifar10, image_folder, text, text_folder, sentence_pairs, "
                  "spiral, moons, tensors");
    good = false;
  }
  Value value = poison(item.nameRange);
  if (good && source.kind == Value::Source)
    info->source = source.source;
  if (info->source && info->source->kind == "tensors")
    listsAsTensors(*this, *info);
  if (info->source && checkFieldFiles(*info)) {
    info->rows = Size::ofData(info->name + ".rows", item.nameRange);
    for (const Override &given : overrides) // where no data is opened, `dlc compile` may give its sizes
      if (llvm::StringRef size = given.name; !executor && size.consume_front(info->name + ".")) {
        auto [what, field] = size.split('.');
        bool fits = (what == "classes" || what == "vocab") &&
                    (field.empty() || llvm::any_of(info->fields, [&](auto &one) { return one.name == field; }));
        if (fits)
          info->learned[size.str()] = Size(std::strtoll(given.value.c_str(), nullptr, 10));
      }
    if ((info->source->kind != "tensors" || checkTensorFields(*info)) && (opensLate || opened(*info))) {
      value = Value::unit(item.nameRange);
      value.kind = Value::Data;
      value.data = info;
      for (const RowStep &step : info->source->steps)
        if (!value.poison())
          value = withStep(value, step, info->source->at);
      value.at = item.nameRange;
      std::string fields;
      for (const DataInfo::Field &field : info->fields)
        fields += (fields.empty() ? "" : ", ") + field.name + ": " +
                  (field.category   ? "category"
                   : field.isString ? "str"
                                    : typeString(Value::ofTensor(field.dtype, field.shape, {}, {})));
      if (scope == file)
        inferred.push_back({name, "data " + name + ": { " + fields + " }"});
    }
  }
  scope->names[name] = {value, false, item.nameRange};
}

bool Elaborator::opened(DataInfo &data) {
  if (!executor || data.handle)
    return true;
  return data.opens ? data.opens(data) : !data.source || executor->open(data);
}

/// Whether the source's arguments name the fields, where each field has a file of its own.
bool Elaborator::checkFieldFiles(const DataInfo &info) {
  const SourceInfo &source = *info.source;
  bool onlyField = source.kind == "npy" && info.fields.size() == 1 && source.arguments.size() == 1 &&
                   source.arguments[0].first.empty();
  bool tensors = source.kind == "tensors";
  if ((source.kind != "idx" && source.kind != "npy" && !tensors) || onlyField)
    return true;
  const std::string what = tensors ? "a tensor" : "a file", like = tensors ? "x" : "\"..\"";
  std::vector<std::string> fields;
  for (const DataInfo::Field &field : info.fields)
    fields.push_back(field.name);
  std::set<std::string> given;
  for (auto &[name, value] : source.arguments) {
    if (std::find(fields.begin(), fields.end(), name) != fields.end()) {
      given.insert(name);
      continue;
    }
    auto report = name.empty() ? error(Diag::WrongType, value.at, "an argument of `" + source.kind + "`",
                                       "without a name", what + " for each field")
                               : error(Diag::UnknownMember, value.at, "data set `" + info.name + "`", name);
    if (std::string near = name.empty() ? "" : nearest(name, fields); !near.empty())
      report.help("did you mean `" + near + "`?");
    else if (!fields.empty())
      report.help("its fields are " + listed(fields) + ": `" + source.kind + "(" + fields[0] + ": " + like + ")`");
    return false;
  }
  for (const DataInfo::Field &field : info.fields)
    if (!given.count(field.name)) {
      error(Diag::MissingArgument, source.at, source.kind, field.name)
          .note(field.at, "the field is declared here")
          .help("`" + source.kind + "` " + (tensors ? "takes " : "reads ") + what + " for each field");
      return false;
    }
  return true;
}

Value Elaborator::dataMember(const Value &data, std::string_view name, SourceRange at, SourceRange nameAt) {
  DataInfo &info = *data.data;
  std::string text(name);
  bool isPart = name == "train" || name == "validate" || name == "rest";
  if (!isPart && !opened(info))
    return poison(at);
  for (const DataInfo::Field &field : info.fields)
    if (field.name == text && info.source) { // a saved vocabulary has no rows
      if (field.isString)
        return Value::ofStrings(executor ? executor->strings(info, text, false) : nullptr, info.rows, at);
      Shape shape = {{info.rows, info.at}};
      shape.insert(shape.end(), field.shape.begin(), field.shape.end());
      Value column = Value::ofTensor(field.dtype, std::move(shape), {}, at);
      setClasses(column, data.data, field);
      if (executor && field.category)
        column.strings = executor->strings(info, text, true);
      if (executor)
        column.lazy = [this, held = data.data, text]() { return executor->column(*held, text); };
      return column;
    }
  if (isPart) {
    std::vector<std::string> parts = info.cut ? info.cut->parts() : std::vector<std::string>();
    if (std::find(parts.begin(), parts.end(), text) != parts.end())
      return partOf(data, *info.cut, text, at);
    error(Diag::UnknownMember, nameAt, "data set `" + info.name + "`", text)
        .help(parts.empty()        ? "`source(..) |> split(train: 0.9)` gives it two parts"
              : name == "validate" ? "`split(train: 0.8, validate: 0.1)` gives it three parts"
                                   : "its parts are " + listed(parts));
    return poison(at);
  }
  if (name == "rows" && info.source)
    return Value::ofSize(info.rows, at);
  auto learnt = [&](const std::string &key) {
    auto found = info.learned.find(key);
    if (found == info.learned.end())
      found = info.learned.emplace(key, Size::ofData(info.name.substr(0, info.name.find('.')) + "." + key, at)).first;
    return Value::ofSize(found->second, at);
  };
  const std::string kind = info.source ? info.source->kind : "";
  std::vector<const DataInfo::Field *> categories;
  for (const DataInfo::Field &field : info.fields)
    if (meaningOf(info, field) == Meaning::Classes)
      categories.push_back(&field);
  // `photos.names`, `ratings.names.user`: what the numbers of a category stand for.
  auto namesOf = [&](const DataInfo::Field &field) {
    return Value::ofStrings(executor ? executor->strings(info, field.name, true) : nullptr,
                            learnt("classes." + field.name).size, at);
  };
  if (name == "names" && !categories.empty()) {
    if (kind != "csv" && categories.size() == 1) {
      Value names = namesOf(*categories[0]);
      names.data = info.source ? nullptr : data.data; // a saved one may be of a table: `names.user`
      return names;
    }
    auto model = std::make_shared<ModelInstance>();
    model->name = info.name + "." + text;
    for (const DataInfo::Field *field : categories)
      model->entries.push_back({field->name, nullptr, std::make_shared<Value>(namesOf(*field)), at});
    Value value = Value::unit(at);
    value.kind = Value::Model;
    value.model = model;
    return value;
  }
  bool named = std::any_of(info.fields.begin(), info.fields.end(),
                           [&](const DataInfo::Field &field) { return meaningOf(info, field) != Meaning::Numbers; });
  if (named && (name == "encode" || name == "decode"))
    return textFunction(data, name == "encode", at);
  if (name == "vocab" || name == "classes")
    if (std::optional<Value> sizes = vocabularySizes(data, name, at))
      return *sizes;
  std::vector<std::string> candidates = memberNames(data);
  auto report = error(Diag::UnknownMember, nameAt, "data set `" + info.name + "`", text);
  if (std::string near = nearest(name, candidates); !near.empty())
    report.meant(near);
  else
    report.help("it has " + listed(candidates));
  return poison(at);
}

} // namespace dlc
