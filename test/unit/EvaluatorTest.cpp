// The reference evaluator: each operation on values worked out by hand, and what it refuses.
#include "ir/evaluate/Evaluator.h"
#include "ir/Dialect.h"
#include "runtime/Philox.h"

#include "mlir/Parser/Parser.h"
#include "gtest/gtest.h"
#include <cmath>

using namespace mlir;
using namespace dlc;
using dl::HostTensor;

namespace {

constexpr double inf = INFINITY;
constexpr double nan = NAN;

class EvaluatorTest : public testing::Test {
protected:
  EvaluatorTest() { context.loadDialect<dl::DlDialect, func::FuncDialect>(); }

  /// The function `f` of the text; the module stays until the next one.
  func::FuncOp parse(const std::string &text) {
    module = parseSourceString<ModuleOp>(text, &context);
    return module ? module->lookupSymbol<func::FuncOp>("f") : func::FuncOp();
  }

  /// The elements of the first result of a function without arguments that ends with `return %r : TYPE`.
  std::vector<double> run(const std::string &type, const std::string &body, dl::EvaluateOptions options = {}) {
    func::FuncOp function = parse("func.func @f() -> " + type + " {\n" + body + "\nreturn %r : " + type + "\n}");
    if (!function)
      return {};
    FailureOr<SmallVector<HostTensor>> results = dl::evaluate(function, {}, options);
    return failed(results) ? std::vector<double>() : elements(results->front());
  }

  static std::vector<double> elements(const HostTensor &tensor) {
    return tensor.isFloat() ? tensor.floats : std::vector<double>(tensor.ints.begin(), tensor.ints.end());
  }

  /// What evaluating `f` of the text reports.
  std::string errorOf(const std::string &text, ArrayRef<HostTensor> arguments = {}) {
    std::string message;
    ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) { message = diagnostic.str(); });
    func::FuncOp function = parse(text);
    EXPECT_TRUE(function);
    EXPECT_TRUE(failed(dl::evaluate(function, arguments)));
    return message;
  }

  void expectNear(const std::vector<double> &found, const std::vector<double> &expected, double tolerance = 1e-12) {
    ASSERT_EQ(found.size(), expected.size());
    for (size_t i = 0; i < found.size(); ++i) {
      if (std::isnan(expected[i]))
        EXPECT_TRUE(std::isnan(found[i])) << "element " << i << " is " << found[i];
      else if (std::isinf(expected[i]))
        EXPECT_EQ(found[i], expected[i]) << "element " << i;
      else
        EXPECT_NEAR(found[i], expected[i], tolerance) << "element " << i;
    }
  }

  MLIRContext context;
  OwningOpRef<ModuleOp> module;
};

using Doubles = std::vector<double>;

TEST_F(EvaluatorTest, FloatsElementByElement) {
  struct {
    const char *op;
    Doubles expected; // of -1.5, 0, 2.5
  } cases[] = {
      {"neg", {1.5, 0, -2.5}},
      {"abs", {1.5, 0, 2.5}},
      {"sign", {-1, 0, 1}},
      {"exp", {0.22313016014842982, 1, 12.182493960703473}},
      {"expm1", {-0.7768698398515702, 0, 11.182493960703473}},
      {"log", {nan, -inf, 0.9162907318741551}},
      {"log1p", {nan, 0, 1.252762968495368}},
      {"log2", {nan, -inf, 1.3219280948873624}},
      {"log10", {nan, -inf, 0.3979400086720376}},
      {"sqrt", {nan, 0, 1.5811388300841898}},
      {"rsqrt", {nan, inf, 0.6324555320336759}},
      {"sin", {-0.9974949866040544, 0, 0.5984721441039564}},
      {"cos", {0.0707372016677029, 1, -0.8011436155469337}},
      {"tan", {-14.101419947171719, 0, -0.7470222972386603}},
      {"asin", {nan, 0, nan}},
      {"acos", {nan, 1.5707963267948966, nan}},
      {"atan", {-0.982793723247329, 0, 1.1902899496825317}},
      {"sinh", {-2.1292794550948173, 0, 6.0502044810397875}},
      {"cosh", {2.352409615243247, 1.0, 6.132289479663686}},
      {"tanh", {-0.9051482536448664, 0, 0.9866142981514303}},
      {"erf", {-0.9661051464753108, 0, 0.999593047982555}},
      {"logistic", {0.18242552380635635, 0.5, 0.9241418199787566}},
      {"relu", {0, 0, 2.5}},
      {"floor", {-2, 0, 2}},
      {"ceil", {-1, 0, 3}},
      {"round", {-2, 0, 2}},
      {"trunc", {-1, 0, 2}},
      {"stop_gradient", {-1.5, 0, 2.5}},
  };
  for (auto &[op, expected] : cases) {
    SCOPED_TRACE(op);
    expectNear(run("tensor<3xf64>", "%x = dl.constant dense<[-1.5, 0.0, 2.5]> : tensor<3xf64>\n%r = dl." +
                                        std::string(op) + " %x : tensor<3xf64>"),
               expected);
  }
}

