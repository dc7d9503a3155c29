// Convolutions, pooling and resizing: shapes while checking; an instance refuses them for now.
#include "frontend/builtins/Builtins.h"

namespace dlc {

/// Output size of a window along an axis: div(size + low + high - dilation * (kernel - 1) - 1, stride) + 1.
static Size windowed(const Size &size, int64_t kernel, int64_t stride, int64_t padding, int64_t dilation) {
  return Size::floorDiv(size + Size(2 * padding - dilation * (kernel - 1) - 1), Size(stride)) + Size(1);
}

static bool positive(Elaborator &e, CallSite &site, size_t i, const std::vector<int64_t> &numbers, int64_t least) {
  for (int64_t number : numbers)
    if (number < least) {
      e.error(Diag::BadArgument, site.has(i) ? site[i].at : site.at,
              fmt::format("{} is {}, expected at least {}", site.callee, number, least));
      return false;
    }
  return true;
}

/// conv(x, w, b, stride, padding, dilation, groups), over `spatial` axes; x is [n, c, ..], w is [o, c / groups, ..].
static Value conv(Elaborator &e, CallSite &site, size_t spatial, bool transposed) {
  Value x = floatArgument(e, site, 0), w = floatArgument(e, site, 1);
  Value b = site.has(2) ? floatArgument(e, site, 2) : Value::unit(site.at);
  if (x.poison() || w.poison() || b.poison())
    return e.poison(site.at);
  for (const Value *side : {&x, &w})
    if (side->shape.size() != spatial + 2) {
      auto report =
          e.error(Diag::RankMismatch, side->at, (side == &x ? "the input " : "the weight ") + describe(*side),
                  side->shape.size(),
                  fmt::format("{} ({})", spatial + 2,
                              side == &x ? "batch, channels, then space" : "out, in / groups, then the kernel"));
      if (side == &x && side->shape.size() == spatial + 1)
        report.help("`expand_dims(x, axis: 0)` makes a batch of one");
      return e.poison(site.at);
    }
  auto stride = numbersArgument(e, site, 3, spatial, 1), padding = numbersArgument(e, site, 4, spatial, 0),
       dilation = numbersArgument(e, site, 5, spatial, 1);
  auto groups = numbersArgument(e, site, 6, 1, 1);
  if (!stride || !padding || !dilation || !groups || !positive(e, site, 3, *stride, 1) ||
      !positive(e, site, 4, *padding, 0) || !positive(e, site, 5, *dilation, 1) || !positive(e, site, 6, *groups, 1))
    return e.poison(site.at);
  Size channels = transposed ? w.shape[0].size : w.shape[1].size * Size((*groups)[0]);
  if (!e.sameSize(x.shape[1].size, channels).value_or(true)) {
    auto report = e.error(Diag::ArgumentShape, x.at, fmt::format("the input of `{}`", site.callee), describe(x),
                          fmt::format("{} channels", channels.str()));
    report.note(w.at, "the weight is " + describe(w));
    e.noteOrigins(report, x, 1);
    e.noteOrigins(report, w, transposed ? 0 : 1);
    return e.poison(site.at);
  }
  Size outputs = transposed ? w.shape[1].size * Size((*groups)[0]) : w.shape[0].size;
  if (b.isTensor() && (b.shape.size() != 1 || !e.sameSize(b.shape[0].size, outputs).value_or(true))) {
    e.error(Diag::ArgumentShape, b.at, "the bias", describe(b), "`f32[" + outputs.str() + "]`");
    return e.poison(site.at);
  }
  Shape shape = {x.shape[0], {outputs, w.shape[transposed ? 1 : 0].origin}};
  for (size_t i = 0; i < spatial; ++i) {
    const Size &kernel = w.shape[i + 2].size;
    int64_t k = kernel.isConstant() ? kernel.constant() : 1;
    Size out = transposed ? (x.shape[i + 2].size - Size(1)) * Size((*stride)[i]) +
                                Size((*dilation)[i] * (k - 1) + 1 - 2 * (*padding)[i])
                          : windowed(x.shape[i + 2].size, k, (*stride)[i], (*padding)[i], (*dilation)[i]);
    if (out.isConstant() && out.constant() < 1) {
      auto report = e.error(Diag::WindowSize, site.at, k, x.shape[i + 2].size.str());
      e.noteIs(report, x);
      e.noteOrigins(report, x, i + 2);
      return e.poison(site.at);
    }
    shape.push_back({out, site.at});
  }
  return notYet(e, Value::ofTensor(x.dtype, shape, {}, site.at), "convolution", site.at);
}

static Value pool(Elaborator &e, CallSite &site, size_t spatial) {
  Value x = floatArgument(e, site, 0);
  if (x.poison())
    return x;
  if (x.shape.size() != spatial + 2) {
    e.error(Diag::RankMismatch, x.at, "the input " + describe(x) + "", x.shape.size(),
            fmt::format("{} (batch, channels, then space)", spatial + 2));
    return e.poison(site.at);
  }
  auto kernel = numbersArgument(e, site, 1, spatial, 1);
  if (!kernel || !positive(e, site, 1, *kernel, 1))
    return e.poison(site.at);
  auto stride = site.has(2) ? numbersArgument(e, site, 2, spatial, 1) : kernel;
  auto padding = numbersArgument(e, site, 3, spatial, 0);
  if (!stride || !padding || !positive(e, site, 2, *stride, 1) || !positive(e, site, 3, *padding, 0))
    return e.poison(site.at);
  Shape shape = {x.shape[0], x.shape[1]};
  for (size_t i = 0; i < spatial; ++i) {
    Size out = windowed(x.shape[i + 2].size, (*kernel)[i], (*stride)[i], (*padding)[i], 1);
    if (out.isConstant() && out.constant() < 1) {
      auto report = e.error(Diag::WindowSize, site.at, (*kernel)[i], x.shape[i + 2].size.str());
      e.noteIs(report, x);
      e.noteOrigins(report, x, i + 2);
      return e.poison(site.at);
    }
    shape.push_back({out, site.at});
  }
  return notYet(e, Value::ofTensor(x.dtype, shape, {}, site.at), "pooling", site.at);
}

void addSpatialBuiltins(BuiltinTable &table) {
  const std::vector<std::string> convolution = {"x", "w", "b?", "stride?", "padding?", "dilation?", "groups?"};
  table.add("conv1d", convolution, [](Elaborator &e, CallSite &site) { return conv(e, site, 1, false); });
  table.add("conv2d", convolution, [](Elaborator &e, CallSite &site) { return conv(e, site, 2, false); });
  table.add("conv_transpose2d", convolution, [](Elaborator &e, CallSite &site) { return conv(e, site, 2, true); });
  table.add("max_pool2d", {"x", "kernel", "stride?", "padding?"},
            [](Elaborator &e, CallSite &site) { return pool(e, site, 2); });
  table.add("avg_pool2d", {"x", "kernel", "stride?", "padding?"},
            [](Elaborator &e, CallSite &site) { return pool(e, site, 2); });
  table.add("resize", {"x", "size"}, [](Elaborator &e, CallSite &site) {
    Value x = floatArgument(e, site, 0);
    std::optional<Shape> size = x.poison() ? std::nullopt : shapeArgument(e, site, 1);
    if (!size)
      return e.poison(site.at);
    if (size->size() > x.shape.size()) {
      e.error(Diag::RankMismatch, x.at, describe(x), x.shape.size(), fmt::format("at least {}", size->size()));
      return e.poison(site.at);
    }
    Shape shape = x.shape;
    std::copy(size->begin(), size->end(), shape.end() - size->size());
    return notYet(e, Value::ofTensor(x.dtype, shape, {}, site.at), "`resize`", site.at);
  });
}

} // namespace dlc
