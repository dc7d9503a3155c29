// Slots of blocks to files and back. Loading looks at everything before it writes anything.
#include "runtime/Checkpoint.h"

#include "runtime/Files.h"
#include "runtime/Safetensors.h"

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstdlib>
#include <deque>
#include <fmt/format.h>
#include <set>

namespace dlc {

static const std::string statePrefix = "optimizer/"; // no name of the language has a slash: it cannot be a parameter's

namespace {
/// Tensors on their way to a file, those that are not dense in memory as dense copies.
struct Outgoing {
  std::vector<SafetensorsEntry> entries;
  std::deque<std::string> copies;

  void addStandIn(const TensorSlot &slot, const TensorSlot &standIn, const void *block) {
    std::string dense(standIn.denseBytes(), '\0'), &copy = copies.emplace_back(slot.denseBytes(), '\0');
    unpackTensor(standIn, block, dense.data());
    for (int64_t i = 0; i < slot.elements(); ++i)
      setElement(slot.dtype, copy.data(), i, elementAsDouble(standIn.dtype, dense.data(), i));
    entries.push_back({slot.name, slot.dtype, slot.shape, copy});
  }

  void add(const SlotBlock &source, const std::string &prefix, const StandIns &standIns = {}) {
    for (const TensorSlot &slot : source.slots) {
      if (auto found = standIns.slots.find(size_t(&slot - source.slots.data())); found != standIns.slots.end()) {
        addStandIn(slot, *found->second, standIns.block);
        continue;
      }
      std::string_view bytes(static_cast<const char *>(source.block) + slot.byteOffset, slot.denseBytes());
      if (!slot.isDense()) {
        std::string &copy = copies.emplace_back(slot.denseBytes(), '\0');
        unpackTensor(slot, source.block, copy.data());
        bytes = copy;
      }
      entries.push_back({prefix + slot.name, slot.dtype, slot.shape, bytes});
    }
  }
};

/// A slot to fill and the tensor for it, converted to the slot's dtype.
struct Incoming {
  const TensorSlot *slot;
  void *block;
  std::string dense;
};

/// Matches slots with the tensors of a file and collects all that does not fit.
class Loader {
public:
  Loader(const SafetensorsFile &file, bool rounds) : file(file), rounds(rounds) {}

  void want(const SlotBlock &target, const std::string &prefix);
  /// Writes all blocks if everything fits, else gives the error.
  Result<void> finish();
  /// Writes what fits of the only block.
  Result<PartialLoad> finishPartial(const SlotBlock &target);
  /// Says which tensors were rounded; "" for none.
  std::string roundedText() const;

private:
  /// Adds what one side has alone to the problems.
  void compare();
  void fill();
  Error error(const std::string &what) const;
  void match(const TensorSlot &slot, void *block, const SafetensorsTensor &tensor, const std::string &name);

