// A step is a table of kernels, and the control flow of loops and branches around calls that run pieces of it. What a loop
// makes anew in each iteration (an entry of a stack, a buffer that alternates with another) has a base of its own, which the
// step sets.
#include "codegen/StepEmitter.h"
#include "codegen/StepTable.h"
#include "ir/KernelRole.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
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
  // No kernel takes the step's name, or those of its tables.
  llvm::StringMap<unsigned> names;
  std::string symbol = stepSymbol(planned.getName());
  for (const char *own : {"", ".kernels", ".table", ".numbers"})
    names[symbol + own] = 1;
  planned.walk([&](dl::KernelOp kernel) {
    if (kernel.getKind() == dl::KernelKind::print)
      return;
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
  void print(dl::KernelOp kernel);
  void runPiece();
  LogicalResult emitLoop(dl::LoopOp loop);
  LogicalResult emitBranch(dl::BranchOp branch);
  void placeEntry(dl::EntryOp entry);
  void permute(dl::LoopOp loop, dl::NextOp next);
  Block *failureBlock(Value index);
  void eraseUnreached();
  bool writesBlocks(Operation *op);
  void defineFunctions(StringRef name);
  void defineTable(StringRef name, ArrayRef<int64_t> words);

  Value constant(int64_t value) { return arith::ConstantIntOp::create(builder, loc, value, 64); }
  Value element(Value array, int64_t index) {
    return LLVM::GEPOp::create(builder, loc, pointer, pointer, array, LLVM::GEPArg(int32_t(index)),
                               LLVM::GEPNoWrapFlags::inbounds);
  }
  Value addressOf(StepPlace place) {
    Value base = LLVM::LoadOp::create(builder, loc, pointer, element(bases, place.base), 8);
    return place.offset ? moved(base, constant(place.offset)) : base;
  }
  Value moved(Value address, Value bytes) {
    return LLVM::GEPOp::create(builder, loc, pointer, builder.getI8Type(), address, ValueRange{bytes},
                               LLVM::GEPNoWrapFlags::inbounds);
  }
  /// Whether a flag in memory is true.
  Value isSet(Value flag) {
    Value byte = LLVM::LoadOp::create(builder, loc, builder.getI8Type(), addressOf(places.lookup(flag)), 1);
    return arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::ne, byte,
                                 arith::ConstantIntOp::create(builder, loc, 0, 8));
  }
  Block *addBlock() {
    OpBuilder::InsertionGuard guard(builder);
    return builder.createBlock(&step.getBody());
  }
  void jump(Block *to, ValueRange arguments = {}) { cf::BranchOp::create(builder, loc, to, arguments); }
  void jumpIf(Value condition, Block *then, ValueRange thenArguments, Block *otherwise, ValueRange arguments = {}) {
    cf::CondBranchOp::create(builder, loc, condition, then, thenArguments, otherwise, arguments);
  }
  Value global(StringRef symbol) { return LLVM::AddressOfOp::create(builder, loc, pointer, symbol); }

  OpBuilder &builder;
  func::FuncOp planned, step, runner;
  const KernelTable &kernels;
  Location loc;
  Type pointer, i64;
  std::string functionsName, tableName, numbersName;
  Value context, bases, args;
  StepTable table;
  /// Where the piece begins that is not run yet.
  int64_t pieceBegin = 0;
  llvm::DenseMap<Value, StepPlace> places;
  /// The indices of loops.
  llvm::DenseMap<Value, Value> indices;
  /// The kernels' numbers, and the base of their table.
  SmallVector<int64_t> numbers;
  unsigned numbersBase = 0, baseCount = 0;
  int64_t checks = 0, prints = 0;
  /// Takes a status: where a piece goes that did not end well.
  Block *onFailure = nullptr;
  /// Behind the loop that is emitted.
  Block *loopEnd = nullptr;
  /// Whether a kernel before wrote to the parameters or the state.
  bool hasWritten = false;
};
} // namespace

