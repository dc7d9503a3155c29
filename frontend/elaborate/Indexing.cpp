// Indexing and slicing: `x[i, 1:3, :, -1]`, rows by an integer tensor, elements set.
#include "frontend/elaborate/Foreign.h"
#include "frontend/elaborate/Layers.h"
#include "frontend/elaborate/Masks.h"
#include "frontend/elaborate/Texts.h"
#include "frontend/elaborate/Widths.h"

#include "ir/Dialect.h"

#include <algorithm>

namespace dlc {

using namespace ast;

/// One axis of an index, decided: a slice's first place, step (negative: towards the front) and length, or an index that
/// takes the axis away.
struct AxisIndex {
  bool keep = true;
  int64_t start = 0, step = 1;
  Size length;
  std::optional<Value> computed; ///< a start that is computed, checked
};

/// A bound of a slice: known, or computed.
struct SliceBound {
  Size known;
  std::optional<Value> computed;
};

/// What an index selects of a tensor.
struct Elaborator::Selection {
  std::vector<AxisIndex> axes;
  /// Axes that integer tensors index, in order. Several are paired: they have, or are broadcast to, one shape.
  std::vector<std::pair<size_t, Value>> tensors;
  /// The only index, if it is a tensor of bools; it is not among `tensors` yet.
  std::optional<Value> mask;
  /// Whether every axis is taken whole, but for those of tensors and computed starts.
  bool plain = true;

  bool computed() const {
    return std::any_of(axes.begin(), axes.end(), [](const AxisIndex &axis) { return axis.computed.has_value(); });
  }

