// Products as planned modules made from a few words, run beside plain loops in f64.
#pragma once

#include "codegen/Target.h"
#include "runtime/Abi.h"
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace dlc::test {

/// `equation` is dl.contract's; `orders` are the physical orders of the axes of lhs, rhs and result (empty: as written),
/// `pads` what is added to the length of their rows.
struct Product {
  std::string equation;
  std::map<char, int64_t> sizes;
  std::string orders[3] = {};
  int64_t pads[3] = {0, 0, 0};
  /// "none"; "relu": relu(r + bias along the last axis); "rows": r * scale along the first axis; "mask": r where another
  /// tensor of the result's layout is positive, else 0; "momentum": m = 0.9 m + r and w = w - 0.1 m, both in place.
  std::string epilogue = "none";
  std::string element = "f32";

  std::string describe() const;
};

/// A tensor in memory: f32, f64 or bf16 bits, with its strides.
struct Tensor {
  std::vector<int64_t> sizes, strides;
  std::string element;
  std::vector<char> bytes;
  double get(int64_t address) const;
  void set(int64_t address, double value);
  void *data();
};

/// The targets that this machine can run of the two widths.
const std::vector<Target> &runnableTargets();

/// The planned module's text: inputs lhs, rhs, extra, w, m; output c.
std::string plannedText(const Product &product);

struct Outcome {
  /// Empty, or what is wrong (compilation failed, an element is off, padding was written).
  std::string problem;
  /// The bytes of c, w and m afterwards.
  std::vector<char> result;
};
/// Compiles and runs a product on made-up numbers; compares with plain loops unless `compare` is off.
Outcome run(const Product &product, const Target &target, dlc_context *context = nullptr, bool compare = true);

} // namespace dlc::test
