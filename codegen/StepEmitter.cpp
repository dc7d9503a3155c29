// A step is straight code: for each kernel, its buffers' addresses into one array on the stack, then the call. After a
// check it may return.
#include "codegen/StepEmitter.h"
#include "codegen/kernel/PointEmitter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "runtime/Abi.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Analysis/TargetLibraryInfo.h"
#include <cstddef>

using namespace mlir;

namespace dlc {

/// Below this a kernel runs on the calling thread: a fork and a join cost up to a few microseconds.
static constexpr double parallelNanoseconds = 15000;

std::string stepSymbol(StringRef entry) {
  static const llvm::TargetLibraryInfoImpl library(llvm::Triple("x86_64-unknown-linux-gnu"));
  llvm::LibFunc ignored;
  bool isTaken = library.getLibFunc(entry, ignored) || entry == "main" || entry == "fma" || entry == "fmaf" ||
                 entry.starts_with("__");
  return isTaken ? (entry + ".step").str() : entry.str();
}

KernelTable::KernelTable(func::FuncOp planned) {
  std::map<std::string, unsigned> known;
  // No kernel takes the step's name.
  llvm::StringMap<unsigned> names = {{(planned.getName() + ".step").str(), 1}};
  for (dl::KernelOp kernel : planned.getOps<dl::KernelOp>()) {
    auto [entry, fresh] = known.try_emplace(kernelKey(kernel), entries.size());
    entryOf[kernel] = entry->second;
    if (!fresh)
      continue;
    std::string name = (planned.getName() + "." + kernel.getName()).str();
    if (unsigned count = names[name]++)
      name += "." + std::to_string(count);
    entries.push_back({kernel, std::move(name), {}});
  }
}

LogicalResult emitKernels(OpBuilder &builder, KernelTable &table, ArrayRef<unsigned> numbers, const Target &target) {
  for (unsigned number : numbers) {
    KernelTable::Entry &entry = table.entries[number];
    FailureOr<KernelInfo> info = emitKernel(builder, entry.kernel, target, entry.name);
    if (failed(info))
      return failure();
    entry.info = *info;
  }
  return success();
}

namespace {
class StepEmitter {
public:
  StepEmitter(OpBuilder &builder, func::FuncOp planned, const KernelTable &table)
      : builder(builder), planned(planned), table(table), loc(planned.getLoc()),
        pointer(LLVM::LLVMPointerType::get(builder.getContext())), i64(builder.getI64Type()) {}

  LogicalResult emit(StringRef name);

private:
  void placeArguments();
  void declareKernels();
  LogicalResult emitKernelCall(dl::KernelOp kernel);
  void call(const KernelTable::Entry &entry);
  void emitCheckCall(dl::KernelOp kernel, const KernelTable::Entry &entry);
  Value checkedValue(dl::KernelOp kernel, Value index);

  Value constant(int64_t value) { return arith::ConstantIntOp::create(builder, loc, value, 64); }
  Value at(Value base, int64_t bytes) {
    if (bytes == 0)
      return base;
    return LLVM::GEPOp::create(builder, loc, pointer, builder.getI8Type(), base, ValueRange{constant(bytes)},
                               LLVM::GEPNoWrapFlags::inbounds);
  }
  Value loadPointer(Value base, int64_t bytes) {
    return LLVM::LoadOp::create(builder, loc, pointer, at(base, bytes), 8);
  }
  Value isNotNull(Value value) {
    Value null = LLVM::ZeroOp::create(builder, loc, pointer);
    return LLVM::ICmpOp::create(builder, loc, LLVM::ICmpPredicate::ne, value, null);
  }

