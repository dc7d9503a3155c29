// Indexing and slicing: `x[i, 1:3, :, -1]`, rows by an integer tensor, elements set.
#include "frontend/Elaborator.h"

#include "ir/Dialect.h"

namespace dlc {

using namespace ast;

/// One axis of an index, decided: a slice start, length and step, or an index that takes the axis away.
namespace {
struct AxisIndex {
  bool keep = true;
  int64_t start = 0, step = 1;
  Size length;
};
} // namespace

Value Elaborator::index(const IndexExpr &expr, const ScopeRef &scope) {
  Value base = expression(*expr.base, scope);
  if (base.poison())
    return poison(expr.range);
  if (base.kind == Value::List || base.kind == Value::Tuple) {
    if (expr.entries.size() != 1 || expr.entries[0].slice) {
      error(Diag::WrongType, expr.range, "the index of a list", expr.entries.size() == 1 ? "a slice" : "several", "one number");
      return poison(expr.range);
    }
    Value at = expression(*expr.entries[0].value, scope);
    std::optional<int64_t> i = integerConstant(at, "an index of a list");
    if (!i)
      return poison(expr.range);
    int64_t n = int64_t(base.elements.size());
    if (*i < -n || *i >= n) {
      error(Diag::IndexRange, at.at, *i, n);
      return poison(expr.range);
    }
    return base.elements[*i < 0 ? *i + n : *i];
  }
  if (!base.isTensor()) {
    auto report = error(Diag::WrongType, base.at, "what is indexed", describe(base), "a tensor or a list");
    if (base.kind == Value::Fn)
      report.help(fmt::format("call it: `{}(..)`", shortText(base.at)));
    return poison(expr.range);
  }
  size_t rank = base.shape.size();
  if (expr.entries.size() > rank) {
    auto report = error(Diag::TooManyIndices, expr.range, expr.entries.size(), describe(base), rank, rank == 1 ? "axis" : "axes");
    noteOrigins(report, base);
    return poison(expr.range);
  }
  std::vector<AxisIndex> axes(rank);
  for (size_t i = 0; i < rank; ++i)
    axes[i].length = base.shape[i].size;
  std::vector<std::pair<size_t, Value>> tensors;
  bool plain = true;
  for (size_t i = 0; i < expr.entries.size(); ++i) {
    const IndexEntry &entry = expr.entries[i];
    const Size &length = base.shape[i].size;
    auto bound = [&](const Expr *part, Size absent, bool fromEnd = true) -> std::optional<Size> {
      if (!part)
        return absent;
      Value value = expression(*part, scope);
      if (value.poison())
        return std::nullopt;
      if (value.isTensor() && value.shape.empty() && isIntegral(value.dtype)) {
        error(Diag::SliceLength, entry.range).help("`window(x, end: i, length: k)` takes k elements that end at a computed i");
        return std::nullopt;
      }
      if (!value.isNumber() || (value.kind == Value::Number && value.isFloat)) {
        error(Diag::WrongType, part->range, "a bound of a slice", describe(value), "a whole number");
        return std::nullopt;
      }
      Size given = value.kind == Value::SizeOf ? value.size : Size(value.integer);
      return fromEnd && given.isConstant() && given.constant() < 0 ? length + given : given;
    };
    if (entry.slice) {
      std::optional<Size> begin = bound(entry.begin, Size(0)), end = bound(entry.end, length), step = bound(entry.step, Size(1), false);
      if (!begin || !end || !step)
        return poison(expr.range);
      if (!step->isConstant() || step->constant() < 1) {
        error(Diag::BadArgument, entry.step->range, fmt::format("the step of a slice is {}, expected a positive number", step->isConstant() ? step->str() : "`" + step->str() + "`"))
            .help(fmt::format("`flip(x, axis: {})` turns an axis round", i));
        return poison(expr.range);
      }
      Size span = *end - *begin;
      auto known = [](const Size &size) { return size.isConstant(); };
      bool bad = (known(*begin) && begin->constant() < 0) || (known(span) && span.constant() < 0) ||
                 (known(length - *end) && (length - *end).constant() < 0);
      if (bad) {
        auto text = [&](const Expr *part) { return part ? std::string(sources.text(part->range)) : std::string(); };
        auto report = error(Diag::SliceRange, entry.range, text(entry.begin), text(entry.end), length.str());
        noteOrigins(report, base, i);
        report.help(known(span) && span.constant() < 0 ? "it ends before it begins" : "slices never clamp: they end at the size of the axis at most");
        return poison(expr.range);
      }
      axes[i].start = known(*begin) ? begin->constant() : 0;
      axes[i].step = step->constant();
      axes[i].length = axes[i].step == 1 ? span : Size::floorDiv(span + Size(axes[i].step - 1), Size(axes[i].step));
      plain &= entry.begin == nullptr && entry.end == nullptr && axes[i].step == 1;
      continue;
    }
    Value at = expression(*entry.value, scope);
    if (at.poison())
      return poison(expr.range);
    if (at.kind == Value::List)
      at = apply(library->find("tensor")->value, {at}, at.at);
    if (at.isTensor() && isIntegral(at.dtype)) {
      tensors.push_back({i, at});
      continue;
    }
    if (!at.isNumber() || (at.kind == Value::Number && at.isFloat)) {
      if (!at.poison()) {
        auto report = error(Diag::WrongType, at.at, "an index", describe(at), "an integer");
        if (at.kind == Value::Range && at.elements.size() == 2)
          report.help(fmt::format("a slice is written `{}:{}`", shortText(at.elements[0].at), shortText(at.elements[1].at)));
        if (at.isTensor() && at.dtype == DType::Bool)
          report.help("`where(mask, a, b)` chooses by a mask");
      }
      return poison(expr.range);
    }
    Size given = at.kind == Value::SizeOf ? at.size : Size(at.integer);
    if (given.isConstant() && given.constant() < 0)
      given = length + given;
    Size last = length - Size(1) - given;
    if ((given.isConstant() && given.constant() < 0) || (last.isConstant() && last.constant() < 0)) {
      auto report = error(Diag::IndexRange, entry.range, at.kind == Value::SizeOf ? at.size.str() : std::to_string(at.integer), length.str());
      noteOrigins(report, base, i);
      if (length.isConstant() && length.constant() > 0)
        report.help(fmt::format("indices count from 0 to {}, or from the end from -1 to -{}", length.constant() - 1, length.constant()));
      return poison(expr.range);
    }
    axes[i] = {false, given.isConstant() ? given.constant() : 0, 1, Size(1)};
    plain = false;
  }
  // Slices and constant indices first: one slice operation, then the axes of constant indices go.
  Shape sliced, kept;
  std::vector<int64_t> starts, steps;
  for (size_t i = 0; i < rank; ++i) {
    Dim dim{axes[i].length, axes[i].length == base.shape[i].size ? base.shape[i].origin : expr.range};
    sliced.push_back(dim);
    if (axes[i].keep)
      kept.push_back(dim);
    starts.push_back(axes[i].start);
    steps.push_back(axes[i].step);
  }
  Value result = base;
  if (!plain) {
    result = Value::ofTensor(base.dtype, sliced, {}, expr.range);
    if (mlir::Value operand = ir(base)) {
      mlir::RankedTensorType type = irType(base.dtype, sliced);
      result.ir = type == operand.getType()
                      ? operand
                      : dl::SliceOp::create(*builder, location(expr.range), type, operand, starts, steps).getResult();
    }
    if (kept.size() != sliced.size())
      result = reshape(result, kept, expr.range);
  }
  result.at = expr.range;
  if (tensors.empty())
    return result;
  if (tensors.size() > 1) {
    if (emitting()) {
      error(Diag::NotSupported, expr.range, "indexing by two computed indices at once");
      return poison(expr.range);
    }
    // Paired: the result takes the indices' common shape, where the first stood.
    std::optional<Shape> common = tensors[0].second.shape;
    for (size_t i = 1; i < tensors.size(); ++i) {
      common = broadcastShapes(tensors[i - 1].second, tensors[i].second, "x[i, j]", expr.range);
      if (!common)
        return poison(expr.range);
    }
    Shape shape = *common;
    for (size_t i = 0; i < rank; ++i) {
      bool byTensor = false;
      for (auto &[axis, value] : tensors)
        byTensor |= axis == i;
      if (axes[i].keep && !byTensor)
        shape.push_back({axes[i].length, {}});
    }
    return Value::ofTensor(base.dtype, shape, {}, expr.range);
  }
  // The axis that the tensor indexes, among those kept.
  auto [axis, indices] = tensors[0];
  int64_t place = 0;
  for (size_t i = 0; i < axis; ++i)
    place += axes[i].keep;
  Shape shape(result.shape.begin(), result.shape.begin() + place);
  shape.insert(shape.end(), indices.shape.begin(), indices.shape.end());
  shape.insert(shape.end(), result.shape.begin() + place + 1, result.shape.end());
  Value gathered = Value::ofTensor(base.dtype, shape, {}, expr.range);
  if (mlir::Value operand = ir(result)) {
    Value checked = checkIndex(indices, base.shape[axis].size, "index", expr.entries[axis].range);
    gathered.ir = dl::GatherOp::create(*builder, location(expr.range), irType(base.dtype, shape), operand, ir(checked), place);
  }
  return gathered;
}

Value Elaborator::gatherRows(const Value &table, const Value &indices, SourceRange at) {
  Shape shape = indices.shape;
  shape.insert(shape.end(), table.shape.begin() + 1, table.shape.end());
  Value gathered = Value::ofTensor(table.dtype, shape, {}, at);
  if (mlir::Value operand = ir(table)) {
    Value checked = checkIndex(indices, table.shape[0].size, "index", at);
    gathered.ir = dl::GatherOp::create(*builder, location(at), irType(table.dtype, shape), operand, ir(checked), 0);
  }
  return gathered;
}

Value Elaborator::indexAssign(const Value &base, const IndexExpr &target, const Value &given, const ScopeRef &scope) {
  if (base.poison() || given.poison())
    return poison(target.range);
  if (!base.isTensor()) {
    error(Diag::WrongType, base.at, "what is indexed", describe(base), "a tensor");
    return poison(target.range);
  }
  // The element's type, from reading it.
  auto savedBuilder = std::move(builder);
  Value element = index(target, scope);
  builder = std::move(savedBuilder);
  if (element.poison())
    return poison(target.range);
  bool fraction = given.kind == Value::Number && given.isFloat && !isFloating(base.dtype);
  Value value = given.isNumber() && !fraction ? tensorOf(given, base.dtype) : given;
  if (value.isTensor() && value.dtype != base.dtype && isIntegral(value.dtype) && isIntegral(base.dtype))
    value = cast(value, base.dtype, value.at);
  if (!value.isTensor() || value.dtype != base.dtype) {
    error(Diag::WrongType, given.at, "the element", describe(given), describe(element))
        .note(base.at, "this is " + describe(base));
    return poison(target.range);
  }
  bool fits = value.shape.size() <= element.shape.size();
  for (size_t i = 0; fits && i < value.shape.size(); ++i) {
    const Size &own = value.shape[value.shape.size() - 1 - i].size;
    fits = own == Size(1) || sameSize(own, element.shape[element.shape.size() - 1 - i].size).value_or(true);
  }
  if (!fits) {
    auto report = error(Diag::ArgumentShape, given.at, "the element", describe(given), describe(element));
    report.note(target.range, "this is " + describe(element));
    noteOrigins(report, value);
    return poison(target.range);
  }
  if (emitting()) {
    error(Diag::NotSupported, target.range, "setting an element in compiled code");
    return poison(target.range);
  }
  return Value::ofTensor(base.dtype, base.shape, {}, base.at);
}

} // namespace dlc
