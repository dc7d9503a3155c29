// The whole pipeline against the reference evaluator: with every optimisation, and with each switched off in turn, the
// stages gradient, fused and planned compute what the plain gradient computes.
#include "passes/Pipeline.h"
#include "PlannedMachine.h"
#include "passes/Layouts.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Parser/Parser.h"
#include <cmath>
#include <gtest/gtest.h>

using namespace mlir;

namespace dlc {
namespace {

using dl::HostTensor;

/// A perceptron with a layer norm, dropout, cross-entropy and momentum; `rest` has no gradient.
const char *const trainStep = R"(
func.func @step(%w1: tensor<7x12xf32> {dl.role = "param", dl.name = "fc1.weight"},
                %b1: tensor<7xf32> {dl.role = "param", dl.name = "fc1.bias"},
                %w2: tensor<3x7xf32> {dl.role = "param", dl.name = "fc2.weight"},
                %rest: tensor<4xf32> {dl.role = "param", dl.name = "rest"},
                %m1: tensor<7x12xf32> {dl.role = "state", dl.name = "m.fc1.weight"},
                %image: tensor<5x3x4xui8> {dl.role = "input", dl.name = "image"},
                %label: tensor<5xui8> {dl.role = "input", dl.name = "label"},
                %step: tensor<i64> {dl.role = "input", dl.name = "step"},
                %seed: tensor<i64> {dl.role = "input", dl.name = "seed"})
    -> (tensor<7x12xf32> {dl.updates = 0 : i64}, tensor<7xf32> {dl.updates = 1 : i64},
        tensor<3x7xf32> {dl.updates = 2 : i64}, tensor<4xf32> {dl.updates = 3 : i64},
        tensor<7x12xf32> {dl.updates = 4 : i64}, tensor<f32> {dl.name = "loss"}, tensor<f32> {dl.name = "again"}) {
  %one = dl.constant dense<1.0> : tensor<f32>
  %checked = dl.check_index %label below 3 what "label" : tensor<5xui8>
  %loss, %g1, %gb, %g2, %gr = dl.grad (%w1, %b1, %w2, %rest), (%one) aux 0 {
  ^bb0(%v1: tensor<7x12xf32>, %vb: tensor<7xf32>, %v2: tensor<3x7xf32>, %vr: tensor<4xf32>):
    %i = dl.cast %image : tensor<5x3x4xui8> -> tensor<5x3x4xf32>
    %c255 = dl.constant dense<255.0> : tensor<5x3x4xf32>
    %xs = dl.div %i, %c255 : tensor<5x3x4xf32>
    %x = dl.reshape %xs : tensor<5x3x4xf32> -> tensor<5x12xf32>
    %t1 = dl.transpose %v1 by [1, 0] : tensor<7x12xf32> -> tensor<12x7xf32>
    %y = dl.contract "nk,km->nm" %x, %t1 : tensor<5x12xf32>, tensor<12x7xf32> -> tensor<5x7xf32>
    %bb = dl.broadcast %vb to [1] : tensor<7xf32> -> tensor<5x7xf32>
    %a = dl.add %y, %bb : tensor<5x7xf32>
    %sum = dl.reduce sum %a over [1] : tensor<5x7xf32> -> tensor<5xf32>
    %kept = dl.reshape %sum : tensor<5xf32> -> tensor<5x1xf32>
    %seven = dl.constant dense<7.0> : tensor<5x1xf32>
    %mean = dl.div %kept, %seven : tensor<5x1xf32>
    %meanRow = dl.reshape %mean : tensor<5x1xf32> -> tensor<5xf32>
    %meanAll = dl.broadcast %meanRow to [0] : tensor<5xf32> -> tensor<5x7xf32>
    %centred = dl.sub %a, %meanAll : tensor<5x7xf32>
    %h = dl.relu %centred : tensor<5x7xf32>
    %u = dl.random uniform seed %seed step %step path 17 indices () : tensor<i64>, tensor<i64> -> tensor<5x7xf32>
    %p = dl.constant dense<0.3> : tensor<5x7xf32>
    %stays = dl.compare ge %u, %p : tensor<5x7xf32> -> tensor<5x7xi1>
    %none = dl.constant dense<0.0> : tensor<5x7xf32>
    %d = dl.select %stays, %h, %none : tensor<5x7xf32>
    %s = dl.contract "nk,mk->nm" %d, %v2 : tensor<5x7xf32>, tensor<3x7xf32> -> tensor<5x3xf32>
    %max = dl.reduce max %s over [1] : tensor<5x3xf32> -> tensor<5xf32>
    %stop = dl.stop_gradient %max : tensor<5xf32>
    %maxAll = dl.broadcast %stop to [0] : tensor<5xf32> -> tensor<5x3xf32>
    %shifted = dl.sub %s, %maxAll : tensor<5x3xf32>
    %e = dl.exp %shifted : tensor<5x3xf32>
    %z = dl.reduce sum %e over [1] : tensor<5x3xf32> -> tensor<5xf32>
    %log = dl.log %z : tensor<5xf32>
    %places = dl.iota 1 : tensor<5x3xi64>
    %wide = dl.cast %checked : tensor<5xui8> -> tensor<5xi64>
    %labels = dl.broadcast %wide to [0] : tensor<5xi64> -> tensor<5x3xi64>
    %hit = dl.compare eq %places, %labels : tensor<5x3xi64> -> tensor<5x3xi1>
    %hot = dl.cast %hit : tensor<5x3xi1> -> tensor<5x3xf32>
    %picked = dl.mul %hot, %shifted : tensor<5x3xf32>
    %t = dl.reduce sum %picked over [1] : tensor<5x3xf32> -> tensor<5xf32>
    %rows = dl.sub %log, %t : tensor<5xf32>
    %total = dl.reduce sum %rows over [0] : tensor<5xf32> -> tensor<f32>
    %five = dl.constant dense<5.0> : tensor<f32>
    %value = dl.div %total, %five : tensor<f32>
    dl.yield %value : tensor<f32>
  } : (tensor<7x12xf32>, tensor<7xf32>, tensor<3x7xf32>, tensor<4xf32>, tensor<f32>)
      -> (tensor<f32>, tensor<7x12xf32>, tensor<7xf32>, tensor<3x7xf32>, tensor<4xf32>)
  %beta = dl.constant dense<0.9> : tensor<f64>
  %count = dl.cast %step : tensor<i64> -> tensor<f64>
  %power = dl.pow %beta, %count : tensor<f64>
  %rate = dl.cast %power : tensor<f64> -> tensor<f32>
  %r1 = dl.broadcast %rate to [] : tensor<f32> -> tensor<7x12xf32>
  %kept1 = dl.mul %m1, %r1 : tensor<7x12xf32>
  %mNew = dl.add %kept1, %g1 : tensor<7x12xf32>
  %w1New = dl.sub %w1, %mNew : tensor<7x12xf32>
  %rb = dl.broadcast %rate to [] : tensor<f32> -> tensor<7xf32>
  %sb = dl.mul %gb, %rb : tensor<7xf32>
  %b1New = dl.sub %b1, %sb : tensor<7xf32>
  %r2 = dl.broadcast %rate to [] : tensor<f32> -> tensor<3x7xf32>
  %s2 = dl.mul %g2, %r2 : tensor<3x7xf32>
  %w2New = dl.sub %w2, %s2 : tensor<3x7xf32>
  %rr = dl.broadcast %rate to [] : tensor<f32> -> tensor<4xf32>
  %decay = dl.mul %rest, %rr : tensor<4xf32>
  %gone = dl.sub %decay, %gr : tensor<4xf32>
  return %w1New, %b1New, %w2New, %gone, %mNew, %loss, %loss
    : tensor<7x12xf32>, tensor<7xf32>, tensor<3x7xf32>, tensor<4xf32>, tensor<7x12xf32>, tensor<f32>, tensor<f32>
}
)";

/// Attention, a gather by one-hot, constants, and results that are arguments, twice the same, empty, or change places.
const char *const oddEnds = R"(
func.func @odd(%a: tensor<4x4xf32> {dl.role = "param", dl.name = "a"},
               %b: tensor<4x4xf32> {dl.role = "param", dl.name = "b"},
               %table: tensor<9x4xf32> {dl.role = "param", dl.name = "table"},
               %s: tensor<f32> {dl.role = "state", dl.name = "s"},
               %i: tensor<6xi64> {dl.role = "input", dl.name = "index"},
               %q: tensor<2x6x4xf32> {dl.role = "input", dl.name = "q"},
               %e: tensor<0x4xf32> {dl.role = "input", dl.name = "empty"})
    -> (tensor<4x4xf32> {dl.updates = 0 : i64}, tensor<4x4xf32> {dl.updates = 1 : i64},
        tensor<f32> {dl.updates = 3 : i64},
        tensor<4x4xf32> {dl.name = "old"}, tensor<2x6x4xf32> {dl.name = "y"}, tensor<0x4xf32> {dl.name = "nothing"},
        tensor<3xf32> {dl.name = "constant"}, tensor<4xf32> {dl.name = "none"}, tensor<4x4xf32> {dl.name = "turned"}) {
  %checked = dl.check_index %i below 9 what "index" : tensor<6xi64>
  %rows = dl.broadcast %checked to [0] : tensor<6xi64> -> tensor<6x9xi64>
  %iota = dl.iota 1 : tensor<6x9xi64>
  %hit = dl.compare eq %rows, %iota : tensor<6x9xi64> -> tensor<6x9xi1>
  %hot = dl.cast %hit : tensor<6x9xi1> -> tensor<6x9xf32>
  %k = dl.contract "iv,vd->id" %hot, %table : tensor<6x9xf32>, tensor<9x4xf32> -> tensor<6x4xf32>
  %kb = dl.broadcast %k to [1, 2] : tensor<6x4xf32> -> tensor<2x6x4xf32>
  %scores = dl.contract "bqd,bkd->bqk" %q, %kb : tensor<2x6x4xf32>, tensor<2x6x4xf32> -> tensor<2x6x6xf32>
  %half = dl.constant dense<0.5> : tensor<2x6x6xf32>
  %scaled = dl.mul %scores, %half : tensor<2x6x6xf32>
  %max = dl.reduce max %scaled over [2] : tensor<2x6x6xf32> -> tensor<2x6xf32>
  %maxAll = dl.broadcast %max to [0, 1] : tensor<2x6xf32> -> tensor<2x6x6xf32>
  %d = dl.sub %scaled, %maxAll : tensor<2x6x6xf32>
  %x = dl.exp %d : tensor<2x6x6xf32>
  %z = dl.reduce sum %x over [2] : tensor<2x6x6xf32> -> tensor<2x6xf32>
  %zAll = dl.broadcast %z to [0, 1] : tensor<2x6xf32> -> tensor<2x6x6xf32>
  %p = dl.div %x, %zAll : tensor<2x6x6xf32>
  %y = dl.contract "bqk,bkd->bqd" %p, %q : tensor<2x6x6xf32>, tensor<2x6x4xf32> -> tensor<2x6x4xf32>
  %nothing = dl.exp %e : tensor<0x4xf32>
  %none = dl.reduce sum %nothing over [0] : tensor<0x4xf32> -> tensor<4xf32>
  %c = dl.constant dense<[1.0, 2.0, 3.0]> : tensor<3xf32>
  %norm = dl.reduce sum %a over [0, 1] : tensor<4x4xf32> -> tensor<f32>
  %root = dl.abs %norm : tensor<f32>
  %sNew = dl.add %s, %root : tensor<f32>
  %t = dl.transpose %a by [1, 0] : tensor<4x4xf32> -> tensor<4x4xf32>
  %turned = dl.sub %t, %b : tensor<4x4xf32>
  return %b, %a, %sNew, %a, %y, %nothing, %c, %none, %turned
    : tensor<4x4xf32>, tensor<4x4xf32>, tensor<f32>, tensor<4x4xf32>, tensor<2x6x4xf32>, tensor<0x4xf32>, tensor<3xf32>,
      tensor<4xf32>, tensor<4x4xf32>
}
)";

