// Branches on computed conditions: both ways are elaborated from the same state, and joined.
#include "frontend/elaborate/ControlFlow.h"

#include "ir/Dialect.h"

namespace dlc {

using namespace ast;

namespace {

class BranchElaborator {
public:
  BranchElaborator(Elaborator &e, SourceRange at, bool undecided) : e(e), at(at), undecided(undecided) {}

  Value run(const Value &condition, const std::function<Value()> &onTrue, const std::function<Value()> &onFalse);

private:
  struct Way {
    std::unique_ptr<RegionFrame> frame;
    Value result;
    std::vector<Change> changes;
    bool left = false; ///< it certainly ends the turn of the loop: its result does not matter
  };
  /// A variable that a way assigns, or (without a scope) the value of the whole.
  struct Target {
    ScopeRef scope;
    std::string name;
    Value ends[2];
    SourceRange at;
    Value type;            ///< what both come to
    size_t first, count;   ///< its tensors among the results, where it is computed
    bool computed = false; ///< else `type` is the value
    bool unused[2] = {};   ///< an end that does not matter
  };

  void follow(Way &way, const std::function<Value()> &work);
  Target &target(const Change &change);
  bool join(Target &target);
  void differ(const Target &target);
  void build(const Value &condition);
  Value value(const Target &target) const;

