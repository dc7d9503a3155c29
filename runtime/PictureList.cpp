// Walks the folder.
#include "runtime/PictureList.h"

#include "runtime/Utf8.h"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <fmt/format.h>
#include <sys/stat.h>

namespace dlc {

namespace fs = std::filesystem;

/// Whether a name ends as pictures do, those that are not read among them: their own error is better than silence.
static bool isNamedPicture(const std::string &name) {
  std::string suffix = fs::path(name).extension().string();
  std::transform(suffix.begin(), suffix.end(), suffix.begin(), [](unsigned char c) { return std::tolower(c); });
  for (const char *known :
       {".png", ".jpg", ".jpeg", ".gif", ".bmp", ".webp", ".tif", ".tiff", ".ppm", ".pgm", ".heic", ".avif"})
    if (suffix == known)
      return true;
  return false;
}

std::string escapedName(const std::string &name) {
  std::string text;
  for (unsigned char c : name)
    text += c >= 0x80 || c < 0x20 ? fmt::format("\\x{:02x}", c) : std::string(1, char(c));
  return text;
}

/// What is in a folder, sorted, without what begins with a dot.
static Result<std::vector<std::string>> namesIn(const std::string &folder) {
  std::vector<std::string> names;
  std::error_code problem;
  for (fs::directory_iterator at(folder, problem), end; !problem && at != end; at.increment(problem))
    if (std::string name = at->path().filename().string(); name[0] != '.')
      names.push_back(std::move(name));
  if (problem)
    return Error::inFile(folder, "cannot be listed: " + problem.message());
  std::sort(names.begin(), names.end());
  return names;
}

void PictureList::addFile(const std::string &name, int32_t label) {
  struct stat about = {};
  if (!isNamedPicture(name) || (stat((root + "/" + name).c_str(), &about) == 0 && !S_ISREG(about.st_mode))) {
    passedOver.push_back(name);
    return;
  }
  entries.push_back({name, label, int64_t(about.st_size), about.st_mtim});
}

Result<void> PictureList::add(const std::string &folder, int32_t label, std::vector<std::string> &open) {
  Result<std::vector<std::string>> names = namesIn(root + "/" + folder);
  if (!names)
    return names.error();
  for (const std::string &one : *names) {
    std::string name = folder.empty() ? one : folder + "/" + one, path = root + "/" + name;
    std::error_code problem;
    bool isFolder = fs::is_directory(path, problem), isLink = fs::is_symlink(path, problem);
    std::string real = isFolder || isLink ? fs::canonical(path, problem).string() : "";
    if (isLink && problem)
      return Error::inFile(path, "is a link that leads nowhere");
    if (isLink && !(real + "/").starts_with(canonicalRoot == "/" ? "/" : canonicalRoot + "/"))
      return Error::inFile(path, fmt::format("is a link that leads out of `{}`", root));
    if (!isFolder) {
      if (folder.empty() && isNamedPicture(name))
        beside.push_back(name);
      else
        addFile(name, label);
      continue;
    }
    if (std::find(open.begin(), open.end(), real) != open.end())
      return Error::inFile(path, "is a link to a folder that it is in");
    size_t before = entries.size();
    if (folder.empty()) {
      if (!isUtf8(one))
        return Error::inFile(root, fmt::format("a class has a name that is not UTF-8: `{}`", escapedName(one)));
      label = int32_t(classNames.size());
      classNames.push_back(one);
    }
    open.push_back(real);
    if (Result<void> ok = add(name, label, open); !ok)
      return ok;
    open.pop_back();
    if (folder.empty() && entries.size() == before)
      return Error::inFile(path, "is the folder of a class, but there are no pictures in it");
  }
  return {};
}

Result<PictureList> PictureList::of(const std::string &folder) {
  PictureList list;
  list.root = folder;
  while (list.root.size() > 1 && list.root.ends_with('/'))
    list.root.pop_back();
  std::error_code problem;
  list.canonicalRoot = fs::canonical(folder, problem).string();
  std::vector<std::string> open{list.canonicalRoot};
  if (Result<void> ok = list.add("", 0, open); !ok)
    return ok.error();
  if (list.classNames.empty())
    return Error::inFile(list.root, "holds no folders; a folder a class, with its pictures in it, is expected");
  return list;
}

Result<void> PictureList::checkUnchanged(int64_t row) const {
  const Entry &entry = entries[size_t(row)];
  struct stat about = {};
  std::string path = pathOf(row);
  if (stat(path.c_str(), &about) != 0)
    return Error::inFile(path, "is gone since the program began");
  if (about.st_size != entry.bytes || about.st_mtim.tv_sec != entry.changed.tv_sec ||
      about.st_mtim.tv_nsec != entry.changed.tv_nsec)
    return Error::inFile(path, "changed since the program began");
  return {};
}

std::vector<std::string> PictureList::notes() const {
  std::vector<std::string> all;
  if (classNames.size() == 1)
    all.push_back(fmt::format("`{}` holds one class, `{}`: every picture has label 0", root, classNames[0]));
  auto say = [&](const std::vector<std::string> &names, const char *one, const char *several) {
    if (!names.empty())
      all.push_back(fmt::format("{} passed over in `{}`: `{}`{}",
                                names.size() == 1 ? one : fmt::format("{} {}", names.size(), several), root,
                                escapedName(names[0]), names.size() == 1 ? "" : ", .."));
  };
  say(beside, "a picture beside the classes (a class is a folder) is",
      "pictures beside the classes (a class is a folder) are");
  say(passedOver, "a file that is no picture by its name is", "files that are no pictures by their names are");
  return all;
}

} // namespace dlc
