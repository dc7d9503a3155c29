// text("file", window: n): every offset is an example, the numbers of the n letters from there on.
#include "runtime/NumberWriter.h"
#include "runtime/Words.h"

#include <algorithm>
#include <fmt/format.h>
#include <unordered_set>

namespace dlc {

/// The distinct letters, in the order of their code points, which is that of their bytes.
static std::vector<std::string> lettersMet(const std::vector<std::string_view> &letters) {
  std::unordered_set<std::string_view> met(letters.begin(), letters.end());
  std::vector<std::string> sorted(met.begin(), met.end());
  std::sort(sorted.begin(), sorted.end());
  return sorted;
}

SourceResult openText(ArgumentReader &arguments, const std::vector<FieldSpec> &fields, const SearchPaths &paths) {
  Result<std::string> name = arguments.text("");
  if (!name)
    return name.error();
  const FieldSpec &field = fields[0];
  if (fields.size() != 1 || field.kind != FieldSpec::Kind::Number || field.shape.size() != 1)
    return Error::plain(
        fmt::format("`text` gives one field of numbers, `{}: i32[n]`, n letters from each place on", field.name));
  int64_t length = field.shape[0];
  Result<double> window = arguments.number("window", double(length), 1, true);
  if (!window)
    return window.error();
  if (int64_t(*window) != length)
    return Error::plain(fmt::format("`window` is {}, but `{}` is declared {}", int64_t(*window), field.name,
                                    typeName(field.dtype, field.shape)));
  if (Result<void> ok = arguments.finish(); !ok)
    return ok.error();
  Result<std::string> path = paths.find(*name);
  if (!path)
    return path.error();
  Result<std::string> text = readText(*path);
  if (!text)
    return text.error();
  std::vector<std::string_view> letters = lettersOf(*text);
  if (int64_t(letters.size()) < length)
    return Error::inFile(*path, fmt::format("has {} letters, fewer than one window of {}", letters.size(), length));
  Vocabulary::Form form{field.dtype};
  auto vocabulary = std::make_shared<const Vocabulary>(Vocabulary::Kind::Letters, lettersMet(letters), form);
  // One number a letter: the windows lie over one another.
  FieldSpec one = field;
  one.shape = {};
  Result<NumberWriter> numbers = NumberWriter::create(one, int64_t(letters.size()), vocabulary->size());
  if (!numbers)
    return numbers.error();
  for (size_t i = 0; i < letters.size(); ++i)
    numbers->write(int64_t(i), vocabulary->find(letters[i]));
  Column column = numbers->finish(vocabulary);
  column.spec = field;
  column.stride = one.rowBytes();
  return OpenedSource{int64_t(letters.size()) - length + 1, {std::move(column)}};
}

} // namespace dlc
