// Pictures that are drawn: what is left out, thinned and counted, the scripts for gnuplot as texts, text for terminals, PNG,
// and gnuplot itself in the shape of scripts that fail, hang or write nothing.
#include "RuntimeTesting.h"
#include "runtime/pictures/DrawPicture.h"
#include "runtime/pictures/Gnuplot.h"
#include "runtime/pictures/GnuplotScript.h"
#include "runtime/pictures/PictureText.h"
#include "runtime/pictures/Thin.h"
#include "runtime/pictures/TileSheet.h"
#include "runtime/pictures/WritePng.h"

#include <cmath>
#include <sys/stat.h>

using namespace dlc;
using dlc::testing::contentOf;
using dlc::testing::TemporaryFolder;

static Series series(std::vector<double> x, std::vector<double> y, Series::Kind kind = Series::Kind::Line) {
  Series made;
  made.kind = kind;
  made.x = std::move(x);
  made.y = std::move(y);
  return made;
}

static Picture of(std::vector<Series> list) {
  Picture picture;
  picture.series = std::move(list);
  return picture;
}

/// The path, while it lives, is one folder with a `gnuplot` of this text ("": none).
class FakeGnuplot {
public:
  explicit FakeGnuplot(const std::string &script) : before(std::getenv("PATH")) {
    if (!script.empty())
      ::chmod(folder.write("gnuplot", "#!/bin/sh\n" + script).c_str(), 0755);
    ::setenv("PATH", folder.path.c_str(), 1);
  }
  ~FakeGnuplot() { ::setenv("PATH", before.c_str(), 1); }
  FakeGnuplot(const FakeGnuplot &) = delete;

private:
  TemporaryFolder folder;
  std::string before;
};

//===-- Data ------------------------------------------------------------------------------------------------------------===//

TEST(Drawing, WhatHasNoPlaceIsLeftOutAndCounted) {
  Picture line = of({series({0, 1, 2, 3}, {1, NAN, INFINITY, 4})});
  EXPECT_EQ(leaveOutUndrawable(line), 2);
  EXPECT_EQ(line.series[0].x.size(), 4u); // gaps
  EXPECT_TRUE(std::isnan(line.series[0].x[1]) && std::isnan(line.series[0].y[2]));
  EXPECT_FALSE(isEmpty(line));

  Picture points = of({series({0, NAN, 2}, {1, 2, 3}, Series::Kind::Points)});
  EXPECT_EQ(leaveOutUndrawable(points), 1);
  EXPECT_EQ(points.series[0].x, (std::vector<double>{0, 2}));

  Picture logarithmic = of({series({0, 1, 2}, {1, -1, 3})});
  logarithmic.logX = logarithmic.logY = true;
  EXPECT_EQ(leaveOutUndrawable(logarithmic), 2);

  Picture band = of({series({0, 1}, {1, 2})});
  band.series[0].low = {0.5, NAN};
  band.series[0].high = {1.5, 3};
  EXPECT_EQ(leaveOutUndrawable(band), 1);
  EXPECT_EQ(band.series[0].y[1], 2); // the line stays

  Picture nothing = of({series({0, 1}, {NAN, NAN})});
  leaveOutUndrawable(nothing);
  EXPECT_TRUE(isEmpty(nothing));
  EXPECT_TRUE(isEmpty(Picture()));
}

TEST(Drawing, TicksAreRound) {
  EXPECT_EQ(ticks({0, 10}, 6, false), (std::vector<double>{0, 2, 4, 6, 8, 10}));
  EXPECT_EQ(ticks({-1, 1}, 3, false), (std::vector<double>{-1, 0, 1}));
  EXPECT_EQ(ticks({0.001, 1000}, 10, true), (std::vector<double>{0.001, 0.01, 0.1, 1, 10, 100, 1000}));
  EXPECT_EQ(ticks({5, 5}, 4, false), (std::vector<double>{5}));
  EXPECT_LE(ticks({1e16, 1e16 + 4}, 6, false).size(), 6u); // closer than doubles are there
  EXPECT_TRUE(ticks(Extent(), 4, false).empty());
  EXPECT_EQ(ticks({1, 3}, 8, false), (std::vector<double>{1, 1.5, 2, 2.5, 3}));
  EXPECT_EQ(ticks({1, 3}, 8, false, true), (std::vector<double>{1, 2, 3}));
  EXPECT_EQ(tickTexts({0, 0.25, 0.5}, false), (std::vector<std::string>{"0.0", "0.2", "0.5"}));
  EXPECT_EQ(tickTexts({0, 1e7, 2e7}, false), (std::vector<std::string>{"0", "1e+07", "2e+07"}));
}

