// A step is a table of kernels and a call that runs it.
#include "codegen/StepEmitter.h"
#include "codegen/StepTable.h"
#include "ir/KernelRole.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Analysis/TargetLibraryInfo.h"

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
  // No kernel takes the step's name, or those of its tables.
  llvm::StringMap<unsigned> names;
  std::string symbol = stepSymbol(planned.getName());
  for (const char *own : {"", ".kernels", ".table"})
    names[symbol + own] = 1;
  planned.walk([&](dl::KernelOp kernel) {
    auto [entry, fresh] = known.try_emplace(kernelKey(kernel), entries.size());
    entryOf[kernel] = entry->second;
    if (!fresh)
      return;
    std::string name = (planned.getName() + "." + kernel.getName()).str();
    if (unsigned count = names[name]++)
      name += "." + std::to_string(count);
    entries.push_back({kernel, std::move(name), {}});
  });
}

LogicalResult emitKernelOf(OpBuilder &builder, KernelTable::Entry &entry, const Target &target) {
  FailureOr<KernelInfo> info = emitKernel(builder, entry.kernel, target, entry.name);
  if (succeeded(info))
    entry.info = *info;
  return info;
}

namespace {
class StepEmitter {
public:
  StepEmitter(OpBuilder &builder, func::FuncOp planned, const KernelTable &kernels)
      : builder(builder), planned(planned), kernels(kernels), loc(planned.getLoc()),
        pointer(LLVM::LLVMPointerType::get(builder.getContext())), i64(builder.getI64Type()) {}

  LogicalResult emit(StringRef name);

private:
  void placeArguments();
  LogicalResult emitBlock(Block &block);
  LogicalResult addKernel(dl::KernelOp kernel);
  void runPiece();
  void defineFunctions(StringRef name);
  void defineTable(StringRef name);

  Value constant(int64_t value) { return arith::ConstantIntOp::create(builder, loc, value, 64); }
  Value element(Value array, int64_t index) {
    return LLVM::GEPOp::create(builder, loc, pointer, pointer, array, LLVM::GEPArg(int32_t(index)),
                               LLVM::GEPNoWrapFlags::inbounds);
  }
  Value global(StringRef symbol) { return LLVM::AddressOfOp::create(builder, loc, pointer, symbol); }

  OpBuilder &builder;
  func::FuncOp planned, step, runner;
  const KernelTable &kernels;
  Location loc;
  Type pointer, i64;
  std::string functionsName, tableName;
  Value context, bases, args;
  StepTable table;
  /// Where the piece begins that is not run yet.
  int64_t pieceBegin = 0;
  llvm::DenseMap<Value, StepPlace> places;
  unsigned baseCount = 0;
  int64_t checks = 0;
  /// Whether a kernel before wrote to the parameters or the state.
  bool hasWritten = false;
};
} // namespace

LogicalResult StepEmitter::emit(StringRef name) {
  auto module = cast<ModuleOp>(builder.getInsertionBlock()->getParentOp());
  functionsName = (name + ".kernels").str();
  tableName = (name + ".table").str();
  runner = stepRunner(builder, module);
  defineFunctions(functionsName);
  SmallVector<Type> types(6, pointer);
  step = func::FuncOp::create(builder, loc, name, builder.getFunctionType(types, {i64}));
  Block *entry = step.addEntryBlock();
  OpBuilder::InsertPoint outside = builder.saveInsertionPoint();
  builder.setInsertionPointToStart(entry);
  context = entry->getArgument(5);
  baseCount = planned.getNumArguments();
  unsigned most = 0;
  planned.walk([&](dl::KernelOp kernel) { most = std::max(most, kernel->getNumOperands()); });
  bases = LLVM::AllocaOp::create(builder, loc, pointer, pointer, constant(baseCount), 8);
  args = LLVM::AllocaOp::create(builder, loc, pointer, pointer, constant(most + 1), 8);
  placeArguments();
  if (failed(emitBlock(planned.getBody().front())))
    return failure();
  func::ReturnOp::create(builder, loc, constant(0));
  builder.restoreInsertionPoint(outside);
  defineTable(tableName);
  return success();
}

/// Blocks are arguments of the step; inputs and outputs come from its arrays.
void StepEmitter::placeArguments() {
  Block &from = planned.getBody().front(), *to = builder.getInsertionBlock();
  auto names = planned->getAttrOfType<ArrayAttr>("dl.inputs");
  unsigned inputs = names ? names.size() : 0, last = from.getNumArguments() - 1;
  for (unsigned i = 0; i <= last; ++i) {
    Value address;
    if (i < 2 || i == last) {
      address = to->getArgument(i < 2 ? i : 4);
    } else {
      bool input = i - 2 < inputs;
      address = element(to->getArgument(input ? 2 : 3), input ? i - 2 : i - 2 - inputs);
      address = LLVM::LoadOp::create(builder, loc, pointer, address, 8);
    }
    LLVM::StoreOp::create(builder, loc, address, element(bases, i), 8);
    places[from.getArgument(i)] = {i, 0};
  }
}

