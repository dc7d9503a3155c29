// Programs through the pipeline and back (ProgramHarness.h).
#include "ProgramHarness.h"
#include "PlannedMachine.h"
#include "codegen/native/Jit.h"
#include "codegen/native/Lowering.h"
#include "ir/Dialect.h"
#include "runtime/ThreadPool.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Parser/Parser.h"
#include <cmath>
#include <cstring>
#include <gtest/gtest.h>

using namespace mlir;

namespace dlc::test {

using dl::HostTensor;

ProgramHarness::ProgramHarness() {
  DialectRegistry registry;
  registerCodegenDialects(registry);
  registry.insert<dl::DlDialect, func::FuncDialect, memref::MemRefDialect>();
  context.appendDialectRegistry(registry);
  context.loadAllAvailableDialects();
}

std::set<std::string> ProgramHarness::everyOptimisation() {
  std::set<std::string> names;
  for (StringRef name : optimizationNames())
    names.insert(name.str());
  return names;
}

OwningOpRef<ModuleOp> ProgramHarness::lower(PipelineStop stage, std::set<std::string> disabled) {
  auto module = parseSourceString<ModuleOp>(text, &context);
  bool fine = module && succeeded(runPipeline(*module, {std::move(disabled), stage, {}})) && succeeded(verify(*module));
  EXPECT_TRUE(fine) << text;
  return fine ? std::move(module) : OwningOpRef<ModuleOp>();
}

void ProgramHarness::load(const std::string &program) {
  text = program;
  graph = parseSourceString<ModuleOp>(text, &context);
  ASSERT_TRUE(bool(graph)) << text;
  plain = lower(PipelineStop::gradient, everyOptimisation());
  ASSERT_TRUE(bool(plain));
  arguments = numbers(11);
  expected = evaluated(arguments);
  ASSERT_FALSE(expected.empty());
}

StringRef ProgramHarness::nameOf(unsigned result) const {
  auto updates = function().getResultAttrOfType<IntegerAttr>(result, "dl.updates");
  auto name = updates ? function().getArgAttrOfType<StringAttr>(updates.getInt(), "dl.name")
                      : function().getResultAttrOfType<StringAttr>(result, "dl.name");
  return name.getValue();
}

HostTensors ProgramHarness::numbers(unsigned bits) const {
  HostTensors result;
  uint64_t state = 1;
  auto next = [&] { return (state = state * 6364136223846793005u + 1442695040888963407u) >> 32; };
  for (Type type : function().getArgumentTypes()) {
    HostTensor &tensor = result.emplace_back(HostTensor::zeros(cast<RankedTensorType>(type)));
    for (double &number : tensor.floats)
      number = std::ldexp(double(next() % (uint64_t(1) << bits)), 1 - int(bits)) - 1;
    bool isFlag = tensor.element.isInteger(1);
    for (int64_t &number : tensor.ints)
      number = int64_t(next() % (isFlag ? 2 : 3));
  }
  return result;
}

HostTensors ProgramHarness::evaluated(ArrayRef<HostTensor> arguments) const {
  auto results = dl::evaluate(*plain.get().getOps<func::FuncOp>().begin(), arguments);
  EXPECT_TRUE(succeeded(results)) << text;
  return succeeded(results) ? *results : HostTensors();
}

void ProgramHarness::expectClose(unsigned result, const HostTensor &got, double tolerance) const {
  SCOPED_TRACE(nameOf(result).str());
  const HostTensor &tensor = expected[result];
  ASSERT_EQ(got.ints, tensor.ints);
  ASSERT_EQ(got.floats.size(), tensor.floats.size());
  for (size_t i = 0; i < got.floats.size(); ++i)
    ASSERT_NEAR(got.floats[i], tensor.floats[i], tolerance * (1 + std::abs(tensor.floats[i])))
        << "element " << i << " of\n"
        << text;
}

void ProgramHarness::expectPlanned(const std::set<std::string> &disabled) {
  llvm::StringMap<HostTensor> values;
  for (auto [index, tensor] : llvm::enumerate(arguments))
    values[function().getArgAttrOfType<StringAttr>(index, "dl.name").getValue()] = tensor;
  auto planned = lower(PipelineStop::planned, disabled);
  ASSERT_TRUE(planned && succeeded(runPlanned(*planned, values)));
  for (unsigned result = 0; result < expected.size(); ++result)
    expectClose(result, values[nameOf(result)], 1e-6);
}

/// A dense buffer of a tensor.
static std::vector<char> bytesOf(const HostTensor &tensor) {
  std::vector<char> bytes;
  auto append = [&](auto value) { bytes.insert(bytes.end(), (char *)&value, (char *)&value + sizeof value); };
  for (double number : tensor.floats)
    tensor.element.isF64() ? append(number) : append(float(number));
  for (int64_t number : tensor.ints)
    tensor.element.isInteger(64) ? append(number) : append(uint8_t(number));
  bytes.resize(bytes.size() + 64);
  return bytes;
}

static HostTensor fromBytes(RankedTensorType type, const char *bytes) {
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

void ProgramHarness::expectCompiled(ArrayRef<Target> targets) {
  auto planned = lower(PipelineStop::planned);
  ASSERT_TRUE(bool(planned));
  for (const Target &target : targets) {
    SCOPED_TRACE(target.cpu);
    expectOn(target, *planned);
  }
}

void ProgramHarness::expectOn(const Target &target, ModuleOp planned) {
  func::FuncOp step = *planned.getOps<func::FuncOp>().begin();
  auto jit = llvm::cantFail(Jit::create(target));
  auto code = jit->add(planned, step.getName());
  ASSERT_TRUE(bool(code)) << llvm::toString(code.takeError());
  std::vector<std::vector<char>> first;
  for (int threads : {1, 2, 3}) {
    ThreadPool pool(threads);
    std::vector<std::vector<char>> inputs, outputs;
    std::vector<void *> in, out;
    for (const HostTensor &tensor : arguments)
      inputs.push_back(bytesOf(tensor));
    for (const HostTensor &tensor : expected)
      outputs.emplace_back(bytesOf(tensor).size(), char(0x7f));
    for (auto &buffer : inputs)
      in.push_back(buffer.data());
    for (auto &buffer : outputs)
      out.push_back(buffer.data());
    std::vector<char> arena(cast<MemRefType>(step.getArgumentTypes().back()).getNumElements() + 128, char(0x7f));
    void *aligned = (void *)((uintptr_t(arena.data()) + 63) / 64 * 64);
    dlc_context call = pool.context();
    ASSERT_EQ((*code)(nullptr, nullptr, in.data(), out.data(), aligned, &call), 0);
    for (unsigned result = 0; result < expected.size(); ++result)
      expectClose(result, fromBytes(expected[result].type(), outputs[result].data()), 2e-5);
    if (first.empty())
      first = outputs;
    EXPECT_TRUE(outputs == first) << threads << " threads";
  }
}

} // namespace dlc::test
