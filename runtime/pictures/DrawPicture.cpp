// By gnuplot, or, of images without labels and in SVG, by ourselves.
#include "runtime/pictures/DrawPicture.h"

#include "runtime/Files.h"
#include "runtime/pictures/Gnuplot.h"
#include "runtime/pictures/GnuplotScript.h"
#include "runtime/pictures/Thin.h"
#include "runtime/pictures/TileSheet.h"
#include "runtime/pictures/WritePng.h"

#include <cstdio>
#include <fmt/format.h>
#include <sys/stat.h>
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
  struct stat status;
  if (drawn && *drawn && (::stat(temporary.c_str(), &status) != 0 || status.st_size == 0))
    drawn = Error::plain("gnuplot wrote nothing");
  if (drawn && *drawn && ::rename(temporary.c_str(), file.c_str()) != 0)
    drawn = Error::inFile(file, "cannot replace it");
  if (!drawn || !*drawn)
    ::unlink(temporary.c_str());
  return drawn;
}

} // namespace dlc
