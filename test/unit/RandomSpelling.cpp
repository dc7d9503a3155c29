// How each operation may be written. Expressions are texts with the level of their outermost operator, so that brackets stand
// where they are needed.
#include "RandomWriterImpl.h"

#include "llvm/ADT/StringExtras.h"

namespace dlc::random {

/// Something around a value that changes nothing.
Text Writer::wrapped(Text x, const Tensor &value) {
  if (random.below(8))
    return x;
  size_t rank = value.shape.size();
  std::string in = within(x, operand);
  std::string all = rank ? listText(value.shape) : "[]";
  switch (random.below(19)) {
  case 0:
    return {"((y) => y)(" + x.text + ")"};
  case 1:
    return {"{\n" + std::string(2 * indent + 2, ' ') + "let y = " + x.text + "\n" + std::string(2 * indent + 2, ' ') +
                "y\n" + std::string(2 * indent, ' ') + "}",
            lambda};
  case 2:
    return {"(" + x.text + ", 0)[0]"};
  case 3:
    return {"[" + x.text + "][0]"};
  case 4:
    return {"(if 2 > 1 { " + x.text + " } else { " + x.text + " })"};
  case 5:
    return {std::string(nameOf(value.dtype)) + "(" + x.text + ")"};
  case 6:
    return {"stack([" + x.text + "])[0]"};
  case 7:
    if (namedSizes)
      return x;
    return {within(x, pipe) + " |> reshape(" + all + ")", pipe};
  case 8:
    if (namedSizes)
      return x;
    return {"broadcast_to(" + x.text + ", " + all + ")"};
  case 9:
    return rank ? Text{in + "[:]"} : x;
  case 10:
    if (!rank || namedSizes)
      return x;
    return {"(z => tensor([z[i] for i in 0.." + std::to_string(value.shape[0]) + "]))(" + x.text + ")"};
  case 11:
    return rank ? Text{"flip(flip(" + x.text + ", axis: 0), axis: -" + std::to_string(rank) + ")"} : x;
  case 12:
    return rank > 1 ? Text{"transpose(transpose(" + x.text + "))"} : x;
  case 13:
    return rank ? Text{"concat([" + in + "[:1], " + in + "[1:]])"} : x;
  case 14:
    return {helper("pair", "(x) { (x, x, 0) }") + "(" + x.text + ")[1]"};
  case 15:
    return {helper("first", "(x, y = 2.5) { x }") + "(" + x.text + ")"};
  case 16:
    return {helper("last", "(y: i64 = 3, x) { x }") + "(x: " + x.text + ")"};
  case 17:
    return {"Sequential(y => y, y => y)(" + x.text + ")"};
  default:
    return {"where(true, " + x.text + ", " + x.text + ")"};
  }
}

Text Writer::expression(const Function &function, const Node &node, const std::vector<Text> &texts) {
  auto x = [&](unsigned i = 0) { return argument(function, texts, node.operands[i]); };
  auto base = [&]() -> const Tensor & { return function.example[node.operands[0]]; };
  static const std::map<std::string, Level> infix = {
      {"+", adding},     {"*", multiplying}, {"/", multiplying}, {"%", multiplying}, {"@", multiplying},
      {"==", comparing}, {"!=", comparing},  {"<", comparing},   {"<=", comparing},  {">", comparing},
      {">=", comparing}, {"&&", both},       {"||", either},     {"-", adding}};
  const std::string &op = node.op;
  if (op == "call" || op == "grad")
    return call(function, node, texts);
  if (op == "power")
    return {within(x(), operand) + " ** " + std::to_string(node.numbers[0]), power};
  if (op == "**")
    return {within(x(), operand) + " ** " + within(x(1), operand), power};
  if (op == "!" || (op == "-" && node.operands.size() == 1))
    return {op + within(x(), operand), prefix};
  if (auto found = infix.find(op); found != infix.end()) {
    auto [a, b] = op == "@" ? std::pair(x(), x(1)) : beside(function, texts, node.operands[0], node.operands[1]);
    Level level = found->second;
    size_t ranks[] = {base().shape.size(), function.example[node.operands.back()].shape.size()};
    if (op == "@" && random.oneIn(3)) {
      if (ranks[0] == 2 && ranks[1] == 2)
        return random.oneIn(2) ? called("linear", {a, {"transpose(" + b.text + ")"}}, {"x", "w"})
                               : Text{"einsum(\"ij,jk->ik\", " + a.text + ", " + b.text + ")"};
      return ranks[0] == 1 && ranks[1] == 1 ? called("dot", {a, b}, {"x", "y"}) : called("matmul", {a, b}, {"x", "y"});
    }
    bool chains = level != comparing;
    return {within(a, chains ? level : adding) + " " + op + " " + within(b, Level(level + 1)), level};
  }
  if (op == "cast")
    return {std::string(nameOf(node.dtype)) + "(" + x().text + ")"};
  if (op == "maximum" || op == "minimum" || op == "div") {
    auto [a, b] = beside(function, texts, node.operands[0], node.operands[1]);
    return called(op, {a, b}, {"x", "y"});
  }
  if (op == "where") {
    auto [a, b] = beside(function, texts, node.operands[1], node.operands[2]);
    return called(op, {x(), a, b}, {"condition", "x", "y"});
  }
  if (op == "concat" || op == "stack") {
    std::string list;
    for (unsigned i = 0; i < node.operands.size(); ++i)
      list += (i ? ", " : "[") + x(i).text;
    if (op == "stack" && node.numbers[0] == 0 && random.oneIn(2))
      return {"tensor(" + list + "])"};
    if (node.numbers[0] == 0 && random.oneIn(3))
      return called(op, {{list + "]"}}, {"xs"});
    return called(op, {{list + "]"}, {axisText(node.numbers[0], base().shape.size() + (op == "stack"))}},
                  {"xs", "axis"});
  }
  if (op == "take" || op == "slice" || op == "index")
    return op == "take" ? Text{within(x(), operand) + "[" + x(1).text + "]"} : indexed(node, x(), base());
  if (op == "reshape" || op == "broadcast_to")
    return called(op, {x(), {listText(node.numbers)}}, {"x", "shape"});
  if (op == "permute") {
    if (node.numbers == Sizes{1, 0} && random.oneIn(2))
      return called("transpose", {x()}, {"x"});
    return called(random.of({"permute", "transpose"}), {x(), {listText(node.numbers)}}, {"x", "axes"});
  }
  if (op == "pad") {
    std::string widths;
    for (size_t i = 0; i < base().shape.size(); ++i)
      widths +=
          (i ? ", " : "[") + (int64_t(i) == node.numbers[0] ? listText({node.numbers[1], node.numbers[2]}) : "[0, 0]");
    return called(op, {x(), {widths + "]"}}, {"x", "widths"});
  }
  if (op == "fold" || op == "stack_of")
    return loopText(function, node, texts);
  if (op == "pick" || op == "part" || op == "set" || op == "add_at" || op == "branch")
    return placedText(function, node, texts);
  if (isWindow(op))
    return windowText(function, node, texts);
  if (op == "cummax" || op == "cummin")
    return {op + "(" + x().text + ", axis: " + axisText(node.numbers[0], base().shape.size()) + ")[0]"};
  if (op == "sort" || op == "argsort" || op == "flip" || op == "cumsum" || op == "softmax" || op == "log_softmax")
    return called(op, {x(), {axisText(node.numbers[0], base().shape.size())}}, {"x", "axis"});
  if (!llvm::is_contained(reductions(), op))
    return called(op, {x()}, {"x"});
  // A reduction.
  std::vector<Text> arguments{x()};
  bool argumentOp = op == "argmax" || op == "argmin";
  std::string axes;
  for (int64_t axis : node.numbers)
    axes += (axes.empty() ? "" : ", ") + axisText(axis, base().shape.size());
  if (node.all && !node.keepdims)
    return called(op, arguments, {"x"});
  if (node.all)
    return {op + "(" + arguments[0].text + ", keepdims: true)"};
  // The second parameter of `norm` is its kind.
  if (op == "norm")
    return {op + "(" + arguments[0].text + ", axis: [" + axes + "]" + (node.keepdims ? ", keepdims: true" : "") + ")"};
  arguments.push_back({node.numbers.size() > 1 || (!argumentOp && random.oneIn(4)) ? "[" + axes + "]" : axes});
  if (node.keepdims)
    arguments.push_back({"true"});
  return called(op, arguments, {"x", "axis", "keepdims"});
}

Text Writer::indexed(const Node &node, const Text &x, const Tensor &base) {
  const Sizes &numbers = node.numbers;
  int64_t size = base.shape[numbers[0]];
  auto place = [&](int64_t i) { return std::to_string(i < size && random.oneIn(3) ? i - size : i); };
  std::string entry = place(numbers[1]);
  if (node.op == "slice") {
    entry = numbers[1] == 0 && random.oneIn(2) ? ":" : entry + ":";
    entry += numbers[2] == size && random.oneIn(2) ? "" : place(numbers[2]);
    if (numbers[3] != 1)
      entry += ":" + std::to_string(numbers[3]);
  }
  std::string list;
  for (int64_t i = 0; i < numbers[0]; ++i)
    list += ":, ";
  list += entry;
  for (size_t i = numbers[0] + 1; i < base.shape.size() && random.oneIn(3); ++i)
    list += ", :";
  return {within(x, operand) + "[" + list + "]"};
}

Text Writer::call(const Function &function, const Node &node, const std::vector<Text> &texts) {
  std::vector<Text> arguments;
  for (unsigned operand : node.operands)
    arguments.push_back(argument(function, texts, operand));
  if (node.op == "grad")
    return gradient(node, arguments);
  const Function &callee = program.functions[node.function];
  if (random.oneIn(6)) { // the body in place
    for (unsigned i = 0; i < arguments.size(); ++i) {
      std::string name = fresh("v");
      line("let " + name + " = " + arguments[i].text);
      arguments[i] = {name};
    }
    Text result = nodes(callee, arguments, 1)[0];
    return {within(result, operand)};
  }
  std::string name = functionValue(node.function);
  if (arguments.size() == 1 && random.oneIn(6))
    return {"Sequential(" + name + ")(" + arguments[0].text + ")"};
  if (random.oneIn(6)) { // handed to a function that calls it
    std::string list;
    for (unsigned i = 0; i < arguments.size(); ++i)
      list += ", x" + std::to_string(i);
    std::string apply =
        helper("apply" + std::to_string(arguments.size()), "(f" + list + ") { f(" + list.substr(2) + ") }");
    arguments.insert(arguments.begin(), {name});
    return called(apply, arguments, {"f", "x0", "x1", "x2"});
  }
  return called(name, arguments, {"a0", "a1", "a2"});
}

Text Writer::gradient(const Node &node, const std::vector<Text> &arguments) {
  std::string name = functionValue(node.function), list;
  for (const Text &argument : arguments)
    list += (list.empty() ? "" : ", ") + argument.text;
  bool scalar = program.functions[node.function].example[0].shape.empty();
  switch (random.below(5)) {
  case 4:
    if (arguments.size() == 1 && scalar && program.functions[node.function].example[0].dtype == DType::F32)
      return {"jvp(" + name + ", " + list + ", 1.0)[1]"};
    [[fallthrough]];
  case 0:
    return {"value_and_grad(" + name + ")(" + list + ")[1]"};
  case 1:
    if (arguments.size() == 1) {
      std::string pull = fresh("p");
      line("let (_, " + pull + ") = vjp(" + name + ", " + list + ")");
      return {pull + "(1.0)"};
    }
    [[fallthrough]];
  case 2:
    if (name.back() != ')')
      return {"grad(" + name + ", wrt: [a0])(" + list + ")[0]"};
    [[fallthrough]];
  default:
    return called("grad(" + name + ")", arguments, {"a0", "a1", "a2"});
  }
}

} // namespace dlc::random
