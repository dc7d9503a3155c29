// What a session does with whole data sets and files: functions over batches, models saved, tensors written.
#include "tools/Session.h"

#include "runtime/Batches.h"
#include "runtime/Checkpoint.h"
#include "runtime/Safetensors.h"
#include "runtime/TrainingFunctions.h"
#include "runtime/WriteTable.h"

#include <algorithm>
#include <cstring>

namespace dlc {

namespace {
/// A function for batches of one size.
struct BatchCode {
  std::shared_ptr<const Compiled> code;
  std::vector<HostBufferRef> captured;
  std::vector<mlir::RankedTensorType> types;
};
} // namespace

/// A buffer for the rows of all batches, each like one of `type`.
static Result<HostBufferRef> allocateRows(mlir::RankedTensorType type, int64_t rows) {
  llvm::SmallVector<int64_t> shape(type.getShape());
  shape[0] = rows;
  return allocateTensor(type.clone(shape));
}

bool Session::mapBatches(const DataInfo &info, const std::vector<std::string> &fields, int64_t size,
                         const std::function<TrainModule(int64_t)> &function, BatchFold fold,
                         std::vector<HostBufferRef> &results, SourceRange at) {
  std::shared_ptr<const Dataset> data = datasetOf(info);
  auto problem = [&](const Error &error) {
    reportError(diagnostics, Diag::DataProblem, at, error);
    return false;
  };
  if (data->size() == 0)
    return problem(Error::plain("the data set `" + shownName(info) + "` has no examples"));
  BatchSpec spec;
  spec.data = data;
  spec.fields = fields;
  spec.batch = std::min(size, data->size());
  spec.shuffle = false;
  spec.endEpoch = 1;
  Result<std::unique_ptr<Batches>> stream = Batches::open(spec);
  if (!stream)
    return problem(stream.error());
  std::map<int64_t, BatchCode> ready; // the last batch may be smaller
  MetricSums sums;
  for (int64_t done = 0; done < data->size();) {
    Result<const Batch *> next = (*stream)->next();
    if (!next)
      return problem(next.error());
    const Batch &batch = **next;
    BatchCode &code = ready[batch.rows];
    if (!code.code) {
      TrainModule made = function(batch.rows);
      if (!made.module)
        return false;
      code.captured = std::move(made.captured);
      code.code = prepare(*made.module, code.types, at);
    }
    if (!code.code || stopped())
      return false;
    std::vector<void *> inputs(batch.inputs, batch.inputs + fields.size()), outputs;
    for (const HostBufferRef &buffer : code.captured)
      inputs.push_back(buffer->data.get());
    std::vector<HostBufferRef> made;
    for (mlir::RankedTensorType type : code.types) {
      Result<HostBufferRef> buffer = allocateTensor(type);
      if (!buffer)
        return problem(buffer.error());
      made.push_back(*buffer);
      outputs.push_back(made.back()->data.get());
    }
    if (!call(*code.code, std::move(inputs), std::move(outputs), at, {data->name(), batch.rowIndices, batch.rows}))
      return false;
    if (fold == BatchFold::Mean) {
      std::vector<float> means;
      for (const HostBufferRef &buffer : made)
        means.push_back(*static_cast<const float *>(buffer->data.get()));
      sums.add(means, batch.rows);
    } else {
      for (size_t i = results.size(); i < made.size(); ++i) {
        Result<HostBufferRef> whole = allocateRows(code.types[i], data->size());
        if (!whole)
          return problem(whole.error());
        results.push_back(*whole);
      }
      for (size_t i = 0; i < made.size(); ++i)
        std::memcpy(static_cast<std::byte *>(results[i]->data.get()) +
                        size_t(done) * (made[i]->bytes / size_t(batch.rows)),
                    made[i]->data.get(), made[i]->bytes);
    }
    done += batch.rows;
  }
  if (fold == BatchFold::Mean)
    for (double mean : sums.means()) {
      auto held = std::make_shared<float>(float(mean));
      results.push_back(std::make_shared<HostBuffer>(HostBuffer{DType::F32, {}, held, sizeof(float)}));
    }
  return true;
}

bool Session::save(const std::string &file, const ModelInstance &model, SourceRange at) {
  std::vector<SafetensorsEntry> entries;
  std::vector<HostBufferRef> held;
  for (const ParamSlotRef &param : parametersOf(model)) {
    HostBufferRef host = param->value.values();
    if (!host) {
      diagnostics.report(Diag::RunProblem, at, "`" + param->path + "` has no value yet");
      return false;
    }
    held.push_back(host);
    entries.push_back({param->path, host->dtype, host->shape,
                       std::string_view(static_cast<const char *>(host->data.get()), host->bytes)});
  }
  const Vocabularies *vocabularies = vocabulariesOf(model);
  std::map<std::string, std::string> metadata = metadataOf(vocabularies ? *vocabularies : Vocabularies());
  metadata["format"] = "pt"; // some readers ask for it
  if (Result<void> saved = writeSafetensors(file, entries, metadata); !saved) {
    reportError(diagnostics, Diag::RunProblem, at, saved.error());
    return false;
  }
  return true;
}

bool Session::write(const std::string &file, const std::vector<std::pair<std::string, Value>> &columns,
                    SourceRange at) {
  std::vector<TableColumn> table;
  std::vector<HostBufferRef> held;
  for (auto &[name, value] : columns) {
    if (value.kind == Value::Strings) {
      table.push_back({name});
      table.back().strings = value.strings.get();
      continue;
    }
    HostBufferRef host = value.values();
    if (!host)
      return false;
    held.push_back(host);
    table.push_back({name, host->dtype, host->shape, static_cast<const std::byte *>(host->data.get()), nullptr});
  }
  if (Result<void> written = writeTable(file, table); !written) {
    reportError(diagnostics, Diag::RunProblem, at, written.error());
    return false;
  }
  return true;
}

} // namespace dlc
