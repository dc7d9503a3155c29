// Overlapping windows are added up by a sum over taps: kernels know movements and sums alone.
//
// It takes the stage gradient and leaves it. What holds after: there is no dl.overlap_add, whose adjoint nobody asks for
// any more.

#include "ir/Builders.h"
#include "passes/Passes.h"

using namespace mlir;

namespace dlc {
#define GEN_PASS_DEF_SUMTAPS
#include "passes/Passes.h.inc"

namespace {

struct SumTaps : impl::SumTapsBase<SumTaps> {
  using SumTapsBase::SumTapsBase;

  void runOnOperation() override {
    getOperation().walk([](dl::OverlapAddOp op) {
      OpBuilder builder(op);
      ArrayRef<int64_t> windows = dl::shapeOf(op.getOperand());
      SmallVector<int64_t> places(dl::shapeOf(op.getResult())), summed;
      for (size_t tap = places.size(); tap < windows.size(); ++tap)
        summed.push_back(tap);
      llvm::append_range(places, windows.take_back(summed.size()));
      auto type = RankedTensorType::get(places, dl::elementOf(op.getOperand()));
      Value taps =
          dl::TapsOp::create(builder, op.getLoc(), type, op.getOperand(), op.getAxes(), op.getSteps(), op.getSpreads());
      op.replaceAllUsesWith(dl::sumTo(builder, op.getLoc(), taps, summed));
      op.erase();
    });
  }
};

} // namespace
} // namespace dlc
