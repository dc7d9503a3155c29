// What each stage may contain (Stages.h): tables, and a walk that looks operations up in them.
#include "ir/Stages.h"

#include "ir/Dialect.h"
#include "llvm/Support/InterleavedRange.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace dlc::dl {

namespace {
/// What one stage may contain. A name ending in `.*` stands for a dialect.
struct StageTable {
  Stage stage;
  StringRef name;
  /// Anywhere but inside kernels.
  ArrayRef<StringRef> allowed;
  /// Of the dialects allowed above, what is not there (or no more).
  ArrayRef<StringRef> gone;
  /// Whether kernels work on tensors or on buffers; neither where there are no kernels.
  bool tensorKernels = false, bufferKernels = false;
};

constexpr StringRef inGraph[] = {"func.func", "func.return", "dl.*"};
constexpr StringRef goneFromGraph[] = {"dl.kernel", "dl.buffer", "dl.loop", "dl.next",
                                       "dl.exit",   "dl.branch", "dl.entry"};
constexpr StringRef goneFromGradient[] = {"dl.kernel", "dl.buffer", "dl.grad", "dl.jvp",    "dl.call",
                                          "dl.loop",   "dl.next",   "dl.exit", "dl.branch", "dl.entry"};
constexpr StringRef inFused[] = {"func.func", "func.return", "dl.kernel", "dl.scan", "dl.if", "dl.while", "dl.yield"};
constexpr StringRef inPlanned[] = {"func.func", "func.return", "dl.kernel", "dl.buffer", "dl.loop",
                                   "dl.next",   "dl.exit",     "dl.branch", "dl.entry"};
constexpr StringRef inLoops[] = {"func.*", "scf.*",    "cf.*",   "vector.*", "arith.*",
                                 "math.*", "memref.*", "llvm.*", "ub.*"};
constexpr StringRef inLlvm[] = {"llvm.*"};

const StageTable tables[] = {
    {Stage::graph, "graph", inGraph, goneFromGraph},
    {Stage::gradient, "gradient", inGraph, goneFromGradient},
    {Stage::fused, "fused", inFused, {}, true, false},
    {Stage::planned, "planned", inPlanned, {}, false, true},
    {Stage::loops, "loops", inLoops, {}},
    {Stage::llvm, "llvm", inLlvm, {}},
};

/// Inside a kernel: what a kernel computes, and its yield. KernelOp::verify knows more, by kind.
constexpr StringRef goneFromKernels[] = {"dl.kernel", "dl.buffer", "dl.grad",  "dl.jvp",          "dl.call",
                                         "dl.if",     "dl.scan",   "dl.while", "dl.loop",         "dl.next",
                                         "dl.exit",   "dl.branch", "dl.entry", "dl.stop_gradient"};
} // namespace

static const StageTable &tableOf(Stage stage) {
  return *llvm::find_if(tables, [&](auto &table) { return table.stage == stage; });
}

StringRef stageName(Stage stage) { return tableOf(stage).name; }

std::optional<Stage> stageNamed(StringRef name) {
  for (const StageTable &table : tables)
    if (table.name == name)
      return table.stage;
  return std::nullopt;
}

static bool contains(ArrayRef<StringRef> names, StringRef name) {
  StringRef dialect = name.split('.').first;
  return llvm::any_of(names, [&](StringRef entry) {
    return entry == name || (entry.ends_with(".*") && entry.drop_back(2) == dialect);
  });
}

/// An operation of a kernel's body: plain tensors and operations that a loop nest computes.
static LogicalResult verifyInKernel(Operation *op, StringRef stage) {
  StringRef name = op->getName().getStringRef();
  if (!isa<DlDialect>(op->getDialect()) || contains(goneFromKernels, name))
    return op->emitError() << "`" << name << "` stands in a kernel, expected only what a loop nest computes (stage `"
                           << stage << "`)";
  for (Type type : op->getResultTypes())
    if (auto tensor = dyn_cast<RankedTensorType>(type); tensor && tensor.getEncoding())
      return op->emitError() << "`" << name << "` has the layout of " << type
                             << ", expected layouts only at the edges of kernels (stage `" << stage << "`)";
  return success();
}

static LogicalResult verifyKernel(KernelOp kernel, const StageTable &table) {
  bool onBuffers = llvm::any_of(kernel->getOperandTypes(), llvm::IsaPred<MemRefType>);
  bool onTensors =
      kernel->getNumResults() > 0 || llvm::any_of(kernel->getOperandTypes(), llvm::IsaPred<RankedTensorType>);
  if (table.tensorKernels && onBuffers)
    return kernel.emitError() << "`dl.kernel` works on buffers, expected tensors at stage `" << table.name << "`";
  if (table.bufferKernels && onTensors)
    return kernel.emitError() << "`dl.kernel` works on tensors, expected buffers at stage `" << table.name << "`";
  return success();
}

/// Broadcasting multiplies sizes: beyond this, byte counts and addresses would not fit 64 bits.
static constexpr int64_t maxElements = 100'000'000'000'000;

static LogicalResult verifySizes(Operation *op) {
  for (Type type : op->getResultTypes()) {
    auto tensor = dyn_cast<RankedTensorType>(type);
    int64_t count = 1;
    if (!tensor || llvm::is_contained(tensor.getShape(), 0))
      continue;
    for (int64_t size : tensor.getShape())
      if (llvm::MulOverflow(count, size, count) || count > maxElements)
        return op->emitError() << "too large: a tensor of shape `[" << llvm::interleaved(tensor.getShape()) << "]`";
  }
  return success();
}

LogicalResult verifyStage(ModuleOp module, Stage stage) {
  const StageTable &table = tableOf(stage);
  WalkResult result = module.walk<WalkOrder::PreOrder>([&](Operation *op) -> WalkResult {
    if (op == module)
      return WalkResult::advance();
    if (op->getParentOfType<KernelOp>())
      return verifyInKernel(op, table.name);
    StringRef name = op->getName().getStringRef();
    if (!contains(table.allowed, name) || contains(table.gone, name))
      return op->emitError() << "`" << name << "` does not occur at stage `" << table.name << "`";
    if (failed(verifySizes(op)))
      return WalkResult::interrupt();
    if (auto kernel = dyn_cast<KernelOp>(op))
      return verifyKernel(kernel, table);
    return WalkResult::advance();
  });
  return failure(result.wasInterrupted());
}

} // namespace dlc::dl
