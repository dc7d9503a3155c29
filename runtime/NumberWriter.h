// Columns of numbers that stand for entries of a vocabulary. Internal to runtime.
#pragma once

#include "runtime/SourceColumns.h"

#include <fmt/format.h>

namespace dlc {

/// A column of whole numbers from 0 to limit - 1 while it is filled.
class NumberWriter {
public:
  /// An error when the field is of no whole numbers, or they do not hold `limit` of them.
  static Result<NumberWriter> create(const FieldSpec &field, int64_t rows, int64_t limit) {
    bool whole = field.dtype == DType::I32 || field.dtype == DType::I64 || field.dtype == DType::U8;
    int64_t most = field.dtype == DType::U8 ? 256 : int64_t(1) << 31;
    if (!whole || limit > most)
      return Error::plain(fmt::format("field `{}` is {}, but holds numbers from 0 to {}{}", field.name,
                                      nameOf(field.dtype), limit - 1, whole ? "" : "; declare it i32"));
    Result<NewColumn> made = newColumn(field, rows);
    if (!made)
      return made.error();
    NumberWriter writer;
    writer.made = std::move(*made);
    return writer;
  }

  void write(int64_t place, int64_t number) {
    switch (made.column.spec.dtype) {
    case DType::U8:
      reinterpret_cast<uint8_t *>(made.data)[place] = uint8_t(number);
      return;
    case DType::I32:
      reinterpret_cast<int32_t *>(made.data)[place] = int32_t(number);
      return;
    default:
      reinterpret_cast<int64_t *>(made.data)[place] = number;
    }
  }

  Column finish(std::shared_ptr<const Vocabulary> vocabulary) {
    made.column.vocabulary = std::move(vocabulary);
    return std::move(made.column);
  }

private:
  NewColumn made;
};

/// A column of texts as numbers, each as long as the field.
struct EncodedTexts {
  Column column;
  int64_t cut = 0; ///< texts that lose their end
};

inline Result<EncodedTexts> encodeTexts(const FieldSpec &field, std::shared_ptr<const Vocabulary> vocabulary,
                                        const std::vector<std::string> &texts) {
  int64_t length = field.shape[0], cut = 0;
  Result<NumberWriter> numbers = NumberWriter::create(field, int64_t(texts.size()), vocabulary->size());
  if (!numbers)
    return numbers.error();
  for (size_t row = 0; row < texts.size(); ++row) {
    bool lost = false;
    Result<std::vector<int64_t>> made = vocabulary->encode(texts[row], &lost);
    if (!made)
      return made.error();
    cut += lost;
    for (int64_t i = 0; i < length; ++i)
      numbers->write(int64_t(row) * length + i, (*made)[size_t(i)]);
  }
  return EncodedTexts{numbers->finish(std::move(vocabulary)), cut};
}

} // namespace dlc
