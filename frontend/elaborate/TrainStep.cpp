// The functions of a training as modules: the step, its two halves, the evaluation and the initial values.
#include "frontend/elaborate/ActiveCalls.h"
#include "frontend/elaborate/Texts.h"
#include "frontend/elaborate/TrainElaborator.h"

#include "ir/Dialect.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace dlc {

using namespace ast;

/// A function of a training under construction: its arguments and results with the attributes that say what each is.
class StepFunction {
public:
  StepFunction(Elaborator &e, const TrainElaborator &train, llvm::StringRef name, SourceRange at)
      : e(e), plan(train.plan), frame(e.graph, name, e.location(at), FunctionFrame::Inputs), at(at) {}

  void addBlocks(bool ofOptimizer);
  Value argument(const char *role, const std::string &name, DType dtype, const Shape &shape, SourceRange at);
  void result(const Value &value, const std::string &name);
  /// The new value of an argument, which is named by its number.
  void updates(mlir::Value value, size_t number);
  TrainModule finish();

  /// The numbers of the arguments of a learned parameter (by its number among these): of a state, of the sum of gradients.
  size_t stateNumber(size_t state, size_t i) const { return plan.params.size() + state * plan.learned.size() + i; }
  size_t averageNumber(size_t i) const { return stateNumber(plan.states.size(), 0) + i; } ///< of plan.averaged
  size_t sumNumber(size_t i) const { return averageNumber(plan.averaged.size()) + i; }
  /// The learned ones among values of all parameters.
  std::vector<Value> learned(const std::vector<Value> &values) const;

  Elaborator &e;
  const TrainPlan &plan;
  FunctionFrame frame;
  std::vector<Value> params;
  std::vector<std::vector<Value>> states; ///< of each that is learned
  std::vector<Value> averages;            ///< of what plan.averaged names
  std::vector<Value> sums;                ///< of its gradients over the batches of a step, with `accumulate`
  std::map<size_t, mlir::Value> updated;  ///< the new values of arguments, by their numbers

private:
  SourceRange at;
  std::vector<std::pair<std::string, std::string>> roles; ///< of arguments, with their names
  std::vector<mlir::Value> results;
  std::vector<mlir::NamedAttribute> meanings; ///< of the results
};

Value StepFunction::argument(const char *role, const std::string &name, DType dtype, const Shape &shape,
                             SourceRange place) {
  mlir::Value made = frame.addArgument(e.irType(dtype, shape), e.location(place));
  roles.push_back({role, name});
  return Value::ofTensor(dtype, shape, made, place);
}

/// The arguments that lie in the blocks of parameters and of the optimizer's state.
void StepFunction::addBlocks(bool ofOptimizer) {
  for (const ParamSlotRef &slot : plan.params)
    params.push_back(argument("param", slot->path, slot->value.dtype, slot->value.shape, slot->at));
  if (!ofOptimizer)
    return;
  auto stateOf = [&](const std::string &name, size_t i, DType dtype) {
    return argument("state", name + "." + plan.params[i]->path, dtype, params[i].shape, plan.params[i]->at);
  };
  states.resize(plan.learned.size());
  for (const std::string &state : plan.states)
    for (size_t i = 0; i < plan.learned.size(); ++i)
      states[i].push_back(stateOf(state, plan.learned[i], params[plan.learned[i]].dtype));
  auto summed = [&](size_t i) { return params[i].dtype == DType::BF16 ? DType::F32 : params[i].dtype; };
  for (size_t i : plan.averaged)
    averages.push_back(stateOf(plan.averageName, i, summed(i)));
  if (plan.accumulate > 1)
    for (size_t i : plan.learned)
      sums.push_back(stateOf(plan.sumName, i, summed(i)));
}

void StepFunction::result(const Value &value, const std::string &name) {
  results.push_back(e.ir(value));
  mlir::OpBuilder &builder = e.graph.attributes();
  meanings.push_back(builder.getNamedAttr("dl.name", builder.getStringAttr(name)));
}

void StepFunction::updates(mlir::Value value, size_t number) {
  results.push_back(value);
  updated[number] = value;
  mlir::OpBuilder &builder = e.graph.attributes();
  meanings.push_back(builder.getNamedAttr("dl.updates", builder.getI64IntegerAttr(int64_t(number))));
}

std::vector<Value> StepFunction::learned(const std::vector<Value> &values) const {
  std::vector<Value> made;
  for (size_t i : plan.learned)
    made.push_back(values[i]);
  return made;
}

