// The workloads of the benchmark, as dlc sees them: programs in the language. bench/workloads.py is the same list for the
// peers, where networks go by their names.
#pragma once

#include "runtime/DType.h"

#include <fmt/format.h>

#include <map>
#include <string>
#include <vector>

namespace dlc {

/// What a program is given, made of random numbers: floats around 0, integers from 0 to below `limit`.
struct Noise {
  std::string name;
  DType dtype;
  std::vector<int64_t> shape; ///< of a whole batch
  int64_t limit = 0;
};

struct Row {
  std::string name;
  std::string program;                  ///< its `train` is the step; without one, a call of the entry is
  std::string entry;                    ///< inference; its arguments are data of the same names
  std::map<std::string, int64_t> sizes; ///< that the entry's types leave open
  std::vector<Noise> data;
  double flops; ///< the arithmetic that the mathematics of a step needs, in its products
};

namespace workloads {

/// Floating-point operations of a product [m, k] x [k, n].
inline double product(int64_t m, int64_t k, int64_t n) { return 2.0 * double(m) * double(k) * double(n); }
/// Of a layer's products in a step: forward, gradient of the weights, gradient of the data.
inline double trained(double forward) { return 3 * forward; }
/// The same where the data are given and need no gradient.
inline double trainedFirst(double forward) { return 2 * forward; }

/// A row that trains the model `Net` on bench.safetensors; `sizes` has the batch as `n`.
inline Row training(std::string name, const std::string &model, std::map<std::string, int64_t> sizes,
                    std::vector<Noise> data, const std::string &loss, const std::string &optimizer, double flops) {
  std::string fields;
  for (const Noise &tensor : data)
    fields += (fields.empty() ? "" : ", ") + tensor.name + ": " +
              typeName(tensor.dtype, std::span(tensor.shape).subspan(1)); // one example
  std::string program =
      model +
      fmt::format("data noise: {{ {} }} = safetensors(\"bench.safetensors\")\n\n"
                  "train run = Net() on noise {{\n  minimize {}\n  optimizer: {}\n  batch: {}\n  steps: 1\n}}\n",
                  fields, loss, optimizer, sizes["n"]);
  return {std::move(name), program, "Net.forward", std::move(sizes), std::move(data), flops};
}

/// A perceptron with relu between its layers. Targets of one number are for regression, else there are labels.
inline Row perceptron(const char *name, int64_t n, const std::vector<int64_t> &widths, const std::string &optimizer) {
  std::string layers;
  double flops = 0;
  for (size_t i = 0; i + 1 < widths.size(); ++i) {
    layers += fmt::format("{}Linear({}, {})", i ? ", relu, " : "", widths[i], widths[i + 1]);
    double forward = product(n, widths[i], widths[i + 1]);
    flops += i ? trained(forward) : trainedFirst(forward);
  }
  std::string model =
      fmt::format("model Net {{\n  layer net = Sequential({})\n  fn forward(x: f32[n, {}]) {{ net(x) }}\n}}\n\n",
                  layers, widths[0]);
  bool regression = widths.back() == 1;
  Noise y = regression ? Noise{"y", DType::F32, {n, 1}} : Noise{"y", DType::I64, {n}, widths.back()};
  return training(name, model, {{"n", n}}, {{"x", DType::F32, {n, widths[0]}}, y},
                  regression ? "mse(run(x), y)" : "cross_entropy(run(x), y)", optimizer, flops);
}

/// Surnames letter by letter. Only the last scores count, so the last state and the scores before need no arithmetic; nor
/// does the first state, which is zero.
inline Row rnn(const char *name, int64_t n, int64_t t) {
  const char *model = R"(model Net(input: dim = 57, hidden: dim = 128, output: dim = 18) {
  layer i2h = Linear(input + hidden, hidden)
  layer i2o = Linear(input + hidden, output)

  fn forward(x: f32[n, t, input]) -> f32[n, output] {
    var h = zeros([n, hidden])
    var scores = zeros([n, output])
    for letter in permute(x, [1, 0, 2]) {
      let combined = concat([letter, h], axis: 1)
      (scores, h) = (i2o(combined), i2h(combined))
    }
    scores
  }
}

)";
  double ofLetters = product((t - 1) * n, 57, 128) + product(n, 57, 18);
  double ofStates = product((t - 2) * n, 128, 128) + product(n, 128, 18);
  return training(name, model, {{"n", n}, {"t", t}}, {{"x", DType::F32, {n, t, 57}}, {"y", DType::I64, {n}, 18}},
                  "cross_entropy(run(x), y)", "sgd(lr: 0.05)", trainedFirst(ofLetters) + trained(ofStates));
}

