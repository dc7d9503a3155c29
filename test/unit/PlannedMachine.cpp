// Memory is a map from addresses to elements: a store removes every element that it touches.
#include "PlannedMachine.h"

#include "passes/Layouts.h"

#include "mlir/IR/IRMapping.h"
#include <cmath>
#include <map>

using namespace mlir;

namespace dlc {
namespace {

using dl::HostTensor;

/// An address: a block (a number for each argument of the function) and a byte in it.
using Address = std::pair<unsigned, int64_t>;

class Machine {
public:
  explicit Machine(func::FuncOp function) : function(function) {}

  LogicalResult run(llvm::StringMap<HostTensor> &values) {
    Block &body = function.getBody().front();
    for (BlockArgument argument : body.getArguments())
      places[argument] = {argument.getArgNumber(), 0};
    forEachSlot([&](StringRef name, Address address, RankedTensorType type) {
      store(address, strides(type), values.find(name)->second);
    });
    unsigned next = 2;
    for (auto name : function->getAttrOfType<ArrayAttr>("dl.inputs").getAsValueRange<StringAttr>()) {
      BlockArgument argument = body.getArgument(next++);
      store(places[argument], strides(argument.getType()), values.find(name)->second);
    }
    if (failed(runBlock(body)))
      return failure();
    forEachSlot([&](StringRef name, Address address, RankedTensorType type) {
      values[name] = load(address, strides(type), RankedTensorType::get(type.getShape(), type.getElementType()));
    });
    for (auto name : function->getAttrOfType<ArrayAttr>("dl.outputs").getAsValueRange<StringAttr>()) {
      BlockArgument argument = body.getArgument(next++);
      auto type = cast<MemRefType>(argument.getType());
      auto tensor = RankedTensorType::get(type.getShape(), type.getElementType());
      values[name] = load(places[argument], strides(type), tensor);
    }
    return success();
  }

private:
  struct Element {
    double number;
    int64_t integer, bytes;
  };

  void forEachSlot(llvm::function_ref<void(StringRef, Address, RankedTensorType)> visit) {
    for (auto slot : function->getAttrOfType<ArrayAttr>("dl.slots").getAsRange<DictionaryAttr>())
      visit(slot.getAs<StringAttr>("name").getValue(),
            {slot.getAs<StringAttr>("block").getValue() == "state", slot.getAs<IntegerAttr>("offset").getInt()},
            cast<RankedTensorType>(slot.getAs<TypeAttr>("type").getValue()));
  }

  static SmallVector<int64_t> strides(Type type) {
    if (auto tensor = dyn_cast<RankedTensorType>(type))
      return stridesOf(tensor);
    return cast<MemRefType>(type).getStridesAndOffset().first;
  }

  static int64_t bytesOf(Type element) { return llvm::divideCeil(element.getIntOrFloatBitWidth(), 8); }

  /// Calls `visit` with the address of each element in row-major order, and its number.
  static void forEachElement(Address base, ArrayRef<int64_t> shape, ArrayRef<int64_t> strides, int64_t bytes,
                             llvm::function_ref<void(Address, int64_t)> visit) {
    int64_t count = 1;
    for (int64_t size : shape)
      count *= size;
    for (int64_t number = 0; number < count; ++number) {
      int64_t rest = number, offset = 0;
      for (size_t axis = shape.size(); axis-- > 0;) {
        offset += rest % shape[axis] * strides[axis];
        rest /= shape[axis];
      }
      visit({base.first, base.second + offset * bytes}, number);
    }
  }

  void store(Address base, ArrayRef<int64_t> strides, const HostTensor &tensor) {
    int64_t bytes = bytesOf(tensor.element);
    forEachElement(base, tensor.shape, strides, bytes, [&](Address address, int64_t number) {
      auto first = memory.lower_bound({address.first, address.second - 7});
      while (first != memory.end() && first->first < Address(address.first, address.second + bytes)) {
        bool touches = first->first.second + first->second.bytes > address.second;
        first = touches ? memory.erase(first) : std::next(first);
      }
      bool isFloat = tensor.isFloat();
      memory[address] = {isFloat ? tensor.floats[number] : 0, isFloat ? 0 : tensor.ints[number], bytes};
    });
  }

  HostTensor load(Address base, ArrayRef<int64_t> strides, RankedTensorType type) {
    HostTensor tensor = HostTensor::zeros(type);
    int64_t bytes = bytesOf(type.getElementType());
    forEachElement(base, tensor.shape, strides, bytes, [&](Address address, int64_t number) {
      auto entry = memory.find(address);
      bool known = entry != memory.end() && entry->second.bytes == bytes;
      if (tensor.isFloat())
        tensor.floats[number] = known ? entry->second.number : std::nan("");
      else
        tensor.ints[number] = known ? entry->second.integer : 1000003;
    });
    return tensor;
  }

