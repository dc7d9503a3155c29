// Scattered additions, running sums, checks of indices (which element is named), random numbers (the same as the
// runtime's), keys of kernels, and kernels that must be refused with an error.
#include "runtime/Philox.h"
#include "test/unit/KernelHarness.h"
#include "test/unit/KernelText.h"
#include <bit>
#include <gtest/gtest.h>

namespace dlc::test {
namespace {

std::string checkText(const std::string &shape, const std::string &element, int64_t limit,
                      const std::string &layout = "") {
  std::string tensor = "tensor<" + shape + element + ">";
  std::string memref = "memref<" + shape + element + layout + ">";
  return "func.func @f(%a: " + memref + ") {\n  dl.kernel \"k\" check ins(%a : " + memref +
         ") outs() {\n  ^bb0(%x: " + tensor + "):\n    %y = dl.check_index %x below " + std::to_string(limit) +
         " what \"label\" : " + tensor + "\n    dl.yield\n  }\n  return\n}";
}

TEST(CheckKernel, NamesTheFirstBadElement) {
  for (const Target &target : testTargets())
    for (int64_t count : {1, 5, 16, 64, 100})
      for (std::string element : {"ui8", "i32", "i64"}) {
        auto kernel = CompiledKernel::make(checkText(std::to_string(count) + "x", element, 10), target);
        ASSERT_TRUE(kernel);
        Buffers buffers(kernel->kernel, 0, 9.9, 3);
        auto run = [&] { return kernel->function(buffers.pointers().data(), 0, kernel->info.tasks); };
        EXPECT_EQ(run(), 0);
        Tensor values = buffers.read(0);
        for (int64_t bad : {count - 1, count / 2, int64_t(0)}) {
          values[bad] = 10;
          buffers.write(0, values);
          EXPECT_EQ(run(), bad + 1) << target.cpu << " " << element << " " << count;
          EXPECT_EQ(buffers.failureValue(), 10);
        }
        if (element != "ui8") {
          values[0] = -1;
          buffers.write(0, values);
          EXPECT_EQ(run(), 1);
        }
      }
}

TEST(CheckKernel, PlacesFromTheEndBeginAtLow) {
  for (const Target &target : testTargets()) {
    std::string text = checkText("20x", "i64", 5);
    text.replace(text.find("below"), 0, "from -5 ");
    auto kernel = CompiledKernel::make(text, target);
    ASSERT_TRUE(kernel);
    Buffers buffers(kernel->kernel, 0, 5, 3);
    Tensor values = buffers.read(0);
    auto with = [&](double value) {
      values[7] = value;
      buffers.write(0, values);
      return kernel->function(buffers.pointers().data(), 0, 1);
    };
    for (double good : {-5, -1, 4})
      EXPECT_EQ(with(good), 0) << good;
    for (double bad : {-6.0, 5.0, -0x1p63, 0x1p62})
      EXPECT_EQ(with(bad), 8) << bad;
    with(-6);
    EXPECT_EQ(buffers.failureValue(), -6);
  }
}

TEST(CheckKernel, SaysTheValueOfAConditionThatFails) {
  for (const Target &target : testTargets())
    for (int64_t count : {1, 16, 37}) {
      std::string shape = std::to_string(count) + "x";
      auto kernel = CompiledKernel::make(
          replaceAll(
              "func.func @f(%a: memref<Nf32>, %m: memref<Ni1>) {\n  dl.kernel \"k\" check ins(%a, %m : memref<Nf32>, "
              "memref<Ni1>) outs() {\n  ^bb0(%x: tensor<Nf32>, %c: tensor<Ni1>):\n    %y = dl.check %x if %c what "
              "\"p\" expected \"more\" : tensor<Nf32>\n    dl.yield\n  }\n  return\n}",
              "N", shape),
          target);
      ASSERT_TRUE(kernel);
      Buffers buffers(kernel->kernel, 0, 1, 3);
      buffers.write(1, Tensor(count, 1));
      auto run = [&] { return kernel->function(buffers.pointers().data(), 0, 1); };
      EXPECT_EQ(run(), 0);
      Tensor values = buffers.read(0), holds(count, 1);
      values[count - 1] = -1.5;
      holds[count - 1] = 0;
      buffers.write(0, values);
      buffers.write(1, holds);
      EXPECT_EQ(run(), count);
      EXPECT_EQ(std::bit_cast<double>(buffers.failureValue()), -1.5);
    }
}

TEST(CheckKernel, CountsRowMajorInAnyLayout) {
  auto kernel = CompiledKernel::make(checkText("6x7x", "i64", 100, ", strided<[1, 8]>"), Target::host());
  ASSERT_TRUE(kernel);
  Buffers buffers(kernel->kernel, 0, 99, 3);
  Tensor values = buffers.read(0);
  values[29] = values[37] = 100;
  buffers.write(0, values);
  EXPECT_EQ(kernel->function(buffers.pointers().data(), 0, 1), 30);
}

TEST(CheckKernel, ALimitBeyondTheTypeAcceptsEverything) {
  auto kernel = CompiledKernel::make(checkText("40x", "ui8", 256), Target::host());
  ASSERT_TRUE(kernel);
  Buffers buffers(kernel->kernel, 0, 256, 3);
  EXPECT_EQ(kernel->function(buffers.pointers().data(), 0, 1), 0);
}

std::string randomText(const std::string &distribution, const std::string &shape, const std::string &indices) {
  std::string tensor = "tensor<" + shape + "xf32>", memref = "memref<" + shape + "xf32>";
  bool indexed = !indices.empty();
  return "func.func @f(%s: memref<i64>, %t: memref<i64>, %i: memref<i64>, %y: " + memref +
         ") {\n  dl.kernel \"k\" map ins(%s, %t, %i : memref<i64>, memref<i64>, memref<i64>) outs(%y : " + memref +
         ") {\n  ^bb0(%s0: tensor<i64>, %t0: tensor<i64>, %i0: tensor<i64>):\n    %r = dl.random " + distribution +
         " seed %s0 step %t0 path 17 indices (" + (indexed ? "%i0 : tensor<i64>" : "") +
         ") : tensor<i64>, tensor<i64> -> " + tensor + "\n    dl.yield %r : " + tensor + "\n  }\n  return\n}";
}

TEST(RandomKernel, DrawsTheRuntimesNumbers) {
  for (const Target &target : testTargets())
    for (std::string distribution : {"uniform", "normal"})
      for (std::string shape : {"1", "7", "200", "5x30"})
        for (std::string indices : {"", "%i0"}) {
          auto kernel = CompiledKernel::make(randomText(distribution, shape, indices), target);
          ASSERT_TRUE(kernel);
          Buffers buffers(kernel->kernel, 0, 1, 3);
          buffers.write(0, {12345678901.0});
          buffers.write(1, {6000000000.0});
          buffers.write(2, {3});
          kernel->function(buffers.pointers().data(), 0, kernel->info.tasks);
          PhiloxStream stream = indices.empty() ? philoxStream(12345678901u, 6000000000u, 17)
                                                : philoxStream(12345678901u, 6000000000u, 17, {3});
          Tensor values = buffers.read(3);
          for (size_t i = 0; i < values.size(); ++i) {
            bool uniform = distribution == "uniform";
            float want = uniform ? philoxUniform(stream, i) : philoxNormal(stream, i);
            EXPECT_FLOAT_EQ(float(values[i]), want) << distribution << " " << shape << " " << i;
          }
        }
}

TEST(ScatterKernel, AddsInOrder) {
  for (std::string inPlace : {"%a", "%d"})
    for (std::string c : {"1", "4", "16", "37"})
      for (std::string type : {"f32", "i32", "ui8"})
        checkKernel(
            replaceAll(replaceAll(kernel("%a: memref<9xCxT>, %i: memref<14xi64>, %u: memref<14xCxT>, %d: memref<9xCxT>",
                                         "%a, %i, %u : memref<9xCxT>, memref<14xi64>, memref<14xCxT>",
                                         inPlace + " : memref<9xCxT>", R"(
  ^bb0(%x: tensor<9xCxT>, %j: tensor<14xi64>, %v: tensor<14xCxT>):
    %y = dl.scatter_add %x at %j with %v along 0 : tensor<9xCxT>, tensor<14xi64>, tensor<14xCxT>
    dl.yield %y : tensor<9xCxT>)",
                                         "scatter"),
                                  "xT>", "x" + type + ">"),
                       "xC", "x" + c),
            {.low = 0, .high = 8.9});
  checkKernel(kernel("%a: memref<3x5x2xf32>, %i: memref<2x3xi32>, %u: memref<3x2x3x2xf32>, %d: memref<3x5x2xf32>",
                     "%a, %i, %u : memref<3x5x2xf32>, memref<2x3xi32>, memref<3x2x3x2xf32>", "%d : memref<3x5x2xf32>",
                     R"(
  ^bb0(%x: tensor<3x5x2xf32>, %j: tensor<2x3xi32>, %v: tensor<3x2x3x2xf32>):
    %y = dl.scatter_add %x at %j with %v along 1 : tensor<3x5x2xf32>, tensor<2x3xi32>, tensor<3x2x3x2xf32>
    dl.yield %y : tensor<3x5x2xf32>)",
                     "scatter"),
              {.low = 0, .high = 4.9});
}