LogicalResult StepEmitter::emit(StringRef name) {
  auto module = cast<ModuleOp>(builder.getInsertionBlock()->getParentOp());
  functionsName = (name + ".kernels").str();
  tableName = (name + ".table").str();
  numbersName = (name + ".numbers").str();
  runner = stepRunner(builder, module);
  defineFunctions(functionsName);
  SmallVector<Type> types(6, pointer);
  step = func::FuncOp::create(builder, loc, name, builder.getFunctionType(types, {i64}));
  Block *entry = step.addEntryBlock();
  OpBuilder::InsertPoint outside = builder.saveInsertionPoint();
  builder.setInsertionPointToStart(entry);
  context = entry->getArgument(5);
  unsigned most = 0, count = planned.getNumArguments() + 1;
  bool hasNumbers = false;
  planned.walk([&](Operation *op) {
    if (auto kernel = dyn_cast<dl::KernelOp>(op)) {
      most = std::max(most, op->getNumOperands() + 1);
      hasNumbers |= !kernelNumbers(kernel).empty();
    }
    if (auto loop = dyn_cast<dl::LoopOp>(op))
      count += loop.getCarried().size();
    else
      count += isa<dl::EntryOp>(op);
  });
  bases = LLVM::AllocaOp::create(builder, loc, pointer, pointer, constant(count), 8);
  args = LLVM::AllocaOp::create(builder, loc, pointer, pointer, constant(most + 1), 8);
  placeArguments();
  numbersBase = baseCount++;
  if (hasNumbers)
    LLVM::StoreOp::create(builder, loc, global(numbersName), element(bases, numbersBase), 8);
  onFailure = addBlock();
  onFailure->addArgument(i64, loc);
  if (failed(emitBlock(planned.getBody().front())))
    return failure();
  func::ReturnOp::create(builder, loc, constant(0));
  builder.setInsertionPointToEnd(onFailure);
  func::ReturnOp::create(builder, loc, onFailure->getArgument(0));
  eraseUnreached();
  builder.restoreInsertionPoint(outside);
  defineTable(tableName, table.content());
  if (hasNumbers)
    defineTable(numbersName, numbers);
  return success();
}

/// Where no kernel runs nothing fails. What is never reached is not lowered either.
void StepEmitter::eraseUnreached() {
  for (bool changed = true; changed;) {
    changed = false;
    for (Block &block : llvm::make_early_inc_range(llvm::drop_begin(step.getBody())))
      if (block.hasNoPredecessors()) {
        block.erase();
        changed = true;
      }
  }
}

/// Blocks are arguments of the step; inputs and outputs come from its arrays, whose addresses follow one another in the bases
/// as they do there. (A load and a store for each of a thousand would take LLVM a second.)
void StepEmitter::placeArguments() {
  Block &from = planned.getBody().front(), *to = builder.getInsertionBlock();
  auto names = planned->getAttrOfType<ArrayAttr>("dl.inputs");
  unsigned inputs = names ? names.size() : 0, last = from.getNumArguments() - 1;
  auto copy = [&](unsigned argument, unsigned first, unsigned count) {
    if (count != 0)
      LLVM::MemcpyOp::create(builder, loc, element(bases, first), to->getArgument(argument),
                             constant(8 * int64_t(count)),
                             /*isVolatile=*/false);
  };
  for (auto [base, argument] : {std::pair(0u, 0), {1u, 1}, {last, 4}})
    LLVM::StoreOp::create(builder, loc, to->getArgument(argument), element(bases, base), 8);
  copy(2, 2, inputs);
  copy(3, 2 + inputs, last - 2 - inputs);
  for (BlockArgument argument : from.getArguments())
    places[argument] = {baseCount++, 0};
}

