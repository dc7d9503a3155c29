// By gnuplot, or, of images without labels and in SVG, by ourselves.
#include "runtime/pictures/DrawPicture.h"

#include "runtime/Files.h"
#include "runtime/pictures/Gnuplot.h"
#include "runtime/pictures/GnuplotScript.h"
#include "runtime/pictures/Thin.h"
#include "runtime/pictures/TileSheet.h"
#include "runtime/pictures/WritePng.h"

#include <cstdio>
#include <filesystem>
#include <fmt/format.h>
#include <sys/statvfs.h>
#include <unistd.h>

namespace dlc {

static std::string_view kindOf(std::string_view file) {
  size_t dot = file.rfind('.');
  return dot == file.npos ? "" : file.substr(dot + 1);
}

bool isPictureName(std::string_view file) { return kindOf(file) == "svg" || kindOf(file) == "png"; }

static Result<bool> written(const std::string &file, const std::string &content) {
  Result<void> good = writeFileAtomically(file, {content});
  return good ? Result<bool>(true) : Result<bool>(good.error());
}

/// Whether a picture of gnuplot's has its end: where the disk is full it stops in the middle and says nothing.
static Result<void> checkWhole(const std::string &path, const std::string &kind) {
  Result<std::string> content = readFile(path);
  std::string_view shown = content ? std::string_view(*content) : "";
  while (kind == "svg" && shown.ends_with('\n'))
    shown.remove_suffix(1);
  if (shown.ends_with(kind == "svg" ? "</svg>" : "IEND\xAE\x42\x60\x82"))
    return {};
  struct statvfs space;
  bool full =
      ::statvfs(std::filesystem::path(path).parent_path().append(".").c_str(), &space) == 0 && space.f_bavail == 0;
  return Error::plain(fmt::format("gnuplot wrote {}{}", shown.empty() ? "nothing" : "a part of it",
                                  full ? ": there is no space left on the disk" : ""));
}

Result<bool> drawPicture(const Picture &picture, const std::string &file) {
  if (Result<void> ok = checkWritable(file); !ok)
    return ok.error();
  std::string kind(kindOf(file)), temporary = fmt::format("{}.tmp.{}", file, ::getpid()), script;
  if (!picture.tiles.empty()) {
    TileSheet sheet = sheetOf(picture);
    if (kind == "svg")
      return written(file, sheetSvg(sheet, picture.title));
    if (sheet.labels.empty() && picture.title.empty())
      return written(file, pngBytes(sheet.image));
    script = sheetScript(sheet, picture.title, temporary);
  } else {
    script = gnuplotScript(thinned(picture, picture.width / 2, picture.height / 2), kind, temporary);
  }
  Result<bool> drawn = runGnuplot(script);
  if (drawn && *drawn)
    if (Result<void> whole = checkWhole(temporary, kind); !whole)
      drawn = whole.error();
  if (drawn && *drawn && ::rename(temporary.c_str(), file.c_str()) != 0)
    drawn = Error::inFile(file, "cannot replace it");
  if (!drawn || !*drawn)
    ::unlink(temporary.c_str());
  return drawn;
}

} // namespace dlc
