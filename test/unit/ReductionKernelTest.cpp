// Map kernels with reductions against a plain evaluation: kinds, axes, ragged and empty spaces, and the rows of phases
// that losses and normalisations are.
#include "test/unit/KernelHarness.h"
#include "test/unit/KernelText.h"
#include <gtest/gtest.h>

namespace dlc::test {
namespace {

std::string reduction(const std::string &kind, const std::string &from, const std::string &axes,
                      const std::string &to) {
  return kernel("%a: memref<" + from + ">, %b: memref<" + to + ">", "%a : memref<" + from + ">",
                "%b : memref<" + to + ">",
                "  ^bb0(%x: tensor<" + from + ">):\n    %y = dl.reduce " + kind + " %x over " + axes + " : tensor<" +
                    from + "> -> tensor<" + to + ">\n    dl.yield %y : tensor<" + to + ">");
}

TEST(ReductionKernel, ReductionsOfEveryKindAndType) {
  for (const char *kind : {"sum", "prod", "max", "min"})
    for (std::string type : {"f32", "f64", "bf16", "i32", "i64", "ui8"}) {
      if (type == "ui8" && std::string(kind) != "max" && std::string(kind) != "min")
        continue;
      bool isProduct = std::string(kind) == "prod";
      Check check{.low = isProduct ? 0.9 : -4, .high = isProduct ? 1.2 : 4, .relative = 2e-5, .absolute = 2e-5};
      checkKernel(reduction(kind, "5x37x" + type, "[1]", "5x" + type), check);
      checkKernel(reduction(kind, "37x5x" + type, "[0]", "5x" + type), check);
      checkKernel(reduction(kind, "6x21x" + type, "[0, 1]", type), check);
    }
  for (const char *kind : {"all", "any"})
    for (std::string n : {"1", "2", "3", "20"}) {
      checkKernel(reduction(kind, "9x" + n + "xi1", "[1]", "9xi1"));
      checkKernel(reduction(kind, n + "x9xi1", "[0]", "9xi1"));
    }
}

TEST(ReductionKernel, ReductionsOfRaggedSizes) {
  for (int n = 1; n <= 70; n += n < 20 ? 1 : 7) {
    std::string size = std::to_string(n);
    checkKernel(reduction("sum", "3x" + size + "xf32", "[1]", "3xf32"), {.relative = 1e-5, .absolute = 1e-5});
    checkKernel(reduction("max", size + "x13xf32", "[0]", "13xf32"));
    checkKernel(reduction("sum", "7x" + size + "xf32", "[0]", size + "xf32"), {.relative = 1e-5, .absolute = 1e-5});
  }
}

TEST(ReductionKernel, ReductionsOverSeveralAxes) {
  Check check{.relative = 2e-5, .absolute = 2e-5};
  checkKernel(reduction("sum", "4x5x6x7xf32", "[0, 2]", "5x7xf32"), check);
  checkKernel(reduction("sum", "4x5x6x7xf32", "[1, 3]", "4x6xf32"), check);
  checkKernel(reduction("sum", "4x5x6x7xf32", "[0, 2, 3]", "5xf32"), check);
  checkKernel(reduction("sum", "4x5x6x7xf32", "[2, 3]", "4x5xf32"), check);
  checkKernel(reduction("max", "4x5x6x70xf32", "[0, 1, 2]", "70xf32"), check);
  checkKernel(reduction("sum", "1x50x1xf32", "[0, 1]", "1xf32"), check);
  checkKernel(reduction("sum", "50x1xf32", "[1]", "50xf32"), check);
  checkKernel(reduction("sum", "100x1000xf32", "[0, 1]", "f32"), {.relative = 1e-4, .absolute = 1e-3});
}

std::string parts(const std::string &kind, const std::string &from, const std::string &axes, const std::string &cut,
                  const std::string &to) {
  return replaceAll(replaceAll(reduction(kind, from, axes, to), "dl.reduce ", "dl.reduce_parts "), axes + " :",
                    axes + " in chunks " + cut + " :");
}

TEST(ReductionKernel, Parts) {
  Check check{.relative = 2e-5, .absolute = 2e-5};
  // Along the lanes, with whole and ragged ends; along the loops; across both; one of several axes.
  for (std::string n : {"128", "200", "1000", "1007"}) {
    std::string count = std::to_string((std::stoi(n) + 63) / 64);
    for (const char *kind : {"sum", "max", "prod"}) {
      Check kindly = kind[0] == 'p' ? Check{.low = 0.98, .high = 1.02, .relative = 1e-4} : check;
      checkKernel(parts(kind, n + "xf32", "[0]", "64 of 0", count + "xf32"), kindly);
      checkKernel(parts(kind, "3x" + n + "xf32", "[1]", "64 of 1", count + "x3xf32"), kindly);
      checkKernel(parts(kind, n + "x5xf32", "[0]", "64 of 0", count + "x5xf32"), kindly);
      checkKernel(parts(kind, n + "x37xf64", "[0]", "64 of 0", count + "x37xf64"), kindly);
    }
    checkKernel(parts("sum", n + "x3xf32", "[0, 1]", "64 of 0", count + "xf32"), check);
    checkKernel(parts("sum", "3x" + n + "xf32", "[0, 1]", "64 of 1", count + "xf32"), check);
    checkKernel(parts("sum", "3x" + n + "x5xi32", "[0, 1]", "64 of 1", count + "x5xi32"), {.high = 9});
    checkKernel(parts("sum", n + "x70xbf16", "[0]", "64 of 0", count + "x70xf32"),
                {.relative = 1e-4, .absolute = 1e-4});
  }
}

TEST(ReductionKernel, LongSumsKeepTheirDigits) {
  // Elements near 1: added one by one, the sum of as many is off by 1e-3 and more.
  Check check{.low = 0.9, .high = 1.1, .relative = 1.5e-6, .absolute = 0};
  checkKernel(reduction("sum", "600001xf32", "[0]", "f32"), check);
  checkKernel(reduction("sum", "100003x3xf32", "[0]", "3xf32"), check);
  checkKernel(reduction("sum", "5000x70xf32", "[0]", "70xf32"), check);
  checkKernel(reduction("sum", "20001x9x2xf32", "[0, 1]", "2xf32"), check);
  checkKernel(reduction("sum", "3x100001xf32", "[1]", "3xf32"), check);
  checkKernel(reduction("sum", "30000x1x7xf32", "[0, 2]", "1xf32"), check);
  checkKernel(reduction("sum", "50000x3xf64", "[0]", "3xf64"),
              {.low = 0.9, .high = 1.1, .relative = 1e-12, .absolute = 0});
}

TEST(ReductionKernel, EmptySpaces) {
  checkKernel(reduction("sum", "4x0xf32", "[1]", "4xf32"));
  checkKernel(reduction("prod", "0x4xf32", "[0]", "4xf32"));
  checkKernel(reduction("sum", "4x0xf32", "[0]", "0xf32"));
  checkKernel(unary("0x3xf32", "dl.exp %x"));
}

TEST(ReductionKernel, PaddedRowsAndBytesAreReduced) {
  std::string in = "memref<10x70xui8, strided<[96, 1]>>";
  checkKernel(kernel("%a: " + in + ", %b: memref<10xf32>, %c: memref<10x70xf32, strided<[80, 1]>>", "%a : " + in,
                     "%b, %c : memref<10xf32>, memref<10x70xf32, strided<[80, 1]>>", R"(
  ^bb0(%x: tensor<10x70xui8>):
    %f = dl.cast %x : tensor<10x70xui8> -> tensor<10x70xf32>
    %k = dl.constant dense<0.00392156886> : tensor<10x70xf32>
    %s = dl.mul %f, %k : tensor<10x70xf32>
    %r = dl.reduce sum %s over [1] : tensor<10x70xf32> -> tensor<10xf32>
    dl.yield %r, %s : tensor<10xf32>, tensor<10x70xf32>)"),
              {.low = 0, .high = 255, .relative = 1e-5});
}

TEST(ReductionKernel, ArgumentsOfExtrema) {
  for (const char *kind : {"max", "min"})
    for (std::string type : {"f32", "f64", "i32", "ui8"})
      for (std::string n : {"1", "7", "10", "16", "33", "100"}) {
        auto text = [&](const std::string &from, int axis) {
          return kernel(
              "%a: memref<" + from + ">, %b: memref<6xi64>", "%a : memref<" + from + ">", "%b : memref<6xi64>",
              "  ^bb0(%x: tensor<" + from + ">):\n    %y = dl.arg_reduce " + kind + " %x along " +
                  std::to_string(axis) + " : tensor<" + from + "> -> tensor<6xi64>\n    dl.yield %y : tensor<6xi64>");
        };
        // Few distinct values: ties go to the first.
        checkKernel(replaceAll(text("6xNxT>", 1), "NxT>", n + "x" + type),
                    {.low = type[0] == 'f' ? -50.0 : 0, .high = 6});
        checkKernel(replaceAll(text("Nx6xT>", 0), "Nx6xT>", n + "x6x" + type),
                    {.low = type[0] == 'f' ? -50.0 : 0, .high = 6});
      }
}

TEST(ReductionKernel, NanWinsInExtrema) {
  // Logarithms of negative numbers, in one element of eight or so.
  for (const char *kind : {"max", "min"})
    for (std::string n : {"3", "10", "16", "50", "200"})
      for (bool inner : {true, false}) {
        std::string shape = inner ? "40x" + n : n + "x40", axis = inner ? "1" : "0";
        checkKernel(kernel("%a: memref<" + shape + "xf32>, %b: memref<40xf32>, %c: memref<40xi64>",
                           "%a : memref<" + shape + "xf32>", "%b, %c : memref<40xf32>, memref<40xi64>",
                           "  ^bb0(%x: tensor<" + shape + "xf32>):\n    %l = dl.log %x : tensor<" + shape +
                               "xf32>\n    %y = dl.reduce " + kind + " %l over [" + axis + "] : tensor<" + shape +
                               "xf32> -> tensor<40xf32>\n    %i = dl.arg_reduce " + kind + " %l along " + axis +
                               " : tensor<" + shape +
                               "xf32> -> tensor<40xi64>\n    dl.yield %y, %i : tensor<40xf32>, tensor<40xi64>"),
                    {.low = n == "200" ? -0.01 : -0.3, .high = 2});
      }
}

std::string crossEntropy(const std::string &n, const std::string &c) {
  return replaceAll(
      replaceAll(
          kernel("%a: memref<NxCxf32>, %b: memref<Nxui8>, %l: memref<Nxf32>, %d: memref<NxCxf32>, %k: memref<Nxi64>",
                 "%a, %b : memref<NxCxf32>, memref<Nxui8>",
                 "%l, %d, %k : memref<Nxf32>, memref<NxCxf32>, memref<Nxi64>", R"(
  ^bb0(%x: tensor<NxCxf32>, %label: tensor<Nxui8>):
    %m = dl.reduce max %x over [1] : tensor<NxCxf32> -> tensor<Nxf32>
    %mb = dl.broadcast %m to [0] : tensor<Nxf32> -> tensor<NxCxf32>
    %s = dl.sub %x, %mb : tensor<NxCxf32>
    %e = dl.exp %s : tensor<NxCxf32>
    %z = dl.reduce sum %e over [1] : tensor<NxCxf32> -> tensor<Nxf32>
    %lz = dl.log %z : tensor<Nxf32>
    %i = dl.iota 1 : tensor<NxCxi64>
    %lw = dl.cast %label : tensor<Nxui8> -> tensor<Nxi64>
    %lb = dl.broadcast %lw to [0] : tensor<Nxi64> -> tensor<NxCxi64>
    %hot = dl.compare eq %i, %lb : tensor<NxCxi64> -> tensor<NxCxi1>
    %zero = dl.constant dense<0.0> : tensor<NxCxf32>
    %pick = dl.select %hot, %s, %zero : tensor<NxCxf32>
    %t = dl.reduce sum %pick over [1] : tensor<NxCxf32> -> tensor<Nxf32>
    %loss = dl.sub %lz, %t : tensor<Nxf32>
    %zb = dl.broadcast %z to [0] : tensor<Nxf32> -> tensor<NxCxf32>
    %p = dl.div %e, %zb : tensor<NxCxf32>
    %h = dl.cast %hot : tensor<NxCxi1> -> tensor<NxCxf32>
    %g = dl.sub %p, %h : tensor<NxCxf32>
    %inv = dl.constant dense<0.015625> : tensor<NxCxf32>
    %grad = dl.mul %g, %inv : tensor<NxCxf32>
    %best = dl.arg_reduce max %x along 1 : tensor<NxCxf32> -> tensor<Nxi64>
    dl.yield %loss, %grad, %best : tensor<Nxf32>, tensor<NxCxf32>, tensor<Nxi64>)"),
          "N", n),
      "C", c);
}

TEST(ReductionKernel, SoftmaxCrossEntropyIsOneKernel) {
  for (std::string classes : {"2", "7", "10", "16", "40", "100", "1000"})
    checkKernel(crossEntropy("13", classes), {.low = 0, .high = 6});
  checkKernel(crossEntropy("64", "10"), {.low = 0, .high = 6});
}

std::string layerNorm(const std::string &n, const std::string &c) {
  return replaceAll(
      replaceAll(kernel("%a: memref<NxCxf32>, %w: memref<Cxf32>, %b: memref<Cxf32>, %y: memref<NxCxf32>",
                        "%a, %w, %b : memref<NxCxf32>, memref<Cxf32>, memref<Cxf32>", "%y : memref<NxCxf32>", R"(
  ^bb0(%x: tensor<NxCxf32>, %w0: tensor<Cxf32>, %b0: tensor<Cxf32>):
    %s = dl.reduce sum %x over [1] : tensor<NxCxf32> -> tensor<Nxf32>
    %k = dl.constant dense<INVC> : tensor<Nxf32>
    %mean = dl.mul %s, %k : tensor<Nxf32>
    %mb = dl.broadcast %mean to [0] : tensor<Nxf32> -> tensor<NxCxf32>
    %d = dl.sub %x, %mb : tensor<NxCxf32>
    %dd = dl.mul %d, %d : tensor<NxCxf32>
    %v = dl.reduce sum %dd over [1] : tensor<NxCxf32> -> tensor<Nxf32>
    %var = dl.mul %v, %k : tensor<Nxf32>
    %eps = dl.constant dense<1.0e-5> : tensor<Nxf32>
    %ve = dl.add %var, %eps : tensor<Nxf32>
    %r = dl.rsqrt %ve : tensor<Nxf32>
    %rb = dl.broadcast %r to [0] : tensor<Nxf32> -> tensor<NxCxf32>
    %n = dl.mul %d, %rb : tensor<NxCxf32>
    %wb = dl.broadcast %w0 to [1] : tensor<Cxf32> -> tensor<NxCxf32>
    %bb = dl.broadcast %b0 to [1] : tensor<Cxf32> -> tensor<NxCxf32>
    %m = dl.mul %n, %wb : tensor<NxCxf32>
    %out = dl.add %m, %bb : tensor<NxCxf32>
    dl.yield %out : tensor<NxCxf32>)"),
                 "INVC", std::to_string(1.0 / std::stod(c))),
      "Nx", n + "x");
}

std::string withColumns(std::string text, const std::string &c) {
  return replaceAll(replaceAll(text, "xCxf32", "x" + c + "xf32"), "<Cxf32", "<" + c + "xf32");
}

TEST(ReductionKernel, LayerNormIsOneKernel) {
  for (std::string columns : {"5", "32", "100", "128"})
    checkKernel(withColumns(layerNorm("11", columns), columns), {.relative = 1e-4, .absolute = 1e-4});
}

TEST(ReductionKernel, SoftmaxAlongTheOuterAxis) {
  checkKernel(
      kernel("%a: memref<12x37xf32>, %b: memref<12x37xf32>", "%a : memref<12x37xf32>", "%b : memref<12x37xf32>", R"(
  ^bb0(%x: tensor<12x37xf32>):
    %m = dl.reduce max %x over [0] : tensor<12x37xf32> -> tensor<37xf32>
    %mb = dl.broadcast %m to [1] : tensor<37xf32> -> tensor<12x37xf32>
    %s = dl.sub %x, %mb : tensor<12x37xf32>
    %e = dl.exp %s : tensor<12x37xf32>
    %z = dl.reduce sum %e over [0] : tensor<12x37xf32> -> tensor<37xf32>
    %zb = dl.broadcast %z to [1] : tensor<37xf32> -> tensor<12x37xf32>
    %p = dl.div %e, %zb : tensor<12x37xf32>
    dl.yield %p : tensor<12x37xf32>)"));
}

TEST(ReductionKernel, SoftmaxInPlace) {
  for (std::string c : {"10", "100"})
    checkKernel(replaceAll(kernel("%a: memref<9xCxf32>", "%a : memref<9xCxf32>", "%a : memref<9xCxf32>", R"(
  ^bb0(%x: tensor<9xCxf32>):
    %e = dl.exp %x : tensor<9xCxf32>
    %z = dl.reduce sum %e over [1] : tensor<9xCxf32> -> tensor<9xf32>
    %zb = dl.broadcast %z to [0] : tensor<9xf32> -> tensor<9xCxf32>
    %p = dl.div %e, %zb : tensor<9xCxf32>
    dl.yield %p : tensor<9xCxf32>)"),
                           "C", c));
}

TEST(ReductionKernel, BiasGradientWithItsUpdate) {
  for (std::string shape : {"64x10", "64x128", "7x33"}) {
    std::string c = shape.substr(shape.find('x') + 1);
    checkKernel(replaceAll(replaceAll(kernel("%g: memref<SHAPExf32>, %b: memref<COLxf32>, %m: memref<COLxf32>",
                                             "%g, %b, %m : memref<SHAPExf32>, memref<COLxf32>, memref<COLxf32>",
                                             "%b, %m : memref<COLxf32>, memref<COLxf32>", R"(
  ^bb0(%x: tensor<SHAPExf32>, %b0: tensor<COLxf32>, %m0: tensor<COLxf32>):
    %s = dl.reduce sum %x over [0] : tensor<SHAPExf32> -> tensor<COLxf32>
    %k = dl.constant dense<0.9> : tensor<COLxf32>
    %m1 = dl.mul %m0, %k : tensor<COLxf32>
    %m2 = dl.add %m1, %s : tensor<COLxf32>
    %lr = dl.constant dense<0.01> : tensor<COLxf32>
    %u = dl.mul %lr, %m2 : tensor<COLxf32>
    %b1 = dl.sub %b0, %u : tensor<COLxf32>
    dl.yield %b1, %m2 : tensor<COLxf32>, tensor<COLxf32>)"),
                                      "SHAPE", shape),
                           "COL", c),
                {.relative = 1e-5, .absolute = 1e-5});
  }
}

TEST(ReductionKernel, LossAndMeanToRankZero) {
  checkKernel(kernel("%a: memref<50x1xf32>, %b: memref<50xf32>, %c: memref<f32>",
                     "%a, %b : memref<50x1xf32>, memref<50xf32>", "%c : memref<f32>", R"(
  ^bb0(%x: tensor<50x1xf32>, %y: tensor<50xf32>):
    %r = dl.reshape %x : tensor<50x1xf32> -> tensor<50xf32>
    %d = dl.sub %r, %y : tensor<50xf32>
    %dd = dl.mul %d, %d : tensor<50xf32>
    %s = dl.reduce sum %dd over [0] : tensor<50xf32> -> tensor<f32>
    %k = dl.constant dense<0.02> : tensor<f32>
    %m = dl.mul %s, %k : tensor<f32>
    dl.yield %m : tensor<f32>)"),
              {.relative = 1e-5});
}

} // namespace
} // namespace dlc::test
