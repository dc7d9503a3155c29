// Pictures: each kind that PNG and JPEG have, as light in 1, 3 or 4 channels; and files that are damaged. That the bytes
// are Pillow's is test/tools/data-images-pillow.dl's to say.
#include "RuntimeTesting.h"
#include "runtime/pictures/ResizePicture.h"

#include <cstdio>
#include <fmt/format.h>
#include <jpeglib.h>
#include <png.h>

using namespace dlc;
using namespace dlc::testing;

/// A PNG of height x width with `channels` samples a pixel, as libpng's simple interface writes it.
static std::string pngOf(int height, int width, int channels, const std::vector<uint8_t> &pixels) {
  png_image image = {};
  image.version = PNG_IMAGE_VERSION;
  image.width = png_uint_32(width);
  image.height = png_uint_32(height);
  image.format = channels == 1 ? PNG_FORMAT_GRAY : channels == 3 ? PNG_FORMAT_RGB : PNG_FORMAT_RGBA;
  png_alloc_size_t size = 0;
  png_image_write_to_memory(&image, nullptr, &size, 0, pixels.data(), 0, nullptr);
  std::string bytes(size, '\0');
  png_image_write_to_memory(&image, bytes.data(), &size, 0, pixels.data(), 0, nullptr);
  return bytes;
}

/// A JPEG of one colour, in the colours of `space`.
static std::string jpegOf(unsigned height, unsigned width, J_COLOR_SPACE space, std::vector<uint8_t> colour) {
  jpeg_compress_struct info;
  jpeg_error_mgr errors;
  info.err = jpeg_std_error(&errors);
  jpeg_create_compress(&info);
  unsigned char *bytes = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&info, &bytes, &size);
  info.image_width = width;
  info.image_height = height;
  info.input_components = int(colour.size());
  info.in_color_space = space;
  jpeg_set_defaults(&info);
  jpeg_set_quality(&info, 100, TRUE);
  jpeg_start_compress(&info, TRUE);
  std::vector<uint8_t> row;
  for (unsigned x = 0; x < width; ++x)
    row.insert(row.end(), colour.begin(), colour.end());
  for (unsigned y = 0; y < height; ++y) {
    JSAMPROW start = row.data();
    jpeg_write_scanlines(&info, &start, 1);
  }
  jpeg_finish_compress(&info);
  jpeg_destroy_compress(&info);
  std::string made(reinterpret_cast<char *>(bytes), size);
  free(bytes);
  return made;
}

/// The JPEG with what a camera writes about its orientation.
static std::string turned(const std::string &jpeg, char orientation) {
  std::string tiff =
      std::string("MM\0*\0\0\0\10\0\1\1\x12\0\3\0\0\0\1\0", 19) + orientation + std::string("\0\0\0\0\0\0", 6);
  std::string content = std::string("Exif\0\0", 6) + tiff;
  size_t length = content.size() + 2;
  return jpeg.substr(0, 2) + "\xff\xe1" + char(length >> 8) + char(length & 255) + content + jpeg.substr(2);
}

/// The PNG with other sizes in its header, and the checksum that belongs to them.
static std::string claiming(std::string png, uint32_t width, uint32_t height) {
  for (int i = 0; i < 4; ++i) {
    png[size_t(16 + i)] = char(width >> (24 - 8 * i));
    png[size_t(20 + i)] = char(height >> (24 - 8 * i));
  }
  uint32_t sum = uint32_t(crc32(0, reinterpret_cast<const Bytef *>(png.data()) + 12, 17));
  for (int i = 0; i < 4; ++i)
    png[size_t(29 + i)] = char(sum >> (24 - 8 * i));
  return png;
}

static std::vector<uint8_t> pixelsOf(const std::string &bytes, int channels) {
  Result<Picture8> picture = readPicture("x", bytes, channels);
  EXPECT_TRUE(picture) << errorOf(picture);
  return picture ? picture->pixels : std::vector<uint8_t>();
}

using Pixels = std::vector<uint8_t>;

TEST(ReadPictures, PngInAsManyChannelsAsAreWanted) {
  std::string grey = pngOf(1, 2, 1, {10, 200}), colour = pngOf(1, 1, 3, {255, 0, 0}),
              clear = pngOf(1, 1, 4, {0, 255, 0, 7});
  EXPECT_EQ(pixelsOf(grey, 1), (Pixels{10, 200}));
  EXPECT_EQ(pixelsOf(grey, 3), (Pixels{10, 10, 10, 200, 200, 200}));
  EXPECT_EQ(pixelsOf(grey, 4), (Pixels{10, 10, 10, 255, 200, 200, 200, 255}));
  EXPECT_EQ(pixelsOf(colour, 1), (Pixels{76}));
  EXPECT_EQ(pixelsOf(colour, 3), (Pixels{255, 0, 0}));
  EXPECT_EQ(pixelsOf(clear, 3), (Pixels{0, 255, 0}));
  EXPECT_EQ(pixelsOf(clear, 4), (Pixels{0, 255, 0, 7}));
}

