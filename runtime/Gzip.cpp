// Undoes gzip streams in memory, member by member, with zlib.
#include "runtime/Files.h"

#include <algorithm>
#include <climits>
#include <fmt/format.h>
#include <zlib.h>

namespace dlc {

/// Inflates one member that begins at `position`, appends it to `content`, and moves `position` behind it.
static Result<void> inflateMember(const std::string &path, std::string_view stream, size_t &position,
                                  std::string &content, size_t &length) {
  z_stream inflater = {};
  if (inflateInit2(&inflater, 16 + MAX_WBITS) != Z_OK)
    return Error::inFile(path, "cannot get the memory to inflate it");
  int status = Z_OK;
  while (status == Z_OK || status == Z_BUF_ERROR) {
    if (length == content.size())
      content.resize(std::max<size_t>(content.size() * 2, 1 << 16));
    size_t input = std::min<size_t>(stream.size() - position, UINT_MAX / 2);
    size_t room = std::min<size_t>(content.size() - length, UINT_MAX / 2);
    inflater.next_in = reinterpret_cast<Bytef *>(const_cast<char *>(stream.data() + position));
    inflater.avail_in = uInt(input);
    inflater.next_out = reinterpret_cast<Bytef *>(content.data() + length);
    inflater.avail_out = uInt(room);
    status = inflate(&inflater, Z_NO_FLUSH);
    position += input - inflater.avail_in;
    length += room - inflater.avail_out;
    if (status == Z_BUF_ERROR && position == stream.size())
      break;
    if (status == Z_OK && position == stream.size() && inflater.avail_out != 0)
      break; // all was read, and there was room: the rest is missing
  }
  std::string reason = inflater.msg != nullptr ? inflater.msg : "invalid data";
  inflateEnd(&inflater);
  if (status == Z_STREAM_END)
    return {};
  if (status == Z_OK || status == Z_BUF_ERROR)
    return Error::inFile(path, "gzip stream ends early", int64_t(stream.size()));
  return Error::inFile(path, fmt::format("gzip stream is broken ({})", reason), int64_t(position));
}

Result<std::string> inflateGzip(const std::string &path, std::string_view stream) {
  if (stream.empty())
    return Error::inFile(path, "is empty, but a gzip stream is expected");
  // The last four bytes tell the length modulo 2^32; they are only believed as far as deflate can compress (1032
  // times).
  std::string content;
  if (stream.size() >= 18) {
    auto byte = [&](size_t back) { return size_t(uint8_t(stream[stream.size() - back])); };
    size_t promised = byte(4) | byte(3) << 8 | byte(2) << 16 | byte(1) << 24;
    content.resize(std::min(promised, stream.size() * 1032) + 1);
  }
  size_t position = 0, length = 0;
  do {
    if (stream.substr(position, 2) != "\x1f\x8b")
      return stream.size() - position < 2 && position == 0
                 ? Error::inFile(path, "gzip stream ends early", int64_t(stream.size()))
                 : Error::inFile(path,
                                 position == 0 ? "is not a gzip stream: its magic number is not 1f 8b"
                                               : "something that is not gzip follows the gzip stream",
                                 int64_t(position));
    if (Result<void> ok = inflateMember(path, stream, position, content, length); !ok)
      return ok.error();
    // Tapes and some tools pad with zeros.
    if (stream.find_first_not_of('\0', position) == std::string_view::npos)
      position = stream.size();
  } while (position < stream.size());
  content.resize(length);
  return content;
}

} // namespace dlc
