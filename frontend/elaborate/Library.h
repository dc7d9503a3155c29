// The standard library's text (std/*.dl), built into the program.
#pragma once

#include <vector>

namespace dlc {

/// A file of std/: its name and its text.
struct LibraryFile {
  const char *name;
  const char *text;
};
const std::vector<LibraryFile> &libraryFiles();
/// The names that are only for the library itself (std/internal.txt), as words behind a first paragraph.
const char *internalNames();

} // namespace dlc
