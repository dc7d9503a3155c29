// How operations on windows are added, and their spellings.
#include "RandomBuilder.h"
#include "RandomWindows.h"
#include "RandomWriterImpl.h"

#include <algorithm>

namespace dlc::random {

//===-- Adding -------------------------------------------------------------------------------------------------------===//

/// x as pictures of `spatial` axes; nothing where it has too few elements.
std::optional<unsigned> Builder::pictures(unsigned x, size_t spatial) {
  if (at(x).shape.size() == spatial + 2)
    return x;
  int64_t left = countOf(at(x).shape);
  Sizes shape(spatial + 2, 1);
  // The last axes get the larger factors.
  for (size_t axis : {spatial + 1, spatial, size_t(1)}) {
    Sizes factors;
    for (int64_t factor = 1; factor <= left; ++factor)
      if (left % factor == 0 && (factor > 1 || left == 1))
        factors.push_back(factor);
    shape[axis] = axis == 1 && random.oneIn(2) ? left : random.of(factors);
    left /= shape[axis];
  }
  shape[0] = left;
  Node node{"reshape", {x}};
  node.numbers = shape;
  return add(node) ? std::optional(unsigned(function.nodes.size()) - 1) : std::nullopt;
}

/// Numbers of this shape beside x: written down, or the first of another value.
std::optional<unsigned> Builder::weights(unsigned x, const Sizes &shape) {
  auto last = [&] { return unsigned(function.nodes.size()) - 1; };
  int64_t count = countOf(shape);
  auto source = someOf([&](const Tensor &y) { return y.dtype == at(x).dtype && countOf(y.shape) >= count; });
  if (!source || isKnown(function.nodes[*source]) || random.oneIn(2)) {
    Node node{"list", {}};
    node.dtype = at(x).dtype;
    node.numbers = shape;
    for (int64_t i = 0; i < count; ++i)
      node.list.push_back(number(node.dtype));
    return add(node) ? std::optional(last()) : std::nullopt;
  }
  Node flat{"reshape", {*source}}, part{"slice", {}}, whole{"reshape", {}};
  flat.numbers = {countOf(at(*source).shape)}, part.numbers = {0, 0, count, 1}, whole.numbers = shape;
  for (Node *node : {&flat, &part, &whole}) {
    if (node != &flat)
      node->operands = {last()};
    if (!add(*node))
      return std::nullopt;
  }
  return last();
}

bool Builder::window(unsigned x) {
  if (!isFloat(at(x)) || isKnown(function.nodes[x]))
    return false;
  if (random.oneIn(5) && !at(x).shape.empty()) {
    Node node{"pad_with", {x}};
    node.numbers = {random.below(unsigned(at(x).shape.size())), random.below(3), random.below(3), 1 + random.below(3)};
    return add(node);
  }
  size_t spatial = 1 + random.below(2);
  auto found = pictures(x, spatial);
  if (!found)
    return false;
  static const std::vector<std::string> ops = {"conv",
                                               "conv",
                                               "conv",
                                               "conv_transpose",
                                               "conv_transpose",
                                               "max_pool",
                                               "avg_pool",
                                               "adaptive_max_pool",
                                               "adaptive_avg_pool"};
  Node node{random.of(ops), {*found}};
  const Tensor picture = at(*found);
  if (node.op[0] == 'a' && node.op[1] == 'd') {
    for (size_t i = 0; i < spatial; ++i)
      node.numbers.push_back(1 + random.below(4));
    return add(node);
  }
  bool convolves = node.op[0] == 'c', transposes = node.op == "conv_transpose";
  int64_t channels = picture.shape[1], groups = convolves && random.oneIn(2) ? channels : 1;
  if (groups > 1 && groups % 2 == 0 && random.oneIn(2))
    groups = 2;
  PadKind kind = convolves && !transposes && random.oneIn(3) ? PadKind(1 + random.below(4)) : Zeros;
  node.numbers = {convolves ? groups : int64_t(random.below(2)), convolves ? int64_t(kind) : int64_t(random.below(2))};
  Sizes taps;
  for (size_t i = 0; i < spatial; ++i) {
    auto few = [&](unsigned from, unsigned limit) { return int64_t(from + random.below(limit)); };
    int64_t tap = few(1, 3), stride = few(1, 2), dilation = random.oneIn(3) ? 2 : 1, padding = few(0, 3);
    taps.push_back(tap);
    int64_t reach = (tap - 1) * dilation;
    Sizes own = {tap, stride, std::min(padding, tap / 2), node.op == "max_pool" ? dilation : 1};
    if (convolves)
      own = transposes     ? Sizes{stride, std::min<int64_t>(padding, 1), few(0, 2), dilation}
            : kind == Same ? Sizes{1, reach / 2, reach - reach / 2, dilation}
                           : Sizes{stride, padding, padding, dilation};
    node.numbers.insert(node.numbers.end(), own.begin(), own.end());
  }
  if (convolves) {
    int64_t outputs = 1 + random.below(3);
    Sizes both = transposes ? Sizes{channels, outputs} : Sizes{outputs * groups, channels / groups};
    auto w = weights(x, chained(both, taps));
    if (!w)
      return false;
    node.operands.push_back(*w);
    if (random.oneIn(3)) {
      auto b = weights(x, {outputs * groups});
      if (!b)
        return false;
      node.operands.push_back(*b);
    }
  }
  return add(node);
}

//===-- Writing ------------------------------------------------------------------------------------------------------===//

/// A number of each axis: one for all, where they agree, or a list.
std::string Writer::perAxis(const Sizes &numbers) {
  bool equal = std::equal(numbers.begin() + 1, numbers.end(), numbers.begin());
  return equal && random.below(3) ? std::to_string(numbers[0]) : listText(numbers);
}

Text Writer::windowText(const Function &function, const Node &node, const std::vector<Text> &texts) {
  auto x = [&](unsigned i) { return argument(function, texts, node.operands[i]); };
  const Sizes &shape = function.example[node.operands[0]].shape;
  if (node.op == "pad_with") {
    std::string widths;
    for (size_t i = 0; i < shape.size(); ++i)
      widths += (i ? ", [" : "[[") + std::to_string(int64_t(i) == node.numbers[0] ? node.numbers[1] : 0) + ", " +
                std::to_string(int64_t(i) == node.numbers[0] ? node.numbers[2] : 0) + "]";
    return {"pad(" + x(0).text + ", " + widths + "], mode: \"" + padNames[node.numbers[3]] + "\")"};
  }
  size_t spatial = shape.size() - 2;
  std::string name = node.op + std::to_string(spatial) + "d";
  if (node.op[0] == 'a' && node.op[1] == 'd')
    return called(name, {x(0), {perAxis(node.numbers)}}, {"x", "size"});
  const Numbers numbers(node.numbers);
  std::string settings;
  auto set = [&](const char *what, const std::string &text, bool needed) {
    if (needed || random.oneIn(8))
      settings += ", " + std::string(what) + ": " + text;
  };
  auto setEach = [&](const char *what, unsigned which, int64_t otherwise) {
    Sizes each = numbers.each(which);
    set(what, perAxis(each), each != Sizes(spatial, otherwise));
  };
  if (node.op == "max_pool" || node.op == "avg_pool") {
    Sizes kernel = numbers.each(0), stride = numbers.each(1);
    set("stride", perAxis(stride), stride != kernel);
    setEach("padding", 2, 0);
    if (node.op == "max_pool")
      setEach("dilation", 3, 1);
    set("ceil_mode", numbers.first ? "true" : "false", numbers.first);
    if (node.op == "avg_pool")
      set("count_include_pad", numbers.second ? "true" : "false", !numbers.second);
    if (random.oneIn(4)) // the layer
      return {(node.op == "max_pool" ? "MaxPool" : "AvgPool") + std::to_string(spatial) + "d(" + perAxis(kernel) +
              settings + ")(" + x(0).text + ")"};
    return random.oneIn(4) ? Text{within(x(0), pipe) + " |> " + name + "(" + perAxis(kernel) + settings + ")", pipe}
                           : Text{name + "(" + x(0).text + ", " + perAxis(kernel) + settings + ")"};
  }
  setEach("stride", 0, 1);
  if (numbers.second == Same && node.op == "conv")
    set("padding", "\"same\"", true);
  else
    setEach("padding", 1, 0);
  if (node.op == "conv_transpose")
    setEach("output_padding", 2, 0);
  setEach("dilation", 3, 1);
  set("groups", std::to_string(numbers.first), numbers.first != 1);
  if (node.op == "conv" && numbers.second != Same)
    set("padding_mode", "\"" + std::string(padNames[numbers.second]) + "\"", numbers.second != Zeros);
  std::string w = x(1).text;
  if (node.operands.size() > 2)
    settings = (random.oneIn(2) ? ", " : ", b: ") + x(2).text + settings;
  return random.oneIn(4) ? Text{within(x(0), pipe) + " |> " + name + "(" + w + settings + ")", pipe}
                         : Text{name + "(" + x(0).text + ", " + w + settings + ")"};
}

} // namespace dlc::random
