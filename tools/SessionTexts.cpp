// Texts in a session: encoded and decoded by the vocabularies of opened data and of saved models.
#include "tools/Session.h"

#include "runtime/Checkpoint.h"

#include <fmt/format.h>

namespace dlc {

static std::shared_ptr<const Vocabulary> vocabularyOf(const DataInfo &info, const std::string &field) {
  if (info.source)
    return datasetOf(info)->column(field)->vocabulary;
  return std::static_pointer_cast<const Vocabularies>(info.handle)->at(field);
}

std::shared_ptr<const std::vector<std::string>> Session::strings(const DataInfo &info, const std::string &field,
                                                                 bool classes) {
  if (!classes) // reading rows of strings cannot fail
    return datasetOf(info)->dense(field)->strings;
  std::shared_ptr<const Vocabulary> vocabulary = vocabularyOf(info, field);
  return vocabulary ? std::shared_ptr<const std::vector<std::string>>(vocabulary, &vocabulary->entries()) : nullptr;
}

HostBufferRef Session::encode(const DataInfo &data, const std::string &field, const std::string &text, SourceRange at) {
  std::shared_ptr<const Vocabulary> vocabulary = vocabularyOf(data, field);
  Result<std::vector<int64_t>> numbers = vocabulary->encode(text);
  if (!numbers) {
    reportError(diagnostics, Diag::DataProblem, at, numbers.error());
    return nullptr;
  }
  auto buffer = std::make_shared<HostBuffer>();
  // As the field is declared: the numbers are compared with it.
  buffer->dtype = llvm::find_if(data.fields, [&](const DataInfo::Field &one) { return one.name == field; })->dtype;
  if (vocabulary->kind() != Vocabulary::Kind::Classes)
    buffer->shape = {int64_t(numbers->size())};
  buffer->bytes = numbers->size() * sizeOf(buffer->dtype);
  Result<Arena> memory = Arena::allocate(buffer->bytes + 64);
  if (!memory) {
    reportError(diagnostics, Diag::RunProblem, at, memory.error());
    return nullptr;
  }
  auto held = std::make_shared<Arena>(std::move(*memory));
  for (size_t i = 0; i < numbers->size(); ++i)
    setElement(buffer->dtype, held->data(), int64_t(i), double((*numbers)[i]));
  buffer->data = std::shared_ptr<void>(held, held->data());
  return buffer;
}

std::optional<std::string> Session::decode(const DataInfo &data, const std::string &field, const HostBuffer &numbers,
                                           SourceRange at) {
  std::shared_ptr<const Vocabulary> vocabulary = vocabularyOf(data, field);
  int64_t count = elementCount(numbers.shape).value_or(0);
  std::vector<int64_t> all(static_cast<size_t>(count));
  convertExactly(numbers.dtype, numbers.data.get(), DType::I64, all.data(), count);
  // Each row of the last axis is a text; classes are one each.
  bool rows = vocabulary->kind() != Vocabulary::Kind::Classes && !numbers.shape.empty() && numbers.shape.back() > 0;
  size_t length = rows ? size_t(numbers.shape.back()) : std::max<size_t>(all.size(), 1);
  std::string text;
  for (size_t begin = 0; begin < all.size(); begin += length) {
    Result<std::string> row = vocabulary->decode(std::span(all).subspan(begin, std::min(length, all.size() - begin)));
    if (!row) {
      reportError(diagnostics, Diag::DataProblem, at, row.error());
      return std::nullopt;
    }
    text += (begin ? "\n" : "") + *row;
  }
  return text;
}

const Vocabularies *vocabulariesOf(const ModelInstance &model) {
  return static_cast<const Vocabularies *>(model.vocabularies.get());
}

bool Session::understands(const ModelInstance &model, const DataInfo &info, const std::vector<std::string> &fields,
                          SourceRange at) {
  const Vocabularies *known = vocabulariesOf(model);
  if (!known)
    return true;
  const Vocabularies all =
      info.source ? datasetOf(info)->vocabularies() : *std::static_pointer_cast<Vocabularies>(info.handle);
  for (auto &[field, met] : all) {
    auto found = known->find(field);
    bool isAsked = fields.empty() || std::find(fields.begin(), fields.end(), field) != fields.end();
    if (!isAsked || found == known->end() || found->second->agrees(*met))
      continue;
    diagnostics
        .report(Diag::DataProblem, at,
                fmt::format("the numbers of `{}` do not stand in `{}` for what the model learned", field, info.name))
        .note(found->second->difference(*met, "the model", "the data"))
        .help(met->kind() == Vocabulary::Kind::Classes
                  ? fmt::format("the words of a column that is declared `str` get the model's numbers: "
                                "`vocabulary(file).encode.{}({}.{})`",
                                field, info.name, field)
                  : "parts of one source have one vocabulary: `source(..) |> split(train: 0.9)`");
    return false;
  }
  return true;
}

Result<void> Session::checkLoaded(const std::string &file, const Vocabularies &saved, const Vocabularies *model) const {
  if (model)
    return checkVocabularies(file, saved, *model, "the model");
  // It may be made for any of the data sets: one with the file's vocabulary is enough.
  std::map<std::string, Result<void>> fields;
  for (const std::weak_ptr<const Dataset> &one : opened)
    if (std::shared_ptr<const Dataset> data = one.lock())
      for (auto &[field, vocabulary] : data->vocabularies()) {
        Result<void> same = checkVocabularies(file, saved, {{field, vocabulary}}, "`" + data->name() + "`");
        auto [found, added] = fields.emplace(field, same);
        if (!added && same)
          found->second = same;
      }
  for (auto &[field, same] : fields)
    if (!same)
      return same;
  return {};
}

std::shared_ptr<DataInfo> Session::vocabulary(const std::string &name, SourceRange at) {
  Result<std::string> file = paths.find(name);
  Result<Vocabularies> read = file ? readVocabularies(*file) : file.error();
  if (read && read->empty())
    read = Error::inFile(*file, "was saved with no vocabulary");
  if (!read) {
    reportError(diagnostics, Diag::DataProblem, at, read.error());
    return nullptr;
  }
  auto info = std::make_shared<DataInfo>();
  info->name = name;
  info->at = at;
  for (auto &[field, vocabulary] : *read) {
    bool classes = vocabulary->kind() == Vocabulary::Kind::Classes;
    DataInfo::Field made;
    made.name = field;
    made.dtype = vocabulary->form().dtype;
    made.at = at;
    if (vocabulary->form().length > 0)
      made.shape = {{Size(vocabulary->form().length), at}};
    info->fields.push_back(std::move(made));
    const std::string what = classes ? "classes" : "vocab";
    info->learned[what] = info->learned[what + "." + field] = Size(vocabulary->size());
    if (vocabulary->kind() == Vocabulary::Kind::Letters)
      info->learned["letters." + field] = Size(vocabulary->size());
  }
  info->handle = std::make_shared<Vocabularies>(std::move(*read));
  return info;
}

} // namespace dlc
