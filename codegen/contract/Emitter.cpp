// Chooses between the planned loops and, for views that have no strides and empty operands, the plainest ones.
#include "codegen/contract/Emitter.h"
#include "codegen/contract/Loops.h"
#include "codegen/kernel/Emitters.h"
#include "codegen/kernel/LongSum.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;

namespace dlc {

/// Element by element, each operand wherever its view puts it. A task is an element of the result.
static void emitPlainly(KernelFunction &function) {
  dl::ContractOp op = contractOf(function.kernel);
  PointEmitter points(function.builder, op.getLoc(), function.target, function.kernel, function.buffers);
  LoopNest &nest = points.nest;
  StringRef left = op.lhsLetters(), right = op.rhsLetters(), result = op.resultLetters();
  auto shapeOf = [](Value value) { return cast<RankedTensorType>(value.getType()).getShape(); };
  auto sizeOf = [&](char letter) {
    size_t l = left.find(letter);
    return l != StringRef::npos ? shapeOf(op.getLhs())[l] : shapeOf(op.getRhs())[right.find(letter)];
  };
  std::map<char, Index> place;
  std::string summed;
  for (char letter : (left + right).str())
    if (!result.contains(letter) && !StringRef(summed).contains(letter))
      summed += letter;

  Type element = cast<RankedTensorType>(op.getResult().getType()).getElementType(), sumType = registerType(element);
  int64_t elements = cast<RankedTensorType>(op.getResult().getType()).getNumElements();
  auto operandPoint = [&](StringRef letters) {
    Point point;
    for (char letter : letters)
      point.indices.push_back(place[letter]);
    return point;
  };
  Value zero = floatConstant(nest.place({}), nest.loc, sumType, 0);
  std::function<RunningTotal(size_t, RunningTotal)> sumFrom = [&](size_t level, RunningTotal total) -> RunningTotal {
    if (level == summed.size()) {
      Value a = points.at(op.getLhs(), operandPoint(left)), b = points.at(op.getRhs(), operandPoint(right));
      return addTo(nest, total, arith::MulFOp::create(nest.here(), nest.loc, a, b));
    }
    int64_t size = sizeOf(summed[level]);
    auto body = [&](Value index, ValueRange carried) {
      place[summed[level]] = points.indices.variable(index, {0, std::max<int64_t>(size - 1, 0)});
      RunningTotal next = sumFrom(level + 1, {carried[0], carried[1]});
      return SmallVector<Value>{next.sum, next.lost};
    };
    SmallVector<Value> last = nest.loop(nest.constant(0), nest.constant(size), 1, {total.sum, total.lost}, body);
    return {last[0], last[1]};
  };
  nest.loop(function.begin, function.end, 1, {}, [&](Value task, ValueRange) {
    Index index = points.indices.variable(task, {0, std::max<int64_t>(elements - 1, 0)});
    Point point;
    point.indices = points.indices.delinearize(index, shapeOf(op.getResult()));
    for (auto [letter, at] : llvm::zip_equal(result, point.indices))
      place[letter] = at;
    Value sum = finish(nest, sumFrom(0, {zero, zero}));
    if (element.isBF16())
      sum = roundToBf16(nest.place(sum), nest.loc, sum);
    points.bind(op.getResult(), point, sum);
    points.storeAll(point);
    return SmallVector<Value>{};
  });
}

FailureOr<KernelInfo> emitContract(KernelFunction function) {
  if (failed(verifyPointwise(function.kernel)))
    return failure();
  std::optional<ContractShape> shape = analyzeContract(function.kernel);
  KernelInfo info;
  if (!shape) {
    emitPlainly(function);
    info.tasks = cast<RankedTensorType>(contractOf(function.kernel).getResult().getType()).getNumElements();
    info.nanoseconds = static_cast<double>(info.tasks) * 100;
    return info;
  }
  ContractPlan plan = planContract(*shape, function.target);
  info.tasks = plan.tasks();
  info.plan = plan.describe();
  // The peak is two vectors of 32-bit multiply-adds a cycle.
  double cyclesPerNanosecond = function.target.peakGflops() / function.target.vectorBytes;
  info.nanoseconds = plan.cycles / cyclesPerNanosecond;
  ContractLoops(function, std::move(plan)).emit();
  return info;
}

} // namespace dlc
