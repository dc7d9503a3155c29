// Elementary functions in f32 against the C library in f64: the error in units of the last place, over floats of every
// magnitude, as vectors of both widths and as scalars; and the special values that IEEE asks for.
#include "test/unit/KernelHarness.h"
#include <cmath>
#include <cstring>
#include <gtest/gtest.h>
#include <limits>

namespace dlc::test {
namespace {

float fromBits(uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, 4);
  return value;
}

/// The distance of `got` from `want`, in units of the last place of an f32 near `want`.
double ulps(float got, double want) {
  float rounded = float(want);
  if (std::isnan(want) || std::isnan(got))
    return std::isnan(want) && std::isnan(got) ? 0 : 1e9;
  if (std::isinf(rounded) || std::isinf(got))
    return rounded == got ? 0 : std::isinf(got) && std::abs(want) > 3.4028234e38 * (1 - 1e-6) ? 1 : 1e9;
  int exponent = std::max(std::ilogb(std::max(std::abs(want), 1e-45)), -126);
  return std::abs(double(got) - want) / std::ldexp(1.0, exponent - 23);
}

std::string kernelOf(const std::string &op, size_t count, bool binary) {
  std::string shape = count == 1 ? "f32" : std::to_string(count) + "xf32";
  std::string memref = "memref<" + shape + ">", tensor = "tensor<" + shape + ">";
  std::string second = binary ? ", %y" : "";
  return "func.func @f(%a: " + memref + ", %b: " + memref + ", %c: " + memref +
         ") {\n  dl.kernel \"k\" map ins(%a, %b : " + memref + ", " + memref + ") outs(%c : " + memref +
         ") {\n  ^bb0(%x: " + tensor + ", %y: " + tensor + "):\n    %z = dl." + op + " %x" + second + " : " + tensor +
         "\n    dl.yield %z : " + tensor + "\n  }\n  return\n}";
}

/// Floats of all signs and magnitudes, a fixed stride of bit patterns apart, and the special ones.
std::vector<float> sweep(uint32_t stride) {
  std::vector<float> values{0.0f,          -0.0f,          1.0f,      -1.0f,     2.0f,   -2.0f,      0.5f,
                            -0.5f,         INFINITY,       -INFINITY, NAN,       1e-45f, -1e-45f,    1.17549435e-38f,
                            3.4028234e38f, -3.4028234e38f, 88.72283f, 88.72284f, 88.73f, -87.33654f, -103.97f,
                            -103.98f,      -104.0f,        1e5f,      100001.0f, 9.0f,   4.0f,       3.9999998f};
  for (uint64_t bits = 0; bits < (uint64_t(1) << 32); bits += stride)
    values.push_back(fromBits(uint32_t(bits)));
  // Where most functions bend.
  for (int i = -40000; i <= 40000; ++i)
    values.push_back(float(i) * 0.0027182818f);
  return values;
}

std::vector<float> run(const CompiledKernel &kernel, const std::vector<float> &x, const std::vector<float> &y) {
  std::vector<float> z(x.size());
  void *buffers[] = {const_cast<float *>(x.data()), const_cast<float *>(y.data()), z.data()};
  kernel.function(buffers, 0, kernel.info.tasks);
  return z;
}

void measure(const std::string &op, double (*reference)(double), double limit = 4) {
  for (const Target &target : testTargets()) {
    SCOPED_TRACE(op + " on " + target.cpu);
    std::vector<float> x = sweep(4999);
    auto kernel = CompiledKernel::make(kernelOf(op, x.size(), false), target);
    ASSERT_TRUE(kernel);
    std::vector<float> z = run(*kernel, x, x);
    double worst = 0;
    float at = 0, got = 0;
    for (size_t i = 0; i < x.size(); ++i) {
      double error = ulps(z[i], reference(x[i]));
      if (error > worst)
        worst = error, at = x[i], got = z[i];
    }
    EXPECT_LE(worst, limit) << "at " << at << ": " << got << ", expected " << reference(at);
    testing::Test::RecordProperty(op + "_" + target.cpu, std::to_string(worst));

    auto scalar = CompiledKernel::make(kernelOf(op, 1, false), target);
    ASSERT_TRUE(scalar);
    for (size_t i = 0; i < x.size(); i += 97) {
      float one = run(*scalar, {x[i]}, {x[i]})[0];
      EXPECT_LE(ulps(one, reference(x[i])), limit) << "scalar at " << x[i];
    }
  }
}

TEST(Math, Exp) {
  measure("exp", [](double x) { return std::exp(x); });
}
TEST(Math, Expm1) {
  measure("expm1", [](double x) { return std::expm1(x); });
}
TEST(Math, Log) {
  measure("log", [](double x) { return std::log(x); });
}
TEST(Math, Log1p) {
  measure("log1p", [](double x) { return std::log1p(x); });
}
TEST(Math, Tanh) {
  measure("tanh", [](double x) { return std::tanh(x); });
}
TEST(Math, Erf) {
  measure("erf", [](double x) { return std::erf(x); });
}
TEST(Math, Logistic) {
  measure("logistic", [](double x) { return x < 0 ? std::exp(x) / (1 + std::exp(x)) : 1 / (1 + std::exp(-x)); });
}
TEST(Math, Sin) {
  measure("sin", [](double x) { return std::sin(x); });
}
TEST(Math, Cos) {
  measure("cos", [](double x) { return std::cos(x); });
}
TEST(Math, Log2) {
  measure("log2", [](double x) { return std::log2(x); });
}
TEST(Math, Log10) {
  measure("log10", [](double x) { return std::log10(x); });
}
TEST(Math, Tan) {
  measure("tan", [](double x) { return std::tan(x); });
}
TEST(Math, Asin) {
  measure("asin", [](double x) { return std::asin(x); });
}
TEST(Math, Acos) {
  measure("acos", [](double x) { return std::acos(x); });
}
TEST(Math, Atan) {
  measure("atan", [](double x) { return std::atan(x); });
}
TEST(Math, Sinh) {
  measure("sinh", [](double x) { return std::sinh(x); });
}
TEST(Math, Cosh) {
  measure("cosh", [](double x) { return std::cosh(x); });
}
TEST(Math, Sqrt) {
  measure("sqrt", [](double x) { return std::sqrt(x); }, 0.5);
}
TEST(Math, Rsqrt) {
  measure("rsqrt", [](double x) { return 1 / std::sqrt(x); }, 1.5);
}
TEST(Math, Floor) {
  measure("floor", [](double x) { return std::floor(x); }, 0);
}
TEST(Math, Ceil) {
  measure("ceil", [](double x) { return std::ceil(x); }, 0);
}
TEST(Math, Round) {
  measure("round", [](double x) { return std::nearbyint(x); }, 0);
}

TEST(Math, Trunc) {
  measure("trunc", [](double x) { return std::trunc(x); }, 0);
}

/// A function of two operands: of floats of every size, each with each of `seconds`.
void measurePairs(const std::string &op, double (*reference)(double, double), const std::vector<float> &seconds) {
  std::vector<float> x, y;
  for (float first : sweep(30011 * 977))
    for (float second : seconds)
      x.push_back(first), y.push_back(second);
  for (const Target &target : testTargets()) {
    auto kernel = CompiledKernel::make(kernelOf(op, x.size(), true), target);
    ASSERT_TRUE(kernel);
    std::vector<float> z = run(*kernel, x, y);
    double worst = 0;
    size_t at = 0;
    for (size_t i = 0; i < x.size(); ++i) {
      double want = reference(double(x[i]), double(y[i])), error = ulps(z[i], want);
      if (want == 0 && std::signbit(want) != std::signbit(z[i]))
        error = 1e9;
      if (error > worst)
        worst = error, at = i;
    }
    EXPECT_LE(worst, 4) << target.cpu << ": " << op << " of " << x[at] << " and " << y[at] << " = " << z[at];
  }
}

TEST(Math, Pow) {
  measurePairs("pow", [](double x, double y) { return std::pow(x, y); },
               {0.0f,  -0.0f,  1.0f,  -1.0f,       2.0f,     3.0f,      -3.0f, 0.5f, -0.5f, 1e-3f,
                17.0f, -1e30f, 1e30f, 16777217.0f, INFINITY, -INFINITY, NAN,   1.5f, 33.3f, -7.7f});
}
TEST(Math, Atan2) {
  measurePairs(
      "atan2", [](double y, double x) { return std::atan2(y, x); },
      {0.0f, -0.0f, 1.0f, -1.0f, 1e-3f, -1e-3f, 7.0f, -7.0f, 1e30f, -1e30f, 1e-40f, -1e-40f, INFINITY, -INFINITY, NAN});
}

/// What people round down or compare with a whole number.
TEST(Math, LogarithmsOfPowersAreWhole) {
  std::vector<float> twos, tens;
  for (int n = -149; n < 128; ++n)
    twos.push_back(std::ldexp(1.0f, n));
  for (int n = 0; n <= 10; ++n)
    tens.push_back(float(std::pow(10.0, n)));
  for (const Target &target : testTargets()) {
    auto log2 = CompiledKernel::make(kernelOf("log2", twos.size(), false), target);
    auto log10 = CompiledKernel::make(kernelOf("log10", tens.size(), false), target);
    ASSERT_TRUE(log2 && log10);
    std::vector<float> exponents = run(*log2, twos, twos), digits = run(*log10, tens, tens);
    for (size_t i = 0; i < twos.size(); ++i)
      EXPECT_EQ(exponents[i], float(i) - 149);
    for (size_t i = 0; i < tens.size(); ++i)
      EXPECT_EQ(digits[i], float(i));
  }
}

TEST(Math, ZerosKeepTheirSign) {
  for (const char *op : {"expm1", "log1p", "tanh", "erf", "sin", "tan", "asin", "atan", "sinh", "sqrt", "floor", "ceil",
                         "round", "trunc"})
    for (const Target &target : testTargets()) {
      auto kernel = CompiledKernel::make(kernelOf(op, 20, false), target);
      ASSERT_TRUE(kernel);
      std::vector<float> x(20, -0.0f);
      x[3] = 0.0f;
      std::vector<float> z = run(*kernel, x, x);
      EXPECT_TRUE(std::signbit(z[0]) && z[0] == 0) << op;
      EXPECT_TRUE(!std::signbit(z[3]) && z[3] == 0) << op;
    }
}

} // namespace
} // namespace dlc::test
