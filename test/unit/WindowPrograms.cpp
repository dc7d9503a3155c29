// Convolutions and pooling of random shapes, strides, dilations, groups and paddings, with their gradients, as graphs: pad,
// window, contract or reduce. Each program is made of its number alone.
#include "test/unit/WindowPrograms.h"

#include <algorithm>
#include <cstdint>
#include <random>

namespace dlc::test {

namespace {
using Sizes = std::vector<int64_t>;

std::string listOf(const Sizes &sizes) {
  std::string text;
  for (int64_t size : sizes)
    text += (text.empty() ? "" : ", ") + std::to_string(size);
  return "[" + text + "]";
}

std::string typeOf(const Sizes &sizes) {
  std::string text = "tensor<";
  for (int64_t size : sizes)
    text += std::to_string(size) + "x";
  return text + "f32>";
}

class Writer {
public:
  explicit Writer(unsigned number) : random(number), number(number) {}

  /// What y is of its inputs, and their gradients for a cotangent that is an input too.
  ControlProgram program() {
    bool pools = number % 4 == 3;
    spatial = between(1, 3);
    groups = !pools && below(3) == 0 ? between(2, 3) : 1;
    Sizes x = {between(1, 3), groups * between(1, below(4) == 0 ? 20 : 4)};
    for (int64_t i = 0; i < spatial; ++i) {
      taps.push_back(between(1, spatial == 3 ? 2 : 4));
      steps.push_back(between(1, 3));
      spreads.push_back(below(3) == 0 ? 2 : 1);
      low.push_back(between(0, 2)), high.push_back(between(0, 2));
      int64_t reach = (taps.back() - 1) * spreads.back() + 1;
      x.push_back(std::max<int64_t>(1, reach - low.back() - high.back()) + between(0, spatial == 1 ? 30 : 7));
    }
    return pools ? pooling(x) : convolution(x);
  }

private:
  uint64_t below(uint64_t limit) { return random() % limit; }
  int64_t between(int64_t low, int64_t high) { return low + int64_t(below(uint64_t(high - low + 1))); }

  /// Lines that make %u, the windows of %x padded; their shape.
  Sizes windows(const Sizes &x) {
    Sizes padded = x, lows(2, 0), none(x.size(), 0), axes;
    for (int64_t i = 0; i < spatial; ++i) {
      padded[i + 2] += low[i] + high[i];
      lows.push_back(low[i]);
      axes.push_back(i + 2);
    }
    line("%p = dl.pad %x low " + listOf(lows) + " interior " + listOf(none) + " : " + typeOf(x) + " -> " + typeOf(padded));
    Sizes result = padded;
    for (int64_t i = 0; i < spatial; ++i)
      result[i + 2] = (padded[i + 2] - (taps[i] - 1) * spreads[i] - 1) / steps[i] + 1;
    result.insert(result.end(), taps.begin(), taps.end());
    line("%u = dl.window %p along " + listOf(axes) + " step " + listOf(steps) + " spread " + listOf(spreads) + " : " +
         typeOf(padded) + " -> " + typeOf(result));
    return result;
  }

  ControlProgram convolution(const Sizes &x) {
    Sizes u = windows(x), apart = u, kernel = {groups, between(1, 18), x[1] / groups};
    apart[1] = groups;
    apart.insert(apart.begin() + 2, kernel[2]);
    kernel.insert(kernel.end(), taps.begin(), taps.end());
    Sizes y = {x[0], groups, kernel[1]};
    y.insert(y.end(), u.begin() + 2, u.begin() + 2 + spatial);
    std::string positions = std::string("pqr").substr(0, spatial), all = std::string("xyz").substr(0, spatial);
    line("%v = dl.reshape %u : " + typeOf(u) + " -> " + typeOf(apart));
    line("%y = dl.contract \"ngc" + positions + all + ",gfc" + all + "->ngf" + positions + "\" %v, %w : " + typeOf(apart) +
         ", " + typeOf(kernel) + " -> " + typeOf(y));
    return finish("Convolution", {{"x", x}, {"w", kernel}}, y);
  }

  ControlProgram pooling(const Sizes &x) {
    Sizes u = windows(x), y(u.begin(), u.end() - spatial), over;
    for (size_t axis = y.size(); axis < u.size(); ++axis)
      over.push_back(int64_t(axis));
    line("%y = dl.reduce " + std::string(below(2) ? "max" : "sum") + " %u over " + listOf(over) + " : " + typeOf(u) + " -> " +
         typeOf(y));
    return finish("Pooling", {{"x", x}}, y);
  }

  ControlProgram finish(const std::string &kind, const std::vector<std::pair<std::string, Sizes>> &inputs, const Sizes &y) {
    std::string arguments, names, types, blockArguments, results, outs, returned;
    for (auto &[input, sizes] : inputs) {
      std::string type = typeOf(sizes), comma = names.empty() ? "" : ", ";
      arguments += "%" + input + "0: " + type + " {dl.role = \"input\", dl.name = \"" + input + "\"}, ";
      names += comma + "%" + input + "0";
      types += comma + type;
      blockArguments += comma + "%" + input + ": " + type;
      outs += ", " + type + " {dl.name = \"d" + input + "\"}";
      results += ", %d" + input;
      returned += ", " + type;
    }
    std::string type = typeOf(y);
    return {kind + std::to_string(number),
            "func.func @f(" + arguments + "%c: " + type + " {dl.role = \"input\", dl.name = \"c\"}) -> (" + type +
                " {dl.name = \"y\"}" + outs + ") {\n  %r" + results + " = dl.grad (" + names + "), (%c) aux 0 {\n  ^bb0(" +
                blockArguments + "):\n" + body + "    dl.yield %y : " + type + "\n  } : (" + types + ", " + type + ") -> (" +
                type + returned + ")\n  return %r" + results + " : " + type + returned + "\n}"};
  }

  void line(const std::string &text) { body += "    " + text + "\n"; }

  std::mt19937 random;
  unsigned number;
  int64_t spatial = 2, groups = 1;
  Sizes taps, steps, spreads, low, high;
  std::string body;
};
} // namespace

std::vector<ControlProgram> windowPrograms(unsigned count) {
  std::vector<ControlProgram> programs;
  for (unsigned number = 0; number < count; ++number)
    programs.push_back(Writer(number).program());
  return programs;
}

} // namespace dlc::test