TEST(ReadPictures, JpegInAsManyChannelsAsAreWanted) {
  EXPECT_EQ(pixelsOf(jpegOf(1, 1, JCS_GRAYSCALE, {99}), 3), (Pixels{99, 99, 99}));
  EXPECT_EQ(pixelsOf(jpegOf(1, 1, JCS_GRAYSCALE, {99}), 1), (Pixels{99}));
  EXPECT_EQ(pixelsOf(jpegOf(1, 1, JCS_RGB, {120, 120, 120}), 4), (Pixels{120, 120, 120, 255}));
  // Ink is written inverted: 255 is none of it.
  EXPECT_EQ(pixelsOf(jpegOf(1, 1, JCS_CMYK, {255, 0, 255, 255}), 3), (Pixels{255, 0, 255}));
  EXPECT_EQ(pixelsOf(jpegOf(1, 1, JCS_CMYK, {255, 255, 255, 51}), 4), (Pixels{51, 51, 51, 255}));
}

TEST(ReadPictures, AreShownAsTheCameraWasHeld) {
  std::string lying = jpegOf(8, 16, JCS_GRAYSCALE, {99});
  for (int orientation = 0; orientation < 12; ++orientation) {
    std::string bytes = turned(lying, char(orientation));
    bool upright = orientation >= 5 && orientation <= 8;
    Result<PictureSize> size = pictureSize("x", bytes);
    Result<Picture8> picture = readPicture("x", bytes, 1);
    ASSERT_TRUE(size && picture) << errorOf(size) << errorOf(picture);
    EXPECT_EQ(size->width, upright ? 8 : 16) << orientation;
    EXPECT_EQ(picture->width, upright ? 8 : 16) << orientation;
  }
  Picture8 six{3, 2, 1, {1, 2, 3, 4, 5, 6}};
  auto seen = [&](int orientation) {
    Picture8 picture = six;
    orient(picture, orientation);
    return picture.pixels;
  };
  EXPECT_EQ(seen(1), (Pixels{1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(seen(2), (Pixels{3, 2, 1, 6, 5, 4}));
  EXPECT_EQ(seen(3), (Pixels{6, 5, 4, 3, 2, 1}));
  EXPECT_EQ(seen(4), (Pixels{4, 5, 6, 1, 2, 3}));
  EXPECT_EQ(seen(5), (Pixels{1, 4, 2, 5, 3, 6}));
  EXPECT_EQ(seen(6), (Pixels{4, 1, 5, 2, 6, 3}));
  EXPECT_EQ(seen(7), (Pixels{6, 3, 5, 2, 4, 1}));
  EXPECT_EQ(seen(8), (Pixels{3, 6, 2, 5, 1, 4}));
}

TEST(ReadPictures, RubbishAboutTheOrientationIsNoOrientation) {
  std::mt19937 random(1);
  std::string tiff = std::string("II*\0\10\0\0\0\1\0\x12\1\3\0\1\0\0\0\6\0\0\0\0\0\0\0", 26);
  EXPECT_EQ(exifOrientation(tiff), 6);
  for (size_t length = 0; length < 22; ++length)
    EXPECT_EQ(exifOrientation(tiff.substr(0, length)), 1) << length;
  for (int i = 0; i < 10000; ++i) {
    std::string other = tiff;
    other[random() % other.size()] = char(random());
    int orientation = exifOrientation(other);
    EXPECT_TRUE(orientation >= 1 && orientation <= 8);
  }
}

TEST(ReadPictures, OtherKindsAreNamed) {
  EXPECT_EQ(errorOf(readPicture("a.png", "GIF89a....", 3)), "a.png: is a GIF; only PNG and JPEG are read");
  EXPECT_EQ(errorOf(pictureSize("a.png", "RIFF....WEBPVP8 ")), "a.png: is a WebP; only PNG and JPEG are read");
  EXPECT_EQ(errorOf(readPicture("a.jpg", "BM....", 3)), "a.jpg: is a BMP; only PNG and JPEG are read");
  EXPECT_EQ(errorOf(readPicture("a.jpg", std::string("II*\0....", 8), 3)),
            "a.jpg: is a TIFF; only PNG and JPEG are read");
  EXPECT_EQ(errorOf(readPicture("a.jpg",
                                std::string("\0\0\0\x18"
                                            "ftypheic",
                                            12),
                                3)),
            "a.jpg: is a HEIC; only PNG and JPEG are read");
  EXPECT_EQ(errorOf(readPicture("a.jpg", "hello", 3)),
            "a.jpg: is no picture that dlc knows; only PNG and JPEG are read");
  EXPECT_EQ(errorOf(readPicture("a.jpg", "", 3)), "a.jpg: is empty, but a picture is expected");
}

TEST(ReadPictures, SidesOfNoneOrAMillionPixels) {
  std::string one = pngOf(1, 1, 1, {0});
  for (auto [width, height] : {std::pair(0u, 5u), {1000000u, 1u}, {65535u, 65535u}, {4294967295u, 1u}}) {
    std::string bytes = claiming(one, width, height);
    EXPECT_FALSE(pictureSize("x", bytes));
    EXPECT_FALSE(readPicture("x", bytes, 3));
  }
  EXPECT_EQ(errorOf(readPicture("x", claiming(one, 1000000, 1), 3)),
            "x: is a picture of 1000000 x 1 pixels, but sides of 1 to 65535 and at most 268435456 pixels are expected");
}

TEST(ReadPictures, ASmallFileThatClaimsALargePictureTakesNoMemoryForIt) {
  std::string png = claiming(pngOf(1, 1, 1, {0}), 16384, 16384), jpeg = jpegOf(8, 8, JCS_GRAYSCALE, {9});
  EXPECT_EQ(errorOf(readPicture("x", png, 3)),
            fmt::format("x: is a picture of 16384 x 16384 pixels, which its {} bytes cannot hold", png.size()));
  size_t frame = jpeg.find("\xff\xc0");
  ASSERT_NE(frame, std::string::npos);
  jpeg.replace(frame + 5, 4, std::string("\x40\0\x40\0", 4));
  EXPECT_EQ(errorOf(readPicture("x", jpeg, 3)),
            fmt::format("x: is a picture of 16384 x 16384 pixels, which its {} bytes cannot hold", jpeg.size()));
  // The least that a picture of one colour takes is enough.
  EXPECT_EQ(pixelsOf(pngOf(3000, 3000, 1, std::vector<uint8_t>(9000000)), 1).size(), 9000000u);
  EXPECT_EQ(pixelsOf(jpegOf(3000, 3000, JCS_GRAYSCALE, {0}), 1).size(), 9000000u);
}

TEST(ReadPictures, AChunkThatClaimsToReachAroundTheEndOfNumbersIsNoLoop) {
  std::string png = pngOf(2, 2, 1, {0, 1, 2, 3}).substr(0, 8 + 25); // the signature and the header
  EXPECT_TRUE(pictureSize("x", png + "\xff\xff\xff\xf4tEXt" + std::string(40, 'x')));
}

TEST(ReadPictures, WhatEndsEarlyIsAnErrorWhereverItEnds) {
  std::vector<uint8_t> noise;
  std::mt19937 random(1);
  for (int i = 0; i < 20 * 20 * 3; ++i)
    noise.push_back(uint8_t(random()));
  std::string png = pngOf(20, 20, 3, noise), jpeg = jpegOf(20, 20, JCS_RGB, {200, 10, 40});
  EXPECT_TRUE(readPicture("x", png, 3) && readPicture("x", jpeg, 3));
  for (const std::string &whole : {png, jpeg})
    for (size_t length = 0; length < whole.size(); ++length)
      EXPECT_FALSE(readPicture("x", whole.substr(0, length), 3)) << length;
  EXPECT_EQ(errorOf(readPicture("x", png.substr(0, 500), 3)), "x: the picture ends early at byte 500");
  EXPECT_EQ(errorOf(readPicture("x", jpeg.substr(0, jpeg.size() - 2), 3)),
            "x: cannot be decoded: premature end of JPEG file");
}

TEST(ReadPictures, DamagedFilesDoNoHarm) {
  std::mt19937 random(2);
  std::vector<uint8_t> noise;
  for (int i = 0; i < 40 * 30 * 4; ++i)
    noise.push_back(uint8_t(random()));
  std::vector<std::string> seeds = {pngOf(40, 30, 4, noise), pngOf(40, 30, 1, noise),
                                    jpegOf(40, 30, JCS_RGB, {200, 10, 40}),
                                    turned(jpegOf(9, 9, JCS_CMYK, {20, 10, 40, 0}), 6)};
  for (int i = 0; i < damagedFiles(); ++i) {
    std::string bytes = damaged(seeds[random() % seeds.size()], seeds[random() % seeds.size()], random);
    (void)pictureSize("x", bytes);
    for (int channels : {1, 3, 4})
      if (Result<Picture8> picture = readPicture("x", bytes, channels))
        EXPECT_EQ(picture->pixels.size(), size_t(picture->width * picture->height * channels));
  }
}

TEST(ReadPictures, ResizedByMeans) {
  EXPECT_EQ(resizePicture({4, 1, 1, {0, 100, 200, 40}}, 1, 2).pixels, (Pixels{71, 117}));
  EXPECT_EQ(resizePicture({1, 2, 1, {0, 100}}, 4, 1).pixels, (Pixels{0, 25, 75, 100}));
  EXPECT_EQ(resizePicture({2, 2, 3, Pixels(12, 77)}, 31, 5).pixels, Pixels(31 * 5 * 3, 77));
  // What is clear has no colour.
  EXPECT_EQ(resizePicture({2, 1, 4, {255, 0, 0, 255, 0, 255, 0, 0}}, 1, 1).pixels, (Pixels{255, 0, 0, 128}));
}
