// Tensors as text: aligned, six significant digits or others, summarised when large.
#include "runtime/Print.h"
#include "RuntimeTesting.h"

#include <cmath>
#include <numeric>

using namespace dlc;

template <class T> static std::string format(DType dtype, std::vector<int64_t> shape, std::vector<T> values) {
  return formatTensor(dtype, shape, values.data());
}

TEST(Print, Scalars) {
  EXPECT_EQ(format<float>(DType::F32, {}, {48}), "48.0");
  EXPECT_EQ(format<float>(DType::F32, {}, {3.14159f}), "3.14159");
  EXPECT_EQ(format<double>(DType::F64, {}, {-0.0174}), "-0.0174");
  EXPECT_EQ(format<double>(DType::F64, {}, {1e-9}), "1e-09");
  EXPECT_EQ(format<double>(DType::F64, {}, {0}), "0.0");
  EXPECT_EQ(format<float>(DType::F32, {}, {NAN}), "nan");
  EXPECT_EQ(format<int64_t>(DType::I64, {}, {INT64_MIN}), "-9223372036854775808");
  EXPECT_EQ(format<uint8_t>(DType::Bool, {}, {1}), "true");
  EXPECT_EQ(format<uint16_t>(DType::BF16, {}, {0x3FC0}), "1.5");
}

TEST(Print, Vectors) {
  EXPECT_EQ(format<float>(DType::F32, {3}, {1, 2.5, -3}), "[ 1.0,  2.5, -3.0]");
  EXPECT_EQ(format<float>(DType::F32, {3}, {1, 2, 300}), "[  1.,   2., 300.]");
  EXPECT_EQ(format<float>(DType::F32, {2}, {0.12345f, 3}), "[0.12345, 3.00000]");
  EXPECT_EQ(format<float>(DType::F32, {2}, {1e-6f, 1}), "[1e-06, 1e+00]");
  EXPECT_EQ(format<float>(DType::F32, {3}, {NAN, INFINITY, 1}), "[nan, inf,  1.]");
  EXPECT_EQ(format<int32_t>(DType::I32, {3}, {1, -20, 300}), "[  1, -20, 300]");
  EXPECT_EQ(format<uint8_t>(DType::Bool, {2}, {1, 0}), "[ true, false]");
  EXPECT_EQ(format<float>(DType::F32, {0}, {}), "[]");
}

TEST(Print, Digits) {
  const float third = 1.0f / 3, many[] = {third, 1000.123456f};
  const double exact = 1.0 / 3;
  EXPECT_EQ(formatTensor(DType::F32, {}, &third), "0.333333");
  EXPECT_EQ(formatTensor(DType::F32, {}, &third, {Digits::all}), "0.33333334");
  EXPECT_EQ(formatTensor(DType::F64, {}, &exact, {Digits::all}), "0.3333333333333333");
  EXPECT_EQ(formatTensor(DType::F64, {}, &exact, {3}), "0.333");
  EXPECT_EQ(formatTensor(DType::F32, std::vector<int64_t>{2}, many), "[3.33333e-01, 1.00012e+03]");
  EXPECT_EQ(formatTensor(DType::F32, std::vector<int64_t>{1}, &many[1]), "[1000.12]");
  EXPECT_EQ(format<float>(DType::F32, {2}, {0.5f, 200.123456f}), "[  0.500, 200.123]");
}

TEST(Print, MatricesAndMore) {
  EXPECT_EQ(format<int32_t>(DType::I32, {2, 2}, {1, 2, 3, 40}), "[[ 1,  2],\n [ 3, 40]]");
  EXPECT_EQ(format<int32_t>(DType::I32, {2, 1, 2}, {1, 2, 3, 4}), "[[[1, 2]],\n\n [[3, 4]]]");
}

TEST(Print, LargeTensorsShowTheirEdges) {
  std::vector<int32_t> many(2000);
  std::iota(many.begin(), many.end(), 0);
  EXPECT_EQ(format<int32_t>(DType::I32, {2000}, many), "[   0,    1,    2, ..., 1997, 1998, 1999]");
  EXPECT_EQ(format<int32_t>(DType::I32, {500, 4}, many),
            "[[   0,    1,    2,    3],\n [   4,    5,    6,    7],\n [   8,    9,   10,   11],\n ...,\n"
            " [1988, 1989, 1990, 1991],\n [1992, 1993, 1994, 1995],\n [1996, 1997, 1998, 1999]]");
}
