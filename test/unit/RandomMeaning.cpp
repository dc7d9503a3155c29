// Element by element: the loops of most operations, casts, gradients; and functions, node by node.
#include "RandomApplication.h"

#include <algorithm>
#include <cmath>
#include <set>

namespace dlc::random {

bool isInteger(DType dtype) { return dtype == DType::I32 || dtype == DType::I64 || dtype == DType::U8; }

Number epsilon(DType dtype) {
  return dtype == DType::F32 ? 0x1p-23L : dtype == DType::F64 ? 0x1p-52L : dtype == DType::BF16 ? 0x1p-7L : 0;
}

int64_t countOf(const Sizes &shape) {
  int64_t count = 1;
  for (int64_t size : shape)
    count *= size;
  return count;
}

std::optional<Sizes> broadcast(const Sizes &a, const Sizes &b) {
  Sizes result(std::max(a.size(), b.size()), 1);
  for (const Sizes *side : {&a, &b})
    for (size_t i = 0; i < side->size(); ++i) {
      int64_t &size = result[result.size() - side->size() + i], own = (*side)[i];
      if (own != 1 && size != 1 && size != own)
        return std::nullopt;
      size = own == 1 ? size : own;
    }
  return result;
}

void forEach(const Sizes &shape, const std::function<void(const Sizes &)> &visit) {
  Sizes at(shape.size(), 0);
  for (int64_t left = countOf(shape); left > 0; --left) {
    visit(at);
    for (size_t axis = shape.size(); axis-- > 0 && ++at[axis] == shape[axis];)
      at[axis] = 0;
  }
}

int64_t placeOf(const Sizes &at, const Sizes &shape) {
  int64_t place = 0;
  for (size_t axis = 0; axis < shape.size(); ++axis)
    place = place * shape[axis] + at[axis];
  return place;
}

Number broadcastElement(const Tensor &x, const Sizes &at) {
  Sizes own(at.end() - ptrdiff_t(x.shape.size()), at.end());
  for (size_t axis = 0; axis < own.size(); ++axis)
    own[axis] = x.shape[axis] == 1 ? 0 : own[axis];
  return x.values[placeOf(own, x.shape)];
}

std::optional<Tensor> Application::result() {
  std::optional<Tensor> made = meaning();
  if (!made)
    return made;
  bool floats = epsilon(made->dtype) != 0;
  for (size_t i = 0; i < made->values.size(); ++i) {
    Number &value = made->values[i];
    if (floats && moves && sample.number)
      value += (i < scales.size() ? scales[i] : std::abs(value)) * amount(made->dtype) * noise(path, i, sample.number);
    if (!std::isfinite(value) || (!floats && std::abs(value) > 0x1p62L))
      return std::nullopt; // these are for tests by hand
    value = !floats ? wrapped(value, made->dtype) : sample.round ? rounded(value, made->dtype) : value;
  }
  return made;
}

std::optional<Tensor> Application::map2(DType dtype, const Tensor &a, const Tensor &b, Binary function) {
  std::optional<Sizes> shape = broadcast(a.shape, b.shape);
  if (!shape)
    return std::nullopt;
  Tensor made{dtype, *shape, {}};
  forEach(*shape,
          [&](const Sizes &at) { made.values.push_back(function(broadcastElement(a, at), broadcastElement(b, at))); });
  return made;
}

std::optional<Tensor> Application::unary() {
  const Tensor &x = operand(0);
  bool floats = epsilon(x.dtype) != 0;
  auto found = unaryFloat.find(node.op);
  if (found == unaryFloat.end())
    found = node.op == "power" ? unaryFloat.begin() : unaryAny.find(node.op);
  else if (!floats)
    return std::nullopt;
  if (x.dtype == DType::Bool || (node.op == "-" && x.dtype == DType::U8))
    return std::nullopt;
  static const std::set<std::string> written = {"softplus", "log_sigmoid", "silu", "gelu", "leaky_relu", "elu"};
  composite = true;
  Tensor made{x.dtype, x.shape, {}};
  for (Number value : written.count(node.op) ? x.values : std::vector<Number>())
    scales.push_back(2 * std::abs(value)); // several operations, whose parts may be larger than the result
  for (Number value : x.values)
    made.values.push_back(node.op == "power" ? std::pow(value, Number(node.numbers[0])) : found->second(value));
  return made;
}

std::optional<Tensor> Application::binary() {
  const Tensor &a = operand(0), &b = operand(1);
  bool floats = epsilon(a.dtype) != 0, divides = node.op == "div" || node.op == "%";
  if (a.dtype != b.dtype || a.dtype == DType::Bool || (!floats && (node.op == "/" || node.op == "**")))
    return std::nullopt;
  if (!floats && divides && std::count(b.values.begin(), b.values.end(), Number(0)))
    return std::nullopt;
  std::optional<Tensor> made = map2(a.dtype, a, b, arithmetic.at(node.op));
  if (made && floats && divides) // an error of the quotient moves a step
    forEach(made->shape, [&](const Sizes &at) {
      scales.push_back(std::abs(broadcastElement(a, at)) + std::abs(broadcastElement(b, at)));
    });
  return made;
}

std::optional<Tensor> Application::comparison() {
  const Tensor &a = operand(0), &b = operand(1);
  bool bools = a.dtype == DType::Bool, integers = isInteger(a.dtype) && isInteger(b.dtype);
  if ((a.dtype != b.dtype && !integers) || (bools && node.op != "==" && node.op != "!="))
    return std::nullopt;
  // Which of two nearly equal numbers is greater, rounding may change.
  Tensor left = a;
  if (epsilon(a.dtype) != 0 && sample.number)
    for (size_t i = 0; i < left.values.size(); ++i)
      left.values[i] += std::abs(left.values[i]) * epsilon(a.dtype) * noise(path, i, sample.number) * nearness;
  return map2(DType::Bool, left, b, compared.at(node.op));
}

Tensor Application::taken(const Tensor &x, const Sizes &shape, const std::function<Sizes(const Sizes &)> &from) {
  moves = false;
  Tensor made{x.dtype, shape, {}};
  forEach(shape, [&](const Sizes &at) { made.values.push_back(x.values[placeOf(from(at), x.shape)]); });
  return made;
}

std::optional<Tensor> Application::cast() {
  Tensor made = operand(0);
  bool fromFloat = epsilon(made.dtype) != 0;
  made.dtype = node.dtype;
  composite = moves = false;
  for (size_t i = 0; i < made.values.size(); ++i) {
    Number &value = made.values[i];
    if (node.dtype == DType::Bool)
      value = value != 0;
    if (!fromFloat || !isInteger(node.dtype))
      continue;
    if (sample.number) // a number beside a whole one may be cut to the one below
      value += std::abs(value) * epsilon(operand(0).dtype) * noise(path, i, sample.number) * nearness;
    Number high = node.dtype == DType::U8 ? 255 : node.dtype == DType::I32 ? 0x1p31L - 1 : 0x1p63L - 1;
    Number low = node.dtype == DType::U8 ? 0 : -high - 1;
    value = std::isnan(value) ? 0 : std::trunc(std::clamp(value, low, high));
  }
  return made;
}

/// The derivative of a function's only result, a scalar, by its argument `numbers[0]`: differences of the fourth order.
/// At a kink, where the two sides disagree, the value is another in each sample, so that nothing is compared with it.
std::optional<Tensor> Application::gradient() {
  std::vector<Tensor> arguments;
  for (size_t i = 0; i < node.operands.size(); ++i)
    arguments.push_back(operand(i));
  Tensor &x = arguments[node.numbers[0]], made = x;
  const Function &function = program.functions[node.function];
  Sample smooth{sample.number, false};
  constexpr Number step = 0x1p-10L;
  for (size_t i = 0; i < x.values.size(); ++i) {
    Number before = x.values[i], at[5];
    for (int place : {-2, -1, 0, 1, 2}) {
      x.values[i] = before + place * step;
      auto results = evaluate(program, function, arguments, smooth, path);
      if (!results)
        return std::nullopt;
      at[place + 2] = (*results)[0].values[0];
    }
    x.values[i] = before;
    Number slope = (8 * (at[3] - at[1]) - (at[4] - at[0])) / (12 * step);
    Number bend = (at[3] - 2 * at[2] + at[1]) / step, wide = (at[4] - 2 * at[2] + at[0]) / (2 * step);
    // A smooth function bends twice as much over twice the way.
    Number coarse = (at[3] - at[1]) / (2 * step);
    bool kink = !(std::abs(slope - coarse) <= 1e-5L * (std::abs(slope) + 0.1L) &&
                  std::abs(wide - 2 * bend) <= 1e-3L * (std::abs(slope) + 1e-2L) &&
                  std::abs(bend) <= 0.05L * (std::abs(slope) + 1));
    // Where it is 0, rounding may make it something else on either side.
    if (std::abs(slope) < 1e-10L)
      slope = sample.number % 3 ? 1e-11L * noise(path, i, sample.number) : 0;
    made.values[i] = kink ? 1e6L * noise(path, i, sample.number + 1) : slope;
    // What the differences are off by themselves, and what rounding does to f32.
    Number off = 1e-2L * std::abs(slope - coarse) + 1e-12L * (1 + std::abs(slope));
    scales.push_back(std::abs(slope) + 1 + off / amount(x.dtype));
  }
  return made;
}

std::optional<Tensor> Application::meaning() {
  const std::string &op = node.op;
  if (op == "constant") {
    moves = false;
    return Tensor{node.dtype, {}, {node.value}};
  }
  if (op == "list") {
    moves = false;
    return Tensor{node.dtype, node.numbers, node.list};
  }
  if (op == "call") {
    std::vector<Tensor> arguments;
    for (size_t i = 0; i < node.operands.size(); ++i)
      arguments.push_back(operand(i));
    auto results = evaluate(program, program.functions[node.function], arguments, sample, path);
    moves = false;
    return results ? std::optional((*results)[0]) : std::nullopt;
  }
  if (op == "grad")
    return gradient();
  if (op == "cast")
    return cast();
  if (op == "where") {
    const Tensor &condition = operand(0), &a = operand(1), &b = operand(2);
    std::optional<Sizes> shape = a.dtype == b.dtype ? broadcast(a.shape, b.shape) : std::nullopt;
    shape = shape ? broadcast(*shape, condition.shape) : shape;
    if (!shape || condition.dtype != DType::Bool)
      return std::nullopt;
    moves = false;
    Tensor made{a.dtype, *shape, {}};
    forEach(*shape, [&](const Sizes &at) {
      made.values.push_back(broadcastElement(broadcastElement(condition, at) != 0 ? a : b, at));
    });
    return made;
  }
  if (op == "&&" || op == "||") {
    bool both = operand(0).dtype == DType::Bool && operand(1).dtype == DType::Bool;
    return both ? map2(DType::Bool, operand(0), operand(1),
                       op == "&&" ? Binary(+[](Number a, Number b) { return a * b; })
                                  : Binary(+[](Number a, Number b) { return std::max(a, b); }))
                : std::nullopt;
  }
  if (op == "!") {
    Tensor made = operand(0);
    for (Number &value : made.values)
      value = 1 - value;
    return made.dtype == DType::Bool ? std::optional(made) : std::nullopt;
  }
  if (op == "@")
    return product();
  if (op == "softmax" || op == "log_softmax")
    return softmax();
  if (op == "concat" || op == "stack")
    return joined();
  if (op == "take") { // rows by indices
    const Tensor &x = operand(0), &places = operand(1);
    if (!isInteger(places.dtype) || x.shape.empty() || places.shape.size() != 1)
      return std::nullopt;
    for (Number place : places.values)
      if (place < 0 || place >= x.shape[0])
        return std::nullopt;
    Sizes shape = x.shape;
    shape[0] = places.shape[0];
    return taken(x, shape, [&](Sizes at) {
      at[0] = int64_t(places.values[at[0]]);
      return at;
    });
  }
  if (op == "sort" || op == "argsort" || op == "cummax" || op == "cummin")
    return ordered();
  if (op == "pick" || op == "part" || op == "set" || op == "add_at" || op == "branch")
    return placed();
  if (op == "fold" || op == "stack_of")
    return looped();
  if (isWindow(op))
    return windowed();
  if (node.operands.size() == 2 && compared.count(op))
    return comparison();
  if (node.operands.size() == 2)
    return binary();
  if (op == "power" || unaryFloat.count(op) || unaryAny.count(op))
    return unary();
  return reduced.count(op) ? reduction() : movement();
}

std::optional<Tensor> apply(const Program &program, const Node &node, const std::vector<Tensor> &values,
                            const Sample &sample, uint64_t path) {
  return Application(program, node, values, sample, path).result();
}

std::optional<std::vector<Tensor>> evaluate(const Program &program, const Function &function,
                                            const std::vector<Tensor> &arguments, const Sample &sample, uint64_t path) {
  std::vector<Tensor> values = arguments, results;
  for (size_t i = function.parameters; i < function.nodes.size(); ++i) {
    std::optional<Tensor> value = apply(program, function.nodes[i], values, sample, path * 1009 + i + 1);
    if (!value)
      return std::nullopt;
    values.push_back(std::move(*value));
  }
  for (unsigned result : function.results)
    results.push_back(values[result]);
  return results;
}

} // namespace dlc::random
