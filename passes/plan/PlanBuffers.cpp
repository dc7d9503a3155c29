// From values to buffers (stage fused to stage planned).
//
// 1. Parameters and state get a slot each in their block, in the order of the arguments.
// 2. planOrder says in which order kernels run and which write over an old value.
// 3. Each result lies in the slot that it updates, in the output that it is, or in the arena while it is read.
// 4. The function is built anew: dl.buffer for each place, the kernels on them, and copies of what could not be written
//    in place. Its attributes name the slots, inputs, outputs and checks.

#include "ir/KernelRole.h"
#include "passes/Layouts.h"
#include "passes/Passes.h"
#include "passes/plan/Arena.h"
#include "passes/plan/Order.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;

namespace dlc {
#define GEN_PASS_DEF_PLANBUFFERS
#include "passes/Passes.h.inc"

namespace {

int64_t bufferBytes(RankedTensorType type) {
  return extentOf(type) * llvm::divideCeil(type.getElementTypeBitWidth(), 8);
}

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
  Planner(func::FuncOp function, PlanOrder order, bool reuse)
      : old(function), builder(function.getContext()), reuse(reuse), order(std::move(order)) {}

  LogicalResult run() {
    if (failed(verifyUpdates()))
      return failure();
    assignSlots();
    assignResults();
    int64_t arena = packArena(buffers, reuse);
    makeFunction(arena);
    makeKernels();
    finish();
    return success();
  }

private:
  Type bytesType(int64_t bytes) { return MemRefType::get({bytes}, builder.getI8Type()); }

  StringRef argumentText(unsigned index, StringRef key) {
    auto text = old.getArgAttrOfType<StringAttr>(index, key);
    return text ? text.getValue() : StringRef();
  }

