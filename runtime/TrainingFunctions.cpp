// Calls of compiled functions and what their results mean.
#include "runtime/TrainingFunctions.h"

#include "runtime/Interrupt.h"

#include <algorithm>
#include <bit>
#include <fmt/format.h>

namespace dlc {

static constexpr size_t line = 64; ///< bytes that each scalar has for itself

TrainingFunctions::TrainingFunctions(const TrainingSpec &spec, const FunctionProvider &provider, void *params,
                                     void *state, ThreadPool &pool)
    : spec(spec), provider(provider), params(params), state(state), pool(pool), values(2 + spec.reports.size()) {}

Result<const CompiledFunction *> TrainingFunctions::functionFor(Mode mode, int64_t rows) {
  std::pair<Mode, int64_t> key(mode, rows);
  if (last != nullptr && key == lastKey)
    return last;
  auto found = functions.find(key);
  if (found == functions.end()) {
    Result<CompiledFunction> compiled = provider(mode, rows);
    if (!compiled)
      return compiled.error();
    found = functions.emplace(key, std::move(*compiled)).first;
  }
  if (arena.data() == nullptr || arena.size() < found->second.arenaBytes) {
    Result<Arena> larger = Arena::allocate(found->second.arenaBytes);
    if (!larger)
      return larger.error();
    arena = std::move(*larger);
  }
  if (scalars.data() == nullptr) {
    Result<Arena> memory = Arena::allocate((3 + values.size()) * line);
    if (!memory)
      return memory.error();
    scalars = std::move(*memory);
    for (size_t i = 0; i < values.size(); ++i)
      outputs.push_back(scalars.data() + (3 + i) * line);
  }
  lastKey = key;
  return last = &found->second;
}

Result<std::span<const float>> TrainingFunctions::run(Mode mode, const Batch *batch, const Dataset *data,
                                                      int64_t step) {
  int64_t rows = batch != nullptr ? batch->rows : spec.batch;
  Result<const CompiledFunction *> function = functionFor(mode, rows);
  if (!function)
    return function.error();
  inputs.clear();
  for (size_t i = 0; batch != nullptr && i < spec.fields.size(); ++i)
    inputs.push_back(batch->inputs[i]);
  dlc_context context = pool.context();
  context.stop = stop;
  int64_t status = call(**function, step, std::nullopt, context);
  if (status < 0)
    return std::span<const float>();
  if (status != 0)
    return checkError(**function, status, context, data != nullptr ? data->name() : "",
                      batch != nullptr ? batch->rowIndices : nullptr, rows);
  size_t count = 1 + spec.reports.size() + (mode == Mode::Train && spec.learningRate ? 1 : 0);
  for (size_t i = 0; i < count; ++i)
    std::memcpy(&values[i], outputs[i], sizeof(float));
  return std::span<const float>(values.data(), count);
}

Result<std::optional<float>> TrainingFunctions::update(int64_t step, int64_t examples) {
  Result<const CompiledFunction *> function = functionFor(Mode::Update, 0);
  if (!function)
    return function.error();
  inputs.clear();
  dlc_context context = pool.context();
  if (int64_t status = call(**function, step, examples, context))
    return checkError(**function, status, context, "", nullptr, 0);
  std::optional<float> rate;
  if (spec.learningRate)
    std::memcpy(&rate.emplace(), outputs[0], sizeof(float));
  return rate;
}

int64_t TrainingFunctions::call(const CompiledFunction &function, int64_t step, std::optional<int64_t> examples,
                                dlc_context &context) {
  const int64_t numbers[] = {step, int64_t(spec.seed), examples.value_or(0)};
  for (size_t i = 0; i < (examples ? 3 : 2); ++i) {
    std::memcpy(scalars.data() + i * line, &numbers[i], sizeof numbers[i]);
    inputs.push_back(scalars.data() + i * line);
  }
  for (const std::shared_ptr<void> &buffer : function.captured)
    inputs.push_back(buffer.get());
  Printer printer(context, function.prints, print, spec.digits);
  return function.function(params, state, inputs.data(), outputs.data(), arena.data(), &context);
}

Error checkError(const CompiledFunction &function, int64_t check, const dlc_context &context,
                 const std::string &dataName, const int64_t *rowIndices, int64_t rows) {
  if (check < 1 || check > int64_t(function.checks.size()))
    return Error::plain(fmt::format("a check of the compiled code failed ({}) that it does not describe", check));
  const CheckText &text = function.checks[size_t(check - 1)];
  if (!text.failure.empty()) {
    std::string which =
        text.matrices == 1 ? "the matrix" : fmt::format("matrix {} of {}", context.error_index, text.matrices);
    return Error::plain(fmt::format("{} {}", which, text.failure));
  }
  int64_t perSample = text.elementsPerSample, sample = perSample > 0 ? context.error_index / perSample : -1;
  std::string where = fmt::format("element {}", context.error_index);
  if (rowIndices != nullptr && sample >= 0 && sample < rows) {
    where = fmt::format("sample {} of `{}`", rowIndices[sample], dataName);
    if (perSample > 1)
      where += fmt::format(", element {}", context.error_index % perSample);
  }
  // The outermost loop first.
  for (int64_t loop = context.error_loops; loop-- > 0;) {
    where += fmt::format(", iteration {}", context.error_iterations[loop]);
    if (loop < int64_t(text.loopLines.size()) && text.loopLines[size_t(loop)] > 0)
      where += fmt::format(" of the loop at line {}", text.loopLines[size_t(loop)]);
  }
  if (!text.expected.empty() && text.what.empty())
    return Error::plain(context.error_loops > 0 ? where.substr(where.find(", ") + 2) + ": " + text.expected
                                                : text.expected);
  if (!text.expected.empty()) {
    std::string value = text.isFloat ? fmt::format("{:.6g}", std::bit_cast<double>(context.error_value))
                                     : std::to_string(context.error_value);
    return Error::plain(fmt::format("{}: `{}` is {}, but must be {}", where, text.what, value, text.expected));
  }
  return Error::plain(fmt::format("{}: `{}` is {}, but must be from {} to {}", where, text.what, context.error_value,
                                  text.minimum, text.limit - 1));
}

void MetricSums::add(std::span<const float> means, int64_t rows) {
  sums.resize(means.size());
  for (size_t i = 0; i < means.size(); ++i)
    sums[i] += double(means[i]) * double(rows);
  examples += rows;
}

std::vector<double> MetricSums::means() const {
  std::vector<double> means = sums;
  for (double &mean : means)
    mean /= double(std::max<int64_t>(examples, 1));
  return means;
}

Result<std::optional<std::vector<double>>> evaluateWith(TrainingFunctions &functions, const TrainingSpec &spec,
                                                        const std::shared_ptr<const Dataset> &data, int64_t step) {
  InterruptScope interrupt;
  functions.stop = interrupt.flag();
  BatchSpec batches{data, spec.fields, spec.batch, false, 0, 0, 0, 1};
  Result<std::unique_ptr<Batches>> stream = Batches::open(batches);
  if (!stream)
    return stream.error();
  MetricSums sums;
  for (;;) {
    Result<const Batch *> next = (*stream)->next();
    if (!next)
      return next.error();
    const Batch *batch = *next;
    if (batch == nullptr)
      return std::optional(sums.means());
    if (interrupt.requested())
      return std::optional<std::vector<double>>();
    Result<std::span<const float>> outputs = functions.run(Mode::Evaluate, batch, data.get(), step);
    if (!outputs)
      return outputs.error();
    if (outputs->empty())
      return std::optional<std::vector<double>>();
    sums.add(*outputs, batch->rows);
  }
}

Result<std::vector<double>> evaluate(const TrainingSpec &spec, const std::shared_ptr<const Dataset> &data,
                                     const FunctionProvider &provider, void *params, void *state, ThreadPool &pool) {
  TrainingFunctions functions(spec, provider, params, state, pool);
  Result<std::optional<std::vector<double>>> means = evaluateWith(functions, spec, data, 1);
  if (!means)
    return means.error();
  return *means ? Result<std::vector<double>>(std::move(**means)) : Error::plain("interrupted");
}

} // namespace dlc