TEST(UpdateKernel, ReplacesAndAdds) {
  for (std::string inPlace : {"%a", "%d"})
    for (std::string c : {"1", "4", "16", "37"})
      for (std::string type : {"f32", "i64", "ui8", "bf16"})
        for (std::string add : {"", "add "})
          checkKernel(
              replaceAll(replaceAll(kernel("%a: memref<9xCxT>, %u: memref<2xCxT>, %i: memref<i64>, %d: memref<9xCxT>",
                                           "%a, %u, %i : memref<9xCxT>, memref<2xCxT>, memref<i64>",
                                           inPlace + " : memref<9xCxT>", R"(
  ^bb0(%x: tensor<9xCxT>, %v: tensor<2xCxT>, %j: tensor<i64>):
    %y = dl.dynamic_update )" + add + R"(%x with %v at (%j) along [0] : tensor<9xCxT>, tensor<2xCxT>, tensor<i64>
    dl.yield %y : tensor<9xCxT>)",
                                           "update"),
                                    "xT>", "x" + type + ">"),
                         "xC", "x" + c),
              {.low = 0, .high = 6.9});
  // Columns, and a part within them.
  checkKernel(kernel("%a: memref<3x40xf32>, %u: memref<3x7xf32>, %i: memref<i64>, %d: memref<3x40xf32>",
                     "%a, %u, %i : memref<3x40xf32>, memref<3x7xf32>, memref<i64>", "%d : memref<3x40xf32>", R"(
  ^bb0(%x: tensor<3x40xf32>, %v: tensor<3x7xf32>, %j: tensor<i64>):
    %y = dl.dynamic_update add %x with %v at (%j) along [1] : tensor<3x40xf32>, tensor<3x7xf32>, tensor<i64>
    dl.yield %y : tensor<3x40xf32>)",
                     "update"),
              {.low = 0, .high = 32.9});
}

