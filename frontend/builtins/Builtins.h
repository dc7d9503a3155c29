// The functions of the library that are written in C++: what the language cannot say of itself. The rest is in std/*.dl.
#pragma once

#include "frontend/elaborate/Elaborator.h"

namespace dlc {

/// Adds what a builtin does to a table, one family a function. Its parameters are declared in std/builtins.
class BuiltinTable {
public:
  explicit BuiltinTable(std::vector<std::unique_ptr<Builtin>> &table) : table(table) {}
  Builtin &add(std::string name, std::function<Value(Elaborator &, CallSite &)> apply) {
    table.push_back(std::make_unique<Builtin>(Builtin{std::move(name), std::move(apply)}));
    return *table.back();
  }

private:
  std::vector<std::unique_ptr<Builtin>> &table;
};

void addElementwiseBuiltins(BuiltinTable &table);
void addReductionBuiltins(BuiltinTable &table);
void addCheckBuiltins(BuiltinTable &table);
void addShapeBuiltins(BuiltinTable &table);
void addMovementBuiltins(BuiltinTable &table);
void addOrderBuiltins(BuiltinTable &table);
void addLinalgBuiltins(BuiltinTable &table);
void addProductBuiltins(BuiltinTable &table);
void addConvolutionBuiltins(BuiltinTable &table);
void addPoolingBuiltins(BuiltinTable &table);
void addResizeBuiltins(BuiltinTable &table);
void addMakerBuiltins(BuiltinTable &table);
void addRandomBuiltins(BuiltinTable &table);
void addGradientBuiltins(BuiltinTable &table);
void addRowBuiltins(BuiltinTable &table);
void addRunBuiltins(BuiltinTable &table);
void addSourceBuiltins(BuiltinTable &table);
void addShowBuiltins(BuiltinTable &table);

/// More elements than any tensor has.
inline constexpr double maxElements = 1e14;

//===-- Helpers for reading arguments; each reports what does not fit and then gives nothing. --------------------===//

/// Argument `i` as a tensor (lists and numbers become tensors). Poison when it is none.
Value tensorArgument(Elaborator &e, CallSite &site, size_t i, std::optional<DType> dtype = std::nullopt);
/// The same, and floating-point.
Value floatArgument(Elaborator &e, CallSite &site, size_t i);
/// Argument `i`, an axis or a list of different axes of a tensor, in increasing order; absent: all axes.
std::optional<std::vector<int64_t>> axesArgument(Elaborator &e, CallSite &site, size_t i, const Value &tensor);
/// The same, in the order given.
std::optional<std::vector<int64_t>> permutationArgument(Elaborator &e, CallSite &site, size_t i, const Value &tensor);
/// Argument `i`, one axis.
std::optional<int64_t> axisArgument(Elaborator &e, CallSite &site, size_t i, const Value &tensor, int64_t absent);
/// Argument `i`, a list of sizes (or one); with `open`, -1 may stand for a size that follows.
std::optional<Shape> shapeArgument(Elaborator &e, CallSite &site, size_t i, bool open = false);
/// Argument `i`, a size of a new axis: not negative.
std::optional<Size> lengthArgument(Elaborator &e, CallSite &site, size_t i, const char *what);
/// Argument `i`, a whole number, or a list of one for each of `count` axes; absent: `absent` each.
std::optional<std::vector<int64_t>> numbersArgument(Elaborator &e, CallSite &site, size_t i, size_t count,
                                                    int64_t absent);
std::optional<bool> boolArgument(Elaborator &e, CallSite &site, size_t i, bool absent);
std::optional<double> numberArgument(Elaborator &e, CallSite &site, size_t i, double absent);
/// The part of an axis that begins at `start`.
Value sliceAlong(Elaborator &e, const Value &x, int64_t axis, int64_t start, const Size &length, SourceRange at);
/// The same where `start`, an integer scalar, is computed: checked, negative ones counting from the end.
Value computedSlice(Elaborator &e, const Value &x, int64_t axis, const Value &start, const Size &length,
                    SourceRange at);
/// `split` of a tensor: arguments x, size, axis.
Value splitTensor(Elaborator &e, CallSite &site);
/// `fold` of a tensor: windows (arguments 2 to 5: kernel, stride, padding, dilation) added up to images of a size (argument 1).
Value foldTensor(Elaborator &e, CallSite &site);

} // namespace dlc
