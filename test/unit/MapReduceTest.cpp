// Map kernels without reductions against a plain evaluation: every family of operation, layouts, ragged sizes, both
// vector widths, and the same bits for every split into tasks.
#include "runtime/DType.h"
#include "test/unit/KernelHarness.h"
#include "test/unit/KernelText.h"
#include <gtest/gtest.h>

namespace dlc::test {
namespace {

TEST(MapReduce, UnaryOperations) {
  for (const char *op : {"neg", "abs", "sign", "exp", "expm1", "sin", "cos", "atan", "sinh", "cosh", "tanh", "erf",
                         "logistic", "relu", "floor", "ceil", "round", "trunc", "stop_gradient"})
    checkKernel(unary("37xf32", "dl." + std::string(op) + " %x"), {.low = -3, .high = 3});
  for (const char *op : {"log", "log1p", "log2", "log10", "sqrt", "rsqrt"})
    checkKernel(unary("37xf32", "dl." + std::string(op) + " %x"), {.low = 0.01, .high = 30});
  for (const char *op : {"tan", "asin", "acos"})
    checkKernel(unary("37xf32", "dl." + std::string(op) + " %x"), {.low = -1, .high = 1});
}

TEST(MapReduce, UnaryOperationsInF64AndBf16) {
  for (const char *op : {"neg",  "abs",   "sign", "exp",      "expm1", "log",   "log1p", "log2",  "log10",
                         "sqrt", "rsqrt", "sin",  "cos",      "tan",   "asin",  "acos",  "atan",  "sinh",
                         "cosh", "tanh",  "erf",  "logistic", "relu",  "floor", "ceil",  "round", "trunc"}) {
    double high = op[0] == 'a' || std::string(op) == "tan" ? 1 : 3;
    checkKernel(unary("21xf64", "dl." + std::string(op) + " %x"),
                {.low = 0.01, .high = high, .relative = 1e-14, .absolute = 1e-15});
    checkKernel(unary("21xbf16", "dl." + std::string(op) + " %x"), {.low = 0.01, .high = high});
  }
}

TEST(MapReduce, BinaryOperations) {
  for (std::string type : {"f32", "f64", "bf16", "i32", "i64", "ui8"})
    for (const char *op : {"add", "sub", "mul", "div", "rem", "max", "min"}) {
      std::string text = "func.func @f(%a: memref<23xT>, %b: memref<23xT>, %c: memref<23xT>) {\n"
                         "  dl.kernel \"k\" map ins(%a, %b : memref<23xT>, memref<23xT>) outs(%c : memref<23xT>) {\n"
                         "  ^bb0(%x: tensor<23xT>, %y: tensor<23xT>):\n"
                         "    %z = dl.OP %x, %y : tensor<23xT>\n    dl.yield %z : tensor<23xT>\n  }\n  return\n}";
      checkKernel(replaceAll(replaceAll(text, "T>", type + ">"), "OP", op), {.low = -9, .high = 9, .relative = 1e-5});
    }
}

TEST(MapReduce, Angles) {
  for (std::string type : {"f32", "f64", "bf16"})
    checkKernel(replaceAll("func.func @f(%a: memref<23xT>, %b: memref<23xT>, %c: memref<23xT>) {\n"
                           "  dl.kernel \"k\" map ins(%a, %b : memref<23xT>, memref<23xT>) outs(%c : memref<23xT>) {\n"
                           "  ^bb0(%x: tensor<23xT>, %y: tensor<23xT>):\n"
                           "    %z = dl.atan2 %x, %y : tensor<23xT>\n    dl.yield %z : tensor<23xT>\n  }\n  return\n}",
                           "T>", type + ">"),
                {.low = -9, .high = 9, .relative = 1e-5});
}

/// Quotients of every size, infinite ones too; both results with the bits of the evaluator.
TEST(MapReduce, FloatsDivideAsInPython) {
  const double inf = INFINITY;
  std::vector<double> xs = {1, -1, 7.5, 5.5, -5.5, 6, -6, 0, -0.0, 1e20, -1e20, 3e38, 1e-30, inf, NAN, 3, 16777217};
  std::vector<double> ys = {0.1, -0.1, 3, -3, inf, -inf, 0, 1e-30, 7e-38, NAN};
  for (std::string type : {"f32", "f64", "bf16"})
    for (const Target &target : testTargets())
      for (const char *op : {"rem", "floor_div"}) {
        size_t count = xs.size() * ys.size();
        std::string text = "func.func @f(%a: memref<NxT>, %b: memref<NxT>, %c: memref<NxT>) {\n"
                           "  dl.kernel \"k\" map ins(%a, %b : memref<NxT>, memref<NxT>) outs(%c : memref<NxT>) {\n"
                           "  ^bb0(%x: tensor<NxT>, %y: tensor<NxT>):\n"
                           "    %z = dl.OP %x, %y : tensor<NxT>\n    dl.yield %z : tensor<NxT>\n  }\n  return\n}";
        text = replaceAll(replaceAll(replaceAll(text, "T>", type + ">"), "OP", op), "N", std::to_string(count));
        auto kernel = CompiledKernel::make(text, target);
        ASSERT_TRUE(kernel);
        Buffers buffers(kernel->kernel, 0, 1, 1);
        Tensor a, b;
        for (double x : xs)
          for (double y : ys) {
            a.push_back(x);
            b.push_back(y);
          }
        buffers.write(0, a);
        buffers.write(1, b);
        ASSERT_EQ(kernel->function(buffers.pointers().data(), 0, kernel->info.tasks), 0);
        Tensor found = buffers.read(2);
        // What the inputs are in their type.
        a = buffers.read(0);
        b = buffers.read(1);
        Tensor expected = evaluateBody(kernel->kernel, {a, b})[0];
        for (double &value : expected)
          value = type == "bf16" ? bf16ToFloat(floatToBf16(float(value))) : type == "f32" ? float(value) : value;
        for (size_t i = 0; i < count; ++i) {
          bool same = std::isnan(expected[i])
                          ? std::isnan(found[i])
                          : found[i] == expected[i] && std::signbit(found[i]) == std::signbit(expected[i]);
          EXPECT_TRUE(same) << type << " " << op << " of " << a[i] << ", " << b[i] << ": " << found[i] << ", expected "
                            << expected[i];
        }
      }
}

TEST(MapReduce, PowersOfFloatsAndIntegers) {
  std::string text = "func.func @f(%a: memref<45xT>, %b: memref<45xT>, %c: memref<45xT>) {\n"
                     "  dl.kernel \"k\" map ins(%a, %b : memref<45xT>, memref<45xT>) outs(%c : memref<45xT>) {\n"
                     "  ^bb0(%x: tensor<45xT>, %y: tensor<45xT>):\n"
                     "    %z = dl.pow %x, %y : tensor<45xT>\n    dl.yield %z : tensor<45xT>\n  }\n  return\n}";
  checkKernel(replaceAll(text, "T>", "f32>"), {.low = 0.1, .high = 9});
  checkKernel(replaceAll(text, "T>", "f64>"), {.low = 0.1, .high = 9, .relative = 1e-13});
  checkKernel(replaceAll(text, "T>", "i64>"), {.low = -5, .high = 5});
  checkKernel(replaceAll(text, "T>", "i32>"), {.low = -5, .high = 5});
}

TEST(MapReduce, CastsBetweenAllTypes) {
  for (std::string from : {"f32", "f64", "bf16", "i32", "i64", "ui8", "i1"})
    for (std::string to : {"f32", "f64", "bf16", "i32", "i64", "ui8", "i1"}) {
      std::string text = "func.func @f(%a: memref<29xFROM>, %b: memref<29xTO>) {\n"
                         "  dl.kernel \"k\" map ins(%a : memref<29xFROM>) outs(%b : memref<29xTO>) {\n"
                         "  ^bb0(%x: tensor<29xFROM>):\n    %y = dl.cast %x : tensor<29xFROM> -> tensor<29xTO>\n"
                         "    dl.yield %y : tensor<29xTO>\n  }\n  return\n}";
      bool toByte = to == "ui8" && from[0] == 'i';
      checkKernel(replaceAll(replaceAll(text, "FROM", from), "TO", to),
                  {.low = toByte ? 0.0 : -300, .high = toByte ? 200.0 : 300});
    }
}

TEST(MapReduce, ComparisonsAndSelection) {
  for (const char *predicate : {"eq", "ne", "lt", "le", "gt", "ge"})
    for (std::string type : {"f32", "i64", "ui8"}) {
      std::string text =
          "func.func @f(%a: memref<33xT>, %b: memref<33xT>, %m: memref<33xi1>, %c: memref<33xT>, %d: memref<33xi1>) {\n"
          "  dl.kernel \"k\" map ins(%a, %b, %m : memref<33xT>, memref<33xT>, memref<33xi1>) outs(%c, %d : "
          "memref<33xT>, memref<33xi1>) {\n"
          "  ^bb0(%x: tensor<33xT>, %y: tensor<33xT>, %k: tensor<33xi1>):\n"
          "    %p = dl.compare PRED %x, %y : tensor<33xT> -> tensor<33xi1>\n"
          "    %n = dl.not %p : tensor<33xi1>\n    %q = dl.and %n, %k : tensor<33xi1>\n    %r = dl.or %q, %p : "
          "tensor<33xi1>\n"
          "    %z = dl.select %r, %x, %y : tensor<33xT>\n    dl.yield %z, %q : tensor<33xT>, tensor<33xi1>\n  }\n  "
          "return\n}";
      checkKernel(replaceAll(replaceAll(text, "T>", type + ">"), "PRED", predicate), {.low = -3, .high = 3});
    }
}

TEST(MapReduce, RaggedSizes) {
  for (int n = 1; n <= 70; ++n)
    checkKernel(unary(std::to_string(n) + "xf32", "dl.exp %x"));
  for (int n : {1, 3, 8, 10, 16, 17, 31, 40, 65})
    checkKernel(unary("5x" + std::to_string(n) + "xf32", "dl.tanh %x"));
}

TEST(MapReduce, ScalarsOfF64) {
  checkKernel(kernel("%a: memref<f64>, %b: memref<i64>, %c: memref<f64>, %d: memref<f32>",
                     "%a, %b : memref<f64>, memref<i64>", "%c, %d : memref<f64>, memref<f32>", R"(
  ^bb0(%lr: tensor<f64>, %step: tensor<i64>):
    %s = dl.cast %step : tensor<i64> -> tensor<f64>
    %p = dl.pow %lr, %s : tensor<f64>
    %one = dl.constant dense<1.0> : tensor<f64>
    %q = dl.sub %one, %p : tensor<f64>
    %r = dl.div %lr, %q : tensor<f64>
    %t = dl.cast %r : tensor<f64> -> tensor<f32>
    dl.yield %r, %t : tensor<f64>, tensor<f32>)"),
              {.low = 0.2, .high = 5, .relative = 1e-6});
}

TEST(MapReduce, Movements) {
  auto move = [](const std::string &from, const std::string &to, const std::string &body) {
    return kernel("%a: memref<" + from + ">, %b: memref<" + to + ">", "%a : memref<" + from + ">",
                  "%b : memref<" + to + ">",
                  "  ^bb0(%x: tensor<" + from + ">):\n" + body + "\n    dl.yield %y : tensor<" + to + ">");
  };
  checkKernel(move("7x19xf32", "19x7xf32", "%y = dl.transpose %x by [1, 0] : tensor<7x19xf32> -> tensor<19x7xf32>"));
  checkKernel(
      move("3x4x18xf32", "4x18x3xf32", "%y = dl.transpose %x by [1, 2, 0] : tensor<3x4x18xf32> -> tensor<4x18x3xf32>"));
  checkKernel(move("6x35xf32", "6x5x7xf32", "%y = dl.reshape %x : tensor<6x35xf32> -> tensor<6x5x7xf32>"));
  checkKernel(move("6x5x7xf32", "2x105xf32", "%y = dl.reshape %x : tensor<6x5x7xf32> -> tensor<2x105xf32>"));
  checkKernel(move("12x10xf32", "8x15xf32", "%y = dl.reshape %x : tensor<12x10xf32> -> tensor<8x15xf32>"));
  checkKernel(move("1x12x1xf32", "12xf32", "%y = dl.reshape %x : tensor<1x12x1xf32> -> tensor<12xf32>"));
  checkKernel(move("19xf32", "5x19xf32", "%y = dl.broadcast %x to [1] : tensor<19xf32> -> tensor<5x19xf32>"));
  checkKernel(move("5xf32", "5x19xf32", "%y = dl.broadcast %x to [0] : tensor<5xf32> -> tensor<5x19xf32>"));
  checkKernel(move("f32", "5x19xf32", "%y = dl.broadcast %x to [] : tensor<f32> -> tensor<5x19xf32>"));
  checkKernel(
      move("9x40xf32", "4x13xf32", "%y = dl.slice %x from [1, 2] step [2, 3] : tensor<9x40xf32> -> tensor<4x13xf32>"));
  checkKernel(
      move("9x40xf32", "9x33xf32", "%y = dl.slice %x from [0, 7] step [1, 1] : tensor<9x40xf32> -> tensor<9x33xf32>"));
  checkKernel(move("9x40xf32", "9x40xf32", "%y = dl.reverse %x along [0, 1] : tensor<9x40xf32>"));
  checkKernel(move("9x21xui8", "9x21xui8", "%y = dl.reverse %x along [1] : tensor<9x21xui8>"), {.low = 0, .high = 250});
  checkKernel(
      move("4x10xf32", "7x31xf32", "%y = dl.pad %x low [1, 2] interior [0, 2] : tensor<4x10xf32> -> tensor<7x31xf32>"));
  checkKernel(
      move("4x10xi1", "4x13xi1", "%y = dl.pad %x low [0, 2] interior [0, 0] : tensor<4x10xi1> -> tensor<4x13xi1>"));
  checkKernel(
      move("18x3xf32", "20x4xf32", "%y = dl.pad %x low [1, 1] interior [0, 0] : tensor<18x3xf32> -> tensor<20x4xf32>"));
  checkKernel(move("5x20xf32", "5x8x3xf32",
                   "%y = dl.window %x along [1] step [2] spread [2] : tensor<5x20xf32> -> tensor<5x8x3xf32>"));
  checkKernel(
      move("3x9x17xf32", "3x4x15x2x3xf32",
           "%y = dl.window %x along [1, 2] step [2, 1] spread [1, 1] : tensor<3x9x17xf32> -> tensor<3x4x15x2x3xf32>"));
  checkKernel(move("5x8x3xf32", "5x20x3xf32",
                   "%y = dl.taps %x along [1] step [2] spread [2] : tensor<5x8x3xf32> -> tensor<5x20x3xf32>"));
  checkKernel(move(
      "3x4x15x2x3xf32", "3x9x17x2x3xf32",
      "%y = dl.taps %x along [1, 2] step [2, 1] spread [1, 1] : tensor<3x4x15x2x3xf32> -> tensor<3x9x17x2x3xf32>"));
  // Movements of movements cancel or combine.
  checkKernel(move("64x28x3xui8", "64x84xf32", R"(
    %r = dl.reshape %x : tensor<64x28x3xui8> -> tensor<64x84xui8>
    %y = dl.cast %r : tensor<64x84xui8> -> tensor<64x84xf32>)"),
              {.low = 0, .high = 255});
  checkKernel(move("6x20xf32", "6x20xf32", R"(
    %t = dl.transpose %x by [1, 0] : tensor<6x20xf32> -> tensor<20x6xf32>
    %r = dl.reshape %t : tensor<20x6xf32> -> tensor<4x5x6xf32>
    %u = dl.reshape %r : tensor<4x5x6xf32> -> tensor<20x6xf32>
    %y = dl.transpose %u by [1, 0] : tensor<20x6xf32> -> tensor<6x20xf32>)"));
  checkKernel(move("6x20xf32", "6x20xf32", R"(
    %p = dl.pad %x low [0, 3] interior [0, 0] : tensor<6x20xf32> -> tensor<6x25xf32>
    %s = dl.slice %p from [0, 1] step [1, 1] : tensor<6x25xf32> -> tensor<6x20xf32>
    %y = dl.add %s, %x : tensor<6x20xf32>)"));
}

/// The index of what is turned around falls, and divided by the rows of a reshape it must not fall below 0.
TEST(MapReduce, RowsOfWhatIsReversed) {
  for (int rows : {2, 3, 7}) {
    std::string n = std::to_string(rows), all = std::to_string(rows * 9), flat = "tensor<" + all + "xf32>";
    std::string narrow = "tensor<" + n + "x9xf32>", wide = "tensor<9x" + n + "xf32>";
    checkKernel(kernel("%a: memref<" + all + "xf32>, %b: memref<" + all + "xf32>", "%a : memref<" + all + "xf32>",
                       "%b : memref<" + all + "xf32>",
                       "  ^bb0(%x: " + flat + "):\n    %p = dl.pad %x low [3] interior [0] : " + flat + " -> tensor<" +
                           std::to_string(rows * 9 + 3) + "xf32>\n    %s = dl.slice %p from [0] step [1] : tensor<" +
                           std::to_string(rows * 9 + 3) + "xf32> -> " + flat + "\n    %r = dl.reshape %s : " + flat +
                           " -> " + narrow + "\n    %t = dl.transpose %r by [1, 0] : " + narrow + " -> " + wide +
                           "\n    %u = dl.reshape %t : " + wide + " -> " + flat +
                           "\n    %y = dl.reverse %u along [0] : " + flat + "\n    dl.yield %y : " + flat));
  }
}

TEST(MapReduce, ConcatenationAlongEachAxis) {
  for (int axis : {0, 1}) {
    std::string b = axis ? "6x9xf32" : "4x20xf32", c = axis ? "6x17xf32" : "3x20xf32",
                d = axis ? "6x46xf32" : "13x20xf32";
    checkKernel(kernel("%a: memref<6x20xf32>, %b: memref<" + b + ">, %c: memref<" + c + ">, %d: memref<" + d + ">",
                       "%a, %b, %c : memref<6x20xf32>, memref<" + b + ">, memref<" + c + ">", "%d : memref<" + d + ">",
                       "  ^bb0(%x: tensor<6x20xf32>, %y: tensor<" + b + ">, %z: tensor<" + c + ">):\n" +
                           "    %e = dl.exp %y : tensor<" + b + ">\n" + "    %r = dl.concat %x, %e, %z along " +
                           std::to_string(axis) + " : tensor<6x20xf32>, tensor<" + b + ">, tensor<" + c +
                           "> -> tensor<" + d + ">\n    dl.yield %r : tensor<" + d + ">"));
  }
}

TEST(MapReduce, ConstantsAndIota) {
  checkKernel(kernel("%a: memref<3x4xf32>, %b: memref<3x4xi64>, %c: memref<3x4xf32>", "%a : memref<3x4xf32>",
                     "%b, %c : memref<3x4xi64>, memref<3x4xf32>", R"(
  ^bb0(%x: tensor<3x4xf32>):
    %k = dl.constant dense<[[1, 2, 3, 4], [5, 6, 7, 8], [9, 10, 11, -12]]> : tensor<3x4xi64>
    %i = dl.iota 1 : tensor<3x4xi64>
    %j = dl.iota 0 : tensor<3x4xi64>
    %s = dl.add %i, %k : tensor<3x4xi64>
    %t = dl.mul %s, %j : tensor<3x4xi64>
    %f = dl.constant dense<[0.5, 1.5, -2.0]> : tensor<3xf32>
    %g = dl.broadcast %f to [0] : tensor<3xf32> -> tensor<3x4xf32>
    %h = dl.mul %g, %x : tensor<3x4xf32>
    dl.yield %t, %h : tensor<3x4xi64>, tensor<3x4xf32>)"));
}

TEST(MapReduce, GatherByDataAlongEachAxis) {
  checkKernel(kernel("%a: memref<9x20xf32>, %b: memref<6xi64>, %c: memref<6x20xf32>",
                     "%a, %b : memref<9x20xf32>, memref<6xi64>", "%c : memref<6x20xf32>", R"(
  ^bb0(%x: tensor<9x20xf32>, %i: tensor<6xi64>):
    %y = dl.gather %x at %i along 0 : tensor<9x20xf32>, tensor<6xi64> -> tensor<6x20xf32>
    dl.yield %y : tensor<6x20xf32>)"),
              {.low = 0, .high = 8.9});
  checkKernel(kernel("%a: memref<4x9xf32>, %b: memref<2x21xui8>, %c: memref<4x2x21xf32>",
                     "%a, %b : memref<4x9xf32>, memref<2x21xui8>", "%c : memref<4x2x21xf32>", R"(
  ^bb0(%x: tensor<4x9xf32>, %i: tensor<2x21xui8>):
    %y = dl.gather %x at %i along 1 : tensor<4x9xf32>, tensor<2x21xui8> -> tensor<4x2x21xf32>
    dl.yield %y : tensor<4x2x21xf32>)"),
              {.low = 0, .high = 8.9});
}

TEST(MapReduce, LayoutsOfInputsAndOutputs) {
  std::string columns = "memref<20x33xf32, strided<[1, 24]>>", padded = "memref<20x33xf32, strided<[40, 1]>>";
  std::string dense = "memref<20x33xf32>", offset = "memref<20x33xf32, strided<[48, 1], offset: 5>>";
  for (const std::string &in : {columns, padded, offset})
    for (const std::string &out : {dense, columns, padded})
      checkKernel(
          kernel("%a: " + in + ", %b: " + dense + ", %c: " + out, "%a, %b : " + in + ", " + dense, "%c : " + out, R"(
  ^bb0(%x: tensor<20x33xf32>, %y: tensor<20x33xf32>):
    %z = dl.mul %x, %y : tensor<20x33xf32>
    dl.yield %z : tensor<20x33xf32>)"));
}

TEST(MapReduce, UpdatesInPlace) {
  for (std::string n : {"5", "64", "1000", "100000"})
    checkKernel(
        replaceAll(
            kernel("%p: memref<Nxf32>, %m: memref<Nxf32>, %v: memref<Nxf32>, %g: memref<Nxf32>, %lr: memref<f64>",
                   "%p, %m, %v, %g, %lr : memref<Nxf32>, memref<Nxf32>, memref<Nxf32>, memref<Nxf32>, memref<f64>",
                   "%p, %m, %v : memref<Nxf32>, memref<Nxf32>, memref<Nxf32>", R"(
  ^bb0(%p0: tensor<Nxf32>, %m0: tensor<Nxf32>, %v0: tensor<Nxf32>, %g0: tensor<Nxf32>, %lr0: tensor<f64>):
    %b1 = dl.constant dense<0.9> : tensor<Nxf32>
    %c1 = dl.constant dense<0.1> : tensor<Nxf32>
    %b2 = dl.constant dense<0.999> : tensor<Nxf32>
    %c2 = dl.constant dense<0.001> : tensor<Nxf32>
    %eps = dl.constant dense<1.0e-8> : tensor<Nxf32>
    %m1 = dl.mul %b1, %m0 : tensor<Nxf32>
    %m2 = dl.mul %c1, %g0 : tensor<Nxf32>
    %m3 = dl.add %m1, %m2 : tensor<Nxf32>
    %gg = dl.mul %g0, %g0 : tensor<Nxf32>
    %v1 = dl.mul %b2, %v0 : tensor<Nxf32>
    %v2 = dl.mul %c2, %gg : tensor<Nxf32>
    %v3 = dl.add %v1, %v2 : tensor<Nxf32>
    %s = dl.sqrt %v3 : tensor<Nxf32>
    %t = dl.add %s, %eps : tensor<Nxf32>
    %q = dl.div %m3, %t : tensor<Nxf32>
    %lr1 = dl.cast %lr0 : tensor<f64> -> tensor<f32>
    %lr2 = dl.broadcast %lr1 to [] : tensor<f32> -> tensor<Nxf32>
    %u = dl.mul %lr2, %q : tensor<Nxf32>
    %p1 = dl.sub %p0, %u : tensor<Nxf32>
    dl.yield %p1, %m3, %v3 : tensor<Nxf32>, tensor<Nxf32>, tensor<Nxf32>)"),
            "N", n),
        {.low = 0.1, .high = 1, .relative = 1e-5});
}

} // namespace
} // namespace dlc::test