/// The program is chosen by its number.
class PipelineTest : public testing::TestWithParam<int> {
protected:
  PipelineTest() { context.loadDialect<dl::DlDialect, func::FuncDialect, memref::MemRefDialect>(); }

  static const char *program() { return GetParam() == 0 ? trainStep : oddEnds; }

  /// The program at a stage.
  OwningOpRef<ModuleOp> lower(PipelineStop stage, std::set<std::string> disabled = {}) {
    auto module = parseSourceString<ModuleOp>(program(), &context);
    EXPECT_TRUE(module && succeeded(runPipeline(*module, {std::move(disabled), stage, {}})));
    EXPECT_TRUE(succeeded(verify(*module)));
    return module;
  }

  /// Small numbers for each argument, the same for every module.
  static std::vector<HostTensor> arguments(func::FuncOp function) {
    std::vector<HostTensor> result;
    unsigned state = 1;
    for (Type type : function.getArgumentTypes()) {
      HostTensor tensor = HostTensor::zeros(cast<RankedTensorType>(type));
      auto next = [&] { return (state = state * 1664525u + 1013904223u) >> 16; };
      for (double &number : tensor.floats)
        number = (next() % 2048) / 1024.0 - 1;
      for (int64_t &number : tensor.ints)
        number = next() % 3;
      result.push_back(std::move(tensor));
    }
    return result;
  }

