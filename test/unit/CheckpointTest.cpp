// Checkpoints: physical layouts go to dense tensors and back, what does not fit is listed, and a run's place is kept
// exactly.
#include "runtime/Checkpoint.h"
#include "RuntimeTesting.h"
#include "runtime/Arena.h"
#include "runtime/Safetensors.h"

#include <numeric>

using namespace dlc;
using namespace dlc::testing;

TEST(TensorSlot, TransposedAndPaddedSlotsAreDenseOutside) {
  // [2, 3], stored as its transposition with rows of 2 padded to 16.
  TensorSlot slot{"w", DType::F32, {2, 3}, 64, {1, 16}};
  std::vector<float> block(64 + 48, -1), dense = {1, 2, 3, 4, 5, 6}, back(6);
  packTensor(slot, dense.data(), block.data());
  EXPECT_EQ(block[16 + 0], 1);
  EXPECT_EQ(block[16 + 1], 4);
  EXPECT_EQ(block[16 + 16], 2);
  EXPECT_EQ(block[16 + 33], 6);
  EXPECT_EQ(block[16 + 2], -1) << "padding is not touched";
  unpackTensor(slot, block.data(), back.data());
  EXPECT_EQ(back, dense);
}

TEST(TensorSlot, EveryRankAndSize) {
  for (const std::vector<int64_t> &shape : {std::vector<int64_t>{}, {1}, {7}, {2, 3, 4}, {3, 0}, {1, 5, 1}}) {
    TensorSlot slot = denseSlot("x", DType::I64, shape, 128);
    if (shape.size() == 3) // rows padded
      slot.strides = {100, 10, 1};
    std::vector<int64_t> block(500, 0), dense(size_t(slot.elements())), back(dense.size());
    std::iota(dense.begin(), dense.end(), 1);
    packTensor(slot, dense.data(), block.data());
    unpackTensor(slot, block.data(), back.data());
    EXPECT_EQ(back, dense);
  }
}

TEST(TensorSlot, AnotherOrderOfAxesForEverySize) {
  for (DType dtype : {DType::F32, DType::F64, DType::BF16, DType::U8}) {
    size_t size = sizeOf(dtype);
    // A window's weights [4, 2, 3, 3] with the first axis innermost, in rows of 8.
    TensorSlot slot{"w", dtype, {4, 2, 3, 3}, 64, {1, 8, 48, 16}};
    std::vector<unsigned char> dense(72 * size), block(64 + 144 * size, 0xAA), back(dense.size());
    std::iota(dense.begin(), dense.end(), 1);
    packTensor(slot, dense.data(), block.data());
    // Element [3, 1, 2, 0] is at 69.
    size_t place = 64 + (3 * 1 + 1 * 8 + 2 * 48) * size;
    EXPECT_TRUE(std::equal(&block[place], &block[place + size], &dense[69 * size])) << nameOf(dtype);
    EXPECT_EQ(block[64 + 4 * size], 0xAA) << "padding is not touched";
    unpackTensor(slot, block.data(), back.data());
    EXPECT_EQ(back, dense) << nameOf(dtype);
    EXPECT_FALSE(slot.isDense());
    EXPECT_TRUE(denseSlot("w", dtype, {4, 2, 3, 3}, 64).isDense());
  }
}

TEST(TensorSlot, FillingRoundsToTheDtypeAndLeavesPadding) {
  for (DType dtype : {DType::F32, DType::F64, DType::BF16, DType::I32, DType::I64, DType::U8, DType::Bool}) {
    size_t size = sizeOf(dtype);
    TensorSlot slot{"m", dtype, {3, 5}, 64, {8, 1}};
    std::vector<unsigned char> block(64 + 24 * size, 0xAA), dense(15 * size);
    fillTensor(slot, 1.0, block.data());
    unpackTensor(slot, block.data(), dense.data());
    for (int64_t i = 0; i < 15; ++i)
      EXPECT_EQ(elementAsDouble(dtype, dense.data(), i), 1) << nameOf(dtype);
    EXPECT_EQ(block[63], 0xAA);
    EXPECT_EQ(block[64 + 5 * size], 0xAA) << "padding is not touched";
  }
  uint8_t byte = 0;
  setElement(DType::U8, &byte, 0, 1e9);
  EXPECT_EQ(byte, 255);
  int64_t whole = 0;
  setElement(DType::I64, &whole, 0, 1e300);
  EXPECT_EQ(whole, std::numeric_limits<int64_t>::max());
}