LogicalResult StepEmitter::emitBlock(Block &block) {
  for (Operation &op : block) {
    if (auto buffer = dyn_cast<dl::BufferOp>(op)) {
      StepPlace block = places.lookup(buffer.getBlock());
      places[buffer.getResult()] = {block.base, block.offset + int64_t(buffer.getOffset())};
    } else if (auto kernel = dyn_cast<dl::KernelOp>(op)) {
      if (kernel.getKind() == dl::KernelKind::print)
        print(kernel);
      else if (failed(addKernel(kernel)))
        return failure();
    } else if (auto entry = dyn_cast<dl::EntryOp>(op)) {
      placeEntry(entry);
    } else if (auto loop = dyn_cast<dl::LoopOp>(op)) {
      if (failed(emitLoop(loop)))
        return failure();
    } else if (auto branch = dyn_cast<dl::BranchOp>(op)) {
      if (failed(emitBranch(branch)))
        return failure();
    } else if (auto exit = dyn_cast<dl::ExitOp>(op)) {
      runPiece();
      Block *next = addBlock();
      jumpIf(isSet(exit.getCondition()), next, {}, loopEnd);
      builder.setInsertionPointToEnd(next);
    } else if (!isa<func::ReturnOp, dl::NextOp>(op)) {
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
  if (SmallVector<int64_t> own = kernelNumbers(kernel); !own.empty()) {
    operands.push_back({numbersBase, int64_t(8 * numbers.size())});
    llvm::append_range(numbers, own);
  }
  int64_t flags = mayFail ? stepMayFail : 0;
  if (info.tasks > 1 && info.nanoseconds >= parallelNanoseconds && !mayFail)
    flags |= stepParallel;
  // A step that has begun to write runs to its end.
  if (!hasWritten)
    flags |= stepPolls;
  for (StepPlace out : ArrayRef(operands).slice(kernel.getIns().size(), kernel.getOuts().size()))
    hasWritten |= out.base < 2;
  table.add(number, info.tasks, flags, mayFail ? checks : 0, operands);
  return success();
}

/// Asks the context, if there is one that prints, to print the line with the next number.
void StepEmitter::print(dl::KernelOp kernel) {
  runPiece();
  ++prints;
  Block *asked = addBlock(), *printing = addBlock(), *end = addBlock();
  Value null = LLVM::ZeroOp::create(builder, loc, pointer);
  auto isThere = [&](Value address) {
    return LLVM::ICmpOp::create(builder, loc, LLVM::ICmpPredicate::ne, address, null);
  };
  jumpIf(isThere(context), asked, {}, end);
  builder.setInsertionPointToEnd(asked);
  Value callee = LLVM::LoadOp::create(builder, loc, pointer, moved(context, constant(offsetof(dlc_context, print))), 8);
  jumpIf(isThere(callee), printing, {}, end);
  builder.setInsertionPointToEnd(printing);
  for (auto [i, operand] : llvm::enumerate(kernel.getIns()))
    LLVM::StoreOp::create(builder, loc, addressOf(places.lookup(operand)), element(args, i), 8);
  auto type = LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(builder.getContext()), {pointer, i64, pointer});
  LLVM::CallOp::create(builder, loc, type, ValueRange{callee, context, constant(prints), args});
  if (hasWritten) {
    jump(end);
  } else {
    // A loop that only prints ends too when it is asked to.
    Block *asking = addBlock();
    Value stop = LLVM::LoadOp::create(builder, loc, pointer, moved(context, constant(offsetof(dlc_context, stop))), 8);
    jumpIf(isThere(stop), asking, {}, end);
    builder.setInsertionPointToEnd(asking);
    Value flag = LLVM::LoadOp::create(builder, loc, builder.getI32Type(), stop, 4, /*isVolatile=*/true);
    Value none = arith::ConstantIntOp::create(builder, loc, 0, 32);
    Value asked = LLVM::ICmpOp::create(builder, loc, LLVM::ICmpPredicate::ne, flag, none);
    jumpIf(asked, onFailure, constant(-1), end);
  }
  builder.setInsertionPointToEnd(end);
}

/// Runs the records since the last piece; the step ends with its status if that is not 0.
void StepEmitter::runPiece() {
  if (table.size() == pieceBegin)
    return;
  Value words = global(tableName);
  Value begin = element(words, pieceBegin), end = element(words, table.size());
  pieceBegin = table.size();
  Value status =
      func::CallOp::create(builder, loc, runner, ValueRange{global(functionsName), begin, end, bases, args, context})
          .getResult(0);
  Value ended = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::ne, status, constant(0));
  Block *next = addBlock();
  jumpIf(ended, onFailure, status, next);
  builder.setInsertionPointToEnd(next);
}

/// The base of an entry is set where the entry stands: before anything that works on it runs.
void StepEmitter::placeEntry(dl::EntryOp entry) {
  auto type = cast<MemRefType>(entry.getStack().getType());
  int64_t stride = type.getNumElements() == 0 ? 0 : type.getStridesAndOffset().first.front();
  stride *= llvm::divideCeil(type.getElementTypeBitWidth(), 8);
  Value bytes = arith::MulIOp::create(builder, loc, indices.lookup(entry.getIndex()), constant(stride));
  Value address = moved(addressOf(places.lookup(entry.getStack())), bytes);
  places[entry.getResult()] = {baseCount, 0};
  LLVM::StoreOp::create(builder, loc, address, element(bases, baseCount++), 8);
}

