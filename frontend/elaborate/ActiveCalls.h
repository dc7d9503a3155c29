// The calls under way, for the files that make calls: recursion is found by them, and errors of std shown at the user's.
#pragma once

#include "frontend/elaborate/Elaborator.h"

namespace dlc {

/// How many instances of one function may be under way at once.
constexpr size_t maxInstances = 256;
/// How many calls one call may lead to.
constexpr size_t maxCalls = 200'000;

/// Keeps a call on the list of active ones while it is elaborated.
class ActiveGuard {
public:
  ActiveGuard(Elaborator &elaborator, const void *what, std::string key, SourceRange at = {}) : elaborator(elaborator) {
    elaborator.active.push_back({what, std::move(key), elaborator.undecided});
    elaborator.callSites.push_back(at);
  }
  ~ActiveGuard() {
    elaborator.active.pop_back();
    elaborator.callSites.pop_back();
  }
  /// Whether a call of a function that is under way depends on a condition of sizes: only an instance knows where it ends.
  static bool mayEnd(const Elaborator &elaborator, const void *what) {
    for (const Elaborator::Active &call : elaborator.active)
      if (call.what == what && call.undecided < elaborator.undecided)
        return true;
    return false;
  }
  /// 0: fine; 1: the same call is under way; 2: too many of this function.
  static int check(const Elaborator &elaborator, const void *what, const std::string &key) {
    size_t same = 0;
    for (const Elaborator::Active &call : elaborator.active)
      if (call.what == what) {
        if (call.key == key)
          return 1;
        ++same;
      }
    return same >= maxInstances ? 2 : 0;
  }

private:
  Elaborator &elaborator;
};

/// Marks a place of the user's from which code of std is elaborated without a call.
class InsideCall {
public:
  InsideCall(Elaborator &elaborator, SourceRange at) : elaborator(elaborator) { elaborator.callSites.push_back(at); }
  ~InsideCall() { elaborator.callSites.pop_back(); }

private:
  Elaborator &elaborator;
};

/// While a function of a model is elaborated: `training` is true in what is trained alone.
class InsideModel {
public:
  InsideModel(Elaborator &elaborator, const ModelInstance &model)
      : elaborator(elaborator), outer(std::exchange(elaborator.training, elaborator.training && model.trains)) {}
  ~InsideModel() { elaborator.training = outer; }
  InsideModel(const InsideModel &) = delete;

private:
  Elaborator &elaborator;
  bool outer;
};

/// What makes an instance of a function: types, and the values known at compile time.
std::string keyOf(const std::vector<Value> &arguments);

/// A declared size that is a bare name which nothing defines yet (the argument then gives it its size), or null.
const ast::NameExpr *freshSizeName(const ast::Expr &size, const ScopeRef &scope);

/// The value of an argument or default. Those of a training's model are computed at once: it is made where no code runs, and
/// its functions take them as constants.
Value argumentValue(Elaborator &e, const ast::Expr &expr, const ScopeRef &scope);

/// The parts of a model that an argument or setting names (`body`, `[body.fc, bias]`, `blocks[1]`): strings, each with its
/// place; "" where one is no name.
std::vector<Value> namedParts(const ast::Expr &expr);

/// Whether a place is in a file of std.
bool inLibrary(const SourceManager &sources, SourceRange at);

} // namespace dlc
