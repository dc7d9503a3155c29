// What shows values: print, and pictures.
#include "frontend/builtins/Builtins.h"
#include "frontend/elaborate/Printing.h"

#include <cmath>

namespace dlc {

/// Whether a text that only running knows, or a class by its word, is to be printed.
static bool hasWords(const Value &value) { return holdsLate(value) || (value.isTensor() && value.strings); }

static Value print(Elaborator &e, CallSite &site) {
  Value result = Value::unit(site.at);
  if (e.isStatement(site.at)) {
    result.elements = site.rest;
    result.effect = [&e](const std::vector<Value> &values) { e.executor->print(values); };
  } else if (llvm::any_of(site.rest, hasWords) && e.askForTurns(site.at)) {
    return result; // each turn prints for itself
  } else if (e.emitting() && !e.quiet) {
    emitPrint(e, site.rest, site.at);
  }
  return result;
}

//===-- Pictures ------------------------------------------------------------------------------------------------------===//

namespace {
/// A parameter of a picture, and what it takes.
struct PictureParameter {
  enum Takes { Numbers, Columns, Points, Names, Colours, Log, Count, Flag, Text, File, Pixels };
  std::string name;
  Takes takes;
};
struct PictureKind {
  std::string name;
  std::vector<PictureParameter::Takes> takes; ///< of its own parameters, before those that all pictures have
  bool (*fits)(Elaborator &, CallSite &);     ///< whether the shapes go together; reports it when not
};
} // namespace

static std::string parameterOf(const CallSite &site, const PictureParameter &parameter) {
  return fmt::format("argument `{}` of `{}`", parameter.name, site.callee);
}

static bool isNames(const Value &value) {
  return value.kind == Value::Strings ||
         (value.kind == Value::List && !value.elements.empty() &&
          llvm::all_of(value.elements, [](const Value &element) { return element.kind == Value::String; }));
}

static bool wrong(Elaborator &e, const Value &value, const std::string &what, const char *expected) {
  if (!value.poison())
    e.error(Diag::WrongType, value.at, what, describe(value), expected);
  return false;
}

/// A list whose elements are tensors of one axis, perhaps of different lengths.
static bool isColumns(Elaborator &e, Value &value) {
  if (value.kind != Value::List || value.elements.empty())
    return false;
  for (Value &element : value.elements) {
    element = e.tensorOfList(element);
    if (!element.isTensor() || element.shape.size() != 1)
      return false;
  }
  return true;
}

static bool isColumn(const Value &value) { // [n] or [n, 1]
  return value.isTensor() && (value.shape.size() == 1 || (value.shape.size() == 2 && value.shape[1].size == Size(1)));
}

/// Points as a tensor [n, 2], or a pair of tensors [n].
static bool takePoints(Elaborator &e, CallSite &site, size_t i, const std::string &what) {
  Value &value = *site.bound[i];
  if (value.kind != Value::Tuple) {
    value = tensorArgument(e, site, i);
    bool pairs = value.isTensor() && value.shape.size() == 2 && e.sameSize(value.shape[1].size, Size(2)).value_or(true);
    return pairs || wrong(e, value, what, "points [n, 2], or a pair `(x, y)` of [n]");
  }
  for (Value &axis : value.elements)
    axis = e.tensorOfList(axis);
  return (value.elements.size() == 2 && isColumn(value.elements[0]) && isColumn(value.elements[1]) &&
          e.sameSize(value.elements[0].shape[0].size, value.elements[1].shape[0].size).value_or(true)) ||
         wrong(e, value, what, "points [n, 2], or a pair `(x, y)` of [n]");
}

/// Checks an argument and makes it what a picture takes.
static bool takeArgument(Elaborator &e, CallSite &site, size_t i, const PictureParameter &parameter) {
  Value &value = *site.bound[i];
  std::string what = parameterOf(site, parameter);
  auto number = [&](double least, double most) {
    if (!value.isNumber())
      return wrong(e, value, what, "a whole number");
    if (value.kind == Value::SizeOf && !value.size.isConstant())
      return true; // each instance knows it
    double given = value.asDouble();
    if (given >= least && given <= most && given == std::floor(given))
      return true;
    e.error(Diag::BadArgument, value.at,
            fmt::format("{} is {}, expected a whole number from {} to {}", what, given, least, most));
    return false;
  };
  switch (parameter.takes) {
  case PictureParameter::Columns:
    if (isColumns(e, value))
      return true;
    [[fallthrough]];
  case PictureParameter::Numbers:
    value = tensorArgument(e, site, i);
    return !value.poison();
  case PictureParameter::Points:
    return takePoints(e, site, i, what);
  case PictureParameter::Names:
    return isNames(value) || wrong(e, value, what, "a list of strings, or a column of them");
  case PictureParameter::Colours:
    if (isNames(value))
      return true;
    value = tensorArgument(e, site, i);
    return !value.poison();
  case PictureParameter::Log:
    if (value.kind == Value::String && (value.text == "x" || value.text == "y" || value.text == "xy"))
      return true;
    e.error(Diag::BadArgument, value.at,
            what + " is " + (value.kind == Value::String ? "\"" + value.text + "\"" : describe(value)) +
                ", expected \"x\", \"y\" or \"xy\"");
    return false;
  case PictureParameter::Count:
    return number(1, 10'000);
  case PictureParameter::Pixels:
    return number(100, 10'000);
  case PictureParameter::Flag:
    return value.kind == Value::Bool || wrong(e, value, what, "true or false");
  case PictureParameter::Text:
    return value.kind == Value::String || wrong(e, value, what, "a string");
  case PictureParameter::File:
    if (value.kind != Value::String)
      return wrong(e, value, what, "a file name in quotes");
    if (value.text.ends_with(".svg") || value.text.ends_with(".png"))
      return true;
    e.error(Diag::BadArgument, value.at,
            fmt::format("{} is \"{}\", expected a name that ends in .svg or .png", what, value.text));
    return false;
  }
  return false;
}

/// Refuses a shape: the whole sentence is `argument .. is f32[2, 3, 4], expected [n] or [n, k]`.
static bool badShape(Elaborator &e, CallSite &site, size_t i, const char *expected) {
  e.error(Diag::ArgumentShape, site[i].at, fmt::format("argument {} of `{}`", i + 1, site.callee), describe(site[i]),
          expected);
  return false;
}

static bool sameRows(Elaborator &e, CallSite &site, const Value &a, const Value &b) {
  if (e.sameSize(a.shape[0].size, b.shape[0].size).value_or(true))
    return true;
  auto report = e.error(Diag::ShapeMismatch, site.at, str(a.shape), str(b.shape), site.callee);
  e.noteIs(report, a);
  e.noteIs(report, b);
  return false;
}

/// How many entries names or a tensor have.
static Size entries(const Value &value) {
  return value.isTensor()               ? value.shape[0].size
         : value.kind == Value::Strings ? value.size
                                        : Size(int64_t(value.elements.size()));
}

/// Names or a tensor with an entry for each of `rows`.
static bool oneEach(Elaborator &e, CallSite &site, size_t i, const Size &rows) {
  if (!site.has(i))
    return true;
  const Value &value = site[i];
  if (value.isTensor() && value.shape.size() != 1)
    return badShape(e, site, i, "one axis");
  Size count = entries(value);
  if (e.sameSize(count, rows).value_or(true))
    return true;
  auto report =
      e.error(Diag::BadArgument, value.at,
              fmt::format("argument {} of `{}` has {} entries for {}", i + 1, site.callee, count.str(), rows.str()));
  if (rows == Size(1) && site[0].isTensor() && site[0].shape.size() == 3 && site.callee == "show")
    report.help(describe(site[0]) + " is one picture of " + site[0].shape[0].size.str() +
                " channels; several of one channel are `[n, 1, height, width]`");
  return false;
}

static bool isSeveral(const Value &value) { // [n], [n, k]
  return value.isTensor() && (value.shape.size() == 1 || value.shape.size() == 2);
}

static bool fitsPlot(Elaborator &e, CallSite &site) {
  enum { X, Y, Band, Names, Log, Points, Colour };
  size_t drawn = site.has(Y) ? Y : X;
  if (site.has(Y) && !isColumn(site[X]))
    return badShape(e, site, X, "[n] or [n, 1], as argument `y` is there");
  if (site[drawn].isTensor() && !isSeveral(site[drawn]))
    return badShape(e, site, drawn, "[n], [n, k] or a list of [n]");
  if (site.has(Y) && site[Y].isTensor() && !sameRows(e, site, site[X], site[Y]))
    return false;
  if (site.has(Y) && !site[Y].isTensor())
    for (const Value &column : site[Y].elements)
      if (!sameRows(e, site, site[X], column))
        return false;
  Size lines = !site[drawn].isTensor()         ? Size(int64_t(site[drawn].elements.size()))
               : site[drawn].shape.size() == 2 ? site[drawn].shape[1].size
                                               : Size(1);
  if (site.has(Colour) && !site.has(Points)) {
    e.error(Diag::MissingArgument, site.at, site.callee, "points")
        .help("`color` is that of points: `plot(x, y, points: (px, py), color: kind)`");
    return false;
  }
  if (site.has(Points)) {
    const Value &points = site[Points];
    if (!oneEach(e, site, Colour, (points.isTensor() ? points : points.elements[0]).shape[0].size))
      return false;
    // The points may have a name too, behind those of the lines.
    bool named = site.has(Names) && site[Names].kind == Value::List &&
                 e.sameSize(Size(int64_t(site[Names].elements.size())), lines + Size(1)).value_or(false);
    lines = named ? lines + Size(1) : lines;
  }
  if (!oneEach(e, site, Names, lines))
    return false;
  if (!site.has(Band))
    return true;
  const Value &band = site[Band], &y = site[drawn];
  bool same = y.isTensor() && elementCount(band.shape) == elementCount(y.shape);
  same |=
      y.isTensor() && isColumn(band) && isColumn(y) && e.sameSize(band.shape[0].size, y.shape[0].size).value_or(true);
  return same || badShape(e, site, Band, "as many numbers as are drawn");
}

static bool fitsScatter(Elaborator &e, CallSite &site) {
  enum { Points, Y, Colour };
  if (!site.has(Y)) {
    bool pairs = site[Points].shape.size() == 2 && e.sameSize(site[Points].shape[1].size, Size(2)).value_or(true);
    return (pairs || badShape(e, site, Points, "[n, 2], or x and y each [n]")) &&
           oneEach(e, site, Colour, site[Points].shape[0].size);
  }
  if (!isColumn(site[Points]) || !isColumn(site[Y]))
    return badShape(e, site, isColumn(site[Points]) ? Y : Points, "[n]");
  return sameRows(e, site, site[Points], site[Y]) && oneEach(e, site, Colour, site[Points].shape[0].size);
}

static bool fitsHistogram(Elaborator &e, CallSite &site) {
  enum { X, Bins, Names };
  if (!site.has(Names))
    return true;
  const Value &x = site[X];
  if (x.isTensor() && x.shape.size() != 2)
    return badShape(e, site, X, "[n, k], as argument `names` is there");
  return oneEach(e, site, Names, x.isTensor() ? x.shape[1].size : Size(int64_t(x.elements.size())));
}

static bool fitsBar(Elaborator &e, CallSite &site) {
  enum { Names, Heights, Series };
  if (!isSeveral(site[Heights]))
    return badShape(e, site, Heights, "[n] or [n, k]");
  const Shape &shape = site[Heights].shape;
  return oneEach(e, site, Names, shape[0].size) &&
         oneEach(e, site, Series, shape.size() == 2 ? shape[1].size : Size(1));
}

static bool fitsShow(Elaborator &e, CallSite &site) {
  enum { Image, Labels };
  size_t rank = site[Image].shape.size();
  if (rank < 2 || rank > 4)
    return badShape(e, site, Image, "an image [h, w] or [c, h, w], or several [n, c, h, w]");
  const Size &channels = site[Image].shape[rank < 4 ? 0 : 1].size;
  if (rank == 4 && channels.isConstant() && channels.constant() != 1 && channels.constant() != 3)
    return badShape(e, site, Image, "1 or 3 channels");
  bool oneImage =
      rank == 2 || (rank == 3 && channels.isConstant() && (channels.constant() == 1 || channels.constant() == 3));
  return oneEach(e, site, Labels, oneImage ? Size(1) : site[Image].shape[0].size);
}

static bool fitsHeatmap(Elaborator &e, CallSite &site) {
  enum { Matrix, Names, Values, RowNames };
  if (!isSeveral(site[Matrix]))
    return badShape(e, site, Matrix, "[n, m]");
  const Shape &shape = site[Matrix].shape;
  Size rows = shape.size() == 2 ? shape[0].size : Size(1), columns = shape.back().size;
  if (site.has(RowNames))
    return oneEach(e, site, RowNames, rows) && oneEach(e, site, Names, columns);
  // Names of the rows alone are names, too.
  return (site.has(Names) && e.sameSize(entries(site[Names]), rows).value_or(true)) || oneEach(e, site, Names, columns);
}

static bool fitsConfusion(Elaborator &e, CallSite &site) {
  for (size_t i : {0, 1})
    if (!(isIntegral(site[i].dtype) && site[i].shape.size() == 1) && !(i == 0 && site[i].shape.size() == 2))
      return badShape(e, site, i, i == 0 ? "classes, integers [n], or scores [n, classes]" : "classes, integers [n]");
  return sameRows(e, site, site[0], site[1]) &&
         (site[0].shape.size() == 1 || oneEach(e, site, 2, site[0].shape[1].size));
}

/// What a picture does: its arguments are checked here; the executor draws when they are computed.
static Value picture(Elaborator &e, CallSite &site, const PictureKind &kind,
                     const std::vector<PictureParameter> &parameters) {
  for (size_t i = 0; i < parameters.size(); ++i)
    if (site.has(i) && !takeArgument(e, site, i, parameters[i]))
      return e.poison(site.at);
  if (!kind.fits(e, site))
    return e.poison(site.at);
  Value result = Value::unit(site.at);
  if (!e.isStatement(site.at)) {
    if (e.askForTurns(site.at))
      return result;
    bool inLoop = !e.insideFunction() && e.insideLoop();
    e.error(Diag::TopLevelOnly, site.calleeAt, site.callee,
            e.insideFunction() ? "in a function"
            : inLoop           ? "in a compiled loop"
                               : "within an expression")
        .help(inLoop               ? "a `for` at top level over a list or a known range does its statements one by one"
              : e.insideFunction() ? "give back what is to be drawn, and draw it in a statement at top level"
              : site.callee == "confusion_matrix"
                  ? "it draws, and is a statement of its own; the numbers are `confusion(guess, label, classes)`"
                  : "it draws, and is a statement of its own");
    return e.poison(site.at);
  }
  std::vector<std::string> names;
  for (size_t i = 0; i < parameters.size(); ++i)
    if (site.has(i)) {
      names.push_back(parameters[i].name);
      result.elements.push_back(site[i]);
    }
  result.effect = [&e, names, kind = kind.name, at = site.at](const std::vector<Value> &values) {
    std::vector<std::pair<std::string, Value>> arguments;
    for (size_t i = 0; i < values.size(); ++i)
      arguments.push_back({names[i], values[i]});
    e.executor->show(kind, arguments, at);
  };
  return result;
}

static void addPicture(BuiltinTable &table, PictureKind kind) {
  using P = PictureParameter;
  // title, x_label, y_label, save, width, height
  kind.takes.insert(kind.takes.end(), {P::Text, P::Text, P::Text, P::File, P::Pixels, P::Pixels});
  Builtin &builtin = table.add(kind.name, nullptr);
  builtin.apply = [kind = std::move(kind), &builtin](Elaborator &e, CallSite &site) {
    std::vector<PictureParameter> parameters;
    for (size_t i = 0; i < kind.takes.size(); ++i)
      parameters.push_back({builtin.parameters[i].name, kind.takes[i]});
    return picture(e, site, kind, parameters);
  };
}

void addShowBuiltins(BuiltinTable &table) {
  using P = PictureParameter;
  table.add("print", print);
  addPicture(table, {"plot", {P::Columns, P::Columns, P::Numbers, P::Names, P::Log, P::Points, P::Colours}, fitsPlot});
  addPicture(table, {"scatter", {P::Numbers, P::Numbers, P::Colours, P::Log}, fitsScatter});
  addPicture(table, {"histogram", {P::Columns, P::Count, P::Names}, fitsHistogram});
  addPicture(table, {"bar", {P::Colours, P::Numbers, P::Names}, fitsBar});
  addPicture(table, {"show", {P::Numbers, P::Colours, P::Count}, fitsShow});
  addPicture(table, {"heatmap", {P::Numbers, P::Names, P::Flag, P::Names}, fitsHeatmap});
  addPicture(table, {"confusion_matrix", {P::Numbers, P::Numbers, P::Names}, fitsConfusion});
}

} // namespace dlc
