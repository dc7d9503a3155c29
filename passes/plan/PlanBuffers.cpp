// From values to buffers (stage fused to stage planned).
//
// 1. Parameters and state get a slot each in their block, in the order of the arguments.
// 2. planOrder says in which order kernels run and which write over an old value; Homes, which values share a place and
//    how long.
// 3. The function is built anew: dl.buffer for each place, the kernels on them, loops and branches around them, and copies
//    of what could not be written in place. Its attributes name the slots, inputs, outputs and checks.

#include "ir/KernelRole.h"
#include "passes/Layouts.h"
#include "passes/Passes.h"
#include "passes/plan/Homes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;

namespace dlc {
#define GEN_PASS_DEF_PLANBUFFERS
#include "passes/Passes.h.inc"

namespace {

/// The buffer of a tensor: strides from its layout, the identity when it is dense. Without elements any strides will
/// do, but those of the identity, of which some are 0, MLIR refuses.
MemRefType bufferType(RankedTensorType type) {
  bool isEmpty = type.getNumElements() == 0;
  if (!type.getEncoding() && !isEmpty)
    return MemRefType::get(type.getShape(), type.getElementType());
  SmallVector<int64_t> steps = isEmpty ? SmallVector<int64_t>(type.getRank(), 1) : stridesOf(type);
  auto strides = StridedLayoutAttr::get(type.getContext(), 0, steps);
  return MemRefType::get(type.getShape(), type.getElementType(), strides);
}

/// Plans one function.
class Planner {
public:
  Planner(func::FuncOp function, const PlanOrder &order, bool reuse)
      : old(function), builder(function.getContext()), order(order), homes(function, order) {
    for (OpOperand &operand : function.getBody().front().getTerminator()->getOpOperands())
      if (!function.getResultAttr(operand.getOperandNumber(), "dl.updates")) {
        auto name = function.getResultAttrOfType<StringAttr>(operand.getOperandNumber(), "dl.name");
        outputNames.push_back(name ? name
                                   : builder.getStringAttr("result" + std::to_string(operand.getOperandNumber())));
        outputs.push_back(operand.get());
      }
    arenaBytes = packArena(homes.buffers, reuse);
  }

  void run() {
    assignSlots();
    makeFunction();
    old.walk([&](dl::KernelOp kernel) { names.insert(kernel.getName()); });
    Block &block = old.getBody().front();
    makeBlock(block);
    for (const PlanUpdate &update : order.find(&block)->second.updates)
      if (!update.inPlace)
        makeCopy(update.result.getLoc(), "replace_" + argumentText(update.argument.getArgNumber(), "dl.name").str(),
                 placeOf(update.result), placeOf(update.argument));
    func::ReturnOp::create(builder, old.getLoc());
    finish();
  }

private:
  Type bytesType(int64_t bytes) { return MemRefType::get({bytes}, builder.getI8Type()); }

  StringRef argumentText(unsigned index, StringRef key) {
    auto text = old.getArgAttrOfType<StringAttr>(index, key);
    return text ? text.getValue() : StringRef();
  }

  void assignSlots() {
    for (BlockArgument argument : old.getArguments()) {
      unsigned index = argument.getArgNumber();
      StringRef role = argumentText(index, "dl.role"), name = argumentText(index, "dl.name");
      if (role != "param" && role != "state") {
        inputs.push_back(argument);
        inputNames.push_back(builder.getStringAttr(name));
        continue;
      }
      unsigned block = role == "state";
      auto type = cast<RankedTensorType>(argument.getType());
      slotOffset[argument] = {block, blockBytes[block]};
      slots.push_back(
          builder.getDictionaryAttr({builder.getNamedAttr("block", builder.getStringAttr(role)),
                                     builder.getNamedAttr("name", builder.getStringAttr(name)),
                                     builder.getNamedAttr("offset", builder.getI64IntegerAttr(blockBytes[block])),
                                     builder.getNamedAttr("type", TypeAttr::get(type))}));
      blockBytes[block] += llvm::alignTo(bufferBytes(type), bufferAlignment);
    }
  }

