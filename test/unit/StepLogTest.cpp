// The logs of a run: lines that read back to the same bits, records that TensorBoard accepts, and going on after an
// interruption.
#include "runtime/StepLog.h"
#include "RuntimeTesting.h"

#include <cmath>
#include <cstring>

using namespace dlc;
using namespace dlc::testing;

/// The messages of an event file; its framing is checked.
static std::vector<std::string> eventsOf(const std::string &content) {
  auto masked = [](std::string_view bytes) {
    uint32_t crc = crc32c(bytes);
    return uint32_t((crc >> 15 | crc << 17) + 0xA282EAD8u);
  };
  auto word = [&](size_t at) {
    uint32_t value;
    std::memcpy(&value, content.data() + at, 4);
    return value;
  };
  std::vector<std::string> events;
  for (size_t at = 0; at < content.size();) {
    uint64_t length;
    std::memcpy(&length, content.data() + at, 8);
    EXPECT_EQ(word(at + 8), masked(std::string_view(content).substr(at, 8)));
    events.push_back(content.substr(at + 12, length));
    EXPECT_EQ(word(at + 12 + length), masked(events.back()));
    at += 16 + length;
  }
  return events;
}

static void logSteps(const std::string &folder, int64_t from, int64_t to, int64_t resumed) {
  auto log = StepLog::open(folder, {"accuracy"}, resumed);
  ASSERT_TRUE(log) << errorOf(log);
  for (int64_t step = from; step <= to; ++step) {
    float accuracy = float(step) / 3;
    log->step(step, 1.0f / float(step), 0.001f, {&accuracy, 1});
  }
  ASSERT_TRUE(log->flush());
}

TEST(StepLog, EachF32ReadsBackToTheSameBits) {
  TemporaryFolder folder;
  logSteps(folder / "a/b", 1, 200, 0); // the folder is made
  std::ifstream file(folder / "a/b/steps.csv");
  std::string line;
  std::getline(file, line);
  EXPECT_EQ(line, "step,loss,lr,accuracy");
  for (int step = 1; std::getline(file, line); ++step) {
    int number;
    float loss, rate, accuracy;
    ASSERT_EQ(std::sscanf(line.c_str(), "%d,%f,%f,%f", &number, &loss, &rate, &accuracy), 4);
    EXPECT_EQ(number, step);
    EXPECT_EQ(loss, 1.0f / float(step));
    EXPECT_EQ(rate, 0.001f);
    EXPECT_EQ(accuracy, float(step) / 3);
  }
}

TEST(StepLog, AnUnknownLearningRateIsAnEmptyCell) {
  TemporaryFolder folder;
  auto log = StepLog::open(folder.path, {}, 0);
  ASSERT_TRUE(log);
  log->step(1, 0.5f, NAN, {});
  ASSERT_TRUE(log->flush());
  EXPECT_EQ(contentOf(folder / "steps.csv"), "step,loss,lr\n1,0.5,\n");
}

TEST(StepLog, AValidationStandsInTheLineOfItsStep) {
  TemporaryFolder folder;
  auto log = StepLog::open(folder.path, {"accuracy"}, 0, true);
  ASSERT_TRUE(log);
  float accuracy = 0.5f;
  log->step(1, 4, 0.25f, {&accuracy, 1});
  log->step(2, 3, 0.25f, {&accuracy, 1});
  log->validation(2, {{"val.loss", 2.0}, {"val.accuracy", 0.75}});
  ASSERT_TRUE(log->flush());
  log->step(3, 1, 0.25f, {&accuracy, 1});
  ASSERT_TRUE(log->flush());
  EXPECT_EQ(contentOf(folder / "steps.csv"),
            "step,loss,lr,accuracy,val.loss,val.accuracy\n1,4,0.25,0.5,,\n2,3,0.25,0.5,2,0.75\n"
            "3,1,0.25,0.5,,\n");
}

TEST(StepLog, AResumedLogContinuesInsteadOfRepeating) {
  TemporaryFolder one, two;
  logSteps(one.path, 1, 10, 0);
  logSteps(two.path, 1, 7, 0); // was killed after step 7, its last checkpoint is of step 4
  std::ofstream(two / "steps.csv", std::ios::app) << "8,0.1"; // within a line
  std::ofstream(two / "events.out.tfevents.dlc", std::ios::app) << "\x20";
  logSteps(two.path, 5, 10, 4);
  EXPECT_EQ(contentOf(two / "steps.csv"), contentOf(one / "steps.csv"));
  auto ours = eventsOf(contentOf(two / "events.out.tfevents.dlc")),
       whole = eventsOf(contentOf(one / "events.out.tfevents.dlc"));
  ASSERT_EQ(ours.size(), whole.size());
  for (size_t i = 0; i < ours.size(); ++i)
    EXPECT_EQ(ours[i].substr(9), whole[i].substr(9)); // all but the time
}

TEST(StepLog, AFreshRunBeginsAnew) {
  TemporaryFolder folder;
  logSteps(folder.path, 1, 10, 0);
  logSteps(folder.path, 1, 2, 0);
  std::string content = contentOf(folder / "steps.csv");
  EXPECT_EQ(std::count(content.begin(), content.end(), '\n'), 3);
  EXPECT_EQ(eventsOf(contentOf(folder / "events.out.tfevents.dlc")).size(), 3u);
}

TEST(StepLog, AResumedLogOfOtherColumnsIsAnError) {
  TemporaryFolder folder;
  folder.write("steps.csv", "step,loss,lr,top1\n1,2,3,4\n");
  EXPECT_EQ(errorOf(StepLog::open(folder.path, {"accuracy"}, 1)),
            folder / "steps.csv" +
                ": its columns are `step,loss,lr,top1`, but the resumed run's are `step,loss,lr,accuracy`");
}

TEST(StepLog, WhereNothingCanBeWrittenIsAnError) {
  TemporaryFolder folder;
  folder.write("file", "");
  EXPECT_TRUE(
      errorOf(StepLog::open(folder / "file", {}, 0)).starts_with(folder / "file" + ": cannot make this folder: "));
  std::filesystem::create_directory(folder / "full");
  std::filesystem::create_symlink("/dev/full", folder / "full/steps.csv");
  auto log = StepLog::open(folder / "full", {}, 0);
  ASSERT_TRUE(log) << errorOf(log);
  log->step(1, 1, 1, {});
  EXPECT_EQ(errorOf(log->flush()), folder / "full/steps.csv" + ": cannot write it: No space left on device");
}

TEST(EventLog, RecordsAreTensorBoards) {
  EXPECT_EQ(crc32c("123456789"), 0xE3069283u); // the check value of CRC-32C
  TemporaryFolder folder;
  auto log = EventLog::open(folder.path, 0);
  ASSERT_TRUE(log) << errorOf(log);
  log->add(300, {{"loss", 0.5}});
  ASSERT_TRUE(log->flush());
  std::vector<std::string> events = eventsOf(contentOf(folder / "events.out.tfevents.dlc"));
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[0].substr(9), std::string("\x10\0\x1a\x0d"
                                             "brain.Event:2",
                                             17));
  // step = 300, summary { value { tag = "loss", simple_value = 0.5 } }
  EXPECT_EQ(events[1].substr(9), std::string("\x10\xAC\x02\x2A\x0D\x0A\x0B\x0A\x04loss\x15\0\0\0\x3F", 18));
}
