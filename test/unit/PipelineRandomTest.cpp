// Random programs, a seed each: what the planned stage computes with every optimisation is what the plain gradient
// computes with none. A program is a chain of operations on small f64 tensors, each on some of the last values; every
// second one is a loss, and what it returns are gradients.
#include "PlannedMachine.h"
#include "ir/Dialect.h"
#include "passes/Pipeline.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Parser/Parser.h"
#include "llvm/ADT/StringExtras.h"
#include <cmath>
#include <gtest/gtest.h>
#include <random>

using namespace mlir;

namespace dlc {
namespace {

using dl::HostTensor;
using Shape = std::vector<int64_t>;

struct Variable {
  std::string name;
  Shape shape;
};

/// Writes one program: two parameters, of which the first is updated, a row and indices.
class Generator {
public:
  explicit Generator(unsigned seed) : random(seed) {}

  std::string program() {
    bool isLoss = pick(2) == 0;
    const Shape shapes[] = {{6, 7}, {7, 6}, {7}};
    std::string arguments, inputs, types, blockArguments;
    for (auto [i, shape] : llvm::enumerate(shapes)) {
      std::string number = std::to_string(i), argument = "%a" + number;
      arguments += argument + ": " + type(shape) + " {dl.role = \"" + (i < 2 ? "param" : "input") +
                   "\", dl.name = \"a" + number + "\"}, ";
      inputs += (i ? ", " : "") + argument;
      types += type(shape) + ", ";
      blockArguments += (i ? ", " : "") + std::string("%v") + number + ": " + type(shape);
      values.push_back({(isLoss ? "%v" : "%a") + number, shape});
    }
    for (unsigned count = 8 + pick(16); count > 0; --count)
      step();
    return "func.func @f(" + arguments + "%i: tensor<4xi64> {dl.role = \"input\", dl.name = \"i\"})" +
           (isLoss ? loss(inputs, types, blockArguments) : plain());
  }

private:
  unsigned pick(unsigned below) { return random() % below; }
  template <class T> const T &pick(const std::vector<T> &list) { return list[pick(list.size())]; }

  static std::string type(const Shape &shape, const std::string &element = "f64") {
    std::string text = "tensor<";
    for (int64_t size : shape)
      text += std::to_string(size) + "x";
    return text + element + ">";
  }
  static std::string list(const Shape &shape) {
    return "[" + llvm::join(llvm::map_range(shape, [](int64_t size) { return std::to_string(size); }), ", ") + "]";
  }

  void line(const std::string &text) { body += "  " + text + "\n"; }
  std::string fresh() { return "%" + std::to_string(1000 + names++); }

  /// A new value `text`, of which the part behind the operands' types is made here.
  Variable make(const std::string &operation, const Shape &shape, const std::string &types = "") {
    Variable made{fresh(), shape};
    line(made.name + " = dl." + operation + " : " + (types.empty() ? "" : types + " -> ") + type(shape));
    values.push_back(made);
    return made;
  }

  /// One of the last values; of this shape, if given.
  Variable some(const Shape *shape = nullptr) {
    std::vector<Variable> fitting;
    for (const Variable &value :
         shape ? values : std::vector<Variable>(values.end() - std::min<size_t>(4, values.size()), values.end()))
      if (!shape || value.shape == *shape)
        fitting.push_back(value);
    return pick(fitting);
  }
  std::string splat(const Shape &shape, double number) {
    std::string name = fresh();
    line(name + " = dl.constant dense<" + std::to_string(number) + "> : " + type(shape));
    return name;
  }
  /// A broadcast of what a reduction left, to the shape before.
  void spread(const Variable &reduced, const Shape &shape, int64_t axis) {
    Shape kept;
    for (size_t i = 0; i < shape.size(); ++i)
      if (int64_t(i) != axis)
        kept.push_back(i);
    make("broadcast " + reduced.name + " to " + list(kept), shape, type(reduced.shape));
  }

  void step() {
    Variable x = some();
    switch (pick(9)) {
    case 0:
      make(pick<std::string>({"tanh", "sin", "logistic", "relu", "neg", "abs", "cos"}) + " " + x.name, x.shape);
      break;
    case 1:
    case 2:
      make(pick<std::string>({"add", "sub", "mul", "max", "min"}) + " " + x.name + ", " + some(&x.shape).name, x.shape);
      break;
    case 3: {
      std::string number = splat(x.shape, pick<double>({0.5, -2, 3, 1, 0.25, 0, -1}));
      bool constantFirst = pick(2);
      make(pick<std::string>({"add", "sub", "mul"}) + " " +
               (constantFirst ? number + ", " + x.name : x.name + ", " + number),
           x.shape);
      break;
    }
    case 4:
      product(x);
      break;
    case 5:
      reduction(x);
      break;
    case 6:
      pick(3) == 0 ? branch(x) : pick(2) == 0 && x.shape.size() == 2 ? rows(x) : repeat(x);
      break;
    default:
      movement(x);
    }
  }