TEST_F(EvaluatorTest, TwoOperands) {
  struct {
    const char *op;
    Doubles floats;   // of -7, 7, 2, -1 and 2, -2, 2, NaN
    Doubles integers; // of -7, 7, 0, -9 and 2, -2, 0, -4
  } cases[] = {
      {"add", {-5, 5, 4, nan}, {-5, 5, 0, -13}},      {"sub", {-9, 9, 0, nan}, {-9, 9, 0, -5}},
      {"mul", {-14, -14, 4, nan}, {-14, -14, 0, 36}}, {"div", {-3.5, -3.5, 1, nan}, {-4, -4, 0, 2}},
      {"rem", {1, -1, 0, nan}, {1, -1, 0, -1}},       {"pow", {49, 1 / 49.0, 4, nan}, {49, 0, 1, 0}},
      {"max", {2, 7, 2, nan}, {2, 7, 0, -4}},         {"min", {-7, -2, 2, nan}, {-7, -2, 0, -9}},
  };
  for (auto &[op, floats, integers] : cases) {
    SCOPED_TRACE(op);
    expectNear(run("tensor<4xf32>", "%x = dl.constant dense<[-7.0, 7.0, 2.0, -1.0]> : tensor<4xf32>\n"
                                    "%y = dl.constant dense<[2.0, -2.0, 2.0, 0x7FC00000]> : tensor<4xf32>\n%r = dl." +
                                        std::string(op) + " %x, %y : tensor<4xf32>"),
               floats);
    expectNear(run("tensor<4xi64>", "%x = dl.constant dense<[-7, 7, 0, -9]> : tensor<4xi64>\n"
                                    "%y = dl.constant dense<[2, -2, 0, -4]> : tensor<4xi64>\n%r = dl." +
                                        std::string(op) + " %x, %y : tensor<4xi64>"),
               integers);
  }
}

/// Python's values of x % y and x // y, to the sign of zero.
TEST_F(EvaluatorTest, FloatsDivideAsInPython) {
  struct {
    const char *x, *y;
    double remainder, quotient;
  } cases[] = {{"1.0", "0.1", 0.09999999999999995, 9},
               {"7.5", "-0.1", -4.163336342344337e-16, -75},
               {"-0.1", "1.0", 0.9, -1},
               {"-1.0e-20", "1.0", 1, -1},
               {"1.0e20", "3.0", 1, 3.333333333333333e+19},
               {"1.0e300", "7.0e-300", 5.651755366164927e-300, inf},
               {"5.5", "0x7FF0000000000000", 5.5, 0},
               {"-5.5", "0x7FF0000000000000", inf, -1},
               {"6.0", "-3.0", -0.0, -2},
               {"-0.0", "3.0", 0.0, -0.0},
               {"0x7FF0000000000000", "3.0", nan, nan},
               {"5.5", "0.0", nan, inf},
               {"0.0", "0.0", nan, nan}};
  for (auto &[x, y, remainder, quotient] : cases) {
    SCOPED_TRACE(std::string(x) + " by " + y);
    std::string operands = "%x = dl.constant dense<" + std::string(x) + "> : tensor<1xf64>\n%y = dl.constant dense<" +
                           y + "> : tensor<1xf64>\n";
    for (auto [op, expected] : {std::pair("rem", remainder), {"floor_div", quotient}}) {
      std::string body = operands + "%r = dl." + op + " %x, %y : tensor<1xf64>";
      expectNear(run("tensor<1xf64>", body), {expected}, 0);
      if (expected == 0)
        EXPECT_EQ(std::signbit(run("tensor<1xf64>", body)[0]), std::signbit(expected)) << op;
    }
  }
}