TrainModule StepFunction::finish() {
  mlir::func::FuncOp function = frame.function();
  TrainModule whole{frame.finish(results), frame.inputs};
  for (size_t i = 0; i < frame.inputs.size(); ++i)
    roles.push_back({"input", fmt::format("captured{}", i)});
  mlir::OpBuilder builder(&e.context);
  for (size_t i = 0; i < roles.size(); ++i) {
    function.setArgAttr(unsigned(i), "dl.role", builder.getStringAttr(roles[i].first));
    function.setArgAttr(unsigned(i), "dl.name", builder.getStringAttr(roles[i].second));
  }
  for (size_t i = 0; i < meanings.size(); ++i)
    function.setResultAttr(unsigned(i), meanings[i].getName(), meanings[i].getValue());
  return whole;
}

/// The block as the region of a dl.grad over what is learned, and the gradients; reports and buffers ride along.
std::optional<TrainElaborator::Body>
TrainElaborator::differentiated(const std::vector<Value> &params,
                                const std::vector<std::pair<std::string, Value>> &inputs,
                                std::vector<Value> &gradients) {
  mlir::Location loc = e.location(item.range);
  RegionFrame region(e.graph, RegionFrame::Transparent);
  std::vector<Value> inside = params;
  std::vector<mlir::Value> wanted, yielded;
  for (size_t i : plan.learned) {
    wanted.push_back(params[i].ir);
    inside[i].ir = region.addArgument(params[i].ir.getType(), e.location(plan.params[i]->at));
  }
  Value trained = model;
  trained.model = withValues(*model.model, inside);
  std::optional<Body> made = body(trained, inputs, true);
  std::vector<Value *> values;
  if (made) {
    values.push_back(&made->loss);
    for (Value &report : made->reports)
      values.push_back(&report);
    for (auto &[number, value] : made->assigned)
      values.push_back(&value);
    for (Value *value : values)
      yielded.push_back(e.ir(*value));
    region.yield(yielded, loc);
  }
  region.close();
  if (!made)
    return std::nullopt;
  std::vector<mlir::Type> types;
  for (const std::vector<mlir::Value> *list : {&yielded, &wanted})
    for (mlir::Value value : *list)
      types.push_back(value.getType());
  Value one = e.constant(1, DType::F32, {}, item.range);
  auto grad =
      dl::GradOp::create(e.graph.here(), loc, types, wanted, mlir::ValueRange{one.ir}, int64_t(yielded.size()) - 1);
  region.moveTo(grad.getBody());
  unsigned next = 0;
  for (Value *value : values) {
    *value = e.tensorOf(*value);
    value->ir = grad.getResult(next++);
  }
  for (size_t i : plan.learned) {
    gradients.push_back(params[i]);
    gradients.back().ir = grad.getResult(next++);
  }
  return made;
}

/// From gradients to new parameters and states.
bool TrainElaborator::finishStep(StepFunction &f, std::vector<Value> gradients, const Value &count) {
  Value step = e.cast(count, DType::F64, item.nameRange), rate;
  step.soft = true;
  std::vector<Value> learned = f.learned(f.params);
  for (size_t i = 0; i < learned.size(); ++i)
    gradients[i] = e.cast(gradients[i], learned[i].dtype, item.range);
  std::vector<mlir::Value> updated;
  if (!update(gradients, learned, f.states, step, updated, rate))
    return false;
  if (rate.isNumber() || rate.isTensor())
    f.result(e.cast(e.tensorOf(rate, DType::F32), DType::F32, item.range), "learning rate");
  size_t next = 0;
  for (size_t i = 0; i < learned.size(); ++i) {
    f.updates(updated[next++], plan.learned[i]);
    for (size_t s = 0; s < plan.states.size(); ++s)
      f.updates(updated[next++], f.stateNumber(s, i));
  }
  for (size_t i = 0; i < f.sums.size(); ++i)
    f.updates(e.ir(e.constant(0, f.sums[i].dtype, f.sums[i].shape, item.range)), f.sumNumber(i));
  return true;
}