  const SafetensorsFile &file;
  bool rounds; ///< floating-point numbers of more digits than the slot's
  std::vector<std::string> rounded;
  std::set<std::string> wanted;
  std::vector<std::pair<std::string, std::string>> missing; ///< name and type
  std::vector<std::string> problems;
  std::vector<Incoming> incoming;
};
} // namespace

void Loader::want(const SlotBlock &target, const std::string &prefix) {
  for (const TensorSlot &slot : target.slots) {
    std::string name = prefix + slot.name;
    wanted.insert(name);
    if (const SafetensorsTensor *tensor = file.find(name))
      match(slot, target.block, *tensor, name);
    else
      missing.emplace_back(name, typeName(slot.dtype, slot.shape));
  }
}

void Loader::match(const TensorSlot &slot, void *block, const SafetensorsTensor &tensor, const std::string &name) {
  if (tensor.shape != slot.shape) {
    problems.push_back(fmt::format("`{}` is {} in the file, but {} in the model", name,
                                   typeName(tensor.dtype, tensor.shape), typeName(slot.dtype, slot.shape)));
    return;
  }
  std::string dense(slot.denseBytes(), '\0');
  bool floats = isFloat(tensor.dtype) && isFloat(slot.dtype);
  bool narrows = isFloat(tensor.dtype) != isFloat(slot.dtype) || sizeOf(tensor.dtype) > sizeOf(slot.dtype);
  bool isExact = convertExactly(tensor.dtype, tensor.bytes.data(), slot.dtype, dense.data(), slot.elements()) < 0;
  if (floats && narrows && rounds) {
    if (int64_t large = roundFloats(tensor.dtype, tensor.bytes.data(), slot.dtype, dense.data(), slot.elements());
        large >= 0) {
      problems.push_back(fmt::format("`{}` is {} in the file, and its {:g} does not fit the model's {}", name,
                                     typeName(tensor.dtype, tensor.shape),
                                     elementAsDouble(tensor.dtype, tensor.bytes.data(), large),
                                     typeName(slot.dtype, slot.shape)));
      return;
    }
    if (!isExact)
      rounded.push_back(fmt::format("`{}` from {} to {}", name, nameOf(tensor.dtype), nameOf(slot.dtype)));
  } else if (narrows || !isExact) {
    problems.push_back(fmt::format("`{}` is {} in the file, which would not stay exact as the model's {}", name,
                                   typeName(tensor.dtype, tensor.shape), typeName(slot.dtype, slot.shape)));
    return;
  }
  incoming.push_back({&slot, block, std::move(dense)});
}

std::string Loader::roundedText() const {
  if (rounded.empty())
    return "";
  std::string more = rounded.size() > 1 ? fmt::format(", and {} more", rounded.size() - 1) : "";
  return fmt::format("{}: weights are rounded: {}{}", file.path(), rounded[0], more);
}

/// What an entry of the file that the run does not want is.
static std::string unwanted(const std::string &name, const std::string &type, const std::set<std::string> &wanted) {
  if (name.starts_with(statePrefix + averageName))
    return fmt::format("`{}` is an average of weights that this run does not keep: it has no `ema`, or they are frozen",
                       name);
  if (size_t dot = name.find('.'); name.starts_with(statePrefix) && wanted.contains(name.substr(dot + 1)))
    return fmt::format("`{}` is an optimizer's state of `{}`, which is frozen or has another optimizer now "
                       "(`init` starts from the weights of a file alone)",
                       name, name.substr(dot + 1));
  return fmt::format("`{}` ({}) is not in the model", name, type);
}

void Loader::compare() {
  std::vector<std::string> extra;
  for (const SafetensorsTensor &tensor : file.tensors())
    if (!wanted.contains(tensor.name) && !tensor.name.ends_with("num_batches_tracked"))
      extra.push_back(tensor.name);
  for (const auto &[name, type] : missing) {
    std::string nearest = nearestName(name, extra);
    problems.push_back(
        name.starts_with(statePrefix + averageName)
            ? fmt::format("`{}` is missing: the run that wrote it had no `ema`, or the weights were frozen", name)
            : fmt::format("`{}` ({}) is missing{}", name, type,
                          nearest.empty() ? "" : fmt::format("; the file has `{}`", nearest)));
  }
  for (const std::string &name : extra) {
    const SafetensorsTensor *tensor = file.find(name);
    problems.push_back(unwanted(name, typeName(tensor->dtype, tensor->shape), wanted));
  }
}

Error Loader::error(const std::string &what) const {
  constexpr size_t most = 12;
  std::string text = what;
  for (size_t i = 0; i < std::min(problems.size(), most); ++i)
    text += "\n  " + problems[i];
  if (problems.size() > most)
    text += fmt::format("\n  and {} more", problems.size() - most);
  return Error::inFile(file.path(), text);
}

void Loader::fill() {
  for (const Incoming &one : incoming)
    packTensor(*one.slot, one.dense.data(), one.block);
}

Result<void> Loader::finish() {
  compare();
  if (!problems.empty())
    return error("does not fit the model");
  fill();
  return {};
}

Result<PartialLoad> Loader::finishPartial(const SlotBlock &target) {
  compare();
  if (incoming.empty())
    return error("has nothing that fits the model");
  fill();
  PartialLoad made{std::vector<bool>(target.slots.size()), problems, ""};
  for (const Incoming &one : incoming)
    made.filled[size_t(one.slot - target.slots.data())] = true;
  return made;
}

Result<void> saveCheckpoint(const std::string &path, const SlotBlock &params,
                            const std::map<std::string, std::string> &metadata, const StandIns &standIns) {
  Outgoing outgoing;
  outgoing.add(params, "", standIns);
  std::map<std::string, std::string> all = metadata;
  all["format"] = "pt"; // some readers ask for it
  return writeSafetensors(path, outgoing.entries, all);
}

Result<void> loadCheckpoint(const std::string &path, const SlotBlock &params, std::string *rounded) {
  Result<SafetensorsFile> file = SafetensorsFile::read(path);
  if (!file)
    return file.error();
  Loader loader(*file, /*rounds=*/true);
  loader.want(params, "");
  if (rounded)
    *rounded = loader.roundedText();
  return loader.finish();
}

Result<PartialLoad> loadPartial(const std::string &path, const SlotBlock &params) {
  Result<SafetensorsFile> file = SafetensorsFile::read(path);
  if (!file)
    return file.error();
  Loader loader(*file, /*rounds=*/true);
  loader.want(params, "");
  Result<PartialLoad> made = loader.finishPartial(params);
  if (made)
    made->rounded = loader.roundedText();
  return made;
}

/// Exact: hexadecimal.
static std::string exactText(double value) { return fmt::format("{:a}", value); }

static std::map<std::string, std::string> metadataOf(const RunPosition &at) {
  std::string sums;
  for (double sum : at.sums)
    sums += (sums.empty() ? "" : " ") + exactText(sum);
  return {{"epoch", std::to_string(at.epoch)},
          {"step_in_epoch", std::to_string(at.stepInEpoch)},
          {"step", std::to_string(at.step)},
          {"seed", std::to_string(at.seed)},
          {"batch", std::to_string(at.batch)},
          {"accumulate", std::to_string(at.accumulate)},
          {"best", at.hasBest ? exactText(at.best) : ""},
          {"best_at", std::to_string(at.bestAt)},
          {"sum_examples", std::to_string(at.sumExamples)},
          {"sums", sums},
          {"seconds", exactText(at.seconds)},
          {"rows", std::to_string(at.rows)}};
}

namespace {
/// Reads numbers of the metadata and remembers whether one was not there or not a number.
struct MetadataReader {
  const std::map<std::string, std::string> &metadata;
  std::string bad = {};

