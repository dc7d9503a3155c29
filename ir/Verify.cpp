// Checks on axes, lists and result types (Verify.h).
#include "ir/Verify.h"

#include "ir/Dialect.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;

namespace dlc::dl {

std::string listText(ArrayRef<int64_t> list) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  stream << '[';
  llvm::interleaveComma(list, stream);
  stream << ']';
  return text;
}

LogicalResult verifyAxis(Operation *op, int64_t axis, int64_t rank) {
  if (axis >= 0 && axis < rank)
    return success();
  InFlightDiagnostic error = op->emitOpError() << "axis " << axis << " is out of range";
  if (rank == 0)
    return error << ", a tensor of rank 0 has no axes";
  return error << ", expected 0 to " << rank - 1;
}

LogicalResult verifyAxes(Operation *op, ArrayRef<int64_t> axes, int64_t rank) {
  for (int64_t axis : axes)
    if (failed(verifyAxis(op, axis, rank)))
      return failure();
  for (size_t i = 1; i < axes.size(); ++i)
    if (axes[i] <= axes[i - 1])
      return op->emitOpError() << "axes are " << listText(axes) << ", expected increasing ones";
  return success();
}

LogicalResult verifyLength(Operation *op, StringRef name, ArrayRef<int64_t> list, int64_t rank) {
  if (int64_t(list.size()) == rank)
    return success();
  return op->emitOpError() << "`" << name << "` has " << list.size() << " entries, expected one for each of " << rank
                           << " axes";
}

LogicalResult verifyResult(Operation *op, ArrayRef<int64_t> shape, Type element, StringRef reason) {
  auto expected = RankedTensorType::get(shape, element);
  auto found = cast<RankedTensorType>(op->getResult(0).getType());
  if (found.getShape() == shape && found.getElementType() == element)
    return success();
  return op->emitOpError() << "result is " << found << ", expected " << expected << (reason.empty() ? "" : ": ")
                           << reason;
}

LogicalResult verifySameElement(Operation *op, Value operand) {
  Type found = elementOf(op->getResult(0)), expected = elementOf(operand);
  if (found == expected)
    return success();
  return op->emitOpError() << "result has elements of " << found << ", expected " << expected
                           << ", the operand's element type";
}

} // namespace dlc::dl