/// average + (1 - ema) * (new - average), and the new value itself after the first step: PyTorch's AveragedModel. A buffer
/// that stays is its own average, though it be infinite.
void TrainElaborator::finishAverages(StepFunction &f, const Value &step) {
  Value first = e.compareOp("eq", step, e.constant(1, DType::I64, {}, item.range), item.range);
  for (size_t k = 0; k < plan.averaged.size(); ++k) {
    size_t number = plan.averaged[k];
    Value next = f.params[number], average = f.averages[k];
    if (auto found = f.updated.find(number); found != f.updated.end())
      next.ir = found->second;
    next = e.cast(next, average.dtype, item.range);
    Value keeps = e.broadcastTo(first, next.shape, item.range);
    if (!plan.params[number]->trained)
      keeps = e.binaryOp("or", keeps, e.compareOp("eq", next, average, item.range), item.range);
    Value share = e.constant(1 - *plan.ema, average.dtype, average.shape, item.range);
    Value change = e.binaryOp("mul", share, e.binaryOp("sub", next, average, item.range), item.range);
    f.updates(e.ir(e.selectOp(keeps, next, e.binaryOp("add", average, change, item.range), item.range)),
              f.averageNumber(k));
  }
}

TrainModule TrainElaborator::function(TrainPart part, int64_t batch) {
  static const char *names[] = {"step", "accumulate", "update", "evaluate"};
  StepFunction f(e, *this, names[size_t(part)], item.range);
  f.addBlocks(part != TrainPart::Evaluate || plan.ema);
  std::vector<std::pair<std::string, Value>> inputs;
  if (part != TrainPart::Update)
    inputs = fields(Size(batch));
  for (auto &[field, value] : inputs) {
    Value argument = f.argument("input", field, value.dtype, value.shape, value.at);
    takeClasses(argument, value);
    value = argument;
  }
  Value step = f.argument("input", "step", DType::I64, {}, item.nameRange);
  f.frame.step = step.ir;
  f.frame.seed = f.argument("input", "seed", DType::I64, {}, item.nameRange).ir;
  std::optional<Body> made;
  std::vector<Value> gradients;
  if (part == TrainPart::Update) {
    Value examples = f.argument("input", "examples", DType::I64, {}, item.nameRange);
    for (const Value &sum : f.sums) {
      Value count = e.broadcastTo(e.cast(examples, sum.dtype, item.range), sum.shape, item.range);
      gradients.push_back(e.binaryOp("div", sum, count, item.range));
    }
  } else if (part == TrainPart::Evaluate) {
    std::vector<Value> values = f.params;
    for (size_t k = 0; k < plan.averaged.size(); ++k)
      values[plan.averaged[k]] = e.cast(f.averages[k], values[plan.averaged[k]].dtype, item.range);
    Value trained = model;
    trained.model = withValues(*model.model, values);
    made = body(trained, inputs, false);
  } else {
    made = differentiated(f.params, inputs, gradients);
  }
  if (part != TrainPart::Update && !made)
    return {};
  if (made) {
    f.result(made->loss, "loss");
    for (size_t i = 0; i < made->reports.size(); ++i)
      f.result(made->reports[i], plan.reports[i]);
  }
  if (part == TrainPart::Accumulate)
    for (size_t i = 0; i < f.sums.size(); ++i) {
      const Value &sum = f.sums[i];
      Value weight = e.constant(batch, sum.dtype, sum.shape, item.range);
      Value term = e.binaryOp("mul", e.cast(gradients[i], sum.dtype, item.range), weight, item.range);
      f.updates(e.ir(e.binaryOp("add", sum, term, item.range)), f.sumNumber(i));
    }
  if ((part == TrainPart::Step || part == TrainPart::Update) && !finishStep(f, gradients, step))
    return {};
  if (made && part != TrainPart::Evaluate)
    for (const auto &[number, value] : made->assigned)
      f.updates(e.ir(value), number);
  if (plan.ema && (part == TrainPart::Step || part == TrainPart::Update))
    finishAverages(f, step);
  return f.finish();
}

TrainModule TrainElaborator::initial() {
  FunctionFrame frame(e.graph, "initial", e.location(item.range), FunctionFrame::Inputs);
  frame.seed = e.constant(plan.seed, DType::I64, {}, item.range).ir;
  std::vector<mlir::Value> results;
  unsigned before = e.diagnostics.failureCount();
  for (const ParamSlotRef &slot : plan.params) {
    InDrawPlace place(e, name + "." + slot->path);
    // A model that was used or trained before goes on from where it is.
    Value value = slot->value.host ? slot->value : e.initialValue(*slot);
    if (value.poison())
      break;
    results.push_back(e.ir(value));
  }
  if (e.diagnostics.failureCount() != before)
    return {};
  return {frame.finish(results), frame.inputs};
}

} // namespace dlc