LogicalResult StepEmitter::emitBlock(Block &block) {
  for (Operation &op : block) {
    if (auto buffer = dyn_cast<dl::BufferOp>(op)) {
      StepPlace block = places.lookup(buffer.getBlock());
      places[buffer.getResult()] = {block.base, block.offset + int64_t(buffer.getOffset())};
    } else if (auto kernel = dyn_cast<dl::KernelOp>(op)) {
      if (failed(addKernel(kernel)))
        return failure();
    } else if (!isa<func::ReturnOp>(op)) {
      return op.emitOpError("cannot be part of a planned function");
    }
  }
  runPiece();
  return success();
}

LogicalResult StepEmitter::addKernel(dl::KernelOp kernel) {
  unsigned number = kernels.entryOf.lookup(kernel);
  const KernelInfo &info = kernels.entries[number].info;
  bool mayFail = dl::kernelRole(&kernel.getBody().front().front()).mayFail;
  // Checks are counted as they stand in the plan, also one that has nothing to look at.
  checks += mayFail;
  if (info.tasks == 0)
    return success();
  SmallVector<StepPlace> operands;
  for (Value buffer : kernel->getOperands()) {
    auto place = places.find(buffer);
    if (place == places.end())
      return kernel.emitOpError("works on a buffer that is neither an argument nor a dl.buffer");
    operands.push_back(place->second);
  }
  int64_t flags = mayFail ? stepMayFail : 0;
  if (info.tasks > 1 && info.nanoseconds >= parallelNanoseconds && !mayFail)
    flags |= stepParallel;
  // A step that has begun to write runs to its end.
  if (!hasWritten)
    flags |= stepPolls;
  for (StepPlace out : ArrayRef(operands).drop_front(kernel.getIns().size()))
    hasWritten |= out.base < 2;
  table.add(number, info.tasks, flags, mayFail ? checks : 0, operands);
  return success();
}

/// Runs the records since the last piece; the step ends with its status if that is not 0.
void StepEmitter::runPiece() {
  if (table.size() == pieceBegin)
    return;
  Value words = global(tableName);
  Value begin = element(words, pieceBegin), end = element(words, table.size());
  pieceBegin = table.size();
  Value status = func::CallOp::create(builder, loc, runner,
                                      ValueRange{global(functionsName), begin, end, bases, args, context})
                     .getResult(0);
  Value ended = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::ne, status, constant(0));
  Block *here = builder.getInsertionBlock();
  Block *failure = builder.createBlock(&step.getBody());
  func::ReturnOp::create(builder, loc, status);
  Block *next = builder.createBlock(&step.getBody());
  builder.setInsertionPointToEnd(here);
  cf::CondBranchOp::create(builder, loc, ended, failure, next);
  builder.setInsertionPointToEnd(next);
}

/// The kernels' functions by number. Those that the module lacks are declared.
void StepEmitter::defineFunctions(StringRef name) {
  auto module = cast<ModuleOp>(builder.getInsertionBlock()->getParentOp());
  auto type = builder.getFunctionType({pointer, i64, i64}, {i64});
  for (const KernelTable::Entry &entry : kernels.entries)
    if (!module.lookupSymbol(entry.name))
      func::FuncOp::create(builder, loc, entry.name, type).setPrivate();
  auto array = LLVM::LLVMArrayType::get(pointer, kernels.entries.size());
  auto functions =
      LLVM::GlobalOp::create(builder, loc, array, /*isConstant=*/true, LLVM::Linkage::Internal, name, Attribute(), 8);
  OpBuilder::InsertionGuard guard(builder);
  builder.createBlock(&functions.getInitializerRegion());
  Value value = LLVM::UndefOp::create(builder, loc, array);
  for (auto [i, entry] : llvm::enumerate(kernels.entries)) {
    Value function = func::ConstantOp::create(builder, loc, type, entry.name);
    function = UnrealizedConversionCastOp::create(builder, loc, pointer, function).getResult(0);
    value = LLVM::InsertValueOp::create(builder, loc, value, function, int64_t(i));
  }
  LLVM::ReturnOp::create(builder, loc, value);
}

void StepEmitter::defineTable(StringRef name) {
  auto type = RankedTensorType::get(int64_t(table.content().size()), i64);
  auto array = LLVM::LLVMArrayType::get(i64, table.content().size());
  LLVM::GlobalOp::create(builder, loc, array, /*isConstant=*/true, LLVM::Linkage::Internal, name,
                         DenseIntElementsAttr::get(type, table.content()), 8);
}

LogicalResult emitStep(OpBuilder &builder, func::FuncOp planned, const KernelTable &table, StringRef name) {
  OpBuilder::InsertionGuard guard(builder);
  return StepEmitter(builder, planned, table).emit(name);
}

} // namespace dlc