TEST(Drawing, AHistogramCountsEachFiniteValueOnce) {
  Extent extent;
  std::vector<double> values = {0, 0.5, 1, 1, NAN, 4};
  for (double value : values)
    extent.include(value);
  Series counts = histogramOf(values, extent, 4);
  EXPECT_EQ(counts.y, (std::vector<double>{2, 2, 0, 1}));
  EXPECT_EQ(counts.x, (std::vector<double>{0.5, 1.5, 2.5, 3.5}));
  EXPECT_EQ(counts.width, 1);
  Series same = histogramOf({3, 3, 3}, {3, 3}, 3);
  EXPECT_EQ(same.y, (std::vector<double>{0, 3, 0}));
  EXPECT_TRUE(histogramOf({}, Extent(), 3).x.empty());
}

TEST(Drawing, AMillionPointsBecomeFewWithTheSameExtremes) {
  Series line;
  for (int i = 0; i < 1'000'000; ++i) {
    line.x.push_back(i);
    line.y.push_back(i == 123'456 ? 100 : i == 654'321 ? -50 : std::sin(i * 0.01));
  }
  Picture thin = thinned(of({line}), 400, 250);
  EXPECT_LE(thin.series[0].x.size(), 1600u);
  Extent y = extentOfY(thin);
  EXPECT_EQ(y.high, 100);
  EXPECT_EQ(y.low, -50);
  EXPECT_EQ(thin.series[0].x.front(), 0);
  EXPECT_EQ(thin.series[0].x.back(), 999'999);
  EXPECT_TRUE(std::is_sorted(thin.series[0].x.begin(), thin.series[0].x.end()));

  line.kind = Series::Kind::Points;
  Picture points = thinned(of({line}), 40, 25);
  EXPECT_LE(points.series[0].x.size(), 1000u);

  Series circle; // not a function of x
  for (int i = 0; i <= 100'000; ++i) {
    circle.x.push_back(std::cos(i * 1e-3));
    circle.y.push_back(std::sin(i * 1e-3));
  }
  EXPECT_LE(thinned(of({circle}), 40, 25).series[0].x.size(), 100'000u / 10);

  Series gaps = series({0, 1, NAN, NAN, 4, 5}, {0, 1, NAN, NAN, 4, 5});
  EXPECT_EQ(thinned(of({gaps}), 3, 3).series[0].x.size(), 5u);
}

TEST(Drawing, AThinnedBandKeepsItsExtremes) {
  Series line;
  for (int i = 0; i < 1000; ++i) {
    line.x.push_back(i);
    line.y.push_back(0);
    line.low.push_back(i == 501 ? -9 : -1);
    line.high.push_back(i == 502 ? 7 : 1);
  }
  Extent y = extentOfY(thinned(of({line}), 10, 10));
  EXPECT_EQ(y.low, -9);
  EXPECT_EQ(y.high, 7);
}

TEST(Drawing, ALargeGridBecomesMeans) {
  Picture picture;
  Grid grid;
  grid.rows = 4;
  grid.columns = 2;
  grid.values = {1, 2, 3, 4, 5, NAN, 7, 8};
  picture.grid = grid;
  Picture thin = thinned(picture, 2, 2);
  EXPECT_EQ(thin.grid->values, (std::vector<double>{2, 3, 6, 8}));
  EXPECT_EQ(thin.grid->rowHeight, 2);
}

//===-- Scripts ---------------------------------------------------------------------------------------------------------===//

TEST(Drawing, ABandIsAScript) {
  Picture picture = of({series({0, 1, NAN, 3, 4}, {1, 2, NAN, 4, 4})});
  picture.series[0].low = {0.5, 1.5, NAN, 3.5, 4};
  picture.series[0].high = {1.5, 2.5, NAN, 4.5, 4};
  picture.title = "wave";
  EXPECT_EQ(gnuplotScript(picture, "svg", "a.svg"), R"(set encoding utf8
set terminal svg noenhanced size 800,500 font 'sans-serif,14' background rgb '#ffffff'
set output "./a.svg"
set title "wave"
set border 3 lc rgb '#444444'
set tics nomirror out
set grid lc rgb '#dddddd' lt 1 lw 0.7
set xtics 1
set ytics 1
set autoscale xfix
set key off
set rmargin 4
$d0 << EOD
0 1 0.5 1.5
1 2 1.5 2.5

3 4 3.5 4.5
4 4 4 4
EOD
plot $d0 using 1:3:4 with filledcurves fs transparent solid 0.25 noborder lc rgb '#0072B2' notitle, $d0 using 1:2 with lines lw 2 dt 1 lc rgb '#0072B2' notitle
unset output
)");
}

TEST(Drawing, APointBetweenGapsIsDrawn) {
  Picture picture = of({series({0, 1, NAN, 3, NAN, 5, 6}, {1, 2, NAN, 4, NAN, 6, 7})});
  std::string script = gnuplotScript(picture, "svg", "a.svg");
  EXPECT_NE(script.find("$p0 << EOD\n3 4\nEOD\n"), std::string::npos) << script;
  EXPECT_NE(script.find("plot $p0 using 1:2 with points pt 7"), std::string::npos) << script;
  EXPECT_EQ(gnuplotScript(of({series({0, 1}, {1, 2})}), "svg", "a.svg").find("$p0"), std::string::npos);
}

TEST(Drawing, WhatIsNoTextIsShownAsSuch) {
  EXPECT_EQ(printable("aé€😀\x1b[31m\n"), "aé€😀 [31m ");
  EXPECT_EQ(printable("\xff\xc3(\xe2\x82|\xed\xa0\x80|\xc0\xaf|\xf4\x90\x80\x80"), "?\?(?\?|?\?\?|?\?|?\?\?\?");
  EXPECT_EQ(gnuplotQuoted("\xff'"), "\"?'\"");
  EXPECT_EQ(fitted("a\x1b\xff", 5), "a ?  ");
}

TEST(Drawing, NoTextIsACommand) {
  EXPECT_EQ(gnuplotQuoted("'it's"), "\"'it's\"");
  EXPECT_EQ(gnuplotQuoted("a\nsystem \"rm\"\r\t\x7f"), R"("a system \"rm\"   ")");
  EXPECT_EQ(gnuplotQuoted("`1@a\\"), R"("\1401\100a\\")");
  Picture picture = of({series({0, 1}, {1, 2}, Series::Kind::Bars)});
  picture.names = {"`date`", "'; !ls\n%s"};
  picture.title = picture.xLabel = picture.yLabel = picture.series[0].name = "'\n!touch x\n'";
  std::string script = gnuplotScript(picture, "png", "| rm");
  EXPECT_NE(script.find("set output \"./| rm\""), std::string::npos) << script;
  EXPECT_NE(script.find(R"(("\140date\140" 0, "'; !ls %%s" 1))"), std::string::npos) << script;
  EXPECT_EQ(script.find("\n!"), std::string::npos) << script;
}

TEST(Drawing, NumbersInCellsAreShortOrLeftOut) {
  Picture picture;
  picture.width = picture.height = 600;
  picture.grid = {2, 2, {0.99, 4.63e-05, 0.5, 0.25}, {}, {}, true};
  std::string script = gnuplotScript(picture, "svg", "a.svg");
  EXPECT_NE(script.find("4.63e-05 0.000\n"), std::string::npos) << script;
  EXPECT_NE(script.find("strcol(4)"), std::string::npos) << script;
  picture.grid->rows = picture.grid->columns = 60;
  picture.grid->values.assign(3600, 0.123);
  script = gnuplotScript(picture, "svg", "a.svg");
  EXPECT_EQ(script.find("strcol(4)"), std::string::npos) << script;
}

TEST(Drawing, GnuplotDrawsEachKind) {
  Result<bool> there = runGnuplot("set encoding utf8\n");
  ASSERT_TRUE(there) << dlc::testing::errorOf(there);
  if (!*there)
    GTEST_SKIP() << "there is no gnuplot";
  TemporaryFolder folder;
  Picture curves = of({series({0, 1, 2}, {1, 3, 2}), series({1}, {1})}),
          bars = of({series({0, 1, 2, 3}, {1, -2, 3, 4}, Series::Kind::Bars)});
  curves.title = "'it's' ''so'' `date` \"x\" %s @x \\ $HOME {/Bold a}_1^2 & ~ é";
  curves.series[0].name = curves.xLabel = curves.yLabel = curves.title;
  bars.names = {"'it's 100%", "%s%n", "'", "\\"};
  Picture points = of({series({1, 2}, {1, 2}, Series::Kind::Points)}), scale = points, logarithmic = curves,
          flat = of({series({0, 1}, {2, 2})});
  scale.series[0].scale = {1, 2};
  logarithmic.logX = logarithmic.logY = true;
  leaveOutUndrawable(logarithmic);
  Picture grid, row, large, images;
  grid.grid = {2, 2, {1, 2, NAN, 4}, {"a", "b"}, {"it's", "%d"}, true};
  row.grid = {1, 3, {1, 2, 3}, {}, {}, false};
  large.grid = {50, 60, std::vector<double>(3000, 1), {}, {}, false};
  images.tiles = {{2, 2, 1, {0, 255, 128, 3}, "<one> & it's"}, {1, 1, 3, {1, 2, 3}, ""}};
  int number = 0;
  for (const Picture &picture : {curves, bars, points, scale, logarithmic, flat, grid, row, large, images})
    for (const char *kind : {"svg", "png"}) {
      std::string file = folder / ("it's " + std::to_string(number++) + "." + kind);
      Result<bool> drawn = drawPicture(picture, file);
      ASSERT_TRUE(drawn) << drawn.error().str();
      EXPECT_TRUE(*drawn);
      std::string content = contentOf(file);
      EXPECT_EQ(content.substr(0, 4), kind == std::string("png") ? "\x89PNG" : "<?xm") << number;
      EXPECT_TRUE(kind == std::string("png") || content.find("</svg>") != std::string::npos);
      if (!picture.title.empty() && kind == std::string("svg"))
        EXPECT_NE(content.find("'it's' ''so'' `date` \"x\" %s @x \\ $HOME {/Bold a}_1^2 &amp; ~ é"), std::string::npos)
            << content;
    }
  EXPECT_EQ(folder.files().size(), size_t(number)); // nothing else is left
}

TEST(Drawing, AGnuplotThatFailsIsAnError) {
  TemporaryFolder folder;
  Picture picture = of({series({0, 1}, {1, 2})});
  std::string file = folder / "a.svg";
  {
    FakeGnuplot none("");
    Result<bool> drawn = drawPicture(picture, file);
    ASSERT_TRUE(drawn);
    EXPECT_FALSE(*drawn);
  }
  auto fails = [&](const std::string &script, const std::string &message) {
    FakeGnuplot fake(script);
    Result<bool> drawn = drawPicture(picture, file);
    ASSERT_FALSE(drawn) << script;
    EXPECT_EQ(drawn.error().str(), message);
  };
  fails("echo 'gnuplot> plot' >&2; echo '         line 3: all is lost' >&2; echo >&2; exit 1\n",
        "gnuplot failed: line 3: all is lost");
  fails("exit 3\n", "gnuplot failed: it ended without a word");
  fails("kill -9 $$\n", "gnuplot failed: it ended without a word");
  fails("exit 0\n", "gnuplot wrote nothing");
  // As where the disk is full.
  fails(
      "while read -r line; do case \"$line\" in \"set output\"*) f=${line#*[\\\"\\']}; f=${f%[\\\"\\']};; esac; done\n"
      "echo '<svg>' > \"$f\"\n",
      "gnuplot wrote a part of it");
  EXPECT_TRUE(folder.files().empty());
  std::string nowhere = folder / "no/a.svg";
  FakeGnuplot fake("exit 0\n");
  Result<bool> drawn = drawPicture(picture, nowhere);
  ASSERT_FALSE(drawn);
  EXPECT_EQ(drawn.error().str(), nowhere + ": cannot write it: No such file or directory");
}

TEST(Drawing, AGnuplotThatHangsIsEnded) {
  std::string script(1 << 20, '#'); // more than a socket holds
  for (const char *text : {"exec /bin/sleep 20\n", "exec 2>&-; exec /bin/sleep 20\n"}) {
    FakeGnuplot fake(text);
    auto begin = std::chrono::steady_clock::now();
    Result<bool> ran = runGnuplot(script, std::chrono::milliseconds(300));
    ASSERT_FALSE(ran);
    EXPECT_EQ(ran.error().str(), "gnuplot was ended: it took longer than 0 s");
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(10));
  }
}

//===-- Text --------------------------------------------------------------------------------------------------------------===//

TEST(Drawing, ALineIsBrailleOrLetters) {
  Picture picture = of({series({0, 1, 2, 3}, {0, 1, 2, 3})});
  picture.title = "up";
  picture.xLabel = "x";
  EXPECT_EQ(pictureText(picture, 16, 4, true), R"(       up
  │         ⢀⡠⠔⠊
2 ┤      ⢀⡠⠔⠉
  │   ⣀⠔⠊⠁
0 ┤⡠⠔⠊⠁
  └─────────────
   0       2
         x
)");
  picture.series.push_back(series({0, 3}, {3, 3}));
  picture.series[0].name = "first";
  picture.series[1].name = "second";
  EXPECT_EQ(pictureText(picture, 24, 4, false), R"(           up
  |+++++++++++++++++++++
2 +          *******
  |    *******
0 +****
  +---------------------
   0            2
             x
   * first   + second
)");
}

TEST(Drawing, BarsAreLines) {
  Picture picture = of({series({0, 1, 2}, {2, -1, 0.5}, Series::Kind::Bars)});
  picture.names = {"a", "bird", "é"};
  EXPECT_EQ(pictureText(picture, 20, 4, true), R"(   a │   ██████▋ 2
bird │███        -1
   é │   █▋      0.5
)");
  EXPECT_EQ(pictureText(picture, 20, 4, false), R"(   a |   ####### 2
bird |###        -1
   é |   ##      0.5
)");
}

TEST(Drawing, CellsAreATableOrLetters) {
  Picture picture;
  picture.grid = {2, 2, {12, 3, 0, NAN}, {"cat", "dog"}, {"cat", "dog"}, true};
  picture.xLabel = "guess";
  picture.yLabel = "label";
  EXPECT_EQ(pictureText(picture, 80, 4, true), R"(rows: label, columns: guess
     cat  dog
cat   12    3
dog    0    -
)");
  picture.grid = {2, 4, {0, 1, 2, 3, 3, 2, 1, 0}, {}, {}, false};
  picture.xLabel = picture.yLabel = "";
  EXPECT_EQ(pictureText(picture, 8, 4, true), R"(  --**@@
@@**--
from 0 (blank) to 3 (@)
)");
  Picture images;
  images.tiles = {{2, 4, 1, {0, 80, 160, 255, 0, 80, 160, 255}, "ramp"}};
  EXPECT_EQ(pictureText(images, 80, 4, true), "ramp\n -*@\n");
}

TEST(Drawing, ASparklineShowsTheCourse) {
  EXPECT_EQ(sparkline({4, 3, 2, 1, 0}, 8), "█▇▅▃▁");
  EXPECT_EQ(sparkline({9, 1, NAN, 2}, 3), "▁ █");
  EXPECT_EQ(sparkline({1, 1}, 8), "▅▅");
  EXPECT_EQ(sparkline({NAN}, 8), "");
  EXPECT_EQ(sparkline({1}, 0), "");
}

//===-- Images ------------------------------------------------------------------------------------------------------------===//

TEST(Drawing, APngHoldsItsPixels) {
  std::string file = pngBytes({2, 3, 1, {1, 2, 3, 4, 5, 6}, ""});
  EXPECT_EQ(file.substr(0, 8), "\x89PNG\r\n\x1a\n");
  EXPECT_EQ(file.substr(12, 17), std::string("IHDR\0\0\0\3\0\0\0\2\x8\0\0\0\0", 17));
  uint32_t length = (unsigned char)file[33] << 24 | (unsigned char)file[34] << 16 | (unsigned char)file[35] << 8 |
                    (unsigned char)file[36];
  std::string rows(64, '\0');
  uLongf count = rows.size();
  ASSERT_EQ(uncompress(reinterpret_cast<Bytef *>(rows.data()), &count,
                       reinterpret_cast<const Bytef *>(file.data() + 41), length),
            Z_OK);
  EXPECT_EQ(rows.substr(0, count), std::string("\0\1\2\3\0\4\5\6", 8));
  EXPECT_EQ(base64("Man"), "TWFu");
  EXPECT_EQ(base64("Ma"), "TWE=");
  EXPECT_EQ(base64("M"), "TQ==");
}

TEST(Drawing, ASheetEnlargesSmallImages) {
  Picture picture;
  for (int i = 0; i < 5; ++i)
    picture.tiles.push_back({2, 2, 1, {0, 50, 100, 150}, i == 3 ? "<a>" : ""});
  picture.width = 104;
  TileSheet sheet = sheetOf(picture); // 3 in a row, 12 times as large
  EXPECT_EQ(sheet.image.width, 3 * (24 + 8) + 8);
  EXPECT_EQ(sheet.image.height, 2 * (24 + 8 + 20) + 8);
  ASSERT_EQ(sheet.labels.size(), 1u);
  EXPECT_EQ(sheet.image.pixels[size_t((28 * sheet.image.width + 8 + 12) * 3)], 50);
  Picture large;
  large.tiles = {{300, 400, 1, std::vector<unsigned char>(300 * 400, 7), ""}};
  large.width = 104;
  Tile image = sheetOf(large).image; // a fifth of it
  EXPECT_EQ(image.width, 80 + 16);
  EXPECT_EQ(image.height, 60 + 16);
  EXPECT_EQ(image.pixels[size_t((8 * image.width + 8) * 3)], 7);
  std::string svg = sheetSvg(sheet, "a & b");
  EXPECT_NE(svg.find(">&lt;a&gt;</text>"), std::string::npos);
  EXPECT_NE(svg.find(">a &amp; b</text>"), std::string::npos);
}