TEST_F(EvaluatorTest, IntegersWrapInTheirOwnType) {
  expectNear(run("tensor<2xui8>",
                 "%x = dl.constant dense<[250, 3]> : tensor<2xui8>\n%y = dl.constant dense<[10, 4]> : tensor<2xui8>\n"
                 "%s = dl.add %x, %y : tensor<2xui8>\n%r = dl.neg %s : tensor<2xui8>"),
             {252, 249});
  expectNear(
      run("tensor<1xi32>", "%x = dl.constant dense<2147483647> : tensor<1xi32>\n%r = dl.mul %x, %x : tensor<1xi32>"),
      {1});
  expectNear(run("tensor<i64>", "%x = dl.constant dense<[-9223372036854775808, -1]> : tensor<2xi64>\n"
                                "%r = dl.reduce sum %x over [0] : tensor<2xi64> -> tensor<i64>"),
             {9223372036854775807.0});
}

TEST_F(EvaluatorTest, LogicAndComparisons) {
  const char *operands = "%x = dl.constant dense<[1.0, 2.0, 0x7FC00000]> : tensor<3xf32>\n"
                         "%y = dl.constant dense<[2.0, 2.0, 2.0]> : tensor<3xf32>\n";
  struct {
    const char *predicate;
    Doubles expected;
  } cases[] = {{"eq", {0, 1, 0}}, {"ne", {1, 0, 1}}, {"lt", {1, 0, 0}},
               {"le", {1, 1, 0}}, {"gt", {0, 0, 0}}, {"ge", {0, 1, 0}}};
  for (auto &[predicate, expected] : cases) {
    SCOPED_TRACE(predicate);
    expectNear(run("tensor<3xi1>", operands + ("%r = dl.compare " + std::string(predicate) +
                                               " %x, %y : tensor<3xf32> -> tensor<3xi1>")),
               expected);
  }
  const char *bools = "%x = dl.constant dense<[false, true, false, true]> : tensor<4xi1>\n"
                      "%y = dl.constant dense<[false, false, true, true]> : tensor<4xi1>\n";
  expectNear(run("tensor<4xi1>", std::string(bools) + "%r = dl.and %x, %y : tensor<4xi1>"), {0, 0, 0, 1});
  expectNear(run("tensor<4xi1>", std::string(bools) + "%r = dl.or %x, %y : tensor<4xi1>"), {0, 1, 1, 1});
  expectNear(run("tensor<4xi1>", std::string(bools) + "%r = dl.not %x : tensor<4xi1>"), {1, 0, 1, 0});
  expectNear(run("tensor<2xf32>",
                 "%m = dl.constant dense<[true, false]> : tensor<2xi1>\n%x = dl.constant dense<1.0> : tensor<2xf32>\n"
                 "%y = dl.constant dense<2.0> : tensor<2xf32>\n%r = dl.select %m, %x, %y : tensor<2xf32>"),
             {1, 2});
}

TEST_F(EvaluatorTest, CastsRoundTowardZeroAndStayInRange) {
  const char *floats = "%x = dl.constant dense<[-1.7, 2.9, 300.0, 1.0e20, 0x7FC00000]> : tensor<5xf32>\n";
  expectNear(run("tensor<5xi64>", std::string(floats) + "%r = dl.cast %x : tensor<5xf32> -> tensor<5xi64>"),
             {-1, 2, 300, 9223372036854775807.0, 0});
  expectNear(run("tensor<5xi32>", std::string(floats) + "%r = dl.cast %x : tensor<5xf32> -> tensor<5xi32>"),
             {-1, 2, 300, 2147483647, 0});
  expectNear(run("tensor<5xui8>", std::string(floats) + "%r = dl.cast %x : tensor<5xf32> -> tensor<5xui8>"),
             {0, 2, 255, 255, 0});
  expectNear(run("tensor<5xi1>", std::string(floats) + "%r = dl.cast %x : tensor<5xf32> -> tensor<5xi1>"),
             {1, 1, 1, 1, 1});
  expectNear(
      run("tensor<2xf32>",
          "%x = dl.constant dense<[200, 255]> : tensor<2xui8>\n%r = dl.cast %x : tensor<2xui8> -> tensor<2xf32>"),
      {200, 255});
  expectNear(run("tensor<2xi1>",
                 "%x = dl.constant dense<[0, 256]> : tensor<2xi64>\n%r = dl.cast %x : tensor<2xi64> -> tensor<2xi1>"),
             {0, 1});
  expectNear(
      run("tensor<2xi32>",
          "%x = dl.constant dense<[4294967297, -1]> : tensor<2xi64>\n%r = dl.cast %x : tensor<2xi64> -> tensor<2xi32>"),
      {1, -1});
}

