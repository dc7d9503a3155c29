// One operation of a random program on its operands. RandomMeaning.cpp has what works element by element, RandomShapes.cpp the rest.
#pragma once

#include "RandomTables.h"

#include <functional>

namespace dlc::random {

/// Walks the elements of a shape in order.
void forEach(const Sizes &shape, const std::function<void(const Sizes &)> &visit);
int64_t placeOf(const Sizes &at, const Sizes &shape);
/// The element of `x` that stands at `at` when x is broadcast.
Number broadcastElement(const Tensor &x, const Sizes &at);

/// The result of one operation, if it is defined.
class Application {
public:
  Application(const Program &program, const Node &node, const std::vector<Tensor> &values, const Sample &sample,
              uint64_t path)
      : program(program), node(node), values(values), sample(sample), path(path) {}

  std::optional<Tensor> result();

private:
  /// The relative error that compiled code may make in this operation.
  Number amount(DType dtype) const {
    if (dtype == DType::BF16)
      return composite ? 0x1p-7L : 0x1p-22L; // one operation is rounded once, from f32
    return 4 * epsilon(dtype);
  }

  const Tensor &operand(unsigned i) const { return values[node.operands[i]]; }

  std::optional<Tensor> map2(DType dtype, const Tensor &a, const Tensor &b, Binary function);
  std::optional<Tensor> unary();
  std::optional<Tensor> binary();
  std::optional<Tensor> comparison();
  std::optional<Tensor> reduction();

  /// Each element of the result is one of the operand.
  Tensor taken(const Tensor &x, const Sizes &shape, const std::function<Sizes(const Sizes &)> &from);

  std::optional<Tensor> movement();
  std::optional<Tensor> joined();
  std::optional<Tensor> product();
  std::optional<Tensor> softmax();
  std::optional<Tensor> ordered();
  std::optional<Tensor> placed();
  std::optional<Tensor> looped();
  std::optional<Tensor> windowed();
  std::optional<Tensor> convolution();
  std::optional<Tensor> transposedConvolution();
  std::optional<Tensor> pooled();
  std::optional<Tensor> cast();
  std::optional<Tensor> gradient();
  std::optional<Tensor> meaning();

  static constexpr Number nearness = 4;
  const Program &program;
  const Node &node;
  const std::vector<Tensor> &values;
  const Sample &sample;
  uint64_t path;
  bool moves = true, composite = false;
  std::vector<Number> scales; ///< of the errors, where it is not the value itself
};

} // namespace dlc::random
