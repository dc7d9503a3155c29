// What moves elements: parts along an axis, repetition, rolling, diagonals, grids.
#include "frontend/builtins/Windows.h"

#include "ir/Dialect.h"

namespace dlc {

Value sliceAlong(Elaborator &e, const Value &x, int64_t axis, int64_t start, const Size &length, SourceRange at) {
  Shape shape = x.shape;
  shape[axis] = {length, at};
  Value result = Value::ofTensor(x.dtype, shape, {}, at);
  result.varies = x.varies;
  mlir::Value operand = e.ir(x);
  if (!operand)
    return result;
  mlir::RankedTensorType type = e.irType(x.dtype, shape);
  llvm::SmallVector<int64_t> starts(shape.size(), 0), steps(shape.size(), 1);
  starts[axis] = start;
  result.ir = type == operand.getType()
                  ? operand
                  : dl::SliceOp::create(e.graph.here(), e.location(at), type, operand, starts, steps).getResult();
  return result;
}

/// x's slices at integers along an axis; the integers' axes take its place.
static Value gatherAlong(Elaborator &e, const Value &x, const Value &indices, int64_t axis, SourceRange at) {
  Shape shape(x.shape.begin(), x.shape.begin() + axis);
  shape.insert(shape.end(), indices.shape.begin(), indices.shape.end());
  shape.insert(shape.end(), x.shape.begin() + axis + 1, x.shape.end());
  Value result = Value::ofTensor(x.dtype, shape, {}, at);
  result.varies = x.varies;
  if (mlir::Value operand = e.ir(x))
    result.ir =
        dl::GatherOp::create(e.graph.here(), e.location(at), e.irType(x.dtype, shape), operand, e.ir(indices), axis);
  return result;
}

/// `length` elements along an axis from a computed place on, which has been checked.
static Value sliceFrom(Elaborator &e, const Value &x, int64_t axis, const Value &first, const Size &length,
                       SourceRange at) {
  Shape shape = x.shape;
  shape[axis] = {length, at};
  Value result = Value::ofTensor(x.dtype, shape, {}, at);
  result.varies = x.varies;
  if (mlir::Value operand = e.ir(x))
    result.ir = dl::DynamicSliceOp::create(e.graph.here(), e.location(at), e.irType(x.dtype, shape), operand,
                                           e.ir(first), llvm::ArrayRef<int64_t>(axis));
  return result;
}

Value computedSlice(Elaborator &e, const Value &x, int64_t axis, const Value &start, const Size &length,
                    SourceRange at) {
  return sliceFrom(e, x, axis, e.checkStart(start, x.shape[axis].size, length, start.at), length, at);
}

/// Reports a part of an axis that does not lie within it.
static Value badPart(Elaborator &e, CallSite &site, const Value &x, int64_t axis, const std::string &begin,
                     const std::string &end) {
  auto report = e.error(Diag::SliceRange, site.at, begin, end, x.shape[axis].size.str());
  e.noteOrigins(report, x, size_t(axis));
  return e.poison(site.at);
}

/// `narrow(x, axis, start, length)`: the part of an axis that begins at `start`, which may be computed.
static Value narrow(Elaborator &e, CallSite &site) {
  Value x = tensorArgument(e, site, 0);
  std::optional<int64_t> axis = x.poison() ? std::nullopt : axisArgument(e, site, 1, x, 0);
  std::optional<Size> length = axis ? lengthArgument(e, site, 3, "the length of a part") : std::nullopt;
  if (!length || site[2].poison())
    return e.poison(site.at);
  const Size &size = x.shape[*axis].size;
  Size room = size - *length;
  if (room.isConstant() && room.constant() < 0)
    return badPart(e, site, x, *axis, "0", length->str());
  if (site[2].isTensor() && site[2].shape.empty() && isIntegral(site[2].dtype))
    return computedSlice(e, x, *axis, site[2], *length, site.at);
  std::optional<Size> start = e.size(site[2], "the start of a part");
  if (!start)
    return e.poison(site.at);
  if (start->isConstant() && start->constant() < 0)
    start = size + *start;
  Size rest = room - *start;
  if ((start->isConstant() && start->constant() < 0) || (rest.isConstant() && rest.constant() < 0))
    return badPart(e, site, x, *axis, start->str(), (*start + *length).str());
  return sliceAlong(e, x, *axis, start->isConstant() ? start->constant() : 0, *length, site.at);
}

/// `length` elements along the first axis, the last of them before `end`, which may be computed; where there are none,
/// zeros stand in front.
static Value window(Elaborator &e, CallSite &site) {
  Value x = tensorArgument(e, site, 0);
  std::optional<Size> length = lengthArgument(e, site, 2, "the length of a window");
  if (x.poison() || !length || site[1].poison())
    return e.poison(site.at);
  if (x.shape.empty()) {
    e.error(Diag::RankMismatch, x.at, describe(x), 0, "at least 1");
    return e.poison(site.at);
  }
  const Size rows = x.shape[0].size;
  bool computed = site[1].isTensor() && site[1].shape.empty() && isIntegral(site[1].dtype);
  std::optional<Size> end = computed ? std::nullopt : e.size(site[1], "the end of a window");
  if (!computed && !end)
    return e.poison(site.at);
  if (end) {
    Size start = *end - *length, rest = rows - *end;
    if ((end->isConstant() && end->constant() < 0) || (rest.isConstant() && rest.constant() < 0))
      return badPart(e, site, x, 0, start.str(), end->str());
    if (start.isConstant() && start.constant() >= 0)
      return sliceAlong(e, x, 0, start.constant(), *length, site.at);
  }
  Widths widths(x.shape.size(), {Size(0), Size(0)});
  widths[0].first = *length;
  Value padded = padWithZeros(e, x, widths, site.at);
  if (padded.poison())
    return padded;
  if (end)
    return sliceAlong(e, padded, 0, end->isConstant() ? end->constant() : 0, *length, site.at);
  Value place = e.cast(site[1], DType::I64, site[1].at);
  if (e.emitting())
    place = e.checkIndex(place, rows + Size(1), e.shortText(site[1].at, "index"), site[1].at);
  return sliceFrom(e, padded, 0, place, *length, site.at);
}

/// One part after the other along an axis, of these lengths.
static Value parts(Elaborator &e, const Value &x, int64_t axis, const std::vector<Size> &lengths, SourceRange at) {
  std::vector<Value> result;
  Size start(0);
  for (const Size &length : lengths) {
    result.push_back(sliceAlong(e, x, axis, start.isConstant() ? start.constant() : 0, length, at));
    start = start + length;
  }
  return Value::ofTuple(std::move(result), at);
}

/// As many parts as asked for, or fewer, all but the last of one length (PyTorch's rule).
static Value chunk(Elaborator &e, CallSite &site) {
  Value x = tensorArgument(e, site, 0);
  std::optional<int64_t> count = x.poison() ? std::nullopt : e.integerConstant(site[1], "the number of chunks");
  std::optional<int64_t> axis = count ? axisArgument(e, site, 2, x, 0) : std::nullopt;
  if (!axis)
    return e.poison(site.at);
  if (*count < 1) {
    e.error(Diag::BadArgument, site[1].at, fmt::format("the number of chunks is {}, expected at least 1", *count));
    return e.poison(site.at);
  }
  const Size &size = x.shape[*axis].size;
  Size length = Size::floorDiv(size + Size(*count - 1), Size(*count));
  std::vector<Size> lengths;
  for (int64_t i = 0; i < *count; ++i) {
    Size rest = size - length * Size(i);
    bool last = i + 1 == *count || (rest.isConstant() && length.isConstant() && rest.constant() <= length.constant() &&
                                    size.constant() > 0);
    lengths.push_back(last ? rest : length);
    if (last)
      break;
  }
  return parts(e, x, *axis, lengths, site.at);
}

/// `split(x, 2)`: parts of two, the last perhaps shorter; `split(x, [2, 3])`: parts of these lengths.
Value splitTensor(Elaborator &e, CallSite &site) {
  Value x = tensorArgument(e, site, 0);
  std::optional<int64_t> axis = x.poison() ? std::nullopt : axisArgument(e, site, 2, x, 0);
  std::optional<Shape> given = axis ? shapeArgument(e, site, 1) : std::nullopt;
  if (!given)
    return e.poison(site.at);
  const Size &size = x.shape[*axis].size;
  std::vector<Size> lengths;
  if (site[1].kind == Value::List || site[1].kind == Value::Tuple) {
    Size total(0);
    for (const Dim &dim : *given) {
      lengths.push_back(dim.size);
      total = total + dim.size;
    }
    if (!e.sameSize(total, size).value_or(true)) {
      auto report = e.error(
          Diag::BadArgument, site[1].at,
          fmt::format("the parts have {} elements, axis {} of {} has {}", total.str(), *axis, describe(x), size.str()));
      e.noteOrigins(report, x, size_t(*axis));
      return e.poison(site.at);
    }
    return parts(e, x, *axis, lengths, site.at);
  }
  const Size &length = (*given)[0].size;
  if (length.isConstant() && length.constant() < 1) {
    e.error(Diag::BadArgument, site[1].at,
            fmt::format("the length of a part is {}, expected at least 1", length.constant()));
    return e.poison(site.at);
  }
  if (!size.isConstant() || !length.isConstant()) {
    // Checked with names: one part stands for all.
    Value list = Value::ofList({sliceAlong(e, x, *axis, 0, length, site.at)}, site.at);
    list.size = Size::floorDiv(size + length - Size(1), length);
    list.flag = true;
    return list;
  }
  for (int64_t start = 0; start < size.constant(); start += length.constant())
    lengths.push_back(Size(std::min(length.constant(), size.constant() - start)));
  if (lengths.empty())
    lengths.push_back(size);
  return parts(e, x, *axis, lengths, site.at);
}

/// How often each axis is repeated, as a list of whole numbers or one.
static std::optional<std::vector<Size>> counts(Elaborator &e, CallSite &site, size_t i) {
  std::optional<Shape> shape = shapeArgument(e, site, i);
  if (!shape)
    return std::nullopt;
  std::vector<Size> result;
  for (const Dim &dim : *shape)
    result.push_back(dim.size);
  return result;
}

/// The whole of x repeated along its axes (NumPy's rule: the shorter of shape and counts is filled up with ones in front).
static Value tile(Elaborator &e, CallSite &site) {
  Value x = tensorArgument(e, site, 0);
  std::optional<std::vector<Size>> times = x.poison() ? std::nullopt : counts(e, site, 1);
  if (!times)
    return e.poison(site.at);
  Shape shape = x.shape;
  shape.insert(shape.begin(), times->size() > shape.size() ? times->size() - shape.size() : 0, {Size(1), site.at});
  times->insert(times->begin(), shape.size() - times->size(), Size(1));
  Shape spread, repeated, result;
  for (size_t i = 0; i < shape.size(); ++i) {
    spread.insert(spread.end(), {{Size(1), site.at}, shape[i]});
    repeated.insert(repeated.end(), {{(*times)[i], site.at}, shape[i]});
    result.push_back((*times)[i] == Size(1) ? shape[i] : Dim{(*times)[i] * shape[i].size, site.at});
  }
  return e.reshape(e.broadcastTo(e.reshape(x, spread, site.at), repeated, site.at), result, site.at);
}

/// Each element repeated, along an axis or of the whole tensor made flat (NumPy's `repeat`).
static Value repeat(Elaborator &e, CallSite &site) {
  Value x = tensorArgument(e, site, 0);
  std::optional<Size> times = x.poison() ? std::nullopt : lengthArgument(e, site, 1, "the number of repetitions");
  if (!times)
    return e.poison(site.at);
  if (!site.has(2))
    x = e.reshape(x, {{elementCount(x.shape), site.at}}, site.at);
  std::optional<int64_t> axis = axisArgument(e, site, 2, x, 0);
  if (!axis)
    return e.poison(site.at);
  Shape spread = x.shape, result = x.shape;
  spread.insert(spread.begin() + *axis + 1, {Size(1), site.at});
  Shape repeated = spread;
  repeated[*axis + 1] = {*times, site.at};
  result[*axis] = {x.shape[*axis].size * *times, site.at};
  return e.reshape(e.broadcastTo(e.reshape(x, spread, site.at), repeated, site.at), result, site.at);
}

/// x moved along an axis by a shift, known or computed; what leaves at one end comes in at the other.
static Value rolled(Elaborator &e, const Value &x, int64_t axis, const Value &shift, SourceRange at) {
  if (!e.emitting() || x.shape[axis].size == Size(0))
    return x;
  int64_t size = x.shape[axis].size.constant();
  if (shift.isTensor()) {
    Shape line = {{Size(size), at}};
    Value by = e.broadcastTo(e.cast(shift, DType::I64, at), line, at);
    Value places = e.binaryOp("sub", e.iotaOp(DType::I64, line, 0, at), by, at);
    return gatherAlong(e, x, e.binaryOp("rem", places, e.constant(size, DType::I64, line, at), at), axis, at);
  }
  int64_t by = ((shift.kind == Value::SizeOf ? shift.size.constant() : shift.integer) % size + size) % size;
  if (by == 0)
    return x;
  mlir::Value halves[] = {e.ir(sliceAlong(e, x, axis, size - by, Size(by), at)),
                          e.ir(sliceAlong(e, x, axis, 0, Size(size - by), at))};
  Value result = x;
  result.ir = dl::ConcatOp::create(e.graph.here(), e.location(at), e.irType(x.dtype, x.shape), halves, axis);
  return result;
}

static Value roll(Elaborator &e, CallSite &site) {
  Value x = tensorArgument(e, site, 0);
  if (x.poison() || site[1].poison())
    return e.poison(site.at);
  std::vector<Value> shifts = {site[1]};
  if (site[1].kind == Value::List || site[1].kind == Value::Tuple)
    shifts = site[1].elements;
  for (const Value &shift : shifts) {
    bool computed = shift.isTensor() && shift.shape.empty() && isIntegral(shift.dtype);
    if (!computed && !(shift.isNumber() && !shift.isFloat)) {
      e.error(Diag::WrongType, shift.at, "the shift", describe(shift), "a whole number");
      return e.poison(site.at);
    }
  }
  Shape shape = x.shape;
  std::optional<std::vector<int64_t>> axes;
  if (site.has(2)) {
    axes = permutationArgument(e, site, 2, x);
  } else { // the whole tensor, made flat
    x = e.reshape(x, {{elementCount(x.shape), site.at}}, site.at);
    axes = std::vector<int64_t>{0};
  }
  if (!axes)
    return e.poison(site.at);
  if (axes->size() != shifts.size()) {
    e.error(Diag::BadArgument, site[1].at, fmt::format("{} shifts for {} axes", shifts.size(), axes->size()))
        .help("each axis is moved by a shift of its own");
    return e.poison(site.at);
  }
  Value result = x;
  for (size_t i = 0; i < axes->size(); ++i)
    result = rolled(e, result, (*axes)[i], shifts[i], site.at);
  result = e.reshape(result, shape, site.at);
  result.at = site.at;
  return result;
}

/// Whether column = row + shift, in the last two axes of a shape.
static Value onDiagonal(Elaborator &e, const Shape &shape, int64_t shift, SourceRange at) {
  int64_t rank = int64_t(shape.size());
  Value row = e.iotaOp(DType::I64, shape, rank - 2, at), column = e.iotaOp(DType::I64, shape, rank - 1, at);
  return e.compareOp("eq", column, e.binaryOp("add", row, e.constant(shift, DType::I64, shape, at), at), at);
}

/// The matrix with a vector on its diagonal, or the diagonal of a matrix.
static Value diagonal(Elaborator &e, CallSite &site) {
  Value x = tensorArgument(e, site, 0);
  if (site.has(1) && site[1].kind == Value::SizeOf && !site[1].size.isConstant() && x.isTensor() &&
      (x.shape.size() == 1 || x.shape.size() == 2)) { // a name while checking, so the result's sizes are too
    Dim unknown = {Size::ofData("diagonal", site.at), site.at};
    Value result = Value::ofTensor(x.dtype, Shape(3 - x.shape.size(), unknown), {}, site.at);
    result.varies = x.varies;
    return result;
  }
  std::optional<int64_t> shift = x.poison()    ? std::nullopt
                                 : site.has(1) ? e.integerConstant(site[1], "the diagonal")
                                               : std::optional<int64_t>(0);
  if (!shift)
    return e.poison(site.at);
  int64_t distance = std::abs(*shift);
  if (x.shape.size() == 1) {
    Size size = x.shape[0].size + Size(distance);
    Shape shape = {{size, site.at}, {size, site.at}};
    // Each row is the vector, which stands `shift` columns to the right; a lower diagonal is that of the transpose.
    Value row = x;
    if (mlir::Value operand = e.ir(x); operand && distance) {
      mlir::RankedTensorType type = e.irType(x.dtype, {shape[0]});
      row.ir = dl::PadOp::create(e.graph.here(), e.location(site.at), type, operand, llvm::ArrayRef<int64_t>(distance),
                                 llvm::ArrayRef<int64_t>(0));
    }
    row.shape = {shape[0]};
    Value wide = e.broadcastTo(row, shape, site.at), zero = e.constant(int64_t(0), x.dtype, shape, site.at);
    Value result = e.selectOp(onDiagonal(e, shape, distance, site.at), wide, zero, site.at);
    return *shift < 0 ? e.transpose(result, {1, 0}, site.at) : result;
  }
  if (x.shape.size() != 2) {
    e.error(Diag::RankMismatch, x.at, describe(x), x.shape.size(), "1 or 2");
    return e.poison(site.at);
  }
  const Size &rows = x.shape[0].size, &columns = x.shape[1].size;
  Size down = *shift < 0 ? rows - Size(distance) : rows, across = *shift > 0 ? columns - Size(distance) : columns;
  Size gap = down - across;
  // Of two names neither is known to be the lesser.
  Size length = !gap.isConstant() ? Size::ofData("diagonal", site.at) : gap.constant() <= 0 ? down : across;
  if (length.isConstant() && length.constant() < 0)
    length = Size(0);
  Shape shape = {{length, site.at}};
  Value result = Value::ofTensor(x.dtype, shape, {}, site.at);
  result.varies = x.varies;
  if (mlir::Value flat = e.ir(e.reshape(x, {{elementCount(x.shape), site.at}}, site.at))) {
    int64_t start = *shift < 0 ? distance * columns.constant() : distance;
    mlir::RankedTensorType type = e.irType(x.dtype, shape);
    result = length == Size(0) ? e.constant(int64_t(0), x.dtype, shape, site.at) : result;
    if (!result.ir)
      result.ir = dl::SliceOp::create(e.graph.here(), e.location(site.at), type, flat, llvm::ArrayRef<int64_t>(start),
                                      llvm::ArrayRef<int64_t>(columns.constant() + 1));
  }
  return result;
}

/// The sum of the diagonal of the last two axes.
static Value trace(Elaborator &e, CallSite &site) {
  Value x = tensorArgument(e, site, 0);
  if (x.poison())
    return x;
  int64_t rank = int64_t(x.shape.size());
  if (rank < 2) {
    e.error(Diag::RankMismatch, x.at, describe(x), rank, "at least 2");
    return e.poison(site.at);
  }
  if (!isFloating(x.dtype))
    x = e.cast(x, DType::I64, x.at);
  Value zero = e.constant(int64_t(0), x.dtype, x.shape, site.at);
  Value kept = e.selectOp(onDiagonal(e, x.shape, 0, site.at), x, zero, site.at);
  return e.reduceOp("sum", kept, {rank - 2, rank - 1}, site.at);
}

/// Each vector along an axis of its own of the grid that all span (matrix order).
static Value meshgrid(Elaborator &e, CallSite &site) {
  Shape grid;
  std::vector<Value> lines;
  for (const Value &given : site.rest) {
    site.bound[0] = given;
    Value line = tensorArgument(e, site, 0);
    if (line.poison())
      return line;
    if (line.shape.size() > 1) {
      e.error(Diag::RankMismatch, line.at, describe(line), line.shape.size(), 1);
      return e.poison(site.at);
    }
    grid.push_back({elementCount(line.shape), line.at});
    lines.push_back(line);
  }
  for (size_t i = 0; i < lines.size(); ++i) {
    Shape standing(grid.size(), Dim{Size(1), site.at});
    standing[i] = grid[i];
    lines[i] = e.broadcastTo(e.reshape(lines[i], standing, site.at), grid, site.at);
  }
  return Value::ofTuple(std::move(lines), site.at);
}

void addMovementBuiltins(BuiltinTable &table) {
  table.add("narrow", narrow);
  table.add("window", window);
  table.add("chunk", chunk);
  table.add("tile", tile);
  table.add("repeat", repeat);
  table.add("roll", roll);
  table.add("diag", diagonal);
  table.add("trace", trace);
  table.add("meshgrid", meshgrid);
}

} // namespace dlc
