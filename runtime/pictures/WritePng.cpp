// A signature, a header, one compressed stream of rows that are not filtered, an end; each part with its checksum.
#include "runtime/pictures/WritePng.h"

#include <zlib.h>

namespace dlc {

static void bigEndian(std::string &text, uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8)
    text += char(value >> shift & 0xff);
}

static void chunk(std::string &file, const std::string &kind, const std::string &content) {
  bigEndian(file, uint32_t(content.size()));
  std::string checked = kind + content;
  file += checked;
  bigEndian(file, uint32_t(crc32(0, reinterpret_cast<const Bytef *>(checked.data()), uInt(checked.size()))));
}

std::string pngBytes(const Tile &image) {
  std::string header;
  bigEndian(header, uint32_t(image.width));
  bigEndian(header, uint32_t(image.height));
  header += {8, char(image.channels == 1 ? 0 : 2), 0, 0, 0};
  std::string rows;
  size_t rowBytes = size_t(image.width * image.channels);
  for (size_t y = 0; y < size_t(image.height); ++y) {
    rows += '\0'; // no filter
    rows.append(reinterpret_cast<const char *>(image.pixels.data()) + y * rowBytes, rowBytes);
  }
  uLongf length = compressBound(uLong(rows.size()));
  std::string stream(length, '\0');
  compress2(reinterpret_cast<Bytef *>(stream.data()), &length, reinterpret_cast<const Bytef *>(rows.data()),
            uLong(rows.size()), Z_DEFAULT_COMPRESSION); // fails only where the room is too small
  stream.resize(length);
  std::string file = "\x89PNG\r\n\x1a\n";
  chunk(file, "IHDR", header);
  chunk(file, "IDAT", stream);
  chunk(file, "IEND", "");
  return file;
}

std::string base64(std::string_view bytes) {
  static constexpr char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (size_t i = 0; i < bytes.size(); i += 3) {
    auto byte = [&](size_t at) { return at < bytes.size() ? uint32_t((unsigned char)bytes[at]) : 0; };
    uint32_t three = byte(i) << 16 | byte(i + 1) << 8 | byte(i + 2);
    for (size_t part = 0; part < 4; ++part)
      text += i + part > bytes.size() ? '=' : letters[three >> (18 - 6 * part) & 0x3f];
  }
  return text;
}

} // namespace dlc
