// Windows along axes, and padding: what convolutions, pooling and `unfold` have in common.
#pragma once

#include "frontend/builtins/Builtins.h"

namespace dlc {

/// Padding in front and behind, for each axis.
using Widths = std::vector<std::pair<Size, Size>>;

/// Windows along one axis, as arguments say them: named sizes while checking, numbers in an instance.
struct WindowAxis {
  int64_t axis;
  Size taps{1}, step{1}, spread{1};
  /// Padding in front and behind.
  Size low{0}, high{0};

  /// What the taps of a window reach over.
  Size reach() const { return (taps - Size(1)) * spread + Size(1); }
  /// How many windows there are along an axis of `size`: div(size + low + high - reach, step) + 1.
  Size positions(const Size &size) const { return Size::floorDiv(size + low + high - reach(), step) + Size(1); }
};

/// x with zeros around. Reports what would be too large, as all of these do.
Value padWithZeros(Elaborator &e, const Value &x, const Widths &widths, SourceRange at);
/// The same with `fill` in place of zeros (a number of x's dtype).
Value padWith(Elaborator &e, const Value &x, const Widths &widths, double fill, SourceRange at);
/// The ways of padding that take elements of x.
enum class PadMode { Reflect, Replicate, Circular };
/// The mode of that name (a string); reports others.
std::optional<PadMode> padModeArgument(Elaborator &e, CallSite &site, size_t i);
/// Reports a width that x is too small for.
Value padByMode(Elaborator &e, const Value &x, const Widths &widths, PadMode mode, SourceRange at);

/// The widths of `axes` for each axis of a tensor of `rank`.
Widths widthsOf(size_t rank, const std::vector<WindowAxis> &axes);
/// The windows of x, padded already: positions in the axes' places, taps behind.
Value windowsOf(Elaborator &e, const Value &x, const std::vector<WindowAxis> &axes, SourceRange at);
/// Windows added up where they overlap, on axes of the sizes `extents` (the padding included).
Value overlapAdd(Elaborator &e, const Value &windows, const std::vector<WindowAxis> &axes,
                 const std::vector<Size> &extents, SourceRange at);
/// x without the padding: along each axis `sizes` elements from `low` on.
Value withoutPadding(Elaborator &e, const Value &x, const std::vector<WindowAxis> &axes, const std::vector<Size> &sizes,
                     SourceRange at);

/// Reports a shape with more elements than any tensor has; true when it has.
bool tooLarge(Elaborator &e, const Shape &shape, SourceRange at);
/// Reports a window that does not fit; true when all do. Of a pool, padding is at most half of the kernel.
bool windowsFit(Elaborator &e, CallSite &site, const Value &x, const std::vector<WindowAxis> &axes, bool pools = false);
/// A whole number or a size of at least `least`; `what` names it.
std::optional<Size> countOf(Elaborator &e, const Value &value, const std::string &what, int64_t least);
/// Argument `i`, a count for each spatial axis, each at least `least`.
std::optional<std::vector<Size>> countsArgument(Elaborator &e, CallSite &site, size_t i, size_t count, int64_t absent,
                                                int64_t least, const char *what);
/// Argument 0, a float tensor of batch, channels and `spatial` axes.
Value spatialArgument(Elaborator &e, CallSite &site, size_t spatial);
/// A constant tensor of f64 numbers converted to `dtype`; only an instance asks for the numbers. Reports more numbers than
/// a program should hold.
Value constantOf(Elaborator &e, llvm::function_ref<std::vector<double>()> numbers, DType dtype, Shape shape,
                 SourceRange at);

} // namespace dlc
