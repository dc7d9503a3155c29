// From a kernel's text to machine code, buffers with guarded padding, and timing.
#include "test/unit/KernelHarness.h"
#include "codegen/native/Lowering.h"
#include "ir/KernelRole.h"
#include "ir/evaluate/OpEvaluation.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Parser/Parser.h"
#include "llvm/Support/DynamicLibrary.h"
#include "llvm/Support/TargetSelect.h"
#include <chrono>
#include <cmath>
#include <cstring>
#include <gtest/gtest.h>
#include <random>

using namespace mlir;

namespace dlc::test {

CompiledKernel::CompiledKernel() = default;
CompiledKernel::~CompiledKernel() = default;

std::unique_ptr<CompiledKernel> CompiledKernel::make(StringRef text, const Target &target) {
  static bool initialised = [] {
    llvm::InitializeNativeTarget();
    llvm::InitializeNativeTargetAsmPrinter();
    return true;
  }();
  (void)initialised;
  std::unique_ptr<CompiledKernel> result(new CompiledKernel);
  DialectRegistry registry;
  registry.insert<dl::DlDialect>();
  registerCodegenDialects(registry);
  result->context = std::make_unique<MLIRContext>(registry, MLIRContext::Threading::DISABLED);
  result->context->loadAllAvailableDialects();
  result->module = parseSourceString<ModuleOp>(text, result->context.get());
  if (!result->module)
    return nullptr;
  result->module->walk([&](dl::KernelOp kernel) { result->kernel = kernel; });

  auto start = std::chrono::steady_clock::now();
  OwningOpRef<ModuleOp> loops = ModuleOp::create(UnknownLoc::get(result->context.get()));
  OpBuilder builder = OpBuilder::atBlockEnd(loops->getBody());
  FailureOr<KernelInfo> info = emitKernel(builder, result->kernel, target, "kernel");
  if (failed(info))
    return nullptr;
  result->info = *info;
  llvm::raw_string_ostream stream(result->loops);
  loops->print(stream);
  if (failed(verify(*loops))) {
    llvm::errs() << result->loops;
    return nullptr;
  }
  auto llvmContext = std::make_unique<llvm::LLVMContext>();
  auto llvmModule = lowerToLlvm(*loops, target, *llvmContext);
  if (!llvmModule) {
    llvm::errs() << llvm::toString(llvmModule.takeError());
    return nullptr;
  }
  auto machineBuilder = llvm::cantFail(llvm::orc::JITTargetMachineBuilder::detectHost());
  machineBuilder.setCPU(target.cpu);
  machineBuilder.getFeatures() = llvm::SubtargetFeatures(target.features);
  // Kernels of linear algebra call it.
  llvm::sys::DynamicLibrary::LoadLibraryPermanently("liblapacke.so.3");
  result->jit = llvm::cantFail(llvm::orc::LLJITBuilder().setJITTargetMachineBuilder(machineBuilder).create());
  llvm::cantFail(result->jit->addIRModule(llvm::orc::ThreadSafeModule(std::move(*llvmModule), std::move(llvmContext))));
  result->function = llvm::cantFail(result->jit->lookup("kernel")).toPtr<KernelFn>();
  result->compileMilliseconds =
      std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
  return result;
}

// Buffers.

static constexpr unsigned char padding = 0x5b;

static float fromBf16(uint16_t bits) {
  uint32_t wide = uint32_t(bits) << 16;
  float value;
  std::memcpy(&value, &wide, 4);
  return value;
}

static double readElement(const char *at, Type type) {
  auto as = [&](auto value) {
    std::memcpy(&value, at, sizeof value);
    return value;
  };
  if (type.isF32())
    return as(float());
  if (type.isF64())
    return as(double());
  if (type.isBF16())
    return fromBf16(as(uint16_t()));
  if (type.isInteger(64))
    return double(as(int64_t()));
  if (type.isInteger(32))
    return as(int32_t());
  return as(uint8_t());
}

static void writeElement(char *at, Type type, double value) {
  auto as = [&](auto converted) { std::memcpy(at, &converted, sizeof converted); };
  if (type.isF32())
    return as(float(value));
  if (type.isF64())
    return as(value);
  if (type.isBF16()) {
    float narrow = float(value);
    uint32_t bits;
    std::memcpy(&bits, &narrow, 4);
    return as(uint16_t(bits >> 16));
  }
  if (type.isInteger(64))
    return as(int64_t(value));
  if (type.isInteger(32))
    return as(int32_t(value));
  as(uint8_t(value));
}

static int64_t elementBytes(Type type) { return std::max<int64_t>(1, type.getIntOrFloatBitWidth() / 8); }

/// Calls `visit` with the byte offset of each element, row-major.
template <class Visit> static void forElements(MemRefType type, Visit visit) {
  if (type.getNumElements() == 0)
    return;
  auto [strides, offset] = type.getStridesAndOffset();
  std::vector<int64_t> index(type.getRank(), 0);
  for (int64_t number = 0; number < type.getNumElements(); ++number) {
    int64_t at = offset;
    for (int64_t axis = 0; axis < type.getRank(); ++axis)
      at += index[axis] * strides[axis];
    visit(number, at * elementBytes(type.getElementType()));
    for (int64_t axis = type.getRank() - 1; axis >= 0 && ++index[axis] == type.getDimSize(axis); --axis)
      index[axis] = 0;
  }
}

Buffers::Buffers(dl::KernelOp kernel, double low, double high, unsigned seed)
    : kernel(kernel), numbers(kernelNumbers(kernel)) {
  std::mt19937 random(seed);
  llvm::DenseMap<Value, unsigned> known;
  for (auto [operand, value] : llvm::enumerate(kernel->getOperands())) {
    auto [place, isNew] = known.try_emplace(value, storage.size());
    bufferOf.push_back(place->second);
    if (!isNew)
      continue;
    MemRefType type = typeOf(operand);
    int64_t size = 0;
    forElements(type, [&](int64_t, int64_t at) { size = std::max(size, at + elementBytes(type.getElementType())); });
    storage.emplace_back(size + 64, char(padding));
    Tensor values;
    for (int64_t i = 0; i < type.getNumElements(); ++i) {
      double uniform = std::uniform_real_distribution<double>(low, high)(random);
      Type element = type.getElementType();
      if (element.isInteger(1))
        uniform = random() % 2;
      else if (!isa<FloatType>(element))
        uniform = std::floor(std::abs(uniform)) * (element.isUnsignedInteger() || low >= 0 || random() % 2 ? 1 : -1);
      values.push_back(uniform);
    }
    if (operand < kernel.getIns().size())
      write(operand, values);
  }
}

MemRefType Buffers::typeOf(unsigned operand) const {
  return cast<MemRefType>(dl::KernelOp(kernel)->getOperand(operand).getType());
}

std::vector<void *> Buffers::pointers() const {
  std::vector<void *> result;
  for (unsigned buffer : bufferOf)
    result.push_back(const_cast<char *>(storage[buffer].data()));
  if (!numbers.empty())
    result.push_back(const_cast<int64_t *>(numbers.data()));
  result.push_back(const_cast<int64_t *>(&failure));
  return result;
}

Tensor Buffers::read(unsigned operand) const {
  MemRefType type = typeOf(operand);
  Tensor values(type.getNumElements());
  forElements(type, [&](int64_t number, int64_t at) {
    values[number] = readElement(storage[bufferOf[operand]].data() + at, type.getElementType());
  });
  return values;
}

void Buffers::write(unsigned operand, const Tensor &values) {
  MemRefType type = typeOf(operand);
  forElements(type, [&](int64_t number, int64_t at) {
    writeElement(storage[bufferOf[operand]].data() + at, type.getElementType(), values[number]);
  });
}

void Buffers::restore(const std::vector<std::vector<char>> &saved) {
  for (auto [to, from] : llvm::zip_equal(storage, saved))
    std::copy(from.begin(), from.end(), to.begin());
}

bool Buffers::paddingIntact(unsigned operand) const {
  MemRefType type = typeOf(operand);
  const std::vector<char> &bytes = storage[bufferOf[operand]];
  std::vector<bool> used(bytes.size(), false);
  int64_t width = elementBytes(type.getElementType());
  forElements(type, [&](int64_t, int64_t at) { std::fill(used.begin() + at, used.begin() + at + width, true); });
  for (size_t i = 0; i < bytes.size(); ++i)
    if (!used[i] && bytes[i] != char(padding))
      return false;
  return true;
}

std::vector<Target> testTargets() {
  std::vector<Target> targets{llvm::cantFail(Target::named("x86-64-v3"))};
  Target host = Target::host();
  if (host.vectorBytes != targets[0].vectorBytes)
    targets.push_back(host);
  return targets;
}

double timeKernel(const CompiledKernel &kernel, Buffers &buffers) {
  std::vector<void *> pointers = buffers.pointers();
  auto run = [&](int64_t count) {
    auto start = std::chrono::steady_clock::now();
    for (int64_t i = 0; i < count; ++i)
      kernel.function(pointers.data(), 0, kernel.info.tasks);
    return std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - start).count();
  };
  int64_t count = 1;
  while (run(count) < 1e6)
    count *= 2;
  double best = 1e30;
  for (int batch = 0; batch < 20; ++batch)
    best = std::min(best, run(count) / double(count));
  return best;
}

