// A sheet: rows of images on white, with room for a line of text above each row that has labels.
#include "runtime/pictures/TileSheet.h"

#include "runtime/pictures/GnuplotScript.h"
#include "runtime/pictures/PictureText.h"
#include "runtime/pictures/WritePng.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

namespace dlc {

static constexpr int64_t gap = 8, letterHeight = 14, titleHeight = 32;

static void paste(Tile &sheet, const Tile &tile, int64_t left, int64_t top, int64_t factor) {
  for (int64_t y = 0; y < tile.height * factor; ++y)
    for (int64_t x = 0; x < tile.width * factor; ++x) {
      const unsigned char *from = &tile.pixels[size_t(((y / factor) * tile.width + x / factor) * tile.channels)];
      unsigned char *to = &sheet.pixels[size_t(((top + y) * sheet.width + left + x) * 3)];
      for (int c = 0; c < 3; ++c)
        to[c] = from[tile.channels == 1 ? 0 : c];
    }
}

TileSheet sheetOf(const Picture &picture) {
  int64_t count = int64_t(picture.tiles.size()), widest = 1, highest = 1;
  bool labelled = false;
  for (const Tile &tile : picture.tiles) {
    widest = std::max(widest, tile.width);
    highest = std::max(highest, tile.height);
    labelled |= !tile.label.empty();
  }
  int64_t columns = picture.tileColumns > 0 ? picture.tileColumns : int64_t(std::ceil(std::sqrt(double(count))));
  columns = std::clamp<int64_t>(columns, 1, std::max<int64_t>(count, 1));
  if (picture.tileColumns <= 0) // of large images as many as fit side by side
    columns = std::clamp<int64_t>((picture.width - gap) / (widest + gap), 1, columns);
  int64_t rows = (count + columns - 1) / columns, room = (picture.width - gap) / columns - gap;
  int64_t factor = std::clamp<int64_t>(room / widest, 1, 16);
  int64_t above = labelled ? letterHeight + 6 : 0, across = widest * factor + gap,
          down = highest * factor + gap + above;
  TileSheet sheet;
  sheet.letter = labelled ? int(letterHeight) : 0;
  sheet.image.channels = 3;
  sheet.image.width = columns * across + gap;
  sheet.image.height = rows * down + gap;
  sheet.image.pixels.assign(size_t(sheet.image.width * sheet.image.height * 3), 255);
  for (int64_t i = 0; i < count; ++i) {
    const Tile &tile = picture.tiles[size_t(i)];
    int64_t left = gap + i % columns * across, top = gap + i / columns * down;
    paste(sheet.image, tile, left, top + above, factor);
    // What is wider than its image would stand on the next one's.
    int letters = std::max(int((across - 4) / 8), 1);
    std::string text = columnsOf(tile.label) > letters ? fitted(tile.label, letters - 1) + "…" : tile.label;
    if (!text.empty())
      sheet.labels.push_back({left + tile.width * factor / 2, top + above / 2, text});
  }
  return sheet;
}

static std::string escaped(std::string_view text) {
  std::string result;
  for (char c : text) {
    if (c == '<' || c == '>' || c == '&')
      result += c == '<' ? "&lt;" : c == '>' ? "&gt;" : "&amp;";
    else
      result += (unsigned char)c < ' ' || c == '\x7f' ? ' ' : c;
  }
  return result;
}

std::string sheetSvg(const TileSheet &sheet, const std::string &title) {
  int64_t top = title.empty() ? 0 : titleHeight;
  std::string text = fmt::format(
      "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<svg xmlns=\"http://www.w3.org/2000/svg\" "
      "xmlns:xlink=\"http://www.w3.org/1999/xlink\" width=\"{0}\" height=\"{1}\" viewBox=\"0 0 {0} {1}\">\n<rect "
      "width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n",
      sheet.image.width, sheet.image.height + top);
  auto say = [&](double x, double y, int size, const std::string &words) {
    text += fmt::format("<text x=\"{}\" y=\"{}\" font-family=\"sans-serif\" font-size=\"{}\" text-anchor=\"middle\" "
                        "dominant-baseline=\"central\">{}</text>\n",
                        x, y, size, escaped(words));
  };
  if (!title.empty())
    say(double(sheet.image.width) / 2, double(top) / 2, 16, title);
  text += fmt::format("<image y=\"{}\" width=\"{}\" height=\"{}\" xlink:href=\"data:image/png;base64,{}\"/>\n", top,
                      sheet.image.width, sheet.image.height, base64(pngBytes(sheet.image)));
  for (const TileSheet::Label &label : sheet.labels)
    say(double(label.x), double(label.y + top), sheet.letter, label.text);
  return text + "</svg>\n";
}

std::string sheetScript(const TileSheet &sheet, const std::string &title, const std::string &output) {
  int64_t width = sheet.image.width, height = sheet.image.height, top = title.empty() ? 0 : titleHeight;
  Picture picture;
  picture.width = int(width);
  picture.height = int(height + top);
  std::string text = gnuplotHead(picture, "png", output);
  text +=
      fmt::format("unset border\nunset tics\nunset key\nset margins 0,0,0,0\nset xrange [0:{}]\nset yrange [{}:{}]\n",
                  width, height, -top);
  auto say = [&](double x, double y, const std::string &words, int size) {
    text += fmt::format("set label {} at {},{} center front font ',{}'\n", gnuplotQuoted(words), x, y, size);
  };
  if (!title.empty())
    say(double(width) / 2, -double(top) / 2, title, 12);
  for (const TileSheet::Label &label : sheet.labels)
    say(double(label.x), double(label.y), label.text, 10);
  text += "$d0 << EOD\n";
  for (int64_t y = 0; y < height; ++y)
    for (int64_t x = 0; x < width; ++x) {
      const unsigned char *pixel = &sheet.image.pixels[size_t((y * width + x) * 3)];
      text += fmt::format("{}.5 {}.5 {} {} {}\n", x, y, pixel[0], pixel[1], pixel[2]);
    }
  return text + "EOD\nplot $d0 using 1:2:3:4:5 with rgbimage\nunset output\n";
}

} // namespace dlc
