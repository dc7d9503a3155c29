// Functions of each operation with an adjoint rule, a family after the other.
#include "test/unit/AdjointCases.h"

namespace dlc::test {

using Case = AdjointCase;

namespace {

std::vector<Case> elementwiseCases() {
  std::vector<Case> cases;
  auto unary = [&](const std::string &op, double low, double high) {
    cases.push_back(
        {op, op, "%x: tensor<5xf64>", "%0 = dl." + op + " %x : tensor<5xf64>", "%0 : tensor<5xf64>", low, high});
  };
  for (const char *op : {"neg", "abs", "sign", "exp", "expm1", "sin", "cos", "atan", "sinh", "cosh", "tanh", "erf",
                         "logistic", "relu", "floor", "ceil", "round", "trunc"})
    unary(op, -2, 2);
  for (const char *op : {"log", "log1p", "log2", "log10", "sqrt", "rsqrt"})
    unary(op, 0.5, 3);
  for (const char *op : {"tan", "asin", "acos"})
    unary(op, -0.8, 0.8);
  auto binary = [&](const std::string &op, double low, double high) {
    cases.push_back({op, op, "%x: tensor<5xf64>, %y: tensor<5xf64>", "%0 = dl." + op + " %x, %y : tensor<5xf64>",
                     "%0 : tensor<5xf64>", low, high});
  };
  for (const char *op : {"add", "sub", "mul", "max", "min"})
    binary(op, -2, 2);
  for (const char *op : {"div", "rem", "floor_div", "pow", "atan2"})
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
  cases.push_back(
      {"check", "a condition that holds", "%x: tensor<3xf64>",
       "%z = dl.constant dense<-9.0> : tensor<3xf64>\n%m = dl.compare gt %x, %z : tensor<3xf64> -> tensor<3xi1>\n"
       "%a = dl.check %x if %m what \"x\" expected \"more\" : tensor<3xf64>\n%0 = dl.mul %a, %a : tensor<3xf64>",
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
       "%a = dl.cumulative sum %x along 1 : tensor<2x4xf64>\n%0 = dl.mul %a, %a : tensor<2x4xf64>",
       "%0 : tensor<2x4xf64>"},
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
      move("window", "along [1] step [1] spread [1]", "tensor<3x2x3xf64>"),
      move("window", "along [0, 1] step [1, 2] spread [2, 1]", "tensor<1x2x2x2xf64>"),
      move("window", "along [1] step [1] spread [1]", "tensor<3x0x2xf64>"),
      move("overlap_add", "along [0] step [1] spread [1]", "tensor<6xf64>"),
      move("overlap_add", "along [0] step [3] spread [2]", "tensor<15xf64>"),
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
      {"dynamic_slice", "a window", "%x: tensor<4x3xf64>",
       "%i = dl.constant dense<1> : tensor<i64>\n%a = dl.dynamic_slice %x at (%i, %i) along [0, 1] : tensor<4x3xf64>, "
       "tensor<i64>, tensor<i64> -> tensor<2x2xf64>\n%0 = dl.mul %a, %a : tensor<2x2xf64>",
       "%0 : tensor<2x2xf64>"},
      {"dynamic_update", "rows replaced", "%x: tensor<4x2xf64>, %u: tensor<2x2xf64>",
       "%i = dl.constant dense<1> : tensor<i64>\n%a = dl.dynamic_update %x with %u at (%i) along [0] : "
       "tensor<4x2xf64>, tensor<2x2xf64>, tensor<i64>\n%0 = dl.mul %a, %a : tensor<4x2xf64>",
       "%0 : tensor<4x2xf64>"},
      {"dynamic_update", "rows added", "%x: tensor<4x2xf64>, %u: tensor<2x2xf64>",
       "%i = dl.constant dense<2> : tensor<i64>\n%a = dl.dynamic_update add %x with %u at (%i) along [0] : "
       "tensor<4x2xf64>, tensor<2x2xf64>, tensor<i64>\n%0 = dl.mul %a, %a : tensor<4x2xf64>",
       "%0 : tensor<4x2xf64>"},
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
  cases.push_back({"cumulative",
                   "product with zeros",
                   "%x: tensor<5xf64>",
                   "%0 = dl.cumulative prod %x along 0 : tensor<5xf64>",
                   "%0 : tensor<5xf64>",
                   -2,
                   2,
                   "",
                   2,
                   {2, 0, 3, 0, 1.5}});
  for (std::string direction : {"", "reverse "})
    cases.push_back({"recurrence", direction, "%x: tensor<3x4xf64>, %y: tensor<3x4xf64>",
                     "%0 = dl.recurrence " + direction + "%x, %y along 1 : tensor<3x4xf64>", "%0 : tensor<3x4xf64>", -2,
                     2, "", 3});
  cases.push_back({"recurrence", "of one element", "%x: tensor<3x1xf64>, %y: tensor<3x1xf64>",
                   "%0 = dl.recurrence %x, %y along 1 : tensor<3x1xf64>", "%0 : tensor<3x1xf64>"});
  return cases;
}

/// A dl.linalg of `operands`, whose results are squared: signs of vectors do not matter.
Case linalgCase(const std::string &kind, const std::string &name, const std::string &arguments,
                const std::string &before, const std::string &call, std::vector<std::string> types, double low = -2,
                double high = 2) {
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
  const std::string dominant =
      "%e = dl.constant dense<[[[4.0, 0.0, 0.0], [0.0, 5.0, 0.0], [0.0, 0.0, 7.0]], [[6.0, 0.0, "
      "0.0], [0.0, 5.0, 0.0], [0.0, 0.0, 3.0]]]> : " +
      m + "\n%a = dl.add %x, %e : " + m + "\n";
  const std::string across = "%t = dl.transpose %x by [0, 2, 1] : " + m + " -> " + m + "\n";
  const std::string symmetric = dominant + across + "%h = dl.add %a, %t : " + m + "\n";
  const std::string definite = dominant + across + "%p = dl.contract \"bij,bjk->bik\" %x, %t : " + m + ", " + m +
                               " -> " + m + "\n%h = dl.add %p, %e : " + m + "\n";
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

} // namespace

std::vector<Case> adjointCases() {
  std::vector<Case> cases = elementwiseCases();
  for (auto &family : {tensorCases(), cumulativeCases(), linalgCases(), controlCases()})
    cases.insert(cases.end(), family.begin(), family.end());
  return cases;
}

} // namespace dlc::test
