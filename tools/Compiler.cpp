// Drives the pipeline and the JIT, and turns MLIR's diagnostics into dlc's.
#include "tools/Compiler.h"

#include "codegen/native/Lowering.h"
#include "ir/KernelRole.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Diagnostics.h"

namespace dlc {

void PhaseTimes::add(const std::string &phase, double milliseconds) {
  for (auto &[name, total] : phases)
    if (name == phase) {
      total += milliseconds;
      return;
    }
  phases.push_back({phase, milliseconds});
}

std::string PhaseTimes::table() const {
  std::string text;
  double total = 0;
  for (auto &[name, milliseconds] : phases) {
    text += fmt::format("{:<28} {:9.2f} ms\n", name, milliseconds);
    total += milliseconds;
  }
  return text.empty() ? "nothing was compiled\n" : text + fmt::format("{:<28} {:9.2f} ms\n", "total", total);
}

SourceRange placeOf(mlir::Location location, const SourceManager &sources) {
  SourceRange found;
  location->walk([&](mlir::Location part) {
    auto file = mlir::dyn_cast<mlir::FileLineColRange>(part);
    if (!file)
      return mlir::WalkResult::advance();
    for (uint32_t id = 0; id < sources.count(); ++id) {
      if (sources.uniqueName(id) != file.getFilename().getValue() || file.getStartLine() == 0)
        continue;
      auto offset = [&](uint32_t line, uint32_t column) {
        return uint32_t(sources.line(id, line).data() - sources.text(id).data()) + column - 1;
      };
      uint32_t begin = offset(file.getStartLine(), file.getStartColumn());
      uint32_t end = offset(std::max(file.getStartLine(), file.getEndLine()), file.getEndColumn());
      uint32_t size = uint32_t(sources.text(id).size());
      if (begin <= size)
        found = {id, begin, std::min(std::max(end, begin + 1), size)};
      return mlir::WalkResult::interrupt();
    }
    return mlir::WalkResult::advance();
  });
  return found;
}

Compiler::Compiler(mlir::MLIRContext &context, SourceManager &sources, DiagnosticEngine &diagnostics, Target target,
                   std::set<std::string> disabled)
    : context(context), sources(sources), diagnostics(diagnostics), chosen(std::move(target)),
      disabled(std::move(disabled)) {}

Compiler::~Compiler() = default;

bool Compiler::lower(mlir::ModuleOp module, PipelineStop stop) {
  mlir::ScopedDiagnosticHandler handler(&context, [&](mlir::Diagnostic &diagnostic) {
    if (diagnostic.getSeverity() != mlir::DiagnosticSeverity::Error)
      return mlir::success();
    std::string text = diagnostic.str();
    SourceRange at = placeOf(diagnostic.getLocation(), sources);
    auto after = [&](std::string_view prefix) -> std::optional<std::string> {
      size_t found = text.find(prefix);
      return found == std::string::npos ? std::nullopt : std::optional(text.substr(found + prefix.size()));
    };
    if (auto what = after("not supported yet: "))
      diagnostics.report(Diag::NotSupported, at, *what);
    else if (auto what = after("too large: "))
      diagnostics.report(Diag::TooLarge, at, *what);
    else if (auto what = after("no gradient: "))
      diagnostics.report(Diag::NoGradient, at, *what);
    else
      diagnostics.report(Diag::Internal, at, text);
    return mlir::success();
  });
  PipelineOptions options;
  options.disabled = disabled;
  options.stopAfter = stop;
  options.onTime = [&](llvm::StringRef part, double milliseconds) { times.add(part.str(), milliseconds); };
  unsigned before = diagnostics.errorCount();
  if (mlir::succeeded(runPipeline(module, options)))
    return true;
  if (diagnostics.errorCount() == before)
    diagnostics.report(Diag::Internal, {}, "a pass failed without saying why");
  return false;
}

DType dtypeOf(mlir::Type element) {
  return element.isF32()         ? DType::F32
         : element.isF64()       ? DType::F64
         : element.isBF16()      ? DType::BF16
         : element.isInteger(64) ? DType::I64
         : element.isInteger(32) ? DType::I32
         : element.isInteger(1)  ? DType::Bool
                                 : DType::U8;
}

/// The slots of one block, in order.
static std::vector<TensorSlot> slotsOf(mlir::func::FuncOp function, llvm::StringRef block) {
  std::vector<TensorSlot> slots;
  auto array = function->getAttrOfType<mlir::ArrayAttr>("dl.slots");
  if (!array)
    return slots;
  for (mlir::Attribute entry : array) {
    auto slot = mlir::cast<mlir::DictionaryAttr>(entry);
    if (slot.getAs<mlir::StringAttr>("block").getValue() != block)
      continue;
    auto type = mlir::cast<mlir::RankedTensorType>(slot.getAs<mlir::TypeAttr>("type").getValue());
    llvm::SmallVector<int64_t> strides = stridesOf(type);
    slots.push_back({slot.getAs<mlir::StringAttr>("name").str(),
                     dtypeOf(type.getElementType()),
                     type.getShape().vec(),
                     size_t(slot.getAs<mlir::IntegerAttr>("offset").getInt()),
                     {strides.begin(), strides.end()}});
  }
  return slots;
}

static mlir::func::FuncOp entryOf(mlir::ModuleOp module) {
  for (auto function : module.getOps<mlir::func::FuncOp>())
    if (function.isPublic() && !function.isDeclaration())
      return function;
  return nullptr;
}

static size_t blockBytes(mlir::BlockArgument argument) {
  return size_t(mlir::cast<mlir::MemRefType>(argument.getType()).getNumElements());
}

/// The line that a location names; 0 when it names none.
static int64_t lineOf(mlir::Location location) {
  int64_t line = 0;
  location->walk([&](mlir::Location part) {
    auto file = mlir::dyn_cast<mlir::FileLineColRange>(part);
    line = file ? file.getStartLine() : 0;
    return line ? mlir::WalkResult::interrupt() : mlir::WalkResult::advance();
  });
  return line;
}

/// What a planned kernel of kind print prints.
static PrintedLine printedLine(dl::KernelOp kernel) {
  PrintedLine line;
  auto print = mlir::cast<dl::PrintOp>(kernel.getBody().front().front());
  for (mlir::Attribute value : print.getValues()) {
    std::vector<std::string> &pieces = line.values.emplace_back();
    for (mlir::Attribute piece : mlir::cast<mlir::ArrayAttr>(value))
      pieces.push_back(mlir::cast<mlir::StringAttr>(piece).str());
  }
  for (mlir::Value tensor : print.getTensors()) {
    auto type =
        mlir::cast<mlir::MemRefType>(kernel.getIns()[mlir::cast<mlir::BlockArgument>(tensor).getArgNumber()].getType());
    llvm::SmallVector<int64_t> strides = type.getStridesAndOffset().first;
    line.tensors.push_back(
        {"", dtypeOf(type.getElementType()), type.getShape().vec(), 0, {strides.begin(), strides.end()}});
  }
  return line;
}

std::unique_ptr<Compiled> Compiler::describe(mlir::ModuleOp module) {
  mlir::func::FuncOp function = entryOf(module);
  auto compiled = std::make_unique<Compiled>();
  compiled->params = slotsOf(function, "param");
  compiled->state = slotsOf(function, "state");
  compiled->slotTypes = slotTypes(module);
  compiled->paramBytes = blockBytes(function.getArgument(0));
  compiled->stateBytes = blockBytes(function.getArgument(1));
  compiled->function.arenaBytes = blockBytes(function.getArgument(function.getNumArguments() - 1));
  for (auto [key, into] : {std::pair("dl.inputs", &compiled->inputs), {"dl.outputs", &compiled->outputs}})
    if (auto names = function->getAttrOfType<mlir::ArrayAttr>(key))
      for (mlir::Attribute name : names)
        into->push_back(mlir::cast<mlir::StringAttr>(name).str());
  if (auto checks = function->getAttrOfType<mlir::ArrayAttr>("dl.checks"))
    for (mlir::Attribute entry : checks) {
      auto check = mlir::cast<mlir::DictionaryAttr>(entry);
      CheckText text;
      if (auto failure = check.getAs<mlir::StringAttr>("fails")) {
        text.failure = failure.str();
        text.matrices = check.getAs<mlir::IntegerAttr>("matrices").getInt();
        compiled->function.checks.push_back(text);
        continue;
      }
      text.what = check.getAs<mlir::StringAttr>("what").str();
      if (auto expected = check.getAs<mlir::StringAttr>("expected")) {
        text.expected = expected.str();
        text.isFloat = check.contains("float");
        compiled->function.checks.push_back(text);
        continue;
      }
      if (auto low = check.getAs<mlir::IntegerAttr>("low"))
        text.minimum = low.getInt();
      text.limit = check.getAs<mlir::IntegerAttr>("limit").getInt();
      compiled->function.checks.push_back(text);
    }
  function.walk([&](dl::KernelOp kernel) {
    if (kernel.getKind() == dl::KernelKind::print)
      compiled->function.prints.push_back(printedLine(kernel));
  });
  // The checks stand in the order of their kernels; a sample is one entry of the first axis.
  size_t next = 0;
  function.walk([&](dl::KernelOp kernel) {
    if (!dl::kernelRole(&kernel.getBody().front().front()).mayFail || next >= compiled->function.checks.size())
      return;
    CheckText &text = compiled->function.checks[next++];
    compiled->checkPlaces.push_back(kernel.getLoc());
    for (mlir::Operation *loop = kernel->getParentOp(); loop != function; loop = loop->getParentOp())
      if (mlir::isa<dl::LoopOp>(loop))
        text.loopLines.push_back(lineOf(loop->getLoc()));
    if (kernel.getKind() != dl::KernelKind::check)
      return;
    auto type = mlir::cast<mlir::MemRefType>(kernel.getIns()[0].getType());
    int64_t rows = type.getRank() ? type.getDimSize(0) : 0;
    text.elementsPerSample = rows > 0 ? type.getNumElements() / rows : 0;
  });
  return compiled;
}

std::unique_ptr<Compiled> Compiler::compile(mlir::OwningOpRef<mlir::ModuleOp> module) {
  if (!module || !lower(*module, PipelineStop::planned))
    return nullptr;
  std::unique_ptr<Compiled> compiled = describe(*module);
  if (!jit) {
    llvm::Expected<std::unique_ptr<Jit>> made = Jit::create(chosen, cache);
    if (!made) {
      diagnostics.report(Diag::RunProblem, {}, llvm::toString(made.takeError()));
      return nullptr;
    }
    jit = std::move(*made);
  }
  auto onTime = [&](llvm::StringRef part, double milliseconds) { times.add(part.str(), milliseconds); };
  llvm::Expected<JitFunction> added = jit->add(*module, entryOf(*module).getName(), onTime);
  if (!added) {
    diagnostics.report(Diag::Internal, {}, llvm::toString(added.takeError()));
    return nullptr;
  }
  compiled->function.function = added->function;
  compiled->function.code = added->code;
  return compiled;
}

const std::vector<std::string> &Compiler::stages() {
  static const std::vector<std::string> names = {"graph", "gradient", "fused", "planned", "loops", "llvm", "asm"};
  return names;
}

std::optional<std::string> Compiler::emit(mlir::OwningOpRef<mlir::ModuleOp> module, const std::string &stage) {
  if (!module)
    return std::nullopt;
  PipelineStop stop = stage == "graph"      ? PipelineStop::graph
                      : stage == "gradient" ? PipelineStop::gradient
                      : stage == "fused"    ? PipelineStop::fused
                                            : PipelineStop::planned;
  if (!lower(*module, stop))
    return std::nullopt;
  std::string text;
  llvm::raw_string_ostream stream(text);
  if (stage == "llvm" || stage == "asm" || stage == "loops") {
    if (llvm::Error error = printLowered(*module, chosen, stage, stream)) {
      diagnostics.report(Diag::Internal, {}, llvm::toString(std::move(error)));
      return std::nullopt;
    }
    return text;
  }
  module->print(stream);
  stream << "\n";
  return text;
}

} // namespace dlc
