// Operations that move elements, join tensors, or work along an axis.
#include "RandomApplication.h"

#include <algorithm>
#include <cmath>

namespace dlc::random {

std::optional<Tensor> Application::movement() {
  const Tensor &x = operand(0);
  const Sizes &numbers = node.numbers;
  if (node.op == "reshape") {
    moves = false;
    return countOf(numbers) == countOf(x.shape) ? std::optional(Tensor{x.dtype, numbers, x.values}) : std::nullopt;
  }
  if (node.op == "broadcast_to") {
    std::optional<Sizes> shape = broadcast(x.shape, numbers);
    moves = false;
    if (!shape || *shape != numbers)
      return std::nullopt;
    Tensor made{x.dtype, numbers, {}};
    forEach(numbers, [&](const Sizes &at) { made.values.push_back(broadcastElement(x, at)); });
    return made;
  }
  if (node.op == "permute") {
    Sizes shape;
    for (int64_t axis : numbers)
      shape.push_back(x.shape[axis]);
    return taken(x, shape, [&](const Sizes &at) {
      Sizes from(at.size());
      for (size_t i = 0; i < at.size(); ++i)
        from[numbers[i]] = at[i];
      return from;
    });
  }
  int64_t axis = numbers[0];
  if (node.op == "flip")
    return taken(x, x.shape, [&](Sizes at) {
      at[axis] = x.shape[axis] - 1 - at[axis];
      return at;
    });
  if (node.op == "cumsum") {
    Tensor made = taken(x, x.shape, [](const Sizes &at) { return at; });
    moves = true;
    forEach(x.shape, [&](Sizes at) {
      int64_t place = placeOf(at, x.shape);
      scales.push_back(
          std::abs(x.values[place]) +
          (at[axis] ? scales[placeOf(at, x.shape) - countOf(Sizes(x.shape.begin() + axis + 1, x.shape.end()))] : 0));
      if (at[axis]-- > 0)
        made.values[place] += made.values[placeOf(at, x.shape)];
    });
    return x.dtype == DType::F32 || x.dtype == DType::F64 || x.dtype == DType::I64 ? std::optional(made) : std::nullopt;
  }
  if (node.op == "pad") { // axis, before, behind
    Sizes shape = x.shape;
    shape[axis] += numbers[1] + numbers[2];
    Tensor made{x.dtype, shape, {}};
    moves = false;
    forEach(shape, [&](Sizes at) {
      at[axis] -= numbers[1];
      bool inside = at[axis] >= 0 && at[axis] < x.shape[axis];
      made.values.push_back(inside ? x.values[placeOf(at, x.shape)] : 0);
    });
    return made;
  }
  if (node.op == "slice") { // axis, begin, end, step
    Sizes shape = x.shape;
    shape[axis] = (numbers[2] - numbers[1] + numbers[3] - 1) / numbers[3];
    return taken(x, shape, [&](Sizes at) {
      at[axis] = numbers[1] + at[axis] * numbers[3];
      return at;
    });
  }
  Sizes shape = x.shape; // index: axis, place
  shape.erase(shape.begin() + axis);
  return taken(x, shape, [&](Sizes at) {
    at.insert(at.begin() + axis, numbers[1]);
    return at;
  });
}

std::optional<Tensor> Application::joined() {
  int64_t axis = node.numbers[0];
  Tensor made{operand(0).dtype, operand(0).shape, {}};
  bool stack = node.op == "stack";
  if (stack)
    made.shape.insert(made.shape.begin() + axis, 0);
  else
    made.shape[axis] = 0;
  for (size_t i = 0; i < node.operands.size(); ++i) {
    const Tensor &part = operand(i);
    Sizes shape = part.shape;
    if (stack)
      shape.insert(shape.begin() + axis, 1);
    if (part.dtype != made.dtype || shape.size() != made.shape.size())
      return std::nullopt;
    for (size_t j = 0; j < shape.size(); ++j)
      if (int64_t(j) != axis && shape[j] != made.shape[j])
        return std::nullopt;
    made.shape[axis] += shape[axis];
  }
  moves = false;
  forEach(made.shape, [&](Sizes at) {
    for (size_t i = 0; i < node.operands.size(); ++i) {
      Sizes shape = operand(i).shape;
      if (stack)
        shape.insert(shape.begin() + axis, 1);
      if (at[axis] < shape[axis]) {
        made.values.push_back(operand(i).values[placeOf(at, shape)]);
        return;
      }
      at[axis] -= shape[axis];
    }
  });
  return made;
}

/// `@` of NumPy.
std::optional<Tensor> Application::product() {
  Tensor a = operand(0), b = operand(1);
  if (a.dtype != b.dtype || epsilon(a.dtype) == 0 || a.shape.empty() || b.shape.empty())
    return std::nullopt;
  bool row = a.shape.size() == 1, column = b.shape.size() == 1;
  if (row)
    a.shape.insert(a.shape.begin(), 1);
  if (column)
    b.shape.push_back(1);
  size_t m = a.shape.size() - 2, n = b.shape.size() - 2;
  if (a.shape[m + 1] != b.shape[n])
    return std::nullopt;
  std::optional<Sizes> over =
      broadcast(Sizes(a.shape.begin(), a.shape.end() - 2), Sizes(b.shape.begin(), b.shape.end() - 2));
  if (!over)
    return std::nullopt;
  Sizes shape = *over;
  shape.push_back(a.shape[m]);
  shape.push_back(b.shape[n + 1]);
  Tensor made{a.dtype, shape, {}};
  forEach(shape, [&](const Sizes &at) {
    Number total = 0, scale = 0;
    for (int64_t k = 0; k < a.shape[m + 1]; ++k) {
      Sizes left = at, right = at;
      left[left.size() - 1] = k;
      right[right.size() - 2] = k;
      Number term = broadcastElement(a, left) * broadcastElement(b, right);
      total += term;
      scale += std::abs(term);
    }
    made.values.push_back(total);
    scales.push_back(scale);
  });
  if (column)
    made.shape.pop_back();
  if (row)
    made.shape.erase(made.shape.end() - (column ? 1 : 2));
  return made;
}

std::optional<Tensor> Application::softmax() {
  Tensor made = operand(0);
  if (epsilon(made.dtype) == 0)
    return std::nullopt;
  int64_t axis = node.numbers[0];
  composite = true;
  Sizes first = made.shape;
  first[axis] = 1;
  std::vector<std::vector<Number>> rows(countOf(first));
  forEach(made.shape, [&](Sizes at) {
    Number value = made.values[placeOf(at, made.shape)];
    at[axis] = 0;
    rows[placeOf(at, first)].push_back(value);
  });
  forEach(made.shape, [&](Sizes at) {
    Number &value = made.values[placeOf(at, made.shape)];
    at[axis] = 0;
    Number whole = logsumexpOf(rows[placeOf(at, first)]), scale = std::abs(value) + std::abs(whole) + 1;
    value = node.op == "softmax" ? std::exp(value - whole) : value - whole;
    scales.push_back(node.op == "softmax" ? value * scale : scale);
  });
  return made;
}

std::optional<Tensor> Application::reduction() {
  const Tensor &x = operand(0);
  bool floats = epsilon(x.dtype) != 0, bools = node.op == "all" || node.op == "any";
  bool argument = node.op == "argmax" || node.op == "argmin", whole = node.op == "max" || node.op == "min";
  if (bools != (x.dtype == DType::Bool) && !(node.op == "sum" || node.op == "mean"))
    return std::nullopt;
  if (!floats && !bools && !argument && !whole && node.op != "sum" && node.op != "prod" &&
      !(node.op == "mean" && x.dtype == DType::Bool))
    return std::nullopt;
  std::vector<bool> gone(x.shape.size(), node.all);
  for (int64_t axis : node.numbers)
    gone[axis] = true;
  Sizes shape, kept;
  for (size_t axis = 0; axis < gone.size(); ++axis) {
    kept.push_back(gone[axis] ? 1 : x.shape[axis]);
    if (!gone[axis] || node.keepdims)
      shape.push_back(kept.back());
  }
  if (countOf(x.shape) == 0)
    return std::nullopt;
  std::vector<std::vector<Number>> rows(countOf(kept));
  forEach(x.shape, [&](const Sizes &at) {
    Sizes to = at;
    for (size_t axis = 0; axis < gone.size(); ++axis)
      to[axis] = gone[axis] ? 0 : at[axis];
    rows[placeOf(to, kept)].push_back(x.values[placeOf(at, x.shape)]);
  });
  DType dtype = argument                           ? DType::I64
                : x.dtype == DType::Bool && !bools ? DType::F32
                : isInteger(x.dtype) && !whole     ? DType::I64
                                                   : x.dtype;
  Tensor made{dtype, shape, {}};
  moves = !whole;
  composite = node.op != "sum";
  for (const std::vector<Number> &row : rows) {
    made.values.push_back(reduced.at(node.op)(row));
    Number scale = 0;
    for (Number value : row)
      scale += std::abs(value);
    if (node.op == "var" || node.op == "std")
      scale = scale * scale;
    scales.push_back(node.op == "prod" ? std::abs(made.values.back()) * row.size() : scale);
  }
  return made;
}

} // namespace dlc::random
