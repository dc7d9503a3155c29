// The reference evaluator (Evaluator.h): functions, blocks and operations with regions. The loops of single operations
// are in the files beside this one, a family each.
#include "ir/evaluate/Evaluator.h"

#include "ir/evaluate/OpEvaluation.h"
#include "llvm/ADT/TypeSwitch.h"
#include <memory>

using namespace mlir;

namespace dlc::dl {

static FailureOr<HostTensor> evaluateOne(Operation *op, ArrayRef<const HostTensor *> in, const EvaluateOptions &options,
                                         std::string &error) {
  if (op->getNumResults() != 1 || !isa<RankedTensorType>(op->getResult(0).getType())) {
    error = "has no single tensor as its result";
    return failure();
  }
  OpEvaluation at(op, in);
  if (!at.elementwise() && !at.shape() && !at.reduction() && !at.contraction() && !at.indexing() && !at.random())
    at.error = "cannot be evaluated";
  if (!at.error.empty()) {
    error = at.error;
    return failure();
  }
  if (options.roundToType)
    for (double &value : at.out.floats)
      value = roundTo(at.out.element, value);
  return std::move(at.out);
}

namespace {

using Shared = std::shared_ptr<const HostTensor>;
using SharedList = SmallVector<Shared>;

class Evaluator {
public:
  Evaluator(const EvaluateOptions &options) : options(options) {}

  /// The operands of the block's terminator, given its arguments.
  FailureOr<SharedList> block(Block &block, const SharedList &arguments) {
    llvm::DenseMap<Value, Shared> values;
    for (auto [argument, value] : llvm::zip_equal(block.getArguments(), arguments))
      values[argument] = value;
    auto operandsOf = [&](Operation &op) {
      return SharedList(llvm::map_range(op.getOperands(), [&](Value operand) { return values.lookup(operand); }));
    };
    for (Operation &op : block.without_terminator()) {
      FailureOr<SharedList> results = operation(op, operandsOf(op));
      if (failed(results))
        return failure();
      for (auto [result, value] : llvm::zip_equal(op.getResults(), *results))
        values[result] = value;
    }
    return operandsOf(*block.getTerminator());
  }

private:
  FailureOr<SharedList> operation(Operation &op, const SharedList &in) {
    return llvm::TypeSwitch<Operation *, FailureOr<SharedList>>(&op)
        .Case([&](CallOp call) { return evaluateCall(call, in); })
        .Case([&](IfOp branch) {
          Region &region = in[0]->ints[0] ? branch.getThenRegion() : branch.getElseRegion();
          return block(region.front(), SharedList(llvm::drop_begin(in)));
        })
        .Case([&](ScanOp scan) { return evaluateScan(scan, in); })
        .Case([&](WhileOp loop) { return evaluateWhile(loop, in); })
        .Case([&](KernelOp kernel) { return evaluateKernel(kernel, in); })
        .Case([&](PrintOp print) {
          if (options.print)
            options.print(print, llvm::map_to_vector(in, [](const Shared &value) { return value.get(); }));
          return SharedList();
        })
        .Case([&](LinalgOp linalg) { return evaluateFactors(linalg, in); })
        .Case<GradOp, JvpOp>([&](auto derivative) -> FailureOr<SharedList> {
          return derivative.emitError() << "`" << derivative->getName().getStringRef()
                                        << "` cannot be evaluated, expected it expanded";
        })
        .Default([&](Operation *plain) { return evaluatePlain(plain, in); });
  }

  FailureOr<SharedList> evaluatePlain(Operation *op, const SharedList &in) {
    SmallVector<const HostTensor *> operands = llvm::map_to_vector(in, [](const Shared &value) { return value.get(); });
    std::string error;
    FailureOr<HostTensor> result = evaluateOne(op, operands, options, error);
    if (failed(result))
      return op->emitError() << "`" << op->getName().getStringRef() << "`: " << error;
    return SharedList{std::make_shared<HostTensor>(std::move(*result))};
  }

  FailureOr<SharedList> evaluateFactors(LinalgOp op, const SharedList &in) {
    SmallVector<const HostTensor *> operands = llvm::map_to_vector(in, [](const Shared &value) { return value.get(); });
    std::string error;
    SmallVector<HostTensor> results = evaluateLinalg(op, operands, error);
    if (!error.empty())
      return op.emitError() << "`dl.linalg`: " << error;
    SharedList list;
    for (HostTensor &result : results) {
      if (options.roundToType)
        for (double &value : result.floats)
          value = roundTo(result.element, value);
      list.push_back(std::make_shared<HostTensor>(std::move(result)));
    }
    return list;
  }

  FailureOr<SharedList> evaluateCall(CallOp call, const SharedList &in) {
    auto callee = SymbolTable::lookupNearestSymbolFrom<func::FuncOp>(call, call.getCalleeAttr());
    if (!callee || callee.isExternal())
      return call.emitError() << "`" << call.getCallee() << "` has no body to evaluate";
    return block(callee.getBody().front(), in);
  }

