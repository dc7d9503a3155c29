// Inputs, then functions, then the program that calls them.
#include "RandomBuilder.h"

#include <algorithm>
#include <set>

namespace dlc::random {

/// A tensor of values that are halves and quarters, or any.
static Tensor input(Random &random, DType dtype, const Sizes &shape) {
  Tensor x{dtype, shape, {}};
  bool coarse = random.oneIn(2);
  for (int64_t i = countOf(shape); i > 0; --i)
    x.values.push_back(dtype == DType::Bool   ? random.below(2)
                       : isInteger(dtype)     ? int(random.below(5)) - (dtype == DType::U8 || coarse ? 0 : 2)
                       : coarse               ? (int(random.below(33)) - 16) / 8.0L
                       : dtype == DType::BF16 ? (int(random.below(255)) - 127) / 64.0L
                                              : Number(float(int(random.below(40001)) - 20000) / 9973.0f));
  return x;
}

Program generate(uint64_t seed) {
  Random random(seed);
  Program program;
  int64_t a = 1 + random.below(5), b = 1 + random.below(4);
  const std::vector<Sizes> shapes = {{a, b}, {b}, {a}, {b, a}, {}, {2, a, b}};
  DType main = random.of({DType::F32, DType::F32, DType::F32, DType::F64, DType::BF16});
  std::vector<Tensor> inputs;
  inputs.push_back(input(random, main, shapes[0]));
  inputs.push_back(input(random, main, random.of(shapes)));
  if (random.oneIn(2))
    inputs.push_back(
        input(random, random.of({DType::I64, DType::I32, DType::U8, DType::Bool, DType::F64}), random.of(shapes)));
  // A step of a loop over the rows of the first input: from a state and a row to the next state.
  if (random.oneIn(2)) {
    Builder builder(random, program, main != DType::BF16);
    Tensor row{main, {b}, std::vector<Number>(inputs[0].values.begin(), inputs[0].values.begin() + b)};
    builder.parameter(row);
    builder.parameter(row);
    builder.steps(2 + random.below(4));
    unsigned last = 0;
    for (unsigned i = 0; i < builder.function.nodes.size(); ++i) {
      const Tensor &value = builder.function.example[i];
      if (value.dtype == main && value.shape == row.shape && !isKnown(builder.function.nodes[i]))
        last = i;
    }
    builder.function.results = {last};
    program.functions.push_back(builder.function);
  }
  for (unsigned count = random.below(4); count > 0; --count) {
    bool smooth = random.oneIn(2) && main != DType::BF16;
    Builder builder(random, program, smooth);
    for (unsigned i = 0; i <= random.below(2); ++i)
      builder.parameter(smooth ? inputs[random.below(2)] : random.of(inputs));
    builder.steps(2 + random.below(6));
    if (smooth && !builder.total(main))
      continue;
    builder.function.results = {unsigned(builder.function.nodes.size()) - 1};
    program.functions.push_back(builder.function);
  }
  Builder builder(random, program, false);
  for (const Tensor &tensor : inputs)
    builder.parameter(tensor);
  builder.steps(8 + random.below(16));
  unsigned end = unsigned(builder.function.nodes.size());
  for (unsigned i = end - std::min(3u, end); i < end; ++i)
    builder.function.results.push_back(i);
  for (unsigned i = 0; i < 3; ++i)
    builder.function.results.push_back(random.below(end));
  program.functions.push_back(builder.function);
  program.inputs = inputs;
  return program;
}

bool keepsSizes(const Function &function, const Program &program) {
  static const std::set<std::string> others = {"reshape", "broadcast_to", "pad",    "slice", "index",
                                               "concat",  "stack",        "take",   "list",  "part",
                                               "pick",    "set",          "add_at", "fold",  "stack_of"};
  return std::none_of(function.nodes.begin(), function.nodes.end(), [&](const Node &node) {
    bool calls = node.op == "call" || node.op == "grad";
    return others.count(node.op) || isWindow(node.op) ||
           (calls && !keepsSizes(program.functions[node.function], program));
  });
}

} // namespace dlc::random