/// header(count): body, or behind the loop when all iterations have run. The bases of what is carried hold, behind the loop
/// too, what dl.next handed on last.
LogicalResult StepEmitter::emitLoop(dl::LoopOp loop) {
  runPiece();
  for (auto [init, argument, result] : llvm::zip_equal(loop.getCarried(), loop.carriedArgs(), loop.getResults())) {
    Value address = addressOf(places.lookup(init));
    LLVM::StoreOp::create(builder, loc, address, element(bases, baseCount), 8);
    StepPlace place{baseCount++, 0};
    places[argument] = place;
    places[result] = place;
  }
  hasWritten |= writesBlocks(loop);
  Block *header = addBlock(), *body = addBlock(), *end = addBlock();
  Value count = header->addArgument(i64, loc);
  jump(header, constant(0));
  builder.setInsertionPointToEnd(header);
  if (auto length = loop.getLength()) {
    Value more = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::slt, count, constant(int64_t(*length)));
    jumpIf(more, body, {}, end);
  } else {
    jump(body);
  }
  builder.setInsertionPointToEnd(body);
  Value index = count;
  if (loop.getReverse())
    index = arith::SubIOp::create(builder, loc, constant(int64_t(*loop.getLength()) - 1), count);
  indices[loop.index()] = index;
  if (Value cell = loop.getCell())
    LLVM::StoreOp::create(builder, loc, index, addressOf(places.lookup(cell)), 8);
  auto outer = std::pair(onFailure, loopEnd);
  onFailure = failureBlock(index);
  loopEnd = end;
  if (failed(emitBlock(loop.block())))
    return failure();
  std::tie(onFailure, loopEnd) = outer;
  auto next = cast<dl::NextOp>(loop.block().getTerminator());
  Value done = next.getUntil() ? isSet(next.getUntil()) : Value();
  permute(loop, next);
  Value following = arith::AddIOp::create(builder, loc, count, constant(1));
  if (done)
    jumpIf(done, end, {}, header, following);
  else
    jump(header, following);
  builder.setInsertionPointToEnd(end);
  return success();
}

/// All addresses are read before one is set.
void StepEmitter::permute(dl::LoopOp loop, dl::NextOp next) {
  SmallVector<std::pair<unsigned, Value>> moves;
  for (auto [value, argument] : llvm::zip_equal(next.getCarried(), loop.carriedArgs()))
    if (value != argument)
      moves.push_back({places.lookup(argument).base, addressOf(places.lookup(value))});
  for (auto [base, address] : moves)
    LLVM::StoreOp::create(builder, loc, address, element(bases, base), 8);
}

/// Notes in which iteration of a loop its kernel failed, then fails as what is around the loop does.
Block *StepEmitter::failureBlock(Value index) {
  OpBuilder::InsertionGuard guard(builder);
  Block *block = addBlock(), *outer = onFailure;
  Value status = block->addArgument(i64, loc);
  builder.setInsertionPointToEnd(block);
  func::CallOp::create(builder, loc, iterationNoter(builder, cast<ModuleOp>(step->getParentOp())),
                       ValueRange{context, index});
  jump(outer, status);
  return block;
}

LogicalResult StepEmitter::emitBranch(dl::BranchOp branch) {
  runPiece();
  Block *sides[] = {addBlock(), addBlock()}, *end = addBlock();
  bool before = hasWritten, after = before;
  jumpIf(isSet(branch.getCondition()), sides[0], {}, sides[1]);
  for (auto [region, side] : {std::pair(&branch.getThenRegion(), sides[0]), {&branch.getElseRegion(), sides[1]}}) {
    builder.setInsertionPointToEnd(side);
    hasWritten = before;
    if (failed(emitBlock(region->front())))
      return failure();
    after |= hasWritten;
    jump(end);
  }
  hasWritten = after;
  builder.setInsertionPointToEnd(end);
  return success();
}

/// Whether a kernel inside writes to the parameters or the state.
bool StepEmitter::writesBlocks(Operation *op) {
  bool writes = false;
  op->walk([&](dl::KernelOp kernel) {
    for (Value out : kernel.getOuts())
      if (auto place = places.find(out); place != places.end())
        writes |= place->second.base < 2;
  });
  return writes;
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

void StepEmitter::defineTable(StringRef name, ArrayRef<int64_t> words) {
  auto type = RankedTensorType::get(int64_t(words.size()), i64);
  auto array = LLVM::LLVMArrayType::get(i64, words.size());
  LLVM::GlobalOp::create(builder, loc, array, /*isConstant=*/true, LLVM::Linkage::Internal, name,
                         DenseIntElementsAttr::get(type, words), 8);
}

LogicalResult emitStep(OpBuilder &builder, func::FuncOp planned, const KernelTable &table, StringRef name) {
  OpBuilder::InsertionGuard guard(builder);
  return StepEmitter(builder, planned, table).emit(name);
}

} // namespace dlc
