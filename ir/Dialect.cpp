// The dialect `dl`: registration, the constant materializer, and what tablegen generates.
#include "ir/Elementary.h"

#include "mlir/IR/DialectImplementation.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace dlc::dl;

#include "ir/Dialect.cpp.inc"
#include "ir/Enums.cpp.inc"
#include "ir/Interfaces.cpp.inc"

#define GET_ATTRDEF_CLASSES
#include "ir/Attributes.cpp.inc"

#define GET_OP_CLASSES
#include "ir/Ops.cpp.inc"

namespace dlc::dl {

void DlDialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "ir/Attributes.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "ir/Ops.cpp.inc"
      >();
}

Operation *DlDialect::materializeConstant(OpBuilder &builder, Attribute value, Type type, Location loc) {
  auto elements = dyn_cast<DenseElementsAttr>(value);
  if (!elements || elements.getType() != type)
    return nullptr;
  return ConstantOp::create(builder, loc, elements);
}

LogicalResult DlDialect::verifyRegionResultAttribute(Operation *op, unsigned, unsigned result,
                                                     NamedAttribute attribute) {
  auto function = dyn_cast<FunctionOpInterface>(op);
  if (!function || attribute.getName() != "dl.updates")
    return success();
  auto argument = dyn_cast<IntegerAttr>(attribute.getValue());
  if (argument && argument.getType().isInteger(64) && argument.getInt() >= 0 &&
      argument.getInt() < static_cast<int64_t>(function.getNumArguments()))
    return success();
  return op->emitError() << "`dl.updates` of result " << result << " is " << attribute.getValue()
                         << ", expected the number of one of the " << function.getNumArguments()
                         << " arguments, an i64";
}

RankedTensorType withElement(Type tensor, Type element) {
  return RankedTensorType::get(cast<RankedTensorType>(tensor).getShape(), element);
}
ArrayRef<int64_t> shapeOf(Value tensor) { return cast<RankedTensorType>(tensor.getType()).getShape(); }
Type elementOf(Value tensor) { return cast<RankedTensorType>(tensor.getType()).getElementType(); }

} // namespace dlc::dl
