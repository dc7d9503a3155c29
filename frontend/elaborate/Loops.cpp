// Loops: `for`, `while` and comprehensions over tensors. A loop over a list is unrolled; any other is compiled once, whatever
// its length.
//
// 1. The body is tried, for its types alone, until it ends with the types that it begins with: a number that it changes is
//    computed from there on, and takes the type that the body gives it.
// 2. It is built as a region: what it assigns is carried from one turn to the next.
// 3. `break` sets a flag that the rest of the body is under (Branches.cpp); the loop ends with the turn.
#include "frontend/elaborate/ControlFlow.h"

#include "ir/Dialect.h"

namespace dlc {

using namespace ast;

namespace {

class LoopElaborator {
public:
  LoopElaborator(Elaborator &e, const ScopeRef &scope, SourceRange at) : e(e), scope(scope), at(at) {}

  /// One turn of the body; it binds its names in the scope, and gives the value of an element (of a comprehension).
  using Turn = std::function<Value(const ScopeRef &inner)>;
  /// What a turn is for: the index, and the row of the tensor that is looped over.
  using CountedTurn = std::function<Value(const ScopeRef &inner, const Value &index, const Value &row)>;

  /// A loop of `length` turns, over the rows of `over` unless that is poison. Gives the stacked elements.
  Value counted(const Size &length, const Value &over, const CountedTurn &turn);
  /// A loop while `condition` holds, then a turn.
  void endless(const std::function<Value()> &condition, const Turn &turn);
  /// Finds what the loop carries; false when an error was reported.
  bool settle(const std::function<void()> &turn);
  /// Turns the variables that the loop carries into computed ones, of the types that they keep.
  void start();
  /// The body's statements, the loop's names bound.
  Value body(const Block &block, const ScopeRef &inner) { return e.statements(block.statements, inner, block.range); }
  /// Does a turn in a scope of its own; gives what it gives. `left`: the flag of `break` at its end.
  Value turnInScope(const Turn &turn, Value *left = nullptr);

private:
  struct Carried {
    ScopeRef scope;
    std::string name;
    Value start, type;
    SourceRange at;
    bool computed() const { return !isSameValue(start, type); }
  };
  bool widen(const Change &change, bool &changed);
  Carried *find(const Change &change);
  void assume(const std::vector<Value> &tensors);
  void assumeTypes();
  std::vector<Value> startTensors();
  std::vector<Value> endTensors(const std::vector<Change> &changes);
  void finish(mlir::Operation *made, size_t first);
  Value rowOf(const Value &over) const;
  /// Whether something that the loop carries depends on what is derived by.
  bool variesInside() const;