  FailureOr<SharedList> evaluateKernel(KernelOp kernel, const SharedList &in) {
    if (!llvm::all_of(kernel->getOperandTypes(), llvm::IsaPred<RankedTensorType>))
      return kernel.emitError() << "a kernel on buffers cannot be evaluated, expected one on tensors";
    return block(kernel.getBody().front(), in);
  }

  FailureOr<SharedList> evaluateScan(ScanOp scan, const SharedList &in) {
    int64_t length = scan.getLength();
    size_t numCarried = scan.getInits().size(), numSlices = scan.getSlices().size(), flag = scan.getBreaks();
    SharedList carried(in.begin(), in.begin() + numCarried);
    SmallVector<HostTensor> stacks;
    for (Value stack : scan.stackedResults())
      stacks.push_back(HostTensor::zeros(cast<RankedTensorType>(stack.getType())));
    for (int64_t step = 0; step < length; ++step) {
      int64_t index = scan.getReverse() ? length - 1 - step : step;
      HostTensor counter = HostTensor::zeros(cast<RankedTensorType>(scan.indexArg().getType()));
      counter.ints[0] = index;
      SharedList arguments{std::make_shared<HostTensor>(std::move(counter))};
      llvm::append_range(arguments, carried);
      for (size_t i = 0; i < numSlices; ++i)
        arguments.push_back(elementAt(*in[numCarried + i], index));
      arguments.append(in.begin() + numCarried + numSlices, in.end());
      FailureOr<SharedList> yields = block(scan.block(), arguments);
      if (failed(yields))
        return failure();
      carried.assign(yields->begin() + flag, yields->begin() + flag + numCarried);
      for (auto [i, stack] : llvm::enumerate(stacks))
        store(*(*yields)[flag + numCarried + i], stack, index);
      if (flag && yields->front()->ints[0])
        break;
    }
    for (HostTensor &stack : stacks)
      carried.push_back(std::make_shared<HostTensor>(std::move(stack)));
    return carried;
  }

  FailureOr<SharedList> evaluateWhile(WhileOp loop, const SharedList &in) {
    size_t numCarried = loop.getInits().size();
    SharedList arguments = in;
    while (true) {
      FailureOr<SharedList> more = block(loop.getCondition().front(), arguments);
      if (failed(more))
        return failure();
      if (!more->front()->ints[0])
        return SharedList(arguments.begin(), arguments.begin() + numCarried);
      FailureOr<SharedList> next = block(loop.getBody().front(), arguments);
      if (failed(next))
        return failure();
      llvm::copy(*next, arguments.begin());
    }
  }

  /// Element `index` along the leading axis.
  static Shared elementAt(const HostTensor &tensor, int64_t index) {
    auto type = RankedTensorType::get(ArrayRef<int64_t>(tensor.shape).drop_front(), tensor.element);
    HostTensor element = HostTensor::zeros(type);
    for (int64_t i = 0, size = element.size(); i < size; ++i)
      copyElement(tensor, index * size + i, element, i);
    return std::make_shared<HostTensor>(std::move(element));
  }

  static void store(const HostTensor &element, HostTensor &stack, int64_t index) {
    for (int64_t i = 0, size = element.size(); i < size; ++i)
      copyElement(element, i, stack, index * size + i);
  }

  const EvaluateOptions &options;
};

} // namespace

FailureOr<SmallVector<HostTensor>> evaluate(func::FuncOp function, ArrayRef<HostTensor> arguments,
                                            const EvaluateOptions &options) {
  if (function.isExternal())
    return function.emitError() << "`" << function.getName() << "` has no body to evaluate";
  if (arguments.size() != function.getNumArguments())
    return function.emitError() << "`" << function.getName() << "` got " << arguments.size() << " arguments, expected "
                                << function.getNumArguments();
  SharedList values;
  for (auto [i, argument] : llvm::enumerate(arguments)) {
    auto expected = dyn_cast<RankedTensorType>(function.getArgument(i).getType());
    if (!expected || expected.getShape() != ArrayRef<int64_t>(argument.shape) ||
        expected.getElementType() != argument.element)
      return function.emitError() << "`" << function.getName() << "` got " << argument.type() << " as argument " << i
                                  << ", expected " << function.getArgument(i).getType();
    values.push_back(std::make_shared<HostTensor>(argument));
  }
  FailureOr<SharedList> results = Evaluator(options).block(function.getBody().front(), values);
  if (failed(results))
    return failure();
  return llvm::map_to_vector(*results, [](const Shared &result) { return *result; });
}

FailureOr<HostTensor> evaluateOp(Operation *op, ArrayRef<HostTensor> operands, const EvaluateOptions &options,
                                 std::string *error) {
  SmallVector<const HostTensor *> in =
      llvm::map_to_vector(operands, [](const HostTensor &operand) { return &operand; });
  std::string ignored;
  return evaluateOne(op, in, options, error ? *error : ignored);
}

FailureOr<DenseElementsAttr> evaluate(Operation *op, ArrayRef<DenseElementsAttr> operands) {
  SmallVector<HostTensor> in = llvm::map_to_vector(operands, [](DenseElementsAttr operand) { return toHost(operand); });
  FailureOr<HostTensor> result = evaluateOp(op, in);
  if (failed(result))
    return failure();
  return toConstant(*result);
}

} // namespace dlc::dl
