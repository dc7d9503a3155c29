// What the files on branches and loops have in common: which variables a way through the program assigns, and what two ways
// come to.
#pragma once

#include "frontend/elaborate/Elaborator.h"

namespace dlc {

/// A variable that was assigned.
struct Change {
  ScopeRef scope;
  std::string name;
  Value before, after;
  SourceRange at; ///< of the last assignment
};

/// Notes the variables that are assigned while it lives, but for those that are defined meanwhile.
class AssignmentRecord {
public:
  explicit AssignmentRecord(Elaborator &e) : e(e), outer(std::exchange(e.record, this)) {}
  ~AssignmentRecord() { e.record = outer; }
  AssignmentRecord(const AssignmentRecord &) = delete;

  void note(const ScopeRef &scope, const std::string &name, const Value &before, SourceRange at);
  /// The changes so far, in the order of the first assignments.
  std::vector<Change> changes() const;
  /// Gives every variable the value that it had, and the changes.
  std::vector<Change> takeBack();

private:
  Elaborator &e;
  AssignmentRecord *outer;
  Identity born;
  std::vector<Change> noted;
};

/// While it lives nothing is built and nothing runs: what is elaborated meanwhile is looked at for its types. What is
/// assigned meanwhile is taken back at its end.
class Trial {
public:
  explicit Trial(Elaborator &e)
      : e(e), nothing(e.graph), checking(std::exchange(e.checkingOnly, true)), draws(e.draws), assigned(e) {}
  ~Trial() {
    assigned.takeBack();
    e.checkingOnly = checking;
    e.draws = draws;
  }
  std::vector<Change> changes() const { return assigned.changes(); }

private:
  Elaborator &e;
  NoFrame nothing;
  bool checking;
  DrawPlace draws;
  AssignmentRecord assigned;
};

/// The loop around the statements that are elaborated. Whether it has been left (`break`), and whether the rest of the turn is
/// skipped (`continue`), are variables like any other, so that branches join them: known false, known true, or computed.
struct LoopContext {
  static constexpr const char *leftName = " left", *skippedName = " skipped"; // no names of a user's
  ScopeRef scope;
  bool compiled; ///< not unrolled, nor is one around it

  LoopContext(ScopeRef scope, SourceRange at, bool compiled) : scope(std::move(scope)), compiled(compiled) {
    for (const char *name : {leftName, skippedName})
      this->scope->names[name] = {Value::ofBool(false, at), true, at};
  }
  const Value &left() const { return scope->names.find(leftName)->second.value; }
  const Value &skipped() const { return scope->names.find(skippedName)->second.value; }
  /// Whether the rest of the turn is certainly not done.
  bool certainlyEnded() const { return isTrue(left()) || isTrue(skipped()); }
  /// Whether that is computed.
  bool perhapsEnded() const { return left().kind != Value::Bool || skipped().kind != Value::Bool; }

private:
  static bool isTrue(const Value &flag) { return flag.kind == Value::Bool && flag.flag; }
};

/// Whether two values are the same one, known or computed.
bool isSameValue(const Value &a, const Value &b);
/// The value that two ways come to: the same known one, or the type that both are, without a value. Nothing when they have
/// none in common. `broadcastNumbers`: a number stands for a tensor of any shape.
std::optional<Value> joined(const Elaborator &e, const Value &a, const Value &b, bool broadcastNumbers);
/// `value` as one of the type `type`, which `joined` made of it.
Value asType(Elaborator &e, const Value &value, const Value &type);
/// Appends the tensors that a value is made of, models' parameters among them.
void appendTensors(const Value &value, std::vector<Value> &tensors);
/// The same value with its tensors replaced, in that order.
Value withTensors(const Value &value, const std::vector<Value> &tensors, size_t &next);
/// The type of a value, without what it is in the graph or in memory.
Value typeOnly(const Value &value);

} // namespace dlc
