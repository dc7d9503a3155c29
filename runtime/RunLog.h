// Reads the log of a run that StepLog wrote.
#pragma once

#include "runtime/Result.h"

#include <map>
#include <vector>

namespace dlc {

struct RunLog {
  std::vector<double> steps;
  std::map<std::string, std::vector<double>> columns; ///< by name, a number a step; NaN where a cell is empty
  std::vector<std::string> names;                     ///< of the columns, in order
};

/// `steps.csv` of a folder, or a file of that form. A last line that is cut off (the run goes on) is left out.
Result<RunLog> readRunLog(const std::string &path);

} // namespace dlc