  static func::FuncOp entry(ModuleOp module) { return *module.getOps<func::FuncOp>().begin(); }

  /// Factors that are folded are rounded to f32.
  static void expectClose(const HostTensor &got, const HostTensor &expected, StringRef what) {
    ASSERT_EQ(got.shape, expected.shape) << what.str();
    ASSERT_EQ(got.ints, expected.ints) << what.str();
    for (size_t i = 0; i < got.floats.size(); ++i) {
      double tolerance = 1e-7 + 1e-6 * std::abs(expected.floats[i]);
      ASSERT_NEAR(got.floats[i], expected.floats[i], tolerance) << what.str() << " " << i;
    }
  }

  /// What the gradient computes when nothing is optimised.
  SmallVector<HostTensor> reference() {
    auto names = optimizationNames();
    std::set<std::string> everything;
    for (StringRef name : names)
      everything.insert(name.str());
    auto module = lower(PipelineStop::gradient, everything);
    auto results = dl::evaluate(entry(*module), arguments(entry(*module)));
    EXPECT_TRUE(succeeded(results));
    return *results;
  }

  /// Evaluates the stages with `disabled` and compares.
  void expectSame(const std::set<std::string> &disabled) {
    SmallVector<HostTensor> expected = reference();
    for (PipelineStop stage : {PipelineStop::gradient, PipelineStop::fused}) {
      auto module = lower(stage, disabled);
      auto results = dl::evaluate(entry(*module), arguments(entry(*module)));
      ASSERT_TRUE(succeeded(results));
      ASSERT_EQ(results->size(), expected.size());
      for (auto [index, result] : llvm::enumerate(*results))
        expectClose(result, expected[index], "result " + std::to_string(index));
    }
    // The planned stage knows values by name.
    auto graph = parseSourceString<ModuleOp>(program(), &context);
    func::FuncOp function = entry(*graph);
    llvm::StringMap<HostTensor> values, replaced;
    for (auto [index, tensor] : llvm::enumerate(arguments(function)))
      values[function.getArgAttrOfType<StringAttr>(index, "dl.name").getValue()] = tensor;
    auto planned = lower(PipelineStop::planned, disabled);
    ASSERT_TRUE(succeeded(runPlanned(*planned, values)));
    for (auto [index, tensor] : llvm::enumerate(expected)) {
      auto updates = function.getResultAttrOfType<IntegerAttr>(index, "dl.updates");
      auto name = updates ? function.getArgAttrOfType<StringAttr>(updates.getInt(), "dl.name")
                          : function.getResultAttrOfType<StringAttr>(index, "dl.name");
      expectClose(values[name.getValue()], tensor, name.getValue());
    }
  }

