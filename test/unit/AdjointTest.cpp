// The adjoint rule of every operation against central finite differences of the reference evaluator, in f64, and again
// for the gradient of the gradient. An operation with a rule but without a case here fails the test.
#include "ir/Builders.h"
#include "ir/ReverseSweep.h"
#include "ir/evaluate/Evaluator.h"

#include "mlir/IR/Verifier.h"
#include "mlir/Parser/Parser.h"
#include "gtest/gtest.h"
#include <cmath>
#include <set>

using namespace mlir;
using namespace dlc;
using dl::HostTensor;

namespace {

using Doubles = std::vector<double>;

/// A function of f64 tensors `f`, and the operation that it is about.
struct Case {
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

std::vector<Case> elementwiseCases() {
  std::vector<Case> cases;
  auto unary = [&](const std::string &op, double low, double high) {
    cases.push_back(
        {op, op, "%x: tensor<5xf64>", "%0 = dl." + op + " %x : tensor<5xf64>", "%0 : tensor<5xf64>", low, high});
  };
  for (const char *op : {"neg", "abs", "sign", "exp", "expm1", "sin", "cos", "tanh", "erf", "logistic", "relu", "floor",
                         "ceil", "round"})
    unary(op, -2, 2);
  for (const char *op : {"log", "log1p", "sqrt", "rsqrt"})
    unary(op, 0.5, 3);
  auto binary = [&](const std::string &op, double low, double high) {
    cases.push_back({op, op, "%x: tensor<5xf64>, %y: tensor<5xf64>", "%0 = dl." + op + " %x, %y : tensor<5xf64>",
                     "%0 : tensor<5xf64>", low, high});
  };
  for (const char *op : {"add", "sub", "mul", "max", "min"})
    binary(op, -2, 2);
  for (const char *op : {"div", "rem", "floor_div", "pow"})
    binary(op, 0.5, 3);
  cases.push_back({"pow",
                   "square of what may be zero",
                   "%x: tensor<3xf64>",
                   "%two = dl.constant dense<2.0> : tensor<3xf64>\n%0 = dl.pow %x, %two : tensor<3xf64>",
                   "%0 : tensor<3xf64>",
                   -2,
                   2,
                   "",
                   2,
                   {0, -1.5, 2}});
  cases.push_back({"pow",
                   "to the power of 0, 1 and 2",
                   "%y: tensor<3xf64>, %x: tensor<3xf64>",
                   "%0 = dl.pow %x, %y : tensor<3xf64>",
                   "%0 : tensor<3xf64>",
                   0.5,
                   3,
                   "",
                   3,
                   {0, 1, 2}});
  cases.push_back(
      {"select", "by a constant mask", "%x: tensor<3xf64>, %y: tensor<3xf64>",
       "%m = dl.constant dense<[true, false, true]> : tensor<3xi1>\n%s = dl.select %m, %x, %y : tensor<3xf64>\n"
       "%0 = dl.mul %s, %x : tensor<3xf64>",
       "%0 : tensor<3xf64>"});
  cases.push_back({"cast", "to f32 and back", "%x: tensor<3xf64>",
                   "%a = dl.cast %x : tensor<3xf64> -> tensor<3xf32>\n%b = dl.exp %a : tensor<3xf32>\n"
                   "%0 = dl.cast %b : tensor<3xf32> -> tensor<3xf64>",
                   "%0 : tensor<3xf64>"});
  cases.push_back(
      {"cast", "no gradient through an integer", "%x: tensor<3xf64>",
       "%a = dl.cast %x : tensor<3xf64> -> tensor<3xi64>\n%b = dl.cast %a : tensor<3xi64> -> tensor<3xf64>\n"
       "%0 = dl.mul %b, %x : tensor<3xf64>",
       "%0 : tensor<3xf64>", 1.1, 1.9});
  return cases;
}

std::vector<Case> tensorCases() {
  auto contract = [](const std::string &equation, const std::string &lhs, const std::string &rhs,
                     const std::string &out) {
    return Case{"contract", equation, "%x: " + lhs + ", %y: " + rhs,
                "%0 = dl.contract \"" + equation + "\" %x, %y : " + lhs + ", " + rhs + " -> " + out, "%0 : " + out};
  };
  auto reduce = [](const std::string &kind, const std::string &axes, const std::string &out, Doubles first = {}) {
    return Case{"reduce",
                kind + " over " + axes,
                "%x: tensor<2x3x2xf64>",
                "%a = dl.reduce " + kind + " %x over [" + axes + "] : tensor<2x3x2xf64> -> " + out +
                    "\n%0 = dl.mul %a, %a : " + out,
                "%0 : " + out,
                -2,
                2,
                "",
                2,
                first};
  };
  auto move = [](const std::string &op, const std::string &rest, const std::string &out) {
    return Case{op, op + rest, "%x: tensor<3x4xf64>",
                "%a = dl." + op + " %x " + rest + " : tensor<3x4xf64>" + (op == "reverse" ? "" : " -> " + out) +
                    "\n%0 = dl.mul %a, %a : " + out,
                "%0 : " + out};
  };
  const std::string indices = "%i = dl.constant dense<[2, 0, 2]> : tensor<3xi64>\n";
  return {
      contract("nk,mk->nm", "tensor<2x3xf64>", "tensor<4x3xf64>", "tensor<2x4xf64>"),
      contract("bik,bkj->jbi", "tensor<2x3x2xf64>", "tensor<2x2x3xf64>", "tensor<3x2x3xf64>"),
      contract("i,j->ij", "tensor<2xf64>", "tensor<3xf64>", "tensor<2x3xf64>"),
      contract("ab,ab->", "tensor<2x3xf64>", "tensor<2x3xf64>", "tensor<f64>"),
      contract("bi,b->ib", "tensor<2x3xf64>", "tensor<2xf64>", "tensor<3x2xf64>"),
      contract(",i->i", "tensor<f64>", "tensor<3xf64>", "tensor<3xf64>"),
      reduce("sum", "1", "tensor<2x2xf64>"),
      reduce("sum", "0, 2", "tensor<3xf64>"),
      reduce("prod", "1", "tensor<2x2xf64>"),
      reduce("prod", "0, 2", "tensor<3xf64>"),
      reduce("prod", "0, 1, 2", "tensor<f64>"),
      // One zero in the first slice, two in the second, none in the third.
      reduce("prod", "0, 2", "tensor<3xf64>", {0, 2, 0, 0, 1, 2, 3, -1, 5, 4, 2, 1}),
      reduce("prod", "", "tensor<2x3x2xf64>"),
      {"reduce", "product of a scalar", "%x: tensor<f64>",
       "%0 = dl.reduce prod %x over [] : tensor<f64> -> tensor<f64>", "%0 : tensor<f64>"},
      reduce("max", "1", "tensor<2x2xf64>"),
      reduce("max", "0, 2", "tensor<3xf64>"),
      reduce("min", "0, 1, 2", "tensor<f64>"),
      {"cumulative", "forward", "%x: tensor<2x4xf64>",
       "%a = dl.cumulative sum %x along 1 : tensor<2x4xf64>\n%0 = dl.mul %a, %a : tensor<2x4xf64>", "%0 : tensor<2x4xf64>"},
      {"cumulative", "reverse", "%x: tensor<2x4xf64>",
       "%a = dl.cumulative sum reverse %x along 0 : tensor<2x4xf64>\n%0 = dl.mul %a, %a : tensor<2x4xf64>",
       "%0 : tensor<2x4xf64>"},
      move("reshape", "", "tensor<2x6xf64>"),
      move("transpose", "by [1, 0]", "tensor<4x3xf64>"),
      move("broadcast", "to [1, 3]", "tensor<2x3x2x4xf64>"),
      move("slice", "from [1, 0] step [1, 2]", "tensor<2x2xf64>"),
      move("slice", "from [3, 0] step [1, 1]", "tensor<0x4xf64>"),
      move("pad", "low [1, 0] interior [0, 2]", "tensor<5x12xf64>"),
      move("reverse", "along [0, 1]", "tensor<3x4xf64>"),
      {"concat", "three parts", "%x: tensor<2x1xf64>, %y: tensor<2x2xf64>",
       "%a = dl.concat %x, %y, %x along 1 : tensor<2x1xf64>, tensor<2x2xf64>, tensor<2x1xf64> -> tensor<2x4xf64>\n"
       "%0 = dl.mul %a, %a : tensor<2x4xf64>",
       "%0 : tensor<2x4xf64>"},
      {"gather", "repeated rows", "%x: tensor<3x2xf64>",
       indices + "%a = dl.gather %x at %i along 0 : tensor<3x2xf64>, tensor<3xi64> -> tensor<3x2xf64>\n%0 = dl.mul %a, "
                 "%a : tensor<3x2xf64>",
       "%0 : tensor<3x2xf64>"},
      {"gather", "columns", "%x: tensor<2x3xf64>",
       indices + "%a = dl.gather %x at %i along 1 : tensor<2x3xf64>, tensor<3xi64> -> tensor<2x3xf64>\n%0 = dl.mul %a, "
                 "%a : tensor<2x3xf64>",
       "%0 : tensor<2x3xf64>"},
      {"scatter_add", "repeated rows", "%x: tensor<3x2xf64>, %u: tensor<3x2xf64>",
       indices + "%a = dl.scatter_add %x at %i with %u along 0 : tensor<3x2xf64>, tensor<3xi64>, tensor<3x2xf64>\n"
                 "%0 = dl.mul %a, %a : tensor<3x2xf64>",
       "%0 : tensor<3x2xf64>"},
  };
}

/// A loop over three slices: c' = c * x + w * sin(c), with x * c' stacked; `stop` is put before the yield, `flag` into
/// it.
Case scanCase(const std::string &name, const std::string &flags, const std::string &stop = "",
              const std::string &flag = "", const std::string &flagType = "") {
  return {"scan",
          name,
          "%z: tensor<2xf64>, %xs: tensor<3x2xf64>, %w: tensor<2xf64>",
          "%0:2 = dl.scan 3 " + flags +
              " carry(%z) slices(%xs) invariants(%w) {\n"
              "^bb0(%i: tensor<i64>, %c: tensor<2xf64>, %x: tensor<2xf64>, %v: tensor<2xf64>):\n"
              "%a = dl.mul %c, %x : tensor<2xf64>\n%b = dl.sin %c : tensor<2xf64>\n%d = dl.mul %v, %b : tensor<2xf64>\n"
              "%n = dl.add %a, %d : tensor<2xf64>\n%y = dl.mul %n, %x : tensor<2xf64>\n" +
              stop + "dl.yield " + flag + "%n, %y : " + flagType +
              "tensor<2xf64>, tensor<2xf64>\n"
              "} : (tensor<2xf64>, tensor<3x2xf64>, tensor<2xf64>) -> (tensor<2xf64>, tensor<3x2xf64>)",
          "%0#0, %0#1 : tensor<2xf64>, tensor<3x2xf64>",
          0.3,
          1.5};
}

std::vector<Case> controlCases() {
  const std::string branch =
      "%zero = dl.constant dense<0.0> : tensor<f64>\n%c = dl.compare gt %s, %zero : tensor<f64> -> tensor<i1>\n"
      "%0:2 = dl.if %c, (%x, %s) {\n^bb0(%u: tensor<3xf64>, %t: tensor<f64>):\n"
      "%a = dl.exp %u : tensor<3xf64>\n%b = dl.broadcast %t to [] : tensor<f64> -> tensor<3xf64>\n"
      "%d = dl.mul %a, %b : tensor<3xf64>\ndl.yield %d, %t : tensor<3xf64>, tensor<f64>\n} else {\n"
      "^bb0(%u: tensor<3xf64>, %t: tensor<f64>):\n%a = dl.mul %u, %u : tensor<3xf64>\n"
      "%q = dl.mul %t, %t : tensor<f64>\ndl.yield %a, %q : tensor<3xf64>, tensor<f64>\n"
      "} : (tensor<i1>, tensor<3xf64>, tensor<f64>) -> (tensor<3xf64>, tensor<f64>)";
  const std::string results = "%0#0, %0#1 : tensor<3xf64>, tensor<f64>";
  Case accumulate{"scan", "an integer carried beside, used as an index", "%xs: tensor<4xf64>",
                  "%z = dl.constant dense<1.0> : tensor<f64>\n%k = dl.constant dense<3> : tensor<i64>\n"
                  "%0:2 = dl.scan 4 carry(%z, %k) slices() invariants(%xs) {\n"
                  "^bb0(%i: tensor<i64>, %c: tensor<f64>, %n: tensor<i64>, %v: tensor<4xf64>):\n"
                  "%checked = dl.check_index %n below 4 what \"place\" : tensor<i64>\n"
                  "%x = dl.gather %v at %checked along 0 : tensor<4xf64>, tensor<i64> -> tensor<f64>\n"
                  "%p = dl.mul %c, %x : tensor<f64>\n%one = dl.constant dense<1> : tensor<i64>\n%m = dl.sub %n, %one : "
                  "tensor<i64>\n"
                  "dl.yield %p, %m : tensor<f64>, tensor<i64>\n} : (tensor<f64>, tensor<i64>, tensor<4xf64>) -> "
                  "(tensor<f64>, tensor<i64>)",
                  "%0#0 : tensor<f64>"};
  // The carried value turns active only by way of the second iteration.
  Case late{
      "scan", "a carried value that depends on another of the iteration before", "%w: tensor<f64>",
      "%z = dl.constant dense<0.5> : tensor<f64>\n%0:2 = dl.scan 3 carry(%z, %z) slices() invariants(%w) {\n"
      "^bb0(%i: tensor<i64>, %a: tensor<f64>, %b: tensor<f64>, %v: tensor<f64>):\n"
      "%n = dl.mul %a, %v : tensor<f64>\n%m = dl.exp %a : tensor<f64>\ndl.yield %n, %m : tensor<f64>, tensor<f64>\n"
      "} : (tensor<f64>, tensor<f64>, tensor<f64>) -> (tensor<f64>, tensor<f64>)",
      "%0#1 : tensor<f64>"};
  const std::string stop =
      "%lim = dl.constant dense<1> : tensor<i64>\n%brk = dl.compare eq %i, %lim : tensor<i64> -> tensor<i1>\n";
  // The stacks of the iterations that do not run hold zeros, by which these would divide.
  Case guarded{"scan",
               "iterations that do not run do not matter",
               "%w: tensor<f64>",
               "%z = dl.constant dense<2.0> : tensor<f64>\n%0 = dl.scan 4 breaks carry(%z) slices() invariants(%w) {\n"
               "^bb0(%i: tensor<i64>, %c: tensor<f64>, %v: tensor<f64>):\n%q = dl.div %v, %c : tensor<f64>\n"
               "%one = dl.constant dense<1> : tensor<i64>\n%last = dl.compare eq %i, %one : tensor<i64> -> tensor<i1>\n"
               "%r = dl.add %q, %v : tensor<f64>\ndl.yield %last, %r : tensor<i1>, tensor<f64>\n} : (tensor<f64>, "
               "tensor<f64>) -> tensor<f64>",
               "%0 : tensor<f64>",
               0.5,
               2};
  // c' = c + the sum over j of (x[j] * c, or x[j] * v for odd j).
  Case nested{"scan", "a loop in a loop, a branch in both", "%z: tensor<f64>, %xs: tensor<2x3xf64>, %w: tensor<f64>",
              "%0 = dl.scan 2 carry(%z) slices(%xs) invariants(%w) {\n"
              "^bb0(%i: tensor<i64>, %c: tensor<f64>, %x: tensor<3xf64>, %v: tensor<f64>):\n"
              "%s = dl.scan 3 reverse carry(%c) slices(%x) invariants(%c, %v) {\n"
              "^bb0(%j: tensor<i64>, %d: tensor<f64>, %y: tensor<f64>, %e: tensor<f64>, %u: tensor<f64>):\n"
              "%two = dl.constant dense<2> : tensor<i64>\n%r = dl.rem %j, %two : tensor<i64>\n"
              "%one = dl.constant dense<1> : tensor<i64>\n%odd = dl.compare eq %r, %one : tensor<i64> -> tensor<i1>\n"
              "%p = dl.if %odd, (%y, %e, %u) {\n^bb0(%k: tensor<f64>, %l: tensor<f64>, %m: tensor<f64>):\n"
              "%q = dl.mul %k, %m : tensor<f64>\ndl.yield %q : tensor<f64>\n} else {\n"
              "^bb0(%k: tensor<f64>, %l: tensor<f64>, %m: tensor<f64>):\n%q = dl.mul %k, %l : tensor<f64>\n"
              "dl.yield %q : tensor<f64>\n} : (tensor<i1>, tensor<f64>, tensor<f64>, tensor<f64>) -> tensor<f64>\n"
              "%n = dl.add %d, %p : tensor<f64>\ndl.yield %n : tensor<f64>\n"
              "} : (tensor<f64>, tensor<3xf64>, tensor<f64>, tensor<f64>) -> tensor<f64>\ndl.yield %s : tensor<f64>\n"
              "} : (tensor<f64>, tensor<2x3xf64>, tensor<f64>) -> tensor<f64>",
              "%0 : tensor<f64>"};
  nested.orders = 3;
  const std::string rule =
      "func.func private @cube(%x: tensor<3xf64>, %s: tensor<f64>) -> tensor<3xf64> attributes {dl.derivative = "
      "@cube_rule} {\n"
      "%a = dl.mul %x, %x : tensor<3xf64>\n%b = dl.mul %a, %x : tensor<3xf64>\n%c = dl.broadcast %s to [] : "
      "tensor<f64> -> tensor<3xf64>\n"
      "%d = dl.mul %b, %c : tensor<3xf64>\nreturn %d : tensor<3xf64>\n}\n"
      "func.func private @cube_rule(%x: tensor<3xf64>, %s: tensor<f64>, %y: tensor<3xf64>, %dy: tensor<3xf64>) -> "
      "(tensor<3xf64>, tensor<f64>) {\n"
      "%three = dl.constant dense<3.0> : tensor<3xf64>\n%a = dl.div %y, %x : tensor<3xf64>\n%b = dl.mul %a, %three : "
      "tensor<3xf64>\n"
      "%dx = dl.mul %b, %dy : tensor<3xf64>\n%c = dl.broadcast %s to [] : tensor<f64> -> tensor<3xf64>\n%q = dl.div "
      "%y, %c : tensor<3xf64>\n"
      "%e = dl.mul %q, %dy : tensor<3xf64>\n%ds = dl.reduce sum %e over [0] : tensor<3xf64> -> tensor<f64>\n"
      "return %dx, %ds : tensor<3xf64>, tensor<f64>\n}\n";
  return {
      {"if", "the first branch", "%x: tensor<3xf64>, %s: tensor<f64>", branch, results, 0.5, 2},
      {"if", "the second branch", "%x: tensor<3xf64>, %s: tensor<f64>", branch, results, -2, -0.5},
      scanCase("forward", ""),
      nested,
      scanCase("reverse", "reverse"),
      scanCase("with a break", "breaks", stop, "%brk, ", "tensor<i1>, "),
      scanCase("reverse with a break", "reverse breaks", stop, "%brk, ", "tensor<i1>, "),
      accumulate,
      late,
      guarded,
      {"call", "its own rule", "%x: tensor<3xf64>, %s: tensor<f64>",
       "%0 = dl.call @cube(%x, %s) : (tensor<3xf64>, tensor<f64>) -> tensor<3xf64>", "%0 : tensor<3xf64>", 0.5, 2,
       rule},
  };
}

std::vector<Case> cumulativeCases() {
  std::vector<Case> cases;
  for (std::string kind : {"sum", "prod", "max", "min", "logsumexp"})
    for (std::string direction : {"", " reverse"})
      for (std::string axis : {"0", "1"})
        cases.push_back({"cumulative", kind + direction + " along " + axis, "%x: tensor<3x4xf64>",
                         "%a = dl.cumulative " + kind + direction + " %x along " + axis +
                             " : tensor<3x4xf64>\n%0 = dl.mul %a, %a : tensor<3x4xf64>",
                         "%0 : tensor<3x4xf64>"});
  // Zeros, one and then two of them: without a division.
  cases.push_back({"cumulative", "product with zeros", "%x: tensor<5xf64>",
                   "%0 = dl.cumulative prod %x along 0 : tensor<5xf64>", "%0 : tensor<5xf64>", -2, 2, "", 2,
                   {2, 0, 3, 0, 1.5}});
  for (std::string direction : {"", "reverse "})
    cases.push_back({"recurrence", direction, "%x: tensor<3x4xf64>, %y: tensor<3x4xf64>",
                     "%0 = dl.recurrence " + direction + "%x, %y along 1 : tensor<3x4xf64>", "%0 : tensor<3x4xf64>",
                     -2, 2, "", 3});
  cases.push_back({"recurrence", "of one element", "%x: tensor<3x1xf64>, %y: tensor<3x1xf64>",
                   "%0 = dl.recurrence %x, %y along 1 : tensor<3x1xf64>", "%0 : tensor<3x1xf64>"});
  return cases;
}

/// A dl.linalg of `operands`, whose results are squared: signs of vectors do not matter.
Case linalgCase(const std::string &kind, const std::string &name, const std::string &arguments, const std::string &before,
                const std::string &call, std::vector<std::string> types, double low = -2, double high = 2) {
  std::string body = before + "%r:" + std::to_string(types.size()) + " = dl.linalg " + kind + call + "\n", names, all;
  for (size_t i = 0; i < types.size(); ++i) {
    std::string number = std::to_string(i);
    body += "%s" + number + " = dl.mul %r#" + number + ", %r#" + number + " : " + types[i] + "\n";
    names += (i ? ", %s" : "%s") + number;
    all += (i ? ", " : "") + types[i];
  }
  return {"linalg", kind + " " + name, arguments, body, names + " : " + all, low, high};
}

std::vector<Case> linalgCases() {
  const std::string m = "tensor<2x3x3xf64>", r = "tensor<2x3x2xf64>", w = "tensor<2x3xf64>";
  // x + 4 and its like are far from singular; x + x' is symmetric, x x' + 1 positive definite.
  const std::string dominant = "%e = dl.constant dense<[[[4.0, 0.0, 0.0], [0.0, 5.0, 0.0], [0.0, 0.0, 7.0]], [[6.0, 0.0, "
                               "0.0], [0.0, 5.0, 0.0], [0.0, 0.0, 3.0]]]> : " + m + "\n%a = dl.add %x, %e : " + m + "\n";
  const std::string across = "%t = dl.transpose %x by [0, 2, 1] : " + m + " -> " + m + "\n";
  const std::string symmetric = dominant + across + "%h = dl.add %a, %t : " + m + "\n";
  const std::string definite = dominant + across + "%p = dl.contract \"bij,bjk->bik\" %x, %t : " + m + ", " + m + " -> " +
                               m + "\n%h = dl.add %p, %e : " + m + "\n";
  const std::string two = "%x: " + m + ", %y: " + r, to = " : (" + m + ", " + r + ") -> " + r;
  std::vector<Case> cases = {
      linalgCase("solve", "", two, dominant, "(%a, %y)" + to, {r}, -1, 1),
      linalgCase("triangular", "upper", two, dominant, "(%a, %y)" + to, {r}, -1, 1),
      linalgCase("triangular", "lower", two, dominant, "(%a, %y) lower" + to, {r}, -1, 1),
      linalgCase("triangular", "unit", two, "", "(%x, %y) unit" + to, {r}, -1, 1),
      linalgCase("cholesky", "", "%x: " + m, definite, "(%h) : (" + m + ") -> " + m, {m}, -1, 1),
      linalgCase("det", "", "%x: " + m, "", "(%x) : (" + m + ") -> tensor<2xf64>", {"tensor<2xf64>"}),
      linalgCase("eigh", "", "%x: " + m, symmetric, "(%h) : (" + m + ") -> (" + w + ", " + m + ")", {w, m}, -0.3, 0.3),
      linalgCase("eig", "", "%x: " + m, dominant, "(%a) : (" + m + ") -> (" + w + ", " + m + ")", {w, m}, -0.3, 0.3),
  };
  auto factors = [&](const std::string &kind, const std::string &shape, std::vector<std::string> types) {
    std::string results;
    for (const std::string &type : types)
      results += (results.empty() ? "" : ", ") + type;
    cases.push_back(linalgCase(kind, shape, "%x: tensor<" + shape + "xf64>", "",
                               "(%x) : (tensor<" + shape + "xf64>) -> (" + results + ")", types));
  };
  factors("qr", "3x3", {"tensor<3x3xf64>", "tensor<3x3xf64>"});
  factors("qr", "4x2", {"tensor<4x2xf64>", "tensor<2x2xf64>"});
  factors("qr", "2x4", {"tensor<2x2xf64>", "tensor<2x4xf64>"});
  factors("svd", "3x3", {"tensor<3x3xf64>", "tensor<3xf64>", "tensor<3x3xf64>"});
  factors("svd", "4x2", {"tensor<4x2xf64>", "tensor<2xf64>", "tensor<2x2xf64>"});
  factors("svd", "2x4", {"tensor<2x2xf64>", "tensor<2xf64>", "tensor<2x4xf64>"});
  // The determinant of a singular matrix, and of one that is zero.
  Case singular = linalgCase("det", "singular", "%x: tensor<3x3xf64>", "", "(%x) : (tensor<3x3xf64>) -> tensor<f64>",
                             {"tensor<f64>"});
  singular.body = "%0 = dl.linalg det(%x) : (tensor<3x3xf64>) -> tensor<f64>";
  singular.results = "%0 : tensor<f64>";
  singular.first = {1, 2, 3, 2, 4, 6, 1, 0, 5};
  singular.orders = 1;
  cases.push_back(singular);
  singular.first = std::vector<double>(9, 0.0);
  cases.push_back(singular);
  return cases;
}

std::vector<Case> allCases() {
  std::vector<Case> cases = elementwiseCases();
  for (auto &family : {tensorCases(), cumulativeCases(), linalgCases(), controlCases()})
    cases.insert(cases.end(), family.begin(), family.end());
  return cases;
}

/// Turns a function into its vector-Jacobian product: the arguments and a cotangent for each result to a cotangent for
/// each argument.
LogicalResult differentiate(func::FuncOp function) {
  Block &block = function.front();
  Operation *end = block.getTerminator();
  OpBuilder builder(end);
  SmallVector<Value> inputs(block.args_begin(), block.args_end()), cotangents;
  for (Type type : function.getFunctionType().getResults())
    cotangents.push_back(block.addArgument(type, function.getLoc()));
  FailureOr<SmallVector<Value>> adjoints =
      dl::reverseSweep(builder, SmallVector<Value>(end->getOperands()), cotangents, inputs);
  if (failed(adjoints))
    return failure();
  for (auto [adjoint, input] : llvm::zip_equal(*adjoints, inputs))
    if (!adjoint)
      adjoint = dl::splat(builder, function.getLoc(), input.getType(), 0);
  end->setOperands(*adjoints);
  function.setType(
      FunctionType::get(function.getContext(), block.getArgumentTypes(), ValueRange(*adjoints).getTypes()));
  return verify(function->getParentOfType<ModuleOp>());
}

/// Numbers that look random and are always the same.
class Numbers {
public:
  double next(double low, double high) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return low + (high - low) * (double(state >> 11) * 0x1p-53);
  }
  SmallVector<HostTensor> argumentsOf(func::FuncOp function, double low, double high) {
    SmallVector<HostTensor> tensors;
    for (Type type : function.getArgumentTypes()) {
      tensors.push_back(HostTensor::zeros(cast<RankedTensorType>(type)));
      for (double &value : tensors.back().floats)
        value = next(low, high);
    }
    return tensors;
  }

private:
  uint64_t state = 1;
};

class AdjointTest : public testing::Test {
protected:
  AdjointTest() { context.loadDialect<dl::DlDialect, func::FuncDialect>(); }