  Elaborator &e;
  const ScopeRef &scope;
  SourceRange at;
  std::vector<Carried> carried;
};

Value LoopElaborator::turnInScope(const Turn &turn, Value *left) {
  auto inner = std::make_shared<Scope>();
  inner->parent = scope;
  inner->names[LoopContext::leftName] = {Value::ofBool(false, at), true, at};
  LoopContext context{inner};
  LoopContext *outer = std::exchange(e.loop, &context);
  Value element = turn(inner);
  e.loop = outer;
  if (left)
    *left = context.left();
  return element;
}

LoopElaborator::Carried *LoopElaborator::find(const Change &change) {
  for (Carried &known : carried)
    if (known.scope == change.scope && known.name == change.name)
      return &known;
  return nullptr;
}

static bool sameType(const Value &a, const Value &b) {
  return a.kind == b.kind && a.varies == b.varies && typeString(a) == typeString(b) && a.elements.size() == b.elements.size() &&
         std::equal(a.elements.begin(), a.elements.end(), b.elements.begin(), sameType);
}

/// Takes in how a turn changed a variable; `changed`: whether that makes its type another one.
bool LoopElaborator::widen(const Change &change, bool &changed) {
  if (change.after.poison())
    return false;
  Carried *known = find(change);
  if (!known)
    known = &carried.emplace_back(Carried{change.scope, change.name, change.before, change.before, change.at});
  std::optional<Value> type = joined(e, known->type, change.after, false);
  if (!type) {
    const Binding &binding = change.scope->names[change.name];
    auto report = e.error(Diag::WrongType, change.at, "`" + change.name + "`", describe(change.after),
                          describe(known->type) + ", as before the loop");
    if (binding.at.valid())
      report.note(binding.at, "defined here as " + describe(known->start));
    report.help("what a loop changes keeps its type and its sizes");
    return false;
  }
  changed |= !sameType(*type, known->type);
  known->type = typeOnly(*type);
  return true;
}

/// Gives the variables that the loop carries the values that a turn begins with.
void LoopElaborator::assume(const std::vector<Value> &tensors) {
  size_t next = 0;
  for (const Carried &variable : carried)
    if (variable.computed())
      e.setVariable(variable.scope, variable.name, withTensors(variable.type, tensors, next), variable.at);
}

void LoopElaborator::assumeTypes() {
  std::vector<Value> tensors;
  for (const Carried &variable : carried)
    if (variable.computed())
      appendTensors(variable.type, tensors);
  assume(tensors);
}

bool LoopElaborator::settle(const std::function<void()> &turn) {
  // Types only widen, from a known number to a computed one: each variable does so twice at most.
  for (bool changed = true; changed;) {
    changed = false;
    unsigned before = e.diagnostics.errorCount();
    std::vector<Change> changes;
    {
      Trial trial(e);
      AssignmentRecord record(e);
      assumeTypes();
      turn();
      changes = record.takeBack();
    }
    if (e.diagnostics.errorCount() != before)
      return false;
    for (const Change &change : changes)
      if (!widen(change, changed))
        return false;
  }
  return true;
}

std::vector<Value> LoopElaborator::startTensors() {
  std::vector<Value> tensors;
  for (const Carried &variable : carried)
    if (variable.computed())
      appendTensors(asType(e, variable.start, variable.type), tensors);
  return tensors;
}

void LoopElaborator::start() { assume(startTensors()); }

/// What the next turn begins with, after `changes`.
std::vector<Value> LoopElaborator::endTensors(const std::vector<Change> &changes) {
  std::vector<Value> tensors;
  for (const Carried &variable : carried) {
    if (!variable.computed())
      continue;
    for (const Change &change : changes)
      if (change.scope == variable.scope && change.name == variable.name)
        appendTensors(asType(e, change.after, variable.type), tensors);
  }
  return tensors;
}

/// Sets the variables to results of the operation, from number `first` on.
void LoopElaborator::finish(mlir::Operation *made, size_t first) {
  std::vector<Value> tensors;
  for (const Carried &variable : carried)
    if (variable.computed())
      appendTensors(variable.type, tensors);
  for (size_t i = 0; made && i < tensors.size(); ++i)
    tensors[i].ir = made->getResult(unsigned(first + i));
  assume(tensors);
}

Value LoopElaborator::rowOf(const Value &over) const {
  if (!over.isTensor())
    return over;
  return Value::ofTensor(over.dtype, Shape(over.shape.begin() + 1, over.shape.end()), {}, over.at);
}

bool LoopElaborator::variesInside() const {
  std::vector<Value> tensors;
  for (const Carried &variable : carried)
    appendTensors(variable.type, tensors);
  return llvm::any_of(tensors, [](const Value &tensor) { return tensor.varies; });
}

static std::vector<mlir::Value> valuesOf(Elaborator &e, const std::vector<Value> &tensors) {
  std::vector<mlir::Value> values;
  for (const Value &tensor : tensors)
    values.push_back(e.ir(tensor));
  return values;
}

static std::vector<mlir::Value> outsides(const GraphFrame &frame) {
  std::vector<mlir::Value> values;
  for (const auto &[outside, argument] : frame.captures())
    values.push_back(outside);
  return values;
}

/// Arguments of a region for tensors: the tensors as they are inside.
static std::vector<Value> argumentsFor(RegionFrame &region, const std::vector<Value> &tensors,
                                       const std::vector<mlir::Value> &values) {
  std::vector<Value> inside = tensors;
  for (size_t i = 0; i < inside.size(); ++i) {
    inside[i] = typeOnly(inside[i]);
    inside[i].ir = region.addArgument(values[i].getType(), values[i].getLoc());
  }
  return inside;
}

Value LoopElaborator::counted(const Size &length, const Value &over, const CountedTurn &turn) {
  Value index = Value::ofTensor(DType::I64, {}, {}, at), row = rowOf(over), element;
  auto once = [&](Value *left = nullptr) {
    return turnInScope([&](const ScopeRef &inner) { return turn(inner, index, row); }, left);
  };
  if (!settle([&] { element = once(); }))
    return e.poison(at);
  // The elements, stacked: a list of numbers and tensors is one.
  auto stackable = [&](Value value) { return e.tensorOf(e.tensorOfList(std::move(value))); };
  bool stacks = element.kind != Value::Unit;
  std::vector<Value> elements;
  auto leaves = [&](const Value &value) {
    std::vector<Value> made;
    if (value.kind == Value::Tuple)
      for (const Value &part : value.elements)
        made.push_back(stackable(part));
    else if (stacks)
      made.push_back(stackable(value));
    return made;
  };
  auto stacked = [&](std::vector<Value> made) {
    for (Value &tensor : made)
      tensor.shape.insert(tensor.shape.begin(), Dim{length, at});
    return element.kind == Value::Tuple ? Value::ofTuple(made, at) : stacks ? made[0] : Value::unit(at);
  };
  if (!e.emitting()) {
    finish(nullptr, 0);
    elements = leaves(element);
    for (Value &tensor : elements) {
      if (tensor.poison())
        return e.poison(at);
      if (!tensor.isTensor()) {
        e.error(Diag::WrongType, element.at, "an element of the comprehension", describe(element), "a number or a tensor");
        return e.poison(at);
      }
      tensor = typeOnly(tensor);
    }
    return stacked(elements);
  }

  mlir::Location loc = e.location(at);
  std::vector<Value> starts = startTensors();
  std::vector<mlir::Value> inits = valuesOf(e, starts), slices;
  if (over.isTensor())
    slices.push_back(e.ir(over));
  RegionFrame region(e.graph, RegionFrame::Isolated);
  index.ir = region.addArgument(e.irType(DType::I64, {}), loc);
  std::vector<Value> inside = argumentsFor(region, starts, inits);
  if (over.isTensor())
    row.ir = region.addArgument(e.irType(row.dtype, row.shape), loc);
  bool breaks = false;
  {
    AssignmentRecord record(e);
    assume(inside);
    Value left;
    e.loopIndices.push_back(index.ir);
    element = once(&left);
    e.loopIndices.pop_back();
    std::vector<Value> ends = endTensors(record.takeBack());
    elements = leaves(element);
    ends.insert(ends.end(), elements.begin(), elements.end());
    if (element.poison() || llvm::any_of(ends, [](const Value &value) { return !value.isTensor(); }))
      return e.poison(at);
    breaks = left.kind != Value::Bool || left.flag;
    if (breaks)
      ends.insert(ends.begin(), e.tensorOf(left));
    region.yield(valuesOf(e, ends), loc);
  }
  region.close();
  std::vector<mlir::Type> types;
  for (mlir::Value value : inits)
    types.push_back(value.getType());
  for (Value &tensor : elements) {
    Value whole = stacked({tensor});
    types.push_back(e.irType(tensor.dtype, element.kind == Value::Tuple ? whole.elements[0].shape : whole.shape));
  }
  std::vector<mlir::Value> invariants = outsides(region);
  mlir::OpBuilder &builder = e.graph.here();
  auto made = dl::ScanOp::create(builder, loc, types, builder.getI64IntegerAttr(length.constant()), inits, slices,
                                 invariants, mlir::UnitAttr(), breaks ? builder.getUnitAttr() : mlir::UnitAttr());
  region.moveTo(made.getBody());
  finish(made, 0);
  for (size_t i = 0; i < elements.size(); ++i) {
    elements[i] = typeOnly(elements[i]);
    elements[i].ir = made.getResult(unsigned(inits.size() + i));
  }
  return stacked(elements);
}

void LoopElaborator::endless(const std::function<Value()> &condition, const Turn &turn) {
  unsigned draws = e.randomDraws;
  if (!settle([&] {
        if (e.isCondition(condition()))
          turnInScope(turn);
      }))
    return;
  if (!e.differentiated.empty() && variesInside()) {
    e.error(Diag::NoGradient, e.differentiated.back(), "a `while`, whose number of turns nothing bounds,")
        .note(at, "this loop")
        .help("`for _ in 0..limit { if done { break } .. }` has a bound, and a gradient");
    return;
  }
  if (!e.emitting())
    return finish(nullptr, 0);

  // Besides its variables the loop carries a count, if random numbers are drawn in it, and whether `break` was met.
  mlir::Location loc = e.location(at);
  bool counts = e.randomDraws != draws;
  std::vector<Value> starts = startTensors();
  size_t variables = starts.size();
  starts.push_back(e.constant(0, DType::Bool, {}, at));
  if (counts)
    starts.push_back(e.constant(0, DType::I64, {}, at));
  std::vector<mlir::Value> inits = valuesOf(e, starts);
  RegionFrame test(e.graph, RegionFrame::Isolated);
  {
    AssignmentRecord record(e);
    std::vector<Value> inside = argumentsFor(test, starts, inits);
    assume(inside);
    Value holds = e.branches(
        inside[variables], [&] { return Value::ofBool(false, at); }, condition, at);
    record.takeBack();
    if (holds.poison())
      return;
    test.yield(e.ir(e.tensorOf(holds)), loc);
  }
  test.close();
  RegionFrame region(e.graph, RegionFrame::Isolated);
  {
    AssignmentRecord record(e);
    std::vector<Value> inside = argumentsFor(region, starts, inits);
    assume(inside);
    if (counts)
      e.loopIndices.push_back(inside.back().ir);
    Value left;
    turnInScope(turn, &left);
    if (counts)
      e.loopIndices.pop_back();
    std::vector<Value> ends = endTensors(record.takeBack());
    ends.push_back(e.tensorOf(left));
    if (counts)
      ends.push_back(e.binaryOp("add", inside.back(), e.constant(1, DType::I64, {}, at), at));
    if (llvm::any_of(ends, [](const Value &value) { return !value.isTensor(); }))
      return;
    region.yield(valuesOf(e, ends), loc);
  }
  region.close();
  std::vector<mlir::Value> invariants = outsides(test);
  for (mlir::Value value : outsides(region))
    if (!llvm::is_contained(invariants, value))
      invariants.push_back(value);
  for (RegionFrame *frame : {&test, &region})
    frame->captureAs(invariants, unsigned(inits.size()));
  std::vector<mlir::Type> types;
  for (mlir::Value value : inits)
    types.push_back(value.getType());
  auto made = dl::WhileOp::create(e.graph.here(), loc, types, inits, invariants);
  test.moveTo(made.getCondition());
  region.moveTo(made.getBody());
  finish(made, 0);
}

/// Row `i` of a tensor in memory.
Value rowInMemory(const Value &source, int64_t i) {
  HostBufferRef whole = source.host ? source.host : source.lazy ? source.lazy() : nullptr;
  if (!whole)
    return {};
  size_t bytes = whole->bytes / size_t(source.shape[0].size.constant());
  Value row = Value::ofTensor(source.dtype, Shape(source.shape.begin() + 1, source.shape.end()), {}, source.at);
  std::shared_ptr<void> begin(whole->data, static_cast<char *>(whole->data.get()) + size_t(i) * bytes);
  row.host = std::make_shared<HostBuffer>(
      HostBuffer{whole->dtype, {whole->shape.begin() + 1, whole->shape.end()}, begin, bytes});
  return row;
}

/// A whole number in memory.
Value indexInMemory(int64_t i, SourceRange at) {
  Value index = Value::ofTensor(DType::I64, {}, {}, at);
  index.host = std::make_shared<HostBuffer>(HostBuffer{DType::I64, {}, std::make_shared<int64_t>(i), sizeof(int64_t)});
  return index;
}

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
                     });
    return Value::unit(stmt.range);
  };
  if (!atTopLevel()) {
    whole();
    return;
  }
  // At top level the loop is one statement, unless its body does what compiled code cannot.
  bool savedEffects = std::exchange(hostEffects, false);
  bool good = elaborator.settle([&] {
    Value index = Value::ofTensor(DType::I64, {}, {}, stmt.range);
    Value row = overRows ? Value::ofTensor(given.dtype, Shape(given.shape.begin() + 1, given.shape.end()), {}, given.at)
                         : index;
    elaborator.turnInScope([&](const ScopeRef &inner) { return counted(inner, index, row); });
  });
  bool stepwise = std::exchange(hostEffects, savedEffects);
  if (!good)
    return;
  if (!stepwise) {
    asStatement(stmt.range, whole);
    return;
  }
  asStatement(stmt.range, [&] {
    elaborator.start();
    return Value::unit(stmt.range);
  });
  int64_t begin = 0, end = 0;
  if (overRows) {
    end = given.shape[0].size.constant();
  } else {
    std::optional<int64_t> bounds[2] = {wholeNumber(given.elements[0]), wholeNumber(given.elements[1])};
    if (!bounds[0] || !bounds[1])
      return;
    begin = *bounds[0], end = *bounds[1];
  }
  unsigned before = diagnostics.errorCount();
  for (int64_t i = begin; i < end && diagnostics.errorCount() == before && !executor->stopped(); ++i) {
    Value item = overRows ? rowInMemory(given, i) : indexInMemory(i, given.at);
    if (item.poison())
      return;
    Value left;
    elaborator.turnInScope([&](const ScopeRef &inner) { return turn(inner, item); }, &left);
    if (left.kind == Value::Bool && left.flag)
      return;
  }
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