  void makeFunction() {
    SmallVector<Type> types = {bytesType(blockBytes[0]), bytesType(blockBytes[1])};
    for (const auto &values : {inputs, outputs})
      for (Value value : values)
        types.push_back(bufferType(cast<RankedTensorType>(value.getType())));
    types.push_back(bytesType(arenaBytes));
    builder.setInsertionPoint(old);
    function = func::FuncOp::create(builder, old.getLoc(), old.getName(), builder.getFunctionType(types, {}));
    function.setVisibility(old.getVisibility());
    Block *body = function.addEntryBlock();
    builder.setInsertionPointToEnd(body);
    for (auto [index, input] : llvm::enumerate(inputs))
      placed[homes.of(input)] = body->getArgument(2 + index);
    for (BlockArgument argument : old.getArguments())
      if (auto slot = slotOffset.find(argument); slot != slotOffset.end())
        placed[homes.of(argument)] =
            makeBuffer(bufferType(cast<RankedTensorType>(argument.getType())), argument.getLoc(),
                       body->getArgument(slot->second.first), slot->second.second);
  }

  /// Buffers stand in front of everything, in the order in which they are first needed.
  Value makeBuffer(MemRefType type, Location loc, Value block, int64_t offset) {
    OpBuilder::InsertionGuard guard(builder);
    if (lastBuffer)
      builder.setInsertionPointAfter(lastBuffer);
    else
      builder.setInsertionPointToStart(&function.getBody().front());
    lastBuffer = dl::BufferOp::create(builder, loc, type, block, offset);
    return lastBuffer->getResult(0);
  }

  Value placeOf(Value value) { return placeOf(homes.of(value), value); }
  /// The memory of a home, laid out for `value`.
  Value placeOf(unsigned number, Value value) {
    const Home &home = homes.home(number);
    Block &body = function.getBody().front();
    if (home.kind == Home::output)
      return body.getArgument(2 + inputs.size() + home.number);
    if (home.kind != Home::arena)
      return placed.lookup(number);
    MemRefType type = bufferType(cast<RankedTensorType>(homes.typedBy(value).getType()));
    Value &place = arenaPlaces[{number, type}];
    if (!place)
      place = makeBuffer(type, value.getLoc(), body.getArguments().back(), homes.buffers[home.number].offset);
    return place;
  }

  void makeBlock(Block &block) {
    for (Operation *op : order.find(&block)->second.ops) {
      if (auto kernel = dyn_cast<dl::KernelOp>(op))
        makeKernel(kernel);
      else if (auto branch = dyn_cast<dl::IfOp>(op))
        makeBranch(branch);
      else if (auto scan = dyn_cast<dl::ScanOp>(op))
        makeScan(scan);
      else
        makeWhile(cast<dl::WhileOp>(op));
    }
  }

  void makeKernel(dl::KernelOp kernel) {
    SmallVector<Value> ins, outs;
    for (Value operand : kernel.getIns())
      ins.push_back(placeOf(operand));
    for (Value result : kernel.getValues())
      outs.push_back(placeOf(result));
    // What is already where it is to be copied needs no copy.
    if (ins == outs && isCopy(kernel))
      return;
    auto clone =
        dl::KernelOp::create(builder, kernel.getLoc(), TypeRange(), kernel.getName(), kernel.getKind(), ins, outs);
    clone->getRegion(0).takeBody(kernel->getRegion(0));
    if (dl::kernelRole(&clone.getBody().front().front()).mayFail)
      addCheck(clone);
  }

  static bool isCopy(dl::KernelOp kernel) {
    Operation &end = kernel.getBody().front().front();
    return isa<dl::YieldOp>(end) && llvm::equal(end.getOperands(), kernel.getBody().getArguments());
  }

  void makeBranch(dl::IfOp old) {
    auto branch = dl::BranchOp::create(builder, old.getLoc(), placeOf(old.getCondition()));
    for (auto [from, to] :
         {std::pair(&old.getThenRegion(), &branch.getThenRegion()), {&old.getElseRegion(), &branch.getElseRegion()}}) {
      OpBuilder::InsertionGuard guard(builder);
      builder.createBlock(to);
      makeBlock(from->front());
    }
  }

  /// The loop itself, with what alternates and what that is called inside; the builder goes into its block.
  dl::LoopOp beginLoop(Operation *old, IntegerAttr length, bool reverse, Value cell) {
    SmallVector<Value> carried;
    for (const Alternating &pair : homes.alternating(old))
      carried.push_back(placeOf(pair.init));
    for (const Alternating &pair : homes.alternating(old))
      carried.push_back(placeOf(pair.spare, pair.init));
    auto types = llvm::to_vector(ValueRange(carried).getTypes());
    auto loop = dl::LoopOp::create(builder, old->getLoc(), types, length, reverse, cell, carried);
    Block *block = builder.createBlock(&loop.getBody());
    block->addArgument(builder.getI64Type(), old->getLoc());
    for (Type type : types)
      block->addArgument(type, old->getLoc());
    size_t count = homes.alternating(old).size();
    for (auto [i, pair] : llvm::enumerate(homes.alternating(old))) {
      placed[homes.of(pair.argument)] = loop.carriedArgs()[i];
      placed[homes.of(pair.next)] = loop.carriedArgs()[count + i];
    }
    return loop;
  }

