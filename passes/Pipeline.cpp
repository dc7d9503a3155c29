// The table of contents: every pass from the graph to the planned stage, in order, each with the reason why it stands
// there.

#include "passes/Pipeline.h"
#include "ir/Stages.h"
#include "passes/Passes.h"

#include "mlir/Pass/PassInstrumentation.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"
#include "llvm/ADT/StringExtras.h"

#include <chrono>

using namespace mlir;

namespace dlc {

#define GEN_PASS_REGISTRATION
#include "passes/Passes.h.inc"

namespace {

/// Stands at each boundary: what a stage may not contain is a bug in a pass before. (The tests of the passes verify the
/// module after each of them, as dlc-opt does.)
struct VerifyBoundary : PassWrapper<VerifyBoundary, OperationPass<ModuleOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(VerifyBoundary)
  explicit VerifyBoundary(dl::Stage stage) : stage(stage) {}

  void runOnOperation() override {
    if (failed(dl::verifyStage(getOperation(), stage)))
      signalPassFailure();
    markAllAnalysesPreserved();
  }

  dl::Stage stage;
};

} // namespace

ArrayRef<StringRef> optimizationNames() {
  static constexpr StringRef names[] = {"simplify", "fold-constants", "one-hot-products", "cse",   "loops",
                                        "fuse",     "split-sums",     "layouts",          "reuse", "in-place"};
  return names;
}

void buildPipeline(OpPassManager &manager, const PipelineOptions &options) {
  auto enabled = [&](const char *name) { return !options.disabled.count(name); };
  auto boundary = [&](dl::Stage stage) { manager.addPass(std::make_unique<VerifyBoundary>(stage)); };
  boundary(dl::Stage::graph);
  if (options.stopAfter == PipelineStop::graph)
    return;

  // A gradient's rule is that of plain operations: calls go first, but those whose callee has a rule of its own.
  manager.addPass(createInlineCalls());
  // What a gradient need not go through is best gone before it is taken.
  if (enabled("loops"))
    manager.addPass(createPeelLast());
  if (enabled("simplify"))
    manager.addPass(createReluAfterExtrema());
  manager.addPass(createExpandGrad());
  // Nothing differentiates any more: the callees with rules, and the rules themselves, are plain functions now.
  InlineCallsOptions everything;
  everything.all = true;
  manager.addPass(createInlineCalls(everything));
  // Kernels have elements to compute: those that read tensors without any go before anything looks.
  manager.addPass(createFoldEmpty());
  // The sweep computes adjoints that nobody reads, and parts of the forward pass again: they go before anything looks.
  if (enabled("cse"))
    manager.addPass(createCSEPass());
  if (enabled("simplify")) {
    SimplifyOptions simplify;
    simplify.foldConstants = enabled("fold-constants");
    simplify.oneHotProducts = enabled("one-hot-products");
    manager.addPass(createSimplify(simplify));
    if (enabled("loops")) {
      // Only what is read is worth a rewrite; what leaves a loop may leave the one around it.
      manager.addPass(createShrinkLoops());
      manager.addPass(createHoistInvariants());
      manager.addPass(createBatchLoops());
      manager.addPass(createSumAfterLoops());
      manager.addPass(createShrinkLoops());
      manager.addPass(createSimplify(simplify));
      // For the products that are left, in the form that they have.
      manager.addPass(createPackWeights());
      manager.addPass(createShrinkLoops());
    }
    // Rewriting has made equal operations and left dead ones.
    manager.addPass(createCanonicalizerPass());
    if (enabled("cse"))
      manager.addPass(createCSEPass());
  }
  manager.addPass(createSumTaps());
  // The form of extrema is for fusion: simplification would take it back.
  if (enabled("fuse"))
    manager.addPass(createShareExtrema());
  boundary(dl::Stage::gradient);
  if (options.stopAfter == PipelineStop::gradient)
    return;

  // Fusion looks at a graph in its final form: what it merges is not rewritten any more.
  FuseKernelsOptions fuse;
  fuse.merge = enabled("fuse");
  manager.addPass(createFuseKernels(fuse));
  // Kernels repeat what they absorb, sometimes twice; checks no longer hide that two values are one.
  if (enabled("cse"))
    manager.addPass(createCSEPass());
  // What a kernel sums, and into how few elements, is known once kernels are.
  if (enabled("split-sums"))
    manager.addPass(createSplitSums());
  // Layouts are for what remains between kernels, so they are chosen when that is known.
  if (enabled("layouts"))
    manager.addPass(createChooseLayouts());
  boundary(dl::Stage::fused);
  if (options.stopAfter == PipelineStop::fused)
    return;

  // Sizes of buffers depend on layouts.
  PlanBuffersOptions plan;
  plan.reuse = enabled("reuse");
  plan.inPlace = enabled("in-place");
  manager.addPass(createPlanBuffers(plan));
  boundary(dl::Stage::planned);
}

namespace {

/// Measures each pass that has a name (the adaptors between passes have none).
struct PassTimer : PassInstrumentation {
  explicit PassTimer(TimeSink sink) : sink(std::move(sink)) {}

  void runBeforePass(Pass *pass, Operation *) override { begins.push_back(Clock::now()); }
  void runAfterPass(Pass *pass, Operation *) override {
    std::chrono::duration<double, std::milli> spent = Clock::now() - begins.pop_back_val();
    if (!pass->getArgument().empty())
      sink(pass->getArgument(), spent.count());
  }
  void runAfterPassFailed(Pass *pass, Operation *op) override { runAfterPass(pass, op); }

  using Clock = std::chrono::steady_clock;
  TimeSink sink;
  SmallVector<Clock::time_point> begins;
};

} // namespace

LogicalResult runPipeline(ModuleOp module, const PipelineOptions &options) {
  PassManager manager(module.getContext(), ModuleOp::getOperationName());
  manager.enableVerifier(false);
  if (options.onTime)
    manager.addInstrumentation(std::make_unique<PassTimer>(options.onTime));
  buildPipeline(manager, options);
  return manager.run(module);
}

namespace {

struct PipelineFlags : PassPipelineOptions<PipelineFlags> {
  ListOption<std::string> disable{*this, "disable",
                                  llvm::cl::desc("optimisations to leave out (see optimizationNames)")};
};

void registerPipeline(StringRef name, StringRef text, PipelineStop stopAfter) {
  PassPipelineRegistration<PipelineFlags>(name, text, [stopAfter](OpPassManager &manager, const PipelineFlags &flags) {
    PipelineOptions options;
    options.disabled.insert(flags.disable.begin(), flags.disable.end());
    options.stopAfter = stopAfter;
    buildPipeline(manager, options);
  });
}

} // namespace

void registerPasses() {
  registerDlcPasses();
  registerCSEPass();
  registerCanonicalizerPass();
  registerPipeline("dl-to-gradient", "from the graph to the simplified gradient", PipelineStop::gradient);
  registerPipeline("dl-to-fused", "from the graph to kernels with layouts", PipelineStop::fused);
  registerPipeline("dl-to-planned", "from the graph to kernels on buffers", PipelineStop::planned);
}

} // namespace dlc
