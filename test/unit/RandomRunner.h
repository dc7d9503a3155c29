// Runs the text of a program as `dlc run` does, with names for its inputs: checked first, then its statements one by one.
#pragma once

#include "RandomMeaning.h"
#include "tools/Session.h"

#include <map>

namespace dlc::random {

/// What computes a statement: compiled code, or the reference evaluator on the graph as the frontend made it.
enum class Engine { compiled, evaluator };

struct Outcome {
  int exitCode = 0;
  bool checked = false; ///< whether the check alone found nothing
  std::string messages;
  std::map<std::string, Tensor> results; ///< `r0`, `r1`, ..: tensors and numbers
  std::string printed;                   ///< the tree as text
};

class ProgramRunner : private Executor {
public:
  ProgramRunner();
  ~ProgramRunner() override;
  Outcome run(const std::string &text, const std::vector<Tensor> &inputs, Engine engine = Engine::compiled);

private:
  bool open(DataInfo &data) override { return session->open(data); }
  HostBufferRef column(const DataInfo &data, const std::string &field) override { return session->column(data, field); }
  bool run(mlir::ModuleOp module, const std::vector<HostBufferRef> &inputs, std::vector<HostBufferRef> &outputs,
           SourceRange at) override;
  bool load(const std::string &file, bool partial, const ModelInstance &model, std::vector<HostBufferRef> &values,
            std::shared_ptr<const void> &vocabularies, SourceRange at) override {
    return session->load(file, partial, model, values, vocabularies, at);
  }
  bool understands(const ModelInstance &model, const DataInfo &data, const std::vector<std::string> &fields,
                   SourceRange at) override {
    return session->understands(model, data, fields, at);
  }
  bool train(const TrainPlan &plan, const TrainFunctions &functions, std::vector<HostBufferRef> &params,
             TrainHistory &history) override {
    return session->train(plan, functions, params, history);
  }
  bool choose(const DataInfo &data, const RowStep &step, const std::string &name, DataInfo &part,
              SourceRange at) override {
    return session->choose(data, step, name, part, at);
  }
  bool mapBatches(const DataInfo &data, const std::vector<std::string> &fields, int64_t batch,
                  const std::function<TrainModule(int64_t)> &function, BatchFold fold,
                  std::vector<HostBufferRef> &results, SourceRange at) override {
    return session->mapBatches(data, fields, batch, function, fold, results, at);
  }
  bool save(const std::string &, const ModelInstance &, SourceRange) override { return true; }
  bool write(const std::string &, const std::vector<std::pair<std::string, Value>> &, SourceRange) override {
    return true;
  }
  void print(const std::vector<Value> &values) override {}
  std::shared_ptr<const std::vector<std::string>> strings(const DataInfo &data, const std::string &field,
                                                          bool classes) override {
    return session->strings(data, field, classes);
  }
  HostBufferRef encode(const DataInfo &data, const std::string &field, const std::string &text,
                       SourceRange at) override {
    return session->encode(data, field, text, at);
  }
  std::optional<std::string> decode(const DataInfo &data, const std::string &field, const HostBuffer &numbers,
                                    SourceRange at) override {
    return session->decode(data, field, numbers, at);
  }
  std::shared_ptr<DataInfo> vocabulary(const std::string &file, SourceRange at) override {
    return session->vocabulary(file, at);
  }
  void show(const std::string &, const std::vector<std::pair<std::string, Value>> &, SourceRange) override {}

  std::unique_ptr<Session> session;
  std::unique_ptr<Compiler> plain; ///< no optimisation
  Engine engine = Engine::compiled;
  unsigned programs = 0;
};

} // namespace dlc::random