  /// The end of an iteration, and behind the loop the copies of what is wanted elsewhere.
  void endLoop(Operation *old, dl::LoopOp loop, Value until) {
    size_t count = homes.alternating(old).size();
    SmallVector<Value> next(loop.carriedArgs().drop_front(count));
    llvm::append_range(next, loop.carriedArgs().take_front(count));
    dl::NextOp::create(builder, old->getLoc(), next, until);
    builder.setInsertionPointAfter(loop);
    for (auto [i, pair] : llvm::enumerate(homes.alternating(old))) {
      if (homes.home(homes.of(pair.result)).kind == Home::derived && !placed.contains(homes.of(pair.result)))
        placed[homes.of(pair.result)] = loop.getResult(i);
      else
        makeCopy(old->getLoc(), "copy", loop.getResult(i), placeOf(pair.result));
    }
  }

  void makeScan(dl::ScanOp scan) {
    if (scan.getBreaks())
      for (Value stack : scan.stackedResults())
        makeZeros(scan.getLoc(), stack);
    Value cell = scan.indexArg().use_empty() ? Value() : placeOf(scan.indexArg());
    dl::LoopOp loop = beginLoop(scan, scan.getLengthAttr(), scan.getReverse(), cell);
    auto placeEntries = [&](ValueRange entries, ValueRange stacks) {
      for (auto [entry, stack] : llvm::zip_equal(entries, stacks))
        placed[homes.of(entry)] = dl::EntryOp::create(builder, scan.getLoc(), placeOf(stack), loop.index());
    };
    placeEntries(SmallVector<Value>(scan.sliceArgs()), scan.getSlices());
    placeEntries(scan.stackedElements(), scan.stackedResults());
    makeBlock(scan.block());
    endLoop(scan, loop, scan.getBreaks() ? placeOf(scan.yielded().front()) : Value());
  }

  void makeWhile(dl::WhileOp old) {
    dl::LoopOp loop = beginLoop(old, IntegerAttr(), false, Value());
    makeBlock(old.getCondition().front());
    dl::ExitOp::create(builder, old.getLoc(), placeOf(old.getCondition().front().getTerminator()->getOperand(0)));
    makeBlock(old.getBody().front());
    endLoop(old, loop, Value());
  }

  std::string unique(std::string stem) {
    std::replace_if(stem.begin(), stem.end(), [](char c) { return !llvm::isAlnum(c); }, '_');
    std::string name = stem;
    for (unsigned count = 2; !names.insert(name).second; ++count)
      name = stem + "_" + std::to_string(count);
    return name;
  }

  void makeCopy(Location loc, const std::string &name, Value from, Value to) {
    auto copy = dl::KernelOp::create(builder, loc, TypeRange(), unique(name), dl::KernelKind::map, from, to);
    auto type = cast<MemRefType>(from.getType());
    OpBuilder::InsertionGuard guard(builder);
    Block &body = *builder.createBlock(&copy.getBody());
    Value element = body.addArgument(RankedTensorType::get(type.getShape(), type.getElementType()), loc);
    dl::YieldOp::create(builder, loc, element);
  }

  /// The entries of a stack that no iteration writes are zero.
  void makeZeros(Location loc, Value stack) {
    auto zeros = dl::KernelOp::create(builder, loc, TypeRange(), unique("zeros"), dl::KernelKind::map, ValueRange(),
                                      placeOf(stack));
    auto type = cast<RankedTensorType>(stack.getType());
    OpBuilder::InsertionGuard guard(builder);
    builder.createBlock(&zeros.getBody());
    Value zero =
        dl::ConstantOp::create(builder, loc, RankedTensorType::get(type.getShape(), type.getElementType()), 0.0);
    dl::YieldOp::create(builder, loc, zero);
  }