  OwningOpRef<ModuleOp> parse(const std::string &text) { return parseSourceString<ModuleOp>(text, &context); }

  /// The sum of all results times `weights`.
  static double weighted(func::FuncOp function, ArrayRef<HostTensor> arguments, ArrayRef<HostTensor> weights) {
    FailureOr<SmallVector<HostTensor>> results = dl::evaluate(function, arguments);
    if (failed(results))
      return NAN;
    double sum = 0;
    for (auto [result, weight] : llvm::zip_equal(*results, weights))
      for (auto [value, factor] : llvm::zip_equal(result.floats, weight.floats))
        sum += value * factor;
    return sum;
  }

  /// Compares `adjoint`, the vector-Jacobian product of `primal`, with finite differences.
  static void compare(func::FuncOp primal, func::FuncOp adjoint, ArrayRef<HostTensor> arguments, Numbers &numbers) {
    SmallVector<HostTensor> all = numbers.argumentsOf(adjoint, -1, 1), point(arguments);
    llvm::copy(arguments, all.begin());
    ArrayRef<HostTensor> weights = ArrayRef<HostTensor>(all).drop_front(point.size());
    FailureOr<SmallVector<HostTensor>> found = dl::evaluate(adjoint, all);
    ASSERT_TRUE(succeeded(found));
    for (size_t i = 0; i < point.size(); ++i)
      for (size_t j = 0; j < point[i].floats.size(); ++j) {
        constexpr double h = 1e-5;
        double &x = point[i].floats[j], middle = x;
        x = middle + h;
        double above = weighted(primal, point, weights);
        x = middle - h;
        double below = weighted(primal, point, weights);
        x = middle;
        double expected = (above - below) / (2 * h), value = (*found)[i].floats[j];
        EXPECT_NEAR(value, expected, 2e-6 * (1 + std::fabs(expected))) << "argument " << i << ", element " << j;
      }
  }

