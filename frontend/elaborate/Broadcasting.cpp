// What two operands have in common: sizes that are equal, a dtype, and the shape that both broadcast to.
#include "frontend/elaborate/ActiveCalls.h"

namespace dlc {

using namespace ast;

std::optional<bool> Elaborator::sameSize(const Size &a, const Size &b) const {
  if (a == b)
    return true;
  if (a.isConstant() && b.isConstant())
    return false;
  if (Size::equivalent(a, b))
    return true;
  if (a.isFlexible() || b.isFlexible())
    return std::nullopt;
  if (decided(false, a - b).value_or(false))
    return true;
  // What else follows from two sizes that are equal here, each instance knows.
  for (const SizeFact &fact : assumed)
    if (!fact.less && fact.holds)
      return std::nullopt;
  return false;
}

void Elaborator::noteIs(DiagnosticEngine::Builder &builder, const Value &value) {
  if (value.at.valid() && !inLibrary(sources, value.at))
    builder.note(value.at, "this is " + describe(value));
}

void Elaborator::noteOrigins(DiagnosticEngine::Builder &builder, const Value &value, std::optional<size_t> axis) {
  auto inside = [&](SourceRange origin) { // the operand's own text shows it
    return origin.file == value.at.file && origin.begin >= value.at.begin && origin.end <= value.at.end;
  };
  for (size_t i = 0; i < value.shape.size(); ++i)
    if (SourceRange origin = value.shape[i].origin;
        (!axis || *axis == i) && origin.valid() && !inside(origin) && !inLibrary(sources, origin))
      builder.note(origin, "`" + value.shape[i].size.str() + "` comes from here");
}

/// Integers widen to the greater.
static int rankOfInt(DType dtype) { return dtype == DType::U8 ? 0 : dtype == DType::I32 ? 1 : 2; }

bool Elaborator::unifyDTypes(Value &lhs, Value &rhs, const char *what, SourceRange at, bool comparison) {
  // Numbers known while compiling stay numbers among themselves, and become tensors beside a tensor.
  const bool numbers = lhs.isNumber() && rhs.isNumber();
  auto as = [&](const Value &value, DType dtype) {
    return value.isTensor() ? cast(value, dtype, value.at)
           : numbers        ? convertNumber(value, dtype, value.at)
                            : tensorOf(value, dtype);
  };
  auto literal = [&](Value &number, const Value &other) {
    if (number.kind == Value::Number && number.isFloat && !isFloating(other.dtype)) {
      error(Diag::TypeMix, at, what, describe(lhs), describe(rhs))
          .note(number.at, "this literal is a floating-point number")
          .help(fmt::format("convert the integers first: `f32({})`", shortText(other.at)));
      return false;
    }
    bool fits = other.dtype == DType::Bool || fitsIn(number, other.dtype);
    if (!fits && !comparison) {
      const Value whole = numberOf(number);
      error(Diag::DoesNotFit, number.at, fmt::format("{}", whole.integer), nameOf(other.dtype))
          .help(fmt::format("convert the integers first: `{}({})`",
                            whole.integer == int32_t(whole.integer) ? "i32" : "i64", shortText(other.at)));
      return false;
    }
    // What does not fit is compared exactly, in i64.
    number = as(number, fits ? other.dtype : DType::I64);
    number.soft = other.soft;
    return true;
  };
  bool leftIsLiteral = lhs.isNumber() && lhs.weak, rightIsLiteral = rhs.isNumber() && rhs.weak;
  if (leftIsLiteral && rightIsLiteral) {
    DType common = lhs.isFloat || rhs.isFloat ? DType::F32 : DType::I64;
    lhs = tensorOf(lhs, common);
    rhs = tensorOf(rhs, common);
  } else if (leftIsLiteral && (rhs.isTensor() || numbers)) {
    if (!literal(lhs, rhs))
      return false;
  } else if (rightIsLiteral && (lhs.isTensor() || numbers)) {
    if (!literal(rhs, lhs))
      return false;
  }
  if (!numbers) {
    lhs = tensorOf(lhs);
    rhs = tensorOf(rhs);
  }
  if (lhs.poison() || rhs.poison())
    return false;
  if (lhs.soft != rhs.soft) {
    Value &soft = lhs.soft ? lhs : rhs;
    const Value &hard = lhs.soft ? rhs : lhs;
    if (isFloating(hard.dtype)) {
      soft = cast(soft, hard.dtype, soft.at);
      soft.soft = false;
    }
  }
  if (lhs.dtype == rhs.dtype)
    return true;
  if (isIntegral(lhs.dtype) && isIntegral(rhs.dtype)) {
    DType wide = rankOfInt(lhs.dtype) > rankOfInt(rhs.dtype) ? lhs.dtype : rhs.dtype;
    lhs = as(lhs, wide);
    rhs = as(rhs, wide);
    return true;
  }
  auto report = error(Diag::TypeMix, at, what, describe(lhs), describe(rhs));
  DType to = isFloating(lhs.dtype) && !isFloating(rhs.dtype) ? lhs.dtype
             : isFloating(rhs.dtype)                         ? rhs.dtype
                                                             : lhs.dtype;
  bool castLeft = to == rhs.dtype;
  noteIs(report, lhs);
  noteIs(report, rhs);
  report.help(fmt::format("write the conversion: `{}({})`", nameOf(to), shortText(castLeft ? lhs.at : rhs.at)));
  return false;
}

/// In the block of a training, outside of functions, `[n, 1]` beside `[n]` is rarely meant, unless somebody made the column
/// on purpose.
static void warnOfPairs(Elaborator &e, const Value &lhs, const Value &rhs, const Shape &shape, const char *what,
                        SourceRange at) {
  const Value &column = lhs.shape.size() > rhs.shape.size() ? lhs : rhs, &row = &column == &lhs ? rhs : lhs;
  auto isMeant = [&](SourceRange origin) {
    std::string_view text = origin.valid() ? e.sources.text(origin) : "";
    return text.find("expand_dims") != text.npos || text.find("reshape") != text.npos;
  };
  if (column.shape.size() != 2 || row.shape.size() != 1 || column.shape[1].size != Size(1) ||
      column.shape[0].size == Size(1) || column.shape[0].size != row.shape[0].size || inLibrary(e.sources, at) ||
      isMeant(column.shape[1].origin))
    return;
  std::string text = e.shortText(column.at, "");
  e.error(Diag::PairsOfRows, at, str(lhs.shape), str(rhs.shape), str(shape), what)
      .help(fmt::format("{} is what has a number for each row; if all pairs are meant, `expand_dims(.., axis: 1)` "
                        "makes the column",
                        text.empty() ? "the column `x` as `x[:, 0]`" : "`" + text + "[:, 0]`"));
}

std::optional<Shape> Elaborator::broadcastShapes(const Value &lhs, const Value &rhs, const char *what, SourceRange at) {
  const Value &longer = lhs.shape.size() >= rhs.shape.size() ? lhs : rhs;
  const Value &shorter = &longer == &lhs ? rhs : lhs;
  Shape shape = longer.shape;
  size_t offset = longer.shape.size() - shorter.shape.size();
  for (size_t i = 0; i < shorter.shape.size(); ++i) {
    const Dim &a = longer.shape[i + offset];
    const Dim &b = shorter.shape[i];
    auto one = [](const Dim &dim) { return dim.size.isConstant() && dim.size.constant() == 1; };
    if (one(a)) {
      shape[i + offset] = b;
    } else if (!one(b) && !sameSize(a.size, b.size).value_or(true)) {
      auto report = error(Diag::ShapeMismatch, at, str(lhs.shape), str(rhs.shape), what);
      noteIs(report, lhs);
      noteIs(report, rhs);
      noteOrigins(report, longer, i + offset);
      noteOrigins(report, shorter, i);
      // The likely repair: the other axis order, or an axis of size 1.
      if (lhs.shape.size() == 2 && rhs.shape.size() == 2 && lhs.shape[0].size == rhs.shape[1].size &&
          lhs.shape[1].size == rhs.shape[0].size)
        report.help("transpose the second operand?");
      else if (shorter.shape.size() == 1 && longer.shape.size() == 2 && shorter.shape[0].size == longer.shape[0].size)
        report.help("shapes are aligned at the last axis; `expand_dims(.., axis: 1)` makes a column of it");
      return std::nullopt;
    } else if (!one(b) && a.size.isFlexible() && !b.size.isFlexible()) {
      shape[i + offset] = b;
    }
  }
  if (training && checkItems && !emitting() && !differentiated.empty() && callSites.empty())
    warnOfPairs(*this, lhs, rhs, shape, what, at);
  return shape;
}

} // namespace dlc