  LogicalResult verifyUpdates() {
    llvm::DenseSet<Value> seen;
    for (const PlanUpdate &update : order.updates) {
      if (!seen.insert(update.argument).second)
        return old.emitError() << "argument " << update.argument.getArgNumber() << " is updated by two results";
      if (update.result.getType() != update.argument.getType())
        return old.emitError() << "argument " << update.argument.getArgNumber() << " has type "
                               << update.argument.getType() << ", its new value " << update.result.getType();
    }
    return success();
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

  /// Decides where each result of a kernel lies; what lies in the arena gets its lifetime.
  void assignResults() {
    for (const PlanUpdate &update : order.updates)
      if (update.inPlace)
        home[update.result] = update.argument;
    Operation *end = old.getBody().front().getTerminator();
    for (OpOperand &operand : end->getOpOperands()) {
      unsigned index = operand.getOperandNumber();
      if (old.getResultAttr(index, "dl.updates"))
        continue;
      auto name = old.getResultAttrOfType<StringAttr>(index, "dl.name");
      outputNames.push_back(name ? name : builder.getStringAttr("result" + std::to_string(index)));
      outputOf[operand.get()] = outputs.size();
      outputs.push_back(operand.get());
    }
    llvm::DenseMap<Operation *, unsigned> step;
    for (auto [index, kernel] : llvm::enumerate(order.kernels))
      step[kernel] = index;
    for (auto [index, kernel] : llvm::enumerate(order.kernels))
      for (Value result : kernel.getValues()) {
        if (home.contains(result) || outputOf.contains(result))
          continue;
        unsigned last = index;
        for (Operation *user : result.getUsers())
          // A copy into a slot runs after every kernel.
          last = std::max<unsigned>(last, step.contains(user) ? step[user] : order.kernels.size());
        arenaIndex[result] = buffers.size();
        buffers.push_back({bufferBytes(cast<RankedTensorType>(result.getType())), static_cast<unsigned>(index), last});
      }
  }

  void makeFunction(int64_t arenaBytes) {
    SmallVector<Type> types = {bytesType(blockBytes[0]), bytesType(blockBytes[1])};
    for (const auto &values : {inputs, outputs})
      for (Value value : values)
        types.push_back(bufferType(cast<RankedTensorType>(value.getType())));
    types.push_back(bytesType(arenaBytes));
    builder.setInsertionPoint(old);
    planned = func::FuncOp::create(builder, old.getLoc(), old.getName(), builder.getFunctionType(types, {}));
    planned.setVisibility(old.getVisibility());
    Block *body = planned.addEntryBlock();
    builder.setInsertionPointToEnd(body);
    for (auto [index, input] : llvm::enumerate(inputs))
      place[input] = body->getArgument(2 + index);
    for (auto [index, output] : llvm::enumerate(outputs))
      place[output] = body->getArgument(2 + inputs.size() + index);
    for (BlockArgument argument : old.getArguments())
      if (auto slot = slotOffset.find(argument); slot != slotOffset.end())
        place[argument] = makeBuffer(argument, body->getArgument(slot->second.first), slot->second.second);
    for (dl::KernelOp kernel : order.kernels)
      for (Value result : kernel.getValues()) {
        if (home.contains(result))
          place[result] = Value(place.lookup(home.lookup(result)));
        else if (arenaIndex.contains(result))
          place[result] = makeBuffer(result, body->getArguments().back(), buffers[arenaIndex[result]].offset);
      }
  }

  Value makeBuffer(Value value, Value block, int64_t offset) {
    MemRefType type = bufferType(cast<RankedTensorType>(value.getType()));
    return dl::BufferOp::create(builder, value.getLoc(), type, block, offset);
  }

  void makeKernels() {
    llvm::StringSet<> names;
    for (dl::KernelOp kernel : order.kernels) {
      SmallVector<Value> ins, outs;
      for (Value operand : kernel.getIns())
        ins.push_back(place.at(operand));
      for (Value result : kernel.getValues())
        outs.push_back(place.at(result));
      names.insert(kernel.getName());
      auto clone =
          dl::KernelOp::create(builder, kernel.getLoc(), TypeRange(), kernel.getName(), kernel.getKind(), ins, outs);
      clone->getRegion(0).takeBody(kernel->getRegion(0));
      if (dl::kernelRole(&clone.getBody().front().front()).mayFail)
        addCheck(clone);
    }
    for (const PlanUpdate &update : order.updates)
      if (!update.inPlace)
        makeCopy(update, names);
    func::ReturnOp::create(builder, old.getLoc());
  }

  void makeCopy(const PlanUpdate &update, llvm::StringSet<> &names) {
    std::string stem = "replace_" + argumentText(update.argument.getArgNumber(), "dl.name").str();
    std::replace_if(stem.begin(), stem.end(), [](char c) { return !llvm::isAlnum(c); }, '_');
    std::string name = stem;
    for (unsigned count = 2; !names.insert(name).second; ++count)
      name = stem + "_" + std::to_string(count);
    Value from = place.at(update.result), to = place.at(update.argument);
    auto copy = dl::KernelOp::create(builder, update.result.getLoc(), TypeRange(), name, dl::KernelKind::map, from, to);
    auto type = cast<RankedTensorType>(update.result.getType());
    OpBuilder::InsertionGuard guard(builder);
    Block &body = copy->getRegion(0).emplaceBlock();
    builder.setInsertionPointToEnd(&body);
    Value element = body.addArgument(RankedTensorType::get(type.getShape(), type.getElementType()), copy.getLoc());
    dl::YieldOp::create(builder, copy.getLoc(), element);
  }

  void addCheck(dl::KernelOp kernel) {
    if (auto linalg = dyn_cast<dl::LinalgOp>(kernel.getBody().front().front())) {
      checks.push_back(
          builder.getDictionaryAttr({builder.getNamedAttr("fails", builder.getStringAttr(linalg.failure())),
                                     builder.getNamedAttr("matrices", builder.getI64IntegerAttr(linalg.batch())),
                                     builder.getNamedAttr("location", LocationAttr(linalg.getLoc()))}));
      return;
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
    planned->setAttr("dl.slots", builder.getArrayAttr(slots));
    planned->setAttr("dl.inputs", builder.getArrayAttr(inputNames));
    planned->setAttr("dl.outputs", builder.getArrayAttr(outputNames));
    planned->setAttr("dl.checks", builder.getArrayAttr(checks));
    old.erase();
  }

  func::FuncOp old, planned;
  OpBuilder builder;
  bool reuse;
  PlanOrder order;
  SmallVector<Value> inputs, outputs;
  SmallVector<Attribute> slots, inputNames, outputNames, checks;
  /// Bytes of the blocks of parameters and of state; block and offset of each of their slots.
  int64_t blockBytes[2] = {0, 0};
  llvm::DenseMap<Value, std::pair<unsigned, int64_t>> slotOffset;
  /// The argument that a result is written over; the output that it is; its buffer in the arena.
  llvm::DenseMap<Value, Value> home;
  llvm::DenseMap<Value, unsigned> outputOf, arenaIndex;
  SmallVector<ArenaBuffer> buffers;
  /// Where each value lies in the new function.
  llvm::DenseMap<Value, Value> place;
};

struct PlanBuffers : impl::PlanBuffersBase<PlanBuffers> {
  using PlanBuffersBase::PlanBuffersBase;

  void getDependentDialects(DialectRegistry &registry) const override { registry.insert<memref::MemRefDialect>(); }

  void runOnOperation() override {
    for (func::FuncOp function : llvm::make_early_inc_range(getOperation().getOps<func::FuncOp>())) {
      if (function.isExternal())
        continue;
      for (Operation &op : function.getBody().front().without_terminator())
        if (!isa<dl::KernelOp>(op)) {
          op.emitOpError() << "stands outside kernels: buffers are planned after fusion";
          return signalPassFailure();
        }
      FailureOr<PlanOrder> order = planOrder(function, inPlace);
      if (failed(order) || failed(Planner(function, *order, reuse).run()))
        return signalPassFailure();
    }
  }
};

} // namespace
} // namespace dlc
