// A folder of pictures, PNG and JPEG, a subfolder a class. Opening lists the folder and reads the first bytes of each
// file; a picture is decoded when a batch needs it, and once if all fit in the memory.
#include "runtime/AvailableThreads.h"
#include "runtime/DecodeThreads.h"
#include "runtime/Files.h"
#include "runtime/PictureList.h"
#include "runtime/RowCache.h"
#include "runtime/SourceColumns.h"
#include "runtime/Utf8.h"
#include "runtime/pictures/ResizePicture.h"

#include <algorithm>
#include <fmt/format.h>
#include <fstream>

namespace dlc {

namespace {
/// Which field is what.
struct Roles {
  const FieldSpec *picture = nullptr, *label = nullptr, *path = nullptr;
  int channels = 1;
  int64_t height = 0, width = 0;
};

class PictureReader : public RowReader {
public:
  PictureReader(PictureList list, Roles roles, bool resize)
      : list(std::move(list)), dtype(roles.picture->dtype), roles(roles), resize(resize) {}
  Result<void> read(int64_t row, std::byte *out) const override;
  /// What can be known of a picture without decoding it.
  Result<void> check(int64_t row) const;

private:
  Result<void> checkSize(const std::string &path, PictureSize size) const;
  PictureList list;
  DType dtype;
  Roles roles;
  bool resize;
};
} // namespace

Result<void> PictureReader::checkSize(const std::string &path, PictureSize size) const {
  if (resize || (size.width == roles.width && size.height == roles.height))
    return {};
  return Error::inFile(path,
                       fmt::format("is {} x {} pixels (height x width), but {} x {} are declared\n`resize: [{}, "
                                   "{}]` makes all pictures this size",
                                   size.height, size.width, roles.height, roles.width, roles.height, roles.width));
}

Result<void> PictureReader::check(int64_t row) const {
  const std::string path = list.pathOf(row);
  std::string head(resize ? 64 : size_t(1) << 18, '\0');
  std::ifstream file(path, std::ios::binary);
  file.read(head.data(), std::streamsize(head.size()));
  if (!file.is_open() || file.bad())
    return readFile(path).error();
  head.resize(size_t(file.gcount()));
  if (resize) {
    Result<PictureKind> kind = pictureKind(path, head);
    return kind ? Result<void>() : kind.error();
  }
  Result<PictureSize> size = pictureSize(path, head);
  return size ? checkSize(path, *size) : size.error();
}

Result<void> PictureReader::read(int64_t row, std::byte *out) const {
  const std::string path = list.pathOf(row);
  if (Result<void> ok = list.checkUnchanged(row); !ok)
    return ok;
  Result<std::string> bytes = readFile(path);
  if (!bytes)
    return bytes.error();
  Result<Picture8> picture = readPicture(path, *bytes, roles.channels);
  if (!picture)
    return picture.error();
  if (Result<void> ok = checkSize(path, {picture->width, picture->height}); !ok)
    return ok;
  Picture8 sized = resizePicture(std::move(*picture), roles.height, roles.width);
  // Pixel by pixel becomes plane by plane.
  size_t pixels = size_t(roles.height * roles.width), channels = size_t(roles.channels);
  std::vector<uint8_t> planes(dtype == DType::U8 ? 0 : pixels * channels);
  uint8_t *to = dtype == DType::U8 ? reinterpret_cast<uint8_t *>(out) : planes.data();
  for (size_t channel = 0; channel < channels; ++channel)
    for (size_t i = 0; i < pixels; ++i)
      to[channel * pixels + i] = sized.pixels[i * channels + channel];
  if (dtype != DType::U8)
    convertExactly(DType::U8, planes.data(), dtype, out, int64_t(planes.size()));
  return {};
}

static Result<Roles> rolesOf(const std::vector<FieldSpec> &fields) {
  Roles roles;
  for (const FieldSpec &field : fields) {
    const FieldSpec *&role = field.kind == FieldSpec::Kind::String ? roles.path
                             : field.shape.empty()                 ? roles.label
                                                                   : roles.picture;
    if (role != nullptr)
      return Error::plain(fmt::format("`image_folder` gives a picture, its class and its path (a str): `{}` and `{}` "
                                      "are both its {}",
                                      role->name, field.name,
                                      role == roles.picture ? "picture"
                                      : role == roles.path  ? "path"
                                                            : "class"));
    role = &field;
  }
  if (roles.picture == nullptr)
    return Error::plain("`image_folder` needs a field for the picture, as in `image: u8[3, 224, 224]`");
  const std::vector<int64_t> &shape = roles.picture->shape;
  size_t rank = shape.size();
  roles.channels = rank == 3 ? int(shape[0]) : 1;
  bool good = (rank == 2 || (rank == 3 && (shape[0] == 1 || shape[0] == 3 || shape[0] == 4))) &&
              roles.picture->dtype != DType::Bool;
  if (!good)
    return Error::plain(fmt::format("field `{}` is {}, but a picture is [channels, height, width] of numbers with 1 "
                                    "channel (grey), 3 (red, green, blue) or 4 (and opacity), or [height, width]",
                                    roles.picture->name, typeName(roles.picture->dtype, shape)));
  roles.height = shape[rank - 2];
  roles.width = shape[rank - 1];
  return roles;
}

/// Whether pictures are resized; the size must be the field's.
static Result<bool> resizes(ArgumentReader &arguments, const Roles &roles) {
  const SourceValue *size = arguments.value("resize");
  if (size == nullptr)
    return false;
  const auto *list = std::get_if<std::vector<double>>(size);
  if (list != nullptr && *list == std::vector<double>{double(roles.height), double(roles.width)})
    return true;
  const double *number = std::get_if<double>(size);
  std::string given = list != nullptr     ? fmt::format("`resize: [{}]`", fmt::join(*list, ", "))
                      : number != nullptr ? fmt::format("`resize: {}`", *number)
                                          : "`resize`";
  return Error::plain(fmt::format(
      "{} does not give what is declared: `{}` is {}, so `resize: [{}, {}]` (height, width) is "
      "expected",
      given, roles.picture->name, typeName(roles.picture->dtype, roles.picture->shape), roles.height, roles.width));
}

static Result<Column> labelColumn(const FieldSpec &field, const PictureList &list) {
  FieldSpec number = field;
  number.kind = FieldSpec::Kind::Number;
  std::vector<int32_t> labels;
  for (int64_t row = 0; row < list.size(); ++row)
    labels.push_back(list.classOf(row));
  Result<Column> column = columnOf(number, {list.folder(), DType::I32, {list.size()}, labels.data()});
  if (!column)
    return column;
  column->spec = field;
  column->vocabulary = std::make_shared<const Vocabulary>(Vocabulary::Kind::Classes, list.classes());
  return column;
}

SourceResult openImageFolder(ArgumentReader &arguments, const std::vector<FieldSpec> &fields,
                             const SearchPaths &paths) {
  Result<std::string> name = arguments.text("");
  if (!name)
    return name.error();
  Result<Roles> roles = rolesOf(fields);
  if (!roles)
    return roles.error();
  Result<bool> resize = resizes(arguments, *roles);
  if (!resize)
    return resize.error();
  if (Result<void> ok = arguments.finish(); !ok)
    return ok.error();
  Result<std::string> folder = paths.findFolder(*name);
  if (!folder)
    return folder.error();
  Result<PictureList> list = PictureList::of(*folder);
  if (!list)
    return list.error();
  OpenedSource opened{list->size(), {}, list->notes()};
  auto reader = std::make_shared<PictureReader>(*list, *roles, *resize);
  DecodeThreads threads(threadsOr(arguments.threads()));
  if (auto failure = threads.run(list->size(), [&](int64_t row) { return reader->check(row); }))
    return failure->error;
  for (const FieldSpec &field : fields) {
    Column column{field};
    if (&field == roles->picture) {
      column.reader = cached(reader, list->size(), field.rowBytes(), availableMemory() / 2);
    } else if (&field == roles->label) {
      Result<Column> label = labelColumn(field, *list);
      if (!label)
        return label.error();
      column = std::move(*label);
    } else {
      std::vector<std::string> names;
      for (int64_t row = 0; row < list->size(); ++row) {
        names.push_back(list->nameOf(row));
        if (!isUtf8(names.back()))
          return Error::inFile(list->folder(),
                               fmt::format("a picture has a name that is not UTF-8: `{}`\nwithout the field "
                                           "`{}` no name is needed",
                                           escapedName(names.back()), field.name));
      }
      column.strings = std::make_shared<const std::vector<std::string>>(std::move(names));
    }
    opened.columns.push_back(std::move(column));
  }
  return opened;
}

} // namespace dlc
