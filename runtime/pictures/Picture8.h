// A decoded picture of 8-bit samples, and what the readers share.
#pragma once

#include "runtime/Result.h"

#include <cstddef>
#include <string_view>
#include <vector>

namespace dlc {

/// Width and height as the picture is shown, orientation applied.
struct PictureSize {
  int64_t width = 0, height = 0;
};

/// Rows from the top, the channels of a pixel side by side: grey, red-green-blue, or these with opacity.
struct Picture8 {
  int64_t width = 0, height = 0, channels = 0;
  std::vector<uint8_t> pixels;
};

enum class PictureKind { Png, Jpeg };
/// The kind by the first bytes of the file; a name says nothing. Other kinds are errors that name them.
Result<PictureKind> pictureKind(const std::string &path, std::string_view bytes);

/// The size that a file's first bytes tell, checked by checkPictureSize; an error when they do not reach so far.
Result<PictureSize> pictureSize(const std::string &path, std::string_view bytes);

/// Sides are 1 to 65,535 pixels, and there are at most 2^28 of them: more is no photograph, and memory would be asked
/// for before the file is found to be a lie.
Result<void> checkPictureSize(const std::string &path, PictureSize size);
/// The same, and that the bytes of the file can hold the picture, of which one holds at most `pixelsPerByte`.
Result<void> checkPictureSize(const std::string &path, PictureSize size, size_t bytes, int64_t pixelsPerByte);

/// The picture with 1, 3 or 4 channels, whatever the file has: the bytes are those of Pillow's `convert`. A palette is
/// expanded, opacity is dropped (4 channels keep it), 16 bits lose their lower half, ink becomes light; the orientation
/// that a camera wrote is applied. A file that ends early or is damaged is an error.
Result<Picture8> readPicture(const std::string &path, std::string_view bytes, int channels);

// The parts of readPicture.
Result<Picture8> readPng(const std::string &path, std::string_view bytes, int channels);
Result<Picture8> readJpeg(const std::string &path, std::string_view bytes, int channels);
/// The orientation (1 to 8) that TIFF-like data of a camera holds; 1 when there is none or it is rubbish.
int exifOrientation(std::string_view tiff);
/// Turns and mirrors the picture so that it stands as orientation 1.
void orient(Picture8 &picture, int orientation);
/// Luma as Pillow weighs it.
inline uint8_t greyOf(uint8_t red, uint8_t green, uint8_t blue) {
  return uint8_t((red * 19595u + green * 38470u + blue * 7471u + 0x8000u) >> 16);
}

} // namespace dlc