TEST_F(EvaluatorTest, RoundsToTheTypeOnRequestOnly) {
  const char *body =
      "%x = dl.constant dense<[1.0, 1.0]> : tensor<2xf32>\n%y = dl.constant dense<[3.0, 7.0]> : tensor<2xf32>\n"
      "%r = dl.div %x, %y : tensor<2xf32>";
  EXPECT_EQ(run("tensor<2xf32>", body), (Doubles{1.0 / 3, 1.0 / 7}));
  EXPECT_EQ(run("tensor<2xf32>", body, {.roundToType = true}), (Doubles{1.0f / 3, 1.0f / 7}));
  EXPECT_EQ(run("tensor<bf16>",
                "%x = dl.constant dense<257.0> : tensor<f32>\n%r = dl.cast %x : tensor<f32> -> tensor<bf16>",
                {.roundToType = true}),
            (Doubles{256}));
}

TEST_F(EvaluatorTest, Contractions) {
  const char *operands = "%x = dl.constant dense<[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]> : tensor<2x3xf32>\n"
                         "%w = dl.constant dense<[[1.0, 0.0, 1.0], [0.0, 1.0, 0.0]]> : tensor<2x3xf32>\n";
  expectNear(run("tensor<2x2xf32>",
                 std::string(operands) +
                     "%r = dl.contract \"nk,mk->nm\" %x, %w : tensor<2x3xf32>, tensor<2x3xf32> -> tensor<2x2xf32>"),
             {4, 2, 10, 5});
  expectNear(run("tensor<3x2xf32>",
                 std::string(operands) +
                     "%r = dl.contract \"bi,bi->ib\" %x, %w : tensor<2x3xf32>, tensor<2x3xf32> -> tensor<3x2xf32>"),
             {1, 0, 0, 5, 3, 0});
  expectNear(
      run("tensor<f32>", std::string(operands) +
                             "%r = dl.contract \"ab,ab->\" %x, %w : tensor<2x3xf32>, tensor<2x3xf32> -> tensor<f32>"),
      {9});
}

TEST_F(EvaluatorTest, Reductions) {
  const char *x = "%x = dl.constant dense<[[3.0, 1.0, 2.0], [5.0, 5.0, 4.0]]> : tensor<2x3xf32>\n";
  auto reduce = [&](const std::string &kind, const std::string &axes, const std::string &type) {
    return run(type, x + ("%r = dl.reduce " + kind + " %x over [" + axes + "] : tensor<2x3xf32> -> " + type));
  };
  expectNear(reduce("sum", "1", "tensor<2xf32>"), {6, 14});
  expectNear(reduce("sum", "0, 1", "tensor<f32>"), {20});
  expectNear(reduce("prod", "0", "tensor<3xf32>"), {15, 5, 8});
  expectNear(reduce("max", "1", "tensor<2xf32>"), {3, 5});
  expectNear(reduce("min", "0", "tensor<3xf32>"), {3, 1, 2});
  expectNear(
      run("tensor<2xi64>", std::string(x) + "%r = dl.arg_reduce max %x along 1 : tensor<2x3xf32> -> tensor<2xi64>"),
      {0, 0});
  expectNear(
      run("tensor<3xi64>", std::string(x) + "%r = dl.arg_reduce min %x along 0 : tensor<2x3xf32> -> tensor<3xi64>"),
      {0, 0, 0});
  expectNear(run("tensor<2x3xf32>", std::string(x) + "%r = dl.cumulative sum %x along 1 : tensor<2x3xf32>"),
             {3, 4, 6, 5, 10, 14});
  expectNear(run("tensor<2x3xf32>", std::string(x) + "%r = dl.cumulative sum reverse %x along 0 : tensor<2x3xf32>"),
             {8, 6, 6, 5, 5, 4});
  auto along = [&](const std::string &op) {
    return run("tensor<2x3xf32>", std::string(x) + "%r = dl." + op + " along 1 : tensor<2x3xf32>");
  };
  expectNear(along("cumulative prod %x"), {3, 3, 6, 5, 25, 100});
  expectNear(along("cumulative max %x"), {3, 3, 3, 5, 5, 5});
  expectNear(along("cumulative min reverse %x"), {1, 1, 2, 4, 4, 4});
  expectNear(along("cumulative logsumexp %x"),
             {3, std::log(std::exp(3.0) + std::exp(1.0)), std::log(std::exp(3.0) + std::exp(1.0) + std::exp(2.0)), 5,
              std::log(2 * std::exp(5.0)), std::log(2 * std::exp(5.0) + std::exp(4.0))});
  expectNear(along("recurrence %x, %x"), {3, 4, 10, 5, 30, 124});
  expectNear(along("recurrence reverse %x, %x"), {12, 3, 2, 130, 25, 4});
  expectNear(run("tensor<2x3xi64>", std::string(x) + "%r = dl.argsort %x along 1 : tensor<2x3xf32> -> tensor<2x3xi64>"),
             {1, 2, 0, 2, 0, 1});
  expectNear(run("tensor<2x3xi64>",
                 std::string(x) + "%r = dl.argsort descending %x along 0 : tensor<2x3xf32> -> tensor<2x3xi64>"),
             {1, 1, 1, 0, 0, 0});
  const char *m = "%x = dl.constant dense<[[true, false], [true, true]]> : tensor<2x2xi1>\n";
  expectNear(run("tensor<2xi1>", std::string(m) + "%r = dl.reduce all %x over [1] : tensor<2x2xi1> -> tensor<2xi1>"),
             {0, 1});
  expectNear(run("tensor<2xi1>", std::string(m) + "%r = dl.reduce any %x over [0] : tensor<2x2xi1> -> tensor<2xi1>"),
             {1, 1});
}