  /// The cotangents of f's arguments at a point, for cotangents of one.
  SmallVector<Doubles> gradientAt(const std::string &text, ArrayRef<Doubles> point) {
    OwningOpRef<ModuleOp> module = parse(text);
    auto function = module->lookupSymbol<func::FuncOp>("f");
    EXPECT_TRUE(succeeded(differentiate(function)));
    SmallVector<HostTensor> arguments = Numbers().argumentsOf(function, 1, 1);
    for (auto [argument, values] : llvm::zip(arguments, point))
      argument.floats = values;
    SmallVector<Doubles> gradients;
    FailureOr<SmallVector<HostTensor>> results = dl::evaluate(function, arguments);
    if (succeeded(results))
      for (const HostTensor &result : *results)
        gradients.push_back(result.floats);
    return gradients;
  }

  /// What differentiating `f` reports.
  std::string errorOf(const std::string &text) {
    std::string message;
    ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) { message = diagnostic.str(); });
    OwningOpRef<ModuleOp> module = parse(text);
    EXPECT_TRUE(module && failed(differentiate(module->lookupSymbol<func::FuncOp>("f"))));
    return message;
  }

  MLIRContext context;
};

TEST_F(AdjointTest, AgreesWithFiniteDifferences) {
  for (const Case &test : allCases()) {
    SCOPED_TRACE(test.op + ": " + test.name);
    OwningOpRef<ModuleOp> module = parse(test.text());
    ASSERT_TRUE(module);
    Numbers numbers;
    SmallVector<HostTensor> point = numbers.argumentsOf(module->lookupSymbol<func::FuncOp>("f"), test.low, test.high);
    if (!test.first.empty())
      point[0].floats = test.first;
    for (int order = 1; order <= test.orders; ++order) {
      SCOPED_TRACE("order " + std::to_string(order));
      OwningOpRef<ModuleOp> adjoint = module->clone();
      auto function = adjoint->lookupSymbol<func::FuncOp>("f");
      ASSERT_TRUE(succeeded(differentiate(function)));
      compare(module->lookupSymbol<func::FuncOp>("f"), function, point, numbers);
      SmallVector<HostTensor> next = numbers.argumentsOf(function, -1, 1);
      llvm::copy(point, next.begin());
      point = next;
      module = std::move(adjoint);
    }
  }
}

