// Lists of a scan that change (ScanEditor.h).
#include "passes/loops/ScanEditor.h"

using namespace mlir;

namespace dlc {

RankedTensorType stackType(Value element, int64_t length) {
  auto type = cast<RankedTensorType>(element.getType());
  SmallVector<int64_t> shape{length};
  llvm::append_range(shape, type.getShape());
  return RankedTensorType::get(shape, type.getElementType());
}

ScanEditor::ScanEditor(dl::ScanOp scan)
    : scan(scan), body(scan.block()), inits(scan.getInits()), slices(scan.getSlices()),
      invariants(scan.getInvariants()), flags(scan.getBreaks()), yields(scan.yielded()),
      results(scan.getResults().begin(), scan.getResults().end()) {}

Value ScanEditor::addInvariant(Value outside) {
  for (auto [number, known] : llvm::enumerate(invariants))
    if (known == outside)
      return invariantArg(number);
  invariants.push_back(outside);
  return body.addArgument(outside.getType(), outside.getLoc());
}

Value ScanEditor::addSlice(Value stack) {
  auto type = cast<RankedTensorType>(stack.getType());
  slices.push_back(stack);
  return body.insertArgument(inits.size() + slices.size(),
                             RankedTensorType::get(type.getShape().drop_front(), type.getElementType()),
                             stack.getLoc());
}

void ScanEditor::replace(Value old, Value value) {
  old.replaceAllUsesWith(value);
  std::replace(yields.begin(), yields.end(), old, value);
}

void ScanEditor::addStack(Value element) {
  yields.push_back(element);
  results.push_back(Value());
}

void ScanEditor::setYields() { body.getTerminator()->setOperands(yields); }

void ScanEditor::dropCarried(ArrayRef<unsigned> dead) {
  // None is yielded any more before the first argument goes.
  for (unsigned i : llvm::reverse(dead)) {
    yields.erase(yields.begin() + flags + i);
    results.erase(results.begin() + i);
  }
  eraseDead();
  for (unsigned i : llvm::reverse(dead)) {
    body.eraseArgument(1 + i);
    inits.erase(inits.begin() + i);
  }
}

void ScanEditor::dropSlice(unsigned i) {
  body.eraseArgument(1 + inits.size() + i);
  slices.erase(slices.begin() + i);
}

void ScanEditor::dropInvariant(unsigned i) {
  body.eraseArgument(1 + inits.size() + slices.size() + i);
  invariants.erase(invariants.begin() + i);
}

void ScanEditor::dropStack(unsigned i) {
  yields.erase(yields.begin() + flags + inits.size() + i);
  results.erase(results.begin() + inits.size() + i);
}

void ScanEditor::eraseDead() {
  setYields();
  for (Operation &op : llvm::make_early_inc_range(llvm::reverse(body)))
    if (isOpTriviallyDead(&op))
      op.erase();
}

dl::ScanOp ScanEditor::build() {
  setYields();
  SmallVector<Type> types;
  for (size_t i = 0; i < results.size(); ++i)
    types.push_back(i < inits.size() ? inits[i].getType() : stackType(yields[flags + i], scan.getLength()));
  OpBuilder builder(scan);
  auto made = dl::ScanOp::create(builder, scan.getLoc(), types, scan.getLengthAttr(), inits, slices, invariants,
                                 scan.getReverseAttr(), scan.getBreaksAttr());
  made.getBody().takeBody(scan.getBody());
  for (auto [old, result] : llvm::zip_equal(results, made.getResults()))
    if (old)
      old.replaceAllUsesWith(result);
  return made;
}

} // namespace dlc
