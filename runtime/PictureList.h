// The pictures of a folder: which there are, of which class, and whether they are still what they were. Internal to
// runtime.
#pragma once

#include "runtime/Result.h"

#include <ctime>
#include <string>
#include <vector>

namespace dlc {

class PictureList {
public:
  /// Lists a folder: each subfolder is a class, and the pictures anywhere in it belong to it, all sorted by their
  /// bytes. Names that begin with a dot, pictures beside the classes, and files that are no pictures by their names, are
  /// passed over. Errors: no classes, a class without pictures or whose name is not UTF-8, a link that leads out of the
  /// folder.
  static Result<PictureList> of(const std::string &folder);

  int64_t size() const { return int64_t(entries.size()); }
  const std::string &folder() const { return root; }
  const std::vector<std::string> &classes() const { return classNames; }
  int32_t classOf(int64_t row) const { return entries[size_t(row)].label; }
  /// The path within the folder.
  const std::string &nameOf(int64_t row) const { return entries[size_t(row)].name; }
  std::string pathOf(int64_t row) const { return root + "/" + nameOf(row); }
  /// An error if the file is not the one that was listed.
  Result<void> checkUnchanged(int64_t row) const;
  /// What was passed over, and what is strange.
  std::vector<std::string> notes() const;

private:
  struct Entry {
    std::string name;
    int32_t label;
    int64_t bytes;
    timespec changed;
  };
  /// Adds what is in a folder of a class; `open` are the real names of the folders around.
  Result<void> add(const std::string &folder, int32_t label, std::vector<std::string> &open);
  void addFile(const std::string &name, int32_t label);

  std::string root, canonicalRoot;
  std::vector<std::string> classNames;
  std::vector<Entry> entries;
  std::vector<std::string> passedOver, beside; ///< no pictures; pictures beside the classes
};

/// A name with the bytes that are no text written as `\xff`.
std::string escapedName(const std::string &name);

} // namespace dlc
