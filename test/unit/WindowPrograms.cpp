// Convolutions, transposed ones and pooling of random shapes, strides, dilations, groups and paddings, with their gradients, as
// graphs: pad, window, contract or reduce, overlap_add. Each form is made of its number alone.
#include "test/unit/WindowPrograms.h"

#include <algorithm>
#include <cstdint>
#include <random>

namespace dlc::test {

namespace {
using Sizes = std::vector<int64_t>;

struct Tensor {
  std::string name;
  Sizes sizes;
};

std::string listOf(const Sizes &sizes) {
  std::string text;
  for (int64_t size : sizes)
    text += (text.empty() ? "" : ", ") + std::to_string(size);
  return "[" + text + "]";
}

/// The parts of a function's text that forms add to.
struct Parts {
  std::string arguments, results, body, returned, types;
};

void append(std::string &list, const std::string &text) { list += (list.empty() ? "" : ", ") + text; }

class Form {
public:
  explicit Form(unsigned number) : random(number), number(std::to_string(number)) {
    kind = std::vector{Plain, Plain, Transposed, Pool}[number % 4];
    while (!choose()) {
    }
  }

  void addTo(Parts &parts) {
    arguments.push_back({"x", together(inputs, size)});
    Tensor y = kind == Plain ? convolution() : kind == Transposed ? transposed() : pooling();
    finish(parts, behind(y));
  }

private:
  enum Kind { Plain, Transposed, Pool };

  uint64_t below(uint64_t limit) { return random() % limit; }
  bool oneIn(uint64_t count) { return below(count) == 0; }
  int64_t between(int64_t low, int64_t high) { return low + int64_t(below(uint64_t(high - low + 1))); }
  int64_t reach(int64_t i) const { return (taps[i] - 1) * spreads[i] + 1; }

  /// Chooses all numbers; false where the evaluator would take too long.
  bool choose() {
    spatial = between(1, 3);
    bool depthwise = oneIn(6);
    element = oneIn(8) ? "f64" : "f32";
    groups = kind == Pool ? 1 : depthwise ? between(2, 20) : oneIn(3) ? between(2, 4) : 1;
    inputs = depthwise ? 1 : between(1, oneIn(3) ? 33 : 5);
    outputs = depthwise ? between(1, 2) : between(1, oneIn(3) ? 40 : 18);
    taps.clear(), steps.clear(), spreads.clear(), low.clear(), high.clear(), size.clear();
    int64_t work = (kind == Pool ? 1 : outputs) * groups * inputs * (batch = between(1, 3));
    for (int64_t i = 0; i < spatial; ++i) {
      taps.push_back(between(1, spatial == 3 ? 3 : oneIn(6) ? 7 : 4));
      steps.push_back(between(1, 3));
      spreads.push_back(oneIn(3) ? between(2, 3) : 1);
      // Each window of a maximum has an element that is no padding.
      int64_t most = kind == Pool ? taps[i] / 2 : 3, least = kind == Pool ? spreads[i] : 1;
      low.push_back(between(0, std::min<int64_t>(most, 2))), high.push_back(oneIn(3) ? between(0, most) : low.back());
      int64_t more = between(0, spatial == 1 ? 40 : 9);
      size.push_back(kind == Transposed ? 1 + more : std::max(least, reach(i) - low[i] - high[i]) + more);
      work *= taps[i] * (kind == Transposed ? size[i] : (size[i] + low[i] + high[i] - reach(i)) / steps[i] + 1);
      if (kind == Transposed && (size[i] - 1) * steps[i] + reach(i) <= low[i] + high[i])
        return false; // nothing would be left
    }
    return work < 30000;
  }

  /// Axes of a tensor with `count` channels in each group; the groups are an axis of their own.
  Sizes apart(int64_t count, const Sizes &positions) const {
    Sizes sizes = {batch, count};
    if (groups > 1)
      sizes.insert(sizes.begin() + 1, groups);
    sizes.insert(sizes.end(), positions.begin(), positions.end());
    return sizes;
  }
  Sizes together(int64_t count, const Sizes &positions) const {
    Sizes sizes = {batch, groups * count};
    sizes.insert(sizes.end(), positions.begin(), positions.end());
    return sizes;
  }
  Sizes kernel(int64_t first, int64_t second) const {
    Sizes sizes = {first, second};
    if (groups > 1)
      sizes.insert(sizes.begin(), groups);
    sizes.insert(sizes.end(), taps.begin(), taps.end());
    return sizes;
  }
  std::string type(const Sizes &sizes, const char *of = nullptr) const {
    std::string text = "tensor<";
    for (int64_t each : sizes)
      text += std::to_string(each) + "x";
    return text + (of ? of : element) + ">";
  }