  MLIRContext context;
};

TEST_P(PipelineTest, EveryOptimisationOn) { expectSame({}); }

TEST_P(PipelineTest, EachOptimisationOff) {
  for (StringRef name : optimizationNames()) {
    SCOPED_TRACE(name.str());
    expectSame({name.str()});
  }
}

TEST_P(PipelineTest, EveryOptimisationOff) {
  std::set<std::string> everything;
  for (StringRef name : optimizationNames())
    everything.insert(name.str());
  expectSame(everything);
}

TEST_P(PipelineTest, OptimisationsAreVisible) {
  auto kernels = [&](std::set<std::string> disabled) {
    auto module = lower(PipelineStop::planned, std::move(disabled));
    unsigned count = 0;
    module->walk([&](dl::KernelOp) { ++count; });
    return count;
  };
  EXPECT_LT(kernels({}), kernels({"fuse"}));
  EXPECT_LE(kernels({}), kernels({"in-place"}));
}

TEST_P(PipelineTest, TheTableNamesEveryKernel) {
  auto module = lower(PipelineStop::planned);
  std::string table = planTable(*module);
  module->walk([&](dl::KernelOp kernel) { EXPECT_NE(table.find(kernel.getName().str()), std::string::npos); });
  EXPECT_NE(table.find("arena"), std::string::npos);
  EXPECT_TRUE(planTable(*lower(PipelineStop::fused)).empty());
}

TEST_P(PipelineTest, TheSameTextTwice) {
  auto text = [&] {
    std::string result;
    llvm::raw_string_ostream stream(result);
    stream << *lower(PipelineStop::planned);
    return result;
  };
  EXPECT_EQ(text(), text());
}

/// Layouts chosen for one function are kept by another that asks for them.
TEST_P(PipelineTest, LayoutsCanBeShared) {
  auto first = lower(PipelineStop::planned);
  llvm::StringMap<RankedTensorType> types = slotTypes(*first);
  ASSERT_FALSE(types.empty());
  for (auto &entry : types)
    if (entry.second.getRank() == 2)
      entry.second = RankedTensorType::get(entry.second.getShape(), entry.second.getElementType(),
                                           dl::LayoutAttr::get(&context, {1, 0}, entry.second.getDimSize(0) + 3));
  auto second = parseSourceString<ModuleOp>(program(), &context);
  requestLayouts(*second, types);
  ASSERT_TRUE(succeeded(runPipeline(*second, {})));
  for (const auto &entry : slotTypes(*second))
    EXPECT_EQ(entry.second, types[entry.first()]);
}

INSTANTIATE_TEST_SUITE_P(Programs, PipelineTest, testing::Values(0, 1),
                         [](const auto &info) { return info.param == 0 ? "TrainStep" : "OddEnds"; });

} // namespace
} // namespace dlc
