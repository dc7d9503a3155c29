// The function around a kernel's loops, and the dispatch on its kind.
#include "codegen/KernelEmitter.h"
#include "codegen/contract/Emitter.h"
#include "codegen/kernel/Emitters.h"
#include "codegen/kernel/PointEmitter.h"
#include "ir/KernelRole.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;

namespace dlc {

/// Planned kernels work on memrefs with static strides; anything else is a mistake of the stage before.
static LogicalResult verifyPlanned(dl::KernelOp kernel) {
  if (!kernel.getValues().empty())
    return kernel.emitOpError("is not in the planned stage: it has results");
  for (Value buffer : kernel->getOperands()) {
    auto type = dyn_cast<MemRefType>(buffer.getType());
    SmallVector<int64_t> strides;
    int64_t offset = 0;
    if (!type || !staticStrides(type, strides, offset))
      return kernel.emitOpError("works on a buffer without static shape and strides: ") << buffer.getType();
  }
  return success();
}

/// Whether there is nothing to do: no element to check or to write.
static bool isEmpty(dl::KernelOp kernel) {
  ValueRange touched = kernel.getKind() == dl::KernelKind::check ? kernel.getIns() : kernel.getOuts();
  if (dl::scratchType(&kernel.getBody().front().front()))
    touched = touched.drop_back();
  return llvm::all_of(touched, [](Value buffer) { return cast<MemRefType>(buffer.getType()).getNumElements() == 0; });
}

FailureOr<KernelInfo> emitKernel(OpBuilder &builder, dl::KernelOp kernel, const Target &target,
                                 StringRef functionName) {
  if (failed(verifyPlanned(kernel)))
    return failure();
  OpBuilder::InsertionGuard guard(builder);
  Location loc = kernel.getLoc();
  Type pointer = LLVM::LLVMPointerType::get(builder.getContext()), i64 = builder.getI64Type();
  auto type = builder.getFunctionType({pointer, i64, i64}, {i64});
  auto function = func::FuncOp::create(builder, loc, functionName, type);
  Block *entry = function.addEntryBlock();
  builder.setInsertionPointToStart(entry);
  // A kernel with numbers gets their address, one that may fail that of the value.
  bool mayFail = dl::kernelRole(&kernel.getBody().front().front()).mayFail, hasNumbers = !kernelNumbers(kernel).empty();
  SmallVector<Value> buffers =
      loadBuffers(builder, loc, entry->getArgument(0), kernel->getNumOperands() + hasNumbers + mayFail);
  Value failureValue = mayFail ? buffers.pop_back_val() : Value();
  KernelFunction parts{builder, kernel, target, buffers, entry->getArgument(1), entry->getArgument(2), failureValue};

  if (isEmpty(kernel)) {
    func::ReturnOp::create(builder, loc, Value(arith::ConstantIntOp::create(builder, loc, 0, 64)));
    return KernelInfo{0, 0};
  }
  Value status;
  FailureOr<KernelInfo> info = failure();
  switch (kernel.getKind()) {
  case dl::KernelKind::map:
    info = emitMapReduce(parts);
    break;
  case dl::KernelKind::contract:
    info = emitContract(parts);
    break;
  case dl::KernelKind::check:
    info = emitCheck(parts, status);
    break;
  case dl::KernelKind::scatter:
    info = emitScatter(parts);
    break;
  case dl::KernelKind::cumulative:
    info = emitCumulative(parts);
    break;
  case dl::KernelKind::sort:
    info = emitSort(parts);
    break;
  case dl::KernelKind::linalg:
    info = emitLinalg(parts, status);
    break;
  case dl::KernelKind::update:
    info = emitUpdate(parts);
    break;
  case dl::KernelKind::print:
    kernel.emitOpError("prints: it has no code of its own");
    break;
  }
  if (failed(info)) {
    function.erase();
    return failure();
  }
  std::string plan = (info->plan.empty() ? "" : info->plan + "; ") + std::to_string(info->tasks) + " tasks, about " +
                     llvm::formatv("{0:f1}", info->nanoseconds / 1000).str() + " us";
  function->setAttr("dl.plan", builder.getStringAttr(plan));
  builder.setInsertionPointToEnd(entry);
  if (!status)
    status = arith::ConstantIntOp::create(builder, loc, 0, 64);
  func::ReturnOp::create(builder, loc, status);
  return info;
}

SmallVector<int64_t> kernelNumbers(dl::KernelOp kernel) {
  SmallVector<int64_t> numbers;
  for (auto random : kernel.getBody().front().getOps<dl::RandomOp>())
    numbers.push_back(random.getPath());
  return numbers;
}

std::string kernelText(dl::KernelOp kernel) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  // Which operands are the same buffer is part of the text; their names are not.
  llvm::DenseMap<Value, unsigned> numbers;
  for (Value buffer : kernel->getOperands())
    stream << numbers.try_emplace(buffer, numbers.size()).first->second << ' ';
  auto copy = cast<dl::KernelOp>(kernel->clone());
  copy.setName("");
  for (auto random : copy.getBody().front().getOps<dl::RandomOp>())
    random.setPath(0);
  copy->print(stream, OpPrintingFlags().printGenericOpForm().useLocalScope().enableDebugInfo(false));
  copy->erase();
  return text;
}

std::string kernelKey(dl::KernelOp kernel) {
  // Types, attributes and names of operations are the same where their addresses are.
  std::string key;
  auto add = [&](const void *word) { key.append(reinterpret_cast<const char *>(&word), sizeof(word)); };
  auto addNumber = [&](uintptr_t number) { add(reinterpret_cast<const void *>(number)); };
  llvm::DenseMap<Value, unsigned> numbers;
  auto addOperation = [&](Operation *op, StringRef without) {
    add(op->getName().getAsOpaquePointer());
    for (Value operand : op->getOperands()) {
      addNumber(numbers.try_emplace(operand, numbers.size()).first->second);
      add(operand.getType().getAsOpaquePointer());
    }
    for (OpResult result : op->getResults()) {
      numbers.try_emplace(result, numbers.size());
      add(result.getType().getAsOpaquePointer());
    }
    for (NamedAttribute attribute : op->getAttrDictionary())
      if (attribute.getName() != without) {
        add(attribute.getName().getAsOpaquePointer());
        add(attribute.getValue().getAsOpaquePointer());
      }
    addNumber(~uintptr_t(0));
  };
  addOperation(kernel, "name");
  for (BlockArgument argument : kernel.getBody().getArguments()) {
    numbers.try_emplace(argument, numbers.size());
    add(argument.getType().getAsOpaquePointer());
  }
  for (Operation &op : kernel.getBody().front())
    addOperation(&op, isa<dl::RandomOp>(op) ? "path" : "");
  return key;
}

} // namespace dlc