TEST_F(EvaluatorTest, EmptyReductionsAndNan) {
  auto empty = [&](const std::string &kind, const std::string &element) {
    return run("tensor<" + element + ">",
               "%x = dl.constant dense<0> : tensor<0xi64>\n%y = dl.cast %x : tensor<0xi64> -> tensor<0x" + element +
                   ">\n%r = dl.reduce " + kind + " %y over [0] : tensor<0x" + element + "> -> tensor<" + element + ">");
  };
  expectNear(empty("sum", "f32"), {0});
  expectNear(empty("prod", "i32"), {1});
  expectNear(empty("max", "f32"), {-inf});
  expectNear(empty("min", "ui8"), {255});
  expectNear(empty("max", "i32"), {-2147483648.0});
  expectNear(empty("all", "i1"), {1});
  expectNear(empty("any", "i1"), {0});
  const char *x = "%x = dl.constant dense<[1.0, 0x7FC00000, 9.0]> : tensor<3xf32>\n";
  expectNear(run("tensor<f32>", std::string(x) + "%r = dl.reduce max %x over [0] : tensor<3xf32> -> tensor<f32>"),
             {nan});
  expectNear(run("tensor<i64>", std::string(x) + "%r = dl.arg_reduce min %x along 0 : tensor<3xf32> -> tensor<i64>"),
             {1});
}

TEST_F(EvaluatorTest, Movements) {
  const std::string x = "%x = dl.constant dense<[[1, 2, 3], [4, 5, 6]]> : tensor<2x3xi32>\n";
  expectNear(run("tensor<3x2xi32>", x + "%r = dl.reshape %x : tensor<2x3xi32> -> tensor<3x2xi32>"), {1, 2, 3, 4, 5, 6});
  expectNear(run("tensor<3x2xi32>", x + "%r = dl.transpose %x by [1, 0] : tensor<2x3xi32> -> tensor<3x2xi32>"),
             {1, 4, 2, 5, 3, 6});
  expectNear(run("tensor<2x2x3xi32>", x + "%r = dl.broadcast %x to [0, 2] : tensor<2x3xi32> -> tensor<2x2x3xi32>"),
             {1, 2, 3, 1, 2, 3, 4, 5, 6, 4, 5, 6});
  expectNear(
      run("tensor<1x2xi32>", x + "%r = dl.slice %x from [1, 0] step [1, 2] : tensor<2x3xi32> -> tensor<1x2xi32>"),
      {4, 6});
  expectNear(
      run("tensor<3x4xi32>", x + "%r = dl.pad %x low [0, 1] interior [1, 0] : tensor<2x3xi32> -> tensor<3x4xi32>"),
      {0, 1, 2, 3, 0, 0, 0, 0, 0, 4, 5, 6});
  expectNear(run("tensor<2x3xi32>", x + "%r = dl.reverse %x along [1] : tensor<2x3xi32>"), {3, 2, 1, 6, 5, 4});
  expectNear(
      run("tensor<2x4xi32>", x + "%y = dl.constant dense<9> : tensor<2x1xi32>\n"
                                 "%r = dl.concat %y, %x along 1 : tensor<2x1xi32>, tensor<2x3xi32> -> tensor<2x4xi32>"),
      {9, 1, 2, 3, 9, 4, 5, 6});
  expectNear(run("tensor<2x3xf32>", "%r = dl.iota 1 : tensor<2x3xf32>"), {0, 1, 2, 0, 1, 2});
}