  /// A product with a matrix, or of two columns and rows; scaled, so that chains of them stay small.
  void product(const Variable &x) {
    if (x.shape.size() != 2)
      return;
    std::vector<Variable> matrices;
    for (const Variable &value : values)
      if (value.shape.size() == 2 && (value.shape[0] == x.shape[1] || value.shape[1] == x.shape[1]))
        matrices.push_back(value);
    if (matrices.empty())
      return;
    Variable y = pick(matrices);
    bool turned = y.shape[0] != x.shape[1];
    Shape shape{x.shape[0], y.shape[turned ? 0 : 1]};
    Variable z = make(std::string("contract \"nk,") + (turned ? "mk" : "km") + "->nm\" " + x.name + ", " + y.name,
                      shape, type(x.shape) + ", " + type(y.shape));
    make("mul " + z.name + ", " + splat(shape, 0.125), shape);
  }

  void reduction(const Variable &x) {
    if (x.shape.empty())
      return;
    int64_t axis = pick(x.shape.size());
    Shape rest = x.shape;
    rest.erase(rest.begin() + axis);
    if (pick(5) == 0) {
      Variable running = make("cumulative sum " + x.name + " along " + std::to_string(axis), x.shape);
      make("mul " + running.name + ", " + splat(x.shape, 0.25), x.shape);
      return;
    }
    Variable y = make("reduce " + pick<std::string>({"sum", "sum", "max", "min"}) + " " + x.name + " over [" +
                          std::to_string(axis) + "]",
                      rest, type(x.shape));
    if (pick(2))
      spread(make("mul " + y.name + ", " + splat(rest, 0.125), rest), x.shape, axis);
  }

  /// One step on values of a type inside of a region: a name, and its text in `text`.
  std::string inside(std::string &text, const std::vector<std::string> &names, const std::string &type) {
    std::string made = fresh(), scaled = fresh(), half = fresh();
    const std::string &a = pick(names), &b = pick(names);
    if (pick(3) == 0) {
      text +=
          "    " + made + " = dl." + pick<std::string>({"tanh", "sin", "neg", "relu"}) + " " + a + " : " + type + "\n";
      return made;
    }
    text += "    " + made + " = dl." + pick<std::string>({"add", "sub", "mul", "max"}) + " " + a + ", " + b + " : " +
            type + "\n    " + half + " = dl.constant dense<0.5> : " + type + "\n    " + scaled + " = dl.mul " + made +
            ", " + half + " : " + type + "\n";
    return scaled;
  }

  /// A loop that carries two values of a shape and stacks one.
  void repeat(const Variable &x) {
    Variable y = some(&x.shape), z = some(&x.shape);
    std::string t = type(x.shape), length = std::to_string(pick(4)), text, name = fresh();
    std::vector<std::string> names{"%c", "%d", "%e"};
    for (unsigned count = 1 + pick(3); count > 0; --count)
      names.push_back(inside(text, names, t));
    std::string first = pick(names), second = pick(names), stacked = pick(names);
    Shape stack = x.shape;
    stack.insert(stack.begin(), length[0] - '0');
    line(name + ":3 = dl.scan " + length + (pick(2) ? " reverse" : "") + " carry(" + x.name + ", " + y.name +
         ") slices() invariants(" + z.name + ") {\n  ^bb0(%at: tensor<i64>, %c: " + t + ", %d: " + t + ", %e: " + t +
         "):\n" + text + "    dl.yield " + first + ", " + second + ", " + stacked + " : " + t + ", " + t + ", " + t +
         "\n  } : (" + t + ", " + t + ", " + t + ") -> (" + t + ", " + t + ", " + type(stack) + ")");
    values.push_back({name + "#0", x.shape});
    values.push_back({name + "#1", x.shape});
    if (pick(2))
      make("reduce sum " + name + "#2 over [0]", x.shape, type(stack));
  }

  /// A loop over the rows of a matrix.
  void rows(const Variable &x) {
    Shape row{x.shape[1]};
    std::string t = type(row), text, name = fresh();
    std::vector<std::string> names{"%c", "%x"};
    for (unsigned count = 1 + pick(3); count > 0; --count)
      names.push_back(inside(text, names, t));
    std::string next = pick(names), stacked = pick(names), start = splat(row, 0.25);
    line(name + ":2 = dl.scan " + std::to_string(x.shape[0]) + (pick(2) ? " reverse" : "") + " carry(" + start +
         ") slices(" + x.name + ") invariants() {\n  ^bb0(%at: tensor<i64>, %c: " + t + ", %x: " + t + "):\n" + text +
         "    dl.yield " + next + ", " + stacked + " : " + t + ", " + t + "\n  } : (" + t + ", " + type(x.shape) +
         ") -> (" + t + ", " + type(x.shape) + ")");
    values.push_back({name + "#0", row});
    values.push_back({name + "#1", x.shape});
  }

