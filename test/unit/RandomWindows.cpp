// What convolutions, transposed ones, pooling and padding by elements mean.
#include "RandomWindows.h"
#include "RandomApplication.h"

#include <algorithm>
#include <cmath>

namespace dlc::random {

namespace {
/// The element that stands at place `i` of a padded axis; nothing for a zero.
std::optional<int64_t> elementAt(int64_t i, int64_t size, int64_t kind) {
  if (i >= 0 && i < size)
    return i;
  switch (kind) {
  case Reflect:
    return i < 0 ? -i : 2 * (size - 1) - i;
  case Replicate:
    return std::clamp<int64_t>(i, 0, size - 1);
  case Circular:
    return (i + size) % size;
  default:
    return std::nullopt;
  }
}

int64_t mostPadding(int64_t size, int64_t kind) { return kind == Reflect ? size - 1 : kind == Circular ? size : 1000; }

Sizes spatialOf(const Tensor &x) { return Sizes(x.shape.begin() + 2, x.shape.end()); }
} // namespace

std::optional<Tensor> Application::windowed() {
  if (node.op == "pad_with") { // axis, before, behind, PadKind
    const Tensor &x = operand(0);
    const Sizes &numbers = node.numbers;
    int64_t size = x.shape[numbers[0]];
    if (std::max(numbers[1], numbers[2]) > mostPadding(size, numbers[3]))
      return std::nullopt;
    Sizes shape = x.shape;
    shape[numbers[0]] += numbers[1] + numbers[2];
    return taken(x, shape, [&](Sizes at) {
      at[numbers[0]] = *elementAt(at[numbers[0]] - numbers[1], size, numbers[3]);
      return at;
    });
  }
  if (epsilon(operand(0).dtype) == 0 || operand(0).shape.size() < 3)
    return std::nullopt;
  return node.op == "conv" ? convolution() : node.op == "conv_transpose" ? transposedConvolution() : pooled();
}

std::optional<Tensor> Application::convolution() {
  const Tensor &x = operand(0), &w = operand(1);
  const Numbers numbers(node.numbers);
  size_t spatial = numbers.axes.size();
  Sizes positions, taps = spatialOf(w);
  for (size_t i = 0; i < spatial; ++i) {
    const Sizes &axis = numbers.axes[i];
    int64_t size = x.shape[i + 2], rest = size + axis[1] + axis[2] - (taps[i] - 1) * axis[3] - 1;
    if (rest < 0 || std::max(axis[1], axis[2]) > mostPadding(size, numbers.second))
      return std::nullopt;
    positions.push_back(rest / axis[0] + 1);
  }
  int64_t channels = w.shape[1], outputs = w.shape[0] / numbers.first;
  if (channels * numbers.first != x.shape[1] || outputs * numbers.first != w.shape[0])
    return std::nullopt;
  composite = node.operands.size() > 2;
  Tensor made{x.dtype, chained({x.shape[0], w.shape[0]}, positions), {}};
  forEach(made.shape, [&](const Sizes &at) {
    Number total = composite ? operand(2).values[at[1]] : 0, scale = std::abs(total);
    forEach(chained({channels}, taps), [&](const Sizes &tap) {
      Sizes from = {at[0], at[1] / outputs * channels + tap[0]};
      for (size_t i = 0; i < spatial; ++i) {
        const Sizes &axis = numbers.axes[i];
        auto place = elementAt(at[i + 2] * axis[0] + tap[i + 1] * axis[3] - axis[1], x.shape[i + 2], numbers.second);
        if (!place)
          return;
        from.push_back(*place);
      }
      Number term = x.values[placeOf(from, x.shape)] * w.values[placeOf(chained({at[1]}, tap), w.shape)];
      total += term, scale += std::abs(term);
    });
    made.values.push_back(total);
    scales.push_back(scale);
  });
  return made;
}

std::optional<Tensor> Application::transposedConvolution() {
  const Tensor &x = operand(0), &w = operand(1);
  const Numbers numbers(node.numbers);
  Sizes sizes, taps = spatialOf(w);
  for (size_t i = 0; i < taps.size(); ++i) {
    const Sizes &axis = numbers.axes[i];
    sizes.push_back((x.shape[i + 2] - 1) * axis[0] + (taps[i] - 1) * axis[3] + 1 + axis[2] - 2 * axis[1]);
    if (sizes.back() < 1 || axis[2] >= std::max(axis[0], axis[3]))
      return std::nullopt;
  }
  int64_t channels = x.shape[1] / numbers.first, outputs = w.shape[1];
  if (w.shape[0] != x.shape[1] || channels * numbers.first != x.shape[1])
    return std::nullopt;
  composite = true;
  Tensor made{x.dtype, chained({x.shape[0], outputs * numbers.first}, sizes), {}};
  made.values.assign(countOf(made.shape), 0);
  scales = made.values;
  forEach(chained(x.shape, chained({outputs}, taps)), [&](const Sizes &all) {
    Sizes at(all.begin(), all.begin() + x.shape.size()), tap(all.begin() + x.shape.size(), all.end());
    Sizes to = {at[0], at[1] / channels * outputs + tap[0]};
    for (size_t i = 0; i < taps.size(); ++i) {
      const Sizes &axis = numbers.axes[i];
      to.push_back(at[i + 2] * axis[0] + tap[i + 1] * axis[3] - axis[1]);
      if (to.back() < 0 || to.back() >= sizes[i])
        return;
    }
    Number term = x.values[placeOf(at, x.shape)] * w.values[placeOf(chained({at[1]}, tap), w.shape)];
    made.values[placeOf(to, made.shape)] += term;
    scales[placeOf(to, made.shape)] += std::abs(term);
  });
  if (node.operands.size() > 2)
    forEach(made.shape, [&](const Sizes &at) {
      made.values[placeOf(at, made.shape)] += operand(2).values[at[1]];
      scales[placeOf(at, made.shape)] += std::abs(operand(2).values[at[1]]);
    });
  return made;
}

namespace {
/// A window on an axis: its elements, and how many it counts.
struct Window {
  Sizes elements;
  int64_t count;
};

Window pooledWindow(const Sizes &axis, int64_t p, int64_t size, bool withPadding) {
  int64_t begin = p * axis[1] - axis[2], end = std::min(begin + axis[0], size + axis[2]);
  Window window{{}, end - begin};
  for (int64_t tap = 0; tap < axis[0]; ++tap)
    if (int64_t place = begin + tap * axis[3]; place >= 0 && place < size)
      window.elements.push_back(place);
  if (!withPadding)
    window.count = int64_t(window.elements.size());
  return window;
}

int64_t pooledPositions(const Sizes &axis, int64_t size, bool ceil) {
  int64_t rest = size + 2 * axis[2] - (axis[0] - 1) * axis[3] - 1;
  if (rest < 0 || 2 * axis[2] > axis[0])
    return 0;
  int64_t positions = (rest + (ceil ? axis[1] - 1 : 0)) / axis[1] + 1;
  return positions - (ceil && (positions - 1) * axis[1] >= size + axis[2]);
}
} // namespace

std::optional<Tensor> Application::pooled() {
  const Tensor &x = operand(0);
  bool adaptive = node.op[0] == 'a' && node.op[1] == 'd', isMax = node.op.find("max") != std::string::npos;
  Tensor made{x.dtype, {x.shape[0], x.shape[1]}, {}};
  std::vector<std::vector<Window>> windows; // of each axis
  for (size_t i = 2; i < x.shape.size(); ++i) {
    int64_t size = x.shape[i];
    std::vector<Window> &along = windows.emplace_back();
    if (adaptive) {
      int64_t parts = node.numbers[i - 2];
      for (int64_t p = 0; p < parts; ++p) {
        Window &window = along.emplace_back();
        for (int64_t place = p * size / parts; place < ((p + 1) * size + parts - 1) / parts; ++place)
          window.elements.push_back(place);
        window.count = int64_t(window.elements.size());
      }
    } else {
      const Numbers numbers(node.numbers);
      int64_t positions = pooledPositions(numbers.axes[i - 2], size, numbers.first);
      for (int64_t p = 0; p < positions; ++p)
        along.push_back(pooledWindow(numbers.axes[i - 2], p, size, numbers.second));
    }
    if (along.empty())
      return std::nullopt;
    made.shape.push_back(int64_t(along.size()));
  }
  moves = !isMax;
  composite = true;
  forEach(made.shape, [&](const Sizes &at) {
    Sizes counts;
    Number count = 1;
    for (size_t i = 0; i < windows.size(); ++i) {
      counts.push_back(int64_t(windows[i][at[i + 2]].elements.size()));
      count *= windows[i][at[i + 2]].count;
    }
    Number total = isMax ? -INFINITY : 0, scale = 0;
    forEach(counts, [&](const Sizes &tap) {
      Sizes from = {at[0], at[1]};
      for (size_t i = 0; i < tap.size(); ++i)
        from.push_back(windows[i][at[i + 2]].elements[tap[i]]);
      Number value = x.values[placeOf(from, x.shape)];
      total = isMax ? std::max(total, value) : total + value;
      scale += std::abs(value);
    });
    made.values.push_back(isMax ? total : total / count); // without elements it is infinite or no number
    scales.push_back(scale / count);
  });
  return made;
}

} // namespace dlc::random