std::optional<int64_t> Elaborator::wholeNumber(const Value &value) {
  if (!value.isTensor())
    return integerConstant(value, "a bound of a range");
  Value wide = asStatement(value.at, [&] { return cast(value, DType::I64, value.at); });
  if (!wide.host)
    return std::nullopt;
  return *static_cast<const int64_t *>(wide.host->data.get());
}

void Elaborator::whileLoop(const WhileStmt &stmt, const ScopeRef &scope) {
  LoopElaborator elaborator(*this, scope, stmt.range);
  auto condition = [&] { return expression(*stmt.condition, scope); };
  auto turn = [&](const ScopeRef &inner) { return elaborator.body(*stmt.body, inner); };
  if (!atTopLevel())
    return elaborator.endless(condition, turn);
  bool savedEffects = std::exchange(hostEffects, false);
  bool good = elaborator.settle([&] {
    if (isCondition(condition()))
      elaborator.turnInScope(turn);
  });
  bool stepwise = std::exchange(hostEffects, savedEffects);
  if (!good)
    return;
  if (!stepwise) {
    asStatement(stmt.range, [&] {
      elaborator.endless(condition, turn);
      return Value::unit(stmt.range);
    });
    return;
  }
  asStatement(stmt.range, [&] {
    elaborator.start();
    return Value::unit(stmt.range);
  });
  unsigned before = diagnostics.errorCount();
  while (diagnostics.errorCount() == before && !executor->stopped()) {
    std::optional<bool> holds = truth(topLevel(*stmt.condition, scope));
    if (!holds || !*holds)
      return;
    Value left;
    elaborator.turnInScope(turn, &left);
    if (left.kind == Value::Bool && left.flag)
      return;
  }
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
