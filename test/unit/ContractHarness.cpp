// See ContractHarness.h. The plain loops walk over letters as an odometer does.
#include "ContractHarness.h"
#include "codegen/native/Jit.h"
#include "codegen/native/Lowering.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"
#include <cmath>
#include <cstring>
#include <random>

namespace dlc::test {

std::string Product::describe() const {
  std::string text = equation + " " + epilogue + " " + element;
  for (auto [letter, size] : sizes)
    text += std::string(" ") + letter + "=" + std::to_string(size);
  for (int i = 0; i < 3; ++i)
    text += " " + (orders[i].empty() ? "-" : orders[i]) + "+" + std::to_string(pads[i]);
  return text;
}

static float fromBf16(uint16_t bits) {
  uint32_t wide = uint32_t(bits) << 16;
  float value;
  std::memcpy(&value, &wide, 4);
  return value;
}

static uint16_t toBf16(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, 4);
  return uint16_t((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}

double Tensor::get(int64_t address) const {
  if (element == "f64")
    return reinterpret_cast<const double *>(bytes.data())[address];
  if (element == "bf16")
    return fromBf16(reinterpret_cast<const uint16_t *>(bytes.data())[address]);
  return reinterpret_cast<const float *>(bytes.data())[address];
}

void Tensor::set(int64_t address, double value) {
  if (element == "f64")
    reinterpret_cast<double *>(bytes.data())[address] = value;
  else if (element == "bf16")
    reinterpret_cast<uint16_t *>(bytes.data())[address] = toBf16(float(value));
  else
    reinterpret_cast<float *>(bytes.data())[address] = float(value);
}

void *Tensor::data() { return bytes.data(); }

namespace {
struct Terms {
  std::string letters[3];
  explicit Terms(const std::string &equation) {
    size_t comma = equation.find(','), arrow = equation.find("->");
    letters[0] = equation.substr(0, comma);
    letters[1] = equation.substr(comma + 1, arrow - comma - 1);
    letters[2] = equation.substr(arrow + 2);
  }
};

int64_t sizeOf(const std::string &element) { return element == "f64" ? 8 : element == "bf16" ? 2 : 4; }

Tensor makeTensor(const Product &product, int term, std::mt19937 &random) {
  std::string letters = Terms(product.equation).letters[term];
  std::string order = product.orders[term].empty() ? letters : product.orders[term];
  Tensor tensor;
  tensor.element = product.element;
  tensor.strides.resize(letters.size());
  int64_t stride = 1;
  for (size_t i = order.size(); i-- > 0;) {
    tensor.strides[letters.find(order[i])] = stride;
    stride *= product.sizes.at(order[i]);
    if (i + 1 == order.size())
      stride += product.pads[term];
  }
  for (char letter : letters)
    tensor.sizes.push_back(product.sizes.at(letter));
  int64_t elements = std::max<int64_t>(stride, 1);
  tensor.bytes.resize(elements * sizeOf(product.element));
  std::normal_distribution<double> normal;
  for (int64_t i = 0; i < elements; ++i)
    tensor.set(i, normal(random));
  return tensor;
}

std::string dims(const std::vector<int64_t> &sizes) {
  std::string text;
  for (int64_t size : sizes)
    text += std::to_string(size) + "x";
  return text;
}

std::string memrefType(const Tensor &tensor) {
  std::string text = "memref<" + dims(tensor.sizes) + tensor.element;
  if (!tensor.sizes.empty()) {
    text += ", strided<[";
    for (size_t i = 0; i < tensor.strides.size(); ++i)
      text += (i ? ", " : "") + std::to_string(tensor.strides[i]);
    text += "]>";
  }
  return text + ">";
}

std::string tensorType(const Tensor &tensor) { return "tensor<" + dims(tensor.sizes) + tensor.element + ">"; }

/// The tensor beside the product that the epilogue reads: a row, a column, or all of the result's shape.
Tensor makeExtra(const Product &product, std::mt19937 &random) {
  if (product.epilogue == "mask")
    return makeTensor(product, 2, random);
  std::string result = Terms(product.equation).letters[2];
  Product line = product;
  std::string letter =
      result.empty() ? "" : std::string(1, product.epilogue == "rows" ? result.front() : result.back());
  line.equation = letter + "," + letter + "->" + letter;
  line.orders[0] = "";
  line.pads[0] = 0;
  return makeTensor(line, 0, random);
}

struct Data {
  Tensor lhs, rhs, extra, w, m, c;
  explicit Data(const Product &product) {
    std::mt19937 random(7);
    lhs = makeTensor(product, 0, random);
    rhs = makeTensor(product, 1, random);
    extra = makeExtra(product, random);
    w = makeTensor(product, 2, random);
    m = makeTensor(product, 2, random);
    c = makeTensor(product, 2, random);
  }
};
} // namespace

const std::vector<Target> &runnableTargets() {
  static const std::vector<Target> targets = [] {
    std::vector<Target> list;
    Target host = Target::host();
    if (host.avx512)
      list.push_back(host);
    llvm::Expected<Target> narrow = Target::named("x86-64-v3");
    if (narrow && narrow->canRun())
      list.push_back(*narrow);
    return list;
  }();
  return targets;
}

std::string plannedText(const Product &product) {
  Data data(product);
  std::string t = tensorType(data.c), c = memrefType(data.c), x = tensorType(data.extra);
  std::string args =
      memrefType(data.lhs) + ", " + memrefType(data.rhs) + ", " + memrefType(data.extra) + ", " + c + ", " + c;
  bool momentum = product.epilogue == "momentum";
  std::string text = "func.func @product(%params: memref<0xi8>, %state: memref<0xi8>, %lhs: " + memrefType(data.lhs) +
                     ", %rhs: " + memrefType(data.rhs) + ", %extra: " + memrefType(data.extra) + ", %w: " + c +
                     ", %m: " + c + ", %c: " + c + ", %arena: memref<0xi8>) attributes {" +
                     "dl.inputs = [\"lhs\", \"rhs\", \"extra\", \"w\", \"m\"], dl.outputs = [\"c\"]} {\n" +
                     "  dl.kernel \"product\" contract ins(%lhs, %rhs, %extra, %w, %m : " + args + ") outs(" +
                     (momentum ? "%w, %m : " + c + ", " + c : "%c : " + c) + ") {\n  ^bb0(%a: " + tensorType(data.lhs) +
                     ", %b: " + tensorType(data.rhs) + ", %x: " + x + ", %w0: " + t + ", %m0: " + t + "):\n" +
                     "    %r = dl.contract \"" + product.equation + "\" %a, %b : " + tensorType(data.lhs) + ", " +
                     tensorType(data.rhs) + " -> " + t + "\n";
  size_t rank = data.c.sizes.size();
  auto broadcast = [&](size_t axis) {
    std::string axes = rank ? std::to_string(axis) : "";
    return "    %y = dl.broadcast %x to [" + axes + "] : " + x + " -> " + t + "\n";
  };
  if (product.epilogue == "relu")
    text += broadcast(rank - 1) + "    %s = dl.add %r, %y : " + t + "\n    %z = dl.relu %s : " + t +
            "\n    dl.yield %z : " + t + "\n";
  else if (product.epilogue == "rows")
    text += broadcast(0) + "    %z = dl.mul %r, %y : " + t + "\n    dl.yield %z : " + t + "\n";
  else if (product.epilogue == "mask")
    text += "    %0 = dl.constant dense<0.0> : " + t + "\n    %p = dl.compare gt %x, %0 : " + t + " -> tensor<" +
            dims(data.c.sizes) + "i1>\n    %z = dl.select %p, %r, %0 : " + t + "\n    dl.yield %z : " + t + "\n";
  else if (momentum)
    text += "    %d = dl.constant dense<0.9> : " + t + "\n    %e = dl.constant dense<0.1> : " + t +
            "\n    %f = dl.mul %m0, %d : " + t + "\n    %g = dl.add %f, %r : " + t + "\n    %h = dl.mul %g, %e : " + t +
            "\n    %i = dl.sub %w0, %h : " + t + "\n    dl.yield %i, %g : " + t + ", " + t + "\n";
  else
    text += "    dl.yield %r : " + t + "\n";
  return text + "  }\n  return\n}\n";
}

static bool near(double got, double expected, double magnitude, const std::string &element) {
  double relative = element == "f64" ? 1e-13 : element == "bf16" ? 8e-3 : 2e-6;
  if (element == "bf16")
    return std::abs(got - expected) <= relative * (std::abs(expected) + 1e-3 * magnitude + 1);
  return std::abs(got - expected) <= relative * (magnitude + 1e-3);
}

/// Every element of the result by itself; then that what lies between them is untouched.
static std::string compareWithLoops(const Product &product, const Data &before, const Data &after) {
  Terms terms(product.equation);
  std::string summed;
  for (char letter : terms.letters[0])
    if (terms.letters[2].find(letter) == std::string::npos)
      summed += letter;
  std::map<char, int64_t> at;
  auto addressOf = [&](const Tensor &tensor, int term) {
    int64_t address = 0;
    for (size_t i = 0; i < tensor.strides.size(); ++i)
      address += at[terms.letters[term][i]] * tensor.strides[i];
    return address;
  };
  auto odometer = [&](const std::string &letters, auto body) {
    int64_t count = 1;
    for (char letter : letters)
      count *= product.sizes.at(letter);
    for (int64_t i = 0; i < count; ++i) {
      int64_t rest = i;
      for (size_t j = letters.size(); j-- > 0; rest /= product.sizes.at(letters[j]))
        at[letters[j]] = rest % product.sizes.at(letters[j]);
      body();
    }
  };
  std::string problem;
  std::vector<bool> seen(before.c.bytes.size() / sizeOf(product.element));
  odometer(terms.letters[2], [&] {
    double sum = 0, magnitude = 0;
    auto outer = at;
    odometer(summed, [&] {
      double term = before.lhs.get(addressOf(before.lhs, 0)) * before.rhs.get(addressOf(before.rhs, 1));
      sum += term;
      magnitude += std::abs(term);
    });
    at = outer;
    int64_t address = addressOf(before.c, 2);
    seen[address] = true;
    std::string result = terms.letters[2];
    const std::string &epilogue = product.epilogue;
    double expected = sum, expectedW = 0;
    if (epilogue == "relu" || epilogue == "rows") {
      double extra = before.extra.get(result.empty() ? 0 : at[epilogue == "rows" ? result.front() : result.back()]);
      expected = epilogue == "relu" ? std::max(0.0, sum + extra) : sum * extra;
      magnitude = epilogue == "relu" ? magnitude + std::abs(extra) : magnitude * std::abs(extra);
    } else if (epilogue == "mask") {
      expected = before.extra.get(address) > 0 ? sum : 0;
    } else if (epilogue == "momentum") {
      expected = 0.9 * before.m.get(address) + sum;
      expectedW = before.w.get(address) - 0.1 * expected;
      magnitude += std::abs(before.m.get(address)) + std::abs(before.w.get(address));
      if (!near(after.w.get(address), expectedW, magnitude, product.element) && problem.empty())
        problem = "w[" + std::to_string(address) + "] is " + std::to_string(after.w.get(address)) + ", not " +
                  std::to_string(expectedW);
    }
    double got = (epilogue == "momentum" ? after.m : after.c).get(address);
    if (!near(got, expected, magnitude, product.element) && problem.empty())
      problem =
          "element " + std::to_string(address) + " is " + std::to_string(got) + ", not " + std::to_string(expected);
  });
  for (size_t i = 0; i < seen.size(); ++i)
    if (!seen[i] && problem.empty() &&
        (before.c.get(i) != after.c.get(i) || before.w.get(i) != after.w.get(i) || before.m.get(i) != after.m.get(i)))
      problem = "padding at " + std::to_string(i) + " was written";
  if (before.lhs.bytes != after.lhs.bytes || before.rhs.bytes != after.rhs.bytes)
    problem = "an operand was written";
  return problem;
}

Outcome run(const Product &product, const Target &target, dlc_context *context, bool compare) {
  mlir::DialectRegistry registry;
  registerCodegenDialects(registry);
  registry.insert<dl::DlDialect, mlir::memref::MemRefDialect>();
  mlir::MLIRContext mlirContext(registry);
  auto module = mlir::parseSourceString<mlir::ModuleOp>(plannedText(product), &mlirContext);
  if (!module)
    return {"the module does not parse", {}};
  auto jit = Jit::create(target);
  if (!jit)
    return {llvm::toString(jit.takeError()), {}};
  auto function = (*jit)->add(*module, "product");
  if (!function)
    return {llvm::toString(function.takeError()), {}};
  Data data(product), before(product);
  void *inputs[] = {data.lhs.data(), data.rhs.data(), data.extra.data(), data.w.data(), data.m.data()};
  void *outputs[] = {data.c.data()};
  if (int64_t status = (*function)(nullptr, nullptr, inputs, outputs, nullptr, context))
    return {"status " + std::to_string(status), {}};
  Outcome run;
  for (const Tensor *tensor : {&data.c, &data.w, &data.m})
    run.result.insert(run.result.end(), tensor->bytes.begin(), tensor->bytes.end());
  if (compare)
    run.problem = compareWithLoops(product, before, data);
  return run;
}

} // namespace dlc::test