TEST_F(AdjointTest, EveryRuleHasACase) {
  // `while` has a rule that refuses; WhileHasNoGradient is its test.
  std::set<std::string> tested{"while"};
  for (const Case &test : allCases()) {
    EXPECT_NE(test.text().find("dl." + test.op), std::string::npos) << test.op << ": " << test.name;
    tested.insert(test.op);
  }
  for (RegisteredOperationName name : context.getRegisteredOperations())
    if (name.getDialectNamespace() == "dl" && name.hasInterface<dl::AdjointOpInterface>())
      EXPECT_TRUE(tested.count(name.getStringRef().drop_front(3).str())) << name.getStringRef().str() << " has no case";
}

TEST_F(AdjointTest, TiesAndKinks) {
  auto binary = [&](const std::string &op) {
    return gradientAt("func.func @f(%x: tensor<3xf64>, %y: tensor<3xf64>) -> tensor<3xf64> {\n%0 = dl." + op +
                          " %x, %y : tensor<3xf64>\nreturn %0 : tensor<3xf64>\n}",
                      {Doubles{1, 2, 3}, Doubles{2, 2, 2}});
  };
  EXPECT_EQ(binary("max"), (SmallVector<Doubles>{{0, 0.5, 1}, {1, 0.5, 0}}));
  EXPECT_EQ(binary("min"), (SmallVector<Doubles>{{1, 0.5, 0}, {0, 0.5, 1}}));
  auto unary = [&](const std::string &op) {
    return gradientAt("func.func @f(%x: tensor<3xf64>) -> tensor<3xf64> {\n%0 = dl." + op +
                          " %x : tensor<3xf64>\nreturn %0 : tensor<3xf64>\n}",
                      Doubles{-1, 0, 1});
  };
  EXPECT_EQ(unary("relu"), (SmallVector<Doubles>{{0, 0, 1}}));
  EXPECT_EQ(unary("abs"), (SmallVector<Doubles>{{-1, 0, 1}}));
  auto reduce = [&](const std::string &kind, const std::string &axes, const std::string &type) {
    return gradientAt("func.func @f(%x: tensor<2x3xf64>) -> " + type + " {\n%0 = dl.reduce " + kind + " %x over [" +
                          axes + "] : tensor<2x3xf64> -> " + type + "\nreturn %0 : " + type + "\n}",
                      Doubles{1, 5, 5, 1, 1, 5});
  };
  EXPECT_EQ(reduce("max", "1", "tensor<2xf64>"), (SmallVector<Doubles>{{0, 1, 0, 0, 0, 1}}));
  EXPECT_EQ(reduce("min", "0, 1", "tensor<f64>"), (SmallVector<Doubles>{{1, 0, 0, 0, 0, 0}}));
}