/// Text, a character at a time. The first state is zero: a product less.
inline Row lstm() {
  constexpr int64_t n = 32, t = 64, d = 256, vocab = 65;
  const char *model = R"(model Net(vocab: dim = 65, d: dim = 256) {
  layer embed = Embedding(vocab, d)
  layer lstm = Lstm(d, d)
  layer out = Linear(d, vocab)

  fn forward(x: i32[n, t]) -> f32[n, t, vocab] {
    let (hs, _) = lstm(embed(x))
    out(hs)
  }
}

)";
  double forward = product(t * n, d, 4 * d) + product((t - 1) * n, d, 4 * d) + product(t * n, d, vocab);
  return training("lstm", model, {{"n", n}, {"t", t}},
                  {{"x", DType::I32, {n, t}, vocab}, {"y", DType::I32, {n, t}, vocab}}, "cross_entropy(run(x), y)",
                  "adam(lr: 1e-3)", trained(forward));
}

/// Two tables of which a step looks at few rows, and changes all.
inline Row recommender() {
  constexpr int64_t n = 256, users = 5000, items = 2000, hidden = 64;
  const char *model = R"(model Net(users: dim = 5000, items: dim = 2000, hidden: dim = 64) {
  layer user_embedding = Embedding(users, hidden)
  layer item_embedding = Embedding(items, hidden)
  layer fc = Linear(2 * hidden, 1)

  fn forward(user: i32[n], item: i32[n]) -> f32[n] {
    concat([user_embedding(user), item_embedding(item)], axis: 1) |> fc |> squeeze(axis: 1)
  }
}

)";
  std::vector<Noise> data = {
      {"user", DType::I32, {n}, users}, {"item", DType::I32, {n}, items}, {"y", DType::F32, {n}}};
  return training("recommender", model, {{"n", n}}, std::move(data), "mse(run(user, item), y)", "adam(lr: 1e-3)",
                  trained(product(n, 2 * hidden, 1)));
}

/// The transformer without dropout, whose random numbers each peer makes in another way. Attention needs the products
/// below the diagonal and on it.
inline Row gpt() {
  constexpr int64_t n = 12, t = 64, d = 128, heads = 4, depth = 4, vocab = 65;
  const char *model = R"(model Block(d: dim, heads: dim) {
  layer ln1 = LayerNorm(d)
  layer ln2 = LayerNorm(d)
  layer qkv = Linear(d, 3 * d)
  layer proj = Linear(d, d)
  layer up = Linear(d, 4 * d)
  layer down = Linear(4 * d, d)

  fn forward(x: f32[n, t, d]) -> f32[n, t, d] {
    let h = x |> ln1 |> qkv |> reshape([n, t, 3, heads, d / heads]) |> permute([2, 0, 3, 1, 4])
    let mixed = attention(h[0], h[1], h[2], causal: true)
    let y = x + (mixed |> permute([0, 2, 1, 3]) |> reshape([n, t, d]) |> proj)
    y + (y |> ln2 |> up |> gelu_tanh |> down)
  }
}

model Net(vocab: dim = 65, context: dim = 64, d: dim = 128, heads: dim = 4, depth: dim = 4) {
  layer token = Embedding(vocab, d)
  param position: f32[context, d] = normal(std: 0.02)
  layer blocks = [Block(d, heads) for _ in 0..depth]
  layer ln = LayerNorm(d)
  layer head = Linear(d, vocab, bias: false)

  fn forward(x: i32[n, t]) -> f32[n, t, vocab] {
    var h = token(x) + position[:t]
    for block in blocks { h = block(h) }
    h |> ln |> head
  }
}

)";
  double attention = 2 * product(n * heads * t * (t + 1) / 2, d / heads, 1);
  double block = product(n * t, d, 3 * d) + attention + product(n * t, d, d) + 2 * product(n * t, d, 4 * d);
  return training("gpt", model, {{"n", n}, {"t", t}},
                  {{"x", DType::I32, {n, t}, vocab}, {"y", DType::I32, {n, t}, vocab}}, "cross_entropy(run(x), y)",
                  "adamw(lr: 1e-3, weight_decay: 0.1)", trained(depth * block + product(n * t, d, vocab)));
}

/// A layer of a network for pictures.
struct ConvolutionalLayer {
  enum Kind { Convolution, Pool, Dense } kind;
  int64_t outputs = 0, kernel = 0, stride = 1, padding = 0;
};

