// Loops, branches, order, and elements at computed places: what they mean, how they are added, how they are written.
#include "RandomApplication.h"
#include "RandomBuilder.h"
#include "RandomWriterImpl.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace dlc::random {

//===-- Meaning ------------------------------------------------------------------------------------------------------===//

static Sizes rowShape(const Tensor &x) { return Sizes(x.shape.begin() + 1, x.shape.end()); }

static Tensor rowOf(const Tensor &x, int64_t i) {
  Tensor row{x.dtype, rowShape(x), {}};
  int64_t count = countOf(row.shape);
  row.values.assign(x.values.begin() + i * count, x.values.begin() + (i + 1) * count);
  return row;
}

static bool sameType(const Tensor &a, const Tensor &b) { return a.dtype == b.dtype && a.shape == b.shape; }

/// Along an axis: `sort argsort cummax cummin`.
std::optional<Tensor> Application::ordered() {
  const Tensor &x = operand(0);
  int64_t axis = node.numbers[0];
  if (x.dtype == DType::Bool)
    return std::nullopt;
  Tensor made = taken(x, x.shape, [](const Sizes &at) { return at; });
  if (node.op == "argsort")
    made.dtype = DType::I64;
  Sizes first = x.shape;
  first[axis] = 1;
  forEach(first, [&](Sizes at) {
    std::vector<int64_t> places;
    for (at[axis] = 0; at[axis] < x.shape[axis]; ++at[axis])
      places.push_back(placeOf(at, x.shape));
    // Which of two nearly equal numbers comes first, rounding may change.
    std::vector<Number> keys;
    for (int64_t place : places)
      keys.push_back(x.values[place] + (sample.number ? std::abs(x.values[place]) * epsilon(x.dtype) * nearness *
                                                            noise(path, place, sample.number)
                                                      : 0));
    std::vector<int64_t> order(places.size());
    std::iota(order.begin(), order.end(), 0);
    bool isArgsort = node.op == "argsort";
    if (node.op == "sort" || isArgsort)
      std::sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
        Number left = isArgsort ? keys[a] : x.values[places[a]], right = isArgsort ? keys[b] : x.values[places[b]];
        return left < right || (left == right && a < b); // equal ones stay in order
      });
    else
      for (size_t i = 1; i < order.size(); ++i) {
        Number last = x.values[places[order[i - 1]]], now = x.values[places[i]];
        order[i] = (node.op == "cummax" ? now >= last : now <= last) ? int64_t(i) : order[i - 1];
      }
    for (size_t i = 0; i < places.size(); ++i)
      made.values[places[i]] = isArgsort ? Number(order[i]) : x.values[places[order[i]]];
  });
  return made;
}

/// At a computed place: `pick` x[i], `part` x[i:i + k], `set` and `add_at` of a row, `branch` by a condition.
std::optional<Tensor> Application::placed() {
  if (node.op == "branch") {
    const Tensor &condition = operand(0), &a = operand(1), &b = operand(2);
    if (condition.dtype != DType::Bool || !condition.shape.empty() || !sameType(a, b))
      return std::nullopt;
    moves = false;
    return condition.values[0] != 0 ? a : b;
  }
  const Tensor &x = operand(0), &index = operand(1);
  if (x.shape.empty() || !isInteger(index.dtype) || !index.shape.empty())
    return std::nullopt;
  int64_t n = x.shape[0], i = int64_t(index.values[0]), length = node.op == "part" ? node.numbers[0] : 1;
  if (i < 0 && node.op != "part")
    i += n;
  if (i < 0 || i + length > n)
    return std::nullopt;
  moves = false;
  if (node.op == "pick")
    return rowOf(x, i);
  if (node.op == "part") {
    Sizes shape = x.shape;
    shape[0] = length;
    return taken(x, shape, [&](Sizes at) {
      at[0] += i;
      return at;
    });
  }
  const Tensor &v = operand(2);
  bool adds = node.op == "add_at";
  if (v.dtype != x.dtype || broadcast(v.shape, rowShape(x)) != rowShape(x) || (adds && x.dtype == DType::Bool))
    return std::nullopt;
  Tensor made = x;
  moves = adds;
  scales.assign(adds ? x.values.size() : 0, 0);
  forEach(x.shape, [&](const Sizes &at) {
    if (at[0] != i)
      return;
    Number &value = made.values[placeOf(at, x.shape)], given = broadcastElement(v, Sizes(at.begin() + 1, at.end()));
    value = adds ? value + given : given;
    if (adds)
      scales[placeOf(at, x.shape)] = std::abs(value) + std::abs(given);
  });
  return made;
}