  /// A line that makes a new value.
  Tensor make(const std::string &operation, const std::string &types, const Sizes &sizes, const char *of = nullptr) {
    std::string name = "%" + std::to_string(names++);
    std::string from = types.empty() ? "" : types + " -> ";
    body += "    " + name + " = dl." + operation + " : " + from + type(sizes, of) + "\n";
    return {name, sizes};
  }
  Tensor reshape(const Tensor &x, const Sizes &sizes) {
    return x.sizes == sizes ? x : make("reshape " + x.name, type(x.sizes), sizes);
  }

  /// x with its padding; around a maximum it is less than all.
  Tensor padded() {
    Sizes x = arguments[0].sizes, sizes = x, lows = {0, 0};
    for (int64_t i = 0; i < spatial; ++i)
      sizes[i + 2] += low[i] + high[i], lows.push_back(low[i]);
    std::string widths = " low " + listOf(lows) + " interior " + listOf(Sizes(x.size(), 0));
    Tensor zeros = make("pad %x" + widths, type(x), sizes);
    if (kind != Pool || sums)
      return zeros;
    Tensor ones = make("constant dense<true>", "", x, "i1");
    Tensor inside = make("pad " + ones.name + widths, type(x, "i1"), sizes, "i1");
    bool wide = element == std::string("f64");
    Tensor least = make("constant dense<" + std::string(wide ? "0xFFF0000000000000" : "0xFF800000") + ">", "", sizes);
    return make("select " + inside.name + ", " + zeros.name + ", " + least.name, "", sizes);
  }

  /// Where windows lie whose first axis of positions is `first`.
  std::string along(size_t first) const {
    Sizes axes;
    for (int64_t i = 0; i < spatial; ++i)
      axes.push_back(int64_t(first) + i);
    return " along " + listOf(axes) + " step " + listOf(steps) + " spread " + listOf(spreads);
  }
  /// The windows of the last axes.
  Tensor windows(const Tensor &x) {
    size_t first = x.sizes.size() - size_t(spatial);
    Sizes sizes = x.sizes;
    for (int64_t i = 0; i < spatial; ++i)
      sizes[first + i] = (sizes[first + i] - reach(i)) / steps[i] + 1;
    sizes.insert(sizes.end(), taps.begin(), taps.end());
    return make("window " + x.name + along(first), type(x.sizes), sizes);
  }

  std::string letters(const char *all) const { return std::string(all).substr(0, size_t(spatial)); }
  /// A product with the argument `w`, groups being `g`.
  Tensor product(const Tensor &x, const Sizes &w, const std::string &equation, const Sizes &sizes) {
    arguments.push_back({"w", w});
    std::string text;
    for (char letter : equation)
      if (letter == 'P' || letter == 'T')
        text += letters(letter == 'P' ? "pqr" : "xyz");
      else if (letter != 'g' || groups > 1)
        text += letter;
    return make("contract \"" + text + "\" " + x.name + ", %w", type(x.sizes) + ", " + type(w), sizes);
  }

  Tensor convolution() {
    Tensor u = padded();
    if (groups > 1 && oneIn(3)) { // groups set apart behind the windows, not in front of them
      u = windows(u);
      Sizes split = u.sizes;
      split[1] = groups, split.insert(split.begin() + 2, inputs);
      u = reshape(u, split);
    } else {
      u = windows(reshape(u, apart(inputs, Sizes(u.sizes.begin() + 2, u.sizes.end()))));
    }
    Sizes positions(u.sizes.end() - 2 * spatial, u.sizes.end() - spatial);
    Tensor y = product(u, kernel(outputs, inputs), "ngcPT,gfcT->ngfP", apart(outputs, positions));
    return reshape(y, together(outputs, positions));
  }

