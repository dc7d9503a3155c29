// What a picture is before it is decoded: its kind and size by the first bytes, its orientation by what the camera wrote.
#include "runtime/pictures/Picture8.h"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

namespace dlc {

using namespace std::literals;

static uint32_t bigEndian(std::string_view bytes, size_t at, int count) {
  uint32_t value = 0;
  for (int i = 0; i < count; ++i)
    value = value << 8 | uint8_t(bytes[at + size_t(i)]);
  return value;
}

Result<PictureKind> pictureKind(const std::string &path, std::string_view bytes) {
  if (bytes.starts_with("\x89PNG\r\n\x1a\n"sv))
    return PictureKind::Png;
  if (bytes.starts_with("\xff\xd8\xff"sv))
    return PictureKind::Jpeg;
  if (bytes.empty())
    return Error::inFile(path, "is empty, but a picture is expected");
  std::string kind = "no picture that dlc knows";
  std::string_view brand = bytes.size() >= 12 && bytes.substr(4, 4) == "ftyp" ? bytes.substr(8, 4) : ""sv;
  if (bytes.starts_with("GIF8"))
    kind = "a GIF";
  else if (bytes.starts_with("RIFF") && bytes.size() >= 12 && bytes.substr(8, 4) == "WEBP")
    kind = "a WebP";
  else if (bytes.starts_with("BM"))
    kind = "a BMP";
  else if (bytes.starts_with("II*\0"sv) || bytes.starts_with("MM\0*"sv))
    kind = "a TIFF";
  else if (brand == "heic" || brand == "heix" || brand == "mif1")
    kind = "a HEIC";
  else if (brand == "avif")
    kind = "an AVIF";
  else if (bytes.size() > 2 && bytes[0] == 'P' && bytes[1] >= '1' && bytes[1] <= '6')
    kind = "a PNM";
  return Error::inFile(path, fmt::format("is {}; only PNG and JPEG are read", kind));
}

Result<void> checkPictureSize(const std::string &path, PictureSize size) {
  constexpr int64_t longest = 65535, most = int64_t(1) << 28;
  if (size.width >= 1 && size.height >= 1 && size.width <= longest && size.height <= longest &&
      size.width * size.height <= most)
    return {};
  return Error::inFile(path, fmt::format("is a picture of {} x {} pixels, but sides of 1 to {} and at most {} pixels "
                                         "are expected",
                                         size.width, size.height, longest, most));
}

Result<void> checkPictureSize(const std::string &path, PictureSize size, size_t bytes, int64_t pixelsPerByte) {
  if (Result<void> ok = checkPictureSize(path, size); !ok || size.width * size.height / pixelsPerByte <= int64_t(bytes))
    return ok;
  return Error::inFile(path, fmt::format("is a picture of {} x {} pixels, which its {} bytes cannot hold", size.width,
                                         size.height, bytes));
}

/// Walks the segments of a JPEG up to the frame header.
static Result<PictureSize> jpegSize(const std::string &path, std::string_view bytes) {
  int orientation = 1;
  for (size_t at = 2; at + 4 <= bytes.size();) {
    if (uint8_t(bytes[at]) != 0xff)
      return Error::inFile(path, "is damaged: a JPEG's segment is expected", int64_t(at));
    uint8_t marker = uint8_t(bytes[at + 1]);
    if (marker == 0xff) { // padding
      ++at;
      continue;
    }
    size_t length = bigEndian(bytes, at + 2, 2);
    bool frame = marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc;
    if (frame && at + 9 <= bytes.size()) {
      PictureSize size{bigEndian(bytes, at + 7, 2), bigEndian(bytes, at + 5, 2)};
      if (orientation >= 5)
        std::swap(size.width, size.height);
      return size;
    }
    std::string_view content = bytes.substr(at + 4, std::max<size_t>(length, 2) - 2);
    if (marker == 0xe1 && content.starts_with("Exif\0\0"sv))
      orientation = exifOrientation(content.substr(6));
    at += 2 + std::max<size_t>(length, 2);
  }
  return Error::inFile(path, "the picture ends early: it has no size", int64_t(bytes.size()));
}

/// The header's, and the orientation if a chunk before the pixels holds one.
static Result<PictureSize> pngSize(const std::string &path, std::string_view bytes) {
  if (bytes.size() < 24)
    return Error::inFile(path, "the picture ends early: it has no size", int64_t(bytes.size()));
  PictureSize size{bigEndian(bytes, 16, 4), bigEndian(bytes, 20, 4)};
  for (size_t at = 8; at + 8 <= bytes.size() && bytes.substr(at + 4, 4) != "IDAT";
       at += 12 + size_t(bigEndian(bytes, at, 4)))
    if (bytes.substr(at + 4, 4) == "eXIf" && exifOrientation(bytes.substr(at + 8)) >= 5)
      std::swap(size.width, size.height);
  return size;
}

Result<PictureSize> pictureSize(const std::string &path, std::string_view bytes) {
  Result<PictureKind> kind = pictureKind(path, bytes);
  if (!kind)
    return kind.error();
  Result<PictureSize> size = *kind == PictureKind::Png ? pngSize(path, bytes) : jpegSize(path, bytes);
  if (size)
    if (Result<void> ok = checkPictureSize(path, *size); !ok)
      return ok.error();
  return size;
}

int exifOrientation(std::string_view tiff) {
  bool little = tiff.starts_with("II");
  auto number = [&](size_t at, int count) {
    uint32_t value = 0;
    for (int i = 0; i < count; ++i)
      value |= uint32_t(uint8_t(tiff[at + size_t(i)])) << 8 * (little ? i : count - 1 - i);
    return value;
  };
  if (tiff.size() < 8 || !(little || tiff.starts_with("MM")) || number(2, 2) != 42)
    return 1;
  size_t directory = number(4, 4);
  if (directory + 2 > tiff.size())
    return 1;
  size_t entries = number(directory, 2);
  for (size_t i = 0, at = directory + 2; i < entries && at + 12 <= tiff.size(); ++i, at += 12)
    if (number(at, 2) == 0x0112 && number(at + 2, 2) == 3) {
      uint32_t value = number(at + 8, 2);
      return value >= 1 && value <= 8 ? int(value) : 1;
    }
  return 1;
}

void orient(Picture8 &picture, int orientation) {
  if (orientation <= 1 || orientation > 8)
    return;
  // Of orientation 5 to 8 the axes change places; then right and left, top and bottom may.
  bool swapped = orientation >= 5, mirrorX = false, mirrorY = false;
  switch (orientation) {
  case 2:
    mirrorX = true;
    break;
  case 3:
    mirrorX = mirrorY = true;
    break;
  case 4:
    mirrorY = true;
    break;
  case 6:
    mirrorX = true;
    break; // of the turned picture
  case 7:
    mirrorX = mirrorY = true;
    break;
  case 8:
    mirrorY = true;
    break;
  default:
    break;
  }
  int64_t width = swapped ? picture.height : picture.width, height = swapped ? picture.width : picture.height;
  std::vector<uint8_t> turned(picture.pixels.size());
  size_t channels = size_t(picture.channels);
  for (int64_t y = 0; y < height; ++y)
    for (int64_t x = 0; x < width; ++x) {
      int64_t u = mirrorX ? width - 1 - x : x, v = mirrorY ? height - 1 - y : y;
      int64_t from = swapped ? u * picture.width + v : v * picture.width + u;
      for (size_t c = 0; c < channels; ++c)
        turned[size_t(y * width + x) * channels + c] = picture.pixels[size_t(from) * channels + c];
    }
  picture = {width, height, picture.channels, std::move(turned)};
}

Result<Picture8> readPicture(const std::string &path, std::string_view bytes, int channels) {
  Result<PictureKind> kind = pictureKind(path, bytes);
  if (!kind)
    return kind.error();
  return *kind == PictureKind::Png ? readPng(path, bytes, channels) : readJpeg(path, bytes, channels);
}

} // namespace dlc