TEST_F(EvaluatorTest, Windows) {
  const std::string x = "%x = dl.constant dense<[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]> : tensor<6xf32>\n";
  const std::string window = x + "%w = dl.window %x along [0] step [2] spread [1] : tensor<6xf32> -> tensor<2x3xf32>\n";
  expectNear(run("tensor<2x3xf32>", window + "%r = dl.neg %w : tensor<2x3xf32>"), {-1, -2, -3, -3, -4, -5});
  expectNear(
      run("tensor<2x2xf32>", x + "%r = dl.window %x along [0] step [1] spread [4] : tensor<6xf32> -> tensor<2x2xf32>"),
      {1, 5, 2, 6});
  const char *types = " along [0] step [2] spread [1] : tensor<2x3xf32> -> ";
  expectNear(run("tensor<6xf32>", window + "%r = dl.overlap_add %w" + types + "tensor<6xf32>"), {1, 2, 6, 4, 5, 0});
  expectNear(run("tensor<6x3xf32>", window + "%r = dl.taps %w" + types + "tensor<6x3xf32>"),
             {1, 0, 0, 0, 2, 0, 3, 0, 3, 0, 4, 0, 0, 0, 5, 0, 0, 0});
  // Two axes: positions in their places, taps behind.
  const std::string y = "%y = dl.constant dense<[[1, 2, 3], [4, 5, 6]]> : tensor<2x3xi32>\n";
  expectNear(
      run("tensor<1x2x2x2xi32>", y + "%r = dl.window %y along [0, 1] step [1, 1] spread [1, 1] : tensor<2x3xi32> -> "
                                     "tensor<1x2x2x2xi32>"),
      {1, 2, 4, 5, 2, 3, 5, 6});
}

TEST_F(EvaluatorTest, GatherAndScatter) {
  const std::string text = "%x = dl.constant dense<[[1, 2, 3], [4, 5, 6]]> : tensor<2x3xi32>\n"
                           "%i = dl.constant dense<[2, 0, 2]> : tensor<3xi64>\n"
                           "%g = dl.gather %x at %i along 1 : tensor<2x3xi32>, tensor<3xi64> -> tensor<2x3xi32>\n";
  expectNear(run("tensor<2x3xi32>", text + "%r = dl.neg %g : tensor<2x3xi32>"), {-3, -1, -3, -6, -4, -6});
  expectNear(
      run("tensor<2x3xi32>",
          text + "%r = dl.scatter_add %x at %i with %g along 1 : tensor<2x3xi32>, tensor<3xi64>, tensor<2x3xi32>"),
      {2, 2, 9, 8, 5, 18});
}

TEST_F(EvaluatorTest, PartsAtComputedPlaces) {
  const std::string text = "%x = dl.constant dense<[[1, 2, 3], [4, 5, 6], [7, 8, 9]]> : tensor<3x3xi32>\n"
                           "%i = dl.constant dense<1> : tensor<i64>\n%j = dl.constant dense<0> : tensor<i64>\n"
                           "%s = dl.dynamic_slice %x at (%i, %j) along [0, 1] : tensor<3x3xi32>, tensor<i64>, "
                           "tensor<i64> -> tensor<2x2xi32>\n";
  const std::string types = " : tensor<3x3xi32>, tensor<2x2xi32>, tensor<i64>, tensor<i64>";
  expectNear(run("tensor<2x2xi32>", text + "%r = dl.neg %s : tensor<2x2xi32>"), {-4, -5, -7, -8});
  expectNear(run("tensor<3x3xi32>", text + "%r = dl.dynamic_update %x with %s at (%j, %i) along [0, 1]" + types),
             {1, 4, 5, 4, 7, 8, 7, 8, 9});
  expectNear(run("tensor<3x3xi32>", text + "%r = dl.dynamic_update add %x with %s at (%j, %i) along [0, 1]" + types),
             {1, 6, 8, 4, 12, 14, 7, 8, 9});
}

TEST_F(EvaluatorTest, RandomNumbersAreThoseOfTheRuntime) {
  std::string text = "%s = dl.constant dense<7> : tensor<i64>\n%t = dl.constant dense<3> : tensor<i64>\n%i = "
                     "dl.constant dense<2> : tensor<i64>\n";
  PhiloxStream stream = philoxStream(7, 3, 11, {2});
  Doubles uniform, normal;
  for (uint64_t i = 0; i < 70; ++i) {
    uniform.push_back(philoxUniform(stream, i));
    normal.push_back(philoxNormal(stream, i));
  }
  std::string key = " seed %s step %t path 11 indices (%i : tensor<i64>) : tensor<i64>, tensor<i64> -> tensor<70xf32>";
  EXPECT_EQ(run("tensor<70xf32>", text + "%r = dl.random uniform" + key), uniform);
  EXPECT_EQ(run("tensor<70xf32>", text + "%r = dl.random normal" + key), normal);
}