TEST_F(AdjointTest, PowersOfZero) {
  const char *text =
      "func.func @f(%x: tensor<3xf64>, %y: tensor<3xf64>) -> tensor<3xf64> {\n%0 = dl.pow %x, %y : tensor<3xf64>\n"
      "return %0 : tensor<3xf64>\n}";
  EXPECT_EQ(gradientAt(text, {Doubles{0, 0, 0}, Doubles{0, 1, 2}}), (SmallVector<Doubles>{{0, 1, 0}, {0, 0, 0}}));
  // To the exponent it is infinite where the power is, as in PyTorch.
  EXPECT_EQ(gradientAt(text, {Doubles{0, 0, 1}, Doubles{-1, -0.5, -1}})[1], (Doubles{-INFINITY, -INFINITY, 0}));
}

TEST_F(AdjointTest, AFunctionsOwnRuleIsUsed) {
  EXPECT_EQ(
      gradientAt("func.func private @g(%x: tensor<f64>) -> tensor<f64> attributes {dl.derivative = @rule} { return %x "
                 ": tensor<f64> }\n"
                 "func.func private @rule(%x: tensor<f64>, %y: tensor<f64>, %dy: tensor<f64>) -> tensor<f64> {\n"
                 "%seven = dl.constant dense<7.0> : tensor<f64>\n%0 = dl.mul %dy, %seven : tensor<f64>\nreturn %0 : "
                 "tensor<f64>\n}\n"
                 "func.func @f(%x: tensor<f64>) -> tensor<f64> {\n%0 = dl.call @g(%x) : (tensor<f64>) -> tensor<f64>\n"
                 "return %0 : tensor<f64>\n}",
                 Doubles{1}),
      (SmallVector<Doubles>{{7}}));
}

