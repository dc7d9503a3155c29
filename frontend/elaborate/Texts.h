// Texts of data sets: numbers for them, and texts that only running knows.
#pragma once

#include "frontend/elaborate/Elaborator.h"

namespace dlc {

/// What the numbers of a field stand for.
enum class Meaning { Numbers, Classes, Letters, Words };
Meaning meaningOf(const DataInfo &data, const DataInfo::Field &field);

/// `encode` or `decode` of a data set, as a function; it has a member for each field whose numbers stand for something.
Value textFunction(const Value &data, bool encodes, SourceRange at);
/// That of one field: `pairs.encode.src`. Reports a field without a vocabulary.
Value textFunctionOf(Elaborator &e, const Value &function, std::string_view field, SourceRange at, SourceRange nameAt);

/// `vocab` or `classes` of a data set: a size, or one for each field of that meaning as `ratings.classes` has them; nothing
/// when it has none.
std::optional<Value> vocabularySizes(const Value &data, std::string_view name, SourceRange at);

/// `classes.user` of a saved vocabulary with one field of classes.
std::optional<Value> vocabularySizeOf(const Value &size, std::string_view field, SourceRange at);

/// Whether a string's text is only known when what it is made of was computed: its elements are its pieces, each a string
/// or (with `data`) the tensor and the field's name that it is decoded from.
inline bool isLate(const Value &value) { return value.kind == Value::String && !value.elements.empty(); }
/// Puts the texts in place of late strings whose tensors were computed; false when an error was reported.
bool settleTexts(Elaborator &e, Value &value);

} // namespace dlc
