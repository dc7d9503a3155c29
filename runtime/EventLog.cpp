// The few messages that scalars need, written by hand: Event { wall_time = 1, step = 2, file_version = 3, summary = 5
// }, Summary { repeated Value value = 1 }, Value { tag = 1, simple_value = 2 }.
#include "runtime/EventLog.h"

#include "runtime/Files.h"

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <fmt/format.h>
#include <unistd.h>

namespace dlc {

static constexpr std::array<uint32_t, 256> crcTable = [] {
  std::array<uint32_t, 256> table = {};
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit)
      crc = crc >> 1 ^ (crc & 1 ? 0x82F63B78u : 0u);
    table[i] = crc;
  }
  return table;
}();

uint32_t crc32c(std::string_view bytes) {
  uint32_t crc = ~0u;
  for (char c : bytes)
    crc = crc >> 8 ^ crcTable[(crc ^ uint8_t(c)) & 255];
  return ~crc;
}

/// TensorFlow's masking: a CRC of data that holds CRCs would be weak.
static uint32_t masked(uint32_t crc) { return (crc >> 15 | crc << 17) + 0xA282EAD8u; }

template <class T> static void appendRaw(std::string &out, T value) {
  out.append(reinterpret_cast<const char *>(&value), sizeof value);
}

static void appendVarint(std::string &out, uint64_t value) {
  for (; value >= 128; value >>= 7)
    out += char((value & 127) | 128);
  out += char(value);
}

static void appendBytes(std::string &out, char tag, std::string_view bytes) {
  out += tag;
  appendVarint(out, bytes.size());
  out += bytes;
}

/// The fields that each event begins with.
static std::string eventHead(int64_t step) {
  std::string event("\x09"); // wall_time, fixed64
  appendRaw(event, std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count());
  event += '\x10'; // step, varint
  appendVarint(event, uint64_t(step));
  return event;
}

/// The step of an event that this file wrote.
static int64_t stepOf(std::string_view event) {
  uint64_t step = 0;
  for (size_t i = 10, shift = 0; i < event.size() && shift < 64; ++i, shift += 7) {
    step |= uint64_t(event[i] & 127) << shift;
    if ((event[i] & 128) == 0)
      break;
  }
  return int64_t(step);
}

/// Bytes of whole, intact records up to the last of `step` or before.
static size_t lengthUpTo(std::string_view content, int64_t step) {
  size_t at = 0;
  while (content.size() - at >= 16) {
    uint64_t length;
    uint32_t lengthCrc;
    std::memcpy(&length, content.data() + at, 8);
    std::memcpy(&lengthCrc, content.data() + at + 8, 4);
    if (lengthCrc != masked(crc32c(content.substr(at, 8))) || length > content.size() - at - 16 ||
        stepOf(content.substr(at + 12, length)) > step)
      break;
    at += 16 + length;
  }
  return at;
}

Result<EventLog> EventLog::open(const std::string &folder, int64_t fromStep) {
  EventLog log;
  log.path = folder + "/events.out.tfevents.dlc";
  size_t kept = 0;
  if (fromStep > 0 && ::access(log.path.c_str(), F_OK) == 0) {
    Result<std::string> content = readFile(log.path);
    if (!content)
      return content.error();
    kept = lengthUpTo(*content, fromStep);
  }
  log.file.reset(std::fopen(log.path.c_str(), kept > 0 ? "ab" : "wb"));
  if (!log.file || (kept > 0 && ::ftruncate(fileno(log.file.get()), off_t(kept)) != 0))
    return Error::inFile(log.path, fmt::format("cannot write it: {}", std::strerror(errno)));
  if (kept == 0) {
    std::string event = eventHead(0);
    appendBytes(event, '\x1a', "brain.Event:2"); // file_version
    log.record(event);
  }
  return log;
}

void EventLog::record(const std::string &event) {
  std::string bytes;
  appendRaw(bytes, uint64_t(event.size()));
  appendRaw(bytes, masked(crc32c(bytes)));
  bytes += event;
  appendRaw(bytes, masked(crc32c(event)));
  std::fwrite(bytes.data(), 1, bytes.size(), file.get()); // errors stay with the file until flush
}

void EventLog::add(int64_t step, const NamedValues &scalars) {
  std::string event = eventHead(step), summary;
  for (const auto &[name, value] : scalars) {
    std::string one;
    appendBytes(one, '\x0a', name);
    one += '\x15'; // simple_value, fixed32
    appendRaw(one, float(value));
    appendBytes(summary, '\x0a', one);
  }
  appendBytes(event, '\x2a', summary);
  record(event);
}

Result<void> EventLog::flush() {
  errno = 0;
  if (std::fflush(file.get()) != 0 || std::ferror(file.get()) != 0)
    return Error::inFile(path, fmt::format("cannot write it: {}", std::strerror(errno)));
  return {};
}

} // namespace dlc
