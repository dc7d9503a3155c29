// What a random program means, without the compiler: a program as nodes in order, and its value by plain loops on the host.
//
// Nothing of the project computes here but the conversions of bf16: it is the second opinion on the frontend, the passes and
// the generated code together. Values are `long double`, which holds every f64 and every i64; after each operation a value
// is rounded to its type. What rounding may change is found by computing again with small errors put in (a Sample): a value
// that moves much is not compared, one that moves little sets its own tolerance. Gradients are differences of the function.
//
// To add an operation: a row in one of the tables of RandomMeaning.cpp (or a case of `apply`), a way to choose its attributes in
// RandomGenerator.cpp, and its spellings in RandomWriter.cpp. An operation gives nothing where it is not defined (types that
// do not fit, a division of integers by zero), and the generator then tries another.
#pragma once

#include "runtime/DType.h"

#include <optional>
#include <random>
#include <string>
#include <vector>

namespace dlc::random {

using Number = long double;
using Sizes = std::vector<int64_t>;

struct Tensor {
  DType dtype = DType::F32;
  Sizes shape;
  std::vector<Number> values; ///< row-major; bools are 0 and 1
};

/// One operation on earlier nodes of its function.
struct Node {
  std::string op;
  std::vector<unsigned> operands = {};
  Sizes numbers = {};            ///< axes, sizes, bounds: what `op` says they are
  bool all = false;              ///< a reduction of all axes, none being named
  bool keepdims = false;         ///< of a reduction
  DType dtype = DType::F32;      ///< of a constant or a cast
  Number value = 0;              ///< of a constant
  std::vector<Number> list = {}; ///< of a list, whose shape is `numbers`
  unsigned function = 0;         ///< of a call or a gradient: an earlier function
};

/// Whether a node is written as numbers.
inline bool isKnown(const Node &node) { return node.op == "constant" || node.op == "list"; }

/// Convolutions, pooling, padding by elements (RandomWindows.cpp).
inline bool isWindow(const std::string &op) {
  return op.starts_with("conv") || op.ends_with("_pool") || op == "pad_with";
}

struct Function {
  unsigned parameters = 0; ///< the first nodes, with the op `parameter`
  std::vector<Node> nodes;
  std::vector<Tensor> example; ///< a value of each node: its type, and what the generator saw
  std::vector<unsigned> results;
};

/// The last function is the program itself; its parameters are the inputs.
struct Program {
  std::vector<Function> functions;
  std::vector<Tensor> inputs;
};

/// How the values are disturbed: sample 0 not at all.
struct Sample {
  unsigned number = 0;
  bool round = true; ///< to the types; not while differences are taken
};

/// The results of a function, in order; nothing where an operation is not defined.
std::optional<std::vector<Tensor>> evaluate(const Program &program, const Function &function,
                                            const std::vector<Tensor> &arguments, const Sample &sample,
                                            uint64_t path = 0);
/// The value of one node, given all earlier ones.
std::optional<Tensor> apply(const Program &program, const Node &node, const std::vector<Tensor> &values,
                            const Sample &sample, uint64_t path);

/// The names in the tables, by family.
const std::vector<std::string> &unaryFloatOps();
const std::vector<std::string> &unaryOps();
const std::vector<std::string> &binaryOps();
const std::vector<std::string> &comparisons();
const std::vector<std::string> &reductions();

bool isInteger(DType dtype);
/// The distance of numbers near 1 in a type; 0 for integers and bools.
Number epsilon(DType dtype);
int64_t countOf(const Sizes &shape);
/// NumPy's rule, or nothing.
std::optional<Sizes> broadcast(const Sizes &a, const Sizes &b);

} // namespace dlc::random