TEST(MapKernel, ReadsPartsAtComputedPlaces) {
  for (std::string c : {"1", "4", "16", "37"})
    checkKernel(replaceAll(kernel("%a: memref<9xCxf32>, %i: memref<i64>, %d: memref<2xCxf32>",
                                  "%a, %i : memref<9xCxf32>, memref<i64>", "%d : memref<2xCxf32>", R"(
  ^bb0(%x: tensor<9xCxf32>, %j: tensor<i64>):
    %s = dl.dynamic_slice %x at (%j) along [0] : tensor<9xCxf32>, tensor<i64> -> tensor<2xCxf32>
    %y = dl.neg %s : tensor<2xCxf32>
    dl.yield %y : tensor<2xCxf32>)"),
                           "xC", "x" + c),
                {.low = 0, .high = 6.9});
}

TEST(CumulativeKernel, RunsAlongEachAxis) {
  for (const char *reverse : {"", "reverse "})
    for (std::string type : {"sum f32", "sum i64", "sum f64", "prod f32", "prod i32", "max f32", "max ui8", "min bf16",
                             "min i64", "logsumexp f32", "logsumexp f64"})
      for (const char *axis : {"0", "1", "2"})
        checkKernel(
            replaceAll(
                kernel("%a: memref<4x5x19xT>, %b: memref<4x5x19xT>", "%a : memref<4x5x19xT>", "%b : memref<4x5x19xT>",
                       "  ^bb0(%x: tensor<4x5x19xT>):\n    %y = dl.cumulative " + type.substr(0, type.find(' ') + 1) +
                           reverse + "%x along " + axis + " : tensor<4x5x19xT>\n    dl.yield %y : tensor<4x5x19xT>",
                       "cumulative"),
                "xT>", "x" + type.substr(type.find(' ') + 1) + ">"),
            {.relative = 1e-5, .absolute = 1e-5});
}