/// A function in a loop: `fold` over the rows of x from a state on, `stack_of` the function of each row.
std::optional<Tensor> Application::looped() {
  const Tensor &x = operand(0);
  const Function &function = program.functions[node.function];
  if (x.shape.empty() || x.shape[0] == 0)
    return std::nullopt;
  moves = false;
  std::optional<Tensor> made;
  if (node.op == "fold")
    made = operand(1);
  for (int64_t i = 0; i < x.shape[0]; ++i) {
    std::vector<Tensor> arguments = {rowOf(x, i)};
    if (node.op == "fold")
      arguments.insert(arguments.begin(), *made);
    auto results = evaluate(program, function, arguments, sample, path * 31 + i);
    if (!results)
      return std::nullopt;
    Tensor &result = (*results)[0];
    if (node.op == "fold") {
      if (!sameType(result, *made))
        return std::nullopt;
      made = result;
    } else if (!made) {
      made = result;
      made->shape.insert(made->shape.begin(), x.shape[0]);
    } else {
      made->values.insert(made->values.end(), result.values.begin(), result.values.end());
    }
  }
  return made;
}

//===-- Adding -------------------------------------------------------------------------------------------------------===//

bool Builder::order(unsigned x) {
  if (at(x).shape.empty())
    return false;
  Node node{smooth ? "sort" : random.of({"sort", "argsort", "cummax", "cummin"}), {x}};
  node.numbers = {random.below(unsigned(at(x).shape.size()))};
  return add(node);
}

/// A computed number of a row of x: an integer that there is, or what has the largest element of another value.
std::optional<unsigned> Builder::placeIn(unsigned x) {
  auto there = someOf([](const Tensor &y) { return isInteger(y.dtype) && y.shape.empty(); });
  if (there && !isKnown(function.nodes[*there]) && random.oneIn(2))
    return there;
  auto of = someOf([](const Tensor &y) { return !y.shape.empty() && isFloat(y); });
  if (!of || isKnown(function.nodes[*of]))
    return std::nullopt;
  Node largest{random.of({"argmax", "argmin"}), {*of}}, rows{"constant", {}};
  largest.all = true;
  rows.dtype = DType::I64, rows.value = at(x).shape[0];
  unsigned first = unsigned(function.nodes.size());
  bool made = add(largest) && add(rows) && add({"%", {first, first + 1}});
  return made ? std::optional(first + 2) : std::nullopt;
}

bool Builder::place(unsigned x) {
  auto condition = someOf([](const Tensor &y) { return y.dtype == DType::Bool && y.shape.empty(); });
  auto other = someOf([&](const Tensor &y) { return sameType(y, at(x)); });
  if (condition && random.oneIn(2))
    return !(isKnown(function.nodes[x]) && isKnown(function.nodes[*other])) && add({"branch", {*condition, x, *other}});
  if (at(x).shape.empty() || isKnown(function.nodes[x]))
    return false;
  auto index = placeIn(x);
  if (!index)
    return false;
  Node node{random.of({"pick", "part", "set", "add_at"}), {x, *index}};
  if (node.op == "part")
    node.numbers = {1 + random.below(unsigned(at(x).shape[0]))};
  if (node.op == "set" || node.op == "add_at") {
    auto v = someOf([&](const Tensor &y) {
      return y.dtype == at(x).dtype && broadcast(y.shape, rowShape(at(x))) == rowShape(at(x));
    });
    if (!v)
      return false;
    node.operands.push_back(*v);
  }
  return add(node);
}

/// A function in a loop over rows: of a state and a row, or of a row.
bool Builder::loop() {
  std::vector<Node> found;
  for (unsigned f = 0; f < program.functions.size(); ++f) {
    const Function &body = program.functions[f];
    bool folds = body.parameters == 2;
    if (body.parameters > 2 || (folds && !sameType(body.example[0], body.example[body.results[0]])))
      continue;
    for (unsigned x = 0; x < function.nodes.size(); ++x) {
      const Tensor &rows = at(x);
      if (rows.shape.empty() || isKnown(function.nodes[x]) ||
          !sameType(body.example[body.parameters - 1], {rows.dtype, rowShape(rows), {}}))
        continue;
      auto state = someOf([&](const Tensor &y) { return folds && sameType(y, body.example[0]); });
      if (folds && !state)
        continue;
      Node &node = found.emplace_back(Node{folds ? "fold" : "stack_of", {x}});
      node.function = f;
      if (folds)
        node.operands.push_back(*state);
    }
  }
  return !found.empty() && add(random.of(found));
}