TEST_F(AdjointTest, StopGradientStops) {
  EXPECT_EQ(gradientAt("func.func @f(%x: tensor<f64>) -> tensor<f64> {\n%0 = dl.stop_gradient %x : tensor<f64>\n"
                       "%1 = dl.mul %0, %x : tensor<f64>\nreturn %1 : tensor<f64>\n}",
                       Doubles{3}),
            (SmallVector<Doubles>{{3}}));
}

/// A `while` that doubles %x until it is above ten.
const std::string doubling =
    "%w = dl.while carry(%x) invariants() {\n^bb0(%u: tensor<f64>):\n%ten = dl.constant dense<10.0> : tensor<f64>\n"
    "%m = dl.compare lt %u, %ten : tensor<f64> -> tensor<i1>\ndl.yield %m : tensor<i1>\n} do {\n^bb0(%u: "
    "tensor<f64>):\n"
    "%n = dl.add %u, %u : tensor<f64>\ndl.yield %n : tensor<f64>\n} : (tensor<f64>) -> tensor<f64>\n";

TEST_F(AdjointTest, FactorsByEliminationHaveNoGradient) {
  EXPECT_EQ(errorOf("func.func @f(%x: tensor<3x3xf64>) -> tensor<3x3xf64> {\n%0:2 = dl.linalg lu(%x) : "
                    "(tensor<3x3xf64>) -> (tensor<3x3xf64>, tensor<3xi32>)\nreturn %0#0 : tensor<3x3xf64>\n}"),
            "no gradient: `lu`");
}

