// Finding what a loop carries, and building its operation.
#include "frontend/elaborate/LoopElaborator.h"

#include "ir/Dialect.h"

namespace dlc {

using namespace ast;

Value LoopElaborator::turnInScope(const Turn &turn, Value *left) {
  auto inner = std::make_shared<Scope>();
  inner->parent = scope;
  LoopContext context(inner, at, /*compiled=*/true);
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
  return a.kind == b.kind && a.varies == b.varies && typeString(a) == typeString(b) &&
         a.elements.size() == b.elements.size() &&
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
    unsigned before = e.diagnostics.failureCount();
    std::vector<Change> changes;
    {
      Trial trial(e);
      assumeTypes();
      turn();
      changes = trial.changes();
    }
    if (e.diagnostics.failureCount() != before)
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
  Value row = Value::ofTensor(over.dtype, Shape(over.shape.begin() + 1, over.shape.end()), {}, over.at);
  row.varies = over.varies;
  return row;
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

Value LoopElaborator::counted(const Size &length, const std::vector<Value> &over, const CountedTurn &turn) {
  Value index = Value::ofTensor(DType::I64, {}, {}, at), element;
  std::vector<Value> rows;
  for (const Value &tensor : over)
    rows.push_back(rowOf(tensor));
  auto once = [&](Value *left = nullptr) {
    return turnInScope([&](const ScopeRef &inner) { return turn(inner, index, rows); }, left);
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
  auto stackElements = [&] {
    elements = leaves(element);
    for (const Value &tensor : elements)
      if (!tensor.isTensor()) {
        if (!tensor.poison())
          e.error(Diag::WrongType, element.at, "an element of the comprehension", describe(element),
                  "a number or a tensor");
        return false;
      }
    return true;
  };
  if (!e.emitting()) {
    finish(nullptr, 0);
    if (!stackElements())
      return e.poison(at);
    llvm::transform(elements, elements.begin(), typeOnly);
    return stacked(elements);
  }

  mlir::Location loc = e.location(at);
  std::vector<Value> starts = startTensors();
  std::vector<mlir::Value> inits = valuesOf(e, starts), slices;
  for (const Value &tensor : over)
    slices.push_back(e.ir(tensor));
  RegionFrame region(e.graph, RegionFrame::Isolated);
  index.ir = region.addArgument(e.irType(DType::I64, {}), loc);
  std::vector<Value> inside = argumentsFor(region, starts, inits);
  for (Value &row : rows)
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
    if (!stackElements())
      return e.poison(at);
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

void LoopElaborator::endless(const std::function<Value()> &condition, const Turn &turn, bool counts) {
  unsigned draws = e.randomDraws;
  if (!settle([&] {
        if (e.isCondition(condition()))
          turnInScope(turn);
      }))
    return;
  if (!e.differentiated.empty() && variesInside()) {
    e.error(Diag::NoGradient, e.differentiated.back(),
            counts ? "a `for` with computed bounds" : "a `while`, whose number of turns nothing bounds,")
        .note(at, "this loop")
        .help(counts ? "`for i in 0..limit { if i >= n { break } .. }` with a known limit has a gradient"
                     : "`for _ in 0..limit { if done { break } .. }` has a bound, and a gradient");
    return;
  }
  if (!e.emitting())
    return finish(nullptr, 0);

  // Besides its variables the loop carries a count, if random numbers are drawn in it, and whether `break` was met.
  mlir::Location loc = e.location(at);
  bool draw = e.randomDraws != draws;
  std::vector<Value> starts = startTensors();
  size_t variables = starts.size();
  starts.push_back(e.constant(0, DType::Bool, {}, at));
  if (draw)
    starts.push_back(e.constant(0, DType::I64, {}, at));
  std::vector<mlir::Value> inits = valuesOf(e, starts);
  RegionFrame test(e.graph, RegionFrame::Isolated);
  {
    AssignmentRecord record(e);
    std::vector<Value> inside = argumentsFor(test, starts, inits);
    assume(inside);
    Value holds = e.branches(inside[variables], [&] { return Value::ofBool(false, at); }, condition, at);
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
    if (draw)
      e.loopIndices.push_back(inside.back().ir);
    Value left;
    turnInScope(turn, &left);
    if (draw)
      e.loopIndices.pop_back();
    std::vector<Value> ends = endTensors(record.takeBack());
    ends.push_back(e.tensorOf(left));
    if (draw)
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

} // namespace dlc
