// A loop that is compiled once, whatever its length: `for` over rows and ranges, `while`, comprehensions over tensors.
//
// 1. The body is tried, for its types alone, until it ends with the types that it begins with: a number that it changes is
//    computed from there on, and takes the type that the body gives it.
// 2. It is built as a region: what it assigns is carried from one turn to the next.
// 3. `break` sets a flag that the rest of the body is under (Branches.cpp); the loop ends with the turn.
#pragma once

#include "frontend/elaborate/ControlFlow.h"

namespace dlc {

class LoopElaborator {
public:
  LoopElaborator(Elaborator &e, const ScopeRef &scope, SourceRange at) : e(e), scope(scope), at(at) {}

  /// One turn of the body; it binds its names in the scope, and gives the value of an element (of a comprehension).
  using Turn = std::function<Value(const ScopeRef &inner)>;
  /// What a turn is for: the index, and a row of each tensor that is looped over.
  using CountedTurn = std::function<Value(const ScopeRef &inner, const Value &index, const std::vector<Value> &rows)>;

  /// A loop of `length` turns, over the rows of the tensors `over`. Gives the stacked elements.
  Value counted(const Size &length, const std::vector<Value> &over, const CountedTurn &turn);
  /// A loop while `condition` holds, then a turn. `counts`: it is written as a `for`.
  void endless(const std::function<Value()> &condition, const Turn &turn, bool counts = false);
  /// The body's statements, the loop's names bound.
  Value body(const ast::Block &block, const ScopeRef &inner) {
    return e.statements(block.statements, inner, block.range);
  }

private:
  struct Carried {
    ScopeRef scope;
    std::string name;
    Value start, type;
    SourceRange at;
    bool computed() const { return !isSameValue(start, type); }
  };
  /// Does a turn in a scope of its own; gives what it gives. `left`: the flag of `break` at its end.
  Value turnInScope(const Turn &turn, Value *left = nullptr);
  /// Finds what the loop carries; false when an error was reported.
  bool settle(const std::function<void()> &turn);
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

} // namespace dlc
