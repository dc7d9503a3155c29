// Functions and their lines, numbers, calls in their spellings.
#include "RandomWriterImpl.h"

#include "llvm/ADT/StringExtras.h"

#include <cmath>
#include <set>

namespace dlc::random {

std::string within(const Text &x, Level least) { return x.level < least ? "(" + x.text + ")" : x.text; }

std::string listText(const Sizes &numbers) {
  return "[" + llvm::join(llvm::map_range(numbers, [](int64_t n) { return std::to_string(n); }), ", ") + "]";
}

std::string numberText(Number value, DType dtype) {
  if (dtype == DType::Bool)
    return value != 0 ? "true" : "false";
  if (isInteger(dtype))
    return std::to_string(int64_t(value));
  char digits[40];
  std::snprintf(digits, sizeof digits, "%.17g", double(value));
  std::string text = digits;
  return text.find_first_of(".e") == std::string::npos ? text + ".0" : text;
}

std::string Writer::text() {
  const Function &main = program.functions.back();
  std::string names, inputs;
  for (unsigned i = 0; i < main.parameters; ++i)
    inputs += (i ? ", in" : "in") + std::to_string(i);
  for (unsigned i = 0; i < main.results.size(); ++i)
    names += (i ? ", r" : "r") + std::to_string(i);
  std::string last;
  if (random.below(4)) {
    std::string body = block(main, parameterTexts(main, "in"), 1);
    bool typed = random.oneIn(2);
    define("fn whole(" + parameterList(main, "in", typed, {}) + ") {\n" + body + "}\n");
    last = "let (" + names + ") = whole(" + inputs + ")\n";
  } else {
    // Statements of the file, each computed by itself.
    lines.clear();
    std::vector<Text> results = nodes(main, parameterTexts(main, "in"), 0);
    last = lines;
    for (unsigned i = 0; i < results.size(); ++i)
      last += "let r" + std::to_string(i) + " = " + results[i].text + "\n";
  }
  return definitions + last;
}

std::vector<Text> Writer::parameterTexts(const Function &function, const std::string &stem) {
  std::vector<Text> texts;
  for (unsigned i = 0; i < function.parameters; ++i)
    texts.push_back({stem + std::to_string(i)});
  return texts;
}

std::string Writer::parameterList(const Function &function, const std::string &stem, bool typed,
                                  const std::map<int64_t, std::string> &sizes) {
  std::string list;
  for (unsigned i = 0; i < function.parameters; ++i)
    list += (i ? ", " : "") + stem + std::to_string(i) + (typed ? ": " + type(function.example[i], sizes) : "");
  return list;
}

std::string Writer::type(const Tensor &tensor, const std::map<int64_t, std::string> &sizes) {
  std::string text = nameOf(tensor.dtype);
  for (size_t i = 0; i < tensor.shape.size(); ++i) {
    auto named = sizes.find(tensor.shape[i]);
    text += (i ? ", " : "[") + (named == sizes.end() ? std::to_string(tensor.shape[i]) : named->second);
  }
  return text + (tensor.shape.empty() ? "" : "]");
}

std::string Writer::block(const Function &function, std::vector<Text> parameters, unsigned depth) {
  std::string saved = std::move(lines);
  unsigned savedIndent = std::exchange(indent, depth);
  lines.clear();
  std::vector<Text> results = nodes(function, std::move(parameters), depth);
  std::string value = results[0].text;
  for (size_t i = 1; i < results.size(); ++i)
    value += ", " + results[i].text;
  line(results.size() > 1 ? "(" + value + ")" : within(results[0], prefix).front() == '-' ? "(" + value + ")" : value);
  indent = savedIndent;
  return std::exchange(lines, saved);
}

std::string Writer::functionName(unsigned index, Form form) {
  const Function &function = program.functions[index];
  std::map<int64_t, std::string> sizes;
  if (namedSizes && form != Form::lambdaLine) // a declared number is no name
    form = Form::untyped;
  if (form == Form::named && keepsSizes(function, program))
    for (unsigned i = 0; i < function.parameters; ++i)
      for (int64_t size : function.example[i].shape)
        if (size > 1 && !sizes.count(size))
          sizes[size] = std::string(1, char('m' + sizes.size()));
  if (form == Form::lambdaLine) {
    std::string name = fresh("g"), body = block(function, parameterTexts(function, "a"), indent + 1);
    line("let " + name + " = (" + parameterList(function, "a", false, {}) + ") => {\n" + body +
         std::string(2 * indent, ' ') + "}");
    return name;
  }
  if (form == Form::nested) { // a model that holds another, or a function
    std::string inner = functionName(index, random.of({Form::model, Form::typed})), name = fresh("N"),
                list = parameterList(function, "a", false, {});
    define("model " + name + " {\n  layer inner = " + inner + "\n  fn forward(" + list + ") { inner(" + list +
           ") }\n}\n");
    return name + "()";
  }
  auto [found, isNew] = functions.try_emplace({index, form}, "");
  if (!isNew)
    return found->second;
  std::string name = fresh(form == Form::model ? "M" : "f");
  found->second = form == Form::model ? name + "()" : name;
  bool typed = form != Form::untyped;
  std::string result;
  if (form == Form::typed)
    result = " -> " + typeText(function.example[function.results[0]]);
  std::string savedMembers = std::exchange(members, "");
  bool savedInModel = std::exchange(inModel, form == Form::model);
  bool savedNamed = std::exchange(namedSizes, !sizes.empty());
  std::string body = block(function, parameterTexts(function, "a"), form == Form::model ? 2 : 1);
  inModel = savedInModel;
  namedSizes = savedNamed;
  std::string own = std::exchange(members, savedMembers);
  std::string list = parameterList(function, "a", typed, sizes);
  if (form == Form::model)
    define("model " + name + " {\n" + own + "  fn forward(" + list + ") {\n" + body + "  }\n}\n");
  else
    define("fn " + name + "(" + list + ")" + result + " {\n" + body + "}\n");
  return found->second;
}

/// Statements that leave a variable of the file as it was.
std::string Writer::undone(const std::string &name, const Tensor &value) {
  if (value.shape.empty())
    return "for _ in 0..2 { " + name + " = " + name + " }";
  std::string last = std::to_string(value.shape[0] - 1);
  switch (random.below(4)) {
  case 0:
    return "for _ in 0..2 { " + name + " = flip(" + name + ", axis: 0) }";
  case 1:
    return name + "[" + last + "] = " + name + "[-1]";
  case 2:
    return "for i in 0.." + last + " { " + name + "[i] = " + name + "[i] }";
  default:
    return "if any(" + name + " != " + name + ") { " + name + " = flip(" + name + ", axis: 0) }";
  }
}

std::vector<Text> Writer::nodes(const Function &function, std::vector<Text> texts, unsigned depth) {
  std::set<unsigned> needed(function.results.begin(), function.results.end());
  for (unsigned i = unsigned(function.nodes.size()); i-- > 0;)
    if (needed.count(i))
      needed.insert(function.nodes[i].operands.begin(), function.nodes[i].operands.end());
  for (unsigned i = function.parameters; i < function.nodes.size(); ++i) {
    if (!needed.count(i)) {
      texts.push_back({"unused"});
      continue;
    }
    const Node &node = function.nodes[i];
    Text made =
        isKnown(node) ? Text{"", operand, true} : wrapped(expression(function, node, texts), function.example[i]);
    bool isResult = llvm::is_contained(function.results, i);
    if (!isKnown(node) && (made.text.size() > 100 || random.below(3) == 0 || (isResult && !depth))) {
      std::string name = fresh("v");
      bool typed = random.oneIn(3) && !namedSizes;
      bool branches = !depth && random.oneIn(4);
      if (branches)
        made.text = "if all(" + within(made, adding) + " == " + within(made, adding) + ") { " + made.text +
                    " } else { " + made.text + " }";
      line((!depth || random.oneIn(4) ? "var " : "let ") + name + (typed ? ": " + typeText(function.example[i]) : "") +
           " = " + made.text);
      if (!depth && random.oneIn(4))
        line(undone(name, function.example[i]));
      made = {name};
    }
    texts.push_back(made);
    if (isKnown(node))
      texts.back().text = "known";
  }
  std::vector<Text> results;
  for (unsigned i : function.results)
    results.push_back(isKnown(function.nodes[i]) ? constant(function.nodes[i], Need::computed) : texts[i]);
  return results;
}

/// Rows in brackets, from `numbers` on.
static std::string rowsText(const Node &node, size_t axis, size_t &next) {
  if (axis == node.numbers.size())
    return numberText(node.list[next++], node.dtype);
  std::string text;
  for (int64_t i = 0; i < node.numbers[axis]; ++i)
    text += (i ? ", " : "") + rowsText(node, axis + 1, next);
  return "[" + text + "]";
}

Text Writer::constant(const Node &node, Need need) {
  if (node.op == "list") {
    size_t next = 0;
    std::string rows = rowsText(node, 0, next);
    bool plain = need == Need::literal && random.below(3);
    return {plain ? rows : std::string(nameOf(node.dtype)) + "(" + rows + ")"};
  }
  std::string digits = numberText(node.value, node.dtype), cast = nameOf(node.dtype);
  if (inModel && epsilon(node.dtype) != 0 && random.oneIn(2)) {
    std::string name = fresh("w");
    members += "  param " + name + ": " + cast + " = " + digits + "\n";
    return {name};
  }
  if (need == Need::literal && random.below(3))
    return {digits, digits[0] == '-' ? prefix : operand, true};
  if (node.dtype == DType::Bool)
    return need == Need::computed ? Text{"tensor(" + digits + ")"} : Text{digits, operand, true};
  if (need != Need::computed && random.oneIn(2))
    return {cast + "(" + digits + ")", operand, true};
  // `tensor(0.1)` alone is f32.
  bool exact = Number(float(node.value)) == node.value;
  return {exact && random.oneIn(2) ? cast + "(tensor(" + digits + "))" : "tensor(" + cast + "(" + digits + "))"};
}

Text Writer::argument(const Function &function, const std::vector<Text> &texts, unsigned i, Need need) {
  return isKnown(function.nodes[i]) ? constant(function.nodes[i], need == Need::computed ? Need::typed : need)
                                    : texts[i];
}

std::pair<Text, Text> Writer::beside(const Function &function, const std::vector<Text> &texts, unsigned a, unsigned b) {
  bool known[] = {isKnown(function.nodes[a]), isKnown(function.nodes[b])};
  return {argument(function, texts, a, known[1] ? Need::computed : Need::literal),
          argument(function, texts, b, known[0] ? Need::computed : Need::literal)};
}

Text Writer::called(const std::string &name, const std::vector<Text> &arguments, llvm::ArrayRef<std::string> names) {
  bool piped = random.oneIn(4);
  unsigned positional = arguments.size();
  if (random.oneIn(3))
    positional = piped + random.below(unsigned(arguments.size()) + 1 - piped);
  std::string list;
  for (unsigned i = piped; i < arguments.size(); ++i)
    list += (list.empty() ? "" : ", ") + (i < positional ? "" : names[i] + ": ") + arguments[i].text;
  if (!piped)
    return {name + "(" + list + ")"};
  bool simple = list.empty() && name.back() != ')' && random.oneIn(2);
  return {within(arguments[0], pipe) + " |> " + name + (simple ? "" : "(" + list + ")"), pipe};
}

std::string typeText(const Tensor &tensor) {
  return nameOf(tensor.dtype) + (tensor.shape.empty() ? "" : listText(tensor.shape));
}

std::string write(const Program &program, uint64_t seed) { return Writer(program, seed).text(); }

std::string writeInputs(const Program &program) {
  std::string text;
  for (size_t i = 0; i < program.inputs.size(); ++i) {
    const Tensor &input = program.inputs[i];
    std::string name = "in" + std::to_string(i), list;
    for (Number value : input.values)
      list += (list.empty() ? "" : ", ") + numberText(value, input.dtype);
    text += "let " + name + "_list: " + nameOf(input.dtype) + "[" + std::to_string(input.values.size()) + "] = [" +
            list + "]\nlet " + name + " = reshape(" + name + "_list, " +
            (input.shape.empty() ? "[]" : listText(input.shape)) + ")\n";
  }
  return text;
}

} // namespace dlc::random
