// Loops, branches and windows: what the planned stage and compiled code compute is what the plain graph means, with every
// optimisation, each switched off in turn, and all off; compiled code on one to three threads, to the bit.
#include "PlannedMachine.h"
#include "codegen/native/Jit.h"
#include "codegen/native/Lowering.h"
#include "ir/Dialect.h"
#include "passes/Pipeline.h"
#include "runtime/ThreadPool.h"
#include "test/unit/ControlPrograms.h"
#include "test/unit/WindowPrograms.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Parser/Parser.h"
#include <cmath>
#include <cstring>
#include <gtest/gtest.h>

using namespace mlir;

namespace dlc {
namespace {

using dl::HostTensor;

class ControlTest : public testing::TestWithParam<test::ControlProgram> {
protected:
  ControlTest() {
    DialectRegistry registry;
    registerCodegenDialects(registry);
    registry.insert<dl::DlDialect, func::FuncDialect, memref::MemRefDialect>();
    context.appendDialectRegistry(registry);
    context.loadAllAvailableDialects();
  }

  OwningOpRef<ModuleOp> lower(PipelineStop stage, std::set<std::string> disabled = {}) {
    auto module = parseSourceString<ModuleOp>(GetParam().text, &context);
    bool fine = module && succeeded(runPipeline(*module, {std::move(disabled), stage, {}})) && succeeded(verify(*module));
    EXPECT_TRUE(fine);
    return fine ? std::move(module) : OwningOpRef<ModuleOp>();
  }

  static std::set<std::string> everything() {
    std::set<std::string> names;
    for (StringRef name : optimizationNames())
      names.insert(name.str());
    return names;
  }

  static func::FuncOp entry(ModuleOp module) { return *module.getOps<func::FuncOp>().begin(); }

  static std::vector<HostTensor> arguments(func::FuncOp function) {
    std::vector<HostTensor> result;
    unsigned state = 1;
    for (Type type : function.getArgumentTypes()) {
      HostTensor tensor = HostTensor::zeros(cast<RankedTensorType>(type));
      auto next = [&] { return (state = state * 1664525u + 1013904223u) >> 16; };
      for (double &number : tensor.floats)
        number = (next() % 2048) / 1024.0 - 1;
      bool isFlag = tensor.element.isInteger(1);
      for (int64_t &number : tensor.ints)
        number = next() % (isFlag ? 2 : 3);
      result.push_back(std::move(tensor));
    }
    return result;
  }

  /// The name of a result: its own, or that of the argument that it updates.
  static StringRef nameOf(func::FuncOp function, unsigned result) {
    auto updates = function.getResultAttrOfType<IntegerAttr>(result, "dl.updates");
    auto name = updates ? function.getArgAttrOfType<StringAttr>(updates.getInt(), "dl.name")
                        : function.getResultAttrOfType<StringAttr>(result, "dl.name");
    return name.getValue();
  }

  static void expectClose(const HostTensor &got, const HostTensor &expected, double tolerance) {
    ASSERT_EQ(got.ints, expected.ints);
    ASSERT_EQ(got.floats.size(), expected.floats.size());
    for (size_t i = 0; i < got.floats.size(); ++i)
      ASSERT_NEAR(got.floats[i], expected.floats[i], tolerance * (1 + std::abs(expected.floats[i]))) << "element " << i;
  }

  void SetUp() override {
    graph = parseSourceString<ModuleOp>(GetParam().text, &context);
    ASSERT_TRUE(bool(graph));
    auto plain = lower(PipelineStop::gradient, everything());
    ASSERT_TRUE(bool(plain));
    auto results = dl::evaluate(entry(*plain), arguments(entry(*plain)));
    ASSERT_TRUE(succeeded(results));
    expected = *results;
  }

  void expectPlanned(const std::set<std::string> &disabled) {
    llvm::StringMap<HostTensor> values;
    func::FuncOp function = entry(*graph);
    for (auto [index, tensor] : llvm::enumerate(arguments(function)))
      values[function.getArgAttrOfType<StringAttr>(index, "dl.name").getValue()] = tensor;
    auto planned = lower(PipelineStop::planned, disabled);
    ASSERT_TRUE(planned && succeeded(runPlanned(*planned, values)));
    for (auto [index, tensor] : llvm::enumerate(expected)) {
      SCOPED_TRACE(nameOf(function, index).str());
      expectClose(values[nameOf(function, index)], tensor, 1e-6);
    }
  }

