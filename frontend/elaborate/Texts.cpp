// encode, decode, vocab and classes. A text is encoded where it stands; a decoded one waits for its numbers.
#include "frontend/elaborate/Texts.h"

#include "frontend/builtins/Builtins.h"

#include <algorithm>

namespace dlc {

Meaning meaningOf(const DataInfo &data, const DataInfo::Field &field) {
  if (field.category || data.learned.count("classes." + field.name))
    return Meaning::Classes;
  if (!data.source) // a saved vocabulary
    return data.learned.count("letters." + field.name) ? Meaning::Letters : Meaning::Words;
  const std::string &kind = data.source->kind;
  bool first = &field == &data.fields[0];
  if (kind == "text" || (kind == "text_folder" && first))
    return Meaning::Letters;
  if (kind == "sentence_pairs")
    return Meaning::Words;
  return (kind == "text_folder" || kind == "image_folder") && !first && !field.isString ? Meaning::Classes
                                                                                        : Meaning::Numbers;
}

/// The fields of some meaning.
static std::vector<const DataInfo::Field *> fieldsOf(const DataInfo &data, llvm::function_ref<bool(Meaning)> wanted) {
  std::vector<const DataInfo::Field *> fields;
  for (const DataInfo::Field &field : data.fields)
    if (wanted(meaningOf(data, field)))
      fields.push_back(&field);
  return fields;
}

static std::vector<const DataInfo::Field *> textsOf(const DataInfo &data) {
  return fieldsOf(data, [](Meaning meaning) { return meaning == Meaning::Letters || meaning == Meaning::Words; });
}

static std::vector<const DataInfo::Field *> namedOf(const DataInfo &data) {
  return fieldsOf(data, [](Meaning meaning) { return meaning != Meaning::Numbers; });
}

static size_t lettersIn(const std::string &text) {
  return size_t(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

/// The numbers of a column of texts, or of a list of them: a row for each.
static Value encodedColumn(Elaborator &e, const Value &texts, const std::shared_ptr<DataInfo> &data,
                           const DataInfo::Field &field, SourceRange at) {
  Shape shape = meaningOf(*data, field) == Meaning::Classes ? Shape() : field.shape;
  bool isColumn = texts.kind == Value::Strings;
  shape.insert(shape.begin(), Dim{isColumn ? texts.size : Size(int64_t(texts.elements.size())), at});
  Value result = Value::ofTensor(field.dtype, std::move(shape), {}, at);
  setClasses(result, data, field);
  if (!e.executor || e.checkingOnly || (isColumn && !texts.strings))
    return result;
  auto bytes = std::make_shared<std::vector<char>>();
  size_t rows = isColumn ? texts.strings->size() : texts.elements.size();
  for (size_t i = 0; i < rows; ++i) {
    HostBufferRef row =
        e.executor->encode(*data, field.name, isColumn ? (*texts.strings)[i] : texts.elements[i].text, texts.at);
    if (!row)
      return e.poison(at);
    const char *begin = static_cast<const char *>(row->data.get());
    bytes->insert(bytes->end(), begin, begin + row->bytes);
  }
  auto buffer = std::make_shared<HostBuffer>();
  buffer->dtype = field.dtype;
  for (const Dim &dim : result.shape)
    buffer->shape.push_back(dim.size.isConstant() ? dim.size.constant() : int64_t(rows));
  buffer->data = std::shared_ptr<void>(bytes, bytes->data());
  buffer->bytes = bytes->size();
  result.host = std::move(buffer);
  return result;
}

static Value encoded(Elaborator &e, CallSite &site, const std::shared_ptr<DataInfo> &data,
                     const DataInfo::Field &field) {
  const Value &text = site[0];
  if (text.poison())
    return e.poison(site.at);
  if (isTexts(text) && meaningOf(*data, field) != Meaning::Letters)
    return encodedColumn(e, text, data, field, site.at);
  if (text.kind != Value::String) {
    e.error(Diag::WrongType, text.at, "the argument of `encode`", describe(text),
            meaningOf(*data, field) == Meaning::Letters ? "a string" : "a string, or a column of them");
    return e.poison(site.at);
  }
  if (isLate(text)) {
    e.error(Diag::NotConstant, text.at, "a text to encode");
    return e.poison(site.at);
  }
  Shape shape = field.shape;
  if (Meaning meaning = meaningOf(*data, field); meaning == Meaning::Classes)
    shape = {};
  else if (meaning == Meaning::Letters && (shape.empty() || (data->source && data->source->kind == "text")))
    shape = {{Size(int64_t(lettersIn(text.text))), site.at}};
  Value result = Value::ofTensor(field.dtype, std::move(shape), {}, site.at);
  setClasses(result, data, field);
  if (e.executor && !e.checkingOnly) {
    result.host = e.executor->encode(*data, field.name, text.text, text.at);
    if (!result.host)
      return e.poison(site.at);
  }
  return result;
}

static Value decoded(Elaborator &e, CallSite &site, const std::shared_ptr<DataInfo> &data,
                     const DataInfo::Field &field) {
  Value numbers = tensorArgument(e, site, 0);
  if (numbers.poison())
    return e.poison(site.at);
  if (!isIntegral(numbers.dtype)) {
    auto report = e.error(Diag::WrongType, site[0].at, "the argument of `decode`", describe(numbers),
                          "a tensor of whole numbers");
    if (isFloating(numbers.dtype))
      report.help("of scores, take the best: `argmax(scores, axis: -1)`");
    return e.poison(site.at);
  }
  Value text = Value::ofString("", site.at), piece = text;
  piece.data = data;
  piece.elements = {numbers, Value::ofString(field.name, site.at)};
  text.elements = {piece};
  return text;
}

/// The function of one field, or of none yet (a data set of several texts).
static Value functionOf(const std::shared_ptr<DataInfo> &data, bool encodes, const DataInfo::Field *field,
                        SourceRange at) {
  struct Held {
    Function function;
    Builtin builtin;
  };
  auto held = std::make_shared<Held>();
  std::string name = encodes ? "encode" : "decode";
  held->builtin.name = name;
  held->builtin.parameters = {{encodes ? "text" : "tokens"}};
  held->builtin.apply = [data, field, encodes, name](Elaborator &e, CallSite &site) {
    if (field)
      return encodes ? encoded(e, site, data, *field) : decoded(e, site, data, *field);
    std::vector<std::string> names;
    for (const DataInfo::Field *one : textsOf(*data))
      names.push_back(data->name + "." + name + "." + one->name);
    e.error(Diag::BadArgument, site.at, "`" + data->name + "` has several texts").help("choose: " + listed(names));
    return e.poison(site.at);
  };
  held->function.kind = Function::Native;
  held->function.name = name;
  held->function.builtin = &held->builtin;
  Value value = Value::ofFunction(std::shared_ptr<Function>(held, &held->function), at);
  value.data = data;
  return value;
}

Value textFunction(const Value &data, bool encodes, SourceRange at) {
  std::vector<const DataInfo::Field *> fields = textsOf(*data.data);
  if (fields.empty())
    fields = namedOf(*data.data);
  return functionOf(data.data, encodes, fields.size() == 1 ? fields[0] : nullptr, at);
}

Value textFunctionOf(Elaborator &e, const Value &function, std::string_view field, SourceRange at, SourceRange nameAt) {
  std::vector<std::string> names;
  for (const DataInfo::Field *one : namedOf(*function.data)) {
    if (one->name == field)
      return functionOf(function.data, function.function->name == "encode", one, at);
    names.push_back(one->name);
  }
  auto report = e.error(Diag::UnknownMember, nameAt, "`" + function.data->name + "." + function.function->name + "`",
                        std::string(field));
  report.help("it has " + listed(names));
  return e.poison(at);
}

std::optional<Value> vocabularySizes(const Value &data, std::string_view name, SourceRange at) {
  DataInfo &info = *data.data;
  const std::string kind = info.source ? info.source->kind : "";
  bool classes = name == "classes";
  std::vector<const DataInfo::Field *> fields =
      classes ? fieldsOf(info, [](Meaning meaning) { return meaning == Meaning::Classes; }) : textsOf(info);
  if (fields.empty())
    return std::nullopt;
  auto learnt = [&](const std::string &key) {
    auto found = info.learned.find(key);
    if (found == info.learned.end())
      found = info.learned.emplace(key, Size::ofData(info.name + "." + key, at)).first;
    return Value::ofSize(found->second, at);
  };
  std::string text(name);
  // One size where a source has one field of the kind, `photos.classes`; one for each where it may have several.
  if (fields.size() == 1 && !(classes && info.source && kind != "image_folder" && kind != "text_folder")) {
    Value size = learnt(text);
    size.data = info.source ? nullptr : data.data; // a saved one may be of a table: `classes.user`
    return size;
  }
  auto model = std::make_shared<ModelInstance>();
  model->name = info.name + "." + text;
  for (const DataInfo::Field *field : fields)
    model->entries.push_back({field->name, nullptr, std::make_shared<Value>(learnt(text + "." + field->name)), at});
  Value value = Value::unit(at);
  value.kind = Value::Model;
  value.model = model;
  return value;
}

std::optional<Value> vocabularySizeOf(const Value &size, std::string_view field, SourceRange at) {
  for (const char *what : {"vocab.", "classes."})
    if (auto found = size.data->learned.find(what + std::string(field)); found != size.data->learned.end())
      return Value::ofSize(found->second, at);
  return std::nullopt;
}

//===-- Classes -----------------------------------------------------------------------------------------------------===//

void setClasses(Value &tensor, const std::shared_ptr<DataInfo> &data, const DataInfo::Field &field) {
  if (!field.shape.empty() || meaningOf(*data, field) != Meaning::Classes)
    return;
  tensor.data = data;
  tensor.text = field.name;
}

/// The words that classes stand for; null while checking.
static std::shared_ptr<const std::vector<std::string>> wordsOf(Elaborator &e, const Value &classes) {
  return e.executor && classes.data->handle ? e.executor->strings(*classes.data, classes.text, true) : nullptr;
}

bool sameClasses(Elaborator &e, const char *what, llvm::ArrayRef<Value> tensors, SourceRange at) {
  const Value *first = nullptr;
  for (const Value &tensor : tensors) {
    if (!hasClasses(tensor))
      continue;
    if (!first) {
      first = &tensor;
      continue;
    }
    auto words = wordsOf(e, *first), others = wordsOf(e, tensor);
    if (!words || !others)
      continue;
    size_t count = std::min(words->size(), others->size());
    auto [mine, its] = std::mismatch(words->begin(), words->begin() + ptrdiff_t(count), others->begin());
    if (mine == words->begin() + ptrdiff_t(count)) // the one's words are the first ones of the other
      continue;
    auto named = [](const Value &classes) { return classes.data->name + "." + classes.text; };
    e.error(Diag::WrongType, tensor.at, fmt::format("an operand of `{}`", what), "numbers of other words",
            fmt::format("those of `{}`", named(*first)))
        .note(fmt::format("{} is `{}` in `{}` ({} words), and `{}` in `{}` ({} words)", mine - words->begin(), *mine,
                          named(*first), words->size(), *its, named(tensor), others->size()))
        .help(fmt::format("declare `{}: str` in `{}`, and take `{}.encode.{}({}.{})`; or read both from one file",
                          tensor.text, tensor.data->name, first->data->name, first->text, tensor.data->name,
                          tensor.text));
    return false;
  }
  return true;
}

Value classOf(Elaborator &e, const Value &word, const Value &classes) {
  if (word.kind != Value::String || !hasClasses(classes))
    return word;
  if (isLate(word)) {
    e.error(Diag::NotConstant, word.at, "a text that is compared");
    return e.poison(word.at);
  }
  Value number = Value::ofTensor(classes.dtype, {}, {}, word.at);
  if (!wordsOf(e, classes))
    return number;
  number.host = e.executor->encode(*classes.data, classes.text, word.text, word.at);
  return number.host ? Value::ofInteger(int64_t(elementAsDouble(number.dtype, number.host->data.get(), 0)), word.at)
                     : e.poison(word.at);
}

//===-- Texts by their places ---------------------------------------------------------------------------------------===//

bool isTexts(const Value &value) {
  auto isText = [](const Value &element) { return element.kind == Value::String && !isLate(element); };
  return value.kind == Value::Strings ||
         (value.kind == Value::List && !value.elements.empty() && llvm::all_of(value.elements, isText));
}

Value textAt(Elaborator &e, const Value &texts, const Value &given, SourceRange at) {
  const Value place = e.tensorOfList(given);
  if (place.poison())
    return e.poison(at);
  auto words = texts.strings;
  if (texts.kind == Value::List) {
    auto all = std::make_shared<std::vector<std::string>>();
    for (const Value &element : texts.elements)
      all->push_back(element.text);
    words = std::move(all);
  }
  if (!words) // while checking
    words = std::make_shared<const std::vector<std::string>>();
  Value text = Value::ofString("", at);
  if (place.isTensor() && isIntegral(place.dtype)) {
    Value piece = text;
    piece.strings = words;
    piece.elements = {place};
    text.elements = {piece};
    if (!place.host || place.ir)
      return text;
    std::optional<std::string> known = textOfPiece(e, piece, *place.host, at); // computed before
    return known ? Value::ofString(*known, at) : e.poison(at);
  }
  if (place.isTensor()) {
    e.error(Diag::WrongType, place.at, "an index", describe(place), "a whole number");
    return e.poison(at);
  }
  std::optional<int64_t> i = e.integerConstant(place, "an index of texts");
  if (!i)
    return e.poison(at);
  const int64_t n = int64_t(words->size());
  if (n == 0 && texts.kind == Value::Strings && !texts.strings)
    return textAt(e, texts, Value::ofTensor(DType::I64, {}, {}, place.at), at);
  if (*i < -n || *i >= n) {
    e.error(Diag::IndexRange, place.at, *i, n);
    return e.poison(at);
  }
  return Value::ofString((*words)[size_t(*i < 0 ? *i + n : *i)], at);
}

Value textsAt(const Value &texts, int64_t start, int64_t step, const Size &length, SourceRange at) {
  Value made = texts;
  made.at = at;
  if (texts.kind == Value::Strings)
    made.size = length;
  made.elements.clear();
  auto words = texts.strings ? std::make_shared<std::vector<std::string>>() : nullptr;
  for (int64_t i = 0; length.isConstant() && i < length.constant(); ++i)
    if (size_t place = size_t(start + i * step); texts.kind == Value::List)
      made.elements.push_back(texts.elements[place]);
    else if (words)
      words->push_back((*texts.strings)[place]);
  made.strings = std::move(words);
  return made;
}

std::optional<std::string> textOfPiece(Elaborator &e, const Value &piece, const HostBuffer &numbers, SourceRange at) {
  if (piece.data)
    return e.executor->decode(*piece.data, piece.elements[1].text, numbers, at);
  const std::vector<std::string> &words = *piece.strings;
  const int64_t n = int64_t(words.size()), count = int64_t(numbers.bytes / sizeOf(numbers.dtype));
  std::string text;
  for (int64_t k = 0; k < count; ++k) {
    int64_t i = int64_t(elementAsDouble(numbers.dtype, numbers.data.get(), k));
    if (i < -n || i >= n) {
      e.error(Diag::IndexRange, piece.elements[0].at, i, n);
      return std::nullopt;
    }
    text += (k ? ", " : "") + words[size_t(i < 0 ? i + n : i)];
  }
  return text;
}

bool settleTexts(Elaborator &e, Value &value) {
  if (value.kind != Value::String) {
    bool good = true;
    for (Value &element : value.elements)
      good = settleTexts(e, element) && good;
    return good;
  }
  if (value.data || value.strings) {
    HostBufferRef host = value.elements[0].values();
    std::optional<std::string> text = host ? textOfPiece(e, value, *host, value.at) : std::nullopt;
    if (!text)
      return false;
    value.text = *text;
    value.data = nullptr;
    value.strings = nullptr;
    value.elements.clear();
    return true;
  }
  for (Value &piece : value.elements) {
    if (!settleTexts(e, piece))
      return false;
    value.text += piece.text;
  }
  value.elements.clear();
  return true;
}

} // namespace dlc