  void addCheck(dl::KernelOp kernel) {
    if (auto linalg = dyn_cast<dl::LinalgOp>(kernel.getBody().front().front())) {
      checks.push_back(
          builder.getDictionaryAttr({builder.getNamedAttr("fails", builder.getStringAttr(linalg.failure())),
                                     builder.getNamedAttr("matrices", builder.getI64IntegerAttr(linalg.batch())),
                                     builder.getNamedAttr("location", LocationAttr(linalg.getLoc()))}));
      return;
    }
    for (auto check : kernel->getRegion(0).getOps<dl::CheckOp>()) {
      SmallVector<NamedAttribute> entry = {builder.getNamedAttr("what", check.getWhatAttr()),
                                           builder.getNamedAttr("expected", check.getExpectedAttr()),
                                           builder.getNamedAttr("location", LocationAttr(check.getLoc()))};
      if (isa<FloatType>(dl::elementOf(check.getResult())))
        entry.push_back(builder.getNamedAttr("float", builder.getUnitAttr()));
      checks.push_back(builder.getDictionaryAttr(entry));
    }
    for (auto check : kernel->getRegion(0).getOps<dl::CheckIndexOp>()) {
      SmallVector<NamedAttribute> entry = {builder.getNamedAttr("what", check.getWhatAttr()),
                                           builder.getNamedAttr("limit", check.getLimitAttr()),
                                           builder.getNamedAttr("location", LocationAttr(check.getLoc()))};
      if (int64_t low = check.getLow())
        entry.push_back(builder.getNamedAttr("low", builder.getI64IntegerAttr(low)));
      checks.push_back(builder.getDictionaryAttr(entry));
    }
  }

  void finish() {
    function->setAttr("dl.slots", builder.getArrayAttr(slots));
    function->setAttr("dl.inputs", builder.getArrayAttr(inputNames));
    function->setAttr("dl.outputs", builder.getArrayAttr(outputNames));
    function->setAttr("dl.checks", builder.getArrayAttr(checks));
    old.erase();
  }

  func::FuncOp old, function;
  OpBuilder builder;
  const PlanOrder &order;
  Homes homes;
  int64_t arenaBytes = 0;
  SmallVector<Value> inputs, outputs;
  SmallVector<Attribute> slots, inputNames, outputNames, checks;
  llvm::StringSet<> names;
  /// Bytes of the blocks of parameters and of state; block and offset of each of their slots.
  int64_t blockBytes[2] = {0, 0};
  llvm::DenseMap<Value, std::pair<unsigned, int64_t>> slotOffset;
  /// Where each home lies in the new function, but outputs and the arena; there, a buffer for each type.
  llvm::DenseMap<unsigned, Value> placed;
  llvm::DenseMap<std::pair<unsigned, Type>, Value> arenaPlaces;
  Operation *lastBuffer = nullptr;
};

LogicalResult verifyUpdates(func::FuncOp function) {
  llvm::SmallDenseSet<int64_t> seen;
  for (OpOperand &operand : function.getBody().front().getTerminator()->getOpOperands()) {
    auto number = function.getResultAttrOfType<IntegerAttr>(operand.getOperandNumber(), "dl.updates");
    if (!number || !isa<OpResult>(operand.get()))
      continue;
    BlockArgument argument = function.getArgument(number.getInt());
    if (!seen.insert(number.getInt()).second)
      return function.emitError() << "argument " << argument.getArgNumber() << " is updated by two results";
    if (operand.get().getType() != argument.getType())
      return function.emitError() << "argument " << argument.getArgNumber() << " has type " << argument.getType()
                                  << ", its new value " << operand.get().getType();
  }
  return success();
}

struct PlanBuffers : impl::PlanBuffersBase<PlanBuffers> {
  using PlanBuffersBase::PlanBuffersBase;

  void getDependentDialects(DialectRegistry &registry) const override { registry.insert<memref::MemRefDialect>(); }

  void runOnOperation() override {
    for (func::FuncOp function : llvm::make_early_inc_range(getOperation().getOps<func::FuncOp>()))
      if (!function.isExternal() && failed(plan(function)))
        return signalPassFailure();
  }

private:
  LogicalResult plan(func::FuncOp function) {
    WalkResult outside = function.walk<WalkOrder::PreOrder>([&](Operation *op) {
      if (isa<dl::KernelOp>(op))
        return WalkResult::skip();
      if (op == function || dl::holdsKernels(op) || op->hasTrait<OpTrait::IsTerminator>())
        return WalkResult::advance();
      op->emitOpError() << "stands outside kernels: buffers are planned after fusion";
      return WalkResult::interrupt();
    });
    if (outside.wasInterrupted() || failed(verifyUpdates(function)))
      return failure();
    FailureOr<PlanOrder> order = planOrder(function, inPlace);
    if (failed(order))
      return failure();
    Planner(function, *order, reuse).run();
    return success();
  }
};

} // namespace
} // namespace dlc