namespace {
class Checkpoint : public ::testing::Test {
protected:
  TemporaryFolder folder;
  std::vector<TensorSlot> params = {denseSlot("fc1.weight", DType::F32, {2, 3}, 0),
                                    denseSlot("fc1.bias", DType::F32, {2}, 128)};
  std::vector<TensorSlot> state = {denseSlot("m.fc1.weight", DType::F32, {2, 3}, 0),
                                   denseSlot("v.fc1.weight", DType::F32, {2, 3}, 64)};
  std::vector<float> block, stateBlock;

  void SetUp() override {
    params[0].strides = {1, 4}; // transposed
    block.resize(64);
    stateBlock.resize(64);
    std::vector<float> weight = {1, 2, 3, 4, 5, 6}, bias = {7, 8};
    packTensor(params[0], weight.data(), block.data());
    packTensor(params[1], bias.data(), block.data());
    for (size_t i = 0; i < 6; ++i)
      stateBlock[i] = stateBlock[16 + i] = float(i) / 7;
  }
};
} // namespace

TEST_F(Checkpoint, HoldsTheParametersUnderPyTorchsNames) {
  ASSERT_TRUE(saveCheckpoint(folder / "m", {params, block.data()}, {{"classes.kind", "[\"a\"]"}}));
  auto file = SafetensorsFile::read(folder / "m");
  ASSERT_TRUE(file) << errorOf(file);
  EXPECT_EQ(file->tensors().size(), 2u);
  EXPECT_EQ(file->find("fc1.weight")->bytes, bytesOf(std::vector<float>{1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(file->metadata().at("format"), "pt");
  EXPECT_EQ(file->metadata().at("classes.kind"), "[\"a\"]");
  std::vector<float> loaded(64, 0);
  ASSERT_TRUE(loadCheckpoint(folder / "m", {params, loaded.data()}));
  EXPECT_EQ(loaded, block);
}

TEST_F(Checkpoint, AllThatDoesNotFitIsListed) {
  std::string six = bytesOf(std::vector<float>(6, 1)), wide = bytesOf(std::vector<double>{1, 1e300});
  ASSERT_TRUE(writeSafetensors(folder / "m",
                               {{"fc1.wieght", DType::F32, {2, 3}, six}, {"fc1.bias", DType::F32, {3, 2}, six}}, {}));
  std::vector<float> before = block;
  EXPECT_EQ(errorOf(loadCheckpoint(folder / "m", {params, block.data()})),
            folder / "m" + ": does not fit the model\n"
                           "  `fc1.bias` is f32[3, 2] in the file, but f32[2] in the model\n"
                           "  `fc1.weight` (f32[2, 3]) is missing; the file has `fc1.wieght`\n"
                           "  `fc1.wieght` (f32[2, 3]) is not in the model");
  ASSERT_TRUE(writeSafetensors(folder / "m",
                               {{"fc1.weight", DType::F32, {2, 3}, six}, {"fc1.bias", DType::F64, {2}, wide}}, {}));
  EXPECT_EQ(errorOf(loadCheckpoint(folder / "m", {params, block.data()})),
            folder / "m" + ": does not fit the model\n  `fc1.bias` is f64[2] in the file, and its 1e+300 does not "
                           "fit the model's f32[2]");
  EXPECT_EQ(block, before) << "nothing was changed";
}

TEST_F(Checkpoint, LongerFloatsAreRounded) {
  std::string six = bytesOf(std::vector<double>{1, 2, 3, 4, 5, 0.1}), two = bytesOf(std::vector<double>{1, 2});
  ASSERT_TRUE(writeSafetensors(folder / "m",
                               {{"fc1.weight", DType::F64, {2, 3}, six}, {"fc1.bias", DType::F64, {2}, two}}, {}));
  std::string rounded;
  ASSERT_TRUE(loadCheckpoint(folder / "m", {params, block.data()}, &rounded));
  EXPECT_EQ(rounded, folder / "m" + ": weights are rounded: `fc1.weight` from f64 to f32");
}

TEST_F(Checkpoint, ShorterFloatsAndPyTorchsCountersLoad) {
  std::string half = bytesOf(std::vector<uint16_t>{0x3F80, 0x4000, 0x4040, 0x4080, 0x40A0, 0x40C0}),
              two = bytesOf(std::vector<float>{9, 10}), one = bytesOf(std::vector<int64_t>{3});
  ASSERT_TRUE(writeSafetensors(folder / "m",
                               {{"fc1.weight", DType::BF16, {2, 3}, half},
                                {"fc1.bias", DType::F32, {2}, two},
                                {"bn.num_batches_tracked", DType::I64, {}, one}},
                               {}));
  ASSERT_TRUE(loadCheckpoint(folder / "m", {params, block.data()}));
  EXPECT_EQ(block[8], 3); // [0, 2], transposed
  EXPECT_EQ(block[33], 10);
}

TEST_F(Checkpoint, WhatFitsIsTakenAndWhatIsLeftIsSaid) {
  std::string six = bytesOf(std::vector<float>{9, 8, 7, 6, 5, 4}), three = bytesOf(std::vector<float>(3, 1));
  ASSERT_TRUE(writeSafetensors(folder / "m",
                               {{"fc1.weight", DType::F32, {2, 3}, six}, {"fc1.bias", DType::F32, {3}, three}}, {}));
  Result<PartialLoad> loaded = loadPartial(folder / "m", {params, block.data()});
  ASSERT_TRUE(loaded) << errorOf(loaded);
  EXPECT_EQ(loaded->filled, (std::vector<bool>{true, false}));
  EXPECT_EQ(loaded->left, std::vector<std::string>{"`fc1.bias` is f32[3] in the file, but f32[2] in the model"});
  EXPECT_EQ(block[8], 7); // [0, 2], transposed
  EXPECT_EQ(block[33], 8) << "left as it was";
  ASSERT_TRUE(writeSafetensors(folder / "m", {{"fc1.bias", DType::F32, {3}, three}}, {}));
  EXPECT_EQ(errorOf(loadPartial(folder / "m", {params, block.data()})),
            folder / "m" + ": has nothing that fits the model\n"
                           "  `fc1.bias` is f32[3] in the file, but f32[2] in the model\n"
                           "  `fc1.weight` (f32[2, 3]) is missing");
}

TEST_F(Checkpoint, StandInsAreRoundedToWhatTheyReplace) {
  std::vector<TensorSlot> short_ = {denseSlot("w", DType::BF16, {2, 3}, 0), denseSlot("b", DType::F32, {1}, 64)};
  std::vector<float> zeros(32, 0), loaded(32, 0);
  state[1].strides = {1, 2};
  ASSERT_TRUE(saveCheckpoint(folder / "m", {short_, zeros.data()}, {}, {{{0, &state[1]}}, stateBlock.data()}));
  ASSERT_TRUE(loadCheckpoint(folder / "m", {short_, loaded.data()}));
  EXPECT_EQ(elementAsDouble(DType::BF16, loaded.data(), 1), double(bf16ToFloat(floatToBf16(stateBlock[18]))));
  EXPECT_EQ(loaded[16], 0);
}

TEST_F(Checkpoint, ALongListOfProblemsIsCut) {
  std::vector<TensorSlot> many;
  for (int i = 0; i < 50; ++i)
    many.push_back(denseSlot("layer" + std::to_string(i), DType::F32, {1}, size_t(64 * i)));
  ASSERT_TRUE(writeSafetensors(folder / "m", {}, {}));
  std::vector<float> memory(1000);
  std::string error = errorOf(loadCheckpoint(folder / "m", {many, memory.data()}));
  EXPECT_EQ(std::count(error.begin(), error.end(), '\n'), 13);
  EXPECT_TRUE(error.ends_with("\n  and 38 more"));
}

TEST_F(Checkpoint, TheResumeFileKeepsStateAndPlaceExactly) {
  RunPosition at{3, 17, 1234567, ~uint64_t(0), 64, 4, true, 0.1, 2, 999, {1.0 / 3, 2e300, -0.0}, 12.5};
  ASSERT_TRUE(saveResume(folder / "m.resume", {params, block.data()}, {state, stateBlock.data()}, at));
  std::vector<float> loaded(64, 0), loadedState(64, 0);
  auto back = loadResume(folder / "m.resume", {params, loaded.data()}, {state, loadedState.data()});
  ASSERT_TRUE(back) << errorOf(back);
  EXPECT_EQ(loaded, block);
  EXPECT_EQ(loadedState, stateBlock);
  EXPECT_EQ(back->epoch, at.epoch);
  EXPECT_EQ(back->stepInEpoch, at.stepInEpoch);
  EXPECT_EQ(back->step, at.step);
  EXPECT_EQ(back->seed, at.seed);
  EXPECT_EQ(back->batch, at.batch);
  EXPECT_EQ(back->accumulate, at.accumulate);
  EXPECT_EQ(back->hasBest, true);
  EXPECT_EQ(back->best, at.best);
  EXPECT_EQ(back->bestAt, at.bestAt);
  EXPECT_EQ(back->sumExamples, at.sumExamples);
  EXPECT_EQ(back->sums, at.sums);
  EXPECT_EQ(back->seconds, at.seconds);
}

TEST_F(Checkpoint, APlainCheckpointIsNoResumeFile) {
  ASSERT_TRUE(saveCheckpoint(folder / "m", {params, block.data()}));
  std::string error = errorOf(loadResume(folder / "m", {params, block.data()}, {state, stateBlock.data()}));
  EXPECT_NE(error.find("does not say where a run stood"), std::string::npos) << error;
}

TEST_F(Checkpoint, APlaceOutOfRangeIsADamagedFile) {
  for (const char *key : {"epoch", "step_in_epoch", "step", "batch", "accumulate", "best_at", "sum_examples"})
    for (const char *value : {"18446744073709551615", "9223372036854775807", "99999999999999999999", "-1", " 1", ""}) {
      RunPosition at;
      ASSERT_TRUE(saveResume(folder / "r", {{}, nullptr}, {{}, nullptr}, at));
      auto file = SafetensorsFile::read(folder / "r");
      ASSERT_TRUE(file);
      std::map<std::string, std::string> metadata = file->metadata();
      metadata[key] = value;
      ASSERT_TRUE(writeSafetensors(folder / "r", {}, metadata));
      std::string error = errorOf(loadResume(folder / "r", {{}, nullptr}, {{}, nullptr}));
      EXPECT_NE(error.find("(`" + std::string(key) + "` of its metadata)"), std::string::npos)
          << value << ": " << error;
    }
}

TEST_F(Checkpoint, AStateOfAnotherOptimizerIsAnError) {
  ASSERT_TRUE(saveResume(folder / "r", {params, block.data()}, {{}, nullptr}, {}));
  std::string error = errorOf(loadResume(folder / "r", {params, block.data()}, {state, stateBlock.data()}));
  EXPECT_NE(error.find("`optimizer/m.fc1.weight` (f32[2, 3]) is missing"), std::string::npos) << error;
}
