// JPEG through libjpeg-turbo, with the settings that Pillow has: the exact integer transform, smooth upsampling. Its
// errors are jumps: the functions that it may jump out of own nothing.
#include "runtime/pictures/Picture8.h"

#include <algorithm>
#include <csetjmp>
#include <cstdio>
#include <fmt/format.h>

#include <jerror.h>
#include <jpeglib.h>

namespace dlc {

namespace {
struct JpegFile {
  jpeg_decompress_struct info = {};
  jpeg_error_mgr errors = {};
  jpeg_progress_mgr progress = {};
  jmp_buf problemFound;
  char problem[JMSG_LENGTH_MAX] = {};
  int orientation = 1;

  JpegFile();
  ~JpegFile() { jpeg_destroy_decompress(&info); }
  bool open(std::string_view bytes, int channels);
  bool decode(uint8_t *pixels, size_t stride);
};
} // namespace

static void keepProblem(j_common_ptr info) {
  auto *file = static_cast<JpegFile *>(info->client_data);
  info->err->format_message(info, file->problem);
  std::longjmp(file->problemFound, 1);
}

/// A warning that says that pixels are missing or wrong is an error here.
static void judgeMessage(j_common_ptr info, int level) {
  if (level >= 0)
    return;
  switch (info->err->msg_code) {
  case JWRN_JPEG_EOF:
  case JWRN_HIT_MARKER:
  case JWRN_HUFF_BAD_CODE:
  case JWRN_MUST_RESYNC:
  case JWRN_BOGUS_PROGRESSION:
    keepProblem(info);
  }
}

/// A small file may claim very many scans of a large picture.
static void limitScans(j_common_ptr info) {
  constexpr int most = 500;
  auto *file = static_cast<JpegFile *>(info->client_data);
  if (file->info.input_scan_number <= most)
    return;
  std::snprintf(file->problem, sizeof file->problem, "it has more than %d scans", most);
  std::longjmp(file->problemFound, 1);
}

JpegFile::JpegFile() {
  info.err = jpeg_std_error(&errors);
  info.client_data = this;
  errors.error_exit = keepProblem;
  errors.emit_message = judgeMessage;
  progress.progress_monitor = limitScans;
}

static void readOrientation(JpegFile &file) {
  for (jpeg_saved_marker_ptr marker = file.info.marker_list; marker != nullptr; marker = marker->next) {
    std::string_view content(reinterpret_cast<const char *>(marker->data), marker->data_length);
    if (content.starts_with(std::string_view("Exif\0\0", 6)))
      file.orientation = exifOrientation(content.substr(6));
  }
}

/// Reads up to the pixels and says in which colours they are wanted.
bool JpegFile::open(std::string_view bytes, int channels) {
  if (setjmp(problemFound))
    return false;
  jpeg_create_decompress(&info);
  info.progress = &progress;
  jpeg_mem_src(&info, reinterpret_cast<const unsigned char *>(bytes.data()), bytes.size());
  jpeg_save_markers(&info, JPEG_APP0 + 1, 0xffff);
  jpeg_read_header(&info, TRUE);
  readOrientation(*this);
  bool ink = info.jpeg_color_space == JCS_CMYK || info.jpeg_color_space == JCS_YCCK;
  info.out_color_space = ink                                                       ? JCS_CMYK
                         : info.jpeg_color_space == JCS_GRAYSCALE && channels == 1 ? JCS_GRAYSCALE
                                                                                   : JCS_RGB;
  return true;
}

bool JpegFile::decode(uint8_t *pixels, size_t stride) {
  if (setjmp(problemFound))
    return false;
  jpeg_start_decompress(&info);
  while (info.output_scanline < info.output_height) {
    JSAMPROW row = pixels + info.output_scanline * stride;
    jpeg_read_scanlines(&info, &row, 1);
  }
  jpeg_finish_decompress(&info);
  return true;
}

/// What is left of `light` through ink of which `value` is absent, rounded.
static uint8_t through(unsigned light, unsigned absent) {
  unsigned ink = 255 - absent, product = ink * light + 128;
  return uint8_t(light - (((product >> 8) + product) >> 8));
}

/// From what was decoded (1 grey, 3 light, 4 ink, which is written inverted) to the channels that are wanted.
static void convert(Picture8 &picture, int channels) {
  std::vector<uint8_t> from = std::move(picture.pixels);
  size_t count = size_t(picture.width * picture.height), had = size_t(picture.channels);
  std::vector<uint8_t> made(count * size_t(channels));
  for (size_t i = 0; i < count; ++i) {
    const uint8_t *in = from.data() + i * had;
    uint8_t rgb[3] = {in[0], in[had == 1 ? 0 : 1], in[had == 1 ? 0 : 2]};
    if (had == 4)
      for (size_t c = 0; c < 3; ++c)
        rgb[c] = through(in[3], in[c]);
    uint8_t *out = made.data() + i * size_t(channels);
    if (channels == 1) {
      out[0] = greyOf(rgb[0], rgb[1], rgb[2]);
      continue;
    }
    std::copy(rgb, rgb + 3, out);
    if (channels == 4)
      out[3] = 255;
  }
  picture.channels = channels;
  picture.pixels = std::move(made);
}

Result<Picture8> readJpeg(const std::string &path, std::string_view bytes, int channels) {
  JpegFile file;
  auto problem = [&] {
    std::string text = file.problem;
    if (!text.empty() && text[0] >= 'A' && text[0] <= 'Z' && (text.size() < 2 || text[1] < 'A' || text[1] > 'Z'))
      text[0] = char(text[0] - 'A' + 'a');
    return Error::inFile(path, "cannot be decoded: " + text);
  };
  if (!file.open(bytes, channels))
    return problem();
  PictureSize size{file.info.image_width, file.info.image_height};
  // A block of 8 x 8 takes a bit of Huffman's code, and is that of 16 times as many pixels where it was thinned the most.
  int64_t pixelsPerByte = file.info.arith_code ? int64_t(1) << 32 : 8 * 64 * 16;
  if (Result<void> ok = checkPictureSize(path, size, bytes.size(), pixelsPerByte); !ok)
    return ok.error();
  int64_t decoded = file.info.out_color_space == JCS_CMYK ? 4 : file.info.out_color_space == JCS_GRAYSCALE ? 1 : 3;
  Picture8 picture{size.width, size.height, decoded, {}};
  picture.pixels.resize(size_t(size.width * size.height * decoded));
  if (!file.decode(picture.pixels.data(), size_t(size.width * decoded)))
    return problem();
  if (decoded != channels || decoded == 4)
    convert(picture, channels);
  orient(picture, file.orientation);
  return picture;
}

} // namespace dlc
