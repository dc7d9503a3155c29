// Programs run as `dlc run` does, but with inputs given as tensors, and on demand by the evaluator.
#include "RandomRunner.h"

#include "frontend/parser/Parser.h"
#include "frontend/syntax/AstPrinter.h"
#include "ir/evaluate/Evaluator.h"
#include "passes/Pipeline.h"

#include <cstring>

namespace dlc::random {

/// Element `i` of a buffer, exactly.
static Number elementOf(const HostBuffer &buffer, int64_t i) {
  if (buffer.dtype == DType::I64)
    return static_cast<const int64_t *>(buffer.data.get())[i];
  return elementAsDouble(buffer.dtype, buffer.data.get(), i);
}

static HostBufferRef bufferOf(DType dtype, const Sizes &shape) {
  auto buffer = std::make_shared<HostBuffer>();
  buffer->dtype = dtype;
  buffer->shape = shape;
  buffer->bytes = size_t(countOf(shape)) * sizeOf(dtype);
  buffer->data = std::shared_ptr<void>(std::aligned_alloc(64, (buffer->bytes + 127) / 64 * 64), std::free);
  return buffer;
}

static void setElementOf(HostBuffer &buffer, int64_t i, Number value) {
  if (buffer.dtype == DType::I64)
    static_cast<int64_t *>(buffer.data.get())[i] = int64_t(value);
  else
    setElement(buffer.dtype, buffer.data.get(), i, double(value));
}

static Value valueOf(const Tensor &tensor, bool withNumbers) {
  Shape shape;
  for (int64_t size : tensor.shape)
    shape.push_back({Size(size), {}});
  Value value = Value::ofTensor(tensor.dtype, shape, {}, {});
  if (!withNumbers)
    return value;
  value.host = bufferOf(tensor.dtype, tensor.shape);
  for (size_t i = 0; i < tensor.values.size(); ++i)
    setElementOf(*value.host, int64_t(i), tensor.values[i]);
  return value;
}

/// Nothing for what is neither a tensor nor a number.
static std::optional<Tensor> tensorOf(const Value &value) {
  if (value.kind == Value::Bool)
    return Tensor{DType::Bool, {}, {Number(value.flag)}};
  if (value.kind == Value::SizeOf)
    return Tensor{DType::I64, {}, {Number(value.size.constant())}};
  if (value.kind == Value::Number)
    return value.isFloat ? Tensor{value.weak ? DType::F32 : value.dtype, {}, {value.number}}
                         : Tensor{value.weak ? DType::I64 : value.dtype, {}, {Number(value.integer)}};
  HostBufferRef host = value.host ? value.host : value.lazy ? value.lazy() : nullptr;
  if (!value.isTensor() || !host)
    return std::nullopt;
  Tensor tensor{host->dtype, host->shape, {}};
  for (int64_t i = 0; i < countOf(host->shape); ++i)
    tensor.values.push_back(elementOf(*host, i));
  return tensor;
}

ProgramRunner::ProgramRunner() = default;
ProgramRunner::~ProgramRunner() = default;

Outcome ProgramRunner::run(const std::string &text, const std::vector<Tensor> &inputs, Engine chosen) {
  // What was compiled is kept as long as the session.
  if (programs++ % 64 == 0) {
    plain = nullptr;
    SessionOptions options;
    options.threads = 2;
    session = std::move(*Session::create(options));
    session->quiet = true;
    session->output = [](const std::string &) {};
    std::set<std::string> everything;
    for (llvm::StringRef name : optimizationNames())
      everything.insert(name.str());
    plain = std::make_unique<Compiler>(session->context, session->sources, session->diagnostics,
                                       session->compiler->target(), everything);
  }
  engine = chosen;
  DiagnosticEngine &diagnostics = session->diagnostics;
  diagnostics.clear();
  Outcome outcome;
  ast::AstContext tree;
  ast::Program program = parse(session->sources, session->sources.add("random.dl", text), tree, diagnostics);
  if (diagnostics.errorCount() == 0) {
    outcome.printed = ast::print(program);
    Elaborator checker(session->sources, diagnostics, session->context, nullptr);
    for (size_t i = 0; i < inputs.size(); ++i)
      checker.define("in" + std::to_string(i), valueOf(inputs[i], false));
    checker.program(program);
  }
  outcome.checked = diagnostics.errorCount() == 0;
  if (outcome.checked) {
    Elaborator elaborator(session->sources, diagnostics, session->context, this);
    elaborator.checkItems = false;
    for (size_t i = 0; i < inputs.size(); ++i)
      elaborator.define("in" + std::to_string(i), valueOf(inputs[i], true));
    elaborator.program(program);
    for (unsigned i = 0; diagnostics.errorCount() == 0; ++i) {
      std::string name = "r" + std::to_string(i);
      const Value *value = elaborator.lookup(name);
      if (!value)
        break;
      if (std::optional<Tensor> tensor = tensorOf(*value))
        outcome.results[name] = std::move(*tensor);
    }
  }
  outcome.exitCode = exitCodeOf(diagnostics);
  outcome.messages = diagnostics.render();
  return outcome;
}

bool ProgramRunner::run(mlir::ModuleOp module, const std::vector<HostBufferRef> &inputs,
                        std::vector<HostBufferRef> &outputs, SourceRange at) {
  if (engine == Engine::compiled)
    return session->run(module, inputs, outputs, at);
  mlir::OwningOpRef<mlir::ModuleOp> owned(module.clone());
  if (!plain->lower(*owned, PipelineStop::gradient))
    return false;
  mlir::func::FuncOp function;
  for (auto candidate : owned->getOps<mlir::func::FuncOp>())
    if (candidate.isPublic())
      function = candidate;
  std::vector<dl::HostTensor> arguments;
  for (auto [input, type] : llvm::zip_equal(inputs, function.getArgumentTypes())) {
    dl::HostTensor &tensor = arguments.emplace_back(dl::HostTensor::zeros(mlir::cast<mlir::RankedTensorType>(type)));
    for (int64_t i = 0; i < tensor.size(); ++i)
      if (tensor.isFloat())
        tensor.floats[i] = double(elementOf(*input, i));
      else
        tensor.ints[i] = int64_t(elementOf(*input, i));
  }
  auto results = dl::evaluate(function, arguments, {/*roundToType=*/true});
  if (mlir::failed(results))
    return false;
  outputs.clear();
  for (const dl::HostTensor &tensor : *results) {
    outputs.push_back(bufferOf(dtypeOf(tensor.element), {tensor.shape.begin(), tensor.shape.end()}));
    for (int64_t i = 0; i < tensor.size(); ++i)
      setElementOf(*outputs.back(), i, tensor.isFloat() ? Number(tensor.floats[i]) : Number(tensor.ints[i]));
  }
  return true;
}

} // namespace dlc::random