TEST_F(EvaluatorTest, ScanCarriesSlicesAndStacks) {
  std::string text =
      "%z = dl.constant dense<0.0> : tensor<f32>\n%xs = dl.constant dense<[1.0, 2.0, 4.0, 8.0]> : tensor<4xf32>\n"
      "%w = dl.constant dense<10.0> : tensor<f32>\n";
  auto scan = [&](const std::string &flags, const std::string &stop) {
    return text + "%c, %r = dl.scan 4 " + flags +
           " carry(%z) slices(%xs) invariants(%w) {\n"
           "^bb0(%i: tensor<i64>, %a: tensor<f32>, %x: tensor<f32>, %u: tensor<f32>):\n"
           "%n = dl.add %a, %x : tensor<f32>\n%y = dl.mul %n, %u : tensor<f32>\n" +
           stop + "} : (tensor<f32>, tensor<4xf32>, tensor<f32>) -> (tensor<f32>, tensor<4xf32>)\n";
  };
  std::string yield = "dl.yield %n, %y : tensor<f32>, tensor<f32>\n";
  std::string breaking = "%b = dl.compare gt %y, %u : tensor<f32> -> tensor<i1>\ndl.yield %b, %n, %y : tensor<i1>, "
                         "tensor<f32>, tensor<f32>\n";
  expectNear(run("tensor<4xf32>", scan("", yield)), {10, 30, 70, 150});
  expectNear(run("tensor<4xf32>", scan("reverse", yield)), {150, 140, 120, 80});
  expectNear(run("tensor<4xf32>", scan("breaks", breaking)), {10, 30, 0, 0});
}

TEST_F(EvaluatorTest, BranchesLoopsCallsAndKernels) {
  func::FuncOp function = parse(R"(
    func.func private @twice(%x: tensor<f32>) -> tensor<f32> {
      %0 = dl.add %x, %x : tensor<f32>
      return %0 : tensor<f32>
    }
    func.func @f(%c: tensor<i1>, %x: tensor<f32>) -> (tensor<f32>, tensor<f32>, tensor<f32>, tensor<f32>) {
      %0 = dl.if %c, (%x) {
      ^bb0(%u: tensor<f32>):
        dl.yield %u : tensor<f32>
      } else {
      ^bb0(%u: tensor<f32>):
        %n = dl.neg %u : tensor<f32>
        dl.yield %n : tensor<f32>
      } : (tensor<i1>, tensor<f32>) -> tensor<f32>
      %limit = dl.constant dense<100.0> : tensor<f32>
      %1 = dl.while carry(%x) invariants(%limit) {
      ^bb0(%u: tensor<f32>, %l: tensor<f32>):
        %more = dl.compare lt %u, %l : tensor<f32> -> tensor<i1>
        dl.yield %more : tensor<i1>
      } do {
      ^bb0(%u: tensor<f32>, %l: tensor<f32>):
        %n = dl.add %u, %u : tensor<f32>
        dl.yield %n : tensor<f32>
      } : (tensor<f32>, tensor<f32>) -> tensor<f32>
      %2 = dl.call @twice(%x) : (tensor<f32>) -> tensor<f32>
      %3 = dl.kernel "k" map ins(%x : tensor<f32>) outs() {
      ^bb0(%u: tensor<f32>):
        %e = dl.mul %u, %u : tensor<f32>
        dl.yield %e : tensor<f32>
      } -> tensor<f32>
      return %0, %1, %2, %3 : tensor<f32>, tensor<f32>, tensor<f32>, tensor<f32>
    })");
  ASSERT_TRUE(function);
  HostTensor condition = HostTensor::zeros(RankedTensorType::get({}, IntegerType::get(&context, 1)));
  HostTensor x = HostTensor::zeros(RankedTensorType::get({}, Float32Type::get(&context)));
  x.floats[0] = 3;
  FailureOr<SmallVector<HostTensor>> results = dl::evaluate(function, {condition, x});
  ASSERT_TRUE(succeeded(results));
  Doubles firsts;
  for (const HostTensor &result : *results)
    firsts.push_back(result.floats[0]);
  EXPECT_EQ(firsts, (Doubles{-3, 192, 6, 9}));
}

