// What is added, and with which axes and sizes.
#include "RandomBuilder.h"

#include <algorithm>
#include <cmath>

namespace dlc::random {

constexpr int64_t largest = 96; ///< elements of a tensor
constexpr Number bound = 4096;  ///< of a value

static bool harmless(const Tensor &x) {
  return countOf(x.shape) <= largest && x.shape.size() <= 4 &&
         std::all_of(x.values.begin(), x.values.end(),
                     [](Number value) { return std::isfinite(value) && std::abs(value) <= bound; });
}

bool Builder::add(Node node) {
  std::optional<Tensor> value = apply(program, node, function.example, Sample(), function.nodes.size() + 1);
  if (!value || !harmless(*value))
    return false;
  function.nodes.push_back(std::move(node));
  function.example.push_back(std::move(*value));
  return true;
}

bool Builder::total(DType dtype) {
  for (size_t i = function.nodes.size(); i-- > 0;)
    if (function.example[i].dtype == dtype) {
      Node node{random.of({"sum", "mean"}), {unsigned(i)}};
      node.all = true;
      return add(node);
    }
  return false;
}

Number Builder::number(DType dtype) {
  if (dtype == DType::Bool)
    return random.below(2);
  if (isInteger(dtype))
    return int(random.below(6)) - (dtype == DType::U8 ? 0 : 2);
  return random.oneIn(3) ? random.of({0.1, 1e-3, 2.7, -0.3}) : random.of({0.5, 2.0, -1.0, 0.25, 3.0, 1.0, -1.5});
}

bool Builder::constant(unsigned x) {
  Node node{"constant", {}};
  node.dtype = at(x).dtype;
  node.value = number(node.dtype);
  if (!at(x).shape.empty() && random.oneIn(4)) { // of the last axes
    node.op = "list";
    node.numbers.assign(at(x).shape.begin() + random.below(unsigned(at(x).shape.size())), at(x).shape.end());
    for (int64_t i = countOf(node.numbers); i > 0; --i)
      node.list.push_back(number(node.dtype));
  }
  return add(node);
}

bool Builder::step() {
  unsigned x = some(), y = x;
  auto binary = [&](const std::string &op) {
    bool allConstant = true;
    std::vector<unsigned> operands{x, like(x)};
    if (random.oneIn(2))
      std::swap(operands[0], operands[1]);
    for (unsigned operand : operands)
      allConstant &= isKnown(function.nodes[operand]);
    return !allConstant && add({op, operands});
  };
  if (random.oneIn(4))
    switch (random.below(7)) {
    case 0:
      return order(x);
    case 1:
    case 2:
      return place(x);
    case 3:
    case 4:
      return loop();
    default:
      return window(x);
    }
  switch (smooth && random.oneIn(8) ? 13 : random.below(smooth ? 9 : 14)) {
  case 0:
    return isFloat(at(x)) && add({random.of(unaryFloatOps()), {x}});
  case 1:
    return add({random.of(unaryOps()), {x}});
  case 2:
  case 3: {
    const std::string &op = random.of(binaryOps());
    if (op == "**" && random.oneIn(2)) { // a small exponent, known
      Node node{"power", {x}};
      node.numbers = {2 + random.below(2)};
      return at(x).dtype != DType::Bool && add(node);
    }
    return binary(op);
  }
  case 4:
    if (isKnown(function.nodes[x]) || !constant(x))
      return false;
    y = unsigned(function.nodes.size()) - 1;
    if (random.oneIn(3))
      std::swap(x, y);
    return add({random.of({"+", "*", "-", "/", "maximum"}), {x, y}});
  case 5:
    return reduce(x);
  case 6:
    return move(x);
  case 7: {
    if (auto y = someOf([&](const Tensor &y) { return y.dtype == at(x).dtype && !y.shape.empty() && isFloat(y); });
        y && random.oneIn(2))
      return add({"@", {x, *y}});
    if (at(x).shape.empty())
      return false;
    Node node{random.of({"softmax", "log_softmax"}), {x}};
    node.numbers = {random.below(unsigned(at(x).shape.size()))};
    return add(node);
  }
  case 8: {
    Node node{random.of({"concat", "stack"}), {x}};
    for (unsigned more = random.below(2) + 1; more > 0; --more)
      if (auto y = someOf([&](const Tensor &y) { return y.dtype == at(x).dtype && y.shape == at(x).shape; }))
        node.operands.push_back(*y);
    unsigned places = unsigned(at(x).shape.size()) + (node.op == "stack");
    node.numbers = {places ? random.below(places) : 0};
    return places > 0 && add(node);
  }
  case 9:
    return binary(random.of(comparisons()));
  case 10: {
    auto condition = someOf([](const Tensor &y) { return y.dtype == DType::Bool; });
    if (!condition)
      return binary(random.of(comparisons()));
    if (at(x).dtype == DType::Bool)
      return random.oneIn(3) ? add({"!", {x}}) : add({random.of({"&&", "||"}), {x, *condition}});
    unsigned y = like(x);
    bool constants = isKnown(function.nodes[x]) && isKnown(function.nodes[y]);
    return !constants && add({"where", {*condition, x, y}});
  }
  case 11: {
    Node node{"cast", {x}};
    node.dtype = random.of({DType::F32, DType::F64, DType::BF16, DType::I32, DType::I64, DType::U8, DType::Bool});
    return node.dtype != at(x).dtype && add(node);
  }
  case 12: {
    auto places = someOf([](const Tensor &y) { return isInteger(y.dtype) && y.shape.size() == 1; });
    return places && !at(x).shape.empty() && add({"take", {x, *places}});
  }
  default:
    return call();
  }
}

bool Builder::reduce(unsigned x) {
  const Sizes &shape = at(x).shape;
  Node node{random.of(reductions()), {x}};
  node.keepdims = random.oneIn(3);
  bool argument = node.op == "argmax" || node.op == "argmin";
  if (shape.empty() || random.oneIn(4)) {
    node.all = true;
    node.keepdims &= !argument;
    return add(node);
  }
  for (unsigned axis = 0; axis < shape.size(); ++axis)
    if (random.oneIn(2))
      node.numbers.push_back(axis);
  if (node.numbers.empty() || argument)
    node.numbers = {random.below(unsigned(shape.size()))};
  return add(node);
}

bool Builder::move(unsigned x) {
  Sizes shape = at(x).shape;
  unsigned rank = unsigned(shape.size());
  Node node{random.of({"reshape", "broadcast_to", "permute", "flip", "cumsum", "pad", "slice", "index"}), {x}};
  if (node.op == "reshape" || node.op == "broadcast_to") {
    if (node.op == "broadcast_to") {
      shape.insert(shape.begin(), 1 + random.below(3));
    } else if (rank > 1 && random.oneIn(2)) {
      shape[0] *= shape[1];
      shape.erase(shape.begin() + 1);
    } else if (random.oneIn(2)) {
      shape.insert(shape.begin() + random.below(rank + 1), 1);
    } else {
      std::reverse(shape.begin(), shape.end());
    }
    node.numbers = shape;
    return add(node);
  }
  if (rank == 0)
    return false;
  unsigned axis = random.below(rank);
  int64_t size = shape[axis];
  if (node.op == "permute") {
    for (unsigned i = 0; i < rank; ++i)
      node.numbers.insert(node.numbers.begin() + random.below(i + 1), i);
  } else if (node.op == "pad") {
    node.numbers = {axis, random.below(3), random.below(2)};
  } else if (node.op == "slice") {
    int64_t begin = random.below(unsigned(size)), end = begin + 1 + random.below(unsigned(size - begin));
    node.numbers = {axis, begin, end, 1 + int64_t(random.below(3)) / 2};
  } else {
    node.numbers = {axis, random.below(unsigned(size))};
    DType dtype = at(x).dtype;
    if (node.op == "cumsum" && (dtype == DType::Bool || dtype == DType::BF16))
      return false;
  }
  return add(node);
}

bool Builder::call() {
  if (program.functions.empty())
    return false;
  Node node{"call", {}};
  node.function = random.below(unsigned(program.functions.size()));
  const Function &callee = program.functions[node.function];
  for (unsigned i = 0; i < callee.parameters; ++i) {
    auto argument = someOf(
        [&](const Tensor &y) { return y.dtype == callee.example[i].dtype && y.shape == callee.example[i].shape; });
    if (!argument)
      return false;
    node.operands.push_back(*argument);
  }
  const Tensor &result = callee.example[callee.results[0]], &first = callee.example[0];
  bool differentiable = result.shape.empty() && isFloat(result) && result.dtype == first.dtype &&
                        first.dtype != DType::BF16 && callee.nodes.back().op != "call";
  if (differentiable && random.below(3)) {
    node.op = "grad";
    node.numbers = {0};
  }
  return add(node);
}

} // namespace dlc::random
