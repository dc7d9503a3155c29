// text_folder("names/*.txt", length: n, alphabet: ..): a line is an example, a file a class.
#include "runtime/Files.h"
#include "runtime/NumberWriter.h"
#include "runtime/Words.h"

#include <algorithm>
#include <filesystem>
#include <fmt/format.h>
#include <set>

namespace dlc {

namespace {
struct Lines {
  std::vector<std::string> texts;   ///< without marks and blanks around
  std::vector<std::string> classes; ///< stems of the files
  std::vector<int64_t> labels;
};
} // namespace

static Result<Lines> readLines(std::vector<std::string> files) {
  Lines lines;
  auto stem = [](const std::string &file) {
    std::filesystem::path path(file.ends_with(".gz") ? file.substr(0, file.size() - 3) : file);
    return path.stem().string();
  };
  std::sort(files.begin(), files.end(), [&](const std::string &a, const std::string &b) { return stem(a) < stem(b); });
  for (const std::string &file : files) {
    std::string name = stem(file);
    std::string whole;
    for (std::string_view letter : lettersOf(name))
      whole += letter;
    if (whole != name)
      return Error::inFile(file, "its name is to be that of a class, but is not UTF-8");
    if (!lines.classes.empty() && lines.classes.back() == name)
      return Error::inFile(file, fmt::format("is a second file of the class `{}`", name));
    Result<std::string> text = readText(file);
    if (!text)
      return text.error();
    size_t before = lines.texts.size();
    for (std::string_view line : linesOf(*text))
      if (std::string_view inner = stripped(line); !inner.empty()) {
        lines.texts.push_back(withoutMarks(inner));
        lines.labels.push_back(int64_t(lines.classes.size()));
      }
    if (lines.texts.size() == before)
      return Error::inFile(file, "has no line with letters");
    lines.classes.push_back(std::move(name));
  }
  return lines;
}

/// The padding, then the letters of `alphabet` in its order, or those met in the order of their code points.
static Result<std::vector<std::string>> alphabetOf(const std::optional<std::string> &alphabet, const Lines &lines) {
  std::vector<std::string> entries = {""};
  if (!alphabet) {
    std::set<std::string_view> met;
    for (const std::string &line : lines.texts)
      for (std::string_view letter : lettersOf(line))
        met.insert(letter);
    entries.insert(entries.end(), met.begin(), met.end());
    return entries;
  }
  std::set<std::string_view> seen;
  for (std::string_view letter : lettersOf(*alphabet)) {
    if (!seen.insert(letter).second)
      return Error::plain(fmt::format("`alphabet` has {} twice", shownLetter(letter)));
    entries.emplace_back(letter);
  }
  if (entries.size() == 1)
    return Error::plain("`alphabet` has no letters");
  return entries;
}

static Result<void> checkFields(const std::vector<FieldSpec> &fields) {
  if (fields.size() > 2 || fields[0].kind != FieldSpec::Kind::Number || fields[0].shape.size() != 1)
    return Error::plain("`text_folder` gives the letters of a line, `letters: u8[20]`, and perhaps its class, "
                        "`language: category`");
  if (fields.size() == 2 && (fields[1].kind == FieldSpec::Kind::String || !fields[1].shape.empty()))
    return Error::plain(fmt::format("field `{}` is the class of a line: a number, or `category`", fields[1].name));
  return {};
}

SourceResult openTextFolder(ArgumentReader &arguments, const std::vector<FieldSpec> &fields, const SearchPaths &paths) {
  Result<std::string> pattern = arguments.text("");
  if (!pattern)
    return pattern.error();
  if (Result<void> ok = checkFields(fields); !ok)
    return ok.error();
  int64_t length = fields[0].shape[0];
  Result<double> asked = arguments.number("length", double(length), 1, true);
  if (!asked)
    return asked.error();
  if (int64_t(*asked) != length)
    return Error::plain(fmt::format("`length` is {}, but `{}` is declared {}", int64_t(*asked), fields[0].name,
                                    typeName(fields[0].dtype, fields[0].shape)));
  std::optional<std::string> alphabet;
  if (arguments.has("alphabet")) {
    Result<std::string> given = arguments.text("alphabet");
    if (!given)
      return given.error();
    alphabet = *given;
  }
  if (Result<void> ok = arguments.finish(); !ok)
    return ok.error();
  Result<std::vector<std::string>> files = paths.findAll(*pattern);
  if (!files)
    return files.error();
  Result<Lines> lines = readLines(std::move(*files));
  if (!lines)
    return lines.error();
  Result<std::vector<std::string>> letters = alphabetOf(alphabet, *lines);
  if (!letters)
    return letters.error();
  OpenedSource opened{int64_t(lines->texts.size()), {}};
  auto vocabulary = std::make_shared<const Vocabulary>(Vocabulary::Kind::Letters, std::move(*letters),
                                                       Vocabulary::Form{fields[0].dtype, length});
  Result<EncodedTexts> letterNumbers = encodeTexts(fields[0], vocabulary, lines->texts);
  if (!letterNumbers)
    return letterNumbers.error();
  opened.columns.push_back(std::move(letterNumbers->column));
  if (int64_t cut = letterNumbers->cut)
    opened.notes.push_back(
        fmt::format("{} of {} lines are longer than {} and lose their end", cut, opened.rows, length));
  if (fields.size() == 2) {
    auto classes = std::make_shared<const Vocabulary>(Vocabulary::Kind::Classes, std::move(lines->classes),
                                                      Vocabulary::Form{fields[1].dtype});
    Result<NumberWriter> labels = NumberWriter::create(fields[1], opened.rows, classes->size());
    if (!labels)
      return labels.error();
    for (int64_t row = 0; row < opened.rows; ++row)
      labels->write(row, lines->labels[size_t(row)]);
    opened.columns.push_back(labels->finish(classes));
    if (classes->size() == 1)
      opened.notes.push_back(fmt::format("there is one class alone, `{}`", classes->entries()[0]));
  }
  return opened;
}

} // namespace dlc