  Elaborator &e;
  SourceRange at;
  bool undecided; ///< only an instance decides which way it goes
  Way ways[2];
  std::vector<Target> targets;
  std::vector<Value> results;
};

void BranchElaborator::follow(Way &way, const std::function<Value()> &work) {
  if (e.emitting())
    way.frame = std::make_unique<RegionFrame>(e.graph, RegionFrame::Isolated);
  AssignmentRecord record(e);
  way.result = work();
  way.left = e.loop && e.loop->certainlyEnded();
  way.changes = record.takeBack();
  if (way.frame)
    way.frame->close();
}

BranchElaborator::Target &BranchElaborator::target(const Change &change) {
  for (Target &known : targets)
    if (known.scope == change.scope && known.name == change.name)
      return known;
  return targets.emplace_back(Target{change.scope, change.name, {change.before, change.before}, change.at, {}, 0, 0});
}

/// Finds what a target's two ends come to; false when they have nothing in common.
bool BranchElaborator::join(Target &target) {
  if (target.ends[0].poison() || target.ends[1].poison()) {
    // A branch that calls its own function has no type of its own yet.
    target.type = undecided && target.ends[0].poison() ? target.ends[1] : undecided ? target.ends[0] : Value();
    return true;
  }
  for (int k : {0, 1})
    if (!target.scope && ways[k].left) {
      target.unused[k] = true;
      target.type = target.ends[1 - k];
      std::vector<Value> tensors;
      appendTensors(target.type, tensors);
      target.computed = !tensors.empty();
      return true;
    }
  std::optional<Value> type = joined(e, target.ends[0], target.ends[1], true);
  if (!type)
    return false;
  target.computed = !undecided && !isSameValue(target.ends[0], target.ends[1]);
  target.type = undecided ? target.ends[0] : *type;
  return true;
}

void BranchElaborator::differ(const Target &target) {
  if (!target.scope) {
    e.branchesDiffer(target.ends[0], target.ends[1], at);
    return;
  }
  auto report =
      e.error(Diag::VariableTypes, target.at, target.name, describe(target.ends[0]), describe(target.ends[1]));
  for (const Way &way : ways)
    for (const Change &change : way.changes)
      if (change.scope == target.scope && change.name == target.name && change.at != target.at)
        report.note(change.at, "here it is " + describe(change.after));
  const Binding &binding = target.scope->names[target.name];
  if (binding.at.valid())
    report.note(binding.at, "defined here as " + describe(binding.value));
  report.help("what a branch on a computed condition assigns has one type and one shape on both ways");
}

/// Makes the operation: each way yields what the targets come to.
void BranchElaborator::build(const Value &condition) {
  mlir::Location loc = e.location(at);
  std::vector<Value> shapes;
  for (Target &target : targets)
    if (target.computed) {
      target.first = shapes.size();
      appendTensors(target.type, shapes);
      target.count = shapes.size() - target.first;
    }
  std::vector<mlir::Value> captured;
  std::vector<mlir::Type> types;
  for (int k : {0, 1}) {
    Way &way = ways[k];
    way.frame->reopen();
    std::vector<Value> tensors;
    for (const Target &target : targets) {
      if (!target.computed)
        continue;
      if (!target.unused[k])
        appendTensors(asType(e, target.ends[k], target.type), tensors);
      else
        for (size_t i = target.first; i < target.first + target.count; ++i)
          tensors.push_back(e.constant(0, shapes[i].dtype, shapes[i].shape, at));
    }
    std::vector<mlir::Value> yielded;
    for (const Value &tensor : tensors)
      yielded.push_back(e.ir(tensor));
    way.frame->yield(yielded, loc);
    way.frame->close();
    if (k == 0)
      for (mlir::Value value : yielded)
        types.push_back(value.getType());
    for (const auto &[outside, argument] : way.frame->captures())
      if (!llvm::is_contained(captured, outside))
        captured.push_back(outside);
  }
  for (Way &way : ways)
    way.frame->captureAs(captured, 0);
  auto made = dl::IfOp::create(e.graph.here(), loc, types, e.ir(condition), captured);
  ways[0].frame->moveTo(made.getThenRegion());
  ways[1].frame->moveTo(made.getElseRegion());
  for (size_t i = 0; i < shapes.size(); ++i)
    results.push_back(Value::ofTensor(shapes[i].dtype, shapes[i].shape, made.getResult(unsigned(i)), at));
}

Value BranchElaborator::value(const Target &target) const {
  if (!target.computed)
    return target.type;
  Value made = typeOnly(target.type);
  size_t next = target.first;
  return results.empty() ? made : withTensors(made, results, next);
}

Value BranchElaborator::run(const Value &condition, const std::function<Value()> &onTrue,
                            const std::function<Value()> &onFalse) {
  unsigned before = e.diagnostics.failureCount();
  follow(ways[0], onTrue);
  follow(ways[1], onFalse);
  for (int k : {0, 1})
    for (const Change &change : ways[k].changes) {
      Target &known = target(change);
      known.ends[k] = change.after;
      known.at = change.at;
    }
  Target whole;
  whole.ends[0] = ways[0].result;
  whole.ends[1] = ways[1].result;
  targets.push_back(whole);
  for (Target &target : targets)
    if (!join(target)) {
      // Only an instance knows which way it goes; there it has one type.
      if (!undecided)
        differ(target);
      target.type = e.poison(at);
    }
  bool good = e.diagnostics.failureCount() == before;
  if (good && ways[0].frame)
    build(condition);
  for (Target &target : targets)
    if (target.scope)
      e.setVariable(target.scope, target.name, good || !target.computed ? value(target) : e.poison(at), target.at);
  Value result = value(targets.back());
  result.at = at;
  return result;
}

} // namespace

Value Elaborator::branches(const Value &condition, const std::function<Value()> &onTrue,
                           const std::function<Value()> &onFalse, SourceRange at) {
  return BranchElaborator(*this, at, condition.ofSizes).run(condition, onTrue, onFalse);
}

Value Elaborator::branchesDiffer(const Value &onTrue, const Value &onFalse, SourceRange at) {
  auto report = error(Diag::BranchTypes, at, describe(onTrue), describe(onFalse));
  noteIs(report, onTrue);
  noteIs(report, onFalse);
  if (onTrue.isTensor() && onFalse.isTensor() && onTrue.dtype != onFalse.dtype)
    report.help(fmt::format("write the conversion: `{}({})`", nameOf(onTrue.dtype), shortText(onFalse.at)));
  else
    report.help("both branches of a condition that is computed have one type");
  return poison(at);
}

bool Elaborator::isCondition(const Value &condition) {
  if (condition.kind == Value::Bool ||
      (condition.isTensor() && condition.dtype == DType::Bool && condition.shape.empty()))
    return true;
  if (condition.poison())
    return false;
  auto report = error(Diag::ConditionType, condition.at, describe(condition));
  if (condition.isTensor() && condition.dtype == DType::Bool)
    report.help("`all(..)` or `any(..)` make one bool of many; `where(c, a, b)` chooses element by element");
  else
    report.help("compare with something: `x != 0`");
  return false;
}

Value Elaborator::conditional(const IfExpr &expr, const ScopeRef &scope) {
  Value condition = topLevel(*expr.condition, scope);
  if (!isCondition(condition))
    return poison(expr.range);
  if (atTopLevel())
    if (std::optional<bool> holds = truth(condition))
      condition = Value::ofBool(*holds, condition.at);
  auto onTrue = [&] { return block(*expr.thenBlock, scope); };
  auto onFalse = [&] { return expr.elseBlock ? block(*expr.elseBlock, scope) : Value::unit(expr.range); };
  // Without another way there is no value.
  auto onlyTrue = [&] {
    Value value = onTrue();
    return value.poison() ? value : Value::unit(expr.range);
  };
  // A known condition: only the branch taken has to make sense.
  if (condition.kind == Value::Bool)
    return !condition.flag ? onFalse() : expr.elseBlock ? onTrue() : onlyTrue();
  if (condition.ofSizes) {
    ++undecided;
    Value result = branches(
        condition,
        [&] { return expr.elseBlock ? assuming(condition.whenTrue, onTrue) : assuming(condition.whenTrue, onlyTrue); },
        [&] { return assuming(condition.whenFalse, onFalse); }, expr.range);
    --undecided;
    return result;
  }
  if (expr.elseBlock)
    return branches(condition, onTrue, onFalse, expr.range);
  auto way = [&] {
    onTrue();
    return Value::unit(expr.range);
  };
  return branches(condition, way, onFalse, expr.range);
}

Value Elaborator::statements(llvm::ArrayRef<Stmt *> list, const ScopeRef &scope, SourceRange at) {
  Value last = Value::unit(at);
  for (size_t i = 0; i < list.size(); ++i) {
    last = statement(*list[i], scope);
    // What a failed requirement guards is not looked at.
    if (last.poison() && list[i]->kind == StmtKind::Expr)
      break;
    if (loop && loop->certainlyEnded())
      break;
    if (loop && i + 1 < list.size() && loop->perhapsEnded())
      return unlessEnded([&] { return statements(list.drop_front(i + 1), scope, at); }, at);
  }
  return last;
}

Value Elaborator::unlessEnded(const std::function<Value()> &rest, SourceRange at) {
  if (loop->certainlyEnded())
    return Value::unit(at);
  const Value left = loop->left(), skipped = loop->skipped();
  Value ended = binaryOfBools(BinaryOp::Or, left, skipped, at);
  if (ended.kind == Value::Bool)
    return rest();
  auto set = [&](bool value) {
    for (const char *name : {LoopContext::leftName, LoopContext::skippedName})
      if (loop->scope->names[name].value.kind != Value::Bool)
        setVariable(loop->scope, name, Value::ofBool(value, at), at);
  };
  bool both = left.kind != Value::Bool && skipped.kind != Value::Bool;
  return branches(
      ended,
      [&] {
        if (!both) // else it may be either
          set(true);
        return Value::unit(at);
      },
      [&] {
        set(false);
        return rest();
      },
      at);
}

} // namespace dlc
