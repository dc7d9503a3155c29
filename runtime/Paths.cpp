// The search for data files.
#include "runtime/Paths.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fmt/format.h>
#include <glob.h>

namespace dlc {

namespace fs = std::filesystem;

SearchPaths SearchPaths::standard(const std::string &programFile, const std::string &dataFolder) {
  SearchPaths paths;
  auto add = [&](const std::string &folder) {
    if (std::find(paths.folders.begin(), paths.folders.end(), folder) == paths.folders.end())
      paths.folders.push_back(folder);
  };
  std::string beside = fs::path(programFile).parent_path().string();
  add(beside.empty() ? "." : beside);
  if (!dataFolder.empty())
    add(dataFolder);
  if (const char *environment = std::getenv("DLC_DATA"); environment != nullptr && *environment != '\0')
    add(environment);
  add("/usr/share/datasets");
  return paths;
}

/// The folders that a path is looked up in: none but itself when it is absolute.
static std::vector<fs::path> foldersFor(const SearchPaths &paths, const std::string &path) {
  if (fs::path(path).is_absolute())
    return {fs::path()};
  return {paths.folders.begin(), paths.folders.end()};
}

static Error notFound(const SearchPaths &paths, const std::string &path, const char *what) {
  std::string places;
  for (const fs::path &folder : foldersFor(paths, path))
    if (!folder.empty())
      places += (places.empty() ? "; looked in " : ", ") + folder.string();
  return Error::inFile(path, what + places);
}

/// `x.gz` for `x` and the other way round.
static std::string otherName(const std::string &path) {
  return path.ends_with(".gz") ? path.substr(0, path.size() - 3) : path + ".gz";
}

Result<std::string> SearchPaths::find(const std::string &path) const {
  if (path.empty())
    return Error::plain("a file name is empty");
  std::string folder;
  for (const fs::path &base : foldersFor(*this, path))
    for (const std::string &name : {path, otherName(path)}) {
      fs::path candidate = (base == "." ? fs::path(name) : base / name);
      std::error_code ignored;
      if (fs::is_directory(candidate, ignored))
        folder = candidate.string();
      else if (fs::exists(candidate, ignored))
        return candidate.string();
    }
  if (!folder.empty())
    return Error::inFile(folder, "is a folder, but a file is expected");
  return notFound(*this, path, "no such file");
}

Result<std::string> SearchPaths::findFolder(const std::string &path) const {
  if (path.empty())
    return Error::plain("a folder name is empty");
  std::string file;
  for (const fs::path &base : foldersFor(*this, path)) {
    fs::path candidate = base == "." ? fs::path(path) : base / path;
    std::error_code ignored;
    if (fs::is_directory(candidate, ignored))
      return candidate.string();
    if (fs::exists(candidate, ignored))
      file = candidate.string();
  }
  if (!file.empty())
    return Error::inFile(file, "is a file, but a folder is expected");
  return notFound(*this, path, "no such folder");
}

/// A folder's name as part of a pattern: its own special characters mean themselves.
static std::string escaped(const std::string &folder) {
  std::string text;
  for (char c : folder) {
    if (c == '*' || c == '?' || c == '[' || c == '\\')
      text += '\\';
    text += c;
  }
  return text;
}

Result<std::vector<std::string>> SearchPaths::findAll(const std::string &pattern) const {
  if (pattern.find_first_of("*?[") == std::string::npos) {
    Result<std::string> one = find(pattern);
    if (!one)
      return one.error();
    return std::vector<std::string>{*one};
  }
  for (const fs::path &base : foldersFor(*this, pattern)) {
    std::string prefix = base.empty() || base == "." ? "" : escaped(base.string()) + "/";
    std::vector<std::string> found;
    glob_t matches = {};
    if (glob((prefix + pattern).c_str(), 0, nullptr, &matches) == 0)
      for (size_t i = 0; i < matches.gl_pathc; ++i)
        if (std::error_code ignored; !fs::is_directory(matches.gl_pathv[i], ignored))
          found.push_back(matches.gl_pathv[i]);
    globfree(&matches);
    std::sort(found.begin(), found.end());
    if (!found.empty())
      return found;
  }
  return notFound(*this, pattern, "no file matches");
}

} // namespace dlc
