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

/// Whether a tensor's numbers are known to be classes: `data` is then the data set, `text` the field that says of what.
inline bool hasClasses(const Value &value) { return value.isTensor() && value.data != nullptr; }
/// What the numbers of another tensor stand for, those of this one do.
inline void takeClasses(Value &tensor, const Value &other) {
  tensor.strings = other.strings;
  tensor.data = other.data;
  tensor.text = other.text;
}
/// Gives a tensor the classes of a field, if it has any.
void setClasses(Value &tensor, const std::shared_ptr<DataInfo> &data, const DataInfo::Field &field);
/// Whether no two of these tensors are classes that stand for other words; reports those that do. `what` is done with them.
bool sameClasses(Elaborator &e, const char *what, llvm::ArrayRef<Value> tensors, SourceRange at);
/// A word as the number of its class, beside a tensor of them; anything else as it is. Poison when it is none of them.
Value classOf(Elaborator &e, const Value &word, const Value &classes);

/// `vocab` or `classes` of a data set: a size, or one for each field of that meaning as `ratings.classes` has them; nothing
/// when it has none.
std::optional<Value> vocabularySizes(const Value &data, std::string_view name, SourceRange at);

/// `classes.user` of a saved vocabulary with one field of classes.
std::optional<Value> vocabularySizeOf(const Value &size, std::string_view field, SourceRange at);

/// Whether a value is a list of known strings, or a column of strings.
bool isTexts(const Value &value);
/// The string at a place of such texts, which is known or computed: a tensor of places gives the text of all, by commas.
Value textAt(Elaborator &e, const Value &texts, const Value &given, SourceRange at);
/// Those of them from `start` on, each `step` places behind the one before.
Value textsAt(const Value &texts, int64_t start, int64_t step, const Size &length, SourceRange at);

/// Whether a string's text is only known when what it is made of was computed: its elements are its pieces, each a string,
/// the tensor and the field's name that it is decoded from (with `data`), or the places that it has in `strings`.
inline bool isLate(const Value &value) { return value.kind == Value::String && !value.elements.empty(); }
/// Puts the texts in place of late strings whose tensors were computed; false when an error was reported.
bool settleTexts(Elaborator &e, Value &value);
/// The text of numbers by such a piece; nothing when an error was reported.
std::optional<std::string> textOfPiece(Elaborator &e, const Value &piece, const HostBuffer &numbers, SourceRange at);

} // namespace dlc
