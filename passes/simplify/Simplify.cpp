// Rewrites the graph by the patterns of all families until nothing changes, and merges index checks that say the same.
//
// It takes the stages graph and gradient and leaves the same stage. What must hold: every pattern makes the graph
// smaller, moves work to a smaller tensor, or moves a movement one way only (reshapes, transpositions, broadcasts
// down), so the rewriting ends. A pattern that fails has changed nothing.

#include "passes/Passes.h"
#include "passes/simplify/Patterns.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include <cmath>

using namespace mlir;

namespace dlc {
#define GEN_PASS_DEF_SIMPLIFY
#include "passes/Passes.h.inc"

std::optional<double> splatOf(Value value) {
  auto constant = value.getDefiningOp<dl::ConstantOp>();
  auto elements = constant ? dyn_cast<DenseElementsAttr>(constant.getValue()) : DenseElementsAttr();
  if (!elements || !elements.isSplat())
    return std::nullopt;
  Type type = elements.getElementType();
  if (isa<FloatType>(type)) {
    APFloat number = elements.getSplatValue<APFloat>();
    bool lossy = false;
    number.convert(APFloat::IEEEdouble(), APFloat::rmNearestTiesToEven, &lossy);
    return number.convertToDouble();
  }
  APInt number = elements.getSplatValue<APInt>();
  if (type.isUnsignedInteger() || type.isInteger(1))
    return static_cast<double>(number.getZExtValue());
  int64_t integer = number.getSExtValue();
  constexpr int64_t exact = int64_t(1) << 53;
  if (integer < -exact || integer > exact)
    return std::nullopt;
  return static_cast<double>(integer);
}

bool fitsFloat(Type type, double number) {
  APFloat rounded(number);
  bool lossy = false;
  rounded.convert(cast<FloatType>(type).getFloatSemantics(), APFloat::rmNearestTiesToEven, &lossy);
  return rounded.isZero() ? number == 0 : rounded.isNormal();
}

SmallVector<int64_t> largeAxes(ArrayRef<int64_t> shape) {
  SmallVector<int64_t> axes;
  for (auto [axis, size] : llvm::enumerate(shape))
    if (size != 1)
      axes.push_back(axis);
  return axes;
}

bool sameUpToUnitAxes(ArrayRef<int64_t> from, ArrayRef<int64_t> to) {
  auto large = [](int64_t size) { return size != 1; };
  return llvm::equal(llvm::make_filter_range(from, large), llvm::make_filter_range(to, large));
}

Value transposeBy(OpBuilder &builder, Location loc, Value value, ArrayRef<int64_t> permutation) {
  if (llvm::equal(permutation, llvm::seq<int64_t>(0, permutation.size())))
    return value;
  return dl::TransposeOp::create(builder, loc, value, permutation).getResult();
}

Value rebuildPointwise(OpBuilder &builder, Operation *op, ArrayRef<Value> operands) {
  OperationState state(op->getLoc(), op->getName());
  state.addOperands(operands);
  auto type = tensorType(op->getResult(0)).clone(shapeOf(operands.front()));
  state.addTypes(type);
  state.propertiesAttr = op->getPropertiesAsAttribute();
  return builder.create(state)->getResult(0);
}

namespace {

struct Simplify : impl::SimplifyBase<Simplify> {
  using SimplifyBase::SimplifyBase;

  void runOnOperation() override {
    bool differentiated =
        !getOperation()
             .walk([](Operation *op) {
               return isa<dl::GradOp, dl::JvpOp>(op) ? WalkResult::interrupt() : WalkResult::advance();
             })
             .wasInterrupted();
    RewritePatternSet patterns(&getContext());
    addElementwisePatterns(patterns);
    addComparisonPatterns(patterns);
    addShapePatterns(patterns);
    addWindowPatterns(patterns);
    addIndexingPatterns(patterns);
    addReductionPatterns(patterns);
    addProductPatterns(patterns, oneHotProducts);
    if (oneHotProducts)
      addTablePatterns(patterns);
    addPartPatterns(patterns);
    addControlPatterns(patterns, differentiated);
    if (foldConstants)
      addConstantPatterns(patterns);
    if (differentiated)
      addStopGradientPatterns(patterns);
    // After 64 rounds the graph is right, if not as simple as could be.
    (void)applyPatternsGreedily(getOperation(), std::move(patterns), GreedyRewriteConfig().setMaxIterations(64));
    getOperation().walk([](Block *block) { mergeChecks(*block); });
  }

private:
  /// A check that an earlier check of the same value in the block implies is that one's result.
  static void mergeChecks(Block &block) {
    llvm::DenseMap<Value, dl::CheckIndexOp> kept;
    for (auto check : llvm::make_early_inc_range(block.getOps<dl::CheckIndexOp>())) {
      auto [entry, isNew] = kept.try_emplace(check.getOperand(), check);
      if (isNew)
        continue;
      int64_t low = check.getLow(), keptLow = entry->second.getLow();
      if (check.getLimit() < entry->second.getLimit() || low > keptLow) {
        entry->second = check;
        continue;
      }
      check.getResult().replaceAllUsesWith(entry->second.getResult());
      check.erase();
    }
  }
};

} // namespace
} // namespace dlc