  LogicalResult runBlock(Block &block) {
    for (Operation &op : block) {
      if (auto buffer = dyn_cast<dl::BufferOp>(op)) {
        places[buffer.getResult()] = {places[buffer.getBlock()].first, static_cast<int64_t>(buffer.getOffset())};
      } else if (auto entry = dyn_cast<dl::EntryOp>(op)) {
        auto type = cast<MemRefType>(entry.getStack().getType());
        int64_t stride = strides(type).front() * bytesOf(type.getElementType());
        Address stack = places[entry.getStack()];
        places[entry.getResult()] = {stack.first, stack.second + indices[entry.getIndex()] * stride};
      } else if (auto branch = dyn_cast<dl::BranchOp>(op)) {
        Region &side = isSet(branch.getCondition()) ? branch.getThenRegion() : branch.getElseRegion();
        if (failed(runBlock(side.front())))
          return failure();
      } else if (auto loop = dyn_cast<dl::LoopOp>(op)) {
        if (failed(runLoop(loop)))
          return failure();
      } else if (auto exit = dyn_cast<dl::ExitOp>(op)) {
        exited = !isSet(exit.getCondition());
        if (exited)
          return success();
      } else if (!op.hasTrait<OpTrait::IsTerminator>()) {
        auto kernel = dyn_cast<dl::KernelOp>(op);
        if (!kernel || failed(execute(kernel)))
          return failure();
      }
    }
    return success();
  }

  LogicalResult runLoop(dl::LoopOp loop) {
    auto next = cast<dl::NextOp>(loop.block().getTerminator());
    SmallVector<Address> carried;
    for (Value value : loop.getCarried())
      carried.push_back(places[value]);
    auto length = loop.getLength();
    bool done = false;
    for (int64_t count = 0; !done && (!length || count < int64_t(*length)); ++count) {
      for (auto [argument, place] : llvm::zip_equal(loop.carriedArgs(), carried))
        places[argument] = place;
      int64_t index = indices[loop.index()] = loop.getReverse() ? int64_t(*length) - 1 - count : count;
      if (Value cell = loop.getCell()) {
        HostTensor tensor = HostTensor::zeros(RankedTensorType::get({}, loop.index().getType()));
        tensor.ints[0] = index;
        store(places[cell], {}, tensor);
      }
      exited = false;
      if (failed(runBlock(loop.block())))
        return failure();
      if (std::exchange(exited, false))
        break;
      for (auto [place, value] : llvm::zip_equal(carried, next.getCarried()))
        place = places[value];
      done = next.getUntil() && isSet(next.getUntil());
    }
    for (auto [result, place] : llvm::zip_equal(loop.getResults(), carried))
      places[result] = place;
    return success();
  }

  bool isSet(Value flag) {
    auto type = RankedTensorType::get({}, cast<MemRefType>(flag.getType()).getElementType());
    return load(places[flag], {}, type).ints[0];
  }

  LogicalResult execute(dl::KernelOp kernel) {
    Block &body = kernel->getRegion(0).front();
    Operation *yield = body.getTerminator();
    OpBuilder builder(kernel.getContext());
    OwningOpRef<ModuleOp> scratch = ModuleOp::create(kernel.getLoc());
    builder.setInsertionPointToEnd(scratch->getBody());
    auto type = builder.getFunctionType(body.getArgumentTypes(), yield->getOperandTypes());
    auto wrapped = func::FuncOp::create(builder, kernel.getLoc(), "kernel", type);
    Block *entry = wrapped.addEntryBlock();
    builder.setInsertionPointToEnd(entry);
    IRMapping mapping;
    mapping.map(body.getArguments(), entry->getArguments());
    for (Operation &op : body.without_terminator())
      builder.clone(op, mapping);
    SmallVector<Value> results;
    for (Value value : yield->getOperands())
      results.push_back(mapping.lookup(value));
    func::ReturnOp::create(builder, kernel.getLoc(), results);

    std::vector<HostTensor> arguments;
    for (auto [value, argument] : llvm::zip_equal(kernel.getIns(), body.getArguments()))
      arguments.push_back(load(places[value], strides(value.getType()), cast<RankedTensorType>(argument.getType())));
    auto outputs = dl::evaluate(wrapped, arguments);
    if (failed(outputs))
      return failure();
    for (auto [value, output] : llvm::zip_equal(kernel.getOuts(), *outputs))
      store(places[value], strides(value.getType()), output);
    return success();
  }

  func::FuncOp function;
  llvm::DenseMap<Value, Address> places;
  llvm::DenseMap<Value, int64_t> indices;
  /// Whether a dl.exit has ended the innermost loop.
  bool exited = false;
  std::map<Address, Element> memory;
};

} // namespace

LogicalResult runPlanned(ModuleOp planned, llvm::StringMap<HostTensor> &values) {
  for (func::FuncOp function : planned.getOps<func::FuncOp>())
    if (function->hasAttr("dl.slots"))
      return Machine(function).run(values);
  return failure();
}

} // namespace dlc