  bool byTensor(size_t axis) const {
    return std::any_of(tensors.begin(), tensors.end(), [&](auto &entry) { return entry.first == axis; });
  }
  /// Whether the tensors index axes side by side: their shape then stands in the place of these, else in front.
  bool adjacent() const { return tensors.back().first - tensors.front().first + 1 == tensors.size(); }
};

/// An index with whole slices in the place of `...`.
static std::vector<IndexEntry> spread(const std::vector<IndexEntry> &entries, size_t rank) {
  std::vector<IndexEntry> result;
  for (IndexEntry entry : entries) {
    size_t count = !std::exchange(entry.ellipsis, false) ? 1 : rank >= entries.size() ? rank + 1 - entries.size() : 0;
    result.insert(result.end(), count, entry);
  }
  return result;
}

/// Puts the places of a mask among the tensors that index. False when an error was reported.
static bool byPlaces(Elaborator &e, const std::optional<Value> &mask, std::vector<std::pair<size_t, Value>> &tensors,
                     const IndexExpr &expr, const ScopeRef &scope) {
  std::optional<std::vector<Value>> places =
      mask ? placesOfMask(e, *mask, *expr.entries[0].value, scope) : std::vector<Value>();
  for (size_t axis = 0; places && axis < places->size(); ++axis)
    tensors.push_back({axis, (*places)[axis]});
  return places.has_value();
}

Value Elaborator::index(const IndexExpr &expr, const ScopeRef &scope) {
  Value base = expression(*expr.base, scope);
  if (base.poison())
    return poison(expr.range);
  if (holdsLayers(base))
    return layersAt(*this, base, expr, scope);
  if (std::optional<Value> meant = foreignIndex(*this, base, expr, scope))
    return *meant;
  if (isTexts(base) && expr.entries.size() == 1) {
    IndexExpr whole(expr.range, expr.base, spread(expr.entries, 1));
    if (!whole.entries[0].slice)
      return textAt(*this, base, expression(*whole.entries[0].value, scope), expr.range);
    Size count = base.kind == Value::Strings ? base.size : Size(int64_t(base.elements.size()));
    std::optional<Selection> selection =
        select(Value::ofTensor(DType::I64, {{count, base.at}}, {}, base.at), whole, scope);
    if (!selection)
      return poison(expr.range);
    if (!selection->computed())
      return textsAt(base, selection->axes[0].start, selection->axes[0].step, selection->axes[0].length, expr.range);
    error(Diag::NotConstant, expr.range, "a slice of texts");
    return poison(expr.range);
  }
  // A bracket list is a tensor where it is indexed as one.
  bool asTensor = expr.entries.size() != 1 || expr.entries[0].slice || expr.entries[0].value->kind == ExprKind::List;
  if (base.kind == Value::List && asTensor)
    base = tensorOfList(base);
  if (base.poison())
    return poison(expr.range);
  if (base.kind == Value::List || base.kind == Value::Tuple) {
    if (expr.entries.size() != 1 || expr.entries[0].slice) {
      auto report =
          error(Diag::WrongType, expr.range, base.kind == Value::Tuple ? "the index of a tuple" : "the index of a list",
                expr.entries.size() == 1 ? "a slice" : "several", "one number");
      if (base.kind == Value::Tuple)
        report.help(fmt::format("it has {} parts: `let (a, b) = ..` names them, and `{}[0]` is the first",
                                base.elements.size(), shortText(base.at)));
      return poison(expr.range);
    }
    Value at = expression(*expr.entries[0].value, scope);
    // By a computed index it is a tensor, if its elements make one.
    if (base.kind == Value::List && at.isTensor()) {
      base = tensorOfList(base);
      std::optional<Selection> selection = base.isTensor() ? select(base, expr, scope) : std::nullopt;
      return selection && byPlaces(*this, selection->mask, selection->tensors, expr, scope)
                 ? take(base, *selection, expr)
                 : poison(expr.range);
    }
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
    else if (base.kind == Value::Model && !base.model->entries.empty())
      report.help(
          fmt::format("its members are taken by name: `{}.{}`", shortText(base.at), base.model->entries[0].name));
    return poison(expr.range);
  }
  IndexExpr whole(expr.range, expr.base, spread(expr.entries, base.shape.size()));
  std::optional<Selection> selection = select(base, whole, scope);
  if (!selection || !byPlaces(*this, selection->mask, selection->tensors, whole, scope))
    return poison(expr.range);
  Value taken = take(base, *selection, whole);
  if (hasClasses(base))
    takeClasses(taken, base);
  return taken;
}

/// A slice whose bounds are computed: they differ by a known length. False when an error was reported.
bool Elaborator::computedSlice(AxisIndex &made, const SliceBound &from, const SliceBound &to, bool unitStep,
                               const Value &base, size_t axis, SourceRange at) {
  bool known = from.computed && to.computed && from.computed->origin && from.computed->origin == to.computed->origin;
  if (!known || !unitStep) {
    error(Diag::SliceLength, at)
        .help("`x[i:i + 3]` takes 3 elements from a computed i on; so does `narrow(x, axis: 0, start: i, length: 3)`");
    return false;
  }
  made.length = to.computed->offset - from.computed->offset;
  Size places = base.shape[axis].size - made.length + Size(1);
  if (made.length.isConstant() && made.length.constant() < 0) {
    error(Diag::SliceOrder, at, sources.text(at));
    return false;
  }
  if (places.isConstant() && places.constant() < 1) {
    auto report = error(Diag::SliceRange, at, shortText(from.computed->at), shortText(to.computed->at),
                        base.shape[axis].size.str());
    noteOrigins(report, base, axis);
    report.help("slices never clamp: they end at the size of the axis at most");
    return false;
  }
  made.computed = checkStart(*from.computed, base.shape[axis].size, made.length, at);
  return true;
}

Value Elaborator::checkStart(const Value &start, const Size &size, const Size &length, SourceRange at) {
  Value wide = cast(start, DType::I64, at);
  if (!emitting())
    return wide;
  auto number = [&](int64_t n) { return constant(n, DType::I64, {}, at); };
  Value fromEnd = binaryOp("add", wide, number(size.constant()), at);
  Value place = selectOp(compareOp("lt", wide, number(0), at), fromEnd, wide, at);
  return checkIndex(place, size - length + Size(1), shortText(start.at, "index"), at);
}

std::optional<Elaborator::Selection> Elaborator::select(const Value &base, const IndexExpr &expr,
                                                        const ScopeRef &scope) {
  size_t rank = base.shape.size();
  if (expr.entries.size() > rank) {
    auto report =
        error(Diag::TooManyIndices, expr.range, expr.entries.size(), describe(base), rank, rank == 1 ? "axis" : "axes");
    noteOrigins(report, base);
    return std::nullopt;
  }
  Selection selection;
  auto &[axes, tensors, mask, plain] = selection;
  axes.resize(rank);
  for (size_t i = 0; i < rank; ++i)
    axes[i].length = base.shape[i].size;
  for (size_t i = 0; i < expr.entries.size(); ++i) {
    const IndexEntry &entry = expr.entries[i];
    const Size length = base.shape[i].size;
    auto bound = [&](const Expr *part, Size absent, bool fromEnd = true) -> std::optional<SliceBound> {
      if (!part)
        return SliceBound{absent, {}};
      Value value = expression(*part, scope);
      if (value.poison())
        return std::nullopt;
      if (value.isTensor() && value.shape.empty() && isIntegral(value.dtype))
        return SliceBound{{}, value};
      if (!value.isNumber() || (value.kind == Value::Number && value.isFloat)) {
        error(Diag::WrongType, part->range, "a bound of a slice", describe(value), "a whole number");
        return std::nullopt;
      }
      Size given = value.kind == Value::SizeOf ? value.size : Size(value.integer);
      return SliceBound{fromEnd && given.isConstant() && given.constant() < 0 ? length + given : given, {}};
    };
    if (entry.slice) {
      std::optional<SliceBound> by = bound(entry.step, Size(1), false);
      if (!by)
        return std::nullopt;
      const Size *step = &by->known;
      if (by->computed || !step->isConstant() || step->constant() == 0) {
        error(Diag::BadArgument, entry.step->range,
              fmt::format("the step of a slice is {}, expected a number that is not 0",
                          step->isConstant() ? step->str() : "`" + step->str() + "`"));
        return std::nullopt;
      }
      bool backwards = step->constant() < 0;
      Size stride(std::abs(step->constant())), one(1);
      std::optional<SliceBound> from = bound(entry.begin, backwards ? length - one : Size(0)),
                                to = bound(entry.end, backwards ? Size(-1) : length);
      if (!from || !to)
        return std::nullopt;
      if (from->computed || to->computed) {
        if (!computedSlice(axes[i], *from, *to, step->constant() == 1, base, i, entry.range))
          return std::nullopt;
        continue;
      }
      const Size *begin = &from->known, *end = &to->known;
      // What the slice covers, from its least place to behind its greatest.
      Size low = backwards ? *end + one : *begin, high = backwards ? *begin + one : *end, span = high - low;
      auto isNegative = [](const Size &size) { return size.isConstant() && size.constant() < 0; };
      if (isNegative(low) || isNegative(span) || isNegative(length - high)) {
        auto text = [&](const Expr *part) { return part ? std::string(sources.text(part->range)) : std::string(); };
        if (isNegative(span)) {
          auto report = error(Diag::SliceOrder, entry.range, sources.text(entry.range));
          if (backwards)
            report.help("with a negative step it goes from the greater place to the lesser");
          else if (*end == Size(0))
            report.help("to the end of the axis is written without an end: `-2:`");
          return std::nullopt;
        }
        auto report = error(Diag::SliceRange, entry.range, text(entry.begin), text(entry.end), length.str());
        noteOrigins(report, base, i);
        report.help("slices never clamp: they end at the size of the axis at most");
        return std::nullopt;
      }
      axes[i].start = begin->isConstant() ? begin->constant() : 0;
      axes[i].step = step->constant();
      axes[i].length = stride == one ? span : Size::floorDiv(span + stride - one, stride);
      plain &= entry.begin == nullptr && entry.end == nullptr && axes[i].step == 1;
      continue;
    }
    Value at = expression(*entry.value, scope);
    if (at.poison())
      return std::nullopt;
    at = tensorOfList(at);
    if (at.isTensor() && isIntegral(at.dtype)) {
      if (at.shape.empty()) {
        Value place = checkIndex(at, length, shortText(at.at, "index"), entry.range, /*fromEnd=*/true);
        axes[i] = {false, 0, 1, Size(1), cast(place, DType::I64, entry.range)};
        continue;
      }
      tensors.push_back({i, at});
      continue;
    }
    if (at.isTensor() && at.dtype == DType::Bool && !at.shape.empty()) {
      if (expr.entries.size() > 1 && at.shape.size() > 1) {
        error(Diag::WrongType, at.at, "an index beside others", describe(at), "a mask of one axis");
        return std::nullopt;
      }
      if (!maskFits(*this, at, base, i, at.at))
        return std::nullopt;
      if (expr.entries.size() == 1) {
        mask = at;
        continue;
      }
      std::optional<std::vector<Value>> places = placesOfMask(*this, at, *entry.value, scope);
      if (!places)
        return std::nullopt;
      tensors.push_back({i, (*places)[0]});
      continue;
    }
    if (!at.isNumber() || (at.kind == Value::Number && at.isFloat)) {
      if (!at.poison()) {
        auto report = error(Diag::WrongType, at.at, "an index", describe(at), "an integer");
        if (at.kind == Value::Range && at.elements.size() == 2)
          report.help(
              fmt::format("a slice is written `{}:{}`", shortText(at.elements[0].at), shortText(at.elements[1].at)));
        if (at.isTensor() && at.dtype == DType::Bool)
          report.help("`where(condition, a, b)` chooses by a bool");
      }
      return std::nullopt;
    }
    Size given = at.kind == Value::SizeOf ? at.size : Size(at.integer);
    if (given.isConstant() && given.constant() < 0)
      given = length + given;
    Size last = length - Size(1) - given;
    if ((given.isConstant() && given.constant() < 0) || (last.isConstant() && last.constant() < 0)) {
      auto report = error(Diag::IndexRange, entry.range,
                          at.kind == Value::SizeOf ? at.size.str() : std::to_string(at.integer), length.str());
      noteOrigins(report, base, i);
      if (length.isConstant() && length.constant() > 0)
        report.help(fmt::format("indices count from 0 to {}, or from the end from -1 to -{}", length.constant() - 1,
                                length.constant()));
      return std::nullopt;
    }
    axes[i] = {false, given.isConstant() ? given.constant() : 0, 1, Size(1), {}};
    plain = false;
  }
  return selection;
}

/// The starts of a selection's axes that are computed (or, with `all`, of those that are not taken whole), and these axes.
std::vector<mlir::Value> Elaborator::startsOf(const Value &base, const Selection &selection, bool all,
                                              std::vector<int64_t> &axes, SourceRange at) {
  std::vector<mlir::Value> starts;
  for (size_t i = 0; i < selection.axes.size(); ++i) {
    const AxisIndex &axis = selection.axes[i];
    bool whole = axis.keep && axis.start == 0 && axis.length == base.shape[i].size;
    if (!axis.computed && (!all || whole))
      continue;
    axes.push_back(int64_t(i));
    starts.push_back(ir(axis.computed ? *axis.computed : constant(axis.start, DType::I64, {}, at)));
  }
  return starts;
}

/// The slice of the axes whose starts are computed; the others are whole.
Value Elaborator::dynamicSlice(const Value &base, const Selection &selection, SourceRange at) {
  Shape shape = base.shape;
  for (size_t i = 0; i < shape.size(); ++i)
    if (selection.axes[i].computed)
      shape[i] = {selection.axes[i].length, at};
  Value result = Value::ofTensor(base.dtype, shape, {}, at);
  result.varies = base.varies;
  if (mlir::Value operand = ir(base)) {
    std::vector<int64_t> axes;
    std::vector<mlir::Value> operands = startsOf(base, selection, false, axes, at);
    operands.insert(operands.begin(), operand);
    result.ir =
        graph.create(location(at), "dynamic_slice", irType(base.dtype, shape), operands, graph.integers("axes", axes));
  }
  return result;
}

Value Elaborator::take(const Value &base, const Selection &selection, const IndexExpr &expr) {
  auto &[axes, tensors, mask, plain] = selection;
  size_t rank = base.shape.size();
  if (tensors.size() > 1) {
    std::optional<Value> places = placesOf(base, selection, expr.range);
    if (!places)
      return poison(expr.range);
    Size total = elementCount(base.shape);
    Value taken = gatherRows(reshape(base, {{total, {}}}, expr.range), *places, expr.range);
    taken.at = expr.range;
    return taken;
  }
  // Slices and constant indices first: one slice operation, then the axes of constant indices go.
  Shape sliced, kept;
  std::vector<int64_t> starts, steps, backwards;
  for (size_t i = 0; i < rank; ++i) {
    Dim dim{axes[i].length, axes[i].length == base.shape[i].size ? base.shape[i].origin : expr.range};
    sliced.push_back(axes[i].computed ? base.shape[i] : dim);
    if (axes[i].keep)
      kept.push_back(dim);
    bool isBackwards = axes[i].step < 0 && emitting();
    // One that goes backwards is taken forwards, from its last place, and turned round.
    int64_t covered = isBackwards ? (axes[i].length.constant() - 1) * axes[i].step : 0;
    starts.push_back(axes[i].length == Size(0) ? 0 : axes[i].start + covered);
    steps.push_back(std::abs(axes[i].step));
    if (isBackwards)
      backwards.push_back(int64_t(i));
  }
  Value result = base;
  if (!plain) {
    result = Value::ofTensor(base.dtype, sliced, {}, expr.range);
    result.varies = base.varies;
    if (mlir::Value operand = ir(base)) {
      mlir::RankedTensorType type = irType(base.dtype, sliced);
      result.ir =
          type == operand.getType()
              ? operand
              : dl::SliceOp::create(graph.here(), location(expr.range), type, operand, starts, steps).getResult();
      if (!backwards.empty())
        result.ir = dl::ReverseOp::create(graph.here(), location(expr.range), type, result.ir, backwards);
    }
  }
  if (selection.computed())
    result = dynamicSlice(result, selection, expr.range);
  if (kept.size() != sliced.size())
    result = reshape(result, kept, expr.range);
  result.at = expr.range;
  if (tensors.empty())
    return result;
  // The axis that the tensor indexes, among those kept.
  auto [axis, indices] = tensors[0];
  int64_t place = 0;
  for (size_t i = 0; i < axis; ++i)
    place += axes[i].keep;
  Shape shape(result.shape.begin(), result.shape.begin() + place);
  shape.insert(shape.end(), indices.shape.begin(), indices.shape.end());
  shape.insert(shape.end(), result.shape.begin() + place + 1, result.shape.end());
  Value gathered = Value::ofTensor(base.dtype, shape, {}, expr.range);
  gathered.varies = base.varies;
  if (mlir::Value operand = ir(result)) {
    Value checked = checkIndex(indices, base.shape[axis].size, shortText(indices.at, "index"), expr.entries[axis].range,
                               /*fromEnd=*/true);
    gathered.ir = dl::GatherOp::create(graph.here(), location(expr.range), irType(base.dtype, shape), operand,
                                       ir(checked), place);
  }
  return gathered;
}

std::optional<Value> Elaborator::placesOf(const Value &base, const Selection &selection, SourceRange at) {
  // The tensors' common shape.
  Shape common;
  for (auto &[axis, value] : selection.tensors) {
    Value so = Value::ofTensor(DType::I64, common, {}, at);
    std::optional<Shape> both = common.empty() ? value.shape : broadcastShapes(so, value, "x[i, j]", at);
    if (!both)
      return std::nullopt;
    common = *both;
  }
  // The result's axes: those that are kept, and the common ones.
  Shape shape;
  size_t first = 0;
  std::vector<size_t> axisOf(base.shape.size());
  auto addCommon = [&] {
    first = shape.size();
    shape.insert(shape.end(), common.begin(), common.end());
  };
  bool inPlace = !selection.tensors.empty() && selection.adjacent();
  if (!inPlace)
    addCommon();
  for (size_t i = 0; i < base.shape.size(); ++i) {
    if (inPlace && i == selection.tensors.front().first)
      addCommon();
    axisOf[i] = shape.size();
    if (selection.axes[i].keep && !selection.byTensor(i))
      shape.push_back({selection.axes[i].length, at});
  }
  if (!emitting())
    return Value::ofTensor(DType::I64, shape, {}, at);
  // The sum over the axes of index * stride.
  Value places = constant(0, DType::I64, shape, at);
  int64_t stride = 1;
  for (size_t i = base.shape.size(); i-- > 0; stride *= base.shape[i].size.constant()) {
    const AxisIndex &axis = selection.axes[i];
    Value index = axis.computed ? broadcastTo(*axis.computed, shape, at) : constant(axis.start, DType::I64, shape, at);
    if (selection.byTensor(i)) {
      for (auto &[tensorAxis, value] : selection.tensors)
        if (tensorAxis == i) {
          Value place = checkIndex(value, base.shape[i].size, shortText(value.at, "index"), at, /*fromEnd=*/true);
          Value wide = cast(place, DType::I64, at);
          Shape standing(shape.size(), Dim{Size(1), at});
          std::copy(value.shape.begin(), value.shape.end(),
                    standing.begin() + first + common.size() - value.shape.size());
          index = broadcastTo(reshape(wide, standing, at), shape, at);
        }
    } else if (axis.keep) {
      Value steps = binaryOp("mul", iotaOp(DType::I64, shape, int64_t(axisOf[i]), at),
                             constant(axis.step, DType::I64, shape, at), at);
      index = binaryOp("add", index, steps, at);
    }
    places = binaryOp("add", places, binaryOp("mul", index, constant(stride, DType::I64, shape, at), at), at);
  }
  return places;
}

Value Elaborator::gatherRows(const Value &table, const Value &indices, SourceRange at) {
  Shape shape = indices.shape;
  shape.insert(shape.end(), table.shape.begin() + 1, table.shape.end());
  Value gathered = Value::ofTensor(table.dtype, shape, {}, at);
  gathered.varies = table.varies;
  if (mlir::Value operand = ir(table))
    gathered.ir = dl::GatherOp::create(graph.here(), location(at), irType(table.dtype, shape), operand, ir(indices), 0);
  return gathered;
}

/// Places and elements, each place once in effect: in the order of the places, every element zero but the last of its place.
std::pair<Value, Value> Elaborator::lastOfEach(const Value &places, const Value &elements, SourceRange at) {
  int64_t count = places.shape[0].size.constant();
  if (count < 2)
    return {places, elements};
  Value order = apply(library->find("argsort")->value, {places}, at);
  Value sorted = gatherRows(places, order, at), values = gatherRows(elements, order, at);
  auto part = [&](int64_t start) {
    Value result = Value::ofTensor(DType::I64, {{Size(count - 1), {}}}, {}, at);
    result.ir = dl::SliceOp::create(graph.here(), location(at), irType(DType::I64, result.shape), ir(sorted),
                                    llvm::ArrayRef<int64_t>(start), llvm::ArrayRef<int64_t>(1));
    return result;
  };
  Value differs = compareOp("ne", part(0), part(1), at), last = constant(1, DType::Bool, {{Size(1), {}}}, at);
  Value isLast = Value::ofTensor(DType::Bool, sorted.shape, {}, at);
  isLast.ir = dl::ConcatOp::create(graph.here(), location(at), mlir::ValueRange{ir(differs), ir(last)}, 0);
  return {sorted, selectOp(isLast, values, constant(0, values.dtype, values.shape, at), at)};
}

Value Elaborator::indexAssign(const Value &base, const IndexExpr &written, const Value &given, const ScopeRef &scope) {
  if (base.poison() || given.poison())
    return poison(written.range);
  if (!base.isTensor()) {
    error(Diag::WrongType, base.at, "what is indexed", describe(base), "a tensor");
    return poison(written.range);
  }
  IndexExpr target(written.range, written.base, spread(written.entries, base.shape.size()));
  std::optional<Selection> selection = select(base, target, scope);
  if (!selection)
    return poison(target.range);
  Value value = tensorOfList(given, base.dtype);
  if (value.poison())
    return poison(target.range);
  // Where a mask is true one value stands for all, or a value for each is counted.
  Shape rest(base.shape.begin() + (selection->mask ? selection->mask->shape.size() : 0), base.shape.end());
  bool isWhere = selection->mask && (!value.isTensor() || value.shape.size() <= rest.size());
  if (!isWhere && !byPlaces(*this, selection->mask, selection->tensors, target, scope))
    return poison(target.range);
  std::optional<Value> places =
      isWhere ? Value::ofTensor(DType::I64, rest, {}, target.range) : placesOf(base, *selection, target.range);
  if (!places)
    return poison(target.range);
  Value element = Value::ofTensor(base.dtype, places->shape, {}, target.range);
  if (value.isNumber() && (fitsIn(value, base.dtype) || !value.isFloat) && base.dtype != DType::Bool) {
    if (!settleNumber(value, base.dtype))
      return poison(target.range);
    value = tensorOf(value);
  } else if (value.kind == Value::Bool) {
    value = tensorOf(value);
  }
  if (value.isTensor() && value.dtype != base.dtype && isIntegral(value.dtype) && isIntegral(base.dtype))
    value = inWidth(*this, value, base.dtype);
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
  Value result = Value::ofTensor(base.dtype, base.shape, {}, base.at);
  result.varies = base.varies || value.varies;
  if (!emitting())
    return result;
  if (isWhere)
    return whereMasked(*this, *selection->mask, value, base, target.range);
  bool box = selection->tensors.empty() && std::all_of(selection->axes.begin(), selection->axes.end(),
                                                       [](const AxisIndex &axis) { return axis.step == 1; });
  if (box) {
    Shape shape;
    for (const AxisIndex &axis : selection->axes)
      shape.push_back({axis.length, target.range});
    Value update = reshape(broadcastTo(value, places->shape, target.range), shape, target.range);
    std::vector<int64_t> axes;
    std::vector<mlir::Value> operands = startsOf(base, *selection, true, axes, target.range);
    operands.insert(operands.begin(), {ir(base), ir(update)});
    result.ir = axes.empty() ? ir(update)
                             : graph.create(location(target.range), "dynamic_update", irType(base.dtype, base.shape),
                                            operands, graph.integers("axes", axes));
    return result;
  }
  // The new elements stand in a tensor of zeros; a second one says where they are.
  Size count = elementCount(places->shape), total = elementCount(base.shape);
  Value flat = reshape(*places, {{count, {}}}, target.range);
  DType sums = base.dtype == DType::Bool ? DType::I32 : base.dtype;
  auto placed = [&](const Value &updates) {
    Value zeros = constant(0, updates.dtype, {{total, {}}}, target.range);
    mlir::Value made =
        dl::ScatterAddOp::create(graph.here(), location(target.range), ir(zeros), ir(flat), ir(updates), 0);
    return Value::ofTensor(updates.dtype, zeros.shape, made, target.range);
  };
  Value spread = reshape(broadcastTo(value, places->shape, target.range), {{count, {}}}, target.range);
  std::tie(flat, spread) = lastOfEach(flat, spread, target.range);
  Value elements = cast(placed(cast(spread, sums, target.range)), base.dtype, target.range);
  Value marks = placed(constant(1, DType::I32, {{count, {}}}, target.range));
  Value isSet = compareOp("ne", marks, constant(0, DType::I32, marks.shape, target.range), target.range);
  Value all = reshape(base, {{total, {}}}, target.range);
  Value chosen = reshape(selectOp(isSet, elements, all, target.range), base.shape, base.at);
  chosen.at = base.at;
  return chosen;
}

} // namespace dlc
