// The writer of programs: RandomWriter.cpp writes functions and their lines, RandomSpelling.cpp expressions.
#pragma once

#include "RandomWriter.h"

#include "llvm/ADT/ArrayRef.h"

#include <map>

namespace dlc::random {

/// How tightly an expression holds, loosest first.
enum Level { lambda, pipe, either, both, comparing, adding, multiplying, prefix, power, operand };

struct Text {
  std::string text;
  Level level = operand;
  bool known = false; ///< a number known while compiling
};

std::string within(const Text &x, Level least);

std::string listText(const Sizes &numbers);
std::string numberText(Number value, DType dtype);

class Writer {
public:
  Writer(const Program &program, uint64_t seed) : program(program), random(seed) {}

  std::string text();

private:
  //===-- Functions -----------------------------------------------------------------------------------------------===//

  void define(const std::string &text) { definitions += text + "\n"; }
  /// The name of a small function, defined once.
  std::string helper(const std::string &name, const std::string &rest) {
    if (definitions.find("fn " + name + "(") == std::string::npos)
      define("fn " + name + rest + "\n");
    return name;
  }
  std::string fresh(const char *stem) { return stem + std::to_string(names++); }

  std::vector<Text> parameterTexts(const Function &function, const std::string &stem);

  std::string parameterList(const Function &function, const std::string &stem, bool typed,
                            const std::map<int64_t, std::string> &sizes);

  std::string type(const Tensor &tensor, const std::map<int64_t, std::string> &sizes);

  /// The lines of a body, the last its value (a tuple of several).
  std::string block(const Function &function, std::vector<Text> parameters, unsigned depth);

  void line(const std::string &text) { lines += std::string(2 * indent, ' ') + text + "\n"; }

  /// A name for a function, defined somewhere; `as` says how.
  enum class Form { untyped, typed, named, model, nested, lambdaLine };
  std::string functionName(unsigned index, Form form);

  /// A function as a value.
  std::string functionValue(unsigned index) {
    return functionName(index, random.of({Form::untyped, Form::typed, Form::named, Form::model, Form::lambdaLine}));
  }

  //===-- Nodes ----------------------------------------------------------------------------------------------------===//

  std::string undone(const std::string &name, const Tensor &value);
  std::vector<Text> nodes(const Function &function, std::vector<Text> texts, unsigned depth);

  enum class Need { computed, typed, literal };
  Text constant(const Node &node, Need need);

  Text argument(const Function &function, const std::vector<Text> &texts, unsigned i, Need need = Need::computed);

  /// An operand beside another: literals take their type from it.
  std::pair<Text, Text> beside(const Function &function, const std::vector<Text> &texts, unsigned a, unsigned b);

  /// `name(..)` in one of its spellings; `names` are those of the parameters.
  Text called(const std::string &name, const std::vector<Text> &arguments, llvm::ArrayRef<std::string> names);

  std::string axisText(int64_t axis, size_t rank) {
    return std::to_string(random.oneIn(3) ? axis - int64_t(rank) : axis);
  }

  Text expression(const Function &function, const Node &node, const std::vector<Text> &texts);
  Text indexed(const Node &node, const Text &x, const Tensor &base);
  Text placedText(const Function &function, const Node &node, const std::vector<Text> &texts);
  Text windowText(const Function &function, const Node &node, const std::vector<Text> &texts);
  std::string perAxis(const Sizes &numbers);
  Text loopText(const Function &function, const Node &node, const std::vector<Text> &texts);
  Text call(const Function &function, const Node &node, const std::vector<Text> &texts);
  Text gradient(const Node &node, const std::vector<Text> &arguments);
  Text wrapped(Text x, const Tensor &value);

  const Program &program;
  Random random;
  std::string definitions, lines, members;
  unsigned names = 0, indent = 0;
  bool inModel = false;
  bool namedSizes = false; ///< in a function whose sizes are names, which no number can be declared to equal
  std::map<std::pair<unsigned, Form>, std::string> functions;
};

} // namespace dlc::random