  Tensor transposed() {
    Sizes whole, begin = {0, 0}, rest, sizes = apart(outputs, size);
    sizes.insert(sizes.end(), taps.begin(), taps.end());
    for (int64_t i = 0; i < spatial; ++i) {
      // Some end where the last window does, some behind it.
      whole.push_back((size[i] - 1) * steps[i] + reach(i) + (oneIn(3) ? between(0, 2) : 0));
      begin.push_back(low[i]);
      rest.push_back(whole[i] - low[i] - high[i]);
    }
    Tensor x = reshape({"%x", arguments[0].sizes}, apart(inputs, size));
    Tensor u = product(x, kernel(inputs, outputs), "ngcP,gcfT->ngfPT", sizes);
    Tensor sum = make("overlap_add " + u.name + along(groups > 1 ? 3 : 2), type(u.sizes), apart(outputs, whole));
    sum = reshape(sum, together(outputs, whole));
    std::string part = " from " + listOf(begin) + " step " + listOf(Sizes(begin.size(), 1));
    return make("slice " + sum.name + part, type(sum.sizes), together(outputs, rest));
  }

  Tensor pooling() {
    sums = oneIn(2);
    Tensor u = windows(padded());
    Sizes over;
    for (int64_t i = 0; i < spatial; ++i)
      over.push_back(2 + spatial + i);
    return make("reduce " + std::string(sums ? "sum " : "max ") + u.name + " over " + listOf(over), type(u.sizes),
                Sizes(u.sizes.begin(), u.sizes.end() - spatial));
  }

  /// What often stands behind a convolution: a bias, an activation.
  Tensor behind(Tensor y) {
    if (kind != Pool && oneIn(3)) {
      arguments.push_back({"b", {y.sizes[1]}});
      Tensor all = make("broadcast %b to [1]", type(arguments.back().sizes), y.sizes);
      y = make("add " + y.name + ", " + all.name, "", y.sizes);
    }
    return oneIn(3) ? make("relu " + y.name, "", y.sizes) : y;
  }

  void finish(Parts &parts, const Tensor &y) {
    std::string inputs, types, inner, outs = type(y.sizes);
    unsigned results = 0;
    auto addArgument = [&](const std::string &name, const Sizes &sizes) {
      append(parts.arguments,
             "%" + name + number + ": " + type(sizes) + " {dl.role = \"input\", dl.name = \"" + name + number + "\"}");
    };
    auto addResult = [&](const std::string &name, const Sizes &sizes) {
      append(parts.results, type(sizes) + " {dl.name = \"" + name + number + "\"}");
      append(parts.returned, "%f" + number + "#" + std::to_string(results++));
      append(parts.types, type(sizes));
    };
    addResult("y", y.sizes);
    bool first = kind == Plain && oneIn(2); // as of a network, whose input needs no gradient
    for (const Tensor &argument : arguments) {
      addArgument(argument.name, argument.sizes);
      if (first && argument.name == "x")
        ++results;
      else
        addResult("d" + argument.name, argument.sizes);
      append(inputs, "%" + argument.name + number);
      append(inner, "%" + argument.name + ": " + type(argument.sizes));
      types += type(argument.sizes) + ", ";
      outs += ", " + type(argument.sizes);
    }
    addArgument("c", y.sizes);
    parts.body += "  %f" + number + ":" + std::to_string(results) + " = dl.grad (" + inputs + "), (%c" + number +
                  ") aux 0 {\n  ^bb0(" + inner + "):\n" + body + "    dl.yield " + y.name + " : " + type(y.sizes) +
                  "\n  } : (" + types + type(y.sizes) + ") -> (" + outs + ")\n";
  }

  std::mt19937 random;
  std::string number, body;
  unsigned names = 0;
  const char *element = "f32";
  Kind kind = Plain;
  bool sums = false;
  int64_t spatial = 2, batch = 1, groups = 1, inputs = 1, outputs = 1; ///< channels of one group
  Sizes taps, steps, spreads, low, high, size;
  std::vector<Tensor> arguments;
};
} // namespace

std::vector<ControlProgram> windowPrograms(unsigned count, unsigned each) {
  std::vector<ControlProgram> programs;
  for (unsigned first = 0; first < count; first += each) {
    Parts parts;
    for (unsigned number = first; number < std::min(first + each, count); ++number)
      Form(number).addTo(parts);
    programs.push_back({"From" + std::to_string(first), "func.func @f(" + parts.arguments + ") -> (" + parts.results +
                                                            ") {\n" + parts.body + "  return " + parts.returned +
                                                            " : " + parts.types + "\n}"});
  }
  return programs;
}

} // namespace dlc::test
