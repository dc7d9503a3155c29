// The adjoint rule of every operation against central finite differences of the reference evaluator, in f64, and again
// for the gradient of the gradient. An operation with a rule but without a case here fails the test.
#include "test/unit/AdjointCases.h"

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

using dlc::test::AdjointCase;
using dlc::test::Doubles;

namespace {

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
  for (const AdjointCase &test : dlc::test::adjointCases()) {
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
  for (const AdjointCase &test : dlc::test::adjointCases()) {
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
