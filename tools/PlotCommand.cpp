// `dlc plot DIRS`: the curves of runs from their steps.csv, at the terminal or to a file.
#include "tools/Commands.h"

#include "runtime/Files.h"
#include "runtime/Progress.h"
#include "runtime/RunLog.h"
#include "runtime/pictures/DrawPicture.h"
#include "runtime/pictures/PictureText.h"

#include <cmath>
#include <cstdio>
#include <fmt/format.h>
#include <unistd.h>

namespace dlc {

namespace {
struct PlotArguments {
  std::vector<std::string> runs, columns;
  std::string save, log, title;
  double smooth = 0;
  int width = 800, height = 500;
};
} // namespace

static int fail(const std::string &text) {
  std::fprintf(stderr, "error: %s\n", text.c_str());
  return 1;
}

/// The running mean of numbers: each step keeps the share `smooth` of the mean before it. Begins unbiased.
static std::vector<double> smoothed(const std::vector<double> &values, double smooth) {
  std::vector<double> result;
  double sum = 0, weight = 0;
  for (double value : values) {
    if (std::isfinite(value)) {
      sum = smooth * sum + (1 - smooth) * value;
      weight = smooth * weight + (1 - smooth);
    }
    result.push_back(std::isfinite(value) ? sum / weight : value);
  }
  return result;
}

static int plot(const PlotArguments &arguments) {
  Picture picture;
  picture.title = arguments.title;
  picture.xLabel = "step";
  picture.yLabel = arguments.columns.size() == 1 ? arguments.columns[0] : "";
  picture.width = arguments.width;
  picture.height = arguments.height;
  picture.logX = arguments.log.find('x') != std::string::npos;
  picture.logY = arguments.log.find('y') != std::string::npos;
  for (const std::string &run : arguments.runs) {
    Result<RunLog> log = readRunLog(run);
    if (!log)
      return fail(log.error().str());
    for (const std::string &column : arguments.columns) {
      auto found = log->columns.find(column);
      if (found == log->columns.end()) {
        std::string text = run + " has no column `" + column + "`", near = nearestName(column, log->names), all;
        for (const std::string &name : log->names)
          all += (all.empty() ? "`" : ", `") + name + "`";
        return fail(text + (near.empty() ? ": it has " + all : ": did you mean `" + near + "`?"));
      }
      Series series;
      series.name = arguments.columns.size() == 1 ? run : arguments.runs.size() == 1 ? column : run + " " + column;
      series.x = log->steps;
      series.y = arguments.smooth > 0 ? smoothed(found->second, arguments.smooth) : found->second;
      picture.series.push_back(std::move(series));
    }
  }
  int64_t leftOut = leaveOutUndrawable(picture);
  if (isEmpty(picture))
    return fail("there is nothing to draw: no step has a number that has a place on the axes");
  if (leftOut > 0)
    std::fprintf(stderr, "warning: %lld numbers without a place on the axes are left out\n", (long long)(leftOut));
  if (arguments.save.empty()) {
    OutputSink sink = OutputSink::ofDescriptor(STDOUT_FILENO);
    sink.write(pictureText(picture, sink.terminal ? std::max(sink.width() - 1, 20) : 80, 20, showsUtf8(sink.terminal)));
    return 0;
  }
  Result<bool> drawn = drawPicture(picture, arguments.save);
  if (!drawn)
    return fail(drawn.error().str());
  return *drawn ? 0 : fail("pictures need gnuplot (Debian: gnuplot-nox); without --save they are drawn as text");
}

Action addPlotCommand(CLI::App &app) {
  CLI::App *command = app.add_subcommand("plot", "draw curves of runs from their logs (`log:` of a training)");
  auto arguments = std::make_shared<PlotArguments>();
  arguments->columns = {"loss"};
  command->add_option("runs", arguments->runs, "folders of runs, or their steps.csv")->required();
  command
      ->add_option("-y,--y", arguments->columns,
                   "what to draw: `loss`, `lr`, a report's name (repeatable; loss without it)")
      ->allow_extra_args(false);
  command->add_option("--save", arguments->save, "a file, .svg or .png, instead of the terminal")
      ->check(
          [](const std::string &file) { return isPictureName(file) ? "" : "a picture's name ends in .svg or .png"; });
  command->add_option("--log", arguments->log, "logarithmic axes: x, y or xy")->check(CLI::IsMember({"x", "y", "xy"}));
  command->add_option("--smooth", arguments->smooth, "share of the steps before in a running mean: 0.9")
      ->check(CLI::Range(0.0, 0.9999));
  command->add_option("--title", arguments->title, "a title");
  command->add_option("--width", arguments->width, "of a file, in pixels")->check(CLI::Range(100, 10'000));
  command->add_option("--height", arguments->height, "of a file, in pixels")->check(CLI::Range(100, 10'000));
  return [arguments] { return plot(*arguments); };
}

} // namespace dlc
