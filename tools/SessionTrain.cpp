// Training in a session: blocks initialised, functions compiled as they are needed, the runtime's loop, the trained model.
#include "tools/Session.h"

#include "runtime/Checkpoint.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

#include <algorithm>
#include <filesystem>
#include <fmt/format.h>
#include <unistd.h>

namespace dlc {

static_assert(std::string_view(TrainPlan::averageName) == averageName);

/// A dense slot of a block as a tensor; `owner` keeps the block.
static HostBuffer bufferIn(const TensorSlot &slot, std::shared_ptr<void> owner, void *block) {
  void *data = static_cast<std::byte *>(block) + slot.byteOffset;
  return {slot.dtype, slot.shape, std::shared_ptr<void>(std::move(owner), data), slot.denseBytes()};
}

std::optional<std::vector<bool>> Session::fill(const std::string &name, bool partial, const SlotBlock &block,
                                               SourceRange at, const std::string &partially) {
  std::string file = name;
  // Beside the program, as data is.
  if (Result<std::string> found = paths.find(name))
    file = *found;
  if (!partial) {
    std::string rounded;
    if (Result<void> loaded = loadCheckpoint(file, block, &rounded); !loaded) {
      auto report = reportError(diagnostics, Diag::TrainingProblem, at, loaded.error());
      if (loadPartial(file, block))
        report.help("`" + partially + "` takes what fits by name and shape, all but a head of other classes");
      return std::nullopt;
    }
    if (!rounded.empty())
      warn(at, rounded);
    return std::vector<bool>(block.slots.size(), true);
  }
  Result<PartialLoad> loaded = loadPartial(file, block);
  if (!loaded) {
    reportError(diagnostics, Diag::TrainingProblem, at, loaded.error());
    return std::nullopt;
  }
  std::string text =
      fmt::format("{} of {} tensors are taken from {}\n",
                  std::count(loaded->filled.begin(), loaded->filled.end(), true), block.slots.size(), file);
  for (const std::string &left : loaded->left)
    text += "  left: " + left + "\n";
  if (!loaded->rounded.empty())
    warn(at, loaded->rounded);
  if (!quiet)
    output(text);
  return loaded->filled;
}

bool Session::load(const std::string &name, bool partial, const ModelInstance &model,
                   std::vector<HostBufferRef> &values, std::shared_ptr<const void> &vocabularies, SourceRange at) {
  return loadSlots(name, partial, parametersOf(model), vocabulariesOf(model), values, vocabularies, at);
}

bool Session::loadSlots(const std::string &name, bool partial, const std::vector<ParamSlotRef> &params,
                        const Vocabularies *own, std::vector<HostBufferRef> &values,
                        std::shared_ptr<const void> &vocabularies, SourceRange at) {
  Result<std::string> found = paths.find(name);
  std::string file = found ? *found : name;
  const std::string partially = fmt::format("load(.., \"{}\", partial: true)", name);
  Result<Vocabularies> saved = readVocabularies(file); // what cannot be read is said below
  if (saved && !partial)
    if (Result<void> same = checkLoaded(file, *saved, own); !same) {
      reportError(diagnostics, Diag::DataProblem, at, same.error());
      return false;
    }
  std::vector<TensorSlot> slots;
  size_t bytes = 0;
  for (const ParamSlotRef &param : params) {
    std::vector<int64_t> shape;
    for (const Dim &dim : param->value.shape)
      shape.push_back(dim.size.constant());
    slots.push_back(denseSlot(param->path, param->value.dtype, std::move(shape), bytes));
    bytes += (slots.back().denseBytes() + 63) / 64 * 64;
  }
  Result<Arena> memory = Arena::allocate(bytes + 64);
  if (!memory) {
    reportError(diagnostics, Diag::RunProblem, at, memory.error());
    return false;
  }
  auto held = std::make_shared<Arena>(std::move(*memory));
  std::optional<std::vector<bool>> filled = fill(file, partial, {slots, held->data()}, at, partially);
  if (!filled)
    return false;
  if (saved && !partial && !saved->empty())
    vocabularies = std::make_shared<const Vocabularies>(std::move(*saved));
  for (size_t i = 0; i < slots.size(); ++i)
    values.push_back((*filled)[i] ? std::make_shared<HostBuffer>(bufferIn(slots[i], held, held->data())) : nullptr);
  return true;
}

bool Session::initialise(const TrainPlan &plan, const TrainFunctions &functions, const Compiled &step, void *params,
                         void *state) {
  std::vector<bool> filled(step.params.size());
  if (!plan.init.empty()) {
    Result<std::string> found = paths.find(plan.init);
    if (plan.data && !plan.initPartial)
      if (Result<void> ok = checkVocabularies(found ? *found : plan.init, datasetOf(*plan.data)->vocabularies(),
                                              "`" + datasetOf(*plan.data)->name() + "`");
          !ok) {
        reportError(diagnostics, Diag::TrainingProblem, plan.initAt, ok.error());
        return false;
      }
    std::optional<std::vector<bool>> loaded = fill(plan.init, plan.initPartial, {step.params, params}, plan.initAt,
                                                   fmt::format("init: load(\"{}\", partial: true)", plan.init));
    if (!loaded)
      return false;
    filled = *loaded;
  }
  if (std::count(filled.begin(), filled.end(), false)) {
    TrainModule initial = functions.initial();
    // Drawn where they belong, except for those that lie there in another order, and those that a file gave.
    std::vector<HostBufferRef> values;
    for (const TensorSlot &slot : step.params)
      values.push_back(slot.isDense() && !filled[values.size()]
                           ? std::make_shared<HostBuffer>(bufferIn(slot, nullptr, params))
                           : nullptr);
    if (!initial.module || !runInto(*initial.module, initial.captured, values, plan.at))
      return false;
    for (size_t i = 0; i < step.params.size(); ++i) {
      if (!filled[i] && !step.params[i].isDense())
        packTensor(step.params[i], values[i]->data.get(), params);
      values[i].reset();
    }
  }
  for (size_t i = 0; i < step.state.size(); ++i)
    if (size_t kind = i / plan.learned.size(); kind < plan.stateInitial.size() && plan.stateInitial[kind] != 0)
      fillTensor(step.state[i], plan.stateInitial[kind], state); // the block is zeroed
  return true;
}

static TrainHistory historyOf(const TrainingSpec &spec, const TrainingResult &result) {
  TrainHistory history;
  std::vector<std::string> names = {"loss"};
  names.insert(names.end(), spec.reports.begin(), spec.reports.end());
  history.steps.push_back({"step", bufferOf(DType::I64, result.log.steps)});
  for (size_t i = 0; i < names.size(); ++i)
    history.steps.push_back({names[i], bufferOf(DType::F32, result.log.metrics[i])});
  history.steps.push_back({"lr", bufferOf(DType::F32, result.log.learningRates)});
  std::vector<int64_t> steps;
  std::vector<std::vector<float>> columns(names.size());
  for (const EpochMetrics &metrics : result.history)
    if (metrics.validated) {
      steps.push_back(metrics.step);
      columns[0].push_back(float(metrics.validationLoss));
      for (size_t i = 1; i < names.size(); ++i)
        columns[i].push_back(float(metrics.validationReports[i - 1]));
    }
  history.validations.push_back({"step", bufferOf(DType::I64, steps)});
  for (size_t i = 0; i < names.size(); ++i)
    history.validations.push_back({names[i], bufferOf(DType::F32, columns[i])});
  return history;
}

/// The file of the weights alone, beside what a run is resumed from.
static std::string weightsBeside(const std::string &resume) {
  constexpr std::string_view suffix = ".resume";
  return resume.ends_with(suffix) ? resume.substr(0, resume.size() - suffix.size()) : resume;
}

bool Session::takeSaved(const TrainPlan &plan, const TrainFunctions &functions, std::vector<HostBufferRef> &trained,
                        TrainHistory &history) {
  std::string file = plan.resume.empty() ? plan.init : weightsBeside(plan.resume);
  std::shared_ptr<const void> vocabularies;
  if (!loadSlots(file, plan.resume.empty() && plan.initPartial, plan.params, nullptr, trained, vocabularies,
                 plan.initAt))
    return false;
  TrainingSpec spec;
  spec.reports = plan.reports;
  TrainingResult nothing;
  nothing.log.metrics.resize(1 + plan.reports.size());
  history = historyOf(spec, nothing);
  history.vocabularies = std::move(vocabularies);
  if (std::find(trained.begin(), trained.end(), nullptr) == trained.end())
    return true;
  // What a file leaves of a model is as it is made.
  std::vector<HostBufferRef> values(trained.size());
  TrainModule initial = functions.initial();
  if (!initial.module || !runInto(*initial.module, initial.captured, values, plan.at))
    return false;
  for (size_t i = 0; i < trained.size(); ++i)
    if (!trained[i])
      trained[i] = values[i];
  return true;
}

/// Two trainings of a program that write the same files: the later one's stay.
void Session::warnOfOverwriting(const TrainPlan &plan) {
  for (auto [setting, file] : {std::pair("save", &plan.save), std::pair("log", &plan.log)}) {
    bool goesOn = *file == plan.init || *file == plan.resume;
    auto [found, isNew] = writtenBy.emplace(*file, plan.at);
    if (file->empty() || goesOn || isNew || found->second.file != plan.at.file)
      continue;
    bool isTurn = found->second == plan.at;
    size_t dot = setting[0] == 's' ? std::min(file->rfind('.'), file->size()) : file->size();
    std::string ending = file->substr(dot);
    warn(plan.at,
         fmt::format("`{}` is written over what {} left there", *file,
                     isTurn ? "the turn before" : "an earlier training"),
         isTurn ? fmt::format("with the turn in its name each stays: `{}: \"{}\" + str(i){}`", setting,
                              file->substr(0, dot), ending.empty() ? "" : " + \"" + ending + "\"")
                : fmt::format("give each its own: `{}: \"{}2{}\"`", setting, file->substr(0, dot), ending));
    found->second = SourceRange(); // said once
  }
}

bool Session::train(const TrainPlan &plan, const TrainFunctions &functions, std::vector<HostBufferRef> &trained,
                    TrainHistory &history) {
  if (onTrain) {
    onTrain(plan, functions);
    emitted = true;
    return false;
  }
  if (emits(plan.at)) {
    TrainModule made = plan.accumulate > 1 ? functions.accumulate(plan.batch) : functions.step(plan.batch);
    if (std::optional<std::string> text = compiler->emit(std::move(made.module), options.emit))
      output(*text);
    emitted = true;
    return false;
  }
  if (plan.makesNoStep())
    return takeSaved(plan, functions, trained, history);
  auto problem = [&](const Error &error) {
    reportError(diagnostics, Diag::TrainingProblem, plan.at, error);
    return false;
  };
  warnOfOverwriting(plan);
  std::shared_ptr<const Dataset> data = plan.data ? datasetOf(*plan.data) : nullptr;
  int64_t batch = data ? std::min(plan.batch, data->size()) : plan.batch;
  for (const DataInfo *used : {plan.data.get(), plan.validate.get()})
    if (used && datasetOf(*used)->size() == 0) {
      bool isMade = isMadeOfRows(*used);
      diagnostics.report(Diag::TrainingProblem, plan.at, "the data set `" + shownName(*used) + "` has no examples")
          .note(!isMade && used->source ? used->source->at : used->at, isMade ? "it is made here" : "it was read here");
      return false;
    }
  auto captured = [](const TrainModule &made) {
    std::vector<std::shared_ptr<void>> buffers;
    for (const HostBufferRef &buffer : made.captured)
      buffers.push_back(buffer->data);
    return buffers;
  };
  // With `accumulate` this is the first half of a step; the other has its layouts.
  bool halves = plan.accumulate > 1;
  TrainModule stepModule = halves ? functions.accumulate(batch) : functions.step(batch);
  std::unique_ptr<Compiled> step = compiler->compile(std::move(stepModule.module));
  if (!step || stopped())
    return false;
  step->function.captured = captured(stepModule);
  Result<Arena> params = Arena::allocate(step->paramBytes + 64), state = Arena::allocate(step->stateBytes + 64);
  if (!params)
    return problem(params.error());
  if (!state)
    return problem(state.error());
  auto parameters = std::make_shared<Arena>(std::move(*params));
  if (!initialise(plan, functions, *step, parameters->data(), state->data()))
    return false;

  TrainingSpec spec;
  spec.params = step->params;
  spec.state = step->state;
  if (halves)
    spec.state.resize(spec.state.size() - plan.learned.size());
  spec.averaged = plan.averaged;
  spec.data = data;
  spec.validate = plan.validate ? datasetOf(*plan.validate) : nullptr;
  if (plan.data)
    for (const DataInfo::Field &field : plan.data->fields)
      if (!field.isString)
        spec.fields.push_back(field.name);
  spec.batch = batch;
  spec.accumulate = plan.accumulate;
  spec.label = plan.isOneOfSeveral ? plan.name : "";
  spec.epochs = plan.steps > 0 ? 0 : plan.epochs;
  spec.steps = plan.steps;
  spec.every = plan.everyEpochs ? 0 : plan.every;
  spec.shuffle = plan.shuffle;
  spec.times = options.times;
  spec.digits = digits;
  if (plan.sampleBy) {
    auto weights = std::make_shared<std::vector<double>>();
    for (int64_t row = 0; row < plan.sampleBy->shape[0]; ++row)
      weights->push_back(elementAsDouble(plan.sampleBy->dtype, plan.sampleBy->data.get(), row));
    spec.weights = std::move(weights);
  }
  spec.seed = uint64_t(plan.seed);
  spec.reports = plan.reports;
  if (plan.patience)
    spec.stopAfter = StopAfter{*plan.patience, !plan.patienceEpochs, plan.patienceMetric, !plan.patienceLower};
  spec.save = plan.save;
  bool canResume = true;
  if (!plan.resume.empty()) {
    std::string weights = weightsBeside(plan.resume);
    canResume = std::filesystem::exists(weights) || std::filesystem::exists(weights + ".resume");
    // A program that goes on where it was has nothing to go on from when it is run first.
    if (!canResume && weights == plan.save && !quiet)
      output(fmt::format("`{}` is not there yet: `{}` starts from the beginning\n", weights, plan.name));
    if (canResume || weights != plan.save)
      spec.resume = plan.resume;
  }
  spec.logFolder = plan.log;
  spec.allowNan = plan.allowNan;

  // Other instances are compiled when they are first needed, and kept.
  std::map<std::pair<Mode, int64_t>, CompiledFunction> ready = {
      {{halves ? Mode::Accumulate : Mode::Train, batch}, step->function}};
  spec.learningRate = step->outputs.size() > 1 + plan.reports.size();
  auto provider = [&](Mode mode, int64_t size) -> Result<CompiledFunction> {
    auto found = ready.find({mode, size});
    if (found != ready.end())
      return found->second;
    TrainModule made = mode == Mode::Train        ? functions.step(size)
                       : mode == Mode::Accumulate ? functions.accumulate(size)
                       : mode == Mode::Update     ? functions.update()
                                                  : functions.evaluate(size);
    std::string what =
        mode == Mode::Update ? "the function that updates the parameters"
        : data && size != batch && mode != Mode::Evaluate
            ? fmt::format("the step for the last batch of an epoch, {} of the {} rows of `{}` in batches of {},", size,
                          data->size(), data->name(), batch)
            : "the function for batches of " + std::to_string(size);
    if (!made.module)
      return Error::plain(what + " cannot be made");
    requestLayouts(*made.module, step->slotTypes);
    std::unique_ptr<Compiled> compiled = compiler->compile(std::move(made.module));
    if (!compiled)
      return Error::plain(what + " cannot be compiled");
    if (mode == Mode::Update)
      spec.learningRate = !compiled->outputs.empty();
    compiled->function.captured = captured(made);
    ready[{mode, size}] = compiled->function;
    return compiled->function;
  };
  OutputSink sink = OutputSink::ofDescriptor(STDOUT_FILENO);
  sink.quiet = options.quiet;
  if (quiet)
    sink = {[](std::string_view) {}, false};
  Result<TrainingResult> result = dlc::train(spec, provider, parameters->data(), state->data(), *pool, sink);
  if (!result) {
    auto report = reportError(diagnostics, Diag::TrainingProblem, plan.at, result.error());
    if (!canResume)
      report.help(
          fmt::format("with `save: \"{}\"` too the first run starts from the beginning", weightsBeside(plan.resume)));
    return false;
  }
  if (result->saveError)
    unsaved.push_back({plan.at, *result->saveError});
  // What was learnt so far stays.
  interrupted |= result->interrupted;
  if (result->interrupted && goesOn && !quiet)
    output("`" + plan.name + "` is what was learnt so far\n");
  history = historyOf(spec, *result);
  if (Vocabularies met = data ? data->vocabularies() : Vocabularies(); !met.empty())
    history.vocabularies = std::make_shared<const Vocabularies>(std::move(met));
  // The trained tensors stay where they are, in the block, except for those that lie there in another order.
  for (const TensorSlot &slot : step->params) {
    if (slot.isDense()) {
      trained.push_back(std::make_shared<HostBuffer>(bufferIn(slot, parameters, parameters->data())));
      continue;
    }
    Result<Arena> dense = Arena::allocate(slot.denseBytes() + 64);
    if (!dense)
      return problem(dense.error());
    auto held = std::make_shared<Arena>(std::move(*dense));
    unpackTensor(slot, parameters->data(), held->data());
    trained.push_back(std::make_shared<HostBuffer>(
        HostBuffer{slot.dtype, slot.shape, std::shared_ptr<void>(held, held->data()), slot.denseBytes()}));
  }
  return true;
}

} // namespace dlc
