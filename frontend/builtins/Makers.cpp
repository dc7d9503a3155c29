// What makes tensors out of nothing: zeros, ranges, lists.
#include "frontend/builtins/Builtins.h"
#include "frontend/elaborate/LoopSource.h"

#include "ir/Dialect.h"

#include <cmath>

namespace dlc {

/// `tensor(xs, dtype)`: with a dtype it converts, as `f64(x)` does.
static Value tensorBuiltin(Elaborator &e, CallSite &site) {
  const Value &given = site[0];
  std::optional<DType> dtype;
  if (site.has(1)) {
    if (site[1].kind != Value::DTypeName) {
      e.error(Diag::WrongType, site[1].at, fmt::format("argument 2 of `{}`", site.callee), describe(site[1]),
              "a type, as `i32`");
      return e.poison(site.at);
    }
    dtype = site[1].dtype;
  }
  Value list = given;
  if (list.kind == Value::Tuple)
    list.kind = Value::List;
  if (list.kind == Value::List && dtype)
    return e.listAs(list, *dtype, false, site.at);
  Value value = dtype && given.isNumber() ? e.convertNumber(given, *dtype, site.at) : e.tensorOfList(list);
  value = value.kind == Value::List ? value : e.tensorOf(value, dtype);
  if (!value.isTensor() && !(value.poison() && list.kind == Value::List)) {
    e.error(Diag::WrongType, given.at, "the value", describe(given), "numbers");
    return e.poison(site.at);
  }
  return value;
}

/// The dtype argument of `zeros([n], i32)`.
static std::optional<DType> dtypeArgument(Elaborator &e, CallSite &site, size_t i, DType absent) {
  if (!site.has(i))
    return absent;
  if (site[i].kind == Value::DTypeName)
    return site[i].dtype;
  auto report = e.error(Diag::WrongType, site[i].at, fmt::format("argument {} of `{}`", i + 1, site.callee),
                        describe(site[i]), "a type, as `i32`");
  if (i == 1 && site[0].isNumber() && site[1].isNumber())
    report.help(fmt::format("a shape is a list: `{}([{}, {}])`", site.callee, e.shortText(site[0].at, "n"),
                            e.shortText(site[1].at, "m")),
                site[0].at.to(site[1].at),
                fmt::format("[{}, {}]", e.sources.text(site[0].at), e.sources.text(site[1].at)));
  return std::nullopt;
}

static void addSplats(BuiltinTable &table) {
  for (auto [name, value] : {std::pair("zeros", 0.0), {"ones", 1.0}})
    table.add(name, [value](Elaborator &e, CallSite &site) {
      std::optional<DType> dtype = dtypeArgument(e, site, 1, DType::F32);
      if (!site.has(0)) {
        if (e.initialiserShape)
          return e.constant(value, DType::F32, *e.initialiserShape, site.at);
        e.error(Diag::MissingArgument, site.at, site.callee, "shape");
        return e.poison(site.at);
      }
      std::optional<Shape> shape = shapeArgument(e, site, 0);
      if (!shape || !dtype)
        return e.poison(site.at);
      return e.constant(value, *dtype, *shape, site.at);
    });
  table.add("full", [](Elaborator &e, CallSite &site) {
    std::optional<Shape> shape = shapeArgument(e, site, 0);
    // A tensor of the value's own type, unless another is given.
    DType own = site[1].isTensor() ? site[1].dtype : site[1].kind == Value::Bool ? DType::Bool : DType::I64;
    if (site[1].kind == Value::Number)
      own = site[1].dtypeOr(site[1].isFloat ? DType::F32 : DType::I64);
    std::optional<DType> dtype = dtypeArgument(e, site, 2, own);
    if (!shape || !dtype)
      return e.poison(site.at);
    Value value = e.tensorOf(site[1].isNumber() ? e.convertNumber(site[1], *dtype, site[1].at) : site[1], *dtype);
    if (!value.isTensor()) {
      if (!value.poison() || !site[1].poison())
        e.error(Diag::WrongType, site[1].at, "argument 2 of `full`", describe(site[1]), "a number");
      return e.poison(site.at);
    }
    return e.broadcastTo(value, *shape, site.at);
  });
  table.add("eye", [](Elaborator &e, CallSite &site) {
    std::optional<Size> n = lengthArgument(e, site, 0, "the size of `eye`");
    std::optional<DType> dtype = dtypeArgument(e, site, 1, DType::F32);
    if (!n || !dtype)
      return e.poison(site.at);
    Shape shape = {{*n, site.at}, {*n, site.at}};
    Value same =
        e.compareOp("eq", e.iotaOp(DType::I64, shape, 0, site.at), e.iotaOp(DType::I64, shape, 1, site.at), site.at);
    return e.cast(same, *dtype, site.at);
  });
  table.add("linspace", [](Elaborator &e, CallSite &site) {
    std::optional<double> begin = numberArgument(e, site, 0, 0), end = numberArgument(e, site, 1, 0);
    std::optional<Size> n = lengthArgument(e, site, 2, "the length of `linspace`");
    if (!begin || !end || !n)
      return e.poison(site.at);
    Shape shape = {{*n, site.at}};
    double count = n->isConstant() ? double(n->constant()) : 2;
    Value x = e.iotaOp(DType::F32, shape, 0, site.at);
    x = e.binaryOp("mul", x, e.constant(count > 1 ? (*end - *begin) / (count - 1) : 0, DType::F32, shape, site.at),
                   site.at);
    return e.binaryOp("add", x, e.constant(*begin, DType::F32, shape, site.at), site.at);
  });
}

/// From `begin` to below `end` in steps, as numbers with a fraction: each begin + i * step, rounded once.
static Value fractions(Elaborator &e, CallSite &site, double begin, double end, double step) {
  double count = std::ceil((end - begin) / step);
  if (!std::isfinite(count) || count > maxElements) {
    e.error(Diag::BadArgument, site.at,
            fmt::format("from {} to {} in steps of {} there are {} numbers", begin, end, step, count));
    return e.poison(site.at);
  }
  Shape shape = {{Size(int64_t(std::max(count, 0.0))), site.at}};
  Value x = e.iotaOp(DType::F64, shape, 0, site.at);
  x = e.binaryOp("mul", x, e.constant(step, DType::F64, shape, site.at), site.at);
  return e.binaryOp("add", x, e.constant(begin, DType::F64, shape, site.at), site.at);
}

/// `arange(n)`, `arange(begin, end)`, `arange(begin, end, step)`: without the end. Whole numbers are i64, others f32.
static Value arange(Elaborator &e, CallSite &site) {
  // The type may stand behind any of them.
  for (size_t i : {1, 2})
    if (site.has(i) && site[i].kind == Value::DTypeName)
      site.bound[3] = std::exchange(site.bound[i], std::nullopt);
  bool hasBegin = site.has(1), isPlain = !hasBegin && !site.has(2);
  Value bounds[] = {hasBegin ? site[0] : Value::ofInteger(0, site.at), hasBegin ? site[1] : site[0],
                    site.has(2) ? site[2] : Value::ofInteger(1, site.at)};
  bool isFraction = false, isKnown = true;
  for (const Value &bound : bounds) {
    isFraction |= bound.kind == Value::Number && bound.isFloat;
    isKnown &= bound.isNumber() && !(bound.kind == Value::SizeOf && !bound.size.isConstant());
  }
  std::optional<DType> dtype = dtypeArgument(e, site, 3, isFraction ? DType::F32 : DType::I64);
  if (!dtype)
    return e.poison(site.at);
  if (isFraction && isKnown && !isPlain && bounds[2].asDouble() != 0) {
    Value x = fractions(e, site, bounds[0].asDouble(), bounds[1].asDouble(), bounds[2].asDouble());
    return x.poison() ? x : e.cast(x, *dtype, site.at);
  }
  const char *names[] = {"the begin of `arange`", "the end of `arange`", "the step of `arange`"};
  for (size_t i : {0, 1, 2})
    if (!e.size(bounds[i], isPlain ? "the length of `arange`" : names[i]))
      return e.poison(site.at);
  std::optional<int64_t> step = e.integerConstant(bounds[2], names[2]);
  if (!step || *step == 0) {
    if (step)
      e.error(Diag::BadArgument, bounds[2].at, "the step of `arange` is 0");
    return e.poison(site.at);
  }
  Value range = Value::unit(site.at);
  range.kind = Value::Range;
  range.elements = {bounds[0], bounds[1]};
  range.integer = *step;
  std::optional<LoopSource> source = loopSource(e, range, "the numbers of `arange`");
  if (!source)
    return e.poison(site.at);
  if (isPlain && isKnown && bounds[1].asDouble() < 0) {
    e.error(Diag::NegativeSize, bounds[1].at, int64_t(bounds[1].asDouble()));
    return e.poison(site.at);
  }
  Size length = *source->length;
  if (length.isConstant() && double(length.constant()) > maxElements) {
    e.error(Diag::TooLarge, bounds[1].at, fmt::format("a tensor of {} elements", length.constant()));
    return e.poison(site.at);
  }
  Value x = e.iotaOp(isPlain ? *dtype : DType::I64, {{length, site.at}}, 0, site.at);
  return isPlain ? x : e.cast(source->item(e, x, {}), *dtype, site.at);
}

void addMakerBuiltins(BuiltinTable &table) {
  table.add("arange", arange);
  table.add("tensor", tensorBuiltin);
  addSplats(table);
}

} // namespace dlc
