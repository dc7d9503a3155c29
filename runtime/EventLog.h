// Scalars in TensorBoard's event file format: records of a length, a masked CRC-32C of it, an Event message (protocol
// buffers) and a masked CRC-32C of that. One file a run; a resumed run cuts off what lies beyond its step and goes on.
#pragma once

#include "runtime/Progress.h"
#include "runtime/Result.h"

#include <cstdio>
#include <memory>

namespace dlc {

class EventLog {
public:
  /// Opens FOLDER/events.out.tfevents.dlc. With `fromStep` 0 the file begins anew, else records of later steps are cut
  /// off.
  static Result<EventLog> open(const std::string &folder, int64_t fromStep);

  /// Appends one event with these scalars.
  void add(int64_t step, const NamedValues &scalars);
  /// Writes what is buffered; an error if anything since opening could not be written.
  Result<void> flush();

private:
  struct Close {
    void operator()(std::FILE *file) const { std::fclose(file); }
  };
  void record(const std::string &event);

  std::string path;
  std::unique_ptr<std::FILE, Close> file;
};

/// CRC-32C (Castagnoli), as the records use it.
uint32_t crc32c(std::string_view bytes);

} // namespace dlc
