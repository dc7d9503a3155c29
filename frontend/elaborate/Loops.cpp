// Loops: `for`, `while` and comprehensions. A loop over a list is unrolled; any other is compiled (LoopElaborator.h), at
// top level as one statement.
#include "frontend/builtins/Builtins.h"
#include "frontend/elaborate/Layers.h"
#include "frontend/elaborate/LoopElaborator.h"
#include "frontend/elaborate/LoopSource.h"
#include "frontend/elaborate/Printing.h"

#include "llvm/Support/SaveAndRestore.h"

#include <algorithm>

namespace dlc {

using namespace ast;

/// Whether a loop's body, or that of a loop in it, has a `train` or `data` of its own: it is not compiled then.
static bool holdsItem(const Block &body) {
  return std::any_of(body.statements.begin(), body.statements.end(), [](const Stmt *stmt) {
    return stmt->kind == StmtKind::Item ||
           (stmt->kind == StmtKind::For && holdsItem(*static_cast<const ForStmt *>(stmt)->body));
  });
}

bool Elaborator::askForTurns(SourceRange call) {
  if (!turnsAsked || !isWholeStatement(call))
    return false;
  *turnsAsked = true;
  return true;
}

bool Elaborator::needsTurns(const ScopeRef &scope, SourceRange at, const std::function<void(const ScopeRef &)> &turn) {
  if (insideFunction() || insideLoop() || inElement || emitting())
    return false;
  bool asked = false;
  llvm::SaveAndRestore asks(turnsAsked, &asked);
  Trial trial(*this);
  auto inner = std::make_shared<Scope>();
  inner->parent = scope;
  LoopContext context(inner, at, /*compiled=*/true);
  llvm::SaveAndRestore within(loop, &context);
  turn(inner);
  for (const Change &change : trial.changes())
    asked |= holdsLate(change.after); // a text that only running knows is carried by no loop
  return asked;
}

static Value rowAt(Elaborator &e, const Value &tensor, int64_t i, SourceRange at) {
  return e.reshape(sliceAlong(e, tensor, 0, i, Size(1), at), Shape(tensor.shape.begin() + 1, tensor.shape.end()), at);
}

/// The items of the first `count` turns, known or computed; what was computed is cut into rows at once.
static std::vector<Value> itemsOf(Elaborator &e, const LoopSource &source, int64_t count, SourceRange at) {
  std::vector<Value> over = source.tensors();
  if (source.isKnownRange()) {
    std::vector<Value> items = source.knownItems();
    items.resize(std::min(items.size(), size_t(count)));
    return items;
  }
  Value rows = e.asStatement(at, [&] {
    std::vector<Value> parts;
    for (int64_t i = 0; i < count; ++i)
      for (const Value &tensor : over)
        parts.push_back(rowAt(e, tensor, i, at));
    return Value::ofTuple(std::move(parts), at);
  });
  std::vector<Value> items;
  for (int64_t i = 0; !rows.poison() && i < count; ++i)
    items.push_back(source.item(e, Value::ofInteger(i, at),
                                llvm::ArrayRef(rows.elements).slice(size_t(i) * over.size(), over.size())));
  return items;
}

/// A loop at top level whose turns run one after the other, statement by statement.
void Elaborator::forOfItems(const ForStmt &stmt, const Value &given, const ScopeRef &scope,
                            const std::function<Value(const ScopeRef &, const Value &)> &turn) {
  std::optional<LoopSource> source = loopSource(*this, given, "what a loop runs over");
  if (!source)
    return;
  constexpr int64_t enough = 16; // turns to check where nothing runs
  bool isKnown = source->length && source->length->isConstant();
  if (!source->length || (executor && !isKnown)) {
    error(Diag::WrongType, given.at, "what a loop runs over that trains or draws", describe(given),
          "a list, a tensor, or a range that is known while compiling");
    return;
  }
  int64_t count = isKnown ? source->length->constant() : 1;
  if (executor && count > maxUnrolled) {
    error(Diag::NotSupported, given.at, fmt::format("a loop of more than {} turns that trains or draws", maxUnrolled));
    return;
  }
  unrolled(itemsOf(*this, *source, executor ? count : std::min(count, enough), stmt.range), scope, stmt.range, turn);
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
  if (given.kind == Value::List || given.kind == Value::Tuple || holdsLayers(given))
    return unrolled(layersIn(given), scope, stmt.range, turn);
  if (holdsItem(*stmt.body))
    return forOfItems(stmt, given, scope, turn);
  std::optional<LoopSource> source = loopSource(*this, given, "what a loop runs over");
  if (!source)
    return;
  auto counted = [&](const ScopeRef &inner, const Value &index, const std::vector<Value> &rows) {
    return turn(inner, source->item(*this, index, rows));
  };
  unsigned before = diagnostics.failureCount();
  bool inTurns = needsTurns(scope, stmt.range, [&](const ScopeRef &inner) {
    std::vector<Value> rows;
    for (const Value &tensor : source->tensors())
      rows.push_back(rowAt(*this, tensor, 0, stmt.range));
    Value index = Value::ofTensor(DType::I64, {}, {}, stmt.range);
    source->length ? counted(inner, index, rows) : turn(inner, index);
  });
  if (diagnostics.failureCount() != before)
    return;
  if (inTurns)
    return forOfItems(stmt, given, scope, turn);
  asStatement(stmt.range, [&] {
    if (source->length)
      elaborator.counted(*source->length, source->tensors(), counted);
    else
      countedByHand(given, scope, stmt.range, turn);
    return Value::unit(stmt.range);
  });
}

bool Elaborator::insideLoop() const { return loop && loop->compiled; }

void Elaborator::countedByHand(const Value &range, const ScopeRef &scope, SourceRange at,
                               const std::function<Value(const ScopeRef &, const Value &)> &turn) {
  auto counter = std::make_shared<Scope>();
  counter->parent = scope;
  counter->names[" count"] = {cast(tensorOf(range.elements[0], DType::I64), DType::I64, range.at), true, range.at};
  Value end = cast(tensorOf(range.elements[1], DType::I64), DType::I64, range.at);
  const std::string_view goesOn = range.integer > 0 ? (range.flag ? "le" : "lt") : range.flag ? "ge" : "gt";
  auto count = [&] { return counter->names[" count"].value; };
  LoopElaborator(*this, counter, at)
      .endless([&] { return compareOp(goesOn, count(), end, range.at); },
               [&](const ScopeRef &inner) {
                 Value now = count();
                 Value next = binaryOp("add", now, constant(range.integer, DType::I64, {}, range.at), range.at);
                 setVariable(counter, " count", next, range.at);
                 return turn(inner, now);
               },
               /*counts=*/true);
}

void Elaborator::unrolled(const std::vector<Value> &items, const ScopeRef &scope, SourceRange at,
                          const std::function<Value(const ScopeRef &, const Value &)> &turn) {
  auto inner = std::make_shared<Scope>();
  inner->parent = scope;
  LoopContext context(inner, at, insideLoop());
  LoopContext *outer = std::exchange(loop, &context);
  const std::string place = draws.next("for");
  std::function<Value(size_t)> from = [&](size_t i) {
    for (unsigned before = diagnostics.failureCount(); i < items.size() && diagnostics.failureCount() == before; ++i) {
      // What the turn before has skipped is over.
      setVariable(inner, LoopContext::skippedName, Value::ofBool(false, at), at);
      if (context.certainlyEnded())
        break;
      if (context.perhapsEnded())
        return unlessEnded([&] { return from(i); }, at);
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

/// Whether a list is of scalars, some of them computed: a row of a tensor.
static bool isComputedRow(const Value &list) {
  auto isScalar = [](const Value &value) { return value.isNumber() || (value.isTensor() && value.shape.empty()); };
  return list.kind == Value::List && llvm::all_of(list.elements, isScalar) &&
         llvm::any_of(list.elements, [](const Value &value) { return value.isTensor(); });
}

/// Whether a value is a known number, or a list of such: what a loop can compute as well.
static bool isNumbers(const Value &value) {
  return value.isNumber() || (value.kind == Value::List && llvm::all_of(value.elements, isNumbers));
}

Value Elaborator::comprehension(const ComprehensionExpr &expr, const ScopeRef &scope) {
  Value given = expression(*expr.source, scope);
  if (given.poison())
    return poison(expr.range);
  auto elementIn = [&](const ScopeRef &inner, const Value &item) {
    bindPattern(*expr.pattern, item, inner, false);
    // It is no turn that might be left.
    llvm::SaveAndRestore none(loop, static_cast<LoopContext *>(nullptr));
    llvm::SaveAndRestore within(inElement, true);
    return expression(*expr.element, inner);
  };
  auto element = [&](const Value &item) {
    auto inner = std::make_shared<Scope>();
    inner->parent = scope;
    return elementIn(inner, item);
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
  auto mayUnroll = [&](int64_t count) {
    unrolledElements += count;
    if (unrolledElements > maxUnrolled)
      error(Diag::NotSupported, expr.range, fmt::format("comprehensions of more than {} elements in all", maxUnrolled));
    return unrolledElements <= maxUnrolled;
  };
  // Checked with names: one element stands for all.
  auto listOfNamed = [&](const Value &item, const Size &length) {
    Value one = element(item);
    if (one.poison())
      return one;
    Value list = Value::ofList({one}, expr.range);
    list.size = length;
    list.flag = true;
    return list;
  };
  if (given.kind == Value::List || given.kind == Value::Tuple || holdsLayers(given))
    return listOf(layersIn(given));
  std::optional<LoopSource> source = loopSource(*this, given, "what a comprehension runs over");
  if (!source)
    return poison(expr.range);
  auto compiled = [&] {
    return LoopElaborator(*this, scope, expr.range)
        .counted(*source->length, source->tensors(),
                 [&](const ScopeRef &inner, const Value &index, const std::vector<Value> &rows) {
                   Value counter = index;
                   counter.soft = true; // it mixes with other numbers as one that is known
                   return elementIn(inner, source->item(*this, counter, rows));
                 });
  };
  if (given.kind != Value::Range) {
    const std::vector<Value> over = source->tensors();
    auto itemAt = [&](int64_t i) {
      std::vector<Value> rows;
      for (const Value &tensor : over)
        rows.push_back(rowAt(*this, tensor, i, expr.range));
      return source->item(*this, Value::ofInteger(i, expr.range), rows);
    };
    // Texts that only running knows are no tensor: each is made by itself.
    if (!source->length->isConstant() || source->length->constant() > 0) {
      Value first;
      unsigned before = diagnostics.failureCount();
      {
        Trial trial(*this);
        first = element(itemAt(0));
      }
      if (diagnostics.failureCount() != before)
        return poison(expr.range);
      if (holdsLate(first) && !source->length->isConstant())
        return listOfNamed(itemAt(0), *source->length);
      if (holdsLate(first)) {
        std::vector<Value> items;
        if (!mayUnroll(source->length->constant()))
          return poison(expr.range);
        for (int64_t i = 0; i < source->length->constant(); ++i)
          items.push_back(itemAt(i));
        return listOf(items);
      }
    }
    return compiled();
  }
  if (!source->length) {
    error(Diag::WrongType, given.at, "a bound of a comprehension's range", "computed", "known while compiling")
        .help("a comprehension has as many elements as are known; a `for` may run to a computed bound");
    return poison(expr.range);
  }
  if (!source->isKnownRange())
    return listOfNamed(Value::ofSize(*source->begin, expr.range), *source->length);
  int64_t count = source->length->constant();
  if (count > fewElements) {
    // Layers and lists are made one by one, numbers and tensors in a loop.
    Value first;
    {
      Trial trial(*this);
      first = element(Value::ofInteger(source->begin->constant(), expr.range));
    }
    if (first.poison())
      return first;
    bool isLong = unrolledElements + count > maxUnrolled;
    if (first.isTensor() || isComputedRow(first) || (isLong && isNumbers(first)))
      return compiled();
  }
  if (!mayUnroll(count))
    return poison(expr.range);
  return listOf(source->knownItems());
}

} // namespace dlc
