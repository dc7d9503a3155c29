// What training shows: a live line at a terminal, a plain line a period when piped.
#include "runtime/Progress.h"
#include "RuntimeTesting.h"

#include <cmath>
#include <thread>

using namespace dlc;

/// A sink that keeps what is written.
static OutputSink captured(std::string &text, bool terminal, int width = 100) {
  OutputSink sink;
  sink.write = [&text](std::string_view piece) { text += piece; };
  sink.terminal = terminal;
  sink.width = [width] { return width; };
  return sink;
}

TEST(Progress, MetricsReadWell) {
  EXPECT_EQ(formatMetric("loss", 0.12345), "0.1235");
  EXPECT_EQ(formatMetric("loss", 12.5), "12.5000");
  EXPECT_EQ(formatMetric("loss", 0.00123456), "0.001235");
  EXPECT_EQ(formatMetric("loss", 1.5e-7), "1.500e-07");
  EXPECT_EQ(formatMetric("loss", 0), "0.0000");
  EXPECT_EQ(formatMetric("loss", NAN), "nan");
  EXPECT_EQ(formatMetric("accuracy", 0.97123), "97.1 %");
  EXPECT_EQ(formatMetric("val.accuracy", 1), "100.0 %");
  EXPECT_EQ(formatMetric("error_rate", 0.029), "2.9 %");
  EXPECT_EQ(formatMetric("top", 4.014), "4.0140");
  EXPECT_EQ(formatMetric("val.top5", 0.9), "0.9000");
}

TEST(Progress, PipedThereIsOneLineAPeriod) {
  std::string text;
  Progress progress(captured(text, false), "epoch", 2);
  progress.update({1, 5, 10, {{"loss", 1}}, 100, 3});
  EXPECT_EQ(text, "");
  EXPECT_FALSE(progress.due());
  progress.finishPeriod(1, {{"loss", 0.5}, {"accuracy", 0.9}, {"val.loss", 0.25}}, 2.345);
  EXPECT_EQ(text, "epoch 1/2  loss 0.5000  accuracy 90.0 %  val.loss 0.2500  2.35 s\n");
}

TEST(Progress, ATerminalHasALiveLineWithABar) {
  std::string text;
  Progress progress(captured(text, true), "epoch", 5);
  progress.update({2, 30, 60, {{"loss", 0.1234}, {"accuracy", 0.971}}, 152000, 2.5});
  EXPECT_EQ(
      text,
      "\repoch 2/5 [=============>             ]  loss 0.1234  accuracy 97.1 %  152,000 samples/s  0:03 left\x1b[K");
  text.clear();
  progress.finishPeriod(2, {{"loss", 0.1}}, 12.3);
  EXPECT_EQ(text, "\r\x1b[Kepoch 2/5  loss 0.1000  12.3 s\n");
}

TEST(Progress, TheLiveLineFitsTheWindow) {
  for (int width : {1, 10, 40, 79, 200}) {
    std::string text;
    Progress progress(captured(text, true, width), "epoch", 5);
    progress.update({2, 60, 60, {{"loss", 0.1234}, {"accuracy", 0.971}}, 1e6, 4000});
    std::string line = text.substr(1, text.size() - 4);
    EXPECT_LT(int(line.size()), std::max(width, 2)) << line;
    if (width == 200) {
      EXPECT_EQ(line, "epoch 2/5 [==============================]  loss 0.1234  accuracy 97.1 %  1,000,000 samples/s  "
                      "1:06:40 left");
    }
  }
}

TEST(Progress, IsRewrittenAtMostTwentyTimesASecond) {
  std::string text;
  Progress progress(captured(text, true), "step", 100000);
  auto begin = std::chrono::steady_clock::now();
  double seconds = 0;
  for (int i = 0; seconds < 0.12; ++i) {
    progress.update({i, i, 100000, {{"loss", 1}}, -1, -1});
    seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  }
  auto lines = std::count(text.begin(), text.end(), '\r');
  EXPECT_GE(lines, 2);
  EXPECT_LE(double(lines), seconds * 20 + 1);
}

TEST(Progress, ANoteStandsOnALineOfItsOwn) {
  std::string text;
  Progress progress(captured(text, true), "step", 10);
  progress.update({1, 1, 10, {}, -1, -1});
  text.clear();
  progress.note("interrupted");
  EXPECT_EQ(text, "\r\x1b[Kinterrupted\n");
}

TEST(Progress, TheLineShowsTheCourseOfTheLossAndTheLastValidation) {
  std::string text;
  OutputSink sink = captured(text, true);
  sink.utf8 = true;
  Progress progress(sink, "epoch", 3);
  progress.finishPeriod(1, {{"loss", 4}, {"val.loss", 2}}, 1);
  for (double loss : {4, 3, 2, 1}) {
    text.clear();
    std::this_thread::sleep_for(std::chrono::milliseconds(55));
    progress.update({2, 5, 10, {{"loss", loss}}, 1000, 3});
  }
  EXPECT_EQ(text, "\repoch 2/3 [=======>       ]  loss 1.0000  █▆▃▁          val.loss 2.0000  1,000 samples/s  0:03 "
                  "left\x1b[K");
  text.clear();
  sink.width = [] { return 60; };
  Progress narrow(sink, "epoch", 3);
  narrow.finishPeriod(1, {{"loss", 4}, {"val.loss", 2}}, 1);
  text.clear();
  narrow.update({2, 5, 10, {{"loss", 4}}, 1000, 3}); // the validation goes first
  EXPECT_EQ(text, "\repoch 2/3 [===>  ]  loss 4.0000  1,000 samples/s  0:03 left\x1b[K");
}

TEST(Progress, ShortPeriodsAreNotAllShown) {
  std::string text;
  auto run = [&](bool terminal, int periods, int total) {
    text.clear();
    Progress progress(captured(text, terminal), "epoch", total);
    for (int i = 1; i <= periods; ++i)
      progress.finishPeriod(i, {}, 0.0008);
  };
  run(true, 7, 1000);
  EXPECT_EQ(text, "epoch 1/1000  0.8 ms\nepoch 7/1000  0.8 ms\n"); // the last one always
  run(false, 25, 1000);
  EXPECT_EQ(text, "epoch 1/1000  0.8 ms\nepoch 10/1000  0.8 ms\nepoch 20/1000  0.8 ms\nepoch 25/1000  0.8 ms\n");
  run(false, 100, 100);
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 100);
}

TEST(Progress, ShortTimesAreMilliseconds) {
  EXPECT_EQ(formatSeconds(12.34), "12.3 s");
  EXPECT_EQ(formatSeconds(0.0123), "0.01 s");
  EXPECT_EQ(formatSeconds(0.00075), "0.8 ms");
  EXPECT_EQ(formatSeconds(0.00004), "0.04 ms");
}