TEST(CumulativeKernel, Recurrences) {
  for (const char *reverse : {"", "reverse "})
    for (std::string type : {"f32", "f64"})
      for (std::string shape : {"4x5x19", "3x1x8", "2x2x1"})
        for (const char *axis : {"0", "1", "2"})
          checkKernel(
              replaceAll(kernel("%a: memref<SxT>, %b: memref<SxT>, %c: memref<SxT>",
                                "%a, %b : memref<SxT>, memref<SxT>", "%c : memref<SxT>",
                                std::string("  ^bb0(%x: tensor<SxT>, %y: tensor<SxT>):\n    %z = dl.recurrence ") +
                                    reverse + "%x, %y along " + axis + " : tensor<SxT>\n    dl.yield %z : tensor<SxT>",
                                "cumulative"),
                         "SxT", shape + "x" + type),
              {.low = -1, .high = 1, .relative = 1e-5, .absolute = 1e-5});
}

std::string sortText(const std::string &shape, const std::string &axis, int64_t scratch, const std::string &direction) {
  std::string memory = std::to_string(scratch) + "xi64>";
  return replaceAll(kernel("%a: memref<SxT>, %b: memref<Sxi64>, %s: memref<" + memory, "%a : memref<SxT>",
                           "%b, %s : memref<Sxi64>, memref<" + memory,
                           "  ^bb0(%x: tensor<SxT>):\n    %y = dl.argsort " + direction + "%x along " + axis +
                               " : tensor<SxT> -> tensor<Sxi64>\n    %w = dl.scratch : tensor<" + memory +
                               "\n    dl.yield %y, %w : tensor<Sxi64>, tensor<" + memory,
                           "sort"),
                    "Sx", shape + "x");
}

TEST(SortKernel, PlacesInOrder) {
  for (std::string direction : {"", "descending "})
    for (std::string type : {"f32", "f64", "bf16", "i32", "i64", "ui8"}) {
      auto check = [&](const std::string &shape, const std::string &axis, int64_t scratch) {
        std::string text = replaceAll(sortText(shape, axis, scratch, direction), "xT>", "x" + type + ">");
        checkKernel(text, {.low = -9, .high = 9});
      };
      check("7x5", "0", 28);
      check("7x5", "1", 20);
      check("1x64", "1", 256);
      check("1000", "0", 4000);
      // Four tasks, each with memory of its own.
      check("33x2x70", "2", 4 * 70 * 4);
    }
}

TEST(SortKernel, NanAndZeros) {
  auto kernel = CompiledKernel::make(replaceAll(sortText("6", "0", 24, ""), "xT>", "xf32>"), Target::host());
  ASSERT_TRUE(kernel);
  Buffers buffers(kernel->kernel, 0, 1, 3);
  buffers.write(0, {NAN, 0.0, -0.0, -INFINITY, -NAN, INFINITY});
  kernel->function(buffers.pointers().data(), 0, kernel->info.tasks);
  EXPECT_EQ(buffers.read(1), (Tensor{3, 1, 2, 5, 0, 4}));
}

std::string linalgText(const std::string &call, const std::string &type, int64_t scratch) {
  std::string memory = std::to_string(scratch) + "xf64>";
  return kernel("%a: memref<3x4x4x" + type + ">, %b: memref<3x4x2x" + type + ">, %c: memref<3x4x2x" + type +
                    ">, %s: memref<" + memory,
                "%a, %b : memref<3x4x4x" + type + ">, memref<3x4x2x" + type + ">",
                "%c, %s : memref<3x4x2x" + type + ">, memref<" + memory,
                "  ^bb0(%x: tensor<3x4x4x" + type + ">, %y: tensor<3x4x2x" + type + ">):\n    %z = dl.linalg " + call +
                    " : (tensor<3x4x4x" + type + ">, tensor<3x4x2x" + type + ">) -> tensor<3x4x2x" + type +
                    ">\n    %w = dl.scratch : tensor<" + memory + "\n    dl.yield %z, %w : tensor<3x4x2x" + type +
                    ">, tensor<" + memory,
                "linalg");
}

TEST(LinalgKernel, Solves) {
  for (std::string type : {"f32", "f64"})
    for (std::string call : {"solve(%x, %y)", "triangular(%x, %y)", "triangular(%x, %y) lower",
                             "triangular(%x, %y) lower unit", "triangular(%x, %y) unit"})
      checkKernel(linalgText(call, type, 28), {.low = 0.5, .high = 2, .relative = 1e-5, .absolute = 1e-5});
}

