// Shapes: reshape, permute, concat, pad and their kin.
#include "frontend/builtins/Windows.h"
#include "frontend/elaborate/Texts.h"

#include "ir/Dialect.h"

namespace dlc {

static Value reshapeBuiltin(Elaborator &e, CallSite &site) {
  Value x = tensorArgument(e, site, 0);
  if (x.poison())
    return x;
  std::optional<Shape> shape = shapeArgument(e, site, 1, true);
  if (!shape)
    return e.poison(site.at);
  Size total = elementCount(x.shape), others(1);
  std::optional<size_t> open;
  for (size_t i = 0; i < shape->size(); ++i) {
    const Size &size = (*shape)[i].size;
    if (size.isConstant() && size.constant() == -1) {
      if (open) {
        e.error(Diag::BadArgument, site[1].at, "two sizes are -1").help("one size at most may follow from the others");
        return e.poison(site.at);
      }
      open = i;
    } else {
      others = others * size;
    }
  }
  if (open) {
    if (total.isConstant() && others.isConstant() &&
        (others.constant() == 0 || total.constant() % others.constant() != 0)) {
      auto report = e.error(Diag::NotDivisible, site[1].at, others.str(), total.str());
      report.note(x.at, fmt::format("{} has {} elements", describe(x), total.str()));
      return e.poison(site.at);
    }
    (*shape)[*open].size = Size::quotient(total, others);
  } else if (!e.sameSize(total, others).value_or(true)) {
    auto report = e.error(Diag::ReshapeCount, site.at, describe(x), total.str(), "`" + str(*shape) + "`", others.str());
    e.noteOrigins(report, x);
    report.help("one of the sizes may be -1: it follows from the others");
    return e.poison(site.at);
  }
  return e.reshape(x, *shape, site.at);
}

static Value permuteBuiltin(Elaborator &e, CallSite &site) {
  Value x = tensorArgument(e, site, 0);
  if (x.poison())
    return x;
  std::optional<std::vector<int64_t>> axes = permutationArgument(e, site, 1, x);
  if (!axes)
    return e.poison(site.at);
  if (axes->size() != x.shape.size()) {
    e.error(Diag::RankMismatch, site[1].at, "the permutation", axes->size(),
            fmt::format("{} as {}", x.shape.size(), describe(x)));
    return e.poison(site.at);
  }
  return e.transpose(x, *axes, site.at);
}

/// The rows of a tensor, stacked or joined along an axis.
static Value concatRows(Elaborator &e, CallSite &site, bool stack) {
  const Value &rows = site[0];
  Value row = Value::ofTensor(rows.dtype, Shape(rows.shape.begin() + (stack ? 0 : 1), rows.shape.end()), {}, rows.at);
  std::optional<int64_t> axis = axisArgument(e, site, 1, row, 0);
  if (!axis)
    return e.poison(site.at);
  // The axis of the rows goes to (for concat, in front of) the axis asked for.
  std::vector<int64_t> order;
  for (size_t i = 1; i < rows.shape.size(); ++i)
    order.push_back(int64_t(i));
  order.insert(order.begin() + *axis, 0);
  Value moved = e.transpose(rows, order, site.at);
  if (stack)
    return moved;
  Shape shape = row.shape;
  shape[size_t(*axis)] = {rows.shape[0].size * row.shape[size_t(*axis)].size, site.at};
  return e.reshape(moved, shape, site.at);
}

static Value concatBuiltin(Elaborator &e, CallSite &site, bool stack) {
  if (site[0].isTensor() && site[0].shape.size() > (stack ? 0 : 1))
    return concatRows(e, site, stack);
  if (site[0].kind != Value::List && site[0].kind != Value::Tuple) {
    e.error(Diag::WrongType, site[0].at, fmt::format("argument 1 of `{}`", site.callee), describe(site[0]),
            "a list of tensors")
        .help("for example `concat([a, b], axis: 0)`");
    return e.poison(site.at);
  }
  std::optional<DType> dtype = e.elementTypeOf(site[0], std::nullopt, site.callee);
  if (!dtype)
    return e.poison(site.at);
  std::vector<Value> parts;
  for (const Value &element : site[0].elements) {
    Value part = element;
    if (part.isNumber() && !e.settleNumber(part, *dtype))
      return e.poison(site.at);
    if (part.isNumber() || part.kind == Value::Bool)
      part = e.tensorOf(part, *dtype);
    else if (part.kind == Value::List)
      part = e.listAs(part, *dtype, true, part.at);
    else if (part.isTensor())
      part = e.cast(part, *dtype, part.at);
    if (!part.isTensor()) {
      if (!part.poison())
        e.error(Diag::WrongType, part.at, "an element of the list", describe(part), "a tensor");
      return e.poison(site.at);
    }
    parts.push_back(part);
  }
  if (parts.empty()) {
    e.error(Diag::BadArgument, site[0].at, fmt::format("`{}` of no tensors", site.callee));
    return e.poison(site.at);
  }
  if (!sameClasses(e, site.callee.c_str(), site[0].elements, site.at))
    return e.poison(site.at);
  Value like = parts[0];
  if (stack)
    like.shape.push_back({Size(1), {}});
  std::optional<int64_t> axis = axisArgument(e, site, 1, like, 0);
  if (!axis)
    return e.poison(site.at);
  const Value first = parts[0];
  for (Value &part : parts) {
    bool fits = part.shape.size() == first.shape.size();
    for (size_t i = 0; fits && i < part.shape.size(); ++i)
      fits = (!stack && int64_t(i) == *axis) || e.sameSize(part.shape[i].size, first.shape[i].size).value_or(true);
    if (!fits) {
      auto report = e.error(Diag::ConcatShape, site.at, describe(first), describe(part), *axis);
      e.noteIs(report, first);
      e.noteIs(report, part);
      if (part.shape.size() != first.shape.size()) {
        report.help("tensors are joined that have as many axes; `expand_dims(x, axis: ..)` adds one");
      } else {
        for (size_t i = 0; i < part.shape.size(); ++i)
          if ((stack || int64_t(i) != *axis) && !e.sameSize(part.shape[i].size, first.shape[i].size).value_or(true)) {
            e.noteOrigins(report, first, i);
            e.noteOrigins(report, part, i);
          }
        report.help(stack ? "all shapes must be equal" : fmt::format("all axes but axis {} must be equal", *axis));
      }
      return e.poison(site.at);
    }
    if (stack) {
      Shape widened = part.shape;
      widened.insert(widened.begin() + *axis, {Size(1), site.at});
      part = e.reshape(part, widened, site.at);
    }
  }
  Shape shape = parts[0].shape;
  Size total(0);
  for (const Value &part : parts)
    total = total + part.shape[*axis].size;
  // A list that one element stands for (a comprehension over named sizes).
  if (site[0].flag)
    total = site[0].size * parts[0].shape[*axis].size;
  shape[*axis] = {total, site.at};
  Value result = Value::ofTensor(parts[0].dtype, shape, {}, site.at);
  result.varies = llvm::any_of(parts, [](const Value &part) { return part.varies; });
  if (e.emitting()) {
    std::vector<mlir::Value> operands;
    for (const Value &part : parts)
      operands.push_back(e.ir(part));
    result.ir = operands.size() == 1 ? operands[0]
                                     : dl::ConcatOp::create(e.graph.here(), e.location(site.at),
                                                            e.irType(result.dtype, shape), operands, *axis)
                                           .getResult();
  }
  return result;
}

static Value padBuiltin(Elaborator &e, CallSite &site) {
  Value x = tensorArgument(e, site, 0);
  if (x.poison())
    return x;
  if (site[1].kind != Value::List || site[1].elements.size() != x.shape.size()) {
    e.error(Diag::BadArgument, site[1].at, fmt::format("padding is one pair for each of the {} axes", x.shape.size()))
        .help(fmt::format("for example `pad({}, [[1, 1]{}])`", e.shortText(x.at),
                          x.shape.size() > 1 ? ", [0, 0]" + std::string(x.shape.size() > 2 ? ", .." : "") : ""));
    return e.poison(site.at);
  }
  Widths widths;
  for (size_t i = 0; i < x.shape.size(); ++i) {
    const Value &pair = site[1].elements[i];
    if (pair.kind != Value::List || pair.elements.size() != 2) {
      e.error(Diag::BadArgument, pair.at, "padding of an axis is a pair `[before, behind]`");
      return e.poison(site.at);
    }
    std::optional<Size> before = countOf(e, pair.elements[0], "the padding of `pad`", 0),
                        behind = countOf(e, pair.elements[1], "the padding of `pad`", 0);
    if (!before || !behind)
      return e.poison(site.at);
    widths.emplace_back(*before, *behind);
  }
  bool isConstant = site.has(3) && site[3].kind == Value::String && site[3].text == "constant";
  if (site.has(3) && !isConstant) {
    std::optional<PadMode> mode = padModeArgument(e, site, 3);
    if (mode && site.has(2)) {
      e.error(Diag::BadArgument, site[2].at, "a value of the padding goes with the mode \"constant\" alone");
      mode.reset();
    }
    return mode ? padByMode(e, x, widths, *mode, site.at) : e.poison(site.at);
  }
  if (!site.has(2))
    return padWithZeros(e, x, widths, site.at);
  // What was padded with false takes the value.
  Value value = site[2].kind == Value::Bool ? e.tensorOf(site[2]) : site[2];
  if (!value.isNumber() && !(value.isTensor() && value.shape.empty())) {
    if (!value.poison())
      e.error(Diag::WrongType, value.at, "the value of the padding", describe(value), "a number");
    return e.poison(site.at);
  }
  if (!e.unifyDTypes(x, value, "pad", site.at))
    return e.poison(site.at);
  Value padded = padWithZeros(e, x, widths, site.at);
  if (padded.poison())
    return padded;
  Value inside = padWithZeros(e, e.constant(1, DType::Bool, x.shape, site.at), widths, site.at);
  return e.selectOp(inside, padded, e.broadcastTo(value, padded.shape, value.at), site.at);
}

static Value broadcastBuiltin(Elaborator &e, CallSite &site) {
  Value x = tensorArgument(e, site, 0);
  if (x.poison())
    return x;
  std::optional<Shape> shape = shapeArgument(e, site, 1);
  if (!shape)
    return e.poison(site.at);
  Value target = Value::ofTensor(x.dtype, *shape, {}, site[1].at);
  std::optional<Shape> common =
      x.shape.size() <= shape->size() ? e.broadcastShapes(x, target, "broadcast_to", site.at) : std::nullopt;
  if (common && str(*common) == str(*shape))
    return e.broadcastTo(x, *shape, site.at);
  if (common || x.shape.size() > shape->size())
    e.error(Diag::ShapeMismatch, site.at, str(x.shape), str(*shape), "broadcast_to")
        .help("axes of size 1 are repeated; others keep their size");
  return e.poison(site.at);
}

static Value squeezeBuiltin(Elaborator &e, CallSite &site) {
  Value x = tensorArgument(e, site, 0);
  if (x.poison())
    return x;
  std::vector<int64_t> axes;
  if (site.has(1)) {
    std::optional<std::vector<int64_t>> given = axesArgument(e, site, 1, x);
    if (!given)
      return e.poison(site.at);
    axes = *given;
  } else {
    for (size_t i = 0; i < x.shape.size(); ++i)
      if (x.shape[i].size == Size(1))
        axes.push_back(int64_t(i));
  }
  Shape shape;
  for (size_t i = 0; i < x.shape.size(); ++i) {
    if (std::find(axes.begin(), axes.end(), int64_t(i)) == axes.end()) {
      shape.push_back(x.shape[i]);
    } else if (!e.sameSize(x.shape[i].size, Size(1)).value_or(true)) {
      auto report =
          e.error(Diag::BadArgument, site.at,
                  fmt::format("axis {} of {} has size {}, expected 1", i, describe(x), x.shape[i].size.str()));
      e.noteOrigins(report, x, i);
      return e.poison(site.at);
    }
  }
  return e.reshape(x, shape, site.at);
}

void addShapeBuiltins(BuiltinTable &table) {
  table.add("reshape", reshapeBuiltin);
  table.add("permute", permuteBuiltin);
  table.add("transpose", [](Elaborator &e, CallSite &site) {
    if (site.has(1))
      return permuteBuiltin(e, site);
    Value x = tensorArgument(e, site, 0);
    if (x.poison())
      return x;
    std::vector<int64_t> permutation;
    for (size_t i = 0; i < x.shape.size(); ++i)
      permutation.push_back(int64_t(i));
    if (permutation.size() < 2) {
      e.error(Diag::RankMismatch, x.at, describe(x), x.shape.size(), "at least 2")
          .help("`expand_dims(x, axis: 0)` makes a row of a vector");
      return e.poison(site.at);
    }
    std::swap(permutation[permutation.size() - 2], permutation.back());
    return e.transpose(x, permutation, site.at);
  });
  table.add("flatten", [](Elaborator &e, CallSite &site) {
    // All axes but the first become one.
    Value x = tensorArgument(e, site, 0);
    if (x.poison())
      return x;
    if (x.shape.empty()) {
      e.error(Diag::RankMismatch, x.at, describe(x), 0, "at least 1");
      return e.poison(site.at);
    }
    Shape rest(x.shape.begin() + 1, x.shape.end());
    return e.reshape(x, {x.shape[0], {elementCount(rest), site.at}}, site.at);
  });
  table.add("broadcast_to", broadcastBuiltin);
  table.add("squeeze", squeezeBuiltin);
  table.add("expand_dims", [](Elaborator &e, CallSite &site) {
    Value x = tensorArgument(e, site, 0);
    if (x.poison())
      return x;
    // The axes are those of the result.
    Value wider = x;
    bool isList = site[1].kind == Value::List || site[1].kind == Value::Tuple;
    wider.shape.resize(x.shape.size() + (isList ? site[1].elements.size() : 1), {Size(1), site.at});
    std::optional<std::vector<int64_t>> axes = axesArgument(e, site, 1, wider);
    if (!axes)
      return e.poison(site.at);
    Shape shape = x.shape;
    for (int64_t axis : *axes)
      shape.insert(shape.begin() + axis, {Size(1), site.at});
    return e.reshape(x, shape, site.at);
  });
  table.add("concat", [](Elaborator &e, CallSite &site) { return concatBuiltin(e, site, false); });
  table.add("stack", [](Elaborator &e, CallSite &site) { return concatBuiltin(e, site, true); });
  table.add("pad", padBuiltin);
  table.add("flip", [](Elaborator &e, CallSite &site) {
    Value x = tensorArgument(e, site, 0);
    if (x.poison())
      return x;
    std::optional<std::vector<int64_t>> axes = axesArgument(e, site, 1, x);
    if (!axes)
      return e.poison(site.at);
    Value result = Value::ofTensor(x.dtype, x.shape, {}, site.at);
    result.varies = x.varies;
    if (mlir::Value operand = e.ir(x))
      result.ir = dl::ReverseOp::create(e.graph.here(), e.location(site.at), operand.getType(), operand, *axes);
    return result;
  });
  table.add("rows", [](Elaborator &e, CallSite &site) {
    if (site[0].kind == Value::Data)
      return Value::ofSize(site[0].data->rows, site.at);
    Value x = tensorArgument(e, site, 0);
    if (x.poison())
      return x;
    if (x.shape.empty()) {
      e.error(Diag::RankMismatch, x.at, describe(x), 0, "at least 1");
      return e.poison(site.at);
    }
    return Value::ofSize(x.shape[0].size, site.at);
  });
  table.add("shape", [](Elaborator &e, CallSite &site) {
    Value x = tensorArgument(e, site, 0);
    return x.poison() ? x : e.member(x, "shape", site.at, site.at);
  });
  // Lists of axes, for the library's own functions.
  table.add("axes", [](Elaborator &e, CallSite &site) {
    Value x = tensorArgument(e, site, 0);
    std::optional<std::vector<int64_t>> axes = x.poison() ? std::nullopt : permutationArgument(e, site, 1, x);
    if (!axes)
      return e.poison(site.at);
    std::vector<Value> list;
    for (int64_t axis : *axes)
      list.push_back(Value::ofInteger(axis, site.at));
    return Value::ofList(std::move(list), site.at);
  });
  // The last axis in a list, which is empty for a scalar.
  table.add("last_axis", [](Elaborator &e, CallSite &site) {
    Value x = tensorArgument(e, site, 0);
    std::vector<Value> list;
    if (!x.shape.empty())
      list.push_back(Value::ofInteger(-1, site.at));
    return x.poison() ? x : Value::ofList(std::move(list), site.at);
  });
  table.add("trailing_axes", [](Elaborator &e, CallSite &site) {
    Value x = tensorArgument(e, site, 0);
    std::vector<Value> list;
    for (size_t i = x.shape.size(); i > 0; --i)
      list.push_back(Value::ofInteger(-int64_t(i), site.at));
    return x.poison() ? x : Value::ofList(std::move(list), site.at);
  });
  table.add("other_axes", [](Elaborator &e, CallSite &site) {
    Value x = tensorArgument(e, site, 0);
    std::optional<int64_t> axis = x.poison() ? std::nullopt : axisArgument(e, site, 1, x, 0);
    if (!axis)
      return e.poison(site.at);
    std::vector<Value> list;
    for (size_t i = 0; i < x.shape.size(); ++i)
      if (int64_t(i) != *axis)
        list.push_back(Value::ofInteger(int64_t(i), site.at));
    return Value::ofList(std::move(list), site.at);
  });
  // A vector along one axis of x: shaped to broadcast. A number stands for all.
  table.add("align", [](Elaborator &e, CallSite &site) {
    if (site[0].isNumber())
      return site[0];
    Value v = tensorArgument(e, site, 0), x = tensorArgument(e, site, 1);
    std::optional<int64_t> axis = x.poison() ? std::nullopt : axisArgument(e, site, 2, x, 0);
    if (v.poison() || !axis)
      return e.poison(site.at);
    if (v.shape.size() != 1 || !e.sameSize(v.shape[0].size, x.shape[*axis].size).value_or(true)) {
      auto report = e.error(Diag::ArgumentShape, v.at, "the vector", describe(v),
                            fmt::format("`f32[{}]`, as axis {} of {}", x.shape[*axis].size.str(), *axis, describe(x)));
      e.noteOrigins(report, v);
      return e.poison(site.at);
    }
    Shape shape = v.shape;
    for (size_t i = size_t(*axis) + 1; i < x.shape.size(); ++i)
      shape.push_back({Size(1), site.at});
    return e.reshape(v, shape, site.at);
  });
  // How many of the channels each of `parts` has, which must divide them; `what` says what the parts are, `which` which channels.
  table.add("share", [](Elaborator &e, CallSite &site) {
    std::optional<Size> channels = countOf(e, site[0], "the number of channels", site.has(3) ? 1 : 0),
                        parts = channels ? countOf(e, site[1], "the number of " + site[2].text, 1) : std::nullopt;
    if (!parts)
      return e.poison(site.at);
    if (channels->isConstant() && parts->isConstant() && channels->constant() % parts->constant() != 0) {
      e.error(Diag::BadArgument, site[1].at,
              fmt::format("{} {} do not divide {}{} channels", parts->str(), site[2].text,
                          site.has(3) ? "the " + channels->str() + " " : channels->str(),
                          site.has(3) ? site[3].text : ""));
      return e.poison(site.at);
    }
    return Value::ofSize(Size::quotient(*channels, *parts), site.at);
  });
  // The kernel of a layer (or `what` else), one number or a list of `count`, as a list.
  table.add("spread", [](Elaborator &e, CallSite &site) {
    const std::string what = "the " + (site.has(2) ? site[2].text : "kernel");
    std::optional<int64_t> count = e.integerConstant(site[1], "the count");
    bool isList = site[0].kind == Value::List || site[0].kind == Value::Tuple;
    if (count && isList && int64_t(site[0].elements.size()) != *count)
      e.error(Diag::BadArgument, site[0].at,
              fmt::format("{} has {} numbers, expected {}", what, site[0].elements.size(), *count))
          .help("one number stands for all axes");
    if (!count || (isList && int64_t(site[0].elements.size()) != *count))
      return e.poison(site.at);
    std::vector<Value> list;
    for (const Value &element : isList ? site[0].elements : std::vector<Value>(size_t(*count), site[0])) {
      std::optional<Size> number = countOf(e, element, what, 1);
      if (!number)
        return e.poison(site.at);
      list.push_back(Value::ofSize(*number, site.at));
    }
    return Value::ofList(std::move(list), site.at);
  });
}

} // namespace dlc