//===-- Writing ------------------------------------------------------------------------------------------------------===//

Text Writer::placedText(const Function &function, const Node &node, const std::vector<Text> &texts) {
  auto x = [&](unsigned i) { return argument(function, texts, node.operands[i]); };
  if (node.op == "branch")
    return {"(if " + within(x(0), either) + " { " + x(1).text + " } else { " + x(2).text + " })"};
  std::string base = within(x(0), operand), place = x(1).text;
  if (node.op == "pick")
    return {base + "[" + place + "]"};
  if (node.op == "part") {
    std::string begin = fresh("i");
    line("let " + begin + " = " + place);
    return {base + "[" + begin + ":" + begin + " + " + std::to_string(node.numbers[0]) + "]"};
  }
  std::string name = fresh("t");
  line("var " + name + " = " + x(0).text);
  line(name + "[" + place + "] " + (node.op == "set" ? "= " : "+= ") + x(2).text);
  return {name};
}

/// Whether a function's body is part of another's, or is it.
static bool reaches(const Program &program, const Function &from, const Function &to) {
  return &from == &to || std::any_of(from.nodes.begin(), from.nodes.end(), [&](const Node &node) {
    bool calls = node.op == "call" || node.op == "grad" || node.op == "fold" || node.op == "stack_of";
    return calls && reaches(program, program.functions[node.function], to);
  });
}

/// Whether something has the gradient of a function, so that the number of its turns must be known.
static bool isDifferentiated(const Program &program, const Function &function) {
  for (const Function &any : program.functions)
    for (const Node &node : any.nodes)
      if (node.op == "grad" && reaches(program, program.functions[node.function], function))
        return true;
  return false;
}

Text Writer::loopText(const Function &function, const Node &node, const std::vector<Text> &texts) {
  auto x = [&](unsigned i) { return argument(function, texts, node.operands[i]); };
  std::string body = functionValue(node.function), rows = within(x(0), either);
  const Tensor &over = function.example[node.operands[0]];
  std::string count = std::to_string(over.shape[0]);
  std::string head = "for row in " + rows;
  if (node.op == "stack_of" && random.oneIn(2))
    return {"[" + body + "(row) " + head + "]"};
  // The rows by their numbers, with what is skipped, left, or counted by hand.
  std::string all = fresh("xs"), state = fresh("s"), k = fresh("k");
  std::string before, after;
  line("let " + all + " = " + rows);
  switch (random.below(isDifferentiated(program, function) ? 4 : 6)) {
  case 0:
    head = "for " + k + " in 0.." + count;
    break;
  case 1:
    head = "for " + k + " in 0.." + count + " + 3";
    before = "if " + k + " >= " + count + " { " + random.of({"break", "continue"}) + " }";
    break;
  case 2:
    head = "for " + k + ", _ in enumerate(" + all + ")";
    break;
  case 3:
    head = "for " + k + " in 0..2 * " + count + " by 2";
    before = "let half = div(" + k + ", 2)";
    k = "half";
    break;
  case 4:
    head = "for " + k + " in 0..tensor(" + count + ")";
    break;
  default:
    line("var " + k + " = 0");
    head = "while " + k + " < " + count;
    after = k + " += 1";
  }
  bool folds = node.op == "fold";
  const Tensor &result = function.example[&node - function.nodes.data()];
  line("var " + state + " = " +
       (folds ? x(1).text : std::string(nameOf(result.dtype)) + "(zeros(" + listText(result.shape) + "))"));
  line(head + " {");
  ++indent;
  if (!before.empty())
    line(before);
  std::string element = all + "[" + k + "]";
  line(folds ? state + " = " + body + "(" + state + ", " + element + ")"
             : state + "[" + k + "] = " + body + "(" + element + ")");
  if (!after.empty())
    line(after);
  --indent;
  line("}");
  return {state};
}

} // namespace dlc::random