  /// One of two regions, by the greatest element.
  void branch(const Variable &x) {
    Variable y = some(&x.shape);
    std::string most = x.name, t = type(x.shape), condition = fresh(), name = fresh(), sides[2], results[2];
    if (!x.shape.empty()) {
      most = fresh();
      line(most + " = dl.reduce max " + x.name + " over " + (x.shape.size() == 1 ? "[0]" : "[0, 1]") + " : " + t +
           " -> tensor<f64>");
    }
    line(condition + " = dl.compare gt " + most + ", " + splat({}, 0.4) + " : tensor<f64> -> tensor<i1>");
    for (int side : {0, 1}) {
      std::vector<std::string> names{"%c", "%d"};
      for (unsigned count = pick(3); count > 0; --count)
        names.push_back(inside(sides[side], names, t));
      results[side] = pick(names);
    }
    auto region = [&](int side) {
      return "{\n  ^bb0(%c: " + t + ", %d: " + t + "):\n" + sides[side] + "    dl.yield " + results[side] + " : " + t +
             "\n  }";
    };
    line(name + " = dl.if " + condition + ", (" + x.name + ", " + y.name + ") " + region(0) + " else " + region(1) +
         " : (tensor<i1>, " + t + ", " + t + ") -> " + t);
    values.push_back({name, x.shape});
  }

  void movement(const Variable &x) {
    if (x.shape.empty())
      return;
    int64_t rows = x.shape[0];
    Shape zeros(x.shape.size(), 0), ones(x.shape.size(), 1);
    switch (pick(8)) {
    case 0:
      if (x.shape.size() == 2)
        make("transpose " + x.name + " by [1, 0]", {x.shape[1], x.shape[0]}, type(x.shape));
      break;
    case 1: {
      // Every second row from the first or the second on.
      Shape starts = zeros, steps = ones, shape = x.shape;
      starts[0] = rows > 1 ? pick(2) : 0;
      steps[0] = 2;
      shape[0] = (rows - starts[0] + 1) / 2;
      make("slice " + x.name + " from " + list(starts) + " step " + list(steps), shape, type(x.shape));
      break;
    }
    case 2: {
      Shape shape = x.shape;
      shape[0] *= 2;
      make("concat " + x.name + ", " + some(&x.shape).name + " along 0", shape, type(x.shape) + ", " + type(x.shape));
      break;
    }
    case 3:
      make("reverse " + x.name + " along [" + std::to_string(pick(x.shape.size())) + "]", x.shape);
      break;
    case 4:
      if (x.shape.size() == 2)
        make("reshape " + x.name, {x.shape[1], x.shape[0]}, type(x.shape));
      break;
    case 5: {
      Shape shape = x.shape, low = zeros;
      shape[0] = low[0] = 1;
      shape[0] += 2 * rows - 1;
      make("pad " + x.name + " low " + list(low) + " interior " + list({x.shape.size() == 1 ? Shape{1} : Shape{1, 0}}),
           shape, type(x.shape));
      break;
    }
    case 6: {
      // The indices are below 3.
      if (rows < 3)
        break;
      std::string checked = fresh();
      line(checked + " = dl.check_index %i below 3 what \"index\" : tensor<4xi64>");
      Shape shape = x.shape;
      shape[0] = 4;
      make("gather " + x.name + " at " + checked + " along 0", shape, type(x.shape) + ", tensor<4xi64>");
      break;
    }
    default: {
      std::string mask = fresh();
      line(mask + " = dl.compare gt " + x.name + ", " + splat(x.shape, 0.1) + " : " + type(x.shape) + " -> " +
           type(x.shape, "i1"));
      make("select " + mask + ", " + x.name + ", " + some(&x.shape).name, x.shape);
    }
    }
  }

  /// The last values, and a new value of the first parameter.
  std::string plain() {
    const Shape updated{6, 7};
    std::string results = some(&updated).name, types = type(updated), resultTypes = types + " {dl.updates = 0 : i64}";
    for (size_t i = values.size() - 4; i < values.size(); ++i) {
      results += ", " + values[i].name;
      types += ", " + type(values[i].shape);
      resultTypes += ", " + type(values[i].shape) + " {dl.name = \"r" + std::to_string(i) + "\"}";
    }
    return " -> (" + resultTypes + ") {\n" + body + "  return " + results + " : " + types + "\n}\n";
  }

