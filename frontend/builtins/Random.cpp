// What is drawn: numbers of a distribution, choices, orders. Arguments are known, or computed and then checked at run time.
#include "frontend/builtins/Builtins.h"

#include "ir/Dialect.h"

#include <cmath>

namespace dlc {

/// The shape that random numbers are drawn in: given, or that of the param whose initial value they are.
static std::optional<Shape> drawnShape(Elaborator &e, CallSite &site, size_t i) {
  if (site.has(i))
    return shapeArgument(e, site, i);
  if (e.initialiserShape)
    return *e.initialiserShape;
  e.error(Diag::MissingArgument, site.at, site.callee, "shape")
      .help("only as the initial value of a `param` does the shape follow");
  return std::nullopt;
}

static Value affine(Elaborator &e, Value x, double scale, double shift, SourceRange at) {
  if (scale != 1)
    x = e.binaryOp("mul", x, e.constant(scale, x.dtype, x.shape, at), at);
  if (shift != 0)
    x = e.binaryOp("add", x, e.constant(shift, x.dtype, x.shape, at), at);
  return x;
}

/// `value`, of which `condition` is checked at run time; `expected` says it in words.
static Value checked(Elaborator &e, const Value &value, const Value &condition, const std::string &expected) {
  Value result = value;
  if (mlir::Value operand = e.ir(value))
    result.ir = dl::CheckOp::create(e.graph.here(), e.location(e.userPlace(value.at)), operand.getType(), operand,
                                    e.ir(condition), e.shortText(value.at, "number"), expected);
  return result;
}

static Value compared(Elaborator &e, const char *predicate, const Value &x, double number) {
  return e.compareOp(predicate, x, e.constant(number, x.dtype, x.shape, x.at), x.at);
}

/// Argument `i` as a computed tensor of floats that broadcasts to `shape`, in f32; nothing where it is a number or absent.
static std::optional<Value> computedArgument(Elaborator &e, CallSite &site, size_t i, const Shape &shape) {
  if (!site.has(i) || site[i].isNumber() || site[i].poison())
    return std::nullopt;
  Value x = floatArgument(e, site, i);
  if (x.poison())
    return x;
  Value target = Value::ofTensor(x.dtype, shape, {}, site.at);
  std::optional<Shape> common = e.broadcastShapes(x, target, site.callee.c_str(), site.at);
  if (!common)
    return e.poison(site.at);
  if (str(*common) != str(shape)) {
    auto report = e.error(Diag::ShapeMismatch, site.at, str(x.shape), str(shape), site.callee);
    e.noteIs(report, x);
    return e.poison(site.at);
  }
  return e.cast(x, DType::F32, x.at);
}

static Value normal(Elaborator &e, CallSite &site) {
  std::optional<Shape> shape = drawnShape(e, site, 0);
  if (!shape)
    return e.poison(site.at);
  std::optional<Value> means = computedArgument(e, site, 1, *shape), deviations = computedArgument(e, site, 2, *shape);
  if ((means && means->poison()) || (deviations && deviations->poison()))
    return e.poison(site.at);
  std::optional<double> mean = means ? 0 : numberArgument(e, site, 1, 0),
                        deviation = deviations ? 1 : numberArgument(e, site, 2, 1);
  if (!mean || !deviation)
    return e.poison(site.at);
  if (!(*deviation >= 0)) {
    e.error(Diag::BadArgument, site[2].at,
            fmt::format("`std` is {}, expected a number that is not negative", *deviation));
    return e.poison(site.at);
  }
  Value drawn = affine(e, e.randomOp("normal", *shape, site.at), *deviation, *mean, site.at);
  if (deviations) {
    Value good = checked(e, *deviations, compared(e, "ge", *deviations, 0), "a number that is not negative");
    drawn = e.binaryOp("mul", drawn, e.broadcastTo(good, *shape, site.at), site.at);
  }
  return means ? e.binaryOp("add", drawn, e.broadcastTo(*means, *shape, site.at), site.at) : drawn;
}

/// `uniform(low, high)` as an initial value, `uniform([n], low: , high:)` anywhere.
static Value uniform(Elaborator &e, CallSite &site) {
  bool listFirst = site.has(0) && (site[0].kind == Value::List || site[0].kind == Value::Tuple);
  size_t first = listFirst ? 1 : 0;
  std::optional<Shape> shape = listFirst ? shapeArgument(e, site, 0) : drawnShape(e, site, 3);
  std::optional<double> low = site.has(4) ? numberArgument(e, site, 4, 0) : numberArgument(e, site, first, 0);
  std::optional<double> high = site.has(5) ? numberArgument(e, site, 5, 1) : numberArgument(e, site, first + 1, 1);
  if (!shape || !low || !high)
    return e.poison(site.at);
  if (!(*low <= *high)) {
    e.error(Diag::BadArgument, site.at,
            fmt::format("`uniform` is from {} to {}, expected the lower number first", *low, *high));
    return e.poison(site.at);
  }
  return affine(e, e.randomOp("uniform", *shape, site.at), *high - *low, *low, site.at);
}

static Value bernoulli(Elaborator &e, CallSite &site) {
  std::optional<Shape> shape = shapeArgument(e, site, 0);
  if (!shape)
    return e.poison(site.at);
  std::optional<Value> shares = computedArgument(e, site, 1, *shape);
  if (shares && shares->poison())
    return e.poison(site.at);
  std::optional<double> p = shares ? 0.5 : numberArgument(e, site, 1, 0.5);
  if (!p)
    return e.poison(site.at);
  if (!(*p >= 0 && *p <= 1)) {
    e.error(Diag::BadArgument, site[1].at, fmt::format("`p` is {}, expected a probability from 0 to 1", *p));
    return e.poison(site.at);
  }
  Value limit = e.constant(*p, DType::F32, *shape, site.at);
  if (shares) {
    Value inside = e.binaryOp("and", compared(e, "ge", *shares, 0), compared(e, "le", *shares, 1), site.at);
    limit = e.broadcastTo(checked(e, *shares, inside, "a probability from 0 to 1"), *shape, site.at);
  }
  return e.compareOp("lt", e.randomOp("uniform", *shape, site.at), limit, site.at);
}

/// Whole numbers from 0 below 2^48, from two draws of 24 bits.
static Value bits(Elaborator &e, const Shape &shape, SourceRange at) {
  auto draw = [&] {
    Value unit = e.randomOp("uniform", shape, at);
    return e.cast(e.binaryOp("mul", unit, e.constant(0x1p24, DType::F32, shape, at), at), DType::I64, at);
  };
  Value high = e.binaryOp("mul", draw(), e.constant(int64_t(1) << 24, DType::I64, shape, at), at);
  return e.binaryOp("add", high, draw(), at);
}

/// Whole numbers from `low` (0) to below `high`, known or computed.
static Value randint(Elaborator &e, CallSite &site) {
  // `randint(high, shape: ..)` leaves the lower bound out, as PyTorch does.
  bool hasBoth = site.has(1) && site[1].kind != Value::List && site[1].kind != Value::Tuple;
  size_t shapeAt = hasBoth || site.has(2) ? 2 : 1;
  if (!site.has(shapeAt)) {
    e.error(Diag::MissingArgument, site.at, site.callee, "shape");
    return e.poison(site.at);
  }
  std::optional<Shape> shape = shapeArgument(e, site, shapeAt);
  Value low = hasBoth ? site[0] : Value::ofInteger(0, site.at), high = hasBoth ? site[1] : site[0];
  if (!shape || low.poison() || high.poison())
    return e.poison(site.at);
  for (const Value *bound : {&low, &high})
    if (!(bound->isNumber() && !bound->isFloat) &&
        !(bound->isTensor() && bound->shape.empty() && isIntegral(bound->dtype))) {
      e.error(Diag::WrongType, bound->at, "a bound of `randint`", describe(*bound), "a whole number");
      return e.poison(site.at);
    }
  auto known = [](const Value &bound) {
    return bound.kind == Value::Number || (bound.kind == Value::SizeOf && bound.size.isConstant());
  };
  if (known(low) && known(high) && !(low.asDouble() < high.asDouble() && high.asDouble() - low.asDouble() <= 0x1p48)) {
    e.error(Diag::BadArgument, site.at,
            fmt::format("`randint` is from {} to below {}, expected a greater number, by 2 ** 48 at most",
                        int64_t(low.asDouble()), int64_t(high.asDouble())));
    return e.poison(site.at);
  }
  SourceRange at = high.at;
  low = e.tensorOf(low, DType::I64);
  high = e.tensorOf(high, DType::I64);
  high.at = at;
  Value span = e.binaryOp("sub", high, low, site.at);
  Value some = e.compareOp("gt", span, e.constant(int64_t(0), DType::I64, {}, site.at), site.at);
  Value greater = checked(e, high, some, "greater than the lower bound");
  span = e.broadcastTo(e.binaryOp("sub", greater, low, site.at), *shape, site.at);
  Value rest = e.binaryOp("rem", bits(e, *shape, site.at), span, site.at);
  return e.binaryOp("add", rest, e.broadcastTo(low, *shape, site.at), site.at);
}

/// The numbers from 0 to below n, each once: the places of random numbers in order.
static Value permutation(Elaborator &e, CallSite &site) {
  std::optional<Size> n = lengthArgument(e, site, 0, "the length of a permutation");
  if (!n)
    return e.poison(site.at);
  return e.apply(e.library->find("argsort")->value, {bits(e, {{*n, site.at}}, site.at)}, site.at);
}

/// Scores with Gumbel noise, -log(-log(u)): the greatest is a draw, the n greatest are n draws without replacement.
static Value noisy(Elaborator &e, const Value &scores, SourceRange at) {
  Value u =
      e.binaryOp("max", e.randomOp("uniform", scores.shape, at), e.constant(1e-30, DType::F32, scores.shape, at), at);
  Value noise = e.unaryOp("neg", e.unaryOp("log", e.unaryOp("neg", e.unaryOp("log", u, at), at), at), at);
  return e.binaryOp("add", scores, noise, at);
}

/// Where the first bracket of a text is closed.
static size_t closes(std::string_view text) {
  int open = 0;
  for (size_t i = text.find('('); i < text.size(); ++i)
    if (open += (text[i] == '(') - (text[i] == ')'); open == 0)
      return i;
  return text.npos;
}

/// Whether what is given as scores is probabilities: the value of a softmax, or known shares of 1.
static bool areProbabilities(Elaborator &e, const Value &given) {
  std::string text = e.shortText(given.at, "");
  if (text.ends_with("|> softmax") || (text.starts_with("softmax(") && closes(text) == text.size() - 1))
    return true;
  if (given.kind != Value::List || given.elements.size() < 2)
    return false;
  double sum = 0;
  for (const Value &element : given.elements) {
    if (!element.isNumber() || (element.kind == Value::SizeOf && !element.size.isConstant()) || element.asDouble() < 0)
      return false;
    sum += element.asDouble();
  }
  return std::abs(sum - 1) < 1e-6;
}

/// The scores of what is drawn from: `scores`, or the logarithms of probabilities, each at least 0.
static Value scoresArgument(Elaborator &e, CallSite &site) {
  if (site.has(0) == site.has(3)) {
    e.error(Diag::BadArgument, site.at, "`categorical` draws by scores or by `probs`, expected one of them");
    return e.poison(site.at);
  }
  if (site.has(0) && areProbabilities(e, site[0])) {
    e.error(Diag::BadArgument, site[0].at, "`categorical` draws by scores, and these are probabilities")
        .help("write `categorical(probs: " + e.shortText(site[0].at) + ")`");
    return e.poison(site.at);
  }
  Value x = floatArgument(e, site, site.has(0) ? 0 : 3);
  if (x.poison())
    return x;
  if (x.shape.empty()) {
    e.error(Diag::RankMismatch, x.at, describe(x), 0, "at least 1");
    return e.poison(site.at);
  }
  if (x.shape.back().size == Size(0)) {
    e.error(Diag::BadArgument, x.at, "`categorical` of no classes");
    return e.poison(site.at);
  }
  SourceRange at = x.at;
  x = e.cast(x, DType::F32, x.at);
  x.at = at;
  if (!site.has(0)) {
    x = checked(e, x, compared(e, "ge", x, 0), "a probability, not negative");
    x = e.unaryOp("log", x, x.at);
    x.at = at;
  }
  return x;
}

/// Classes drawn by scores (the last axis) or probabilities: one, or `n` with or without replacement.
static Value categorical(Elaborator &e, CallSite &site) {
  Value scores = scoresArgument(e, site);
  std::optional<bool> again = boolArgument(e, site, 2, true);
  std::optional<Size> count = site.has(1) ? lengthArgument(e, site, 1, "the number of draws") : Size(1);
  if (scores.poison() || !again || !count)
    return e.poison(site.at);
  const Dim classes = scores.shape.back();
  Size rest = classes.size - *count;
  if (!*again && rest.isConstant() && rest.constant() < 0) {
    e.error(Diag::BadArgument, site[1].at,
            fmt::format("{} draws without replacement from {} classes", count->str(), classes.size.str()));
    return e.poison(site.at);
  }
  // [.., n, classes] with replacement, a draw of its own for each of n; else [.., classes].
  Shape result(scores.shape.begin(), scores.shape.end() - 1);
  Value wide = scores;
  bool spreads = *again && site.has(1);
  if (site.has(1))
    result.push_back({*count, site.at});
  int64_t last = int64_t(scores.shape.size()) - 1;
  // The least likely that is drawn must be possible at all.
  double impossible = -std::numeric_limits<double>::infinity();
  if (*again) {
    Value best = e.reduceOp("max", scores, {last}, site.at);
    best.at = scores.at;
    checked(e, best, compared(e, "gt", best, impossible), "greater than -inf for one class at least");
  }
  if (spreads) {
    Shape row = wide.shape, all = result;
    row.insert(row.end() - 1, {Size(1), site.at});
    all.push_back(classes);
    wide = e.broadcastTo(e.reshape(wide, row, site.at), all, site.at);
  }
  if (*again) {
    Value drawn =
        e.apply(e.library->find("argmax")->value, {noisy(e, wide, site.at), Value::ofInteger(-1, site.at)}, site.at);
    return drawn.poison() ? drawn : e.reshape(drawn, result, site.at);
  }
  auto library = [&](const char *name, std::vector<Value> arguments) {
    return e.apply(e.library->find(name)->value, std::move(arguments), site.at);
  };
  Value axis = Value::ofInteger(-1, site.at);
  Value order = library("argsort", {noisy(e, wide, site.at), axis, Value::ofBool(true, site.at)});
  order = library("narrow", {order, axis, Value::ofInteger(0, site.at), Value::ofSize(*count, site.at)});
  if (order.poison())
    return order;
  Value taken = library("take_along", {scores, order, axis});
  taken.at = scores.at;
  checked(e, taken, compared(e, "gt", taken, impossible), "greater than -inf for as many classes as are drawn");
  return e.reshape(order, result, site.at);
}

void addRandomBuiltins(BuiltinTable &table) {
  table.add("normal", normal);
  table.add("uniform", uniform);
  table.add("bernoulli", bernoulli);
  table.add("randint", randint);
  table.add("permutation", permutation);
  table.add("categorical", categorical);
}

} // namespace dlc
