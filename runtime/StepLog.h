// The log of a run: steps.csv with a line for each step, and TensorBoard's events beside it. A resumed run keeps the
// lines up to its step and goes on behind them.
#pragma once

#include "runtime/EventLog.h"

#include <span>

namespace dlc {

class StepLog {
public:
  /// Makes the folder and opens `steps.csv` (step,loss,lr,REPORTS...; with `validates` val.loss,val.REPORTS.. too) and the
  /// events. With `fromStep` 0 they begin anew.
  static Result<StepLog> open(const std::string &folder, const std::vector<std::string> &reports, int64_t fromStep,
                              bool validates = false);

  /// One step; `learningRate` is NaN when it is not known (its cell stays empty). Each f32 is printed so that it reads
  /// back to the same bits.
  void step(int64_t step, float loss, float learningRate, std::span<const float> reports);
  /// Metrics of the validation after the last step, the loss first.
  void validation(int64_t step, const NamedValues &metrics);
  /// Writes what is buffered; an error if anything could not be written.
  Result<void> flush();

private:
  struct Close {
    void operator()(std::FILE *file) const { std::fclose(file); }
  };
  StepLog() = default;
  Result<void> openCsv(const std::string &header, int64_t fromStep);

  void endLine();

  std::string path;
  std::vector<std::string> reports;
  bool validates = false;
  std::string line; ///< of the last step, not yet written: a validation may come
  std::unique_ptr<std::FILE, Close> csv;
  EventLog events;
};

} // namespace dlc