static dl::HostTensor toHost(Value like, const Tensor &values) {
  dl::HostTensor host = dl::HostTensor::zeros(cast<RankedTensorType>(like.getType()));
  for (size_t i = 0; i < values.size(); ++i)
    if (host.isFloat())
      host.floats[i] = values[i];
    else
      host.ints[i] = static_cast<int64_t>(values[i]);
  return host;
}

std::vector<Tensor> evaluateBody(dl::KernelOp kernel, const std::vector<Tensor> &ins) {
  Block &body = kernel.getBody().front();
  llvm::DenseMap<Value, dl::HostTensor> known;
  for (auto [argument, values] : llvm::zip_equal(body.getArguments(), ins))
    known[argument] = toHost(argument, values);
  for (Operation &op : body.without_terminator()) {
    SmallVector<dl::HostTensor> operands;
    for (Value operand : op.getOperands())
      operands.push_back(known[operand]);
    std::string error;
    if (auto linalg = dyn_cast<dl::LinalgOp>(op)) {
      auto in = llvm::map_to_vector(operands, [](const dl::HostTensor &operand) { return &operand; });
      for (auto [value, result] : llvm::zip_equal(op.getResults(), dl::evaluateLinalg(linalg, in, error)))
        known[value] = result;
      EXPECT_EQ(error, "");
      continue;
    }
    FailureOr<dl::HostTensor> result = dl::evaluateOp(&op, operands, {}, &error);
    if (failed(result)) {
      ADD_FAILURE() << op.getName().getStringRef().str() << " " << error;
      result = dl::HostTensor::zeros(cast<RankedTensorType>(op.getResult(0).getType()));
    }
    known[op.getResult(0)] = std::move(*result);
  }
  std::vector<Tensor> results;
  for (Value value : body.getTerminator()->getOperands()) {
    const dl::HostTensor &host = known[value];
    results.push_back(host.isFloat() ? host.floats : Tensor(host.ints.begin(), host.ints.end()));
  }
  return results;
}

