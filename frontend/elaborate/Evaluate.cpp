// Functions of batches over a whole data set: the loss and reports of a training, or any function of its fields.
#include "frontend/elaborate/Texts.h"
#include "frontend/elaborate/TrainElaborator.h"

#include "llvm/Support/SaveAndRestore.h"

#include <algorithm>

namespace dlc {

Value groupOf(const std::string &name, std::vector<std::pair<std::string, Value>> members, SourceRange at) {
  auto model = std::make_shared<ModelInstance>();
  model->name = name;
  for (auto &[member, value] : members)
    model->entries.push_back({member, nullptr, std::make_shared<Value>(std::move(value)), at});
  Value value = Value::unit(at);
  value.kind = Value::Model;
  value.model = std::move(model);
  return value;
}

bool isGroup(const Value &value) {
  return value.kind == Value::Model && !value.model->item && !value.model->entries.empty() &&
         std::all_of(value.model->entries.begin(), value.model->entries.end(), [](const ModelInstance::Entry &entry) {
           return entry.layer && (entry.layer->isNumber() || entry.layer->isTensor() || isGroup(*entry.layer));
         });
}

TrainModule TrainElaborator::evaluation(const Value &trained, int64_t batch) const {
  auto &self = const_cast<TrainElaborator &>(*this);
  FunctionFrame frame(e.graph, "main", e.location(item.range), FunctionFrame::Inputs);
  std::vector<std::pair<std::string, Value>> inputs = self.fields(Size(batch));
  for (auto &[field, value] : inputs)
    value.ir = frame.addArgument(e.irType(value.dtype, value.shape), e.location(value.at));
  Value copy = trained;
  std::vector<Value> values;
  for (const ParamSlotRef &slot : parametersOf(*trained.model))
    values.push_back(slot->value);
  copy.model = withValues(*trained.model, values);
  std::optional<Body> made = self.body(copy, inputs, false);
  if (!made)
    return {};
  std::vector<mlir::Value> results = {e.ir(made->loss)};
  for (const Value &report : made->reports)
    results.push_back(e.ir(report));
  return {frame.finish(results), frame.inputs};
}

std::optional<std::vector<Value>> TrainElaborator::inputsOfModel(const Size &batch) const {
  auto &self = const_cast<TrainElaborator &>(*this);
  NoFrame nothing(e.graph);
  llvm::SaveAndRestore checks(e.checkingOnly, true);
  Value copy = model;
  std::vector<Value> values;
  for (const ParamSlotRef &slot : parametersOf(*model.model))
    values.push_back(slot->value);
  copy.model = withValues(*model.model, values);
  std::optional<std::vector<Value>> first;
  copy.effect = [&first](const std::vector<Value> &given) {
    if (!first)
      first = given;
  };
  if (!self.body(copy, self.fields(batch), false))
    return std::nullopt;
  if (first)
    return first;
  e.error(Diag::NotSupported, item.nameRange, "a model as an entry whose training does not call it as a whole");
  return std::nullopt;
}

Value Elaborator::evaluation(const Value &model, const Value &data, std::optional<int64_t> batch, SourceRange at) {
  if (!model.model->trained || !model.model->trained->train) {
    error(Diag::WrongType, model.at, "argument 1 of `evaluate`",
          describe(model) + " that no `train` of this program made", "a trained model")
        .help("what is measured stands in its `train`; else name it: `evaluate(data, (x, y) => mse(model(x), y))`");
    return poison(at);
  }
  std::shared_ptr<const TrainElaborator> train = model.model->trained->train;
  const TrainPlan &plan = train->plan;
  if (!plan.data) {
    error(Diag::WrongType, model.at, "argument 1 of `evaluate`", "a model that was trained without data",
          "one trained `on` data")
        .help("name what is measured: `evaluate(data, (x, y) => mse(model(x), y))`");
    return poison(at);
  }
  if (!isChosen(data) || !train->hasFields(data, "the data") || !opened(*data.data))
    return poison(at);
  std::vector<std::string> names = {"loss"};
  names.insert(names.end(), plan.reports.begin(), plan.reports.end());
  std::vector<HostBufferRef> means(names.size());
  if (mode() != Mode::Check && executor) {
    std::vector<std::string> fields;
    for (const DataInfo::Field &field : plan.data->fields)
      if (!field.isString)
        fields.push_back(field.name);
    auto function = [&](int64_t size) { return train->evaluation(model, size); };
    means.clear();
    if (!executor->understands(*model.model, *data.data, {}, data.at) ||
        !executor->mapBatches(*data.data, fields, batch.value_or(plan.batch), function, BatchFold::Mean, means, at))
      return poison(at);
  }
  std::vector<std::pair<std::string, Value>> members;
  for (size_t i = 0; i < names.size(); ++i) {
    Value value = Value::ofTensor(DType::F32, {}, {}, at);
    value.host = means[i];
    members.push_back({names[i], value});
  }
  return groupOf("evaluation", std::move(members), at);
}

/// The tensors of a function's value over a batch: one, or those of a tuple. Nothing when an error was reported.
static std::optional<std::vector<Value>> resultsOf(Elaborator &e, Value result, const Size &batch, BatchFold fold,
                                                   SourceRange at) {
  std::vector<Value> results = result.kind == Value::Tuple ? result.elements : std::vector<Value>{result};
  bool mean = fold == BatchFold::Mean;
  const char *what = mean ? "what is evaluated" : "what is predicted";
  const char *expected = mean ? "a scalar of the batch" : "a row for each example";
  if (results.empty()) {
    e.error(Diag::WrongType, at, what, describe(result), expected);
    return std::nullopt;
  }
  for (Value &value : results) {
    Value given = e.tensorOfList(value);
    if (given.poison())
      return std::nullopt;
    value = e.tensorOf(given);
    bool fits =
        value.isTensor() &&
        (mean ? value.shape.empty() : !value.shape.empty() && e.sameSize(value.shape[0].size, batch).value_or(true));
    if (!fits) {
      auto report = e.error(Diag::WrongType, at, what, describe(given), expected);
      if (mean && value.isTensor())
        report.help("`mean(..)` makes one number of many");
      return std::nullopt;
    }
    if (mean)
      value = e.cast(value, DType::F32, at);
  }
  return results;
}

Value Elaborator::overBatches(const Value &function, const Value &data, BatchFold fold, int64_t batch, SourceRange at) {
  if (!isChosen(data) || !opened(*data.data))
    return poison(at);
  const DataInfo &info = *data.data;
  std::vector<std::string> names = parameterNames(function);
  std::vector<const DataInfo::Field *> fields;
  std::vector<std::string> known;
  for (const DataInfo::Field &field : info.fields)
    if (!field.isString)
      known.push_back(field.name);
  for (const std::string &name : names) {
    auto found = std::find_if(info.fields.begin(), info.fields.end(),
                              [&](const DataInfo::Field &field) { return field.name == name && !field.isString; });
    if (found == info.fields.end()) {
      error(Diag::UnknownMember, function.at, "data set `" + info.name + "`", name)
          .help(fmt::format("the function's parameters name fields, which are {}: `{} => ..`", listed(known),
                            known.empty() ? "x" : known[0]));
      return poison(at);
    }
    fields.push_back(&*found);
  }
  if (fields.empty()) {
    error(Diag::WrongType, function.at, "the function", "one without named parameters", "a function of fields")
        .help(fmt::format("`{0} => f({0})`", known.empty() ? "x" : known[0]));
    return poison(at);
  }
  auto apply = [&](const Size &rows, FunctionFrame *frame) {
    std::vector<Value> arguments;
    for (const DataInfo::Field *field : fields) {
      Shape shape = {{rows, at}};
      shape.insert(shape.end(), field->shape.begin(), field->shape.end());
      mlir::Value argument = frame ? frame->addArgument(irType(field->dtype, shape), location(at)) : mlir::Value();
      arguments.push_back(Value::ofTensor(field->dtype, shape, argument, at));
      setClasses(arguments.back(), data.data, *field);
    }
    llvm::SaveAndRestore none(training, false);
    return resultsOf(*this, this->apply(function, arguments, at), rows, fold, at);
  };
  // Its types first.
  std::optional<std::vector<Value>> types;
  bool tuple = false;
  std::vector<ModelRef> models;
  {
    NoFrame nothing(graph);
    llvm::SaveAndRestore checks(checkingOnly, true);
    llvm::SaveAndRestore asks(called, &models);
    types = apply(executor ? Size(batch) : Size::named("batch", at), nullptr);
  }
  if (!types)
    return poison(at);
  for (const ModelRef &model : models)
    if (executor && !executor->understands(*model, info, names, data.at))
      return poison(at);
  tuple = types->size() > 1;
  std::vector<HostBufferRef> outputs(types->size());
  if (mode() != Mode::Check && executor) {
    auto made = [&](int64_t rows) -> TrainModule {
      FunctionFrame frame(graph, "main", location(at), FunctionFrame::Inputs);
      std::optional<std::vector<Value>> results = apply(Size(rows), &frame);
      if (!results)
        return {};
      std::vector<mlir::Value> values;
      for (const Value &value : *results)
        values.push_back(ir(value));
      return {frame.finish(values), frame.inputs};
    };
    outputs.clear();
    if (!executor->mapBatches(info, names, batch, made, fold, outputs, at))
      return poison(at);
  }
  for (size_t i = 0; i < types->size(); ++i) {
    Value &value = (*types)[i];
    value = Value::ofTensor(value.dtype, value.shape, {}, at);
    if (fold == BatchFold::Join)
      value.shape[0] = {info.rows, info.at};
    value.host = outputs[i];
  }
  return tuple ? Value::ofTuple(std::move(*types), at) : (*types)[0];
}

} // namespace dlc
