// `train` blocks: what they are trained on, the block itself for one batch, and the training.
#include "frontend/elaborate/ControlFlow.h"
#include "frontend/elaborate/Texts.h"
#include "frontend/elaborate/TrainElaborator.h"

#include "llvm/Support/SaveAndRestore.h"

#include <algorithm>

namespace dlc {

using namespace ast;

/// Whether a text has a name as a whole word.
static bool hasWord(std::string_view text, std::string_view word) {
  auto inWord = [&](size_t at) { return at < text.size() && (isalnum(text[at]) || text[at] == '_'); };
  for (size_t at = text.find(word); at != text.npos; at = text.find(word, at + 1))
    if (!inWord(at - 1) && !inWord(at + word.size()))
      return true;
  return false;
}

std::vector<std::pair<std::string, Value>> TrainElaborator::fields(const Size &batch) {
  std::vector<std::pair<std::string, Value>> made;
  if (!plan.data)
    return made;
  for (const DataInfo::Field &field : plan.data->fields) {
    if (field.isString)
      continue;
    Shape shape = {{batch, item.nameRange}};
    shape.insert(shape.end(), field.shape.begin(), field.shape.end());
    made.push_back({field.name, Value::ofTensor(field.dtype, std::move(shape), {}, field.at)});
    setClasses(made.back().second, plan.data, field);
  }
  return made;
}

Value TrainElaborator::scalar(Value value, const std::string &what) {
  if (value.poison())
    return value;
  if (value.isNumber() || value.kind == Value::Bool) {
    SourceRange at = value.at;
    value = e.tensorOf(value, DType::F32);
    value.at = at;
  }
  if (!value.isTensor() || !value.shape.empty()) {
    auto report = e.error(Diag::NotScalar, value.at, what, describe(value));
    if (value.isTensor()) {
      e.noteOrigins(report, value);
      report.help(fmt::format("`mean({})` makes one number of many", e.shortText(value.at)));
    }
    return e.poison(value.at);
  }
  return e.cast(value, DType::F32, value.at);
}

std::optional<TrainElaborator::Body>
TrainElaborator::body(const Value &trained, const std::vector<std::pair<std::string, Value>> &inputs, bool training) {
  std::vector<ParamSlotRef> slots = parametersOf(*trained.model);
  markTrained(*trained.model);
  auto inner = std::make_shared<Scope>();
  inner->parent = scope;
  for (auto &[field, value] : inputs)
    inner->names[field] = {value, false, value.at};
  inner->names[name] = {trained, false, item.nameRange};
  bool saved = std::exchange(e.training, training);
  InDrawPlace place(e, name);
  decltype(e.textFields) texts;
  if (plan.data)
    for (const DataInfo::Field &field : plan.data->fields)
      if (field.isString)
        texts[field.name] = field.at;
  llvm::SaveAndRestore lacks(e.textFields, std::move(texts));
  unsigned before = e.diagnostics.failureCount();
  Body result;
  const TrainEntry *minimized = nullptr;
  for (const TrainEntry &entry : item.entries) {
    if (entry.kind == TrainEntry::Statement) {
      e.statement(*entry.statement, inner);
    } else if (entry.kind == TrainEntry::Minimize) {
      if (minimized)
        e.error(Diag::TwoOptimizers, entry.range, name).note(minimized->range, "first here").help("add the two losses");
      minimized = &entry;
      Value loss = e.expression(*entry.value, inner);
      if (loss.isNumber() || loss.kind == Value::Bool ||
          (loss.isTensor() && loss.shape.empty() && !isFloating(loss.dtype))) {
        e.error(Diag::NoGradient, loss.at, describe(loss))
            .help("what is minimized is computed from the model's parameters, in floating-point numbers");
        loss = e.poison(loss.at);
      }
      result.loss = scalar(loss, "what is minimized");
    } else if (entry.kind == TrainEntry::Report) {
      result.reports.push_back(scalar(e.expression(*entry.value, inner), fmt::format("report `{}`", entry.name)));
    }
  }
  if (!minimized)
    e.error(Diag::NothingToMinimize, item.nameRange, name)
        .help("write `minimize loss`, where loss is a scalar of the batch");
  e.training = saved;
  if (e.diagnostics.failureCount() != before)
    return std::nullopt;
  for (size_t i = 0; i < slots.size(); ++i)
    if (const Value *next = slots[i]->next ? &slots[i]->next->names.begin()->second.value : nullptr)
      if (!isSameValue(*next, slots[i]->value))
        result.assigned[i] = *next;
  return result;
}

std::optional<TrainElaborator::Body> TrainElaborator::bodyOf(const Size &batch,
                                                             llvm::function_ref<bool(const ParamSlotRef &)> varies) {
  Value varied = model;
  std::vector<Value> values;
  for (const ParamSlotRef &slot : parametersOf(*model.model)) {
    values.push_back(slot->value);
    values.back().varies = slot->trained && varies(slot);
  }
  varied.model = withValues(*model.model, values);
  e.differentiated.push_back(item.nameRange);
  std::optional<Body> made = body(varied, fields(batch), true);
  e.differentiated.pop_back();
  return made;
}

/// What `minimize` is made of, as text: its expression, and those of the names in it that the block defines.
std::string TrainElaborator::minimizedText(const Expr &minimized) const {
  std::string text(e.sources.text(minimized.range));
  for (auto entry = item.entries.rbegin(); entry != item.entries.rend(); ++entry)
    if (entry->kind == TrainEntry::Statement && entry->range.begin < minimized.range.begin) {
      std::string defined;
      if (entry->statement->kind == StmtKind::Let)
        defined = e.sources.text(static_cast<const LetStmt *>(entry->statement)->pattern->range);
      if (defined.empty() ||
          std::any_of(defined.begin(), defined.end(), [](char c) { return !isalnum(c) && c != '_'; }) ||
          hasWord(text, defined))
        text += "\n" + std::string(e.sources.text(entry->range));
    }
  return text;
}

bool TrainElaborator::gradientReaches(const Body &checked, const Size &batch) {
  const TrainEntry &minimize = *std::find_if(item.entries.begin(), item.entries.end(), [](const TrainEntry &entry) {
    return entry.kind == TrainEntry::Minimize;
  });
  if (!checked.loss.varies) {
    auto all = [](const ParamSlotRef &) { return true; };
    bool ofFrozen = !frozen.empty() && bodyOf(batch, all).value_or(Body()).loss.varies;
    auto report =
        e.error(Diag::NoGradientReaches, minimize.value->range,
                ofFrozen ? "what `freeze` leaves to train of `" + name + "`" : "the parameters of `" + name + "`");
    std::string text = minimizedText(*minimize.value);
    auto says = [&](const char *word) { return hasWord(text, word); };
    if (ofFrozen)
      report.help("it is computed from frozen parts alone: freeze less of the model");
    else if (!hasWord(text, name))
      report.help(fmt::format(
          "`{}` has no part in it: a loss compares what the model gives, `{}(..)`, with what it should give", name,
          name));
    else if (says("stop_gradient"))
      report.help("`stop_gradient` keeps gradients from what is in it: leave it out around what is to learn");
    else if (says("accuracy") || says("argmax") || says("f1") || says("auc") || text.find("==") != text.npos)
      report.help(
          fmt::format("a count of right answers has no slope: minimize a loss, as `cross_entropy({}(..), label)`, and "
                      "`report` it",
                      name));
    else
      report.help(
          "comparisons, integers and `stop_gradient` have no slope: minimize a loss that is computed without them");
    return false;
  }
  for (size_t k = 0; e.checkItems && groups.size() > 1 && k < groups.size(); ++k) {
    const OptimizerInstance &optimizer = groups[k].optimizer;
    std::set<std::string> paths;
    for (size_t i = 0; i < groupOf.size(); ++i)
      if (groups[groupOf[i]].optimizer.at == optimizer.at) // with what it does not decay
        paths.insert(plan.params[plan.learned[i]]->path);
    if (!optimizer.arguments.count("only") || paths.empty())
      continue;
    std::optional<Body> made = bodyOf(batch, [&](const ParamSlotRef &slot) { return paths.count(slot->path) > 0; });
    if (made && !made->loss.varies)
      e.error(Diag::NothingForOptimizer, optimizer.at).note(minimize.value->range, "this is minimized");
  }
  return true;
}

bool TrainElaborator::check() {
  plan.name = name;
  plan.isOneOfSeveral = e.severalTrainings;
  plan.at = item.range;
  unsigned before = e.diagnostics.failureCount();
  Value data = item.data ? e.expression(*item.data, scope) : Value::unit(item.range);
  if (data.kind == Value::Data) {
    if (!e.isChosen(data) || (!e.opensLate && !e.opened(*data.data)))
      return false;
    plan.data = data.data;
  } else if (data.kind != Value::Unit && !data.poison()) {
    e.error(Diag::WrongType, data.at, "what `" + name + "` is trained on", describe(data), "a data set")
        .help("`data examples: { x: f32[10] } = csv(\"..\")` declares one");
    data = e.poison(data.at);
  }
  const ModelItem *savedModel = e.overrideModel;
  if (item.model->kind == ExprKind::Call) {
    Value callee = e.expression(*static_cast<const CallExpr *>(item.model)->callee, scope);
    if (callee.kind == Value::Fn && callee.function->kind == Function::Constructor)
      e.overrideModel = callee.function->modelItem;
  }
  {
    InDrawPlace place(e, name);
    model = e.expression(*item.model, scope);
  }
  e.overrideModel = savedModel;
  if (model.poison() || data.poison())
    return false;
  if (model.kind != Value::Model || parametersOf(*model.model).empty()) {
    auto report = e.error(Diag::NothingToTrain, model.at, name,
                          describe(model) + (model.kind == Value::Model ? " without parameters" : ""));
    if (model.kind == Value::Fn && model.function->kind == Function::Constructor)
      report.help("make one: `" + std::string(e.sources.text(model.at)) + "(..)`");
    else if (model.kind == Value::Tuple)
      report.help("one model has them as layers: `model Both(a, b) { layer first = a`, then `layer second = b }`");
    return false;
  }
  nameParameters(*model.model);
  plan.params = parametersOf(*model.model);
  for (const TrainEntry &entry : item.entries)
    if (entry.kind == TrainEntry::Report) {
      std::string report(entry.name);
      if (report == "loss")
        e.error(Diag::DefinedTwice, entry.nameRange, report).help("the loss is reported by itself");
      for (const TrainEntry &earlier : item.entries)
        if (&earlier == &entry)
          break;
        else if (earlier.kind == TrainEntry::Report && earlier.name == entry.name)
          e.error(Diag::DefinedTwice, entry.nameRange, report).note(earlier.nameRange, "first defined here");
      plan.reports.push_back(report);
    }
  bool good = freezing();
  good &= settings();
  // The block itself, checked with a name for the batch size.
  NoFrame nothing(e.graph);
  bool savedChecking = std::exchange(e.checkingOnly, true);
  Size batch = e.executor ? Size(plan.batch) : Size::named("batch", item.nameRange);
  std::optional<Body> checked = bodyOf(batch, [&](const ParamSlotRef &slot) { return !frozen.count(slot->path); });
  good &= !checked || plan.learned.empty() || gradientReaches(*checked, batch);
  for (size_t i = 0; plan.ema && checked && i < plan.params.size(); ++i)
    if (std::count(plan.learned.begin(), plan.learned.end(), i) ||
        (checked->assigned.count(i) && isFloating(plan.params[i]->value.dtype)))
      plan.averaged.push_back(i);
  if (checked && good) {
    std::vector<Value> params, gradients;
    std::vector<std::vector<Value>> states;
    for (size_t i : plan.learned) {
      params.push_back(plan.params[i]->value);
      states.push_back(std::vector<Value>(plan.states.size(), params.back()));
    }
    Value step = Value::ofTensor(DType::F64, {}, {}, item.nameRange);
    step.soft = true;
    std::vector<mlir::Value> results;
    Value rate;
    good = update(params, params, states, step, results, rate);
  }
  e.checkingOnly = savedChecking;
  return good && checked && e.diagnostics.failureCount() == before;
}

/// Numbers that the executor measured, as a group; while checking, columns of an unknown length.
static Value historyOf(Elaborator &e, const std::string &name, const TrainPlan &plan, const TrainHistory &history,
                       SourceRange at) {
  using Columns = std::vector<std::pair<std::string, HostBufferRef>>;
  auto members = [&](const Columns &measured, const std::string &what, bool rate) {
    Columns columns = measured;
    if (!e.executor) {
      columns = {{"step", nullptr}, {"loss", nullptr}};
      for (const std::string &report : plan.reports)
        columns.push_back({report, nullptr});
      if (rate)
        columns.push_back({"lr", nullptr});
    }
    std::vector<std::pair<std::string, Value>> made;
    Size length = Size::ofData(name + ".history." + what, at);
    for (auto &[column, host] : columns) {
      Value value = Value::ofTensor(column == "step" ? DType::I64 : DType::F32,
                                    {{host ? Size(host->shape[0]) : length, at}}, {}, at);
      value.host = host;
      made.push_back({column, value});
    }
    return made;
  };
  std::vector<std::pair<std::string, Value>> all = members(history.steps, "steps", true);
  if (plan.validate)
    all.push_back({"val", groupOf("val", members(history.validations, "validations", false), at)});
  return groupOf("history", std::move(all), at);
}

void Elaborator::trainItem(const TrainItem &item, const ScopeRef &scope) {
  std::string name(item.name);
  auto train = std::make_shared<TrainElaborator>(*this, item, scope);
  Value result = poison(item.nameRange);
  if (train->check()) {
    result = train->model;
    if (scope == file) {
      inferred.push_back({name, "train " + name + ": " + typeString(result)});
      for (const std::string &line : train->partsText())
        inferred.push_back({name, line});
    }
    TrainHistory history;
    if (executor) {
      TrainFunctions functions;
      functions.step = [train](int64_t batch) { return train->function(TrainPart::Step, batch); };
      functions.accumulate = [train](int64_t batch) { return train->function(TrainPart::Accumulate, batch); };
      functions.update = [train] { return train->function(TrainPart::Update, 0); };
      functions.evaluate = [train](int64_t batch) { return train->function(TrainPart::Evaluate, batch); };
      functions.initial = [train] { return train->initial(); };
      std::vector<HostBufferRef> params;
      const std::shared_ptr<DataInfo> &data = train->plan.data; // not opened where no step is made
      bool fits = !data || !data->handle || executor->understands(*train->model.model, *data, {}, item.model->range);
      if (fits && executor->train(train->plan, functions, params, history)) {
        std::vector<Value> values;
        for (size_t i = 0; i < params.size(); ++i) {
          Value value = train->plan.params[i]->value;
          value.host = params[i];
          values.push_back(value);
        }
        result.model = withValues(*train->model.model, values);
      } else {
        result = poison(item.nameRange);
      }
    }
    if (!result.poison()) {
      result.model = std::make_shared<ModelInstance>(*result.model);
      result.model->trained =
          std::make_shared<TrainedBy>(TrainedBy{train, historyOf(*this, name, train->plan, history, item.nameRange)});
      if (history.vocabularies)
        result.model->vocabularies = history.vocabularies;
    }
  }
  result.at = item.nameRange;
  scope->names[name] = {result, false, item.nameRange};
}

} // namespace dlc