TEST(LinalgKernel, NamesTheMatrixThatIsSingular) {
  auto kernel = CompiledKernel::make(linalgText("solve(%x, %y)", "f32", 28), Target::host());
  ASSERT_TRUE(kernel);
  Buffers buffers(kernel->kernel, 0.5, 2, 3);
  auto run = [&] { return kernel->function(buffers.pointers().data(), 0, kernel->info.tasks); };
  EXPECT_EQ(run(), 0);
  Tensor matrices = buffers.read(0);
  std::fill_n(matrices.begin() + 32, 4, 0.0);
  buffers.write(0, matrices);
  EXPECT_EQ(run(), 3);
  std::fill_n(matrices.begin() + 4, 4, 0.0);
  buffers.write(0, matrices);
  EXPECT_EQ(run(), 1);
}

TEST(KernelText, SeesTypesAndBodiesButNotNames) {
  auto key = [](const std::string &name, const std::string &operand, const std::string &op) {
    auto kernel =
        CompiledKernel::make("func.func @f(%" + operand + ": memref<4xf32>, %b: memref<4xf32>) {\n  dl.kernel \"" +
                                 name + "\" map ins(%" + operand +
                                 " : memref<4xf32>) outs(%b : memref<4xf32>) {\n  ^bb0(%x: "
                                 "tensor<4xf32>):\n    %y = dl." +
                                 op +
                                 " %x : tensor<4xf32>\n    dl.yield %y : "
                                 "tensor<4xf32>\n  }\n  return\n}",
                             Target::host());
    return kernel ? kernelText(kernel->kernel) : "";
  };
  EXPECT_EQ(key("one", "a", "exp"), key("two", "q", "exp"));
  EXPECT_NE(key("one", "a", "exp"), key("one", "a", "log"));
  // Random numbers of two places are one function.
  auto drawn = [](const std::string &path) {
    auto kernel =
        CompiledKernel::make(replaceAll(randomText("uniform", "8", ""), "path 17", "path " + path), Target::host());
    return kernel ? kernelText(kernel->kernel) : "";
  };
  EXPECT_EQ(drawn("17"), drawn("18"));
}

TEST(KernelErrors, BodiesOfAnotherKindAreRefused) {
  auto refused = [](const std::string &text) { return CompiledKernel::make(text, Target::host()) == nullptr; };
  // A contract in a map kernel, two spaces, two sets of reduced axes, a check of a computed value.
  EXPECT_TRUE(refused(R"(func.func @f(%a: memref<4x4xf32>, %b: memref<4xf32>, %c: memref<4xf32>) {
    dl.kernel "k" map ins(%a : memref<4x4xf32>) outs(%b, %c : memref<4xf32>, memref<4xf32>) {
    ^bb0(%x: tensor<4x4xf32>):
      %y = dl.reduce sum %x over [0] : tensor<4x4xf32> -> tensor<4xf32>
      %z = dl.reduce sum %x over [1] : tensor<4x4xf32> -> tensor<4xf32>
      dl.yield %y, %z : tensor<4xf32>, tensor<4xf32>
    }
    return
  })"));
  EXPECT_TRUE(refused(R"(func.func @f(%a: memref<4xf32>, %b: memref<5xf32>, %c: memref<4xf32>, %d: memref<5xf32>) {
    dl.kernel "k" map ins(%a, %b : memref<4xf32>, memref<5xf32>) outs(%c, %d : memref<4xf32>, memref<5xf32>) {
    ^bb0(%x: tensor<4xf32>, %y: tensor<5xf32>):
      %u = dl.exp %x : tensor<4xf32>
      %v = dl.exp %y : tensor<5xf32>
      dl.yield %u, %v : tensor<4xf32>, tensor<5xf32>
    }
    return
  })"));
  EXPECT_TRUE(refused(R"(func.func @f(%a: memref<4xi64>, %b: memref<4xi64>) {
    dl.kernel "k" cumulative ins(%a : memref<4xi64>) outs(%b : memref<4xi64>) {
    ^bb0(%x: tensor<4xi64>):
      %y = dl.neg %x : tensor<4xi64>
      dl.yield %y : tensor<4xi64>
    }
    return
  })"));
}

} // namespace
} // namespace dlc::test
