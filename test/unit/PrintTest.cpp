// Tensors as text: aligned, four significant digits, summarised when large.
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
  EXPECT_EQ(format<float>(DType::F32, {}, {3.14159f}), "3.142");
  EXPECT_EQ(format<double>(DType::F64, {}, {-0.0174}), "-0.0174");
  EXPECT_EQ(format<double>(DType::F64, {}, {1e-9}), "1.000e-09");
  EXPECT_EQ(format<double>(DType::F64, {}, {0}), "0.0");
  EXPECT_EQ(format<float>(DType::F32, {}, {NAN}), "nan");
  EXPECT_EQ(format<int64_t>(DType::I64, {}, {INT64_MIN}), "-9223372036854775808");
  EXPECT_EQ(format<uint8_t>(DType::Bool, {}, {1}), "true");
  EXPECT_EQ(format<uint16_t>(DType::BF16, {}, {0x3FC0}), "1.5");
}

TEST(Print, Vectors) {
  EXPECT_EQ(format<float>(DType::F32, {3}, {1, 2.5, -3}), "[ 1.0,  2.5, -3.0]");
  EXPECT_EQ(format<float>(DType::F32, {3}, {1, 2, 300}), "[  1.,   2., 300.]");
  EXPECT_EQ(format<float>(DType::F32, {2}, {0.12345f, 3}), "[0.1235, 3.0000]");
  EXPECT_EQ(format<float>(DType::F32, {2}, {1e-6f, 1}), "[1.000e-06, 1.000e+00]");
  EXPECT_EQ(format<float>(DType::F32, {3}, {NAN, INFINITY, 1}), "[nan, inf,  1.]");
  EXPECT_EQ(format<int32_t>(DType::I32, {3}, {1, -20, 300}), "[  1, -20, 300]");
  EXPECT_EQ(format<uint8_t>(DType::Bool, {2}, {1, 0}), "[ true, false]");
  EXPECT_EQ(format<float>(DType::F32, {0}, {}), "[]");
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
