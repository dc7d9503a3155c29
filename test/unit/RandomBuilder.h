// Adds operations, each on earlier values, to a function of a random program.
#pragma once

#include "RandomGenerator.h"

#include <functional>

namespace dlc::random {

inline bool isFloat(const Tensor &x) { return epsilon(x.dtype) != 0; }

/// Adds operations to one function.
class Builder {
public:
  Builder(Random &random, Program &program, bool smooth) : random(random), program(program), smooth(smooth) {}

  void parameter(const Tensor &example) {
    Node node;
    node.op = "parameter";
    function.nodes.push_back(node);
    function.example.push_back(example);
    ++function.parameters;
  }

  bool add(Node node);

  void steps(unsigned count) {
    for (unsigned tries = 0, made = 0; made < count && tries < 40 * count; ++tries)
      made += step();
  }

  /// A scalar of the last floating-point values: what a gradient is taken of.
  bool total(DType dtype);

  Function function;

private:
  const Tensor &at(unsigned i) const { return function.example[i]; }
  /// A value, rather one of the last.
  unsigned some() {
    unsigned count = unsigned(function.nodes.size());
    return random.oneIn(2) ? count - 1 - random.below(std::min(3u, count)) : random.below(count);
  }
  std::optional<unsigned> someOf(const std::function<bool(const Tensor &)> &fits) {
    std::vector<unsigned> found;
    for (unsigned i = 0; i < function.nodes.size(); ++i)
      if (fits(at(i)))
        found.push_back(i);
    return found.empty() ? std::nullopt : std::optional(random.of(found));
  }
  unsigned like(unsigned x) {
    return *someOf([&](const Tensor &y) { return y.dtype == at(x).dtype && broadcast(y.shape, at(x).shape); });
  }
  Number number(DType dtype);
  /// Numbers that go with `x`.
  bool constant(unsigned x);

  bool step();
  bool reduce(unsigned x);
  bool move(unsigned x);
  bool call();
  bool order(unsigned x);
  bool place(unsigned x);
  std::optional<unsigned> placeIn(unsigned x);
  bool loop();
  bool window(unsigned x);
  std::optional<unsigned> pictures(unsigned x, size_t spatial);
  std::optional<unsigned> weights(unsigned x, const Sizes &shape);

  Random &random;
  Program &program;
  bool smooth; ///< a function that has a gradient
};

} // namespace dlc::random