  /// The sum of the last values' squares, and its gradients; the first parameter goes against its own.
  std::string loss(const std::string &inputs, const std::string &types, const std::string &blockArguments) {
    std::string total;
    for (size_t i = values.size() - 3, end = values.size(); i < end; ++i) {
      Variable x = values[i], square = make("mul " + x.name + ", " + x.name, x.shape);
      std::string sum = square.name;
      if (!x.shape.empty())
        sum = make("reduce sum " + square.name + " over " + (x.shape.size() == 1 ? "[0]" : "[0, 1]"), {}, type(x.shape))
                  .name;
      total = total.empty() ? sum : make("add " + total + ", " + sum, {}).name;
    }
    return " -> (tensor<6x7xf64> {dl.updates = 0 : i64}, tensor<f64> {dl.name = \"loss\"}, tensor<7x6xf64> {dl.name = "
           "\"d1\"}, tensor<7xf64> {dl.name = \"d2\"}) {\n  %one = dl.constant dense<1.0> : tensor<f64>\n"
           "  %loss, %d0, %d1, %d2 = dl.grad (" +
           inputs + "), (%one) aux 0 {\n^bb0(" + blockArguments + "):\n" + body + "  dl.yield " + total +
           " : tensor<f64>\n  } : (" + types +
           "tensor<f64>) -> (tensor<f64>, tensor<6x7xf64>, tensor<7x6xf64>, tensor<7xf64>)\n"
           "  %new = dl.sub %a0, %d0 : tensor<6x7xf64>\n"
           "  return %new, %loss, %d1, %d2 : tensor<6x7xf64>, tensor<f64>, tensor<7x6xf64>, tensor<7xf64>\n}\n";
  }

  std::mt19937 random;
  std::vector<Variable> values;
  std::string body;
  unsigned names = 0;
};

class PipelineRandomTest : public testing::Test {
protected:
  PipelineRandomTest() { context.loadDialect<dl::DlDialect, func::FuncDialect, memref::MemRefDialect>(); }

  OwningOpRef<ModuleOp> lower(const std::string &program, PipelineStop stage, std::set<std::string> disabled) {
    auto module = parseSourceString<ModuleOp>(program, &context);
    bool fine =
        module && succeeded(runPipeline(*module, {std::move(disabled), stage, {}})) && succeeded(verify(*module));
    return fine ? std::move(module) : OwningOpRef<ModuleOp>();
  }

  static std::vector<HostTensor> arguments(func::FuncOp function, unsigned seed) {
    std::mt19937 random(seed);
    std::vector<HostTensor> result;
    for (Type type : function.getArgumentTypes()) {
      HostTensor tensor = HostTensor::zeros(cast<RankedTensorType>(type));
      for (double &number : tensor.floats)
        number = random() % 4096 / 2048.0 - 1;
      for (int64_t &number : tensor.ints)
        number = random() % 3;
      result.push_back(std::move(tensor));
    }
    return result;
  }

  static void expectClose(const HostTensor &got, const HostTensor &expected) {
    ASSERT_EQ(got.shape, expected.shape);
    double scale = 1;
    for (double number : expected.floats)
      scale = std::max(scale, std::abs(number));
    for (size_t i = 0; i < got.floats.size(); ++i)
      ASSERT_NEAR(got.floats[i], expected.floats[i], 1e-9 * scale) << "element " << i;
  }

  void check(unsigned seed) {
    std::string program = Generator(seed).program();
    SCOPED_TRACE("seed " + std::to_string(seed) + "\n" + program);
    std::set<std::string> everything;
    for (StringRef name : optimizationNames())
      everything.insert(name.str());
    auto plain = lower(program, PipelineStop::gradient, everything), graph = lower(program, PipelineStop::graph, {}),
         planned = lower(program, PipelineStop::planned, {});
    ASSERT_TRUE(plain && graph && planned);
    auto function = cast<func::FuncOp>(plain->lookupSymbol("f")), source = cast<func::FuncOp>(graph->lookupSymbol("f"));
    std::vector<HostTensor> given = arguments(function, seed);
    auto expected = dl::evaluate(function, given);
    ASSERT_TRUE(succeeded(expected));
    llvm::StringMap<HostTensor> values;
    for (auto [index, tensor] : llvm::enumerate(given))
      values[source.getArgAttrOfType<StringAttr>(index, "dl.name").getValue()] = tensor;
    ASSERT_TRUE(succeeded(runPlanned(*planned, values)));
    for (auto [index, tensor] : llvm::enumerate(*expected)) {
      auto name = source.getResultAttrOfType<StringAttr>(index, "dl.name");
      StringRef key = name ? name.getValue() : "a0";
      SCOPED_TRACE("result " + key.str());
      expectClose(values[key], tensor);
    }
  }

  MLIRContext context;
};

TEST_F(PipelineRandomTest, OptimisedAsPlain) {
  for (unsigned seed = 0; seed < 1000 && !HasFailure(); ++seed)
    check(seed);
}

} // namespace
} // namespace dlc
