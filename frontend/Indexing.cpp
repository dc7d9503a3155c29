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
      error(Diag::TooManyIndices, expr.range, expr.entries.size(), typeString(base), 1);
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
    auto report = error(Diag::WrongType, base.at, "what is indexed", typeString(base), "a tensor or a list");
    if (base.kind == Value::Fn)
      report.help("functions are called with `( )`");
    return poison(expr.range);
  }
  size_t rank = base.shape.size();
  if (expr.entries.size() > rank) {
    auto report = error(Diag::TooManyIndices, expr.range, expr.entries.size(), typeString(base), rank);
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
    auto bound = [&](const Expr *part, Size absent) -> std::optional<Size> {
      if (!part)
        return absent;
      Value value = expression(*part, scope);
      if (value.poison())
        return std::nullopt;
      if (!value.isNumber() || (value.kind == Value::Number && value.isFloat)) {
        auto report = error(Diag::SliceLength, part->range);
        report.help("`window(x, end: i, length: k)` takes k elements that end at a computed i");
        return std::nullopt;
      }
      Size given = value.kind == Value::SizeOf ? value.size : Size(value.integer);
      return given.isConstant() && given.constant() < 0 ? length + given : given;
    };
    if (entry.slice) {
      std::optional<Size> begin = bound(entry.begin, Size(0)), end = bound(entry.end, length), step = bound(entry.step, Size(1));
      if (!begin || !end || !step)
        return poison(expr.range);
      if (!step->isConstant() || step->constant() < 1) {
        error(Diag::BadArgument, entry.step->range, "the step of a slice is not a positive number").help("`flip(x, axis: ..)` turns an axis round");
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
        report.help("slices never clamp");
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
        auto report = error(Diag::WrongType, at.at, "an index", typeString(at), "an integer");
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
      common = broadcastShapes(tensors[i - 1].second, tensors[i].second, "an index", expr.range);
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
    error(Diag::WrongType, base.at, "what is indexed", typeString(base), "a tensor");
    return poison(target.range);
  }
  // The element's type, from reading it.
  auto savedBuilder = std::move(builder);
  Value element = index(target, scope);
  builder = std::move(savedBuilder);
  if (element.poison())
    return poison(target.range);
  Value value = given.isNumber() ? tensorOf(given, base.dtype) : given;
  if (value.isTensor() && value.dtype != base.dtype && isIntegral(value.dtype) && isIntegral(base.dtype))
    value = cast(value, base.dtype, value.at);
  if (!value.isTensor() || value.dtype != base.dtype) {
    error(Diag::WrongType, given.at, "the element", typeString(given), "`" + typeString(element) + "`")
        .note(base.at, "this is " + typeString(base));
    return poison(target.range);
  }
  if (!value.shape.empty() && !broadcastShapes(element, value, "=", target.range))
    return poison(target.range);
  if (emitting()) {
    error(Diag::NotSupported, target.range, "setting an element in compiled code");
    return poison(target.range);
  }
  return Value::ofTensor(base.dtype, base.shape, {}, base.at);
}

} // namespace dlc
