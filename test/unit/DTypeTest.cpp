// Element types: conversions keep every value or say which one they cannot.
#include "runtime/DType.h"
#include "RuntimeTesting.h"

#include <cmath>

using namespace dlc;

template <class From, class To>
static int64_t convert(DType from, std::vector<From> source, DType to, std::vector<To> &target) {
  target.assign(source.size(), To(77));
  return convertExactly(from, source.data(), to, target.data(), int64_t(source.size()));
}

TEST(DType, NamesAndTypesReadAsInTheLanguage) {
  EXPECT_EQ(typeName(DType::F32, std::vector<int64_t>{28, 28}), "f32[28, 28]");
  EXPECT_EQ(typeName(DType::Bool, {}), "bool");
  EXPECT_EQ(dtypeNamed("bf16"), DType::BF16);
  EXPECT_FALSE(dtypeNamed("f16"));
  EXPECT_FALSE(elementCount(std::vector<int64_t>{int64_t(1) << 40, int64_t(1) << 40}));
}

TEST(DType, ExactConversionsKeepValues) {
  std::vector<float> floats;
  EXPECT_EQ(convert<uint8_t>(DType::U8, {0, 128, 255}, DType::F32, floats), -1);
  EXPECT_EQ(floats, (std::vector<float>{0, 128, 255}));
  std::vector<int32_t> ints;
  EXPECT_EQ(convert<int64_t>(DType::I64, {-5, 2147483647}, DType::I32, ints), -1);
  EXPECT_EQ(ints, (std::vector<int32_t>{-5, 2147483647}));
  std::vector<uint8_t> bools;
  EXPECT_EQ(convert<double>(DType::F64, {0, 1}, DType::Bool, bools), -1);
  EXPECT_EQ(bools, (std::vector<uint8_t>{0, 1}));
  EXPECT_EQ(convert<double>(DType::F64, {NAN, INFINITY, 0.5}, DType::F32, floats), -1);
  EXPECT_TRUE(std::isnan(floats[0]) && std::isinf(floats[1]) && floats[2] == 0.5f);
}

TEST(DType, TheFirstValueThatDoesNotFitIsNamed) {
  std::vector<float> floats;
  std::vector<uint8_t> bytes;
  std::vector<int64_t> longs;
  EXPECT_EQ(convert<int64_t>(DType::I64, {1, 2, 16777217}, DType::F32, floats), 2);
  EXPECT_EQ(convert<double>(DType::F64, {0.5, 0.1}, DType::F32, floats), 1);
  EXPECT_EQ(convert<int64_t>(DType::I64, {255, 256}, DType::U8, bytes), 1);
  EXPECT_EQ(convert<int64_t>(DType::I64, {-1}, DType::U8, bytes), 0);
  EXPECT_EQ(convert<uint8_t>(DType::U8, {1, 2}, DType::Bool, bytes), 1);
  EXPECT_EQ(convert<double>(DType::F64, {3, 3.5}, DType::I64, longs), 1);
  EXPECT_EQ(convert<double>(DType::F64, {1e19}, DType::I64, longs), 0);
  EXPECT_EQ(convert<double>(DType::F64, {NAN}, DType::I64, longs), 0);
  std::vector<double> doubles;
  EXPECT_EQ(convert<int64_t>(DType::I64, {int64_t(1) << 53, (int64_t(1) << 53) + 1, INT64_MAX}, DType::F64, doubles),
            1);
}

TEST(DType, ShortFloats) {
  for (float value : {0.0f, -1.0f, 3.140625f, 1e30f})
    EXPECT_NEAR(bf16ToFloat(floatToBf16(value)), value, std::fabs(value) / 256);
  EXPECT_EQ(floatToBf16(1.00390625f), 0x3F80); // a tie goes to even
  EXPECT_EQ(floatToBf16(1.01171875f), 0x3F82); // and here that is up
  EXPECT_TRUE(std::isnan(bf16ToFloat(floatToBf16(NAN))));
  EXPECT_EQ(halfToFloat(0x3C00), 1.0f);
  EXPECT_EQ(halfToFloat(0xC000), -2.0f);
  EXPECT_EQ(halfToFloat(0x0001), 0x1p-24f);
  EXPECT_EQ(halfToFloat(0x7BFF), 65504.0f);
  EXPECT_TRUE(std::isinf(halfToFloat(0x7C00)) && std::isnan(halfToFloat(0x7E00)));
}