/// Layers on pictures of `size` x `size`; relu behind each convolution, and each dense layer but the last.
inline Row convolutional(const char *name, int64_t n, int64_t size, int64_t channels,
                         const std::vector<ConvolutionalLayer> &layers, const std::string &optimizer) {
  std::string members, chain;
  double flops = 0;
  int64_t side = size, width = channels, flat = 0;
  for (size_t i = 0; i < layers.size(); ++i) {
    const ConvolutionalLayer &l = layers[i];
    std::string member = fmt::format("l{}", i);
    double forward = 0;
    switch (l.kind) {
    case ConvolutionalLayer::Convolution:
      members += fmt::format("  layer {} = Conv2d({}, {}, kernel: {}, stride: {}, padding: {})\n", member, width,
                             l.outputs, l.kernel, l.stride, l.padding);
      chain += fmt::format(" |> {} |> relu", member);
      side = (side + 2 * l.padding - l.kernel) / l.stride + 1;
      forward = product(n * side * side, width * l.kernel * l.kernel, l.outputs);
      width = l.outputs;
      break;
    case ConvolutionalLayer::Pool:
      chain += fmt::format(" |> max_pool2d({}, stride: {})", l.kernel, l.stride);
      side = (side - l.kernel) / l.stride + 1;
      break;
    case ConvolutionalLayer::Dense:
      if (!flat) {
        flat = width * side * side;
        chain += " |> flatten";
      }
      members += fmt::format("  layer {} = Linear({}, {})\n", member, flat, l.outputs);
      chain += fmt::format(" |> {}{}", member, i + 1 < layers.size() ? " |> relu" : "");
      forward = product(n, flat, l.outputs);
      flat = l.outputs;
      break;
    }
    flops += i ? trained(forward) : trainedFirst(forward);
  }
  std::string model = fmt::format("model Net {{\n{}  fn forward(x: f32[n, {}, {}, {}]) {{ x{} }}\n}}\n\n", members,
                                  channels, size, size, chain);
  return training(name, model, {{"n", n}},
                  {{"x", DType::F32, {n, channels, size, size}}, {"y", DType::I64, {n}, layers.back().outputs}},
                  "cross_entropy(run(x), y)", optimizer, flops);
}

inline Row lenet5() {
  using enum ConvolutionalLayer::Kind;
  return convolutional("lenet5", 128, 28, 1,
                       {{Convolution, 6, 5},
                        {Pool, 0, 2, 2},
                        {Convolution, 16, 5},
                        {Pool, 0, 2, 2},
                        {Dense, 120},
                        {Dense, 84},
                        {Dense, 10}},
                       "adam(lr: 1e-3)");
}

inline Row cnn() {
  using enum ConvolutionalLayer::Kind;
  return convolutional("cnn", 64, 32, 3,
                       {{Convolution, 32, 3, 1, 1},
                        {Pool, 0, 2, 2},
                        {Convolution, 64, 3, 1, 1},
                        {Pool, 0, 2, 2},
                        {Dense, 128},
                        {Dense, 10}},
                       "adam(lr: 1e-3)");
}

/// AlexNet without dropout, whose random numbers each peer makes in another way.
inline Row alexnet() {
  using enum ConvolutionalLayer::Kind;
  return convolutional("alexnet", 16, 224, 3,
                       {{Convolution, 64, 11, 4, 2},
                        {Pool, 0, 3, 2},
                        {Convolution, 192, 5, 1, 2},
                        {Pool, 0, 3, 2},
                        {Convolution, 384, 3, 1, 1},
                        {Convolution, 256, 3, 1, 1},
                        {Convolution, 256, 3, 1, 1},
                        {Pool, 0, 3, 2},
                        {Dense, 4096},
                        {Dense, 4096},
                        {Dense, 1000}},
                       "sgd(lr: 0.01)");
}

/// A product of matrices, which trains nothing.
inline Row matmul(const char *kind, int64_t m, int64_t n, int64_t k) {
  bool square = m == n && n == k;
  return {square ? fmt::format("{}_{}", kind, m) : fmt::format("{}_{}x{}x{}", kind, m, n, k),
          "fn product(a: f32[m, k], b: f32[k, n]) -> f32[m, n] { a @ b }\n",
          "product",
          {{"m", m}, {"k", k}, {"n", n}},
          {{"a", DType::F32, {m, k}}, {"b", DType::F32, {k, n}}},
          product(m, k, n)};
}

/// The product of a weight's gradient: both operands have the axis of the sum, of length k, in front.
inline Row gradient(int64_t m, int64_t n, int64_t k) {
  Row row = matmul("gradient", m, n, k);
  row.program = "fn product(a: f32[k, m], b: f32[k, n]) -> f32[m, n] { permute(a, [1, 0]) @ b }\n";
  row.data[0].shape = {k, m};
  return row;
}

inline std::vector<Row> all() {
  return {perceptron("linear", 32, {10, 50, 1}, "sgd(lr: 0.05)"),
          perceptron("mlp_small", 64, {784, 128, 10}, "adam(lr: 1e-3)"),
          perceptron("mlp", 128, {784, 512, 256, 10}, "adam(lr: 1e-3)"),
          lenet5(),
          cnn(),
          alexnet(),
          rnn("rnn_b1", 1, 10),
          rnn("rnn_b64", 64, 16),
          lstm(),
          recommender(),
          gpt(),
          matmul("square", 512, 512, 512),
          matmul("square", 1024, 1024, 1024),
          matmul("ragged", 128, 512, 784),
          matmul("ragged", 768, 384, 128),
          matmul("ragged", 64, 10, 128),
          matmul("ragged", 100, 300, 77),
          gradient(1024, 256, 2048),
          gradient(128, 185, 1024)};
}

} // namespace workloads
} // namespace dlc