  OpBuilder &builder;
  func::FuncOp planned, step;
  const KernelTable &table;
  Location loc;
  Type pointer, i64;
  Value context, args;
  llvm::DenseMap<Value, Value> addresses;
  int64_t checks = 0;
};
} // namespace

LogicalResult StepEmitter::emit(StringRef name) {
  SmallVector<Type> types(6, pointer);
  declareKernels();
  step = func::FuncOp::create(builder, loc, name, builder.getFunctionType(types, {i64}));
  Block *entry = step.addEntryBlock();
  builder.setInsertionPointToStart(entry);
  context = entry->getArgument(5);
  unsigned most = 1;
  for (dl::KernelOp kernel : planned.getOps<dl::KernelOp>())
    most = std::max(most, kernel->getNumOperands());
  args = LLVM::AllocaOp::create(builder, loc, pointer, pointer, constant(most), 8);
  placeArguments();
  for (Operation &op : planned.getBody().front()) {
    if (auto buffer = dyn_cast<dl::BufferOp>(op)) {
      addresses[buffer.getResult()] = at(addresses[buffer.getBlock()], buffer.getOffset());
    } else if (auto kernel = dyn_cast<dl::KernelOp>(op)) {
      if (failed(emitKernelCall(kernel)))
        return failure();
    } else if (isa<func::ReturnOp>(op)) {
      func::ReturnOp::create(builder, loc, constant(0));
    } else {
      return op.emitOpError("cannot be part of a planned function");
    }
  }
  return success();
}

/// Blocks are arguments of the step; inputs and outputs come from its arrays.
void StepEmitter::placeArguments() {
  Block &from = planned.getBody().front(), *to = builder.getInsertionBlock();
  auto names = planned->getAttrOfType<ArrayAttr>("dl.inputs");
  unsigned inputs = names ? names.size() : 0, last = from.getNumArguments() - 1;
  addresses[from.getArgument(0)] = to->getArgument(0);
  addresses[from.getArgument(1)] = to->getArgument(1);
  addresses[from.getArgument(last)] = to->getArgument(4);
  for (unsigned i = 2; i < last; ++i) {
    bool input = i - 2 < inputs;
    Value array = to->getArgument(input ? 2 : 3);
    addresses[from.getArgument(i)] = loadPointer(array, 8 * (input ? i - 2 : i - 2 - inputs));
  }
}

void StepEmitter::declareKernels() {
  auto module = cast<ModuleOp>(builder.getInsertionBlock()->getParentOp());
  auto type = builder.getFunctionType({pointer, i64, i64}, {i64});
  for (const KernelTable::Entry &entry : table.entries)
    if (!module.lookupSymbol(entry.name))
      func::FuncOp::create(builder, loc, entry.name, type).setPrivate();
}

LogicalResult StepEmitter::emitKernelCall(dl::KernelOp kernel) {
  const KernelTable::Entry &entry = table.entries[table.entryOf.lookup(kernel)];
  loc = kernel.getLoc();
  // Checks are counted as they stand in the plan, also one that has nothing to look at.
  bool isCheck = kernel.getKind() == dl::KernelKind::check;
  checks += isCheck;
  if (entry.info.tasks == 0)
    return success();
  for (auto [i, buffer] : llvm::enumerate(kernel->getOperands())) {
    Value address = addresses.lookup(buffer);
    if (!address)
      return kernel.emitOpError("works on a buffer that is neither an argument nor a dl.buffer");
    LLVM::StoreOp::create(builder, loc, address, at(args, 8 * i), 8);
  }
  if (isCheck)
    emitCheckCall(kernel, entry);
  else
    call(entry);
  return success();
}

void StepEmitter::call(const KernelTable::Entry &entry) {
  Value low = constant(0), tasks = constant(entry.info.tasks);
  auto direct = [&] { func::CallOp::create(builder, loc, entry.name, TypeRange{i64}, ValueRange{args, low, tasks}); };
  if (entry.info.tasks == 1 || entry.info.nanoseconds < parallelNanoseconds)
    return direct();
  auto branch = scf::IfOp::create(builder, loc, isNotNull(context), /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(branch.thenBlock());
  // A kernel's function serves as the body as it is: its result is ignored.
  auto type = builder.getFunctionType({pointer, i64, i64}, {i64});
  Value function = func::ConstantOp::create(builder, loc, type, entry.name);
  function = UnrealizedConversionCastOp::create(builder, loc, pointer, function).getResult(0);
  Value parallel = loadPointer(context, offsetof(dlc_context, parallel));
  auto signature =
      LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(builder.getContext()), {pointer, pointer, pointer, i64});
  LLVM::CallOp::create(builder, loc, signature, ValueRange{parallel, context, function, args, tasks});
  builder.setInsertionPointToStart(branch.elseBlock());
  direct();
}

/// A check runs whole on the calling thread; when it fails the step describes the failure and returns.
void StepEmitter::emitCheckCall(dl::KernelOp kernel, const KernelTable::Entry &entry) {
  Value id = constant(checks);
  Value status = func::CallOp::create(builder, loc, entry.name, TypeRange{i64},
                                      ValueRange{args, constant(0), constant(entry.info.tasks)})
                     .getResult(0);
  Value failed = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::ne, status, constant(0));
  Block *here = builder.getInsertionBlock();
  Block *next = builder.createBlock(&step.getBody());
  Block *failure = builder.createBlock(&step.getBody());
  builder.setInsertionPointToEnd(here);
  cf::CondBranchOp::create(builder, loc, failed, failure, next);

  builder.setInsertionPointToStart(failure);
  auto described = scf::IfOp::create(builder, loc, isNotNull(context), /*withElseRegion=*/false);
  builder.setInsertionPointToStart(described.thenBlock());
  Value index = arith::SubIOp::create(builder, loc, status, constant(1));
  auto set = [&](Value value, size_t offset) { LLVM::StoreOp::create(builder, loc, value, at(context, offset), 8); };
  set(id, offsetof(dlc_context, error_check));
  set(index, offsetof(dlc_context, error_index));
  set(checkedValue(kernel, index), offsetof(dlc_context, error_value));
  builder.setInsertionPointToEnd(failure);
  func::ReturnOp::create(builder, loc, id);
  builder.setInsertionPointToStart(next);
}

/// The element at a row-major index of a check's buffer, as an i64.
Value StepEmitter::checkedValue(dl::KernelOp kernel, Value index) {
  auto type = cast<MemRefType>(kernel.getIns()[0].getType());
  auto [strides, offset] = type.getStridesAndOffset();
  Value address = constant(offset);
  for (int64_t axis = type.getRank(); axis-- > 0;) {
    Value size = constant(type.getDimSize(axis));
    Value digit = arith::RemUIOp::create(builder, loc, index, size);
    index = arith::DivUIOp::create(builder, loc, index, size);
    Value scaled = arith::MulIOp::create(builder, loc, digit, constant(strides[axis]));
    address = arith::AddIOp::create(builder, loc, address, scaled);
  }
  Type element = type.getElementType(), memory = memoryType(element);
  Value place = LLVM::GEPOp::create(builder, loc, pointer, memory, addresses.lookup(kernel.getIns()[0]),
                                    ValueRange{address}, LLVM::GEPNoWrapFlags::inbounds);
  Value value = LLVM::LoadOp::create(builder, loc, memory, place);
  if (memory == i64)
    return value;
  return element.isUnsignedInteger() || element.isInteger(1) ? Value(arith::ExtUIOp::create(builder, loc, i64, value))
                                                             : Value(arith::ExtSIOp::create(builder, loc, i64, value));
}

LogicalResult emitStep(OpBuilder &builder, func::FuncOp planned, const KernelTable &table, StringRef name) {
  OpBuilder::InsertionGuard guard(builder);
  return StepEmitter(builder, planned, table).emit(name);
}

} // namespace dlc
