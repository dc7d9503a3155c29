// The checks before a run, and its files.
#include "runtime/RunFiles.h"

#include "runtime/Files.h"
#include "runtime/Print.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

namespace dlc {

static Result<void> checkFields(const TrainingSpec &spec) {
  for (const std::string &field : spec.fields) {
    const Column *train = spec.data->column(field), *other = spec.validate ? spec.validate->column(field) : train;
    for (const auto &[column, data] : {std::pair(train, spec.data), std::pair(other, spec.validate)})
      if (column == nullptr || column->spec.kind == FieldSpec::Kind::String)
        return Error::plain(
            fmt::format("the data set `{}` has no field `{}` that can be part of a batch", data->name(), field));
    if (train->spec.dtype != other->spec.dtype || train->spec.shape != other->spec.shape)
      return Error::plain(fmt::format("field `{}` is {} in `{}`, but {} in `{}`, which is to validate", field,
                                      typeName(train->spec.dtype, train->spec.shape), spec.data->name(),
                                      typeName(other->spec.dtype, other->spec.shape), spec.validate->name()));
    if (!train->vocabulary || !other->vocabulary || train->vocabulary->agrees(*other->vocabulary))
      continue;
    return Error::plain(fmt::format("the numbers of `{}` stand for other things in `{}`, which is to validate: {}\none "
                                    "source that is split has one "
                                    "vocabulary: `source(..) |> split(train: 0.9)`",
                                    field, spec.validate->name(),
                                    train->vocabulary->difference(*other->vocabulary, "`" + spec.data->name() + "`",
                                                                  "`" + spec.validate->name() + "`")));
  }
  return {};
}

static Result<void> checkStopAfter(const TrainingSpec &spec) {
  const StopAfter &stop = *spec.stopAfter;
  std::vector<std::string> names = {"loss"};
  names.insert(names.end(), spec.reports.begin(), spec.reports.end());
  if (spec.validate)
    for (size_t i = 0; i <= spec.reports.size(); ++i)
      names.push_back("val." + names[i]);
  if (std::find(names.begin(), names.end(), stop.metric) == names.end()) {
    std::string nearest = nearestName(stop.metric, names);
    bool needsData = stop.metric.starts_with("val.") && !spec.validate;
    return Error::plain(
        fmt::format("`stop_after` waits for `{}`, {}{}", stop.metric,
                    needsData ? "but there is no `validate` data set" : "which is neither the loss nor reported",
                    nearest.empty() || needsData ? "" : fmt::format("; did you mean `{}`?", nearest)));
  }
  if (stop.metric.starts_with("val.") && spec.steps > 0 && spec.every == 0)
    return Error::plain(
        fmt::format("`stop_after` waits for `{}`, but with `steps` it is known at the end alone unless `every` says "
                    "how often to validate",
                    stop.metric));
  if (!spec.data && !stop.inSteps)
    return Error::plain("`stop_after` counts epochs, but a training without data has none");
  if (stop.count <= 0)
    return Error::plain(
        fmt::format("`stop_after` is {} {}, but must be at least 1", stop.count, stop.inSteps ? "steps" : "epochs"));
  return {};
}

Result<void> checkSpec(const TrainingSpec &spec) {
  for (const auto &data : {spec.data, spec.validate})
    if (data && data->size() == 0)
      return Error::plain(fmt::format("the data set `{}` has no examples", data->name()));
  if (spec.batch <= 0)
    return Error::plain(fmt::format("`batch` is {}, but must be at least 1", spec.batch));
  if (spec.accumulate <= 0)
    return Error::plain(fmt::format("`accumulate` is {}, but must be at least 1", spec.accumulate));
  if (int64_t batches = spec.data ? (spec.data->size() + spec.batch - 1) / spec.batch : spec.accumulate;
      spec.accumulate > batches)
    return Error::plain(fmt::format("`accumulate` is {}, but the data set `{}` has {} {} of {}", spec.accumulate,
                                    spec.data->name(), batches, batches == 1 ? "batch" : "batches", spec.batch));
  if (spec.epochs < 0 || spec.steps < 0 || (spec.epochs == 0) == (spec.steps == 0))
    return spec.epochs > 0 && spec.steps > 0
               ? Error::plain("both `epochs` and `steps` are given")
               : Error::plain(fmt::format("`{}` is {}, but must be at least 1", spec.steps != 0 ? "steps" : "epochs",
                                          spec.steps != 0 ? spec.steps : spec.epochs));
  if (spec.every < 0 || (spec.every > 0 && spec.steps == 0))
    return Error::plain(spec.every < 0 ? fmt::format("`every` is {} steps, but must be at least 1", spec.every)
                                       : "`every` needs `steps`; with `epochs` the validation follows each epoch");
  if (!spec.data && (spec.epochs > 0 || !spec.fields.empty() || spec.validate))
    return Error::plain("a training without data is measured in `steps` and has no fields and no `validate`");
  if (Result<void> ok = spec.data ? checkFields(spec) : Result<void>(); !ok)
    return ok;
  if (Result<void> ok = spec.stopAfter ? checkStopAfter(spec) : Result<void>(); !ok)
    return ok;
  std::vector<std::string> suffixes = {"", ".best", ".resume"};
  if (!spec.averaged.empty())
    suffixes.push_back(".ema");
  if (!spec.save.empty())
    for (const std::string &suffix : suffixes)
      if (Result<void> ok = checkWritable(spec.save + suffix); !ok)
        return ok;
  return {};
}

StopAfter bestMetricOf(const TrainingSpec &spec) {
  if (spec.stopAfter)
    return *spec.stopAfter;
  StopAfter byLoss;
  byLoss.metric = spec.validate ? "val.loss" : "loss";
  return byLoss;
}

Result<RunPosition> RunFiles::resume() const {
  RunPosition fresh;
  fresh.seed = spec.seed;
  fresh.batch = spec.batch;
  fresh.accumulate = spec.accumulate;
  if (spec.resume.empty())
    return fresh;
  std::string path = spec.resume.ends_with(".resume") ? spec.resume : spec.resume + ".resume";
  if (spec.data)
    if (Result<void> ok = checkVocabularies(path, spec.data->vocabularies(), "`" + spec.data->name() + "`"); !ok)
      return ok.error();
  Result<RunPosition> at = loadResume(path, {spec.params, params}, {spec.state, state});
  if (!at)
    return at;
  if (at->seed != spec.seed)
    return Error::inFile(
        path, fmt::format("was written by a run with seed {}, but this one has seed {}", at->seed, spec.seed));
  if (at->stepInEpoch > 0 && at->batch != spec.batch)
    return Error::inFile(path, fmt::format("was written within an epoch of batches of {}, but this run's are of {}",
                                           at->batch, spec.batch));
  if (at->stepInEpoch > 0 && at->accumulate != spec.accumulate)
    return Error::inFile(path, fmt::format("was written within an epoch of steps of {} batches, but this run has "
                                           "`accumulate: {}`",
                                           at->accumulate, spec.accumulate));
  if (!at->sums.empty() && at->sums.size() != 1 + spec.reports.size())
    return Error::inFile(path, fmt::format("was written within an epoch by a run with {} reports, but this one has {}",
                                           at->sums.size() - 1, spec.reports.size()));
  at->batch = spec.batch;
  at->accumulate = spec.accumulate;
  return at;
}

Result<RunPosition> RunFiles::begin() {
  Result<RunPosition> position = resume();
  for (const auto &[slots, block] : {std::pair(&spec.params, params), std::pair(&spec.state, state)})
    for (const TensorSlot &slot : *slots)
      if (std::optional<double> value = findNotFinite(slot, block); value && std::isinf(*value))
        infinite.insert(&slot);
  for (auto &[number, average] : averages().slots)
    if (infinite.contains(&spec.params[number]))
      infinite.insert(average);
  return position;
}

Result<void> RunFiles::checkFinite() const {
  for (const auto &[slots, block] : {std::pair(&spec.params, params), std::pair(&spec.state, state)})
    for (const TensorSlot &slot : *slots)
      if (std::optional<double> value = findNotFinite(slot, block);
          value && (std::isnan(*value) || !infinite.contains(&slot)))
        return Error::plain(fmt::format("{}`{}` became {}", slots == &spec.state ? "the optimizer's " : "", slot.name,
                                        withoutNanSign(*value)));
  return {};
}

/// The spec's own, and what the numbers of the data stand for: without it nobody could tell what class 3 is.
std::map<std::string, std::string> RunFiles::metadata() const {
  std::map<std::string, std::string> all = spec.metadata;
  if (spec.data)
    all.merge(metadataOf(spec.data->vocabularies()));
  return all;
}

StandIns RunFiles::averages() const {
  StandIns made{{}, state};
  const TensorSlot *first = spec.state.data() + (spec.state.size() - spec.averaged.size());
  for (size_t i = 0; i < spec.averaged.size(); ++i)
    made.slots[spec.averaged[i]] = first + i;
  return made;
}

Result<void> RunFiles::saveBest() const {
  if (spec.save.empty())
    return {};
  return saveCheckpoint(spec.save + ".best", {spec.params, params}, metadata(), averages());
}

void RunFiles::keepBest() {
  best.resize(spec.params.size());
  StandIns averaged = averages();
  for (size_t i = 0; i < spec.params.size(); ++i) {
    const TensorSlot &slot = spec.params[i];
    auto average = averaged.slots.find(i);
    // An average of another dtype is rounded where it is saved; in memory the weights themselves are kept then.
    bool stands = average != averaged.slots.end() && average->second->dtype == slot.dtype;
    best[i].resize(slot.denseBytes());
    unpackTensor(stands ? *average->second : slot, stands ? averaged.block : params, best[i].data());
  }
}

Result<void> RunFiles::restoreBest() const {
  if (best.empty()) {
    std::string file = spec.save + ".best";
    return spec.save.empty() || ::access(file.c_str(), F_OK) != 0 ? Result<void>()
                                                                  : loadCheckpoint(file, {spec.params, params});
  }
  for (size_t i = 0; i < best.size(); ++i)
    packTensor(spec.params[i], best[i].data(), params);
  return {};
}

Result<void> RunFiles::save(const RunPosition &position) const {
  if (spec.save.empty())
    return {};
  const std::map<std::string, std::string> about = metadata();
  Result<void> whole = saveResume(spec.save + ".resume", {spec.params, params}, {spec.state, state}, position, about),
               average;
  if (!spec.averaged.empty())
    average = saveCheckpoint(spec.save + ".ema", {spec.params, params}, about, averages());
  Result<void> weights = saveCheckpoint(spec.save, {spec.params, params}, about);
  return !whole ? whole : !average ? average : weights;
}

} // namespace dlc