TEST_F(EvaluatorTest, ErrorsNameWhatIsWrong) {
  EXPECT_EQ(errorOf("func.func @f() -> tensor<2xui8> {\n%x = dl.constant dense<[3, 12]> : tensor<2xui8>\n"
                    "%0 = dl.check_index %x below 10 what \"label\" : tensor<2xui8>\nreturn %0 : tensor<2xui8>\n}"),
            "`dl.check_index`: `label` 12 (element 1) is out of range, expected 0 to 9");
  EXPECT_EQ(errorOf("func.func @f() -> tensor<2xi64> {\n%x = dl.constant dense<[-5, -7]> : tensor<2xi64>\n"
                    "%0 = dl.check_index %x from -5 below 5 what \"i\" : tensor<2xi64>\nreturn %0 : tensor<2xi64>\n}"),
            "`dl.check_index`: `i` -7 (element 1) is out of range, expected -5 to 4");
  EXPECT_EQ(
      errorOf(
          "func.func @f() -> tensor<f32> {\n%x = dl.constant dense<1.0> : tensor<3xf32>\n%i = dl.constant dense<-1> : "
          "tensor<i64>\n"
          "%0 = dl.gather %x at %i along 0 : tensor<3xf32>, tensor<i64> -> tensor<f32>\nreturn %0 : tensor<f32>\n}"),
      "`dl.gather`: index -1 (element 0) is out of range, expected 0 to 2");
  EXPECT_EQ(errorOf("func.func private @f() -> tensor<f32>"), "`f` has no body to evaluate");
  EXPECT_EQ(errorOf("func.func @f(%x: tensor<f32>) { return }"), "`f` got 0 arguments, expected 1");
  HostTensor two = HostTensor::zeros(RankedTensorType::get({2}, Float32Type::get(&context)));
  EXPECT_EQ(errorOf("func.func @f(%x: tensor<f32>) { return }", two),
            "`f` got 'tensor<2xf32>' as argument 0, expected 'tensor<f32>'");
  EXPECT_EQ(
      errorOf("func.func @f(%x: tensor<2xf32>) -> tensor<2xf32> {\n%0:2 = dl.grad (%x), (%x) aux 0 {\n^bb0(%u: "
              "tensor<2xf32>):\n"
              "dl.yield %u : tensor<2xf32>\n} : (tensor<2xf32>, tensor<2xf32>) -> (tensor<2xf32>, tensor<2xf32>)\n"
              "return %0#1 : tensor<2xf32>\n}",
              two),
      "`dl.grad` cannot be evaluated, expected it expanded");
}

TEST_F(EvaluatorTest, ConstantsToAndFro) {
  Builder builder(&context);
  auto constantOf = [&](Type element, ArrayRef<Attribute> values) {
    return DenseElementsAttr::get(RankedTensorType::get({int64_t(values.size())}, element), values);
  };
  Type bf16 = builder.getBF16Type(), byte = builder.getIntegerType(8, /*isSigned=*/false);
  DenseElementsAttr floats = constantOf(bf16, {FloatAttr::get(bf16, 1.5), FloatAttr::get(bf16, -3)});
  EXPECT_EQ(dl::toHost(floats).floats, (Doubles{1.5, -3}));
  EXPECT_EQ(dl::toConstant(dl::toHost(floats)), floats);
  DenseElementsAttr bytes =
      constantOf(byte, {IntegerAttr::get(byte, APInt(8, 255)), IntegerAttr::get(byte, APInt(8, 1))});
  EXPECT_EQ(dl::toHost(bytes).ints, (std::vector<int64_t>{255, 1}));
  EXPECT_EQ(dl::toConstant(dl::toHost(bytes)), bytes);
  HostTensor third = HostTensor::zeros(RankedTensorType::get({}, builder.getF32Type()));
  third.floats[0] = 1.0 / 3;
  EXPECT_EQ(dl::toHost(dl::toConstant(third)).floats[0], double(1.0f / 3));
}

TEST_F(EvaluatorTest, OneOperationFailsSilently) {
  func::FuncOp function =
      parse("func.func @f(%x: tensor<3xf32>, %i: tensor<i64>) -> tensor<f32> {\n"
            "%0 = dl.gather %x at %i along 0 : tensor<3xf32>, tensor<i64> -> tensor<f32>\nreturn %0 : tensor<f32>\n}");
  ASSERT_TRUE(function);
  std::string reported, error;
  ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) { reported = diagnostic.str(); });
  HostTensor x = HostTensor::zeros(RankedTensorType::get({3}, Float32Type::get(&context)));
  HostTensor i = HostTensor::zeros(RankedTensorType::get({}, IntegerType::get(&context, 64)));
  i.ints[0] = 3;
  EXPECT_TRUE(failed(dl::evaluateOp(&function.front().front(), {x, i}, {}, &error)));
  EXPECT_EQ(error, "index 3 (element 0) is out of range, expected 0 to 2");
  EXPECT_EQ(reported, "");
}

} // namespace
