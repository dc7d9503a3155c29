// PNG through libpng. Its errors are jumps: the functions that it may jump out of own nothing.
#include "runtime/pictures/Picture8.h"

#include <csetjmp>
#include <cstring>
#include <fmt/format.h>
#include <png.h>

namespace dlc {

namespace {
/// One file while it is decoded.
struct PngFile {
  std::string_view bytes;
  size_t position = 0;
  std::string problem;
  png_structp png = nullptr;
  png_infop info = nullptr;

  explicit PngFile(std::string_view bytes) : bytes(bytes) {}
  PngFile(const PngFile &) = delete;
  ~PngFile() { png_destroy_read_struct(&png, &info, nullptr); }
  bool open();
  bool decode(int channels, uint8_t *pixels, png_bytep *rows);
};
} // namespace

static void readBytes(png_structp png, png_bytep out, size_t count) {
  auto *file = static_cast<PngFile *>(png_get_io_ptr(png));
  if (count > file->bytes.size() - file->position) {
    file->position = file->bytes.size();
    png_error(png, "the picture ends early");
  }
  std::memcpy(out, file->bytes.data() + file->position, count);
  file->position += count;
}

static void keepProblem(png_structp png, png_const_charp message) {
  static_cast<PngFile *>(png_get_error_ptr(png))->problem = message;
  png_longjmp(png, 1);
}

static void ignoreWarning(png_structp, png_const_charp) {}

/// Reads up to the pixels.
bool PngFile::open() {
  png = png_create_read_struct(PNG_LIBPNG_VER_STRING, this, keepProblem, ignoreWarning);
  info = png != nullptr ? png_create_info_struct(png) : nullptr;
  if (info == nullptr) {
    problem = "there is no memory for it";
    return false;
  }
  if (setjmp(png_jmpbuf(png)))
    return false;
  png_set_read_fn(png, this, readBytes);
  png_set_user_limits(png, 0x7fffffff, 0x7fffffff); // checked by checkPictureSize
  png_read_info(png, info);
  return true;
}

/// Decodes as RGB or RGBA, or as grey where the file is grey and nothing else is asked for.
bool PngFile::decode(int channels, uint8_t *pixels, png_bytep *rows) {
  if (setjmp(png_jmpbuf(png)))
    return false;
  png_set_strip_16(png);
  png_set_palette_to_rgb(png);
  png_set_expand_gray_1_2_4_to_8(png);
  if (channels == 4) {
    if (png_get_valid(png, info, PNG_INFO_tRNS))
      png_set_tRNS_to_alpha(png);
    png_set_add_alpha(png, 0xff, PNG_FILLER_AFTER);
  } else {
    png_set_strip_alpha(png);
  }
  if (channels != 1)
    png_set_gray_to_rgb(png);
  png_set_interlace_handling(png);
  png_read_update_info(png, info);
  size_t stride = png_get_rowbytes(png, info);
  for (size_t y = 0; y < png_get_image_height(png, info); ++y)
    rows[y] = pixels + y * stride;
  png_read_image(png, rows);
  png_read_end(png, info);
  return true;
}

static int orientationOf(PngFile &file) {
#ifdef PNG_eXIf_SUPPORTED
  png_uint_32 count = 0;
  png_bytep exif = nullptr;
  if (png_get_eXIf_1(file.png, file.info, &count, &exif) != 0 && exif != nullptr)
    return exifOrientation({reinterpret_cast<const char *>(exif), count});
#endif
  return 1;
}

Result<Picture8> readPng(const std::string &path, std::string_view bytes, int channels) {
  PngFile file(bytes);
  auto problem = [&] { return Error::inFile(path, file.problem, int64_t(file.position)); };
  if (!file.open())
    return problem();
  PictureSize size{png_get_image_width(file.png, file.info), png_get_image_height(file.png, file.info)};
  // A byte of deflate becomes 1032 bytes at most.
  int64_t bits = png_get_bit_depth(file.png, file.info) * png_get_channels(file.png, file.info);
  if (Result<void> ok = checkPictureSize(path, size, bytes.size(), 1032 * 8 / bits); !ok)
    return ok.error();
  bool grey = (png_get_color_type(file.png, file.info) & (PNG_COLOR_MASK_COLOR | PNG_COLOR_MASK_PALETTE)) == 0;
  int64_t decoded = channels == 1 && !grey ? 3 : channels;
  Picture8 picture{size.width, size.height, decoded, {}};
  picture.pixels.resize(size_t(size.width * size.height * decoded));
  std::vector<png_bytep> rows(size_t(size.height));
  if (!file.decode(channels, picture.pixels.data(), rows.data()))
    return problem();
  if (decoded != channels) {
    size_t count = size_t(size.width * size.height);
    for (size_t i = 0; i < count; ++i)
      picture.pixels[i] = greyOf(picture.pixels[3 * i], picture.pixels[3 * i + 1], picture.pixels[3 * i + 2]);
    picture.pixels.resize(count);
    picture.channels = 1;
  }
  orient(picture, orientationOf(file));
  return picture;
}

} // namespace dlc
