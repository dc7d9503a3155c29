// Operations whose operands are all constants, computed by the reference evaluator.
//
// Results and operands have at most 4096 elements. Movements of what is no splat stay: they cost nothing in a kernel,
// and the constant would grow. So do sums and products of many floats: the evaluator takes them in f64, where they do
// not overflow on the way.

#include "ir/evaluate/Evaluator.h"
#include "passes/simplify/Patterns.h"

using namespace mlir;

namespace dlc {
namespace {

constexpr int64_t maxElements = 4096;

struct FoldConstants : RewritePattern {
  FoldConstants(MLIRContext *context) : RewritePattern(MatchAnyOpTypeTag(), 1, context) {}

  LogicalResult matchAndRewrite(Operation *op, PatternRewriter &rewriter) const override {
    bool grows = isa<dl::BroadcastOp, dl::ConcatOp, dl::PadOp>(op);
    auto reduce = dyn_cast<dl::ReduceOp>(op);
    bool joins = reduce && (reduce.getKind() == dl::ReduceKind::sum || reduce.getKind() == dl::ReduceKind::prod);
    bool accumulates = joins || isa<dl::ContractOp, dl::CumulativeOp, dl::RecurrenceOp, dl::ScatterAddOp>(op);
    if (op->getNumResults() != 1 || op->getNumOperands() == 0 || op->getNumRegions() > 0 || grows || !isPure(op) ||
        !isa<dl::DlDialect>(op->getDialect()) || isa<dl::RandomOp>(op))
      return failure();
    auto type = dyn_cast<RankedTensorType>(op->getResult(0).getType());
    if (!type || type.getNumElements() > maxElements || (accumulates && isa<FloatType>(type.getElementType())))
      return failure();
    SmallVector<DenseElementsAttr> operands;
    for (Value operand : op->getOperands()) {
      auto constant = operand.getDefiningOp<dl::ConstantOp>();
      auto elements = constant ? dyn_cast<DenseElementsAttr>(constant.getValue()) : DenseElementsAttr();
      if (!elements || elements.getNumElements() > maxElements)
        return failure();
      operands.push_back(elements);
    }
    FailureOr<DenseElementsAttr> value = dl::evaluate(op, operands);
    if (failed(value))
      return failure();
    rewriter.replaceOpWithNewOp<dl::ConstantOp>(op, type, *value);
    return success();
  }
};

} // namespace

void addConstantPatterns(RewritePatternSet &patterns) { patterns.add<FoldConstants>(patterns.getContext()); }

} // namespace dlc