TEST_F(AdjointTest, RunningExtremaGiveToTheLastOfEqualOnes) {
  auto running = [&](const std::string &kind, const Doubles &x) {
    return gradientAt("func.func @f(%x: tensor<4xf64>) -> tensor<4xf64> {\n%0 = dl.cumulative " + kind +
                          " %x along 0 : tensor<4xf64>\nreturn %0 : tensor<4xf64>\n}",
                      x);
  };
  EXPECT_EQ(running("max", {1, 3, 3, 2}), (SmallVector<Doubles>{{1, 1, 2, 0}}));
  EXPECT_EQ(running("min", {1, 3, 1, 2}), (SmallVector<Doubles>{{2, 0, 2, 0}}));
}

TEST_F(AdjointTest, WhileHasNoGradient) {
  EXPECT_EQ(errorOf("func.func @f(%x: tensor<f64>) -> tensor<f64> {\n" + doubling + "return %w : tensor<f64>\n}"),
            "no gradient: `while` (bound it by a `for`)");
}

TEST_F(AdjointTest, WhatIsOnNoPathIsNotAsked) {
  // Behind stop_gradient, and towards no output.
  EXPECT_EQ(
      gradientAt(
          "func.func @f(%x: tensor<f64>) -> tensor<f64> {\n" + doubling +
              "%s = dl.stop_gradient %w : tensor<f64>\n%0 = dl.mul %s, %x : tensor<f64>\nreturn %0 : tensor<f64>\n}",
          Doubles{3}),
      (SmallVector<Doubles>{{12}}));
  EXPECT_EQ(gradientAt("func.func @f(%x: tensor<f64>) -> tensor<f64> {\n" + doubling + "return %x : tensor<f64>\n}",
                       Doubles{3}),
            (SmallVector<Doubles>{{1}}));
}