  MLIRContext context;
  OwningOpRef<ModuleOp> graph;
  SmallVector<HostTensor> expected;
};

TEST_P(ControlTest, EveryOptimisationOn) { expectPlanned({}); }

TEST_P(ControlTest, EachOptimisationOff) {
  for (StringRef name : optimizationNames()) {
    SCOPED_TRACE(name.str());
    expectPlanned({name.str()});
  }
}

TEST_P(ControlTest, EveryOptimisationOff) { expectPlanned(everything()); }

/// A dense buffer of a tensor.
std::vector<char> bytesOf(const HostTensor &tensor) {
  std::vector<char> bytes;
  auto append = [&](auto value) { bytes.insert(bytes.end(), (char *)&value, (char *)&value + sizeof value); };
  for (double number : tensor.floats)
    tensor.element.isF64() ? append(number) : append(float(number));
  for (int64_t number : tensor.ints)
    tensor.element.isInteger(64) ? append(number) : append(uint8_t(number));
  bytes.resize(bytes.size() + 64);
  return bytes;
}

HostTensor fromBytes(RankedTensorType type, const char *bytes) {
  HostTensor tensor = HostTensor::zeros(type);
  auto read = [&](auto value) {
    std::memcpy(&value, bytes, sizeof value);
    bytes += sizeof value;
    return value;
  };
  for (double &number : tensor.floats)
    number = type.getElementType().isF64() ? read(double()) : read(float());
  for (int64_t &number : tensor.ints)
    number = type.getElementType().isInteger(64) ? read(int64_t()) : read(uint8_t());
  return tensor;
}

TEST_P(ControlTest, CompiledCodeAgreesOnAnyNumberOfThreads) {
  auto planned = lower(PipelineStop::planned);
  ASSERT_TRUE(bool(planned));
  func::FuncOp function = entry(*graph), step = *planned->getOps<func::FuncOp>().begin();
  auto jit = llvm::cantFail(Jit::create(Target::host()));
  auto code = jit->add(*planned, step.getName());
  ASSERT_TRUE(bool(code)) << llvm::toString(code.takeError());
  std::vector<std::vector<char>> first;
  for (int threads : {1, 2, 3}) {
    ThreadPool pool(threads);
    std::vector<std::vector<char>> inputs, outputs;
    std::vector<void *> in, out;
    for (auto [index, tensor] : llvm::enumerate(arguments(function)))
      inputs.push_back(bytesOf(tensor));
    for (HostTensor &tensor : expected)
      outputs.emplace_back(bytesOf(tensor).size(), char(0x7f));
    for (auto &buffer : inputs)
      in.push_back(buffer.data());
    for (auto &buffer : outputs)
      out.push_back(buffer.data());
    std::vector<char> arena(cast<MemRefType>(step.getArgumentTypes().back()).getNumElements() + 128, char(0x7f));
    void *aligned = (void *)((uintptr_t(arena.data()) + 63) / 64 * 64);
    dlc_context call = pool.context();
    ASSERT_EQ((*code)(nullptr, nullptr, in.data(), out.data(), aligned, &call), 0);
    for (auto [index, tensor] : llvm::enumerate(expected)) {
      SCOPED_TRACE(nameOf(function, index).str());
      expectClose(fromBytes(tensor.type(), outputs[index].data()), tensor, 2e-5);
    }
    if (first.empty())
      first = outputs;
    EXPECT_TRUE(outputs == first) << threads << " threads";
  }
}

INSTANTIATE_TEST_SUITE_P(Windows, ControlTest, testing::ValuesIn(test::windowPrograms(32)),
                         [](const auto &info) { return info.param.name; });
INSTANTIATE_TEST_SUITE_P(Programs, ControlTest, testing::ValuesIn(test::controlPrograms()),
                         [](const auto &info) { return info.param.name; });

} // namespace
} // namespace dlc
