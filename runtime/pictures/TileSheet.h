// Images side by side, as one.
#pragma once

#include "runtime/pictures/Picture.h"

namespace dlc {

/// A sheet of images in colour, and where each label stands: the middle of the space above its image.
struct TileSheet {
  struct Label {
    int64_t x, y;
    std::string text;
  };
  Tile image;
  std::vector<Label> labels;
  int letter = 0; ///< height of the labels' letters, in pixels
};

/// Enlarges small images by whole factors (so that pixels stay square and sharp), as far as `picture.width` allows; images
/// that are larger than that stay as they are, one a row.
TileSheet sheetOf(const Picture &picture);

/// The sheet as SVG: the image within it, labels and a title as text.
std::string sheetSvg(const TileSheet &sheet, const std::string &title);

/// The sheet as a picture that gnuplot's script draws: for labels in a PNG file.
std::string sheetScript(const TileSheet &sheet, const std::string &title, const std::string &output);

} // namespace dlc
