// What the sources share: reading their arguments, and making columns of arrays as they stand in files. Internal to
// runtime.
#pragma once

#include "runtime/Sources.h"

#include <set>

namespace dlc {

/// A dense row-major array as a file holds it; its first axis counts the examples.
struct FileArray {
  std::string file;
  DType dtype;
  std::vector<int64_t> shape;
  const void *data; ///< need not be aligned
};

/// Memory for `rows` examples of the field, zeroed, and where to write them. `data` of the column points to it.
struct NewColumn {
  Column column;
  std::byte *data; ///< the column's memory, writable until it is given away
};
Result<NewColumn> newColumn(const FieldSpec &field, int64_t rows);

/// The column of a declared field from an array: the shape must be [rows, declared shape], and the declared dtype must
/// hold every value; but a float becomes a narrower float by rounding, unless it would become infinite. A category numbers the distinct values. A string field cannot be read from numbers.
Result<Column> columnOf(const FieldSpec &field, const FileArray &array);

/// Reads the arguments of one source and finds those that it does not know.
class ArgumentReader {
public:
  ArgumentReader(std::string kind, const SourceArguments &arguments);

  /// The text given by `name`, or by the first position when `name` is empty.
  Result<std::string> text(const std::string &name);
  /// The number given by `name`, or `byDefault`. `whole` asks for an integer; it must be at least `least`.
  Result<double> number(const std::string &name, double byDefault, double least, bool whole);
  /// What is given by `name`, or null.
  const SourceValue *value(const std::string &name);
  /// The list of numbers given by `name`; nothing without it.
  Result<std::optional<std::vector<double>>> numbers(const std::string &name);
  /// The files of an argument for each field, `idx(image: "a", label: "b")`, looked up; no other arguments are left
  /// then.
  Result<std::vector<std::string>> filesOfFields(const std::vector<FieldSpec> &fields, const SearchPaths &paths);
  /// The file given by the first position, looked up; no other arguments are left then.
  Result<std::string> onlyFile(const SearchPaths &paths);
  /// An error when there are arguments that were not asked for.
  Result<void> finish() const;
  bool has(const std::string &name) const { return arguments.named.contains(name); }
  int threads() const { return arguments.threads; }
  size_t positional() const { return arguments.positional.size(); }

private:
  std::string kind;
  const SourceArguments &arguments;
  std::set<std::string> asked;
  size_t positionsAsked = 0;
};

/// What a source finds: columns in the order of the fields.
struct OpenedSource {
  int64_t rows = 0;
  std::vector<Column> columns;
  std::vector<std::string> notes = {}; ///< Dataset::notes
};
using SourceResult = Result<OpenedSource>;

/// Arrays from files, one for each field, all with as many examples.
SourceResult openArrays(const std::vector<FieldSpec> &fields, const std::vector<FileArray> &arrays);

// The sources themselves.
SourceResult openIdx(ArgumentReader &arguments, const std::vector<FieldSpec> &fields, const SearchPaths &paths);
SourceResult openCsv(ArgumentReader &arguments, const std::vector<FieldSpec> &fields, const SearchPaths &paths);
SourceResult openNpy(ArgumentReader &arguments, const std::vector<FieldSpec> &fields, const SearchPaths &paths);
SourceResult openSafetensors(ArgumentReader &arguments, const std::vector<FieldSpec> &fields, const SearchPaths &paths);
SourceResult openCifar10(ArgumentReader &arguments, const std::vector<FieldSpec> &fields, const SearchPaths &paths);
SourceResult openImageFolder(ArgumentReader &arguments, const std::vector<FieldSpec> &fields, const SearchPaths &paths);
SourceResult openSpiral(ArgumentReader &arguments, const std::vector<FieldSpec> &fields, const SearchPaths &paths);
SourceResult openText(ArgumentReader &arguments, const std::vector<FieldSpec> &fields, const SearchPaths &paths);
SourceResult openTextFolder(ArgumentReader &arguments, const std::vector<FieldSpec> &fields, const SearchPaths &paths);
SourceResult openSentencePairs(ArgumentReader &arguments, const std::vector<FieldSpec> &fields,
                               const SearchPaths &paths);
SourceResult openMoons(ArgumentReader &arguments, const std::vector<FieldSpec> &fields, const SearchPaths &paths);

} // namespace dlc