  std::string text(const std::string &key) {
    auto found = metadata.find(key);
    if (found == metadata.end())
      bad = key;
    return found == metadata.end() ? "" : found->second;
  }
  uint64_t whole(const std::string &key) {
    std::string digits = text(key);
    char *end = nullptr;
    errno = 0;
    uint64_t value = std::strtoull(digits.c_str(), &end, 10);
    if (digits.empty() || !std::isdigit(uint8_t(digits[0])) || *end != '\0' || errno == ERANGE)
      bad = key;
    return value;
  }
  /// A number of steps, epochs or examples: sums and products of it must not overflow.
  int64_t count(const std::string &key) {
    constexpr uint64_t most = uint64_t(1) << 53;
    uint64_t value = whole(key);
    if (value > most)
      bad = key;
    return int64_t(std::min(value, most));
  }
  std::vector<double> numbers(const std::string &key) {
    std::string all = text(key);
    std::vector<double> values;
    for (const char *p = all.c_str(); *p != '\0';) {
      char *end = nullptr;
      values.push_back(std::strtod(p, &end));
      if (end == p) {
        bad = key;
        break;
      }
      p = end;
    }
    return values;
  }
};
} // namespace

Result<void> saveResume(const std::string &path, const SlotBlock &params, const SlotBlock &state,
                        const RunPosition &position, const std::map<std::string, std::string> &metadata) {
  Outgoing outgoing;
  outgoing.add(params, "");
  outgoing.add(state, statePrefix);
  std::map<std::string, std::string> all = metadataOf(position);
  all.insert(metadata.begin(), metadata.end());
  return writeSafetensors(path, outgoing.entries, all);
}

Result<Vocabularies> readVocabularies(const std::string &path) {
  Result<std::map<std::string, std::string>> metadata = safetensorsMetadata(path);
  if (!metadata)
    return metadata.error();
  Vocabularies all;
  for (auto &[key, text] : *metadata)
    for (std::string_view prefix : {std::string_view(vocabularyKey), std::string_view("classes.")})
      if (key.starts_with(prefix)) {
        Result<std::shared_ptr<const Vocabulary>> read = Vocabulary::read(text);
        if (!read)
          return Error::inFile(path, fmt::format("`{}` of its metadata {}", key, read.error().message));
        all.emplace(key.substr(prefix.size()), *read);
      }
  return all;
}

std::map<std::string, std::string> metadataOf(const Vocabularies &vocabularies) {
  std::map<std::string, std::string> all;
  for (auto &[field, vocabulary] : vocabularies)
    all[vocabularyKey + field] = vocabulary->json();
  return all;
}

Result<void> checkVocabularies(const std::string &path, const Vocabularies &vocabularies, const std::string &whose) {
  Result<Vocabularies> saved = readVocabularies(path);
  return saved ? checkVocabularies(path, *saved, vocabularies, whose) : Result<void>();
}

Result<void> checkVocabularies(const std::string &path, const Vocabularies &saved, const Vocabularies &vocabularies,
                               const std::string &whose) {
  for (auto &[field, vocabulary] : saved)
    if (auto found = vocabularies.find(field); found != vocabularies.end())
      if (std::string difference = vocabulary->difference(*found->second, "the file", "the data");
          !difference.empty() && !vocabulary->agrees(*found->second))
        return Error::inFile(
            path,
            fmt::format("was trained with another vocabulary of `{}` than {}: {}{}", field, whose, difference,
                        vocabulary->kind() == Vocabulary::Kind::Classes
                            ? "\nthe words of a column that is declared `str` get the numbers of the file: "
                              "`vocabulary(file).encode." +
                                  field + "(column)`"
                            : "\na text gets the numbers of the file: `vocabulary(file).encode." + field + "(text)`"));
  return {};
}

Result<RunPosition> loadResume(const std::string &path, const SlotBlock &params, const SlotBlock &state) {
  Result<SafetensorsFile> file = SafetensorsFile::read(path);
  if (!file)
    return file.error();
  MetadataReader reader{file->metadata()};
  RunPosition at;
  at.epoch = reader.count("epoch");
  at.stepInEpoch = reader.count("step_in_epoch");
  at.step = reader.count("step");
  at.seed = reader.whole("seed");
  at.batch = reader.count("batch");
  at.accumulate = reader.count("accumulate");
  std::vector<double> best = reader.numbers("best"), seconds = reader.numbers("seconds");
  at.hasBest = !best.empty();
  at.best = at.hasBest ? best[0] : 0;
  at.bestAt = reader.count("best_at");
  at.sumExamples = reader.count("sum_examples");
  at.sums = reader.numbers("sums");
  at.seconds = seconds.empty() ? 0 : seconds[0];
  at.rows = file->metadata().contains("rows") ? reader.count("rows") : 0;
  if (!reader.bad.empty())
    return Error::inFile(
        path, fmt::format("does not say where a run stood (`{}` of its metadata): it is not written to be resumed from",
                          reader.bad));
  Loader loader(*file, /*rounds=*/false);
  loader.want(params, "");
  loader.want(state, statePrefix);
  if (Result<void> ok = loader.finish(); !ok)
    return ok.error();
  return at;
}

} // namespace dlc
