// Regions, loops, branches and calls: what block arguments, yields and results must agree on.
#include "ir/Dialect.h"
#include "ir/Verify.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

using namespace mlir;

namespace dlc::dl {

LogicalResult PrintOp::verify() {
  size_t gaps = 0;
  for (Attribute value : getValues()) {
    auto pieces = dyn_cast<ArrayAttr>(value);
    if (!pieces || pieces.empty() || !llvm::all_of(pieces, llvm::IsaPred<StringAttr>))
      return emitOpError() << "has the value " << value << ", expected pieces of text";
    gaps += pieces.size() - 1;
  }
  if (gaps != getTensors().size())
    return emitOpError() << "has " << getTensors().size() << " tensors, expected " << gaps
                         << ", one between two pieces";
  return success();
}

namespace {
/// A type that a list of values must have at some place, and what it belongs to.
struct Expected {
  Type type;
  std::string role;
};
using ExpectedList = SmallVector<Expected>;
} // namespace

/// Appends the values' types as `role` 0, 1, ...
static void expect(ExpectedList &list, TypeRange types, StringRef role) {
  for (auto [i, type] : llvm::enumerate(types))
    list.push_back({type, (role + " " + Twine(i)).str()});
}

/// Types are equal up to layouts: these belong to a value's place in memory, and each side may have its own.
static bool isSame(Type a, Type b) {
  auto x = dyn_cast<RankedTensorType>(a), y = dyn_cast<RankedTensorType>(b);
  return a == b || (x && y && x.getShape() == y.getShape() && x.getElementType() == y.getElementType());
}

/// Fails unless `found` are the expected types; `what` names the list.
static LogicalResult verifyTypes(Operation *op, const Twine &what, TypeRange found, const ExpectedList &expected) {
  if (found.size() != expected.size())
    return op->emitOpError() << "has " << found.size() << " " << what << ", expected " << expected.size();
  for (auto [i, type] : llvm::enumerate(found))
    if (!isSame(type, expected[i].type))
      return op->emitOpError() << "has " << type << " as number " << i << " of the " << what << ", expected "
                               << expected[i].type << ", the type of " << expected[i].role;
  return success();
}

/// Fails unless the region's block takes and yields the expected types.
static LogicalResult verifyRegion(Operation *op, Region &region, StringRef name, const ExpectedList &arguments,
                                  const ExpectedList *yielded) {
  Block &block = region.front();
  auto yield = dyn_cast<YieldOp>(block.getTerminator());
  if (!yield)
    return op->emitOpError() << "has a " << name << " that ends with `"
                             << block.getTerminator()->getName().getStringRef() << "`, expected `dl.yield`";
  if (failed(verifyTypes(op, name + " arguments", block.getArgumentTypes(), arguments)))
    return failure();
  return yielded ? verifyTypes(op, name + " yields", yield.getOperandTypes(), *yielded) : success();
}

LogicalResult GradOp::verify() {
  ExpectedList arguments;
  expect(arguments, getInputs().getTypes(), "input");
  if (failed(verifyRegion(*this, getBody(), "body", arguments, nullptr)))
    return failure();
  TypeRange types = yielded().getTypes();
  int64_t aux = getAux();
  if (aux < 0 || aux > int64_t(types.size()))
    return emitOpError() << "has " << aux << " auxiliary values, expected 0 to " << types.size()
                         << ", the number of yielded values";
  ExpectedList cotangents, results;
  expect(cotangents, types.drop_back(aux), "yielded value");
  expect(results, types, "yielded value");
  expect(results, getInputs().getTypes(), "input");
  if (failed(verifyTypes(*this, "cotangents", getCotangents().getTypes(), cotangents)))
    return failure();
  return verifyTypes(*this, "results", getResultTypes(), results);
}

LogicalResult JvpOp::verify() {
  ExpectedList inputs, results;
  expect(inputs, getInputs().getTypes(), "input");
  if (failed(verifyRegion(*this, getBody(), "body", inputs, nullptr)) ||
      failed(verifyTypes(*this, "tangents", getTangents().getTypes(), inputs)))
    return failure();
  TypeRange types = getBody().front().getTerminator()->getOperandTypes();
  for (int k = 0; k < 2; ++k)
    expect(results, types, "yielded value");
  return verifyTypes(*this, "results", getResultTypes(), results);
}

LogicalResult IfOp::verify() {
  ExpectedList arguments, results;
  expect(arguments, getInputs().getTypes(), "input");
  expect(results, getResultTypes(), "result");
  if (failed(verifyRegion(*this, getThenRegion(), "then-region", arguments, &results)))
    return failure();
  return verifyRegion(*this, getElseRegion(), "else-region", arguments, &results);
}

/// The types of `tensors` without their leading axis, which must have size `length`; fails otherwise.
static LogicalResult elementTypes(ScanOp op, TypeRange tensors, StringRef role, SmallVectorImpl<Type> &elements) {
  for (auto [i, type] : llvm::enumerate(tensors)) {
    auto tensor = cast<RankedTensorType>(type);
    if (tensor.getRank() == 0 || tensor.getDimSize(0) != int64_t(op.getLength()))
      return op.emitOpError() << role << " " << i << " is " << type << ", expected a leading axis of size "
                              << op.getLength() << ", the number of iterations";
    elements.push_back(RankedTensorType::get(tensor.getShape().drop_front(), tensor.getElementType()));
  }
  return success();
}

LogicalResult ScanOp::verify() {
  if (int64_t(getLength()) < 0)
    return emitOpError() << "runs " << int64_t(getLength()) << " times, expected at least 0";
  size_t carried = getInits().size();
  if (getNumResults() < carried)
    return emitOpError() << "has " << getNumResults() << " results, expected at least " << carried
                         << ", one for each carried value";
  SmallVector<Type> slices, stacked;
  if (failed(elementTypes(*this, getSlices().getTypes(), "slice", slices)) ||
      failed(elementTypes(*this, stackedResults().getTypes(), "stacked result", stacked)))
    return failure();
  Builder builder(getContext());
  ExpectedList arguments{{RankedTensorType::get({}, builder.getI64Type()), "the index"}}, yields, results;
  expect(arguments, getInits().getTypes(), "carried value");
  expect(arguments, slices, "an element of slice");
  expect(arguments, getInvariants().getTypes(), "invariant");
  if (getBreaks())
    yields.push_back({RankedTensorType::get({}, builder.getI1Type()), "the break flag"});
  expect(yields, getInits().getTypes(), "carried value");
  expect(yields, stacked, "an element of stacked result");
  expect(results, getInits().getTypes(), "carried value");
  if (failed(verifyTypes(*this, "carried results", carriedResults().getTypes(), results)))
    return failure();
  return verifyRegion(*this, getBody(), "body", arguments, &yields);
}

LogicalResult WhileOp::verify() {
  ExpectedList arguments, carried;
  expect(carried, getInits().getTypes(), "carried value");
  arguments = carried;
  expect(arguments, getInvariants().getTypes(), "invariant");
  ExpectedList flag{{RankedTensorType::get({}, Builder(getContext()).getI1Type()), "the condition"}};
  if (failed(verifyRegion(*this, getCondition(), "condition", arguments, &flag)) ||
      failed(verifyRegion(*this, getBody(), "body", arguments, &carried)))
    return failure();
  return verifyTypes(*this, "results", getResultTypes(), carried);
}

LogicalResult CallOp::verifySymbolUses(SymbolTableCollection &symbols) {
  auto callee = symbols.lookupNearestSymbolFrom<func::FuncOp>(*this, getCalleeAttr());
  if (!callee)
    return emitOpError() << "calls `" << getCallee() << "`, expected a function of the module";
  ExpectedList arguments, results;
  expect(arguments, callee.getFunctionType().getInputs(), "parameter");
  expect(results, callee.getFunctionType().getResults(), "result");
  if (failed(verifyTypes(*this, "operands", getOperandTypes(), arguments)))
    return failure();
  return verifyTypes(*this, "results", getResultTypes(), results);
}

} // namespace dlc::dl
