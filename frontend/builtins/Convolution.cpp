// Convolutions: products of windows with a kernel; transposed ones add the windows of a product up. What is called so is
// PyTorch's (a correlation: the kernel is not turned round).
#include "frontend/builtins/Windows.h"

#include "ir/Dialect.h"

namespace dlc {

namespace {
/// The arguments of a convolution over `spatial` axes, read and checked.
struct Convolution {
  Value x, w, b;
  std::vector<WindowAxis> windows;
  std::vector<Size> outputPadding;
  Size groups{1};
  std::optional<PadMode> mode;
};

/// Places of arguments.
enum { Input, Weight, Bias, Stride, Padding, Dilation, Groups, Last };

constexpr const char *positionLetters = "pqr", *tapLetters = "xyz";
} // namespace

/// Sets the padding: a number, one for each axis, "valid", or "same" (the output has the input's size).
static bool readPadding(Elaborator &e, CallSite &site, Convolution &c, bool transposed) {
  size_t spatial = c.windows.size();
  if (!site.has(Padding) || site[Padding].kind != Value::String) {
    auto padding = countsArgument(e, site, Padding, spatial, 0, 0, "padding");
    for (size_t i = 0; padding && i < spatial; ++i)
      c.windows[i].low = c.windows[i].high = (*padding)[i];
    return padding.has_value();
  }
  const std::string &text = site[Padding].text;
  if (text == "valid")
    return true;
  if (text != "same" || transposed) {
    e.error(Diag::BadArgument, site[Padding].at,
            fmt::format("the padding is \"{}\", expected a number, a list of one for each axis{}", text,
                        transposed ? "" : ", \"same\" or \"valid\""));
    return false;
  }
  for (WindowAxis &window : c.windows) {
    if (window.step.isConstant() && window.step.constant() != 1) {
      e.error(Diag::BadArgument, site[Padding].at,
              fmt::format("padding \"same\" with a stride of {}: the output cannot have the input's size",
                          window.step.str()))
          .help("write the padding as a number");
      return false;
    }
    // One more behind than in front where the sum is odd, as PyTorch does.
    Size total = (window.taps - Size(1)) * window.spread;
    window.low = Size::floorDiv(total, Size(2)), window.high = total - window.low;
  }
  return true;
}

/// Reports a count of channels that the groups do not divide.
static bool checkGroups(Elaborator &e, CallSite &site, const Convolution &c, const char *what, const Value &of,
                        const Size &count) {
  if (!c.groups.isConstant() || !count.isConstant() || count.constant() % c.groups.constant() == 0)
    return true;
  auto report = e.error(Diag::BadArgument, site.has(Groups) ? site[Groups].at : site.at,
                        fmt::format("{} groups do not divide the {} {} channels", c.groups.str(), count.str(), what));
  e.noteIs(report, of);
  return false;
}

/// Reports channels that do not fit.
static bool checkChannels(Elaborator &e, CallSite &site, const Convolution &c, bool transposed) {
  const Size &inputs = c.x.shape[1].size, &first = c.w.shape[0].size;
  Size expected = transposed ? first : c.w.shape[1].size * c.groups;
  if (!checkGroups(e, site, c, "input", c.x, inputs) || (!transposed && !checkGroups(e, site, c, "output", c.w, first)))
    return false;
  if (!e.sameSize(inputs, expected).value_or(true)) {
    std::string groups = c.groups == Size(1) ? "" : fmt::format(", in {} groups", c.groups.str());
    auto report = e.error(Diag::ArgumentShape, site.at, fmt::format("the input of `{}`", site.callee),
                          fmt::format("{} with {} channels (axis 1)", describe(c.x), inputs.str()),
                          fmt::format("{} channels: the weight is {}{}", expected.str(), describe(c.w), groups));
    e.noteIs(report, c.x);
    e.noteOrigins(report, c.x, 1);
    e.noteOrigins(report, c.w, transposed ? 0 : 1);
    if (c.x.shape.back().size == expected) {
      std::string order = "0, " + std::to_string(c.x.shape.size() - 1);
      for (size_t axis = 1; axis + 1 < c.x.shape.size(); ++axis)
        order += fmt::format(", {}", axis);
      report.help("channels are axis 1: `permute(x, [" + order + "])` moves the last axis there");
    }
    return false;
  }
  return true;
}

static std::optional<Convolution> readConvolution(Elaborator &e, CallSite &site, size_t spatial, bool transposed) {
  Convolution c;
  c.x = spatialArgument(e, site, spatial), c.w = floatArgument(e, site, Weight);
  c.b = site.has(Bias) ? floatArgument(e, site, Bias) : Value::unit(site.at);
  if (c.x.poison() || c.w.poison() || c.b.poison())
    return std::nullopt;
  if (c.w.shape.size() != spatial + 2) {
    e.error(Diag::RankMismatch, c.w.at, "the weight " + describe(c.w), c.w.shape.size(),
            fmt::format("{} ({}, then the kernel)", spatial + 2, transposed ? "in, out / groups" : "out, in / groups"));
    return std::nullopt;
  }
  auto stride = countsArgument(e, site, Stride, spatial, 1, 1, "stride"),
       dilation = countsArgument(e, site, Dilation, spatial, 1, 1, "dilation"),
       groups = countsArgument(e, site, Groups, 1, 1, 1, "number of groups");
  if (!stride || !dilation || !groups)
    return std::nullopt;
  c.groups = groups->front();
  for (size_t i = 0; i < spatial; ++i)
    c.windows.push_back({int64_t(i) + 2, c.w.shape[i + 2].size, (*stride)[i], (*dilation)[i]});
  for (const WindowAxis &window : c.windows)
    if (window.taps == Size(0)) {
      auto report =
          e.error(Diag::BadArgument, site.at, fmt::format("the kernel of `{}` is 0, expected at least 1", site.callee));
      e.noteIs(report, c.w);
      return std::nullopt;
    }
  if (!readPadding(e, site, c, transposed) || !checkChannels(e, site, c, transposed))
    return std::nullopt;
  Size outputs = transposed ? c.w.shape[1].size * c.groups : c.w.shape[0].size;
  if (c.b.isTensor() && (c.b.shape.size() != 1 || !e.sameSize(c.b.shape[0].size, outputs).value_or(true))) {
    e.error(Diag::ArgumentShape, c.b.at, "the bias", describe(c.b), "`f32[" + outputs.str() + "]`")
        .note(c.w.at, fmt::format("the weight {} has {} outputs{}", describe(c.w), outputs.str(),
                                  c.groups == Size(1) ? "" : fmt::format(" in {} groups", c.groups.str())));
    return std::nullopt;
  }
  if (!e.unifyDTypes(c.x, c.w, site.callee.c_str(), site.at) ||
      (c.b.isTensor() && !e.unifyDTypes(c.x, c.b, site.callee.c_str(), site.at)))
    return std::nullopt;
  if (transposed) {
    auto padding = countsArgument(e, site, Last, spatial, 0, 0, "output padding");
    if (!padding)
      return std::nullopt;
    c.outputPadding = *padding;
  } else if (site.has(Last) && !(site[Last].kind == Value::String && site[Last].text == "zeros")) {
    c.mode = padModeArgument(e, site, Last);
    if (!c.mode)
      return std::nullopt;
  }
  return c;
}

/// Axis `axis` as two, of which the first is the groups.
static Value splitGroups(Elaborator &e, const Value &x, size_t axis, const Size &groups, SourceRange at) {
  Shape shape = x.shape;
  Size each = Size::quotient(shape[axis].size, groups);
  shape[axis] = {groups, at};
  shape.insert(shape.begin() + axis + 1, Dim{each, at});
  return e.reshape(x, shape, at);
}

/// Several groups are an axis of their own, in front of the channels of the input and of the weight; windows move behind it.
static bool separateGroups(Elaborator &e, Convolution &c, Value &x, Value &w, SourceRange at) {
  if (c.groups == Size(1))
    return false;
  x = splitGroups(e, x, 1, c.groups, at), w = splitGroups(e, w, 0, c.groups, at);
  for (WindowAxis &window : c.windows)
    ++window.axis;
  return true;
}

static Value joinGroups(Elaborator &e, const Value &x, size_t axis, SourceRange at) {
  Shape shape = x.shape;
  shape[axis] = {shape[axis].size * shape[axis + 1].size, at};
  shape.erase(shape.begin() + axis + 1);
  return e.reshape(x, shape, at);
}

static Value addBias(Elaborator &e, const Value &y, const Value &b, SourceRange at) {
  if (!b.isTensor())
    return y;
  Shape shape = b.shape;
  for (size_t i = 2; i < y.shape.size(); ++i)
    shape.push_back({Size(1), at});
  return e.binaryOp("add", y, e.broadcastTo(e.reshape(b, shape, at), y.shape, at), at);
}

/// conv(x, w, b, stride, padding, dilation, groups, padding_mode): x is [n, c, ..], w is [o, c / groups, ..].
static Value conv(Elaborator &e, CallSite &site, size_t spatial) {
  std::optional<Convolution> c = readConvolution(e, site, spatial, false);
  if (!c || !windowsFit(e, site, c->x, c->windows))
    return e.poison(site.at);
  auto widths = widthsOf(spatial + 2, c->windows);
  Value x = c->mode ? padByMode(e, c->x, widths, *c->mode, site.at) : padWithZeros(e, c->x, widths, site.at);
  if (x.poison())
    return x;
  Value w = c->w;
  bool grouped = separateGroups(e, *c, x, w, site.at);
  std::string group = grouped ? "g" : "", positions(positionLetters, spatial), taps(tapLetters, spatial);
  Value windows = windowsOf(e, x, c->windows, site.at);
  Shape shape = {windows.shape[0]};
  size_t channels = 1;
  if (grouped)
    shape.push_back(w.shape[0]), ++channels;
  shape.push_back(w.shape[channels - 1]);
  for (size_t i = 0; i < spatial; ++i)
    shape.push_back(windows.shape[channels + 1 + i]);
  Value y =
      e.contractOp("n" + group + "c" + positions + taps + "," + group + "fc" + taps + "->n" + group + "f" + positions,
                   windows, w, shape, site.at);
  if (grouped)
    y = joinGroups(e, y, 1, site.at);
  return addBias(e, y, c->b, site.at);
}

/// conv_transpose(x, w, b, stride, padding, dilation, groups, output_padding): w is [c, o / groups, ..].
static Value convTranspose(Elaborator &e, CallSite &site, size_t spatial) {
  std::optional<Convolution> c = readConvolution(e, site, spatial, true);
  if (!c)
    return e.poison(site.at);
  std::vector<Size> sizes, extents;
  for (size_t i = 0; i < spatial; ++i) {
    const WindowAxis &window = c->windows[i];
    const Size &size = c->x.shape[window.axis].size;
    const Size &more = c->outputPadding[i];
    if (more.isConstant() && window.step.isConstant() && window.spread.isConstant() &&
        more.constant() >= std::max(window.step.constant(), window.spread.constant())) {
      e.error(Diag::BadArgument, site.has(Last) ? site[Last].at : site.at,
              fmt::format("the output padding is {}, expected less than the stride {} or the dilation {}", more.str(),
                          window.step.str(), window.spread.str()));
      return e.poison(site.at);
    }
    Size whole = (size - Size(1)) * window.step + window.reach();
    Size result = whole + more - window.low - window.high;
    if (result.isConstant() && result.constant() < 1) {
      auto report =
          e.error(Diag::BadArgument, site.at,
                  fmt::format("the output of `{}` would have size {}: {} without the padding of {} on both sides",
                              site.callee, result.str(), (whole + more).str(), window.low.str()));
      e.noteIs(report, c->x);
      if (Size all = whole + more; all.isConstant() && all.constant() > 0)
        report.help(fmt::format("a padding of at most {} would fit", (all.constant() - 1) / 2));
      return e.poison(site.at);
    }
    sizes.push_back(result);
    // What the output padding adds beyond the windows is zero.
    bool beyond = more.isConstant() && window.high.isConstant() && more.constant() > window.high.constant();
    extents.push_back(beyond ? result + window.low : whole);
  }
  Shape output = {c->x.shape[0], {c->w.shape[1].size * c->groups, site.at}};
  for (const Size &extent : extents)
    output.push_back({extent, site.at});
  if (tooLarge(e, output, site.at))
    return e.poison(site.at);
  Value x = c->x, w = c->w;
  bool grouped = separateGroups(e, *c, x, w, site.at);
  std::string group = grouped ? "g" : "", positions(positionLetters, spatial), taps(tapLetters, spatial);
  Shape shape = {x.shape[0]};
  size_t channels = 1;
  if (grouped)
    shape.push_back(w.shape[0]), ++channels;
  shape.push_back(w.shape[channels]);
  for (size_t i = 0; i < spatial; ++i)
    shape.push_back(x.shape[channels + 1 + i]);
  for (size_t i = 0; i < spatial; ++i)
    shape.push_back(w.shape[channels + 1 + i]);
  Value windows =
      e.contractOp("n" + group + "c" + positions + "," + group + "cf" + taps + "->n" + group + "f" + positions + taps,
                   x, w, shape, site.at);
  Value y = withoutPadding(e, overlapAdd(e, windows, c->windows, extents, site.at), c->windows, sizes, site.at);
  if (grouped)
    y = joinGroups(e, y, 1, site.at);
  return addBias(e, y, c->b, site.at);
}

/// unfold(x, kernel, stride, padding, dilation): [n, c * kernel, positions], as PyTorch's.
static std::optional<std::vector<WindowAxis>> slidingWindows(Elaborator &e, CallSite &site, size_t first) {
  auto kernel = countsArgument(e, site, first, 2, 1, 1, "kernel"),
       stride = countsArgument(e, site, first + 1, 2, 1, 1, "stride"),
       padding = countsArgument(e, site, first + 2, 2, 0, 0, "padding"),
       dilation = countsArgument(e, site, first + 3, 2, 1, 1, "dilation");
  if (!kernel || !stride || !padding || !dilation)
    return std::nullopt;
  std::vector<WindowAxis> windows;
  for (size_t i = 0; i < 2; ++i)
    windows.push_back({int64_t(i) + 2, (*kernel)[i], (*stride)[i], (*dilation)[i], (*padding)[i], (*padding)[i]});
  return windows;
}

static Value unfold(Elaborator &e, CallSite &site) {
  Value x = spatialArgument(e, site, 2);
  auto axes = x.poison() ? std::nullopt : slidingWindows(e, site, 1);
  if (!axes || !windowsFit(e, site, x, *axes))
    return e.poison(site.at);
  x = padWithZeros(e, x, widthsOf(4, *axes), site.at);
  if (x.poison())
    return x;
  Value windows = windowsOf(e, x, *axes, site.at);
  Value columns = e.transpose(windows, {0, 1, 4, 5, 2, 3}, site.at);
  const Shape &s = columns.shape;
  return e.reshape(columns, {s[0], {s[1].size * s[2].size * s[3].size, site.at}, {s[4].size * s[5].size, site.at}},
                   site.at);
}

/// fold(x, size, kernel, stride, padding, dilation): what `unfold` took apart, added up where it overlaps.
Value foldTensor(Elaborator &e, CallSite &site) {
  Value x = floatArgument(e, site, 0);
  std::optional<Shape> size = x.poison() ? std::nullopt : shapeArgument(e, site, 1);
  auto axes = size ? slidingWindows(e, site, 2) : std::nullopt;
  if (!axes)
    return e.poison(site.at);
  if (x.shape.size() != 3 || size->size() != 2) {
    e.error(Diag::RankMismatch, x.shape.size() != 3 ? x.at : site[1].at,
            x.shape.size() != 3 ? "the input " + describe(x) : "the size",
            x.shape.size() != 3 ? x.shape.size() : size->size(),
            x.shape.size() != 3 ? "3 (batch, channels times kernel, positions)" : "2 (height, width)");
    return e.poison(site.at);
  }
  Size area = (*axes)[0].taps * (*axes)[1].taps;
  const Size &rows = x.shape[1].size;
  if (rows.isConstant() && area.isConstant() && rows.constant() % area.constant() != 0) {
    e.error(Diag::NotDivisible, x.at, area.str(), rows.str());
    return e.poison(site.at);
  }
  Shape image = {x.shape[0], {Size::quotient(rows, area), site.at}, (*size)[0], (*size)[1]};
  if (!windowsFit(e, site, Value::ofTensor(x.dtype, image, {}, x.at), *axes))
    return e.poison(site.at);
  Shape shape = {image[0], image[1], {(*axes)[0].taps, site.at}, {(*axes)[1].taps, site.at}};
  std::vector<Size> extents, sizes;
  Size positions(1);
  for (const WindowAxis &window : *axes) {
    sizes.push_back(image[window.axis].size);
    extents.push_back(sizes.back() + window.low + window.high);
    shape.push_back({window.positions(sizes.back()), site.at});
    positions = positions * shape.back().size;
  }
  if (!e.sameSize(positions, x.shape[2].size).value_or(true)) {
    e.error(Diag::BadArgument, x.at,
            fmt::format("{} has {} positions, windows on {} have {}", describe(x), x.shape[2].size.str(), str(*size),
                        positions.str()));
    return e.poison(site.at);
  }
  Value windows = e.transpose(e.reshape(x, shape, site.at), {0, 1, 4, 5, 2, 3}, site.at);
  return withoutPadding(e, overlapAdd(e, windows, *axes, extents, site.at), *axes, sizes, site.at);
}

void addConvolutionBuiltins(BuiltinTable &table) {
  for (size_t spatial : {1, 2, 3}) {
    table.add(fmt::format("conv{}d", spatial),
              [spatial](Elaborator &e, CallSite &site) { return conv(e, site, spatial); });
    table.add(fmt::format("conv_transpose{}d", spatial),
              [spatial](Elaborator &e, CallSite &site) { return convTranspose(e, site, spatial); });
  }
  table.add("unfold", unfold);
}

} // namespace dlc