void checkKernel(const std::string &text, Check check) {
  for (const Target &target : testTargets()) {
    SCOPED_TRACE(target.cpu + ": " + text);
    auto compiled = CompiledKernel::make(text, target);
    ASSERT_TRUE(compiled);
    Buffers buffers(compiled->kernel, check.low, check.high, 7);
    size_t ins = compiled->kernel.getIns().size(), outs = compiled->kernel.getOuts().size();
    // What lies in scratch memory means nothing.
    outs -= dl::scratchType(&compiled->kernel.getBody().front().front()) != nullptr;
    std::vector<Tensor> inputs;
    for (size_t i = 0; i < ins; ++i)
      inputs.push_back(buffers.read(i));
    std::vector<Tensor> expected = evaluateBody(compiled->kernel, inputs);
    auto before = buffers.bytes();

    ASSERT_EQ(compiled->function(buffers.pointers().data(), 0, compiled->info.tasks), 0);
    auto whole = buffers.bytes();
    for (size_t out = 0; out < outs; ++out) {
      Tensor got = buffers.read(ins + out);
      EXPECT_TRUE(buffers.paddingIntact(ins + out)) << "output " << out << " wrote outside its elements";
      auto element = cast<MemRefType>(compiled->kernel.getOuts()[out].getType()).getElementType();
      unsigned errors = 0;
      for (size_t i = 0; i < got.size() && errors < 5; ++i) {
        double want = expected[out][i];
        bool same = got[i] == want || (std::isnan(got[i]) && std::isnan(want));
        double room = isa<FloatType>(element) ? check.absolute + check.relative * std::abs(want) : 0;
        if (element.isBF16())
          room += std::abs(want) * 0x1p-7;
        if (!same && !(std::abs(got[i] - want) <= room)) {
          ADD_FAILURE() << "output " << out << ", element " << i << ": " << got[i] << ", expected " << want;
          ++errors;
        }
      }
      if (errors) {
        std::string shown = compiled->loops.substr(0, 6000);
        ADD_FAILURE() << shown;
      }
    }
    // The same bits however the tasks are split.
    buffers.restore(before);
    for (int64_t task = compiled->info.tasks; task-- > 0;)
      compiled->function(buffers.pointers().data(), task, task + 1);
    EXPECT_TRUE(buffers.bytes() == whole) << "splitting into tasks changed the result";
  }
}

} // namespace dlc::test
