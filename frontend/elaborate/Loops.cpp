// Loops: `for`, `while` and comprehensions. A loop over a list is unrolled; any other is compiled (LoopElaborator.h), at
// top level as one statement.
#include "frontend/elaborate/LoopElaborator.h"

namespace dlc {

using namespace ast;

namespace {

/// What a loop runs over.
struct LoopSource {
  Value value;            ///< a range or a tensor
  std::optional<Size> begin, length; ///< unless the bounds of a range are computed
};

} // namespace

/// The whole number that a bound of a range is, known or computed, else poison.
static Value rangeBound(Elaborator &e, const Value &bound) {
  bool whole = (bound.isNumber() && !(bound.kind == Value::Number && bound.isFloat)) ||
               (bound.isTensor() && bound.shape.empty() && isIntegral(bound.dtype));
  if (!whole && !bound.poison())
    e.error(Diag::WrongType, bound.at, "a bound of a range", describe(bound), "a whole number");
  return whole ? bound : e.poison(bound.at);
}

/// Checks what a loop runs over; nothing when an error was reported.
static std::optional<LoopSource> loopSource(Elaborator &e, const Value &source, const char *what) {
  LoopSource made{source, {}, {}};
  if (source.kind == Value::Range) {
    Value bounds[2];
    for (int k : {0, 1}) {
      bounds[k] = rangeBound(e, source.elements[size_t(k)]);
      if (bounds[k].poison())
        return std::nullopt;
    }
    if (!bounds[0].isNumber() || !bounds[1].isNumber())
      return made;
    made.begin = e.size(bounds[0], "the begin of a range");
    made.length = *e.size(bounds[1], "the end of a range") - *made.begin;
    if (made.length->isConstant() && made.length->constant() < 0)
      made.length = Size(0);
    return made;
  }
  if (source.isTensor() && !source.shape.empty()) {
    made.length = source.shape[0].size;
    return made;
  }
  if (!source.poison())
    e.error(Diag::WrongType, source.at, what, describe(source), "a tensor with axes, a list or a range")
        .help(source.kind == Value::Number && !source.isFloat ? fmt::format("`for i in 0..{}` counts", source.integer)
                                                              : "`for i in 0..n` counts");
  return std::nullopt;
}

/// The item of a turn: a row, or the index counted from the begin of the range.
static Value itemOf(Elaborator &e, const LoopSource &source, const Value &index, const Value &row) {
  if (source.value.isTensor())
    return row;
  Value item = index;
  if (source.begin && !(source.begin->isConstant() && source.begin->constant() == 0))
    item = e.binary(BinaryOp::Add, item, Value::ofSize(*source.begin, source.value.at), source.value.at);
  item.at = source.value.at;
  return item;
}

void Elaborator::forLoop(const ForStmt &stmt, const ScopeRef &scope) {
  Value given = topLevel(*stmt.source, scope);
  if (given.poison())
    return;
  LoopElaborator elaborator(*this, scope, stmt.range);
  auto turn = [&](const ScopeRef &inner, const Value &item) {
    bindPattern(*stmt.pattern, item, inner, false);
    elaborator.body(*stmt.body, inner);
    return Value::unit(stmt.range);
  };
  if (given.kind == Value::List || given.kind == Value::Tuple)
    return unrolled(given.elements, scope, stmt.range, turn);
  std::optional<LoopSource> source = loopSource(*this, given, "what a loop runs over");
  if (!source)
    return;
  bool overRows = given.isTensor();
  auto counted = [&](const ScopeRef &inner, const Value &index, const Value &row) {
    return turn(inner, itemOf(*this, *source, index, row));
  };
  auto whole = [&] {
    if (source->length) {
      elaborator.counted(*source->length, overRows ? given : poison(stmt.range), counted);
      return Value::unit(stmt.range);
    }
    // The bounds are computed: a variable of the loop's own counts.
    auto counter = std::make_shared<Scope>();
    counter->parent = scope;
    counter->names[" count"] = {cast(tensorOf(given.elements[0], DType::I64), DType::I64, given.at), true, given.at};
    Value end = cast(tensorOf(given.elements[1], DType::I64), DType::I64, given.at);
    LoopElaborator counting(*this, counter, stmt.range);
    auto count = [&] { return counter->names[" count"].value; };
    counting.endless([&] { return compareOp("lt", count(), end, given.at); },
                     [&](const ScopeRef &inner) {
                       Value now = count();
                       setVariable(counter, " count", binaryOp("add", now, constant(1, DType::I64, {}, given.at), given.at),
                                   given.at);
                       return turn(inner, now);
                     },
                     /*counts=*/true);
    return Value::unit(stmt.range);
  };
  asStatement(stmt.range, whole);
}

void Elaborator::unrolled(const std::vector<Value> &items, const ScopeRef &scope, SourceRange at,
                          const std::function<Value(const ScopeRef &, const Value &)> &turn) {
  auto inner = std::make_shared<Scope>();
  inner->parent = scope;
  inner->names[LoopContext::leftName] = {Value::ofBool(false, at), true, at};
  LoopContext context{inner};
  LoopContext *outer = std::exchange(loop, &context);
  const std::string place = draws.next("for");
  std::function<Value(size_t)> from = [&](size_t i) {
    for (; i < items.size() && !context.certainlyLeft(); ++i) {
      if (context.left().kind != Value::Bool)
        return unlessLeft([&] { return from(i); }, at);
      InDrawPlace here(*this, fmt::format("{}[{}]", place, i));
      auto own = std::make_shared<Scope>();
      own->parent = inner;
      turn(own, items[i]);
    }
    return Value::unit(at);
  };
  from(0);
  loop = outer;
}

void Elaborator::whileLoop(const WhileStmt &stmt, const ScopeRef &scope) {
  LoopElaborator elaborator(*this, scope, stmt.range);
  auto condition = [&] { return expression(*stmt.condition, scope); };
  auto turn = [&](const ScopeRef &inner) { return elaborator.body(*stmt.body, inner); };
  asStatement(stmt.range, [&] {
    elaborator.endless(condition, turn);
    return Value::unit(stmt.range);
  });
}

/// How many elements a comprehension over a range may have that is unrolled; longer ones of tensors are compiled loops.
static constexpr int64_t fewElements = 16;

Value Elaborator::comprehension(const ComprehensionExpr &expr, const ScopeRef &scope) {
  Value given = expression(*expr.source, scope);
  if (given.poison())
    return poison(expr.range);
  auto element = [&](const Value &item) {
    auto inner = std::make_shared<Scope>();
    inner->parent = scope;
    bindPattern(*expr.pattern, item, inner, false);
    return expression(*expr.element, inner);
  };
  auto listOf = [&](const std::vector<Value> &items) {
    std::vector<Value> values;
    const std::string place = draws.next("for");
    for (const Value &item : items) {
      InDrawPlace here(*this, fmt::format("{}[{}]", place, values.size()));
      values.push_back(element(item));
      if (values.back().poison())
        return poison(expr.range);
    }
    return Value::ofList(std::move(values), expr.range);
  };
  if (given.kind == Value::List || given.kind == Value::Tuple)
    return listOf(given.elements);
  std::optional<LoopSource> source = loopSource(*this, given, "what a comprehension runs over");
  if (!source)
    return poison(expr.range);
  auto compiled = [&] {
    return LoopElaborator(*this, scope, expr.range)
        .counted(*source->length, given.isTensor() ? given : poison(expr.range),
                 [&](const ScopeRef &inner, const Value &index, const Value &row) {
                   bindPattern(*expr.pattern, itemOf(*this, *source, index, row), inner, false);
                   return expression(*expr.element, inner);
                 });
  };
  if (given.isTensor())
    return compiled();
  if (!source->length) {
    error(Diag::WrongType, given.at, "a bound of a comprehension's range", "computed", "known while compiling")
        .help("a comprehension has as many elements as are known; a `for` may run to a computed bound");
    return poison(expr.range);
  }
  if (!source->length->isConstant() || !source->begin->isConstant()) {
    // Checked with names: one element stands for all.
    Value one = element(Value::ofSize(*source->begin, expr.range));
    if (one.poison())
      return one;
    Value list = Value::ofList({one}, expr.range);
    list.size = *source->length;
    list.flag = true;
    return list;
  }
  int64_t begin = source->begin->constant(), count = source->length->constant();
  if (count > fewElements) {
    // Layers and lists are made one by one, numbers and tensors in a loop.
    Value first;
    {
      Trial trial(*this);
      first = element(Value::ofInteger(begin, expr.range));
    }
    if (first.poison())
      return first;
    if (first.isTensor())
      return compiled();
  }
  unrolledElements += count;
  if (unrolledElements > maxUnrolled) {
    error(Diag::NotSupported, expr.range, fmt::format("comprehensions of more than {} elements in all", maxUnrolled));
    return poison(expr.range);
  }
  std::vector<Value> items;
  for (int64_t i = 0; i < count; ++i)
    items.push_back(Value::ofInteger(begin + i, expr.range));
  return listOf(items);
}

} // namespace dlc
