// The functions whose adjoints AdjointTest.cpp compares with differences.
#pragma once

#include <string>
#include <vector>

namespace dlc::test {

using Doubles = std::vector<double>;

/// A function of f64 tensors `f`, and the operation that it is about.
struct AdjointCase {
  std::string op, name, arguments, body, results;
  double low = -2, high = 2;
  /// Other functions of the module.
  std::string others = {};
  /// How many times it is differentiated.
  int orders = 2;
  /// What the first argument is, if not random.
  Doubles first = {};

  /// The module's text; `results` is `%a, %b : tensor<..>, tensor<..>`.
  std::string text() const {
    return others + "func.func @f(" + arguments + ") -> (" + results.substr(results.find(':') + 1) + ") {\n" + body +
           "\nreturn " + results + "\n}";
  }
};

/// A case at least for each operation with a rule.
std::vector<AdjointCase> adjointCases();

} // namespace dlc::test