TEST_F(AdjointTest, CallsWithoutARule) {
  const std::string call = "func.func @f(%x: tensor<f64>) -> tensor<f64> {\n%0 = dl.call @g(%x) : (tensor<f64>) -> "
                           "tensor<f64>\nreturn %0 : tensor<f64>\n}";
  auto callee = [](const std::string &attributes) {
    return "func.func private @g(%x: tensor<f64>) -> tensor<f64> " + attributes + " { return %x : tensor<f64> }\n";
  };
  EXPECT_EQ(errorOf(callee("") + call),
            "no gradient: `g` (expected its body in the place of the call or `dl.derivative`)");
  EXPECT_EQ(errorOf(callee("attributes {dl.derivative = @nowhere}") + call),
            "the rule `nowhere` of `g` is no function with a body, expected '(tensor<f64>, tensor<f64>, tensor<f64>) "
            "-> tensor<f64>'");
  EXPECT_EQ(errorOf(callee("attributes {dl.derivative = @g}") + call),
            "the rule `g` of `g` has another type, expected '(tensor<f64>, tensor<f64>, tensor<f64>) -> tensor<f64>'");
}

TEST_F(AdjointTest, AnOperationWithoutARule) {
  EXPECT_EQ(
      errorOf(
          "func.func @f(%x: tensor<f64>) -> tensor<f64> {\n%0:2 = dl.grad (%x), (%x) aux 0 {\n^bb0(%u: tensor<f64>):\n"
          "dl.yield %u : tensor<f64>\n} : (tensor<f64>, tensor<f64>) -> (tensor<f64>, tensor<f64>)\nreturn %0#1 : "
          "tensor<f64>\n}"),
      "no gradient: `dl.grad`");
}

} // namespace
